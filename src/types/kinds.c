/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of kinds, and what is asked of any kind through it. Pure functions; no locks, no waits.
 */
#include "types/kinds_int.h"

#include "base/bulk.h"
#include "base/diag.h"

#define QL_KIND(id, slot, family, calendar, cell) [QL_K_##id] = &qli_kind_##id,
const ql_kind_ops *const ql_kinds[QL_KINDS] = {
#include "types/kinds.def"
};

size_t
ql_slot_size(ql_slot s)
{
    switch (s) {
    case QL_SLOT_DECIMAL:
        return sizeof(ql_decimal);
    case QL_SLOT_STRING:
        return sizeof(ql_str);
    case QL_SLOT_DOUBLE:
        return sizeof(double);
    case QL_SLOT_I64:
        break;
    }
    return sizeof(int64_t);
}

ql_value
ql_value_zero(const ql_type *t)
{
    ql_value v;
    ql_kinds[t->kind]->zero(t, &v);
    return v;
}

ql_status
ql_value_same(ql_ctx *cx, const ql_value *a, const ql_value *b, bool *same)
{
    int order = 0;
    *same = false;
    if (a->kind != b->kind) {
        return QL_OK;
    }
    if (a->kind == QL_K_NULL) {
        *same = true;
        return QL_OK;
    }
    switch (ql_kind_slot(a->kind)) {
    case QL_SLOT_I64:
        *same = a->i == b->i && a->is_unsigned == b->is_unsigned;
        break;
    case QL_SLOT_DOUBLE:
        *same = a->u == b->u;
        break;
    case QL_SLOT_DECIMAL:
        *same = a->dec.scale == b->dec.scale && ql_decimal_cmp(&a->dec, &b->dec) == 0;
        break;
    case QL_SLOT_STRING:
        if (a->coll == b->coll && a->s.n == b->s.n) {
            QL_TRY(ql_bulk_compare(cx, a->s.p, b->s.p, a->s.n, &order));
            *same = order == 0;
        }
        break;
    }
    return QL_OK;
}

uint32_t
ql_type_display_length(const ql_type *t)
{
    return ql_kinds[t->kind]->display_length(t);
}

uint32_t
ql_type_storage_bytes(const ql_type *t)
{
    return ql_kinds[t->kind]->storage_bytes(t);
}

size_t
qli_fill_up(char *text, size_t n, unsigned width)
{
    if (n < width) { /* a number is unsigned then: no sign stands in front */
        memmove(text + width - n, text, n);
        memset(text, '0', width - n);
        n = width;
    }
    return n;
}

size_t
ql_value_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    size_t n = ql_kinds[v->kind]->print(v, out);
    return QL_LIKELY(v->zerofill == 0) ? n : qli_fill_up(out, n, v->zerofill);
}

ql_status
ql_value_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
                 int *result)
{
    return ql_kinds[a->kind]->compare(cx, a, b, coll, result);
}

ql_status
qli_complain_truncated(ql_ctx *cx, const char *what, const ql_value *v)
{
    char text[QLI_ERR_TEXT];
    return ql_complain(cx, QL_ER_TRUNCATED_WRONG_VALUE, what, qli_err_value(v, text));
}
