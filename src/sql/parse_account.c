/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: CREATE, ALTER, DROP, RENAME USER, GRANT, REVOKE, SET PASSWORD. Parts of them that could
 * not be honoured (REQUIRE SSL, resource limits, roles ...) make the statement unbuilt rather than
 * go unheeded.
 */
#include <string.h>

#include "sql/sql_int.h"

static ql_status
lower(qli_parser *p, ql_str in, ql_str *out)
{
    char *w = ql_arena_alloc(p->cx, p->a, in.n + 1);
    if (w == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < in.n; i++) {
        w[i] = (char)(in.p[i] >= 'A' && in.p[i] <= 'Z' ? in.p[i] + 32 : in.p[i]);
    }
    *out = (ql_str){w, in.n};
    return QL_OK;
}

/* name[@host] or CURRENT_USER[()] */
ql_status
qli_user(qli_parser *p, ql_ast_user *out)
{
    *out = (ql_ast_user){.host = QL_STR("%")};
    if (qli_accept(p, K_CURRENT_USER)) {
        return qli_accept(p, T_LPAREN) ? qli_expect(p, T_RPAREN) : QL_OK;
    }
    QL_TRY(qli_name_or_string(p, &out->name));
    if (out->name.p == NULL) {
        out->name.p = ""; /* NULL means CURRENT_USER */
    }
    if (qli_is(p, T_USERVAR)) {
        ql_str host;
        QL_TRY(qli_token_decode(p->cx, p->a, &p->lx, &p->t, &host));
        QL_TRY(lower(p, host, &out->host));
        qli_advance(p);
    }
    return QL_OK;
}

static ql_status
users(qli_parser *p, ql_ast_account_stmt *a)
{
    do {
        ql_ast_user user;
        QL_TRY(qli_user(p, &user));
        QL_TRY(qli_grow(p, &a->users, &a->nusers, sizeof *a->users));
        a->users[a->nusers - 1] = user;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

static ql_status
new_account(qli_parser *p, ql_ast_stmt *s)
{
    QL_TRY(qli_new(p, sizeof *s->account, &s->account));
    s->account->lock = -1;
    s->account->max_user_connections = -1;
    return QL_OK;
}

/* ---- CREATE USER, ALTER USER ---- */

/* BY 'password' */
static ql_status
by_password(qli_parser *p, ql_ast_user *u)
{
    if (qli_is(p, K_RANDOM)) {
        return qli_unbuilt(p, "IDENTIFIED BY RANDOM PASSWORD");
    }
    QL_TRY(qli_string(p, &u->password));
    u->has_password = true;
    return QL_OK;
}

/* IDENTIFIED was taken. */
static ql_status
identification(qli_parser *p, ql_ast_user *u)
{
    if (qli_accept(p, K_BY)) {
        QL_TRY(by_password(p, u));
    } else {
        QL_TRY(qli_expect(p, K_WITH));
        QL_TRY(qli_name_or_string(p, &u->plugin));
        if (qli_accept(p, K_BY)) {
            QL_TRY(by_password(p, u));
        } else if (qli_accept(p, K_AS)) {
            if (qli_is(p, T_HEX)) {
                ql_ast_expr *hex;
                QL_TRY(qli_literal(p, &hex));
                u->auth_string = hex->value.s;
            } else {
                QL_TRY(qli_string(p, &u->auth_string));
            }
            u->has_auth_string = true;
        }
    }
    if (qli_is(p, K_REPLACE) || qli_is(p, K_RETAIN)) {
        return qli_unbuilt(p, qli_is(p, K_REPLACE) ? "IDENTIFIED BY ... REPLACE"
                                                   : "RETAIN CURRENT PASSWORD");
    }
    return qli_is(p, K_AND) || qli_is(p, K_INITIAL) ? qli_unbuilt(p, "multifactor authentication")
                                                    : QL_OK;
}

/* PASSWORD was taken: only what says "as ever" is accepted. */
static ql_status
password_option(qli_parser *p)
{
    if (qli_accept(p, K_EXPIRE)) {
        return qli_accept(p, K_DEFAULT) || qli_accept(p, K_NEVER)
                   ? QL_OK
                   : qli_unbuilt(p, "PASSWORD EXPIRE");
    }
    if (qli_accept(p, K_HISTORY)) {
        return qli_accept(p, K_DEFAULT) ? QL_OK : qli_unbuilt(p, "PASSWORD HISTORY");
    }
    if (qli_accept(p, K_REUSE)) {
        QL_TRY(qli_expect(p, K_INTERVAL));
        return qli_accept(p, K_DEFAULT) ? QL_OK : qli_unbuilt(p, "PASSWORD REUSE INTERVAL");
    }
    QL_TRY(qli_expect(p, K_REQUIRE));
    QL_TRY(qli_expect(p, K_CURRENT));
    return qli_accept(p, K_DEFAULT) || qli_accept(p, K_OPTIONAL)
               ? QL_OK
               : qli_unbuilt(p, "PASSWORD REQUIRE CURRENT");
}

/* WITH MAX_USER_CONNECTIONS n ...; limits by the hour may be 0, that is none. */
static ql_status
resource_limits(qli_parser *p, ql_ast_account_stmt *a)
{
    bool any = false;
    for (;; any = true) {
        qli_token_kind kind = p->t.kind;
        uint64_t n;
        if (kind != K_MAX_USER_CONNECTIONS && kind != K_MAX_QUERIES_PER_HOUR &&
            kind != K_MAX_UPDATES_PER_HOUR && kind != K_MAX_CONNECTIONS_PER_HOUR) {
            return any ? QL_OK : qli_syntax_error(p);
        }
        qli_advance(p);
        QL_TRY(qli_uint(p, &n));
        if (kind == K_MAX_USER_CONNECTIONS) {
            a->max_user_connections = (int64_t)(n < UINT32_MAX ? n : UINT32_MAX);
        } else if (n != 0) {
            return qli_unbuilt(p, qli_keyword_text(kind));
        }
    }
}

/* What may follow the accounts. */
static ql_status
account_options(qli_parser *p, ql_ast_account_stmt *a)
{
    for (;;) {
        switch (p->t.kind) {
        case K_REQUIRE:
            qli_advance(p);
            if (!qli_accept(p, K_NONE)) {
                return qli_unbuilt(p, "REQUIRE");
            }
            break;
        case K_WITH:
            qli_advance(p);
            QL_TRY(resource_limits(p, a));
            break;
        case K_PASSWORD:
            qli_advance(p);
            QL_TRY(password_option(p));
            break;
        case K_ACCOUNT:
            qli_advance(p);
            a->lock = qli_is(p, K_LOCK);
            if (!qli_accept(p, K_LOCK)) {
                QL_TRY(qli_expect(p, K_UNLOCK));
            }
            break;
        case K_DEFAULT:
            return qli_unbuilt(p, "DEFAULT ROLE");
        case K_FAILED_LOGIN_ATTEMPTS:
        case K_PASSWORD_LOCK_TIME:
            return qli_unbuilt(p, qli_keyword_text(p->t.kind));
        case K_COMMENT:
        case K_ATTRIBUTE:
            return qli_unbuilt(p, "account COMMENT or ATTRIBUTE");
        default:
            return QL_OK;
        }
    }
}

/* ALTER USER USER() IDENTIFIED ... */
static ql_status
altered_user(qli_parser *p, ql_ast_user *u)
{
    if (qli_is(p, K_USER) && qli_peek(p, 1)->kind == T_LPAREN) {
        *u = (ql_ast_user){.host = QL_STR("%")};
        qli_advance(p);
        qli_advance(p);
        return qli_expect(p, T_RPAREN);
    }
    return qli_user(p, u);
}

ql_status
qli_create_user(qli_parser *p, ql_ast_stmt *s)
{
    bool alter = s->kind == QL_S_ALTER_USER;
    QL_TRY(new_account(p, s));
    ql_ast_account_stmt *a = s->account;
    if (qli_accept(p, K_IF)) {
        if (!alter) {
            QL_TRY(qli_expect(p, K_NOT));
        }
        QL_TRY(qli_expect(p, K_EXISTS));
        *(alter ? &a->if_exists : &a->if_not_exists) = true;
        *(alter ? &s->if_exists : &s->if_not_exists) = true;
    }
    do {
        ql_ast_user user;
        QL_TRY(alter ? altered_user(p, &user) : qli_user(p, &user));
        if (qli_accept(p, K_IDENTIFIED)) {
            QL_TRY(identification(p, &user));
        } else if (alter && (qli_is(p, K_DISCARD) || qli_is(p, K_ADD) || qli_is(p, K_MODIFY) ||
                             qli_is(p, K_DROP))) {
            return qli_unbuilt(p, "multifactor authentication");
        }
        QL_TRY(qli_grow(p, &a->users, &a->nusers, sizeof *a->users));
        a->users[a->nusers - 1] = user;
    } while (qli_accept(p, T_COMMA));
    return account_options(p, a);
}

ql_status
qli_drop_user(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_DROP_USER;
    qli_advance(p);
    QL_TRY(new_account(p, s));
    if (qli_accept(p, K_IF)) {
        QL_TRY(qli_expect(p, K_EXISTS));
        s->if_exists = s->account->if_exists = true;
    }
    return users(p, s->account);
}

/* RENAME USER old TO new, ...: users holds old, new, old, new ... */
ql_status
qli_rename_user(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_RENAME_USER;
    qli_advance(p);
    QL_TRY(new_account(p, s));
    ql_ast_account_stmt *a = s->account;
    do {
        ql_ast_user from, to;
        QL_TRY(qli_user(p, &from));
        QL_TRY(qli_expect(p, K_TO));
        QL_TRY(qli_user(p, &to));
        QL_TRY(qli_grow(p, &a->users, &a->nusers, sizeof *a->users));
        a->users[a->nusers - 1] = from;
        QL_TRY(qli_grow(p, &a->users, &a->nusers, sizeof *a->users));
        a->users[a->nusers - 1] = to;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* SET PASSWORD [FOR user] = 'x' */
ql_status
qli_set_password(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_user user = {.host = QL_STR("%")};
    s->kind = QL_S_SET_PASSWORD;
    QL_TRY(new_account(p, s));
    if (qli_accept(p, K_FOR)) {
        QL_TRY(qli_user(p, &user));
    }
    if (qli_is(p, K_TO)) {
        return qli_unbuilt(p, "SET PASSWORD TO RANDOM");
    }
    if (!qli_accept(p, T_ASSIGN)) {
        QL_TRY(qli_expect(p, T_EQ));
    }
    QL_TRY(qli_string(p, &user.password));
    user.has_password = true;
    if (qli_is(p, K_REPLACE) || qli_is(p, K_RETAIN)) {
        return qli_unbuilt(p, "SET PASSWORD ... REPLACE");
    }
    QL_TRY(qli_grow(p, &s->account->users, &s->account->nusers, sizeof user));
    s->account->users[0] = user;
    return QL_OK;
}

/* ---- GRANT, REVOKE ---- */

/* Words up to the comma, ON, TO or FROM, upper case with one space between. */
static ql_status
privilege(qli_parser *p, ql_str *out)
{
    char text[256];
    size_t n = 0;
    while (qli_is_any_word(&p->t) || p->t.kind == T_QUOTED) {
        if (n != 0 && (qli_is(p, K_ON) || qli_is(p, K_TO) || qli_is(p, K_FROM))) {
            break;
        }
        if (n + p->t.text.n + 2 > sizeof text) {
            return qli_syntax_error(p);
        }
        if (n != 0) {
            text[n++] = ' ';
        }
        memcpy(text + n, p->t.text.p, p->t.text.n);
        n += p->t.text.n;
        qli_advance(p);
    }
    return n != 0 ? qli_upper(p, (ql_str){text, n}, out) : qli_syntax_error(p);
}

static ql_status
privileges(qli_parser *p, ql_ast_account_stmt *a)
{
    do {
        ql_str name;
        bool role = p->t.kind == T_STRING || qli_peek(p, 1)->kind == T_USERVAR;
        if (role) {
            return qli_unbuilt(p, "roles");
        }
        QL_TRY(privilege(p, &name));
        if (qli_is(p, T_LPAREN)) {
            return qli_unbuilt(p, "column privileges");
        }
        if (ql_str_eq(name, QL_STR("PROXY"))) {
            return qli_unbuilt(p, "PROXY");
        }
        if (ql_str_eq(name, QL_STR("GRANT OPTION"))) {
            a->with_grant_option = true;
            continue;
        }
        if (ql_str_eq(name, QL_STR("ALL PRIVILEGES"))) {
            name = QL_STR("ALL");
        }
        QL_TRY(qli_grow(p, &a->privileges, &a->nprivileges, sizeof *a->privileges));
        a->privileges[a->nprivileges - 1] = name;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* *.*, db.*, db.t, t, * */
static ql_status
privilege_level(qli_parser *p, ql_ast_account_stmt *a)
{
    if (qli_is(p, K_FUNCTION) || qli_is(p, K_PROCEDURE)) {
        return qli_unbuilt(p, "routine privileges");
    }
    if (qli_is(p, K_TABLE)) {
        qli_advance(p);
    }
    if (qli_accept(p, T_STAR)) {
        if (!qli_accept(p, T_DOT)) {
            return QL_OK;
        }
        a->global = true;
        return qli_expect(p, T_STAR);
    }
    QL_TRY(qli_name(p, &a->table));
    if (!qli_accept(p, T_DOT)) {
        return QL_OK;
    }
    a->db = a->table;
    a->table = (ql_str){NULL, 0};
    return qli_accept(p, T_STAR) ? QL_OK : qli_name(p, &a->table);
}

ql_status
qli_grant(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_GRANT;
    qli_advance(p);
    QL_TRY(new_account(p, s));
    ql_ast_account_stmt *a = s->account;
    QL_TRY(privileges(p, a));
    if (qli_is(p, K_TO)) {
        return qli_unbuilt(p, "roles");
    }
    QL_TRY(qli_expect(p, K_ON));
    QL_TRY(privilege_level(p, a));
    QL_TRY(qli_expect(p, K_TO));
    QL_TRY(users(p, a));
    if (qli_accept(p, K_WITH)) {
        QL_TRY(qli_expect(p, K_GRANT));
        QL_TRY(qli_expect(p, K_OPTION));
        a->with_grant_option = true;
    }
    return qli_is(p, K_AS) ? qli_unbuilt(p, "GRANT ... AS") : QL_OK;
}

ql_status
qli_revoke(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_REVOKE;
    qli_advance(p);
    QL_TRY(new_account(p, s));
    ql_ast_account_stmt *a = s->account;
    if (qli_accept(p, K_IF)) {
        QL_TRY(qli_expect(p, K_EXISTS));
        s->if_exists = a->if_exists = true;
    }
    QL_TRY(privileges(p, a));
    if (qli_is(p, K_FROM)) {
        if (!a->with_grant_option || a->nprivileges != 1 ||
            !ql_str_eq(a->privileges[0], QL_STR("ALL"))) {
            return qli_unbuilt(p, "roles");
        }
        a->everything = true;
    } else {
        QL_TRY(qli_expect(p, K_ON));
        QL_TRY(privilege_level(p, a));
    }
    QL_TRY(qli_expect(p, K_FROM));
    QL_TRY(users(p, a));
    if (qli_accept(p, K_IGNORE)) {
        QL_TRY(qli_expect(p, K_UNKNOWN));
        QL_TRY(qli_expect(p, K_USER));
        a->ignore_unknown_user = true;
    }
    return QL_OK;
}
