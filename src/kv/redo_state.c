/* SPDX-License-Identifier: Apache-2.0
 *
 * What LMDB's file says of itself and of the redo log, in records of kv's own:
 *
 *   0xFF 's'   number of the state (8, big-endian)
 *   0xFF 'u'   id of the file, which each segment of the log repeats (16)
 *   0xFF 'l'   account of the log: flags (4; 1 = it may hold commits behind 's'), bits of the
 *              segments that exist (4), serial of the newest use of one that is durable (8), number
 *              of the state once more (8), CRC-32C of these (4); machine order
 *
 * 's' and 'l' are written in the transaction that makes the state. Files of format 1 have no 'l'.
 * Opening is single-threaded; else whoever has LMDB's write transaction.
 */
#include "kv/redo_int.h"

#include <sys/random.h>

#include "kv/crc32c.h"

#define IN_USE 1u

static const char state_key[2] = {(char)QLI_KV_INTERNAL, 's'};
static const char id_key[2] = {(char)QLI_KV_INTERNAL, 'u'};
static const char log_key[2] = {(char)QLI_KV_INTERNAL, 'l'};

typedef struct log_record {
    uint32_t flags, files;
    uint64_t serial, seq;
    uint32_t crc;
} __attribute__((packed)) log_record;

_Static_assert(sizeof(log_record) == 28, "format");

static uint32_t
record_crc(const log_record *rec)
{
    return qli_crc32c(0, rec, offsetof(log_record, crc));
}

/* --- reading --- */

static int
read_own(qli_redo *r, const char key[2], void *p, size_t n)
{
    MDB_txn *txn;
    MDB_val k = {.mv_size = 2, .mv_data = (void *)(uintptr_t)key}, v;
    int rc = mdb_txn_begin(r->l.env, NULL, MDB_RDONLY, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_get(txn, r->l.dbi, &k, &v);
    if (rc == 0 && v.mv_size != n) {
        rc = MDB_CORRUPTED;
    }
    if (rc == 0) {
        memcpy(p, v.mv_data, n);
    }
    mdb_txn_abort(txn);
    return rc;
}

static int
write_own(MDB_txn *txn, MDB_dbi dbi, const char key[2], const void *p, size_t n)
{
    MDB_val k = {.mv_size = 2, .mv_data = (void *)(uintptr_t)key};
    MDB_val v = {.mv_size = n, .mv_data = (void *)(uintptr_t)p};
    return mdb_put(txn, dbi, &k, &v, 0);
}

/* First time: numbers go on where LMDB's transactions are. */
static int
write_first_state(qli_redo *r, unsigned char id[QLI_REDO_ID])
{
    MDB_txn *txn;
    char seq[8];
    if (getrandom(id, QLI_REDO_ID, 0) != (ssize_t)QLI_REDO_ID) {
        return EIO;
    }
    int rc = mdb_txn_begin(r->l.env, NULL, 0, &txn);
    if (rc != 0) {
        return rc;
    }
    qli_store_be64(seq, mdb_txn_id(txn));
    rc = write_own(txn, r->l.dbi, state_key, seq, sizeof seq);
    if (rc == 0) {
        rc = write_own(txn, r->l.dbi, id_key, id, QLI_REDO_ID);
    }
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

static int
read_log_record(qli_redo *r, qli_redo_state *out)
{
    log_record rec;
    int rc = read_own(r, log_key, &rec, sizeof rec);
    if (rc == MDB_NOTFOUND) {
        return 0; /* format 1, or just made */
    }
    if (rc == 0 && (rec.crc != record_crc(&rec) || rec.seq != out->seq)) {
        rc = MDB_CORRUPTED;
    }
    if (rc == 0) {
        out->expect.known = true;
        out->expect.in_use = (rec.flags & IN_USE) != 0;
        out->expect.files = rec.files;
        out->expect.serial = rec.serial;
    }
    return rc;
}

ql_status
qli_redo_state_read(ql_ctx *cx, qli_redo *r, qli_redo_state *out)
{
    char seq[8];
    MDB_envinfo info;
    *out = (qli_redo_state){0};
    int rc = read_own(r, id_key, out->id, QLI_REDO_ID);
    if (rc == MDB_NOTFOUND && !r->read_only) {
        rc = write_first_state(r, out->id);
    }
    if (rc == 0) {
        rc = read_own(r, state_key, seq, sizeof seq);
    }
    if (rc == 0) {
        rc = mdb_env_info(r->l.env, &info);
    }
    if (rc == MDB_NOTFOUND && r->read_only && mdb_env_info(r->l.env, &info) == 0) {
        memset(out->id, 0, QLI_REDO_ID); /* written before there was a log */
        qli_store_be64(seq, info.me_last_txnid);
        rc = 0;
    }
    if (rc == 0) {
        out->seq = out->expect.applied = qli_load_be64(seq);
        rc = read_log_record(r, out);
    }
    if (rc != 0) {
        return qli_lmdb_fail(cx, &r->l, rc);
    }
    r->file_txn = info.me_last_txnid;
    r->file_seq = out->seq;
    r->log_is_named = out->expect.in_use;
    atomic_store_explicit(&r->l.kv.seq, r->file_seq, memory_order_release);
    atomic_store_explicit(&r->log.durable_serial, out->expect.serial, memory_order_relaxed);
    return QL_OK;
}

/* --- writing --- */

ql_status
qli_redo_state_put(ql_ctx *cx, qli_redo *r, ql_kv_apply *a, uint64_t seq, bool in_use)
{
    MDB_txn *txn;
    char value[8];
    ql_mutex_lock(&r->l.mu);
    uint32_t files = r->files;
    ql_mutex_unlock(&r->l.mu);
    log_record rec = {.flags = in_use ? IN_USE : 0,
                      .files = files,
                      .serial = atomic_load_explicit(&r->log.durable_serial, memory_order_acquire),
                      .seq = seq};
    rec.crc = record_crc(&rec);
    qli_store_be64(value, seq);
    int rc = qli_lapply_txn(a, &txn);
    if (rc == 0) {
        rc = write_own(txn, r->l.dbi, state_key, value, sizeof value);
    }
    if (rc == 0) {
        rc = write_own(txn, r->l.dbi, log_key, &rec, sizeof rec);
    }
    if (rc == 0 && r->l.old_format) {
        rc = qli_lmdb_put_identity(txn, r->l.dbi);
    }
    return rc == 0 ? QL_OK : qli_lmdb_fail(cx, &r->l, rc);
}

ql_status
qli_redo_state_commit(ql_ctx *cx, qli_redo *r, bool in_use)
{
    ql_kv_apply *a;
    QL_TRY(qli_lapply_begin(cx, &r->l.kv, &a));
    return qli_flush_commit(cx, r, a, 0, r->file_seq, in_use);
}
