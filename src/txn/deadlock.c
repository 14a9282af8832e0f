/* SPDX-License-Identifier: Apache-2.0
 *
 * The wait-for graph of row locks. A transaction waits for one other at a time, so the graph is a
 * forest and a cycle can only be closed by a new edge: walk the chain from the one waited for. The
 * one that would close it is the victim. One mutex (rank TXNSYS), taken only by those who wait.
 * An edge keeps its target alive: the waiter holds a reference until after qli_graph_leave.
 */
#include "txn/txn_int.h"

bool
qli_graph_enter(ql_txnsys *ts, qli_trx *me, qli_trx *other)
{
    ql_mutex_lock(&ts->graph_mu);
    const qli_trx *at = other;
    while (at != NULL && at != me) {
        at = at->waits_for;
    }
    if (at == NULL) {
        me->waits_for = other;
    }
    ql_mutex_unlock(&ts->graph_mu);
    return at == NULL;
}

void
qli_graph_leave(ql_txnsys *ts, qli_trx *me)
{
    ql_mutex_lock(&ts->graph_mu);
    me->waits_for = NULL;
    ql_mutex_unlock(&ts->graph_mu);
}
