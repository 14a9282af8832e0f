/* SPDX-License-Identifier: Apache-2.0
 *
 * A fill: very many entries under ids that nobody knows yet, on their way into the data file beside
 * the commit queue and the redo log. They are gathered in the session's thread and written by one
 * thread for all fills, so that commits of others do not wait for them, and a statement that is
 * killed waits for nothing. What is written of a fill that is given up goes the way of everything
 * under its ids, to the purger (catalog's record of the build). Used by the session's thread.
 */
#ifndef QL_TXN_FILL_H
#define QL_TXN_FILL_H

#include "base/ctx.h"

typedef struct ql_fill ql_fill;

/* What has been committed so far comes into the file before the fill does: whatever says that the
 * ids have no owner. */
ql_status ql_fill_new(ql_ctx *cx, ql_fill **out) QL_MUST_USE;
/* Gathers a copy, nothing else. No key twice. */
ql_status ql_fill_put(ql_ctx *cx, ql_fill *f, ql_str key, ql_str value) QL_MUST_USE;
/* What is gathered is on its way. Errors of earlier ones come here. Waits: COMMIT (while much is on
 * its way), DISK_SPACE. */
ql_status ql_fill_send(ql_ctx *cx, ql_fill *f) QL_MUST_USE;
/* All of it is durable, and in snapshots taken from now on. Waits: as send. */
ql_status ql_fill_settle(ql_ctx *cx, ql_fill *f) QL_MUST_USE;
/* The end of it. What is not in the file does not get there any more, but for what is being
 * committed now: that is done before anything that is purged from now on. Never waits; NULL is
 * ignored. */
void ql_fill_drop(ql_fill *f);

#endif
