/* SPDX-License-Identifier: Apache-2.0
 *
 * Equalities that need not be looked at: when a = b and b = c have been seen to, a = c holds in
 * every row that is left, and is neither a key of a hash join nor a filter. Only columns of one
 * kind and collation, compared in it: there equality is transitive.
 */
#include "plan/join_int.h"

static bool
is_as_it_is(const qli_planner *p, const ql_expr *cmp, const ql_expr *e)
{
    return e->kind == QL_E_SLOT && p->source_of[e->index] != 0xff &&
           cmp->compare_kind == p->q->slot_types[e->index].kind &&
           (cmp->compare_kind != QL_K_STRING || cmp->coll == p->q->slot_types[e->index].coll);
}

static bool
is_transitive(const qli_planner *p, const qli_cond *k)
{
    const ql_expr *e = k->e;
    return e->kind == QL_E_OP && e->op == QL_OP_EQ && e->nargs == 2 &&
           is_as_it_is(p, e, e->args[0]) && is_as_it_is(p, e, e->args[1]);
}

static uint16_t
root_of(uint16_t *same, uint16_t slot)
{
    while (same[slot] != slot) {
        slot = same[slot] = same[same[slot]];
    }
    return slot;
}

ql_status
qli_known_init(qli_planner *p, qli_region *g)
{
    g->same = QL_ARENA_ARRAY(p->cx, p->a, uint16_t, p->q->nslots + 1u);
    for (uint16_t i = 0; g->same && i < p->q->nslots; i++) {
        g->same[i] = i;
    }
    return g->same ? QL_OK : QL_ERROR;
}

/* Is it known to hold? Then it counts as used. */
static bool
follows(const qli_planner *p, qli_region *g, qli_cond *k)
{
    if (k->used || !is_transitive(p, k) ||
        root_of(g->same, (uint16_t)k->e->args[0]->index) !=
            root_of(g->same, (uint16_t)k->e->args[1]->index)) {
        return false;
    }
    k->used = k->follows = true;
    return true;
}

static void
note(const qli_planner *p, qli_region *g, const qli_cond *k)
{
    if (is_transitive(p, k)) {
        g->same[root_of(g->same, (uint16_t)k->e->args[0]->index)] =
            root_of(g->same, (uint16_t)k->e->args[1]->index);
    }
}

bool
qli_known_need(const qli_planner *p, qli_region *g, qli_cond *k)
{
    if (follows(p, g, k)) {
        return false;
    }
    note(p, g, k);
    return true;
}

void
qli_known_drop(const qli_planner *p, qli_region *g, qli_mask have)
{
    for (uint32_t i = 0; i < g->conds->n; i++) {
        const qli_cond *k = &g->conds->v[i];
        if (k->used && !k->follows) {
            note(p, g, k);
        }
    }
    for (uint32_t i = 0; i < g->conds->n; i++) { /* those that are taken next are seen to by then */
        qli_cond *k = &g->conds->v[i];
        if ((k->needs & ~have) == 0 && !k->used && !k->e->implied) {
            (void)qli_known_need(p, g, k);
        }
    }
}
