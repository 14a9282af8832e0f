/* SPDX-License-Identifier: Apache-2.0
 *
 * The wait-for graph over sessions ("parties"): one graph for row locks, metadata locks, table
 * locks and user locks, so that a cycle through several kinds is found. Edges are not stored: each
 * waiting party can be asked whom it waits for, as the lock tables are at that moment. Everything
 * under ts->mdl_mu (rank MDL), which only those take who wait.
 */
#ifndef QL_TXN_GRAPH_H
#define QL_TXN_GRAPH_H

#include "intr/cv.h"
#include "intr/proc.h"
#include "txn/txn.h"

typedef struct qli_party qli_party;

/* [mdl_mu] Call visit for each party that the waiting one waits for (several times for one is
 * fine); stop and return true when visit does. May take mutexes of ranks ROWLOCK and below, and
 * hold them while it calls visit. */
typedef bool (*qli_visit)(void *arg, qli_party *other);
typedef bool (*qli_edges)(void *wait, qli_visit visit, void *arg);
/* [mdl_mu] What it waits for, as a line of text for the report of the latest deadlock; returns the
 * length. May be NULL. */
typedef size_t (*qli_describe)(void *wait, char *p, size_t n);

/* One session (or background transaction). Owner: reference counted. */
struct qli_party {
    _Atomic uint32_t refs;
    _Atomic bool victim;   /* [mdl_mu to write] chosen to break a cycle; cleared by graph_leave */
    _Atomic bool waiting;  /* [mdl_mu to write] */
    _Atomic bool wanted;   /* somebody has waited for row locks of its transaction */
    _Atomic uint64_t seen; /* [mdl_mu to write] stamp of the last search that met it */
    uint64_t conn_id, trx_id; /* [owner, before it enters] */
    uint64_t weight;          /* [owner, before it enters] */
    ql_proc *proc;            /* [owner, before it enters] its row, or NULL */
    qli_describe describe;    /* [owner, before it enters] */
    bool rows;                /* [owner, before it enters] it is going to wait for a row lock */
    bool mdl_wanted;          /* [owner, before it enters] somebody waits for another lock of it */
    qli_edges edges;          /* [mdl_mu] */
    void *wait;               /* [mdl_mu] */
    ql_mutex *wake_mu;        /* [mdl_mu] */
    ql_cv *wake_cv;           /* [mdl_mu] */
    qli_party *via;           /* [mdl_mu] search: who waits for it */
    qli_party *next;          /* [mdl_mu] search: queue */
};

qli_party *qli_party_new(void) QL_MUST_USE; /* one reference; NULL when memory is out */
qli_party *qli_party_get(qli_party *p);
void qli_party_put(qli_party *p); /* NULL ignored */

/* How much would be lost with what cx's transaction has done so far: rows changed + locks. 0
 * without one. */
uint64_t qli_txn_weight(const ql_ctx *cx);

/* [mdl_mu held] Fill in what is the owner's: ids, row, weight; rows is false,
 * mdl_wanted true. */
void qli_party_prepare(const ql_ctx *cx, qli_party *me, qli_describe describe);

/* [mdl_mu held] me, prepared, is going to wait on wake_cv with wake_mu (which may be ts->mdl_mu).
 * False: me is the victim of a cycle and has not entered (word 1213 or 3058). True: there is no
 * cycle any more; where there was one, its lightest party has been made the victim (ties: me) and
 * woken. The wait loop must also end when qli_party_is_victim(me). */
bool qli_graph_enter(ql_txnsys *ts, qli_party *me, qli_edges edges, void *wait, ql_mutex *wake_mu,
                     ql_cv *wake_cv) QL_MUST_USE;
/* [mdl_mu held] me waits no longer; before anything it waits for or with is given up. True: it had
 * been made a victim (whoever ended by a kill reports the kill all the same). */
bool qli_graph_leave(ql_txnsys *ts, qli_party *me);

static inline bool
qli_party_is_victim(const qli_party *p)
{
    return atomic_load_explicit(&p->victim, memory_order_acquire);
}

struct ql_mdl_set;
/* The party of a session, or NULL (mdl.c). */
qli_party *qli_mdl_party(struct ql_mdl_set *set);

#endif
