/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages looked through in the mapping, which nobody writes while a snapshot shows them. Whoever
 * finds a page whole notes the time in the page's byte; looks at the same page at the same time
 * find the same. No locks, no waits.
 */
#include "kv/lmdb_look.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/hash.h"
#include "kv/lmdb_int.h"
#include "kv/lmdb_pages.h"

static int64_t
coarse_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

void
qli_looks_init(qli_looks *w, qli_mapping map, uint32_t page_bytes, bool sums)
{
    *w = (qli_looks){.map = map, .page_bytes = page_bytes, .sums = sums, .seconds = coarse_seconds};
    size_t pages = (map.to - map.from) / page_bytes;
    if (pages == 0) {
        return;
    }
    void *p = mmap(NULL, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    w->when = p != MAP_FAILED ? p : NULL;
}

void
qli_looks_fini(qli_looks *w)
{
    if (w->when != NULL) {
        (void)munmap((void *)w->when, (w->map.to - w->map.from) / w->page_bytes);
        w->when = NULL;
    }
}

/* Number of the present interval, 1 to 255. */
static uint8_t
interval(const qli_looks *w)
{
    return (uint8_t)(1 + w->seconds() / QLI_BELIEVED_S % 255);
}

static bool
is_mapped(const qli_looks *w, uintptr_t page)
{
    return page >= w->map.from && page < w->map.to;
}

static _Atomic uint8_t *
when(const qli_looks *w, uintptr_t page)
{
    return &w->when[qli_page_number(w, page)];
}

/* The value of a leaf's node matches its checksum, as far as that is for a page to tell: pieces of
 * long keys and what stands on pages of its own are compared by whoever reads them. */
static bool
value_matches(const qli_node *n)
{
    size_t size = n->lo | (size_t)n->hi << 16;
    MDB_val v = {.mv_size = size, .mv_data = (void *)(uintptr_t)n->data};
    return (n->flags & QLI_N_BIG) != 0 || n->key.n > QLI_PLAIN_MAX ||
           (unsigned char)n->key.p[0] == QLI_KV_INTERNAL || qli_value_is_whole(n->key, &v);
}

static bool
lies_in_page(const qli_node *n)
{
    size_t size = n->lo | (size_t)n->hi << 16;
    return n->key.n != 0 && (n->flags & ~QLI_N_BIG) == 0 &&
           ((n->flags & QLI_N_BIG) != 0 ? n->room >= sizeof(uint64_t) : n->room >= size);
}

static qli_look
look_through(const qli_looks *w, uintptr_t at)
{
    const char *page = (const char *)at;
    qli_page_head h;
    memcpy(&h, page, sizeof h);
    if (h.number != qli_page_number(w, at) || (h.flags & QLI_P_KINDS) != QLI_P_LEAF ||
        !qli_page_bounds_hold(&h, w->page_bytes)) {
        return QLI_LOOK_BAD_PAGE;
    }
    qli_look found = QLI_LOOK_WHOLE;
    unsigned n = (h.lower - QLI_PAGE_HEAD) / 2;
    ql_str before = {"", 0};
    for (unsigned i = 0; i < n; i++) {
        qli_node node;
        if (!qli_node_at(page, w->page_bytes, i, h.lower, &node) || !lies_in_page(&node) ||
            ql_str_cmp(before, node.key) >= 0) {
            return QLI_LOOK_BAD_PAGE;
        }
        if (w->sums && !value_matches(&node)) {
            found = QLI_LOOK_BAD_VALUE;
        }
        before = node.key;
    }
    return found;
}

qli_look
qli_look_at_leaf(const qli_looks *w, uintptr_t page)
{
    if (!is_mapped(w, page)) {
        return QLI_LOOK_WHOLE;
    }
    uint8_t now = interval(w);
    if (QL_LIKELY(atomic_load_explicit(when(w, page), memory_order_relaxed) == now)) {
        return QLI_LOOK_WHOLE;
    }
    qli_look found = look_through(w, page);
    if (found == QLI_LOOK_WHOLE) {
        atomic_store_explicit(when(w, page), now, memory_order_relaxed);
    }
    return found;
}

/* The bytes of a value's pages say when it was compared and whose it was found to be: an entry that
 * lost a bit may name the pages of another. The first of them do. */
#define MARKED_PAGES 4u

static unsigned
marked_pages(const qli_looks *w, uintptr_t page, size_t n)
{
    size_t pages = (QLI_PAGE_HEAD + n + w->page_bytes - 1) / w->page_bytes;
    size_t there = (w->map.to - page) / w->page_bytes;
    pages = pages < there ? pages : there;
    return pages < MARKED_PAGES ? (unsigned)pages : MARKED_PAGES;
}

/* Mark i, 1 to 255, of a value of key in the present interval. */
static uint8_t
mark(uint8_t now, uint64_t whose, unsigned i)
{
    return (uint8_t)(1 + (now + (whose >> 16 * i & 0xffff)) % 255);
}

qli_look
qli_look_at_big(const qli_looks *w, uintptr_t page, ql_str key, size_t n)
{
    qli_page_head h;
    uint32_t pages;
    if (!is_mapped(w, page)) {
        return QLI_LOOK_BAD_VALUE;
    }
    memcpy(&h, (const char *)page, sizeof h);
    memcpy(&pages, &h.lower, sizeof pages);
    if (h.number != qli_page_number(w, page) || (h.flags & QLI_P_KINDS) != QLI_P_OVERFLOW ||
        QLI_PAGE_HEAD + (uint64_t)n > (uint64_t)pages * w->page_bytes) {
        return QLI_LOOK_BAD_PAGE;
    }
    uint8_t now = interval(w);
    uint64_t whose = ql_hash_bytes(key.p, key.n, n);
    bool known = true;
    for (unsigned i = 0; i < marked_pages(w, page, n); i++) {
        known &=
            atomic_load_explicit(when(w, page) + i, memory_order_relaxed) == mark(now, whose, i);
    }
    return known ? QLI_LOOK_WHOLE : QLI_LOOK_BAD_VALUE;
}

void
qli_look_compared(const qli_looks *w, uintptr_t page, ql_str key, size_t n)
{
    uint8_t now = interval(w);
    uint64_t whose = ql_hash_bytes(key.p, key.n, n);
    for (unsigned i = 0; is_mapped(w, page) && i < marked_pages(w, page, n); i++) {
        atomic_store_explicit(when(w, page) + i, mark(now, whose, i), memory_order_relaxed);
    }
}
