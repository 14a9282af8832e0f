/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.INNODB_TRX: the open transactions, from the figures that each session keeps in
 * its row of the process list (proc.h, ql_proc_trx). Columns and words are those of the MySQL 8.4
 * manual. Runs on the session that looks; copying the process list stops nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/thread.h"
#include "views/views_int.h"

ql_status
qli_view_require_process(ql_ctx *cx)
{
    if (!cx->vars || cx->vars->viewer.has_process) {
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS");
}

ql_status
qli_sessions_take(ql_ctx *cx, ql_arena *a, qli_sessions *out)
{
    out->now_us = ql_now_real_us();
    return ql_procs_list(cx, cx->inst->procs, a, &out->v, &out->n);
}

static int
compare_conn_id(const void *key, const void *row)
{
    uint64_t a = *(const uint64_t *)key, b = ((const ql_proc_info *)row)->id;
    return (a > b) - (a < b);
}

const ql_proc_info *
qli_sessions_find(const qli_sessions *s, uint64_t conn_id)
{
    return s->n ? bsearch(&conn_id, s->v, s->n, sizeof *s->v, compare_conn_id) : NULL;
}

bool
ql_trx_is_shown(const ql_proc_info *p)
{
    return p->trx_id != 0 && ((p->trx_flags & QL_PTRX_STARTED) != 0 || p->trx_changed != 0 ||
                              p->trx_locks != 0 || p->trx_wait_lock != 0);
}

bool
qli_trx_waits(const ql_proc_info *p)
{
    return p->wait == QL_W_ROW_LOCK;
}

static bool
is_committing(const ql_proc_info *p)
{
    return p->commit_state && *p->commit_state && strcmp(p->commit_state, "OPEN") != 0;
}

const char *
qli_trx_state(const ql_proc_info *p)
{
    if (qli_trx_waits(p)) {
        return "LOCK WAIT";
    }
    if (is_committing(p)) {
        return "COMMITTING";
    }
    if (p->state && strcmp(p->state, ql_stage_text(QL_STAGE_ROLLING_BACK)) == 0) {
        return "ROLLING BACK";
    }
    return "RUNNING";
}

const char *
qli_isolation_text(const ql_proc_info *p)
{
    static const char *const names[] = {"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
                                        "SERIALIZABLE"};
    return names[(p->trx_flags >> QL_PTRX_ISOLATION_SHIFT) & 3];
}

void
qli_set_moment(ql_ctx *cx, ql_value *v, const qli_sessions *s, int64_t age_ms)
{
    if (age_ms < 0) {
        *v = ql_value_null();
    } else {
        qli_set_time(cx, v, (s->now_us - age_ms * 1000) / 1000000);
    }
}

void
qli_set_interval(ql_value *v, int64_t ms)
{
    int64_t seconds = ms / 1000;
    int64_t most = 838 * 3600 + 59 * 60 + 59;
    seconds = seconds < 0 ? 0 : seconds > most ? most : seconds;
    ql_dt t = {.hour = (uint32_t)(seconds / 3600),
               .minute = (uint32_t)(seconds / 60 % 60),
               .second = (uint32_t)(seconds % 60)};
    *v = ql_value_null();
    v->kind = QL_K_TIME;
    v->i = ql_time_pack(&t);
}

void
qli_set_opt_str(ql_value *v, ql_str s)
{
    if (s.p) {
        qli_set_str(v, s);
    } else {
        *v = ql_value_null();
    }
}

void
qli_set_chars(ql_value *v, ql_str s, size_t chars)
{
    if (s.p && s.n > chars) {
        s.n = ql_utf8_offset(s, chars);
    }
    qli_set_opt_str(v, s);
}

/* --- INNODB_TRX ------------------------------------------------------------------------------ */

enum {
    ID,
    STATE,
    STARTED,
    REQUESTED_LOCK,
    WAIT_STARTED,
    WEIGHT,
    THREAD,
    QUERY,
    OPERATION,
    TABLES_IN_USE,
    TABLES_LOCKED,
    LOCK_STRUCTS,
    LOCK_MEMORY,
    ROWS_LOCKED,
    ROWS_MODIFIED,
    TICKETS,
    ISOLATION,
    UNIQUE_CHECKS,
    FOREIGN_KEY_CHECKS,
    FOREIGN_KEY_ERROR,
    HASH_LATCHED,
    HASH_TIMEOUT,
    READ_ONLY,
    AUTOCOMMIT,
    SCHEDULE_WEIGHT
};

const ql_view_column qli_is_innodb_trx[] = {
    [ID] = {"trx_id", 'u', 0, false},
    [STATE] = {"trx_state", 's', 13, false},
    [STARTED] = {"trx_started", 'd', 0, false},
    [REQUESTED_LOCK] = {"trx_requested_lock_id", 's', 126, true},
    [WAIT_STARTED] = {"trx_wait_started", 'd', 0, true},
    [WEIGHT] = {"trx_weight", 'u', 0, false},
    [THREAD] = {"trx_mysql_thread_id", 'u', 0, false},
    [QUERY] = {"trx_query", 's', 1024, true},
    [OPERATION] = {"trx_operation_state", 's', 64, true},
    [TABLES_IN_USE] = {"trx_tables_in_use", 'u', 0, false},
    [TABLES_LOCKED] = {"trx_tables_locked", 'u', 0, false},
    [LOCK_STRUCTS] = {"trx_lock_structs", 'u', 0, false},
    [LOCK_MEMORY] = {"trx_lock_memory_bytes", 'u', 0, false},
    [ROWS_LOCKED] = {"trx_rows_locked", 'u', 0, false},
    [ROWS_MODIFIED] = {"trx_rows_modified", 'u', 0, false},
    [TICKETS] = {"trx_concurrency_tickets", 'u', 0, false},
    [ISOLATION] = {"trx_isolation_level", 's', 16, false},
    [UNIQUE_CHECKS] = {"trx_unique_checks", 'n', 0, false},
    [FOREIGN_KEY_CHECKS] = {"trx_foreign_key_checks", 'n', 0, false},
    [FOREIGN_KEY_ERROR] = {"trx_last_foreign_key_error", 's', 256, true},
    [HASH_LATCHED] = {"trx_adaptive_hash_latched", 'n', 0, false},
    [HASH_TIMEOUT] = {"trx_adaptive_hash_timeout", 'u', 0, false},
    [READ_ONLY] = {"trx_is_read_only", 'n', 0, false},
    [AUTOCOMMIT] = {"trx_autocommit_non_locking", 'n', 0, false},
    [SCHEDULE_WEIGHT] = {"trx_schedule_weight", 'u', 0, true},
    {NULL, 0, 0, false}};

static ql_status
set_waiting(ql_ctx *cx, ql_arena *a, ql_value *v, const qli_sessions *s, const ql_proc_info *p)
{
    if (!qli_trx_waits(p) || p->trx_wait_lock == 0) {
        return QL_OK;
    }
    char *id = qli_row_lock_id(cx, a, p->trx_id, p->trx_wait_lock);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[REQUESTED_LOCK], id);
    qli_set_moment(cx, &v[WAIT_STARTED], s, p->wait_age_ms < 0 ? 0 : p->wait_age_ms);
    return QL_OK;
}

/* Unique keys are always checked, there are no foreign keys and no adaptive hash index, and waiters
 * are served in order of arrival (no schedule weight): these columns are constant. */
static void
set_constants(ql_value *v)
{
    v[TICKETS] = ql_value_uint(0);
    v[UNIQUE_CHECKS] = v[FOREIGN_KEY_CHECKS] = ql_value_int(1);
    v[HASH_LATCHED] = ql_value_int(0);
    v[HASH_TIMEOUT] = ql_value_uint(0);
}

static ql_status
add_transaction(ql_ctx *cx, qli_rows *r, const qli_sessions *s, const ql_proc_info *p)
{
    ql_value *v;
    QL_TRY(qli_rows_add(cx, r, &v));
    v[ID] = ql_value_uint(p->trx_id);
    qli_set_cstr(&v[STATE], qli_trx_state(p));
    qli_set_moment(cx, &v[STARTED], s, p->trx_age_ms < 0 ? 0 : p->trx_age_ms);
    QL_TRY(set_waiting(cx, r->a, v, s, p));
    v[WEIGHT] = ql_value_uint(p->trx_changed + p->trx_locks);
    v[THREAD] = ql_value_uint(p->id);
    qli_set_chars(&v[QUERY], p->info, 1024);
    if (is_committing(p)) {
        qli_set_cstr(&v[OPERATION], p->commit_state);
    } else if (p->state && *p->state) {
        qli_set_cstr(&v[OPERATION], p->state);
    }
    bool runs = p->info.p != NULL;
    v[TABLES_IN_USE] = ql_value_uint(runs ? p->tables_used : 0);
    v[TABLES_LOCKED] = ql_value_uint(runs ? p->tables_wrote : 0);
    v[LOCK_STRUCTS] = v[ROWS_LOCKED] = ql_value_uint(p->trx_locks);
    v[LOCK_MEMORY] = ql_value_uint(p->trx_lock_bytes);
    v[ROWS_MODIFIED] = ql_value_uint(p->trx_changed);
    qli_set_cstr(&v[ISOLATION], qli_isolation_text(p));
    set_constants(v);
    v[READ_ONLY] = ql_value_int((p->trx_flags & QL_PTRX_READ_ONLY) != 0);
    v[AUTOCOMMIT] = ql_value_int((p->trx_flags & QL_PTRX_AUTOCOMMIT) != 0 && p->trx_locks == 0 &&
                                 p->trx_changed == 0);
    return QL_OK;
}

ql_status
qli_fill_innodb_trx(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    qli_sessions s;
    QL_TRY(qli_view_require_process(cx));
    QL_TRY(qli_sessions_take(cx, a, &s));
    for (size_t i = 0; i < s.n; i++) {
        if (ql_trx_is_shown(&s.v[i])) {
            QL_TRY(add_transaction(cx, &r, &s, &s.v[i]));
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}
