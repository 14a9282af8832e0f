/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that frees large memory. A stack of dead pieces that anybody pushes onto without a
 * lock; a semaphore wakes the thread, for that may be posted under any lock. Who takes a piece
 * takes the whole stack for a moment, so that no piece is compared that may have been freed
 * meanwhile.
 */
#include "base/dispose.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/thread.h"

/* What may wait; whoever wants more memory then helps, or it would grow without bound. */
#define BACKLOG_MAX ((size_t)256 << 20)
/* Whoever comes then frees by himself, without a look at the kill flag: not reached by those who
 * take their memory through arenas and buffers, for these help. */
#define BACKLOG_LAST ((size_t)2 << 30)
#define PAGE ((uintptr_t)4096)

static struct {
    pthread_once_t once;
    _Atomic bool running;
    _Atomic(ql_dead *) dead;
    _Atomic size_t backlog;
    sem_t work;
} shop = {.once = PTHREAD_ONCE_INIT};

static void
push(ql_dead *first, ql_dead *last)
{
    last->next = atomic_load_explicit(&shop.dead, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&shop.dead, &last->next, first,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

static ql_dead *
take_one(void)
{
    ql_dead *d = atomic_exchange_explicit(&shop.dead, NULL, memory_order_acquire);
    if (d != NULL && d->next != NULL) {
        ql_dead *last = d->next;
        while (last->next != NULL) {
            last = last->next;
        }
        push(d->next, last);
    }
    return d;
}

/* One step of d: true = d is gone. */
static bool
make_step(ql_dead *d)
{
    size_t left = d->left;
    bool is_done = d->step(d);
    atomic_fetch_sub_explicit(&shop.backlog, is_done ? left : left - d->left, memory_order_relaxed);
    return is_done;
}

bool
ql_dispose_pages(ql_dead *d)
{
    if (d->left <= QL_DISPOSE_STEP) {
        return true;
    }
    uintptr_t end = (uintptr_t)d + d->left;
    d->left -= QL_DISPOSE_STEP;
    uintptr_t at = ((uintptr_t)d + d->left + PAGE - 1) & ~(PAGE - 1);
    (void)madvise((void *)at, (end & ~(PAGE - 1)) - at, MADV_DONTNEED);
    return false;
}

static void
run(void *arg)
{
    (void)arg;
    ql_thread_stay_behind();
    for (;;) {
        while (sem_wait(&shop.work) != 0 && errno == EINTR) {
        }
        for (ql_dead *d = take_one(); d != NULL; d = take_one()) {
            while (!make_step(d)) {
                ql_thread_yield(); /* to whom woke up meanwhile, a killer or a killed one */
            }
        }
    }
}

static void
start_once(void)
{
    ql_ctx cx = {0};
    ql_thread t;
    cx.diag = ql_diag_new();
    if (cx.diag != NULL && sem_init(&shop.work, 0, 0) == 0 &&
        ql_thread_start(&cx, &t, "ql-dispose", 0, run, NULL) == QL_OK) {
        ql_thread_detach(&t);
        atomic_store_explicit(&shop.running, true, memory_order_release);
    }
    ql_diag_free(cx.diag);
}

void
ql_dispose_start(void)
{
    (void)pthread_once(&shop.once, start_once);
}

void
ql_dispose(ql_dead *d, size_t bytes, bool (*step)(ql_dead *d))
{
    d->step = step;
    d->left = bytes;
    if (bytes < QL_DISPOSE_FROM || !atomic_load_explicit(&shop.running, memory_order_acquire) ||
        atomic_load_explicit(&shop.backlog, memory_order_relaxed) > BACKLOG_LAST) {
        while (!step(d)) {
        }
        return;
    }
    atomic_fetch_add_explicit(&shop.backlog, bytes, memory_order_relaxed);
    push(d, d);
    (void)sem_post(&shop.work);
}

ql_status
ql_dispose_help(ql_ctx *cx)
{
    while (atomic_load_explicit(&shop.backlog, memory_order_relaxed) > BACKLOG_MAX) {
        ql_dead *d = take_one();
        if (d == NULL) {
            break; /* others are at it */
        }
        while (!make_step(d)) {
            ql_status st = ql_bulk_look(cx);
            if (st != QL_OK) {
                push(d, d);
                (void)sem_post(&shop.work);
                return st;
            }
        }
    }
    return QL_OK;
}
