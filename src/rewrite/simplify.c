/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be left out: conditions that are constants, DISTINCT of rows that are different anyway,
 * the order of rows that nobody sees.
 */
#include "rewrite/rewrite_int.h"

/* --- conditions --- */

static bool
is_constant(const ql_expr *e, bool *truth)
{
    if (e->kind != QL_E_CONST || (e->value.kind != QL_K_INT && e->value.kind != QL_K_NULL)) {
        return false;
    }
    *truth = e->value.kind == QL_K_INT && e->value.i != 0;
    return true;
}

/* e as a condition: NULL is as good as false. */
static void
drop_constant_side(ql_expr **e)
{
    ql_expr *n = *e;
    bool truth;
    if (n->kind != QL_E_OP || (n->op != QL_OP_AND && n->op != QL_OP_OR)) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (is_constant(n->args[i], &truth)) {
            *e = n->args[truth == (n->op == QL_OP_AND) ? 1 - i : i];
            return;
        }
    }
}

static ql_status
fold(qli_rw *rw, ql_expr **e, bool condition)
{
    ql_expr *n = *e;
    bool all = n->nargs > 0;
    QL_TRY(ql_bulk_node(rw->cx));
    if (n->kind != QL_E_OP && n->kind != QL_E_CAST) {
        return QL_OK;
    }
    bool joins = n->op == QL_OP_AND || n->op == QL_OP_OR;
    for (uint32_t i = 0; i < n->nargs; i++) {
        QL_TRY(fold(rw, &n->args[i], condition && n->kind == QL_E_OP && joins));
        all = all && n->args[i]->kind == QL_E_CONST;
    }
    if (n->kind == QL_E_OP && n->op == QL_OP_IN && n->nargs == 2 && n->args[0]->kind != QL_E_ROW &&
        n->args[1]->kind != QL_E_ROW) {
        n->op = QL_OP_EQ;
    }
    if (condition && n->kind == QL_E_OP && joins) {
        drop_constant_side(e);
        return QL_OK;
    }
    if (all) {
        n->is_constant = true;
        return ql_expr_fold(rw->cx, e);
    }
    return QL_OK;
}

ql_status
qli_rw_fold(qli_rw *rw, ql_expr **e)
{
    return *e != NULL ? fold(rw, e, true) : QL_OK;
}

static ql_status
fold_tree(qli_rw *rw, const ql_query *q, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(qli_rw_fold(rw, &t->on));
    QL_TRY(qli_rw_fit(rw, q, &t->on));
    QL_TRY(fold_tree(rw, q, t->left));
    return fold_tree(rw, q, t->right);
}

ql_status
qli_rw_fold_conditions(qli_rw *rw, ql_query *q)
{
    QL_TRY(qli_rw_fold(rw, &q->where));
    QL_TRY(qli_rw_fit(rw, q, &q->where));
    return q->from != NULL ? fold_tree(rw, q, q->from) : QL_OK;
}

/* --- DISTINCT --- */

static bool
is_item(const ql_query *q, uint32_t slot)
{
    for (uint16_t i = 0; i < q->nitems; i++) {
        if (q->items[i].expr->kind == QL_E_SLOT && q->items[i].expr->index == slot) {
            return true;
        }
    }
    return false;
}

static bool
shows_column(const ql_query *q, const ql_source *s, uint16_t column)
{
    for (uint16_t c = 0; c < s->ncols; c++) {
        if (s->ordinals[c] == column) {
            return is_item(q, s->slots[c]);
        }
    }
    return false;
}

/* Is a key among the items that no two rows of the table share? */
static bool
shows_key(const ql_query *q, const ql_source *s)
{
    for (uint16_t i = 0; s->table != NULL && i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        bool yes = x->unique && !x->hidden_rowid && x->nparts > 0;
        for (uint16_t p = 0; p < x->nparts && yes; p++) {
            uint16_t column = x->parts[p].column;
            yes = x->parts[p].prefix == 0 && !s->table->columns[column].type.nullable &&
                  shows_column(q, s, column);
        }
        if (yes) {
            return true;
        }
    }
    return false;
}

static bool
tree_shows_keys(const ql_query *q, const ql_join_tree *t)
{
    if (t->is_leaf) {
        return shows_key(q, &q->sources[t->source]);
    }
    bool filters = t->kind == QL_JOIN_SEMI || t->kind == QL_JOIN_ANTI;
    return tree_shows_keys(q, t->left) && (filters || tree_shows_keys(q, t->right));
}

static bool
is_distinct_anyway(const ql_query *q)
{
    if (!q->grouped) {
        return q->from != NULL && tree_shows_keys(q, q->from);
    }
    bool yes = true;
    for (uint16_t i = 0; i < q->ngroup && yes; i++) {
        yes = is_item(q, q->group_slots[i]);
    }
    return yes;
}

void
qli_rw_drop_distinct(ql_query *q)
{
    q->distinct = q->distinct && q->set_op == QL_SET_NONE && !is_distinct_anyway(q);
}

/* --- orders that nobody sees --- */

static bool
is_unordered(const ql_query *q)
{
    return q->limit == NULL && q->offset == NULL;
}

ql_status
qli_rw_drop_orders(qli_rw *rw, ql_query *q)
{
    bool seen = q->set_op == QL_SET_NONE && q->from != NULL && q->from->is_leaf && !q->grouped &&
                !q->distinct && q->norder == 0;
    for (uint16_t i = 0; i < q->nsources && !seen; i++) {
        ql_query *d = q->sources[i].derived;
        bool pure;
        if (d == NULL || d->norder == 0 || !is_unordered(d)) {
            continue;
        }
        QL_TRY(qli_rw_block_is_pure(rw, d, &pure));
        d->norder = pure ? 0 : d->norder;
    }
    return QL_OK;
}

ql_status
qli_rw_drop_subquery_order(qli_rw *rw, const ql_expr *e)
{
    bool pure;
    ql_query *q = e->query;
    if (q->norder == 0 || !is_unordered(q)) {
        return QL_OK;
    }
    QL_TRY(qli_rw_block_is_pure(rw, q, &pure));
    q->norder = pure ? 0 : q->norder;
    return QL_OK;
}
