/* SPDX-License-Identifier: Apache-2.0
 *
 * Common table expressions that several derived tables of a statement read: computed once, by the
 * first who asks for a row, and kept (manual, "Optimizing Derived Tables, View References, and
 * Common Table Expressions"): in memory up to the budget of an intermediate result, the rest on a
 * tape. All of it lives until the statement leaves exec.
 */
#ifndef QL_EXEC_CTE_INT_H
#define QL_EXEC_CTE_INT_H

#include "exec/rowset_int.h"

typedef struct qli_cte_reader qli_cte_reader;

/* For a source of b that is one (ql_query_is_shared), whose block is planned as `plan`. In b's
 * memory. */
ql_status qli_cte_reader_new(ql_ctx *cx, ql_block *b, const ql_source *s, const ql_block_plan *plan,
                             qli_cte_reader **out) QL_MUST_USE;
/* The next rows, in the source's slots of `out`, valid until it is asked again; QL_END. A
 * checkpoint for each batch; waits as the block does, and for DISK_SPACE. */
ql_status qli_cte_next(ql_ctx *cx, qli_cte_reader *r, ql_batch *out) QL_MUST_USE;
/* From the first row again. */
void qli_cte_restart(qli_cte_reader *r);

#endif
