/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets (TCP and Unix, ordinary and administrative) and the threads of connections: one
 * thread accepts, each connection gets one with an explicit stack. A connection counts as a login
 * in progress (logins.c) until it has authenticated, then against max_connections. Descriptors are
 * closed by whoever owns them: a session its own, the main thread the listening ones.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
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
#include "base/text.h"
#include "intr/proc.h"
#include "server/server_int.h"

#define POLITE_MS 700  /* sessions end by themselves in that time at a shutdown */
#define FORCED_MS 5000 /* then their sockets are cut */
#define ACCEPT_PAUSE_MS 50
/* Logins that may be in progress at the administrative listeners: the oldest gives way at once. */
#define ADMIN_LOGINS 256
/* A login takes two descriptors; all of them together at most this part of what there are. */
#define LOGIN_DESCRIPTORS 8
#define ADMIN_MODE                                                                                 \
    0700 /* the administrators' Unix socket is for the server's own OS user and root */
#define MADE_ROOM_PER_SECOND 1
#define LEAST_BACKLOG 1024

/* ---- sockets ---- */

static ql_status
add_socket(ql_ctx *cx, ql_server *server, qli_listener_socket s)
{
    if (server->nsockets == QLI_MAX_LISTENERS) {
        (void)close(s.fd);
        return ql_fail_text(cx, QL_ER_IPSOCK_ERROR, "too many addresses to listen on");
    }
    server->sockets[server->nsockets++] = s;
    return QL_OK;
}

/* back_log is MySQL's; a short queue would only make clients wait for a second try. */
static int
backlog_of(ql_server *server)
{
    uint64_t n = ql_sysvar_global_u64(server->inst, QL_SV_BACK_LOG);
    return n < LEAST_BACKLOG ? LEAST_BACKLOG : (int)n;
}

static ql_status
fail_bind(ql_ctx *cx, const char *what, int fd)
{
    int err = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ql_fail_text(cx, QL_ER_IPSOCK_ERROR, "cannot listen on %s: %s", what,
                        ql_errno_text(err));
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
    if (bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, backlog_of(server)) != 0) {
        return fail_bind(cx, what, fd);
    }
    return add_socket(cx, server, (qli_listener_socket){.fd = fd, .is_admin = is_admin});
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

/* A socket file that nobody serves is left over from a server that died. Anything but a plain
 * refusal (a full queue, no permission) means that somebody may. */
static bool
is_served(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0) {
        (void)close(fd);
    }
    return !refused;
}

/* Nothing but a socket that nobody serves is ever removed. */
static ql_status
clear_path(ql_ctx *cx, const char *what, const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) != 0) {
        return errno == ENOENT ? QL_OK : fail_bind(cx, what, -1);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return ql_fail_text(cx, QL_ER_IPSOCK_ERROR,
                            "cannot listen on %s: that is there and is no socket; not touched",
                            what);
    }
    if (is_served(sa)) {
        errno = EADDRINUSE;
        return fail_bind(cx, what, -1);
    }
    return unlink(sa->sun_path) == 0 || errno == ENOENT ? QL_OK : fail_bind(cx, what, -1);
}

static ql_status
listen_unix(ql_ctx *cx, ql_server *server, ql_str path, bool is_admin)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    mode_t mode = is_admin ? ADMIN_MODE : 0777;
    char what[160];
    (void)snprintf(what, sizeof what, "socket %.*s", (int)path.n, path.p);
    if (path.n >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return fail_bind(cx, what, -1);
    }
    memcpy(sa.sun_path, path.p, path.n);
    QL_TRY(clear_path(cx, what, &sa));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        return fail_bind(cx, what, fd);
    }
    /* Nobody can connect between bind and listen, so the mode is in force before the first does. */
    if (chmod(sa.sun_path, mode) != 0 || listen(fd, backlog_of(server)) != 0) {
        ql_status st = fail_bind(cx, what, fd);
        (void)unlink(sa.sun_path);
        return st;
    }
    return add_socket(
        cx, server,
        (qli_listener_socket){.fd = fd, .is_unix = true, .is_admin = is_admin, .path = path});
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
    QL_TRY(c->socket.n != 0 ? listen_unix(cx, server, c->socket, false) : QL_OK);
    return c->admin_socket.n != 0 ? listen_unix(cx, server, c->admin_socket, true) : QL_OK;
}

/* ---- connections ---- */

/* Owner: its thread. */
typedef struct connection {
    ql_server *server;
    ql_connection_start start;
    qli_login login;
    bool counted; /* [server->mu] against max_connections */
} connection;

static connection *
connection_of(const ql_connection_start *start)
{
    return (connection *)((char *)start - offsetof(connection, start));
}

static qli_logins *
logins_of(ql_server *server, bool is_admin)
{
    return is_admin ? &server->admin_logins : &server->logins;
}

/* Not even the one beyond max_connections could come in: no need to hear who it is. */
static bool
is_full(ql_server *server)
{
    uint64_t max = ql_sysvar_global_u64(server->inst, QL_SV_MAX_CONNECTIONS);
    ql_mutex_lock(&server->mu);
    bool full = server->connections > max;
    ql_mutex_unlock(&server->mu);
    return full;
}

static void
count_thread(ql_server *server)
{
    ql_mutex_lock(&server->mu);
    server->threads++;
    ql_mutex_unlock(&server->mu);
}

static void
count_out(ql_server *server, bool counted)
{
    ql_mutex_lock(&server->mu);
    server->connections -= counted;
    if (--server->threads == 0) {
        ql_cv_broadcast(&server->all_gone);
    }
    ql_mutex_unlock(&server->mu);
}

/* ---- what sessions tell (ql_connection_env) ---- */

static void
login_heard(const ql_connection_start *start)
{
    connection *c = connection_of(start);
    qli_login_heard(logins_of(c->server, start->is_admin), &c->login);
}

static void
login_over(const ql_connection_start *start)
{
    connection *c = connection_of(start);
    if (qli_login_over(logins_of(c->server, start->is_admin), &c->login)) {
        ql_intr_wake(&c->server->listen_intr);
    }
}

static bool
admit(const ql_connection_start *start, bool privileged)
{
    connection *c = connection_of(start);
    ql_server *server = c->server;
    uint64_t max = ql_sysvar_global_u64(server->inst, QL_SV_MAX_CONNECTIONS);
    bool ok = true;
    ql_mutex_lock(&server->mu);
    if (c->counted) { /* COM_CHANGE_USER */
        ok = server->connections <= max || privileged;
    } else if (!start->is_admin) {
        ok = server->connections < max + privileged;
        c->counted = ok;
        server->connections += ok;
    }
    uint32_t now = server->connections;
    ql_mutex_unlock(&server->mu);
    if (ok) {
        login_over(start);
        ql_ctx cx = {.inst = server->inst};
        ql_count_max(&cx, QL_CT_MAX_USED_CONNECTIONS, now);
    }
    return ok;
}

/* ---- threads ---- */

static void
serve(void *arg)
{
    connection *c = arg;
    ql_server *server = c->server;
    ql_thread_short_turns();
    ql_connection_run(&c->start);
    bool counted = c->counted;
    ql_mem_free(c);
    ql_tls_thread_end();
    count_out(server, counted);
}

static void
fill_peer(ql_connection_start *start, const struct sockaddr_storage *sa)
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
fill_key(qli_origin_key *key, const struct sockaddr_storage *sa, int fd)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    memset(key, 0, sizeof *key);
    if (sa->ss_family == AF_INET) {
        key->tag = '4';
        memcpy(key->bytes, &v4->sin_addr, 4);
    } else if (sa->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        key->tag = '4';
        memcpy(key->bytes, v6->sin6_addr.s6_addr + 12, 4);
    } else if (sa->ss_family == AF_INET6) {
        key->tag = '6';
        memcpy(key->bytes, v6->sin6_addr.s6_addr, 8);
    } else {
        key->tag = 'u';
        (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
        memcpy(key->bytes, &peer.uid, sizeof peer.uid);
    }
}

static void
print_key(const qli_origin_key *key, char *out, size_t n)
{
    uid_t uid;
    switch (key->tag) {
    case '4':
        (void)inet_ntop(AF_INET, key->bytes, out, (socklen_t)n);
        break;
    case '6':
        (void)inet_ntop(AF_INET6, key->bytes, out, (socklen_t)n);
        break;
    default:
        memcpy(&uid, key->bytes, sizeof uid);
        (void)snprintf(out, n, "operating system user %u", (unsigned)uid);
    }
}

static void
refuse(ql_server *server, int fd, ql_counter counter)
{
    ql_count(&server->listen_cx, QL_CT_ABORTED_CONNECTS, 1);
    ql_count(&server->listen_cx, counter, 1);
    ql_connection_refuse(server->inst, fd);
}

static void
start_connection(ql_server *server, const qli_listener_socket *from, int fd,
                 const struct sockaddr_storage *sa)
{
    ql_ctx *cx = &server->listen_cx;
    ql_thread thread = {0};
    qli_origin_key key;
    uint32_t missed;
    ql_count(cx, QL_CT_CONNECTIONS, 1);
    if (!from->is_admin && is_full(server)) {
        if (ql_log_may(&server->env.refused, 1, &missed)) {
            ql_log_write(server->inst->log, QL_LOG_WARNING, "Too many connections");
        }
        refuse(server, fd, QL_CT_CONNECTION_ERRORS_MAX);
        return;
    }
    connection *c = ql_mem_zalloc(sizeof *c);
    fill_key(&key, sa, fd);
    if (c != NULL && qli_logins_add(logins_of(server, from->is_admin), &c->login, &key, fd)) {
        c->server = server;
        c->start = (ql_connection_start){.env = &server->env,
                                         .fd = fd,
                                         .is_unix = from->is_unix,
                                         .is_admin = from->is_admin,
                                         .accepted_as = ql_procs_accept(server->inst->procs)};
        fill_peer(&c->start, sa);
        count_thread(server);
        size_t stack = ql_sysvar_global_u64(server->inst, QL_SV_THREAD_STACK);
        if (ql_thread_start(cx, &thread, "connection", stack, serve, c) == QL_OK) {
            ql_thread_detach(&thread);
            ql_count(cx, QL_CT_THREADS_CREATED, 1);
            return;
        }
        ql_diag_reset(cx->diag);
        (void)qli_login_over(logins_of(server, from->is_admin), &c->login);
        count_out(server, false);
    }
    ql_mem_free(c);
    if (ql_log_may(&server->env.refused, 1, &missed)) {
        ql_log_write(server->inst->log, QL_LOG_ERROR, "No thread for a new connection");
    }
    refuse(server, fd, QL_CT_CONNECTION_ERRORS_INTERNAL);
}

static uint32_t
login_limit(ql_server *server, bool is_admin)
{
    uint64_t limit =
        is_admin ? ADMIN_LOGINS : ql_sysvar_global_u64(server->inst, QL_SV_LOGIN_LIMIT);
    uint64_t files = server->env.fd_limit / LOGIN_DESCRIPTORS;
    limit = files != 0 && files < limit ? files : limit;
    return (uint32_t)(limit != 0 ? limit : 1);
}

static bool
make_room(ql_server *server, bool is_admin, ql_deadline *again)
{
    qli_origin_key victim;
    char name[80];
    uint32_t missed, limit = login_limit(server, is_admin);
    bool room = qli_logins_make_room(logins_of(server, is_admin), limit, &victim, again);
    if (victim.tag != 0) {
        ql_count(&server->listen_cx, QL_CT_LOGINS_ENDED, 1);
        if (ql_log_may(&server->made_room, MADE_ROOM_PER_SECOND, &missed)) {
            print_key(&victim, name, sizeof name);
            ql_log_write(server->inst->log, QL_LOG_WARNING,
                         "%u logins are in progress: the oldest of %s, which has the most, was "
                         "ended to make room (and %u before it)",
                         (unsigned)limit, name, missed);
        }
    }
    return room;
}

typedef enum accepted { ACCEPTED_ALL, NO_ROOM, NO_DESCRIPTORS } accepted;

/* Accept what has come to a socket that is readable. Room is made for one that is known to wait;
 * whether more do, the next look at the socket will tell. */
static accepted
accept_all(ql_server *server, const qli_listener_socket *from, ql_deadline *again)
{
    for (bool first = true;; first = false) {
        struct sockaddr_storage sa = {0};
        socklen_t n = sizeof sa;
        if (!first && qli_logins_count(logins_of(server, from->is_admin)) >=
                          login_limit(server, from->is_admin)) {
            return ACCEPTED_ALL;
        }
        if (!make_room(server, from->is_admin, again)) {
            return NO_ROOM;
        }
        int fd = accept4(from->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            start_connection(server, from, fd, &sa);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            ql_log_write(server->inst->log, QL_LOG_ERROR, "Cannot accept a connection: %s",
                         ql_errno_text(errno));
            return NO_DESCRIPTORS;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return ACCEPTED_ALL;
        }
    }
}

/* A paused socket wakes nobody. */
static void
set_paused(ql_server *server, qli_listener_socket *s, bool paused)
{
    struct epoll_event ev = {.events = paused ? 0 : EPOLLIN, .data.ptr = s};
    if (paused != s->paused && epoll_ctl(server->listen_epoll, EPOLL_CTL_MOD, s->fd, &ev) == 0) {
        s->paused = paused;
    }
}

/* One round over the sockets that are readable. When to look again at those that stay so. */
static ql_deadline
accept_round(ql_server *server)
{
    struct epoll_event ev[QLI_MAX_LISTENERS];
    ql_deadline again = QL_FOREVER;
    for (unsigned i = 0; i < server->nsockets; i++) {
        set_paused(server, &server->sockets[i], false);
    }
    int n = epoll_wait(server->listen_epoll, ev, QLI_MAX_LISTENERS, 0);
    for (int i = 0; i < n; i++) {
        accepted a = accept_all(server, ev[i].data.ptr, &again);
        set_paused(server, ev[i].data.ptr, a != ACCEPTED_ALL);
        if (a == NO_DESCRIPTORS) {
            ql_deadline soon = ql_deadline_ms(ACCEPT_PAUSE_MS);
            again = soon < again ? soon : again;
        }
    }
    return again;
}

static void
accept_loop(void *arg)
{
    ql_server *server = arg;
    ql_deadline again = QL_FOREVER;
    while (ql_wait(&server->listen_cx, server->listen_epoll, POLLIN, again, QL_W_BACKGROUND) !=
           QL_KILLED) {
        again = accept_round(server);
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
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &server->sockets[i]};
        if (epoll_ctl(server->listen_epoll, EPOLL_CTL_ADD, server->sockets[i].fd, &ev) != 0) {
            return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
        }
    }
    server->env.login_heard = login_heard;
    server->env.login_over = login_over;
    server->env.admit = admit;
    return ql_thread_start(cx, &server->listen_thread, "listener", 0, accept_loop, server);
}

void
qli_listener_stop(ql_server *server)
{
    if (server->listen_thread.started) {
        ql_background_stop(&server->listen_cx);
        ql_thread_join(&server->listen_thread);
    }
    if (server->listen_cx.arena != NULL) {
        ql_background_fini(&server->listen_cx);
    }
    for (unsigned i = 0; i < server->nsockets; i++) {
        (void)close(server->sockets[i].fd);
        if (server->sockets[i].is_unix) {
            (void)unlink(server->sockets[i].path.p);
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
