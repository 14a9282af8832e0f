/* SPDX-License-Identifier: Apache-2.0
 *
 * sys.schema_table_lock_waits: who waits for a metadata lock of a table (or for the table-level
 * lock of one without transactions), and who holds it. Runs on the session that looks.
 */
#include <string.h>

#include "base/arena.h"
#include "txn/mdl.h"
#include "views/views_int.h"

enum {
    SCHEMA,
    NAME,
    WAITING_THREAD,
    WAITING_PID,
    WAITING_ACCOUNT,
    WAITING_TYPE,
    WAITING_DURATION,
    WAITING_QUERY,
    WAITING_SECS,
    WAITING_AFFECTED,
    WAITING_EXAMINED,
    BLOCKING_THREAD,
    BLOCKING_PID,
    BLOCKING_ACCOUNT,
    BLOCKING_TYPE,
    BLOCKING_DURATION,
    KILL_QUERY,
    KILL_CONNECTION
};

const ql_view_column qli_sys_table_waits[] = {
    [SCHEMA] = {"object_schema", 's', 64, true},
    [NAME] = {"object_name", 's', 64, true},
    [WAITING_THREAD] = {"waiting_thread_id", 'u', 0, false},
    [WAITING_PID] = {"waiting_pid", 'u', 0, true},
    [WAITING_ACCOUNT] = {"waiting_account", 't', 0, true},
    [WAITING_TYPE] = {"waiting_lock_type", 's', 32, false},
    [WAITING_DURATION] = {"waiting_lock_duration", 's', 32, false},
    [WAITING_QUERY] = {"waiting_query", 't', 0, true},
    [WAITING_SECS] = {"waiting_query_secs", 'i', 0, true},
    [WAITING_AFFECTED] = {"waiting_query_rows_affected", 'u', 0, true},
    [WAITING_EXAMINED] = {"waiting_query_rows_examined", 'u', 0, true},
    [BLOCKING_THREAD] = {"blocking_thread_id", 'u', 0, false},
    [BLOCKING_PID] = {"blocking_pid", 'u', 0, true},
    [BLOCKING_ACCOUNT] = {"blocking_account", 't', 0, true},
    [BLOCKING_TYPE] = {"blocking_lock_type", 's', 32, false},
    [BLOCKING_DURATION] = {"blocking_lock_duration", 's', 32, false},
    [KILL_QUERY] = {"sql_kill_blocking_query", 's', 31, true},
    [KILL_CONNECTION] = {"sql_kill_blocking_connection", 's', 25, true},
    {NULL, 0, 0, false}};

/* user@host, the host without its port. */
static ql_status
set_account(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_proc_info *p)
{
    const char *colon = p->host.p ? memchr(p->host.p, ':', p->host.n) : NULL;
    int host = (int)(colon ? (size_t)(colon - p->host.p) : p->host.n);
    char *text = ql_arena_printf(cx, a, "%.*s@%.*s", (int)p->user.n, p->user.p ? p->user.p : "",
                                 host, p->host.p ? p->host.p : "");
    if (!text) {
        return QL_ERROR;
    }
    qli_set_cstr(v, text);
    return QL_OK;
}

static ql_status
add_table_wait(ql_ctx *cx, qli_rows *r, const qli_sessions *s, const ql_mdl_info *pending,
               const ql_mdl_info *other, bool raw)
{
    const ql_proc_info *waiter = qli_sessions_find(s, pending->conn_id);
    const ql_proc_info *blocker = qli_sessions_find(s, other->conn_id);
    ql_value *v;
    if (!waiter || !blocker) {
        return QL_OK;
    }
    QL_TRY(qli_rows_add(cx, r, &v));
    qli_set_str(&v[SCHEMA], other->db);
    qli_set_str(&v[NAME], other->name);
    v[WAITING_THREAD] = v[WAITING_PID] = ql_value_uint(waiter->id);
    QL_TRY(set_account(cx, r->a, &v[WAITING_ACCOUNT], waiter));
    qli_set_cstr(&v[WAITING_TYPE], ql_mdl_mode_name(pending->mode));
    qli_set_cstr(&v[WAITING_DURATION], ql_mdl_duration_name(pending->duration));
    QL_TRY(qli_set_sys_statement(cx, r->a, &v[WAITING_QUERY], waiter->info, raw));
    v[WAITING_SECS] = ql_value_int(waiter->time_ms / 1000);
    v[WAITING_AFFECTED] = ql_value_uint(0); /* nothing is changed before the tables are locked */
    v[WAITING_EXAMINED] = ql_value_uint(waiter->rows_examined);
    v[BLOCKING_THREAD] = v[BLOCKING_PID] = ql_value_uint(blocker->id);
    QL_TRY(set_account(cx, r->a, &v[BLOCKING_ACCOUNT], blocker));
    qli_set_cstr(&v[BLOCKING_TYPE], ql_mdl_mode_name(other->mode));
    qli_set_cstr(&v[BLOCKING_DURATION], ql_mdl_duration_name(other->duration));
    return qli_set_sys_kills(cx, r->a, &v[KILL_QUERY], blocker->id);
}

/* MySQL lists everybody who holds a lock of the table, the waiter too; here only those whose lock
 * is in the way. */
static bool
blocks(const ql_mdl_info *granted, const ql_mdl_info *pending)
{
    return granted->granted && granted->lock_id == pending->lock_id &&
           granted->conn_id != pending->conn_id &&
           ql_mdl_conflicts(granted->space, granted->mode, pending->mode);
}

/* Rows for one pending request: all holders in its way; without one, the request that it queues
 * behind. */
static ql_status
add_table_waits(ql_ctx *cx, qli_rows *r, const qli_sessions *s, const ql_mdl_info *l, size_t n,
                const ql_mdl_info *pending, bool raw)
{
    size_t before = r->n;
    for (size_t k = 0; k < n; k++) {
        if (blocks(&l[k], pending)) {
            QL_TRY(add_table_wait(cx, r, s, pending, &l[k], raw));
        }
    }
    for (size_t k = 0; k < n && r->n == before; k++) {
        if (!l[k].granted && l[k].lock_id == pending->lock_id &&
            l[k].conn_id == pending->blocking_conn_id) {
            QL_TRY(add_table_wait(cx, r, s, pending, &l[k], raw));
        }
    }
    return QL_OK;
}

static ql_status
fill_table_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, bool raw, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    qli_sessions s;
    ql_mdl_info *l;
    size_t nl;
    QL_TRY(ql_mdl_list(cx, a, &l, &nl));
    QL_TRY(qli_sessions_take(cx, a, &s));
    for (size_t i = 0; i < nl; i++) {
        bool table = l[i].space == QL_MDL_TABLE || l[i].space == QL_MDL_TABLE_DATA;
        if (l[i].granted || !table) {
            continue;
        }
        QL_TRY(ql_check(cx));
        QL_TRY(add_table_waits(cx, &r, &s, l, nl, &l[i], raw));
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

ql_status
qli_fill_table_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    return fill_table_waits(cx, a, t, false, rows, n);
}

ql_status
qli_fill_x_table_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    return fill_table_waits(cx, a, t, true, rows, n);
}
