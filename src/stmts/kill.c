/* SPDX-License-Identifier: Apache-2.0
 *
 * KILL, as KILL.md says: by connection id, by query id, by user name. The killer sets a flag and
 * wakes the victim; it never waits for it, and takes no lock of what the victim waits for. Ids are
 * 64-bit. Runs in the killer's thread.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "intr/sync.h"
#include "stmts/stmts_int.h"

#define GONE_NS ((int64_t)10 * 1000000000) /* that long an id of a vanished client is known */

static uint64_t
own_id(ql_ctx *cx)
{
    return cx->proc != NULL ? ql_proc_id(cx->proc) : 0;
}

/* Tools close first and kill second: who has just gone is no error for those who could see him. */
static ql_status
no_such_thread(ql_ctx *cx, uint64_t id)
{
    bool mine = false;
    if (ql_procs_has_vanished(cx->inst->procs, id, GONE_NS, cx->vars->viewer.user, &mine) &&
        (mine || ql_acl_has(cx, QL_PRIV_PROCESS))) {
        ql_warn_text(cx, QL_DIAG_NOTE, QL_ER_NO_SUCH_THREAD,
                     "Connection %llu has ended: its client went away", (unsigned long long)id);
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_NO_SUCH_THREAD, (unsigned long)id);
}

/* Killing others needs CONNECTION_ADMIN or SUPER, or the same user name; a holder of SYSTEM_USER is
 * killed only by another one. */
static bool
may_kill(ql_ctx *cx, const ql_proc_info *row)
{
    const ql_viewer *me = &cx->vars->viewer;
    bool admin = ql_acl_has(cx, QL_PRIV_CONNECTION_ADMIN) || ql_acl_has(cx, QL_PRIV_SUPER);
    if (!admin && !(row->authenticated && ql_str_eq(row->user, me->user))) {
        return false;
    }
    return !(row->account_flags & QL_PROC_SYSTEM_USER) || ql_acl_has(cx, QL_PRIV_SYSTEM_USER);
}

/* What a KILL came to, for SHOW STATUS. */
static void
count_kill(ql_ctx *cx, bool query_only, ql_raise_result r)
{
    if (r == QL_RAISE_IDLE) {
        ql_count(cx, QL_CT_KILLS_IDLE, 1);
    } else if (r == QL_RAISE_SPARED) {
        ql_count(cx, QL_CT_KILLS_SPARED, 1);
    } else if (r == QL_RAISE_DONE) {
        ql_count(cx, query_only ? QL_CT_KILLS_QUERY : QL_CT_KILLS_CONNECTION, 1);
    }
}

/* Who ended what, for those who ask afterwards. */
static void
log_kill(ql_ctx *cx, const ql_proc_info *victim, bool query_only, ql_raise_result r)
{
    if (r != QL_RAISE_DONE || strcmp(victim->command, "Killed") == 0) {
        return; /* a further kill of who is dying ends nothing */
    }
    ql_str killer = cx->vars->login_user;
    ql_log_write(cx->inst->log, QL_LOG_NOTE,
                 "%s %llu of '%.*s'@'%.*s' was killed by connection %llu of %.*s",
                 query_only ? "The statement of connection" : "Connection",
                 (unsigned long long)victim->id, (int)victim->user.n, victim->user.p,
                 (int)victim->host.n, victim->host.p, (unsigned long long)own_id(cx), (int)killer.n,
                 killer.p);
}

/* The killer is its own victim: it learns so by its own checkpoint. */
static ql_status
kill_self(ql_ctx *cx, bool query_only)
{
    count_kill(cx, query_only,
               ql_procs_raise(cx->inst->procs, own_id(cx), 0,
                              query_only ? QL_INTR_QUERY : QL_INTR_CONN, false, 0));
    return ql_check(cx);
}

/* What a client sends for Ctrl-C may come late and find the next statement. As whom this session
 * was accepted, if its KILL QUERY of id is such a one; 0 = it is meant as it is (KILL.md 6). */
static uint64_t
late_as(ql_ctx *cx, const ql_run *run, uint64_t id)
{
    bool asks = run != NULL && run->ops != NULL && run->ops->kill_late_as != NULL;
    uint64_t number = asks ? run->ops->kill_late_as(cx) : 0;
    return number != 0 && ql_procs_same_client(cx->inst->procs, cx->proc, id) ? number : 0;
}

static void
tell_spared(ql_ctx *cx, const ql_run *run, uint64_t id)
{
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_KILL_SPARED, (unsigned long long)id);
    (void)snprintf(run->out->info, sizeof run->out->info,
                   "Nothing killed: connection %llu runs a later statement",
                   (unsigned long long)id);
}

/* run: the KILL statement; NULL when it is a command. */
static ql_status
kill_connection_id(ql_ctx *cx, uint64_t id, bool query_only, const ql_run *run)
{
    ql_proc_info row;
    QL_TRY(QL_SYNC(cx, BEFORE_KILL));
    if (id != 0 && id == own_id(cx)) {
        return kill_self(cx, query_only);
    }
    ql_status st = id == 0 ? QL_END : ql_procs_find(cx, cx->inst->procs, id, cx->arena, &row);
    if (st == QL_END) {
        return no_such_thread(cx, id);
    }
    QL_TRY(st);
    if (!may_kill(cx, &row)) {
        return ql_fail(cx, QL_ER_KILL_DENIED_ERROR, (unsigned long)id);
    }
    ql_raise_result r = query_only ? ql_procs_raise(cx->inst->procs, id, 0, QL_INTR_QUERY, false,
                                                    late_as(cx, run, id))
                                   : ql_procs_raise(cx->inst->procs, id, 0, QL_INTR_CONN, true, 0);
    count_kill(cx, query_only, r);
    log_kill(cx, &row, query_only, r);
    if (r == QL_RAISE_SPARED) {
        tell_spared(cx, run, id);
    }
    return r == QL_RAISE_NO_THREAD ? no_such_thread(cx, id) : QL_OK;
}

static ql_status
unknown_query(ql_ctx *cx, uint64_t id)
{
    return ql_fail(cx, QL_ER_NO_SUCH_QUERY, (long long)id);
}

static ql_status
kill_query_id(ql_ctx *cx, uint64_t query_id)
{
    ql_proc_info row;
    QL_TRY(QL_SYNC(cx, BEFORE_KILL));
    if (query_id != 0 && query_id == cx->stmt_id) {
        return kill_self(cx, true);
    }
    uint64_t conn = query_id != 0 ? ql_procs_conn_of_stmt(cx->inst->procs, query_id) : 0;
    if (conn == 0) {
        return unknown_query(cx, query_id);
    }
    ql_status st = ql_procs_find(cx, cx->inst->procs, conn, cx->arena, &row);
    if (st == QL_END) {
        return unknown_query(cx, query_id);
    }
    QL_TRY(st);
    if (!may_kill(cx, &row)) {
        return ql_fail(cx, QL_ER_KILL_QUERY_DENIED_ERROR, (long long)query_id);
    }
    ql_raise_result r = ql_procs_raise(cx->inst->procs, conn, query_id, QL_INTR_QUERY, false, 0);
    count_kill(cx, true, r);
    log_kill(cx, &row, true, r);
    return r == QL_RAISE_DONE ? QL_OK : unknown_query(cx, query_id);
}

/* Whose sessions KILL USER means: accounts, as CURRENT_USER() says them, not the Host column. */
typedef struct kill_target {
    ql_str user, host;
    bool any_host; /* KILL USER name: all accounts of that name */
} kill_target;

static kill_target
target_of(ql_ctx *cx, const ql_ast_kill *k)
{
    if (k->user->name.p != NULL) {
        return (kill_target){k->user->name, k->user->host, k->any_host};
    }
    const ql_account *me = cx->vars->account; /* CURRENT_USER() */
    return me != NULL ? (kill_target){me->user, me->host, false}
                      : (kill_target){cx->vars->viewer.user, {"", 0}, true};
}

static ql_status
kill_user(ql_ctx *cx, ql_run *run, const ql_ast_kill *k)
{
    bool query_only = k->what == QL_KILL_QUERY;
    kill_target who = target_of(cx, k);
    ql_proc_info *rows;
    size_t n;
    bool self = false;
    QL_TRY(QL_SYNC(cx, BEFORE_KILL));
    QL_TRY(ql_procs_list(cx, cx->inst->procs, cx->arena, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (!rows[i].authenticated ||
            !ql_procs_is_account(cx->inst->procs, rows[i].id, who.user, who.host, who.any_host) ||
            !may_kill(cx, &rows[i])) {
            continue;
        }
        if (rows[i].id == own_id(cx)) {
            self = true;
            continue;
        }
        ql_raise_result r =
            ql_procs_raise(cx->inst->procs, rows[i].id, 0,
                           query_only ? QL_INTR_QUERY : QL_INTR_CONN, !query_only, 0);
        count_kill(cx, query_only, r);
        log_kill(cx, &rows[i], query_only, r);
        run->out->affected_rows += r != QL_RAISE_NO_THREAD;
    }
    if (self) {
        run->out->affected_rows++;
        return kill_self(cx, query_only);
    }
    return QL_OK;
}

/* NULL and what is no number count as 0. */
static ql_status
operand(ql_ctx *cx, ql_run *run, uint64_t *id)
{
    ql_value v;
    int64_t i;
    bool is_unsigned;
    *id = 0;
    if (run->stmt->exprs.n == 0 || run->stmt->exprs.v[0] == NULL) {
        return QL_OK;
    }
    if (run->stmt->exprs.v[0]->kind == QL_E_ROW) {
        return ql_fail(cx, QL_ER_OPERAND_COLUMNS, 1);
    }
    QL_TRY(ql_scalar(run, cx->arena, run->stmt->exprs.v[0], &v));
    if (v.kind == QL_K_NULL) {
        return QL_OK;
    }
    QL_TRY(ql_value_to_int(cx, &v, &i, &is_unsigned));
    *id = (uint64_t)i;
    return QL_OK;
}

ql_status
qli_exec_kill(ql_ctx *cx, ql_run *run)
{
    const ql_ast_kill *k = run->stmt->ast->kill;
    bool query_only = k->what == QL_KILL_QUERY;
    uint64_t id;
    if (k->user != NULL) {
        return kill_user(cx, run, k);
    }
    QL_TRY(operand(cx, run, &id));
    if (k->what == QL_KILL_QUERY_ID) {
        return kill_query_id(cx, id);
    }
    return kill_connection_id(cx, id, query_only, run);
}

ql_status
ql_exec_kill(ql_ctx *cx, uint64_t id, bool query_only)
{
    ql_count_command(cx, QL_CC_kill);
    return kill_connection_id(cx, id, query_only, NULL);
}
