/* SPDX-License-Identifier: Apache-2.0
 *
 * What a read sees: a KV snapshot with the transaction's layers merged over it, as a point read and
 * as a cursor in both directions. Session's thread; no locks, no waits.
 *
 * A cursor has one source for the snapshot and one for each layer it may see. Going forward every
 * source stands on its first key not behind the cursor; the smallest key is next, and of equal ones
 * the topmost layer's entry counts (a deleted one hides the key). Backward is the mirror image;
 * turning round places every source anew.
 */
#include "txn/txn_int.h"

#define INLINE_SOURCES 3u
#define KEY_MAX 3500u

/* A layer's stand: the node that comes next in the cursor's direction, NULL = none. */
typedef struct source {
    qli_wnode *at;
    bool tied; /* its key is the cursor's current one */
} source;

/* Owner: who opened it. When its transaction ends first it is cut off and only good for closing. */
struct ql_txn_cursor {
    ql_txn *t; /* NULL = cut off */
    ql_txn_cursor *next, *prev;
    ql_view view;
    qli_shot *shot;
    ql_kv_cursor *kc;
    ql_status base_st; /* QL_OK: base_k, base_v are the snapshot's next entry */
    ql_str base_k, base_v;
    bool base_tied;
    int dir;    /* 1, -1; 0 = not placed */
    ql_str key; /* the current one */
    uint32_t nsources;
    source *sources; /* layer i's is sources[i] */
    uint32_t cap;
    source inline_sources[INLINE_SOURCES];
};

/* --- snapshots --- */

static void
show_snapshot(ql_ctx *cx, const ql_txn *t, uint32_t before)
{
    if (cx->proc != NULL && !t->nontxn && (before == 0) != (t->nshots == 0)) {
        ql_proc_set_snapshot(cx->proc, t->nshots != 0 ? ql_now_mono_ns() : 0);
    }
}

static ql_status
shot_new(ql_ctx *cx, ql_txn *t, qli_shot **out)
{
    qli_shot *sh = ql_mem_zalloc(sizeof *sh);
    if (sh == NULL) {
        return ql_fail_oom(cx, sizeof *sh);
    }
    ql_status st = ql_kv_snap_begin(cx, t->ts->kv, &sh->s);
    if (st != QL_OK) {
        ql_mem_free(sh);
        return st;
    }
    sh->refs = 1;
    if ((QL_PTRX_GET(t->figures, flags) & QL_PTRX_STARTED) == 0) {
        QL_PTRX_SET(t->figures, flags, QL_PTRX_GET(t->figures, flags) | QL_PTRX_STARTED);
    }
    show_snapshot(cx, t, t->nshots++);
    *out = sh;
    return QL_OK;
}

static void
shot_put(ql_ctx *cx, ql_txn *t, qli_shot *sh)
{
    if (sh != NULL && --sh->refs == 0) {
        ql_kv_snap_end(sh->s);
        ql_mem_free(sh);
        show_snapshot(cx, t, t->nshots--);
    }
}

static bool
is_newest(const ql_txn *t, const qli_shot *sh)
{
    return ql_kv_snap_seq(sh->s) >= ql_kv_seq(t->ts->kv);
}

ql_status
qli_shot_statement(ql_ctx *cx, ql_txn *t, qli_shot **out)
{
    if (t->shot == NULL && t->current != NULL && is_newest(t, t->current)) {
        t->shot = t->current; /* the first consistent read of a statement that has locked before */
        t->current = NULL;
    } else if (t->shot == NULL) {
        QL_TRY(shot_new(cx, t, &t->shot));
    }
    *out = t->shot;
    return QL_OK;
}

ql_status
qli_shot_newest(ql_ctx *cx, ql_txn *t, qli_shot **out)
{
    if (t->shot != NULL && is_newest(t, t->shot)) {
        *out = t->shot;
        return QL_OK;
    }
    if (t->current != NULL && !is_newest(t, t->current)) {
        qli_shot_drop_current(cx, t);
    }
    if (t->current == NULL) {
        QL_TRY(shot_new(cx, t, &t->current));
    }
    *out = t->current;
    return QL_OK;
}

void
qli_shot_drop_current(ql_ctx *cx, ql_txn *t)
{
    shot_put(cx, t, t->current);
    t->current = NULL;
}

void
qli_shots_drop(ql_ctx *cx, ql_txn *t)
{
    qli_cursors_cut_off(cx, t);
    shot_put(cx, t, t->shot);
    t->shot = NULL;
    qli_shot_drop_current(cx, t);
}

bool
ql_txn_is_stale(ql_ctx *cx)
{
    const ql_txn *t = cx->txn;
    return t->shot != NULL && !t->fixed && !is_newest(t, t->shot);
}

uint64_t
ql_txn_newest(const ql_ctx *cx)
{
    const ql_txn *t = cx->txn;
    return t->fixed && t->shot != NULL ? ql_kv_snap_seq(t->shot->s) : ql_kv_seq(t->ts->kv);
}

bool
ql_txn_has_snapshot(const ql_ctx *cx)
{
    return cx->txn->shot != NULL;
}

/* --- point reads --- */

static uint32_t
visible_layers(const ql_txn *t, ql_view view)
{
    if ((view != QL_VIEW_STATEMENT && view != QL_VIEW_LATEST) || t->depth == 0) {
        return t->nlayers;
    }
    uint32_t base = t->stmt_base[t->depth - 1];
    return base < t->nlayers ? base : t->nlayers;
}

static ql_status
shot_of(ql_ctx *cx, ql_txn *t, ql_view view, qli_shot **out)
{
    bool newest = (view == QL_VIEW_CURRENT || view == QL_VIEW_LATEST) && !t->fixed;
    return newest ? qli_shot_newest(cx, t, out) : qli_shot_statement(cx, t, out);
}

ql_status
ql_txn_get(ql_ctx *cx, ql_view view, ql_str key, ql_str *value)
{
    ql_txn *t = cx->txn;
    for (uint32_t i = visible_layers(t, view); i-- > 0;) {
        const qli_wnode *n = qli_writeset_get(&t->layers[i], key);
        if (n != NULL) {
            *value = qli_wnode_value(n);
            return n->deleted ? QL_END : QL_OK;
        }
    }
    qli_shot *sh;
    QL_TRY(shot_of(cx, t, view, &sh));
    return ql_kv_get(cx, sh->s, key, value);
}

/* --- cursors: open and close --- */

static ql_txn_cursor *
take_cursor(ql_txn *t)
{
    ql_txn_cursor *c = t->spare;
    if (c != NULL) {
        t->spare = NULL;
        return c;
    }
    c = ql_mem_zalloc(sizeof *c);
    if (c != NULL) {
        c->sources = c->inline_sources;
        c->cap = INLINE_SOURCES;
    }
    return c;
}

static void
free_cursor(ql_txn_cursor *c)
{
    if (c->sources != c->inline_sources) {
        ql_mem_free(c->sources);
    }
    ql_mem_free(c);
}

ql_status
ql_txn_cursor_open(ql_ctx *cx, ql_view view, ql_txn_cursor **out)
{
    ql_txn *t = cx->txn;
    qli_shot *sh;
    QL_TRY(shot_of(cx, t, view, &sh));
    ql_txn_cursor *c = take_cursor(t);
    if (c == NULL) {
        return ql_fail_oom(cx, sizeof *c);
    }
    ql_status st = ql_kv_cursor_open(cx, sh->s, &c->kc);
    if (st != QL_OK) {
        free_cursor(c);
        return st;
    }
    sh->refs++;
    c->shot = sh;
    c->t = t;
    c->view = view;
    c->dir = 0;
    c->nsources = 0;
    c->prev = NULL;
    c->next = t->cursors;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    t->cursors = c;
    *out = c;
    return QL_OK;
}

/* Out of its transaction: nothing of it is used any more. */
static void
cut_off(ql_ctx *cx, ql_txn_cursor *c)
{
    ql_txn *t = c->t;
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        t->cursors = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    ql_kv_cursor_close(c->kc);
    c->kc = NULL;
    shot_put(cx, t, c->shot);
    c->shot = NULL;
    c->t = NULL;
    c->dir = 0;
}

void
qli_cursors_cut_off(ql_ctx *cx, ql_txn *t)
{
    while (t->cursors != NULL) {
        cut_off(cx, t->cursors);
    }
}

bool
ql_txn_cursor_is_stale(const ql_txn_cursor *c)
{
    return c->t == NULL || (!c->t->fixed && ql_kv_snap_seq(c->shot->s) < ql_kv_seq(c->t->ts->kv));
}

void
ql_txn_cursor_close(ql_txn_cursor *c)
{
    if (c == NULL) {
        return;
    }
    ql_txn *t = c->t;
    if (t != NULL) {
        /* The row of the process list is the session's business; here nothing shows. */
        ql_ctx none = {0};
        cut_off(&none, c);
        if (t->spare == NULL && c->sources == c->inline_sources) {
            t->spare = c;
            return;
        }
    }
    free_cursor(c);
}

/* --- cursors: moving --- */

/* Sources for the layers seen now. */
static ql_status
fit_sources(ql_ctx *cx, ql_txn_cursor *c)
{
    uint32_t n = visible_layers(c->t, c->view);
    if (n > c->cap) {
        source *more = ql_mem_alloc(n * sizeof *more);
        if (more == NULL) {
            return ql_fail_oom(cx, n * sizeof *more);
        }
        if (c->sources != c->inline_sources) {
            ql_mem_free(c->sources);
        }
        c->sources = more;
        c->cap = n;
    }
    c->nsources = n;
    return QL_OK;
}

static ql_status
base_seek(ql_ctx *cx, ql_txn_cursor *c, ql_str key, bool back)
{
    c->base_st = back ? ql_kv_seek_lt(cx, c->kc, key, &c->base_k, &c->base_v)
                      : ql_kv_seek_ge(cx, c->kc, key, &c->base_k, &c->base_v);
    c->base_tied = false;
    return c->base_st == QL_END ? QL_OK : c->base_st;
}

static ql_status
place(ql_ctx *cx, ql_txn_cursor *c, ql_str key, bool back)
{
    c->dir = 0;
    QL_TRY(fit_sources(cx, c));
    QL_TRY(base_seek(cx, c, key, back));
    for (uint32_t i = 0; i < c->nsources; i++) {
        const qli_writeset *ws = &c->t->layers[i];
        c->sources[i] =
            (source){.at = back ? qli_writeset_seek_lt(ws, key) : qli_writeset_seek_ge(ws, key)};
    }
    c->dir = back ? -1 : 1;
    return QL_OK;
}

/* The sources that stand on the current key go one step on. */
static ql_status
advance(ql_ctx *cx, ql_txn_cursor *c)
{
    bool back = c->dir < 0;
    if (c->base_tied) {
        c->base_st = back ? ql_kv_prev(cx, c->kc, &c->base_k, &c->base_v)
                          : ql_kv_next(cx, c->kc, &c->base_k, &c->base_v);
        c->base_tied = false;
        if (QL_UNLIKELY(c->base_st != QL_OK && c->base_st != QL_END)) {
            return c->base_st;
        }
    }
    for (uint32_t i = 0; i < c->nsources; i++) {
        source *s = &c->sources[i];
        if (s->tied) {
            s->at = back ? s->at->prev : s->at->next[0];
            s->tied = false;
        }
    }
    return QL_OK;
}

/* The topmost of the sources on the nearest key becomes current: its node, or NULL for the
 * snapshot's. False when all are at their end. */
static bool
choose(ql_txn_cursor *c, const qli_wnode **top)
{
    bool any = c->base_st == QL_OK;
    ql_str best = c->base_k;
    *top = NULL;
    c->base_tied = any;
    for (uint32_t i = 0; i < c->nsources; i++) {
        source *s = &c->sources[i];
        s->tied = false;
        if (s->at == NULL) {
            continue;
        }
        ql_str k = qli_wnode_key(s->at);
        int d = any ? qli_compare(k, best) * c->dir : -1;
        if (d > 0) {
            continue;
        }
        if (d < 0) {
            c->base_tied = false;
            for (uint32_t j = 0; j < i; j++) {
                c->sources[j].tied = false;
            }
            best = k;
            any = true;
        }
        s->tied = true;
        *top = s->at;
    }
    c->key = best;
    return any;
}

/* From where the sources stand to the next entry that is not deleted. */
static ql_status
settle(ql_ctx *cx, ql_txn_cursor *c, ql_str *k, ql_str *v)
{
    const qli_wnode *top;
    for (uint32_t n = 1; choose(c, &top); n++) {
        if (top == NULL || !top->deleted) {
            *k = c->key;
            *v = top != NULL ? qli_wnode_value(top) : c->base_v;
            return QL_OK;
        }
        QL_TRY(advance(cx, c));
        if (QL_UNLIKELY(n % 1024 == 0)) {
            QL_TRY(ql_check(cx));
        }
    }
    c->dir = 0;
    return QL_END;
}

static ql_status
seek(ql_ctx *cx, ql_txn_cursor *c, ql_str key, bool back, ql_str *k, ql_str *v)
{
    if (QL_UNLIKELY(c->t == NULL)) {
        return QL_END;
    }
    QL_TRY(place(cx, c, key, back));
    return settle(cx, c, k, v);
}

ql_status
ql_txn_seek_ge(ql_ctx *cx, ql_txn_cursor *c, ql_str key, ql_str *k, ql_str *v)
{
    return seek(cx, c, key, false, k, v);
}

ql_status
ql_txn_seek_lt(ql_ctx *cx, ql_txn_cursor *c, ql_str key, ql_str *k, ql_str *v)
{
    return seek(cx, c, key, true, k, v);
}

/* Place all sources anew behind (before) the current key: the direction or the layers changed. */
static ql_status
turn(ql_ctx *cx, ql_txn_cursor *c, bool back)
{
    char copy[KEY_MAX + 1];
    ql_str key = {copy, c->key.n};
    memcpy(copy, c->key.p, key.n);
    if (!back) {
        copy[key.n++] = '\0'; /* the first key above it */
    }
    return place(cx, c, key, back);
}

/* The common scan: no layers, only the snapshot. */
static inline ql_status
step_base(ql_ctx *cx, ql_txn_cursor *c, bool back, ql_str *k, ql_str *v)
{
    ql_status st = back ? ql_kv_prev(cx, c->kc, k, v) : ql_kv_next(cx, c->kc, k, v);
    if (QL_LIKELY(st == QL_OK)) {
        c->key = *k;
    } else if (st == QL_END) {
        c->dir = 0;
    }
    return st;
}

static ql_status
step(ql_ctx *cx, ql_txn_cursor *c, bool back, ql_str *k, ql_str *v)
{
    if (QL_UNLIKELY(c->dir == 0)) {
        return QL_END;
    }
    if (QL_LIKELY(c->nsources == 0 && c->dir == (back ? -1 : 1) &&
                  visible_layers(c->t, c->view) == 0)) {
        return step_base(cx, c, back, k, v);
    }
    if (QL_UNLIKELY(c->dir != (back ? -1 : 1) || c->nsources != visible_layers(c->t, c->view))) {
        QL_TRY(turn(cx, c, back));
    } else {
        QL_TRY(advance(cx, c));
    }
    return settle(cx, c, k, v);
}

ql_status
ql_txn_next(ql_ctx *cx, ql_txn_cursor *c, ql_str *k, ql_str *v)
{
    return step(cx, c, false, k, v);
}

ql_status
ql_txn_prev(ql_ctx *cx, ql_txn_cursor *c, ql_str *k, ql_str *v)
{
    return step(cx, c, true, k, v);
}
