/* SPDX-License-Identifier: Apache-2.0
 *
 * What the session may do: the privileges of its account as they were at login (a later GRANT or
 * REVOKE counts from the next login or CHANGE USER on, as for MySQL's global privileges).
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"

void
ql_acl_set_session(ql_ctx *cx, const ql_account *account)
{
    cx->vars->account = account;
    cx->vars->viewer.has_process =
        account != NULL && ql_privs_has(&account->privs, QL_PRIV_PROCESS);
}

/* A context without session (start-up, background threads) is the server itself. */
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

static ql_str
user_of(ql_ctx *cx)
{
    return cx->vars->account ? cx->vars->account->user : QL_STR("");
}

static ql_str
host_of(ql_ctx *cx)
{
    return cx->vars->account ? cx->vars->account->host : QL_STR("");
}

static bool
is_virtual_db(ql_str db)
{
    return ql_str_eq_nocase(db, QL_STR("information_schema")) ||
           ql_str_eq_nocase(db, QL_STR("performance_schema")) ||
           ql_str_eq_nocase(db, QL_STR("sys"));
}

/* Everybody reads information_schema and the sessions of performance_schema; what their rows show
 * depends on the viewer. Locks show the data of others: they need SELECT. */
static bool
is_for_everybody(ql_str db, ql_str table)
{
    if (ql_str_eq_nocase(db, QL_STR("performance_schema"))) {
        return ql_str_eq_nocase(table, QL_STR("processlist")) ||
               ql_str_eq_nocase(table, QL_STR("threads"));
    }
    return ql_str_eq_nocase(db, QL_STR("information_schema"));
}

ql_status
ql_acl_require_table(ql_ctx *cx, ql_privilege p, ql_str db, ql_str table)
{
    if (ql_acl_has(cx, p) || (p == QL_PRIV_SELECT && is_for_everybody(db, table))) {
        return QL_OK;
    }
    ql_str u = user_of(cx), h = host_of(cx);
    return ql_fail_text(cx, QL_ER_TABLEACCESS_DENIED_ERROR,
                        "%s command denied to user '%.*s'@'%.*s' for table '%.*s'",
                        ql_privilege_name(p), (int)u.n, u.p, (int)h.n, h.p, (int)table.n, table.p);
}

ql_status
ql_acl_require_db(ql_ctx *cx, ql_privilege p, ql_str db)
{
    if (ql_acl_has(cx, p) || is_virtual_db(db)) {
        return QL_OK;
    }
    ql_str u = user_of(cx), h = host_of(cx);
    return ql_fail_text(cx, QL_ER_DBACCESS_DENIED_ERROR,
                        "Access denied for user '%.*s'@'%.*s' to database '%.*s'", (int)u.n, u.p,
                        (int)h.n, h.p, (int)db.n, db.p);
}
