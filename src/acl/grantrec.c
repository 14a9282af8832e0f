/* SPDX-License-Identifier: Apache-2.0
 *
 * Grant records in the keyspace: one for each account and database or table. They are written under
 * the row lock of the account's record, in the transaction of the statement.
 *
 * Key: index id, user \0 host \0, level (1 byte), database \0 table. A record with a section that
 * must be understood and is not (a newer server wrote it: it may restrict what is granted) grants
 * nothing, and can only be erased.
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "catalog/record.h"
#include "intr/intr.h"

/* Levels as they are stored, and sections (catalog/record.h). */
enum { LEVEL_DB = 1, LEVEL_TABLE = 2 };
enum { GRANT_MASK = 1, GRANT_GRANTOR = 2, GRANT_TIME = 4 };
static const ql_record_shape grant_shape = {.known = QL_TAG(GRANT_MASK) | QL_TAG(GRANT_GRANTOR) |
                                                     QL_TAG(GRANT_TIME)};

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
encode(ql_ctx *cx, ql_buf *b, const qli_grant *g)
{
    QL_TRY(ql_record_begin(cx, b, QL_REC_GRANT));
    QL_TRY(ql_section_put_number(cx, b, GRANT_MASK, g->mask));
    QL_TRY(ql_section_put_number(cx, b, GRANT_TIME, (uint64_t)g->time));
    QL_TRY(ql_section_put_text(cx, b, GRANT_GRANTOR, g->grantor));
    QL_TRY(g->unknown.n ? ql_buf_put(cx, b, g->unknown.p, g->unknown.n) : QL_OK);
    return ql_record_end(cx, b);
}

static ql_status
decode(ql_ctx *cx, ql_arena *a, ql_str record, qli_grant *g, bool *bad)
{
    ql_str sections;
    *bad = !ql_record_open(record, QL_REC_GRANT, &sections) ||
           !ql_sections_check(sections, &grant_shape, &g->foreign);
    if (*bad) {
        return QL_OK;
    }
    ql_str rest = sections;
    for (ql_section s; ql_section_next(&rest, &s);) {
        if (s.tag == GRANT_MASK) {
            g->mask = ql_section_number(&s, UINT64_MAX, bad);
        } else if (s.tag == GRANT_TIME) {
            g->time = (int64_t)ql_section_number(&s, INT64_MAX, bad);
        } else if (s.tag == GRANT_GRANTOR) {
            QL_TRY(ql_section_text(cx, a, &s, &g->grantor));
        }
    }
    return ql_sections_unknown(cx, a, sections, &grant_shape, &g->unknown);
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
    bool bad = false;
    *out = (qli_grant){0};
    QL_TRY(decode_key(cx, a, key, user, host, out));
    QL_TRY(qli_is_record_1(record) ? qli_grant_decode_1(cx, a, record, out, &bad)
                                   : decode(cx, a, record, out, &bad));
    return bad ? damaged(cx, out->level) : QL_OK;
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
        QL_TRY_TO(st, qli_refuse_foreign(cx, user, host, g->foreign), done);
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
