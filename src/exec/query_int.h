/* SPDX-License-Identifier: Apache-2.0
 *
 * Between eval_query.c (subqueries in expressions) and eval_query_kept.c (results that are kept).
 */
#ifndef QL_EXEC_QUERY_INT_H
#define QL_EXEC_QUERY_INT_H

#include "exec/rowset_int.h"

/* Rows of a subquery that runs once, for IN, ANY and ALL; more than tmp_table_size of them are on
 * disk. Owner: the expression. */
typedef struct qli_kept qli_kept;

/* Run the subquery of x, whose enclosing row is `row` of in, and keep what it gives. Waits:
 * DISK_SPACE, and what the subquery waits for. */
ql_status qli_kept_new(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row,
                       qli_kept **out) QL_MUST_USE;
/* Compare the left operand, n values, with all rows as far as needed; verdict as below. */
ql_status qli_kept_compare(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_value *left, uint32_t n,
                           int *verdict) QL_MUST_USE;

/* eval_query_memo.c: results of a correlated subquery by what it looks at */
typedef struct qli_memo qli_memo;
/* What it gave for the same values before; *vals NULL: it has to be run for that row. */
ql_status qli_memo_find(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row,
                        const ql_value **vals) QL_MUST_USE;
/* It has been asked for and was not there: n values to be remembered. */
ql_status qli_memo_put(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, const ql_value *vals,
                       uint32_t n) QL_MUST_USE;

/* How many of the questions so far had been asked before: 0 to 1. */
double qli_memo_share(const ql_ex *x);

/* eval_query_keyed.c: results of a correlated subquery for all values that the enclosing rows can
 * have (ql_keyed), in memory */
typedef struct qli_keyed qli_keyed;
/* n rows are about to be asked for: are the results there? They are made when running the subquery
 * for each row has cost, or would now cost, as much. Waits: what the subquery waits for. */
ql_status qli_keyed_ready(ql_ctx *cx, ql_ex *x, uint16_t n, bool *yes) QL_MUST_USE;
/* The results for these rows into x->own. */
ql_status qli_keyed_eval(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel,
                         uint16_t n) QL_MUST_USE;
/* The subquery has been run for one row. */
void qli_keyed_count(ql_ex *x);

/* eval_query.c */

/* Make the subquery's block; nothing of it is run. */
ql_status qli_query_block(ql_ctx *cx, ql_ex *x) QL_MUST_USE;

/* Begin the subquery for that enclosing row. */
ql_status qli_query_start(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row) QL_MUST_USE;
/* For the bytes of the subquery's rows in work. */
ql_status qli_query_row_arena(ql_ctx *cx, ql_ex *x, ql_arena **a) QL_MUST_USE;
/* Values of batch row `row` in the kind of the comparison. */
ql_status qli_query_convert(ql_ctx *cx, ql_ex *x, ql_arena *a, const ql_batch *b, uint16_t row,
                            ql_value *vals) QL_MUST_USE;
/* The comparison of one pair, and whether its truth (ANY) or falsehood (ALL) decides. */
void qli_query_op(ql_op op, ql_op *compare, bool *all);
/* Fold one row's comparison into the verdict: 1 and 0 decide, -1 = NULL so far, -2 = nothing. */
ql_status qli_query_fold(ql_ctx *cx, ql_ex *x, ql_arena *a, const ql_value *left,
                         const ql_value *right, uint32_t n, int *verdict) QL_MUST_USE;
static inline bool
qli_query_is_decided(int verdict)
{
    return verdict >= 0;
}

#endif
