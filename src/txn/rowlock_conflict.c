/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in the way of a request for a row lock: which classes exclude each other, who may pass
 * whom, whom to wait for. Reads the trees only; all of it under the shard's mutex (rank ROWLOCK).
 */
#include "txn/rowlock_int.h"

#define HITS_MAX 64u      /* of a stretch: conflicts looked at to find the latest */
#define PASS_BUDGET 1000u /* locks looked at to find out whether one may pass another */

uint8_t
qli_lock_conflicts(uint8_t cls, bool insert, bool gap_s)
{
    if (insert) {
        return QLI_POINTS | QLI_SPANS;
    }
    switch (cls) {
    case QLI_REC_S:
    case QLI_RANGE_S:
        return QLI_REC_X | QLI_RANGE_X;
    case QLI_GAP:
        return gap_s ? QLI_REC_X : QLI_POINTS;
    default:
        return QLI_POINTS | QLI_RANGE_S | QLI_RANGE_X;
    }
}

static bool
overlaps(qli_lock *l, const qli_lock_request *r)
{
    ql_str low = qli_lock_low(l);
    if (r->point) {
        int d = ql_str_cmp(low, r->low);
        return qli_is_span(l) ? d <= 0 && ql_str_cmp(qli_span_high(l), r->low) > 0 : d == 0;
    }
    if (ql_str_cmp(low, r->high) >= 0) {
        return false;
    }
    return qli_is_span(l) ? ql_str_cmp(qli_span_high(l), r->low) > 0 : ql_str_cmp(low, r->low) >= 0;
}

typedef struct passing {
    const qli_lock_request *r;
    uint8_t conflicts; /* of the one to be passed */
    bool may;
} passing;

static bool
see_own(void *arg, qli_lock *e)
{
    passing *p = arg;
    p->may =
        e->granted && ((e->cls & p->conflicts) != 0 || (e->cls != QLI_GAP && overlaps(e, p->r)));
    return p->may;
}

/* [shard] Who holds a lock there already need not queue behind w, which waits: w waits for it, or
 * will as soon as the lock becomes what is asked for. */
static bool
may_pass(const qli_lock_request *r, qli_lock *w)
{
    if (r->trx->nlocks == 0) {
        return false;
    }
    bool span = qli_is_span(w);
    passing p = {.r = r, .conflicts = qli_lock_conflicts(w->cls, w->insert, w->gap_s)};
    qli_overlap q = {.low = qli_lock_low(w),
                     .high = span ? qli_span_high(w) : (ql_str){0},
                     .point = !span,
                     .only = r->trx,
                     .hit = see_own,
                     .arg = &p};
    q.classes = QLI_POINTS;
    q.budget = PASS_BUDGET;
    if (!qli_points_search(r->shard, &q)) {
        q.classes = QLI_SPANS;
        q.budget = PASS_BUDGET;
        (void)qli_locktree_search(&r->shard->spans, &q);
    }
    return p.may;
}

bool
qli_lock_blocks(qli_lock_request *r, qli_lock *l)
{
    if (l->owner == r->trx || (l->cls & r->conflicts) == 0) {
        return false;
    }
    if (l->granted) {
        return true;
    }
    if (r->waiting != NULL && l->ticket >= r->waiting->ticket) {
        return false;
    }
    bool pass = may_pass(r, l);
    r->passed = r->passed || pass;
    return !pass;
}

static bool
has_ended(const qli_lock *l)
{
    return atomic_load_explicit(&l->owner->ended, memory_order_acquire);
}

/* A walk over the locks of one key. */
typedef struct key_walk {
    ql_str key;
    bool holders; /* only those, which come first */
    bool (*hit)(void *arg, qli_lock *l);
    void *arg;
    bool *enough; /* NULL, or where it is noted that a hit said so */
} key_walk;

static bool
see_key(void *arg, qli_lock *l)
{
    const key_walk *w = arg;
    if (ql_str_cmp(qli_lock_low(l), w->key) != 0 || (w->holders && !l->granted)) {
        return true;
    }
    bool enough = !has_ended(l) && w->hit(w->arg, l);
    if (enough && w->enough != NULL) {
        *w->enough = true;
    }
    return enough;
}

void
qli_lock_holders(qli_lock_request *r, bool (*hit)(void *arg, qli_lock *l), void *arg)
{
    key_walk w = {r->low, true, hit, arg, NULL};
    qli_overlap q = {.low = r->low,
                     .point = true,
                     .classes = QLI_POINTS,
                     .budget = SIZE_MAX,
                     .hit = hit,
                     .arg = arg};
    if (qli_sets_search(r->shard, &q)) {
        return;
    }
    (void)qli_locktree_walk(&r->shard->points, r->low, 0, see_key, &w);
}

void
qli_lock_points(qli_lock_request *r, bool (*hit)(void *arg, qli_lock *l), void *arg)
{
    if (r->point) {
        key_walk w = {r->low, false, hit, arg, NULL};
        uint64_t before = r->waiting != NULL ? r->waiting->ticket : UINT64_MAX;
        bool enough = false;
        qli_overlap q = {.low = r->low,
                         .point = true,
                         .classes = QLI_POINTS,
                         .budget = SIZE_MAX,
                         .hit = hit,
                         .arg = arg};
        w.enough = &enough;
        (void)qli_locktree_walk_back(&r->shard->points, r->low, before, see_key, &w);
        if (!enough) { /* what stands in a set is held: in front of all that wait */
            (void)qli_sets_search(r->shard, &q);
        }
        return;
    }
    qli_overlap q = {.low = r->low,
                     .high = r->high,
                     .classes = r->conflicts & QLI_POINTS,
                     .except = r->trx,
                     .budget = SIZE_MAX,
                     .hit = hit,
                     .arg = arg};
    (void)qli_points_search(r->shard, &q);
}

/* Of a point own ones, too: they may make a record lock needless, or let it pass others. */
void
qli_lock_spans(qli_lock_request *r, bool (*hit)(void *arg, qli_lock *l), void *arg)
{
    qli_overlap q = {.low = r->low,
                     .high = r->high,
                     .point = r->point,
                     .classes = r->conflicts & QLI_SPANS,
                     .except = r->point ? NULL : r->trx,
                     .budget = SIZE_MAX,
                     .hit = hit,
                     .arg = arg};
    q.classes |= r->point ? QLI_SPANS : 0;
    (void)qli_locktree_search(&r->shard->spans, &q);
}

/* Does own lock l hold all that r asks for? */
static bool
covers(qli_lock *l, const qli_lock_request *r)
{
    if (r->insert || !l->granted) {
        return false;
    }
    bool exclusive = r->cls == QLI_REC_X || r->cls == QLI_RANGE_X;
    bool strong = l->cls == QLI_RANGE_X || (!exclusive && l->cls == QLI_RANGE_S);
    if (r->point) {
        return strong;
    }
    strong = strong || (r->cls == QLI_GAP &&
                        (l->cls == QLI_RANGE_S || (l->cls == QLI_GAP && (r->gap_s || !l->gap_s))));
    return strong && ql_str_cmp(qli_lock_low(l), r->low) <= 0 &&
           ql_str_cmp(qli_span_high(l), r->high) >= 0;
}

/* Is what the transaction holds on the key enough? */
static bool
is_held(const qli_lock_request *r)
{
    return r->held != NULL && !r->insert && (r->held->cls == QLI_REC_X || r->cls == QLI_REC_S);
}

static bool
note_held(void *arg, qli_lock *l)
{
    qli_lock_request *r = arg;
    if (l->owner == r->trx && l->granted) {
        r->held = l;
        r->own_there = true;
    }
    return r->held != NULL;
}

/* A point in the way? Of one key the first one met is the latest. */
static bool
consider_point(void *arg, qli_lock *l)
{
    qli_lock_request *r = arg;
    (void)note_held(r, l);
    if (qli_lock_blocks(r, l)) {
        r->latest = r->latest == NULL || l->ticket > r->latest->ticket ? l : r->latest;
        r->hits++;
    }
    return r->hits >= (r->point ? 1 : HITS_MAX);
}

static bool
consider_span(void *arg, qli_lock *l)
{
    qli_lock_request *r = arg;
    if (l->owner == r->trx) {
        r->own_there = r->own_there || l->granted;
        r->covered = covers(l, r) ? l : r->covered;
    } else if (qli_lock_blocks(r, l)) {
        r->latest = r->latest == NULL || l->ticket > r->latest->ticket ? l : r->latest;
        r->hits++;
    } else if (!l->granted && (qli_lock_conflicts(l->cls, false, l->gap_s) & r->cls) != 0) {
        r->passed = true; /* a record lock is in the way of a gap lock, not the other way round */
    }
    return !r->point && r->hits >= HITS_MAX;
}

static bool
consider_cover(void *arg, qli_lock *l)
{
    qli_lock_request *r = arg;
    if (covers(l, r)) {
        r->covered = l;
    }
    return r->covered != NULL;
}

/* [shard] An own span that holds the stretch already? */
static void
look_for_cover(qli_lock_request *r)
{
    qli_overlap q = {.low = r->low,
                     .point = true,
                     .budget = PASS_BUDGET,
                     .classes = QLI_SPANS,
                     .only = r->trx,
                     .hit = consider_cover,
                     .arg = r};
    (void)qli_locktree_search(&r->shard->spans, &q);
}

qli_lock *
qli_lock_find_blocker(qli_lock_request *r, qli_lock_place *place)
{
    bool alone = r->point && !qli_locktree_probe(&r->shard->points, r->low, place) &&
                 !qli_sets_have(r, place);
    r->place = alone ? place : NULL;
    r->held = r->covered = r->latest = NULL;
    r->hits = 0;
    r->passed = r->own_there = false;
    if (r->point && !alone) {
        qli_lock_holders(r, note_held, r);
    } else if (!r->point && r->grows == NULL) {
        look_for_cover(r);
    }
    if (is_held(r) || r->covered != NULL) {
        return NULL;
    }
    if (!alone) {
        qli_lock_points(r, consider_point, r);
    }
    qli_lock_spans(r, consider_span, r);
    return is_held(r) || r->covered != NULL ? NULL : r->latest;
}
