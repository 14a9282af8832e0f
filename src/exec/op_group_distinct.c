/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregates over DISTINCT values. Each group has a set of those it has seen. When the memory of
 * the grouping is full the sets do not grow any more: values that are in none wait on tapes, with
 * their group, divided by their hash. When all rows have come each part has a set of its own, and
 * the values that are new to it are added to their groups, which are still there.
 */
#include <string.h>

#include "base/hash.h"
#include "exec/group_int.h"

ql_status
qli_agg_expect_runs(ql_ctx *cx, qli_agg *a)
{
    a->runs = QL_ARENA_NEW(cx, a->block->mem, qli_adjacent);
    return a->runs != NULL ? qli_adjacent_init(cx, a->block, a->runs, (uint16_t)a->def->nargs)
                           : QL_ERROR;
}

/* The state that a waiting row belongs to, as a number in its first column. */
static void
set_state(ql_vector *v, uint16_t row, const qli_agg_state *s)
{
    v->i[row] = (int64_t)(intptr_t)s;
}

/* Once, when the first value has to wait. */
static ql_status
make_waiting(ql_ctx *cx, qli_agg *a)
{
    qli_agg_waiting *w = &a->wait;
    ql_arena *mem = a->block->mem;
    uint16_t n = (uint16_t)(1 + qli_agg_columns(a));
    ql_type *types = QL_ARENA_ARRAY(cx, mem, ql_type, n);
    uint16_t *slots = QL_ARENA_ARRAY(cx, mem, uint16_t, n);
    w->cols = QL_ARENA_ARRAY(cx, mem, ql_vector, n);
    w->back = QL_ARENA_ARRAY(cx, mem, ql_vector, n);
    w->rows = QL_ARENA_ARRAY(cx, mem, char *, QL_BATCH_ROWS);
    if (types == NULL || slots == NULL || w->cols == NULL || w->back == NULL || w->rows == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        types[i] = i == 0 ? ql_type_int(false) : (*qli_agg_column(a, (uint16_t)(i - 1)))->type;
        slots[i] = i;
        QL_TRY(ql_vector_init(cx, mem, &w->back[i], &types[i], false));
    }
    QL_TRY(ql_vector_init(cx, mem, &w->cols[0], &types[0], false));
    QL_TRY(qli_rowfmt_init(cx, mem, &w->fmt, types, slots, n));
    QL_TRY(ql_run_arena(a->block->run, "waiting values", &w->mem));
    w->ncols = n;
    w->ready = true;
    return QL_OK;
}

static uint64_t
hash_with_state(const qli_agg_state *s, uint64_t hash)
{
    return ql_hash_u64(hash + (uint64_t)(uintptr_t)s * 0x9e3779b97f4a7c15ULL);
}

static ql_status
put_waiting(ql_ctx *cx, qli_agg *a, const qli_agg_state *s, uint16_t row, unsigned level)
{
    qli_agg_waiting *w = &a->wait;
    ql_batch b = {.n = QL_BATCH_ROWS, .nsel = QL_BATCH_ROWS};
    char *saved;
    if (!w->ready) {
        QL_TRY(make_waiting(cx, a));
    }
    if (!w->parts.active) {
        qli_parts_begin(&w->parts, a->block->run, level);
    }
    set_state(&w->cols[0], row, s);
    for (uint16_t i = 1; i < w->ncols; i++) {
        w->cols[i] = **qli_agg_column(a, (uint16_t)(i - 1));
    }
    b.cols = w->cols;
    ql_arena_mark mark = ql_arena_save(a->scratch);
    QL_TRY(qli_row_save(cx, a->scratch, &w->fmt, &b, row, &saved));
    QL_TRY(qli_parts_put(cx, &w->parts, w->mem, hash_with_state(s, a->hash[row]), &w->fmt, saved));
    ql_arena_restore(a->scratch, mark);
    return QL_OK;
}

ql_status
qli_agg_is_fresh(ql_ctx *cx, qli_agg *a, qli_agg_state *s, uint16_t row, bool *fresh)
{
    bool full = qli_group_is_full(cx, a->mem), found = false;
    if (!full) {
        if (s->seen == NULL) {
            s->seen = QL_ARENA_NEW(cx, a->mem->sets, ql_tupleset);
            if (s->seen == NULL) {
                return QL_ERROR;
            }
            ql_tupleset_init(s->seen, a->mem->sets, (uint16_t)a->def->nargs);
        }
        return ql_tupleset_add(cx, s->seen, a->cols, row, a->hash[row], fresh);
    }
    *fresh = false;
    if (s->seen != NULL) {
        QL_TRY(ql_tupleset_has(cx, s->seen, a->cols, row, a->hash[row], &found));
    }
    return found ? QL_OK : put_waiting(cx, a, s, row, 0);
}

/* Rows of the part that are new to the set, to their states; what the set has no room for waits
 * again. */
static ql_status
add_batch(ql_ctx *cx, qli_agg *a, ql_tupleset *set, ql_vector **key, uint16_t n, unsigned level)
{
    qli_agg_waiting *w = &a->wait;
    for (uint16_t i = 0; i < a->def->nargs; i++) {
        QL_TRY(ql_hash_column(cx, a->cols[i], NULL, n, i == 0, a->hash));
    }
    for (uint16_t row = 0; row < n; row++) {
        qli_agg_state *s = (qli_agg_state *)(intptr_t)w->back[0].i[row];
        uint64_t h = hash_with_state(s, a->hash[row]);
        bool known = false, fresh = false;
        if (row % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (set->count == 0 ||
            !qli_budget_is_out(cx, ql_arena_used(a->mem->sets), a->mem->budget)) {
            QL_TRY(ql_tupleset_add(cx, set, key, row, h, &fresh));
        } else {
            QL_TRY(ql_tupleset_has(cx, set, key, row, h, &known));
            if (!known) {
                QL_TRY(put_waiting(cx, a, s, row, level));
            }
        }
        if (fresh) {
            QL_TRY(qli_agg_add_one(cx, a, s, row));
        }
    }
    return QL_OK;
}

static ql_status
add_part(ql_ctx *cx, qli_agg *a, const qli_part *part, ql_vector **key)
{
    qli_agg_waiting *w = &a->wait;
    ql_tupleset set;
    ql_status st;
    uint16_t n;
    QL_TRY(ql_run_arena_empty(a->block->run, "distinct values", &a->mem->sets, a->mem->budget / 4));
    ql_tupleset_init(&set, a->mem->sets, (uint16_t)(1 + a->def->nargs));
    QL_TRY(ql_reel_start(cx, &w->reel, part->tape));
    for (;;) {
        ql_arena_reset(a->scratch);
        st = qli_rows_get(cx, &w->reel, &w->fmt, a->scratch, w->rows, &n);
        if (st != QL_OK) {
            break;
        }
        qli_rows_load(&w->fmt, w->rows, n, w->back);
        for (uint16_t i = 1; i < w->ncols; i++) {
            *qli_agg_column(a, (uint16_t)(i - 1)) = &w->back[i];
        }
        QL_TRY(add_batch(cx, a, &set, key, n, part->level));
    }
    ql_reel_stop(&w->reel);
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_agg_add_waiting(ql_ctx *cx, qli_agg *a)
{
    qli_agg_waiting *w = &a->wait;
    if (!w->parts.active) {
        return QL_OK;
    }
    ql_vector **key = QL_ARENA_ARRAY(cx, w->mem, ql_vector *, w->ncols);
    if (key == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < w->ncols; i++) {
        key[i] = &w->back[i];
    }
    QL_TRY(qli_parts_end(cx, &w->parts, &w->pending));
    while (w->pending != NULL) {
        qli_part *part = w->pending;
        w->pending = part->next;
        QL_TRY(add_part(cx, a, part, key));
        ql_tape_drop(cx, part->tape);
        if (w->parts.active) {
            QL_TRY(qli_parts_end(cx, &w->parts, &w->pending));
        }
    }
    ql_arena_reset(w->mem);
    return QL_OK;
}

void
qli_agg_reset(ql_ctx *cx, qli_agg *a)
{
    if (a->runs != NULL) {
        qli_adjacent_restart(a->runs);
    }
    ql_reel_stop(&a->wait.reel);
    qli_parts_drop(cx, &a->wait.parts, &a->wait.pending);
    if (a->wait.mem != NULL) {
        ql_arena_reset(a->wait.mem);
    }
}
