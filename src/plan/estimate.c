/* SPDX-License-Identifier: Apache-2.0
 *
 * The planner's one source of row estimates: what share of the rows a condition lets pass, how many
 * rows have one combination of values in the leading parts of an index.
 */
#include "plan/plan_int.h"

static double
share_of(const ql_expr *e)
{
    if (e->kind != QL_E_OP) {
        return 0.5;
    }
    switch (e->op) {
    case QL_OP_EQ:
    case QL_OP_NULLSAFE_EQ:
    case QL_OP_IS_NULL:
        return 0.1;
    case QL_OP_IN:
        return e->nargs < 6 ? 0.1 * (e->nargs - 1) : 0.5;
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
        return 0.33;
    case QL_OP_LIKE:
    case QL_OP_REGEXP:
        return 0.2;
    case QL_OP_BETWEEN:
        return 0.15;
    default:
        return 0.8;
    }
}

ql_status
qli_selectivity(qli_planner *p, const ql_expr *e, double *share)
{
    (void)p;
    *share = share_of(e);
    return QL_OK;
}

ql_status
qli_equal_rows(qli_planner *p, uint16_t source, const ql_index *x, uint16_t n, double *rows)
{
    double each = x->unique ? 0.02 : 0.05;
    double r = p->rows[source];
    for (uint16_t i = 0; i < n; i++) {
        r *= each;
    }
    *rows = r < 1 ? 1 : r;
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
    *n = rows < 10 ? rows : rows * 0.2;
    return p->bad;
}

ql_status
qli_local_share(qli_planner *p, const qli_conds *c, qli_mask sources, const qli_access *a,
                double *share)
{
    *share = 1;
    for (uint32_t i = 0; i < c->n; i++) {
        const qli_cond *k = &c->v[i];
        double one;
        if (!k->used && !(i < 64 && (a->counted >> i & 1)) && k->needs &&
            (k->needs & ~sources) == 0) {
            QL_TRY(qli_selectivity(p, k->e, &one));
            *share *= one;
        }
    }
    return QL_OK;
}
