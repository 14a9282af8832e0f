/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans that lock what they read: locking SELECTs, UPDATE and DELETE. They read the newest
 * committed state (QL_VIEW_LATEST), not the transaction's snapshot.
 *
 * LOCK_RANGE, a block at a time: read a block of entries without locks, lock the stretch from where
 * the last block ended to its last entry, then look whether anything was committed since the
 * reading. If not, what was read is what is locked. Otherwise the stretch is read once more; now
 * nobody can change it. So a scan alone pays one lock call a block. The gap behind the last entry
 * is locked as a gap. Through a secondary index each row's clustered key is locked as well, unless
 * the scan only shares and needs the index alone.
 *
 * LOCK_ROWS: the scan locks nothing; ql_scan_lock_row locks a row that has passed the filter and
 * reads it again if anything was committed meanwhile.
 */
#include <string.h>

#include "base/bulk.h"
#include "intr/intr.h"
#include "table/scan_int.h"

static ql_status
set_key(ql_ctx *cx, ql_buf *b, ql_str key)
{
    ql_buf_clear(b);
    return ql_buf_put(cx, b, key.p, key.n);
}

/* Where the range ends in the direction of the scan. */
static const ql_buf *
far_end(const ql_scan *s)
{
    return s->spec.reverse ? &s->low : &s->high;
}

ql_status
qli_scan_lock_restart(ql_ctx *cx, ql_scan *s)
{
    s->range = NULL;
    s->is_ahead = s->placed = s->tail_locked = false;
    if (s->mode == SCAN_RANGE && ql_str_cmp(qli_str(&s->low), qli_str(&s->high)) >= 0) {
        s->mode = SCAN_NOTHING;
    }
    return s->mode == SCAN_RANGE
               ? set_key(cx, &s->pos, qli_str(s->spec.reverse ? &s->high : &s->low))
               : QL_OK;
}

static ql_status
lock_record(ql_ctx *cx, ql_scan *s, ql_str key)
{
    s->how.deadline = qli_lock_deadline(cx);
    return ql_txn_lock_row(cx, key, &s->how);
}

static ql_status
lock_gap(ql_ctx *cx, ql_scan *s, ql_str low, ql_str high)
{
    ql_lock_range *gap = NULL;
    if (ql_str_cmp(low, high) >= 0) {
        return QL_OK;
    }
    s->how.deadline = qli_lock_deadline(cx);
    return ql_txn_lock_range(cx, low, high, false, &s->how, &gap);
}

/* --- blocks of entries --- */

/* Of the entries before `end`; it may give one behind it. */
static ql_status
next_entry(ql_ctx *cx, ql_scan *s, const ql_buf *end, ql_str *k, ql_str *v)
{
    bool back = s->spec.reverse;
    ql_str low = back ? qli_str(end) : QL_STR(""), high = back ? QL_STR("") : qli_str(end);
    if (s->placed) {
        ql_txn_cursor_within(s->cursor, low, high);
        return back ? ql_txn_prev(cx, s->cursor, k, v) : ql_txn_next(cx, s->cursor, k, v);
    }
    if (s->cursor == NULL) {
        QL_TRY(ql_txn_cursor_open(cx, QL_VIEW_LATEST, &s->cursor));
    }
    s->placed = true;
    ql_txn_cursor_within(s->cursor, low, high);
    return back ? ql_txn_seek_lt(cx, s->cursor, qli_str(&s->pos), k, v)
                : ql_txn_seek_ge(cx, s->cursor, qli_str(&s->pos), k, v);
}

static ql_status
keep_entry(ql_ctx *cx, ql_scan *s, ql_str key, ql_str value, uint16_t row)
{
    char *p = ql_arena_alloc(cx, s->rows, key.n + value.n + 1);
    if (p == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(cx, p, key.p, key.n));
    QL_TRY(ql_bulk_copy(cx, p + key.n, value.p, value.n));
    s->entries[row] = (ql_scan_entry){{p, key.n}, {p + key.n, value.n}};
    return QL_OK;
}

/* Entries from pos up to `end`, as many as make a batch. *all: none is left before `end`. Rows of
 * the clustered index go into the batch at once. */
static ql_status
read_block(ql_ctx *cx, ql_scan *s, const ql_buf *end, uint16_t *n, bool *all)
{
    size_t bytes = 0;
    *n = 0;
    *all = false;
    while (*n < s->size && bytes < QLI_BATCH_BYTES) {
        ql_str k, v;
        QL_TRY(ql_check(cx)); /* each entry may cost a read of a cold disk */
        ql_status st = next_entry(cx, s, end, &k, &v);
        if (st == QL_END ||
            (st == QL_OK && (ql_str_cmp(k, qli_str(end)) >= 0) != s->spec.reverse)) {
            *all = true;
            s->placed = false;
            return QL_OK;
        }
        QL_TRY(st);
        QL_TRY(set_key(cx, &s->last, k));
        if (s->entries == NULL) {
            QL_TRY(qli_scan_take_entry(cx, s, k, v, *n, &bytes));
        } else {
            QL_TRY(keep_entry(cx, s, k, v, *n));
        }
        (*n)++;
    }
    return QL_OK;
}

/* pos behind the last entry read. */
static ql_status
step_over(ql_ctx *cx, ql_scan *s, ql_buf *pos)
{
    QL_TRY(set_key(cx, pos, qli_str(&s->last)));
    return s->spec.reverse ? QL_OK : ql_buf_put_u8(cx, pos, 0);
}

/* Lock what a block of n entries covered, and the gap behind it when it was the last one. */
static ql_status
lock_block(ql_ctx *cx, ql_scan *s, uint16_t n, bool all)
{
    ql_str from = qli_str(&s->pos), to = from;
    bool back = s->spec.reverse;
    if (n > 0) {
        QL_TRY(step_over(cx, s, &s->ahead));
        to = qli_str(&s->ahead);
        s->how.deadline = qli_lock_deadline(cx);
        QL_TRY(ql_txn_lock_range(cx, back ? to : from, back ? from : to, true, &s->how, &s->range));
    }
    if (all && !s->tail_locked) {
        ql_str end = qli_str(far_end(s));
        QL_TRY(back ? lock_gap(cx, s, end, to) : lock_gap(cx, s, to, end));
        s->tail_locked = true;
    }
    return QL_OK;
}

static void
close_cursor(ql_scan *s)
{
    ql_txn_cursor_close(s->cursor);
    s->cursor = NULL;
    s->placed = false;
}

static bool
is_stale(const ql_scan *s)
{
    return s->cursor != NULL && ql_txn_cursor_is_stale(s->cursor);
}

/* A block that nobody else can change any more. */
static ql_status
settled_block(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    bool all;
    *n = 0;
    while (!s->ended) {
        QL_TRY(ql_check(cx));
        if (is_stale(s)) {
            close_cursor(s);
        }
        if (s->is_ahead) {
            QL_TRY(read_block(cx, s, &s->ahead, n, &all));
            s->is_ahead = !all;
            QL_TRY(all ? set_key(cx, &s->pos, qli_str(&s->ahead)) : step_over(cx, s, &s->pos));
            if (*n > 0) {
                return QL_OK;
            }
            continue;
        }
        QL_TRY(read_block(cx, s, far_end(s), n, &all));
        if (*n == 0 && s->tail_locked) { /* read after the gap was locked */
            s->ended = true;
            return QL_OK;
        }
        QL_TRY(lock_block(cx, s, *n, all));
        if (is_stale(s)) {
            s->is_ahead = *n > 0;
            close_cursor(s);
            qli_scan_clear_batch(s);
            continue;
        }
        if (*n > 0) {
            QL_TRY(step_over(cx, s, &s->pos));
        }
        s->ended = all;
        return QL_OK;
    }
    return QL_OK;
}

/* --- rows behind entries of a secondary index --- */

/* Row of entry e into row `row` of the batch, its clustered key locked. */
static ql_status
take_locked(ql_ctx *cx, ql_scan *s, const ql_scan_entry *e, uint16_t row, bool entry_only)
{
    size_t bytes = 0;
    if (!entry_only) {
        QL_TRY(qli_scan_make_lookup(cx, s, e->value));
        QL_TRY(lock_record(cx, s, qli_str(&s->lookup)));
    }
    return qli_scan_take_entry(cx, s, e->key, e->value, row, &bytes);
}

ql_status
qli_scan_fill_locked_range(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    uint16_t got;
    bool entry_only = s->spec.index_only && s->spec.lock.mode == QL_LOCK_S && s->locators == NULL;
    while (*n == 0 && !s->ended) {
        QL_TRY(settled_block(cx, s, &got));
        if (s->entries == NULL) {
            *n = got;
            continue;
        }
        for (uint16_t i = 0; i < got; i++) {
            ql_scan_entry e = s->entries[i];
            ql_status st = take_locked(cx, s, &e, *n, entry_only);
            if (st == QL_END) {
                continue;
            }
            QL_TRY(st);
            (*n)++;
        }
    }
    return QL_OK;
}

/* --- points --- */

/* The entry of a unique key, locked: its value (valid to the next read), or QL_END with the gap
 * locked in which it would be. */
static ql_status
lock_point(ql_ctx *cx, ql_scan *s, ql_str *value)
{
    ql_str key = qli_str(&s->low);
    for (;;) {
        uint64_t seen = ql_txn_newest(cx);
        ql_status st = ql_txn_get(cx, QL_VIEW_LATEST, key, value);
        if (st == QL_OK) {
            QL_TRY(lock_record(cx, s, key));
        } else if (st == QL_END) {
            QL_TRY(set_key(cx, &s->pos, key));
            QL_TRY(ql_buf_put_u8(cx, &s->pos, 0));
            QL_TRY(lock_gap(cx, s, key, qli_str(&s->pos)));
        } else {
            return st;
        }
        if (ql_txn_newest(cx) == seen) {
            return st;
        }
        if (ql_txn_get(cx, QL_VIEW_LATEST, key, value) == st) {
            return st; /* locked as what it is */
        }
        QL_TRY(ql_check(cx));
    }
}

ql_status
qli_scan_fill_locked_point(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    ql_str value;
    size_t bytes = 0;
    s->ended = true;
    ql_status st = lock_point(cx, s, &value);
    if (st == QL_OK && s->entries == NULL) {
        st = qli_scan_take_entry(cx, s, qli_str(&s->low), value, 0, &bytes);
    } else if (st == QL_OK) {
        QL_TRY(keep_entry(cx, s, qli_str(&s->low), value, 0));
        ql_scan_entry e = s->entries[0];
        bool entry_only =
            s->spec.index_only && s->spec.lock.mode == QL_LOCK_S && s->locators == NULL;
        st = take_locked(cx, s, &e, 0, entry_only);
    }
    *n = st == QL_OK;
    return st == QL_END ? QL_OK : st;
}

/* --- row by row --- */

/* Is the secondary entry that led to the row still there, for the same row? Its texts may be
 * written otherwise by now. */
static ql_status
entry_still_there(ql_ctx *cx, ql_scan *s, uint16_t row)
{
    const ql_scan_entry *e = &s->entries[row];
    ql_str value;
    QL_TRY(ql_txn_get(cx, QL_VIEW_LATEST, e->key, &value));
    if (!ql_str_eq(ql_entry_locator(s->index, value), ql_entry_locator(s->index, e->value))) {
        return QL_END;
    }
    return s->spec.index_only ? qli_scan_take_parts(cx, s, e->key, value, row) : QL_OK;
}

static ql_status
read_again(ql_ctx *cx, ql_scan *s, uint16_t row)
{
    ql_str bytes;
    if (s->entries != NULL) {
        QL_TRY(entry_still_there(cx, s, row));
        if (s->spec.index_only) {
            return QL_OK;
        }
    }
    QL_TRY(ql_txn_get(cx, QL_VIEW_LATEST, s->locators[row], &bytes));
    char *p = ql_arena_strndup(cx, s->rows, bytes.p, bytes.n);
    return p != NULL ? qli_scan_take_row(cx, s, (ql_str){p, bytes.n}, row) : QL_ERROR;
}

void
qli_scan_unlock_row(ql_ctx *cx, ql_scan *s, uint16_t row)
{
    ql_txn_unlock_row(cx, s->locators[row]);
}

ql_status
qli_scan_lock_row(ql_ctx *cx, ql_scan *s, uint16_t row, bool *changed)
{
    *changed = false;
    QL_TRY(lock_record(cx, s, s->locators[row]));
    if (ql_txn_newest(cx) == s->read_at) {
        return QL_OK;
    }
    *changed = true;
    ql_status st = read_again(cx, s, row);
    if (st == QL_END) {
        qli_scan_unlock_row(cx, s, row);
    }
    return st;
}
