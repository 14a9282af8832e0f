/* SPDX-License-Identifier: Apache-2.0
 *
 * GRANT and REVOKE: what the words of the statement mean at its level, who may, and what makes no
 * sense. The rule is one: who grants or revokes has each of the privileges on that object and GRANT
 * OPTION there, whether the list names any or none; and nobody without SYSTEM_USER touches an
 * account that has it. Changes commit by themselves, like DDL.
 */
#include <string.h>

#include "stmts/stmts_int.h"

/* The statement understood. */
typedef struct request {
    ql_grant_object on;
    ql_grant_set set;
    bool dynamic; /* dynamic privileges were named */
    ql_str first_dynamic;
} request;

/* What ALL means at a level. */
static ql_privs
all_of(ql_grant_level level)
{
    if (level == QL_GRANT_GLOBAL) {
        return ql_privs_all();
    }
    return (ql_privs){{level == QL_GRANT_TABLE ? QL_PM_TABLE : QL_PM_DB, 0}};
}

static ql_status
add_privilege(ql_ctx *cx, request *r, ql_str name)
{
    if (ql_str_eq_nocase(name, QL_STR("ALL"))) {
        r->set.privs = all_of(r->on.level);
        return QL_OK;
    }
    if (ql_str_eq_nocase(name, QL_STR("USAGE"))) {
        return QL_OK;
    }
    int p = ql_privilege_find(name);
    if (p < 0) {
        return ql_fail_text(cx, QL_ER_PARSE_ERROR, "Unknown privilege '%s'", ql_cstr(cx, name));
    }
    if (ql_privilege_is_dynamic((ql_privilege)p)) {
        r->first_dynamic = r->dynamic ? r->first_dynamic : name;
        r->dynamic = true;
    }
    r->set.privs.bits[p >> 6] |= 1ull << (p & 63);
    return QL_OK;
}

static ql_status
object_of(ql_ctx *cx, const ql_ast_account_stmt *a, ql_grant_object *on)
{
    if (a->global) {
        on->level = QL_GRANT_GLOBAL;
        return QL_OK;
    }
    on->level = a->table.n > 0 ? QL_GRANT_TABLE : QL_GRANT_DB;
    on->db = a->db.n > 0 ? a->db : cx->vars->db;
    on->table = a->table;
    return on->db.n > 0 ? QL_OK : ql_fail(cx, QL_ER_NO_DB_ERROR);
}

static ql_status
understand(ql_ctx *cx, const ql_ast_account_stmt *a, request *r)
{
    *r = (request){.set = {.option = a->with_grant_option}};
    QL_TRY(object_of(cx, a, &r->on));
    for (uint32_t i = 0; i < a->nprivileges; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(add_privilege(cx, r, a->privileges[i]));
    }
    return QL_OK;
}

/* --- who may --- */

static ql_status
denied(ql_ctx *cx)
{
    ql_str user, host;
    qli_own_account(cx, &user, &host);
    return ql_fail(cx, QL_ER_ACCESS_DENIED_ERROR, ql_cstr(cx, user), ql_cstr(cx, host), "YES");
}

static ql_status
may_grant_dynamic(ql_ctx *cx, const request *r)
{
    bool option = ql_acl_globally(cx, QL_PM_GRANT);
    for (int p = 0; p < QL_PRIV_COUNT; p++) {
        if (ql_privilege_is_dynamic((ql_privilege)p) &&
            ql_privs_has(&r->set.privs, (ql_privilege)p) &&
            !(option && ql_acl_has(cx, (ql_privilege)p))) {
            return ql_fail(cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR, "GRANT OPTION");
        }
    }
    return QL_OK;
}

static ql_status
may_grant(ql_ctx *cx, const request *r)
{
    ql_pmask need = (r->set.privs.bits[0] & QL_PM_STATIC) | QL_PM_GRANT;
    switch (r->on.level) {
    case QL_GRANT_GLOBAL:
        return ql_acl_globally(cx, need) ? may_grant_dynamic(cx, r) : denied(cx);
    case QL_GRANT_DB:
        if ((need & ~(QL_PM_DB | QL_PM_GRANT)) != 0 && !ql_acl_globally(cx, need)) {
            return denied(cx);
        }
        return (ql_acl_on_pattern(cx, r->on.db) & need) == need ? QL_OK
                                                                : ql_acl_db_denied(cx, r->on.db);
    default:
        return ql_acl_require_on_table(cx, need, r->on.db, r->on.table);
    }
}

/* --- what makes sense --- */

/* A limited set of privileges applies to its tables (manual, "Performance Schema General Table
 * Characteristics"), so ALL is refused, too. */
#define NOT_ON_PERFSCHEMA                                                                          \
    (QL_PM(REFERENCES) | QL_PM(INDEX) | QL_PM(ALTER) | QL_PM(CREATE_TEMPORARY_TABLES) |            \
     QL_PM(EXECUTE) | QL_PM(CREATE_VIEW) | QL_PM(SHOW_VIEW) | QL_PM(CREATE_ROUTINE) |              \
     QL_PM(ALTER_ROUTINE) | QL_PM(EVENT) | QL_PM(TRIGGER))

static ql_status
check_level(ql_ctx *cx, const request *r)
{
    ql_pmask mask = r->set.privs.bits[0] & QL_PM_STATIC;
    if (r->on.level == QL_GRANT_GLOBAL) {
        return QL_OK;
    }
    if (ql_str_eq_nocase(r->on.db, QL_STR("information_schema")) ||
        (ql_str_eq_nocase(r->on.db, QL_STR("performance_schema")) && (mask & NOT_ON_PERFSCHEMA))) {
        return ql_acl_db_denied(cx, r->on.db);
    }
    if (r->dynamic) {
        return ql_fail(cx, QL_ER_ILLEGAL_PRIVILEGE_LEVEL, ql_cstr(cx, r->first_dynamic));
    }
    if (r->on.level == QL_GRANT_DB && (mask & ~QL_PM_DB) != 0) {
        return ql_fail(cx, QL_ER_WRONG_USAGE, "DB GRANT", "GLOBAL PRIVILEGES");
    }
    if (r->on.level == QL_GRANT_TABLE && (mask & ~QL_PM_TABLE) != 0) {
        return ql_fail(cx, QL_ER_ILLEGAL_GRANT_FOR_TABLE);
    }
    return QL_OK;
}

/* A table must be there, unless the grantee may create it. */
static ql_status
check_table(ql_ctx *cx, const request *r)
{
    ql_table *t;
    if (r->on.level != QL_GRANT_TABLE || (r->set.privs.bits[0] & QL_PM(CREATE)) != 0) {
        return QL_OK;
    }
    QL_TRY(ql_catalog_get_table(cx, r->on.db, r->on.table, &t));
    ql_table_put(t);
    return QL_OK;
}

/* --- the statements --- */

static void
note_missing(ql_ctx *cx, const char *user, const char *host)
{
    ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_USER_DOES_NOT_EXIST,
                 "Authorization ID '%s'@'%s' does not exist.", user, host);
}

static bool
is_nonexisting_grant(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return c != NULL &&
           (c->number == QL_ER_NONEXISTING_GRANT || c->number == QL_ER_NONEXISTING_TABLE_GRANT);
}

/* IF EXISTS and IGNORE UNKNOWN USER turn errors into warnings. */
static ql_status
revoke_one(ql_ctx *cx, const ql_ast_account_stmt *a, const request *r, ql_str user, ql_str host)
{
    ql_account there;
    ql_status st = ql_acl_account(cx, user, host, &there);
    if (st == QL_END && a->ignore_unknown_user) {
        note_missing(cx, ql_cstr(cx, user), ql_cstr(cx, host));
        return QL_OK;
    }
    if (st == QL_END && a->everything) {
        return ql_fail(cx, QL_ER_REVOKE_GRANTS);
    }
    QL_TRY(st == QL_END ? QL_OK : st);
    if (a->everything) {
        return ql_acl_revoke_all(cx, user, host);
    }
    st = ql_acl_revoke(cx, user, host, &r->on, &r->set);
    if (st == QL_ERROR && a->if_exists && is_nonexisting_grant(cx)) {
        const ql_condition c = *ql_diag_error(cx->diag);
        const char *text = ql_arena_printf(cx, cx->arena, "%s", c.text);
        ql_diag_clear_error(cx->diag);
        ql_warn_text(cx, QL_DIAG_WARNING, c.number, "%s", text != NULL ? text : "");
        return QL_OK;
    }
    return st;
}

static ql_status
check_rights(ql_ctx *cx, const ql_ast_account_stmt *a, request *r)
{
    if (a->everything) { /* not by what it takes, but by whom it touches (manual, REVOKE) */
        bool may = ql_acl_has(cx, QL_PRIV_CREATE_USER) ||
                   (ql_acl_on_db(cx, QL_STR("mysql")) & QL_PM(UPDATE)) != 0;
        return may ? QL_OK : ql_acl_require(cx, QL_PRIV_CREATE_USER, QL_PRIV_CREATE_USER);
    }
    QL_TRY(understand(cx, a, r));
    QL_TRY(may_grant(cx, r));
    return check_level(cx, r);
}

ql_status
qli_exec_grant(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *s = run->stmt->ast;
    const ql_ast_account_stmt *a = s->account;
    request r = {0};
    QL_TRY(check_rights(cx, a, &r));
    QL_TRY(qli_ddl_begin(cx, run));
    for (uint32_t i = 0; i < a->nusers; i++) {
        ql_str user, host;
        QL_TRY(ql_check(cx));
        qli_account_name(cx, &a->users[i], &user, &host);
        QL_TRY(ql_acl_require_power_over(cx, user, host));
    }
    if (s->kind == QL_S_GRANT) {
        QL_TRY(check_table(cx, &r));
    }
    QL_TRY(ql_change_begin(cx, true));
    for (uint32_t i = 0; i < a->nusers; i++) {
        ql_str user, host;
        QL_TRY(ql_check(cx));
        qli_account_name(cx, &a->users[i], &user, &host);
        QL_TRY(s->kind == QL_S_GRANT ? ql_acl_grant(cx, user, host, &r.on, &r.set)
                                     : revoke_one(cx, a, &r, user, host));
    }
    return qli_ddl_end(cx, run);
}
