/* SPDX-License-Identifier: Apache-2.0
 *
 * From the greeting to the OK packet of the login, and COM_CHANGE_USER: authentication is proto's,
 * what it makes of the session is here.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "connection/connection_int.h"
#include "intr/proc.h"

#define REFUSED_PER_SECOND 10 /* lines in the log */

static ql_str
str_of(const char *p)
{
    return (ql_str){p, strlen(p)};
}

/* What the account table looks for. */
static ql_str
address_of(const ql_connection_start *start)
{
    return start->is_unix ? QL_STR("localhost") : str_of(start->address);
}

/* How the peer is called. */
static ql_str
peer_of(const ql_connection_start *start)
{
    bool local = start->is_unix || strcmp(start->address, "127.0.0.1") == 0 ||
                 strcmp(start->address, "::1") == 0;
    return local ? QL_STR("localhost") : str_of(start->address);
}

/* Is an algorithm in protocol_compression_algorithms? */
static bool
offers_compression(ql_connection *c, const char *name)
{
    ql_value v;
    if (ql_sysvar_get(&c->s.cx, QL_SV_PROTOCOL_COMPRESSION_ALGORITHMS, true, &v) != QL_OK ||
        v.kind != QL_K_STRING) {
        return false;
    }
    return memmem(v.s.p, v.s.n, name, strlen(name)) != NULL;
}

static void
heard(void *arg)
{
    ql_connection *c = arg;
    if (c->env->login_heard != NULL) {
        c->env->login_heard(c->start);
    }
}

static ql_handshake_conf
handshake_conf(ql_connection *c)
{
    uint64_t seconds = ql_session_setting(&c->s, "connect_timeout", 10);
    return (ql_handshake_conf){.version = c->env->version,
                               .conn_id = c->s.vars.thread_id,
                               .tls = c->env->tls,
                               .require_tls =
                                   ql_session_setting(&c->s, "require_secure_transport", 0) != 0,
                               .is_unix = c->start->is_unix,
                               .peer = address_of(c->start),
                               .peer_name = peer_of(c->start),
                               .zlib = offers_compression(c, "zlib"),
                               .zstd = offers_compression(c, "zstd"),
                               .deadline = ql_deadline_ms((int64_t)seconds * 1000),
                               .heard = heard,
                               .heard_arg = c};
}

static bool
has_privilege(const ql_connection *c, const char *name)
{
    int id = ql_privilege_find(str_of(name));
    return id >= 0 && ql_privs_has(&c->login.account.privs, (ql_privilege)id);
}

static void
show_user(ql_connection *c)
{
    char host[96];
    uint64_t flags = has_privilege(c, "SYSTEM_USER") ? QL_PROC_SYSTEM_USER : 0;
    if (c->start->is_unix) {
        (void)snprintf(host, sizeof host, "localhost");
    } else {
        (void)snprintf(host, sizeof host, "%.*s:%u", (int)c->login.host.n, c->login.host.p,
                       c->start->port);
    }
    ql_proc_set_user(c->s.cx.proc, c->login.user, str_of(host), flags);
    ql_proc_set_client(c->s.cx.proc, &(ql_proc_client){.account_user = c->login.account.user,
                                                       .account_host = c->login.account.host,
                                                       .peer = c->login.host,
                                                       .has_attrs = c->login.has_attrs,
                                                       .pid = c->login.pid,
                                                       .program = c->login.program});
}

static ql_status
take_charset(ql_connection *c)
{
    const ql_collation *coll = ql_collation_by_id(c->login.charset);
    if (coll == NULL) {
        return QL_OK; /* unknown to us: the server's defaults stay */
    }
    return ql_vars_set_names(&c->s.cx, str_of(coll->charset->name), str_of(coll->name));
}

/* The account becomes the session's. */
static ql_status
take_login(ql_connection *c)
{
    ql_vars *v = &c->s.vars;
    const ql_account *account = &c->login.account;
    QL_TRY(ql_session_set_account(&c->s, c->login_arena, account, c->login.user, c->login.host));
    QL_TRY(c->start->is_admin ? QL_OK : ql_acl_connect(&c->s.cx, account)); /* never counted */
    c->s.multi_statements = c->login.caps & QL_CAP_MULTI_STATEMENTS;
    if (c->login.caps & QL_CAP_INTERACTIVE) {
        v->wait_timeout = v->interactive_timeout;
    }
    v->ssl_version = ql_tls_version(c->wire.net.ssl);
    v->ssl_cipher = ql_tls_cipher(c->wire.net.ssl);
    show_user(c);
    return take_charset(c);
}

static ql_status
admit(ql_connection *c, bool privileged)
{
    if (c->env->admit == NULL || c->env->admit(c->start, privileged)) {
        return QL_OK;
    }
    ql_count(&c->s.cx, QL_CT_CONNECTION_ERRORS_MAX, 1);
    return ql_fail(&c->s.cx, QL_ER_CON_COUNT_ERROR);
}

/* Too many of them? The administrative port is never counted, but not for everybody. */
static ql_status
check_limits(ql_connection *c)
{
    bool service = has_privilege(c, "SERVICE_CONNECTION_ADMIN");
    if (c->start->is_admin) {
        return service ? admit(c, true)
                       : ql_fail(&c->s.cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR,
                                 "SERVICE_CONNECTION_ADMIN");
    }
    bool privileged = service || has_privilege(c, "CONNECTION_ADMIN") || has_privilege(c, "SUPER");
    return admit(c, privileged);
}

static ql_status
enter(ql_connection *c)
{
    QL_TRY(check_limits(c));
    QL_TRY(take_login(c));
    return c->login.db.n != 0 ? ql_session_use(&c->s, c->login.db) : QL_OK;
}

/* Statements of init_connect, for everybody but administrators (manual, "init_connect"). When one
 * fails the connection ends and the log says why. */
static bool
run_init_connect(ql_connection *c)
{
    ql_ctx *cx = &c->s.cx;
    ql_value v;
    if (has_privilege(c, "CONNECTION_ADMIN") || has_privilege(c, "SUPER") ||
        ql_sysvar_get(cx, QL_SV_INIT_CONNECT, true, &v) != QL_OK || v.kind != QL_K_STRING ||
        v.s.n == 0) {
        return true;
    }
    char *text = ql_arena_strndup(cx, c->login_arena, v.s.p, v.s.n);
    qli_target_open(c, QL_COM_QUERY);
    if (text != NULL && ql_session_query_silent(&c->s, (ql_str){text, v.s.n})) {
        return true;
    }
    const ql_condition *e = ql_diag_error(c->s.diag_last);
    ql_log_write(cx->inst->log, QL_LOG_WARNING, "init_connect failed for user '%.*s': %s",
                 (int)c->login.user.n, c->login.user.p, e != NULL ? e->text : "out of memory");
    return false;
}

/* A login was refused: who, from where, why; the log may know more than the client is told. */
static void
log_refused(ql_connection *c, const ql_login *l)
{
    const ql_condition *e = ql_diag_error(c->s.cx.diag);
    ql_str host = peer_of(c->start);
    uint32_t missed;
    if (e != NULL && e->number == QL_ER_ACCESS_DENIED_ERROR) {
        ql_count(&c->s.cx, QL_CT_ACCESS_DENIED, 1);
    }
    if (!ql_log_may(&c->env->refused, REFUSED_PER_SECOND, &missed)) {
        return;
    }
    ql_log_write(c->s.cx.inst->log, QL_LOG_WARNING, "Login of '%.*s'@'%.*s' refused: %s%s%s",
                 (int)l->user.n, l->user.p, (int)host.n, host.p,
                 e != NULL ? e->text : "out of memory", l->why != NULL ? " Reason: " : "",
                 l->why != NULL ? l->why : "");
    if (missed != 0) {
        ql_log_write(c->s.cx.inst->log, QL_LOG_WARNING, "%u more logins were refused before this",
                     missed);
    }
}

/* It has neither succeeded nor been refused. */
static void
log_unfinished(ql_connection *c, ql_status st)
{
    ql_str host = peer_of(c->start);
    uint32_t missed;
    if (ql_log_may(&c->env->unfinished, REFUSED_PER_SECOND, &missed)) {
        ql_log_write(c->s.cx.inst->log, QL_LOG_NOTE, "Login from '%.*s' ended: %s.", (int)host.n,
                     host.p,
                     st == QL_TIMEOUT  ? "not finished within connect_timeout"
                     : st == QL_KILLED ? "killed, or the server stops"
                                       : "the connection was closed");
    }
}

bool
qli_login(ql_connection *c)
{
    ql_ctx *cx = &c->s.cx;
    ql_handshake_conf conf = handshake_conf(c);
    c->s.command = QL_PC_CONNECT;
    ql_proc_set_stage(cx->proc, QL_STAGE_LOGIN);
    ql_status st = ql_handshake(cx, &c->wire, &conf, c->login_arena, &c->login);
    if (c->wire.net.ssl != NULL) {
        ql_count(cx, QL_CT_SSL_ACCEPTS, 1); /* before anybody can see the answer */
    }
    if (st == QL_OK) {
        st = enter(c);
    }
    if (st == QL_OK) {
        ql_reply r = qli_reply_state(c, false);
        st = ql_reply_ok(cx, &c->wire, &r, NULL);
        qli_reply_flush(c, st, conf.deadline);
        c->wire.zip.kind = c->login.zip;
        c->wire.zip.level = c->login.zip_level;
    } else if (st == QL_ERROR) {
        log_refused(c, &c->login);
        if (c->login.caps == 0) {
            c->login.caps = QL_CAP_PROTOCOL_41;
        }
        qli_reply_failure(c, st);
        ql_wire_linger(cx, &c->wire, 200);
        c->s.end = QL_END_ABORTED;
    } else {
        log_unfinished(c, st);
        c->s.end = QL_END_ABORTED;
    }
    if (c->wire.net.ssl != NULL) {
        ql_proc_set_owner_cuts(cx->proc);
    }
    c->logged_in = c->s.end == QL_END_NONE;
    if (c->logged_in && !run_init_connect(c)) {
        c->s.end = QL_END_ABORTED;
    }
    ql_session_target_close(&c->s);
    c->login_ns = ql_now_mono_ns();
    return c->s.end == QL_END_NONE;
}

ql_status
qli_clear(ql_connection *c)
{
    QL_TRY(ql_session_clear(&c->s));
    return take_charset(c);
}

void
qli_change_user(ql_connection *c, ql_str payload)
{
    ql_ctx *cx = &c->s.cx;
    ql_handshake_conf conf = handshake_conf(c);
    ql_login login = c->login;
    ql_arena *arena = ql_arena_new("login", &c->s.kept);
    ql_status st = arena != NULL ? QL_OK : ql_fail_oom(cx, 0);
    if (st == QL_OK) {
        st = ql_handshake_change_user(cx, &c->wire, &conf, arena, payload, &login);
    }
    if (st == QL_OK) {
        ql_arena *old = c->login_arena;
        c->login = login;
        c->login_arena = arena;
        arena = NULL;
        st = qli_clear(c);
        if (st == QL_OK) {
            st = ql_catalog_use(cx, (ql_str){"", 0});
            ql_proc_set_db(cx->proc, (ql_str){NULL, 0});
        }
        if (st == QL_OK) {
            st = enter(c);
        }
        ql_arena_free(old);
    }
    if (st == QL_ERROR) {
        log_refused(c, &login);
    }
    ql_arena_free(arena);
    if (st != QL_OK) {
        if (st == QL_ERROR || st == QL_KILLED) {
            qli_reply_failure(c, st);
        }
        c->s.end = QL_END_ABORTED; /* as MySQL: a failed change ends the connection */
        return;
    }
    ql_reply r = qli_reply_state(c, false);
    qli_reply_flush(c, ql_reply_ok(cx, &c->wire, &r, NULL), ql_wire_write_deadline(&c->wire));
}
