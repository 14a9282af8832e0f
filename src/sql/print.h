/* SPDX-License-Identifier: Apache-2.0
 *
 * AST to text: the form in which definitions keep expressions and queries, as MySQL does for views.
 */
#ifndef QL_SQL_PRINT_H
#define QL_SQL_PRINT_H

#include "base/arena.h"
#include "base/buf.h"
#include "sql/ast.h"

/* How it is written. */
typedef struct ql_print_mode {
    const ql_collation *literal_coll; /* literals of this one need no introducer; may be NULL */
    ql_str omit_db;                   /* a database whose name is left out; n 0 = none */
    bool bare;      /* columns without the names of their tables, as in definitions of tables */
    bool introduce; /* every string has an introducer, CHAR of a CAST its character set */
} ql_print_mode;

/* Appends the text to b: words and functions in lower case, names in backticks, every operation in
 * parentheses. Read by ql_parse with no sql_mode and mode's literal_coll it means the same, in any
 * session. Columns and tables are qualified as far as the tree is. Optimizer hints, INTO and
 * SQL_CALC_FOUND_ROWS are left out. Looks at the kill flag. */
ql_status ql_print_expr(ql_ctx *cx, ql_buf *b, const ql_ast_expr *e,
                        const ql_print_mode *mode) QL_MUST_USE;
ql_status ql_print_select(ql_ctx *cx, ql_buf *b, const ql_ast_select *s,
                          const ql_print_mode *mode) QL_MUST_USE;

/* 'text' as a literal that any sql_mode without NO_BACKSLASH_ESCAPES reads. */
ql_status ql_print_text(ql_ctx *cx, ql_buf *b, ql_str s) QL_MUST_USE;

/* How definitions of tables keep their expressions: mode of ql_print_expr. */
extern const ql_print_mode ql_print_stored;
/* An expression that was printed so to an AST in a, whatever the session's sql_mode is; nodes share
 * the text. 1064 for other text. */
ql_status ql_parse_expr(ql_ctx *cx, ql_arena *a, ql_str text, ql_ast_expr **out) QL_MUST_USE;

#endif
