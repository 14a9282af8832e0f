/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's life, from accepted socket to the last thing released: a session and the client
 * that drives it. The caller (server/) owns the thread; everything else belongs to the connection.
 */
#ifndef QL_CONNECTION_CONNECTION_H
#define QL_CONNECTION_CONNECTION_H

#include "base/log.h"
#include "proto/tls.h"
#include "session/session.h"

struct ql_connection_start;

/* What all connections of an instance share. Owner: server; const while connections run, but for
 * the counters. */
typedef struct ql_connection_env {
    ql_session_env *sessions;
    ql_tls *tls;         /* NULL = none */
    const char *version; /* of the greeting and @@version */
    void *arg;           /* of watch_peer */
    /* The client has answered the greeting; its login is over, one way or the other (may be told
     * twice; always before the socket is closed). NULL = nobody counts. */
    void (*login_heard)(const struct ql_connection_start *start);
    void (*login_over)(const struct ql_connection_start *start);
    /* May the connection, now authenticated, stay? It is counted against max_connections from here
     * on; again after COM_CHANGE_USER. privileged: it may be the one beyond. */
    bool (*admit)(const struct ql_connection_start *start, bool privileged);
    /* Watch a connection for a client that vanishes, or no longer (kill_on_client_gone); the
     * watcher forgets it when fd is closed. */
    void (*watch_peer)(void *arg, uint64_t conn_id, int fd, bool on);
    uint32_t fd_limit;      /* RLIMIT_NOFILE; 0 = plenty */
    ql_log_rate refused;    /* lines about logins refused */
    ql_log_rate unfinished; /* about logins that came to nothing */
} ql_connection_env;

typedef struct ql_connection_start {
    ql_connection_env *env;
    int fd; /* taken over */
    bool is_unix, is_admin;
    uint64_t accepted_as; /* ql_procs_accept */
    char address[64];     /* peer's IP address; TCP only */
    uint16_t port;
} ql_connection_start;

/* The whole life of the connection; returns when nothing of it is left. Runs on its own thread. */
void ql_connection_run(const ql_connection_start *start);

/* Refuse a connection that has not become a session: 1040 as first packet, then close. One try,
 * never waits. */
void ql_connection_refuse(ql_instance *inst, int fd);

#endif
