/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of the redo log: a few segments beside the data file, filled with zeros when they are
 * made, or made larger, and written over again and again, so that a commit's fdatasync has no
 * metadata to write. Format of a segment (little-endian, as the machine writes it):
 *
 *   0     head: "QLREDO02", id of the data file (16), serial (8), first number (8), nonce (8, new
 *         and random for each use), size of the file (8), crc (4)
 *   2048  the head once more
 *   4096  records, each at a multiple of 8: crc (4) of the nonce and what follows, length of the
 *         body (4), number (8), highest number known to be durable when it was written (8), body
 *   body  operations: kind (1: 1 = put, 2 = delete), 0, length of the key (2), of the value (4),
 *         key, value
 *
 * Checksums are CRC-32C. Numbers of the records in a segment follow each other from the head's
 * first one. Segments written before ("QLREDO01": no second head, no size, no durable number,
 * CRC-32) are read at recovery, never written.
 *
 * redo_log.c writes, redo_recover.c reads. Inside kv/ only.
 */
#ifndef QL_KV_REDO_LOG_H
#define QL_KV_REDO_LOG_H

#include "kv/kv_int.h"

#define QLI_SEGMENTS 3u
#define QLI_SEGMENT_HEAD 4096u
#define QLI_HEAD_COPY 2048u
#define QLI_RECORD_HEAD 24u
#define QLI_RECORD_HEAD_1 16u /* of "QLREDO01" */
#define QLI_REDO_ID 16u

/* Kinds of operations. */
#define QLI_OP_PUT 1
#define QLI_OP_DEL 2
#define QLI_OP_HEAD 8u

typedef struct qli_segment_head {
    char magic[8];
    unsigned char id[QLI_REDO_ID];
    uint64_t serial, first, nonce, size;
    uint32_t crc, zero;
} qli_segment_head;

typedef struct qli_record_head {
    uint32_t crc, n;
    uint64_t seq, durable;
} qli_record_head;

_Static_assert(sizeof(qli_record_head) == QLI_RECORD_HEAD, "format");
_Static_assert(sizeof(qli_segment_head) == 64, "format");

typedef struct qli_segment {
    int fd;                /* [committer] -1 = there is none */
    int sync_fd;           /* [flusher] the same file: each opening reports a failed write once */
    int direct_fd;         /* [committer] the same past the page cache; -1: cannot be had */
    uint64_t serial;       /* [committer] of its head */
    uint64_t first, nonce; /* [committer] */
    size_t size;           /* of the file; [flusher] while it is in nobody's use */
    size_t end;            /* [committer] where the next record goes */
    bool left_out;         /* [recovery] something in it was given up: kept under another name */
    _Atomic bool unsynced; /* written, not yet made durable */
} qli_segment;

/* Owner: the environment. */
typedef struct qli_redo_log {
    char *path; /* of the data file */
    unsigned char id[QLI_REDO_ID];
    size_t segment_bytes; /* [const] of one that is made */
    uint64_t serial;      /* [committer] last one given */
    /* What is written, and what of it is known to be durable (here or in the data file): number of
     * the newest record, serial of the newest segment. */
    _Atomic uint64_t written_seq, written_serial; /* [committer stores] */
    _Atomic uint64_t durable_seq, durable_serial;
    qli_segment seg[QLI_SEGMENTS];
    /* [committer] Whole blocks on their way past the page cache, and between two records the bytes
     * of the block where segment tail_of ends at tail_end. */
    char *tail, *tail_mem;
    size_t tail_size, tail_end; /* tail_end 0: unknown */
    uint32_t tail_of;
    _Atomic bool
        broken; /* a write or a sync failed for good: not used again until the next start */
    /* Tests: */
    _Atomic int fail_write, fail_sync; /* errno of the next one; 0 = none */
    _Atomic size_t short_write;        /* the failing write moves so many bytes before */
    _Atomic bool no_direct;            /* none goes past the page cache */
} qli_redo_log;

/* Called for each record found, in order. */
typedef ql_status (*qli_redo_replay)(ql_ctx *cx, void *arg, uint64_t seq, ql_str body);

/* Open those segments that are there. Returns an errno; close in every case. */
int qli_redo_log_open(qli_redo_log *log, const char *path, const unsigned char *id,
                      size_t segment_bytes, bool read_only) QL_MUST_USE;
void qli_redo_log_close(qli_redo_log *log);
/* Path of segment i. */
void qli_redo_log_path(const qli_redo_log *log, uint32_t i, char *path, size_t n);
/* Bits of the segments whose files are there. */
uint32_t qli_redo_log_files(const qli_redo_log *log);

/* What the data file says of its log. */
typedef struct qli_redo_expect {
    uint64_t applied; /* number of its state */
    bool known;       /* it keeps account of the log: what follows counts */
    bool in_use;      /* the log may hold commits behind `applied` */
    uint32_t files;   /* bits of the segments that exist */
    uint64_t serial;  /* one with this serial or a later one exists */
    bool salvage;     /* take what is whole instead of refusing */
} qli_redo_expect;

/* redo_recover.c. Hand over the records behind number `applied`, in order and without a gap.
 * Damage, a gap, a file that is missing or belongs elsewhere are errors that name it; with salvage
 * they are warnings in the error log, and what is whole in front of the first is handed over. A
 * record that a crash tore is no damage: it and what follows were never acknowledged as durable.
 * Changes no file. */
ql_status qli_redo_log_recover(ql_ctx *cx, qli_redo_log *log, const qli_redo_expect *expect,
                               qli_redo_replay replay, void *arg) QL_MUST_USE;
/* After recovery, when nothing of it is needed any more: files of another size are removed, those
 * of which something was left out are renamed (NAME.left-N). False: there is none. */
bool qli_redo_log_has_odd(const qli_redo_log *log);
void qli_redo_log_drop_odd(qli_redo_log *log);
/* Make segment i: all its blocks written. Returns an errno; on failure there is none. The directory
 * entry is durable. Takes milliseconds. */
int qli_redo_log_create(qli_redo_log *log, uint32_t i) QL_MUST_USE;

/* Make segment i, which holds nothing that is needed, larger, all its blocks written. Returns an
 * errno; on failure it is what it was. Takes milliseconds. */
int qli_redo_log_grow(qli_redo_log *log, uint32_t i, size_t bytes) QL_MUST_USE;

void qli_redo_log_remove(qli_redo_log *log, uint32_t i);

/* Committer: begin to use segment i anew; what it held is gone. Everything written to other
 * segments must be durable (durable_seq). */
int qli_redo_log_start(qli_redo_log *log, uint32_t i, uint64_t first) QL_MUST_USE;
/* Does a record with n bytes of body fit? */
bool qli_redo_log_fits(const qli_redo_log *log, uint32_t i, size_t n) QL_MUST_USE;
/* Committer: append a record. p: QLI_RECORD_HEAD bytes of room, then n bytes of body; changed. With
 * sync it is durable at 0. An errno: the record is not there, as far as that could be made sure of.
 */
int qli_redo_log_append(qli_redo_log *log, uint32_t i, uint64_t seq, char *p, size_t n,
                        bool sync) QL_MUST_USE;
/* Make durable what was appended without sync, in all segments of the bits `files`. by_flusher:
 * through the flusher's own descriptors. Returns an errno; the log is broken then. */
int qli_redo_log_sync_all(qli_redo_log *log, uint32_t files, bool by_flusher) QL_MUST_USE;
/* The data file has everything up to seq. */
void qli_redo_log_applied(qli_redo_log *log, uint64_t seq);

/* Checksum of a head; of a record from behind its crc on. nonce: of its segment. */
uint32_t qli_segment_head_crc(const qli_segment_head *h);
uint32_t qli_record_crc(uint64_t nonce, const char *p, size_t n);
/* Bytes that a record takes. */
static inline size_t
qli_record_padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* One operation of a body; false at its end (or where it is damaged). */
typedef struct qli_redo_op {
    ql_str key, value;
    bool deleted;
} qli_redo_op;
bool qli_redo_op_next(ql_str *body, qli_redo_op *op);
/* Bytes of an operation, and its encoding at p. */
size_t qli_redo_op_size(ql_str key, ql_str value);
void qli_redo_op_write(char *p, ql_str key, ql_str value, bool deleted);

#endif
