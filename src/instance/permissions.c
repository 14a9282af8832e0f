/* SPDX-License-Identifier: Apache-2.0
 *
 * Modes of the data directory, keys, option and init files. What everybody may write is refused: it
 * could hold anybody's statements, keys or data. What everybody may read is told as a warning, for
 * some ways to hand out keys (mounted secrets) know no other mode.
 */
#include "instance/permissions.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/log.h"
#include "intr/fileio.h"

#define MODE_BITS 07777

ql_status
ql_refuse_writable_by_all(ql_ctx *cx, const char *what, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || (st.st_mode & S_IWOTH) == 0) {
        return QL_OK;
    }
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                        "%s '%s' can be written by everybody (mode %04o); take that away (chmod "
                        "o-w)",
                        what, path, (unsigned)(st.st_mode & MODE_BITS));
}

ql_status
ql_read_trusted(ql_ctx *cx, const char *kind, const char *path, size_t max, ql_str *out)
{
    int fd;
    size_t got = 0;
    char *text = ql_arena_alloc(cx, cx->arena, max);
    if (text == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_refuse_writable_by_all(cx, kind, path));
    if (ql_file_open(cx, path, O_RDONLY, 0, &fd) != QL_OK) {
        ql_diag_clear_error(cx->diag);
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "cannot read the %s '%s'", kind, path);
    }
    ql_status st = ql_file_read(cx, fd, text, max, 0, &got);
    ql_file_close(fd);
    if (st == QL_OK) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "the %s '%s' is too large", kind, path);
    }
    *out = (ql_str){text, got};
    return st == QL_END ? QL_OK : st;
}

static void
warn_of(ql_ctx *cx, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING,
                     "'%s' can be %s by everybody (mode %04o); take that away (chmod o-rw)", path,
                     (st.st_mode & S_IWOTH) != 0 ? "written" : "read",
                     (unsigned)(st.st_mode & MODE_BITS));
    }
}

/* A directory that others cannot enter hides its files, whatever their modes. */
static bool
is_entered_by_all(const char *dir)
{
    struct stat st;
    return stat(dir, &st) == 0 && (st.st_mode & S_IXOTH) != 0;
}

void
ql_warn_of_readable(ql_ctx *cx, const char *datadir, const char *key)
{
    static const char *const names[] = {"server-key.pem", "private_key.pem", "ca-key.pem",
                                        "quell.mdb",      "quell.mdb-redo0", "quell.mdb-redo1",
                                        "quell.mdb-redo2"};
    char path[PATH_MAX];
    for (size_t i = 0; i < QL_ARRAY_LEN(names) && is_entered_by_all(datadir); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", datadir, names[i]);
        warn_of(cx, path);
    }
    if (key != NULL) {
        warn_of(cx, key);
    }
}
