/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.threads: the sessions, with columns of MySQL 8.4. Without PROCESS one's own
 * only.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(THREAD_ID, 'u', 0, NN)                                                                       \
    C(NAME, 's', 128, NN)                                                                          \
    C(TYPE, 's', 10, NN)                                                                           \
    C(PROCESSLIST_ID, 'u', 0, NUL)                                                                 \
    C(PROCESSLIST_USER, 's', 32, NUL)                                                              \
    C(PROCESSLIST_HOST, 's', 255, NUL)                                                             \
    C(PROCESSLIST_DB, 's', 64, NUL)                                                                \
    C(PROCESSLIST_COMMAND, 's', 16, NUL)                                                           \
    C(PROCESSLIST_TIME, 'i', 0, NUL)                                                               \
    C(PROCESSLIST_STATE, 's', 64, NUL)                                                             \
    C(PROCESSLIST_INFO, 't', 0, NUL)                                                               \
    C(PARENT_THREAD_ID, 'u', 0, NUL)                                                               \
    C(ROLE, 's', 64, NUL)                                                                          \
    C(INSTRUMENTED, 's', 3, NN)                                                                    \
    C(HISTORY, 's', 3, NN)                                                                         \
    C(CONNECTION_TYPE, 's', 16, NUL)                                                               \
    C(THREAD_OS_ID, 'u', 0, NUL)                                                                   \
    C(RESOURCE_GROUP, 's', 64, NUL)                                                                \
    C(EXECUTION_ENGINE, 's', 9, NUL)                                                               \
    C(CONTROLLED_MEMORY, 'u', 0, NN)                                                               \
    C(MAX_CONTROLLED_MEMORY, 'u', 0, NN)                                                           \
    C(TOTAL_MEMORY, 'u', 0, NN)                                                                    \
    C(MAX_TOTAL_MEMORY, 'u', 0, NN)                                                                \
    C(TELEMETRY_ACTIVE, 's', 3, NN)
QLI_COLUMNS(threads, COLUMNS);

static void
set_process(ql_value *v, const ql_proc_info *p)
{
    v[COL_PROCESSLIST_ID] = ql_value_uint(p->id);
    if (p->authenticated) {
        qli_set_str(&v[COL_PROCESSLIST_USER], p->user);
    }
    qli_set_str(&v[COL_PROCESSLIST_HOST], p->host);
    qli_set_opt_str(&v[COL_PROCESSLIST_DB], p->db);
    qli_set_cstr(&v[COL_PROCESSLIST_COMMAND], p->command);
    v[COL_PROCESSLIST_TIME] = ql_value_int(p->time_ms / 1000);
    if (p->state && *p->state) {
        qli_set_cstr(&v[COL_PROCESSLIST_STATE], p->state);
    }
    qli_set_opt_str(&v[COL_PROCESSLIST_INFO], p->info);
}

ql_status
qli_fill_threads(ql_ctx *cx, ql_view_rows *r)
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
        v[COL_THREAD_ID] = ql_value_uint(p->id);
        qli_set_cstr(&v[COL_NAME], "thread/sql/one_connection");
        qli_set_cstr(&v[COL_TYPE], "FOREGROUND");
        set_process(v, p);
        qli_set_cstr(&v[COL_INSTRUMENTED], "YES");
        qli_set_cstr(&v[COL_HISTORY], "YES");
        qli_set_cstr(&v[COL_EXECUTION_ENGINE], "PRIMARY");
        v[COL_CONTROLLED_MEMORY] = v[COL_MAX_CONTROLLED_MEMORY] = ql_value_uint(p->memory_used);
        v[COL_TOTAL_MEMORY] = v[COL_MAX_TOTAL_MEMORY] = ql_value_uint(p->memory_used);
        qli_set_cstr(&v[COL_TELEMETRY_ACTIVE], "NO");
    }
    return QL_OK;
}
