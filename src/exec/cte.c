/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/cte_int.h"

/* Rows that have been computed together. */
typedef struct piece {
    struct piece *next;
    uint16_t n;
    char *rows[]; /* [n] */
} piece;

typedef struct qli_cte_rows {
    struct qli_cte_rows *next; /* of the statement */
    const ql_cte *cte;
    ql_block *block; /* who computes them */
    ql_arena *mem;
    ql_type *types; /* [items] */
    qli_rowfmt fmt; /* column i is item i */
    piece *first, *last;
    ql_tape *tape; /* behind the pieces; NULL = none */
    bool is_full;  /* all are there */
} cte_rows;

struct qli_cte_reader {
    cte_rows *from;
    const ql_source *source;
    ql_block *reading; /* the block that it reads for */
    const piece *at;   /* the next one */
    bool has_begun;
    ql_reel reel;
    ql_arena *mem; /* rows from the tape */
    char **rows;   /* [QL_BATCH_ROWS] */
};

/* --- kept --- */

static const ql_type *
item_type(const ql_query *q, uint16_t item)
{
    return q->set_op != QL_SET_NONE ? &q->slot_types[item] : &q->items[item].expr->type;
}

static ql_status
make(ql_ctx *cx, ql_block *b, const ql_block_plan *plan, cte_rows *k)
{
    const ql_query *q = plan->query;
    uint16_t *items = QL_ARENA_ARRAY(cx, k->mem, uint16_t, q->nitems + 1u);
    k->types = items ? QL_ARENA_ARRAY(cx, k->mem, ql_type, q->nitems + 1u) : NULL;
    if (k->types == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        items[i] = i;
        k->types[i] = *item_type(q, i);
    }
    QL_TRY(qli_rowfmt_init(cx, k->mem, &k->fmt, k->types, items, q->nitems));
    ql_count(cx, QL_CT_CREATED_TMP_TABLES, 1);
    return ql_block_new(b->run, b, q, plan, NULL, &k->block);
}

static ql_status
find(ql_ctx *cx, ql_block *b, const ql_cte *cte, const ql_block_plan *plan, cte_rows **out)
{
    cte_rows *k = b->run->ctes;
    ql_arena *mem;
    while (k != NULL && k->cte != cte) {
        k = k->next;
    }
    *out = k;
    if (k != NULL) {
        return QL_OK;
    }
    QL_TRY(ql_run_arena(b->run, "common table expression", &mem));
    *out = k = QL_ARENA_NEW(cx, mem, cte_rows);
    if (k == NULL) {
        return QL_ERROR;
    }
    k->cte = cte;
    k->mem = mem;
    QL_TRY(make(cx, b, plan, k));
    k->next = b->run->ctes;
    b->run->ctes = k;
    return QL_OK;
}

static ql_status
put_in_memory(ql_ctx *cx, cte_rows *k, const ql_batch *b)
{
    piece *p = ql_arena_zalloc(cx, k->mem, sizeof *p + b->nsel * sizeof p->rows[0]);
    if (p == NULL) {
        return QL_ERROR;
    }
    for (; p->n < b->nsel; p->n++) {
        QL_TRY(qli_row_save(cx, k->mem, &k->fmt, b, ql_batch_row(b, p->n), &p->rows[p->n]));
    }
    *(k->last != NULL ? &k->last->next : &k->first) = p;
    k->last = p;
    return QL_OK;
}

static ql_status
put_on_tape(ql_ctx *cx, cte_rows *k, ql_arena *mem, const ql_batch *b)
{
    if (k->tape == NULL) {
        QL_TRY(qli_run_tape(k->block->run, &k->tape));
        ql_count(cx, QL_CT_CREATED_TMP_DISK_TABLES, 1);
    }
    for (uint16_t i = 0; i < b->nsel; i++) {
        char *row;
        ql_arena_reset(mem);
        QL_TRY(qli_row_save(cx, mem, &k->fmt, b, ql_batch_row(b, i), &row));
        QL_TRY(qli_row_put(cx, k->tape, &k->fmt, row));
    }
    return QL_OK;
}

static ql_status
fill(ql_ctx *cx, cte_rows *k, ql_arena *mem)
{
    size_t budget = qli_budget_result(cx);
    ql_batch *b;
    ql_status st;
    while ((st = ql_block_next(cx, k->block, &b)) == QL_OK) {
        bool out = k->tape != NULL ||
                   (k->first != NULL && qli_budget_is_out(cx, ql_arena_used(k->mem), budget));
        QL_TRY(out ? put_on_tape(cx, k, mem, b) : put_in_memory(cx, k, b));
    }
    if (st != QL_END) {
        return st;
    }
    k->is_full = true;
    return k->tape != NULL ? ql_tape_end(cx, k->tape) : QL_OK;
}

/* --- read --- */

ql_status
qli_cte_reader_new(ql_ctx *cx, ql_block *b, const ql_source *s, const ql_block_plan *plan,
                   qli_cte_reader **out)
{
    qli_cte_reader *r = QL_ARENA_NEW(cx, b->mem, qli_cte_reader);
    *out = r;
    if (r == NULL) {
        return QL_ERROR;
    }
    r->source = s;
    r->reading = b;
    r->rows = QL_ARENA_ARRAY(cx, b->mem, char *, QL_BATCH_ROWS);
    return r->rows != NULL ? find(cx, b, s->derived->cte, plan, &r->from) : QL_ERROR;
}

static ql_status
begin(ql_ctx *cx, qli_cte_reader *r, ql_batch *out)
{
    const ql_source *s = r->source;
    if (r->mem == NULL) {
        QL_TRY(ql_run_arena(r->reading->run, "rows of a common table expression", &r->mem));
        for (uint16_t i = 0; i < s->ncols; i++) {
            QL_TRY(ql_vector_init(cx, r->reading->mem, &out->cols[s->slots[i]],
                                  &r->from->types[s->ordinals[i]], false));
        }
    }
    QL_TRY(r->from->is_full ? QL_OK : fill(cx, r->from, r->mem));
    r->at = r->from->first;
    r->has_begun = true;
    return QL_OK;
}

static ql_status
next_rows(ql_ctx *cx, qli_cte_reader *r, char *const **rows, uint16_t *n)
{
    if (r->at != NULL) {
        *rows = r->at->rows;
        *n = r->at->n;
        r->at = r->at->next;
        return ql_check(cx);
    }
    if (r->from->tape == NULL) {
        return QL_END;
    }
    if (r->reel.tape == NULL) {
        QL_TRY(ql_reel_start(cx, &r->reel, r->from->tape));
    }
    ql_arena_reset(r->mem);
    *rows = r->rows;
    return qli_rows_get(cx, &r->reel, &r->from->fmt, r->mem, r->rows, n);
}

ql_status
qli_cte_next(ql_ctx *cx, qli_cte_reader *r, ql_batch *out)
{
    const ql_source *s = r->source;
    char *const *rows;
    if (!r->has_begun) {
        QL_TRY(begin(cx, r, out));
    }
    QL_TRY(next_rows(cx, r, &rows, &out->n));
    for (uint16_t i = 0; i < s->ncols; i++) {
        qli_column_load(&r->from->fmt, s->ordinals[i], rows, out->n, &out->cols[s->slots[i]]);
    }
    out->nsel = out->n;
    out->sel = NULL;
    return QL_OK;
}

void
qli_cte_restart(qli_cte_reader *r)
{
    ql_reel_stop(&r->reel);
    r->has_begun = false;
}
