/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas are counters. The budget is a counter too until it is overdrawn; then the asking thread
 * looks for the largest under mu (rank BUDGET, below everything but the log: memory is asked for
 * with other mutexes held). Memory that is on its way back counts as come back: that of statements
 * told to end (for some seconds; one that has not ended by then is passed over) and what waits to
 * be freed. So one overdraft ends one statement, not one after the other until the first has let
 * go.
 */
#include "base/quota.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/thread.h"

/* Who has less is never ended for the budget's sake. */
#define SMALL_WORK ((size_t)1 << 20)
/* After a look the next one is due when so much more is taken. */
#define STEP_LEAST ((size_t)256 << 10)
/* So long is a statement believed to end soon; the shorter when a quarter more than allowed is
 * taken. */
#define TOLD_NS 5000000000
#define TOLD_IN_NEED_NS 1000000000

/* Owner: the instance. */
struct ql_budget {
    _Atomic size_t limit;
    _Atomic size_t used, freeing, peak;
    _Atomic size_t look_at; /* no look while used is below; 0 while the limit is kept */
    _Atomic uint64_t ended, refused;
    ql_mutex mu;          /* rank BUDGET */
    ql_quota *quotas;     /* [mu] */
    void (*wake)(void *); /* [const] */
    void *wake_arg;       /* [const] */
};

static size_t
load(const _Atomic size_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

static void
sub(_Atomic size_t *from, size_t n)
{
    atomic_fetch_sub_explicit(from, n, memory_order_relaxed);
}

/* ---- the budget ---- */

ql_budget *
ql_budget_new(void (*wake)(void *), void *arg)
{
    ql_budget *b = ql_mem_zalloc(sizeof *b);
    if (b != NULL) {
        ql_mutex_init(&b->mu, QL_RANK_BUDGET);
        b->wake = wake;
        b->wake_arg = arg;
    }
    return b;
}

void
ql_budget_free(ql_budget *b)
{
    if (b != NULL) {
        ql_mutex_fini(&b->mu);
        ql_mem_free(b);
    }
}

void
ql_budget_set_limit(ql_budget *b, size_t limit)
{
    atomic_store_explicit(&b->limit, limit, memory_order_relaxed);
    atomic_store_explicit(&b->look_at, 0, memory_order_relaxed);
}

void
ql_budget_join(ql_budget *b, ql_quota *q)
{
    ql_mutex_lock(&b->mu);
    q->prev = NULL;
    q->next = b->quotas;
    if (b->quotas != NULL) {
        b->quotas->prev = q;
    }
    b->quotas = q;
    ql_mutex_unlock(&b->mu);
}

void
ql_budget_leave(ql_budget *b, ql_quota *q)
{
    ql_mutex_lock(&b->mu);
    if (q->prev != NULL) {
        q->prev->next = q->next;
    } else {
        b->quotas = q->next;
    }
    if (q->next != NULL) {
        q->next->prev = q->prev;
    }
    q->prev = q->next = NULL;
    q->marked = false;
    ql_mutex_unlock(&b->mu);
}

static uint64_t
work_of(const ql_quota *q)
{
    return atomic_load_explicit(&q->work, memory_order_relaxed);
}

static bool
is_told(const ql_quota *q)
{
    uint64_t work = work_of(q);
    return work != 0 && work == q->told;
}

/* [mu] What comes back without anybody being told anew; and the largest of those who could be. */
static size_t
survey(const ql_budget *b, ql_quota **largest)
{
    size_t limit = load(&b->limit), coming = load(&b->freeing), most = 0;
    int64_t patience = load(&b->used) / 5 * 4 > limit ? TOLD_IN_NEED_NS : TOLD_NS;
    int64_t now = ql_now_mono_ns();
    *largest = NULL;
    for (ql_quota *q = b->quotas; q != NULL; q = q->next) {
        size_t used = load(&q->used);
        if (is_told(q)) {
            coming += now - q->told_ns < patience ? used : 0;
        } else if (work_of(q) != 0 && used >= SMALL_WORK && used > most) {
            *largest = q;
            most = used;
        }
    }
    return coming;
}

/* Nobody's memory will come back. Then the small ones go on and the others do not grow. */
static bool
is_small(const ql_quota *q, size_t n)
{
    return n < SMALL_WORK && load(&q->used) < SMALL_WORK;
}

/* [mu] */
static void
mark(ql_budget *b, ql_quota *q)
{
    q->told = work_of(q);
    q->told_ns = ql_now_mono_ns();
    q->marked = true;
    atomic_fetch_add_explicit(&b->ended, 1, memory_order_relaxed);
}

/* The budget is overdrawn, n bytes for q included in what is used (q NULL: they are not refused).
 * False: not these. */
static bool
look(ql_budget *b, const ql_quota *q, size_t n)
{
    bool allowed = true, wake = false;
    ql_mutex_lock(&b->mu);
    size_t limit = load(&b->limit), used = load(&b->used);
    size_t over = limit != 0 && used > limit ? used - limit : 0;
    while (over != 0) {
        ql_quota *largest;
        size_t coming = survey(b, &largest);
        if (q != NULL && (is_told(q) || (q->beside != NULL && is_told(q->beside)))) {
            allowed = false; /* it has to end anyway */
            break;
        }
        if (coming >= over) {
            break;
        }
        if (largest == NULL) {
            allowed = q == NULL || is_small(q, n);
            break;
        }
        if (q != NULL && (largest == q || largest == q->beside)) {
            allowed = false;
            break;
        }
        mark(b, largest);
        wake = true;
    }
    size_t step = limit / 64 > STEP_LEAST ? limit / 64 : STEP_LEAST;
    atomic_store_explicit(&b->look_at, allowed ? used + step : 0, memory_order_relaxed);
    ql_mutex_unlock(&b->mu);
    if (wake) {
        b->wake(b->wake_arg);
    }
    if (!allowed) {
        atomic_fetch_add_explicit(&b->refused, 1, memory_order_relaxed);
    }
    return allowed;
}

/* False: refused, nothing is taken. */
static bool
draw(ql_budget *b, const ql_quota *q, size_t n)
{
    size_t used = atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed) + n;
    size_t limit = load(&b->limit);
    if (QL_UNLIKELY(limit != 0 && used > limit && used >= load(&b->look_at)) && !look(b, q, n)) {
        sub(&b->used, n);
        return false;
    }
    size_t peak = load(&b->peak);
    while (used > peak && !atomic_compare_exchange_weak_explicit(
                              &b->peak, &peak, used, memory_order_relaxed, memory_order_relaxed)) {
    }
    return true;
}

static void
put_back(ql_budget *b, size_t n)
{
    size_t used = atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed) - n;
    if (load(&b->look_at) != 0 && used <= load(&b->limit)) {
        atomic_store_explicit(&b->look_at, 0, memory_order_relaxed);
    }
}

void
ql_budget_freed(ql_budget *b, size_t n)
{
    sub(&b->freeing, n);
    put_back(b, n);
}

bool
ql_budget_next(ql_budget *b, ql_budget_victim *out)
{
    bool found = false;
    ql_mutex_lock(&b->mu);
    for (ql_quota *q = b->quotas; q != NULL && !found; q = q->next) {
        if (q->marked) {
            q->marked = false;
            *out = (ql_budget_victim){q->owner, q->told, load(&q->used)};
            found = true;
        }
    }
    ql_mutex_unlock(&b->mu);
    return found;
}

void
ql_budget_missed(ql_budget *b, const ql_budget_victim *v)
{
    ql_mutex_lock(&b->mu);
    for (ql_quota *q = b->quotas; q != NULL; q = q->next) {
        if (q->owner == v->owner && q->told == v->work) {
            q->told_ns = ql_now_mono_ns() - TOLD_NS;
        }
    }
    ql_mutex_unlock(&b->mu);
    atomic_fetch_sub_explicit(&b->ended, 1, memory_order_relaxed);
    atomic_store_explicit(&b->look_at, 0, memory_order_relaxed);
}

void
ql_budget_get_stats(const ql_budget *b, ql_budget_stats *out)
{
    *out = (ql_budget_stats){.limit = load(&b->limit),
                             .used = load(&b->used),
                             .freeing = load(&b->freeing),
                             .peak = load(&b->peak),
                             .ended = atomic_load_explicit(&b->ended, memory_order_relaxed),
                             .refused = atomic_load_explicit(&b->refused, memory_order_relaxed)};
}

/* ---- quotas ---- */

bool
ql_quota_take(ql_ctx *cx, ql_quota *q, size_t n)
{
    if (q == NULL) {
        return true;
    }
    size_t used = atomic_fetch_add_explicit(&q->used, n, memory_order_relaxed) + n;
    size_t both = used + (q->beside != NULL ? load(&q->beside->used) : 0);
    if (QL_UNLIKELY(q->limit != 0 && both > q->limit)) {
        sub(&q->used, n);
        (void)ql_fail(cx, QL_ER_CONN_LIMIT, (unsigned long long)q->limit, (unsigned long long)both);
        return false;
    }
    if (QL_UNLIKELY(q->budget != NULL && !draw(q->budget, q, n))) {
        sub(&q->used, n);
        (void)ql_fail_text(cx, QL_ER_CONN_LIMIT,
                           "Total memory limit %llu bytes of all connections exceeded. This one "
                           "consumed the most, %llu bytes.",
                           (unsigned long long)load(&q->budget->limit), (unsigned long long)used);
        return false;
    }
    return true;
}

void
ql_quota_add(ql_quota *q, size_t n)
{
    if (q == NULL) {
        return;
    }
    atomic_fetch_add_explicit(&q->used, n, memory_order_relaxed);
    if (q->budget != NULL) {
        (void)draw(q->budget, NULL, n);
    }
}

void
ql_quota_give(ql_quota *q, size_t n)
{
    if (q == NULL) {
        return;
    }
    sub(&q->used, n);
    if (q->budget != NULL) {
        put_back(q->budget, n);
    }
}

ql_budget *
ql_quota_leave(ql_quota *q, size_t n)
{
    if (q == NULL) {
        return NULL;
    }
    if (q->budget != NULL) {
        atomic_fetch_add_explicit(&q->budget->freeing, n, memory_order_relaxed);
    }
    sub(&q->used, n);
    return q->budget;
}
