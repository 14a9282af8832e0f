/* SPDX-License-Identifier: Apache-2.0
 *
 * How values of two types are compared (manual, "Type Conversion in Expression Evaluation") and the
 * comparison itself. Runs in the thread of the statement; no locks, no waits.
 */
#include "types/types_int.h"

static bool
kind_is_temporal(ql_kind k)
{
    return k == QL_K_DATE || k == QL_K_TIME || k == QL_K_DATETIME;
}

static bool
kind_is_exact(ql_kind k)
{
    return k == QL_K_INT || k == QL_K_DECIMAL;
}

/* One side is temporal. Text is read as that temporal, a DATE against anything that can hold a time
 * is compared with its time; a number is compared with the temporal's number (20250131). */
static ql_kind
temporal_kind(ql_kind t, ql_kind other)
{
    if (other == t) {
        return t;
    }
    if (kind_is_temporal(other)) {
        return QL_K_DATETIME;
    }
    if (other == QL_K_STRING) {
        return t == QL_K_TIME ? QL_K_TIME : QL_K_DATETIME;
    }
    return QL_K_DOUBLE;
}

ql_kind
ql_compare_kind(const ql_type *a, const ql_type *b)
{
    ql_kind x = a->kind, y = b->kind;
    if (x == QL_K_NULL || y == QL_K_NULL) {
        ql_kind k = x == QL_K_NULL ? y : x;
        return k == QL_K_NULL ? QL_K_INT : k;
    }
    if (kind_is_temporal(x)) {
        return temporal_kind(x, y);
    }
    if (kind_is_temporal(y)) {
        return temporal_kind(y, x);
    }
    if (x == y) {
        return x;
    }
    return kind_is_exact(x) && kind_is_exact(y) ? QL_K_DECIMAL : QL_K_DOUBLE;
}

static int
compare_ints(const ql_value *a, const ql_value *b)
{
    if (a->is_unsigned != b->is_unsigned) {
        if (!a->is_unsigned && a->i < 0) {
            return -1;
        }
        if (!b->is_unsigned && b->i < 0) {
            return 1;
        }
    } else if (!a->is_unsigned) {
        return a->i < b->i ? -1 : a->i > b->i;
    }
    return a->u < b->u ? -1 : a->u > b->u;
}

ql_status
ql_value_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
                 int *result)
{
    switch (a->kind) {
    case QL_K_NULL:
        *result = 0;
        break;
    case QL_K_INT:
        *result = compare_ints(a, b);
        break;
    case QL_K_DOUBLE:
        *result = a->d < b->d ? -1 : a->d > b->d;
        break;
    case QL_K_DECIMAL:
        *result = ql_decimal_cmp(&a->dec, &b->dec);
        break;
    case QL_K_STRING:
        return ql_coll_compare(cx, coll ? coll : ql_coll_default, a->s, b->s, result);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
        *result = a->i < b->i ? -1 : a->i > b->i;
        break;
    }
    return QL_OK;
}
