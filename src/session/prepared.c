/* SPDX-License-Identifier: Apache-2.0
 *
 * Prepared statements: of the binary protocol by number, of SQL PREPARE by name. Text and AST are
 * kept; names are resolved anew at each execution, so that a changed table is no special case. One
 * thread, no locks; only the count of all sessions is shared.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "session/session_int.h"
#include "txn/mdl.h"

#define DEFAULT_MAX_PREPARED 16382

/* ---- life ---- */

static ql_status
count_one_more(ql_session *s)
{
    uint64_t max = qli_setting(s, "max_prepared_stmt_count", DEFAULT_MAX_PREPARED);
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
free_prepared(ql_session *s, qli_prepared *ps)
{
    for (uint32_t i = 0; ps->slots != NULL && i < ps->nparams; i++) {
        ql_buf_free(&ps->slots[i].long_data);
    }
    count_one_less(s);
    ql_arena_free(ps->arena); /* ps itself lives there */
}

/* Parse text into a statement of its own arena; not yet in the session's list. */
static ql_status
make_prepared(ql_session *s, ql_str name, ql_str text, qli_prepared **out)
{
    ql_ctx *cx = &s->cx;
    ql_ast_stmt *ast;
    size_t consumed;
    ql_parse_mode mode = qli_parse_mode(s, true);
    QL_TRY(count_one_more(s));
    ql_arena *a = ql_arena_new("prepared", &s->kept);
    ql_status st = a != NULL ? QL_OK : ql_fail_oom(cx, 0);
    if (st == QL_OK) {
        qli_prepared *ps = QL_ARENA_NEW(cx, a, qli_prepared);
        char *copy = ps != NULL ? ql_arena_strndup(cx, a, text.p, text.n) : NULL;
        char *label = copy != NULL ? ql_arena_strndup(cx, a, name.n ? name.p : "", name.n) : NULL;
        if (label == NULL) {
            st = QL_ERROR;
            goto out;
        }
        *ps = (qli_prepared){.arena = a, .text = {copy, text.n}, .name = {label, name.n}};
        QL_TRY_TO(st, ql_parse(cx, a, ps->text, &mode, &ast, &consumed), out);
        if (consumed < text.n) {
            st = ql_fail(cx, QL_ER_PARSE_ERROR, copy + consumed, 1);
            goto out;
        }
        ps->ast = ast;
        ps->nparams = ast->nparams;
        ps->slots = QL_ARENA_ARRAY(cx, a, ql_param_slot, ps->nparams + 1);
        if (ps->slots == NULL) {
            st = QL_ERROR;
            goto out;
        }
        for (uint32_t i = 0; i < ps->nparams; i++) {
            ps->slots[i].long_data.quota = &s->kept;
        }
        *out = ps;
        return QL_OK;
    }
out:
    count_one_less(s);
    ql_arena_free(a);
    return st;
}

static void
add(ql_session *s, qli_prepared *ps)
{
    ps->next = s->prepared;
    s->prepared = ps;
}

static void
drop(ql_session *s, qli_prepared *ps)
{
    qli_prepared **at = &s->prepared;
    if (ps->in_use) {
        ps->closed = true; /* a statement runs it: goes with the session */
        ps->id = 0;
        ps->name.n = 0;
        return;
    }
    while (*at != ps) {
        at = &(*at)->next;
    }
    *at = ps->next;
    free_prepared(s, ps);
}

void
qli_prepared_free_all(ql_session *s)
{
    qli_prepared *ps = s->prepared;
    s->prepared = NULL;
    while (ps != NULL) {
        qli_prepared *next = ps->next;
        free_prepared(s, ps);
        ps = next;
    }
}

qli_prepared *
qli_prepared_find(ql_session *s, uint64_t id)
{
    qli_prepared *ps = s->prepared;
    while (ps != NULL && (ps->id != id || id == 0)) {
        ps = ps->next;
    }
    return ps;
}

static qli_prepared *
find_name(ql_session *s, ql_str name)
{
    qli_prepared *ps = s->prepared;
    while (ps != NULL && (ps->id != 0 || ps->closed || !ql_str_eq_nocase(ps->name, name))) {
        ps = ps->next;
    }
    return ps;
}

/* ---- binary protocol ---- */

/* What COM_STMT_PREPARE answers, gathered while its statement runs. */
typedef struct prepare_work {
    ql_str text;
    qli_prepared *ps;
    ql_result_column *cols; /* in the statement arena */
    uint16_t ncols;
} prepare_work;

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
may_prepare(ql_session *s, const ql_ast_stmt *ast)
{
    bool asks = ast->kind == QL_S_EXPLAIN && ast->explain.for_connection != NULL;
    return asks || ql_stmt_does(ast->kind, QL_DOES_NOT_PREPARED)
               ? ql_fail(&s->cx, QL_ER_UNSUPPORTED_PS)
               : QL_OK;
}

static ql_status
prepare(ql_session *s, void *arg, ql_outcome *out)
{
    prepare_work *w = arg;
    (void)out;
    QL_TRY(make_prepared(s, (ql_str){"", 0}, w->text, &w->ps));
    ql_status st = may_prepare(s, w->ps->ast);
    if (st == QL_OK) {
        st = describe(s, w->ps->ast, &w->cols, &w->ncols);
    }
    if (st != QL_OK) {
        free_prepared(s, w->ps);
        w->ps = NULL;
        return st;
    }
    w->ps->id = ++s->next_prepared_id;
    add(s, w->ps);
    return QL_OK;
}

static ql_status
reply_params(ql_session *s, uint32_t n)
{
    ql_result_column param = {.name = QL_STR("?"), .type = ql_type_null()};
    ql_reply r = qli_reply_state(s, false);
    if (n == 0) {
        return QL_OK;
    }
    param.type.field = QL_F_VAR_STRING;
    param.type.nullable = true;
    param.flags = QL_CF_BINARY;
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_put_column_definition(&s->cx, &s->wire, &param, NULL, false));
    }
    return ql_reply_eof(&s->cx, &s->wire, &r);
}

/* COM_STMT_PREPARE_OK (protocol documentation). */
static ql_status
reply_prepared(ql_session *s, void *arg)
{
    const prepare_work *w = arg;
    ql_ctx *cx = &s->cx;
    ql_reply r = qli_reply_state(s, false);
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, &s->wire, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put_le(cx, b, w->ps->id, 4));
    QL_TRY(ql_buf_put_le(cx, b, w->ncols, 2));
    QL_TRY(ql_buf_put_le(cx, b, w->ps->nparams, 2));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put_le(cx, b, r.warnings, 2));
    QL_TRY(ql_wire_end(cx, &s->wire));
    QL_TRY(reply_params(s, w->ps->nparams));
    for (uint16_t i = 0; i < w->ncols; i++) {
        QL_TRY(ql_put_column_definition(cx, &s->wire, &w->cols[i], s->vars.cs_results, false));
    }
    return w->ncols != 0 ? ql_reply_eof(cx, &s->wire, &r) : QL_OK;
}

void
qli_prepared_prepare(ql_session *s, ql_str text)
{
    prepare_work w = {.text = text};
    qli_stmt_work(s, text, prepare, reply_prepared, &w);
}

void
qli_prepared_close(ql_session *s, uint64_t id)
{
    qli_prepared *ps = qli_prepared_find(s, id);
    if (ps != NULL) {
        drop(s, ps);
    }
}

static ql_status
no_handler(ql_session *s, uint64_t id, const char *what)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    return ql_fail(&s->cx, QL_ER_UNKNOWN_STMT_HANDLER, text, what);
}

static void
clear_long_data(qli_prepared *ps)
{
    for (uint32_t i = 0; i < ps->nparams; i++) {
        ql_buf_free(&ps->slots[i].long_data);
        ps->slots[i].has_long_data = false;
    }
    ps->long_data_failed = false;
}

ql_status
qli_prepared_reset(ql_session *s, uint64_t id)
{
    qli_prepared *ps = qli_prepared_find(s, id);
    if (ps == NULL) {
        return no_handler(s, id, "mysqld_stmt_reset");
    }
    clear_long_data(ps);
    return QL_OK;
}

/* Has no reply; what goes wrong is told at EXECUTE. */
void
qli_prepared_long_data(ql_session *s, const ql_command *c)
{
    qli_prepared *ps = qli_prepared_find(s, c->id);
    if (ps == NULL) {
        return;
    }
    ql_param_slot *slot = c->param < ps->nparams ? &ps->slots[c->param] : NULL;
    if (slot == NULL || slot->long_data.n + c->text.n > s->vars.max_allowed_packet ||
        ql_buf_put(&s->cx, &slot->long_data, c->text.p, c->text.n) != QL_OK) {
        ps->long_data_failed = true;
        return;
    }
    slot->has_long_data = true;
}

ql_status
qli_prepared_bind(ql_session *s, qli_prepared *ps, ql_str payload, ql_value **values)
{
    ql_ctx *cx = &s->cx;
    *values = QL_ARENA_ARRAY(cx, cx->arena, ql_value, ps->nparams + 1);
    if (*values == NULL) {
        return QL_ERROR;
    }
    if (ps->long_data_failed) {
        clear_long_data(ps);
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "mysqld_stmt_send_long_data");
    }
    ql_status st =
        ql_stmt_params_decode(cx, cx->arena, payload, ps->slots, ps->nparams, &ps->types_bound,
                              s->vars.cs_client, s->vars.coll_connection, *values);
    clear_long_data(ps);
    return st;
}

/* ---- SQL PREPARE, EXECUTE, DEALLOCATE ---- */

ql_status
qli_sql_prepare(ql_ctx *cx, ql_str name, ql_str text)
{
    ql_session *s = cx->session;
    qli_prepared *ps, *old = find_name(s, name);
    if (old != NULL) {
        drop(s, old); /* also when the new text has an error (manual, PREPARE) */
    }
    QL_TRY(make_prepared(s, name, text, &ps));
    ql_result_column *cols;
    uint16_t n;
    ql_status st = may_prepare(s, ps->ast);
    if (st == QL_OK) {
        st = describe(s, ps->ast, &cols, &n);
    }
    if (st != QL_OK) {
        free_prepared(s, ps);
        return st;
    }
    add(s, ps);
    return QL_OK;
}

static ql_status
unknown_name(ql_ctx *cx, ql_str name, const char *what)
{
    char *p = ql_arena_strndup(cx, cx->arena, name.p, name.n);
    return p != NULL ? ql_fail(cx, QL_ER_UNKNOWN_STMT_HANDLER, p, what) : QL_ERROR;
}

ql_status
qli_sql_execute(ql_ctx *cx, ql_str name, const ql_value *params, uint32_t n, ql_outcome *out)
{
    ql_session *s = cx->session;
    qli_prepared *ps = find_name(s, name);
    if (ps == NULL) {
        return unknown_name(cx, name, "EXECUTE");
    }
    if (n != ps->nparams) {
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "EXECUTE");
    }
    QL_TRY(qli_show_text(s, ps->text)); /* as MySQL: what runs, not "EXECUTE name" */
    ql_count_command(cx, ql_ast_stmt_com(ps->ast));
    ps->in_use = true;
    ql_status st = qli_stmt_run_parsed(s, ps->ast, params, n, out);
    ps->in_use = false;
    return st;
}

ql_status
qli_sql_deallocate(ql_ctx *cx, ql_str name)
{
    ql_session *s = cx->session;
    qli_prepared *ps = find_name(s, name);
    if (ps == NULL) {
        return unknown_name(cx, name, "DEALLOCATE PREPARE");
    }
    drop(s, ps);
    return QL_OK;
}
