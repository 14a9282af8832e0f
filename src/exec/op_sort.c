/* SPDX-License-Identifier: Apache-2.0
 *
 * ORDER BY: all rows kept and sorted, or, under a LIMIT, a heap of the best ones. Memory is the
 * statement's and bounded by its quota; nothing spills to disk yet.
 */
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "exec/exec_int.h"

#define TOP_MOST 65536 /* a larger LIMIT sorts everything */
#define COMPACT_FROM (1024 * 1024)

typedef struct sort_op {
    qli_op op;
    qli_ex **keys;
    ql_type *types;
    bool *descending;
    ql_value *vals;
    ql_vector **cols;
    uint16_t nkeys;
    qli_rowfmt fmt;
    ql_arena *mem, *spare;
    ql_buf tmp;
    qli_sort_item *items;
    qli_sort_item *heap; /* top: [heap_cap], what items points to */
    uint64_t *order;     /* top: age of items, for stability */
    size_t heap_cap;
    size_t n, cap, at;
    size_t top; /* rows wanted, 0 = all */
    size_t compact_at;
    uint64_t age;
    bool sorted;
    char *rows[QL_BATCH_ROWS];
} sort_op;

static void
free_tmp(void *arg)
{
    ql_buf_free(&((sort_op *)arg)->tmp);
}

static ql_status
keep(ql_ctx *cx, sort_op *s, const ql_batch *b, uint16_t row, const qli_sort_item *item)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        qli_sort_item *items = ql_arena_alloc(cx, s->mem, cap * sizeof *items);
        if (items == NULL) {
            return QL_ERROR;
        }
        for (size_t i = 0; i < s->n; i += 8192) {
            size_t step = s->n - i < 8192 ? s->n - i : 8192;
            QL_TRY(ql_check(cx));
            memcpy(&items[i], &s->items[i], step * sizeof *items);
        }
        s->items = items;
        s->cap = cap;
    }
    s->items[s->n] = *item;
    char *saved;
    QL_TRY(qli_row_save(cx, s->mem, &s->fmt, b, row, &saved));
    s->items[s->n++].row = saved;
    return QL_OK;
}

/* Heap with the worst row on top. Equal keys: the younger is worse. */
static ql_status
is_worse(ql_ctx *cx, const sort_op *s, size_t a, size_t b, bool *yes)
{
    int c;
    QL_TRY(qli_sort_compare(cx, &s->items[a], &s->items[b], &c));
    *yes = c != 0 ? c > 0 : s->order[a] > s->order[b];
    return QL_OK;
}

static void
swap_items(sort_op *s, size_t a, size_t b)
{
    qli_sort_item t = s->items[a];
    uint64_t o = s->order[a];
    s->items[a] = s->items[b];
    s->order[a] = s->order[b];
    s->items[b] = t;
    s->order[b] = o;
}

static ql_status
heap_down(ql_ctx *cx, sort_op *s, size_t i, size_t n)
{
    for (;;) {
        size_t child = 2 * i + 1;
        bool worse = false;
        if (child >= n) {
            return QL_OK;
        }
        if (child + 1 < n) {
            QL_TRY(is_worse(cx, s, child + 1, child, &worse));
        }
        child += worse;
        QL_TRY(is_worse(cx, s, child, i, &worse));
        if (!worse) {
            return QL_OK;
        }
        swap_items(s, i, child);
        i = child;
    }
}

static ql_status
heap_up(ql_ctx *cx, sort_op *s, size_t i)
{
    while (i > 0) {
        bool worse;
        QL_TRY(is_worse(cx, s, i, (i - 1) / 2, &worse));
        if (!worse) {
            break;
        }
        swap_items(s, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
    return QL_OK;
}

/* Rows thrown out of the heap leave their bytes behind: move the survivors to a fresh arena. */
static ql_status
compact(ql_ctx *cx, sort_op *s)
{
    ql_batch b = {.n = 1, .nsel = 1, .ncols = s->op.block->nslots};
    b.cols = s->op.batch.cols;
    for (size_t i = 0; i < s->n; i++) {
        char *row = s->items[i].row;
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        qli_rows_load(&s->fmt, &row, 1, b.cols);
        QL_TRY(qli_row_save(cx, s->spare, &s->fmt, &b, 0, &row));
        s->items[i].row = row;
        QL_TRY(qli_sort_key_keep(cx, s->spare, &s->items[i]));
    }
    ql_arena *old = s->mem;
    s->mem = s->spare;
    s->spare = old;
    ql_arena_reset(old);
    s->compact_at = 4 * ql_arena_used(s->mem) + COMPACT_FROM;
    return QL_OK;
}

static ql_status
offer(ql_ctx *cx, sort_op *s, const ql_batch *b, uint16_t row, qli_sort_item *item)
{
    char *saved;
    bool room = s->n < s->top;
    int order = -1;
    if (!room) {
        QL_TRY(qli_sort_compare(cx, item, &s->items[0], &order));
    }
    if (order >= 0) {
        return QL_OK; /* has left nothing behind */
    }
    QL_TRY(qli_sort_key_keep(cx, s->mem, item));
    if (room) {
        QL_TRY(qli_row_save(cx, s->mem, &s->fmt, b, row, &saved));
        s->items[s->n] = *item;
        s->items[s->n].row = saved;
        s->order[s->n] = s->age++;
        return heap_up(cx, s, s->n++);
    }
    QL_TRY(qli_row_save(cx, s->mem, &s->fmt, b, row, &saved));
    s->items[0] = *item;
    s->items[0].row = saved;
    s->order[0] = s->age++;
    QL_TRY(heap_down(cx, s, 0, s->n));
    return ql_arena_used(s->mem) > s->compact_at ? compact(cx, s) : QL_OK;
}

static ql_status
take_batch(ql_ctx *cx, sort_op *s, const ql_batch *b)
{
    ql_arena_reset(s->op.scratch);
    for (uint16_t i = 0; i < s->nkeys; i++) {
        QL_TRY(qli_ex_eval(cx, s->keys[i], b, b->sel, b->nsel, &s->cols[i]));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        qli_sort_item item = {0};
        if (k % 128 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (uint16_t i = 0; i < s->nkeys; i++) {
            ql_vector_get(s->cols[i], row, &s->vals[i]);
        }
        QL_TRY(qli_sort_key_make(cx, s->top > 0 ? NULL : s->mem, &s->tmp, s->vals, s->types,
                                 s->descending, s->nkeys, &item));
        QL_TRY(s->top > 0 ? offer(cx, s, b, row, &item) : keep(cx, s, b, row, &item));
    }
    return QL_OK;
}

static ql_status
wanted_rows(sort_op *s)
{
    const ql_query *q = s->op.block->query;
    uint64_t limit, offset;
    s->top = 0;
    if (!s->op.plan->stop_at_limit || q->limit == NULL) {
        return QL_OK;
    }
    QL_TRY(qli_limit_value(s->op.block->run, q->limit, UINT64_MAX, &limit));
    QL_TRY(qli_limit_value(s->op.block->run, q->offset, 0, &offset));
    if (limit <= TOP_MOST && offset <= TOP_MOST && limit + offset > 0) {
        s->top = limit + offset;
    }
    return QL_OK;
}

static ql_status
sort_heap(ql_ctx *cx, sort_op *s)
{
    for (size_t n = s->n; n > 1; n--) {
        if (n % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        swap_items(s, 0, n - 1);
        QL_TRY(heap_down(cx, s, 0, n - 1));
    }
    return QL_OK;
}

/* Room for the wanted rows, made once however often a correlated block is restarted. */
static ql_status
make_heap(ql_ctx *cx, sort_op *s)
{
    if (s->heap_cap < s->top) {
        s->heap = ql_arena_alloc(cx, s->op.block->mem, s->top * sizeof *s->heap);
        s->order = ql_arena_alloc(cx, s->op.block->mem, s->top * sizeof *s->order);
        if (s->heap == NULL || s->order == NULL) {
            return QL_ERROR;
        }
        s->heap_cap = s->top;
    }
    s->items = s->heap;
    s->compact_at = COMPACT_FROM;
    return QL_OK;
}

static ql_status
sort_all(ql_ctx *cx, sort_op *s)
{
    ql_batch *b;
    ql_status st;
    QL_TRY(wanted_rows(s));
    if (s->top > 0) {
        QL_TRY(make_heap(cx, s));
    }
    if (cx->proc != NULL) {
        ql_proc_set_stage(cx->proc, QL_STAGE_SORTING);
    }
    uint64_t seen = 0;
    while ((st = qli_op_next(cx, s->op.left, &b)) == QL_OK) {
        QL_TRY(take_batch(cx, s, b));
        seen += b->nsel;
    }
    if (st != QL_END) {
        return st;
    }
    if (s->op.block->query->calc_found_rows) {
        s->op.block->run->passed_over += seen - s->n;
    }
    QL_TRY(s->top > 0 ? sort_heap(cx, s) : qli_sort_items(cx, s->mem, &s->items, s->n));
    if (cx->proc != NULL) {
        ql_proc_set_stage(cx->proc, QL_STAGE_EXECUTING);
    }
    ql_count(cx, QL_CT_SORT_ROWS, s->n);
    ql_count(cx, QL_CT_SORT_SCAN, 1);
    s->sorted = true;
    return QL_OK;
}

static ql_status
sort_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    sort_op *s = (sort_op *)op;
    if (!s->sorted) {
        QL_TRY(sort_all(cx, s));
    }
    if (s->at >= s->n) {
        return QL_END;
    }
    size_t n = s->n - s->at < QL_BATCH_ROWS ? s->n - s->at : QL_BATCH_ROWS;
    for (size_t k = 0; k < n; k++) {
        s->rows[k] = s->items[s->at + k].row;
    }
    s->at += n;
    qli_rows_load(&s->fmt, s->rows, (uint16_t)n, op->batch.cols);
    op->batch.n = op->batch.nsel = (uint16_t)n;
    op->batch.sel = NULL;
    *out = &op->batch;
    return QL_OK;
}

static ql_status
sort_restart(ql_ctx *cx, qli_op *op)
{
    sort_op *s = (sort_op *)op;
    ql_arena_reset(s->mem);
    s->items = NULL;
    s->n = s->cap = s->at = 0;
    s->sorted = false;
    return qli_op_restart(cx, op->left);
}

static ql_status
compile_keys(ql_ctx *cx, sort_op *s)
{
    const ql_plan *p = s->op.plan;
    qli_block *b = s->op.block;
    qli_env env = qli_block_env(b, s->op.scratch);
    uint16_t n = s->nkeys = p->nsort;
    s->keys = QL_ARENA_ARRAY(cx, b->mem, qli_ex *, n + 1);
    s->types = QL_ARENA_ARRAY(cx, b->mem, ql_type, n + 1);
    s->descending = QL_ARENA_ARRAY(cx, b->mem, bool, n + 1);
    s->vals = QL_ARENA_ARRAY(cx, b->mem, ql_value, n + 1);
    s->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    if (s->keys == NULL || s->types == NULL || s->descending == NULL || s->vals == NULL ||
        s->cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(qli_ex_new(cx, &env, p->keys[i].expr, &s->keys[i]));
        s->types[i] = p->keys[i].expr->type;
        if (s->types[i].kind == QL_K_NULL) {
            s->types[i] = ql_type_int(false);
        }
        s->descending[i] = p->keys[i].descending;
    }
    return QL_OK;
}

ql_status
qli_sort_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(sort_op), true, &op));
    sort_op *s = (sort_op *)op;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    QL_TRY(qli_rowfmt_init(cx, b->mem, &s->fmt, b->slot_types, op->live, op->nlive));
    QL_TRY(qli_run_arena(b->run, "sort", &s->mem));
    QL_TRY(qli_run_arena(b->run, "sort", &s->spare));
    QL_TRY(ql_arena_defer(cx, b->mem, free_tmp, s));
    QL_TRY(compile_keys(cx, s));
    op->next = sort_next;
    op->restart = sort_restart;
    *out = op;
    return QL_OK;
}
