/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE, ALTER and DROP USER, GRANT, REVOKE and SHOW GRANTS on account records, inside the
 * statement's transaction; privilege names.
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/buf.h"
#include "base/diag.h"

static const struct {
    const char *name;
    bool dynamic;
} privileges[] = {
#define QL_PRIVILEGE(id, name, dynamic) {name, dynamic},
#include "acl/privileges.def"
#undef QL_PRIVILEGE
};

static bool
name_equals(ql_str a, const char *b)
{
    size_t n = strlen(b);
    if (a.n != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) { /* MariaDB writes CONNECTION ADMIN */
        char x = a.p[i] == ' ' ? '_' : a.p[i], y = b[i] == ' ' ? '_' : b[i];
        if (!ql_str_eq_nocase((ql_str){&x, 1}, (ql_str){&y, 1})) {
            return false;
        }
    }
    return true;
}

int
ql_privilege_find(ql_str name)
{
    for (int i = 0; i < QL_PRIV_COUNT; i++) {
        if (name_equals(name, privileges[i].name)) {
            return i;
        }
    }
    return -1;
}

const char *
ql_privilege_name(ql_privilege p)
{
    return privileges[p].name;
}

bool
ql_privilege_is_dynamic(ql_privilege p)
{
    return privileges[p].dynamic;
}

ql_privs
ql_privs_all(void)
{
    ql_privs p = {{0, 0}};
    for (unsigned i = 0; i < QL_PRIV_COUNT; i++) {
        p.bits[i >> 6] |= 1ULL << (i & 63);
    }
    return p;
}

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
    if (ql_utf8_chars(user) > 32) {
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
ql_acl_create_user(ql_ctx *cx, ql_str user, ql_str host, ql_str plugin, ql_str auth_string,
                   bool if_not_exists)
{
    ql_account a;
    QL_TRY(check_names(cx, user, host));
    QL_TRY(check_plugin(cx, &plugin));
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_OK) {
        if (!if_not_exists) {
            return cannot(cx, "CREATE USER", user, host);
        }
        ql_warn_text(cx, QL_DIAG_NOTE, QL_ER_USER_ALREADY_EXISTS,
                     "Authorization ID '%.*s'@'%.*s' already exists.", (int)user.n, user.p,
                     (int)host.n, host.p);
        return QL_OK;
    }
    if (st != QL_END) {
        return st;
    }
    a = (ql_account){.user = user, .host = host, .plugin = plugin, .auth_string = auth_string};
    return qli_account_write(cx, &a);
}

ql_status
ql_acl_alter_user(ql_ctx *cx, ql_str user, ql_str host, ql_str plugin, ql_str auth_string,
                  bool if_exists)
{
    ql_account a;
    QL_TRY(check_plugin(cx, &plugin));
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        if (!if_exists) {
            return cannot(cx, "ALTER USER", user, host);
        }
        note_missing(cx, user, host);
        return QL_OK;
    }
    QL_TRY(st);
    a.plugin = plugin;
    a.auth_string = auth_string;
    return qli_account_write(cx, &a);
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
    return qli_account_erase(cx, user, host);
}

ql_status
ql_acl_account(ql_ctx *cx, ql_str user, ql_str host, ql_account *out)
{
    return qli_account_read(cx, user, host, out);
}

ql_status
ql_acl_grant(ql_ctx *cx, ql_str user, ql_str host, const ql_privs *privs, bool grant_option)
{
    ql_account a;
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_CANT_CREATE_USER_WITH_GRANT);
    }
    QL_TRY(st);
    a.privs.bits[0] |= privs->bits[0];
    a.privs.bits[1] |= privs->bits[1];
    a.grant_option |= grant_option;
    return qli_account_write(cx, &a);
}

ql_status
ql_acl_revoke(ql_ctx *cx, ql_str user, ql_str host, const ql_privs *privs, bool grant_option)
{
    ql_account a;
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        return ql_fail_text(cx, QL_ER_NONEXISTING_GRANT,
                            "There is no such grant defined for user '%.*s' on host '%.*s'",
                            (int)user.n, user.p, (int)host.n, host.p);
    }
    QL_TRY(st);
    a.privs.bits[0] &= ~privs->bits[0];
    a.privs.bits[1] &= ~privs->bits[1];
    a.grant_option = a.grant_option && !grant_option;
    return qli_account_write(cx, &a);
}

static ql_status
put_quoted(ql_ctx *cx, ql_buf *b, ql_str name)
{
    QL_TRY(ql_buf_put_u8(cx, b, '`'));
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '`') {
            QL_TRY(ql_buf_put_u8(cx, b, '`'));
        }
        QL_TRY(ql_buf_put(cx, b, name.p + i, 1));
    }
    return ql_buf_put_u8(cx, b, '`');
}

/* GRANT <names> ON *.* TO `user`@`host` [WITH GRANT OPTION] */
static ql_status
grant_line(ql_ctx *cx, ql_arena *arena, const ql_account *a, const char *names, ql_str *line)
{
    ql_buf b = {0};
    ql_status st;
    QL_TRY_TO(st, ql_buf_printf(cx, &b, "GRANT %s ON *.* TO ", names), done);
    QL_TRY_TO(st, put_quoted(cx, &b, a->user), done);
    QL_TRY_TO(st, ql_buf_put_u8(cx, &b, '@'), done);
    QL_TRY_TO(st, put_quoted(cx, &b, a->host), done);
    if (a->grant_option) {
        QL_TRY_TO(st, ql_buf_put_str(cx, &b, " WITH GRANT OPTION"), done);
    }
    char *p = ql_arena_strndup(cx, arena, b.p, b.n);
    *line = (ql_str){p, b.n};
    st = p != NULL ? QL_OK : QL_ERROR;
done:
    ql_buf_free(&b);
    return st;
}

static ql_status
join_names(ql_ctx *cx, ql_buf *b, const ql_privs *privs, bool dynamic)
{
    for (int i = 0; i < QL_PRIV_COUNT; i++) {
        if (privileges[i].dynamic == dynamic && ql_privs_has(privs, (ql_privilege)i)) {
            QL_TRY(ql_buf_printf(cx, b, "%s%s",
                                 b->n == 0 ? ""
                                 : dynamic ? ","
                                           : ", ",
                                 privileges[i].name));
        }
    }
    return ql_buf_put_u8(cx, b, 0);
}

ql_status
ql_acl_show_grants(ql_ctx *cx, ql_arena *arena, ql_str user, ql_str host, ql_str **lines, size_t *n)
{
    ql_account a;
    ql_buf fixed = {0}, dynamic = {0};
    ql_status st = qli_account_read(cx, user, host, &a);
    if (st == QL_END) {
        return ql_fail_text(cx, QL_ER_NONEXISTING_GRANT,
                            "There is no such grant defined for user '%.*s' on host '%.*s'",
                            (int)user.n, user.p, (int)host.n, host.p);
    }
    QL_TRY(st);
    *n = 0;
    *lines = QL_ARENA_ARRAY(cx, arena, ql_str, 2);
    if (*lines == NULL) {
        return QL_ERROR;
    }
    QL_TRY_TO(st, join_names(cx, &fixed, &a.privs, false), done);
    QL_TRY_TO(st, join_names(cx, &dynamic, &a.privs, true), done);
    QL_TRY_TO(st, grant_line(cx, arena, &a, fixed.n > 1 ? fixed.p : "USAGE", &(*lines)[(*n)++]),
              done);
    if (dynamic.n > 1) {
        QL_TRY_TO(st, grant_line(cx, arena, &a, dynamic.p, &(*lines)[(*n)++]), done);
    }
done:
    ql_buf_free(&fixed);
    ql_buf_free(&dynamic);
    return st;
}
