/* SPDX-License-Identifier: Apache-2.0
 *
 * The only door to malloc. Counts bytes, can be told to fail on demand (tests). For containers that
 * shrink and for objects shared between threads; everything else comes from an arena.
 */
#ifndef QL_BASE_MEM_H
#define QL_BASE_MEM_H

#include "base/status.h"

/* Size bytes or NULL when memory is out (no diagnostics: see ql_fail_oom in diag.h). Freed by
 * ql_mem_free. */
void *ql_mem_alloc(size_t size) QL_MUST_USE;
void *ql_mem_zalloc(size_t size) QL_MUST_USE;
/* As realloc; on NULL the old block stays valid. */
void *ql_mem_realloc(void *p, size_t size) QL_MUST_USE;
void ql_mem_free(void *p);
/* For large pieces: size bytes, a multiple of the page size, straight from the system, and straight
 * back to it. NULL when memory is out. */
void *ql_mem_map(size_t size) QL_MUST_USE;
void ql_mem_unmap(void *p, size_t size);
/* Copy of n bytes with a NUL behind them, or NULL. */
char *ql_mem_strndup(const char *s, size_t n) QL_MUST_USE;

/* Bytes now allocated through this door in the process (approximate, from malloc_usable_size). */
size_t ql_mem_in_use(void);

/* Once, first of all: malloc keeps less of what is freed. */
void ql_mem_tune(void);
/* The end of the calling thread's heap, as its owner last saw it. From zero. */
typedef struct ql_mem_end {
    const char *top;
    uint32_t skip, skips; /* calls to leave out; how many the last time */
} ql_mem_end;

/* Who is about to take many small pieces: glibc makes a thread's heap larger page by page, with a
 * system call (mprotect) each that stops the page faults of all threads. Up to a quarter of a
 * megabyte then comes without one. Where the heap cannot grow (it has its full size, and what is
 * taken comes from free pieces) it is tried again more and more seldom. e belongs to the thread and
 * its work. */
void ql_mem_widen(ql_mem_end *e);
/* Give free pages that malloc keeps back to the system. Takes milliseconds, and whoever allocates
 * may have to wait for a part of them. */
void ql_mem_trim(void);

/* Tests: let the nth allocation from now (1 = next) of this thread fail, once; 0 switches it off.
 */
void ql_mem_fail_after(uint64_t nth);
uint64_t
ql_mem_fail_pending(void); /* how many are still to come; 0: it has failed, or none is to */

#endif
