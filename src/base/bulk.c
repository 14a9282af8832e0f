/* SPDX-License-Identifier: Apache-2.0
 *
 * Long copies, comparisons and searches in pieces, with a look at the kill flag between them. The
 * looks themselves are intr's (cx->look).
 */
#include "base/bulk.h"

#include "base/arena.h"
#include "base/hash.h"

/* What one comparison counts for between two looks. */
#define COMPARE_COST 64

ql_status
ql_bulk_look(ql_ctx *cx)
{
    cx->unlooked = 0;
    return cx->look != NULL ? cx->look(cx) : QL_OK;
}

static size_t
piece_of(size_t left)
{
    return left < QL_BULK_PIECE ? left : QL_BULK_PIECE;
}

ql_status
ql_bulk_copy_long(ql_ctx *cx, void *to, const void *from, size_t n)
{
    char *d = to;
    const char *s = from;
    for (size_t step; n != 0; n -= step, d += step, s += step) {
        step = piece_of(n);
        memcpy(d, s, step);
        QL_TRY(ql_bulk_count(cx, step));
    }
    return QL_OK;
}

ql_status
ql_bulk_zero(ql_ctx *cx, void *to, size_t n)
{
    char *d = to;
    for (size_t step; n != 0; n -= step, d += step) {
        step = piece_of(n);
        memset(d, 0, step);
        QL_TRY(ql_bulk_count(cx, step));
    }
    return QL_OK;
}

ql_status
ql_bulk_compare(ql_ctx *cx, const void *a, const void *b, size_t n, int *order)
{
    const char *p = a, *q = b;
    *order = 0;
    for (size_t step; n != 0 && *order == 0; n -= step, p += step, q += step) {
        step = piece_of(n);
        *order = memcmp(p, q, step);
        QL_TRY(ql_bulk_count(cx, step));
    }
    return QL_OK;
}

ql_status
ql_bulk_same(ql_ctx *cx, const char *a, const char *b, size_t n, size_t *same)
{
    size_t i = 0;
    while (n - i >= QL_BULK_PIECE && memcmp(a + i, b + i, QL_BULK_PIECE) == 0) {
        i += QL_BULK_PIECE;
        QL_TRY(ql_bulk_look(cx));
    }
    size_t end = i + piece_of(n - i);
    while (end - i >= 64 && memcmp(a + i, b + i, 64) == 0) {
        i += 64;
    }
    while (i < end && a[i] == b[i]) {
        i++;
    }
    *same = i;
    return ql_bulk_count(cx, piece_of(i));
}

ql_status
ql_bulk_hash(ql_ctx *cx, ql_str s, uint64_t seed, uint64_t *hash)
{
    *hash = seed;
    do {
        size_t step = piece_of(s.n);
        *hash = ql_hash_bytes(s.p, step, *hash);
        s.p += step;
        s.n -= step;
        QL_TRY(ql_bulk_count(cx, step));
    } while (s.n != 0);
    return QL_OK;
}

/* Elements [low, mid) and [mid, high) of from, both sorted, to to[low, high). */
static ql_status
merge(ql_ctx *cx, const char *from, char *to, size_t low, size_t mid, size_t high, size_t size,
      int (*compare)(const void *, const void *))
{
    size_t i = low, k = mid;
    for (size_t o = low; o < high; o++) {
        bool left = k == high || (i < mid && compare(from + i * size, from + k * size) <= 0);
        memcpy(to + o * size, from + (left ? i++ : k++) * size, size);
        QL_TRY(ql_bulk_count(cx, COMPARE_COST));
    }
    return QL_OK;
}

/* One pass: pairs of runs of that width. */
static ql_status
merge_all(ql_ctx *cx, const char *from, char *to, size_t n, size_t width, size_t size,
          int (*compare)(const void *, const void *))
{
    for (size_t low = 0; low < n; low += 2 * width) {
        size_t mid = low + width < n ? low + width : n;
        size_t high = mid + width < n ? mid + width : n;
        QL_TRY(merge(cx, from, to, low, mid, high, size, compare));
    }
    return QL_OK;
}

/* Whatever stops it, `from` holds each element once: what an element owns is there to be given
 * back. */
ql_status
ql_bulk_sort(ql_ctx *cx, struct ql_arena *a, void *v, size_t n, size_t size,
             int (*compare)(const void *, const void *))
{
    char *from = v, *to = n > 1 ? ql_arena_alloc(cx, a, n * size) : v;
    ql_status st = QL_OK;
    if (to == NULL) {
        return QL_ERROR;
    }
    for (size_t width = 1; width < n; width *= 2) {
        QL_TRY_TO(st, merge_all(cx, from, to, n, width, size, compare), out);
        char *t = from;
        from = to;
        to = t;
    }
    st = from != v ? ql_bulk_copy(cx, v, from, n * size) : QL_OK;
out:
    if (st != QL_OK && from != v) {
        memcpy(v, from, n * size);
    }
    return st;
}

ql_status
ql_bulk_find_byte(ql_ctx *cx, ql_str s, size_t from, char c, size_t *at)
{
    for (size_t step; from < s.n; from += step) {
        step = piece_of(s.n - from);
        const char *hit = memchr(s.p + from, c, step);
        QL_TRY(ql_bulk_count(cx, hit != NULL ? (size_t)(hit - (s.p + from)) : step));
        if (hit != NULL) {
            *at = (size_t)(hit - s.p);
            return QL_OK;
        }
    }
    *at = s.n;
    return QL_OK;
}

/* Hash of a window that moves (Karp and Rabin, 1987): sum of p[i] * ROLL^(n-1-i). */
#define ROLL UINT64_C(0x9fb21c651e98df25)
#define ROLL_STEP ((size_t)8192) /* bytes between two looks: 1 to 2 ns each, twice */

static ql_status
roll_first(ql_ctx *cx, const char *p, size_t n, uint64_t *hash)
{
    uint64_t h = 0;
    for (size_t i = 0; i < n; i++) {
        h = h * ROLL + (unsigned char)p[i];
        if (i % ROLL_STEP == 0) {
            QL_TRY(ql_bulk_count(cx, ROLL_STEP));
        }
    }
    *hash = h;
    return QL_OK;
}

/* A text longer than one piece: no table of its size, no second look at what has been passed. */
static ql_status
find_long(ql_ctx *cx, ql_str s, size_t from, ql_str what, size_t *at)
{
    uint64_t want, h, power = 1; /* ROLL^(n-1) */
    QL_TRY(roll_first(cx, what.p, what.n, &want));
    QL_TRY(roll_first(cx, s.p + from, what.n, &h));
    for (uint64_t base = ROLL, n = what.n - 1; n != 0; n >>= 1, base *= base) {
        power *= (n & 1) != 0 ? base : 1;
    }
    for (size_t i = from;; i++) {
        if (h == want) {
            int order;
            QL_TRY(ql_bulk_compare(cx, s.p + i, what.p, what.n, &order));
            if (order == 0) {
                *at = i;
                return QL_OK;
            }
        }
        if (s.n - i == what.n) {
            return QL_OK;
        }
        h = (h - power * (unsigned char)s.p[i]) * ROLL + (unsigned char)s.p[i + what.n];
        if (i % ROLL_STEP == 0) {
            QL_TRY(ql_bulk_count(cx, ROLL_STEP));
        }
    }
}

ql_status
ql_bulk_find(ql_ctx *cx, ql_str s, size_t from, ql_str what, size_t *at)
{
    *at = s.n;
    if (from > s.n || s.n - from < what.n) {
        return QL_OK;
    }
    if (what.n > QL_BULK_PIECE) {
        return find_long(cx, s, from, what, at);
    }
    while (s.n - from >= what.n) { /* windows of one piece of places where it may begin */
        size_t step = piece_of(s.n - what.n - from + 1);
        const char *hit = memmem(s.p + from, step + what.n - 1, what.p, what.n);
        QL_TRY(ql_bulk_count(cx, hit != NULL ? (size_t)(hit - (s.p + from)) : step + what.n));
        if (hit != NULL) {
            *at = (size_t)(hit - s.p);
            return QL_OK;
        }
        from += step;
        if (from > s.n) {
            break;
        }
    }
    return QL_OK;
}
