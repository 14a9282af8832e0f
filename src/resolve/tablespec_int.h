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

#endif
