/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions as a client drives them: autocommit, BEGIN and its relatives, implicit commits, and
 * the decision at the end of each statement whether its layer is committed, kept or forgotten. Undo
 * never waits; a commit waits, killable until it is taken.
 */
#include <string.h>

#include "base/thread.h"
#include "intr/proc.h"
#include "session/session_int.h"
#include "sql/ast_alter.h"
#include "txn/mdl.h"
#include "txn/nontxn.h"
#include "txn/txn.h"
#include "txn/userlock.h"

/* What SET TRANSACTION said has been used up. */
static void
forget_characteristics(ql_session *s)
{
    s->vars.next_isolation = s->vars.next_read_only = 0;
}

/* A statement refused for being in a READ ONLY transaction has not used it. */
static bool
was_refused(const ql_session *s)
{
    const ql_condition *c = ql_diag_error(s->cx.diag);
    return c != NULL && c->number == QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION;
}

static void
forget_transaction(ql_session *s)
{
    s->nontxn_changed = false;
    ql_temporary_transaction_over(&s->cx);
    if (s->vars.in_transaction || (s->touched && !was_refused(s))) {
        forget_characteristics(s);
    }
    s->layer_open = false;
    s->vars.in_transaction = false;
    ql_mdl_release_transaction(&s->cx);
}

static void
close_layer(ql_session *s)
{
    if (s->layer_open && s->cx.txn != NULL) {
        ql_txn_stmt_end(&s->cx);
    }
    s->layer_open = false;
}

/* Under the commit lock, so that read_only is as it will be until the commit is done. */
static ql_status
begin_commit(ql_session *s)
{
    QL_TRY(ql_commit_begin(&s->cx));
    return s->rebuilds ? QL_OK : ql_acl_may_change(&s->cx);
}

ql_status
qli_txn_commit(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    ql_status st = QL_OK;
    close_layer(s);
    if (cx->txn != NULL) {
        uint64_t state = 0;
        bool wrote = ql_txn_has_writes(cx->txn);
        ql_count(cx, QL_CT_HANDLER_COMMIT, s->touched || s->vars.in_transaction);
        st = ql_txn_writes_lasting(cx->txn) ? begin_commit(s) : QL_OK;
        if (st == QL_OK) {
            st = ql_txn_commit_at(cx, &state);
        } else {
            ql_txn_rollback(cx);
        }
        s->committed |= ql_temporary_settle(cx, st == QL_OK) && st == QL_OK;
        if (st == QL_OK) {
            s->committed |= wrote;
            ql_catalog_committed(cx, state);
            ql_acl_committed(cx);
        } else {
            ql_catalog_rolled_back(cx);
            ql_acl_rolled_back(cx);
        }
    }
    forget_transaction(s);
    return st;
}

void
ql_session_rollback(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    if (cx->txn != NULL) {
        if (ql_txn_has_writes(cx->txn) && cx->proc != NULL) {
            ql_proc_set_stage(cx->proc, QL_STAGE_ROLLING_BACK);
        }
        ql_txn_rollback(cx);
        ql_catalog_rolled_back(cx);
        ql_acl_rolled_back(cx);
        ql_count(cx, QL_CT_HANDLER_ROLLBACK, s->touched || s->vars.in_transaction);
    }
    forget_transaction(s);
}

/* Isolation level and access mode of a transaction. */
typedef struct characteristics {
    ql_isolation isolation;
    bool read_only;
} characteristics;

/* Of the one that begins next: SET TRANSACTION's, else the session's. */
static characteristics
next_characteristics(const ql_session *s)
{
    const ql_vars *v = &s->vars;
    return (characteristics){
        .isolation = v->next_isolation != 0 ? (ql_isolation)(v->next_isolation - 1) : v->isolation,
        .read_only = v->next_read_only != 0 ? v->next_read_only == 2 : v->tx_read_only};
}

/* own: BEGIN, or autocommit off; it outlives the statement. */
static ql_status
begin_transaction(ql_session *s, characteristics c, bool own)
{
    QL_TRY(ql_txn_begin(&s->cx, c.isolation, c.read_only));
    uint64_t changes = ql_vars_u64(&s->vars, QL_SV_TRANSACTION_MEMORY_LIMIT);
    uint64_t all = ql_vars_u64(&s->vars, QL_SV_CONNECTION_MEMORY_LIMIT);
    ql_txn_set_memory_limit(&s->cx, changes < all ? changes : all);
    if (!own && s->cx.proc != NULL) {
        ql_proc_trx *f = ql_proc_trx_of(s->cx.proc);
        QL_PTRX_SET(f, flags, QL_PTRX_GET(f, flags) | QL_PTRX_AUTOCOMMIT);
    }
    return QL_OK;
}

static bool
is_own(const ql_ctx *cx, const ql_ast_table_name *t)
{
    return ql_is_temporary(cx, t->db.n > 0 ? t->db : cx->vars->db, t->name);
}

static bool
are_own(const ql_ctx *cx, const ql_ast_names *names)
{
    bool own = names->n > 0;
    for (uint32_t i = 0; own && i < names->n; i++) {
        own = is_own(cx, &names->v[i]);
    }
    return own;
}

bool
qli_changes_own(const ql_ctx *cx, const ql_ast_stmt *ast)
{
    switch (ast->kind) {
    case QL_S_ALTER_TABLE:
    case QL_S_CREATE_INDEX:
    case QL_S_DROP_INDEX:
        return is_own(cx, &ast->alter->table);
    case QL_S_DROP_TABLE:
    case QL_S_TRUNCATE:
        return are_own(cx, &ast->names);
    case QL_S_OPTIMIZE:
    case QL_S_REPAIR:
        return are_own(cx, &ast->admin->tables);
    default:
        return ql_stmt_does(ast->kind, QL_DOES_ROWS);
    }
}

/* Of the open transaction, or of those that the session begins by itself. What SET TRANSACTION said
 * of the next one does not reach a statement that commits implicitly. */
static bool
changes_are_refused(const ql_session *s)
{
    bool open = s->vars.in_transaction && s->cx.txn != NULL;
    return open ? ql_txn_is_read_only(s->cx.txn) : s->vars.tx_read_only;
}

/* Before anything is committed, opened or waited for. */
static ql_status
may_begin(ql_session *s, ql_stmt_kind kind)
{
    ql_ctx *cx = &s->cx;
    if (ql_stmt_does(kind, QL_DOES_ROWS | QL_DOES_DEFINITIONS) && !s->changes_own) {
        QL_TRY(ql_acl_may_change(cx));
    }
    bool defines = ql_stmt_does(kind, QL_DOES_DEFINITIONS | QL_DOES_REBUILDS) ||
                   kind == QL_S_CREATE_TEMPORARY || kind == QL_S_DROP_TEMPORARY;
    if (s->changes_own && (kind == QL_S_TRUNCATE || ql_stmt_does(kind, QL_DOES_REBUILDS))) {
        defines = false; /* what a temporary table says stays as it is */
    }
    return defines && changes_are_refused(s)
               ? ql_fail(cx, QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
               : QL_OK;
}

ql_status
qli_txn_enter(ql_session *s, ql_stmt_kind kind)
{
    ql_ctx *cx = &s->cx;
    QL_TRY(may_begin(s, kind));
    if (ql_stmt_does(kind, QL_DOES_COMMITS)) {
        if (s->vars.in_transaction) {
            QL_TRY(qli_txn_commit(s));
        }
        forget_characteristics(s);
    }
    s->rebuilds = ql_stmt_does(kind, QL_DOES_REBUILDS);
    if (cx->txn == NULL) {
        s->layer_open = false;
        QL_TRY(begin_transaction(s, next_characteristics(s), !s->vars.autocommit));
    }
    if (!s->layer_open) {
        QL_TRY(ql_txn_stmt_begin(cx));
        s->layer_open = true;
    }
    return QL_OK;
}

/* Are all tables that it changes temporary ones? */
static bool
changes_own_rows(const ql_rstmt *rs)
{
    const ql_rupdate *u;
    bool own = true;
    switch (rs->kind) {
    case QL_S_INSERT:
        return rs->insert->table->temporary;
    case QL_S_LOAD:
        return rs->load->insert.table->temporary;
    case QL_S_UPDATE:
    case QL_S_DELETE:
        u = rs->update;
        for (uint16_t i = 0; i < u->ntargets; i++) {
            own = own && u->read->sources[u->targets[i]].table->temporary;
        }
        return own;
    default:
        return false;
    }
}

ql_status
qli_txn_check_access(ql_session *s, const ql_rstmt *rs)
{
    if (!ql_stmt_does(rs->kind, QL_DOES_ROWS) ||
        (ql_has_temporary(&s->cx) && changes_own_rows(rs))) {
        return QL_OK;
    }
    if (ql_txn_is_read_only(s->cx.txn)) {
        return ql_fail(&s->cx, QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    return ql_acl_may_change(&s->cx);
}

void
qli_release_locks(ql_session *s)
{
    ql_locked_tables_release(&s->cx);
    ql_read_lock_release(&s->cx);
    (void)ql_user_lock_release_all(&s->cx);
    ql_backup_lock_release(&s->cx);
}

/* ---- deciding ---- */

/* With autocommit off the first statement that works on tables opens a transaction. */
static bool
is_in_transaction(const ql_session *s)
{
    return s->vars.in_transaction || (!s->vars.autocommit && s->touched);
}

static bool
stays_open(const ql_session *s)
{
    bool commits = s->vars.autocommit && !s->was_autocommit; /* SET autocommit = 1 */
    return !commits && is_in_transaction(s);
}

static ql_status
decide_success(ql_session *s)
{
    if (!s->committed) {
        /* The last look: from here on a kill comes too late. A commit looks by itself. */
        QL_TRY(ql_check(&s->cx));
    }
    if (s->cx.txn == NULL) {
        forget_transaction(s);
        return QL_OK;
    }
    if (!stays_open(s)) {
        ql_status st = qli_txn_commit(s);
        if (st != QL_OK && !s->was_autocommit) {
            s->vars.autocommit = false; /* SET autocommit = 1 has failed */
        }
        return st;
    }
    close_layer(s);
    s->vars.in_transaction = true;
    return QL_OK;
}

static void
undo(ql_session *s)
{
    ql_ctx *cx = &s->cx;
    if (cx->txn == NULL) {
        forget_transaction(s);
    } else if (!is_in_transaction(s) || s->began || ql_txn_must_rollback(cx->txn) ||
               ql_intr_conn_reason(&s->intr) != 0) {
        ql_session_rollback(s); /* a BEGIN that failed has not begun */
    } else {
        if (s->layer_open) {
            ql_txn_stmt_rollback(cx);
            ql_catalog_stmt_rolled_back(cx);
        }
        s->layer_open = false;
        s->vars.in_transaction = true; /* autocommit=0: the first statement's locks stay, too */
    }
}

/* What the statement has changed in tables without transactions is committed first, whatever the
 * outcome; the last look of such a statement is before that. */
static ql_status
end_nontxn(ql_session *s, ql_status st)
{
    ql_ctx *cx = &s->cx;
    bool changed;
    if (cx->nontxn == NULL) {
        return st;
    }
    bool over = s->committed && cx->txn == NULL; /* ALTER TABLE: its outcome is decided */
    st = st == QL_OK && !over ? ql_check(cx) : st;
    ql_status ended = ql_nontxn_end(cx, &changed);
    if (changed) {
        s->nontxn_changed = true;
        s->committed |= st == QL_OK;
    }
    return st == QL_OK ? ended : st;
}

ql_status
qli_txn_decide(ql_session *s, ql_status st)
{
    st = end_nontxn(s, st);
    if (st == QL_OK) {
        st = decide_success(s);
    }
    if (st != QL_OK) {
        undo(s);
    }
    (void)ql_temporary_settle(&s->cx, st == QL_OK);
    if (st == QL_KILLED) {
        ql_user_lock_stmt_killed(&s->cx);
    }
    return st;
}

/* ---- control statements ---- */

static ql_status
open_transaction(ql_session *s, characteristics c)
{
    QL_TRY(begin_transaction(s, c, true));
    s->vars.in_transaction = s->began = true;
    return QL_OK;
}

/* WITH CONSISTENT SNAPSHOT: the snapshot is taken now, not by the first read. */
static ql_status
take_snapshot(ql_session *s)
{
    if (ql_txn_isolation(s->cx.txn) != QL_REPEATABLE_READ) {
        ql_warn_text(&s->cx, QL_DIAG_WARNING, QL_ER_HA_UNSUPPORTED,
                     "InnoDB: WITH CONSISTENT SNAPSHOT was ignored because this phrase can only be "
                     "used with REPEATABLE READ isolation level.");
        return QL_OK;
    }
    ql_str value;
    ql_status st = ql_txn_get(&s->cx, QL_VIEW_OWN, QL_STR("\0\0\0\0"), &value);
    return st == QL_END ? QL_OK : st;
}

static ql_status
control_begin(ql_session *s, const ql_ast_txn *t)
{
    QL_TRY(qli_txn_commit(s));
    ql_locked_tables_release(&s->cx);
    characteristics c = next_characteristics(s);
    if (t->read_only >= 0) {
        c.read_only = t->read_only != 0;
    }
    QL_TRY(open_transaction(s, c));
    return t->with_snapshot ? take_snapshot(s) : QL_OK;
}

/* What COMMIT and ROLLBACK do besides: said by AND CHAIN and RELEASE, else by completion_type. */
typedef struct completion {
    bool chain, release;
} completion;

static ql_status
completion_of(ql_session *s, const ql_ast_txn *t, completion *out)
{
    ql_value v;
    QL_TRY(ql_sysvar_get(&s->cx, QL_SV_COMPLETION_TYPE, false, &v));
    out->chain = t->chain == 1 || (t->chain < 0 && ql_str_eq(v.s, QL_STR("CHAIN")));
    out->release = t->release == 1 || (t->release < 0 && ql_str_eq(v.s, QL_STR("RELEASE")));
    return QL_OK;
}

static void
warn_not_undone(ql_session *s)
{
    if (s->nontxn_changed) {
        ql_warn(&s->cx, QL_DIAG_WARNING, QL_ER_WARNING_NOT_COMPLETE_ROLLBACK);
    }
    if (ql_temporary_was_made(&s->cx)) {
        ql_warn(&s->cx, QL_DIAG_WARNING,
                QL_ER_WARNING_NOT_COMPLETE_ROLLBACK_WITH_CREATED_TEMP_TABLE);
    }
    if (ql_temporary_was_dropped(&s->cx)) {
        ql_warn(&s->cx, QL_DIAG_WARNING,
                QL_ER_WARNING_NOT_COMPLETE_ROLLBACK_WITH_DROPPED_TEMP_TABLE);
    }
}

/* COMMIT, ROLLBACK. The next transaction of a chain is like the one that ends. */
static ql_status
control_end(ql_session *s, ql_stmt_kind kind, const ql_ast_txn *t)
{
    const ql_txn *txn = s->cx.txn;
    completion then;
    QL_TRY(completion_of(s, t, &then));
    characteristics c = next_characteristics(s);
    if (txn != NULL) {
        c = (characteristics){ql_txn_isolation(txn), ql_txn_is_read_only(txn)};
    }
    if (kind == QL_S_COMMIT) {
        QL_TRY(qli_txn_commit(s));
    } else {
        warn_not_undone(s);
        ql_session_rollback(s);
        s->committed = true;
    }
    forget_characteristics(s);
    if (then.release) {
        s->end = QL_END_QUIT;
        return QL_OK;
    }
    return then.chain ? open_transaction(s, c) : QL_OK;
}

static const char *
name_of(ql_ctx *cx, ql_str name)
{
    const char *p = ql_arena_strndup(cx, cx->arena, name.p, name.n);
    return p != NULL ? p : "";
}

static ql_status
no_savepoint(ql_ctx *cx, ql_str name)
{
    return ql_fail(cx, QL_ER_SP_DOES_NOT_EXIST, "SAVEPOINT", name_of(cx, name));
}

static ql_status
control_savepoint(ql_session *s, ql_stmt_kind kind, ql_str name)
{
    ql_ctx *cx = &s->cx;
    ql_status st;
    if (cx->txn == NULL) {
        if (kind != QL_S_SAVEPOINT) {
            return no_savepoint(cx, name);
        }
        if (s->vars.autocommit) {
            return QL_OK; /* its own transaction would end with it */
        }
        QL_TRY(open_transaction(s, next_characteristics(s)));
    }
    switch (kind) {
    case QL_S_SAVEPOINT:
        st = ql_txn_savepoint(cx, name);
        break;
    case QL_S_ROLLBACK_TO:
        st = ql_txn_rollback_to(cx, name);
        if (st == QL_OK) {
            warn_not_undone(s);
        }
        break;
    default:
        st = ql_txn_release(cx, name);
        break;
    }
    s->committed |= st == QL_OK;
    return st == QL_END ? no_savepoint(cx, name) : st;
}

ql_status
qli_txn_control(ql_session *s, const ql_ast_stmt *ast)
{
    const ql_ast_txn *t = ast->txn;
    switch (ast->kind) {
    case QL_S_BEGIN:
        return control_begin(s, t);
    case QL_S_COMMIT:
    case QL_S_ROLLBACK:
        return control_end(s, ast->kind, t);
    default:
        return control_savepoint(s, ast->kind, t->savepoint);
    }
}
