/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW of replication and of the binary log. There is neither, so these are what MySQL 8.4 answers
 * on a server without them: the columns of its manual and no rows, or error 1381. Clients and
 * monitoring ask them of every server they meet.
 */
#include <string.h>

#include "stmts/stmts_int.h"

/* One column of such a list. kind: 's' text of length characters, 'i' 32-bit integer, 'l' 64-bit.
 */
typedef struct column {
    const char *name;
    char kind;
    uint32_t length;
    bool nullable;
} column;

static const column replica_status[] = {
    {"Replica_IO_State", 's', 14, false},
    {"Source_Host", 's', 255, false},
    {"Source_User", 's', 32, false},
    {"Source_Port", 'i', 7, false},
    {"Connect_Retry", 'i', 10, false},
    {"Source_Log_File", 's', 512, false},
    {"Read_Source_Log_Pos", 'l', 10, false},
    {"Relay_Log_File", 's', 512, false},
    {"Relay_Log_Pos", 'l', 10, false},
    {"Relay_Source_Log_File", 's', 512, false},
    {"Replica_IO_Running", 's', 3, false},
    {"Replica_SQL_Running", 's', 3, false},
    {"Replicate_Do_DB", 's', 20, false},
    {"Replicate_Ignore_DB", 's', 20, false},
    {"Replicate_Do_Table", 's', 20, false},
    {"Replicate_Ignore_Table", 's', 23, false},
    {"Replicate_Wild_Do_Table", 's', 24, false},
    {"Replicate_Wild_Ignore_Table", 's', 28, false},
    {"Last_Errno", 'i', 4, false},
    {"Last_Error", 's', 20, false},
    {"Skip_Counter", 'i', 10, false},
    {"Exec_Source_Log_Pos", 'l', 10, false},
    {"Relay_Log_Space", 'l', 10, false},
    {"Until_Condition", 's', 6, false},
    {"Until_Log_File", 's', 512, false},
    {"Until_Log_Pos", 'l', 10, false},
    {"Source_SSL_Allowed", 's', 7, false},
    {"Source_SSL_CA_File", 's', 512, false},
    {"Source_SSL_CA_Path", 's', 512, false},
    {"Source_SSL_Cert", 's', 512, false},
    {"Source_SSL_Cipher", 's', 512, false},
    {"Source_SSL_Key", 's', 512, false},
    {"Seconds_Behind_Source", 'l', 10, true},
    {"Source_SSL_Verify_Server_Cert", 's', 3, false},
    {"Last_IO_Errno", 'i', 4, false},
    {"Last_IO_Error", 's', 20, false},
    {"Last_SQL_Errno", 'i', 4, false},
    {"Last_SQL_Error", 's', 20, false},
    {"Replicate_Ignore_Server_Ids", 's', 512, false},
    {"Source_Server_Id", 'i', 10, false},
    {"Source_UUID", 's', 36, false},
    {"Source_Info_File", 's', 1024, false},
    {"SQL_Delay", 'i', 10, false},
    {"SQL_Remaining_Delay", 'i', 8, true},
    {"Replica_SQL_Running_State", 's', 20, false},
    {"Source_Retry_Count", 'l', 10, false},
    {"Source_Bind", 's', 255, false},
    {"Last_IO_Error_Timestamp", 's', 20, false},
    {"Last_SQL_Error_Timestamp", 's', 20, false},
    {"Source_SSL_Crl", 's', 512, false},
    {"Source_SSL_Crlpath", 's', 512, false},
    {"Retrieved_Gtid_Set", 's', 1024, false},
    {"Executed_Gtid_Set", 's', 1024, false},
    {"Auto_Position", 'i', 1, false},
    {"Replicate_Rewrite_DB", 's', 24, false},
    {"Channel_Name", 's', 64, false},
    {"Source_TLS_Version", 's', 512, false},
    {"Source_public_key_path", 's', 512, false},
    {"Get_Source_public_key", 'i', 1, false},
    {"Network_Namespace", 's', 64, false},
};

static const column binary_log_status[] = {
    {"File", 's', 512, false},
    {"Position", 'l', 20, false},
    {"Binlog_Do_DB", 's', 255, false},
    {"Binlog_Ignore_DB", 's', 255, false},
    {"Executed_Gtid_Set", 's', 1024, false},
};

static const column replicas[] = {
    {"Server_Id", 'i', 10, false}, {"Host", 's', 255, false},        {"Port", 'i', 7, false},
    {"Source_Id", 'i', 10, false}, {"Replica_UUID", 's', 36, false},
};

static const column log_events[] = {
    {"Log_name", 's', 20, false},  {"Pos", 'l', 11, false},         {"Event_type", 's', 20, false},
    {"Server_id", 'i', 10, false}, {"End_log_pos", 'l', 11, false}, {"Info", 's', 20, false},
};

static const column profiles[] = {
    {"Query_ID", 'i', 10, false}, {"Duration", 's', 17, false}, {"Query", 's', 300, false}};

static const column profile[] = {{"Status", 's', 30, false}, {"Duration", 's', 9, false}};

static void
set_column(qli_table *t, uint16_t i, const column *c)
{
    if (c->kind == 's') {
        qli_table_string(t, i, c->name, c->length, c->nullable);
        return;
    }
    ql_type type = ql_type_int(false);
    type.field = c->kind == 'i' ? QL_F_LONG : QL_F_LONGLONG;
    type.length = c->length;
    type.nullable = c->nullable;
    qli_table_column(t, i, c->name, type);
}

static ql_status
send_columns(ql_ctx *cx, ql_run *run, const column *c, size_t n)
{
    qli_table t;
    QL_TRY(qli_table_init(run, &t, (uint16_t)n));
    for (uint16_t i = 0; i < n; i++) {
        set_column(&t, i, &c[i]);
    }
    return qli_table_send(cx, &t, NULL, 0);
}

ql_status
qli_show_replication(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    switch (s->kind) {
    case QL_SHOW_REPLICA_STATUS:
        QL_TRY(ql_acl_require(cx, QL_PRIV_SUPER, QL_PRIV_REPLICATION_CLIENT));
        return send_columns(cx, run, replica_status, QL_ARRAY_LEN(replica_status));
    case QL_SHOW_BINARY_LOG_STATUS:
        QL_TRY(ql_acl_require(cx, QL_PRIV_SUPER, QL_PRIV_REPLICATION_CLIENT));
        return send_columns(cx, run, binary_log_status, QL_ARRAY_LEN(binary_log_status));
    case QL_SHOW_BINARY_LOGS:
        QL_TRY(ql_acl_require(cx, QL_PRIV_SUPER, QL_PRIV_REPLICATION_CLIENT));
        return ql_fail(cx, QL_ER_NO_BINARY_LOGGING);
    case QL_SHOW_REPLICAS:
        QL_TRY(ql_acl_require(cx, QL_PRIV_REPLICATION_SLAVE, QL_PRIV_REPLICATION_SLAVE));
        return send_columns(cx, run, replicas, QL_ARRAY_LEN(replicas));
    case QL_SHOW_BINLOG_EVENTS:
        QL_TRY(ql_acl_require(cx, QL_PRIV_REPLICATION_SLAVE, QL_PRIV_REPLICATION_SLAVE));
        return send_columns(cx, run, log_events, QL_ARRAY_LEN(log_events));
    case QL_SHOW_PROFILES:
        return send_columns(cx, run, profiles, QL_ARRAY_LEN(profiles));
    default:
        return send_columns(cx, run, profile, QL_ARRAY_LEN(profile));
    }
}
