/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a sort that is on disk: runs of sorted rows on tapes, merged until one reading of all
 * that are left gives the rows in order. Equal rows stay in the order of their runs.
 */
#ifndef QL_EXEC_EXTSORT_INT_H
#define QL_EXEC_EXTSORT_INT_H

#include "exec/rowset_int.h"

/* So many runs at least are merged at a time, each with a page of memory and the key of one row,
 * whatever the budget. */
#define QLI_MERGE_LEAST 64
#define QLI_MERGE_MOST 256

/* Owner: the operator; {0} with run and fmt set is an empty one. */
typedef struct qli_extsort {
    ql_run *run;
    const qli_rowfmt *fmt;
    ql_arena *mem; /* bytes of the lists; emptied by qli_extsort_reset */
    size_t budget;
    uint64_t most; /* rows wanted at all; 0 = every one */
    qli_tape **runs;
    size_t nruns, cap;
    uint64_t given;          /* rows that the last merge has given */
    struct qli_merge *merge; /* being read, or NULL */
    struct qli_merge *room;  /* the one that is used again */
} qli_extsort;

/* A run of n rows that are in order, each made by qli_row_save. Waits: DISK_SPACE. */
ql_status qli_extsort_add(ql_ctx *cx, qli_extsort *x, const qli_sort_item *items,
                          size_t n) QL_MUST_USE;
/* No more runs: merge so many that the rest can be read at once. Waits: DISK_SPACE. */
ql_status qli_extsort_begin(ql_ctx *cx, qli_extsort *x) QL_MUST_USE;
/* Next rows in order, in a, as qli_rows_get. */
ql_status qli_extsort_next(ql_ctx *cx, qli_extsort *x, ql_arena *a, char **rows,
                           uint16_t *n) QL_MUST_USE;
/* The same row by row, as it was written, with the prefix of its key; QL_END = no more. Asked once
 * for each row; step goes to the next. The bytes are valid until then. */
ql_status qli_extsort_one(ql_ctx *cx, const qli_extsort *x, uint64_t *prefix, const char **row,
                          size_t *nrow) QL_MUST_USE;
ql_status qli_extsort_step(ql_ctx *cx, qli_extsort *x) QL_MUST_USE;
/* Forget all; the tapes are dropped. */
void qli_extsort_reset(ql_ctx *cx, qli_extsort *x);

#endif
