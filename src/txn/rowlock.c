/* SPDX-License-Identifier: Apache-2.0
 *
 * Row locks: who holds what, ordered by index key (locktree.h), sharded by index id. A lock names
 * its owner's shared part; ending the transaction is one state change there that makes all its
 * locks void, whatever their number. Void ones are stepped over and taken out by the reclaimer.
 * Requests that must wait stand in the table too, so that later ones queue behind them. Takes a
 * shard's mutex (rank ROWLOCK) or a transaction's (rank TXN), never both.
 */
#include "txn/rowlock_int.h"

#include "txn/graph.h"
#include "txn/scratch.h"

#define SWEEP_INLINE 64u /* void locks that the ending thread takes out itself */
#define WAYS 200u        /* times the sweeper lets others run between two batches, at most */
#define SWEEP_BATCH 64u  /* taken out at a time */
#define OVER_BATCH 4096u /* stepped over, their tree being forgotten, between giving way */
#define KEEP UINT8_MAX   /* asks: cannot be given back */
#define SET_FROM 1000u   /* locks of a transaction before it has sets */
#define SPAN_LEAST 24u   /* bytes kept for each end of a span */

ql_status
qli_rowlock_init(ql_ctx *cx, ql_txnsys *ts)
{
    (void)cx;
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        ql_mutex_init(&ts->shards[i].mu, QL_RANK_ROWLOCK);
        ts->shards[i].spans.spans = true;
    }
    ts->set_from = SET_FROM;
    return QL_OK;
}

void
qli_rowlock_fini(ql_txnsys *ts)
{
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        ql_mutex_fini(&ts->shards[i].mu);
    }
}

uint64_t
qli_rowlock_count(ql_txnsys *ts)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        ql_mutex_lock(&ts->shards[i].mu);
        n += ts->shards[i].points.count + ts->shards[i].spans.count;
        n += qli_sets_count(&ts->shards[i]);
        ql_mutex_unlock(&ts->shards[i].mu);
    }
    return n;
}

/* --- the shared part --- */

static qli_trx *
trx_new(ql_ctx *cx, const ql_txn *t)
{
    qli_trx *trx = ql_mem_zalloc(sizeof *trx);
    qli_party *party = cx->mdl != NULL ? qli_party_get(qli_mdl_party(cx->mdl)) : qli_party_new();
    if (trx == NULL || party == NULL) {
        ql_mem_free(trx);
        qli_party_put(party);
        (void)ql_fail_oom(cx, sizeof *trx);
        return NULL;
    }
    atomic_store_explicit(&trx->refs, 1, memory_order_relaxed);
    trx->party = party;
    atomic_store_explicit(&party->wanted, false, memory_order_relaxed);
    trx->id = t->id;
    trx->conn_id = qli_conn_id(cx);
    ql_mutex_init(&trx->mu, QL_RANK_TXN);
    ql_cv_init(&trx->cv);
    trx->mem.counter = &t->ts->lock_bytes;
    return trx;
}

void
qli_trx_put(qli_trx *trx)
{
    if (atomic_fetch_sub_explicit(&trx->refs, 1, memory_order_acq_rel) == 1) {
        qli_chunks_free(&trx->mem);
        qli_party_put(trx->party);
        ql_mutex_fini(&trx->mu);
        ql_mem_free(trx);
    }
}

static void
wake_waiters(qli_trx *trx, bool ended)
{
    ql_mutex_lock(&trx->mu);
    if (ended) {
        atomic_store_explicit(&trx->ended, true, memory_order_release);
    } else {
        atomic_fetch_add_explicit(&trx->leaves, 1, memory_order_release);
    }
    ql_cv_broadcast(&trx->cv);
    ql_mutex_unlock(&trx->mu);
}

static qli_shard *
shard_of(ql_txnsys *ts, ql_str key)
{
    unsigned char id[4] = {0};
    memcpy(id, key.p, key.n < sizeof id ? key.n : sizeof id);
    uint32_t n = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return &ts->shards[(ql_hash_u64(n) >> 40) % QLI_SHARDS];
}

static qli_locktree *
tree_of(qli_shard *sh, const qli_lock *l)
{
    return qli_is_span(l) ? &sh->spans : &sh->points;
}

/* As a session does: the sweeper gives way to those it sees coming. */
static void
enter_shard(qli_shard *sh)
{
    atomic_fetch_add_explicit(&sh->coming, 1, memory_order_relaxed);
    ql_mutex_lock(&sh->mu);
    atomic_fetch_sub_explicit(&sh->coming, 1, memory_order_relaxed);
}

/* The mutex is not fair: without this a sweep of a million locks could keep a session out for
 * milliseconds. */
static void
give_way(const qli_shard *sh)
{
    for (unsigned i = 0; i < WAYS && atomic_load_explicit(&sh->coming, memory_order_relaxed) != 0;
         i++) {
        ql_thread_yield();
    }
}

/* [shard] */
static void
unlink_lock(qli_shard *sh, qli_lock *l)
{
    if (l->linked) {
        qli_locktree_remove(tree_of(sh, l), l);
    }
}

/* Trees in which there is nobody else are forgotten as they are. Bits of shards. */
typedef struct forgotten {
    uint64_t points, spans;
} forgotten;
_Static_assert(QLI_SHARDS <= 64, "a bit each");

static forgotten
forget_trees(ql_txnsys *ts, const qli_trx *trx)
{
    forgotten f = {0, 0};
    for (unsigned i = 0; trx->nmade > SWEEP_INLINE && i < QLI_SHARDS; i++) {
        qli_shard *sh = &ts->shards[i];
        ql_mutex_lock(&sh->mu);
        f.points |= (uint64_t)qli_locktree_forget(&sh->points, trx) << i;
        f.spans |= (uint64_t)qli_locktree_forget(&sh->spans, trx) << i;
        ql_mutex_unlock(&sh->mu);
    }
    return f;
}

static bool
is_forgotten(const forgotten *f, const qli_lock *l, ptrdiff_t shard)
{
    return ((qli_is_span(l) ? f->spans : f->points) >> shard & 1) != 0;
}

void
qli_trx_sweep(ql_txnsys *ts, qli_trx *trx)
{
    qli_shard *sh = NULL;
    unsigned n = 0, over = 0;
    qli_sets_drop(trx);
    forgotten f = forget_trees(ts, trx);
    for (qli_lock *l = trx->locks; l != NULL; l = l->next_own) {
        qli_shard *its = shard_of(ts, qli_lock_low(l));
        if (is_forgotten(&f, l, its - ts->shards)) {
            if (++over % OVER_BATCH == 0) {
                ql_thread_yield();
            }
            continue;
        }
        bool full = ++n % SWEEP_BATCH == 0;
        if (sh != its || full) {
            if (sh != NULL) {
                ql_mutex_unlock(&sh->mu);
            }
            if (full) {
                give_way(its);
            }
            sh = its;
            ql_mutex_lock(&sh->mu);
        }
        unlink_lock(sh, l);
    }
    if (sh != NULL) {
        ql_mutex_unlock(&sh->mu);
    }
    qli_trx_put(trx);
}

void
qli_trx_end(ql_txnsys *ts, qli_trx *trx)
{
    if (trx == NULL) {
        return;
    }
    wake_waiters(trx, true);
    if (trx->nmade <= SWEEP_INLINE) {
        qli_trx_sweep(ts, trx);
    } else {
        qli_reclaim_trx(ts, trx);
    }
}

/* --- making locks --- */

static size_t
point_room(size_t klen)
{
    return ((QLI_POINT_HEAD + klen + 7) & ~(size_t)7) - QLI_POINT_HEAD;
}

static void
own(qli_trx *trx, qli_lock *l)
{
    l->owner = trx;
    l->next_own = trx->locks;
    trx->locks = l;
    trx->nmade++;
}

static qli_lock *
new_point(qli_trx *trx, ql_str key)
{
    qli_lock *l = trx->spare;
    if (l != NULL && point_room(l->klen) >= key.n) {
        trx->spare = l->left;
        return l;
    }
    size_t n = QLI_POINT_HEAD + point_room(key.n);
    l = qli_chunks_take(&trx->mem, n < sizeof *l ? sizeof *l : n);
    if (l != NULL) {
        memset(l, 0, sizeof *l);
        own(trx, l);
    }
    return l;
}

/* Room for n bytes at *p, keeping none of those there. */
static bool
reserve(qli_chunks *mem, char **p, uint32_t *cap, size_t n)
{
    if (*cap < n) {
        size_t want = n + (*cap != 0 ? n : 0);
        want = want < SPAN_LEAST ? SPAN_LEAST : want;
        char *q = qli_chunks_take(mem, want);
        if (q == NULL) {
            return false;
        }
        *p = q;
        *cap = (uint32_t)want;
    }
    return true;
}

static qli_lock *
new_span(qli_trx *trx, ql_str low, ql_str high)
{
    qli_lock *l = qli_chunks_take(&trx->mem, sizeof *l + sizeof(qli_span));
    if (l == NULL) {
        return NULL;
    }
    memset(l, 0, sizeof *l + sizeof(qli_span));
    qli_span *s = qli_span_of(l);
    if (!reserve(&trx->mem, &s->low, &s->low_cap, low.n) ||
        !reserve(&trx->mem, &s->high, &s->high_cap, high.n)) {
        return NULL;
    }
    memcpy(s->low, low.p, low.n);
    memcpy(s->high, high.p, high.n);
    s->high_n = (uint32_t)high.n;
    own(trx, l);
    return l;
}

/* [shard] */
static qli_lock *
add_lock(const ql_txnsys *ts, qli_lock_request *r, bool granted)
{
    if (granted && r->stays && r->place != NULL && r->trx->nmade >= ts->set_from) {
        qli_lock *s = qli_set_add(r);
        r->trx->nlocks += s != NULL;
        return s;
    }
    qli_lock *l = r->point ? new_point(r->trx, r->low) : new_span(r->trx, r->low, r->high);
    if (l == NULL) {
        return NULL;
    }
    l->cls = r->cls;
    /* Holders stand in front of those who wait for the same key, also those that passed them. */
    l->ticket = granted && r->passed ? ++r->shard->next_passing
                                     : QLI_FIRST_TICKET + ++r->shard->next_ticket;
    l->klen = (uint16_t)r->low.n;
    if (r->point) {
        memcpy(qli_point_bytes(l), r->low.p, r->low.n);
    }
    l->granted = granted;
    l->insert = r->insert;
    l->gap_s = r->gap_s;
    l->passes = r->passed || r->own_there;
    l->stmt = r->stmt;
    l->asks = 1;
    if (r->place != NULL) {
        qli_locktree_insert_at(&r->shard->points, l, r->place);
    } else {
        qli_locktree_insert(tree_of(r->shard, l), l);
    }
    r->trx->nlocks += granted;
    return l;
}

/* [shard] Out of the table; a point's memory serves the next one. In a set it stays, as what is not
 * held. */
static void
discard(qli_shard *sh, qli_lock *l)
{
    if (l->in_set) {
        qli_set_give_back(sh, l);
        return;
    }
    unlink_lock(sh, l);
    if (!qli_is_span(l)) {
        l->left = l->owner->spare;
        l->owner->spare = l;
    }
}

/* [shard] The stretch checked becomes part of r->grows. */
static bool
grow(qli_lock_request *r)
{
    qli_lock *l = r->grows;
    qli_span *s = qli_span_of(l);
    bool at_low = ql_str_cmp(r->low, qli_lock_low(l)) < 0;
    if (ql_str_cmp(r->high, qli_span_high(l)) > 0) {
        if (!reserve(&r->trx->mem, &s->high, &s->high_cap, r->high.n)) {
            return false;
        }
        memcpy(s->high, r->high.p, r->high.n);
        s->high_n = (uint32_t)r->high.n;
        qli_locktree_stretch(&r->shard->spans, l);
    }
    if (at_low) {
        char *bytes = s->low;
        uint32_t cap = s->low_cap;
        if (!reserve(&r->trx->mem, &bytes, &cap, r->low.n)) {
            return false;
        }
        qli_locktree_remove(&r->shard->spans, l);
        memcpy(bytes, r->low.p, r->low.n);
        s->low = bytes;
        s->low_cap = cap;
        l->klen = (uint16_t)r->low.n;
        qli_locktree_insert(&r->shard->spans, l);
    }
    return true;
}

/* [shard] Asked for again. */
static void
count_ask(qli_lock *l, uint32_t stmt)
{
    l->asks = l->stmt == stmt && l->asks < KEEP ? (uint8_t)(l->asks + 1) : KEEP;
}

typedef struct renaming {
    uint64_t from, to;
} renaming;

static bool
rename_blocker(void *arg, qli_lock *l)
{
    const renaming *n = arg;
    if (!l->granted && l->owner->block_lock == n->from) {
        l->owner->block_lock = n->to;
    }
    return false;
}

/* [shard] l's id has changed: tell those who have noted it. */
static void
tell_waiters(const ql_txnsys *ts, const qli_shard *sh, qli_lock *l, uint64_t was)
{
    renaming n = {was, qli_lock_id(ts, sh, l)};
    qli_overlap q = {.low = qli_lock_low(l),
                     .point = true,
                     .classes = QLI_POINTS | QLI_SPANS,
                     .budget = SIZE_MAX,
                     .hit = rename_blocker,
                     .arg = &n};
    (void)qli_locktree_search(&sh->points, &q);
    (void)qli_locktree_search(&sh->spans, &q);
}

/* [shard] Own point l, class cls from now on, is granted. Those that wait for its key look only at
 * what stands in front of them: l goes there when it passes any. */
static void
settle(const ql_txnsys *ts, qli_lock_request *r, qli_lock *l, uint8_t cls)
{
    qli_locktree *t = &r->shard->points;
    bool stronger = l->cls != cls;
    l->insert = false;
    r->trx->nlocks += !l->granted;
    l->granted = true;
    if (l->in_set) {
        return; /* exclusive, and in front of all that wait */
    }
    if (r->passed) {
        uint64_t id = qli_lock_id(ts, r->shard, l);
        qli_locktree_remove(t, l);
        l->cls = cls;
        l->ticket = ++r->shard->next_passing;
        qli_locktree_insert(t, l);
        tell_waiters(ts, r->shard, l, id);
    } else if (stronger) {
        l->cls = cls;
        qli_locktree_raise(t, l);
    }
}

/* [shard] r has waited, or not, and holds nothing yet. False when memory is out. */
static bool
grant_new(const ql_txnsys *ts, qli_lock_request *r)
{
    if (r->waiting == NULL) {
        r->got = add_lock(ts, r, true);
        return r->got != NULL;
    }
    r->got = r->waiting;
    if (r->point) {
        settle(ts, r, r->got, r->cls);
    } else {
        r->got->granted = true;
        r->trx->nlocks++;
    }
    return true;
}

/* [shard] False when memory is out. */
static bool
grant(const ql_txnsys *ts, qli_lock_request *r)
{
    if (r->held == NULL && r->covered == NULL && r->grows == NULL) {
        return grant_new(ts, r);
    }
    r->got = r->held != NULL ? r->held : r->covered;
    if (r->held != NULL) {
        count_ask(r->held, r->stmt);
        settle(ts, r, r->held, r->held->cls < r->cls ? r->cls : r->held->cls);
    } else if (r->covered == NULL) {
        if (!grow(r)) {
            return false;
        }
        r->got = r->grows;
    }
    if (r->waiting != NULL) {
        discard(r->shard, r->waiting);
    }
    return true;
}

/* --- asking --- */

/* [shard] Note whom r, which waits, has to wait for. */
static void
note_blocker(ql_txnsys *ts, qli_lock_request *r, const qli_lock *b)
{
    qli_trx *o = b->owner, *me = r->trx;
    r->blocker = o;
    r->leaves = atomic_load_explicit(&o->leaves, memory_order_acquire);
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    if (me->wait_since_ns == 0) {
        me->wait_since_ns = ql_now_mono_ns();
    }
    me->block_lock = qli_lock_id(ts, r->shard, b);
    me->block_trx = o->id;
    me->block_conn = o->conn_id;
}

ql_status
qli_lock_try(ql_ctx *cx, qli_lock_request *r, bool queue)
{
    bool enough = true;
    qli_lock_place place;
    enter_shard(r->shard);
    qli_lock *b = qli_lock_find_blocker(r, &place);
    if (b == NULL) {
        enough = grant(qli_ts(cx), r);
        r->trx->wait_since_ns = 0;
        if (r->passed) { /* those it passed wait for it now, without having noted it */
            atomic_store_explicit(&r->trx->party->wanted, true, memory_order_relaxed);
        }
    } else if (queue) {
        r->waiting = r->waiting != NULL ? r->waiting : add_lock(qli_ts(cx), r, false);
        enough = r->waiting != NULL;
        if (enough) {
            note_blocker(qli_ts(cx), r, b);
        }
    }
    r->place = NULL;
    ql_mutex_unlock(&r->shard->mu);
    if (!enough) {
        return ql_fail_oom(cx, sizeof(qli_lock) + r->low.n + r->high.n);
    }
    return b == NULL ? QL_OK : QL_END;
}

/* Out of the queue; those behind look again. */
static void
withdraw(qli_lock_request *r)
{
    if (r->waiting == NULL) {
        return;
    }
    enter_shard(r->shard);
    discard(r->shard, r->waiting);
    r->trx->wait_since_ns = 0;
    ql_mutex_unlock(&r->shard->mu);
    wake_waiters(r->trx, false);
}

/* What the process list shows. */
static void
show_figures(ql_txn *t)
{
    qli_trx *trx = t->trx;
    QL_PTRX_SET(t->figures, locks, trx->nlocks);
    QL_PTRX_SET(t->figures, lock_bytes, trx->mem.total);
}

static void
count_wait(ql_txnsys *ts, int64_t since)
{
    uint64_t ns = (uint64_t)(ql_now_mono_ns() - since);
    uint64_t max = atomic_load_explicit(&ts->lock_wait_max_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&ts->lock_wait_ns, ns, memory_order_relaxed);
    while (ns > max &&
           !atomic_compare_exchange_weak_explicit(&ts->lock_wait_max_ns, &max, ns,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

static ql_status
wait_for_it(ql_ctx *cx, qli_lock_request *r, ql_deadline dl)
{
    ql_txn *t = cx->txn;
    ql_txnsys *ts = t->ts;
    int64_t since = ql_now_mono_ns();
    ql_status st;
    qli_count(&ts->n_lock_waits);
    qli_count(&ts->n_waiting);
    do {
        st = qli_rowlock_wait(cx, r, dl);
    } while (st == QL_END);
    if (st != QL_OK) {
        withdraw(r);
    }
    QL_PTRX_SET(t->figures, wait_lock, 0);
    atomic_fetch_sub_explicit(&ts->n_waiting, 1, memory_order_relaxed);
    count_wait(ts, since);
    return st;
}

static ql_status
take(ql_ctx *cx, qli_lock_request *r, const ql_lock_how *how)
{
    ql_txn *t = cx->txn;
    if (t->trx == NULL) {
        t->trx = trx_new(cx, t);
        if (t->trx == NULL) {
            return QL_ERROR;
        }
        QL_PTRX_SET(t->figures, flags, QL_PTRX_GET(t->figures, flags) | QL_PTRX_STARTED);
    }
    r->trx = t->trx;
    r->shard = shard_of(t->ts, r->low);
    r->stmt = t->stmt_no;
    r->conflicts = qli_lock_conflicts(r->cls, r->insert, r->gap_s);
    ql_status st = qli_lock_try(cx, r, false);
    if (QL_UNLIKELY(st == QL_END)) {
        st = how->policy == QL_LOCK_WAIT     ? wait_for_it(cx, r, how->deadline)
             : how->policy == QL_LOCK_NOWAIT ? ql_fail(cx, QL_ER_LOCK_NOWAIT)
                                             : QL_TIMEOUT;
    }
    show_figures(t);
    return st;
}

/* The table is locked as a whole, or only this session knows of it. */
static bool
is_needless(const ql_ctx *cx, ql_str key)
{
    return cx->txn->nontxn || ql_scratch_has(key);
}

ql_status
ql_txn_lock_row(ql_ctx *cx, ql_str key, const ql_lock_how *how)
{
    if (is_needless(cx, key)) {
        return QL_OK;
    }
    bool exclusive = how->mode == QL_LOCK_X;
    qli_lock_request r = {.low = key,
                          .point = true,
                          .stays = how->stays && exclusive,
                          .cls = exclusive ? QLI_REC_X : QLI_REC_S};
    return take(cx, &r, how);
}

ql_status
ql_txn_lock_insert(ql_ctx *cx, ql_str key, ql_deadline dl)
{
    if (is_needless(cx, key)) {
        return QL_OK;
    }
    qli_lock_request r = {
        .low = key, .point = true, .cls = QLI_REC_X, .insert = true, .stays = true};
    return take(cx, &r, &(ql_lock_how){.mode = QL_LOCK_X, .policy = QL_LOCK_WAIT, .deadline = dl});
}

/* The part [low, high) of what is asked for that l does not hold yet. */
static ql_status
take_more(ql_ctx *cx, qli_lock_request r, ql_str low, ql_str high, qli_lock *l,
          const ql_lock_how *how)
{
    r.low = low;
    r.high = high;
    r.grows = l;
    return take(cx, &r, how);
}

ql_status
ql_txn_lock_range(ql_ctx *cx, ql_str low, ql_str high, bool records, const ql_lock_how *how,
                  ql_lock_range **range)
{
    if (ql_str_cmp(low, high) >= 0 || is_needless(cx, low)) {
        return QL_OK;
    }
    bool exclusive = how->mode == QL_LOCK_X;
    qli_lock_request r = {.low = low, .high = high, .gap_s = !records && !exclusive};
    r.cls = !records ? QLI_GAP : exclusive ? QLI_RANGE_X : QLI_RANGE_S;
    /* Only the owner changes the ends of its own lock, so they may be read here. */
    qli_lock *l = (qli_lock *)(void *)*range;
    if (l == NULL || l->cls != r.cls || l->gap_s != r.gap_s ||
        ql_str_cmp(low, qli_span_high(l)) > 0 || ql_str_cmp(high, qli_lock_low(l)) < 0) {
        QL_TRY(take(cx, &r, how));
        *range = (ql_lock_range *)(void *)r.got;
        return QL_OK;
    }
    if (ql_str_cmp(low, qli_lock_low(l)) < 0) {
        QL_TRY(take_more(cx, r, low, qli_lock_low(l), l, how));
    }
    if (ql_str_cmp(high, qli_span_high(l)) > 0) {
        return take_more(cx, r, qli_span_high(l), high, l, how);
    }
    return QL_OK;
}

/* --- giving back --- */

typedef struct giving {
    const qli_trx *me;
    qli_lock *held;
    bool wanted; /* somebody waits there */
} giving;

static bool
see_there(void *arg, qli_lock *l)
{
    giving *g = arg;
    if (l->owner != g->me) {
        g->wanted = g->wanted || !l->granted;
    } else if (l->granted && !qli_is_span(l)) {
        g->held = l;
    }
    return false;
}

void
ql_txn_unlock_row(ql_ctx *cx, ql_str key)
{
    ql_txn *t = cx->txn;
    qli_trx *trx = t->trx;
    if (trx == NULL) {
        return;
    }
    qli_shard *sh = shard_of(t->ts, key);
    giving g = {.me = trx};
    qli_overlap q = {.low = key,
                     .point = true,
                     .classes = QLI_POINTS | QLI_SPANS,
                     .budget = SIZE_MAX,
                     .hit = see_there,
                     .arg = &g};
    enter_shard(sh);
    (void)qli_sets_search(sh, &q);
    (void)qli_locktree_search(&sh->points, &q);
    qli_lock *l = g.held;
    bool gone = l != NULL && l->stmt == t->stmt_no && l->asks != KEEP && --l->asks == 0;
    if (gone) {
        (void)qli_locktree_search(&sh->spans, &q);
        discard(sh, l);
        trx->nlocks--;
    }
    ql_mutex_unlock(&sh->mu);
    if (gone) {
        show_figures(t);
    }
    if (gone && g.wanted) {
        wake_waiters(trx, false);
    }
}
