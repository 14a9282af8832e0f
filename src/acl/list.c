/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts and their grants as a list, for the views that show them: a copy of the newest snapshot
 * of the cache.
 */
#include "acl/acl_int.h"
#include "base/diag.h"

/* The snapshot lives as long as the arena of the list, whose texts point into it. */
static void
put_snapshot(void *s)
{
    qli_snapshot_put(s);
}

static ql_status
take_snapshot(ql_ctx *cx, ql_arena *a, qli_snapshot **out)
{
    *out = qli_snapshot_get(cx->inst->acl);
    ql_status st = ql_arena_defer(cx, a, put_snapshot, *out);
    if (st != QL_OK) {
        qli_snapshot_put(*out);
    }
    return st;
}

static ql_status
copy_grants(ql_ctx *cx, ql_arena *a, const qli_grant *g, size_t n, ql_granted **out)
{
    *out = QL_ARENA_ARRAY(cx, a, ql_granted, n + 1);
    if (*out == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = (ql_granted){.db = g[i].db,
                                 .table = g[i].table,
                                 .mask = g[i].mask,
                                 .grantor = g[i].grantor,
                                 .time = g[i].time};
        if (i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

ql_status
ql_acl_list_accounts(ql_ctx *cx, ql_arena *a, ql_account_grants **v, size_t *n)
{
    qli_snapshot *s;
    QL_TRY(take_snapshot(cx, a, &s));
    ql_account_grants *list = QL_ARENA_ARRAY(cx, a, ql_account_grants, s->n + 1);
    if (list == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < s->n; i++) {
        const qli_cached *c = &s->v[i];
        list[i] = (ql_account_grants){.account = &c->a, .ndbs = c->ndbs, .ntables = c->ntables};
        QL_TRY(ql_check(cx));
        QL_TRY(copy_grants(cx, a, c->dbs, c->ndbs, &list[i].dbs));
        QL_TRY(copy_grants(cx, a, c->tables, c->ntables, &list[i].tables));
    }
    *v = list;
    *n = s->n;
    return QL_OK;
}
