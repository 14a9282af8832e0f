/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that went away. One thread sleeps on an epoll set of all connections, edge-triggered on
 * hang-ups. While a statement runs, waits or queues, its session is told to end (QL_INTR_GONE). An
 * idle session sees the end of its socket by itself, after it has read the commands that came
 * before it; so an id that runs nothing is looked at again every few milliseconds until its row is
 * gone. Sessions are named by id, never by pointer. No locks.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "intr/proc.h"
#include "server/server_int.h"

#define LOOK_AGAIN_MS 5
#define EVENTS 64

void
qli_watch_peer(void *arg, uint64_t conn_id, int fd, bool on)
{
    ql_server *server = arg;
    struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET, .data.u64 = conn_id};
    /* Fails only without memory: then this client is noticed when it is next read or written. */
    (void)epoll_ctl(server->watch_epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &ev);
}

static void
add_gone(ql_server *server, uint64_t id)
{
    if (server->ngone == server->cap_gone) {
        size_t cap = server->cap_gone != 0 ? server->cap_gone * 2 : 64;
        uint64_t *p = ql_mem_realloc(server->gone, cap * sizeof *p);
        if (p == NULL) {
            return;
        }
        server->gone = p;
        server->cap_gone = cap;
    }
    server->gone[server->ngone++] = id;
}

static void
take_events(ql_server *server)
{
    struct epoll_event ev[EVENTS];
    int n;
    do {
        n = epoll_wait(server->watch_epoll, ev, EVENTS, 0);
        for (int i = 0; i < n; i++) {
            add_gone(server, ev[i].data.u64);
        }
    } while (n == EVENTS);
}

/* Thousands may go at once, so a look is a look-up and no more. An id stays in the list while its
 * session is idle: it may still run what came before the end of the socket. */
static void
look_at_gone(ql_server *server)
{
    ql_instance *inst = server->watch_cx.inst;
    size_t kept = 0;
    bool on = ql_sysvar_global_u64(inst, QL_SV_KILL_ON_CLIENT_GONE) != 0;
    for (size_t i = 0; i < server->ngone; i++) {
        uint64_t id = server->gone[i];
        if (ql_procs_raise_running(inst->procs, id, on ? QL_INTR_GONE : 0) == QL_RAISE_IDLE) {
            server->gone[kept++] = id;
        }
    }
    server->ngone = kept;
}

static void
watch(void *arg)
{
    ql_server *server = arg;
    ql_ctx *cx = &server->watch_cx;
    for (;;) {
        ql_deadline dl = server->ngone != 0 ? ql_deadline_ms(LOOK_AGAIN_MS) : QL_FOREVER;
        if (ql_wait(cx, server->watch_epoll, POLLIN, dl, QL_W_BACKGROUND) == QL_KILLED) {
            return;
        }
        take_events(server);
        look_at_gone(server);
    }
}

ql_status
qli_watch_start(ql_ctx *cx, ql_server *server)
{
    server->watch_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->watch_epoll < 0 ||
        ql_background_init(&server->watch_cx, server->inst, &server->watch_intr) != QL_OK) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    return ql_thread_start(cx, &server->watch_thread, "watch", 0, watch, server);
}

void
qli_watch_stop(ql_server *server)
{
    if (server->watch_thread.started) {
        ql_background_stop(&server->watch_cx);
        ql_thread_join(&server->watch_thread);
    }
    if (server->watch_cx.arena != NULL) {
        ql_background_fini(&server->watch_cx);
    }
    if (server->watch_epoll >= 0) {
        (void)close(server->watch_epoll);
    }
    ql_mem_free(server->gone);
}
