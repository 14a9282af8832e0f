/* SPDX-License-Identifier: Apache-2.0
 *
 * Layout of the process list, shared by proc.c (rows, killing) and proc_list.c (listing). Locks:
 * the mutex of a shard (rank PROCS) guards its table; the mutex of a row (rank PROC) its strings.
 * What changes often is atomic and needs none.
 */
#ifndef QL_INTR_PROC_INT_H
#define QL_INTR_PROC_INT_H

#include "base/hash.h"
#include "intr/proc.h"

#define QLI_PROC_SHARDS 64

/* Immutable text shared by a row and by listings that copy it. */
typedef struct qli_text {
    _Atomic uint32_t refs;
    size_t n;
    char p[];
} qli_text;

/* Owner: the session that added it; a listing that is copying it keeps it alive for a moment. */
struct ql_proc {
    ql_hash_node node;            /* [m_shard] */
    uint64_t id;                  /* [const] */
    int net_fd;                   /* [const]; open until the row leaves its shard */
    _Atomic bool owner_cuts;      /* a kill does not shut net_fd down */
    ql_intr *in;                  /* [m_shard or mu to read, both to write]; NULL: row is gone */
    _Atomic uint32_t refs;        /* the shard's and those of listings */
    ql_mutex mu;                  /* rank PROC */
    qli_text *user, *host, *db;   /* [mu] */
    qli_text *info;               /* [mu] */
    struct qli_client *client;    /* [mu] NULL before login */
    uint64_t account_flags;       /* [mu] */
    bool authenticated;           /* [mu] */
    bool vanished;                /* [owner] the client went away */
    const struct ql_quota *quota; /* [mu] */
    _Atomic int command;
    _Atomic int64_t command_ns; /* when Command was set */
    _Atomic uint64_t query_id;
    _Atomic int stage;
    _Atomic int wait;
    _Atomic(const char *) wait_text;
    _Atomic uint64_t waits_for;
    _Atomic int64_t waits_for_ns; /* since when */
    ql_proc_trx trx;              /* [owner writes] */
    _Atomic int64_t trx_ns;
    _Atomic(const char *) commit_state;
    _Atomic int64_t snapshot_ns;
    _Atomic uint64_t examined, sent;            /* [owner writes] */
    _Atomic uint64_t work_done, work_estimated; /* [owner writes] */
    void (*told)(void *arg);                    /* [owner] of work added; or NULL */
    void *told_arg;                             /* [owner] */
};

/* A connection whose client went away. */
typedef struct qli_gone {
    uint64_t id;    /* 0 = free */
    int64_t at_ns;  /* when its row left */
    qli_text *user; /* name it had logged in with; NULL = none */
} qli_gone;

#define QLI_GONE_ROOM 128

typedef struct qli_proc_shard {
    ql_mutex mu;
    ql_hash rows;                 /* [mu] by id */
    uint32_t next_gone;           /* [mu] */
    qli_gone gone[QLI_GONE_ROOM]; /* [mu] a ring */
} qli_proc_shard;

/* Owner: the instance. */
struct ql_procs {
    _Atomic uint64_t next_id, next_stmt_id;
    _Atomic uint64_t accepts; /* connections accepted so far */
    _Atomic size_t count;
    qli_proc_shard shards[QLI_PROC_SHARDS];
};

qli_proc_shard *qli_proc_shard_of(ql_procs *ps, uint64_t id);
/* [m_shard] The row, or NULL. */
ql_proc *qli_proc_lookup(qli_proc_shard *shard, uint64_t id);
void qli_proc_put(ql_proc *row); /* gives a reference back */
void qli_text_put(qli_text *t);
/* Give a reference to a row's client back. */
void qli_client_put(struct qli_client *c);
/* [m_shard] The row leaves; remember its id when its client vanished. Takes over row->user then. */
void qli_gone_remember(qli_proc_shard *shard, ql_proc *row);
void qli_gone_forget_all(qli_proc_shard *shard);

#endif
