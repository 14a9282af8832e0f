/* SPDX-License-Identifier: Apache-2.0
 *
 * File I/O of sessions: short reads and writes are continued, EINTR is hidden, a full disk becomes
 * a killable wait. Regular files, but for pipes that a statement reads; each call moves at most 1
 * MiB between checkpoints.
 */
#ifndef QL_INTR_FILEIO_H
#define QL_INTR_FILEIO_H

#include "intr/wait.h"

/* 1004 with errno when it fails. flags and mode as open(2); O_CLOEXEC is added. */
ql_status ql_file_open(ql_ctx *cx, const char *path, int flags, int mode, int *fd) QL_MUST_USE;
void ql_file_close(int fd);
/* The same of a file of so many bytes without a name left: giving back what a large one held takes
 * the system long, so another thread does it. Never waits. */
void ql_file_close_aside(int fd, uint64_t bytes);
/* All n bytes at offset; QL_END when the file ends before (got says how many came). */
ql_status ql_file_read(ql_ctx *cx, int fd, void *p, size_t n, uint64_t offset,
                       size_t *got) QL_MUST_USE;
/* All n bytes. When the disk is full waits (DISK_SPACE) and goes on; killed there: 1021. */
ql_status ql_file_write(ql_ctx *cx, int fd, const void *p, size_t n, uint64_t offset) QL_MUST_USE;
ql_status ql_file_sync(ql_ctx *cx, int fd) QL_MUST_USE;
/* The temporary file fd is about to grow by n bytes: QL_OK when its file system keeps disk_reserve
 * then. On that of the data directory waits until it does (DISK_SPACE; killed there: 1021); on
 * another, where nobody looks for space, 1026. */
ql_status ql_file_room(ql_ctx *cx, int fd, uint64_t n) QL_MUST_USE;
/* A user's file is about to grow by n bytes: where it would take from disk_reserve, wait until it
 * does not (DISK_SPACE; killed there: 1021). */
ql_status ql_file_reserve(ql_ctx *cx, int fd, uint64_t n) QL_MUST_USE;
/* Unlinked temporary file under dir. */
ql_status ql_file_temp(ql_ctx *cx, const char *dir, int *fd) QL_MUST_USE;

/* A file that users get (SELECT ... INTO OUTFILE). It has a name only when it is complete; where
 * the file system knows no files without a name, from the beginning, and then not when it is
 * abandoned. Owner: a stack frame. */
typedef struct ql_new_file {
    int fd; /* -1: none */
    const char *path;
    bool named;
    uint64_t n; /* bytes written */
} ql_new_file;
/* 1086 when something is there already; 1 with errno. path stays valid. Then publish or abandon. */
ql_status ql_file_begin(ql_ctx *cx, const char *path, int mode, ql_new_file *f) QL_MUST_USE;
/* At its end. Keeps disk_reserve free. Waits: DISK_SPACE, on whatever file system it is. */
ql_status ql_file_append(ql_ctx *cx, ql_new_file *f, const void *p, size_t n) QL_MUST_USE;
/* It gets its name: 1086 when that is taken meanwhile. Closes it in any case. */
ql_status ql_file_publish(ql_ctx *cx, ql_new_file *f) QL_MUST_USE;
void ql_file_abandon(ql_new_file *f); /* nothing of it remains; none begun: nothing to do */

/* A file that a statement reads. Owner: a stack frame; ql_file_close(fd) ends it. */
typedef struct ql_given_file {
    int fd; /* -1: none */
    bool is_pipe;
    uint64_t bytes; /* its size when it was opened; a pipe's is not known: 0 */
    uint64_t at;    /* read so far */
} ql_given_file;
/* 13, 29 with errno; 1085 when it is neither a regular file nor a named pipe. Of a pipe nobody need
 * have the other end yet. */
ql_status ql_file_open_given(ql_ctx *cx, const char *path, ql_given_file *f) QL_MUST_USE;
/* Up to n bytes, what comes next; QL_END when there is none: at the end of the file, or when all
 * who have written into the pipe have closed it. Gives the admission ticket back while it waits.
 * Waits: PIPE. */
ql_status ql_file_read_given(ql_ctx *cx, ql_given_file *f, void *p, size_t n,
                             size_t *got) QL_MUST_USE;

/* Tests (debug builds), for this thread: each write moves at most short_max bytes (0 = no limit),
 * and the nth from now (0 = none) fails once with ENOSPC. */
void ql_file_fault(size_t short_max, uint64_t enospc_at);

#endif
