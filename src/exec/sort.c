/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of sorts: bytes whose memcmp order is that of the values (spool/sort.h sorts them).
 */
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "exec/exec_int.h"
#include "types/kinds.h"

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
qli_sort_key_keep(ql_ctx *cx, ql_arena *a, ql_sort_item *item)
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
                  const ql_type *types, const bool *descending, uint16_t n, ql_sort_item *item)
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
