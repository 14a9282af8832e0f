/* SPDX-License-Identifier: Apache-2.0
 *
 * a BETWEEN b AND c, and the kind in which more than two operands meet. Three operands are compared
 * in one kind, found from all of them (manual, "Comparison Functions and Operators", BETWEEN; "Type
 * Conversion in Expression Evaluation"): 9 against '11' is a comparison of numbers, so
 * '9' BETWEEN 8 AND '11' is one altogether. Where a comparison with each bound by itself means the
 * same, two comparisons are made of it, which the planner knows as a range.
 */
#include "resolve/resolve_int.h"

/* What there is among operands; NULL counts for nothing. */
typedef struct mix {
    uint32_t texts, numbers, doubles, temporals, days; /* days: what has a date */
} mix;

static ql_status
count_kinds(qli_res *r, ql_expr *const *a, uint32_t n, mix *m)
{
    *m = (mix){0};
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        ql_kind k = a[i]->type.kind;
        bool is_day = ql_kind_calendar(k) & QL_HAS_DATE;
        m->texts += k == QL_K_STRING;
        m->numbers += k == QL_K_INT || k == QL_K_DECIMAL || k == QL_K_DOUBLE;
        m->doubles += k == QL_K_DOUBLE;
        m->days += is_day;
        m->temporals += is_day || k == QL_K_TIME;
    }
    return QL_OK;
}

ql_status
qli_meet_as_dates(qli_res *r, qli_scope *sc, ql_expr **a, uint32_t n)
{
    const ql_expr *day = NULL;
    mix m;
    if (a[0]->type.kind != QL_K_STRING) {
        return QL_OK; /* each of the others meets a[0] as it is */
    }
    QL_TRY(count_kinds(r, a, n, &m));
    if (m.days == 0 || m.numbers != 0) {
        return QL_OK;
    }
    for (uint32_t i = 1; day == NULL && i < n; i++) {
        day = ql_kind_calendar(a[i]->type.kind) & QL_HAS_DATE ? a[i] : NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_constant_to_temporal(r, day, &a[i]));
        if (a[i]->type.kind == QL_K_STRING) {
            QL_TRY(qli_cast_compared(r, sc, &a[i], QL_K_DATETIME));
        }
    }
    return QL_OK;
}

/* Texts and numbers, or DOUBLE and exact numbers: all as DOUBLE. A column that is compared with
 * constants of exact kinds stays what it is, and so can be looked up. */
static ql_status
meet_as_doubles(qli_res *r, qli_scope *sc, ql_expr **a)
{
    mix m;
    if (a[0]->type.kind == QL_K_INT && !r->preparing) {
        QL_TRY(qli_constant_for_int(r, a[0], &a[1]));
        QL_TRY(qli_constant_for_int(r, a[0], &a[2]));
    }
    QL_TRY(count_kinds(r, a, 3, &m));
    bool is_temporal = ql_kind_is_temporal(a[0]->type.kind);
    bool has_doubles = m.texts == 0 && m.temporals == 0 && m.doubles != 0 &&
                       m.doubles != m.numbers && !qli_is_column(a[0]);
    if (is_temporal || m.numbers == 0 || (m.texts == 0 && !has_doubles)) {
        return QL_OK;
    }
    for (int i = 0; i < 3; i++) {
        QL_TRY(qli_cast_compared(r, sc, &a[i], QL_K_DOUBLE));
    }
    return QL_OK;
}

/* Is the collation of three texts the one in which each bound meets a[0]? */
static ql_status
same_collation(qli_res *r, ql_expr *const *a, bool *yes)
{
    ql_expr *lo[2] = {a[0], a[1]}, *hi[2] = {a[0], a[2]};
    const ql_collation *c, *c1, *c2;
    uint8_t co, all;
    *yes = true;
    if (a[0]->type.kind != QL_K_STRING || a[1]->type.kind != QL_K_STRING ||
        a[2]->type.kind != QL_K_STRING) {
        return QL_OK;
    }
    QL_TRY(qli_coll_aggregate(r, a, 3, "between", &c, &all));
    QL_TRY(qli_coll_aggregate(r, lo, 2, "between", &c1, &co));
    QL_TRY(qli_coll_aggregate(r, hi, 2, "between", &c2, &co));
    *yes = c1 == c && c2 == c && all != 1;
    return QL_OK;
}

/* The kind for one comparison of all three. */
static ql_status
between_kind(qli_res *r, qli_scope *sc, ql_expr **a, ql_kind *kind)
{
    ql_expr *x = a[0], *y = a[0];
    ql_kind k1, k2;
    QL_TRY(qli_compare_prepare(r, sc, &x, &a[1], &k1));
    QL_TRY(qli_compare_prepare(r, sc, &y, &a[2], &k2));
    if (k1 != k2) {
        bool d = k1 == QL_K_DECIMAL || k2 == QL_K_DECIMAL,
             f = k1 == QL_K_DOUBLE || k2 == QL_K_DOUBLE;
        bool t = ql_kind_is_temporal(k1) || ql_kind_is_temporal(k2);
        k1 = t ? QL_K_DATETIME : f || !d ? QL_K_DOUBLE : QL_K_DECIMAL;
    }
    for (int i = 0; i < 3; i++) {
        QL_TRY(qli_cast_compared(r, sc, &a[i], k1));
    }
    *kind = k1;
    return QL_OK;
}

/* A TIME between a date and a text: all are dates, and it is one of today. */
static ql_status
time_meets_dates(qli_res *r, qli_scope *sc, ql_expr **a)
{
    mix m;
    QL_TRY(count_kinds(r, a, 3, &m));
    for (int i = 0; i < 3 && m.days > 0 && m.texts > 0 && m.numbers == 0; i++) {
        if (a[i]->type.kind == QL_K_TIME) {
            QL_TRY(qli_cast_kind(r, sc, &a[i], QL_K_DATETIME));
        }
    }
    return QL_OK;
}

ql_status
qli_bind_between(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a, *lo, *hi;
    bool apart;
    QL_TRY(qli_bind_scalars(r, sc, &e->args, &a));
    bool negated = e->op == QL_OP_NOT_BETWEEN;
    QL_TRY(qli_lists_among(r, sc, a, 3));
    QL_TRY(time_meets_dates(r, sc, a));
    QL_TRY(qli_meet_as_dates(r, sc, a, 3));
    QL_TRY(meet_as_doubles(r, sc, a));
    QL_TRY(same_collation(r, a, &apart));
    if (apart && qli_is_repeatable(a[0])) {
        QL_TRY(qli_compare_bind(r, sc, negated ? QL_OP_LT : QL_OP_GE, a[0], a[1], &lo));
        QL_TRY(qli_compare_bind(r, sc, negated ? QL_OP_GT : QL_OP_LE, a[0], a[2], &hi));
        return negated ? qli_or(r, sc, lo, hi, out) : qli_and(r, sc, lo, hi, out);
    }
    ql_type t = ql_type_bool();
    ql_kind kind;
    const ql_collation *coll = NULL;
    QL_TRY(between_kind(r, sc, a, &kind));
    if (kind == QL_K_STRING) {
        QL_TRY(qli_coll_compared(r, sc, a, 3, "between", &coll));
    }
    QL_TRY(qli_op_node(r, sc, e->op, &t, a, 3, out));
    (*out)->compare_kind = kind;
    (*out)->coll = coll;
    return QL_OK;
}
