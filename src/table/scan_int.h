/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside table/: the state of a scan, shared by scan.c (ranges, decoding) and scan_lock.c (scans
 * that lock what they read).
 */
#ifndef QL_TABLE_SCAN_INT_H
#define QL_TABLE_SCAN_INT_H

#include "table/table_int.h"

/* Bytes of long rows after which a batch is handed over before it is full: what one block may cost
 * stays bounded. */
#define QLI_BATCH_BYTES (4u << 20)

typedef enum scan_mode {
    SCAN_RANGE,   /* cursor from low to high */
    SCAN_POINT,   /* one key of a unique index */
    SCAN_VIRTUAL, /* rows made by a function */
    SCAN_NOTHING, /* empty range */
} scan_mode;

/* An entry of a secondary index, its row not read yet. */
typedef struct ql_scan_entry {
    ql_str key, value;
} ql_scan_entry;

/* Rows that are looked for together (scan_rows.c). */
typedef struct qli_gather {
    ql_str *keys,
        *rows;      /* [QL_BATCH_ROWS] clustered keys in the order of the entries; their rows */
    ql_arena *mem;  /* of the keys */
    uint16_t n, at; /* gathered; of them already given out */
} qli_gather;

/* Look-ups for many rows (scan_probe.c). */
typedef struct qli_probe {
    ql_str low, high; /* a point has no high; nothing has neither */
    uint16_t tag;
} qli_probe;
typedef struct qli_probes {
    qli_probe *v;   /* [QL_BATCH_ROWS] */
    ql_str *places; /* [QL_BATCH_ROWS] where they are searched */
    uint16_t *tags; /* [QL_BATCH_ROWS] of the rows gathered */
    bool *is_tail;  /* [QL_BATCH_ROWS] */
    ql_arena *mem;  /* of the keys */
    uint16_t n, at; /* ranges; the one being read */
    uint16_t warm;  /* so many have been brought near */
    uint16_t size;  /* rows of the next batch */
    bool inside;    /* the cursor stands in range `at` */
} qli_probes;

struct ql_scan {
    ql_ctx *cx;
    ql_scan_spec spec;
    const ql_index *index;
    ql_row_reader reader; /* of the wanted columns */
    ql_batch batch;
    ql_arena *rows; /* copies and decoded strings of the current batch */
    ql_str *locators;
    ql_buf low, high; /* encoded: [low, high) */
    ql_buf lookup;    /* clustered key under construction */
    ql_txn_cursor *cursor;
    scan_mode mode;
    bool started, ended, closed;
    uint16_t size;         /* rows of the next batch */
    uint64_t pass, passed; /* rows still to be passed over; passed over for the next batch */
    ql_value **virtual_rows;
    size_t nvirtual, virtual_at;
    /* Parts of one entry (index_only, pick): the index's own, then those of the clustered key. */
    ql_value *parts;
    uint16_t nwalked; /* so many are looked at */
    bool *decoded;    /* of each: the key gives it back, and it is wanted */
    uint16_t *texts;  /* those that the entry's value gives back; none when none is wanted */
    uint16_t ntexts;
    int16_t *sources; /* of each column: the part that it comes from, or -1 */
    bool gathers;
    qli_gather gather;
    qli_probes probes;

    /* Scans that skip (scan_skip.c). */
    ql_buf group; /* leading parts of the entry the scan stands on, the index's id before them */
    ql_buf group_end; /* a key under construction */
    int stands;       /* on which entry of the group */
    bool on_null;     /* it has NULL in the next part */
    bool lost;        /* it had no row */

    /* Scans that jump (scan_jump.c): bytes of either bound; [from, to) within the group it is in.
     */
    ql_buf jump_low, jump_high, from, to;

    /* Locking scans (scan_lock.c). */
    ql_lock_how how;
    uint64_t read_at;       /* ql_txn_newest when the current entries were read */
    ql_scan_entry *entries; /* [QL_BATCH_ROWS] of a secondary index, bytes in `rows` */
    ql_buf pos;             /* LOCK_RANGE: where reading goes on (backward: exclusive) */
    ql_buf last;            /* last entry read */
    ql_buf ahead;           /* end of a stretch that is locked, but to be read again */
    bool is_ahead, placed;  /* `ahead` counts; the cursor stands before pos */
    bool tail_locked;       /* the gap behind the last entry, too */
    ql_lock_range *range;   /* the lock over the rows read so far; grows */
};

static inline bool
qli_scan_is_clustered(const ql_scan *s)
{
    return s->index == &s->spec.table->indexes[0];
}

static inline bool
qli_scan_locks(const ql_scan *s)
{
    return s->spec.lock.kind != QL_SCAN_CONSISTENT;
}

/* scan.c */
/* The clustered key that a secondary entry points to, in s->lookup. */
ql_status qli_scan_make_lookup(ql_ctx *cx, ql_scan *s, ql_str value) QL_MUST_USE;
/* One entry of the index into row `row`. QL_END: the entry had no row when it was looked for, and
 * is gone itself by now or the row is back (other sessions' commits, in views that are no
 * snapshot). An entry that leads nowhere is 1712. */
ql_status qli_scan_take_entry(ql_ctx *cx, ql_scan *s, ql_str key, ql_str value, uint16_t row,
                              size_t *bytes) QL_MUST_USE;
/* A whole row's bytes into row `row` of the batch. */
/* The wanted columns out of an entry. */
ql_status qli_scan_take_parts(ql_ctx *cx, ql_scan *s, ql_str key, ql_str value,
                              uint16_t row) QL_MUST_USE;
ql_status qli_scan_take_row(ql_ctx *cx, ql_scan *s, ql_str bytes, uint16_t row) QL_MUST_USE;
void qli_scan_clear_batch(ql_scan *s);

/* An entry without a row, both of one snapshot: 1712. */
ql_status qli_scan_lonely(ql_ctx *cx, const ql_scan *s) QL_MUST_USE;

/* scan_rows.c */
/* Is that a scan whose rows are looked for together? */
bool qli_scan_gathers(const ql_scan *s);
ql_status qli_gather_init(ql_ctx *cx, ql_arena *a, qli_gather *g) QL_MUST_USE;
void qli_gather_clear(qli_gather *g);
/* One more entry, at most QL_BATCH_ROWS: the clustered key it leads to. */
ql_status qli_gather_add(ql_ctx *cx, ql_scan *s, ql_str value) QL_MUST_USE;
/* All are there: those that are not wanted go (spec.pick). */
ql_status qli_gather_pick(ql_ctx *cx, ql_scan *s) QL_MUST_USE;
/* Their rows. Checkpoints. */
ql_status qli_gather_read(ql_ctx *cx, ql_scan *s) QL_MUST_USE;
/* The next of them into the batch; some may be left (long rows). */
ql_status qli_gather_take(ql_ctx *cx, ql_scan *s, uint16_t *n) QL_MUST_USE;

/* scan_probe.c */
ql_status qli_probes_init(ql_ctx *cx, ql_arena *a, ql_scan *s) QL_MUST_USE;
void qli_probes_close(ql_scan *s);

/* scan_skip.c */
/* The scan has come to that entry, of another group than before. */
ql_status qli_scan_skip_note(ql_ctx *cx, ql_scan *s, ql_str key) QL_MUST_USE;
/* The next entry that is wanted. */
ql_status qli_scan_skip(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v) QL_MUST_USE;

/* scan_jump.c */
/* The bounds of spec.jump as keys. */
ql_status qli_scan_jump_bind(ql_ctx *cx, ql_scan *s) QL_MUST_USE;
/* From the entry that the scan has come to on to the next one that is wanted: the same, mostly. */
ql_status qli_scan_jump(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v) QL_MUST_USE;
void qli_scan_jump_close(ql_scan *s);

/* Bytes of the first n parts of a key of the scan's index, its id before them. 1877. */
ql_status qli_scan_prefix(ql_ctx *cx, const ql_scan *s, ql_str key, uint16_t n,
                          size_t *bytes) QL_MUST_USE;

/* scan_lock.c */
/* State of a scan of which nothing has been read yet; low and high are bound. */
ql_status qli_scan_lock_restart(ql_ctx *cx, ql_scan *s) QL_MUST_USE;
ql_status qli_scan_fill_locked_range(ql_ctx *cx, ql_scan *s, uint16_t *n) QL_MUST_USE;
ql_status qli_scan_fill_locked_point(ql_ctx *cx, ql_scan *s, uint16_t *n) QL_MUST_USE;

#endif
