/* SPDX-License-Identifier: Apache-2.0
 *
 * What a snapshot of the data directory shows: LMDB's state with the generations that are not in it
 * merged over it, up to the snapshot's number. A snapshot that needs no generation (nothing was
 * committed lately) is LMDB's own and costs what that costs: its calls do not come here. Any
 * thread; mutex KV only to begin and to end.
 */
#include "kv/redo_int.h"

/* --- snapshots --- */

/* [mu] Which generations the state of LMDB's transaction txn lacks, and the number of what is then
 * seen. A flush that is being committed has announced itself; other transactions newer than the
 * last known one change nothing (lmdb_txn.c, commit_tiny). */
static void
complete(qli_redo *r, qli_lsnap *s, uint64_t txn)
{
    uint64_t in_file = txn == r->next_txn ? r->next_seq : r->file_seq;
    uint64_t seq = atomic_load_explicit(&r->l.kv.seq, memory_order_relaxed);
    s->ngens = 0;
    s->s.ops = &qli_lmdb_ops;
    if (in_file >= seq) {
        s->s.seq = in_file;
        return;
    }
    s->s.seq = seq;
    for (uint32_t i = 0; i < r->ngens; i++) {
        qli_gen *g = r->gens[i];
        if (g->last > in_file) {
            g->refs++;
            s->gen[s->ngens++] = g;
            s->s.ops = &qli_redo_ops;
        }
    }
}

ql_status
qli_rsnap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out)
{
    qli_redo *r = (qli_redo *)kv;
    int rc = 0;
    qli_lsnap *s = qli_lsnap_take(&r->l, &rc);
    if (s == NULL) {
        return qli_lmdb_fail(cx, &r->l, rc);
    }
    ql_mutex_lock(&r->l.mu);
    /* A flush between the two lines above may have dropped what this snapshot would need. */
    while (QL_UNLIKELY(mdb_txn_id(s->txn) < r->file_txn)) {
        ql_mutex_unlock(&r->l.mu);
        mdb_txn_reset(s->txn);
        rc = mdb_txn_renew(s->txn);
        if (rc != 0) {
            qli_lsnap_free(s);
            return qli_lmdb_fail(cx, &r->l, rc);
        }
        ql_mutex_lock(&r->l.mu);
    }
    complete(r, s, mdb_txn_id(s->txn));
    qli_lsnap_list(s);
    ql_mutex_unlock(&r->l.mu);
    *out = &s->s;
    return QL_OK;
}

void
qli_rsnap_end(ql_kv_snap *snap)
{
    qli_lsnap *s = (qli_lsnap *)snap;
    qli_redo *r = (qli_redo *)s->l;
    ql_mutex_lock(&r->l.mu);
    for (uint32_t i = 0; i < s->ngens; i++) {
        qli_gen_put(r, s->gen[i]);
    }
    ql_mutex_unlock(&r->l.mu);
    s->ngens = 0;
    qli_lsnap_end(snap);
}

/* What the generations say of the key; NULL: nothing. */
static const qli_mver *
find_in_memory(const ql_kv_snap *snap, ql_str key)
{
    const qli_lsnap *s = (const qli_lsnap *)snap;
    uint64_t hash = qli_mt_hash(key);
    for (uint32_t i = s->ngens; i-- > 0;) {
        const qli_mnode *n = qli_mt_find(&s->gen[i]->mt, key, hash);
        const qli_mver *v = n != NULL ? qli_mnode_at(n, snap->seq) : NULL;
        if (v != NULL) {
            return v;
        }
    }
    return NULL;
}

ql_status
qli_rsnap_get(ql_ctx *cx, ql_kv_snap *snap, ql_str key, ql_str *value)
{
    const qli_mver *v = find_in_memory(snap, key);
    if (v != NULL) {
        *value = (ql_str){v->bytes, v->n};
        return v->deleted ? QL_END : QL_OK;
    }
    return qli_lsnap_get(cx, snap, key, value);
}

/* Those that memory knows nothing of, in LMDB. */
ql_status
qli_rsnap_get_many(ql_ctx *cx, ql_kv_snap *snap, const ql_str *keys, size_t n, ql_str *values)
{
    enum { PIECE = 64 };
    ql_str rest[PIECE], found[PIECE];
    size_t place[PIECE];
    for (size_t at = 0; at < n; at += PIECE) {
        size_t piece = n - at < PIECE ? n - at : PIECE, nrest = 0;
        for (size_t i = at; i < at + piece; i++) {
            const qli_mver *v = find_in_memory(snap, keys[i]);
            if (v == NULL) {
                rest[nrest] = keys[i];
                place[nrest++] = i;
            } else {
                values[i] = (ql_str){v->deleted ? NULL : v->bytes, v->n};
            }
        }
        QL_TRY(qli_lsnap_get_many(cx, snap, rest, nrest, found));
        for (size_t i = 0; i < nrest; i++) {
            values[place[i]] = found[i];
        }
    }
    return QL_OK;
}

/* --- cursors --- */

/* Where a generation stands: its next node in the cursor's direction that the snapshot sees. */
typedef struct source {
    const qli_mnode *at; /* NULL = at its end */
    const qli_mver *ver;
    bool tied; /* on the cursor's current key */
} source;

typedef struct rcursor {
    ql_kv_cursor c;
    qli_lsnap *snap;
    ql_kv_cursor *base; /* LMDB's */
    ql_status base_st;  /* QL_OK: base_k, base_v are its next entry. QL_ERROR: base_k is its key */
    ql_str base_k, base_v;
    bool base_tied;
    bool worded; /* what is wrong with LMDB's next entry has just been worded */
    int dir;     /* 1, -1; 0 = not placed */
    ql_str key;  /* the current one */
    uint32_t n;
    source src[QLI_GENS]; /* as snap->gen: later ones are newer */
} rcursor;

ql_status
qli_rcursor_open(ql_ctx *cx, ql_kv_snap *snap, ql_kv_cursor **out)
{
    rcursor *c = ql_mem_zalloc(sizeof *c);
    if (c == NULL) {
        return ql_fail_oom(cx, sizeof *c);
    }
    ql_status st = qli_lcursor_open(cx, snap, &c->base);
    if (st != QL_OK) {
        ql_mem_free(c);
        return st;
    }
    c->c.ops = &qli_redo_ops;
    c->snap = (qli_lsnap *)snap;
    c->n = c->snap->ngens;
    *out = &c->c;
    return QL_OK;
}

void
qli_rcursor_close(ql_kv_cursor *cursor)
{
    rcursor *c = (rcursor *)cursor;
    qli_lcursor_close(c->base);
    ql_mem_free(c);
}

/* From n on (itself included) the next node that the snapshot sees. */
static void
stand(rcursor *c, uint32_t i, const qli_mnode *n)
{
    source *s = &c->src[i];
    uint64_t seq = c->snap->s.seq;
    s->tied = false;
    s->ver = NULL;
    while (n != NULL && (s->ver = qli_mnode_at(n, seq)) == NULL) {
        n = c->dir > 0 ? qli_mnode_next(n) : qli_mt_seek_lt(&c->snap->gen[i]->mt, qli_mnode_key(n));
    }
    s->at = n;
}

/* After a move of LMDB's cursor that failed. A value that is damaged concerns who comes to it: what
 * is in memory may come before it, or be newer. */
static ql_status
base_failed(rcursor *c)
{
    c->c.damaged = (ql_str){NULL, 0};
    c->base_k = c->base->damaged;
    if (c->base_st == QL_ERROR && c->base_k.n != 0) {
        c->worded = true;
        return QL_OK;
    }
    c->dir = 0;
    return c->base_st;
}

static inline ql_status
base_moved(rcursor *c)
{
    return QL_LIKELY(c->base_st == QL_OK || c->base_st == QL_END) ? QL_OK : base_failed(c);
}

/* LMDB's cursor last: key may lie in its bytes. */
static ql_status
place(ql_ctx *cx, rcursor *c, ql_str key, bool back)
{
    c->dir = back ? -1 : 1;
    for (uint32_t i = 0; i < c->n; i++) {
        const qli_memtable *m = &c->snap->gen[i]->mt;
        stand(c, i, back ? qli_mt_seek_lt(m, key) : qli_mt_seek_ge(m, key));
    }
    c->base_tied = false;
    c->base->trusting = c->c.trusting;
    c->base_st = back ? qli_lcursor_seek_lt(cx, c->base, key, &c->base_k, &c->base_v)
                      : qli_lcursor_seek_ge(cx, c->base, key, &c->base_k, &c->base_v);
    return base_moved(c);
}

/* The cursor has come to an entry of LMDB's whose value is damaged. */
static ql_status
fail_here(ql_ctx *cx, rcursor *c, ql_str *k)
{
    c->dir = 0;
    c->c.damaged = *k = c->base_k;
    return c->worded ? QL_ERROR : qli_value_fail(cx, c->snap->l, c->base_k);
}

/* It has come to one in front of that. */
static void
not_yet(ql_ctx *cx, rcursor *c)
{
    if (c->worded) {
        ql_diag_clear_error(cx->diag);
        c->worded = false;
    }
}

/* Those that stand on the current key go one step on. */
static ql_status
advance(ql_ctx *cx, rcursor *c)
{
    bool back = c->dir < 0;
    if (c->base_tied) {
        c->base_st = back ? qli_lcursor_prev(cx, c->base, &c->base_k, &c->base_v)
                          : qli_lcursor_next(cx, c->base, &c->base_k, &c->base_v);
        c->base_tied = false;
        QL_TRY(base_moved(c));
    }
    for (uint32_t i = 0; i < c->n; i++) {
        const qli_mnode *at = c->src[i].at;
        if (c->src[i].tied) {
            stand(c, i,
                  back ? qli_mt_seek_lt(&c->snap->gen[i]->mt, qli_mnode_key(at))
                       : qli_mnode_next(at));
        }
    }
    return QL_OK;
}

/* The newest of those on the nearest key becomes current: its version, or NULL for LMDB's. False
 * when all are at their end. */
static bool
choose(rcursor *c, const qli_mver **top)
{
    bool any = c->base_st != QL_END;
    ql_str best = c->base_k;
    *top = NULL;
    c->base_tied = any;
    for (uint32_t i = 0; i < c->n; i++) {
        source *s = &c->src[i];
        s->tied = false;
        if (s->at == NULL) {
            continue;
        }
        ql_str k = qli_mnode_key(s->at);
        int d = any ? ql_str_cmp(k, best) * c->dir : -1;
        if (d > 0) {
            continue;
        }
        if (d < 0) {
            c->base_tied = false;
            for (uint32_t j = 0; j < i; j++) {
                c->src[j].tied = false;
            }
            best = k;
            any = true;
        }
        s->tied = true;
        *top = s->ver;
    }
    c->key = best;
    return any;
}

/* From where all stand to the next entry that is not deleted. Deletions are few (they leave with
 * their generation), so the caller's checkpoints do. */
static ql_status
settle(ql_ctx *cx, rcursor *c, ql_str *k, ql_str *v)
{
    const qli_mver *top;
    while (choose(c, &top)) {
        if (QL_UNLIKELY(c->base_st != QL_OK && c->base_st != QL_END)) {
            if (top == NULL) {
                return fail_here(cx, c, k);
            }
            not_yet(cx, c);
        }
        if (top == NULL || !top->deleted) {
            *k = c->key;
            *v = top != NULL ? (ql_str){top->bytes, top->n} : c->base_v;
            return QL_OK;
        }
        QL_TRY(advance(cx, c));
    }
    c->dir = 0;
    return QL_END;
}

ql_status
qli_rcursor_seek_ge(ql_ctx *cx, ql_kv_cursor *cursor, ql_str key, ql_str *k, ql_str *v)
{
    rcursor *c = (rcursor *)cursor;
    QL_TRY(place(cx, c, key, false));
    return settle(cx, c, k, v);
}

ql_status
qli_rcursor_seek_lt(ql_ctx *cx, ql_kv_cursor *cursor, ql_str key, ql_str *k, ql_str *v)
{
    rcursor *c = (rcursor *)cursor;
    QL_TRY(place(cx, c, key, true));
    return settle(cx, c, k, v);
}

/* The direction changed: place all anew behind (before) the current key. */
static ql_status
turn(ql_ctx *cx, rcursor *c, bool back)
{
    char copy[QLI_KV_KEY_MAX + 1];
    ql_str key = {copy, c->key.n};
    memcpy(copy, c->key.p, key.n);
    if (!back) {
        copy[key.n++] = '\0'; /* the first key above it */
    }
    return place(cx, c, key, back);
}

static ql_status
step(ql_ctx *cx, rcursor *c, bool back, ql_str *k, ql_str *v)
{
    if (QL_UNLIKELY(c->dir == 0)) {
        return QL_END;
    }
    if (QL_UNLIKELY(c->dir != (back ? -1 : 1))) {
        QL_TRY(turn(cx, c, back));
    } else {
        QL_TRY(advance(cx, c));
    }
    return settle(cx, c, k, v);
}

ql_status
qli_rcursor_next(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v)
{
    return step(cx, (rcursor *)c, false, k, v);
}

ql_status
qli_rcursor_prev(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v)
{
    return step(cx, (rcursor *)c, true, k, v);
}
