/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of txn/ share: the transaction, its shared part, the transaction system.
 */
#ifndef QL_TXN_TXN_INT_H
#define QL_TXN_TXN_INT_H

#include <string.h>

#include "base/diag.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "intr/background.h"
#include "intr/cv.h"
#include "intr/proc.h"
#include "intr/space.h"
#include "intr/sync.h"
#include "txn/locktree.h"
#include "txn/mdl.h"
#include "txn/source.h"
#include "txn/spill.h"
#include "txn/txn.h"
#include "txn/writeset.h"

#define QLI_SHARDS 64u
#define QLI_STMT_DEPTH 8u
#define QLI_DEADLOCK_TEXT 8192u
#define QLI_ALL_REASONS (QL_INTR_STMT_MASK | QL_INTR_CONN_MASK)

/* --- shared part of a transaction (rowlock.c) --- */

/* What others may look at. Lives until the last reference goes: the transaction's own (passed to
 * the sweeper at the end) and one for each waiter. */
typedef struct qli_trx {
    _Atomic uint32_t refs;
    _Atomic bool ended;      /* [mu to write] final: makes all its locks void */
    _Atomic uint64_t leaves; /* [mu to write] requests it withdrew; waiters behind look again */
    uint64_t id, conn_id;    /* [const] */
    struct qli_party *party; /* [const] referenced: its session in the wait-for graph */
    ql_mutex mu;             /* rank TXN */
    ql_cv cv;                /* [mu] those who wait for it */
    qli_lock *locks;         /* [owner, then the sweeper] all it ever made, but for those in sets */
    struct qli_lock_set *sets; /* [owner, then the sweeper] */
    qli_lock *spare;           /* [owner] points given back, by left */
    size_t nlocks;             /* [owner, then the sweeper] granted ones */
    size_t nmade;              /* [owner, then the sweeper] all, those in sets, too */
    qli_chunks mem;            /* [owner, then the sweeper] */
    struct qli_trx *next_dead; /* [reclaimer] */
    int64_t wait_since_ns;     /* [shard of the request] of its waiting request */
    uint64_t block_lock, block_trx, block_conn; /* [same] whom that waits for */
} qli_trx;

/* Locks of the indexes whose ids fall here. */
typedef struct qli_shard {
    ql_mutex mu;                /* rank ROWLOCK */
    _Atomic uint32_t coming;    /* sessions about to take mu */
    qli_locktree points, spans; /* [mu] */
    struct qli_lock_set *sets;  /* [mu] of transactions with many points */
    uint64_t next_ticket;       /* [mu] */
    uint64_t next_passing;      /* [mu] the same for locks that passed others */
} qli_shard;

/* --- the transaction --- */

typedef struct qli_savepoint {
    struct qli_savepoint *older;
    uint32_t base; /* layers below it */
    uint64_t mdl_mark;
    ql_str name; /* bytes follow the struct */
} qli_savepoint;

/* Owner: the session, in cx->txn. */
struct ql_txn {
    ql_txnsys *ts;
    uint64_t id;
    ql_isolation iso;
    bool read_only, must_rollback, has_trash;
    bool nontxn; /* of tables without transactions (nontxn.c), or beside another (beside.c): no row
                    locks, not shown, commits cannot be killed */
    bool killable; /* nontxn, beside.h: its commits can be, after all */
    bool lazy;     /* beside.h: its commit need not be durable by itself */
    bool lasting;  /* it has written (and may have undone) what outlives the server (scratch.h) */
    bool fixed;    /* nontxn: every view reads the snapshot of the statement's start */
    int64_t begin_ns;
    ql_proc_trx *figures; /* what the process list shows of it: the row's, or no_row */
    ql_proc_trx no_row;
    qli_shot *shot;    /* what STATEMENT and OWN views read, or NULL */
    qli_shot *current; /* newest state, when newer than shot */
    uint32_t nshots;   /* open ones, for the process list */
    /* What pinned.c needs. */
    uint64_t conn_id;      /* [const] 0 = the server's own */
    ql_proc *proc;         /* [const] or NULL */
    ql_txn *older, *newer; /* [shots_mu] while there are shots */
    bool idle;             /* [shots_mu to write] the session waits for a command: shot, nshots and
                              snapshot_lost are shots_mu's; else they are the session's */
    bool snapshot_lost;    /* taken away while idle */
    _Atomic uint64_t stmt_id, doomed; /* the statement run last; the one ended for the limit */
    qli_writeset *layers;
    uint32_t nlayers, cap;
    uint64_t version;    /* from 1; changes with the set of layers and when one is spilled */
    size_t below_bytes;  /* memory of all layers but the top one */
    uint32_t merging;    /* this layer and the one below it share memory: half merged; 0 = none */
    bool keep_in_memory; /* spilling the lower layers has failed */
    qli_chunks retired;  /* of spilled lists: bytes that open cursors may still stand on */
    uint32_t floor;      /* layers below belong to savepoints and are not merged into */
    uint32_t depth;      /* statements open */
    uint32_t stmt_base[QLI_STMT_DEPTH];
    uint32_t stmt_no;          /* of the outermost statement open, from 1 */
    qli_savepoint *savepoints; /* newest first */
    qli_trx *trx;              /* made by the first row lock */
    ql_txn_cursor *cursors;    /* open ones */
    ql_txn_cursor *spare;      /* closed one kept for the next open */
    uint64_t memory_limit;     /* bytes of all layers, above it they spill; 0 = none */
    qli_writeset inline_layers[2];
};

/* --- the commit queue (commit.c) --- */

typedef enum qli_commit_state {
    QLI_CS_QUEUED,
    QLI_CS_APPLYING, /* a big set goes in row by row; can still be cancelled */
    QLI_CS_TAKEN,    /* point of no return */
    QLI_CS_DONE,
    QLI_CS_CANCELLED,
    QLI_CS_NEED_SPACE,
    QLI_CS_FAILED,
} qli_commit_state;

/* Who may take from the queue and write to the KV. */
typedef enum qli_commit_role {
    QLI_CR_NOBODY, /* the queue is empty */
    QLI_CR_SESSION,
    QLI_CR_COMMITTER,
} qli_commit_role;

/* On the stack of whoever waits for it; one that nobody waits for is the committer's (if_lost), and
 * a big one becomes that when it is killed while it goes in. Those two are from malloc, their
 * layers, writable, behind them. */
typedef struct qli_commit_req {
    struct qli_commit_req *next, *prev; /* [commit_mu] */
    qli_commit_state state;             /* [commit_mu] */
    _Atomic bool cancel;
    bool alone;     /* not together with others: big, or failed in a group before */
    bool big;       /* applied row by row, can be cancelled meanwhile */
    bool can_leave; /* from malloc: its owner need not wait until it has been cancelled */
    bool left;      /* [commit_mu] the owner has not waited: the committer's, never done */
    bool lazy;      /* no sync for its sake: a later commit's will do */
    bool held;      /* kills wait for the outcome from the start; not those in the wait for space */
    bool leads;     /* [commit_mu] first in the queue, and its session is to lead a group now */
    const qli_writeset *layers;
    uint32_t nlayers;
    size_t entries, bytes;
    ql_status (*run)(ql_ctx *cx, ql_kv_apply *a, void *arg); /* instead of layers (scratch) */
    void *arg;
    ql_proc *proc; /* owner's row, or NULL */
    int64_t begin_ns;
    ql_wait_kind kind;
    const char *if_lost; /* nobody waits: the line of the log for when it is lost; else NULL */
    bool has_trash;      /* the same */
    ql_cv cv;            /* [commit_mu] the owner */
    uint64_t seq;        /* of DONE: number of the state that it has made */
    ql_errcode code;     /* of FAILED */
    char text[512];
} qli_commit_req;

/* --- the transaction system --- */

typedef struct qli_worker {
    ql_intr intr;
    ql_ctx cx;
    ql_thread thread;
} qli_worker;

/* Owner: the instance. */
struct ql_txnsys {
    ql_instance *inst;     /* [const] */
    ql_kv *kv;             /* [const] */
    size_t group_max;      /* [const] */
    ql_commit_rider rider; /* [commit_mu] */
    _Atomic int flush_mode;
    _Atomic bool rollback_on_timeout;
    _Atomic uint64_t next_id, next_trash;

    qli_shard shards[QLI_SHARDS];
    size_t set_from; /* [const] a transaction with so many locks has sets; tests change it */

    ql_mutex mdl_mu;                                     /* rank MDL: all metadata locks */
    ql_hash mdl_table;                                   /* [mdl_mu] */
    struct qli_mdl_lock *mdl_fixed[3];                   /* [const] GLOBAL, BACKUP, COMMIT */
    struct qli_mdl_lock *mdl_idle_first, *mdl_idle_last; /* [mdl_mu] unused, newest first */
    size_t mdl_nidle;                                    /* [mdl_mu] */
    struct ql_mdl_set *mdl_sets;                         /* [mdl_mu] */
    uint64_t graph_stamp; /* [mdl_mu] stamp of the last search in the wait-for graph (deadlock.c) */
    size_t deadlock_n;    /* [mdl_mu] length of the text about the latest deadlock */
    char deadlock_text[QLI_DEADLOCK_TEXT]; /* [mdl_mu] */

    ql_mutex commit_mu;                      /* rank COMMIT */
    ql_cv commit_work;                       /* [commit_mu] the committer */
    qli_commit_req *queue_head, *queue_tail; /* [commit_mu] */
    qli_commit_role role;                    /* [commit_mu] */
    qli_commit_req *handed;                  /* [commit_mu] a group that its leader has given up */
    bool handed_failed;                      /* [commit_mu] with an error: one by one now */
    ql_ctx lead;                             /* [role] what a session leads with */
    qli_worker committer;

    ql_mutex reclaim_mu;           /* rank RECLAIM */
    ql_cv reclaim_work;            /* [reclaim_mu] */
    qli_chunks garbage;            /* [reclaim_mu] */
    qli_spill *spills;             /* [reclaim_mu] */
    qli_trx *dead;                 /* [reclaim_mu] */
    struct qli_dead_arena *arenas; /* [reclaim_mu] */
    qli_worker reclaimer;

    ql_mutex purge_mu;               /* rank RECLAIM; never together with reclaim_mu */
    ql_cv purge_work;                /* [purge_mu] */
    bool purge_wanted, purge_paused; /* [purge_mu] */
    struct qli_commit_req *left;     /* [purge_mu] nobody waits for them, and the disk was full */
    int64_t left_due_ns;             /* [purge_mu] when they are queued again (monotonic) */
    qli_worker purger;

    ql_mutex scratch_mu; /* rank RECLAIM; never together with the others */
    struct ql_scratch *scratch_all, *scratch_garbage; /* [scratch_mu] newest first */
    uint32_t scratch_next;                            /* [scratch_mu] where to look for free ids */
    bool scratch_wrapped;                             /* [scratch_mu] all have been used once */
    size_t scratch_count;                             /* [scratch_mu] */

    ql_mutex fill_mu; /* rank RECLAIM; never together with the others */
    ql_cv fill_work;  /* [fill_mu] the filler */
    struct ql_fill *fills_first,
        *fills_last; /* [fill_mu] that have sent something, or are dropped */
    qli_worker filler;

    ql_mutex shots_mu;                 /* rank RECLAIM; never together with the others */
    ql_txn *oldest_shot, *newest_shot; /* [shots_mu] transactions that hold snapshots */
    _Atomic uint64_t pinned_limit;     /* snapshot_pinned_limit; 0 = none */
    uint64_t last_ended_stmt;          /* [reclaimer] */
    _Atomic uint64_t n_snapshots_ended;

    _Atomic uint64_t overlay_bytes, lock_bytes, spilled_bytes;
    _Atomic uint64_t n_spilled, n_spills; /* spilled layers there are; lists spilled so far */
    _Atomic uint64_t n_commits, n_groups, n_rollbacks, n_lock_waits, n_deadlocks, n_open, n_purged;
    _Atomic uint64_t n_waiting, lock_wait_ns, lock_wait_max_ns; /* for row locks */
};

static inline ql_txnsys *
qli_ts(const ql_ctx *cx)
{
    return cx->inst->txns;
}

static inline void
qli_count(_Atomic uint64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static inline uint64_t
qli_conn_id(const ql_ctx *cx)
{
    return cx->proc != NULL ? ql_proc_id(cx->proc) : 0;
}

/* txn.c */
/* For nontxn.c; not yet in cx->txn. NULL: out of memory, worded. */
ql_txn *qli_txn_new_nontxn(ql_ctx *cx, bool read_only) QL_MUST_USE;
ql_status qli_txn_write(ql_ctx *cx, ql_str key, ql_str value, bool deleted) QL_MUST_USE;

/* pinned.c */
void qli_pinned_enter(ql_txn *t); /* its first snapshot has been taken */
void qli_pinned_leave(ql_txn *t); /* it has none any more */
ql_status qli_pinned_check_lost(ql_ctx *cx, ql_txn *t) QL_MUST_USE; /* 4201 */
/* Its running statement has been ended, and its snapshot must go, too. */
bool qli_pinned_is_doomed(const ql_txn *t);
bool qli_pinned_is_watched(ql_txnsys *ts);
void qli_pinned_check(ql_txnsys *ts); /* the reclaimer, now and then */

/* layers.c */
ql_status qli_txn_push_layer(ql_ctx *cx, ql_txn *t) QL_MUST_USE;
void qli_txn_pop_layers(ql_txn *t, uint32_t keep); /* forget those above */
void qli_txn_collapse(ql_txn *t);                  /* merge top layers where that is cheap */
/* An inner statement has ended: its layer joins the one the outer statement writes, if it can. */
void qli_txn_join_inner(ql_txn *t);
/* Before a statement: merge what has piled up, spill when half of the limit is used. Killable. */
ql_status qli_txn_tidy(ql_ctx *cx, ql_txn *t) QL_MUST_USE;
/* The limit is reached: the top layer's list goes to disk if it is worth it. Killable. */
ql_status qli_txn_spill_top(ql_ctx *cx, ql_txn *t) QL_MUST_USE;

/* savepoint.c */
void qli_savepoints_drop(ql_txn *t, const qli_savepoint *keep); /* newest down to keep (not it) */

/* merge.c */
ql_status qli_shot_statement(ql_ctx *cx, ql_txn *t, qli_shot **out) QL_MUST_USE;
ql_status qli_shot_newest(ql_ctx *cx, ql_txn *t, qli_shot **out) QL_MUST_USE;
void qli_shots_drop(ql_ctx *cx, ql_txn *t); /* both; cursors are cut off first */
void qli_shot_drop_current(ql_ctx *cx, ql_txn *t);
void qli_cursors_cut_off(ql_ctx *cx, ql_txn *t);
/* Only those that see what the running statement has written. */
void qli_cursors_cut_off_own(ql_ctx *cx, ql_txn *t);
/* Does a cursor stand on bytes of the top layer's that have been spilled since? */
bool qli_cursors_hold_top(const ql_txn *t);

/* rowlock.c */
ql_status qli_rowlock_init(ql_ctx *cx, ql_txnsys *ts) QL_MUST_USE;
void qli_rowlock_fini(ql_txnsys *ts);
/* Locks and requests in the table, void ones too until they are swept. */
uint64_t qli_rowlock_count(ql_txnsys *ts);
void qli_trx_end(ql_txnsys *ts, qli_trx *trx); /* NULL ignored; gives the owner's reference away */
void qli_trx_put(qli_trx *trx);
void qli_trx_sweep(ql_txnsys *ts, qli_trx *trx); /* take its void locks out of the table */

/* mdl_table.c */
ql_status qli_mdl_init(ql_ctx *cx, ql_txnsys *ts) QL_MUST_USE;
void qli_mdl_fini(ql_txnsys *ts);
/* mdl.c: metadata locks taken for the transaction after the mark can be released. */
uint64_t qli_mdl_mark(const ql_ctx *cx);
void qli_mdl_release_since(ql_ctx *cx, uint64_t mark);
struct qli_mdl_ticket;
/* [mdl_mu] Does, or may, anybody wait for a lock of the set, or for its request t in the queue
 * (NULL: none)? */
bool qli_mdl_is_wanted(ql_txnsys *ts, const struct ql_mdl_set *set, const struct qli_mdl_ticket *t);

/* commit.c */
ql_status qli_commit_init(ql_ctx *cx, ql_txnsys *ts) QL_MUST_USE;
void qli_commit_fini(ql_txnsys *ts);
void qli_committer_run(void *ts);
/* Queue r and see it through. QL_OK = committed; else nothing happened. *left: r and its layers are
 * the committer's now, who gives them up. */
ql_status qli_commit_submit(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *r, bool *left) QL_MUST_USE;
bool qli_commit_is_big(const qli_commit_req *r);
/* Nobody waits for it: r and its layers are the committer's. */
void qli_commit_leave(ql_txnsys *ts, qli_commit_req *r);
/* The end of such a one, committed or not. */
void qli_commit_left_end(ql_txnsys *ts, qli_commit_req *r);

/* The disk was full, as text says; so many bytes are to be written. QL_OK: try again. tries:
 * counts, from 0, how often in a row. Waits: DISK_SPACE. */
ql_status qli_await_space(ql_ctx *cx, size_t bytes, const char *text, int *tries) QL_MUST_USE;

/* fill.c */
void qli_filler_run(void *ts);
void qli_fills_free(ql_txnsys *ts); /* once the filler has ended */

/* purge.c */
ql_status qli_purge_init(ql_ctx *cx, ql_txnsys *ts) QL_MUST_USE;
void qli_purger_run(void *ts);
void qli_purge_kick(ql_txnsys *ts);
/* r, which nobody waits for, is queued again in a while. */
void qli_purge_retry(ql_txnsys *ts, qli_commit_req *r);
void qli_purge_fini(ql_txnsys *ts); /* all threads have ended: those are lost */

/* scratch.c */
ql_status qli_scratch_init(ql_ctx *cx, ql_txnsys *ts) QL_MUST_USE;
void qli_scratch_fini(ql_txnsys *ts);
/* The purger: keys of ids that nobody has any more go. QL_ERROR: some are left. */
ql_status qli_scratch_purge(ql_ctx *cx, ql_txnsys *ts) QL_MUST_USE;

/* reclaim.c */
void qli_reclaimer_run(void *ts);
void qli_reclaim_chunks(ql_txnsys *ts, qli_chunks *c); /* empties c at once */
void qli_reclaim_spill(ql_txnsys *ts, qli_spill *sp);
void qli_reclaim_trx(ql_txnsys *ts, qli_trx *trx);
void qli_reclaim_all(ql_txnsys *ts); /* what is waiting, by the caller */

#endif
