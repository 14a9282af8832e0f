/* SPDX-License-Identifier: Apache-2.0
 *
 * What kinds of statements are: their traits, names and counters.
 */
#include "sql/ast.h"

typedef struct kind_info {
    ql_com_counter com;
    unsigned does;
    const char *name;
} kind_info;

static const kind_info kinds[] = {
#define QL_STATEMENT(id, com, stage, does, bind, run, name)                                        \
    [QL_S_##id] = {QL_CC_##com, (does), (name)},
#include "vars/statements.def"
#undef QL_STATEMENT
    [QL_S_UNBUILT] = {QL_CC_none, 0, "this statement"},
};

static const ql_com_counter show_coms[] = {
    [QL_SHOW_DATABASES] = QL_CC_show_databases,
    [QL_SHOW_TABLES] = QL_CC_show_tables,
    [QL_SHOW_COLUMNS] = QL_CC_show_fields,
    [QL_SHOW_CREATE_TABLE] = QL_CC_show_create_table,
    [QL_SHOW_CREATE_DATABASE] = QL_CC_show_create_db,
    [QL_SHOW_INDEX] = QL_CC_show_keys,
    [QL_SHOW_VARIABLES] = QL_CC_show_variables,
    [QL_SHOW_STATUS] = QL_CC_show_status,
    [QL_SHOW_WARNINGS] = QL_CC_show_warnings,
    [QL_SHOW_ERRORS] = QL_CC_show_errors,
    [QL_SHOW_PROCESSLIST] = QL_CC_show_processlist,
    [QL_SHOW_TABLE_STATUS] = QL_CC_show_table_status,
    [QL_SHOW_ENGINES] = QL_CC_show_storage_engines,
    [QL_SHOW_GRANTS] = QL_CC_show_grants,
    [QL_SHOW_CHARSET] = QL_CC_show_charsets,
    [QL_SHOW_COLLATION] = QL_CC_show_collations,
    [QL_SHOW_PLUGINS] = QL_CC_show_plugins,
    [QL_SHOW_PRIVILEGES] = QL_CC_show_privileges,
    [QL_SHOW_COUNT_WARNINGS] = QL_CC_select, /* as in MySQL: SELECT @@warning_count */
    [QL_SHOW_COUNT_ERRORS] = QL_CC_select,
    [QL_SHOW_CREATE_USER] = QL_CC_show_create_user,
    [QL_SHOW_OPEN_TABLES] = QL_CC_show_open_tables,
    [QL_SHOW_TRIGGERS] = QL_CC_show_triggers,
    [QL_SHOW_ENGINE_STATUS] = QL_CC_show_engine_status,
    [QL_SHOW_OTHER] = QL_CC_none,
    [QL_SHOW_EVENTS] = QL_CC_show_events,
    [QL_SHOW_ROUTINES] = QL_CC_show_procedure_status,
    [QL_SHOW_FUNCTIONS] = QL_CC_show_function_status,
    [QL_SHOW_REPLICA_STATUS] = QL_CC_show_replica_status,
    [QL_SHOW_REPLICAS] = QL_CC_show_replicas,
    [QL_SHOW_BINARY_LOG_STATUS] = QL_CC_show_binary_log_status,
    [QL_SHOW_BINARY_LOGS] = QL_CC_show_binlogs,
    [QL_SHOW_BINLOG_EVENTS] = QL_CC_show_binlog_events,
    [QL_SHOW_PROFILE] = QL_CC_show_profile,
    [QL_SHOW_PROFILES] = QL_CC_show_profiles,
    [QL_SHOW_CREATE_VIEW] = QL_CC_show_create_table,
    [QL_SHOW_CREATE_TRIGGER] = QL_CC_show_create_trigger,
    [QL_SHOW_CREATE_PROCEDURE] = QL_CC_show_create_proc,
    [QL_SHOW_CREATE_FUNCTION] = QL_CC_show_create_func,
    [QL_SHOW_CREATE_EVENT] = QL_CC_show_create_event,
};

bool
ql_stmt_does(ql_stmt_kind kind, unsigned what)
{
    return (size_t)kind < QL_ARRAY_LEN(kinds) && (kinds[kind].does & what) != 0;
}

const char *
ql_stmt_name(ql_stmt_kind kind)
{
    return (size_t)kind < QL_ARRAY_LEN(kinds) ? kinds[kind].name : kinds[QL_S_UNBUILT].name;
}

ql_com_counter
ql_ast_stmt_com(const ql_ast_stmt *s)
{
    switch (s->kind) {
    case QL_S_SHOW:
        return show_coms[s->show->kind];
    case QL_S_INSERT:
        if (s->insert->select != NULL) {
            return s->insert->replace ? QL_CC_replace_select : QL_CC_insert_select;
        }
        return s->insert->replace ? QL_CC_replace : QL_CC_insert;
    case QL_S_UPDATE:
        return s->update->from->left != NULL ? QL_CC_update_multi : QL_CC_update;
    case QL_S_DELETE:
        return s->del->ntargets != 0 ? QL_CC_delete_multi : QL_CC_delete;
    case QL_S_EXPLAIN: /* counts as what it explains */
        return s->explain.inner != NULL ? ql_ast_stmt_com(s->explain.inner) : QL_CC_explain_other;
    default:
        return kinds[s->kind].com;
    }
}
