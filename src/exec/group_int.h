/* SPDX-License-Identifier: Apache-2.0
 *
 * Between op_group.c (groups), op_group_agg.c (aggregate functions) and op_group_distinct.c (those
 * with DISTINCT).
 */
#ifndef QL_EXEC_GROUP_INT_H
#define QL_EXEC_GROUP_INT_H

#include "exec/adjacent.h"
#include "exec/rowset_int.h"

struct qli_concat;

/* State of one aggregate in one group. */
typedef struct qli_agg_state {
    uint64_t count;    /* values that counted */
    ql_tupleset *seen; /* DISTINCT */
    union {
        struct {
            __int128 small; /* integers, or DECIMALs of the argument's scale that fit */
            ql_decimal big; /* what did not */
            bool has_big;
        } sum;
        double d;
        struct {
            double mean, m2;
        } var;
        struct {
            ql_value v;
            size_t cap; /* room of v.s.p */
        } val;
        uint64_t bits;
        struct qli_concat *text;
        struct qli_json_parts *json;
    };
} qli_agg_state;

/* Memory of a grouping. When it is full, no group and no value of a DISTINCT begins any more: what
 * would, goes to tapes. Owner: the operator. */
typedef struct qli_group_mem {
    ql_arena *groups; /* groups and what their states keep */
    ql_arena *sets;   /* values seen by DISTINCT aggregates */
    size_t budget;
    bool full;
} qli_group_mem;
static inline bool
qli_group_is_full(const ql_ctx *cx, qli_group_mem *m)
{
    m->full = m->full ||
              qli_budget_is_out(cx, ql_arena_used(m->groups) + ql_arena_used(m->sets), m->budget);
    return m->full;
}

/* Rows of a DISTINCT aggregate that could not be looked at when they came: their group and their
 * columns. Owner: the aggregate. */
typedef struct qli_agg_waiting {
    qli_rowfmt fmt;
    bool ready;
    ql_vector *cols; /* group, arguments, ORDER BY: as they are written */
    ql_vector *back; /* the same as they are read */
    uint16_t ncols;
    ql_arena *mem;
    qli_parts parts;
    qli_part *pending;
    ql_reel reel;
    char **rows;
} qli_agg_waiting;

/* One aggregate of the query. */
typedef struct qli_agg {
    const ql_agg *def;
    ql_ex **args;
    ql_vector **cols;
    ql_ex **order;
    ql_vector **order_cols;
    ql_type *order_types;
    bool *order_desc;
    uint64_t *hash; /* [QL_BATCH_ROWS] DISTINCT */
    unsigned scale; /* of a DECIMAL argument */
    qli_group_mem *mem;
    ql_arena *scratch;
    ql_block *block;
    qli_agg_waiting wait;
    qli_adjacent *runs; /* DISTINCT: equal rows come one after the other. NULL: in any order */
} qli_agg;

ql_status qli_agg_init(ql_ctx *cx, ql_block *b, qli_agg *a, const ql_agg *def, qli_group_mem *mem,
                       ql_arena *scratch) QL_MUST_USE;
void qli_agg_start(const qli_agg *a, qli_agg_state *s);
/* Rows that are equal in the arguments will come one after the other. */
ql_status qli_agg_expect_runs(ql_ctx *cx, qli_agg *a) QL_MUST_USE;
/* Columns of the arguments for the selected rows, into a->cols and a->order_cols. */
ql_status qli_agg_eval(ql_ctx *cx, qli_agg *a, const ql_batch *b) QL_MUST_USE;
/* Columns that an aggregate has; the k-th of them. */
static inline uint16_t
qli_agg_columns(const qli_agg *a)
{
    return (uint16_t)(a->def->nargs + a->def->norder);
}
static inline ql_vector **
qli_agg_column(const qli_agg *a, uint16_t k)
{
    return k < a->def->nargs ? &a->cols[k] : &a->order_cols[k - a->def->nargs];
}
/* Add the selected rows, whose columns are there; state of row r is that of groups[r], at byte
 * offset off, or one for all rows when groups is NULL. Waits: DISK_SPACE. */
ql_status qli_agg_add(ql_ctx *cx, qli_agg *a, const ql_batch *b, char *const *groups, size_t off,
                      qli_agg_state *single) QL_MUST_USE;
/* One row whose values count. */
ql_status qli_agg_add_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row) QL_MUST_USE;
/* DISTINCT: *fresh = row's values are new to the state. When that cannot be told now they wait. */
ql_status qli_agg_is_fresh(ql_ctx *cx, qli_agg *a, qli_agg_state *s, uint16_t row,
                           bool *fresh) QL_MUST_USE;
/* All rows of the groups have come: those that wait are added. Waits: DISK_SPACE. */
ql_status qli_agg_add_waiting(ql_ctx *cx, qli_agg *a) QL_MUST_USE;
/* Forget those that wait. */
void qli_agg_reset(ql_ctx *cx, qli_agg *a);
/* JSON_ARRAYAGG, JSON_OBJECTAGG (op_group_json.c). */
ql_status qli_json_agg_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s,
                           uint16_t row) QL_MUST_USE;
ql_status qli_json_agg_finish(ql_ctx *cx, const qli_agg *a, const qli_agg_state *s,
                              ql_value *out) QL_MUST_USE;
ql_status qli_agg_finish(ql_ctx *cx, qli_agg *a, qli_agg_state *s, ql_value *out) QL_MUST_USE;

#endif
