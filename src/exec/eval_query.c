/* SPDX-License-Identifier: Apache-2.0
 *
 * Subqueries in expressions: scalar, row, EXISTS, IN, ANY, ALL. One that does not look at the
 * enclosing rows runs once and its result is kept (eval_query_kept.c); a correlated one runs again
 * for each row with other values (eval_query_memo.c).
 */
#include <string.h>

#include "exec/query_int.h"

ql_status
qli_query_block(ql_ctx *cx, ql_ex *x)
{
    (void)cx;
    QL_TRY(ql_block_new(x->env.run, x->env.block, x->e->query, NULL, NULL, &x->sub));
    x->sub->exact = true;
    x->sub->reader_stops = x->e->kind == QL_E_EXISTS;
    return QL_OK;
}

ql_status
qli_query_start(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row)
{
    ql_block *own = x->env.block;
    if (own != NULL) {
        own->cur = in;
        own->cur_row = row;
    }
    qli_keyed_count(x);
    return x->sub != NULL ? ql_block_restart(cx, x->sub) : qli_query_block(cx, x);
}

/* First row of the running subquery into vals (bytes in scratch); QL_END = no row. */
static ql_status
single_row(ql_ctx *cx, ql_ex *x, ql_value *vals)
{
    ql_batch *b;
    uint16_t n = x->e->query->nitems;
    QL_TRY(ql_block_next(cx, x->sub, &b));
    for (uint16_t i = 0; i < n; i++) {
        ql_vector_get(&b->cols[i], ql_batch_row(b, 0), &vals[i]);
        QL_TRY(ql_value_keep(cx, x->env.scratch, &vals[i]));
    }
    if (b->nsel > 1) {
        return ql_fail(cx, QL_ER_SUBQUERY_NO_1_ROW);
    }
    ql_status st = ql_block_next(cx, x->sub, &b);
    if (st == QL_OK) {
        return ql_fail(cx, QL_ER_SUBQUERY_NO_1_ROW);
    }
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_query_row(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, ql_value **vals, uint32_t *n)
{
    *n = x->e->query->nitems;
    if (x->vals == NULL) {
        x->vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, *n + 1);
        if (x->vals == NULL) {
            return QL_ERROR;
        }
    }
    *vals = x->vals;
    if (x->aux_ready && !x->e->query->correlated) {
        return QL_OK;
    }
    if (x->e->query->correlated) {
        const ql_value *known;
        QL_TRY(qli_memo_find(cx, x, in, row, &known));
        if (known != NULL) { /* in memory that may be forgotten at the next question */
            for (uint32_t i = 0; i < *n; i++) {
                x->vals[i] = known[i];
                QL_TRY(ql_value_keep(cx, x->env.scratch, &x->vals[i]));
            }
            return QL_OK;
        }
    }
    QL_TRY(qli_query_start(cx, x, in, row));
    ql_status st = single_row(cx, x, x->vals);
    if (st == QL_END) {
        for (uint32_t i = 0; i < *n; i++) {
            x->vals[i] = ql_value_null();
        }
        st = QL_OK;
    }
    QL_TRY(st);
    if (x->e->query->correlated) {
        return qli_memo_put(cx, x, in, row, x->vals, *n);
    }
    for (uint32_t i = 0; i < *n; i++) {
        QL_TRY(ql_value_keep(cx, x->env.mem, &x->vals[i]));
    }
    x->aux_ready = true;
    return QL_OK;
}

static ql_status
eval_scalar(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    ql_value *vals;
    uint32_t nvals;
    bool once = !x->e->query->correlated;
    if (x->e->query->nitems != 1) {
        return ql_fail(cx, QL_ER_OPERAND_COLUMNS, 1);
    }
    QL_TRY(qli_ex_ready(cx, x));
    if (!once && x->e->query->keyed != NULL) {
        bool known;
        QL_TRY(qli_keyed_ready(cx, x, n, &known));
        if (known) {
            *out = &x->own;
            return qli_keyed_eval(cx, x, in, sel, n);
        }
    }
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        QL_TRY(ql_check(cx));
        QL_TRY(qli_query_row(cx, x, in, row, &vals, &nvals));
        QL_TRY(qli_ex_store(cx, x, once ? 0 : row, &vals[0]));
        if (once) {
            x->own.is_const = true;
            break;
        }
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_exists(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    bool once = !x->e->query->correlated;
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    if (once && x->aux_ready) {
        x->own.i[0] = x->aux != NULL;
        x->own.is_const = true;
        return QL_OK;
    }
    if (!once && x->e->query->keyed != NULL) {
        bool keyed;
        QL_TRY(qli_keyed_ready(cx, x, n, &keyed));
        if (keyed) {
            return qli_keyed_eval(cx, x, in, sel, n);
        }
    }
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_batch *b;
        const ql_value *known = NULL;
        QL_TRY(ql_check(cx));
        QL_TRY(once ? QL_OK : qli_memo_find(cx, x, in, row, &known));
        if (known != NULL) {
            x->own.i[row] = known->i;
            continue;
        }
        QL_TRY(qli_query_start(cx, x, in, row));
        ql_status st = ql_block_rows(cx, x->sub, &b);
        if (st != QL_OK && st != QL_END) {
            return st;
        }
        if (once) {
            x->aux = st == QL_OK ? x : NULL;
            x->aux_ready = true;
            x->own.i[0] = st == QL_OK;
            x->own.is_const = true;
            return QL_OK;
        }
        ql_value found = ql_value_int(st == QL_OK);
        x->own.i[row] = found.i;
        QL_TRY(qli_memo_put(cx, x, in, row, &found, 1));
    }
    return QL_OK;
}

/* For the bytes of the subquery's rows in work; not the enclosing block's scratch, which lives as
 * long as its batch of rows, each of which may read the whole subquery. */
ql_status
qli_query_row_arena(ql_ctx *cx, ql_ex *x, ql_arena **a)
{
    (void)cx;
    if (x->sub->rows_mem == NULL) {
        QL_TRY(ql_run_arena(x->env.run, "subquery rows", &x->sub->rows_mem));
    }
    *a = x->sub->rows_mem;
    return QL_OK;
}

/* Values of batch row `row` in the kind of the comparison. */
ql_status
qli_query_convert(ql_ctx *cx, ql_ex *x, ql_arena *a, const ql_batch *b, uint16_t row,
                  ql_value *vals)
{
    uint16_t n = x->e->query->nitems;
    for (uint16_t i = 0; i < n; i++) {
        ql_vector_get(&b->cols[i], row, &vals[i]);
        if (n == 1 && x->e->compare_kind != QL_K_NULL) {
            QL_TRY(qli_value_to_kind(cx, a, &vals[i], x->e->compare_kind, &vals[i]));
        }
    }
    return QL_OK;
}

/* The comparison of one pair, and whether its truth (ANY) or falsehood (ALL) decides. */
void
qli_query_op(ql_op op, ql_op *compare, bool *all)
{
    static const ql_op ops[6] = {QL_OP_EQ, QL_OP_NE, QL_OP_LT, QL_OP_LE, QL_OP_GT, QL_OP_GE};
    *all = false;
    if (op >= QL_OP_EQ_ANY && op <= QL_OP_GE_ANY) {
        *compare = ops[op - QL_OP_EQ_ANY];
    } else if (op >= QL_OP_EQ_ALL && op <= QL_OP_GE_ALL) {
        *compare = ops[op - QL_OP_EQ_ALL];
        *all = true;
    } else if (op == QL_OP_NOT_IN) {
        *compare = QL_OP_NE;
        *all = true;
    } else {
        *compare = QL_OP_EQ;
    }
}

/* Fold one row's comparison into the verdict: -2 = still open. */
ql_status
qli_query_fold(ql_ctx *cx, ql_ex *x, ql_arena *a, const ql_value *left, const ql_value *right,
               uint32_t n, int *verdict)
{
    ql_op op;
    bool all;
    int r;
    qli_query_op(x->e->op, &op, &all);
    QL_TRY(qli_rows_compare(cx, a, op, left, right, n, x->e->coll, &r));
    if (r < 0) {
        *verdict = -1;
    } else if (r == !all) {
        *verdict = r;
    }
    return QL_OK;
}

static ql_status
compare_running(ql_ctx *cx, ql_ex *x, const ql_value *left, uint32_t n, int *verdict)
{
    ql_arena *tmp;
    ql_batch *b;
    ql_status st = QL_OK;
    QL_TRY(qli_query_row_arena(cx, x, &tmp));
    if (x->vals == NULL) {
        x->vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, n + 1);
        if (x->vals == NULL) {
            return QL_ERROR;
        }
    }
    while (!qli_query_is_decided(*verdict) && (st = ql_block_next(cx, x->sub, &b)) == QL_OK) {
        ql_arena_reset(tmp);
        for (uint16_t k = 0; k < b->nsel && !qli_query_is_decided(*verdict); k++) {
            QL_TRY(qli_query_convert(cx, x, tmp, b, ql_batch_row(b, k), x->vals));
            QL_TRY(qli_query_fold(cx, x, tmp, left, x->vals, n, verdict));
        }
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
eval_in_query(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
              ql_vector **out)
{
    bool once = !x->e->query->correlated, all;
    ql_op op;
    qli_query_op(x->e->op, &op, &all);
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value *left, r;
        uint32_t nleft;
        int verdict = -2;
        QL_TRY(ql_check(cx));
        QL_TRY(qli_row_operand(cx, x->args[0], in, row, &left, &nleft));
        if (nleft != x->e->query->nitems) {
            return ql_fail(cx, QL_ER_OPERAND_COLUMNS, (int)nleft);
        }
        if (once && x->aux == NULL) {
            qli_kept *kept;
            QL_TRY(qli_kept_new(cx, x, in, row, &kept));
            x->aux = kept;
        }
        if (!once) {
            QL_TRY(qli_query_start(cx, x, in, row));
            QL_TRY(compare_running(cx, x, left, nleft, &verdict));
        } else {
            QL_TRY(qli_kept_compare(cx, x, x->aux, left, nleft, &verdict));
        }
        r = verdict == -1 ? ql_value_null() : ql_value_int(verdict == -2 ? all : verdict);
        ql_vector_set(&x->own, row, &r);
    }
    *out = &x->own;
    return QL_OK;
}

ql_status
qli_query_compile(ql_ctx *cx, ql_ex *x)
{
    (void)cx;
    switch (x->e->kind) {
    case QL_E_EXISTS:
        x->eval = eval_exists;
        break;
    case QL_E_IN_QUERY:
        x->eval = eval_in_query;
        break;
    default:
        x->eval = eval_scalar;
        break;
    }
    return QL_OK;
}
