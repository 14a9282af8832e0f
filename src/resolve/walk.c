/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking over bound expressions and the blocks below them; structural equality. Pure functions of
 * the tree apart from the visitor's own work.
 */
#include "resolve/resolve_int.h"

static bool
value_same(const ql_value *a, const ql_value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case QL_K_NULL:
        return true;
    case QL_K_DOUBLE:
        return __builtin_memcmp(&a->d, &b->d, sizeof(double)) == 0;
    case QL_K_DECIMAL:
        return a->dec.scale == b->dec.scale && ql_decimal_cmp(&a->dec, &b->dec) == 0;
    case QL_K_STRING:
        return a->coll == b->coll && ql_str_eq(a->s, b->s);
    default:
        return a->i == b->i && a->is_unsigned == b->is_unsigned;
    }
}

static bool
type_same(const ql_type *a, const ql_type *b)
{
    return a->kind == b->kind && a->field == b->field && a->is_unsigned == b->is_unsigned &&
           a->decimals == b->decimals && a->length == b->length && a->coll == b->coll;
}

static bool
kind_compares_by_identity(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_SUBQUERY:
    case QL_E_EXISTS:
    case QL_E_IN_QUERY:
    case QL_E_ASSIGN:
        return true;
    case QL_E_FUNC:
        return (ql_func_flags(e->fn) & QL_FF_NONDET) != 0;
    default:
        return false;
    }
}

bool
qli_expr_equal(const ql_expr *a, const ql_expr *b)
{
    if (a == b) {
        return true;
    }
    if (!a || !b || a->kind != b->kind || a->nargs != b->nargs || kind_compares_by_identity(a)) {
        return false;
    }
    if (a->op != b->op || a->fn != b->fn || a->index != b->index || a->depth != b->depth ||
        a->global != b->global || a->unit != b->unit || a->coll != b->coll ||
        a->compare_kind != b->compare_kind || a->zero_if_bad != b->zero_if_bad) {
        return false;
    }
    if (a->kind == QL_E_CONST && !value_same(&a->value, &b->value)) {
        return false;
    }
    if (a->kind == QL_E_CAST && !type_same(&a->type, &b->type)) {
        return false;
    }
    if (a->kind == QL_E_USERVAR && !ql_str_eq_nocase(a->name, b->name)) {
        return false;
    }
    for (uint32_t i = 0; i < a->nargs; i++) {
        if (!qli_expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

ql_status
qli_walk(qli_res *r, ql_expr **e, uint32_t depth, qli_visit fn, void *arg)
{
    if (!*e) {
        return QL_OK;
    }
    bool descend = true;
    QL_TRY(ql_bulk_count(r->cx, QLI_NODE_COST));
    QL_TRY(fn(arg, e, depth, &descend));
    if (!descend) {
        return QL_OK;
    }
    ql_expr *n = *e;
    for (uint32_t i = 0; i < n->nargs; i++) {
        QL_TRY(qli_walk(r, &n->args[i], depth, fn, arg));
    }
    return n->query ? qli_walk_query(r, n->query, depth + 1, fn, arg) : QL_OK;
}

static ql_status
walk_keys(qli_res *r, ql_sort_key *k, uint32_t n, uint32_t depth, qli_visit fn, void *arg)
{
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(qli_walk(r, &k[i].expr, depth, fn, arg));
    }
    return QL_OK;
}

static ql_status
walk_join(qli_res *r, ql_join_tree *j, uint32_t depth, qli_visit fn, void *arg)
{
    if (!j || j->is_leaf) {
        return QL_OK;
    }
    QL_TRY(walk_join(r, j->left, depth, fn, arg));
    QL_TRY(walk_join(r, j->right, depth, fn, arg));
    return qli_walk(r, &j->on, depth, fn, arg);
}

ql_status
qli_walk_query(qli_res *r, ql_query *q, uint32_t depth, qli_visit fn, void *arg)
{
    QL_TRY(ql_check(r->cx));
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(qli_walk_query(r, q->left, depth, fn, arg));
        QL_TRY(qli_walk_query(r, q->right, depth, fn, arg));
    }
    for (uint16_t i = 0; i < q->nsources; i++) {
        if (q->sources[i].derived) {
            QL_TRY(qli_walk_query(r, q->sources[i].derived, depth + 1, fn, arg));
        }
    }
    QL_TRY(walk_join(r, q->from, depth, fn, arg));
    QL_TRY(qli_walk(r, &q->where, depth, fn, arg));
    for (uint16_t i = 0; i < q->ngroup; i++) {
        QL_TRY(qli_walk(r, &q->group_by[i], depth, fn, arg));
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            QL_TRY(qli_walk(r, &q->aggs[i].args[k], depth, fn, arg));
        }
        QL_TRY(walk_keys(r, q->aggs[i].order, q->aggs[i].norder, depth, fn, arg));
    }
    QL_TRY(qli_walk(r, &q->having, depth, fn, arg));
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(qli_walk(r, &q->items[i].expr, depth, fn, arg));
    }
    QL_TRY(walk_keys(r, q->order_by, q->norder, depth, fn, arg));
    QL_TRY(qli_walk(r, &q->limit, depth, fn, arg));
    return qli_walk(r, &q->offset, depth, fn, arg);
}
