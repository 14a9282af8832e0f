/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of named locks: which modes go together, who is granted when. A request is granted when
 * it conflicts with no holder and with no waiter of higher priority; who already holds a lock on
 * the object passes those who wait (they wait for it, so to queue behind them would be a deadlock;
 * MySQL has that one). All of it under ts->mdl_mu (rank MDL), for a few instructions.
 */
#include "txn/mdl_int.h"

#define IDLE_MAX 1000  /* unused locks that are kept */
#define REFRESH_MAX 64 /* waiters whose "waits for" is brought up to date */

/* --- modes (manual, "Metadata Locking"; MySQL's matrices) --- */

#define M(mode) (1u << QL_MDL_##mode)
#define ALL_OBJECT_MODES (M(S) | M(SH) | M(SR) | M(SW) | M(SU) | M(SRO) | M(SNW) | M(SNRW) | M(X))

/* Modes of other holders that are in the way. */
static const uint16_t object_held[QL_MDL_MODES] = {
    [QL_MDL_S] = M(X),
    [QL_MDL_SH] = M(X),
    [QL_MDL_SR] = M(SNRW) | M(X),
    [QL_MDL_SW] = M(SRO) | M(SNW) | M(SNRW) | M(X),
    [QL_MDL_SU] = M(SU) | M(SNW) | M(SNRW) | M(X),
    [QL_MDL_SRO] = M(SW) | M(SNRW) | M(X),
    [QL_MDL_SNW] = M(SW) | M(SU) | M(SNW) | M(SNRW) | M(X),
    [QL_MDL_SNRW] = M(SR) | M(SW) | M(SU) | M(SRO) | M(SNW) | M(SNRW) | M(X),
    [QL_MDL_X] = ALL_OBJECT_MODES,
};
/* Modes of those who wait that go first. */
static const uint16_t object_pending[QL_MDL_MODES] = {
    [QL_MDL_S] = M(X),
    [QL_MDL_SR] = M(SNRW) | M(X),
    [QL_MDL_SW] = M(SNW) | M(SNRW) | M(X),
    [QL_MDL_SU] = M(X),
    [QL_MDL_SRO] = M(SW) | M(SNRW) | M(X),
    [QL_MDL_SNW] = M(X),
    [QL_MDL_SNRW] = M(X),
};
static const uint16_t scoped_held[QL_MDL_MODES] = {
    [QL_MDL_IX] = M(S) | M(X),
    [QL_MDL_S] = M(IX) | M(X),
    [QL_MDL_X] = M(IX) | M(S) | M(X),
};
static const uint16_t scoped_pending[QL_MDL_MODES] = {
    [QL_MDL_IX] = M(S) | M(X),
    [QL_MDL_S] = M(X),
};
static const uint16_t plain_held[QL_MDL_MODES] = {
    [QL_MDL_S] = M(X),
    [QL_MDL_X] = M(S) | M(X),
};

static bool
is_fifo(ql_mdl_space s)
{
    return s == QL_MDL_USER_LOCK || s == QL_MDL_TABLE_DATA;
}

static uint16_t
held_in_the_way(ql_mdl_space s, ql_mdl_mode m)
{
    return s == QL_MDL_TABLE ? object_held[m] : is_fifo(s) ? plain_held[m] : scoped_held[m];
}

static uint16_t
pending_in_the_way(ql_mdl_space s, ql_mdl_mode m)
{
    return s == QL_MDL_TABLE ? object_pending[m] : is_fifo(s) ? plain_held[m] : scoped_pending[m];
}

bool
qli_mdl_covers(ql_mdl_space space, ql_mdl_mode have, ql_mdl_mode want)
{
    return (held_in_the_way(space, want) & ~held_in_the_way(space, have)) == 0;
}

bool
ql_mdl_conflicts(ql_mdl_space space, ql_mdl_mode granted, ql_mdl_mode wanted)
{
    return (held_in_the_way(space, wanted) & qli_mdl_bit(granted)) != 0;
}

/* --- the table --- */

static qli_mdl_lock *
find(ql_txnsys *ts, ql_mdl_space space, ql_str name, uint64_t hash)
{
    for (ql_hash_node *n = ql_hash_first(&ts->mdl_table, hash); n != NULL; n = ql_hash_next(n)) {
        qli_mdl_lock *l = (qli_mdl_lock *)(void *)n;
        if (l->space == space && l->n == name.n && memcmp(l->name, name.p, name.n) == 0) {
            return l;
        }
    }
    return NULL;
}

static uint64_t
hash_of(ql_mdl_space space, ql_str name)
{
    return ql_hash_bytes(name.p, name.n, space);
}

static void
leave_idle(ql_txnsys *ts, qli_mdl_lock *l)
{
    if (l->idle_prev != NULL) {
        l->idle_prev->idle_next = l->idle_next;
    } else {
        ts->mdl_idle_first = l->idle_next;
    }
    if (l->idle_next != NULL) {
        l->idle_next->idle_prev = l->idle_prev;
    } else {
        ts->mdl_idle_last = l->idle_prev;
    }
    l->idle = false;
    ts->mdl_nidle--;
}

static void
make_idle(ql_txnsys *ts, qli_mdl_lock *l)
{
    l->idle_prev = NULL;
    l->idle_next = ts->mdl_idle_first;
    if (l->idle_next != NULL) {
        l->idle_next->idle_prev = l;
    } else {
        ts->mdl_idle_last = l;
    }
    ts->mdl_idle_first = l;
    l->idle = true;
    ts->mdl_nidle++;
}

qli_mdl_lock *
qli_mdl_find(ql_txnsys *ts, ql_mdl_space space, ql_str name)
{
    return qli_mdl_is_fixed(space) ? ts->mdl_fixed[space]
                                   : find(ts, space, name, hash_of(space, name));
}

qli_mdl_lock *
qli_mdl_find_or_add(ql_txnsys *ts, ql_mdl_space space, ql_str name)
{
    if (qli_mdl_is_fixed(space)) {
        return ts->mdl_fixed[space];
    }
    uint64_t hash = hash_of(space, name);
    qli_mdl_lock *l = find(ts, space, name, hash);
    if (l != NULL) {
        if (l->idle) {
            leave_idle(ts, l);
        }
        return l;
    }
    l = ql_mem_zalloc(sizeof *l + name.n);
    if (l != NULL) {
        l->space = space;
        l->n = name.n;
        memcpy(l->name, name.p, name.n);
        ql_hash_insert(&ts->mdl_table, &l->hn, hash);
    }
    return l;
}

void
qli_mdl_settle(ql_txnsys *ts, qli_mdl_lock *l)
{
    if (l->holders != NULL || l->first != NULL) {
        return;
    }
    if (qli_mdl_is_fixed(l->space)) {
        atomic_fetch_and_explicit(&l->ix, ~QLI_MDL_SLOW, memory_order_acq_rel);
        return;
    }
    if (l->idle) {
        return;
    }
    make_idle(ts, l);
    if (ts->mdl_nidle > IDLE_MAX) {
        qli_mdl_lock *old = ts->mdl_idle_last;
        leave_idle(ts, old);
        ql_hash_remove(&ts->mdl_table, &old->hn);
        ql_mem_free(old);
    }
}

ql_status
qli_mdl_init(ql_ctx *cx, ql_txnsys *ts)
{
    for (unsigned s = 0; s < QLI_MDL_FIXED; s++) {
        ts->mdl_fixed[s] = ql_mem_zalloc(sizeof(qli_mdl_lock));
        if (ts->mdl_fixed[s] == NULL) {
            return ql_fail_oom(cx, sizeof(qli_mdl_lock));
        }
        ts->mdl_fixed[s]->space = (ql_mdl_space)s;
    }
    return ql_hash_init(cx, &ts->mdl_table, 256);
}

void
qli_mdl_fini(ql_txnsys *ts)
{
    while (ts->mdl_idle_first != NULL) {
        qli_mdl_lock *l = ts->mdl_idle_first;
        leave_idle(ts, l);
        ql_hash_remove(&ts->mdl_table, &l->hn);
        ql_mem_free(l);
    }
    for (unsigned s = 0; s < QLI_MDL_FIXED; s++) {
        ql_mem_free(ts->mdl_fixed[s]);
    }
    ql_hash_fini(&ts->mdl_table);
}

/* --- own tickets --- */

/* Visits the set's granted tickets on l by the shorter of the two lists they stand in. */
#define EACH_OWN(t, set, l)                                                                        \
    bool by_lock_ = (l)->nholders < (set)->n[0] + (set)->n[1] + (set)->n[2];                       \
    for (qli_mdl_ticket * (t) = by_lock_ ? (l)->holders : (set)->tickets; (t) != NULL;             \
         (t) = by_lock_ ? (t)->next : (t)->own_next)                                               \
        if ((t)->set == (set) && (t)->lock == (l))

qli_mdl_ticket *
qli_mdl_own(const qli_mdl_set *set, const qli_mdl_lock *l, ql_mdl_mode mode)
{
    EACH_OWN(t, set, l)
    {
        if (qli_mdl_covers(l->space, t->mode, mode)) {
            return t;
        }
    }
    return NULL;
}

static bool
holds_any(const qli_mdl_set *set, const qli_mdl_lock *l)
{
    if (qli_mdl_is_fixed(l->space) &&
        atomic_load_explicit(&set->ix[l->space], memory_order_relaxed) != 0) {
        return true;
    }
    EACH_OWN(t, set, l)
    {
        return true;
    }
    return false;
}

/* --- may it be granted? --- */

static bool
held_conflicts(const qli_mdl_lock *l, const qli_mdl_set *set, ql_mdl_mode mode)
{
    uint16_t mask = held_in_the_way(l->space, mode);
    uint32_t own[QL_MDL_MODES] = {0};
    if (qli_mdl_is_fixed(l->space) && (mask & M(IX)) != 0) {
        uint64_t n = atomic_load_explicit(&l->ix, memory_order_acquire) & ~QLI_MDL_SLOW;
        bool mine = atomic_load_explicit(&set->ix[l->space], memory_order_relaxed) != 0;
        if (n > (mine ? 1 : 0)) {
            return true;
        }
    }
    mask &= l->held_modes;
    if (mask == 0) {
        return false;
    }
    EACH_OWN(t, set, l)
    {
        own[t->mode]++;
    }
    for (unsigned m = 0; m < QL_MDL_MODES; m++) {
        if ((mask >> m & 1) != 0 && l->held[m] > own[m]) {
            return true;
        }
    }
    return false;
}

static bool
pending_conflicts(const qli_mdl_ticket *t)
{
    const qli_mdl_lock *l = t->lock;
    uint16_t mask = pending_in_the_way(l->space, t->mode);
    if ((mask & l->pending_modes) == 0 || holds_any(t->set, l)) {
        return false;
    }
    if (!is_fifo(l->space)) {
        return true; /* no mode is in its own way, so it is somebody else's */
    }
    for (const qli_mdl_ticket *w = l->first; w != NULL && w != t; w = w->next) {
        if ((mask & qli_mdl_bit(w->mode)) != 0) {
            return true;
        }
    }
    return false;
}

bool
qli_mdl_can_grant(ql_txnsys *ts, const qli_mdl_ticket *t)
{
    (void)ts;
    return !held_conflicts(t->lock, t->set, t->mode) && !pending_conflicts(t);
}

/* --- holders --- */

static bool
is_mark(const qli_mdl_ticket *t)
{
    return t->mode == QL_MDL_IX && qli_mdl_is_fixed(t->lock->space);
}

static void
hold_mark(qli_mdl_ticket *t)
{
    atomic_fetch_add_explicit(&t->lock->ix, 1, memory_order_acq_rel);
    atomic_store_explicit(&t->set->ix[t->lock->space], (uint8_t)(1 + t->duration),
                          memory_order_relaxed);
}

void
qli_mdl_hold(qli_mdl_ticket *t)
{
    qli_mdl_lock *l = t->lock;
    t->granted = true;
    if (is_mark(t)) {
        hold_mark(t);
        return;
    }
    t->prev = NULL;
    t->next = l->holders;
    if (t->next != NULL) {
        t->next->prev = t;
    }
    l->holders = t;
    l->nholders++;
    l->held[t->mode]++;
    l->held_modes |= qli_mdl_bit(t->mode);
    t->own_prev = NULL;
    t->own_next = t->set->tickets;
    if (t->own_next != NULL) {
        t->own_next->own_prev = t;
    }
    t->set->tickets = t;
    t->set->n[t->duration]++;
    t->seq = ++t->set->seq;
}

static void
leave_holders(qli_mdl_ticket *t)
{
    qli_mdl_lock *l = t->lock;
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        l->holders = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
    l->nholders--;
    if (--l->held[t->mode] == 0) {
        l->held_modes &= (uint16_t)~qli_mdl_bit(t->mode);
    }
}

void
qli_mdl_unhold(qli_mdl_ticket *t)
{
    t->granted = false;
    if (is_mark(t)) {
        atomic_store_explicit(&t->set->ix[t->lock->space], 0, memory_order_relaxed);
        atomic_fetch_sub_explicit(&t->lock->ix, 1, memory_order_acq_rel);
        return;
    }
    leave_holders(t);
    if (t->own_prev != NULL) {
        t->own_prev->own_next = t->own_next;
    } else {
        t->set->tickets = t->own_next;
    }
    if (t->own_next != NULL) {
        t->own_next->own_prev = t->own_prev;
    }
    t->set->n[t->duration]--;
}

/* --- queue --- */

void
qli_mdl_queue(qli_mdl_ticket *t)
{
    qli_mdl_lock *l = t->lock;
    t->next = NULL;
    t->prev = l->last;
    if (l->last != NULL) {
        l->last->next = t;
    } else {
        l->first = t;
    }
    l->last = t;
    l->pending[t->mode]++;
    l->pending_modes |= qli_mdl_bit(t->mode);
    t->holding = holds_any(t->set, l);
    l->nholding += t->holding;
    t->set->waiting = t;
}

void
qli_mdl_unqueue(qli_mdl_ticket *t)
{
    qli_mdl_lock *l = t->lock;
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
    if (--l->pending[t->mode] == 0) {
        l->pending_modes &= (uint16_t)~qli_mdl_bit(t->mode);
    }
    l->nholding -= t->holding;
    t->set->waiting = NULL;
}

/* --- who is in the way --- */

static bool
each_holder(ql_txnsys *ts, const qli_mdl_ticket *t, qli_mdl_visit visit, void *arg)
{
    const qli_mdl_lock *l = t->lock;
    uint16_t mask = held_in_the_way(l->space, t->mode);
    const qli_mdl_ticket *first = (mask & l->held_modes) != 0 ? l->holders : NULL;
    for (const qli_mdl_ticket *h = first; h != NULL; h = h->next) {
        if (h->set != t->set && (mask & qli_mdl_bit(h->mode)) != 0 && visit(arg, h->set)) {
            return true;
        }
    }
    if (!qli_mdl_is_fixed(l->space) || (mask & M(IX)) == 0) {
        return false;
    }
    for (qli_mdl_set *s = ts->mdl_sets; s != NULL; s = s->all_next) {
        if (s != t->set && atomic_load_explicit(&s->ix[l->space], memory_order_relaxed) != 0 &&
            visit(arg, s)) {
            return true;
        }
    }
    return false;
}

bool
qli_mdl_each_blocker(ql_txnsys *ts, const qli_mdl_ticket *t, qli_mdl_visit visit, void *arg)
{
    const qli_mdl_lock *l = t->lock;
    uint16_t mask = pending_in_the_way(l->space, t->mode);
    if (each_holder(ts, t, visit, arg)) {
        return true;
    }
    if ((mask & l->pending_modes) == 0 || holds_any(t->set, l)) {
        return false;
    }
    bool fifo = is_fifo(l->space);
    for (const qli_mdl_ticket *w = l->first; w != NULL && !(fifo && w == t); w = w->next) {
        if (w->set != t->set && (mask & qli_mdl_bit(w->mode)) != 0 && visit(arg, w->set)) {
            return true;
        }
    }
    return false;
}

/* Somebody else than t in the queue? */
static bool
has_waiters(const qli_mdl_lock *l, const qli_mdl_ticket *t)
{
    return l->first != NULL && !(l->first == t && l->last == t);
}

/* Is t, in the queue, in the way of somebody who waits already? */
static bool
blocks_waiters(const qli_mdl_ticket *t)
{
    const qli_mdl_lock *l = t->lock;
    if (is_fifo(l->space)) {
        return t->next != NULL;
    }
    for (int m = 0; m < QL_MDL_MODES; m++) {
        uint32_t others = l->pending[m] - (m == (int)t->mode);
        if (others != 0 && (pending_in_the_way(l->space, (ql_mdl_mode)m) & qli_mdl_bit(t->mode))) {
            return true;
        }
    }
    return false;
}

bool
qli_mdl_is_wanted(ql_txnsys *ts, const qli_mdl_set *set, const qli_mdl_ticket *t)
{
    for (const qli_mdl_ticket *own = set->tickets; own != NULL; own = own->own_next) {
        if (has_waiters(own->lock, t)) {
            return true;
        }
    }
    for (unsigned i = 0; i < QLI_MDL_FIXED; i++) {
        if (atomic_load_explicit(&set->ix[i], memory_order_relaxed) != 0 &&
            has_waiters(ts->mdl_fixed[i], t)) {
            return true;
        }
    }
    return t != NULL && blocks_waiters(t);
}

static bool
take_first(void *arg, qli_mdl_set *other)
{
    *(uint64_t *)arg = other->conn_id;
    return true;
}

uint64_t
qli_mdl_blocker(ql_txnsys *ts, const qli_mdl_ticket *t)
{
    uint64_t id = 0;
    if (!qli_mdl_each_blocker(ts, t, take_first, &id)) {
        return 0;
    }
    return id;
}

/* --- granting --- */

/* The process list says who is in the way now. */
static void
refresh_waiters(ql_txnsys *ts, const qli_mdl_lock *l)
{
    const qli_mdl_ticket *w = l->first;
    for (int i = 0; w != NULL && i < REFRESH_MAX; i++, w = w->next) {
        if (w->set->proc != NULL) {
            ql_proc_set_waits_for(w->set->proc, qli_mdl_blocker(ts, w));
        }
    }
}

/* Can nobody be granted m who waits for it and holds nothing here? ahead: the modes of those that
 * stay in the queue before it. */
static bool
mode_is_blocked(const qli_mdl_lock *l, ql_mdl_mode m, uint16_t ahead)
{
    uint16_t held = held_in_the_way(l->space, m);
    uint16_t pending = is_fifo(l->space) ? ahead : l->pending_modes;
    if ((held & l->held_modes) != 0 || (pending_in_the_way(l->space, m) & pending) != 0) {
        return true;
    }
    return qli_mdl_is_fixed(l->space) && (held & M(IX)) != 0 &&
           (atomic_load_explicit(&l->ix, memory_order_acquire) & ~QLI_MDL_SLOW) != 0;
}

/* Nobody behind can be granted: found by mode, not by request, for thousands may wait, and each of
 * them that gives up asks. */
static bool
all_are_blocked(const qli_mdl_lock *l, uint16_t ahead)
{
    if (l->nholding != 0) {
        return false;
    }
    for (int m = 0; m < QL_MDL_MODES; m++) {
        if (l->pending[m] != 0 && !mode_is_blocked(l, (ql_mdl_mode)m, ahead)) {
            return false;
        }
    }
    return true;
}

/* As qli_mdl_can_grant for one in the queue, those before it known by their modes. */
static bool
can_grant_behind(const qli_mdl_ticket *t, uint16_t ahead)
{
    const qli_mdl_lock *l = t->lock;
    uint16_t pending = is_fifo(l->space) ? ahead : l->pending_modes;
    return !held_conflicts(l, t->set, t->mode) &&
           (t->holding || (pending_in_the_way(l->space, t->mode) & pending) == 0);
}

void
qli_mdl_grant_next(ql_txnsys *ts, qli_mdl_lock *l)
{
    uint16_t ahead = 0;
    for (qli_mdl_ticket *t = l->first, *next; t != NULL && !all_are_blocked(l, ahead); t = next) {
        next = t->next;
        if (can_grant_behind(t, ahead)) {
            qli_mdl_unqueue(t);
            qli_mdl_hold(t);
            ql_cv_signal(&t->cv);
        } else {
            ahead |= qli_mdl_bit(t->mode);
        }
    }
    if (l->first != NULL) {
        refresh_waiters(ts, l);
    }
}
