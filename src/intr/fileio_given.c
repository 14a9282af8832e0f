/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that statements name: made for users, and read. A new file is made without a name and gets
 * it when it is complete, so that whoever stops on the way, killed or dead, leaves none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "intr/fileio.h"
#include "intr/gate.h"

static ql_status
fail_create(ql_ctx *cx, const char *path, int err)
{
    return err == EEXIST ? ql_fail(cx, QL_ER_FILE_EXISTS_ERROR, path)
                         : ql_fail(cx, QL_ER_EE_CANTCREATEFILE, path, err, strerrordesc_np(err));
}

/* Without a name in the directory of path; -1: not there. */
static int
open_nameless(ql_ctx *cx, const char *path, int mode)
{
    const char *slash = strrchr(path, '/');
    char *dir = ql_arena_strndup(cx, cx->arena, path, slash > path ? (size_t)(slash - path) : 1);
    return dir != NULL ? open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode) : -1;
}

ql_status
ql_file_begin(ql_ctx *cx, const char *path, int mode, ql_new_file *f)
{
    struct stat there;
    *f = (ql_new_file){.fd = -1, .path = path};
    QL_TRY(ql_check(cx));
    if (lstat(path, &there) == 0) {
        return fail_create(cx, path, EEXIST);
    }
    f->fd = open_nameless(cx, path, mode);
    if (f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        f->fd = open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
        f->named = f->fd >= 0;
    }
    if (f->fd < 0) {
        return fail_create(cx, path, errno);
    }
    (void)fchmod(f->fd, (mode_t)mode); /* whatever the umask; without it the mode is stricter */
    return QL_OK;
}

ql_status
ql_file_append(ql_ctx *cx, ql_new_file *f, const void *p, size_t n)
{
    QL_TRY(ql_file_reserve(cx, f->fd, n));
    QL_TRY(ql_file_write(cx, f->fd, p, n, f->n));
    f->n += n;
    return QL_OK;
}

ql_status
ql_file_publish(ql_ctx *cx, ql_new_file *f)
{
    char link[40];
    int err = 0;
    if (!f->named) {
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", f->fd);
        err = linkat(AT_FDCWD, link, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) != 0 ? errno : 0;
    }
    ql_file_close(f->fd);
    f->fd = -1;
    return err == 0 ? QL_OK : fail_create(cx, f->path, err);
}

/* Somebody waits for the statement's locks. */
void
ql_file_abandon(ql_new_file *f)
{
    if (f->fd < 0) {
        return;
    }
    if (f->named) {
        (void)unlink(f->path);
    }
    ql_file_close_aside(f->fd, f->n);
    f->fd = -1;
}

static bool
is_readable_kind(const struct stat *st)
{
    return S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode);
}

ql_status
ql_file_open_given(ql_ctx *cx, const char *path, ql_given_file *f)
{
    struct stat st;
    *f = (ql_given_file){.fd = -1};
    QL_TRY(ql_check(cx));
    if (stat(path, &st) != 0) {
        return ql_fail(cx, QL_ER_EE_STAT, path, errno, strerrordesc_np(errno));
    }
    if (!is_readable_kind(&st)) { /* opening a device may do something */
        return ql_fail(cx, QL_ER_TEXTFILE_NOT_READABLE, path);
    }
    f->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (f->fd < 0) {
        return ql_fail(cx, QL_ER_EE_FILENOTFOUND, path, errno, strerrordesc_np(errno));
    }
    if (fstat(f->fd, &st) != 0 || !is_readable_kind(&st)) {
        ql_file_close(f->fd);
        f->fd = -1;
        return ql_fail(cx, QL_ER_TEXTFILE_NOT_READABLE, path);
    }
    f->is_pipe = S_ISFIFO(st.st_mode);
    f->bytes = f->is_pipe ? 0 : (uint64_t)st.st_size;
    return QL_OK;
}

static ql_status
await_pipe(ql_ctx *cx, int fd)
{
    bool paused = ql_admission_pause(cx);
    QL_TRY(ql_wait(cx, fd, POLLIN, QL_FOREVER, QL_W_PIPE));
    return paused ? ql_admission_resume(cx) : QL_OK;
}

/* A pipe into which nobody has written yet is at its end for read, not for poll: so it is asked
 * after poll only. */
static ql_status
read_pipe(ql_ctx *cx, int fd, void *p, size_t n, size_t *got)
{
    *got = 0;
    for (;;) {
        struct pollfd at_once = {.fd = fd, .events = POLLIN};
        QL_TRY(ql_check(cx));
        if (poll(&at_once, 1, 0) <= 0) {
            QL_TRY(await_pipe(cx, fd));
            continue;
        }
        ssize_t rc = read(fd, p, n);
        if (rc >= 0) {
            *got = (size_t)rc;
            return rc > 0 ? QL_OK : QL_END;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return ql_fail(cx, QL_ER_ERROR_ON_READ, "pipe", errno, strerrordesc_np(errno));
        }
    }
}

ql_status
ql_file_read_given(ql_ctx *cx, ql_given_file *f, void *p, size_t n, size_t *got)
{
    ql_status st =
        f->is_pipe ? read_pipe(cx, f->fd, p, n, got) : ql_file_read(cx, f->fd, p, n, f->at, got);
    f->at += *got;
    return st == QL_END && *got > 0 ? QL_OK : st;
}
