/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding of command packets.
 */
#ifndef QL_PROTO_COMMAND_H
#define QL_PROTO_COMMAND_H

#include "base/reader.h"
#include "intr/proc.h"
#include "proto/protocol.h"

typedef struct ql_command {
    ql_com com;
    ql_str text;     /* QUERY, STMT_PREPARE: statement; INIT_DB: database; FIELD_LIST: table;
                        SEND_LONG_DATA: bytes; STMT_EXECUTE: what follows the iteration count */
    ql_str wild;     /* FIELD_LIST */
    uint64_t id;     /* PROCESS_KILL: connection; STMT_...: statement handle */
    uint32_t param;  /* SEND_LONG_DATA */
    uint32_t option; /* SET_OPTION; STMT_EXECUTE: cursor flags; REFRESH: what to flush */
} ql_command;

/* Strings share the payload. QL_ERROR worded: 1047 unknown command, 1835 malformed. */
ql_status ql_command_decode(ql_ctx *cx, ql_str payload, ql_command *out) QL_MUST_USE;
/* What the process list shows while it runs. */
ql_proc_command ql_command_proc(ql_com com);
/* Does the command that begins with this byte run as a statement, which a KILL QUERY can hit? The
 * others only look at the session. */
bool ql_command_is_statement(int first);

#endif
