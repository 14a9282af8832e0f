/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of a table that all its versions and all sessions share: AUTO_INCREMENT, hidden row ids,
 * the approximate number of rows. AUTO_INCREMENT is a number in memory and a record in the
 * keyspace; the committer writes the record with every group of commits while the number is ahead
 * of it, so the value of a committed row is never handed out again, and a crash skips only what was
 * handed out and not committed. Locks: the state's own mutex (rank AUTOINC), that of the list of
 * counters (LEAF); neither is held while storage is touched.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "txn/scratch.h"

ql_tablestate *
qli_tablestate_new(uint64_t table_id, uint64_t next, uint64_t max)
{
    ql_tablestate *s = ql_mem_zalloc(sizeof *s);
    if (s) {
        atomic_init(&s->refs, 1);
        s->table_id = table_id;
        ql_mutex_init(&s->mu, QL_RANK_AUTOINC);
        s->next = next ? next : 1;
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
        ql_table_kept_put(s->kept);
        ql_mutex_fini(&s->mu);
        ql_mem_free(s);
    }
}

/* --- counters on their way to the disk ---------------------------------------------------------
 */

/* Counters that are ahead of their records, and those whose records are in the group that is being
 * committed. Owner: the transaction system, which outlives the catalog. */
typedef struct qli_counters {
    ql_mutex mu;          /* rank LEAF */
    ql_tablestate *ahead; /* [mu] references, by next_ahead */
    ql_tablestate *going; /* [committer] references, by next_going */
} qli_counters;

static void
add_ahead(qli_counters *c, ql_tablestate *s)
{
    ql_mutex_lock(&c->mu);
    if (!atomic_load(&s->is_ahead)) {
        atomic_store(&s->is_ahead, true);
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
        s->next_ahead = c->ahead;
        c->ahead = s;
    }
    ql_mutex_unlock(&c->mu);
}

/* After next was changed, without the mutex: who finds it listed here came before the committer
 * took the list, and the committer reads next after that. */
static void
note_ahead(ql_ctx *cx, ql_tablestate *s)
{
    if (!atomic_load(&s->is_ahead) && s->table_id < QL_SCRATCH_FIRST) {
        add_ahead(cx->inst->catalog->counters, s);
    }
}

static ql_status
put_counter(ql_ctx *cx, ql_kv_apply *a, ql_tablestate *s, ql_buf *key, ql_buf *value)
{
    ql_mutex_lock(&s->mu);
    uint64_t next = s->next;
    ql_mutex_unlock(&s->mu);
    if (atomic_load_explicit(&s->refs, memory_order_relaxed) == 1) {
        return QL_OK; /* its table has been dropped */
    }
    ql_buf_clear(value);
    QL_TRY(qli_autoinc_key(cx, key, s->table_id));
    QL_TRY(qli_put_be64(cx, value, next));
    return ql_kv_apply_put(cx, a, qli_buf_str(key), qli_buf_str(value));
}

/* The committer: what has been handed out goes with the group, so that no value of a committed row
 * can come again. */
static ql_status
put_counters(ql_ctx *cx, ql_kv_apply *a, void *arg)
{
    qli_counters *c = arg;
    ql_mutex_lock(&c->mu);
    c->going = c->ahead;
    c->ahead = NULL;
    for (ql_tablestate *s = c->going; s; s = s->next_going) {
        s->next_going = s->next_ahead;
        atomic_store(&s->is_ahead, false);
    }
    ql_mutex_unlock(&c->mu);
    if (!c->going) {
        return QL_OK;
    }
    ql_buf key = {0}, value = {0};
    ql_status st = QL_OK;
    for (ql_tablestate *s = c->going; s && st == QL_OK; s = s->next_going) {
        st = put_counter(cx, a, s, &key, &value);
    }
    ql_buf_free(&key);
    ql_buf_free(&value);
    return st;
}

static void
counters_ended(bool committed, void *arg)
{
    qli_counters *c = arg;
    ql_tablestate *next;
    for (ql_tablestate *s = c->going; s; s = next) {
        next = s->next_going;
        if (!committed) {
            add_ahead(c, s);
        }
        qli_tablestate_put(s);
    }
    c->going = NULL;
}

static void
counters_free(void *arg)
{
    qli_counters *c = arg;
    ql_tablestate *next;
    for (ql_tablestate *s = c->ahead; s; s = next) {
        next = s->next_ahead;
        qli_tablestate_put(s);
    }
    ql_mutex_fini(&c->mu);
    ql_mem_free(c);
}

ql_status
qli_counters_open(ql_ctx *cx, ql_catalog *c)
{
    c->counters = ql_mem_zalloc(sizeof *c->counters);
    if (!c->counters) {
        return ql_fail_oom(cx, sizeof *c->counters);
    }
    ql_mutex_init(&c->counters->mu, QL_RANK_LEAF);
    ql_commit_rider rider = {
        .put = put_counters, .ended = counters_ended, .free = counters_free, .arg = c->counters};
    ql_txnsys_set_rider(cx->inst->txns, &rider);
    return QL_OK;
}

/* --- AUTO_INCREMENT -------------------------------------------------------------------------- */

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
    note_ahead(cx, s);
    return QL_OK;
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

void
ql_autoinc_seen(ql_ctx *cx, ql_table *t, uint64_t value)
{
    ql_tablestate *s = t->state;
    ql_mutex_lock(&s->mu);
    bool beyond = s->next != 0 && value >= s->next;
    if (beyond) {
        s->next = value == UINT64_MAX ? 0 : value + 1;
    }
    ql_mutex_unlock(&s->mu);
    if (beyond) {
        note_ahead(cx, s);
    }
}

uint64_t
ql_autoinc_peek(ql_table *t)
{
    ql_mutex_lock(&t->state->mu);
    uint64_t next = t->state->next;
    ql_mutex_unlock(&t->state->mu);
    return next;
}

/* Clean stop. */
ql_status
qli_autoinc_checkpoint(ql_ctx *cx, ql_table *t)
{
    if (t->auto_column >= 0 &&
        atomic_load(&t->state->is_ahead)) { /* no commit has taken it along */
        QL_TRY(qli_store_autoinc(cx, t->id, t->state->next));
    }
    int64_t rows = ql_table_rows(t);
    if (rows < 0) {
        return QL_OK;
    }
    ql_buf key = {0}, val = {0};
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &key, QLI_IX_ROWS), out);
    QL_TRY_TO(st, qli_put_be64(cx, &key, t->id), out);
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
    ql_str k = {NULL, 0}, v;
    ql_status st;
    *last = 0;
    QL_TRY_TO(st, qli_key_begin(cx, &key, t->indexes[0].id + 1), out);
    QL_TRY_TO(st, ql_kv_snap_begin(cx, cx->inst->kv, &snap), out);
    QL_TRY_TO(st, ql_kv_cursor_open(cx, snap, &cur), out);
    st = ql_kv_seek_lt(cx, cur, qli_buf_str(&key), &k, &v);
    if (QL_UNLIKELY(st == QL_ERROR && k.n != 0)) { /* a damaged value; the key is all that counts */
        ql_diag_clear_error(cx->diag);
        st = QL_OK;
    }
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
    if (t->unusable) {
        return 0;
    }
    return t->state ? atomic_load_explicit(&t->state->rows, memory_order_relaxed) : -1;
}

void
ql_table_rows_init(ql_table *t, int64_t rows)
{
    if (t->state) {
        atomic_store_explicit(&t->state->rows, rows, memory_order_relaxed);
    }
}

uint64_t
ql_table_changes(const ql_table *t)
{
    return t->state ? atomic_load_explicit(&t->state->changes, memory_order_relaxed) : 0;
}

ql_table_kept *
ql_table_kept_get(const ql_table *t)
{
    if (!t->state) {
        return NULL;
    }
    ql_mutex_lock(&t->state->mu);
    ql_table_kept *k = t->state->kept;
    if (k) {
        atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    }
    ql_mutex_unlock(&t->state->mu);
    return k;
}

void
ql_table_kept_put(ql_table_kept *k)
{
    if (k && atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) == 1) {
        k->free(k);
    }
}

void
ql_table_keep(ql_table *t, ql_table_kept *k)
{
    ql_table_kept *was = k;
    if (t->state) {
        ql_mutex_lock(&t->state->mu);
        was = t->state->kept;
        t->state->kept = k;
        ql_mutex_unlock(&t->state->mu);
    }
    ql_table_kept_put(was);
}

bool
ql_table_stats_wanted(ql_table *t, bool wanted)
{
    return t->state && atomic_exchange(&t->state->stats_wanted, wanted) != wanted;
}

#define COUNT_LIMIT 20000u

ql_status
ql_table_count_rows(ql_ctx *cx, ql_table *t, uint64_t *rows)
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

/* --- writes watched -------------------------------------------------------------------------- */

void
ql_table_watch_lock(ql_table *t)
{
    ql_mutex_lock(&t->state->mu);
}

void
ql_table_watch_unlock(ql_table *t)
{
    ql_mutex_unlock(&t->state->mu);
}

void
ql_table_set_watch(ql_table *t, ql_table_watch *w)
{
    ql_mutex_lock(&t->state->mu);
    atomic_store(&t->state->watch, w);
    ql_mutex_unlock(&t->state->mu);
}

void
ql_table_note(ql_ctx *cx, ql_table *t, ql_str locator)
{
    ql_tablestate *s = t->state;
    if (QL_LIKELY(atomic_load_explicit(&s->watch, memory_order_acquire) == NULL)) {
        return;
    }
    ql_mutex_lock(&s->mu);
    ql_table_watch *w = atomic_load_explicit(&s->watch, memory_order_relaxed);
    if (w) {
        w->note(w, cx, locator);
    }
    ql_mutex_unlock(&s->mu);
}
