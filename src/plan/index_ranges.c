/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions as ranges of one index. What AND-ed conditions say about one part is a set of its
 * values; from the first part on, each entry fixed so far is combined with the set of the next one.
 * An OR over several columns is taken branch by branch, each together with the conditions beside
 * the OR, and united: `a > 5 OR (a = 5 AND b >= 7)`, how programs go through a table in pieces, is
 * one range that begins at (5, 7); `(a, b) IN ((1, 2), (3, 4))` is two points. What is not
 * understood makes the set larger, never smaller.
 */
#include "base/bulk.h"
#include "plan/plan_int.h"
#include "vars/sysvars.h"

/* What all conditions beside ORs say about a part. */
typedef struct side {
    bool made;
    qli_ranges set;
    uint64_t exact, counted;
    qli_mask needs;
    double share; /* of ends whose values are not known yet */
} side;

typedef struct builder {
    qli_ranger r;
    const qli_conds *c;
    qli_mask left;
    side *sides; /* [depth] */
    uint16_t depth;
    bool no_range; /* a hint: equalities only */
    qli_access *a;
} builder;

/* --- all conditions, one part --- */

static void
note_used(side *s, bool exact, uint32_t i)
{
    if (i < 64) {
        s->exact |= (uint64_t)exact << i;
        s->counted |= UINT64_C(1) << i;
    }
}

static ql_status
take_constants(builder *b, uint16_t part, side *s)
{
    for (uint32_t i = 0; i < b->c->n; i++) {
        const qli_cond *c = &b->c->v[i];
        qli_column_set one;
        qli_ranges both;
        if (c->used || c->nondet || !(c->needs >> b->r.source & 1)) {
            continue;
        }
        QL_TRY(qli_column_set_of(&b->r, part, c->e, &one));
        if (!one.known) {
            continue;
        }
        QL_TRY(qli_ranges_intersect(&b->r, part, &s->set, &one.set, &both));
        if (both.whole || both.n > 0) { /* conditions that exclude each other: the first counts */
            s->set = both;
            note_used(s, one.exact, i);
        }
    }
    return QL_OK;
}

/* Conditions with values that are known when the scan starts. */
typedef struct open_ends {
    ql_expr *low, *high;
    bool low_in, high_in;
} open_ends;

static bool
is_end_open(const qli_ranges *set, bool upper)
{
    if (set->whole || set->n != 1) {
        return set->whole;
    }
    const ql_plan_bound *b = upper ? &set->v[0].high : &set->v[0].low;
    return b->n == 0 || (b->values[0]->kind == QL_E_CONST && b->values[0]->value.kind == QL_K_NULL);
}

static ql_status
take_end(builder *b, side *s, open_ends *o, const qli_term *t, uint32_t i)
{
    bool upper = t->op == QL_OP_LT || t->op == QL_OP_LE;
    bool inclusive = t->op == QL_OP_LE || t->op == QL_OP_GE;
    double share;
    if (upper ? o->high != NULL : o->low != NULL) {
        return QL_OK; /* a second condition on the same end stays a filter */
    }
    *(upper ? &o->high : &o->low) = t->value;
    *(upper ? &o->high_in : &o->low_in) = inclusive;
    s->needs |= qli_expr_sources(b->r.p, t->value);
    note_used(s, t->exact, i);
    QL_TRY(qli_selectivity(b->r.p, b->c->v[i].e, &share));
    s->share *= share;
    return QL_OK;
}

static ql_status
put_ends(builder *b, uint16_t part, side *s, const open_ends *o)
{
    ql_plan_range was = {0}, *g;
    bool down = qli_part(&b->r, part)->descending;
    if (!s->set.whole) {
        was = s->set.v[0];
    }
    const ql_plan_bound *low = down ? &was.high : &was.low, *high = down ? &was.low : &was.high;
    QL_TRY(qli_ranges_room(&b->r, 1, &g));
    if (!g) {
        return QL_OK;
    }
    s->set = (qli_ranges){.v = g, .n = 1};
    return qli_part_between(&b->r, part,
                            o->low   ? o->low
                            : low->n ? low->values[0]
                                     : NULL,
                            o->low ? o->low_in : low->inclusive,
                            o->high   ? o->high
                            : high->n ? high->values[0]
                                      : NULL,
                            o->high ? o->high_in : high->inclusive, g);
}

/* A pattern where nothing else is said of the part. */
static ql_status
put_pattern(builder *b, uint16_t part, side *s, const qli_term *t, uint32_t i)
{
    double share;
    s->needs |= qli_expr_sources(b->r.p, t->value);
    note_used(s, false, i);
    QL_TRY(qli_selectivity(b->r.p, t->like, &share));
    s->share *= share;
    return qli_term_ranges(&b->r, part, t, &s->set);
}

/* An equality is worth more than any set but a single value; a range fills an end left open. */
static ql_status
take_unknown(builder *b, uint16_t part, side *s)
{
    open_ends o = {0};
    bool down = qli_part(&b->r, part)->descending;
    qli_term t, pattern = {0};
    uint32_t pattern_at = 0;
    if (s->set.n == 1 && qli_range_is_point(&s->set.v[0], 1)) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < b->c->n; i++) {
        const qli_cond *c = &b->c->v[i];
        if (c->used || c->nondet ||
            !qli_term_of(b->r.p, c, b->r.source, qli_part(&b->r, part)->column, b->left, &t) ||
            qli_term_is_known(&t)) {
            continue;
        }
        t.exact = t.exact && qli_part(&b->r, part)->prefix == 0;
        if (t.op == QL_OP_EQ) {
            *s = (side){.made = true, .share = 1, .needs = qli_expr_sources(b->r.p, t.value)};
            note_used(s, t.exact, i);
            return qli_term_ranges(&b->r, part, &t, &s->set);
        }
        if (t.op == QL_OP_LIKE) {
            pattern = t;
            pattern_at = i;
            continue;
        }
        bool upper = t.op == QL_OP_LT || t.op == QL_OP_LE;
        if (t.op >= QL_OP_LT && t.op <= QL_OP_GE && is_end_open(&s->set, upper != down)) {
            QL_TRY(take_end(b, s, &o, &t, i));
        }
    }
    QL_TRY(b->r.p->bad);
    if (pattern.like && s->set.whole && !o.low && !o.high) {
        return put_pattern(b, part, s, &pattern, pattern_at);
    }
    return o.low || o.high ? put_ends(b, part, s, &o) : QL_OK;
}

static ql_status
make_side(builder *b, uint16_t part)
{
    side *s = &b->sides[part];
    if (s->made) {
        return QL_OK;
    }
    *s = (side){.made = true, .set = {.whole = true}, .share = 1};
    b->r.on_values = true;
    QL_TRY(take_constants(b, part, s));
    QL_TRY(b->r.too_large ? QL_OK : take_unknown(b, part, s));
    b->r.on_values = false;
    return QL_OK;
}

/* --- all conditions, all parts --- */

static bool
has_point(const qli_ranges *set, uint16_t n)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (qli_range_is_point(&set->v[i], n)) {
            return true;
        }
    }
    return false;
}

/* The set of a part within a branch of an OR; beside it stand the conditions outside. *exact: what
 * it says all of, of the first 64 of the branch. */
static ql_status
branch_set(builder *b, uint16_t part, const qli_conds *branch, qli_ranges *set, uint64_t *exact)
{
    *exact = 0;
    for (uint32_t i = 0; branch && i < branch->n; i++) {
        qli_column_set one;
        if (branch->v[i].nondet || !(branch->v[i].needs >> b->r.source & 1)) {
            continue;
        }
        QL_TRY(qli_column_set_of(&b->r, part, branch->v[i].e, &one));
        if (one.known) {
            qli_ranges both;
            bool was = b->r.unknown;
            b->r.on_values = true;
            QL_TRY(qli_ranges_intersect(&b->r, part, set, &one.set, &both));
            b->r.on_values = false;
            bool taken = !b->r.unknown || was;
            *set = taken ? both : *set;
            *exact |= i < 64 && taken && one.exact ? UINT64_C(1) << i : 0;
            b->r.unknown = was;
        }
    }
    return QL_OK;
}

/* The part before k that holds all of the same column: one of the clustered key may be among the
 * index's own. k: there is none. */
static uint16_t
part_before(const qli_ranger *r, uint16_t k)
{
    for (uint16_t i = 0; k >= r->x->nparts && i < r->x->nparts; i++) {
        if (r->x->parts[i].column == qli_part(r, k)->column && r->x->parts[i].prefix == 0) {
            return i;
        }
    }
    return k;
}

/* Entries that are fixed so far have the value of part `before` again. */
static ql_status
repeat_part(qli_ranger *r, qli_ranges *set, uint16_t k, uint16_t before)
{
    for (uint32_t i = 0; i < set->n; i++) {
        ql_plan_range *g = &set->v[i];
        QL_TRY(ql_bulk_node(r->p->cx));
        if (!qli_range_is_point(g, k)) {
            continue;
        }
        ql_expr **v = QL_ARENA_ARRAY(r->p->cx, r->p->a, ql_expr *, k + 1u);
        if (!v) {
            return QL_ERROR;
        }
        for (uint16_t j = 0; j <= k; j++) {
            v[j] = g->low.values[j < k ? j : before];
        }
        g->low = g->high = (ql_plan_bound){.values = v, .n = (uint16_t)(k + 1), .inclusive = true};
    }
    return QL_OK;
}

/* Parts of use to ranges: not what is only repeated at the end. */
static uint16_t
useful_depth(const qli_ranger *r)
{
    const qli_planner *p = r->p;
    uint16_t n = r->x->nparts;
    if (ql_query_switch(p->cx, p->q, QL_SWITCH_USE_INDEX_EXTENSIONS)) {
        n = ql_index_depth(p->q->sources[r->source].table, r->x);
        while (n > r->x->nparts && part_before(r, (uint16_t)(n - 1)) < n - 1) {
            n--;
        }
    }
    return n;
}

/* Many ranges for each entry fixed so far are not worth it where that has hardly more rows. */
#define FEW_RANGES 8
static ql_status
is_worth_it(builder *b, uint16_t k, uint32_t n, bool *yes)
{
    double rows;
    if (n > FEW_RANGES) {
        QL_TRY(qli_equal_rows(b->r.p, b->r.source, b->r.x, k, &rows));
        *yes = n < rows * 2;
    }
    return QL_OK;
}

/* *exact: conditions that the ranges say all of: of the branch, or, without one, of the list. */
static ql_status
tuple_ranges(builder *b, const qli_conds *branch, uint64_t *exact, qli_ranges *out)
{
    QL_TRY(qli_ranges_room(&b->r, 1, &out->v));
    out->n = 1;
    out->whole = !out->v;
    for (uint16_t k = 0; k < b->depth && !b->r.too_large; k++) {
        bool all;
        uint64_t said;
        uint16_t before = part_before(&b->r, k);
        if (before < k) {
            QL_TRY(repeat_part(&b->r, out, k, before));
            continue;
        }
        QL_TRY(make_side(b, k));
        const side *s = &b->sides[k];
        qli_ranges set = s->set;
        if (k == 0) {
            out->v[0].low.inclusive = out->v[0].high.inclusive = true;
        }
        QL_TRY(branch_set(b, k, branch, &set, &said));
        bool one = set.n == 1 && qli_range_is_point(&set.v[0], 1);
        if (set.whole || b->r.too_large || (b->no_range && !one)) {
            break;
        }
        if (set.n == 0) {
            *out = (qli_ranges){0};
            return QL_OK;
        }
        qli_ranges own = set;
        if (qli_part(&b->r, k)->prefix > 0) {
            QL_TRY(qli_cut_values(&b->r, k, &set, &own));
        }
        bool worth = own.v && !own.whole;
        QL_TRY(worth && k > 0 ? is_worth_it(b, k, own.n, &worth) : QL_OK);
        if (!worth) {
            break;
        }
        QL_TRY(qli_ranges_product(&b->r, out, k, &own, out, &all));
        b->a->needs |= s->needs;
        b->a->unknown_share *= branch ? 1 : s->share;
        *exact |= !all ? 0 : branch ? said : s->exact;
        b->a->counted |= branch ? 0 : s->counted;
        if (qli_part(&b->r, k)->prefix > 0 || !has_point(out, (uint16_t)(k + 1))) {
            break;
        }
    }
    if (!out->whole && out->n == 1 && out->v[0].low.n == 0 && out->v[0].high.n == 0) {
        *out = (qli_ranges){.whole = true};
    }
    return QL_OK;
}

/* --- ORs over several columns --- */

/* An OR that no set of one part says all of. */
static ql_status
is_mixed_or(builder *b, const qli_cond *c, bool *yes)
{
    *yes = !c->used && !c->nondet && qli_is_op(c->e, QL_OP_OR) && (c->needs >> b->r.source & 1);
    for (uint16_t k = 0; k < b->depth && *yes; k++) {
        qli_column_set one;
        QL_TRY(qli_column_set_of(&b->r, k, c->e, &one));
        *yes = !one.known || one.partly;
    }
    return QL_OK;
}

static ql_status mixed_or(builder *b, const ql_expr *e, const qli_conds *more, qli_ranges *out,
                          bool *exact);

/* One branch, which holds e beside what the enclosing branches hold. *all: the ranges say all of
 * it. */
static ql_status
branch_ranges(builder *b, ql_expr *e, const qli_conds *more, qli_ranges *out, bool *all)
{
    qli_conds c = {0};
    uint64_t exact = 0;
    QL_TRY(qli_conds_split(b->r.p, e, &c));
    uint32_t own = c.n;
    bool mixed = false;
    QL_TRY(own == 1 ? is_mixed_or(b, &c.v[0], &mixed) : QL_OK);
    if (mixed) { /* row IN lists lean to no side */
        return mixed_or(b, e, more, out, all);
    }
    for (uint32_t i = 0; i < more->n; i++) {
        QL_TRY(qli_conds_add(b->r.p, &c, &more->v[i]));
    }
    QL_TRY(tuple_ranges(b, &c, &exact, out));
    *all = more->n == 0 && own < 64 && exact == (UINT64_C(1) << own) - 1;
    for (uint32_t i = 0; i < own && !b->r.too_large; i++) {
        qli_ranges inner = {0}, both;
        QL_TRY(is_mixed_or(b, &c.v[i], &mixed));
        if (mixed) {
            bool inner_all;
            QL_TRY(mixed_or(b, c.v[i].e, &c, &inner, &inner_all));
            QL_TRY(qli_ranges_intersect(&b->r, 0, out, &inner, &both));
            *out = both;
        }
    }
    return QL_OK;
}

static ql_status
mixed_or(builder *b, const ql_expr *e, const qli_conds *more, qli_ranges *out, bool *exact)
{
    ql_plan_range *v = NULL;
    uint32_t n = 0, cap = 0;
    *out = (qli_ranges){.whole = true};
    *exact = true;
    for (const ql_expr *k = e; k; k = qli_is_op(k, QL_OP_OR) ? k->args[0] : NULL) {
        qli_ranges one = {0};
        bool all;
        QL_TRY(
            branch_ranges(b, qli_is_op(k, QL_OP_OR) ? k->args[1] : (ql_expr *)k, more, &one, &all));
        *exact = *exact && all;
        if (one.whole || b->r.too_large) {
            return QL_OK;
        }
        if (n + one.n > cap) {
            ql_plan_range *was = v;
            cap = (n + one.n) * 2;
            QL_TRY(qli_ranges_room(&b->r, cap - n, &v));
            v = v ? QL_ARENA_ARRAY(b->r.p->cx, b->r.p->a, ql_plan_range, cap) : NULL;
            if (!v) {
                return b->r.too_large ? QL_OK : QL_ERROR;
            }
            for (uint32_t i = 0; i < n; i++) {
                v[i] = was[i];
            }
        }
        for (uint32_t i = 0; i < one.n; i++) {
            v[n++] = one.v[i];
        }
    }
    return qli_ranges_unite(&b->r, 0, v, n, out);
}

static ql_status
take_ors(builder *b, qli_ranges *set)
{
    const qli_conds none = {0};
    for (uint32_t i = 0; i < b->c->n && !b->r.too_large; i++) {
        bool mixed, exact;
        qli_ranges one = {0}, both;
        QL_TRY(is_mixed_or(b, &b->c->v[i], &mixed));
        if (!mixed || b->c->v[i].has_query) {
            continue;
        }
        b->r.unknown = false;
        QL_TRY(mixed_or(b, b->c->v[i].e, &none, &one, &exact));
        if (b->r.unknown || b->r.too_large) {
            continue;
        }
        QL_TRY(qli_ranges_intersect(&b->r, 0, set, &one, &both));
        if (!b->r.unknown && (both.whole || both.n > 0)) {
            *set = both;
            b->a->counted |= i < 64 ? UINT64_C(1) << i : 0;
            b->a->exact |= i < 64 && exact ? UINT64_C(1) << i : 0;
        }
    }
    return QL_OK;
}

/* --- the access --- */

/* Values that both ends share are the same expression. */
static ql_status
share_values(qli_ranger *r, const ql_plan_bound *low, ql_plan_bound *high, uint16_t *n)
{
    *n = 0;
    if (low->values == high->values) {
        *n = qli_bound_fixed(low, high);
        return QL_OK;
    }
    while (*n < low->n && *n < high->n) {
        ql_plan_bound x = {.values = low->values + *n, .n = 1, .inclusive = true};
        ql_plan_bound y = {.values = high->values + *n, .n = 1, .inclusive = true};
        int c;
        r->unknown = false;
        if (((low->like || low->near) && *n + 1 == low->n) ||
            ((high->like || high->near) && *n + 1 == high->n)) {
            break;
        }
        QL_TRY(qli_cut_compare(r, *n, qli_cut_low(&x), qli_cut_low(&y), &c));
        if (c != 0 || r->unknown) {
            break;
        }
        high->values[*n] = low->values[*n];
        (*n)++;
    }
    return QL_OK;
}

/* <> on a column without NULLs leaves both ends open, which would not look like a range: its lower
 * end is behind the NULLs there are not. */
static ql_status
close_end(qli_ranger *r, qli_ranges *set)
{
    qli_planner *p = r->p;
    bool down = r->x->parts[0].descending;
    ql_plan_bound *end = down ? &set->v[set->n - 1].high : &set->v[0].low;
    if (set->v[0].low.n > 0 || set->v[set->n - 1].high.n > 0) {
        return QL_OK;
    }
    end->values = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, 1);
    ql_expr *null = end->values ? qli_null_const(p, qli_part_type(r, 0)) : NULL;
    if (!null) {
        return QL_ERROR;
    }
    end->values[0] = null;
    end->n = 1;
    end->inclusive = false;
    return QL_OK;
}

static bool
has_null_value(const ql_plan_bound *b)
{
    for (uint16_t i = 0; i < b->n; i++) {
        if (b->values[i]->type.kind == QL_K_NULL ||
            (b->values[i]->kind == QL_E_CONST && b->values[i]->value.kind == QL_K_NULL)) {
            return true;
        }
    }
    return false;
}

static ql_status
put_ranges(qli_ranger *r, qli_ranges *set, qli_access *a)
{
    const ql_index *x = r->x;
    if (set->whole || set->n == 0) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < set->n; i++) {
        uint16_t same;
        QL_TRY(share_values(r, &set->v[i].low, &set->v[i].high, &same));
    }
    if (set->n > 1) {
        QL_TRY(close_end(r, set));
        a->ranges = set->v;
        a->nranges = set->n;
    }
    a->low = set->v[0].low;
    a->high = set->v[set->n - 1].high;
    QL_TRY(share_values(r, &a->low, &a->high, &a->neq));
    a->nlow = a->low.n;
    a->nhigh = a->high.n;
    a->unique = x->unique && set->n == 1 && qli_range_is_point(&set->v[0], x->nparts) &&
                x->parts[x->nparts - 1].prefix == 0 && !has_null_value(&a->low);
    return QL_OK;
}

ql_status
qli_ranges_access(qli_ranger *r, qli_ranges *set, qli_access *a)
{
    *a = (qli_access){.index = r->x, .unknown_share = 1};
    a->low.inclusive = a->high.inclusive = true;
    return put_ranges(r, set, a);
}

static uint64_t
memory_limit(const ql_ctx *cx)
{
    uint64_t n = cx->vars ? ql_vars_u64(cx->vars, QL_SV_RANGE_OPTIMIZER_MAX_MEM_SIZE) : 8388608;
    return n ? n : UINT64_MAX;
}

static void
tell_too_large(qli_planner *p)
{
    if (!p->ranges_too_large) {
        p->ranges_too_large = true;
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_CAPACITY_EXCEEDED,
                (unsigned long long)memory_limit(p->cx), "range_optimizer_max_mem_size",
                "Range optimization was not done for this query.");
    }
}

ql_status
qli_part_ranges(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                uint16_t part, qli_ranges *out, uint64_t *counted)
{
    builder b = {.r = {.p = p, .source = source, .x = x, .memory = memory_limit(p->cx)}, .c = c};
    side s = {.set = {.whole = true}};
    b.r.on_values = true;
    QL_TRY(take_constants(&b, part, &s));
    *out = b.r.too_large ? (qli_ranges){.whole = true} : s.set;
    *counted = s.counted;
    b.r.on_values = false;
    if (!out->whole && out->n > 0 && qli_part(&b.r, part)->prefix > 0) {
        qli_ranges values = *out;
        QL_TRY(qli_cut_values(&b.r, part, &values, out));
        out->whole = out->whole || !out->v;
    }
    return p->bad;
}

ql_status
qli_index_ranges(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                 qli_mask left, qli_access *a)
{
    builder b = {.r = {.p = p, .source = source, .x = x, .memory = memory_limit(p->cx)},
                 .c = c,
                 .left = left,
                 .no_range =
                     ql_index_is_in(p->q->sources[source].no_range, p->q->sources[source].table, x),
                 .a = a};
    qli_ranges set = {0};
    *a = (qli_access){.index = x, .unknown_share = 1};
    a->low.inclusive = a->high.inclusive = true;
    if (x->hidden_rowid || x->nparts == 0) {
        return ql_check(p->cx);
    }
    b.depth = useful_depth(&b.r);
    b.sides = QL_ARENA_ARRAY(p->cx, p->a, side, b.depth);
    if (!b.sides) {
        return QL_ERROR;
    }
    QL_TRY(tuple_ranges(&b, NULL, &a->exact, &set));
    QL_TRY(b.no_range ? QL_OK : take_ors(&b, &set));
    if (b.r.too_large) {
        *a = (qli_access){.index = x, .unknown_share = 1};
        a->low.inclusive = a->high.inclusive = true;
        tell_too_large(p);
        return p->bad;
    }
    QL_TRY(put_ranges(&b.r, &set, a));
    return p->bad;
}
