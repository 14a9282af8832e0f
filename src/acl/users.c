/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE, ALTER, RENAME and DROP USER on account records, inside the statement's transaction. Who
 * may is asked by the caller.
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "intr/intr.h"

static ql_status
cannot(ql_ctx *cx, const char *what, ql_str user, ql_str host)
{
    return ql_fail_text(cx, QL_ER_CANNOT_USER, "Operation %s failed for '%.*s'@'%.*s'", what,
                        (int)user.n, user.p, (int)host.n, host.p);
}

static void
note_missing(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_warn_text(cx, QL_DIAG_NOTE, QL_ER_USER_DOES_NOT_EXIST,
                 "Authorization ID '%.*s'@'%.*s' does not exist.", (int)user.n, user.p, (int)host.n,
                 host.p);
}

/* *plugin becomes the name as it is stored, whatever its case was. */
static ql_status
check_plugin(ql_ctx *cx, ql_str *plugin)
{
    static const ql_str known[] = {
        {"caching_sha2_password", 21}, {"mysql_native_password", 21}, {"auth_socket", 11}};
    for (size_t i = 0; i < QL_ARRAY_LEN(known); i++) {
        if (ql_str_eq_nocase(*plugin, known[i])) {
            *plugin = known[i];
            return QL_OK;
        }
    }
    return ql_fail_text(cx, QL_ER_PLUGIN_IS_NOT_LOADED, "Plugin '%.*s' is not loaded",
                        (int)plugin->n, plugin->p);
}

static ql_status
check_names(ql_ctx *cx, ql_str user, ql_str host)
{
    if (user.n > 32 * 4 || ql_utf8_chars(user) > 32) {
        return ql_fail_text(cx, QL_ER_WRONG_STRING_LENGTH,
                            "String '%.*s' is too long for user name (should be no longer than 32)",
                            (int)user.n, user.p);
    }
    if (host.n > 255 || memchr(user.p, 0, user.n) || memchr(host.p, 0, host.n)) {
        return ql_fail_text(
            cx, QL_ER_WRONG_STRING_LENGTH,
            "String '%.*s' is too long for host name (should be no longer than 255)",
            (int)(host.n > 60 ? 60 : host.n), host.p);
    }
    return QL_OK;
}

ql_status
ql_acl_create_user(ql_ctx *cx, const ql_account *account, bool if_not_exists)
{
    ql_account there, a = *account;
    QL_TRY(check_names(cx, a.user, a.host));
    QL_TRY(check_plugin(cx, &a.plugin));
    ql_status st = qli_account_lock(cx, a.user, a.host, &there);
    if (st == QL_OK) {
        if (!if_not_exists) {
            return cannot(cx, "CREATE USER", a.user, a.host);
        }
        ql_warn_text(cx, QL_DIAG_NOTE, QL_ER_USER_ALREADY_EXISTS,
                     "Authorization ID '%.*s'@'%.*s' already exists.", (int)a.user.n, a.user.p,
                     (int)a.host.n, a.host.p);
        return QL_OK;
    }
    return st == QL_END ? qli_account_write(cx, &a) : st;
}

ql_status
ql_acl_alter_user(ql_ctx *cx, ql_str user, ql_str host, const ql_account_change *change,
                  bool if_exists)
{
    ql_account a;
    ql_str plugin = change->plugin;
    if (plugin.p != NULL) {
        QL_TRY(check_plugin(cx, &plugin));
    }
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        if (!if_exists) {
            return cannot(cx, "ALTER USER", user, host);
        }
        note_missing(cx, user, host);
        return QL_OK;
    }
    QL_TRY(st);
    a.plugin = plugin.p != NULL ? plugin : a.plugin;
    a.auth_string = change->auth_string.p != NULL ? change->auth_string : a.auth_string;
    a.locked = change->lock >= 0 ? change->lock != 0 : a.locked;
    if (change->max_user_connections >= 0) {
        a.max_user_connections = (uint32_t)change->max_user_connections;
    }
    return qli_account_write(cx, &a);
}

/* Erase the grants of an account; to: and give them to another. */
static ql_status
move_grants(ql_ctx *cx, ql_str user, ql_str host, const ql_account *to)
{
    qli_grant *v;
    size_t n;
    QL_TRY(qli_grants_of(cx, user, host, &v, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        if (to != NULL) {
            QL_TRY(qli_grant_write(cx, to->user, to->host, &v[i]));
        }
        v[i].mask = 0;
        QL_TRY(qli_grant_write(cx, user, host, &v[i]));
    }
    return QL_OK;
}

ql_status
ql_acl_drop_user(ql_ctx *cx, ql_str user, ql_str host, bool if_exists)
{
    ql_account a;
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        if (!if_exists) {
            return cannot(cx, "DROP USER", user, host);
        }
        note_missing(cx, user, host);
        return QL_OK;
    }
    QL_TRY(st);
    QL_TRY(move_grants(cx, user, host, NULL));
    return qli_account_erase(cx, user, host);
}

ql_status
ql_acl_rename_user(ql_ctx *cx, ql_str user, ql_str host, ql_str new_user, ql_str new_host)
{
    ql_account a, there;
    QL_TRY(check_names(cx, new_user, new_host));
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_OK) {
        st = qli_account_lock(cx, new_user, new_host, &there);
        if (st == QL_OK) {
            return cannot(cx, "RENAME USER", user, host);
        }
        QL_TRY(st == QL_END ? QL_OK : st);
        QL_TRY(qli_account_erase(cx, user, host));
        a.user = new_user;
        a.host = new_host;
        QL_TRY(qli_account_write(cx, &a));
        return move_grants(cx, user, host, &a);
    }
    return st == QL_END ? cannot(cx, "RENAME USER", user, host) : st;
}

ql_status
ql_acl_account(ql_ctx *cx, ql_str user, ql_str host, ql_account *out)
{
    return qli_account_read(cx, user, host, out);
}
