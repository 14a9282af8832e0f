/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting: the newest committed state is read in a snapshot of its own, without locks; small
 * tables whole, of others rows at places spread evenly over the clustered index (kv.h,
 * ql_kv_region), and of each index runs of neighbours at such places. Runs in any thread;
 * checkpoints, no waits.
 */
#include <math.h>

#include "base/thread.h"
#include "kv/kv.h"
#include "stats/stats_int.h"

#define DOCUMENT_BYTES 128u /* the key of a JSON document has no more of it */
#define PROBES 64
#define VALUES_MAX (4u << 20) /* of a sample, in all columns together */
#define ROWS_LEAST 500u
#define RUNS 256u /* of neighbours in an index */
#define RUN 16u
#define ENOUGH_CHANGES 30u /* fewer pairs of neighbours that differ tell too little */

typedef struct collector {
    ql_ctx *cx;
    ql_table *t;
    ql_kv_snap *snap;
    ql_kv_cursor *cursor;
    qli_sample sample;
    ql_value *values;
    ql_buf key;
    qli_kept *kept;
    double *prefixes[64];
    uint64_t random;
} collector;

/* A long document: two that are the same have the same key; their order is of no use. */
static ql_status
long_document(ql_ctx *cx, ql_str s, ql_buf *out)
{
    QL_TRY(ql_buf_put_u8(cx, out, 0xff));
    QL_TRY(ql_buf_put_le(cx, out, s.n, 8));
    QL_TRY(ql_buf_put(cx, out, s.p, DOCUMENT_BYTES / 2));
    return ql_buf_put(cx, out, s.p + s.n - DOCUMENT_BYTES / 2, DOCUMENT_BYTES / 2);
}

ql_status
qli_stats_key(ql_ctx *cx, const ql_type *t, const ql_value *v, ql_buf *out)
{
    if (ql_value_is_null(v)) {
        return QL_OK;
    }
    if (ql_kind_family(t->kind) == QL_FAM_JSON && v->s.n > DOCUMENT_BYTES) {
        return long_document(cx, v->s, out);
    }
    size_t from = out->n;
    QL_TRY(ql_key_encode(cx, t, t->kind == QL_K_STRING ? QLI_STATS_CHARS : 0, false, v, out));
    memmove(out->p + from, out->p + from + 1, out->n - from - 1); /* the tag */
    out->n--;
    return QL_OK;
}

static double
random_share(collector *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (double)(c->random >> 11) * 0x1p-53;
}

/* --- where --- */

typedef struct range {
    char from[4], to[4];
} range;

static void
range_of(uint32_t id, range *r)
{
    for (int i = 0; i < 4; i++) {
        r->from[i] = (char)(id >> (24 - 8 * i));
        r->to[i] = (char)((id + 1) >> (24 - 8 * i));
    }
}

static bool
is_in(const range *r, ql_str key)
{
    return key.n >= 4 && memcmp(key.p, r->from, 4) == 0;
}

/* A new snapshot and cursor. */
static ql_status
look_at(collector *c, uint32_t id, range *r, ql_kv_region *region)
{
    range_of(id, r);
    for (int tries = 0;; tries++) {
        QL_TRY(ql_kv_snap_begin(c->cx, c->cx->inst->kv, &c->snap));
        ql_status st = ql_kv_region_open(c->cx, c->snap, (ql_str){r->from, 4}, (ql_str){r->to, 4},
                                         PROBES, region);
        if (st == QL_END && tries < 3) { /* a commit came in between */
            ql_kv_snap_end(c->snap);
            c->snap = NULL;
            continue;
        }
        QL_TRY(st);
        QL_TRY(ql_kv_cursor_open(c->cx, c->snap, &c->cursor));
        ql_kv_cursor_trust(c->cursor);
        return QL_OK;
    }
}

static void
look_away(collector *c, ql_kv_region *region)
{
    ql_kv_cursor_close(c->cursor);
    c->cursor = NULL;
    if (c->snap) {
        ql_kv_region_close(region);
        ql_kv_snap_end(c->snap);
        c->snap = NULL;
    }
}

/* --- rows --- */

static ql_status
sample_init(collector *c, uint64_t rows)
{
    qli_sample *s = &c->sample;
    s->cap = (uint32_t)rows;
    s->ncolumns = c->t->ncolumns;
    s->columns = ql_mem_zalloc(sizeof *s->columns * (s->ncolumns + 1u));
    if (s->columns == NULL) {
        return ql_fail_oom(c->cx, sizeof *s->columns * s->ncolumns);
    }
    for (uint32_t i = 0; i <= s->ncolumns; i++) {
        qli_sample_column *col = i < s->ncolumns ? &s->columns[i] : &s->literal;
        if (s->only == NULL ? i == s->ncolumns : i < s->ncolumns && i != *s->only) {
            continue;
        }
        col->end = ql_mem_alloc(sizeof(uint32_t) * (rows + 1));
        if (col->end == NULL) {
            return ql_fail_oom(c->cx, sizeof(uint32_t) * rows);
        }
    }
    return QL_OK;
}

void
qli_sample_fini(qli_sample *s)
{
    ql_buf_free(&s->literal.bytes);
    ql_mem_free(s->literal.end);
    for (uint16_t i = 0; s->columns && i < s->ncolumns; i++) {
        ql_buf_free(&s->columns[i].bytes);
        ql_mem_free(s->columns[i].end);
    }
    ql_mem_free(s->columns);
}

static ql_status
take_value(collector *c, uint16_t i)
{
    qli_sample *s = &c->sample;
    qli_sample_column *col = &s->columns[i];
    QL_TRY(qli_stats_key(c->cx, &c->t->types[i], &c->values[i], &col->bytes));
    col->end[s->n] = (uint32_t)col->bytes.n;
    col->nulls += ql_value_is_null(&c->values[i]);
    if (s->only != NULL) {
        QL_TRY(qli_json_of_value(c->cx, &c->t->types[i], &c->values[i], &s->literal.bytes));
        s->literal.end[s->n] = (uint32_t)s->literal.bytes.n;
    }
    return QL_OK;
}

static ql_status
take_row(collector *c, ql_str key, ql_str row)
{
    qli_sample *s = &c->sample;
    QL_TRY(ql_row_decode_as(c->cx, &c->t->layout, row, c->values));
    if (s->only != NULL) {
        QL_TRY(take_value(c, *s->only));
    }
    for (uint16_t i = 0; s->only == NULL && i < s->ncolumns; i++) {
        QL_TRY(take_value(c, i));
    }
    s->row_bytes += (double)(key.n + row.n);
    s->n++;
    return s->n % 64 == 0 ? ql_check(c->cx) : QL_OK;
}

/* All of them. QL_TIMEOUT: there are more than were thought. */
static ql_status
read_all(collector *c, const range *r)
{
    ql_str k, v;
    ql_status st = ql_kv_seek_ge(c->cx, c->cursor, (ql_str){r->from, 4}, &k, &v);
    while (st == QL_OK && is_in(r, k)) {
        if (c->sample.n == c->sample.cap) {
            return QL_TIMEOUT;
        }
        QL_TRY(take_row(c, k, v));
        st = ql_kv_next(c->cx, c->cursor, &k, &v);
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
read_some(collector *c, const range *r, const ql_kv_region *region, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        ql_str k, v;
        ql_status st = ql_kv_region_key(c->cx, region, (i + random_share(c)) / n, &k);
        st = st == QL_OK ? ql_kv_seek_ge(c->cx, c->cursor, k, &k, &v) : st;
        if (st == QL_OK && is_in(r, k)) {
            QL_TRY(take_row(c, k, v));
        } else if (st != QL_OK && st != QL_END) {
            return st;
        }
        QL_TRY(i % 64 == 63 ? ql_check(c->cx) : QL_OK);
    }
    return QL_OK;
}

static ql_status
read_rows(collector *c, uint64_t sample_rows)
{
    ql_kv_region region = {0};
    range r;
    ql_status st;
    double *rows = &c->kept->s.rows;
    QL_TRY_TO(st, look_at(c, c->t->indexes[0].id, &r, &region), out);
    /* A table of very many columns has a smaller sample. */
    uint64_t most = VALUES_MAX / (c->sample.only ? 1u : c->t->ncolumns + 1u);
    most = most < ROWS_LEAST ? ROWS_LEAST : most;
    sample_rows = sample_rows < most ? sample_rows : most;
    uint64_t small = QLI_STATS_EXACT < most ? QLI_STATS_EXACT : most;
    bool whole = region.entries <= (double)(small > sample_rows ? small : sample_rows);
    uint64_t cap = whole ? (uint64_t)(region.entries * 1.5) + 1000 : sample_rows;
    QL_TRY_TO(st, sample_init(c, cap), out);
    *rows = region.entries;
    if (whole) {
        st = read_all(c, &r);
        c->kept->exact = st == QL_OK;
        *rows = c->kept->exact ? c->sample.n : *rows < (double)cap ? (double)cap : *rows;
        st = st == QL_TIMEOUT ? QL_OK : st;
    } else {
        st = read_some(c, &r, &region, (uint32_t)cap);
    }
    c->sample.row_bytes = c->sample.n > 0 ? c->sample.row_bytes / c->sample.n : 0;
out:
    look_away(c, &region);
    return st;
}

/* --- leading parts of indexes --- */

/* The first part, counted from 0, in which two keys of the index differ; nparts: none that is its
 * own. Keys are without their ids. */
static uint16_t
differing_part(const ql_table *t, const ql_index *x, uint16_t all, ql_str a, ql_str b)
{
    size_t same = 0, least = a.n < b.n ? a.n : b.n, at = 0;
    while (same < least && a.p[same] == b.p[same]) {
        same++;
    }
    uint16_t n = 0;
    const ql_index *behind = &t->indexes[0];
    for (; n < all; n++) {
        const ql_index_part *p = n < x->nparts ? &x->parts[n]
                                 : behind->hidden_rowid || n - x->nparts >= behind->nparts
                                     ? NULL
                                     : &behind->parts[n - x->nparts];
        size_t len = p && at < a.n ? ql_key_skip(&t->types[p->column], p->descending,
                                                 (ql_str){a.p + at, a.n - at})
                                   : 0;
        if (len == 0 || at + len > same) {
            return n;
        }
        at += len;
    }
    return n;
}

typedef struct pairs {
    uint64_t n;
    uint64_t *changes; /* of each number of leading parts */
} pairs;

static ql_status
take_pair(collector *c, const ql_index *x, uint16_t all, pairs *p, ql_str key)
{
    ql_str k = {key.p + 4, key.n - 4};
    if (c->key.n > 0) {
        uint16_t part = differing_part(c->t, x, all, (ql_str){c->key.p, c->key.n}, k);
        for (uint16_t i = part; i < all; i++) {
            p->changes[i]++;
        }
        p->n++;
    }
    ql_buf_clear(&c->key);
    QL_TRY(ql_buf_put(c->cx, &c->key, k.p, k.n));
    return p->n % 256 == 255 ? ql_check(c->cx) : QL_OK;
}

static ql_status
read_entries(collector *c, const ql_index *x, uint16_t all, const range *r,
             const ql_kv_region *region, pairs *p)
{
    bool whole = c->kept->exact;
    for (uint32_t i = 0; i < (whole ? 1 : RUNS); i++) {
        ql_str k = {r->from, 4}, v;
        ql_status st = QL_OK;
        ql_buf_clear(&c->key);
        if (!whole) {
            st = ql_kv_region_key(c->cx, region, (i + random_share(c)) / RUNS, &k);
        }
        st = st == QL_OK ? ql_kv_seek_ge(c->cx, c->cursor, k, &k, &v) : st;
        for (uint32_t n = 0; st == QL_OK && is_in(r, k) && (whole || n < RUN); n++) {
            QL_TRY(take_pair(c, x, all, p, k));
            st = ql_kv_next(c->cx, c->cursor, &k, &v);
        }
        if (st != QL_OK && st != QL_END) {
            return st;
        }
        QL_TRY(ql_check(c->cx));
    }
    return QL_OK;
}

/* Columns of the first n parts; false: some are there in part only. */
static bool
whole_columns(const ql_index *x, uint16_t n, uint16_t *columns)
{
    for (uint16_t i = 0; i < n; i++) {
        if (i >= x->nparts || x->parts[i].prefix != 0) {
            return false;
        }
        columns[i] = x->parts[i].column;
    }
    return true;
}

/* Few changes between neighbours are not enough to tell the number of values, but to tell what it
 * is not: two standard deviations around them. */
static double
between(double d, const pairs *p, uint16_t part, double rows)
{
    double c = (double)p->changes[part], off = 2 * sqrt(c + 1);
    double low = qli_distinct_of_pairs(p->n, c > off ? (uint64_t)(c - off) : 0, rows);
    double high = qli_distinct_of_pairs(p->n, (uint64_t)(c + off) + 1, rows);
    return d < low ? low : d > high ? high : d;
}

static ql_status
count_prefixes(collector *c, const ql_index *x, uint16_t all, const pairs *p, double *out)
{
    uint16_t columns[64];
    double rows = c->kept->s.rows, least = 1;
    for (uint16_t i = 0; i < all; i++) {
        double d = qli_distinct_of_pairs(p->n, p->changes[i], rows);
        if (c->kept->exact) {
            d = (double)p->changes[i] + 1;
        } else if (p->changes[i] < ENOUGH_CHANGES && i < 64 && whole_columns(x, i + 1u, columns)) {
            qli_frequencies f;
            QL_TRY(qli_sample_frequencies(c->cx, &c->sample, columns, i + 1u, &f));
            d = between(qli_distinct_of_sample(&f, rows), p, i, rows);
        }
        d = d < least ? least : d > rows ? rows : d;
        out[i] = d < 1 ? 1 : d;
        least = out[i];
    }
    return QL_OK;
}

static ql_status
read_index(collector *c, uint16_t i)
{
    const ql_index *x = &c->t->indexes[i];
    uint16_t all = ql_stats_parts(c->t, x);
    double *out = c->prefixes[i];
    ql_kv_region region = {0};
    range r;
    pairs p = {0};
    ql_status st;
    if (x->hidden_rowid) {
        out[0] = c->kept->s.rows;
        return QL_OK;
    }
    p.changes = QL_ARENA_ARRAY(c->cx, c->kept->arena, uint64_t, all + 1u);
    if (p.changes == NULL) {
        return QL_ERROR;
    }
    QL_TRY_TO(st, look_at(c, x->id, &r, &region), out);
    QL_TRY_TO(st, read_entries(c, x, all, &r, &region, &p), out);
    st = count_prefixes(c, x, all, &p, out);
out:
    look_away(c, &region);
    return st;
}

/* --- all of it --- */

/* Different values of a column with an index that begins with it, NULL not counted; 0: there is
 * none. */
static double
indexed_distinct(const collector *c, uint16_t column)
{
    for (uint16_t i = 0; i < c->t->nindexes && i < 64; i++) {
        const ql_index *x = &c->t->indexes[i];
        if (x->nparts > 0 && !x->hidden_rowid && x->parts[0].column == column &&
            x->parts[0].prefix == 0) {
            double d = c->prefixes[i][0] - (c->sample.columns[column].nulls > 0);
            return d < 1 ? 1 : d;
        }
    }
    return 0;
}

static ql_status
collect(collector *c, uint64_t sample_rows)
{
    qli_kept *k = c->kept;
    ql_column_stats *columns =
        QL_ARENA_ARRAY(c->cx, k->arena, ql_column_stats, c->t->ncolumns + 1u);
    double **prefixes =
        columns ? QL_ARENA_ARRAY(c->cx, k->arena, double *, c->t->nindexes + 1u) : NULL;
    c->values = prefixes ? QL_ARENA_ARRAY(c->cx, k->arena, ql_value, c->t->ncolumns + 1u) : NULL;
    if (!c->values) {
        return QL_ERROR;
    }
    QL_TRY(read_rows(c, sample_rows));
    k->sampled = c->sample.n;
    k->s.row_bytes = c->sample.row_bytes;
    for (uint16_t i = 0; i < c->t->nindexes; i++) {
        prefixes[i] =
            QL_ARENA_ARRAY(c->cx, k->arena, double, ql_stats_parts(c->t, &c->t->indexes[i]) + 1u);
        if (!prefixes[i]) {
            return QL_ERROR;
        }
        if (i < 64) {
            c->prefixes[i] = prefixes[i];
            QL_TRY(read_index(c, i));
        }
    }
    for (uint16_t i = 0; i < c->t->ncolumns; i++) {
        QL_TRY(qli_histogram_make(c->cx, k->arena, &c->sample.columns[i], c->sample.n, k->s.rows,
                                  k->exact, indexed_distinct(c, i), &columns[i]));
    }
    QL_TRY(qli_stats_overlay(c->cx, c->t, k, columns));
    k->s.rows = k->s.rows < 1 ? 1 : k->s.rows;
    k->s.known = true;
    k->s.columns = columns;
    k->s.prefixes = (const double *const *)prefixes;
    return QL_OK;
}

ql_status
qli_stats_collect(ql_ctx *cx, ql_table *t, uint64_t sample_rows, qli_kept **out)
{
    collector c = {.cx = cx, .t = t, .random = 0x9E3779B97F4A7C15u ^ t->id};
    c.kept = qli_stats_new(cx, t);
    if (!c.kept) {
        return QL_ERROR;
    }
    c.kept->changes = ql_table_changes(t);
    c.kept->at_us = ql_now_real_us();
    int64_t begin = ql_now_mono_ns();
    ql_status st = collect(&c, sample_rows);
    int64_t end = ql_now_mono_ns();
    c.kept->took_ns = end - begin;
    c.kept->rest_until_ns =
        end - begin < QLI_STATS_QUICK_NS ? 0 : end + (end - begin) * QLI_STATS_REST;
    qli_sample_fini(&c.sample);
    ql_buf_free(&c.key);
    if (st != QL_OK) {
        ql_table_kept_put(&c.kept->k);
        return st;
    }
    *out = c.kept;
    return QL_OK;
}

ql_status
qli_stats_sample_column(ql_ctx *cx, ql_table *t, uint16_t column, uint64_t sample_rows,
                        qli_sample *s, double *rows)
{
    collector c = {.cx = cx, .t = t, .random = 0x9E3779B97F4A7C15u ^ t->id};
    *s = (qli_sample){0};
    c.kept = qli_stats_new(cx, t);
    if (!c.kept) {
        return QL_ERROR;
    }
    c.values = QL_ARENA_ARRAY(cx, c.kept->arena, ql_value, t->ncolumns + 1u);
    c.sample.only = &column;
    ql_status st = c.values ? read_rows(&c, sample_rows) : QL_ERROR;
    *rows = c.kept->s.rows;
    *s = c.sample;
    s->only = NULL;
    ql_table_kept_put(&c.kept->k);
    return st;
}
