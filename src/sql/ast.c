/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of statements in the counters Com_xxx (manual, "Server Status Variables").
 */
#include "sql/ast.h"

static const char *const com_names[] = {
    [QL_S_SELECT] = "select",
    [QL_S_INSERT] = "insert",
    [QL_S_UPDATE] = "update",
    [QL_S_DELETE] = "delete",
    [QL_S_LOAD] = "load",
    [QL_S_DO] = "do",
    [QL_S_SET] = "set_option",
    [QL_S_USE] = "change_db",
    [QL_S_SHOW] = "show_other",
    [QL_S_KILL] = "kill",
    [QL_S_EXPLAIN] = "explain_other",
    [QL_S_DESCRIBE] = "show_fields",
    [QL_S_CREATE_DATABASE] = "create_db",
    [QL_S_DROP_DATABASE] = "drop_db",
    [QL_S_ALTER_DATABASE] = "alter_db",
    [QL_S_CREATE_TABLE] = "create_table",
    [QL_S_DROP_TABLE] = "drop_table",
    [QL_S_TRUNCATE] = "truncate",
    [QL_S_ALTER_TABLE] = "alter_table",
    [QL_S_CREATE_INDEX] = "create_index",
    [QL_S_DROP_INDEX] = "drop_index",
    [QL_S_RENAME_TABLE] = "rename_table",
    [QL_S_CREATE_USER] = "create_user",
    [QL_S_ALTER_USER] = "alter_user",
    [QL_S_DROP_USER] = "drop_user",
    [QL_S_RENAME_USER] = "rename_user",
    [QL_S_GRANT] = "grant",
    [QL_S_REVOKE] = "revoke",
    [QL_S_SET_PASSWORD] = "set_password",
    [QL_S_BEGIN] = "begin",
    [QL_S_COMMIT] = "commit",
    [QL_S_ROLLBACK] = "rollback",
    [QL_S_SAVEPOINT] = "savepoint",
    [QL_S_ROLLBACK_TO] = "rollback_to_savepoint",
    [QL_S_RELEASE_SAVEPOINT] = "release_savepoint",
    [QL_S_LOCK_TABLES] = "lock_tables",
    [QL_S_UNLOCK_TABLES] = "unlock_tables",
    [QL_S_LOCK_INSTANCE] = "lock_instance",
    [QL_S_UNLOCK_INSTANCE] = "unlock_instance",
    [QL_S_FLUSH] = "flush",
    [QL_S_SHUTDOWN] = "shutdown",
    [QL_S_ANALYZE] = "analyze",
    [QL_S_CHECK] = "check",
    [QL_S_OPTIMIZE] = "optimize",
    [QL_S_REPAIR] = "repair",
    [QL_S_PREPARE] = "prepare_sql",
    [QL_S_EXECUTE] = "execute_sql",
    [QL_S_DEALLOCATE] = "dealloc_sql",
};

static const char *const show_names[] = {
    [QL_SHOW_DATABASES] = "show_databases",
    [QL_SHOW_TABLES] = "show_tables",
    [QL_SHOW_COLUMNS] = "show_fields",
    [QL_SHOW_CREATE_TABLE] = "show_create_table",
    [QL_SHOW_CREATE_DATABASE] = "show_create_db",
    [QL_SHOW_INDEX] = "show_keys",
    [QL_SHOW_VARIABLES] = "show_variables",
    [QL_SHOW_STATUS] = "show_status",
    [QL_SHOW_WARNINGS] = "show_warnings",
    [QL_SHOW_ERRORS] = "show_errors",
    [QL_SHOW_PROCESSLIST] = "show_processlist",
    [QL_SHOW_TABLE_STATUS] = "show_table_status",
    [QL_SHOW_ENGINES] = "show_storage_engines",
    [QL_SHOW_GRANTS] = "show_grants",
    [QL_SHOW_CHARSET] = "show_charsets",
    [QL_SHOW_COLLATION] = "show_collations",
    [QL_SHOW_PLUGINS] = "show_plugins",
    [QL_SHOW_PRIVILEGES] = "show_privileges",
    [QL_SHOW_COUNT_WARNINGS] = "select", /* as in MySQL: SELECT @@warning_count */
    [QL_SHOW_COUNT_ERRORS] = "select",
    [QL_SHOW_CREATE_USER] = "show_create_user",
    [QL_SHOW_OPEN_TABLES] = "show_open_tables",
    [QL_SHOW_TRIGGERS] = "show_triggers",
    [QL_SHOW_ENGINE_STATUS] = "show_engine_status",
    [QL_SHOW_OTHER] = "show_other",
    [QL_SHOW_EVENTS] = "show_events",
    [QL_SHOW_ROUTINES] = "show_procedure_status",
    [QL_SHOW_FUNCTIONS] = "show_function_status",
    [QL_SHOW_REPLICA_STATUS] = "show_replica_status",
    [QL_SHOW_REPLICAS] = "show_replicas",
    [QL_SHOW_BINARY_LOG_STATUS] = "show_binary_log_status",
    [QL_SHOW_BINARY_LOGS] = "show_binlogs",
    [QL_SHOW_BINLOG_EVENTS] = "show_binlog_events",
    [QL_SHOW_PROFILE] = "show_profile",
    [QL_SHOW_PROFILES] = "show_profiles",
    [QL_SHOW_CREATE_VIEW] = "show_create_table",
    [QL_SHOW_CREATE_TRIGGER] = "show_create_trigger",
    [QL_SHOW_CREATE_PROCEDURE] = "show_create_proc",
    [QL_SHOW_CREATE_FUNCTION] = "show_create_func",
    [QL_SHOW_CREATE_EVENT] = "show_create_event",
};

const char *
ql_stmt_com_name(ql_stmt_kind kind)
{
    return (size_t)kind < QL_ARRAY_LEN(com_names) ? com_names[kind] : NULL;
}

const char *
ql_ast_stmt_com_name(const ql_ast_stmt *s)
{
    switch (s->kind) {
    case QL_S_SHOW:
        return show_names[s->show->kind];
    case QL_S_INSERT:
        if (s->insert->select != NULL) {
            return s->insert->replace ? "replace_select" : "insert_select";
        }
        return s->insert->replace ? "replace" : "insert";
    case QL_S_UPDATE:
        return s->update->from->left != NULL ? "update_multi" : "update";
    case QL_S_DELETE:
        return s->del->ntargets != 0 ? "delete_multi" : "delete";
    case QL_S_EXPLAIN: /* counts as what it explains */
        return s->explain.inner != NULL ? ql_ast_stmt_com_name(s->explain.inner) : "explain_other";
    default:
        return ql_stmt_com_name(s->kind);
    }
}
