/* SPDX-License-Identifier: Apache-2.0
 *
 * Temporary environments that a server left behind. Their files have names only from their making
 * until LMDB has opened them; a kill -9 in between leaves those. Taking the name of a file that
 * another server is just opening does no harm: it needs the name no longer, or takes another
 * (open_unlinked in lmdb_env.c). At start, single-threaded.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "kv/lmdb_int.h"

/* quell-spill-XXXXXX, with LMDB's -lock behind it or not. */
static bool
is_ours(const char *name)
{
    size_t n = strlen(QLI_TEMP_NAME), random = strlen(QLI_TEMP_RANDOM);
    if (strncmp(name, QLI_TEMP_NAME, n) != 0) {
        return false;
    }
    for (size_t i = 0; i < random; i++) {
        if (!ql_is_alnum(name[n + i])) {
            return false;
        }
    }
    const char *rest = name + n + random;
    return *rest == '\0' || strcmp(rest, "-lock") == 0;
}

unsigned
ql_kv_remove_temp(const char *tmpdir)
{
    DIR *d = opendir(tmpdir);
    unsigned removed = 0;
    if (d == NULL) {
        return 0; /* whoever writes there will be told */
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        struct stat st;
        if (is_ours(e->d_name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
            unlinkat(dirfd(d), e->d_name, 0) == 0) {
            removed++;
        }
    }
    (void)closedir(d);
    return removed;
}
