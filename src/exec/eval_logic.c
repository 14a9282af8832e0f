/* SPDX-License-Identifier: Apache-2.0
 *
 * Three-valued logic: AND, OR, XOR, NOT, IS [NOT] NULL/TRUE/FALSE/UNKNOWN. AND and OR evaluate
 * their right side only for rows that the left side has not decided.
 */
#include "exec/exec_int.h"

/* 1, 0, -1 = NULL. */
static ql_status
truth_at(ql_ctx *cx, const ql_vector *v, uint16_t row, int *truth)
{
    uint16_t at = v->is_const ? 0 : row;
    if (v->type.kind == QL_K_NULL || (v->has_nulls && v->nulls[at])) {
        *truth = -1;
    } else if (v->type.kind == QL_K_INT) {
        *truth = v->i[at] != 0;
    } else {
        ql_value boxed;
        bool b;
        ql_vector_get(v, row, &boxed);
        QL_TRY(ql_value_to_bool(cx, &boxed, &b));
        *truth = b;
    }
    return QL_OK;
}

static void
set_truth(ql_ex *x, uint16_t row, int truth)
{
    ql_value v = truth < 0 ? ql_value_null() : ql_value_int(truth);
    ql_vector_set(&x->own, row, &v);
}

/* AND (decided by 0) and OR (decided by 1). */
static ql_status
eval_and_or(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    uint16_t *open, *unused, nopen = n;
    int decides = x->e->op == QL_OP_OR;
    QL_TRY(qli_ex_selections(cx, x, &open, &unused));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        open[k] = sel != NULL ? sel[k] : k;
        set_truth(x, open[k], !decides);
    }
    for (uint32_t i = 0; i < x->nargs && nopen > 0; i++) {
        ql_vector *v;
        uint16_t left = 0;
        QL_TRY(ql_ex_eval(cx, x->args[i], in, open, nopen, &v));
        for (uint16_t k = 0; k < nopen; k++) {
            int truth;
            QL_TRY(truth_at(cx, v, open[k], &truth));
            if (truth == decides) {
                set_truth(x, open[k], decides);
                continue;
            }
            if (truth < 0) {
                set_truth(x, open[k], -1);
            }
            open[left++] = open[k];
        }
        nopen = left;
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_xor(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    ql_vector *a, *b;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(ql_ex_eval(cx, x->args[1], in, sel, n, &b));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        int p, q;
        QL_TRY(truth_at(cx, a, row, &p));
        QL_TRY(truth_at(cx, b, row, &q));
        set_truth(x, row, p < 0 || q < 0 ? -1 : p ^ q);
    }
    *out = &x->own;
    return QL_OK;
}

static int
one_result(ql_op op, int truth)
{
    switch (op) {
    case QL_OP_NOT:
        return truth < 0 ? -1 : !truth;
    case QL_OP_IS_TRUE:
        return truth == 1;
    case QL_OP_IS_NOT_TRUE:
        return truth != 1;
    case QL_OP_IS_FALSE:
        return truth == 0;
    case QL_OP_IS_NOT_FALSE:
        return truth != 0;
    case QL_OP_IS_UNKNOWN:
        return truth < 0;
    default:
        return truth >= 0;
    }
}

static ql_status
eval_one(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    ql_vector *a;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        int truth;
        QL_TRY(truth_at(cx, a, row, &truth));
        set_truth(x, row, one_result(x->e->op, truth));
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_is_null(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    ql_vector *a;
    bool want = x->e->op == QL_OP_IS_NULL;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        bool null = a->type.kind == QL_K_NULL || ql_vector_null_at(a, row);
        x->own.i[row] = null == want;
    }
    *out = &x->own;
    return QL_OK;
}

ql_status
qli_logic_compile(ql_ctx *cx, ql_ex *x)
{
    switch (x->e->op) {
    case QL_OP_AND:
    case QL_OP_OR:
        x->eval = eval_and_or;
        return QL_OK;
    case QL_OP_XOR:
        x->eval = eval_xor;
        return QL_OK;
    case QL_OP_IS_NULL:
    case QL_OP_IS_NOT_NULL:
        x->eval = eval_is_null;
        return QL_OK;
    case QL_OP_NOT:
    case QL_OP_IS_TRUE:
    case QL_OP_IS_NOT_TRUE:
    case QL_OP_IS_FALSE:
    case QL_OP_IS_NOT_FALSE:
    case QL_OP_IS_UNKNOWN:
    case QL_OP_IS_NOT_UNKNOWN:
        x->eval = eval_one;
        return QL_OK;
    default:
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Unknown operator %d", (int)x->e->op);
    }
}
