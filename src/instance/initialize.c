/* SPDX-License-Identifier: Apache-2.0
 *
 * The first account of a new data directory. Its system schemas are made by the catalog.
 */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "acl/acl.h"
#include "base/diag.h"
#include "instance/instance.h"
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

ql_status
ql_instance_make_root(ql_ctx *cx, bool insecure)
{
    ql_str user;
    QL_TRY(os_user(cx, &user));
    QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
    ql_status st = ql_txn_stmt_begin(cx);
    if (st == QL_OK) {
        st = ql_acl_bootstrap(cx, user, insecure);
    }
    if (st == QL_OK) {
        ql_txn_stmt_end(cx);
        st = ql_txn_commit(cx);
    } else {
        ql_txn_rollback(cx);
    }
    return st == QL_OK ? ql_acl_flush(cx) : st;
}
