/* SPDX-License-Identifier: Apache-2.0
 *
 * IN (SELECT ...), = ANY, EXISTS and their negations among the conditions of a block become
 * semi-joins and anti-joins (manual, "Optimizing IN and EXISTS Subquery Predicates with Semijoin
 * and Antijoin Transformations"): the tables of the subquery are the right side, its WHERE and the
 * equality that IN means are the join's condition. NOT IN lets a row pass when no pair is equal or
 * compared with NULL: that is the equality where neither side can be NULL, else `x = y OR x IS NULL
 * OR y IS NULL`, which is joined where the subquery looks at the row by another equality. (One that
 * looks at nothing outside is a set that is made once, and asked for each row: eval_query_kept.c.)
 */
#include "rewrite/rewrite_int.h"

/* A condition that is about a subquery. */
typedef struct candidate {
    ql_expr *e; /* IN_QUERY or EXISTS */
    bool anti;
} candidate;

static bool
find_candidate(ql_expr *e, candidate *c)
{
    *c = (candidate){.e = e};
    while (c->e->kind == QL_E_OP && c->e->op == QL_OP_NOT) {
        c->e = c->e->args[0];
        c->anti = !c->anti;
    }
    if (c->e->kind == QL_E_IN_QUERY && c->e->op == QL_OP_NOT_IN) {
        c->anti = !c->anti;
        return true;
    }
    return c->e->kind == QL_E_EXISTS || (c->e->kind == QL_E_IN_QUERY && c->e->op == QL_OP_IN);
}

/* --- may the subquery be joined? --- */

static bool
limit_lets_one_pass(const ql_query *b)
{
    return b->offset == NULL &&
           (b->limit == NULL || (b->limit->kind == QL_E_CONST && b->limit->value.kind == QL_K_INT &&
                                 b->limit->value.u > 0));
}

static bool
is_joinable(const qli_rw *rw, const ql_query *a, const candidate *c)
{
    const ql_query *b = c->e->query;
    bool yes = b->set_op == QL_SET_NONE && !b->grouped && b->having == NULL && b->from != NULL &&
               qli_rw_has_room(a, b, 0) && ql_query_switch(rw->cx, b, QL_SWITCH_SEMIJOIN);
    yes = yes && (c->e->kind == QL_E_EXISTS ? limit_lets_one_pass(b)
                                            : b->limit == NULL && b->offset == NULL);
    for (uint16_t i = 0; i < b->nsources && yes; i++) {
        yes = b->sources[i].locking.kind == QL_LK_NONE && b->sources[i].json == NULL;
    }
    return yes;
}

/* References to the enclosing block in the conditions of inner joins can wait until the join is
 * made; elsewhere in FROM they cannot. */
static ql_status
from_is_independent(qli_rw *rw, ql_query *b, const ql_join_tree *t, bool top, bool *yes)
{
    if (t->is_leaf) {
        ql_query *d = b->sources[t->source].derived;
        bool up = false;
        QL_TRY(d != NULL ? qli_rw_block_looks_up(rw, d, 2, &up) : QL_OK);
        *yes = !up;
        return QL_OK;
    }
    bool inner = t->kind == QL_JOIN_INNER;
    if (!(top && inner) && t->on != NULL) {
        bool up;
        QL_TRY(qli_rw_looks_up(rw, t->on, 1, &up));
        *yes = !up;
    }
    QL_TRY(*yes ? from_is_independent(rw, b, t->left, top, yes) : QL_OK);
    return *yes ? from_is_independent(rw, b, t->right, top && inner, yes) : QL_OK;
}

static ql_status
hoist(qli_rw *rw, ql_query *b, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    if (t->kind == QL_JOIN_INNER && t->on != NULL) {
        bool up;
        QL_TRY(qli_rw_looks_up(rw, t->on, 1, &up));
        if (up) {
            QL_TRY(qli_rw_and(rw, t->on, &b->where));
            t->on = NULL;
        }
    }
    QL_TRY(hoist(rw, b, t->left));
    return t->kind == QL_JOIN_INNER ? hoist(rw, b, t->right) : QL_OK;
}

/* --- what IN means --- */

/* A column of a stored table that cannot be NULL. */
static bool
is_never_null(const ql_query *q, const ql_expr *e)
{
    while (e->kind == QL_E_CAST && ql_kind_is_number(e->type.kind) &&
           ql_kind_is_number(e->args[0]->type.kind)) {
        e = e->args[0];
    }
    if (e->kind == QL_E_CONST) {
        return e->value.kind != QL_K_NULL;
    }
    if (e->kind != QL_E_SLOT || e->type.nullable) {
        return false;
    }
    for (uint16_t s = 0; s < q->nsources; s++) {
        for (uint16_t c = 0; c < q->sources[s].ncols && q->sources[s].table != NULL; c++) {
            if (q->sources[s].slots[c] == e->index) {
                return !q->slot_types[e->index].nullable;
            }
        }
    }
    return false;
}

static bool
is_column(const ql_expr *e, const ql_expr *column)
{
    return e->kind == QL_E_SLOT && column->kind == QL_E_SLOT && e->index == column->index;
}

/* Do conditions of e, joined by AND, let no row pass in which the column is NULL? */
static ql_status
bars_null(qli_rw *rw, const ql_expr *e, const ql_expr *column, bool *yes)
{
    *yes = false;
    QL_TRY(ql_bulk_node(rw->cx));
    if (e == NULL || e->kind != QL_E_OP || e->nargs == 0) {
        return QL_OK;
    }
    if (e->op == QL_OP_AND) {
        QL_TRY(bars_null(rw, e->args[0], column, yes));
        return *yes ? QL_OK : bars_null(rw, e->args[1], column, yes);
    }
    bool compares = e->op >= QL_OP_EQ && e->op <= QL_OP_GE && e->op != QL_OP_NULLSAFE_EQ;
    *yes = (e->op == QL_OP_IS_NOT_NULL || e->op == QL_OP_IN || e->op == QL_OP_LIKE || compares) &&
           (is_column(e->args[0], column) ||
            (compares && e->nargs == 2 && is_column(e->args[1], column)));
    return QL_OK;
}

static ql_status
cannot_be_null(qli_rw *rw, const ql_query *q, const ql_expr *e, bool *yes)
{
    *yes = is_never_null(q, e);
    while (!*yes && e->kind == QL_E_CAST && ql_kind_is_number(e->type.kind) &&
           ql_kind_is_number(e->args[0]->type.kind)) {
        e = e->args[0];
    }
    return *yes || q->where == NULL ? QL_OK : bars_null(rw, q->where, e, yes);
}

/* Is a column of the enclosing block equal to something of the subquery's own? */
static ql_status
has_tie(qli_rw *rw, const ql_expr *e, bool *yes)
{
    *yes = false;
    QL_TRY(ql_bulk_node(rw->cx));
    if (e == NULL || e->kind != QL_E_OP || e->nargs != 2) {
        return QL_OK;
    }
    if (e->op == QL_OP_AND) {
        QL_TRY(has_tie(rw, e->args[0], yes));
        return *yes ? QL_OK : has_tie(rw, e->args[1], yes);
    }
    for (unsigned i = 0; i < 2 && e->op == QL_OP_EQ && !*yes; i++) {
        bool up;
        QL_TRY(qli_rw_looks_up(rw, e->args[1 - i], 1, &up));
        *yes = !up && e->args[1 - i]->kind != QL_E_CONST && e->args[i]->kind == QL_E_OUTER &&
               e->args[i]->depth == 1;
    }
    return QL_OK;
}

/* Kind and collation in which the two meet as IN compares them, with nothing lost and no warning.
 */
static bool
can_equal(const candidate *c, const ql_expr *left, const ql_expr *item, ql_kind *kind,
          const ql_collation **coll)
{
    bool scalar = c->e->args[0]->kind != QL_E_ROW;
    *kind = scalar ? c->e->compare_kind : left->type.kind;
    *coll = scalar ? c->e->coll : left->type.coll;
    if (*kind == QL_K_NULL || left->type.kind != *kind) {
        return false;
    }
    if (!scalar && (item->type.kind != *kind ||
                    (*kind == QL_K_STRING && item->type.coll != left->type.coll))) {
        return false;
    }
    return item->type.kind == *kind ||
           (ql_kind_is_number(item->type.kind) && ql_kind_is_number(*kind));
}

static ql_expr *
left_of(const candidate *c, uint32_t i)
{
    const ql_expr *left = c->e->args[0];
    return left->kind == QL_E_ROW ? left->args[i] : (ql_expr *)left;
}

static ql_status
in_is_joinable(qli_rw *rw, const ql_query *a, const candidate *c, bool *yes)
{
    const ql_query *b = c->e->query;
    uint64_t seen = 0;
    bool tied = !c->anti, nulls = false;
    *yes = true;
    for (uint16_t i = 0; i < b->nitems && *yes; i++) {
        bool own, others;
        const ql_expr *left = left_of(c, i), *item = b->items[i].expr;
        qli_rw_uses uses;
        uint32_t n;
        ql_kind kind;
        const ql_collation *coll;
        QL_TRY(qli_rw_size(rw, item, QLI_RW_MAX_COPIED, &n));
        QL_TRY(qli_rw_uses_of(rw, a, left, &uses));
        seen |= uses.sources;
        *yes = can_equal(c, left, item, &kind, &coll) && n < QLI_RW_MAX_COPIED;
        QL_TRY(*yes ? qli_rw_is_pure(rw, left, yes) : QL_OK);
        QL_TRY(cannot_be_null(rw, a, left, &own));
        QL_TRY(cannot_be_null(rw, b, item, &others));
        tied = tied || (own && others);
        nulls = nulls || (c->anti && !(own && others));
    }
    *yes = *yes && seen != 0;
    QL_TRY(*yes && nulls && !tied ? has_tie(rw, b->where, &tied) : QL_OK);
    *yes = *yes && tied;
    return QL_OK;
}

static ql_status
can_join(qli_rw *rw, const ql_query *a, const candidate *c, bool *yes)
{
    ql_query *b = c->e->query;
    *yes = is_joinable(rw, a, c);
    if (*yes && c->e->kind == QL_E_EXISTS) {
        QL_TRY(b->where != NULL ? qli_rw_looks_up(rw, b->where, 1, yes) : QL_OK);
        *yes = *yes && b->where != NULL;
    }
    QL_TRY(*yes ? qli_rw_block_is_pure(rw, b, yes) : QL_OK);
    QL_TRY(*yes && c->e->kind == QL_E_IN_QUERY ? in_is_joinable(rw, a, c, yes) : QL_OK);
    return *yes ? from_is_independent(rw, b, b->from, true, yes) : QL_OK;
}

/* --- the join --- */

static ql_status
or_null(qli_rw *rw, ql_expr *of, ql_expr **e)
{
    ql_expr *n = qli_rw_node(rw, QL_E_OP);
    ql_expr **args = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, 1);
    if (n == NULL || args == NULL) {
        return QL_ERROR;
    }
    args[0] = of;
    n->op = QL_OP_IS_NULL;
    n->type = ql_type_bool();
    n->args = args;
    n->nargs = 1;
    return qli_rw_or(rw, n, e);
}

/* What the flags of the subquery leave. Where that is nothing, they do not count. */
static uint8_t
barred_ways(const qli_rw *rw, const ql_query *b)
{
    unsigned barred = 0;
    barred |= ql_query_switch(rw->cx, b, QL_SWITCH_FIRSTMATCH) ? 0 : QL_WAY_LOOKUP;
    barred |= ql_query_switch(rw->cx, b, QL_SWITCH_MATERIALIZATION) ? 0 : QL_WAY_HASH;
    barred |= ql_query_switch(rw->cx, b, QL_SWITCH_LOOSESCAN) ||
                      ql_query_switch(rw->cx, b, QL_SWITCH_DUPLICATEWEEDOUT)
                  ? 0
                  : QL_WAY_DISTINCT;
    return barred == QL_WAYS_ALL ? 0 : (uint8_t)barred;
}

static ql_status
join(qli_rw *rw, ql_query *a, const candidate *c)
{
    ql_query *b = c->e->query;
    ql_join_tree *t = QL_ARENA_NEW(rw->cx, rw->a, ql_join_tree);
    bool *nulls = QL_ARENA_ARRAY(rw->cx, rw->a, bool, 2u * b->nitems + 1u);
    ql_expr *on;
    if (t == NULL || nulls == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; c->anti && c->e->kind == QL_E_IN_QUERY && i < b->nitems; i++) {
        bool own, others;
        QL_TRY(cannot_be_null(rw, a, left_of(c, i), &own));
        QL_TRY(cannot_be_null(rw, b, b->items[i].expr, &others));
        nulls[2 * i] = !own;
        nulls[2 * i + 1] = !others;
    }
    QL_TRY(hoist(rw, b, b->from));
    QL_TRY(qli_rw_absorb(rw, a, b, -1, false));
    on = b->where;
    for (uint16_t i = b->nitems; c->e->kind == QL_E_IN_QUERY && i-- > 0;) {
        ql_expr *left = left_of(c, i), *item = b->items[i].expr, *equal;
        ql_kind kind;
        const ql_collation *coll;
        if (can_equal(c, left, item, &kind, &coll)) {
            QL_TRY(qli_rw_equal(rw, left, item, kind, coll, &equal));
            QL_TRY(nulls[2 * i] ? or_null(rw, left, &equal) : QL_OK);
            QL_TRY(nulls[2 * i + 1] ? or_null(rw, item, &equal) : QL_OK);
            QL_TRY(qli_rw_and(rw, equal, &on));
        }
    }
    *t = (ql_join_tree){.left = a->from,
                        .right = b->from,
                        .kind = c->anti ? QL_JOIN_ANTI : QL_JOIN_SEMI,
                        .barred = barred_ways(rw, b),
                        .on = on};
    a->from = t;
    return QL_OK;
}

/* --- subqueries that are more than tables, joined --- */

/* Are its values the same as columns of a derived table? DECIMAL quotients are rounded there. */
static bool
item_is_kept(const ql_query *b, uint16_t i)
{
    const ql_expr *e = b->items[i].expr;
    const ql_type *t = &b->items[i].column.type;
    if (b->set_op != QL_SET_NONE || t->kind != e->type.kind) {
        return b->set_op != QL_SET_NONE && t->kind != QL_K_DECIMAL;
    }
    bool kept = t->kind != QL_K_DECIMAL || e->kind == QL_E_SLOT;
    for (uint16_t k = 0; k < b->naggs && kept && t->kind == QL_K_DECIMAL; k++) {
        kept = b->aggs[k].slot != e->index || b->aggs[k].fn == QL_AGG_MIN ||
               b->aggs[k].fn == QL_AGG_MAX || b->aggs[k].fn == QL_AGG_SUM;
    }
    return kept;
}

/* One that groups, or a UNION, can be read once and joined as a derived table. */
static ql_status
is_wrappable(qli_rw *rw, const ql_query *a, const candidate *c, bool *yes)
{
    const ql_query *b = c->e->query;
    *yes = c->e->kind == QL_E_IN_QUERY && !c->anti && !b->correlated && b->limit == NULL &&
           b->offset == NULL && (b->grouped || b->set_op != QL_SET_NONE) &&
           a->nsources < QLI_RW_MAX_SOURCES && ql_query_switch(rw->cx, b, QL_SWITCH_SEMIJOIN) &&
           ql_query_switch(rw->cx, b, QL_SWITCH_MATERIALIZATION);
    for (uint16_t i = 0; i < b->nsources && *yes; i++) {
        *yes = b->sources[i].locking.kind == QL_LK_NONE;
    }
    for (uint16_t i = 0; i < b->nitems && *yes; i++) {
        *yes = item_is_kept(b, i);
    }
    return *yes ? qli_rw_block_is_pure(rw, b, yes) : QL_OK;
}

/* SELECT * FROM (b). */
static ql_status
wrap(qli_rw *rw, ql_query *a, ql_query *b, ql_query **out)
{
    uint16_t n = b->nitems;
    ql_query *w = QL_ARENA_NEW(rw->cx, rw->a, ql_query);
    ql_source *s = QL_ARENA_NEW(rw->cx, rw->a, ql_source);
    ql_join_tree *leaf = QL_ARENA_NEW(rw->cx, rw->a, ql_join_tree);
    ql_expr *slots = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr, n + 1u);
    if (w == NULL || s == NULL || leaf == NULL || slots == NULL) {
        return QL_ERROR;
    }
    *s = (ql_source){.derived = b, .ncols = n, .alias = QL_STR("<subquery>")};
    s->ordinals = QL_ARENA_ARRAY(rw->cx, rw->a, uint16_t, n + 1u);
    s->slots = QL_ARENA_ARRAY(rw->cx, rw->a, uint16_t, n + 1u);
    leaf->is_leaf = true;
    *w =
        (ql_query){.outer = a, .nsources = 1, .sources = s, .from = leaf, .nslots = n, .nitems = n};
    w->slot_types = QL_ARENA_ARRAY(rw->cx, rw->a, ql_type, n + 1u);
    w->items = QL_ARENA_ARRAY(rw->cx, rw->a, ql_item, n + 1u);
    if (s->ordinals == NULL || s->slots == NULL || w->slot_types == NULL || w->items == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        s->ordinals[i] = s->slots[i] = i;
        w->slot_types[i] = b->items[i].column.type;
        slots[i] = (ql_expr){.kind = QL_E_SLOT, .index = i, .type = w->slot_types[i]};
        w->items[i] = b->items[i];
        w->items[i].expr = &slots[i];
    }
    *out = w;
    return QL_OK;
}

static ql_status
wrap_if_needed(qli_rw *rw, ql_query *a, const candidate *c)
{
    ql_query *b = c->e->query, *w;
    bool yes;
    QL_TRY(is_wrappable(rw, a, c, &yes));
    if (!yes) {
        return QL_OK;
    }
    QL_TRY(wrap(rw, a, b, &w));
    c->e->query = w;
    QL_TRY(can_join(rw, a, c, &yes));
    if (yes) {
        b->outer = w;
    } else {
        c->e->query = b;
    }
    return QL_OK;
}

static ql_status
in_condition(qli_rw *rw, ql_query *a, ql_expr **e)
{
    candidate c;
    bool yes;
    while ((*e)->kind == QL_E_OP && (*e)->op == QL_OP_AND) {
        QL_TRY(in_condition(rw, a, &(*e)->args[0]));
        e = &(*e)->args[1];
    }
    QL_TRY(ql_bulk_node(rw->cx));
    if (!find_candidate(*e, &c)) {
        return QL_OK;
    }
    QL_TRY(wrap_if_needed(rw, a, &c));
    QL_TRY(can_join(rw, a, &c, &yes));
    if (!yes) {
        return QL_OK;
    }
    QL_TRY(join(rw, a, &c));
    *e = qli_rw_true(rw);
    return *e != NULL ? QL_OK : QL_ERROR;
}

/* Conditions of inner joins are as good as WHERE's. */
static ql_status
in_tree(qli_rw *rw, ql_query *a, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    if (t->kind == QL_JOIN_INNER && t->on != NULL) {
        QL_TRY(in_condition(rw, a, &t->on));
    }
    QL_TRY(in_tree(rw, a, t->left));
    return t->kind == QL_JOIN_INNER ? in_tree(rw, a, t->right) : QL_OK;
}

ql_status
qli_rw_semijoins(qli_rw *rw, ql_query *q)
{
    bool locks = false;
    for (uint16_t i = 0; i < q->nsources && q != rw->fixed; i++) {
        locks |= q->sources[i].locking.kind != QL_LK_NONE; /* what falls out is not to be locked */
    }
    if (q->from == NULL || locks) {
        return QL_OK;
    }
    ql_join_tree *tree = q->from;
    QL_TRY(q->where != NULL ? in_condition(rw, q, &q->where) : QL_OK);
    return in_tree(rw, q, tree);
}
