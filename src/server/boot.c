/* SPDX-License-Identifier: Apache-2.0
 *
 * --initialize and --initialize-insecure: a new data directory with the system schemas (made by the
 * catalog), the first account, certificates and keys. Runs on the main thread, alone.
 */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "acl/acl.h"
#include "base/diag.h"
#include "server/datadir.h"
#include "server/server_int.h"
#include "txn/txn.h"

/* Name of the OS user who runs this: the one whom auth_socket lets in. */
static ql_status
os_user(ql_ctx *cx, ql_str *out)
{
    struct passwd pw, *found = NULL;
    char buf[4096];
    if (getpwuid_r(getuid(), &pw, buf, sizeof buf, &found) != 0 || found == NULL) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "user id %u has no name", (unsigned)getuid());
    }
    char *name = ql_arena_strndup(cx, cx->arena, pw.pw_name, strlen(pw.pw_name));
    if (name == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){name, strlen(name)};
    return QL_OK;
}

static ql_status
make_root(ql_ctx *cx, bool insecure)
{
    ql_str user;
    QL_TRY(os_user(cx, &user));
    QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
    ql_status st = ql_txn_stmt_begin(cx);
    if (st == QL_OK) {
        st = ql_acl_bootstrap(cx, user, insecure);
    }
    if (st != QL_OK) {
        ql_txn_rollback(cx);
        return st;
    }
    ql_txn_stmt_end(cx);
    return ql_txn_commit(cx);
}

ql_status
qli_boot(ql_ctx *cx, ql_server *server, bool insecure)
{
    QL_TRY(ql_datadir_create(cx, server->inst->datadir));
    QL_TRY(qli_instance_open(cx, server));
    ql_status st = make_root(cx, insecure);
    qli_instance_close(cx, server);
    return st;
}
