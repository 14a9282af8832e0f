/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of a layer's entries: a B+-tree of pointers to them. Beside each pointer stand eight
 * bytes of the key, taken behind what all keys of the node have in common, so that a search touches
 * few keys (Graefe, Modern B-Tree Techniques, 3.5: prefix truncation by fence keys, poor man's
 * normalized keys). Entries never move; nodes of the tree are cut from the layer's chunks and stay
 * until it is forgotten. One thread at a time.
 */
#ifndef QL_TXN_WTREE_H
#define QL_TXN_WTREE_H

#include "txn/chunk.h"

#include "base/status.h"

#define QLI_WLEAF 64u  /* entries of a leaf; a first one is smaller */
#define QLI_WINNER 32u /* children of an inner node */
#define QLI_WDEPTH 16  /* inner levels; a level has at most a tenth of the nodes below it */

/* An entry. Owner: the write set's chunks. The key's bytes follow. */
typedef struct qli_wnode {
    const char *value; /* a byte of ours stands before it (spill.c's tag); empty: static */
    uint32_t vlen;
    uint16_t klen;
    bool deleted;
} qli_wnode;

typedef struct qli_wleaf {
    struct qli_wleaf *next, *prev;
    uint16_t n, cap;
    uint16_t skip;    /* bytes that all keys that can be here have in common */
    bool rising;      /* the latest one came at the end */
    uint64_t heads[]; /* eight bytes behind those, as a number; then cap pointers */
} qli_wleaf;

/* The keys of child[i] are not below low[i], and below low[i + 1]; low[0] is not used. */
typedef struct qli_winner {
    uint16_t n, skip;
    bool rising;
    uint64_t heads[QLI_WINNER];
    const qli_wnode *low[QLI_WINNER];
    void *child[QLI_WINNER];
} qli_winner;

typedef struct qli_wtree {
    void *root; /* NULL: empty */
    qli_wleaf *first, *last;
    size_t nleaves, ninners;
    uint8_t height; /* inner levels */
    bool cut;       /* leaves have been taken from its front */
} qli_wtree;

/* A stand on an entry; it stays one when others are put in. */
typedef struct qli_wpos {
    qli_wnode *at; /* NULL: at the end */
    qli_wleaf *leaf;
    uint32_t i;
} qli_wpos;

/* Where a key is, or belongs: before entry i of the leaf (NULL: the tree is empty). */
typedef struct qli_wplace {
    qli_wleaf *leaf;
    uint32_t i;
    bool found;
    bool traced; /* path is known */
    qli_winner *path[QLI_WDEPTH];
    uint8_t child[QLI_WDEPTH];
} qli_wplace;

static inline ql_str
qli_wnode_key(const qli_wnode *n)
{
    return (ql_str){(const char *)(n + 1), n->klen};
}

static inline ql_str
qli_wnode_value(const qli_wnode *n)
{
    return (ql_str){n->value, n->vlen};
}

static inline qli_wnode **
qli_wleaf_entries(qli_wleaf *l)
{
    return (qli_wnode **)(void *)&l->heads[l->cap];
}

void qli_wtree_find(const qli_wtree *t, ql_str key, qli_wplace *p);
/* Put n where p, which has just been found and is not there, says. False: memory is out, nothing
 * changed. */
bool qli_wtree_insert(qli_wtree *t, qli_chunks *mem, qli_wplace *p, qli_wnode *n) QL_MUST_USE;
/* Bytes that n inserts take at most. */
size_t qli_wtree_room(const qli_wtree *t, size_t n);
/* The first n entries of the first leaf leave. */
void qli_wtree_cut(qli_wtree *t, uint32_t n);

qli_wpos qli_wtree_first(const qli_wtree *t);
/* The first entry not below key / the last one below it. */
qli_wpos qli_wtree_seek_ge(const qli_wtree *t, ql_str key);
qli_wpos qli_wtree_seek_lt(const qli_wtree *t, ql_str key);
/* p is not at the end. */
void qli_wtree_next(const qli_wtree *t, qli_wpos *p);
void qli_wtree_prev(const qli_wtree *t, qli_wpos *p);

/* Tests: aborts unless order, fences and counts are right. */
void qli_wtree_check(const qli_wtree *t, size_t count);

#endif
