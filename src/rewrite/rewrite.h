/* SPDX-License-Identifier: Apache-2.0
 *
 * Rewriting a resolved query into one with the same result that can be planned better: derived
 * tables merged, subqueries turned into joins, conditions moved to where they stop rows early.
 */
#ifndef QL_REWRITE_REWRITE_H
#define QL_REWRITE_REWRITE_H

#include "resolve/resolve.h"

/* Computes an expression that needs no rows; the value's bytes stay until the next call. Whoever
 * knows how is above this layer. */
typedef struct ql_evaluator {
    ql_status (*value)(void *arg, const ql_expr *e, ql_value *out);
    /* What the plan of a block costs, in microseconds, and computing e, whose subquery has been
     * asked for just before, which is an error when it takes much longer; it may wait for what
     * reading waits for. NULL: subqueries are left as they are. */
    ql_status (*cost)(void *arg, const ql_query *q, double *us);
    ql_status (*run)(void *arg, const ql_expr *e, ql_value *out);
    void *arg;
} ql_evaluator;

/* What is the same for all rows becomes a value in the conditions of the statement's query, before
 * it is rewritten. In cx->arena, a checkpoint a node; waits for nothing. */
ql_status ql_settle_constants(ql_ctx *cx, ql_rstmt *s, const ql_evaluator *by) QL_MUST_USE;

/* Rewrites q and the blocks below it in place; in cx->arena, a checkpoint a node, never waits. For
 * the outermost block of a statement, once, before it is planned. */
ql_status ql_rewrite_query(ql_ctx *cx, ql_query *q) QL_MUST_USE;

/* The query that the statement runs or explains, if it has one. That of UPDATE and DELETE keeps its
 * own sources and slots; what is below it is rewritten. by (may be NULL): runs subqueries whose
 * values conditions name, where that is cheap and nobody can tell. */
ql_status ql_rewrite_stmt(ql_ctx *cx, ql_rstmt *s, const ql_evaluator *by) QL_MUST_USE;

#endif
