/* SPDX-License-Identifier: Apache-2.0
 *
 * File I/O of sessions: short reads and writes are continued, EINTR is hidden, a full disk becomes
 * a killable wait. Regular files only; each call moves at most 1 MiB between checkpoints.
 */
#ifndef QL_INTR_FILEIO_H
#define QL_INTR_FILEIO_H

#include "intr/wait.h"

/* 1004 with errno when it fails. flags and mode as open(2); O_CLOEXEC is added. */
ql_status ql_file_open(ql_ctx *cx, const char *path, int flags, int mode, int *fd) QL_MUST_USE;
void ql_file_close(int fd);
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
/* Unlinked temporary file under dir. */
ql_status ql_file_temp(ql_ctx *cx, const char *dir, int *fd) QL_MUST_USE;

/* Tests (debug builds), for this thread: each write moves at most short_max bytes (0 = no limit),
 * and the nth from now (0 = none) fails once with ENOSPC. */
void ql_file_fault(size_t short_max, uint64_t enospc_at);

#endif
