/* SPDX-License-Identifier: Apache-2.0
 *
 * Access paths: which index of a table serves a set of conditions, and the bounds of the scan.
 */
#include "plan/cost.h"
#include "vars/sysvars.h"

/* --- rows --- */

typedef struct estimator {
    qli_planner *p;
    uint16_t source;
    const qli_access *a;
    double *equal; /* rows with one combination of values in the first n parts; 0: not asked yet */
} estimator;

static ql_status
equal_rows(estimator *e, uint16_t n, double *rows)
{
    if (e->equal[n] == 0) {
        e->equal[n] = e->p->rows[e->source];
        QL_TRY(n ? qli_equal_rows(e->p, e->source, e->a->index, n, &e->equal[n]) : QL_OK);
    }
    *rows = e->equal[n];
    return QL_OK;
}

/* The constant that an end has for a part; NULL: open, or not known. */
static const ql_value *
known_end(const ql_plan_bound *b, uint16_t part)
{
    if (b->n <= part || b->values[part]->kind != QL_E_CONST ||
        b->values[part]->value.kind == QL_K_NULL) {
        return NULL;
    }
    return &b->values[part]->value;
}

static bool
has_unknown_end(const ql_plan_range *g, uint16_t part)
{
    return (g->low.n > part && g->low.values[part]->kind != QL_E_CONST) ||
           (g->high.n > part && g->high.values[part]->kind != QL_E_CONST);
}

static ql_status
range_rows(estimator *e, const ql_plan_range *g, uint16_t *neq, double *rows)
{
    const ql_index *x = e->a->index;
    const ql_table *t = e->p->q->sources[e->source].table;
    uint16_t eq = qli_bound_fixed(&g->low, &g->high);
    double share;
    *neq = eq;
    QL_TRY(equal_rows(e, eq, rows));
    if (eq == g->low.n && eq == g->high.n) {
        bool one = x->unique && eq == x->nparts && x->parts[eq - 1].prefix == 0;
        *rows = one && e->a->nranges ? 1 : *rows;
        const ql_value *v = eq == 1 && !one ? known_end(&g->low, 0) : NULL;
        if (v) { /* how common this one is, not one of them */
            QL_TRY(ql_stats_equal(e->p->cx, e->p->stats[e->source], x->parts[0].column, v, &share));
            *rows = e->p->rows[e->source] * share;
        }
        return QL_OK;
    }
    if (g->low.like && g->low.like == g->high.like) {
        QL_TRY(qli_selectivity(e->p, g->low.like, &share));
        *rows *= share;
        return QL_OK;
    }
    const ql_index_part *part = ql_index_part_at(t, x, eq);
    const ql_plan_bound *low = part->descending ? &g->high : &g->low;
    const ql_plan_bound *high = part->descending ? &g->low : &g->high;
    const ql_table_stats *stats = e->p->stats[e->source];
    const ql_value *from = known_end(low, eq), *to = known_end(high, eq);
    if (from || to) {
        QL_TRY(ql_stats_range(e->p->cx, stats, part->column, from, low->inclusive, to,
                              high->inclusive, &share));
    } else {
        share = 1 - stats->columns[part->column].nulls;
    }
    *rows *= share * (has_unknown_end(g, eq) ? e->a->unknown_share : 1);
    return QL_OK;
}

/* Too many to look for each of them in the index: averages say enough. */
static bool
has_many_ranges(const qli_planner *p, const qli_access *a)
{
    const ql_ctx *cx = p->cx;
    uint64_t n = cx->vars ? ql_vars_u64(cx->vars, QL_SV_EQ_RANGE_INDEX_DIVE_LIMIT) : 200;
    return n > 0 && a->nranges >= n;
}

static ql_status
estimate(qli_planner *p, uint16_t source, qli_access *a)
{
    estimator e = {.p = p, .source = source, .a = a};
    double rows = 0;
    a->rows = p->rows[source];
    if (a->nlow == 0 && a->nhigh == 0) {
        return QL_OK;
    }
    if (a->unique) {
        a->rows = 1;
        return QL_OK;
    }
    e.equal = QL_ARENA_ARRAY(p->cx, p->a, double,
                             ql_index_depth(p->q->sources[source].table, a->index) + 1u);
    if (!e.equal) {
        return QL_ERROR;
    }
    bool many = has_many_ranges(p, a);
    for (uint32_t i = 0; i < (a->nranges ? a->nranges : 1) && rows <= a->rows; i++) {
        qli_access one = *a;
        ql_plan_range g = a->nranges ? a->ranges[i] : (ql_plan_range){a->low, a->high};
        one.ranges = NULL;
        one.nranges = 0;
        one.low = g.low;
        one.high = g.high;
        QL_TRY(range_rows(&e, &g, &one.neq, &one.rows));
        QL_TRY(many ? QL_OK : qli_range_rows(p, source, &one));
        QL_TRY(many ? QL_OK : qli_dive(p, source, &one));
        rows += one.rows;
    }
    a->rows = rows < a->rows ? rows : a->rows;
    return QL_OK;
}

/* --- one index --- */

ql_status
qli_index_serves(qli_planner *p, uint16_t source, uint16_t i, bool *yes)
{
    const ql_source *s = &p->q->sources[source];
    QL_TRY(ql_index_is_usable(p->cx, &s->table->indexes[i], yes));
    *yes = *yes && !ql_index_is_in(s->barred, s->table, &s->table->indexes[i]);
    return QL_OK;
}

ql_status
qli_access_by_index(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                    qli_mask left, qli_access *a)
{
    const ql_source *s = &p->q->sources[source];
    QL_TRY(qli_index_ranges(p, source, x, c, left, a));
    QL_TRY(estimate(p, source, a));
    if (x != &s->table->indexes[0]) {
        QL_TRY(qli_access_covers(p, source, c, a));
    }
    a->cost = qli_access_cost(p, source, a);
    return p->bad;
}

ql_status
qli_access_keys(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                qli_mask left, qli_access *a)
{
    QL_TRY(qli_index_ranges(p, source, x, c, left, a));
    QL_TRY(estimate(p, source, a));
    return p->bad;
}

/* FORCE INDEX: reading the whole table costs so much more than an index that it is done only where
 * none serves. */
#define FORCED_SCAN_COST 10000.0

static ql_status
full_scan(qli_planner *p, uint16_t source, qli_access *a)
{
    *a = (qli_access){.rows = p->rows[source]};
    const ql_table *t = p->q->sources[source].table;
    if (t && !t->is_virtual) {
        a->index = &t->indexes[0];
    }
    a->low.inclusive = a->high.inclusive = true;
    a->cost = qli_access_cost(p, source, a);
    if (p->q->sources[source].force_index) {
        a->cost *= FORCED_SCAN_COST;
    }
    return ql_check(p->cx);
}

/* An index whose texts make it hold all that rows hold is no shorter than they are; nobody gains by
 * their order. */
static bool
is_the_rows_again(const qli_planner *p, uint16_t source, const qli_access *a)
{
    const ql_source *s = &p->q->sources[source];
    return a->index->holds_texts && s->ncols == s->table->ncolumns && !s->force_index;
}

ql_status
qli_access_choose(qli_planner *p, uint16_t source, const qli_conds *c, qli_mask left,
                  qli_access *out)
{
    const ql_table *t = p->q->sources[source].table;
    QL_TRY(full_scan(p, source, out));
    if (ql_plans_plainly(p->cx)) {
        return p->bad;
    }
    bool jumps = t && !t->is_virtual && left == 0 && c->n > 0; /* skip scans are of constants */
    qli_access *bases = jumps ? QL_ARENA_ARRAY(p->cx, p->a, qli_access, t->nindexes + 1u) : NULL;
    if (jumps && !bases) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; t && !t->is_virtual && i < t->nindexes; i++) {
        qli_access a;
        bool usable;
        QL_TRY(qli_index_serves(p, source, i, &usable));
        if (!usable) {
            continue;
        }
        QL_TRY(qli_access_by_index(p, source, &t->indexes[i], c, left, &a));
        if (bases) {
            bases[i] = a;
        }
        if ((a.nlow || a.nhigh || (a.index_only && !is_the_rows_again(p, source, &a))) &&
            (a.cost < out->cost || (a.unique && !out->unique))) {
            *out = a;
        }
    }
    for (uint16_t i = 0; bases && i < t->nindexes; i++) {
        QL_TRY(bases[i].index ? qli_access_jump(p, source, c, &bases[i], out) : QL_OK);
    }
    if (t) {
        QL_TRY(qli_access_merge(p, source, c, left, out));
    }
    return p->bad;
}

/* Look-ups are done together, which loses no order, unless it is forbidden. */
static void
put_batching(const qli_planner *p, ql_plan *n)
{
    const ql_source *s = &p->q->sources[n->source];
    if (s->table && n->index) {
        int i = (int)(n->index - s->table->indexes);
        n->gathers = ql_source_switch(p->cx, p->q, s, i, QL_SWITCH_MRR);
        n->batched = n->gathers && !ql_source_switch_barred(s, i, QL_SWITCH_BATCHED_KEY_ACCESS);
    }
}

static void
put_access(const qli_access *a, ql_plan *n)
{
    n->low = a->low;
    n->high = a->high;
    n->ranges = a->ranges;
    n->nranges = a->nranges;
    n->jump = a->jump;
    n->jump_low = a->jump_low;
    n->jump_high = a->jump_high;
    n->index = a->index;
    n->index_only = a->index_only;
    n->split = a->unread;
    n->is_unique_lookup = a->unique;
    n->est_read = a->rows < 1 ? 1 : a->rows;
    n->est_cost = n->cost = a->cost;
}

/* The scans of an index merge, for their keys alone. */
static ql_status
put_parts(qli_planner *p, const qli_access *a, ql_plan *n)
{
    n->kind = QL_P_INDEX_MERGE;
    n->merge_all = a->merge_all;
    n->in_key_order = a->in_key_order;
    n->parts = QL_ARENA_ARRAY(p->cx, p->a, ql_plan *, a->nparts);
    if (!n->parts) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < a->nparts; i++) {
        ql_plan *part = qli_plan_node(p, QL_P_SCAN);
        if (!part) {
            return QL_ERROR;
        }
        put_access(&a->parts[i], part);
        part->source = n->source;
        part->keys_only = true;
        part->is_unique_lookup = false;
        part->est_rows = part->est_read;
        n->parts[n->nparts++] = part;
    }
    return QL_OK;
}

/* The scan node, with the conditions on this source alone as its filter. */
ql_status
qli_access_plan(qli_planner *p, uint16_t source, const qli_access *a, qli_conds *c, ql_plan **out)
{
    const ql_source *s = &p->q->sources[source];
    ql_plan *n = qli_plan_node(p, s->derived ? QL_P_DERIVED : QL_P_SCAN);
    if (!n) {
        return QL_ERROR;
    }
    n->source = source;
    put_access(a, n);
    put_batching(p, n);
    if (a->nparts > 0) {
        QL_TRY(put_parts(p, a, n));
    }
    double share;
    QL_TRY(qli_conds_selectivity(p, c, a->counted, UINT64_C(1) << source, &share));
    double rows = a->rows * share;
    for (uint32_t i = 0; i < c->n && i < 64; i++) {
        if (a->exact >> i & 1) {
            c->v[i].used = true;
        }
    }
    n->est_rows = rows < 1 ? 1 : rows;
    if (s->derived) {
        n->sub = p->derived[source];
    }
    n->doc = s->json ? s->json->doc : NULL;
    QL_TRY(qli_conds_take(p, c, UINT64_C(1) << source, &n->filter));
    QL_TRY(qli_plan_live(p, n));
    *out = n;
    return QL_OK;
}
