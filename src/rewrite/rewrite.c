/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the rewrites: inner blocks before outer ones, so that what moves up is what is left
 * of it.
 */
#include "rewrite/rewrite.h"

#include "base/thread.h"
#include "rewrite/rewrite_int.h"

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
    if (q != rw->fixed) {
        QL_TRY(qli_rw_merge_derived(rw, q));
        QL_TRY(qli_rw_semijoins(rw, q));
        QL_TRY(qli_rw_drop_joins(rw, q));
    }
    QL_TRY(qli_rw_drop_orders(rw, q));
    qli_rw_drop_distinct(q);
    return QL_OK;
}

/* --- outermost first: what outer blocks know goes into inner ones --- */

static ql_status tell_block(qli_rw *rw, ql_query *q);

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
    return tell_block(w->rw, e->query);
}

static ql_status
tell_block(qli_rw *rw, ql_query *q)
{
    qli_rw_walk w = {.rw = rw, .expr = tell_expr};
    QL_TRY(ql_check(rw->cx));
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(tell_block(rw, q->left));
        return tell_block(rw, q->right);
    }
    QL_TRY(qli_rw_fold_conditions(rw, q));
    QL_TRY(qli_rw_simplify_joins(rw, q));
    QL_TRY(qli_rw_equalities(rw, q));
    QL_TRY(qli_rw_push_down(rw, q));
    QL_TRY(qli_rw_fold_conditions(rw, q));
    for (uint16_t i = 0; i < q->nsources; i++) {
        QL_TRY(q->sources[i].derived != NULL ? tell_block(rw, q->sources[i].derived) : QL_OK);
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
    return tell_block(rw, q);
}

ql_status
ql_rewrite_query(ql_ctx *cx, ql_query *q)
{
    qli_rw rw = {.cx = cx, .a = cx->arena};
    return rewrite(&rw, q);
}

ql_status
ql_rewrite_stmt(ql_ctx *cx, ql_rstmt *s)
{
    qli_rw rw = {.cx = cx, .a = cx->arena};
    ql_stmt_kind kind = s->kind == QL_S_EXPLAIN && s->ast->explain.inner != NULL
                            ? s->ast->explain.inner->kind
                            : s->kind;
    ql_query *q = (ql_query *)ql_rstmt_query(s, kind);
    if (q == NULL) {
        return QL_OK;
    }
    if (kind == QL_S_UPDATE || kind == QL_S_DELETE) {
        rw.fixed = q;
    }
    return rewrite(&rw, q);
}
