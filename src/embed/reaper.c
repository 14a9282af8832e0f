/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that ends idle sessions for their program. A session that runs sees its kill by
 * itself; one that is idle has no thread in it, and its program may call hours later, or never.
 * What it holds must be free at once: the reaper hears of every raise through the sessions' event
 * descriptors, and takes the session if no call has it. A call that is just ending looks once more
 * after it has made the session idle, so that no kill falls between the two.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/diag.h"
#include "embed/embed_int.h"

#define EVENTS 16

static void
reap(qli_library *lib, uint64_t id)
{
    ql_mutex_lock(&lib->mu);
    qli_embedded *e = lib->all;
    while (e != NULL && e->id != id) {
        e = e->next;
    }
    if (e == NULL) {
        ql_mutex_unlock(&lib->mu);
        return;
    }
    ql_mutex_lock(&e->mu); /* it stays as long as this is held (ql_session_close) */
    ql_mutex_unlock(&lib->mu);
    if (ql_intr_conn_reason(&e->s.intr) != 0) {
        qli_end_idle(e);
    } else {
        ql_mutex_unlock(&e->mu);
    }
}

static void
take_events(qli_library *lib)
{
    struct epoll_event ev[EVENTS];
    int n;
    do {
        n = epoll_wait(lib->reaper_epoll, ev, EVENTS, 0);
        for (int i = 0; i < n; i++) {
            reap(lib, ev[i].data.u64);
        }
    } while (n == EVENTS);
}

static void
end_serving(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    ql_server *server = lib->server;
    lib->server = NULL;
    ql_mutex_unlock(&lib->mu);
    ql_server_stop(&lib->reaper_cx, server);
}

static void
run(void *arg)
{
    qli_library *lib = arg;
    while (ql_wait(&lib->reaper_cx, lib->reaper_epoll, POLLIN, QL_FOREVER, QL_W_BACKGROUND) !=
           QL_KILLED) {
        take_events(lib);
        if (atomic_exchange(&lib->stop_serving, false)) {
            end_serving(lib);
        }
    }
}

ql_status
qli_reaper_start(ql_ctx *cx, qli_library *lib)
{
    lib->reaper_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (lib->reaper_epoll < 0 ||
        ql_background_init(&lib->reaper_cx, &lib->inst, &lib->reaper_intr) != QL_OK) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    return ql_thread_start(cx, &lib->reaper, "ql-reaper", 0, run, lib);
}

void
qli_reaper_stop(qli_library *lib)
{
    if (lib->reaper.started) {
        ql_background_stop(&lib->reaper_cx);
        ql_thread_join(&lib->reaper);
        lib->reaper.started = false;
    }
    if (lib->reaper_cx.arena != NULL) {
        ql_background_fini(&lib->reaper_cx);
    }
    if (lib->reaper_epoll >= 0) {
        (void)close(lib->reaper_epoll);
        lib->reaper_epoll = -1;
    }
}

ql_status
qli_reaper_watch(ql_ctx *cx, qli_embedded *e)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = e->id};
    e->event_fd = e->s.intr.event_fd;
    if (epoll_ctl(e->lib->reaper_epoll, EPOLL_CTL_ADD, e->event_fd, &ev) != 0) {
        e->event_fd = -1;
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    return QL_OK;
}

void
qli_reaper_forget(qli_embedded *e)
{
    if (e->event_fd >= 0) {
        (void)epoll_ctl(e->lib->reaper_epoll, EPOLL_CTL_DEL, e->event_fd, NULL);
        e->event_fd = -1;
    }
}

void
qli_reaper_stop_serving(qli_library *lib)
{
    atomic_store(&lib->stop_serving, true);
    ql_intr_wake(&lib->reaper_intr);
}
