/* SPDX-License-Identifier: Apache-2.0
 *
 * One generation of recent commits in memory: a skip list of keys in order, a hash table over the
 * same nodes for point reads, and for each key its versions, newest first. One writer; readers take
 * no lock: a node or version is complete before a release store makes it reachable, and nothing
 * moves or vanishes until the whole table is freed. What a reader sees is decided by the sequence
 * number it brings, so entries of an apply that is not committed yet are invisible. Inside kv/
 * only.
 */
#ifndef QL_KV_MEMTABLE_H
#define QL_KV_MEMTABLE_H

#include "kv/kv_int.h"

#define QLI_MT_LEVELS 12

/* One state of a key. Constant once it can be reached. */
typedef struct qli_mver {
    struct qli_mver *older;
    struct qli_mver *jump; /* much older: a search for an old state takes log n steps */
    uint64_t seq;
    uint32_t depth; /* versions behind it */
    uint32_t n;
    bool deleted;
    char bytes[];
} qli_mver;

/* A key. Behind next[levels] stand its bytes. */
typedef struct qli_mnode {
    _Atomic(qli_mver *) newest;         /* [writer stores] */
    struct qli_mnode *chain;            /* [const] next of its hash bucket */
    uint64_t hash;                      /* [const] */
    uint32_t n;                         /* [const] */
    uint32_t levels;                    /* [const] */
    _Atomic(struct qli_mnode *) next[]; /* [writer stores] */
} qli_mnode;

typedef struct qli_mchunk qli_mchunk;

typedef struct qli_memtable {
    _Atomic(qli_mnode *) head[QLI_MT_LEVELS];
    _Atomic(qli_mnode *) *buckets; /* [const] */
    size_t nbuckets;               /* [const] a power of two */
    qli_mchunk *chunks;            /* [writer] */
    size_t spare;                  /* [writer] reserved bytes for links above the lowest level */
    qli_mnode *last;               /* [writer] the newest node, or NULL */
    _Atomic(qli_mnode *) *behind[QLI_MT_LEVELS]; /* [writer] links that lead over it and on */
    _Atomic size_t nodes;                        /* [writer stores] */
    _Atomic size_t bytes;                        /* [writer stores] all chunks */
    uint64_t random;                             /* [writer] */
} qli_memtable;

/* Most that an entry can take, but for links above the lowest level. */
#define QLI_MT_COST(key_n, value_n)                                                                \
    (sizeof(qli_mnode) + sizeof(void *) + sizeof(qli_mver) + (key_n) + (value_n) + 16)

/* large: many more keys are to come than a few commits bring. False: no memory, nothing left to
 * fini. */
bool qli_mt_init(qli_memtable *m, bool large) QL_MUST_USE;
void qli_mt_fini(qli_memtable *m);
/* Writer: room for n entries of together `cost` bytes (sum of QLI_MT_COST), so that the puts that
 * follow cannot fail. False: no memory. */
bool qli_mt_reserve(qli_memtable *m, size_t cost, size_t n) QL_MUST_USE;
/* Writer: key's state from seq on; within reserved room. seq does not fall. Keys that rise are
 * cheap. */
void qli_mt_put(qli_memtable *m, uint64_t seq, ql_str key, ql_str value, bool deleted);

static inline ql_str
qli_mnode_key(const qli_mnode *n)
{
    return (ql_str){(const char *)&n->next[n->levels], n->n};
}

static inline qli_mnode *
qli_mnode_next(const qli_mnode *n)
{
    return atomic_load_explicit(&n->next[0], memory_order_acquire);
}

/* The version of n that state seq shows (it may be a deletion); NULL when the key has none yet. */
const qli_mver *qli_mnode_at(const qli_mnode *n, uint64_t seq);
uint64_t qli_mt_hash(ql_str key);
const qli_mnode *qli_mt_find(const qli_memtable *m, ql_str key, uint64_t hash);
/* First node not below key (empty key: the first); last one below it. NULL = none.
 */
qli_mnode *qli_mt_seek_ge(const qli_memtable *m, ql_str key);
qli_mnode *qli_mt_seek_lt(const qli_memtable *m, ql_str key);
/* About how many nodes lie in [from, to); up to cap of them, spread over the range and in order,
 * into v, their number in *got. Some hundred steps, whatever there is. */
double qli_mt_spread(const qli_memtable *m, ql_str from, ql_str to, const qli_mnode **v, size_t cap,
                     size_t *got);

#endif
