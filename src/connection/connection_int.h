/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection and what the files of connection/ share among themselves. One thread: its own.
 */
#ifndef QL_CONNECTION_CONNECTION_INT_H
#define QL_CONNECTION_CONNECTION_INT_H

#include "connection/connection.h"
#include "proto/command.h"
#include "proto/handshake.h"
#include "proto/resultset.h"
#include "proto/stmt_params.h"

/* A prepared statement of the binary protocol. Lives in its ql_prepared's arena and goes with it.
 */
typedef struct qli_handle {
    struct qli_handle *next;
    uint32_t id;
    ql_prepared *ps;
    struct ql_connection *owner;
    ql_param_slot *slots; /* [ps->nparams] */
    bool types_bound;
    bool long_data_failed; /* told at the next EXECUTE */
    ql_str payload;        /* of the EXECUTE that runs */
} qli_handle;

typedef struct ql_connection ql_connection;
/* Writes the answer of success; QL_OK or what the wire says. */
typedef ql_status (*qli_reply)(ql_connection *c, void *arg);

struct ql_connection {
    ql_session s; /* first: the ops find the connection by their session */
    ql_wire wire;
    ql_wire_sink sink;
    ql_connection_env *env;
    const ql_connection_start *start;
    ql_login login;
    ql_arena *login_arena; /* strings of login; replaced by COM_CHANGE_USER */
    qli_handle *handles;
    uint32_t next_handle;
    qli_reply reply; /* of the running command; NULL = OK or end of rows */
    void *reply_arg;
    uint64_t commands;                /* finished since login */
    uint64_t counted_in, counted_out; /* of the wire's bytes, those that are in the counters */
    int64_t login_ns;                 /* monotonic: when the login was done */
    int64_t report_ns; /* progress.c: when the next report of the running statement is due */
    bool logged_in;
    bool more_results; /* another statement of the text follows the reply being written */
    bool file_open;    /* a client has been asked for a file and has not sent its end */
    bool watched;      /* the watcher knows the socket */
};

/* ---- front.c: what the session tells ---- */

extern const ql_front qli_client_front;

/* Something that runs as a statement, answered by reply (NULL = OK or end of rows). */
void qli_do(ql_connection *c, ql_str info, ql_session_work work, qli_reply reply, void *arg);

/* ---- reply.c ---- */

ql_reply qli_reply_state(ql_connection *c, bool more);
/* Send what the wire holds and the reply's end; a failure ends the connection. */
void qli_reply_flush(ql_connection *c, ql_status st, ql_deadline dl);
/* OK, or the end of rows. */
void qli_reply_success(ql_connection *c, const ql_outcome *out, bool more);
/* ERR from cx.diag, after a failed or killed statement or command. */
void qli_reply_failure(ql_connection *c, ql_status why);

/* ---- clientfile.c: LOAD DATA LOCAL; stmts.h says what they do ---- */
ql_status qli_file_allowed(ql_ctx *cx) QL_MUST_USE;
ql_status qli_file_request(ql_ctx *cx, ql_str name) QL_MUST_USE;
ql_status qli_file_read(ql_ctx *cx, ql_str *bytes) QL_MUST_USE;
/* Throw away what is still to come of the client's file, for net_read_timeout at most; false: it
 * has not come to its end, the connection cannot go on. Waits: CLIENT_FILE. */
bool qli_file_drain(ql_connection *c) QL_MUST_USE;

/* ---- progress.c ---- */

/* A statement begins: its client is told how far it comes, if it has asked for that. */
void qli_progress_begin(ql_connection *c);

/* ---- handles.c: COM_STMT_... ---- */

void qli_handle_prepare(ql_connection *c, ql_str text);
void qli_handle_execute(ql_connection *c, uint64_t id, ql_str payload);
void qli_handle_close(ql_connection *c, uint64_t id);
ql_status qli_handle_reset(ql_connection *c, uint64_t id) QL_MUST_USE; /* 1243 */
void qli_handle_long_data(ql_connection *c, const ql_command *cmd);

/* ---- login.c ---- */

/* Handshake to OK packet. False: the connection is over (answered as far as it can be). */
bool qli_login(ql_connection *c);
/* COM_CHANGE_USER with its reply. */
void qli_change_user(ql_connection *c, ql_str payload);
/* COM_RESET_CONNECTION: forget what belongs to the session, keep who it is. */
ql_status qli_clear(ql_connection *c) QL_MUST_USE;

/* ---- command.c ---- */

/* What the wire has carried since the last call goes into Bytes_received and Bytes_sent. */
void qli_count_bytes(ql_connection *c);
/* Run one command packet to its reply. */
void qli_command_run(ql_connection *c, ql_str payload);
/* A command's first byte has come (-1: an empty packet): it is shown, and is a target. */
void qli_target_open(ql_connection *c, int first);

#endif
