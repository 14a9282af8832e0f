/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and indexes: scans that fill batches, and writes that keep all indexes in step. Above txn's
 * views and locks.
 */
#ifndef QL_TABLE_TABLE_H
#define QL_TABLE_TABLE_H

#include "catalog/catalog.h"
#include "types/vector.h"

/* One end of a range on an index: values for the first n key parts. */
typedef struct ql_bound {
    const ql_value *values; /* of the columns' kinds, for the first parts (ql_index_part_at) */
    uint16_t n;             /* 0 = unbounded */
    bool inclusive;
    bool begins; /* inclusive: the end of all texts that begin with the last value, as LIKE sees it
                    (types/beginning.h) */
    bool near;   /* inclusive: the last part is a key prefix, and this is not an end of an equality
                    (types/codec.h, ql_key_encode_end) */
} ql_bound;

typedef struct ql_scan ql_scan;

/* What a scan locks. */
typedef enum ql_scan_locking {
    QL_SCAN_CONSISTENT, /* nothing: it reads its view */
    QL_SCAN_LOCK_RANGE, /* the stretch of the index it has read, rows and gaps, and the rows */
    QL_SCAN_LOCK_ROWS,  /* nothing by itself: who reads locks the rows he keeps with
                           ql_scan_lock_row */
} ql_scan_locking;
typedef struct ql_scan_lock {
    ql_scan_locking kind;
    ql_lock_mode mode;
    ql_lock_policy policy; /* SKIP: only with LOCK_ROWS */
    bool one_by_one;       /* LOCK_RANGE: batches of one row, for who may stop early */
} ql_scan_lock;

/* Which entries of an index are read: of those equal in the first `parts` parts (0: all are read)
 * the first one in the direction of the scan, and the last one when far is set. null_near,
 * null_far: when that one has NULL in the part behind them, also the one next to it that has not.
 * No more than that is promised to be left out. */
typedef struct ql_scan_skip {
    uint16_t parts;
    bool far, null_near, null_far;
} ql_scan_skip;

/* Of all entries that are equal in the first `parts` parts (0: nothing of that) only those are read
 * that lie between these bounds of the next part alone, each of up to one value. */
typedef struct ql_scan_jump {
    uint16_t parts;
    ql_bound low, high;
} ql_scan_jump;

typedef struct ql_scan_spec {
    ql_table *table;
    const ql_index *index; /* NULL = clustered */
    const uint16_t
        *ordinals; /* columns wanted, ascending; filled into batch columns 0.. in this order */
    uint16_t ncols;
    ql_bound low, high;
    bool reverse;
    bool index_only;   /* planner knows that the index holds all wanted columns (decodable keys) */
    bool want_locator; /* DML: also the clustered key of each row (ql_scan_locator) */
    ql_scan_skip skip; /* of a consistent scan; its bounds are on these parts */
    bool probes;       /* it is for look-ups (ql_probe_...); low and high are not used */
    bool unread; /* index_only: columns that it does not hold are NULL; nothing looks at them */
    /* Consistent scans of secondary indexes that read rows: of the entries sel[0..n) (NULL: 0..n)
     * of a batch, in which those columns stand that entries give back, which are wanted: to out. */
    ql_status (*pick)(ql_ctx *cx, void *arg, const ql_batch *b, const uint16_t *sel, uint16_t n,
                      uint16_t *out, uint16_t *nout);
    void *pick_arg;
    bool one_by_one; /* rows behind entries are not looked for together */
    ql_scan_jump
        jump;     /* of a consistent scan that does not skip; low and high are on these parts */
    ql_view view; /* of a consistent scan; others read QL_VIEW_LATEST */
    ql_scan_lock lock;
} ql_scan_spec;

/* The scan lives in arena a and is closed by ql_scan_close or by the arena's reset. */
ql_status ql_scan_open(ql_ctx *cx, ql_arena *a, const ql_scan_spec *spec,
                       ql_scan **out) QL_MUST_USE;
/* Next up to QL_BATCH_ROWS rows; QL_END after the last. The batch is the scan's own, valid until
 * the next call. One checkpoint a call. Adds to rows_examined. LOCK_RANGE: the rows are locked and
 * the newest ones; may wait (ROW_LOCK): 1205, 1213, 3572. */
ql_status ql_scan_next(ql_ctx *cx, ql_scan *s, ql_batch **out) QL_MUST_USE;
/* Start again with other bounds (inner side of a nested loop). Keeps its memory. */
ql_status ql_scan_rebind(ql_ctx *cx, ql_scan *s, const ql_bound *low,
                         const ql_bound *high) QL_MUST_USE;
/* The next n rows it would give are passed over: of an index only entries are read, of a table no
 * columns. For scans that lock nothing. Goes on over rebinds; count as rows examined. */
void ql_scan_pass_over(ql_scan *s, uint64_t n);
/* How many of these are still to come. */
uint64_t ql_scan_to_pass(const ql_scan *s);
void ql_scan_close(ql_scan *s);
/* Clustered key of row `row` of the current batch; valid until the next call. */
ql_str ql_scan_locator(const ql_scan *s, uint16_t row);

/* --- look-ups for many rows at once (the inner side of a nested loop) --- */

/* Of a consistent scan of a transactional table, opened with spec.probes, instead of ql_scan_next:
 * begin, add a range for each of up to QL_BATCH_ROWS rows that ask, in ascending order of their
 * tags, then one of the others. They look for all of them together; batches are valid until the
 * next call. Checkpoints. */
void ql_probe_begin(ql_scan *s);
/* The values need not outlive the call. */
ql_status ql_probe_add(ql_ctx *cx, ql_scan *s, uint16_t tag, const ql_bound *low,
                       const ql_bound *high) QL_MUST_USE;
/* This one finds nothing; only where tails are wanted. */
ql_status ql_probe_add_nothing(ql_ctx *cx, ql_scan *s, uint16_t tag) QL_MUST_USE;
/* Each range is one key of a unique index. The row that was found for tag t is row t of the batch;
 * sel: those tags, *n of them. */
ql_status ql_probe_points(ql_ctx *cx, ql_scan *s, uint16_t *sel, uint16_t *n,
                          ql_batch **out) QL_MUST_USE;
/* The next rows, in the order of tags and of the index; tags: whose they are. tails: behind the
 * last row of each tag comes one more that is all NULL; the k-th of the batch's rows is such a one
 * when is_tail[k]. first: of each tag only the first row. QL_END. */
typedef struct ql_probed {
    ql_batch *batch;
    const uint16_t *tags;
    const bool *is_tail;
} ql_probed;
ql_status ql_probe_rows(ql_ctx *cx, ql_scan *s, bool tails, bool first, ql_probed *out) QL_MUST_USE;
/* No more rows of the tag that is being read, if that is this one. */
void ql_probe_pass(ql_scan *s, uint16_t tag);

/* Rows of a table by their clustered keys. Lives in an arena, is closed by its reset. */
typedef struct ql_fetch ql_fetch;
typedef struct ql_fetch_spec {
    ql_table *table;
    const ql_index *through; /* where the keys come from, for messages */
    const uint16_t *ordinals;
    uint16_t ncols;
    ql_view view; /* STATEMENT, or LATEST for rows that are locked */
} ql_fetch_spec;
ql_status ql_fetch_open(ql_ctx *cx, ql_arena *a, const ql_fetch_spec *spec,
                        ql_fetch **out) QL_MUST_USE;
/* Row i of the batch is that of keys[i]; of n, up to QL_BATCH_ROWS, *taken are read (long rows end
 * a batch). Batch and bytes are valid until the next call. A key without a row is 1712. One
 * checkpoint a row. */
ql_status ql_fetch_rows(ql_ctx *cx, ql_fetch *f, const ql_str *keys, uint16_t n, uint16_t *taken,
                        ql_batch **out) QL_MUST_USE;

/* LOCK_ROWS: lock row `row` of the current batch and, when anything was committed since it was
 * read, read it again into the batch: *changed, and the batch's vectors are to be taken anew.
 * QL_END: it is gone, or its key has moved (nothing is locked then). QL_TIMEOUT: policy SKIP,
 * somebody else has it. May wait (ROW_LOCK). */
ql_status ql_scan_lock_row(ql_ctx *cx, ql_scan *s, uint16_t row, bool *changed) QL_MUST_USE;
/* It did not match after all. */
void ql_scan_unlock_row(ql_ctx *cx, ql_scan *s, uint16_t row);

/* Can all these columns be read from the keys of ix alone (with the clustered key behind them)? For
 * index_only. */
bool ql_index_covers(const ql_table *t, const ql_index *ix, const uint16_t *ordinals, uint16_t n);

/* Parts by which the entries of ix are found: its own and, unless its own tell rows apart, those of
 * the clustered key, which stand behind them. */
static inline uint16_t
ql_index_depth(const ql_table *t, const ql_index *ix)
{
    const ql_index *c = &t->indexes[0];
    bool more = ix != c && !ix->unique && !c->hidden_rowid;
    return (uint16_t)(ix->nparts + (more ? c->nparts : 0));
}

/* Part k of these. */
static inline const ql_index_part *
ql_index_part_at(const ql_table *t, const ql_index *ix, uint16_t k)
{
    return k < ix->nparts ? &ix->parts[k] : &t->indexes[0].parts[k - ix->nparts];
}

/* A range of an index as keys: [from, to); room in a. */
typedef struct ql_key_range {
    ql_str from, to;
    bool empty, point; /* nothing can be there; at most one entry is */
} ql_key_range;
ql_status ql_index_range(ql_ctx *cx, ql_arena *a, const ql_table *t, const ql_index *ix,
                         const ql_bound *low, const ql_bound *high, ql_key_range *out) QL_MUST_USE;
/* About how many entries lie there in the newest committed state (what cx's transaction has written
 * does not count), told from the shape of the tree in some microseconds; < 0: it cannot be told
 * now. Never waits. */
ql_status ql_index_estimate(ql_ctx *cx, const ql_key_range *r, double *entries) QL_MUST_USE;

/* Number of rows (approximate) for the planner: from stats or a cheap estimate. */
ql_status ql_table_row_estimate(ql_ctx *cx, ql_table *t, uint64_t *rows) QL_MUST_USE;

/* Told of each finding of ql_table_check, in words. Not QL_OK: the check ends with it. */
typedef ql_status (*ql_table_report)(ql_ctx *cx, void *arg, const char *text);
/* What else is to be said of a row's values; text is empty when it is called, and stays so when
 * there is nothing. */
typedef struct ql_row_finding {
    char text[256];
    bool is_damage; /* it counts */
} ql_row_finding;
typedef ql_status (*ql_table_row_check)(ql_ctx *cx, void *arg, const ql_value *values,
                                        ql_row_finding *f);
/* The clustered key, without its id, in the value of a secondary index's entry: a piece of it. */
ql_str ql_entry_locator(const ql_index *ix, ql_str value);

/* Decode every row and compare it with every index, entry by entry and both ways, in the
 * statement's view. *findings counts them; of each index the first few are reported. row_check may
 * be NULL. Errors are those that say nothing of the data. One checkpoint a row. */
ql_status ql_table_check(ql_ctx *cx, ql_arena *a, ql_table *t, ql_table_report report,
                         ql_table_row_check row_check, void *arg, uint64_t *findings) QL_MUST_USE;

/* Rows as far as they can be read (REPAIR TABLE), in the statement's view and the order of their
 * keys. Owner: arena a; close it before that goes. */
typedef struct ql_salvage ql_salvage;
ql_status ql_salvage_open(ql_ctx *cx, ql_arena *a, ql_table *t, ql_salvage **out) QL_MUST_USE;
/* values: ncolumns, valid until the next call, as is the clustered key. QL_END. A checkpoint a row.
 */
ql_status ql_salvage_next(ql_ctx *cx, ql_salvage *s, ql_value *values, ql_str *key) QL_MUST_USE;
/* How many rows were passed over. */
uint64_t ql_salvage_close(ql_salvage *s);

typedef enum ql_write_result {
    QL_WROTE,
    QL_DUPLICATE, /* duplicate key; error not worded: *dup_index and the message's value are in
                     ql_dup */
} ql_write_result;
typedef struct ql_dup {
    const ql_index *index;
    ql_str key_text; /* 'Duplicate entry' value, "1-abc" */
    ql_str locator;  /* clustered key of the row that is there */
} ql_dup;

/* Insert a row of ncolumns stored values: locks its keys, checks uniqueness in the current view,
 * writes all index entries. On QL_DUPLICATE nothing is written, and the key in the way is locked in
 * mode on_dup (X for who is going to change that row). May wait (ROW_LOCK). */
ql_status ql_table_insert(ql_ctx *cx, ql_table *t, const ql_value *row, ql_lock_mode on_dup,
                          ql_write_result *result, ql_dup *dup) QL_MUST_USE;
/* 1062 from a ql_dup: key is 'table.index' as MySQL 8. */
ql_status ql_table_dup_error(ql_ctx *cx, const ql_table *t, const ql_dup *dup) QL_MUST_USE;
/* Lock the row and read its newest version: QL_END = gone meanwhile. values: ncolumns; bytes in
 * arena a. May wait. */
ql_status ql_table_lock_row(ql_ctx *cx, ql_arena *a, ql_table *t, ql_str locator,
                            ql_value *values) QL_MUST_USE;
/* Replace the locked row. old as read by ql_table_lock_row, or by a scan that locks. The clustered
 * key may change. */
ql_status ql_table_update(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old,
                          const ql_value *row, ql_write_result *result, ql_dup *dup) QL_MUST_USE;
ql_status ql_table_delete(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old) QL_MUST_USE;

/* Who else has a say in what is written: exec/foreign.h. look is asked for each index of the table,
 * by its position, before the row's entry there is looked for, locked and written; nothing has been
 * written then. It may change other rows. Not QL_OK: the row is not written. */
typedef struct ql_key_watch {
    ql_status (*look)(ql_ctx *cx, void *arg, uint16_t index, const ql_value *old,
                      const ql_value *row);
    void *arg;
} ql_key_watch;
/* As ql_table_insert and ql_table_update; watch may be NULL. */
ql_status ql_table_insert_watched(ql_ctx *cx, ql_table *t, const ql_key_watch *watch,
                                  const ql_value *row, ql_lock_mode on_dup, ql_write_result *result,
                                  ql_dup *dup) QL_MUST_USE;
ql_status ql_table_update_watched(ql_ctx *cx, ql_table *t, const ql_key_watch *watch,
                                  ql_str locator, const ql_value *old, const ql_value *row,
                                  ql_write_result *result, ql_dup *dup) QL_MUST_USE;

/* --- tables without transactions (ENGINE=MyISAM; others: nothing to do) --- */

/* Before the next row is changed: commits the rows changed so far when they are a full block. Not
 * stopped by kills. Waits: COMMIT_TAKEN, DISK_SPACE. */
ql_status ql_table_next_row(ql_ctx *cx, const ql_table *t) QL_MUST_USE;
/* Around several writes that change one row (REPLACE): all of them are kept or, unless st is QL_OK,
 * none. end returns st. */
ql_status ql_table_change_begin(ql_ctx *cx, const ql_table *t) QL_MUST_USE;
ql_status ql_table_change_end(ql_ctx *cx, const ql_table *t, ql_status st) QL_MUST_USE;

/* A table of a statement that is locked as a whole. */
typedef struct ql_table_use {
    ql_table *table;
    bool write;
} ql_table_use;
/* Lock them for the statement, in an order that all sessions keep; v is reordered. Not needed, and
 * nothing to do, where LOCK TABLES holds them. 1205 after lock_wait_timeout. Waits: TABLE_LOCK. */
ql_status ql_table_lock_uses(ql_ctx *cx, ql_table_use *v, size_t n) QL_MUST_USE;
/* One table, if it is one without transactions. */
ql_status ql_table_lock(ql_ctx *cx, const ql_table *t, bool write) QL_MUST_USE;

#endif
