/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of subqueries that run once, for IN, ANY and ALL. One column that is looked for by
 * equality is a set: in memory, and behind that on disk by hash (lookup_int.h). Others are a list:
 * in memory, and behind that on a tape that is read through for each question.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/lookup_int.h"
#include "exec/query_int.h"

struct qli_kept {
    ql_arena *mem; /* rows, set */
    size_t budget;
    size_t n;      /* rows, all of them */
    bool has_null; /* some value is NULL */
    bool hashed;   /* one column, for IN: set holds the values */
    bool full;     /* of memory: the others are on disk */
    ql_tupleset set;
    ql_value **rows; /* list: those in memory */
    size_t nrows, cap;
    ql_vector one;    /* the value in work as a column of one row */
    bool one_is_made; /* of the kind of one.type */
    /* On disk: */
    qli_rowfmt fmt;
    ql_type *types; /* NULL = nothing there */
    ql_value *vals; /* of a row that is read */
    qli_lookup *lookup;
    ql_tape *tape;
    ql_reel reel;
};

static ql_status
hash_one(ql_ctx *cx, ql_ex *x, const ql_value *v, uint64_t *h)
{
    const ql_collation *coll = x->e->coll != NULL ? x->e->coll : v->coll;
    return ql_hash_value(cx, v, coll, 0, h);
}

/* The value as a column of one row, which is made once for each kind. */
static ql_status
as_column(ql_ctx *cx, const ql_ex *x, qli_kept *r, const ql_value *v, ql_vector **col)
{
    ql_type t = {.kind = v->kind, .is_unsigned = v->is_unsigned, .decimals = v->decimals};
    t.coll = x->e->coll != NULL ? x->e->coll : v->coll;
    if (!r->one_is_made || r->one.type.kind != t.kind) {
        QL_TRY(ql_vector_init(cx, x->env.mem, &r->one, &t, true));
        r->one_is_made = true;
    }
    r->one.type = t;
    r->one.has_nulls = false;
    ql_vector_set(&r->one, 0, v);
    *col = &r->one;
    return QL_OK;
}

/* Once, when memory is full: the form of n columns of these types on disk. */
static ql_status
make_format(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_vector *cols, uint16_t n)
{
    uint16_t *at = QL_ARENA_ARRAY(cx, x->env.mem, uint16_t, n);
    r->types = QL_ARENA_ARRAY(cx, x->env.mem, ql_type, n);
    r->vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, n);
    if (at == NULL || r->types == NULL || r->vals == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        at[i] = i;
        r->types[i] = cols[i].type;
    }
    ql_count(cx, QL_CT_CREATED_TMP_DISK_TABLES, 1);
    return qli_rowfmt_init(cx, x->env.mem, &r->fmt, r->types, at, n);
}

static bool
is_full(const ql_ctx *cx, qli_kept *r)
{
    r->full = r->full || (r->n > 1 && qli_budget_is_out(cx, ql_arena_used(r->mem), r->budget));
    return r->full;
}

/* ---- the set ---- */

static ql_status
add_to_set(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_value *v)
{
    ql_vector *col;
    uint64_t h;
    bool found;
    QL_TRY(as_column(cx, x, r, v, &col));
    QL_TRY(hash_one(cx, x, v, &h));
    if (!is_full(cx, r)) {
        return ql_tupleset_add(cx, &r->set, &col, 0, h, &found);
    }
    QL_TRY(ql_tupleset_has(cx, &r->set, &col, 0, h, &found));
    if (found) {
        return QL_OK;
    }
    if (r->lookup == NULL) {
        QL_TRY(make_format(cx, x, r, col, 1));
        QL_TRY(qli_lookup_new(x->env.run, &r->fmt, r->budget, &r->lookup));
    }
    ql_batch b = {.n = 1, .nsel = 1, .ncols = 1, .cols = col};
    return qli_lookup_add(cx, r->lookup, &b, 0, h);
}

static ql_status
look_on_disk(ql_ctx *cx, qli_kept *r, const ql_vector *col, uint64_t h, bool *found)
{
    ql_status st = QL_OK;
    QL_TRY(qli_lookup_find(cx, r->lookup, h));
    while (!*found) {
        const char *row;
        ql_value v;
        st = qli_lookup_next(cx, r->lookup, &row);
        if (st != QL_OK) {
            break;
        }
        qli_cell_value(&r->fmt, 0, &r->types[0], row, &v);
        QL_TRY(ql_row_equals(cx, col, 0, &v, found));
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
look_in_set(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_value *left, bool all, int *verdict)
{
    ql_value v;
    ql_vector *col;
    uint64_t h;
    bool found;
    if (r->n == 0) {
        return QL_OK;
    }
    if (left->kind == QL_K_NULL) {
        *verdict = -1;
        return QL_OK;
    }
    ql_kind k = x->e->compare_kind != QL_K_NULL ? x->e->compare_kind : left->kind;
    QL_TRY(qli_value_to_kind(cx, x->env.scratch, left, k, &v));
    QL_TRY(as_column(cx, x, r, &v, &col));
    QL_TRY(hash_one(cx, x, &v, &h));
    QL_TRY(ql_tupleset_has(cx, &r->set, &col, 0, h, &found));
    if (!found && r->lookup != NULL) {
        QL_TRY(look_on_disk(cx, r, col, h, &found));
    }
    if (found) {
        *verdict = !all;
    } else if (r->has_null) {
        *verdict = -1;
    }
    return QL_OK;
}

/* ---- the list ---- */

static ql_status
keep_row(ql_ctx *cx, qli_kept *r, const ql_value *vals, uint16_t n)
{
    if (r->nrows == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        ql_value **rows = ql_arena_alloc(cx, r->mem, cap * sizeof *rows);
        if (rows == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, rows, r->rows, r->nrows * sizeof *rows));
        r->rows = rows;
        r->cap = cap;
    }
    ql_value *row = ql_arena_alloc(cx, r->mem, n * sizeof *row);
    if (row == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        row[i] = vals[i];
        QL_TRY(ql_value_keep(cx, r->mem, &row[i]));
    }
    r->rows[r->nrows++] = row;
    return QL_OK;
}

/* One column as it is compared, several as they are. */
static ql_status
put_row(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_batch *b, uint16_t row, const ql_value *vals)
{
    uint16_t n = x->e->query->nitems;
    ql_batch one = *b;
    char *saved;
    ql_arena *tmp;
    if (n == 1) {
        ql_vector *col;
        const ql_type *t = &b->cols[0].type;
        ql_value v = vals[0];
        if (v.kind == QL_K_NULL) { /* in a column of the others' kind */
            v.kind = x->e->compare_kind != QL_K_NULL ? x->e->compare_kind : t->kind;
            v.is_unsigned = t->is_unsigned;
            v.coll = t->coll;
            v.s = (ql_str){0};
        }
        QL_TRY(as_column(cx, x, r, &v, &col));
        if (vals[0].kind == QL_K_NULL) {
            ql_vector_set(col, 0, &vals[0]);
        }
        one = (ql_batch){.n = 1, .nsel = 1, .ncols = 1, .cols = col};
        row = 0;
    }
    if (r->tape == NULL) {
        QL_TRY(make_format(cx, x, r, one.cols, n));
        QL_TRY(qli_run_tape(x->env.run, &r->tape));
    }
    QL_TRY(qli_query_row_arena(cx, x, &tmp));
    ql_arena_mark mark = ql_arena_save(tmp);
    QL_TRY(qli_row_save(cx, tmp, &r->fmt, &one, row, &saved));
    QL_TRY(qli_row_put(cx, r->tape, &r->fmt, saved));
    ql_arena_restore(tmp, mark);
    return QL_OK;
}

static ql_status
add_to_list(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_batch *b, uint16_t row,
            const ql_value *vals)
{
    uint16_t n = x->e->query->nitems;
    for (uint16_t i = 0; i < n; i++) {
        r->has_null = r->has_null || vals[i].kind == QL_K_NULL;
    }
    return is_full(cx, r) ? put_row(cx, x, r, b, row, vals) : keep_row(cx, r, vals, n);
}

static ql_status
compare_tape(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_value *left, uint32_t n, int *verdict)
{
    ql_arena *tmp;
    ql_status st = QL_OK;
    QL_TRY(qli_query_row_arena(cx, x, &tmp));
    QL_TRY(ql_reel_start(cx, &r->reel, r->tape));
    while (!qli_query_is_decided(*verdict)) {
        char *row;
        ql_arena_reset(tmp);
        st = qli_row_get(cx, &r->reel, &r->fmt, tmp, &row);
        if (st != QL_OK) {
            break;
        }
        for (uint16_t i = 0; i < n; i++) {
            qli_cell_value(&r->fmt, i, &r->types[i], row, &r->vals[i]);
        }
        QL_TRY(qli_query_fold(cx, x, tmp, left, r->vals, n, verdict));
    }
    ql_reel_stop(&r->reel);
    return st == QL_END ? QL_OK : st;
}

static ql_status
compare_list(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_value *left, uint32_t n, int *verdict)
{
    ql_arena *tmp;
    QL_TRY(qli_query_row_arena(cx, x, &tmp));
    for (size_t i = 0; i < r->nrows && !qli_query_is_decided(*verdict); i++) {
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
            ql_arena_reset(tmp);
        }
        QL_TRY(qli_query_fold(cx, x, tmp, left, r->rows[i], n, verdict));
    }
    return r->tape != NULL && !qli_query_is_decided(*verdict)
               ? compare_tape(cx, x, r, left, n, verdict)
               : QL_OK;
}

/* ---- both ---- */

static ql_status
read_all(ql_ctx *cx, ql_ex *x, qli_kept *r)
{
    uint16_t n = x->e->query->nitems;
    ql_value *vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, n);
    ql_arena *tmp;
    ql_batch *b;
    ql_status st;
    if (vals == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_query_row_arena(cx, x, &tmp));
    while ((st = ql_block_next(cx, x->sub, &b)) == QL_OK) {
        ql_arena_reset(tmp);
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            QL_TRY(qli_query_convert(cx, x, tmp, b, row, vals));
            r->n++;
            if (!r->hashed) {
                QL_TRY(add_to_list(cx, x, r, b, row, vals));
            } else if (vals[0].kind == QL_K_NULL) {
                r->has_null = true;
            } else {
                QL_TRY(add_to_set(cx, x, r, &vals[0]));
            }
        }
    }
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_kept_new(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, qli_kept **out)
{
    qli_kept *r = QL_ARENA_NEW(cx, x->env.mem, qli_kept);
    if (r == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_run_arena(x->env.run, "subquery result", &r->mem));
    r->budget = qli_budget_result(cx);
    r->hashed = x->e->query->nitems == 1 && (x->e->op == QL_OP_IN || x->e->op == QL_OP_NOT_IN ||
                                             x->e->op == QL_OP_EQ_ANY || x->e->op == QL_OP_NE_ALL);
    ql_tupleset_init(&r->set, r->mem, 1);
    QL_TRY(qli_query_start(cx, x, in, row));
    QL_TRY(read_all(cx, x, r));
    if (r->lookup != NULL) {
        QL_TRY(qli_lookup_end(cx, r->lookup));
    }
    if (r->tape != NULL) {
        QL_TRY(ql_tape_end(cx, r->tape));
    }
    *out = r;
    return QL_OK;
}

ql_status
qli_kept_compare(ql_ctx *cx, ql_ex *x, qli_kept *r, const ql_value *left, uint32_t n, int *verdict)
{
    ql_op op;
    bool all;
    qli_query_op(x->e->op, &op, &all);
    return r->hashed ? look_in_set(cx, x, r, left, all, verdict)
                     : compare_list(cx, x, r, left, n, verdict);
}
