/* SPDX-License-Identifier: Apache-2.0
 *
 * A semi-join the other way round: when its right side has few different rows, these come first (or
 * are what is hashed), and the others are joined to them as by an inner join. Possible where ON is
 * equalities between the sides, and conditions on the right side alone.
 */
#include "plan/join_int.h"

typedef struct maker {
    qli_planner *p;
    const qli_item *it;
    qli_conds inside; /* of the right side alone */
    ql_plan *n;       /* DISTINCT */
} maker;

/* Which side of the equality is the right side of the join; -1: none wholly is. */
static int
own_side(const qli_item *it, const qli_cond *k)
{
    for (int side = 0; side < 2; side++) {
        if (k->side[side] && !(k->side[side] & ~it->sources) && k->side[1 - side] &&
            !(k->side[1 - side] & it->sources)) {
            return side;
        }
    }
    return -1;
}

/* Conditions to where they belong; false: one of them belongs nowhere. */
static ql_status
sort_conditions(maker *m, qli_region *out, bool *possible)
{
    const qli_conds *on = &m->it->on;
    ql_plan *n = m->n;
    n->left_keys = QL_ARENA_ARRAY(m->p->cx, m->p->a, ql_expr *, on->n + 1u);
    n->key_colls =
        n->left_keys ? QL_ARENA_ARRAY(m->p->cx, m->p->a, const ql_collation *, on->n + 1u) : NULL;
    if (!n->key_colls) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < on->n && *possible; i++) {
        const qli_cond *k = &on->v[i];
        int side = own_side(m->it, k);
        if (k->nondet || k->has_query || (side < 0 && (k->needs & ~m->it->sources))) {
            *possible = false;
        } else if (side < 0) {
            QL_TRY(qli_conds_add(m->p, &m->inside, k));
        } else {
            n->left_keys[n->nkeys] = k->e->args[side];
            n->key_colls[n->nkeys++] = k->e->coll;
            QL_TRY(qli_conds_add(m->p, out->conds, k));
        }
    }
    *possible = *possible && n->nkeys > 0;
    return QL_OK;
}

/* The different rows of the right side, planned for itself. */
static ql_status
make_path(maker *m, qli_path *w)
{
    qli_order_want none = {.limit = -1};
    double groups;
    QL_TRY(qli_tree_plan(m->p, m->it->tree, &m->inside, 0, &none, &m->n->left));
    QL_TRY(qli_groups(m->p, m->n->left_keys, m->n->nkeys, m->n->left->est_rows, &groups));
    m->n->est_rows = groups;
    m->n->cost =
        m->n->left->cost + m->n->left->est_rows * QLI_COST_GROUP_ROW + groups * QLI_COST_GROUP;
    QL_TRY(qli_plan_live(m->p, m->n));
    w->plan = m->n;
    w->rows = groups;
    w->cost = m->n->cost;
    return QL_OK;
}

ql_status
qli_region_with_distinct(qli_planner *p, const qli_region *g, uint32_t i, qli_region *out,
                         bool *possible)
{
    maker m = {.p = p, .it = &g->v[i], .n = qli_plan_node(p, QL_P_DISTINCT)};
    qli_conds *conds = QL_ARENA_NEW(p->cx, p->a, qli_conds);
    qli_path *w = QL_ARENA_NEW(p->cx, p->a, qli_path);
    *possible = m.it->kind == QL_JOIN_SEMI;
    if (!m.n || !conds || !w) {
        return QL_ERROR;
    }
    *out = *g;
    out->conds = conds;
    for (uint32_t k = 0; k < g->conds->n; k++) {
        QL_TRY(qli_conds_add(p, conds, &g->conds->v[k]));
    }
    QL_TRY(*possible ? sort_conditions(&m, out, possible) : QL_OK);
    if (!*possible) {
        return QL_OK;
    }
    QL_TRY(make_path(&m, w));
    out->v[i].kind = QL_JOIN_INNER;
    out->v[i].needs = 0;
    out->v[i].distinct = w;
    for (uint32_t k = 0; k < out->n; k++) { /* the equalities may serve them now */
        out->v[k].paths = NULL;
        out->v[k].related = out->v[k].wished = 0;
        out->v[k].nuses = 0;
    }
    return qli_region_prepare(p, out);
}
