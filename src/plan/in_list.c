/* SPDX-License-Identifier: Apache-2.0
 *
 * IN lists of constants as points of an index: sorted, each once, and kept for the block, since
 * many access paths ask for the same list.
 */
#include "plan/plan_int.h"

static ql_status
merge(qli_planner *p, const ql_collation *coll, ql_expr **v, ql_expr **tmp, uint32_t n)
{
    if (n < 2) {
        return QL_OK;
    }
    uint32_t half = n / 2, a = 0, b = half, k = 0;
    QL_TRY(merge(p, coll, v, tmp, half));
    QL_TRY(merge(p, coll, v + half, tmp, n - half));
    while (a < half && b < n) {
        int c;
        QL_TRY(ql_value_compare(p->cx, &v[a]->value, &v[b]->value, coll, &c));
        tmp[k++] = c <= 0 ? v[a++] : v[b++];
    }
    while (a < half) {
        tmp[k++] = v[a++];
    }
    for (uint32_t i = 0; i < k; i++) {
        v[i] = tmp[i];
    }
    return ql_check(p->cx);
}

static ql_status
make_points(qli_planner *p, const ql_type *t, const ql_expr *e, qli_points *out)
{
    ql_expr **v = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, e->nargs);
    ql_expr **tmp = v ? QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, e->nargs) : NULL;
    uint32_t n = 0;
    if (!tmp) {
        return QL_ERROR;
    }
    for (uint32_t i = 1; i < e->nargs; i++) {
        ql_expr *one = e->args[i];
        if (one->kind != QL_E_CONST) {
            return QL_OK;
        }
        if (one->value.kind == QL_K_NULL) {
            continue;
        }
        if (!qli_value_fits(p, t, e, &one)) {
            return QL_OK;
        }
        v[n++] = one;
    }
    QL_TRY(merge(p, t->coll, v, tmp, n));
    for (uint32_t i = 0; i < n; i++) {
        int c = 1;
        if (out->n) {
            QL_TRY(ql_value_compare(p->cx, &v[i]->value, &v[out->n - 1]->value, t->coll, &c));
        }
        if (c != 0) {
            v[out->n++] = v[i];
        }
    }
    out->v = v;
    return QL_OK;
}

ql_status
qli_in_points(qli_planner *p, const ql_type *t, const ql_expr *e, const qli_points **out)
{
    for (qli_points *k = p->points; k; k = k->next) {
        if (k->e == e && k->type == t) {
            *out = k;
            return QL_OK;
        }
    }
    qli_points *n = QL_ARENA_NEW(p->cx, p->a, qli_points);
    if (!n) {
        return QL_ERROR;
    }
    n->e = e;
    n->type = t;
    QL_TRY(make_points(p, t, e, n));
    n->next = p->points;
    p->points = n;
    *out = n;
    return QL_OK;
}
