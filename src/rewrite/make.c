/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions that rewrites make, typed as the resolver types them.
 */
#include "rewrite/rewrite_int.h"

ql_expr *
qli_rw_node(qli_rw *rw, ql_expr_kind kind)
{
    ql_expr *e = QL_ARENA_NEW(rw->cx, rw->a, ql_expr);
    if (e != NULL) {
        e->kind = kind;
    }
    return e;
}

ql_expr *
qli_rw_true(qli_rw *rw)
{
    ql_expr *e = qli_rw_node(rw, QL_E_CONST);
    if (e != NULL) {
        e->type = ql_type_bool();
        e->type.nullable = false;
        e->value = ql_value_int(1);
        e->is_constant = true;
    }
    return e;
}

static ql_status
pair(qli_rw *rw, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    ql_expr *e = qli_rw_node(rw, QL_E_OP);
    ql_expr **args = e != NULL ? QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, 2) : NULL;
    if (args == NULL) {
        return QL_ERROR;
    }
    args[0] = a;
    args[1] = b;
    e->op = op;
    e->type = ql_type_bool();
    e->type.nullable = a->type.nullable || b->type.nullable;
    e->args = args;
    e->nargs = 2;
    e->is_constant = a->is_constant && b->is_constant;
    *out = e;
    return QL_OK;
}

static ql_status
in_front(qli_rw *rw, ql_op op, ql_expr *e, ql_expr **into)
{
    if (e == NULL || *into == NULL) {
        *into = *into != NULL ? *into : e;
        return QL_OK;
    }
    return pair(rw, op, e, *into, into);
}

ql_status
qli_rw_and(qli_rw *rw, ql_expr *e, ql_expr **into)
{
    return in_front(rw, QL_OP_AND, e, into);
}

ql_status
qli_rw_or(qli_rw *rw, ql_expr *e, ql_expr **into)
{
    return in_front(rw, QL_OP_OR, e, into);
}

ql_status
qli_rw_equal(qli_rw *rw, ql_expr *a, ql_expr *b, ql_kind kind, const ql_collation *coll,
             ql_expr **out)
{
    QL_TRY(ql_expr_cast_compared(rw->cx, &b, kind));
    QL_TRY(pair(rw, QL_OP_EQ, a, b, out));
    (*out)->compare_kind = kind;
    (*out)->coll = kind == QL_K_STRING ? coll : NULL;
    return QL_OK;
}

ql_status
qli_rw_copy(qli_rw *rw, const ql_expr *e, uint32_t depth, ql_expr **out)
{
    ql_expr *n = qli_rw_node(rw, e->kind);
    QL_TRY(ql_bulk_node(rw->cx));
    if (n == NULL) {
        return QL_ERROR;
    }
    *n = *e;
    *out = n;
    if (depth > 0 && (e->kind == QL_E_SLOT || e->kind == QL_E_OUTER)) {
        n->depth = e->kind == QL_E_OUTER ? e->depth + depth : depth;
        n->kind = QL_E_OUTER;
    }
    if (e->nargs == 0) {
        return QL_OK;
    }
    n->args = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, e->nargs);
    if (n->args == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(qli_rw_copy(rw, e->args[i], depth, &n->args[i]));
    }
    return QL_OK;
}
