/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for another transaction to end (or to withdraw the request one queues behind). The waiter
 * sleeps on the other's condition under the other's mutex (rank TXN); whoever gives up has left the
 * queue and the wait-for graph when this returns, and rowlock.c takes its request out of the table.
 */
#include "txn/txn_int.h"

/* Until blocker ends, or has withdrawn something since `leaves` was read. */
static ql_status
sleep_on(ql_ctx *cx, qli_trx *blocker, uint64_t leaves, ql_deadline dl)
{
    ql_status st = QL_OK;
    ql_mutex_lock(&blocker->mu);
    while (st == QL_OK && !atomic_load_explicit(&blocker->ended, memory_order_relaxed) &&
           atomic_load_explicit(&blocker->leaves, memory_order_relaxed) == leaves) {
        st = ql_cv_wait(cx, &blocker->cv, &blocker->mu, dl, QL_W_ROW_LOCK);
    }
    ql_mutex_unlock(&blocker->mu);
    return st;
}

ql_status
qli_rowlock_wait(ql_ctx *cx, ql_txn *t, qli_trx *blocker, uint64_t leaves, ql_deadline dl)
{
    ql_txnsys *ts = t->ts;
    if (!qli_graph_enter(ts, t->trx, blocker)) {
        qli_trx_put(blocker);
        qli_count(&ts->n_deadlocks);
        t->must_rollback = true;
        return ql_fail(cx, QL_ER_LOCK_DEADLOCK);
    }
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, blocker->conn_id);
    }
    ql_status st = QL_SYNC(cx, ROW_LOCK_BEFORE_WAIT);
    if (st == QL_OK) {
        st = sleep_on(cx, blocker, leaves, dl);
    }
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, 0);
    }
    qli_graph_leave(ts, t->trx);
    qli_trx_put(blocker);
    return st == QL_TIMEOUT ? ql_fail(cx, QL_ER_LOCK_WAIT_TIMEOUT) : st;
}
