/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of which no equal one has come before: DISTINCT and UNION. Rows are let through as they
 * come, and their tuples kept in a set. When it has outgrown tmp_table_size it grows no more: rows
 * whose tuple is not in it wait on tapes, divided by their hash, and are looked at, each part with
 * a set of its own, when all others have come.
 */
#ifndef QL_EXEC_FRESH_INT_H
#define QL_EXEC_FRESH_INT_H

#include "exec/rowset_int.h"

typedef struct qli_fresh qli_fresh; /* owner: the operator, in its block's arena */

/* The tuple of each selected row of b into cols. */
typedef ql_status (*qli_tuple_fn)(ql_ctx *cx, qli_op *op, const ql_batch *b, ql_vector **cols);

/* For op, whose rows have these slots and `width` tuple columns. */
ql_status qli_fresh_new(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t nslots,
                        qli_tuple_fn tuple, uint16_t width, qli_fresh **out) QL_MUST_USE;
/* Take those rows out of b's selection (into sel) that have come before, or that have to wait.
 * cols: the tuple. Waits: DISK_SPACE. */
ql_status qli_fresh_filter(ql_ctx *cx, qli_fresh *f, ql_vector **cols, ql_batch *b,
                           uint16_t *sel) QL_MUST_USE;
/* All rows have come: next batch of those that waited, maybe an empty one; QL_END = no more. Its
 * bytes are in op's scratch arena, which is reset. Waits: DISK_SPACE. */
ql_status qli_fresh_waiting(ql_ctx *cx, qli_fresh *f, ql_batch **out) QL_MUST_USE;
/* Has the set outgrown its budget? */
bool qli_fresh_is_over(const ql_ctx *cx, const qli_fresh *f);
/* Forget all of it, those that wait, too. */
ql_status qli_fresh_reset(ql_ctx *cx, qli_fresh *f) QL_MUST_USE;
/* The set begins anew: none of its rows will come again. */
ql_status qli_fresh_forget(ql_ctx *cx, qli_fresh *f) QL_MUST_USE;
/* Never let a row wait: the set grows as it must. */
void qli_fresh_never_waits(qli_fresh *f);

#endif
