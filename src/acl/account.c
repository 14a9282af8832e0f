/* SPDX-License-Identifier: Apache-2.0
 *
 * Account records in the keyspace, written in the transaction of the statement that changes them.
 * A record is a version and fields in a fixed order; the bits of the privileges are their positions
 * in privileges.def.
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "intr/intr.h"

#define ACCOUNT_VERSION 2u /* 1: without resource limits, and still written when there are none */

ql_status
qli_key_of(ql_ctx *cx, ql_buf *b, uint32_t index, ql_str user, ql_str host)
{
    ql_buf_clear(b);
    for (int shift = 24; shift >= 0; shift -= 8) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(index >> shift)));
    }
    QL_TRY(ql_buf_put(cx, b, user.p, user.n));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    return ql_buf_put(cx, b, host.p, host.n);
}

static ql_status
put_text(ql_ctx *cx, ql_buf *b, ql_str s)
{
    QL_TRY(ql_buf_put_le(cx, b, s.n, 4));
    return ql_buf_put(cx, b, s.p, s.n);
}

static ql_status
encode(ql_ctx *cx, ql_buf *b, const ql_account *a)
{
    bool limited = a->max_user_connections != 0;
    QL_TRY(ql_buf_put_u8(cx, b, limited ? ACCOUNT_VERSION : 1));
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(a->grant_option | a->locked << 1)));
    QL_TRY(ql_buf_put_le(cx, b, a->privs.bits[0], 8));
    QL_TRY(ql_buf_put_le(cx, b, a->privs.bits[1], 8));
    QL_TRY(put_text(cx, b, a->plugin));
    QL_TRY(put_text(cx, b, a->auth_string));
    return limited ? ql_buf_put_le(cx, b, a->max_user_connections, 4) : QL_OK;
}

uint64_t
qli_take(qli_reader *r, unsigned bytes)
{
    uint64_t v = 0;
    if (r->n < bytes) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)r->p[i] << (8 * i);
    }
    r->p += bytes;
    r->n -= bytes;
    return v;
}

ql_status
qli_take_text(ql_ctx *cx, ql_arena *a, qli_reader *r, ql_str *out)
{
    size_t n = (size_t)qli_take(r, 4);
    if (n > r->n) {
        r->bad = true;
        n = 0;
    }
    char *copy = ql_arena_strndup(cx, a, (const char *)r->p, n);
    if (copy == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){copy, n};
    r->p += n;
    r->n -= n;
    return QL_OK;
}

ql_status
qli_account_decode(ql_ctx *cx, ql_arena *a, ql_str key, ql_str record, ql_account *out)
{
    qli_reader r = {(const unsigned char *)record.p, record.n, false};
    const char *sep = memchr(key.p, 0, key.n);
    uint64_t version = qli_take(&r, 1), flags = qli_take(&r, 1);
    *out = (ql_account){0};
    out->privs.bits[0] = qli_take(&r, 8);
    out->privs.bits[1] = qli_take(&r, 8);
    QL_TRY(qli_take_text(cx, a, &r, &out->plugin));
    QL_TRY(qli_take_text(cx, a, &r, &out->auth_string));
    if (version >= 2) {
        out->max_user_connections = (uint32_t)qli_take(&r, 4);
    }
    if (sep == NULL || r.bad || version == 0 || version > ACCOUNT_VERSION) {
        return ql_fail(cx, QL_ER_TABLE_CORRUPT, "mysql", "user");
    }
    size_t user_n = (size_t)(sep - key.p), host_n = key.n - user_n - 1;
    char *user = ql_arena_strndup(cx, a, key.p, user_n),
         *host = ql_arena_strndup(cx, a, sep + 1, host_n);
    if (user == NULL || host == NULL) {
        return QL_ERROR;
    }
    out->user = (ql_str){user, user_n};
    out->host = (ql_str){host, host_n};
    out->grant_option = flags & 1;
    out->locked = flags >> 1 & 1;
    return QL_OK;
}

ql_status
qli_account_read(ql_ctx *cx, ql_str user, ql_str host, ql_account *out)
{
    ql_buf key = {0};
    ql_str record;
    ql_status st = qli_key_of(cx, &key, QLI_IX_ACCOUNT, user, host);
    if (st == QL_OK) {
        st = ql_txn_get(cx, QL_VIEW_CURRENT, (ql_str){key.p, key.n}, &record);
    }
    if (st == QL_OK) {
        st = qli_account_decode(cx, cx->arena, (ql_str){key.p + 4, key.n - 4}, record, out);
    }
    ql_buf_free(&key);
    return st;
}

static ql_status
lock_account(ql_ctx *cx, const ql_buf *key)
{
    return ql_txn_lock_row(cx, (ql_str){key->p, key->n},
                           &(ql_lock_how){QL_LOCK_X, QL_LOCK_WAIT, QL_FOREVER});
}

ql_status
qli_account_lock(ql_ctx *cx, ql_str user, ql_str host, ql_account *out)
{
    ql_buf key = {0};
    ql_status st = qli_key_of(cx, &key, QLI_IX_ACCOUNT, user, host);
    if (st == QL_OK) {
        st = lock_account(cx, &key);
    }
    ql_buf_free(&key);
    return st == QL_OK ? qli_account_read(cx, user, host, out) : st;
}

void
qli_acl_mark_changed(ql_ctx *cx)
{
    if (cx->vars) {
        cx->vars->acl_changed = true;
    }
}

ql_status
qli_account_write(ql_ctx *cx, const ql_account *a)
{
    ql_buf key = {0}, record = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_of(cx, &key, QLI_IX_ACCOUNT, a->user, a->host), done);
    QL_TRY_TO(st, encode(cx, &record, a), done);
    QL_TRY_TO(st, lock_account(cx, &key), done);
    QL_TRY_TO(st, ql_txn_put(cx, (ql_str){key.p, key.n}, (ql_str){record.p, record.n}), done);
    qli_acl_mark_changed(cx);
done:
    ql_buf_free(&key);
    ql_buf_free(&record);
    return st;
}

ql_status
qli_account_erase(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_of(cx, &key, QLI_IX_ACCOUNT, user, host), done);
    QL_TRY_TO(st, lock_account(cx, &key), done);
    QL_TRY_TO(st, ql_txn_del(cx, (ql_str){key.p, key.n}), done);
    qli_acl_mark_changed(cx);
done:
    ql_buf_free(&key);
    return st;
}

ql_status
ql_acl_bootstrap(ql_ctx *cx, ql_str os_user, bool insecure)
{
    ql_account root = {.user = QL_STR("root"),
                       .host = QL_STR("localhost"),
                       .privs = ql_privs_all(),
                       .grant_option = true};
    root.plugin = insecure ? QL_STR("caching_sha2_password") : QL_STR("auth_socket");
    root.auth_string = insecure ? QL_STR("") : os_user;
    return qli_account_write(cx, &root);
}
