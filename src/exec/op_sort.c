/* SPDX-License-Identifier: Apache-2.0
 *
 * ORDER BY: rows are kept and sorted; what is more than sort_buffer_size goes to tapes as sorted
 * runs (spool/extsort.h). Under a LIMIT a heap keeps the best rows only, as long as they fit. Where
 * rows come in the order of the first keys already, reading ends with the group, equal in these,
 * that fills it.
 */
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "exec/rowset_int.h"

#define TOP_MOST 65536 /* a larger LIMIT sorts everything */
#define COMPACT_FROM ((size_t)1024 * 1024)
#define COMPACT_LEAST ((size_t)128 * 1024)
/* Bytes of the lists for each row: the item, its place while sorting, and what growing left. */
#define LISTS_A_ROW (3 * sizeof(ql_sort_item))
#define BLOCK_A_ROW 32 /* lost between two rows of an arena */

typedef struct sort_op {
    qli_op op;
    ql_ex **keys;
    ql_type *types;
    bool *descending;
    ql_value *vals;
    ql_vector **cols;
    uint16_t nkeys;
    qli_rowfmt fmt;
    ql_arena *mem, *spare; /* rows and keys */
    ql_arena *lists;       /* the arrays below; they stay when a correlated block is restarted */
    ql_buf tmp, last_key;
    ql_sort_item *list;  /* [cap] rows as they came, or the heap */
    ql_sort_item *other; /* [cap_other] room for sorting */
    uint64_t *order;     /* heap: [cap] age of its rows, for stability */
    ql_sort_item *items; /* sorted: list or other */
    size_t n, cap, cap_other, at;
    size_t budget, bytes; /* of kept rows */
    uint64_t limit;       /* of the query, and offset: rows wanted; 0 = all, or too many */
    bool limit_known;
    bool heaped;
    size_t compact_at;
    uint64_t age;
    ql_extsort ext;
    bool spilled, sorted;
    ql_buf part_key, group_key;
    ql_sort_item group; /* the first keys of the rows in work, where rows come in their order */
    bool has_group;
    bool has_last; /* under a LIMIT: a run has as many rows as are wanted, this is its last one */
    ql_sort_item last;
    char *rows[QL_BATCH_ROWS];
} sort_op;

static void
free_tmp(void *arg)
{
    ql_buf_free(&((sort_op *)arg)->tmp);
    ql_buf_free(&((sort_op *)arg)->last_key);
    ql_buf_free(&((sort_op *)arg)->part_key);
    ql_buf_free(&((sort_op *)arg)->group_key);
}

/* Twice the room for n items of size bytes. */
static ql_status
more_room(ql_ctx *cx, sort_op *s, void *array, size_t n, size_t size, size_t cap, void **out)
{
    *out = ql_arena_alloc(cx, s->lists, cap * size);
    return *out != NULL ? ql_bulk_copy(cx, *out, array, n * size) : QL_ERROR;
}

static ql_status
grow_list(ql_ctx *cx, sort_op *s)
{
    size_t cap = s->cap > 0 ? s->cap * 2 : 64;
    void *list, *order = s->order;
    QL_TRY(more_room(cx, s, s->list, s->n, sizeof *s->list, cap, &list));
    if (s->limit > 0) {
        QL_TRY(more_room(cx, s, s->order, s->n, sizeof *s->order, cap, &order));
    }
    s->list = list;
    s->order = order;
    s->cap = cap;
    return QL_OK;
}

static ql_status
sort_list(ql_ctx *cx, sort_op *s)
{
    if (s->n > QL_SORT_ALONE && s->n > s->cap_other) {
        void *other;
        size_t cap = s->n + s->n / 4; /* a heap's list may have been much longer */
        cap = cap < s->cap ? cap : s->cap;
        QL_TRY(more_room(cx, s, NULL, 0, sizeof *s->other, cap, &other));
        s->other = other;
        s->cap_other = cap;
    }
    return ql_sort_between(cx, s->list, s->other, s->n, &s->items);
}

/* A row that does not come before it is not wanted. */
static ql_status
note_last(ql_ctx *cx, sort_op *s)
{
    s->last = s->items[s->limit - 1];
    s->last.row = NULL;
    ql_buf_clear(&s->last_key);
    QL_TRY(ql_buf_put(cx, &s->last_key, s->last.key, s->last.nkey));
    s->last.key = s->last_key.p;
    s->has_last = true;
    return QL_OK;
}

/* What is in memory becomes a run; items are in order. */
static ql_status
write_run(ql_ctx *cx, sort_op *s)
{
    s->ext.most = s->limit;
    if (s->limit > 0 && s->n >= s->limit) {
        QL_TRY(note_last(cx, s));
    }
    s->spilled = true;
    QL_TRY(qli_sorted_put(cx, s->op.block->run, &s->ext, &s->fmt, s->items, s->n));
    QL_TRY(ql_run_arena_renew(s->op.block->run, "sort", &s->mem));
    s->n = s->bytes = 0;
    return QL_OK;
}

static bool
is_over(const ql_ctx *cx, const sort_op *s)
{
    return s->n > 0 &&
           qli_budget_is_out(cx, s->bytes + s->n * (LISTS_A_ROW + BLOCK_A_ROW), s->budget);
}

static ql_status
keep(ql_ctx *cx, sort_op *s, const ql_batch *b, uint16_t row, ql_sort_item *item)
{
    char *saved;
    if (s->has_last) {
        int order;
        QL_TRY(ql_sort_compare(cx, item, &s->last, &order));
        if (order >= 0) {
            return QL_OK;
        }
    }
    if (is_over(cx, s)) {
        QL_TRY(sort_list(cx, s));
        QL_TRY(write_run(cx, s));
    }
    if (s->n == s->cap) {
        QL_TRY(grow_list(cx, s));
    }
    QL_TRY(qli_sort_key_keep(cx, s->mem, item));
    QL_TRY(qli_row_save(cx, s->mem, &s->fmt, b, row, &saved));
    item->row = saved;
    s->list[s->n++] = *item;
    s->bytes += item->nkey + qli_row_size(&s->fmt, saved);
    return QL_OK;
}

/* Heap with the worst row on top. Equal keys: the younger is worse. */
static ql_status
is_worse(ql_ctx *cx, const sort_op *s, size_t a, size_t b, bool *yes)
{
    int c;
    QL_TRY(ql_sort_compare(cx, &s->list[a], &s->list[b], &c));
    *yes = c != 0 ? c > 0 : s->order[a] > s->order[b];
    return QL_OK;
}

static void
swap_items(sort_op *s, size_t a, size_t b)
{
    ql_sort_item t = s->list[a];
    uint64_t o = s->order[a];
    s->list[a] = s->list[b];
    s->order[a] = s->order[b];
    s->list[b] = t;
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
    s->items = s->list;
    return QL_OK;
}

/* The rows wanted so far become a run, and so does what comes after them. */
static ql_status
heap_to_run(ql_ctx *cx, sort_op *s)
{
    QL_TRY(sort_heap(cx, s));
    s->heaped = false;
    return write_run(cx, s);
}

/* Rows thrown out of the heap leave their bytes behind: move the survivors to a fresh arena. When
 * they alone are too many they go to disk. */
static ql_status
compact(ql_ctx *cx, sort_op *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *old = s->list[i].row;
        size_t size = qli_row_size(&s->fmt, old);
        char *row = ql_arena_alloc(cx, s->spare, size);
        if (row == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, row, old, size));
        qli_row_moved(&s->fmt, row);
        s->list[i].row = row;
        QL_TRY(qli_sort_key_keep(cx, s->spare, &s->list[i]));
    }
    ql_arena *old = s->mem;
    s->mem = s->spare;
    s->spare = old;
    QL_TRY(ql_run_arena_renew(s->op.block->run, "sort", &s->spare));
    size_t used = ql_arena_used(s->mem);
    if (2 * used > s->budget) {
        return heap_to_run(cx, s);
    }
    s->compact_at = 4 * used + COMPACT_FROM;
    s->compact_at = s->compact_at < s->budget ? s->compact_at : s->budget;
    s->compact_at = s->compact_at > COMPACT_LEAST ? s->compact_at : COMPACT_LEAST;
    return QL_OK;
}

static ql_status
offer(ql_ctx *cx, sort_op *s, const ql_batch *b, uint16_t row, ql_sort_item *item)
{
    char *saved;
    bool room = s->n < s->limit;
    if (!room) {
        int order;
        QL_TRY(ql_sort_compare(cx, item, &s->list[0], &order));
        if (order >= 0) {
            return QL_OK; /* has left nothing behind */
        }
    } else if (s->n == s->cap) {
        QL_TRY(grow_list(cx, s));
    }
    QL_TRY(qli_sort_key_keep(cx, s->mem, item));
    QL_TRY(qli_row_save(cx, s->mem, &s->fmt, b, row, &saved));
    item->row = saved;
    size_t at = room ? s->n++ : 0;
    s->list[at] = *item;
    s->order[at] = s->age++;
    QL_TRY(room ? heap_up(cx, s, at) : heap_down(cx, s, 0, s->n));
    size_t used = ql_arena_used(s->mem);
    bool full = used > s->compact_at;
    if (qli_budget_is_out(cx, used, SIZE_MAX) || (full && !qli_budget_has_room(cx, used))) {
        return heap_to_run(cx, s);
    }
    return full ? compact(cx, s) : QL_OK;
}

/* Do the first characters say that the row comes behind all that are wanted? */
static ql_status
is_behind(ql_ctx *cx, sort_op *s, bool *yes)
{
    uint64_t head;
    bool known;
    *yes = false;
    if (!s->heaped || s->n < s->limit) {
        return QL_OK;
    }
    QL_TRY(ql_key_head(cx, &s->types[0], s->descending[0], &s->vals[0], &s->tmp, &head, &known));
    *yes = known && head > s->list[0].prefix;
    return QL_OK;
}

/* Rows come in the order of the first keys. *enough: the row at hand is behind the last one of
 * those that were equal in them, and no more are wanted. */
static ql_status
next_group(ql_ctx *cx, sort_op *s, bool *enough)
{
    ql_sort_item item = {0};
    int order = 1;
    QL_TRY(qli_sort_key_make(cx, NULL, &s->part_key, s->vals, s->types, s->descending,
                             s->op.plan->nsorted, &item));
    QL_TRY(s->has_group ? ql_sort_compare(cx, &item, &s->group, &order) : QL_OK);
    if (order == 0) {
        return QL_OK;
    }
    *enough = s->n >= s->limit;
    ql_buf_clear(&s->group_key);
    QL_TRY(ql_buf_put(cx, &s->group_key, item.key, item.nkey));
    s->group = item;
    s->group.key = s->group_key.p;
    s->has_group = true;
    return QL_OK;
}

static ql_status
take_batch(ql_ctx *cx, sort_op *s, const ql_batch *b, bool *enough)
{
    ql_arena_reset(s->op.scratch);
    for (uint16_t i = 0; i < s->nkeys; i++) {
        QL_TRY(ql_ex_output(cx, s->keys[i], b, b->sel, b->nsel, &s->cols[i]));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        ql_sort_item item = {0};
        bool behind;
        if (k % 128 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (uint16_t i = 0; i < s->nkeys; i++) {
            ql_vector_get(s->cols[i], row, &s->vals[i]);
        }
        QL_TRY(s->heaped && s->op.plan->nsorted > 0 ? next_group(cx, s, enough) : QL_OK);
        if (*enough) {
            return QL_OK;
        }
        QL_TRY(is_behind(cx, s, &behind));
        if (behind) {
            continue;
        }
        QL_TRY(qli_sort_key_make(cx, NULL, &s->tmp, s->vals, s->types, s->descending, s->nkeys,
                                 &item));
        QL_TRY(s->heaped ? offer(cx, s, b, row, &item) : keep(cx, s, b, row, &item));
    }
    return QL_OK;
}

/* Once, however often a correlated block is restarted. */
static ql_status
wanted_rows(sort_op *s)
{
    const ql_query *q = s->op.block->query;
    uint64_t limit, offset;
    if (s->limit_known) {
        return QL_OK;
    }
    s->limit_known = true;
    if (!s->op.plan->stop_at_limit || q->limit == NULL || s->op.block->reader_counts) {
        return QL_OK;
    }
    QL_TRY(qli_limit_value(s->op.block->run, q->limit, UINT64_MAX, &limit));
    QL_TRY(qli_limit_value(s->op.block->run, q->offset, 0, &offset));
    if (limit <= TOP_MOST && offset <= TOP_MOST) {
        s->limit = limit + offset;
    }
    return QL_OK;
}

/* All rows are taken: put them in order. */
static ql_status
finish(ql_ctx *cx, sort_op *s)
{
    if (!s->spilled) {
        return s->heaped ? sort_heap(cx, s) : sort_list(cx, s);
    }
    if (s->n > 0) {
        QL_TRY(sort_list(cx, s));
        QL_TRY(write_run(cx, s));
    }
    QL_TRY(ql_run_arena_renew(s->op.block->run, "sort", &s->lists));
    s->list = s->other = s->items = NULL;
    s->order = NULL;
    s->cap = s->cap_other = 0;
    return ql_extsort_begin(cx, &s->ext);
}

/* A sort counts as one over a range when a range of one index is all that it reads (manual, "Server
 * Status Variables"). */
static ql_counter
kind_of_sort(const sort_op *s)
{
    const ql_plan *p = s->op.plan->left;
    while (p != NULL && p->kind == QL_P_FILTER) {
        p = p->left;
    }
    bool range = p != NULL && p->kind == QL_P_SCAN && (p->low.n > 0 || p->high.n > 0);
    return range ? QL_CT_SORT_RANGE : QL_CT_SORT_SCAN;
}

static ql_status
sort_all(ql_ctx *cx, sort_op *s)
{
    ql_batch *b;
    ql_status st;
    uint64_t seen = 0;
    QL_TRY(wanted_rows(s));
    s->heaped = s->limit > 0;
    s->compact_at = s->budget < COMPACT_FROM ? s->budget : COMPACT_FROM;
    s->compact_at = s->compact_at > COMPACT_LEAST ? s->compact_at : COMPACT_LEAST;
    if (cx->proc != NULL) {
        ql_proc_set_stage(cx->proc, QL_STAGE_SORTING);
    }
    bool enough = false;
    while (!enough && (st = qli_op_next(cx, s->op.left, &b)) == QL_OK) {
        QL_TRY(take_batch(cx, s, b, &enough));
        seen += b->nsel;
    }
    if (!enough && st != QL_END) {
        return st;
    }
    uint64_t kept = s->limit > 0 && s->limit < seen ? s->limit : seen;
    if (s->op.block->query->calc_found_rows) {
        s->op.block->run->passed_over += seen - kept;
    }
    QL_TRY(finish(cx, s));
    if (cx->proc != NULL) {
        ql_proc_set_stage(cx->proc, QL_STAGE_EXECUTING);
    }
    ql_count(cx, QL_CT_SORT_ROWS, kept);
    ql_count(cx, kind_of_sort(s), 1);
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
    uint16_t n;
    if (s->spilled) {
        ql_arena_reset(op->scratch);
        QL_TRY(qli_sorted_get(cx, &s->ext, &s->fmt, op->scratch, s->rows, &n));
    } else {
        size_t left = s->n - s->at;
        if (left == 0) {
            return QL_END;
        }
        n = left < QL_BATCH_ROWS ? (uint16_t)left : QL_BATCH_ROWS;
        for (uint16_t k = 0; k < n; k++) {
            s->rows[k] = s->items[s->at + k].row;
        }
        s->at += n;
    }
    qli_rows_load(&s->fmt, s->rows, n, op->batch.cols);
    op->batch.n = op->batch.nsel = n;
    op->batch.sel = NULL;
    *out = &op->batch;
    return QL_OK;
}

static ql_status
sort_restart(ql_ctx *cx, qli_op *op)
{
    sort_op *s = (sort_op *)op;
    ql_extsort_reset(cx, &s->ext);
    QL_TRY(ql_run_arena_renew(op->block->run, "sort", &s->mem));
    s->n = s->at = s->bytes = 0;
    s->sorted = s->spilled = s->has_last = s->has_group = false;
    return qli_op_restart(cx, op->left);
}

static ql_status
compile_keys(ql_ctx *cx, sort_op *s)
{
    const ql_plan *p = s->op.plan;
    ql_block *b = s->op.block;
    ql_env env = ql_block_env(b, s->op.scratch);
    uint16_t n = s->nkeys = p->nsort;
    s->keys = QL_ARENA_ARRAY(cx, b->mem, ql_ex *, n + 1);
    s->types = QL_ARENA_ARRAY(cx, b->mem, ql_type, n + 1);
    s->descending = QL_ARENA_ARRAY(cx, b->mem, bool, n + 1);
    s->vals = QL_ARENA_ARRAY(cx, b->mem, ql_value, n + 1);
    s->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    if (s->keys == NULL || s->types == NULL || s->descending == NULL || s->vals == NULL ||
        s->cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_ex_new(cx, &env, p->keys[i].expr, &s->keys[i]));
        s->types[i] = p->keys[i].expr->type;
        if (s->types[i].kind == QL_K_NULL) {
            s->types[i] = ql_type_int(false);
        }
        s->descending[i] = p->keys[i].descending;
    }
    return QL_OK;
}

ql_status
qli_sort_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(sort_op), true, &op));
    sort_op *s = (sort_op *)op;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    QL_TRY(qli_rowfmt_init(cx, b->mem, &s->fmt, b->slot_types, op->live, op->nlive));
    QL_TRY(ql_run_arena(b->run, "sort", &s->mem));
    QL_TRY(ql_run_arena(b->run, "sort", &s->spare));
    QL_TRY(ql_run_arena(b->run, "sort lists", &s->lists));
    QL_TRY(ql_run_arena(b->run, "sort runs", &s->ext.mem));
    s->budget = s->ext.budget = qli_budget_sort(cx);
    QL_TRY(ql_arena_defer(cx, b->mem, free_tmp, s));
    QL_TRY(compile_keys(cx, s));
    op->next = sort_next;
    op->restart = sort_restart;
    *out = op;
    return QL_OK;
}
