/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions of a scan that are evaluated on entries of its index, before the rows behind them are
 * read; what is left is evaluated on rows. Without the right scan for it, all of them on rows.
 */
#include "exec/exec_int.h"

ql_status
qli_picker_compile(ql_ctx *cx, qli_picker *p, qli_op *op, const ql_source *source, bool may_pick)
{
    const ql_plan *plan = op->plan;
    *p = (qli_picker){.op = op, .source = source};
    if (!plan->split || (plan->index_filter != NULL && !may_pick)) {
        return qli_op_filter_compile(cx, op);
    }
    if (plan->index_filter != NULL) {
        ql_env env = ql_block_env(op->block, op->scratch);
        QL_TRY(ql_ex_new(cx, &env, plan->index_filter, &p->filter));
    }
    return qli_op_filter_compile_as(cx, op, plan->row_filter);
}

static ql_status
pick(ql_ctx *cx, void *arg, const ql_batch *b, const uint16_t *sel, uint16_t n, uint16_t *out,
     uint16_t *nout)
{
    qli_picker *p = arg;
    ql_batch *batch = &p->op->batch;
    for (uint16_t i = 0; i < p->source->ncols; i++) {
        batch->cols[p->source->slots[i]] = b->cols[i];
    }
    batch->n = b->n;
    ql_arena_reset(p->op->scratch);
    return ql_ex_filter(cx, p->filter, batch, sel, n, out, nout);
}

void
qli_picker_tell(qli_picker *p, ql_scan_spec *spec)
{
    spec->unread = p->op->plan->split && spec->index_only;
    if (p->filter != NULL) {
        spec->pick = pick;
        spec->pick_arg = p;
    }
}
