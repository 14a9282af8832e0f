/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving, comparing and searching bytes with the kill flag in mind. What is moved is counted in
 * cx->unlooked, over all calls of a thread, and every QL_BULK_PIECE bytes the flag is looked at
 * (cx->look). So a copy of a gigabyte stops at once, and so does a loop of a million small ones.
 * Threads without a `look` (background threads, tests) are never stopped here.
 */
#ifndef QL_BASE_BULK_H
#define QL_BASE_BULK_H

#include <string.h>

#include "base/ctx.h"

/* Bytes between two looks: new memory costs up to 1 us a KiB on a small virtual machine, and a
 * piece may be copied to several places. */
#define QL_BULK_PIECE ((size_t)64 * 1024)

/* Look now. QL_KILLED, worded, when the statement has to stop. */
ql_status ql_bulk_look(ql_ctx *cx) QL_MUST_USE;
/* Work on n bytes is about to be done: count it, and look when it is time. */
static inline QL_MUST_USE ql_status
ql_bulk_count(ql_ctx *cx, size_t n)
{
    cx->unlooked += n;
    return QL_LIKELY(cx->unlooked < QL_BULK_PIECE) ? QL_OK : ql_bulk_look(cx);
}

/* What a step over one node of a tree or one element of a list counts for: they are out of the
 * cache when there are many. Lists have as many as a statement has room for. */
#define QL_BULK_NODE 64
#define QL_BULK_NODES 256 /* elements that ql_bulk_each counts at once */
static inline QL_MUST_USE ql_status
ql_bulk_node(ql_ctx *cx)
{
    return ql_bulk_count(cx, QL_BULK_NODE);
}
/* For loops that run often over short lists: element i of a list, counted when 256 have passed. */
static inline QL_MUST_USE ql_status
ql_bulk_each(ql_ctx *cx, size_t i)
{
    return QL_LIKELY(i % QL_BULK_NODES != QL_BULK_NODES - 1)
               ? QL_OK
               : ql_bulk_count(cx, (size_t)QL_BULK_NODE * QL_BULK_NODES);
}

ql_status ql_bulk_copy_long(ql_ctx *cx, void *to, const void *from, size_t n) QL_MUST_USE;
/* As memcpy; n may be 0 and then the pointers may be anything. */
static inline QL_MUST_USE ql_status
ql_bulk_copy(ql_ctx *cx, void *to, const void *from, size_t n)
{
    if (QL_UNLIKELY(n >= QL_BULK_PIECE)) {
        return ql_bulk_copy_long(cx, to, from, n);
    }
    if (n != 0) {
        memcpy(to, from, n);
    }
    return ql_bulk_count(cx, n);
}

/* As memset to 0. */
ql_status ql_bulk_zero(ql_ctx *cx, void *to, size_t n) QL_MUST_USE;
/* As memcmp: *order is below, at or above 0. */
ql_status ql_bulk_compare(ql_ctx *cx, const void *a, const void *b, size_t n,
                          int *order) QL_MUST_USE;
/* How many bytes a and b begin with in common, at most n. */
ql_status ql_bulk_same(ql_ctx *cx, const char *a, const char *b, size_t n,
                       size_t *same) QL_MUST_USE;
/* As ql_hash_bytes for texts of one piece; longer ones have a hash of their own kind. */
ql_status ql_bulk_hash(ql_ctx *cx, ql_str s, uint64_t seed, uint64_t *hash) QL_MUST_USE;
/* As qsort, but stable, with room from a, and stopped when the statement is: in any order then, but
 * with each element once. */
ql_status ql_bulk_sort(ql_ctx *cx, struct ql_arena *a, void *v, size_t n, size_t size,
                       int (*compare)(const void *, const void *)) QL_MUST_USE;
/* Where in s, at or after `from`, the byte or the (not empty) text first stands; s.n = nowhere. */
ql_status ql_bulk_find_byte(ql_ctx *cx, ql_str s, size_t from, char c, size_t *at) QL_MUST_USE;
ql_status ql_bulk_find(ql_ctx *cx, ql_str s, size_t from, ql_str what, size_t *at) QL_MUST_USE;

#endif
