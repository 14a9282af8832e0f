/* SPDX-License-Identifier: Apache-2.0
 *
 * Grant records in the keyspace: one for each account and database or table. They are written under
 * the row lock of the account's record, in the transaction of the statement.
 *
 * Key: index id, user \0 host \0, level (1 byte), database \0 table. Value: version (1 byte), then
 * fields, each a tag (1 byte), a length (4 bytes) and so many bytes; unknown tags below 128 make
 * the record unreadable (they restrict what is granted), others are skipped. All little-endian.
 */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "base/thread.h"
#include "intr/intr.h"

#define GRANT_VERSION 1u

/* Levels and fields as they are stored. */
enum { LEVEL_DB = 1, LEVEL_TABLE = 2 };
enum { FIELD_MASK = 1, FIELD_GRANTOR = 128, FIELD_TIME = 129 };
#define FIELD_OPTIONAL 128u

static ql_status
damaged(ql_ctx *cx, ql_grant_level level)
{
    return ql_fail(cx, QL_ER_TABLE_CORRUPT, "mysql",
                   level == QL_GRANT_TABLE ? "tables_priv" : "db");
}

static ql_status
make_key(ql_ctx *cx, ql_buf *b, ql_str user, ql_str host, ql_grant_level level, ql_str db,
         ql_str table)
{
    QL_TRY(qli_key_of(cx, b, QLI_IX_GRANT, user, host));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put_u8(cx, b, level == QL_GRANT_TABLE ? LEVEL_TABLE : LEVEL_DB));
    QL_TRY(ql_buf_put(cx, b, db.p, db.n));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    return ql_buf_put(cx, b, table.p, table.n);
}

static ql_status
put_number(ql_ctx *cx, ql_buf *b, uint8_t tag, uint64_t v)
{
    QL_TRY(ql_buf_put_u8(cx, b, tag));
    QL_TRY(ql_buf_put_le(cx, b, 8, 4));
    return ql_buf_put_le(cx, b, v, 8);
}

static ql_status
encode(ql_ctx *cx, ql_buf *b, const qli_grant *g)
{
    QL_TRY(ql_buf_put_u8(cx, b, GRANT_VERSION));
    QL_TRY(put_number(cx, b, FIELD_MASK, g->mask));
    QL_TRY(put_number(cx, b, FIELD_TIME, (uint64_t)g->time));
    QL_TRY(ql_buf_put_u8(cx, b, FIELD_GRANTOR));
    QL_TRY(ql_buf_put_le(cx, b, g->grantor.n, 4));
    return ql_buf_put(cx, b, g->grantor.p, g->grantor.n);
}

/* One field; false: the record cannot be read. */
static bool
take_field(ql_ctx *cx, ql_arena *a, qli_reader *r, qli_grant *out, ql_status *st)
{
    unsigned tag = (unsigned)qli_take(r, 1);
    ql_str text = {0};
    if (tag == FIELD_GRANTOR) {
        *st = qli_take_text(cx, a, r, &text);
        out->grantor = text;
        return !r->bad;
    }
    size_t n = (size_t)qli_take(r, 4);
    if (r->bad || n > r->n || (n != 8 && (tag == FIELD_MASK || tag == FIELD_TIME))) {
        return false;
    }
    if (tag == FIELD_MASK) {
        out->mask = qli_take(r, 8);
    } else if (tag == FIELD_TIME) {
        out->time = (int64_t)qli_take(r, 8);
    } else {
        r->p += n;
        r->n -= n;
        return tag >= FIELD_OPTIONAL;
    }
    return true;
}

static ql_status
take_name(ql_ctx *cx, ql_arena *a, const char *p, size_t n, ql_str *out)
{
    char *copy = ql_arena_strndup(cx, a, p, n);
    *out = (ql_str){copy, n};
    return copy != NULL ? QL_OK : QL_ERROR;
}

/* user \0 host \0 level db \0 table */
static ql_status
decode_key(ql_ctx *cx, ql_arena *a, ql_str key, ql_str *user, ql_str *host, qli_grant *out)
{
    const char *end = key.p + key.n;
    const char *u = memchr(key.p, 0, key.n);
    const char *h = u != NULL ? memchr(u + 1, 0, (size_t)(end - u - 1)) : NULL;
    const char *d = h != NULL && end - h > 2 ? memchr(h + 2, 0, (size_t)(end - h - 2)) : NULL;
    if (d == NULL || (h[1] != LEVEL_DB && h[1] != LEVEL_TABLE)) {
        return damaged(cx, QL_GRANT_DB);
    }
    out->level = h[1] == LEVEL_TABLE ? QL_GRANT_TABLE : QL_GRANT_DB;
    QL_TRY(take_name(cx, a, key.p, (size_t)(u - key.p), user));
    QL_TRY(take_name(cx, a, u + 1, (size_t)(h - u - 1), host));
    QL_TRY(take_name(cx, a, h + 2, (size_t)(d - h - 2), &out->db));
    return take_name(cx, a, d + 1, (size_t)(end - d - 1), &out->table);
}

ql_status
qli_grant_decode(ql_ctx *cx, ql_arena *a, ql_str key, ql_str record, ql_str *user, ql_str *host,
                 qli_grant *out)
{
    qli_reader r = {(const unsigned char *)record.p, record.n, false};
    ql_status st = QL_OK;
    *out = (qli_grant){0};
    QL_TRY(decode_key(cx, a, key, user, host, out));
    bool whole = qli_take(&r, 1) == GRANT_VERSION;
    while (whole && r.n > 0 && st == QL_OK) {
        whole = take_field(cx, a, &r, out, &st);
    }
    QL_TRY(st);
    return whole && !r.bad ? QL_OK : damaged(cx, out->level);
}

ql_status
qli_grant_read(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on, qli_grant *out)
{
    ql_buf key = {0};
    ql_str record, u, h;
    ql_status st = make_key(cx, &key, user, host, on->level, on->db, on->table);
    if (st == QL_OK) {
        st = ql_txn_get(cx, QL_VIEW_CURRENT, (ql_str){key.p, key.n}, &record);
    }
    if (st == QL_OK) {
        st = qli_grant_decode(cx, cx->arena, (ql_str){key.p + 4, key.n - 4}, record, &u, &h, out);
    }
    ql_buf_free(&key);
    return st;
}

ql_status
qli_grant_write(ql_ctx *cx, ql_str user, ql_str host, const qli_grant *g)
{
    ql_buf key = {0}, record = {0};
    ql_status st;
    QL_TRY_TO(st, make_key(cx, &key, user, host, g->level, g->db, g->table), done);
    if (g->mask != 0) {
        QL_TRY_TO(st, encode(cx, &record, g), done);
        QL_TRY_TO(st, ql_txn_put(cx, (ql_str){key.p, key.n}, (ql_str){record.p, record.n}), done);
    } else {
        QL_TRY_TO(st, ql_txn_del(cx, (ql_str){key.p, key.n}), done);
    }
    qli_acl_mark_changed(cx);
done:
    ql_buf_free(&key);
    ql_buf_free(&record);
    return st;
}

static ql_status
append(ql_ctx *cx, qli_grant **v, size_t *n, size_t *cap, const qli_grant *g)
{
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 8;
        qli_grant *w = QL_ARENA_ARRAY(cx, cx->arena, qli_grant, more);
        if (w == NULL) {
            return QL_ERROR;
        }
        if (*n > 0) {
            memcpy(w, *v, *n * sizeof *w);
        }
        *v = w;
        *cap = more;
    }
    (*v)[(*n)++] = *g;
    return QL_OK;
}

ql_status
qli_grants_of(ql_ctx *cx, ql_str user, ql_str host, qli_grant **v, size_t *n)
{
    ql_txn_cursor *c = NULL;
    ql_buf prefix = {0};
    ql_str key, record, u, h;
    size_t cap = 0;
    ql_status st;
    *v = NULL;
    *n = 0;
    QL_TRY_TO(st, qli_key_of(cx, &prefix, QLI_IX_GRANT, user, host), done);
    QL_TRY_TO(st, ql_buf_put_u8(cx, &prefix, 0), done);
    QL_TRY_TO(st, ql_txn_cursor_open(cx, QL_VIEW_CURRENT, &c), done);
    st = ql_txn_seek_ge(cx, c, (ql_str){prefix.p, prefix.n}, &key, &record);
    while (st == QL_OK && key.n > prefix.n && memcmp(key.p, prefix.p, prefix.n) == 0) {
        qli_grant g;
        QL_TRY_TO(
            st, qli_grant_decode(cx, cx->arena, (ql_str){key.p + 4, key.n - 4}, record, &u, &h, &g),
            done);
        QL_TRY_TO(st, append(cx, v, n, &cap, &g), done);
        QL_TRY_TO(st, ql_check(cx), done);
        st = ql_txn_next(cx, c, &key, &record);
    }
    st = st == QL_END ? QL_OK : st;
done:
    if (c != NULL) {
        ql_txn_cursor_close(c);
    }
    ql_buf_free(&prefix);
    return st;
}
