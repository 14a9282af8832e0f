/* SPDX-License-Identifier: Apache-2.0
 *
 * The generation in memory (memtable.h): skip list after W. Pugh, "Skip Lists: A Probabilistic
 * Alternative to Balanced Trees" (1990), with one writer and lock-free readers; the versions of a
 * key carry jump pointers after E. Myers, "An Applicative Random-Access Stack" (1983), so that old
 * snapshots of a hot key stay cheap. Memory comes from chunks that are freed together.
 */
#include "kv/memtable.h"

#include "base/hash.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define BUCKETS ((size_t)1 << 15)
#define BUCKETS_LARGE ((size_t)1 << 18)
#define LINK sizeof(void *)

struct qli_mchunk {
    qli_mchunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

bool
qli_mt_init(qli_memtable *m, bool large)
{
    memset(m, 0, sizeof *m);
    m->random = 0x9E3779B97F4A7C15u;
    m->nbuckets = large ? BUCKETS_LARGE : BUCKETS;
    m->buckets = ql_mem_zalloc(m->nbuckets * sizeof *m->buckets);
    atomic_store_explicit(&m->bytes, m->nbuckets * sizeof *m->buckets, memory_order_relaxed);
    return m->buckets != NULL;
}

void
qli_mt_fini(qli_memtable *m)
{
    for (qli_mchunk *c = m->chunks, *next; c != NULL; c = next) {
        next = c->next;
        ql_mem_free(c);
    }
    m->chunks = NULL;
    ql_mem_free(m->buckets);
    m->buckets = NULL;
}

/* A third of a link is what a node has above the lowest on average; of many nodes together it is
 * never much more. Where it should not be enough, nodes stay low. */
static size_t
spare_for(size_t n)
{
    size_t usual = n * LINK / 2 + 64 * LINK, most = n * (QLI_MT_LEVELS - 1) * LINK;
    return usual < most ? usual : most;
}

bool
qli_mt_reserve(qli_memtable *m, size_t cost, size_t n)
{
    m->spare = spare_for(n);
    cost += m->spare;
    if (m->chunks != NULL && m->chunks->size - m->chunks->used >= cost) {
        return true;
    }
    size_t size = cost > CHUNK_BYTES ? cost : CHUNK_BYTES;
    qli_mchunk *c = ql_mem_alloc(sizeof *c + size);
    if (c == NULL) {
        return false;
    }
    *c = (qli_mchunk){.next = m->chunks, .size = size};
    m->chunks = c;
    atomic_fetch_add_explicit(&m->bytes, sizeof *c + size, memory_order_relaxed);
    return true;
}

/* Reserved before. */
static void *
take(qli_memtable *m, size_t n)
{
    qli_mchunk *c = m->chunks;
    void *p = c->bytes + c->used;
    c->used += (n + 7) & ~(size_t)7;
    return p;
}

uint64_t
qli_mt_hash(ql_str key)
{
    return ql_hash_bytes(key.p, key.n, 0);
}

static uint32_t
random_levels(qli_memtable *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    uint32_t zeros =
        (uint32_t)__builtin_ctzll((m->random >> 8) | ((uint64_t)1 << (2 * QLI_MT_LEVELS - 2)));
    uint32_t above = zeros / 2;
    above = above * LINK <= m->spare ? above : 0;
    m->spare -= above * LINK;
    return 1 + above;
}

/* First node not below key; before[i] (NULL: not wanted) gets the link of level i that leads to it.
 */
static qli_mnode *
find_place(const qli_memtable *m, ql_str key, _Atomic(qli_mnode *) *before[QLI_MT_LEVELS],
           qli_mnode **below)
{
    _Atomic(qli_mnode *) *links = (_Atomic(qli_mnode *) *)(uintptr_t)m->head;
    const qli_mnode *known = NULL; /* found not below key one level up */
    qli_mnode *at = NULL, *last = NULL;
    for (int i = QLI_MT_LEVELS - 1; i >= 0; i--) {
        at = atomic_load_explicit(&links[i], memory_order_acquire);
        while (at != NULL && at != known && ql_str_cmp(qli_mnode_key(at), key) < 0) {
            last = at;
            links = at->next;
            at = atomic_load_explicit(&links[i], memory_order_acquire);
        }
        known = at;
        if (before != NULL) {
            before[i] = &links[i];
        }
    }
    if (below != NULL) {
        *below = last;
    }
    return at;
}

qli_mnode *
qli_mt_seek_ge(const qli_memtable *m, ql_str key)
{
    return find_place(m, key, NULL, NULL);
}

qli_mnode *
qli_mt_seek_lt(const qli_memtable *m, ql_str key)
{
    qli_mnode *below;
    (void)find_place(m, key, NULL, &below);
    return below;
}

/* Each level has a quarter of the nodes of the one below it (random_levels). */
double
qli_mt_spread(const qli_memtable *m, ql_str from, ql_str to, const qli_mnode **v, size_t cap,
              size_t *got)
{
    _Atomic(qli_mnode *) *before[QLI_MT_LEVELS];
    double each = 1;
    (void)find_place(m, from, before, NULL);
    *got = 0;
    for (int i = 1; i < QLI_MT_LEVELS; i++) {
        each *= 4;
    }
    for (int i = QLI_MT_LEVELS - 1; i >= 0; i--, each /= 4) {
        size_t n = 0, step = 1;
        *got = 0;
        const qli_mnode *at = atomic_load_explicit(before[i], memory_order_acquire);
        while (at != NULL && ql_str_cmp(qli_mnode_key(at), to) < 0) {
            if (n % step == 0 && *got == cap) { /* every second of them is enough */
                for (size_t k = 0; 2 * k < cap; k++) {
                    v[k] = v[2 * k];
                }
                *got = (cap + 1) / 2;
                step *= 2;
            }
            if (n % step == 0) {
                v[(*got)++] = at;
            }
            n++;
            at = atomic_load_explicit(&at->next[i], memory_order_acquire);
        }
        if (n >= cap / 2 || i == 0) {
            return (double)n * each;
        }
    }
    return 0;
}

/* As find_place, for the writer: keys that come in order begin at the newest node. */
static void
find_links(const qli_memtable *m, ql_str key, _Atomic(qli_mnode *) *before[QLI_MT_LEVELS])
{
    if (m->last == NULL || ql_str_cmp(qli_mnode_key(m->last), key) >= 0) {
        (void)find_place(m, key, before, NULL);
        return;
    }
    int i = 0;
    qli_mnode *at, *over = NULL; /* the farthest one below key that the newest node's links show */
    for (; i < QLI_MT_LEVELS; i++) {
        at = atomic_load_explicit(m->behind[i], memory_order_relaxed);
        if (at == NULL || ql_str_cmp(qli_mnode_key(at), key) >= 0) {
            break;
        }
        over = at;
    }
    for (int k = i; k < QLI_MT_LEVELS; k++) {
        before[k] = m->behind[k];
    }
    _Atomic(qli_mnode *) *links = over != NULL ? over->next : NULL;
    for (i--; i >= 0; i--) {
        at = atomic_load_explicit(&links[i], memory_order_relaxed);
        while (at != NULL && ql_str_cmp(qli_mnode_key(at), key) < 0) {
            links = at->next;
            at = atomic_load_explicit(&links[i], memory_order_relaxed);
        }
        before[i] = &links[i];
    }
}

const qli_mnode *
qli_mt_find(const qli_memtable *m, ql_str key, uint64_t hash)
{
    const qli_mnode *n =
        atomic_load_explicit(&m->buckets[hash & (m->nbuckets - 1)], memory_order_acquire);
    while (n != NULL) {
        if (n->hash == hash && n->n == key.n && memcmp(qli_mnode_key(n).p, key.p, key.n) == 0) {
            return n;
        }
        n = n->chain;
    }
    return NULL;
}

const qli_mver *
qli_mnode_at(const qli_mnode *n, uint64_t seq)
{
    const qli_mver *v = atomic_load_explicit(&n->newest, memory_order_acquire);
    while (v != NULL && v->seq > seq) {
        v = v->jump != NULL && v->jump->seq > seq ? v->jump : v->older;
    }
    return v;
}

/* In front of those of n. */
static void
add_version(qli_memtable *m, qli_mnode *n, uint64_t seq, ql_str value, bool deleted)
{
    qli_mver *v = take(m, sizeof *v + value.n);
    qli_mver *older = atomic_load_explicit(&n->newest, memory_order_relaxed);
    v->older = older;
    v->jump = older;
    v->depth = older != NULL ? older->depth + 1 : 0;
    if (older != NULL && older->jump != NULL && older->jump->jump != NULL &&
        older->depth - older->jump->depth == older->jump->depth - older->jump->jump->depth) {
        v->jump = older->jump->jump;
    }
    v->seq = seq;
    v->deleted = deleted;
    v->n = (uint32_t)value.n;
    if (value.n != 0) {
        memcpy(v->bytes, value.p, value.n);
    }
    atomic_store_explicit(&n->newest, v, memory_order_release);
}

static void
add_node(qli_memtable *m, ql_str key, uint64_t hash, uint64_t seq, ql_str value, bool deleted)
{
    _Atomic(qli_mnode *) *before[QLI_MT_LEVELS];
    find_links(m, key, before);
    uint32_t levels = random_levels(m);
    qli_mnode *n = take(m, sizeof *n + levels * sizeof n->next[0] + key.n);
    _Atomic(qli_mnode *) *bucket = &m->buckets[hash & (m->nbuckets - 1)];
    atomic_init(&n->newest, NULL);
    n->hash = hash;
    n->n = (uint32_t)key.n;
    n->levels = levels;
    n->chain = atomic_load_explicit(bucket, memory_order_relaxed);
    memcpy(&n->next[levels], key.p, key.n);
    add_version(m, n, seq, value, deleted);
    for (uint32_t i = 0; i < levels; i++) {
        atomic_init(&n->next[i], atomic_load_explicit(before[i], memory_order_relaxed));
    }
    for (uint32_t i = 0; i < QLI_MT_LEVELS; i++) {
        m->behind[i] = i < levels ? &n->next[i] : before[i];
    }
    m->last = n;
    for (uint32_t i = 0; i < levels; i++) {
        atomic_store_explicit(before[i], n, memory_order_release);
    }
    atomic_store_explicit(bucket, n, memory_order_release);
    atomic_fetch_add_explicit(&m->nodes, 1, memory_order_relaxed);
}

void
qli_mt_put(qli_memtable *m, uint64_t seq, ql_str key, ql_str value, bool deleted)
{
    uint64_t hash = qli_mt_hash(key);
    qli_mnode *n = (qli_mnode *)(uintptr_t)qli_mt_find(m, key, hash);
    if (n != NULL) {
        add_version(m, n, seq, value, deleted);
    } else {
        add_node(m, key, hash, seq, value, deleted);
    }
}
