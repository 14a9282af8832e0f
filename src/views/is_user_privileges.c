/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.USER_PRIVILEGES: global privileges, one a row.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(GRANTEE, 's', 292, NN)                                                                       \
    C(TABLE_CATALOG, 's', 512, NN)                                                                 \
    C(PRIVILEGE_TYPE, 's', 64, NN)                                                                 \
    C(IS_GRANTABLE, 's', 3, NN)
QLI_COLUMNS(user_privileges, COLUMNS);

static ql_status
add_account(ql_ctx *cx, ql_view_rows *r, const ql_account *a)
{
    qli_privilege_list list = {.privs = a->privs};
    const char *grantee = qli_grantee(cx, r->a, a), *name;
    if (!grantee) {
        return QL_ERROR;
    }
    while ((name = qli_privilege_next(&list)) != NULL) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_GRANTEE], grantee);
        qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
        qli_set_cstr(&v[COL_PRIVILEGE_TYPE], name);
        qli_set_cstr(&v[COL_IS_GRANTABLE], a->grant_option ? "YES" : "NO");
    }
    return QL_OK;
}

ql_status
qli_fill_user_privileges(ql_ctx *cx, ql_view_rows *r)
{
    ql_account_grants *a;
    size_t n;
    QL_TRY(qli_shown_accounts(cx, r->a, &a, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(add_account(cx, r, a[i].account));
    }
    return QL_OK;
}
