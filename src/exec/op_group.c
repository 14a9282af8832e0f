/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY: hash aggregation. Keys of a batch are hashed column by column, each row finds or makes
 * its group, then every aggregate runs over the batch. Groups come out in the order in which they
 * were met.
 *
 * When the groups take more than tmp_table_size, those that there are go on to take their rows, and
 * rows of others go to tapes, keys and arguments evaluated, divided by their hash. Then the groups
 * come out, and each part is grouped in the same way (after PostgreSQL's nodeAgg.c).
 */
#include <string.h>

#include "exec/group_int.h"

typedef struct group {
    struct group *next;  /* in its bucket */
    struct group *later; /* in order of birth */
    uint64_t hash;
    ql_value *keys;
    /* then keys, then states */
} group;

typedef struct group_op {
    qli_op op;
    const ql_query *q;
    ql_ex **keys;
    ql_vector **cols;
    uint16_t nkeys, naggs;
    qli_agg *aggs;
    qli_group_mem mem;
    size_t states_at, group_size;
    group **buckets;
    size_t nbuckets, count;
    group *first, *last, *out;
    bool done, one_int, counted;
    uint64_t hash[QL_BATCH_ROWS];
    char *groups[QL_BATCH_ROWS]; /* NULL: not taken */
    uint16_t taken[QL_BATCH_ROWS];
    /* What is on tapes: */
    ql_arena *parts_mem;
    qli_parts parts;
    qli_part *pending;
    qli_part *part; /* being read; NULL: the rows come from below */
    ql_reel reel;
    unsigned level;
    qli_rowfmt fmt;
    ql_vector *cells; /* keys, then the aggregates' columns: as they are written */
    ql_vector *back;  /* the same as they are read */
    uint16_t ncells;
    char **rows;
} group_op;

static ql_status
new_group(ql_ctx *cx, group_op *g, group **out)
{
    group *n = ql_arena_zalloc(cx, g->mem.groups, g->group_size);
    if (n == NULL) {
        return QL_ERROR;
    }
    n->keys = (ql_value *)((char *)n + ((sizeof(group) + 15) & ~(size_t)15));
    for (uint16_t i = 0; i < g->naggs; i++) {
        qli_agg_start(&g->aggs[i], (qli_agg_state *)((char *)n + g->states_at) + i);
    }
    if (g->last != NULL) {
        g->last->later = n;
    } else {
        g->first = n;
    }
    g->last = n;
    g->count++;
    *out = n;
    return QL_OK;
}

static ql_status
grow(ql_ctx *cx, group_op *g)
{
    size_t n = g->nbuckets ? g->nbuckets * 4 : 256, i = 0;
    group **buckets = ql_arena_alloc(cx, g->mem.groups, n * sizeof *buckets);
    if (buckets == NULL) {
        return QL_ERROR;
    }
    for (size_t at = 0; at < n; at += 8192) {
        QL_TRY(ql_check(cx));
        memset(&buckets[at], 0, (n - at < 8192 ? n - at : 8192) * sizeof *buckets);
    }
    for (group *x = g->first; x != NULL; x = x->later) {
        if (++i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        x->next = buckets[x->hash & (n - 1)];
        buckets[x->hash & (n - 1)] = x;
    }
    g->buckets = buckets;
    g->nbuckets = n;
    return QL_OK;
}

static ql_status
same_keys(ql_ctx *cx, group_op *g, const group *x, uint16_t row, bool *same)
{
    *same = true;
    if (g->one_int) {
        const ql_vector *v = g->cols[0];
        uint16_t at = v->is_const ? 0 : row;
        bool null = v->has_nulls && v->nulls[at];
        *same = null ? x->keys[0].kind == QL_K_NULL
                     : x->keys[0].kind != QL_K_NULL && x->keys[0].i == v->i[at];
        return QL_OK;
    }
    for (uint16_t i = 0; i < g->nkeys && *same; i++) {
        QL_TRY(ql_row_equals(cx, g->cols[i], row, &x->keys[i], same));
    }
    return QL_OK;
}

/* *out NULL: there is no room for a new one. */
static ql_status
group_of(ql_ctx *cx, group_op *g, uint16_t row, group **out)
{
    uint64_t h = g->hash[row];
    group *x = g->nbuckets > 0 ? g->buckets[h & (g->nbuckets - 1)] : NULL;
    for (; x != NULL; x = x->next) {
        bool same = false;
        if (x->hash == h) {
            QL_TRY(same_keys(cx, g, x, row, &same));
        }
        if (same) {
            *out = x;
            return QL_OK;
        }
    }
    if (g->count > 0 && qli_group_is_full(cx, &g->mem)) {
        *out = NULL;
        return QL_OK;
    }
    if (g->count >= g->nbuckets) {
        QL_TRY(grow(cx, g));
    }
    QL_TRY(new_group(cx, g, &x));
    x->hash = h;
    for (uint16_t i = 0; i < g->nkeys; i++) {
        ql_vector_get(g->cols[i], row, &x->keys[i]);
        QL_TRY(ql_value_keep(cx, g->mem.groups, &x->keys[i]));
    }
    x->next = g->buckets[h & (g->nbuckets - 1)];
    g->buckets[h & (g->nbuckets - 1)] = x;
    *out = x;
    return QL_OK;
}

/* The group of each row into groups; *refused = rows without one. */
static ql_status
find_groups(ql_ctx *cx, group_op *g, const ql_batch *b, uint16_t *refused)
{
    *refused = 0;
    for (uint16_t i = 0; i < g->nkeys; i++) {
        QL_TRY(ql_hash_column(cx, g->cols[i], b->sel, b->nsel, i == 0, g->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        group *x;
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(group_of(cx, g, row, &x));
        g->groups[row] = (char *)x;
        *refused = (uint16_t)(*refused + (x == NULL));
    }
    return QL_OK;
}

static qli_agg_state *
state_of(const group_op *g, group *x, uint16_t i)
{
    return (qli_agg_state *)((char *)x + g->states_at) + i;
}

/* ---- rows that are not taken ---- */

static ql_vector **
cell_column(const group_op *g, uint16_t i)
{
    if (i < g->nkeys) {
        return &g->cols[i];
    }
    i = (uint16_t)(i - g->nkeys);
    for (uint16_t a = 0;; a++) {
        uint16_t n = qli_agg_columns(&g->aggs[a]);
        if (i < n) {
            return qli_agg_column(&g->aggs[a], i);
        }
        i = (uint16_t)(i - n);
    }
}

/* Once, when the first row is refused. */
static ql_status
make_cells(ql_ctx *cx, group_op *g)
{
    ql_arena *mem = g->op.block->mem;
    uint16_t n = g->nkeys;
    for (uint16_t i = 0; i < g->naggs; i++) {
        n = (uint16_t)(n + qli_agg_columns(&g->aggs[i]));
    }
    ql_type *types = QL_ARENA_ARRAY(cx, mem, ql_type, n);
    uint16_t *slots = QL_ARENA_ARRAY(cx, mem, uint16_t, n);
    g->cells = QL_ARENA_ARRAY(cx, mem, ql_vector, n);
    g->back = QL_ARENA_ARRAY(cx, mem, ql_vector, n);
    g->rows = QL_ARENA_ARRAY(cx, mem, char *, QL_BATCH_ROWS);
    if (types == NULL || slots == NULL || g->cells == NULL || g->back == NULL || g->rows == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        types[i] = (*cell_column(g, i))->type;
        slots[i] = i;
        QL_TRY(ql_vector_init(cx, mem, &g->back[i], &types[i], false));
    }
    QL_TRY(qli_rowfmt_init(cx, mem, &g->fmt, types, slots, n));
    g->ncells = n;
    return QL_OK;
}

/* Refused rows to their parts; the others to b's selection. */
static ql_status
put_refused(ql_ctx *cx, group_op *g, ql_batch *b)
{
    ql_batch cells = {.n = b->n, .nsel = b->nsel};
    uint16_t taken = 0;
    if (g->ncells == 0) {
        QL_TRY(make_cells(cx, g));
        ql_count(cx, QL_CT_CREATED_TMP_DISK_TABLES, 1);
    }
    if (!g->parts.active) {
        qli_parts_begin(&g->parts, g->op.block->run, g->level);
    }
    for (uint16_t i = 0; i < g->ncells; i++) {
        g->cells[i] = **cell_column(g, i);
    }
    cells.cols = g->cells;
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        if (g->groups[row] != NULL) {
            g->taken[taken++] = row;
            continue;
        }
        char *saved;
        ql_arena_mark mark = ql_arena_save(g->op.scratch);
        QL_TRY(qli_row_save(cx, g->op.scratch, &g->fmt, &cells, row, &saved));
        QL_TRY(qli_parts_put(cx, &g->parts, g->parts_mem, g->hash[row], &g->fmt, saved));
        ql_arena_restore(g->op.scratch, mark);
    }
    b->sel = g->taken;
    b->nsel = taken;
    return QL_OK;
}

/* ---- the passes ---- */

/* The next rows with their columns evaluated, from below or from the part. */
static ql_status
next_rows(ql_ctx *cx, group_op *g, ql_batch *out)
{
    if (g->part == NULL) {
        ql_batch *b;
        QL_TRY(qli_op_next(cx, g->op.left, &b));
        ql_arena_reset(g->op.scratch);
        for (uint16_t i = 0; i < g->nkeys; i++) {
            QL_TRY(ql_ex_output(cx, g->keys[i], b, b->sel, b->nsel, &g->cols[i]));
        }
        for (uint16_t i = 0; i < g->naggs; i++) {
            QL_TRY(qli_agg_eval(cx, &g->aggs[i], b));
        }
        *out = *b;
        return QL_OK;
    }
    uint16_t n;
    ql_arena_reset(g->op.scratch);
    QL_TRY(qli_rows_get(cx, &g->reel, &g->fmt, g->op.scratch, g->rows, &n));
    qli_rows_load(&g->fmt, g->rows, n, g->back);
    for (uint16_t i = 0; i < g->ncells; i++) {
        *cell_column(g, i) = &g->back[i];
    }
    *out = (ql_batch){.n = n, .nsel = n};
    return QL_OK;
}

/* All rows into groups, or to tapes. */
static ql_status
pass(ql_ctx *cx, group_op *g)
{
    ql_batch b;
    ql_status st;
    group *single = NULL;
    if (g->nkeys == 0) {
        QL_TRY(new_group(cx, g, &single));
    }
    while ((st = next_rows(cx, g, &b)) == QL_OK) {
        uint16_t refused = 0;
        if (single == NULL) {
            QL_TRY(find_groups(cx, g, &b, &refused));
        }
        if (refused > 0) {
            QL_TRY(put_refused(cx, g, &b));
        }
        for (uint16_t i = 0; i < g->naggs; i++) {
            QL_TRY(qli_agg_add(cx, &g->aggs[i], &b, single == NULL ? g->groups : NULL,
                               g->states_at + i * sizeof(qli_agg_state),
                               single != NULL ? state_of(g, single, i) : NULL));
        }
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(qli_parts_end(cx, &g->parts, &g->pending));
    for (uint16_t i = 0; i < g->naggs; i++) {
        QL_TRY(qli_agg_add_waiting(cx, &g->aggs[i]));
    }
    g->out = g->first;
    return QL_OK;
}

/* Forget the groups. */
static ql_status
clear(group_op *g)
{
    ql_run *run = g->op.block->run;
    QL_TRY(ql_run_arena_empty(run, "groups", &g->mem.groups, g->mem.budget / 8));
    QL_TRY(ql_run_arena_empty(run, "distinct values", &g->mem.sets, g->mem.budget / 8));
    g->mem.full = false;
    g->buckets = NULL;
    g->nbuckets = g->count = 0;
    g->first = g->last = g->out = NULL;
    return QL_OK;
}

static void
close_part(ql_ctx *cx, group_op *g)
{
    if (g->part != NULL) {
        ql_reel_stop(&g->reel);
        ql_tape_drop(cx, g->part->tape);
        g->part = NULL;
    }
}

/* The groups of the next part; QL_END: there is none. */
static ql_status
next_pass(ql_ctx *cx, group_op *g)
{
    close_part(cx, g);
    if (g->pending == NULL) {
        return QL_END;
    }
    g->part = g->pending;
    g->pending = g->part->next;
    g->level = g->part->level;
    QL_TRY(clear(g));
    QL_TRY(ql_reel_start(cx, &g->reel, g->part->tape));
    return pass(cx, g);
}

static ql_status
first_pass(ql_ctx *cx, group_op *g)
{
    if (g->nkeys > 0 && !g->counted) {
        ql_count(cx, QL_CT_CREATED_TMP_TABLES, 1);
        g->counted = true;
    }
    g->level = 0;
    QL_TRY(pass(cx, g));
    g->done = true;
    return QL_OK;
}

static ql_status
group_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    group_op *g = (group_op *)op;
    uint16_t n = 0;
    if (!g->done) {
        QL_TRY(first_pass(cx, g));
    }
    while (g->out == NULL) {
        QL_TRY(next_pass(cx, g));
    }
    ql_arena_reset(op->scratch);
    for (uint16_t i = 0; i < op->nlive; i++) {
        op->batch.cols[op->live[i]].has_nulls = false;
    }
    for (; g->out != NULL && n < QL_BATCH_ROWS; g->out = g->out->later, n++) {
        if (n % 128 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (uint16_t i = 0; i < g->nkeys; i++) {
            ql_vector_set(&op->batch.cols[g->q->group_slots[i]], n, &g->out->keys[i]);
        }
        for (uint16_t i = 0; i < g->naggs; i++) {
            ql_value v;
            QL_TRY(qli_agg_finish(cx, &g->aggs[i], state_of(g, g->out, i), &v));
            ql_vector_set(&op->batch.cols[g->q->aggs[i].slot], n, &v);
        }
    }
    return qli_op_hand_out(cx, op, n, out);
}

static ql_status
group_restart(ql_ctx *cx, qli_op *op)
{
    group_op *g = (group_op *)op;
    close_part(cx, g);
    qli_parts_drop(cx, &g->parts, &g->pending);
    for (uint16_t i = 0; i < g->naggs; i++) {
        qli_agg_reset(cx, &g->aggs[i]);
    }
    ql_arena_reset(g->parts_mem);
    QL_TRY(clear(g));
    g->done = false;
    return qli_op_restart(cx, op->left);
}

static ql_status
build_keys(ql_ctx *cx, group_op *g)
{
    ql_block *b = g->op.block;
    ql_env env = ql_block_env(b, g->op.scratch);
    g->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, g->nkeys + 1);
    if (g->cols == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_ex_list(cx, &env, g->q->group_by, g->nkeys, &g->keys));
    if (g->nkeys == 1) {
        ql_kind k = g->q->group_by[0]->type.kind;
        g->one_int = k != QL_K_NULL && ql_kind_slot(k) == QL_SLOT_I64;
    }
    return QL_OK;
}

ql_status
qli_group_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(group_op), true, &op));
    group_op *g = (group_op *)op;
    g->q = b->query;
    g->nkeys = b->query->ngroup;
    g->naggs = b->query->naggs;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(ql_run_arena(b->run, "groups", &g->mem.groups));
    QL_TRY(ql_run_arena(b->run, "distinct values", &g->mem.sets));
    QL_TRY(ql_run_arena(b->run, "parts of groups", &g->parts_mem));
    g->mem.budget = qli_budget_result(cx);
    g->states_at = ((sizeof(group) + 15) & ~(size_t)15) + g->nkeys * sizeof(ql_value);
    g->states_at = (g->states_at + 15) & ~(size_t)15;
    g->group_size = g->states_at + g->naggs * sizeof(qli_agg_state);
    g->aggs = QL_ARENA_ARRAY(cx, b->mem, qli_agg, g->naggs + 1);
    if (g->aggs == NULL) {
        return QL_ERROR;
    }
    QL_TRY(build_keys(cx, g));
    QL_TRY(qli_op_live_add(cx, op, g->q->group_slots, g->nkeys));
    for (uint16_t i = 0; i < g->naggs; i++) {
        QL_TRY(qli_agg_init(cx, b, &g->aggs[i], &g->q->aggs[i], &g->mem, op->scratch));
        if (p->distinct_runs && g->q->aggs[i].distinct) {
            QL_TRY(qli_agg_expect_runs(cx, &g->aggs[i]));
        }
        QL_TRY(qli_op_live_add(cx, op, &g->q->aggs[i].slot, 1));
    }
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    QL_TRY(qli_op_filter_compile(cx, op));
    op->next = group_next;
    op->restart = group_restart;
    *out = op;
    return QL_OK;
}
