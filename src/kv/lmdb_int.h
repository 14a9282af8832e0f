/* SPDX-License-Identifier: Apache-2.0
 *
 * The LMDB environment inside kv/. All keys live in LMDB's one unnamed tree:
 *
 *   plain key      at most QLI_PLAIN_MAX (510) bytes, stored as it is
 *   stub           the first 510 bytes of longer keys + 0x01 -> 8-byte node id of their chain
 *   chain entry    0xFF 'c' node(8) rest          last piece, at most 500 bytes -> the value
 *                  0xFF 'c' node(8) chunk(500) 0x01 -> 8-byte node id of the next level
 *   0xFF 'i'       identity of the file; 0xFF 't' scratch record of the tiny commit
 *
 * A stored key of exactly 511 bytes is therefore always a stub or a link, memcmp orders everything
 * as the whole keys would be, and short keys pay one comparison of a length.
 */
#ifndef QL_KV_LMDB_INT_H
#define QL_KV_LMDB_INT_H

#include <errno.h>
#include <lmdb.h>

#include "kv/kv_int.h"
#include "kv/lmdb_look.h"

/* Temporary environments; mkostemp fills the second part in. */
#define QLI_TEMP_NAME "quell-spill-"
#define QLI_TEMP_RANDOM "XXXXXX"
#define QLI_PLAIN_MAX 510u
#define QLI_LINK_LEN 511u
#define QLI_CHUNK 500u
#define QLI_ENTRY_HEAD 10u
#define QLI_GENS 4u        /* generations at a time: one a segment of the log, the recovered one */
#define QLI_CHAIN_LEVELS 7 /* 510 + 6 * 500 > 3,500; level 0 is the plain tree */

typedef struct qli_lmdb qli_lmdb;
typedef struct qli_lsnap qli_lsnap;
typedef struct qli_lcursor qli_lcursor;

/* Owner: the instance, or the spilled overlay. */
struct qli_lmdb {
    ql_kv kv;
    MDB_env *env;      /* [const] */
    MDB_dbi dbi;       /* [const] */
    int lock_fd;       /* [const] flock of the data directory; -1 in temporary environments */
    bool no_sync;      /* [const] */
    bool sums;         /* [const] values carry checksums (lmdb_value.c) */
    qli_looks looks;   /* [const] at pages; none in temporary environments */
    uint64_t reserve;  /* [const] bytes to be left free on the file system */
    bool old_format;   /* [writer] the file has the identity of format 1 or 2: the next commit gives
                          it   that of format 4 */
    bool newer;        /* [open] it has one that this version does not know */
    bool tiny_pending; /* [writer] disk was full: free pages by one tiny commit first */
    char *path;        /* [const] of the data file */
    ql_mutex mu;       /* rank KV: the lists below */
    qli_lsnap *pool;   /* [mu] reset read transactions */
    size_t npool;      /* [mu] */
    qli_lsnap *oldest, *newest; /* [mu] open snapshots in the order they began */
    size_t nopen;               /* [mu] */
};

/* Where a snapshot's tree begins in the mapping (lmdb_many.c). */
typedef struct qli_lroot {
    bool asked, known;
    uint64_t root, last; /* pages */
    unsigned depth;
} qli_lroot;

/* Owner: whoever began it; in the pool: the environment. */
struct qli_lsnap {
    ql_kv_snap s;
    qli_lmdb *l;
    MDB_txn *txn;
    qli_lcursor *spare;     /* [owner] closed cursor kept for the next open */
    qli_lroot root;         /* [owner] */
    qli_lsnap *next, *prev; /* [l->mu] */
    /* Data directory: generations that this state needs beside LMDB's, oldest first (redo_int.h);
     * none: the snapshot is LMDB's alone. */
    uint32_t ngens;
    struct qli_gen *gen[QLI_GENS];
};

/* LMDB's codes are above -30800; this one is ours: a page that cannot be (lmdb_look.h). */
#define QLI_BAD_PAGE (-31000)

/* A cursor over whole keys. mc stands on the plain tree; inside a chain cc stands on the entry and
 * node[1..depth], key[] name the way to it. */
struct qli_lcursor {
    ql_kv_cursor c;
    qli_lsnap *snap; /* NULL in the writer */
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_cursor *mc, *cc;
    const qli_looks *looks; /* NULL: pages are not looked at */
    uintptr_t page;         /* where mc stands; 0: nowhere yet */
    bool whole;             /* every value of it matches its checksum */
    MDB_val at;             /* key of mc, when page is set */
    int depth;              /* 0 = on a plain key */
    uint64_t node[QLI_CHAIN_LEVELS + 1];
    size_t keylen;
    char *key; /* assembled long key; QLI_KV_KEY_MAX + QLI_CHUNK bytes, or NULL before the first */
};

extern const ql_kv_ops qli_lmdb_ops;

/* Word LMDB's or the system's error rc: 1021 when the disk (or the map) is full, else 1030, 1037,
 * 1041. */
ql_status qli_lmdb_fail(ql_ctx *cx, qli_lmdb *l, int rc);
/* The identity of an old file that has an account of its log now, into txn. LMDB's code. */
int qli_lmdb_put_identity(MDB_txn *txn, MDB_dbi dbi) QL_MUST_USE;
void qli_lmdb_stats(ql_kv *kv, ql_kv_stats *out);
/* Bytes that others may use on the file system (unknown: many); of pages in the file that the next
 * transaction can use again. */
uint64_t qli_lmdb_free_space(const qli_lmdb *l);
uint64_t qli_lmdb_reusable(qli_lmdb *l);
void qli_lmdb_close(ql_kv *kv);

/* lmdb_txn.c */
ql_status qli_lsnap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out);
/* A snapshot of LMDB's newest state, not yet listed; NULL and LMDB's code in *rc. */
qli_lsnap *qli_lsnap_take(qli_lmdb *l, int *rc);
void qli_lsnap_free(qli_lsnap *s); /* one that is not listed */
void qli_lsnap_list(qli_lsnap *s); /* [mu] */
void qli_lsnap_end(ql_kv_snap *s);
ql_status qli_lsnap_get(ql_ctx *cx, ql_kv_snap *s, ql_str key, ql_str *value);
/* lmdb_many.c */
ql_status qli_lsnap_get_many(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n,
                             ql_str *values);
ql_status qli_lsnap_warm(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n);
bool qli_lsnap_root(qli_lsnap *s);
void qli_lsnap_free_pool(qli_lmdb *l);
ql_status qli_lapply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out);
ql_status qli_lapply_put(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str value);
ql_status qli_lapply_del(ql_ctx *cx, ql_kv_apply *a, ql_str key);
ql_status qli_lapply_get(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str *value);
ql_status qli_lapply_del_range(ql_ctx *cx, ql_kv_apply *a, ql_str from, ql_str to, size_t n,
                               size_t *done);
/* Commit without publishing its number (LMDB's code); ends the apply. */
int qli_lapply_finish(ql_ctx *cx, ql_kv_apply *a) QL_MUST_USE;
/* LMDB's transaction, whose tree is whole (lmdb_run.c) until the next call for a. LMDB's code. */
int qli_lapply_txn(ql_kv_apply *a, MDB_txn **txn) QL_MUST_USE;
uint64_t qli_lapply_txn_id(const ql_kv_apply *a);
ql_status qli_lapply_commit(ql_ctx *cx, ql_kv_apply *a, ql_kv_sync sync);
void qli_lapply_abort(ql_kv_apply *a);

/* lmdb_size.c: is the file as long as its newest state needs? LMDB does not look. QL_ERROR names
 * it.
 */
ql_status qli_lmdb_check_size(ql_ctx *cx, qli_lmdb *l) QL_MUST_USE;

/* lmdb_value.c */
#define QLI_SUM_BYTES 4u
/* LMDB's code. mc: a cursor of txn for keys up to QLI_PLAIN_MAX, it goes to the key's place. For
 * longer ones none may be open. */
int qli_value_put(qli_lmdb *l, MDB_txn *txn, MDB_cursor *mc, ql_str key, ql_str value);
bool qli_value_is_whole(ql_str key, const MDB_val *v);
/* The same with an error, worded, and looks at the kill flag when the value is long. */
ql_status qli_value_check(ql_ctx *cx, qli_lmdb *l, ql_str key, const MDB_val *v) QL_MUST_USE;
ql_status qli_value_fail(ql_ctx *cx, qli_lmdb *l, ql_str key);
ql_status qli_page_fail(ql_ctx *cx, qli_lmdb *l, uint64_t page);

/* lmdb_run.c: keys that are put in order fill their pages. Owner: the write transaction. */
typedef struct qli_run_key {
    uint16_t n;
    char bytes[QLI_PLAIN_MAX];
} qli_run_key;
typedef struct qli_run {
    size_t leaves;                  /* pages of the tree behind the newest put */
    uint32_t marks, since;          /* marks set, and puts since the newer of the last two */
    qli_run_key older, newer, last; /* the last two marks; the newest put */
    size_t kept_bytes;              /* of what is taken out; 0 = nothing is */
    char *kept;
} qli_run;
/* LMDB's code. Behind each put of a plain key, whose place is mc's. What it takes out, mc does not
 * survive: when qli_run_is_out, it is to be closed. */
int qli_run_note(qli_run *r, MDB_txn *txn, MDB_dbi dbi, MDB_cursor *mc, ql_str key, size_t value_n);
static inline bool
qli_run_is_out(const qli_run *r)
{
    return r->kept_bytes != 0;
}
/* May key be put before anything is put back? */
bool qli_run_is_before(const qli_run *r, ql_str key);
/* LMDB's code. Put back what is out. */
int qli_run_settle(qli_run *r, MDB_txn *txn, MDB_dbi dbi);
void qli_run_fini(qli_run *r);

/* lmdb_cursor.c */
ql_status qli_lcursor_open(ql_ctx *cx, ql_kv_snap *s, ql_kv_cursor **out);
void qli_lcursor_close(ql_kv_cursor *c);
void qli_lcursor_free(qli_lcursor *c);
ql_status qli_lcursor_seek_ge(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v);
ql_status qli_lcursor_seek_lt(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v);
ql_status qli_lcursor_next(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v);
ql_status qli_lcursor_prev(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v);
/* A cursor on transaction txn, for the writer; rc of LMDB. Freed by qli_lcursor_free. */
int qli_lcursor_init(qli_lcursor *c, MDB_txn *txn, MDB_dbi dbi);
void qli_lcursor_fini(qli_lcursor *c);
/* As seek_ge, with LMDB's codes: 0, MDB_NOTFOUND, ... */
int qli_lcursor_place_ge(qli_lcursor *c, ql_str key, MDB_val *k, MDB_val *v);

/* lmdb_region.c */
ql_status qli_lregion_open(ql_ctx *cx, ql_kv_snap *s, ql_str from, ql_str to, unsigned probes,
                           ql_kv_region *out);
void qli_lregion_close(ql_kv_region *r);
ql_status qli_lregion_key(ql_ctx *cx, const ql_kv_region *r, double at, ql_str *key);

/* lmdb_chain.c: LMDB's codes; keys longer than QLI_PLAIN_MAX. */
int qli_chain_get(MDB_txn *txn, MDB_dbi dbi, ql_str key, MDB_val *v);
/* flags: of mdb_put (MDB_RESERVE: v->mv_data is where the value goes). */
int qli_chain_put(MDB_txn *txn, MDB_dbi dbi, ql_str key, MDB_val *v, unsigned flags);
int qli_chain_del(MDB_txn *txn, MDB_dbi dbi, ql_str key);
/* The cursor's mc stands on stub (k, v): go to the first (last) key behind it. */
int qli_chain_enter(qli_lcursor *c, const MDB_val *stub, const MDB_val *link, bool last, MDB_val *k,
                    MDB_val *v);
/* The first key not below `key` behind the stub; MDB_NOTFOUND when all are below. */
int qli_chain_seek(qli_lcursor *c, const MDB_val *stub, const MDB_val *link, ql_str key, MDB_val *k,
                   MDB_val *v);
/* One step inside the chain; MDB_NOTFOUND when it ends: depth is 0 then, mc still on the stub. */
int qli_chain_step(qli_lcursor *c, bool back, MDB_val *k, MDB_val *v);

static inline uint64_t
qli_load_be64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static inline void
qli_store_be64(void *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

#endif
