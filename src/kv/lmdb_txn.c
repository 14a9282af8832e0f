/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots (LMDB read transactions, reset into a pool and renewed, which costs no system call and
 * no lock inside LMDB) and the one write transaction. Snapshots: any thread, lists under mutex KV.
 * Applies: the committer's thread (temporary environments: the owner).
 */
#include "intr/intr.h"
#include "kv/lmdb_int.h"

#define POOL_MAX 512u
#define BYTES_PER_LOOK ((uint64_t)512 << 10)
#define OPS_PER_WIDENING 32u

typedef struct qli_lapply {
    ql_kv_apply a;
    qli_lmdb *l;
    MDB_txn *txn;
    MDB_cursor *mc;         /* where the latest plain key was put or deleted; or NULL */
    uint64_t bytes, looked; /* put so far; when the free space was last looked at */
    uint64_t reusable;      /* bytes of free pages in the file, at the first look */
    uint32_t ops;           /* puts and deletions */
    ql_mem_end heap;        /* where LMDB's pages come from */
    qli_run run;
} qli_lapply;

static MDB_val
val_of(ql_str s)
{
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)s.p};
}

/* --- snapshots --- */

static qli_lsnap *
pool_get(qli_lmdb *l)
{
    ql_mutex_lock(&l->mu);
    qli_lsnap *s = l->pool;
    if (s != NULL) {
        l->pool = s->next;
        l->npool--;
    }
    ql_mutex_unlock(&l->mu);
    return s;
}

void
qli_lsnap_free(qli_lsnap *s)
{
    qli_lcursor_free(s->spare);
    if (s->txn != NULL) {
        mdb_txn_abort(s->txn);
    }
    ql_mem_free(s);
}

static qli_lsnap *
new_snap(qli_lmdb *l, int *rc)
{
    qli_lsnap *s = ql_mem_zalloc(sizeof *s);
    if (s == NULL) {
        *rc = ENOMEM;
        return NULL;
    }
    s->s.ops = &qli_lmdb_ops;
    s->l = l;
    *rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &s->txn);
    if (*rc != 0) {
        s->txn = NULL;
        qli_lsnap_free(s);
        return NULL;
    }
    return s;
}

void
qli_lsnap_list(qli_lsnap *s)
{
    qli_lmdb *l = s->l;
    s->next = NULL;
    s->prev = l->newest;
    if (l->newest != NULL) {
        l->newest->next = s;
    } else {
        l->oldest = s;
    }
    l->newest = s;
    l->nopen++;
}

qli_lsnap *
qli_lsnap_take(qli_lmdb *l, int *rc)
{
    qli_lsnap *s = pool_get(l);
    if (s == NULL) {
        return new_snap(l, rc);
    }
    *rc = mdb_txn_renew(s->txn);
    s->root.asked = false;
    if (*rc != 0) {
        qli_lsnap_free(s);
        return NULL;
    }
    return s;
}

ql_status
qli_lsnap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out)
{
    qli_lmdb *l = (qli_lmdb *)kv;
    int rc = 0;
    qli_lsnap *s = qli_lsnap_take(l, &rc);
    if (s == NULL) {
        return qli_lmdb_fail(cx, l, rc);
    }
    s->s.seq = mdb_txn_id(s->txn);
    ql_mutex_lock(&l->mu);
    qli_lsnap_list(s);
    ql_mutex_unlock(&l->mu);
    *out = &s->s;
    return QL_OK;
}

void
qli_lsnap_end(ql_kv_snap *snap)
{
    qli_lsnap *s = (qli_lsnap *)snap;
    qli_lmdb *l = s->l;
    mdb_txn_reset(s->txn);
    ql_mutex_lock(&l->mu);
    if (s->prev != NULL) {
        s->prev->next = s->next;
    } else {
        l->oldest = s->next;
    }
    if (s->next != NULL) {
        s->next->prev = s->prev;
    } else {
        l->newest = s->prev;
    }
    l->nopen--;
    bool keep = l->npool < POOL_MAX;
    if (keep) {
        s->next = l->pool;
        l->pool = s;
        l->npool++;
    }
    ql_mutex_unlock(&l->mu);
    if (!keep) {
        qli_lsnap_free(s);
    }
}

void
qli_lsnap_free_pool(qli_lmdb *l)
{
    for (qli_lsnap *s = pool_get(l); s != NULL; s = pool_get(l)) {
        qli_lsnap_free(s);
    }
}

/* Value of key in txn. */
static ql_status
get_value(ql_ctx *cx, qli_lmdb *l, MDB_txn *txn, ql_str key, ql_str *value)
{
    MDB_val k = val_of(key), v;
    int rc;
    if (QL_LIKELY(key.n <= QLI_PLAIN_MAX)) {
        rc = key.n != 0 ? mdb_get(txn, l->dbi, &k, &v) : MDB_NOTFOUND;
    } else {
        rc = qli_chain_get(txn, l->dbi, key, &v);
    }
    if (QL_LIKELY(rc == 0)) {
        *value = (ql_str){v.mv_data, v.mv_size};
        if (l->sums) {
            QL_TRY(qli_value_check(cx, l, key, &v));
            value->n -= QLI_SUM_BYTES;
        }
        return QL_OK;
    }
    return rc == MDB_NOTFOUND ? QL_END : qli_lmdb_fail(cx, l, rc);
}

ql_status
qli_lsnap_get(ql_ctx *cx, ql_kv_snap *snap, ql_str key, ql_str *value)
{
    qli_lsnap *s = (qli_lsnap *)snap;
    return get_value(cx, s->l, s->txn, key, value);
}

/* --- the writer --- */

/* A commit that changes one small record: pages freed by the commit before it may be reused by the
 * one after it. Failing is no worse than not having tried. */
static void
commit_tiny(qli_lmdb *l)
{
    MDB_txn *txn;
    if (mdb_txn_begin(l->env, NULL, 0, &txn) != 0) {
        return;
    }
    char key[2] = {(char)QLI_KV_INTERNAL, 't'}, value[8];
    qli_store_be64(value, mdb_txn_id(txn));
    MDB_val k = {.mv_size = 2, .mv_data = key}, v = {.mv_size = 8, .mv_data = value};
    if (mdb_put(txn, l->dbi, &k, &v, 0) == 0) {
        l->tiny_pending = mdb_txn_commit(txn) != 0;
    } else {
        mdb_txn_abort(txn);
    }
}

ql_status
qli_lapply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out)
{
    qli_lmdb *l = (qli_lmdb *)kv;
    if (QL_UNLIKELY(l->tiny_pending)) {
        commit_tiny(l);
    }
    qli_lapply *a = ql_mem_zalloc(sizeof *a);
    int rc = a != NULL ? mdb_txn_begin(l->env, NULL, 0, &a->txn) : ENOMEM;
    if (rc != 0) {
        ql_mem_free(a);
        return qli_lmdb_fail(cx, l, rc);
    }
    a->a.ops = &qli_lmdb_ops;
    a->l = l;
    *out = &a->a;
    return QL_OK;
}

/* Would what was put so far, on new pages at the end of the file, leave less than the reserve?
 * Pages are written when the transaction is committed. */
static ql_status
keep_reserve(ql_ctx *cx, qli_lapply *a)
{
    qli_lmdb *l = a->l;
    uint64_t space = qli_lmdb_free_space(l);
    if (a->looked == 0) {
        a->reusable = qli_lmdb_reusable(l);
    }
    a->looked = a->bytes;
    uint64_t grows = a->bytes > a->reusable ? a->bytes - a->reusable : 0;
    return space >= l->reserve && space - l->reserve >= grows ? QL_OK
                                                              : qli_lmdb_fail(cx, l, ENOSPC);
}

/* LMDB takes each page that it changes from malloc, and an operation changes a few. */
static inline void
widen_heap(qli_lapply *a)
{
    if (QL_UNLIKELY(++a->ops % OPS_PER_WIDENING == 0)) {
        ql_mem_widen(&a->heap);
    }
}

static void
leave_place(qli_lapply *a)
{
    if (a->mc != NULL) {
        mdb_cursor_close(a->mc);
        a->mc = NULL;
    }
}

/* Keys come in order, so the next one is often on the page where the cursor stands: then LMDB does
 * not descend from the root, which costs a look into its list of changed pages for each level. Long
 * keys, and others' cursors, do without it. */
static int
stand_ready(qli_lapply *a, ql_str key)
{
    if (QL_LIKELY(key.n <= QLI_PLAIN_MAX)) {
        return a->mc != NULL ? 0 : mdb_cursor_open(a->txn, a->l->dbi, &a->mc);
    }
    leave_place(a);
    return 0;
}

/* What a run has taken out is back before anything is read, deleted, or put behind it. LMDB's code.
 */
static int
settle(qli_lapply *a)
{
    if (QL_LIKELY(!qli_run_is_out(&a->run))) {
        return 0;
    }
    leave_place(a);
    return qli_run_settle(&a->run, a->txn, a->l->dbi);
}

static int
put_plain(qli_lapply *a, ql_str key, ql_str value)
{
    int rc = QL_LIKELY(qli_run_is_before(&a->run, key)) ? 0 : settle(a);
    rc = rc == 0 ? stand_ready(a, key) : rc;
    rc = rc == 0 ? qli_value_put(a->l, a->txn, a->mc, key, value) : rc;
    if (QL_LIKELY(rc == 0) && !qli_run_is_out(&a->run)) {
        rc = qli_run_note(&a->run, a->txn, a->l->dbi, a->mc, key, value.n);
        if (qli_run_is_out(&a->run)) {
            leave_place(a);
        }
    }
    return rc;
}

static int
put_long(qli_lapply *a, ql_str key, ql_str value)
{
    int rc = settle(a);
    leave_place(a);
    return rc == 0 ? qli_value_put(a->l, a->txn, NULL, key, value) : rc;
}

ql_status
qli_lapply_put(ql_ctx *cx, ql_kv_apply *apply, ql_str key, ql_str value)
{
    qli_lapply *a = (qli_lapply *)apply;
    a->bytes += key.n + value.n;
    widen_heap(a);
    if (QL_UNLIKELY(a->bytes - a->looked >= BYTES_PER_LOOK) && a->l->reserve != 0) {
        QL_TRY(keep_reserve(cx, a));
    }
    int rc = QL_LIKELY(key.n <= QLI_PLAIN_MAX) ? put_plain(a, key, value) : put_long(a, key, value);
    return QL_LIKELY(rc == 0) ? QL_OK : qli_lmdb_fail(cx, a->l, rc);
}

ql_status
qli_lapply_del(ql_ctx *cx, ql_kv_apply *apply, ql_str key)
{
    qli_lapply *a = (qli_lapply *)apply;
    MDB_val k = val_of(key);
    widen_heap(a);
    int rc = settle(a);
    rc = rc == 0 ? stand_ready(a, key) : rc;
    if (QL_UNLIKELY(a->mc == NULL)) {
        rc = rc == 0 ? qli_chain_del(a->txn, a->l->dbi, key) : rc;
    } else {
        MDB_val old;
        rc = rc == 0 ? mdb_cursor_get(a->mc, &k, &old, MDB_SET) : rc;
        rc = rc == 0 ? mdb_cursor_del(a->mc, 0) : rc;
    }
    return QL_LIKELY(rc == 0 || rc == MDB_NOTFOUND) ? QL_OK : qli_lmdb_fail(cx, a->l, rc);
}

ql_status
qli_lapply_get(ql_ctx *cx, ql_kv_apply *apply, ql_str key, ql_str *value)
{
    qli_lapply *a = (qli_lapply *)apply;
    int rc = settle(a);
    return rc == 0 ? get_value(cx, a->l, a->txn, key, value) : qli_lmdb_fail(cx, a->l, rc);
}

ql_status
qli_lapply_del_range(ql_ctx *cx, ql_kv_apply *apply, ql_str from, ql_str to, size_t n, size_t *done)
{
    qli_lapply *a = (qli_lapply *)apply;
    qli_lcursor c;
    char copy[QLI_KV_KEY_MAX];
    *done = 0;
    int rc = settle(a);
    if (rc != 0) {
        return qli_lmdb_fail(cx, a->l, rc);
    }
    leave_place(a);
    rc = qli_lcursor_init(&c, a->txn, a->l->dbi);
    while (rc == 0 && *done < n) {
        MDB_val k, v;
        rc = qli_lcursor_place_ge(&c, from, &k, &v);
        ql_str key = {k.mv_data, k.mv_size};
        if (rc != 0 || ql_str_cmp(key, to) >= 0) {
            break;
        }
        if (k.mv_size <= QLI_PLAIN_MAX) {
            rc = mdb_cursor_del(c.mc, 0);
        } else {
            memcpy(copy, key.p, key.n);
            rc = qli_chain_del(a->txn, a->l->dbi, (ql_str){copy, key.n});
        }
        *done += rc == 0 ? 1 : 0;
    }
    qli_lcursor_fini(&c);
    return rc == 0 || rc == MDB_NOTFOUND ? QL_OK : qli_lmdb_fail(cx, a->l, rc);
}

/* LMDB keeps the newest committed id in its meta page: exact also when nothing was written. */
static void
publish_seq(qli_lmdb *l)
{
    MDB_envinfo info;
    if (mdb_env_info(l->env, &info) == 0) {
        atomic_store_explicit(&l->kv.seq, info.me_last_txnid, memory_order_release);
    }
}

int
qli_lapply_txn(ql_kv_apply *apply, MDB_txn **txn)
{
    qli_lapply *a = (qli_lapply *)apply;
    *txn = a->txn;
    return settle(a);
}

uint64_t
qli_lapply_txn_id(const ql_kv_apply *apply)
{
    return mdb_txn_id(((const qli_lapply *)apply)->txn);
}

int
qli_lapply_finish(ql_ctx *cx, ql_kv_apply *apply)
{
    qli_lapply *a = (qli_lapply *)apply;
    int rc = settle(a);
    leave_place(a);
    if (QL_LIKELY(rc == 0)) {
        rc = mdb_txn_commit(a->txn);
    } else {
        mdb_txn_abort(a->txn);
    }
    qli_run_fini(&a->run);
    ql_mem_free(a);
#ifdef QL_DEBUG
    ql_intr_gap_restart(cx, __FILE__, __LINE__);
#else
    (void)cx;
#endif
    return rc;
}

/* Temporary environments; the data directory goes through redo_apply.c. */
ql_status
qli_lapply_commit(ql_ctx *cx, ql_kv_apply *apply, ql_kv_sync sync)
{
    qli_lmdb *l = ((qli_lapply *)apply)->l;
    (void)sync;
    int rc = qli_lapply_finish(cx, apply);
    if (rc != 0) {
        return qli_lmdb_fail(cx, l, rc);
    }
    publish_seq(l);
    return QL_OK;
}

void
qli_lapply_abort(ql_kv_apply *apply)
{
    qli_lapply *a = (qli_lapply *)apply;
    leave_place(a);
    mdb_txn_abort(a->txn);
    qli_run_fini(&a->run);
    ql_mem_free(a);
}
