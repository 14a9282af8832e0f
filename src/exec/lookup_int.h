/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows on disk that are asked for by hash: the set of an IN subquery that is larger than memory.
 * They are sorted by their hash and written to one tape; of every page's worth of them memory holds
 * where it begins and with which hash, so a question reads a page, seldom two.
 */
#ifndef QL_EXEC_LOOKUP_INT_H
#define QL_EXEC_LOOKUP_INT_H

#include "exec/rowset_int.h"

typedef struct qli_lookup qli_lookup; /* owner: the run */

/* Empty; budget: bytes of memory while rows are added. */
ql_status qli_lookup_new(ql_run *run, const qli_rowfmt *fmt, size_t budget,
                         qli_lookup **out) QL_MUST_USE;
/* Row `row` of the columns that fmt names. Waits: DISK_SPACE. */
ql_status qli_lookup_add(ql_ctx *cx, qli_lookup *l, const ql_batch *b, uint16_t row,
                         uint64_t hash) QL_MUST_USE;
/* All rows are added. Waits: DISK_SPACE. */
ql_status qli_lookup_end(ql_ctx *cx, qli_lookup *l) QL_MUST_USE;
/* The rows of a hash: find, then next until QL_END. *row is valid until the next call. */
ql_status qli_lookup_find(ql_ctx *cx, qli_lookup *l, uint64_t hash) QL_MUST_USE;
ql_status qli_lookup_next(ql_ctx *cx, qli_lookup *l, const char **row) QL_MUST_USE;

#endif
