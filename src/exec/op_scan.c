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
#include "types/beginning.h"

/* A value of a bound that is known only when the scan starts. */
typedef struct late_value {
    const ql_expr *e;
    ql_ex *ex;
    ql_value v;
} late_value;

typedef struct scan_op {
    qli_op op;
    const ql_source *source;
    ql_scan *scan;
    ql_arena *bound_mem;
    late_value *late;
    uint32_t nlate;
    ql_value *low, *high; /* of the range that is being read */
    ql_value jump[2];     /* within each group of a skip scan */
    uint32_t at_range;
    uint64_t pass; /* rows to be passed over when it starts */
    bool started, empty, keys_only;
    qli_picker picker;
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

static uint32_t
count_late(const ql_plan_bound *b)
{
    uint32_t n = 0;
    for (uint16_t i = 0; i < b->n; i++) {
        n += b->values[i]->kind != QL_E_CONST;
    }
    return n;
}

static late_value *
find_late(scan_op *s, const ql_expr *e)
{
    for (uint32_t i = 0; i < s->nlate; i++) {
        if (s->late[i].e == e) {
            return &s->late[i];
        }
    }
    return NULL;
}

static ql_status
compile_bound(ql_ctx *cx, scan_op *s, const ql_plan_bound *b)
{
    ql_env env = ql_block_env(s->op.block, s->bound_mem);
    env.single = true;
    for (uint16_t i = 0; i < b->n; i++) {
        ql_expr *e = b->values[i];
        if (e->kind != QL_E_CONST && find_late(s, e) == NULL) {
            late_value *l = &s->late[s->nlate];
            QL_TRY(ql_ex_new(cx, &env, e, &l->ex));
            l->e = e;
            s->nlate++;
        }
    }
    return QL_OK;
}

static uint32_t
count_ranges(const ql_plan *p)
{
    return p->nranges > 0 ? p->nranges : 1;
}

static const ql_plan_bound *
bound_of(const ql_plan *p, uint32_t i, bool upper)
{
    if (p->nranges == 0) {
        return upper ? &p->high : &p->low;
    }
    return upper ? &p->ranges[i].high : &p->ranges[i].low;
}

static ql_status
compile_bounds(ql_ctx *cx, scan_op *s)
{
    const ql_plan *p = s->op.plan;
    uint32_t late = 0;
    uint16_t most = 0;
    for (uint32_t i = 0; i < count_ranges(p); i++) {
        const ql_plan_bound *low = bound_of(p, i, false), *high = bound_of(p, i, true);
        late += count_late(low) + count_late(high);
        most = low->n > most ? low->n : most;
        most = high->n > most ? high->n : most;
        QL_TRY(ql_bulk_node(cx));
    }
    s->late = QL_ARENA_ARRAY(cx, s->op.block->mem, late_value, late + 1);
    s->low = QL_ARENA_ARRAY(cx, s->op.block->mem, ql_value, most + 1u);
    s->high = QL_ARENA_ARRAY(cx, s->op.block->mem, ql_value, most + 1u);
    if (s->late == NULL || s->low == NULL || s->high == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; late > 0 && i < count_ranges(p); i++) {
        QL_TRY(compile_bound(cx, s, bound_of(p, i, false)));
        QL_TRY(compile_bound(cx, s, bound_of(p, i, true)));
        QL_TRY(ql_bulk_node(cx));
    }
    return QL_OK;
}

static ql_status
eval_late(ql_ctx *cx, scan_op *s)
{
    for (uint32_t i = 0; i < s->nlate; i++) {
        QL_TRY(ql_ex_one(cx, s->late[i].ex, &s->op.block->bind, 0, &s->late[i].v));
        QL_TRY(ql_value_keep(cx, s->bound_mem, &s->late[i].v));
    }
    return QL_OK;
}

void
qli_bound_head(const ql_ctx *cx, const ql_plan_bound *b, ql_value *v)
{
    v->s = ql_pattern_head(b->like->coll, v->s, ql_like_escape(cx, b->like));
}

/* A NULL that comes out of a computation matches nothing; a constant one is meant (IS NULL). */
static bool
put_values(const ql_ctx *cx, scan_op *s, const ql_plan_bound *b, ql_value *v)
{
    for (uint16_t i = 0; i < b->n; i++) {
        const late_value *l = s->nlate > 0 ? find_late(s, b->values[i]) : NULL;
        v[i] = l != NULL ? l->v : b->values[i]->value;
        if (l != NULL && l->v.kind == QL_K_NULL) {
            return false;
        }
        if (b->like != NULL && i + 1 == b->n && l != NULL) {
            qli_bound_head(cx, b, &v[i]);
        }
    }
    return true;
}

/* Values of the next range, from at_range on, that can hold anything; false = there is none. */
static bool
take_range(const ql_ctx *cx, scan_op *s, ql_bound *low, ql_bound *high)
{
    const ql_plan *p = s->op.plan;
    for (; s->at_range < count_ranges(p); s->at_range++) {
        uint32_t i = p->reverse ? count_ranges(p) - 1 - s->at_range : s->at_range;
        const ql_plan_bound *l = bound_of(p, i, false), *h = bound_of(p, i, true);
        *low = ql_plan_bound_with(l, s->low);
        *high = ql_plan_bound_with(h, s->high);
        if (put_values(cx, s, l, s->low) && put_values(cx, s, h, s->high)) {
            return true;
        }
    }
    return false;
}

/* QL_END: that was the last one. */
static ql_status
next_range(ql_ctx *cx, scan_op *s)
{
    ql_bound low, high;
    s->at_range++;
    return take_range(cx, s, &low, &high) ? ql_scan_rebind(cx, s->scan, &low, &high) : QL_END;
}

static ql_status
start_scan(ql_ctx *cx, scan_op *s)
{
    const ql_plan *p = s->op.plan;
    ql_block *b = s->op.block;
    ql_bound low, high;
    s->started = true;
    s->rows_left = 0;
    s->at_range = 0;
    ql_arena_reset(s->bound_mem);
    QL_TRY(eval_late(cx, s));
    s->empty = !take_range(cx, s, &low, &high);
    if (s->empty) {
        return QL_OK;
    }
    s->lock.one_by_one |= b->reader_stops;
    if (s->scan != NULL) {
        ql_scan_pass_over(s->scan, s->pass);
        return ql_scan_rebind(cx, s->scan, &low, &high);
    }
    ql_scan_spec spec = {
        .table = s->source->table,
        .index = p->index,
        .ordinals = s->source->ordinals,
        .ncols = s->keys_only ? 0 : s->source->ncols,
        .low = low,
        .high = high,
        .reverse = p->reverse,
        .index_only = p->index_only,
        .want_locator = s->keys_only || b->locator_slot[p->source] != QL_NO_SLOT,
        .view = QL_VIEW_STATEMENT,
        .lock = s->lock,
        .one_by_one = !p->gathers,
    };
    qli_picker_tell(&s->picker, &spec);
    if (s->lock.kind == QL_SCAN_CONSISTENT) { /* else what lies between is locked, too */
        spec.skip = (ql_scan_skip){p->skip, p->skip_far, p->skip_null_near, p->skip_null_far};
        spec.jump = (ql_scan_jump){p->skip == 0 ? p->jump : 0,
                                   ql_plan_bound_with(&p->jump_low, &s->jump[0]),
                                   ql_plan_bound_with(&p->jump_high, &s->jump[1])};
    }
    QL_TRY(ql_scan_open(cx, b->mem, &spec, &s->scan));
    ql_scan_pass_over(s->scan, s->pass);
    return QL_OK;
}

static ql_status
copy_locators(ql_ctx *cx, scan_op *s)
{
    uint16_t slot = s->op.block->locator_slot[s->op.plan->source];
    if (slot == QL_NO_SLOT || s->keys_only) {
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
    for (uint16_t i = 0; !s->keys_only && i < s->source->ncols; i++) {
        s->op.batch.cols[s->source->slots[i]] = b->cols[i];
    }
    s->op.batch.n = b->n;
    s->op.batch.nsel = b->nsel;
    s->op.batch.sel = b->sel;
}

/* The next batch of the scan, or of its next range; only rows that pass the filter. */
static ql_status
next_batch(ql_ctx *cx, scan_op *s)
{
    ql_status st;
    while ((st = ql_scan_next(cx, s->scan, &s->read)) == QL_END) {
        QL_TRY(next_range(cx, s));
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

ql_str
qli_scan_key(const qli_op *op, uint16_t row)
{
    return ql_scan_locator(((const scan_op *)op)->scan, row);
}

bool
qli_scan_pass_over(qli_op *op, uint64_t n)
{
    scan_op *s = (scan_op *)op;
    if (op->plan->kind != QL_P_SCAN || s->source->table->is_virtual || op->filter != NULL ||
        s->lock.kind != QL_SCAN_CONSISTENT) {
        return false;
    }
    s->pass = n;
    return true;
}

uint64_t
qli_scan_to_pass(const qli_op *op)
{
    const scan_op *s = (const scan_op *)op;
    return s->started && s->scan != NULL && !s->empty ? ql_scan_to_pass(s->scan) : s->pass;
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
    if (cx->proc != NULL) {
        ql_proc_add_rows(cx->proc, n, 0);
    }
    ql_arena_reset(op->scratch);
    return qli_op_hand_out(cx, op, n, out);
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
    if (p->low.n != 0 || p->high.n != 0 || p->jump > 0) {
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
    if (b->query->sources[p->source].json != NULL) {
        return qli_json_table_build(cx, b, p, out);
    }
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(scan_op), true, &op));
    scan_op *s = (scan_op *)op;
    s->source = &b->query->sources[p->source];
    QL_TRY(ql_run_arena(b->run, "scan bounds", &s->bound_mem));
    s->keys_only = p->keys_only;
    QL_TRY(qli_op_live_add(cx, op, s->source->slots, s->keys_only ? 0 : s->source->ncols));
    QL_TRY(qli_picker_compile(cx, &s->picker, op, s->source,
                              b->locks[p->source].kind == QL_SCAN_CONSISTENT &&
                                  b->locator_slot[p->source] == QL_NO_SLOT));
    if (s->source->table->is_virtual) {
        QL_TRY(qli_op_own_slots(cx, op, s->source->slots, s->source->ncols));
        QL_TRY(qli_view_filter_new(cx, b, s->source, p->filter, s->bound_mem, &s->wanted));
        op->next = virtual_next;
        op->restart = virtual_restart;
        *out = op;
        return QL_OK;
    }
    if (b->locator_slot[p->source] != QL_NO_SLOT && !s->keys_only) {
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
    for (int i = 0; i < 2 && p->jump > 0; i++) {
        const ql_plan_bound *end = i ? &p->jump_high : &p->jump_low;
        s->jump[i] = end->n > 0 ? end->values[0]->value : ql_value_null();
    }
    count_scan(cx, b, p);
    QL_TRY(compile_bounds(cx, s));
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
bound_is_bound(ql_ctx *cx, const ql_plan *top, const ql_plan_bound *b, bool *yes)
{
    QL_TRY(ql_bulk_node(cx));
    for (uint16_t i = 0; i < b->n && !*yes; i++) {
        QL_TRY(expr_is_bound(cx, top, b->values[i], yes));
    }
    return QL_OK;
}

static ql_status
is_bound(ql_ctx *cx, const ql_plan *top, const ql_plan *p, bool *yes)
{
    if (p == NULL || *yes) {
        return QL_OK;
    }
    if (p->doc != NULL) {
        QL_TRY(expr_is_bound(cx, top, p->doc, yes));
    }
    for (uint32_t i = 0; p->kind == QL_P_SCAN && i < count_ranges(p) && !*yes; i++) {
        QL_TRY(bound_is_bound(cx, top, bound_of(p, i, false), yes));
        QL_TRY(*yes ? QL_OK : bound_is_bound(cx, top, bound_of(p, i, true), yes));
    }
    for (uint16_t i = 0; i < p->nparts; i++) {
        QL_TRY(is_bound(cx, top, p->parts[i], yes));
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
