/* SPDX-License-Identifier: Apache-2.0
 *
 * The statement as a target of KILL, and what the process list shows of it. The two go together:
 * who sees Command "Query" and a QUERY_ID can hit that statement, from its first byte on to the
 * moment its outcome is decided. Runs on the session's thread.
 */
#include "base/thread.h"
#include "intr/proc.h"
#include "session/session_int.h"

void
ql_session_target_open(ql_session *s, bool is_statement, ql_proc_command shown)
{
    ql_ctx *cx = &s->cx;
    s->command_ns = ql_now_mono_ns();
    if (is_statement) {
        cx->stmt_id = ql_procs_next_stmt_id(cx->inst->procs);
        ql_intr_stmt_open(&s->intr, cx->stmt_id);
        ql_proc_set_query_id(cx->proc, cx->stmt_id);
        ql_proc_set_stage(cx->proc, QL_STAGE_STARTING);
    }
    s->command = shown;
    ql_proc_set_command(cx->proc, s->command);
}

void
qli_target_next(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    cx->stmt_id = ql_procs_next_stmt_id(cx->inst->procs);
    ql_proc_forget_info(cx->proc);
    ql_intr_stmt_next(&s->intr, cx->stmt_id);
    ql_proc_set_query_id(cx->proc, cx->stmt_id);
}

void
ql_session_target_close(ql_session *s)
{
    if (s->cx.stmt_id != 0) {
        ql_intr_stmt_end(&s->intr);
        s->cx.stmt_id = 0;
    }
}

bool
ql_session_show_idle(ql_session *s)
{
    ql_proc *row = s->cx.proc;
    if (s->command == QL_PC_SLEEP) {
        return false;
    }
    s->command = QL_PC_SLEEP;
    if (s->cx.txn == NULL) {
        ql_proc_set_trx(row, 0, NULL); /* no longer DONE */
    }
    ql_proc_set_stage(row, QL_STAGE_NONE);
    ql_proc_set_command(row, QL_PC_SLEEP);
    ql_proc_set_query_id(row, 0); /* after Command: Query is never seen without an id */
    return true;
}

void
ql_session_show_busy(ql_session *s, uint64_t stmt_id, ql_proc_command command)
{
    s->command = command;
    ql_proc_set_query_id(s->cx.proc, stmt_id);
    ql_proc_set_command(s->cx.proc, command);
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

ql_status
qli_show_text(ql_session *s, ql_str text)
{
    ql_ctx *cx = &s->cx;
    while (text.n != 0 && is_space(text.p[0])) {
        text.p++;
        text.n--;
    }
    ql_str masked = text;
    ql_status st = ql_mask_passwords(cx, cx->arena, text, &masked);
    if (st == QL_ERROR) {
        masked = QL_STR("<secret>");
        ql_diag_clear_error(cx->diag);
    } else if (st != QL_OK) {
        return st;
    }
    return ql_proc_set_info(cx, cx->proc, masked);
}
