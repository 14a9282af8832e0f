/* SPDX-License-Identifier: Apache-2.0
 *
 * SET: variables, NAMES, CHARACTER SET, TRANSACTION, PASSWORD.
 */
#include "sql/sql_int.h"
#include "txn/txn.h"

static ql_status
assign_sign(qli_parser *p)
{
    return qli_accept(p, T_ASSIGN) ? QL_OK : qli_expect(p, T_EQ);
}

/* expr, DEFAULT (NULL pointer), or a reserved word that stands for itself. */
static ql_status
variable_value(qli_parser *p, ql_ast_expr **out)
{
    switch (p->t.kind) {
    case K_DEFAULT:
        if (qli_peek(p, 1)->kind == T_LPAREN) {
            break;
        }
        qli_advance(p);
        *out = NULL;
        return QL_OK;
    case K_BINARY:
    case K_ROW:
        if (qli_peek(p, 1)->kind != T_COMMA && qli_peek(p, 1)->kind != T_EOF &&
            qli_peek(p, 1)->kind != T_SEMI) {
            break;
        }
        /* fallthrough */
    case K_ON:
    case K_ALL:
    case K_SYSTEM:
        QL_TRY(qli_expr_new(p, QL_A_COLUMN, out));
        (*out)->name = p->t.text;
        qli_advance(p);
        return QL_OK;
    default:
        break;
    }
    return qli_expr(p, out);
}

/* name or component.name, as one. */
static ql_status
variable_name(qli_parser *p, ql_str *out)
{
    ql_str first, second;
    QL_TRY(qli_name(p, &first));
    *out = first;
    if (!qli_accept(p, T_DOT)) {
        return QL_OK;
    }
    QL_TRY(qli_name(p, &second));
    char *both =
        ql_arena_printf(p->cx, p->a, "%.*s.%.*s", (int)first.n, first.p, (int)second.n, second.p);
    *out = (ql_str){both, first.n + 1 + second.n};
    return both != NULL ? QL_OK : QL_ERROR;
}

static bool
scope_word(const qli_parser *p, ql_var_scope *scope)
{
    static const struct {
        const char *word;
        ql_var_scope scope;
    } words[] = {{"global", QL_SCOPE_GLOBAL},
                 {"session", QL_SCOPE_SESSION},
                 {"local", QL_SCOPE_SESSION},
                 {"persist", QL_SCOPE_PERSIST},
                 {"persist_only", QL_SCOPE_PERSIST_ONLY}};
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        if (qli_is_word(p, words[i].word)) {
            *scope = words[i].scope;
            return true;
        }
    }
    return false;
}

/* @@[scope.]name = value */
static ql_status
set_at_at(qli_parser *p, ql_ast_set_item *item)
{
    item->kind = QL_SET_SYSVAR;
    item->scope = QL_SCOPE_DEFAULT;
    qli_advance(p);
    if (qli_peek(p, 1)->kind == T_DOT && scope_word(p, &item->scope)) {
        qli_advance(p);
        qli_advance(p);
    }
    QL_TRY(variable_name(p, &item->name));
    QL_TRY(assign_sign(p));
    return variable_value(p, &item->value);
}

static ql_status
set_user_var(qli_parser *p, ql_ast_set_item *item)
{
    ql_ast_expr *var;
    item->kind = QL_SET_USERVAR;
    item->scope = QL_SCOPE_USER;
    QL_TRY(qli_user_var(p, &var));
    item->name = var->name;
    QL_TRY(assign_sign(p));
    return qli_expr(p, &item->value);
}

static ql_status
set_names(qli_parser *p, ql_ast_set_item *item)
{
    item->kind = QL_SET_NAMES;
    qli_advance(p);
    if (qli_accept(p, K_DEFAULT)) {
        return QL_OK;
    }
    QL_TRY(qli_charset_name(p, &item->name));
    if (qli_accept(p, K_COLLATE)) {
        return qli_accept(p, K_DEFAULT) ? QL_OK : qli_charset_name(p, &item->collation);
    }
    return QL_OK;
}

static ql_status
set_charset(qli_parser *p, ql_ast_set_item *item)
{
    item->kind = QL_SET_CHARSET;
    return qli_accept(p, K_DEFAULT) ? QL_OK : qli_charset_name(p, &item->name);
}

static ql_status
isolation_level(qli_parser *p, int *out)
{
    if (qli_accept(p, K_SERIALIZABLE)) {
        *out = QL_SERIALIZABLE;
        return QL_OK;
    }
    if (qli_accept(p, K_REPEATABLE)) {
        *out = QL_REPEATABLE_READ;
        return qli_expect(p, K_READ);
    }
    QL_TRY(qli_expect(p, K_READ));
    *out = qli_is(p, K_COMMITTED) ? QL_READ_COMMITTED : QL_READ_UNCOMMITTED;
    return qli_accept(p, K_COMMITTED) ? QL_OK : qli_expect(p, K_UNCOMMITTED);
}

/* ISOLATION LEVEL x and READ ONLY or READ WRITE, in any order, each at most once. */
ql_status
qli_transaction_modes(qli_parser *p, ql_ast_set_item *item)
{
    item->kind = QL_SET_TRANSACTION;
    item->isolation = item->read_only = -1;
    do {
        if (item->isolation < 0 && qli_accept(p, K_ISOLATION)) {
            QL_TRY(qli_expect(p, K_LEVEL));
            QL_TRY(isolation_level(p, &item->isolation));
        } else if (item->read_only < 0 && qli_accept(p, K_READ)) {
            item->read_only = qli_is(p, K_ONLY);
            QL_TRY(qli_expect(p, item->read_only ? K_ONLY : K_WRITE));
        } else {
            return qli_syntax_error(p);
        }
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* [scope] name = value; *scope is the scope word that reigns: it holds until the next one. */
static ql_status
set_variable(qli_parser *p, ql_ast_set_item *item, ql_var_scope *scope)
{
    item->kind = QL_SET_SYSVAR;
    if (scope_word(p, scope) && qli_peek(p, 1)->kind != T_EQ && qli_peek(p, 1)->kind != T_ASSIGN &&
        qli_peek(p, 1)->kind != T_DOT) {
        qli_advance(p);
    }
    item->scope = *scope;
    QL_TRY(variable_name(p, &item->name));
    QL_TRY(assign_sign(p));
    return variable_value(p, &item->value);
}

static bool
is_set_sign(const qli_token *t)
{
    return t->kind == T_EQ || t->kind == T_ASSIGN;
}

static ql_status
set_item(qli_parser *p, ql_ast_set_item *item, ql_var_scope *scope)
{
    switch (p->t.kind) {
    case T_USERVAR:
        return set_user_var(p, item);
    case T_ATAT:
        return set_at_at(p, item);
    case K_NAMES:
        return is_set_sign(qli_peek(p, 1)) ? qli_syntax_error(p) : set_names(p, item);
    case K_CHARSET:
        qli_advance(p);
        return set_charset(p, item);
    case K_CHARACTER:
    case K_CHAR:
        qli_advance(p);
        QL_TRY(qli_expect(p, K_SET));
        return set_charset(p, item);
    default:
        return set_variable(p, item, scope);
    }
}

/* Forms that stand alone: TRANSACTION, PASSWORD, ROLE. *done: it was one of them. */
static ql_status
set_alone(qli_parser *p, ql_ast_stmt *s, bool *done)
{
    ql_ast_set_item item = {.scope = QL_SCOPE_DEFAULT};
    *done = true;
    if (scope_word(p, &item.scope) && qli_peek(p, 1)->kind == K_TRANSACTION) {
        qli_advance(p);
    }
    if (qli_is(p, K_TRANSACTION) && !is_set_sign(qli_peek(p, 1))) {
        qli_advance(p);
        QL_TRY(qli_transaction_modes(p, &item));
        QL_TRY(qli_grow(p, &s->set.v, &s->set.n, sizeof *s->set.v));
        s->set.v[0] = item;
        return QL_OK;
    }
    if (qli_is(p, K_PASSWORD)) {
        qli_advance(p);
        return qli_set_password(p, s);
    }
    if ((qli_is(p, K_ROLE) && !is_set_sign(qli_peek(p, 1))) ||
        (qli_is(p, K_DEFAULT) && qli_peek(p, 1)->kind == K_ROLE)) {
        return qli_unbuilt(p, qli_is(p, K_ROLE) ? "SET ROLE" : "SET DEFAULT ROLE");
    }
    if (qli_is(p, K_RESOURCE) && !is_set_sign(qli_peek(p, 1))) {
        return qli_unbuilt(p, "SET RESOURCE GROUP");
    }
    *done = false;
    return QL_OK;
}

ql_status
qli_set(qli_parser *p, ql_ast_stmt *s)
{
    ql_var_scope scope = QL_SCOPE_SESSION;
    bool done;
    s->kind = QL_S_SET;
    qli_advance(p);
    QL_TRY(set_alone(p, s, &done));
    if (done) {
        return QL_OK;
    }
    do {
        ql_ast_set_item item = {.isolation = -1, .read_only = -1};
        QL_TRY(set_item(p, &item, &scope));
        QL_TRY(qli_grow(p, &s->set.v, &s->set.n, sizeof *s->set.v));
        s->set.v[s->set.n - 1] = item;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}
