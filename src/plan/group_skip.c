/* SPDX-License-Identifier: Apache-2.0
 *
 * Loose index scans: of the rows that are equal in the leading parts of an index one is enough
 * (DISTINCT, GROUP BY, aggregates over DISTINCT values), or one at each end of the part behind them
 * (MIN, MAX). What reads them works on any rows, so that a scan that skips less is right as well.
 */
#include "base/bulk.h"
#include "plan/cost.h"

#define MIN_ROWS 400 /* of what is read in a moment nothing need be skipped */
#define MOST_PROBES 64

/* One index, one question. */
typedef struct look {
    qli_planner *p;
    uint16_t source;
    const ql_table *t;
    const ql_index *x;
    qli_skip *s;
    uint16_t value; /* column of MIN and MAX behind the leading parts; UINT16_MAX: none */
} look;

static bool
is_leading(const look *k, uint16_t column)
{
    for (uint16_t i = 0; i < k->s->parts; i++) {
        if (k->x->parts[i].column == column) {
            return true;
        }
    }
    return false;
}

/* The column of e, one of the table's, compared as the table does; UINT16_MAX: it is no such. */
static uint16_t
column_of(const look *k, const ql_expr *e)
{
    if (e->kind != QL_E_SLOT || k->p->source_of[e->index] != k->source) {
        return UINT16_MAX;
    }
    uint16_t column = k->p->column_of[e->index];
    const ql_type *t = &k->t->columns[column].type;
    return t->kind != QL_K_STRING || e->type.coll == t->coll ? column : UINT16_MAX;
}

/* --- what is wanted of each group --- */

static bool
all_leading(const look *k, const ql_agg *g)
{
    for (uint32_t i = 0; i < g->nargs; i++) {
        uint16_t column = column_of(k, g->args[i]);
        if (column == UINT16_MAX || !is_leading(k, column)) {
            return false;
        }
    }
    return true;
}

/* Is the column of the next part one that a DISTINCT aggregate looks at? */
static bool
is_distinct_part(const look *k, uint16_t column)
{
    const ql_query *q = k->p->q;
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t a = 0; q->aggs[i].distinct && a < q->aggs[i].nargs; a++) {
            if (column_of(k, q->aggs[i].args[a]) == column) {
                return true;
            }
        }
    }
    return false;
}

static bool
is_extreme(const ql_agg *g)
{
    return (g->fn == QL_AGG_MIN || g->fn == QL_AGG_MAX) && g->nargs == 1;
}

/* The value of MIN or MAX stands at one end of the group. */
static bool
take_extreme(look *k, const ql_agg *g, bool reverse)
{
    uint16_t column = column_of(k, g->args[0]);
    if (column == UINT16_MAX || k->s->parts >= k->x->nparts) {
        return false;
    }
    const ql_index_part *part = &k->x->parts[k->s->parts];
    const ql_type *t = &k->t->columns[column].type;
    if (part->column != column || part->prefix) {
        return false;
    }
    bool at_low = (g->fn == QL_AGG_MIN) != part->descending; /* of the index */
    bool far = at_low == reverse;
    k->value = column;
    k->s->far = k->s->far || far;
    if (g->fn == QL_AGG_MIN && t->nullable) { /* NULLs are below all values */
        k->s->null_far = k->s->null_far || far;
        k->s->null_near = k->s->null_near || !far;
    }
    return true;
}

static bool
aggregates_allow(look *k, bool reverse)
{
    const ql_query *q = k->p->q;
    while (k->s->parts < k->x->nparts && k->x->parts[k->s->parts].prefix == 0 &&
           is_distinct_part(k, k->x->parts[k->s->parts].column)) {
        k->s->parts++;
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        const ql_agg *g = &q->aggs[i];
        bool any = g->distinct || is_extreme(g) || g->fn == QL_AGG_ANY_VALUE;
        if (!any || g->norder > 0) {
            return false; /* it counts rows */
        }
        if (!all_leading(k, g) && (!is_extreme(g) || !take_extreme(k, g, reverse))) {
            return false;
        }
    }
    return true;
}

/* --- conditions --- */

static bool is_uniform(const look *k, const ql_expr *e);

/* An operand of a comparison under collation coll. */
static bool
is_uniform_operand(const look *k, const ql_expr *e, const ql_collation *coll)
{
    if (e->kind != QL_E_SLOT || e->type.kind != QL_K_STRING) {
        return is_uniform(k, e);
    }
    uint16_t column = column_of(k, e);
    return column != UINT16_MAX && is_leading(k, column) && coll == e->type.coll;
}

/* Does e say the same of all rows that are equal in the leading parts? Texts that are equal may
 * differ in letters. */
static bool
is_uniform(const look *k, const ql_expr *e)
{
    qli_planner *p = k->p;
    if (p->bad == QL_OK) {
        p->bad = ql_bulk_node(p->cx);
    }
    if (p->bad != QL_OK || e->query) {
        return false;
    }
    bool compares = false;
    switch (e->kind) {
    case QL_E_CONST:
    case QL_E_OUTER:
    case QL_E_PARAM:
        return true;
    case QL_E_SLOT: {
        uint16_t column = column_of(k, e);
        return column != UINT16_MAX && is_leading(k, column) && e->type.kind != QL_K_STRING;
    }
    case QL_E_OP:
        compares = (e->op >= QL_OP_EQ && e->op <= QL_OP_GE) || e->op == QL_OP_IN ||
                   e->op == QL_OP_NOT_IN || e->op == QL_OP_BETWEEN;
        break;
    case QL_E_CAST:
        break;
    default:
        return e->is_constant;
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        const ql_expr *a = e->args[i];
        if (!(compares ? is_uniform_operand(k, a, e->coll) : is_uniform(k, a))) {
            return false;
        }
    }
    return true;
}

static bool
conditions_allow(const look *k, const qli_access *a, const qli_conds *c)
{
    if (a->nlow > k->s->parts || a->nhigh > k->s->parts) {
        return false;
    }
    for (uint32_t i = 0; i < a->nranges; i++) {
        if (a->ranges[i].low.n > k->s->parts || a->ranges[i].high.n > k->s->parts) {
            return false;
        }
    }
    for (uint32_t i = 0; i < c->n; i++) {
        bool answered = i < 64 && (a->exact >> i & 1);
        if (!c->v[i].used && !answered && (c->v[i].nondet || !is_uniform(k, c->v[i].e))) {
            return false;
        }
    }
    return true;
}

/* Nothing else of the row is looked at. */
static bool
columns_allow(const look *k)
{
    const ql_source *s = &k->p->q->sources[k->source];
    for (uint16_t i = 0; i < k->s->parts; i++) {
        if (k->x->parts[i].prefix) {
            return false;
        }
    }
    for (uint16_t i = 0; i < s->ncols; i++) {
        if (s->ordinals[i] != k->value && !is_leading(k, s->ordinals[i])) {
            return false;
        }
    }
    return true;
}

/* --- how many groups --- */

static bool
known_values(const ql_plan_bound *b, ql_value *out)
{
    for (uint16_t i = 0; i < b->n; i++) {
        if (!b->values[i] || b->values[i]->kind != QL_E_CONST) {
            return false;
        }
        out[i] = b->values[i]->value;
    }
    return true;
}

/* Jump from group to group, a few dozen times at most. *groups -1: there are more. */
static ql_status
probe(const look *k, const qli_access *a, double *groups)
{
    qli_planner *p = k->p;
    ql_value *v = QL_ARENA_ARRAY(p->cx, p->a, ql_value, a->low.n + a->high.n + 1u);
    *groups = -1;
    if (!v) {
        return QL_ERROR;
    }
    if (!p->cx->txn || !known_values(&a->low, v) || !known_values(&a->high, v + a->low.n)) {
        return QL_OK;
    }
    ql_scan_spec spec = {.table = p->q->sources[k->source].table,
                         .index = k->x,
                         .low = ql_plan_bound_with(&a->low, v),
                         .high = ql_plan_bound_with(&a->high, v + a->low.n),
                         .index_only = true,
                         .skip = {.parts = k->s->parts},
                         .view = ql_txn_has_snapshot(p->cx) ? QL_VIEW_STATEMENT : QL_VIEW_LATEST};
    double most = a->rows / 100, n = 0;
    ql_scan *s;
    ql_batch *b;
    ql_status st;
    most = most > MOST_PROBES ? MOST_PROBES : most;
    QL_TRY(ql_scan_open(p->cx, p->a, &spec, &s));
    while ((st = ql_scan_next(p->cx, s, &b)) == QL_OK && n < most) {
        n += b->n;
    }
    ql_scan_close(s);
    if (st == QL_END) {
        *groups = n < 1 ? 1 : n;
        return QL_OK;
    }
    return st;
}

static ql_status
count_groups(const look *k, const qli_access *a, double *groups)
{
    const ql_table_stats *st = k->p->stats[k->source];
    uint16_t i = (uint16_t)(k->x - k->t->indexes);
    double n =
        st && st->known && st->prefixes && st->prefixes[i] ? st->prefixes[i][k->s->parts - 1] : 0;
    if (n <= 0) {
        return probe(k, a, groups);
    }
    double share = a->rows / st->rows; /* of a range of the leading parts */
    n = a->nlow || a->nhigh ? n * (share < 1 ? share : 1) : n;
    *groups = n < 1 ? 1 : n;
    return QL_OK;
}

/* --- */

ql_status
qli_skip_ask(qli_planner *p, uint16_t source, const qli_access *a, const qli_conds *c,
             uint16_t parts, bool reverse, double want, qli_skip *out)
{
    look k = {.p = p, .source = source, .x = a->index, .s = out, .value = UINT16_MAX};
    k.t = p->q->sources[source].table;
    *out = (qli_skip){.parts = parts};
    if (a->unique || a->rows < MIN_ROWS || k.x->hidden_rowid || parts > k.x->nparts) {
        out->parts = 0;
        return QL_OK;
    }
    bool fits = aggregates_allow(&k, reverse) && out->parts > 0 &&
                out->parts < (k.x->unique ? k.x->nparts : k.x->nparts + 1) && columns_allow(&k) &&
                conditions_allow(&k, a, c);
    if (!fits) {
        out->parts = 0;
        return p->bad;
    }
    bool wants_few = want >= 0 && want * 50 < a->rows;
    out->groups = want;
    if (!wants_few) {
        QL_TRY(count_groups(&k, a, &out->groups));
    }
    if (out->groups < 0) {
        out->parts = 0;
        return QL_OK;
    }
    qli_access one = *a; /* found anew each time */
    one.rows = 1;
    one.nranges = 0;
    double each = qli_access_cost(p, source, &one);
    out->cost = out->groups * (each * (1 + out->far) +
                               (out->null_near || out->null_far ? QLI_COST_SEEK * 0.5 : 0));
    return p->bad;
}

void
qli_skip_take(const qli_skip *s, ql_plan *scan)
{
    scan->skip = s->parts;
    scan->skip_far = s->far;
    scan->skip_null_near = s->null_near;
    scan->skip_null_far = s->null_far;
    scan->est_cost = scan->cost = s->cost;
    scan->est_read = scan->est_rows = s->groups * (1 + s->far);
}
