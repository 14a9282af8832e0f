/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.SCHEMA_PRIVILEGES: privileges on databases, one a row.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(GRANTEE, 's', 292, NN)                                                                       \
    C(TABLE_CATALOG, 's', 512, NN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, NN)                                                                   \
    C(PRIVILEGE_TYPE, 's', 64, NN)                                                                 \
    C(IS_GRANTABLE, 's', 3, NN)
QLI_COLUMNS(schema_privileges, COLUMNS);

static ql_status
add_grant(ql_ctx *cx, ql_view_rows *r, const char *grantee, const ql_granted *g)
{
    qli_privilege_list list = {.privs = {.bits = {g->mask & QL_PM_STATIC}}};
    const char *name;
    while ((name = qli_privilege_next(&list)) != NULL) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_GRANTEE], grantee);
        qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
        qli_set_str(&v[COL_TABLE_SCHEMA], g->db);
        qli_set_cstr(&v[COL_PRIVILEGE_TYPE], name);
        qli_set_cstr(&v[COL_IS_GRANTABLE], g->mask & QL_PM_GRANT ? "YES" : "NO");
    }
    return QL_OK;
}

ql_status
qli_fill_schema_privileges(ql_ctx *cx, ql_view_rows *r)
{
    ql_account_grants *a;
    size_t n;
    QL_TRY(qli_shown_accounts(cx, r->a, &a, &n));
    for (size_t i = 0; i < n; i++) {
        const char *grantee = a[i].ndbs ? qli_grantee(cx, r->a, a[i].account) : "";
        if (!grantee) {
            return QL_ERROR;
        }
        QL_TRY(ql_check(cx));
        for (size_t k = 0; k < a[i].ndbs; k++) {
            QL_TRY(add_grant(cx, r, grantee, &a[i].dbs[k]));
        }
    }
    return QL_OK;
}
