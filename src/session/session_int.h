/* SPDX-License-Identifier: Apache-2.0
 *
 * The session and what the files of session/ share among themselves. One thread: its own.
 */
#ifndef QL_SESSION_SESSION_INT_H
#define QL_SESSION_SESSION_INT_H

#include "base/arena.h"
#include "base/diag.h"
#include "intr/gate.h"
#include "intr/timer.h"
#include "proto/command.h"
#include "proto/handshake.h"
#include "proto/resultset.h"
#include "proto/stmt_params.h"
#include "resolve/resolve.h"
#include "session/session.h"
#include "sql/parse.h"
#include "stmts/stmts.h"
#include "vars/sysvars.h"

/* A prepared statement, of the binary protocol (id) or of SQL PREPARE (name). Owner: the session;
 * lives until closed. Keeps text and AST; names are resolved anew for each execution. */
typedef struct qli_prepared {
    struct qli_prepared *next;
    uint32_t id; /* 0 = by name */
    ql_str name; /* in arena */
    ql_arena *arena;
    ql_str text;
    const ql_ast_stmt *ast;
    uint32_t nparams;
    ql_param_slot *slots; /* [nparams], binary protocol */
    bool types_bound;
    bool in_use;           /* a statement executes it: freed later */
    bool closed;           /* DEALLOCATE while in use */
    bool long_data_failed; /* told at the next EXECUTE */
} qli_prepared;

/* Why a connection ends. */
typedef enum qli_end {
    QLI_END_NONE,
    QLI_END_QUIT,    /* COM_QUIT, COMMIT RELEASE */
    QLI_END_ABORTED, /* killed, vanished, protocol or network error, timeout */
} qli_end;

typedef struct ql_session ql_session;
struct ql_session {
    ql_ctx cx;
    ql_intr intr;
    ql_vars vars;
    ql_wire wire;
    ql_wire_sink sink;
    ql_session_env *env;
    const ql_session_start *start;
    ql_login login;
    ql_arena *login_arena;         /* strings of login; replaced by COM_CHANGE_USER */
    ql_arena *arena;               /* session lifetime */
    ql_quota quota;                /* what the running statement takes */
    ql_quota kept;                 /* the rest: buffers, prepared statements, user variables */
    ql_diag *diag_now, *diag_last; /* the running statement's, the former one's (SHOW WARNINGS) */
    ql_buf text;                   /* statement text converted to utf8mb4 */
    qli_prepared *prepared;
    uint32_t next_prepared_id;
    bool multi_statements;
    bool layer_open;     /* cx.txn has a statement layer */
    bool was_autocommit; /* when the statement began */
    bool touched;        /* the running statement works on tables */
    bool began;          /* the running statement has begun the transaction that is open */
    bool nontxn_changed; /* the transaction has changed tables that ROLLBACK does not undo */
    bool committed; /* the running statement has committed: a kill no longer changes its outcome */
    uint64_t timer; /* time limit of the running statement; 0 = none */
    bool limit_of_select;             /* it is max_execution_time, not max_statement_time */
    uint64_t commands;                /* finished since login */
    uint64_t counted_in, counted_out; /* of the wire's bytes, those that are in the counters */
    int64_t login_ns;                 /* monotonic: when the login was done */
    int64_t command_ns;               /* monotonic: when the running command's first byte came */
    int64_t begin_ns;                 /* monotonic: when the running statement began its work */
    bool whole_text;                  /* the running statement is all of its text */
    qli_end end;
    bool logged_in;
    bool hide_warnings; /* SHOW WARNINGS and its kin answer with no warnings of their own */
    bool changes_own; /* the statement may change nothing but temporary tables: see check_access */
    bool rebuilds; /* the statement writes tables anew that say what they said: read_only allows it
                    */
    int64_t report_ns;       /* progress.c: when the next report of the running statement is due */
    bool silent;             /* init_connect: nobody gets the results */
    bool more_results;       /* another statement of the text follows the reply being written */
    ql_proc_command command; /* being run, as shown */
    bool stops_server; /* the running statement is SHUTDOWN: asked for when its client has the OK */
    bool is_kill; /* the running statement is KILL: it is told even when it kills its own connection
                   */
    bool file_open; /* a client has been asked for a file and has not sent its end */
    bool watched;   /* the watcher knows the socket */
};

/* A statement on its way through the stages of stmt.c. */
typedef struct qli_stmt {
    ql_str text;      /* all that is left of the text */
    size_t consumed;  /* of it by this statement; 0 before it is parsed */
    bool first;       /* of its text, which is still as the client sent it */
    bool binary;      /* rows go out in the binary protocol */
    qli_prepared *ps; /* COM_STMT_EXECUTE */
    ql_str payload;   /* its parameters */
    const ql_ast_stmt *ast;
    ql_outcome out;
} qli_stmt;

/* ---- target.c ---- */

/* The first byte of a command has come (-1: an empty packet). It is shown, and when it runs as a
 * statement it gets its id and a KILL QUERY can hit it from here on. */
void qli_target_open(ql_session *s, int first);
/* The open statement's outcome is decided; the one behind it in the same text opens. */
void qli_target_next(ql_session *s);
/* The open statement's outcome is decided: from here on no KILL QUERY has an effect; what came is
 * forgotten. Does nothing when none is open. */
void qli_target_close(ql_session *s);
/* The process list shows the session as idle; false = it did already. */
bool qli_show_idle(ql_session *s);
/* And back, while the last bytes of the reply do not go: stmt_id and command as they were. */
void qli_show_busy(ql_session *s, uint64_t stmt_id, ql_proc_command command);
/* The statement's text, passwords masked. QL_KILLED while it is masked and copied. */
ql_status qli_show_text(ql_session *s, ql_str text) QL_MUST_USE;

/* ---- clientfile.c: LOAD DATA LOCAL; stmts.h says what they do ---- */
ql_status qli_file_allowed(ql_ctx *cx) QL_MUST_USE;
ql_status qli_file_request(ql_ctx *cx, ql_str name) QL_MUST_USE;
ql_status qli_file_read(ql_ctx *cx, ql_str *bytes) QL_MUST_USE;
/* Throw away what is still to come of the client's file, for net_read_timeout at most; false: it
 * has not come to its end, the connection cannot go on. Waits: CLIENT_FILE. */
bool qli_file_drain(ql_session *s) QL_MUST_USE;

/* ---- progress.c ---- */

/* A statement begins: its client is told how far it comes, if it has asked for that. */
void qli_progress_begin(ql_session *s);

/* ---- stmt.c: the spine ---- */

/* Something that runs as a statement (can be killed, shows in the process list, ends in a reply).
 */
typedef ql_status (*qli_work)(ql_session *s, void *arg, ql_outcome *out);
/* COM_QUERY: all statements of the text. */
void qli_stmt_query(ql_session *s, ql_str text);
/* The same without replies; false when a statement failed (its error stays in diag_last). */
bool qli_stmt_silent(ql_session *s, ql_str text);
/* COM_STMT_EXECUTE. */
void qli_stmt_execute(ql_session *s, qli_prepared *ps, ql_str payload);
/* Any other command that can wait or touch tables. reply: writes the answer of success; NULL = OK
 * or end of rows. */
void qli_stmt_work(ql_session *s, ql_str info, qli_work work,
                   ql_status (*reply)(ql_session *s, void *arg), void *arg);
/* A parsed statement from resolve on, inside a running statement (EXECUTE). */
ql_status qli_stmt_run_parsed(ql_session *s, const ql_ast_stmt *ast, const ql_value *params,
                              uint32_t nparams, ql_outcome *out) QL_MUST_USE;
/* Parser mode of the session. */
ql_parse_mode qli_parse_mode(const ql_session *s, bool allow_params);
ql_reply qli_reply_state(ql_session *s, bool more);
/* Send what the wire holds and the reply's end; a failure ends the connection. */
void qli_reply_flush(ql_session *s, ql_status st, ql_deadline dl);
/* ERR from cx.diag, after a failed or killed statement or command. */
void qli_reply_failure(ql_session *s, ql_status why);

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
/* All of the session's transaction; never waits. */
void qli_txn_rollback(ql_session *s);

/* ---- prepared.c ---- */

void qli_prepared_prepare(ql_session *s, ql_str text); /* COM_STMT_PREPARE with its reply */
qli_prepared *qli_prepared_find(ql_session *s, uint64_t id);
void qli_prepared_close(ql_session *s, uint64_t id);
ql_status qli_prepared_reset(ql_session *s, uint64_t id) QL_MUST_USE; /* 1243 */
void qli_prepared_long_data(ql_session *s, const ql_command *c);
/* Values of an execution's parameters, in the statement arena. */
ql_status qli_prepared_bind(ql_session *s, qli_prepared *ps, ql_str payload,
                            ql_value **values) QL_MUST_USE;
void qli_prepared_free_all(ql_session *s);
ql_status qli_sql_prepare(ql_ctx *cx, ql_str name, ql_str text) QL_MUST_USE;
ql_status qli_sql_execute(ql_ctx *cx, ql_str name, const ql_value *params, uint32_t n,
                          ql_outcome *out) QL_MUST_USE;
ql_status qli_sql_deallocate(ql_ctx *cx, ql_str name) QL_MUST_USE;
extern const ql_session_ops qli_session_ops;

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

/* ---- login.c ---- */

/* Handshake to OK packet. False: the connection is over (answered as far as it can be). */
bool qli_login(ql_session *s);
/* COM_CHANGE_USER with its reply. */
void qli_change_user(ql_session *s, ql_str payload);
/* Forget what belongs to the session's user: transaction, prepared statements, variables. */
ql_status qli_session_clear(ql_session *s) QL_MUST_USE;

/* ---- script.c ---- */

/* The statements of start->script, as the server itself. */
void qli_script_run(ql_session *s);

/* ---- command.c ---- */

/* What the wire has carried since the last call goes into Bytes_received and Bytes_sent. */
void qli_count_bytes(ql_session *s);
/* Run one command packet to its reply. */
void qli_command_run(ql_session *s, ql_str payload);

/* Value of a system variable by name, `otherwise` when there is none of that name. */
uint64_t qli_setting(ql_session *s, const char *name, uint64_t otherwise);
bool qli_has_privilege(const ql_session *s, const char *name);

#endif
