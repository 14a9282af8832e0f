/* SPDX-License-Identifier: Apache-2.0
 *
 * a IN (list). A list of integer constants becomes a sorted array; other lists are looked through,
 * with a checkpoint every few hundred comparisons.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/exec_int.h"

#define COMPARE_COST 256 /* what one comparison counts for between two looks, in bytes */

/* Sorted constants. */
typedef struct int_set {
    int64_t *v;
    uint32_t n;
    bool has_null;
} int_set;

static bool
set_has(const int_set *s, int64_t v)
{
    uint32_t low = 0, high = s->n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->v[mid] < v) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < s->n && s->v[low] == v;
}

/* Heap sort in place: no recursion, no extra memory. */
static void
sift_down(int64_t *v, uint32_t i, uint32_t n)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && v[child + 1] > v[child]) {
            child++;
        }
        if (v[i] >= v[child]) {
            return;
        }
        int64_t t = v[i];
        v[i] = v[child];
        v[child] = t;
        i = child;
    }
}

static ql_status
sort_ints(ql_ctx *cx, int64_t *v, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;) {
        sift_down(v, i, n);
        if (i % 128 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    for (uint32_t end = n; end > 1; end--) {
        int64_t t = v[0];
        v[0] = v[end - 1];
        v[end - 1] = t;
        sift_down(v, 0, end - 1);
        if (end % 128 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

static ql_status
eval_in_ints(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    const int_set *s = x->aux;
    bool not_ = x->e->op == QL_OP_NOT_IN;
    ql_vector *a;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value r = ql_value_null();
        if (!ql_vector_null_at(a, row)) {
            int64_t v = a->i[a->is_const ? 0 : row];
            bool found = !(a->type.is_unsigned && v < 0) && set_has(s, v);
            if (found || !s->has_null) {
                r = ql_value_int(found != not_);
            }
        }
        ql_vector_set(&x->own, row, &r);
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_in_list(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    bool not_ = x->e->op == QL_OP_NOT_IN;
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value *p, *q, r;
        uint32_t np, nq;
        int found = 0;
        QL_TRY(qli_row_operand(cx, x->args[0], in, row, &p, &np));
        for (uint32_t i = 1; i < x->nargs && found != 1; i++) {
            int same;
            QL_TRY(ql_bulk_count(cx, COMPARE_COST));
            QL_TRY(qli_row_operand(cx, x->args[i], in, row, &q, &nq));
            if (np != nq) {
                return ql_fail(cx, QL_ER_OPERAND_COLUMNS, (int)np);
            }
            QL_TRY(qli_rows_compare(cx, x->env.scratch, QL_OP_EQ, p, q, np, x->e->coll, &same));
            found = same == 1 ? 1 : same < 0 ? -1 : found;
        }
        r = found < 0 ? ql_value_null() : ql_value_int((found == 1) != not_);
        ql_vector_set(&x->own, row, &r);
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
list_is_ints(ql_ctx *cx, const ql_expr *e, bool *yes)
{
    *yes = false;
    if (e->args[0]->type.kind != QL_K_INT) {
        return QL_OK;
    }
    for (uint32_t i = 1; i < e->nargs; i++) {
        const ql_expr *a = e->args[i];
        if (a->kind != QL_E_CONST || (a->value.kind != QL_K_INT && a->value.kind != QL_K_NULL) ||
            (a->value.is_unsigned && a->value.i < 0)) {
            return QL_OK;
        }
        QL_TRY(ql_bulk_node(cx));
    }
    *yes = true;
    return QL_OK;
}

static ql_status
make_set(ql_ctx *cx, ql_ex *x)
{
    int_set *s = QL_ARENA_NEW(cx, x->env.mem, int_set);
    if (s == NULL) {
        return QL_ERROR;
    }
    s->v = QL_ARENA_ARRAY(cx, x->env.mem, int64_t, x->e->nargs);
    if (s->v == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 1; i < x->e->nargs; i++) {
        const ql_value *v = &x->e->args[i]->value;
        if (v->kind == QL_K_NULL) {
            s->has_null = true;
        } else {
            s->v[s->n++] = v->i;
        }
        QL_TRY(ql_bulk_node(cx));
    }
    QL_TRY(sort_ints(cx, s->v, s->n));
    x->aux = s;
    x->eval = eval_in_ints;
    return QL_OK;
}

ql_status
qli_in_compile(ql_ctx *cx, ql_ex *x)
{
    bool ints;
    QL_TRY(list_is_ints(cx, x->e, &ints));
    if (ints) {
        return make_set(cx, x);
    }
    x->eval = eval_in_list;
    return QL_OK;
}
