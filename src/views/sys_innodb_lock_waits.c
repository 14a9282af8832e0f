/* SPDX-License-Identifier: Apache-2.0
 *
 * sys.innodb_lock_waits and sys.x$innodb_lock_waits: who waits for a row lock, who is in the way,
 * and how to get rid of him. Columns, words and formats are those of MySQL 8.4's views. Runs on the
 * session that looks.
 */
#include "base/bulk.h"
#include "views/lockview.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(wait_started, 'd', 0, NUL)                                                                   \
    C(wait_age, 'h', 0, NUL)                                                                       \
    C(wait_age_secs, 'i', 0, NUL)                                                                  \
    C(locked_table, 't', 0, NUL)                                                                   \
    C(locked_table_schema, 's', 64, NUL)                                                           \
    C(locked_table_name, 's', 64, NUL)                                                             \
    C(locked_table_partition, 's', 64, NUL)                                                        \
    C(locked_table_subpartition, 's', 64, NUL)                                                     \
    C(locked_index, 's', 64, NUL)                                                                  \
    C(locked_type, 's', 32, NN)                                                                    \
    C(waiting_trx_id, 'u', 0, NN)                                                                  \
    C(waiting_trx_started, 'd', 0, NN)                                                             \
    C(waiting_trx_age, 'h', 0, NUL)                                                                \
    C(waiting_trx_rows_locked, 'u', 0, NN)                                                         \
    C(waiting_trx_rows_modified, 'u', 0, NN)                                                       \
    C(waiting_pid, 'u', 0, NN)                                                                     \
    C(waiting_query, 't', 0, NUL)                                                                  \
    C(waiting_lock_id, 's', 128, NN)                                                               \
    C(waiting_lock_mode, 's', 32, NN)                                                              \
    C(blocking_trx_id, 'u', 0, NN)                                                                 \
    C(blocking_pid, 'u', 0, NN)                                                                    \
    C(blocking_query, 't', 0, NUL)                                                                 \
    C(blocking_lock_id, 's', 128, NN)                                                              \
    C(blocking_lock_mode, 's', 32, NN)                                                             \
    C(blocking_trx_started, 'd', 0, NN)                                                            \
    C(blocking_trx_age, 'h', 0, NUL)                                                               \
    C(blocking_trx_rows_locked, 'u', 0, NN)                                                        \
    C(blocking_trx_rows_modified, 'u', 0, NN)                                                      \
    C(sql_kill_blocking_query, 's', 32, NN)                                                        \
    C(sql_kill_blocking_connection, 's', 26, NN)
QLI_COLUMNS(innodb_lock_waits, COLUMNS);

static ql_status
set_locked(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_lock_view *l)
{
    if (l->table) {
        QL_TRY(qli_set_sys_table(cx, a, &v[COL_locked_table], l->table->db, l->table->name));
        qli_set_str(&v[COL_locked_table_schema], l->table->db);
        qli_set_str(&v[COL_locked_table_name], l->table->name);
        qli_set_str(&v[COL_locked_index], l->index->name);
    }
    qli_set_cstr(&v[COL_locked_type], "RECORD");
    return QL_OK;
}

static ql_status
set_waiting(ql_ctx *cx, ql_arena *a, ql_value *v, const qli_sessions *s, const ql_lock_view *l,
            const ql_proc_info *p)
{
    qli_set_moment(cx, &v[COL_wait_started], s, l->wait_ms);
    qli_set_interval(&v[COL_wait_age], l->wait_ms);
    v[COL_wait_age_secs] = ql_value_int(l->wait_ms / 1000);
    v[COL_waiting_trx_id] = ql_value_uint(l->trx_id);
    qli_set_moment(cx, &v[COL_waiting_trx_started], s, p->trx_age_ms);
    qli_set_interval(&v[COL_waiting_trx_age], p->trx_age_ms);
    v[COL_waiting_trx_rows_locked] = ql_value_uint(p->trx_locks);
    v[COL_waiting_trx_rows_modified] = ql_value_uint(p->trx_changed);
    v[COL_waiting_pid] = ql_value_uint(p->id);
    char *id = ql_row_lock_id(cx, a, l->trx_id, l->lock_id);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[COL_waiting_lock_id], id);
    qli_set_cstr(&v[COL_waiting_lock_mode], l->mode);
    return QL_OK;
}

static ql_status
set_blocking(ql_ctx *cx, ql_arena *a, ql_value *v, const qli_sessions *s, const ql_lock_view *l,
             const ql_proc_info *p)
{
    v[COL_blocking_trx_id] = ql_value_uint(l->trx_id);
    v[COL_blocking_pid] = ql_value_uint(p->id);
    char *id = ql_row_lock_id(cx, a, l->trx_id, l->lock_id);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[COL_blocking_lock_id], id);
    qli_set_cstr(&v[COL_blocking_lock_mode], l->mode);
    qli_set_moment(cx, &v[COL_blocking_trx_started], s, p->trx_age_ms);
    qli_set_interval(&v[COL_blocking_trx_age], p->trx_age_ms);
    v[COL_blocking_trx_rows_locked] = ql_value_uint(p->trx_locks);
    v[COL_blocking_trx_rows_modified] = ql_value_uint(p->trx_changed);
    return qli_set_sys_kills(cx, a, &v[COL_sql_kill_blocking_query],
                             &v[COL_sql_kill_blocking_connection], p->id);
}

/* A wait whose waiter or blocker has gone in the meantime is over. */
static ql_status
add_wait(ql_ctx *cx, ql_view_rows *r, const qli_sessions *s, const ql_lock_wait *w, bool raw)
{
    const ql_proc_info *waiter = qli_sessions_find(s, w->waiting->conn_id);
    const ql_proc_info *blocker = qli_sessions_find(s, w->blocking->conn_id);
    ql_value *v;
    if (!waiter || !blocker) {
        return QL_OK;
    }
    QL_TRY(ql_view_row(cx, r, &v));
    QL_TRY(set_locked(cx, r->a, v, w->waiting));
    QL_TRY(set_waiting(cx, r->a, v, s, w->waiting, waiter));
    QL_TRY(qli_set_sys_statement(cx, r->a, &v[COL_waiting_query], waiter->info, raw));
    QL_TRY(qli_set_sys_statement(cx, r->a, &v[COL_blocking_query], blocker->info, raw));
    return set_blocking(cx, r->a, v, s, w->blocking, blocker);
}

/* Oldest waits first; of one wait, locks that are held before requests. */
static int
compare_waits(const void *x, const void *y)
{
    const ql_lock_wait *a = x, *b = y;
    if (a->waiting->wait_ms != b->waiting->wait_ms) {
        return a->waiting->wait_ms > b->waiting->wait_ms ? -1 : 1;
    }
    if (a->waiting != b->waiting) {
        return a->waiting > b->waiting ? 1 : -1;
    }
    if (a->blocking->granted != b->blocking->granted) {
        return a->blocking->granted ? -1 : 1;
    }
    return (a->blocking > b->blocking) - (a->blocking < b->blocking);
}

static ql_status
add_waits(ql_ctx *cx, ql_view_rows *r, bool raw)
{
    qli_sessions s;
    ql_lock_wait *w;
    size_t n;
    QL_TRY(qli_view_require_process(cx)); /* it reads INNODB_TRX */
    QL_TRY(ql_lock_waits(cx, r->a, &w, &n));
    QL_TRY(qli_sessions_take(cx, r->a, &s));
    QL_TRY(ql_bulk_sort(cx, r->a, w, n, sizeof *w, compare_waits));
    for (size_t i = 0; i < n; i++) {
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(add_wait(cx, r, &s, &w[i], raw));
    }
    return QL_OK;
}

ql_status
qli_fill_innodb_lock_waits(ql_ctx *cx, ql_view_rows *r)
{
    return add_waits(cx, r, false);
}

ql_status
qli_fill_x_innodb_lock_waits(ql_ctx *cx, ql_view_rows *r)
{
    return add_waits(cx, r, true);
}
