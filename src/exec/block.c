/* SPDX-License-Identifier: Apache-2.0
 *
 * One query block in execution: its operators, its select list, and the rows that it shows to the
 * blocks inside it. Built from the plan, run by pulling batches from the root, run again by
 * restarting it.
 */
#include <string.h>

#include "exec/exec_int.h"

static ql_block *
find_outer(ql_block *from, const ql_query *q)
{
    for (ql_block *b = from; b != NULL; b = b->outer) {
        if (b->query == q->outer) {
            return b;
        }
    }
    return from;
}

/* Slots of the query, then one locator for each source that wants one. */
static ql_status
make_slots(ql_ctx *cx, ql_block *b, const bool *want_locators)
{
    const ql_query *q = b->query;
    uint16_t n = q->nslots;
    if (q->set_op != QL_SET_NONE && q->nitems > n) {
        n = q->nitems;
    }
    b->slot_types = QL_ARENA_ARRAY(cx, b->mem, ql_type, n + q->nsources + 1);
    b->locator_slot = QL_ARENA_ARRAY(cx, b->mem, uint16_t, q->nsources + 1);
    if (b->slot_types == NULL || b->locator_slot == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        b->slot_types[i] =
            q->set_op != QL_SET_NONE && i < q->nitems ? q->items[i].column.type : q->slot_types[i];
    }
    for (uint16_t i = 0; i < q->nsources; i++) {
        b->locator_slot[i] = QL_NO_SLOT;
        if (want_locators != NULL && want_locators[i]) {
            b->slot_types[n] = ql_type_varchar(4096, ql_coll_binary);
            b->locator_slot[i] = n++;
        }
    }
    b->nslots = n;
    b->bind = (ql_batch){.n = 1, .nsel = 1, .ncols = n};
    b->bind.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, n + 1);
    return b->bind.cols != NULL ? QL_OK : QL_ERROR;
}

/* Reads that lock though no clause says so: all that a change of data reads, and SERIALIZABLE's
 * SELECTs but those that are a transaction of their own (manual, "Transaction Isolation Levels",
 * "Locks Set by Different SQL Statements"). Not under READ COMMITTED. */
static bool
shares_by_default(ql_ctx *cx, const ql_run *run)
{
    if (ql_stmt_does(run->stmt->kind, QL_DOES_ROWS)) {
        return true;
    }
    return run->stmt->kind == QL_S_SELECT && ql_txn_isolation(cx->txn) == QL_SERIALIZABLE &&
           (cx->vars->in_transaction || !cx->vars->autocommit);
}

static ql_status
make_locks(ql_ctx *cx, ql_block *b)
{
    const ql_query *q = b->query;
    b->locks = QL_ARENA_ARRAY(cx, b->mem, ql_scan_lock, q->nsources + 1);
    if (b->locks == NULL) {
        return QL_ERROR;
    }
    if (cx->txn == NULL || cx->vars == NULL || b->run->stmt->kind == QL_S_EXPLAIN) {
        return QL_OK;
    }
    bool ranges = ql_txn_isolation(cx->txn) >= QL_REPEATABLE_READ;
    bool shares = ranges && shares_by_default(cx, b->run);
    for (uint16_t i = 0; i < q->nsources; i++) {
        const ql_row_locking *l = &q->sources[i].locking;
        const ql_table *t = q->sources[i].table;
        if (t == NULL || t->is_virtual || !ql_table_is_transactional(t) ||
            (l->kind == QL_LK_NONE && !shares)) {
            continue;
        }
        b->locks[i] = (ql_scan_lock){
            .kind = ranges && !l->skip_locked ? QL_SCAN_LOCK_RANGE : QL_SCAN_LOCK_ROWS,
            .mode = l->kind == QL_LK_UPDATE ? QL_LOCK_X : QL_LOCK_S,
            .policy = l->nowait        ? QL_LOCK_NOWAIT
                      : l->skip_locked ? QL_LOCK_SKIP
                                       : QL_LOCK_WAIT,
        };
    }
    return QL_OK;
}

static ql_status
make_items(ql_ctx *cx, ql_block *b)
{
    const ql_query *q = b->query;
    ql_env env = ql_block_env(b, b->scratch);
    b->items = QL_ARENA_ARRAY(cx, b->mem, ql_ex *, q->nitems + 1);
    b->out.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, q->nitems + 1);
    if (b->items == NULL || b->out.cols == NULL) {
        return QL_ERROR;
    }
    b->out.ncols = q->nitems;
    if (q->set_op != QL_SET_NONE) {
        return QL_OK; /* slot i is item i */
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(ql_ex_new(cx, &env, q->items[i].expr, &b->items[i]));
    }
    return QL_OK;
}

/* The plan of a block, made when there is none. Under a watch each query has one, so that what its
 * operators do is counted in one place. */
static ql_status
find_plan(ql_run *run, const ql_query *q, const ql_block_plan **plan)
{
    ql_block_plan *made;
    if (*plan == NULL && run->watch != NULL) {
        *plan = ql_watch_plan(run, q);
    }
    if (*plan == NULL && run->plan != NULL && run->plan->query == q) {
        *plan = run->plan; /* made to know what it costs */
    }
    if (*plan == NULL) {
        QL_TRY(ql_plan_query(run->cx, q, &made));
        *plan = made;
    }
    if (q == ql_rstmt_query(run->stmt, run->stmt->kind)) {
        run->plan = *plan;
    }
    return run->watch != NULL ? qli_watch_note_plan(run, q, *plan) : QL_OK;
}

ql_status
ql_block_new(ql_run *run, ql_block *outer, const ql_query *q, const ql_block_plan *plan,
             const bool *want_locators, ql_block **out)
{
    ql_ctx *cx = run->cx;
    ql_arena *mem;
    QL_TRY(ql_check(cx));
    QL_TRY(find_plan(run, q, &plan));
    QL_TRY(ql_run_arena(run, "block", &mem));
    ql_block *b = QL_ARENA_NEW(cx, mem, ql_block);
    if (b == NULL) {
        return QL_ERROR;
    }
    b->run = run;
    b->query = q;
    b->plan = plan;
    b->mem = mem;
    b->outer = find_outer(outer, q);
    QL_TRY(ql_run_arena(run, "select list", &b->scratch));
    QL_TRY(make_slots(cx, b, want_locators));
    QL_TRY(make_locks(cx, b));
    QL_TRY(make_items(cx, b));
    if (!plan->limit_is_zero && plan->root != NULL) {
        QL_TRY(qli_op_build(cx, b, plan->root, &b->root));
    }
    *out = b;
    return QL_OK;
}

ql_status
ql_block_of_row(ql_run *run, ql_arena *mem, const ql_query *q, ql_block **out)
{
    ql_block *b = QL_ARENA_NEW(run->cx, mem, ql_block);
    *out = b;
    if (b == NULL) {
        return QL_ERROR;
    }
    *b = (ql_block){.run = run, .query = q, .mem = mem, .scratch = mem};
    return QL_OK;
}

ql_status
ql_block_rows(ql_ctx *cx, ql_block *b, ql_batch **out)
{
    return b->root != NULL ? qli_op_next(cx, b->root, out) : QL_END;
}

uint16_t
ql_block_live(const ql_block *b, const uint16_t **slots)
{
    *slots = b->root->live;
    return b->root->nlive;
}

ql_status
ql_block_next(ql_ctx *cx, ql_block *b, ql_batch **out)
{
    ql_batch *in;
    QL_TRY(ql_block_rows(cx, b, &in));
    ql_arena_reset(b->scratch);
    for (uint16_t i = 0; i < b->out.ncols; i++) {
        if (b->items[i] == NULL) {
            b->out.cols[i] = in->cols[i];
            continue;
        }
        ql_vector *v;
        QL_TRY(b->exact ? ql_ex_eval(cx, b->items[i], in, in->sel, in->nsel, &v)
                        : ql_ex_output(cx, b->items[i], in, in->sel, in->nsel, &v));
        b->out.cols[i] = *v;
    }
    b->out.n = in->n;
    b->out.nsel = in->nsel;
    b->out.sel = in->sel;
    *out = &b->out;
    return QL_OK;
}

ql_status
ql_block_restart(ql_ctx *cx, ql_block *b)
{
    return b->root != NULL ? qli_op_restart(cx, b->root) : QL_OK;
}

/* May the reader of p's rows stop before the last one, and p's own reading with him? */
static bool
stops_early(const ql_block *b, const ql_plan *p)
{
    switch (p->kind) {
    case QL_P_LIMIT:
    case QL_P_ENDS:
        return true;
    case QL_P_GROUP:
        return p->ordered && b->stops_early;
    case QL_P_SORT:
        return p->nsorted > 0 && b->stops_early;
    case QL_P_FILTER:
    case QL_P_DISTINCT:
    case QL_P_NESTED_JOIN:
        return b->stops_early;
    default:
        return false;
    }
}

static ql_status
build_kind(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    switch (p->kind) {
    case QL_P_SCAN:
        return qli_scan_build(cx, b, p, out);
    case QL_P_INDEX_MERGE:
        return qli_merge_build(cx, b, p, out);
    case QL_P_NESTED_JOIN:
        return qli_nested_build(cx, b, p, out);
    case QL_P_HASH_JOIN:
        return qli_hashjoin_build(cx, b, p, out);
    case QL_P_SORT:
        return qli_sort_build(cx, b, p, out);
    case QL_P_GROUP:
        return p->ordered ? qli_group_stream_build(cx, b, p, out) : qli_group_build(cx, b, p, out);
    case QL_P_DISTINCT:
        return p->ordered ? qli_distinct_stream_build(cx, b, p, out)
                          : qli_distinct_build(cx, b, p, out);
    case QL_P_ENDS:
        return qli_ends_build(cx, b, p, out);
    case QL_P_SET_OP:
        return qli_setop_build(cx, b, p, out);
    default:
        return qli_misc_build(cx, b, p, out);
    }
}

ql_status
qli_op_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    bool above = b->stops_early;
    if (p->kind != QL_P_SCAN) {
        b->stops_early = stops_early(b, p);
    }
    ql_status st = build_kind(cx, b, p, out);
    b->stops_early = above;
    return st == QL_OK && b->run->watch != NULL ? qli_watch_op(cx, *out) : st;
}

ql_status
ql_block_count_rows(ql_ctx *cx, ql_block *b, uint64_t *limit)
{
    (void)cx;
    b->reader_counts = true;
    return qli_limit_value(b->run, b->query->limit, UINT64_MAX, limit);
}
