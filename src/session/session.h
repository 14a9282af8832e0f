/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's life, from accepted socket to the last thing released. The caller (server/) owns
 * the thread; everything else belongs to the session.
 */
#ifndef QL_SESSION_SESSION_H
#define QL_SESSION_SESSION_H

#include "proto/tls.h"

/* What all sessions of an instance share. Owner: server; const while sessions run, but for the
 * counters. */
typedef struct ql_session_env {
    ql_instance *inst;
    ql_tls *tls;         /* NULL = none */
    const char *version; /* of the greeting and @@version */
    void *arg;           /* of the calls below */
    /* SHUTDOWN. Never waits. */
    void (*request_shutdown)(void *arg);
    /* Are there more connections than max_connections allows? Asked after authentication. */
    bool (*is_over_limit)(void *arg);
    /* Watch a connection for a client that vanishes, or no longer (kill_on_client_gone); the
     * watcher forgets it when fd is closed. */
    void (*watch_peer)(void *arg, uint64_t conn_id, int fd, bool on);
    uint32_t fd_limit;         /* RLIMIT_NOFILE; 0 = plenty */
    _Atomic uint32_t prepared; /* prepared statements of all sessions */
} ql_session_env;

typedef struct ql_session_start {
    ql_session_env *env;
    int fd; /* taken over */
    bool is_unix, is_admin;
    uint64_t accepted_as; /* ql_procs_accept */
    char address[64];     /* peer's IP address; TCP only */
    uint16_t port;
} ql_session_start;

/* The whole life of the connection; returns when nothing of it is left. Runs on its own thread. */
void ql_session_run(const ql_session_start *start);

/* Refuse a connection that has not become a session: 1040 as first packet, then close. One try,
 * never waits. */
void ql_session_refuse(ql_instance *inst, int fd);

#endif
