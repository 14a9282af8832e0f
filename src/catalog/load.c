/* SPDX-License-Identifier: Apache-2.0
 *
 * All definitions and counters, read from the keyspace at start; an empty keyspace is made into
 * one. Runs on the main thread, alone.
 */
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "kv/kv.h"

typedef struct loader {
    ql_catalog *c;
    ql_kv_snap *snap;
    ql_kv_cursor *cur;
    ql_buf key;
} loader;

/* Largest bound stored under the prefix now in l->key, or 0. */
static ql_status
last_bound(ql_ctx *cx, loader *l, uint64_t *bound)
{
    size_t n = l->key.n;
    char prefix[16];
    if (n > sizeof prefix) {
        return ql_fail(cx, QL_ER_UNKNOWN_ERROR);
    }
    memcpy(prefix, l->key.p, n);
    QL_TRY(qli_put_be64(cx, &l->key, UINT64_MAX));
    QL_TRY(ql_buf_put_u8(cx, &l->key, 0));
    ql_str k = {NULL, 0}, v;
    ql_status st = ql_kv_seek_lt(cx, l->cur, qli_buf_str(&l->key), &k, &v);
    if (QL_UNLIKELY(st == QL_ERROR && k.n != 0)) { /* a damaged value; the key is all that counts */
        ql_diag_clear_error(cx->diag);
        st = QL_OK;
    }
    *bound = 0;
    if (st == QL_OK && k.n == n + 8 && memcmp(k.p, prefix, n) == 0) {
        *bound = qli_get_be64(k.p + n);
    }
    return st == QL_END ? QL_OK : st;
}

/* The record of a counter (value 0: used up); before it there were bounds, ahead of the counter, of
 * which the largest counted. */
static ql_status
load_autoinc(ql_ctx *cx, loader *l, ql_tablestate *s)
{
    ql_str v;
    QL_TRY(qli_autoinc_key(cx, &l->key, s->table_id));
    QL_TRY(last_bound(cx, l, &s->bound));
    s->next = s->bound > s->next ? s->bound : s->next;
    QL_TRY(qli_autoinc_key(cx, &l->key, s->table_id));
    ql_status st = ql_kv_get(cx, l->snap, qli_buf_str(&l->key), &v);
    if (st == QL_OK && v.n == 8) {
        s->durable = qli_get_be64(v.p);
        s->next = s->durable == 0 || s->durable > s->next ? s->durable : s->next;
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
load_counters(ql_ctx *cx, loader *l, ql_table *t, uint64_t autoinc_start)
{
    t->state = qli_tablestate_new(t->id, autoinc_start, qli_auto_max(t));
    if (!t->state) {
        return ql_fail_oom(cx, sizeof(ql_tablestate));
    }
    QL_TRY(load_autoinc(cx, l, t->state));
    QL_TRY(qli_key_begin(cx, &l->key, QLI_IX_ROWS));
    QL_TRY(qli_put_be64(cx, &l->key, t->id));
    ql_str v;
    ql_status st = ql_kv_get(cx, l->snap, qli_buf_str(&l->key), &v);
    if (st == QL_OK && v.n == 8) {
        ql_table_rows_init(t, (int64_t)qli_get_be64(v.p));
    }
    return st == QL_END ? QL_OK : st;
}

static void
note_ids(ql_catalog *c, const ql_table *t)
{
    uint64_t max = t->id;
    for (unsigned i = 0; i < t->nindexes; i++) {
        max = t->indexes[i].id > max ? t->indexes[i].id : max;
    }
    c->next_id = max >= c->next_id ? max + 1 : c->next_id;
}

static ql_status
load_table(ql_ctx *cx, loader *l, ql_str db, ql_str name, ql_str record)
{
    ql_table *t = NULL;
    uint64_t start = 0;
    QL_TRY(qli_decode_table(cx, db, name, record, &t, &start));
    ql_status st = load_counters(cx, l, t, start);
    qli_entry *e = st == QL_OK ? ql_mem_zalloc(sizeof *e) : NULL;
    if (!e) {
        ql_table_put(t);
        return st == QL_OK ? ql_fail_oom(cx, sizeof *e) : st;
    }
    note_ids(l->c, t);
    e->table = t;
    ql_table *old = NULL;
    qli_cache_put_table(l->c, e, &old);
    return QL_OK;
}

static ql_status
load_database(ql_ctx *cx, loader *l, ql_str name, ql_str record)
{
    const ql_collation *coll;
    QL_TRY(qli_decode_database(cx, name, record, &coll));
    qli_database *d = qli_database_new(cx, name, coll);
    if (!d) {
        return QL_ERROR;
    }
    qli_cache_put_database(l->c, d);
    return QL_OK;
}

/* One pass over the records of an index id. */
static ql_status
load_all(ql_ctx *cx, loader *l, uint32_t index_id)
{
    ql_kv_cursor *cur = NULL;
    ql_buf from = {0};
    ql_str k, v;
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, index_id), out);
    QL_TRY_TO(st, ql_kv_cursor_open(cx, l->snap, &cur), out);
    st = ql_kv_seek_ge(cx, cur, qli_buf_str(&from), &k, &v);
    while (st == QL_OK && k.n >= 4 && memcmp(k.p, from.p, 4) == 0) {
        QL_TRY_TO(st, ql_check(cx), out);
        ql_str name = {k.p + 4, k.n - 4};
        const char *zero = name.n ? memchr(name.p, 0, name.n) : NULL;
        if (index_id == QLI_IX_DATABASE) {
            QL_TRY_TO(st, load_database(cx, l, name, v), out);
        } else if (zero) {
            ql_str db = {name.p, (size_t)(zero - name.p)};
            ql_str table = {zero + 1, name.n - db.n - 1};
            QL_TRY_TO(st, load_table(cx, l, db, table, v), out);
        }
        st = ql_kv_next(cx, cur, &k, &v);
    }
    st = st == QL_END ? QL_OK : st;
out:
    ql_kv_cursor_close(cur);
    ql_buf_free(&from);
    return st;
}

static ql_status
check_format(ql_ctx *cx, loader *l, bool *empty)
{
    ql_str v;
    QL_TRY(qli_key_begin(cx, &l->key, QLI_IX_META));
    QL_TRY(ql_buf_put_str(cx, &l->key, "format"));
    ql_status st = ql_kv_get(cx, l->snap, qli_buf_str(&l->key), &v);
    *empty = st == QL_END;
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    uint32_t format = 0;
    memcpy(&format, v.p, v.n < sizeof format ? v.n : sizeof format);
    if (format == 0 || format > QLI_FORMAT_VERSION) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "The data directory has catalog format %u, this server knows up to "
                            "%u: it was written by a newer version",
                            format, QLI_FORMAT_VERSION);
    }
    return QL_OK;
}

static ql_status
uuid_key(ql_ctx *cx, ql_buf *key)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_META));
    return ql_buf_put_str(cx, key, "uuid");
}

/* A random UUID (RFC 9562, version 4) as text. */
static ql_status
store_uuid(ql_ctx *cx, ql_buf *key, ql_buf *val)
{
    uint8_t r[16];
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "No random numbers from the system");
    }
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    ql_buf_clear(val);
    for (unsigned i = 0; i < sizeof r; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        QL_TRY(ql_buf_printf(cx, val, "%s%02x", dash ? "-" : "", r[i]));
    }
    QL_TRY(uuid_key(cx, key));
    return ql_txn_put(cx, qli_buf_str(key), qli_buf_str(val));
}

static ql_status
load_uuid(ql_ctx *cx, loader *l)
{
    ql_str v;
    QL_TRY(uuid_key(cx, &l->key));
    ql_status st = ql_kv_get(cx, l->snap, qli_buf_str(&l->key), &v);
    if (st == QL_OK && cx->inst->sysvars) {
        st = ql_sysvars_configure(cx, cx->inst->sysvars, QL_STR("server_uuid"), v);
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
initialise(ql_ctx *cx)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, ql_txn_begin(cx, QL_REPEATABLE_READ, false), out);
    QL_TRY_TO(st, ql_txn_stmt_begin(cx), rollback);
    QL_TRY_TO(st, qli_key_begin(cx, &key, QLI_IX_META), rollback);
    QL_TRY_TO(st, ql_buf_put_str(cx, &key, "format"), rollback);
    QL_TRY_TO(st, ql_buf_put_le(cx, &val, QLI_FORMAT_VERSION, 4), rollback);
    QL_TRY_TO(st, ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val)), rollback);
    QL_TRY_TO(st, store_uuid(cx, &key, &val), rollback);
    QL_TRY_TO(st, qli_store_database(cx, QL_STR("mysql"), ql_coll_default), rollback);
    ql_txn_stmt_end(cx);
    st = ql_txn_commit(cx);
    goto out;
rollback:
    ql_txn_rollback(cx);
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

static ql_status
load_from_snapshot(ql_ctx *cx, loader *l, bool *empty)
{
    QL_TRY(ql_kv_snap_begin(cx, cx->inst->kv, &l->snap));
    QL_TRY(check_format(cx, l, empty));
    if (*empty) {
        return QL_OK;
    }
    QL_TRY(ql_kv_cursor_open(cx, l->snap, &l->cur));
    QL_TRY(load_uuid(cx, l));
    QL_TRY(load_all(cx, l, QLI_IX_DATABASE));
    QL_TRY(load_all(cx, l, QLI_IX_TABLE));
    QL_TRY(qli_key_begin(cx, &l->key, QLI_IX_META));
    QL_TRY(ql_buf_put_str(cx, &l->key, "id"));
    uint64_t bound;
    QL_TRY(last_bound(cx, l, &bound));
    l->c->durable_id = bound;
    l->c->next_id = bound > l->c->next_id ? bound : l->c->next_id;
    return QL_OK;
}

static void
loader_fini(loader *l)
{
    ql_kv_cursor_close(l->cur);
    ql_kv_snap_end(l->snap);
    ql_buf_free(&l->key);
}

ql_status
qli_load(ql_ctx *cx, ql_catalog *c)
{
    bool empty = false;
    loader l = {.c = c};
    ql_status st = load_from_snapshot(cx, &l, &empty);
    loader_fini(&l);
    if (st == QL_OK && empty) {
        QL_TRY(initialise(cx));
        loader again = {.c = c};
        st = load_from_snapshot(cx, &again, &empty);
        loader_fini(&again);
    }
    return st;
}
