/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's life: set up, account and database, and the release of what it holds, in the order in
 * which others may wait for it.
 */
#include "session/session.h"

#include <string.h>

#include "base/log.h"
#include "intr/sync.h"
#include "session/session_int.h"
#include "txn/mdl.h"
#include "txn/txn.h"

uint64_t
ql_session_setting(ql_session *s, const char *name, uint64_t otherwise)
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

void
ql_session_abort(ql_session *s)
{
    if (s->end == QL_END_NONE) {
        s->end = QL_END_ABORTED;
    }
}

/* ---- set up ---- */

void
ql_session_take_limits(ql_session *s)
{
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
    cx->arena = ql_arena_new("statement", &s->quota);
    cx->mdl = ql_mdl_set_new();
    if (s->arena == NULL || cx->arena == NULL || cx->mdl == NULL) {
        return ql_fail_oom(cx, 0);
    }
    return QL_OK;
}

static ql_status
open_intr(ql_session *s)
{
    ql_ctx early = {.inst = s->cx.inst, .diag = ql_diag_new()};
    ql_status st = early.diag != NULL ? ql_intr_init(&early, &s->intr) : QL_ERROR;
    ql_diag_free(early.diag);
    if (st == QL_OK) {
        s->cx.intr = &s->intr;
        s->cx.look = ql_intr_look;
    }
    return st;
}

ql_status
ql_session_init(ql_session *s, ql_session_env *env, const ql_front *front, int fd, const char *host)
{
    ql_ctx *cx = &s->cx;
    s->env = env;
    s->front = front;
    cx->inst = env->inst;
    cx->session = s;
    QL_TRY(open_intr(s));
    QL_TRY(open_memory(s));
    QL_TRY(ql_vars_init(cx, &s->vars, s->arena));
    cx->vars = &s->vars;
    cx->proc = ql_proc_add(cx, cx->inst->procs, &s->intr, fd, host);
    if (cx->proc == NULL) {
        return QL_ERROR;
    }
    s->vars.thread_id = s->quota.owner = ql_proc_id(cx->proc);
    s->vars.kept = &s->kept;
    ql_log_set_connection(s->vars.thread_id);
    ql_proc_set_memory(cx->proc, &s->quota);
    ql_session_take_limits(s);
    return QL_OK;
}

/* ---- who it is, and where ---- */

/* "user@host" in a. */
static ql_status
join_user(ql_session *s, ql_arena *a, ql_str user, ql_str host, ql_str *out)
{
    char *p = ql_arena_printf(&s->cx, a, "%.*s@%.*s", (int)user.n, user.p, (int)host.n, host.p);
    if (p == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){p, strlen(p)};
    return QL_OK;
}

ql_status
ql_session_set_account(ql_session *s, ql_arena *a, const ql_account *account, ql_str user,
                       ql_str host)
{
    ql_vars *v = &s->vars;
    v->viewer = (ql_viewer){.conn_id = v->thread_id, .user = user};
    ql_acl_set_session(&s->cx, account);
    QL_TRY(join_user(s, a, account->user, account->host, &v->current_user));
    return join_user(s, a, user, host, &v->login_user);
}

ql_status
ql_session_set_owner(ql_session *s, bool server)
{
    ql_str root = QL_STR("root"), host = QL_STR("localhost");
    ql_account *account = QL_ARENA_NEW(&s->cx, s->arena, ql_account);
    if (account == NULL) {
        return QL_ERROR;
    }
    *account =
        (ql_account){.user = root, .host = host, .privs = ql_privs_all(), .grant_option = true};
    QL_TRY(ql_session_set_account(s, s->arena, account, root, host));
    s->vars.viewer.has_process = true;
    s->vars.is_server = server;
    ql_proc_set_user(s->cx.proc, root, host, QL_PROC_SYSTEM_USER);
    return QL_OK;
}

ql_status
ql_session_use(ql_session *s, ql_str db)
{
    ql_ctx *cx = &s->cx;
    QL_TRY(ql_acl_require_entry(cx, db));
    if (!ql_catalog_has_database(cx, db)) {
        const char *name = ql_arena_strndup(cx, cx->arena, db.p, db.n);
        return name != NULL ? ql_fail(cx, QL_ER_BAD_DB_ERROR, name) : QL_ERROR;
    }
    QL_TRY(ql_catalog_use(cx, db));
    ql_proc_set_db(cx->proc, db);
    return QL_OK;
}

ql_status
ql_session_clear(ql_session *s)
{
    ql_str user = s->vars.current_user, login = s->vars.login_user;
    ql_viewer viewer = s->vars.viewer;
    uint64_t id = s->vars.thread_id;
    ql_session_rollback(s);
    qli_release_locks(s);
    ql_temporary_drop_all(&s->cx);
    qli_prepared_free_all(s);
    QL_TRY(ql_vars_reset(&s->cx, &s->vars));
    s->vars.current_user = user;
    s->vars.login_user = login;
    s->vars.viewer = viewer;
    s->vars.thread_id = id;
    return QL_OK;
}

/* ---- release, in the order of KILL.md section 3 ---- */

/* A test stops before each step (the sync points) and looks what is free by then and what is not
 * yet. cx->vars is set. */
static void
release_all(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_status ignored = QL_OK;
    ignored = QL_SYNC(cx, SESSION_END_PREPARED);
    qli_prepared_free_all(s);
    ignored = QL_SYNC(cx, SESSION_END_TRANSACTION);
    ql_session_rollback(s);
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

void
ql_session_release(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    if (cx->intr == NULL) {
        return; /* it was never open */
    }
    ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    if (cx->vars != NULL) {
        release_all(s);
    } else if (cx->mdl != NULL) {
        ql_mdl_set_free(cx, cx->mdl);
        cx->mdl = NULL;
    }
    ql_sync_session_end(cx);
    if (cx->proc != NULL) {
        ql_proc_remove(cx->inst->procs, cx->proc);
        cx->proc = NULL;
    }
}

void
ql_session_fini(ql_session *s)
{
    ql_buf_free(&s->text);
    ql_arena_free(s->cx.arena);
    ql_arena_free(s->arena);
    ql_diag_free(s->diag_now);
    ql_diag_free(s->diag_last);
    qli_limit_close_memory(s);
    if (s->cx.intr != NULL) {
        ql_intr_fini(&s->intr);
    }
    ql_log_set_connection(0);
}

/* ---- what statements ask of a session ---- */

ql_status
ql_session_op_commit(ql_ctx *cx)
{
    ql_session *s = cx->session;
    ql_status st = qli_txn_commit(s);
    s->layer_open = true; /* exec opens its own when it goes on */
    return st;
}

void
ql_session_op_rollback(ql_ctx *cx)
{
    ql_session_rollback(cx->session);
}

void
ql_session_op_shutdown(ql_ctx *cx)
{
    cx->session->stops_server = true;
}
