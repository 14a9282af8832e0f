/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes of columns that the conditions of a block make equal (equal.c), and what is done with
 * them.
 */
#ifndef QL_REWRITE_EQUAL_H
#define QL_REWRITE_EQUAL_H

#include "rewrite/rewrite_int.h"

#define QLI_RW_MAX_RANGES 40u

typedef struct qli_rw_fact {
    ql_expr **at; /* where the condition stands */
    uint16_t a, b;
    ql_expr *ea, *eb; /* the columns as they are mentioned */
} qli_rw_fact;

typedef struct qli_rw_classes {
    qli_rw *rw;
    ql_query *q;
    uint16_t *up;     /* [nslots] union-find */
    ql_expr **value;  /* [nslots] of roots: what all are equal to; NULL */
    ql_expr **stated; /* [nslots] what a condition says the slot itself is equal to; NULL */
    bool *used;       /* [nslots] in a fact */
    uint16_t *source; /* [nslots] */
    qli_rw_fact *facts;
    uint32_t nfacts, added;
    ql_expr
        *ranges[QLI_RW_MAX_RANGES]; /* a column below or above a value, or the other way round */
    uint32_t nranges;
} qli_rw_classes;

/* The slot that stands for all that equal this one. */
uint16_t qli_rw_equal_root(qli_rw_classes *c, uint16_t i);
/* Is e a column that cmp compares as itself, in its kind and under its collation? */
bool qli_rw_is_compared_as_is(const qli_rw_classes *c, const ql_expr *cmp, const ql_expr *e);

/* equal_or.c: ORs over several tables, in columns of one. */
ql_status qli_rw_equal_or(qli_rw_classes *c) QL_MUST_USE;

#endif
