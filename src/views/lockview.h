/* SPDX-License-Identifier: Apache-2.0
 *
 * Row locks as people read them: the lock manager's keys of bytes turned into names of tables and
 * indexes and into values. Copies made for one statement; listing stops nobody.
 */
#ifndef QL_VIEWS_LOCKVIEW_H
#define QL_VIEWS_LOCKVIEW_H

#include "catalog/catalog.h"

struct ql_proc_info;
/* Has the session's transaction read, locked or written something? InnoDB begins one no earlier. */
bool ql_trx_is_shown(const struct ql_proc_info *p);

typedef struct ql_lock_view {
    uint64_t lock_id, trx_id, conn_id;
    int64_t wait_ms;       /* of a waiting one */
    const ql_table *table; /* NULL = its definition has gone; lives as long as the arena */
    const ql_index *index;
    bool granted, exclusive;
    const char *mode; /* InnoDB's LOCK_MODE: "X,REC_NOT_GAP", "S,GAP" ... */
    ql_str data; /* LOCK_DATA: key values of a record, an interval otherwise; p NULL = unknown */
} ql_lock_view;

/* A request that waits and a lock of somebody else that it waits for: one held, or one that was
 * asked for before it. */
typedef struct ql_lock_wait {
    const ql_lock_view *waiting, *blocking;
} ql_lock_wait;
/* All of them, those of one waiting request behind each other. May read rows to show their values
 * (a short snapshot of its own). Checkpoints inside; takes the lock manager's mutexes for a
 * thousand locks at a time. */
ql_status ql_lock_waits(ql_ctx *cx, ql_arena *a, ql_lock_wait **v, size_t *n) QL_MUST_USE;

/* The report of the latest deadlock with names in place of index ids and values in place of key
 * bytes; empty when there was none. */
ql_status ql_deadlock_text(ql_ctx *cx, ql_arena *a, ql_str *out) QL_MUST_USE;

/* ENGINE_LOCK_ID of a row lock; NULL = out of memory, worded. */
char *ql_row_lock_id(ql_ctx *cx, ql_arena *a, uint64_t trx_id, uint64_t lock_id);

#endif
