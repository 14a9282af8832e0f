/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: CREATE, ALTER and DROP USER, GRANT and REVOKE of global privileges, SET PASSWORD, SHOW
 * GRANTS, SHOW CREATE USER. Changes commit by themselves, like DDL.
 */
#include <string.h>

#include "base/buf.h"
#include "exec/exec_int.h"

/* 'user'@'host' of the session's account. */
static void
own_account(ql_ctx *cx, ql_str *user, ql_str *host)
{
    ql_str me = cx->vars->current_user;
    const char *at = me.n > 0 ? memrchr(me.p, '@', me.n) : NULL;
    *user = (ql_str){me.p, at != NULL ? (size_t)(at - me.p) : me.n};
    *host = at != NULL ? (ql_str){at + 1, me.n - user->n - 1} : QL_STR("%");
}

static void
account_name(ql_ctx *cx, const ql_ast_user *u, ql_str *user, ql_str *host)
{
    if (u == NULL || u->name.p == NULL) {
        own_account(cx, user, host);
        return;
    }
    *user = u->name;
    *host = u->host.n > 0 ? u->host : QL_STR("%");
}

static bool
is_self(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_str u, h;
    own_account(cx, &u, &h);
    return ql_str_eq(u, user) && ql_str_eq_nocase(h, host);
}

static ql_status
auth_of(ql_ctx *cx, const ql_ast_user *u, ql_str *plugin, ql_str *auth)
{
    ql_value def;
    *plugin = u->plugin;
    if (plugin->n == 0) {
        QL_TRY(ql_sysvar_get(cx, QL_SV_DEFAULT_AUTHENTICATION_PLUGIN, true, &def));
        *plugin = def.kind == QL_K_STRING && def.s.n > 0 ? def.s : QL_STR("caching_sha2_password");
    }
    *auth = u->auth_string;
    if (u->has_auth_string) {
        return QL_OK;
    }
    return ql_acl_make_auth_string(cx, cx->arena, *plugin, u->password, auth);
}

static ql_status
create_user(ql_ctx *cx, const ql_ast_account_stmt *a, uint32_t i)
{
    ql_str user, host, plugin, auth;
    account_name(cx, &a->users[i], &user, &host);
    QL_TRY(auth_of(cx, &a->users[i], &plugin, &auth));
    return ql_acl_create_user(cx, user, host, plugin, auth, a->if_not_exists);
}

static ql_status
alter_user(ql_ctx *cx, const ql_ast_account_stmt *a, uint32_t i)
{
    ql_str user, host, plugin, auth;
    account_name(cx, &a->users[i], &user, &host);
    if (!a->users[i].has_password && !a->users[i].has_auth_string && a->users[i].plugin.n == 0) {
        return qli_not_built(cx, "ALTER USER without IDENTIFIED");
    }
    QL_TRY(auth_of(cx, &a->users[i], &plugin, &auth));
    return ql_acl_alter_user(cx, user, host, plugin, auth, a->if_exists);
}

static ql_status
wanted_privileges(ql_ctx *cx, const ql_ast_account_stmt *a, ql_privs *out)
{
    *out = (ql_privs){0};
    for (uint32_t i = 0; i < a->nprivileges; i++) {
        if (ql_str_eq_nocase(a->privileges[i], QL_STR("ALL"))) {
            *out = ql_privs_all();
            continue;
        }
        if (ql_str_eq_nocase(a->privileges[i], QL_STR("USAGE"))) {
            continue;
        }
        int p = ql_privilege_find(a->privileges[i]);
        if (p < 0) {
            return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Unknown privilege '%s'",
                                qli_zstr(cx, a->privileges[i]));
        }
        out->bits[p >> 6] |= 1ull << (p & 63);
    }
    return QL_OK;
}

/* One gives (takes) what one has, with the option to give it. */
static ql_status
may_grant(ql_ctx *cx, const ql_privs *privs)
{
    const ql_account *me = cx->vars->account;
    bool option = me != NULL && me->grant_option;
    for (int p = 0; p < QL_PRIV_COUNT; p++) {
        if (ql_privs_has(privs, (ql_privilege)p) && !(option && ql_acl_has(cx, (ql_privilege)p))) {
            ql_str user, host;
            own_account(cx, &user, &host);
            return ql_fail(cx, QL_ER_ACCESS_DENIED_ERROR, qli_zstr(cx, user), qli_zstr(cx, host),
                           "YES");
        }
    }
    return QL_OK;
}

static ql_status
grant_or_revoke(ql_ctx *cx, const ql_ast_account_stmt *a, bool grant, uint32_t i)
{
    ql_str user, host;
    ql_privs privs;
    account_name(cx, &a->users[i], &user, &host);
    QL_TRY(wanted_privileges(cx, a, &privs));
    return grant ? ql_acl_grant(cx, user, host, &privs, a->with_grant_option)
                 : ql_acl_revoke(cx, user, host, &privs, a->with_grant_option);
}

static ql_status
check_rights(ql_ctx *cx, ql_stmt_kind kind, const ql_ast_account_stmt *a)
{
    ql_privs privs;
    ql_str user, host;
    switch (kind) {
    case QL_S_GRANT:
    case QL_S_REVOKE:
        if (!a->global) {
            return qli_not_built(cx, "privileges on databases and tables");
        }
        QL_TRY(wanted_privileges(cx, a, &privs));
        return may_grant(cx, &privs);
    case QL_S_ALTER_USER:
    case QL_S_SET_PASSWORD:
        for (uint32_t i = 0; i < a->nusers; i++) {
            account_name(cx, &a->users[i], &user, &host);
            if (!is_self(cx, user, host)) {
                return ql_acl_require(cx, QL_PRIV_CREATE_USER, QL_PRIV_CREATE_USER);
            }
        }
        return QL_OK;
    default:
        return ql_acl_require(cx, QL_PRIV_CREATE_USER, QL_PRIV_CREATE_USER);
    }
}

static ql_status
change_one(ql_ctx *cx, ql_stmt_kind kind, const ql_ast_account_stmt *a, uint32_t i)
{
    ql_str user, host;
    switch (kind) {
    case QL_S_CREATE_USER:
        return create_user(cx, a, i);
    case QL_S_ALTER_USER:
    case QL_S_SET_PASSWORD:
        return alter_user(cx, a, i);
    case QL_S_DROP_USER:
        account_name(cx, &a->users[i], &user, &host);
        return ql_acl_drop_user(cx, user, host, a->if_exists);
    default:
        return grant_or_revoke(cx, a, kind == QL_S_GRANT, i);
    }
}

ql_status
qli_exec_account(ql_ctx *cx, qli_run *run)
{
    const ql_ast_stmt *s = run->stmt->ast;
    QL_TRY(check_rights(cx, s->kind, s->account));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(ql_change_begin(cx, true));
    for (uint32_t i = 0; i < s->account->nusers; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(change_one(cx, s->kind, s->account, i));
    }
    return qli_ddl_end(cx, run);
}

static ql_status
send_lines(ql_ctx *cx, qli_run *run, const char *heading, const ql_str *lines, size_t n)
{
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 1));
    qli_table_string(&t, 0, heading, 1024, false);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    for (size_t i = 0; i < n; i++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text_n(lines[i]);
    }
    return qli_table_send(cx, &t, NULL, 0);
}

/* Words of SHOW CREATE USER; strings doubled at quotes. */
static ql_status
put_quoted(ql_ctx *cx, ql_buf *b, ql_str s, char quote)
{
    QL_TRY(ql_buf_put(cx, b, &quote, 1));
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == quote || (quote == '\'' && s.p[i] == '\\')) {
            QL_TRY(ql_buf_put(cx, b, s.p[i] == quote ? &quote : "\\", 1));
        }
        QL_TRY(ql_buf_put(cx, b, &s.p[i], 1));
    }
    return ql_buf_put(cx, b, &quote, 1);
}

static ql_status
create_user_text(ql_ctx *cx, ql_buf *b, const ql_account *a)
{
    QL_TRY(ql_buf_put_str(cx, b, "CREATE USER "));
    QL_TRY(put_quoted(cx, b, a->user, '`'));
    QL_TRY(ql_buf_put_str(cx, b, "@"));
    QL_TRY(put_quoted(cx, b, a->host, '`'));
    QL_TRY(ql_buf_put_str(cx, b, " IDENTIFIED WITH "));
    QL_TRY(put_quoted(cx, b, a->plugin, '\''));
    if (a->auth_string.n > 0) {
        QL_TRY(ql_buf_put_str(cx, b, " AS "));
        QL_TRY(put_quoted(cx, b, a->auth_string, '\''));
    }
    return ql_buf_put_str(cx, b,
                          " REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY "
                          "DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT "
                          "DEFAULT");
}

static ql_status
show_create_user(ql_ctx *cx, qli_run *run, ql_str user, ql_str host)
{
    ql_account account;
    ql_buf b = {0};
    ql_status st = ql_acl_account(cx, user, host, &account);
    char *name =
        ql_arena_printf(cx, cx->arena, "'%.*s'@'%.*s'", (int)user.n, user.p, (int)host.n, host.p);
    char *heading = ql_arena_printf(cx, cx->arena, "CREATE USER for %.*s@%.*s", (int)user.n, user.p,
                                    (int)host.n, host.p);
    if (name == NULL || heading == NULL) {
        return QL_ERROR;
    }
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_CANNOT_USER, "SHOW CREATE USER", name);
    }
    QL_TRY(st);
    st = create_user_text(cx, &b, &account);
    if (st == QL_OK) {
        st = send_lines(cx, run, heading, &(ql_str){b.p, b.n}, 1);
    }
    ql_buf_free(&b);
    return st;
}

ql_status
qli_show_grants(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    ql_str user, host, *lines;
    size_t n;
    account_name(cx, s->user, &user, &host);
    if (!is_self(cx, user, host)) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_CREATE_USER, QL_PRIV_SELECT));
    }
    if (s->kind == QL_SHOW_CREATE_USER) {
        return show_create_user(cx, run, user, host);
    }
    char *heading = ql_arena_printf(cx, cx->arena, "Grants for %.*s@%.*s", (int)user.n, user.p,
                                    (int)host.n, host.p);
    if (heading == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_acl_show_grants(cx, cx->arena, user, host, &lines, &n));
    return send_lines(cx, run, heading, lines, n);
}
