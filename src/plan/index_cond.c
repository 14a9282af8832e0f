/* SPDX-License-Identifier: Apache-2.0
 *
 * What entries of a secondary index are good for before their rows are read. They give back columns
 * whose keys hold the value, not texts whose keys hold weights; so an index covers a block when it
 * gives back all that the block looks at, or when it does but for texts that nothing looks at but
 * equalities which the bounds answer. Where rows are read, conditions on what entries give back are
 * evaluated on the entries first (manual, "Index Condition Pushdown Optimization"). Not for rows
 * that are locked: who locks looks at the whole row again.
 */
#include "base/bulk.h"
#include "plan/cost.h"
#include "vars/switches.h"

static bool
is_given_back(const ql_source *s, const ql_index *x, uint16_t column)
{
    return ql_index_covers(s->table, x, &column, 1);
}

/* Does the expression look at nothing of its source but columns that entries of x give back? At one
 * of them, at least: *some. */
static ql_status
looks_at_entry(qli_planner *p, uint16_t source, const ql_index *x, const ql_expr *e, bool *yes,
               bool *some)
{
    QL_TRY(ql_bulk_node(p->cx));
    if (e->kind == QL_E_SLOT) {
        const ql_source *s = &p->q->sources[source];
        bool own = e->index < p->q->nslots && p->source_of[e->index] == source;
        *yes = own && is_given_back(s, x, p->column_of[e->index]);
        *some |= *yes;
        return QL_OK;
    }
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(looks_at_entry(p, source, x, e->args[i], yes, some));
    }
    return QL_OK;
}

static bool
is_locked(const qli_planner *p)
{
    for (uint16_t i = 0; i < p->q->nsources; i++) {
        if (p->q->sources[i].locking.kind != QL_LK_NONE) {
            return true;
        }
    }
    return false;
}

/* Can it be evaluated on entries of x? */
static ql_status
serves_entry(qli_planner *p, uint16_t source, const ql_index *x, const qli_cond *c, bool *yes)
{
    bool some = false;
    *yes = !c->nondet && !c->has_query && c->needs == UINT64_C(1) << source;
    QL_TRY(*yes ? looks_at_entry(p, source, x, c->e, yes, &some) : QL_OK);
    *yes = *yes && some;
    return QL_OK;
}

static bool
may_push(const qli_planner *p, uint16_t source, const ql_index *x)
{
    const ql_source *s = &p->q->sources[source];
    return !is_locked(p) && ql_source_switch(p->cx, p->q, s, (int)(x - s->table->indexes),
                                             QL_SWITCH_INDEX_CONDITION_PUSHDOWN);
}

/* --- texts that only the bounds look at --- */

/* The column of the source that condition e, on it alone, compares with what the bounds fix it to;
 * -1: it is none of a text that is answered so. */
static int
answered_text(const qli_planner *p, uint16_t source, const qli_access *a, const ql_expr *e,
              ql_expr *const *fixed)
{
    if (e->kind != QL_E_OP || e->op != QL_OP_EQ || e->nargs != 2) {
        return -1;
    }
    for (uint32_t k = 0; k < 2; k++) {
        const ql_expr *col = e->args[k], *v = e->args[1 - k];
        if (col->kind != QL_E_SLOT || p->source_of[col->index] != source) {
            continue;
        }
        uint16_t column = p->column_of[col->index];
        const ql_type *t = &p->q->sources[source].table->types[column];
        for (uint16_t i = 0; i < a->neq; i++) {
            const ql_index_part *part = ql_index_part_at(p->q->sources[source].table, a->index, i);
            const ql_expr *w = fixed[i];
            bool same =
                v == w || (v->kind == QL_E_CONST && w->kind == QL_E_CONST &&
                           v->value.kind == QL_K_STRING && w->value.kind == QL_K_STRING &&
                           v->value.coll == w->value.coll && ql_str_eq(v->value.s, w->value.s));
            if (part->column == column && part->prefix == 0 && same && t->kind == QL_K_STRING &&
                e->coll == t->coll) {
                return column;
            }
        }
    }
    return -1;
}

static ql_status
uses_of(qli_planner *p, uint16_t slot, uint16_t *n)
{
    if (!p->uses) {
        uint16_t *v = QL_ARENA_ARRAY(p->cx, p->a, uint16_t, p->q->nslots + 1u);
        if (!v) {
            return QL_ERROR;
        }
        QL_TRY(qli_count_uses(p, v));
        p->uses = v;
    }
    *n = p->uses[slot];
    return QL_OK;
}

/* Is that column looked at by conditions alone that the bounds answer? */
static ql_status
is_unread(qli_planner *p, uint16_t source, const qli_conds *c, const qli_access *a, uint16_t column,
          uint16_t slot, bool *yes)
{
    uint16_t answered = 0, uses;
    for (uint32_t i = 0; i < c->n && i < 64; i++) {
        if (a->counted >> i & 1 && c->v[i].needs == UINT64_C(1) << source &&
            answered_text(p, source, a, c->v[i].e, a->low.values) == column) {
            answered++;
        }
    }
    *yes = false;
    if (answered > 0) {
        QL_TRY(uses_of(p, slot, &uses));
        *yes = uses == answered;
    }
    return QL_OK;
}

static ql_status
covers_but_for_texts(qli_planner *p, uint16_t source, const qli_conds *c, const qli_access *a,
                     bool *yes)
{
    const ql_source *s = &p->q->sources[source];
    *yes = a->neq > 0 && !is_locked(p);
    for (uint16_t i = 0; i < s->ncols && *yes; i++) {
        if (!is_given_back(s, a->index, s->ordinals[i])) {
            QL_TRY(is_unread(p, source, c, a, s->ordinals[i], s->slots[i], yes));
        }
    }
    return QL_OK;
}

ql_status
qli_access_covers(qli_planner *p, uint16_t source, const qli_conds *c, qli_access *a)
{
    const ql_source *s = &p->q->sources[source];
    const ql_index *x = a->index;
    uint64_t others = ~UINT64_C(0);
    a->behind = 1;
    a->index_only = ql_index_covers(s->table, x, s->ordinals, s->ncols);
    if (a->index_only) {
        return QL_OK;
    }
    QL_TRY(covers_but_for_texts(p, source, c, a, &a->unread));
    a->index_only = a->unread;
    if (a->index_only || a->unique || (a->nlow == 0 && a->nhigh == 0) || !may_push(p, source, x)) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < c->n && i < 64; i++) {
        bool yes = false;
        if (!c->v[i].used && !(a->counted >> i & 1)) {
            QL_TRY(serves_entry(p, source, x, &c->v[i], &yes));
        }
        others &= ~((uint64_t)yes << i);
    }
    return others == ~UINT64_C(0)
               ? QL_OK
               : qli_conds_selectivity(p, c, others, UINT64_C(1) << source, &a->behind);
}

/* --- filters --- */

static ql_status
split_filter(qli_planner *p, ql_plan *n)
{
    const ql_source *s = &p->q->sources[n->source];
    qli_conds c = {0};
    qli_access a = {.index = n->index, .low = n->low};
    bool unread = n->split;
    a.neq = qli_bound_fixed(&n->low, &n->high);
    QL_TRY(qli_conds_split(p, n->filter, &c));
    for (uint32_t i = 0; i < c.n; i++) {
        bool early = false;
        if (!unread) {
            QL_TRY(serves_entry(p, n->source, n->index, &c.v[i], &early));
            QL_TRY(early ? qli_conds_and(p, c.v[i].e, &n->index_filter) : QL_OK);
        } else {
            int column = answered_text(p, n->source, &a, c.v[i].e, n->low.values);
            early = column >= 0 && !is_given_back(s, n->index, (uint16_t)column);
        }
        QL_TRY(early ? QL_OK : qli_conds_and(p, c.v[i].e, &n->row_filter));
    }
    n->split = unread || n->index_filter;
    return QL_OK;
}

ql_status
qli_filters_split(qli_planner *p, ql_plan *n)
{
    if (!n) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(p->cx));
    if (n->kind == QL_P_SCAN && n->index && n->filter && !n->keys_only) {
        const ql_source *s = &p->q->sources[n->source];
        bool secondary = n->index != &s->table->indexes[0];
        if (n->split || (secondary && !n->index_only && !n->is_unique_lookup && !n->skip &&
                         may_push(p, n->source, n->index))) {
            QL_TRY(split_filter(p, n));
        }
    }
    QL_TRY(qli_filters_split(p, n->left));
    return qli_filters_split(p, n->right);
}
