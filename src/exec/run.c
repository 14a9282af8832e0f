/* SPDX-License-Identifier: Apache-2.0
 *
 * What a statement in execution owns (arenas, function states) and the small helpers all of exec
 * uses. Everything is freed in one place, before the session ends the statement's layer, so that no
 * scan outlives its snapshot.
 */
#include <string.h>

#include "exec/exec_int.h"
#include "spool/tape.h"

struct qli_arena_link {
    struct qli_arena_link *next;
    ql_arena *arena;
};

/* More than this is freed in the background: the session has locks to give back. */
#define FREE_HERE (1024 * 1024)

static void
free_arena(ql_ctx *cx, ql_arena *a)
{
    if (ql_arena_used(a) <= FREE_HERE || cx->inst == NULL || cx->inst->txns == NULL) {
        ql_arena_free(a);
        return;
    }
    ql_arena_detach(a);
    ql_txnsys_reclaim_arena(cx->inst->txns, a);
}

void
ql_run_init(ql_run *run, ql_ctx *cx, const struct ql_session_ops *ops, ql_rstmt *stmt,
            ql_outcome *out)
{
    *run = (ql_run){.cx = cx, .ops = ops, .stmt = stmt, .out = out};
}

void
ql_run_fini(ql_run *run)
{
    for (ql_call *c = run->calls; c != NULL; c = c->next) {
        c->state_free(c->state);
    }
    run->calls = NULL;
    qli_watch_free(run->watch);
    run->watch = NULL;
    ql_tapes_free(run->cx, run->tapes);
    run->tapes = NULL;
    for (struct qli_arena_link *l = run->arenas; l != NULL; l = l->next) {
        free_arena(run->cx, l->arena);
    }
    run->arenas = NULL;
    ql_catalog_build_end(run->cx, run->building);
    run->building = NULL;
}

ql_status
ql_run_arena(ql_run *run, const char *name, ql_arena **out)
{
    struct qli_arena_link *l = QL_ARENA_NEW(run->cx, run->cx->arena, struct qli_arena_link);
    if (l == NULL) {
        return QL_ERROR;
    }
    l->arena = ql_arena_new(name, ql_arena_quota(run->cx->arena));
    if (l->arena == NULL) {
        return ql_fail_oom(run->cx, sizeof *l);
    }
    l->next = run->arenas;
    run->arenas = l;
    *out = l->arena;
    return QL_OK;
}

ql_status
ql_run_arena_empty(ql_run *run, const char *name, ql_arena **a, size_t keep)
{
    if (ql_arena_used(*a) <= FREE_HERE) {
        ql_arena_reset(*a);
        if (ql_arena_used(*a) <= keep) {
            return QL_OK;
        }
    }
    ql_arena *fresh = ql_arena_new(name, ql_arena_quota(run->cx->arena));
    if (fresh == NULL) {
        return ql_fail_oom(run->cx, 0);
    }
    for (struct qli_arena_link *l = run->arenas; l != NULL; l = l->next) {
        if (l->arena == *a) {
            l->arena = fresh;
        }
    }
    free_arena(run->cx, *a);
    *a = fresh;
    return QL_OK;
}

ql_status
ql_run_arena_renew(ql_run *run, const char *name, ql_arena **a)
{
    return ql_run_arena_empty(run, name, a, FREE_HERE);
}

ql_status
ql_not_built(ql_ctx *cx, const char *what)
{
    return ql_fail(cx, QL_ER_NOT_SUPPORTED_YET, what);
}

ql_status
ql_value_keep(ql_ctx *cx, ql_arena *a, ql_value *v)
{
    if (ql_kind_slot(v->kind) == QL_SLOT_STRING && v->s.n > 0) {
        v->s.p = ql_arena_strndup(cx, a, v->s.p, v->s.n);
        return v->s.p != NULL ? QL_OK : QL_ERROR;
    }
    return QL_OK;
}
