/* SPDX-License-Identifier: Apache-2.0
 *
 * What tablespec.c, columntype.c and tableexpr.c share: parts of a specification.
 */
#ifndef QL_RESOLVE_TABLESPEC_INT_H
#define QL_RESOLVE_TABLESPEC_INT_H

#include "resolve/tablespec.h"

/* The type that was written; table_coll where no character set was. Nullability is the caller's. */
ql_status qli_spec_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *table_coll,
                        ql_type *out) QL_MUST_USE;
/* Does a PRIMARY KEY among ct's keys name the column? */
ql_status qli_in_primary_key(ql_ctx *cx, const ql_ast_create_table *ct, ql_str name,
                             bool *yes) QL_MUST_USE;
/* Ordinal of the column that a key names. 1072. */
ql_status qli_part_column(ql_ctx *cx, const ql_table_spec *spec, ql_str name,
                          uint16_t *column) QL_MUST_USE;
/* tablequery.c: spec has the columns that are written; those of the query come behind those of them
 * that it does not give. columns: [nitems] the ordinal of each item's. */
ql_status qli_query_columns(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct,
                            const ql_query *q, uint16_t *columns) QL_MUST_USE;

/* --- textlength.c --- */
/* The column of a table behind a slot of the block's rows before they are grouped; the aggregate
 * that a slot holds; NULL. */
const ql_column *qli_column_of_slot(const ql_query *q, uint32_t slot);
const ql_agg *qli_aggregate_of_slot(const ql_query *q, uint32_t slot);
/* What a slot of grouped rows was before: a key; else e itself. */
const ql_expr *qli_before_grouping(const ql_query *q, const ql_expr *e);
#define QLI_UNKNOWN_CHARS UINT64_MAX
/* The most characters that a text can have, as far as the expression tells. */
uint64_t qli_text_chars(ql_ctx *cx, const ql_query *q, const ql_expr *e);
uint64_t qli_text_chars_of_type(const ql_type *t);

/* members.c: ENUM(...) or SET(...) in cx->arena. 1097, 1291, 1367, 3504, 3505. */
ql_status qli_members_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *coll,
                           ql_type *out) QL_MUST_USE;
/* Are the members of the column's type told apart by its collation? 1291 when strict. */
ql_status qli_members_differ(ql_ctx *cx, ql_str name, const ql_type *t) QL_MUST_USE;

#endif
