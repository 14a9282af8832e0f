/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign keys while rows change: parents that must be there, children that hold back or are
 * changed along. Everyone who writes rows of tables writes them through here. Checks are made row
 * by row and index by index, as InnoDB makes them; what is changed along belongs to the statement
 * and is undone with it.
 */
#ifndef QL_EXEC_FOREIGN_H
#define QL_EXEC_FOREIGN_H

#include "exec/complete.h"

/* What a statement does to the table's rows. */
enum { QL_FK_INSERTS = 1, QL_FK_UPDATES = 2, QL_FK_DELETES = 4 };

/* Owner: the statement's arena. NULL where nothing is to be asked: the table has no foreign keys
 * and nobody refers to it, or foreign_key_checks = 0. All calls take that, and cost nothing then.
 */
typedef struct ql_fk_guard ql_fk_guard;

/* Before the statement reads anything. Opens the tables that t's foreign keys lead to, under
 * metadata locks: SR for parents and for children that are only looked at, SW for children that are
 * changed along, and so on from those. changing: [ncolumns] of t, the columns that an UPDATE may
 * change (NULL: any). ignore: a row that fails leaves nothing behind. Waits: MDL. */
ql_status ql_fk_guard_new(ql_run *run, ql_table *t, unsigned what, const bool *changing,
                          bool ignore, ql_fk_guard **out) QL_MUST_USE;
/* May changes that come along change rows of t itself? Then what a scan has read of them may be old
 * or gone when it is their turn. */
bool ql_fk_comes_back(const ql_fk_guard *g);

/* As ql_table_insert, ql_table_update and ql_table_delete. 1452: a parent is missing. 1451: a child
 * holds the row back (1216 and 1217 for who may not know of all the tables). 1761
 * (1762): a change that comes along would make a duplicate. 3008: beyond 15 levels, the row's own
 * among them. Rows are locked before. With ignore everything that came along is undone when the row
 * is not written, whatever the reason. Waits: ROW_LOCK. */
ql_status ql_fk_insert(ql_ctx *cx, ql_fk_guard *g, ql_table *t, const ql_value *row,
                       ql_lock_mode on_dup, ql_write_result *result, ql_dup *dup) QL_MUST_USE;
ql_status ql_fk_update(ql_ctx *cx, ql_fk_guard *g, ql_table *t, ql_str locator, const ql_value *old,
                       const ql_value *row, ql_write_result *result, ql_dup *dup) QL_MUST_USE;
ql_status ql_fk_delete(ql_ctx *cx, ql_fk_guard *g, ql_table *t, ql_str locator,
                       const ql_value *old) QL_MUST_USE;

/* Are the parents of a row there that goes into a table which is being made? 1452. Of keys that
 * refer to the table itself nothing is known yet. Waits: ROW_LOCK. */
ql_status ql_fk_ask_parents(ql_ctx *cx, ql_fk_guard *g, const ql_value *row) QL_MUST_USE;
/* Is it one of 1216, 1217, 1451, 1452? */
bool ql_fk_is_forbidden(int code);

/* A table that statements which write t reach through foreign keys; write: to change it. */
typedef struct ql_fk_related {
    ql_str db, name;
    bool write;
} ql_fk_related;
/* All of them, as they are now (LOCK TABLES). Checkpoints inside. */
ql_status ql_fk_list_related(ql_ctx *cx, ql_table *t, ql_fk_related **v, size_t *n) QL_MUST_USE;

/* Do all rows of t have the parents that k asks for? ALTER TABLE ... ADD FOREIGN KEY (report NULL:
 * 1452; the newest rows, of tables that are locked), CHECK TABLE (each finding in words, no error;
 * in the statement's view). The parent is opened S. A checkpoint a row. Waits: MDL. */
ql_status ql_fk_check_rows(ql_run *run, ql_table *t, const ql_foreign_key *k,
                           ql_table_report report, void *arg, uint64_t *findings) QL_MUST_USE;

#endif
