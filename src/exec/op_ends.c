/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends of indexes: one row of each of several scans, for MIN and MAX of a whole table.
 */
#include "exec/exec_int.h"

typedef struct ends_op {
    qli_op op;
    bool done; /* with left */
    uint16_t row;
} ends_op;

static ql_status
ends_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    ends_op *e = (ends_op *)op;
    if (!e->done) {
        ql_batch *b;
        e->done = true;
        ql_status st = qli_op_next(cx, op->left, &b);
        if (st == QL_OK) {
            e->row = ql_batch_row(b, 0);
            op->batch = *b;
            op->batch.sel = &e->row;
            op->batch.nsel = 1;
            *out = &op->batch;
            return QL_OK;
        }
        if (st != QL_END) {
            return st;
        }
    }
    return op->right != NULL ? qli_op_next(cx, op->right, out) : QL_END;
}

static ql_status
ends_restart(ql_ctx *cx, qli_op *op)
{
    ((ends_op *)op)->done = false;
    QL_TRY(qli_op_restart(cx, op->left));
    return op->right != NULL ? qli_op_restart(cx, op->right) : QL_OK;
}

ql_status
qli_ends_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(ends_op), false, &op));
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    if (p->right != NULL) {
        QL_TRY(qli_op_build(cx, b, p->right, &op->right));
    }
    op->next = ends_next;
    op->restart = ends_restart;
    *out = op;
    return QL_OK;
}
