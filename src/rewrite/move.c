/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving one block into the block around it: its sources and slots get numbers behind those that
 * are there, its references to the enclosing block become slots, those further out one level less,
 * and the blocks below it have their references follow.
 */
#include <string.h>

#include "rewrite/rewrite_int.h"

typedef struct move {
    ql_query *a, *b;
    uint16_t slot; /* b's slot 0 in a */
    uint16_t source;
    int at; /* where b's source 0 goes; -1: behind the others as well */
    uint32_t call;
} move;

bool
qli_rw_has_room(const ql_query *a, const ql_query *b, unsigned replaced)
{
    return a->nsources + b->nsources - replaced <= QLI_RW_MAX_SOURCES &&
           (uint32_t)a->nslots + b->nslots < 60000u;
}

static uint16_t
source_at(const move *m, uint16_t i)
{
    if (m->at < 0) {
        return (uint16_t)(m->source + i);
    }
    return (uint16_t)(i == 0 ? m->at : m->source + i - 1);
}

static ql_status
move_expr(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    const move *m = w->arg;
    (void)descend;
    if (depth == 0) {
        e->call += m->call;
    }
    if (e->kind == QL_E_SLOT && depth == 0) {
        e->index += m->slot;
    } else if (e->kind == QL_E_OUTER && depth > 0 && e->depth == depth) {
        e->index += m->slot;
    } else if (e->kind == QL_E_OUTER && e->depth > depth) {
        e->depth--;
        if (e->depth == 0) {
            e->kind = QL_E_SLOT;
        }
    }
    return QL_OK;
}

static ql_status
move_block(qli_rw_walk *w, ql_query *q, uint32_t depth)
{
    const move *m = w->arg;
    (void)depth;
    if (q->outer == m->b) {
        q->outer = m->a;
    }
    return QL_OK;
}

static void
move_tree(const move *m, ql_join_tree *t)
{
    if (t == NULL) {
        return;
    }
    if (t->is_leaf) {
        t->source = source_at(m, t->source);
        return;
    }
    move_tree(m, t->left);
    move_tree(m, t->right);
}

/* --- sources and slots --- */

static ql_status
take_slots(qli_rw *rw, const move *m, bool nullable)
{
    ql_query *a = m->a;
    uint16_t n = (uint16_t)(a->nslots + m->b->nslots);
    ql_type *types = QL_ARENA_ARRAY(rw->cx, rw->a, ql_type, n + 1u);
    if (types == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(rw->cx, types, a->slot_types, a->nslots * sizeof *types));
    QL_TRY(ql_bulk_copy(rw->cx, types + a->nslots, m->b->slot_types, m->b->nslots * sizeof *types));
    for (uint16_t i = a->nslots; i < n; i++) {
        types[i].nullable |= nullable;
    }
    a->slot_types = types;
    a->nslots = n;
    return QL_OK;
}

static ql_status
take_sources(qli_rw *rw, const move *m)
{
    ql_query *a = m->a, *b = m->b;
    uint16_t n = (uint16_t)(a->nsources + b->nsources - (m->at >= 0 ? 1 : 0));
    ql_source *v = QL_ARENA_ARRAY(rw->cx, rw->a, ql_source, n + 1u);
    if (v == NULL) {
        return QL_ERROR;
    }
    memcpy(v, a->sources, a->nsources * sizeof *v);
    for (uint16_t i = 0; i < b->nsources; i++) {
        ql_source *s = &v[source_at(m, i)];
        *s = b->sources[i];
        s->slots = QL_ARENA_ARRAY(rw->cx, rw->a, uint16_t, s->ncols + 1u);
        if (s->slots == NULL) {
            return QL_ERROR;
        }
        for (uint16_t c = 0; c < s->ncols; c++) {
            s->slots[c] = (uint16_t)(b->sources[i].slots[c] + m->slot);
        }
    }
    a->sources = v;
    a->nsources = n;
    return QL_OK;
}

/* --- hints --- */

static uint64_t
mask_at(const move *m, uint64_t mask)
{
    uint64_t out = 0;
    for (uint16_t i = 0; i < m->b->nsources; i++) {
        out |= mask >> i & 1 ? UINT64_C(1) << source_at(m, i) : 0;
    }
    return out;
}

/* A wish about what has been replaced is one about all that has taken its place. */
static uint64_t
mask_of(const move *m, uint64_t mask, uint64_t all)
{
    return m->at >= 0 && (mask >> m->at & 1) ? mask | all : mask;
}

static ql_status
take_order(qli_rw *rw, const move *m, const ql_plan_hints *ha, const ql_plan_hints *hb,
           ql_plan_hints *h)
{
    ql_query *a = m->a, *b = m->b;
    uint64_t all = mask_at(m, UINT64_MAX);
    h->before = QL_ARENA_ARRAY(rw->cx, rw->a, uint64_t, a->nsources + 1u);
    if (h->before == NULL) {
        return QL_ERROR;
    }
    h->nbefore = a->nsources;
    for (uint16_t i = 0; ha != NULL && ha->before != NULL && i < ha->nbefore; i++) {
        h->before[i] = mask_of(m, ha->before[i], all);
    }
    for (uint16_t i = 0; i < b->nsources; i++) {
        bool wishes = hb != NULL && hb->before != NULL && i < hb->nbefore;
        uint64_t own = wishes ? mask_at(m, hb->before[i]) : 0;
        uint64_t place = m->at >= 0 ? h->before[m->at] & ~all : 0;
        h->before[source_at(m, i)] = own | place;
    }
    return QL_OK;
}

/* Switches of b were for b as a block of its own. */
static ql_status
take_hints(qli_rw *rw, const move *m)
{
    const ql_plan_hints *ha = m->a->hints, *hb = m->b->hints;
    if (ha == NULL && hb == NULL) {
        return QL_OK;
    }
    ql_plan_hints *h = QL_ARENA_NEW(rw->cx, rw->a, ql_plan_hints);
    if (h == NULL) {
        return QL_ERROR;
    }
    uint64_t all = mask_at(m, UINT64_MAX);
    if (ha != NULL) {
        h->switch_on = ha->switch_on;
        h->switch_off = ha->switch_off;
        h->hash = mask_of(m, ha->hash, all);
        h->no_hash = mask_of(m, ha->no_hash, all);
    }
    if (hb != NULL) {
        h->hash |= mask_at(m, hb->hash);
        h->no_hash |= mask_at(m, hb->no_hash);
    }
    if ((ha != NULL && ha->before != NULL) || (hb != NULL && hb->before != NULL)) {
        QL_TRY(take_order(rw, m, ha, hb, h));
    }
    m->a->hints = h;
    return QL_OK;
}

ql_status
qli_rw_absorb(qli_rw *rw, ql_query *a, ql_query *b, int at, bool nullable)
{
    move m = {
        .a = a, .b = b, .slot = a->nslots, .source = a->nsources, .at = at, .call = a->ncalls};
    qli_rw_walk w = {.rw = rw, .expr = move_expr, .block = move_block, .arg = &m};
    QL_TRY(qli_rw_walk_block(&w, b, 0));
    move_tree(&m, b->from);
    QL_TRY(take_slots(rw, &m, nullable));
    QL_TRY(take_sources(rw, &m));
    QL_TRY(take_hints(rw, &m));
    a->ncalls += b->ncalls;
    return QL_OK;
}

/* --- substitution --- */

typedef struct substitution {
    ql_expr **by_slot;
    uint16_t nslots;
    bool nullable;
} substitution;

static ql_status
substitute(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    const substitution *s = w->arg;
    bool own = (e->kind == QL_E_SLOT && depth == 0) ||
               (e->kind == QL_E_OUTER && depth > 0 && e->depth == depth);
    if (!own || e->index >= s->nslots || s->by_slot[e->index] == NULL) {
        return QL_OK;
    }
    ql_expr *n;
    bool nullable = e->type.nullable || s->nullable;
    QL_TRY(qli_rw_copy(w->rw, s->by_slot[e->index], depth, &n));
    n->type.nullable |= nullable;
    *e = *n;
    *descend = false;
    return QL_OK;
}

ql_status
qli_rw_substitute(qli_rw *rw, ql_query *q, ql_expr **by_slot, uint16_t nslots, bool nullable)
{
    substitution s = {by_slot, nslots, nullable};
    qli_rw_walk w = {.rw = rw, .expr = substitute, .arg = &s};
    return qli_rw_walk_block(&w, q, 0);
}
