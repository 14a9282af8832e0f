/* SPDX-License-Identifier: Apache-2.0
 *
 * libquell: MySQL's SQL in a program, without a server, in which every statement can be stopped.
 *
 * An *instance* is a database: a directory, or memory. Any number of *sessions* work in it, each as
 * a client of a server would: with variables, a transaction, locks and temporary tables of its own.
 * A session runs statements, either whole texts (ql_execute) or prepared ones (ql_prepare,
 * ql_step).
 *
 * Threads. Calls on different sessions may be made at the same time from different threads; a
 * session and its statements belong to one thread at a time (which may change between calls; a call
 * that finds another one at work returns QUELL_MISUSE and does nothing). ql_interrupt and ql_kill
 * may be called by any thread at any time: they are how a statement that runs, or waits for a lock,
 * is stopped. Statements run on the thread that calls; give it 256 KiB of stack or more. After
 * fork() the child must not touch the library.
 *
 * Return values. Functions that return int return one of QUELL_...; what is wrong is told by
 * ql_errno, ql_sqlstate, ql_errmsg: MySQL's numbers and texts (QUELL_MISUSE has none). Texts are
 * UTF-8 (character set utf8mb4) and end with a NUL.
 *
 * docs/embedding.md is the guide.
 */
#ifndef QUELL_QUELL_H
#define QUELL_QUELL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUELL_VERSION "0.1.0"

/* For lengths: up to the NUL. */
#define QUELL_ALL ((size_t)-1)

#if defined(__GNUC__)
#define QUELL_API __attribute__((visibility("default")))
#else
#define QUELL_API
#endif

enum quell_result {
    QUELL_OK = 0,
    QUELL_ERROR = 1,  /* the statement failed: ql_errno says how; the session goes on */
    QUELL_KILLED = 2, /* it was stopped (ql_interrupt, KILL QUERY, a time limit): nothing of it is
                         left; the session goes on, and so does its transaction, with what its
                         earlier statements did: ql_in_transaction, COMMIT or ROLLBACK */
    QUELL_ENDED = 3,  /* the session is over (KILL CONNECTION, SHUTDOWN, ql_close): its transaction
                         is rolled back, its locks are free. ql_errno is 1317 after a kill, 1053
                         after SHUTDOWN and ql_close. What was read stays readable; ql_finalize and
                         ql_session_close are left to be called */
    QUELL_MISUSE = 4, /* the call is wrong here: a session used by two threads at once, a
                         parameter or warning that is not there. Nothing happened */
    QUELL_NOMEM = 5,  /* no memory even to say what is wrong */
    QUELL_ROW = 100,  /* ql_step: a row is there */
    QUELL_DONE = 101  /* ql_step: the statement has ended; there are no more rows */
};

/* What a value of the current row is. */
enum quell_type {
    QUELL_INTEGER = 1, /* fits int64_t, or uint64_t where ql_column_is_unsigned */
    QUELL_FLOAT = 2,
    QUELL_TEXT = 3, /* also DECIMAL, dates and times: as MySQL prints them */
    QUELL_BLOB = 4, /* a binary string */
    QUELL_NULL = 5
};

typedef struct ql_instance ql_instance;
typedef struct ql_session ql_session;
typedef struct ql_stmt ql_stmt;

/* Version of the library that is running. */
QUELL_API const char *ql_version(void);

/* ---- instances ---- */

/* Open the instance in directory `path`, or one in memory that is gone with it (path NULL or
 * ":memory:"). A directory that is not there, or is empty, is made into one, with the account
 * root@localhost for clients of ql_listen: it logs in through the Unix socket as the operating
 * system's user who runs this.
 *
 * settings: NULL, or texts "name=value" up to a NULL: the options and system variables of the
 * server (docs/configuration.md), as innodb_flush_log_at_trx_commit=2 or log_error=FILE (without
 * that nothing is logged). Read in order; copied. Not those that say where and how a server runs
 * (datadir, socket, port, init_file ...): they are refused.
 *
 * *out is set unless there is no memory at all (QUELL_NOMEM). When something else is wrong
 * (QUELL_ERROR: the directory is in use by another process or instance, is not readable, holds
 * something else, a setting is unknown), ql_open_errmsg(*out) says what, and *out still has to be
 * given to ql_close. Waits: for recovery after a crash. */
QUELL_API int ql_open(const char *path, const char *const *settings, ql_instance **out);
/* Why the last ql_open, ql_listen or ql_session_open of the instance failed, "" if it did not;
 * valid until the next such call, of any thread. */
QUELL_API const char *ql_open_errmsg(ql_instance *inst);
/* Not from a row function. Close it: statements that run are stopped (their calls return
 * QUELL_ENDED, 1053), transactions that are open are rolled back, everything committed is on disk,
 * sockets are closed, the directory is free for others. Returns when all that is done; the calls of
 * other threads may still be on their way out. Sessions of the instance stay valid for
 * ql_session_close, which each of them still needs; inst itself must not be used any more. NULL is
 * ignored. */
QUELL_API void ql_close(ql_instance *inst);

/* Let stock clients in beside the program: at the Unix socket `socket` (a path, NULL = none) and at
 * TCP port `port` of `address` (a numeric IP address, "*", "localhost", NULL = 127.0.0.1; port 0 =
 * no TCP). They see the program's sessions in the process list and may KILL them. Once an instance;
 * ends with ql_close. There is no TLS: keep TCP local; accounts of caching_sha2_password get in
 * there only after a login through the socket. QUELL_ERROR: cannot listen there; QUELL_MISUSE:
 * neither socket nor port, or a second call. */
QUELL_API int ql_listen(ql_instance *inst, const char *socket, const char *address, unsigned port);

/* Stop what connection `id` runs (query_only nonzero; its next statement is not touched), or end
 * the connection itself, as SQL KILL does, with all privileges. id: ql_session_id of a session of
 * this instance, or the id of a client of ql_listen. Never waits; when it returns, no lock of the
 * other is needed for the stop to happen. QUELL_OK: told; or nothing was running that could be
 * stopped. QUELL_ERROR: there is no such connection. */
QUELL_API int ql_kill(ql_instance *inst, uint64_t id, int query_only);

/* ---- sessions ---- */

/* A new session. user NULL: with all privileges, as root@localhost. Else those of the account
 * user@localhost, without a password, for who has the directory has all there is; ql_open_errmsg
 * says when there is none (QUELL_ERROR, *out NULL); whether it is locked is not looked at, nor is
 * max_connections. Close it with ql_session_close. */
QUELL_API int ql_session_open(ql_instance *inst, const char *user, ql_session **out);
/* Rolls back its transaction, frees its locks, finalizes its statements (their handles are invalid
 * then), drops its temporary tables. Must not run beside another call on the session, ql_interrupt
 * among them. NULL is ignored. */
QUELL_API void ql_session_close(ql_session *s);
/* CONNECTION_ID(): what KILL and ql_kill name. */
QUELL_API uint64_t ql_session_id(const ql_session *s);
/* Any thread: stop the statement that the session runs now; its call returns QUELL_KILLED (1317).
 * Before its call has begun, and between two calls, there is nothing to stop, and the next
 * statement is not touched: who stops a loop of calls sets a flag of his own, too. Never waits. */
QUELL_API void ql_interrupt(ql_session *s);

/* Of the session's last call: MySQL's error number (0 = none), SQLSTATE ("00000") and text ("").
 * Valid until its next call. */
QUELL_API unsigned ql_errno(const ql_session *s);
QUELL_API const char *ql_sqlstate(const ql_session *s);
QUELL_API const char *ql_errmsg(const ql_session *s);
/* Warnings and notes of the last statement: how many there are to read, and one of them (i from 0):
 * level 0 note, 1 warning, 2 error. QUELL_MISUSE: there is no such. Valid until the next call. */
QUELL_API unsigned ql_warning_count(ql_session *s);
QUELL_API int ql_warning(ql_session *s, unsigned i, int *level, unsigned *number,
                         const char **text);
/* Rows that the last statement has changed, inserted or deleted; of one with a result, how many
 * rows that has (so it is another after each statement). */
QUELL_API uint64_t ql_affected_rows(const ql_session *s);
/* The first AUTO_INCREMENT value that the last statement has made, as SQL's LAST_INSERT_ID(); 0 =
 * it made none. */
QUELL_API uint64_t ql_last_insert_id(const ql_session *s);
/* Nonzero while a transaction is open. */
QUELL_API int ql_in_transaction(const ql_session *s);

/* ---- whole texts ---- */

/* A row of a result: n columns, their names, their values as text (NULL = SQL NULL) and the lengths
 * of these. All valid until the function returns. Nonzero: enough, the statement is stopped. It
 * must not call anything on the same session but ql_interrupt; other sessions it may use. */
typedef int (*ql_row_function)(void *arg, unsigned n, const char *const *names,
                               const char *const *values, const size_t *lengths);
/* Run all statements of a text, up to the first that fails. Rows go to `row` as they come, while
 * the statement runs (NULL: they are thrown away). n: bytes of the text, (size_t)-1 = up to its
 * NUL. QUELL_OK, _ERROR, _KILLED (also when `row` returned nonzero: 1317), _ENDED, _MISUSE. */
QUELL_API int ql_execute(ql_session *s, const char *sql, size_t n, ql_row_function row, void *arg);

/* ---- prepared statements ---- */

/* Prepare one statement; ? are its parameters. n as above. Names are looked up now and again at
 * each execution. QUELL_ERROR leaves *out NULL. ql_finalize it before its session is closed, or let
 * ql_session_close do so. */
QUELL_API int ql_prepare(ql_session *s, const char *sql, size_t n, ql_stmt **out);
QUELL_API void ql_finalize(ql_stmt *st);                  /* NULL is ignored */
QUELL_API ql_session *ql_stmt_session(const ql_stmt *st); /* that it was prepared in */

/* Parameters, from 1; unset ones are NULL. They keep their values from execution to execution.
 * Bytes are copied. QUELL_OK; _MISUSE: no such parameter, or a result is being read (ql_reset
 * first); _NOMEM. */
QUELL_API unsigned ql_bind_count(const ql_stmt *st);
QUELL_API int ql_bind_null(ql_stmt *st, unsigned i);
QUELL_API int ql_bind_int64(ql_stmt *st, unsigned i, int64_t v);
QUELL_API int ql_bind_uint64(ql_stmt *st, unsigned i, uint64_t v);
QUELL_API int ql_bind_double(ql_stmt *st, unsigned i, double v);
QUELL_API int ql_bind_text(ql_stmt *st, unsigned i, const char *p, size_t n); /* QUELL_ALL */
QUELL_API int ql_bind_blob(ql_stmt *st, unsigned i, const void *p, size_t n);

/* The first call runs the statement to its end (its rows are kept, in memory or in a temporary
 * file), so that between two calls it holds nothing but what its transaction holds. QUELL_ROW: a
 * row is there, the first, then the next; QUELL_DONE: there are no more, and the next call runs it
 * again; QUELL_ERROR, _KILLED: it failed, nothing is left of it; _ENDED, _MISUSE. */
QUELL_API int ql_step(ql_stmt *st);
/* Forget the rest of its rows; the next ql_step runs it again. */
QUELL_API void ql_reset(ql_stmt *st);

/* Columns of the result, from 0; 0 of them: the statement has none. Names are valid until the next
 * ql_step that runs it. */
QUELL_API unsigned ql_column_count(const ql_stmt *st);
QUELL_API const char *ql_column_name(const ql_stmt *st, unsigned i);
/* MySQL's type number (enum enum_field_types of the protocol): 3 = INT, 8 = BIGINT, 12 = DATETIME,
 * 253 = VARCHAR ... */
QUELL_API int ql_column_field(const ql_stmt *st, unsigned i);

/* Values of the row that ql_step has returned, until the next call on the statement. Conversions
 * are SQL's: text to a number takes its leading number; NULL is 0, 0.0, NULL. Without such a row or
 * column: the same. ql_column_text: with a NUL behind, ql_column_bytes its length (of a blob:
 * that of the blob). */
QUELL_API int ql_column_type(ql_stmt *st, unsigned i); /* enum quell_type */
QUELL_API int ql_column_is_unsigned(ql_stmt *st,
                                    unsigned i); /* of an INTEGER: read it as uint64_t */
QUELL_API int64_t ql_column_int64(ql_stmt *st, unsigned i);
QUELL_API uint64_t ql_column_uint64(ql_stmt *st, unsigned i);
QUELL_API double ql_column_double(ql_stmt *st, unsigned i);
QUELL_API const char *ql_column_text(ql_stmt *st, unsigned i);
QUELL_API const void *ql_column_blob(ql_stmt *st, unsigned i);
QUELL_API size_t ql_column_bytes(ql_stmt *st, unsigned i);

#ifdef __cplusplus
}
#endif

#endif
