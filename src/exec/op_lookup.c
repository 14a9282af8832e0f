/* SPDX-License-Identifier: Apache-2.0
 *
 * Nested-loop join with look-ups in one table: the left rows are taken a batch at a time, and what
 * they look for is looked for together (table.h, ql_probe_...). Rows come as the row by row loop of
 * op_nested.c gives them, in the same order; what this one does not do (locking reads, bounds of
 * several ranges, right sides that are more than a table) is left to that. By a unique key each
 * left row has one partner at most, which comes to stand at its place: the left columns are handed
 * on as they are. Otherwise the left columns are copied beside the rows found.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/exec_int.h"

#define FIRST_PORTION 4

/* A value of a bound: a constant, or evaluated over the left batch. */
typedef struct part {
    const ql_expr *e;
    ql_ex *ex;
    ql_vector *v;
} part;

typedef struct lookup_op {
    qli_op op;
    const ql_source *source;
    qli_op *table; /* the right side: its filter and counts; it is not asked for rows */
    qli_picker picker;
    ql_scan *scan;
    part *low, *high;
    ql_value *low_values, *high_values;
    ql_arena *part_mem;  /* bytes of evaluated bounds */
    ql_batch *fetched;   /* from the left side; NULL: the next one is wanted */
    uint16_t taken;      /* of its rows */
    uint16_t portion;    /* so many are taken next: few where the reader may stop soon */
    uint16_t *taken_sel; /* [QL_BATCH_ROWS] */
    ql_batch part;       /* the rows taken */
    ql_batch *left;      /* that; NULL: the next one is wanted */
    bool asked;          /* for these left rows (EXPLAIN ANALYZE) */
    bool *matched;       /* [QL_BATCH_ROWS] by position in left */
    uint16_t *found;     /* [QL_BATCH_ROWS] selection */
    ql_batch whole;      /* left columns handed on as they are: op.batch has columns of its own */
} lookup_op;

static bool
is_filtering(const ql_plan *p)
{
    return p->join == QL_JOIN_SEMI || p->join == QL_JOIN_ANTI;
}

/* ---- bounds ---- */

static ql_status
compile_parts(ql_ctx *cx, lookup_op *j, const ql_plan_bound *b, part **parts, ql_value **values)
{
    ql_block *k = j->op.block;
    ql_env env = ql_block_env(k, j->part_mem);
    *parts = QL_ARENA_ARRAY(cx, k->mem, part, b->n + 1u);
    *values = QL_ARENA_ARRAY(cx, k->mem, ql_value, b->n + 1u);
    if (*parts == NULL || *values == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < b->n; i++) {
        (*parts)[i].e = b->values[i];
        if (b->values[i]->kind != QL_E_CONST) {
            QL_TRY(ql_ex_new(cx, &env, b->values[i], &(*parts)[i].ex));
        }
    }
    return QL_OK;
}

static ql_status
eval_parts(ql_ctx *cx, lookup_op *j, part *parts, uint16_t n)
{
    const ql_batch *l = j->left;
    for (uint16_t i = 0; i < n; i++) {
        if (parts[i].ex != NULL) {
            QL_TRY(ql_ex_eval(cx, parts[i].ex, l, l->sel, l->nsel, &parts[i].v));
        }
    }
    return QL_OK;
}

/* A NULL that comes out of a computation matches nothing; a constant one is meant (IS NULL). */
static bool
put_values(const ql_ctx *cx, const part *parts, const ql_plan_bound *b, uint16_t row, ql_value *out)
{
    for (uint16_t i = 0; i < b->n; i++) {
        if (parts[i].ex == NULL) {
            out[i] = parts[i].e->value;
            continue;
        }
        if (ql_vector_null_at(parts[i].v, row)) {
            return false;
        }
        ql_vector_get(parts[i].v, parts[i].v->is_const ? 0 : row, &out[i]);
        if (out[i].kind == QL_K_NULL) {
            return false;
        }
        if (b->like != NULL && i + 1 == b->n) {
            qli_bound_head(cx, b, &out[i]);
        }
    }
    return true;
}

static ql_status
open_scan(ql_ctx *cx, lookup_op *j)
{
    const ql_plan *r = j->op.plan->right;
    ql_scan_spec spec = {
        .table = j->source->table,
        .index = r->index,
        .ordinals = j->source->ordinals,
        .ncols = j->source->ncols,
        .reverse = r->reverse,
        .index_only = r->index_only,
        .probes = true,
        .view = QL_VIEW_STATEMENT,
    };
    qli_picker_tell(&j->picker, &spec);
    return ql_scan_open(cx, j->op.block->mem, &spec, &j->scan);
}

/* The next rows of the left side, as a batch of their own. */
static ql_status
take_left(ql_ctx *cx, lookup_op *j)
{
    uint16_t n = 0;
    if (j->fetched == NULL || j->taken == j->fetched->nsel) {
        j->fetched = NULL;
        QL_TRY(qli_op_next(cx, j->op.left, &j->fetched));
        j->taken = 0;
    }
    while (n < j->portion && j->taken < j->fetched->nsel) {
        j->taken_sel[n++] = ql_batch_row(j->fetched, j->taken++);
    }
    j->portion = j->portion < QL_BATCH_ROWS / 2 ? (uint16_t)(j->portion * 2) : QL_BATCH_ROWS;
    j->part = *j->fetched;
    j->part.sel = j->taken_sel;
    j->part.nsel = n;
    j->left = &j->part;
    return QL_OK;
}

/* The next left rows, and what they look for. */
static ql_status
next_left(ql_ctx *cx, lookup_op *j)
{
    const ql_plan *r = j->op.plan->right;
    j->left = NULL;
    QL_TRY(take_left(cx, j));
    QL_TRY(j->scan == NULL ? open_scan(cx, j) : QL_OK);
    ql_arena_reset(j->part_mem);
    QL_TRY(eval_parts(cx, j, j->low, r->low.n));
    QL_TRY(eval_parts(cx, j, j->high, r->high.n));
    ql_probe_begin(j->scan);
    for (uint16_t k = 0; k < j->left->nsel; k++) {
        uint16_t row = ql_batch_row(j->left, k);
        ql_bound low = ql_plan_bound_with(&r->low, j->low_values);
        ql_bound high = ql_plan_bound_with(&r->high, j->high_values);
        QL_TRY(ql_check(cx));
        j->matched[row] = false;
        if (put_values(cx, j->low, &r->low, row, j->low_values) &&
            put_values(cx, j->high, &r->high, row, j->high_values)) {
            QL_TRY(ql_probe_add(cx, j->scan, row, &low, &high));
        } else if (j->op.plan->join == QL_JOIN_LEFT) {
            QL_TRY(ql_probe_add_nothing(cx, j->scan, row));
        }
    }
    if (j->table->watched != NULL) {
        qli_watched_counts(j->table->watched)->loops += j->left->nsel;
        j->asked = false;
    }
    return QL_OK;
}

/* ---- the table ---- */

static int64_t
watch_begin(const lookup_op *j)
{
    return j->table->watched != NULL ? ql_now_mono_ns() : 0;
}

static void
watch_end(lookup_op *j, int64_t from)
{
    if (j->table->watched != NULL) {
        ql_op_counts *k = qli_watched_counts(j->table->watched);
        int64_t ns = ql_now_mono_ns() - from;
        k->total_ns += ns;
        k->first_ns += j->asked ? 0 : ns;
        j->asked = true;
    }
}

static void
take_right(lookup_op *j, const ql_batch *b)
{
    for (uint16_t i = 0; i < j->source->ncols; i++) {
        j->op.batch.cols[j->source->slots[i]] = b->cols[i];
    }
}

/* The table's own conditions, then it has given its rows. */
static ql_status
filter_table(ql_ctx *cx, lookup_op *j)
{
    ql_arena_reset(j->table->scratch);
    QL_TRY(qli_op_filter_apply(cx, j->table, &j->op.batch));
    if (j->table->watched != NULL) {
        qli_watched_counts(j->table->watched)->rows += j->op.batch.nsel;
    }
    return QL_OK;
}

static ql_status
filter_join(ql_ctx *cx, lookup_op *j)
{
    ql_arena_reset(j->op.scratch);
    return j->op.batch.nsel > 0 ? qli_op_filter_apply(cx, &j->op, &j->op.batch) : QL_OK;
}

static void
select_rows(lookup_op *j, uint16_t n, const uint16_t *sel, uint16_t nsel)
{
    j->op.batch.n = n;
    j->op.batch.sel = sel;
    j->op.batch.nsel = nsel;
}

/* ---- by a unique key: partners at the places of the left rows ---- */

static void
hand_on_left(lookup_op *j, ql_batch *to)
{
    for (uint16_t i = 0; i < j->op.left->nlive; i++) {
        uint16_t slot = j->op.left->live[i];
        to->cols[slot] = j->left->cols[slot];
    }
}

static void
make_null(lookup_op *j, uint16_t row)
{
    for (uint16_t i = 0; i < j->source->ncols; i++) {
        ql_vector *v = &j->op.batch.cols[j->source->slots[i]];
        v->has_nulls = true;
        v->nulls[row] = 1;
    }
}

/* Of the left rows those that have a partner (or have none). */
static void
keep_left(lookup_op *j, ql_batch *b, bool with)
{
    uint16_t n = 0;
    for (uint16_t k = 0; k < j->left->nsel; k++) {
        uint16_t row = ql_batch_row(j->left, k);
        if (j->matched[row] == with) {
            j->found[n++] = row;
        }
    }
    b->n = j->left->n;
    b->sel = j->found;
    b->nsel = n;
}

static ql_status
next_unique(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    lookup_op *j = (lookup_op *)op;
    ql_batch *b;
    uint16_t n;
    QL_TRY(next_left(cx, j));
    int64_t from = watch_begin(j);
    QL_TRY(ql_probe_points(cx, j->scan, j->found, &n, &b));
    hand_on_left(j, &op->batch);
    take_right(j, b);
    select_rows(j, j->left->n, j->found, n);
    QL_TRY(n > 0 ? filter_table(cx, j) : QL_OK);
    watch_end(j, from);
    QL_TRY(filter_join(cx, j));
    *out = &op->batch;
    if (op->plan->join == QL_JOIN_INNER || op->plan->join == QL_JOIN_SEMI) {
        return QL_OK;
    }
    for (uint16_t k = 0; k < op->batch.nsel; k++) {
        j->matched[ql_batch_row(&op->batch, k)] = true;
    }
    if (op->plan->join == QL_JOIN_ANTI) {
        keep_left(j, &op->batch, false);
        return QL_OK;
    }
    for (uint16_t k = 0; k < j->left->nsel; k++) {
        uint16_t row = ql_batch_row(j->left, k);
        if (!j->matched[row]) {
            make_null(j, row);
        }
    }
    select_rows(j, j->left->n, j->left->sel, j->left->nsel);
    return QL_OK;
}

/* ---- any number of partners ---- */

/* Left columns beside the selected rows. */
static ql_status
copy_left(ql_ctx *cx, lookup_op *j, const uint16_t *tags)
{
    const ql_batch *b = &j->op.batch;
    for (uint16_t i = 0; i < j->op.left->nlive; i++) {
        uint16_t slot = j->op.left->live[i];
        ql_vector *to = &b->cols[slot];
        const ql_vector *from = &j->left->cols[slot];
        to->has_nulls = to->is_const = false;
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            ql_vector_copy_cell(to, row, from, tags[row]);
        }
    }
    return ql_bulk_count(cx, (size_t)b->nsel * j->op.left->nlive * sizeof(int64_t));
}

static uint16_t
without_tails(lookup_op *j, const ql_probed *p)
{
    uint16_t n = 0;
    for (uint16_t i = 0; i < p->batch->n; i++) {
        j->found[n] = i;
        n = (uint16_t)(n + !p->is_tail[i]);
    }
    return n;
}

/* LEFT JOIN: the rows that passed, and the tails of left rows that had none. */
static void
add_tails(lookup_op *j, const ql_probed *p)
{
    ql_batch *b = &j->op.batch;
    uint16_t n = 0, at = 0, passed[QL_BATCH_ROWS];
    uint16_t npassed = b->nsel;
    for (uint16_t k = 0; k < npassed; k++) {
        passed[k] = ql_batch_row(b, k);
    }
    for (uint16_t i = 0; i < p->batch->n; i++) {
        if (at < npassed && passed[at] == i) {
            at++;
            j->matched[p->tags[i]] = true;
            j->found[n++] = i;
        } else if (p->is_tail[i] && !j->matched[p->tags[i]]) {
            j->found[n++] = i;
        }
    }
    select_rows(j, p->batch->n, j->found, n);
}

/* The next rows that are partners; QL_END: those of this left batch are done. */
static ql_status
next_partners(ql_ctx *cx, lookup_op *j, ql_probed *p)
{
    bool left_join = j->op.plan->join == QL_JOIN_LEFT;
    bool first = is_filtering(j->op.plan) && j->op.filter == NULL && j->table->filter == NULL &&
                 j->picker.filter == NULL;
    int64_t from = watch_begin(j);
    ql_status st = ql_probe_rows(cx, j->scan, left_join, first, p);
    if (st != QL_OK) {
        watch_end(j, from);
        return st;
    }
    take_right(j, p->batch);
    uint16_t n = left_join ? without_tails(j, p) : p->batch->n;
    select_rows(j, p->batch->n, left_join ? j->found : NULL, n);
    QL_TRY(n > 0 ? filter_table(cx, j) : QL_OK);
    watch_end(j, from);
    if (j->op.filter != NULL) {
        QL_TRY(copy_left(cx, j, p->tags));
        QL_TRY(filter_join(cx, j));
    }
    return QL_OK;
}

static ql_status
next_any(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    lookup_op *j = (lookup_op *)op;
    ql_probed p;
    for (;;) {
        QL_TRY(j->left == NULL ? next_left(cx, j) : QL_OK);
        ql_status st = next_partners(cx, j, &p);
        if (st == QL_END) {
            j->left = NULL;
            continue;
        }
        QL_TRY(st);
        if (op->plan->join == QL_JOIN_LEFT) {
            add_tails(j, &p);
        }
        if (op->batch.nsel > 0) {
            QL_TRY(op->filter == NULL || op->plan->join == QL_JOIN_LEFT ? copy_left(cx, j, p.tags)
                                                                        : QL_OK);
            *out = &op->batch;
            return QL_OK;
        }
    }
}

/* SEMI, ANTI: a left row that has a partner needs no second one. */
static ql_status
next_filtered(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    lookup_op *j = (lookup_op *)op;
    ql_probed p;
    ql_status st;
    QL_TRY(next_left(cx, j));
    while ((st = next_partners(cx, j, &p)) == QL_OK) {
        for (uint16_t k = 0; k < op->batch.nsel; k++) {
            uint16_t tag = p.tags[ql_batch_row(&op->batch, k)];
            j->matched[tag] = true;
            ql_probe_pass(j->scan, tag);
        }
    }
    QL_TRY(st == QL_END ? QL_OK : st);
    hand_on_left(j, &j->whole);
    keep_left(j, &j->whole, op->plan->join == QL_JOIN_SEMI);
    *out = &j->whole;
    return QL_OK;
}

static ql_status
lookup_restart(ql_ctx *cx, qli_op *op)
{
    lookup_op *j = (lookup_op *)op;
    j->left = j->fetched = NULL;
    return qli_op_restart(cx, op->left);
}

/* ---- building ---- */

/* Nothing but values of left rows and what is known before. */
static ql_status
is_of_left(ql_ctx *cx, const qli_op *left, const ql_expr *e, bool *yes)
{
    QL_TRY(ql_bulk_node(cx));
    *yes = e->kind != QL_E_SUBQUERY && (e->kind != QL_E_SLOT || left->is_live[e->index]);
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(is_of_left(cx, left, e->args[i], yes));
    }
    return QL_OK;
}

static ql_status
bound_is_of_left(ql_ctx *cx, const qli_op *left, const ql_plan_bound *b, bool *yes)
{
    for (uint16_t i = 0; i < b->n && *yes; i++) {
        QL_TRY(is_of_left(cx, left, b->values[i], yes));
    }
    return QL_OK;
}

ql_status
qli_lookup_serves(ql_ctx *cx, const ql_block *b, const ql_plan *p, const qli_op *left, bool *yes)
{
    const ql_plan *r = p->right;
    *yes = false;
    if (r->kind != QL_P_SCAN || !r->batched || r->nranges > 0 || r->skip > 0 || r->keys_only ||
        (p->join != QL_JOIN_INNER && p->join != QL_JOIN_LEFT && !is_filtering(p))) {
        return QL_OK;
    }
    const ql_table *t = b->query->sources[r->source].table;
    if (t->is_virtual || !ql_table_is_transactional(t) ||
        b->locks[r->source].kind != QL_SCAN_CONSISTENT ||
        b->locator_slot[r->source] != QL_NO_SLOT) {
        return QL_OK;
    }
    QL_TRY(qli_plan_is_bound(cx, r, yes)); /* else it is the same for all, and kept */
    QL_TRY(*yes ? bound_is_of_left(cx, left, &r->low, yes) : QL_OK);
    return *yes ? bound_is_of_left(cx, left, &r->high, yes) : QL_OK;
}

/* The right side, for its filter, its columns and what EXPLAIN ANALYZE counts of it. */
static ql_status
build_table(ql_ctx *cx, lookup_op *j)
{
    ql_block *b = j->op.block;
    QL_TRY(qli_op_alloc(cx, b, j->op.plan->right, sizeof(qli_op), true, &j->table));
    QL_TRY(qli_op_live_add(cx, j->table, j->source->slots, j->source->ncols));
    QL_TRY(qli_picker_compile(cx, &j->picker, j->table, j->source, true));
    return b->run->watch != NULL ? qli_watch_op(cx, j->table) : QL_OK;
}

ql_status
qli_lookup_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op *left, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(lookup_op), true, &op));
    lookup_op *j = (lookup_op *)op;
    bool unique = p->right->is_unique_lookup;
    op->left = left;
    j->source = &b->query->sources[p->right->source];
    QL_TRY(build_table(cx, j));
    QL_TRY(qli_op_live_add(cx, op, left->live, left->nlive));
    if (!is_filtering(p)) {
        QL_TRY(qli_op_live_add(cx, op, j->table->live, j->table->nlive));
    }
    if (!unique) {
        QL_TRY(qli_op_own_slots(cx, op, left->live, left->nlive));
        j->whole.ncols = b->nslots;
        j->whole.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1u);
        if (j->whole.cols == NULL) {
            return QL_ERROR;
        }
    }
    QL_TRY(qli_op_filter_compile(cx, op));
    j->matched = QL_ARENA_ARRAY(cx, b->mem, bool, QL_BATCH_ROWS);
    j->found = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    j->taken_sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    j->portion = b->stops_early || b->reader_stops ? FIRST_PORTION : QL_BATCH_ROWS;
    if (j->matched == NULL || j->found == NULL || j->taken_sel == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_run_arena(b->run, "look-ups", &j->part_mem));
    QL_TRY(compile_parts(cx, j, &p->right->low, &j->low, &j->low_values));
    QL_TRY(compile_parts(cx, j, &p->right->high, &j->high, &j->high_values));
    op->next = unique ? next_unique : is_filtering(p) ? next_filtered : next_any;
    op->restart = lookup_restart;
    *out = op;
    return QL_OK;
}
