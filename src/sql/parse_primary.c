/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions that bind tighter than any operator between two: names, variables, parentheses,
 * subqueries, CASE, INTERVAL, prefix operators; and the nodes of expressions. Literals are in
 * parse_literal.c, function calls with a grammar of their own in parse_func.c.
 */
#include <string.h>

#include "sql/sql_int.h"

/* ---- nodes ---- */

ql_status
qli_expr_new(qli_parser *p, ql_ast_kind kind, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_new(p, sizeof *e, &e));
    e->kind = kind;
    e->pos = p->t.pos;
    e->end = p->t.end;
    *out = e;
    return QL_OK;
}

static ql_status
set_args(qli_parser *p, ql_ast_expr *e, ql_ast_expr *a, ql_ast_expr *b, ql_ast_expr *c)
{
    uint32_t n = a == NULL ? 0 : b == NULL ? 1 : c == NULL ? 2 : 3;
    if (n == 0) {
        return QL_OK;
    }
    QL_TRY(qli_new(p, n * sizeof(ql_ast_expr *), &e->args.v));
    e->args.n = n;
    e->args.v[0] = a;
    if (n > 1) {
        e->args.v[1] = b;
    }
    if (n > 2) {
        e->args.v[2] = c;
    }
    return QL_OK;
}

ql_status
qli_op_new(qli_parser *p, ql_op op, ql_ast_expr *a, ql_ast_expr *b, ql_ast_expr *c,
           ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_OP, &e));
    QL_TRY(set_args(p, e, a, b, c));
    e->op = op;
    e->pos = a->pos;
    e->end = p->prev_end;
    *out = e;
    return qli_measure(p, e);
}

ql_status
qli_func_new(qli_parser *p, const char *name, ql_ast_expr *a, ql_ast_expr *b, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_FUNC, &e));
    QL_TRY(set_args(p, e, a, b, NULL));
    e->name = (ql_str){name, strlen(name)};
    e->pos = a != NULL ? a->pos : e->pos;
    e->end = p->prev_end;
    *out = e;
    return qli_measure(p, e);
}

/* ---- names ---- */

ql_status
qli_column_ref(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_COLUMN, &e));
    if (!qli_accept(p, T_DOT)) {
        QL_TRY(qli_name(p, &e->name));
    } else {
        QL_TRY(qli_name(p, &e->name));
    }
    for (int i = 0; i < 2 && qli_is(p, T_DOT); i++) {
        qli_advance(p);
        e->schema = e->table;
        e->table = e->name;
        QL_TRY(qli_name(p, &e->name));
    }
    e->end = p->prev_end;
    *out = e;
    return QL_OK;
}

ql_status
qli_user_var(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    if (!qli_is(p, T_USERVAR)) {
        return qli_syntax_error(p);
    }
    QL_TRY(qli_expr_new(p, QL_A_USERVAR, &e));
    QL_TRY(qli_token_decode(p->cx, p->a, &p->lx, &p->t, &e->name));
    qli_advance(p);
    *out = e;
    return QL_OK;
}

static ql_status
user_var_or_assign(qli_parser *p, ql_ast_expr **out)
{
    QL_TRY(qli_user_var(p, out));
    if (!qli_accept(p, T_ASSIGN)) {
        return QL_OK;
    }
    ql_ast_expr *value, *e = *out;
    QL_TRY(qli_expr(p, &value));
    e->kind = QL_A_ASSIGN;
    QL_TRY(set_args(p, e, value, NULL, NULL));
    e->end = p->prev_end;
    return QL_OK;
}

static ql_status
system_var(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_SYSVAR, &e));
    qli_advance(p);
    if (qli_is_word(p, "global") || qli_is_word(p, "session") || qli_is_word(p, "local")) {
        if (qli_peek(p, 1)->kind == T_DOT) {
            e->scope = qli_is_word(p, "global") ? QL_SCOPE_GLOBAL : QL_SCOPE_SESSION;
            qli_advance(p);
            qli_advance(p);
        }
    }
    QL_TRY(qli_name(p, &e->name));
    if (qli_accept(p, T_DOT)) { /* component or key cache: @@name.variable */
        e->table = e->name;
        QL_TRY(qli_name(p, &e->name));
    }
    e->end = p->prev_end;
    *out = e;
    return QL_OK;
}

/* ---- parentheses ---- */

ql_status
qli_subquery_node(qli_parser *p, uint32_t pos, ql_ast_select *s, ql_ast_kind kind,
                  ql_ast_expr **out)
{
    QL_TRY(qli_expr_new(p, kind, out));
    (*out)->select = s;
    (*out)->pos = pos;
    (*out)->end = p->prev_end;
    (*out)->height = s->height;
    return QL_OK;
}

/* "(" was taken. A scalar subquery, an expression or a row. ((SELECT 1) UNION ...) shows only
 * behind its first part that it is a query. */
ql_status
qli_parenthesis_rest(qli_parser *p, uint32_t pos, ql_ast_expr **out)
{
    ql_ast_select *s;
    if (qli_starts_query(p)) {
        QL_TRY(qli_query(p, &s));
        QL_TRY(qli_expect(p, T_RPAREN));
        return qli_subquery_node(p, pos, s, QL_A_SUBQUERY, out);
    }
    bool nested = qli_is(p, T_LPAREN);
    QL_TRY(qli_expr(p, out));
    if (nested && (*out)->kind == QL_A_SUBQUERY && qli_continues_query(p)) {
        QL_TRY(qli_query_rest(p, (*out)->select, &s));
        QL_TRY(qli_expect(p, T_RPAREN));
        return qli_subquery_node(p, pos, s, QL_A_SUBQUERY, out);
    }
    if (!qli_is(p, T_COMMA)) {
        return qli_expect(p, T_RPAREN);
    }
    uint32_t base = p->nstack;
    QL_TRY(qli_push(p, *out));
    while (qli_accept(p, T_COMMA)) {
        QL_TRY(qli_expr(p, out));
        QL_TRY(qli_push(p, *out));
    }
    QL_TRY(qli_expect(p, T_RPAREN));
    QL_TRY(qli_expr_new(p, QL_A_ROW, out));
    (*out)->pos = pos;
    (*out)->end = p->prev_end;
    return qli_pop_exprs(p, base, &(*out)->args);
}

static ql_status
parenthesis(qli_parser *p, ql_ast_expr **out)
{
    uint32_t pos = p->t.pos;
    qli_advance(p);
    return qli_parenthesis_rest(p, pos, out);
}

static ql_status
row_constructor(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_ROW, &e));
    qli_advance(p);
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_expr_list(p, &e->args));
    if (e->args.n < 2) {
        return qli_syntax_error(p);
    }
    QL_TRY(qli_expect(p, T_RPAREN));
    e->end = p->prev_end;
    *out = e;
    return QL_OK;
}

static ql_status
case_expr(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x;
    uint32_t base = p->nstack;
    QL_TRY(qli_expr_new(p, QL_A_CASE, &e));
    qli_advance(p);
    if (!qli_is(p, K_WHEN)) {
        e->has_operand = true;
        QL_TRY(qli_expr(p, &x));
        QL_TRY(qli_push(p, x));
    }
    do {
        QL_TRY(qli_expect(p, K_WHEN));
        QL_TRY(qli_expr(p, &x));
        QL_TRY(qli_push(p, x));
        QL_TRY(qli_expect(p, K_THEN));
        QL_TRY(qli_expr(p, &x));
        QL_TRY(qli_push(p, x));
    } while (qli_is(p, K_WHEN));
    if (qli_accept(p, K_ELSE)) {
        e->has_else = true;
        QL_TRY(qli_expr(p, &x));
        QL_TRY(qli_push(p, x));
    }
    QL_TRY(qli_expect(p, K_END));
    e->end = p->prev_end;
    *out = e;
    return qli_pop_exprs(p, base, &e->args);
}

static ql_status
exists_expr(qli_parser *p, ql_ast_expr **out)
{
    uint32_t pos = p->t.pos;
    ql_ast_select *s;
    qli_advance(p);
    QL_TRY(qli_subquery(p, &s));
    return qli_subquery_node(p, pos, s, QL_A_EXISTS, out);
}

/* BINARY x = CAST(x AS BINARY) */
static ql_status
binary_expr(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x;
    QL_TRY(qli_expr_new(p, QL_A_CAST, &e));
    qli_advance(p);
    QL_TRY(qli_simple_expr(p, &x));
    QL_TRY(set_args(p, e, x, NULL, NULL));
    QL_TRY(qli_new(p, sizeof *e->cast_type, &e->cast_type));
    e->cast_type->field = QL_F_VAR_STRING;
    e->cast_type->is_binary = true;
    e->end = p->prev_end;
    *out = e;
    return QL_OK;
}

/* ---- INTERVAL ---- */

/* INTERVAL and "(" were taken. INTERVAL(a, b, ...) is a function; with one operand the parenthesis
 * only begins the amount of a span: *amount is what it holds. */
static ql_status
interval_parenthesis(qli_parser *p, uint32_t pos, ql_ast_expr **function, ql_ast_expr **amount)
{
    ql_ast_expr *x;
    *function = NULL;
    if (qli_starts_query(p) || qli_is(p, T_LPAREN)) {
        bool nested = qli_is(p, T_LPAREN);
        QL_TRY(nested ? qli_expr(p, &x) : qli_parenthesis_rest(p, pos, &x));
        if (!nested) {
            *amount = x;
            return QL_OK;
        }
    } else {
        QL_TRY(qli_expr(p, &x));
    }
    if (!qli_is(p, T_COMMA)) {
        *amount = x;
        return qli_expect(p, T_RPAREN);
    }
    uint32_t base = p->nstack;
    QL_TRY(qli_push(p, x));
    while (qli_accept(p, T_COMMA)) {
        QL_TRY(qli_expr(p, &x));
        QL_TRY(qli_push(p, x));
    }
    QL_TRY(qli_expect(p, T_RPAREN));
    QL_TRY(qli_func_new(p, "INTERVAL", NULL, NULL, function));
    return qli_pop_exprs(p, base, &(*function)->args);
}

/* The current token is INTERVAL. Either the function, or a span of time. */
ql_status
qli_interval(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x;
    uint32_t pos = p->t.pos;
    QL_TRY(qli_enter(p));
    qli_advance(p);
    if (qli_accept(p, T_LPAREN)) {
        QL_TRY(interval_parenthesis(p, pos, &e, &x));
        if (e != NULL) {
            e->pos = pos;
            e->end = p->prev_end;
            *out = e;
            return QL_OK;
        }
        p->resume = x;
    }
    QL_TRY(qli_expr(p, &x));
    QL_TRY(qli_expr_new(p, QL_A_INTERVAL, &e));
    QL_TRY(set_args(p, e, x, NULL, NULL));
    QL_TRY(qli_unit(p, &e->unit));
    e->pos = pos;
    e->end = p->prev_end;
    *out = e;
    return qli_measure(p, e);
}

/* INTERVAL 1 DAY + x = x + INTERVAL 1 DAY */
static ql_status
leading_interval(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *span, *x;
    QL_TRY(qli_interval(p, &span));
    if (span->kind != QL_A_INTERVAL) {
        *out = span;
        return QL_OK;
    }
    QL_TRY(qli_expect(p, T_PLUS));
    QL_TRY(qli_expr(p, &x));
    QL_TRY(qli_op_new(p, QL_OP_ADD, x, span, NULL, out));
    (*out)->pos = span->pos;
    return QL_OK;
}

/* ---- simple expressions ---- */

static ql_status
prefix_op(qli_parser *p, ql_op op, ql_ast_expr **out)
{
    uint32_t pos = p->t.pos;
    ql_ast_expr *x;
    qli_advance(p);
    QL_TRY(qli_simple_expr(p, &x));
    QL_TRY(qli_op_new(p, op, x, NULL, NULL, out));
    (*out)->pos = pos;
    return QL_OK;
}

static ql_status
word_expr(qli_parser *p, ql_ast_expr **out)
{
    ql_kind kind;
    bool is_call = false;
    if (qli_temporal_kind(&p->t, &kind) && qli_peek(p, 1)->kind == T_STRING) {
        uint32_t pos = p->t.pos;
        qli_advance(p);
        return qli_temporal_literal(p, kind, pos, out);
    }
    QL_TRY(qli_parse_call(p, out, &is_call));
    return is_call ? QL_OK : qli_column_ref(p, out);
}

static ql_status
primary(qli_parser *p, ql_ast_expr **out)
{
    if (p->resume != NULL) {
        *out = p->resume;
        p->resume = NULL;
        return QL_OK;
    }
    switch (p->t.kind) {
    case T_PARAM:
        QL_TRY(qli_expr_new(p, QL_A_PARAM, out));
        (*out)->index = p->nparams++;
        qli_advance(p);
        return QL_OK;
    case T_USERVAR:
        return user_var_or_assign(p, out);
    case T_ATAT:
        return system_var(p, out);
    case T_LPAREN:
        return parenthesis(p, out);
    case T_LBRACE:
        return qli_odbc_escape(p, out);
    case T_CHARSET:
        return qli_introduced_literal(p, out);
    case T_PLUS:
        return prefix_op(p, QL_OP_PLUS, out);
    case T_MINUS:
        return prefix_op(p, QL_OP_NEG, out);
    case T_TILDE:
        return prefix_op(p, QL_OP_BITNOT, out);
    case T_BANG:
        return prefix_op(p, QL_OP_NOT, out);
    case K_NOT:
        return p->mode->high_not_precedence ? prefix_op(p, QL_OP_NOT, out) : qli_syntax_error(p);
    case K_BINARY:
        return binary_expr(p, out);
    case K_ROW:
        return row_constructor(p, out);
    case K_EXISTS:
        return exists_expr(p, out);
    case K_CASE:
        return case_expr(p, out);
    case K_INTERVAL:
        return leading_interval(p, out);
    case K_MATCH:
        return qli_unbuilt(p, "MATCH");
    default:
        return qli_is_literal(p) ? qli_literal(p, out) : word_expr(p, out);
    }
}

/* column -> 'path' is JSON_EXTRACT(column, 'path'), ->> the text of that. */
static ql_status
column_path(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *path;
    bool text = qli_is(p, T_ARROW_ARROW);
    if ((*out)->kind != QL_A_COLUMN || qli_peek(p, 1)->kind != T_STRING) {
        return qli_syntax_error(p);
    }
    qli_advance(p);
    QL_TRY(qli_literal(p, &path));
    QL_TRY(qli_func_new(p, "JSON_EXTRACT", *out, path, out));
    return text ? qli_func_new(p, "JSON_UNQUOTE", *out, NULL, out) : QL_OK;
}

ql_status
qli_simple_expr(qli_parser *p, ql_ast_expr **out)
{
    QL_TRY(qli_enter(p));
    bool resumed = p->resume != NULL;
    QL_TRY(primary(p, out));
    if (!resumed && (*out)->kind != QL_A_LITERAL &&
        ((*out)->kind != QL_A_OP || (*out)->height == 0)) {
        (*out)->height = (*out)->select != NULL ? (*out)->select->height : 0;
        QL_TRY(qli_measure(p, *out));
    }
    for (;;) {
        if (qli_accept(p, K_COLLATE)) {
            ql_ast_expr *e;
            QL_TRY(qli_expr_new(p, QL_A_COLLATE, &e));
            QL_TRY(qli_charset_name(p, &e->name));
            QL_TRY(set_args(p, e, *out, NULL, NULL));
            e->pos = (*out)->pos;
            e->end = p->prev_end;
            QL_TRY(qli_measure(p, e));
            *out = e;
        } else if (qli_is(p, T_ARROW) || qli_is(p, T_ARROW_ARROW)) {
            QL_TRY(column_path(p, out));
        } else {
            return QL_OK;
        }
    }
}
