/* SPDX-License-Identifier: Apache-2.0
 *
 * Spilling: a layer's list goes to a temporary KV, in batches of key order, so that memory stays
 * bounded and every step is short. Until the last batch is in, the list stays as it is and hides
 * what the file holds already; so a kill or a full disk in the middle changes nothing. Session's
 * thread; no locks.
 */
#include "txn/spill.h"
#include "base/text.h"

#include <errno.h>

#include "txn/txn_int.h"

#define BATCH_ROWS 4096u
#define BATCH_BYTES (1u << 20)
#define ROWS_PER_LOOK 256u

static const char *
tmpdir_of(const ql_ctx *cx)
{
    return cx->inst->tmpdir != NULL ? cx->inst->tmpdir : "/tmp";
}

/* What a temporary file cannot take is an error of the statement; nobody waits for space there. */
static ql_status
reword(ql_ctx *cx, ql_status st)
{
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL || (c->number != QL_ER_DISK_FULL && c->number != QL_ER_GET_ERRNO)) {
        return st;
    }
    int err = c->number == QL_ER_DISK_FULL ? ENOSPC : EIO;
    ql_diag_clear_error(cx->diag);
    return ql_fail(cx, QL_ER_ERROR_ON_WRITE, tmpdir_of(cx), err, ql_errno_text(err));
}

static ql_status
open_spill(ql_ctx *cx, ql_txn *t, qli_writeset *ws)
{
    qli_spill *sp = ql_mem_zalloc(sizeof *sp);
    if (sp == NULL) {
        return ql_fail_oom(cx, sizeof *sp);
    }
    ql_status st = reword(cx, ql_kv_open_temp(cx, tmpdir_of(cx), &sp->kv));
    if (st != QL_OK) {
        ql_mem_free(sp);
        return st;
    }
    sp->counter = &t->ts->spilled_bytes;
    sp->files = &t->ts->n_spilled;
    atomic_fetch_add_explicit(sp->files, 1, memory_order_relaxed);
    ws->spill = sp;
    return QL_OK;
}

/* The stored form of a node: the byte before its value is ours. */
static ql_str
stored_value(const qli_wnode *n)
{
    if (n->vlen == 0) {
        return n->deleted ? QL_STR("d") : QL_STR("p");
    }
    char *p = (char *)(uintptr_t)n->value - 1;
    *p = n->deleted ? 'd' : 'p';
    return (ql_str){p, (size_t)n->vlen + 1};
}

ql_str
qli_spill_value(ql_str stored, bool *deleted)
{
    *deleted = stored.p[0] == 'd';
    return (ql_str){stored.p + 1, stored.n - 1};
}

/* Entries from p on until the batch is full. */
static ql_status
put_batch(ql_ctx *cx, ql_kv_apply *a, const qli_wtree *t, qli_wpos *p, size_t *bytes)
{
    size_t rows = 0, size = 0;
    for (; p->at != NULL && rows < BATCH_ROWS && size < BATCH_BYTES; qli_wtree_next(t, p)) {
        ql_str key = qli_wnode_key(p->at), value = stored_value(p->at);
        QL_TRY(reword(cx, ql_kv_apply_put(cx, a, key, value)));
        size += key.n + value.n;
        if (++rows % ROWS_PER_LOOK == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    *bytes += size;
    return QL_OK;
}

static ql_status
write_list(ql_ctx *cx, qli_spill *sp, const qli_writeset *ws, size_t *bytes)
{
    qli_wpos p = qli_wtree_first(&ws->tree);
    while (p.at != NULL) {
        ql_kv_apply *a;
        QL_TRY(QL_SYNC(cx, SPILL_BATCH));
        QL_TRY(ql_check(cx));
        QL_TRY(reword(cx, ql_kv_apply_begin(cx, sp->kv, &a)));
        ql_status st = put_batch(cx, a, &ws->tree, &p, bytes);
        if (st != QL_OK) {
            ql_kv_apply_abort(a);
            return st;
        }
        QL_TRY(reword(cx, ql_kv_apply_commit(cx, a, false)));
    }
    return QL_OK;
}

void
qli_spill_shot_put(qli_shot *shot)
{
    if (shot != NULL && --shot->refs == 0) {
        ql_kv_snap_end(shot->s);
        ql_mem_free(shot);
    }
}

static ql_status
renew_shot(ql_ctx *cx, qli_spill *sp)
{
    qli_shot *shot = ql_mem_zalloc(sizeof *shot);
    if (shot == NULL) {
        return ql_fail_oom(cx, sizeof *shot);
    }
    ql_status st = reword(cx, ql_kv_snap_begin(cx, sp->kv, &shot->s));
    if (st != QL_OK) {
        ql_mem_free(shot);
        return st;
    }
    shot->refs = 1;
    qli_spill_shot_put(sp->shot);
    sp->shot = shot;
    return QL_OK;
}

ql_status
qli_spill_layer(ql_ctx *cx, ql_txn *t, qli_writeset *ws, qli_chunks *freed)
{
    size_t bytes = 0;
    if (ws->spill == NULL) {
        QL_TRY(open_spill(cx, t, ws));
    }
    qli_spill *sp = ws->spill;
    ql_status st = write_list(cx, sp, ws, &bytes);
    st = st == QL_OK ? renew_shot(cx, sp) : st;
    if (st != QL_OK) {
        if (sp->shot == NULL) { /* nothing of it has ever been seen */
            ws->spill = NULL;
            qli_reclaim_spill(t->ts, sp);
        }
        return st;
    }
    sp->entries += ws->count;
    sp->bytes += bytes;
    atomic_fetch_add_explicit(sp->counter, bytes, memory_order_relaxed);
    *freed = ws->mem;
    qli_writeset_init(ws, freed->counter);
    ws->spill = sp;
    qli_count(&t->ts->n_spills);
    return QL_OK;
}

ql_status
qli_spill_get(ql_ctx *cx, const qli_spill *sp, ql_str key, ql_str *value, bool *deleted)
{
    ql_str stored;
    QL_TRY(ql_kv_get(cx, sp->shot->s, key, &stored));
    *value = qli_spill_value(stored, deleted);
    return QL_OK;
}

void
qli_spill_free(qli_spill *sp)
{
    qli_spill_shot_put(sp->shot);
    ql_kv_close(sp->kv);
    atomic_fetch_sub_explicit(sp->counter, sp->bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(sp->files, 1, memory_order_relaxed);
    ql_mem_free(sp);
}
