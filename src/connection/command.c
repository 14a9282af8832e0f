/* SPDX-License-Identifier: Apache-2.0
 *
 * One command packet to its reply. Commands that can wait or look at tables run as statements
 * through the session; the others are answered here.
 */
#include "proto/command.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "connection/connection_int.h"
#include "intr/proc.h"

static void
reply_ok(ql_connection *c)
{
    ql_reply r = qli_reply_state(c, false);
    qli_reply_flush(c, ql_reply_ok(&c->s.cx, &c->wire, &r, NULL), ql_wire_write_deadline(&c->wire));
}

static void
reply_eof(ql_connection *c)
{
    ql_reply r = qli_reply_state(c, false);
    qli_reply_flush(c, ql_reply_plain_eof(&c->s.cx, &c->wire, &r),
                    ql_wire_write_deadline(&c->wire));
}

static void
reply_status(ql_connection *c, ql_status st)
{
    if (st == QL_OK) {
        reply_ok(c);
    } else {
        qli_reply_failure(c, st);
    }
}

/* ---- as statements ---- */

static ql_status
init_db(ql_session *s, void *arg, ql_outcome *out)
{
    const ql_command *cmd = arg;
    ql_str name = cmd->text;
    size_t fit;
    (void)out;
    if (s->vars.cs_client != NULL && !ql_charset_is_plain(s->vars.cs_client)) {
        QL_TRY(ql_charset_text(&s->cx, s->cx.arena, s->vars.cs_client, name, &name, &fit));
    }
    return ql_session_use(s, name);
}

static ql_status
process_kill(ql_session *s, void *arg, ql_outcome *out)
{
    const ql_command *cmd = arg;
    (void)out;
    s->is_kill = true;
    return ql_exec_kill(&s->cx, cmd->id, false);
}

static ql_status
process_info(ql_session *s, void *arg, ql_outcome *out)
{
    (void)arg;
    out->has_result_set = true;
    return ql_exec_processlist(&s->cx, false);
}

typedef struct field_list {
    const ql_command *cmd;
    ql_result_column *cols;
    uint16_t n;
} field_list;

static ql_status
list_fields(ql_session *s, void *arg, ql_outcome *out)
{
    field_list *f = arg;
    (void)out;
    return ql_exec_field_list(&s->cx, f->cmd->text, f->cmd->wild, &f->cols, &f->n);
}

static ql_status
reply_fields(ql_connection *c, void *arg)
{
    const field_list *f = arg;
    ql_reply r = qli_reply_state(c, false);
    for (uint16_t i = 0; i < f->n; i++) {
        QL_TRY(
            ql_put_column_definition(&c->s.cx, &c->wire, &f->cols[i], c->s.vars.cs_results, true));
    }
    return ql_reply_plain_eof(&c->s.cx, &c->wire, &r);
}

static void
run_field_list(ql_connection *c, const ql_command *cmd)
{
    field_list f = {.cmd = cmd};
    qli_do(c, cmd->text, list_fields, reply_fields, &f);
}

/* Bits of COM_REFRESH (protocol documentation) and what they flush. Those that would start new
 * binary or relay logs have nothing to do here. */
static const struct {
    unsigned bits;
    const char *text;
} refreshes[] = {
    {1, "FLUSH PRIVILEGES"}, {2, "FLUSH LOGS"}, {4, "FLUSH TABLES"}, {16, "FLUSH STATUS"}};

static ql_status
refresh(ql_session *s, void *arg, ql_outcome *out)
{
    const ql_command *cmd = arg;
    ql_ctx *cx = &s->cx;
    ql_parse_mode mode = ql_parse_mode_of(&s->vars, false);
    QL_TRY(ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_RELOAD));
    for (size_t i = 0; i < QL_ARRAY_LEN(refreshes); i++) {
        ql_ast_stmt *ast;
        size_t consumed;
        ql_str text = {refreshes[i].text, strlen(refreshes[i].text)};
        if (cmd->option & refreshes[i].bits) {
            QL_TRY(ql_parse(cx, cx->arena, text, &mode, &ast, &consumed));
            QL_TRY(ql_session_run_parsed(s, ast, NULL, 0, out));
        }
    }
    return QL_OK;
}

/* ---- the others ---- */

/* Value of a status variable as text; "0" when there is none. */
static const char *
status_value(const ql_name_value *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].name.n == strlen(name) && ql_ascii_compare(v[i].name.p, name, v[i].name.n) == 0) {
            return v[i].value.p;
        }
    }
    return "0";
}

static ql_status
put_statistics(ql_connection *c)
{
    ql_ctx *cx = &c->s.cx;
    ql_name_value *v = NULL;
    size_t n = 0;
    ql_buf *b;
    QL_TRY(ql_status_list(cx, cx->arena, true, &v, &n));
    int64_t up = ql_now_real_us() / 1000000 - cx->inst->start_time;
    uint64_t questions = strtoull(status_value(v, n, "Questions"), NULL, 10);
    char rate[QL_VALUE_TEXT_MAX];
    size_t nrate = ql_double_print_fixed((double)questions / (double)(up > 0 ? up : 1), 3, rate);
    QL_TRY(ql_wire_begin(cx, &c->wire, &b));
    QL_TRY(
        ql_buf_printf(cx, b,
                      "Uptime: %lld  Threads: %zu  Questions: %llu  Slow queries: %s  Opens: %s  "
                      "Flush tables: 1  Open tables: %s  Queries per second avg: %.*s",
                      (long long)up, ql_procs_count(cx->inst->procs), (unsigned long long)questions,
                      status_value(v, n, "Slow_queries"), status_value(v, n, "Opened_tables"),
                      status_value(v, n, "Open_tables"), (int)nrate, rate));
    return ql_wire_end(cx, &c->wire);
}

static void
statistics(ql_connection *c)
{
    ql_arena_reset(c->s.cx.arena);
    ql_status st = put_statistics(c);
    if (st == QL_ERROR && ql_diag_has_error(c->s.cx.diag)) {
        qli_reply_failure(c, st);
    } else {
        qli_reply_flush(c, st, ql_wire_write_deadline(&c->wire));
    }
}

static void
set_option(ql_connection *c, uint32_t option)
{
    if (option > 1) {
        qli_reply_failure(c, ql_fail(&c->s.cx, QL_ER_UNKNOWN_COM_ERROR));
        return;
    }
    c->s.multi_statements = option == 0;
    reply_eof(c);
}

/* MySQL writes what it knows of itself to its log; here the views tell it. */
static void
debug(ql_connection *c)
{
    ql_status st = ql_acl_require(&c->s.cx, QL_PRIV_SUPER, QL_PRIV_SUPER);
    if (st == QL_OK) {
        reply_eof(c);
    } else {
        qli_reply_failure(c, st);
    }
}

static void
reset_connection(ql_connection *c)
{
    reply_status(c, qli_clear(c));
}

static void
shutdown_command(ql_connection *c)
{
    int id = ql_privilege_find(QL_STR("SHUTDOWN"));
    ql_status st = id < 0 ? QL_OK : ql_acl_require(&c->s.cx, (ql_privilege)id, (ql_privilege)id);
    if (st == QL_OK) {
        reply_ok(c);
        c->env->sessions->request_shutdown(c->env->sessions->arg);
    } else {
        qli_reply_failure(c, st);
    }
}

static void
dispatch(ql_connection *c, ql_command *cmd)
{
    ql_str none = {NULL, 0};
    switch (cmd->com) {
    case QL_COM_QUIT:
        c->s.end = QL_END_QUIT;
        break;
    case QL_COM_QUERY:
        ql_session_query(&c->s, cmd->text);
        break;
    case QL_COM_INIT_DB:
        qli_do(c, cmd->text, init_db, NULL, cmd);
        break;
    case QL_COM_FIELD_LIST:
        run_field_list(c, cmd);
        break;
    case QL_COM_PROCESS_INFO:
        qli_do(c, none, process_info, NULL, cmd);
        break;
    case QL_COM_PROCESS_KILL:
        qli_do(c, none, process_kill, NULL, cmd);
        break;
    case QL_COM_REFRESH:
        qli_do(c, none, refresh, NULL, cmd);
        break;
    case QL_COM_STATISTICS:
        statistics(c);
        break;
    case QL_COM_PING:
        reply_ok(c);
        break;
    case QL_COM_DEBUG:
        debug(c);
        break;
    case QL_COM_CHANGE_USER:
        qli_change_user(c, cmd->text);
        break;
    case QL_COM_RESET_CONNECTION:
        reset_connection(c);
        break;
    case QL_COM_SET_OPTION:
        set_option(c, cmd->option);
        break;
    case QL_COM_SHUTDOWN:
        shutdown_command(c);
        break;
    case QL_COM_STMT_PREPARE:
        qli_handle_prepare(c, cmd->text);
        break;
    case QL_COM_STMT_EXECUTE:
        qli_handle_execute(c, cmd->id, cmd->text);
        break;
    case QL_COM_STMT_SEND_LONG_DATA:
        qli_handle_long_data(c, cmd);
        break;
    case QL_COM_STMT_CLOSE:
        qli_handle_close(c, cmd->id);
        break;
    case QL_COM_STMT_RESET:
        reply_status(c, qli_handle_reset(c, cmd->id));
        break;
    default:
        qli_reply_failure(c, ql_fail(&c->s.cx, QL_ER_UNKNOWN_COM_ERROR));
        break;
    }
}

void
qli_target_open(ql_connection *c, int first)
{
    ql_session_target_open(&c->s, ql_command_is_statement(first), ql_command_proc((ql_com)first));
}

void
qli_count_bytes(ql_connection *c)
{
    const ql_net *net = &c->wire.net;
    ql_count(&c->s.cx, QL_CT_BYTES_RECEIVED, net->bytes_in - c->counted_in);
    ql_count(&c->s.cx, QL_CT_BYTES_SENT, net->bytes_out - c->counted_out);
    c->counted_in = net->bytes_in;
    c->counted_out = net->bytes_out;
}

/* Those that MySQL leaves out of Questions (manual, Server Status Variables). */
static bool
is_question(ql_com com)
{
    switch (com) {
    case QL_COM_QUIT:
    case QL_COM_PING:
    case QL_COM_STATISTICS:
    case QL_COM_STMT_PREPARE:
    case QL_COM_STMT_CLOSE:
    case QL_COM_STMT_RESET:
    case QL_COM_STMT_SEND_LONG_DATA:
        return false;
    default:
        return true;
    }
}

/* Com_xxx of a command that runs no statement which counts itself (as MySQL counts them). */
static ql_com_counter
counted_as(ql_com com)
{
    switch (com) {
    case QL_COM_QUERY:
    case QL_COM_PROCESS_KILL:
        return QL_CC_none;
    case QL_COM_INIT_DB:
        return QL_CC_change_db;
    case QL_COM_FIELD_LIST:
        return QL_CC_show_fields;
    case QL_COM_PROCESS_INFO:
        return QL_CC_show_processlist;
    case QL_COM_REFRESH:
        return QL_CC_flush;
    case QL_COM_STATISTICS:
        return QL_CC_show_status;
    case QL_COM_SET_OPTION:
        return QL_CC_set_option;
    case QL_COM_STMT_PREPARE:
        return QL_CC_stmt_prepare;
    case QL_COM_STMT_EXECUTE:
        return QL_CC_stmt_execute;
    case QL_COM_STMT_SEND_LONG_DATA:
        return QL_CC_stmt_send_long_data;
    case QL_COM_STMT_CLOSE:
        return QL_CC_stmt_close;
    case QL_COM_STMT_RESET:
        return QL_CC_stmt_reset;
    default:
        return QL_CC_admin_commands;
    }
}

void
qli_command_run(ql_connection *c, ql_str payload)
{
    ql_command cmd;
    ql_diag_reset(c->s.diag_now);
    c->s.cx.diag = c->s.diag_now;
    ql_wire_begin_reply(&c->wire);
    ql_status st = ql_command_decode(&c->s.cx, payload, &cmd);
    if (st != QL_OK) {
        qli_reply_failure(c, st);
        /* An unknown command is answered; a malformed one ends the connection. */
        if (ql_diag_error(c->s.cx.diag)->number == QL_ER_MALFORMED_PACKET) {
            c->s.end = QL_END_ABORTED;
        }
        return;
    }
    qli_count_bytes(c);
    if (is_question(cmd.com)) {
        ql_count(&c->s.cx, QL_CT_QUESTIONS, 1);
    }
    ql_count_command(&c->s.cx, counted_as(cmd.com));
    dispatch(c, &cmd);
    qli_count_bytes(c);
}
