/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash functions, and an intrusive chained hash table that grows by itself. No locks of its own.
 */
#ifndef QL_BASE_HASH_H
#define QL_BASE_HASH_H

#include "base/ctx.h"

uint64_t ql_hash_bytes(const void *p, size_t n, uint64_t seed);
uint64_t ql_hash_u64(uint64_t v);

/* Embed as a member of what is stored. */
typedef struct ql_hash_node {
    struct ql_hash_node *next;
    uint64_t hash;
} ql_hash_node;

typedef struct ql_hash {
    ql_hash_node **buckets;
    size_t nbuckets, count; /* buckets[0 .. nbuckets) hold all nodes */
    size_t cap;             /* there is room for so many buckets */
} ql_hash;

ql_status ql_hash_init(ql_ctx *cx, ql_hash *h, size_t expected) QL_MUST_USE;
void ql_hash_fini(ql_hash *h); /* frees the buckets, not the nodes */
/* First node of that hash, then the next one; the caller compares keys. */
ql_hash_node *ql_hash_first(const ql_hash *h, uint64_t hash);
ql_hash_node *ql_hash_next(const ql_hash_node *node);
/* Never fails: when the table cannot grow, chains get longer. */
void ql_hash_insert(ql_hash *h, ql_hash_node *node, uint64_t hash);
void ql_hash_remove(ql_hash *h, ql_hash_node *node);

#endif
