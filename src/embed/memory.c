/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories of instances in memory: under /dev/shm, whose files are memory, else in the directory
 * for temporary files. They have names, for the data file is opened by name; those of programs that
 * were killed are removed when the next instance in memory is opened (their lock is free then).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "embed/embed_int.h"
#include "kv/kv.h"

#define NAME "quell-memory-"
#define RANDOM "XXXXXX"
#define YOUNG_S 60 /* may be without a lock still */

static const char *const places[] = {"/dev/shm", "/tmp"};

static void
remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    if (d == NULL) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        (void)unlinkat(dirfd(d), e->d_name, 0); /* not "." and "..": they are directories */
    }
    (void)closedir(d);
    (void)rmdir(dir);
}

static void
remove_left(const char *place)
{
    DIR *d = opendir(place);
    if (d == NULL) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[512];
        struct stat st;
        if (strncmp(e->d_name, NAME, strlen(NAME)) != 0 ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode) ||
            st.st_uid != geteuid() || time(NULL) - st.st_mtime < YOUNG_S) {
            continue;
        }
        int n = snprintf(path, sizeof path, "%s/%s", place, e->d_name);
        if (n > 0 && (size_t)n < sizeof path && !ql_kv_is_in_use(path)) {
            remove_dir(path);
        }
    }
    (void)closedir(d);
}

char *
qli_memory_make(void)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(places); i++) {
        size_t n = strlen(places[i]) + sizeof "/" NAME RANDOM;
        char *path = ql_mem_alloc(n);
        if (path == NULL) {
            errno = ENOMEM;
            return NULL;
        }
        remove_left(places[i]);
        (void)snprintf(path, n, "%s/%s%s", places[i], NAME, RANDOM);
        if (mkdtemp(path) != NULL) {
            return path;
        }
        int err = errno;
        ql_mem_free(path);
        errno = err;
    }
    return NULL;
}

void
qli_memory_remove(char *dir)
{
    if (dir != NULL) {
        remove_dir(dir);
        ql_mem_free(dir);
    }
}
