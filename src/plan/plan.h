/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: a read-only tree of operators for one query block, made from the resolved query. exec
 * builds its state tree beside it. Slots (resolve/query.h) are numbered per block; every node fills
 * slots of the block's batch.
 */
#ifndef QL_PLAN_PLAN_H
#define QL_PLAN_PLAN_H

#include "resolve/query.h"

typedef struct ql_plan ql_plan;
typedef struct ql_block_plan ql_block_plan;

typedef enum ql_plan_kind {
    QL_P_ONE_ROW, /* no FROM: one row, no slots */
    QL_P_SCAN,    /* source; index and bounds; filter */
    QL_P_DERIVED, /* source: the rows of block `sub`, materialised or streamed, slot i of source =
                     item i */
    QL_P_NESTED_JOIN, /* for each row of left, right (a scan rebound with left's slots, or a
                         materialised side); outer; filter = on */
    QL_P_HASH_JOIN,   /* build on right by keys, probe with left; outer; filter = rest of on */
    QL_P_FILTER,      /* filter */
    QL_P_GROUP,       /* hash aggregation: query->group_by/aggs; no keys = one row */
    QL_P_SORT,        /* keys; limit known: top-N */
    QL_P_DISTINCT,    /* on the select items */
    QL_P_LIMIT,
    QL_P_SET_OP, /* UNION [ALL] of two blocks; slots = item numbers */
    QL_P_NEVER,  /* WHERE is constant false: no rows */
} ql_plan_kind;

/* Range bound of a scan: expressions for leading key parts (constants, or slots of rows to the left
 * in a nested join). */
typedef struct ql_plan_bound {
    ql_expr **values;
    uint16_t n;
    bool inclusive;
} ql_plan_bound;

struct ql_plan {
    ql_plan_kind kind;
    ql_plan *left, *right;
    uint16_t source;
    const ql_index *index;
    ql_plan_bound low, high; /* expressions already of the key columns' kinds */
    /* IN list: constants for the first part in which low and high differ, in index order, each
     * once. Only rows with one of them there can pass the filter, so a scan may visit them one by
     * one (equal on that part, too) instead of the whole range; the range alone is right as well.
     */
    ql_expr **points;
    uint32_t npoints;
    bool reverse, index_only, is_unique_lookup;
    ql_expr *filter; /* evaluated on the node's output */
    bool outer;
    ql_expr **left_keys, **right_keys;
    uint16_t nkeys;
    ql_kind *key_kinds;
    const ql_collation **key_colls; /* HASH_JOIN; NULL keys never match */
    ql_sort_key *keys;
    uint16_t nsort;
    bool stop_at_limit; /* SORT: keep only limit+offset rows */
    ql_block_plan *sub; /* DERIVED; SET_OP uses sub (left) and sub2 (right) */
    ql_block_plan *sub2;
    bool set_distinct;
    double est_rows; /* output rows, for EXPLAIN */
    uint16_t *live_slots;
    uint16_t nlive; /* slots valid in the output */
};

struct ql_block_plan {
    const ql_query *query;
    ql_plan *root; /* rows before the select list; LIMIT included */
    bool limit_is_zero;
};

/* Plan of a block (and, on first use by exec, of its subqueries through ql_plan_query again). Never
 * waits; in cx->arena. */
ql_status ql_plan_query(ql_ctx *cx, const ql_query *q, ql_block_plan **out) QL_MUST_USE;

/* Rows of EXPLAIN (traditional format): id, select_type, table, partitions, type, possible_keys,
 * key, key_len, ref, rows, filtered, Extra. */
ql_status ql_plan_explain(ql_ctx *cx, const ql_block_plan *p, struct ql_value ***rows,
                          size_t *n) QL_MUST_USE;

#endif
