/* SPDX-License-Identifier: Apache-2.0
 *
 * The data directory: LMDB behind a redo log. A small apply is made durable as one record of the
 * log and then lives in a generation in memory; a flusher takes whole generations into LMDB. What
 * is visible is LMDB's state with the generations that are not in it merged over it. Numbers of
 * states are those of the applies, whichever way they went; LMDB holds the number of its own state
 * under 0xFF 's', written in the same transaction as the data. Inside kv/ only.
 */
#ifndef QL_KV_REDO_INT_H
#define QL_KV_REDO_INT_H

#include "base/thread.h"
#include "intr/background.h"
#include "intr/cv.h"
#include "kv/lmdb_int.h"
#include "kv/memtable.h"
#include "kv/redo_log.h"

/* The commits of one segment of the log. Owner: the environment; listed (one reference) until LMDB
 * has it, and kept while a snapshot refers to it. */
typedef struct qli_gen {
    qli_memtable mt;
    uint32_t refs;        /* [mu] */
    uint32_t segments;    /* [const] bits of the log's segments that hold it */
    uint64_t first, last; /* [mu] numbers of its commits; 0 = none yet */
    int64_t first_ns;     /* [mu] monotonic times of the first and the last of them */
    int64_t last_ns;      /* [mu] */
    bool patient;         /* [mu] it has a medium commit: more of them may come */
    struct qli_gen *next; /* [mu] list of garbage */
} qli_gen;

typedef struct qli_redo {
    qli_lmdb
        l; /* first: the environment is an LMDB one too; its mu (rank KV) guards what follows */
    qli_redo_log log;
    size_t segment_bytes;        /* [const] of one that is made */
    int64_t idle_ns, age_ns;     /* [const] when the active generation goes to LMDB */
    bool read_only, no_log;      /* [const] read_only implies no_log */
    uint32_t files;              /* [mu] bits of the segments there are */
    uint32_t nsegments;          /* [mu] their number */
    uint32_t free_segments;      /* [mu] bits of those that hold nothing that is needed */
    size_t sizes[QLI_SEGMENTS];  /* [mu] of those there are */
    qli_gen *gens[QLI_GENS];     /* [mu] generations not in LMDB, oldest first */
    uint32_t ngens;              /* [mu] */
    qli_gen *active;             /* [mu to write] the last of gens while it takes commits */
    size_t active_end;           /* [mu] bytes of its segment in use */
    bool committing;             /* [mu] the committer is adding to active */
    bool freeze_wanted;          /* [mu] the committer is asked to begin a new one */
    bool large_wanted;           /* [mu] medium commits come: the flusher makes segments larger */
    qli_gen *garbage;            /* [mu] for the flusher to free */
    size_t held_bytes;           /* [mu] memory of generations that left the list */
    bool writer_busy;            /* [mu] LMDB's write transaction is in somebody's hands */
    bool log_is_named;           /* [mu] LMDB's state says that the log is in use */
    bool closing;                /* [flusher] the last flush: no log is needed behind it */
    int64_t retry_ns;            /* [mu] a flush failed: not before */
    int64_t segment_retry_ns;    /* [mu] making a segment failed: not before */
    uint64_t wanted_seq;         /* [mu] somebody waits for LMDB to have this number: flush soon */
    int64_t synced_ns;           /* [flusher] last sync of what was written lazily */
    uint64_t file_txn, file_seq; /* [mu] LMDB's newest transaction, and the number it stands for */
    uint64_t next_txn, next_seq; /* [mu] of one that is being committed; 0 = none */
    uint64_t n_redo, n_direct, n_flushes; /* [mu] */
    ql_cv work;                           /* [mu] the flusher waits */
    ql_cv writer_free;                    /* [mu] */
    ql_cv flushed;      /* [mu] LMDB's state has another number, or a flush failed */
    char *buf;          /* [committer] record that is being gathered */
    size_t buf_size;    /* [committer] */
    bool broken_logged; /* [committer] */
    bool flush_failed;  /* [flusher] and it was logged */
    ql_ctx flusher;
    ql_intr flusher_intr;
    ql_thread thread;
} qli_redo;

extern const ql_kv_ops qli_redo_ops;

/* redo.c. Takes over l (open, its directory locked); closes it when it fails. */
ql_status qli_redo_open(ql_ctx *cx, qli_redo *r, const ql_kv_options *opt, ql_kv **out) QL_MUST_USE;
/* large: for medium commits. NULL: no memory. */
qli_gen *qli_gen_new(uint32_t segments, bool large) QL_MUST_USE;
void qli_gen_free(qli_gen *g);
/* [mu] A reference less; the last one makes it garbage. */
void qli_gen_put(qli_redo *r, qli_gen *g);
/* [mu] The active generation takes no more. */
void qli_redo_freeze(qli_redo *r);

/* redo_state.c: what LMDB's file says of itself and of the log, in records of kv's own. */
typedef struct qli_redo_state {
    uint64_t seq; /* number of the state */
    unsigned char id[QLI_REDO_ID];
    qli_redo_expect expect;
} qli_redo_state;
/* Single-threaded, at open; a new or old file gets what it lacks unless read_only. */
ql_status qli_redo_state_read(ql_ctx *cx, qli_redo *r, qli_redo_state *out) QL_MUST_USE;
/* [writer] Into apply a: its state is number seq; in_use: the log may go on behind it. */
ql_status qli_redo_state_put(ql_ctx *cx, qli_redo *r, ql_kv_apply *a, uint64_t seq,
                             bool in_use) QL_MUST_USE;
/* [writer] The same in a transaction of its own, for the number that LMDB has. */
ql_status qli_redo_state_commit(ql_ctx *cx, qli_redo *r, bool in_use) QL_MUST_USE;

/* redo_flush.c */
void qli_flusher_run(void *arg);
/* LMDB's write transaction for the caller alone, and back. Uninterruptible. Waits: BACKGROUND. */
void qli_writer_take(ql_ctx *cx, qli_redo *r);
void qli_writer_give(qli_redo *r);
/* [writer] Put the first n generations into transaction a. */
ql_status qli_flush_put(ql_ctx *cx, qli_redo *r, ql_kv_apply *a, uint32_t n) QL_MUST_USE;
/* [writer] Commit a, which holds the first n generations and makes LMDB's state that of number seq;
 * they are dropped. in_use: the log may go on behind it. Ends the apply in every case. */
ql_status qli_flush_commit(ql_ctx *cx, qli_redo *r, ql_kv_apply *a, uint32_t n, uint64_t seq,
                           bool in_use) QL_MUST_USE;
/* [writer] All generations that take no more commits, in a transaction of their own. */
ql_status qli_flush_frozen(ql_ctx *cx, qli_redo *r) QL_MUST_USE;
/* The same with the token taken meanwhile. Waits: BACKGROUND (for the flusher). */
ql_status qli_redo_flush_frozen(ql_ctx *cx, qli_redo *r) QL_MUST_USE;

/* redo_apply.c */
ql_status qli_rapply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out);
ql_status qli_rapply_put(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str value);
ql_status qli_rapply_del(ql_ctx *cx, ql_kv_apply *a, ql_str key);
ql_status qli_rapply_get(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str *value);
ql_status qli_rapply_del_range(ql_ctx *cx, ql_kv_apply *a, ql_str from, ql_str to, size_t n,
                               size_t *done);
ql_status qli_rapply_commit(ql_ctx *cx, ql_kv_apply *a, ql_kv_sync sync);
void qli_rapply_abort(ql_kv_apply *a);

/* redo_beside.c */
ql_status qli_rbeside_begin(ql_ctx *cx, ql_kv *kv, uint64_t after, ql_kv_apply **out);

/* redo_read.c */
ql_status qli_rsnap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out);
void qli_rsnap_end(ql_kv_snap *s);
ql_status qli_rsnap_get(ql_ctx *cx, ql_kv_snap *s, ql_str key, ql_str *value);
ql_status qli_rsnap_get_many(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n,
                             ql_str *values);
ql_status qli_rcursor_open(ql_ctx *cx, ql_kv_snap *s, ql_kv_cursor **out);
void qli_rcursor_close(ql_kv_cursor *c);
ql_status qli_rcursor_seek_ge(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v);
ql_status qli_rcursor_seek_lt(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v);
ql_status qli_rcursor_next(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v);
ql_status qli_rcursor_prev(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v);

#endif
