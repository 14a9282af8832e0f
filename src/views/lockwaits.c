/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in whose way: the lock manager names for each waiting request the one lock it sleeps for;
 * here all locks that are granted to others and conflict with it are found too, because all of them
 * have to go before it goes on (several holders of a shared lock). Works on a copy of the lock
 * table: waiting requests are sorted by key, and each granted lock looks up those it meets. Runs on
 * the session that looks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"
#include "views/lockwaits_int.h"

typedef struct waiter {
    const ql_lock_info *l;
    uint32_t number; /* in the list of locks */
} waiter;

typedef struct finder {
    ql_arena *a;
    waiter *points, *spans; /* points sorted by key */
    size_t npoints, nspans;
    qli_lock_edge *edges;
    size_t n, cap;
} finder;

static int
compare_waiters(const void *x, const void *y)
{
    return ql_str_cmp(((const waiter *)x)->l->low, ((const waiter *)y)->l->low);
}

static bool
is_span(const ql_lock_info *l)
{
    return l->high.n != 0;
}

/* src/txn/README.md, "Row locks": is the granted lock e in the way of the request r, where they
 * meet? */
static bool
conflicts(const ql_lock_info *e, const ql_lock_info *r)
{
    bool exclusive = e->mode == QL_LOCK_X || r->mode == QL_LOCK_X;
    if (r->kind == QL_LOCK_INSERT) {
        return true;
    }
    if (r->kind == QL_LOCK_GAP) {
        return e->kind == QL_LOCK_REC && exclusive;
    }
    return e->kind != QL_LOCK_GAP && exclusive;
}

static ql_status
put_edge(ql_ctx *cx, finder *f, const waiter *w, uint32_t blocker)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        qli_lock_edge *more = QL_ARENA_ARRAY(cx, f->a, qli_lock_edge, cap);
        if (!more) {
            return QL_ERROR;
        }
        if (f->n) {
            QL_TRY(ql_bulk_copy(cx, more, f->edges, f->n * sizeof *more));
        }
        f->edges = more;
        f->cap = cap;
    }
    f->edges[f->n++] = (qli_lock_edge){w->number, blocker};
    return QL_OK;
}

static ql_status
add_edge(ql_ctx *cx, finder *f, const waiter *w, const ql_lock_info *e, uint32_t number)
{
    bool in_the_way = e->trx_id != w->l->trx_id && conflicts(e, w->l);
    return in_the_way ? put_edge(cx, f, w, number) : QL_OK;
}

/* First point waiter at or above key. */
static size_t
first_at(const finder *f, ql_str key)
{
    size_t low = 0, high = f->npoints;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ql_str_cmp(f->points[mid].l->low, key) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static bool
reaches(const ql_lock_info *e, ql_str key)
{
    return is_span(e) ? ql_str_cmp(key, e->high) < 0 : ql_str_cmp(key, e->low) == 0;
}

static bool
overlap(const ql_lock_info *e, const ql_lock_info *span)
{
    return ql_str_cmp(e->low, span->high) < 0 &&
           (is_span(e) ? ql_str_cmp(span->low, e->high) < 0 : ql_str_cmp(span->low, e->low) <= 0);
}

static ql_status
look(ql_ctx *cx, finder *f, const ql_lock_info *e, uint32_t number)
{
    for (size_t i = first_at(f, e->low); i < f->npoints && reaches(e, f->points[i].l->low); i++) {
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(add_edge(cx, f, &f->points[i], e, number));
    }
    for (size_t i = 0; i < f->nspans; i++) {
        QL_TRY(ql_bulk_node(cx));
        if (overlap(e, f->spans[i].l)) {
            QL_TRY(add_edge(cx, f, &f->spans[i], e, number));
        }
    }
    return QL_OK;
}

static ql_status
collect(ql_ctx *cx, finder *f, const ql_lock_info *l, size_t n)
{
    size_t waits = 0;
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        waits += !l[i].granted;
    }
    f->points = QL_ARENA_ARRAY(cx, f->a, waiter, waits + 1);
    f->spans = f->points ? QL_ARENA_ARRAY(cx, f->a, waiter, waits + 1) : NULL;
    if (!f->spans) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (l[i].granted) {
            continue;
        }
        waiter w = {&l[i], (uint32_t)i};
        if (is_span(&l[i])) {
            f->spans[f->nspans++] = w;
        } else {
            f->points[f->npoints++] = w;
        }
    }
    return ql_bulk_sort(cx, f->a, f->points, f->npoints, sizeof *f->points, compare_waiters);
}

static int
compare_edges(const void *x, const void *y)
{
    const qli_lock_edge *a = x, *b = y;
    return a->waiter != b->waiter ? (a->waiter > b->waiter) - (a->waiter < b->waiter)
                                  : (a->blocker > b->blocker) - (a->blocker < b->blocker);
}

static int
compare_blocking(const void *key, const void *w)
{
    uint64_t a = *(const uint64_t *)key, b = ((const waiter *)w)->l->lock_id;
    return (a > b) - (a < b);
}

static int
compare_ids(const void *x, const void *y)
{
    return compare_blocking(&((const waiter *)x)->l->lock_id, y);
}

/* Those who queue behind another request: an edge to the one they sleep for. */
static ql_status
add_queued(ql_ctx *cx, finder *f)
{
    size_t n = f->npoints + f->nspans;
    waiter *all = QL_ARENA_ARRAY(cx, f->a, waiter, n + 1);
    if (!all) {
        return QL_ERROR;
    }
    memcpy(all, f->points, f->npoints * sizeof *all);
    memcpy(all + f->npoints, f->spans, f->nspans * sizeof *all);
    QL_TRY(ql_bulk_sort(cx, f->a, all, n, sizeof *all, compare_ids));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(cx));
        const waiter *b =
            bsearch(&all[i].l->blocking_lock_id, all, n, sizeof *all, compare_blocking);
        if (b) {
            QL_TRY(put_edge(cx, f, &all[i], b->number));
        }
    }
    return QL_OK;
}

ql_status
qli_lock_edges(ql_ctx *cx, ql_arena *a, const ql_lock_info *l, size_t n, qli_lock_edge **out,
               size_t *nout)
{
    finder f = {.a = a};
    QL_TRY(collect(cx, &f, l, n));
    for (size_t i = 0; f.npoints + f.nspans && i < n; i++) {
        QL_TRY(ql_bulk_node(cx));
        if (l[i].granted) {
            QL_TRY(look(cx, &f, &l[i], (uint32_t)i));
        }
    }
    QL_TRY(add_queued(cx, &f));
    if (f.n) {
        QL_TRY(ql_bulk_sort(cx, a, f.edges, f.n, sizeof *f.edges, compare_edges));
    }
    *out = f.edges;
    *nout = f.n;
    return QL_OK;
}
