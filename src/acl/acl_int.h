/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside acl/: the cache of accounts and the records behind it.
 */
#ifndef QL_ACL_INT_H
#define QL_ACL_INT_H

#include "acl/acl.h"
#include "base/mutex.h"
#include "catalog/sysvars.h"

#define QLI_IX_ACCOUNT 20u /* index id of account records: key user \0 host */
#define QLI_ACCOUNT_VERSION 1u

/* One account of the cache. Owner: the cache's arena. */
typedef struct qli_cached {
    ql_account a;     /* [const] */
    unsigned weight;  /* [const] specificity of the host; higher first */
    bool has_fast;    /* [mu] */
    uint8_t fast[32]; /* [mu] SHA256(SHA256(password)) of the last full login */
} qli_cached;

struct ql_acl {
    ql_rwlock mu;    /* rank ACL */
    ql_arena *arena; /* [mu] of the accounts; replaced as a whole */
    qli_cached *v;   /* [mu] by weight, then name */
    size_t n;        /* [mu] */
    uint64_t seq;    /* [mu] state of the storage they were read from */
};

/* Read all accounts from the newest committed state into the cache. */
ql_status qli_acl_reload(ql_ctx *cx, ql_acl *acl) QL_MUST_USE;
/* Record of an account as cx->txn sees it; QL_END = none. Strings in cx->arena. */
ql_status qli_account_read(ql_ctx *cx, ql_str user, ql_str host, ql_account *out) QL_MUST_USE;
/* The same under its row lock, for statements that change it. Waits: ROW_LOCK. */
ql_status qli_account_lock(ql_ctx *cx, ql_str user, ql_str host, ql_account *out) QL_MUST_USE;
ql_status qli_account_write(ql_ctx *cx, const ql_account *a) QL_MUST_USE;
ql_status qli_account_erase(ql_ctx *cx, ql_str user, ql_str host) QL_MUST_USE;

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
