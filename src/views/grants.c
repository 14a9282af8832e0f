/* SPDX-License-Identifier: Apache-2.0
 *
 * What the views of privileges share: whose they show, and privileges by their names.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "views/views_int.h"

/* Who may read the mysql schema sees everybody's, others those of the own account. */
ql_status
qli_shown_accounts(ql_ctx *cx, ql_arena *a, ql_account_grants **v, size_t *n)
{
    const ql_account *me = cx->vars ? cx->vars->account : NULL;
    size_t kept = 0;
    QL_TRY(ql_acl_list_accounts(cx, a, v, n));
    if (ql_acl_on_db(cx, QL_STR("mysql")) & QL_PM(SELECT)) {
        return QL_OK;
    }
    for (size_t i = 0; i < *n && me; i++) {
        const ql_account *other = (*v)[i].account;
        if (ql_str_eq(other->user, me->user) && ql_str_eq(other->host, me->host)) {
            (*v)[kept++] = (*v)[i];
        }
    }
    *n = kept;
    return QL_OK;
}

const char *
qli_grantee(ql_ctx *cx, ql_arena *a, const ql_account *of)
{
    return ql_arena_printf(cx, a, "'%.*s'@'%.*s'", (int)of->user.n, of->user.p, (int)of->host.n,
                           of->host.p);
}

const char *
qli_privilege_next(qli_privilege_list *l)
{
    while (l->at < QL_PRIV_COUNT) {
        ql_privilege p = (ql_privilege)l->at++;
        if (ql_privs_has(&l->privs, p)) {
            l->any = true;
            return ql_privilege_name(p);
        }
    }
    bool none = !l->any;
    l->any = true;
    return none ? "USAGE" : NULL;
}
