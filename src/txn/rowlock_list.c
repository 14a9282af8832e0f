/* SPDX-License-Identifier: Apache-2.0
 *
 * Listing the row locks: copied from the trees 1,000 at a time, each batch under its shard's mutex
 * (rank ROWLOCK), with a checkpoint between them. The next batch goes on behind the last lock seen,
 * which may be gone by then.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "intr/intr.h"
#include "txn/rowlock_int.h"

#define BATCH 1000u

typedef struct listing {
    ql_ctx *cx;
    ql_arena *arena;
    ql_lock_info *rows;
    size_t n, cap;
    /* The batch. */
    qli_shard *shard;
    size_t seen;
    ql_buf last; /* low end of the last one seen */
    uint64_t last_ticket;
    ql_status st;
} listing;

static ql_status
reserve(listing *s, size_t more)
{
    if (s->cap - s->n >= more) {
        return QL_OK;
    }
    /* Room for all that are there now, so that a million are not copied again and again; it is not
     * zeroed, for that would be a long time without a look. */
    size_t now = s->cap == 0 ? qli_rowlock_count(qli_ts(s->cx)) : s->cap;
    size_t cap = now + now / 2 + more;
    ql_lock_info *rows = ql_arena_alloc(s->cx, s->arena, cap * sizeof *rows);
    if (rows == NULL) {
        return QL_ERROR;
    }
    if (s->n != 0) {
        memcpy(rows, s->rows, s->n * sizeof *rows);
    }
    s->rows = rows;
    s->cap = cap;
    return QL_OK;
}

static ql_str
copy(listing *s, ql_str bytes)
{
    char *p = ql_arena_strndup(s->cx, s->arena, bytes.p, bytes.n);
    s->st = p != NULL ? s->st : QL_ERROR;
    return (ql_str){p, bytes.n};
}

static ql_lock_kind
kind_of(const qli_lock *l)
{
    if (qli_is_span(l)) {
        return l->cls == QLI_GAP ? QL_LOCK_GAP : QL_LOCK_RANGE;
    }
    return l->insert && !l->granted ? QL_LOCK_INSERT : QL_LOCK_REC;
}

/* [shard] */
static void
add_row(listing *s, qli_lock *l)
{
    const qli_trx *o = l->owner;
    bool shared = l->cls == QLI_REC_S || l->cls == QLI_RANGE_S || (l->cls == QLI_GAP && l->gap_s);
    ql_lock_info *row = &s->rows[s->n++];
    *row = (ql_lock_info){
        .lock_id = qli_lock_id(qli_ts(s->cx), s->shard, l),
        .trx_id = o->id,
        .conn_id = o->conn_id,
        .kind = kind_of(l),
        .mode = shared ? QL_LOCK_S : QL_LOCK_X,
        .granted = l->granted,
        .low = copy(s, qli_lock_low(l)),
    };
    if (qli_is_span(l)) {
        row->high = copy(s, qli_span_high(l));
    }
    if (!l->granted) {
        row->blocking_lock_id = o->block_lock;
        row->blocking_trx_id = o->block_trx;
        row->blocking_conn_id = o->block_conn;
        row->since_ns = o->wait_since_ns;
    }
}

static bool
see_lock(void *arg, qli_lock *l)
{
    listing *s = arg;
    if (!atomic_load_explicit(&l->owner->ended, memory_order_acquire)) {
        add_row(s, l);
    }
    if (++s->seen == BATCH && s->st == QL_OK) {
        ql_str low = qli_lock_low(l);
        ql_buf_clear(&s->last);
        s->st = ql_buf_put(s->cx, &s->last, low.p, low.n);
        s->last_ticket = l->ticket;
    }
    return s->seen == BATCH || s->st != QL_OK;
}

static ql_status
list_tree(listing *s, const qli_locktree *t)
{
    ql_buf_clear(&s->last);
    s->last_ticket = 0;
    do {
        s->seen = 0;
        QL_TRY(ql_check(s->cx));
        QL_TRY(reserve(s, BATCH));
        ql_mutex_lock(&s->shard->mu);
        (void)qli_locktree_walk(t, (ql_str){s->last.p != NULL ? s->last.p : "", s->last.n},
                                s->last_ticket, see_lock, s);
        ql_mutex_unlock(&s->shard->mu);
        QL_TRY(s->st);
    } while (s->seen == BATCH);
    return QL_OK;
}

/* [shard] Of the first set behind transaction *id, or, from the last lock seen on, of that of *id.
 * False: there is none. */
static bool
list_some_of_a_set(listing *s, uint64_t *id)
{
    const qli_lock_set *set = qli_sets_next(s->shard, s->last.n != 0 ? *id - 1 : *id);
    if (set == NULL) {
        return false;
    }
    if (set->owner->id != *id) {
        ql_buf_clear(&s->last); /* what was listed has ended */
    }
    *id = set->owner->id;
    ql_str last = {s->last.p != NULL ? s->last.p : "", s->last.n};
    qli_wpos at = qli_wtree_seek_ge(&set->tree, last);
    bool more = true;
    for (; at.at != NULL && more; qli_wtree_next(&set->tree, &at)) {
        qli_lock *l = qli_set_lock(at.at);
        if (l->granted && (last.n == 0 || ql_str_cmp(qli_lock_low(l), last) != 0)) {
            more = !see_lock(s, l);
        }
    }
    if (more) {
        ql_buf_clear(&s->last); /* on to the next set */
    }
    return true;
}

static ql_status
list_sets(listing *s)
{
    uint64_t id = 0;
    bool more = true;
    ql_buf_clear(&s->last);
    while (more) {
        s->seen = 0;
        QL_TRY(ql_check(s->cx));
        QL_TRY(reserve(s, BATCH));
        ql_mutex_lock(&s->shard->mu);
        more = list_some_of_a_set(s, &id);
        ql_mutex_unlock(&s->shard->mu);
        QL_TRY(s->st);
    }
    return QL_OK;
}

ql_status
ql_txnsys_list_locks(ql_ctx *cx, ql_arena *a, ql_lock_info **out, size_t *n)
{
    ql_txnsys *ts = qli_ts(cx);
    listing s = {.cx = cx, .arena = a, .st = QL_OK};
    ql_status st = QL_OK;
    for (unsigned i = 0; st == QL_OK && i < QLI_SHARDS; i++) {
        s.shard = &ts->shards[i];
        st = list_tree(&s, &s.shard->points);
        st = st == QL_OK ? list_sets(&s) : st;
        st = st == QL_OK ? list_tree(&s, &s.shard->spans) : st;
    }
    ql_buf_free(&s.last);
    *out = s.rows;
    *n = s.n;
    return st;
}
