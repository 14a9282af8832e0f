/* SPDX-License-Identifier: Apache-2.0
 *
 * Tapes: sequences of bytes in the one temporary file of a statement, written once from front to
 * back and read any number of times, at several places at once. What cannot be kept
 * in a budget of memory goes there. The file is unlinked, in tmpdir, made when the first page is
 * written and closed with the statement; pages of a tape that is dropped are written again by
 * others. A tape in work holds one page of memory, one that is at rest none.
 *
 * Each page written or read is a checkpoint. Growing keeps disk_reserve: on the disk of the data
 * directory it waits (DISK_SPACE; killed there: 1021), on another a full disk is error 1026. More
 * than max_tmp_disk bytes are error 4202.
 */
#ifndef QL_SPOOL_TAPE_H
#define QL_SPOOL_TAPE_H

#include "base/arena.h"
#include "base/buf.h"

#define QL_TAPE_PAGE ((size_t)16384)

typedef struct ql_tapes ql_tapes; /* the file; lives in an arena of its owner, until free */
typedef struct ql_tape ql_tape;   /* owner: the file; whoever made it may drop it earlier */

/* A reading position. Owner: whoever reads; it stays where it is in memory from start to stop, or
 * to the end of the file, and is stopped before its tape is dropped. {0} is one that is not open.
 */
typedef struct ql_reel {
    ql_tape *tape;
    char *page;      /* [QL_TAPE_PAGE] */
    size_t at, have; /* in page: next byte, bytes there */
    uint64_t done;   /* bytes of the tape in pages read so far */
    uint32_t extent, page_no;
    ql_buf whole;                /* what lay across pages */
    struct ql_reel *prev, *next; /* of those that are open */
} ql_reel;

/* For tapes of this statement; mem holds what describes them, and their pages of memory. */
ql_status ql_tapes_new(ql_ctx *cx, ql_arena *mem, ql_tapes **out) QL_MUST_USE;
/* Close the file, before mem goes; NULL is ignored. A large one is given back to the system in the
 * background. */
void ql_tapes_free(ql_ctx *cx, ql_tapes *f);

/* New empty tape. Nothing is written yet, no file is needed. */
ql_status ql_tape_new(ql_ctx *cx, ql_tapes *f, ql_tape **out) QL_MUST_USE;
/* n bytes behind the others. Waits: DISK_SPACE. */
ql_status ql_tape_write(ql_ctx *cx, ql_tape *t, const void *p, size_t n) QL_MUST_USE;
/* All is written: the last page goes out and the page of memory is given back. Before reading. */
ql_status ql_tape_end(ql_ctx *cx, ql_tape *t) QL_MUST_USE;
uint64_t ql_tape_bytes(const ql_tape *t);
/* Its pages are free for others; t is gone. NULL is ignored. */
void ql_tape_drop(ql_ctx *cx, ql_tape *t);

/* Begin at the front of t. r is {0}, or was stopped. */
ql_status ql_reel_start(ql_ctx *cx, ql_reel *r, ql_tape *t) QL_MUST_USE;
/* Give the page back; for a reel that is {0} or stopped nothing happens. */
void ql_reel_stop(ql_reel *r);
/* Go to byte `offset` of its tape. */
ql_status ql_reel_seek(ql_ctx *cx, ql_reel *r, uint64_t offset) QL_MUST_USE;
/* Has all been read? */
bool ql_reel_at_end(const ql_reel *r);
/* The next n bytes, which are there (the caller knows what was written): copied to p. */
ql_status ql_reel_read(ql_ctx *cx, ql_reel *r, void *p, size_t n) QL_MUST_USE;
/* The same without a copy where they lie in one page: valid until the next call. Not aligned. */
ql_status ql_reel_view(ql_ctx *cx, ql_reel *r, size_t n, const char **p) QL_MUST_USE;

#endif
