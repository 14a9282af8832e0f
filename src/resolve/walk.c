/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking over bound expressions and the blocks below them; structural equality. Pure functions of
 * the tree apart from the visitor's own work.
 */
#include "base/hash.h"
#include "resolve/resolve_int.h"
#include "types/kinds.h"

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

/* All but constants and arguments. */
static bool
node_same(const ql_expr *a, const ql_expr *b)
{
    if (!a || !b || a->kind != b->kind || a->nargs != b->nargs || kind_compares_by_identity(a)) {
        return false;
    }
    if (a->op != b->op || a->fn != b->fn || a->index != b->index || a->depth != b->depth ||
        a->global != b->global || a->unit != b->unit || a->coll != b->coll ||
        a->compare_kind != b->compare_kind || a->zero_if_bad != b->zero_if_bad ||
        a->edge != b->edge) {
        return false;
    }
    if (a->kind == QL_E_CAST && !type_same(&a->type, &b->type)) {
        return false;
    }
    return a->kind != QL_E_USERVAR || ql_str_eq_nocase(a->name, b->name);
}

ql_status
qli_expr_equal(qli_res *r, const ql_expr *a, const ql_expr *b, bool *same)
{
    QL_TRY(ql_bulk_node(r->cx));
    *same = a == b || node_same(a, b);
    if (a == b || !*same) {
        return QL_OK;
    }
    if (a->kind == QL_E_CONST) {
        QL_TRY(ql_value_same(r->cx, &a->value, &b->value, same));
    }
    for (uint32_t i = 0; i < a->nargs && *same; i++) {
        QL_TRY(qli_expr_equal(r, a->args[i], b->args[i], same));
    }
    return QL_OK;
}

/* Of decimals only the kind: equal ones may be held in two ways. */
static ql_status
value_hash(qli_res *r, const ql_value *v, uint64_t *h)
{
    if (v->kind == QL_K_NULL) {
        return QL_OK;
    }
    switch (ql_kind_slot(v->kind)) {
    case QL_SLOT_DECIMAL:
        break;
    case QL_SLOT_STRING:
        return ql_bulk_hash(r->cx, v->s, *h, h);
    case QL_SLOT_I64:
    case QL_SLOT_DOUBLE:
        *h = ql_hash_u64(*h ^ v->u);
        break;
    }
    return QL_OK;
}

ql_status
qli_expr_hash(qli_res *r, const ql_expr *e, uint64_t seed, uint64_t *hash)
{
    QL_TRY(ql_bulk_node(r->cx));
    uint64_t h = ql_hash_u64(seed ^ ((uint64_t)e->kind << 56 ^ (uint64_t)e->op << 48 ^
                                     (uint64_t)e->fn << 32 ^ (uint64_t)e->index));
    if (e->kind == QL_E_CONST) {
        QL_TRY(value_hash(r, &e->value, &h));
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(qli_expr_hash(r, e->args[i], h, &h));
    }
    *hash = h;
    return QL_OK;
}

ql_status
qli_walk(qli_res *r, ql_expr **e, uint32_t depth, qli_visit fn, void *arg)
{
    if (!*e) {
        return QL_OK;
    }
    bool descend = true;
    QL_TRY(ql_bulk_node(r->cx));
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
        if (q->sources[i].json) {
            QL_TRY(qli_walk(r, &q->sources[i].json->doc, depth, fn, arg));
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
