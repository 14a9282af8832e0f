/* SPDX-License-Identifier: Apache-2.0
 *
 * The flusher: freezes the active generation when it is old or nothing was added for a while, takes
 * frozen ones into LMDB in one transaction with LMDB's own syncs, makes durable what was written
 * lazily, makes segments of the log before they are wanted, frees generations nobody needs. Own
 * thread; mutex KV for its lists, never over I/O or an LMDB call. LMDB's write transaction belongs
 * to whoever took the token writer_busy: the flusher or the committer.
 */
#include "intr/space.h"
#include "kv/redo_int.h"

#include <errno.h>

#include "base/log.h"

#define RETRY_NS ((int64_t)1000000000)
#define LAZY_NS ((int64_t)1000000000)
#define SOON_NS ((int64_t)5000000)
#define KEYS_PER_LOOK 1024u
#define LARGE 4         /* times a segment's size, where medium commits come */
#define PATIENT_IDLE 10 /* times the usual time that a generation with such a commit waits */
#define PATIENT_AGE 5
#define ALL_REASONS (QL_INTR_STMT_MASK | QL_INTR_CONN_MASK)

/* --- the writer's token --- */

/* [mu] Generations that take no more commits. */
static uint32_t
count_frozen(const qli_redo *r)
{
    return r->ngens - (r->active != NULL ? 1 : 0);
}

void
qli_writer_take(ql_ctx *cx, qli_redo *r)
{
    ql_hold(cx, ALL_REASONS);
    ql_mutex_lock(&r->l.mu);
    while (r->writer_busy) {
        /* Nothing can raise a reason that is not held. */
        ql_status st = ql_cv_wait(cx, &r->writer_free, &r->l.mu, QL_FOREVER, QL_W_BACKGROUND);
        (void)st;
    }
    r->writer_busy = true;
    ql_mutex_unlock(&r->l.mu);
    ql_unhold(cx, ALL_REASONS);
}

void
qli_writer_give(qli_redo *r)
{
    ql_mutex_lock(&r->l.mu);
    r->writer_busy = false;
    ql_cv_signal(&r->writer_free);
    if (count_frozen(r) != 0) {
        ql_cv_signal(&r->work); /* given up, or failed: now it is the flusher's */
    }
    ql_mutex_unlock(&r->l.mu);
}

/* --- generations into LMDB --- */

static ql_status
put_gen(ql_ctx *cx, ql_kv_apply *a, const qli_gen *g)
{
    uint32_t n = 0;
    for (qli_mnode *at = atomic_load_explicit(&g->mt.head[0], memory_order_acquire); at != NULL;
         at = qli_mnode_next(at)) {
        const qli_mver *v = qli_mnode_at(at, UINT64_MAX);
        ql_str key = qli_mnode_key(at);
        QL_TRY(v->deleted ? qli_lapply_del(cx, a, key)
                          : qli_lapply_put(cx, a, key, (ql_str){v->bytes, v->n}));
#ifdef QL_DEBUG
        if (++n % KEYS_PER_LOOK == 0) {
            ql_intr_gap_restart(cx, __FILE__, __LINE__); /* not to be stopped half-way */
        }
#endif
    }
    (void)n;
    return QL_OK;
}

ql_status
qli_flush_put(ql_ctx *cx, qli_redo *r, ql_kv_apply *a, uint32_t n)
{
    qli_gen *gens[QLI_GENS];
    ql_mutex_lock(&r->l.mu);
    memcpy(gens, r->gens, n * sizeof gens[0]);
    ql_mutex_unlock(&r->l.mu);
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(put_gen(cx, a, gens[i]));
    }
    return QL_OK;
}

/* [mu] LMDB has the first n generations. */
static void
drop_gens(qli_redo *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        r->free_segments |= r->gens[i]->segments;
        r->held_bytes += atomic_load_explicit(&r->gens[i]->mt.bytes, memory_order_relaxed);
        qli_gen_put(r, r->gens[i]);
    }
    r->ngens -= n;
    memmove(r->gens, r->gens + n, r->ngens * sizeof r->gens[0]);
}

ql_status
qli_flush_commit(ql_ctx *cx, qli_redo *r, ql_kv_apply *a, uint32_t n, uint64_t seq, bool in_use)
{
    ql_status st = qli_redo_state_put(cx, r, a, seq, in_use);
    if (st != QL_OK) {
        qli_lapply_abort(a);
        return st;
    }
    /* Announced before it can be seen: a snapshot of it must know what it shows. */
    uint64_t txn = qli_lapply_txn_id(a);
    ql_mutex_lock(&r->l.mu);
    r->next_txn = txn;
    r->next_seq = seq;
    ql_mutex_unlock(&r->l.mu);
    int rc = qli_lapply_finish(cx, a);
    ql_mutex_lock(&r->l.mu);
    r->next_txn = 0;
    if (rc == 0) {
        r->file_txn = txn;
        r->file_seq = seq;
        r->log_is_named = in_use;
        r->l.old_format = false;
        qli_redo_log_applied(&r->log, seq);
        drop_gens(r, n);
        ql_cv_broadcast(&r->flushed);
        if (atomic_load_explicit(&r->l.kv.seq, memory_order_relaxed) < seq) {
            atomic_store_explicit(&r->l.kv.seq, seq, memory_order_release);
        }
    }
    ql_mutex_unlock(&r->l.mu);
    return rc == 0 ? QL_OK : qli_lmdb_fail(cx, &r->l, rc);
}

ql_status
qli_flush_frozen(ql_ctx *cx, qli_redo *r)
{
    ql_mutex_lock(&r->l.mu);
    uint32_t n = count_frozen(r);
    uint64_t seq = n != 0 ? r->gens[n - 1]->last : 0;
    bool in_use = !r->no_log && !(r->closing && n == r->ngens);
    ql_mutex_unlock(&r->l.mu);
    if (n == 0) {
        return QL_OK;
    }
    ql_kv_apply *a;
    QL_TRY(qli_lapply_begin(cx, &r->l.kv, &a));
    ql_status st = qli_flush_put(cx, r, a, n);
    if (st != QL_OK) {
        qli_lapply_abort(a);
        return st;
    }
    st = qli_flush_commit(cx, r, a, n, seq, in_use);
    if (st == QL_OK) {
        ql_mutex_lock(&r->l.mu);
        r->n_flushes++;
        ql_mutex_unlock(&r->l.mu);
    }
    return st;
}

ql_status
qli_redo_flush_frozen(ql_ctx *cx, qli_redo *r)
{
    qli_writer_take(cx, r);
    ql_status st = qli_flush_frozen(cx, r);
    qli_writer_give(r);
    return st;
}

/* --- the thread --- */

/* Logged when it begins and when it ends. */
static void
note_flush(ql_ctx *cx, qli_redo *r, ql_status st)
{
    bool failed = st != QL_OK;
    if (failed && !r->flush_failed) {
        const ql_condition *c = ql_diag_error(cx->diag);
        ql_log_write(cx->inst->log, QL_LOG_WARNING,
                     "Recent commits stay in the redo log, the data file cannot take them: %s",
                     c != NULL ? c->text : "no reason");
    } else if (!failed && r->flush_failed) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING, "The data file takes commits again");
    }
    r->flush_failed = failed;
    ql_diag_reset(cx->diag);
    if (!failed && cx->inst->space != NULL && ql_space_waiting(cx->inst->space) > 0) {
        ql_space_kick(cx->inst->space); /* who waits needs less space now */
    }
}

/* [mu], given up meanwhile */
static void
flush_now(ql_ctx *cx, qli_redo *r)
{
    r->writer_busy = true;
    ql_mutex_unlock(&r->l.mu);
    ql_status st = qli_flush_frozen(cx, r);
    note_flush(cx, r, st);
    ql_mutex_lock(&r->l.mu);
    r->writer_busy = false;
    r->retry_ns = st == QL_OK ? 0 : ql_now_mono_ns() + RETRY_NS;
    if (st != QL_OK) {
        ql_cv_broadcast(&r->flushed);
    }
    ql_cv_signal(&r->writer_free);
}

/* [mu], given up meanwhile */
static void
free_garbage(qli_redo *r)
{
    qli_gen *g = r->garbage;
    r->garbage = NULL;
    ql_mutex_unlock(&r->l.mu);
    size_t bytes = 0;
    for (qli_gen *next; g != NULL; g = next) {
        next = g->next;
        bytes += atomic_load_explicit(&g->mt.bytes, memory_order_relaxed);
        qli_gen_free(g);
    }
    ql_mutex_lock(&r->l.mu);
    r->held_bytes -= bytes;
}

/* LMDB's state names the new segment i before anything is written there. */
static bool
name_segment(ql_ctx *cx, qli_redo *r, uint32_t i)
{
    qli_writer_take(cx, r);
    ql_mutex_lock(&r->l.mu);
    r->files |= 1u << i;
    ql_mutex_unlock(&r->l.mu);
    ql_status st = qli_redo_state_commit(cx, r, true);
    qli_writer_give(r);
    ql_diag_reset(cx->diag);
    if (st != QL_OK) {
        ql_mutex_lock(&r->l.mu);
        r->files &= ~(1u << i);
        ql_mutex_unlock(&r->l.mu);
    }
    return st == QL_OK;
}

/* [mu], given up meanwhile. Before the committer needs one; where that fails it waits for a flush,
 * or does without the log. */
static void
make_segment(ql_ctx *cx, qli_redo *r, int64_t now)
{
    uint32_t i = 0;
    while ((r->files & 1u << i) != 0) {
        i++; /* fewer than QLI_SEGMENTS are there */
    }
    ql_mutex_unlock(&r->l.mu);
    int rc = qli_redo_log_create(&r->log, i);
    if (rc == 0 && !name_segment(cx, r, i)) {
        qli_redo_log_remove(&r->log, i);
        rc = ENOSPC;
    }
    ql_mutex_lock(&r->l.mu);
    if (rc == 0) {
        r->nsegments++;
        r->sizes[i] = r->log.seg[i].size;
        r->free_segments |= 1u << i;
    } else {
        r->segment_retry_ns = now + RETRY_NS;
    }
}

/* [mu] */
static bool
wants_segment(const qli_redo *r, int64_t now)
{
    return r->nsegments < QLI_SEGMENTS && r->free_segments == 0 && now >= r->segment_retry_ns &&
           (r->nsegments == 0 || r->active_end > r->segment_bytes / 4) && !r->no_log;
}

/* [mu] A free segment that is not large, while such are wanted. */
static bool
wants_growth(const qli_redo *r, int64_t now, uint32_t *i)
{
    if (!r->large_wanted || r->writer_busy || now < r->segment_retry_ns) {
        return false;
    }
    for (*i = 0; *i < QLI_SEGMENTS; ++*i) {
        if ((r->free_segments & 1u << *i) != 0 && r->sizes[*i] <= r->segment_bytes) {
            return true;
        }
    }
    return false;
}

/* [mu], given up meanwhile. The committer can do without it; where no other is free it waits for
 * the token, as for a flush. */
static void
grow_segment(qli_redo *r, uint32_t i, int64_t now)
{
    r->free_segments &= ~(1u << i);
    r->writer_busy = true;
    ql_mutex_unlock(&r->l.mu);
    int rc = qli_redo_log_grow(&r->log, i, LARGE * r->segment_bytes);
    ql_mutex_lock(&r->l.mu);
    r->sizes[i] = r->log.seg[i].size;
    r->free_segments |= 1u << i;
    r->writer_busy = false;
    ql_cv_signal(&r->writer_free);
    if (rc != 0) {
        r->segment_retry_ns = now + RETRY_NS;
    }
}

/* A failure is remembered in the log's object; the committer then goes without it. */
static void
sync_lazy(qli_redo *r, uint32_t files)
{
    int rc = qli_redo_log_sync_all(&r->log, files, true);
    (void)rc;
}

static bool
has_lazy(const qli_redo *r)
{
    bool any = false;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        any |= atomic_load_explicit(&r->log.seg[i].unsynced, memory_order_acquire);
    }
    return any && !atomic_load_explicit(&r->log.broken, memory_order_relaxed);
}

/* [mu] Freeze the active generation when its time has come; otherwise lower *until to that time. */
static void
look_at_active(qli_redo *r, int64_t now, int64_t *until)
{
    const qli_gen *g = r->active;
    if (g == NULL || g->last == 0) {
        return;
    }
    int64_t idle = g->last_ns + r->idle_ns * (g->patient ? PATIENT_IDLE : 1);
    int64_t age = g->first_ns + r->age_ns * (g->patient ? PATIENT_AGE : 1);
    int64_t due = r->wanted_seq >= g->first ? now : idle < age ? idle : age;
    if (now >= due && !r->committing) {
        qli_redo_freeze(r);
    } else if (now >= due) {
        r->freeze_wanted = true; /* the committer is about to look */
        *until = now + SOON_NS < *until ? now + SOON_NS : *until;
    } else if (due < *until) {
        *until = due;
    }
}

/* [mu] One round; true: look again at once. */
static bool
work_once(ql_ctx *cx, qli_redo *r, int64_t *until)
{
    int64_t now = ql_now_mono_ns();
    *until = QL_FOREVER;
    if (r->garbage != NULL) {
        free_garbage(r);
        return true;
    }
    look_at_active(r, now, until);
    uint32_t small;
    if (wants_segment(r, now)) {
        make_segment(cx, r, now);
        return true;
    }
    if (wants_growth(r, now, &small)) {
        grow_segment(r, small, now);
        return true;
    }
    if (count_frozen(r) != 0 && !r->writer_busy) {
        if (now >= r->retry_ns) {
            flush_now(cx, r);
            return true;
        }
        *until = r->retry_ns < *until ? r->retry_ns : *until;
    }
    if (r->nsegments == 0 && !r->no_log && r->segment_retry_ns < *until) {
        *until = r->segment_retry_ns;
    }
    if (has_lazy(r)) {
        if (now >= r->synced_ns + LAZY_NS) {
            uint32_t files = r->files;
            ql_mutex_unlock(&r->l.mu);
            sync_lazy(r, files);
            ql_mutex_lock(&r->l.mu);
            r->synced_ns = now;
            return true;
        }
        *until = r->synced_ns + LAZY_NS < *until ? r->synced_ns + LAZY_NS : *until;
    }
    return false;
}

/* Everything into LMDB, with the word that no log is needed any more; where it cannot take it the
 * log keeps it for the next start. */
static void
finish(ql_ctx *cx, qli_redo *r)
{
    ql_hold(cx, ALL_REASONS);
    ql_mutex_lock(&r->l.mu);
    r->closing = true;
    qli_redo_freeze(r);
    if (count_frozen(r) != 0) {
        flush_now(cx, r);
    }
    while (r->garbage != NULL) {
        free_garbage(r);
    }
    bool named = r->log_is_named, all = r->ngens == 0;
    uint32_t files = r->files;
    ql_mutex_unlock(&r->l.mu);
    if (named && all) {
        ql_status ignored = qli_redo_state_commit(cx, r, false);
        (void)ignored;
        ql_diag_reset(cx->diag);
    }
    if (has_lazy(r)) {
        sync_lazy(r, files);
    }
    ql_unhold(cx, ALL_REASONS);
}

void
qli_flusher_run(void *arg)
{
    qli_redo *r = arg;
    ql_ctx *cx = &r->flusher;
    ql_status st = QL_OK;
    ql_thread_stay_behind();
    ql_mutex_lock(&r->l.mu);
    while (st != QL_KILLED) {
        int64_t until;
        if (!work_once(cx, r, &until)) {
            st = ql_cv_wait(cx, &r->work, &r->l.mu, until, QL_W_BACKGROUND);
        }
    }
    ql_mutex_unlock(&r->l.mu);
    ql_diag_reset(cx->diag);
    finish(cx, r);
}
