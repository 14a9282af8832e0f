/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.metadata_locks: held and pending metadata locks, columns and words of MySQL
 * 8.4. Quell has no instruments to switch on: the list is always complete. Runs on the session that
 * looks; txn copies the list.
 */
#include "base/hash.h"
#include "txn/mdl.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(OBJECT_TYPE, 's', 64, NN)                                                                    \
    C(OBJECT_SCHEMA, 's', 64, NUL)                                                                 \
    C(OBJECT_NAME, 's', 64, NUL)                                                                   \
    C(COLUMN_NAME, 's', 64, NUL)                                                                   \
    C(OBJECT_INSTANCE_BEGIN, 'u', 0, NN)                                                           \
    C(LOCK_TYPE, 's', 32, NN)                                                                      \
    C(LOCK_DURATION, 's', 32, NN)                                                                  \
    C(LOCK_STATUS, 's', 32, NN)                                                                    \
    C(SOURCE, 's', 64, NUL)                                                                        \
    C(OWNER_THREAD_ID, 'u', 0, NUL)                                                                \
    C(OWNER_EVENT_ID, 'u', 0, NUL)
QLI_COLUMNS(metadata_locks, COLUMNS);

/* A number that tells requests apart and stays the same from one look to the next. */
static uint64_t
instance_of(const ql_mdl_info *l)
{
    uint64_t h = ql_hash_bytes(l->name.p, l->name.n, ql_hash_u64(l->conn_id));
    h = ql_hash_bytes(l->db.p, l->db.n, h);
    return ql_hash_u64(h ^ ((uint64_t)l->space << 16 | (uint64_t)l->mode << 8 |
                            (uint64_t)l->duration << 1 | l->granted));
}

ql_status
qli_fill_metadata_locks(ql_ctx *cx, ql_view_rows *r)
{
    static const ql_str none = {NULL, 0};
    ql_mdl_info *l;
    size_t n;
    QL_TRY(ql_mdl_list(cx, r->a, &l, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_OBJECT_TYPE], ql_mdl_space_name(l[i].space));
        qli_set_opt_str(&v[COL_OBJECT_SCHEMA], l[i].db.n ? l[i].db : none);
        qli_set_opt_str(&v[COL_OBJECT_NAME], l[i].name.n ? l[i].name : none);
        v[COL_OBJECT_INSTANCE_BEGIN] = ql_value_uint(instance_of(&l[i]));
        qli_set_cstr(&v[COL_LOCK_TYPE], ql_mdl_mode_name(l[i].mode));
        qli_set_cstr(&v[COL_LOCK_DURATION], ql_mdl_duration_name(l[i].duration));
        qli_set_cstr(&v[COL_LOCK_STATUS], l[i].granted ? "GRANTED" : "PENDING");
        v[COL_OWNER_THREAD_ID] = ql_value_uint(l[i].conn_id);
    }
    return QL_OK;
}
