/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that leave memory: the format that operators keep rows in (qli_rowfmt, exec_int.h) on tapes,
 * one after the other, and spread over partitions by a hash. Whoever runs out of budget writes what
 * he cannot take, and reads it back a batch at a time.
 *
 * Budgets are MySQL's: sort_buffer_size of a sort, join_buffer_size of a hash table to join with,
 * tmp_table_size (with max_heap_table_size) of other results; at most a quarter of what the
 * connection may take. Where less memory is left to it, that is the budget, too. What one operator
 * takes beyond its budget is the row that was too much, and QLI_PARTS or QL_MERGE_LEAST pages of
 * tapes in work.
 */
#ifndef QL_EXEC_ROWSET_INT_H
#define QL_EXEC_ROWSET_INT_H

#include "exec/exec_int.h"
#include "spool/extsort.h"
#include "spool/tape.h"

/* A new tape in the statement's file. */
ql_status qli_run_tape(ql_run *run, ql_tape **out) QL_MUST_USE;

/* Bytes of rows read back at a time, but at least one row. */
#define QLI_ROWS_BYTES ((size_t)256 * 1024)

/* Bytes that an intermediate result may take in memory, from the session's variables. */
size_t qli_budget_sort(ql_ctx *cx);
size_t qli_budget_join(ql_ctx *cx);
size_t qli_budget_result(ql_ctx *cx);
/* Is it time to spill for one who has taken so many bytes? When they reach the budget, or when they
 * are not few and three quarters of what the connection may take (connection_memory_limit) are
 * gone, whoever has them. */
bool qli_budget_is_out(const ql_ctx *cx, size_t taken, size_t budget);
/* May the connection take so many bytes more, and some? */
bool qli_budget_has_room(const ql_ctx *cx, size_t more);

/* A row made by qli_row_save behind the others of t. */
ql_status qli_row_put(ql_ctx *cx, ql_tape *t, const qli_rowfmt *f, const char *row) QL_MUST_USE;
/* The next row, in a; QL_END = no more. */
ql_status qli_row_get(ql_ctx *cx, ql_reel *r, const qli_rowfmt *f, ql_arena *a,
                      char **row) QL_MUST_USE;
/* The next rows, at most QL_BATCH_ROWS and about QLI_ROWS_BYTES, in a; QL_END = no more. */
ql_status qli_rows_get(ql_ctx *cx, ql_reel *r, const qli_rowfmt *f, ql_arena *a, char **rows,
                       uint16_t *n) QL_MUST_USE;

/* A sort on disk (spool/extsort.h) of such rows: the statement's file is made its own with the
 * first run. A run of n rows that are in order, each made by qli_row_save; next rows as
 * qli_rows_get, when all runs are there (ql_extsort_begin). Wait: DISK_SPACE. */
ql_status qli_sorted_put(ql_ctx *cx, ql_run *run, ql_extsort *x, const qli_rowfmt *f,
                         const ql_sort_item *items, size_t n) QL_MUST_USE;
ql_status qli_sorted_get(ql_ctx *cx, ql_extsort *x, const qli_rowfmt *f, ql_arena *a, char **rows,
                         uint16_t *n) QL_MUST_USE;

#define QLI_PARTS 32

/* Rows of one hash class, still to be worked on. Owner: its list. */
typedef struct qli_part {
    struct qli_part *next;
    ql_tape *tape;
    uint64_t rows;
    unsigned level; /* how often what is in it has been divided */
} qli_part;

/* Rows being divided. Owner: the operator; {0} is one that has not begun. */
typedef struct qli_parts {
    ql_run *run;
    unsigned level;
    bool active;
    qli_part *part[QLI_PARTS]; /* NULL = no row yet */
} qli_parts;

/* Part of a hash at a level: other bits each time, none of those that hash tables use. */
static inline unsigned
qli_part_of(uint64_t hash, unsigned level)
{
    return (unsigned)(ql_hash_u64(hash + (level + 1) * 0x9e3779b97f4a7c15ULL) >> 59);
}
void qli_parts_begin(qli_parts *p, ql_run *run, unsigned level);
/* mem: of the parts' own few bytes. */
ql_status qli_parts_put(ql_ctx *cx, qli_parts *p, ql_arena *mem, uint64_t hash, const qli_rowfmt *f,
                        const char *row) QL_MUST_USE;
/* All is put: the parts that have rows go in front of *list. */
ql_status qli_parts_end(ql_ctx *cx, qli_parts *p, qli_part **list) QL_MUST_USE;
/* Forget all parts, those being written (p may be NULL) and those of the list. */
void qli_parts_drop(ql_ctx *cx, qli_parts *p, qli_part **list);

#endif
