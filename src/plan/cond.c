/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions: splitting at AND, which sources each looks at, putting some of them together again.
 */
#include "base/bulk.h"
#include "plan/plan_int.h"

static qli_mask expr_sources(qli_planner *p, const ql_expr *e, uint32_t depth);

static qli_mask
keys_sources(qli_planner *p, const ql_sort_key *k, uint32_t n, uint32_t depth)
{
    qli_mask m = 0;
    for (uint32_t i = 0; i < n; i++) {
        m |= expr_sources(p, k[i].expr, depth);
    }
    return m;
}

static qli_mask
join_sources(qli_planner *p, const ql_join_tree *t, uint32_t depth)
{
    if (!t || t->is_leaf) {
        return 0;
    }
    return join_sources(p, t->left, depth) | join_sources(p, t->right, depth) |
           expr_sources(p, t->on, depth);
}

static qli_mask query_sources(qli_planner *p, const ql_query *q, uint32_t depth);

/* What a block `depth` levels down, or this one, uses of this one. */
static qli_mask
block_sources(qli_planner *p, const ql_query *q, uint32_t depth)
{
    qli_mask m = join_sources(p, q->from, depth) | expr_sources(p, q->where, depth) |
                 expr_sources(p, q->having, depth) | keys_sources(p, q->order_by, q->norder, depth);
    if (q->set_op != QL_SET_NONE) {
        m |= query_sources(p, q->left, depth) | query_sources(p, q->right, depth);
    }
    for (uint16_t i = 0; i < q->nsources; i++) {
        m |= q->sources[i].derived ? query_sources(p, q->sources[i].derived, depth + 1) : 0;
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        m |= expr_sources(p, q->group_by[i], depth);
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            m |= expr_sources(p, q->aggs[i].args[k], depth);
        }
        m |= keys_sources(p, q->aggs[i].order, q->aggs[i].norder, depth);
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        m |= expr_sources(p, q->items[i].expr, depth);
    }
    return m;
}

static qli_mask
query_sources(qli_planner *p, const ql_query *q, uint32_t depth)
{
    return q->correlated ? block_sources(p, q, depth) : 0;
}

/* One more node of a walk: false = not to be looked at, the statement has to stop. */
static bool
may_go_on(qli_planner *p)
{
    if (p->bad == QL_OK) {
        p->bad = ql_bulk_node(p->cx);
    }
    return p->bad == QL_OK;
}

static qli_mask
expr_sources(qli_planner *p, const ql_expr *e, uint32_t depth)
{
    if (!e || !may_go_on(p)) {
        return 0;
    }
    qli_mask m = 0;
    bool own = (e->kind == QL_E_SLOT && depth == 0) || (e->kind == QL_E_OUTER && e->depth == depth);
    if (own && e->index < p->q->nslots && p->source_of[e->index] != 0xff) {
        m = UINT64_C(1) << p->source_of[e->index];
        if (p->counting && p->counting[e->index] < UINT16_MAX) {
            p->counting[e->index]++;
        }
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        m |= expr_sources(p, e->args[i], depth);
    }
    return e->query ? m | query_sources(p, e->query, depth + 1) : m;
}

qli_mask
qli_expr_sources(qli_planner *p, const ql_expr *e)
{
    return expr_sources(p, e, 0);
}

ql_status
qli_count_uses(qli_planner *p, uint16_t *n)
{
    p->counting = n;
    (void)block_sources(p, p->q, 0);
    p->counting = NULL;
    return p->bad;
}

/* No RAND, SLEEP, assignments inside. */
static bool
is_pure(qli_planner *p, const ql_expr *e)
{
    if (e->kind == QL_E_ASSIGN || (e->kind == QL_E_FUNC && (ql_func_flags(e->fn) & QL_FF_NONDET))) {
        return false;
    }
    bool yes = may_go_on(p);
    for (uint32_t i = 0; i < e->nargs && yes; i++) {
        yes = is_pure(p, e->args[i]);
    }
    return yes;
}

static bool
has_query(qli_planner *p, const ql_expr *e)
{
    bool yes = e->query != NULL || !may_go_on(p);
    for (uint32_t i = 0; i < e->nargs && !yes; i++) {
        yes = has_query(p, e->args[i]);
    }
    return yes;
}

ql_status
qli_conds_add(qli_planner *p, qli_conds *c, const qli_cond *one)
{
    if (c->n >= c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 8;
        qli_cond *v = QL_ARENA_ARRAY(p->cx, p->a, qli_cond, cap);
        if (!v) {
            return QL_ERROR;
        }
        for (uint32_t i = 0; i < c->n; i++) {
            v[i] = c->v[i];
        }
        c->v = v;
        c->cap = cap;
    }
    c->v[c->n++] = *one;
    return QL_OK;
}

ql_status
qli_conds_split(qli_planner *p, ql_expr *e, qli_conds *out)
{
    if (!e) {
        return QL_OK;
    }
    while (e->kind == QL_E_OP && e->op == QL_OP_AND) {
        QL_TRY(qli_conds_split(p, e->args[0], out));
        e = e->args[1];
    }
    if (e->kind == QL_E_CONST && e->value.kind == QL_K_INT && e->value.i != 0) {
        return QL_OK; /* TRUE */
    }
    qli_cond c = {.e = e, .needs = qli_expr_sources(p, e)};
    for (uint32_t i = 0; e->kind == QL_E_OP && e->op == QL_OP_EQ && e->nargs == 2 && i < 2; i++) {
        c.side[i] = qli_expr_sources(p, e->args[i]);
    }
    c.nondet = !is_pure(p, e);
    c.has_query = has_query(p, e);
    QL_TRY(p->bad);
    return qli_conds_add(p, out, &c);
}

bool
qli_conds_never(const qli_conds *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const ql_expr *e = c->v[i].e;
        if (e->kind == QL_E_CONST &&
            (e->value.kind == QL_K_NULL || (e->value.kind == QL_K_INT && e->value.i == 0))) {
            return true;
        }
    }
    return false;
}

ql_status
qli_conds_and(qli_planner *p, ql_expr *e, ql_expr **acc)
{
    if (!*acc) {
        *acc = e;
        return QL_OK;
    }
    ql_expr *n = QL_ARENA_NEW(p->cx, p->a, ql_expr);
    ql_expr **args = n ? QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, 2) : NULL;
    if (!args) {
        return QL_ERROR;
    }
    args[0] = *acc;
    args[1] = e;
    n->kind = QL_E_OP;
    n->op = QL_OP_AND;
    n->type = ql_type_bool();
    n->args = args;
    n->nargs = 2;
    *acc = n;
    return QL_OK;
}

/* Cheap ones first, then those with subqueries, then what has side effects (not before a join of
 * all that is to be joined, as far as the caller's list goes: never on a single table of several).
 */
ql_status
qli_conds_take(qli_planner *p, qli_conds *c, qli_mask have, ql_expr **out)
{
    *out = NULL;
    for (int pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < c->n; i++) {
            qli_cond *k = &c->v[i];
            int rank = k->nondet ? 2 : k->has_query ? 1 : 0;
            if (!k->used && k->e->implied && (k->needs & (k->needs - 1)) != 0 &&
                (k->needs & ~have) == 0) {
                k->used = k->follows = true;
            }
            if (k->nondet && p->q->nsources > 1 && (have & (have - 1)) == 0) {
                continue;
            }
            if (!k->used && rank == pass && (k->needs & ~have) == 0) {
                QL_TRY(qli_conds_and(p, k->e, out));
                k->used = true;
            }
        }
    }
    return QL_OK;
}
