/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot_pinned_limit: the transactions that hold snapshots, oldest first, and what happens to
 * the oldest when old versions that only it needs take too much room. A running statement is ended
 * (4201). A session that is idle in its transaction has its snapshot taken away at once; it is told
 * at its next statement. The reclaimer's thread looks, ten times a second while there is a limit.
 * Mutex: shots_mu (rank RECLAIM).
 */
#include "base/log.h"
#include "txn/txn_int.h"

/* --- sessions' side --- */

void
qli_pinned_enter(ql_txn *t)
{
    ql_txnsys *ts = t->ts;
    ql_mutex_lock(&ts->shots_mu);
    t->older = ts->newest_shot;
    t->newer = NULL;
    if (t->older != NULL) {
        t->older->newer = t;
    } else {
        ts->oldest_shot = t;
    }
    ts->newest_shot = t;
    ql_mutex_unlock(&ts->shots_mu);
}

/* [shots_mu] */
static void
unlink_txn(ql_txn *t)
{
    ql_txnsys *ts = t->ts;
    if (t->older != NULL) {
        t->older->newer = t->newer;
    } else {
        ts->oldest_shot = t->newer;
    }
    if (t->newer != NULL) {
        t->newer->older = t->older;
    } else {
        ts->newest_shot = t->older;
    }
    t->older = t->newer = NULL;
}

void
qli_pinned_leave(ql_txn *t)
{
    ql_mutex_lock(&t->ts->shots_mu);
    unlink_txn(t);
    ql_mutex_unlock(&t->ts->shots_mu);
}

void
ql_txn_set_idle(ql_ctx *cx, bool idle)
{
    ql_txn *t = cx->txn;
    if (t == NULL || t->idle == idle || (idle && t->nshots == 0)) {
        return;
    }
    ql_mutex_lock(&t->ts->shots_mu);
    t->idle = idle;
    ql_mutex_unlock(&t->ts->shots_mu);
}

ql_status
qli_pinned_check_lost(ql_ctx *cx, ql_txn *t)
{
    if (QL_LIKELY(!t->snapshot_lost)) {
        return QL_OK;
    }
    t->must_rollback = true;
    return ql_fail_text(cx, QL_ER_SNAPSHOT_LIMIT,
                        "The snapshot of this transaction pinned more than snapshot_pinned_limit "
                        "bytes and was given up; the transaction has been rolled back");
}

bool
qli_pinned_is_doomed(const ql_txn *t)
{
    uint64_t doomed = atomic_load_explicit(&t->doomed, memory_order_relaxed);
    return t->iso >= QL_REPEATABLE_READ && doomed != 0 &&
           doomed == atomic_load_explicit(&t->stmt_id, memory_order_relaxed);
}

/* --- the watcher's side --- */

/* [shots_mu] The snapshot of an idle session, for the caller to end; NULL = it cannot be taken. */
static qli_shot *
take_from_idle(ql_txn *t)
{
    if (!t->idle) {
        return NULL;
    }
    qli_shot *sh = t->shot;
    if (sh == NULL || sh->refs != 1 || t->nshots != 1) {
        return NULL;
    }
    t->shot = NULL;
    t->nshots = 0;
    t->snapshot_lost = true;
    unlink_txn(t);
    if (t->proc != NULL) {
        ql_proc_set_snapshot(t->proc, 0);
    }
    return sh;
}

typedef struct target {
    uint64_t conn_id, stmt_id;
} target;

/* What to do about the oldest snapshot of a session: a statement to end, or a snapshot to end. */
static bool
choose(ql_txnsys *ts, target *who, qli_shot **sh)
{
    ql_mutex_lock(&ts->shots_mu);
    ql_txn *t = ts->oldest_shot;
    while (t != NULL && t->conn_id == 0) {
        t = t->newer; /* the server's own */
    }
    *sh = t != NULL ? take_from_idle(t) : NULL;
    if (t != NULL) {
        *who = (target){t->conn_id, atomic_load_explicit(&t->stmt_id, memory_order_relaxed)};
        atomic_store_explicit(&t->doomed, who->stmt_id, memory_order_relaxed);
    }
    ql_mutex_unlock(&ts->shots_mu);
    return t != NULL;
}

static void
relieve(ql_txnsys *ts, uint64_t pinned)
{
    target who;
    qli_shot *sh;
    if (!choose(ts, &who, &sh)) {
        return;
    }
    if (sh != NULL) {
        ql_kv_snap_end(sh->s);
        ql_mem_free(sh);
    } else if (who.stmt_id == 0 || who.stmt_id == ts->last_ended_stmt) {
        return; /* between statements; or told already, and on its way */
    } else {
        ts->last_ended_stmt = who.stmt_id;
        if (ql_procs_raise(ts->inst->procs, who.conn_id, who.stmt_id, QL_INTR_SNAPSHOT, false, 0) !=
            QL_RAISE_DONE) {
            return;
        }
    }
    qli_count(&ts->n_snapshots_ended);
    ql_log_write(ts->inst->log, QL_LOG_WARNING,
                 "Connection %llu: its snapshot was ended, %llu bytes were pinned "
                 "(snapshot_pinned_limit)",
                 (unsigned long long)who.conn_id, (unsigned long long)pinned);
}

bool
qli_pinned_is_watched(ql_txnsys *ts)
{
    return atomic_load_explicit(&ts->pinned_limit, memory_order_relaxed) != 0;
}

void
qli_pinned_check(ql_txnsys *ts)
{
    uint64_t limit = atomic_load_explicit(&ts->pinned_limit, memory_order_relaxed);
    ql_mutex_lock(&ts->shots_mu);
    bool any = ts->oldest_shot != NULL;
    ql_mutex_unlock(&ts->shots_mu);
    if (limit == 0 || !any) {
        return;
    }
    ql_kv_stats st = {0};
    ql_kv_get_stats(ts->kv, &st);
    if (st.pinned_bytes > limit) {
        relieve(ts, st.pinned_bytes);
    }
}

void
ql_txnsys_set_snapshot_limit(ql_txnsys *ts, uint64_t bytes)
{
    atomic_store_explicit(&ts->pinned_limit, bytes, memory_order_relaxed);
    ql_mutex_lock(&ts->reclaim_mu);
    ql_cv_signal(&ts->reclaim_work);
    ql_mutex_unlock(&ts->reclaim_mu);
}
