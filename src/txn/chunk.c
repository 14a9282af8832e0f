/* SPDX-License-Identifier: Apache-2.0
 *
 * Chunk lists. Sizes double from 1 KiB to 1 MiB, so that a one-row statement costs one small
 * allocation and a million rows cost few large ones. The largest come from the system and go back
 * to it: what a large transaction has taken does not stay with the server.
 */
#include "txn/chunk.h"

#include "base/thread.h"

#define SMALLEST 1024u
#define LARGEST (1024u * 1024u)
#define PAGE ((size_t)4096)

static qli_chunk *
new_chunk(size_t size)
{
    qli_chunk *k = size < LARGEST ? ql_mem_alloc(size) : ql_mem_map(size);
    if (k != NULL) {
        k->mapped = size < LARGEST ? 0 : size;
    }
    return k;
}

/* A large one takes the system a fifth of a millisecond, and a kernel that does not preempt would
 * let whoever waits for this processor, a client with its answer, wait for all of them. */
static void
free_chunk(qli_chunk *k)
{
    if (k->mapped != 0) {
        ql_mem_unmap(k, k->mapped);
        ql_thread_yield();
    } else {
        ql_mem_free(k);
    }
}

static qli_chunk *
add_chunk(qli_chunks *c, size_t n)
{
    size_t size = c->newest == NULL ? SMALLEST : c->newest->size * 2 + sizeof(qli_chunk);
    size = size > LARGEST ? LARGEST : size;
    size = size < n + sizeof(qli_chunk) ? n + sizeof(qli_chunk) : size;
    size = size < LARGEST ? size : (size + PAGE - 1) & ~(PAGE - 1);
    qli_chunk *k = new_chunk(size);
    if (k == NULL) {
        return NULL;
    }
    k->size = size - sizeof *k;
    k->used = 0;
    k->next = c->newest;
    c->newest = k;
    if (c->oldest == NULL) {
        c->oldest = k;
    }
    c->total += size;
    if (c->counter != NULL) {
        atomic_fetch_add_explicit(c->counter, size, memory_order_relaxed);
    }
    return k;
}

void *
qli_chunks_take(qli_chunks *c, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    qli_chunk *k = c->newest;
    if (k == NULL || k->size - k->used < n) {
        k = add_chunk(c, n);
        if (k == NULL) {
            return NULL;
        }
    }
    void *p = k->bytes + k->used;
    k->used += n;
    return p;
}

bool
qli_chunks_reserve(qli_chunks *c, size_t n)
{
    const qli_chunk *k = c->newest;
    return n == 0 || (k != NULL && k->size - k->used >= n) || add_chunk(c, n) != NULL;
}

void
qli_chunks_join(qli_chunks *into, qli_chunks *from)
{
    if (from->newest == NULL) {
        return;
    }
    if (into->newest == NULL) {
        into->newest = from->newest;
    } else {
        into->oldest->next = from->newest;
    }
    into->oldest = from->oldest;
    into->total += from->total;
    from->newest = from->oldest = NULL;
    from->total = 0;
}

void
qli_chunks_free(qli_chunks *c)
{
    for (qli_chunk *k = c->newest, *next; k != NULL; k = next) {
        next = k->next;
        free_chunk(k);
    }
    if (c->counter != NULL) {
        atomic_fetch_sub_explicit(c->counter, c->total, memory_order_relaxed);
    }
    c->newest = c->oldest = NULL;
    c->total = 0;
}
