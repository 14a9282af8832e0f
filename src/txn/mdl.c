/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata locks as a session sees them: acquire, wait, release. IX on the global, backup and
 * commit locks, which every statement that writes takes, is one atomic addition while nobody asks
 * for more; all else is under ts->mdl_mu (rank MDL), which is never held in a wait. Whoever
 * releases or gives up grants what has become possible; a grant that comes too late goes on.
 *
 * Deadlocks are looked for in the one wait-for graph (graph.h). The victim gets 1213 and its
 * transaction is undone; one that waits for a user lock gets 3058 and loses the statement only.
 */
#include "txn/mdl.h"

#include <stdio.h>

#include "intr/gate.h"
#include "txn/graph.h"
#include "txn/mdl_int.h"

#define RELEASE_BLOCK 1000 /* tickets released in one go */

static const ql_wait_kind wait_kinds[QL_MDL_SPACES] = {
    [QL_MDL_GLOBAL] = QL_W_MDL_GLOBAL,
    [QL_MDL_BACKUP] = QL_W_MDL_BACKUP,
    [QL_MDL_COMMIT] = QL_W_MDL_COMMIT,
    [QL_MDL_SCHEMA] = QL_W_MDL_SCHEMA,
    [QL_MDL_TABLE] = QL_W_MDL,
    [QL_MDL_USER_LOCK] = QL_W_USER_LOCK,
    [QL_MDL_TABLE_DATA] = QL_W_TABLE_LOCK,
    [QL_MDL_CHECK] = QL_W_MDL,
    [QL_MDL_FOREIGN] = QL_W_MDL,
};

/* --- the set --- */

struct ql_mdl_set *
ql_mdl_set_new(void)
{
    qli_mdl_set *set = ql_mem_zalloc(sizeof *set);
    if (set == NULL || (set->party = qli_party_new()) == NULL) {
        ql_mem_free(set);
        return NULL;
    }
    for (unsigned i = 0; i < QLI_MDL_INLINE; i++) {
        set->inlined[i].inlined = true;
        set->inlined[i].next = set->spare;
        set->spare = &set->inlined[i];
    }
    return set;
}

/* [mdl_mu] Known to searches and listings from its first lock on. */
static void
list_set(ql_ctx *cx, ql_txnsys *ts, qli_mdl_set *set)
{
    if (set->listed) {
        return;
    }
    set->listed = true;
    set->ts = ts;
    set->conn_id = qli_conn_id(cx);
    set->proc = cx->proc;
    set->all_next = ts->mdl_sets;
    if (set->all_next != NULL) {
        set->all_next->all_prev = set;
    }
    ts->mdl_sets = set;
}

static void
unlist_set(ql_txnsys *ts, qli_mdl_set *set)
{
    if (!set->listed) {
        return;
    }
    if (set->all_prev != NULL) {
        set->all_prev->all_next = set->all_next;
    } else {
        ts->mdl_sets = set->all_next;
    }
    if (set->all_next != NULL) {
        set->all_next->all_prev = set->all_prev;
    }
    set->listed = false;
}

static qli_mdl_ticket *
new_ticket(qli_mdl_set *set)
{
    qli_mdl_ticket *t = set->spare;
    if (t != NULL) {
        set->spare = t->next;
    } else {
        t = ql_mem_zalloc(sizeof *t);
    }
    if (t != NULL) {
        ql_cv_init(&t->cv);
        t->set = set;
        t->granted = false;
    }
    return t;
}

static void
free_ticket(qli_mdl_ticket *t)
{
    if (t->inlined) {
        t->next = t->set->spare;
        t->set->spare = t;
    } else {
        ql_mem_free(t);
    }
}

/* --- IX on the locks of which there is one --- */

static bool
ix_is_held(const qli_mdl_set *set, ql_mdl_space space)
{
    return atomic_load_explicit(&set->ix[space], memory_order_relaxed) != 0;
}

static void
ix_mark(qli_mdl_set *set, ql_mdl_space space, ql_mdl_duration d)
{
    uint8_t mark = (uint8_t)(1 + d);
    if (atomic_load_explicit(&set->ix[space], memory_order_relaxed) < mark) {
        atomic_store_explicit(&set->ix[space], mark, memory_order_relaxed);
    }
}

/* The mark is set before this session can wait for anything, so a search that starts from its
 * waiters finds it. */
static bool
ix_take_fast(ql_txnsys *ts, qli_mdl_set *set, ql_mdl_space space, ql_mdl_duration d)
{
    qli_mdl_lock *l = ts->mdl_fixed[space];
    if (!ix_is_held(set, space)) {
        if (!set->listed) {
            return false;
        }
        uint64_t n = atomic_load_explicit(&l->ix, memory_order_relaxed);
        do {
            if ((n & QLI_MDL_SLOW) != 0) {
                return false;
            }
        } while (!atomic_compare_exchange_weak_explicit(&l->ix, &n, n + 1, memory_order_acq_rel,
                                                        memory_order_relaxed));
    }
    ix_mark(set, space, d);
    return true;
}

static void
ix_release(ql_txnsys *ts, qli_mdl_set *set, ql_mdl_space space)
{
    qli_mdl_lock *l = ts->mdl_fixed[space];
    atomic_store_explicit(&set->ix[space], 0, memory_order_relaxed);
    if ((atomic_fetch_sub_explicit(&l->ix, 1, memory_order_acq_rel) & QLI_MDL_SLOW) != 0) {
        ql_mutex_lock(&ts->mdl_mu);
        qli_mdl_grant_next(ts, l);
        qli_mdl_settle(ts, l);
        ql_mutex_unlock(&ts->mdl_mu);
    }
}

static void
ix_release_upto(ql_txnsys *ts, qli_mdl_set *set, ql_mdl_duration d)
{
    for (unsigned s = 0; s < QLI_MDL_FIXED; s++) {
        uint8_t mark = atomic_load_explicit(&set->ix[s], memory_order_relaxed);
        if (mark != 0 && mark <= 1 + (unsigned)d) {
            ix_release(ts, set, (ql_mdl_space)s);
        }
    }
}

/* --- deadlocks --- */

/* The lightest of a cycle gives up: MySQL's order is DML, user locks, DDL. */
#define WEIGHT_USER_LOCK 50
#define WEIGHT_DDL 100

typedef struct visitor {
    qli_visit visit;
    void *arg;
} visitor;

static bool
visit_party(void *arg, qli_mdl_set *other)
{
    visitor *v = arg;
    return v->visit(v->arg, other->party);
}

static bool
ticket_edges(void *wait, qli_visit visit, void *arg)
{
    const qli_mdl_ticket *t = wait;
    visitor v = {visit, arg};
    return !t->granted && qli_mdl_each_blocker(t->set->ts, t, visit_party, &v);
}

static size_t
describe_wait(void *wait, char *p, size_t n)
{
    const qli_mdl_ticket *t = wait;
    const qli_mdl_lock *l = t->lock;
    size_t db = strnlen(l->name, l->n);
    int len = snprintf(p, n, "metadata lock %s on %s %.*s%s%.*s", ql_mdl_mode_name(t->mode),
                       ql_mdl_space_name(l->space), (int)db, l->name, db < l->n ? "." : "",
                       db < l->n ? (int)(l->n - db - 1) : 0, l->name + (db < l->n ? db + 1 : 0));
    return len < 0 ? 0 : (size_t)len < n ? (size_t)len : n - 1;
}

static bool
enter_graph(ql_ctx *cx, ql_txnsys *ts, qli_mdl_ticket *t)
{
    qli_party *me = t->set->party;
    qli_party_prepare(cx, me, describe_wait);
    me->mdl_wanted = qli_mdl_is_wanted(ts, t->set, t);
    if (t->lock->space == QL_MDL_USER_LOCK) {
        me->weight = WEIGHT_USER_LOCK;
    } else if (t->mode >= QL_MDL_SU) {
        me->weight += WEIGHT_DDL;
    }
    return qli_graph_enter(ts, me, ticket_edges, t, &ts->mdl_mu, &t->cv);
}

qli_party *
qli_mdl_party(struct ql_mdl_set *set)
{
    return set->party;
}

/* --- acquire --- */

static ql_status
fail_deadlock(ql_ctx *cx, ql_mdl_space space)
{
    if (space == QL_MDL_USER_LOCK) {
        return ql_fail(cx, QL_ER_USER_LOCK_DEADLOCK);
    }
    if (cx->txn != NULL) {
        cx->txn->must_rollback = true;
    }
    return ql_fail(cx, QL_ER_LOCK_DEADLOCK);
}

/* [mdl_mu, given up while sleeping] */
static ql_status
sleep_until_granted(ql_ctx *cx, ql_txnsys *ts, qli_mdl_ticket *t, ql_deadline dl)
{
    ql_mutex_unlock(&ts->mdl_mu);
    ql_status st = QL_SYNC(cx, MDL_BEFORE_WAIT);
    ql_mutex_lock(&ts->mdl_mu);
    while (st == QL_OK && !t->granted && !qli_party_is_victim(t->set->party)) {
        st = ql_cv_wait(cx, &t->cv, &ts->mdl_mu, dl, wait_kinds[t->lock->space]);
    }
    return st;
}

/* [mdl_mu] Queue and sleep. Not QL_OK: the request is withdrawn, a grant that came too late is
 * given on. *paused: the session's admission ticket was given back. */
static ql_status
wait_for_grant(ql_ctx *cx, ql_txnsys *ts, qli_mdl_ticket *t, ql_deadline dl, bool *paused)
{
    qli_mdl_queue(t);
    if (!enter_graph(cx, ts, t)) {
        qli_mdl_unqueue(t);
        qli_mdl_grant_next(ts, t->lock); /* those it was in the way of */
        return fail_deadlock(cx, t->lock->space);
    }
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, qli_mdl_blocker(ts, t));
    }
    *paused = ql_admission_pause(cx);
    ql_status st = sleep_until_granted(cx, ts, t, dl);
    bool victim = qli_graph_leave(ts, t->set->party) && st != QL_KILLED;
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, 0);
    }
    if (st == QL_OK && !victim) {
        return QL_OK;
    }
    if (t->granted) {
        qli_mdl_unhold(t);
    } else {
        qli_mdl_unqueue(t);
    }
    qli_mdl_grant_next(ts, t->lock);
    return victim ? fail_deadlock(cx, t->lock->space) : st;
}

/* [mdl_mu] What the set holds already is good enough: only its duration may have to grow. */
static bool
held_already(qli_mdl_set *set, const qli_mdl_lock *l, const qli_mdl_request *r)
{
    if (qli_mdl_is_fixed(r->space) && r->mode == QL_MDL_IX && ix_is_held(set, r->space)) {
        ix_mark(set, r->space, r->duration);
        return true;
    }
    qli_mdl_ticket *own = qli_mdl_own(set, l, r->mode);
    if (own == NULL) {
        return false;
    }
    own->count++;
    if (own->duration < r->duration) {
        set->n[own->duration]--;
        set->n[r->duration]++;
        own->duration = r->duration;
    }
    return true;
}

/* [mdl_mu] *used: t is held by the set now. */
static ql_status
take_locked(ql_ctx *cx, ql_txnsys *ts, qli_mdl_ticket *t, const qli_mdl_request *r, bool *used,
            bool *paused)
{
    ql_status st = QL_OK;
    list_set(cx, ts, t->set);
    t->lock = qli_mdl_find_or_add(ts, r->space, r->name);
    if (t->lock == NULL) {
        return ql_fail_oom(cx, sizeof(qli_mdl_lock) + r->name.n);
    }
    if (held_already(t->set, t->lock, r)) {
        return QL_OK;
    }
    t->mode = r->mode;
    t->duration = r->duration;
    t->count = 1;
    t->stmt_gets = 0;
    if (qli_mdl_is_fixed(r->space) && r->mode != QL_MDL_IX) {
        atomic_fetch_or_explicit(&t->lock->ix, QLI_MDL_SLOW, memory_order_acq_rel);
    }
    if (qli_mdl_can_grant(ts, t)) {
        qli_mdl_hold(t);
    } else {
        st = wait_for_grant(cx, ts, t, r->dl, paused);
    }
    *used = st == QL_OK && !(qli_mdl_is_fixed(r->space) && r->mode == QL_MDL_IX);
    qli_mdl_settle(ts, t->lock);
    return st;
}

/* After the wait: the admission ticket again; without it the lock is not kept either. */
static ql_status
come_back(ql_ctx *cx, ql_txnsys *ts, qli_mdl_ticket *t, const qli_mdl_request *r, bool *used)
{
    ql_status st = ql_admission_resume(cx);
    if (st != QL_OK && *used) {
        ql_mutex_lock(&ts->mdl_mu);
        qli_mdl_unhold(t);
        qli_mdl_grant_next(ts, t->lock);
        qli_mdl_settle(ts, t->lock);
        ql_mutex_unlock(&ts->mdl_mu);
        *used = false;
    } else if (st != QL_OK) {
        ix_release(ts, t->set, r->space);
    }
    return st;
}

ql_status
qli_mdl_take(ql_ctx *cx, const qli_mdl_request *r)
{
    ql_txnsys *ts = qli_ts(cx);
    qli_mdl_set *set = cx->mdl;
    bool used = false, paused = false;
    if (r->mode == QL_MDL_IX && qli_mdl_is_fixed(r->space) &&
        ix_take_fast(ts, set, r->space, r->duration)) {
        return QL_OK;
    }
    qli_mdl_ticket *t = new_ticket(set);
    if (t == NULL) {
        return ql_fail_oom(cx, sizeof *t);
    }
    ql_mutex_lock(&ts->mdl_mu);
    ql_status st = take_locked(cx, ts, t, r, &used, &paused);
    ql_mutex_unlock(&ts->mdl_mu);
    if (paused && st == QL_OK) {
        st = come_back(cx, ts, t, r, &used);
    } else if (paused && st == QL_TIMEOUT && (r->goes_on || r->space == QL_MDL_USER_LOCK)) {
        ql_status again = ql_admission_resume(cx); /* the statement goes on */
        st = again == QL_OK ? st : again;
    }
    if (!used) {
        free_ticket(t);
    }
    return st;
}

ql_status
ql_mdl_acquire(ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode mode, ql_mdl_duration d,
               ql_deadline dl)
{
    if (cx->mdl->brief && d == QL_MDL_TRANSACTION) {
        d = QL_MDL_STATEMENT;
    }
    qli_mdl_request r = {space, name, mode, d, dl, false};
    ql_status st = qli_mdl_take(cx, &r);
    return st == QL_TIMEOUT ? ql_fail(cx, QL_ER_LOCK_WAIT_TIMEOUT) : st;
}

ql_status
ql_mdl_upgrade(ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode mode, ql_mdl_duration d,
               int patience, ql_deadline dl)
{
    for (;;) {
        ql_deadline soon = ql_deadline_ms(patience);
        bool last = soon >= dl;
        qli_mdl_request r = {space, name, mode, d, last ? dl : soon, !last};
        ql_status st = qli_mdl_take(cx, &r);
        if (st != QL_TIMEOUT) {
            return st;
        }
        if (last) {
            return ql_fail(cx, QL_ER_LOCK_WAIT_TIMEOUT);
        }
        QL_TRY(ql_check(cx)); /* those behind it were granted when it left the queue */
    }
}

void
ql_mdl_downgrade(ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode from, ql_mdl_mode to)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_mutex_lock(&ts->mdl_mu);
    qli_mdl_lock *l = qli_mdl_find(ts, space, name);
    qli_mdl_ticket *strong = NULL, *weak = NULL;
    for (qli_mdl_ticket *t = l != NULL ? cx->mdl->tickets : NULL; t != NULL; t = t->own_next) {
        if (t->lock == l && t->mode == from && strong == NULL) {
            strong = t;
        } else if (t->lock == l && qli_mdl_covers(space, t->mode, to)) {
            weak = t;
        }
    }
    if (strong != NULL && weak != NULL) {
        qli_mdl_release_ticket(ts, strong);
    } else if (strong != NULL) {
        qli_mdl_unhold(strong);
        strong->mode = to;
        qli_mdl_hold(strong);
        qli_mdl_grant_next(ts, l);
    }
    ql_mutex_unlock(&ts->mdl_mu);
}

void
ql_mdl_set_brief(ql_ctx *cx, bool brief)
{
    if (cx->mdl != NULL) {
        cx->mdl->brief = brief;
    }
}

bool
ql_mdl_holds(const ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode mode)
{
    ql_txnsys *ts = qli_ts(cx);
    const qli_mdl_set *set = cx->mdl;
    if (mode == QL_MDL_IX && qli_mdl_is_fixed(space) && ix_is_held(set, space)) {
        return true;
    }
    if (set->tickets == NULL) {
        return false;
    }
    ql_mutex_lock(&ts->mdl_mu);
    const qli_mdl_lock *l = qli_mdl_find(ts, space, name);
    bool held = l != NULL && qli_mdl_own(set, l, mode) != NULL;
    ql_mutex_unlock(&ts->mdl_mu);
    return held;
}

/* --- release --- */

void
qli_mdl_release_ticket(ql_txnsys *ts, qli_mdl_ticket *t)
{
    qli_mdl_lock *l = t->lock;
    qli_mdl_unhold(t);
    if (l->first != NULL) {
        qli_mdl_grant_next(ts, l);
    }
    qli_mdl_settle(ts, l);
    free_ticket(t);
}

static void
release_upto(ql_txnsys *ts, qli_mdl_set *set, ql_mdl_duration d)
{
    ix_release_upto(ts, set, d);
    size_t left = 0;
    for (unsigned i = 0; i <= (unsigned)d; i++) {
        left += set->n[i];
    }
    qli_mdl_ticket *t = set->tickets;
    while (left > 0) {
        ql_mutex_lock(&ts->mdl_mu);
        for (int i = 0; i < RELEASE_BLOCK && left > 0; i++) {
            qli_mdl_ticket *next = t->own_next;
            if (t->duration <= d) {
                qli_mdl_release_ticket(ts, t);
                left--;
            }
            t = next;
        }
        ql_mutex_unlock(&ts->mdl_mu);
    }
}

void
ql_mdl_release_statement(ql_ctx *cx)
{
    if (cx->mdl != NULL) {
        release_upto(qli_ts(cx), cx->mdl, QL_MDL_STATEMENT);
    }
}

void
ql_mdl_release_transaction(ql_ctx *cx)
{
    if (cx->mdl != NULL) {
        release_upto(qli_ts(cx), cx->mdl, QL_MDL_TRANSACTION);
    }
}

uint64_t
qli_mdl_mark(const ql_ctx *cx)
{
    return cx->mdl != NULL ? cx->mdl->seq : 0;
}

void
qli_mdl_release_since(ql_ctx *cx, uint64_t mark)
{
    ql_txnsys *ts = qli_ts(cx);
    if (cx->mdl == NULL || cx->mdl->n[QL_MDL_TRANSACTION] == 0) {
        return;
    }
    ql_mutex_lock(&ts->mdl_mu);
    for (qli_mdl_ticket *t = cx->mdl->tickets, *next; t != NULL && t->seq > mark; t = next) {
        next = t->own_next;
        if (t->duration == QL_MDL_TRANSACTION) {
            qli_mdl_release_ticket(ts, t);
        }
    }
    ql_mutex_unlock(&ts->mdl_mu);
}

static void
release_explicit(ql_ctx *cx, ql_mdl_space space, const ql_str *name)
{
    ql_txnsys *ts = qli_ts(cx);
    qli_mdl_set *set = cx->mdl;
    if (qli_mdl_is_fixed(space) &&
        atomic_load_explicit(&set->ix[space], memory_order_relaxed) == 1 + QL_MDL_EXPLICIT) {
        ix_release(ts, set, space);
    }
    if (set->n[QL_MDL_EXPLICIT] == 0) {
        return;
    }
    ql_mutex_lock(&ts->mdl_mu);
    for (qli_mdl_ticket *t = set->tickets, *next; t != NULL; t = next) {
        next = t->own_next;
        if (t->duration == QL_MDL_EXPLICIT && t->lock->space == space &&
            (name == NULL || ql_str_cmp(*name, (ql_str){t->lock->name, t->lock->n}) == 0)) {
            qli_mdl_release_ticket(ts, t);
        }
    }
    ql_mutex_unlock(&ts->mdl_mu);
}

void
ql_mdl_release(ql_ctx *cx, ql_mdl_space space, ql_str name)
{
    if (cx->mdl != NULL) {
        release_explicit(cx, space, &name);
    }
}

void
ql_mdl_release_space(ql_ctx *cx, ql_mdl_space space)
{
    if (cx->mdl != NULL) {
        release_explicit(cx, space, NULL);
    }
}

/* The order of KILL.md section 3: tables, global read lock, user locks. */
void
ql_mdl_set_free(ql_ctx *cx, struct ql_mdl_set *set)
{
    if (set == NULL) {
        return;
    }
    ql_txnsys *ts = qli_ts(cx);
    if (set->listed) {
        release_upto(ts, set, QL_MDL_TRANSACTION);
        ql_mdl_release_space(cx, QL_MDL_TABLE_DATA);
        ql_mdl_release_space(cx, QL_MDL_TABLE);
        ql_mdl_release_space(cx, QL_MDL_COMMIT);
        ql_mdl_release_space(cx, QL_MDL_GLOBAL);
        release_upto(ts, set, QL_MDL_EXPLICIT);
        ql_mutex_lock(&ts->mdl_mu);
        unlist_set(ts, set);
        ql_mutex_unlock(&ts->mdl_mu);
    }
    qli_party_put(set->party);
    ql_mem_free(set);
}
