/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that come one after the other when they are equal: where does each run of equal ones begin?
 * For grouping and DISTINCT in the order of an index.
 */
#ifndef QL_EXEC_ADJACENT_H
#define QL_EXEC_ADJACENT_H

#include "exec/exec_int.h"

/* Owner: the operator; what it remembers is the last row looked at. */
typedef struct qli_adjacent {
    uint16_t n; /* columns */
    ql_value *last;
    bool has_last;
    ql_arena *mem;              /* bytes of last */
    bool begins[QL_BATCH_ROWS]; /* by position in the selection */
} qli_adjacent;

ql_status qli_adjacent_init(ql_ctx *cx, ql_block *b, qli_adjacent *a, uint16_t n) QL_MUST_USE;
/* The next row, if one comes, is the first. */
void qli_adjacent_restart(qli_adjacent *a);
/* a->begins[k]: the k-th selected row of b is not equal to the one before it in the n columns; the
 * first one of all begins a run. */
ql_status qli_adjacent_mark(ql_ctx *cx, qli_adjacent *a, ql_vector *const *cols,
                            const ql_batch *b) QL_MUST_USE;

#endif
