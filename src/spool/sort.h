/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting by keys whose memcmp order is the wanted one. Stable, own merge sort with a checkpoint
 * every 1,024 comparisons.
 */
#ifndef QL_SPOOL_SORT_H
#define QL_SPOOL_SORT_H

#include "base/arena.h"

typedef struct ql_sort_item {
    uint64_t prefix; /* first 8 bytes of the key, big-endian */
    const char *key; /* bytes behind the prefix */
    uint32_t nkey;
    uint32_t whole; /* sort.c's */
    void *row;
} ql_sort_item;
ql_status ql_sort_items(ql_ctx *cx, ql_arena *a, ql_sort_item **v, size_t n) QL_MUST_USE;
/* The same with the caller's room for n items (none for n <= QL_SORT_ALONE): *sorted is v or tmp.
 */
#define QL_SORT_ALONE 16
ql_status ql_sort_between(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n,
                          ql_sort_item **sorted) QL_MUST_USE;
ql_status ql_sort_compare(ql_ctx *cx, const ql_sort_item *a, const ql_sort_item *b,
                          int *order) QL_MUST_USE;

#endif
