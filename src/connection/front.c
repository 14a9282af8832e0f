/* SPDX-License-Identifier: Apache-2.0
 *
 * What the session's statements tell, put on the wire: rows while they run, the reply when their
 * outcome is decided; and what statements ask of a client. A statement that failed is answered
 * after its undo.
 */
#include "connection/connection_int.h"

#define MUCH_GATHERED ((size_t)16 << 10) /* a reply's end still fits without being sent */
#define LATE_NS ((int64_t)1000000000)    /* a Ctrl-C follows its login that soon */

static ql_connection *
connection_of(ql_session *s)
{
    return (ql_connection *)s;
}

/* A client that vanishes ends its statement, unless the session does not want that. */
static void
watch_client(ql_connection *c)
{
    ql_value v;
    if (c->env->watch_peer == NULL ||
        ql_sysvar_get(&c->s.cx, QL_SV_KILL_ON_CLIENT_GONE, false, &v) != QL_OK) {
        return;
    }
    bool on = v.i != 0;
    if (on != c->watched) {
        c->watched = on;
        c->env->watch_peer(c->env->arg, c->s.vars.thread_id, c->wire.net.fd, on);
    }
}

static void
begin(ql_session *s, bool binary)
{
    ql_connection *c = connection_of(s);
    ql_reply r = qli_reply_state(c, false);
    c->more_results = false;
    ql_wire_begin_reply(&c->wire);
    ql_wire_sink_init(&c->sink, &c->wire, &r, s->vars.cs_results, binary);
    s->cx.sink = &c->sink.sink;
    watch_client(c);
    qli_progress_begin(c);
}

static void
parsed(ql_session *s, bool more)
{
    ql_connection *c = connection_of(s);
    c->sink.reply = qli_reply_state(c, more);
}

/* A client that does not read the replies of former statements is as killable as one that does not
 * read rows. */
static ql_status
drain(ql_session *s)
{
    return ql_wire_drain(&s->cx, &connection_of(s)->wire);
}

/* The rest of a result that has begun to stream goes out while the statement can still be killed: a
 * client that does not read is then no different at its last rows than at its first. more: so does
 * much of anything, for the end of the reply must not wait then (see tell). */
static ql_status
finish_rows(ql_session *s, bool more)
{
    ql_connection *c = connection_of(s);
    bool streams = c->sink.began && c->wire.reply_began;
    bool is_much = more && ql_wire_gathered(&c->wire) >= MUCH_GATHERED;
    return streams || is_much ? ql_wire_drain(&s->cx, &c->wire) : QL_OK;
}

static void
tell(ql_session *s, ql_status st, const ql_outcome *out, bool more)
{
    ql_connection *c = connection_of(s);
    if (c->file_open && !qli_file_drain(c)) {
        ql_session_abort(s);
        return;
    }
    if (st != QL_OK) {
        qli_reply_failure(c, st);
    } else if (c->reply != NULL) {
        qli_reply_flush(c, c->reply(c, c->reply_arg), ql_wire_write_deadline(&c->wire));
    } else {
        qli_reply_success(c, out, more);
    }
}

void
qli_do(ql_connection *c, ql_str info, ql_session_work work, qli_reply reply, void *arg)
{
    c->reply = reply;
    c->reply_arg = arg;
    ql_session_do(&c->s, info, work, arg);
    c->reply = NULL;
}

/* ---- what statements ask of the client ---- */

static uint64_t
kill_late_as(ql_ctx *cx)
{
    const ql_connection *c = connection_of(cx->session);
    bool first = c->commands == 0 && c->s.whole_text;
    return first && c->s.command_ns - c->login_ns <= LATE_NS ? c->start->accepted_as : 0;
}

static bool
client_found_rows(ql_ctx *cx)
{
    return connection_of(cx->session)->login.caps & QL_CAP_FOUND_ROWS;
}

static const ql_session_ops client_ops = {
    QL_SESSION_OPS,
    .kill_late_as = kill_late_as,
    .client_found_rows = client_found_rows,
    .file_allowed = qli_file_allowed,
    .file_request = qli_file_request,
    .file_read = qli_file_read,
};

const ql_front qli_client_front = {.begin = begin,
                                   .parsed = parsed,
                                   .drain = drain,
                                   .finish_rows = finish_rows,
                                   .tell = tell,
                                   .ops = &client_ops};
