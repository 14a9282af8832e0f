/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that frees large memory. A stack of dead pieces that anybody pushes onto without a
 * lock and the thread takes whole; a semaphore wakes it, for that may be posted under any lock.
 */
#include "base/dispose.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "base/diag.h"
#include "base/thread.h"

/* What may wait; whoever comes then frees by himself, or memory would grow without bound. */
#define BACKLOG_MAX ((size_t)256 << 20)

static struct {
    pthread_once_t once;
    _Atomic bool running;
    _Atomic(ql_dead *) dead;
    _Atomic size_t backlog;
    sem_t work;
} shop = {.once = PTHREAD_ONCE_INIT};

static void
run(void *arg)
{
    (void)arg;
    for (;;) {
        while (sem_wait(&shop.work) != 0 && errno == EINTR) {
        }
        ql_dead *d = atomic_exchange_explicit(&shop.dead, NULL, memory_order_acquire);
        while (d != NULL) {
            ql_dead *next = d->next;
            size_t bytes = d->bytes;
            d->fn(d);
            atomic_fetch_sub_explicit(&shop.backlog, bytes, memory_order_relaxed);
            d = next;
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
ql_dispose(ql_dead *d, size_t bytes, void (*fn)(ql_dead *d))
{
    if (bytes < QL_DISPOSE_FROM || !atomic_load_explicit(&shop.running, memory_order_acquire) ||
        atomic_load_explicit(&shop.backlog, memory_order_relaxed) > BACKLOG_MAX) {
        fn(d);
        return;
    }
    d->fn = fn;
    d->bytes = bytes;
    atomic_fetch_add_explicit(&shop.backlog, bytes, memory_order_relaxed);
    d->next = atomic_load_explicit(&shop.dead, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&shop.dead, &d->next, d, memory_order_release,
                                                  memory_order_relaxed)) {
    }
    (void)sem_post(&shop.work);
}
