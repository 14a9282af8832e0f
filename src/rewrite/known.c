/* SPDX-License-Identifier: Apache-2.0
 *
 * Subqueries of conditions that look at nothing outside: `id = (SELECT MAX(id) FROM t)`. Where that
 * costs little they are run before the block is planned, and their values are constants from then
 * on: looked for in indexes, asked about in the statistics, moved to other tables. What fails,
 * warns or takes too long is left as it is, and does so when it is asked for, if it is. Nothing is
 * run that locks, or that nobody else could have computed in the same way.
 */
#include "base/thread.h"
#include "rewrite/rewrite_int.h"

/* us, what all of them may cost together: EXPLAIN pays it, too, and a condition before them may be
 * false for all rows. */
#define MOST_COST 10000.0

/* --- which --- */

static ql_status
note_nested(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    bool *simple = w->arg;
    (void)depth;
    *simple = *simple && e->query == NULL; /* what it costs to run that is not known */
    *descend = *simple;
    return QL_OK;
}

static ql_status
note_sources(qli_rw_walk *w, ql_query *q, uint32_t depth)
{
    bool *simple = w->arg;
    (void)depth;
    for (uint16_t i = 0; i < q->nsources; i++) {
        const ql_source *s = &q->sources[i];
        *simple = *simple && s->locking.kind == QL_LK_NONE &&
                  (s->table == NULL || !s->table->is_virtual) &&
                  (s->derived == NULL || !ql_query_is_shared(s->derived));
    }
    return QL_OK;
}

static bool
has_one_value(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_EXISTS:
        return true;
    case QL_E_SUBQUERY:
        return e->query->nitems == 1;
    case QL_E_IN_QUERY:
        return e->args[0]->kind == QL_E_CONST;
    default:
        return false;
    }
}

static ql_status
may_run(qli_rw *rw, const ql_expr *e, bool *yes)
{
    double us;
    *yes = e->is_constant && !e->query->correlated && has_one_value(e) && rw->spent < MOST_COST;
    QL_TRY(*yes ? qli_rw_block_is_pure(rw, e->query, yes) : QL_OK);
    if (!*yes) {
        return QL_OK;
    }
    QL_TRY(qli_rw_tell(rw, e->query));
    qli_rw_walk w = {.rw = rw, .expr = note_nested, .block = note_sources, .arg = yes};
    QL_TRY(qli_rw_walk_block(&w, e->query, 0));
    if (*yes) {
        ql_diag_try(rw->cx->diag);
        ql_status st = rw->by->cost(rw->by->arg, e->query, &us);
        bool silent = ql_diag_tried(rw->cx->diag);
        QL_TRY(st);
        *yes = silent && rw->spent + us <= MOST_COST;
        rw->spent += *yes ? us : 0;
    }
    return QL_OK;
}

/* --- running --- */

/* Expressions that stand in several places (the operand of BETWEEN) are asked once. */
typedef struct asked {
    const ql_expr *e;
    ql_expr *value; /* NULL: it stays as it is */
    struct asked *next;
} asked;

typedef struct knowing {
    qli_rw *rw;
    ql_query *q;
    asked *asked;
} knowing;

static ql_status
note_known(knowing *k, ql_expr *e)
{
    ql_query *q = k->q;
    ql_expr **v = QL_ARENA_ARRAY(k->rw->cx, k->rw->a, ql_expr *, q->nknown + 1u);
    if (v == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nknown; i++) {
        v[i] = q->known[i];
    }
    v[q->nknown] = e;
    q->known = v;
    q->nknown++;
    e->query->is_run = true;
    return QL_OK;
}

static ql_status
ask(knowing *k, ql_expr **e)
{
    ql_expr *was = *e;
    bool yes;
    for (const asked *a = k->asked; a != NULL; a = a->next) {
        QL_TRY(ql_bulk_node(k->rw->cx));
        if (a->e == was) {
            *e = a->value != NULL ? a->value : was;
            return QL_OK;
        }
    }
    asked *a = QL_ARENA_NEW(k->rw->cx, k->rw->a, asked);
    if (a == NULL) {
        return QL_ERROR;
    }
    QL_TRY(may_run(k->rw, was, &yes));
    QL_TRY(yes ? qli_rw_settle(k->rw->cx, k->rw->by, k->rw->by->run, e) : QL_OK);
    *a = (asked){.e = was, .value = *e != was ? *e : NULL, .next = k->asked};
    k->asked = a;
    return *e != was ? note_known(k, was) : QL_OK;
}

/* *e and what is in it. What is a constant by that becomes one. */
static ql_status
know(knowing *k, ql_expr **e)
{
    ql_expr *n = *e;
    bool changed = false;
    if (n == NULL || n->kind == QL_E_CONST || n->kind == QL_E_SLOT) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(k->rw->cx));
    if (ql_thread_stack_left() < 65536) {
        return ql_fail(k->rw->cx, QL_ER_STACK_OVERRUN_NEED_MORE, 65536l);
    }
    for (uint32_t i = 0; i < n->nargs; i++) {
        const ql_expr *was = n->args[i];
        QL_TRY(know(k, &n->args[i]));
        changed = changed || n->args[i] != was;
    }
    if (n->query != NULL) {
        return ask(k, e);
    }
    return changed && n->is_constant ? qli_rw_compute(k->rw->cx, k->rw->by, e) : QL_OK;
}

static ql_status
know_joins(knowing *k, ql_join_tree *t)
{
    if (t == NULL || t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(know_joins(k, t->left));
    QL_TRY(know_joins(k, t->right));
    return know(k, &t->on);
}

ql_status
qli_rw_run_subqueries(qli_rw *rw, ql_query *q)
{
    knowing k = {.rw = rw, .q = q};
    if (rw->by == NULL || rw->by->cost == NULL || q->from == NULL) {
        return QL_OK;
    }
    QL_TRY(qli_rw_fold(rw, &q->where));
    if (q->where != NULL && q->where->kind == QL_E_CONST) { /* no row, or nothing is asked */
        return know_joins(&k, q->from);
    }
    QL_TRY(know_joins(&k, q->from));
    return know(&k, &q->where);
}
