/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.db: privileges on databases, to read only. Columns are those of MySQL 8.4, ENUM as strings.
 */
#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Host, 's', 255, NN)                                                                          \
    C(Db, 's', 64, BIN)                                                                            \
    C(User, 's', 32, BIN)                                                                          \
    C(Select_priv, 's', 1, NN)                                                                     \
    C(Insert_priv, 's', 1, NN)                                                                     \
    C(Update_priv, 's', 1, NN)                                                                     \
    C(Delete_priv, 's', 1, NN)                                                                     \
    C(Create_priv, 's', 1, NN)                                                                     \
    C(Drop_priv, 's', 1, NN)                                                                       \
    C(Grant_priv, 's', 1, NN)                                                                      \
    C(References_priv, 's', 1, NN)                                                                 \
    C(Index_priv, 's', 1, NN)                                                                      \
    C(Alter_priv, 's', 1, NN)                                                                      \
    C(Create_tmp_table_priv, 's', 1, NN)                                                           \
    C(Lock_tables_priv, 's', 1, NN)                                                                \
    C(Create_view_priv, 's', 1, NN)                                                                \
    C(Show_view_priv, 's', 1, NN)                                                                  \
    C(Create_routine_priv, 's', 1, NN)                                                             \
    C(Alter_routine_priv, 's', 1, NN)                                                              \
    C(Execute_priv, 's', 1, NN)                                                                    \
    C(Event_priv, 's', 1, NN)                                                                      \
    C(Trigger_priv, 's', 1, NN)
QLI_COLUMNS(mysql_db, COLUMNS);

static const struct {
    unsigned column;
    ql_pmask bit;
} shown[] = {
    {COL_Select_priv, QL_PM(SELECT)},
    {COL_Insert_priv, QL_PM(INSERT)},
    {COL_Update_priv, QL_PM(UPDATE)},
    {COL_Delete_priv, QL_PM(DELETE)},
    {COL_Create_priv, QL_PM(CREATE)},
    {COL_Drop_priv, QL_PM(DROP)},
    {COL_Grant_priv, QL_PM_GRANT},
    {COL_References_priv, QL_PM(REFERENCES)},
    {COL_Index_priv, QL_PM(INDEX)},
    {COL_Alter_priv, QL_PM(ALTER)},
    {COL_Create_tmp_table_priv, QL_PM(CREATE_TEMPORARY_TABLES)},
    {COL_Lock_tables_priv, QL_PM(LOCK_TABLES)},
    {COL_Create_view_priv, QL_PM(CREATE_VIEW)},
    {COL_Show_view_priv, QL_PM(SHOW_VIEW)},
    {COL_Create_routine_priv, QL_PM(CREATE_ROUTINE)},
    {COL_Alter_routine_priv, QL_PM(ALTER_ROUTINE)},
    {COL_Execute_priv, QL_PM(EXECUTE)},
    {COL_Event_priv, QL_PM(EVENT)},
    {COL_Trigger_priv, QL_PM(TRIGGER)},
};

static ql_status
add_grant(ql_ctx *cx, ql_view_rows *r, const ql_account *a, const ql_granted *g)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_str(&v[COL_Host], a->host);
    qli_set_str(&v[COL_Db], g->db);
    qli_set_str(&v[COL_User], a->user);
    for (size_t i = 0; i < QL_ARRAY_LEN(shown); i++) {
        qli_set_cstr(&v[shown[i].column], g->mask & shown[i].bit ? "Y" : "N");
    }
    return QL_OK;
}

ql_status
qli_fill_mysql_db(ql_ctx *cx, ql_view_rows *r)
{
    ql_account_grants *a;
    size_t n;
    QL_TRY(ql_acl_list_accounts(cx, r->a, &a, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        for (size_t k = 0; k < a[i].ndbs; k++) {
            QL_TRY(add_grant(cx, r, a[i].account, &a[i].dbs[k]));
        }
    }
    return QL_OK;
}
