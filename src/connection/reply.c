/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies: OK, end of rows, ERR, and how long they may take. What is written here can no longer be
 * changed by a KILL QUERY.
 */
#include "connection/connection_int.h"
#include "txn/txn.h"

#define DEFAULT_KILL_WRITE_GRACE_MS 1000
#define SHUTDOWN_GRACE_MS 200

ql_reply
qli_reply_state(ql_connection *c, bool more)
{
    uint64_t warnings = c->s.hide_warnings ? 0 : ql_diag_warning_count(c->s.cx.diag);
    unsigned status = 0;
    status |= c->s.vars.in_transaction ? QL_SST_IN_TRANS : 0;
    status |= c->s.vars.autocommit ? QL_SST_AUTOCOMMIT : 0;
    status |= more ? QL_SST_MORE_RESULTS : 0;
    status |= c->s.vars.sql_mode & QL_MODE_NO_BACKSLASH_ESCAPES ? QL_SST_NO_BACKSLASH_ESCAPES : 0;
    bool read_only =
        c->s.vars.in_transaction && c->s.cx.txn != NULL && ql_txn_is_read_only(c->s.cx.txn);
    status |= read_only ? QL_SST_IN_TRANS_READONLY : 0;
    return (ql_reply){.caps = c->login.caps,
                      .status = (uint16_t)status,
                      .warnings = (uint16_t)(warnings < 0xffff ? warnings : 0xffff)};
}

/* Whoever has the whole answer must not see the statement in the process list any more: the row
 * changes before the last bytes go, and back if they do not go at once. */
static ql_status
flush_as_idle(ql_connection *c, ql_deadline dl)
{
    ql_proc_command command = c->s.command;
    uint64_t stmt_id = ql_proc_query_id(c->s.cx.proc);
    bool was_busy = ql_session_show_idle(&c->s);
    ql_status st = ql_wire_flush(&c->s.cx, &c->wire, QL_NO_WAIT);
    if (st != QL_TIMEOUT || dl == QL_NO_WAIT) {
        return st;
    }
    if (was_busy) {
        ql_session_show_busy(&c->s, stmt_id, command);
    }
    return ql_wire_flush(&c->s.cx, &c->wire, dl);
}

/* The reply of a statement that has others behind it: what does not go at once goes with theirs. */
static ql_status
flush_some(ql_connection *c)
{
    ql_status st = ql_wire_flush(&c->s.cx, &c->wire, QL_NO_WAIT);
    return st == QL_TIMEOUT ? QL_OK : st;
}

void
qli_reply_flush(ql_connection *c, ql_status st, ql_deadline dl)
{
    if (st == QL_OK) {
        st = c->more_results ? flush_some(c) : flush_as_idle(c, dl);
    }
    if (st != QL_OK) {
        ql_session_abort(&c->s);
    }
}

/* How long the error packet may take. One that killed its own connection gets one try. */
static ql_deadline
error_deadline(ql_connection *c, ql_status why, uint32_t conn_reason)
{
    if (conn_reason == QL_INTR_SHUTDOWN) {
        return ql_deadline_ms(SHUTDOWN_GRACE_MS);
    }
    if (conn_reason != 0) {
        return QL_NO_WAIT;
    }
    if (why == QL_KILLED) {
        return ql_deadline_ms(
            (int64_t)ql_session_setting(&c->s, "kill_write_grace", DEFAULT_KILL_WRITE_GRACE_MS));
    }
    return ql_wire_write_deadline(&c->wire);
}

void
qli_reply_failure(ql_connection *c, ql_status why)
{
    ql_ctx *cx = &c->s.cx;
    ql_session_target_close(&c->s);
    uint32_t reason = ql_intr_conn_reason(&c->s.intr);
    if (reason == QL_INTR_GONE || (reason == QL_INTR_CONN && !c->s.is_kill) || c->wire.net.broken ||
        c->wire.lost) {
        ql_session_abort(&c->s);
        return;
    }
    ql_hold(cx, reason);
    ql_deadline dl = error_deadline(c, why, reason);
    (void)ql_wire_trim(&c->wire);
    ql_status st = ql_wire_flush(cx, &c->wire, dl); /* what is in flight has no more time either */
    if (st == QL_OK) {
        st = ql_reply_error(cx, &c->wire, c->login.caps, c->s.vars.cs_results,
                            ql_diag_error(cx->diag));
    }
    qli_reply_flush(c, st, dl);
    ql_unhold(cx, reason);
    if (reason != 0) {
        ql_session_abort(&c->s);
    }
}

void
qli_reply_success(ql_connection *c, const ql_outcome *out, bool more)
{
    ql_reply r = qli_reply_state(c, more);
    c->more_results = more;
    ql_status st = out->has_result_set ? ql_reply_end_of_rows(&c->s.cx, &c->wire, &r, out)
                                       : ql_reply_ok(&c->s.cx, &c->wire, &r, out);
    qli_reply_flush(c, st, ql_wire_write_deadline(&c->wire));
}
