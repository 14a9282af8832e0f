/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks at the data directory before anything is opened, so that the messages say what to do. Runs
 * on the main thread at start.
 */
#include "instance/datadir.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "instance/permissions.h"

static ql_status
refuse(ql_ctx *cx, const char *dir, const char *why)
{
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

ql_status
ql_datadir_create(ql_ctx *cx, const char *dir)
{
    if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
        return refuse(cx, dir, ql_errno_text(errno));
    }
    int n = count_entries(dir);
    if (n < 0) {
        return refuse(cx, dir, ql_errno_text(errno));
    }
    if (n != 0) {
        return refuse(cx, dir, "is not empty; not touched");
    }
    return ql_refuse_writable_by_all(cx, "data directory", dir);
}

ql_status
ql_datadir_check(ql_ctx *cx, const char *dir)
{
    int n = count_entries(dir);
    if (n < 0 && errno == ENOENT) {
        return refuse(cx, dir, "does not exist; make it with --initialize");
    }
    if (n < 0) {
        return refuse(cx, dir, ql_errno_text(errno));
    }
    if (n == 0) {
        return refuse(cx, dir, "is empty; make it with --initialize or --initialize-insecure");
    }
    return ql_refuse_writable_by_all(cx, "data directory", dir);
}
