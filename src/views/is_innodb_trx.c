/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.INNODB_TRX: the open transactions, from the figures that each session keeps in
 * its row of the process list (proc.h, ql_proc_trx). Columns and words are those of the MySQL 8.4
 * manual. Runs on the session that looks; copying the process list stops nobody.
 */
#include <string.h>

#include "views/lockview.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(trx_id, 'u', 0, NN)                                                                          \
    C(trx_state, 's', 13, NN)                                                                      \
    C(trx_started, 'd', 0, NN)                                                                     \
    C(trx_requested_lock_id, 's', 126, NUL)                                                        \
    C(trx_wait_started, 'd', 0, NUL)                                                               \
    C(trx_weight, 'u', 0, NN)                                                                      \
    C(trx_mysql_thread_id, 'u', 0, NN)                                                             \
    C(trx_query, 's', 1024, NUL)                                                                   \
    C(trx_operation_state, 's', 64, NUL)                                                           \
    C(trx_tables_in_use, 'u', 0, NN)                                                               \
    C(trx_tables_locked, 'u', 0, NN)                                                               \
    C(trx_lock_structs, 'u', 0, NN)                                                                \
    C(trx_lock_memory_bytes, 'u', 0, NN)                                                           \
    C(trx_rows_locked, 'u', 0, NN)                                                                 \
    C(trx_rows_modified, 'u', 0, NN)                                                               \
    C(trx_concurrency_tickets, 'u', 0, NN)                                                         \
    C(trx_isolation_level, 's', 16, NN)                                                            \
    C(trx_unique_checks, 'n', 0, NN)                                                               \
    C(trx_foreign_key_checks, 'n', 0, NN)                                                          \
    C(trx_last_foreign_key_error, 's', 256, NUL)                                                   \
    C(trx_adaptive_hash_latched, 'n', 0, NN)                                                       \
    C(trx_adaptive_hash_timeout, 'u', 0, NN)                                                       \
    C(trx_is_read_only, 'n', 0, NN)                                                                \
    C(trx_autocommit_non_locking, 'n', 0, NN)                                                      \
    C(trx_schedule_weight, 'u', 0, NUL)
QLI_COLUMNS(innodb_trx, COLUMNS);

static bool
is_committing(const ql_proc_info *p)
{
    return p->commit_state && *p->commit_state && strcmp(p->commit_state, "OPEN") != 0;
}

static const char *
state_text(const ql_proc_info *p)
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

static const char *
isolation_text(const ql_proc_info *p)
{
    static const char *const names[] = {"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
                                        "SERIALIZABLE"};
    return names[(p->trx_flags >> QL_PTRX_ISOLATION_SHIFT) & 3];
}

static ql_status
set_waiting(ql_ctx *cx, ql_arena *a, ql_value *v, const qli_sessions *s, const ql_proc_info *p)
{
    if (!qli_trx_waits(p) || p->trx_wait_lock == 0) {
        return QL_OK;
    }
    char *id = ql_row_lock_id(cx, a, p->trx_id, p->trx_wait_lock);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[COL_trx_requested_lock_id], id);
    qli_set_moment(cx, &v[COL_trx_wait_started], s, p->wait_age_ms < 0 ? 0 : p->wait_age_ms);
    return QL_OK;
}

/* Unique keys are always checked, foreign keys are told as checked, there is no adaptive hash
 * index, and waiters are served in order of arrival (no schedule weight): these columns are
 * constant. */
static void
set_constants(ql_value *v)
{
    v[COL_trx_concurrency_tickets] = ql_value_uint(0);
    v[COL_trx_unique_checks] = v[COL_trx_foreign_key_checks] = ql_value_int(1);
    v[COL_trx_adaptive_hash_latched] = ql_value_int(0);
    v[COL_trx_adaptive_hash_timeout] = ql_value_uint(0);
}

static void
set_statement(ql_value *v, const ql_proc_info *p)
{
    bool runs = p->info.p != NULL;
    qli_set_chars(&v[COL_trx_query], p->info, 1024);
    if (is_committing(p)) {
        qli_set_cstr(&v[COL_trx_operation_state], p->commit_state);
    } else if (p->state && *p->state) {
        qli_set_cstr(&v[COL_trx_operation_state], p->state);
    }
    v[COL_trx_tables_in_use] = ql_value_uint(runs ? p->tables_used : 0);
    v[COL_trx_tables_locked] = ql_value_uint(runs ? p->tables_wrote : 0);
}

static ql_status
add_transaction(ql_ctx *cx, ql_view_rows *r, const qli_sessions *s, const ql_proc_info *p)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    v[COL_trx_id] = ql_value_uint(p->trx_id);
    qli_set_cstr(&v[COL_trx_state], state_text(p));
    qli_set_moment(cx, &v[COL_trx_started], s, p->trx_age_ms < 0 ? 0 : p->trx_age_ms);
    QL_TRY(set_waiting(cx, r->a, v, s, p));
    v[COL_trx_weight] = ql_value_uint(p->trx_changed + p->trx_locks);
    v[COL_trx_mysql_thread_id] = ql_value_uint(p->id);
    set_statement(v, p);
    v[COL_trx_lock_structs] = v[COL_trx_rows_locked] = ql_value_uint(p->trx_locks);
    v[COL_trx_lock_memory_bytes] = ql_value_uint(p->trx_lock_bytes);
    v[COL_trx_rows_modified] = ql_value_uint(p->trx_changed);
    qli_set_cstr(&v[COL_trx_isolation_level], isolation_text(p));
    set_constants(v);
    v[COL_trx_is_read_only] = ql_value_int((p->trx_flags & QL_PTRX_READ_ONLY) != 0);
    v[COL_trx_autocommit_non_locking] = ql_value_int((p->trx_flags & QL_PTRX_AUTOCOMMIT) != 0 &&
                                                     p->trx_locks == 0 && p->trx_changed == 0);
    return QL_OK;
}

ql_status
qli_fill_innodb_trx(ql_ctx *cx, ql_view_rows *r)
{
    qli_sessions s;
    QL_TRY(qli_view_require_process(cx));
    QL_TRY(qli_sessions_take(cx, r->a, &s));
    for (size_t i = 0; i < s.n; i++) {
        if (ql_trx_is_shown(&s.v[i])) {
            QL_TRY(add_transaction(cx, r, &s, &s.v[i]));
        }
    }
    return QL_OK;
}
