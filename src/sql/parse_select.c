/* SPDX-License-Identifier: Apache-2.0
 *
 * Query expressions: SELECT, UNION and its kin, WITH, ORDER BY, LIMIT, locking clauses. FROM is in
 * parse_from.c.
 */
#include "sql/sql_int.h"

/* ---- clauses ---- */

ql_status
qli_order_list(qli_parser *p, ql_ast_orders *out)
{
    do {
        QL_TRY(qli_grow(p, &out->v, &out->n, sizeof *out->v));
        ql_ast_expr *e;
        QL_TRY(qli_expr(p, &e));
        out->v[out->n - 1].expr = e;
        if (!qli_accept(p, K_ASC)) {
            out->v[out->n - 1].descending = qli_accept(p, K_DESC);
        }
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

ql_status
qli_opt_order_by(qli_parser *p, ql_ast_orders *out)
{
    if (!qli_accept(p, K_ORDER)) {
        return QL_OK;
    }
    QL_TRY(qli_expect(p, K_BY));
    return qli_order_list(p, out);
}

ql_status
qli_opt_where(qli_parser *p, ql_ast_expr **out)
{
    return qli_accept(p, K_WHERE) ? qli_expr(p, out) : QL_OK;
}

/* A name where a stored program's variable could stand. */
static ql_status
undeclared(qli_parser *p)
{
    ql_str name;
    QL_TRY(qli_name(p, &name));
    char *text = ql_arena_strndup(p->cx, p->a, name.p, name.n);
    return text != NULL ? ql_fail(p->cx, QL_ER_SP_UNDECLARED_VAR, text) : QL_ERROR;
}

ql_status
qli_parse_limit_value(qli_parser *p, ql_ast_expr **out)
{
    switch (p->t.kind) {
    case T_PARAM:
        QL_TRY(qli_expr_new(p, QL_A_PARAM, out));
        (*out)->index = p->nparams++;
        qli_advance(p);
        return QL_OK;
    case T_INT:
        QL_TRY(qli_literal(p, out));
        if ((*out)->value.kind != QL_K_INT) { /* beyond 64 bits: no limit at all */
            (*out)->value = (ql_value){.kind = QL_K_INT, .is_unsigned = true, .u = UINT64_MAX};
        }
        return QL_OK;
    default:
        return qli_is_name(&p->t) ? undeclared(p) : qli_syntax_error(p);
    }
}

/* LIMIT n, LIMIT offset, n, LIMIT n OFFSET offset */
ql_status
qli_opt_limit(qli_parser *p, ql_ast_expr **limit, ql_ast_expr **offset)
{
    if (!qli_accept(p, K_LIMIT)) {
        return QL_OK;
    }
    QL_TRY(qli_parse_limit_value(p, limit));
    if (offset != NULL && qli_accept(p, T_COMMA)) {
        *offset = *limit;
        return qli_parse_limit_value(p, limit);
    }
    if (offset != NULL && qli_accept(p, K_OFFSET)) {
        return qli_parse_limit_value(p, offset);
    }
    return QL_OK;
}

/* INTO @a, @b | OUTFILE | DUMPFILE; once in a statement. Whether it stands in a place where it may
 * is known when the whole statement is (qli_settle_into). */
static ql_status
opt_into(qli_parser *p, ql_ast_select *s)
{
    if (!qli_is(p, K_INTO)) {
        return QL_OK;
    }
    if (p->into != NULL) {
        return qli_syntax_error(p);
    }
    p->into = s;
    p->into_pos = p->t.pos;
    p->into_line = p->t.line;
    qli_advance(p);
    if (qli_is(p, K_OUTFILE) || qli_is(p, K_DUMPFILE)) {
        return qli_parse_into_file(p, &s->into_file);
    }
    uint32_t base = p->nstack;
    do {
        ql_ast_expr *var;
        QL_TRY(qli_is_name(&p->t) ? undeclared(p) : qli_user_var(p, &var));
        QL_TRY(qli_push(p, var));
    } while (qli_accept(p, T_COMMA));
    return qli_pop_exprs(p, base, &s->into_vars);
}

ql_status
qli_settle_into(qli_parser *p, ql_ast_select *outermost)
{
    ql_ast_select *from = p->into, *last = outermost;
    if (from == NULL || from == outermost) {
        return QL_OK;
    }
    while (last != NULL && last->set_op != QL_SET_NONE) {
        last = last->right;
    }
    if (from != last) { /* of a subquery, or of a part of a UNION that is not its last */
        return p->into_inner ? ql_fail(p->cx, QL_ER_MISPLACED_INTO)
                             : qli_syntax_error_at(p, p->into_pos, p->into_line);
    }
    outermost->into_vars = last->into_vars;
    outermost->into_file = last->into_file;
    last->into_vars = (ql_ast_exprs){0};
    last->into_file = NULL;
    return QL_OK;
}

/* FOR UPDATE | FOR SHARE [OF t, ...] [NOWAIT | SKIP LOCKED], behind FOR */
static ql_status
for_clause(qli_parser *p, ql_ast_locking *l)
{
    if (qli_accept(p, K_UPDATE)) {
        l->kind = QL_LK_UPDATE;
    } else {
        QL_TRY(qli_expect(p, K_SHARE));
        l->kind = QL_LK_SHARE;
    }
    if (qli_accept(p, K_OF)) {
        do {
            QL_TRY(qli_grow(p, &l->of, &l->nof, sizeof *l->of));
            QL_TRY(qli_table_name(p, &l->of[l->nof - 1]));
        } while (qli_accept(p, T_COMMA));
    }
    if (qli_accept(p, K_NOWAIT)) {
        l->nowait = true;
    } else if (qli_accept(p, K_SKIP)) {
        l->skip_locked = true;
        QL_TRY(qli_expect(p, K_LOCKED));
    }
    return QL_OK;
}

/* Locking clauses, or LOCK IN SHARE MODE. */
static ql_status
opt_locking(qli_parser *p, ql_ast_select *s)
{
    bool is_for;
    while ((is_for = qli_is(p, K_FOR)) || (s->nlocking == 0 && qli_is(p, K_LOCK))) {
        ql_ast_locking l = {.kind = QL_LK_SHARE};
        qli_advance(p);
        if (is_for) {
            QL_TRY(for_clause(p, &l));
        } else {
            QL_TRY(qli_expect(p, K_IN));
            QL_TRY(qli_expect(p, K_SHARE));
            QL_TRY(qli_expect(p, K_MODE));
        }
        QL_TRY(qli_grow(p, &s->locking, &s->nlocking, sizeof *s->locking));
        s->locking[s->nlocking - 1] = l;
        if (!is_for) {
            break;
        }
    }
    return QL_OK;
}

/* ---- select list ---- */

/* * or t.* or db.t.* : *is_star */
static ql_status
star_item(qli_parser *p, ql_ast_expr **out, bool *is_star)
{
    *is_star = false;
    int dots = 0;
    if (!qli_is(p, T_STAR)) {
        if (!qli_is_name(&p->t) || qli_peek(p, 1)->kind != T_DOT) {
            return QL_OK;
        }
        if (qli_peek(p, 2)->kind == T_STAR) {
            dots = 1;
        } else if (qli_peek(p, 3)->kind == T_DOT && qli_peek(p, 4)->kind == T_STAR) {
            dots = 2;
        } else {
            return QL_OK;
        }
    }
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_STAR, &e));
    if (dots > 1) {
        QL_TRY(qli_name(p, &e->schema));
        qli_advance(p);
    }
    if (dots > 0) {
        QL_TRY(qli_name(p, &e->table));
        qli_advance(p);
    }
    QL_TRY(qli_expect(p, T_STAR));
    e->end = p->prev_end;
    *out = e;
    *is_star = true;
    return QL_OK;
}

/* What MySQL shows above a column without alias. */
static ql_str
heading(const qli_parser *p, const ql_ast_expr *e, uint32_t from)
{
    ql_str text = {p->text.p + from, p->prev_end - from};
    if (e->kind == QL_A_COLUMN) {
        return e->name;
    }
    if (e->kind != QL_A_LITERAL) {
        return text;
    }
    if (e->value.kind == QL_K_STRING && !e->is_hex && !e->is_code) {
        return e->value.s;
    }
    if (e->value.kind == QL_K_NULL) {
        return QL_STR("NULL");
    }
    if (e->is_bool) {
        return e->value.i != 0 ? QL_STR("TRUE") : QL_STR("FALSE");
    }
    return (ql_str){p->text.p + e->pos, e->end - e->pos};
}

static ql_status
select_item(qli_parser *p, ql_ast_item *item)
{
    bool is_star;
    ql_ast_expr *e;
    uint32_t from = p->t.pos;
    QL_TRY(star_item(p, &e, &is_star));
    if (is_star) {
        item->expr = e;
        return QL_OK;
    }
    QL_TRY(qli_expr(p, &e));
    item->expr = e;
    item->heading = heading(p, e, from);
    if (qli_accept(p, K_AS)) {
        return qli_name_or_string(p, &item->alias);
    }
    return qli_is_name(&p->t) || qli_is(p, T_STRING) ? qli_name_or_string(p, &item->alias) : QL_OK;
}

static ql_status
select_list(qli_parser *p, ql_ast_select *s)
{
    do {
        ql_ast_item item = {0};
        if (qli_is(p, T_STAR) && s->nitems != 0) {
            return qli_syntax_error(p); /* a bare star comes first or not at all */
        }
        QL_TRY(select_item(p, &item));
        QL_TRY(qli_grow(p, &s->items, &s->nitems, sizeof *s->items));
        s->items[s->nitems - 1] = item;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

static void
select_options(qli_parser *p, ql_ast_select *s)
{
    for (;;) {
        switch (p->t.kind) {
        case K_DISTINCT:
        case K_DISTINCTROW:
            s->distinct = true;
            break;
        case K_STRAIGHT_JOIN:
            s->straight_join = true;
            break;
        case K_SQL_CALC_FOUND_ROWS:
            s->sql_calc_found_rows = true;
            break;
        case K_SQL_BIG_RESULT:
            s->sql_big_result = true;
            break;
        case K_ALL:
        case K_HIGH_PRIORITY:
        case K_SQL_SMALL_RESULT:
        case K_SQL_BUFFER_RESULT:
        case K_SQL_NO_CACHE:
            break;
        default:
            return;
        }
        qli_advance(p);
    }
}

/* ---- query blocks and their combinations ---- */

static ql_status
group_by(qli_parser *p, ql_ast_select *s)
{
    if (!qli_accept(p, K_GROUP)) {
        return QL_OK;
    }
    QL_TRY(qli_expect(p, K_BY));
    do {
        ql_ast_expr *e;
        QL_TRY(qli_expr(p, &e));
        QL_TRY(qli_grow(p, &s->group_by.v, &s->group_by.n, sizeof *s->group_by.v));
        s->group_by.v[s->group_by.n - 1].expr = e;
    } while (qli_accept(p, T_COMMA));
    s->with_rollup = qli_accept2(p, K_WITH, K_ROLLUP);
    return QL_OK;
}

/* SELECT ... up to and without ORDER BY; INTO may come before FROM. */
static ql_status
select_block(qli_parser *p, ql_ast_select **out)
{
    ql_ast_select *s;
    QL_TRY(qli_new(p, sizeof *s, &s));
    *out = s;
    qli_block_begin(p, &s->hints);
    QL_TRY(qli_expect(p, K_SELECT));
    QL_TRY(qli_hints(p, &s->hints));
    select_options(p, s);
    QL_TRY(select_list(p, s));
    QL_TRY(opt_into(p, s));
    if (p->into == s) {
        p->into_inner = true;
    }
    if (qli_accept(p, K_FROM) && !qli_accept(p, K_DUAL)) {
        QL_TRY(qli_from_list(p, &s->from));
    }
    QL_TRY(qli_opt_where(p, &s->where));
    QL_TRY(group_by(p, s));
    if (qli_accept(p, K_HAVING)) {
        QL_TRY(qli_expr(p, &s->having));
    }
    qli_block_end(p, &s->hints);
    if (qli_is(p, K_WINDOW)) {
        return qli_unbuilt(p, "window functions");
    }
    return qli_is(p, K_QUALIFY) ? qli_unbuilt(p, "QUALIFY") : QL_OK;
}

/* TABLE t = SELECT * FROM t */
static ql_status
table_block(qli_parser *p, ql_ast_select **out)
{
    ql_ast_select *s;
    QL_TRY(qli_new(p, sizeof *s, &s));
    QL_TRY(qli_new(p, sizeof *s->items, &s->items));
    s->nitems = 1;
    QL_TRY(qli_expr_new(p, QL_A_STAR, &s->items[0].expr));
    qli_advance(p);
    QL_TRY(qli_from_new(p, &s->from));
    qli_block_begin(p, &s->hints);
    qli_block_end(p, &s->hints);
    *out = s;
    return qli_leaf(p, s->from);
}

bool
qli_starts_query(const qli_parser *p)
{
    return qli_is(p, K_SELECT) || qli_is(p, K_WITH) || qli_is(p, K_TABLE) || qli_is(p, K_VALUES);
}

bool
qli_continues_query(const qli_parser *p)
{
    switch (p->t.kind) {
    case K_UNION:
    case K_EXCEPT:
    case K_INTERSECT:
    case K_ORDER:
    case K_LIMIT:
        return true;
    default:
        return false;
    }
}

/* One operand of UNION: a block, or a query in parentheses. */
static ql_status
query_primary(qli_parser *p, ql_ast_select **out)
{
    QL_TRY(qli_enter(p));
    switch (p->t.kind) {
    case T_LPAREN:
        return qli_subquery(p, out);
    case K_SELECT:
        return select_block(p, out);
    case K_TABLE:
        return table_block(p, out);
    case K_VALUES:
        return qli_peek(p, 1)->kind == K_ROW ? qli_unbuilt(p, "VALUES statement")
                                             : (qli_advance(p), qli_syntax_error(p));
    default:
        return qli_syntax_error(p);
    }
}

static ql_status
combine(qli_parser *p, ql_ast_set_op op, ql_ast_select *left, ql_ast_select *right,
        ql_ast_select **out)
{
    ql_ast_select *s;
    QL_TRY(qli_new(p, sizeof *s, &s));
    s->set_op = op;
    s->left = left;
    s->right = right;
    *out = s;
    return QL_OK;
}

/* UNION [ALL|DISTINCT]; EXCEPT ALL and INTERSECT ALL have no place in the AST. */
static ql_status
set_op_words(qli_parser *p, ql_ast_set_op plain, ql_ast_set_op *op)
{
    *op = plain;
    qli_advance(p);
    if (qli_accept(p, K_ALL)) {
        if (plain != QL_SET_UNION) {
            return qli_unbuilt(p, plain == QL_SET_EXCEPT ? "EXCEPT ALL" : "INTERSECT ALL");
        }
        *op = QL_SET_UNION_ALL;
        return QL_OK;
    }
    (void)qli_accept(p, K_DISTINCT);
    return QL_OK;
}

/* INTERSECT binds tighter than UNION and EXCEPT. */
static ql_status
intersections(qli_parser *p, ql_ast_select *left, ql_ast_select **out)
{
    ql_ast_set_op op;
    *out = left;
    while (qli_is(p, K_INTERSECT)) {
        ql_ast_select *right;
        QL_TRY(set_op_words(p, QL_SET_INTERSECT, &op));
        QL_TRY(query_primary(p, &right));
        QL_TRY(combine(p, op, *out, right, out));
        QL_TRY(qli_raise_height(p));
    }
    return QL_OK;
}

/* Behind the first operand: the others, then ORDER BY, LIMIT, locking, INTO of the whole. parens:
 * the first operand stood in parentheses, so that clauses behind it are not its own. */
static ql_status
query_tail(qli_parser *p, ql_ast_select *left, bool parens, ql_ast_select **out)
{
    ql_ast_set_op op;
    QL_TRY(intersections(p, left, out));
    while (qli_is(p, K_UNION) || qli_is(p, K_EXCEPT)) {
        ql_ast_select *right;
        QL_TRY(set_op_words(p, qli_is(p, K_UNION) ? QL_SET_UNION : QL_SET_EXCEPT, &op));
        QL_TRY(query_primary(p, &right));
        QL_TRY(intersections(p, right, &right));
        QL_TRY(combine(p, op, *out, right, out));
        QL_TRY(qli_raise_height(p));
    }
    ql_ast_select *s = *out;
    bool own = s != left || !parens; /* the clauses that follow have nobody else to belong to */
    if (!own && (qli_is(p, K_ORDER) || qli_is(p, K_LIMIT))) {
        if (s->order_by.n != 0 || s->limit != NULL) {
            return qli_unbuilt(p, "ORDER BY or LIMIT twice on a query in parentheses");
        }
    }
    QL_TRY(qli_opt_order_by(p, &s->order_by));
    QL_TRY(qli_opt_limit(p, &s->limit, &s->offset));
    QL_TRY(opt_into(p, s));
    QL_TRY(opt_locking(p, s));
    return opt_into(p, s);
}

ql_status
qli_with_clause(qli_parser *p, ql_ast_cte **v, uint32_t *n, bool *recursive)
{
    QL_TRY(qli_expect(p, K_WITH));
    *recursive = qli_accept(p, K_RECURSIVE);
    do {
        ql_ast_cte cte = {0};
        QL_TRY(qli_name(p, &cte.name));
        QL_TRY(qli_grow(p, &p->cte_names, &p->ncte_names, sizeof *p->cte_names));
        p->cte_names[p->ncte_names - 1] = cte.name;
        if (qli_is(p, T_LPAREN)) {
            QL_TRY(qli_name_list(p, &cte.columns, &cte.ncolumns));
        }
        QL_TRY(qli_expect(p, K_AS));
        p->in_cte++;
        QL_TRY(qli_subquery(p, &cte.select));
        p->in_cte--;
        QL_TRY(qli_grow(p, v, n, sizeof **v));
        (*v)[*n - 1] = cte;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

ql_status
qli_query(qli_parser *p, ql_ast_select **out)
{
    ql_ast_cte *ctes = NULL;
    uint32_t nctes = 0;
    bool recursive = false;
    uint32_t highest = p->highest;
    QL_TRY(qli_enter(p));
    p->highest = 0;
    if (qli_is(p, K_WITH)) {
        QL_TRY(qli_with_clause(p, &ctes, &nctes, &recursive));
    }
    bool parens = qli_is(p, T_LPAREN);
    QL_TRY(query_primary(p, out));
    QL_TRY(query_tail(p, *out, parens, out));
    if (nctes != 0) {
        if ((*out)->nctes != 0) {
            return qli_unbuilt(p, "WITH around a query that has its own WITH");
        }
        (*out)->ctes = ctes;
        (*out)->nctes = nctes;
        (*out)->recursive = recursive;
    }
    QL_TRY(qli_raise_height(p));
    (*out)->height = p->highest;
    p->highest = highest > p->highest ? highest : p->highest;
    return QL_OK;
}

ql_status
qli_query_rest(qli_parser *p, ql_ast_select *left, ql_ast_select **out)
{
    QL_TRY(query_tail(p, left, true, out));
    (*out)->height = p->highest;
    return QL_OK;
}

ql_status
qli_subquery(qli_parser *p, ql_ast_select **out)
{
    QL_TRY(qli_enter(p));
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_query(p, out));
    return qli_expect(p, T_RPAREN);
}

ql_status
qli_select_stmt(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_SELECT;
    if (qli_is(p, K_WITH)) {
        ql_ast_cte *ctes = NULL;
        uint32_t nctes = 0;
        bool recursive;
        QL_TRY(qli_with_clause(p, &ctes, &nctes, &recursive));
        if (qli_is(p, K_UPDATE) || qli_is(p, K_DELETE)) {
            return qli_unbuilt(p, qli_is(p, K_UPDATE) ? "WITH ... UPDATE" : "WITH ... DELETE");
        }
        QL_TRY(qli_query(p, &s->select));
        if (s->select->nctes != 0) {
            return qli_unbuilt(p, "WITH around a query that has its own WITH");
        }
        s->select->ctes = ctes;
        s->select->nctes = nctes;
        s->select->recursive = recursive;
        return QL_OK;
    }
    return qli_query(p, &s->select);
}
