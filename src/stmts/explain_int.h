/* SPDX-License-Identifier: Apache-2.0
 *
 * Between EXPLAIN (explain.c) and EXPLAIN FOR CONNECTION (explain_other.c).
 */
#ifndef QL_STMTS_EXPLAIN_INT_H
#define QL_STMTS_EXPLAIN_INT_H

#include "base/buf.h"
#include "intr/ask.h"
#include "stmts/stmts_int.h"

#define QLI_EXPLAIN_COLUMNS 12

typedef enum qli_explain_format {
    QLI_EXPLAIN_ROWS, /* TRADITIONAL */
    QLI_EXPLAIN_TREE,
    QLI_EXPLAIN_JSON,
} qli_explain_format;

/* The columns of the result; QL_END as qli_table_begin. */
ql_status qli_explain_columns(ql_ctx *cx, ql_run *run, qli_explain_format format,
                              qli_table *t) QL_MUST_USE;
/* The one row of TREE and JSON. */
ql_status qli_explain_text_row(ql_ctx *cx, qli_table *t, ql_str text) QL_MUST_USE;
/* TREE or JSON behind what out holds. */
ql_status qli_explain_write(ql_ctx *cx, qli_explain_format format, const ql_explained *e,
                            ql_buf *out) QL_MUST_USE;
/* All of e but its plan and run. */
ql_status qli_explained_init(ql_ctx *cx, ql_explained *e, const ql_rstmt *s,
                             ql_stmt_kind kind) QL_MUST_USE;

/* Of a ql_run, to another session's EXPLAIN FOR CONNECTION: what is a qli_explain_format, and who
 * asks sees what views are made of. */
#define QLI_EXPLAIN_SEES_ALL 16u
ql_status qli_explain_tell(ql_ctx *cx, void *run, unsigned what, ql_buf *out,
                           ql_ask_state *state) QL_MUST_USE;
/* EXPLAIN ... FOR CONNECTION. */
ql_status qli_explain_connection(ql_ctx *cx, ql_run *run, qli_explain_format format) QL_MUST_USE;

#endif
