/* SPDX-License-Identifier: Apache-2.0
 *
 * Subqueries in expressions: scalar, EXISTS, IN, ANY/ALL. Each is a query block of its own whose
 * references to enclosing blocks are QL_E_OUTER nodes.
 */
#include "resolve/resolve_int.h"

static ql_status
bind_block(qli_res *r, qli_scope *sc, const ql_ast_select *s, ql_query **out)
{
    QL_TRY(qli_query_bind(r, s, sc, NULL, out));
    return qli_items_settle(r, *out);
}

ql_status
qli_bind_subquery(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *n = qli_node(r, e->kind == QL_A_EXISTS ? QL_E_EXISTS : QL_E_SUBQUERY);
    if (!n) {
        return QL_ERROR;
    }
    QL_TRY(bind_block(r, sc, e->select, &n->query));
    if (e->kind == QL_A_EXISTS) {
        n->type = ql_type_bool();
        n->type.nullable = false;
    } else {
        n->type = n->query->items[0].expr->type;
        n->type.nullable = true;
        n->type.zerofill = 0;
        n->coercibility = n->query->items[0].expr->coercibility;
    }
    n->is_constant = !n->query->correlated && !r->has_assign;
    qli_number_node(r, sc, n);
    *out = n;
    return QL_OK;
}

/* `= ANY` is IN, `<> ALL` is NOT IN. */
static ql_op
plain_op(ql_op op)
{
    return op == QL_OP_EQ_ANY ? QL_OP_IN : op == QL_OP_NE_ALL ? QL_OP_NOT_IN : op;
}

/* The kind in which the left element and the block's item meet. The item stays as it is: exec
 * brings its values to compare_kind. Rows are compared element by element in kinds found while
 * running. */
static ql_status
match_columns(qli_res *r, qli_scope *sc, ql_expr **left, ql_expr *node)
{
    ql_query *q = node->query;
    ql_expr *item = qli_node(r, QL_E_SLOT);
    if (!item) {
        return QL_ERROR;
    }
    *item = *q->items[0].expr;
    QL_TRY(qli_compare_prepare(r, sc, left, &item, &node->compare_kind));
    if (node->compare_kind != QL_K_STRING) {
        return QL_OK;
    }
    ql_expr *both[2] = {*left, item};
    QL_TRY(qli_coll_compared(r, sc, both, 2, " IN ", &node->coll));
    *left = both[0];
    if (both[1] != item &&
        q->set_op == QL_SET_NONE) { /* bytes against a text of another form: the item changes */
        q->items[0].expr = both[1];
        q->items[0].column.type = both[1]->type;
    }
    return QL_OK;
}

ql_status
qli_bind_in_query(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *left, *n = qli_node(r, QL_E_IN_QUERY);
    ql_expr **args = n ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 1) : NULL;
    if (!args) {
        return QL_ERROR;
    }
    if (e->args.n != 2 || e->args.v[1]->kind != QL_A_SUBQUERY) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "this quantified comparison");
    }
    QL_TRY(qli_bind(r, sc, e->args.v[0], &left));
    QL_TRY(bind_block(r, sc, e->args.v[1]->select, &n->query));
    uint32_t columns = left->kind == QL_E_ROW ? left->nargs : 1;
    if (n->query->nitems != columns) {
        return ql_fail(r->cx, QL_ER_OPERAND_COLUMNS, (int)columns);
    }
    n->op = plain_op(e->op);
    if (columns > 1 && n->op != QL_OP_IN && n->op != QL_OP_NOT_IN) {
        return ql_fail(r->cx, QL_ER_OPERAND_COLUMNS, 1);
    }
    args[0] = left;
    if (columns == 1 && left->kind != QL_E_ROW) {
        QL_TRY(qli_require_scalar(r, left));
        QL_TRY(match_columns(r, sc, args, n));
    }
    n->args = args;
    n->nargs = 1;
    n->type = ql_type_bool();
    n->is_constant = args[0]->is_constant && !n->query->correlated && !r->has_assign;
    qli_number_node(r, sc, n);
    *out = n;
    return QL_OK;
}
