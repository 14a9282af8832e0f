/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: what runs statements and holds what they leave (variables, transaction, locks,
 * prepared statements, temporary tables). It knows no client: results, replies and files go through
 * a `ql_front`, which connection/ (a socket), embed/ (a program) and script.c (nobody) implement.
 * One thread at a time; only kills come from others, through the process list.
 */
#ifndef QL_SESSION_SESSION_H
#define QL_SESSION_SESSION_H

#include "acl/acl.h"
#include "base/arena.h"
#include "base/diag.h"
#include "intr/proc.h"
#include "sql/parse.h"
#include "stmts/stmts.h"
#include "vars/sysvars.h"

typedef struct ql_session ql_session;
typedef struct ql_prepared ql_prepared;

/* What all sessions of an instance share. Owner: whoever opened the instance. */
typedef struct ql_session_env {
    ql_instance *inst;
    void *arg; /* of request_shutdown */
    /* SHUTDOWN. Never waits. */
    void (*request_shutdown)(void *arg);
    _Atomic uint32_t prepared; /* prepared statements of all sessions */
} ql_session_env;

/* Whoever hears of a session's statements. Called on the session's thread, with the members that
 * are not NULL. */
typedef struct ql_front {
    /* A statement begins: its rows go to s->cx.sink, which is set here. binary: as
     * ql_session_execute was told. */
    void (*begin)(ql_session *s, bool binary);
    /* It has been parsed; more: others follow in its text. */
    void (*parsed)(ql_session *s, bool more);
    /* Before the second and each further statement of a text: what was told of those before it has
     * to be gone. Killable. */
    ql_status (*drain)(ql_session *s);
    /* All rows are written, nothing is decided yet: what must not be left for later goes out while
     * the statement can still be killed. more as in tell. */
    ql_status (*finish_rows)(ql_session *s, bool more);
    /* The outcome, once it is decided; kills of this statement have no effect any more. more:
     * another statement of the text follows, and nothing here may wait. */
    void (*tell)(ql_session *s, ql_status st, const ql_outcome *out, bool more);
    const ql_session_ops *ops; /* begins with QL_SESSION_OPS */
} ql_front;

/* Why a session ends. */
typedef enum ql_session_end {
    QL_END_NONE,
    QL_END_QUIT,    /* COM_QUIT, COMMIT RELEASE */
    QL_END_ABORTED, /* killed, vanished, protocol or network error, timeout */
} ql_session_end;

struct ql_session {
    ql_ctx cx;
    ql_intr intr;
    ql_vars vars;
    ql_session_env *env;
    const ql_front *front;
    ql_arena *arena;               /* session lifetime */
    ql_quota quota;                /* what the running statement takes */
    ql_quota kept;                 /* the rest: buffers, prepared statements, user variables */
    ql_sink nowhere;               /* of results that nobody hears */
    ql_diag *diag_now, *diag_last; /* the running statement's, the former one's (SHOW WARNINGS) */
    ql_buf text;                   /* statement text converted to utf8mb4 */
    ql_prepared *prepared;         /* all of them */
    ql_session_end end;            /* no more statements are run */
    bool multi_statements;         /* a text may hold several */
    bool layer_open;               /* cx.txn has a statement layer */
    bool was_autocommit;           /* when the statement began */
    bool touched;                  /* the running statement works on tables */
    bool began;          /* the running statement has begun the transaction that is open */
    bool nontxn_changed; /* the transaction has changed tables that ROLLBACK does not undo */
    bool committed; /* the running statement has committed: a kill no longer changes its outcome */
    bool limit_of_select; /* timer is max_execution_time, not max_statement_time */
    bool whole_text;      /* the running statement is all of its text */
    bool hide_warnings;   /* SHOW WARNINGS and its kin answer with no warnings of their own */
    bool changes_own; /* the statement may change nothing but temporary tables: see check_access */
    bool rebuilds; /* the statement writes tables anew that say what they said: read_only allows it
                    */
    bool stops_server; /* the running statement is SHUTDOWN: asked for when its client has the OK */
    bool is_kill; /* the running statement is KILL: it is told even when it kills its own connection
                   */
    uint64_t timer;          /* time limit of the running statement; 0 = none */
    int64_t command_ns;      /* monotonic: when the running command began to come */
    int64_t begin_ns;        /* monotonic: when the running statement began its work */
    ql_proc_command command; /* being run, as shown */
};

/* ---- life ---- */

/* Set up s, which is zeroed, with a row of the process list: fd is what a KILL cuts (-1: nothing),
 * host what is shown. s must not move. QL_ERROR: worded if there is a s->cx.diag to word it in;
 * ql_session_release and ql_session_fini take apart what there is. */
ql_status ql_session_init(ql_session *s, ql_session_env *env, const ql_front *front, int fd,
                          const char *host) QL_MUST_USE;
/* Give back all that others may wait for, in the order of KILL.md section 3, and leave the process
 * list. Waits for nothing; kills are held from here on. */
void ql_session_release(ql_session *s);
/* The memory that is left; s itself is the caller's. */
void ql_session_fini(ql_session *s);
/* As after the login: transaction, locks, temporary tables, prepared statements and variables go
 * (COM_RESET_CONNECTION). */
ql_status ql_session_clear(ql_session *s) QL_MUST_USE;
/* The account becomes the session's: its privileges, CURRENT_USER(), USER(). Strings in a, which
 * lives as long as the account is the session's, as *account does. */
ql_status ql_session_set_account(ql_session *s, ql_arena *a, const ql_account *account, ql_str user,
                                 ql_str host) QL_MUST_USE;
/* All privileges, as root@localhost; server: bound by no read_only. */
ql_status ql_session_set_owner(ql_session *s, bool server) QL_MUST_USE;
/* USE db. 1044, 1049. */
ql_status ql_session_use(ql_session *s, ql_str db) QL_MUST_USE;
/* What SET has made of the session's limits of memory. Between statements. */
void ql_session_take_limits(ql_session *s);
/* Value of a system variable by name, `otherwise` when there is none of that name. */
uint64_t ql_session_setting(ql_session *s, const char *name, uint64_t otherwise);
void ql_session_abort(ql_session *s); /* end becomes QL_END_ABORTED, if it is none yet */

/* ---- the statement as a target of KILL (target.c) ---- */

/* A command begins to come, shown as given; a KILL QUERY can hit it from here on, if it is to run
 * as a statement. */
void ql_session_target_open(ql_session *s, bool is_statement, ql_proc_command shown);
/* The open target's outcome is decided: from here on no KILL QUERY has an effect; what came is
 * forgotten. Does nothing when none is open. */
void ql_session_target_close(ql_session *s);
/* The process list shows the session as idle; false = it did already. */
bool ql_session_show_idle(ql_session *s);
/* And back, while the last bytes of the reply do not go: stmt_id and command as they were. */
void ql_session_show_busy(ql_session *s, uint64_t stmt_id, ql_proc_command command);

/* ---- running statements (stmt.c). A target is open. ---- */

/* All statements of the text, up to the first that fails. */
void ql_session_query(ql_session *s, ql_str text);
/* The same with results and outcomes told to nobody; false when one failed (its error stays in
 * diag_last). */
bool ql_session_query_silent(ql_session *s, ql_str text);
/* Values of a prepared statement's parameters, in the statement arena; called while the statement
 * runs. */
typedef ql_status (*ql_session_bind)(ql_session *s, void *arg, ql_value **values);
/* A prepared statement; binary goes to the front. */
void ql_session_execute(ql_session *s, ql_prepared *ps, bool binary, ql_session_bind bind,
                        void *arg);
/* Something else that runs as a statement: it can be killed, shows in the process list as info, and
 * ends in tell. */
typedef ql_status (*ql_session_work)(ql_session *s, void *arg, ql_outcome *out);
void ql_session_do(ql_session *s, ql_str info, ql_session_work work, void *arg);
/* A parsed statement from resolve on, inside a running one. */
ql_status ql_session_run_parsed(ql_session *s, const ql_ast_stmt *ast, const ql_value *params,
                                uint32_t nparams, ql_outcome *out) QL_MUST_USE;
/* All statements of a text, as the server itself; told to nobody. */
typedef struct ql_script_result {
    unsigned line; /* of the statement that failed; 0 = none failed */
    unsigned number;
    char text[512];
} ql_script_result;
/* A session of its own for a text (--init-file): one statement after the other, with all
 * privileges, up to the first that fails. */
void ql_script_run(ql_session_env *env, ql_str text, ql_script_result *result);

/* ---- prepared statements (prepared.c) ---- */

/* Owner: the session; lives until it is freed, or the session cleared or released. Keeps text and
 * AST; names are resolved anew for each execution. */
struct ql_prepared {
    ql_prepared *next; /* [session] */
    ql_arena *arena;   /* it lives there, as may what its front keeps with it */
    ql_str name;       /* of SQL PREPARE; n 0: the front's */
    void *kept;        /* the front's; told when it goes: */
    void (*forget)(ql_prepared *ps);
    ql_str text;
    const ql_ast_stmt *ast;
    uint32_t nparams;
    bool in_use; /* a statement executes it: freed with the session */
    bool closed; /* DEALLOCATE while in use */
};
/* Inside a running statement (ql_session_do): parse and bind names, so that what is wrong is told
 * now. *cols, *ncols: of its result, in the statement arena; *ncols 0: it has none. No lock is
 * kept. Errors 1064, 1295, 1461, those of names. */
ql_status ql_session_prepare(ql_session *s, ql_str text, ql_prepared **out, ql_result_column **cols,
                             uint16_t *ncols) QL_MUST_USE;
void ql_session_prepared_free(ql_session *s, ql_prepared *ps);

/* ---- transactions (txnctl.c) ---- */

/* Of everything the session's transaction has; never waits. */
void ql_session_rollback(ql_session *s);

/* ---- for the ops of fronts ---- */

ql_status ql_session_op_commit(ql_ctx *cx) QL_MUST_USE;
void ql_session_op_rollback(ql_ctx *cx);
ql_status ql_session_op_prepare(ql_ctx *cx, ql_str name, ql_str text) QL_MUST_USE;
ql_status ql_session_op_execute(ql_ctx *cx, ql_str name, const ql_value *params, uint32_t n,
                                ql_outcome *out) QL_MUST_USE;
ql_status ql_session_op_deallocate(ql_ctx *cx, ql_str name) QL_MUST_USE;
void ql_session_op_shutdown(ql_ctx *cx);
#define QL_SESSION_OPS                                                                             \
    .commit = ql_session_op_commit, .rollback = ql_session_op_rollback,                            \
    .prepare = ql_session_op_prepare, .execute = ql_session_op_execute,                            \
    .deallocate = ql_session_op_deallocate, .request_shutdown = ql_session_op_shutdown

#endif
