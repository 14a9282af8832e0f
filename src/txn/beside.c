/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions beside the session's own (beside.h). Session's thread; no locks, no waits.
 */
#include "txn/beside.h"

#include "txn/txn_int.h"

ql_status
ql_beside_begin(ql_ctx *cx, bool killable)
{
    ql_txn *t = qli_txn_new_nontxn(cx, false);
    if (t == NULL) {
        return QL_ERROR;
    }
    t->killable = killable;
    cx->txn = t;
    return QL_OK;
}

ql_status
ql_beside_end(ql_ctx *cx, ql_txn *saved, ql_status st)
{
    if (st == QL_OK) {
        st = ql_txn_commit(cx);
    } else {
        ql_txn_rollback(cx);
    }
    cx->txn = saved;
    return st;
}

void
ql_beside_set_lazy(ql_ctx *cx)
{
    cx->txn->lazy = true;
}

ql_status
ql_beside_snapshot(ql_ctx *cx)
{
    qli_shot *sh;
    return qli_shot_statement(cx, cx->txn, &sh);
}

ql_txn_mark *
ql_txn_mark_get(const ql_ctx *cx)
{
    qli_trx *trx = cx->txn->trx;
    if (trx != NULL) {
        atomic_fetch_add_explicit(&trx->refs, 1, memory_order_relaxed);
    }
    return trx;
}

bool
ql_txn_mark_is_own(const ql_ctx *cx, const ql_txn_mark *m)
{
    return m != NULL && cx->txn->trx == m;
}

bool
ql_txn_mark_is_ended(const ql_txn_mark *m)
{
    return atomic_load_explicit(&m->ended, memory_order_acquire);
}

void
ql_txn_mark_put(ql_txn_mark *m)
{
    if (m != NULL) {
        qli_trx_put(m);
    }
}
