/* SPDX-License-Identifier: Apache-2.0
 *
 * The spine: one statement from bytes to reply, a call per stage, and one exit through which every
 * outcome passes. A statement is a target of KILL from its first byte (target.c) to the moment its
 * outcome is decided (end_statement); what is written to the client after that can no longer be
 * changed by a KILL QUERY. Rows of a large result are the exception: they stream while the
 * statement runs.
 */
#include <string.h>

#include "acl/acl.h"
#include "base/diag.h"
#include "base/thread.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "session/session_int.h"
#include "txn/txn.h"

ql_parse_mode
qli_parse_mode(const ql_session *s, bool allow_params)
{
    return ql_parse_mode_of(&s->vars, allow_params);
}

/* ---- begin and end ---- */

static void
take_date_modes(ql_ctx *cx)
{
    cx->zone = cx->vars->zone;
    cx->dates = (cx->vars->sql_mode & QL_MODE_ALLOW_INVALID_DATES ? QL_DATES_ANY_DAY : 0) |
                (cx->vars->sql_mode & QL_MODE_NO_ZERO_DATE ? 0 : QL_DATES_ZERO);
}

static ql_status
begin_statement(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_arena_reset(cx->arena);
    ql_diag_reset(s->diag_now);
    cx->diag = s->diag_now;
    s->whole_text = false;
    s->committed = s->began = s->touched = s->is_kill = s->hide_warnings = s->rebuilds = false;
    s->changes_own = false;
    s->was_autocommit = s->vars.autocommit;
    s->begin_ns = ql_now_mono_ns();
    s->vars.timestamp_us =
        s->vars.fixed_timestamp_us != 0 ? s->vars.fixed_timestamp_us : ql_now_real_us();
    ql_count(cx, QL_CT_QUERIES, 1);
    take_date_modes(cx);
    ql_proc_set_stage(cx->proc, QL_STAGE_STARTING);
    ql_intr_stmt_begin(&s->intr, cx->stmt_id);
    ql_arena_fault_begin(cx);
    QL_TRY(qli_limit_begin(s));
    return ql_check(cx); /* killed while it was received: no work is done */
}

/* From here on no kill of this statement has an effect; those that came are forgotten. more: what
 * comes hits the next one of the text. */
static void
end_statement(ql_session *s, bool more)
{
    qli_limit_end(s);
    if (more) {
        qli_target_next(s);
    } else {
        ql_session_target_close(s);
    }
}

/* ---- stages ---- */

/* The text in the server's character set. What is none of the client's (bytes for a BLOB) stays. */
static ql_status
text_from_client(ql_session *s, ql_str *text)
{
    const ql_charset *cs = s->vars.cs_client;
    size_t fit;
    if (cs == NULL || ql_charset_is_plain(cs)) {
        return QL_OK;
    }
    ql_buf_clear(&s->text);
    QL_TRY(ql_charset_decode(&s->cx, cs, *text, QL_MISFIT_KEEP, &s->text, &fit));
    *text = (ql_str){s->text.p, s->text.n};
    return QL_OK;
}

/* Before the first statement of a text is looked at its text is converted and shown; before the
 * others, the replies of those before it have to be gone: a client that does not read them is then
 * as killable as one that does not read rows. */
static ql_status
take_text(ql_session *s, qli_stmt *q)
{
    if (!q->first) {
        return s->front->drain != NULL ? s->front->drain(s) : QL_OK;
    }
    QL_TRY(text_from_client(s, &q->text));
    return qli_show_text(s, q->text);
}

static ql_status
parse(ql_session *s, qli_stmt *q)
{
    ql_parse_mode mode = qli_parse_mode(s, false);
    ql_ast_stmt *ast;
    QL_TRY(ql_parse(&s->cx, s->cx.arena, q->text, &mode, &ast, &q->consumed));
    q->ast = ast;
    s->whole_text = q->first && q->consumed == q->text.n;
    if (q->consumed < q->text.n) {
        if (!s->multi_statements) {
            ql_str rest = {q->text.p + q->consumed, q->text.n - q->consumed};
            char near[81];
            size_t n = rest.n < 80 ? rest.n : 80;
            memcpy(near, rest.p, n);
            near[n] = '\0';
            return ql_fail(&s->cx, QL_ER_PARSE_ERROR, near, 1);
        }
    }
    return s->whole_text ? QL_OK : qli_show_text(s, ast->text);
}

/* A statement that reads or writes tables with transactions needs a ticket
 * (innodb_thread_concurrency). */
static ql_status
admit(ql_session *s, const ql_rstmt *rs)
{
    return rs->needs_ticket ? ql_admission_enter(&s->cx) : QL_OK;
}

static bool
is_about_diagnostics(const ql_ast_stmt *ast)
{
    return ast->kind == QL_S_SHOW &&
           (ast->show->kind == QL_SHOW_WARNINGS || ast->show->kind == QL_SHOW_ERRORS ||
            ast->show->kind == QL_SHOW_COUNT_WARNINGS || ast->show->kind == QL_SHOW_COUNT_ERRORS);
}

/* SHOW WARNINGS looks at, and keeps, what the former statement left. */
static void
choose_diagnostics(ql_session *s, const ql_ast_stmt *ast)
{
    if (is_about_diagnostics(ast)) {
        s->hide_warnings = true;
        s->cx.diag = s->diag_last;
        ql_diag *d = s->diag_now;
        s->diag_now = s->diag_last;
        s->diag_last = d;
    }
}

/* A change of data whose expressions may hold no bad values (manual, "Strict SQL Mode"). */
static bool
is_strict_change(const ql_ctx *cx, const ql_ast_stmt *ast)
{
    switch (ast->kind) {
    case QL_S_INSERT:
        return cx->vars->strict && !ast->insert->ignore;
    case QL_S_LOAD:
        return cx->vars->strict && !ast->load->ignore && (!ast->load->local || ast->load->replace);
    case QL_S_UPDATE:
        return cx->vars->strict && !ast->update->ignore;
    case QL_S_DELETE:
        return cx->vars->strict && !ast->del->ignore;
    default:
        return false;
    }
}

/* Values that reach beyond the session are for those who may SET them; else the hint is left out.
 */
static bool
may_hint(ql_ctx *cx, ql_sysvar_id id)
{
    if (ql_sysvar_session_right(id) == QL_SYSVAR_FREE ||
        ql_acl_has(cx, QL_PRIV_SESSION_VARIABLES_ADMIN) ||
        ql_acl_has(cx, QL_PRIV_SYSTEM_VARIABLES_ADMIN) || ql_acl_has(cx, QL_PRIV_SUPER)) {
        return true;
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR,
            "SUPER, SYSTEM_VARIABLES_ADMIN or SESSION_VARIABLES_ADMIN");
    return false;
}

/* SET_VAR hints: until the statement's end (finish_statement). */
static ql_status
set_hinted(ql_session *s, const ql_ast_stmt *ast)
{
    for (const ql_ast_hint *h = ast->variables; h != NULL; h = h->next) {
        ql_sysvar_id id = (ql_sysvar_id)ql_sysvar_find(h->name);
        QL_TRY(ql_check(&s->cx));
        if (may_hint(&s->cx, id)) {
            QL_TRY(ql_sysvar_hint(&s->cx, id, &h->value));
        }
    }
    if (ast->variables != NULL) {
        take_date_modes(&s->cx);
    }
    return QL_OK;
}

ql_status
ql_session_run_parsed(ql_session *s, const ql_ast_stmt *ast, const ql_value *params,
                      uint32_t nparams, ql_outcome *out)
{
    ql_ctx *cx = &s->cx;
    ql_rstmt *rs;
    s->is_kill |= ast->kind == QL_S_KILL;
    QL_TRY(set_hinted(s, ast));
    QL_TRY(qli_limit_select(s, ast));
    if (ql_stmt_does(ast->kind, QL_DOES_CONTROL)) {
        return qli_txn_control(s, ast);
    }
    s->changes_own = ql_has_temporary(cx) && qli_changes_own(cx, ast);
    QL_TRY(qli_txn_enter(s, ast->kind));
    ql_diag_set_strict(cx->diag, is_strict_change(cx, ast));
    QL_TRY(ql_resolve(cx, ast, params, nparams, &rs));
    s->touched |= rs->touches_tables || ast->kind == QL_S_CREATE_TEMPORARY;
    QL_TRY(qli_txn_check_access(s, rs));
    QL_TRY(ql_table_lock_uses(cx, rs->uses, rs->nuses));
    QL_TRY(ql_exec_rewrite(cx, s->front->ops, rs));
    bool outermost = !cx->admitted;
    QL_TRY(admit(s, rs));
    ql_proc_set_stage(cx->proc, QL_STAGE_EXECUTING);
    ql_status st = QL_SYNC(cx, STMT_BEFORE_EXECUTE);
    if (st == QL_OK) {
        st = ql_exec(cx, s->front->ops, rs, out);
    }
    if (outermost) {
        ql_admission_leave(cx);
    }
    QL_TRY(st);
    QL_TRY(QL_SYNC(cx, STMT_AFTER_EXECUTE));
    s->committed |= ql_stmt_does(ast->kind, QL_DOES_AT_ONCE) || out->decided;
    return QL_OK;
}

static ql_status
run_query_stages(ql_session *s, qli_stmt *q)
{
    QL_TRY(take_text(s, q));
    QL_TRY(parse(s, q));
    if (s->front->parsed != NULL) {
        s->front->parsed(s, q->consumed < q->text.n);
    }
    choose_diagnostics(s, q->ast);
    ql_count_command(&s->cx, ql_ast_stmt_com(q->ast));
    return ql_session_run_parsed(s, q->ast, NULL, 0, &q->out);
}

static ql_status
run_prepared_stages(ql_session *s, qli_stmt *q)
{
    ql_value *values = NULL;
    QL_TRY(qli_show_text(s, q->text));
    QL_TRY(q->bind(s, q->bind_arg, &values));
    choose_diagnostics(s, q->ps->ast);
    ql_count_command(&s->cx, ql_ast_stmt_com(q->ps->ast));
    return ql_session_run_parsed(s, q->ps->ast, values, q->ps->nparams, &q->out);
}

/* ---- the one exit ---- */

static void
count_slow(ql_session *s)
{
    ql_value v;
    int64_t ns = ql_now_mono_ns() - s->begin_ns;
    if (ql_sysvar_get(&s->cx, QL_SV_LONG_QUERY_TIME, false, &v) == QL_OK && v.kind == QL_K_DOUBLE &&
        (double)ns > v.d * 1e9) {
        ql_count(&s->cx, QL_CT_SLOW_QUERIES, 1);
    }
}

static void
note_result(ql_session *s, ql_status st, const ql_outcome *out)
{
    ql_vars *v = &s->vars;
    v->row_count = st != QL_OK ? -1 : out->has_result_set ? -1 : (int64_t)out->affected_rows;
    v->status_warnings = ql_diag_warning_count(s->cx.diag);
    v->status_errors = ql_diag_error_count(s->cx.diag);
}

static void
swap_diagnostics(ql_session *s)
{
    ql_diag *d = s->diag_last;
    s->diag_last = s->diag_now;
    s->diag_now = d;
    ql_diag_reset(d);
    s->cx.diag = d;
}

static void
count_interrupted(ql_session *s, ql_status st)
{
    const ql_condition *c = st == QL_KILLED ? ql_diag_error(s->cx.diag) : NULL;
    if (c == NULL) {
        return;
    }
    ql_count(&s->cx, QL_CT_STATEMENTS_INTERRUPTED, 1);
    if (ql_intr_conn_reason(&s->intr) == QL_INTR_GONE) {
        ql_count(&s->cx, QL_CT_CLIENTS_GONE, 1);
    } else if (c->number == QL_ER_QUERY_TIMEOUT) {
        ql_count(&s->cx,
                 s->limit_of_select ? QL_CT_MAX_EXECUTION_TIME_EXCEEDED
                                    : QL_CT_MAX_STATEMENT_TIME_EXCEEDED,
                 1);
    }
}

/* Every statement ends here, whatever became of it. With more to come the next one is a target of
 * kills already while this one is told of: they are on hold. */
static ql_status
finish_statement(ql_session *s, ql_status st, const ql_outcome *out, bool more)
{
    const ql_front *front = s->front;
    st = ql_intr_outcome(&s->cx, st);
    ql_admission_leave(&s->cx);
    if (st == QL_OK && front->finish_rows != NULL) {
        st = front->finish_rows(s, more);
    }
    ql_proc_set_stage(s->cx.proc, QL_STAGE_QUERY_END);
    st = qli_txn_decide(s, st);
    ql_vars_unhint(&s->cx, &s->vars);
    more = more && st == QL_OK;
    ql_mdl_release_statement(&s->cx);
    uint32_t next_kills = more ? QL_INTR_STMT_MASK : 0;
    ql_hold(&s->cx, next_kills);
    end_statement(s, more);
    if (QL_SYNC(&s->cx, BEFORE_REPLY) != QL_OK) {
        ql_session_abort(s);
    }
    note_result(s, st, out);
    count_slow(s);
    count_interrupted(s, st);
    if (front->tell != NULL) {
        front->tell(s, st, out, more);
    }
    ql_unhold(&s->cx, next_kills);
    if (s->stops_server && st == QL_OK) { /* earlier, it could be the one that gets 1053 */
        s->env->request_shutdown(s->env->arg);
    }
    s->stops_server = false;
    swap_diagnostics(s);
    return st;
}

/* ---- entries ---- */

static ql_status
run_statement(ql_session *s, qli_stmt *q)
{
    s->front->begin(s, q->binary);
    ql_status st = begin_statement(s);
    if (st == QL_OK) {
        st = q->ps != NULL ? run_prepared_stages(s, q) : run_query_stages(s, q);
    }
    return finish_statement(s, st, &q->out, q->consumed < q->text.n && st == QL_OK);
}

/* All statements of a text, up to the first that fails. */
static ql_status
run_all(ql_session *s, ql_str text)
{
    ql_status st;
    bool first = true;
    do {
        qli_stmt q = {.text = text, .first = first};
        st = run_statement(s, &q);
        text = (ql_str){q.text.p + q.consumed, q.text.n - q.consumed};
        first = false;
    } while (st == QL_OK && s->end == QL_END_NONE && text.n != 0);
    return st;
}

void
ql_session_query(ql_session *s, ql_str text)
{
    if (run_all(s, text) != QL_OK) {
        return; /* it has been told */
    }
}

bool
ql_session_query_silent(ql_session *s, ql_str text)
{
    bool multi = s->multi_statements;
    const ql_front *front = s->front;
    s->multi_statements = true;
    s->front = &qli_silent_front;
    ql_status st = run_all(s, text);
    s->front = front;
    s->multi_statements = multi;
    return st == QL_OK;
}

void
ql_session_execute(ql_session *s, ql_prepared *ps, bool binary, ql_session_bind bind, void *arg)
{
    qli_stmt q = {.text = ps->text,
                  .consumed = ps->text.n,
                  .binary = binary,
                  .ps = ps,
                  .bind = bind,
                  .bind_arg = arg};
    ps->in_use = true;
    (void)run_statement(s, &q);
    ps->in_use = false;
}

void
ql_session_do(ql_session *s, ql_str info, ql_session_work work, void *arg)
{
    ql_outcome out = {0};
    s->front->begin(s, false);
    ql_status st = begin_statement(s);
    if (st == QL_OK) {
        st = qli_show_text(s, info);
    }
    if (st == QL_OK) {
        st = qli_txn_enter(s, QL_S_SHOW);
    }
    if (st == QL_OK) {
        st = work(s, arg, &out);
    }
    (void)finish_statement(s, st, &out, false);
}
