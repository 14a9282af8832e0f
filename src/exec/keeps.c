/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a part of a plan give the same rows each time that its block is run? Then what was made of
 * them need not be made again. Pure functions of the plan.
 */
#include "base/bulk.h"
#include "exec/exec_int.h"

/* ---- does the right side come out the same each time? ---- */

static ql_status
expr_keeps(ql_ctx *cx, const ql_expr *e, bool *yes)
{
    if (e == NULL || !*yes) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(cx));
    switch (e->kind) {
    case QL_E_OUTER:
    case QL_E_ASSIGN:
    case QL_E_USERVAR:
        *yes = false;
        break;
    case QL_E_FUNC:
        *yes = (ql_func_flags(e->fn) & QL_FF_NONDET) == 0;
        break;
    case QL_E_SUBQUERY:
    case QL_E_EXISTS:
    case QL_E_IN_QUERY:
        *yes = !e->query->correlated;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(expr_keeps(cx, e->args[i], yes));
    }
    return QL_OK;
}

ql_status
qli_exprs_keep(ql_ctx *cx, ql_expr *const *e, uint32_t n, bool *yes)
{
    for (uint32_t i = 0; i < n && *yes; i++) {
        QL_TRY(expr_keeps(cx, e[i], yes));
    }
    return QL_OK;
}

ql_status
qli_plan_keeps(ql_ctx *cx, const ql_query *q, const ql_plan *p, bool *yes)
{
    if (p == NULL || !*yes) {
        return QL_OK;
    }
    switch (p->kind) {
    case QL_P_SCAN:
        QL_TRY(qli_exprs_keep(cx, p->low.values, p->low.n, yes));
        QL_TRY(qli_exprs_keep(cx, p->high.values, p->high.n, yes));
        for (uint32_t i = 0; i < p->nranges && *yes; i++) {
            QL_TRY(qli_exprs_keep(cx, p->ranges[i].low.values, p->ranges[i].low.n, yes));
            QL_TRY(qli_exprs_keep(cx, p->ranges[i].high.values, p->ranges[i].high.n, yes));
        }
        break;
    case QL_P_INDEX_MERGE:
        for (uint16_t i = 0; i < p->nparts; i++) {
            QL_TRY(qli_plan_keeps(cx, q, p->parts[i], yes));
        }
        break;
    case QL_P_DERIVED:
        *yes = !q->sources[p->source].derived->correlated;
        break;
    case QL_P_NESTED_JOIN:
    case QL_P_FILTER:
    case QL_P_ONE_ROW:
    case QL_P_NEVER:
        break;
    case QL_P_HASH_JOIN:
        QL_TRY(qli_exprs_keep(cx, p->left_keys, p->nkeys, yes));
        QL_TRY(qli_exprs_keep(cx, p->right_keys, p->nkeys, yes));
        break;
    default:
        *yes = false;
        break;
    }
    QL_TRY(expr_keeps(cx, p->filter, yes));
    QL_TRY(qli_plan_keeps(cx, q, p->left, yes));
    return qli_plan_keeps(cx, q, p->right, yes);
}
