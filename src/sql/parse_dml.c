/* SPDX-License-Identifier: Apache-2.0
 *
 * INSERT, REPLACE, UPDATE, DELETE.
 */
#include <string.h>

#include "base/bulk.h"
#include "sql/sql_int.h"

/* column = value, ... */
ql_status
qli_assigns(qli_parser *p, ql_ast_assigns *out)
{
    do {
        ql_ast_assign one;
        QL_TRY(qli_column_ref(p, &one.column));
        if (!qli_accept(p, T_ASSIGN)) {
            QL_TRY(qli_expect(p, T_EQ));
        }
        QL_TRY(qli_expr_or_default(p, &one.value));
        QL_TRY(qli_grow(p, &out->v, &out->n, sizeof *out->v));
        out->v[out->n - 1] = one;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* LOW_PRIORITY, HIGH_PRIORITY, DELAYED, IGNORE behind the verb. */
static void
priority_words(qli_parser *p, bool *low_priority)
{
    if (qli_accept(p, K_LOW_PRIORITY)) {
        *low_priority = true;
    } else if (!qli_accept(p, K_DELAYED)) {
        (void)qli_accept(p, K_HIGH_PRIORITY);
    }
}

/* ---- INSERT, REPLACE ---- */

/* "(" values ")" */
static ql_status
value_row(qli_parser *p, ql_ast_exprs *row)
{
    uint32_t base = p->nstack;
    QL_TRY(qli_expect(p, T_LPAREN));
    if (qli_accept(p, T_RPAREN)) {
        return QL_OK;
    }
    do {
        ql_ast_expr *e;
        QL_TRY(qli_expr_or_default(p, &e));
        QL_TRY(qli_push(p, e));
    } while (qli_accept(p, T_COMMA));
    QL_TRY(qli_expect(p, T_RPAREN));
    return qli_pop_exprs(p, base, row);
}

static ql_status
value_rows(qli_parser *p, ql_ast_insert *in)
{
    qli_advance(p); /* VALUES or VALUE */
    if (qli_is(p, K_ROW)) {
        return qli_unbuilt(p, "VALUES statement");
    }
    do {
        ql_ast_exprs row = {0};
        QL_TRY(value_row(p, &row));
        QL_TRY(qli_grow(p, &in->rows, &in->nrows, sizeof *in->rows));
        in->rows[in->nrows - 1] = row;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* "(" column, ... ")"; a column may carry its table's name. */
static ql_status
insert_columns(qli_parser *p, ql_ast_insert *in)
{
    in->has_columns = true;
    QL_TRY(qli_expect(p, T_LPAREN));
    if (qli_accept(p, T_RPAREN)) {
        return QL_OK;
    }
    do {
        ql_ast_expr *column;
        QL_TRY(qli_column_ref(p, &column));
        QL_TRY(qli_grow(p, &in->columns, &in->ncolumns, sizeof *in->columns));
        in->columns[in->ncolumns - 1] = column->name;
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

/* SET a = 1, ...: one row with columns. */
static ql_status
insert_set(qli_parser *p, ql_ast_insert *in)
{
    ql_ast_assigns set = {0};
    QL_TRY(qli_assigns(p, &set));
    in->has_columns = true;
    in->ncolumns = set.n;
    in->nrows = 1;
    QL_TRY(qli_new(p, set.n * sizeof *in->columns, &in->columns));
    QL_TRY(qli_new(p, sizeof *in->rows, &in->rows));
    in->rows[0].n = set.n;
    QL_TRY(qli_new(p, set.n * sizeof *in->rows[0].v, &in->rows[0].v));
    for (uint32_t i = 0; i < set.n; i++) {
        QL_TRY(ql_bulk_each(p->cx, i));
        in->columns[i] = set.v[i].column->name;
        in->rows[0].v[i] = set.v[i].value;
    }
    return QL_OK;
}

/* Is what follows "(" a query, not a column list? */
static bool
paren_opens_query(qli_parser *p)
{
    switch (qli_peek(p, 1)->kind) {
    case K_SELECT:
    case K_WITH:
    case K_TABLE:
    case T_LPAREN:
        return qli_is(p, T_LPAREN);
    default:
        return false;
    }
}

static ql_status
insert_source(qli_parser *p, ql_ast_insert *in)
{
    if (qli_is(p, T_LPAREN) && !paren_opens_query(p)) {
        QL_TRY(insert_columns(p, in));
    } else if (qli_accept(p, K_SET)) {
        return insert_set(p, in);
    }
    if (qli_is(p, K_VALUES) || qli_is(p, K_VALUE)) {
        return value_rows(p, in);
    }
    if (qli_is(p, K_SELECT) || qli_is(p, K_WITH) || qli_is(p, K_TABLE) || paren_opens_query(p)) {
        return qli_query(p, &in->select);
    }
    return qli_syntax_error(p);
}

/* INSERT and its query are one block: what is said behind either word is about it. */
static void
settle_hints(qli_parser *p, ql_ast_insert *in)
{
    ql_ast_select *s = in->select;
    if (s == NULL) {
        qli_block_begin(p, &in->hints);
        qli_block_end(p, &in->hints);
        return;
    }
    while (s->set_op != QL_SET_NONE) {
        s = s->left;
    }
    ql_ast_hint **end = &in->hints.written;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = s->hints.written;
    s->hints.written = in->hints.written;
}

ql_status
qli_insert(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_insert *in;
    QL_TRY(qli_new(p, sizeof *in, &in));
    s->kind = QL_S_INSERT;
    s->insert = in;
    in->replace = qli_is(p, K_REPLACE);
    qli_advance(p);
    QL_TRY(qli_hints(p, &in->hints));
    priority_words(p, &in->low_priority);
    in->ignore = !in->replace && qli_accept(p, K_IGNORE);
    (void)qli_accept(p, K_INTO);
    QL_TRY(qli_table_name(p, &in->table));
    if (qli_is(p, K_PARTITION)) {
        return qli_unbuilt(p, "PARTITION");
    }
    QL_TRY(insert_source(p, in));
    settle_hints(p, in);
    if (qli_is(p, K_AS)) {
        return qli_unbuilt(p, "INSERT ... AS row alias");
    }
    if (!in->replace && qli_accept(p, K_ON)) {
        QL_TRY(qli_expect(p, K_DUPLICATE));
        QL_TRY(qli_expect(p, K_KEY));
        QL_TRY(qli_expect(p, K_UPDATE));
        return qli_assigns(p, &in->on_duplicate);
    }
    return QL_OK;
}

/* ---- UPDATE, DELETE ---- */

static void
mark_dml(ql_ast_from *f)
{
    for (; f->left != NULL; f = f->left) { /* the left side is the deep one */
        mark_dml(f->right);
    }
    f->dml = true;
}

ql_status
qli_update(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_update *up;
    bool low_priority = false;
    QL_TRY(qli_new(p, sizeof *up, &up));
    s->kind = QL_S_UPDATE;
    s->update = up;
    qli_block_begin(p, &up->hints);
    qli_advance(p);
    QL_TRY(qli_hints(p, &up->hints));
    low_priority = qli_accept(p, K_LOW_PRIORITY);
    (void)low_priority;
    up->ignore = qli_accept(p, K_IGNORE);
    QL_TRY(qli_from_list(p, &up->from));
    mark_dml(up->from);
    QL_TRY(qli_expect(p, K_SET));
    QL_TRY(qli_assigns(p, &up->set));
    QL_TRY(qli_opt_where(p, &up->where));
    if (up->from->left == NULL) { /* several tables take neither */
        QL_TRY(qli_opt_order_by(p, &up->order_by));
        QL_TRY(qli_opt_limit(p, &up->limit, NULL));
    }
    qli_block_end(p, &up->hints);
    return QL_OK;
}

/* t, db.t.* , ... */
static ql_status
delete_targets(qli_parser *p, ql_ast_delete *del)
{
    ql_ast_names names = {0};
    do {
        QL_TRY(qli_grow(p, &names.v, &names.n, sizeof *names.v));
        ql_ast_table_name *t = &names.v[names.n - 1];
        t->pos = p->t.pos;
        QL_TRY(qli_name(p, &t->name));
        if (qli_accept(p, T_DOT) && !qli_accept(p, T_STAR)) {
            t->db = t->name;
            QL_TRY(qli_name(p, &t->name));
            if (qli_accept(p, T_DOT)) {
                QL_TRY(qli_expect(p, T_STAR));
            }
        }
    } while (qli_accept(p, T_COMMA));
    del->targets = names.v;
    del->ntargets = names.n;
    return QL_OK;
}

/* DELETE FROM t [AS a] ...; the table name is next. */
static ql_status
delete_single(qli_parser *p, ql_ast_delete *del)
{
    QL_TRY(qli_new(p, sizeof *del->from, &del->from));
    QL_TRY(qli_leaf(p, del->from));
    del->from->dml = true;
    if (qli_is(p, K_PARTITION)) {
        return qli_unbuilt(p, "PARTITION");
    }
    if (qli_accept(p, K_AS) || qli_is_name(&p->t)) {
        QL_TRY(qli_name(p, &del->from->alias));
    }
    QL_TRY(qli_opt_where(p, &del->where));
    QL_TRY(qli_opt_order_by(p, &del->order_by));
    return qli_opt_limit(p, &del->limit, NULL);
}

/* Behind DELETE FROM: is it a list of targets (FROM t1, t2 USING ..., FROM t.* USING ...)? */
static bool
targets_follow(qli_parser *p)
{
    qli_token_kind a = qli_peek(p, 1)->kind;
    if (a == K_USING || a == T_COMMA) {
        return true;
    }
    if (a != T_DOT) {
        return false;
    }
    if (qli_peek(p, 2)->kind == T_STAR) {
        return true;
    }
    qli_token_kind b = qli_peek(p, 3)->kind;
    return b == K_USING || b == T_COMMA || b == T_DOT;
}

ql_status
qli_delete(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_delete *del;
    QL_TRY(qli_new(p, sizeof *del, &del));
    s->kind = QL_S_DELETE;
    s->del = del;
    qli_block_begin(p, &del->hints);
    qli_advance(p);
    QL_TRY(qli_hints(p, &del->hints));
    for (;;) {
        if (qli_accept(p, K_QUICK)) {
            del->quick = true;
        } else if (qli_accept(p, K_IGNORE)) {
            del->ignore = true;
        } else if (!qli_accept(p, K_LOW_PRIORITY)) {
            break;
        }
    }
    if (qli_accept(p, K_FROM)) {
        if (!targets_follow(p)) {
            QL_TRY(delete_single(p, del));
            qli_block_end(p, &del->hints);
            return QL_OK;
        }
        QL_TRY(delete_targets(p, del));
        QL_TRY(qli_expect(p, K_USING));
    } else {
        QL_TRY(delete_targets(p, del));
        QL_TRY(qli_expect(p, K_FROM));
    }
    QL_TRY(qli_from_list(p, &del->from));
    mark_dml(del->from);
    QL_TRY(qli_opt_where(p, &del->where));
    qli_block_end(p, &del->hints);
    return QL_OK;
}
