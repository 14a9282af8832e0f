/* SPDX-License-Identifier: Apache-2.0
 *
 * The transaction system of an instance: its parts, its threads (committer, reclaimer, purger,
 * filler), its figures. Opened and closed single-threaded.
 */
#include "txn/scratch.h"
#include "txn/txn_int.h"

#define GROUP_MAX 256u

static ql_status
start_worker(ql_ctx *cx, ql_txnsys *ts, qli_worker *w, const char *name, void (*run)(void *))
{
    if (ql_background_init(&w->cx, ts->inst, &w->intr) != QL_OK) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    ql_status st = ql_thread_start(cx, &w->thread, name, 0, run, ts);
    if (st != QL_OK) {
        ql_background_fini(&w->cx);
        w->thread.started = false;
    }
    return st;
}

static void
stop_worker(qli_worker *w)
{
    if (w->thread.started) {
        ql_background_stop(&w->cx);
        ql_thread_join(&w->thread);
        ql_background_fini(&w->cx);
        w->thread.started = false;
    }
}

static ql_status
start_all(ql_ctx *cx, ql_txnsys *ts, bool read_only)
{
    QL_TRY(qli_rowlock_init(cx, ts));
    QL_TRY(qli_mdl_init(cx, ts));
    QL_TRY(qli_commit_init(cx, ts));
    QL_TRY(qli_purge_init(cx, ts));
    QL_TRY(qli_scratch_init(cx, ts));
    QL_TRY(start_worker(cx, ts, &ts->committer, "ql-commit", qli_committer_run));
    QL_TRY(start_worker(cx, ts, &ts->reclaimer, "ql-reclaim", qli_reclaimer_run));
    if (read_only) {
        return QL_OK;
    }
    QL_TRY(start_worker(cx, ts, &ts->filler, "ql-fill", qli_filler_run));
    return start_worker(cx, ts, &ts->purger, "ql-purge", qli_purger_run);
}

ql_status
ql_txnsys_open(ql_ctx *cx, const ql_txnsys_options *opt, ql_txnsys **out)
{
    ql_txnsys *ts = ql_mem_zalloc(sizeof *ts);
    if (ts == NULL) {
        return ql_fail_oom(cx, sizeof *ts);
    }
    ts->inst = cx->inst;
    ts->kv = cx->inst->kv;
    ts->group_max = opt != NULL && opt->group_max != 0 ? opt->group_max : GROUP_MAX;
    atomic_store_explicit(&ts->flush_mode, 1, memory_order_relaxed);
    atomic_store_explicit(&ts->next_id, 1, memory_order_relaxed);
    ts->garbage.counter = &ts->overlay_bytes;
    ql_mutex_init(&ts->mdl_mu, QL_RANK_MDL);
    ql_mutex_init(&ts->commit_mu, QL_RANK_COMMIT);
    ql_mutex_init(&ts->reclaim_mu, QL_RANK_RECLAIM);
    ql_mutex_init(&ts->purge_mu, QL_RANK_RECLAIM);
    ql_mutex_init(&ts->fill_mu, QL_RANK_RECLAIM);
    ql_mutex_init(&ts->shots_mu, QL_RANK_RECLAIM);
    ql_mutex_init(&ts->scratch_mu, QL_RANK_RECLAIM);
    ql_cv_init(&ts->commit_work);
    ql_cv_init(&ts->reclaim_work);
    ql_cv_init(&ts->purge_work);
    ql_cv_init(&ts->fill_work);
    ql_status st = start_all(cx, ts, opt != NULL && opt->read_only);
    if (st != QL_OK) {
        ql_txnsys_close(ts);
        return st;
    }
    *out = ts;
    return QL_OK;
}

void
ql_txnsys_close(ql_txnsys *ts)
{
    if (ts == NULL) {
        return;
    }
    stop_worker(&ts->purger);
    stop_worker(&ts->filler);
    stop_worker(&ts->committer);
    stop_worker(&ts->reclaimer);
    if (ts->rider.free != NULL) {
        ts->rider.free(ts->rider.arg);
    }
    qli_purge_fini(ts);
    qli_reclaim_all(ts);
    qli_scratch_fini(ts);
    qli_fills_free(ts);
    qli_commit_fini(ts);
    qli_mdl_fini(ts);
    qli_rowlock_fini(ts);
    ql_mutex_fini(&ts->mdl_mu);
    ql_mutex_fini(&ts->commit_mu);
    ql_mutex_fini(&ts->reclaim_mu);
    ql_mutex_fini(&ts->purge_mu);
    ql_mutex_fini(&ts->fill_mu);
    ql_mutex_fini(&ts->shots_mu);
    ql_mutex_fini(&ts->scratch_mu);
    ql_mem_free(ts);
}

void
ql_txnsys_set_rider(ql_txnsys *ts, const ql_commit_rider *rider)
{
    ql_mutex_lock(&ts->commit_mu);
    ts->rider = *rider;
    ql_mutex_unlock(&ts->commit_mu);
}

void
ql_txnsys_set_flush(ql_txnsys *ts, int mode)
{
    atomic_store_explicit(&ts->flush_mode, mode, memory_order_relaxed);
}

void
ql_txnsys_set_rollback_on_timeout(ql_txnsys *ts, bool on)
{
    atomic_store_explicit(&ts->rollback_on_timeout, on, memory_order_relaxed);
}

static uint64_t
load(_Atomic uint64_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

void
ql_txnsys_get_stats(ql_txnsys *ts, ql_txnsys_stats *out)
{
    *out = (ql_txnsys_stats){
        .commits = load(&ts->n_commits),
        .commit_groups = load(&ts->n_groups),
        .rollbacks = load(&ts->n_rollbacks),
        .row_locks = qli_rowlock_count(ts),
        .row_lock_waits = load(&ts->n_lock_waits),
        .row_lock_waiting = load(&ts->n_waiting),
        .row_lock_wait_ns = load(&ts->lock_wait_ns),
        .row_lock_wait_max_ns = load(&ts->lock_wait_max_ns),
        .deadlocks = load(&ts->n_deadlocks),
        .open_transactions = load(&ts->n_open),
        .trash_keys_purged = load(&ts->n_purged),
        .overlay_bytes = load(&ts->overlay_bytes),
        .spilled_layers = load(&ts->n_spilled),
        .spilled_bytes = load(&ts->spilled_bytes),
        .spills = load(&ts->n_spills),
        .snapshots_ended = load(&ts->n_snapshots_ended),
        .temporary_tables = ql_scratch_count(ts),
    };
}
