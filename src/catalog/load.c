/* SPDX-License-Identifier: Apache-2.0
 *
 * All definitions and counters, read from the keyspace at start; an empty keyspace is made into
 * one. Runs on the main thread, alone.
 */
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/log.h"
#include "catalog/catalog_int.h"
#include "kv/kv.h"

typedef struct loader {
    ql_catalog *c;
    ql_kv_snap *snap;
    ql_kv_cursor *cur;
    ql_buf key;
    uint64_t strangers; /* objects in name spaces that this server does not use */
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

/* The record of a counter (value 0: used up). In format 1 there may be bounds, ahead of the
 * counter, of which the largest counts. */
static ql_status
load_autoinc(ql_ctx *cx, loader *l, const ql_table *t)
{
    ql_tablestate *s = t->state;
    ql_str v;
    QL_TRY(qli_autoinc_key(cx, &l->key, s->table_id));
    if (l->c->format == 1) {
        uint64_t bound;
        QL_TRY(last_bound(cx, l, &bound));
        s->next = bound > s->next ? bound : s->next;
        QL_TRY(qli_autoinc_key(cx, &l->key, s->table_id));
    }
    ql_status st = ql_kv_get(cx, l->snap, qli_buf_str(&l->key), &v);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    if (v.n != 8) {
        return ql_fail(cx, QL_ER_TABLE_CORRUPT, t->db.p, t->name.p);
    }
    uint64_t next = qli_get_be64(v.p);
    s->next = next == 0 || next > s->next ? next : s->next;
    return QL_OK;
}

static ql_status
load_counters(ql_ctx *cx, loader *l, ql_table *t, uint64_t autoinc_start)
{
    t->state = qli_tablestate_new(t->id, autoinc_start, qli_auto_max(t));
    if (!t->state) {
        return ql_fail_oom(cx, sizeof(ql_tablestate));
    }
    QL_TRY(load_autoinc(cx, l, t));
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

/* Tables of a database that cannot be used are not used either. */
static ql_status
check_usable(ql_ctx *cx, loader *l, ql_table *t)
{
    const qli_database *d = qli_cache_database(l->c, t->db);
    if (!t->unusable && d && d->foreign != 0) {
        qli_object o = {.kind = QL_REC_TABLE, .id = t->id, .nowned = t->nindexes};
        o.owned = QL_ARENA_ARRAY(cx, t->arena, uint32_t, t->nindexes);
        for (unsigned i = 0; o.owned && i < t->nindexes; i++) {
            o.owned[i] = t->indexes[i].id;
        }
        QL_TRY(o.owned ? QL_OK : QL_ERROR);
        QL_TRY(qli_table_spoil(cx, t, &o,
                               ql_arena_printf(cx, t->arena,
                                               "section %u of its database's definition is not "
                                               "known to this server; a newer one wrote it",
                                               d->foreign)));
    }
    if (t->unusable) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING, "Table '%s.%s' cannot be used: %s", t->db.p,
                     t->name.p, t->unusable->why);
    }
    return QL_OK;
}

static ql_status
load_table(ql_ctx *cx, loader *l, ql_str db, ql_str name, ql_str record)
{
    ql_table *t = NULL;
    uint64_t start = 0;
    QL_TRY(l->c->format == 1 ? qli_decode_table_1(cx, db, name, record, &t, &start)
                             : qli_decode_table(cx, db, name, record, &t, &start));
    note_ids(l->c, t);
    ql_status st = check_usable(cx, l, t);
    st = st == QL_OK && !t->unusable && !t->view ? load_counters(cx, l, t, start) : st;
    qli_entry *e = NULL;
    st = st == QL_OK ? qli_entry_new(cx, t, &e) : st;
    if (st != QL_OK) {
        ql_table_put(t);
        return st;
    }
    qli_cache_put_table(l->c, e);
    return QL_OK;
}

static ql_status
load_database(ql_ctx *cx, loader *l, ql_str name, ql_str record)
{
    qli_database_record r = {.unknown = QL_STR("")};
    QL_TRY(l->c->format == 1 ? qli_decode_database_1(cx, name, record, &r.coll)
                             : qli_decode_database(cx, cx->arena, name, record, &r));
    qli_database *d = qli_database_new(cx, name, r.coll, r.unknown);
    if (!d) {
        return QL_ERROR;
    }
    d->foreign = r.foreign;
    if (d->foreign != 0) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING,
                     "Database '%s' cannot be used: section %u of its definition is not known to "
                     "this server; a newer one wrote it",
                     d->name, d->foreign);
    }
    qli_cache_put_database(l->c, d);
    return QL_OK;
}

/* Behind the index id of the key: database \0, name space (none in format 1), name. */
static ql_status
load_object(ql_ctx *cx, loader *l, ql_str key, ql_str record)
{
    bool has_space = l->c->format > 1;
    const char *zero = key.n ? memchr(key.p, 0, key.n) : NULL;
    size_t head = zero ? (size_t)(zero - key.p) + 1 + has_space : 0;
    if (!zero || key.n < head) {
        return ql_fail_text(cx, QL_ER_TABLE_CORRUPT, "A key of the catalog is damaged");
    }
    if (has_space && zero[1] != QLI_SPACE_TABLE) {
        l->strangers += zero[1] != QLI_SPACE_CHECK && zero[1] != QLI_SPACE_FOREIGN_KEY;
        return QL_OK;
    }
    ql_str db = {key.p, (size_t)(zero - key.p)}, name = {key.p + head, key.n - head};
    return load_table(cx, l, db, name, record);
}

/* Whatever was being built when the server ended: its ids are not given out again. */
static ql_status
load_building(ql_ctx *cx, loader *l, ql_str record)
{
    uint64_t last = qli_building_last_id(cx, record);
    l->c->next_id = last >= l->c->next_id ? last + 1 : l->c->next_id;
    return QL_OK;
}

static ql_status
load_one(ql_ctx *cx, loader *l, uint32_t index_id, ql_str key, ql_str record)
{
    switch (index_id) {
    case QLI_IX_DATABASE:
        return load_database(cx, l, key, record);
    case QLI_IX_BUILDING:
        return load_building(cx, l, record);
    default:
        return load_object(cx, l, key, record);
    }
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
        QL_TRY_TO(st, load_one(cx, l, index_id, name, v), out);
        st = ql_kv_next(cx, cur, &k, &v);
    }
    st = st == QL_END ? QL_OK : st;
out:
    ql_kv_cursor_close(cur);
    ql_buf_free(&from);
    return st;
}

/* QL_END: an empty keyspace. */
static ql_status
read_format(ql_ctx *cx, ql_kv_snap *snap, ql_buf *key, unsigned *out)
{
    ql_str v;
    QL_TRY(qli_key_begin(cx, key, QLI_IX_META));
    QL_TRY(ql_buf_put_str(cx, key, "format"));
    ql_status st = ql_kv_get(cx, snap, qli_buf_str(key), &v);
    if (st != QL_OK) {
        return st;
    }
    uint32_t format = 0;
    memcpy(&format, v.p, v.n < sizeof format ? v.n : sizeof format);
    if (v.n != sizeof format || format == 0) {
        return ql_fail_text(cx, QL_ER_TABLE_CORRUPT, "The catalog's format is damaged");
    }
    if (format > QL_CATALOG_FORMAT) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "data directory '%s' has catalog format %u, this server knows formats "
                            "up to %u: a newer version wrote it; nothing was changed",
                            cx->inst->datadir ? cx->inst->datadir : "", format, QL_CATALOG_FORMAT);
    }
    *out = format;
    return QL_OK;
}

ql_status
ql_catalog_check_format(ql_ctx *cx)
{
    ql_kv_snap *snap = NULL;
    ql_buf key = {0};
    unsigned format;
    QL_TRY(ql_kv_snap_begin(cx, cx->inst->kv, &snap));
    ql_status st = read_format(cx, snap, &key, &format);
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    return st == QL_END ? QL_OK : st;
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
    QL_TRY_TO(st, qli_store_format(cx), rollback);
    QL_TRY_TO(st, store_uuid(cx, &key, &val), rollback);
    QL_TRY_TO(st, qli_store_database(cx, QL_STR("mysql"), ql_coll_default, QL_STR("")), rollback);
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
    ql_status st = read_format(cx, l->snap, &l->key, &l->c->format);
    *empty = st == QL_END;
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    QL_TRY(ql_kv_cursor_open(cx, l->snap, &l->cur));
    QL_TRY(load_uuid(cx, l));
    QL_TRY(load_all(cx, l, QLI_IX_DATABASE));
    QL_TRY(load_all(cx, l, l->c->format == 1 ? QLI_IX_TABLE_1 : QLI_IX_OBJECT));
    QL_TRY(load_all(cx, l, QLI_IX_BUILDING));
    if (l->strangers != 0) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING,
                     "%llu objects of kinds that this server does not know are left alone; a newer "
                     "one wrote them",
                     (unsigned long long)l->strangers);
    }
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
