/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything virtual: information_schema, performance_schema, sys, the privilege tables of mysql.
 */
#ifndef QL_VIEWS_VIEWS_H
#define QL_VIEWS_VIEWS_H

#include "catalog/virtual.h"

/* Puts all views into cx->inst->catalog: at start, after ql_catalog_open, before there are
 * sessions. */
ql_status ql_views_open(ql_ctx *cx) QL_MUST_USE;

/* COLUMN_TYPE and COLUMN_DEFAULT of a column, in arena a; *out NULL = no default. */
ql_status ql_column_type_text(ql_ctx *cx, ql_arena *a, const ql_column *c, ql_str *out) QL_MUST_USE;
ql_status ql_column_default_text(ql_ctx *cx, ql_arena *a, const ql_column *c,
                                 ql_value *out) QL_MUST_USE;
/* "CURRENT_TIMESTAMP" with the column's fractional digits; NULL = out of memory, worded. */
const char *ql_column_now_text(ql_ctx *cx, ql_arena *a, const ql_column *c);

#endif
