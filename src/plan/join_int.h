/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files about joins share. A region is what can be joined in any order: tables and derived
 * tables joined by inner joins, and, each once the sources that its ON names are there, the right
 * sides of outer, semi- and anti-joins. Arena memory of the statement.
 */
#ifndef QL_PLAN_JOIN_INT_H
#define QL_PLAN_JOIN_INT_H

#include "plan/cost.h"

#define QLI_ITEMS_MAX 64

/* One way to read an item, when the sources in `left` stand to its left. */
typedef struct qli_path {
    qli_mask left;  /* as far as the item's conditions look at them */
    uint64_t key;   /* which of the item's conditions can be used then */
    qli_mask needs; /* sources in left that its bounds look at */
    bool bound;     /* its bounds look at rows to the left */
    qli_access a;   /* of a leaf */
    ql_plan *plan;  /* of others, with what is left of the item's conditions: */
    qli_conds rest;
    double rows, cost; /* of one reading; rows after the conditions on the item alone */
    struct qli_path *next;
} qli_path;

/* A condition on an item, as far as its bounds may use it. */
typedef struct qli_use {
    qli_mask others; /* have to stand to the left */
    uint64_t group;  /* one bit; conditions of one group do the same for the bounds */
} qli_use;

typedef struct qli_item {
    const ql_join_tree *tree; /* a leaf, or the right side of a join that is not inner */
    ql_join_kind kind;        /* INNER: joined to the others by the region's conditions */
    uint8_t barred;           /* QL_WAY_... */
    qli_mask sources, needs;  /* needs: have to stand to the left */
    qli_mask lateral;         /* of these, those whose rows its JSON_TABLEs look at */
    qli_mask wished;          /* the same, by hints */
    qli_mask related;         /* sources that share conditions with it */
    qli_conds on;             /* kind not INNER */
    qli_path *distinct; /* it was the right side of a semi-join: its different rows, joined as by an
                           inner join; this is the only way to read it */
    qli_use *uses;
    uint32_t nuses;
    qli_path *paths;
} qli_item;

/* What the search knows of a condition. */
typedef struct qli_cond_info {
    double share;
    uint16_t class; /* of columns that are equal; QLI_NO_CLASS: it is no equality of two columns */
} qli_cond_info;
#define QLI_NO_CLASS UINT16_MAX

typedef struct qli_region {
    qli_item v[QLI_ITEMS_MAX];
    uint32_t n;
    qli_mask sources, outside; /* outside: rows of these are given, for bounds */
    qli_conds *conds;
    qli_cond_info *info; /* [conds->n] */
    uint16_t *same; /* [nslots] columns that are equal in all rows joined so far (join_known.c) */
} qli_region;

typedef enum qli_method {
    QLI_FIRST,
    QLI_LOOKUP,       /* nested loop, the right side bound to the row at hand */
    QLI_HASH,         /* built on the new item */
    QLI_HASH_SWAPPED, /* built on what has been joined so far */
    QLI_NESTED,       /* nested loop over kept rows */
} qli_method;

/* The join of the first k items. */
typedef struct qli_step {
    uint16_t item;
    uint16_t method;
    const qli_path *path;
    double startup, run, rows; /* of all so far: before the first row, from there to the last */
} qli_step;

/* What is wanted of the rows: `first` (an item; -1 any) read by `path` decides their order; only
 * `fraction` of them will be fetched. near: the rows come in the order of this column, so that what
 * is looked up by it is found in its order, too; NULL: of none. */
typedef struct qli_want {
    int first;
    const qli_path *path;
    double fraction;
    const ql_expr *near;
} qli_want;

/* --- join_search.c --- */
ql_status qli_region_prepare(qli_planner *p, qli_region *g) QL_MUST_USE;
/* The cheapest order: steps [g->n]; *cost of the rows that will be fetched. A checkpoint for each
 * set of items looked at. */
ql_status qli_join_search(qli_planner *p, qli_region *g, const qli_want *w, qli_step *steps,
                          double *cost) QL_MUST_USE;
/* The best way to read item i. What it looks at may be another source than those of `left` where
 * these do as well: before it becomes part of a plan, qli_item_path_of makes it anew. */
ql_status qli_item_path(qli_planner *p, qli_region *g, uint32_t i, qli_mask left,
                        const qli_path **out) QL_MUST_USE;
ql_status qli_item_path_of(qli_planner *p, qli_region *g, uint32_t i, qli_mask left,
                           qli_path **out) QL_MUST_USE;
/* The column of a row to the left by which the path looks an item up; NULL: it is none. */
const ql_expr *qli_path_near(const qli_item *it, const qli_path *w);
/* --- join_distinct.c --- */
/* The region with the right side of semi-join i as an item of its different rows, joined by the
 * equalities that ON has; *possible false: ON is more than these. conds of `out` are its own. */
ql_status qli_region_with_distinct(qli_planner *p, const qli_region *g, uint32_t i, qli_region *out,
                                   bool *possible) QL_MUST_USE;

/* --- join_known.c --- */
/* Before the operators are made: nothing is known. */
ql_status qli_known_init(qli_planner *p, qli_region *g) QL_MUST_USE;
/* The condition is about to be placed where all rows pass it: false = it follows from those placed
 * before, and has been marked as used. */
bool qli_known_need(const qli_planner *p, qli_region *g, qli_cond *k);
/* Of the conditions that look at `have` only, which are placed next, those are marked as used that
 * follow from others. */
void qli_known_drop(const qli_planner *p, qli_region *g, qli_mask have);

/* --- join.c --- */
qli_mask qli_tree_sources(const ql_join_tree *t);
bool qli_is_hash_key(const qli_cond *k, qli_mask left, qli_mask right, bool *swapped);
bool qli_has_hash_key(const qli_conds *c, qli_mask left, qli_mask right);
/* Plan of a tree, for itself: conditions on it alone (and on `outside`, for bounds) are taken out
 * of conds. */
ql_status qli_tree_plan(qli_planner *p, const ql_join_tree *t, qli_conds *conds, qli_mask outside,
                        const qli_order_want *order, ql_plan **out) QL_MUST_USE;

#endif
