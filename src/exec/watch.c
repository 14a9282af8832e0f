/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN ANALYZE: what each operator of a run has done, by its plan node. An operator that is
 * watched has its own next and restart behind those here; without a watch nothing is measured.
 * Times are of the wall clock and contain what is below; work that was stopped counts as far as it
 * came.
 */
#include "base/hash.h"
#include "exec/exec_int.h"

/* Owner: the run's watch. An operator's, or of all operators built for the same node. */
struct qli_watched {
    ql_hash_node node;
    const ql_plan *plan;
    ql_op_counts counts;
};

/* The plan a query runs with: inner blocks are planned when they are first needed. */
typedef struct planned {
    const ql_query *q;
    const ql_block_plan *plan;
    struct planned *next;
} planned;

/* Owner: the run; in the statement's arena. */
struct qli_watch {
    ql_hash ops; /* of qli_watched by plan node */
    planned *plans;
};

ql_status
ql_run_watch(ql_run *run)
{
    qli_watch *w = QL_ARENA_NEW(run->cx, run->cx->arena, qli_watch);
    if (w == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_hash_init(run->cx, &w->ops, 16));
    run->watch = w;
    return QL_OK;
}

void
qli_watch_free(qli_watch *w)
{
    if (w != NULL) {
        ql_hash_fini(&w->ops);
    }
}

static uint64_t
hash_of(const void *p)
{
    return ql_hash_u64((uint64_t)(uintptr_t)p);
}

static qli_watched *
find(const qli_watch *w, const ql_plan *p)
{
    uint64_t hash = hash_of(p);
    for (ql_hash_node *n = ql_hash_first(&w->ops, hash); n != NULL; n = ql_hash_next(n)) {
        if (((qli_watched *)n)->plan == p) {
            return (qli_watched *)n;
        }
    }
    return NULL;
}

const ql_op_counts *
ql_watch_counts(void *run, const ql_plan *n)
{
    const ql_run *r = run;
    const qli_watched *o = r->watch != NULL ? find(r->watch, n) : NULL;
    return o != NULL ? &o->counts : NULL;
}

const ql_block_plan *
ql_watch_plan(void *run, const ql_query *q)
{
    const ql_run *r = run;
    for (const planned *p = r->watch != NULL ? r->watch->plans : NULL; p != NULL; p = p->next) {
        if (p->q == q) {
            return p->plan;
        }
    }
    return NULL;
}

ql_status
qli_watch_note_plan(ql_run *run, const ql_query *q, const ql_block_plan *plan)
{
    if (ql_watch_plan(run, q) != NULL) {
        return QL_OK;
    }
    planned *p = QL_ARENA_NEW(run->cx, run->cx->arena, planned);
    if (p == NULL) {
        return QL_ERROR;
    }
    *p = (planned){q, plan, run->watch->plans};
    run->watch->plans = p;
    return QL_OK;
}

static ql_status
watched_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    ql_op_counts *k = &op->watched->counts;
    if (!op->begun) {
        op->begun = true;
        op->gave = false;
        k->loops++;
    }
    int64_t from = ql_now_mono_ns();
    ql_status st = op->next_unwatched(cx, op, out);
    int64_t ns = ql_now_mono_ns() - from;
    k->total_ns += ns;
    if (!op->gave) {
        k->first_ns += ns;
    }
    if (st == QL_OK && (*out)->nsel > 0) {
        op->gave = true;
        k->rows += (*out)->nsel;
    }
    return st;
}

static ql_status
watched_restart(ql_ctx *cx, qli_op *op)
{
    op->begun = false;
    return op->restart_unwatched(cx, op);
}

ql_status
qli_watch_op(ql_ctx *cx, qli_op *op)
{
    ql_run *run = op->block->run;
    qli_watched *o = find(run->watch, op->plan);
    if (o == NULL) {
        o = QL_ARENA_NEW(cx, cx->arena, qli_watched);
        if (o == NULL) {
            return QL_ERROR;
        }
        o->plan = op->plan;
        ql_hash_insert(&run->watch->ops, &o->node, hash_of(op->plan));
    }
    op->watched = o;
    op->next_unwatched = op->next;
    op->restart_unwatched = op->restart;
    op->next = watched_next;
    op->restart = watched_restart;
    return QL_OK;
}

ql_op_counts *
qli_watched_counts(qli_watched *w)
{
    return &w->counts;
}
