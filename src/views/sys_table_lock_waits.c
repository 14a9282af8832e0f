/* SPDX-License-Identifier: Apache-2.0
 *
 * sys.schema_table_lock_waits: who waits for a metadata lock of a table (or for the table-level
 * lock of one without transactions), and who holds it. Runs on the session that looks.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "txn/mdl.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(object_schema, 's', 64, NUL)                                                                 \
    C(object_name, 's', 64, NUL)                                                                   \
    C(waiting_thread_id, 'u', 0, NN)                                                               \
    C(waiting_pid, 'u', 0, NUL)                                                                    \
    C(waiting_account, 't', 0, NUL)                                                                \
    C(waiting_lock_type, 's', 32, NN)                                                              \
    C(waiting_lock_duration, 's', 32, NN)                                                          \
    C(waiting_query, 't', 0, NUL)                                                                  \
    C(waiting_query_secs, 'i', 0, NUL)                                                             \
    C(waiting_query_rows_affected, 'u', 0, NUL)                                                    \
    C(waiting_query_rows_examined, 'u', 0, NUL)                                                    \
    C(blocking_thread_id, 'u', 0, NN)                                                              \
    C(blocking_pid, 'u', 0, NUL)                                                                   \
    C(blocking_account, 't', 0, NUL)                                                               \
    C(blocking_lock_type, 's', 32, NN)                                                             \
    C(blocking_lock_duration, 's', 32, NN)                                                         \
    C(sql_kill_blocking_query, 's', 31, NUL)                                                       \
    C(sql_kill_blocking_connection, 's', 25, NUL)
QLI_COLUMNS(table_lock_waits, COLUMNS);

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
add_table_wait(ql_ctx *cx, ql_view_rows *r, const qli_sessions *s, const ql_mdl_info *pending,
               const ql_mdl_info *other, bool raw)
{
    const ql_proc_info *waiter = qli_sessions_find(s, pending->conn_id);
    const ql_proc_info *blocker = qli_sessions_find(s, other->conn_id);
    ql_value *v;
    if (!waiter || !blocker) {
        return QL_OK;
    }
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_str(&v[COL_object_schema], other->db);
    qli_set_str(&v[COL_object_name], other->name);
    v[COL_waiting_thread_id] = v[COL_waiting_pid] = ql_value_uint(waiter->id);
    QL_TRY(set_account(cx, r->a, &v[COL_waiting_account], waiter));
    qli_set_cstr(&v[COL_waiting_lock_type], ql_mdl_mode_name(pending->mode));
    qli_set_cstr(&v[COL_waiting_lock_duration], ql_mdl_duration_name(pending->duration));
    QL_TRY(qli_set_sys_statement(cx, r->a, &v[COL_waiting_query], waiter->info, raw));
    v[COL_waiting_query_secs] = ql_value_int(waiter->time_ms / 1000);
    v[COL_waiting_query_rows_affected] =
        ql_value_uint(0); /* nothing is changed before the tables are locked */
    v[COL_waiting_query_rows_examined] = ql_value_uint(waiter->rows_examined);
    v[COL_blocking_thread_id] = v[COL_blocking_pid] = ql_value_uint(blocker->id);
    QL_TRY(set_account(cx, r->a, &v[COL_blocking_account], blocker));
    qli_set_cstr(&v[COL_blocking_lock_type], ql_mdl_mode_name(other->mode));
    qli_set_cstr(&v[COL_blocking_lock_duration], ql_mdl_duration_name(other->duration));
    return qli_set_sys_kills(cx, r->a, &v[COL_sql_kill_blocking_query],
                             &v[COL_sql_kill_blocking_connection], blocker->id);
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
add_table_waits(ql_ctx *cx, ql_view_rows *r, const qli_sessions *s, const ql_mdl_info *l, size_t n,
                const ql_mdl_info *pending, bool raw)
{
    size_t before = r->n;
    for (size_t k = 0; k < n; k++) {
        QL_TRY(ql_bulk_each(cx, k));
        if (blocks(&l[k], pending)) {
            QL_TRY(add_table_wait(cx, r, s, pending, &l[k], raw));
        }
    }
    for (size_t k = 0; k < n && r->n == before; k++) {
        QL_TRY(ql_bulk_each(cx, k));
        if (!l[k].granted && l[k].lock_id == pending->lock_id &&
            l[k].conn_id == pending->blocking_conn_id) {
            QL_TRY(add_table_wait(cx, r, s, pending, &l[k], raw));
        }
    }
    return QL_OK;
}

static ql_status
add_all(ql_ctx *cx, ql_view_rows *r, bool raw)
{
    qli_sessions s;
    ql_mdl_info *l;
    size_t n;
    QL_TRY(ql_mdl_list(cx, r->a, &l, &n));
    QL_TRY(qli_sessions_take(cx, r->a, &s));
    for (size_t i = 0; i < n; i++) {
        bool table = l[i].space == QL_MDL_TABLE || l[i].space == QL_MDL_TABLE_DATA;
        if (l[i].granted || !table) {
            continue;
        }
        QL_TRY(ql_check(cx));
        QL_TRY(add_table_waits(cx, r, &s, l, n, &l[i], raw));
    }
    return QL_OK;
}

ql_status
qli_fill_table_lock_waits(ql_ctx *cx, ql_view_rows *r)
{
    return add_all(cx, r, false);
}

ql_status
qli_fill_x_table_lock_waits(ql_ctx *cx, ql_view_rows *r)
{
    return add_all(cx, r, true);
}
