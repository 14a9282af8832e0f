/* SPDX-License-Identifier: Apache-2.0
 *
 * DISTINCT, and qli_fresh (fresh_int.h), which UNION uses, too.
 */
#include <string.h>

#include "exec/fresh_int.h"

struct qli_fresh {
    qli_op *op;
    qli_tuple_fn tuple;
    uint16_t width;
    ql_arena *mem; /* of the set */
    ql_tupleset set;
    size_t budget;
    bool full, never_waits, counted;
    uint64_t *hash; /* [QL_BATCH_ROWS] */
    /* Waiting rows: */
    ql_arena *parts_mem;
    qli_rowfmt fmt;
    qli_parts parts;
    qli_part *pending, *part; /* part: being read */
    ql_reel reel;
    unsigned level;
    ql_batch back; /* as they are read: vectors of the slots */
    ql_vector **cols;
    uint16_t *sel;
    char **rows;
};

ql_status
qli_fresh_new(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t nslots, qli_tuple_fn tuple,
              uint16_t width, qli_fresh **out)
{
    ql_block *b = op->block;
    qli_fresh *f = QL_ARENA_NEW(cx, b->mem, qli_fresh);
    if (f == NULL) {
        return QL_ERROR;
    }
    f->op = op;
    f->tuple = tuple;
    f->width = width;
    f->budget = qli_budget_result(cx);
    f->hash = QL_ARENA_ARRAY(cx, b->mem, uint64_t, QL_BATCH_ROWS);
    if (f->hash == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_rowfmt_init(cx, b->mem, &f->fmt, b->slot_types, slots, nslots));
    QL_TRY(ql_run_arena(b->run, "distinct", &f->mem));
    QL_TRY(ql_run_arena(b->run, "parts of distinct", &f->parts_mem));
    ql_tupleset_init(&f->set, f->mem, f->width);
    *out = f;
    return QL_OK;
}

void
qli_fresh_never_waits(qli_fresh *f)
{
    f->never_waits = true;
}

bool
qli_fresh_is_over(const ql_ctx *cx, const qli_fresh *f)
{
    return f->set.count > 0 && qli_budget_is_out(cx, ql_arena_used(f->mem), f->budget);
}

ql_status
qli_fresh_forget(ql_ctx *cx, qli_fresh *f)
{
    (void)cx;
    QL_TRY(ql_run_arena_empty(f->op->block->run, "distinct", &f->mem, f->budget / 4));
    ql_tupleset_init(&f->set, f->mem, f->width);
    f->full = false;
    return QL_OK;
}

static void
close_part(ql_ctx *cx, qli_fresh *f)
{
    if (f->part != NULL) {
        ql_reel_stop(&f->reel);
        ql_tape_drop(cx, f->part->tape);
        f->part = NULL;
    }
}

ql_status
qli_fresh_reset(ql_ctx *cx, qli_fresh *f)
{
    close_part(cx, f);
    qli_parts_drop(cx, &f->parts, &f->pending);
    ql_arena_reset(f->parts_mem);
    f->level = 0;
    return qli_fresh_forget(cx, f);
}

/* Once, when the first row has to wait. */
static ql_status
make_room(ql_ctx *cx, qli_fresh *f)
{
    const ql_block *b = f->op->block;
    f->rows = QL_ARENA_ARRAY(cx, b->mem, char *, QL_BATCH_ROWS);
    f->sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    f->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, f->width + 1);
    f->back.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
    if (f->rows == NULL || f->sel == NULL || f->cols == NULL || f->back.cols == NULL) {
        return QL_ERROR;
    }
    f->back.ncols = b->nslots;
    for (uint16_t i = 0; i < f->fmt.n; i++) {
        uint16_t slot = f->fmt.slots[i];
        QL_TRY(ql_vector_init(cx, b->mem, &f->back.cols[slot], &b->slot_types[slot], false));
    }
    return QL_OK;
}

static ql_status
let_wait(ql_ctx *cx, qli_fresh *f, const ql_batch *b, uint16_t row)
{
    ql_arena *scratch = f->op->scratch;
    char *saved;
    if (f->rows == NULL) {
        QL_TRY(make_room(cx, f));
    }
    if (!f->counted) {
        ql_count(cx, QL_CT_CREATED_TMP_DISK_TABLES, 1);
        f->counted = true;
    }
    if (!f->parts.active) {
        qli_parts_begin(&f->parts, f->op->block->run, f->level);
    }
    ql_arena_mark mark = ql_arena_save(scratch);
    QL_TRY(qli_row_save(cx, scratch, &f->fmt, b, row, &saved));
    QL_TRY(qli_parts_put(cx, &f->parts, f->parts_mem, f->hash[row], &f->fmt, saved));
    ql_arena_restore(scratch, mark);
    return QL_OK;
}

static ql_status
look_at(ql_ctx *cx, qli_fresh *f, ql_vector **cols, const ql_batch *b, uint16_t row, bool *fresh)
{
    bool found;
    uint64_t h = f->width > 0 ? f->hash[row] : 0;
    f->full = f->full || (!f->never_waits && qli_fresh_is_over(cx, f));
    if (!f->full) {
        return ql_tupleset_add(cx, &f->set, cols, row, h, fresh);
    }
    *fresh = false;
    QL_TRY(ql_tupleset_has(cx, &f->set, cols, row, h, &found));
    return found ? QL_OK : let_wait(cx, f, b, row);
}

ql_status
qli_fresh_filter(ql_ctx *cx, qli_fresh *f, ql_vector **cols, ql_batch *b, uint16_t *sel)
{
    uint16_t n = 0;
    for (uint16_t i = 0; i < f->width; i++) {
        QL_TRY(ql_hash_column(cx, cols[i], b->sel, b->nsel, i == 0, f->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool fresh;
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(look_at(cx, f, cols, b, row, &fresh));
        sel[n] = row;
        n = (uint16_t)(n + fresh);
    }
    b->sel = sel;
    b->nsel = n;
    return QL_OK;
}

static ql_status
next_part(ql_ctx *cx, qli_fresh *f)
{
    close_part(cx, f);
    if (f->parts.active) {
        QL_TRY(qli_parts_end(cx, &f->parts, &f->pending));
    }
    if (f->pending == NULL) {
        return QL_END;
    }
    f->part = f->pending;
    f->pending = f->part->next;
    f->level = f->part->level;
    QL_TRY(qli_fresh_forget(cx, f));
    return ql_reel_start(cx, &f->reel, f->part->tape);
}

ql_status
qli_fresh_waiting(ql_ctx *cx, qli_fresh *f, ql_batch **out)
{
    ql_arena *scratch = f->op->scratch;
    ql_status st = QL_END;
    uint16_t n = 0;
    ql_arena_reset(scratch);
    while (st == QL_END) {
        if (f->part == NULL || ql_reel_at_end(&f->reel)) {
            QL_TRY(next_part(cx, f));
        }
        st = qli_rows_get(cx, &f->reel, &f->fmt, scratch, f->rows, &n);
    }
    QL_TRY(st);
    qli_rows_load(&f->fmt, f->rows, n, f->back.cols);
    f->back.n = f->back.nsel = n;
    f->back.sel = NULL;
    QL_TRY(f->tuple(cx, f->op, &f->back, f->cols));
    QL_TRY(qli_fresh_filter(cx, f, f->cols, &f->back, f->sel));
    *out = &f->back;
    return QL_OK;
}

/* ---- DISTINCT ---- */

/* Rows whose select list was not seen before. */
typedef struct distinct_op {
    qli_op op;
    ql_ex **items; /* of the select list, or the node's keys */
    uint16_t nitems;
    ql_vector **cols;
    ql_vector *views; /* [nitems] keys under the collation of the node; NULL: the select list */
    qli_fresh *fresh;
    bool waiting; /* all rows have come from below */
    /* Rows come in the order that ORDER BY wants, and have to go on so: */
    bool ordered, forgets;
    ql_ex **order;
    ql_vector **order_cols;
    ql_value *last; /* of ORDER BY, in the row looked at last; bytes in last_mem */
    bool has_last;
    ql_arena *last_mem;
} distinct_op;

static ql_status
select_list(ql_ctx *cx, qli_op *op, const ql_batch *b, ql_vector **cols)
{
    distinct_op *d = (distinct_op *)op;
    for (uint16_t i = 0; i < d->nitems; i++) {
        if (d->views == NULL) {
            QL_TRY(ql_ex_output(cx, d->items[i], b, b->sel, b->nsel, &cols[i]));
            continue;
        }
        QL_TRY(ql_ex_eval(cx, d->items[i], b, b->sel, b->nsel, &cols[i]));
        d->views[i] = *cols[i];
        if (op->plan->key_colls[i] != NULL) {
            d->views[i].type.coll = op->plan->key_colls[i];
        }
        cols[i] = &d->views[i];
    }
    return QL_OK;
}

static ql_status
begins_anew(ql_ctx *cx, distinct_op *d, uint16_t row, bool *yes)
{
    uint16_t n = d->op.block->query->norder;
    bool same = d->has_last;
    for (uint16_t i = 0; i < n && same; i++) {
        QL_TRY(ql_row_equals(cx, d->order_cols[i], row, &d->last[i], &same));
    }
    *yes = !same && d->has_last;
    if (same) {
        return QL_OK;
    }
    ql_arena_reset(d->last_mem);
    for (uint16_t i = 0; i < n; i++) {
        ql_vector_get(d->order_cols[i], row, &d->last[i]);
        QL_TRY(ql_value_keep(cx, d->last_mem, &d->last[i]));
    }
    d->has_last = true;
    return QL_OK;
}

/* Ordered rows cannot wait. But when all that is ordered by is part of what is selected, none of
 * the rows so far can come again once it has changed. Looked at only when the set has become large.
 */
static ql_status
filter_ordered(ql_ctx *cx, distinct_op *d, ql_batch *b)
{
    qli_op *op = &d->op;
    if (!d->forgets || !qli_fresh_is_over(cx, d->fresh)) {
        d->has_last = false; /* rows of any value join the set now */
        return qli_fresh_filter(cx, d->fresh, d->cols, b, op->sel);
    }
    for (uint16_t i = 0; i < op->block->query->norder; i++) {
        QL_TRY(ql_ex_output(cx, d->order[i], b, b->sel, b->nsel, &d->order_cols[i]));
    }
    ql_batch one = *b;
    uint16_t n = 0, kept;
    one.nsel = 1;
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool anew;
        QL_TRY(begins_anew(cx, d, row, &anew));
        if (anew) {
            QL_TRY(qli_fresh_forget(cx, d->fresh));
        }
        one.sel = &row;
        one.nsel = 1;
        QL_TRY(qli_fresh_filter(cx, d->fresh, d->cols, &one, &kept));
        op->sel[n] = row;
        n = (uint16_t)(n + one.nsel);
    }
    b->sel = op->sel;
    b->nsel = n;
    return QL_OK;
}

static ql_status
distinct_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    distinct_op *d = (distinct_op *)op;
    ql_batch *b;
    ql_status st = d->waiting ? QL_END : qli_op_next(cx, op->left, &b);
    if (st == QL_END) {
        d->waiting = true;
        return qli_fresh_waiting(cx, d->fresh, out);
    }
    QL_TRY(st);
    ql_arena_reset(op->scratch);
    op->batch = *b;
    QL_TRY(select_list(cx, op, b, d->cols));
    QL_TRY(d->ordered ? filter_ordered(cx, d, &op->batch)
                      : qli_fresh_filter(cx, d->fresh, d->cols, &op->batch, op->sel));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
distinct_restart(ql_ctx *cx, qli_op *op)
{
    distinct_op *d = (distinct_op *)op;
    d->waiting = d->has_last = false;
    QL_TRY(qli_fresh_reset(cx, d->fresh));
    return qli_op_restart(cx, op->left);
}

/* No sort above: an index gives the order that the query asks for. */
static bool
is_ordered(const ql_block *b)
{
    const ql_plan *p = b->plan->root;
    while (p != NULL && p->kind == QL_P_LIMIT) {
        p = p->left;
    }
    return b->query->norder > 0 && p != NULL && p->kind == QL_P_DISTINCT;
}

static bool
is_selected(const ql_query *q, const ql_expr *e)
{
    for (uint16_t i = 0; i < q->nitems && e->kind == QL_E_SLOT; i++) {
        const ql_expr *item = q->items[i].expr;
        if (item->kind == QL_E_SLOT && item->index == e->index) {
            return true;
        }
    }
    return false;
}

static ql_status
compile_order(ql_ctx *cx, distinct_op *d, const ql_env *env)
{
    const ql_query *q = d->op.block->query;
    ql_arena *mem = d->op.block->mem;
    d->order = QL_ARENA_ARRAY(cx, mem, ql_ex *, q->norder);
    d->order_cols = QL_ARENA_ARRAY(cx, mem, ql_vector *, q->norder);
    d->last = QL_ARENA_ARRAY(cx, mem, ql_value, q->norder);
    if (d->order == NULL || d->order_cols == NULL || d->last == NULL) {
        return QL_ERROR;
    }
    d->forgets = true;
    for (uint16_t i = 0; i < q->norder; i++) {
        QL_TRY(ql_ex_new(cx, env, q->order_by[i].expr, &d->order[i]));
        d->forgets = d->forgets && is_selected(q, q->order_by[i].expr);
    }
    qli_fresh_never_waits(d->fresh);
    return ql_run_arena(d->op.block->run, "order of distinct", &d->last_mem);
}

ql_status
qli_distinct_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(distinct_op), true, &op));
    distinct_op *d = (distinct_op *)op;
    bool keyed = p->nkeys > 0;
    uint16_t n = d->nitems = keyed ? p->nkeys : b->query->nitems;
    ql_env env = ql_block_env(b, op->scratch);
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    d->items = QL_ARENA_ARRAY(cx, b->mem, ql_ex *, n + 1);
    d->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    op->sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    d->views = keyed ? QL_ARENA_ARRAY(cx, b->mem, ql_vector, n + 1) : NULL;
    if (d->items == NULL || d->cols == NULL || op->sel == NULL || (keyed && d->views == NULL)) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        const ql_expr *e = keyed ? p->left_keys[i] : b->query->items[i].expr;
        QL_TRY(ql_ex_new(cx, &env, e, &d->items[i]));
    }
    QL_TRY(qli_fresh_new(cx, op, op->live, op->nlive, select_list, n, &d->fresh));
    d->ordered = !keyed && is_ordered(b);
    if (d->ordered) {
        QL_TRY(compile_order(cx, d, &env));
    }
    ql_count(cx, QL_CT_CREATED_TMP_TABLES, 1);
    op->next = distinct_next;
    op->restart = distinct_restart;
    *out = op;
    return QL_OK;
}
