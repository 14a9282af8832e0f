/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the data directory behind its redo log, the list of generations, figures.
 * Recovery puts what the log has behind LMDB's state into one generation and tries at once to take
 * it into LMDB; where the disk is full it stays, and the first commit that needs the log's room
 * tries again. Opening and closing are single-threaded.
 */
#include "base/text.h"
#include "kv/redo_int.h"

#include "base/log.h"
#include "kv/redo.h"

#define SEGMENT_BYTES ((size_t)8 << 20)
#define IDLE_MS 200u
#define AGE_MS 2000u
#define COUNTED_EXACTLY 500

/* --- generations --- */

qli_gen *
qli_gen_new(uint32_t segments, bool large)
{
    qli_gen *g = ql_mem_zalloc(sizeof *g);
    if (g == NULL || !qli_mt_init(&g->mt, large)) {
        ql_mem_free(g);
        return NULL;
    }
    g->refs = 1;
    g->segments = segments;
    return g;
}

void
qli_gen_free(qli_gen *g)
{
    if (g != NULL) {
        qli_mt_fini(&g->mt);
        ql_mem_free(g);
    }
}

void
qli_gen_put(qli_redo *r, qli_gen *g)
{
    if (--g->refs == 0) {
        g->next = r->garbage;
        r->garbage = g;
        ql_cv_signal(&r->work);
    }
}

void
qli_redo_freeze(qli_redo *r)
{
    qli_gen *g = r->active;
    if (g == NULL) {
        return;
    }
    r->active = NULL;
    r->freeze_wanted = false;
    if (g->last == 0) { /* nothing was committed to it */
        r->ngens--;
        r->free_segments |= g->segments;
        r->held_bytes += atomic_load_explicit(&g->mt.bytes, memory_order_relaxed);
        qli_gen_put(r, g);
    }
}

/* --- figures --- */

/* A key of generation i of s: what it adds to the number of keys, -1 to 1. */
static int
adds_key(ql_ctx *cx, const qli_lsnap *s, uint32_t i, const qli_mnode *n)
{
    const qli_mver *v = qli_mnode_at(n, s->s.seq);
    ql_str key = qli_mnode_key(n), old;
    for (uint32_t j = i + 1; j < s->ngens && v != NULL; j++) {
        if (qli_mt_find(&s->gen[j]->mt, key, n->hash) != NULL) {
            return 0; /* counted there */
        }
    }
    if (v == NULL) {
        return 0;
    }
    bool was = qli_lsnap_get(cx, (ql_kv_snap *)(uintptr_t)&s->s, key, &old) == QL_OK;
    return (v->deleted ? 0 : 1) - (was ? 1 : 0);
}

/* Keys that the generations add to LMDB's, or take away (negative). Exact while they are few. */
static int64_t
count_new_keys(ql_ctx *cx, const qli_lsnap *s)
{
    int64_t delta = 0, looked = 0, all = 0;
    for (uint32_t i = 0; i < s->ngens; i++) {
        const qli_mnode *n = qli_mt_seek_ge(&s->gen[i]->mt, (ql_str){"", 0});
        for (; n != NULL && looked < COUNTED_EXACTLY; n = qli_mnode_next(n)) {
            delta += adds_key(cx, s, i, n);
            looked++;
        }
        all += (int64_t)atomic_load_explicit(&s->gen[i]->mt.nodes, memory_order_relaxed);
    }
    return looked < COUNTED_EXACTLY ? delta : delta * (all / looked);
}

static void
redo_stats(ql_kv *kv, ql_kv_stats *out)
{
    qli_redo *r = (qli_redo *)kv;
    qli_lmdb_stats(kv, out);
    ql_mutex_lock(&r->l.mu);
    for (uint32_t i = 0; i < r->ngens; i++) {
        out->memory_bytes += atomic_load_explicit(&r->gens[i]->mt.bytes, memory_order_relaxed);
    }
    out->memory_bytes += r->held_bytes;
    out->pinned_bytes += r->held_bytes;
    out->unflushed = ql_kv_seq(kv) - r->file_seq;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        out->redo_bytes += (r->files & 1u << i) != 0 ? r->sizes[i] : 0;
    }
    out->redo_commits = r->n_redo;
    out->direct_commits = r->n_direct;
    out->flushes = r->n_flushes;
    bool recent = r->ngens != 0;
    ql_mutex_unlock(&r->l.mu);
    ql_ctx cx = {0};
    ql_kv_snap *s;
    if (recent && qli_rsnap_begin(&cx, kv, &s) == QL_OK) {
        out->entries = (uint64_t)((int64_t)out->entries + count_new_keys(&cx, (qli_lsnap *)s));
        ql_kv_snap_end(s);
    }
}

/* --- recovery --- */

static ql_status
replay_record(ql_ctx *cx, void *arg, uint64_t seq, ql_str body)
{
    qli_redo *r = arg;
    if (r->ngens == 0) {
        r->gens[0] = qli_gen_new(0, body.n > SEGMENT_BYTES / 128);
        if (r->gens[0] == NULL) {
            return ql_fail_oom(cx, sizeof(qli_gen));
        }
        r->ngens = 1;
        r->gens[0]->first = seq;
    }
    qli_gen *g = r->gens[0];
    qli_redo_op op;
    while (qli_redo_op_next(&body, &op)) {
        size_t cost = QLI_MT_COST(op.key.n, op.value.n);
        if (!qli_mt_reserve(&g->mt, cost, 1)) {
            return ql_fail_oom(cx, cost);
        }
        qli_mt_put(&g->mt, seq, op.key, op.value, op.deleted);
    }
    g->last = seq;
    atomic_store_explicit(&r->l.kv.seq, seq, memory_order_release);
    return QL_OK;
}

/* What is there is free, or belongs to the recovered generation. */
static void
count_segments(qli_redo *r)
{
    r->files = qli_redo_log_files(&r->log);
    r->nsegments = (uint32_t)__builtin_popcount(r->files);
    r->free_segments = r->ngens == 0 ? r->files : 0;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        r->sizes[i] = r->log.seg[i].size;
    }
    if (r->ngens != 0) {
        r->gens[0]->segments = r->files;
    }
}

/* The log's records become LMDB's before anything is built on them: they may not be durable yet
 * (the process was killed before its sync). */
static ql_status
flush_recovered(ql_ctx *cx, qli_redo *r)
{
    uint64_t from = r->file_seq;
    ql_status st = qli_redo_flush_frozen(cx, r);
    const ql_condition *c = ql_diag_error(cx->diag);
    if (st == QL_OK) {
        ql_log_write(cx->inst->log, QL_LOG_NOTE, "Recovered %llu commits from the redo log",
                     (unsigned long long)(r->file_seq - from));
    } else if (c != NULL && c->number == QL_ER_DISK_FULL) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING,
                     "%llu commits stay in the redo log until the disk has space",
                     (unsigned long long)(ql_kv_seq(&r->l.kv) - from));
        ql_diag_clear_error(cx->diag);
        return QL_OK;
    }
    return st;
}

/* LMDB has all. Files that cannot be used go, once its state says that none is needed. */
static ql_status
tidy_log(ql_ctx *cx, qli_redo *r)
{
    if (qli_redo_log_has_odd(&r->log)) {
        QL_TRY(qli_redo_state_commit(cx, r, false));
        qli_redo_log_drop_odd(&r->log);
    }
    count_segments(r);
    if (r->nsegments == 0 && !r->no_log && qli_redo_log_create(&r->log, 0) == 0) {
        count_segments(r);
    }
    /* The state will name the newest use that there is: it must not be in memory only. */
    uint64_t serial = 0;
    for (uint32_t i = 0; i < QLI_SEGMENTS; i++) {
        serial = r->log.seg[i].serial > serial ? r->log.seg[i].serial : serial;
    }
    atomic_store_explicit(&r->log.written_serial, serial, memory_order_relaxed);
    atomic_store_explicit(&r->log.durable_serial, 0, memory_order_relaxed);
    int ignored = qli_redo_log_sync_all(&r->log, r->files, false); /* fails: broken, not used */
    (void)ignored;
    return QL_OK;
}

/* From now on the log may hold what LMDB lacks, and LMDB's state says so. On a full disk it does
 * not yet: commits go straight into LMDB until one has said it. */
static ql_status
name_log(ql_ctx *cx, qli_redo *r)
{
    if (r->no_log || atomic_load_explicit(&r->log.broken, memory_order_relaxed)) {
        return QL_OK;
    }
    ql_status st = qli_redo_state_commit(cx, r, true);
    const ql_condition *c = ql_diag_error(cx->diag);
    if (st == QL_ERROR && c != NULL && c->number == QL_ER_DISK_FULL) {
        ql_diag_clear_error(cx->diag);
        return QL_OK;
    }
    return st;
}

static ql_status
recover(ql_ctx *cx, qli_redo *r, bool salvage)
{
    qli_redo_state state;
    QL_TRY(qli_redo_state_read(cx, r, &state));
    state.expect.salvage = salvage;
    int rc = qli_redo_log_open(&r->log, r->l.path, state.id, r->segment_bytes, r->read_only);
    if (rc != 0) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Cannot open the redo log: %s",
                            ql_errno_text(rc));
    }
    qli_redo_log_applied(&r->log, r->file_seq);
    QL_TRY(qli_redo_log_recover(cx, &r->log, &state.expect, replay_record, r));
    count_segments(r);
    if (r->read_only) {
        return QL_OK;
    }
    if (r->ngens != 0) {
        QL_TRY(flush_recovered(cx, r));
    }
    if (r->ngens == 0) {
        QL_TRY(tidy_log(cx, r));
        QL_TRY(name_log(cx, r));
    }
    return QL_OK;
}

/* --- tests' switches --- */

void
ql_kv_redo_fail_write(ql_kv *kv, int error, size_t part)
{
    qli_redo_log *log = &((qli_redo *)kv)->log;
    atomic_store_explicit(&log->short_write, part, memory_order_relaxed);
    atomic_store_explicit(&log->fail_write, error, memory_order_relaxed);
}

void
ql_kv_redo_fail_sync(ql_kv *kv, int error)
{
    atomic_store_explicit(&((qli_redo *)kv)->log.fail_sync, error, memory_order_relaxed);
}

void
ql_kv_redo_no_direct(ql_kv *kv)
{
    atomic_store_explicit(&((qli_redo *)kv)->log.no_direct, true, memory_order_relaxed);
}

/* --- open and close --- */

static void
redo_close(ql_kv *kv)
{
    qli_redo *r = (qli_redo *)kv;
    if (r->thread.started) {
        ql_background_stop(&r->flusher);
        ql_thread_join(&r->thread);
        ql_background_fini(&r->flusher);
    }
    for (uint32_t i = 0; i < r->ngens; i++) {
        qli_gen_free(r->gens[i]);
    }
    for (qli_gen *g = r->garbage, *next; g != NULL; g = next) {
        next = g->next;
        qli_gen_free(g);
    }
    qli_redo_log_close(&r->log);
    ql_mem_free(r->buf);
    qli_lmdb_close(kv);
}

static ql_status
start_flusher(ql_ctx *cx, qli_redo *r)
{
    if (ql_background_init(&r->flusher, cx->inst, &r->flusher_intr) != QL_OK) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    ql_status st = ql_thread_start(cx, &r->thread, "ql-flush", 0, qli_flusher_run, r);
    if (st != QL_OK) {
        ql_background_fini(&r->flusher);
        r->thread.started = false;
    }
    return st;
}

static ql_status
redo_flush(ql_ctx *cx, ql_kv *kv)
{
    qli_redo *r = (qli_redo *)kv;
    ql_mutex_lock(&r->l.mu);
    qli_redo_freeze(r);
    ql_mutex_unlock(&r->l.mu);
    return qli_redo_flush_frozen(cx, r);
}

ql_status
qli_redo_open(ql_ctx *cx, qli_redo *r, const ql_kv_options *opt, ql_kv **out)
{
    r->l.kv.ops = &qli_redo_ops;
    r->segment_bytes = opt->redo_segment_bytes != 0 ? opt->redo_segment_bytes : SEGMENT_BYTES;
    r->idle_ns = (int64_t)(opt->flush_idle_ms != 0 ? opt->flush_idle_ms : IDLE_MS) * 1000000;
    r->age_ns = (int64_t)(opt->flush_age_ms != 0 ? opt->flush_age_ms : AGE_MS) * 1000000;
    r->read_only = opt->read_only;
    r->no_log = opt->no_redo || opt->read_only;
    ql_cv_init(&r->work);
    ql_cv_init(&r->writer_free);
    ql_cv_init(&r->flushed);
    ql_status st = recover(cx, r, opt->salvage);
    if (st == QL_OK && !r->read_only) {
        st = start_flusher(cx, r);
    }
    if (st != QL_OK) {
        redo_close(&r->l.kv);
        return st;
    }
    *out = &r->l.kv;
    return QL_OK;
}

const ql_kv_ops qli_redo_ops = {
    .close = redo_close,
    .stats = redo_stats,
    .snap_begin = qli_rsnap_begin,
    .snap_end = qli_rsnap_end,
    .get = qli_rsnap_get,
    .get_many = qli_rsnap_get_many,
    .warm = qli_lsnap_warm,
    .cursor_open = qli_rcursor_open,
    .cursor_close = qli_rcursor_close,
    .seek_ge = qli_rcursor_seek_ge,
    .seek_lt = qli_rcursor_seek_lt,
    .next = qli_rcursor_next,
    .prev = qli_rcursor_prev,
    .region_open = qli_lregion_open,
    .region_close = qli_lregion_close,
    .region_key = qli_lregion_key,
    .apply_begin = qli_rapply_begin,
    .beside_begin = qli_rbeside_begin,
    .apply_put = qli_rapply_put,
    .apply_del = qli_rapply_del,
    .apply_get = qli_rapply_get,
    .apply_del_range = qli_rapply_del_range,
    .apply_commit = qli_rapply_commit,
    .apply_abort = qli_rapply_abort,
    .flush = redo_flush,
};
