/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata locks: named objects, each with those who hold it and a FIFO of those who wait. A
 * request is granted when it conflicts with no holder and nobody waits ahead of it (who holds the
 * lock in a weaker mode need not queue). Whoever releases or gives up grants what has become
 * possible. All under one mutex (rank MDL), never held in a wait.
 *
 * Deadlocks: before a request waits, the waits of those in its way are followed; if they lead back
 * to the asker it gets 1213.
 */
#include "txn/mdl.h"

#include "txn/graph.h"
#include "txn/txn_int.h"

#define SEARCH_DEPTH 200

typedef struct mdl_ticket mdl_ticket;

/* Owner: the table; lives while it has tickets. */
typedef struct mdl_lock {
    ql_hash_node hn;
    mdl_ticket *holders;      /* by next */
    mdl_ticket *first, *last; /* waiting, by next */
    size_t n;
    char name[];
} mdl_lock;

/* One request. Owner: the set. All of it under mdl_mu. */
struct mdl_ticket {
    mdl_lock *lock;
    struct ql_mdl_set *set;
    mdl_ticket *next, *prev; /* in holders or in the queue */
    mdl_ticket *next_own;
    ql_mdl_mode mode;
    bool granted;
    ql_cv cv;
};

struct ql_mdl_set {
    mdl_ticket *tickets; /* [owner; mdl_mu to change] */
    mdl_ticket *waiting; /* [mdl_mu] */
    uint64_t conn_id;    /* [mdl_mu] */
    uint64_t visited;    /* [mdl_mu] */
    qli_party *party;    /* [const] */
};

ql_status
qli_mdl_init(ql_ctx *cx, ql_txnsys *ts)
{
    return ql_hash_init(cx, &ts->mdl_table, 256);
}

void
qli_mdl_fini(ql_txnsys *ts)
{
    ql_hash_fini(&ts->mdl_table);
}

struct ql_mdl_set *
ql_mdl_set_new(void)
{
    struct ql_mdl_set *set = ql_mem_zalloc(sizeof *set);
    if (set != NULL) {
        set->party = qli_party_new();
        if (set->party == NULL) {
            ql_mem_free(set);
            return NULL;
        }
    }
    return set;
}

qli_party *
qli_mdl_party(struct ql_mdl_set *set)
{
    return set->party;
}

/* --- the table, all under mdl_mu --- */

static mdl_lock *
find_lock(ql_txnsys *ts, ql_str name, uint64_t hash)
{
    for (ql_hash_node *n = ql_hash_first(&ts->mdl_table, hash); n != NULL; n = ql_hash_next(n)) {
        mdl_lock *l = (mdl_lock *)(void *)n;
        if (l->n == name.n && memcmp(l->name, name.p, name.n) == 0) {
            return l;
        }
    }
    return NULL;
}

static mdl_lock *
find_or_add_lock(ql_txnsys *ts, ql_str name)
{
    uint64_t hash = ql_hash_bytes(name.p, name.n, 0);
    mdl_lock *l = find_lock(ts, name, hash);
    if (l == NULL) {
        l = ql_mem_zalloc(sizeof *l + name.n);
        if (l != NULL) {
            l->n = name.n;
            memcpy(l->name, name.p, name.n);
            ql_hash_insert(&ts->mdl_table, &l->hn, hash);
        }
    }
    return l;
}

static void
drop_lock_if_unused(ql_txnsys *ts, mdl_lock *l)
{
    if (l->holders == NULL && l->first == NULL) {
        ql_hash_remove(&ts->mdl_table, &l->hn);
        ql_mem_free(l);
    }
}

static bool
modes_conflict(ql_mdl_mode a, ql_mdl_mode b)
{
    return a == QL_MDL_EXCLUSIVE || b == QL_MDL_EXCLUSIVE;
}

static bool
conflicts_with_holders(const mdl_ticket *t)
{
    for (const mdl_ticket *h = t->lock->holders; h != NULL; h = h->next) {
        if (h->set != t->set && modes_conflict(h->mode, t->mode)) {
            return true;
        }
    }
    return false;
}

static mdl_ticket *
own_ticket(const struct ql_mdl_set *set, const mdl_lock *l)
{
    for (mdl_ticket *t = set->tickets; t != NULL; t = t->next_own) {
        if (t->lock == l) {
            return t;
        }
    }
    return NULL;
}

static void
hold(mdl_ticket *t)
{
    t->granted = true;
    t->prev = NULL;
    t->next = t->lock->holders;
    if (t->next != NULL) {
        t->next->prev = t;
    }
    t->lock->holders = t;
}

static void
stop_holding(mdl_ticket *t)
{
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        t->lock->holders = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
}

/* upgrade: goes to the front, for it blocks those who wait. */
static void
queue(mdl_ticket *t, bool upgrade)
{
    mdl_lock *l = t->lock;
    t->prev = upgrade ? NULL : l->last;
    t->next = upgrade ? l->first : NULL;
    if (t->prev != NULL) {
        t->prev->next = t;
    } else {
        l->first = t;
    }
    if (t->next != NULL) {
        t->next->prev = t;
    } else {
        l->last = t;
    }
    t->set->waiting = t;
}

static void
unqueue(mdl_ticket *t)
{
    mdl_lock *l = t->lock;
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        l->first = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    } else {
        l->last = t->prev;
    }
    t->set->waiting = NULL;
}

/* In order of arrival, up to the first that still has to wait. */
static void
grant_next(mdl_lock *l)
{
    while (l->first != NULL && !conflicts_with_holders(l->first)) {
        mdl_ticket *t = l->first;
        unqueue(t);
        hold(t);
        ql_cv_signal(&t->cv);
    }
}

/* --- deadlocks --- */

static bool leads_to(ql_txnsys *ts, const mdl_ticket *t, const struct ql_mdl_set *target,
                     int depth);

static bool
set_leads_to(ql_txnsys *ts, struct ql_mdl_set *set, const struct ql_mdl_set *target, int depth)
{
    if (set == target) {
        return true;
    }
    if (set->visited == ts->mdl_visit || set->waiting == NULL || depth == 0) {
        return false;
    }
    set->visited = ts->mdl_visit;
    return leads_to(ts, set->waiting, target, depth - 1);
}

/* Does what waiting ticket t waits for lead to target? */
static bool
leads_to(ql_txnsys *ts, const mdl_ticket *t, const struct ql_mdl_set *target, int depth)
{
    for (const mdl_ticket *h = t->lock->holders; h != NULL; h = h->next) {
        if (h->set != t->set && modes_conflict(h->mode, t->mode) &&
            set_leads_to(ts, h->set, target, depth)) {
            return true;
        }
    }
    for (const mdl_ticket *w = t->lock->first; w != NULL && w != t; w = w->next) {
        if (w->set != t->set && set_leads_to(ts, w->set, target, depth)) {
            return true;
        }
    }
    return false;
}

/* Whom to name as the one in the way. */
static uint64_t
blocker_of(const mdl_ticket *t)
{
    for (const mdl_ticket *h = t->lock->holders; h != NULL; h = h->next) {
        if (h->set != t->set && modes_conflict(h->mode, t->mode)) {
            return h->set->conn_id;
        }
    }
    return t->prev != NULL ? t->prev->set->conn_id : 0;
}

/* --- acquire and release --- */

/* [mdl_mu] Sleep until granted. Otherwise the ticket is out of the queue again. */
static ql_status
wait_for_grant(ql_ctx *cx, ql_txnsys *ts, mdl_ticket *t, ql_deadline dl)
{
    ts->mdl_visit++;
    if (leads_to(ts, t, t->set, SEARCH_DEPTH)) {
        unqueue(t);
        qli_count(&ts->n_deadlocks);
        return ql_fail(cx, QL_ER_LOCK_DEADLOCK);
    }
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, blocker_of(t));
    }
    ql_status st = QL_OK;
    while (st == QL_OK && !t->granted) {
        st = ql_cv_wait(cx, &t->cv, &ts->mdl_mu, dl, QL_W_MDL);
    }
    if (cx->proc != NULL) {
        ql_proc_set_waits_for(cx->proc, 0);
    }
    if (st == QL_OK) {
        return QL_OK;
    }
    if (t->granted) { /* too late: it came with the kill */
        stop_holding(t);
    } else {
        unqueue(t);
    }
    grant_next(t->lock);
    return st == QL_TIMEOUT ? ql_fail(cx, QL_ER_LOCK_WAIT_TIMEOUT) : st;
}

/* [mdl_mu] QL_OK: *t is held, or own now is in the wanted mode. */
static ql_status
take_or_wait(ql_ctx *cx, ql_txnsys *ts, mdl_ticket *t, mdl_ticket *own, ql_deadline dl)
{
    bool at_once = !conflicts_with_holders(t) && (own != NULL || t->lock->first == NULL);
    if (at_once && own == NULL) {
        hold(t);
    } else if (!at_once) {
        queue(t, own != NULL);
        QL_TRY(wait_for_grant(cx, ts, t, dl));
        if (own != NULL) {
            stop_holding(t);
        }
    }
    if (own != NULL) {
        own->mode = t->mode;
    } else {
        t->next_own = t->set->tickets;
        t->set->tickets = t;
    }
    return QL_OK;
}

ql_status
ql_mdl_acquire(ql_ctx *cx, ql_str name, ql_mdl_mode mode, ql_deadline dl)
{
    ql_txnsys *ts = qli_ts(cx);
    struct ql_mdl_set *set = cx->mdl;
    mdl_ticket *t = ql_mem_zalloc(sizeof *t);
    if (t == NULL) {
        return ql_fail_oom(cx, sizeof *t);
    }
    ql_cv_init(&t->cv);
    t->set = set;
    t->mode = mode;
    ql_mutex_lock(&ts->mdl_mu);
    t->lock = find_or_add_lock(ts, name);
    if (t->lock == NULL) {
        ql_mutex_unlock(&ts->mdl_mu);
        ql_mem_free(t);
        return ql_fail_oom(cx, sizeof(mdl_lock) + name.n);
    }
    set->conn_id = qli_conn_id(cx);
    mdl_ticket *own = own_ticket(set, t->lock);
    ql_status st = QL_OK;
    if (own == NULL || own->mode < mode) {
        st = take_or_wait(cx, ts, t, own, dl);
    }
    bool keep = st == QL_OK && own == NULL;
    drop_lock_if_unused(ts, t->lock);
    ql_mutex_unlock(&ts->mdl_mu);
    if (!keep) {
        ql_mem_free(t);
    }
    return st;
}

static void
release_all(ql_txnsys *ts, struct ql_mdl_set *set)
{
    mdl_ticket *released = set->tickets;
    if (released == NULL) {
        return;
    }
    ql_mutex_lock(&ts->mdl_mu);
    set->tickets = NULL;
    for (mdl_ticket *t = released; t != NULL; t = t->next_own) {
        stop_holding(t);
        grant_next(t->lock);
        drop_lock_if_unused(ts, t->lock);
    }
    ql_mutex_unlock(&ts->mdl_mu);
    for (mdl_ticket *t = released, *next; t != NULL; t = next) {
        next = t->next_own;
        ql_mem_free(t);
    }
}

void
ql_mdl_release_all(ql_ctx *cx)
{
    if (cx->mdl != NULL) {
        release_all(qli_ts(cx), cx->mdl);
    }
}

void
ql_mdl_set_free(ql_ctx *cx, struct ql_mdl_set *set)
{
    if (set != NULL) {
        release_all(qli_ts(cx), set);
        qli_party_put(set->party);
        ql_mem_free(set);
    }
}
