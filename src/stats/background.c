/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that keeps statistics: it refreshes those of tables of which a tenth has changed, and
 * writes what was collected, by whomever, to the disk. One an instance; asked by sessions, which
 * never wait for it. Mutex: mu (rank RECLAIM), held for the list only.
 */
#include "intr/background.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "intr/cv.h"
#include "intr/sync.h"
#include "stats/stats_int.h"
#include "vars/sysvars.h"

#define TABLES_MAX 4096u /* that wait; others come again with their next use */

struct ql_statsd {
    ql_instance *inst; /* [const] */
    ql_mutex mu;
    ql_cv work;
    ql_table **v;  /* [mu] references; a ring is not needed, order does not matter */
    size_t n, cap; /* [mu] */
    uint64_t done; /* [mu] tables it has been through */
    bool busy;     /* [mu] */
    ql_ctx cx;     /* [thread] */
    ql_intr intr;
    ql_thread thread;
};

/* Fresh numbers unless there are, then onto the disk. */
static ql_status
keep_table(ql_ctx *cx, ql_table *t)
{
    qli_kept *k = (qli_kept *)ql_table_kept_get(t);
    ql_status st = QL_OK;
    if (!k || qli_stats_are_stale(t, k)) {
        ql_table_kept_put(k ? &k->k : NULL);
        k = NULL;
        QL_TRY(qli_stats_make_again(cx, t));
        QL_TRY(qli_stats_collect(cx, t, qli_stats_sample_rows(cx, t), &k));
        atomic_fetch_add_explicit(&k->k.refs, 1, memory_order_relaxed);
        ql_table_keep(t, &k->k);
        if (ql_table_rows(t) < 0) {
            ql_table_rows_init(t, (int64_t)k->s.rows);
        }
    }
    if (qli_stats_persist(cx, t) && !k->given && !atomic_load(&k->saved)) {
        atomic_store(&k->saved, true);
        st = qli_stats_save(cx, t, k);
        st = st == QL_OK ? qli_stats_forget_dropped(cx, t) : st;
    }
    ql_table_kept_put(&k->k);
    return st;
}

static void
run(void *arg)
{
    ql_statsd *d = arg;
    ql_ctx *cx = &d->cx;
    ql_status st = QL_OK;
    ql_thread_stay_behind();
    ql_mutex_lock(&d->mu);
    while (st != QL_KILLED) {
        if (d->n == 0) {
            st = ql_cv_wait(cx, &d->work, &d->mu, QL_FOREVER, QL_W_BACKGROUND);
            continue;
        }
        ql_table *t = d->v[--d->n];
        ql_mutex_unlock(&d->mu);
        ql_diag_reset(cx->diag);
        st = keep_table(cx, t);
        st = st == QL_KILLED ? st : ql_check(cx);
        ql_arena_reset(cx->arena);
        ql_table_stats_wanted(t, false);
        ql_table_put(t);
        ql_mutex_lock(&d->mu);
        d->done++;
    }
    ql_mutex_unlock(&d->mu);
}

ql_status
ql_statsd_start(ql_ctx *cx, ql_statsd **out)
{
    ql_statsd *d = ql_mem_zalloc(sizeof *d);
    if (!d) {
        return ql_fail_oom(cx, sizeof *d);
    }
    d->inst = cx->inst;
    ql_mutex_init(&d->mu, QL_RANK_RECLAIM);
    ql_cv_init(&d->work);
    ql_status st = QL_ERROR;
    if (ql_background_init(&d->cx, cx->inst, &d->intr) != QL_OK) {
        st = ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    } else {
        st = ql_thread_start(cx, &d->thread, "ql-stats", 0, run, d);
        if (st != QL_OK) {
            ql_background_fini(&d->cx);
        }
    }
    if (st != QL_OK) {
        ql_mutex_fini(&d->mu);
        ql_mem_free(d);
        return st;
    }
    *out = d;
    return QL_OK;
}

void
ql_statsd_stop(ql_statsd *d)
{
    if (!d) {
        return;
    }
    ql_background_stop(&d->cx);
    ql_thread_join(&d->thread);
    ql_background_fini(&d->cx);
    while (d->n > 0) {
        ql_table_put(d->v[--d->n]);
    }
    ql_mem_free(d->v);
    ql_mutex_fini(&d->mu);
    ql_mem_free(d);
}

void
qli_statsd_ask(ql_ctx *cx, ql_table *t)
{
    ql_statsd *d = cx->inst->stats;
    if (!d || !ql_table_stats_wanted(t, true)) {
        return; /* it is in the list already */
    }
    ql_mutex_lock(&d->mu);
    if (d->n == d->cap && d->cap < TABLES_MAX) {
        size_t cap = d->cap ? 2 * d->cap : 16;
        ql_table **v = ql_mem_realloc(d->v, cap * sizeof *v);
        d->cap = v ? cap : d->cap;
        d->v = v ? v : d->v;
    }
    bool room = d->n < d->cap;
    if (room) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        d->v[d->n++] = t;
        ql_cv_signal(&d->work);
    }
    ql_mutex_unlock(&d->mu);
    if (!room) {
        (void)ql_table_stats_wanted(t, false);
    }
}

uint64_t
ql_statsd_count(ql_statsd *d)
{
    ql_mutex_lock(&d->mu);
    uint64_t n = d->done;
    ql_mutex_unlock(&d->mu);
    return n;
}
