/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.data_lock_waits: requests and the locks in their way. Columns are those of
 * MySQL 8.4. Runs on the session that looks.
 */
#include "views/lockview.h"
#include "views/lockwaits_int.h"
#include "views/views_int.h"

#define SIDE(C, P)                                                                                 \
    C(P##_ENGINE_LOCK_ID, 's', 128, NN)                                                            \
    C(P##_ENGINE_TRANSACTION_ID, 'u', 0, NUL)                                                      \
    C(P##_THREAD_ID, 'u', 0, NUL)                                                                  \
    C(P##_EVENT_ID, 'u', 0, NUL)                                                                   \
    C(P##_OBJECT_INSTANCE_BEGIN, 'u', 0, NN)
#define COLUMNS(C)                                                                                 \
    C(ENGINE, 's', 32, NN)                                                                         \
    SIDE(C, REQUESTING)                                                                            \
    SIDE(C, BLOCKING)
QLI_COLUMNS(data_lock_waits, COLUMNS);

#define SET_SIDE(v, P, l, id)                                                                      \
    do {                                                                                           \
        qli_set_cstr(&(v)[COL_##P##_ENGINE_LOCK_ID], id);                                          \
        (v)[COL_##P##_ENGINE_TRANSACTION_ID] = ql_value_uint((l)->trx_id);                         \
        if ((l)->conn_id) {                                                                        \
            (v)[COL_##P##_THREAD_ID] = ql_value_uint((l)->conn_id);                                \
        }                                                                                          \
        (v)[COL_##P##_OBJECT_INSTANCE_BEGIN] = ql_value_uint((l)->lock_id);                        \
    } while (0)

ql_status
qli_fill_data_lock_waits(ql_ctx *cx, ql_view_rows *r)
{
    ql_lock_info *l;
    qli_lock_edge *e;
    size_t n, nedges;
    QL_TRY(ql_txnsys_list_locks(cx, r->a, &l, &n));
    QL_TRY(qli_lock_edges(cx, r->a, l, n, &e, &nedges));
    for (size_t i = 0; i < nedges; i++) {
        const ql_lock_info *asks = &l[e[i].waiter], *has = &l[e[i].blocker];
        char *asked = ql_row_lock_id(cx, r->a, asks->trx_id, asks->lock_id);
        char *held = ql_row_lock_id(cx, r->a, has->trx_id, has->lock_id);
        ql_value *v;
        if (!asked || !held) {
            return QL_ERROR;
        }
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_ENGINE], "INNODB");
        SET_SIDE(v, REQUESTING, asks, asked);
        SET_SIDE(v, BLOCKING, has, held);
    }
    return QL_OK;
}
