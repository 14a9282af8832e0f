/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a whole table, or new indexes of one, under ids that nobody else knows: in blocks that
 * are committed by themselves, with bounded memory, index entries sorted before they are written.
 * What is filled are the indexes that are not born yet (catalog/tabledef.h): with the clustered one
 * among them rows and all indexes, else the new secondary ones of rows that stay where they are.
 * The ids have been announced (ql_catalog_build_begin): killed or failed, they go to the trash, and
 * nothing is undone here. No row locks. cx->txn is the statement's own before and after each call.
 *
 *     new -> row* -> finish -> (remove* -> add* -> flush)* -> free
 */
#ifndef QL_TABLE_BUILD_H
#define QL_TABLE_BUILD_H

#include "table/table.h"

typedef struct ql_build ql_build;

/* t: the new version. reader: the transaction in whose snapshot rows that stay are found again (the
 * text of a duplicate), or NULL: in cx->txn's. Lives in a until free. */
ql_status ql_build_new(ql_ctx *cx, ql_arena *a, ql_table *t, ql_txn *reader,
                       ql_build **out) QL_MUST_USE;
/* Does it write rows, or entries only? */
bool ql_build_writes_rows(const ql_build *b);
/* A row of all columns of t in stored form. locator: the clustered key of a row that stays, or that
 * keeps its hidden row id (under any index id); n 0: made from the row, or a new row id. Sorts what
 * does not come in order. A checkpoint a row. QL_ERROR 1062 for what is seen to be a duplicate at
 * once. Waits: COMMIT, DISK_SPACE. */
ql_status ql_build_row(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str locator) QL_MUST_USE;
uint64_t ql_build_rows(const ql_build *b);
/* Before the first row: they are written in the order of such an index (no id, not unique), equal
 * ones as they come. */
ql_status ql_build_set_order(ql_ctx *cx, ql_build *b, const ql_index *order) QL_MUST_USE;
/* The same, but in the order in which rows come: every unique key is looked for among those so far.
 * QL_DUPLICATE: the row was not taken, *dup tells what is in its way. For all rows or none. */
ql_status ql_build_try_row(ql_ctx *cx, ql_build *b, const ql_value *row, ql_write_result *result,
                           ql_dup *dup) QL_MUST_USE;
/* A row that was taken so goes; its clustered key. */
ql_status ql_build_drop_row(ql_ctx *cx, ql_build *b, ql_str locator) QL_MUST_USE;
/* All rows were there: what was sorted is merged and written. 1062. Waits: COMMIT, DISK_SPACE. */
ql_status ql_build_finish(ql_ctx *cx, ql_build *b) QL_MUST_USE;

/* After finish, what changed meanwhile: what was written of a row goes; a row comes. All that go
 * before any that come, then flush, which commits the last block. 1062. Wait: COMMIT, DISK_SPACE.
 */
ql_status ql_build_remove(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str locator) QL_MUST_USE;
ql_status ql_build_add(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str locator) QL_MUST_USE;
ql_status ql_build_flush(ql_ctx *cx, ql_build *b) QL_MUST_USE;
/* The transaction of other rounds (above). */
void ql_build_set_reader(ql_build *b, ql_txn *reader);

/* The block in work is forgotten, files are closed. NULL is ignored. Never waits. */
void ql_build_free(ql_ctx *cx, ql_build *b);

#endif
