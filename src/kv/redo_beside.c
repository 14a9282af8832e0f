/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes beside the order of the applies (kv.h): LMDB's transaction in the hands of any thread, for
 * keys that no apply has to do with. Small applies go on through the log meanwhile; a large one,
 * and a flush, wait for the writer's token. Mutex KV for moments.
 */
#include "kv/redo_int.h"

typedef struct rbeside {
    ql_kv_apply a;
    qli_redo *r;
    ql_kv_apply *direct; /* the writer's token is held */
} rbeside;

static const ql_kv_ops beside_ops;

/* Until LMDB's state is that of number seq. 1021: the flush that would bring it there has failed.
 */
static ql_status
await_file(ql_ctx *cx, qli_redo *r, uint64_t seq)
{
    ql_status st = QL_OK;
    bool failed = false;
    ql_mutex_lock(&r->l.mu);
    while (st == QL_OK && r->file_seq < seq && !failed) {
        r->wanted_seq = seq > r->wanted_seq ? seq : r->wanted_seq;
        ql_cv_signal(&r->work);
        st = ql_cv_wait(cx, &r->flushed, &r->l.mu, QL_FOREVER, QL_W_BACKGROUND);
        failed = r->retry_ns != 0;
    }
    failed = failed && r->file_seq < seq;
    ql_mutex_unlock(&r->l.mu);
    return st == QL_OK && failed ? qli_lmdb_fail(cx, &r->l, ENOSPC) : st;
}

ql_status
qli_rbeside_begin(ql_ctx *cx, ql_kv *kv, uint64_t after, ql_kv_apply **out)
{
    qli_redo *r = (qli_redo *)kv;
    QL_TRY(await_file(cx, r, after));
    rbeside *b = ql_mem_zalloc(sizeof *b);
    if (b == NULL) {
        return ql_fail_oom(cx, sizeof *b);
    }
    b->a.ops = &beside_ops;
    b->r = r;
    qli_writer_take(cx, r);
    ql_status st = qli_lapply_begin(cx, &r->l.kv, &b->direct);
    if (st != QL_OK) {
        qli_writer_give(r);
        ql_mem_free(b);
        return st;
    }
    *out = &b->a;
    return QL_OK;
}

static ql_status
beside_put(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str value)
{
    return qli_lapply_put(cx, ((rbeside *)a)->direct, key, value);
}

static ql_status
beside_del(ql_ctx *cx, ql_kv_apply *a, ql_str key)
{
    return qli_lapply_del(cx, ((rbeside *)a)->direct, key);
}

static ql_status
beside_get(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str *value)
{
    return qli_lapply_get(cx, ((rbeside *)a)->direct, key, value);
}

static ql_status
beside_del_range(ql_ctx *cx, ql_kv_apply *a, ql_str from, ql_str to, size_t n, size_t *done)
{
    return qli_lapply_del_range(cx, ((rbeside *)a)->direct, from, to, n, done);
}

/* LMDB's state keeps its number: what was written here has none. */
static ql_status
beside_commit(ql_ctx *cx, ql_kv_apply *apply, ql_kv_sync sync)
{
    rbeside *b = (rbeside *)apply;
    qli_redo *r = b->r;
    (void)sync;
    ql_mutex_lock(&r->l.mu);
    uint64_t seq = r->file_seq;
    bool named = r->log_is_named;
    ql_mutex_unlock(&r->l.mu);
    ql_status st = qli_flush_commit(cx, r, b->direct, 0, seq, named);
    ql_mutex_lock(&r->l.mu);
    r->n_direct += st == QL_OK ? 1 : 0;
    ql_mutex_unlock(&r->l.mu);
    qli_writer_give(r);
    ql_mem_free(b);
    return st;
}

static void
beside_abort(ql_kv_apply *apply)
{
    rbeside *b = (rbeside *)apply;
    qli_lapply_abort(b->direct);
    qli_writer_give(b->r);
    ql_mem_free(b);
}

static const ql_kv_ops beside_ops = {
    .apply_put = beside_put,
    .apply_del = beside_del,
    .apply_get = beside_get,
    .apply_del_range = beside_del_range,
    .apply_commit = beside_commit,
    .apply_abort = beside_abort,
};
