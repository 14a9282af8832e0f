/* SPDX-License-Identifier: Apache-2.0
 *
 * How values of two types are compared (manual, "Type Conversion in Expression Evaluation") ; the
 * comparison itself is the kind's (kinds.h). Pure functions; no locks, no waits.
 */
#include "types/types_int.h"

static bool
kind_is_exact(ql_kind k)
{
    return ql_kind_family(k) == QL_FAM_INT || ql_kind_family(k) == QL_FAM_DECIMAL;
}

/* One side is temporal. Text is read as that temporal, a DATE against anything that can hold a time
 * is compared with its time; a number is compared with the temporal's number (20250131). */
static ql_kind
temporal_kind(ql_kind t, ql_kind other)
{
    if (other == t) {
        return t;
    }
    if (ql_kind_is_temporal(other)) {
        return QL_K_DATETIME;
    }
    if (other == QL_K_STRING) {
        return t == QL_K_TIME ? QL_K_TIME : QL_K_DATETIME;
    }
    return QL_K_DOUBLE;
}

/* ENUM and SET are numbers among numbers; they are texts among texts, dates and other lists. */
static ql_kind
list_as(ql_kind k, ql_kind other)
{
    if (!ql_kind_is_list(k)) {
        return k;
    }
    return ql_kind_is_number(other) ? QL_K_INT : QL_K_STRING;
}

ql_kind
ql_compare_kind(const ql_type *a, const ql_type *b)
{
    ql_kind x = list_as(a->kind, b->kind), y = list_as(b->kind, a->kind);
    if (x == QL_K_NULL || y == QL_K_NULL) {
        ql_kind k = x == QL_K_NULL ? y : x;
        return k == QL_K_NULL ? QL_K_INT : k;
    }
    if (ql_kind_family(x) == QL_FAM_JSON || ql_kind_family(y) == QL_FAM_JSON) {
        return QL_K_JSON;
    }
    if (ql_kind_is_temporal(x)) {
        return temporal_kind(x, y);
    }
    if (ql_kind_is_temporal(y)) {
        return temporal_kind(y, x);
    }
    if (x == y) {
        return x;
    }
    return kind_is_exact(x) && kind_is_exact(y) ? QL_K_DECIMAL : QL_K_DOUBLE;
}
