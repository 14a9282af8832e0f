/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups for many rows at once: what a nested loop asks of its inner table for a batch of rows.
 * Their keys, or the places in the index where their entries begin, are looked for together
 * (txn.h, ql_txn_get_many, ql_txn_warm), and so are the rows behind the entries, of all of them;
 * what is given out is in the order in which one look-up after the other would have given it.
 */
#include <string.h>

#include "base/diag.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "table/scan_int.h"
#include "vars/sysvars.h"

#define FIRST_BATCH 64
#define WARM 64 /* places that are brought near together */

ql_status
qli_probes_init(ql_ctx *cx, ql_arena *a, ql_scan *s)
{
    qli_probes *p = &s->probes;
    p->v = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *p->v);
    p->places = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *p->places);
    p->tags = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *p->tags);
    p->is_tail = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *p->is_tail);
    if (p->v == NULL || p->places == NULL || p->tags == NULL || p->is_tail == NULL) {
        return QL_ERROR;
    }
    p->size = FIRST_BATCH;
    p->mem = ql_arena_new("keys of look-ups", ql_arena_quota(a));
    return p->mem != NULL ? QL_OK : ql_fail_oom(cx, 0);
}

void
qli_probes_close(ql_scan *s)
{
    ql_arena_free(s->probes.mem);
    s->probes.mem = NULL;
}

void
ql_probe_begin(ql_scan *s)
{
    qli_probes *p = &s->probes;
    p->n = p->at = p->warm = 0;
    p->inside = false;
    ql_arena_reset(p->mem);
    qli_gather_clear(&s->gather);
}

static ql_status
keep(ql_ctx *cx, ql_scan *s, const ql_buf *key, ql_str *out)
{
    char *p = ql_arena_strndup(cx, s->probes.mem, key->p, key->n);
    *out = (ql_str){p, key->n};
    return p != NULL ? QL_OK : QL_ERROR;
}

ql_status
ql_probe_add_nothing(ql_ctx *cx, ql_scan *s, uint16_t tag)
{
    (void)cx;
    s->probes.v[s->probes.n++] = (qli_probe){.tag = tag};
    return QL_OK;
}

ql_status
ql_probe_add(ql_ctx *cx, ql_scan *s, uint16_t tag, const ql_bound *low, const ql_bound *high)
{
    qli_range_kind kind;
    qli_probe *v = &s->probes.v[s->probes.n];
    QL_TRY(qli_range_encode(cx, s->spec.table, s->index, low, high, &s->low, &s->high, &kind));
    *v = (qli_probe){.tag = tag};
    if (kind != QLI_RANGE_NOTHING) {
        QL_TRY(keep(cx, s, &s->low, &v->low));
        QL_TRY(kind == QLI_RANGE_OPEN ? keep(cx, s, &s->high, &v->high) : QL_OK);
    }
    s->probes.n++;
    return QL_OK;
}

static void
count_reads(ql_ctx *cx, ql_counter c, uint64_t n)
{
    ql_count(cx, c, n);
    if (cx->proc != NULL) {
        ql_proc_add_rows(cx->proc, n, 0);
    }
}

/* --- points --- */

/* The rows that the entries gathered lead to into the batch. */
static ql_status
take_rows_behind(ql_ctx *cx, ql_scan *s, const uint16_t *tags)
{
    qli_gather *g = &s->gather;
    QL_TRY(qli_gather_read(cx, s));
    for (uint16_t i = 0; i < g->n; i++) {
        if (QL_UNLIKELY(g->rows[i].p == NULL)) {
            return qli_scan_lonely(cx, s);
        }
        QL_TRY(ql_row_decode(cx, &s->reader, g->rows[i], s->batch.cols, tags[i]));
    }
    return QL_OK;
}

ql_status
ql_probe_points(ql_ctx *cx, ql_scan *s, uint16_t *sel, uint16_t *n, ql_batch **out)
{
    qli_probes *p = &s->probes;
    ql_str *found = s->gather.rows;
    bool behind = !qli_scan_is_clustered(s) && !s->spec.index_only && s->spec.ncols > 0;
    *n = 0;
    QL_TRY(ql_check(cx));
    QL_TRY(QL_SYNC(cx, SCAN_BLOCK));
    qli_scan_clear_batch(s);
    qli_gather_clear(&s->gather);
    for (uint16_t i = 0; i < p->n; i++) {
        p->places[i] = p->v[i].low;
    }
    QL_TRY(ql_txn_get_many(cx, p->places, p->n, found));
    for (uint16_t i = 0; i < p->n; i++) {
        const qli_probe *v = &p->v[i];
        if (found[i].p == NULL) {
            continue;
        }
        if (behind) {
            QL_TRY(qli_gather_add(cx, s, found[i]));
        } else if (s->spec.index_only) {
            QL_TRY(qli_scan_take_parts(cx, s, v->low, found[i], v->tag));
        } else if (s->spec.ncols > 0) {
            QL_TRY(ql_row_decode(cx, &s->reader, found[i], s->batch.cols, v->tag));
        }
        sel[(*n)++] = v->tag;
    }
    QL_TRY(behind ? take_rows_behind(cx, s, sel) : QL_OK);
    count_reads(cx, QL_CT_HANDLER_READ_KEY, *n);
    s->batch.n = s->batch.nsel = *n > 0 ? (uint16_t)(sel[*n - 1] + 1) : 0;
    s->batch.sel = NULL;
    *out = &s->batch;
    return QL_OK;
}

/* --- ranges --- */

/* The places of the next ranges are brought near. */
static ql_status
warm(ql_ctx *cx, ql_scan *s)
{
    qli_probes *p = &s->probes;
    uint16_t n = 0;
    if (p->at < p->warm) {
        return QL_OK;
    }
    for (uint16_t i = p->at; i < p->n && n < WARM; i++) {
        if (p->v[i].low.n > 0) {
            p->places[n++] = s->spec.reverse && p->v[i].high.n > 0 ? p->v[i].high : p->v[i].low;
        }
        p->warm = (uint16_t)(i + 1);
    }
    return ql_txn_warm(cx, p->places, n);
}

/* The first entry of range `at`, or the next one. QL_END: there is none. */
static ql_status
next_of_range(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    qli_probes *p = &s->probes;
    const qli_probe *r = &p->v[p->at];
    ql_status st;
    if (r->low.n == 0 || (p->inside && r->high.n == 0)) {
        return QL_END;
    }
    if (r->high.n == 0) {
        *k = r->low;
        p->inside = true;
        return ql_txn_get(cx, s->spec.view, r->low, v);
    }
    if (p->inside) {
        st = s->spec.reverse ? ql_txn_prev(cx, s->cursor, k, v) : ql_txn_next(cx, s->cursor, k, v);
    } else {
        if (s->cursor == NULL) {
            QL_TRY(ql_txn_cursor_open(cx, s->spec.view, &s->cursor));
        }
        ql_txn_cursor_within(s->cursor, r->low, r->high);
        st = s->spec.reverse ? ql_txn_seek_lt(cx, s->cursor, r->high, k, v)
                             : ql_txn_seek_ge(cx, s->cursor, r->low, k, v);
        p->inside = true;
    }
    QL_TRY(st);
    bool outside = s->spec.reverse ? ql_str_cmp(*k, r->low) < 0 : ql_str_cmp(*k, r->high) >= 0;
    return outside ? QL_END : QL_OK;
}

/* One more row of the batch: an entry, of which more may have to be read. */
static ql_status
take_entry(ql_ctx *cx, ql_scan *s, ql_str k, ql_str v)
{
    qli_gather *g = &s->gather;
    if (s->spec.index_only) {
        QL_TRY(qli_scan_take_parts(cx, s, k, v, g->n));
    } else if (s->spec.ncols > 0 && !qli_scan_is_clustered(s)) {
        QL_TRY(s->spec.pick != NULL ? qli_scan_take_parts(cx, s, k, v, g->n) : QL_OK);
        return qli_gather_add(cx, s, v);
    }
    g->keys[g->n] = (ql_str){"", 0};
    g->rows[g->n++] = v;
    return QL_OK;
}

static void
take_tail(ql_scan *s)
{
    qli_gather *g = &s->gather;
    g->keys[g->n] = (ql_str){"", 0};
    g->rows[g->n++] = (ql_str){NULL, 0};
}

static void
note(ql_scan *s, bool is_tail)
{
    qli_probes *p = &s->probes;
    p->tags[s->gather.n] = p->v[p->at].tag;
    p->is_tail[s->gather.n] = is_tail;
}

static void
end_range(ql_scan *s)
{
    s->probes.inside = false;
    s->probes.at++;
}

static ql_status
gather_entries(ql_ctx *cx, ql_scan *s, bool tails, bool first)
{
    qli_probes *p = &s->probes;
    while (p->at < p->n && s->gather.n < p->size) {
        ql_str k, v;
        QL_TRY(ql_check(cx));
        QL_TRY(p->inside ? QL_OK : warm(cx, s));
        ql_status st = p->inside && first ? QL_END : next_of_range(cx, s, &k, &v);
        if (st == QL_OK) {
            note(s, false);
            QL_TRY(take_entry(cx, s, k, v));
            continue;
        }
        if (st != QL_END) {
            return st;
        }
        if (tails) {
            note(s, true);
            take_tail(s);
        }
        end_range(s);
    }
    return QL_OK;
}

static void
make_null(ql_scan *s, uint16_t row)
{
    for (uint16_t i = 0; i < s->spec.ncols; i++) {
        s->batch.cols[i].has_nulls = true;
        s->batch.cols[i].nulls[row] = 1;
    }
}

/* Rows of the clustered index are there already; others are read now. */
static ql_status
take_rows(ql_ctx *cx, ql_scan *s)
{
    qli_gather *g = &s->gather;
    bool taken = s->spec.index_only || s->spec.ncols == 0;
    if (!taken && !qli_scan_is_clustered(s)) {
        QL_TRY(qli_gather_pick(cx, s));
        QL_TRY(qli_gather_read(cx, s));
    }
    for (uint16_t i = 0; i < g->n; i++) {
        if (s->probes.is_tail[i]) {
            make_null(s, i);
            continue;
        }
        if (taken) {
            continue;
        }
        if (QL_UNLIKELY(g->rows[i].p == NULL)) {
            return qli_scan_lonely(cx, s);
        }
        QL_TRY(ql_row_decode(cx, &s->reader, g->rows[i], s->batch.cols, i));
    }
    return QL_OK;
}

ql_status
ql_probe_rows(ql_ctx *cx, ql_scan *s, bool tails, bool first, ql_probed *out)
{
    qli_probes *p = &s->probes;
    QL_TRY(ql_check(cx));
    QL_TRY(QL_SYNC(cx, SCAN_BLOCK));
    qli_scan_clear_batch(s);
    uint16_t n = 0;
    while (n == 0) { /* none of the entries may be wanted */
        qli_gather_clear(&s->gather);
        QL_TRY(gather_entries(cx, s, tails, first));
        if (s->gather.n == 0) {
            return QL_END;
        }
        QL_TRY(take_rows(cx, s));
        n = s->gather.n;
    }
    p->size = p->size < QL_BATCH_ROWS / 4 ? (uint16_t)(p->size * 4) : QL_BATCH_ROWS;
    count_reads(cx, QL_CT_HANDLER_READ_NEXT, n);
    s->batch.n = s->batch.nsel = n;
    s->batch.sel = NULL;
    *out = (ql_probed){&s->batch, p->tags, p->is_tail};
    return QL_OK;
}

void
ql_probe_pass(ql_scan *s, uint16_t tag)
{
    if (s->probes.inside && s->probes.v[s->probes.at].tag == tag) {
        end_range(s);
    }
}
