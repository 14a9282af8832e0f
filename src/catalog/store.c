/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's keys in the keyspace (README.md), and records written, erased and given to the
 * purger under them. Runs on the thread of whoever changes; takes no locks.
 */
#include <string.h>

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

uint64_t
qli_get_be64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
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
