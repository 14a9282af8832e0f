/* SPDX-License-Identifier: Apache-2.0
 *
 * The planner's one source of row estimates: what share of the rows a condition lets pass, how many
 * rows have one combination of values in the leading parts of an index, how many different values
 * there are. Numbers come from stats/; where it has none, and for what is no plain comparison of a
 * column, stand guesses. Conditions on one table are not independent of each other: the most
 * selective counts whole, the next by its square root, and so on (exponential backoff).
 */
#include <math.h>

#include "plan/plan_int.h"
#include "types/beginning.h"

#define SHARE_EQUAL 0.1
#define SHARE_RANGE 0.33
#define SHARE_BETWEEN 0.11
#define SHARE_PATTERN 0.1 /* LIKE '%text%' */
#define SHARE_OTHER 0.5
#define LEAST_SHARE 1e-9

static double
clipped(double share)
{
    return share < LEAST_SHARE ? LEAST_SHARE : share > 1 ? 1 : share;
}

/* --- columns --- */

/* A column of a source of this block. */
typedef struct column {
    uint16_t source, ordinal;
    const ql_table_stats *stats; /* NULL: of a derived table */
    const ql_type *type;         /* with stats */
} column;

static const ql_expr *
without_casts(const ql_expr *e)
{
    while (e->kind == QL_E_CAST && e->nargs == 1) {
        e = e->args[0];
    }
    return e;
}

static bool
column_of(const qli_planner *p, const ql_expr *e, column *c)
{
    e = without_casts(e);
    if (e->kind != QL_E_SLOT || e->index >= p->q->nslots || p->source_of[e->index] == 0xff) {
        return false;
    }
    c->source = p->source_of[e->index];
    c->ordinal = p->column_of[e->index];
    c->stats = p->stats[c->source];
    c->type = c->stats ? &c->stats->table->types[c->ordinal] : NULL;
    return true;
}

static double
nulls_of(const column *c)
{
    return c->stats ? c->stats->columns[c->ordinal].nulls : 0;
}

/* Different values of an item of a derived table. */
static double
derived_distinct(const qli_planner *p, const column *c)
{
    const ql_query *q = p->q->sources[c->source].derived;
    double rows = p->rows[c->source];
    if (q && ((q->distinct && q->nitems == 1) || q->ngroup == 1)) {
        return rows;
    }
    return rows < 10 ? rows : sqrt(rows) * 3 < rows ? sqrt(rows) * 3 : rows;
}

static double
column_distinct(const qli_planner *p, const column *c)
{
    double rows = p->rows[c->source];
    double d = c->stats ? c->stats->columns[c->ordinal].distinct : derived_distinct(p, c);
    d = d > rows ? rows : d;
    return d < 1 ? 1 : d;
}

/* --- values --- */

/* The constant as a value of the column's kind; false: it is not known yet, or there is none. */
static ql_status
value_for(qli_planner *p, const column *c, const ql_expr *e, bool *known, ql_value *out)
{
    *known = false;
    if (e->kind == QL_E_CAST && without_casts(e)->kind == QL_E_CONST) {
        e = without_casts(e);
    }
    if (!c->stats || e->kind != QL_E_CONST || ql_value_is_null(&e->value)) {
        return QL_OK;
    }
    if (e->value.kind == c->type->kind &&
        (e->value.kind != QL_K_INT || e->value.is_unsigned == c->type->is_unsigned)) {
        *out = e->value;
        *known = true;
        return QL_OK;
    }
    ql_type t = *c->type;
    t.nullable = true;
    ql_diag_try(p->cx->diag);
    ql_status st = ql_value_store(p->cx, p->a, &e->value, &t, "", 1, false, out);
    bool fits = ql_diag_tried(p->cx->diag);
    if (st != QL_OK) {
        QL_TRY(ql_check(p->cx));
        ql_diag_clear_error(p->cx->diag);
    }
    *known = st == QL_OK && (fits || ql_kind_family(t.kind) != QL_FAM_STRING) &&
             out->kind == c->type->kind;
    return QL_OK;
}

static bool
is_null_const(const ql_expr *e)
{
    return e->kind == QL_E_CONST && ql_value_is_null(&e->value);
}

/* --- comparisons --- */

/* Of an expression that is no plain column: few functions keep all values apart. */
static ql_status
equal_of_expr(qli_planner *p, const ql_expr *e, double *share)
{
    double d;
    QL_TRY(qli_distinct(p, e, &d));
    *share = d < 1 / SHARE_EQUAL ? 1 / d : SHARE_EQUAL;
    return QL_OK;
}

static ql_status
equal_columns(qli_planner *p, const column *a, const column *b, double *share)
{
    double x = column_distinct(p, a), y = column_distinct(p, b);
    *share = (1 - nulls_of(a)) * (1 - nulls_of(b)) / (x > y ? x : y);
    return QL_OK;
}

static ql_status
equal_value(qli_planner *p, const column *c, const ql_expr *v, double *share)
{
    ql_value value;
    bool known;
    *share = (1 - nulls_of(c)) / column_distinct(p, c);
    if (!c->stats) {
        return QL_OK;
    }
    QL_TRY(value_for(p, c, v, &known, &value));
    return ql_stats_equal(p->cx, c->stats, c->ordinal, known ? &value : NULL, share);
}

static ql_status
equal(qli_planner *p, const ql_expr *a, const ql_expr *b, double *share)
{
    column x, y;
    bool left = column_of(p, a, &x), right = column_of(p, b, &y);
    if (is_null_const(a) || is_null_const(b)) {
        *share = 0;
        return QL_OK;
    }
    if (left && right) {
        return equal_columns(p, &x, &y, share);
    }
    if (left || right) {
        const ql_expr *v = left ? b : a;
        qli_mask others = qli_expr_sources(p, v);
        if (others != 0) { /* with an expression over another source */
            double d, own = column_distinct(p, left ? &x : &y);
            QL_TRY(qli_distinct(p, v, &d));
            *share = 1 / (d > own ? d : own);
            return p->bad;
        }
        return equal_value(p, left ? &x : &y, v, share);
    }
    return equal_of_expr(p, qli_expr_sources(p, a) ? a : b, share);
}

/* e between two ends, one of which may be missing. */
static ql_status
range(qli_planner *p, const ql_expr *e, const ql_expr *low, bool low_in, const ql_expr *high,
      bool high_in, double *share)
{
    column c;
    ql_value v[2];
    bool known[2] = {false, false};
    *share = low && high ? SHARE_BETWEEN : SHARE_RANGE;
    if ((low && is_null_const(low)) || (high && is_null_const(high))) {
        *share = 0;
        return QL_OK;
    }
    if (!column_of(p, e, &c) || !c.stats) {
        return QL_OK;
    }
    QL_TRY(low ? value_for(p, &c, low, &known[0], &v[0]) : QL_OK);
    QL_TRY(high ? value_for(p, &c, high, &known[1], &v[1]) : QL_OK);
    if (!known[0] && !known[1]) {
        *share *= 1 - nulls_of(&c);
        return QL_OK;
    }
    QL_TRY(ql_stats_range(p->cx, c.stats, c.ordinal, known[0] ? &v[0] : NULL, low_in,
                          known[1] ? &v[1] : NULL, high_in, share));
    *share *= (low && !known[0]) || (high && !known[1]) ? SHARE_RANGE : 1;
    return QL_OK;
}

static ql_status
less_or_greater(qli_planner *p, const ql_expr *e, double *share)
{
    column c;
    bool left = column_of(p, e->args[0], &c);
    const ql_expr *col = e->args[left ? 0 : 1], *v = e->args[left ? 1 : 0];
    bool upper = (e->op == QL_OP_LT || e->op == QL_OP_LE) == left;
    bool in = e->op == QL_OP_LE || e->op == QL_OP_GE;
    return range(p, col, upper ? NULL : v, in, upper ? v : NULL, in, share);
}

static ql_status
in_list(qli_planner *p, const ql_expr *e, double *share)
{
    double sum = 0;
    if (e->nargs == 2 && (e->args[1]->kind == QL_E_SUBQUERY || e->args[1]->query)) {
        *share = SHARE_OTHER;
        return QL_OK;
    }
    for (uint32_t i = 1; i < e->nargs && sum < 1; i++) {
        double one = 1;
        if (e->args[0]->kind == QL_E_ROW && e->args[i]->kind == QL_E_ROW) {
            for (uint32_t k = 0; k < e->args[0]->nargs && k < e->args[i]->nargs; k++) {
                double s;
                QL_TRY(equal(p, e->args[0]->args[k], e->args[i]->args[k], &s));
                one *= s;
            }
        } else {
            QL_TRY(equal(p, e->args[0], e->args[i], &one));
        }
        sum += one;
        QL_TRY(i % 256 == 255 ? ql_check(p->cx) : QL_OK);
    }
    *share = sum;
    return QL_OK;
}

/* A prefix without wildcards is a range; what stands behind them lets fewer pass. */
static ql_status
like(qli_planner *p, const ql_expr *e, double *share)
{
    column c;
    const ql_expr *pattern = e->args[1];
    *share = SHARE_PATTERN;
    if (!column_of(p, e->args[0], &c) || !c.stats || pattern->kind != QL_E_CONST ||
        pattern->value.kind != QL_K_STRING) {
        return QL_OK;
    }
    ql_str s = pattern->value.s, escape = ql_like_escape(p->cx, e);
    bool whole;
    char *text = ql_arena_alloc(p->cx, p->a, QL_PATTERN_ROOM(s.n));
    if (!text) {
        return QL_ERROR;
    }
    ql_value head = pattern->value;
    head.s = (ql_str){text, ql_pattern_text(c.type->coll, s, escape, text, &whole)};
    if (whole) {
        ql_expr equal = *pattern;
        equal.value = head;
        return equal_value(p, &c, &equal, share);
    }
    size_t rest = s.n; /* only % behind the beginning? */
    while (rest > 0 && s.p[rest - 1] == '%') {
        rest--;
    }
    bool more = rest > head.s.n;
    *share = (1 - nulls_of(&c)) * (more ? SHARE_PATTERN : 1);
    if (head.s.n > 0) {
        QL_TRY(ql_stats_prefix(p->cx, c.stats, c.ordinal, &head, share));
        *share *= more ? 0.3 : 1;
    }
    return QL_OK;
}

static ql_status
is_null(qli_planner *p, const ql_expr *e, double *share)
{
    column c;
    *share = SHARE_EQUAL;
    if (column_of(p, e, &c) && c.stats && c.type->nullable) {
        *share = c.stats->columns[c.ordinal].known ? nulls_of(&c) : SHARE_EQUAL;
    } else if (!e->type.nullable) {
        *share = 0;
    }
    return QL_OK;
}

/* Share of the rows for which e has a value at all. */
static ql_status
has_value(qli_planner *p, const ql_expr *e, double *share)
{
    column c;
    *share = column_of(p, e, &c) ? 1 - nulls_of(&c) : 1;
    return p->bad;
}

/* --- trees --- */

static ql_status share_of(qli_planner *p, const ql_expr *e, double *share);

/* All but `share` of those that have a value. */
static ql_status
all_others(qli_planner *p, const ql_expr *of, ql_status st, double *share)
{
    double there;
    QL_TRY(st);
    QL_TRY(has_value(p, of, &there));
    *share = there - *share;
    return QL_OK;
}

/* Both together, when the first is the more selective one or the other way round. */
#define TOGETHER_MAX 8
typedef struct together {
    double v[TOGETHER_MAX]; /* the most selective, ascending */
    uint32_t n;
} together;

static void
add_share(together *t, double share)
{
    uint32_t i = t->n < TOGETHER_MAX ? t->n++ : TOGETHER_MAX;
    if (i == TOGETHER_MAX) {
        if (t->v[--i] <= share) {
            return;
        }
    }
    for (; i > 0 && t->v[i - 1] > share; i--) {
        t->v[i] = t->v[i - 1];
    }
    t->v[i] = share;
}

static double
all_together(const together *t)
{
    double share = 1, power = 1;
    for (uint32_t i = 0; i < t->n; i++, power /= 2) {
        share *= pow(t->v[i], power);
    }
    return share;
}

/* A comparison of a column with a value that bounds one end. */
static bool
one_end(const qli_planner *p, const ql_expr *e, column *c, bool *upper, bool *in, const ql_expr **v)
{
    if (e->kind != QL_E_OP || e->op < QL_OP_LT || e->op > QL_OP_GE || e->nargs != 2) {
        return false;
    }
    for (int side = 0; side < 2; side++) {
        if (column_of(p, e->args[side], c) && e->args[1 - side]->kind == QL_E_CONST) {
            *v = e->args[1 - side];
            *upper = (e->op == QL_OP_LT || e->op == QL_OP_LE) == (side == 0);
            *in = e->op == QL_OP_LE || e->op == QL_OP_GE;
            return true;
        }
    }
    return false;
}

/* The other end of the range that e begins, among v[i..n); n: there is none. */
static uint32_t
other_end(const qli_planner *p, const ql_expr *e, const ql_expr *const *v, uint32_t n, uint32_t i)
{
    column a, b;
    bool upper, in, upper2, in2;
    const ql_expr *x, *y;
    if (!one_end(p, e, &a, &upper, &in, &x)) {
        return n;
    }
    for (; i < n; i++) {
        if (v[i] && one_end(p, v[i], &b, &upper2, &in2, &y) && upper2 != upper &&
            a.source == b.source && a.ordinal == b.ordinal) {
            return i;
        }
    }
    return n;
}

static ql_status
pair_of_ends(qli_planner *p, const ql_expr *a, const ql_expr *b, double *share)
{
    column c;
    bool upper, in, in2;
    const ql_expr *x, *y;
    (void)one_end(p, b, &c, &upper, &in2, &y);
    (void)one_end(p, a, &c, &upper, &in, &x);
    const ql_expr *col = column_of(p, a->args[0], &c) ? a->args[0] : a->args[1];
    return range(p, col, upper ? y : x, upper ? in2 : in, upper ? x : y, upper ? in : in2, share);
}

/* v[i] NULL: passed over. Clears the second end of a pair. */
static ql_status
and_all(qli_planner *p, const ql_expr **v, uint32_t n, double *share)
{
    together t = {.n = 0};
    double joins = 1;
    for (uint32_t i = 0; i < n; i++) {
        double one;
        if (!v[i]) {
            continue;
        }
        uint32_t k = other_end(p, v[i], v, n, i + 1);
        if (k < n) {
            QL_TRY(pair_of_ends(p, v[i], v[k], &one));
            v[k] = NULL;
        } else {
            QL_TRY(share_of(p, v[i], &one));
        }
        qli_mask m = qli_expr_sources(p, v[i]);
        if (m & (m - 1)) {
            joins *= clipped(one);
        } else {
            add_share(&t, clipped(one));
        }
        QL_TRY(ql_check(p->cx));
    }
    *share = joins * all_together(&t);
    return p->bad;
}

static uint32_t
count_terms(const ql_expr *e, ql_op op)
{
    uint32_t n = 0;
    if (e->kind != QL_E_OP || e->op != op) {
        return 1;
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        n += count_terms(e->args[i], op);
    }
    return n;
}

static void
list_terms(const ql_expr *e, ql_op op, const ql_expr **v, uint32_t *n)
{
    if (e->kind != QL_E_OP || e->op != op) {
        v[(*n)++] = e;
        return;
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        list_terms(e->args[i], op, v, n);
    }
}

static ql_status
terms_of(qli_planner *p, const ql_expr *e, const ql_expr ***v, uint32_t *n)
{
    *v = QL_ARENA_ARRAY(p->cx, p->a, const ql_expr *, count_terms(e, e->op));
    *n = 0;
    if (!*v) {
        return QL_ERROR;
    }
    list_terms(e, e->op, *v, n);
    return QL_OK;
}

static bool
equals_same_column(const qli_planner *p, const ql_expr *a, const ql_expr *b)
{
    column x, y;
    return a->kind == QL_E_OP && b->kind == QL_E_OP && a->op == QL_OP_EQ && b->op == QL_OP_EQ &&
           column_of(p, a->args[0], &x) && column_of(p, b->args[0], &y) && x.source == y.source &&
           x.ordinal == y.ordinal;
}

/* Equalities of one column exclude each other; others are taken as independent. */
static ql_status
or_all(qli_planner *p, const ql_expr *e, double *share)
{
    const ql_expr **v;
    uint32_t n;
    double sum = 0;
    QL_TRY(terms_of(p, e, &v, &n));
    for (uint32_t i = 0; i < n; i++) {
        double one;
        QL_TRY(share_of(p, v[i], &one));
        one = clipped(one);
        sum = i > 0 && equals_same_column(p, v[i - 1], v[i]) ? sum + one : sum + one - sum * one;
        QL_TRY(ql_check(p->cx));
    }
    *share = sum;
    return QL_OK;
}

static ql_status
op_share(qli_planner *p, const ql_expr *e, double *share)
{
    const ql_expr **v;
    const ql_expr *a = e->nargs > 0 ? e->args[0] : NULL;
    uint32_t n;
    double x, y;
    switch (e->op) {
    case QL_OP_AND:
        QL_TRY(terms_of(p, e, &v, &n));
        return and_all(p, v, n, share);
    case QL_OP_OR:
        return or_all(p, e, share);
    case QL_OP_XOR:
        QL_TRY(share_of(p, a, &x));
        QL_TRY(share_of(p, e->args[1], &y));
        *share = x * (1 - y) + y * (1 - x);
        return QL_OK;
    case QL_OP_NOT:
        QL_TRY(share_of(p, a, share));
        *share = 1 - *share;
        return QL_OK;
    case QL_OP_NULLSAFE_EQ:
        if (is_null_const(a) || is_null_const(e->args[1])) {
            return is_null(p, is_null_const(a) ? e->args[1] : a, share);
        }
        return equal(p, a, e->args[1], share);
    case QL_OP_EQ:
        return equal(p, a, e->args[1], share);
    case QL_OP_NE:
        return all_others(p, a, equal(p, a, e->args[1], share), share);
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
        return less_or_greater(p, e, share);
    case QL_OP_BETWEEN:
        return range(p, a, e->args[1], true, e->args[2], true, share);
    case QL_OP_NOT_BETWEEN:
        return all_others(p, a, range(p, a, e->args[1], true, e->args[2], true, share), share);
    case QL_OP_IN:
        return in_list(p, e, share);
    case QL_OP_NOT_IN:
        return all_others(p, a, in_list(p, e, share), share);
    case QL_OP_LIKE:
        return like(p, e, share);
    case QL_OP_NOT_LIKE:
        return all_others(p, a, like(p, e, share), share);
    case QL_OP_IS_NULL:
        return is_null(p, a, share);
    case QL_OP_IS_NOT_NULL:
        QL_TRY(is_null(p, a, share));
        *share = 1 - *share;
        return QL_OK;
    case QL_OP_IS_TRUE:
        return share_of(p, a, share);
    case QL_OP_IS_FALSE:
    case QL_OP_IS_NOT_TRUE:
        QL_TRY(share_of(p, a, share));
        *share = 1 - *share;
        return QL_OK;
    case QL_OP_REGEXP:
        *share = 2 * SHARE_PATTERN;
        return QL_OK;
    case QL_OP_NOT_REGEXP:
        *share = 1 - 2 * SHARE_PATTERN;
        return QL_OK;
    default:
        *share = SHARE_OTHER;
        return QL_OK;
    }
}

/* A column by itself: all but zero. */
static ql_status
truth_of(qli_planner *p, const ql_expr *e, double *share)
{
    column c;
    *share = SHARE_OTHER;
    if (!column_of(p, e, &c) || !c.stats || c.type->kind != QL_K_INT) {
        return QL_OK;
    }
    ql_value zero = c.type->is_unsigned ? ql_value_uint(0) : ql_value_int(0);
    QL_TRY(ql_stats_equal(p->cx, c.stats, c.ordinal, &zero, share));
    *share = 1 - nulls_of(&c) - *share;
    return QL_OK;
}

static ql_status
share_of(qli_planner *p, const ql_expr *e, double *share)
{
    if (e->kind == QL_E_CONST) {
        bool yes = false;
        if (!ql_value_is_null(&e->value)) {
            ql_diag_try(p->cx->diag);
            ql_status st = ql_value_to_bool(p->cx, &e->value, &yes);
            (void)ql_diag_tried(p->cx->diag);
            QL_TRY(st);
        }
        *share = yes;
        return QL_OK;
    }
    return e->kind == QL_E_OP ? op_share(p, e, share) : truth_of(p, e, share);
}

/* --- asked by the rest of the planner --- */

ql_status
qli_selectivity(qli_planner *p, const ql_expr *e, double *share)
{
    QL_TRY(share_of(p, e, share));
    *share = clipped(*share);
    return p->bad;
}

ql_status
qli_conds_selectivity(qli_planner *p, const qli_conds *c, uint64_t answered, qli_mask have,
                      double *share)
{
    const ql_expr **v = QL_ARENA_ARRAY(p->cx, p->a, const ql_expr *, c->n + 1u);
    uint32_t n = 0;
    if (!v) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        const qli_cond *k = &c->v[i];
        if (!k->used && !(i < 64 && (answered >> i & 1)) && k->needs != 0 &&
            (k->needs & ~have) == 0) {
            v[n++] = k->e;
        }
    }
    QL_TRY(and_all(p, v, n, share));
    *share = clipped(*share);
    return p->bad;
}

/* Rows of the source for each combination in the first n parts; 0: not known. */
static double
rows_of_prefix(const qli_planner *p, uint16_t source, const ql_index *x, uint16_t n)
{
    const ql_table_stats *s = p->stats[source];
    size_t i = s ? (size_t)(x - s->table->indexes) : 0;
    if (!s || i >= s->table->nindexes || n == 0 || s->prefixes == NULL ||
        n > ql_stats_parts(s->table, x)) {
        return 0;
    }
    double d = s->prefixes[i][n - 1], rows = p->rows[source];
    const ql_column_stats *c = x->nparts > 0 ? &s->columns[x->parts[0].column] : NULL;
    if (d <= 0) {
        return 0;
    }
    if (n == 1 && c && c->known && c->nulls > 0 && d > 1) {
        d -= 1;
        rows *= 1 - c->nulls;
    }
    return d > rows ? 1 : rows / d;
}

ql_status
qli_equal_rows(qli_planner *p, uint16_t source, const ql_index *x, uint16_t n, double *rows)
{
    *rows = rows_of_prefix(p, source, x, n);
    if (*rows > 0) {
        *rows = *rows < 1 ? 1 : *rows;
        return QL_OK;
    }
    double each = x->unique ? 0.02 : 0.05;
    double r = p->rows[source];
    for (uint16_t i = 0; i < n; i++) {
        r *= each;
    }
    *rows = r < 1 ? 1 : r;
    return QL_OK;
}

ql_status
qli_range_rows(qli_planner *p, uint16_t source, qli_access *a)
{
    const ql_table_stats *s = p->stats[source];
    uint16_t part = a->neq;
    bool begins = a->low.like && a->low.like == a->high.like; /* known by its own share */
    if (begins || !s || !s->known || !a->index || a->index->hidden_rowid ||
        part >= ql_index_depth(s->table, a->index) || (a->low.n <= part && a->high.n <= part)) {
        return QL_OK;
    }
    const ql_index_part *of = ql_index_part_at(s->table, a->index, part);
    column c = {source, of->column, s, NULL};
    c.type = &s->table->types[c.ordinal];
    ql_expr slot = {.kind = QL_E_SLOT};
    const ql_source *q = &p->q->sources[source];
    uint16_t i = 0;
    while (i < q->ncols && q->ordinals[i] != c.ordinal) {
        i++;
    }
    if (i == q->ncols) {
        return QL_OK;
    }
    slot.index = q->slots[i];
    double before = p->rows[source], share = 0;
    if (part > 0) {
        QL_TRY(qli_equal_rows(p, source, a->index, part, &before));
    }
    bool down = of->descending;
    const ql_plan_bound *lo = down ? &a->high : &a->low, *hi = down ? &a->low : &a->high;
    const ql_expr *low = lo->n > part ? lo->values[part] : NULL;
    const ql_expr *high = hi->n > part ? hi->values[part] : NULL;
    low = low && is_null_const(low) ? NULL : low; /* only NULLs are kept out */
    high = high && is_null_const(high) ? NULL : high;
    if (low || high) {
        QL_TRY(range(p, &slot, low, lo->inclusive, high, hi->inclusive, &share));
    } else {
        share = 1 - nulls_of(&c);
    }
    a->rows = before * clipped(share);
    a->rows = a->rows < 1 ? 1 : a->rows;
    return p->bad;
}

static ql_status
distinct_of(qli_planner *p, const ql_expr *e, double *n)
{
    column c;
    const ql_expr *in = without_casts(e);
    if (column_of(p, in, &c)) {
        *n = column_distinct(p, &c) + (nulls_of(&c) > 0);
        return ql_check(p->cx);
    }
    if (in->kind == QL_E_OP && in->op >= QL_OP_OR && in->op <= QL_OP_NOT_REGEXP) {
        *n = 2; /* a truth value */
        return QL_OK;
    }
    *n = 1;
    for (uint32_t i = 0; i < in->nargs; i++) {
        double d;
        QL_TRY(distinct_of(p, in->args[i], &d));
        *n *= d;
    }
    return QL_OK;
}

ql_status
qli_distinct(qli_planner *p, const ql_expr *e, double *n)
{
    qli_mask m = qli_expr_sources(p, e);
    double rows = 1;
    for (uint16_t i = 0; i < p->q->nsources; i++) {
        rows *= m >> i & 1 ? p->rows[i] : 1;
    }
    QL_TRY(distinct_of(p, e, n));
    *n = *n > rows ? rows : *n < 1 ? 1 : *n;
    return p->bad;
}

/* Drawing `rows` times among all combinations (Cardenas, 1975). */
ql_status
qli_groups(qli_planner *p, ql_expr *const *v, uint32_t n, double rows, double *groups)
{
    double all = 1;
    for (uint32_t i = 0; i < n; i++) {
        double d;
        QL_TRY(qli_distinct(p, v[i], &d));
        all *= d;
    }
    *groups = all < 1e15 ? all * -expm1(rows * log1p(-1 / (all > 1 ? all : 2))) : rows;
    *groups = all <= 1 ? 1 : *groups > rows ? rows : *groups < 1 ? 1 : *groups;
    return QL_OK;
}
