/* SPDX-License-Identifier: Apache-2.0
 *
 * What the session may do. Global privileges are those of its account at login (a later GRANT or
 * REVOKE counts from the next login or CHANGE USER on, as for MySQL's global privileges) and cost a
 * bit test; those on databases and tables come from the newest snapshot of the cache. Names are
 * compared before anything is opened: an answer never tells whether a table exists.
 */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"

void
ql_acl_set_session(ql_ctx *cx, const ql_account *account)
{
    ql_acl_end_session(cx);
    cx->vars->account = account;
    cx->vars->viewer.has_process =
        account != NULL && ql_privs_has(&account->privs, QL_PRIV_PROCESS);
}

/* --- global --- */

/* A context without session (start-up, background threads) is the server itself. */
static ql_pmask
global_mask(ql_ctx *cx)
{
    if (cx->vars == NULL) {
        return ~(ql_pmask)0;
    }
    const ql_account *a = cx->vars->account;
    return a == NULL ? 0 : (a->privs.bits[0] & QL_PM_STATIC) | (a->grant_option ? QL_PM_GRANT : 0);
}

bool
ql_acl_globally(ql_ctx *cx, ql_pmask all)
{
    return (global_mask(cx) & all) == all;
}

bool
ql_acl_has(ql_ctx *cx, ql_privilege p)
{
    return cx->vars == NULL ||
           (cx->vars->account != NULL && ql_privs_has(&cx->vars->account->privs, p));
}

ql_status
ql_acl_require(ql_ctx *cx, ql_privilege a, ql_privilege b)
{
    if (ql_acl_has(cx, a) || ql_acl_has(cx, b)) {
        return QL_OK;
    }
    if (a == b) {
        return ql_fail(cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR, ql_privilege_name(a));
    }
    return ql_fail_text(
        cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR,
        "Access denied; you need (at least one of) the %s or %s privilege(s) for this operation",
        ql_privilege_name(a), ql_privilege_name(b));
}

ql_status
ql_acl_require_power_over(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_account a;
    if (ql_acl_has(cx, QL_PRIV_SYSTEM_USER)) {
        return QL_OK;
    }
    ql_status st = qli_account_read(cx, user, host, &a);
    if (st == QL_END || (st == QL_OK && !ql_privs_has(&a.privs, QL_PRIV_SYSTEM_USER))) {
        return QL_OK;
    }
    QL_TRY(st);
    return ql_acl_require(cx, QL_PRIV_SYSTEM_USER, QL_PRIV_SYSTEM_USER);
}

/* --- databases and tables --- */

static bool
is_infoschema(ql_str db)
{
    return ql_str_eq_nocase(db, QL_STR("information_schema"));
}

static bool
is_perfschema(ql_str db)
{
    return ql_str_eq_nocase(db, QL_STR("performance_schema"));
}

/* Everybody reads information_schema, and of performance_schema the sessions, variables and
 * counters; what their rows show depends on the viewer. Locks show the data of others: they need
 * SELECT. */
static bool
is_for_everybody(ql_str db, ql_str table)
{
    static const ql_str of_all[] = {{"processlist", 11},    {"threads", 7},
                                    {"global_status", 13},  {"global_variables", 16},
                                    {"session_status", 14}, {"session_variables", 17}};
    if (!is_perfschema(db)) {
        return is_infoschema(db);
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(of_all); i++) {
        if (ql_str_eq_nocase(table, of_all[i])) {
            return true;
        }
    }
    return false;
}

/* The name under which grants know it: the virtual schemas are written in any case. */
static ql_str
grant_name(ql_str db)
{
    static const ql_str folded[] = {
        {"information_schema", 18}, {"performance_schema", 18}, {"sys", 3}};
    for (size_t i = 0; i < QL_ARRAY_LEN(folded); i++) {
        if (ql_str_eq_nocase(db, folded[i])) {
            return folded[i];
        }
    }
    return db;
}

static int
by_literal(const void *key, const void *entry)
{
    return ql_str_cmp(*(const ql_str *)key, ((const qli_grant *)entry)->literal);
}

/* The most specific of an account's grants on databases that stands for this one. */
static const qli_grant *
find_db(const qli_cached *c, ql_str db)
{
    const qli_grant *g =
        c->nplain > 0 ? bsearch(&db, c->dbs, c->nplain, sizeof *c->dbs, by_literal) : NULL;
    for (size_t i = c->nplain; g == NULL && i < c->ndbs; i++) {
        g = qli_db_matches(c->dbs[i].db, db) ? &c->dbs[i] : NULL;
    }
    return g;
}

static const qli_grant *
find_table(const qli_cached *c, ql_str db, ql_str table)
{
    size_t lo = 0, hi = c->ntables;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int d = ql_str_cmp(db, c->tables[mid].db);
        d = d != 0 ? d : ql_str_cmp(table, c->tables[mid].table);
        if (d == 0) {
            return &c->tables[mid];
        }
        if (d < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

static bool
has_table_grant(const qli_cached *c, ql_str db)
{
    size_t lo = 0, hi = c->ntables;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (ql_str_cmp(c->tables[mid].db, db) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < c->ntables && ql_str_eq(c->tables[lo].db, db);
}

ql_pmask
ql_acl_on_db(ql_ctx *cx, ql_str db)
{
    ql_pmask all = global_mask(cx);
    if (cx->vars == NULL) {
        return all;
    }
    qli_view v = qli_session_view(cx);
    db = grant_name(db);
    for (size_t i = 0; i < v.n; i++) {
        const qli_grant *g = find_db(v.v[i], db);
        if (g != NULL) {
            return all | g->mask; /* the first that matches, and no other (stage 2) */
        }
    }
    return all;
}

ql_pmask
ql_acl_on_pattern(ql_ctx *cx, ql_str pattern)
{
    ql_pmask all = global_mask(cx);
    if (cx->vars == NULL) {
        return all;
    }
    qli_view v = qli_session_view(cx);
    for (size_t i = 0; i < v.n; i++) {
        for (size_t k = 0; k < v.v[i]->ndbs; k++) {
            if (qli_db_covers(v.v[i]->dbs[k].db, pattern)) {
                return all | v.v[i]->dbs[k].mask;
            }
        }
    }
    return all;
}

ql_pmask
ql_acl_on_table(ql_ctx *cx, ql_str db, ql_str table)
{
    ql_pmask all = ql_acl_on_db(cx, db);
    if (cx->vars == NULL) {
        return all;
    }
    if (is_for_everybody(db, table)) {
        all |= QL_PM(SELECT);
    }
    qli_view v = qli_session_view(cx);
    db = grant_name(db);
    for (size_t i = 0; i < v.n; i++) {
        const qli_grant *g = find_table(v.v[i], db, table);
        if (g != NULL) {
            return all | g->mask;
        }
    }
    return all;
}

static bool
any_table_of(ql_ctx *cx, ql_str db)
{
    qli_view v = qli_session_view(cx);
    db = grant_name(db);
    for (size_t i = 0; i < v.n; i++) {
        if (has_table_grant(v.v[i], db)) {
            return true;
        }
    }
    return false;
}

/* --- refusals --- */

static ql_str
user_of(ql_ctx *cx)
{
    return cx->vars != NULL && cx->vars->account ? cx->vars->account->user : QL_STR("");
}

static ql_str
host_of(ql_ctx *cx)
{
    return cx->vars != NULL && cx->vars->account ? cx->vars->account->host : QL_STR("");
}

/* Tables are refused to the host that the client is on, databases to the account. */
static ql_str
client_of(ql_ctx *cx)
{
    ql_str login = cx->vars != NULL ? cx->vars->login_user : (ql_str){0};
    const char *at = login.n > 0 ? memrchr(login.p, '@', login.n) : NULL;
    return at != NULL ? (ql_str){at + 1, login.n - (size_t)(at + 1 - login.p)} : host_of(cx);
}

ql_status
ql_acl_table_denied(ql_ctx *cx, const char *what, ql_str table)
{
    ql_str u = user_of(cx), h = client_of(cx);
    return ql_fail_text(cx, QL_ER_TABLEACCESS_DENIED_ERROR,
                        "%s command denied to user '%.*s'@'%.*s' for table '%.*s'", what, (int)u.n,
                        u.p, (int)h.n, h.p, (int)table.n, table.p);
}

ql_status
ql_acl_column_denied(ql_ctx *cx, ql_str table, ql_str column)
{
    ql_str u = user_of(cx), h = client_of(cx);
    return ql_fail_text(
        cx, QL_ER_COLUMNACCESS_DENIED_ERROR,
        "SELECT command denied to user '%.*s'@'%.*s' for column '%.*s' in table '%.*s'", (int)u.n,
        u.p, (int)h.n, h.p, (int)column.n, column.p, (int)table.n, table.p);
}

ql_status
ql_acl_db_denied(ql_ctx *cx, ql_str db)
{
    ql_str u = user_of(cx), h = host_of(cx);
    return ql_fail_text(cx, QL_ER_DBACCESS_DENIED_ERROR,
                        "Access denied for user '%.*s'@'%.*s' to database '%.*s'", (int)u.n, u.p,
                        (int)h.n, h.p, (int)db.n, db.p);
}

/* --- requirements --- */

ql_status
ql_acl_require_on_table(ql_ctx *cx, ql_pmask all, ql_str db, ql_str table)
{
    ql_str what;
    if (ql_acl_globally(cx, all)) {
        return QL_OK;
    }
    ql_pmask missing = all & ~ql_acl_on_table(cx, db, table);
    if (missing == 0) {
        return QL_OK;
    }
    if (is_infoschema(db)) {
        return ql_acl_db_denied(cx, db);
    }
    QL_TRY(ql_pmask_print(cx, cx->arena, missing, &what));
    return ql_acl_table_denied(cx, what.p, table);
}

ql_status
ql_acl_require_table(ql_ctx *cx, ql_privilege p, ql_str db, ql_str table)
{
    return ql_acl_require_on_table(cx, (ql_pmask)1 << p, db, table);
}

ql_status
ql_acl_require_any(ql_ctx *cx, const char *what, ql_str db, ql_str table)
{
    return ql_acl_sees_table(cx, db, table) ? QL_OK : ql_acl_table_denied(cx, what, table);
}

ql_status
ql_acl_require_locking(ql_ctx *cx, ql_str db, ql_str table)
{
    static const ql_pmask some = QL_PM(UPDATE) | QL_PM(DELETE) | QL_PM(LOCK_TABLES);
    return ((global_mask(cx) & some) != 0 || (ql_acl_on_table(cx, db, table) & some) != 0)
               ? QL_OK
               : ql_acl_table_denied(cx, "SELECT with locking clause", table);
}

ql_status
ql_acl_require_db(ql_ctx *cx, ql_privilege p, ql_str db)
{
    bool everybody = is_infoschema(db) || is_perfschema(db);
    if (ql_acl_has(cx, p) || everybody || (ql_acl_on_db(cx, db) & (ql_pmask)1 << p) != 0) {
        return QL_OK;
    }
    return ql_acl_db_denied(cx, db);
}

ql_status
ql_acl_require_entry(ql_ctx *cx, ql_str db)
{
    static const ql_pmask some = QL_PM_DB | QL_PM_GRANT;
    bool everybody = is_infoschema(db) || is_perfschema(db);
    if ((global_mask(cx) & some) != 0 || everybody || (ql_acl_on_db(cx, db) & some) != 0 ||
        any_table_of(cx, db)) {
        return QL_OK;
    }
    return ql_acl_db_denied(cx, db);
}

/* --- lists --- */

/* Any static global privilege counts as one for all databases (manual, SHOW DATABASES). */
bool
ql_acl_sees_db(ql_ctx *cx, ql_str db)
{
    return is_infoschema(db) || is_perfschema(db) || ql_acl_on_db(cx, db) != 0 ||
           any_table_of(cx, db);
}

bool
ql_acl_sees_table(ql_ctx *cx, ql_str db, ql_str table)
{
    static const ql_pmask some = QL_PM_TABLE | QL_PM_GRANT;
    return (global_mask(cx) & some) != 0 || (ql_acl_on_table(cx, db, table) & some) != 0;
}

const char *
ql_acl_column_privileges(ql_ctx *cx, ql_str db, ql_str table)
{
    static const char *const text[16] = {"",
                                         "select",
                                         "insert",
                                         "select,insert",
                                         "update",
                                         "select,update",
                                         "insert,update",
                                         "select,insert,update",
                                         "references",
                                         "select,references",
                                         "insert,references",
                                         "select,insert,references",
                                         "update,references",
                                         "select,update,references",
                                         "insert,update,references",
                                         "select,insert,update,references"};
    ql_pmask m = ql_acl_on_table(cx, db, table);
    unsigned at = (m & QL_PM(SELECT) ? 1u : 0) | (m & QL_PM(INSERT) ? 2u : 0) |
                  (m & QL_PM(UPDATE) ? 4u : 0) | (m & QL_PM(REFERENCES) ? 8u : 0);
    return text[is_infoschema(db) ? at & 1u : at];
}
