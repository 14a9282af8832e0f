/* SPDX-License-Identifier: Apache-2.0
 *
 * Access paths: which index of a table serves a set of conditions, and the bounds of the scan. A
 * condition is answered by an index when it compares a plain column in the column's own kind and
 * collation with a value that is known before the scan starts.
 */
#include "plan/cost.h"

/* What one condition says about one column. */
typedef struct term {
    ql_expr *value, *value2; /* value2: upper end of a pair */
    ql_op op;                /* EQ, NULLSAFE_EQ, IS_NULL, LT, LE, GT, GE, IN (value..value2) */
    bool exact;              /* the bound says all that the condition says */
    const qli_points *points;
} term;

static bool
is_slot_of(const qli_planner *p, const ql_expr *e, uint16_t source, uint16_t column)
{
    return e->kind == QL_E_SLOT && p->source_of[e->index] == source &&
           p->column_of[e->index] == column;
}

static ql_op
mirrored(ql_op op)
{
    switch (op) {
    case QL_OP_LT:
        return QL_OP_GT;
    case QL_OP_LE:
        return QL_OP_GE;
    case QL_OP_GT:
        return QL_OP_LT;
    case QL_OP_GE:
        return QL_OP_LE;
    default:
        return op;
    }
}

/* NULL: the error waits in p->bad. */
static void *
noted(qli_planner *p, void *v)
{
    if (!v) {
        p->bad = QL_ERROR;
    }
    return v;
}

static ql_expr *
const_like(qli_planner *p, const ql_expr *from, const ql_value *v)
{
    ql_expr *e = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    if (e) {
        *e = *from;
        e->kind = QL_E_CONST;
        e->value = *v;
        e->is_constant = true;
    }
    return e;
}

static ql_expr *
null_const(qli_planner *p, const ql_type *t)
{
    ql_expr *e = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    if (e) {
        e->kind = QL_E_CONST;
        e->type = *t;
        e->type.nullable = true;
        e->value = ql_value_null();
        e->is_constant = true;
    }
    return e;
}

/* Integer constants take the column's signedness; false = the value does not fit it. */
static bool
fit_int(qli_planner *p, const ql_type *t, ql_expr **v)
{
    ql_expr *e = *v;
    if (e->kind != QL_E_CONST) {
        return e->type.is_unsigned == t->is_unsigned;
    }
    if (e->value.is_unsigned == t->is_unsigned) {
        return true;
    }
    if (e->value.i < 0) {
        return false;
    }
    ql_value val = e->value;
    val.is_unsigned = t->is_unsigned;
    *v = const_like(p, e, &val);
    return *v != NULL;
}

static bool
fit_decimal(const ql_type *t, const ql_expr *e)
{
    if (e->kind != QL_E_CONST) {
        return e->type.decimals <= t->decimals &&
               e->type.length - e->type.decimals <= (uint32_t)t->length - t->decimals;
    }
    ql_decimal d = e->value.dec;
    bool cut;
    return ql_decimal_fit(&d, t->length, t->decimals, &cut) &&
           ql_decimal_cmp(&d, &e->value.dec) == 0;
}

/* Can the value be put into a key of the column as it is? */
bool
qli_value_fits(qli_planner *p, const ql_type *t, const ql_expr *cmp, ql_expr **v)
{
    if (cmp->compare_kind != t->kind || (*v)->type.kind != t->kind) {
        return false;
    }
    if ((*v)->kind == QL_E_CONST && (*v)->value.kind == QL_K_NULL) {
        return false;
    }
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_INT:
        return t->field != QL_F_BIT && fit_int(p, t, v);
    case QL_FAM_DECIMAL:
        return fit_decimal(t, *v);
    case QL_FAM_STRING:
        return cmp->coll == t->coll && t->field != QL_F_ENUM && t->field != QL_F_SET;
    case QL_FAM_DOUBLE:
        return t->field == QL_F_DOUBLE;
    default:
        return true;
    }
}

static ql_expr *
day_const(qli_planner *p, const ql_expr *v)
{
    ql_value day = v->value;
    day.kind = QL_K_DATE;
    day.i &= ~((INT64_C(1) << 41) - 1); /* the bits of the time of day: types/datetime.h */
    ql_expr *c = const_like(p, v, &day);
    if (c) {
        c->type = ql_type_date();
    }
    return c;
}

static ql_expr *
day_cast(qli_planner *p, ql_expr *v)
{
    ql_expr *c = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    ql_expr **args = c ? noted(p, QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, 1)) : NULL;
    if (!args) {
        return NULL;
    }
    args[0] = v;
    *c = (ql_expr){.kind = QL_E_CAST, .type = ql_type_date(), .args = args, .nargs = 1};
    c->is_constant = v->is_constant;
    return c;
}

/* DATE column against a moment: by the day, not exact. */
static bool
day_of_moment(qli_planner *p, const ql_expr *cmp, ql_expr *v, term *out)
{
    if (cmp->compare_kind != QL_K_DATETIME || v->type.kind != QL_K_DATETIME ||
        (v->kind == QL_E_CONST && v->value.kind == QL_K_NULL) || cmp->op == QL_OP_NE) {
        return false;
    }
    out->value = v->kind == QL_E_CONST ? day_const(p, v) : day_cast(p, v);
    if (!out->value) {
        return false;
    }
    out->op = out->op == QL_OP_LT ? QL_OP_LE : out->op == QL_OP_GT ? QL_OP_GE : out->op;
    out->exact = false;
    return true;
}

/* IN list: the range from its smallest to its largest element, and the points in it. */
static bool
in_range(qli_planner *p, const ql_type *t, const ql_expr *e, term *out)
{
    const qli_points *k;
    ql_status st = qli_in_points(p, t, e, &k);
    if (st != QL_OK) {
        p->bad = st;
        return false;
    }
    if (k->n == 0) {
        return false;
    }
    *out = (term){.value = k->v[0], .value2 = k->v[k->n - 1], .op = QL_OP_IN, .points = k};
    return true;
}

/* 'abc%': from 'abc' on; the end is left to the filter unless the collation compares bytes. */
static bool
like_prefix(qli_planner *p, const ql_type *t, const ql_expr *e, term *out)
{
    const ql_expr *pat = e->args[1];
    if (pat->kind != QL_E_CONST || pat->value.kind != QL_K_STRING || e->coll != t->coll ||
        e->nargs > 2 || !t->coll->is_binary) {
        return false;
    }
    ql_str s = pat->value.s;
    size_t n = 0;
    while (n < s.n && s.p[n] != '%' && s.p[n] != '_' && s.p[n] != '\\') {
        n++;
    }
    if (n == 0 || (unsigned char)s.p[n - 1] >= 0x7f) {
        return false;
    }
    char *end = noted(p, ql_arena_strndup(p->cx, p->a, s.p, n));
    if (!end) {
        return false;
    }
    end[n - 1]++;
    ql_value lo = pat->value, hi = pat->value;
    lo.s.n = n;
    hi.s = (ql_str){end, n};
    out->value = const_like(p, pat, &lo);
    out->value2 = const_like(p, pat, &hi);
    out->op = QL_OP_IN;
    return out->value && out->value2;
}

static bool
or_range(qli_planner *p, const ql_type *t, const ql_expr *e, uint16_t source, uint16_t column,
         term *out)
{
    const ql_expr *in;
    ql_status st = qli_or_as_in(p, e, &in);
    if (st != QL_OK) {
        p->bad = st;
        return false;
    }
    return in && is_slot_of(p, in->args[0], source, column) && in_range(p, t, in, out);
}

/* What condition c says about the column, given the sources in `left`. */
static bool
term_of(qli_planner *p, const qli_cond *c, uint16_t source, uint16_t column, qli_mask left,
        term *out)
{
    const ql_type *t = &p->q->sources[source].table->columns[column].type;
    ql_expr *e = c->e;
    *out = (term){0};
    if (c->nondet || e->kind != QL_E_OP || e->nargs < 1) {
        return false;
    }
    if (e->op == QL_OP_IS_NULL && is_slot_of(p, e->args[0], source, column)) {
        *out = (term){.value = null_const(p, t), .op = QL_OP_IS_NULL, .exact = true};
        return out->value != NULL;
    }
    if (e->op == QL_OP_IN && is_slot_of(p, e->args[0], source, column)) {
        return in_range(p, t, e, out);
    }
    if (e->op == QL_OP_OR) {
        return or_range(p, t, e, source, column, out);
    }
    if (e->op == QL_OP_LIKE && t->kind == QL_K_STRING &&
        is_slot_of(p, e->args[0], source, column)) {
        return like_prefix(p, t, e, out);
    }
    if (e->nargs != 2 || e->op < QL_OP_EQ || e->op > QL_OP_GE || e->op == QL_OP_NE) {
        return false;
    }
    for (int side = 0; side < 2; side++) {
        ql_expr *col = e->args[side], *v = e->args[1 - side];
        qli_mask needs = qli_expr_sources(p, v);
        if ((needs & ~left) != 0 || (needs >> source & 1)) {
            continue;
        }
        *out = (term){.value = v, .op = side ? mirrored(e->op) : e->op};
        if (col->kind == QL_E_CAST && t->kind == QL_K_DATE &&
            is_slot_of(p, col->args[0], source, column)) {
            return day_of_moment(p, e, v, out);
        }
        if (!is_slot_of(p, col, source, column) || !qli_value_fits(p, t, e, &out->value)) {
            continue;
        }
        if (e->op == QL_OP_NULLSAFE_EQ) {
            out->op = QL_OP_EQ;
            out->exact = out->value->kind == QL_E_CONST;
            return out->exact; /* a NULL found at run time would be taken for "matches nothing" */
        }
        out->exact = t->kind != QL_K_STRING;
        return true;
    }
    return false;
}

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
mark_exact(builder *b, uint32_t i, const term *t)
{
    if (t->exact && i < 64) {
        b->a->exact |= UINT64_C(1) << i;
    }
    b->a->counted |= i < 64 ? UINT64_C(1) << i : 0;
    b->a->needs |= qli_expr_sources(b->p, t->value);
}

/* Next part by equality; false = none. */
static bool
add_equality(builder *b, uint16_t part)
{
    term t;
    for (uint32_t i = 0; i < b->c->n; i++) {
        if (b->c->v[i].used ||
            !term_of(b->p, &b->c->v[i], b->source, b->x->parts[part].column, b->left, &t) ||
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
    uint64_t exact, counted;
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
    g->counted |= i < 64 ? UINT64_C(1) << i : 0;
}

static void
find_range(builder *b, uint16_t part, range *g)
{
    term t;
    bool prefix = b->x->parts[part].prefix > 0;
    *g = (range){.low_in = true, .high_in = true};
    for (uint32_t i = 0; i < b->c->n; i++) {
        if (b->c->v[i].used ||
            !term_of(b->p, &b->c->v[i], b->source, b->x->parts[part].column, b->left, &t)) {
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
    a->counted |= g.counted;
    a->needs |=
        (g.low ? qli_expr_sources(b->p, g.low) : 0) | (g.high ? qli_expr_sources(b->p, g.high) : 0);
    if (!g.low && t->nullable) {
        g.low = null_const(b->p, t);
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

static bool
ranges_are_read(const qli_planner *p, uint16_t source, const ql_index *x)
{
    const ql_source *s = &p->q->sources[source];
    return !ql_index_is_in(s->no_range, s->table, x);
}

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
    if (a->neq < nparts && !b.truncated && ranges_are_read(p, source, x)) {
        (void)add_range(&b, a->neq);
    }
    a->low.n = a->nlow;
    a->high.n = a->nhigh;
    return p->bad;
}

ql_status
qli_access_by_index(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                    qli_mask left, qli_access *a)
{
    const ql_source *s = &p->q->sources[source];
    QL_TRY(qli_index_bounds(p, source, x, c, left, a));
    if (!a->points && !x->hidden_rowid && a->neq < x->nparts && ranges_are_read(p, source, x)) {
        QL_TRY(qli_or_bounds(p, source, c, a));
    }
    bool clustered = x == &s->table->indexes[0];
    a->index_only = !clustered && ql_index_covers(s->table, x, s->ordinals, s->ncols);
    if (!a->unique && (a->nlow || a->nhigh)) {
        QL_TRY(qli_range_rows(p, source, a));
        QL_TRY(qli_dive(p, source, a));
    }
    a->cost = qli_access_cost(p, source, a);
    return QL_OK;
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

ql_status
qli_access_choose(qli_planner *p, uint16_t source, const qli_conds *c, qli_mask left,
                  qli_access *out)
{
    const ql_source *s = &p->q->sources[source];
    const ql_table *t = s->table;
    QL_TRY(full_scan(p, source, out));
    if (ql_plans_plainly(p->cx)) {
        return p->bad;
    }
    for (uint16_t i = 0; t && !t->is_virtual && i < t->nindexes; i++) {
        qli_access a;
        bool usable;
        QL_TRY(ql_index_is_usable(p->cx, &t->indexes[i], &usable));
        if (!usable || ql_index_is_in(s->barred, t, &t->indexes[i])) {
            continue;
        }
        QL_TRY(qli_access_by_index(p, source, &t->indexes[i], c, left, &a));
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
    double share;
    QL_TRY(qli_conds_selectivity(p, c, a->counted, UINT64_C(1) << source, &share));
    double rows = a->rows * share;
    for (uint32_t i = 0; i < c->n && i < 64; i++) {
        if (a->exact >> i & 1) {
            c->v[i].used = true;
        }
    }
    n->est_rows = rows < 1 ? 1 : rows;
    n->est_read = a->rows < 1 ? 1 : a->rows;
    n->est_cost = n->cost = a->cost;
    if (s->derived) {
        n->sub = p->derived[source];
    }
    QL_TRY(qli_conds_take(p, c, UINT64_C(1) << source, &n->filter));
    QL_TRY(qli_plan_live(p, n));
    *out = n;
    return QL_OK;
}
