/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of the MySQL client/server protocol: capabilities, status flags, commands. Source: the
 * MySQL 8.4 source documentation, "Client/Server Protocol".
 */
#ifndef QL_PROTO_PROTOCOL_H
#define QL_PROTO_PROTOCOL_H

#include <stdint.h>

enum ql_capability {
    QL_CAP_LONG_PASSWORD = 1u << 0,
    QL_CAP_FOUND_ROWS = 1u << 1,
    QL_CAP_LONG_FLAG = 1u << 2,
    QL_CAP_CONNECT_WITH_DB = 1u << 3,
    QL_CAP_NO_SCHEMA = 1u << 4,
    QL_CAP_COMPRESS = 1u << 5,
    QL_CAP_LOCAL_FILES = 1u << 7,
    QL_CAP_IGNORE_SPACE = 1u << 8,
    QL_CAP_PROTOCOL_41 = 1u << 9,
    QL_CAP_INTERACTIVE = 1u << 10,
    QL_CAP_SSL = 1u << 11,
    QL_CAP_TRANSACTIONS = 1u << 13,
    QL_CAP_RESERVED = 1u << 14,
    QL_CAP_SECURE_CONNECTION = 1u << 15,
    QL_CAP_MULTI_STATEMENTS = 1u << 16,
    QL_CAP_MULTI_RESULTS = 1u << 17,
    QL_CAP_PS_MULTI_RESULTS = 1u << 18,
    QL_CAP_PLUGIN_AUTH = 1u << 19,
    QL_CAP_CONNECT_ATTRS = 1u << 20,
    QL_CAP_PLUGIN_AUTH_LENENC = 1u << 21,
    QL_CAP_SESSION_TRACK = 1u << 23,
    QL_CAP_DEPRECATE_EOF = 1u << 24,
    QL_CAP_ZSTD = 1u << 26,
    QL_CAP_PROGRESS = 1u << 29, /* MariaDB's clients: they take progress reports; never offered */
};

/* Status word of OK and EOF packets. */
enum ql_server_status {
    QL_SST_IN_TRANS = 1u << 0,
    QL_SST_AUTOCOMMIT = 1u << 1,
    QL_SST_MORE_RESULTS = 1u << 3,
    QL_SST_NO_BACKSLASH_ESCAPES = 1u << 9,
    QL_SST_IN_TRANS_READONLY = 1u << 13,
};

typedef enum ql_com {
    QL_COM_SLEEP = 0x00,
    QL_COM_QUIT = 0x01,
    QL_COM_INIT_DB = 0x02,
    QL_COM_QUERY = 0x03,
    QL_COM_FIELD_LIST = 0x04,
    QL_COM_CREATE_DB = 0x05,
    QL_COM_DROP_DB = 0x06,
    QL_COM_REFRESH = 0x07,
    QL_COM_SHUTDOWN = 0x08,
    QL_COM_STATISTICS = 0x09,
    QL_COM_PROCESS_INFO = 0x0a,
    QL_COM_PROCESS_KILL = 0x0c,
    QL_COM_DEBUG = 0x0d,
    QL_COM_PING = 0x0e,
    QL_COM_CHANGE_USER = 0x11,
    QL_COM_STMT_PREPARE = 0x16,
    QL_COM_STMT_EXECUTE = 0x17,
    QL_COM_STMT_SEND_LONG_DATA = 0x18,
    QL_COM_STMT_CLOSE = 0x19,
    QL_COM_STMT_RESET = 0x1a,
    QL_COM_SET_OPTION = 0x1b,
    QL_COM_STMT_FETCH = 0x1c,
    QL_COM_RESET_CONNECTION = 0x1f,
} ql_com;

#endif
