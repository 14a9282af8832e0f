/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: a read-only tree of operators for one query block, made from the resolved query. exec
 * builds its state tree beside it. Slots (resolve/query.h) are numbered per block; every node fills
 * slots of the block's batch.
 */
#ifndef QL_PLAN_PLAN_H
#define QL_PLAN_PLAN_H

#include "resolve/query.h"
#include "table/table.h"

struct ql_buf;

typedef struct ql_plan ql_plan;
typedef struct ql_block_plan ql_block_plan;

typedef enum ql_plan_kind {
    QL_P_ONE_ROW, /* no FROM: one row, no slots */
    QL_P_SCAN,    /* source; index and bounds; filter */
    QL_P_DERIVED, /* source: the rows of block `sub`, materialised or streamed, slot i of source =
                     item i */
    QL_P_NESTED_JOIN, /* for each row of left, right (a scan rebound with left's slots, or a
                         materialised side); join; filter = on */
    QL_P_HASH_JOIN,   /* build on right by keys, probe with left; join; filter = rest of on */
    QL_P_FILTER,      /* filter */
    QL_P_GROUP,       /* aggregation: query->group_by/aggs; no keys = one row; by hashing, or
                         `ordered`: rows of a group come one after the other */
    QL_P_SORT,        /* keys; limit known: top-N */
    QL_P_DISTINCT,    /* on the select items (`ordered`: equal rows come one after the other), or,
                         where nkeys > 0, on left_keys under key_colls */
    QL_P_LIMIT,
    QL_P_SET_OP,      /* UNION [ALL] of two blocks; slots = item numbers */
    QL_P_NEVER,       /* WHERE is constant false: no rows */
    QL_P_INDEX_MERGE, /* source: rows whose keys the scans in `parts` give, in the order of the
                         clustered index; filter */
    QL_P_ENDS, /* one row of left, a scan, if it has one, then the rows of right (ENDS or NULL) */
} ql_plan_kind;

/* Range bound of a scan: expressions for leading key parts (constants, or slots of rows to the left
 * in a nested join). */
typedef struct ql_plan_bound {
    ql_expr **values;
    uint16_t n;
    bool inclusive;
    /* Not NULL: the end of the texts that begin with the last value, which is what this LIKE says.
     * A constant is that beginning, anything else a pattern. */
    const ql_expr *like;
    bool near; /* as in ql_bound */
} ql_plan_bound;

typedef struct ql_plan_range {
    ql_plan_bound low, high;
} ql_plan_range;

/* With values that are known by now. */
static inline ql_bound
ql_plan_bound_with(const ql_plan_bound *b, const ql_value *values)
{
    return (ql_bound){values, b->n, b->inclusive, b->like != NULL, b->near};
}

struct ql_plan {
    ql_plan_kind kind;
    ql_plan *left, *right;
    uint16_t source;
    const ql_index *index;
    ql_plan_bound low, high; /* expressions already of the key columns' kinds */
    const ql_expr *doc;      /* SCAN of JSON_TABLE: what its rows are made of */
    /* Several ranges, disjoint and in index order: what is read. low and high then cover all of
     * them, and are right as well, if more. */
    ql_plan_range *ranges;
    uint32_t nranges;
    bool reverse, index_only, is_unique_lookup;
    uint16_t skip; /* SCAN: of rows equal in so many leading parts not all are wanted (table.h,
                      ql_scan_skip); what reads it does not mind all of them. 0: all are read */
    bool skip_far, skip_null_near, skip_null_far;
    /* SCAN: the rows behind entries are looked for together; so is what rows to the left look up */
    bool gathers, batched;
    /* SCAN, if not 0: of rows equal in so many leading parts only those between these bounds of the
     * next part (constants) need to be read (table.h, ql_scan_jump). */
    uint16_t jump;
    ql_plan_bound jump_low, jump_high;
    bool keys_only;  /* SCAN: a part of an INDEX_MERGE, gives clustered keys and no columns */
    ql_plan **parts; /* INDEX_MERGE */
    uint16_t nparts;
    bool merge_all;     /* INDEX_MERGE: keys that all parts give; else those of any, each once */
    bool in_key_order;  /* INDEX_MERGE: each part gives them in their order (EXPLAIN) */
    bool ordered;       /* SCAN: something above leans on the order of its index; GROUP, DISTINCT:
                           they lean on the order of their rows */
    bool distinct_runs; /* GROUP without keys: rows that are equal in the arguments of an aggregate
                           over DISTINCT values come one after the other, for each of these */
    ql_expr *filter;    /* evaluated on the node's output */
    /* SCAN, split: `filter` taken apart: what is evaluated on index entries before their rows are
     * read (NULL: nothing), and what on rows. Without an index_filter, what the index answers
     * without giving back the column (texts) is left out of row_filter: nothing else looks at it.
     */
    bool split;
    ql_expr *index_filter, *row_filter;
    ql_join_kind join; /* NESTED_JOIN, HASH_JOIN */
    ql_expr **left_keys, **right_keys;
    uint16_t nkeys;
    ql_kind *key_kinds;
    const ql_collation **key_colls; /* HASH_JOIN; NULL keys never match */
    ql_sort_key *keys;
    uint16_t nsort;
    uint16_t nsorted;   /* SORT under a LIMIT: rows come in the order of so many first keys */
    bool stop_at_limit; /* SORT: keep only limit+offset rows */
    ql_block_plan *sub; /* DERIVED; SET_OP uses sub (left) and sub2 (right) */
    ql_block_plan *sub2;
    bool set_distinct;
    double est_rows; /* output rows, for EXPLAIN */
    double est_read; /* SCAN, DERIVED: rows of one reading, before the filter */
    double est_cost; /* of that, in microseconds */
    double cost;     /* of all its rows, those below it included */
    bool looks_left; /* NESTED_JOIN: the right side's bounds look at the left's rows */
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

/* What it costs to run the block as a subquery for one row, and, where it is that of a ql_keyed, to
 * have it for all values at once. Who is asked for n rows takes the latter once n times the former
 * is as much. */
double ql_subquery_cost(const ql_block_plan *p);
double ql_keyed_cost(const ql_block_plan *p);
/* For how many rows the plan expects that e, a subquery in one of its conditions or in the select
 * list, is asked for; 0: it cannot tell, or a LIMIT may end it before. */
ql_status ql_plan_asks(ql_ctx *cx, const ql_block_plan *p, const ql_expr *e,
                       double *rows) QL_MUST_USE;
/* us of runs for single rows: less is not worth looking for another way. */
#define QL_KEYED_WORTH 40.0

/* --- EXPLAIN --- */

/* What an operator has done so far, in all its runs together. */
typedef struct ql_op_counts {
    uint64_t loops;    /* times it was begun */
    uint64_t rows;     /* it has given */
    uint64_t filtered; /* of what it read, handed to its filter; 0 when it has none */
    int64_t first_ns;  /* until its first rows, over all runs; what is below it included */
    int64_t total_ns;
    int64_t filter_ns; /* of total_ns, in the filter */
} ql_op_counts;

/* A run that is looked at (EXPLAIN ANALYZE). */
typedef struct ql_explained_run {
    const ql_block_plan *(*plan_of)(void *arg, const ql_query *q); /* NULL: it was never begun */
    const ql_op_counts *(*counts_of)(void *arg, const ql_plan *n); /* NULL: the same */
    void *arg;
} ql_explained_run;

typedef struct ql_explained {
    const ql_block_plan *plan; /* NULL: INSERT ... VALUES */
    ql_stmt_kind kind;         /* SELECT, INSERT, UPDATE, DELETE */
    bool replace;
    const ql_table *into;    /* INSERT, REPLACE */
    const uint16_t *targets; /* UPDATE, DELETE: sources whose rows are changed */
    uint16_t ntargets;
    const ql_explained_run *run; /* NULL: planned only */
    ql_expr *const *beside;      /* [nbeside] expressions over its rows that are no part of the
                                    query: what SET says. Their subqueries are told, too */
    uint32_t nbeside;
} ql_explained;

/* Rows of EXPLAIN (traditional format): id, select_type, table, partitions, type, possible_keys,
 * key, key_len, ref, rows, filtered, Extra. Subqueries are planned for it. Never waits; in
 * cx->arena. */
ql_status ql_explain_rows(ql_ctx *cx, const ql_explained *e, struct ql_value ***rows,
                          size_t *n) QL_MUST_USE;
/* FORMAT=TREE and FORMAT=JSON behind what out holds. */
ql_status ql_explain_tree(ql_ctx *cx, const ql_explained *e, struct ql_buf *out) QL_MUST_USE;
ql_status ql_explain_json(ql_ctx *cx, const ql_explained *e, struct ql_buf *out) QL_MUST_USE;

#endif
