/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema: processlist and threads, the two that tools look at before they kill, and the
 * list of its tables (locks: lockview.c, view_mdl.c). Columns are those of MySQL 8.4. Runs on the
 * session's thread, no locks of its own.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "views/views_int.h"

static const ql_view_column processlist_columns[] = {
    {"ID", 'u', 0, false},    {"USER", 's', 32, true},    {"HOST", 's', 261, true},
    {"DB", 's', 64, true},    {"COMMAND", 's', 16, true}, {"TIME", 'i', 0, true},
    {"STATE", 's', 64, true}, {"INFO", 't', 0, true},     {"EXECUTION_ENGINE", 's', 9, true},
    {NULL, 0, 0, false}};

static ql_status
fill_processlist(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_proc_info *p;
    size_t np;
    QL_TRY(ql_procs_list(cx, cx->inst->procs, a, &p, &np));
    for (size_t i = 0; i < np; i++, p++) {
        ql_value *v;
        if (!p->authenticated || !qli_viewer_sees(cx, p)) {
            continue;
        }
        QL_TRY(qli_rows_add(cx, &r, &v));
        v[0] = ql_value_uint(p->id);
        qli_set_str(&v[1], p->user);
        qli_set_str(&v[2], p->host);
        if (p->db.p) {
            qli_set_str(&v[3], p->db);
        }
        qli_set_cstr(&v[4], p->command);
        v[5] = ql_value_int(p->time_ms / 1000);
        qli_set_cstr(&v[6], p->state ? p->state : "");
        if (p->info.p) {
            qli_set_str(&v[7], p->info);
        }
        qli_set_cstr(&v[8], "PRIMARY");
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

static const ql_view_column threads_columns[] = {{"THREAD_ID", 'u', 0, false},
                                                 {"NAME", 's', 128, false},
                                                 {"TYPE", 's', 10, false},
                                                 {"PROCESSLIST_ID", 'u', 0, true},
                                                 {"PROCESSLIST_USER", 's', 32, true},
                                                 {"PROCESSLIST_HOST", 's', 255, true},
                                                 {"PROCESSLIST_DB", 's', 64, true},
                                                 {"PROCESSLIST_COMMAND", 's', 16, true},
                                                 {"PROCESSLIST_TIME", 'i', 0, true},
                                                 {"PROCESSLIST_STATE", 's', 64, true},
                                                 {"PROCESSLIST_INFO", 't', 0, true},
                                                 {"PARENT_THREAD_ID", 'u', 0, true},
                                                 {"ROLE", 's', 64, true},
                                                 {"INSTRUMENTED", 's', 3, false},
                                                 {"HISTORY", 's', 3, false},
                                                 {"CONNECTION_TYPE", 's', 16, true},
                                                 {"THREAD_OS_ID", 'u', 0, true},
                                                 {"RESOURCE_GROUP", 's', 64, true},
                                                 {"EXECUTION_ENGINE", 's', 9, true},
                                                 {"CONTROLLED_MEMORY", 'u', 0, false},
                                                 {"MAX_CONTROLLED_MEMORY", 'u', 0, false},
                                                 {"TOTAL_MEMORY", 'u', 0, false},
                                                 {"MAX_TOTAL_MEMORY", 'u', 0, false},
                                                 {"TELEMETRY_ACTIVE", 's', 3, false},
                                                 {NULL, 0, 0, false}};

/* Without PROCESS one's own rows only: there are no table privileges yet that could grant more. */
static ql_status
fill_threads(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_proc_info *p;
    size_t np;
    QL_TRY(ql_procs_list(cx, cx->inst->procs, a, &p, &np));
    for (size_t i = 0; i < np; i++, p++) {
        ql_value *v;
        if (!qli_viewer_sees(cx, p)) {
            continue;
        }
        QL_TRY(qli_rows_add(cx, &r, &v));
        v[0] = ql_value_uint(p->id);
        qli_set_cstr(&v[1], "thread/sql/one_connection");
        qli_set_cstr(&v[2], "FOREGROUND");
        v[3] = ql_value_uint(p->id);
        if (p->authenticated) {
            qli_set_str(&v[4], p->user);
        }
        qli_set_str(&v[5], p->host);
        if (p->db.p) {
            qli_set_str(&v[6], p->db);
        }
        qli_set_cstr(&v[7], p->command);
        v[8] = ql_value_int(p->time_ms / 1000);
        if (p->state && *p->state) {
            qli_set_cstr(&v[9], p->state);
        }
        if (p->info.p) {
            qli_set_str(&v[10], p->info);
        }
        qli_set_cstr(&v[13], "YES");
        qli_set_cstr(&v[14], "YES");
        qli_set_cstr(&v[18], "PRIMARY");
        v[19] = v[20] = v[21] = v[22] = ql_value_uint(p->memory_used);
        qli_set_cstr(&v[23], "NO");
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

const ql_virtual_table qli_perfschema_tables[] = {
    {"performance_schema", "data_lock_waits", qli_ps_data_lock_waits, qli_fill_data_lock_waits},
    {"performance_schema", "data_locks", qli_ps_data_locks, qli_fill_data_locks},
    {"performance_schema", "global_status", qli_ps_variables, qli_fill_status},
    {"performance_schema", "global_variables", qli_ps_variables, qli_fill_variables},
    {"performance_schema", "metadata_locks", qli_ps_metadata_locks, qli_fill_metadata_locks},
    {"performance_schema", "processlist", processlist_columns, fill_processlist},
    {"performance_schema", "replication_group_members", qli_ps_group_members, qli_fill_nothing},
    {"performance_schema", "session_status", qli_ps_variables, qli_fill_status},
    {"performance_schema", "session_variables", qli_ps_variables, qli_fill_variables},
    {"performance_schema", "threads", threads_columns, fill_threads},
};
const size_t qli_perfschema_count = QL_ARRAY_LEN(qli_perfschema_tables);
