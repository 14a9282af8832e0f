/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions beside the session's own, in the middle of a statement: blocks of a build that are
 * committed by themselves, snapshots of other moments than the statement's. Not shown in lists;
 * row locks asked for there are granted without being kept, so what is written must be known to
 * nobody else. Everything here is used by the session's thread only.
 *
 *     ql_txn *saved = cx->txn;
 *     ql_beside_begin(cx, true);         cx->txn is the new one
 *     ... st = ql_txn_put ...
 *     st = ql_beside_end(cx, saved, st); commits, or rolls back
 */
#ifndef QL_TXN_BESIDE_H
#define QL_TXN_BESIDE_H

#include "txn/txn.h"

/* A new one in cx->txn, whatever was there: the caller has kept that and puts it back when the new
 * one has ended. killable: its commit can be withdrawn as any other; else a kill waits for the
 * outcome (but not for disk space: 1021). QL_ERROR: cx->txn is as it was. */
ql_status ql_beside_begin(ql_ctx *cx, bool killable) QL_MUST_USE;
/* Ends cx->txn: commits it when st is QL_OK, else rolls it back; cx->txn = saved. st, or what the
 * commit came to. */
ql_status ql_beside_end(ql_ctx *cx, ql_txn *saved, ql_status st) QL_MUST_USE;
/* cx->txn is one of many whose last one, or what comes after them, is durable: its own commit waits
 * for no sync. What a crash loses of them it loses from the end. */
void ql_beside_set_lazy(ql_ctx *cx);
/* Commits cx->txn and does not wait: it comes behind what was queued before it. On a full disk it
 * is tried again about once a second. When it fails otherwise, or the server ends before it could
 * be done, the log gets that line (it stays the caller's). Few writes, none spilled. */
void ql_beside_commit_left(ql_ctx *cx, const char *if_lost);
/* What cx->txn reads is from now: takes its snapshot. */
ql_status ql_beside_snapshot(ql_ctx *cx) QL_MUST_USE;

/* Outlives a transaction and tells whether it has ended: when it has, what it committed is in every
 * snapshot taken from then on. */
typedef struct qli_trx ql_txn_mark;
/* Of cx->txn, with a reference; NULL when it has locked no row. */
ql_txn_mark *ql_txn_mark_get(const ql_ctx *cx);
/* The same transaction's? Without a reference. */
bool ql_txn_mark_is_own(const ql_ctx *cx, const ql_txn_mark *m);
bool ql_txn_mark_is_ended(const ql_txn_mark *m);
void ql_txn_mark_put(ql_txn_mark *m);

#endif
