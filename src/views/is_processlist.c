/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.PROCESSLIST, with Quell's own columns at its end; SHOW PROCESSLIST is a
 * projection of it. The list is copied shard by shard: listing stops nobody.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(ID, 'u', 21, NN)                                                                             \
    C(USER, 's', 32, NN)                                                                           \
    C(HOST, 's', 261, NN)                                                                          \
    C(DB, 's', 64, NUL)                                                                            \
    C(COMMAND, 's', 16, NN)                                                                        \
    C(TIME, 'n', 7, NN)                                                                            \
    C(STATE, 's', 64, NUL)                                                                         \
    C(INFO, 's', 65535, NUL)                                                                       \
    C(QUERY_ID, 'u', 0, NN)                                                                        \
    C(TIME_MS, 'i', 0, NN)                                                                         \
    C(ROWS_EXAMINED, 'u', 0, NN)                                                                   \
    C(ROWS_SENT, 'u', 0, NN)                                                                       \
    C(MEMORY_USED, 'u', 0, NN)                                                                     \
    C(TRX_AGE_MS, 'i', 0, NUL)                                                                     \
    C(SNAPSHOT_AGE_MS, 'i', 0, NUL)                                                                \
    C(WAITS_FOR, 'u', 0, NUL)                                                                      \
    C(TRX_STATE, 's', 16, NUL)                                                                     \
    C(PROGRESS, 'm', 3, NUL)
QLI_COLUMNS(processlist, COLUMNS);

static ql_value
age(int64_t ms)
{
    return ms < 0 ? ql_value_null() : ql_value_int(ms);
}

ql_status
qli_fill_processlist(ql_ctx *cx, ql_view_rows *r)
{
    ql_proc_info *p;
    size_t n;
    QL_TRY(ql_procs_list(cx, cx->inst->procs, r->a, &p, &n));
    for (size_t i = 0; i < n; i++, p++) {
        ql_value *v;
        if (!qli_viewer_sees(cx, p)) {
            continue;
        }
        QL_TRY(ql_view_row(cx, r, &v));
        v[COL_ID] = ql_value_uint(p->id);
        qli_set_str(&v[COL_USER], p->user);
        qli_set_str(&v[COL_HOST], p->host);
        qli_set_opt_str(&v[COL_DB], p->db);
        qli_set_cstr(&v[COL_COMMAND], p->command);
        v[COL_TIME] = ql_value_int(p->time_ms / 1000);
        qli_set_cstr(&v[COL_STATE], p->state ? p->state : "");
        qli_set_opt_str(&v[COL_INFO], p->info);
        v[COL_QUERY_ID] = ql_value_uint(p->query_id);
        v[COL_TIME_MS] = ql_value_int(p->time_ms);
        v[COL_ROWS_EXAMINED] = ql_value_uint(p->rows_examined);
        v[COL_ROWS_SENT] = ql_value_uint(p->rows_sent);
        v[COL_MEMORY_USED] = ql_value_uint(p->memory_used);
        v[COL_TRX_AGE_MS] = age(p->trx_age_ms);
        v[COL_SNAPSHOT_AGE_MS] = age(p->snapshot_age_ms);
        v[COL_WAITS_FOR] = p->waits_for ? ql_value_uint(p->waits_for) : ql_value_null();
        if (p->work_estimated) {
            double percent = 100 * (double)p->work_done / (double)p->work_estimated;
            v[COL_PROGRESS] = ql_value_uint(percent < 100 ? (uint64_t)percent : 100);
        }
        if (p->commit_state) {
            qli_set_cstr(&v[COL_TRX_STATE], p->commit_state);
        }
    }
    return QL_OK;
}
