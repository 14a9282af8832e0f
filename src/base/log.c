/* SPDX-License-Identifier: Apache-2.0
 *
 * Server log. One line is one write(2) to a file opened for appending, so lines of several threads
 * never mix and no lock is needed; reopening replaces the file behind the descriptor. Text that
 * does not fit 4 KiB is cut; line ends inside it become blanks, other control characters question
 * marks.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct ql_log {
    int fd;                /* [const] */
    char *path;            /* [const] NULL = standard error */
    _Atomic int verbosity; /* 1 errors, 2 and warnings, 3 and notes */
};

/* Whom this thread works for: the log is the one thing that lines of all layers have in common. */
static _Thread_local uint64_t connection;

void
ql_log_set_connection(uint64_t id)
{
    connection = id;
}

static int
open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

ql_log *
ql_log_open(const char *path, int verbosity)
{
    ql_log *log = ql_mem_zalloc(sizeof *log);
    if (log == NULL) {
        return NULL;
    }
    log->fd = STDERR_FILENO;
    if (path != NULL) {
        log->path = ql_mem_strndup(path, strlen(path));
        log->fd = log->path != NULL ? open_file(path) : -1;
        if (log->fd < 0) {
            ql_mem_free(log->path);
            ql_mem_free(log);
            return NULL;
        }
    }
    atomic_init(&log->verbosity, verbosity);
    return log;
}

void
ql_log_close(ql_log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->fd != STDERR_FILENO) {
        (void)close(log->fd);
    }
    ql_mem_free(log->path);
    ql_mem_free(log);
}

int
ql_log_fd(const ql_log *log)
{
    return log != NULL ? log->fd : STDERR_FILENO;
}

const char *
ql_log_path(const ql_log *log)
{
    return log != NULL ? log->path : NULL;
}

/* dup3 puts the new file behind the number in one step: no writer sees it closed. */
bool
ql_log_reopen(ql_log *log)
{
    if (log == NULL || log->path == NULL) {
        return true;
    }
    int fd = open_file(log->path);
    if (fd < 0) {
        return false;
    }
    bool ok = dup3(fd, log->fd, O_CLOEXEC) >= 0;
    int saved_errno = errno;
    (void)close(fd);
    errno = saved_errno;
    return ok;
}

void
ql_log_set_verbosity(ql_log *log, int verbosity)
{
    atomic_store_explicit(&log->verbosity, verbosity, memory_order_relaxed);
}

static bool
is_wanted(ql_log *log, ql_log_level level)
{
    int verbosity = log != NULL ? atomic_load_explicit(&log->verbosity, memory_order_relaxed) : 3;
    switch (level) {
    case QL_LOG_SYSTEM:
    case QL_LOG_ERROR:
        return true;
    case QL_LOG_WARNING:
        return verbosity >= 2;
    case QL_LOG_NOTE:
        return verbosity >= 3;
    }
    return true;
}

static size_t
put_head(char *line, size_t room, ql_log_level level)
{
    static const char *const names[] = {"System", "Error", "Warning", "Note"};
    struct timespec now;
    struct tm tm;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &tm);
    int more = snprintf(line + n, room - n, ".%06ldZ %llu [%s] ", now.tv_nsec / 1000,
                        (unsigned long long)connection, names[level]);
    return more > 0 ? n + (size_t)more : n;
}

static void
write_all(int fd, const char *p, size_t n)
{
    while (n != 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return;
        }
        p += put;
        n -= (size_t)put;
    }
}

void
ql_log_write(ql_log *log, ql_log_level level, const char *fmt, ...)
{
    char line[4096];
    if (!is_wanted(log, level)) {
        return;
    }
    int saved_errno = errno;
    size_t head = put_head(line, sizeof line, level);
    va_list ap;
    va_start(ap, fmt);
    int text = vsnprintf(line + head, sizeof line - head - 1, fmt, ap);
    va_end(ap);
    size_t n = head + (text > 0 ? (size_t)text : 0);
    if (n > sizeof line - 2) {
        n = sizeof line - 2;
    }
    for (size_t i = head; i < n; i++) {
        if (line[i] == '\n' || line[i] == '\r' || line[i] == '\t') {
            line[i] = ' ';
        } else if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[n++] = '\n';
    write_all(log != NULL ? log->fd : STDERR_FILENO, line, n);
    errno = saved_errno;
}

bool
ql_log_may(ql_log_rate *r, uint32_t per_second, uint32_t *missed)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t seen = atomic_load_explicit(&r->second, memory_order_relaxed);
    if (seen != now.tv_sec && atomic_compare_exchange_strong(&r->second, &seen, now.tv_sec)) {
        atomic_store_explicit(&r->written, 0, memory_order_relaxed);
    }
    if (atomic_fetch_add_explicit(&r->written, 1, memory_order_relaxed) >= per_second) {
        atomic_fetch_add_explicit(&r->missed, 1, memory_order_relaxed);
        return false;
    }
    *missed = atomic_exchange_explicit(&r->missed, 0, memory_order_relaxed);
    return true;
}
