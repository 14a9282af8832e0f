/* SPDX-License-Identifier: Apache-2.0
 *
 * The doors of table/: here it is decided by the table which transaction its rows are read and
 * written in, cx->txn or the statement's own for tables without transactions (txn/nontxn.h), which
 * are protected by locks of the whole table taken before the statement runs. What stands behind the
 * doors is in scan.c and write.c and does not know the difference. Waits: TABLE_LOCK.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "catalog/locked.h"
#include "table/table_int.h"
#include "txn/nontxn.h"
#include "vars/sysvars.h"

/* --- scans --- */

static bool
is_ordinary(const ql_table *t)
{
    return QL_LIKELY(ql_table_is_transactional(t));
}

ql_status
ql_scan_open(ql_ctx *cx, ql_arena *a, const ql_scan_spec *spec, ql_scan **out)
{
    ql_txn *saved;
    if (is_ordinary(spec->table)) {
        return qli_scan_open(cx, a, spec, out);
    }
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_READ, &saved));
    ql_status st = qli_scan_open(cx, a, spec, out);
    ql_nontxn_leave(cx, saved);
    return st;
}

ql_status
ql_scan_next(ql_ctx *cx, ql_scan *s, ql_batch **out)
{
    ql_txn *saved;
    if (is_ordinary(qli_scan_table(s))) {
        return qli_scan_next(cx, s, out);
    }
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_READ, &saved));
    ql_status st = qli_scan_next(cx, s, out);
    ql_nontxn_leave(cx, saved);
    return st;
}

ql_status
ql_fetch_rows(ql_ctx *cx, ql_fetch *f, const ql_str *keys, uint16_t n, uint16_t *taken,
              ql_batch **out)
{
    ql_txn *saved;
    if (is_ordinary(qli_fetch_table(f))) {
        return qli_fetch_rows(cx, f, keys, n, taken, out);
    }
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_READ, &saved));
    ql_status st = qli_fetch_rows(cx, f, keys, n, taken, out);
    ql_nontxn_leave(cx, saved);
    return st;
}

ql_status
ql_table_check(ql_ctx *cx, ql_arena *a, ql_table *t, ql_table_report report,
               ql_table_row_check row_check, void *arg, uint64_t *findings)
{
    ql_txn *saved;
    if (is_ordinary(t)) {
        return qli_table_check(cx, a, t, report, row_check, arg, findings);
    }
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_READ, &saved));
    ql_status st = qli_table_check(cx, a, t, report, row_check, arg, findings);
    ql_nontxn_leave(cx, saved);
    return st;
}

ql_status
ql_scan_lock_row(ql_ctx *cx, ql_scan *s, uint16_t row, bool *changed)
{
    *changed = false; /* others: the table is locked, and the scan reads what was locked */
    return is_ordinary(qli_scan_table(s)) ? qli_scan_lock_row(cx, s, row, changed) : QL_OK;
}

void
ql_scan_unlock_row(ql_ctx *cx, ql_scan *s, uint16_t row)
{
    if (is_ordinary(qli_scan_table(s))) {
        qli_scan_unlock_row(cx, s, row);
    }
}

/* --- writes --- */

static ql_status
enter_row(ql_ctx *cx, ql_txn **saved)
{
    QL_TRY(ql_nontxn_row_begin(cx));
    ql_status st = ql_nontxn_enter(cx, QL_NONTXN_WRITE, saved);
    if (st != QL_OK) {
        ql_nontxn_row_end(cx, false);
    }
    return st;
}

static ql_status
leave_row(ql_ctx *cx, ql_txn *saved, ql_status st, ql_write_result result)
{
    ql_nontxn_leave(cx, saved);
    ql_nontxn_row_end(cx, st == QL_OK && result == QL_WROTE);
    return st;
}

ql_status
ql_table_insert(ql_ctx *cx, ql_table *t, const ql_value *row, ql_lock_mode on_dup,
                ql_write_result *result, ql_dup *dup)
{
    return ql_table_insert_watched(cx, t, NULL, row, on_dup, result, dup);
}

ql_status
ql_table_insert_watched(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, const ql_value *row,
                        ql_lock_mode on_dup, ql_write_result *result, ql_dup *dup)
{
    ql_txn *saved;
    ql_count(cx, QL_CT_HANDLER_WRITE, 1);
    if (is_ordinary(t)) {
        return qli_row_insert(cx, t, watch, row, on_dup, result, dup);
    }
    QL_TRY(enter_row(cx, &saved));
    ql_status st = qli_row_insert(cx, t, watch, row, on_dup, result, dup);
    return leave_row(cx, saved, st, *result);
}

ql_status
ql_table_lock_row(ql_ctx *cx, ql_arena *a, ql_table *t, ql_str locator, ql_value *values)
{
    ql_txn *saved;
    if (is_ordinary(t)) {
        return qli_row_lock(cx, a, t, locator, values);
    }
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_WRITE, &saved));
    ql_status st = qli_row_lock(cx, a, t, locator, values);
    ql_nontxn_leave(cx, saved);
    return st;
}

ql_status
ql_table_update(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old, const ql_value *row,
                ql_write_result *result, ql_dup *dup)
{
    return ql_table_update_watched(cx, t, NULL, locator, old, row, result, dup);
}

ql_status
ql_table_update_watched(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, ql_str locator,
                        const ql_value *old, const ql_value *row, ql_write_result *result,
                        ql_dup *dup)
{
    ql_txn *saved;
    ql_count(cx, QL_CT_HANDLER_UPDATE, 1);
    if (is_ordinary(t)) {
        return qli_row_update(cx, t, watch, locator, old, row, result, dup);
    }
    QL_TRY(enter_row(cx, &saved));
    ql_status st = qli_row_update(cx, t, watch, locator, old, row, result, dup);
    return leave_row(cx, saved, st, *result);
}

ql_status
ql_table_delete(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old)
{
    ql_txn *saved;
    ql_count(cx, QL_CT_HANDLER_DELETE, 1);
    if (is_ordinary(t)) {
        return qli_row_delete(cx, t, locator, old);
    }
    QL_TRY(enter_row(cx, &saved));
    ql_status st = qli_row_delete(cx, t, locator, old);
    return leave_row(cx, saved, st, QL_WROTE);
}

ql_status
ql_table_change_begin(ql_ctx *cx, const ql_table *t)
{
    return is_ordinary(t) ? QL_OK : ql_nontxn_row_begin(cx);
}

ql_status
ql_table_change_end(ql_ctx *cx, const ql_table *t, ql_status st)
{
    if (!is_ordinary(t)) {
        ql_nontxn_row_end(cx, st == QL_OK);
    }
    return st;
}

ql_status
ql_table_next_row(ql_ctx *cx, const ql_table *t)
{
    return is_ordinary(t) ? QL_OK : ql_nontxn_block(cx);
}

/* --- locks of whole tables --- */

static int
compare_uses(const void *x, const void *y)
{
    const ql_table *a = ((const ql_table_use *)x)->table, *b = ((const ql_table_use *)y)->table;
    int d = ql_str_cmp(a->db, b->db);
    d = d != 0 ? d : ql_str_cmp(a->name, b->name);
    return d != 0 ? d : (int)a->temporary - (int)b->temporary;
}

ql_status
ql_table_lock_uses(ql_ctx *cx, ql_table_use *v, size_t n)
{
    if (n == 0) {
        return QL_OK;
    }
    qsort(v, n, sizeof *v, compare_uses);
    for (size_t i = 0, end; i < n; i = end) {
        bool write = false;
        for (end = i; end < n && compare_uses(&v[i], &v[end]) == 0; end++) {
            write |= v[end].write;
        }
        QL_TRY(ql_table_lock(cx, v[i].table, write));
    }
    return QL_OK;
}

ql_status
ql_table_lock(ql_ctx *cx, const ql_table *t, bool write)
{
    return is_ordinary(t) || t->temporary ? QL_OK : ql_rows_lock(cx, t->db, t->name, write);
}
