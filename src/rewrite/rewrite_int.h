/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of rewrite/ share: walking over resolved blocks, moving one into another, what may
 * be moved. All of it in the statement's arena, used by the session's thread only.
 */
#ifndef QL_REWRITE_INT_H
#define QL_REWRITE_INT_H

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "rewrite/rewrite.h"
#include "vars/switches.h"

#define QLI_RW_MAX_SOURCES 61u
/* Nodes of an expression that may stand in several places instead of a column: more of them would
 * be computed again and again. */
#define QLI_RW_MAX_COPIED 64u

typedef struct qli_rw {
    ql_ctx *cx;
    ql_arena *a;
    const ql_query *fixed; /* that of UPDATE and DELETE keeps its sources and slots, to which others
                              refer; NULL: none */
    uint16_t nfixed;       /* sources that it had; others may come behind them */
    bool deletes;          /* and nothing but rows of its targets is asked for */
    bool locks_ranges;     /* its scans lock all that they read, whatever falls out later */
    const ql_evaluator *by; /* NULL: nothing is computed */
    double spent;           /* us, on subqueries that have been run (known.c) */
} qli_rw;

/* What the statement does, or what EXPLAIN explains. */
static inline ql_stmt_kind
qli_rw_kind(const ql_rstmt *s)
{
    return s->kind == QL_S_EXPLAIN && s->ast->explain.inner != NULL ? s->ast->explain.inner->kind
                                                                    : s->kind;
}

/* --- walk.c --- */

/* A walk that meets each node but constants, and each block, once, however often it is referred to.
 * depth: blocks entered; a derived table is one. */
typedef struct qli_rw_walk {
    qli_rw *rw;
    ql_status (*expr)(struct qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend);
    ql_status (*block)(struct qli_rw_walk *w, ql_query *q, uint32_t depth); /* may be NULL */
    void *arg;
    const void **seen; /* open addressing; cap is a power of two */
    size_t nseen, cap;
} qli_rw_walk;

ql_status qli_rw_walk_expr(qli_rw_walk *w, ql_expr *e, uint32_t depth) QL_MUST_USE;
ql_status qli_rw_walk_block(qli_rw_walk *w, ql_query *q, uint32_t depth) QL_MUST_USE;
/* The expressions of a block, not its derived tables and arms. */
ql_status qli_rw_walk_parts(qli_rw_walk *w, ql_query *q, uint32_t depth) QL_MUST_USE;

/* The same value each time for the same rows, without effects and cheap; constants for the
 * statement are. */
ql_status qli_rw_is_pure(qli_rw *rw, const ql_expr *e, bool *yes) QL_MUST_USE;
/* Of all that the block and those below it compute. */
ql_status qli_rw_block_is_pure(qli_rw *rw, const ql_query *q, bool *yes) QL_MUST_USE;
/* Can it neither warn nor fail, whatever the rows are, so that nobody sees how often it is
 * evaluated? Columns, constants, comparisons, patterns and what puts them together. */
ql_status qli_rw_is_quiet(qli_rw *rw, const ql_expr *e, bool *yes) QL_MUST_USE;
/* Number of nodes, at most limit; a subquery counts as limit. */
ql_status qli_rw_size(qli_rw *rw, const ql_expr *e, uint32_t limit, uint32_t *n) QL_MUST_USE;
/* Does e, or what is below it, look at the block `up` levels above its own? */
ql_status qli_rw_looks_up(qli_rw *rw, ql_expr *e, uint32_t up, bool *yes) QL_MUST_USE;
ql_status qli_rw_block_looks_up(qli_rw *rw, ql_query *q, uint32_t up, bool *yes) QL_MUST_USE;
/* Columns of which sources does e look at? bit n: source n of q. */
typedef struct qli_rw_uses {
    uint64_t sources;
    bool others; /* keys, aggregates, enclosing blocks, subqueries */
} qli_rw_uses;
ql_status qli_rw_uses_of(qli_rw *rw, const ql_query *q, const ql_expr *e,
                         qli_rw_uses *out) QL_MUST_USE;

/* --- make.c --- */
ql_expr *qli_rw_node(qli_rw *rw, ql_expr_kind kind);
ql_expr *qli_rw_true(qli_rw *rw);
/* e, which may be NULL, in front of *into, joined by AND. */
ql_status qli_rw_and(qli_rw *rw, ql_expr *e, ql_expr **into) QL_MUST_USE;
/* The same with OR. */
ql_status qli_rw_or(qli_rw *rw, ql_expr *e, ql_expr **into) QL_MUST_USE;
/* a = b compared in kind, under coll when that is STRING. b is cast. */
ql_status qli_rw_equal(qli_rw *rw, ql_expr *a, ql_expr *b, ql_kind kind, const ql_collation *coll,
                       ql_expr **out) QL_MUST_USE;
/* A copy of an expression without subqueries for a place `depth` blocks further in. */
ql_status qli_rw_copy(qli_rw *rw, const ql_expr *e, uint32_t depth, ql_expr **out) QL_MUST_USE;

/* --- move.c --- */

/* Can a take the sources and slots of b, `replaced` of its own going? */
bool qli_rw_has_room(const ql_query *a, const ql_query *b, unsigned replaced);
/* Everything of b, a block one level below a, is from now on in the numbers of a: sources, slots,
 * references, blocks below. at >= 0: its first source takes the place of that one of a. nullable:
 * its rows may be made up by an outer join. The caller puts b's tree, conditions and items where
 * they belong. */
ql_status qli_rw_absorb(qli_rw *rw, ql_query *a, ql_query *b, int at, bool nullable) QL_MUST_USE;
/* Slots of q for which there is an expression in by_slot[nslots] become it, also in blocks below.
 */
ql_status qli_rw_substitute(qli_rw *rw, ql_query *q, ql_expr **by_slot, uint16_t nslots,
                            bool nullable) QL_MUST_USE;

/* --- constants.c --- */

/* *e becomes its value if it can be computed without rows, warnings and errors. */
ql_status qli_rw_compute(ql_ctx *cx, const ql_evaluator *by, ql_expr **e) QL_MUST_USE;
/* The same with `value`, a function of by, whatever stands in e. */
typedef ql_status (*qli_rw_value)(void *arg, const ql_expr *e, ql_value *out);
ql_status qli_rw_settle(ql_ctx *cx, const ql_evaluator *by, qli_rw_value value,
                        ql_expr **e) QL_MUST_USE;

/* --- the rewrites, each for one block whose derived tables and subqueries have been through it ---
 */

/* derived.c: derived tables that only select and join become part of the block. */
ql_status qli_rw_merge_derived(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* semijoin.c: IN and EXISTS among the conditions become semi- and anti-joins. */
ql_status qli_rw_semijoins(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* unmatched.c: outer joins of which only rows without a match are left become anti-joins. */
ql_status qli_rw_unmatched(qli_rw *rw, ql_query *q) QL_MUST_USE;

/* outer.c: outer joins that conditions make inner ones; those that give nothing. */
ql_status qli_rw_simplify_joins(qli_rw *rw, ql_query *q) QL_MUST_USE;
ql_status qli_rw_drop_joins(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* factor.c: what the branches of an OR have in common, and what follows from it for each table. */
ql_status qli_rw_factor(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* equal.c: what follows from the equalities of a block. */
ql_status qli_rw_equalities(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* known.c: subqueries of conditions that are cheap and look at nothing outside become their values.
 */
ql_status qli_rw_run_subqueries(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* rewrite.c: what outer blocks know goes into q and those below it; once. */
ql_status qli_rw_tell(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* impossible.c: conditions that no row satisfies together become FALSE. */
ql_status qli_rw_impossible(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* keyed.c: a subquery of an expression that can be run once for all values it looks at. */
ql_status qli_rw_keyed(qli_rw *rw, const ql_expr *e) QL_MUST_USE;
/* columns.c: columns that nothing looks at are not read. */
ql_status qli_rw_drop_columns(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* What EXISTS names in its select list, if e is one, becomes `instead`, a constant. */
void qli_rw_drop_shown(const ql_expr *e, ql_expr *instead);
/* pushdown.c: conditions into derived tables that stay. */
ql_status qli_rw_push_down(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* simplify.c: a condition without its constant parts; all of a block; what rows are anyway. */
ql_status qli_rw_fold(qli_rw *rw, ql_expr **e) QL_MUST_USE;
ql_status qli_rw_fold_conditions(qli_rw *rw, ql_query *q) QL_MUST_USE;
/* fit.c: numbers of a condition of q, or of a part of it, in the kinds of the columns that they are
 * compared with. */
ql_status qli_rw_fit(qli_rw *rw, const ql_query *q, ql_expr **e) QL_MUST_USE;
void qli_rw_drop_distinct(ql_query *q);
/* Of derived tables that q reads; of a subquery in an expression. */
ql_status qli_rw_drop_orders(qli_rw *rw, ql_query *q) QL_MUST_USE;
ql_status qli_rw_drop_subquery_order(qli_rw *rw, const ql_expr *e) QL_MUST_USE;

#endif
