/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON_TABLE(document, path COLUMNS (...)) [AS] alias (manual, "JSON Table Functions").
 */
#include "base/diag.h"
#include "sql/sql_int.h"

static ql_status column_list(qli_parser *p, ql_ast_json_column **out);

/* NESTED [PATH] path COLUMNS (...) */
static ql_status
nested_path(qli_parser *p, ql_ast_json_column *c)
{
    ql_ast_expr *path;
    qli_advance(p);
    (void)qli_accept(p, K_PATH);
    c->kind = QL_JT_NESTED;
    QL_TRY(qli_json_path_literal(p, &path));
    c->path = path->value.s;
    return column_list(p, &c->columns);
}

static ql_status
on_clauses(qli_parser *p, ql_ast_json_column *c)
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
            c->on[on_error] = action;
            c->values[on_error] = value;
        }
    }
    return QL_OK;
}

/* name FOR ORDINALITY, name type [EXISTS] PATH path [...] */
static ql_status
plain_column(qli_parser *p, ql_ast_json_column *c)
{
    ql_ast_expr *path;
    QL_TRY(qli_name(p, &c->name));
    if (qli_accept(p, K_FOR)) {
        c->kind = QL_JT_ORDINALITY;
        return qli_expect(p, K_ORDINALITY);
    }
    QL_TRY(qli_column_type(p, &c->type));
    c->kind = qli_accept(p, K_EXISTS) ? QL_JT_EXISTS : QL_JT_PATH;
    QL_TRY(qli_expect(p, K_PATH));
    QL_TRY(qli_json_path_literal(p, &path));
    c->path = path->value.s;
    return c->kind == QL_JT_PATH ? on_clauses(p, c) : QL_OK;
}

/* COLUMNS (column, ...) */
static ql_status
column_list(qli_parser *p, ql_ast_json_column **out)
{
    ql_ast_json_column **end = out;
    QL_TRY(qli_enter(p));
    QL_TRY(qli_expect(p, K_COLUMNS));
    QL_TRY(qli_expect(p, T_LPAREN));
    do {
        ql_ast_json_column *c;
        QL_TRY(qli_new(p, sizeof *c, &c));
        bool nested = qli_is(p, K_NESTED) &&
                      (qli_peek(p, 1)->kind == K_PATH || qli_peek(p, 1)->kind == T_STRING);
        QL_TRY(nested ? nested_path(p, c) : plain_column(p, c));
        *end = c;
        end = &c->next;
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

ql_status
qli_json_table(qli_parser *p, ql_ast_from *f)
{
    ql_ast_expr *path;
    QL_TRY(qli_new(p, sizeof *f->json, &f->json));
    qli_advance(p);
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_expr(p, &f->json->doc));
    QL_TRY(qli_expect(p, T_COMMA));
    QL_TRY(qli_json_path_literal(p, &path));
    f->json->path = path->value.s;
    QL_TRY(column_list(p, &f->json->columns));
    return qli_expect(p, T_RPAREN);
}
