/* SPDX-License-Identifier: Apache-2.0
 *
 * What a view's kept text says.
 */
#ifndef QL_SQL_VIEWTEXT_H
#define QL_SQL_VIEWTEXT_H

#include "catalog/catalog.h"
#include "sql/ast.h"

/* The query of a view as a tree, in a. The text is the view's: keep it. */
ql_status ql_view_parse(ql_ctx *cx, ql_arena *a, const ql_table *view,
                        ql_ast_stmt **out) QL_MUST_USE;
/* Tables and views that a view names, those below them not; every one once, as far as different
 * cases of letters are different names. In a. */
ql_status ql_view_mentions(ql_ctx *cx, ql_arena *a, const ql_table *view, ql_ast_table_name **v,
                           uint32_t *n) QL_MUST_USE;

#endif
