/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing tables without transactions (ENGINE=MyISAM). A statement sees them as they
 * were when it first read one of them (its table locks keep others off), commits what it changes in
 * blocks of about 1,000 rows, and keeps that whatever becomes of it or of the session's
 * transaction. Everything here belongs to the running statement and its session's thread.
 */
#ifndef QL_TXN_NONTXN_H
#define QL_TXN_NONTXN_H

#include "txn/txn.h"

typedef struct ql_nontxn ql_nontxn;

typedef enum ql_nontxn_side {
    QL_NONTXN_READ,  /* every view shows the statement's start */
    QL_NONTXN_WRITE, /* QL_VIEW_CURRENT shows the newest state and what was written */
} ql_nontxn_side;

/* Up to leave, cx->txn is the side's; *saved is what it was. Row locks asked for there are granted
 * without being kept: the table lock protects the rows. Nests. */
ql_status ql_nontxn_enter(ql_ctx *cx, ql_nontxn_side side, ql_txn **saved) QL_MUST_USE;
void ql_nontxn_leave(ql_ctx *cx, ql_txn *saved);

/* Around all writes of the change of one row (REPLACE has several): what is not kept (an error in
 * the middle) is undone, so that no row is changed by halves. Nests. */
ql_status ql_nontxn_row_begin(ql_ctx *cx) QL_MUST_USE;
void ql_nontxn_row_end(ql_ctx *cx, bool keep);

/* Between two rows: commits the block when it is full. A kill does not stop it, and ends the
 * statement at its next look. Waits: COMMIT_TAKEN, DISK_SPACE (killed there: 1021, and the rows of
 * the block are lost). */
ql_status ql_nontxn_block(ql_ctx *cx) QL_MUST_USE;

/* Statement's end, also a failed one's: commits the rest, forgets the snapshot. *changed: the
 * statement has changed such tables for good. Nothing to do: cheap. Waits as ql_nontxn_block. */
ql_status ql_nontxn_end(ql_ctx *cx, bool *changed) QL_MUST_USE;

#endif
