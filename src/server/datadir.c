/* SPDX-License-Identifier: Apache-2.0
 *
 * A file `quell.format` marks a directory as ours and carries the lock (flock) that keeps a second
 * server away. Runs on the main thread at start.
 */
#include "server/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "intr/fileio.h"

#define MARK "quell.format"
#define MARK_TEXT "Quell data directory, format 1\n"

static ql_status
refuse(ql_ctx *cx, const char *dir, const char *why)
{
    ql_diag_clear_error(cx->diag);
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "data directory '%s' %s", dir, why);
}

/* Number of entries besides lost+found, or -1 with errno. */
static int
count_entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    if (d == NULL) {
        return -1;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
             strcmp(e->d_name, "lost+found") != 0;
    }
    (void)closedir(d);
    return n;
}

static void
mark_path(char out[PATH_MAX], const char *dir)
{
    (void)snprintf(out, PATH_MAX, "%s/" MARK, dir);
}

ql_status
ql_datadir_create(ql_ctx *cx, const char *dir)
{
    char path[PATH_MAX];
    int fd;
    if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
        return refuse(cx, dir, strerror(errno));
    }
    int n = count_entries(dir);
    if (n != 0) {
        return refuse(cx, dir, n < 0 ? "cannot be read" : "is not empty; not touched");
    }
    mark_path(path, dir);
    QL_TRY(ql_file_open(cx, path, O_WRONLY | O_CREAT | O_EXCL, 0640, &fd));
    ql_status st = ql_file_write(cx, fd, MARK_TEXT, strlen(MARK_TEXT), 0);
    if (st == QL_OK) {
        st = ql_file_sync(cx, fd);
    }
    ql_file_close(fd);
    return st;
}

static ql_status
explain_missing_mark(ql_ctx *cx, const char *dir, int err)
{
    int n = count_entries(dir);
    if (n < 0) {
        return refuse(cx, dir,
                      errno == ENOENT ? "does not exist; make it with --initialize"
                                      : "cannot be read");
    }
    if (n == 0) {
        return refuse(cx, dir, "is empty; make it with --initialize or --initialize-insecure");
    }
    return refuse(cx, dir, err == ENOENT ? "was not made by Quell; not touched" : "cannot be read");
}

ql_status
ql_datadir_lock(ql_ctx *cx, const char *dir, int *fd)
{
    char path[PATH_MAX], text[64];
    size_t got = 0;
    mark_path(path, dir);
    *fd = -1;
    if (ql_file_open(cx, path, O_RDWR, 0, fd) != QL_OK) {
        return explain_missing_mark(cx, dir, errno);
    }
    ql_status st = ql_file_read(cx, *fd, text, sizeof text, 0, &got);
    if ((st != QL_OK && st != QL_END) || got != strlen(MARK_TEXT) ||
        memcmp(text, MARK_TEXT, got) != 0) {
        st = refuse(cx, dir, "has a format that this version does not know");
    } else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        st = refuse(cx, dir, "is in use by another server");
    } else {
        return QL_OK;
    }
    ql_file_close(*fd);
    *fd = -1;
    return st;
}

void
ql_datadir_unlock(int fd)
{
    if (fd >= 0) {
        ql_file_close(fd);
    }
}
