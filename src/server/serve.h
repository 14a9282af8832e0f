/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving the clients of an instance at sockets: what quelld does, and a program that embeds the
 * library may.
 */
#ifndef QL_SERVER_SERVE_H
#define QL_SERVER_SERVE_H

#include "server/config.h"
#include "session/session.h"

typedef struct ql_server ql_server;

/* Listen where config says, without TLS. sessions and config stay until it is stopped. QL_ERROR: an
 * address cannot be had; nothing is left of it. */
ql_status ql_server_start(ql_ctx *cx, ql_session_env *sessions, const ql_config *config,
                          ql_server **out) QL_MUST_USE;
/* SHUTDOWN is raised on all sessions of the instance; connections end, and are waited for. NULL is
 * ignored. Waits, whatever is raised on cx. */
void ql_server_stop(ql_ctx *cx, ql_server *server);

#endif
