/* SPDX-License-Identifier: Apache-2.0
 *
 * External merge sort (extsort_int.h). Runs are merged through a tree of losers (Knuth, TAOCP 3,
 * 5.4.1). While there are more than can be read at once, the neighbours that have the fewest bytes
 * are merged into one. Checkpoints: each page read or written, and the comparisons' bytes.
 */
#include "exec/extsort_int.h"

#include <string.h>

#include "base/bulk.h"

/* In front of each row of a run; then the key behind its prefix, then the row. */
typedef struct record {
    uint64_t prefix;
    uint64_t nrow;
    uint64_t nkey;
} record;

/* A run being read, standing at a row, of which it has the key in memory only: rows may be long,
 * and many runs are read at a time. Its reel stands behind the key. */
typedef struct input {
    qli_reel reel;
    qli_tape *tape;
    bool done;
    qli_sort_item item; /* row: NULL */
    size_t nrow;
} input;

typedef struct qli_merge {
    unsigned n, cap;
    input *in;
    unsigned *tree; /* [0] the winner, [1..n) losers of the matches */
} qli_merge;

/* ---- runs ---- */

static ql_status
add_run(ql_ctx *cx, qli_extsort *x, qli_tape *t)
{
    if (x->nruns == x->cap) {
        size_t cap = x->cap > 0 ? x->cap * 2 : 64;
        qli_tape **runs = ql_arena_alloc(cx, x->mem, cap * sizeof *runs);
        if (runs == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, runs, x->runs, x->nruns * sizeof *runs));
        x->runs = runs;
        x->cap = cap;
    }
    x->runs[x->nruns++] = t;
    return QL_OK;
}

/* What is in front of a row of nrow bytes. */
static ql_status
write_key(ql_ctx *cx, qli_tape *t, const qli_sort_item *item, size_t nrow)
{
    record r = {.prefix = item->prefix, .nrow = nrow, .nkey = item->nkey};
    QL_TRY(qli_tape_write(cx, t, &r, sizeof r));
    return qli_tape_write(cx, t, item->key, item->nkey);
}

ql_status
qli_extsort_add(ql_ctx *cx, qli_extsort *x, const qli_sort_item *items, size_t n)
{
    qli_tape *t;
    if (x->most != 0 && x->most < n) {
        n = x->most;
    }
    QL_TRY(qli_tape_new(x->run, &t));
    QL_TRY(add_run(cx, x, t));
    for (size_t i = 0; i < n; i++) {
        size_t nrow = qli_row_size(x->fmt, items[i].row);
        QL_TRY(write_key(cx, t, &items[i], nrow));
        QL_TRY(qli_tape_write(cx, t, items[i].row, nrow));
    }
    return qli_tape_end(cx, t);
}

/* ---- merging ---- */

static ql_status
advance(ql_ctx *cx, input *in)
{
    record r;
    const char *p;
    if (qli_reel_at_end(&in->reel)) {
        in->done = true;
        qli_reel_stop(&in->reel);
        qli_tape_drop(cx, in->tape);
        in->tape = NULL;
        return QL_OK;
    }
    QL_TRY(qli_reel_read(cx, &in->reel, &r, sizeof r));
    QL_TRY(qli_reel_view(cx, &in->reel, r.nkey, &p));
    in->item = (qli_sort_item){.prefix = r.prefix, .key = p, .nkey = (uint32_t)r.nkey};
    in->nrow = r.nrow;
    return QL_OK;
}

/* Does input a come before b? n stands for one before all. */
static ql_status
comes_before(ql_ctx *cx, const qli_merge *m, unsigned a, unsigned b, bool *yes)
{
    int order;
    if (a == m->n || b == m->n || m->in[a].done || m->in[b].done) {
        *yes = a == m->n || (b != m->n && m->in[b].done && (!m->in[a].done || a < b));
        return QL_OK;
    }
    QL_TRY(qli_sort_compare(cx, &m->in[a].item, &m->in[b].item, &order));
    *yes = order != 0 ? order < 0 : a < b;
    return QL_OK;
}

/* Input s has a new row: its way up to where it loses. */
static ql_status
replay(ql_ctx *cx, qli_merge *m, unsigned s)
{
    for (unsigned t = (s + m->n) / 2; t > 0; t /= 2) {
        bool loses;
        QL_TRY(comes_before(cx, m, m->tree[t], s, &loses));
        if (loses) {
            unsigned winner = m->tree[t];
            m->tree[t] = s;
            s = winner;
        }
    }
    m->tree[0] = s;
    return QL_OK;
}

/* The inputs are these n runs, which belong to it from now on. */
static ql_status
merge_open(ql_ctx *cx, qli_extsort *x, qli_tape **runs, unsigned n, qli_merge **out)
{
    qli_merge *m = x->room;
    if (m == NULL || m->cap < n) {
        m = QL_ARENA_NEW(cx, x->mem, qli_merge);
        if (m == NULL) {
            return QL_ERROR;
        }
        m->in = QL_ARENA_ARRAY(cx, x->mem, input, n);
        m->tree = QL_ARENA_ARRAY(cx, x->mem, unsigned, n + 1);
        if (m->in == NULL || m->tree == NULL) {
            return QL_ERROR;
        }
        m->cap = n;
        x->room = m;
    }
    x->merge = m;
    m->n = n;
    memset(m->in, 0, n * sizeof *m->in);
    for (unsigned i = 0; i < n; i++) {
        m->tree[i] = n;
        m->in[i].tape = runs[i];
        runs[i] = NULL;
        QL_TRY(qli_reel_start(cx, &m->in[i].reel, m->in[i].tape));
        QL_TRY(advance(cx, &m->in[i]));
    }
    for (unsigned i = n; i-- > 0;) {
        QL_TRY(replay(cx, m, i));
    }
    ql_count(cx, QL_CT_SORT_MERGE_PASSES, 1);
    *out = m;
    return QL_OK;
}

static void
merge_close(ql_ctx *cx, qli_extsort *x)
{
    qli_merge *m = x->merge;
    for (unsigned i = 0; m != NULL && i < m->n; i++) {
        qli_reel_stop(&m->in[i].reel);
        qli_tape_drop(cx, m->in[i].tape);
    }
    x->merge = NULL;
}

/* The winner; NULL = all is read. Its row is read once, then comes step. */
static input *
winner(const qli_merge *m)
{
    input *in = &m->in[m->tree[0]];
    return in->done ? NULL : in;
}

static ql_status
step(ql_ctx *cx, qli_merge *m)
{
    unsigned s = m->tree[0];
    QL_TRY(advance(cx, &m->in[s]));
    return replay(cx, m, s);
}

/* The winner's row, from tape to tape: a page of it at a time. */
static ql_status
copy_row(ql_ctx *cx, input *in, qli_tape *t)
{
    for (size_t left = in->nrow; left > 0;) {
        size_t n = left < QLI_TAPE_PAGE ? left : QLI_TAPE_PAGE;
        const char *p;
        QL_TRY(qli_reel_view(cx, &in->reel, n, &p));
        QL_TRY(qli_tape_write(cx, t, p, n));
        left -= n;
    }
    return QL_OK;
}

/* n runs from `from` on become one in their place. */
static ql_status
merge_some(ql_ctx *cx, qli_extsort *x, size_t from, unsigned n)
{
    qli_tape *t;
    qli_merge *m;
    uint64_t rows = 0;
    QL_TRY(qli_tape_new(x->run, &t));
    ql_status st = merge_open(cx, x, &x->runs[from], n, &m);
    x->runs[from] = t;
    QL_TRY(st);
    for (input *in; (in = winner(m)) != NULL && (x->most == 0 || rows < x->most); rows++) {
        QL_TRY(write_key(cx, t, &in->item, in->nrow));
        QL_TRY(copy_row(cx, in, t));
        QL_TRY(step(cx, m));
    }
    QL_TRY(qli_tape_end(cx, t));
    merge_close(cx, x);
    memmove(&x->runs[from + 1], &x->runs[from + n], (x->nruns - from - n) * sizeof *x->runs);
    x->nruns -= n - 1;
    return QL_OK;
}

/* Where the n neighbours with the fewest bytes begin. */
static ql_status
cheapest(ql_ctx *cx, const qli_extsort *x, size_t n, size_t *from)
{
    uint64_t bytes = 0, least = UINT64_MAX;
    for (size_t i = 0; i < x->nruns; i++) {
        QL_TRY(ql_bulk_node(cx));
        bytes += qli_tape_bytes(x->runs[i]);
        if (i + 1 >= n) {
            if (bytes < least) {
                least = bytes;
                *from = i + 1 - n;
            }
            bytes -= qli_tape_bytes(x->runs[i + 1 - n]);
        }
    }
    return QL_OK;
}

ql_status
qli_extsort_begin(ql_ctx *cx, qli_extsort *x)
{
    size_t width = x->budget / QLI_TAPE_PAGE;
    width = width < QLI_MERGE_LEAST ? QLI_MERGE_LEAST : width;
    width = width > QLI_MERGE_MOST ? QLI_MERGE_MOST : width;
    while (x->nruns > width) {
        size_t n = x->nruns - width + 1, from = 0;
        n = n < width ? n : width;
        QL_TRY(cheapest(cx, x, n, &from));
        QL_TRY(merge_some(cx, x, from, (unsigned)n));
    }
    size_t n = x->nruns;
    qli_merge *m;
    x->given = 0;
    x->nruns = 0;
    ql_status st = merge_open(cx, x, x->runs, (unsigned)n, &m);
    x->nruns = st == QL_OK ? 0 : n; /* for those that were not taken over */
    return st;
}

ql_status
qli_extsort_next(ql_ctx *cx, qli_extsort *x, ql_arena *a, char **rows, uint16_t *n)
{
    size_t bytes = 0;
    *n = 0;
    while (*n < QL_BATCH_ROWS && bytes < QLI_ROWS_BYTES) {
        input *in = winner(x->merge);
        if (in == NULL || (x->most != 0 && x->given == x->most)) {
            break;
        }
        char *row = ql_arena_alloc(cx, a, in->nrow);
        if (row == NULL) {
            return QL_ERROR;
        }
        QL_TRY(qli_reel_read(cx, &in->reel, row, in->nrow));
        qli_row_moved(x->fmt, row);
        rows[(*n)++] = row;
        x->given++;
        bytes += in->nrow;
        QL_TRY(step(cx, x->merge));
    }
    return *n > 0 ? QL_OK : QL_END;
}

ql_status
qli_extsort_one(ql_ctx *cx, const qli_extsort *x, uint64_t *prefix, const char **row, size_t *nrow)
{
    input *in = winner(x->merge);
    if (in == NULL) {
        return QL_END;
    }
    *prefix = in->item.prefix;
    *nrow = in->nrow;
    return qli_reel_view(cx, &in->reel, in->nrow, row);
}

ql_status
qli_extsort_step(ql_ctx *cx, qli_extsort *x)
{
    return step(cx, x->merge);
}

void
qli_extsort_reset(ql_ctx *cx, qli_extsort *x)
{
    merge_close(cx, x);
    for (size_t i = 0; i < x->nruns; i++) {
        qli_tape_drop(cx, x->runs[i]);
    }
    x->runs = NULL;
    x->room = NULL;
    x->nruns = x->cap = 0;
    ql_arena_reset(x->mem);
}
