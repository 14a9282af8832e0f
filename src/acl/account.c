/* SPDX-License-Identifier: Apache-2.0
 *
 * Account records in the keyspace, written in the transaction of the statement that changes them.
 * One with a section that must be understood and is not (a newer server wrote it) lets nobody in
 * and cannot be changed, only dropped.
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "catalog/record.h"
#include "intr/intr.h"

/* Sections, as tags are stored (catalog/record.h). */
enum {
    ACCOUNT_STATIC = 1,  /* privileges: bits are positions in privileges.def */
    ACCOUNT_DYNAMIC = 3, /* behind the first 64 */
    ACCOUNT_GRANT_OPTION = 5,
    ACCOUNT_LOCKED = 7,
    ACCOUNT_PLUGIN = 9,
    ACCOUNT_AUTH_STRING = 11,
    ACCOUNT_MAX_USER_CONNECTIONS = 13,
};
static const ql_record_shape account_shape = {
    .known = QL_TAG(ACCOUNT_STATIC) | QL_TAG(ACCOUNT_DYNAMIC) | QL_TAG(ACCOUNT_GRANT_OPTION) |
             QL_TAG(ACCOUNT_LOCKED) | QL_TAG(ACCOUNT_PLUGIN) | QL_TAG(ACCOUNT_AUTH_STRING) |
             QL_TAG(ACCOUNT_MAX_USER_CONNECTIONS),
    .required = QL_TAG(ACCOUNT_PLUGIN)};

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
encode(ql_ctx *cx, ql_buf *b, const ql_account *a)
{
    QL_TRY(ql_record_begin(cx, b, QL_REC_ACCOUNT));
    QL_TRY(ql_section_put_number(cx, b, ACCOUNT_STATIC, a->privs.bits[0]));
    QL_TRY(ql_section_put_number(cx, b, ACCOUNT_DYNAMIC, a->privs.bits[1]));
    QL_TRY(ql_section_put_number(cx, b, ACCOUNT_GRANT_OPTION, a->grant_option));
    QL_TRY(ql_section_put_number(cx, b, ACCOUNT_LOCKED, a->locked));
    QL_TRY(ql_section_put_text(cx, b, ACCOUNT_PLUGIN, a->plugin));
    QL_TRY(ql_section_put_text(cx, b, ACCOUNT_AUTH_STRING, a->auth_string));
    QL_TRY(ql_section_put_number(cx, b, ACCOUNT_MAX_USER_CONNECTIONS, a->max_user_connections));
    QL_TRY(a->unknown.n ? ql_buf_put(cx, b, a->unknown.p, a->unknown.n) : QL_OK);
    return ql_record_end(cx, b);
}

static ql_status
take_section(ql_ctx *cx, ql_arena *arena, const ql_section *s, ql_account *a, bool *bad)
{
    switch (s->tag) {
    case ACCOUNT_STATIC:
        a->privs.bits[0] = ql_section_number(s, UINT64_MAX, bad);
        return QL_OK;
    case ACCOUNT_DYNAMIC:
        a->privs.bits[1] = ql_section_number(s, UINT64_MAX, bad);
        return QL_OK;
    case ACCOUNT_GRANT_OPTION:
        a->grant_option = ql_section_number(s, 1, bad) != 0;
        return QL_OK;
    case ACCOUNT_LOCKED:
        a->locked = ql_section_number(s, 1, bad) != 0;
        return QL_OK;
    case ACCOUNT_MAX_USER_CONNECTIONS:
        a->max_user_connections = (uint32_t)ql_section_number(s, UINT32_MAX, bad);
        return QL_OK;
    case ACCOUNT_PLUGIN:
        return ql_section_text(cx, arena, s, &a->plugin);
    case ACCOUNT_AUTH_STRING:
        return ql_section_text(cx, arena, s, &a->auth_string);
    default:
        return QL_OK;
    }
}

static ql_status
decode(ql_ctx *cx, ql_arena *arena, ql_str record, ql_account *a, bool *bad)
{
    ql_str sections;
    *bad = !ql_record_open(record, QL_REC_ACCOUNT, &sections) ||
           !ql_sections_check(sections, &account_shape, &a->foreign);
    if (*bad) {
        return QL_OK;
    }
    a->plugin = a->auth_string = QL_STR("");
    ql_str rest = sections;
    for (ql_section s; ql_section_next(&rest, &s);) {
        QL_TRY(take_section(cx, arena, &s, a, bad));
    }
    a->locked |= a->foreign != 0; /* what it says may be a condition of the login */
    return ql_sections_unknown(cx, arena, sections, &account_shape, &a->unknown);
}

ql_status
qli_account_decode(ql_ctx *cx, ql_arena *a, ql_str key, ql_str record, ql_account *out)
{
    const char *sep = memchr(key.p, 0, key.n);
    bool bad = false;
    *out = (ql_account){0};
    QL_TRY(qli_is_record_1(record) ? qli_account_decode_1(cx, a, record, out, &bad)
                                   : decode(cx, a, record, out, &bad));
    if (sep == NULL || bad) {
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
    return ql_txn_lock_row(
        cx, (ql_str){key->p, key->n},
        &(ql_lock_how){.mode = QL_LOCK_X, .policy = QL_LOCK_WAIT, .deadline = QL_FOREVER});
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
qli_refuse_foreign(ql_ctx *cx, ql_str user, ql_str host, uint32_t foreign)
{
    return foreign == 0
               ? QL_OK
               : ql_fail_text(
                     cx, QL_ER_NOT_SUPPORTED_YET,
                     "Account '%.*s'@'%.*s' or a grant of it cannot be changed: section %u "
                     "of its record is not known to this server; a newer one wrote it. "
                     "DROP USER removes it",
                     (int)user.n, user.p, (int)host.n, host.p, foreign);
}

ql_status
qli_account_write(ql_ctx *cx, const ql_account *a)
{
    ql_buf key = {0}, record = {0};
    ql_status st;
    QL_TRY(qli_refuse_foreign(cx, a->user, a->host, a->foreign));
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
