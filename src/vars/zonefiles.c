/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking through the directory of the time zone database, and reading one file of it. Runs on
 * threads of ql_aside, which statements wait for as for anything else, and on the main thread at
 * start; takes no locks.
 */
#include "vars/zonefiles.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define FILE_MAX ((size_t)1 << 18) /* they have some thousand bytes */
#define NAMES_MAX 8192
#define DEPTH_MAX 4
#define PATH_ROOM 512

/* ---- one file ---- */

static int
open_regular(const char *path, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        (void)close(fd);
        return -1;
    }
    *size = fd >= 0 ? (size_t)st.st_size : 0;
    return fd;
}

/* Up to n bytes from the beginning. */
static size_t
read_some(int fd, char *to, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, to + got, n - got, (off_t)got);
        if (r <= 0) {
            break;
        }
        got += (size_t)r;
    }
    return got;
}

ql_zone_result
qli_zone_file_read(const char *dir, const char *file, const char *name, ql_zone **out)
{
    char path[PATH_ROOM];
    size_t size;
    *out = NULL;
    int n = dir == NULL ? snprintf(path, sizeof path, "%s", file)
                        : snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = n > 0 && (size_t)n < sizeof path ? open_regular(path, &size) : -1;
    if (fd < 0) {
        return QL_ZONE_BAD;
    }
    char *bytes = size <= FILE_MAX ? ql_mem_alloc(size + 1) : NULL;
    if (bytes == NULL) {
        (void)close(fd);
        return size <= FILE_MAX ? QL_ZONE_NO_MEMORY : QL_ZONE_BAD;
    }
    size_t got = read_some(fd, bytes, size);
    (void)close(fd);
    ql_zone_result r = ql_zone_of_file((ql_str){bytes, got}, (ql_str){name, strlen(name)}, out);
    ql_mem_free(bytes);
    return r;
}

static bool
file_is_zone(const char *path)
{
    char magic[4];
    size_t size;
    int fd = open_regular(path, &size);
    if (fd < 0) {
        return false;
    }
    bool yes = read_some(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    (void)close(fd);
    return yes;
}

/* ---- names ---- */

static int
compare_names(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return ql_name_order((ql_str){x, strlen(x)}, (ql_str){y, strlen(y)});
}

typedef struct walk {
    const char *dir;
    char *text; /* names one after another, each with its NUL */
    size_t used, room;
    uint32_t n;
    bool no_memory;
} walk;

static void
add_name(walk *w, const char *name)
{
    size_t n = strlen(name) + 1;
    if (n > QL_ZONE_NAME_MAX || w->n >= NAMES_MAX) {
        return;
    }
    if (w->used + n > w->room) {
        size_t room = w->room * 2 + 16384;
        char *p = ql_mem_realloc(w->text, room);
        if (p == NULL) {
            w->no_memory = true;
            return;
        }
        w->text = p;
        w->room = room;
    }
    memcpy(w->text + w->used, name, n);
    w->used += n;
    w->n++;
}

/* The same zones again under posix/, with leap seconds under right/; what has a point in its name
 * is no zone, nor are the names that stand for the machine's own. */
static bool
is_left_out(const char *under, const char *name)
{
    static const char *const no[] = {"posix", "right", "posixrules", "localtime"};
    if (strchr(name, '.') != NULL) {
        return true;
    }
    for (size_t i = 0; *under == '\0' && i < QL_ARRAY_LEN(no); i++) {
        if (strcmp(name, no[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
look_through(walk *w, const char *under, int depth)
{
    char path[PATH_ROOM], name[PATH_ROOM];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/%s", w->dir, under) >= (int)sizeof path) {
        return;
    }
    DIR *d = opendir(path);
    if (d == NULL) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL && !w->no_memory; e = readdir(d)) {
        int n = snprintf(name, sizeof name, "%s%s%s", under, *under != '\0' ? "/" : "", e->d_name);
        int m = snprintf(path, sizeof path, "%s/%s", w->dir, name);
        if (is_left_out(under, e->d_name) || n >= (int)sizeof name || m >= (int)sizeof path ||
            stat(path, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            look_through(w, name, depth + 1);
        } else if (S_ISREG(st.st_mode) && file_is_zone(path)) {
            add_name(w, name);
        }
    }
    (void)closedir(d);
}

bool
qli_zone_names_read(const char *dir, qli_zone_names *out)
{
    walk w = {.dir = dir};
    look_through(&w, "", 0);
    *out = (qli_zone_names){0};
    char **names = w.no_memory ? NULL : ql_mem_alloc((w.n + 1) * sizeof *names + w.used);
    if (names == NULL) {
        ql_mem_free(w.text);
        return false;
    }
    char *p = (char *)(names + w.n + 1);
    if (w.used > 0) {
        memcpy(p, w.text, w.used);
    }
    for (uint32_t i = 0; i < w.n; i++, p += strlen(p) + 1) {
        names[i] = p;
    }
    names[w.n] = NULL;
    qsort(names, w.n, sizeof *names, compare_names);
    ql_mem_free(w.text);
    *out = (qli_zone_names){w.n, names};
    return true;
}

/* ---- the machine's ---- */

ql_zone *
qli_zone_system_read(const char *dir, const char *tz)
{
    ql_zone *z = NULL;
    if (tz == NULL || *tz == '\0') {
        return qli_zone_file_read(NULL, "/etc/localtime", "SYSTEM", &z) == QL_ZONE_MADE ? z : NULL;
    }
    tz += *tz == ':';
    if (qli_zone_file_read(*tz == '/' ? NULL : dir, tz, "SYSTEM", &z) == QL_ZONE_MADE ||
        ql_zone_of_rule((ql_str){tz, strlen(tz)}, QL_STR("SYSTEM"), &z) == QL_ZONE_MADE) {
        return z;
    }
    return NULL;
}
