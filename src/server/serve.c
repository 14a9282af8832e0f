/* SPDX-License-Identifier: Apache-2.0
 *
 * Beginning and ending to serve: listener and watcher, in order.
 */
#include "server/serve.h"

#include "base/mem.h"
#include "server/server_int.h"

/* A client this young is not ended to let others log in: silent, and having spoken. At the
 * administrative listeners there is always room for one more. */
#define SILENT_GRACE_MS 500
#define HEARD_GRACE_MS 2000

void
qli_server_init(ql_server *server, ql_session_env *sessions, const ql_config *config)
{
    server->inst = sessions->inst;
    server->inst->server = server;
    server->config = config;
    server->listen_epoll = server->watch_epoll = -1;
    ql_mutex_init(&server->mu, QL_RANK_SERVER);
    qli_logins_init(&server->logins, SILENT_GRACE_MS, HEARD_GRACE_MS);
    qli_logins_init(&server->admin_logins, 0, 0);
    ql_cv_init(&server->all_gone);
    server->env = (ql_connection_env){.sessions = sessions,
                                      .version = config->version.p,
                                      .arg = server,
                                      .watch_peer = qli_watch_peer};
}

void
qli_server_fini(ql_server *server)
{
    server->inst->server = NULL;
    qli_logins_fini(&server->logins);
    qli_logins_fini(&server->admin_logins);
    ql_mutex_fini(&server->mu);
}

ql_status
qli_server_start(ql_ctx *cx, ql_server *server)
{
    QL_TRY(qli_watch_start(cx, server));
    return qli_listener_start(cx, server);
}

void
qli_server_stop(ql_ctx *cx, ql_server *server)
{
    qli_listener_stop(server);
    qli_listener_drain(cx, server);
    qli_watch_stop(server);
}

ql_status
ql_server_start(ql_ctx *cx, ql_session_env *sessions, const ql_config *config, ql_server **out)
{
    ql_server *server = ql_mem_zalloc(sizeof *server);
    if (server == NULL) {
        return ql_fail_oom(cx, sizeof *server);
    }
    qli_server_init(server, sessions, config);
    ql_status st = qli_listener_open(cx, server);
    if (st == QL_OK) {
        st = qli_server_start(cx, server);
    }
    if (st != QL_OK) {
        qli_listener_stop(server);
        qli_watch_stop(server);
        qli_server_fini(server);
        ql_mem_free(server);
        return st;
    }
    *out = server;
    return QL_OK;
}

void
ql_server_stop(ql_ctx *cx, ql_server *server)
{
    if (server != NULL) {
        ql_hold(cx, QL_INTR_SHUTDOWN);
        qli_server_stop(cx, server);
        ql_unhold(cx, QL_INTR_SHUTDOWN);
        qli_server_fini(server);
        ql_mem_free(server);
    }
}
