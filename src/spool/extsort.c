/* SPDX-License-Identifier: Apache-2.0
 *
 * External merge sort (extsort.h). Runs are merged through a tree of losers (Knuth, TAOCP 3,
 * 5.4.1). While there are more than can be read at once, the neighbours that have the fewest bytes
 * are merged into one. Checkpoints: each page read or written, and the comparisons' bytes.
 */
#include "spool/extsort.h"

#include <string.h>

#include "base/bulk.h"
#include "vars/sysvars.h"

/* In front of each row of a run; then the key behind its prefix, then the row. */
typedef struct record {
    uint64_t prefix;
    uint64_t nrow;
    uint64_t nkey;
} record;

/* A run being read, standing at a row, of which it has the key in memory only: rows may be long,
 * and many runs are read at a time. Its reel stands behind the key. */
typedef struct input {
    ql_reel reel;
    ql_tape *tape;
    bool done;
    ql_sort_item item; /* row: NULL */
    size_t nrow;
} input;

typedef struct ql_sort_merge {
    unsigned n, cap;
    input *in;
    unsigned *tree; /* [0] the winner, [1..n) losers of the matches */
} ql_sort_merge;

/* ---- runs ---- */

static ql_status
add_run(ql_ctx *cx, ql_extsort *x, ql_tape *t)
{
    if (x->nruns == x->cap) {
        size_t cap = x->cap > 0 ? x->cap * 2 : 64;
        ql_tape **runs = ql_arena_alloc(cx, x->mem, cap * sizeof *runs);
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
write_key(ql_ctx *cx, ql_tape *t, const ql_sort_item *item, size_t nrow)
{
    record r = {.prefix = item->prefix, .nrow = nrow, .nkey = item->nkey};
    QL_TRY(ql_tape_write(cx, t, &r, sizeof r));
    return ql_tape_write(cx, t, item->key, item->nkey);
}

ql_status
ql_extsort_run_begin(ql_ctx *cx, ql_extsort *x)
{
    ql_tape *t;
    QL_TRY(ql_tape_new(cx, x->file, &t));
    return add_run(cx, x, t);
}

ql_status
ql_extsort_run_put(ql_ctx *cx, ql_extsort *x, const ql_sort_item *item, const void *row,
                   size_t nrow)
{
    ql_tape *t = x->runs[x->nruns - 1];
    QL_TRY(write_key(cx, t, item, nrow));
    return ql_tape_write(cx, t, row, nrow);
}

ql_status
ql_extsort_run_end(ql_ctx *cx, ql_extsort *x)
{
    return ql_tape_end(cx, x->runs[x->nruns - 1]);
}

/* ---- merging ---- */

static ql_status
advance(ql_ctx *cx, input *in)
{
    record r;
    const char *p;
    if (ql_reel_at_end(&in->reel)) {
        in->done = true;
        ql_reel_stop(&in->reel);
        ql_tape_drop(cx, in->tape);
        in->tape = NULL;
        return QL_OK;
    }
    QL_TRY(ql_reel_read(cx, &in->reel, &r, sizeof r));
    QL_TRY(ql_reel_view(cx, &in->reel, r.nkey, &p));
    in->item = (ql_sort_item){.prefix = r.prefix, .key = p, .nkey = (uint32_t)r.nkey};
    in->nrow = r.nrow;
    return QL_OK;
}

/* Does input a come before b? n stands for one before all. */
static ql_status
comes_before(ql_ctx *cx, const ql_sort_merge *m, unsigned a, unsigned b, bool *yes)
{
    int order;
    if (a == m->n || b == m->n || m->in[a].done || m->in[b].done) {
        *yes = a == m->n || (b != m->n && m->in[b].done && (!m->in[a].done || a < b));
        return QL_OK;
    }
    QL_TRY(ql_sort_compare(cx, &m->in[a].item, &m->in[b].item, &order));
    *yes = order != 0 ? order < 0 : a < b;
    return QL_OK;
}

/* Input s has a new row: its way up to where it loses. */
static ql_status
replay(ql_ctx *cx, ql_sort_merge *m, unsigned s)
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
merge_open(ql_ctx *cx, ql_extsort *x, ql_tape **runs, unsigned n, ql_sort_merge **out)
{
    ql_sort_merge *m = x->room;
    if (m == NULL || m->cap < n) {
        m = QL_ARENA_NEW(cx, x->mem, ql_sort_merge);
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
        QL_TRY(ql_reel_start(cx, &m->in[i].reel, m->in[i].tape));
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
merge_close(ql_ctx *cx, ql_extsort *x)
{
    ql_sort_merge *m = x->merge;
    for (unsigned i = 0; m != NULL && i < m->n; i++) {
        ql_reel_stop(&m->in[i].reel);
        ql_tape_drop(cx, m->in[i].tape);
    }
    x->merge = NULL;
}

/* The winner; NULL = all is read. Its row is read once, then comes step. */
static input *
winner(const ql_sort_merge *m)
{
    input *in = &m->in[m->tree[0]];
    return in->done ? NULL : in;
}

static ql_status
step(ql_ctx *cx, ql_sort_merge *m)
{
    unsigned s = m->tree[0];
    QL_TRY(advance(cx, &m->in[s]));
    return replay(cx, m, s);
}

/* The winner's row, from tape to tape: a page of it at a time. */
static ql_status
copy_row(ql_ctx *cx, input *in, ql_tape *t)
{
    for (size_t left = in->nrow; left > 0;) {
        size_t n = left < QL_TAPE_PAGE ? left : QL_TAPE_PAGE;
        const char *p;
        QL_TRY(ql_reel_view(cx, &in->reel, n, &p));
        QL_TRY(ql_tape_write(cx, t, p, n));
        left -= n;
    }
    return QL_OK;
}

/* n runs from `from` on become one in their place. */
static ql_status
merge_some(ql_ctx *cx, ql_extsort *x, size_t from, unsigned n)
{
    ql_tape *t;
    ql_sort_merge *m;
    uint64_t rows = 0;
    QL_TRY(ql_tape_new(cx, x->file, &t));
    ql_status st = merge_open(cx, x, &x->runs[from], n, &m);
    x->runs[from] = t;
    QL_TRY(st);
    for (input *in; (in = winner(m)) != NULL && (x->most == 0 || rows < x->most); rows++) {
        QL_TRY(write_key(cx, t, &in->item, in->nrow));
        QL_TRY(copy_row(cx, in, t));
        QL_TRY(step(cx, m));
    }
    QL_TRY(ql_tape_end(cx, t));
    merge_close(cx, x);
    memmove(&x->runs[from + 1], &x->runs[from + n], (x->nruns - from - n) * sizeof *x->runs);
    x->nruns -= n - 1;
    return QL_OK;
}

/* Where the n neighbours with the fewest bytes begin. */
static ql_status
cheapest(ql_ctx *cx, const ql_extsort *x, size_t n, size_t *from)
{
    uint64_t bytes = 0, least = UINT64_MAX;
    for (size_t i = 0; i < x->nruns; i++) {
        QL_TRY(ql_bulk_node(cx));
        bytes += ql_tape_bytes(x->runs[i]);
        if (i + 1 >= n) {
            if (bytes < least) {
                least = bytes;
                *from = i + 1 - n;
            }
            bytes -= ql_tape_bytes(x->runs[i + 1 - n]);
        }
    }
    return QL_OK;
}

ql_status
ql_extsort_begin(ql_ctx *cx, ql_extsort *x)
{
    size_t width = x->budget / QL_TAPE_PAGE;
    width = width < QL_MERGE_LEAST ? QL_MERGE_LEAST : width;
    width = width > QL_MERGE_MOST ? QL_MERGE_MOST : width;
    while (x->nruns > width) {
        size_t n = x->nruns - width + 1, from = 0;
        n = n < width ? n : width;
        QL_TRY(cheapest(cx, x, n, &from));
        QL_TRY(merge_some(cx, x, from, (unsigned)n));
    }
    size_t n = x->nruns;
    ql_sort_merge *m;
    x->given = 0;
    x->nruns = 0;
    ql_status st = merge_open(cx, x, x->runs, (unsigned)n, &m);
    x->nruns = st == QL_OK ? 0 : n; /* for those that were not taken over */
    return st;
}

ql_status
ql_extsort_head(ql_ctx *cx, const ql_extsort *x, const ql_sort_item **item, size_t *nrow)
{
    const input *in = winner(x->merge);
    (void)cx;
    if (in == NULL) {
        return QL_END;
    }
    *item = &in->item;
    *nrow = in->nrow;
    return QL_OK;
}

ql_status
ql_extsort_view(ql_ctx *cx, const ql_extsort *x, const char **row)
{
    input *in = winner(x->merge);
    return ql_reel_view(cx, &in->reel, in->nrow, row);
}

ql_status
ql_extsort_copy(ql_ctx *cx, const ql_extsort *x, char *p)
{
    input *in = winner(x->merge);
    return ql_reel_read(cx, &in->reel, p, in->nrow);
}

ql_status
ql_extsort_step(ql_ctx *cx, ql_extsort *x)
{
    x->given++;
    return step(cx, x->merge);
}

void
ql_extsort_reset(ql_ctx *cx, ql_extsort *x)
{
    merge_close(cx, x);
    for (size_t i = 0; i < x->nruns; i++) {
        ql_tape_drop(cx, x->runs[i]);
    }
    x->runs = NULL;
    x->room = NULL;
    x->nruns = x->cap = 0;
    ql_arena_reset(x->mem);
}
