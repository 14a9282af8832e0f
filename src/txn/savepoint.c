/* SPDX-License-Identifier: Apache-2.0
 *
 * Savepoints: names for heights of the layer stack. Writes after a savepoint start a layer of their
 * own, so going back is forgetting layers. Session's thread; no locks.
 */

#include "base/text.h"
#include "txn/txn_int.h"

static void
set_floor(ql_txn *t)
{
    t->floor = t->savepoints != NULL ? t->savepoints->base : 0;
}

void
qli_savepoints_drop(ql_txn *t, const qli_savepoint *keep)
{
    while (t->savepoints != keep) {
        qli_savepoint *sp = t->savepoints;
        t->savepoints = sp->older;
        ql_mem_free(sp);
    }
    set_floor(t);
}

static qli_savepoint **
find_savepoint(ql_txn *t, ql_str name)
{
    for (qli_savepoint **at = &t->savepoints; *at != NULL; at = &(*at)->older) {
        if ((*at)->name.n == name.n && ql_ascii_compare((*at)->name.p, name.p, name.n) == 0) {
            return at;
        }
    }
    return NULL;
}

ql_status
ql_txn_savepoint(ql_ctx *cx, ql_str name)
{
    ql_txn *t = cx->txn;
    qli_savepoint *sp = ql_mem_alloc(sizeof *sp + name.n + 1);
    if (sp == NULL) {
        return ql_fail_oom(cx, sizeof *sp + name.n);
    }
    memcpy(sp + 1, name.p, name.n);
    sp->name = (ql_str){(const char *)(sp + 1), name.n};
    sp->base = t->nlayers;
    sp->mdl_mark = qli_mdl_mark(cx);
    qli_savepoint **same = find_savepoint(t, name);
    if (same != NULL) {
        qli_savepoint *gone = *same;
        *same = gone->older;
        ql_mem_free(gone);
    }
    sp->older = t->savepoints;
    t->savepoints = sp;
    set_floor(t);
    return QL_OK;
}

ql_status
ql_txn_rollback_to(ql_ctx *cx, ql_str name)
{
    ql_txn *t = cx->txn;
    qli_savepoint **at = find_savepoint(t, name);
    if (at == NULL) {
        return QL_END;
    }
    qli_savepoint *sp = *at; /* at may lie in one of those that go */
    qli_savepoints_drop(t, sp);
    qli_cursors_cut_off(cx, t);
    qli_txn_pop_layers(t, t->floor);
    if (t->trx == NULL || t->trx->nlocks == 0) {
        /* As MySQL: a dump gives back the tables that it has read. */
        qli_mdl_release_since(cx, sp->mdl_mark);
    }
    return QL_OK;
}

ql_status
ql_txn_release(ql_ctx *cx, ql_str name)
{
    ql_txn *t = cx->txn;
    qli_savepoint **at = find_savepoint(t, name);
    if (at == NULL) {
        return QL_END;
    }
    qli_savepoints_drop(t, (*at)->older);
    if (t->depth == 0) {
        qli_txn_collapse(t);
    }
    return QL_OK;
}
