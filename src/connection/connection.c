/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection from accepted socket to nothing: set up, log in, command loop, release. Runs on the
 * thread that server/ gave it. While it waits for a command no statement runs, so that only the
 * reasons of the connection can end the wait.
 */
#include "connection/connection.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connection/connection_int.h"
#include "txn/txn.h"

#define SLIM_AFTER_MS 1000  /* idle that long: memory and the event descriptor go back */
#define SLIM_AFTER_SCARCE 2 /* the same when descriptors are scarce */
#define SPARE_DESCRIPTORS 512
#define UNPARK_TRIES 40
#define UNPARK_PAUSE_MS 25
#define LINGER_MS 200

/* ---- set up ---- */

/* What the connection timeouts and limits are now: SET may have changed them. */
static void
take_limits(ql_connection *c)
{
    c->wire.max_packet = c->logged_in ? c->s.vars.max_allowed_packet : 1u << 20;
    c->wire.read_timeout_ms = c->s.vars.net_read_timeout * 1000;
    c->wire.write_timeout_ms = c->s.vars.net_write_timeout * 1000;
    ql_session_take_limits(&c->s);
}

static ql_status
open_session(ql_connection *c)
{
    const char *host = c->start->is_unix ? "localhost" : c->start->address;
    QL_TRY(ql_session_init(&c->s, c->env->sessions, &qli_client_front, c->wire.net.fd, host));
    c->sink.text.quota = &c->s.kept;
    ql_wire_set_quota(&c->wire, &c->s.kept);
    c->login_arena = ql_arena_new("login", &c->s.kept);
    if (c->login_arena == NULL) {
        return ql_fail_oom(&c->s.cx, 0);
    }
    take_limits(c);
    return QL_OK;
}

/* ---- command loop ---- */

/* Memory that an idle connection does not need. */
static void
slim(ql_connection *c)
{
    ql_arena *fresh = ql_arena_new("statement", &c->s.quota);
    if (fresh != NULL) {
        ql_arena_free(c->s.cx.arena);
        c->s.cx.arena = fresh;
    }
    ql_buf_free(&c->s.text);
    ql_wire_sink_fini(&c->sink);
    ql_wire_release(&c->wire);
}

static void
become_idle(ql_connection *c)
{
    ql_ctx *cx = &c->s.cx;
    ql_arena_reset(cx->arena);
    cx->sink = NULL;
    ql_diag_reset(c->s.diag_now);
    cx->diag = c->s.diag_now;
    (void)ql_session_show_idle(&c->s);
    ql_proc_forget_info(cx->proc);
    take_limits(c);
    ql_wire_restart(&c->wire);
    ql_txn_set_idle(cx, true);
}

/* Two descriptors for each connection, a socket and an event: are there enough for all? */
static bool
descriptors_are_scarce(ql_connection *c)
{
    uint64_t limit = c->env->fd_limit;
    return limit != 0 && 2 * ql_procs_count(c->s.cx.inst->procs) + SPARE_DESCRIPTORS > limit;
}

/* An event descriptor for the command that has come. When none is left, others park in a moment. */
static ql_status
unpark(ql_connection *c)
{
    ql_ctx *cx = &c->s.cx;
    for (int i = 0; i < UNPARK_TRIES; i++) {
        if (ql_intr_unpark(cx) == QL_OK) {
            return QL_OK;
        }
        ql_diag_reset(cx->diag);
        ql_status st = ql_wait(cx, -1, 0, ql_deadline_ms(UNPARK_PAUSE_MS), QL_W_IDLE);
        if (st == QL_KILLED) {
            return st;
        }
    }
    return ql_intr_unpark(cx);
}

static ql_status
wait_command(ql_connection *c, int *first)
{
    ql_deadline dl = ql_deadline_ms((int64_t)c->s.vars.wait_timeout * 1000);
    ql_deadline soon =
        ql_deadline_ms(descriptors_are_scarce(c) ? SLIM_AFTER_SCARCE : SLIM_AFTER_MS);
    if (soon < dl) {
        ql_status st = ql_wire_wait(&c->s.cx, &c->wire, soon, false, first);
        if (st != QL_TIMEOUT) {
            return st;
        }
        slim(c);
    }
    ql_intr_park(&c->s.intr, c->wire.net.fd);
    ql_status st = ql_wire_wait(&c->s.cx, &c->wire, dl, true, first);
    if (st == QL_END ||
        st == QL_KILLED) { /* it ends: thousands that end at once wait for nothing */
        if (ql_intr_unpark(&c->s.cx) != QL_OK) {
            ql_diag_reset(c->s.cx.diag);
        }
        return st;
    }
    ql_status back = unpark(c);
    return st == QL_OK ? back : st;
}

/* The rest of a command that has begun. It can be killed already, but its kill is acted upon when
 * all of it is there: the client hears of nothing before it has sent everything. */
static ql_status
receive_command(ql_connection *c, ql_str *payload)
{
    ql_deadline dl = ql_deadline_ms((int64_t)c->wire.read_timeout_ms);
    if (ql_wire_is_whole(&c->wire)) {
        return ql_wire_read(&c->s.cx, &c->wire, dl, QL_W_NET_READ, payload);
    }
    ql_hold(&c->s.cx, QL_INTR_STMT_MASK);
    ql_status st = ql_wire_read(&c->s.cx, &c->wire, dl, QL_W_NET_READ, payload);
    ql_unhold(&c->s.cx, QL_INTR_STMT_MASK);
    return st;
}

static ql_status
read_command(ql_connection *c, ql_str *payload)
{
    int first;
    QL_TRY(wait_command(c, &first));
    qli_target_open(c, first);
    return receive_command(c, payload);
}

/* No command came; say why, as far as there is somebody to tell. */
static void
end_idle(ql_connection *c, ql_status st)
{
    ql_ctx *cx = &c->s.cx;
    c->s.end = QL_END_ABORTED;
    ql_session_target_close(&c->s);
    switch (st) {
    case QL_TIMEOUT:
        (void)ql_fail(cx, QL_ER_CLIENT_INTERACTION_TIMEOUT);
        qli_reply_failure(c, QL_ERROR);
        break;
    case QL_ERROR:
        qli_reply_failure(c, QL_ERROR);
        ql_wire_linger(cx, &c->wire, LINGER_MS);
        break;
    default: /* closed by the peer, or cut by a kill or the shutdown */
        break;
    }
}

static void
command_loop(ql_connection *c)
{
    while (c->s.end == QL_END_NONE) {
        ql_str payload;
        become_idle(c);
        ql_status st = read_command(c, &payload);
        ql_txn_set_idle(&c->s.cx, false);
        if (st != QL_OK) {
            end_idle(c, st);
            return;
        }
        qli_command_run(c, payload);
        ql_session_target_close(&c->s);
        c->commands++;
        if (ql_intr_conn_reason(&c->s.intr) != 0 && c->s.end == QL_END_NONE) {
            c->s.end = QL_END_ABORTED;
        }
    }
}

/* ---- the end ---- */

/* As MySQL: a note, and nothing for those who were killed (kill-facts). */
static void
log_aborted(ql_connection *c)
{
    const ql_condition *e = ql_diag_error(c->s.cx.diag);
    const ql_login *l = &c->login;
    if (ql_intr_conn_reason(&c->s.intr) & (QL_INTR_CONN | QL_INTR_SHUTDOWN)) {
        return;
    }
    ql_log_write(c->s.cx.inst->log, QL_LOG_NOTE,
                 "Aborted connection %llu to db: '%.*s' user: '%.*s' host: '%.*s' (%s).",
                 (unsigned long long)c->s.vars.thread_id, (int)c->s.vars.db.n, c->s.vars.db.p,
                 (int)l->user.n, l->user.p, (int)l->host.n, l->host.p,
                 e != NULL ? e->text : "Got an error reading communication packets");
}

static void
count_end(ql_connection *c)
{
    qli_count_bytes(c);
    if (!c->logged_in) {
        ql_count(&c->s.cx, QL_CT_ABORTED_CONNECTS, 1);
    } else if (c->s.end == QL_END_ABORTED) {
        ql_count(&c->s.cx, QL_CT_ABORTED_CLIENTS, 1);
        log_aborted(c);
    }
}

/* Did the connection end because its client closed or reset it, without a word? */
static bool
client_vanished(const ql_connection *c)
{
    uint32_t reason = ql_intr_conn_reason(&c->s.intr);
    return reason == QL_INTR_GONE || (reason == 0 && c->s.end != QL_END_QUIT && c->wire.net.broken);
}

static void
close_connection(ql_connection *c)
{
    ql_ctx *cx = &c->s.cx;
    if (cx->proc != NULL && client_vanished(c)) {
        ql_proc_set_vanished(cx->proc);
    }
    ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    if (cx->vars != NULL) {
        count_end(c);
    }
    ql_net_cut(&c->wire.net); /* the peer sees the end now; the number stays ours */
    ql_session_release(&c->s);
    if (c->env->login_over != NULL) {
        c->env->login_over(c->start);
    }
    ql_wire_close(&c->wire);
    ql_wire_sink_fini(&c->sink);
    ql_arena_free(c->login_arena);
    ql_session_fini(&c->s);
    ql_mem_free(c);
}

/* Not even a session could be had. */
static void
give_up(const ql_connection_start *start)
{
    if (start->env->login_over != NULL) {
        start->env->login_over(start);
    }
    ql_connection_refuse(start->env->sessions->inst, start->fd);
}

void
ql_connection_run(const ql_connection_start *start)
{
    ql_connection *c = ql_mem_zalloc(sizeof *c);
    if (c == NULL) {
        give_up(start);
        return;
    }
    c->env = start->env;
    c->start = start;
    ql_wire_init(&c->wire, start->fd);
    ql_status st = open_session(c);
    if (c->s.cx.intr == NULL) {
        ql_mem_free(c);
        give_up(start);
        return;
    }
    if (st == QL_OK && qli_login(c)) {
        command_loop(c);
    }
    close_connection(c);
}

void
ql_connection_refuse(ql_instance *inst, int fd)
{
    ql_intr intr;
    ql_ctx cx = {.inst = inst, .intr = &intr, .diag = ql_diag_new()};
    ql_wire w;
    ql_wire_init(&w, fd);
    if (cx.diag != NULL && ql_intr_init(&cx, &intr) == QL_OK) {
        (void)ql_fail(&cx, QL_ER_CON_COUNT_ERROR);
        if (ql_reply_error(&cx, &w, 0, NULL, ql_diag_error(cx.diag)) == QL_OK &&
            ql_wire_flush(&cx, &w, QL_NO_WAIT) == QL_OK) {
            ql_wire_linger(&cx, &w, 0);
        }
        ql_intr_fini(&intr);
    }
    ql_wire_close(&w);
    ql_diag_free(cx.diag);
}
