/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a resolved statement: rows go to cx->sink, the outcome to the caller. The transaction and
 * the statement layer are the session's: statements read and write in cx->txn.
 */
#ifndef QL_STMTS_STMTS_H
#define QL_STMTS_STMTS_H

#include "resolve/resolve.h"
#include "types/sink.h"

/* What statements ask of the session (declared here, implemented by session; embed has its own). */
typedef struct ql_session_ops {
    /* Implicit commit before and after DDL: ends an open statement layer (keeping what it wrote),
     * commits, runs the catalog's and acl's hooks, frees metadata locks; cx->txn is NULL
     * afterwards. No transaction: nothing to do. */
    ql_status (*commit)(ql_ctx *cx);
    void (*rollback)(ql_ctx *cx);
    ql_status (*prepare)(ql_ctx *cx, ql_str name, ql_str text);
    ql_status (*execute)(ql_ctx *cx, ql_str name, const ql_value *params, uint32_t n,
                         ql_outcome *out);
    ql_status (*deallocate)(ql_ctx *cx, ql_str name);
    void (*request_shutdown)(ql_ctx *cx); /* SHUTDOWN */
    /* When the running statement is all that the connection has been told so far, and it was told
     * so right after its login: the number under which it was accepted, else 0. A KILL QUERY by it
     * is perhaps a late Ctrl-C (KILL.md 6). NULL = 0. */
    uint64_t (*kill_late_as)(ql_ctx *cx);
    bool (*client_found_rows)(ql_ctx *cx); /* CLIENT_FOUND_ROWS; NULL = false */
    /* LOAD DATA LOCAL: may the client be asked for a file at all (3948; NULL: no)? Ask for it. Its
     * next bytes, valid until the next call; QL_END: that was all. What the statement leaves unread
     * is the session's to drain. Waits: NET_WRITE; CLIENT_FILE. */
    ql_status (*file_allowed)(ql_ctx *cx);
    ql_status (*file_request)(ql_ctx *cx, ql_str name);
    ql_status (*file_read)(ql_ctx *cx, ql_str *bytes);
} ql_session_ops;

/* What is the same for all rows is computed, and the query rewritten (rewrite/): once, before
 * ql_exec. No waits. */
ql_status ql_exec_rewrite(ql_ctx *cx, const ql_session_ops *ops, ql_rstmt *stmt) QL_MUST_USE;
/* Run it. QL_OK: out tells what happened. QL_KILLED / QL_ERROR: worded; whatever it wrote is in the
 * statement's layer, which session rolls back. Waits: whatever the statement waits for. */
ql_status ql_exec(ql_ctx *cx, const ql_session_ops *ops, ql_rstmt *stmt,
                  ql_outcome *out) QL_MUST_USE;

/* The columns that a statement's result will have, without running it: of a SELECT, of SHOW and its
 * kin, of EXPLAIN and of the table statements; *n 0 = no result. Names and types in cx->arena. stmt
 * is from ql_resolve_prepare. QL_ERROR what the statement would find wrong with its names. */
ql_status ql_exec_describe(ql_ctx *cx, ql_rstmt *stmt, ql_result_column **cols,
                           uint16_t *n) QL_MUST_USE;

/* KILL by id for COM_PROCESS_KILL: checks, errors and counting as the statement. */
ql_status ql_exec_kill(ql_ctx *cx, uint64_t id, bool query_only) QL_MUST_USE;
/* SHOW PROCESSLIST into the sink, for COM_PROCESS_INFO. */
ql_status ql_exec_processlist(ql_ctx *cx, bool full) QL_MUST_USE;
/* SHOW COLUMNS-like definitions for COM_FIELD_LIST: columns of table matching wild, into a of cx.
 */
ql_status ql_exec_field_list(ql_ctx *cx, ql_str table, ql_str wild, ql_result_column **cols,
                             uint16_t *n) QL_MUST_USE;

#endif
