/* SPDX-License-Identifier: Apache-2.0
 *
 * SET GLOBAL read_only and super_read_only. Whom they bind is acl's business (acl/readonly.c); here
 * is how they change: turned on under the global read lock, so that when SET returns no statement
 * that writes is under way and no commit either. Transactions that are open go on to read; their
 * commit is refused. Session's thread only.
 */
#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "catalog/locked.h"

/* The two in the order in which nobody ever sees super_read_only without read_only. */
static ql_status
publish(ql_ctx *cx, ql_sysvar_id id, bool on)
{
    ql_value v = ql_value_int(on);
    ql_sysvars *sv = cx->inst->sysvars;
    if (id == QL_SV_SUPER_READ_ONLY) {
        if (on) {
            QL_TRY(ql_sysvar_publish(cx, sv, QL_SV_READ_ONLY, &v));
        }
        return ql_sysvar_publish(cx, sv, id, &v);
    }
    if (!on) {
        QL_TRY(ql_sysvar_publish(cx, sv, QL_SV_SUPER_READ_ONLY, &v));
    }
    return ql_sysvar_publish(cx, sv, id, &v);
}

static ql_status
set(ql_ctx *cx, ql_sysvar_id id, const ql_value *value)
{
    bool on = value->u != 0;
    /* It would wait for itself. */
    if (cx->locked != NULL || (cx->vars != NULL && cx->vars->in_transaction)) {
        return ql_fail(cx, QL_ER_LOCK_OR_ACTIVE_TRANSACTION);
    }
    bool is_on = ql_sysvar_global_u64(cx->inst, id) != 0;
    if (!on || is_on || cx->read_locked) {
        return publish(cx, id, on);
    }
    QL_TRY(ql_read_lock_take(cx));
    ql_status st = publish(cx, id, true);
    ql_read_lock_release(cx);
    return st;
}

void
qli_read_only_init(ql_sysvars *sv)
{
    ql_sysvars_set_through(sv, QL_SV_READ_ONLY, set);
    ql_sysvars_set_through(sv, QL_SV_SUPER_READ_ONLY, set);
}
