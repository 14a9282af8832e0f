/* SPDX-License-Identifier: Apache-2.0
 *
 * What others change in a table while somebody builds a new version of it beside them: the
 * clustered keys of the rows they write, noted by table/write.c from ql_notes_open to
 * ql_notes_close. The builder reads such rows in two snapshots and follows the difference, in
 * rounds:
 *
 *     ql_notes_settle          who has ended by now is in every later snapshot
 *     (take the snapshot)
 *     ql_notes_take            keys noted so far; those of writers that had not ended come again
 *
 * A row is noted before its transaction can commit, so no change between two snapshots is missed.
 */
#ifndef QL_TABLE_NOTES_H
#define QL_TABLE_NOTES_H

#include "table/table.h"

typedef struct ql_notes ql_notes;

/* From now on; the caller holds the exclusive metadata lock, so nobody has written half a
 * transaction yet. Notes of more than `limit` bytes are an error (1799) at the next take. Not for
 * tables without transactions. */
ql_status ql_notes_open(ql_ctx *cx, ql_table *t, uint64_t limit, ql_notes **out) QL_MUST_USE;
void ql_notes_settle(ql_notes *n);
/* *keys: each once, ascending, in a. index: the name for 1799. */
ql_status ql_notes_take(ql_ctx *cx, ql_notes *n, ql_arena *a, ql_str index, ql_str **keys,
                        size_t *count) QL_MUST_USE;
/* NULL is ignored. Never waits. */
void ql_notes_close(ql_notes *n);

#endif
