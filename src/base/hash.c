/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash functions (multiply and fold, 8 bytes at a time; not for digests, not stored on disk) and
 * the chained table, which doubles when it holds as many nodes as buckets.
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
    h->nbuckets = h->buckets != NULL ? n : 0;
    h->count = 0;
    return h->buckets != NULL ? QL_OK : ql_fail_oom(cx, n * sizeof *h->buckets);
}

void
ql_hash_fini(ql_hash *h)
{
    ql_mem_free(h->buckets);
    *h = (ql_hash){0};
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
    return h->nbuckets != 0 ? match_from(h->buckets[hash & (h->nbuckets - 1)], hash) : NULL;
}

ql_hash_node *
ql_hash_next(const ql_hash_node *node)
{
    return match_from(node->next, node->hash);
}

static void
grow(ql_hash *h)
{
    size_t n = h->nbuckets * 2;
    ql_hash_node **buckets = ql_mem_zalloc(n * sizeof *buckets);
    if (buckets == NULL) {
        return;
    }
    for (size_t i = 0; i < h->nbuckets; i++) {
        ql_hash_node *node = h->buckets[i];
        while (node != NULL) {
            ql_hash_node *next = node->next;
            node->next = buckets[node->hash & (n - 1)];
            buckets[node->hash & (n - 1)] = node;
            node = next;
        }
    }
    ql_mem_free(h->buckets);
    h->buckets = buckets;
    h->nbuckets = n;
}

void
ql_hash_insert(ql_hash *h, ql_hash_node *node, uint64_t hash)
{
    if (h->count >= h->nbuckets) {
        grow(h);
    }
    ql_hash_node **slot = &h->buckets[hash & (h->nbuckets - 1)];
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    h->count++;
}

void
ql_hash_remove(ql_hash *h, ql_hash_node *node)
{
    ql_hash_node **slot = &h->buckets[node->hash & (h->nbuckets - 1)];
    while (*slot != node) {
        slot = &(*slot)->next;
    }
    *slot = node->next;
    node->next = NULL;
    h->count--;
}
