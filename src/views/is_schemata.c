/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.SCHEMATA: databases.
 */
#include "acl/acl.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CATALOG_NAME, 's', 64, BIN)                                                                  \
    C(SCHEMA_NAME, 's', 64, SCHEMA)                                                                \
    C(DEFAULT_CHARACTER_SET_NAME, 's', 64, NN)                                                     \
    C(DEFAULT_COLLATION_NAME, 's', 64, NN)                                                         \
    C(SQL_PATH, 's', 0, NUL)                                                                       \
    C(DEFAULT_ENCRYPTION, 's', 3, NN)
QLI_COLUMNS(schemata, COLUMNS);

ql_status
qli_fill_schemata(ql_ctx *cx, ql_view_rows *r)
{
    ql_database *d;
    size_t n;
    QL_TRY(ql_catalog_list_databases(cx, r->a, &d, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *v;
        bool yes;
        if (i % 64 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(qli_leaves_schema(cx, r, d[i].name, &yes));
        if (!yes || !ql_acl_sees_db(cx, d[i].name)) {
            continue;
        }
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_CATALOG_NAME], "def");
        qli_set_str(&v[COL_SCHEMA_NAME], d[i].name);
        qli_set_cstr(&v[COL_DEFAULT_CHARACTER_SET_NAME], d[i].coll->charset->name);
        qli_set_cstr(&v[COL_DEFAULT_COLLATION_NAME], d[i].coll->name);
        qli_set_cstr(&v[COL_DEFAULT_ENCRYPTION], "NO");
    }
    return QL_OK;
}
