/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing a value into a column, with what sql_mode says about it.
 */
#ifndef QL_TYPES_STORE_H
#define QL_TYPES_STORE_H

#include "types/value.h"

/* STRICT: errors instead of adjusted values with warnings. NO_ZERO_DATE, NO_ZERO_IN_DATE:
 * 0000-00-00, and dates with month or day 0, are such values; otherwise they are good ones. */
enum { QL_STORE_STRICT = 1, QL_STORE_NO_ZERO_DATE = 2, QL_STORE_NO_ZERO_IN_DATE = 4 };

/* As ql_value_store (value.h), which takes strict for all three. */
ql_status ql_value_store_as(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                            const char *column, uint64_t row, unsigned mode,
                            ql_value *out) QL_MUST_USE;

#endif
