/* SPDX-License-Identifier: Apache-2.0
 *
 * CHECK TABLE: every row decoded and looked for in every index, every entry of every index led back
 * to its row and made anew from it. Both ways in one view, so that what is found is damage and not
 * somebody's commit. Whoever asks can look at each row's values, too. One checkpoint a row or
 * entry.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "intr/sync.h"
#include "table/table_int.h"

#define TOLD_PER_INDEX 5u
#define BLOCK 256

/* Owner: the statement; lives in qli_check. */
typedef struct checker {
    ql_ctx *cx;
    ql_table *t;
    ql_table_report report;
    ql_table_row_check row_check; /* or NULL */
    void *arg;
    uint64_t findings, told; /* told: of the index at hand */
    uint64_t rows;
    ql_value *values;
    ql_buf end, key, row_key, value;
} checker;

/* --- findings --- */

static void
key_text(ql_str key, char out[64])
{
    static const char digit[] = "0123456789abcdef";
    size_t n = key.n < 24 ? key.n : 24;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digit[(unsigned char)key.p[i] >> 4];
        out[2 * i + 1] = digit[(unsigned char)key.p[i] & 15];
    }
    (void)strcpy(out + 2 * n, key.n > n ? "..." : "");
}

/* what: says something of `key` (hexadecimal without the index's id). */
static ql_status
tell(checker *c, const ql_index *ix, const char *what, ql_str key)
{
    char text[400], hex[64];
    if (c->told++ >= TOLD_PER_INDEX) {
        return QL_OK;
    }
    key_text((ql_str){key.p + QLI_ID_BYTES, key.n - QLI_ID_BYTES}, hex);
    (void)snprintf(text, sizeof text, "Index '%.*s': %s (key 0x%s)", (int)ix->name.n, ix->name.p,
                   what, hex);
    return c->report(c->cx, c->arg, text);
}

static ql_status
found(checker *c, const ql_index *ix, const char *what, ql_str key)
{
    c->findings++;
    return tell(c, ix, what, key);
}

/* An error that speaks of the data is a finding, and its text is told; others are passed on. */
static ql_status
found_error(checker *c, const ql_index *ix, ql_status st)
{
    const ql_condition *e = st == QL_ERROR ? ql_diag_error(c->cx->diag) : NULL;
    char text[400];
    if (e == NULL || (e->number != QL_ER_TABLE_CORRUPT && e->number != QL_ER_GET_ERRNO &&
                      e->number != QL_ER_INDEX_CORRUPT)) {
        return st;
    }
    (void)snprintf(text, sizeof text, "Index '%.*s': %s", (int)ix->name.n, ix->name.p, e->text);
    ql_diag_clear_error(c->cx->diag);
    c->findings++;
    return c->told++ < TOLD_PER_INDEX ? c->report(c->cx, c->arg, text) : QL_OK;
}

static ql_status
end_index(checker *c, const ql_index *ix, uint64_t entries)
{
    char text[400];
    if (c->told > TOLD_PER_INDEX) {
        (void)snprintf(text, sizeof text, "Index '%.*s': %llu more such findings", (int)ix->name.n,
                       ix->name.p, (unsigned long long)(c->told - TOLD_PER_INDEX));
        QL_TRY(c->report(c->cx, c->arg, text));
    }
    if (entries != c->rows) {
        (void)snprintf(text, sizeof text, "Index '%.*s' contains %llu entries, should be %llu",
                       (int)ix->name.n, ix->name.p, (unsigned long long)entries,
                       (unsigned long long)c->rows);
        c->findings++;
        return c->report(c->cx, c->arg, text);
    }
    return QL_OK;
}

/* --- one row, one entry --- */

static ql_status
check_entry_of_row(checker *c, const ql_index *ix, ql_str locator)
{
    bool is_unique;
    ql_str value, want;
    QL_TRY(qli_secondary_key(c->cx, &c->key, c->t, ix, c->values, locator, &is_unique));
    ql_status st = ql_txn_get(c->cx, QL_VIEW_STATEMENT, qli_str(&c->key), &value);
    if (st == QL_END) {
        return found(c, ix, "a row has no entry", qli_str(&c->key));
    }
    if (st != QL_OK) {
        return found_error(c, ix, st);
    }
    QL_TRY(qli_entry_value(c->cx, &c->value, c->t, ix, c->values, locator, &want));
    if (ql_str_eq(value, want)) {
        return QL_OK;
    }
    bool leads = ql_str_eq(ql_entry_locator(ix, value), ql_entry_locator(ix, want));
    return found(c, ix,
                 leads ? "an entry holds other texts than its row"
                       : "an entry leads to another row than its own",
                 qli_str(&c->key));
}

static ql_status
decode(checker *c, ql_str row)
{
    return ql_row_decode_as(c->cx, &c->t->layout, row, c->values);
}

static ql_status
check_values(checker *c, ql_str key)
{
    ql_row_finding f = {.text = ""};
    if (c->row_check == NULL) {
        return QL_OK;
    }
    QL_TRY(c->row_check(c->cx, c->arg, c->values, &f));
    if (f.text[0] == '\0') {
        return QL_OK;
    }
    c->findings += f.is_damage;
    return tell(c, &c->t->indexes[0], f.text, key);
}

/* Read once more as a point: scans do not compare checksums. */
static ql_status
check_row(checker *c, ql_str key)
{
    const ql_index *primary = &c->t->indexes[0];
    ql_str row;
    ql_status st = ql_txn_get(c->cx, QL_VIEW_STATEMENT, key, &row);
    c->rows++;
    if (st == QL_END) {
        return found(c, primary, "a row that is not found by its key", key);
    }
    if (st == QL_OK) {
        st = decode(c, row);
    }
    if (st != QL_OK) {
        return found_error(c, primary, st);
    }
    if (!primary->hidden_rowid) {
        QL_TRY(qli_clustered_key(c->cx, &c->key, c->t, c->values));
        if (!ql_str_eq(qli_str(&c->key), key)) {
            return found(c, primary, "a row does not belong to its key", key);
        }
    }
    for (uint16_t i = 1; i < c->t->nindexes; i++) {
        QL_TRY(check_entry_of_row(c, &c->t->indexes[i], key));
    }
    return check_values(c, key);
}

static ql_status
check_entry(checker *c, const ql_index *ix, ql_str key, ql_str value)
{
    ql_str suffix = ql_entry_locator(ix, value);
    bool is_unique;
    ql_str row;
    QL_TRY(qli_key_start(c->cx, &c->row_key, c->t->indexes[0].id));
    QL_TRY(ql_buf_put(c->cx, &c->row_key, suffix.p, suffix.n));
    ql_status st = ql_txn_get(c->cx, QL_VIEW_STATEMENT, qli_str(&c->row_key), &row);
    if (st == QL_END) {
        return found(c, ix, "an entry leads to no row", key);
    }
    if (st == QL_OK) {
        st = decode(c, row);
    }
    if (st != QL_OK) {
        return found_error(c, ix, st);
    }
    QL_TRY(
        qli_secondary_key(c->cx, &c->key, c->t, ix, c->values, qli_str(&c->row_key), &is_unique));
    return ql_str_eq(qli_str(&c->key), key) ? QL_OK
                                            : found(c, ix, "an entry does not match its row", key);
}

/* --- one index --- */

static ql_status
look(checker *c)
{
    return ql_check(c->cx); /* a row may be large */
}

static ql_status
walk(checker *c, ql_txn_cursor *cur, const ql_index *ix, uint64_t *n)
{
    ql_str k, v;
    bool is_first = ix == &c->t->indexes[0];
    QL_TRY(qli_key_start(c->cx, &c->key, ix->id));
    QL_TRY(qli_key_start(c->cx, &c->end, ix->id));
    bool bounded = qli_key_successor(&c->end);
    ql_txn_cursor_within(cur, (ql_str){NULL, 0}, bounded ? qli_str(&c->end) : (ql_str){NULL, 0});
    ql_status st = ql_txn_seek_ge(c->cx, cur, qli_str(&c->key), &k, &v);
    while (st == QL_OK && (!bounded || ql_str_cmp(k, qli_str(&c->end)) < 0)) {
        QL_TRY(look(c));
        QL_TRY(*n % BLOCK == 0 ? QL_SYNC(c->cx, CHECK_BLOCK) : QL_OK);
        QL_TRY(is_first ? check_row(c, k) : check_entry(c, ix, k, v));
        ++*n;
        st = ql_txn_next(c->cx, cur, &k, &v);
    }
    return st == QL_OK || st == QL_END ? QL_OK : found_error(c, ix, st);
}

static ql_status
check_index(checker *c, const ql_index *ix)
{
    ql_txn_cursor *cur;
    uint64_t n = 0;
    c->told = 0;
    QL_TRY(ql_txn_cursor_open(c->cx, QL_VIEW_STATEMENT, &cur));
    ql_status st = walk(c, cur, ix, &n);
    ql_txn_cursor_close(cur);
    QL_TRY(st);
    return end_index(c, ix, n);
}

ql_status
qli_table_check(ql_ctx *cx, ql_arena *a, ql_table *t, ql_table_report report,
                ql_table_row_check row_check, void *arg, uint64_t *findings)
{
    checker c = {.cx = cx, .t = t, .report = report, .row_check = row_check, .arg = arg};
    c.values = QL_ARENA_ARRAY(cx, a, ql_value, t->ncolumns + 1);
    if (c.values == NULL) {
        return QL_ERROR;
    }
    ql_status st = QL_OK;
    for (uint16_t i = 0; st == QL_OK && i < t->nindexes; i++) {
        st = check_index(&c, &t->indexes[i]);
    }
    ql_buf_free(&c.end);
    ql_buf_free(&c.key);
    ql_buf_free(&c.row_key);
    ql_buf_free(&c.value);
    *findings = c.findings;
    return st;
}
