/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY over rows that come group by group, in the order of an index: a group is given out as
 * soon as another one has begun, so that few are in memory and a LIMIT above stops the reading.
 *
 * Each batch from below gives the groups that end in it; the last one stays open. What a group
 * keeps (texts of keys and aggregates) must outlive the batch it is given out in, so there are two
 * arenas: the open group's, and that of the groups before it, which is emptied when the open one
 * has ended. With DISTINCT aggregates groups are taken one by one, for what does not fit into
 * memory has to be added before the next group begins.
 */
#include "exec/adjacent.h"
#include "exec/group_int.h"

#define EMPTY_ABOVE 65536 /* bytes of an arena that are worth emptying it */

typedef struct stream_group {
    ql_value *keys;
    qli_agg_state *states;
} stream_group;

typedef struct stream_op {
    qli_op op;
    const ql_query *q;
    ql_ex **keys;
    ql_vector **cols;
    uint16_t nkeys, naggs;
    qli_agg *aggs;
    qli_group_mem mem; /* groups: of the open group */
    ql_arena *former;  /* of groups that have been given out */
    bool one_by_one, open, ended;
    qli_adjacent runs;
    /* The groups of a batch; made when so many are needed. */
    stream_group *groups[QL_BATCH_ROWS + 1];
    unsigned first, count; /* groups[first]: the open one; all after it modulo the size */
    char *state_of[QL_BATCH_ROWS];
    uint16_t sel[QL_BATCH_ROWS];
} stream_op;

#define RING (QL_BATCH_ROWS + 1)

static ql_status
group_at(ql_ctx *cx, stream_op *s, unsigned i, stream_group **out)
{
    stream_group **g = &s->groups[(s->first + i) % RING];
    if (*g == NULL) {
        ql_arena *mem = s->op.block->mem;
        *g = QL_ARENA_NEW(cx, mem, stream_group);
        if (*g == NULL) {
            return QL_ERROR;
        }
        (*g)->keys = QL_ARENA_ARRAY(cx, mem, ql_value, s->nkeys + 1);
        (*g)->states = QL_ARENA_ARRAY(cx, mem, qli_agg_state, s->naggs + 1);
        if ((*g)->keys == NULL || (*g)->states == NULL) {
            *g = NULL;
            return QL_ERROR;
        }
    }
    *out = *g;
    return QL_OK;
}

/* A group begins with that row. */
static ql_status
begin_group(ql_ctx *cx, stream_op *s, uint16_t row, stream_group **out)
{
    QL_TRY(group_at(cx, s, s->count, out));
    s->count++;
    for (uint16_t i = 0; i < s->nkeys; i++) {
        ql_vector_get(s->cols[i], row, &(*out)->keys[i]);
    }
    for (uint16_t i = 0; i < s->naggs; i++) {
        qli_agg_start(&s->aggs[i], &(*out)->states[i]);
    }
    return QL_OK;
}

/* Rows [from, to) of b's selection belong to g. */
static ql_status
add_run(ql_ctx *cx, stream_op *s, const ql_batch *b, uint16_t from, uint16_t to, stream_group *g)
{
    ql_batch run = *b;
    uint16_t n = 0;
    if (from > 0 || to < b->nsel) {
        for (uint16_t k = from; k < to; k++) {
            s->sel[n++] = ql_batch_row(b, k);
        }
        run.sel = s->sel;
        run.nsel = n;
    }
    for (uint16_t i = 0; i < s->naggs; i++) {
        QL_TRY(qli_agg_add(cx, &s->aggs[i], &run, NULL, 0, &g->states[i]));
    }
    return QL_OK;
}

/* g has all its rows. */
static ql_status
end_group(ql_ctx *cx, stream_op *s)
{
    if (!s->one_by_one) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < s->naggs; i++) {
        QL_TRY(qli_agg_add_waiting(cx, &s->aggs[i]));
    }
    if (s->mem.full || ql_arena_used(s->mem.sets) > EMPTY_ABOVE) {
        QL_TRY(ql_run_arena_empty(s->op.block->run, "distinct values", &s->mem.sets,
                                  s->mem.budget / 8));
        s->mem.full = false;
    }
    return QL_OK;
}

/* What comes now belongs to other groups than the one that was open before this batch. */
static ql_status
change_arenas(stream_op *s)
{
    ql_arena *open = s->mem.groups;
    if (ql_arena_used(s->former) > 0) {
        QL_TRY(ql_run_arena_empty(s->op.block->run, "groups", &s->former, EMPTY_ABOVE));
    }
    s->mem.groups = s->former;
    s->former = open;
    return QL_OK;
}

/* Many rows a group: run by run. */
static ql_status
add_runs(ql_ctx *cx, stream_op *s, const ql_batch *b, uint16_t from)
{
    while (from < b->nsel) {
        uint16_t to = (uint16_t)(from + 1);
        stream_group *g;
        while (to < b->nsel && !s->runs.begins[to]) {
            to++;
        }
        QL_TRY(ql_check(cx));
        if (s->open) {
            QL_TRY(end_group(cx, s));
        }
        QL_TRY(begin_group(cx, s, ql_batch_row(b, from), &g));
        s->open = true;
        QL_TRY(add_run(cx, s, b, from, to, g));
        from = to;
    }
    return QL_OK;
}

/* Few rows a group: all of them at once, each with its state. */
static ql_status
add_rows(ql_ctx *cx, stream_op *s, const ql_batch *b, uint16_t from)
{
    ql_batch rest = *b;
    stream_group *g = NULL;
    uint16_t n = 0;
    for (uint16_t k = from; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (s->runs.begins[k]) {
            QL_TRY(begin_group(cx, s, row, &g));
        }
        s->state_of[row] = (char *)g->states;
        s->sel[n++] = row;
    }
    rest.sel = s->sel;
    rest.nsel = n;
    s->open = true;
    for (uint16_t i = 0; i < s->naggs; i++) {
        QL_TRY(qli_agg_add(cx, &s->aggs[i], &rest, s->state_of, i * sizeof(qli_agg_state), NULL));
    }
    return QL_OK;
}

/* The open group's keys stay when the batch goes. */
static ql_status
keep_open_keys(ql_ctx *cx, stream_op *s)
{
    stream_group *g;
    QL_TRY(group_at(cx, s, s->count - 1, &g));
    for (uint16_t i = 0; i < s->nkeys; i++) {
        QL_TRY(ql_value_keep(cx, s->mem.groups, &g->keys[i]));
    }
    return QL_OK;
}

static ql_status
add_batch(ql_ctx *cx, stream_op *s, const ql_batch *b)
{
    uint16_t from = 0, runs = 0;
    stream_group *open;
    QL_TRY(qli_adjacent_mark(cx, &s->runs, s->cols, b));
    while (from < b->nsel && !s->runs.begins[from]) {
        from++;
    }
    if (from > 0) {
        QL_TRY(group_at(cx, s, 0, &open));
        QL_TRY(add_run(cx, s, b, 0, from, open));
    }
    if (from == b->nsel) {
        return QL_OK;
    }
    QL_TRY(change_arenas(s));
    for (uint16_t k = from; k < b->nsel; k++) {
        runs = (uint16_t)(runs + s->runs.begins[k]);
    }
    bool few = s->one_by_one || runs * 8 < b->nsel - from;
    QL_TRY(few ? add_runs(cx, s, b, from) : add_rows(cx, s, b, from));
    return keep_open_keys(cx, s);
}

/* The next batch from below with its columns evaluated. */
static ql_status
next_rows(ql_ctx *cx, stream_op *s, ql_batch **b)
{
    QL_TRY(qli_op_next(cx, s->op.left, b));
    ql_arena_reset(s->op.scratch);
    for (uint16_t i = 0; i < s->nkeys; i++) {
        QL_TRY(ql_ex_output(cx, s->keys[i], *b, (*b)->sel, (*b)->nsel, &s->cols[i]));
    }
    for (uint16_t i = 0; i < s->naggs; i++) {
        QL_TRY(qli_agg_eval(cx, &s->aggs[i], *b));
    }
    return QL_OK;
}

/* The first n groups to the output. */
static ql_status
give(ql_ctx *cx, stream_op *s, unsigned n)
{
    qli_op *op = &s->op;
    for (uint16_t i = 0; i < op->nlive; i++) {
        op->batch.cols[op->live[i]].has_nulls = false;
    }
    for (uint16_t row = 0; row < n; row++) {
        stream_group *g;
        QL_TRY(group_at(cx, s, row, &g));
        if (row % 128 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (uint16_t i = 0; i < s->nkeys; i++) {
            ql_vector_set(&op->batch.cols[s->q->group_slots[i]], row, &g->keys[i]);
        }
        for (uint16_t i = 0; i < s->naggs; i++) {
            ql_value v;
            QL_TRY(qli_agg_finish(cx, &s->aggs[i], &g->states[i], &v));
            ql_vector_set(&op->batch.cols[s->q->aggs[i].slot], row, &v);
        }
    }
    s->first = (s->first + n) % RING;
    s->count -= n;
    op->batch.n = op->batch.nsel = (uint16_t)n;
    op->batch.sel = NULL;
    return qli_op_filter_apply(cx, op, &op->batch);
}

static ql_status
stream_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    stream_op *s = (stream_op *)op;
    *out = &op->batch;
    while (!s->ended) {
        ql_batch *b;
        ql_status st = next_rows(cx, s, &b);
        if (st == QL_END) {
            s->ended = true;
            ql_arena_reset(op->scratch);
            if (!s->open) {
                return QL_END;
            }
            QL_TRY(end_group(cx, s));
            return give(cx, s, s->count);
        }
        QL_TRY(st);
        QL_TRY(add_batch(cx, s, b));
        if (s->count > 1) {
            return give(cx, s, s->count - 1);
        }
    }
    return QL_END;
}

static ql_status
stream_restart(ql_ctx *cx, qli_op *op)
{
    stream_op *s = (stream_op *)op;
    ql_run *run = op->block->run;
    for (uint16_t i = 0; i < s->naggs; i++) {
        qli_agg_reset(cx, &s->aggs[i]);
    }
    QL_TRY(ql_run_arena_empty(run, "groups", &s->mem.groups, EMPTY_ABOVE));
    QL_TRY(ql_run_arena_empty(run, "groups", &s->former, EMPTY_ABOVE));
    QL_TRY(ql_run_arena_empty(run, "distinct values", &s->mem.sets, s->mem.budget / 8));
    s->mem.full = s->open = s->ended = false;
    s->first = s->count = 0;
    qli_adjacent_restart(&s->runs);
    return qli_op_restart(cx, op->left);
}

ql_status
qli_group_stream_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(stream_op), true, &op));
    stream_op *s = (stream_op *)op;
    ql_env env = ql_block_env(b, op->scratch);
    s->q = b->query;
    s->nkeys = b->query->ngroup;
    s->naggs = b->query->naggs;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(ql_run_arena(b->run, "groups", &s->mem.groups));
    QL_TRY(ql_run_arena(b->run, "groups", &s->former));
    QL_TRY(ql_run_arena(b->run, "distinct values", &s->mem.sets));
    s->mem.budget = qli_budget_result(cx);
    s->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, s->nkeys + 1);
    s->aggs = QL_ARENA_ARRAY(cx, b->mem, qli_agg, s->naggs + 1);
    if (s->cols == NULL || s->aggs == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_ex_list(cx, &env, s->q->group_by, s->nkeys, &s->keys));
    QL_TRY(qli_adjacent_init(cx, b, &s->runs, s->nkeys));
    QL_TRY(qli_op_live_add(cx, op, s->q->group_slots, s->nkeys));
    for (uint16_t i = 0; i < s->naggs; i++) {
        QL_TRY(qli_agg_init(cx, b, &s->aggs[i], &s->q->aggs[i], &s->mem, op->scratch));
        QL_TRY(qli_op_live_add(cx, op, &s->q->aggs[i].slot, 1));
        s->one_by_one = s->one_by_one || s->q->aggs[i].distinct;
    }
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    QL_TRY(qli_op_filter_compile(cx, op));
    op->next = stream_next;
    op->restart = stream_restart;
    *out = op;
    return QL_OK;
}
