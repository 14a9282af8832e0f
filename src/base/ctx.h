/* SPDX-License-Identifier: Apache-2.0
 *
 * ql_ctx: first argument of whatever can fail, wait or allocate. One per session (or per background
 * thread), used only by the thread that runs it. ql_instance: one server in this process; there are
 * no process globals, so two instances can live side by side. Both name the parts of higher layers
 * only by pointers to incomplete types: a layer reaches into what it and those below it define.
 */
#ifndef QL_BASE_CTX_H
#define QL_BASE_CTX_H

#include "base/status.h"

struct ql_arena;
struct ql_diag;
struct ql_log;
struct ql_intr;
struct ql_proc;
struct ql_procs;
struct ql_timers;
struct ql_syncs;
struct ql_space;
struct ql_gate;
struct ql_memguard;
struct ql_kv;
struct ql_txn;
struct ql_nontxn;
struct ql_mdl_set;
struct ql_locked_tables;
struct ql_temporary_tables;
struct ql_txnsys;
struct ql_catalog;
struct ql_sysvars;
struct ql_vars;
struct ql_status_vars;
struct ql_acl;
struct ql_statsd;
struct ql_sink;
struct ql_session;
struct ql_server;
struct ql_zone;

/* Lifetime: from ql_instance start to its stop. Members are set once while single-threaded at
 * start. */
typedef struct ql_instance {
    struct ql_log *log;        /* [const] base/log.h */
    struct ql_procs *procs;    /* [const] intr/proc.h: process list */
    struct ql_timers *timers;  /* [const] intr/timer.h */
    struct ql_syncs *syncs;    /* [const] intr/sync.h: DEBUG_SYNC signals; NULL in release builds */
    struct ql_space *space;    /* [const] intr/space.h: disk-space waits */
    struct ql_gate *admission; /* [const] intr/gate.h: innodb_thread_concurrency */
    struct ql_memguard *memory; /* [const] intr/memguard.h: total_memory_limit; NULL = no budget */
    struct ql_kv *kv;           /* [const] kv/kv.h: the data directory */
    struct ql_txnsys *txns;     /* [const] txn/txn.h: transactions, row locks, committer */
    struct ql_catalog *catalog; /* [const] catalog/catalog.h */
    struct ql_sysvars *sysvars; /* [const] vars/sysvars.h: global values */
    struct ql_acl *acl;         /* [const] acl/acl.h */
    struct ql_statsd *stats;    /* [const] stats/stats.h: keeps statistics; NULL = nobody does */
    struct ql_server *server;   /* [const] server/: listener, configuration; NULL when embedded */
    const char *datadir;        /* [const] absolute path */
    const char *tmpdir;         /* [const] for temporary files; NULL = /tmp */
    int64_t start_time;         /* [const] Unix seconds, for Uptime */
} ql_instance;

/* Owner: the session (session/session.h) or background thread that runs with it. */
typedef struct ql_ctx {
    ql_instance *inst;
    struct ql_intr *intr;   /* intr/intr.h; never NULL */
    struct ql_diag *diag;   /* base/diag.h: errors and warnings of the current statement */
    struct ql_arena *arena; /* base/arena.h: statement lifetime */
    struct ql_proc *proc; /* intr/proc.h: own row of the process list; NULL in background threads */
    struct ql_txn *txn;   /* txn/txn.h: current transaction; NULL between transactions */
    struct ql_nontxn *nontxn; /* txn/nontxn.h: the statement's part in MyISAM tables; or NULL */
    struct ql_mdl_set *mdl;   /* txn/mdl.h: metadata locks held; NULL in background threads */
    struct ql_locked_tables *locked;       /* catalog/locked.h: LOCK TABLES; NULL = none */
    struct ql_temporary_tables *temporary; /* catalog/temporary.h; NULL = none */
    bool read_locked;           /* holds the global read lock (FLUSH TABLES WITH READ LOCK) */
    bool admitted;              /* intr/gate.h: holds a ticket of inst->admission */
    struct ql_vars *vars;       /* vars/sysvars.h: session values; NULL in background threads */
    struct ql_sink *sink;       /* types/sink.h: where rows and results go; NULL when nowhere */
    struct ql_session *session; /* session/session.h; opaque below it */
    ql_status (*look)(struct ql_ctx *cx); /* base/bulk.h: the checkpoint of intr/; NULL = none */
    size_t unlooked;                      /* base/bulk.h: bytes moved since the last look */
    unsigned dates; /* QL_DATES_ANY_DAY, QL_DATES_ZERO of texts when sql_mode lets them through */
    const struct ql_zone *zone; /* types/zone.h: the session's time_zone; NULL = UTC */
    uint64_t stmt_id;           /* query id of the running statement; 0 between statements */
    uint64_t mem_allocs;        /* debug builds: arena allocations of this statement */
    uint64_t mem_allocs_last;   /* debug builds: of the statement before it */
    uint64_t mem_fail_at;       /* tests, debug builds: this one of them fails; 0 = off */
    uint64_t mem_fail_armed;    /* the same for the next statement (base/arena.h) */
} ql_ctx;

#endif
