/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's keys in the keyspace (README.md), and records written, erased and given to the
 * purger under them. Runs on the thread of whoever changes; takes no locks.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"

/* --- keys ------------------------------------------------------------------------------------ */

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

uint64_t
qli_get_be64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
}

static ql_status
database_key(ql_ctx *cx, ql_buf *key, ql_str name)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_DATABASE));
    return ql_buf_put(cx, key, name.p, name.n);
}

/* What the keys of all objects of a database begin with. */
static ql_status
objects_of(ql_ctx *cx, ql_buf *key, ql_str db)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_OBJECT));
    QL_TRY(ql_buf_put(cx, key, db.p, db.n));
    return ql_buf_put_u8(cx, key, 0);
}

ql_status
qli_object_key(ql_ctx *cx, ql_buf *key, ql_str db, qli_name_space space, ql_str name)
{
    QL_TRY(objects_of(cx, key, db));
    QL_TRY(ql_buf_put_u8(cx, key, (uint8_t)space));
    return ql_buf_put(cx, key, name.p, name.n);
}

ql_status
qli_autoinc_key(ql_ctx *cx, ql_buf *key, uint64_t table_id)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_AUTOINC));
    return qli_put_be64(cx, key, table_id);
}

ql_status
ql_table_stats_key(ql_ctx *cx, ql_buf *key, uint64_t table_id, uint32_t n)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_STATS));
    QL_TRY(qli_put_be64(cx, key, table_id));
    return qli_put_be64(cx, key, n);
}

/* --- trash ----------------------------------------------------------------------------------- */

static ql_status
trash_between(ql_ctx *cx, ql_buf *from, ql_buf *to)
{
    return ql_txn_trash_range(cx, qli_buf_str(from), qli_buf_str(to));
}

/* All keys of an index. */
ql_status
qli_trash_index(ql_ctx *cx, uint32_t index_id)
{
    ql_buf from = {0}, to = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, index_id), out);
    QL_TRY_TO(st, qli_key_begin(cx, &to, index_id + 1), out);
    st = trash_between(cx, &from, &to);
out:
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}

/* Those of one object in an index of the server's own. */
static ql_status
trash_id(ql_ctx *cx, uint32_t index_id, uint64_t id)
{
    ql_buf from = {0}, to = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, index_id), out);
    QL_TRY_TO(st, qli_put_be64(cx, &from, id), out);
    QL_TRY_TO(st, qli_key_begin(cx, &to, index_id), out);
    QL_TRY_TO(st, qli_put_be64(cx, &to, id + 1), out);
    st = trash_between(cx, &from, &to);
out:
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}

ql_status
qli_trash_counters(ql_ctx *cx, uint64_t table_id)
{
    QL_TRY(trash_id(cx, QLI_IX_AUTOINC, table_id));
    QL_TRY(trash_id(cx, QLI_IX_STATS, table_id));
    return trash_id(cx, QLI_IX_ROWS, table_id);
}

/* What goes with an object, by its record alone. */
static ql_status
trash_object(ql_ctx *cx, const qli_object *o)
{
    for (size_t i = 0; i < o->nowned; i++) {
        QL_TRY(qli_trash_index(cx, o->owned[i]));
    }
    return qli_trash_counters(cx, o->id);
}

ql_status
qli_trash_table(ql_ctx *cx, const ql_table *t)
{
    if (t->unusable) {
        return trash_object(cx, &t->unusable->object);
    }
    if (t->view != NULL) {
        return QL_OK;
    }
    for (unsigned i = 0; i < t->nindexes; i++) {
        QL_TRY(qli_trash_index(cx, t->indexes[i].id));
    }
    return qli_trash_counters(cx, t->id);
}

/* --- databases ------------------------------------------------------------------------------- */

ql_status
qli_store_database(ql_ctx *cx, ql_str name, const ql_collation *coll, ql_str unknown)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, database_key(cx, &key, name), out);
    QL_TRY_TO(st, qli_encode_database(cx, coll, unknown, &val), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

/* An object on its way out. */
typedef struct leftover {
    struct leftover *next;
    ql_str key;
    qli_object object;
} leftover;

static ql_status
add_leftover(ql_ctx *cx, ql_str key, ql_str record, leftover **list)
{
    bool whole;
    leftover *l = QL_ARENA_NEW(cx, cx->arena, leftover);
    if (!l) {
        return QL_ERROR;
    }
    QL_TRY(qli_copy_str(cx, cx->arena, key, &l->key));
    QL_TRY(qli_decode_object(cx, cx->arena, record, &l->object, &whole));
    if (!whole) { /* of unknown extent */
        return ql_fail_text(cx, QL_ER_TABLE_CORRUPT,
                            "The record of an object of kind %u is damaged", l->object.kind);
    }
    l->next = *list;
    *list = l;
    return QL_OK;
}

/* Objects with this beginning of their keys, of any kind. */
static ql_status
list_objects(ql_ctx *cx, ql_str prefix, leftover **list)
{
    ql_txn_cursor *cur = NULL;
    ql_str k, v;
    QL_TRY(ql_txn_cursor_open(cx, QL_VIEW_CURRENT, &cur));
    ql_status st = ql_txn_seek_ge(cx, cur, prefix, &k, &v);
    while (st == QL_OK && k.n > prefix.n && memcmp(k.p, prefix.p, prefix.n) == 0) {
        QL_TRY_TO(st, ql_check(cx), out);
        QL_TRY_TO(st, add_leftover(cx, k, v, list), out);
        st = ql_txn_next(cx, cur, &k, &v);
    }
out:
    ql_txn_cursor_close(cur);
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_erase_database(ql_ctx *cx, ql_str name)
{
    ql_buf key = {0};
    leftover *l = NULL;
    ql_status st;
    QL_TRY_TO(st, objects_of(cx, &key, name), out);
    QL_TRY_TO(st, list_objects(cx, qli_buf_str(&key), &l), out);
    for (; l; l = l->next) {
        QL_TRY_TO(st, trash_object(cx, &l->object), out);
        QL_TRY_TO(st, ql_txn_del(cx, l->key), out);
    }
    QL_TRY_TO(st, database_key(cx, &key, name), out);
    st = ql_txn_del(cx, qli_buf_str(&key));
out:
    ql_buf_free(&key);
    return st;
}

/* --- tables ---------------------------------------------------------------------------------- */

ql_status
qli_store_table(ql_ctx *cx, const ql_table *t, uint64_t autoinc_start)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, qli_object_key(cx, &key, t->db, QLI_SPACE_TABLE, t->name), out);
    QL_TRY_TO(st,
              t->view != NULL ? qli_encode_view(cx, t, &val)
                              : qli_encode_table(cx, t, autoinc_start, &val),
              out);
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
    QL_TRY_TO(st, qli_object_key(cx, &key, db, QLI_SPACE_TABLE, name), out);
    st = ql_txn_del(cx, qli_buf_str(&key));
out:
    ql_buf_free(&key);
    return st;
}

/* --- numbers --------------------------------------------------------------------------------- */

ql_status
qli_store_format(ql_ctx *cx)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &key, QLI_IX_META), out);
    QL_TRY_TO(st, ql_buf_put_str(cx, &key, "format"), out);
    QL_TRY_TO(st, ql_buf_put_le(cx, &val, QL_CATALOG_FORMAT, 4), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

static ql_status
id_bound_key(ql_ctx *cx, ql_buf *key, uint64_t bound)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_META));
    QL_TRY(ql_buf_put_str(cx, key, "id"));
    return qli_put_be64(cx, key, bound);
}

/* A bound is the key itself, and the largest key counts: transactions that commit in another order
 * than they wrote cannot lower it. */
ql_status
qli_store_id_bound(ql_ctx *cx, uint64_t bound, uint64_t older)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, id_bound_key(cx, &key, bound), out);
    QL_TRY_TO(st, ql_txn_put(cx, qli_buf_str(&key), QL_STR("")), out);
    if (older && older != bound) {
        QL_TRY_TO(st, id_bound_key(cx, &key, older), out);
        st = ql_txn_del(cx, qli_buf_str(&key));
    }
out:
    ql_buf_free(&key);
    return st;
}

ql_status
qli_store_autoinc(ql_ctx *cx, uint64_t table_id, uint64_t next)
{
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, qli_autoinc_key(cx, &key, table_id), out);
    QL_TRY_TO(st, qli_put_be64(cx, &val, next), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}
