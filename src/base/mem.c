/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that calls malloc (and mmap for memory). Counts bytes and fails on demand. Any
 * thread; no locks. The failure counter is per thread because it is a test tool of whoever runs on
 * that thread.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/dispose.h"

static _Atomic size_t bytes_in_use;
static _Thread_local uint64_t fail_countdown;

static bool
must_fail(void)
{
    return QL_UNLIKELY(fail_countdown != 0) && --fail_countdown == 0;
}

static void
count_block(void *p)
{
    if (p != NULL) {
        atomic_fetch_add_explicit(&bytes_in_use, malloc_usable_size(p), memory_order_relaxed);
    }
}

static void
uncount_bytes(size_t n)
{
    atomic_fetch_sub_explicit(&bytes_in_use, n, memory_order_relaxed);
}

void *
ql_mem_alloc(size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    void *p = malloc(size != 0 ? size : 1);
    count_block(p);
    return p;
}

void *
ql_mem_zalloc(size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    void *p = calloc(1, size != 0 ? size : 1);
    count_block(p);
    return p;
}

void *
ql_mem_realloc(void *p, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    size_t before = p != NULL ? malloc_usable_size(p) : 0;
    void *q = realloc(p, size != 0 ? size : 1);
    if (q != NULL) {
        uncount_bytes(before);
        count_block(q);
    }
    return q;
}

static void
free_now(void *p)
{
    uncount_bytes(malloc_usable_size(p));
    free(p);
}

static bool
free_dead(ql_dead *d)
{
    if (!ql_dispose_pages(d)) {
        return false;
    }
    free_now(d);
    return true;
}

void
ql_mem_free(void *p)
{
    if (p == NULL) {
        return;
    }
    size_t n = malloc_usable_size(p);
    if (n >= QL_DISPOSE_FROM) {
        ql_dispose(p, n, free_dead);
    } else {
        free_now(p);
    }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
void *
ql_mem_map(size_t size)
{
    return ql_mem_alloc(size); /* where the sanitizer sees its bounds and its end */
}

void
ql_mem_unmap(void *p, size_t size)
{
    (void)size;
    ql_mem_free(p);
}
#else
void *
ql_mem_map(size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    atomic_fetch_add_explicit(&bytes_in_use, size, memory_order_relaxed);
    return p;
}

void
ql_mem_unmap(void *p, size_t size)
{
    uncount_bytes(size);
    (void)munmap(p, size);
}
#endif

char *
ql_mem_strndup(const char *s, size_t n)
{
    char *p = ql_mem_alloc(n + 1);
    if (p != NULL) {
        if (n != 0) {
            memcpy(p, s, n);
        }
        p[n] = '\0';
    }
    return p;
}

size_t
ql_mem_in_use(void)
{
    return atomic_load_explicit(&bytes_in_use, memory_order_relaxed);
}

/* Fixed, for glibc raises both with what is freed, up to 32 and 64 MiB, and keeps so much at the
 * end of each of its heaps. */
void
ql_mem_tune(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
void
ql_mem_widen(ql_mem_end *e)
{
    (void)e;
}
#else
#define WIDE ((size_t)960 << 10) /* below the thresholds of ql_mem_tune: it stays with the heap */
#define LEFT ((size_t)256 << 10)
#define SKIPS_MAX 255u

/* What is taken and given back at once comes from the heap's end, and shows how far that has moved.
 */
static const char *
take_and_give(size_t n)
{
    char *volatile p = malloc(n); /* or the compiler leaves both out */
    free(p);
    return p;
}

static bool
has_left(const ql_mem_end *e)
{
    const char *p = take_and_give(LEFT);
    return p != NULL && p >= e->top && (size_t)(p - e->top) <= WIDE - 2 * LEFT;
}

void
ql_mem_widen(ql_mem_end *e)
{
    if (e->skip != 0) {
        e->skip--;
        return;
    }
    if (QL_LIKELY(has_left(e))) {
        e->skips = 0;
        return;
    }
    e->top = take_and_give(WIDE);
    /* A full heap has a neighbour made for it and thrown away each time: a dozen system calls. */
    if (!has_left(e)) {
        e->skips = e->skips < SKIPS_MAX ? 2 * e->skips + 1 : SKIPS_MAX;
        e->skip = e->skips;
    }
}
#endif

void
ql_mem_trim(void)
{
    (void)malloc_trim(0);
}

void
ql_mem_fail_after(uint64_t nth)
{
    fail_countdown = nth;
}

uint64_t
ql_mem_fail_pending(void)
{
    return fail_countdown;
}
