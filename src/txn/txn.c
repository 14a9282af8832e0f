/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a transaction: begin, statements as layers, commit, rollback, writes. Runs in the
 * session's thread; takes no lock itself. The stack of layers is in layers.c, how reads see it in
 * merge.c, row locks in rowlock.c, the way to the disk in commit.c.
 */
#include "txn/txn_int.h"

#include "base/log.h"
#include "txn/beside.h"
#include "txn/scratch.h"

#define KEY_MAX 3500u

/* What views of transactions show, set to a new transaction's. */
static void
begin_figures(ql_ctx *cx, ql_txn *t)
{
    ql_proc_trx *f = cx->proc != NULL && !t->nontxn ? ql_proc_trx_of(cx->proc) : &t->no_row;
    QL_PTRX_SET(f, flags,
                (uint32_t)t->iso << QL_PTRX_ISOLATION_SHIFT |
                    (t->read_only ? QL_PTRX_READ_ONLY : 0));
    QL_PTRX_SET(f, changed, 0);
    QL_PTRX_SET(f, locks, 0);
    QL_PTRX_SET(f, lock_bytes, 0);
    QL_PTRX_SET(f, wait_lock, 0);
    QL_PTRX_SET(f, tables_used, 0);
    QL_PTRX_SET(f, tables_wrote, 0);
    QL_PTRX_SET(f, id, t->id);
    t->figures = f;
}

static ql_txn *
new_txn(ql_ctx *cx, ql_isolation iso, bool read_only, bool nontxn)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_txn *t = ql_mem_zalloc(sizeof *t);
    if (t == NULL) {
        (void)ql_fail_oom(cx, sizeof *t);
        return NULL;
    }
    t->ts = ts;
    t->nontxn = nontxn;
    t->id = atomic_fetch_add_explicit(&ts->next_id, 1, memory_order_relaxed);
    t->iso = iso;
    t->read_only = read_only;
    t->begin_ns = ql_now_mono_ns();
    t->proc = cx->proc;
    t->conn_id = qli_conn_id(cx);
    t->layers = t->inline_layers;
    t->cap = QL_ARRAY_LEN(t->inline_layers);
    t->version = 1;
    t->retired.counter = &ts->overlay_bytes;
    begin_figures(cx, t);
    qli_count(&ts->n_open);
    return t;
}

ql_status
ql_txn_begin(ql_ctx *cx, ql_isolation iso, bool read_only)
{
    ql_txn *t = new_txn(cx, iso, read_only, false);
    if (t == NULL) {
        return QL_ERROR;
    }
    cx->txn = t;
    if (cx->proc != NULL) {
        ql_proc_set_trx(cx->proc, t->begin_ns, "OPEN");
    }
    return QL_OK;
}

ql_txn *
qli_txn_new_nontxn(ql_ctx *cx, bool read_only)
{
    return new_txn(cx, QL_REPEATABLE_READ, read_only, true);
}

uint64_t
ql_txn_id(const ql_txn *t)
{
    return t->id;
}

bool
ql_txn_is_read_only(const ql_txn *t)
{
    return t->read_only;
}

bool
ql_txn_must_rollback(const ql_txn *t)
{
    return t->must_rollback || qli_pinned_is_doomed(t);
}

ql_isolation
ql_txn_isolation(const ql_txn *t)
{
    return t->iso;
}

bool
ql_txn_writes_lasting(const ql_txn *t)
{
    return t->lasting && ql_txn_has_writes(t);
}

bool
ql_txn_has_writes(const ql_txn *t)
{
    for (uint32_t i = 0; i < t->nlayers; i++) {
        if (!qli_writeset_is_empty(&t->layers[i])) {
            return true;
        }
    }
    return false;
}

ql_status
ql_txn_stmt_begin(ql_ctx *cx)
{
    ql_txn *t = cx->txn;
    if (t->depth == QLI_STMT_DEPTH) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Statements nested too deep");
    }
    if (t->depth == 0) {
        QL_TRY(qli_pinned_check_lost(cx, t));
        QL_TRY(qli_txn_tidy(cx, t));
    }
    if (t->depth == 0 && t->iso < QL_REPEATABLE_READ) {
        qli_shots_drop(cx, t);
    }
    if (t->depth == 0) {
        QL_PTRX_SET(t->figures, tables_used, 0);
        QL_PTRX_SET(t->figures, tables_wrote, 0);
    }
    atomic_store_explicit(&t->stmt_id, cx->stmt_id, memory_order_relaxed);
    t->stmt_no += t->depth == 0;
    t->stmt_base[t->depth++] = t->nlayers;
    return QL_OK;
}

/* What no longer pins pages once the outermost statement is over. */
static void
drop_statement_shots(ql_ctx *cx, ql_txn *t)
{
    if (t->depth != 0) {
        return;
    }
    if (t->iso < QL_REPEATABLE_READ) {
        qli_shots_drop(cx, t);
    } else {
        qli_shot_drop_current(cx, t);
    }
}

void
ql_txn_stmt_end(ql_ctx *cx)
{
    ql_txn *t = cx->txn;
    t->depth--;
    if (t->depth == 0) {
        qli_cursors_cut_off(cx, t); /* a statement's own are closed by now */
        qli_txn_collapse(t);
        qli_reclaim_chunks(t->ts, &t->retired);
    } else {
        qli_txn_join_inner(t);
    }
    drop_statement_shots(cx, t);
}

void
ql_txn_stmt_rollback(ql_ctx *cx)
{
    ql_txn *t = cx->txn;
    if (t == NULL || t->depth == 0) {
        return;
    }
    t->depth--;
    if (t->nlayers > t->stmt_base[t->depth]) {
        if (t->depth == 0) {
            qli_cursors_cut_off(cx, t);
        } else {
            qli_cursors_cut_off_own(cx, t); /* the scan of the statement around it goes on */
        }
        qli_txn_pop_layers(t, t->stmt_base[t->depth]);
        qli_reclaim_chunks(t->ts, &t->retired);
    }
    drop_statement_shots(cx, t);
}

void
ql_txn_set_memory_limit(ql_ctx *cx, uint64_t bytes)
{
    cx->txn->memory_limit = bytes;
}

ql_status
qli_txn_write(ql_ctx *cx, ql_str key, ql_str value, bool deleted)
{
    ql_txn *t = cx->txn;
    uint32_t base = t->depth != 0 ? t->stmt_base[t->depth - 1] : t->floor;
    if (QL_UNLIKELY(t->nlayers <= base)) {
        QL_TRY(qli_txn_push_layer(cx, t));
    }
    qli_writeset *top = &t->layers[t->nlayers - 1];
    t->lasting |= !ql_scratch_has(key);
    if (QL_UNLIKELY(t->memory_limit != 0 && t->below_bytes + top->mem.total > t->memory_limit)) {
        QL_TRY(qli_txn_spill_top(cx, t));
    }
    return qli_writeset_put(cx, top, key, value, deleted);
}

void
ql_txn_count_row(ql_ctx *cx)
{
    QL_PTRX_ADD(cx->txn->figures, changed, 1);
}

static ql_status
check_write(ql_ctx *cx, ql_str key)
{
    if (QL_UNLIKELY(cx->txn->read_only) && !ql_scratch_has(key)) {
        return ql_fail(cx, QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    if (QL_UNLIKELY(key.n == 0 || key.n > KEY_MAX || (unsigned char)key.p[0] >= 0xFE)) {
        return ql_fail(cx, QL_ER_TOO_LONG_KEY, (int)KEY_MAX);
    }
    return QL_OK;
}

ql_status
ql_txn_put(ql_ctx *cx, ql_str key, ql_str value)
{
    QL_TRY(check_write(cx, key));
    return qli_txn_write(cx, key, value, false);
}

ql_status
ql_txn_del(ql_ctx *cx, ql_str key)
{
    QL_TRY(check_write(cx, key));
    return qli_txn_write(cx, key, (ql_str){"", 0}, true);
}

/* --- the end --- */

/* All that the transaction holds; its locks become void with qli_trx_end. */
static void
end_txn(ql_ctx *cx, const char *state)
{
    ql_txn *t = cx->txn;
    ql_txnsys *ts = t->ts;
    ql_txn_set_idle(cx, false);
    cx->txn = NULL;
    qli_shots_drop(cx, t);
    qli_trx_end(ts, t->trx);
    qli_txn_pop_layers(t, 0);
    qli_reclaim_chunks(ts, &t->retired);
    qli_savepoints_drop(t, NULL);
    QL_PTRX_SET(t->figures, id, 0);
    if (t->layers != t->inline_layers) {
        ql_mem_free(t->layers);
    }
    ql_mem_free(t->spare);
    bool shown = cx->proc != NULL && !t->nontxn;
    ql_mem_free(t);
    atomic_fetch_sub_explicit(&ts->n_open, 1, memory_order_relaxed);
    if (shown) {
        ql_proc_set_trx(cx->proc, 0, state);
    }
}

/* A request that the owner need not wait for to the end. Without memory: it stays where it is. */
static qli_commit_req *
leavable_request(const ql_txn *t, qli_commit_req *own)
{
    qli_commit_req *r = ql_mem_alloc(sizeof *r + t->nlayers * sizeof *t->layers);
    if (r == NULL) {
        return own;
    }
    qli_writeset *layers = (qli_writeset *)(r + 1);
    memcpy(layers, t->layers, t->nlayers * sizeof *layers);
    *r = *own;
    r->layers = layers;
    r->can_leave = true;
    return r;
}

/* See r, or a copy of it, through. */
static ql_status
submit(ql_ctx *cx, ql_txn *t, qli_commit_req *own, uint64_t *seq)
{
    bool left;
    qli_commit_req *r = qli_commit_is_big(own) && !own->held ? leavable_request(t, own) : own;
    ql_status st = qli_commit_submit(cx, t->ts, r, &left);
    if (left) {
        t->nlayers = 0;
        return st;
    }
    *seq = st == QL_OK ? r->seq : *seq;
    if (r != own) {
        ql_mem_free(r);
    }
    return st;
}

static ql_status
commit_writes(ql_ctx *cx, ql_txn *t, uint64_t *seq)
{
    bool held = t->nontxn && !t->killable;
    if (!held) { /* rows of tables without transactions stay changed, killed or not */
        QL_TRY(QL_SYNC(cx, COMMIT_BEFORE_QUEUE));
        QL_TRY(ql_check(cx));
    }
    qli_commit_req r = {.layers = t->layers,
                        .nlayers = t->nlayers,
                        .proc = t->nontxn ? NULL : cx->proc,
                        .held = held,
                        .lazy = t->lazy || !t->lasting,
                        .begin_ns = t->begin_ns,
                        .kind = held ? QL_W_COMMIT_TAKEN : QL_W_COMMIT};
    for (uint32_t i = 0; i < t->nlayers; i++) {
        const qli_writeset *ws = &t->layers[i];
        r.entries += ws->count + (ws->spill != NULL ? ws->spill->entries : 0);
        r.bytes += ws->bytes + (ws->spill != NULL ? ws->spill->bytes : 0);
        r.big |= ws->spill != NULL;
    }
    return submit(cx, t, &r, seq);
}

/* The layers pass to the request. */
static qli_commit_req *
left_request(ql_txn *t, const char *if_lost)
{
    qli_commit_req *r = ql_mem_zalloc(sizeof *r + t->nlayers * sizeof *t->layers);
    if (r == NULL) {
        return NULL;
    }
    qli_writeset *layers = (qli_writeset *)(r + 1);
    memcpy(layers, t->layers, t->nlayers * sizeof *layers);
    *r = (qli_commit_req){.layers = layers,
                          .nlayers = t->nlayers,
                          .lazy = t->lazy,
                          .has_trash = t->has_trash,
                          .if_lost = if_lost,
                          .kind = QL_W_COMMIT_TAKEN};
    for (uint32_t i = 0; i < t->nlayers; i++) {
        r->entries += layers[i].count;
        r->bytes += layers[i].bytes;
    }
    t->nlayers = 0;
    return r;
}

void
ql_beside_commit_left(ql_ctx *cx, const char *if_lost)
{
    ql_txnsys *ts = cx->txn->ts;
    qli_commit_req *r = left_request(cx->txn, if_lost);
    ql_txn_rollback(cx); /* of nothing: the rest of it ends */
    if (r != NULL) {
        qli_commit_leave(ts, r);
    } else {
        ql_log_write(ts->inst->log, QL_LOG_WARNING, "%s", if_lost);
    }
}

ql_status
ql_txn_commit_at(ql_ctx *cx, uint64_t *state)
{
    ql_txn *t = cx->txn;
    ql_txnsys *ts = t->ts;
    bool has_trash = t->has_trash;
    qli_shots_drop(cx, t); /* nothing is read any more; the wait in the queue must pin no pages */
    bool wrote = ql_txn_has_writes(t);
    *state = ql_kv_seq(ts->kv);
    ql_status st = wrote ? commit_writes(cx, t, state) : QL_OK;
    end_txn(cx, wrote && st == QL_OK ? "DONE" : NULL);
    qli_count(st == QL_OK ? &ts->n_commits : &ts->n_rollbacks);
    if (st == QL_OK && has_trash) {
        qli_purge_kick(ts);
    }
    return st;
}

ql_status
ql_txn_commit(ql_ctx *cx)
{
    uint64_t ignored;
    return ql_txn_commit_at(cx, &ignored);
}

void
ql_txn_rollback(ql_ctx *cx)
{
    if (cx->txn != NULL) {
        if (!cx->txn->nontxn) {
            qli_count(&cx->txn->ts->n_rollbacks);
        }
        end_txn(cx, NULL);
    }
}
