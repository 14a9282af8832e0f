/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions: a private overlay of layers above a KV snapshot, row locks, and the way into the
 * committer. A ql_txn is used by its session's thread only; what others need (state, waiters) is in
 * a shared part reached by id.
 *
 * Life: ql_txn_begin -> (ql_txn_stmt_begin -> reads, locks, writes -> ql_txn_stmt_end |
 * ql_txn_stmt_rollback)* -> ql_txn_commit | ql_txn_rollback. Rolling back is forgetting a layer; it
 * does no work per row and never waits.
 */
#ifndef QL_TXN_TXN_H
#define QL_TXN_TXN_H

#include "base/arena.h"
#include "intr/wait.h"
#include "kv/kv.h"

typedef struct ql_txn ql_txn;
typedef struct ql_txnsys ql_txnsys;
typedef struct ql_txn_cursor ql_txn_cursor;

typedef struct ql_txnsys_options {
    size_t group_max;       /* transactions a commit group takes at most */
    uint64_t space_reserve; /* bytes kept free on the data directory's file system */
    bool read_only;         /* what others left to be deleted stays */
} ql_txnsys_options;

/* Starts the committer, reclaimer and purge threads. inst->kv and inst->space must be set. */
ql_status ql_txnsys_open(ql_ctx *cx, const ql_txnsys_options *opt, ql_txnsys **out) QL_MUST_USE;
/* Finishes taken groups, stops the threads; no session may be left. */
void ql_txnsys_close(ql_txnsys *ts);
/* innodb_flush_log_at_trx_commit. 1: a commit is durable when it returns; 0 and 2: written, durable
 * about a second later (kv.h, ql_kv_sync). */
void ql_txnsys_set_flush(ql_txnsys *ts, int mode);
/* innodb_rollback_on_timeout: 1205 of a row lock undoes the whole transaction
 * (ql_txn_must_rollback). */
void ql_txnsys_set_rollback_on_timeout(ql_txnsys *ts, bool on);

typedef enum ql_isolation {
    QL_READ_UNCOMMITTED,
    QL_READ_COMMITTED,
    QL_REPEATABLE_READ,
    QL_SERIALIZABLE
} ql_isolation;

/* New transaction in cx->txn (must be NULL). Takes no snapshot yet: the first read does. */
ql_status ql_txn_begin(ql_ctx *cx, ql_isolation iso, bool read_only) QL_MUST_USE;
/* Make cx->txn durable and visible, then free it: cx->txn is NULL afterwards in every case but a
 * kill before *taken*: then too, and all is rolled back (QL_KILLED). Disk full: waits for space,
 * killed there 1021. Nothing written: no queue. Waits: COMMIT, COMMIT_TAKEN, DISK_SPACE. */
ql_status ql_txn_commit(ql_ctx *cx) QL_MUST_USE;
/* The same; *state: number of the first state of the store that has what was committed (the newest
 * there is when that is nothing). Set with QL_OK. */
ql_status ql_txn_commit_at(ql_ctx *cx, uint64_t *state) QL_MUST_USE;
/* The session waits for its client (true), or works again. What happens between the two to a
 * transaction whose snapshot is too dear: snapshot_pinned_limit. Cheap; without a snapshot nothing.
 */
void ql_txn_set_idle(ql_ctx *cx, bool idle);
/* snapshot_pinned_limit: bytes of old versions that snapshots may pin before the oldest is ended; 0
 * = no limit. */
void ql_txnsys_set_snapshot_limit(ql_txnsys *ts, uint64_t bytes);
/* Keys that go with whatever is committed next: put adds them to a group that the committer is
 * about to commit, ended tells what became of it. By whoever has the committer's role, one group
 * after the other; ended may be called without put. No waits. */
typedef struct ql_commit_rider {
    ql_status (*put)(ql_ctx *cx, struct ql_kv_apply *a, void *arg);
    void (*ended)(bool committed, void *arg);
    void (*free)(void *arg); /* when the transaction system closes */
    void *arg;
} ql_commit_rider;
/* Once, before there are sessions. */
void ql_txnsys_set_rider(ql_txnsys *ts, const ql_commit_rider *rider);

/* Forget cx->txn (NULL is fine), free its locks in one step. Never waits, never fails. */
void ql_txn_rollback(ql_ctx *cx);

/* A statement's own layer. READ COMMITTED and weaker: drops the snapshot, so that the next read
 * takes a new one. */
ql_status ql_txn_stmt_begin(ql_ctx *cx) QL_MUST_USE;
void ql_txn_stmt_end(ql_ctx *cx); /* keep what it wrote: the layer becomes part of the one below,
                                     without copying in the common case */
void ql_txn_stmt_rollback(ql_ctx *cx); /* forget what it wrote; its row locks stay until the
                                          transaction ends (as InnoDB) */
bool ql_txn_has_writes(const ql_txn *t);
/* The same for what outlives the server: not for keys of temporary tables (scratch.h). It may be
 * said of a transaction that has undone such a change. */
bool ql_txn_writes_lasting(const ql_txn *t);
uint64_t ql_txn_id(const ql_txn *t);
bool ql_txn_is_read_only(const ql_txn *t);

/* Savepoints are named layers. */
ql_status ql_txn_savepoint(ql_ctx *cx, ql_str name) QL_MUST_USE;
ql_status ql_txn_rollback_to(ql_ctx *cx, ql_str name) QL_MUST_USE; /* QL_END = no such */
ql_status ql_txn_release(ql_ctx *cx, ql_str name) QL_MUST_USE;

/* What a read sees. */
typedef enum ql_view {
    QL_VIEW_STATEMENT, /* snapshot + own layers below the running statement's: what the statement's
                          own scan must read (no Halloween) */
    QL_VIEW_OWN,       /* snapshot + all own layers */
    QL_VIEW_CURRENT,   /* newest committed state + all own layers: after taking the lock, uniqueness
                          checks */
    QL_VIEW_LATEST, /* newest committed state when the cursor is placed (or the point is read) + own
                       layers below the running statement's: what locking reads, UPDATE and DELETE
                       scan. After locking, look whether it has become stale. */
} ql_view;

/* QL_END = absent. Bytes valid until the statement ends; OWN: until the next write of this
 * transaction; CURRENT, LATEST: until the next such read or write. */
ql_status ql_txn_get(ql_ctx *cx, ql_view view, ql_str key, ql_str *value) QL_MUST_USE;
/* The values of n keys under QL_VIEW_STATEMENT, p NULL where one is absent (kv.h, ql_kv_get_many).
 * Bytes valid until the statement ends. */
ql_status ql_txn_get_many(ql_ctx *cx, const ql_str *keys, size_t n, ql_str *values) QL_MUST_USE;
/* QL_VIEW_STATEMENT is going to be searched at these places (kv.h, ql_kv_warm). */
ql_status ql_txn_warm(ql_ctx *cx, const ql_str *keys, size_t n) QL_MUST_USE;
/* What the snapshot of earlier statements, which later ones go on reading, has under a key that
 * none of the own layers knows: p NULL where that is nothing. QL_END: there is no such snapshot,
 * nothing was committed since, or a layer knows the key. Bytes as of QL_VIEW_STATEMENT. */
ql_status ql_txn_get_seen(ql_ctx *cx, ql_str key, ql_str *value) QL_MUST_USE;
/* Number of the newest committed state: unchanged = nothing was committed meanwhile. One atomic
 * load. */
uint64_t ql_txn_newest(const ql_ctx *cx);
/* Has cx->txn a snapshot already (what QL_VIEW_STATEMENT reads)? Who only estimates does not want
 * to be the one who takes it. */
bool ql_txn_has_snapshot(const ql_ctx *cx);
/* Number of the state that QL_VIEW_STATEMENT reads: its snapshot's, or the newest while there is
 * none. */
uint64_t ql_txn_reads(const ql_ctx *cx);
ql_isolation ql_txn_isolation(const ql_txn *t);

ql_status ql_txn_cursor_open(ql_ctx *cx, ql_view view, ql_txn_cursor **out) QL_MUST_USE;
void ql_txn_cursor_close(ql_txn_cursor *c);
/* Only keys from low up to below high are wanted of the moves to come: what the transaction has
 * deleted beyond them is not passed, the move ends there (QL_END). Entries beyond may still come.
 * A
 * value that is damaged there is passed over, too. The bytes stay the caller's, until the next call
 * of this. */
void ql_txn_cursor_within(ql_txn_cursor *c, ql_str low, ql_str high);
/* Has anything been committed since the cursor's snapshot? One atomic load. A stale cursor is
 * closed, opened anew and placed again where its owner stands. */
bool ql_txn_cursor_is_stale(const ql_txn_cursor *c);
/* Bytes valid until the next call on the cursor (values of STATEMENT views: until the statement
 * ends). */
ql_status ql_txn_seek_ge(ql_ctx *cx, ql_txn_cursor *c, ql_str key, ql_str *k,
                         ql_str *v) QL_MUST_USE;
ql_status ql_txn_seek_lt(ql_ctx *cx, ql_txn_cursor *c, ql_str key, ql_str *k,
                         ql_str *v) QL_MUST_USE;
ql_status ql_txn_next(ql_ctx *cx, ql_txn_cursor *c, ql_str *k, ql_str *v) QL_MUST_USE;
ql_status ql_txn_prev(ql_ctx *cx, ql_txn_cursor *c, ql_str *k, ql_str *v) QL_MUST_USE;
/* After a move that ended with QL_ERROR: the committed key whose value is damaged, or empty (kv.h,
 * ql_kv_cursor_damaged). For transactions that have written nothing: keys of their layers may come
 * before it. */
ql_str ql_txn_cursor_damaged(const ql_txn_cursor *c);

/* Most memory that the changes of cx->txn may take (0 = no limit): beyond it they go to temporary
 * files in inst->tmpdir (a write fails with 1026 when that is full). */
void ql_txn_set_memory_limit(ql_ctx *cx, uint64_t bytes);

/* Writes into the running statement's layer (outside a statement: the transaction's). Bytes are
 * copied. Keys: 1 to 3,500 bytes, first byte below 0xFE. In a READ ONLY transaction only keys of
 * temporary tables (1792). QL_ERROR when memory is out. */
ql_status ql_txn_put(ql_ctx *cx, ql_str key, ql_str value) QL_MUST_USE;
ql_status ql_txn_del(ql_ctx *cx, ql_str key) QL_MUST_USE;
/* One more row has been changed, as views of transactions count it. */
void ql_txn_count_row(ql_ctx *cx);

/* --- row locks ---
 * Keys are those of index entries (4 bytes of index id, then the encoded key); stretches are
 * half-open and stay inside an index. A record lock is on the key alone, a range lock on all keys
 * of its stretch and the gaps between them, a gap lock keeps inserts out of its stretch. What
 * conflicts with what: src/txn/README.md. Held until the transaction ends (a range the transaction
 * holds already is not locked again). Order: first come, first served, but who holds a lock there
 * already passes those who wait. */
typedef enum ql_lock_mode { QL_LOCK_S, QL_LOCK_X } ql_lock_mode;
typedef enum ql_lock_policy {
    QL_LOCK_WAIT,
    QL_LOCK_NOWAIT, /* 3572 instead of waiting */
    QL_LOCK_SKIP    /* QL_TIMEOUT instead of waiting, nothing worded */
} ql_lock_policy;
typedef struct ql_lock_how {
    ql_lock_mode mode;
    ql_lock_policy policy;
    ql_deadline deadline;
    bool stays; /* it will hardly be given back before the transaction ends */
} ql_lock_how;
typedef struct ql_lock_range ql_lock_range; /* owner: the transaction; a scan's growing lock */

/* All of them: QL_OK = held. QL_ERROR 1213 (deadlock; the whole transaction must be rolled back:
 * ql_txn_must_rollback), 1205, 3572, 1037; QL_KILLED. Waits: ROW_LOCK. */
ql_status ql_txn_lock_row(ql_ctx *cx, ql_str key, const ql_lock_how *how) QL_MUST_USE;
/* Before an index entry is added: waits for locks of others on the key and on the gap it goes
 * into. Held as an exclusive record lock. */
ql_status ql_txn_lock_insert(ql_ctx *cx, ql_str key, ql_deadline dl) QL_MUST_USE;
/* records: a range lock on [low, high); else a gap lock, for a stretch in which no row was seen.
 * *range: NULL, or the lock of an earlier call; when it is of the same kind and mode and [low,
 * high) touches it, it grows (at either end), else a new one is made and stored there. */
ql_status ql_txn_lock_range(ql_ctx *cx, ql_str low, ql_str high, bool records,
                            const ql_lock_how *how, ql_lock_range **range) QL_MUST_USE;
/* Give back a record lock that the running statement took (READ COMMITTED: the row did not match).
 * Ignored when an earlier statement holds it, and as often as this one asked for it more than
 * once. Never waits. */
void ql_txn_unlock_row(ql_ctx *cx, ql_str key);
bool ql_txn_must_rollback(const ql_txn *t);

typedef enum ql_lock_kind {
    QL_LOCK_REC,
    QL_LOCK_RANGE,
    QL_LOCK_GAP,
    QL_LOCK_INSERT /* waiting; once granted it is a record lock */
} ql_lock_kind;
/* A row lock or a request that waits. */
typedef struct ql_lock_info {
    uint64_t lock_id, trx_id, conn_id;
    ql_lock_kind kind;
    ql_lock_mode mode;
    bool granted;
    ql_str low, high; /* a record's key is low; high is empty then */
    /* Of those that wait: the one they sleep for (there may be more in the way), and since when
     * (monotonic). */
    uint64_t blocking_lock_id, blocking_trx_id, blocking_conn_id;
    int64_t since_ns;
} ql_lock_info;
/* All row locks, in no particular order; not of one moment: the table is copied 1,000 at a time.
 * Rows and keys in the arena. */
ql_status ql_txnsys_list_locks(ql_ctx *cx, ql_arena *a, ql_lock_info **out, size_t *n) QL_MUST_USE;
/* The deadlock resolved last, as lines of text; empty when there was none. */
ql_status ql_txnsys_latest_deadlock(ql_ctx *cx, ql_arena *a, ql_str *out) QL_MUST_USE;

/* States shown in the process list (information_schema.PROCESSLIST.TRX_STATE): NULL = none, "OPEN",
 * "QUEUED" for the committer, "APPLYING" (a big set goes in row by row; still killable), "TAKEN"
 * (point of no return), "DONE" (committed, until the statement's reply is written). */

/* Delete all keys of [from, to) in the background, in small commits, also across restarts: DROP
 * and TRUNCATE write this record in the same transaction that removes the definition. Takes effect
 * at commit. */
ql_status ql_txn_trash_range(ql_ctx *cx, ql_str from, ql_str to) QL_MUST_USE;

/* Tests, administration: stop purging (true) and go on (false). */
void ql_txnsys_pause_purge(ql_txnsys *ts, bool pause);

/* Free a detached arena (base/arena.h) in the background. Any thread; never waits. */
void ql_txnsys_reclaim_arena(ql_txnsys *ts, struct ql_arena *a);

/* row_locks: those now in the table. */
typedef struct ql_txnsys_stats {
    uint64_t commits, commit_groups, rollbacks, row_locks, row_lock_waits, deadlocks,
        open_transactions, trash_keys_purged, overlay_bytes;
    /* Requests that wait now; time of the waits that are over. */
    uint64_t row_lock_waiting, row_lock_wait_ns, row_lock_wait_max_ns;
    /* Layers that are in temporary files now, bytes written to those, lists spilled since start. */
    uint64_t spilled_layers, spilled_bytes, spills;
    uint64_t snapshots_ended;  /* for snapshot_pinned_limit */
    uint64_t temporary_tables; /* of all sessions, with those whose rows are still being deleted */
} ql_txnsys_stats;
void ql_txnsys_get_stats(ql_txnsys *ts, ql_txnsys_stats *out);

#endif
