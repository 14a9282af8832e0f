/* SPDX-License-Identifier: Apache-2.0
 *
 * The privilege tables: mysql.user, mysql.db and mysql.tables_priv (to read only: accounts change
 * by statements) and information_schema's *_PRIVILEGES. Columns are those of MySQL 8.4, ENUM and
 * SET as strings; the rows are made by acl/, through the viewer.
 */
#include "base/arena.h"
#include "views/views_int.h"

/* --- information_schema --- */

#define GRANTEE                                                                                    \
    {                                                                                              \
        "GRANTEE", 's', 292, false                                                                 \
    }
#define CATALOG                                                                                    \
    {                                                                                              \
        "TABLE_CATALOG", 's', 512, false                                                           \
    }
#define PRIVILEGE                                                                                  \
    {                                                                                              \
        "PRIVILEGE_TYPE", 's', 64, false                                                           \
    }
#define GRANTABLE                                                                                  \
    {                                                                                              \
        "IS_GRANTABLE", 's', 3, false                                                              \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

const ql_view_column qli_is_user_privileges[] = {GRANTEE, CATALOG, PRIVILEGE, GRANTABLE, END};
const ql_view_column qli_is_schema_privileges[] = {
    GRANTEE, CATALOG, {"TABLE_SCHEMA", 's', 64, false}, PRIVILEGE, GRANTABLE, END};
const ql_view_column qli_is_table_privileges[] = {
    GRANTEE,   CATALOG, {"TABLE_SCHEMA", 's', 64, false}, {"TABLE_NAME", 's', 64, false}, PRIVILEGE,
    GRANTABLE, END};
/* Empty: privileges on columns are not built. */
const ql_view_column qli_is_column_privileges[] = {GRANTEE,
                                                   CATALOG,
                                                   {"TABLE_SCHEMA", 's', 64, false},
                                                   {"TABLE_NAME", 's', 64, false},
                                                   {"COLUMN_NAME", 's', 64, false},
                                                   PRIVILEGE,
                                                   GRANTABLE,
                                                   END};

/* --- mysql --- */

#define Y(name)                                                                                    \
    {                                                                                              \
        name, 's', 1, false                                                                        \
    }

static const ql_view_column user_columns[] = {{"Host", 's', 255, false},
                                              {"User", 's', 32, false},
                                              Y("Select_priv"),
                                              Y("Insert_priv"),
                                              Y("Update_priv"),
                                              Y("Delete_priv"),
                                              Y("Create_priv"),
                                              Y("Drop_priv"),
                                              Y("Reload_priv"),
                                              Y("Shutdown_priv"),
                                              Y("Process_priv"),
                                              Y("File_priv"),
                                              Y("Grant_priv"),
                                              Y("References_priv"),
                                              Y("Index_priv"),
                                              Y("Alter_priv"),
                                              Y("Show_db_priv"),
                                              Y("Super_priv"),
                                              Y("Create_tmp_table_priv"),
                                              Y("Lock_tables_priv"),
                                              Y("Execute_priv"),
                                              Y("Repl_slave_priv"),
                                              Y("Repl_client_priv"),
                                              Y("Create_view_priv"),
                                              Y("Show_view_priv"),
                                              Y("Create_routine_priv"),
                                              Y("Alter_routine_priv"),
                                              Y("Create_user_priv"),
                                              Y("Event_priv"),
                                              Y("Trigger_priv"),
                                              Y("Create_tablespace_priv"),
                                              {"ssl_type", 's', 9, false},
                                              {"ssl_cipher", 't', 0, false},
                                              {"x509_issuer", 't', 0, false},
                                              {"x509_subject", 't', 0, false},
                                              {"max_questions", 'u', 0, false},
                                              {"max_updates", 'u', 0, false},
                                              {"max_connections", 'u', 0, false},
                                              {"max_user_connections", 'u', 0, false},
                                              {"plugin", 's', 64, false},
                                              {"authentication_string", 't', 0, true},
                                              Y("password_expired"),
                                              {"password_last_changed", 'd', 0, true},
                                              {"password_lifetime", 'u', 0, true},
                                              Y("account_locked"),
                                              Y("Create_role_priv"),
                                              Y("Drop_role_priv"),
                                              {"Password_reuse_history", 'u', 0, true},
                                              {"Password_reuse_time", 'u', 0, true},
                                              {"Password_require_current", 's', 1, true},
                                              {"User_attributes", 't', 0, true},
                                              END};

static const ql_view_column db_columns[] = {{"Host", 's', 255, false},
                                            {"Db", 's', 64, false},
                                            {"User", 's', 32, false},
                                            Y("Select_priv"),
                                            Y("Insert_priv"),
                                            Y("Update_priv"),
                                            Y("Delete_priv"),
                                            Y("Create_priv"),
                                            Y("Drop_priv"),
                                            Y("Grant_priv"),
                                            Y("References_priv"),
                                            Y("Index_priv"),
                                            Y("Alter_priv"),
                                            Y("Create_tmp_table_priv"),
                                            Y("Lock_tables_priv"),
                                            Y("Create_view_priv"),
                                            Y("Show_view_priv"),
                                            Y("Create_routine_priv"),
                                            Y("Alter_routine_priv"),
                                            Y("Execute_priv"),
                                            Y("Event_priv"),
                                            Y("Trigger_priv"),
                                            END};

static const ql_view_column tables_priv_columns[] = {
    {"Host", 's', 255, false},      {"Db", 's', 64, false},          {"User", 's', 32, false},
    {"Table_name", 's', 64, false}, {"Grantor", 's', 288, false},    {"Timestamp", 'd', 0, false},
    {"Table_priv", 's', 98, false}, {"Column_priv", 's', 31, false}, END};

/* --- rows --- */

static ql_status
ask(ql_ctx *cx, ql_arena *a, ql_grant_table which, const ql_table *t, ql_value ***rows, size_t *n)
{
    const ql_viewer_ops *ops = cx->vars ? cx->vars->viewer.ops : NULL;
    return ops ? ops->grants(cx, a, which, t->ncolumns, rows, n)
               : qli_fill_nothing(cx, a, t, rows, n);
}

#define FILL(name, which)                                                                          \
    name(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)                  \
    {                                                                                              \
        return ask(cx, a, which, t, rows, n);                                                      \
    }
ql_status
FILL(qli_fill_user_privileges, QL_GRANT_TABLE_IS_USER)
ql_status
FILL(qli_fill_schema_privileges, QL_GRANT_TABLE_IS_SCHEMA)
ql_status FILL(qli_fill_table_privileges, QL_GRANT_TABLE_IS_TABLE) static ql_status
    FILL(fill_user, QL_GRANT_TABLE_USER) static ql_status
    FILL(fill_db, QL_GRANT_TABLE_DB) static ql_status
    FILL(fill_tables_priv, QL_GRANT_TABLE_TABLES_PRIV)

        const ql_virtual_table qli_mysql_tables[] = {
            {"mysql", "db", db_columns, fill_db},
            {"mysql", "tables_priv", tables_priv_columns, fill_tables_priv},
            {"mysql", "user", user_columns, fill_user},
};
const size_t qli_mysql_count = QL_ARRAY_LEN(qli_mysql_tables);
