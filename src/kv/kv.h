/* SPDX-License-Identifier: Apache-2.0
 *
 * The door to ordered storage: one keyspace of byte strings, snapshots for readers, one writer that
 * applies batches durably. lmdb_*.c (the data directory; temporary spill environments) and memkv.c
 * (tests) stand behind the same calls. Keys are 1 to 3,500 bytes: those that LMDB cannot hold whole
 * (above 510) are chained below this door. Their first byte is below 0xFF; 0xFF is kv's own.
 */
#ifndef QL_KV_KV_H
#define QL_KV_KV_H

#include "base/ctx.h"

typedef struct ql_kv ql_kv;
typedef struct ql_kv_snap ql_kv_snap;
typedef struct ql_kv_cursor ql_kv_cursor;
typedef struct ql_kv_apply ql_kv_apply;

typedef struct ql_kv_options {
    uint32_t max_readers; /* snapshots open at the same time */
    uint64_t map_size;    /* 0 = 16 TiB */
    bool read_only;
    bool must_exist; /* refuse a directory without a data file instead of making one */
    uint64_t
        reserve;  /* bytes to be left free on its file system: what would grow into them is 1021 */
    bool salvage; /* a damaged redo log: take what is whole of it, say what is left out */
    bool no_sync; /* temporary environments only */
    bool no_redo; /* every apply goes into LMDB at once, with its two syncs */
    /* 0 = the usual; others are for tests. */
    uint32_t redo_segment_bytes;
    uint32_t flush_idle_ms, flush_age_ms; /* recent commits reach LMDB at the latest */
} ql_kv_options;

/* What an apply asks for when it is committed (false and true will do). */
typedef enum ql_kv_sync {
    QL_KV_WRITTEN, /* in the system's hands: survives the process, durable about a second later */
    QL_KV_DURABLE
} ql_kv_sync;

/* Open (create) the environment in directory dir. QL_ERROR with a clear text when it is not ours,
 * damaged, or not accessible. */
ql_status ql_kv_open(ql_ctx *cx, const char *dir, const ql_kv_options *opt,
                     ql_kv **out) QL_MUST_USE;
/* Unlinked temporary environment under tmpdir, for overlays that outgrow memory. One thread at a
 * time. */
ql_status ql_kv_open_temp(ql_ctx *cx, const char *tmpdir, ql_kv **out) QL_MUST_USE;
/* Remove files of temporary environments that a killed server has left in tmpdir; how many. At
 * start. */
unsigned ql_kv_remove_temp(const char *tmpdir);
/* Has an instance, of this process or another, the directory open? False, too, when that cannot be
 * told. */
bool ql_kv_is_in_use(const char *dir);
/* In memory, for tests; can fail or stall on demand (memkv.h). */
ql_status ql_kv_open_mem(ql_ctx *cx, ql_kv **out) QL_MUST_USE;
/* Before the first open, once a process: a fault in reading a data file (cut short while it is
 * open, a disk that fails, damage that leads astray) writes one line that names the file to fd;
 * then the signal takes its usual course. */
void ql_kv_catch_faults(int fd);
/* What is wrong with the data file, in words; key: nearest it (empty: unknown). */
typedef ql_status (*ql_kv_report)(void *arg, const char *text, ql_str key);
/* Look through the data file of a directory that nobody has open, page by page and checksum by
 * checksum; changes nothing. QL_ERROR: it cannot even be begun. Checkpoints. */
ql_status ql_kv_check_file(ql_ctx *cx, const char *dir, ql_kv_report report, void *arg,
                           uint64_t *findings) QL_MUST_USE;
void ql_kv_close(ql_kv *kv); /* no snapshot or apply may be open */

/* Read view of the newest committed state. One thread at a time uses a snapshot and its cursors; it
 * may pass to another thread. QL_ERROR (1041) when max_readers are open. Never waits for the
 * writer. */
ql_status ql_kv_snap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out) QL_MUST_USE;
void ql_kv_snap_end(ql_kv_snap *s); /* NULL ignored; its cursors must be closed */
/* Sequence number of the state it shows: number of applies committed before. */
uint64_t ql_kv_snap_seq(const ql_kv_snap *s);
/* Newest committed sequence number; any thread, one atomic load. A snapshot with this seq is up to
 * date. */
uint64_t ql_kv_seq(ql_kv *kv);

/* Value of key; its bytes are valid until the snapshot ends. QL_END = absent. An empty key is never
 * there. */
ql_status ql_kv_get(ql_ctx *cx, ql_kv_snap *s, ql_str key, ql_str *value) QL_MUST_USE;

/* The values of n keys, in any order; sorted ones cost least. p is NULL where a key is absent.
 * Several look-ups wait for memory together, so this costs far less than one after the other. A
 * checkpoint a page. */
ql_status ql_kv_get_many(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n,
                         ql_str *values) QL_MUST_USE;

/* The places of n keys are going to be searched: what lies there is brought near, as far as that
 * can be done for all of them together. Only a hint. A checkpoint a page. */
ql_status ql_kv_warm(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n) QL_MUST_USE;

ql_status ql_kv_cursor_open(ql_ctx *cx, ql_kv_snap *s, ql_kv_cursor **out) QL_MUST_USE;
void ql_kv_cursor_close(ql_kv_cursor *c);
/* From now on a page whose values all matched their checksums within the last ten seconds is
 * believed; elsewhere, and in ql_kv_get, each value is compared. For plain scans: comparing every
 * value at every read costs them 16 to 70 % more. */
void ql_kv_cursor_trust(ql_kv_cursor *c);
/* Position and read; QL_END = none there. QL_ERROR: ql_kv_cursor_damaged says whether it is that
 * entry's value alone (1877; *k is its key). Bytes of value are valid until the snapshot ends,
 * those of key until the next call on the cursor (short keys: until the snapshot ends). Cheap
 * steps: the caller has the checkpoints (once a block). An empty key for seek_ge means the first.
 * After QL_END seek again before stepping. The key given may lie in bytes the cursor returned. */
ql_status ql_kv_seek_ge(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v) QL_MUST_USE;
ql_status ql_kv_seek_lt(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k,
                        ql_str *v) QL_MUST_USE; /* last one below key */
ql_status ql_kv_next(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v) QL_MUST_USE;
ql_status ql_kv_prev(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v) QL_MUST_USE;

/* After a move that ended with QL_ERROR: the key that is there, and whose value is damaged; the
 * same cursor, or another one, can be placed behind it. Empty: it was something else, and what
 * comes behind cannot be told. Bytes until the next call on the cursor. */
ql_str ql_kv_cursor_damaged(const ql_kv_cursor *c);

/* About how many keys lie between two others, and where, from a descent along both ends and some
 * probes between them: microseconds, whatever lies there. For estimates. */
typedef struct ql_kv_region {
    double entries;
    bool exact;       /* they are so many */
    ql_kv_snap *snap; /* here and below: kv's own */
    struct qli_region *in;
} ql_kv_region;
/* [from, to) in snapshot s, which must be a new one (QL_END: it cannot be told; the file has moved
 * on). probes: pages looked at to tell how full they are. Ended before the snapshot. */
ql_status ql_kv_region_open(ql_ctx *cx, ql_kv_snap *s, ql_str from, ql_str to, unsigned probes,
                            ql_kv_region *out) QL_MUST_USE;
void ql_kv_region_close(ql_kv_region *r);
/* A key with about `at` (0..1) of the region's keys in front of it: where to seek; it need not be a
 * whole one. Bytes until the snapshot ends. QL_END: there is none. */
ql_status ql_kv_region_key(ql_ctx *cx, const ql_kv_region *r, double at, ql_str *key) QL_MUST_USE;

/* The one writer (whoever has the committer's role; in temp environments the owner). After an error
 * of a put or del only abort is left (1021: disk full, as from the commit). */
ql_status ql_kv_apply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out) QL_MUST_USE;
ql_status ql_kv_apply_put(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str value) QL_MUST_USE;
ql_status ql_kv_apply_del(ql_ctx *cx, ql_kv_apply *a, ql_str key) QL_MUST_USE; /* absent: QL_OK */
ql_status ql_kv_apply_get(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str *value) QL_MUST_USE;
/* From its begin on: what would take long or has to wait (LMDB's transaction, a flush) is not
 * begun. Puts, deletions and the commit say QL_END instead, and their record may be in the log,
 * void: the next apply must be the same again, without this. */
void ql_kv_apply_keep_short(ql_kv_apply *a);
/* Delete up to n keys of [from, to); *done counts. */
ql_status ql_kv_apply_del_range(ql_ctx *cx, ql_kv_apply *a, ql_str from, ql_str to, size_t n,
                                size_t *done) QL_MUST_USE;
/* Durable when it returns QL_OK, or written (sync). Small applies are one record of the redo log
 * and are kept in memory until they go into LMDB with others; large ones (above 4,096 operations,
 * 256 KiB or a value of 32 KiB) and range deletes go into LMDB's transaction as they come, and are
 * always durable. Ends the apply in every case. QL_ERROR 1021 = disk full (ask again after
 * ql_space_wait; nothing happened), other errors are real I/O errors. Uninterruptible. */
ql_status ql_kv_apply_commit(ql_ctx *cx, ql_kv_apply *a, ql_kv_sync sync) QL_MUST_USE;
void ql_kv_apply_abort(ql_kv_apply *a);

/* An apply beside the order of the others, by any one thread, for keys no other has to do with:
 * those that nobody reads or writes before a later apply tells of them, and those that nobody reads
 * or writes since apply number `after` or an earlier one. Begun once the file has the state of
 * number `after`, and when nobody else writes into the file; small applies go on meanwhile. Its
 * operations go into the file as they come; committed, they are durable and in every snapshot begun
 * from then on, and the number of the state is what it was. As for errors and ends: like an apply.
 * Waits: BACKGROUND. */
ql_status ql_kv_beside_begin(ql_ctx *cx, ql_kv *kv, uint64_t after, ql_kv_apply **out) QL_MUST_USE;

/* The writer, or while there is none: everything committed is in LMDB's file when it returns QL_OK.
 * Waits for the flusher: BACKGROUND. */
ql_status ql_kv_flush(ql_ctx *cx, ql_kv *kv) QL_MUST_USE;

typedef struct ql_kv_stats {
    uint64_t seq;
    uint64_t entries; /* many recent commits: their new keys are estimated */
    uint64_t file_bytes, used_bytes, free_bytes, snapshots_open, oldest_snapshot_seq;
    uint64_t
        pinned_bytes; /* replaced since, and kept only for snapshots: the oldest (memory: any) */
    uint64_t memory_bytes;   /* recent commits in memory, with those only old snapshots need */
    uint64_t unflushed;      /* commits that are in the redo log and not yet in the file */
    uint64_t redo_bytes;     /* size of the redo log's files */
    uint64_t redo_commits;   /* since the start: through the log, */
    uint64_t direct_commits; /* straight into LMDB, */
    uint64_t flushes;        /* transactions that took recent commits into LMDB */
} ql_kv_stats;
void ql_kv_get_stats(ql_kv *kv, ql_kv_stats *out);

#endif
