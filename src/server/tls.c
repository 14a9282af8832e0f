/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's certificate and keys: made at the first start, opened for the listeners.
 */
#include "instance/permissions.h"
#include "server/server_int.h"

ql_status
qli_tls_open(ql_ctx *cx, ql_server *server)
{
    if (!server->config->tls) {
        return QL_OK;
    }
    const ql_config *c = server->config;
    ql_tls_files files = {.dir = server->inst->datadir,
                          .cert = c->ssl_cert.n != 0 ? c->ssl_cert.p : NULL,
                          .key = c->ssl_key.n != 0 ? c->ssl_key.p : NULL,
                          .versions = c->tls_version};
    QL_TRY(ql_tls_make_files(cx, server->inst->datadir));
    ql_warn_of_readable(cx, server->inst->datadir, files.key);
    return ql_tls_open(cx, &files, &server->env.tls);
}
