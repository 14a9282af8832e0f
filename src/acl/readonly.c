/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom read_only and super_read_only keep from changing data, definitions and accounts. Asked when
 * a statement begins, again when it has its metadata locks (from then on SET GLOBAL read_only waits
 * for it), and when a transaction that has written commits.
 */
#include "acl/acl.h"
#include "base/diag.h"
#include "vars/sysvars.h"

ql_status
ql_acl_may_change(ql_ctx *cx)
{
    if (cx->vars == NULL || cx->vars->is_server ||
        ql_sysvar_global_u64(cx->inst, QL_SV_READ_ONLY) == 0) {
        return QL_OK;
    }
    bool binds_all = ql_sysvar_global_u64(cx->inst, QL_SV_SUPER_READ_ONLY) != 0;
    if (!binds_all && (ql_acl_has(cx, QL_PRIV_CONNECTION_ADMIN) || ql_acl_has(cx, QL_PRIV_SUPER))) {
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_OPTION_PREVENTS_STATEMENT,
                   binds_all ? "--super-read-only" : "--read-only");
}
