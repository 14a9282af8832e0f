/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries as text (print.h): blocks, UNION and its kin, WITH, FROM. No locks, no waits.
 */
#include "base/bulk.h"
#include "sql/print_int.h"

/* --- FROM ------------------------------------------------------------------------------------ */

static ql_status put_from(qli_printer *p, const ql_ast_from *f);

static ql_status
put_index_hint(qli_printer *p, const ql_ast_index_hint *h)
{
    QL_TRY(qli_put(p, h->use == QL_USE_INDEX     ? " USE INDEX"
                      : h->use == QL_FORCE_INDEX ? " FORCE INDEX"
                                                 : " IGNORE INDEX"));
    QL_TRY(qli_put(p, h->purposes == QL_FOR_JOIN    ? " FOR JOIN ("
                      : h->purposes == QL_FOR_ORDER ? " FOR ORDER BY ("
                      : h->purposes == QL_FOR_GROUP ? " FOR GROUP BY ("
                                                    : " ("));
    if (ql_str_eq_nocase(h->name, QL_STR("PRIMARY"))) {
        QL_TRY(qli_put(p, "PRIMARY"));
    } else if (h->name.p != NULL) {
        QL_TRY(ql_buf_put_name(p->cx, p->b, h->name));
    }
    return qli_put(p, ")");
}

static ql_status
put_leaf(qli_printer *p, const ql_ast_from *f)
{
    if (f->derived != NULL) {
        QL_TRY(qli_put(p, "("));
        QL_TRY(qli_print_select(p, f->derived));
        QL_TRY(qli_put(p, ")"));
    } else {
        QL_TRY(qli_print_qualified(p, f->table.db, f->table.name));
    }
    if (f->alias.n > 0) {
        QL_TRY(qli_put(p, " "));
        QL_TRY(ql_buf_put_name(p->cx, p->b, f->alias));
    }
    for (const ql_ast_index_hint *h = f->hints; h != NULL; h = h->next) {
        QL_TRY(put_index_hint(p, h));
    }
    return QL_OK;
}

static const char *
join_word(const ql_ast_from *f)
{
    switch (f->join) {
    case QL_J_LEFT:
        return f->natural ? " natural left join " : " left join ";
    case QL_J_RIGHT:
        return f->natural ? " natural right join " : " right join ";
    case QL_J_STRAIGHT:
        return " straight_join ";
    default:
        return f->natural ? " natural join " : " join ";
    }
}

static ql_status
put_join_condition(qli_printer *p, const ql_ast_from *f)
{
    if (f->on != NULL) {
        QL_TRY(qli_put(p, " on("));
        QL_TRY(qli_print_expr(p, f->on));
        return qli_put(p, ")");
    }
    for (uint32_t i = 0; i < f->nusing; i++) {
        QL_TRY(qli_put(p, i > 0 ? "," : " using ("));
        QL_TRY(ql_buf_put_name(p->cx, p->b, f->using_cols[i]));
    }
    return f->nusing > 0 ? qli_put(p, ")") : QL_OK;
}

static ql_status
put_from(qli_printer *p, const ql_ast_from *f)
{
    QL_TRY(ql_bulk_node(p->cx));
    if (f->left == NULL) {
        return put_leaf(p, f);
    }
    QL_TRY(qli_put(p, "("));
    QL_TRY(put_from(p, f->left));
    QL_TRY(qli_put(p, join_word(f)));
    QL_TRY(put_from(p, f->right));
    QL_TRY(put_join_condition(p, f));
    return qli_put(p, ")");
}

/* --- blocks ---------------------------------------------------------------------------------- */

static ql_status
put_items(qli_printer *p, const ql_ast_select *s)
{
    for (uint32_t i = 0; i < s->nitems; i++) {
        const ql_ast_item *it = &s->items[i];
        QL_TRY(i > 0 ? qli_put(p, ",") : QL_OK);
        QL_TRY(qli_print_expr(p, it->expr));
        if (it->expr->kind != QL_A_STAR) {
            bool named = it->alias.p != NULL;
            QL_TRY(qli_put(p, " AS "));
            QL_TRY(ql_buf_put_name(p->cx, p->b,
                                   named                           ? it->alias
                                   : it->expr->kind == QL_A_COLUMN ? it->expr->name
                                                                   : it->heading));
        }
    }
    return QL_OK;
}

static ql_status
put_clause(qli_printer *p, const char *word, const ql_ast_expr *e)
{
    if (e == NULL) {
        return QL_OK;
    }
    QL_TRY(qli_put(p, word));
    return qli_print_expr(p, e);
}

static ql_status
put_block(qli_printer *p, const ql_ast_select *s)
{
    QL_TRY(qli_put(p, "select "));
    QL_TRY(s->distinct ? qli_put(p, "distinct ") : QL_OK);
    QL_TRY(s->straight_join ? qli_put(p, "straight_join ") : QL_OK);
    QL_TRY(s->sql_big_result ? qli_put(p, "sql_big_result ") : QL_OK);
    QL_TRY(put_items(p, s));
    if (s->from != NULL) {
        QL_TRY(qli_put(p, " from "));
        QL_TRY(put_from(p, s->from));
    } else if (s->where != NULL) {
        QL_TRY(qli_put(p, " from dual"));
    }
    QL_TRY(put_clause(p, " where ", s->where));
    if (s->group_by.n > 0) {
        QL_TRY(qli_put(p, " group by "));
        QL_TRY(qli_print_orders(p, &s->group_by));
        QL_TRY(s->with_rollup ? qli_put(p, " with rollup") : QL_OK);
    }
    return put_clause(p, " having ", s->having);
}

static ql_status
put_limit(qli_printer *p, const ql_ast_select *s)
{
    if (s->limit == NULL) {
        return QL_OK;
    }
    QL_TRY(qli_put(p, " limit "));
    if (s->offset != NULL) {
        QL_TRY(qli_print_expr(p, s->offset));
        QL_TRY(qli_put(p, ","));
    }
    return qli_print_expr(p, s->limit);
}

static ql_status
put_locking(qli_printer *p, const ql_ast_locking *l)
{
    QL_TRY(qli_put(p, l->kind == QL_LK_UPDATE ? " for update" : " for share"));
    for (uint32_t i = 0; i < l->nof; i++) {
        QL_TRY(qli_put(p, i > 0 ? "," : " of "));
        QL_TRY(qli_print_qualified(p, l->of[i].db, l->of[i].name));
    }
    QL_TRY(l->nowait ? qli_put(p, " nowait") : QL_OK);
    return l->skip_locked ? qli_put(p, " skip locked") : QL_OK;
}

/* --- combinations ---------------------------------------------------------------------------- */

static const char *
set_word(ql_ast_set_op op)
{
    switch (op) {
    case QL_SET_UNION:
        return " union ";
    case QL_SET_UNION_ALL:
        return " union all ";
    case QL_SET_EXCEPT:
        return " except ";
    default:
        return " intersect ";
    }
}

/* An operand with clauses of its own, or one that the text would otherwise join up with what stands
 * beside it. */
static bool
needs_parentheses(const ql_ast_select *s, bool right)
{
    bool own = s->order_by.n > 0 || s->limit != NULL || s->nlocking > 0 || s->nctes > 0;
    return own || (s->set_op != QL_SET_NONE && right);
}

static ql_status
put_operand(qli_printer *p, const ql_ast_select *parent, const ql_ast_select *s, bool right)
{
    bool tighter = parent->set_op == QL_SET_INTERSECT && s->set_op != QL_SET_NONE;
    if (!tighter && !needs_parentheses(s, right)) {
        return qli_print_select(p, s);
    }
    QL_TRY(qli_put(p, "("));
    QL_TRY(qli_print_select(p, s));
    return qli_put(p, ")");
}

static ql_status
put_ctes(qli_printer *p, const ql_ast_select *s)
{
    for (uint32_t i = 0; i < s->nctes; i++) {
        const ql_ast_cte *c = &s->ctes[i];
        QL_TRY(qli_put(p, i > 0 ? "," : s->recursive ? "with recursive " : "with "));
        QL_TRY(ql_buf_put_name(p->cx, p->b, c->name));
        for (uint32_t k = 0; k < c->ncolumns; k++) {
            QL_TRY(qli_put(p, k > 0 ? "," : " ("));
            QL_TRY(ql_buf_put_name(p->cx, p->b, c->columns[k]));
        }
        QL_TRY(qli_put(p, c->ncolumns > 0 ? ") as (" : " as ("));
        QL_TRY(qli_print_select(p, c->select));
        QL_TRY(qli_put(p, ")"));
    }
    return s->nctes > 0 ? qli_put(p, " ") : QL_OK;
}

ql_status
qli_print_select(qli_printer *p, const ql_ast_select *s)
{
    QL_TRY(ql_bulk_node(p->cx));
    QL_TRY(put_ctes(p, s));
    if (s->set_op == QL_SET_NONE) {
        QL_TRY(put_block(p, s));
    } else {
        QL_TRY(put_operand(p, s, s->left, false));
        QL_TRY(qli_put(p, set_word(s->set_op)));
        QL_TRY(put_operand(p, s, s->right, true));
    }
    if (s->order_by.n > 0) {
        QL_TRY(qli_put(p, " order by "));
        QL_TRY(qli_print_orders(p, &s->order_by));
    }
    QL_TRY(put_limit(p, s));
    for (uint32_t i = 0; i < s->nlocking; i++) {
        QL_TRY(put_locking(p, &s->locking[i]));
    }
    return QL_OK;
}

ql_status
ql_print_select(ql_ctx *cx, ql_buf *b, const ql_ast_select *s, const ql_print_mode *mode)
{
    qli_printer p = {.cx = cx, .b = b, .mode = mode};
    return qli_print_select(&p, s);
}
