/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: CREATE, ALTER, RENAME and DROP USER, SET PASSWORD, SHOW GRANTS, SHOW CREATE USER; GRANT
 * and REVOKE are in grant.c. Each asks first who may (manual, the page of the statement); changes
 * commit by themselves, like DDL.
 */
#include <string.h>

#include "base/buf.h"
#include "stmts/stmts_int.h"

/* 'user'@'host' of the session's account. */
void
qli_own_account(ql_ctx *cx, ql_str *user, ql_str *host)
{
    ql_str me = cx->vars->current_user;
    const char *at = me.n > 0 ? memrchr(me.p, '@', me.n) : NULL;
    *user = (ql_str){me.p, at != NULL ? (size_t)(at - me.p) : me.n};
    *host = at != NULL ? (ql_str){at + 1, me.n - user->n - 1} : QL_STR("%");
}

void
qli_account_name(ql_ctx *cx, const ql_ast_user *u, ql_str *user, ql_str *host)
{
    if (u == NULL || u->name.p == NULL) {
        qli_own_account(cx, user, host);
        return;
    }
    *user = u->name;
    *host = u->host.n > 0 ? u->host : QL_STR("%");
}

static bool
is_self(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_str u, h;
    qli_own_account(cx, &u, &h);
    return ql_str_eq(u, user) && ql_str_eq_nocase(h, host);
}

/* --- who may --- */

/* CREATE USER, or that privilege on the mysql schema. */
static ql_status
may_change_accounts(ql_ctx *cx, ql_pmask on_mysql)
{
    if (ql_acl_has(cx, QL_PRIV_CREATE_USER) ||
        (ql_acl_on_db(cx, QL_STR("mysql")) & on_mysql) != 0) {
        return QL_OK;
    }
    return ql_acl_require(cx, QL_PRIV_CREATE_USER, QL_PRIV_CREATE_USER);
}

/* Everybody may change the own password, and nothing else of the own account. */
static bool
changes_own_password(ql_ctx *cx, const ql_ast_stmt *s, uint32_t i)
{
    const ql_ast_user *u = &s->account->users[i];
    ql_str user, host;
    qli_account_name(cx, u, &user, &host);
    return is_self(cx, user, host) && u->has_password && u->plugin.n == 0 && s->account->lock < 0 &&
           s->account->max_user_connections < 0;
}

static ql_status
may_alter(ql_ctx *cx, const ql_ast_stmt *s)
{
    for (uint32_t i = 0; i < s->account->nusers; i++) {
        QL_TRY(ql_check(cx));
        if (changes_own_password(cx, s, i)) {
            continue;
        }
        if (s->kind == QL_S_SET_PASSWORD && !ql_acl_has(cx, QL_PRIV_CREATE_USER) &&
            !(ql_acl_on_db(cx, QL_STR("mysql")) & QL_PM(UPDATE))) {
            return ql_acl_db_denied(cx, QL_STR("mysql"));
        }
        return may_change_accounts(cx, QL_PM(UPDATE));
    }
    return QL_OK;
}

static ql_status
check_rights(ql_ctx *cx, const ql_ast_stmt *s)
{
    switch (s->kind) {
    case QL_S_CREATE_USER:
        return may_change_accounts(cx, QL_PM(INSERT));
    case QL_S_DROP_USER:
        return may_change_accounts(cx, QL_PM(DELETE));
    case QL_S_RENAME_USER:
        return may_change_accounts(cx, QL_PM(UPDATE));
    default:
        return may_alter(cx, s);
    }
}

/* None of the accounts may be above the session: 1227. In the statement's transaction. */
static ql_status
check_power(ql_ctx *cx, const ql_ast_account_stmt *a)
{
    for (uint32_t i = 0; i < a->nusers; i++) {
        QL_TRY(ql_check(cx));
        ql_str user, host;
        qli_account_name(cx, &a->users[i], &user, &host);
        QL_TRY(ql_acl_require_power_over(cx, user, host));
    }
    return QL_OK;
}

/* --- the statements --- */

static ql_status
default_plugin(ql_ctx *cx, ql_str *plugin)
{
    ql_value def;
    QL_TRY(ql_sysvar_get(cx, QL_SV_DEFAULT_AUTHENTICATION_PLUGIN, true, &def));
    *plugin = def.kind == QL_K_STRING && def.s.n > 0 ? def.s : QL_STR("caching_sha2_password");
    return QL_OK;
}

static ql_status
make_auth(ql_ctx *cx, const ql_ast_user *u, ql_str plugin, ql_str *auth)
{
    *auth = u->auth_string;
    return u->has_auth_string ? QL_OK
                              : ql_acl_make_auth_string(cx, cx->arena, plugin, u->password, auth);
}

static ql_status
create_user(ql_ctx *cx, const ql_ast_account_stmt *a, uint32_t i)
{
    const ql_ast_user *u = &a->users[i];
    ql_account new = {.plugin = u->plugin, .locked = a->lock == 1};
    if (a->max_user_connections > 0) {
        new.max_user_connections = (uint32_t)a->max_user_connections;
    }
    qli_account_name(cx, u, &new.user, &new.host);
    if (new.plugin.n == 0) {
        QL_TRY(default_plugin(cx, &new.plugin));
    }
    QL_TRY(make_auth(cx, u, new.plugin, &new.auth_string));
    return ql_acl_create_user(cx, &new, a->if_not_exists);
}

/* A new password leaves the account its plugin, which must be one that keeps passwords. */
static ql_status
plugin_of(ql_ctx *cx, ql_str user, ql_str host, ql_str *plugin)
{
    ql_account there;
    ql_status st = ql_acl_account(cx, user, host, &there);
    if (st == QL_END) {
        return default_plugin(cx, plugin); /* there is nothing to alter, which is said later */
    }
    QL_TRY(st);
    *plugin = there.plugin;
    return ql_str_eq(there.plugin, QL_STR("auth_socket"))
               ? ql_fail(cx, QL_ER_SET_PASSWORD_AUTH_PLUGIN, ql_cstr(cx, user), ql_cstr(cx, host))
               : QL_OK;
}

static ql_status
alter_user(ql_ctx *cx, const ql_ast_stmt *s, uint32_t i)
{
    const ql_ast_user *u = &s->account->users[i];
    ql_account_change change = {.lock = s->account->lock,
                                .max_user_connections = s->account->max_user_connections};
    ql_str user, host;
    qli_account_name(cx, u, &user, &host);
    if (u->plugin.n > 0) {
        change.plugin = u->plugin;
        QL_TRY(make_auth(cx, u, u->plugin, &change.auth_string));
    } else if (u->has_password || u->has_auth_string) {
        ql_str plugin;
        QL_TRY(plugin_of(cx, user, host, &plugin));
        QL_TRY(make_auth(cx, u, plugin, &change.auth_string));
    }
    if (s->kind == QL_S_SET_PASSWORD) {
        ql_account there;
        ql_status st = ql_acl_account(cx, user, host, &there);
        if (st == QL_END) {
            return ql_fail(cx, QL_ER_PASSWORD_NO_MATCH);
        }
        QL_TRY(st);
    }
    return ql_acl_alter_user(cx, user, host, &change, s->account->if_exists);
}

/* users: old, new, old, new ... */
static ql_status
rename_user(ql_ctx *cx, const ql_ast_account_stmt *a, uint32_t i)
{
    ql_str user, host, new_user, new_host;
    if (i % 2 != 0) {
        return QL_OK;
    }
    qli_account_name(cx, &a->users[i], &user, &host);
    qli_account_name(cx, &a->users[i + 1], &new_user, &new_host);
    return ql_acl_rename_user(cx, user, host, new_user, new_host);
}

static ql_status
change_one(ql_ctx *cx, const ql_ast_stmt *s, uint32_t i)
{
    const ql_ast_account_stmt *a = s->account;
    ql_str user, host;
    switch (s->kind) {
    case QL_S_CREATE_USER:
        return create_user(cx, a, i);
    case QL_S_RENAME_USER:
        return rename_user(cx, a, i);
    case QL_S_DROP_USER:
        qli_account_name(cx, &a->users[i], &user, &host);
        return ql_acl_drop_user(cx, user, host, a->if_exists);
    default:
        return alter_user(cx, s, i);
    }
}

ql_status
qli_exec_account(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *s = run->stmt->ast;
    QL_TRY(check_rights(cx, s));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(check_power(cx, s->account));
    QL_TRY(ql_change_begin(cx, true));
    for (uint32_t i = 0; i < s->account->nusers; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(change_one(cx, s, i));
    }
    return qli_ddl_end(cx, run);
}

/* --- SHOW GRANTS, SHOW CREATE USER --- */

static ql_status
send_lines(ql_ctx *cx, ql_run *run, const char *heading, const ql_str *lines, size_t n)
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
create_user_text(ql_ctx *cx, ql_buf *b, const ql_account *a, bool with_hash)
{
    QL_TRY(ql_buf_put_str(cx, b, "CREATE USER "));
    QL_TRY(put_quoted(cx, b, a->user, '`'));
    QL_TRY(ql_buf_put_str(cx, b, "@"));
    QL_TRY(put_quoted(cx, b, a->host, '`'));
    QL_TRY(ql_buf_put_str(cx, b, " IDENTIFIED WITH "));
    QL_TRY(put_quoted(cx, b, a->plugin, '\''));
    if (a->auth_string.n > 0) {
        QL_TRY(ql_buf_put_str(cx, b, " AS "));
        QL_TRY(put_quoted(cx, b, with_hash ? a->auth_string : QL_STR("<secret>"), '\''));
    }
    QL_TRY(ql_buf_put_str(cx, b, " REQUIRE NONE"));
    if (a->max_user_connections != 0) {
        QL_TRY(ql_buf_printf(cx, b, " WITH MAX_USER_CONNECTIONS %u", a->max_user_connections));
    }
    return ql_buf_printf(cx, b,
                         " PASSWORD EXPIRE DEFAULT ACCOUNT %s PASSWORD HISTORY "
                         "DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT "
                         "DEFAULT",
                         a->locked ? "LOCK" : "UNLOCK");
}

static ql_status
show_create_user(ql_ctx *cx, ql_run *run, ql_str user, ql_str host)
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
    bool with_hash = ql_acl_on_table(cx, QL_STR("mysql"), QL_STR("user")) & QL_PM(SELECT);
    st = create_user_text(cx, &b, &account, with_hash);
    if (st == QL_OK) {
        st = send_lines(cx, run, heading, &(ql_str){b.p, b.n}, 1);
    }
    ql_buf_free(&b);
    return st;
}

ql_status
qli_show_grants(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    ql_str user, host, *lines;
    size_t n;
    qli_account_name(cx, s->user, &user, &host);
    if (!is_self(cx, user, host) && !(ql_acl_on_db(cx, QL_STR("mysql")) & QL_PM(SELECT))) {
        return ql_acl_db_denied(cx, QL_STR("mysql"));
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
