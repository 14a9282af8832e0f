/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of session/ share among themselves. One thread: the session's own.
 */
#ifndef QL_SESSION_SESSION_INT_H
#define QL_SESSION_SESSION_INT_H

#include "intr/gate.h"
#include "intr/timer.h"
#include "resolve/resolve.h"
#include "session/session.h"

/* A statement on its way through the stages of stmt.c. */
typedef struct qli_stmt {
    ql_str text;     /* all that is left of the text */
    size_t consumed; /* of it by this statement; 0 before it is parsed */
    bool first;      /* of its text, which is still as the client sent it */
    bool binary;     /* told to the front */
    ql_prepared *ps; /* executed; its values come from: */
    ql_session_bind bind;
    void *bind_arg;
    const ql_ast_stmt *ast;
    ql_outcome out;
} qli_stmt;

/* ---- target.c ---- */

/* The open statement's outcome is decided; the one behind it in the same text opens. */
void qli_target_next(ql_session *s);
/* The statement's text, passwords masked. QL_KILLED while it is masked and copied. */
ql_status qli_show_text(ql_session *s, ql_str text) QL_MUST_USE;

/* ---- stmt.c: the spine ---- */

/* Parser mode of the session. */
ql_parse_mode qli_parse_mode(const ql_session *s, bool allow_params);

/* ---- script.c ---- */

extern const ql_front qli_silent_front; /* results and outcomes go nowhere */

/* ---- txnctl.c ---- */

/* BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their like. */
ql_status qli_txn_control(ql_session *s, const ql_ast_stmt *ast) QL_MUST_USE;
/* A transaction and a statement layer to work in; implicit commit first where the kind asks for it.
 * 1290, 1792: the kind changes what a read-only server, session or transaction does not let it. */
ql_status qli_txn_enter(ql_session *s, ql_stmt_kind kind) QL_MUST_USE;
/* 1792, 1290: the statement changes rows and the transaction or the server is read only. Asked when
 * it has its metadata locks. */
ql_status qli_txn_check_access(ql_session *s, const ql_rstmt *rs) QL_MUST_USE;
/* Are all tables that the statement is about, by its text, temporary ones? true, too, of those that
 * change rows: what they change is known when they are bound. */
bool qli_changes_own(const ql_ctx *cx, const ql_ast_stmt *ast);
/* The outcome is decided here: commit, keep, or undo. Takes the status of the work and returns the
 * final one. */
ql_status qli_txn_decide(ql_session *s, ql_status st) QL_MUST_USE;
ql_status qli_txn_commit(ql_session *s) QL_MUST_USE;
/* What the session has locked beyond its transaction: LOCK TABLES, the global read lock, user
 * locks, the backup lock. Never waits. */
void qli_release_locks(ql_session *s);

/* ---- prepared.c ---- */

void qli_prepared_free_all(ql_session *s);

/* ---- limits.c ---- */

/* The session's memory counts for connection_memory_limit and total_memory_limit, from here to the
 * other. */
void qli_limit_open_memory(ql_session *s);
void qli_limit_close_memory(ql_session *s);
/* The statement can be ended for its memory, and max_statement_time runs; from its begin. */
ql_status qli_limit_begin(ql_session *s) QL_MUST_USE;
/* max_execution_time (variable or hint) of a SELECT, once it is parsed. */
ql_status qli_limit_select(ql_session *s, const ql_ast_stmt *ast) QL_MUST_USE;
void qli_limit_end(ql_session *s);

#endif
