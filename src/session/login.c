/* SPDX-License-Identifier: Apache-2.0
 *
 * From the greeting to the OK packet of the login, and COM_CHANGE_USER: authentication is proto's,
 * what it makes of the session is here.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "intr/proc.h"
#include "session/session_int.h"

#define REFUSED_PER_SECOND 10 /* lines in the log */

static ql_str
str_of(const char *p)
{
    return (ql_str){p, strlen(p)};
}

/* What the account table looks for. */
static ql_str
address_of(const ql_session_start *start)
{
    return start->is_unix ? QL_STR("localhost") : str_of(start->address);
}

/* How the peer is called. */
static ql_str
peer_of(const ql_session_start *start)
{
    bool local = start->is_unix || strcmp(start->address, "127.0.0.1") == 0 ||
                 strcmp(start->address, "::1") == 0;
    return local ? QL_STR("localhost") : str_of(start->address);
}

/* Is an algorithm in protocol_compression_algorithms? */
static bool
offers_compression(ql_session *s, const char *name)
{
    ql_value v;
    if (ql_sysvar_get(&s->cx, QL_SV_PROTOCOL_COMPRESSION_ALGORITHMS, true, &v) != QL_OK ||
        v.kind != QL_K_STRING) {
        return false;
    }
    return memmem(v.s.p, v.s.n, name, strlen(name)) != NULL;
}

static void
heard(void *arg)
{
    ql_session *s = arg;
    if (s->env->login_heard != NULL) {
        s->env->login_heard(s->start);
    }
}

static ql_handshake_conf
handshake_conf(ql_session *s)
{
    uint64_t seconds = qli_setting(s, "connect_timeout", 10);
    return (ql_handshake_conf){.version = s->env->version,
                               .conn_id = s->vars.thread_id,
                               .tls = s->env->tls,
                               .require_tls = qli_setting(s, "require_secure_transport", 0) != 0,
                               .is_unix = s->start->is_unix,
                               .peer = address_of(s->start),
                               .peer_name = peer_of(s->start),
                               .zlib = offers_compression(s, "zlib"),
                               .zstd = offers_compression(s, "zstd"),
                               .deadline = ql_deadline_ms((int64_t)seconds * 1000),
                               .heard = heard,
                               .heard_arg = s};
}

/* "user@host" in the session arena. */
static ql_status
join_user(ql_session *s, ql_str user, ql_str host, ql_str *out)
{
    char *p = ql_arena_printf(&s->cx, s->login_arena, "%.*s@%.*s", (int)user.n, user.p, (int)host.n,
                              host.p);
    if (p == NULL) {
        return QL_ERROR;
    }
    *out = str_of(p);
    return QL_OK;
}

static void
show_user(ql_session *s)
{
    char host[96];
    uint64_t flags = qli_has_privilege(s, "SYSTEM_USER") ? QL_PROC_SYSTEM_USER : 0;
    if (s->start->is_unix) {
        (void)snprintf(host, sizeof host, "localhost");
    } else {
        (void)snprintf(host, sizeof host, "%.*s:%u", (int)s->login.host.n, s->login.host.p,
                       s->start->port);
    }
    ql_proc_set_user(s->cx.proc, s->login.user, str_of(host), flags);
    ql_proc_set_client(s->cx.proc, &(ql_proc_client){.account_user = s->login.account.user,
                                                     .account_host = s->login.account.host,
                                                     .peer = s->login.host,
                                                     .has_attrs = s->login.has_attrs,
                                                     .pid = s->login.pid,
                                                     .program = s->login.program});
}

bool
qli_has_privilege(const ql_session *s, const char *name)
{
    int id = ql_privilege_find(str_of(name));
    return id >= 0 && ql_privs_has(&s->login.account.privs, (ql_privilege)id);
}

static ql_status
take_charset(ql_session *s)
{
    const ql_collation *c = ql_collation_by_id(s->login.charset);
    if (c == NULL) {
        return QL_OK; /* unknown to us: the server's defaults stay */
    }
    return ql_vars_set_names(&s->cx, str_of(c->charset->name), str_of(c->name));
}

/* The account becomes the session's. */
static ql_status
take_login(ql_session *s)
{
    ql_vars *v = &s->vars;
    const ql_account *account = &s->login.account;
    v->viewer = (ql_viewer){.conn_id = v->thread_id, .user = s->login.user};
    ql_acl_set_session(&s->cx, account);
    QL_TRY(s->start->is_admin ? QL_OK : ql_acl_connect(&s->cx, account)); /* never counted */
    QL_TRY(join_user(s, account->user, account->host, &v->current_user));
    QL_TRY(join_user(s, s->login.user, s->login.host, &v->login_user));
    s->multi_statements = s->login.caps & QL_CAP_MULTI_STATEMENTS;
    if (s->login.caps & QL_CAP_INTERACTIVE) {
        v->wait_timeout = v->interactive_timeout;
    }
    v->ssl_version = ql_tls_version(s->wire.net.ssl);
    v->ssl_cipher = ql_tls_cipher(s->wire.net.ssl);
    show_user(s);
    return take_charset(s);
}

static ql_status
take_database(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_str db = s->login.db;
    if (db.n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_acl_require_entry(cx, db));
    if (!ql_catalog_has_database(cx, db)) {
        const char *name = ql_arena_strndup(cx, s->login_arena, db.p, db.n);
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, name != NULL ? name : "");
    }
    QL_TRY(ql_catalog_use(cx, db));
    ql_proc_set_db(cx->proc, db);
    return QL_OK;
}

static ql_status
admit(ql_session *s, bool privileged)
{
    if (s->env->admit == NULL || s->env->admit(s->start, privileged)) {
        return QL_OK;
    }
    ql_count(&s->cx, QL_CT_CONNECTION_ERRORS_MAX, 1);
    return ql_fail(&s->cx, QL_ER_CON_COUNT_ERROR);
}

/* Too many of them? The administrative port is never counted, but not for everybody. */
static ql_status
check_limits(ql_session *s)
{
    bool service = qli_has_privilege(s, "SERVICE_CONNECTION_ADMIN");
    if (s->start->is_admin) {
        return service ? admit(s, true)
                       : ql_fail(&s->cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR,
                                 "SERVICE_CONNECTION_ADMIN");
    }
    bool privileged =
        service || qli_has_privilege(s, "CONNECTION_ADMIN") || qli_has_privilege(s, "SUPER");
    return admit(s, privileged);
}

static ql_status
enter(ql_session *s)
{
    QL_TRY(check_limits(s));
    QL_TRY(take_login(s));
    return take_database(s);
}

/* Statements of init_connect, for everybody but administrators (manual, "init_connect"). When one
 * fails the connection ends and the log says why. */
static bool
run_init_connect(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_value v;
    if (qli_has_privilege(s, "CONNECTION_ADMIN") || qli_has_privilege(s, "SUPER") ||
        ql_sysvar_get(cx, QL_SV_INIT_CONNECT, true, &v) != QL_OK || v.kind != QL_K_STRING ||
        v.s.n == 0) {
        return true;
    }
    char *text = ql_arena_strndup(cx, s->login_arena, v.s.p, v.s.n);
    qli_target_open(s, QL_COM_QUERY);
    if (text != NULL && qli_stmt_silent(s, (ql_str){text, v.s.n})) {
        return true;
    }
    const ql_condition *c = ql_diag_error(s->diag_last);
    ql_log_write(cx->inst->log, QL_LOG_WARNING, "init_connect failed for user '%.*s': %s",
                 (int)s->login.user.n, s->login.user.p, c != NULL ? c->text : "out of memory");
    return false;
}

/* A login was refused: who, from where, why; the log may know more than the client is told. */
static void
log_refused(ql_session *s, const ql_login *l)
{
    const ql_condition *c = ql_diag_error(s->cx.diag);
    ql_str host = peer_of(s->start);
    uint32_t missed;
    if (c != NULL && c->number == QL_ER_ACCESS_DENIED_ERROR) {
        ql_count(&s->cx, QL_CT_ACCESS_DENIED, 1);
    }
    if (!ql_log_may(&s->env->refused, REFUSED_PER_SECOND, &missed)) {
        return;
    }
    ql_log_write(s->cx.inst->log, QL_LOG_WARNING, "Login of '%.*s'@'%.*s' refused: %s%s%s",
                 (int)l->user.n, l->user.p, (int)host.n, host.p,
                 c != NULL ? c->text : "out of memory", l->why != NULL ? " Reason: " : "",
                 l->why != NULL ? l->why : "");
    if (missed != 0) {
        ql_log_write(s->cx.inst->log, QL_LOG_WARNING, "%u more logins were refused before this",
                     missed);
    }
}

/* It has neither succeeded nor been refused. */
static void
log_unfinished(ql_session *s, ql_status st)
{
    ql_str host = peer_of(s->start);
    uint32_t missed;
    if (ql_log_may(&s->env->unfinished, REFUSED_PER_SECOND, &missed)) {
        ql_log_write(s->cx.inst->log, QL_LOG_NOTE, "Login from '%.*s' ended: %s.", (int)host.n,
                     host.p,
                     st == QL_TIMEOUT  ? "not finished within connect_timeout"
                     : st == QL_KILLED ? "killed, or the server stops"
                                       : "the connection was closed");
    }
}

bool
qli_login(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_handshake_conf conf = handshake_conf(s);
    s->command = QL_PC_CONNECT;
    ql_proc_set_stage(cx->proc, QL_STAGE_LOGIN);
    ql_status st = ql_handshake(cx, &s->wire, &conf, s->login_arena, &s->login);
    if (s->wire.net.ssl != NULL) {
        ql_count(cx, QL_CT_SSL_ACCEPTS, 1); /* before anybody can see the answer */
    }
    if (st == QL_OK) {
        st = enter(s);
    }
    if (st == QL_OK) {
        ql_reply r = qli_reply_state(s, false);
        st = ql_reply_ok(cx, &s->wire, &r, NULL);
        qli_reply_flush(s, st, conf.deadline);
        s->wire.zip.kind = s->login.zip;
        s->wire.zip.level = s->login.zip_level;
    } else if (st == QL_ERROR) {
        log_refused(s, &s->login);
        if (s->login.caps == 0) {
            s->login.caps = QL_CAP_PROTOCOL_41;
        }
        qli_reply_failure(s, st);
        ql_wire_linger(cx, &s->wire, 200);
        s->end = QLI_END_ABORTED;
    } else {
        log_unfinished(s, st);
        s->end = QLI_END_ABORTED;
    }
    if (s->wire.net.ssl != NULL) {
        ql_proc_set_owner_cuts(cx->proc);
    }
    s->logged_in = s->end == QLI_END_NONE;
    if (s->logged_in && !run_init_connect(s)) {
        s->end = QLI_END_ABORTED;
    }
    qli_target_close(s);
    s->login_ns = ql_now_mono_ns();
    return s->end == QLI_END_NONE;
}

ql_status
qli_session_clear(ql_session *s)
{
    ql_arena *kept = s->login_arena;
    ql_str user = s->vars.current_user, login = s->vars.login_user;
    ql_viewer viewer = s->vars.viewer;
    uint64_t id = s->vars.thread_id;
    qli_txn_rollback(s);
    qli_release_locks(s);
    ql_temporary_drop_all(&s->cx);
    qli_prepared_free_all(s);
    QL_TRY(ql_vars_reset(&s->cx, &s->vars));
    s->login_arena = kept;
    s->vars.current_user = user;
    s->vars.login_user = login;
    s->vars.viewer = viewer;
    s->vars.thread_id = id;
    return take_charset(s);
}

void
qli_change_user(ql_session *s, ql_str payload)
{
    ql_ctx *cx = &s->cx;
    ql_handshake_conf conf = handshake_conf(s);
    ql_login login = s->login;
    ql_arena *arena = ql_arena_new("login", &s->kept);
    ql_status st = arena != NULL ? QL_OK : ql_fail_oom(cx, 0);
    if (st == QL_OK) {
        st = ql_handshake_change_user(cx, &s->wire, &conf, arena, payload, &login);
    }
    if (st == QL_OK) {
        ql_arena *old = s->login_arena;
        s->login = login;
        s->login_arena = arena;
        arena = NULL;
        st = qli_session_clear(s);
        if (st == QL_OK) {
            st = ql_catalog_use(cx, (ql_str){"", 0});
            ql_proc_set_db(cx->proc, (ql_str){NULL, 0});
        }
        if (st == QL_OK) {
            st = enter(s);
        }
        ql_arena_free(old);
    }
    if (st == QL_ERROR) {
        log_refused(s, &login);
    }
    ql_arena_free(arena);
    if (st != QL_OK) {
        if (st == QL_ERROR || st == QL_KILLED) {
            qli_reply_failure(s, st);
        }
        s->end = QLI_END_ABORTED; /* as MySQL: a failed change ends the connection */
        return;
    }
    ql_reply r = qli_reply_state(s, false);
    qli_reply_flush(s, ql_reply_ok(cx, &s->wire, &r, NULL), ql_wire_write_deadline(&s->wire));
}
