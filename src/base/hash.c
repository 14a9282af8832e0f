/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash functions (multiply and fold, 8 bytes at a time; not for digests, not stored on disk) and
 * the chained table, which gets a bucket with each node that it has no bucket for.
 */
#include "base/hash.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#define SMALLEST 8u
#define PRIME_A 0x9e3779b97f4a7c15u
#define PRIME_B 0xc2b2ae3d27d4eb4fu

static uint64_t
fold(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t
ql_hash_u64(uint64_t v)
{
    return fold(v ^ PRIME_A, PRIME_B);
}

uint64_t
ql_hash_bytes(const void *p, size_t n, uint64_t seed)
{
    const unsigned char *s = p;
    uint64_t h = seed ^ fold(n ^ PRIME_A, PRIME_B);
    while (n >= 8) {
        uint64_t w;
        memcpy(&w, s, 8);
        h = fold(h ^ w, PRIME_A);
        s += 8;
        n -= 8;
    }
    uint64_t tail = 0;
    if (n != 0) {
        memcpy(&tail, s, n);
    }
    h = fold(h ^ tail, PRIME_B);
    return h ^ (h >> 32);
}

ql_status
ql_hash_init(ql_ctx *cx, ql_hash *h, size_t expected)
{
    size_t n = SMALLEST;
    while (n < expected) {
        n *= 2;
    }
    h->buckets = ql_mem_zalloc(n * sizeof *h->buckets);
    h->nbuckets = h->cap = h->buckets != NULL ? n : 0;
    h->count = 0;
    return h->buckets != NULL ? QL_OK : ql_fail_oom(cx, n * sizeof *h->buckets);
}

void
ql_hash_fini(ql_hash *h)
{
    ql_mem_free(h->buckets);
    *h = (ql_hash){0};
}

/* The table grows by one bucket at a time (linear hashing: Litwin, 1980), so that no insertion pays
 * for all. Buckets are told apart by as many bits of the hash as nbuckets has; those that have not
 * been split yet by one less. */
static ql_hash_node **
slot_of(const ql_hash *h, uint64_t hash)
{
    size_t high = (size_t)1 << (63 - __builtin_clzll(h->nbuckets)); /* the largest power of two */
    size_t at = hash & (2 * high - 1);
    return &h->buckets[at < h->nbuckets ? at : at - high];
}

/* Room for twice as many buckets: from a megabyte on the system moves pages, not bytes. */
static bool
make_room(ql_hash *h)
{
    ql_hash_node **more = ql_mem_realloc(h->buckets, 2 * h->cap * sizeof *more);
    if (more == NULL) {
        return false;
    }
    h->buckets = more;
    h->cap *= 2;
    return true;
}

static void
grow(ql_hash *h)
{
    if (h->nbuckets == h->cap && !make_room(h)) {
        return;
    }
    ql_hash_node *node, *next, **from = slot_of(h, h->nbuckets);
    h->buckets[h->nbuckets++] = NULL;
    for (node = *from, *from = NULL; node != NULL; node = next) {
        ql_hash_node **to = slot_of(h, node->hash);
        next = node->next;
        node->next = *to;
        *to = node;
    }
}

static ql_hash_node *
match_from(ql_hash_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash) {
        node = node->next;
    }
    return node;
}

ql_hash_node *
ql_hash_first(const ql_hash *h, uint64_t hash)
{
    return h->nbuckets != 0 ? match_from(*slot_of(h, hash), hash) : NULL;
}

ql_hash_node *
ql_hash_next(const ql_hash_node *node)
{
    return match_from(node->next, node->hash);
}

void
ql_hash_insert(ql_hash *h, ql_hash_node *node, uint64_t hash)
{
    if (h->count >= h->nbuckets) {
        grow(h);
    }
    ql_hash_node **slot = slot_of(h, hash);
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    h->count++;
}

void
ql_hash_remove(ql_hash *h, ql_hash_node *node)
{
    ql_hash_node **slot = slot_of(h, node->hash);
    while (*slot != node) {
        slot = &(*slot)->next;
    }
    *slot = node->next;
    node->next = NULL;
    h->count--;
}
