/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a table as far as they can be read: those whose bytes make no row, or do not match their
 * checksum, are passed over and counted; what hides the rows behind it is an error. For REPAIR
 * TABLE, which writes the others anew. Reads the clustered index alone, in the statement's view, in
 * the transaction of the table's kind (nontxn.c). One checkpoint a row.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "table/table_int.h"
#include "txn/nontxn.h"

/* Owner: the statement. */
struct ql_salvage {
    ql_table *t;
    ql_txn_cursor *cur;
    ql_buf start, end;
    bool began, bounded;
    uint64_t lost, in_a_row; /* in_a_row: passed over since the last row that could be read */
};

/* More damaged rows without a good one between than this are too many: the cursor may have lost its
 * way. */
#define IN_A_ROW_MOST 1000u

ql_status
ql_salvage_open(ql_ctx *cx, ql_arena *a, ql_table *t, ql_salvage **out)
{
    ql_salvage *s = QL_ARENA_NEW(cx, a, ql_salvage);
    if (s == NULL) {
        return QL_ERROR;
    }
    *out = s;
    s->t = t;
    QL_TRY(qli_key_start(cx, &s->start, t->indexes[0].id));
    QL_TRY(qli_key_start(cx, &s->end, t->indexes[0].id));
    s->bounded = qli_key_successor(&s->end);
    return QL_OK;
}

static bool
says_something_of_the_data(const ql_condition *e)
{
    return e != NULL && (e->number == QL_ER_TABLE_CORRUPT || e->number == QL_ER_GET_ERRNO ||
                         e->number == QL_ER_INDEX_CORRUPT);
}

/* QL_ERROR that says a row is damaged becomes QL_TIMEOUT: passed over. */
static ql_status
pass_over(ql_ctx *cx, ql_salvage *s, ql_status st)
{
    if (st != QL_ERROR || !says_something_of_the_data(ql_diag_error(cx->diag))) {
        return st;
    }
    if (++s->in_a_row > IN_A_ROW_MOST) {
        return st;
    }
    ql_diag_clear_error(cx->diag);
    s->lost++;
    return QL_TIMEOUT;
}

static ql_status
begin_behind(ql_ctx *cx, ql_salvage *s, ql_str key)
{
    ql_buf_clear(&s->start);
    QL_TRY(ql_buf_put(cx, &s->start, key.p, key.n)); /* the cursor's bytes: before it is closed */
    ql_txn_cursor_close(s->cur);
    s->cur = NULL;
    s->began = false;
    return ql_buf_put_u8(cx, &s->start, 0); /* the first key above it */
}

/* After an error of the cursor: behind the value that is damaged, when it is that (QL_TIMEOUT, as
 * pass_over). */
static ql_status
skip_value(ql_ctx *cx, ql_salvage *s)
{
    ql_str key = ql_txn_cursor_damaged(s->cur);
    if (key.n == 0) {
        return QL_ERROR;
    }
    QL_TRY(begin_behind(cx, s, key));
    return pass_over(cx, s, QL_ERROR);
}

static ql_status
read_row(ql_ctx *cx, ql_salvage *s, ql_value *values, ql_str *key)
{
    ql_str row;
    QL_TRY(ql_check(cx));
    if (s->cur == NULL) {
        ql_str high = s->bounded ? qli_str(&s->end) : (ql_str){NULL, 0};
        QL_TRY(ql_txn_cursor_open(cx, QL_VIEW_STATEMENT, &s->cur));
        ql_txn_cursor_within(s->cur, (ql_str){NULL, 0}, high);
    }
    ql_status st = s->began ? ql_txn_next(cx, s->cur, key, &row)
                            : ql_txn_seek_ge(cx, s->cur, qli_str(&s->start), key, &row);
    s->began = true;
    if (st == QL_ERROR) {
        return skip_value(cx, s);
    }
    QL_TRY(st);
    if (s->bounded && ql_str_cmp(*key, qli_str(&s->end)) >= 0) {
        return QL_END;
    }
    QL_TRY(pass_over(cx, s, ql_row_decode_as(cx, &s->t->layout, row, values)));
    s->in_a_row = 0;
    return QL_OK;
}

ql_status
ql_salvage_next(ql_ctx *cx, ql_salvage *s, ql_value *values, ql_str *key)
{
    ql_txn *saved = NULL;
    ql_status st;
    bool plain = ql_table_is_transactional(s->t);
    QL_TRY(plain ? QL_OK : ql_nontxn_enter(cx, QL_NONTXN_READ, &saved));
    do {
        st = read_row(cx, s, values, key);
    } while (st == QL_TIMEOUT);
    if (!plain) {
        ql_nontxn_leave(cx, saved);
    }
    return st;
}

uint64_t
ql_salvage_close(ql_salvage *s)
{
    if (s->cur != NULL) {
        ql_txn_cursor_close(s->cur);
        s->cur = NULL;
    }
    ql_buf_free(&s->start);
    ql_buf_free(&s->end);
    return s->lost;
}
