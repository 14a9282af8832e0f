/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of functions, LIKE and REGEXP (src/fn): arguments evaluated, then the function's form for a
 * batch, or row by row over boxed values. Debug builds compute both and compare.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/exec_int.h"
#include "types/kinds.h"

static ql_status
eval_args(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **args, bool *all_const)
{
    *all_const = true;
    for (uint32_t i = 0; i < x->nargs; i++) {
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_ex_eval(cx, x->args[i], in, sel, n, &args[i]));
        *all_const = *all_const && args[i]->is_const;
    }
    return QL_OK;
}

static ql_status
call_row(ql_ctx *cx, ql_ex *x, ql_fn fn, ql_vector **args, uint16_t row, bool with_nulls)
{
    ql_value v = ql_value_null();
    bool null = false;
    for (uint32_t i = 0; i < x->nargs; i++) {
        ql_vector_get(args[i], row, &x->vals[i]);
        null = null || x->vals[i].kind == QL_K_NULL;
        QL_TRY(ql_bulk_each(cx, i));
    }
    if (!null || with_nulls) {
        bool stateless = x->call->state == NULL;
        ql_status st = fn(cx, x->call, x->vals, x->nargs, &v);
        if (stateless && x->call->state_free != NULL) {
            x->call->next = *x->env.calls;
            *x->env.calls = x->call;
        }
        QL_TRY(st);
    }
    return qli_ex_store(cx, x, row, &v);
}

#ifdef QL_DEBUG
/* Both forms make the same of every row. */
static ql_status
check_vector(ql_ctx *cx, ql_ex *x, ql_fn fn, const ql_rows *r)
{
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_value got, v = ql_value_null();
        bool same;
        for (uint32_t i = 0; i < r->nargs; i++) {
            ql_vector_get(r->args[i], row, &x->vals[i]);
        }
        QL_TRY(ql_bulk_count(cx, QL_ROW_ALONE));
        QL_TRY(fn(cx, x->call, x->vals, r->nargs, &v));
        ql_vector_get(&x->own, row, &got);
        v.coll = got.coll;
        v.is_unsigned = got.is_unsigned;
        QL_TRY(ql_value_same(cx, &v, &got, &same));
        if (!same) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                                "a function's two forms differ, row %u of a batch", row);
        }
    }
    return QL_OK;
}
#endif

/* All rows at once, but those with a NULL argument. QL_END: not these arguments. */
static ql_status
call_vector(ql_ctx *cx, ql_ex *x, ql_fn fn, ql_fn_vec vec, ql_vector **args, const uint16_t *sel,
            uint16_t n)
{
    bool nulls = false;
    if (x->env.single || x->nargs == 0) {
        return QL_END;
    }
    for (uint32_t i = 0; i < x->nargs; i++) {
        if (args[i]->type.kind == QL_K_NULL) {
            return QL_END;
        }
        nulls = nulls || args[i]->has_nulls;
    }
    QL_TRY(ql_check(cx));
    memset(x->own.nulls, 0, QL_BATCH_ROWS);
    if (nulls) {
        uint16_t *rest, *unused, m = 0;
        QL_TRY(qli_ex_selections(cx, x, &rest, &unused));
        for (uint16_t k = 0; k < n; k++) {
            uint16_t row = sel != NULL ? sel[k] : k;
            bool null = false;
            for (uint32_t i = 0; i < x->nargs; i++) {
                null = null || ql_vector_null_at(args[i], row);
            }
            x->own.nulls[row] = null;
            rest[m] = row;
            m = (uint16_t)(m + !null);
        }
        x->own.has_nulls = m < n;
        sel = rest;
        n = m;
    }
    ql_rows r = {.args = args, .nargs = x->nargs, .sel = sel, .n = n, .out = &x->own};
    ql_status st = n > 0 ? vec(cx, x->call, &r) : QL_OK;
#ifdef QL_DEBUG
    if (st == QL_OK && n > 0) {
        st = check_vector(cx, x, fn, &r);
    }
#else
    (void)fn;
#endif
    return st;
}

/* Checkpoints inside a batch of function calls: a call may cost a microsecond or more. */
#define CALLS_A_CHECK 32

static ql_status
call_rows(ql_ctx *cx, ql_ex *x, ql_fn fn, ql_fn_vec vec, unsigned flags, const ql_batch *in,
          const uint16_t *sel, uint16_t n, ql_vector **out)
{
    ql_vector **args = (ql_vector **)x->aux;
    bool all_const, with_nulls = (flags & QL_FF_NULLS) != 0;
    QL_TRY(eval_args(cx, x, in, sel, n, args, &all_const));
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    if (all_const && !(flags & QL_FF_NONDET)) {
        QL_TRY(call_row(cx, x, fn, args, 0, with_nulls));
        x->own.is_const = true;
        return QL_OK;
    }
    ql_status st = !with_nulls && vec != NULL ? call_vector(cx, x, fn, vec, args, sel, n) : QL_END;
    if (st != QL_END) {
        return st;
    }
    x->own.has_nulls = false;
    for (uint16_t k = 0; k < n; k++) {
        if (k % CALLS_A_CHECK == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(call_row(cx, x, fn, args, sel != NULL ? sel[k] : k, with_nulls));
    }
    return QL_OK;
}

static ql_status
eval_func(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    return call_rows(cx, x, ql_fn_table[x->e->fn], ql_fn_vectors[x->e->fn], ql_func_flags(x->e->fn),
                     in, sel, n, out);
}

static ql_status
negate(ql_ctx *cx, ql_ex *x, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    ql_vector *v = *out;
    (void)cx;
    (void)x;
    if (v->is_const) {
        v->i[0] = !v->i[0];
        return QL_OK;
    }
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        v->i[row] = !v->i[row];
    }
    return QL_OK;
}

static ql_status
eval_like(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    QL_TRY(call_rows(cx, x, ql_fn_like, ql_fn_like_rows, 0, in, sel, n, out));
    return x->e->op == QL_OP_NOT_LIKE ? negate(cx, x, sel, n, out) : QL_OK;
}

static ql_status
eval_regexp(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    QL_TRY(call_rows(cx, x, ql_fn_regexp, NULL, 0, in, sel, n, out));
    return x->e->op == QL_OP_NOT_REGEXP ? negate(cx, x, sel, n, out) : QL_OK;
}

ql_status
qli_call_compile(ql_ctx *cx, ql_ex *x)
{
    ql_op op = x->e->op;
    bool is_op = x->e->kind == QL_E_OP;
    x->eval = !is_op                                     ? eval_func
              : op == QL_OP_LIKE || op == QL_OP_NOT_LIKE ? eval_like
                                                         : eval_regexp;
    x->call = QL_ARENA_NEW(cx, x->env.mem, ql_call);
    x->aux = QL_ARENA_ARRAY(cx, x->env.mem, ql_vector *, x->nargs + 1);
    x->vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, x->nargs + 1);
    if (x->call == NULL || x->aux == NULL || x->vals == NULL) {
        return QL_ERROR;
    }
    x->call->expr = x->e;
    x->call->arena = x->env.scratch;
    x->call->mem = x->env.mem;
    return QL_OK;
}
