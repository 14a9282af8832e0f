/* SPDX-License-Identifier: Apache-2.0
 *
 * What all operators have: the way to their next batch, their slots, their filter.
 */
#include "base/thread.h"
#include "exec/exec_int.h"

ql_env
ql_block_env(ql_block *b, ql_arena *scratch)
{
    return (ql_env){
        .run = b->run, .block = b, .mem = b->mem, .scratch = scratch, .calls = &b->run->calls};
}

/* A run that is only worth while when it is short. */
static ql_status
check_time(ql_ctx *cx, const ql_run *run)
{
    return QL_UNLIKELY(run->give_up_ns != 0) && ql_now_mono_ns() > run->give_up_ns
               ? ql_fail(cx, QL_ER_QUERY_TIMEOUT)
               : QL_OK;
}

ql_status
qli_op_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    do {
        QL_TRY(ql_check(cx));
        QL_TRY(check_time(cx, op->block->run));
        QL_TRY(op->next(cx, op, out));
    } while ((*out)->nsel == 0);
    return QL_OK;
}

ql_status
qli_op_restart(ql_ctx *cx, qli_op *op)
{
    return op->restart(cx, op);
}

ql_status
qli_op_alloc(ql_ctx *cx, ql_block *b, const ql_plan *p, size_t size, bool scratch, qli_op **out)
{
    qli_op *op = ql_arena_zalloc(cx, b->mem, size);
    if (op == NULL) {
        return QL_ERROR;
    }
    op->plan = p;
    op->block = b;
    op->batch.ncols = b->nslots;
    op->batch.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
    op->live = QL_ARENA_ARRAY(cx, b->mem, uint16_t, b->nslots + 1);
    op->is_live = QL_ARENA_ARRAY(cx, b->mem, bool, b->nslots + 1);
    if (op->batch.cols == NULL || op->live == NULL || op->is_live == NULL) {
        return QL_ERROR;
    }
    if (scratch) {
        QL_TRY(ql_run_arena(b->run, "operator", &op->scratch));
    }
    *out = op;
    return QL_OK;
}

ql_status
qli_op_live_add(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        if (slots[i] >= op->block->nslots) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Plan names slot %u of %u", slots[i],
                                op->block->nslots);
        }
        if (!op->is_live[slots[i]]) {
            op->is_live[slots[i]] = true;
            op->live[op->nlive++] = slots[i];
        }
    }
    return QL_OK;
}

ql_status
qli_op_own_slots(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_vector_init(cx, op->block->mem, &op->batch.cols[slots[i]],
                              &op->block->slot_types[slots[i]], false));
    }
    return QL_OK;
}

ql_status
qli_op_filter_compile(ql_ctx *cx, qli_op *op)
{
    return qli_op_filter_compile_as(cx, op, op->plan->filter);
}

ql_status
qli_op_filter_compile_as(ql_ctx *cx, qli_op *op, const ql_expr *filter)
{
    if (filter == NULL) {
        return QL_OK;
    }
    ql_env env = ql_block_env(op->block, op->scratch);
    op->sel = QL_ARENA_ARRAY(cx, op->block->mem, uint16_t, QL_BATCH_ROWS);
    if (op->sel == NULL) {
        return QL_ERROR;
    }
    return ql_ex_new(cx, &env, filter, &op->filter);
}

/* The filter of an operator that is watched (watch.c). */
static ql_status
watched_filter(ql_ctx *cx, qli_op *op, const ql_batch *b, uint16_t *n)
{
    ql_op_counts *k = qli_watched_counts(op->watched);
    int64_t from = ql_now_mono_ns();
    k->filtered += b->nsel;
    ql_status st = ql_ex_filter(cx, op->filter, b, b->sel, b->nsel, op->sel, n);
    k->filter_ns += ql_now_mono_ns() - from;
    return st;
}

ql_status
qli_op_filter_apply(ql_ctx *cx, qli_op *op, ql_batch *b)
{
    if (op->filter == NULL) {
        return QL_OK;
    }
    uint16_t n;
    QL_TRY(op->watched != NULL ? watched_filter(cx, op, b, &n)
                               : ql_ex_filter(cx, op->filter, b, b->sel, b->nsel, op->sel, &n));
    if (n == b->n && b->sel == NULL) {
        return QL_OK;
    }
    b->sel = op->sel;
    b->nsel = n;
    return QL_OK;
}

ql_status
qli_op_hand_out(ql_ctx *cx, qli_op *op, size_t n, ql_batch **out)
{
    op->batch.n = op->batch.nsel = (uint16_t)n;
    op->batch.sel = NULL;
    *out = &op->batch;
    return qli_op_filter_apply(cx, op, &op->batch);
}
