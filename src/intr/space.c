/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for disk space. Sessions wait on a condition (mutex of rank SPACE); one thread sleeps for
 * ever while nobody waits and looks at the file system once a second while somebody does.
 */
#include "intr/space.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "intr/background.h"
#include "intr/cv.h"

#define LOOK_EVERY_MS 1000

/* Owner: the instance. */
struct ql_space {
    ql_mutex mu;
    ql_cv changed;               /* [mu] waiting sessions */
    ql_cv someone;               /* [mu] the thread, while nobody waits */
    uint32_t waiting;            /* [mu] */
    _Atomic uint64_t generation; /* [mu to write] */
    uint64_t reserve;            /* [const] */
    char *path;                  /* [const] */
    ql_intr intr;
    ql_ctx bg;
    ql_thread thread;
};

uint64_t
ql_space_reserve(const ql_space *s)
{
    return s->reserve;
}

bool
ql_space_holds(const ql_space *s, int fd)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(s->path, &b) == 0 && a.st_dev == b.st_dev;
}

bool
ql_space_is_low(ql_space *s, uint64_t need)
{
    struct statvfs vfs;
    int rc;
    do {
        rc = statvfs(s->path, &vfs);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        return false;
    }
    uint64_t there = (uint64_t)vfs.f_bavail * (uint64_t)vfs.f_frsize;
    return there < s->reserve || there - s->reserve < need;
}

void
ql_space_kick(ql_space *s)
{
    ql_mutex_lock(&s->mu);
    atomic_fetch_add_explicit(&s->generation, 1, memory_order_relaxed);
    ql_cv_broadcast(&s->changed);
    ql_mutex_unlock(&s->mu);
}

uint32_t
ql_space_waiting(ql_space *s)
{
    ql_mutex_lock(&s->mu);
    uint32_t n = s->waiting;
    ql_mutex_unlock(&s->mu);
    return n;
}

static void
run_space(void *arg)
{
    ql_space *s = arg;
    ql_status st = QL_OK;
    ql_mutex_lock(&s->mu);
    while (st == QL_OK || st == QL_TIMEOUT) {
        bool needed = s->waiting != 0;
        st = ql_cv_wait(&s->bg, &s->someone, &s->mu,
                        needed ? ql_deadline_ms(LOOK_EVERY_MS) : QL_FOREVER, QL_W_BACKGROUND);
        if (st != QL_TIMEOUT || !needed) {
            continue;
        }
        ql_mutex_unlock(&s->mu);
        bool low = ql_space_is_low(s, 0);
        ql_mutex_lock(&s->mu);
        if (!low) {
            ql_cv_broadcast(&s->changed);
        }
    }
    ql_mutex_unlock(&s->mu);
}

/* Until space or a kick; the mutex is free at entry and exit. */
static ql_status
wait_for_space(ql_ctx *cx, ql_space *s, uint64_t need)
{
    ql_status st = QL_OK;
    ql_mutex_lock(&s->mu);
    uint64_t generation = atomic_load_explicit(&s->generation, memory_order_relaxed);
    bool first = s->waiting++ == 0;
    if (first) {
        ql_cv_signal(&s->someone);
    }
    while (st == QL_OK) {
        st = ql_cv_wait(cx, &s->changed, &s->mu, QL_FOREVER, QL_W_DISK_SPACE);
        if (st != QL_OK ||
            generation != atomic_load_explicit(&s->generation, memory_order_relaxed)) {
            break;
        }
        ql_mutex_unlock(&s->mu);
        bool low = ql_space_is_low(s, need);
        ql_mutex_lock(&s->mu);
        if (!low) {
            break;
        }
    }
    s->waiting--;
    ql_mutex_unlock(&s->mu);
    return st;
}

ql_status
ql_space_wait(ql_ctx *cx, ql_space *s, uint64_t need)
{
    if (!ql_space_is_low(s, need)) {
        return QL_OK;
    }
    struct ql_log *log = cx->inst != NULL ? cx->inst->log : NULL;
    bool had_error = ql_diag_has_error(cx->diag);
    if (ql_space_waiting(s) == 0) {
        ql_log_write(
            log, QL_LOG_WARNING,
            "Disk is full writing '%s'. Waiting for someone to free space... Looking every "
            "second; a waiting statement can be killed.",
            s->path);
    }
    ql_status st = wait_for_space(cx, s, need);
    if (st == QL_OK && ql_space_waiting(s) == 0) {
        ql_log_write(log, QL_LOG_NOTE, "There is space again for '%s'; going on.", s->path);
    }
    if (st == QL_KILLED) {
        if (!had_error) {
            ql_diag_clear_error(cx->diag); /* users must read why it stood: 1021, not 1317 */
        }
        (void)ql_fail(cx, QL_ER_DISK_FULL, s->path);
    }
    return st;
}

static void
free_memory(ql_space *s)
{
    ql_mutex_fini(&s->mu);
    ql_mem_free(s->path);
    ql_mem_free(s);
}

ql_space *
ql_space_new(ql_ctx *cx, const char *path, uint64_t reserve)
{
    ql_space *s = ql_mem_zalloc(sizeof *s);
    if (s == NULL) {
        (void)ql_fail_oom(cx, sizeof *s);
        return NULL;
    }
    ql_mutex_init(&s->mu, QL_RANK_SPACE);
    ql_cv_init(&s->changed);
    ql_cv_init(&s->someone);
    s->reserve = reserve;
    s->path = ql_mem_strndup(path, strlen(path));
    if (s->path == NULL || ql_background_init(&s->bg, cx->inst, &s->intr) != QL_OK) {
        (void)ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
        free_memory(s);
        return NULL;
    }
    if (ql_thread_start(cx, &s->thread, "ql-space", 0, run_space, s) != QL_OK) {
        ql_background_fini(&s->bg);
        free_memory(s);
        return NULL;
    }
    return s;
}

void
ql_space_free(ql_space *s)
{
    if (s == NULL) {
        return;
    }
    ql_background_stop(&s->bg);
    ql_thread_join(&s->thread);
    ql_background_fini(&s->bg);
    free_memory(s);
}
