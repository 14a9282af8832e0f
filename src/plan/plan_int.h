/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of plan/ share: the state of planning one query block. Arena memory of the
 * statement, used by the session's thread only.
 */
#ifndef QL_PLAN_INT_H
#define QL_PLAN_INT_H

#include "base/arena.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "plan/plan.h"
#include "resolve/resolve.h"
#include "stats/stats.h"
#include "table/table.h"

typedef uint64_t qli_mask; /* bit n = source n; at most 61 sources */

/* One AND-ed condition. */
typedef struct qli_cond {
    ql_expr *e;
    qli_mask needs;   /* sources it looks at */
    qli_mask side[2]; /* an equality: those of either side */
    bool nondet;      /* RAND(), SLEEP(): evaluated for each row, never moved into an index bound */
    bool has_query;   /* a subquery: evaluated after the cheap ones */
    bool used;        /* already placed, or: */
    bool follows;     /* it need not be: others that are placed say it */
} qli_cond;

typedef struct qli_conds {
    qli_cond *v;
    uint32_t n, cap;
} qli_conds;

/* Values of an IN list of constants, ascending, each once; n 0 = not usable with an index. */
typedef struct qli_points {
    const ql_expr *e;
    const ql_type *type;
    ql_expr **v;
    uint32_t n;
    struct qli_points *next;
} qli_points;

/* What a condition says about a part of an index, kept for the block (column_set.c). */
typedef struct qli_column_set qli_column_set;

typedef struct qli_dived qli_dived; /* dive.c: a range that was looked for */

typedef struct qli_planner {
    ql_ctx *cx;
    ql_arena *a;
    const ql_query *q;
    uint8_t *source_of; /* [nslots] source of a column slot; 0xff = key or aggregate */
    uint16_t *column_of;
    double *rows;                 /* [nsources] size of each table */
    const ql_table_stats **stats; /* [nsources] NULL: a derived table */
    ql_block_plan **derived;      /* [nsources] plans of derived tables */
    qli_points *points;
    qli_column_set *sets;
    qli_dived *dives;
    uint16_t *counting;    /* by a walk over expressions: uses of each slot; NULL: they are not */
    uint16_t *uses;        /* [nslots] how often the block looks at each; NULL: not counted yet */
    bool ranges_too_large; /* and the warning has been given */
    bool order_given;      /* GROUP BY or DISTINCT has seen to ORDER BY */
    bool order_is_set;     /* and leans on the order of the rows below: it is not to be changed */
    ql_status bad;         /* an error met where only yes or no could be said; returned later */
} qli_planner;

/* A way to read one source. */
typedef struct qli_access {
    const ql_index *index;     /* NULL: all of the clustered index, or not a base table */
    uint16_t neq, nlow, nhigh; /* parts fixed by equality; values in each bound */
    ql_plan_bound low, high;
    ql_plan_range *ranges; /* several; 0: low..high alone, else that covers all of them */
    uint32_t nranges;
    bool index_only, unique;
    bool unread;   /* index_only, but for texts that only equalities look at that the bounds say */
    double behind; /* share of the entries whose rows are read */
    double unknown_share; /* what ends whose values are not known yet leave of the rows */
    double rows, cost;    /* of one reading */
    uint16_t jump;        /* as in ql_plan: a skip scan */
    ql_plan_bound jump_low, jump_high;
    qli_mask needs;   /* sources to the left that the bounds look at */
    uint64_t exact;   /* bit i: condition i (of the list given) is wholly answered by the bounds */
    uint64_t counted; /* bit i: it has a part in the bounds: `rows` knows of it */
    struct qli_access *parts; /* an index merge: of several indexes, index NULL */
    uint16_t nparts;
    bool merge_all, in_key_order; /* as in ql_plan */
} qli_access;

/* --- cond.c --- */
ql_status qli_conds_split(qli_planner *p, ql_expr *e, qli_conds *out) QL_MUST_USE;
ql_status qli_conds_add(qli_planner *p, qli_conds *c, const qli_cond *one) QL_MUST_USE;
/* AND of those conditions not used yet whose sources are all in `have`; NULL = none. Marks them. */
ql_status qli_conds_take(qli_planner *p, qli_conds *c, qli_mask have, ql_expr **out) QL_MUST_USE;
/* Walks over expressions answer nothing when the statement has to stop: p->bad says so. */
qli_mask qli_expr_sources(qli_planner *p, const ql_expr *e);
/* *acc and e. */
ql_status qli_conds_and(qli_planner *p, ql_expr *e, ql_expr **acc) QL_MUST_USE;
/* n for each slot of the block: how often its expressions, and those of subqueries, look at it. */
ql_status qli_count_uses(qli_planner *p, uint16_t *n) QL_MUST_USE;
bool qli_conds_never(const qli_conds *c); /* a constant false or NULL among them */

/* --- estimate.c: the one source of row estimates --- */
/* Share of the rows, 0..1, that a condition lets pass: of its source, or, for one that joins, of
 * all combinations of its sources' rows. */
ql_status qli_selectivity(qli_planner *p, const ql_expr *e, double *share) QL_MUST_USE;
/* Rows with one combination of values in the first n parts of the index, on average, at least 1;
 * whatever else is asked of them. */
ql_status qli_equal_rows(qli_planner *p, uint16_t source, const ql_index *x, uint16_t n,
                         double *rows) QL_MUST_USE;
/* Different values of an expression over all rows of its sources. */
ql_status qli_distinct(qli_planner *p, const ql_expr *e, double *n) QL_MUST_USE;
/* Share that all those conditions of the list let pass that are not used, have bit i of `answered`
 * clear and look at sources of `have` only: not as if each had nothing to do with the others, and
 * both ends of a range as one. */
ql_status qli_conds_selectivity(qli_planner *p, const qli_conds *c, uint64_t answered,
                                qli_mask have, double *share) QL_MUST_USE;
/* Different combinations of values of n expressions among `rows` rows (GROUP BY, DISTINCT). */
ql_status qli_groups(qli_planner *p, ql_expr *const *v, uint32_t n, double rows,
                     double *groups) QL_MUST_USE;
/* Rows of a range of an index when its bounds are not known before the scan, or no dive is made:
 * a->rows out of the columns' statistics. */
ql_status qli_range_rows(qli_planner *p, uint16_t source, qli_access *a) QL_MUST_USE;

/* --- term.c --- */
typedef struct qli_term {
    ql_expr *value, *value2;  /* value2: upper end of a pair (LIKE, or EQ of what is not one key) */
    ql_op op;                 /* EQ, NE, LT, LE, GT, GE, IS_NULL, IS_NOT_NULL, IN, NOT_IN, LIKE */
    const ql_expr *like;      /* LIKE: value and value2 are both ends (ql_plan_bound) */
    bool exact;               /* the bound says all that the condition says */
    const qli_points *points; /* IN, NOT_IN */
} qli_term;
/* What condition c says about the column, given the sources in `left`; false = nothing. */
bool qli_term_of(qli_planner *p, const qli_cond *c, uint16_t source, uint16_t column, qli_mask left,
                 qli_term *out);
/* NULL: the error waits in p->bad. */
ql_expr *qli_null_const(qli_planner *p, const ql_type *t);
/* Can *v be put into a key of a column of type t as it is, for comparison cmp? */
bool qli_value_fits(qli_planner *p, const ql_type *t, const ql_expr *cmp, ql_expr **v);

/* --- access.c --- */
ql_status qli_access_choose(qli_planner *p, uint16_t source, const qli_conds *c, qli_mask left,
                            qli_access *out) QL_MUST_USE;
ql_status qli_access_plan(qli_planner *p, uint16_t source, const qli_access *a, qli_conds *c,
                          ql_plan **out) QL_MUST_USE;

/* May the planner use index i? */
ql_status qli_index_serves(qli_planner *p, uint16_t source, uint16_t i, bool *yes) QL_MUST_USE;
/* Reading it through index x. */
ql_status qli_access_by_index(qli_planner *p, uint16_t source, const ql_index *x,
                              const qli_conds *c, qli_mask left, qli_access *a) QL_MUST_USE;
/* The access to the clustered keys of an index's entries, given rows of the sources in `left`. */
ql_status qli_access_keys(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                          qli_mask left, qli_access *a) QL_MUST_USE;

/* --- ranges.c: sets of index entries --- */
/* Disjoint ranges in the order of the index, of some parts from one on. */
typedef struct qli_ranges {
    ql_plan_range *v;
    uint32_t n; /* 0: nothing */
    bool whole; /* everything; v is not used */
} qli_ranges;

typedef struct qli_ranger {
    qli_planner *p;
    uint16_t source;
    const ql_index *x;
    uint64_t memory; /* that may still be used */
    bool too_large;  /* it is used up: what was made is not to be used */
    bool unknown;    /* values met that are known only when the scan starts */
    bool on_values;  /* sets of values of a column: a prefix part has keys of whole texts */
} qli_ranger;

/* Part k of r->x, the clustered key's behind its own. */
static inline const ql_index_part *
qli_part(const qli_ranger *r, uint16_t k)
{
    return ql_index_part_at(r->p->q->sources[r->source].table, r->x, k);
}

/* Room for n more ranges of up to nvalues values at each end; NULL, no error: too large. */
ql_status qli_ranges_room(qli_ranger *r, uint32_t n, ql_plan_range **out) QL_MUST_USE;
/* -1, 0, 1: the order of two positions: before (or, `behind`, after) all entries that begin with
 * the bound's values, which are those of parts `at` and following. The first or last, for a bound
 * without values. */
typedef struct qli_cut {
    const ql_plan_bound *b;
    bool upper, behind;
} qli_cut;
qli_cut qli_cut_low(const ql_plan_bound *b);
qli_cut qli_cut_high(const ql_plan_bound *b);
ql_status qli_cut_compare(qli_ranger *r, uint16_t at, qli_cut a, qli_cut b, int *c) QL_MUST_USE;
/* Ranges in any order, overlapping or not, into a set. v is reordered. */
ql_status qli_ranges_unite(qli_ranger *r, uint16_t at, ql_plan_range *v, uint32_t n,
                           qli_ranges *out) QL_MUST_USE;
ql_status qli_ranges_intersect(qli_ranger *r, uint16_t at, const qli_ranges *a, const qli_ranges *b,
                               qli_ranges *out) QL_MUST_USE;
/* Each entry of a set that is fixed to values in its n parts, together with each range of the next
 * part; *all: there were no other entries. */
ql_status qli_ranges_product(qli_ranger *r, const qli_ranges *a, uint16_t n, const qli_ranges *next,
                             qli_ranges *out, bool *all) QL_MUST_USE;
/* Leading parts that both ends fix to the same values. */
uint16_t qli_bound_fixed(const ql_plan_bound *low, const ql_plan_bound *high);
/* Both ends the same values of n parts. */
bool qli_range_is_point(const ql_plan_range *g, uint16_t n);

/* --- column_set.c --- */
/* What one condition says about one part of an index by itself. */
struct qli_column_set {
    const ql_expr *e;
    uint16_t source; /* a table may be there several times, with the same indexes */
    const ql_index *x;
    uint16_t part;
    bool known, exact;
    bool partly; /* the condition says more, about something else */
    qli_ranges set;
    qli_column_set *next;
};

static inline const ql_type *
qli_part_type(const qli_ranger *r, uint16_t part)
{
    return &r->p->q->sources[r->source].table->columns[qli_part(r, part)->column].type;
}
static inline bool
qli_is_op(const ql_expr *e, ql_op op)
{
    return e->kind == QL_E_OP && e->op == op;
}
/* Between two values (NULL: open), which never lets NULLs in. */
ql_status qli_part_between(qli_ranger *r, uint16_t part, ql_expr *low, bool low_in, ql_expr *high,
                           bool high_in, ql_plan_range *g) QL_MUST_USE;
/* Ranges of a term. */
ql_status qli_term_ranges(qli_ranger *r, uint16_t part, const qli_term *t,
                          qli_ranges *out) QL_MUST_USE;
/* Are all its values constants? */
bool qli_term_is_known(const qli_term *t);
/* Kept for the block where it is a list. */
ql_status qli_column_set_of(qli_ranger *r, uint16_t part, const ql_expr *e,
                            qli_column_set *out) QL_MUST_USE;
/* Values of a part that holds the beginning of its column as keys: other values may have the same
 * ones, and they may be in another order. */
ql_status qli_cut_values(qli_ranger *r, uint16_t part, const qli_ranges *set,
                         qli_ranges *out) QL_MUST_USE;

/* --- index_ranges.c --- */
/* The entries of x that can pass the conditions, given rows of the sources in `left`: all of *a but
 * its estimates. */
ql_status qli_index_ranges(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                           qli_mask left, qli_access *a) QL_MUST_USE;

/* What constants say of one part of x by itself; *counted: the conditions (of the first 64) that
 * say it. */
ql_status qli_part_ranges(qli_planner *p, uint16_t source, const ql_index *x, const qli_conds *c,
                          uint16_t part, qli_ranges *out, uint64_t *counted) QL_MUST_USE;

/* Bounds of *a from a set of entries of r->x, of which nothing else is known. */
ql_status qli_ranges_access(qli_ranger *r, qli_ranges *set, qli_access *a) QL_MUST_USE;

/* --- skip_scan.c --- */
/* *best becomes a skip scan of the index of base where that costs less: base leaves its next parts
 * open, and a later one is bounded. */
ql_status qli_access_jump(qli_planner *p, uint16_t source, const qli_conds *c,
                          const qli_access *base, qli_access *best) QL_MUST_USE;
/* --- index_cond.c --- */
/* What an access by a secondary index can do without rows: a->index_only, unread, behind. */
ql_status qli_access_covers(qli_planner *p, uint16_t source, const qli_conds *c,
                            qli_access *a) QL_MUST_USE;
/* Take the filters of the scans apart that are below n. */
ql_status qli_filters_split(qli_planner *p, ql_plan *n) QL_MUST_USE;

/* What EXPLAIN tells of a filter on rows. */
static inline ql_expr *
qli_row_filter(const ql_plan *n)
{
    return n->index_filter ? n->row_filter : n->filter;
}

/* --- merge.c --- */
/* *best becomes an index merge where that costs less. */
ql_status qli_access_merge(qli_planner *p, uint16_t source, const qli_conds *c, qli_mask left,
                           qli_access *best) QL_MUST_USE;

/* --- dive.c --- */
/* Entries of one range whose bounds are constants: a->rows. Of any index, ranges of any size. */
ql_status qli_dive(qli_planner *p, uint16_t source, qli_access *a) QL_MUST_USE;

/* --- in_list.c --- */
ql_status qli_in_points(qli_planner *p, const ql_type *t, const ql_expr *e,
                        const qli_points **out) QL_MUST_USE;

/* --- join.c --- */
/* What is wanted of the rows of FROM. */
typedef struct qli_order_want {
    const ql_sort_key *keys; /* they are sorted by these; n 0: any order will do */
    uint16_t n;
    ql_expr *const *groups; /* those equal in all of these come one after the other */
    uint16_t ngroups;
    const ql_plan *root; /* the joins above the scan that is asked about; NULL: not known */
    double limit;        /* rows that will be fetched, below 0: all; of these */
    double offset;       /* so many are passed over: only entries of them need to be read */
} qli_order_want;

ql_status qli_join_plan(qli_planner *p, const ql_join_tree *t, qli_conds *where,
                        const qli_order_want *order, ql_plan **out) QL_MUST_USE;

/* --- index_order.c --- */
/* Does reading x of `source`, whose first nfixed parts are fixed by equality, give that, and in
 * which direction? *parts (may be NULL): so many leading parts of x, the clustered key's behind
 * them, decide it. Expressions are of the block's rows before grouping. */
bool qli_index_orders(qli_planner *p, uint16_t source, const ql_index *x, uint16_t nfixed,
                      const qli_order_want *w, bool *reverse, uint16_t *parts);
/* The scan that decides the order of the rows; NULL = the order gets lost on the way. */
ql_plan *qli_leading_scan(ql_plan *n);
/* Leading parts of its index that are fixed by equality. */
uint16_t qli_fixed_parts(const ql_plan *scan);

/* --- order.c --- */
/* The cheapest way to read `source` so that its rows come in that order; *found false: none. */
ql_status qli_ordered_access(qli_planner *p, uint16_t source, const qli_conds *c,
                             const qli_order_want *o, qli_access *out, bool *found) QL_MUST_USE;
/* Do the rows come in the order of ORDER BY? Turns the leading scan round. */
ql_status qli_order_by_index(qli_planner *p, ql_plan *root, bool *given) QL_MUST_USE;

/* Under a LIMIT rows that come in the order of the first keys need not all be read: of so many
 * first keys that may be worth asking for; 0: of none. */
uint16_t qli_prefix_keys(const qli_planner *p);
/* Of `rows` in the order of n keys so many are read until `limit` rows and the last group are
 * there. */
ql_status qli_prefix_rows(qli_planner *p, const ql_sort_key *keys, uint16_t n, double rows,
                          double limit, double *wanted) QL_MUST_USE;
/* *nsorted: rows come in the order of so many first keys of ORDER BY, as many as possible; the
 * leading scan is turned round for it. */
ql_status qli_order_prefix_by_index(qli_planner *p, ql_plan *root, uint16_t *nsorted);

/* --- group.c --- */
/* What GROUP BY or DISTINCT would like of the order of joined rows. */
ql_status qli_group_order(qli_planner *p, qli_order_want *o) QL_MUST_USE;
/* Groups of so many joined rows: the share of the rows that is read for LIMIT when they come in
 * order, and what that saves of the work of grouping and sorting. */
ql_status qli_group_outlook(qli_planner *p, const qli_order_want *o, double rows, double *share,
                            double *saved) QL_MUST_USE;
/* GROUP BY on top of *root, in the order of an index where that is better: then p->order_given may
 * say that the groups come in the order of ORDER BY. */
ql_status qli_group_plan(qli_planner *p, ql_plan **root) QL_MUST_USE;
/* DISTINCT on top of *root, unless the rows are different anyway; the same. */
ql_status qli_distinct_plan(qli_planner *p, ql_plan **root) QL_MUST_USE;

/* --- group_skip.c --- */
/* A scan that skips from group to group. parts 0: it cannot, or the groups are many. */
typedef struct qli_skip {
    uint16_t parts; /* that tell the groups apart */
    bool far, null_near, null_far;
    double groups, cost;
} qli_skip;

/* May the access a, whose index brings groups one after the other with its first `parts` parts,
 * skip? want: so many groups are wanted, -1 all. Looks into the index when nothing is known of it.
 */
ql_status qli_skip_ask(qli_planner *p, uint16_t source, const qli_access *a, const qli_conds *c,
                       uint16_t parts, bool reverse, double want, qli_skip *out) QL_MUST_USE;
void qli_skip_take(const qli_skip *s, ql_plan *scan);

/* --- group_ends.c --- */
/* MIN and MAX of one table without GROUP BY: *root becomes the ends of indexes that hold them. */
ql_status qli_ends_plan(qli_planner *p, ql_plan **root) QL_MUST_USE;

/* --- plan.c --- */
/* LIMIT and OFFSET as far as they are known; -1: all rows are wanted. */
double qli_limit_of(const ql_query *q);
ql_plan *qli_plan_node(qli_planner *p, ql_plan_kind kind);
/* A node over another one, with its rows. */
ql_status qli_plan_above(qli_planner *p, ql_plan_kind kind, ql_plan *left,
                         ql_plan **out) QL_MUST_USE;
ql_status qli_plan_live(qli_planner *p, ql_plan *n) QL_MUST_USE;

#endif
