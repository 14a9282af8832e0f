/* SPDX-License-Identifier: Apache-2.0
 *
 * What a read sees: a KV snapshot with the transaction's layers merged over it, as a point read and
 * as a cursor in both directions. Session's thread; no locks, no waits.
 *
 * A cursor merges (source.h) the snapshot with the layers it may see; a deleted entry hides the
 * key. Turning round, and a change of the layers (a new one, a spilled one), place every part anew.
 */
#include "txn/txn_int.h"

#define KEY_MAX 3500u
#define PIECE 64u /* of keys that are looked for together */

/* Owner: who opened it. When its transaction ends first it is cut off and only good for closing. */
struct ql_txn_cursor {
    ql_txn *t; /* NULL = cut off */
    ql_txn_cursor *next, *prev;
    ql_view view;
    qli_shot *shot;
    ql_kv_cursor *kc;
    int dir;          /* 1, -1; 0 = not placed */
    ql_str key;       /* the current one */
    ql_str low, high; /* what is wanted; empty: everything */
    uint64_t version; /* of the transaction's layers when the parts were placed */
    uint32_t nlayers; /* seen */
    qli_merge parts;  /* the snapshot first */
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
    if (t->nshots == 0) {
        qli_pinned_enter(t);
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
        if (t->nshots == 0) {
            qli_pinned_leave(t);
        }
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

uint64_t
ql_txn_reads(const ql_ctx *cx)
{
    const ql_txn *t = cx->txn;
    return t->shot != NULL ? ql_kv_snap_seq(t->shot->s) : ql_kv_seq(t->ts->kv);
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

/* What the newest of n layers that knows of the key says. QL_END: none does. */
static ql_status
get_from_layers(ql_ctx *cx, ql_txn *t, uint32_t nlayers, ql_str key, ql_str *value, bool *deleted)
{
    for (uint32_t i = nlayers; i-- > 0;) {
        const qli_wnode *n = qli_writeset_get(&t->layers[i], key);
        if (n != NULL) {
            *value = qli_wnode_value(n);
            *deleted = n->deleted;
            return QL_OK;
        }
        if (QL_UNLIKELY(t->layers[i].spill != NULL)) {
            *deleted = false;
            ql_status st = qli_spill_get(cx, t->layers[i].spill, key, value, deleted);
            if (st != QL_END) {
                return st;
            }
        }
    }
    return QL_END;
}

ql_status
ql_txn_get(ql_ctx *cx, ql_view view, ql_str key, ql_str *value)
{
    ql_txn *t = cx->txn;
    qli_shot *sh;
    bool deleted;
    if (view == QL_VIEW_STATEMENT) {
        /* The first consistent read takes the snapshot, even one that finds a row of its own. */
        QL_TRY(shot_of(cx, t, view, &sh));
    }
    ql_status st = get_from_layers(cx, t, visible_layers(t, view), key, value, &deleted);
    if (st != QL_END) {
        return st == QL_OK && deleted ? QL_END : st;
    }
    QL_TRY(shot_of(cx, t, view, &sh));
    return ql_kv_get(cx, sh->s, key, value);
}

ql_status
ql_txn_get_seen(ql_ctx *cx, ql_str key, ql_str *value)
{
    ql_txn *t = cx->txn;
    bool deleted;
    *value = (ql_str){NULL, 0};
    if (t->shot == NULL || t->nontxn || t->iso < QL_REPEATABLE_READ || is_newest(t, t->shot)) {
        return QL_END;
    }
    ql_status st = get_from_layers(cx, t, t->nlayers, key, value, &deleted);
    if (st != QL_END) {
        return st == QL_OK ? QL_END : st;
    }
    st = ql_kv_get(cx, t->shot->s, key, value);
    if (st == QL_END) {
        *value = (ql_str){NULL, 0};
        return QL_OK;
    }
    return st;
}

/* Those that its layers know nothing of, in the snapshot. */
static ql_status
get_piece(ql_ctx *cx, ql_txn *t, qli_shot *sh, uint32_t nlayers, const ql_str *keys, size_t n,
          ql_str *values)
{
    ql_str rest[PIECE], found[PIECE];
    size_t place[PIECE], nrest = 0;
    for (size_t i = 0; i < n; i++) {
        bool deleted;
        QL_TRY(ql_check(cx));
        if (keys[i].n == 0) { /* nothing is looked for */
            values[i] = (ql_str){NULL, 0};
            continue;
        }
        ql_status st = get_from_layers(cx, t, nlayers, keys[i], &values[i], &deleted);
        if (st == QL_END) {
            rest[nrest] = keys[i];
            place[nrest++] = i;
            continue;
        }
        QL_TRY(st);
        if (deleted) {
            values[i].p = NULL;
        }
    }
    QL_TRY(ql_kv_get_many(cx, sh->s, rest, nrest, found));
    for (size_t i = 0; i < nrest; i++) {
        values[place[i]] = found[i];
    }
    return QL_OK;
}

ql_status
ql_txn_get_many(ql_ctx *cx, const ql_str *keys, size_t n, ql_str *values)
{
    ql_txn *t = cx->txn;
    qli_shot *sh;
    QL_TRY(shot_of(cx, t, QL_VIEW_STATEMENT, &sh));
    uint32_t nlayers = visible_layers(t, QL_VIEW_STATEMENT);
    if (QL_LIKELY(nlayers == 0)) {
        return ql_kv_get_many(cx, sh->s, keys, n, values);
    }
    for (size_t at = 0; at < n; at += PIECE) {
        QL_TRY(
            get_piece(cx, t, sh, nlayers, keys + at, n - at < PIECE ? n - at : PIECE, values + at));
    }
    return QL_OK;
}

ql_status
ql_txn_warm(ql_ctx *cx, const ql_str *keys, size_t n)
{
    qli_shot *sh;
    QL_TRY(shot_of(cx, cx->txn, QL_VIEW_STATEMENT, &sh));
    return ql_kv_warm(cx, sh->s, keys, n);
}

/* --- cursors: open and close --- */

static ql_txn_cursor *
take_cursor(ql_txn *t)
{
    ql_txn_cursor *c = t->spare;
    if (c != NULL) {
        t->spare = NULL;
        c->low = c->high = (ql_str){0};
        return c;
    }
    c = ql_mem_zalloc(sizeof *c);
    if (c != NULL) {
        qli_merge_init(&c->parts);
    }
    return c;
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
        ql_mem_free(c);
        return st;
    }
    if (view == QL_VIEW_STATEMENT || view == QL_VIEW_OWN) {
        ql_kv_cursor_trust(c->kc); /* what is going to be locked or changed is compared */
    }
    sh->refs++;
    c->shot = sh;
    c->t = t;
    c->view = view;
    c->dir = 0;
    c->version = 0;
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
    qli_merge_fini(&c->parts);
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

void
qli_cursors_cut_off_own(ql_ctx *cx, ql_txn *t)
{
    for (ql_txn_cursor *c = t->cursors, *next; c != NULL; c = next) {
        next = c->next;
        if (c->view == QL_VIEW_OWN || c->view == QL_VIEW_CURRENT) {
            cut_off(cx, c);
        }
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
        if (t->spare == NULL) {
            t->spare = c;
            return;
        }
    }
    ql_mem_free(c);
}

bool
qli_cursors_hold_top(const ql_txn *t)
{
    for (const ql_txn_cursor *c = t->cursors; c != NULL; c = c->next) {
        bool sees_top = t->depth == 0 || c->view == QL_VIEW_OWN || c->view == QL_VIEW_CURRENT;
        if (sees_top && c->dir != 0 && c->version != t->version) {
            return true;
        }
    }
    return false;
}

/* --- cursors: moving --- */

static bool
layers_have_changed(const ql_txn_cursor *c)
{
    return c->version != c->t->version || c->nlayers != visible_layers(c->t, c->view);
}

/* key may lie in bytes that the cursor has handed out. */
static ql_status
place(ql_ctx *cx, ql_txn_cursor *c, ql_str key, bool back)
{
    char copy[KEY_MAX + 1];
    c->dir = 0;
    if (key.n <= sizeof copy) { /* longer ones are nobody's */
        memcpy(copy, key.p, key.n);
        key.p = copy;
    }
    if (layers_have_changed(c)) {
        c->version = 0;
        c->nlayers = visible_layers(c->t, c->view);
        QL_TRY(qli_merge_over(cx, &c->parts, c->kc, c->t->layers, c->nlayers));
        c->version = c->t->version;
    }
    QL_TRY(qli_merge_place(cx, &c->parts, key, back));
    c->dir = back ? -1 : 1;
    return QL_OK;
}

void
ql_txn_cursor_within(ql_txn_cursor *c, ql_str low, ql_str high)
{
    c->low = low;
    c->high = high;
}

static bool
is_beyond(const ql_txn_cursor *c, ql_str key, bool back)
{
    return !back ? c->high.n > 0 && ql_str_cmp(key, c->high) >= 0
                 : c->low.n > 0 && ql_str_cmp(key, c->low) < 0;
}

/* From where the parts stand to the next entry that is not deleted. */
static ql_status
settle(ql_ctx *cx, ql_txn_cursor *c, ql_str *k, ql_str *v)
{
    qli_entry e;
    for (uint32_t n = 1; qli_merge_choose(&c->parts, &e); n++) {
        if (!e.deleted) {
            c->key = *k = e.key;
            *v = e.value;
            return QL_OK;
        }
        if (is_beyond(c, e.key, c->dir < 0)) {
            break;
        }
        QL_TRY(qli_merge_advance(cx, &c->parts));
        if (QL_UNLIKELY(n % 1024 == 0)) {
            QL_TRY(ql_check(cx));
        }
    }
    c->dir = 0;
    return QL_END;
}

/* A value that is damaged beyond what is wanted is nobody's business here. */
static ql_status
mind_own_business(ql_ctx *cx, ql_txn_cursor *c, ql_status st, bool back)
{
    ql_str bad = st == QL_ERROR ? ql_kv_cursor_damaged(c->kc) : (ql_str){NULL, 0};
    if (bad.n == 0 || !is_beyond(c, bad, back)) {
        return st;
    }
    ql_diag_clear_error(cx->diag);
    c->dir = 0;
    return QL_END;
}

static ql_status
seek(ql_ctx *cx, ql_txn_cursor *c, ql_str key, bool back, ql_str *k, ql_str *v)
{
    if (QL_UNLIKELY(c->t == NULL)) {
        return QL_END;
    }
    ql_status st = place(cx, c, key, back);
    st = st == QL_OK ? settle(cx, c, k, v) : st;
    return QL_LIKELY(st != QL_ERROR) ? st : mind_own_business(cx, c, st, back);
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

/* Place all parts anew behind (before) the current key: the direction or the layers changed. */
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
    ql_status st;
    if (QL_UNLIKELY(c->dir == 0)) {
        return QL_END;
    }
    if (QL_UNLIKELY(c->dir != (back ? -1 : 1) || layers_have_changed(c))) {
        st = turn(cx, c, back);
    } else if (QL_LIKELY(c->nlayers == 0)) {
        st = step_base(cx, c, back, k, v);
        return QL_LIKELY(st != QL_ERROR) ? st : mind_own_business(cx, c, st, back);
    } else {
        st = qli_merge_advance(cx, &c->parts);
    }
    st = st == QL_OK ? settle(cx, c, k, v) : st;
    return QL_LIKELY(st != QL_ERROR) ? st : mind_own_business(cx, c, st, back);
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

ql_str
ql_txn_cursor_damaged(const ql_txn_cursor *c)
{
    return c->kc != NULL ? ql_kv_cursor_damaged(c->kc) : (ql_str){NULL, 0};
}
