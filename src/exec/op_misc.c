/* SPDX-License-Identifier: Apache-2.0
 *
 * The small operators: one row, no rows, filter, limit, distinct, derived table, set operations.
 * All of them stream.
 */
#include <string.h>

#include "exec/exec_int.h"

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
    bool started;
    uint64_t skip, left;
} limit_op;

ql_status
qli_limit_value(qli_run *run, const ql_expr *e, uint64_t otherwise, uint64_t *out)
{
    ql_value v;
    *out = otherwise;
    if (e == NULL) {
        return QL_OK;
    }
    QL_TRY(qli_scalar(run, run->cx->arena, e, &v));
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
is_outermost(const qli_block *b)
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

static ql_status
limit_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    limit_op *l = (limit_op *)op;
    const ql_query *q = op->block->query;
    ql_batch *b;
    if (!l->started) {
        QL_TRY(qli_limit_value(op->block->run, q->limit, UINT64_MAX, &l->left));
        QL_TRY(qli_limit_value(op->block->run, q->offset, 0, &l->skip));
        l->started = true;
    }
    if (l->left == 0 && (l->skip == 0 || !op->block->query->calc_found_rows)) {
        return limit_reached(cx, op);
    }
    QL_TRY(qli_op_next(cx, op->left, &b));
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

/* DISTINCT: rows whose select list was not seen before. */
typedef struct distinct_op {
    qli_op op;
    qli_ex **items;
    ql_vector **cols;
    uint64_t *hash;
    qli_tupleset set;
    ql_arena *mem;
} distinct_op;

static ql_status
keep_fresh(ql_ctx *cx, qli_op *op, ql_vector **cols, uint16_t ncols, qli_tupleset *set,
           uint64_t *hash, ql_batch *b)
{
    uint16_t n = 0;
    for (uint16_t i = 0; i < ncols; i++) {
        QL_TRY(qli_hash_column(cx, cols[i], b->sel, b->nsel, i == 0, hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool fresh;
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(qli_tupleset_add(cx, set, cols, row, ncols > 0 ? hash[row] : 0, &fresh));
        op->sel[n] = row;
        n = (uint16_t)(n + fresh);
    }
    b->sel = op->sel;
    b->nsel = n;
    return QL_OK;
}

static ql_status
distinct_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    distinct_op *d = (distinct_op *)op;
    uint16_t n = op->block->query->nitems;
    ql_batch *b;
    QL_TRY(qli_op_next(cx, op->left, &b));
    ql_arena_reset(op->scratch);
    op->batch = *b;
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(qli_ex_output(cx, d->items[i], b, b->sel, b->nsel, &d->cols[i]));
    }
    QL_TRY(keep_fresh(cx, op, d->cols, n, &d->set, d->hash, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
distinct_restart(ql_ctx *cx, qli_op *op)
{
    distinct_op *d = (distinct_op *)op;
    ql_arena_reset(d->mem);
    qli_tupleset_init(&d->set, d->mem, op->block->query->nitems);
    return qli_op_restart(cx, op->left);
}

static ql_status
distinct_build(ql_ctx *cx, qli_op *op)
{
    distinct_op *d = (distinct_op *)op;
    qli_block *b = op->block;
    uint16_t n = b->query->nitems;
    qli_env env = qli_block_env(b, op->scratch);
    d->items = QL_ARENA_ARRAY(cx, b->mem, qli_ex *, n + 1);
    d->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    d->hash = QL_ARENA_ARRAY(cx, b->mem, uint64_t, QL_BATCH_ROWS);
    op->sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    if (d->items == NULL || d->cols == NULL || d->hash == NULL || op->sel == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(qli_ex_new(cx, &env, b->query->items[i].expr, &d->items[i]));
    }
    QL_TRY(qli_run_arena(b->run, "distinct", &d->mem));
    qli_tupleset_init(&d->set, d->mem, n);
    op->next = distinct_next;
    op->restart = distinct_restart;
    return QL_OK;
}

/* Rows of an inner block; slot i of the source = its item i. */
typedef struct derived_op {
    qli_op op;
    qli_block *sub;
} derived_op;

static ql_status
derived_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    derived_op *d = (derived_op *)op;
    const ql_source *s = &op->block->query->sources[op->plan->source];
    ql_batch *b;
    if (d->sub == NULL) {
        QL_TRY(qli_block_new(op->block->run, op->block, s->derived, op->plan->sub, NULL, &d->sub));
    }
    QL_TRY(qli_block_next(cx, d->sub, &b));
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
    return d->sub != NULL ? qli_block_restart(cx, d->sub) : QL_OK;
}

/* UNION, EXCEPT, INTERSECT of two blocks. */
typedef struct setop_op {
    qli_op op;
    qli_block *sub[2];
    int side;
    bool right_read;
    qli_tupleset seen, right;
    ql_arena *mem;
    ql_vector **cols;
    uint64_t *hash;
} setop_op;

static ql_status
cast_column(ql_ctx *cx, qli_op *op, uint16_t i, const ql_batch *b)
{
    ql_vector *to = &op->batch.cols[i];
    const ql_vector *from = &b->cols[i];
    const ql_type *t = &op->block->slot_types[i];
    if (from->type.kind == t->kind && t->kind != QL_K_DECIMAL) {
        *to = *from;
        to->type = *t;
        return QL_OK;
    }
    QL_TRY(ql_vector_init(cx, op->scratch, to, t, false));
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        ql_value v, r;
        ql_vector_get(from, row, &v);
        r = v;
        if (v.kind != QL_K_NULL) {
            QL_TRY(ql_value_cast(cx, op->scratch, &v, t, &r));
        }
        ql_vector_set(to, row, &r);
    }
    return QL_OK;
}

static ql_status
setop_pull(ql_ctx *cx, qli_op *op, int side)
{
    setop_op *s = (setop_op *)op;
    ql_batch *b;
    if (s->sub[side] == NULL) {
        const ql_query *q = op->block->query;
        const ql_block_plan *p = side == 0 ? op->plan->sub : op->plan->sub2;
        QL_TRY(qli_block_new(op->block->run, op->block, side == 0 ? q->left : q->right, p, NULL,
                             &s->sub[side]));
    }
    QL_TRY(qli_block_next(cx, s->sub[side], &b));
    ql_arena_reset(op->scratch);
    for (uint16_t i = 0; i < op->block->query->nitems; i++) {
        QL_TRY(cast_column(cx, op, i, b));
        s->cols[i] = &op->batch.cols[i];
    }
    op->batch.n = b->n;
    op->batch.nsel = b->nsel;
    op->batch.sel = b->sel;
    return QL_OK;
}

static ql_status
read_right(ql_ctx *cx, qli_op *op)
{
    setop_op *s = (setop_op *)op;
    ql_status st;
    while ((st = setop_pull(cx, op, 1)) == QL_OK) {
        QL_TRY(
            keep_fresh(cx, op, s->cols, op->block->query->nitems, &s->right, s->hash, &op->batch));
    }
    s->right_read = true;
    return st == QL_END ? QL_OK : st;
}

/* Rows of the left side that are (INTERSECT) or are not (EXCEPT) on the right. */
static ql_status
keep_by_right(ql_ctx *cx, qli_op *op, bool wanted)
{
    setop_op *s = (setop_op *)op;
    ql_batch *b = &op->batch;
    uint16_t n = 0;
    for (uint16_t i = 0; i < op->block->query->nitems; i++) {
        QL_TRY(qli_hash_column(cx, s->cols[i], b->sel, b->nsel, i == 0, s->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool found;
        QL_TRY(qli_tupleset_has(cx, &s->right, s->cols, row, s->hash[row], &found));
        op->sel[n] = row;
        n = (uint16_t)(n + (found == wanted));
    }
    b->sel = op->sel;
    b->nsel = n;
    return QL_OK;
}

static ql_status
setop_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    setop_op *s = (setop_op *)op;
    const ql_query *q = op->block->query;
    bool by_right = q->set_op == QL_SET_EXCEPT || q->set_op == QL_SET_INTERSECT;
    if (by_right && !s->right_read) {
        QL_TRY(read_right(cx, op));
    }
    ql_status st = setop_pull(cx, op, s->side);
    if (st == QL_END && s->side == 0 && !by_right) {
        s->side = 1;
        st = setop_pull(cx, op, 1);
    }
    QL_TRY(st);
    if (by_right) {
        QL_TRY(keep_by_right(cx, op, q->set_op == QL_SET_INTERSECT));
    }
    if (by_right || op->plan->set_distinct || q->set_op == QL_SET_UNION) {
        QL_TRY(keep_fresh(cx, op, s->cols, q->nitems, &s->seen, s->hash, &op->batch));
    }
    *out = &op->batch;
    return QL_OK;
}

static ql_status
setop_restart(ql_ctx *cx, qli_op *op)
{
    setop_op *s = (setop_op *)op;
    ql_arena_reset(s->mem);
    qli_tupleset_init(&s->seen, s->mem, op->block->query->nitems);
    qli_tupleset_init(&s->right, s->mem, op->block->query->nitems);
    s->side = 0;
    s->right_read = false;
    for (int i = 0; i < 2; i++) {
        if (s->sub[i] != NULL) {
            QL_TRY(qli_block_restart(cx, s->sub[i]));
        }
    }
    return QL_OK;
}

static ql_status
setop_build(ql_ctx *cx, qli_op *op)
{
    setop_op *s = (setop_op *)op;
    qli_block *b = op->block;
    uint16_t n = b->query->nitems;
    s->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, n + 1);
    s->hash = QL_ARENA_ARRAY(cx, b->mem, uint64_t, QL_BATCH_ROWS);
    op->sel = QL_ARENA_ARRAY(cx, b->mem, uint16_t, QL_BATCH_ROWS);
    if (s->cols == NULL || s->hash == NULL || op->sel == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_run_arena(b->run, "set operation", &s->mem));
    qli_tupleset_init(&s->seen, s->mem, n);
    qli_tupleset_init(&s->right, s->mem, n);
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(qli_op_live_add(cx, op, &i, 1));
    }
    op->next = setop_next;
    op->restart = setop_restart;
    return QL_OK;
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
    case QL_P_DISTINCT:
        return distinct_build(cx, op);
    case QL_P_DERIVED: {
        const ql_source *s = &op->block->query->sources[p->source];
        op->next = derived_next;
        op->restart = derived_restart;
        QL_TRY(qli_op_live_add(cx, op, s->slots, s->ncols));
        return qli_op_filter_compile(cx, op);
    }
    case QL_P_SET_OP:
        return setop_build(cx, op);
    default:
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Unknown plan node %d", (int)p->kind);
    }
}

ql_status
qli_misc_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out)
{
    static const size_t sizes[] = {
        [QL_P_ONE_ROW] = sizeof(once_op),      [QL_P_LIMIT] = sizeof(limit_op),
        [QL_P_DISTINCT] = sizeof(distinct_op), [QL_P_DERIVED] = sizeof(derived_op),
        [QL_P_SET_OP] = sizeof(setop_op),      [QL_P_FILTER] = sizeof(qli_op),
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
