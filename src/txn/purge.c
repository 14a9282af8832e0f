/* SPDX-License-Identifier: Apache-2.0
 *
 * Purge: deletes the key ranges that DROP and TRUNCATE left, in commits of a few milliseconds, in
 * the background and across restarts. A range is a record 0xFE 't' id(8) -> length of from (4,
 * little-endian), from, to, written by the transaction that made it garbage. Nobody has to do with
 * its keys any more, so they are deleted in the purger's own thread, beside the commits of others
 * and a moment after those who waited for the name. The same thread queues again what nobody waits
 * for and what the disk had no room for. Mutex: purge_mu (rank RECLAIM), held for its flags only.
 */
#include "txn/txn_int.h"

#include "base/log.h"

#define KEYS_PER_LOOK 1000u /* at the clock */
#define BUSY_MS 5           /* of a commit */
#define RECORDS 64u         /* that are looked for at once */
#define RETRY_MS 1000
#define POLITE_MS 50
#define RECORD_KEY 10u

static const char trash_from[] = {(char)0xFE, 't'};
static const char trash_to[] = {(char)0xFE, 'u'};

static uint64_t
load_be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static void
record_key(char key[RECORD_KEY], uint64_t id)
{
    memcpy(key, trash_from, sizeof trash_from);
    id = __builtin_bswap64(id);
    memcpy(key + sizeof trash_from, &id, sizeof id);
}

ql_status
ql_txn_trash_range(ql_ctx *cx, ql_str from, ql_str to)
{
    ql_txn *t = cx->txn;
    if (t->read_only) {
        return ql_fail(cx, QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    char key[RECORD_KEY];
    record_key(key, atomic_fetch_add_explicit(&t->ts->next_trash, 1, memory_order_relaxed));
    size_t n = 4 + from.n + to.n;
    char *value = ql_mem_alloc(n);
    if (value == NULL) {
        return ql_fail_oom(cx, n);
    }
    uint32_t len = (uint32_t)from.n;
    memcpy(value, &len, 4);
    memcpy(value + 4, from.p, from.n);
    memcpy(value + 4 + from.n, to.p, to.n);
    ql_status st = qli_txn_write(cx, (ql_str){key, sizeof key}, (ql_str){value, n}, false);
    ql_mem_free(value);
    t->has_trash = true;
    return st;
}

/* A record as it was found. Owner: the purger. */
typedef struct trash {
    char key[RECORD_KEY];
    char *value;
    size_t n;
} trash;

/* The first ones there are. Owner: the purger. */
typedef struct trash_list {
    trash v[RECORDS];
    size_t n;
    uint64_t seq; /* number of a state that has them all */
} trash_list;

static void
free_list(trash_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        ql_mem_free(l->v[i].value);
    }
    l->n = 0;
}

static bool
is_record(ql_str k)
{
    return k.n == RECORD_KEY && memcmp(k.p, trash_from, sizeof trash_from) == 0;
}

static ql_status
keep_record(ql_ctx *cx, trash_list *l, ql_str k, ql_str v)
{
    trash *t = &l->v[l->n];
    memcpy(t->key, k.p, RECORD_KEY);
    t->n = v.n;
    t->value = ql_mem_alloc(v.n);
    if (t->value == NULL) {
        return ql_fail_oom(cx, v.n);
    }
    memcpy(t->value, v.p, v.n);
    l->n++;
    return QL_OK;
}

/* Somebody else's value is damaged: there is no record any more. */
static ql_status
not_ours(ql_ctx *cx, const ql_kv_cursor *c, ql_status st)
{
    ql_str bad = st == QL_ERROR ? ql_kv_cursor_damaged(c) : (ql_str){NULL, 0};
    size_t n = bad.n < sizeof trash_from ? bad.n : sizeof trash_from;
    if (QL_UNLIKELY(bad.n != 0) && memcmp(bad.p, trash_from, n) != 0) {
        ql_diag_clear_error(cx->diag);
        return QL_END;
    }
    return st;
}

/* Up to RECORDS of them; QL_END = none. Freed by the caller in any case. */
static ql_status
list_trash(ql_ctx *cx, ql_kv_snap *s, trash_list *l)
{
    ql_kv_cursor *c;
    ql_str k, v;
    QL_TRY(ql_kv_cursor_open(cx, s, &c));
    ql_status st = ql_kv_seek_ge(cx, c, (ql_str){trash_from, sizeof trash_from}, &k, &v);
    while (st == QL_OK && is_record(k) && v.n >= 4) {
        st = keep_record(cx, l, k, v);
        if (st == QL_OK) {
            st = l->n < RECORDS ? ql_kv_next(cx, c, &k, &v) : QL_END;
        }
    }
    st = not_ours(cx, c, st);
    ql_kv_cursor_close(c);
    if (st == QL_ERROR && l->n > 0) { /* met again when these are done */
        ql_diag_clear_error(cx->diag);
        return QL_OK;
    }
    return st == QL_OK && l->n == 0 ? QL_END : st == QL_END && l->n > 0 ? QL_OK : st;
}

static ql_status
find_trash(ql_ctx *cx, ql_txnsys *ts, trash_list *l)
{
    ql_kv_snap *s;
    l->n = 0;
    QL_TRY(ql_kv_snap_begin(cx, ts->kv, &s));
    l->seq = ql_kv_snap_seq(s);
    ql_status st = list_trash(cx, s, l);
    ql_kv_snap_end(s);
    return st;
}

/* Number of the last record; 0 = none. */
static ql_status
last_record(ql_ctx *cx, ql_txnsys *ts, uint64_t *id)
{
    ql_kv_snap *s;
    ql_kv_cursor *c;
    ql_str k, v;
    *id = 0;
    QL_TRY(ql_kv_snap_begin(cx, ts->kv, &s));
    ql_status st = ql_kv_cursor_open(cx, s, &c);
    if (st == QL_OK) {
        st = ql_kv_seek_lt(cx, c, (ql_str){trash_to, sizeof trash_to}, &k, &v);
        *id = st == QL_OK && is_record(k) ? load_be64(k.p + sizeof trash_from) : 0;
        st = not_ours(cx, c, st);
        ql_kv_cursor_close(c);
    }
    ql_kv_snap_end(s);
    return st == QL_END ? QL_OK : st;
}

/* Up to so many keys of the range; fewer: it is done, and the record goes as well. */
static ql_status
delete_some(ql_ctx *cx, ql_kv_apply *a, const trash *t, size_t *done)
{
    uint32_t len;
    memcpy(&len, t->value, 4);
    len = len <= t->n - 4 ? len : (uint32_t)(t->n - 4);
    ql_str from = {t->value + 4, len}, to = {t->value + 4 + len, t->n - 4 - len};
    QL_TRY(ql_kv_apply_del_range(cx, a, from, to, KEYS_PER_LOOK, done));
    return *done < KEYS_PER_LOOK ? ql_kv_apply_del(cx, a, (ql_str){t->key, RECORD_KEY}) : QL_OK;
}

static bool
may_go_on(ql_ctx *cx, ql_txnsys *ts)
{
    ql_mutex_lock(&ts->purge_mu);
    bool paused = ts->purge_paused;
    ql_mutex_unlock(&ts->purge_mu);
    return !paused && ql_check(cx) == QL_OK;
}

/* One commit, of what a few milliseconds are enough for: its two syncs are what others feel, and
 * what comes into the data file otherwise waits for it. *at: of the records, those done so far. */
static ql_status
purge_some(ql_ctx *cx, ql_txnsys *ts, const trash_list *l, size_t *at)
{
    ql_kv_apply *a;
    size_t i = *at, keys = 0, done;
    int64_t until = ql_now_mono_ns() + (int64_t)BUSY_MS * 1000000;
    ql_status st;
    QL_TRY(ql_kv_beside_begin(cx, ts->kv, l->seq, &a));
    do {
        st = delete_some(cx, a, &l->v[i], &done);
        keys += done;
        i += st == QL_OK && done < KEYS_PER_LOOK;
    } while (st == QL_OK && i < l->n && ql_now_mono_ns() < until);
    if (st != QL_OK) {
        ql_kv_apply_abort(a);
        return st;
    }
    QL_TRY(ql_kv_apply_commit(cx, a, QL_KV_DURABLE));
    *at = i;
    atomic_fetch_add_explicit(&ts->n_purged, keys, memory_order_relaxed);
    return QL_OK;
}

/* Until nothing is left, it is paused or stopped. */
static ql_status
purge_all(ql_ctx *cx, ql_txnsys *ts)
{
    ql_status st = QL_OK;
    while (st == QL_OK && may_go_on(cx, ts)) {
        trash_list l;
        size_t at = 0;
        st = find_trash(cx, ts, &l);
        while (st == QL_OK && at < l.n && may_go_on(cx, ts)) {
            st = purge_some(cx, ts, &l, &at);
        }
        free_list(&l);
    }
    return st == QL_END ? QL_OK : st;
}

/* [purge_mu], given up meanwhile. Who waited for the name of what was dropped goes first. */
static ql_status
be_polite(ql_ctx *cx, ql_txnsys *ts)
{
    ql_deadline until = ql_deadline_ms(POLITE_MS);
    ql_status st = QL_OK;
    while (st == QL_OK) {
        st = ql_cv_wait(cx, &ts->purge_work, &ts->purge_mu, until, QL_W_BACKGROUND);
    }
    return st == QL_TIMEOUT ? QL_OK : st;
}

/* What nobody waits for goes into the commit queue again once it is due. */
static void
queue_left(ql_txnsys *ts)
{
    qli_commit_req *r = NULL;
    ql_mutex_lock(&ts->purge_mu);
    if (ts->left != NULL && ql_now_mono_ns() >= ts->left_due_ns) {
        r = ts->left;
        ts->left = NULL;
    }
    ql_mutex_unlock(&ts->purge_mu);
    for (qli_commit_req *next; r != NULL; r = next) {
        next = r->next;
        qli_commit_leave(ts, r);
    }
}

/* Scratch too; and what is left, whatever becomes of the others. */
static ql_status
work(ql_ctx *cx, ql_txnsys *ts)
{
    ql_diag_reset(cx->diag);
    ql_status st = purge_all(cx, ts);
    st = st == QL_OK && may_go_on(cx, ts) ? qli_scratch_purge(cx, ts) : st;
    if (st != QL_KILLED) {
        queue_left(ts);
    }
    return st;
}

void
qli_purger_run(void *arg)
{
    ql_txnsys *ts = arg;
    ql_ctx *cx = &ts->purger.cx;
    ql_status st = QL_OK;
    ql_thread_stay_behind();
    ql_mutex_lock(&ts->purge_mu);
    while (st != QL_KILLED) {
        bool wanted = ts->purge_wanted && !ts->purge_paused;
        if (wanted) {
            st = be_polite(cx, ts);
            ts->purge_wanted = false;
            ql_mutex_unlock(&ts->purge_mu);
            st = st == QL_OK ? work(cx, ts) : st;
            ql_mutex_lock(&ts->purge_mu);
        }
        if (st == QL_ERROR || (st != QL_KILLED && ts->left != NULL)) {
            ts->purge_wanted = true;
            st = ql_cv_wait(cx, &ts->purge_work, &ts->purge_mu, ql_deadline_ms(RETRY_MS),
                            QL_W_BACKGROUND);
        } else if (st != QL_KILLED && !(ts->purge_wanted && !ts->purge_paused)) {
            st = ql_cv_wait(cx, &ts->purge_work, &ts->purge_mu, QL_FOREVER, QL_W_BACKGROUND);
        }
    }
    ql_mutex_unlock(&ts->purge_mu);
}

void
qli_purge_kick(ql_txnsys *ts)
{
    ql_mutex_lock(&ts->purge_mu);
    ts->purge_wanted = true;
    ql_cv_signal(&ts->purge_work);
    ql_mutex_unlock(&ts->purge_mu);
}

void
qli_purge_retry(ql_txnsys *ts, qli_commit_req *r)
{
    ql_mutex_lock(&ts->purge_mu);
    if (ts->left == NULL) {
        ts->left_due_ns = ql_now_mono_ns() + (int64_t)RETRY_MS * 1000000;
    }
    r->next = ts->left;
    ts->left = r;
    ql_cv_signal(&ts->purge_work);
    ql_mutex_unlock(&ts->purge_mu);
}

void
qli_purge_fini(ql_txnsys *ts)
{
    for (qli_commit_req *r = ts->left, *next; r != NULL; r = next) {
        next = r->next;
        qli_commit_left_end(ts, r);
    }
    ts->left = NULL;
}

void
ql_txnsys_pause_purge(ql_txnsys *ts, bool pause)
{
    ql_mutex_lock(&ts->purge_mu);
    ts->purge_paused = pause;
    ts->purge_wanted = true;
    ql_cv_signal(&ts->purge_work);
    ql_mutex_unlock(&ts->purge_mu);
}

ql_status
qli_purge_init(ql_ctx *cx, ql_txnsys *ts)
{
    uint64_t last;
    QL_TRY(last_record(cx, ts, &last));
    atomic_store_explicit(&ts->next_trash, last + 1, memory_order_relaxed);
    ts->purge_wanted = last != 0;
    return QL_OK;
}
