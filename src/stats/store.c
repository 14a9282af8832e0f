/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics on the disk: a record for the table, and one for each column, so that none becomes
 * large. They are written by a transaction of their own and are of no value to anybody else: what
 * cannot be read, or was written for another version of the definition, is collected anew. Layout:
 * README.md.
 */
#include "base/reader.h"
#include "kv/kv.h"
#include "stats/stats_int.h"
#include "txn/beside.h"

#define FORMAT 1u

/* --- writing --- */

static ql_status
put_double(ql_ctx *cx, ql_buf *b, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return ql_buf_put_le(cx, b, bits, 8);
}

static ql_status
put_key(ql_ctx *cx, ql_buf *b, ql_str key)
{
    return ql_buf_put_lenenc_str(cx, b, key.p, key.n);
}

static ql_status
put_histogram(ql_ctx *cx, ql_buf *b, const ql_histogram *h)
{
    QL_TRY(ql_buf_put_u8(cx, b, h == NULL ? 0 : h->complete ? 2 : 1));
    if (h == NULL) {
        return QL_OK;
    }
    QL_TRY(put_double(cx, b, h->rest));
    QL_TRY(ql_buf_put_lenenc(cx, b, h->ncommon));
    for (uint32_t i = 0; i < h->ncommon; i++) {
        QL_TRY(put_key(cx, b, h->common[i].key));
        QL_TRY(put_double(cx, b, h->common[i].share));
    }
    QL_TRY(ql_buf_put_lenenc(cx, b, h->nbuckets));
    for (uint32_t i = 0; i < h->nbuckets; i++) {
        QL_TRY(put_key(cx, b, h->buckets[i].low));
        QL_TRY(put_key(cx, b, h->buckets[i].high));
        QL_TRY(put_double(cx, b, h->buckets[i].share));
    }
    return QL_OK;
}

ql_status
qli_stats_put_column(ql_ctx *cx, ql_buf *b, int64_t at_us, const ql_column_stats *c)
{
    QL_TRY(ql_buf_put_u8(cx, b, FORMAT));
    QL_TRY(ql_buf_put_le(cx, b, (uint64_t)at_us, 8));
    QL_TRY(put_double(cx, b, c->distinct));
    QL_TRY(put_double(cx, b, c->nulls));
    return put_histogram(cx, b, c->histogram);
}

static ql_status
put_table(ql_ctx *cx, ql_buf *b, const qli_kept *k, const ql_table *t)
{
    QL_TRY(ql_buf_put_u8(cx, b, FORMAT));
    QL_TRY(ql_buf_put_le(cx, b, (uint64_t)k->at_us, 8));
    QL_TRY(ql_buf_put_le(cx, b, k->version, 8));
    QL_TRY(ql_buf_put_le(cx, b, k->sampled, 8));
    QL_TRY(ql_buf_put_u8(cx, b, k->exact));
    QL_TRY(put_double(cx, b, k->s.rows));
    QL_TRY(put_double(cx, b, k->s.row_bytes));
    QL_TRY(ql_buf_put_lenenc(cx, b, t->ncolumns));
    QL_TRY(ql_buf_put_lenenc(cx, b, t->nindexes));
    for (uint16_t i = 0; i < t->nindexes; i++) {
        uint16_t parts = ql_stats_parts(t, &t->indexes[i]);
        QL_TRY(ql_buf_put_lenenc(cx, b, parts));
        for (uint16_t p = 0; p < parts; p++) {
            QL_TRY(put_double(cx, b, k->s.prefixes[i][p]));
        }
    }
    return QL_OK;
}

static ql_status
put_records(ql_ctx *cx, const ql_table *t, const qli_kept *k, ql_buf *key, ql_buf *value)
{
    for (uint32_t i = 0; i <= t->ncolumns; i++) {
        ql_buf_clear(value);
        QL_TRY(ql_table_stats_key(cx, key, t->id, i));
        QL_TRY(i == 0 ? put_table(cx, value, k, t)
                      : qli_stats_put_column(cx, value, k->at_us, &k->s.columns[i - 1]));
        QL_TRY(ql_txn_put(cx, (ql_str){key->p, key->n}, (ql_str){value->p, value->n}));
        QL_TRY(ql_check(cx));
    }
    return QL_OK;
}

ql_status
qli_stats_save(ql_ctx *cx, const ql_table *t, const qli_kept *k)
{
    ql_buf key = {0}, value = {0};
    ql_txn *saved = cx->txn;
    ql_status st = ql_beside_begin(cx, true);
    if (st != QL_OK) {
        return st;
    }
    st = ql_beside_end(cx, saved, put_records(cx, t, k, &key, &value));
    ql_buf_free(&key);
    ql_buf_free(&value);
    return st;
}

static ql_status
del_records(ql_ctx *cx, const ql_table *t, ql_buf *key)
{
    for (uint32_t i = 0; i <= t->ncolumns; i++) {
        QL_TRY(ql_table_stats_key(cx, key, t->id, i));
        QL_TRY(ql_txn_del(cx, (ql_str){key->p, key->n}));
    }
    return QL_OK;
}

ql_status
qli_stats_forget_dropped(ql_ctx *cx, const ql_table *t)
{
    ql_table *now;
    ql_status st = ql_catalog_get_table(cx, t->db, t->name, &now);
    bool there = st == QL_OK && now->id == t->id;
    if (st == QL_OK) {
        ql_table_put(now);
    } else {
        ql_diag_clear_error(cx->diag);
    }
    if (there) {
        return QL_OK;
    }
    ql_buf key = {0};
    ql_txn *saved = cx->txn;
    QL_TRY(ql_beside_begin(cx, true));
    st = ql_beside_end(cx, saved, del_records(cx, t, &key));
    ql_buf_free(&key);
    return st;
}

/* --- reading --- */

static double
get_double(ql_reader *r)
{
    uint64_t bits = ql_read_le(r, 8);
    double d;
    memcpy(&d, &bits, sizeof d);
    if (!(d >= 0) || d > 1e300) {
        r->bad = true;
        return 0;
    }
    return d;
}

static ql_status
get_key(ql_ctx *cx, ql_arena *a, ql_reader *r, ql_str *out)
{
    ql_str key = ql_read_lenenc_str(r);
    *out = (ql_str){ql_arena_strndup(cx, a, key.p, key.n), key.n};
    return out->p ? QL_OK : QL_ERROR;
}

static ql_status
get_histogram(ql_ctx *cx, ql_arena *a, ql_reader *r, const ql_histogram **out)
{
    uint64_t kind = ql_read_le(r, 1);
    if (r->bad || kind == 0) {
        return QL_OK;
    }
    ql_histogram *h = QL_ARENA_NEW(cx, a, ql_histogram);
    if (!h) {
        return QL_ERROR;
    }
    h->complete = kind == 2;
    h->rest = get_double(r);
    uint64_t n = ql_read_lenenc(r);
    n = n <= QLI_BUCKETS_MAX ? n : 0;
    h->common = QL_ARENA_ARRAY(cx, a, qli_common, n + 1);
    for (; h->common && h->ncommon < n && !r->bad; h->ncommon++) {
        QL_TRY(get_key(cx, a, r, &h->common[h->ncommon].key));
        h->common[h->ncommon].share = get_double(r);
    }
    n = ql_read_lenenc(r);
    n = n <= QLI_BUCKETS_MAX + 1 ? n : 0;
    h->buckets = h->common ? QL_ARENA_ARRAY(cx, a, qli_bucket, n + 1) : NULL;
    for (; h->buckets && h->nbuckets < n && !r->bad; h->nbuckets++) {
        QL_TRY(get_key(cx, a, r, &h->buckets[h->nbuckets].low));
        QL_TRY(get_key(cx, a, r, &h->buckets[h->nbuckets].high));
        h->buckets[h->nbuckets].share = get_double(r);
    }
    *out = h;
    return h->buckets ? QL_OK : QL_ERROR;
}

ql_status
qli_stats_get_column(ql_ctx *cx, ql_arena *a, ql_str in, int64_t at_us, ql_column_stats *c,
                     bool *good)
{
    ql_reader r = ql_reader_of(in);
    uint64_t format = ql_read_le(&r, 1);
    bool same = (int64_t)ql_read_le(&r, 8) == at_us || at_us == 0;
    c->known = true;
    c->distinct = get_double(&r);
    c->nulls = get_double(&r);
    QL_TRY(get_histogram(cx, a, &r, &c->histogram));
    *good = !r.bad && format == FORMAT && same && c->nulls <= 1 && c->distinct >= 1;
    return QL_OK;
}

static ql_status
get_table(ql_ctx *cx, qli_kept *k, const ql_table *t, ql_str in, bool *good)
{
    ql_reader r = ql_reader_of(in);
    *good = false;
    double **prefixes = QL_ARENA_ARRAY(cx, k->arena, double *, t->nindexes + 1u);
    if (!prefixes) {
        return QL_ERROR;
    }
    uint64_t format = ql_read_le(&r, 1);
    k->at_us = (int64_t)ql_read_le(&r, 8);
    k->version = ql_read_le(&r, 8);
    k->sampled = ql_read_le(&r, 8);
    k->exact = ql_read_le(&r, 1) == 1;
    k->s.rows = get_double(&r);
    k->s.row_bytes = get_double(&r);
    uint64_t columns = ql_read_lenenc(&r), indexes = ql_read_lenenc(&r);
    if (format != FORMAT || r.bad || k->version != t->version || columns != t->ncolumns ||
        indexes != t->nindexes) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < t->nindexes; i++) {
        uint16_t parts = ql_stats_parts(t, &t->indexes[i]);
        if (ql_read_lenenc(&r) != parts) {
            return QL_OK;
        }
        prefixes[i] = QL_ARENA_ARRAY(cx, k->arena, double, parts + 1u);
        if (!prefixes[i]) {
            return QL_ERROR;
        }
        for (uint16_t p = 0; p < parts; p++) {
            prefixes[i][p] = get_double(&r);
        }
    }
    k->s.prefixes = (const double *const *)prefixes;
    k->s.known = true;
    *good = !r.bad && k->s.rows >= 1;
    return QL_OK;
}

static ql_status
read_records(ql_ctx *cx, const ql_table *t, ql_kv_snap *snap, qli_kept *k, ql_buf *key, bool *good)
{
    ql_str v;
    ql_column_stats *columns = QL_ARENA_ARRAY(cx, k->arena, ql_column_stats, t->ncolumns + 1u);
    if (!columns) {
        return QL_ERROR;
    }
    k->s.columns = columns;
    *good = true;
    for (uint32_t i = 0; *good && i <= t->ncolumns; i++) {
        QL_TRY(ql_table_stats_key(cx, key, t->id, i));
        QL_TRY(ql_kv_get(cx, snap, (ql_str){key->p, key->n}, &v));
        QL_TRY(i == 0 ? get_table(cx, k, t, v, good)
                      : qli_stats_get_column(cx, k->arena, v, k->at_us, &columns[i - 1], good));
        QL_TRY(ql_check(cx));
    }
    return *good ? qli_stats_overlay(cx, t, k, columns) : QL_OK;
}

ql_status
qli_stats_load(ql_ctx *cx, const ql_table *t, qli_kept **out)
{
    ql_buf key = {0};
    ql_kv_snap *snap = NULL;
    bool good = false;
    *out = NULL;
    qli_kept *k = qli_stats_new(cx, t);
    if (!k) {
        return QL_ERROR;
    }
    ql_status st = ql_kv_snap_begin(cx, cx->inst->kv, &snap);
    st = st == QL_OK ? read_records(cx, t, snap, k, &key, &good) : st;
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    if (st == QL_OK && good) {
        k->changes = ql_table_changes(t);
        *out = k;
        return QL_OK;
    }
    ql_table_kept_put(&k->k);
    return st == QL_END || st == QL_OK ? QL_OK : st;
}
