/* SPDX-License-Identifier: Apache-2.0
 *
 * The ordered structure of row locks: balanced (AVL) trees whose nodes are the locks themselves,
 * one tree of points (a key each) and one of spans (half-open stretches of keys). Each node knows
 * of its subtree which classes of locks it holds and whether all are of one owner, so that a search
 * over a long stretch steps over what cannot be in its way; spans also know the farthest end. No
 * locks of its own: guarded by the shard's mutex.
 */
#ifndef QL_TXN_LOCKTREE_H
#define QL_TXN_LOCKTREE_H

#include <stdatomic.h>
#include <string.h>

#include "base/status.h"
#include "txn/txn.h"
#include "txn/wtree.h"

/* What a lock is to others; bits of a mask. */
typedef enum qli_lock_class {
    QLI_REC_S = 1,
    QLI_REC_X = 2, /* an insert, too */
    QLI_RANGE_S = 4,
    QLI_RANGE_X = 8,
    QLI_GAP = 16,
} qli_lock_class;
#define QLI_POINTS (QLI_REC_S | QLI_REC_X)
#define QLI_SPANS (QLI_RANGE_S | QLI_RANGE_X | QLI_GAP)

/* Of what did not pass others. */
#define QLI_FIRST_TICKET (1ull << 32)

struct qli_trx;

/* One lock, held or asked for. Memory: chunks of its owner, until the owner has been swept. A point
 * carries its key behind its fields, a span a qli_span. A point of a set (rowlock_set.c) has no
 * links: its memory begins at ticket. */
typedef struct qli_lock {
    struct qli_lock *left, *right; /* [shard] */
    struct qli_lock *next_own;     /* [owner, then the sweeper] all it ever made, newest first */
    uint64_t ticket;               /* [shard] order of arrival */
    uint8_t asks;                  /* [owner] times its statement asked for it; see KEEP */
    uint8_t below;                 /* [shard] classes in its subtree, its own too */
    uint8_t height;                /* [shard] */
    bool uniform : 1;              /* [shard] all of its subtree has its owner */
    bool granted : 1;              /* [shard] */
    bool linked : 1;               /* [shard] in a tree */
    bool insert : 1;               /* [shard] waiting one: insert intention */
    bool passes : 1;               /* [shard] waiting one: may go ahead of others that wait */
    bool in_set : 1;               /* [const] */
    /* From here on as a qli_wnode, which a set has it as. */
    struct qli_trx *owner; /* [const] */
    uint32_t stmt;         /* [owner] statement that took it */
    uint16_t klen;         /* [shard] of the key or the span's low end */
    uint8_t cls;           /* [shard] qli_lock_class */
    bool gap_s; /* the last field. [const] GAP: asked for in shared mode; no bit, its owner reads it
                   unlocked */
} qli_lock;

typedef struct qli_span {
    char *low, *high;
    uint32_t low_cap, high_cap;
    uint32_t high_n;
    qli_lock *top; /* farthest end in the subtree */
} qli_span;

static inline qli_span *
qli_span_of(qli_lock *l)
{
    return (qli_span *)(void *)(l + 1);
}

/* Points use the padding behind the last field. */
#define QLI_POINT_HEAD (offsetof(qli_lock, gap_s) + 1)

static inline bool
qli_is_span(const qli_lock *l)
{
    return (l->cls & QLI_SPANS) != 0;
}

static inline char *
qli_point_bytes(qli_lock *l)
{
    return (char *)l + QLI_POINT_HEAD;
}

static inline ql_str
qli_lock_low(qli_lock *l)
{
    return (ql_str){qli_is_span(l) ? qli_span_of(l)->low : qli_point_bytes(l), l->klen};
}

static inline ql_str
qli_span_high(qli_lock *l)
{
    return (ql_str){qli_span_of(l)->high, qli_span_of(l)->high_n};
}

typedef struct qli_locktree {
    qli_lock *root;
    size_t count;
    bool spans;
} qli_locktree;

#define QLI_LOCK_DEPTH 96 /* 1.44 log2(n) for any n there can be */

/* Where a key belongs: links from the root down to the place. Until the tree changes. */
typedef struct qli_lock_place {
    int depth;
    qli_lock **path[QLI_LOCK_DEPTH];
    struct qli_lock_set *set; /* of the asking transaction, and where there; NULL: it has none */
    qli_wplace in_set;
} qli_lock_place;

void qli_locktree_insert(qli_locktree *t, qli_lock *l);
/* True: locks of key's are there. False: none is, and this is where one belongs. */
bool qli_locktree_probe(qli_locktree *t, ql_str key, qli_lock_place *place);
/* Put l in where the probe for its key has been. */
void qli_locktree_insert_at(qli_locktree *t, qli_lock *l, qli_lock_place *place);
/* Forget all there is, if all of it is trx's: O(1). Its locks stay marked as linked. */
bool qli_locktree_forget(qli_locktree *t, const struct qli_trx *trx);
void qli_locktree_remove(qli_locktree *t, qli_lock *l);
/* l's class has become a stronger one. */
void qli_locktree_raise(qli_locktree *t, qli_lock *l);
/* l's high end (a span in the tree) has moved on. */
void qli_locktree_stretch(qli_locktree *t, qli_lock *l);
/* Call hit for each lock behind (key, ticket), in the order of (low end, ticket), until it returns
 * true. */
bool qli_locktree_walk(const qli_locktree *t, ql_str key, uint64_t ticket,
                       bool (*hit)(void *arg, qli_lock *l), void *arg);
/* The same for each lock in front of it, last one first. */
bool qli_locktree_walk_back(const qli_locktree *t, ql_str key, uint64_t ticket,
                            bool (*hit)(void *arg, qli_lock *l), void *arg);

/* A search. Keys: the point low when point, else [low, high). */
typedef struct qli_overlap {
    ql_str low, high;
    bool point;
    uint8_t classes;                     /* looked for */
    const struct qli_trx *except;        /* not those of this owner; or NULL */
    const struct qli_trx *only;          /* only those of this owner; or NULL */
    size_t budget;                       /* nodes it may look at, decreases; then it stops */
    bool (*hit)(void *arg, qli_lock *l); /* true = enough */
    void *arg;
} qli_overlap;
/* Call hit for the locks that overlap, last ones first; locks of ended owners are left out. True
 * when a hit said enough or the budget ran out. */
bool qli_locktree_search(const qli_locktree *t, qli_overlap *q);

/* Tests: aborts unless order, balance and what nodes know of their subtrees are right. */
void qli_locktree_check(const qli_locktree *t);

#endif
