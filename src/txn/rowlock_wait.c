/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for another transaction to end (or to withdraw the request one queues behind). The waiter
 * sleeps on the other's condition under the other's mutex (rank TXN); whoever gives up has left the
 * wait-for graph when this returns, and rowlock.c takes its request out of the table. Graph: under
 * mdl_mu (rank MDL), and below it the mutex of the request's shard.
 */
#include <stdio.h>

#include "intr/gate.h"
#include "txn/graph.h"
#include "txn/rowlock_int.h"

/* --- whom it waits for --- */

typedef struct edges_of {
    qli_lock_request *r;
    qli_visit visit;
    void *arg;
    bool enough;
} edges_of;

static bool
visit_holder(void *arg, qli_lock *l)
{
    edges_of *e = arg;
    e->enough = qli_lock_blocks(e->r, l) && e->visit(e->arg, l->owner->party);
    return e->enough;
}

/* Who waits in front for the same key exclusively waits for all that are in front of it: the search
 * goes on through it, for else a long queue would cost its length squared. */
static bool
stands_for_the_rest(const edges_of *e, const qli_lock *l)
{
    const qli_party *p = l->owner->party;
    return e->r->point && !l->granted && l->cls == QLI_REC_X && !l->passes &&
           atomic_load_explicit(&p->waiting, memory_order_relaxed) && !qli_party_is_victim(p);
}

static bool
visit_owner(void *arg, qli_lock *l)
{
    edges_of *e = arg;
    if (!qli_lock_blocks(e->r, l)) {
        return false;
    }
    e->enough = e->visit(e->arg, l->owner->party);
    return e->enough || stands_for_the_rest(e, l);
}

/* The holders of a key are visited by themselves, so that a cycle through them is seen as short as
 * it is. */
static bool
request_edges(void *wait, qli_visit visit, void *arg)
{
    qli_lock_request *r = wait;
    edges_of e = {.r = r, .visit = visit, .arg = arg};
    ql_mutex_lock(&r->shard->mu);
    if (r->point) {
        qli_lock_holders(r, visit_holder, &e);
    }
    if (!e.enough) {
        qli_lock_points(r, visit_owner, &e);
    }
    if (!e.enough) {
        qli_lock_spans(r, visit_holder, &e);
    }
    ql_mutex_unlock(&r->shard->mu);
    return e.enough;
}

/* "record lock, exclusive, index 17, key 0x80000001" */
static size_t
describe_request(void *wait, char *p, size_t n)
{
    const qli_lock_request *r = wait;
    const char *kind = r->insert           ? "insert"
                       : r->point          ? "record lock"
                       : r->cls == QLI_GAP ? "gap lock"
                                           : "range lock";
    bool shared = r->cls == QLI_REC_S || r->cls == QLI_RANGE_S || r->gap_s;
    const unsigned char *key = (const unsigned char *)r->low.p;
    unsigned index = 0;
    for (size_t i = 0; i < 4 && i < r->low.n; i++) {
        index = index << 8 | key[i];
    }
    int len =
        snprintf(p, n, "%s, %s, index %u, key 0x", kind, shared ? "shared" : "exclusive", index);
    for (size_t i = 4; i < r->low.n && i < 68 && len > 0 && (size_t)len + 3 < n; i++) {
        len += snprintf(p + len, n - (size_t)len, "%02x", key[i]);
    }
    return len > 0 && (size_t)len < n ? (size_t)len : 0;
}

/* --- waiting --- */

/* Until blocker ends, or has withdrawn something since `leaves` was read, or me is a victim. */
static ql_status
sleep_on(ql_ctx *cx, const qli_lock_request *r, ql_deadline dl)
{
    qli_trx *b = r->blocker;
    ql_status st = QL_OK;
    ql_mutex_lock(&b->mu);
    while (st == QL_OK && !atomic_load_explicit(&b->ended, memory_order_relaxed) &&
           atomic_load_explicit(&b->leaves, memory_order_relaxed) == r->leaves &&
           !qli_party_is_victim(r->trx->party)) {
        st = ql_cv_wait(cx, &b->cv, &b->mu, dl, QL_W_ROW_LOCK);
    }
    ql_mutex_unlock(&b->mu);
    return st;
}

/* QL_OK = granted after all; QL_END = in the queue and in the graph; QL_ERROR = me is the victim.
 * Both happen under mdl_mu: who finds the request in its way finds its owner in the graph. */
static ql_status
enter(ql_ctx *cx, qli_lock_request *r)
{
    ql_txnsys *ts = qli_ts(cx);
    qli_party *me = r->trx->party;
    ql_mutex_lock(&ts->mdl_mu);
    ql_status st = qli_lock_try(cx, r, true);
    if (st == QL_END) {
        qli_party_prepare(cx, me, describe_request);
        me->rows = true;
        me->mdl_wanted = cx->mdl != NULL && qli_mdl_is_wanted(ts, cx->mdl, NULL);
        if (!qli_graph_enter(ts, me, request_edges, r, &r->blocker->mu, &r->blocker->cv)) {
            st = QL_ERROR;
        }
    }
    ql_mutex_unlock(&ts->mdl_mu);
    return st;
}

static bool
leave(ql_ctx *cx, qli_lock_request *r)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_mutex_lock(&ts->mdl_mu);
    bool victim = qli_graph_leave(ts, r->trx->party);
    ql_mutex_unlock(&ts->mdl_mu);
    qli_trx_put(r->blocker);
    return victim;
}

static ql_status
fail_deadlock(ql_ctx *cx)
{
    cx->txn->must_rollback = true;
    return ql_fail(cx, QL_ER_LOCK_DEADLOCK);
}

static ql_status
fail_timeout(ql_ctx *cx)
{
    if (atomic_load_explicit(&qli_ts(cx)->rollback_on_timeout, memory_order_relaxed)) {
        cx->txn->must_rollback = true;
    }
    return ql_fail(cx, QL_ER_LOCK_WAIT_TIMEOUT);
}

ql_status
qli_rowlock_wait(ql_ctx *cx, qli_lock_request *r, ql_deadline dl)
{
    r->blocker = NULL;
    ql_status st = enter(cx, r);
    if (st == QL_ERROR && r->blocker != NULL) {
        qli_trx_put(r->blocker);
        return fail_deadlock(cx);
    }
    if (st != QL_END) {
        return st;
    }
    QL_PTRX_SET(cx->txn->figures, wait_lock, qli_lock_id(qli_ts(cx), r->shard, r->waiting));
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, r->blocker->conn_id);
    }
    bool paused = ql_admission_pause(cx);
    st = QL_SYNC(cx, ROW_LOCK_BEFORE_WAIT);
    if (st == QL_OK) {
        st = sleep_on(cx, r, dl);
    }
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, 0);
    }
    if (leave(cx, r) && st != QL_KILLED) {
        return fail_deadlock(cx);
    }
    if (st == QL_OK && paused) {
        st = ql_admission_resume(cx);
    }
    return st == QL_OK ? QL_END : st == QL_TIMEOUT ? fail_timeout(cx) : st;
}
