/* SPDX-License-Identifier: Apache-2.0
 *
 * Function calls: those whose arguments have a grammar of their own (CAST, TRIM, EXTRACT,
 * aggregates, NOW without parentheses ...) and the ordinary name(arguments).
 */
#include <string.h>

#include "sql/sql_int.h"

/* Node of a call; the current token is the name. Takes name and "(". */
static ql_status
open_call(qli_parser *p, ql_ast_kind kind, const char *name, ql_ast_expr **out)
{
    QL_TRY(qli_expr_new(p, kind, out));
    if (name != NULL) {
        (*out)->name = (ql_str){name, strlen(name)};
    }
    qli_advance(p);
    return qli_expect(p, T_LPAREN);
}

static ql_status
close_call(qli_parser *p, ql_ast_expr *e)
{
    QL_TRY(qli_expect(p, T_RPAREN));
    e->end = p->prev_end;
    return QL_OK;
}

static ql_status
push_expr(qli_parser *p)
{
    ql_ast_expr *x;
    QL_TRY(qli_expr(p, &x));
    return qli_push(p, x);
}

static ql_status
opt_args(qli_parser *p, ql_ast_exprs *out)
{
    return qli_is(p, T_RPAREN) ? QL_OK : qli_expr_list(p, out);
}

/* name(a, b, ...) with the given name. */
static ql_status
plain_call(qli_parser *p, const char *name, ql_ast_expr **out)
{
    QL_TRY(open_call(p, QL_A_FUNC, name, out));
    QL_TRY(opt_args(p, &(*out)->args));
    return close_call(p, *out);
}

/* name or name(): CURRENT_USER, UTC_DATE ... with at most one argument (fractional digits). */
static ql_status
niladic(qli_parser *p, const char *name, bool needs_parens, ql_ast_expr **out)
{
    if (needs_parens || qli_peek(p, 1)->kind == T_LPAREN) {
        return plain_call(p, name, out);
    }
    QL_TRY(qli_expr_new(p, QL_A_FUNC, out));
    (*out)->name = (ql_str){name, strlen(name)};
    qli_advance(p);
    return QL_OK;
}

ql_status
qli_parse_now(qli_parser *p, ql_ast_expr **out)
{
    switch (p->t.kind) {
    case K_NOW:
    case K_CURRENT_TIMESTAMP:
    case K_LOCALTIME:
    case K_LOCALTIMESTAMP:
        return niladic(p, "NOW", p->t.kind == K_NOW, out);
    default:
        return qli_syntax_error(p);
    }
}

static ql_status
window_follows(qli_parser *p)
{
    return qli_is(p, K_OVER) ? qli_unbuilt(p, "window functions") : QL_OK;
}

/* ---- aggregates ---- */

static ql_status
count_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x;
    QL_TRY(open_call(p, QL_A_FUNC, "COUNT", &e));
    uint32_t base = p->nstack;
    if (qli_is(p, T_STAR)) {
        QL_TRY(qli_expr_new(p, QL_A_STAR, &x));
        qli_advance(p);
        QL_TRY(qli_push(p, x));
        QL_TRY(qli_pop_exprs(p, base, &e->args));
    } else if (qli_accept(p, K_DISTINCT)) {
        e->distinct = true;
        QL_TRY(qli_expr_list(p, &e->args));
    } else {
        (void)qli_accept(p, K_ALL);
        QL_TRY(push_expr(p));
        QL_TRY(qli_pop_exprs(p, base, &e->args));
    }
    *out = e;
    QL_TRY(close_call(p, e));
    return window_follows(p);
}

static ql_status
aggregate_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_FUNC, qli_keyword_text(p->t.kind), &e));
    e->distinct = qli_accept(p, K_DISTINCT);
    (void)qli_accept(p, K_ALL);
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    QL_TRY(close_call(p, e));
    return window_follows(p);
}

static ql_status
json_aggregate(qli_parser *p, ql_ast_expr **out)
{
    QL_TRY(open_call(p, QL_A_FUNC, qli_keyword_text(p->t.kind), out));
    QL_TRY(qli_expr_list(p, &(*out)->args));
    QL_TRY(close_call(p, *out));
    return window_follows(p);
}

/* A text, maybe with an introducer. */
ql_status
qli_json_path_literal(qli_parser *p, ql_ast_expr **out)
{
    bool text = qli_is(p, T_STRING) || qli_is(p, T_CHARSET);
    QL_TRY(text ? qli_simple_expr(p, out) : qli_syntax_error(p));
    return (*out)->kind == QL_A_LITERAL && (*out)->value.kind == QL_K_STRING ? QL_OK
                                                                             : qli_syntax_error(p);
}

/* NULL, ERROR or DEFAULT literal, ON EMPTY or ON ERROR; *found false: none of that. */
ql_status
qli_json_on(qli_parser *p, bool *found, bool *on_error, unsigned *action, ql_ast_expr **value)
{
    *found = qli_is(p, K_NULL) || qli_is(p, K_ERROR) || qli_is(p, K_DEFAULT);
    *value = NULL;
    if (!*found) {
        return QL_OK;
    }
    *action = qli_is(p, K_NULL)    ? QL_JSON_ON_NULL
              : qli_is(p, K_ERROR) ? QL_JSON_ON_ERROR
                                   : QL_JSON_ON_DEFAULT;
    qli_advance(p);
    if (*action == QL_JSON_ON_DEFAULT) {
        QL_TRY(qli_simple_expr(p, value));
    }
    QL_TRY(qli_expect(p, K_ON));
    *on_error = qli_is(p, K_ERROR);
    return *on_error ? qli_expect(p, K_ERROR) : qli_expect(p, K_EMPTY);
}

/* Both, in this order. */
static ql_status
json_on_clauses(qli_parser *p, unsigned actions[2], ql_ast_expr *values[2])
{
    bool found = true, on_error = false;
    for (int next = 0; next < 2 && found; next = 1 + on_error) {
        unsigned action = QL_JSON_ON_NULL;
        ql_ast_expr *value;
        QL_TRY(qli_json_on(p, &found, &on_error, &action, &value));
        if (found && on_error < next) {
            return qli_syntax_error(p);
        }
        if (found) {
            actions[on_error] = action;
            values[on_error] = value;
        }
    }
    return QL_OK;
}

/* JSON_VALUE(doc, path [RETURNING type] [... ON EMPTY] [... ON ERROR]) */
static ql_status
json_value_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x, *values[2] = {NULL, NULL};
    unsigned actions[2] = {QL_JSON_ON_NULL, QL_JSON_ON_NULL};
    QL_TRY(open_call(p, QL_A_FUNC, "JSON_VALUE", &e));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_expect(p, T_COMMA));
    QL_TRY(qli_json_path_literal(p, &x));
    QL_TRY(qli_push(p, x));
    if (qli_accept(p, K_RETURNING)) {
        QL_TRY(qli_cast_type(p, &e->cast_type));
    }
    QL_TRY(json_on_clauses(p, actions, values));
    e->index = actions[0] | actions[1] << 2;
    for (unsigned i = 0; i < 2 && (values[0] != NULL || values[1] != NULL); i++) {
        if (values[i] == NULL) { /* in its place */
            QL_TRY(qli_expr_new(p, QL_A_LITERAL, &values[i]));
        }
        QL_TRY(qli_push(p, values[i]));
    }
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

static ql_status
group_concat(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_GROUP_CONCAT, "GROUP_CONCAT", &e));
    e->distinct = qli_accept(p, K_DISTINCT);
    QL_TRY(qli_expr_list(p, &e->args));
    QL_TRY(qli_opt_order_by(p, &e->order_by));
    e->value.kind = QL_K_STRING;
    e->value.coll = p->mode->literal_coll;
    e->value.s = QL_STR(",");
    if (qli_accept(p, K_SEPARATOR)) {
        QL_TRY(qli_string(p, &e->value.s));
    }
    *out = e;
    QL_TRY(close_call(p, e));
    return window_follows(p);
}

/* ---- calls with words between the arguments ---- */

static ql_status
cast_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_CAST, NULL, &e));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    if (qli_is(p, K_AT)) {
        return qli_unbuilt(p, "CAST ... AT TIME ZONE");
    }
    QL_TRY(qli_expect(p, K_AS));
    QL_TRY(qli_cast_type(p, &e->cast_type));
    if (qli_is(p, K_ARRAY)) {
        return qli_unbuilt(p, "CAST ... ARRAY");
    }
    *out = e;
    return close_call(p, e);
}

/* CONVERT(x USING charset), CONVERT(x, type) */
static ql_status
convert_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_CAST, NULL, &e));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    if (qli_accept(p, K_USING)) {
        e->kind = QL_A_CONVERT;
        QL_TRY(qli_charset_name(p, &e->name));
    } else {
        QL_TRY(qli_expect(p, T_COMMA));
        QL_TRY(qli_cast_type(p, &e->cast_type));
    }
    *out = e;
    return close_call(p, e);
}

/* SUBSTRING(x, y[, z]), SUBSTRING(x FROM y [FOR z]) */
static ql_status
substring_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_FUNC, "SUBSTRING", &e));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    bool from = qli_accept(p, K_FROM);
    if (!from) {
        QL_TRY(qli_expect(p, T_COMMA));
    }
    QL_TRY(push_expr(p));
    if (qli_accept(p, from ? K_FOR : T_COMMA)) {
        QL_TRY(push_expr(p));
    }
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* POSITION(x IN y) = LOCATE(x, y) */
static ql_status
position_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x;
    QL_TRY(open_call(p, QL_A_FUNC, "LOCATE", &e));
    uint32_t base = p->nstack;
    QL_TRY(qli_bit_expr(p, &x));
    QL_TRY(qli_push(p, x));
    QL_TRY(qli_expect(p, K_IN));
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

static ql_status
trim_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *x = NULL, *y = NULL;
    QL_TRY(open_call(p, QL_A_TRIM, "TRIM", &e));
    bool sided = true;
    if (qli_accept(p, K_LEADING)) {
        e->index = 1;
    } else if (qli_accept(p, K_TRAILING)) {
        e->index = 2;
    } else if (!qli_accept(p, K_BOTH)) {
        sided = false;
    }
    if (!sided || !qli_is(p, K_FROM)) {
        QL_TRY(qli_expr(p, &x));
    }
    if (sided && !qli_is(p, K_FROM)) {
        return qli_syntax_error(p);
    }
    if (qli_accept(p, K_FROM)) {
        QL_TRY(qli_expr(p, &y));
    }
    uint32_t base = p->nstack;
    QL_TRY(qli_push(p, y != NULL ? y : x));
    if (y != NULL && x != NULL) {
        QL_TRY(qli_push(p, x));
    }
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* ---- dates ---- */

static const struct unit_word {
    qli_token_kind word, timestamp_word;
    ql_unit unit;
} unit_words[] = {
    {K_MICROSECOND, T_EOF, QL_U_MICROSECOND},
    {K_SECOND, K_SQL_TSI_SECOND, QL_U_SECOND},
    {K_MINUTE, K_SQL_TSI_MINUTE, QL_U_MINUTE},
    {K_HOUR, K_SQL_TSI_HOUR, QL_U_HOUR},
    {K_DAY, K_SQL_TSI_DAY, QL_U_DAY},
    {K_WEEK, K_SQL_TSI_WEEK, QL_U_WEEK},
    {K_MONTH, K_SQL_TSI_MONTH, QL_U_MONTH},
    {K_QUARTER, K_SQL_TSI_QUARTER, QL_U_QUARTER},
    {K_YEAR, K_SQL_TSI_YEAR, QL_U_YEAR},
    {K_SECOND_MICROSECOND, T_EOF, QL_U_SECOND_MICROSECOND},
    {K_MINUTE_MICROSECOND, T_EOF, QL_U_MINUTE_MICROSECOND},
    {K_MINUTE_SECOND, T_EOF, QL_U_MINUTE_SECOND},
    {K_HOUR_MICROSECOND, T_EOF, QL_U_HOUR_MICROSECOND},
    {K_HOUR_SECOND, T_EOF, QL_U_HOUR_SECOND},
    {K_HOUR_MINUTE, T_EOF, QL_U_HOUR_MINUTE},
    {K_DAY_MICROSECOND, T_EOF, QL_U_DAY_MICROSECOND},
    {K_DAY_SECOND, T_EOF, QL_U_DAY_SECOND},
    {K_DAY_MINUTE, T_EOF, QL_U_DAY_MINUTE},
    {K_DAY_HOUR, T_EOF, QL_U_DAY_HOUR},
    {K_YEAR_MONTH, T_EOF, QL_U_YEAR_MONTH},
};

ql_status
qli_unit(qli_parser *p, ql_unit *out)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(unit_words); i++) {
        const struct unit_word *u = &unit_words[i];
        if (p->t.kind == u->word ||
            (u->timestamp_word != T_EOF && p->t.kind == u->timestamp_word)) {
            *out = u->unit;
            qli_advance(p);
            return QL_OK;
        }
    }
    return qli_syntax_error(p);
}

const char *
qli_unit_text(ql_unit u)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(unit_words); i++) {
        if (unit_words[i].unit == u) {
            return qli_keyword_text(unit_words[i].word);
        }
    }
    return "";
}

static ql_status
extract_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_EXTRACT, "EXTRACT", &e));
    QL_TRY(qli_unit(p, &e->unit));
    QL_TRY(qli_expect(p, K_FROM));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* DATE_ADD(x, INTERVAL y unit); ADDDATE(x, days) */
static ql_status
date_arith_call(qli_parser *p, const char *name, bool days, ql_ast_expr **out)
{
    ql_ast_expr *e, *span;
    QL_TRY(open_call(p, QL_A_FUNC, name, &e));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_expect(p, T_COMMA));
    QL_TRY(qli_expr_new(p, QL_A_INTERVAL, &span));
    span->unit = QL_U_DAY;
    bool spelled = qli_accept(p, K_INTERVAL);
    if (!spelled && !days) {
        return qli_syntax_error(p);
    }
    uint32_t inner = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, inner, &span->args));
    if (spelled) {
        QL_TRY(qli_unit(p, &span->unit));
    }
    span->end = p->prev_end;
    QL_TRY(qli_push(p, span));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* TIMESTAMPADD(unit, n, x), TIMESTAMPDIFF(unit, x, y) */
static ql_status
timestamp_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_FUNC, qli_keyword_text(p->t.kind), &e));
    QL_TRY(qli_unit(p, &e->unit));
    QL_TRY(qli_expect(p, T_COMMA));
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_expect(p, T_COMMA));
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* GET_FORMAT(DATE, 'EUR'): the first argument becomes a string. */
static ql_status
get_format_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *what;
    QL_TRY(open_call(p, QL_A_FUNC, "GET_FORMAT", &e));
    if (!qli_is(p, K_DATE) && !qli_is(p, K_TIME) && !qli_is(p, K_DATETIME) &&
        !qli_is(p, K_TIMESTAMP)) {
        return qli_syntax_error(p);
    }
    QL_TRY(qli_expr_new(p, QL_A_LITERAL, &what));
    const char *word = qli_keyword_text(qli_is(p, K_TIMESTAMP) ? K_DATETIME : p->t.kind);
    what->value = ql_value_str((ql_str){word, strlen(word)}, p->mode->literal_coll);
    qli_advance(p);
    QL_TRY(qli_expect(p, T_COMMA));
    uint32_t base = p->nstack;
    QL_TRY(qli_push(p, what));
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* ---- the rest ---- */

/* CHAR(n, ... [USING charset]) = CONVERT(CHAR(n, ...) USING charset) */
static ql_status
char_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e, *convert;
    QL_TRY(open_call(p, QL_A_FUNC, "CHAR", &e));
    QL_TRY(qli_expr_list(p, &e->args));
    *out = e;
    if (qli_accept(p, K_USING)) {
        uint32_t base = p->nstack;
        QL_TRY(qli_expr_new(p, QL_A_CONVERT, &convert));
        QL_TRY(qli_charset_name(p, &convert->name));
        QL_TRY(qli_push(p, e));
        QL_TRY(qli_pop_exprs(p, base, &convert->args));
        convert->pos = e->pos;
        *out = convert;
    }
    return close_call(p, *out);
}

static ql_status
mod_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(open_call(p, QL_A_OP, NULL, &e));
    e->op = QL_OP_MOD;
    uint32_t base = p->nstack;
    QL_TRY(push_expr(p));
    QL_TRY(qli_expect(p, T_COMMA));
    QL_TRY(push_expr(p));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* VALUES(col), DEFAULT(col) */
static ql_status
column_call(qli_parser *p, ql_ast_kind kind, ql_ast_expr **out)
{
    ql_ast_expr *e, *column;
    QL_TRY(open_call(p, kind, NULL, &e));
    uint32_t base = p->nstack;
    QL_TRY(qli_column_ref(p, &column));
    QL_TRY(qli_push(p, column));
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    *out = e;
    return close_call(p, e);
}

/* Keywords, reserved ones too, that are ordinary functions when "(" follows. */
static bool
is_callable(qli_token_kind k)
{
    switch (k) {
    case K_LEFT:
    case K_RIGHT:
    case K_IF:
    case K_REPEAT:
    case K_REPLACE:
    case K_INSERT:
    case K_GROUPING:
        return true;
    default:
        return qli_keyword_class_of(k) != KC_RESERVED;
    }
}

/* Reserved words that begin an expression only as a function. */
static bool
wants_parenthesis(qli_token_kind k)
{
    switch (k) {
    case K_CHAR:
    case K_CONVERT:
    case K_DATABASE:
    case K_DEFAULT:
    case K_MOD:
    case K_SCHEMA:
    case K_VALUES:
        return true;
    default:
        return k > T_KEYWORDS && qli_keyword_class_of(k) == KC_RESERVED && is_callable(k);
    }
}

/* [db.]name(arguments); the current token is a name with "(" or ".name(" behind. */
static ql_status
named_call(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_FUNC, &e));
    QL_TRY(qli_token_decode(p->cx, p->a, &p->lx, &p->t, &e->name));
    qli_advance(p);
    if (qli_accept(p, T_DOT)) {
        e->schema = e->name;
        QL_TRY(qli_name(p, &e->name));
    }
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(opt_args(p, &e->args));
    *out = e;
    QL_TRY(close_call(p, e));
    return window_follows(p);
}

static ql_status
schema_call(qli_parser *p, ql_ast_expr **out, bool *is_call)
{
    *is_call = qli_is_name(&p->t) && qli_peek(p, 1)->kind == T_DOT &&
               (qli_is_any_word(qli_peek(p, 2)) || qli_peek(p, 2)->kind == T_QUOTED) &&
               qli_peek(p, 3)->kind == T_LPAREN;
    return *is_call ? named_call(p, out) : QL_OK;
}

ql_status
qli_parse_call(qli_parser *p, ql_ast_expr **out, bool *is_call)
{
    *is_call = true;
    switch (p->t.kind) { /* with or without parentheses */
    case K_CURRENT_TIMESTAMP:
    case K_LOCALTIME:
    case K_LOCALTIMESTAMP:
        return qli_parse_now(p, out);
    case K_CURRENT_DATE:
        return niladic(p, "CURDATE", false, out);
    case K_CURRENT_TIME:
        return niladic(p, "CURTIME", false, out);
    case K_CURRENT_USER:
        return niladic(p, "CURRENT_USER", false, out);
    case K_UTC_DATE:
    case K_UTC_TIME:
    case K_UTC_TIMESTAMP:
        return niladic(p, qli_keyword_text(p->t.kind), false, out);
    default:
        break;
    }
    if (qli_peek(p, 1)->kind != T_LPAREN) {
        if (wants_parenthesis(p->t.kind)) {
            qli_advance(p);
            return qli_syntax_error(p);
        }
        return schema_call(p, out, is_call);
    }
    switch (p->t.kind) {
    case K_NOW:
        return qli_parse_now(p, out);
    case K_CURDATE:
    case K_CURTIME:
    case K_SYSDATE:
        return plain_call(p, qli_keyword_text(p->t.kind), out);
    case K_DATABASE:
    case K_SCHEMA:
        return plain_call(p, "DATABASE", out);
    case K_USER:
    case K_SESSION_USER:
    case K_SYSTEM_USER:
        return plain_call(p, "USER", out);
    case K_COUNT:
        return count_call(p, out);
    case K_AVG:
    case K_SUM:
    case K_MIN:
    case K_MAX:
    case K_BIT_AND:
    case K_BIT_OR:
    case K_BIT_XOR:
    case K_STD:
    case K_STDDEV:
    case K_STDDEV_POP:
    case K_STDDEV_SAMP:
    case K_VARIANCE:
    case K_VAR_POP:
    case K_VAR_SAMP:
        return aggregate_call(p, out);
    case K_JSON_ARRAYAGG:
    case K_JSON_OBJECTAGG:
        return json_aggregate(p, out);
    case K_GROUP_CONCAT:
        return group_concat(p, out);
    case K_CAST:
        return cast_call(p, out);
    case K_CONVERT:
        return convert_call(p, out);
    case K_SUBSTRING:
    case K_SUBSTR:
    case K_MID:
        return substring_call(p, out);
    case K_POSITION:
        return position_call(p, out);
    case K_TRIM:
        return trim_call(p, out);
    case K_EXTRACT:
        return extract_call(p, out);
    case K_DATE_ADD:
    case K_DATE_SUB:
        return date_arith_call(p, qli_keyword_text(p->t.kind), false, out);
    case K_ADDDATE:
        return date_arith_call(p, "DATE_ADD", true, out);
    case K_SUBDATE:
        return date_arith_call(p, "DATE_SUB", true, out);
    case K_TIMESTAMPADD:
    case K_TIMESTAMPDIFF:
        return timestamp_call(p, out);
    case K_GET_FORMAT:
        return get_format_call(p, out);
    case K_CHAR:
        return char_call(p, out);
    case K_MOD:
        return mod_call(p, out);
    case K_VALUES:
        return column_call(p, QL_A_VALUES, out);
    case K_DEFAULT:
        return column_call(p, QL_A_DEFAULT, out);
    case K_RANK:
    case K_DENSE_RANK:
    case K_PERCENT_RANK:
    case K_CUME_DIST:
    case K_ROW_NUMBER:
    case K_NTILE:
    case K_LEAD:
    case K_LAG:
    case K_FIRST_VALUE:
    case K_LAST_VALUE:
    case K_NTH_VALUE:
        return qli_unbuilt(p, "window functions");
    case K_JSON_VALUE:
        return json_value_call(p, out);
    case K_WEIGHT_STRING:
        return qli_unbuilt(p, qli_keyword_text(p->t.kind));
    case T_IDENT:
    case T_QUOTED:
        return named_call(p, out);
    default:
        if (p->t.kind > T_KEYWORDS && is_callable(p->t.kind)) {
            return named_call(p, out);
        }
        return qli_syntax_error(p);
    }
}
