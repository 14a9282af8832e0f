/* SPDX-License-Identifier: Apache-2.0
 *
 * Nested-loop join: for each row of the left side the right side is bound to it (an index range) or
 * run again from memory: what is more than tmp_table_size of it from a tape. Large pieces go on as
 * views (left slots constant, right slots as they are), small ones are collected into full batches.
 * Semi- and anti-joins give the left side's own batches, with those rows selected that have a
 * partner, or none; the right side is read up to the first one. A checkpoint for every inner block.
 */
#include <string.h>

#include "exec/rowset_int.h"
#include "types/kinds.h"

#define SMALL 128                       /* rows: below this a piece is copied */
#define CACHE_LIMIT (32u * 1024 * 1024) /* bytes kept of a right side that can be scanned again */

typedef struct nested_op {
    qli_op op;
    bool bound; /* right side looks at left slots */
    bool cache_on, cache_full;
    bool keeps; /* the right side is the same each time the join is run */
    ql_arena *cache_mem;
    ql_batch **cache;
    size_t ncache, cap_cache, at_cache;
    ql_batch *left;
    uint16_t k; /* row of left: k-th of its selection */
    /* Rows of the right side that the cache has no room for, behind the others: */
    size_t budget;
    qli_rowfmt fmt;
    ql_tape *tape; /* NULL = none */
    ql_reel reel;
    ql_batch back; /* as they are read */
    ql_arena *back_mem;
    char **rows;
    bool in_row, matched;
    ql_batch piece;   /* one left row with one right batch */
    bool piece_waits; /* piece has rows that did not go out yet */
    bool left_done;
    uint16_t collected; /* rows in op.batch */
    ql_arena *text;     /* strings of collected rows */
    uint8_t null_flag;  /* NULL flag of unmatched right slots */
    ql_batch kept;      /* SEMI, ANTI: the left batch with the rows that stay */
    uint16_t *kept_rows;
} nested_op;

static bool
is_filtering(const nested_op *j)
{
    return j->op.plan->join == QL_JOIN_SEMI || j->op.plan->join == QL_JOIN_ANTI;
}

static ql_status
cache_add(ql_ctx *cx, nested_op *j, const ql_batch *b)
{
    const qli_op *right = j->op.right;
    if (j->ncache == j->cap_cache) {
        size_t cap = j->cap_cache ? j->cap_cache * 2 : 16;
        ql_batch **v = ql_arena_alloc(cx, j->cache_mem, cap * sizeof *v);
        if (v == NULL) {
            return QL_ERROR;
        }
        if (j->ncache > 0) {
            memcpy(v, j->cache, j->ncache * sizeof *v);
        }
        j->cache = v;
        j->cap_cache = cap;
    }
    ql_batch *copy = QL_ARENA_NEW(cx, j->cache_mem, ql_batch);
    if (copy == NULL) {
        return QL_ERROR;
    }
    copy->cols = QL_ARENA_ARRAY(cx, j->cache_mem, ql_vector, j->op.block->nslots + 1);
    if (copy->cols == NULL) {
        return QL_ERROR;
    }
    copy->n = copy->nsel = b->nsel;
    for (uint16_t i = 0; i < right->nlive; i++) {
        uint16_t slot = right->live[i];
        QL_TRY(
            ql_vector_init_rows(cx, j->cache_mem, &copy->cols[slot], &b->cols[slot].type, b->nsel));
        QL_TRY(qli_vector_copy(cx, j->cache_mem, &copy->cols[slot], 0, &b->cols[slot], b->sel,
                               b->nsel));
    }
    j->cache[j->ncache++] = copy;
    j->at_cache = j->ncache;
    return QL_OK;
}

/* Once, when the first row does not fit. */
static ql_status
make_back(ql_ctx *cx, nested_op *j)
{
    ql_block *b = j->op.block;
    const qli_op *right = j->op.right;
    j->rows = QL_ARENA_ARRAY(cx, b->mem, char *, QL_BATCH_ROWS);
    j->back.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
    if (j->rows == NULL || j->back.cols == NULL) {
        return QL_ERROR;
    }
    j->back.ncols = b->nslots;
    for (uint16_t i = 0; i < right->nlive; i++) {
        uint16_t slot = right->live[i];
        QL_TRY(ql_vector_init(cx, b->mem, &j->back.cols[slot], &b->slot_types[slot], false));
    }
    QL_TRY(qli_rowfmt_init(cx, b->mem, &j->fmt, b->slot_types, right->live, right->nlive));
    return ql_run_arena(b->run, "join cache on disk", &j->back_mem);
}

static ql_status
tape_add(ql_ctx *cx, nested_op *j, const ql_batch *b)
{
    if (j->rows == NULL) {
        QL_TRY(make_back(cx, j));
    }
    if (j->tape == NULL) {
        QL_TRY(qli_run_tape(j->op.block->run, &j->tape));
        ql_count(cx, QL_CT_CREATED_TMP_DISK_TABLES, 1);
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        char *saved;
        ql_arena_reset(j->back_mem);
        QL_TRY(qli_row_save(cx, j->back_mem, &j->fmt, b, ql_batch_row(b, k), &saved));
        QL_TRY(qli_row_put(cx, j->tape, &j->fmt, saved));
    }
    return QL_OK;
}

static ql_status
tape_next(ql_ctx *cx, nested_op *j, ql_batch **out)
{
    uint16_t n;
    if (j->tape == NULL) {
        return QL_END;
    }
    if (j->reel.tape == NULL) {
        QL_TRY(ql_reel_start(cx, &j->reel, j->tape));
    }
    ql_arena_reset(j->back_mem);
    QL_TRY(qli_rows_get(cx, &j->reel, &j->fmt, j->back_mem, j->rows, &n));
    qli_rows_load(&j->fmt, j->rows, n, j->back.cols);
    j->back.n = j->back.nsel = n;
    *out = &j->back;
    return QL_OK;
}

static ql_status
cache_drop(ql_ctx *cx, nested_op *j)
{
    ql_reel_stop(&j->reel);
    ql_tape_drop(cx, j->tape);
    j->tape = NULL;
    QL_TRY(ql_run_arena_renew(j->op.block->run, "join cache", &j->cache_mem));
    j->cache = NULL;
    j->ncache = j->cap_cache = j->at_cache = 0;
    j->cache_full = false;
    return QL_OK;
}

/* All of the right side is in the cache. */
static ql_status
cache_end(ql_ctx *cx, nested_op *j)
{
    if (j->tape != NULL) {
        QL_TRY(ql_tape_end(cx, j->tape));
    }
    j->cache_full = true;
    j->at_cache = j->ncache;
    return QL_OK;
}

/* A tape cannot be read before it is whole. */
static ql_status
finish_tape(ql_ctx *cx, nested_op *j)
{
    ql_batch *b;
    ql_status st;
    while ((st = qli_op_next(cx, j->op.right, &b)) == QL_OK) {
        QL_TRY(tape_add(cx, j, b));
    }
    return st == QL_END ? cache_end(cx, j) : st;
}

/* The right side from its beginning, for the current left row. One that was left at its first match
 * goes on from there, behind what the cache has of it. */
static ql_status
right_start(ql_ctx *cx, nested_op *j)
{
    if (is_filtering(j) && j->cache_on && !j->cache_full && j->ncache > 0) {
        if (j->tape == NULL) {
            j->at_cache = 0;
            return QL_OK;
        }
        QL_TRY(finish_tape(cx, j));
    }
    j->at_cache = 0;
    if (j->cache_full) {
        ql_reel_stop(&j->reel);
        return QL_OK;
    }
    if (j->cache_on) {
        QL_TRY(cache_drop(cx, j));
    }
    return qli_op_restart(cx, j->op.right);
}

static ql_status
right_next(ql_ctx *cx, nested_op *j, ql_batch **out)
{
    if (j->cache_full) {
        QL_TRY(ql_check(cx));
        if (j->at_cache >= j->ncache) {
            return tape_next(cx, j, out);
        }
        *out = j->cache[j->at_cache++];
        return QL_OK;
    }
    if (j->cache_on && j->at_cache < j->ncache) {
        *out = j->cache[j->at_cache++];
        return ql_check(cx);
    }
    ql_status st = qli_op_next(cx, j->op.right, out);
    if (st == QL_END && j->cache_on) {
        QL_TRY(cache_end(cx, j));
    }
    if (st != QL_OK || !j->cache_on) {
        return st;
    }
    bool scan = j->op.plan->right->kind == QL_P_SCAN;
    if (j->ncache > 0 &&
        qli_budget_is_out(cx, ql_arena_used(j->cache_mem), scan ? CACHE_LIMIT : j->budget)) {
        if (!scan) {
            return tape_add(cx, j, *out);
        }
        j->cache_on = false; /* read again each time */
        return cache_drop(cx, j);
    }
    return cache_add(cx, j, *out);
}

/* A one-row view of row `row` of v. */
static ql_vector
constant_view(const ql_vector *v, uint16_t row)
{
    ql_vector c = *v;
    if (v->is_const) {
        return c;
    }
    c.is_const = true;
    if (v->has_nulls) {
        c.nulls = v->nulls + row;
        c.has_nulls = c.nulls[0] != 0;
    }
    c.any = (char *)v->any + row * ql_slot_size(ql_kind_slot(v->type.kind));
    return c;
}

static void
bind_left(nested_op *j, uint16_t row)
{
    const qli_op *left = j->op.left;
    for (uint16_t i = 0; i < left->nlive; i++) {
        uint16_t slot = left->live[i];
        ql_vector c = constant_view(&j->left->cols[slot], row);
        j->op.block->bind.cols[slot] = c;
        j->piece.cols[slot] = c;
    }
}

/* The next left row; QL_END: none. Collected rows share the left batch's strings, so they must be
 * gone before a new one is fetched: *flush. */
static ql_status
left_advance(ql_ctx *cx, nested_op *j, bool *flush)
{
    *flush = false;
    if (j->left != NULL && j->k + 1 < j->left->nsel) {
        j->k++;
    } else {
        if (j->collected > 0) {
            *flush = true;
            return QL_OK;
        }
        if (j->left_done) {
            return QL_END;
        }
        ql_status st = qli_op_next(cx, j->op.left, &j->left);
        if (st == QL_END) {
            j->left = NULL;
            j->left_done = true;
        }
        QL_TRY(st);
        j->k = 0;
    }
    bind_left(j, ql_batch_row(j->left, j->k));
    j->in_row = true;
    j->matched = false;
    return right_start(cx, j);
}

static ql_status
collect(ql_ctx *cx, nested_op *j, const ql_batch *b)
{
    const qli_op *left = j->op.left, *right = j->op.right;
    for (uint16_t i = 0; i < left->nlive; i++) {
        uint16_t slot = left->live[i];
        QL_TRY(qli_vector_copy(cx, NULL, &j->op.batch.cols[slot], j->collected, &b->cols[slot],
                               b->sel, b->nsel));
    }
    for (uint16_t i = 0; i < right->nlive; i++) {
        uint16_t slot = right->live[i];
        QL_TRY(qli_vector_copy(cx, j->text, &j->op.batch.cols[slot], j->collected, &b->cols[slot],
                               b->sel, b->nsel));
    }
    j->collected = (uint16_t)(j->collected + b->nsel);
    return QL_OK;
}

static void
give_collected(nested_op *j, ql_batch **out)
{
    j->op.batch.n = j->op.batch.nsel = j->collected;
    j->op.batch.sel = NULL;
    j->collected = 0;
    *out = &j->op.batch;
}

/* LEFT JOIN without a partner: right slots NULL. */
static void
make_unmatched(nested_op *j)
{
    const qli_op *right = j->op.right;
    j->null_flag = 1;
    for (uint16_t i = 0; i < right->nlive; i++) {
        ql_vector *v = &j->piece.cols[right->live[i]];
        v->type = j->op.block->slot_types[right->live[i]];
        v->is_const = v->has_nulls = true;
        v->nulls = &j->null_flag;
        v->i = j->op.batch.cols[right->live[i]].i;
    }
    j->piece.n = j->piece.nsel = 1;
    j->piece.sel = NULL;
}

/* The next piece that has rows after ON; QL_END: the left row is finished. */
static ql_status
next_piece(ql_ctx *cx, nested_op *j)
{
    const qli_op *right = j->op.right;
    ql_batch *b;
    for (;;) {
        ql_status st = right_next(cx, j, &b);
        if (st == QL_END) {
            j->in_row = false;
            if (j->op.plan->join != QL_JOIN_LEFT || j->matched) {
                return QL_END;
            }
            make_unmatched(j);
            return QL_OK;
        }
        QL_TRY(st);
        for (uint16_t i = 0; i < right->nlive; i++) {
            j->piece.cols[right->live[i]] = b->cols[right->live[i]];
        }
        j->piece.n = b->n;
        j->piece.nsel = b->nsel;
        j->piece.sel = b->sel;
        if (j->op.filter != NULL) {
            ql_arena_reset(j->op.scratch);
            QL_TRY(qli_op_filter_apply(cx, &j->op, &j->piece));
        }
        if (j->piece.nsel > 0) {
            j->matched = true;
            return QL_OK;
        }
    }
}

static ql_status
nested_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    nested_op *j = (nested_op *)op;
    if (j->collected == 0) {
        ql_arena_reset(j->text);
    }
    for (;;) {
        if (!j->piece_waits) {
            bool flush = false;
            if (!j->in_row) {
                QL_TRY(left_advance(cx, j, &flush));
            }
            if (flush) {
                give_collected(j, out);
                return QL_OK;
            }
            ql_status st = next_piece(cx, j);
            if (st == QL_END) {
                continue;
            }
            QL_TRY(st);
            j->piece_waits = true;
        }
        if (j->piece.nsel < SMALL && j->collected + j->piece.nsel <= QL_BATCH_ROWS) {
            QL_TRY(collect(cx, j, &j->piece));
            j->piece_waits = false;
            continue;
        }
        if (j->collected > 0) {
            give_collected(j, out);
            return QL_OK;
        }
        j->piece_waits = false;
        *out = &j->piece;
        return QL_OK;
    }
}

/* ---- semi- and anti-joins ---- */

/* Has the left row that is bound a partner? */
static ql_status
find_partner(ql_ctx *cx, nested_op *j, bool *found)
{
    QL_TRY(right_start(cx, j));
    j->matched = false;
    ql_status st = next_piece(cx, j);
    *found = st == QL_OK;
    return st == QL_END ? QL_OK : st;
}

static ql_status
filter_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    nested_op *j = (nested_op *)op;
    uint16_t n = 0;
    while (n == 0) {
        QL_TRY(qli_op_next(cx, op->left, &j->left));
        for (uint16_t k = 0; k < j->left->nsel; k++) {
            uint16_t row = ql_batch_row(j->left, k);
            bool found;
            QL_TRY(ql_check(cx));
            bind_left(j, row);
            QL_TRY(find_partner(cx, j, &found));
            if (found == (op->plan->join == QL_JOIN_SEMI)) {
                j->kept_rows[n++] = row;
            }
        }
    }
    for (uint16_t i = 0; i < op->left->nlive; i++) {
        j->kept.cols[op->left->live[i]] = j->left->cols[op->left->live[i]];
    }
    j->kept.n = j->left->n;
    j->kept.sel = j->kept_rows;
    j->kept.nsel = n;
    *out = &j->kept;
    return QL_OK;
}

static ql_status
make_kept(ql_ctx *cx, nested_op *j)
{
    ql_block *b = j->op.block;
    j->kept.ncols = b->nslots;
    j->kept.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
    j->kept_rows = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    return j->kept.cols != NULL && j->kept_rows != NULL ? QL_OK : QL_ERROR;
}

static ql_status
nested_restart(ql_ctx *cx, qli_op *op)
{
    nested_op *j = (nested_op *)op;
    if (!j->cache_full || !j->keeps) {
        QL_TRY(cache_drop(cx, j));
        j->cache_on = !j->bound;
    }
    j->left = NULL;
    j->k = 0;
    j->in_row = j->matched = j->piece_waits = j->left_done = false;
    j->collected = 0;
    return qli_op_restart(cx, op->left);
}

ql_status
qli_nested_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op, *left;
    bool together;
    QL_TRY(qli_op_build(cx, b, p->left, &left));
    QL_TRY(qli_lookup_serves(cx, b, p, left, &together));
    if (together) {
        return qli_lookup_build(cx, b, p, left, out);
    }
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(nested_op), true, &op));
    nested_op *j = (nested_op *)op;
    op->left = left;
    bool above = b->stops_early;
    b->stops_early |= is_filtering(j);
    QL_TRY(qli_op_build(cx, b, p->right, &op->right));
    b->stops_early = above;
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    if (!is_filtering(j)) {
        QL_TRY(qli_op_live_add(cx, op, op->right->live, op->right->nlive));
        QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    } else {
        QL_TRY(make_kept(cx, j));
    }
    QL_TRY(qli_op_filter_compile(cx, op));
    j->piece.ncols = b->nslots;
    j->piece.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
    if (j->piece.cols == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_run_arena(b->run, "join cache", &j->cache_mem));
    QL_TRY(ql_run_arena(b->run, "join rows", &j->text));
    QL_TRY(qli_plan_is_bound(cx, p->right, &j->bound));
    j->cache_on = j->keeps = !j->bound;
    QL_TRY(qli_plan_keeps(cx, b->query, p->right, &j->keeps));
    j->budget = qli_budget_result(cx);
    op->next = is_filtering(j) ? filter_next : nested_next;
    op->restart = nested_restart;
    *out = op;
    return QL_OK;
}
