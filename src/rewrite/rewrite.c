/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the rewrites: inner blocks before outer ones, so that what moves up is what is left
 * of it.
 */
#include "rewrite/rewrite.h"

#include "base/thread.h"
#include "rewrite/rewrite_int.h"
#include "txn/txn.h"

static ql_status rewrite_block(qli_rw *rw, ql_query *q);

/* Blocks right below q, which go through it before q does. */
static ql_status
meet_expr(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    (void)depth;
    if (e->query == NULL) {
        return QL_OK;
    }
    *descend = false;
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(qli_rw_walk_expr(w, e->args[i], depth));
    }
    ql_expr *one = qli_rw_true(w->rw);
    if (one == NULL) {
        return QL_ERROR;
    }
    qli_rw_drop_shown(e, one);
    QL_TRY(rewrite_block(w->rw, e->query));
    return qli_rw_drop_subquery_order(w->rw, e);
}

static ql_status
rewrite_below(qli_rw *rw, ql_query *q)
{
    qli_rw_walk w = {.rw = rw, .expr = meet_expr};
    for (uint16_t i = 0; i < q->nsources; i++) {
        if (q->sources[i].derived != NULL) {
            QL_TRY(rewrite_block(rw, q->sources[i].derived));
        }
    }
    return qli_rw_walk_parts(&w, q, 0);
}

static ql_status
rewrite_block(qli_rw *rw, ql_query *q)
{
    QL_TRY(ql_check(rw->cx));
    if (ql_thread_stack_left() < 65536) {
        return ql_fail(rw->cx, QL_ER_STACK_OVERRUN_NEED_MORE, 65536l);
    }
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(rewrite_block(rw, q->left));
        QL_TRY(rewrite_block(rw, q->right));
    }
    QL_TRY(rewrite_below(rw, q));
    if (q->set_op != QL_SET_NONE) {
        return QL_OK;
    }
    QL_TRY(qli_rw_simplify_joins(rw, q));
    bool fixed = q == rw->fixed;
    QL_TRY(fixed ? QL_OK : qli_rw_merge_derived(rw, q));
    if (!fixed || rw->locks_ranges) {
        QL_TRY(fixed && !rw->deletes ? QL_OK : qli_rw_unmatched(rw, q));
        QL_TRY(qli_rw_semijoins(rw, q));
    }
    QL_TRY(fixed ? QL_OK : qli_rw_drop_joins(rw, q));
    QL_TRY(qli_rw_drop_orders(rw, q));
    qli_rw_drop_distinct(q);
    return QL_OK;
}

/* --- outermost first: what outer blocks know goes into inner ones --- */

static ql_status
tell_expr(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    if (e->query == NULL) {
        return QL_OK;
    }
    *descend = false;
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(qli_rw_walk_expr(w, e->args[i], depth));
    }
    QL_TRY(qli_rw_tell(w->rw, e->query));
    return qli_rw_keyed(w->rw, e);
}

ql_status
qli_rw_tell(qli_rw *rw, ql_query *q)
{
    qli_rw_walk w = {.rw = rw, .expr = tell_expr};
    QL_TRY(ql_check(rw->cx));
    if (q->told) {
        return QL_OK;
    }
    q->told = true;
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(qli_rw_tell(rw, q->left));
        return qli_rw_tell(rw, q->right);
    }
    QL_TRY(qli_rw_run_subqueries(rw, q));
    QL_TRY(qli_rw_fold_conditions(rw, q));
    QL_TRY(qli_rw_simplify_joins(rw, q));
    QL_TRY(qli_rw_factor(rw, q));
    QL_TRY(qli_rw_equalities(rw, q));
    QL_TRY(qli_rw_impossible(rw, q));
    QL_TRY(qli_rw_push_down(rw, q));
    QL_TRY(qli_rw_fold_conditions(rw, q));
    QL_TRY(qli_rw_drop_columns(rw, q));
    for (uint16_t i = 0; i < q->nsources; i++) {
        QL_TRY(q->sources[i].derived != NULL ? qli_rw_tell(rw, q->sources[i].derived) : QL_OK);
    }
    return qli_rw_walk_parts(&w, q, 0);
}

static ql_status
rewrite(qli_rw *rw, ql_query *q)
{
    if (ql_plans_plainly(rw->cx)) {
        return ql_check(rw->cx);
    }
    QL_TRY(rewrite_block(rw, q));
    return qli_rw_tell(rw, q);
}

/* --- statements --- */

/* Blocks in an expression outside of any that is rewritten: of a row to be inserted, of SET. */
static ql_status
rewrite_expr(qli_rw *rw, ql_expr *e)
{
    qli_rw_walk up = {.rw = rw, .expr = meet_expr}, down = {.rw = rw, .expr = tell_expr};
    if (e == NULL || e->kind == QL_E_CONST || ql_plans_plainly(rw->cx)) {
        return QL_OK;
    }
    QL_TRY(qli_rw_walk_expr(&up, e, 0));
    return qli_rw_walk_expr(&down, e, 0);
}

static ql_status
rewrite_assigns(qli_rw *rw, const ql_column_assign *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(rewrite_expr(rw, v[i].value));
    }
    return QL_OK;
}

static ql_status
rewrite_insert(qli_rw *rw, const ql_rinsert *in)
{
    for (uint32_t i = 0; i < in->nrows; i++) {
        QL_TRY(ql_bulk_each(rw->cx, i));
        for (uint16_t c = 0; c < in->ncolumns; c++) {
            QL_TRY(rewrite_expr(rw, in->rows[i][c]));
        }
    }
    return rewrite_assigns(rw, in->on_duplicate, in->non_duplicate);
}

/* What stands beside the query of a statement. */
static ql_status
rewrite_beside(qli_rw *rw, const ql_rstmt *s, ql_stmt_kind kind)
{
    switch (kind) {
    case QL_S_INSERT:
        return rewrite_insert(rw, s->insert);
    case QL_S_UPDATE:
        for (uint16_t i = 0; i < s->update->ntargets; i++) {
            QL_TRY(rewrite_assigns(rw, s->update->set[i], s->update->nset[i]));
        }
        return QL_OK;
    case QL_S_LOAD:
        return rewrite_assigns(rw, s->load->set, s->load->nset);
    case QL_S_DO:
    case QL_S_SET:
        for (uint32_t i = 0; i < s->exprs.n; i++) {
            QL_TRY(rewrite_expr(rw, s->exprs.v[i]));
        }
        return QL_OK;
    default:
        return QL_OK;
    }
}

ql_status
ql_rewrite_query(ql_ctx *cx, ql_query *q)
{
    qli_rw rw = {.cx = cx, .a = cx->arena};
    return rewrite(&rw, q);
}

/* READ COMMITTED locks the rows that have passed all conditions, which a join would come behind. */
static bool
ctx_locks_ranges(const ql_ctx *cx)
{
    return cx->txn == NULL || ql_txn_isolation(cx->txn) >= QL_REPEATABLE_READ;
}

ql_status
ql_rewrite_stmt(ql_ctx *cx, ql_rstmt *s, const ql_evaluator *by)
{
    qli_rw rw = {.cx = cx, .a = cx->arena, .by = by};
    ql_stmt_kind kind = qli_rw_kind(s);
    ql_query *q = (ql_query *)ql_rstmt_query(s, kind);
    if (q != NULL && (kind == QL_S_UPDATE || kind == QL_S_DELETE)) {
        rw.fixed = q;
        rw.nfixed = q->nsources;
        rw.deletes = kind == QL_S_DELETE;
        rw.locks_ranges = ctx_locks_ranges(cx);
    }
    QL_TRY(q != NULL ? rewrite(&rw, q) : QL_OK);
    return rewrite_beside(&rw, s, kind);
}
