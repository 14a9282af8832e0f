/* SPDX-License-Identifier: Apache-2.0
 *
 * Access paths: which index of a table serves a set of conditions, and the bounds of the scan.
 */
#include "plan/plan_int.h"

/* --- one index --- */

typedef struct builder {
    qli_planner *p;
    uint16_t source;
    const ql_index *x;
    const qli_conds *c;
    qli_mask left;
    qli_access *a;
    bool truncated; /* a part is a prefix of its column */
} builder;

static void
mark_exact(builder *b, uint32_t i, const qli_term *t)
{
    if (t->exact && i < 64) {
        b->a->exact |= UINT64_C(1) << i;
    }
    b->a->needs |= qli_expr_sources(b->p, t->value);
}

/* Next part by equality; false = none. */
static bool
add_equality(builder *b, uint16_t part)
{
    qli_term t;
    for (uint32_t i = 0; i < b->c->n; i++) {
        if (b->c->v[i].used ||
            !qli_term_of(b->p, &b->c->v[i], b->source, b->x->parts[part].column, b->left, &t) ||
            (t.op != QL_OP_EQ && t.op != QL_OP_IS_NULL)) {
            continue;
        }
        bool prefix = b->x->parts[part].prefix > 0;
        t.exact = t.exact && !prefix;
        b->truncated = b->truncated || prefix;
        b->a->low.values[part] = b->a->high.values[part] = t.value;
        if (t.op == QL_OP_IS_NULL || t.value->type.kind == QL_K_NULL ||
            (t.value->kind == QL_E_CONST && t.value->value.kind == QL_K_NULL)) {
            b->a->unique = false; /* NULLs are many: IS NULL, <=> NULL */
        }
        mark_exact(b, i, &t);
        return true;
    }
    return false;
}

typedef struct range {
    ql_expr *low, *high;
    bool low_in, high_in; /* inclusive */
    uint64_t exact;
    double selectivity;
    const qli_points *points;
} range;

static void
take_end(range *g, bool upper, ql_expr *v, bool inclusive, bool exact, uint32_t i)
{
    if (upper ? g->high != NULL : g->low != NULL) {
        return; /* a second condition on the same end stays a filter */
    }
    if (upper) {
        g->high = v;
        g->high_in = inclusive;
    } else {
        g->low = v;
        g->low_in = inclusive;
    }
    if (exact && i < 64) {
        g->exact |= UINT64_C(1) << i;
    }
}

static void
find_range(builder *b, uint16_t part, range *g)
{
    qli_term t;
    bool prefix = b->x->parts[part].prefix > 0;
    *g = (range){.low_in = true, .high_in = true};
    for (uint32_t i = 0; i < b->c->n; i++) {
        if (b->c->v[i].used ||
            !qli_term_of(b->p, &b->c->v[i], b->source, b->x->parts[part].column, b->left, &t)) {
            continue;
        }
        bool ex = t.exact && !prefix;
        switch (t.op) {
        case QL_OP_GT:
        case QL_OP_GE:
            take_end(g, false, t.value, prefix || t.op == QL_OP_GE, ex, i);
            break;
        case QL_OP_LT:
        case QL_OP_LE:
            take_end(g, true, t.value, prefix || t.op == QL_OP_LE, ex, i);
            break;
        case QL_OP_IN:
            take_end(g, false, t.value, true, false, i);
            take_end(g, true, t.value2, true, false, i);
            g->points = prefix || g->points ? g->points : t.points;
            break;
        default:
            break;
        }
    }
    if (g->points) {
        g->exact = 0; /* points are visited one by one, whatever the bounds say */
    }
    g->selectivity = g->low && g->high ? 0.1 : 0.33;
}

/* Bounds in index order; an open lower end must not let NULLs in. */
static bool
add_range(builder *b, uint16_t part)
{
    range g;
    find_range(b, part, &g);
    if (!g.low && !g.high) {
        return false;
    }
    qli_access *a = b->a;
    const ql_type *t = &b->p->q->sources[b->source].table->columns[b->x->parts[part].column].type;
    a->exact |= g.exact;
    a->needs |=
        (g.low ? qli_expr_sources(b->p, g.low) : 0) | (g.high ? qli_expr_sources(b->p, g.high) : 0);
    if (!g.low && t->nullable) {
        g.low = qli_null_const(b->p, t);
        g.low_in = false;
    }
    bool down = b->x->parts[part].descending;
    ql_expr *first = down ? g.high : g.low, *last = down ? g.low : g.high;
    bool first_in = down ? g.high_in : g.low_in, last_in = down ? g.low_in : g.high_in;
    if (first) {
        a->low.values[part] = first;
        a->low.inclusive = first_in;
        a->nlow = part + 1;
    }
    if (last) {
        a->high.values[part] = last;
        a->high.inclusive = last_in;
        a->nhigh = part + 1;
    }
    double each = b->x->unique && part + 1 == b->x->nparts ? 1 : a->rows * 0.05;
    double all = a->rows * g.selectivity;
    a->rows = all;
    if (g.points && g.points->n > 1) {
        a->points = g.points;
        each *= g.points->n;
        a->rows = each < all ? each : all;
    }
    return true;
}

static ql_status
equality_rows(const builder *b, uint16_t neq, double *rows)
{
    *rows = b->p->rows[b->source];
    if (neq == 0) {
        return QL_OK;
    }
    *rows = 1;
    return b->a->unique ? QL_OK : qli_equal_rows(b->p, b->source, b->x, neq, rows);
}

/* Reading a row through a secondary index, measured in rows of a sequential scan
 * (docs/benchmarks.md). */
#define LOOKUP_COST 4.0
/* Small tables are read either way before a look into the index has paid. */
#define DIVE_MIN_ROWS 1000

ql_status
qli_index_bounds(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                 qli_mask left, qli_access *a)
{
    builder b = {.p = p, .source = source, .x = x, .c = c, .left = left, .a = a};
    uint16_t nparts = x->hidden_rowid ? 0 : x->nparts;
    *a = (qli_access){.index = x, .unique = x->unique};
    a->low.values = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, x->nparts + 1u);
    a->high.values = a->low.values ? QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, x->nparts + 1u) : NULL;
    if (!a->high.values) {
        return QL_ERROR;
    }
    a->low.inclusive = a->high.inclusive = true;
    while (a->neq < nparts && !b.truncated && add_equality(&b, a->neq)) {
        a->neq++;
    }
    a->unique = a->unique && a->neq == nparts && nparts > 0 && !b.truncated;
    a->nlow = a->nhigh = a->neq;
    QL_TRY(equality_rows(&b, a->neq, &a->rows));
    if (a->neq < nparts && !b.truncated) {
        (void)add_range(&b, a->neq);
    }
    a->low.n = a->nlow;
    a->high.n = a->nhigh;
    return p->bad;
}

static ql_status
try_index(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c, qli_mask left,
          qli_access *a)
{
    const ql_source *s = &p->q->sources[source];
    QL_TRY(qli_index_bounds(p, source, x, c, left, a));
    if (!a->points && !x->hidden_rowid && a->neq < x->nparts) {
        QL_TRY(qli_or_bounds(p, source, c, a));
    }
    bool clustered = x == &s->table->indexes[0];
    a->index_only = !clustered && ql_index_covers(s->table, x, s->ordinals, s->ncols);
    bool looks_up = !clustered && !a->index_only;
    if (looks_up && !a->unique && !a->points && (a->nlow || a->nhigh) &&
        p->rows[source] >= DIVE_MIN_ROWS) {
        QL_TRY(qli_dive(p, source, a));
    }
    a->cost = a->rows * (looks_up ? LOOKUP_COST : clustered ? 1.0 : 0.8) + 1;
    return QL_OK;
}

static ql_status
full_scan(qli_planner *p, uint16_t source, qli_access *a)
{
    *a = (qli_access){.rows = p->rows[source], .cost = p->rows[source] + 1};
    const ql_table *t = p->q->sources[source].table;
    if (t && !t->is_virtual) {
        a->index = &t->indexes[0];
    }
    a->low.inclusive = a->high.inclusive = true;
    return ql_check(p->cx);
}

ql_status
qli_access_choose(qli_planner *p, uint16_t source, const qli_conds *c, qli_mask left,
                  qli_access *out)
{
    const ql_table *t = p->q->sources[source].table;
    QL_TRY(full_scan(p, source, out));
    for (uint16_t i = 0; t && !t->is_virtual && i < t->nindexes; i++) {
        qli_access a;
        bool usable;
        QL_TRY(ql_index_is_usable(p->cx, &t->indexes[i], &usable));
        if (!usable) {
            continue;
        }
        QL_TRY(try_index(p, source, &t->indexes[i], c, left, &a));
        if ((a.nlow || a.nhigh || a.index_only) &&
            (a.cost < out->cost || (a.unique && !out->unique))) {
            *out = a;
        }
    }
    return p->bad;
}

/* Points as the index has them: a descending part turned round. */
static ql_status
points_in_order(qli_planner *p, const qli_access *a, ql_plan *n)
{
    if (!a->points) {
        return QL_OK;
    }
    n->npoints = a->points->n;
    n->points = a->points->v;
    if (!a->index->parts[a->neq].descending) {
        return QL_OK;
    }
    n->points = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, n->npoints);
    if (!n->points) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n->npoints; i++) {
        n->points[i] = a->points->v[n->npoints - 1 - i];
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
    n->low = a->low;
    n->high = a->high;
    n->index = a->index;
    n->index_only = a->index_only;
    n->is_unique_lookup = a->unique;
    QL_TRY(points_in_order(p, a, n));
    double rows = a->rows;
    for (uint32_t i = 0; i < c->n && i < 64; i++) {
        if (a->exact >> i & 1) {
            c->v[i].used = true;
        }
    }
    for (uint32_t i = 0; i < c->n; i++) {
        if (!c->v[i].used && (c->v[i].needs & ~(UINT64_C(1) << source)) == 0) {
            double share;
            QL_TRY(qli_selectivity(p, c->v[i].e, &share));
            rows *= share;
        }
    }
    n->est_rows = rows < 1 ? 1 : rows;
    n->est_read = a->rows < 1 ? 1 : a->rows;
    n->est_cost = a->cost;
    if (s->derived) {
        n->sub = p->derived[source];
    }
    QL_TRY(qli_conds_take(p, c, UINT64_C(1) << source, &n->filter));
    QL_TRY(qli_plan_live(p, n));
    *out = n;
    return QL_OK;
}
