/* SPDX-License-Identifier: Apache-2.0
 *
 * SLEEP, and functions that tell about the session and the server. SLEEP is the only one that
 * waits, through ql_wait.
 */
#include <math.h>

#include "base/thread.h"
#include "fn/fn_int.h"
#include "intr/wait.h"

/* Killed: the statement ends with 1317 (KILL.md 2), unlike MySQL, where SLEEP returns 1. */
QLI_FN(SLEEP)
{
    double seconds = -1;
    if (!ql_value_is_null(&args[0])) {
        QL_TRY(ql_value_to_double(cx, &args[0], &seconds));
    }
    if (!(seconds >= 0)) {
        if (cx->vars->strict) {
            return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "sleep.");
        }
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_WRONG_ARGUMENTS, "sleep.");
        return qli_put_int(out, 0);
    }
    if (seconds < 0.00001) {
        QL_TRY(ql_check(cx));
        return qli_put_int(out, 0);
    }
    ql_deadline dl = seconds > 9e9 ? QL_FOREVER : ql_now_mono_ns() + (int64_t)(seconds * 1e9);
    for (;;) {
        ql_status st = ql_wait(cx, -1, 0, dl, QL_W_SLEEP);
        if (st == QL_TIMEOUT) {
            return qli_put_int(out, 0);
        }
        QL_TRY(st);
    }
}

/* The evaluator runs BENCHMARK, for it evaluates its argument many times; here only for its
 * argument check. */
QLI_FN(BENCHMARK)
{
    return qli_put_int(out, 0);
}

QLI_FN(CONNECTION_ID)
{
    *out = ql_value_uint(cx->vars->thread_id);
    return QL_OK;
}

QLI_FN(VERSION)
{
    return ql_sysvar_get(cx, QL_SV_VERSION, true, out);
}

QLI_FN(DATABASE)
{
    return cx->vars->db.n ? qli_put_str(call, out, cx->vars->db.p, cx->vars->db.n) : QL_OK;
}

QLI_FN(USER)
{
    return qli_put_str(call, out, cx->vars->login_user.p, cx->vars->login_user.n);
}

QLI_FN(CURRENT_USER)
{
    return qli_put_str(call, out, cx->vars->current_user.p, cx->vars->current_user.n);
}

QLI_FN(CURRENT_ROLE)
{
    return qli_put_str(call, out, "NONE", 4);
}

QLI_FN(LAST_INSERT_ID)
{
    cx->vars->last_insert_id_given = true;
    if (ql_value_is_null(&args[0])) {
        cx->vars->last_insert_id = 0;
        return QL_OK;
    }
    cx->vars->last_insert_id = args[0].u;
    *out = ql_value_uint(cx->vars->last_insert_id);
    return QL_OK;
}

QLI_FN(LAST_INSERT_ID_NOW)
{
    *out = ql_value_uint(cx->vars->last_insert_id);
    return QL_OK;
}

QLI_FN(ROW_COUNT)
{
    return qli_put_int(out, cx->vars->row_count);
}

QLI_FN(FOUND_ROWS)
{
    return qli_put_int(out, (int64_t)cx->vars->found_rows);
}

static const ql_collation *
collation_of_arg(ql_ctx *cx, ql_call *call)
{
    const ql_type *t = &call->expr->args[0]->type;
    if (t->kind == QL_K_STRING && t->coll) {
        return t->coll;
    }
    (void)cx;
    return ql_coll_binary;
}

QLI_FN(CHARSET)
{
    const char *name = collation_of_arg(cx, call)->charset->name;
    return qli_put_str(call, out, name, strlen(name));
}

QLI_FN(COLLATION)
{
    const char *name = collation_of_arg(cx, call)->name;
    return qli_put_str(call, out, name, strlen(name));
}

QLI_FN(COERCIBILITY)
{
    return qli_put_int(out, call->expr->args[0]->coercibility);
}
