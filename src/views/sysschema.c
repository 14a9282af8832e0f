/* SPDX-License-Identifier: Apache-2.0
 *
 * The sys schema: the views that answer "who blocks whom, and how do I get rid of it". Columns,
 * words and formats are those of MySQL 8.4's views of the same names; here they are virtual tables.
 * Each exists twice: as it is read by people (long statements cut) and as x$name with the raw
 * values. Runs on the session that looks.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "views/lockview.h"
#include "views/views_int.h"

/* --- texts ----------------------------------------------------------------------------------- */

#define STATEMENT_CHARS 64u /* sys_config's statement_truncate_len */

ql_status
qli_set_sys_statement(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str s, bool raw)
{
    if (!s.p) {
        return QL_OK;
    }
    size_t chars, half = STATEMENT_CHARS / 2 - 2;
    QL_TRY(ql_utf8_chars_long(cx, s, &chars));
    if (!raw && chars > STATEMENT_CHARS) {
        size_t head = ql_utf8_offset(s, half), tail;
        QL_TRY(ql_utf8_offset_long(cx, s, chars - half, &tail));
        s.p =
            ql_arena_printf(cx, a, "%.*s ... %.*s", (int)head, s.p, (int)(s.n - tail), s.p + tail);
        s.n = s.p ? strlen(s.p) : 0;
    }
    char *copy = s.p ? ql_arena_strndup(cx, a, s.p, s.n) : NULL;
    if (!copy) {
        return QL_ERROR;
    }
    for (size_t i = 0; !raw && i < s.n; i++) {
        copy[i] = copy[i] == '\n' ? ' ' : copy[i];
    }
    qli_set_str(v, (ql_str){copy, s.n});
    return QL_OK;
}

static char *
quote_into(char *p, ql_str name)
{
    *p++ = '`';
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '`') {
            *p++ = '`';
        }
        *p++ = name.p[i];
    }
    *p++ = '`';
    return p;
}

/* `db`.`table` */
static ql_status
set_quoted(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str db, ql_str table)
{
    char *text = ql_arena_alloc(cx, a, 2 * (db.n + table.n) + 5);
    if (!text) {
        return QL_ERROR;
    }
    char *p = quote_into(text, db);
    *p++ = '.';
    p = quote_into(p, table);
    qli_set_str(v, (ql_str){text, (size_t)(p - text)});
    return QL_OK;
}

ql_status
qli_set_sys_kills(ql_ctx *cx, ql_arena *a, ql_value *v, uint64_t conn_id)
{
    char *query = ql_arena_printf(cx, a, "KILL QUERY %" PRIu64, conn_id);
    char *connection = ql_arena_printf(cx, a, "KILL %" PRIu64, conn_id);
    if (!query || !connection) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[0], query);
    qli_set_cstr(&v[1], connection);
    return QL_OK;
}

/* --- innodb_lock_waits ----------------------------------------------------------------------- */

enum {
    WAIT_STARTED,
    WAIT_AGE,
    WAIT_SECS,
    LOCKED_TABLE,
    LOCKED_SCHEMA,
    LOCKED_NAME,
    LOCKED_PARTITION,
    LOCKED_SUBPARTITION,
    LOCKED_INDEX,
    LOCKED_TYPE,
    WAITING_TRX,
    WAITING_STARTED,
    WAITING_AGE,
    WAITING_LOCKED,
    WAITING_MODIFIED,
    WAITING_PID,
    WAITING_QUERY,
    WAITING_LOCK,
    WAITING_MODE,
    BLOCKING_TRX,
    BLOCKING_PID,
    BLOCKING_QUERY,
    BLOCKING_LOCK,
    BLOCKING_MODE,
    BLOCKING_STARTED,
    BLOCKING_AGE,
    BLOCKING_LOCKED,
    BLOCKING_MODIFIED,
    KILL_QUERY,
    KILL_CONNECTION
};

static const ql_view_column lock_waits_columns[] = {
    [WAIT_STARTED] = {"wait_started", 'd', 0, true},
    [WAIT_AGE] = {"wait_age", 'h', 0, true},
    [WAIT_SECS] = {"wait_age_secs", 'i', 0, true},
    [LOCKED_TABLE] = {"locked_table", 't', 0, true},
    [LOCKED_SCHEMA] = {"locked_table_schema", 's', 64, true},
    [LOCKED_NAME] = {"locked_table_name", 's', 64, true},
    [LOCKED_PARTITION] = {"locked_table_partition", 's', 64, true},
    [LOCKED_SUBPARTITION] = {"locked_table_subpartition", 's', 64, true},
    [LOCKED_INDEX] = {"locked_index", 's', 64, true},
    [LOCKED_TYPE] = {"locked_type", 's', 32, false},
    [WAITING_TRX] = {"waiting_trx_id", 'u', 0, false},
    [WAITING_STARTED] = {"waiting_trx_started", 'd', 0, false},
    [WAITING_AGE] = {"waiting_trx_age", 'h', 0, true},
    [WAITING_LOCKED] = {"waiting_trx_rows_locked", 'u', 0, false},
    [WAITING_MODIFIED] = {"waiting_trx_rows_modified", 'u', 0, false},
    [WAITING_PID] = {"waiting_pid", 'u', 0, false},
    [WAITING_QUERY] = {"waiting_query", 't', 0, true},
    [WAITING_LOCK] = {"waiting_lock_id", 's', 128, false},
    [WAITING_MODE] = {"waiting_lock_mode", 's', 32, false},
    [BLOCKING_TRX] = {"blocking_trx_id", 'u', 0, false},
    [BLOCKING_PID] = {"blocking_pid", 'u', 0, false},
    [BLOCKING_QUERY] = {"blocking_query", 't', 0, true},
    [BLOCKING_LOCK] = {"blocking_lock_id", 's', 128, false},
    [BLOCKING_MODE] = {"blocking_lock_mode", 's', 32, false},
    [BLOCKING_STARTED] = {"blocking_trx_started", 'd', 0, false},
    [BLOCKING_AGE] = {"blocking_trx_age", 'h', 0, true},
    [BLOCKING_LOCKED] = {"blocking_trx_rows_locked", 'u', 0, false},
    [BLOCKING_MODIFIED] = {"blocking_trx_rows_modified", 'u', 0, false},
    [KILL_QUERY] = {"sql_kill_blocking_query", 's', 32, false},
    [KILL_CONNECTION] = {"sql_kill_blocking_connection", 's', 26, false},
    {NULL, 0, 0, false}};

static ql_status
set_locked(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_lock_view *l)
{
    if (l->table) {
        QL_TRY(set_quoted(cx, a, &v[LOCKED_TABLE], l->table->db, l->table->name));
        qli_set_str(&v[LOCKED_SCHEMA], l->table->db);
        qli_set_str(&v[LOCKED_NAME], l->table->name);
        qli_set_str(&v[LOCKED_INDEX], l->index->name);
    }
    qli_set_cstr(&v[LOCKED_TYPE], "RECORD");
    return QL_OK;
}

static ql_status
set_waiting(ql_ctx *cx, ql_arena *a, ql_value *v, const qli_sessions *s, const ql_lock_view *l,
            const ql_proc_info *p)
{
    qli_set_moment(cx, &v[WAIT_STARTED], s, l->wait_ms);
    qli_set_interval(&v[WAIT_AGE], l->wait_ms);
    v[WAIT_SECS] = ql_value_int(l->wait_ms / 1000);
    v[WAITING_TRX] = ql_value_uint(l->trx_id);
    qli_set_moment(cx, &v[WAITING_STARTED], s, p->trx_age_ms);
    qli_set_interval(&v[WAITING_AGE], p->trx_age_ms);
    v[WAITING_LOCKED] = ql_value_uint(p->trx_locks);
    v[WAITING_MODIFIED] = ql_value_uint(p->trx_changed);
    v[WAITING_PID] = ql_value_uint(p->id);
    char *id = qli_row_lock_id(cx, a, l->trx_id, l->lock_id);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[WAITING_LOCK], id);
    qli_set_cstr(&v[WAITING_MODE], l->mode);
    return QL_OK;
}

static ql_status
set_blocking(ql_ctx *cx, ql_arena *a, ql_value *v, const qli_sessions *s, const ql_lock_view *l,
             const ql_proc_info *p)
{
    v[BLOCKING_TRX] = ql_value_uint(l->trx_id);
    v[BLOCKING_PID] = ql_value_uint(p->id);
    char *id = qli_row_lock_id(cx, a, l->trx_id, l->lock_id);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[BLOCKING_LOCK], id);
    qli_set_cstr(&v[BLOCKING_MODE], l->mode);
    qli_set_moment(cx, &v[BLOCKING_STARTED], s, p->trx_age_ms);
    qli_set_interval(&v[BLOCKING_AGE], p->trx_age_ms);
    v[BLOCKING_LOCKED] = ql_value_uint(p->trx_locks);
    v[BLOCKING_MODIFIED] = ql_value_uint(p->trx_changed);
    return qli_set_sys_kills(cx, a, &v[KILL_QUERY], p->id);
}

/* A wait whose waiter or blocker has gone in the meantime is over. */
static ql_status
add_wait(ql_ctx *cx, qli_rows *r, const qli_sessions *s, const ql_lock_wait *w, bool raw)
{
    const ql_proc_info *waiter = qli_sessions_find(s, w->waiting->conn_id);
    const ql_proc_info *blocker = qli_sessions_find(s, w->blocking->conn_id);
    ql_value *v;
    if (!waiter || !blocker) {
        return QL_OK;
    }
    QL_TRY(qli_rows_add(cx, r, &v));
    QL_TRY(set_locked(cx, r->a, v, w->waiting));
    QL_TRY(set_waiting(cx, r->a, v, s, w->waiting, waiter));
    QL_TRY(qli_set_sys_statement(cx, r->a, &v[WAITING_QUERY], waiter->info, raw));
    QL_TRY(qli_set_sys_statement(cx, r->a, &v[BLOCKING_QUERY], blocker->info, raw));
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
fill_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, bool raw, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    qli_sessions s;
    ql_lock_wait *w;
    size_t nw;
    QL_TRY(qli_view_require_process(cx)); /* it reads INNODB_TRX */
    QL_TRY(ql_lock_waits(cx, a, &w, &nw));
    QL_TRY(qli_sessions_take(cx, a, &s));
    QL_TRY(ql_bulk_sort(cx, a, w, nw, sizeof *w, compare_waits));
    for (size_t i = 0; i < nw; i++) {
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(add_wait(cx, &r, &s, &w[i], raw));
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

static ql_status
fill_innodb_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    return fill_lock_waits(cx, a, t, false, rows, n);
}

static ql_status
fill_x_innodb_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    return fill_lock_waits(cx, a, t, true, rows, n);
}

const ql_virtual_table qli_sys_tables[] = {
    {"sys", "innodb_lock_waits", lock_waits_columns, fill_innodb_lock_waits},
    {"sys", "schema_table_lock_waits", qli_sys_table_waits, qli_fill_table_lock_waits},
    {"sys", "x$innodb_lock_waits", lock_waits_columns, fill_x_innodb_lock_waits},
    {"sys", "x$schema_table_lock_waits", qli_sys_table_waits, qli_fill_x_table_lock_waits},
};
const size_t qli_sys_count = QL_ARRAY_LEN(qli_sys_tables);
