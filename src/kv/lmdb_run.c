/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of rising keys. LMDB splits a full page in its middle, unless the new entry is the last one
 * of the page: so keys that come in order and in front of something (of the next index's first
 * entries, at least of kv's own records) leave every page half empty behind them. Where a put has
 * split a page and many puts before it stand side by side, what stands behind it in its page is
 * taken out; then the run has the page's end and fills one page after the other. It is put back
 * before anything else is done there: at the latest before the transaction ends, so nobody ever
 * sees it missing. Thread of the write transaction; no locks, no waits.
 */
#include "kv/lmdb_int.h"

#define EVERY 32u  /* puts from one mark to the next: a run has at least so many */
#define PAGE 4096u /* keys of one page are not farther apart */
#define LARGEST                                                                                    \
    (PAGE / 8)         /* of larger entries LMDB leaves one of few behind, and fills by itself */
#define KEPT_MAX 8192u /* bytes, a little more than a page can hold */

static bool
is_key(const MDB_val *v, const qli_run_key *k)
{
    return v->mv_size == k->n && memcmp(v->mv_data, k->bytes, k->n) == 0;
}

static void
note_key(qli_run_key *k, ql_str key)
{
    k->n = (uint16_t)key.n;
    memcpy(k->bytes, key.p, key.n);
}

/* The newest put is the cursor's place. Do the puts since the older mark stand side by side in
 * front of it? */
static bool
is_dense(const qli_run *r, MDB_cursor *mc)
{
    MDB_val k = {0}, v;
    for (uint32_t i = 1; i <= EVERY + r->since; i++) {
        if (mdb_cursor_get(mc, &k, &v, MDB_PREV) != 0 || (i == 1 && !is_key(&k, &r->last))) {
            return false;
        }
    }
    return is_key(&k, &r->older);
}

/* An entry as it is stored: lengths (2 + 2), key, value. */
static bool
keep_entry(qli_run *r, const MDB_val *k, const MDB_val *v)
{
    size_t n = 4 + k->mv_size + v->mv_size;
    if (r->kept_bytes + n > KEPT_MAX || v->mv_size > PAGE / 2) {
        return false;
    }
    uint16_t len[2] = {(uint16_t)k->mv_size, (uint16_t)v->mv_size};
    char *p = r->kept + r->kept_bytes;
    memcpy(p, len, sizeof len);
    memcpy(p + sizeof len, k->mv_data, k->mv_size);
    memcpy(p + sizeof len + k->mv_size, v->mv_data, v->mv_size);
    r->kept_bytes += n;
    return true;
}

static size_t
kept_at(const qli_run *r, size_t at, MDB_val *k, MDB_val *v)
{
    uint16_t len[2];
    char *p = r->kept + at;
    memcpy(len, p, sizeof len);
    *k = (MDB_val){.mv_size = len[0], .mv_data = p + sizeof len};
    *v = (MDB_val){.mv_size = len[1], .mv_data = p + sizeof len + len[0]};
    return at + sizeof len + len[0] + len[1];
}

/* Pages in a write transaction are anywhere in memory: one entry too many does no harm. */
static int
take_out(qli_run *r, MDB_txn *txn, MDB_dbi dbi, MDB_cursor *mc, const MDB_val *here)
{
    MDB_val k, v;
    uintptr_t place = (uintptr_t)here->mv_data;
    r->kept = r->kept != NULL ? r->kept : ql_mem_alloc(KEPT_MAX);
    if (r->kept == NULL) {
        return 0; /* it would only be better */
    }
    int rc = mdb_cursor_get(mc, &k, &v, MDB_NEXT);
    for (; rc == 0; rc = mdb_cursor_get(mc, &k, &v, MDB_NEXT)) {
        uintptr_t p = (uintptr_t)k.mv_data;
        if ((p > place ? p - place : place - p) >= PAGE || !keep_entry(r, &k, &v)) {
            break;
        }
    }
    rc = rc == MDB_NOTFOUND ? 0 : rc;
    for (size_t at = 0; rc == 0 && at < r->kept_bytes;) {
        at = kept_at(r, at, &k, &v);
        rc = mdb_del(txn, dbi, &k, NULL);
    }
    return rc;
}

int
qli_run_note(qli_run *r, MDB_txn *txn, MDB_dbi dbi, MDB_cursor *mc, ql_str key, size_t value_n)
{
    MDB_stat s;
    if (r->kept_bytes != 0) {
        return 0; /* the run has the page's end */
    }
    int rc = mdb_stat(txn, dbi, &s);
    bool split = s.ms_leaf_pages > r->leaves;
    r->leaves = s.ms_leaf_pages;
    r->since++;
    if (rc == 0 && split && r->marks >= 2 && key.n + value_n <= LARGEST && is_dense(r, mc)) {
        MDB_val k = {.mv_size = key.n, .mv_data = (void *)(uintptr_t)key.p}, v;
        rc = mdb_cursor_get(mc, &k, &v, MDB_SET_KEY);
        rc = rc == 0 ? take_out(r, txn, dbi, mc, &k) : rc;
    }
    note_key(&r->last, key);
    if (r->since == EVERY || r->marks == 0) {
        r->older = r->newer;
        r->newer = r->last;
        r->since = 0;
        r->marks++;
    }
    return rc;
}

bool
qli_run_is_before(const qli_run *r, ql_str key)
{
    MDB_val k, v;
    if (r->kept_bytes == 0) {
        return true;
    }
    (void)kept_at(r, 0, &k, &v);
    return ql_str_cmp(key, (ql_str){k.mv_data, k.mv_size}) < 0;
}

int
qli_run_settle(qli_run *r, MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val k, v;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < r->kept_bytes;) {
        at = kept_at(r, at, &k, &v);
        rc = mdb_put(txn, dbi, &k, &v, 0);
    }
    r->kept_bytes = 0;
    r->since = r->marks = 0;
    return rc;
}

void
qli_run_fini(qli_run *r)
{
    ql_mem_free(r->kept);
    r->kept = NULL;
}
