/* SPDX-License-Identifier: Apache-2.0
 *
 * Row locks: a sharded hash by index key of who holds what. A lock names its owner's shared part;
 * ending the transaction is one state change there that makes all its locks void, whatever their
 * number. Void ones are taken out on access and by the reclaimer. Requests that must wait stand in
 * the table too, so that later ones queue behind them. Takes a shard's mutex (rank ROWLOCK) or a
 * transaction's (rank TXN), never both.
 */
#include "txn/txn_int.h"

#define SWEEP_INLINE 64u /* void locks that the ending thread takes out itself */

ql_status
qli_rowlock_init(ql_ctx *cx, ql_txnsys *ts)
{
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        ql_mutex_init(&ts->shards[i].mu, QL_RANK_ROWLOCK);
    }
    ql_mutex_init(&ts->graph_mu, QL_RANK_TXNSYS);
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        QL_TRY(ql_hash_init(cx, &ts->shards[i].table, 64));
    }
    return QL_OK;
}

void
qli_rowlock_fini(ql_txnsys *ts)
{
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        ql_hash_fini(&ts->shards[i].table);
        ql_mutex_fini(&ts->shards[i].mu);
    }
    ql_mutex_fini(&ts->graph_mu);
}

uint64_t
qli_rowlock_count(ql_txnsys *ts)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < QLI_SHARDS; i++) {
        ql_mutex_lock(&ts->shards[i].mu);
        n += ts->shards[i].table.count;
        ql_mutex_unlock(&ts->shards[i].mu);
    }
    return n;
}

/* --- the shared part --- */

static qli_trx *
trx_new(ql_ctx *cx, const ql_txn *t)
{
    qli_trx *trx = ql_mem_zalloc(sizeof *trx);
    if (trx == NULL) {
        (void)ql_fail_oom(cx, sizeof *trx);
        return NULL;
    }
    atomic_store_explicit(&trx->refs, 1, memory_order_relaxed);
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
shard_of(ql_txnsys *ts, uint64_t hash)
{
    return &ts->shards[(hash >> 40) % QLI_SHARDS];
}

/* [shard] */
static void
unlink_lock(qli_shard *sh, qli_lock *l)
{
    if (l->linked) {
        ql_hash_remove(&sh->table, &l->hn);
        l->linked = false;
    }
}

void
qli_trx_sweep(ql_txnsys *ts, qli_trx *trx)
{
    for (qli_lock *l = trx->locks; l != NULL; l = l->next_own) {
        qli_shard *sh = shard_of(ts, l->hn.hash);
        ql_mutex_lock(&sh->mu);
        unlink_lock(sh, l);
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
    if (trx->nlocks <= SWEEP_INLINE) {
        qli_trx_sweep(ts, trx);
    } else {
        qli_reclaim_trx(ts, trx);
    }
}

/* --- asking --- */

/* One request on its way. */
typedef struct request {
    qli_shard *shard;
    uint64_t hash;
    ql_str key;
    ql_lock_mode mode;
    qli_trx *trx;
    qli_lock *waiting; /* its place in the queue, or NULL */
    qli_lock *held;    /* what the transaction holds there already */
    qli_trx *blocker;  /* referenced */
    uint64_t leaves;   /* blocker's, while its lock was in the table */
} request;

static bool
modes_conflict(uint8_t a, uint8_t b)
{
    return a == QL_LOCK_X || b == QL_LOCK_X;
}

static bool
is_same_key(const qli_lock *l, ql_str key)
{
    return l->klen == key.n && memcmp(l->key, key.p, key.n) == 0;
}

/* [shard] Look through the locks on the key: own ones, and the latest arrival in the way. */
static qli_lock *
find_blocker(request *r)
{
    qli_lock *granted = NULL, *queued = NULL;
    uint64_t before = r->waiting != NULL ? r->waiting->ticket : UINT64_MAX;
    r->held = NULL;
    ql_hash_node *next;
    for (ql_hash_node *n = ql_hash_first(&r->shard->table, r->hash); n != NULL; n = next) {
        next = ql_hash_next(n);
        qli_lock *l = (qli_lock *)(void *)n;
        if (!is_same_key(l, r->key)) {
            continue;
        }
        if (l->owner == r->trx) {
            r->held = l->granted ? l : r->held;
        } else if (atomic_load_explicit(&l->owner->ended, memory_order_acquire)) {
            unlink_lock(r->shard, l);
        } else if (!modes_conflict(l->mode, (uint8_t)r->mode)) {
            continue;
        } else if (l->granted) {
            granted = granted == NULL || l->ticket > granted->ticket ? l : granted;
        } else if (l->ticket < before) {
            queued = queued == NULL || l->ticket > queued->ticket ? l : queued;
        }
    }
    if (r->held != NULL && r->held->mode >= (uint8_t)r->mode) {
        return NULL;
    }
    /* Who holds the row already need not queue behind those who wait for it. */
    if (r->held != NULL || queued == NULL) {
        return granted;
    }
    return granted == NULL || queued->ticket > granted->ticket ? queued : granted;
}

/* [shard] */
static qli_lock *
add_lock(request *r, bool granted)
{
    qli_lock *l = qli_chunks_take(&r->trx->mem, sizeof *l + r->key.n);
    if (l == NULL) {
        return NULL;
    }
    l->owner = r->trx;
    l->ticket = r->shard->next_ticket++;
    l->klen = (uint32_t)r->key.n;
    l->mode = (uint8_t)r->mode;
    l->granted = granted;
    l->linked = true;
    memcpy(l->key, r->key.p, r->key.n);
    l->next_own = r->trx->locks;
    r->trx->locks = l;
    r->trx->nlocks++;
    ql_hash_insert(&r->shard->table, &l->hn, r->hash);
    return l;
}

/* [shard] False when memory is out. */
static bool
grant(request *r)
{
    if (r->held != NULL) {
        r->held->mode = r->held->mode > (uint8_t)r->mode ? r->held->mode : (uint8_t)r->mode;
        if (r->waiting != NULL) {
            unlink_lock(r->shard, r->waiting);
        }
        return true;
    }
    if (r->waiting != NULL) {
        r->waiting->granted = true;
        return true;
    }
    return add_lock(r, true) != NULL;
}

/* QL_OK = granted; QL_END = must wait for r->blocker (referenced). */
static ql_status
try_request(ql_ctx *cx, request *r)
{
    bool enough = true;
    ql_mutex_lock(&r->shard->mu);
    qli_lock *b = find_blocker(r);
    if (b == NULL) {
        enough = grant(r);
    } else if (r->waiting == NULL) {
        r->waiting = add_lock(r, false);
        enough = r->waiting != NULL;
    }
    if (b != NULL && enough) {
        r->blocker = b->owner;
        r->leaves = atomic_load_explicit(&b->owner->leaves, memory_order_acquire);
        atomic_fetch_add_explicit(&b->owner->refs, 1, memory_order_relaxed);
    }
    ql_mutex_unlock(&r->shard->mu);
    if (!enough) {
        return ql_fail_oom(cx, sizeof(qli_lock) + r->key.n);
    }
    return b == NULL ? QL_OK : QL_END;
}

/* Out of the queue; those behind look again. */
static void
withdraw(request *r)
{
    if (r->waiting == NULL) {
        return;
    }
    ql_mutex_lock(&r->shard->mu);
    unlink_lock(r->shard, r->waiting);
    ql_mutex_unlock(&r->shard->mu);
    wake_waiters(r->trx, false);
}

ql_status
ql_txn_lock_row(ql_ctx *cx, ql_str key, ql_lock_mode mode, ql_deadline dl)
{
    ql_txn *t = cx->txn;
    ql_txnsys *ts = t->ts;
    if (t->trx == NULL) {
        t->trx = trx_new(cx, t);
        if (t->trx == NULL) {
            return QL_ERROR;
        }
    }
    uint64_t hash = ql_hash_bytes(key.p, key.n, 0);
    request r = {
        .shard = shard_of(ts, hash), .hash = hash, .key = key, .mode = mode, .trx = t->trx};
    ql_status st = try_request(cx, &r);
    if (QL_UNLIKELY(st == QL_END)) {
        qli_count(&ts->n_lock_waits);
        do {
            st = qli_rowlock_wait(cx, t, r.blocker, r.leaves, dl);
            if (st == QL_OK) {
                st = try_request(cx, &r);
            }
        } while (st == QL_END);
        if (st != QL_OK) {
            withdraw(&r);
        }
    }
    return st;
}
