/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection from accepted socket to nothing: set up, log in, command loop, release. Runs on the
 * thread that server/ gave it. While it waits for a command no statement runs, so that only the
 * reasons of the connection can end the wait.
 */
#include "session/session.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "session/session_int.h"
#include "txn/mdl.h"
#include "txn/txn.h"

#define SLIM_AFTER_MS 1000  /* idle that long: memory and the event descriptor go back */
#define SLIM_AFTER_SCARCE 2 /* the same when descriptors are scarce */
#define SPARE_DESCRIPTORS 512
#define UNPARK_TRIES 40
#define UNPARK_PAUSE_MS 25
#define LINGER_MS 200
#define LATE_NS ((int64_t)1000000000) /* a Ctrl-C follows its login that soon */

uint64_t
qli_setting(ql_session *s, const char *name, uint64_t otherwise)
{
    ql_value v;
    int id = ql_sysvar_find((ql_str){name, strlen(name)});
    if (id < 0) {
        return otherwise;
    }
    if (!ql_sysvar_is_session((ql_sysvar_id)id)) {
        return ql_sysvar_global_u64(s->cx.inst, (ql_sysvar_id)id);
    }
    if (ql_sysvar_get(&s->cx, (ql_sysvar_id)id, false, &v) != QL_OK || v.kind != QL_K_INT) {
        return otherwise;
    }
    return v.u;
}

/* ---- set up ---- */

/* What the connection timeouts and limits are now: SET may have changed them. */
static void
take_limits(ql_session *s)
{
    s->wire.max_packet = s->logged_in ? s->vars.max_allowed_packet : 1u << 20;
    s->wire.read_timeout_ms = s->vars.net_read_timeout * 1000;
    s->wire.write_timeout_ms = s->vars.net_write_timeout * 1000;
    uint64_t memory = ql_vars_u64(&s->vars, QL_SV_CONNECTION_MEMORY_LIMIT);
    s->quota.limit = s->kept.limit = memory < SIZE_MAX ? (size_t)memory : 0;
}

static ql_status
open_memory(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    s->diag_now = cx->diag = ql_diag_new();
    s->diag_last = ql_diag_new();
    if (s->diag_now == NULL || s->diag_last == NULL) {
        return QL_ERROR; /* nothing to word it in */
    }
    qli_limit_open_memory(s);
    s->arena = ql_arena_new("session", &s->kept);
    s->login_arena = ql_arena_new("login", &s->kept);
    cx->arena = ql_arena_new("statement", &s->quota);
    cx->mdl = ql_mdl_set_new();
    if (s->arena == NULL || s->login_arena == NULL || cx->arena == NULL || cx->mdl == NULL) {
        return ql_fail_oom(cx, 0);
    }
    return QL_OK;
}

static ql_status
open_session(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    const char *host = s->start->is_unix ? "localhost" : s->start->address;
    QL_TRY(open_memory(s));
    QL_TRY(ql_vars_init(cx, &s->vars, s->arena));
    cx->vars = &s->vars;
    cx->proc = ql_proc_add(cx, cx->inst->procs, &s->intr, s->wire.net.fd, host);
    if (cx->proc == NULL) {
        return QL_ERROR;
    }
    s->vars.thread_id = s->quota.owner = ql_proc_id(cx->proc);
    s->vars.kept = &s->kept;
    ql_log_set_connection(s->vars.thread_id);
    ql_proc_set_memory(cx->proc, &s->quota);
    take_limits(s);
    return QL_OK;
}

/* ---- command loop ---- */

/* Memory that an idle connection does not need. */
static void
slim(ql_session *s)
{
    ql_arena *fresh = ql_arena_new("statement", &s->quota);
    if (fresh != NULL) {
        ql_arena_free(s->cx.arena);
        s->cx.arena = fresh;
    }
    ql_buf_free(&s->text);
    ql_wire_sink_fini(&s->sink);
    ql_wire_release(&s->wire);
}

static void
become_idle(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_arena_reset(cx->arena);
    cx->sink = NULL;
    ql_diag_reset(s->diag_now);
    cx->diag = s->diag_now;
    (void)qli_show_idle(s);
    ql_proc_forget_info(cx->proc);
    take_limits(s);
    ql_wire_restart(&s->wire);
    ql_txn_set_idle(cx, true);
}

/* Two descriptors for each connection, a socket and an event: are there enough for all? */
static bool
descriptors_are_scarce(ql_session *s)
{
    uint64_t limit = s->env->fd_limit;
    return limit != 0 && 2 * ql_procs_count(s->cx.inst->procs) + SPARE_DESCRIPTORS > limit;
}

/* An event descriptor for the command that has come. When none is left, others park in a moment. */
static ql_status
unpark(ql_session *s)
{
    ql_ctx *cx = &s->cx;
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
wait_command(ql_session *s, int *first)
{
    ql_deadline dl = ql_deadline_ms((int64_t)s->vars.wait_timeout * 1000);
    ql_deadline soon =
        ql_deadline_ms(descriptors_are_scarce(s) ? SLIM_AFTER_SCARCE : SLIM_AFTER_MS);
    if (soon < dl) {
        ql_status st = ql_wire_wait(&s->cx, &s->wire, soon, false, first);
        if (st != QL_TIMEOUT) {
            return st;
        }
        slim(s);
    }
    ql_intr_park(&s->intr, s->wire.net.fd);
    ql_status st = ql_wire_wait(&s->cx, &s->wire, dl, true, first);
    if (st == QL_END ||
        st == QL_KILLED) { /* it ends: thousands that end at once wait for nothing */
        if (ql_intr_unpark(&s->cx) != QL_OK) {
            ql_diag_reset(s->cx.diag);
        }
        return st;
    }
    ql_status back = unpark(s);
    return st == QL_OK ? back : st;
}

/* The rest of a command that has begun. It can be killed already, but its kill is acted upon when
 * all of it is there: the client hears of nothing before it has sent everything. */
static ql_status
receive_command(ql_session *s, ql_str *payload)
{
    ql_deadline dl = ql_deadline_ms((int64_t)s->wire.read_timeout_ms);
    if (ql_wire_is_whole(&s->wire)) {
        return ql_wire_read(&s->cx, &s->wire, dl, QL_W_NET_READ, payload);
    }
    ql_hold(&s->cx, QL_INTR_STMT_MASK);
    ql_status st = ql_wire_read(&s->cx, &s->wire, dl, QL_W_NET_READ, payload);
    ql_unhold(&s->cx, QL_INTR_STMT_MASK);
    return st;
}

static ql_status
read_command(ql_session *s, ql_str *payload)
{
    int first;
    QL_TRY(wait_command(s, &first));
    qli_target_open(s, first);
    return receive_command(s, payload);
}

/* No command came; say why, as far as there is somebody to tell. */
static void
end_idle(ql_session *s, ql_status st)
{
    ql_ctx *cx = &s->cx;
    s->end = QLI_END_ABORTED;
    qli_target_close(s);
    switch (st) {
    case QL_TIMEOUT:
        (void)ql_fail(cx, QL_ER_CLIENT_INTERACTION_TIMEOUT);
        qli_reply_failure(s, QL_ERROR);
        break;
    case QL_ERROR:
        qli_reply_failure(s, QL_ERROR);
        ql_wire_linger(cx, &s->wire, LINGER_MS);
        break;
    default: /* closed by the peer, or cut by a kill or the shutdown */
        break;
    }
}

static void
command_loop(ql_session *s)
{
    while (s->end == QLI_END_NONE) {
        ql_str payload;
        become_idle(s);
        ql_status st = read_command(s, &payload);
        ql_txn_set_idle(&s->cx, false);
        if (st != QL_OK) {
            end_idle(s, st);
            return;
        }
        qli_command_run(s, payload);
        qli_target_close(s);
        s->commands++;
        if (ql_intr_conn_reason(&s->intr) != 0 && s->end == QLI_END_NONE) {
            s->end = QLI_END_ABORTED;
        }
    }
}

/* ---- release, in the order of KILL.md section 3 ---- */

/* As MySQL: a note, and nothing for those who were killed (kill-facts). */
static void
log_aborted(ql_session *s)
{
    const ql_condition *c = ql_diag_error(s->cx.diag);
    const ql_login *l = &s->login;
    if (ql_intr_conn_reason(&s->intr) & (QL_INTR_CONN | QL_INTR_SHUTDOWN)) {
        return;
    }
    ql_log_write(s->cx.inst->log, QL_LOG_NOTE,
                 "Aborted connection %llu to db: '%.*s' user: '%.*s' host: '%.*s' (%s).",
                 (unsigned long long)s->vars.thread_id, (int)s->vars.db.n, s->vars.db.p,
                 (int)l->user.n, l->user.p, (int)l->host.n, l->host.p,
                 c != NULL ? c->text : "Got an error reading communication packets");
}

static void
count_end(ql_session *s)
{
    qli_count_bytes(s);
    if (!s->logged_in) {
        ql_count(&s->cx, QL_CT_ABORTED_CONNECTS, 1);
    } else if (s->end == QLI_END_ABORTED) {
        ql_count(&s->cx, QL_CT_ABORTED_CLIENTS, 1);
        log_aborted(s);
    }
}

/* The steps, in the order of KILL.md section 3. A test stops before each of them (the sync points)
 * and looks what is free by then and what is not yet. cx->vars is set. Nothing here waits. */
static void
release_all(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_status ignored = QL_OK;
    ql_net_cut(&s->wire.net); /* the peer sees the end now; the number stays ours */
    ignored = QL_SYNC(cx, SESSION_END_PREPARED);
    qli_prepared_free_all(s);
    ignored = QL_SYNC(cx, SESSION_END_TRANSACTION);
    qli_txn_rollback(s);
    ignored = QL_SYNC(cx, SESSION_END_LOCKS);
    ql_locked_tables_release(cx);
    ql_read_lock_release(cx);
    ignored = QL_SYNC(cx, SESSION_END_USER_LOCKS);
    ql_mdl_set_free(cx, cx->mdl);
    cx->mdl = NULL;
    ignored = QL_SYNC(cx, SESSION_END_VARIABLES);
    (void)ignored;
    ql_acl_disconnect(cx);
    ql_acl_end_session(cx);
    ql_vars_fini(&s->vars);
    cx->vars = NULL;
    ql_temporary_drop_all(cx);
}

/* Did the connection end because its client closed or reset it, without a word? */
static bool
client_vanished(const ql_session *s)
{
    uint32_t reason = ql_intr_conn_reason(&s->intr);
    return reason == QL_INTR_GONE || (reason == 0 && s->end != QLI_END_QUIT && s->wire.net.broken);
}

static void
close_session(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    if (cx->proc != NULL && client_vanished(s)) {
        ql_proc_set_vanished(cx->proc);
    }
    ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    if (cx->vars != NULL) {
        count_end(s);
        release_all(s);
    } else {
        ql_net_cut(&s->wire.net);
        if (cx->mdl != NULL) {
            ql_mdl_set_free(cx, cx->mdl);
            cx->mdl = NULL;
        }
    }
    ql_sync_session_end(cx);
    if (cx->proc != NULL) {
        ql_proc_remove(cx->inst->procs, cx->proc);
        cx->proc = NULL;
    }
    if (s->env->login_over != NULL) {
        s->env->login_over(s->start);
    }
    ql_wire_close(&s->wire);
    ql_wire_sink_fini(&s->sink);
    ql_buf_free(&s->text);
    ql_arena_free(cx->arena);
    ql_arena_free(s->login_arena);
    ql_arena_free(s->arena);
    ql_diag_free(s->diag_now);
    ql_diag_free(s->diag_last);
    qli_limit_close_memory(s);
    ql_intr_fini(&s->intr);
    ql_mem_free(s);
    ql_log_set_connection(0);
}

static void
give_up(const ql_session_start *start)
{
    if (start->env->login_over != NULL) {
        start->env->login_over(start);
    }
    ql_session_refuse(start->env->inst, start->fd);
}

void
ql_session_run(const ql_session_start *start)
{
    ql_session *s = ql_mem_zalloc(sizeof *s);
    ql_ctx early = {.inst = start->env->inst};
    early.diag = ql_diag_new();
    if (s == NULL || early.diag == NULL || ql_intr_init(&early, &s->intr) != QL_OK) {
        ql_diag_free(early.diag);
        ql_mem_free(s);
        give_up(start);
        return;
    }
    ql_diag_free(early.diag);
    s->env = start->env;
    s->start = start;
    s->cx.inst = start->env->inst;
    s->cx.intr = &s->intr;
    s->cx.look = ql_intr_look;
    s->cx.session = s;
    ql_wire_init(&s->wire, start->fd);
    if (open_session(s) == QL_OK) {
        if (start->fd < 0) {
            qli_script_run(s);
        } else if (qli_login(s)) {
            command_loop(s);
        }
    }
    close_session(s);
}

void
ql_session_refuse(ql_instance *inst, int fd)
{
    ql_intr intr;
    ql_ctx cx = {.inst = inst, .intr = &intr, .diag = ql_diag_new()};
    ql_wire w;
    ql_wire_init(&w, fd);
    if (cx.diag != NULL && ql_intr_init(&cx, &intr) == QL_OK) {
        (void)ql_fail(&cx, QL_ER_CON_COUNT_ERROR);
        if (ql_reply_error(&cx, &w, 0, ql_diag_error(cx.diag)) == QL_OK &&
            ql_wire_flush(&cx, &w, QL_NO_WAIT) == QL_OK) {
            ql_wire_linger(&cx, &w, 0);
        }
        ql_intr_fini(&intr);
    }
    ql_wire_close(&w);
    ql_diag_free(cx.diag);
}

/* ---- what exec asks of the session ---- */

static ql_status
ops_commit(ql_ctx *cx)
{
    ql_session *s = cx->session;
    ql_status st = qli_txn_commit(s);
    s->layer_open = true; /* exec opens its own when it goes on */
    return st;
}

static void
ops_rollback(ql_ctx *cx)
{
    qli_txn_rollback(cx->session);
}

static void
ops_request_shutdown(ql_ctx *cx)
{
    cx->session->stops_server = true;
}

static uint64_t
ops_kill_late_as(ql_ctx *cx)
{
    const ql_session *s = cx->session;
    bool first = s->commands == 0 && s->whole_text && !s->silent;
    return first && s->command_ns - s->login_ns <= LATE_NS ? s->start->accepted_as : 0;
}

static bool
ops_client_found_rows(ql_ctx *cx)
{
    return cx->session->login.caps & QL_CAP_FOUND_ROWS;
}

const ql_session_ops qli_session_ops = {
    .commit = ops_commit,
    .rollback = ops_rollback,
    .prepare = qli_sql_prepare,
    .execute = qli_sql_execute,
    .deallocate = qli_sql_deallocate,
    .request_shutdown = ops_request_shutdown,
    .kill_late_as = ops_kill_late_as,
    .client_found_rows = ops_client_found_rows,
    .file_allowed = qli_file_allowed,
    .file_request = qli_file_request,
    .file_read = qli_file_read,
};
