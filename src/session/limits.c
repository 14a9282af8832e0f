/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of statements. Time: max_statement_time for all of them, max_execution_time (variable or
 * hint) for SELECT; the instance's timer thread raises QL_INTR_TIME on exactly this statement.
 * Memory: the session's two quotas, and their place in the budget of the instance, whose guard
 * raises QL_INTR_MEMORY in the same way.
 */
#include "intr/memguard.h"
#include "session/session_int.h"

/* ---- memory ---- */

void
qli_limit_open_memory(ql_session *s)
{
    ql_memguard *g = s->cx.inst->memory;
    ql_budget *b = g != NULL ? ql_memguard_budget(g) : NULL;
    s->quota.beside = &s->kept;
    s->kept.beside = &s->quota;
    s->quota.budget = s->kept.budget = b;
    if (b != NULL) {
        ql_budget_join(b, &s->quota);
    }
    s->text.quota = &s->kept;
}

void
qli_limit_close_memory(ql_session *s)
{
    if (s->quota.budget != NULL) {
        ql_budget_leave(s->quota.budget, &s->quota);
    }
}

static void
may_end_for_memory(ql_session *s, uint64_t stmt_id)
{
    atomic_store_explicit(&s->quota.work, stmt_id, memory_order_relaxed);
}

/* ---- time ---- */

static void
disarm(ql_session *s)
{
    if (s->timer != 0) {
        ql_timer_cancel(s->cx.inst->timers, s->timer);
        s->timer = 0;
    }
}

static ql_status
arm(ql_session *s, ql_deadline dl)
{
    disarm(s);
    s->timer = ql_timer_set(&s->cx, s->cx.inst->timers, dl, s->vars.thread_id, s->cx.stmt_id,
                            QL_INTR_TIME);
    return s->timer != 0 ? QL_OK : QL_ERROR;
}

/* Microseconds from now. */
static ql_deadline
deadline_us(int64_t us)
{
    int64_t now = ql_deadline_ms(1) - 1000000;
    return us < (QL_FOREVER - now) / 1000 ? now + us * 1000 : QL_FOREVER;
}

ql_status
qli_limit_begin(ql_session *s)
{
    s->timer = 0;
    s->limit_of_select = false;
    may_end_for_memory(s, s->cx.stmt_id);
    if (s->vars.max_statement_time_us <= 0) {
        return QL_OK;
    }
    return arm(s, deadline_us(s->vars.max_statement_time_us));
}

ql_status
qli_limit_select(ql_session *s, const ql_ast_stmt *stmt)
{
    const ql_ast_stmt *ast = stmt;
    if (ast->kind == QL_S_EXPLAIN && ast->analyze && ast->explain.inner != NULL) {
        ast = ast->explain.inner;
    }
    if (ast->kind != QL_S_SELECT) {
        return QL_OK;
    }
    uint64_t ms = s->vars.max_execution_time_ms;
    if (stmt->has_max_execution_time) {
        ms = stmt->max_execution_time;
    }
    if (ms == 0) {
        return QL_OK;
    }
    int64_t us = ms < INT64_MAX / 1000 ? (int64_t)ms * 1000 : INT64_MAX;
    if (s->vars.max_statement_time_us > 0 && s->vars.max_statement_time_us < us) {
        return QL_OK; /* the shorter limit runs already */
    }
    s->limit_of_select = true;
    ql_count(&s->cx, QL_CT_MAX_EXECUTION_TIME_SET, 1);
    return arm(s, deadline_us(us));
}

void
qli_limit_end(ql_session *s)
{
    may_end_for_memory(s, 0);
    disarm(s);
}
