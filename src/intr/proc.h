/* SPDX-License-Identifier: Apache-2.0
 *
 * The process list: one row per connection, sharded by id. A listing copies rows shard by shard and
 * never stops the sessions; a kill finds its victim by id and never waits behind a listing.
 */
#ifndef QL_INTR_PROC_H
#define QL_INTR_PROC_H

#include "base/arena.h"
#include "base/mutex.h"
#include "intr/intr.h"
#include "intr/wait.h"

/* Values of Command, by protocol number where there is one (kill-facts 5.7). */
typedef enum ql_proc_command {
    QL_PC_SLEEP,
    QL_PC_QUIT,
    QL_PC_INIT_DB,
    QL_PC_QUERY,
    QL_PC_FIELD_LIST,
    QL_PC_CREATE_DB,
    QL_PC_DROP_DB,
    QL_PC_REFRESH,
    QL_PC_SHUTDOWN,
    QL_PC_STATISTICS,
    QL_PC_PROCESSLIST,
    QL_PC_CONNECT,
    QL_PC_KILL,
    QL_PC_DEBUG,
    QL_PC_PING,
    QL_PC_TIME,
    QL_PC_DELAYED_INSERT,
    QL_PC_CHANGE_USER,
    QL_PC_BINLOG_DUMP,
    QL_PC_TABLE_DUMP,
    QL_PC_CONNECT_OUT,
    QL_PC_REGISTER_REPLICA,
    QL_PC_PREPARE,
    QL_PC_EXECUTE,
    QL_PC_LONG_DATA,
    QL_PC_CLOSE_STMT,
    QL_PC_RESET_STMT,
    QL_PC_SET_OPTION,
    QL_PC_FETCH,
    QL_PC_DAEMON,
    QL_PC_BINLOG_DUMP_GTID,
    QL_PC_RESET_CONNECTION,
    QL_PC_COUNT
} ql_proc_command;

/* State texts that are not waits (MySQL's stages). */
typedef enum ql_stage {
    QL_STAGE_NONE,         /* "" */
    QL_STAGE_STARTING,     /* "starting" */
    QL_STAGE_INIT,         /* "init" */
    QL_STAGE_OPENING,      /* "Opening tables" */
    QL_STAGE_OPTIMIZING,   /* "optimizing" */
    QL_STAGE_EXECUTING,    /* "executing" */
    QL_STAGE_UPDATE,       /* "update": INSERT */
    QL_STAGE_UPDATING,     /* "updating": UPDATE, DELETE */
    QL_STAGE_SORTING,      /* "Creating sort index" */
    QL_STAGE_TMP_TABLE,    /* "Copying to tmp table" */
    QL_STAGE_CREATING,     /* "creating table" */
    QL_STAGE_COPY_TABLE,   /* "copy to tmp table": ALTER TABLE writes rows anew */
    QL_STAGE_ALTERING,     /* "altering table": ALTER TABLE leaves them where they are */
    QL_STAGE_CHECKING,     /* "Checking table" */
    QL_STAGE_ANALYZING,    /* "Analyzing" */
    QL_STAGE_REPAIRING,    /* "Repair by sorting" */
    QL_STAGE_ROLLING_BACK, /* "Rolling back" */
    QL_STAGE_QUERY_END,    /* "query end" */
    QL_STAGE_FREEING,      /* "freeing items" */
    QL_STAGE_LOGIN,        /* "login" */
    QL_STAGE_COUNT
} ql_stage;

typedef struct ql_procs ql_procs;
typedef struct ql_proc ql_proc; /* one row; layout private to intr/proc.c */

/* What the transaction of a row is and has done so far (information_schema.INNODB_TRX). Its session
 * writes it with relaxed stores, listings read it; no lock, so figures of a moment may be mixed. */
#define QL_PTRX_STARTED 1u        /* has read, locked or written something */
#define QL_PTRX_READ_ONLY 2u      /* START TRANSACTION READ ONLY */
#define QL_PTRX_AUTOCOMMIT 4u     /* lives for one statement */
#define QL_PTRX_ISOLATION_SHIFT 8 /* two bits: ql_isolation */
typedef struct ql_proc_trx {
    _Atomic uint64_t id;           /* of the transaction; 0 = none */
    _Atomic uint64_t changed;      /* rows it has changed */
    _Atomic uint64_t locks;        /* row locks it holds */
    _Atomic uint64_t lock_bytes;   /* their memory */
    _Atomic uint64_t wait_lock;    /* id of the row lock it waits for; 0 = none */
    _Atomic uint32_t flags;        /* QL_PTRX_... */
    _Atomic uint32_t tables_used;  /* opened by the running statement */
    _Atomic uint32_t tables_wrote; /* of these, to write or lock rows in */
} ql_proc_trx;
/* Of the row; lives as long as the row. */
ql_proc_trx *ql_proc_trx_of(ql_proc *row);
#define QL_PTRX_SET(p, field, v) atomic_store_explicit(&(p)->field, (v), memory_order_relaxed)
#define QL_PTRX_GET(p, field) atomic_load_explicit(&(p)->field, memory_order_relaxed)
/* Only the owner adds, so load and store need not be one step. */
#define QL_PTRX_ADD(p, field, v) QL_PTRX_SET(p, field, QL_PTRX_GET(p, field) + (v))

ql_procs *ql_procs_new(void) QL_MUST_USE;
void ql_procs_free(ql_procs *ps);

/* New row with a fresh connection id (from 1; 64-bit, ids of the first 2^32 fit the handshake),
 * Command "Connect", User "unauthenticated user". The row points at in and net_fd (for KILL
 * CONNECTION; -1 none); both stay valid until ql_proc_remove. NULL after wording out-of-memory.
 * QL_ERROR-free otherwise. */
ql_proc *ql_proc_add(ql_ctx *cx, ql_procs *ps, ql_intr *in, int net_fd,
                     const char *host) QL_MUST_USE;
/* The row is gone when this returns: no raise can reach its interrupt any more. */
void ql_proc_remove(ql_procs *ps, ql_proc *row);
uint64_t ql_proc_id(const ql_proc *row);
/* A kill leaves it to the owner to cut its socket: under TLS it says good-bye first, for without
 * that clients report a protocol error instead of a lost connection. */
void ql_proc_set_owner_cuts(ql_proc *row);
size_t ql_procs_count(ql_procs *ps);

/* Owner's updates. Strings are copied. All are cheap: a leaf mutex of the row, uncontended. */
void ql_proc_set_user(ql_proc *row, ql_str user, ql_str host, uint64_t account_flags);
void ql_proc_set_db(ql_proc *row, ql_str db);
/* Restarts Time (idle too: KILL.md 4). */
void ql_proc_set_command(ql_proc *row, ql_proc_command command);
/* The statement that is a target of kills now, and 0 = none: Query_id. Info is shown only while it
 * is set. A new one starts the counters of rows. */
void ql_proc_set_query_id(ql_proc *row, uint64_t stmt_id);
/* Its text, passwords already masked; {NULL,0} = none. The row keeps a copy, made with looks at the
 * kill flag: QL_KILLED, and then it is as it was. */
ql_status ql_proc_set_info(ql_ctx *cx, ql_proc *row, ql_str text) QL_MUST_USE;
void ql_proc_forget_info(ql_proc *row);
/* Copy the statement's text, cut to n bytes; returns the length. Any thread that knows the row to
 * be there. */
size_t ql_proc_copy_statement(ql_proc *row, char *p, size_t n);
uint64_t ql_proc_query_id(const ql_proc *row);        /* as above; 0 = none */
void ql_proc_set_stage(ql_proc *row, ql_stage stage); /* relaxed atomic store */
/* By ql_wait, and by a session that leads a group of commits; QL_W_NONE = back. */
void ql_proc_set_wait(ql_proc *row, ql_wait_kind kind);
/* State text in place of that of the wait kind (sync points); text lives as long as the instance;
 * NULL = back. */
void ql_proc_set_wait_text(ql_proc *row, const char *text);
/* Who blocks this one; 0 nobody. The first of a wait starts wait_age_ms. */
void ql_proc_set_waits_for(ql_proc *row, uint64_t conn_id);
void ql_proc_set_trx(ql_proc *row, int64_t start_mono_ns, const char *commit_state); /* 0 = none */
void ql_proc_set_snapshot(ql_proc *row, int64_t start_mono_ns);
void ql_proc_add_rows(ql_proc *row, uint64_t examined,
                      uint64_t sent); /* relaxed; sums of the statement */
/* Progress of a long statement: so much work in all, none of it done yet (0: nothing to tell, as at
 * the begin of each statement); n more of it are done. Relaxed. */
void ql_proc_set_work(ql_proc *row, uint64_t estimated);
void ql_proc_add_work(ql_proc *row, uint64_t n);
void ql_proc_set_memory(ql_proc *row, const struct ql_quota *quota);

/* account_flags in the row, a snapshot taken at login (kill-facts 6). */
#define QL_PROC_SYSTEM_USER 1u

/* Who a session is beyond what the list shows; known from the login on (proc_client.c). */
typedef struct ql_proc_client {
    ql_str account_user, account_host; /* the account, as CURRENT_USER() says it */
    ql_str peer;                       /* where it comes from, without a port */
    bool has_attrs;                    /* it sent connection attributes */
    ql_str pid, program;               /* _pid and program_name among them; n 0 = not there */
} ql_proc_client;
/* Owner; the strings are copied. Without memory the session counts as nobody's. */
void ql_proc_set_client(ql_proc *row, const ql_proc_client *client);
/* Is connection id a session of that account? any_host: of any account of that user name. False
 * when there is none. */
bool ql_procs_is_account(ql_procs *ps, uint64_t id, ql_str user, ql_str host, bool any_host);
/* May id be the connection that `row` was opened to kill for: same account, same peer, and where
 * both sent attributes the same process and program. */
bool ql_procs_same_client(ql_procs *ps, ql_proc *row, uint64_t id);

/* Owner, before ql_proc_remove: the session ends because its client went away. Its id is then
 * remembered for a while (the last QLI_GONE_ROOM of a shard). */
void ql_proc_set_vanished(ql_proc *row);
/* Did connection id end so within the last ns nanoseconds? *mine: its user name was `user`. */
bool ql_procs_has_vanished(ql_procs *ps, uint64_t id, int64_t ns, ql_str user, bool *mine);

/* Copy of a row for listings; strings live in the arena given, or as long as it. */
typedef struct ql_proc_info {
    uint64_t id, query_id;
    ql_str user, host, db; /* db.p NULL = NULL */
    const char *command;   /* "Killed" from the moment a connection reason is raised */
    int64_t time_ms;
    const char *state;                  /* "" or text */
    ql_str info;                        /* p NULL = NULL */
    uint64_t work_done, work_estimated; /* 0 estimated: not told */
    uint64_t rows_examined, rows_sent, memory_used, waits_for, account_flags;
    int64_t trx_age_ms, snapshot_age_ms; /* -1 = none */
    const char *commit_state;
    bool authenticated;
    ql_wait_kind wait;
    int64_t wait_age_ms; /* how long it has been waiting for waits_for; -1 = not */
    uint64_t trx_id, trx_changed, trx_locks, trx_lock_bytes, trx_wait_lock; /* as ql_proc_trx */
    uint32_t trx_flags, tables_used, tables_wrote;
} ql_proc_info;

/* All rows, sorted by id. */
ql_status ql_procs_list(ql_ctx *cx, ql_procs *ps, ql_arena *a, ql_proc_info **rows,
                        size_t *n) QL_MUST_USE;
/* QL_END when there is no such connection. */
ql_status ql_procs_find(ql_ctx *cx, ql_procs *ps, uint64_t id, ql_arena *a,
                        ql_proc_info *row) QL_MUST_USE;
/* Connection that runs statement stmt_id, or 0. */
uint64_t ql_procs_conn_of_stmt(ql_procs *ps, uint64_t stmt_id);

typedef enum ql_raise_result {
    QL_RAISE_DONE,      /* set, or the session is dying already */
    QL_RAISE_IDLE,      /* statement reason, and that statement does not run: no effect */
    QL_RAISE_SPARED,    /* statement reason, meant for an earlier statement: no effect */
    QL_RAISE_NO_THREAD, /* no such connection */
} ql_raise_result;
/* Raise by id. A connection reason other than SHUTDOWN and IDLE also shuts the socket down, unless
 * cut is false (the killer's own). late_as != 0 (late Ctrl-C; KILL.md 6): the running statement is
 * spared a statement reason when an earlier one of that session ran as connection number late_as
 * was accepted. Never waits. */
ql_raise_result ql_procs_raise(ql_procs *ps, uint64_t id, uint64_t stmt_id, uint32_t reasons,
                               bool cut, uint64_t late_as);
/* Put a question (intr/ask.h) to the statement that connection id runs: DONE, IDLE, NO_THREAD.
 * Never waits. */
struct ql_ask;
ql_raise_result ql_procs_ask(ql_procs *ps, uint64_t id, struct ql_ask *a) QL_MUST_USE;
/* Raise a connection reason on the session if it runs a statement, and shut its socket down. IDLE:
 * it runs none. */
ql_raise_result ql_procs_raise_running(ql_procs *ps, uint64_t id, uint32_t reasons);
/* A connection has been accepted: its number, from 1. Any thread. */
uint64_t ql_procs_accept(ql_procs *ps);
/* Raise on every session (shutdown); cut: shut sockets down too. */
void ql_procs_raise_all(ql_procs *ps, uint32_t reasons, bool cut);
/* fn for each id and descriptor now connected; for the watcher. Called under a shard mutex: must
 * not wait. */
void ql_procs_each_fd(ql_procs *ps, void (*fn)(void *arg, uint64_t id, int fd), void *arg);

const char *ql_proc_command_text(ql_proc_command c);
const char *ql_stage_text(ql_stage s);
/* Next query id of the instance; from 1. */
uint64_t ql_procs_next_stmt_id(ql_procs *ps);

#endif
