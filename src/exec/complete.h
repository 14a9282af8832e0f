/* SPDX-License-Identifier: Apache-2.0
 *
 * A row before it is written: what its table's definition says of it. Defaults that are
 * expressions, generated columns, CHECK constraints; bound and compiled once a statement. Everyone
 * who writes rows calls it (INSERT, UPDATE, REPLACE, LOAD DATA, ALTER TABLE's copies).
 */
#ifndef QL_EXEC_COMPLETE_H
#define QL_EXEC_COMPLETE_H

#include "exec/exec.h"

/* Owner: the statement's arena. NULL where the definition has no expressions: all calls take that,
 * and cost nothing then. */
typedef struct ql_completer ql_completer;

/* ignore: rows that a CHECK forbids are left out with a warning, values that do not fit are
 * adjusted. row_mem: where values of rows go; the caller empties it between rows. */
ql_status ql_completer_new(ql_run *run, const ql_table *t, bool ignore, ql_arena *row_mem,
                           ql_completer **out) QL_MUST_USE;
/* row: ncolumns values in stored form. given[i] false (given NULL: none): column i was given no
 * value, and where its default is an expression that is evaluated; other defaults are the caller's
 * (ql_column_default). Then generated columns are computed, whatever the row holds there, and
 * CHECKs looked at. row_no is for messages. *keep false: the row is to be left out. Errors: 3819,
 * and those of evaluating and storing. */
ql_status ql_complete_row(ql_ctx *cx, ql_completer *c, ql_value *row, const bool *given,
                          uint64_t row_no, bool *keep) QL_MUST_USE;
/* Name of the CHECK for which ql_complete_row said that the row is to be left out. Bytes: row_mem.
 */
const char *ql_completer_violated(const ql_completer *c);
/* The defaults alone: UPDATE SET a = DEFAULT, before the old row and the new one are compared. */
ql_status ql_complete_defaults(ql_ctx *cx, ql_completer *c, ql_value *row, const bool *given,
                               uint64_t row_no) QL_MUST_USE;
/* Is the column's value made by ql_complete_row when none is given? */
static inline bool
ql_column_is_computed(const ql_column *c)
{
    return c->generated.n > 0 || c->default_kind == QL_DEF_EXPR;
}

#endif
