/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets (TCP, Unix, administrative port) and the threads of connections: one thread
 * accepts, each connection gets one with an explicit stack. Descriptors are closed by whoever owns
 * them: a session its own, the main thread the listening ones.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "intr/proc.h"
#include "server/server_int.h"

#define BACKLOG 1024
#define POLITE_MS 700  /* sessions end by themselves in that time at a shutdown */
#define FORCED_MS 5000 /* then their sockets are cut */
#define ACCEPT_PAUSE_MS 50

/* ---- sockets ---- */

static ql_status
add_socket(ql_ctx *cx, ql_server *server, int fd, bool is_unix, bool is_admin)
{
    if (server->nsockets == QLI_MAX_LISTENERS) {
        (void)close(fd);
        return ql_fail_text(cx, QL_ER_IPSOCK_ERROR, "too many addresses to listen on");
    }
    server->sockets[server->nsockets++] =
        (qli_listener_socket){.fd = fd, .is_unix = is_unix, .is_admin = is_admin};
    return QL_OK;
}

static ql_status
fail_bind(ql_ctx *cx, const char *what, int fd)
{
    int err = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ql_fail_text(cx, QL_ER_IPSOCK_ERROR, "cannot listen on %s: %s", what, strerror(err));
}

/* Numeric addresses, "localhost" and "*". False when it is none of them. */
static bool
parse_address(const char *text, uint16_t port, struct sockaddr_storage *out, socklen_t *n)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (strcmp(text, "localhost") == 0) {
        text = "127.0.0.1";
    } else if (strcmp(text, "*") == 0) {
        text = "::";
    }
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *n = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *n = sizeof *v6;
        return true;
    }
    return false;
}

static ql_status
listen_tcp(ql_ctx *cx, ql_server *server, const char *address, uint64_t port, bool is_admin)
{
    struct sockaddr_storage sa;
    socklen_t n;
    char what[128];
    int on = 1, off = 0;
    (void)snprintf(what, sizeof what, "TCP port %llu of %s", (unsigned long long)port, address);
    if (!parse_address(address, (uint16_t)port, &sa, &n)) {
        return ql_fail_text(cx, QL_ER_IPSOCK_ERROR, "'%s' is not an IP address", address);
    }
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail_bind(cx, what, fd);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sa.ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, BACKLOG) != 0) {
        return fail_bind(cx, what, fd);
    }
    return add_socket(cx, server, fd, false, is_admin);
}

/* Every address of a comma-separated list. */
static ql_status
listen_list(ql_ctx *cx, ql_server *server, ql_str list, uint64_t port, bool is_admin)
{
    while (list.n != 0) {
        char address[64];
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma != NULL ? (size_t)(comma - list.p) : list.n;
        (void)snprintf(address, sizeof address, "%.*s", (int)n, list.p);
        QL_TRY(listen_tcp(cx, server, address, port, is_admin));
        list.p += comma != NULL ? n + 1 : n;
        list.n -= comma != NULL ? n + 1 : n;
    }
    return QL_OK;
}

/* A socket file that nobody serves is left over from a server that died. */
static bool
is_served(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool served = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return served;
}

static ql_status
listen_unix(ql_ctx *cx, ql_server *server, ql_str path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char what[160];
    (void)snprintf(what, sizeof what, "socket %.*s", (int)path.n, path.p);
    if (path.n >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return fail_bind(cx, what, -1);
    }
    memcpy(sa.sun_path, path.p, path.n);
    if (is_served(&sa)) {
        errno = EADDRINUSE;
        return fail_bind(cx, what, -1);
    }
    (void)unlink(sa.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
        chmod(sa.sun_path, 0777) != 0 || listen(fd, BACKLOG) != 0) {
        return fail_bind(cx, what, fd);
    }
    return add_socket(cx, server, fd, true, false);
}

ql_status
qli_listener_open(ql_ctx *cx, ql_server *server)
{
    const ql_config *c = server->config;
    server->listen_epoll = -1;
    if (c->networking) {
        QL_TRY(listen_list(cx, server, c->bind_address, c->port, false));
        if (c->admin_address.n != 0 && c->admin_port != 0) {
            QL_TRY(listen_list(cx, server, c->admin_address, c->admin_port, true));
        }
    }
    return c->socket.n != 0 ? listen_unix(cx, server, c->socket) : QL_OK;
}

/* ---- connections ---- */

typedef struct connection {
    ql_server *server;
    ql_session_start start;
} connection;

/* May one more come in? One beyond max_connections may, to show that it is an administrator. */
static bool
count_in(ql_server *server, bool is_admin)
{
    uint64_t max = ql_sysvar_global_u64(server->inst, QL_SV_MAX_CONNECTIONS);
    uint64_t extra = ql_sysvar_global_u64(server->inst, QL_SV_EXTRA_MAX_CONNECTIONS);
    ql_mutex_lock(&server->mu);
    bool ok = is_admin ? server->admin_threads < extra + 100 : server->connections <= max;
    if (ok) {
        server->threads++;
        server->connections += !is_admin;
        server->admin_threads += is_admin;
        if (server->threads > server->max_used) {
            server->max_used = server->threads;
        }
    }
    ql_mutex_unlock(&server->mu);
    return ok;
}

static void
count_out(ql_server *server, bool is_admin)
{
    ql_mutex_lock(&server->mu);
    server->connections -= !is_admin;
    server->admin_threads -= is_admin;
    if (--server->threads == 0) {
        ql_cv_broadcast(&server->all_gone);
    }
    ql_mutex_unlock(&server->mu);
}

static bool
is_over_limit(void *arg)
{
    ql_server *server = arg;
    uint64_t max = ql_sysvar_global_u64(server->inst, QL_SV_MAX_CONNECTIONS);
    ql_mutex_lock(&server->mu);
    bool over = server->connections > max;
    ql_mutex_unlock(&server->mu);
    return over;
}

static void
serve(void *arg)
{
    connection *c = arg;
    ql_server *server = c->server;
    bool is_admin = c->start.is_admin;
    ql_session_run(&c->start);
    ql_mem_free(c);
    ql_tls_thread_end();
    count_out(server, is_admin);
}

static void
fill_peer(ql_session_start *start, const struct sockaddr_storage *sa)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
    if (sa->ss_family == AF_INET) {
        (void)inet_ntop(AF_INET, &v4->sin_addr, start->address, sizeof start->address);
        start->port = ntohs(v4->sin_port);
    } else if (sa->ss_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, start->address, sizeof start->address);
        start->port = ntohs(v6->sin6_port);
        if (strncmp(start->address, "::ffff:", 7) == 0 && strchr(start->address, '.') != NULL) {
            memmove(start->address, start->address + 7, strlen(start->address + 7) + 1);
        }
    }
}

static void
start_connection(ql_server *server, const qli_listener_socket *from, int fd,
                 const struct sockaddr_storage *sa)
{
    ql_ctx *cx = &server->listen_cx;
    ql_thread thread = {0};
    ql_count(cx, QL_CT_CONNECTIONS, 1);
    if (!count_in(server, from->is_admin)) {
        ql_count(cx, QL_CT_ABORTED_CONNECTS, 1);
        ql_count(cx, QL_CT_CONNECTION_ERRORS_MAX, 1);
        ql_session_refuse(server->inst, fd);
        return;
    }
    connection *c = ql_mem_zalloc(sizeof *c);
    if (c != NULL) {
        c->server = server;
        c->start = (ql_session_start){.env = &server->env,
                                      .fd = fd,
                                      .is_unix = from->is_unix,
                                      .is_admin = from->is_admin,
                                      .accepted_as = ql_procs_accept(server->inst->procs)};
        fill_peer(&c->start, sa);
        size_t stack = ql_sysvar_global_u64(server->inst, QL_SV_THREAD_STACK);
        if (ql_thread_start(cx, &thread, "connection", stack, serve, c) == QL_OK) {
            ql_thread_detach(&thread);
            ql_count(cx, QL_CT_THREADS_CREATED, 1);
            return;
        }
        ql_diag_reset(cx->diag);
        ql_mem_free(c);
    }
    ql_log_write(server->inst->log, QL_LOG_ERROR, "No thread for a new connection");
    ql_count(cx, QL_CT_CONNECTION_ERRORS_INTERNAL, 1);
    ql_session_refuse(server->inst, fd);
    count_out(server, from->is_admin);
}

/* Accept what has come. False when descriptors ran out. */
static bool
accept_all(ql_server *server, const qli_listener_socket *from)
{
    for (;;) {
        struct sockaddr_storage sa = {0};
        socklen_t n = sizeof sa;
        int fd = accept4(from->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            start_connection(server, from, fd, &sa);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            ql_log_write(server->inst->log, QL_LOG_ERROR, "Cannot accept a connection: %s",
                         strerror(errno));
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return true;
        }
    }
}

static void
accept_loop(void *arg)
{
    ql_server *server = arg;
    ql_ctx *cx = &server->listen_cx;
    while (ql_wait(cx, server->listen_epoll, POLLIN, QL_FOREVER, QL_W_BACKGROUND) != QL_KILLED) {
        bool ok = true;
        for (unsigned i = 0; i < server->nsockets; i++) {
            ok &= accept_all(server, &server->sockets[i]);
        }
        if (!ok &&
            ql_wait(cx, -1, 0, ql_deadline_ms(ACCEPT_PAUSE_MS), QL_W_BACKGROUND) == QL_KILLED) {
            return;
        }
    }
}

ql_status
qli_listener_start(ql_ctx *cx, ql_server *server)
{
    server->listen_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->listen_epoll < 0 ||
        ql_background_init(&server->listen_cx, server->inst, &server->listen_intr) != QL_OK) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    for (unsigned i = 0; i < server->nsockets; i++) {
        struct epoll_event ev = {.events = EPOLLIN};
        if (epoll_ctl(server->listen_epoll, EPOLL_CTL_ADD, server->sockets[i].fd, &ev) != 0) {
            return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
        }
    }
    server->env.is_over_limit = is_over_limit;
    return ql_thread_start(cx, &server->listen_thread, "listener", 0, accept_loop, server);
}

void
qli_listener_stop(ql_server *server)
{
    if (server->listen_thread.started) {
        ql_background_stop(&server->listen_cx);
        ql_thread_join(&server->listen_thread);
        ql_background_fini(&server->listen_cx);
    }
    for (unsigned i = 0; i < server->nsockets; i++) {
        (void)close(server->sockets[i].fd);
        if (server->sockets[i].is_unix) {
            char path[sizeof((struct sockaddr_un *)0)->sun_path];
            (void)snprintf(path, sizeof path, "%.*s", (int)server->config->socket.n,
                           server->config->socket.p);
            (void)unlink(path);
        }
    }
    server->nsockets = 0;
    if (server->listen_epoll >= 0) {
        (void)close(server->listen_epoll);
    }
}

static bool
wait_all_gone(ql_ctx *cx, ql_server *server, int64_t ms)
{
    ql_deadline dl = ql_deadline_ms(ms);
    ql_status st = QL_OK;
    ql_mutex_lock(&server->mu);
    while (server->threads != 0 && st == QL_OK) {
        st = ql_cv_wait(cx, &server->all_gone, &server->mu, dl, QL_W_BACKGROUND);
    }
    bool gone = server->threads == 0;
    ql_mutex_unlock(&server->mu);
    return gone;
}

void
qli_listener_drain(ql_ctx *cx, ql_server *server)
{
    ql_procs_raise_all(server->inst->procs, QL_INTR_SHUTDOWN, false);
    if (wait_all_gone(cx, server, POLITE_MS)) {
        return;
    }
    ql_log_write(server->inst->log, QL_LOG_WARNING, "Forcing close of the remaining connections");
    ql_procs_raise_all(server->inst->procs, QL_INTR_SHUTDOWN, true);
    while (!wait_all_gone(cx, server, FORCED_MS)) {
        ql_log_write(server->inst->log, QL_LOG_WARNING, "Still waiting for %zu connections",
                     ql_procs_count(server->inst->procs));
        ql_procs_raise_all(server->inst->procs, QL_INTR_SHUTDOWN, true);
    }
}
