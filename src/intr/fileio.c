/* SPDX-License-Identifier: Apache-2.0
 *
 * File I/O of sessions, in pieces of 1 MiB with a checkpoint between them. The only file that calls
 * pread, pwrite and fdatasync for sessions. A full disk is a killable wait when statvfs agrees that
 * it is full, and an error otherwise.
 */
#include "intr/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/dispose.h"
#include "base/mem.h"
#include "intr/space.h"

#define PIECE ((size_t)1 << 20)
#define FULL_TRIES                                                                                 \
    3 /* ENOSPC although there is space (a disk quota, a race): then it is an error */

#define ELSEWHERE_MS 1000 /* between two looks at a file system that is not watched */

#ifdef QL_DEBUG
static _Thread_local size_t fault_short;
static _Thread_local uint64_t fault_enospc;
#endif

void
ql_file_fault(size_t short_max, uint64_t enospc_at)
{
#ifdef QL_DEBUG
    fault_short = short_max;
    fault_enospc = enospc_at;
#else
    (void)short_max;
    (void)enospc_at;
#endif
}

/* "path" of a descriptor for messages. */
static void
name_of(int fd, char *name, size_t room)
{
    char link[40];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, room - 1);
    name[n > 0 ? n : 0] = '\0';
}

static ql_status
fail_on(ql_ctx *cx, ql_errcode code, int fd, int err)
{
    char name[256];
    name_of(fd, name, sizeof name);
    return ql_fail(cx, code, name, err, strerrordesc_np(err));
}

ql_status
ql_file_open(ql_ctx *cx, const char *path, int flags, int mode, int *fd)
{
    do {
        *fd = open(path, flags | O_CLOEXEC, mode);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) {
        return ql_fail(cx, QL_ER_CANT_CREATE_FILE, path, errno, strerrordesc_np(errno));
    }
    return QL_OK;
}

void
ql_file_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* A file to be closed. */
typedef struct dead_file {
    ql_dead dead;
    int fd;
    uint64_t bytes; /* that it still has */
} dead_file;

/* Closing it would give everything back in one go. */
static bool
close_dead(ql_dead *d)
{
    dead_file *f = (dead_file *)d;
    if (f->bytes > QL_DISPOSE_STEP) {
        f->bytes -= QL_DISPOSE_STEP;
        if (ftruncate(f->fd, (off_t)f->bytes) == 0) {
            return false;
        }
    }
    ql_file_close(f->fd);
    ql_mem_free(f);
    return true;
}

void
ql_file_close_aside(int fd, uint64_t bytes)
{
    dead_file *d = bytes >= QL_DISPOSE_FROM ? ql_mem_zalloc(sizeof *d) : NULL;
    if (d == NULL) {
        ql_file_close(fd);
        return;
    }
    d->fd = fd;
    d->bytes = bytes;
    /* Its pages are no memory of the process: the backlog of the thread counts a little only. */
    ql_dispose(&d->dead, QL_DISPOSE_FROM, close_dead);
}

ql_status
ql_file_read(ql_ctx *cx, int fd, void *p, size_t n, uint64_t offset, size_t *got)
{
    *got = 0;
    while (*got < n) {
        size_t left = n - *got;
        QL_TRY(ql_check(cx));
        ssize_t rc =
            pread(fd, (char *)p + *got, left < PIECE ? left : PIECE, (off_t)(offset + *got));
        if (rc == 0) {
            return QL_END;
        }
        if (rc > 0) {
            *got += (size_t)rc;
        } else if (errno != EINTR) {
            return fail_on(cx, QL_ER_ERROR_ON_READ, fd, errno);
        }
    }
    return QL_OK;
}

static ssize_t
write_piece(int fd, const char *p, size_t n, uint64_t offset)
{
#ifdef QL_DEBUG
    if (fault_enospc != 0 && --fault_enospc == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (fault_short != 0 && n > fault_short) {
        n = fault_short;
    }
#endif
    return pwrite(fd, p, n < PIECE ? n : PIECE, (off_t)offset);
}

static bool
is_full(int err)
{
    return err == ENOSPC || err == EDQUOT;
}

/* The file is on a file system that nobody watches, and that is full as a user sees it. */
static bool
is_full_elsewhere(const ql_space *space, int fd)
{
    struct statvfs vfs;
    return !ql_space_holds(space, fd) && fstatvfs(fd, &vfs) == 0 && vfs.f_bavail == 0;
}

/* There whoever waits looks himself, once a second. */
static ql_status
wait_elsewhere(ql_ctx *cx, int fd)
{
    char name[256];
    ql_status st = ql_wait(cx, -1, 0, ql_deadline_ms(ELSEWHERE_MS), QL_W_DISK_SPACE);
    if (st != QL_KILLED) {
        return QL_OK;
    }
    name_of(fd, name, sizeof name);
    ql_diag_clear_error(cx->diag);
    (void)ql_fail(cx, QL_ER_DISK_FULL, name);
    return QL_KILLED;
}

/* The disk was full. QL_OK: try again. */
static ql_status
after_full(ql_ctx *cx, int fd, size_t need, unsigned *tries)
{
    int err = errno;
    ql_space *space = cx->inst != NULL ? cx->inst->space : NULL;
    if (space == NULL) {
        return fail_on(cx, QL_ER_ERROR_ON_WRITE, fd, err);
    }
    if (ql_space_is_low(space, need)) {
        *tries = 0;
        return ql_space_wait(cx, space, need);
    }
    if (is_full_elsewhere(space, fd)) {
        *tries = 0;
        return wait_elsewhere(cx, fd);
    }
    return ++*tries <= FULL_TRIES ? QL_OK : fail_on(cx, QL_ER_ERROR_ON_WRITE, fd, err);
}

ql_status
ql_file_write(ql_ctx *cx, int fd, const void *p, size_t n, uint64_t offset)
{
    size_t done = 0;
    unsigned tries = 0;
    while (done < n) {
        QL_TRY(ql_check(cx));
        ssize_t rc = write_piece(fd, (const char *)p + done, n - done, offset + done);
        if (rc >= 0) {
            done += (size_t)rc;
            tries = 0;
        } else if (is_full(errno)) {
            size_t left = n - done;
            QL_TRY(after_full(cx, fd, left < PIECE ? left : PIECE, &tries));
        } else if (errno != EINTR) {
            return fail_on(cx, QL_ER_ERROR_ON_WRITE, fd, errno);
        }
    }
    return QL_OK;
}

ql_status
ql_file_room(ql_ctx *cx, int fd, uint64_t n)
{
    ql_space *space = cx->inst != NULL ? cx->inst->space : NULL;
    struct statvfs vfs;
    if (space == NULL) {
        return QL_OK;
    }
    if (ql_space_holds(space, fd)) {
        return ql_space_is_low(space, n) ? ql_space_wait(cx, space, n) : QL_OK;
    }
    if (fstatvfs(fd, &vfs) != 0) {
        return QL_OK; /* the write will tell */
    }
    uint64_t there = (uint64_t)vfs.f_bavail * (uint64_t)vfs.f_frsize;
    uint64_t reserve = ql_space_reserve(space);
    return there >= reserve && there - reserve >= n ? QL_OK
                                                    : fail_on(cx, QL_ER_ERROR_ON_WRITE, fd, ENOSPC);
}

ql_status
ql_file_reserve(ql_ctx *cx, int fd, uint64_t n)
{
    ql_space *space = cx->inst != NULL ? cx->inst->space : NULL;
    bool ours = space != NULL && ql_space_holds(space, fd);
    return ours && ql_space_is_low(space, n) ? ql_space_wait(cx, space, n) : QL_OK;
}

ql_status
ql_file_sync(ql_ctx *cx, int fd)
{
    QL_TRY(ql_check(cx));
    int rc;
    do {
        rc = fdatasync(fd);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? QL_OK : fail_on(cx, QL_ER_ERROR_ON_WRITE, fd, errno);
}

/* For file systems without O_TMPFILE. */
static int
open_and_unlink(const char *dir)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/quell-XXXXXX", dir);
    if (n < 0 || n >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(path);
    }
    return fd;
}

ql_status
ql_file_temp(ql_ctx *cx, const char *dir, int *fd)
{
    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0) {
        *fd = open_and_unlink(dir);
    }
    if (*fd < 0) {
        return ql_fail(cx, QL_ER_CANT_CREATE_FILE, dir, errno, strerrordesc_np(errno));
    }
    return QL_OK;
}
