/* SPDX-License-Identifier: Apache-2.0
 *
 * Prepared statements: text and AST are kept; names are resolved anew at each execution, so that a
 * changed table is no special case. They are the session's: those of SQL PREPARE by name, the
 * front's by pointer. One thread, no locks; only the count of all sessions is shared.
 */
#include <string.h>

#include "session/session_int.h"
#include "txn/mdl.h"

#define DEFAULT_MAX_PREPARED 16382

/* ---- life ---- */

static ql_status
count_one_more(ql_session *s)
{
    uint64_t max = ql_session_setting(s, "max_prepared_stmt_count", DEFAULT_MAX_PREPARED);
    if (atomic_fetch_add(&s->env->prepared, 1) >= max) {
        atomic_fetch_sub(&s->env->prepared, 1);
        return ql_fail(&s->cx, QL_ER_MAX_PREPARED_STMT_COUNT_REACHED, (unsigned long)max);
    }
    ql_count(&s->cx, QL_CT_PREPARED_STMT_COUNT, 1);
    return QL_OK;
}

static void
count_one_less(ql_session *s)
{
    atomic_fetch_sub(&s->env->prepared, 1);
    ql_count(&s->cx, QL_CT_PREPARED_STMT_COUNT, (uint64_t)-1);
}

static void
free_prepared(ql_session *s, ql_prepared *ps)
{
    if (ps->forget != NULL) {
        ps->forget(ps);
    }
    count_one_less(s);
    ql_arena_free(ps->arena); /* ps itself lives there */
}

static void
add(ql_session *s, ql_prepared *ps)
{
    ps->next = s->prepared;
    s->prepared = ps;
}

void
ql_session_prepared_free(ql_session *s, ql_prepared *ps)
{
    ql_prepared **at = &s->prepared;
    while (*at != ps) {
        at = &(*at)->next;
    }
    *at = ps->next;
    free_prepared(s, ps);
}

void
qli_prepared_free_all(ql_session *s)
{
    ql_prepared *ps = s->prepared;
    s->prepared = NULL;
    while (ps != NULL) {
        ql_prepared *next = ps->next;
        free_prepared(s, ps);
        ps = next;
    }
}

/* Parse text into a statement of its own arena a. */
static ql_status
parse_prepared(ql_session *s, ql_arena *a, ql_str name, ql_str text, ql_prepared **out)
{
    ql_ctx *cx = &s->cx;
    ql_ast_stmt *ast;
    size_t consumed;
    ql_parse_mode mode = qli_parse_mode(s, true);
    ql_prepared *ps = QL_ARENA_NEW(cx, a, ql_prepared);
    char *copy = ps != NULL ? ql_arena_strndup(cx, a, text.p, text.n) : NULL;
    char *label = copy != NULL ? ql_arena_strndup(cx, a, name.n ? name.p : "", name.n) : NULL;
    if (label == NULL) {
        return QL_ERROR;
    }
    *ps = (ql_prepared){.arena = a, .text = {copy, text.n}, .name = {label, name.n}};
    QL_TRY(ql_parse(cx, a, ps->text, &mode, &ast, &consumed));
    if (consumed < text.n) {
        return ql_fail(cx, QL_ER_PARSE_ERROR, copy + consumed, 1);
    }
    ps->ast = ast;
    ps->nparams = ast->nparams;
    *out = ps;
    return QL_OK;
}

static ql_status
may_prepare(ql_session *s, const ql_ast_stmt *ast)
{
    bool asks = ast->kind == QL_S_EXPLAIN && ast->explain.for_connection != NULL;
    return asks || ql_stmt_does(ast->kind, QL_DOES_NOT_PREPARED)
               ? ql_fail(&s->cx, QL_ER_UNSUPPORTED_PS)
               : QL_OK;
}

/* Names are bound now, so that what is wrong with them is told now, and the columns of the result
 * are known. Nothing of it is kept but what *cols says (in the statement arena): no locks either.
 */
static ql_status
describe(ql_session *s, const ql_ast_stmt *ast, ql_result_column **cols, uint16_t *n)
{
    ql_ctx *cx = &s->cx;
    ql_rstmt *rs;
    ql_mdl_set_brief(cx, true);
    ql_status st = ql_resolve_prepare(cx, ast, &rs);
    if (st == QL_OK) {
        st = ql_exec_describe(cx, rs, cols, n);
    }
    ql_mdl_set_brief(cx, false);
    return st;
}

static ql_status
prepare(ql_session *s, ql_str name, ql_str text, ql_prepared **out, ql_result_column **cols,
        uint16_t *ncols)
{
    *ncols = 0;
    QL_TRY(count_one_more(s));
    ql_arena *a = ql_arena_new("prepared", &s->kept);
    ql_status st = a != NULL ? QL_OK : ql_fail_oom(&s->cx, 0);
    if (st == QL_OK) {
        st = parse_prepared(s, a, name, text, out);
    }
    if (st == QL_OK) {
        st = may_prepare(s, (*out)->ast);
    }
    if (st == QL_OK) {
        st = describe(s, (*out)->ast, cols, ncols);
    }
    if (st != QL_OK) {
        count_one_less(s);
        ql_arena_free(a);
        *out = NULL;
        return st;
    }
    add(s, *out);
    return QL_OK;
}

ql_status
ql_session_prepare(ql_session *s, ql_str text, ql_prepared **out, ql_result_column **cols,
                   uint16_t *ncols)
{
    return prepare(s, (ql_str){"", 0}, text, out, cols, ncols);
}

/* ---- SQL PREPARE, EXECUTE, DEALLOCATE ---- */

static void
drop(ql_session *s, ql_prepared *ps)
{
    if (ps->in_use) {
        ps->closed = true;
        ps->name.n = 0;
        return;
    }
    ql_session_prepared_free(s, ps);
}

static ql_prepared *
find_name(ql_session *s, ql_str name)
{
    ql_prepared *ps = s->prepared;
    while (ps != NULL && (ps->name.n == 0 || !ql_str_eq_nocase(ps->name, name))) {
        ps = ps->next;
    }
    return ps;
}

ql_status
ql_session_op_prepare(ql_ctx *cx, ql_str name, ql_str text)
{
    ql_session *s = cx->session;
    ql_result_column *cols;
    uint16_t n;
    ql_prepared *ps, *old = find_name(s, name);
    if (old != NULL) {
        drop(s, old); /* also when the new text has an error (manual, PREPARE) */
    }
    return prepare(s, name, text, &ps, &cols, &n);
}

static ql_status
unknown_name(ql_ctx *cx, ql_str name, const char *what)
{
    char *p = ql_arena_strndup(cx, cx->arena, name.p, name.n);
    return p != NULL ? ql_fail(cx, QL_ER_UNKNOWN_STMT_HANDLER, p, what) : QL_ERROR;
}

ql_status
ql_session_op_execute(ql_ctx *cx, ql_str name, const ql_value *params, uint32_t n, ql_outcome *out)
{
    ql_session *s = cx->session;
    ql_prepared *ps = find_name(s, name);
    if (ps == NULL) {
        return unknown_name(cx, name, "EXECUTE");
    }
    if (n != ps->nparams) {
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "EXECUTE");
    }
    QL_TRY(qli_show_text(s, ps->text)); /* as MySQL: what runs, not "EXECUTE name" */
    ql_count_command(cx, ql_ast_stmt_com(ps->ast));
    ps->in_use = true;
    ql_status st = ql_session_run_parsed(s, ps->ast, params, n, out);
    ps->in_use = false;
    return st;
}

ql_status
ql_session_op_deallocate(ql_ctx *cx, ql_str name)
{
    ql_session *s = cx->session;
    ql_prepared *ps = find_name(s, name);
    if (ps == NULL) {
        return unknown_name(cx, name, "DEALLOCATE PREPARE");
    }
    drop(s, ps);
    return QL_OK;
}
