/* SPDX-License-Identifier: Apache-2.0
 *
 * Index merge: the clustered keys that several scans of a table give, each once (union of OR-ed
 * conditions) or those that all of them give (intersection), sorted; then the rows. Collecting is
 * bounded: more keys than the planner would have dreamt of, and the table is read whole instead,
 * which the filter allows. Scans that lock lock what they read as always, so that nobody changes
 * the rows before they are fetched; where rows are to be locked one by one (READ COMMITTED, SKIP
 * LOCKED) the table is read whole, too.
 */
#include "exec/keyset.h"
#include "exec/rowset_int.h"

#define KEYS_MAX ((size_t)16 << 20)
#define FIRST_BATCH 16

typedef struct merge_op {
    qli_op op;
    const ql_source *source;
    qli_op **parts;
    qli_keyset keys;
    ql_fetch *fetch;
    qli_op *whole;  /* reads all rows; the filter is this operator's */
    ql_str *wanted; /* [QL_BATCH_ROWS] */
    uint16_t n, at, size;
    bool collected, reads_whole;
} merge_op;

static ql_status
collect_part(ql_ctx *cx, merge_op *m, qli_op *part)
{
    ql_status st;
    ql_batch *b;
    QL_TRY(qli_op_restart(cx, part));
    while ((st = qli_op_next(cx, part, &b)) == QL_OK) {
        for (uint16_t i = 0; i < b->n; i++) {
            QL_TRY(qli_keyset_add(cx, &m->keys, qli_scan_key(part, i)));
        }
        if (qli_budget_is_out(cx, qli_keyset_bytes(&m->keys), KEYS_MAX)) {
            m->reads_whole = true;
            return QL_OK;
        }
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
collect(ql_ctx *cx, merge_op *m)
{
    m->collected = true;
    m->reads_whole = false;
    m->n = m->at = 0;
    m->size = FIRST_BATCH;
    qli_keyset_clear(&m->keys);
    for (uint16_t i = 0; i < m->op.plan->nparts && !m->reads_whole; i++) {
        QL_TRY(collect_part(cx, m, m->parts[i]));
    }
    if (m->reads_whole) {
        qli_keyset_clear(&m->keys);
        return qli_op_restart(cx, m->whole);
    }
    return qli_keyset_sort(cx, &m->keys);
}

/* Keys of the next batch, behind those that were too many for the last one. */
static ql_status
next_keys(ql_ctx *cx, merge_op *m)
{
    const ql_plan *p = m->op.plan;
    ql_status st = QL_OK;
    uint16_t kept = 0;
    for (; m->at < m->n; m->at++) {
        m->wanted[kept++] = m->wanted[m->at];
    }
    m->n = kept;
    m->at = 0;
    while (m->n < m->size && (st = qli_keyset_next(cx, &m->keys, p->merge_all ? p->nparts : 1,
                                                   &m->wanted[m->n])) == QL_OK) {
        m->n++;
    }
    m->size = m->size < QL_BATCH_ROWS / 4 ? (uint16_t)(m->size * 4) : QL_BATCH_ROWS;
    return st == QL_END && m->n > 0 ? QL_OK : st;
}

static void
take_columns(merge_op *m, const ql_batch *b)
{
    for (uint16_t i = 0; i < m->source->ncols; i++) {
        m->op.batch.cols[m->source->slots[i]] = b->cols[i];
    }
    m->op.batch.n = b->n;
    m->op.batch.nsel = b->nsel;
    m->op.batch.sel = b->sel;
}

static ql_status
next_fetched(ql_ctx *cx, merge_op *m)
{
    ql_batch *b;
    uint16_t slot = m->op.block->locator_slot[m->op.plan->source];
    QL_TRY(next_keys(cx, m));
    QL_TRY(ql_fetch_rows(cx, m->fetch, m->wanted, m->n, &m->at, &b));
    take_columns(m, b);
    for (uint16_t i = 0; slot != QL_NO_SLOT && i < b->n; i++) {
        m->op.batch.cols[slot].s[i].p = m->wanted[i].p;
        m->op.batch.cols[slot].s[i].n = (uint32_t)m->wanted[i].n;
    }
    return QL_OK;
}

static ql_status
next_of_whole(ql_ctx *cx, merge_op *m)
{
    ql_batch *b;
    QL_TRY(qli_op_next(cx, m->whole, &b));
    for (uint16_t i = 0; i < m->whole->nlive; i++) {
        m->op.batch.cols[m->whole->live[i]] = b->cols[m->whole->live[i]];
    }
    m->op.batch.n = b->n;
    m->op.batch.nsel = b->nsel;
    m->op.batch.sel = b->sel;
    return QL_OK;
}

static ql_status
merge_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    merge_op *m = (merge_op *)op;
    if (!m->collected) {
        QL_TRY(collect(cx, m));
    }
    QL_TRY(m->reads_whole ? next_of_whole(cx, m) : next_fetched(cx, m));
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    *out = &op->batch;
    return QL_OK;
}

static ql_status
merge_restart(ql_ctx *cx, qli_op *op)
{
    (void)cx;
    ((merge_op *)op)->collected = false;
    return QL_OK;
}

/* A scan of the whole table, with the filter or without it. */
static ql_status
build_whole(ql_ctx *cx, ql_block *b, const ql_plan *p, bool filters, qli_op **out)
{
    ql_plan *scan = QL_ARENA_NEW(cx, b->mem, ql_plan);
    if (scan == NULL) {
        return QL_ERROR;
    }
    *scan = *p;
    scan->kind = QL_P_SCAN;
    scan->index = NULL;
    scan->filter = filters ? p->filter : NULL;
    scan->parts = NULL;
    scan->nparts = 0;
    return qli_scan_build(cx, b, scan, out);
}

static ql_status
open_fetch(ql_ctx *cx, merge_op *m, const ql_plan *p)
{
    ql_block *b = m->op.block;
    ql_fetch_spec spec = {
        .table = m->source->table,
        .through = p->parts[0]->index,
        .ordinals = m->source->ordinals,
        .ncols = m->source->ncols,
        .view = b->locks[p->source].kind == QL_SCAN_CONSISTENT ? QL_VIEW_STATEMENT : QL_VIEW_LATEST,
    };
    return ql_fetch_open(cx, b->mem, &spec, &m->fetch);
}

ql_status
qli_merge_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    uint16_t locator = b->locator_slot[p->source];
    if (b->locks[p->source].kind == QL_SCAN_LOCK_ROWS) {
        return build_whole(cx, b, p, true, out);
    }
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(merge_op), true, &op));
    merge_op *m = (merge_op *)op;
    m->source = &b->query->sources[p->source];
    QL_TRY(qli_op_live_add(cx, op, m->source->slots, m->source->ncols));
    QL_TRY(qli_op_filter_compile(cx, op));
    if (locator != QL_NO_SLOT) {
        QL_TRY(qli_op_live_add(cx, op, &locator, 1));
        QL_TRY(qli_op_own_slots(cx, op, &locator, 1));
    }
    m->parts = QL_ARENA_ARRAY(cx, b->mem, qli_op *, p->nparts + 1u);
    m->wanted = QL_ARENA_ARRAY(cx, b->mem, ql_str, QL_BATCH_ROWS);
    if (m->parts == NULL || m->wanted == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < p->nparts; i++) {
        QL_TRY(qli_op_build(cx, b, p->parts[i], &m->parts[i]));
    }
    QL_TRY(build_whole(cx, b, p, false, &m->whole));
    QL_TRY(qli_keyset_init(cx, b->run, &m->keys));
    QL_TRY(open_fetch(cx, m, p));
    op->next = merge_next;
    op->restart = merge_restart;
    *out = op;
    return QL_OK;
}
