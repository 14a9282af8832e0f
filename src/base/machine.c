/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads /proc and the control groups' files: /proc/self/cgroup names the group in each hierarchy
 * (cgroups(7)); memory.max (v2) and memory.limit_in_bytes (v1) hold the limit of a group, and those
 * above it bind too. In a container the named path may not exist under the mount: its root then is
 * the group. At start, single-threaded; ql_machine_anonymous by any thread.
 */
#include "base/machine.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The file's first bytes as text; false = not there, or empty. */
static bool
read_text(const char *path, char *p, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = pread(fd, p, size - 1, 0);
    (void)close(fd);
    p[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* "max" and what is no number: no limit. */
static uint64_t
read_limit(const char *path)
{
    char text[64], *end;
    if (!read_text(path, text, sizeof text)) {
        return UINT64_MAX;
    }
    uint64_t v = strtoull(text, &end, 10);
    return end != text ? v : UINT64_MAX;
}

/* Limits of the group and of all above it. */
static uint64_t
hierarchy_limit(const char *root, const char *mount, const char *group, const char *file)
{
    char path[PATH_MAX], dir[PATH_MAX];
    uint64_t limit = UINT64_MAX;
    (void)snprintf(dir, sizeof dir, "%s", group);
    for (;;) {
        if (snprintf(path, sizeof path, "%s%s%s/%s", root, mount, dir, file) < (int)sizeof path) {
            limit = least(limit, read_limit(path));
        }
        char *slash = strrchr(dir, '/');
        if (slash == NULL) {
            return limit;
        }
        *slash = '\0';
    }
}

/* line: number:controllers:path */
static uint64_t
group_limit(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL) {
        return UINT64_MAX;
    }
    *controllers++ = '\0';
    *group++ = '\0';
    if (*controllers == '\0') {
        return least(hierarchy_limit(root, "/sys/fs/cgroup", group, "memory.max"),
                     hierarchy_limit(root, "/sys/fs/cgroup/unified", group, "memory.max"));
    }
    char *save = NULL;
    for (char *c = strtok_r(controllers, ",", &save); c != NULL; c = strtok_r(NULL, ",", &save)) {
        if (strcmp(c, "memory") == 0) {
            return hierarchy_limit(root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
        }
    }
    return UINT64_MAX;
}

static uint64_t
groups_limit(const char *root)
{
    char path[PATH_MAX], text[8192], *save = NULL;
    uint64_t limit = UINT64_MAX;
    (void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!read_text(path, text, sizeof text)) {
        return limit;
    }
    for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
        limit = least(limit, group_limit(root, l));
    }
    return limit;
}

static uint64_t
physical(const char *root)
{
    char path[PATH_MAX], text[4096];
    (void)snprintf(path, sizeof path, "%s/proc/meminfo", root);
    const char *at = read_text(path, text, sizeof text) ? strstr(text, "MemTotal:") : NULL;
    uint64_t kb = at != NULL ? strtoull(at + strlen("MemTotal:"), NULL, 10) : 0;
    return kb != 0 ? kb * 1024 : UINT64_MAX;
}

uint64_t
ql_machine_memory(const char *root)
{
    uint64_t n = least(physical(root), groups_limit(root));
    return n != UINT64_MAX ? n : 0;
}

uint64_t
ql_machine_memory_here(void)
{
    static const int limits[] = {RLIMIT_AS, RLIMIT_DATA};
    uint64_t n = ql_machine_memory("");
    for (size_t i = 0; i < QL_ARRAY_LEN(limits); i++) {
        struct rlimit lim;
        if (getrlimit((__rlimit_resource_t)limits[i], &lim) == 0 && lim.rlim_cur != RLIM_INFINITY) {
            n = n != 0 ? least(n, lim.rlim_cur) : lim.rlim_cur;
        }
    }
    return n;
}

uint64_t
ql_machine_anonymous(void)
{
    char text[128];
    unsigned long long size, resident, shared;
    if (!read_text("/proc/self/statm", text, sizeof text) ||
        sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || shared > resident) {
        return 0;
    }
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
