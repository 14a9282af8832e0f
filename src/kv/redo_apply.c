/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer of the data directory. An apply gathers its operations as the body of a record of the
 * redo log. Committing one that is not large appends the record, makes it durable and adds the
 * operations to the active generation. One that turns out large, or deletes a range, or meets a log
 * that cannot be written, becomes direct: it takes LMDB's write transaction, puts the pending
 * generations and what it gathered there, and goes on in it, unless it is to keep short. Thread of
 * the committer's role; mutex KV for moments.
 */
#include "base/text.h"
#include "kv/redo_int.h"

#include <errno.h>

#include "base/log.h"

#define SMALL_OPS 4096u
#define SMALL_BYTES ((size_t)256 << 10)
#define SMALL_VALUE ((size_t)32 << 10)
/* What does not keep short may be as large as this: bytes are half of a segment. */
#define MEDIUM_OPS ((uint32_t)1 << 16)
#define BUFFER_KEPT ((size_t)1 << 20)
/* Memory of a generation: many short deletes take more than the log. */
#define MEMORY_MAX ((size_t)24 << 20)
#define MEMORY_MAX_LARGE ((size_t)64 << 20) /* in a large segment */

typedef struct rapply {
    ql_kv_apply a;
    qli_redo *r;
    size_t n, cost;      /* gathered: bytes of body in r->buf; memory they will take */
    uint32_t ops;        /* operations, gathered and direct */
    ql_kv_apply *direct; /* LMDB's transaction; the writer's token is held while it is open */
    uint32_t ngens;      /* generations it holds */
    ql_kv_snap *snap;    /* for apply_get */
} rapply;

ql_status
qli_rapply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out)
{
    rapply *a = ql_mem_zalloc(sizeof *a);
    if (a == NULL) {
        return ql_fail_oom(cx, sizeof *a);
    }
    a->a.ops = &qli_redo_ops;
    a->r = (qli_redo *)kv;
    *out = &a->a;
    return QL_OK;
}

static ql_str
body_of(const rapply *a)
{
    return (ql_str){a->r->buf + QLI_RECORD_HEAD, a->n};
}

static void
end_snapshot(rapply *a)
{
    if (a->snap != NULL) {
        ql_kv_snap_end(a->snap);
        a->snap = NULL;
    }
}

void
qli_rapply_abort(ql_kv_apply *apply)
{
    rapply *a = (rapply *)apply;
    if (a->direct != NULL) {
        qli_lapply_abort(a->direct);
        qli_writer_give(a->r);
    }
    end_snapshot(a);
    ql_mem_free(a);
}

/* --- direct --- */

static ql_status
replay_gathered(ql_ctx *cx, rapply *a)
{
    ql_str body = body_of(a);
    qli_redo_op op;
    while (qli_redo_op_next(&body, &op)) {
        QL_TRY(op.deleted ? qli_lapply_del(cx, a->direct, op.key)
                          : qli_lapply_put(cx, a->direct, op.key, op.value));
    }
    return QL_OK;
}

/* [writer] LMDB's transaction for a. After a full disk the generations go first and alone: LMDB
 * reuses the pages that their deletions free only in transactions after theirs. */
static ql_status
begin_direct(ql_ctx *cx, rapply *a)
{
    qli_redo *r = a->r;
    if (r->l.tiny_pending) {
        QL_TRY(qli_flush_frozen(cx, r));
    }
    ql_mutex_lock(&r->l.mu);
    a->ngens = r->ngens;
    ql_mutex_unlock(&r->l.mu);
    ql_status st = qli_lapply_begin(cx, &r->l.kv, &a->direct);
    if (st != QL_OK) {
        a->direct = NULL;
    }
    return st;
}

/* After an error with a->direct set only abort is left. QL_END: it is to keep short. */
static ql_status
go_direct(ql_ctx *cx, rapply *a)
{
    qli_redo *r = a->r;
    if (a->a.keep_short) {
        return QL_END;
    }
    qli_writer_take(cx, r);
    ql_mutex_lock(&r->l.mu);
    qli_redo_freeze(r);
    ql_mutex_unlock(&r->l.mu);
    ql_status st = begin_direct(cx, a);
    if (st != QL_OK) {
        qli_writer_give(r);
        return st;
    }
    QL_TRY(qli_flush_put(cx, r, a->direct, a->ngens));
    QL_TRY(replay_gathered(cx, a));
    a->n = 0;
    return QL_OK;
}

static ql_status
commit_direct(ql_ctx *cx, rapply *a)
{
    qli_redo *r = a->r;
    uint64_t seq = atomic_load_explicit(&r->l.kv.seq, memory_order_relaxed) + 1;
    ql_kv_apply *direct = a->direct;
    a->direct = NULL;
    /* A log that failed has nothing that LMDB lacks now, whatever became of its last record. */
    bool in_use = !r->no_log && !atomic_load_explicit(&r->log.broken, memory_order_relaxed);
    ql_status st = qli_flush_commit(cx, r, direct, a->ngens, seq, in_use);
    ql_mutex_lock(&r->l.mu);
    r->n_direct += st == QL_OK ? 1 : 0;
    ql_mutex_unlock(&r->l.mu);
    qli_writer_give(r);
    return st;
}

/* --- gathering --- */

static ql_status
grow_buffer(ql_ctx *cx, qli_redo *r, size_t need)
{
    size_t size = r->buf_size != 0 ? r->buf_size : 4096;
    while (size < need) {
        size *= 2;
    }
    char *p = ql_mem_realloc(r->buf, size);
    if (p == NULL) {
        return ql_fail_oom(cx, size);
    }
    r->buf = p;
    r->buf_size = size;
    return QL_OK;
}

static ql_status
add_op(ql_ctx *cx, rapply *a, ql_str key, ql_str value, bool deleted)
{
    qli_redo *r = a->r;
    size_t n = qli_redo_op_size(key, value);
    size_t need = QLI_RECORD_HEAD + a->n + n;
    if (QL_UNLIKELY(need > r->buf_size)) {
        QL_TRY(grow_buffer(cx, r, need));
    }
    qli_redo_op_write(r->buf + QLI_RECORD_HEAD + a->n, key, value, deleted);
    a->n += n;
    a->cost += QLI_MT_COST(key.n, value.n);
    a->ops++;
    return QL_OK;
}

/* More than a session would do for others while it leads them. */
static bool
is_medium(const rapply *a)
{
    return a->ops > SMALL_OPS || a->n > SMALL_BYTES;
}

static bool
stays_small(const rapply *a, ql_str key, ql_str value)
{
    size_t half = a->r->segment_bytes / 2;
    size_t bytes = a->a.keep_short || half < SMALL_BYTES ? SMALL_BYTES : half;
    return a->ops < (a->a.keep_short ? SMALL_OPS : MEDIUM_OPS) && value.n <= SMALL_VALUE &&
           a->n + qli_redo_op_size(key, value) <= bytes;
}

ql_status
qli_rapply_put(ql_ctx *cx, ql_kv_apply *apply, ql_str key, ql_str value)
{
    rapply *a = (rapply *)apply;
    if (QL_LIKELY(a->direct == NULL)) {
        if (QL_LIKELY(stays_small(a, key, value))) {
            return add_op(cx, a, key, value, false);
        }
        QL_TRY(go_direct(cx, a));
    }
    a->ops++;
    return qli_lapply_put(cx, a->direct, key, value);
}

ql_status
qli_rapply_del(ql_ctx *cx, ql_kv_apply *apply, ql_str key)
{
    rapply *a = (rapply *)apply;
    ql_str none = {"", 0};
    if (QL_LIKELY(a->direct == NULL)) {
        if (QL_LIKELY(stays_small(a, key, none))) {
            return add_op(cx, a, key, none, true);
        }
        QL_TRY(go_direct(cx, a));
    }
    a->ops++;
    return qli_lapply_del(cx, a->direct, key);
}

ql_status
qli_rapply_get(ql_ctx *cx, ql_kv_apply *apply, ql_str key, ql_str *value)
{
    rapply *a = (rapply *)apply;
    if (a->direct != NULL) {
        return qli_lapply_get(cx, a->direct, key, value);
    }
    ql_str body = body_of(a);
    qli_redo_op op, last = {.key = {NULL, 0}};
    while (a->n != 0 && qli_redo_op_next(&body, &op)) {
        if (ql_str_cmp(op.key, key) == 0) {
            last = op;
        }
    }
    if (last.key.p != NULL) {
        *value = last.value;
        return last.deleted ? QL_END : QL_OK;
    }
    if (a->snap == NULL) {
        QL_TRY(ql_kv_snap_begin(cx, &a->r->l.kv, &a->snap));
    }
    return ql_kv_get(cx, a->snap, key, value);
}

/* Always in LMDB's transaction: the tombstones of a range would be stepped over by the next call.
 */
ql_status
qli_rapply_del_range(ql_ctx *cx, ql_kv_apply *apply, ql_str from, ql_str to, size_t n, size_t *done)
{
    rapply *a = (rapply *)apply;
    *done = 0;
    if (a->direct == NULL) {
        QL_TRY(go_direct(cx, a));
    }
    ql_status st = qli_lapply_del_range(cx, a->direct, from, to, n, done);
    a->ops += *done != 0 ? 1 : 0;
    return st;
}

/* --- commit through the log --- */

/* [mu] A segment for the next generation, the largest there is; false: none is free. */
static bool
take_segment(qli_redo *r, uint32_t *i)
{
    *i = QLI_SEGMENTS;
    for (uint32_t k = 0; k < QLI_SEGMENTS; k++) {
        if ((r->free_segments & 1u << k) != 0 &&
            (*i == QLI_SEGMENTS || r->sizes[k] > r->sizes[*i])) {
            *i = k;
        }
    }
    if (*i == QLI_SEGMENTS) {
        return false;
    }
    r->free_segments &= ~(1u << *i);
    return true;
}

static void
give_segment_back(qli_redo *r, uint32_t i)
{
    ql_mutex_lock(&r->l.mu);
    r->free_segments |= 1u << i;
    ql_mutex_unlock(&r->l.mu);
}

/* The log failed for good: commits go straight into LMDB until the next start. */
static void
log_is_broken(ql_ctx *cx, qli_redo *r, int rc)
{
    atomic_store_explicit(&r->log.broken, true, memory_order_release);
    if (!r->broken_logged) {
        r->broken_logged = true;
        ql_log_write(cx->inst->log, QL_LOG_ERROR,
                     "The redo log failed (%s): until the next start every commit goes straight "
                     "into the data file",
                     ql_errno_text(rc));
    }
}

/* What is in other segments must be durable before anything in the next one is: recovery knows no
 * gaps. */
static ql_status
leave_segments(ql_ctx *cx, qli_redo *r)
{
    if (atomic_load_explicit(&r->log.durable_seq, memory_order_acquire) >=
        atomic_load_explicit(&r->l.kv.seq, memory_order_relaxed)) {
        return QL_OK;
    }
    ql_mutex_lock(&r->l.mu);
    uint32_t files = r->files;
    ql_mutex_unlock(&r->l.mu);
    int rc = qli_redo_log_sync_all(&r->log, files, false);
    if (rc != 0) {
        log_is_broken(cx, r, rc);
        return QL_END;
    }
    return QL_OK;
}

static bool
is_large(const qli_redo *r, uint32_t i)
{
    return r->log.seg[i].size > r->segment_bytes;
}

/* Begin a generation in segment i. QL_END: the segment cannot be written. */
static ql_status
begin_generation(ql_ctx *cx, qli_redo *r, uint32_t i)
{
    ql_status st = leave_segments(cx, r);
    if (st != QL_OK) {
        give_segment_back(r, i);
        return st;
    }
    qli_gen *g = qli_gen_new(1u << i, is_large(r, i));
    if (g == NULL) {
        give_segment_back(r, i);
        return ql_fail_oom(cx, sizeof *g);
    }
    uint64_t seq = atomic_load_explicit(&r->l.kv.seq, memory_order_relaxed);
    int rc = qli_redo_log_start(&r->log, i, seq + 1);
    if (rc != 0) {
        qli_gen_free(g);
        give_segment_back(r, i);
        if (rc != ENOSPC && rc != EDQUOT) {
            log_is_broken(cx, r, rc);
        }
        return QL_END;
    }
    ql_mutex_lock(&r->l.mu);
    r->gens[r->ngens++] = g;
    r->active = g;
    r->active_end = QLI_SEGMENT_HEAD;
    r->freeze_wanted = false;
    ql_mutex_unlock(&r->l.mu);
    return QL_OK;
}

static bool
has_room(const qli_redo *r, const qli_gen *g, const rapply *a)
{
    uint32_t i = (uint32_t)__builtin_ctz(g->segments);
    size_t most = is_large(r, i) ? MEMORY_MAX_LARGE : MEMORY_MAX;
    return qli_redo_log_fits(&r->log, i, a->n) &&
           atomic_load_explicit(&g->mt.bytes, memory_order_relaxed) + a->cost <= most;
}

/* An active generation with room for a, and `committing` set: it stays the active one. QL_END: not
 * through the log. Waits for a flush when no segment is free. */
static ql_status
find_room(ql_ctx *cx, rapply *a)
{
    qli_redo *r = a->r;
    for (;;) {
        uint32_t i = 0;
        bool free_one = true;
        ql_mutex_lock(&r->l.mu);
        qli_gen *g = r->active;
        if (g != NULL && g->last != 0 && (r->freeze_wanted || !has_room(r, g, a))) {
            qli_redo_freeze(r);
            ql_cv_signal(&r->work);
            g = NULL;
        }
        r->committing = g != NULL;
        if (g == NULL) {
            free_one = take_segment(r, &i);
        }
        bool none = r->nsegments == 0 || !r->log_is_named;
        ql_mutex_unlock(&r->l.mu);
        if (g != NULL) {
            return QL_OK;
        }
        if (none) {
            return QL_END;
        }
        if (!free_one && a->a.keep_short) {
            return QL_END;
        }
        QL_TRY(free_one ? begin_generation(cx, r, i) : qli_redo_flush_frozen(cx, r));
    }
}

static void
publish(qli_redo *r, qli_gen *g, uint64_t seq, bool medium)
{
    int64_t now = ql_now_mono_ns();
    ql_mutex_lock(&r->l.mu);
    bool is_first = g->last == 0;
    if (is_first) {
        g->first = seq;
        g->first_ns = now;
    }
    g->last = seq;
    g->last_ns = now;
    g->patient = g->patient || medium;
    r->large_wanted = r->large_wanted || medium;
    r->active_end = r->log.seg[__builtin_ctz(g->segments)].end;
    r->n_redo++;
    r->committing = false;
    atomic_store_explicit(&r->l.kv.seq, seq, memory_order_release);
    if (is_first) {
        ql_cv_signal(&r->work);
    }
    ql_mutex_unlock(&r->l.mu);
}

static void
leave_commit(qli_redo *r)
{
    ql_mutex_lock(&r->l.mu);
    r->committing = false;
    ql_mutex_unlock(&r->l.mu);
}

/* QL_END: the log cannot take it, nothing happened. */
static ql_status
commit_to_log(ql_ctx *cx, rapply *a, ql_kv_sync sync)
{
    qli_redo *r = a->r;
    if (r->no_log) {
        return QL_END;
    }
    if (QL_UNLIKELY(atomic_load_explicit(&r->log.broken, memory_order_acquire))) {
        log_is_broken(cx, r, EIO);
        return QL_END;
    }
    if (qli_record_padded(QLI_RECORD_HEAD + a->n) > r->segment_bytes - QLI_SEGMENT_HEAD) {
        return QL_END; /* of the smallest segments */
    }
    QL_TRY(find_room(cx, a));
    qli_gen *g = r->active;
    if (!qli_mt_reserve(&g->mt, a->cost, a->ops)) {
        leave_commit(r);
        return ql_fail_oom(cx, a->cost);
    }
    uint64_t seq = atomic_load_explicit(&r->l.kv.seq, memory_order_relaxed) + 1;
    int rc = qli_redo_log_append(&r->log, (uint32_t)__builtin_ctz(g->segments), seq, r->buf, a->n,
                                 sync == QL_KV_DURABLE);
    if (QL_UNLIKELY(rc != 0)) {
        leave_commit(r);
        if ((rc != ENOSPC && rc != EDQUOT) ||
            atomic_load_explicit(&r->log.broken, memory_order_relaxed)) {
            log_is_broken(cx, r, rc);
        }
        return QL_END;
    }
    ql_str body = body_of(a);
    qli_redo_op op;
    while (qli_redo_op_next(&body, &op)) {
        qli_mt_put(&g->mt, seq, op.key, op.value, op.deleted);
    }
    publish(r, g, seq, is_medium(a));
    return QL_OK;
}

/* What a medium record has made large. */
static void
shrink_buffer(qli_redo *r)
{
    if (r->buf_size > BUFFER_KEPT) {
        ql_mem_free(r->buf);
        r->buf = NULL;
        r->buf_size = 0;
    }
}

ql_status
qli_rapply_commit(ql_ctx *cx, ql_kv_apply *apply, ql_kv_sync sync)
{
    rapply *a = (rapply *)apply;
    qli_redo *r = a->r;
    ql_status st = QL_OK;
    if (a->ops == 0) {
        qli_rapply_abort(apply); /* nothing written: the state stays what it is */
        return QL_OK;
    }
    end_snapshot(a);
    if (a->direct == NULL) {
        st = commit_to_log(cx, a, sync);
        if (st == QL_END) {
            st = go_direct(cx, a);
        } else if (st == QL_OK) {
            ql_mem_free(a);
            shrink_buffer(r);
#ifdef QL_DEBUG
            ql_intr_gap_restart(cx, __FILE__, __LINE__);
#endif
            return QL_OK;
        }
    }
    if (st == QL_OK) {
        st = commit_direct(cx, a);
    }
    qli_rapply_abort(apply); /* what is left of it */
    shrink_buffer(r);
#ifdef QL_DEBUG
    ql_intr_gap_restart(cx, __FILE__, __LINE__);
#endif
    return st;
}
