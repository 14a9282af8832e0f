/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.user: accounts and their global privileges, to read only (accounts change by statements).
 * Columns are those of MySQL 8.4, ENUM as strings.
 */
#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Host, 's', 255, NN)                                                                          \
    C(User, 's', 32, BIN)                                                                          \
    C(Select_priv, 's', 1, NN)                                                                     \
    C(Insert_priv, 's', 1, NN)                                                                     \
    C(Update_priv, 's', 1, NN)                                                                     \
    C(Delete_priv, 's', 1, NN)                                                                     \
    C(Create_priv, 's', 1, NN)                                                                     \
    C(Drop_priv, 's', 1, NN)                                                                       \
    C(Reload_priv, 's', 1, NN)                                                                     \
    C(Shutdown_priv, 's', 1, NN)                                                                   \
    C(Process_priv, 's', 1, NN)                                                                    \
    C(File_priv, 's', 1, NN)                                                                       \
    C(Grant_priv, 's', 1, NN)                                                                      \
    C(References_priv, 's', 1, NN)                                                                 \
    C(Index_priv, 's', 1, NN)                                                                      \
    C(Alter_priv, 's', 1, NN)                                                                      \
    C(Show_db_priv, 's', 1, NN)                                                                    \
    C(Super_priv, 's', 1, NN)                                                                      \
    C(Create_tmp_table_priv, 's', 1, NN)                                                           \
    C(Lock_tables_priv, 's', 1, NN)                                                                \
    C(Execute_priv, 's', 1, NN)                                                                    \
    C(Repl_slave_priv, 's', 1, NN)                                                                 \
    C(Repl_client_priv, 's', 1, NN)                                                                \
    C(Create_view_priv, 's', 1, NN)                                                                \
    C(Show_view_priv, 's', 1, NN)                                                                  \
    C(Create_routine_priv, 's', 1, NN)                                                             \
    C(Alter_routine_priv, 's', 1, NN)                                                              \
    C(Create_user_priv, 's', 1, NN)                                                                \
    C(Event_priv, 's', 1, NN)                                                                      \
    C(Trigger_priv, 's', 1, NN)                                                                    \
    C(Create_tablespace_priv, 's', 1, NN)                                                          \
    C(ssl_type, 's', 9, NN)                                                                        \
    C(ssl_cipher, 't', 0, NN)                                                                      \
    C(x509_issuer, 't', 0, NN)                                                                     \
    C(x509_subject, 't', 0, NN)                                                                    \
    C(max_questions, 'u', 0, NN)                                                                   \
    C(max_updates, 'u', 0, NN)                                                                     \
    C(max_connections, 'u', 0, NN)                                                                 \
    C(max_user_connections, 'u', 0, NN)                                                            \
    C(plugin, 's', 64, NN)                                                                         \
    C(authentication_string, 't', 0, NUL)                                                          \
    C(password_expired, 's', 1, NN)                                                                \
    C(password_last_changed, 'd', 0, NUL)                                                          \
    C(password_lifetime, 'u', 0, NUL)                                                              \
    C(account_locked, 's', 1, NN)                                                                  \
    C(Create_role_priv, 's', 1, NN)                                                                \
    C(Drop_role_priv, 's', 1, NN)                                                                  \
    C(Password_reuse_history, 'u', 0, NUL)                                                         \
    C(Password_reuse_time, 'u', 0, NUL)                                                            \
    C(Password_require_current, 's', 1, NUL)                                                       \
    C(User_attributes, 't', 0, NUL)
QLI_COLUMNS(mysql_user, COLUMNS);

static const struct {
    unsigned column;
    ql_privilege privilege;
} shown[] = {
    {COL_Select_priv, QL_PRIV_SELECT},
    {COL_Insert_priv, QL_PRIV_INSERT},
    {COL_Update_priv, QL_PRIV_UPDATE},
    {COL_Delete_priv, QL_PRIV_DELETE},
    {COL_Create_priv, QL_PRIV_CREATE},
    {COL_Drop_priv, QL_PRIV_DROP},
    {COL_Reload_priv, QL_PRIV_RELOAD},
    {COL_Shutdown_priv, QL_PRIV_SHUTDOWN},
    {COL_Process_priv, QL_PRIV_PROCESS},
    {COL_File_priv, QL_PRIV_FILE},
    {COL_References_priv, QL_PRIV_REFERENCES},
    {COL_Index_priv, QL_PRIV_INDEX},
    {COL_Alter_priv, QL_PRIV_ALTER},
    {COL_Show_db_priv, QL_PRIV_SHOW_DATABASES},
    {COL_Super_priv, QL_PRIV_SUPER},
    {COL_Create_tmp_table_priv, QL_PRIV_CREATE_TEMPORARY_TABLES},
    {COL_Lock_tables_priv, QL_PRIV_LOCK_TABLES},
    {COL_Execute_priv, QL_PRIV_EXECUTE},
    {COL_Repl_slave_priv, QL_PRIV_REPLICATION_SLAVE},
    {COL_Repl_client_priv, QL_PRIV_REPLICATION_CLIENT},
    {COL_Create_view_priv, QL_PRIV_CREATE_VIEW},
    {COL_Show_view_priv, QL_PRIV_SHOW_VIEW},
    {COL_Create_routine_priv, QL_PRIV_CREATE_ROUTINE},
    {COL_Alter_routine_priv, QL_PRIV_ALTER_ROUTINE},
    {COL_Create_user_priv, QL_PRIV_CREATE_USER},
    {COL_Event_priv, QL_PRIV_EVENT},
    {COL_Trigger_priv, QL_PRIV_TRIGGER},
    {COL_Create_tablespace_priv, QL_PRIV_CREATE_TABLESPACE},
    {COL_Create_role_priv, QL_PRIV_CREATE_ROLE},
    {COL_Drop_role_priv, QL_PRIV_DROP_ROLE},
};

static ql_status
add_account(ql_ctx *cx, ql_view_rows *r, const ql_account *a)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_str(&v[COL_Host], a->host);
    qli_set_str(&v[COL_User], a->user);
    for (size_t i = 0; i < QL_ARRAY_LEN(shown); i++) {
        qli_set_cstr(&v[shown[i].column], ql_privs_has(&a->privs, shown[i].privilege) ? "Y" : "N");
    }
    qli_set_cstr(&v[COL_Grant_priv], a->grant_option ? "Y" : "N");
    for (unsigned c = COL_ssl_type; c <= COL_x509_subject; c++) {
        qli_set_cstr(&v[c], "");
    }
    for (unsigned c = COL_max_questions; c <= COL_max_connections; c++) {
        v[c] = ql_value_uint(0);
    }
    v[COL_max_user_connections] = ql_value_uint(a->max_user_connections);
    qli_set_str(&v[COL_plugin], a->plugin);
    qli_set_str(&v[COL_authentication_string], a->auth_string);
    qli_set_cstr(&v[COL_password_expired], "N");
    qli_set_cstr(&v[COL_account_locked], a->locked ? "Y" : "N");
    return QL_OK;
}

ql_status
qli_fill_mysql_user(ql_ctx *cx, ql_view_rows *r)
{
    ql_account_grants *a;
    size_t n;
    QL_TRY(ql_acl_list_accounts(cx, r->a, &a, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(add_account(cx, r, a[i].account));
    }
    return QL_OK;
}
