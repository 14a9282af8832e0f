/* SPDX-License-Identifier: Apache-2.0
 *
 * DISTINCT over rows that come one after the other when their select lists are equal, in the order
 * of an index: each is compared with the one before it, nothing is kept.
 */
#include "exec/adjacent.h"

typedef struct stream_op {
    qli_op op;
    ql_ex **items;
    ql_vector **cols;
    qli_adjacent runs;
} stream_op;

static ql_status
stream_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    stream_op *s = (stream_op *)op;
    uint16_t items = op->block->query->nitems, n = 0;
    ql_batch *b;
    QL_TRY(qli_op_next(cx, op->left, &b));
    ql_arena_reset(op->scratch);
    for (uint16_t i = 0; i < items; i++) {
        QL_TRY(ql_ex_output(cx, s->items[i], b, b->sel, b->nsel, &s->cols[i]));
    }
    QL_TRY(qli_adjacent_mark(cx, &s->runs, s->cols, b));
    for (uint16_t k = 0; k < b->nsel; k++) {
        op->sel[n] = ql_batch_row(b, k);
        n = (uint16_t)(n + s->runs.begins[k]);
    }
    op->batch = *b;
    op->batch.sel = op->sel;
    op->batch.nsel = n;
    *out = &op->batch;
    return QL_OK;
}

static ql_status
stream_restart(ql_ctx *cx, qli_op *op)
{
    qli_adjacent_restart(&((stream_op *)op)->runs);
    return qli_op_restart(cx, op->left);
}

ql_status
qli_distinct_stream_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(stream_op), true, &op));
    stream_op *s = (stream_op *)op;
    uint16_t n = b->query->nitems;
    ql_env env = ql_block_env(b, op->scratch);
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    s->items = QL_ARENA_ARRAY(cx, b->mem, ql_ex *, n + 1);
    s->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    op->sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    if (s->items == NULL || s->cols == NULL || op->sel == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_ex_new(cx, &env, b->query->items[i].expr, &s->items[i]));
    }
    QL_TRY(qli_adjacent_init(cx, b, &s->runs, n));
    op->next = stream_next;
    op->restart = stream_restart;
    *out = op;
    return QL_OK;
}
