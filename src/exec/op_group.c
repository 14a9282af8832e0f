/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY: hash aggregation. Keys of a batch are hashed column by column, each row finds or makes
 * its group, then every aggregate runs over the batch. Groups come out in the order in which they
 * were met. Memory is the statement's.
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
    qli_ex **keys;
    ql_vector **cols;
    uint16_t nkeys, naggs;
    qli_agg *aggs;
    ql_arena *mem;
    size_t states_at, group_size;
    group **buckets;
    size_t nbuckets, count;
    group *first, *last, *out;
    bool done, one_int;
    uint64_t hash[QL_BATCH_ROWS];
    char *groups[QL_BATCH_ROWS];
} group_op;

static ql_status
new_group(ql_ctx *cx, group_op *g, group **out)
{
    group *n = ql_arena_zalloc(cx, g->mem, g->group_size);
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
    group **buckets = ql_arena_alloc(cx, g->mem, n * sizeof *buckets);
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
        QL_TRY(qli_row_equals(cx, g->cols[i], row, &x->keys[i], same));
    }
    return QL_OK;
}

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
    if (g->count >= g->nbuckets) {
        QL_TRY(grow(cx, g));
    }
    QL_TRY(new_group(cx, g, &x));
    x->hash = h;
    for (uint16_t i = 0; i < g->nkeys; i++) {
        ql_vector_get(g->cols[i], row, &x->keys[i]);
        QL_TRY(qli_value_keep(cx, g->mem, &x->keys[i]));
    }
    x->next = g->buckets[h & (g->nbuckets - 1)];
    g->buckets[h & (g->nbuckets - 1)] = x;
    *out = x;
    return QL_OK;
}

static ql_status
find_groups(ql_ctx *cx, group_op *g, const ql_batch *b)
{
    for (uint16_t i = 0; i < g->nkeys; i++) {
        QL_TRY(qli_ex_output(cx, g->keys[i], b, b->sel, b->nsel, &g->cols[i]));
        QL_TRY(qli_hash_column(cx, g->cols[i], b->sel, b->nsel, i == 0, g->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        group *x;
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(group_of(cx, g, row, &x));
        g->groups[row] = (char *)x;
    }
    return QL_OK;
}

static qli_agg_state *
state_of(const group_op *g, group *x, uint16_t i)
{
    return (qli_agg_state *)((char *)x + g->states_at) + i;
}

static ql_status
aggregate_all(ql_ctx *cx, group_op *g)
{
    ql_batch *b;
    ql_status st;
    group *single = NULL;
    if (g->nkeys == 0) {
        QL_TRY(new_group(cx, g, &single));
    }
    while ((st = qli_op_next(cx, g->op.left, &b)) == QL_OK) {
        ql_arena_reset(g->op.scratch);
        if (single == NULL) {
            QL_TRY(find_groups(cx, g, b));
        }
        for (uint16_t i = 0; i < g->naggs; i++) {
            QL_TRY(qli_agg_add(cx, &g->aggs[i], b, single == NULL ? g->groups : NULL,
                               g->states_at + i * sizeof(qli_agg_state),
                               single != NULL ? state_of(g, single, i) : NULL));
        }
    }
    g->done = true;
    g->out = g->first;
    return st == QL_END ? QL_OK : st;
}

static ql_status
group_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    group_op *g = (group_op *)op;
    uint16_t n = 0;
    if (!g->done) {
        QL_TRY(aggregate_all(cx, g));
    }
    if (g->out == NULL) {
        return QL_END;
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
    op->batch.n = op->batch.nsel = n;
    op->batch.sel = NULL;
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
group_restart(ql_ctx *cx, qli_op *op)
{
    group_op *g = (group_op *)op;
    ql_arena_reset(g->mem);
    g->buckets = NULL;
    g->nbuckets = g->count = 0;
    g->first = g->last = g->out = NULL;
    g->done = false;
    return qli_op_restart(cx, op->left);
}

static ql_status
build_keys(ql_ctx *cx, group_op *g)
{
    qli_block *b = g->op.block;
    qli_env env = qli_block_env(b, g->op.scratch);
    g->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, g->nkeys + 1);
    if (g->cols == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_ex_list(cx, &env, g->q->group_by, g->nkeys, &g->keys));
    if (g->nkeys == 1) {
        ql_kind k = g->q->group_by[0]->type.kind;
        g->one_int = k == QL_K_INT || k == QL_K_DATE || k == QL_K_TIME || k == QL_K_DATETIME;
    }
    return QL_OK;
}

ql_status
qli_group_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(group_op), true, &op));
    group_op *g = (group_op *)op;
    g->q = b->query;
    g->nkeys = b->query->ngroup;
    g->naggs = b->query->naggs;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_run_arena(b->run, "groups", &g->mem));
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
        QL_TRY(qli_agg_init(cx, b, &g->aggs[i], &g->q->aggs[i], g->mem, op->scratch));
        QL_TRY(qli_op_live_add(cx, op, &g->q->aggs[i].slot, 1));
    }
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    QL_TRY(qli_op_filter_compile(cx, op));
    op->next = group_next;
    op->restart = group_restart;
    *out = op;
    return QL_OK;
}
