/* SPDX-License-Identifier: Apache-2.0
 *
 * Index merges: rows found through several indexes of one table. For an OR each branch finds its
 * own through the index that serves it best, branches of one index together; for an AND the rows
 * that each of several indexes gives by equality. Only the clustered keys are read there. All
 * conditions stay in the filter.
 */
#include "base/bulk.h"
#include "plan/cost.h"
#include "vars/switches.h"

#define BRANCHES_MAX 100 /* of an OR: beyond it the table has other things to do */

#define PARTS_MAX 8 /* of a union for each row to the left */

/* What one index finds. */
typedef struct share {
    ql_plan_range *v;
    uint32_t n, cap;
    double rows;
    qli_access access;
    uint16_t branches;
} share;

typedef struct merger {
    qli_planner *p;
    uint16_t source;
    const qli_conds *c;
    const ql_table *t;
    qli_mask left;     /* sources whose rows are there */
    share *shares;     /* by index */
    qli_access *parts; /* [PARTS_MAX] of a union whose bounds look at rows to the left: by branch */
    uint16_t nparts;
} merger;

static bool
is_on(const merger *m, ql_switch s)
{
    return ql_source_switch(m->p->cx, m->p->q, &m->p->q->sources[m->source], -1, s);
}

static bool
is_barred(const merger *m, uint16_t index)
{
    return ql_source_switch_barred(&m->p->q->sources[m->source], index, QL_SWITCH_INDEX_MERGE);
}

/* Rows that have to be locked one by one are found in one scan. */
static bool
may_merge(const merger *m)
{
    const ql_source *s = &m->p->q->sources[m->source];
    const ql_ctx *cx = m->p->cx;
    if (!s->table || s->table->is_virtual || !is_on(m, QL_SWITCH_INDEX_MERGE)) {
        return false;
    }
    return s->locking.kind == QL_LK_NONE ||
           (!s->locking.skip_locked && cx->txn && ql_txn_isolation(cx->txn) >= QL_REPEATABLE_READ);
}

static bool
is_bounded(const qli_access *a)
{
    return a->nlow > 0 || a->nhigh > 0;
}

/* Does the index give its rows in the order of the clustered one? */
static bool
in_key_order(const merger *m, const qli_access *a)
{
    const ql_index *x = a->index;
    bool some = x->unique && x->parts[x->nparts - 1].prefix > 0; /* keys of one beginning */
    return x == &m->t->indexes[0] || (a->nranges == 0 && a->neq >= x->nparts && !some);
}

/* --- OR --- */

static ql_status
add_to_share(merger *m, share *s, const qli_access *a)
{
    uint32_t more = a->nranges ? a->nranges : 1;
    if (s->n + more > s->cap) {
        uint32_t cap = (s->n + more) * 2;
        ql_plan_range *v = QL_ARENA_ARRAY(m->p->cx, m->p->a, ql_plan_range, cap);
        if (!v) {
            return QL_ERROR;
        }
        for (uint32_t i = 0; i < s->n; i++) {
            v[i] = s->v[i];
        }
        s->v = v;
        s->cap = cap;
    }
    for (uint32_t i = 0; i < more; i++) {
        s->v[s->n++] = a->nranges ? a->ranges[i] : (ql_plan_range){a->low, a->high};
    }
    s->rows += a->rows;
    s->branches++;
    return ql_bulk_count(m->p->cx, more * sizeof *s->v);
}

/* The index that finds the rows of a branch, with the conditions beside the OR, at the least cost;
 * *found false: none does. */
static ql_status
take_branch(merger *m, ql_expr *e, uint32_t at, bool *found)
{
    qli_conds c = {0};
    qli_access best = {0};
    *found = false;
    QL_TRY(qli_conds_split(m->p, e, &c));
    for (uint32_t i = 0; i < m->c->n; i++) {
        if (i != at && !m->c->v[i].used) {
            QL_TRY(qli_conds_add(m->p, &c, &m->c->v[i]));
        }
    }
    for (uint16_t i = 0; i < m->t->nindexes; i++) {
        qli_access a;
        bool usable;
        QL_TRY(qli_index_serves(m->p, m->source, i, &usable));
        if (!usable || is_barred(m, i)) {
            continue;
        }
        QL_TRY(qli_access_keys(m->p, m->source, &m->t->indexes[i], &c, m->left, &a));
        if (is_bounded(&a) && (!*found || a.rows < best.rows)) {
            best = a;
            *found = true;
        }
    }
    if (*found && m->left != 0) {
        *found = m->nparts < PARTS_MAX;
        m->parts[m->nparts] = best;
        m->nparts = (uint16_t)(m->nparts + *found);
        return QL_OK;
    }
    return *found ? add_to_share(m, &m->shares[best.index - m->t->indexes], &best) : QL_OK;
}

/* Branches of branches that are ORs, too. */
static ql_status
take_branches(merger *m, ql_expr *e, uint32_t at, uint32_t *n, bool *found)
{
    *found = true;
    while (*found && e->kind == QL_E_OP && e->op == QL_OP_OR) {
        QL_TRY(take_branches(m, e->args[1], at, n, found));
        e = e->args[0];
    }
    *found = *found && ++*n <= BRANCHES_MAX;
    return *found ? take_branch(m, e, at, found) : QL_OK;
}

static ql_status
unite_share(merger *m, share *s, const ql_index *x)
{
    qli_ranger r = {.p = m->p, .source = m->source, .x = x, .memory = UINT64_MAX};
    qli_ranges set;
    QL_TRY(qli_ranges_unite(&r, 0, s->v, s->n, &set));
    QL_TRY(qli_ranges_access(&r, &set, &s->access));
    s->access.rows = s->rows < m->p->rows[m->source] ? s->rows : m->p->rows[m->source];
    return QL_OK;
}

static ql_status
make_parts(merger *m, uint16_t n, qli_access *out)
{
    *out = (qli_access){.unknown_share = 1};
    out->low.inclusive = out->high.inclusive = true;
    out->parts = QL_ARENA_ARRAY(m->p->cx, m->p->a, qli_access, n + 1u);
    return out->parts ? QL_OK : QL_ERROR;
}

static void
take_union(const merger *m, qli_access *a, bool sorted, qli_access *best)
{
    a->rows = a->rows < m->p->rows[m->source] ? a->rows : m->p->rows[m->source];
    a->in_key_order = sorted;
    a->cost = qli_access_cost(m->p, m->source, a);
    if (a->cost < best->cost && !best->unique &&
        is_on(m, sorted ? QL_SWITCH_INDEX_MERGE_UNION : QL_SWITCH_INDEX_MERGE_SORT_UNION)) {
        *best = *a;
    }
}

/* For each row to the left: what each branch of the OR finds, with that row's values. */
static ql_status
try_union_of_left(merger *m, uint32_t at, qli_access *best)
{
    qli_access a;
    bool found, sorted = true;
    uint32_t branches = 0;
    m->nparts = 0;
    m->parts = QL_ARENA_ARRAY(m->p->cx, m->p->a, qli_access, PARTS_MAX + 1u);
    if (!m->parts) {
        return QL_ERROR;
    }
    QL_TRY(take_branches(m, m->c->v[at].e, at, &branches, &found));
    if (!found || m->nparts < 2) {
        return QL_OK;
    }
    QL_TRY(make_parts(m, 0, &a));
    a.parts = m->parts;
    a.nparts = m->nparts;
    for (uint16_t i = 0; i < m->nparts; i++) {
        sorted = sorted && in_key_order(m, &m->parts[i]);
        a.rows += m->parts[i].rows;
        a.needs |= m->parts[i].needs;
    }
    a.counted = at < 64 ? UINT64_C(1) << at : 0;
    if (a.needs != 0) {
        take_union(m, &a, sorted, best);
    }
    return QL_OK;
}

static ql_status
try_union(merger *m, uint32_t at, qli_access *best)
{
    qli_access a;
    bool found, sorted = true;
    uint32_t branches = 0;
    uint16_t n = 0;
    m->shares = QL_ARENA_ARRAY(m->p->cx, m->p->a, share, m->t->nindexes + 1u);
    if (!m->shares) {
        return QL_ERROR;
    }
    QL_TRY(take_branches(m, m->c->v[at].e, at, &branches, &found));
    for (uint16_t i = 0; i < m->t->nindexes; i++) {
        n = (uint16_t)(n + (m->shares[i].n > 0));
    }
    if (!found || n < 2) { /* of one index: its own ranges */
        return QL_OK;
    }
    QL_TRY(make_parts(m, n, &a));
    for (uint16_t i = 0; i < m->t->nindexes; i++) {
        share *s = &m->shares[i];
        if (s->n == 0) {
            continue;
        }
        QL_TRY(unite_share(m, s, &m->t->indexes[i]));
        if (!is_bounded(&s->access)) {
            return QL_OK;
        }
        sorted = sorted && in_key_order(m, &s->access);
        a.rows += s->access.rows;
        a.parts[a.nparts++] = s->access;
    }
    a.counted = at < 64 ? UINT64_C(1) << at : 0;
    take_union(m, &a, sorted, best);
    return QL_OK;
}

/* --- AND --- */

/* Equalities on all parts of an index that is not unique. */
static ql_status
find_equal_indexes(merger *m, qli_access *v, uint16_t *n)
{
    for (uint16_t i = 1; i < m->t->nindexes; i++) {
        qli_access a;
        bool usable;
        QL_TRY(qli_index_serves(m->p, m->source, i, &usable));
        if (!usable || is_barred(m, i)) {
            continue;
        }
        QL_TRY(qli_access_keys(m->p, m->source, &m->t->indexes[i], m->c, 0, &a));
        if (is_bounded(&a) && in_key_order(m, &a) && !a.unique &&
            a.index->parts[a.index->nparts - 1].prefix == 0) {
            uint16_t k = (*n)++;
            for (; k > 0 && v[k - 1].rows > a.rows; k--) {
                v[k] = v[k - 1];
            }
            v[k] = a;
        }
    }
    return QL_OK;
}

static bool
has_column(const ql_index *x, uint16_t column)
{
    for (uint16_t i = 0; i < x->nparts; i++) {
        if (x->parts[i].column == column) {
            return true;
        }
    }
    return false;
}

/* Does the index fix a column that those chosen do not? */
static bool
says_more(const qli_access *chosen, uint16_t n, const ql_index *x)
{
    for (uint16_t i = 0; i < x->nparts; i++) {
        bool known = false;
        for (uint16_t k = 0; k < n && !known; k++) {
            known = has_column(chosen[k].index, x->parts[i].column);
        }
        if (!known) {
            return true;
        }
    }
    return false;
}

static ql_status
try_intersection(merger *m, qli_access *best)
{
    double all = m->p->rows[m->source];
    qli_access a, *v = QL_ARENA_ARRAY(m->p->cx, m->p->a, qli_access, m->t->nindexes + 1u);
    uint16_t n = 0;
    if (!v) {
        return QL_ERROR;
    }
    QL_TRY(find_equal_indexes(m, v, &n));
    if (n < 2) {
        return QL_OK;
    }
    QL_TRY(make_parts(m, n, &a));
    a.merge_all = a.in_key_order = true;
    a.rows = all;
    for (uint16_t i = 0; i < n; i++) {
        qli_access more = a;
        if (!says_more(a.parts, a.nparts, v[i].index)) {
            continue;
        }
        more.parts[more.nparts++] = v[i];
        more.rows *= v[i].rows / (all < 1 ? 1 : all);
        more.counted |= v[i].counted;
        more.cost = qli_access_cost(m->p, m->source, &more);
        if (a.nparts < 1 || more.cost < a.cost) {
            a = more;
        }
    }
    if (a.nparts > 1 && a.cost < best->cost && !best->unique) {
        *best = a;
    }
    return QL_OK;
}

ql_status
qli_access_merge(qli_planner *p, uint16_t source, const qli_conds *c, qli_mask left,
                 qli_access *best)
{
    merger m = {.p = p, .source = source, .c = c, .t = p->q->sources[source].table, .left = left};
    qli_mask own = UINT64_C(1) << source;
    if (best->unique || !may_merge(&m)) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        const qli_cond *k = &c->v[i];
        bool is_or = !k->used && !k->nondet && !k->has_query && k->e->kind == QL_E_OP &&
                     k->e->op == QL_OP_OR && (k->needs & own);
        if (is_or && left == 0 && k->needs == own) {
            QL_TRY(try_union(&m, i, best));
        } else if (is_or && (k->needs & left) && !(k->needs & ~(left | own))) {
            QL_TRY(try_union_of_left(&m, i, best));
        }
    }
    return left == 0 && is_on(&m, QL_SWITCH_INDEX_MERGE_INTERSECTION) ? try_intersection(&m, best)
                                                                      : QL_OK;
}
