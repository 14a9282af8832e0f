/* SPDX-License-Identifier: Apache-2.0
 *
 * The interrupt of a session: why it has to stop, for whom, and the checkpoint that looks. Raised
 * by any thread, looked at only by the owner. Statement reasons vanish when no statement runs;
 * connection reasons are final and beat statement reasons.
 */
#ifndef QL_INTR_INTR_H
#define QL_INTR_INTR_H

#include <stdatomic.h>

#include "base/ctx.h"
#include "base/mutex.h"

/* Reasons, a bit each; a higher bit beats a lower one. */
enum ql_intr_reason {
    QL_INTR_QUERY = 1u << 0,     /* KILL QUERY: 1317 */
    QL_INTR_TIME = 1u << 1,      /* max_execution_time: 3024 */
    QL_INTR_MEMORY = 1u << 2,    /* memory quota: 4082 */
    QL_INTR_SNAPSHOT = 1u << 3,  /* snapshot_pinned_limit: 4201 */
    QL_INTR_CONN = 1u << 8,      /* KILL CONNECTION: socket cut, no packet (1317 to oneself) */
    QL_INTR_GONE = 1u << 9,      /* the client went away: nobody to tell */
    QL_INTR_IDLE = 1u << 10,     /* wait_timeout: 4031 */
    QL_INTR_SHUTDOWN = 1u << 11, /* server stops: 1053 */
};
#define QL_INTR_STMT_MASK 0x000000ffu
/* Not a reason: somebody asks something (intr/ask.h), which is answered by the way. */
#define QL_INTR_ASKED (1u << 16)
#define QL_INTR_CONN_MASK 0x0000ff00u

#define QL_INTR_FORMER 8 /* former statements remembered */
/* Connections accepted while former statements of a session ran: numbers from < number <= to. */
typedef struct ql_intr_span {
    uint64_t from, to;
} ql_intr_span;

/* Gap monitor (debug builds): the longest stretch of a running statement without a look at
 * `pending`, on one clock, and the two places it lies between: file and line, or what else was
 * there (a wait, the statement's begin and end) with line 0. */
typedef struct ql_gap {
    int64_t ns;
    const char *from, *to; /* static texts; NULL = none yet */
    int from_line, to_line;
} ql_gap;

/* Processor time of the thread, and the wall clock without ql_wait. */
enum { QL_GAP_CPU, QL_GAP_WALL, QL_GAP_CLOCKS };

/* Owner: the session; embedded in it. Other threads reach it only through ql_procs (by id, under
 * the row's mutex). */
typedef struct ql_intr {
    _Atomic uint32_t
        pending; /* reasons a checkpoint must act on: raised and not held; what ql_check loads */
    _Atomic uint32_t raised;   /* [mu to write] all reasons raised and not yet dropped */
    _Atomic uint64_t stmt_id;  /* [mu to write] statement now running, 0 = none */
    ql_mutex mu;               /* rank PROC: raise against stmt_begin/stmt_end/hold */
    uint32_t held;             /* [mu] reasons deferred by ql_hold */
    uint32_t hold_depth[16];   /* [owner] nesting per reason bit */
    _Atomic uint64_t deferred; /* kills that arrived under hold; for the status variable */
    int event_fd; /* [mu to change] what ql_wait polls; readable = look at pending; -1 = parked */
    int park_fd;  /* [mu] socket of a parked session, else -1 */
    _Atomic uint64_t checkpoints; /* [owner writes] passed so far; debug builds only count */
    uint64_t
        kill_at; /* [owner] kill sweep: raise kill_at_reason at this checkpoint number; 0 = off */
    uint32_t kill_at_reason;              /* [owner] */
    int64_t last_check_ns[QL_GAP_CLOCKS]; /* [owner] gap monitor, debug builds */
    ql_gap stmt_gap[QL_GAP_CLOCKS];       /* [owner] worst of the running statement */
    ql_gap last_gap[QL_GAP_CLOCKS];       /* [owner] worst of the statement that ended last */
    const char *last_check_file;          /* [owner] */
    int last_check_line;                  /* [owner] */
    _Atomic bool peer_watched;            /* [server/watch] */
    const _Atomic uint64_t *accepts; /* [const] connections accepted so far; NULL = none counted */
    uint64_t accepts_at_open;        /* [mu] of them, when the running statement opened */
    ql_intr_span former[QL_INTR_FORMER]; /* [mu] oldest first */
    uint32_t nformer;                    /* [mu] */
    bool working;                   /* [owner] between stmt_begin and stmt_end: checkpoints count */
    uint64_t stmt_checkpoints;      /* [owner] checkpoints of the statement that ended last */
    uint64_t armed_at;              /* [owner] kill sweep: kill_at of the next statement */
    uint32_t armed_reason;          /* [owner] */
    struct ql_ask *asks;            /* [mu] questions to the running statement; intr/ask.h */
    const struct ql_teller *teller; /* [owner] who answers them; NULL = nobody yet */
    bool telling;                   /* [owner] */
    struct ql_sync_actions *sync;   /* [owner] intr/sync.c: the session's DEBUG_SYNC actions */
} ql_intr;

/* QL_ERROR (1041) when no eventfd is to be had. */
ql_status ql_intr_init(ql_ctx *cx, ql_intr *in) QL_MUST_USE;
void ql_intr_fini(ql_intr *in);

/* Owner. A statement starts/ends to be a target. open drops nothing: reasons left from an earlier
 * statement cannot exist, for end drops them under the same mutex that raise takes. A statement is
 * opened when its first byte has come; begin says that its work starts (and opens what is not open
 * yet): checkpoints count from there. next: the open statement ends and the one behind it in the
 * same text opens, in one step, so that there is no moment between them without a target. */
void ql_intr_stmt_open(ql_intr *in, uint64_t stmt_id);
void ql_intr_stmt_begin(ql_intr *in, uint64_t stmt_id);
void ql_intr_stmt_next(ql_intr *in, uint64_t stmt_id);
void ql_intr_stmt_end(ql_intr *in);
/* Owner, debug builds. Kill sweep: the next statement (not the one now running) gets `reason`
 * raised at its checkpoint number `at`; 0 = off. One statement only. stmt_checkpoints says how many
 * the last one passed. */
void ql_intr_arm_kill(ql_intr *in, uint64_t at, uint32_t reason);

/* Any thread. Set reasons for the statement stmt_id (0 = whatever runs) and wake it. false =
 * nothing to hit: a statement reason while no statement, or another one, runs; or the session is
 * dying already. Never waits. */
bool ql_intr_raise(ql_intr *in, uint32_t reasons, uint64_t stmt_id);
/* Owner, idle for a while: give the event descriptor back (ten thousand idle connections then need
 * ten thousand descriptors, not twice that). Until unpark only connection reasons can come, and
 * they wake by shutting down the reading side of socket fd; no other wait than for that socket is
 * allowed. park does nothing when a reason is pending. unpark: QL_ERROR (1041) when there is no
 * descriptor. */
void ql_intr_park(ql_intr *in, int fd);
ql_status ql_intr_unpark(ql_ctx *cx) QL_MUST_USE;
/* Any thread. Make the owner's wait look again (spurious for it). Never waits. */
void ql_intr_wake(ql_intr *in);

/* Owner. Reasons of these bits are counted but not acted on until the matching unhold: clean-up,
 * commit taken. Nests. Nothing waits under a hold of all reasons except the committer's answer to a
 * taken commit. */
void ql_hold(ql_ctx *cx, uint32_t reasons);
void ql_unhold(ql_ctx *cx, uint32_t reasons);

/* Pending connection reason, or 0. For the session loop. */
uint32_t ql_intr_conn_reason(const ql_intr *in);

/* Owner. The statement answers for having been stopped with a result of its own, and goes on to its
 * end as any other: forgets KILL QUERY and the time limit. False: neither is pending, or something
 * else is that must end it. */
bool ql_intr_answer(ql_ctx *cx) QL_MUST_USE;

/* Slow path of ql_check: words the error of the strongest pending reason, returns QL_KILLED. */
ql_status ql_intr_report(ql_ctx *cx) QL_MUST_USE;
/* Debug builds: count, gap monitor, kill sweep. */
void ql_intr_trace(ql_ctx *cx, const char *file, int line);

/* Checkpoint. QL_OK, or QL_KILLED with the diagnostics worded. In every loop over data, once a
 * block. */
static inline QL_MUST_USE ql_status
ql_check_at(ql_ctx *cx, const char *file, int line)
{
#ifdef QL_DEBUG
    ql_intr_trace(cx, file, line);
#else
    (void)file;
    (void)line;
#endif
    if (QL_UNLIKELY(atomic_load_explicit(&cx->intr->pending, memory_order_relaxed) != 0)) {
        return ql_intr_report(cx);
    }
    return QL_OK;
}
#define ql_check(cx) ql_check_at((cx), __FILE__, __LINE__)

/* The checkpoint for ctx.look: long copies and allocations of base/ look through it. */
ql_status ql_intr_look(ql_ctx *cx) QL_MUST_USE;
/* What st means when memory functions, which say NULL for every failure, have been on its way:
 * QL_KILLED when the error is the wording of the pending reason. */
ql_status ql_intr_outcome(ql_ctx *cx, ql_status st) QL_MUST_USE;

/* Debug builds: the worst gaps of all statements in this process, from their begin to their end;
 * reported through status variables Quell_checkpoint_gap_*. */
void ql_intr_gap_worst(ql_gap out[QL_GAP_CLOCKS]);
void ql_intr_gap_reset(void);
/* A place as text, "exec/eval.c:17"; returns its length. */
#define QL_GAP_PLACE ((size_t)128)
size_t ql_intr_gap_place(const char *file, int line, char out[QL_GAP_PLACE]);
/* The statement is about to block in ql_wait or came back from it: the gap starts anew. Used by
 * intr/ and by kv for the committer; not for others. */
void ql_intr_gap_restart(ql_ctx *cx, const char *file, int line);

#endif
