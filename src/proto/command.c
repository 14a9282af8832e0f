/* SPDX-License-Identifier: Apache-2.0
 *
 * Command phase (protocol documentation, "Command Phase"): the first byte names the command, the
 * rest depends on it. Nothing here waits or knows a session.
 */
#include "proto/command.h"

#include "base/diag.h"

/* Commands served, and how they are shown. */
static const struct {
    ql_com com;
    ql_proc_command shown;
} commands[] = {
    {QL_COM_QUIT, QL_PC_QUIT},
    {QL_COM_INIT_DB, QL_PC_INIT_DB},
    {QL_COM_QUERY, QL_PC_QUERY},
    {QL_COM_FIELD_LIST, QL_PC_FIELD_LIST},
    {QL_COM_SHUTDOWN, QL_PC_SHUTDOWN},
    {QL_COM_REFRESH, QL_PC_REFRESH},
    {QL_COM_STATISTICS, QL_PC_STATISTICS},
    {QL_COM_PROCESS_INFO, QL_PC_PROCESSLIST},
    {QL_COM_PROCESS_KILL, QL_PC_KILL},
    {QL_COM_DEBUG, QL_PC_DEBUG},
    {QL_COM_PING, QL_PC_PING},
    {QL_COM_CHANGE_USER, QL_PC_CHANGE_USER},
    {QL_COM_STMT_PREPARE, QL_PC_PREPARE},
    {QL_COM_STMT_EXECUTE, QL_PC_EXECUTE},
    {QL_COM_STMT_SEND_LONG_DATA, QL_PC_LONG_DATA},
    {QL_COM_STMT_CLOSE, QL_PC_CLOSE_STMT},
    {QL_COM_STMT_RESET, QL_PC_RESET_STMT},
    {QL_COM_SET_OPTION, QL_PC_SET_OPTION},
    {QL_COM_STMT_FETCH, QL_PC_FETCH},
    {QL_COM_RESET_CONNECTION, QL_PC_RESET_CONNECTION},
};

ql_proc_command
ql_command_proc(ql_com com)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(commands); i++) {
        if (commands[i].com == com) {
            return commands[i].shown;
        }
    }
    return QL_PC_COUNT; /* "Error" */
}

bool
ql_command_is_statement(int first)
{
    switch (first) {
    case QL_COM_QUERY:
    case QL_COM_STMT_PREPARE:
    case QL_COM_STMT_EXECUTE:
    case QL_COM_INIT_DB:
    case QL_COM_FIELD_LIST:
    case QL_COM_PROCESS_INFO:
    case QL_COM_PROCESS_KILL:
    case QL_COM_REFRESH:
        return true;
    default:
        return false;
    }
}

static bool
is_known(unsigned code)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(commands); i++) {
        if ((unsigned)commands[i].com == code) {
            return true;
        }
    }
    return false;
}

static void
decode_fields(ql_reader *r, ql_command *c)
{
    switch (c->com) {
    case QL_COM_FIELD_LIST:
        c->text = ql_read_cstr(r);
        c->wild = ql_read_cstr_or_rest(r);
        break;
    case QL_COM_PROCESS_KILL:
        c->id = ql_read_le(r, 4);
        break;
    case QL_COM_REFRESH:
        c->option = (uint32_t)ql_read_le(r, 1);
        break;
    case QL_COM_SET_OPTION:
        c->option = (uint32_t)ql_read_le(r, 2);
        break;
    case QL_COM_STMT_EXECUTE:
        c->id = ql_read_le(r, 4);
        c->option = (uint32_t)ql_read_le(r, 1);
        (void)ql_read_le(r, 4); /* iteration count, always 1 */
        c->text = ql_read_bytes(r, ql_reader_left(r));
        break;
    case QL_COM_STMT_SEND_LONG_DATA:
        c->id = ql_read_le(r, 4);
        c->param = (uint32_t)ql_read_le(r, 2);
        c->text = ql_read_bytes(r, ql_reader_left(r));
        break;
    case QL_COM_STMT_CLOSE:
    case QL_COM_STMT_RESET:
    case QL_COM_STMT_FETCH:
        c->id = ql_read_le(r, 4);
        break;
    default:
        c->text = ql_read_bytes(r, ql_reader_left(r));
        break;
    }
}

ql_status
ql_command_decode(ql_ctx *cx, ql_str payload, ql_command *out)
{
    *out = (ql_command){.com = QL_COM_SLEEP, .text = {"", 0}, .wild = {"", 0}};
    if (payload.n == 0) {
        return ql_fail(cx, QL_ER_MALFORMED_PACKET);
    }
    unsigned code = (uint8_t)payload.p[0];
    if (!is_known(code)) {
        return ql_fail(cx, QL_ER_UNKNOWN_COM_ERROR);
    }
    out->com = (ql_com)code;
    ql_reader r = ql_reader_of((ql_str){payload.p + 1, payload.n - 1});
    decode_fields(&r, out);
    return r.bad ? ql_fail(cx, QL_ER_MALFORMED_PACKET) : QL_OK;
}
