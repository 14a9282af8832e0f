/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting: keys are bytes whose memcmp order is the wanted one, their first eight bytes held as a
 * number beside the row pointer. A bottom-up merge sort, stable, with a checkpoint every 1,024
 * comparisons, so that a killed sort of any size stops at once.
 */
#include "spool/sort.h"

#include <string.h>

#include "base/bulk.h"
#include "intr/intr.h"

#define RUN QL_SORT_ALONE
#define COMPARES_A_CHECK 1024

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

/* Runs of RUN items by insertion. */
static ql_status
sort_runs(ql_ctx *cx, ql_sort_item *v, size_t n)
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
                QL_TRY(ql_sort_compare(cx, &v[k - 1], &x, &order));
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

static ql_status
merge(ql_ctx *cx, const ql_sort_item *from, ql_sort_item *to, size_t low, size_t mid, size_t high,
      unsigned *compares)
{
    size_t i = low, k = mid, o = low;
    while (i < mid && k < high) {
        if (++*compares % COMPARES_A_CHECK == 0) {
            QL_TRY(ql_check(cx));
        }
        int order;
        QL_TRY(ql_sort_compare(cx, &from[i], &from[k], &order));
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

ql_status
ql_sort_between(ql_ctx *cx, ql_sort_item *v, ql_sort_item *tmp, size_t n, ql_sort_item **sorted)
{
    unsigned compares = 0;
    QL_TRY(sort_runs(cx, v, n));
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t mid = low + width < n ? low + width : n;
            size_t high = mid + width < n ? mid + width : n;
            QL_TRY(merge(cx, v, tmp, low, mid, high, &compares));
        }
        ql_sort_item *t = v;
        v = tmp;
        tmp = t;
    }
    *sorted = v;
    return QL_OK;
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
