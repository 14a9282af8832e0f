/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of embed/ share among themselves: the library behind a ql_instance, the session
 * behind a ql_session, the statement behind a ql_stmt.
 */
#ifndef QL_EMBED_EMBED_INT_H
#define QL_EMBED_EMBED_INT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "intr/background.h"
#include "intr/cv.h"
#include "quell/quell.h"
#include "server/serve.h"
#include "spool/tape.h"

#define QLI_MESSAGE 544 /* an error's text: 512 bytes and what is put around it */

typedef struct qli_library qli_library;
typedef struct qli_embedded qli_embedded;

/* An instance and what the program needs beside it. Lock order: mu, then a session's mu. Lives
 * until it is closed and the last of its sessions has been. */
struct qli_library {
    ql_instance inst; /* first: what the program holds */
    ql_session_env env;
    ql_config config;
    ql_ctx cx; /* of ql_open, ql_listen, ql_close; waits in the last only */
    ql_intr intr;
    char *memory;      /* directory of an instance in memory; NULL = it is on disk */
    bool open;         /* [opening thread] the instance is */
    ql_mutex mu;       /* rank EMBED */
    uint32_t handles;  /* [mu] sessions that are not closed, and the library while it is open */
    uint32_t live;     /* [mu] sessions that hold something */
    bool closing;      /* [mu] no new sessions */
    ql_cv quiet;       /* [mu] live became 0 */
    qli_embedded *all; /* [mu] */
    ql_server *server; /* [mu] NULL = nobody listens */
    bool listened;     /* [mu] ql_listen has been called */
    char message[QLI_MESSAGE]; /* [mu to write] of ql_open_errmsg */
    ql_ctx reaper_cx;
    ql_intr reaper_intr;
    ql_thread reaper;
    int reaper_epoll;          /* events of all sessions; -1 = none */
    _Atomic bool stop_serving; /* SHUTDOWN: the reaper ends the listener */
};

/* Who may touch a session: whoever has made IDLE something else. */
typedef enum qli_state {
    QLI_IDLE,
    QLI_BUSY, /* a call of the program is at work */
    QLI_OVER, /* it holds nothing any more, or is just giving it back */
} qli_state;

typedef struct qli_error {
    unsigned number; /* 0 = none */
    char sqlstate[6];
    char text[QLI_MESSAGE];
} qli_error;

struct qli_embedded {
    ql_session s; /* first: what the program holds */
    qli_library *lib;
    qli_embedded *next, *prev; /* [lib->mu] */
    ql_mutex mu;               /* rank EMBEDDED: held by the reaper while it looks at the session */
    _Atomic int state;         /* qli_state */
    _Atomic uint32_t ended_by; /* the connection reason, once it is over */
    uint64_t id;
    int event_fd;    /* in reaper_epoll */
    qli_error error; /* from here: [the calling thread], of its last call */
    int result;
    uint64_t affected_rows, last_insert_id;
    _Atomic bool in_transaction; /* the reaper writes it, too */
    char warning[QLI_MESSAGE];
    ql_sink *sink;         /* where the rows of the running call go; NULL = nowhere */
    struct ql_stmt *stmts; /* all */
    _Atomic bool unswept;  /* some of them were finalized while a call was at work */
};

/* ---- session.c ---- */

/* A call begins: false = it must return *result at once. */
bool qli_call_begin(qli_embedded *e, int *result);
/* It ends; returns what it returns. */
int qli_call_end(qli_embedded *e);
/* Looking at what the session has, without being a call that forgets what the last one told; false:
 * a call is at work, or it is over. */
bool qli_look_begin(qli_embedded *e);
void qli_look_end(qli_embedded *e);
/* A statement runs in between, shown as given. */
void qli_call_statement(qli_embedded *e, ql_proc_command shown);
/* Give everything back that others may wait for. The caller has made the state OVER and holds
 * e->mu; when it no longer does, it says so with the other. */
void qli_embedded_release(qli_embedded *e);
void qli_embedded_released(qli_library *lib);
/* End it if no call has it and it is not over. qli_end_idle: its mu is locked, and is unlocked. */
void qli_end_idle(qli_embedded *e);
void qli_take_idle(qli_embedded *e);
/* Somebody needs the library no longer: the last frees it. */
void qli_library_put(qli_library *lib);
/* For ql_open_errmsg. */
void qli_set_message(qli_library *lib, const char *text);
void qli_set_error(qli_error *e, const ql_condition *c); /* c NULL: out of memory */

/* ---- reaper.c ---- */

/* The thread that takes what idle sessions hold once they are killed: their program may not call
 * for hours. */
ql_status qli_reaper_start(ql_ctx *cx, qli_library *lib) QL_MUST_USE;
void qli_reaper_stop(qli_library *lib);
ql_status qli_reaper_watch(ql_ctx *cx, qli_embedded *e) QL_MUST_USE;
void qli_reaper_forget(qli_embedded *e);
/* SHUTDOWN: clients are told to go, and no more are let in. Any thread, never waits. */
void qli_reaper_stop_serving(qli_library *lib);

/* ---- rows.c: a result that is kept ---- */

typedef struct qli_rows {
    ql_sink sink;  /* writes here */
    ql_buf head;   /* the first rows */
    ql_arena *mem; /* of what follows, once there are more */
    ql_tapes *file;
    ql_tape *tape;
    ql_reel reel;
    uint64_t count, at; /* rows there; read so far */
    size_t head_at;     /* next row in head */
    ql_buf row;         /* one from the tape */
    const char *p;      /* the current row's bytes */
    unsigned ncols;
    ql_status (*columns)(ql_ctx *cx, void *arg, const ql_result_column *cols, uint16_t n);
    void *arg; /* whom the columns of a result are told */
} qli_rows;

/* Empty; a result may follow. */
void qli_rows_begin(qli_rows *r);
/* All are there. */
ql_status qli_rows_end(ql_ctx *cx, qli_rows *r) QL_MUST_USE;
/* The next one: r->p; QL_END. */
ql_status qli_rows_next(ql_ctx *cx, qli_rows *r) QL_MUST_USE;
/* Files closed; the current row stays readable. */
void qli_rows_close(ql_ctx *cx, qli_rows *r);
void qli_rows_free(qli_rows *r); /* closed before */
/* A value of a row. Walks from the row's front: *p is where the next one begins. */
typedef struct qli_cell {
    int type; /* quell_type */
    bool is_unsigned;
    bool is_decimal;  /* of a TEXT: it is a DECIMAL's */
    uint8_t zerofill; /* of a number as text: digits */
    uint8_t decimals; /* of a FLOAT */
    int64_t i;
    double d;
    const char *p; /* TEXT, BLOB: n bytes and a NUL */
    size_t n;
} qli_cell;
qli_cell qli_cell_next(const char **p);

/* ---- execute.c ---- */

/* n, or where it is QUELL_ALL the length up to the NUL. */
size_t qli_length(const char *p, size_t n);

/* ---- stmt.c ---- */

/* A bound value keeps its bytes in memory of its own. */
typedef struct qli_parameter {
    ql_value v;  /* of a text: without its collation */
    char *bytes; /* of a string; NULL = none */
} qli_parameter;

typedef struct qli_column {
    char *name;
    ql_field field;
} qli_column;

struct ql_stmt {
    qli_embedded *e;
    ql_stmt *next, *prev;  /* e->stmts */
    ql_prepared *ps;       /* NULL = it is gone */
    qli_parameter *params; /* [nparams] */
    unsigned nparams;
    ql_arena *names;  /* of cols */
    qli_column *cols; /* [ncols] */
    unsigned ncols;
    qli_rows rows;
    bool reading;           /* it has been run, and its rows are being read */
    _Atomic bool finalized; /* while a call was at work in its session */
    ql_arena *texts;        /* of numbers in the current row, asked for as text */
};

/* The session is over: files of its statements' results are closed. */
void qli_stmts_release(qli_embedded *e);
/* Those that were finalized while this call was at work go with it. */
void qli_stmts_sweep(qli_embedded *e);
/* They are forgotten, without a session to tell. */
void qli_stmts_free(qli_embedded *e);

/* ---- memory.c: directories of instances in memory ---- */

/* A new directory, in memory where the system has such; NULL: errno. Those that killed programs
 * have left are removed first. */
char *qli_memory_make(void);
void qli_memory_remove(char *dir);

#endif
