/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena: a stack of blocks that grow from 1 KiB to 64 KiB, in arenas of some megabytes 1 MiB, and
 * beside it a stack of large blocks with one allocation each, so that a big one does not waste the
 * rest of the block in use. What is 1 MiB or more comes from the system and goes back to it, so
 * that what a large statement has taken does not stay with the server. Quotas count whole blocks.
 * Under AddressSanitizer the unused bytes are poisoned and allocations have a red zone.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/dispose.h"
#include "base/mem.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define RED_ZONE 16u
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE 0u
#endif

#define ALIGNMENT 16u
#define FIRST_BLOCK 1024u
#define LAST_BLOCK 65536u
#define LARGE_FROM (LAST_BLOCK / 4)
#define PAGE ((size_t)4096)
#define MAP_FROM ((size_t)1 << 20) /* blocks from the system, whole pages */
/* From here on ordinary blocks are such. What is below goes back to malloc, which may give it to
 * the system in one go, 0.1 ms a MiB, on whatever thread frees it; mapped blocks cost the next
 * statement more, being unmapped beside it. */
#define BIG_ARENA ((size_t)4 << 20)
/* Of one allocation; what is written into a larger one is counted then. */
#define COUNTED_MOST 4096u

typedef struct block {
    struct block *below;
    size_t size;     /* bytes of data */
    size_t used;     /* bytes of data handed out */
    size_t mapped;   /* bytes from the system; 0 = from malloc */
    uint64_t serial; /* large blocks: order of birth */
    _Alignas(ALIGNMENT) unsigned char data[];
} block;

typedef struct deferred {
    struct deferred *below;
    void (*fn)(void *);
    void *arg;
} deferred;

/* Owner: whoever made it; one thread at a time. */
struct ql_arena {
    const char *name;
    ql_quota *quota;
    ql_budget *budget; /* of a detached one: whom to tell what has been freed; or NULL */
    block *top;
    block *large;
    block
        *spare; /* an ordinary mapped one: a mark that is gone back to again and again costs none */
    deferred *cleanups;
    size_t bytes;     /* of all blocks, as charged to the quota */
    uint64_t serial;  /* of the youngest large block */
    size_t next_size; /* of the next ordinary block */
};

static _Atomic size_t live_arenas;

ql_arena *
ql_arena_new(const char *name, ql_quota *quota)
{
    ql_arena *a = ql_mem_zalloc(sizeof *a);
    if (a != NULL) {
        a->name = name;
        a->quota = quota;
        a->next_size = FIRST_BLOCK;
        atomic_fetch_add_explicit(&live_arenas, 1, memory_order_relaxed);
    }
    return a;
}

size_t
ql_arena_live_count(void)
{
    return atomic_load_explicit(&live_arenas, memory_order_relaxed);
}

size_t
ql_arena_used(const ql_arena *a)
{
    return a->bytes;
}

ql_quota *
ql_arena_quota(const ql_arena *a)
{
    return a->quota;
}

static void
discharge(ql_arena *a, size_t n)
{
    ql_quota_give(a->quota, n);
    if (a->budget != NULL) {
        ql_budget_freed(a->budget, n);
    }
    a->bytes -= n;
}

static block *
new_block(ql_ctx *cx, ql_arena *a, size_t size)
{
    size_t total = sizeof(block) + size, mapped = 0;
    if (total >= MAP_FROM) {
        total = mapped = (total + PAGE - 1) & ~(PAGE - 1);
        size = total - sizeof(block);
        if (ql_dispose_help(cx) != QL_OK) {
            return NULL;
        }
    }
    if (!ql_quota_take(cx, a->quota, total)) {
        return NULL;
    }
    block *b = mapped != 0 ? ql_mem_map(total) : ql_mem_alloc(total);
    if (b == NULL) {
        ql_quota_give(a->quota, total);
        (void)ql_fail_oom(cx, total);
        return NULL;
    }
    a->bytes += total;
    *b = (block){.size = size, .mapped = mapped};
    POISON(b->data, size);
    return b;
}

static bool
unmap_dead(ql_dead *d)
{
    if (!ql_dispose_pages(d)) {
        return false;
    }
    block *b = (block *)(void *)((unsigned char *)d - offsetof(block, data));
    ql_mem_unmap(b, b->mapped);
    return true;
}

static void
free_block(ql_arena *a, block *b)
{
    UNPOISON(b->data, b->size);
    discharge(a, sizeof(block) + b->size);
    if (b->mapped != 0) {
        ql_dispose((ql_dead *)(void *)b->data, b->size, unmap_dead);
    } else {
        ql_mem_free(b);
    }
}

static void
free_spare(ql_arena *a)
{
    if (a->spare != NULL) {
        free_block(a, a->spare);
        a->spare = NULL;
    }
}

/* The top one goes because of a mark. */
static void
pop_block(ql_arena *a)
{
    block *b = a->top;
    a->top = b->below;
    if (b->mapped != 0 && a->spare == NULL) {
        b->used = 0;
        POISON(b->data, b->size);
        a->spare = b;
    } else {
        free_block(a, b);
    }
}

static void *
take_from(block *b, size_t step, size_t size)
{
    void *p = b->data + b->used;
    b->used += step;
    UNPOISON(p, size);
    (void)size;
    return p;
}

static void *
alloc_large(ql_ctx *cx, ql_arena *a, size_t step, size_t size)
{
    block *b = new_block(cx, a, step);
    if (b == NULL) {
        return NULL;
    }
    b->serial = ++a->serial;
    b->below = a->large;
    a->large = b;
    return take_from(b, step, size);
}

static void *
alloc_in_new_block(ql_ctx *cx, ql_arena *a, size_t step, size_t size)
{
    bool big = a->bytes >= BIG_ARENA;
    size_t want = big ? MAP_FROM - sizeof(block) : a->next_size;
    while (want < step) {
        want *= 2;
    }
    block *b = big ? a->spare : NULL;
    if (b != NULL) {
        a->spare = NULL;
    } else {
        b = new_block(cx, a, want);
    }
    if (b == NULL) {
        return NULL;
    }
    if (!big) {
        a->next_size = want < LAST_BLOCK ? want * 2 : LAST_BLOCK;
    }
    b->below = a->top;
    a->top = b;
    return take_from(b, step, size);
}

static bool
fault_is_due(ql_ctx *cx)
{
#ifdef QL_DEBUG
    return ++cx->mem_allocs == cx->mem_fail_at;
#else
    (void)cx;
    return false;
#endif
}

void
ql_arena_fault_arm(ql_ctx *cx, uint64_t nth)
{
    cx->mem_fail_armed = nth;
}

void
ql_arena_fault_begin(ql_ctx *cx)
{
    cx->mem_allocs_last = cx->mem_allocs;
    cx->mem_allocs = 0;
    cx->mem_fail_at = cx->mem_fail_armed;
    cx->mem_fail_armed = 0;
    cx->unlooked = 0;
}

void *
ql_arena_alloc(ql_ctx *cx, ql_arena *a, size_t size)
{
    if (QL_UNLIKELY(size > PTRDIFF_MAX / 2 || fault_is_due(cx))) {
        (void)ql_fail_oom(cx, size);
        return NULL;
    }
    size_t step = (size + RED_ZONE + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (step == 0) {
        step = ALIGNMENT;
    }
    if (QL_UNLIKELY(ql_bulk_count(cx, step < COUNTED_MOST ? step : COUNTED_MOST) != QL_OK)) {
        return NULL;
    }
    if (QL_LIKELY(a->top != NULL && a->top->size - a->top->used >= step)) {
        return take_from(a->top, step, size);
    }
    return step >= LARGE_FROM ? alloc_large(cx, a, step, size)
                              : alloc_in_new_block(cx, a, step, size);
}

void *
ql_arena_zalloc(ql_ctx *cx, ql_arena *a, size_t size)
{
    void *p = ql_arena_alloc(cx, a, size);
    if (p == NULL || ql_bulk_zero(cx, p, size) != QL_OK) {
        return NULL;
    }
    return p;
}

char *
ql_arena_strndup(ql_ctx *cx, ql_arena *a, const char *s, size_t n)
{
    char *p = ql_arena_alloc(cx, a, n + 1);
    if (p == NULL || ql_bulk_copy(cx, p, s, n) != QL_OK) {
        return NULL;
    }
    p[n] = '\0';
    return p;
}

#define SHOWN_BYTES 1024 /* of a name in a message, which is cut before that */

const char *
ql_cstr(ql_ctx *cx, ql_str s)
{
    size_t n = s.n < SHOWN_BYTES ? s.n : SHOWN_BYTES;
    char *p = cx->arena != NULL ? ql_arena_strndup(cx, cx->arena, s.p != NULL ? s.p : "", n) : NULL;
    return p != NULL ? p : "?";
}

char *
ql_arena_printf(ql_ctx *cx, ql_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        (void)ql_fail_oom(cx, 0);
        return NULL;
    }
    char *p = ql_arena_alloc(cx, a, (size_t)n + 1);
    if (p != NULL) {
        va_start(ap, fmt);
        (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return p;
}

ql_status
ql_arena_defer(ql_ctx *cx, ql_arena *a, void (*fn)(void *), void *arg)
{
    deferred *d = ql_arena_alloc(cx, a, sizeof *d);
    if (d == NULL) {
        return QL_ERROR;
    }
    d->fn = fn;
    d->arg = arg;
    d->below = a->cleanups;
    a->cleanups = d;
    return QL_OK;
}

static void
run_cleanups(ql_arena *a)
{
    while (a->cleanups != NULL) {
        deferred *d = a->cleanups;
        a->cleanups = d->below;
        d->fn(d->arg);
    }
}

static void
free_large_after(ql_arena *a, uint64_t serial)
{
    while (a->large != NULL && a->large->serial > serial) {
        block *b = a->large;
        a->large = b->below;
        free_block(a, b);
    }
}

void
ql_arena_reset(ql_arena *a)
{
    if (a == NULL) {
        return;
    }
    run_cleanups(a);
    free_large_after(a, 0);
    free_spare(a);
    block *keep = NULL;
    while (a->top != NULL) {
        block *b = a->top;
        a->top = b->below;
        if (keep == NULL && b->size <= LAST_BLOCK) {
            keep = b; /* the youngest is the largest of them */
        } else {
            free_block(a, b);
        }
    }
    if (keep != NULL) {
        keep->below = NULL;
        keep->used = 0;
        POISON(keep->data, keep->size);
    }
    a->top = keep;
    a->serial = 0;
}

void
ql_arena_free(ql_arena *a)
{
    if (a == NULL) {
        return;
    }
    ql_arena_reset(a);
    if (a->top != NULL) {
        free_block(a, a->top);
    }
    atomic_fetch_sub_explicit(&live_arenas, 1, memory_order_relaxed);
    ql_mem_free(a);
}

void
ql_arena_detach(ql_arena *a)
{
    run_cleanups(a);
    a->budget = ql_quota_leave(a->quota, a->bytes);
    a->quota = NULL;
}

ql_arena_mark
ql_arena_save(ql_arena *a)
{
    return (ql_arena_mark){a->top, a->top != NULL ? a->top->used : 0,
                           a->large != NULL ? a->large->serial : 0};
}

void
ql_arena_restore(ql_arena *a, ql_arena_mark m)
{
    free_large_after(a, m.serial);
    while (a->top != m.block && a->top != NULL) {
        if (a->top->below == NULL && m.block == NULL) {
            break; /* saved before the first block: keep that one for reuse */
        }
        pop_block(a);
    }
    if (a->top != NULL) {
        a->top->used = m.block != NULL ? m.used : 0;
        POISON(a->top->data + a->top->used, a->top->size - a->top->used);
    }
}
