/* SPDX-License-Identifier: Apache-2.0
 *
 * LMDB's file read page by page, without LMDB and believing nothing: for files that are, or may be,
 * damaged. The format is that of liblmdb 0.9 on 64-bit little-endian machines (mdb.c: MDB_page,
 * MDB_node, MDB_meta). Inside kv/ only.
 */
#ifndef QL_KV_LMDB_PAGES_H
#define QL_KV_LMDB_PAGES_H

#include "kv/kv_int.h"

/* Format of a page. */
#define QLI_PAGE_HEAD 16u
#define QLI_NODE_HEAD 8u
#define QLI_NODE_KEY_MAX 511u

enum { QLI_P_BRANCH = 1, QLI_P_LEAF = 2, QLI_P_OVERFLOW = 4, QLI_P_META = 8, QLI_P_KINDS = 0x6F };
enum { QLI_N_BIG = 1 }; /* the value stands on pages of its own; here is their first number */

typedef struct qli_page_head {
    uint64_t number;
    uint16_t pad, flags, lower, upper;
} qli_page_head;

/* An entry: size of its value (leaf) or number of its page (branch) in lo, hi, flags. */
typedef struct qli_node {
    uint16_t lo, hi, flags, key_n;
    ql_str key;
    const char *data;
    size_t room; /* bytes of the page from data on */
} qli_node;

/* The bounds of a page of entries are possible. */
bool qli_page_bounds_hold(const qli_page_head *h, uint32_t page_bytes);
/* Entry i of a page whose entries' places end at lower; false: it does not lie in the page. */
bool qli_node_at(const char *page, uint32_t page_bytes, unsigned i, unsigned lower, qli_node *out);

/* Page of the tree that entry n of a branch page leads to. */
static inline uint64_t
qli_node_child(const qli_node *n)
{
    return n->lo | (uint64_t)n->hi << 16 | (uint64_t)n->flags << 32;
}

#define QLI_TREE_FREE 0
#define QLI_TREE_MAIN 1
#define QLI_TREE_DEPTH 32

typedef struct qli_tree {
    uint64_t branch, leaf, overflow, entries, root;
    uint32_t depth;
} qli_tree;

/* What the head of transaction txn, in the file mapped at map, says of the main tree, and the
 * number of the last page in use. False: the head is another transaction's by now. */
bool qli_pages_mapped_tree(const char *map, uint32_t page_bytes, uint64_t txn, qli_tree *tree,
                           uint64_t *last);

/* An open file and what its newest head says. */
typedef struct qli_pages {
    ql_ctx *cx;
    int fd;
    uint32_t page_bytes;
    uint64_t there, last; /* whole pages in the file; number of the last one in use */
    qli_tree tree[2];
    unsigned char *seen;       /* a bit a page; NULL: not kept */
    char *buf[QLI_TREE_DEPTH]; /* a page each level */
    char *big;                 /* value on pages of its own */
    size_t big_size;
    uint64_t pages, bytes; /* visited; of values */
    uint32_t look;         /* since the last checkpoint */
    /* Each entry in order; NULL: not wanted. */
    ql_status (*entry)(void *arg, ql_str key, ql_str value);
    /* Something is wrong at page `page`, behind key `near` (the last one read; empty: none). */
    ql_status (*found)(void *arg, uint64_t page, const char *what, ql_str near);
    void *arg;
    char near[512];
    size_t near_n;
} qli_pages;

/* QL_ERROR with what is wrong: not readable, no head that is whole. close in every case. */
ql_status qli_pages_open(ql_ctx *cx, qli_pages *p, const char *path) QL_MUST_USE;
void qli_pages_close(qli_pages *p);
/* Visit tree which (QLI_TREE_): bounds, kinds, levels and order of all pages, counts against what
 * the head says. Checkpoints. */
ql_status qli_pages_walk(qli_pages *p, int which) QL_MUST_USE;

#endif
