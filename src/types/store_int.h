/* SPDX-License-Identifier: Apache-2.0
 *
 * The complaints that a store into a column may raise: an error when strict, else a warning
 * and QL_OK, after which the value is adjusted. Users: store.c, store_text.c.
 */
#ifndef QL_TYPES_STORE_INT_H
#define QL_TYPES_STORE_INT_H

#include "types/kinds.h"
#include "types/store.h"
#include "types/types_int.h"

ql_status qli_store_range(const qli_store *s) QL_MUST_USE;     /* 1264 */
ql_status qli_store_truncated(const qli_store *s) QL_MUST_USE; /* 1265 */
ql_status qli_store_too_long(const qli_store *s) QL_MUST_USE;  /* 1406; warning 1265 */
/* 1366 "Incorrect <what> value: '<text>' for column ..." */
ql_status qli_store_incorrect(const qli_store *s, const char *what, const char *text) QL_MUST_USE;
void qli_store_note(const qli_store *s); /* note 1265, strict or not */

/* ENUM and SET columns. */
ql_status qli_store_enum(const qli_store *s, const ql_value *v, ql_value *out) QL_MUST_USE;
ql_status qli_store_set(const qli_store *s, const ql_value *v, ql_value *out) QL_MUST_USE;
/* Number of the member of that name under the collation of t, from 1; 0 = none such. */
ql_status qli_find_member(ql_ctx *cx, const ql_type *t, ql_str name, uint16_t *number) QL_MUST_USE;
ql_status qli_store_string(const qli_store *s, const ql_value *v, ql_value *out) QL_MUST_USE;
ql_status qli_store_temporal(const qli_store *s, const ql_value *v, ql_value *out) QL_MUST_USE;

#endif
