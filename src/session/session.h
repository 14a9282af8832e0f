/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's life, from accepted socket to the last thing released. The caller (server/) owns
 * the thread; everything else belongs to the session.
 */
#ifndef QL_SESSION_SESSION_H
#define QL_SESSION_SESSION_H

#include "base/log.h"
#include "proto/tls.h"

struct ql_session_start;

/* What all sessions of an instance share. Owner: server; const while sessions run, but for the
 * counters. */
typedef struct ql_session_env {
    ql_instance *inst;
    ql_tls *tls;         /* NULL = none */
    const char *version; /* of the greeting and @@version */
    void *arg;           /* of the calls below */
    /* SHUTDOWN. Never waits. */
    void (*request_shutdown)(void *arg);
    /* The client has answered the greeting; its login is over, one way or the other (may be told
     * twice; always before the socket is closed). NULL = nobody counts. */
    void (*login_heard)(const struct ql_session_start *start);
    void (*login_over)(const struct ql_session_start *start);
    /* May the session, now authenticated, stay? It is counted against max_connections from here on;
     * again after COM_CHANGE_USER. privileged: it may be the one beyond. */
    bool (*admit)(const struct ql_session_start *start, bool privileged);
    /* Watch a connection for a client that vanishes, or no longer (kill_on_client_gone); the
     * watcher forgets it when fd is closed. */
    void (*watch_peer)(void *arg, uint64_t conn_id, int fd, bool on);
    uint32_t fd_limit;         /* RLIMIT_NOFILE; 0 = plenty */
    _Atomic uint32_t prepared; /* prepared statements of all sessions */
    ql_log_rate refused;       /* lines about logins refused */
    ql_log_rate unfinished;    /* about logins that came to nothing */
} ql_session_env;

/* What became of a script: the statement that failed, if any. */
typedef struct ql_script_result {
    unsigned line; /* 0 = none failed */
    unsigned number;
    char text[512];
} ql_script_result;

typedef struct ql_session_start {
    ql_session_env *env;
    int fd; /* taken over; -1 = none: the script is run and that is all */
    ql_str script;
    ql_script_result *result;
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
