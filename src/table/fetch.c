/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows by their clustered keys, decoded column by column into batches: what index merges read once
 * they know which rows they want. Those of a snapshot are looked for together. One checkpoint a
 * row: each may cost a read of a cold disk.
 */
#include "base/diag.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "table/scan_int.h"
#include "vars/sysvars.h"

/* Lives in an arena of the statement; used by its thread only. */
struct ql_fetch {
    ql_fetch_spec spec;
    ql_row_reader reader;
    ql_batch batch;
    ql_arena *rows; /* copies of rows that do not live long enough */
    ql_str *found;  /* [QL_BATCH_ROWS] of a snapshot */
};

static void
close_deferred(void *arg)
{
    ql_fetch *f = arg;
    ql_arena_free(f->rows);
    f->rows = NULL;
}

ql_status
ql_fetch_open(ql_ctx *cx, ql_arena *a, const ql_fetch_spec *spec, ql_fetch **out)
{
    ql_fetch *f = QL_ARENA_NEW(cx, a, ql_fetch);
    ql_type *types = QL_ARENA_ARRAY(cx, a, ql_type, spec->ncols + 1u);
    if (f == NULL || types == NULL) {
        return QL_ERROR;
    }
    f->spec = *spec;
    for (uint16_t i = 0; i < spec->ncols; i++) {
        types[i] = spec->table->types[spec->ordinals[i]];
    }
    QL_TRY(ql_batch_init(cx, a, &f->batch, types, spec->ncols));
    QL_TRY(ql_row_reader_init_as(cx, a, &f->reader, &spec->table->layout, spec->ordinals,
                                 spec->ncols));
    if (spec->view == QL_VIEW_STATEMENT) {
        f->found = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *f->found);
        if (f->found == NULL) {
            return QL_ERROR;
        }
    }
    QL_TRY(ql_arena_defer(cx, a, close_deferred, f));
    f->rows = ql_arena_new("fetched rows", ql_arena_quota(a));
    *out = f;
    return f->rows != NULL ? QL_OK : ql_fail_oom(cx, 0);
}

/* The index said that there is such a row. */
static ql_status
lonely(ql_ctx *cx, const ql_fetch *f)
{
    const ql_index *x = f->spec.through;
    char *name = ql_arena_strndup(cx, cx->arena, x->name.p, x->name.n);
    return ql_fail(cx, QL_ER_INDEX_CORRUPT, name != NULL ? name : "");
}

/* The newest row, read by itself and copied. */
static ql_status
read_row(ql_ctx *cx, ql_fetch *f, ql_str key, ql_str *is)
{
    QL_TRY(ql_check(cx));
    QL_TRY(ql_txn_get(cx, f->spec.view, key, is));
    char *p = ql_arena_strndup(cx, f->rows, is->p, is->n);
    if (p == NULL) {
        return QL_ERROR;
    }
    is->p = p;
    return QL_OK;
}

static ql_status
take_row(ql_ctx *cx, ql_fetch *f, const ql_str *keys, uint16_t row, size_t *bytes)
{
    ql_str is;
    ql_status st = QL_OK;
    if (f->found != NULL) {
        is = f->found[row];
        st = is.p != NULL ? QL_OK : QL_END;
    } else {
        st = read_row(cx, f, keys[row], &is);
    }
    if (QL_UNLIKELY(st != QL_OK)) {
        return st == QL_END ? lonely(cx, f) : st;
    }
    *bytes += is.n;
    return ql_row_decode(cx, &f->reader, is, f->batch.cols, row);
}

ql_status
qli_fetch_rows(ql_ctx *cx, ql_fetch *f, const ql_str *keys, uint16_t n, uint16_t *taken,
               ql_batch **out)
{
    size_t bytes = 0;
    uint16_t k = 0;
    if (ql_arena_used(f->rows) > 0) {
        ql_arena_reset(f->rows);
    }
    for (uint16_t i = 0; i < f->spec.ncols; i++) {
        f->batch.cols[i].has_nulls = false;
    }
    QL_TRY(f->found != NULL ? ql_txn_get_many(cx, keys, n, f->found) : QL_OK);
    while (k < n && bytes < QLI_BATCH_BYTES) {
        QL_TRY(take_row(cx, f, keys, k, &bytes));
        k++;
    }
    ql_count(cx, QL_CT_HANDLER_READ_RND, k);
    f->batch.n = f->batch.nsel = k;
    f->batch.sel = NULL;
    *taken = k;
    *out = &f->batch;
    return QL_OK;
}

const ql_table *
qli_fetch_table(const ql_fetch *f)
{
    return f->spec.table;
}
