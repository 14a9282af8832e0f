/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions that no row can satisfy together: `id = 5 AND id = 6`, `a > 10 AND a < 5`, `a = 3 AND
 * a IS NULL`, `a IN (1, 2) AND a > 7`. Of each column that is compared with constants as it is, the
 * bounds are kept; where they leave nothing, the conditions become FALSE, and nothing is read. Also
 * within the branches of an OR.
 */
#include "base/thread.h"
#include "rewrite/rewrite_int.h"

#define MOST_COLUMNS 16u /* of one list of conditions; what is said of others is left alone */
#define MOST_LISTS 4u
#define MOST_VALUES 256u /* of an IN list that are tried */

/* What the conditions met so far leave of a column's values. */
typedef struct left_over {
    uint32_t slot;
    const ql_expr *low, *high; /* the constants; NULL: open */
    bool low_in, high_in;
    bool null, not_null;
    const ql_expr *lists[MOST_LISTS];
    uint32_t nlists;
} left_over;

typedef struct together {
    qli_rw *rw;
    ql_query *q;
    left_over v[MOST_COLUMNS];
    uint32_t n;
    bool never;
} together;

static ql_status look_into(qli_rw *rw, ql_query *q, ql_expr **e);

static left_over *
left_of(together *g, uint32_t slot)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->v[i].slot == slot) {
            return &g->v[i];
        }
    }
    if (g->n == MOST_COLUMNS) {
        return NULL;
    }
    g->v[g->n] = (left_over){.slot = slot};
    return &g->v[g->n++];
}

/* a op b in the way of the comparison `like`; false also where that is not known. */
static ql_status
holds(together *g, const ql_expr *like, const ql_expr *a, ql_op op, const ql_expr *b, bool *yes)
{
    ql_expr *e = qli_rw_node(g->rw, QL_E_OP);
    ql_expr **args = QL_ARENA_ARRAY(g->rw->cx, g->rw->a, ql_expr *, 2);
    if (e == NULL || args == NULL) {
        return QL_ERROR;
    }
    args[0] = (ql_expr *)a;
    args[1] = (ql_expr *)b;
    e->op = op;
    e->type = ql_type_bool();
    e->compare_kind = like->compare_kind;
    e->coll = like->coll;
    e->args = args;
    e->nargs = 2;
    e->is_constant = true;
    QL_TRY(ql_expr_fold(g->rw->cx, &e));
    *yes = e->kind == QL_E_CONST && e->value.kind == QL_K_INT && e->value.i != 0;
    return QL_OK;
}

static bool
is_slot(const together *g, const ql_expr *cmp, const ql_expr *e)
{
    return e->kind == QL_E_SLOT && e->index < g->q->nslots && cmp->compare_kind == e->type.kind &&
           (e->type.kind != QL_K_STRING || cmp->coll == g->q->slot_types[e->index].coll);
}

static bool
is_value(const ql_expr *cmp, const ql_expr *e)
{
    return e->kind == QL_E_CONST && e->value.kind == cmp->compare_kind;
}

static ql_status
raise_low(together *g, left_over *l, const ql_expr *cmp, const ql_expr *v, bool in)
{
    bool above = true, same = false;
    if (l->low != NULL) {
        QL_TRY(holds(g, cmp, v, QL_OP_GT, l->low, &above));
        QL_TRY(holds(g, cmp, v, QL_OP_EQ, l->low, &same));
    }
    l->low_in = above ? in : l->low_in && (in || !same);
    l->low = above ? v : l->low;
    return QL_OK;
}

static ql_status
lower_high(together *g, left_over *l, const ql_expr *cmp, const ql_expr *v, bool in)
{
    bool below = true, same = false;
    if (l->high != NULL) {
        QL_TRY(holds(g, cmp, v, QL_OP_LT, l->high, &below));
        QL_TRY(holds(g, cmp, v, QL_OP_EQ, l->high, &same));
    }
    l->high_in = below ? in : l->high_in && (in || !same);
    l->high = below ? v : l->high;
    return QL_OK;
}

/* column op v */
static ql_status
take_bound(together *g, const ql_expr *cmp, const ql_expr *column, ql_op op, const ql_expr *v)
{
    bool empty = false, same = false;
    left_over *l = left_of(g, column->index);
    if (l == NULL) {
        return QL_OK;
    }
    if (op == QL_OP_EQ || op == QL_OP_GT || op == QL_OP_GE) {
        QL_TRY(raise_low(g, l, cmp, v, op != QL_OP_GT));
    }
    if (op == QL_OP_EQ || op == QL_OP_LT || op == QL_OP_LE) {
        QL_TRY(lower_high(g, l, cmp, v, op != QL_OP_LT));
    }
    if (l->low != NULL && l->high != NULL) {
        QL_TRY(holds(g, cmp, l->low, QL_OP_GT, l->high, &empty));
        QL_TRY(holds(g, cmp, l->low, QL_OP_EQ, l->high, &same));
    }
    g->never = g->never || empty || (same && !(l->low_in && l->high_in));
    return QL_OK;
}

/* A column that the condition is not true of when it is NULL. */
static void
note_not_null(together *g, const ql_expr *e)
{
    left_over *l = e->kind == QL_E_SLOT ? left_of(g, e->index) : NULL;
    if (l != NULL) {
        l->not_null = true;
    }
}

static ql_status
take_comparison(together *g, const ql_expr *e)
{
    bool safe = e->op == QL_OP_NULLSAFE_EQ;
    for (unsigned i = 0; i < 2; i++) {
        const ql_expr *column = e->args[i], *v = e->args[1 - i];
        bool null = v->kind == QL_E_CONST && v->value.kind == QL_K_NULL;
        if (null && !safe) {
            g->never = true;
            return QL_OK;
        }
        if (!safe || (v->kind == QL_E_CONST && !null)) {
            note_not_null(g, column);
        }
        if (null && column->kind == QL_E_SLOT) {
            left_over *l = left_of(g, column->index);
            if (l != NULL) {
                l->null = true;
            }
        } else if (is_slot(g, e, column) && is_value(e, v)) {
            ql_op op = safe ? QL_OP_EQ : i == 0 ? e->op : ql_op_mirrored(e->op);
            QL_TRY(take_bound(g, e, column, op, v));
        }
    }
    return QL_OK;
}

static void
take_list(together *g, const ql_expr *e)
{
    note_not_null(g, e->args[0]);
    left_over *l = is_slot(g, e, e->args[0]) ? left_of(g, e->args[0]->index) : NULL;
    bool known = l != NULL && e->nargs <= MOST_VALUES;
    for (uint32_t i = 1; i < e->nargs && known; i++) {
        known = is_value(e, e->args[i]) ||
                (e->args[i]->kind == QL_E_CONST && e->args[i]->value.kind == QL_K_NULL);
    }
    if (known && l->nlists < MOST_LISTS) {
        l->lists[l->nlists++] = e;
    }
}

static ql_status
take(together *g, ql_expr **at)
{
    const ql_expr *e = *at;
    QL_TRY(ql_bulk_node(g->rw->cx));
    if (e->kind != QL_E_OP) {
        return QL_OK;
    }
    if (e->op == QL_OP_OR) {
        return look_into(g->rw, g->q, at);
    }
    if (e->nargs == 2 && e->op >= QL_OP_EQ && e->op <= QL_OP_GE) {
        return take_comparison(g, e);
    }
    if (e->op == QL_OP_IN && e->nargs > 1) {
        take_list(g, e);
    } else if (e->op == QL_OP_LIKE || e->op == QL_OP_IS_NOT_NULL) {
        note_not_null(g, e->args[0]);
    } else if (e->op == QL_OP_IS_NULL && e->args[0]->kind == QL_E_SLOT) {
        left_over *l = left_of(g, e->args[0]->index);
        if (l != NULL) {
            l->null = true;
        }
    }
    return QL_OK;
}

static ql_status
take_all(together *g, ql_expr **e)
{
    while ((*e)->kind == QL_E_OP && (*e)->op == QL_OP_AND) {
        QL_TRY(take_all(g, &(*e)->args[0]));
        e = &(*e)->args[1];
    }
    return take(g, e);
}

/* Is there a value of the list within the bounds? */
static ql_status
try_list(together *g, const left_over *l, const ql_expr *list)
{
    bool some = false;
    for (uint32_t i = 1; i < list->nargs && !some; i++) {
        const ql_expr *v = list->args[i];
        bool below = false, above = false;
        if (v->value.kind == QL_K_NULL) {
            continue;
        }
        QL_TRY(l->low ? holds(g, list, v, l->low_in ? QL_OP_LT : QL_OP_LE, l->low, &below) : QL_OK);
        QL_TRY(l->high ? holds(g, list, v, l->high_in ? QL_OP_GT : QL_OP_GE, l->high, &above)
                       : QL_OK);
        some = !below && !above;
    }
    g->never = g->never || !some;
    return QL_OK;
}

static ql_status
conclude(together *g)
{
    for (uint32_t i = 0; i < g->n && !g->never; i++) {
        const left_over *l = &g->v[i];
        g->never = l->null && l->not_null;
        for (uint32_t k = 0; k < l->nlists && !g->never; k++) {
            QL_TRY(try_list(g, l, l->lists[k]));
        }
    }
    return QL_OK;
}

static ql_status
make_false(qli_rw *rw, ql_expr **e)
{
    ql_expr *no = qli_rw_true(rw);
    if (no == NULL) {
        return QL_ERROR;
    }
    no->value = ql_value_int(0);
    *e = no;
    return QL_OK;
}

/* The conditions joined by AND in *e, or those of each branch of an OR. */
static ql_status
look_into(qli_rw *rw, ql_query *q, ql_expr **e)
{
    if (ql_thread_stack_left() < 65536) {
        return ql_fail(rw->cx, QL_ER_STACK_OVERRUN_NEED_MORE, 65536l);
    }
    while ((*e)->kind == QL_E_OP && (*e)->op == QL_OP_OR) {
        QL_TRY(ql_bulk_node(rw->cx));
        QL_TRY(look_into(rw, q, &(*e)->args[1]));
        e = &(*e)->args[0];
    }
    together *g = QL_ARENA_NEW(rw->cx, rw->a, together);
    if (g == NULL) {
        return QL_ERROR;
    }
    *g = (together){.rw = rw, .q = q};
    QL_TRY(take_all(g, e));
    QL_TRY(conclude(g));
    return g->never ? make_false(rw, e) : QL_OK;
}

static bool
is_false(const ql_expr *e)
{
    return e != NULL && e->kind == QL_E_CONST &&
           (e->value.kind == QL_K_NULL || (e->value.kind == QL_K_INT && e->value.i == 0));
}

/* Columns of a right side that gives no row are NULL. */
static ql_status
make_null(qli_rw *rw, ql_query *q, const ql_join_tree *t, ql_expr **by_slot)
{
    if (!t->is_leaf) {
        QL_TRY(make_null(rw, q, t->left, by_slot));
        return make_null(rw, q, t->right, by_slot);
    }
    const ql_source *s = &q->sources[t->source];
    for (uint16_t i = 0; i < s->ncols; i++) {
        ql_expr *e = qli_rw_node(rw, QL_E_CONST);
        if (e == NULL) {
            return QL_ERROR;
        }
        e->type = q->slot_types[s->slots[i]];
        e->type.nullable = true;
        e->value = ql_value_null();
        e->is_constant = true;
        by_slot[s->slots[i]] = e;
    }
    return QL_OK;
}

static ql_status
drop_right(qli_rw *rw, ql_query *q, ql_join_tree *t)
{
    ql_expr **by_slot = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, q->nslots + 1u);
    if (by_slot == NULL) {
        return QL_ERROR;
    }
    const ql_join_tree *left = t->left, *right = t->right;
    QL_TRY(t->kind == QL_JOIN_LEFT ? make_null(rw, q, right, by_slot) : QL_OK);
    *t = *left;
    return qli_rw_substitute(rw, q, by_slot, q->nslots, true);
}

/* Inner joins' conditions are looked at with those of WHERE: `all`. An outer or anti-join whose ON
 * is true of nothing is its left side. */
static ql_status
look_at_joins(together *all, ql_join_tree *t)
{
    qli_rw *rw = all->rw;
    if (t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(look_at_joins(all, t->left));
    if (t->kind == QL_JOIN_INNER) {
        QL_TRY(t->on != NULL ? take_all(all, &t->on) : QL_OK);
        return look_at_joins(all, t->right);
    }
    together right = {.rw = rw, .q = all->q};
    QL_TRY(look_at_joins(&right, t->right));
    QL_TRY(t->on != NULL ? take_all(&right, &t->on) : QL_OK);
    QL_TRY(conclude(&right));
    if (right.never) {
        QL_TRY(make_false(rw, &t->on));
    }
    if (!is_false(t->on)) {
        return QL_OK;
    }
    all->never = all->never || t->kind == QL_JOIN_SEMI;
    return t->kind != QL_JOIN_SEMI && rw->fixed != all->q ? drop_right(rw, all->q, t) : QL_OK;
}

ql_status
qli_rw_impossible(qli_rw *rw, ql_query *q)
{
    together *all = QL_ARENA_NEW(rw->cx, rw->a, together);
    if (all == NULL) {
        return QL_ERROR;
    }
    *all = (together){.rw = rw, .q = q};
    QL_TRY(q->from != NULL ? look_at_joins(all, q->from) : QL_OK);
    QL_TRY(q->where != NULL ? take_all(all, &q->where) : QL_OK);
    QL_TRY(conclude(all));
    return all->never ? make_false(rw, &q->where) : QL_OK;
}
