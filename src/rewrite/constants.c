/* SPDX-License-Identifier: Apache-2.0
 *
 * What is the same for all rows of a statement, in its conditions: NOW() - INTERVAL 1 DAY, @x, a
 * function of constants. As a value it can be looked for in indexes and statistics before the first
 * row is read. What would fail or warn is left as it is: it does so when it is asked for, if it is.
 * Subqueries are known.c's.
 */
#include "base/thread.h"
#include "rewrite/rewrite_int.h"

#define MOST_BYTES 65536u /* of a value */

typedef struct settling {
    ql_ctx *cx;
    const ql_evaluator *by;
} settling;

static ql_status settle_query(settling *s, ql_query *q);

/* Can all of it be computed without rows, and nothing but itself be changed by that? */
static ql_status
is_plain(ql_ctx *cx, const ql_expr *e, bool *yes)
{
    QL_TRY(ql_bulk_node(cx));
    switch (e->kind) {
    case QL_E_CONST:
    case QL_E_OP:
    case QL_E_CASE:
    case QL_E_CAST:
    case QL_E_USERVAR:
    case QL_E_SYSVAR:
        *yes = e->is_constant && e->query == NULL;
        break;
    case QL_E_FUNC:
        *yes = e->is_constant && !(ql_func_flags(e->fn) & QL_FF_NONDET);
        break;
    default:
        *yes = false;
        break;
    }
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(is_plain(cx, e->args[i], yes));
    }
    return QL_OK;
}

static ql_status
become(ql_ctx *cx, ql_expr **e, ql_value v)
{
    ql_expr *c = QL_ARENA_NEW(cx, cx->arena, ql_expr);
    if (c == NULL) {
        return QL_ERROR;
    }
    if (v.kind == QL_K_STRING && v.s.n > 0) {
        v.s.p = ql_arena_strndup(cx, cx->arena, v.s.p, v.s.n);
        if (v.s.p == NULL) {
            return QL_ERROR;
        }
    }
    *c = (ql_expr){.kind = QL_E_CONST,
                   .type = (*e)->type,
                   .coercibility = (*e)->coercibility,
                   .is_constant = true,
                   .value = v};
    c->type.nullable = v.kind == QL_K_NULL;
    *e = c;
    return QL_OK;
}

ql_status
qli_rw_settle(ql_ctx *cx, const ql_evaluator *by, qli_rw_value value, ql_expr **e)
{
    ql_value v;
    ql_diag_try(cx->diag);
    ql_status st = value(by->arg, *e, &v);
    bool silent = ql_diag_tried(cx->diag);
    if (st == QL_ERROR) {
        QL_TRY(ql_check(cx));
        ql_diag_clear_error(cx->diag);
        return QL_OK;
    }
    QL_TRY(st);
    bool whole = v.kind == QL_K_NULL || v.kind == (*e)->type.kind;
    return silent && whole && (v.kind != QL_K_STRING || v.s.n <= MOST_BYTES) ? become(cx, e, v)
                                                                             : QL_OK;
}

ql_status
qli_rw_compute(ql_ctx *cx, const ql_evaluator *by, ql_expr **e)
{
    bool yes;
    QL_TRY(is_plain(cx, *e, &yes));
    return yes ? qli_rw_settle(cx, by, by->value, e) : QL_OK;
}

/* Constants that are not part of a larger one; `asked` false: only the blocks below are wanted. */
static ql_status
settle_expr(settling *s, ql_expr **e, bool asked)
{
    ql_expr *n = *e;
    if (n == NULL || n->kind == QL_E_CONST || n->kind == QL_E_SLOT) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(s->cx));
    if (asked && n->is_constant && n->query == NULL) {
        QL_TRY(qli_rw_compute(s->cx, s->by, e));
        if (*e != n) {
            return QL_OK;
        }
    }
    for (uint32_t i = 0; i < n->nargs; i++) {
        QL_TRY(settle_expr(s, &n->args[i], asked));
    }
    return n->query != NULL ? settle_query(s, n->query) : QL_OK;
}

static ql_status
settle_joins(settling *s, ql_join_tree *t)
{
    if (t == NULL || t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(settle_joins(s, t->left));
    QL_TRY(settle_joins(s, t->right));
    return settle_expr(s, &t->on, true);
}

static ql_status
settle_rest(settling *s, ql_query *q)
{
    for (uint16_t i = 0; i < q->nsources; i++) {
        QL_TRY(q->sources[i].derived != NULL ? settle_query(s, q->sources[i].derived) : QL_OK);
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(settle_expr(s, &q->items[i].expr, false));
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        QL_TRY(settle_expr(s, &q->group_by[i], false));
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            QL_TRY(settle_expr(s, &q->aggs[i].args[k], false));
        }
    }
    for (uint16_t i = 0; i < q->norder; i++) {
        QL_TRY(settle_expr(s, &q->order_by[i].expr, false));
    }
    return QL_OK;
}

static ql_status
settle_query(settling *s, ql_query *q)
{
    QL_TRY(ql_check(s->cx));
    if (ql_thread_stack_left() < 65536) {
        return ql_fail(s->cx, QL_ER_STACK_OVERRUN_NEED_MORE, 65536l);
    }
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(settle_query(s, q->left));
        return settle_query(s, q->right);
    }
    QL_TRY(settle_joins(s, q->from));
    QL_TRY(settle_expr(s, &q->where, true));
    QL_TRY(settle_expr(s, &q->having, true));
    return settle_rest(s, q);
}

ql_status
ql_settle_constants(ql_ctx *cx, ql_rstmt *stmt, const ql_evaluator *by)
{
    settling s = {cx, by};
    ql_query *q = (ql_query *)ql_rstmt_query(stmt, qli_rw_kind(stmt));
    return q == NULL || ql_plans_plainly(cx) ? QL_OK : settle_query(&s, q);
}
