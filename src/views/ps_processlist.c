/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.processlist: columns of MySQL 8.4.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(ID, 'u', 0, NN)                                                                              \
    C(USER, 's', 32, NUL)                                                                          \
    C(HOST, 's', 261, NUL)                                                                         \
    C(DB, 's', 64, NUL)                                                                            \
    C(COMMAND, 's', 16, NUL)                                                                       \
    C(TIME, 'i', 0, NUL)                                                                           \
    C(STATE, 's', 64, NUL)                                                                         \
    C(INFO, 't', 0, NUL)                                                                           \
    C(EXECUTION_ENGINE, 's', 9, NUL)
QLI_COLUMNS(ps_processlist, COLUMNS);

ql_status
qli_fill_ps_processlist(ql_ctx *cx, ql_view_rows *r)
{
    ql_proc_info *p;
    size_t n;
    QL_TRY(ql_procs_list(cx, cx->inst->procs, r->a, &p, &n));
    for (size_t i = 0; i < n; i++, p++) {
        ql_value *v;
        if (!p->authenticated || !qli_viewer_sees(cx, p)) {
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
        qli_set_cstr(&v[COL_EXECUTION_ENGINE], "PRIMARY");
    }
    return QL_OK;
}
