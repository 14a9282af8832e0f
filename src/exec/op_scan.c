/* SPDX-License-Identifier: Apache-2.0
 *
 * The scan operator: rows of a base table through an index range (bounds may look at the rows to
 * the left of a nested join), or of a virtual table. For UPDATE and DELETE it also gives the
 * clustered key of each row.
 */
#include <string.h>

#include "base/bulk.h"
#include "catalog/virtual.h"
#include "exec/exec_int.h"

typedef struct bound_values {
    ql_ex **ex;
    ql_value *v;
    ql_bound bound;
} bound_values;

typedef struct scan_op {
    qli_op op;
    const ql_source *source;
    ql_scan *scan;
    ql_arena *bound_mem;
    bound_values low, high;
    ql_ex **points; /* IN list: visited one after the other */
    uint32_t at_point;
    bool started, empty;
    ql_scan_lock lock;
    uint16_t *kept;             /* LOCK_ROWS: rows that passed the filter and are locked */
    uint16_t at_row, rows_left; /* of a batch handed out row by row: op.batch's selection */
    const uint16_t *passed;     /* rows of the batch that passed the filter; NULL = all */
    qli_view_filter *wanted;    /* virtual table */
    ql_view_rows rows;
    size_t at;
    bool filled;
    ql_batch *read; /* what the scan gave last */
} scan_op;

static ql_status
compile_bound(ql_ctx *cx, scan_op *s, const ql_plan_bound *pb, bound_values *b)
{
    ql_env env = ql_block_env(s->op.block, s->bound_mem);
    env.single = true;
    b->v = QL_ARENA_ARRAY(cx, s->op.block->mem, ql_value, pb->n + 1);
    if (b->v == NULL) {
        return QL_ERROR;
    }
    b->bound = (ql_bound){.values = b->v, .n = pb->n, .inclusive = pb->inclusive};
    return ql_ex_list(cx, &env, pb->values, pb->n, &b->ex);
}

/* A NULL that comes out of a computation matches nothing; a constant one is meant (IS NULL). */
static ql_status
eval_bound(ql_ctx *cx, scan_op *s, const ql_plan_bound *pb, bound_values *b)
{
    for (uint16_t i = 0; i < pb->n; i++) {
        QL_TRY(ql_ex_one(cx, b->ex[i], &s->op.block->bind, 0, &b->v[i]));
        QL_TRY(ql_value_keep(cx, s->bound_mem, &b->v[i]));
        if (b->v[i].kind == QL_K_NULL && pb->values[i]->kind != QL_E_CONST) {
            s->empty = true;
        }
    }
    return QL_OK;
}

/* Narrow the bounds to one element of an IN list behind their common values. */
static ql_status
take_point(ql_ctx *cx, scan_op *s)
{
    const ql_plan *p = s->op.plan;
    uint16_t n = 0;
    if (p->npoints == 0) {
        return QL_OK;
    }
    while (n < p->low.n && n < p->high.n && p->low.values[n] == p->high.values[n]) {
        n++;
    }
    uint32_t at = p->reverse ? p->npoints - 1 - s->at_point : s->at_point;
    QL_TRY(ql_ex_one(cx, s->points[at], &s->op.block->bind, 0, &s->low.v[n]));
    QL_TRY(ql_value_keep(cx, s->bound_mem, &s->low.v[n]));
    s->low.bound = (ql_bound){.values = s->low.v, .n = (uint16_t)(n + 1), .inclusive = true};
    s->high.bound = s->low.bound;
    return QL_OK;
}

/* QL_END: that was the last one. */
static ql_status
next_point(ql_ctx *cx, scan_op *s)
{
    if (s->at_point + 1 >= s->op.plan->npoints) {
        return QL_END;
    }
    s->at_point++;
    QL_TRY(take_point(cx, s));
    return ql_scan_rebind(cx, s->scan, &s->low.bound, &s->high.bound);
}

static ql_status
start_scan(ql_ctx *cx, scan_op *s)
{
    const ql_plan *p = s->op.plan;
    ql_block *b = s->op.block;
    s->started = true;
    s->empty = false;
    s->rows_left = 0;
    ql_arena_reset(s->bound_mem);
    QL_TRY(eval_bound(cx, s, &p->low, &s->low));
    QL_TRY(eval_bound(cx, s, &p->high, &s->high));
    if (s->empty) {
        return QL_OK;
    }
    s->at_point = 0;
    s->lock.one_by_one |= b->reader_stops;
    QL_TRY(take_point(cx, s));
    if (s->scan != NULL) {
        return ql_scan_rebind(cx, s->scan, &s->low.bound, &s->high.bound);
    }
    ql_scan_spec spec = {
        .table = s->source->table,
        .index = p->index,
        .ordinals = s->source->ordinals,
        .ncols = s->source->ncols,
        .low = s->low.bound,
        .high = s->high.bound,
        .reverse = p->reverse,
        .index_only = p->index_only,
        .want_locator = b->locator_slot[p->source] != QL_NO_SLOT,
        .view = QL_VIEW_STATEMENT,
        .lock = s->lock,
    };
    return ql_scan_open(cx, b->mem, &spec, &s->scan);
}

static ql_status
copy_locators(ql_ctx *cx, scan_op *s)
{
    uint16_t slot = s->op.block->locator_slot[s->op.plan->source];
    if (slot == QL_NO_SLOT) {
        return QL_OK;
    }
    ql_vector *v = &s->op.batch.cols[slot];
    ql_arena_reset(s->op.scratch);
    for (uint16_t i = 0; i < s->op.batch.nsel; i++) {
        uint16_t row = ql_batch_row(&s->op.batch, i);
        ql_str key = ql_scan_locator(s->scan, row);
        v->s[row].p = ql_arena_strndup(cx, s->op.scratch, key.p, key.n);
        v->s[row].n = key.n;
        if (v->s[row].p == NULL) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

static void
take_columns(scan_op *s, const ql_batch *b)
{
    for (uint16_t i = 0; i < s->source->ncols; i++) {
        s->op.batch.cols[s->source->slots[i]] = b->cols[i];
    }
    s->op.batch.n = b->n;
    s->op.batch.nsel = b->nsel;
    s->op.batch.sel = b->sel;
}

/* The next batch of the scan, or of the next point of an IN list; only rows that pass the filter.
 */
static ql_status
next_batch(ql_ctx *cx, scan_op *s)
{
    ql_status st;
    while ((st = ql_scan_next(cx, s->scan, &s->read)) == QL_END) {
        QL_TRY(next_point(cx, s));
        QL_TRY(ql_check(cx));
    }
    QL_TRY(st);
    take_columns(s, s->read);
    QL_TRY(copy_locators(cx, s));
    return qli_op_filter_apply(cx, &s->op, &s->op.batch);
}

/* Lock a row that has passed the filter; *keep: it is ours and still passes. */
static ql_status
lock_row(ql_ctx *cx, scan_op *s, uint16_t row, bool *keep)
{
    bool changed;
    *keep = false;
    ql_status st = ql_scan_lock_row(cx, s->scan, row, &changed);
    if (st == QL_END || (st == QL_TIMEOUT && s->lock.policy == QL_LOCK_SKIP)) {
        return QL_OK;
    }
    QL_TRY(st);
    *keep = true;
    if (!changed || s->op.filter == NULL) {
        return QL_OK;
    }
    uint16_t out[1], n;
    take_columns(s, s->read);
    QL_TRY(ql_ex_filter(cx, s->op.filter, &s->op.batch, &row, 1, out, &n));
    *keep = n == 1;
    if (n == 0) {
        ql_scan_unlock_row(cx, s->scan, row);
    }
    return QL_OK;
}

/* LOCK_ROWS: the rows of the batch that pass the filter are locked, read again and filtered again
 * (READ COMMITTED); those that somebody else has are left out (SKIP LOCKED). Under a LIMIT one row
 * at a time, so that no more are locked than are wanted. */
static ql_status
next_locked(ql_ctx *cx, scan_op *s)
{
    uint16_t n = 0;
    while (n == 0) {
        if (s->rows_left == 0) {
            QL_TRY(next_batch(cx, s));
            s->rows_left = s->op.batch.nsel;
            s->passed = s->op.batch.sel;
            s->at_row = 0;
        }
        while (s->rows_left > 0 && (n == 0 || !s->lock.one_by_one)) {
            bool keep;
            uint16_t row = s->passed != NULL ? s->passed[s->at_row] : s->at_row;
            s->at_row++;
            s->rows_left--;
            QL_TRY(ql_check(cx));
            QL_TRY(lock_row(cx, s, row, &keep));
            if (keep) {
                s->kept[n++] = row;
            }
        }
    }
    take_columns(s, s->read);
    s->op.batch.sel = s->kept;
    s->op.batch.nsel = n;
    return QL_OK;
}

static ql_status
scan_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    scan_op *s = (scan_op *)op;
    if (!s->started) {
        QL_TRY(start_scan(cx, s));
    }
    if (s->empty) {
        return QL_END;
    }
    QL_TRY(s->kept != NULL ? next_locked(cx, s) : next_batch(cx, s));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
scan_restart(ql_ctx *cx, qli_op *op)
{
    (void)cx;
    ((scan_op *)op)->started = false;
    return QL_OK;
}

/* --- virtual tables --------------------------------------------------------------------------- */

static ql_status
virtual_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    scan_op *s = (scan_op *)op;
    if (!s->filled) {
        ql_view_filter f;
        QL_TRY(qli_view_filter_values(cx, s->wanted, &f));
        QL_TRY(ql_view_fill(cx, s->bound_mem, s->source->table, &f, &s->rows));
        s->filled = true;
    }
    if (s->at >= s->rows.n) {
        return QL_END;
    }
    size_t n = s->rows.n - s->at < QL_BATCH_ROWS ? s->rows.n - s->at : QL_BATCH_ROWS;
    for (uint16_t i = 0; i < s->source->ncols; i++) {
        ql_vector *v = &op->batch.cols[s->source->slots[i]];
        unsigned place = ql_view_place(&s->rows, s->source->ordinals[i]);
        v->has_nulls = false;
        for (size_t k = 0; k < n; k++) {
            ql_vector_set(v, (uint16_t)k, &s->rows.v[s->at + k][place]);
        }
    }
    s->at += n;
    op->batch.n = op->batch.nsel = (uint16_t)n;
    op->batch.sel = NULL;
    if (cx->proc != NULL) {
        ql_proc_add_rows(cx->proc, n, 0);
    }
    ql_arena_reset(op->scratch);
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
virtual_restart(ql_ctx *cx, qli_op *op)
{
    (void)cx;
    ((scan_op *)op)->at = 0;
    return QL_OK;
}

/* SELECTs that read their first table whole, and joins that read another one so. */
static void
count_scan(ql_ctx *cx, const ql_block *b, const ql_plan *p)
{
    if (p->low.n != 0 || p->high.n != 0 || p->npoints != 0) {
        return;
    }
    ql_count(cx, QL_CT_HANDLER_READ_FIRST, 1);
    if (b->run->stmt != NULL && b->run->stmt->kind == QL_S_SELECT) {
        ql_count(cx, p->source == 0 ? QL_CT_SELECT_SCAN : QL_CT_SELECT_FULL_JOIN, 1);
    }
}

ql_status
qli_scan_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(scan_op), true, &op));
    scan_op *s = (scan_op *)op;
    s->source = &b->query->sources[p->source];
    QL_TRY(ql_run_arena(b->run, "scan bounds", &s->bound_mem));
    QL_TRY(qli_op_live_add(cx, op, s->source->slots, s->source->ncols));
    QL_TRY(qli_op_filter_compile(cx, op));
    if (s->source->table->is_virtual) {
        QL_TRY(qli_op_own_slots(cx, op, s->source->slots, s->source->ncols));
        QL_TRY(qli_view_filter_new(cx, b, s->source, p->filter, s->bound_mem, &s->wanted));
        op->next = virtual_next;
        op->restart = virtual_restart;
        *out = op;
        return QL_OK;
    }
    if (b->locator_slot[p->source] != QL_NO_SLOT) {
        QL_TRY(qli_op_live_add(cx, op, &b->locator_slot[p->source], 1));
        QL_TRY(qli_op_own_slots(cx, op, &b->locator_slot[p->source], 1));
    }
    s->lock = b->locks[p->source];
    s->lock.one_by_one = b->stops_early;
    if (s->lock.kind == QL_SCAN_LOCK_ROWS) {
        s->kept = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
        if (s->kept == NULL) {
            return QL_ERROR;
        }
    }
    count_scan(cx, b, p);
    QL_TRY(compile_bound(cx, s, &p->low, &s->low));
    QL_TRY(compile_bound(cx, s, &p->high, &s->high));
    if (p->npoints > 0) {
        ql_env env = ql_block_env(b, s->bound_mem);
        env.single = true;
        QL_TRY(ql_ex_list(cx, &env, p->points, p->npoints, &s->points));
    }
    op->next = scan_next;
    op->restart = scan_restart;
    *out = op;
    return QL_OK;
}

/* Slots that come from elsewhere than from `top`. */
static bool
is_of(const ql_plan *top, uint32_t slot)
{
    for (uint16_t i = 0; i < top->nlive; i++) {
        if (top->live_slots[i] == slot) {
            return true;
        }
    }
    return false;
}

static ql_status
expr_is_bound(ql_ctx *cx, const ql_plan *top, const ql_expr *e, bool *yes)
{
    *yes = (e->kind == QL_E_SLOT && !is_of(top, e->index)) ||
           (e->kind == QL_E_SUBQUERY && e->query->correlated);
    QL_TRY(ql_bulk_node(cx));
    for (uint32_t i = 0; i < e->nargs && !*yes; i++) {
        QL_TRY(expr_is_bound(cx, top, e->args[i], yes));
    }
    return QL_OK;
}

static ql_status
is_bound(ql_ctx *cx, const ql_plan *top, const ql_plan *p, bool *yes)
{
    if (p == NULL || *yes) {
        return QL_OK;
    }
    for (uint16_t i = 0; p->kind == QL_P_SCAN && i < p->low.n && !*yes; i++) {
        QL_TRY(expr_is_bound(cx, top, p->low.values[i], yes));
    }
    for (uint16_t i = 0; p->kind == QL_P_SCAN && i < p->high.n && !*yes; i++) {
        QL_TRY(expr_is_bound(cx, top, p->high.values[i], yes));
    }
    QL_TRY(is_bound(cx, top, p->left, yes));
    return is_bound(cx, top, p->right, yes);
}

ql_status
qli_plan_is_bound(ql_ctx *cx, const ql_plan *p, bool *yes)
{
    *yes = false;
    return is_bound(cx, p, p, yes);
}
