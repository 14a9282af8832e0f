/* SPDX-License-Identifier: Apache-2.0
 *
 * Rewriting a resolved query into one with the same result that can be planned better: derived
 * tables merged, subqueries turned into joins, conditions moved to where they stop rows early.
 */
#ifndef QL_REWRITE_REWRITE_H
#define QL_REWRITE_REWRITE_H

#include "resolve/resolve.h"

/* Rewrites q and the blocks below it in place; in cx->arena, a checkpoint a node, never waits. For
 * the outermost block of a statement, once, before it is planned. */
ql_status ql_rewrite_query(ql_ctx *cx, ql_query *q) QL_MUST_USE;

/* The query that the statement runs or explains, if it has one. That of UPDATE and DELETE keeps its
 * own sources and slots; what is below it is rewritten. */
ql_status ql_rewrite_stmt(ql_ctx *cx, ql_rstmt *s) QL_MUST_USE;

#endif
