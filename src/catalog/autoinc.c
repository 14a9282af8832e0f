/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of a table that all its versions and all sessions share: AUTO_INCREMENT, hidden row ids,
 * the approximate number of rows. AUTO_INCREMENT is a number in memory; a bound ahead of it lies in
 * the keyspace, written through the transaction that goes beyond the last committed bound, in
 * blocks that double, so that a restart skips at most about as many values as were handed out.
 * Lock: the state's own mutex (rank AUTOINC), never held while storage is touched.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "txn/nontxn.h"

#define BLOCK_MIN 16u
#define BLOCK_MAX 8192u

ql_tablestate *
qli_tablestate_new(uint64_t table_id, uint64_t next, uint64_t durable, uint64_t max)
{
    ql_tablestate *s = ql_mem_zalloc(sizeof *s);
    if (s) {
        atomic_init(&s->refs, 1);
        s->table_id = table_id;
        ql_mutex_init(&s->mu, QL_RANK_AUTOINC);
        s->next = next ? next : 1;
        s->durable = durable;
        s->block = BLOCK_MIN;
        s->max = max;
        atomic_init(&s->rowid, 0);
        atomic_init(&s->rows, -1);
    }
    return s;
}

void
qli_tablestate_put(ql_tablestate *s)
{
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        ql_mutex_fini(&s->mu);
        ql_mem_free(s);
    }
}

/* Has this transaction staged a bound of at least end, and is its record still in the overlay (its
 * statement may have been undone)? */
static bool
own_bound_covers(ql_ctx *cx, const ql_tablestate *s, uint64_t end)
{
    ql_catalog_stage *stage = qli_stage_of(cx, false);
    bool covered = false;
    for (qli_change *ch = stage ? stage->head : NULL; ch && !covered; ch = ch->next) {
        if (ch->kind != QLI_AUTOINC || ch->state != s || ch->bound < end) {
            continue;
        }
        ql_buf key = {0};
        ql_str value;
        covered = qli_key_begin(cx, &key, QLI_IX_AUTOINC) == QL_OK &&
                  qli_put_be64(cx, &key, s->table_id) == QL_OK &&
                  qli_put_be64(cx, &key, ch->bound) == QL_OK &&
                  ql_txn_get(cx, QL_VIEW_OWN, qli_buf_str(&key), &value) == QL_OK;
        ql_buf_free(&key);
    }
    return covered;
}

/* Largest bound this transaction has staged, or 0. */
static uint64_t
own_bound(ql_ctx *cx, const ql_tablestate *s)
{
    ql_catalog_stage *stage = qli_stage_of(cx, false);
    uint64_t max = 0;
    for (qli_change *ch = stage ? stage->head : NULL; ch; ch = ch->next) {
        if (ch->kind == QLI_AUTOINC && ch->state == s && ch->bound > max) {
            max = ch->bound;
        }
    }
    return max;
}

/* Values below end are about to be used: make sure that a bound of at least end commits with or
 * before them. */
static ql_status
cover(ql_ctx *cx, ql_tablestate *s, uint64_t end)
{
    ql_mutex_lock(&s->mu);
    uint64_t older = s->durable;
    bool safe = end <= older;
    uint64_t bound = end;
    if (!safe) {
        bound = end > UINT64_MAX - s->block ? UINT64_MAX : end + s->block;
        s->block = s->block < BLOCK_MAX ? s->block * 2 : BLOCK_MAX;
    }
    ql_mutex_unlock(&s->mu);
    if (safe || own_bound_covers(cx, s, end)) {
        return QL_OK;
    }
    uint64_t mine = own_bound(cx, s);
    qli_change *ch = qli_stage_add(cx, QLI_AUTOINC, QL_STR(""), QL_STR(""));
    if (!ch) {
        return QL_ERROR;
    }
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    ch->state = s;
    ch->bound = bound;
    if (mine && mine != bound) {
        QL_TRY(qli_erase_bound(cx, QLI_IX_AUTOINC, s->table_id, mine));
    }
    return qli_store_bound(cx, QLI_IX_AUTOINC, s->table_id, true, bound, older);
}

/* The bound goes the way of the rows. */
static ql_status
cover_rows(ql_ctx *cx, const ql_table *t, uint64_t end)
{
    if (ql_table_is_transactional(t)) {
        return cover(cx, t->state, end);
    }
    struct ql_txn *saved;
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_WRITE, &saved));
    ql_status st = cover(cx, t->state, end);
    ql_nontxn_leave(cx, saved);
    return st;
}

/* Between least and *n values, as many as there are. */
static ql_status
reserve(ql_ctx *cx, ql_table *t, uint64_t least, uint64_t *n, uint64_t *first)
{
    ql_tablestate *s = t->state;
    ql_mutex_lock(&s->mu);
    bool left = s->next != 0 && s->next <= s->max && least - 1 <= s->max - s->next;
    if (left) {
        *n = *n - 1 <= s->max - s->next ? *n : s->max - s->next + 1;
        *first = s->next;
        s->next += *n; /* 0 after UINT64_MAX: used up */
    }
    ql_mutex_unlock(&s->mu);
    if (!left) {
        return ql_fail(cx, QL_ER_AUTOINC_READ_FAILED);
    }
    return cover_rows(cx, t, *first > UINT64_MAX - *n ? UINT64_MAX : *first + *n);
}

ql_status
ql_autoinc_reserve(ql_ctx *cx, ql_table *t, uint64_t n, uint64_t *first)
{
    return reserve(cx, t, n, &n, first);
}

ql_status
ql_autoinc_reserve_some(ql_ctx *cx, ql_table *t, uint64_t *n, uint64_t *first)
{
    return reserve(cx, t, 1, n, first);
}

ql_status
ql_autoinc_seen(ql_ctx *cx, ql_table *t, uint64_t value)
{
    ql_tablestate *s = t->state;
    ql_mutex_lock(&s->mu);
    bool beyond = s->next != 0 && value >= s->next;
    if (beyond) {
        s->next = value == UINT64_MAX ? 0 : value + 1;
    }
    ql_mutex_unlock(&s->mu);
    return beyond ? cover_rows(cx, t, value == UINT64_MAX ? value : value + 1) : QL_OK;
}

uint64_t
ql_autoinc_peek(ql_table *t)
{
    ql_mutex_lock(&t->state->mu);
    uint64_t next = t->state->next;
    ql_mutex_unlock(&t->state->mu);
    return next;
}

/* Clean stop: one exact bound instead of the one ahead, and the row count. */
ql_status
qli_autoinc_checkpoint(ql_ctx *cx, ql_table *t)
{
    ql_tablestate *s = t->state;
    if (t->auto_column >= 0 && s->next != 0 && s->next != s->durable && s->durable != 0) {
        QL_TRY(qli_store_bound(cx, QLI_IX_AUTOINC, s->table_id, true, s->next, s->durable));
    }
    int64_t rows = ql_table_rows(t);
    if (rows < 0) {
        return QL_OK;
    }
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &key, QLI_IX_ROWS), out);
    QL_TRY_TO(st, qli_put_be64(cx, &key, s->table_id), out);
    QL_TRY_TO(st, qli_put_be64(cx, &val, (uint64_t)rows), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

/* --- hidden row ids -------------------------------------------------------------------------- */

static ql_status
last_rowid(ql_ctx *cx, const ql_table *t, uint64_t *last)
{
    ql_buf key = {0};
    ql_kv_snap *snap = NULL;
    ql_kv_cursor *cur = NULL;
    ql_str k, v;
    ql_status st;
    *last = 0;
    QL_TRY_TO(st, qli_key_begin(cx, &key, t->indexes[0].id + 1), out);
    QL_TRY_TO(st, ql_kv_snap_begin(cx, cx->inst->kv, &snap), out);
    QL_TRY_TO(st, ql_kv_cursor_open(cx, snap, &cur), out);
    st = ql_kv_seek_lt(cx, cur, qli_buf_str(&key), &k, &v);
    uint32_t id = 0;
    for (unsigned i = 0; st == QL_OK && k.n == 12 && i < 12; i++) {
        if (i < 4) {
            id = id << 8 | (uint8_t)k.p[i];
        } else if (id == t->indexes[0].id) {
            *last = *last << 8 | (uint8_t)k.p[i];
        }
    }
    st = st == QL_END ? QL_OK : st;
out:
    ql_kv_cursor_close(cur);
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    return st;
}

ql_status
ql_rowid_next(ql_ctx *cx, ql_table *t, uint64_t *out)
{
    _Atomic uint64_t *next = &t->state->rowid;
    if (QL_UNLIKELY(atomic_load_explicit(next, memory_order_relaxed) == 0)) {
        uint64_t last, unknown = 0;
        QL_TRY(last_rowid(cx, t, &last));
        (void)atomic_compare_exchange_strong(next, &unknown, last + 1);
    }
    *out = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
    return QL_OK;
}

/* --- row counts ------------------------------------------------------------------------------ */

int64_t
ql_table_rows(const ql_table *t)
{
    return t->state ? atomic_load_explicit(&t->state->rows, memory_order_relaxed) : -1;
}

void
ql_table_rows_init(ql_table *t, int64_t rows)
{
    if (t->state) {
        atomic_store_explicit(&t->state->rows, rows, memory_order_relaxed);
    }
}

#define COUNT_LIMIT 20000u

ql_status
qli_estimate_rows(ql_ctx *cx, ql_table *t, uint64_t *rows)
{
    int64_t known = t->is_virtual ? 0 : ql_table_rows(t);
    *rows = known > 0 ? (uint64_t)known : 0;
    if (known >= 0) {
        return QL_OK;
    }
    ql_buf from = {0}, to = {0};
    ql_kv_snap *snap = NULL;
    ql_kv_cursor *cur = NULL;
    ql_str k, v;
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, t->indexes[0].id), out);
    QL_TRY_TO(st, qli_key_begin(cx, &to, t->indexes[0].id + 1), out);
    QL_TRY_TO(st, ql_kv_snap_begin(cx, cx->inst->kv, &snap), out);
    QL_TRY_TO(st, ql_kv_cursor_open(cx, snap, &cur), out);
    st = ql_kv_seek_ge(cx, cur, qli_buf_str(&from), &k, &v);
    while (st == QL_OK && memcmp(k.p, to.p, k.n < to.n ? k.n : to.n) < 0 && *rows < COUNT_LIMIT) {
        if (++*rows % 1024 == 0) {
            QL_TRY_TO(st, ql_check(cx), out);
        }
        st = ql_kv_next(cx, cur, &k, &v);
    }
    if (*rows < COUNT_LIMIT && (st == QL_OK || st == QL_END)) {
        ql_table_rows_init(t, (int64_t)*rows);
    }
    st = st == QL_END ? QL_OK : st;
out:
    ql_kv_cursor_close(cur);
    ql_kv_snap_end(snap);
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}
