/* SPDX-License-Identifier: Apache-2.0
 *
 * UNION, EXCEPT and INTERSECT of two blocks. They stream; rows that are to come once are looked at
 * by qli_fresh (op_distinct.c).
 */
#include <string.h>

#include "exec/fresh_int.h"

/* UNION, EXCEPT, INTERSECT of two blocks. */
typedef struct setop_op {
    qli_op op;
    ql_block *sub[2];
    int side;
    bool right_read;
    qli_fresh *fresh;  /* rows already given */
    ql_tupleset right; /* EXCEPT, INTERSECT: rows of the right side */
    ql_arena *mem;
    bool waiting; /* both sides are read; what waits in fresh comes */
    ql_vector **cols;
    uint64_t *hash;
} setop_op;

static ql_status
cast_column(ql_ctx *cx, qli_op *op, uint16_t i, const ql_batch *b)
{
    ql_vector *to = &op->batch.cols[i];
    const ql_vector *from = &b->cols[i];
    const ql_type *t = &op->block->slot_types[i];
    if (from->type.kind == t->kind && t->kind != QL_K_DECIMAL) {
        *to = *from;
        to->type = *t;
        return QL_OK;
    }
    QL_TRY(ql_vector_init(cx, op->scratch, to, t, false));
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        ql_value v, r;
        ql_vector_get(from, row, &v);
        r = v;
        if (v.kind != QL_K_NULL) {
            QL_TRY(ql_value_cast(cx, op->scratch, &v, t, &r));
        }
        ql_vector_set(to, row, &r);
    }
    return QL_OK;
}

/* The tuple of a row are its columns. */
static ql_status
same_columns(ql_ctx *cx, qli_op *op, const ql_batch *b, ql_vector **cols)
{
    (void)cx;
    for (uint16_t i = 0; i < op->block->query->nitems; i++) {
        cols[i] = &b->cols[i];
    }
    return QL_OK;
}

static ql_status
setop_pull(ql_ctx *cx, qli_op *op, int side)
{
    setop_op *s = (setop_op *)op;
    ql_batch *b;
    if (s->sub[side] == NULL) {
        const ql_query *q = op->block->query;
        const ql_block_plan *p = side == 0 ? op->plan->sub : op->plan->sub2;
        QL_TRY(ql_block_new(op->block->run, op->block, side == 0 ? q->left : q->right, p, NULL,
                            &s->sub[side]));
    }
    QL_TRY(ql_block_next(cx, s->sub[side], &b));
    ql_arena_reset(op->scratch);
    for (uint16_t i = 0; i < op->block->query->nitems; i++) {
        QL_TRY(cast_column(cx, op, i, b));
        s->cols[i] = &op->batch.cols[i];
    }
    op->batch.n = b->n;
    op->batch.nsel = b->nsel;
    op->batch.sel = b->sel;
    return QL_OK;
}

static ql_status
add_right(ql_ctx *cx, qli_op *op)
{
    setop_op *s = (setop_op *)op;
    const ql_batch *b = &op->batch;
    for (uint16_t i = 0; i < op->block->query->nitems; i++) {
        QL_TRY(ql_hash_column(cx, s->cols[i], b->sel, b->nsel, i == 0, s->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool fresh;
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(ql_tupleset_add(cx, &s->right, s->cols, row, s->hash[row], &fresh));
    }
    return QL_OK;
}

static ql_status
read_right(ql_ctx *cx, qli_op *op)
{
    setop_op *s = (setop_op *)op;
    ql_status st;
    while ((st = setop_pull(cx, op, 1)) == QL_OK) {
        QL_TRY(add_right(cx, op));
    }
    s->right_read = true;
    return st == QL_END ? QL_OK : st;
}

/* Rows of the left side that are (INTERSECT) or are not (EXCEPT) on the right. */
static ql_status
keep_by_right(ql_ctx *cx, qli_op *op, bool wanted)
{
    setop_op *s = (setop_op *)op;
    ql_batch *b = &op->batch;
    uint16_t n = 0;
    for (uint16_t i = 0; i < op->block->query->nitems; i++) {
        QL_TRY(ql_hash_column(cx, s->cols[i], b->sel, b->nsel, i == 0, s->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool found;
        QL_TRY(ql_tupleset_has(cx, &s->right, s->cols, row, s->hash[row], &found));
        op->sel[n] = row;
        n = (uint16_t)(n + (found == wanted));
    }
    b->sel = op->sel;
    b->nsel = n;
    return QL_OK;
}

static ql_status
setop_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    setop_op *s = (setop_op *)op;
    const ql_query *q = op->block->query;
    bool by_right = q->set_op == QL_SET_EXCEPT || q->set_op == QL_SET_INTERSECT;
    if (by_right && !s->right_read) {
        QL_TRY(read_right(cx, op));
    }
    bool distinct = by_right || op->plan->set_distinct || q->set_op == QL_SET_UNION;
    if (s->waiting) {
        return qli_fresh_waiting(cx, s->fresh, out);
    }
    ql_status st = setop_pull(cx, op, s->side);
    if (st == QL_END && s->side == 0 && !by_right) {
        s->side = 1;
        st = setop_pull(cx, op, 1);
    }
    if (st == QL_END && distinct) {
        s->waiting = true;
        return qli_fresh_waiting(cx, s->fresh, out);
    }
    QL_TRY(st);
    if (by_right) {
        QL_TRY(keep_by_right(cx, op, q->set_op == QL_SET_INTERSECT));
    }
    if (distinct) {
        QL_TRY(qli_fresh_filter(cx, s->fresh, s->cols, &op->batch, op->sel));
    }
    *out = &op->batch;
    return QL_OK;
}

static ql_status
setop_restart(ql_ctx *cx, qli_op *op)
{
    setop_op *s = (setop_op *)op;
    ql_arena_reset(s->mem);
    ql_tupleset_init(&s->right, s->mem, op->block->query->nitems);
    QL_TRY(qli_fresh_reset(cx, s->fresh));
    s->waiting = false;
    s->side = 0;
    s->right_read = false;
    for (int i = 0; i < 2; i++) {
        if (s->sub[i] != NULL) {
            QL_TRY(ql_block_restart(cx, s->sub[i]));
        }
    }
    return QL_OK;
}

ql_status
qli_setop_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(setop_op), true, &op));
    setop_op *s = (setop_op *)op;
    uint16_t n = b->query->nitems;
    s->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    s->hash = QL_ARENA_ARRAY(cx, b->mem, uint64_t, QL_BATCH_ROWS);
    op->sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    if (s->cols == NULL || s->hash == NULL || op->sel == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_run_arena(b->run, "set operation", &s->mem));
    ql_tupleset_init(&s->right, s->mem, n);
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(qli_op_live_add(cx, op, &i, 1));
    }
    QL_TRY(qli_fresh_new(cx, op, op->live, op->nlive, same_columns, n, &s->fresh));
    ql_count(cx, QL_CT_CREATED_TMP_TABLES, p->set_distinct);
    op->next = setop_next;
    op->restart = setop_restart;
    *out = op;
    return QL_OK;
}
