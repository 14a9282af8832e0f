/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache: all accounts with their grants as one snapshot that never changes, read anew after a
 * transaction that changed any of them has committed, and swapped under a lock held for a few
 * instructions. Sessions hold a reference to the snapshot they looked at last and see by its
 * version (one atomic load) whether there is a newer one; nothing waits for anything here.
 */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "intr/intr.h"
#include "kv/kv.h"

/* --- order of the accounts --- */

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

/* --- reading --- */

/* An array in the snapshot's arena that grows. */
#define GROW(cx, a, v, n, cap)                                                                     \
    ((n) < (cap) ? QL_OK : grow((cx), (a), (void **)&(v), (n), &(cap), sizeof *(v)))
static ql_status
grow(ql_ctx *cx, ql_arena *a, void **v, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap ? *cap * 2 : 16;
    void *w = ql_arena_zalloc(cx, a, more * size);
    if (w == NULL) {
        return QL_ERROR;
    }
    if (n > 0) {
        memcpy(w, *v, n * size);
    }
    *v = w;
    *cap = more;
    return QL_OK;
}

static void
key_prefix(char out[4], uint32_t index)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (char)(index >> (24 - 8 * i));
    }
}

static ql_status
load_accounts(ql_ctx *cx, ql_kv_cursor *c, qli_snapshot *s)
{
    char prefix[4];
    size_t cap = 0;
    ql_str key, record;
    key_prefix(prefix, QLI_IX_ACCOUNT);
    ql_status st = ql_kv_seek_ge(cx, c, (ql_str){prefix, 4}, &key, &record);
    while (st == QL_OK && key.n > 4 && memcmp(key.p, prefix, 4) == 0) {
        ql_account account;
        QL_TRY(qli_account_decode(cx, s->arena, (ql_str){key.p + 4, key.n - 4}, record, &account));
        QL_TRY(GROW(cx, s->arena, s->v, s->n, cap));
        s->v[s->n++] = (qli_cached){.a = account, .weight = host_weight(account.host)};
        QL_TRY(ql_check(cx));
        st = ql_kv_next(cx, c, &key, &record);
    }
    if (s->n > 0) {
        qsort(s->v, s->n, sizeof *s->v, compare_cached);
    }
    return st == QL_END ? QL_OK : st;
}

static qli_cached *
find_exact(qli_snapshot *s, ql_str user, ql_str host)
{
    qli_cached like = {.a = {.user = user, .host = host}, .weight = host_weight(host)};
    return s->n > 0 ? bsearch(&like, s->v, s->n, sizeof *s->v, compare_cached) : NULL;
}

/* Grants of one account follow each other, databases before tables. */
typedef struct building {
    qli_cached *of;
    qli_grant *dbs, *tables;
    size_t ndbs, ntables, cap_dbs, cap_tables;
} building;

static int
compare_dbs(const void *x, const void *y)
{
    const qli_grant *a = x, *b = y;
    if ((a->literal.p != NULL) != (b->literal.p != NULL)) {
        return a->literal.p != NULL ? -1 : 1;
    }
    if (a->literal.p != NULL) {
        return ql_str_cmp(a->literal, b->literal);
    }
    return a->weight != b->weight ? (a->weight > b->weight ? -1 : 1) : ql_str_cmp(a->db, b->db);
}

static int
compare_tables(const void *x, const void *y)
{
    const qli_grant *a = x, *b = y;
    int d = ql_str_cmp(a->db, b->db);
    return d != 0 ? d : ql_str_cmp(a->table, b->table);
}

static void
finish_account(building *b)
{
    qli_cached *c = b->of;
    if (c != NULL) {
        c->dbs = b->dbs;
        c->ndbs = b->ndbs;
        c->tables = b->tables;
        c->ntables = b->ntables;
        if (c->ndbs > 0) {
            qsort(c->dbs, c->ndbs, sizeof *c->dbs, compare_dbs);
        }
        if (c->ntables > 0) {
            qsort(c->tables, c->ntables, sizeof *c->tables, compare_tables);
        }
        while (c->nplain < c->ndbs && c->dbs[c->nplain].literal.p != NULL) {
            c->nplain++;
        }
    }
    *b = (building){0};
}

static ql_status
add_grant(ql_ctx *cx, qli_snapshot *s, building *b, ql_str user, ql_str host, qli_grant *g)
{
    if (b->of == NULL || !ql_str_eq(b->of->a.user, user) || !ql_str_eq(b->of->a.host, host)) {
        finish_account(b);
        b->of = find_exact(s, user, host);
    }
    if (g->foreign != 0 || (b->of != NULL && b->of->a.foreign != 0)) {
        g->mask = 0; /* still in the way of less specific ones */
    }
    if (g->level == QL_GRANT_TABLE) {
        QL_TRY(GROW(cx, s->arena, b->tables, b->ntables, b->cap_tables));
        b->tables[b->ntables++] = *g;
        return QL_OK;
    }
    QL_TRY(qli_db_pattern(cx, s->arena, g));
    QL_TRY(GROW(cx, s->arena, b->dbs, b->ndbs, b->cap_dbs));
    b->dbs[b->ndbs++] = *g;
    return QL_OK;
}

static ql_status
load_grants(ql_ctx *cx, ql_kv_cursor *c, qli_snapshot *s)
{
    char prefix[4];
    ql_str key, record, user, host;
    building b = {0};
    key_prefix(prefix, QLI_IX_GRANT);
    ql_status st = ql_kv_seek_ge(cx, c, (ql_str){prefix, 4}, &key, &record);
    while (st == QL_OK && key.n > 4 && memcmp(key.p, prefix, 4) == 0) {
        qli_grant g;
        QL_TRY(qli_grant_decode(cx, s->arena, (ql_str){key.p + 4, key.n - 4}, record, &user, &host,
                                &g));
        QL_TRY(add_grant(cx, s, &b, user, host, &g));
        QL_TRY(ql_check(cx));
        st = ql_kv_next(cx, c, &key, &record);
    }
    finish_account(&b);
    return st == QL_END ? QL_OK : st;
}

static ql_status
load_all(ql_ctx *cx, ql_kv_snap *snap, qli_snapshot *s)
{
    ql_kv_cursor *c = NULL;
    QL_TRY(ql_kv_cursor_open(cx, snap, &c));
    ql_status st = load_accounts(cx, c, s);
    if (st == QL_OK) {
        st = load_grants(cx, c, s);
    }
    ql_kv_cursor_close(c);
    return st;
}

/* --- snapshots --- */

static qli_snapshot *
snapshot_new(ql_ctx *cx)
{
    ql_arena *a = ql_arena_new("accounts", NULL);
    qli_snapshot *s = a != NULL ? ql_mem_zalloc(sizeof *s) : NULL;
    if (s == NULL) {
        ql_arena_free(a);
        (void)ql_fail_oom(cx, sizeof *s);
        return NULL;
    }
    s->arena = a;
    atomic_init(&s->refs, 1);
    return s;
}

void
qli_snapshot_put(qli_snapshot *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        ql_arena_free(s->arena);
        ql_mem_free(s);
    }
}

qli_snapshot *
qli_snapshot_get(ql_acl *acl)
{
    ql_rwlock_read(&acl->mu);
    qli_snapshot *s = acl->now;
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    ql_rwlock_unlock(&acl->mu);
    return s;
}

/* Full logins need not be made again for accounts whose password is the same. */
static void
keep_fast(const qli_snapshot *old, qli_cached *v, size_t n)
{
    for (size_t i = 0; old != NULL && i < old->n; i++) {
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

/* Make s the newest; what to give back instead of it is returned. */
static qli_snapshot *
publish(ql_acl *acl, qli_snapshot *s)
{
    qli_snapshot *old = s;
    ql_rwlock_write(&acl->mu);
    if (acl->now == NULL || s->seq >= acl->now->seq) { /* else another has read a newer state */
        old = acl->now;
        keep_fast(old, s->v, s->n);
        s->version = atomic_load_explicit(&acl->version, memory_order_relaxed) + 1;
        acl->now = s;
        atomic_store_explicit(&acl->version, s->version, memory_order_release);
    }
    ql_rwlock_unlock(&acl->mu);
    return old;
}

ql_status
qli_acl_reload(ql_ctx *cx, ql_acl *acl)
{
    ql_kv_snap *snap = NULL;
    qli_snapshot *s = snapshot_new(cx);
    if (s == NULL) {
        return QL_ERROR;
    }
    ql_status st = ql_kv_snap_begin(cx, cx->inst->kv, &snap);
    if (st == QL_OK) {
        s->seq = ql_kv_snap_seq(snap);
        st = load_all(cx, snap, s);
        ql_kv_snap_end(snap);
    }
    qli_snapshot_put(st == QL_OK ? publish(acl, s) : s);
    return st;
}

/* What a newer server wrote and this one does not understand. */
static void
log_foreign(ql_ctx *cx, const qli_snapshot *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const qli_cached *c = &s->v[i];
        size_t grants = 0;
        for (size_t k = 0; k < c->ndbs; k++) {
            grants += c->dbs[k].foreign != 0;
        }
        for (size_t k = 0; k < c->ntables; k++) {
            grants += c->tables[k].foreign != 0;
        }
        if (c->a.foreign != 0) {
            ql_log_write(cx->inst->log, QL_LOG_WARNING,
                         "Account '%.*s'@'%.*s' cannot be used: section %u of its record is not "
                         "known to this server; a newer one wrote it",
                         (int)c->a.user.n, c->a.user.p, (int)c->a.host.n, c->a.host.p,
                         c->a.foreign);
        } else if (grants != 0) {
            ql_log_write(cx->inst->log, QL_LOG_WARNING,
                         "%zu grants of account '%.*s'@'%.*s' grant nothing: they have sections "
                         "that are not known to this server; a newer one wrote them",
                         grants, (int)c->a.user.n, c->a.user.p, (int)c->a.host.n, c->a.host.p);
        }
    }
}

ql_status
ql_acl_open(ql_ctx *cx, ql_acl **out)
{
    ql_acl *acl = ql_mem_zalloc(sizeof *acl);
    if (acl == NULL) {
        return ql_fail_oom(cx, sizeof *acl);
    }
    ql_rwlock_init(&acl->mu, QL_RANK_ACL);
    ql_mutex_init(&acl->connections.mu, QL_RANK_LEAF);
    ql_status st = ql_hash_init(cx, &acl->connections.accounts, 64);
    st = st == QL_OK ? qli_acl_reload(cx, acl) : st;
    if (st != QL_OK) {
        ql_acl_close(acl);
        return st;
    }
    log_foreign(cx, acl->now);
    *out = acl;
    return QL_OK;
}

void
ql_acl_close(ql_acl *acl)
{
    if (acl != NULL) {
        qli_snapshot_put(acl->now);
        ql_rwlock_fini(&acl->mu);
        ql_hash_fini(&acl->connections.accounts);
        ql_mutex_fini(&acl->connections.mu);
        ql_mem_free(acl);
    }
}

/* The change is committed: no kill keeps it from being seen. */
static void
reload_surely(ql_ctx *cx, ql_acl *acl)
{
    ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    if (qli_acl_reload(cx, acl) != QL_OK) {
        atomic_store_explicit(&acl->stale, true, memory_order_release);
        ql_log_write(cx->inst->log, QL_LOG_ERROR,
                     "Accounts could not be read anew; the next look at them tries again");
        ql_diag_clear_error(cx->diag);
    }
    ql_unhold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
}

void
qli_acl_catch_up(ql_ctx *cx, ql_acl *acl)
{
    if (QL_UNLIKELY(atomic_load_explicit(&acl->stale, memory_order_acquire)) &&
        atomic_exchange_explicit(&acl->stale, false, memory_order_acq_rel)) {
        reload_surely(cx, acl);
    }
}

void
ql_acl_committed(ql_ctx *cx)
{
    if (cx->vars != NULL && cx->vars->acl_changed && cx->inst->acl != NULL) {
        cx->vars->acl_changed = false;
        reload_surely(cx, cx->inst->acl);
    }
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

/* --- what a session looks at --- */

/* Owner: cx->vars; used by the session's thread only. */
struct ql_acl_session {
    qli_snapshot *snap; /* a reference */
    qli_view view;
};

void
ql_acl_end_session(ql_ctx *cx)
{
    struct ql_acl_session *s = cx->vars->acl_session;
    if (s != NULL) {
        qli_snapshot_put(s->snap);
        ql_mem_free(s->view.v);
        ql_mem_free(s);
        cx->vars->acl_session = NULL;
    }
}

static bool
counts_for(const qli_cached *c, const ql_account *me, ql_str peer)
{
    if (!ql_str_eq(c->a.user, me->user)) {
        return false;
    }
    return ql_str_eq(c->a.host, me->host) || (peer.n > 0 && qli_host_matches(c->a.host, peer));
}

/* Memory out: the session has nothing until it looks again. */
static void
look_anew(ql_ctx *cx, struct ql_acl_session *s)
{
    const ql_account *me = cx->vars->account;
    ql_str login = cx->vars->login_user;
    const char *at = login.n > 0 ? memrchr(login.p, '@', login.n) : NULL;
    ql_str peer = at != NULL ? (ql_str){at + 1, login.n - (size_t)(at + 1 - login.p)} : (ql_str){0};
    qli_snapshot *snap = qli_snapshot_get(cx->inst->acl);
    size_t n = 0;
    for (size_t i = 0; i < snap->n; i++) {
        n += counts_for(&snap->v[i], me, peer);
    }
    qli_snapshot_put(s->snap);
    ql_mem_free(s->view.v);
    s->snap = NULL;
    s->view = (qli_view){ql_mem_alloc((n + 1) * sizeof *s->view.v), 0};
    if (s->view.v == NULL) {
        qli_snapshot_put(snap);
        return;
    }
    for (size_t i = 0; i < snap->n; i++) {
        if (counts_for(&snap->v[i], me, peer)) {
            s->view.v[s->view.n++] = &snap->v[i];
        }
    }
    s->snap = snap;
}

qli_view
qli_session_view(ql_ctx *cx)
{
    ql_acl *acl = cx->inst->acl;
    if (acl == NULL || cx->vars->account == NULL) {
        return (qli_view){0};
    }
    qli_acl_catch_up(cx, acl);
    struct ql_acl_session *s = cx->vars->acl_session;
    if (s == NULL) {
        s = cx->vars->acl_session = ql_mem_zalloc(sizeof *s);
    }
    if (s == NULL) {
        return (qli_view){0};
    }
    if (s->snap == NULL ||
        s->snap->version != atomic_load_explicit(&acl->version, memory_order_acquire)) {
        look_anew(cx, s);
    }
    return s->view;
}

/* --- somebody else for a while --- */

static const qli_cached *
find_account(const qli_snapshot *s, ql_str user, ql_str host)
{
    for (size_t i = 0; i < s->n; i++) {
        if (ql_str_eq(s->v[i].a.user, user) && ql_str_eq(s->v[i].a.host, host)) {
            return &s->v[i];
        }
    }
    return NULL;
}

bool
ql_acl_exists(ql_ctx *cx, ql_str user, ql_str host)
{
    if (cx->inst->acl == NULL) {
        return false;
    }
    qli_snapshot *s = qli_snapshot_get(cx->inst->acl);
    bool there = find_account(s, user, host) != NULL;
    qli_snapshot_put(s);
    return there;
}

ql_status
ql_acl_become(ql_ctx *cx, ql_str user, ql_str host, ql_acl_self *was)
{
    if (cx->vars == NULL || cx->inst->acl == NULL) {
        return QL_END;
    }
    qli_acl_catch_up(cx, cx->inst->acl);
    qli_snapshot *s = qli_snapshot_get(cx->inst->acl);
    const qli_cached *c = find_account(s, user, host);
    if (c == NULL || c->a.foreign != 0) {
        qli_snapshot_put(s);
        return QL_END;
    }
    *was = (ql_acl_self){cx->vars->account, cx->vars->acl_session, cx->vars->login_user, s};
    cx->vars->account = &c->a;
    cx->vars->acl_session = NULL;
    cx->vars->login_user = (ql_str){0}; /* grants of that account only, not of those that match */
    return QL_OK;
}

void
ql_acl_return(ql_ctx *cx, const ql_acl_self *was)
{
    ql_acl_end_session(cx);
    cx->vars->account = was->account;
    cx->vars->acl_session = was->session;
    cx->vars->login_user = was->login_user;
    qli_snapshot_put(was->kept);
}
