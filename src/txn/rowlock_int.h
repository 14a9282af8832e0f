/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of row locks share: one request on its way.
 */
#ifndef QL_TXN_ROWLOCK_INT_H
#define QL_TXN_ROWLOCK_INT_H

#include "txn/txn_int.h"

/* Owner: the asking session, on its stack; others look at it (under mdl_mu) while it waits. */
typedef struct qli_lock_request {
    qli_shard *shard;
    qli_trx *trx;
    ql_str low, high; /* the key when point; else what has to be checked */
    uint32_t stmt;
    bool point, insert, gap_s;
    bool stays;        /* of a point: it is seldom given back before the transaction's end */
    uint8_t cls;       /* qli_lock_class it will have */
    uint8_t conflicts; /* classes of others in its way */
    qli_lock *waiting; /* its place in the queue, or NULL */
    qli_lock *grows;   /* own span that it makes longer, or NULL */
    qli_lock *got;     /* of spans: the lock that holds the stretch now */
    qli_trx *blocker;  /* referenced */
    uint64_t leaves;   /* blocker's, while its lock was in the table */
    /* Found by the last look. */
    qli_lock *held;    /* own point there */
    qli_lock *covered; /* own span that makes the request needless */
    qli_lock *latest;  /* the last arrival in the way */
    size_t hits;
    qli_lock_place
        *place;     /* of a point: where it belongs; NULL: somewhere near others of its key */
    bool own_there; /* of a point: own locks on or over it */
    bool passed;    /* went ahead of one that waits */
} qli_lock_request;

/* --- rowlock_conflict.c --- */

/* Classes of others that are in the way of such a request. */
uint8_t qli_lock_conflicts(uint8_t cls, bool insert, bool gap_s);
/* [shard] Look for own locks there (held, covered) and for the one to wait for: NULL when r can be
 * granted. place: for r->place to stand in until the shard is left. */
qli_lock *qli_lock_find_blocker(qli_lock_request *r, qli_lock_place *place);
/* [shard] Is l in the way of r? */
bool qli_lock_blocks(qli_lock_request *r, qli_lock *l);
/* [shard] Of a point: call hit for the holders of the key (not for ended ones), first ones first,
 * until it returns true. */
void qli_lock_holders(qli_lock_request *r, bool (*hit)(void *arg, qli_lock *l), void *arg);
/* [shard] Call hit for the locks that overlap r and may be in its way, until it returns true: of a
 * point's own key those in front of it, last ones first. */
void qli_lock_points(qli_lock_request *r, bool (*hit)(void *arg, qli_lock *l), void *arg);
/* [shard] The same for spans. */
void qli_lock_spans(qli_lock_request *r, bool (*hit)(void *arg, qli_lock *l), void *arg);

/* --- rowlock_set.c --- */

/* The exclusive points of a transaction that has many of them, in one shard: each of a key that
 * nobody else asked for. Owner: the transaction's chunks, until it has been swept. */
typedef struct qli_lock_set {
    struct qli_trx *owner;
    qli_shard *shard;
    struct qli_lock_set *next;     /* [shard] those of others there */
    struct qli_lock_set *next_own; /* [owner, then the sweeper] */
    qli_wtree tree;                /* [shard] */
    size_t count;                  /* [shard] points that are held */
} qli_lock_set;

/* [shard] Is a point of key's in any set? Where it belongs in r's own one, if there is such, goes
 * to place. */
bool qli_sets_have(qli_lock_request *r, qli_lock_place *place);
/* [shard] A point for r, which is granted and has r->place, in its transaction's set. NULL: memory
 * is out. */
qli_lock *qli_set_add(qli_lock_request *r);
/* [shard] l, of a set, is not held any more; it keeps its place. */
void qli_set_give_back(qli_shard *sh, qli_lock *l);
/* [shard] As qli_locktree_search, over all sets of the shard. */
bool qli_sets_search(qli_shard *sh, qli_overlap *q);
/* [shard] Over the sets and the tree of points. */
bool qli_points_search(qli_shard *sh, qli_overlap *q);
/* All of an ended transaction's sets leave the table. */
void qli_sets_drop(qli_trx *trx);
size_t qli_sets_count(const qli_shard *sh);
/* [shard] The set with the lowest transaction id above `id`; NULL: there is none. */
qli_lock_set *qli_sets_next(qli_shard *sh, uint64_t id);
static inline qli_lock *
qli_set_lock(qli_wnode *n)
{
    return (qli_lock *)(void *)((char *)n - offsetof(qli_lock, owner));
}

/* --- rowlock.c, rowlock_wait.c --- */

/* QL_OK = granted; QL_END = something is in the way: with queue, r stands in the table
 * now and r->blocker (referenced) is what to wait for. */
ql_status qli_lock_try(ql_ctx *cx, qli_lock_request *r, bool queue) QL_MUST_USE;

/* QL_OK = granted; QL_END = look again. Waits: ROW_LOCK, ADMISSION. */
ql_status qli_rowlock_wait(ql_ctx *cx, qli_lock_request *r, ql_deadline dl) QL_MUST_USE;

/* Unique over all shards. */
static inline uint64_t
qli_lock_id(const ql_txnsys *ts, const qli_shard *sh, const qli_lock *l)
{
    return l->ticket * QLI_SHARDS + (uint64_t)(sh - ts->shards);
}

#endif
