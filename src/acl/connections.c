/* SPDX-License-Identifier: Apache-2.0
 *
 * How many sessions each account has, and the limits on that: max_user_connections and the
 * account's own MAX_USER_CONNECTIONS, which counts instead of it (manual, "Setting Account Resource
 * Limits"). Lock: the table's own (rank LEAF), for the length of a look-up.
 */
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "base/mem.h"

/* Sessions of one account. Owner: the table; it goes with the last session. */
struct ql_acl_connections {
    ql_hash_node node; /* first member */
    uint32_t n;        /* [connections.mu] */
    size_t user_n;     /* [const] */
    size_t key_n;      /* [const] */
    char key[];        /* [const] user, host */
};

static struct ql_acl_connections *
find(ql_hash *h, const ql_account *a, uint64_t hash)
{
    for (ql_hash_node *n = ql_hash_first(h, hash); n != NULL; n = ql_hash_next(n)) {
        struct ql_acl_connections *c = (struct ql_acl_connections *)n;
        if (c->user_n == a->user.n && c->key_n == a->user.n + a->host.n &&
            memcmp(c->key, a->user.p, a->user.n) == 0 &&
            memcmp(c->key + a->user.n, a->host.p, a->host.n) == 0) {
            return c;
        }
    }
    return NULL;
}

static struct ql_acl_connections *
make(const ql_account *a)
{
    struct ql_acl_connections *c = ql_mem_zalloc(sizeof *c + a->user.n + a->host.n + 1);
    if (c != NULL) {
        c->user_n = a->user.n;
        c->key_n = a->user.n + a->host.n;
        memcpy(c->key, a->user.p, a->user.n);
        memcpy(c->key + a->user.n, a->host.p, a->host.n);
    }
    return c;
}

/* One more session of a; true: there are limit already, and it was not counted. */
static ql_status
count_in(ql_ctx *cx, const ql_account *a, uint64_t limit, bool *over)
{
    qli_connections *all = &cx->inst->acl->connections;
    uint64_t hash = ql_hash_bytes(a->user.p, a->user.n, ql_hash_bytes(a->host.p, a->host.n, 0));
    ql_mutex_lock(&all->mu);
    struct ql_acl_connections *c = find(&all->accounts, a, hash);
    if (c == NULL && (c = make(a)) != NULL) {
        ql_hash_insert(&all->accounts, &c->node, hash);
    }
    *over = c != NULL && limit != 0 && c->n >= limit;
    if (c != NULL && !*over) {
        c->n++;
        cx->vars->acl_connections = c;
    }
    ql_mutex_unlock(&all->mu);
    return c != NULL ? QL_OK : ql_fail_oom(cx, sizeof *c + a->user.n + a->host.n);
}

ql_status
ql_acl_connect(ql_ctx *cx, const ql_account *a)
{
    uint64_t own = a->max_user_connections;
    uint64_t limit = own != 0 ? own : ql_sysvar_global_u64(cx->inst, QL_SV_MAX_USER_CONNECTIONS);
    bool over;
    ql_acl_disconnect(cx);
    QL_TRY(count_in(cx, a, limit, &over));
    if (!over) {
        return QL_OK;
    }
    const char *user = ql_arena_strndup(cx, cx->arena, a->user.p, a->user.n);
    if (user == NULL) {
        return QL_ERROR;
    }
    return own != 0 ? ql_fail(cx, QL_ER_USER_LIMIT_REACHED, user, "max_user_connections", (long)own)
                    : ql_fail(cx, QL_ER_TOO_MANY_USER_CONNECTIONS, user);
}

void
ql_acl_disconnect(ql_ctx *cx)
{
    struct ql_acl_connections *c = cx->vars->acl_connections;
    if (c == NULL) {
        return;
    }
    qli_connections *all = &cx->inst->acl->connections;
    cx->vars->acl_connections = NULL;
    ql_mutex_lock(&all->mu);
    bool last = --c->n == 0;
    if (last) {
        ql_hash_remove(&all->accounts, &c->node);
    }
    ql_mutex_unlock(&all->mu);
    if (last) {
        ql_mem_free(c);
    }
}
