/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns that the conditions of a block make equal. Where one of them is a constant, all are, and
 * the equalities between them say nothing more (manual, "Constant-Folding Optimization", "WHERE
 * Clause Optimization"); else the equalities that follow from others are added, marked as implied,
 * so that tables can be joined in any order. Only columns of one kind and collation, compared in
 * it: there equality is transitive.
 */
#include "rewrite/equal.h"

#define MAX_FACTS 200u
#define MAX_ADDED 60u

uint16_t
qli_rw_equal_root(qli_rw_classes *c, uint16_t i)
{
    while (c->up[i] != i) {
        c->up[i] = c->up[c->up[i]];
        i = c->up[i];
    }
    return i;
}

bool
qli_rw_is_compared_as_is(const qli_rw_classes *c, const ql_expr *cmp, const ql_expr *e)
{
    return e->kind == QL_E_SLOT && c->source[e->index] != UINT16_MAX &&
           cmp->compare_kind == e->type.kind && c->q->slot_types[e->index].kind == e->type.kind &&
           (e->type.kind != QL_K_STRING || cmp->coll == c->q->slot_types[e->index].coll);
}

static bool
is_value(const ql_expr *cmp, const ql_expr *e)
{
    return (e->kind == QL_E_CONST && e->value.kind == cmp->compare_kind) ||
           (e->kind == QL_E_OUTER && e->type.kind == cmp->compare_kind);
}

static void
note_value(qli_rw_classes *c, const ql_expr *slot, ql_expr *value)
{
    uint16_t root = qli_rw_equal_root(c, (uint16_t)slot->index);
    c->used[slot->index] = true;
    c->stated[slot->index] = value;
    if (c->value[root] == NULL) {
        c->value[root] = value;
    }
}

static void
note_pair(qli_rw_classes *c, ql_expr **e)
{
    ql_expr *a = (*e)->args[0], *b = (*e)->args[1];
    uint16_t ra = qli_rw_equal_root(c, (uint16_t)a->index),
             rb = qli_rw_equal_root(c, (uint16_t)b->index);
    if (c->nfacts >= MAX_FACTS || a->index == b->index ||
        c->q->slot_types[a->index].coll != c->q->slot_types[b->index].coll) {
        return;
    }
    c->facts[c->nfacts++] = (qli_rw_fact){e, (uint16_t)a->index, (uint16_t)b->index, a, b};
    c->used[a->index] = c->used[b->index] = true;
    if (ra != rb) {
        c->up[rb] = ra;
        c->value[ra] = c->value[ra] != NULL ? c->value[ra] : c->value[rb];
    }
}

static void
note_range(qli_rw_classes *c, ql_expr *e)
{
    bool first = qli_rw_is_compared_as_is(c, e, e->args[0]) && is_value(e, e->args[1]);
    bool second = qli_rw_is_compared_as_is(c, e, e->args[1]) && is_value(e, e->args[0]);
    if (c->nranges < QLI_RW_MAX_RANGES && (first || second)) {
        c->ranges[c->nranges++] = e;
    }
}

static ql_status
collect_expr(qli_rw_classes *c, ql_expr **e)
{
    QL_TRY(ql_bulk_node(c->rw->cx));
    while ((*e)->kind == QL_E_OP && (*e)->op == QL_OP_AND) {
        QL_TRY(collect_expr(c, &(*e)->args[0]));
        e = &(*e)->args[1];
    }
    if ((*e)->kind != QL_E_OP || (*e)->nargs != 2) {
        return QL_OK;
    }
    if ((*e)->op >= QL_OP_LT && (*e)->op <= QL_OP_GE) {
        note_range(c, *e);
    }
    if ((*e)->op != QL_OP_EQ) {
        return QL_OK;
    }
    ql_expr *a = (*e)->args[0], *b = (*e)->args[1];
    bool col_a = qli_rw_is_compared_as_is(c, *e, a), col_b = qli_rw_is_compared_as_is(c, *e, b);
    if (col_a && col_b) {
        note_pair(c, e);
    } else if (col_a && is_value(*e, b)) {
        note_value(c, a, b);
    } else if (col_b && is_value(*e, a)) {
        note_value(c, b, a);
    }
    return QL_OK;
}

/* Conditions that hold for every row of the block. */
static ql_status
collect_tree(qli_rw_classes *c, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    if (t->kind == QL_JOIN_INNER && t->on != NULL) {
        QL_TRY(collect_expr(c, &t->on));
    }
    QL_TRY(collect_tree(c, t->left));
    return t->kind == QL_JOIN_INNER ? collect_tree(c, t->right) : QL_OK;
}

/* --- what follows --- */

static ql_status
equality(qli_rw_classes *c, const ql_expr *like, uint16_t slot, ql_expr *to, ql_expr **out)
{
    ql_expr *e = qli_rw_node(c->rw, QL_E_SLOT);
    if (e == NULL) {
        return QL_ERROR;
    }
    e->index = slot;
    e->type = c->q->slot_types[slot];
    e->coercibility = like->coercibility;
    return qli_rw_equal(c->rw, e, to, e->type.kind, e->type.coll, out);
}

static ql_status
use_values(qli_rw_classes *c)
{
    ql_expr *more = NULL;
    for (uint32_t i = 0; i < c->nfacts; i++) {
        qli_rw_fact *f = &c->facts[i];
        ql_expr *value = c->value[qli_rw_equal_root(c, f->a)], *e;
        if (value == NULL) {
            continue;
        }
        for (unsigned k = 0; k < 2; k++) {
            uint16_t slot = k == 0 ? f->a : f->b;
            bool known = c->stated[slot] != NULL; /* and the same: else no row is left */
            QL_TRY(known ? ql_expr_same(c->rw->cx, c->stated[slot], value, &known) : QL_OK);
            if (!known) {
                QL_TRY(equality(c, f->ea, slot, value, &e));
                QL_TRY(qli_rw_and(c->rw, e, &more));
                c->stated[slot] = value;
            }
        }
        *f->at = qli_rw_true(c->rw);
        if (*f->at == NULL) {
            return QL_ERROR;
        }
    }
    return qli_rw_and(c->rw, more, &c->q->where);
}

static bool
is_stated(const qli_rw_classes *c, uint16_t a, uint16_t b)
{
    for (uint32_t i = 0; i < c->nfacts; i++) {
        const qli_rw_fact *f = &c->facts[i];
        if ((f->a == a && f->b == b) || (f->a == b && f->b == a)) {
            return true;
        }
    }
    return false;
}

static ql_status
add_implied(qli_rw_classes *c, uint16_t a, uint16_t b)
{
    ql_expr *to = qli_rw_node(c->rw, QL_E_SLOT), *e;
    if (to == NULL) {
        return QL_ERROR;
    }
    to->index = b;
    to->type = c->q->slot_types[b];
    QL_TRY(equality(c, to, a, to, &e));
    e->implied = true;
    c->added++;
    return qli_rw_and(c->rw, e, &c->q->where);
}

static ql_status
use_transitivity(qli_rw_classes *c)
{
    uint16_t n = c->q->nslots;
    for (uint16_t a = 0; a < n; a++) {
        QL_TRY(ql_bulk_each(c->rw->cx, a));
        if (!c->used[a] || c->value[qli_rw_equal_root(c, a)] != NULL) {
            continue;
        }
        for (uint16_t b = (uint16_t)(a + 1); b < n && c->added < MAX_ADDED; b++) {
            QL_TRY(ql_bulk_each(c->rw->cx, b));
            if (c->used[b] && qli_rw_equal_root(c, a) == qli_rw_equal_root(c, b) &&
                c->source[a] != c->source[b] && !is_stated(c, a, b)) {
                QL_TRY(add_implied(c, a, b));
            }
        }
    }
    return QL_OK;
}

/* The same for another column. */
static ql_status
range_of(qli_rw_classes *c, const ql_expr *range, uint16_t slot, ql_expr **out)
{
    ql_expr *e = qli_rw_node(c->rw, QL_E_OP), *s = qli_rw_node(c->rw, QL_E_SLOT);
    ql_expr **args = QL_ARENA_ARRAY(c->rw->cx, c->rw->cx->arena, ql_expr *, 2);
    if (e == NULL || s == NULL || args == NULL) {
        return QL_ERROR;
    }
    *e = *range;
    e->args = args;
    e->implied = true;
    for (unsigned i = 0; i < 2; i++) {
        args[i] = range->args[i];
        if (args[i]->kind == QL_E_SLOT) {
            *s = *args[i];
            s->index = slot;
            s->type = c->q->slot_types[slot];
            args[i] = s;
        }
    }
    *out = e;
    return QL_OK;
}

/* Columns of derived tables are given the ranges of those they are equal to: they stop rows there
 * before they are grouped. */
static ql_status
use_ranges(qli_rw_classes *c)
{
    for (uint32_t i = 0; i < c->nranges; i++) {
        const ql_expr *range = c->ranges[i], *e = range->args[0];
        e = e->kind == QL_E_SLOT ? e : range->args[1];
        uint16_t own = (uint16_t)e->index;
        for (uint16_t s = 0; s < c->q->nslots && c->value[qli_rw_equal_root(c, own)] == NULL; s++) {
            ql_expr *more;
            QL_TRY(ql_bulk_each(c->rw->cx, s));
            if (s == own || !c->used[s] || qli_rw_equal_root(c, s) != qli_rw_equal_root(c, own) ||
                c->source[s] == c->source[own] || c->q->sources[c->source[s]].derived == NULL) {
                continue;
            }
            QL_TRY(range_of(c, range, s, &more));
            QL_TRY(qli_rw_and(c->rw, more, &c->q->where));
        }
    }
    return QL_OK;
}

/* --- conditions of joins that keep their sides --- */

/* On the right side the column is equal to one on the left that has a value. */
static ql_status
value_for_right(qli_rw_classes *c, const ql_expr *e, ql_expr **more)
{
    ql_expr *eq;
    QL_TRY(ql_bulk_node(c->rw->cx));
    if (e->kind != QL_E_OP) {
        return QL_OK;
    }
    if (e->op == QL_OP_AND) {
        QL_TRY(value_for_right(c, e->args[0], more));
        return value_for_right(c, e->args[1], more);
    }
    if (e->op != QL_OP_EQ || !qli_rw_is_compared_as_is(c, e, e->args[0]) ||
        !qli_rw_is_compared_as_is(c, e, e->args[1])) {
        return QL_OK;
    }
    for (unsigned i = 0; i < 2; i++) {
        const ql_expr *known = e->args[i], *other = e->args[1 - i];
        ql_expr *value = c->value[qli_rw_equal_root(c, (uint16_t)known->index)];
        if (value != NULL && c->value[qli_rw_equal_root(c, (uint16_t)other->index)] == NULL &&
            value->kind == QL_E_CONST) {
            QL_TRY(equality(c, other, (uint16_t)other->index, value, &eq));
            eq->implied = true;
            return qli_rw_and(c->rw, eq, more);
        }
    }
    return QL_OK;
}

static ql_status
tell_right_sides(qli_rw_classes *c, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(tell_right_sides(c, t->left));
    if (t->kind == QL_JOIN_INNER) {
        return tell_right_sides(c, t->right);
    }
    ql_expr *more = NULL;
    QL_TRY(t->on != NULL ? value_for_right(c, t->on, &more) : QL_OK);
    return qli_rw_and(c->rw, more, &t->on);
}

static ql_status
begin(qli_rw_classes *c)
{
    ql_query *q = c->q;
    qli_rw *rw = c->rw;
    uint16_t n = (uint16_t)(q->nslots + 1);
    c->up = QL_ARENA_ARRAY(rw->cx, rw->a, uint16_t, n);
    c->source = QL_ARENA_ARRAY(rw->cx, rw->a, uint16_t, n);
    c->value = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, n);
    c->stated = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, n);
    c->used = QL_ARENA_ARRAY(rw->cx, rw->a, bool, n);
    c->facts = QL_ARENA_ARRAY(rw->cx, rw->a, qli_rw_fact, MAX_FACTS);
    if (c->up == NULL || c->source == NULL || c->value == NULL || c->stated == NULL ||
        c->used == NULL || c->facts == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nslots; i++) {
        c->up[i] = i;
        c->source[i] = UINT16_MAX;
    }
    for (uint16_t s = 0; s < q->nsources; s++) {
        for (uint16_t i = 0; i < q->sources[s].ncols; i++) {
            c->source[q->sources[s].slots[i]] = s;
        }
    }
    return QL_OK;
}

ql_status
qli_rw_equalities(qli_rw *rw, ql_query *q)
{
    qli_rw_classes c = {.rw = rw, .q = q};
    if (q->from == NULL || q->from->is_leaf) {
        return QL_OK;
    }
    QL_TRY(begin(&c));
    QL_TRY(q->where != NULL ? collect_expr(&c, &q->where) : QL_OK);
    QL_TRY(collect_tree(&c, q->from));
    QL_TRY(use_values(&c));
    QL_TRY(use_transitivity(&c));
    QL_TRY(use_ranges(&c));
    QL_TRY(qli_rw_equal_or(&c));
    return tell_right_sides(&c, q->from);
}
