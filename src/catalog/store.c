/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's records in the keyspace: keys, a versioned binary encoding of definitions with
 * bounds checks on every length, and loading all of them at start. Layout in README.md. Runs on the
 * thread of whoever changes or loads; takes no locks.
 */
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "kv/kv.h"

#define RECORD_VERSION 1u

ql_status
qli_key_begin(ql_ctx *cx, ql_buf *b, uint32_t index_id)
{
    ql_buf_clear(b);
    for (int shift = 24; shift >= 0; shift -= 8) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(index_id >> shift)));
    }
    return QL_OK;
}

ql_status
qli_put_be64(ql_ctx *cx, ql_buf *b, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(v >> shift)));
    }
    return QL_OK;
}

static uint64_t
get_be64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
}

/* Reading side: after the first short read everything is zero and bad is set. */
typedef struct reader {
    const uint8_t *p;
    size_t n;
    bool bad;
} reader;

static uint64_t
take(reader *r, unsigned bytes)
{
    if (r->n < bytes) {
        r->bad = true;
        r->n = 0;
        return 0;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)r->p[i] << (8 * i);
    }
    r->p += bytes;
    r->n -= bytes;
    return v;
}

static ql_str
take_str(reader *r)
{
    size_t n = (size_t)take(r, 4);
    if (r->n < n) {
        r->bad = true;
        r->n = 0;
        return (ql_str){"", 0};
    }
    ql_str s = {(const char *)r->p, n};
    r->p += n;
    r->n -= n;
    return s;
}

static ql_status
put_str(ql_ctx *cx, ql_buf *b, ql_str s)
{
    QL_TRY(ql_buf_put_le(cx, b, s.n, 4));
    return s.n ? ql_buf_put(cx, b, s.p, s.n) : QL_OK;
}

static ql_status
copy_str(ql_ctx *cx, ql_arena *a, ql_str s, ql_str *out)
{
    char *p = ql_arena_strndup(cx, a, s.p ? s.p : "", s.n);
    *out = (ql_str){p, s.n};
    return p ? QL_OK : QL_ERROR;
}

/* --- tables ---------------------------------------------------------------------------------- */

static bool
has_members(const ql_type *t)
{
    return t->field == QL_F_ENUM || t->field == QL_F_SET;
}

static ql_status
put_type(ql_ctx *cx, ql_buf *b, const ql_type *t)
{
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)t->kind));
    QL_TRY(ql_buf_put_le(cx, b, (uint64_t)t->field, 2));
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(t->is_unsigned | t->nullable << 1)));
    QL_TRY(ql_buf_put_u8(cx, b, t->decimals));
    QL_TRY(ql_buf_put_le(cx, b, t->length, 4));
    QL_TRY(ql_buf_put_le(cx, b, t->coll ? t->coll->id : 0, 2));
    if (!has_members(t)) {
        return QL_OK;
    }
    unsigned n = t->members ? t->members->n : 0;
    QL_TRY(ql_buf_put_le(cx, b, n, 2));
    for (unsigned i = 0; i < n; i++) {
        QL_TRY(put_str(cx, b, t->members->names[i]));
    }
    return QL_OK;
}

static void
take_type(reader *r, ql_type *t)
{
    t->kind = (ql_kind)take(r, 1);
    t->field = (ql_field)take(r, 2);
    unsigned flags = (unsigned)take(r, 1);
    t->is_unsigned = flags & 1;
    t->nullable = flags >> 1 & 1;
    t->decimals = (uint8_t)take(r, 1);
    t->length = (uint32_t)take(r, 4);
    unsigned coll = (unsigned)take(r, 2);
    t->coll = coll ? ql_collation_by_id(coll) : NULL;
    if ((coll && !t->coll) || t->kind > QL_K_DATETIME || (t->kind == QL_K_STRING && !t->coll)) {
        r->bad = true;
    }
}

static ql_status
take_members(ql_ctx *cx, ql_arena *a, reader *r, ql_type *t)
{
    unsigned n = has_members(t) ? (unsigned)take(r, 2) : 0;
    if (n == 0 || (size_t)n * 4 > r->n) {
        r->bad |= n != 0;
        return QL_OK;
    }
    ql_members *m = QL_ARENA_NEW(cx, a, ql_members);
    ql_str *names = QL_ARENA_ARRAY(cx, a, ql_str, n);
    if (!m || !names) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        QL_TRY(copy_str(cx, a, take_str(r), &names[i]));
    }
    *m = (ql_members){.n = (uint16_t)n, .names = names};
    t->members = m;
    return QL_OK;
}

/* A stored value as a row of one column, so that there is one codec for values. */
static ql_status
put_value(ql_ctx *cx, ql_buf *b, const ql_type *t, const ql_value *v)
{
    ql_buf row = {0};
    ql_status st;
    QL_TRY_TO(st, ql_row_encode(cx, t, 1, v, &row), out);
    st = put_str(cx, b, qli_buf_str(&row));
out:
    ql_buf_free(&row);
    return st;
}

static ql_status
take_value(ql_ctx *cx, ql_arena *a, reader *r, const ql_type *t, ql_value *v)
{
    ql_str bytes;
    QL_TRY(copy_str(cx, a, take_str(r), &bytes));
    ql_value missing = ql_value_null();
    return ql_row_decode_values(cx, t, 1, &missing, bytes, v);
}

static ql_status
put_column(ql_ctx *cx, ql_buf *b, const ql_column *c, const ql_value *missing)
{
    QL_TRY(put_str(cx, b, c->name));
    QL_TRY(put_type(cx, b, &c->type));
    QL_TRY(ql_buf_put_u8(cx, b,
                         (uint8_t)(c->auto_increment | c->on_update_now << 1 | c->zerofill << 2)));
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)c->default_kind));
    if (c->default_kind == QL_DEF_VALUE) {
        QL_TRY(put_value(cx, b, &c->type, &c->default_value));
    }
    QL_TRY(put_str(cx, b, c->default_text));
    QL_TRY(put_str(cx, b, c->comment));
    return put_value(cx, b, &c->type, missing);
}

static ql_status
take_column(ql_ctx *cx, ql_arena *a, reader *r, ql_column *c, ql_value *missing)
{
    QL_TRY(copy_str(cx, a, take_str(r), &c->name));
    take_type(r, &c->type);
    QL_TRY(take_members(cx, a, r, &c->type));
    unsigned flags = (unsigned)take(r, 1);
    c->auto_increment = flags & 1;
    c->on_update_now = flags >> 1 & 1;
    c->zerofill = flags >> 2 & 1;
    c->default_kind = (ql_default_kind)take(r, 1);
    c->default_value = ql_value_null();
    if (r->bad || c->default_kind > QL_DEF_EXPR) {
        r->bad = true;
        return QL_OK;
    }
    if (c->default_kind == QL_DEF_VALUE) {
        QL_TRY(take_value(cx, a, r, &c->type, &c->default_value));
    }
    QL_TRY(copy_str(cx, a, take_str(r), &c->default_text));
    QL_TRY(copy_str(cx, a, take_str(r), &c->comment));
    return r->bad ? QL_OK : take_value(cx, a, r, &c->type, missing);
}

static ql_status
put_index(ql_ctx *cx, ql_buf *b, const ql_index *ix)
{
    QL_TRY(ql_buf_put_le(cx, b, ix->id, 4));
    QL_TRY(put_str(cx, b, ix->name));
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(ix->primary | ix->unique << 1 | ix->hidden_rowid << 2)));
    QL_TRY(put_str(cx, b, ix->comment));
    QL_TRY(ql_buf_put_le(cx, b, ix->nparts, 2));
    for (unsigned i = 0; i < ix->nparts; i++) {
        QL_TRY(ql_buf_put_le(cx, b, ix->parts[i].column, 2));
        QL_TRY(ql_buf_put_le(cx, b, ix->parts[i].prefix, 4));
        QL_TRY(ql_buf_put_u8(cx, b, ix->parts[i].descending));
    }
    return QL_OK;
}

static ql_status
take_index(ql_ctx *cx, ql_arena *a, reader *r, unsigned ncolumns, ql_index *ix)
{
    ix->id = (uint32_t)take(r, 4);
    QL_TRY(copy_str(cx, a, take_str(r), &ix->name));
    unsigned flags = (unsigned)take(r, 1);
    ix->primary = flags & 1;
    ix->unique = flags >> 1 & 1;
    ix->hidden_rowid = flags >> 2 & 1;
    QL_TRY(copy_str(cx, a, take_str(r), &ix->comment));
    ix->nparts = (uint16_t)take(r, 2);
    if (r->bad || (size_t)ix->nparts * 7 > r->n || ix->id < QL_FIRST_INDEX_ID ||
        (ix->nparts == 0 && !ix->hidden_rowid)) {
        r->bad = true;
        return QL_OK;
    }
    ix->parts = QL_ARENA_ARRAY(cx, a, ql_index_part, ix->nparts ? ix->nparts : 1);
    if (!ix->parts) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < ix->nparts; i++) {
        ix->parts[i].column = (uint16_t)take(r, 2);
        ix->parts[i].prefix = (uint32_t)take(r, 4);
        ix->parts[i].descending = take(r, 1) != 0;
        r->bad |= ix->parts[i].column >= ncolumns;
    }
    return QL_OK;
}

ql_status
qli_encode_table(ql_ctx *cx, const ql_table *t, uint64_t autoinc_start, ql_buf *b)
{
    QL_TRY(ql_buf_put_u8(cx, b, RECORD_VERSION));
    QL_TRY(ql_buf_put_le(cx, b, t->id, 8));
    QL_TRY(ql_buf_put_le(cx, b, t->version, 8));
    QL_TRY(ql_buf_put_le(cx, b, (uint64_t)t->create_time, 8));
    QL_TRY(ql_buf_put_le(cx, b, autoinc_start, 8));
    QL_TRY(put_str(cx, b, t->engine));
    QL_TRY(ql_buf_put_le(cx, b, t->coll->id, 2));
    QL_TRY(put_str(cx, b, t->comment));
    QL_TRY(ql_buf_put_le(cx, b, t->ncolumns, 2));
    for (unsigned i = 0; i < t->ncolumns; i++) {
        QL_TRY(put_column(cx, b, &t->columns[i], &t->missing[i]));
    }
    QL_TRY(ql_buf_put_le(cx, b, t->nindexes, 2));
    for (unsigned i = 0; i < t->nindexes; i++) {
        QL_TRY(put_index(cx, b, &t->indexes[i]));
    }
    return QL_OK;
}

static ql_status
take_table(ql_ctx *cx, reader *r, ql_table *t, uint64_t *autoinc_start)
{
    t->id = take(r, 8);
    t->version = take(r, 8);
    t->create_time = (int64_t)take(r, 8);
    *autoinc_start = take(r, 8);
    QL_TRY(copy_str(cx, t->arena, take_str(r), &t->engine));
    t->coll = ql_collation_by_id((unsigned)take(r, 2));
    QL_TRY(copy_str(cx, t->arena, take_str(r), &t->comment));
    t->ncolumns = (uint16_t)take(r, 2);
    if (r->bad || !t->coll || t->ncolumns == 0 || t->ncolumns > r->n) {
        r->bad = true;
        return QL_OK;
    }
    t->columns = QL_ARENA_ARRAY(cx, t->arena, ql_column, t->ncolumns);
    t->missing = QL_ARENA_ARRAY(cx, t->arena, ql_value, t->ncolumns);
    if (!t->columns || !t->missing) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < t->ncolumns && !r->bad; i++) {
        t->columns[i].ordinal = (uint16_t)i;
        QL_TRY(take_column(cx, t->arena, r, &t->columns[i], &t->missing[i]));
    }
    t->nindexes = (uint16_t)take(r, 2);
    if (r->bad || t->nindexes == 0 || t->nindexes > r->n) {
        r->bad = true;
        return QL_OK;
    }
    t->indexes = QL_ARENA_ARRAY(cx, t->arena, ql_index, t->nindexes);
    if (!t->indexes) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < t->nindexes && !r->bad; i++) {
        QL_TRY(take_index(cx, t->arena, r, t->ncolumns, &t->indexes[i]));
    }
    return QL_OK;
}

ql_status
qli_decode_table(ql_ctx *cx, ql_str db, ql_str name, ql_str record, ql_table **out,
                 uint64_t *autoinc_start)
{
    reader r = {(const uint8_t *)record.p, record.n, false};
    unsigned version = (unsigned)take(&r, 1);
    if (version > RECORD_VERSION) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "Definition of table '%.*s.%.*s' has format %u, this server knows up "
                            "to %u: it was written by a newer version",
                            (int)db.n, db.p, (int)name.n, name.p, version, RECORD_VERSION);
    }
    ql_table *t = qli_table_alloc(cx, "table");
    if (!t) {
        return QL_ERROR;
    }
    ql_status st;
    QL_TRY_TO(st, copy_str(cx, t->arena, db, &t->db), fail);
    QL_TRY_TO(st, copy_str(cx, t->arena, name, &t->name), fail);
    QL_TRY_TO(st, take_table(cx, &r, t, autoinc_start), fail);
    if (r.bad || r.n != 0 || version == 0) {
        st = ql_fail(cx, QL_ER_TABLE_CORRUPT, t->db.p, t->name.p);
        goto fail;
    }
    QL_TRY_TO(st, qli_table_finish(cx, t), fail);
    *out = t;
    return QL_OK;
fail:
    ql_table_put(t);
    return st;
}

/* --- writing --------------------------------------------------------------------------------- */

static ql_status
database_key(ql_ctx *cx, ql_buf *key, ql_str name)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_DATABASE));
    return ql_buf_put(cx, key, name.p, name.n);
}

static ql_status
table_key(ql_ctx *cx, ql_buf *key, ql_str db, ql_str name)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_TABLE));
    QL_TRY(ql_buf_put(cx, key, db.p, db.n));
    QL_TRY(ql_buf_put_u8(cx, key, 0));
    return ql_buf_put(cx, key, name.p, name.n);
}

ql_status
qli_store_database(ql_ctx *cx, ql_str name, const ql_collation *coll)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, database_key(cx, &key, name), out);
    QL_TRY_TO(st, ql_buf_put_u8(cx, &val, RECORD_VERSION), out);
    QL_TRY_TO(st, ql_buf_put_le(cx, &val, coll->id, 2), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

ql_status
qli_erase_database(ql_ctx *cx, ql_str name)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, database_key(cx, &key, name), out);
    st = ql_txn_del(cx, qli_buf_str(&key));
out:
    ql_buf_free(&key);
    return st;
}

ql_status
qli_store_table(ql_ctx *cx, const ql_table *t, uint64_t autoinc_start)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, table_key(cx, &key, t->db, t->name), out);
    QL_TRY_TO(st, qli_encode_table(cx, t, autoinc_start, &val), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

ql_status
qli_erase_table(ql_ctx *cx, ql_str db, ql_str name)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, table_key(cx, &key, db, name), out);
    st = ql_txn_del(cx, qli_buf_str(&key));
out:
    ql_buf_free(&key);
    return st;
}

static ql_status
bound_key(ql_ctx *cx, ql_buf *key, uint32_t index_id, uint64_t id, bool has_id, uint64_t bound)
{
    QL_TRY(qli_key_begin(cx, key, index_id));
    if (has_id) {
        QL_TRY(qli_put_be64(cx, key, id));
    } else {
        QL_TRY(ql_buf_put_str(cx, key, "id"));
    }
    return qli_put_be64(cx, key, bound);
}

/* A bound is the key itself, and the largest key counts: transactions that commit in another order
 * than they wrote cannot lower it. `older` is a bound known to be committed; it goes (0 = none). */
ql_status
qli_store_bound(ql_ctx *cx, uint32_t index_id, uint64_t id, bool has_id, uint64_t bound,
                uint64_t older)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, bound_key(cx, &key, index_id, id, has_id, bound), out);
    QL_TRY_TO(st, ql_txn_put(cx, qli_buf_str(&key), QL_STR("")), out);
    if (older && older != bound) {
        QL_TRY_TO(st, bound_key(cx, &key, index_id, id, has_id, older), out);
        st = ql_txn_del(cx, qli_buf_str(&key));
    }
out:
    ql_buf_free(&key);
    return st;
}

ql_status
qli_autoinc_key(ql_ctx *cx, ql_buf *key, uint64_t table_id)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_AUTOINC));
    return qli_put_be64(cx, key, table_id);
}

ql_status
qli_autoinc_bound_key(ql_ctx *cx, ql_buf *key, uint64_t table_id, uint64_t bound)
{
    return bound_key(cx, key, QLI_IX_AUTOINC, table_id, true, bound);
}

static ql_status
trash_prefix(ql_ctx *cx, uint32_t index_id, bool has_id, uint64_t id)
{
    ql_buf from = {0}, to = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, index_id), out);
    QL_TRY_TO(st, qli_key_begin(cx, &to, has_id ? index_id : index_id + 1), out);
    if (has_id) {
        QL_TRY_TO(st, qli_put_be64(cx, &from, id), out);
        QL_TRY_TO(st, qli_put_be64(cx, &to, id + 1), out);
    }
    st = ql_txn_trash_range(cx, qli_buf_str(&from), qli_buf_str(&to));
out:
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}

ql_status
qli_trash_table(ql_ctx *cx, const ql_table *t)
{
    for (unsigned i = 0; i < t->nindexes; i++) {
        QL_TRY(trash_prefix(cx, t->indexes[i].id, false, 0));
    }
    if (t->auto_column >= 0) {
        QL_TRY(trash_prefix(cx, QLI_IX_AUTOINC, true, t->id));
    }
    return trash_prefix(cx, QLI_IX_ROWS, true, t->id);
}

/* --- loading --------------------------------------------------------------------------------- */

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
        *bound = get_be64(k.p + n);
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
        s->durable = get_be64(v.p);
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
        ql_table_rows_init(t, (int64_t)get_be64(v.p));
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
    reader r = {(const uint8_t *)record.p, record.n, false};
    unsigned version = (unsigned)take(&r, 1);
    const ql_collation *coll = ql_collation_by_id((unsigned)take(&r, 2));
    if (r.bad || version != RECORD_VERSION || !coll) {
        return ql_fail_text(cx, QL_ER_TABLE_CORRUPT, "Record of database '%.*s' is damaged",
                            (int)name.n, name.p);
    }
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
    reader r = {(const uint8_t *)v.p, v.n, false};
    uint64_t format = take(&r, 4);
    if (r.bad || format == 0 || format > QLI_FORMAT_VERSION) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "The data directory has catalog format %llu, this server knows up to "
                            "%u: it was written by a newer version",
                            (unsigned long long)format, QLI_FORMAT_VERSION);
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
