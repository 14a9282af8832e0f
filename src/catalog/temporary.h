/* SPDX-License-Identifier: Apache-2.0
 *
 * Temporary tables: definitions that only their session knows, which come before the shared name
 * space and go with the session. Their rows are ordinary keys under ids of their own
 * (txn/scratch.h): written and undone with the session's transactions, and deleted in the
 * background when the definition's last reference goes. There are no records, no metadata locks and
 * no row locks of them. Owner: the session, in cx->temporary; used by its thread only. Nothing here
 * waits.
 *
 * What a statement does to the list counts for itself at once and is settled by its outcome; the
 * end of a transaction does not undo it. They are made by ql_catalog_create_table
 * (ql_table_spec.temporary) and changed by the calls for tables in catalog.h.
 */
#ifndef QL_CATALOG_TEMPORARY_H
#define QL_CATALOG_TEMPORARY_H

#include "base/arena.h"
#include "catalog/tabledef.h"

typedef struct ql_temporary_tables ql_temporary_tables;

/* Has the session any, or had it? All that others pay. */
static inline bool
ql_has_temporary(const ql_ctx *cx)
{
    return QL_UNLIKELY(cx->temporary != NULL);
}

/* The session's temporary table of that name, without a reference (valid until it is dropped or
 * changed); NULL = there is none. */
ql_table *ql_temporary_find(const ql_ctx *cx, ql_str db, ql_str name);
static inline bool
ql_is_temporary(const ql_ctx *cx, ql_str db, ql_str name)
{
    return ql_has_temporary(cx) && ql_temporary_find(cx, db, name) != NULL;
}

/* The statement is over, or a part of it that cannot be undone by the rest: what it has made and
 * dropped is so, or was never. true: that was something. */
bool ql_temporary_settle(ql_ctx *cx, bool done);
/* The transaction is over, whatever its outcome: nobody will write to what it has dropped. */
void ql_temporary_transaction_over(ql_ctx *cx);
/* What the open transaction has done that its ROLLBACK does not undo (1751, 1752). */
bool ql_temporary_was_made(const ql_ctx *cx);
bool ql_temporary_was_dropped(const ql_ctx *cx);
/* One of some session's; for views. */
typedef struct ql_temporary_info {
    uint64_t id, conn_id;
    uint16_t ncolumns;
} ql_temporary_info;
/* Those of all sessions, in arena a. */
ql_status ql_temporary_list(ql_ctx *cx, ql_arena *a, ql_temporary_info **v, size_t *n) QL_MUST_USE;
/* End of the session, COM_RESET_CONNECTION, COM_CHANGE_USER, when no transaction is open. */
void ql_temporary_drop_all(ql_ctx *cx);

#endif
