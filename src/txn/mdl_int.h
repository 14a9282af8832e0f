/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of metadata locks share: named locks with their holders and queue, requests
 * (tickets), a session's set of them. All of it under ts->mdl_mu unless said otherwise.
 */
#ifndef QL_TXN_MDL_INT_H
#define QL_TXN_MDL_INT_H

#include "txn/txn_int.h"

typedef struct qli_mdl_lock qli_mdl_lock;
typedef struct qli_mdl_ticket qli_mdl_ticket;
typedef struct ql_mdl_set qli_mdl_set;

/* A named thing. Owner: the table. Those that nobody holds or wants are kept for a while, so that a
 * table in use is found without an allocation. */
struct qli_mdl_lock {
    ql_hash_node hn;
    qli_mdl_ticket *holders;      /* by next */
    qli_mdl_ticket *first, *last; /* waiting, by next */
    uint32_t nholders;
    uint32_t held[QL_MDL_MODES], pending[QL_MDL_MODES]; /* how many of each mode */
    uint16_t held_modes, pending_modes;                 /* a bit for each mode that is not 0 */
    uint32_t nholding; /* waiting, and their set holds something here already */
    /* GLOBAL, BACKUP, COMMIT: sessions that hold IX, which is no ticket but a mark in their set.
     * With QLI_MDL_SLOW (set by the first other request, under mdl_mu) IX is taken and given under
     * mdl_mu. */
    _Atomic uint64_t ix;
    qli_mdl_lock *idle_prev, *idle_next; /* in the list of unused ones */
    bool idle;
    ql_mdl_space space;
    size_t n;
    char name[];
};
#define QLI_MDL_SLOW (1ull << 63)

/* One request. Owner: the set. */
struct qli_mdl_ticket {
    qli_mdl_lock *lock;
    qli_mdl_set *set;
    qli_mdl_ticket *next, *prev;         /* in holders or in the queue */
    qli_mdl_ticket *own_next, *own_prev; /* granted ones of the set, newest first */
    ql_mdl_mode mode;
    ql_mdl_duration duration;
    uint64_t seq;       /* of the set: later ones are higher */
    uint32_t count;     /* USER_LOCK: how often it was got, */
    uint32_t stmt_gets; /* of these by the statement stmt_id */
    uint64_t stmt_id;
    bool granted, inlined;
    bool holding; /* while it waits: the set holds something on the lock already */
    ql_cv cv;
};

#define QLI_MDL_INLINE 6u
#define QLI_MDL_FIXED 3u /* GLOBAL, BACKUP, COMMIT: spaces of one lock each */

/* Owner: the session. Lists change under mdl_mu, by the owner or while the owner waits. */
struct ql_mdl_set {
    qli_mdl_ticket *tickets;
    size_t n[QL_MDL_DURATIONS];        /* granted tickets */
    uint64_t seq;                      /* of the latest ticket */
    qli_mdl_ticket *waiting;           /* the request it sleeps for */
    _Atomic uint8_t ix[QLI_MDL_FIXED]; /* [owner writes] 1 + duration of an IX held, 0 = none */
    uint64_t conn_id;
    ql_proc *proc;           /* the owner's row, or NULL */
    struct qli_party *party; /* [const] its node in the wait-for graph */
    ql_txnsys *ts;           /* [const once listed] */
    qli_mdl_set *all_next, *all_prev;
    bool listed;
    bool brief;            /* [owner] ql_mdl_set_brief */
    qli_mdl_ticket *spare; /* [owner] unused inline ones */
    qli_mdl_ticket inlined[QLI_MDL_INLINE];
};

static inline uint16_t
qli_mdl_bit(ql_mdl_mode m)
{
    return (uint16_t)(1u << m);
}

static inline bool
qli_mdl_is_fixed(ql_mdl_space s)
{
    return s < QLI_MDL_FIXED;
}

/* --- mdl_table.c: all under mdl_mu --- */

/* Is a lock held in mode `have` at least as good as one in mode `want`? */
bool qli_mdl_covers(ql_mdl_space space, ql_mdl_mode have, ql_mdl_mode want);
qli_mdl_lock *qli_mdl_find(ql_txnsys *ts, ql_mdl_space space, ql_str name);
qli_mdl_lock *qli_mdl_find_or_add(ql_txnsys *ts, ql_mdl_space space, ql_str name); /* NULL: oom */
/* Nobody holds or wants it? Then it may go. */
void qli_mdl_settle(ql_txnsys *ts, qli_mdl_lock *l);
/* The set's granted ticket on l that covers mode, or NULL. */
qli_mdl_ticket *qli_mdl_own(const qli_mdl_set *set, const qli_mdl_lock *l, ql_mdl_mode mode);
/* Could t (in the queue or not) be granted now? */
bool qli_mdl_can_grant(ql_txnsys *ts, const qli_mdl_ticket *t);
void qli_mdl_hold(qli_mdl_ticket *t);
void qli_mdl_unhold(qli_mdl_ticket *t);
void qli_mdl_queue(qli_mdl_ticket *t);
void qli_mdl_unqueue(qli_mdl_ticket *t);
/* Grant what can be granted, in order, and wake its owners. */
void qli_mdl_grant_next(ql_txnsys *ts, qli_mdl_lock *l);
/* Calls visit for every set that t, which waits, waits for; stops and returns true when it does. */
typedef bool (*qli_mdl_visit)(void *arg, qli_mdl_set *other);
bool qli_mdl_each_blocker(ql_txnsys *ts, const qli_mdl_ticket *t, qli_mdl_visit visit, void *arg);
uint64_t qli_mdl_blocker(ql_txnsys *ts, const qli_mdl_ticket *t); /* connection id, 0 = none */

/* --- mdl.c --- */

typedef struct qli_mdl_request {
    ql_mdl_space space;
    ql_str name;
    ql_mdl_mode mode;
    ql_mdl_duration duration;
    ql_deadline dl;
    bool goes_on; /* after QL_TIMEOUT, too */
} qli_mdl_request;
/* As ql_mdl_acquire, but QL_TIMEOUT is not worded. */
ql_status qli_mdl_take(ql_ctx *cx, const qli_mdl_request *r) QL_MUST_USE;
/* Release a granted ticket of the calling session; mdl_mu held. */
void qli_mdl_release_ticket(ql_txnsys *ts, qli_mdl_ticket *t);

#endif
