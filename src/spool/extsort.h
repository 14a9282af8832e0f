/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a sort that is on disk: runs of sorted rows on tapes, merged until one reading of all
 * that are left gives the rows in order. Equal rows stay in the order of their runs.
 */
#ifndef QL_SPOOL_EXTSORT_H
#define QL_SPOOL_EXTSORT_H

#include "spool/sort.h"
#include "spool/tape.h"

/* So many runs at least are merged at a time, each with a page of memory and the key of one row,
 * whatever the budget. */
#define QL_MERGE_LEAST 64
#define QL_MERGE_MOST 256

/* Owner: whoever sorts; {0} with file (before the first run), mem and budget set is an empty one.
 */
typedef struct ql_extsort {
    ql_tapes *file;
    ql_arena *mem; /* bytes of the lists; emptied by ql_extsort_reset */
    size_t budget;
    uint64_t most; /* rows wanted at all; 0 = every one */
    ql_tape **runs;
    size_t nruns, cap;
    uint64_t given;              /* rows that the last merge has given */
    struct ql_sort_merge *merge; /* being read, or NULL */
    struct ql_sort_merge *room;  /* the one that is used again */
} ql_extsort;

/* A new run; then its rows in order, each with its bytes (item->row is not looked at); then its
 * end. Wait: DISK_SPACE. */
ql_status ql_extsort_run_begin(ql_ctx *cx, ql_extsort *x) QL_MUST_USE;
ql_status ql_extsort_run_put(ql_ctx *cx, ql_extsort *x, const ql_sort_item *item, const void *row,
                             size_t nrow) QL_MUST_USE;
ql_status ql_extsort_run_end(ql_ctx *cx, ql_extsort *x) QL_MUST_USE;
/* No more runs: merge so many that the rest can be read at once. Waits: DISK_SPACE. */
ql_status ql_extsort_begin(ql_ctx *cx, ql_extsort *x) QL_MUST_USE;
/* The rows in order, one by one: its key (prefix and the bytes behind it; item->row is NULL) and
 * its length; QL_END = no more. Then its bytes, asked for once, as a view that is valid until step
 * or copied to p; then step goes to the next. */
ql_status ql_extsort_head(ql_ctx *cx, const ql_extsort *x, const ql_sort_item **item,
                          size_t *nrow) QL_MUST_USE;
ql_status ql_extsort_view(ql_ctx *cx, const ql_extsort *x, const char **row) QL_MUST_USE;
ql_status ql_extsort_copy(ql_ctx *cx, const ql_extsort *x, char *p) QL_MUST_USE;
ql_status ql_extsort_step(ql_ctx *cx, ql_extsort *x) QL_MUST_USE;
/* Forget all; the tapes are dropped. */
void ql_extsort_reset(ql_ctx *cx, ql_extsort *x);

#endif
