/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting: keys are bytes whose memcmp order is the wanted one, their first eight bytes held as a
 * number beside the row pointer. A bottom-up merge sort, stable, with a checkpoint every 1,024
 * comparisons, so that a killed sort of any size stops at once.
 */
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "exec/exec_int.h"
#include "types/kinds.h"

#define RUN QLI_SORT_ALONE
#define COMPARES_A_CHECK 1024

ql_status
qli_sort_compare(ql_ctx *cx, const qli_sort_item *a, const qli_sort_item *b, int *order)
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
sort_runs(ql_ctx *cx, qli_sort_item *v, size_t n)
{
    for (size_t at = 0; at < n; at += RUN) {
        size_t end = at + RUN < n ? at + RUN : n;
        if (at % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (size_t i = at + 1; i < end; i++) {
            qli_sort_item x = v[i];
            size_t k = i;
            for (int order; k > at; k--) {
                QL_TRY(qli_sort_compare(cx, &v[k - 1], &x, &order));
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
merge(ql_ctx *cx, const qli_sort_item *from, qli_sort_item *to, size_t low, size_t mid, size_t high,
      unsigned *compares)
{
    size_t i = low, k = mid, o = low;
    while (i < mid && k < high) {
        if (++*compares % COMPARES_A_CHECK == 0) {
            QL_TRY(ql_check(cx));
        }
        int order;
        QL_TRY(qli_sort_compare(cx, &from[i], &from[k], &order));
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
qli_sort_between(ql_ctx *cx, qli_sort_item *v, qli_sort_item *tmp, size_t n, qli_sort_item **sorted)
{
    unsigned compares = 0;
    QL_TRY(sort_runs(cx, v, n));
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t mid = low + width < n ? low + width : n;
            size_t high = mid + width < n ? mid + width : n;
            QL_TRY(merge(cx, v, tmp, low, mid, high, &compares));
        }
        qli_sort_item *t = v;
        v = tmp;
        tmp = t;
    }
    *sorted = v;
    return QL_OK;
}

ql_status
qli_sort_items(ql_ctx *cx, ql_arena *a, qli_sort_item **items, size_t n)
{
    qli_sort_item *tmp = NULL;
    if (n > RUN) {
        tmp = ql_arena_alloc(cx, a, n * sizeof *tmp);
        if (tmp == NULL) {
            return QL_ERROR;
        }
    }
    return qli_sort_between(cx, *items, tmp, n, items);
}

/* Kinds in slots of eight bytes: NULL flag and eight bytes. */
static bool
fixed_key(const ql_value *v, ql_kind kind, bool descending, unsigned char out[9])
{
    ql_slot slot = ql_kind_slot(kind);
    if (slot != QL_SLOT_I64 && slot != QL_SLOT_DOUBLE) {
        return false;
    }
    out[0] = v->kind != QL_K_NULL;
    uint64_t u = out[0] ? ql_order_bits(slot, v->is_unsigned, v) : 0;
    for (int i = 0; i < 8; i++) {
        out[1 + i] = (unsigned char)(u >> (56 - 8 * i));
    }
    for (int i = 0; descending && i < 9; i++) {
        out[i] = (unsigned char)~out[i];
    }
    return true;
}

ql_status
qli_sort_key_keep(ql_ctx *cx, ql_arena *a, qli_sort_item *item)
{
    if (item->nkey == 0) {
        return QL_OK;
    }
    char *key = ql_arena_alloc(cx, a, item->nkey);
    if (key == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(cx, key, item->key, item->nkey));
    item->key = key;
    return QL_OK;
}

ql_status
qli_sort_key_make(ql_ctx *cx, ql_arena *a, struct ql_buf *tmp, const ql_value *vals,
                  const ql_type *types, const bool *descending, uint16_t n, qli_sort_item *item)
{
    unsigned char fixed[9];
    ql_buf_clear(tmp);
    for (uint16_t i = 0; i < n; i++) {
        if (fixed_key(&vals[i], types[i].kind, descending[i], fixed)) {
            QL_TRY(ql_buf_put(cx, tmp, fixed, sizeof fixed));
        } else {
            QL_TRY(ql_key_encode(cx, &types[i], 0, descending[i], &vals[i], tmp));
        }
    }
    item->prefix = 0;
    for (size_t i = 0; i < 8; i++) {
        item->prefix = item->prefix << 8 | (i < tmp->n ? (unsigned char)tmp->p[i] : 0);
    }
    item->nkey = tmp->n > 8 ? (uint32_t)(tmp->n - 8) : 0;
    item->key = item->nkey > 0 ? tmp->p + 8 : NULL;
    return a != NULL ? qli_sort_key_keep(cx, a, item) : QL_OK;
}
