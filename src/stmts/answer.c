/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements that answer a KILL QUERY or a time limit with what they have: rows that say how far
 * they came instead of an error packet. On the session's thread; takes no lock but that of the
 * interrupt.
 */
#include <stdio.h>

#include "stmts/stmts_int.h"
#include "txn/userlock.h"

ql_status
qli_answer_kill(ql_ctx *cx, ql_status st, qli_reason *why)
{
    st = ql_intr_outcome(cx, st);
    const ql_condition *c = st == QL_KILLED ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL) {
        return st;
    }
    why->number = c->number;
    (void)snprintf(why->text, sizeof why->text, "%s", c->text);
    if (!ql_intr_answer(cx)) {
        return QL_KILLED;
    }
    ql_diag_clear_error(cx->diag);
    ql_user_lock_stmt_killed(cx);
    ql_count(cx, QL_CT_STATEMENTS_INTERRUPTED, 1);
    return QL_OK;
}

ql_status
qli_answer_error(ql_ctx *cx, ql_status st, qli_reason *why)
{
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL || c->number == QL_ER_OUTOFMEMORY || c->number == QL_ER_OUT_OF_RESOURCES ||
        c->number == QL_ER_CONN_LIMIT) {
        return st;
    }
    why->number = c->number;
    (void)snprintf(why->text, sizeof why->text, "%s", c->text);
    ql_diag_clear_error(cx->diag);
    return QL_OK;
}
