/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: records in the keyspace, written in the transaction of the statement that changes them,
 * and a cache of all of them for logins, read anew after such a transaction has committed. The
 * cache is an array under a reader-writer lock held for the time of a search; nothing waits under
 * it.
 */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "intr/intr.h"
#include "kv/kv.h"

static ql_status
make_key(ql_ctx *cx, ql_buf *b, ql_str user, ql_str host)
{
    ql_buf_clear(b);
    for (int shift = 24; shift >= 0; shift -= 8) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(QLI_IX_ACCOUNT >> shift)));
    }
    QL_TRY(ql_buf_put(cx, b, user.p, user.n));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    return ql_buf_put(cx, b, host.p, host.n);
}

static ql_status
put_text(ql_ctx *cx, ql_buf *b, ql_str s)
{
    QL_TRY(ql_buf_put_le(cx, b, s.n, 4));
    return ql_buf_put(cx, b, s.p, s.n);
}

static ql_status
encode(ql_ctx *cx, ql_buf *b, const ql_account *a)
{
    QL_TRY(ql_buf_put_u8(cx, b, QLI_ACCOUNT_VERSION));
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(a->grant_option | a->locked << 1)));
    QL_TRY(ql_buf_put_le(cx, b, a->privs.bits[0], 8));
    QL_TRY(ql_buf_put_le(cx, b, a->privs.bits[1], 8));
    QL_TRY(put_text(cx, b, a->plugin));
    return put_text(cx, b, a->auth_string);
}

struct reader {
    const unsigned char *p;
    size_t n;
    bool bad;
};

static uint64_t
take(struct reader *r, unsigned bytes)
{
    uint64_t v = 0;
    if (r->n < bytes) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)r->p[i] << (8 * i);
    }
    r->p += bytes;
    r->n -= bytes;
    return v;
}

static ql_status
take_text(ql_ctx *cx, ql_arena *a, struct reader *r, ql_str *out)
{
    size_t n = (size_t)take(r, 4);
    if (n > r->n) {
        r->bad = true;
        n = 0;
    }
    char *copy = ql_arena_strndup(cx, a, (const char *)r->p, n);
    if (copy == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){copy, n};
    r->p += n;
    r->n -= n;
    return QL_OK;
}

/* key without its index id, and record, to an account in arena a. Damaged: 1877. */
static ql_status
decode(ql_ctx *cx, ql_arena *a, ql_str key, ql_str record, ql_account *out)
{
    struct reader r = {(const unsigned char *)record.p, record.n, false};
    const char *sep = memchr(key.p, 0, key.n);
    uint64_t version = take(&r, 1), flags = take(&r, 1);
    *out = (ql_account){0};
    out->privs.bits[0] = take(&r, 8);
    out->privs.bits[1] = take(&r, 8);
    QL_TRY(take_text(cx, a, &r, &out->plugin));
    QL_TRY(take_text(cx, a, &r, &out->auth_string));
    if (sep == NULL || r.bad || version != QLI_ACCOUNT_VERSION) {
        return ql_fail(cx, QL_ER_TABLE_CORRUPT, "mysql", "user");
    }
    size_t user_n = (size_t)(sep - key.p), host_n = key.n - user_n - 1;
    char *user = ql_arena_strndup(cx, a, key.p, user_n),
         *host = ql_arena_strndup(cx, a, sep + 1, host_n);
    if (user == NULL || host == NULL) {
        return QL_ERROR;
    }
    out->user = (ql_str){user, user_n};
    out->host = (ql_str){host, host_n};
    out->grant_option = flags & 1;
    out->locked = flags >> 1 & 1;
    return QL_OK;
}

ql_status
qli_account_read(ql_ctx *cx, ql_str user, ql_str host, ql_account *out)
{
    ql_buf key = {0};
    ql_str record;
    ql_status st = make_key(cx, &key, user, host);
    if (st == QL_OK) {
        st = ql_txn_get(cx, QL_VIEW_CURRENT, (ql_str){key.p, key.n}, &record);
    }
    if (st == QL_OK) {
        st = decode(cx, cx->arena, (ql_str){key.p + 4, key.n - 4}, record, out);
    }
    ql_buf_free(&key);
    return st;
}

static ql_status
lock_account(ql_ctx *cx, const ql_buf *key)
{
    return ql_txn_lock_row(cx, (ql_str){key->p, key->n},
                           &(ql_lock_how){QL_LOCK_X, QL_LOCK_WAIT, QL_FOREVER});
}

ql_status
qli_account_lock(ql_ctx *cx, ql_str user, ql_str host, ql_account *out)
{
    ql_buf key = {0};
    ql_status st = make_key(cx, &key, user, host);
    if (st == QL_OK) {
        st = lock_account(cx, &key);
    }
    ql_buf_free(&key);
    return st == QL_OK ? qli_account_read(cx, user, host, out) : st;
}

static void
mark_changed(ql_ctx *cx)
{
    if (cx->vars) {
        cx->vars->acl_changed = true;
    }
}

ql_status
qli_account_write(ql_ctx *cx, const ql_account *a)
{
    ql_buf key = {0}, record = {0};
    ql_status st;
    QL_TRY_TO(st, make_key(cx, &key, a->user, a->host), done);
    QL_TRY_TO(st, encode(cx, &record, a), done);
    QL_TRY_TO(st, lock_account(cx, &key), done);
    QL_TRY_TO(st, ql_txn_put(cx, (ql_str){key.p, key.n}, (ql_str){record.p, record.n}), done);
    mark_changed(cx);
done:
    ql_buf_free(&key);
    ql_buf_free(&record);
    return st;
}

ql_status
qli_account_erase(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, make_key(cx, &key, user, host), done);
    QL_TRY_TO(st, lock_account(cx, &key), done);
    QL_TRY_TO(st, ql_txn_del(cx, (ql_str){key.p, key.n}), done);
    mark_changed(cx);
done:
    ql_buf_free(&key);
    return st;
}

/* An address or name beats a CIDR mask, that beats a netmask, that beats a pattern; a later
 * wildcard beats an earlier one; '%' is least specific but for '' (manual, "Access Control, Stage
 * 1"). */
static unsigned
host_weight(ql_str host)
{
    if (host.n == 0) {
        return 0;
    }
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] == '%' || host.p[i] == '_') {
            return 1 + (unsigned)i + (host.n > 1);
        }
        if (host.p[i] == '/') {
            return memchr(host.p + i, '.', host.n - i) ? 500 : 600;
        }
    }
    return 1000;
}

/* The order in which logins try the accounts; total, so that a search can use it too. */
static int
compare_cached(const void *x, const void *y)
{
    const qli_cached *a = x, *b = y;
    if (a->weight != b->weight) {
        return a->weight > b->weight ? -1 : 1;
    }
    if ((a->a.user.n == 0) != (b->a.user.n == 0)) { /* a name before the anonymous account */
        return a->a.user.n == 0 ? 1 : -1;
    }
    int d = ql_str_cmp(a->a.host, b->a.host);
    return d != 0 ? d : ql_str_cmp(a->a.user, b->a.user);
}

static ql_status
append(ql_ctx *cx, ql_arena *a, qli_cached **v, size_t *n, size_t *cap, const ql_account *account)
{
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        qli_cached *w = QL_ARENA_ARRAY(cx, a, qli_cached, more);
        if (w == NULL) {
            return QL_ERROR;
        }
        if (*n > 0) {
            memcpy(w, *v, *n * sizeof *w);
        }
        *v = w;
        *cap = more;
    }
    (*v)[(*n)++] = (qli_cached){.a = *account, .weight = host_weight(account->host)};
    return QL_OK;
}

static ql_status
load_all(ql_ctx *cx, ql_kv_snap *snap, ql_arena *a, qli_cached **v, size_t *n)
{
    static const char prefix[4] = {0, 0, 0, (char)QLI_IX_ACCOUNT};
    ql_kv_cursor *c = NULL;
    size_t cap = 0;
    ql_str key, record;
    QL_TRY(ql_kv_cursor_open(cx, snap, &c));
    ql_status st = ql_kv_seek_ge(cx, c, (ql_str){prefix, 4}, &key, &record);
    while (st == QL_OK && key.n > 4 && memcmp(key.p, prefix, 4) == 0) {
        ql_account account;
        QL_TRY_TO(st, decode(cx, a, (ql_str){key.p + 4, key.n - 4}, record, &account), done);
        QL_TRY_TO(st, append(cx, a, v, n, &cap, &account), done);
        QL_TRY_TO(st, ql_check(cx), done);
        st = ql_kv_next(cx, c, &key, &record);
    }
    st = st == QL_END ? QL_OK : st;
done:
    ql_kv_cursor_close(c);
    return st;
}

/* Full logins need not be made again for accounts whose password is the same. */
static void
keep_fast(const ql_acl *old, qli_cached *v, size_t n)
{
    for (size_t i = 0; i < old->n; i++) {
        const qli_cached *was = &old->v[i];
        qli_cached *is =
            was->has_fast && n > 0 ? bsearch(was, v, n, sizeof *v, compare_cached) : NULL;
        if (is != NULL && ql_str_eq(is->a.plugin, was->a.plugin) &&
            ql_str_eq(is->a.auth_string, was->a.auth_string)) {
            is->has_fast = true;
            memcpy(is->fast, was->fast, sizeof is->fast);
        }
    }
}

ql_status
qli_acl_reload(ql_ctx *cx, ql_acl *acl)
{
    ql_kv_snap *snap = NULL;
    qli_cached *v = NULL;
    size_t n = 0;
    ql_arena *a = ql_arena_new("accounts", NULL);
    if (a == NULL) {
        return ql_fail_oom(cx, 0);
    }
    ql_status st = ql_kv_snap_begin(cx, cx->inst->kv, &snap);
    uint64_t seq = 0;
    if (st == QL_OK) {
        seq = ql_kv_snap_seq(snap);
        st = load_all(cx, snap, a, &v, &n);
        ql_kv_snap_end(snap);
    }
    if (st != QL_OK) {
        ql_arena_free(a);
        return st;
    }
    if (n > 0) {
        qsort(v, n, sizeof *v, compare_cached);
    }
    ql_rwlock_write(&acl->mu);
    ql_arena *old = a;
    if (seq >= acl->seq) { /* else another session has read a newer state meanwhile */
        keep_fast(acl, v, n);
        old = acl->arena;
        acl->arena = a;
        acl->v = v;
        acl->n = n;
        acl->seq = seq;
    }
    ql_rwlock_unlock(&acl->mu);
    ql_arena_free(old);
    return QL_OK;
}

ql_status
ql_acl_open(ql_ctx *cx, ql_acl **out)
{
    ql_acl *acl = ql_mem_zalloc(sizeof *acl);
    if (acl == NULL) {
        return ql_fail_oom(cx, sizeof *acl);
    }
    ql_rwlock_init(&acl->mu, QL_RANK_ACL);
    ql_status st = qli_acl_reload(cx, acl);
    if (st != QL_OK) {
        ql_acl_close(acl);
        return st;
    }
    *out = acl;
    return QL_OK;
}

void
ql_acl_close(ql_acl *acl)
{
    if (acl != NULL) {
        ql_arena_free(acl->arena);
        ql_rwlock_fini(&acl->mu);
        ql_mem_free(acl);
    }
}

ql_status
ql_acl_bootstrap(ql_ctx *cx, ql_str os_user, bool insecure)
{
    ql_account root = {.user = QL_STR("root"),
                       .host = QL_STR("localhost"),
                       .privs = ql_privs_all(),
                       .grant_option = true};
    root.plugin = insecure ? QL_STR("caching_sha2_password") : QL_STR("auth_socket");
    root.auth_string = insecure ? QL_STR("") : os_user;
    return qli_account_write(cx, &root);
}

void
ql_acl_committed(ql_ctx *cx)
{
    if (cx->vars == NULL || !cx->vars->acl_changed || cx->inst->acl == NULL) {
        return;
    }
    cx->vars->acl_changed = false;
    ql_hold(cx, QL_INTR_STMT_MASK |
                    QL_INTR_CONN_MASK); /* the change is committed: logins must see it */
    if (qli_acl_reload(cx, cx->inst->acl) != QL_OK) {
        ql_log_write(cx->inst->log, QL_LOG_ERROR,
                     "Accounts could not be read anew; FLUSH PRIVILEGES tries again");
        ql_diag_clear_error(cx->diag);
    }
    ql_unhold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
}

void
ql_acl_rolled_back(ql_ctx *cx)
{
    if (cx->vars) {
        cx->vars->acl_changed = false;
    }
}

ql_status
ql_acl_flush(ql_ctx *cx)
{
    return qli_acl_reload(cx, cx->inst->acl);
}
