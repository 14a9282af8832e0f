/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of a table that outlive its versions: AUTO_INCREMENT, hidden row ids, approximate number
 * of rows. Shared by all sessions. Included by catalog/catalog.h.
 */
#ifndef QL_CATALOG_TABLESTATE_H
#define QL_CATALOG_TABLESTATE_H

#include "catalog/tabledef.h"

/* AUTO_INCREMENT: next value(s), not given back by rollback. The counter goes to the disk with the
 * commit of the rows (or an earlier one), so that a restart never repeats the value of a committed
 * row. n values from *first. 1467 when used up. */
ql_status ql_autoinc_reserve(ql_ctx *cx, ql_table *t, uint64_t n, uint64_t *first) QL_MUST_USE;
/* The same for as many of *n values as are left, at least one; *n becomes their number. */
ql_status ql_autoinc_reserve_some(ql_ctx *cx, ql_table *t, uint64_t *n,
                                  uint64_t *first) QL_MUST_USE;
/* A row with an explicit value was written: the counter goes beyond it. */
void ql_autoinc_seen(ql_ctx *cx, ql_table *t, uint64_t value);
uint64_t ql_autoinc_peek(ql_table *t); /* next value, for SHOW */

/* Next key of a table without PRIMARY KEY. The first call after a start looks for the last one. */
ql_status ql_rowid_next(ql_ctx *cx, ql_table *t, uint64_t *out) QL_MUST_USE;

/* Rows of the table, approximate; -1 = not known yet (table/ then counts and calls init). */
int64_t ql_table_rows(const ql_table *t);
void ql_table_rows_init(ql_table *t, int64_t rows);
/* The same, counted up to a limit when it is not known (after a crash); 0 of a virtual one. */
ql_status ql_table_count_rows(ql_ctx *cx, ql_table *t, uint64_t *rows) QL_MUST_USE;
/* cx's transaction has added (removed, < 0) rows: counts when it commits. */
void ql_table_rows_changed(ql_ctx *cx, ql_table *t, int64_t delta);

/* The same for a row that has other values now. */
void ql_table_row_changed(ql_ctx *cx, ql_table *t);
/* Rows that commits have added, removed or changed since the start of the server. */
uint64_t ql_table_changes(const ql_table *t);
/* Rows that cx's transaction has added and others do not see (removed: < 0). */
int64_t ql_table_own_rows(ql_ctx *cx, const ql_table *t);

/* What somebody above (stats/) has found out about a table and keeps with it, shared by all
 * sessions and versions. Embed as the first member. */
typedef struct ql_table_kept {
    _Atomic uint32_t refs;
    void (*free)(struct ql_table_kept *k);
} ql_table_kept;
/* A reference, or NULL; given back by ql_table_kept_put (NULL is ignored). Any thread. */
ql_table_kept *ql_table_kept_get(const ql_table *t) QL_MUST_USE;
void ql_table_kept_put(ql_table_kept *k);
/* From now on the table keeps k (NULL: nothing), whose reference it takes over. */
void ql_table_keep(ql_table *t, ql_table_kept *k);
/* Key of record n that stats/ has of a table; all of them go with the table. */
ql_status ql_table_stats_key(ql_ctx *cx, struct ql_buf *key, uint64_t table_id,
                             uint32_t n) QL_MUST_USE;
/* Somebody is going to look after the table's statistics (true), or has (false). False: it was so
 * already. */
bool ql_table_stats_wanted(ql_table *t, bool wanted);

/* --- who wants to know what is written (table/notes.h) --- */

/* note: called by whoever is going to change a row, with its clustered key, before that can be
 * committed; under the table's watch lock (rank AUTOINC): must not wait or lock. */
typedef struct ql_table_watch {
    void (*note)(struct ql_table_watch *w, ql_ctx *cx, ql_str locator);
} ql_table_watch;
/* One at a time; NULL: no more, and nobody is in `note` when it returns. All versions of the table
 * with its counters are watched. */
void ql_table_set_watch(ql_table *t, ql_table_watch *w);
void ql_table_watch_lock(ql_table *t);
void ql_table_watch_unlock(ql_table *t);
/* A row is about to change. Nobody watches: one atomic load. */
void ql_table_note(ql_ctx *cx, ql_table *t, ql_str locator);

#endif
