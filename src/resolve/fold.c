/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant folding: what is a constant, pure, small and cannot fail becomes QL_E_CONST. Functions
 * are left to exec (is_constant lets it evaluate them once), as is what would give a warning: it is
 * given when and if the value is asked for. Nothing is folded while preparing, so
 * that PREPARE gives no warnings of values.
 */
#include "resolve/resolve_int.h"

#define FOLD_MAX_BYTES 65536 /* longer strings are left to exec, which looks at the kill flag */

static bool
foldable_operand(const ql_expr *e)
{
    return e->kind == QL_E_CONST &&
           (e->value.kind != QL_K_STRING || e->value.s.n <= FOLD_MAX_BYTES);
}

static ql_status
become(ql_expr **e, const ql_value *v, qli_res *r)
{
    ql_expr *c = qli_const(r, v);
    if (!c) {
        return QL_ERROR;
    }
    ql_type t = (*e)->type;
    t.nullable = v->kind == QL_K_NULL;
    c->type = t;
    c->coercibility = (*e)->coercibility;
    *e = c;
    return QL_OK;
}

static ql_status
fold_cast(qli_res *r, ql_expr **e)
{
    ql_value out;
    const ql_value *in = &(*e)->args[0]->value;
    if (in->kind == QL_K_NULL) {
        out = ql_value_null();
    } else {
        ql_diag_try(r->cx->diag);
        ql_status st = ql_value_cast(r->cx, r->a, in, &(*e)->type, &out);
        bool silent = ql_diag_tried(r->cx->diag);
        QL_TRY(st);
        if (!silent) {
            return QL_OK;
        }
    }
    return become(e, &out, r);
}

/* -1 = NULL */
static int
truth(const ql_value *v)
{
    return v->kind == QL_K_NULL ? -1 : v->i != 0;
}

static ql_status
become_truth(qli_res *r, ql_expr **e, int t)
{
    ql_value v = t < 0 ? ql_value_null() : ql_value_int(t);
    QL_TRY(become(e, &v, r));
    (*e)->is_truth = true;
    return QL_OK;
}

static ql_status
fold_compare(qli_res *r, ql_expr **e)
{
    const ql_value *a = &(*e)->args[0]->value, *b = &(*e)->args[1]->value;
    bool an = a->kind == QL_K_NULL, bn = b->kind == QL_K_NULL;
    if ((*e)->op == QL_OP_NULLSAFE_EQ && (an || bn)) {
        return become_truth(r, e, an && bn);
    }
    if (an || bn) {
        return become_truth(r, e, -1);
    }
    if (a->kind != (*e)->compare_kind || b->kind != (*e)->compare_kind) {
        return QL_OK;
    }
    int c = 0;
    QL_TRY(ql_value_compare(r->cx, a, b, (*e)->coll, &c));
    switch ((*e)->op) {
    case QL_OP_EQ:
    case QL_OP_NULLSAFE_EQ:
        return become_truth(r, e, c == 0);
    case QL_OP_NE:
        return become_truth(r, e, c != 0);
    case QL_OP_LT:
        return become_truth(r, e, c < 0);
    case QL_OP_LE:
        return become_truth(r, e, c <= 0);
    case QL_OP_GT:
        return become_truth(r, e, c > 0);
    default:
        return become_truth(r, e, c >= 0);
    }
}

static ql_status
fold_negate(qli_res *r, ql_expr **e)
{
    ql_value v = (*e)->args[0]->value;
    switch (ql_kind_family(v.kind)) {
    case QL_FAM_NULL:
        break;
    case QL_FAM_INT:
        if (v.is_unsigned ? v.u > (uint64_t)INT64_MAX + 1 : v.i == INT64_MIN) {
            return QL_OK;
        }
        v.u = 0 - v.u;
        v.is_unsigned = false;
        break;
    case QL_FAM_DOUBLE:
        v.d = -v.d;
        break;
    case QL_FAM_DECIMAL:
        ql_decimal_neg(&v.dec);
        break;
    default:
        return QL_OK;
    }
    (*e)->type.is_unsigned = false;
    return become(e, &v, r);
}

static bool
fold_int_arith(ql_op op, const ql_value *a, const ql_value *b, ql_value *out)
{
    int64_t v = 0;
    if (a->is_unsigned || b->is_unsigned) {
        return false;
    }
    switch (op) {
    case QL_OP_ADD:
        if (__builtin_add_overflow(a->i, b->i, &v)) {
            return false;
        }
        break;
    case QL_OP_SUB:
        if (__builtin_sub_overflow(a->i, b->i, &v)) {
            return false;
        }
        break;
    case QL_OP_MUL:
        if (__builtin_mul_overflow(a->i, b->i, &v)) {
            return false;
        }
        break;
    default:
        return false;
    }
    *out = ql_value_int(v);
    return true;
}

/* Decimals: never when it overflows; the exact scale is that of the operation. */
static bool
fold_decimal_arith(ql_op op, const ql_value *a, const ql_value *b, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_DECIMAL};
    switch (op) {
    case QL_OP_ADD:
        return ql_decimal_add(&out->dec, &a->dec, &b->dec);
    case QL_OP_SUB:
        return ql_decimal_sub(&out->dec, &a->dec, &b->dec);
    case QL_OP_MUL:
        return ql_decimal_mul(&out->dec, &a->dec, &b->dec);
    default:
        return false;
    }
}

static ql_status
fold_arith(qli_res *r, ql_expr **e)
{
    const ql_value *a = &(*e)->args[0]->value, *b = &(*e)->args[1]->value;
    ql_value out;
    if (a->kind == QL_K_NULL || b->kind == QL_K_NULL) {
        out = ql_value_null();
        return become(e, &out, r);
    } else if (a->kind == QL_K_INT && b->kind == QL_K_INT && (*e)->type.kind == QL_K_INT) {
        if (!(*e)->type.is_unsigned && fold_int_arith((*e)->op, a, b, &out)) {
            return become(e, &out, r);
        }
    } else if (a->kind == QL_K_DECIMAL && b->kind == QL_K_DECIMAL) {
        if (fold_decimal_arith((*e)->op, a, b, &out)) {
            return become(e, &out, r);
        }
    }
    return QL_OK;
}

/* One constant side decides AND and OR: x AND 0 is 0, x OR 1 is 1, x AND 1 is x (x is a truth
 * value already when it is a condition). */
static ql_status
fold_logic(qli_res *r, ql_expr **e)
{
    ql_expr *a = (*e)->args[0], *b = (*e)->args[1];
    bool is_and = (*e)->op == QL_OP_AND;
    if (a->kind == QL_E_CONST && b->kind == QL_E_CONST) {
        int x = truth(&a->value), y = truth(&b->value);
        int decisive = is_and ? 0 : 1;
        return become_truth(r, e,
                            x == decisive || y == decisive ? decisive
                            : x < 0 || y < 0               ? -1
                                                           : x);
    }
    ql_expr *c = a->kind == QL_E_CONST ? a : b->kind == QL_E_CONST ? b : NULL;
    if (!c || c->value.kind == QL_K_NULL) {
        return QL_OK;
    }
    if ((truth(&c->value) == 1) != is_and) {
        ql_expr *other = c == a ? b : a;
        if (c == a || other->is_constant || other->kind == QL_E_SLOT) {
            return become_truth(r, e, is_and ? 0 : 1);
        }
    }
    return QL_OK;
}

static ql_status
fold_unary(qli_res *r, ql_expr **e)
{
    int t = truth(&(*e)->args[0]->value);
    switch ((*e)->op) {
    case QL_OP_NOT:
        return become_truth(r, e, t < 0 ? -1 : !t);
    case QL_OP_IS_NULL:
    case QL_OP_IS_UNKNOWN:
        return become_truth(r, e, t < 0);
    case QL_OP_IS_NOT_NULL:
    case QL_OP_IS_NOT_UNKNOWN:
        return become_truth(r, e, t >= 0);
    case QL_OP_IS_TRUE:
        return become_truth(r, e, t == 1);
    case QL_OP_IS_NOT_TRUE:
        return become_truth(r, e, t != 1);
    case QL_OP_IS_FALSE:
        return become_truth(r, e, t == 0);
    case QL_OP_IS_NOT_FALSE:
        return become_truth(r, e, t != 0);
    default:
        return QL_OK;
    }
}

static ql_status
fold_op(qli_res *r, ql_expr **e)
{
    switch ((*e)->op) {
    case QL_OP_EQ:
    case QL_OP_NULLSAFE_EQ:
    case QL_OP_NE:
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
        return fold_compare(r, e);
    case QL_OP_ADD:
    case QL_OP_SUB:
    case QL_OP_MUL:
        return fold_arith(r, e);
    case QL_OP_NEG:
        return fold_negate(r, e);
    case QL_OP_NOT:
    case QL_OP_IS_NULL:
    case QL_OP_IS_NOT_NULL:
    case QL_OP_IS_TRUE:
    case QL_OP_IS_NOT_TRUE:
    case QL_OP_IS_FALSE:
    case QL_OP_IS_NOT_FALSE:
    case QL_OP_IS_UNKNOWN:
    case QL_OP_IS_NOT_UNKNOWN:
        return fold_unary(r, e);
    default:
        return QL_OK;
    }
}

ql_status
qli_fold(qli_res *r, ql_expr **e)
{
    ql_expr *n = *e;
    if (r->preparing || (n->kind != QL_E_OP && n->kind != QL_E_CAST)) {
        return QL_OK;
    }
    if (n->kind == QL_E_OP && (n->op == QL_OP_AND || n->op == QL_OP_OR)) {
        return fold_logic(r, e);
    }
    for (uint32_t i = 0; i < n->nargs; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        if (!foldable_operand(n->args[i])) {
            return QL_OK;
        }
    }
    if (n->kind != QL_E_CAST) {
        return fold_op(r, e);
    }
    if (n->args[0]->type.kind == QL_K_TIME && n->type.kind != QL_K_TIME &&
        ql_kind_is_temporal(n->type.kind)) {
        return QL_OK; /* looks at the current day */
    }
    return fold_cast(r, e);
}

bool
qli_const_truth(const ql_expr *e, bool *value)
{
    if (e->kind != QL_E_CONST || e->value.kind != QL_K_INT) {
        return false;
    }
    *value = e->value.i != 0;
    return true;
}

/* --- for what comes behind the resolver --- */

ql_status
ql_expr_cast_compared(ql_ctx *cx, ql_expr **e, ql_kind kind)
{
    qli_res r = {.cx = cx, .a = cx->arena};
    return qli_cast_compared(&r, NULL, e, kind);
}

ql_status
ql_expr_fold(ql_ctx *cx, ql_expr **e)
{
    qli_res r = {.cx = cx, .a = cx->arena};
    return qli_fold(&r, e);
}

ql_status
ql_expr_same(ql_ctx *cx, const ql_expr *a, const ql_expr *b, bool *same)
{
    qli_res r = {.cx = cx, .a = cx->arena};
    return qli_expr_equal(&r, a, b, same);
}
