/* SPDX-License-Identifier: Apache-2.0
 *
 * The wait-for graph: is there a way from the one that is going to wait back to itself? Then the
 * lightest party on that way is made to give up. The search is breadth first, so that the cycle it
 * reports is a shortest one, and asks each waiting party once whom it waits for; those that do not
 * wait cannot be part of a cycle. All under ts->mdl_mu.
 *
 * Why no deadlock is missed: who waits has its request in its lock table before it enters. A cycle
 * needs all its members to wait, and the one that enters last sees the edges of all the others. An
 * edge that comes into being later points to somebody who does not wait at that moment.
 */
#include "txn/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "txn/txn_int.h"

qli_party *
qli_party_new(void)
{
    qli_party *p = ql_mem_zalloc(sizeof *p);
    if (p != NULL) {
        atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
    }
    return p;
}

qli_party *
qli_party_get(qli_party *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void
qli_party_put(qli_party *p)
{
    if (p != NULL && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1) {
        ql_mem_free(p);
    }
}

uint64_t
qli_txn_weight(const ql_ctx *cx)
{
    const ql_txn *t = cx->txn;
    if (t == NULL) {
        return 0;
    }
    uint64_t w = t->trx != NULL ? t->trx->nlocks : 0;
    for (uint32_t i = 0; i < t->nlayers; i++) {
        w += t->layers[i].count;
    }
    return w;
}

void
qli_party_prepare(const ql_ctx *cx, qli_party *me, qli_describe describe)
{
    me->conn_id = qli_conn_id(cx);
    me->trx_id = cx->txn != NULL ? cx->txn->id : 0;
    me->proc = cx->proc;
    me->weight = qli_txn_weight(cx);
    me->describe = describe;
    me->rows = false;
    me->mdl_wanted = true;
    if (cx->txn == NULL || cx->txn->trx == NULL || cx->txn->trx->nmade == 0) {
        atomic_store_explicit(&me->wanted, false, memory_order_relaxed);
    }
}

/* --- the search --- */

typedef struct search {
    qli_party *me, *at; /* at: whose edges are being looked at */
    qli_party *first, *last;
    uint64_t stamp;
} search;

/* True when the way leads back to me. */
static bool
meet(void *arg, qli_party *other)
{
    search *s = arg;
    if (other == s->me) {
        return true;
    }
    if (!atomic_load_explicit(&other->waiting, memory_order_relaxed) ||
        atomic_load_explicit(&other->victim, memory_order_relaxed) ||
        atomic_load_explicit(&other->seen, memory_order_relaxed) == s->stamp) {
        return false;
    }
    atomic_store_explicit(&other->seen, s->stamp, memory_order_relaxed);
    other->via = s->at;
    other->next = NULL;
    if (s->last != NULL) {
        s->last->next = other;
    } else {
        s->first = other;
    }
    s->last = other;
    return false;
}

/* The last party of a shortest cycle through me (the one that waits for me; from there by via), or
 * NULL. */
static qli_party *
find_cycle(ql_txnsys *ts, qli_party *me)
{
    search s = {.me = me, .at = me, .stamp = ++ts->graph_stamp};
    while (!s.at->edges(s.at->wait, meet, &s)) {
        if (s.first == NULL) {
            return NULL;
        }
        s.at = s.first;
        s.first = s.at->next;
        s.last = s.first != NULL ? s.last : NULL;
    }
    return s.at;
}

static qli_party *
lightest(qli_party *me, qli_party *last)
{
    qli_party *victim = me;
    for (qli_party *p = last; p != me; p = p->via) {
        victim = p->weight < victim->weight ? p : victim;
    }
    return victim;
}

static void
make_victim(ql_txnsys *ts, qli_party *p)
{
    bool lock = p->wake_mu != &ts->mdl_mu;
    if (lock) {
        ql_mutex_lock(p->wake_mu);
    }
    atomic_store_explicit(&p->victim, true, memory_order_release);
    ql_cv_broadcast(p->wake_cv);
    if (lock) {
        ql_mutex_unlock(p->wake_mu);
    }
}

/* --- the report --- */

typedef struct report {
    char *p;
    size_t n, room;
} report;

static void say(report *r, const char *fmt, ...) QL_PRINTF(2, 3);

static void
say(report *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(r->p + r->n, r->room - r->n, fmt, ap);
    va_end(ap);
    r->n += n > 0 ? (size_t)n : 0;
    r->n = r->n < r->room ? r->n : r->room - 1;
}

static void
say_time(report *r)
{
    time_t now = (time_t)(ql_now_real_us() / 1000000);
    struct tm tm;
    char text[32];
    (void)gmtime_r(&now, &tm);
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    say(r, "%s UTC\n", text);
}

/* The statement as one line, so that nothing in it can be taken for a line of the report. */
static void
say_statement(report *r, ql_proc *proc)
{
    char text[512];
    size_t n = ql_proc_copy_statement(proc, text, sizeof text);
    for (size_t i = 0; i < n; i++) {
        text[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
    }
    say(r, "%.*s\n", (int)n, text);
}

/* The lines that tools look for are InnoDB's; views/lockview.c makes the lock readable. */
static void
say_party(report *r, const qli_party *p, const qli_party *waits_for, unsigned no)
{
    char text[512];
    say(r, "*** (%u) TRANSACTION:\nTRANSACTION %llu, weight %llu\n", no,
        (unsigned long long)p->trx_id, (unsigned long long)p->weight);
    if (p->proc != NULL) {
        say(r, "MySQL thread id %llu, query id %llu\n", (unsigned long long)p->conn_id,
            (unsigned long long)ql_proc_query_id(p->proc));
        say_statement(r, p->proc);
    }
    size_t n = p->describe != NULL ? p->describe(p->wait, text, sizeof text) : 0;
    say(r, "*** (%u) WAITING FOR THIS LOCK TO BE GRANTED:\n%.*s\n", no, (int)n, text);
    say(r, "In its way: MySQL thread id %llu\n", (unsigned long long)waits_for->conn_id);
}

/* The cycle, from the one that closed it: last waits for me, and so on by via. */
static void
write_report(ql_txnsys *ts, qli_party *me, qli_party *last, const qli_party *victim)
{
    report r = {.p = ts->deadlock_text, .room = sizeof ts->deadlock_text};
    unsigned no = 0, victim_no = 1;
    say_time(&r);
    qli_party *to = me;
    for (qli_party *p = last;; to = p, p = p->via) {
        no++;
        victim_no = p == victim ? no : victim_no;
        say_party(&r, p, to, no);
        if (p == me) {
            break;
        }
    }
    say(&r, "*** WE ROLL BACK TRANSACTION (%u)\n", victim_no);
    ts->deadlock_n = r.n;
}

ql_status
ql_txnsys_latest_deadlock(ql_ctx *cx, ql_arena *a, ql_str *out)
{
    ql_txnsys *ts = qli_ts(cx);
    char *p = ql_arena_alloc(cx, a, QLI_DEADLOCK_TEXT);
    if (p == NULL) {
        return QL_ERROR;
    }
    ql_mutex_lock(&ts->mdl_mu);
    *out = (ql_str){p, ts->deadlock_n};
    memcpy(p, ts->deadlock_text, ts->deadlock_n);
    ql_mutex_unlock(&ts->mdl_mu);
    return QL_OK;
}

/* --- waiting --- */

static bool
mark_wanted(void *arg, qli_party *other)
{
    (void)arg;
    atomic_store_explicit(&other->wanted, true, memory_order_relaxed);
    return false;
}

bool
qli_graph_enter(ql_txnsys *ts, qli_party *me, qli_edges edges, void *wait, ql_mutex *wake_mu,
                ql_cv *wake_cv)
{
    ql_mutex_assert_held(&ts->mdl_mu);
    me->edges = edges;
    me->wait = wait;
    me->wake_mu = wake_mu;
    me->wake_cv = wake_cv;
    atomic_store_explicit(&me->waiting, true, memory_order_relaxed);
    if (me->rows) {
        (void)edges(wait, mark_wanted, NULL);
    }
    if (!me->mdl_wanted && !atomic_load_explicit(&me->wanted, memory_order_relaxed)) {
        return true; /* nobody waits for it: no cycle, however long the queue in front */
    }
    for (qli_party *last; (last = find_cycle(ts, me)) != NULL;) {
        qli_party *victim = lightest(me, last);
        qli_count(&ts->n_deadlocks);
        write_report(ts, me, last, victim);
        if (victim == me) {
            (void)qli_graph_leave(ts, me);
            return false;
        }
        make_victim(ts, victim);
    }
    return true;
}

bool
qli_graph_leave(ql_txnsys *ts, qli_party *me)
{
    ql_mutex_assert_held(&ts->mdl_mu);
    bool victim = atomic_load_explicit(&me->victim, memory_order_relaxed);
    atomic_store_explicit(&me->waiting, false, memory_order_relaxed);
    atomic_store_explicit(&me->victim, false, memory_order_relaxed);
    me->edges = NULL;
    return victim;
}
