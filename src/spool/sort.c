/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting: keys are bytes whose memcmp order is the wanted one, their first eight bytes held as a
 * number beside the row pointer. A stable merge sort by these numbers; items of one number are then
 * sorted by their next eight bytes, and so on: keys lie all over the memory, and so each of their
 * words is fetched once instead of at every comparison. A checkpoint every 1,024 comparisons, so
 * that a killed sort of any size stops at once.
 */
#include "spool/sort.h"

#include <string.h>

#include "base/bulk.h"
#include "intr/intr.h"

#define RUN QL_SORT_ALONE
#define COMPARES_A_CHECK 1024
#define NEAR ((size_t)8192)
#define WORDS 16 /* that are sorted by; longer keys that are equal so far are compared whole */

ql_status
ql_sort_compare(ql_ctx *cx, const ql_sort_item *a, const ql_sort_item *b, int *order)
{
    if (a->prefix != b->prefix) {
        *order = a->prefix < b->prefix ? -1 : 1;
        return QL_OK;
    }
    QL_TRY(ql_bulk_compare(cx, a->key, b->key, a->nkey < b->nkey ? a->nkey : b->nkey, order));
    if (*order == 0) {
        *order = a->nkey < b->nkey ? -1 : a->nkey > b->nkey;
    }
    return QL_OK;
}

/* Orders two items. */
typedef ql_status (*compare)(ql_ctx *cx, const ql_sort_item *a, const ql_sort_item *b, int *order);

static inline ql_status
compare_prefix(ql_ctx *cx, const ql_sort_item *a, const ql_sort_item *b, int *order)
{
    (void)cx;
    *order = a->prefix < b->prefix ? -1 : a->prefix > b->prefix;
    return QL_OK;
}

/* How much of a's key has been taken as prefixes so far; less than of another: it has ended. */
static inline uint32_t
taken(const ql_sort_item *a)
{
    return a->whole - a->nkey;
}

static inline bool
same_word(const ql_sort_item *a, const ql_sort_item *b)
{
    return a->prefix == b->prefix && taken(a) == taken(b);
}

static inline ql_status
compare_word(ql_ctx *cx, const ql_sort_item *a, const ql_sort_item *b, int *order)
{
    (void)cx;
    *order = a->prefix < b->prefix ? -1 : a->prefix > b->prefix;
    if (QL_UNLIKELY(*order == 0)) {
        *order = taken(a) < taken(b) ? -1 : taken(a) > taken(b);
    }
    return QL_OK;
}

/* The sort below is made for each comparison: the compiler sees which. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Runs of RUN items by insertion. */
ALWAYS_INLINE ql_status
sort_runs(ql_ctx *cx, ql_sort_item *v, size_t n, compare cmp)
{
    for (size_t at = 0; at < n; at += RUN) {
        size_t end = at + RUN < n ? at + RUN : n;
        if (at % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (size_t i = at + 1; i < end; i++) {
            ql_sort_item x = v[i];
            size_t k = i;
            for (int order; k > at; k--) {
                QL_TRY(cmp(cx, &v[k - 1], &x, &order));
                if (order <= 0) {
                    break;
                }
                v[k] = v[k - 1];
            }
            v[k] = x;
        }
    }
    return QL_OK;
}

ALWAYS_INLINE ql_status
merge(ql_ctx *cx, const ql_sort_item *from, ql_sort_item *to, size_t low, size_t mid, size_t high,
      unsigned *compares, compare cmp)
{
    size_t i = low, k = mid, o = low;
    while (i < mid && k < high) {
        if (++*compares % COMPARES_A_CHECK == 0) {
            QL_TRY(ql_check(cx));
        }
        int order;
        QL_TRY(cmp(cx, &from[i], &from[k], &order));
        to[o++] = order <= 0 ? from[i++] : from[k++];
    }
    while (i < mid || k < high) {
        size_t left = i < mid ? mid - i : high - k, step = left < 4096 ? left : 4096;
        QL_TRY(ql_check(cx));
        memcpy(&to[o], i < mid ? &from[i] : &from[k], step * sizeof *to);
        o += step;
        if (i < mid) {
            i += step;
        } else {
            k += step;
        }
    }
    return QL_OK;
}

/* Runs of `width` items become runs of twice as many, from v to tmp. */
ALWAYS_INLINE ql_status
merge_pass(ql_ctx *cx, const ql_sort_item *v, ql_sort_item *tmp, size_t n, size_t width,
           unsigned *compares, compare cmp)
{
    for (size_t low = 0; low < n; low += 2 * width) {
        size_t mid = low + width < n ? low + width : n;
        size_t high = mid + width < n ? mid + width : n;
        QL_TRY(merge(cx, v, tmp, low, mid, high, compares, cmp));
    }
    return QL_OK;
}

/* Pieces of NEAR items, which the processor's cache holds, are sorted one after the other, then
 * merged. The result is in v or in tmp. */
ALWAYS_INLINE ql_status
sort_with(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n, ql_sort_item **sorted,
          compare cmp)
{
    unsigned compares = 0;
    size_t near = n < NEAR ? n : NEAR, width = RUN;
    QL_TRY(sort_runs(cx, v, n, cmp));
    for (size_t at = 0; at < n && near > RUN; at += NEAR) {
        size_t piece = n - at < NEAR ? n - at : NEAR;
        ql_sort_item *a = v + at, *b = tmp + at;
        for (width = RUN; width < near; width *= 2) {
            QL_TRY(merge_pass(cx, a, b, piece, width, &compares, cmp));
            ql_sort_item *t = a;
            a = b;
            b = t;
        }
    }
    for (size_t passed = RUN; passed < near; passed *= 2) {
        ql_sort_item *t = v;
        v = tmp;
        tmp = t;
    }
    for (; width < n; width *= 2) {
        QL_TRY(merge_pass(cx, v, tmp, n, width, &compares, cmp));
        ql_sort_item *t = v;
        v = tmp;
        tmp = t;
    }
    *sorted = v;
    return QL_OK;
}

static ql_status
sort_by_prefix(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n, ql_sort_item **sorted)
{
    return sort_with(cx, v, tmp, n, sorted, compare_prefix);
}

static ql_status
sort_by_word(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n, ql_sort_item **sorted)
{
    return sort_with(cx, v, tmp, n, sorted, compare_word);
}

static ql_status
sort_by_key(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n, ql_sort_item **sorted)
{
    return sort_with(cx, v, tmp, n, sorted, ql_sort_compare);
}

static ql_status sort_groups(ql_ctx *cx, ql_sort_item *v, ql_sort_item *room, size_t n,
                             unsigned depth);

/* The next eight bytes of the keys become their prefixes; *any: there were some. */
static ql_status
take_word(ql_ctx *cx, ql_sort_item *v, size_t n, bool *any)
{
    *any = false;
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        uint32_t bytes = v[i].nkey < 8 ? v[i].nkey : 8;
        uint64_t word = 0;
        if (bytes > 0) {
            memcpy(&word, v[i].key, bytes);
            *any = true;
        }
        v[i].prefix = __builtin_bswap64(word);
        v[i].key += bytes;
        v[i].nkey -= bytes;
    }
    return QL_OK;
}

/* Items of one prefix, by what comes behind it. */
static ql_status
sort_group(ql_ctx *cx, ql_sort_item *v, ql_sort_item *room, size_t n, unsigned depth)
{
    ql_sort_item *sorted = v;
    if (n <= RUN || depth == WORDS) {
        QL_TRY(sort_by_key(cx, v, room, n, &sorted));
    } else {
        bool any;
        QL_TRY(take_word(cx, v, n, &any));
        if (!any) {
            return QL_OK;
        }
        QL_TRY(sort_by_word(cx, v, room, n, &sorted));
        QL_TRY(sort_groups(cx, sorted, sorted == v ? room : v, n, depth + 1));
    }
    return sorted == v ? QL_OK : ql_bulk_copy(cx, v, sorted, n * sizeof *v);
}

static ql_status
sort_groups(ql_ctx *cx, ql_sort_item *v, ql_sort_item *room, size_t n, unsigned depth)
{
    for (size_t at = 0, end; at < n; at = end) {
        for (end = at + 1; end < n && same_word(&v[end], &v[at]); end++) {
            QL_TRY(ql_bulk_each(cx, end));
        }
        if (end - at > 1) {
            QL_TRY(sort_group(cx, v + at, room + at, end - at, depth));
        }
        QL_TRY(ql_bulk_each(cx, at));
    }
    return QL_OK;
}

/* Of each group of the whole the prefix that all of it had, and what was taken from the keys. */
static ql_status
sort_whole_groups(ql_ctx *cx, ql_sort_item *v, ql_sort_item *room, size_t n)
{
    for (size_t at = 0, end; at < n; at = end) {
        uint64_t prefix = v[at].prefix;
        for (end = at; end < n && v[end].prefix == prefix; end++) {
            QL_TRY(ql_bulk_each(cx, end));
            v[end].whole = v[end].nkey;
        }
        if (end - at == 1) {
            continue;
        }
        QL_TRY(sort_group(cx, v + at, room + at, end - at, 0));
        for (size_t i = at; i < end; i++) {
            QL_TRY(ql_bulk_each(cx, i));
            v[i].key -= v[i].whole - v[i].nkey;
            v[i].nkey = v[i].whole;
            v[i].prefix = prefix;
        }
    }
    return QL_OK;
}

ql_status
ql_sort_between(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n, ql_sort_item **sorted)
{
    if (n <= RUN) {
        return sort_by_key(cx, v, tmp, n, sorted);
    }
    QL_TRY(sort_by_prefix(cx, v, tmp, n, sorted));
    return sort_whole_groups(cx, *sorted, *sorted == v ? tmp : v, n);
}

ql_status
ql_sort_items(ql_ctx *cx, ql_arena *a, ql_sort_item **items, size_t n)
{
    ql_sort_item *tmp = NULL;
    if (n > RUN) {
        tmp = ql_arena_alloc(cx, a, n * sizeof *tmp);
        if (tmp == NULL) {
            return QL_ERROR;
        }
    }
    return ql_sort_between(cx, *items, tmp, n, items);
}
