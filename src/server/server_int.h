/* SPDX-License-Identifier: Apache-2.0
 *
 * The server object and what the files of server/ share among themselves.
 */
#ifndef QL_SERVER_SERVER_INT_H
#define QL_SERVER_SERVER_INT_H

#include "base/mutex.h"
#include "base/thread.h"
#include "connection/connection.h"
#include "intr/background.h"
#include "intr/cv.h"
#include "server/config.h"
#include "server/logins.h"
#include "server/serve.h"

#define QLI_MAX_LISTENERS 8

typedef struct qli_listener_socket {
    int fd;
    bool is_unix, is_admin;
    bool paused; /* [listener] not in the epoll set: no room for one more login */
    ql_str path; /* of a Unix socket */
} qli_listener_socket;

/* What serves the clients of an instance. Lock order: mu is the outermost (rank SERVER). */
struct ql_server {
    ql_instance *inst;
    const ql_config *config;
    ql_connection_env env;

    ql_mutex mu;
    uint32_t connections; /* [mu] authenticated, counted against max_connections */
    uint32_t threads;     /* [mu] connection threads that live: these, logins, administrators */
    ql_cv all_gone;       /* [mu] threads became 0 */

    qli_logins logins, admin_logins; /* in progress */
    ql_log_rate made_room;           /* lines about logins ended for others */

    ql_ctx listen_cx;
    ql_intr listen_intr;
    ql_thread listen_thread;
    qli_listener_socket sockets[QLI_MAX_LISTENERS]; /* [const while serving] */
    unsigned nsockets;
    int listen_epoll;

    ql_ctx warm_cx; /* [main]; the warm thread's while it runs */
    ql_intr warm_intr;
    ql_thread warm_thread;

    ql_ctx watch_cx;
    ql_intr watch_intr;
    ql_thread watch_thread;
    int watch_epoll;
    uint64_t *gone; /* [watch thread] ids whose peer hung up and that ran nothing then */
    size_t ngone, cap_gone;
};

/* ---- serve.c ---- */

/* Nothing is opened yet; sessions and config stay. */
void qli_server_init(ql_server *server, ql_session_env *sessions, const ql_config *config);
void qli_server_fini(ql_server *server);
/* Watch and accept at the sockets of qli_listener_open. On QL_ERROR what was begun is ended by
 * qli_server_stop. */
ql_status qli_server_start(ql_ctx *cx, ql_server *server) QL_MUST_USE;
/* No new connections; those that are there are told to end, and waited for. Waits; QL_INTR_SHUTDOWN
 * is held. */
void qli_server_stop(ql_ctx *cx, ql_server *server);

/* ---- tls.c ---- */

/* env.tls, unless --skip-ssl; the files are made if need be. */
ql_status qli_tls_open(ql_ctx *cx, ql_server *server) QL_MUST_USE;

/* ---- warm.c ---- */

/* Begin what takes libraries a while at their first use. Nothing started: statements pay for it. */
void qli_warm_start(ql_server *server);
/* Until it is there. */
void qli_warm_wait(ql_server *server);

/* ---- signals.c ---- */

/* A descriptor that is readable when a signal has come; -1 = none to be had. */
int qli_signals_open(void);
/* The next one, 0 = no more. Never waits. */
unsigned qli_signals_take(int fd);
/* Takes all: has one asked the server to end? During the start; SIGHUP means nothing then. */
bool qli_signals_say_stop(int fd);

/* ---- check.c ---- */

/* --check-data: the exit code, 0 nothing found, 1 it could not be looked at, 2 damage. */
int qli_check_data(ql_ctx *cx, ql_server *server);

/* ---- upgrade.c ---- */

/* An older catalog becomes one of today's format (ql_catalog_upgrade). *stop: a signal came
 * meanwhile, nothing has changed. */
ql_status qli_upgrade_run(ql_ctx *cx, ql_server *server, int signals, bool *stop) QL_MUST_USE;

/* Tables whose TIMESTAMP columns hold local times, as those of older servers do: each is altered,
 * so that they are moments, read in the global time_zone. *stop: a signal came meanwhile. Killed on
 * the way, a table is as it was or done; the next start goes on. QL_ERROR: one could not be
 * converted.
 */
ql_status qli_upgrade_times(ql_ctx *cx, ql_server *server, int signals, bool *stop) QL_MUST_USE;

/* ---- initfile.c ---- */

/* A text of statements on a thread of its own, up to the first that fails. *stop: a signal or
 * SHUTDOWN came meanwhile. */
ql_status qli_script_run(ql_ctx *cx, ql_server *server, int signals, ql_str text,
                         ql_script_result *result, bool *stop) QL_MUST_USE;

/* Run --init-file, if there is one. QL_ERROR: a statement failed. *stop: a signal or SHUTDOWN came
 * meanwhile. */
ql_status qli_init_file_run(ql_ctx *cx, ql_server *server, int signals, bool *stop) QL_MUST_USE;

/* ---- listener.c ---- */

ql_status qli_listener_open(ql_ctx *cx, ql_server *server) QL_MUST_USE;
ql_status qli_listener_start(ql_ctx *cx, ql_server *server) QL_MUST_USE;
/* No new connections from here on. */
void qli_listener_stop(ql_server *server);
/* Tell all sessions to end and wait for them. */
void qli_listener_drain(ql_ctx *cx, ql_server *server);

/* ---- watch.c ---- */

ql_status qli_watch_start(ql_ctx *cx, ql_server *server) QL_MUST_USE;
void qli_watch_stop(ql_server *server);
/* A ql_connection_env call. */
void qli_watch_peer(void *arg, uint64_t conn_id, int fd, bool on);

#endif
