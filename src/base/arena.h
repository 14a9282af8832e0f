/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas by lifetime: connection > prepared statement > transaction > statement > block. Memory is
 * given back all at once by reset or free, after the deferred clean-ups have run, last one first.
 * One thread at a time; no locks.
 */
#ifndef QL_BASE_ARENA_H
#define QL_BASE_ARENA_H

#include "base/quota.h"

typedef struct ql_arena ql_arena;

/* New empty arena, or NULL when memory is out. name is for diagnostics, static. quota (of one or
 * several arenas) may be NULL. */
ql_arena *ql_arena_new(const char *name, ql_quota *quota) QL_MUST_USE;
/* Run the deferred clean-ups, give back all memory (reset keeps one block for reuse). NULL is
 * ignored. */
void ql_arena_reset(ql_arena *a);
void ql_arena_free(ql_arena *a);
/* Run the clean-ups and give the bytes back to the quota; the memory stays, counted by the budget,
 * and the arena is of no more use but for ql_arena_free, by any thread: freeing hundreds of
 * megabytes takes its time. */
void ql_arena_detach(ql_arena *a);

/* Size bytes aligned to 16 from a; NULL after ql_fail when memory (1037) or the quota (4082) is
 * out, or, for every so many bytes (base/bulk.h), when a look says that the statement was killed:
 * so whatever allocates in a loop, and whatever copies, can be stopped. Those who are told NULL
 * return QL_ERROR in both cases; the session looks at the error itself (ql_intr_outcome).
 */
void *ql_arena_alloc(ql_ctx *cx, ql_arena *a, size_t size) QL_MUST_USE;
void *ql_arena_zalloc(ql_ctx *cx, ql_arena *a, size_t size) QL_MUST_USE;
/* Copy with a NUL behind it. */
char *ql_arena_strndup(ql_ctx *cx, ql_arena *a, const char *s, size_t n) QL_MUST_USE;
char *ql_arena_printf(ql_ctx *cx, ql_arena *a, const char *fmt, ...) QL_MUST_USE QL_PRINTF(3, 4);
/* s for a message: with a NUL behind it, in the statement's arena, cut at 1,024 bytes; "?" when
 * there is no memory. */
const char *ql_cstr(ql_ctx *cx, ql_str s);
#define QL_ARENA_NEW(cx, a, type) ((type *)ql_arena_zalloc((cx), (a), sizeof(type)))
#define QL_ARENA_ARRAY(cx, a, type, n)                                                             \
    ((type *)ql_arena_zalloc((cx), (a), sizeof(type) * (size_t)(n)))

/* fn(arg) at the next reset or free. The arena owns the record, not arg. fn must not wait. */
ql_status ql_arena_defer(ql_ctx *cx, ql_arena *a, void (*fn)(void *), void *arg) QL_MUST_USE;

/* A point to go back to: everything allocated since is given back. No deferred clean-ups may have
 * been added since. */
typedef struct ql_arena_mark {
    void *block;
    size_t used;
    uint64_t serial;
} ql_arena_mark;
ql_arena_mark ql_arena_save(ql_arena *a);
void ql_arena_restore(ql_arena *a, ql_arena_mark m);

/* Tests, debug builds: the nth arena allocation of the next statement fails; 0 = off. The session
 * calls begin when it starts a statement, which resets cx->mem_allocs (mem_allocs_last keeps its
 * value) and makes the armed number count. */
void ql_arena_fault_arm(ql_ctx *cx, uint64_t nth);
void ql_arena_fault_begin(ql_ctx *cx);

size_t ql_arena_used(const ql_arena *a);
/* The quota it charges, or NULL: for arenas that are to share it. */
ql_quota *ql_arena_quota(const ql_arena *a);
size_t ql_arena_live_count(void); /* arenas now alive in the process; leak checks in tests */

#endif
