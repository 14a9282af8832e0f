/* SPDX-License-Identifier: Apache-2.0
 *
 * The stack of layers of a transaction: pushed by a statement's first write, merged where that is
 * cheap, spilled when they outgrow transaction_memory_limit, forgotten in one step. What may take
 * long (merging and spilling large ones) is done where a statement begins or writes, and can be
 * killed there. Session's thread; no locks.
 */
#include "txn/txn_int.h"

#define MERGE_MAX 4096u  /* entries of the smaller layer up to which a statement's end merges */
#define LAYERS_MAX 8u    /* stacked layers above the floor at which a statement's begin merges */
#define MERGE_STEP 1024u /* entries between two looks */

/* The set of layers, or what they hold where, has changed. */
static void
note_change(ql_txn *t)
{
    t->version++;
    t->below_bytes = 0;
    for (uint32_t i = 0; i + 1 < t->nlayers; i++) {
        t->below_bytes += t->layers[i].mem.total;
    }
}

ql_status
qli_txn_push_layer(ql_ctx *cx, ql_txn *t)
{
    if (t->nlayers == t->cap) {
        uint32_t cap = t->cap * 2;
        qli_writeset *more = ql_mem_alloc(cap * sizeof *more);
        if (more == NULL) {
            return ql_fail_oom(cx, cap * sizeof *more);
        }
        memcpy(more, t->layers, t->nlayers * sizeof *more);
        if (t->layers != t->inline_layers) {
            ql_mem_free(t->layers);
        }
        t->layers = more;
        t->cap = cap;
    }
    qli_writeset_init(&t->layers[t->nlayers++], &t->ts->overlay_bytes);
    note_change(t);
    return QL_OK;
}

void
qli_txn_pop_layers(ql_txn *t, uint32_t keep)
{
    if (t->nlayers <= keep) {
        return;
    }
    while (t->nlayers > keep) {
        qli_writeset *ws = &t->layers[--t->nlayers];
        qli_reclaim_chunks(t->ts, &ws->mem);
        if (ws->spill != NULL) {
            qli_reclaim_spill(t->ts, ws->spill);
        }
    }
    if (t->merging >= t->nlayers) {
        t->merging = 0;
    }
    note_change(t);
}

/* --- merging --- */

static size_t
smaller_count(const ql_txn *t, uint32_t upper)
{
    size_t a = t->layers[upper - 1].count, b = t->layers[upper].count;
    return a < b ? a : b;
}

/* A spilled part lies below its own list, so nothing can slip under it. */
static bool
can_merge(const ql_txn *t, uint32_t upper)
{
    return t->layers[upper].spill == NULL || qli_writeset_is_empty(&t->layers[upper - 1]);
}

/* Layer upper has been emptied into the one below it. */
static void
close_gap(ql_txn *t, uint32_t upper)
{
    memmove(&t->layers[upper], &t->layers[upper + 1], (t->nlayers - upper - 1) * sizeof *t->layers);
    t->nlayers--;
    if (t->merging == upper) {
        t->merging = 0;
    }
    note_change(t);
}

/* As qli_writeset_merge; can_merge holds. */
static ql_status
merge_some(ql_txn *t, uint32_t upper, size_t n)
{
    qli_writeset *lo = &t->layers[upper - 1], *up = &t->layers[upper];
    if (up->spill != NULL) {
        qli_chunks_join(&up->mem, &lo->mem);
        *lo = *up;
    } else {
        ql_status st = qli_writeset_merge(lo, up, n);
        t->merging = st == QL_END ? upper : t->merging;
        QL_TRY(st);
    }
    close_gap(t, upper);
    return QL_OK;
}

void
qli_txn_collapse(ql_txn *t)
{
    while (t->nlayers > t->floor && qli_writeset_is_empty(&t->layers[t->nlayers - 1])) {
        qli_txn_pop_layers(t, t->nlayers - 1);
    }
    while (t->nlayers >= t->floor + 2) {
        uint32_t upper = t->nlayers - 1;
        if (smaller_count(t, upper) > MERGE_MAX || !can_merge(t, upper)) {
            return;
        }
        if (merge_some(t, upper, SIZE_MAX) != QL_OK) {
            return; /* no memory: they stay as they are */
        }
    }
}

void
qli_txn_join_inner(ql_txn *t)
{
    uint32_t base = t->stmt_base[t->depth], outer = t->stmt_base[t->depth - 1];
    uint32_t upper = t->nlayers - 1;
    if (t->nlayers > base && base > outer && upper > outer && can_merge(t, upper)) {
        ql_status left = merge_some(t, upper, SIZE_MAX);
        (void)left; /* no memory: they stay as they are */
    }
}

static ql_status
merge_wholly(ql_ctx *cx, ql_txn *t, uint32_t upper)
{
    for (;;) {
        ql_status st = merge_some(t, upper, MERGE_STEP);
        if (st == QL_ERROR) {
            return ql_fail_oom(cx, qli_wtree_room(&t->layers[upper].tree, MERGE_STEP));
        }
        if (st == QL_OK) {
            return QL_OK;
        }
        QL_TRY(ql_check(cx));
    }
}

/* Two neighbours above the floor whose merge costs least; 0 = none can be merged. */
static uint32_t
cheapest_pair(const ql_txn *t)
{
    uint32_t best = 0;
    for (uint32_t i = t->floor + 1; i < t->nlayers; i++) {
        if (can_merge(t, i) && (best == 0 || smaller_count(t, i) < smaller_count(t, best))) {
            best = i;
        }
    }
    return best;
}

static ql_status
thin_out(ql_ctx *cx, ql_txn *t)
{
    if (t->merging != 0) {
        QL_TRY(merge_wholly(cx, t, t->merging));
    }
    while (t->nlayers > t->floor + LAYERS_MAX) {
        uint32_t upper = cheapest_pair(t);
        if (upper == 0) {
            return QL_OK; /* all spilled: each is larger than the limit */
        }
        QL_TRY(merge_wholly(cx, t, upper));
    }
    return QL_OK;
}

/* --- spilling --- */

/* Nobody stands on bytes of the layer. */
static ql_status
spill_lower(ql_ctx *cx, ql_txn *t)
{
    for (uint32_t i = 0; i < t->nlayers; i++) {
        qli_chunks freed;
        if (t->layers[i].mem.total < t->memory_limit / 16) {
            continue; /* a file for each of many small ones would be worse */
        }
        ql_status st = qli_spill_layer(cx, t, &t->layers[i], &freed);
        if (st == QL_KILLED) {
            return st;
        }
        if (st != QL_OK) { /* they stay in memory; who writes more will be told */
            ql_diag_clear_error(cx->diag);
            t->keep_in_memory = true;
            break;
        }
        qli_chunks_free(&freed);
    }
    note_change(t);
    return QL_OK;
}

ql_status
qli_txn_tidy(ql_ctx *cx, ql_txn *t)
{
    if (QL_LIKELY(t->nlayers == 0) || t->cursors != NULL) {
        return QL_OK;
    }
    QL_TRY(thin_out(cx, t));
    uint64_t used = t->below_bytes + t->layers[t->nlayers - 1].mem.total;
    if (QL_LIKELY(t->memory_limit == 0 || used <= t->memory_limit / 2) || t->keep_in_memory) {
        return QL_OK;
    }
    return spill_lower(cx, t);
}

ql_status
qli_txn_spill_top(ql_ctx *cx, ql_txn *t)
{
    qli_writeset *top = &t->layers[t->nlayers - 1];
    qli_chunks freed;
    if (top->mem.total < t->memory_limit / 4) {
        return QL_OK;
    }
    if (t->retired.newest != NULL && !qli_cursors_hold_top(t)) {
        qli_chunks_free(&t->retired);
    }
    QL_TRY(qli_spill_layer(cx, t, top, &freed));
    note_change(t);
    if (qli_cursors_hold_top(t)) {
        qli_chunks_join(&t->retired, &freed);
    } else {
        qli_chunks_free(&freed);
    }
    return QL_OK;
}
