/* SPDX-License-Identifier: Apache-2.0
 *
 * What the formats of EXPLAIN share: numbers of the query blocks, their plans, expressions as text,
 * how a table is read in the words of the manual. Memory of the statement's arena; used by the
 * thread whose statement is explained.
 */
#ifndef QL_PLAN_EXPLAIN_INT_H
#define QL_PLAN_EXPLAIN_INT_H

#include "base/buf.h"
#include "plan/plan_int.h"

/* One SELECT of the statement. */
typedef struct qli_numbered {
    const ql_query *q;
    const ql_block_plan *plan; /* NULL: not asked for yet */
    int64_t id;
    const ql_cte *cte; /* whose text it is; NULL: none */
    bool told;         /* a subquery that has been printed */
} qli_numbered;

/* Owner: the stack frame that prints. */
typedef struct qli_explain {
    ql_ctx *cx;
    ql_arena *a;
    const ql_explained *what;
    qli_numbered *blocks;
    size_t n, cap;
    int64_t last_id;
    bool quoted; /* names in expressions: `db`.`t`.`c`, not t.c */
} qli_explain;

/* Numbers the SELECTs from 1 in the order of the text. */
ql_status qli_explain_begin(qli_explain *x, ql_ctx *cx, const ql_explained *what) QL_MUST_USE;
/* Of a SELECT; of a UNION: that of its first one. */
int64_t qli_explain_id(const qli_explain *x, const ql_query *q);
/* A derived table whose rows are those of one that has an entry of its own. */
bool qli_explain_is_elsewhere(const qli_explain *x, const ql_query *q);
/* The plan with which it runs or would run. */
ql_status qli_explain_plan(qli_explain *x, const ql_query *q,
                           const ql_block_plan **out) QL_MUST_USE;
/* The counts of an operator; NULL: it has never been asked for rows. */
const ql_op_counts *qli_explain_counts(const qli_explain *x, const ql_plan *n);

/* visit each subquery that stands in e and was not told yet; it is told now. */
typedef ql_status (*qli_query_visit)(void *arg, const ql_query *q);
ql_status qli_explain_queries(qli_explain *x, const ql_expr *e, qli_query_visit visit,
                              void *arg) QL_MUST_USE;
/* The same for what stands in the select list, grouping, order and conditions of q. */
ql_status qli_explain_items_queries(qli_explain *x, const ql_query *q, qli_query_visit visit,
                                    void *arg) QL_MUST_USE;
ql_status qli_explain_other_queries(qli_explain *x, const ql_query *q, qli_query_visit visit,
                                    void *arg) QL_MUST_USE;

/* Those of what stands beside the query. */
ql_status qli_explain_beside_queries(qli_explain *x, qli_query_visit visit, void *arg) QL_MUST_USE;

/* --- expr_text.c --- */
/* Text of e, an expression of block q, in MySQL's form: ((t.a > 1) and (t.b = u.c)). */
ql_status qli_expr_text(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b) QL_MUST_USE;
ql_status qli_agg_text(qli_explain *x, const ql_query *q, const ql_agg *g, ql_buf *b) QL_MUST_USE;
ql_status qli_sort_text(qli_explain *x, const ql_query *q, const ql_sort_key *keys, uint16_t n,
                        ql_buf *b) QL_MUST_USE;

/* --- access_text.c --- */
/* Column `type` of EXPLAIN: ALL, index, range, ref, eq_ref, const. */
const char *qli_access_type(const ql_query *q, const ql_plan *n);
/* The index in whose order or through whose bounds a table is read; NULL: it is read whole. */
const ql_index *qli_access_index(const ql_query *q, const ql_plan *n);
uint16_t qli_access_parts(const ql_plan *n); /* key parts that the bounds use */
uint32_t qli_access_key_bytes(const ql_query *q, const ql_plan *n);
/* How many leading parts are fixed by equality. */
uint16_t qli_access_fixed(const ql_plan *n);
/* What part i is compared with: "const", "db.t.a" or "func"; all of them with commas between. */
ql_status qli_access_ref_part(qli_explain *x, const ql_query *q, const ql_plan *n, uint16_t i,
                              ql_buf *b) QL_MUST_USE;
ql_status qli_access_ref(qli_explain *x, const ql_query *q, const ql_plan *n,
                         ql_buf *b) QL_MUST_USE;
/* The bounds: (a=1), (1 < a <= 5). */
ql_status qli_access_bounds(qli_explain *x, const ql_query *q, const ql_plan *n,
                            ql_buf *b) QL_MUST_USE;
/* Of an index merge: "a,b"; "union(a,b)"; key lengths "4,5". */
ql_status qli_merge_keys(qli_explain *x, const ql_plan *n, ql_buf *b) QL_MUST_USE;
ql_status qli_merge_text(qli_explain *x, const ql_plan *n, ql_buf *b) QL_MUST_USE;
ql_status qli_merge_key_bytes(qli_explain *x, const ql_query *q, const ql_plan *n,
                              ql_buf *b) QL_MUST_USE;
/* Do conditions have to be evaluated to find one of the ends (QL_P_ENDS)? */
bool qli_ends_filtered(const ql_plan *n);

#endif
