/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign keys while rows change: parents that must be there, children that hold back or are
 * changed along. Everyone who writes rows calls it, beside exec/complete.h. Checks are made row by
 * row, as InnoDB makes them; what a cascade changes belongs to the statement and is undone with it.
 */
#ifndef QL_EXEC_FOREIGN_H
#define QL_EXEC_FOREIGN_H

#include "exec/complete.h"

/* What a statement does to the table's rows. */
enum { QL_FK_INSERTS = 1, QL_FK_UPDATES = 2, QL_FK_DELETES = 4 };

/* Owner: the statement's arena. NULL where the table has no foreign keys and nobody refers to it,
 * or foreign_key_checks = 0: all calls take that, and cost nothing then. */
typedef struct ql_fk_guard ql_fk_guard;

/* Where a changing statement opens its tables, before it reads anything: metadata locks of the
 * tables that t's foreign keys lead to (SR for parents and for children that are only looked at, SW
 * for children that are changed along, and so on from those). Waits: MDL. */
ql_status ql_fk_open(ql_ctx *cx, const ql_table *t, unsigned what) QL_MUST_USE;
ql_status ql_fk_guard_new(ql_run *run, ql_table *t, unsigned what, ql_fk_guard **out) QL_MUST_USE;

/* Before the row is written: its parents are there (their keys are locked, S), or it is its own.
 * old NULL: an INSERT; else only foreign keys whose columns change are looked at. 1452. Waits:
 * ROW_LOCK. */
ql_status ql_fk_check_parents(ql_ctx *cx, ql_fk_guard *g, const ql_value *old,
                              const ql_value *row) QL_MUST_USE;
/* The row old is about to go (row NULL) or to become `row`: children are looked for; they hold it
 * back (1451) or are changed along. After the row itself has been locked. 3008 beyond 15 levels.
 * Waits: ROW_LOCK. */
ql_status ql_fk_change_children(ql_ctx *cx, ql_fk_guard *g, const ql_value *old,
                                const ql_value *row) QL_MUST_USE;

/* Do all rows of t have the parents that k asks for? ALTER TABLE ... ADD FOREIGN KEY (1452), CHECK
 * TABLE (report not NULL: each finding in words, no error). A checkpoint a batch. */
ql_status ql_fk_check_rows(ql_run *run, ql_table *t, const ql_foreign_key *k,
                           ql_table_report report, void *arg, uint64_t *findings) QL_MUST_USE;

#endif
