/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside acl/: the cache of accounts and grants, and the records behind it.
 */
#ifndef QL_ACL_INT_H
#define QL_ACL_INT_H

#include <stdatomic.h>

#include "acl/acl.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "vars/sysvars.h"

#define QLI_IX_ACCOUNT 20u /* index id of account records: key user \0 host */
#define QLI_IX_GRANT 21u   /* of grant records: key user \0 host \0 level db \0 table */

/* A grant on a database or table: one record, one entry of the cache. Owner: the arena it was read
 * into. */
typedef struct qli_grant {
    ql_grant_level level;
    ql_str db, table; /* of a database: the pattern as it was written */
    ql_pmask mask;    /* with QL_PM_GRANT */
    ql_str grantor;   /* user@host that made the record */
    int64_t time;     /* Unix seconds of the last change */
    uint32_t foreign; /* section that must be understood and is not; 0 = none */
    ql_str unknown;   /* sections to be kept as they are */
    ql_str literal;   /* db level, cache: the one name that it stands for; p NULL = has wildcards */
    unsigned weight;  /* db level, cache: specificity; higher first */
} qli_grant;

/* One account of the cache, with its grants. Owner: the cache's arena. */
typedef struct qli_cached {
    ql_account a;    /* [const] */
    unsigned weight; /* [const] specificity of the host; higher first */
    qli_grant *dbs;  /* [const] plain names first, by name; then patterns, by weight */
    size_t ndbs, nplain;
    qli_grant *tables; /* [const] by database and name */
    size_t ntables;
    bool has_fast;    /* [acl.mu] */
    uint8_t fast[32]; /* [acl.mu] SHA256(SHA256(password)) of the last full login */
} qli_cached;

/* All accounts at one state of the storage; replaced as a whole, never changed. Owner: who holds a
 * reference (the cache, sessions). */
typedef struct qli_snapshot {
    _Atomic uint32_t refs;
    uint64_t seq;     /* [const] state of the storage that they were read from */
    uint64_t version; /* [const] number among the snapshots of this process */
    ql_arena *arena;
    qli_cached *v; /* [const] by weight, then name */
    size_t n;
} qli_snapshot;

/* Sessions by account (connections.c). */
typedef struct qli_connections {
    ql_mutex mu;      /* rank LEAF */
    ql_hash accounts; /* [mu] */
} qli_connections;

struct ql_acl {
    qli_connections connections;
    ql_rwlock mu;             /* rank ACL */
    qli_snapshot *now;        /* [mu] a reference */
    _Atomic uint64_t version; /* of now: says to sessions whether theirs is old */
    _Atomic bool stale;       /* a change has been committed that could not be read (no memory) */
};

/* --- cache.c --- */
/* Read all accounts and grants from the newest committed state into the cache. */
ql_status qli_acl_reload(ql_ctx *cx, ql_acl *acl) QL_MUST_USE;
/* The same when a former attempt has failed; whoever looks at the cache tries. */
void qli_acl_catch_up(ql_ctx *cx, ql_acl *acl);
qli_snapshot *qli_snapshot_get(ql_acl *acl); /* with a reference */
void qli_snapshot_put(qli_snapshot *s);
/* Accounts whose grants count for the session, most specific first (manual, "Access Control, Stage
 * 2": rows of the connecting user that match the connecting host). */
typedef struct qli_view {
    const qli_cached **v;
    size_t n;
} qli_view;
qli_view qli_session_view(ql_ctx *cx);

/* --- account.c --- */
/* What the first bytes of a record's key are. */
ql_status qli_key_of(ql_ctx *cx, ql_buf *b, uint32_t index, ql_str user, ql_str host) QL_MUST_USE;
/* key without its index id, and record, to an account in arena a. Damaged: 1877. */
ql_status qli_account_decode(ql_ctx *cx, ql_arena *a, ql_str key, ql_str record,
                             ql_account *out) QL_MUST_USE;
/* Record of an account as cx->txn sees it; QL_END = none. Strings in cx->arena. */
ql_status qli_account_read(ql_ctx *cx, ql_str user, ql_str host, ql_account *out) QL_MUST_USE;
/* The same under its row lock, for statements that change it or its grants. Waits: ROW_LOCK. */
ql_status qli_account_lock(ql_ctx *cx, ql_str user, ql_str host, ql_account *out) QL_MUST_USE;
ql_status qli_account_write(ql_ctx *cx, const ql_account *a) QL_MUST_USE;
ql_status qli_account_erase(ql_ctx *cx, ql_str user, ql_str host) QL_MUST_USE;
void qli_acl_mark_changed(ql_ctx *cx);

/* 1235 unless foreign is 0 (ql_account, qli_grant). */
ql_status qli_refuse_foreign(ql_ctx *cx, ql_str user, ql_str host, uint32_t foreign) QL_MUST_USE;

/* --- format1.c --- */
bool qli_is_record_1(ql_str record);
ql_status qli_account_decode_1(ql_ctx *cx, ql_arena *a, ql_str record, ql_account *out,
                               bool *bad) QL_MUST_USE;
ql_status qli_grant_decode_1(ql_ctx *cx, ql_arena *a, ql_str record, qli_grant *out,
                             bool *bad) QL_MUST_USE;

/* --- grantrec.c: under the account's row lock --- */
/* QL_END = none. Strings in cx->arena. */
ql_status qli_grant_read(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on,
                         qli_grant *out) QL_MUST_USE;
/* A grant of nothing is erased. */
ql_status qli_grant_write(ql_ctx *cx, ql_str user, ql_str host, const qli_grant *g) QL_MUST_USE;
ql_status qli_grant_decode(ql_ctx *cx, ql_arena *a, ql_str key, ql_str record, ql_str *user,
                           ql_str *host, qli_grant *out) QL_MUST_USE;
/* All of an account as cx->txn sees them, by level, database and table; in cx->arena. */
ql_status qli_grants_of(ql_ctx *cx, ql_str user, ql_str host, qli_grant **v, size_t *n) QL_MUST_USE;

/* --- match.c --- */
bool qli_host_matches(ql_str pattern, ql_str host);
/* Does a database pattern stand for that name; for all that another pattern stands for? */
bool qli_db_matches(ql_str pattern, ql_str db);
bool qli_db_covers(ql_str pattern, ql_str other);
/* Specificity and, without wildcards, the name it stands for (in a). */
ql_status qli_db_pattern(ql_ctx *cx, ql_arena *a, qli_grant *g) QL_MUST_USE;

/* The fast path's cache of one account, found by name and password record. */
bool qli_fast_get(ql_ctx *cx, const ql_account *a, uint8_t out[32]);
void qli_fast_put(ql_ctx *cx, const ql_account *a, const uint8_t value[32]);

/* SHA-256 crypt of password with salt: 43 characters of its own base64 (Drepper, "Unix crypt using
 * SHA-256", steps 1 to 21). */
ql_status qli_sha256_crypt(ql_ctx *cx, ql_str password, ql_str salt, unsigned rounds,
                           char out[43]) QL_MUST_USE;
void qli_sha256(const void *a, size_t an, const void *b, size_t bn, uint8_t out[32]);
void qli_sha1(const void *a, size_t an, const void *b, size_t bn, uint8_t out[20]);

#endif
