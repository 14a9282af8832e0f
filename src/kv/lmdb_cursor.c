/* SPDX-License-Identifier: Apache-2.0
 *
 * Cursors over whole keys. A plain key costs what LMDB's own cursor costs plus two comparisons (is
 * it a stub, is it one of kv's own records) and, at each new page, a look at it; stubs go on in
 * lmdb_chain.c. One thread at a time; no locks, no waits.
 */
#include "kv/lmdb_int.h"

/* bring_near: bytes of a cache line, most bytes of an entry, and of a page where that is as usual.
 */
#define LINE 64u
#define NEAR_BYTES 512u
#define USUAL_PAGE 4096u

int
qli_lcursor_init(qli_lcursor *c, MDB_txn *txn, MDB_dbi dbi)
{
    memset(c, 0, sizeof *c);
    c->c.ops = &qli_lmdb_ops;
    c->txn = txn;
    c->dbi = dbi;
    return mdb_cursor_open(txn, dbi, &c->mc);
}

void
qli_lcursor_fini(qli_lcursor *c)
{
    if (c->cc != NULL) {
        mdb_cursor_close(c->cc);
    }
    if (c->mc != NULL) {
        mdb_cursor_close(c->mc);
    }
    ql_mem_free(c->key);
}

void
qli_lcursor_free(qli_lcursor *c)
{
    if (c != NULL) {
        qli_lcursor_fini(c);
        ql_mem_free(c);
    }
}

/* The spare of the snapshot, bound to its transaction again. */
static qli_lcursor *
take_spare(qli_lsnap *s)
{
    qli_lcursor *c = s->spare;
    s->spare = NULL;
    if (c != NULL && mdb_cursor_renew(s->txn, c->mc) != 0) {
        qli_lcursor_free(c);
        c = NULL;
    }
    return c;
}

ql_status
qli_lcursor_open(ql_ctx *cx, ql_kv_snap *snap, ql_kv_cursor **out)
{
    qli_lsnap *s = (qli_lsnap *)snap;
    qli_lcursor *c = take_spare(s);
    if (c == NULL) {
        c = ql_mem_alloc(sizeof *c);
        int rc = c != NULL ? qli_lcursor_init(c, s->txn, s->l->dbi) : ENOMEM;
        if (rc != 0) {
            ql_mem_free(c);
            return qli_lmdb_fail(cx, s->l, rc);
        }
    }
    c->snap = s;
    c->txn = s->txn;
    c->looks = s->l->looks.when != NULL ? &s->l->looks : NULL;
    c->page = 0;
    c->depth = 0;
    c->c.trusting = false;
    c->c.damaged = (ql_str){NULL, 0};
    *out = &c->c;
    return QL_OK;
}

void
qli_lcursor_close(ql_kv_cursor *cursor)
{
    qli_lcursor *c = (qli_lcursor *)cursor;
    if (c->snap->spare != NULL || c->cc != NULL) {
        qli_lcursor_free(c);
    } else {
        c->snap->spare = c;
    }
}

/* mc has come to key k on another page. A step from the page before must have led to a greater key
 * (back: to a smaller one). */
static int
turn_page(qli_lcursor *c, bool stepped, bool back, const MDB_val *k)
{
    uintptr_t page = qli_page_of(c->looks, k->mv_data);
    qli_look found = qli_look_at_leaf(c->looks, page);
    if (found != QLI_LOOK_BAD_PAGE && stepped && c->page != 0) {
        ql_str was = {c->at.mv_data, c->at.mv_size}, is = {k->mv_data, k->mv_size};
        int order = ql_str_cmp(was, is);
        found = (back ? order > 0 : order < 0) ? found : QLI_LOOK_BAD_PAGE;
    }
    c->page = page;
    c->whole = found == QLI_LOOK_WHOLE;
    return found == QLI_LOOK_BAD_PAGE ? QLI_BAD_PAGE : 0;
}

/* mc has come to key k. */
static inline int
look(qli_lcursor *c, bool stepped, bool back, const MDB_val *k)
{
    if (QL_UNLIKELY(c->looks == NULL)) {
        return 0;
    }
    if (QL_UNLIKELY(qli_page_of(c->looks, k->mv_data) != c->page)) {
        int rc = turn_page(c, stepped, back, k);
        if (rc != 0) {
            return rc;
        }
    }
    c->at = *k;
    return 0;
}

/* mc stands on (k, v), reached by a step or a search, forwards (back: backwards). */
static inline int
arrive(qli_lcursor *c, bool stepped, bool back, MDB_val *k, MDB_val *v)
{
    c->depth = 0;
    int rc = look(c, stepped, back, k);
    if (QL_UNLIKELY(rc != 0)) {
        return rc;
    }
    if (QL_UNLIKELY(*(unsigned char *)k->mv_data == QLI_KV_INTERNAL)) {
        return MDB_NOTFOUND;
    }
    if (QL_UNLIKELY(k->mv_size == QLI_LINK_LEN)) {
        MDB_val stub = *k, link = *v;
        return qli_chain_enter(c, &stub, &link, back, k, v);
    }
    return 0;
}

static int
place_first(qli_lcursor *c, MDB_val *k, MDB_val *v)
{
    int rc = mdb_cursor_get(c->mc, k, v, MDB_FIRST);
    return rc != 0 ? rc : arrive(c, false, false, k, v);
}

/* The last key of those above the door. */
static int
place_last(qli_lcursor *c, MDB_val *k, MDB_val *v)
{
    unsigned char own = QLI_KV_INTERNAL;
    *k = (MDB_val){.mv_size = 1, .mv_data = &own};
    int rc = mdb_cursor_get(c->mc, k, v, MDB_SET_RANGE);
    if (rc == 0 || rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(c->mc, k, v, rc == 0 ? MDB_PREV : MDB_LAST);
    }
    return rc != 0 ? rc : arrive(c, false, true, k, v);
}

static int
step(qli_lcursor *c, bool back, MDB_val *k, MDB_val *v)
{
    if (QL_UNLIKELY(c->depth != 0)) {
        int rc = qli_chain_step(c, back, k, v);
        if (rc != MDB_NOTFOUND) {
            return rc;
        }
    }
    int rc = mdb_cursor_get(c->mc, k, v, back ? MDB_PREV : MDB_NEXT);
    return rc != 0 ? rc : arrive(c, true, back, k, v);
}

static int
place_long_ge(qli_lcursor *c, ql_str key, MDB_val *k, MDB_val *v)
{
    char stub[QLI_LINK_LEN];
    memcpy(stub, key.p, QLI_PLAIN_MAX);
    stub[QLI_PLAIN_MAX] = 1;
    *k = (MDB_val){.mv_size = QLI_LINK_LEN, .mv_data = stub};
    int rc = mdb_cursor_get(c->mc, k, v, MDB_SET_RANGE);
    if (rc != 0) {
        return rc;
    }
    if (k->mv_size != QLI_LINK_LEN || memcmp(k->mv_data, stub, QLI_LINK_LEN) != 0) {
        return arrive(c, false, false, k, v);
    }
    rc = look(c, false, false, k);
    if (rc != 0) {
        return rc;
    }
    MDB_val at = *k, link = *v;
    rc = qli_chain_seek(c, &at, &link, key, k, v);
    if (rc != MDB_NOTFOUND) {
        return rc;
    }
    rc = mdb_cursor_get(c->mc, k, v, MDB_NEXT);
    return rc != 0 ? rc : arrive(c, false, false, k, v);
}

int
qli_lcursor_place_ge(qli_lcursor *c, ql_str key, MDB_val *k, MDB_val *v)
{
    c->depth = 0;
    if (QL_UNLIKELY(key.n == 0)) {
        return place_first(c, k, v);
    }
    if (QL_UNLIKELY(key.n > QLI_PLAIN_MAX)) {
        return place_long_ge(c, key, k, v);
    }
    *k = (MDB_val){.mv_size = key.n, .mv_data = (void *)(uintptr_t)key.p};
    int rc = mdb_cursor_get(c->mc, k, v, MDB_SET_RANGE);
    return rc != 0 ? rc : arrive(c, false, false, k, v);
}

/* The value may be given out: it matches its checksum, or (to a trusting cursor) its page did a
 * moment ago. */
static ql_status
check_value(ql_ctx *cx, qli_lcursor *c, ql_str key, const MDB_val *value)
{
    uintptr_t big = 0; /* it stands on pages of its own */
    if (QL_LIKELY(c->looks != NULL && c->depth == 0)) {
        uintptr_t page = qli_page_of(c->looks, value->mv_data);
        qli_look found = page != c->page ? qli_look_at_big(c->looks, page, key, value->mv_size)
                         : c->whole      ? QLI_LOOK_WHOLE
                                         : QLI_LOOK_BAD_VALUE;
        if (found == QLI_LOOK_BAD_PAGE || (found == QLI_LOOK_WHOLE && c->c.trusting)) {
            return found == QLI_LOOK_WHOLE ? QL_OK : qli_value_fail(cx, c->snap->l, key);
        }
        big = page != c->page ? page : 0;
    }
    QL_TRY(qli_value_check(cx, c->snap->l, key, value));
    if (big != 0) {
        qli_look_compared(c->looks, big, key, value->mv_size);
    }
    return QL_OK;
}

static ql_status
answer(ql_ctx *cx, qli_lcursor *c, int rc, const MDB_val *key, const MDB_val *value, ql_str *k,
       ql_str *v)
{
    if (QL_LIKELY(rc == 0)) {
        *k = (ql_str){key->mv_data, key->mv_size};
        *v = (ql_str){value->mv_data, value->mv_size};
        if (c->snap->l->sums) {
            ql_status st = check_value(cx, c, *k, value);
            if (QL_UNLIKELY(st != QL_OK)) {
                c->c.damaged = st == QL_ERROR ? *k : (ql_str){NULL, 0};
                return st;
            }
            v->n -= QLI_SUM_BYTES;
        }
        return QL_OK;
    }
    if (rc == MDB_NOTFOUND) {
        return QL_END;
    }
    c->c.damaged = (ql_str){NULL, 0};
    return rc == QLI_BAD_PAGE ? qli_page_fail(cx, c->snap->l, qli_page_number(c->looks, c->page))
                              : qli_lmdb_fail(cx, c->snap->l, rc);
}

ql_status
qli_lcursor_seek_ge(ql_ctx *cx, ql_kv_cursor *cursor, ql_str key, ql_str *k, ql_str *v)
{
    qli_lcursor *c = (qli_lcursor *)cursor;
    MDB_val mk, mv;
    int rc = qli_lcursor_place_ge(c, key, &mk, &mv);
    return answer(cx, c, rc, &mk, &mv, k, v);
}

ql_status
qli_lcursor_seek_lt(ql_ctx *cx, ql_kv_cursor *cursor, ql_str key, ql_str *k, ql_str *v)
{
    qli_lcursor *c = (qli_lcursor *)cursor;
    MDB_val mk, mv;
    int rc = qli_lcursor_place_ge(c, key, &mk, &mv);
    if (rc == 0) {
        rc = step(c, true, &mk, &mv);
    } else if (rc == MDB_NOTFOUND) {
        rc = place_last(c, &mk, &mv);
    }
    return answer(cx, c, rc, &mk, &mv, k, v);
}

/* Entries that came in order lie one below the other in a page, pages that were filled in order one
 * behind the other: what is read next but one begins to come from memory now. A guess; wrong ones
 * cost next to nothing. Scans of rows of 450 bytes take a third less time by it, of 60 bytes the
 * same. */
static inline void
bring_near(const MDB_val *k, const MDB_val *v)
{
    uintptr_t at = (uintptr_t)k->mv_data, page = at & ~(uintptr_t)(USUAL_PAGE - 1);
    size_t size = k->mv_size + v->mv_size + 8;
    uintptr_t next = at - 2 * size;
    if (next < page + LINE) {
        next += 2 * USUAL_PAGE;
    }
    size_t most = size < NEAR_BYTES ? size : NEAR_BYTES;
    for (size_t i = 0; i < most; i += LINE) {
        __builtin_prefetch((const void *)(next + i));
    }
}

ql_status
qli_lcursor_next(ql_ctx *cx, ql_kv_cursor *cursor, ql_str *k, ql_str *v)
{
    qli_lcursor *c = (qli_lcursor *)cursor;
    MDB_val mk, mv;
    int rc = step(c, false, &mk, &mv);
    if (rc == 0) {
        bring_near(&mk, &mv);
    }
    return answer(cx, c, rc, &mk, &mv, k, v);
}

ql_status
qli_lcursor_prev(ql_ctx *cx, ql_kv_cursor *cursor, ql_str *k, ql_str *v)
{
    qli_lcursor *c = (qli_lcursor *)cursor;
    MDB_val mk, mv;
    int rc = step(c, true, &mk, &mv);
    return answer(cx, c, rc, &mk, &mv, k, v);
}
