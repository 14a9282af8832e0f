/* SPDX-License-Identifier: Apache-2.0
 *
 * The small operators: one row, no rows, filter, limit, derived table. All of them stream.
 */
#include <string.h>

#include "exec/cte_int.h"

static ql_status
restart_left(ql_ctx *cx, qli_op *op)
{
    return qli_op_restart(cx, op->left);
}

/* One row. */
typedef struct once_op {
    qli_op op;
    bool done;
} once_op;

static ql_status
one_row_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    once_op *o = (once_op *)op;
    if (o->done) {
        return QL_END;
    }
    o->done = true;
    op->batch.n = op->batch.nsel = 1;
    op->batch.sel = NULL;
    if (op->scratch != NULL) {
        ql_arena_reset(op->scratch);
    }
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
one_row_restart(ql_ctx *cx, qli_op *op)
{
    (void)cx;
    ((once_op *)op)->done = false;
    return QL_OK;
}

static ql_status
never_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    (void)cx;
    (void)op;
    (void)out;
    return QL_END;
}

static ql_status
never_restart(ql_ctx *cx, qli_op *op)
{
    (void)cx;
    (void)op;
    return QL_OK;
}

/* Filter: the child's batch with fewer rows. */
static ql_status
filter_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    ql_batch *b;
    QL_TRY(qli_op_next(cx, op->left, &b));
    ql_arena_reset(op->scratch);
    op->batch = *b;
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

/* LIMIT n OFFSET m. */
typedef struct limit_op {
    qli_op op;
    bool started, known;
    bool passing;           /* the scan below passes over what is skipped */
    uint64_t limit, offset; /* of the query, once known */
    uint64_t skip, left;
} limit_op;

ql_status
qli_limit_value(ql_run *run, const ql_expr *e, uint64_t otherwise, uint64_t *out)
{
    ql_value v;
    *out = otherwise;
    if (e == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_scalar(run, run->cx->arena, e, &v));
    if (v.kind == QL_K_NULL) {
        *out = 0;
        return QL_OK;
    }
    int64_t i;
    bool is_unsigned;
    QL_TRY(ql_value_to_int(run->cx, &v, &i, &is_unsigned));
    if (!is_unsigned && i < 0) {
        return ql_fail(run->cx, QL_ER_WRONG_ARGUMENTS, "LIMIT");
    }
    *out = (uint64_t)i;
    return QL_OK;
}

static bool
is_outermost(const ql_block *b)
{
    const ql_rstmt *s = b->run->stmt;
    return (s->kind == QL_S_SELECT && b->query == s->query) ||
           (s->kind == QL_S_INSERT && b->query == s->insert->select);
}

/* SQL_CALC_FOUND_ROWS: the rows behind the last one wanted are counted. */
static ql_status
limit_reached(ql_ctx *cx, qli_op *op)
{
    ql_batch *b;
    ql_status st;
    if (!op->block->query->calc_found_rows) {
        return QL_END;
    }
    while ((st = qli_op_next(cx, op->left, &b)) == QL_OK) {
        op->block->run->passed_over += b->nsel;
    }
    return st;
}

/* What the scan below has passed over until its first rows came, or until it had none. */
static void
count_passed(limit_op *l)
{
    qli_op *op = &l->op;
    if (l->passing) {
        uint64_t left = qli_scan_to_pass(op->left);
        op->block->run->passed_over += is_outermost(op->block) ? l->offset - left : 0;
        l->passing = false;
    }
}

static ql_status
limit_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    limit_op *l = (limit_op *)op;
    const ql_query *q = op->block->query;
    ql_batch *b;
    if (!l->started) {
        if (!l->known) {
            QL_TRY(qli_limit_value(op->block->run, q->limit, UINT64_MAX, &l->limit));
            QL_TRY(qli_limit_value(op->block->run, q->offset, 0, &l->offset));
            l->limit = op->block->reader_counts ? UINT64_MAX : l->limit;
            l->known = true;
        }
        l->left = l->limit;
        l->passing =
            l->offset > 0 && !q->calc_found_rows && qli_scan_pass_over(op->left, l->offset);
        l->skip = l->passing ? 0 : l->offset;
        l->started = true;
    }
    if (l->left == 0 && (l->skip == 0 || !op->block->query->calc_found_rows)) {
        return limit_reached(cx, op);
    }
    ql_status st = qli_op_next(cx, op->left, &b);
    if (st == QL_OK || st == QL_END) {
        count_passed(l);
    }
    QL_TRY(st);
    op->batch = *b;
    uint16_t skip = l->skip < b->nsel ? (uint16_t)l->skip : b->nsel;
    uint16_t keep = (uint16_t)(b->nsel - skip);
    keep = l->left < keep ? (uint16_t)l->left : keep;
    l->skip -= skip;
    l->left -= keep;
    if (is_outermost(op->block)) {
        op->block->run->passed_over += skip;
        if (op->block->query->calc_found_rows) {
            op->block->run->passed_over += (uint64_t)b->nsel - skip - keep;
        }
    }
    if (skip > 0 || keep < b->nsel) {
        for (uint16_t k = 0; k < keep; k++) {
            op->sel[k] = ql_batch_row(b, (uint16_t)(skip + k));
        }
        op->batch.sel = op->sel;
        op->batch.nsel = keep;
    }
    *out = &op->batch;
    return QL_OK;
}

static ql_status
limit_restart(ql_ctx *cx, qli_op *op)
{
    ((limit_op *)op)->started = false;
    return qli_op_restart(cx, op->left);
}

/* Rows of an inner block; slot i of the source = its item i. Those of a common table expression
 * that others read, too, come from where they are kept for all. */
typedef struct derived_op {
    qli_op op;
    ql_block *sub;
    qli_cte_reader *reader;
} derived_op;

static ql_status
shared_next(ql_ctx *cx, derived_op *d, const ql_source *s, ql_batch **out)
{
    qli_op *op = &d->op;
    if (d->reader == NULL) {
        QL_TRY(qli_cte_reader_new(cx, op->block, s, op->plan->sub, &d->reader));
    }
    ql_arena_reset(op->scratch);
    QL_TRY(qli_cte_next(cx, d->reader, &op->batch));
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
derived_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    derived_op *d = (derived_op *)op;
    const ql_source *s = &op->block->query->sources[op->plan->source];
    ql_batch *b;
    if (ql_query_is_shared(s->derived)) {
        return shared_next(cx, d, s, out);
    }
    if (d->sub == NULL) {
        QL_TRY(ql_block_new(op->block->run, op->block, s->derived, op->plan->sub, NULL, &d->sub));
    }
    QL_TRY(ql_block_next(cx, d->sub, &b));
    for (uint16_t i = 0; i < s->ncols; i++) {
        op->batch.cols[s->slots[i]] = b->cols[s->ordinals[i]];
    }
    op->batch.n = b->n;
    op->batch.nsel = b->nsel;
    op->batch.sel = b->sel;
    ql_arena_reset(op->scratch);
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
derived_restart(ql_ctx *cx, qli_op *op)
{
    derived_op *d = (derived_op *)op;
    if (d->reader != NULL) {
        qli_cte_restart(d->reader);
        return QL_OK;
    }
    return d->sub != NULL ? ql_block_restart(cx, d->sub) : QL_OK;
}

static ql_status
finish(ql_ctx *cx, qli_op *op)
{
    const ql_plan *p = op->plan;
    op->restart = restart_left;
    switch (p->kind) {
    case QL_P_ONE_ROW:
        op->next = one_row_next;
        op->restart = one_row_restart;
        return qli_op_filter_compile(cx, op);
    case QL_P_NEVER:
        op->next = never_next;
        op->restart = never_restart;
        return QL_OK;
    case QL_P_FILTER:
        op->next = filter_next;
        return qli_op_filter_compile(cx, op);
    case QL_P_LIMIT:
        op->next = limit_next;
        op->restart = limit_restart;
        op->sel = QL_ARENA_ARRAY(cx, op->block->mem, uint16_t, QL_BATCH_ROWS);
        return op->sel != NULL ? QL_OK : QL_ERROR;
    case QL_P_DERIVED: {
        const ql_source *s = &op->block->query->sources[p->source];
        op->next = derived_next;
        op->restart = derived_restart;
        QL_TRY(qli_op_live_add(cx, op, s->slots, s->ncols));
        return qli_op_filter_compile(cx, op);
    }
    default:
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Unknown plan node %d", (int)p->kind);
    }
}

ql_status
qli_misc_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    static const size_t sizes[] = {[QL_P_ONE_ROW] = sizeof(once_op),
                                   [QL_P_LIMIT] = sizeof(limit_op),
                                   [QL_P_DERIVED] = sizeof(derived_op),
                                   [QL_P_FILTER] = sizeof(qli_op),
                                   [QL_P_NEVER] = sizeof(qli_op)};
    bool scratch = p->kind != QL_P_LIMIT && p->kind != QL_P_NEVER;
    size_t size = (size_t)p->kind < QL_ARRAY_LEN(sizes) ? sizes[p->kind] : 0;
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, size > 0 ? size : sizeof(qli_op), scratch, &op));
    if (p->left != NULL) {
        QL_TRY(qli_op_build(cx, b, p->left, &op->left));
        QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    }
    QL_TRY(finish(cx, op));
    *out = op;
    return QL_OK;
}
