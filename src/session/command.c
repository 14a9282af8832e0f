/* SPDX-License-Identifier: Apache-2.0
 *
 * One command packet to its reply. Commands that can wait or look at tables run as statements
 * through stmt.c; the others are answered here.
 */
#include "proto/command.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "intr/proc.h"
#include "session/session_int.h"

static void
reply_ok(ql_session *s)
{
    ql_reply r = qli_reply_state(s, false);
    qli_reply_flush(s, ql_reply_ok(&s->cx, &s->wire, &r, NULL), ql_wire_write_deadline(&s->wire));
}

static void
reply_eof(ql_session *s)
{
    ql_reply r = qli_reply_state(s, false);
    qli_reply_flush(s, ql_reply_plain_eof(&s->cx, &s->wire, &r), ql_wire_write_deadline(&s->wire));
}

static void
reply_status(ql_session *s, ql_status st)
{
    if (st == QL_OK) {
        reply_ok(s);
    } else {
        qli_reply_failure(s, st);
    }
}

/* ---- as statements ---- */

static ql_status
init_db(ql_session *s, void *arg, ql_outcome *out)
{
    const ql_command *c = arg;
    ql_ctx *cx = &s->cx;
    (void)out;
    QL_TRY(ql_acl_require_entry(cx, c->text));
    if (!ql_catalog_has_database(cx, c->text)) {
        const char *name = ql_arena_strndup(cx, cx->arena, c->text.p, c->text.n);
        return name != NULL ? ql_fail(cx, QL_ER_BAD_DB_ERROR, name) : QL_ERROR;
    }
    QL_TRY(ql_catalog_use(cx, c->text));
    ql_proc_set_db(cx->proc, c->text);
    return QL_OK;
}

static ql_status
process_kill(ql_session *s, void *arg, ql_outcome *out)
{
    const ql_command *c = arg;
    (void)out;
    s->is_kill = true;
    return ql_exec_kill(&s->cx, c->id, false);
}

static ql_status
process_info(ql_session *s, void *arg, ql_outcome *out)
{
    (void)arg;
    out->has_result_set = true;
    return ql_exec_processlist(&s->cx, false);
}

typedef struct field_list {
    const ql_command *c;
    ql_result_column *cols;
    uint16_t n;
} field_list;

static ql_status
list_fields(ql_session *s, void *arg, ql_outcome *out)
{
    field_list *f = arg;
    (void)out;
    return ql_exec_field_list(&s->cx, f->c->text, f->c->wild, &f->cols, &f->n);
}

static ql_status
reply_fields(ql_session *s, void *arg)
{
    const field_list *f = arg;
    ql_reply r = qli_reply_state(s, false);
    for (uint16_t i = 0; i < f->n; i++) {
        QL_TRY(ql_put_column_definition(&s->cx, &s->wire, &f->cols[i], s->vars.cs_results, true));
    }
    return ql_reply_plain_eof(&s->cx, &s->wire, &r);
}

static void
run_field_list(ql_session *s, const ql_command *c)
{
    field_list f = {.c = c};
    qli_stmt_work(s, c->text, list_fields, reply_fields, &f);
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
    const ql_command *c = arg;
    ql_ctx *cx = &s->cx;
    ql_parse_mode mode = qli_parse_mode(s, false);
    QL_TRY(ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_RELOAD));
    for (size_t i = 0; i < QL_ARRAY_LEN(refreshes); i++) {
        ql_ast_stmt *ast;
        size_t consumed;
        ql_str text = {refreshes[i].text, strlen(refreshes[i].text)};
        if (c->option & refreshes[i].bits) {
            QL_TRY(ql_parse(cx, cx->arena, text, &mode, &ast, &consumed));
            QL_TRY(qli_stmt_run_parsed(s, ast, NULL, 0, out));
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
put_statistics(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_name_value *v = NULL;
    size_t n = 0;
    ql_buf *b;
    QL_TRY(ql_status_list(cx, cx->arena, true, &v, &n));
    int64_t up = ql_now_real_us() / 1000000 - cx->inst->start_time;
    uint64_t questions = strtoull(status_value(v, n, "Questions"), NULL, 10);
    char rate[QL_VALUE_TEXT_MAX];
    size_t nrate = ql_double_print_fixed((double)questions / (double)(up > 0 ? up : 1), 3, rate);
    QL_TRY(ql_wire_begin(cx, &s->wire, &b));
    QL_TRY(
        ql_buf_printf(cx, b,
                      "Uptime: %lld  Threads: %zu  Questions: %llu  Slow queries: %s  Opens: %s  "
                      "Flush tables: 1  Open tables: %s  Queries per second avg: %.*s",
                      (long long)up, ql_procs_count(cx->inst->procs), (unsigned long long)questions,
                      status_value(v, n, "Slow_queries"), status_value(v, n, "Opened_tables"),
                      status_value(v, n, "Open_tables"), (int)nrate, rate));
    return ql_wire_end(cx, &s->wire);
}

static void
statistics(ql_session *s)
{
    ql_arena_reset(s->cx.arena);
    ql_status st = put_statistics(s);
    if (st == QL_ERROR && ql_diag_has_error(s->cx.diag)) {
        qli_reply_failure(s, st);
    } else {
        qli_reply_flush(s, st, ql_wire_write_deadline(&s->wire));
    }
}

static void
set_option(ql_session *s, uint32_t option)
{
    if (option > 1) {
        qli_reply_failure(s, ql_fail(&s->cx, QL_ER_UNKNOWN_COM_ERROR));
        return;
    }
    s->multi_statements = option == 0;
    reply_eof(s);
}

/* MySQL writes what it knows of itself to its log; here the views tell it. */
static void
debug(ql_session *s)
{
    ql_status st = ql_acl_require(&s->cx, QL_PRIV_SUPER, QL_PRIV_SUPER);
    if (st == QL_OK) {
        reply_eof(s);
    } else {
        qli_reply_failure(s, st);
    }
}

static void
reset_connection(ql_session *s)
{
    reply_status(s, qli_session_clear(s));
}

static void
shutdown_command(ql_session *s)
{
    int id = ql_privilege_find(QL_STR("SHUTDOWN"));
    ql_status st = id < 0 ? QL_OK : ql_acl_require(&s->cx, (ql_privilege)id, (ql_privilege)id);
    if (st == QL_OK) {
        reply_ok(s);
        s->env->request_shutdown(s->env->arg);
    } else {
        qli_reply_failure(s, st);
    }
}

static void
execute(ql_session *s, const ql_command *c)
{
    qli_prepared *ps = qli_prepared_find(s, c->id);
    if (ps == NULL) {
        char id[24];
        (void)snprintf(id, sizeof id, "%llu", (unsigned long long)c->id);
        qli_reply_failure(s,
                          ql_fail(&s->cx, QL_ER_UNKNOWN_STMT_HANDLER, id, "mysqld_stmt_execute"));
        return;
    }
    qli_stmt_execute(s, ps, c->text);
}

static void
dispatch(ql_session *s, ql_command *c)
{
    ql_str none = {NULL, 0};
    switch (c->com) {
    case QL_COM_QUIT:
        s->end = QLI_END_QUIT;
        break;
    case QL_COM_QUERY:
        qli_stmt_query(s, c->text);
        break;
    case QL_COM_INIT_DB:
        qli_stmt_work(s, c->text, init_db, NULL, c);
        break;
    case QL_COM_FIELD_LIST:
        run_field_list(s, c);
        break;
    case QL_COM_PROCESS_INFO:
        qli_stmt_work(s, none, process_info, NULL, c);
        break;
    case QL_COM_PROCESS_KILL:
        qli_stmt_work(s, none, process_kill, NULL, c);
        break;
    case QL_COM_REFRESH:
        qli_stmt_work(s, none, refresh, NULL, c);
        break;
    case QL_COM_STATISTICS:
        statistics(s);
        break;
    case QL_COM_PING:
        reply_ok(s);
        break;
    case QL_COM_DEBUG:
        debug(s);
        break;
    case QL_COM_CHANGE_USER:
        qli_change_user(s, c->text);
        break;
    case QL_COM_RESET_CONNECTION:
        reset_connection(s);
        break;
    case QL_COM_SET_OPTION:
        set_option(s, c->option);
        break;
    case QL_COM_SHUTDOWN:
        shutdown_command(s);
        break;
    case QL_COM_STMT_PREPARE:
        qli_prepared_prepare(s, c->text);
        break;
    case QL_COM_STMT_EXECUTE:
        execute(s, c);
        break;
    case QL_COM_STMT_SEND_LONG_DATA:
        qli_prepared_long_data(s, c);
        break;
    case QL_COM_STMT_CLOSE:
        qli_prepared_close(s, c->id);
        break;
    case QL_COM_STMT_RESET:
        reply_status(s, qli_prepared_reset(s, c->id));
        break;
    default:
        qli_reply_failure(s, ql_fail(&s->cx, QL_ER_UNKNOWN_COM_ERROR));
        break;
    }
}

void
qli_count_bytes(ql_session *s)
{
    const ql_net *net = &s->wire.net;
    ql_count(&s->cx, QL_CT_BYTES_RECEIVED, net->bytes_in - s->counted_in);
    ql_count(&s->cx, QL_CT_BYTES_SENT, net->bytes_out - s->counted_out);
    s->counted_in = net->bytes_in;
    s->counted_out = net->bytes_out;
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
qli_command_run(ql_session *s, ql_str payload)
{
    ql_command c;
    ql_diag_reset(s->diag_now);
    s->cx.diag = s->diag_now;
    ql_wire_begin_reply(&s->wire);
    ql_status st = ql_command_decode(&s->cx, payload, &c);
    if (st != QL_OK) {
        qli_reply_failure(s, st);
        /* An unknown command is answered; a malformed one ends the connection. */
        if (ql_diag_error(s->cx.diag)->number == QL_ER_MALFORMED_PACKET) {
            s->end = QLI_END_ABORTED;
        }
        return;
    }
    qli_count_bytes(s);
    if (is_question(c.com)) {
        ql_count(&s->cx, QL_CT_QUESTIONS, 1);
    }
    ql_count_command(&s->cx, counted_as(c.com));
    dispatch(s, &c);
    qli_count_bytes(s);
}
