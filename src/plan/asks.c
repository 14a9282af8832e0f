/* SPDX-License-Identifier: Apache-2.0
 *
 * For how many rows a plan expects a subquery to be asked for.
 */
#include "base/bulk.h"
#include "plan/plan_int.h"

/* Is e in there, without going into other subqueries? */
static ql_status
holds(ql_ctx *cx, const ql_expr *in, const ql_expr *e, bool *yes)
{
    *yes = in == e;
    if (!in || *yes) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(cx));
    for (uint32_t i = 0; i < in->nargs && !*yes; i++) {
        QL_TRY(holds(cx, in->args[i], e, yes));
    }
    return QL_OK;
}

/* On the right side of look-ups: for those of one row to the left. */
static ql_status
node_asks(ql_ctx *cx, const ql_plan *n, const ql_expr *e, double *rows)
{
    bool yes;
    if (!n || *rows > 0) {
        return QL_OK;
    }
    QL_TRY(holds(cx, n->filter, e, &yes));
    if (yes) {
        bool reads = n->kind == QL_P_SCAN || n->kind == QL_P_DERIVED || n->kind == QL_P_INDEX_MERGE;
        *rows = reads ? n->est_read : n->kind == QL_P_FILTER ? n->left->est_rows : n->est_rows;
        return QL_OK;
    }
    QL_TRY(node_asks(cx, n->left, e, rows));
    return node_asks(cx, n->right, e, rows);
}

ql_status
ql_plan_asks(ql_ctx *cx, const ql_block_plan *p, const ql_expr *e, double *rows)
{
    bool yes = false;
    *rows = 0;
    if (!p->root || p->query->limit || p->query->set_op != QL_SET_NONE) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < p->query->nitems && !yes; i++) {
        QL_TRY(holds(cx, p->query->items[i].expr, e, &yes));
    }
    if (yes) {
        *rows = p->root->est_rows;
        return QL_OK;
    }
    return node_asks(cx, p->root, e, rows);
}
