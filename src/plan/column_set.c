/* SPDX-License-Identifier: Apache-2.0
 *
 * What one condition says about one part of an index, as a set of its values: of comparisons with
 * constants, and of ANDs and ORs of such. And sets of values as keys of a part that holds the
 * beginning of its column.
 */
#include "base/bulk.h"
#include "plan/plan_int.h"
#include "types/beginning.h"

/* Between two values (NULL: open), which never lets NULLs in. */
ql_status
qli_part_between(qli_ranger *r, uint16_t part, ql_expr *low, bool low_in, ql_expr *high,
                 bool high_in, ql_plan_range *g)
{
    const ql_type *t = qli_part_type(r, part);
    if (!low && t->nullable) {
        low = qli_null_const(r->p, t);
        low_in = false;
        QL_TRY(r->p->bad);
    }
    ql_expr **v = QL_ARENA_ARRAY(r->p->cx, r->p->a, ql_expr *, 2);
    if (!v) {
        return QL_ERROR;
    }
    bool down = qli_part(r, part)->descending;
    v[0] = down ? high : low;
    v[1] = down ? low : high;
    g->low = (ql_plan_bound){.values = v, .n = v[0] != NULL, .inclusive = down ? high_in : low_in};
    g->high =
        (ql_plan_bound){.values = v + 1, .n = v[1] != NULL, .inclusive = down ? low_in : high_in};
    g->low.inclusive |= g->low.n == 0;
    g->high.inclusive |= g->high.n == 0;
    return QL_OK;
}

/* The points of an IN list, or all between them. */
static ql_status
list_ranges(qli_ranger *r, uint16_t part, const qli_term *t, qli_ranges *out)
{
    const qli_points *k = t->points;
    bool between = t->op == QL_OP_NOT_IN;
    uint32_t n = k->n + between;
    QL_TRY(qli_ranges_room(r, n, &out->v));
    if (!out->v) {
        return QL_OK;
    }
    out->n = n;
    for (uint32_t i = 0; i < n; i++) {
        ql_plan_range *to = &out->v[qli_part(r, part)->descending ? n - 1 - i : i];
        ql_expr *low = !between ? k->v[i] : i > 0 ? k->v[i - 1] : NULL;
        ql_expr *high = i < k->n ? k->v[i] : NULL;
        QL_TRY(ql_bulk_node(r->p->cx));
        QL_TRY(qli_part_between(r, part, low, !between, high, !between, to));
    }
    return QL_OK;
}

/* Ranges of a condition whose values are constants. */
ql_status
qli_term_ranges(qli_ranger *r, uint16_t part, const qli_term *t, qli_ranges *out)
{
    ql_expr *v = t->value;
    if (t->op == QL_OP_IN || t->op == QL_OP_NOT_IN) {
        return list_ranges(r, part, t, out);
    }
    QL_TRY(qli_ranges_room(r, 2, &out->v));
    if (!out->v) {
        return QL_OK;
    }
    out->n = 1;
    ql_plan_range *g = out->v;
    switch (t->op) {
    case QL_OP_LT:
    case QL_OP_LE:
        return qli_part_between(r, part, NULL, false, v, t->op == QL_OP_LE, g);
    case QL_OP_GT:
    case QL_OP_GE:
        return qli_part_between(r, part, v, t->op == QL_OP_GE, NULL, false, g);
    case QL_OP_IS_NOT_NULL:
        return qli_part_between(r, part, NULL, false, NULL, false, g);
    case QL_OP_LIKE:
        QL_TRY(qli_part_between(r, part, v, true, t->value2, true, g));
        g->low.like = g->high.like = t->like;
        return QL_OK;
    case QL_OP_NE:
        out->n = 2;
        bool down = qli_part(r, part)->descending;
        QL_TRY(qli_part_between(r, part, NULL, false, v, false, &g[down ? 1 : 0]));
        return qli_part_between(r, part, v, false, NULL, false, &g[down ? 0 : 1]);
    default:
        return qli_part_between(r, part, v, true, t->value2 ? t->value2 : v, true, g);
    }
}

bool
qli_term_is_known(const qli_term *t)
{
    return (!t->value || t->value->kind == QL_E_CONST) &&
           (!t->value2 || t->value2->kind == QL_E_CONST);
}

/* Known when all branches are: they lean to the left, as they are parsed. */
static ql_status
or_set(qli_ranger *r, uint16_t part, const ql_expr *e, qli_column_set *out)
{
    qli_column_set *list = NULL, one;
    uint32_t n = 0;
    out->exact = true;
    for (const ql_expr *k = e; k; k = qli_is_op(k, QL_OP_OR) ? k->args[0] : NULL) {
        QL_TRY(qli_column_set_of(r, part, qli_is_op(k, QL_OP_OR) ? k->args[1] : k, &one));
        if (!one.known || one.set.whole || r->too_large) {
            return QL_OK;
        }
        qli_column_set *kept = QL_ARENA_NEW(r->p->cx, r->p->a, qli_column_set);
        if (!kept) {
            return QL_ERROR;
        }
        *kept = one;
        kept->next = list;
        list = kept;
        n += one.set.n;
        out->exact = out->exact && one.exact;
        out->partly = out->partly || one.partly;
    }
    ql_plan_range *v = QL_ARENA_ARRAY(r->p->cx, r->p->a, ql_plan_range, n + 1u);
    if (!v) {
        return QL_ERROR;
    }
    n = 0;
    for (const qli_column_set *k = list; k; k = k->next) {
        for (uint32_t i = 0; i < k->set.n; i++) {
            v[n++] = k->set.v[i];
        }
        QL_TRY(ql_bulk_count(r->p->cx, k->set.n * sizeof *v));
    }
    out->known = true;
    return qli_ranges_unite(r, part, v, n, &out->set);
}

/* Known when one side is. */
static ql_status
and_set(qli_ranger *r, uint16_t part, const ql_expr *e, qli_column_set *out)
{
    qli_column_set a, b;
    QL_TRY(qli_column_set_of(r, part, e->args[0], &a));
    QL_TRY(qli_column_set_of(r, part, e->args[1], &b));
    out->known = a.known || b.known;
    out->exact = a.known && b.known && a.exact && b.exact;
    out->partly = !a.known || !b.known || a.partly || b.partly;
    if (a.known && b.known) {
        return qli_ranges_intersect(r, part, &a.set, &b.set, &out->set);
    }
    out->set = a.known ? a.set : b.set;
    return QL_OK;
}

static ql_status
make_column_set(qli_ranger *r, uint16_t part, const ql_expr *e, qli_column_set *out)
{
    qli_cond c = {.e = (ql_expr *)e};
    qli_term t;
    QL_TRY(ql_bulk_node(r->p->cx));
    if (qli_is_op(e, QL_OP_OR)) {
        return or_set(r, part, e, out);
    }
    if (qli_is_op(e, QL_OP_AND)) {
        return and_set(r, part, e, out);
    }
    if (!qli_term_of(r->p, &c, r->source, qli_part(r, part)->column, 0, &t) ||
        !qli_term_is_known(&t)) {
        return r->p->bad;
    }
    out->known = true;
    out->exact = t.exact && qli_part(r, part)->prefix == 0;
    return qli_term_ranges(r, part, &t, &out->set);
}

/* Lists are looked at for each way to join: what they come to is kept. */
ql_status
qli_column_set_of(qli_ranger *r, uint16_t part, const ql_expr *e, qli_column_set *out)
{
    bool is_list = qli_is_op(e, QL_OP_OR) || qli_is_op(e, QL_OP_IN) || qli_is_op(e, QL_OP_NOT_IN);
    *out = (qli_column_set){.e = e, .source = r->source, .x = r->x, .part = part};
    for (qli_column_set *k = is_list ? r->p->sets : NULL; k; k = k->next) {
        if (k->e == e && k->source == r->source && k->x == r->x && k->part == part) {
            *out = *k;
            return QL_OK;
        }
    }
    bool was = r->on_values;
    r->on_values = true;
    QL_TRY(make_column_set(r, part, e, out));
    r->on_values = was;
    if (!is_list || r->too_large) {
        return QL_OK;
    }
    qli_column_set *kept = QL_ARENA_NEW(r->p->cx, r->p->a, qli_column_set);
    if (!kept) {
        return QL_ERROR;
    }
    *kept = *out;
    kept->next = r->p->sets;
    r->p->sets = kept;
    return QL_OK;
}

/* The first characters, where they do not weigh by themselves, are what the keys of indexes hold
 * that were made before keys counted weights: equal texts have other ones. */
static bool
is_found_by_patterns_alone(const qli_ranger *r, uint16_t part)
{
    return qli_part(r, part)->cut_how == 0 && ql_coll_joins(qli_part_type(r, part)->coll);
}

static bool
is_null_end(const ql_plan_bound *b)
{
    return b->n > 0 && b->values[0]->kind == QL_E_CONST && b->values[0]->value.kind == QL_K_NULL;
}

/* Values of a part that holds the beginning of its column as keys: other values may have the same
 * ones, and they may be in another order. */
ql_status
qli_cut_values(qli_ranger *r, uint16_t part, const qli_ranges *set, qli_ranges *out)
{
    const ql_collation *coll = qli_part_type(r, part)->coll;
    bool in_order = coll->is_binary && !coll->pad_space;
    QL_TRY(qli_ranges_room(r, set->n, &out->v));
    out->n = set->n;
    if (!out->v) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < set->n; i++) {
        ql_plan_range *g = &out->v[i];
        ql_plan_bound *ends[2] = {&g->low, &g->high};
        *g = set->v[i];
        bool one = qli_range_is_point(g, 1);
        for (int k = 0; k < 2 && is_found_by_patterns_alone(r, part); k++) {
            if (ends[k]->n > 0 && !ends[k]->like && !is_null_end(ends[k])) {
                *out = (qli_ranges){.whole = true};
                return QL_OK;
            }
        }
        for (int k = 0; k < 2 && !one; k++) {
            bool null_end = is_null_end(ends[k]);
            ends[k]->inclusive = ends[k]->inclusive || !null_end;
            ends[k]->near = !in_order && !null_end && ends[k]->n > 0 && !ends[k]->like;
        }
        QL_TRY(ql_bulk_node(r->p->cx));
    }
    return set->n > 1 ? qli_ranges_unite(r, part, out->v, set->n, out) : QL_OK;
}
