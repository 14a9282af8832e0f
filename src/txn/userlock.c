/* SPDX-License-Identifier: Apache-2.0
 *
 * User-level locks are metadata locks of their own space: exclusive, FIFO, counted in the ticket,
 * found by the same deadlock search.
 */
#include "txn/userlock.h"

#include "txn/mdl_int.h"

/* [mdl_mu] */
static qli_mdl_ticket *
holder_of(ql_txnsys *ts, ql_str name)
{
    const qli_mdl_lock *l = qli_mdl_find(ts, QL_MDL_USER_LOCK, name);
    return l != NULL ? l->holders : NULL;
}

/* Which statement got it, for ql_user_lock_stmt_killed. */
static void
note_get(ql_ctx *cx, ql_str name)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_mutex_lock(&ts->mdl_mu);
    qli_mdl_ticket *t = holder_of(ts, name);
    t->stmt_gets = t->stmt_gets > 0 && t->stmt_id == cx->stmt_id ? t->stmt_gets + 1 : 1;
    t->stmt_id = cx->stmt_id;
    ql_mutex_unlock(&ts->mdl_mu);
}

ql_status
ql_user_lock_get(ql_ctx *cx, ql_str name, ql_deadline dl)
{
    qli_mdl_request r = {QL_MDL_USER_LOCK, name, QL_MDL_X, QL_MDL_EXPLICIT, dl, false};
    QL_TRY(qli_mdl_take(cx, &r));
    note_get(cx, name);
    return QL_OK;
}

/* [mdl_mu] */
static void
give_back(ql_txnsys *ts, qli_mdl_ticket *t, uint32_t n)
{
    t->count -= n;
    t->stmt_gets -= t->stmt_gets < n ? t->stmt_gets : n;
    if (t->count == 0) {
        qli_mdl_release_ticket(ts, t);
    }
}

void
ql_user_lock_stmt_killed(ql_ctx *cx)
{
    if (cx->mdl == NULL || cx->mdl->n[QL_MDL_EXPLICIT] == 0) {
        return;
    }
    ql_txnsys *ts = qli_ts(cx);
    ql_mutex_lock(&ts->mdl_mu);
    for (qli_mdl_ticket *t = cx->mdl->tickets, *next; t != NULL; t = next) {
        next = t->own_next;
        if (t->lock->space == QL_MDL_USER_LOCK && t->stmt_gets > 0 && t->stmt_id == cx->stmt_id) {
            give_back(ts, t, t->stmt_gets);
        }
    }
    ql_mutex_unlock(&ts->mdl_mu);
}

static ql_user_lock_state
state_of(const ql_ctx *cx, const qli_mdl_ticket *t)
{
    return t == NULL           ? QL_USER_LOCK_FREE
           : t->set == cx->mdl ? QL_USER_LOCK_MINE
                               : QL_USER_LOCK_OTHERS;
}

ql_user_lock_state
ql_user_lock_owner(ql_ctx *cx, ql_str name, uint64_t *conn_id)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_mutex_lock(&ts->mdl_mu);
    const qli_mdl_ticket *t = holder_of(ts, name);
    ql_user_lock_state s = state_of(cx, t);
    if (conn_id != NULL) {
        *conn_id = t != NULL ? t->set->conn_id : 0;
    }
    ql_mutex_unlock(&ts->mdl_mu);
    return s;
}

ql_user_lock_state
ql_user_lock_release(ql_ctx *cx, ql_str name)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_mutex_lock(&ts->mdl_mu);
    qli_mdl_ticket *t = holder_of(ts, name);
    ql_user_lock_state s = state_of(cx, t);
    if (s == QL_USER_LOCK_MINE) {
        give_back(ts, t, 1);
    }
    ql_mutex_unlock(&ts->mdl_mu);
    return s;
}

uint64_t
ql_user_lock_release_all(ql_ctx *cx)
{
    ql_txnsys *ts = qli_ts(cx);
    uint64_t n = 0;
    ql_mutex_lock(&ts->mdl_mu);
    for (qli_mdl_ticket *t = cx->mdl->tickets, *next; t != NULL; t = next) {
        next = t->own_next;
        if (t->lock->space == QL_MDL_USER_LOCK) {
            n += t->count;
            qli_mdl_release_ticket(ts, t);
        }
    }
    ql_mutex_unlock(&ts->mdl_mu);
    return n;
}
