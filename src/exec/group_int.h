/* SPDX-License-Identifier: Apache-2.0
 *
 * Between op_group.c (groups) and op_group_agg.c (aggregate functions).
 */
#ifndef QL_EXEC_GROUP_INT_H
#define QL_EXEC_GROUP_INT_H

#include "exec/exec_int.h"

struct qli_concat;

/* State of one aggregate in one group. */
typedef struct qli_agg_state {
    uint64_t count;     /* values that counted */
    qli_tupleset *seen; /* DISTINCT */
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
    };
} qli_agg_state;

/* One aggregate of the query. */
typedef struct qli_agg {
    const ql_agg *def;
    qli_ex **args;
    ql_vector **cols;
    qli_ex **order;
    ql_vector **order_cols;
    ql_type *order_types;
    bool *order_desc;
    uint64_t *hash; /* [QL_BATCH_ROWS] DISTINCT */
    unsigned scale; /* of a DECIMAL argument */
    ql_arena *mem;  /* values kept, as long as the groups */
    ql_arena *scratch;
} qli_agg;

ql_status qli_agg_init(ql_ctx *cx, qli_block *b, qli_agg *a, const ql_agg *def, ql_arena *mem,
                       ql_arena *scratch) QL_MUST_USE;
void qli_agg_start(const qli_agg *a, qli_agg_state *s);
/* Add the selected rows; state of row r is *states[r] at byte offset off of the group, or one for
 * all rows when groups is NULL. */
ql_status qli_agg_add(ql_ctx *cx, qli_agg *a, const ql_batch *b, char *const *groups, size_t off,
                      qli_agg_state *single) QL_MUST_USE;
ql_status qli_agg_finish(ql_ctx *cx, qli_agg *a, qli_agg_state *s, ql_value *out) QL_MUST_USE;

#endif
