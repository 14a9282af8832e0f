/* SPDX-License-Identifier: Apache-2.0
 *
 * The reclaimer: a background thread that frees memory and files of forgotten layers and takes void
 * row locks out of the table, so that rolling back a million rows costs the session one list
 * operation. Small sets are freed on the spot. Mutex: reclaim_mu (rank RECLAIM), never held while
 * freeing.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "txn/txn_int.h"

#define FREE_INLINE (64u * 1024u)
#define PINNED_CHECK_MS 100

/* A detached arena that waits to be freed. */
struct qli_dead_arena {
    struct qli_dead_arena *next;
    ql_arena *arena;
};

void
qli_reclaim_chunks(ql_txnsys *ts, qli_chunks *c)
{
    if (c->total <= FREE_INLINE) {
        qli_chunks_free(c);
        return;
    }
    ql_mutex_lock(&ts->reclaim_mu);
    qli_chunks_join(&ts->garbage, c);
    ql_cv_signal(&ts->reclaim_work);
    ql_mutex_unlock(&ts->reclaim_mu);
}

void
qli_reclaim_spill(ql_txnsys *ts, qli_spill *sp)
{
    ql_mutex_lock(&ts->reclaim_mu);
    sp->next_dead = ts->spills;
    ts->spills = sp;
    ql_cv_signal(&ts->reclaim_work);
    ql_mutex_unlock(&ts->reclaim_mu);
}

void
qli_reclaim_trx(ql_txnsys *ts, qli_trx *trx)
{
    ql_mutex_lock(&ts->reclaim_mu);
    trx->next_dead = ts->dead;
    ts->dead = trx;
    ql_cv_signal(&ts->reclaim_work);
    ql_mutex_unlock(&ts->reclaim_mu);
}

void
ql_txnsys_reclaim_arena(ql_txnsys *ts, ql_arena *a)
{
    struct qli_dead_arena *d = ql_mem_alloc(sizeof *d);
    if (d == NULL) {
        ql_arena_free(a);
        return;
    }
    d->arena = a;
    ql_mutex_lock(&ts->reclaim_mu);
    d->next = ts->arenas;
    ts->arenas = d;
    ql_cv_signal(&ts->reclaim_work);
    ql_mutex_unlock(&ts->reclaim_mu);
}

void
qli_reclaim_all(ql_txnsys *ts)
{
    ql_mutex_lock(&ts->reclaim_mu);
    qli_chunks garbage = ts->garbage;
    ts->garbage = (qli_chunks){.counter = garbage.counter};
    qli_trx *dead = ts->dead;
    ts->dead = NULL;
    struct qli_dead_arena *arenas = ts->arenas;
    ts->arenas = NULL;
    qli_spill *spills = ts->spills;
    ts->spills = NULL;
    ql_mutex_unlock(&ts->reclaim_mu);
    qli_chunks_free(&garbage);
    for (qli_spill *next; spills != NULL; spills = next) {
        next = spills->next_dead;
        qli_spill_free(spills);
    }
    for (struct qli_dead_arena *next; arenas != NULL; arenas = next) {
        next = arenas->next;
        ql_arena_free(arenas->arena);
        ql_mem_free(arenas);
    }
    for (qli_trx *next; dead != NULL; dead = next) {
        next = dead->next_dead;
        qli_trx_sweep(ts, dead);
    }
}

void
qli_reclaimer_run(void *arg)
{
    ql_txnsys *ts = arg;
    ql_ctx *cx = &ts->reclaimer.cx;
    ql_status st = QL_OK;
    ql_thread_stay_behind();
    while (st != QL_KILLED) {
        ql_mutex_lock(&ts->reclaim_mu);
        while (st != QL_KILLED && ts->dead == NULL && ts->garbage.newest == NULL &&
               ts->arenas == NULL && ts->spills == NULL) {
            bool watch = qli_pinned_is_watched(ts);
            ql_deadline dl = watch ? ql_deadline_ms(PINNED_CHECK_MS) : QL_FOREVER;
            st = ql_cv_wait(cx, &ts->reclaim_work, &ts->reclaim_mu, dl, QL_W_BACKGROUND);
            if (st == QL_TIMEOUT) {
                break;
            }
        }
        ql_mutex_unlock(&ts->reclaim_mu);
        qli_reclaim_all(ts);
        qli_pinned_check(ts);
    }
}
