/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of what lives no longer than its session (scratch.h), and their keys' end: the purger deletes
 * them, up to 1,000 a commit and without a sync, from a list in memory. What a server leaves
 * behind, killed or stopped, is found by the next start as one piece, for ids go on above the last
 * key that is there. Mutex: scratch_mu (rank RECLAIM), held for its lists only.
 */
#include "txn/scratch.h"

#include "base/buf.h"
#include "base/log.h"
#include "txn/txn_int.h"

#define KEYS_PER_COMMIT 1000u
#define BYTES_PER_COMMIT ((size_t)128 * 1024)
#define NIDS (QL_SCRATCH_END - QL_SCRATCH_FIRST)

/* Owner: who has references; then the list of those to be emptied, then the purger. */
struct ql_scratch {
    _Atomic uint32_t refs;
    ql_txnsys *ts;             /* [const] */
    uint32_t first, n;         /* [const] */
    ql_scratch *below;         /* [const] a reference, or NULL */
    ql_scratch *newer, *older; /* [scratch_mu] all there are */
    ql_scratch *next;          /* [scratch_mu, then the purger] to be emptied, or done */
};

/* --- ids ------------------------------------------------------------------------------------- */

static bool
overlaps(const ql_scratch *s, uint32_t first, uint32_t n)
{
    return first < s->first + s->n && s->first < first + n;
}

/* [scratch_mu] The first of n ids that are free; 0 = there are none. Until they have all been used
 * once nobody has those ahead. */
static uint32_t
find_free(ql_txnsys *ts, uint32_t n)
{
    for (unsigned wraps = 0; wraps < 2;) {
        uint32_t first = ts->scratch_next;
        const ql_scratch *in_the_way = NULL;
        if (n > QL_SCRATCH_END - first) {
            ts->scratch_next = QL_SCRATCH_FIRST;
            ts->scratch_wrapped = true;
            wraps++;
            continue;
        }
        for (const ql_scratch *s = ts->scratch_wrapped ? ts->scratch_all : NULL;
             s != NULL && in_the_way == NULL; s = s->older) {
            in_the_way = overlaps(s, first, n) ? s : NULL;
        }
        ts->scratch_next = in_the_way != NULL ? in_the_way->first + in_the_way->n : first + n;
        if (in_the_way == NULL) {
            return first;
        }
    }
    return 0;
}

/* [scratch_mu] */
static void
add_to_all(ql_txnsys *ts, ql_scratch *s)
{
    s->older = ts->scratch_all;
    if (s->older != NULL) {
        s->older->newer = s;
    }
    ts->scratch_all = s;
    ts->scratch_count++;
}

/* [scratch_mu] */
static void
take_from_all(ql_txnsys *ts, ql_scratch *s)
{
    if (s->newer != NULL) {
        s->newer->older = s->older;
    } else {
        ts->scratch_all = s->older;
    }
    if (s->older != NULL) {
        s->older->newer = s->newer;
    }
    ts->scratch_count--;
}

ql_status
ql_scratch_take(ql_ctx *cx, uint32_t n, ql_scratch *below, ql_scratch **out)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_scratch *s = ql_mem_zalloc(sizeof *s);
    if (s == NULL) {
        return ql_fail_oom(cx, sizeof *s);
    }
    atomic_init(&s->refs, 1);
    s->ts = ts;
    s->n = n;
    ql_mutex_lock(&ts->scratch_mu);
    s->first = n < NIDS ? find_free(ts, n) : 0;
    if (s->first != 0) {
        add_to_all(ts, s);
    }
    ql_mutex_unlock(&ts->scratch_mu);
    if (s->first == 0) {
        ql_mem_free(s);
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Out of index ids for temporary tables");
    }
    s->below = below != NULL ? ql_scratch_get(below) : NULL;
    *out = s;
    return QL_OK;
}

uint32_t
ql_scratch_first(const ql_scratch *s)
{
    return s->first;
}

ql_scratch *
ql_scratch_get(ql_scratch *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void
ql_scratch_put(ql_scratch *s)
{
    while (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        ql_txnsys *ts = s->ts;
        ql_scratch *below = s->below;
        s->below = NULL;
        ql_mutex_lock(&ts->scratch_mu);
        s->next = ts->scratch_garbage;
        ts->scratch_garbage = s;
        ql_mutex_unlock(&ts->scratch_mu);
        qli_purge_kick(ts);
        s = below;
    }
}

size_t
ql_scratch_count(ql_txnsys *ts)
{
    ql_mutex_lock(&ts->scratch_mu);
    size_t n = ts->scratch_count;
    ql_mutex_unlock(&ts->scratch_mu);
    return n;
}

/* --- the purger ------------------------------------------------------------------------------ */

/* Keys to be deleted in one commit. Owner: the purger's frame. */
typedef struct batch {
    ql_buf keys; /* each behind its length (4 bytes) */
    size_t n;
    ql_scratch *done; /* all of whose keys are in this batch or gone; by next */
} batch;

static void
put_be32(char out[4], uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(out, &v, sizeof v);
}

static bool
is_full(const batch *b)
{
    return b->n >= KEYS_PER_COMMIT || b->keys.n >= BYTES_PER_COMMIT;
}

static ql_status
add_key(ql_ctx *cx, batch *b, ql_str key)
{
    QL_TRY(ql_buf_put_le(cx, &b->keys, key.n, 4));
    b->n++;
    return ql_buf_put(cx, &b->keys, key.p, key.n);
}

/* Keys from *from on, as many as fit; QL_END: there are no more. *from: where to go on. */
static ql_status
gather_from(ql_ctx *cx, batch *b, ql_kv_cursor *c, const ql_scratch *s, ql_buf *from)
{
    char end[4];
    ql_str k = {NULL, 0}, v, at = {from->p, from->n};
    put_be32(end, s->first + s->n);
    ql_status st = ql_kv_seek_ge(cx, c, at, &k, &v);
    while (st == QL_OK || (st == QL_ERROR && k.n != 0)) {
        if (st == QL_ERROR) { /* a damaged value; the key is all that counts */
            ql_diag_clear_error(cx->diag);
        }
        if (memcmp(k.p, end, k.n < sizeof end ? k.n : sizeof end) >= 0) {
            return QL_END;
        }
        QL_TRY(add_key(cx, b, k));
        if (is_full(b)) {
            ql_buf_clear(from);
            QL_TRY(ql_buf_put(cx, from, k.p, k.n));
            return ql_buf_put_u8(cx, from, 0);
        }
        k.n = 0;
        st = ql_kv_next(cx, c, &k, &v);
    }
    return st;
}

/* In a snapshot of its own. */
static ql_status
gather(ql_ctx *cx, ql_txnsys *ts, batch *b, const ql_scratch *s, ql_buf *from)
{
    ql_kv_snap *snap;
    ql_kv_cursor *c = NULL;
    QL_TRY(ql_kv_snap_begin(cx, ts->kv, &snap));
    ql_status st = ql_kv_cursor_open(cx, snap, &c);
    st = st == QL_OK ? gather_from(cx, b, c, s, from) : st;
    ql_kv_cursor_close(c);
    ql_kv_snap_end(snap);
    return st;
}

/* In the committer's thread. */
static ql_status
delete_keys(ql_ctx *cx, ql_kv_apply *a, void *arg)
{
    const batch *b = arg;
    size_t at = 0;
    while (at < b->keys.n) {
        uint32_t n;
        memcpy(&n, b->keys.p + at, sizeof n);
        at += sizeof n;
        QL_TRY(ql_kv_apply_del(cx, a, (ql_str){b->keys.p + at, n}));
        at += n;
    }
    return QL_OK;
}

static void
free_done(ql_txnsys *ts, batch *b)
{
    ql_scratch *s = b->done;
    ql_mutex_lock(&ts->scratch_mu);
    for (; s != NULL; s = s->next) {
        take_from_all(ts, s);
    }
    ql_mutex_unlock(&ts->scratch_mu);
    while (b->done != NULL) {
        s = b->done;
        b->done = s->next;
        ql_mem_free(s);
    }
}

/* What has been gathered is deleted, and those that are empty then are forgotten. */
static ql_status
flush(ql_ctx *cx, ql_txnsys *ts, batch *b)
{
    if (b->n > 0) {
        qli_commit_req r = {.run = delete_keys,
                            .arg = b,
                            .entries = b->n,
                            .bytes = b->keys.n,
                            .lazy = true,
                            .kind = QL_W_BACKGROUND};
        bool left; /* it cannot be */
        QL_TRY(qli_commit_submit(cx, ts, &r, &left));
        atomic_fetch_add_explicit(&ts->n_purged, b->n, memory_order_relaxed);
    }
    ql_buf_clear(&b->keys);
    b->n = 0;
    free_done(ts, b);
    return QL_OK;
}

/* All keys of s. */
static ql_status
empty_one(ql_ctx *cx, ql_txnsys *ts, batch *b, const ql_scratch *s, ql_buf *from)
{
    char first[4];
    ql_status st;
    put_be32(first, s->first);
    ql_buf_clear(from);
    QL_TRY(ql_buf_put(cx, from, first, sizeof first));
    while ((st = gather(cx, ts, b, s, from)) == QL_OK) {
        QL_TRY(ql_check(cx));
        QL_TRY(flush(cx, ts, b));
    }
    return st == QL_END ? QL_OK : st;
}

static ql_scratch *
take_garbage(ql_txnsys *ts)
{
    ql_mutex_lock(&ts->scratch_mu);
    ql_scratch *s = ts->scratch_garbage;
    if (s != NULL) {
        ts->scratch_garbage = s->next;
        s->next = NULL;
    }
    ql_mutex_unlock(&ts->scratch_mu);
    return s;
}

static void
give_back(ql_txnsys *ts, ql_scratch *s)
{
    ql_mutex_lock(&ts->scratch_mu);
    s->next = ts->scratch_garbage;
    ts->scratch_garbage = s;
    ql_mutex_unlock(&ts->scratch_mu);
}

ql_status
qli_scratch_purge(ql_ctx *cx, ql_txnsys *ts)
{
    batch b = {.n = 0};
    ql_buf from = {0};
    ql_scratch *s;
    ql_status st = QL_OK;
    while (st == QL_OK && (s = take_garbage(ts)) != NULL) {
        st = empty_one(cx, ts, &b, s, &from);
        if (st == QL_OK) {
            s->next = b.done;
            b.done = s;
        } else {
            give_back(ts, s);
        }
        st = st == QL_OK ? ql_check(cx) : st;
    }
    st = st == QL_OK ? flush(cx, ts, &b) : st;
    while (b.done != NULL) { /* it has failed: once more, later */
        s = b.done;
        b.done = s->next;
        give_back(ts, s);
    }
    ql_buf_free(&b.keys);
    ql_buf_free(&from);
    return st;
}

/* --- start and stop -------------------------------------------------------------------------- */

/* The id of the last key there is; 0: there is none. */
static ql_status
find_last(ql_ctx *cx, ql_txnsys *ts, uint32_t *last)
{
    ql_kv_snap *snap;
    ql_kv_cursor *c = NULL;
    char end[4];
    ql_str k = {NULL, 0}, v;
    put_be32(end, QL_SCRATCH_END);
    QL_TRY(ql_kv_snap_begin(cx, ts->kv, &snap));
    ql_status st = ql_kv_cursor_open(cx, snap, &c);
    st = st == QL_OK ? ql_kv_seek_lt(cx, c, (ql_str){end, sizeof end}, &k, &v) : st;
    if (QL_UNLIKELY(st == QL_ERROR && k.n != 0)) { /* a damaged value */
        ql_diag_clear_error(cx->diag);
        st = QL_OK;
    }
    *last = 0;
    if (st == QL_OK && ql_scratch_has(k) && k.n >= 4) {
        memcpy(last, k.p, 4);
        *last = __builtin_bswap32(*last);
    }
    ql_kv_cursor_close(c);
    ql_kv_snap_end(snap);
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_scratch_init(ql_ctx *cx, ql_txnsys *ts)
{
    uint32_t last;
    ts->scratch_next = QL_SCRATCH_FIRST;
    QL_TRY(find_last(cx, ts, &last));
    if (last == 0) {
        return QL_OK;
    }
    ql_scratch *s = ql_mem_zalloc(sizeof *s);
    if (s == NULL) {
        return ql_fail_oom(cx, sizeof *s);
    }
    s->ts = ts;
    s->first = QL_SCRATCH_FIRST;
    s->n = last + 1 - QL_SCRATCH_FIRST;
    ts->scratch_next = last + 1;
    add_to_all(ts, s);
    ts->scratch_garbage = s;
    ts->purge_wanted = true;
    return QL_OK;
}

void
qli_scratch_fini(ql_txnsys *ts)
{
    while (ts->scratch_all != NULL) {
        ql_scratch *s = ts->scratch_all;
        ts->scratch_all = s->older;
        ql_mem_free(s);
    }
}
