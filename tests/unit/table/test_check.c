/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables that do not say the same as their indexes: what ql_table_check finds, and what scans do
 * that meet an entry without its row. The damage is done through the transaction, key by key.
 */
#include <stdio.h>

#include "fixture.h"

enum { ROWS = 300 };

typedef struct told {
    char text[40][400];
    int n;
} told;

static ql_status
listen(ql_ctx *cx, void *arg, const char *text)
{
    told *to = arg;
    (void)cx;
    assert_in_range(to->n, 0, 39);
    (void)snprintf(to->text[to->n++], sizeof to->text[0], "%s", text);
    return QL_OK;
}

static uint64_t
check(sess *s, ql_table *t, told *to)
{
    uint64_t findings;
    to->n = 0;
    begin(s);
    OK(ql_table_check(&s->cx, s->cx.arena, t, listen, NULL, to, &findings));
    commit(s);
    return findings;
}

static void
expect_told(const told *to, int i, const char *part)
{
    if (i >= to->n || strstr(to->text[i], part) == NULL) {
        fail_msg("'%s' is not in: %s", part, i < to->n ? to->text[i] : "(nothing)");
    }
}

static ql_table *
fill(sess *s, bool with_primary)
{
    make_table(s, with_primary);
    ql_table *t = open_table(s);
    begin(s);
    for (int64_t i = 0; i < ROWS; i++) {
        insert_ok(s, t,
                  row_of(i, i % 10 == 9 ? NO_INT : i * 2, i % 7 == 0 ? NULL : "text", (uint64_t)i));
    }
    commit(s);
    return t;
}

/* The key of row i's entry in index ix (0: of the row). */
static void
key_of(sess *s, ql_table *t, const ql_index *ix, int64_t i, ql_buf *key)
{
    row_values r = row_of(i, i % 10 == 9 ? NO_INT : i * 2, i % 7 == 0 ? NULL : "text", (uint64_t)i);
    ql_buf row = {0};
    bool is_unique;
    OK(qli_clustered_key(&s->cx, &row, t, r.v));
    if (ix == &t->indexes[0]) {
        ql_buf_free(key);
        *key = row;
        return;
    }
    OK(qli_secondary_key(&s->cx, key, t, ix, r.v, qli_str(&row), &is_unique));
    ql_buf_free(&row);
}

static void
drop_key(sess *s, ql_table *t, const char *index, int64_t i)
{
    ql_buf key = {0};
    key_of(s, t, ql_table_index(t, str(index)), i, &key);
    begin(s);
    OK(ql_txn_del(&s->cx, qli_str(&key)));
    commit(s);
    ql_buf_free(&key);
}

static void
whole_tables_have_no_findings(void **state)
{
    world *w = *state;
    told to;
    ql_table *t = fill(&w->boot, true);
    assert_int_equal(check(&w->boot, t, &to), 0);
    assert_int_equal(to.n, 0);
    ql_table_put(t);
}

static void
hidden_row_ids_have_no_findings(void **state)
{
    world *w = *state;
    told to;
    ql_table *t = fill(&w->boot, false);
    assert_int_equal(check(&w->boot, t, &to), 0);
    assert_int_equal(to.n, 0);
    ql_table_put(t);
}

static void
missing_entry(void **state)
{
    world *w = *state;
    told to;
    ql_table *t = fill(&w->boot, true);
    drop_key(&w->boot, t, "k", 5);
    assert_int_equal(check(&w->boot, t, &to), 2);
    expect_told(&to, 0, "Index 'k': a row has no entry (key 0x");
    expect_told(&to, 1, "Index 'k' contains 299 entries, should be 300");
    ql_table_put(t);
}

static void
missing_row(void **state)
{
    world *w = *state;
    told to;
    ql_table *t = fill(&w->boot, true);
    drop_key(&w->boot, t, "PRIMARY", 5);
    assert_int_equal(check(&w->boot, t, &to), 8); /* four indexes */
    expect_told(&to, 0, ": an entry leads to no row (key 0x");
    expect_told(&to, 1, "contains 300 entries, should be 299");
    ql_table_put(t);
}

/* As many entries as rows, one of them the wrong one. */
static void
entry_of_another_value(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    told to;
    ql_table *t = fill(s, true);
    const ql_index *ix = ql_table_index(t, str("d"));
    ql_buf key = {0};
    key_of(s, t, ix, 5, &key);
    begin(s);
    ql_str suffix;
    OK(ql_txn_get(&s->cx, QL_VIEW_STATEMENT, qli_str(&key), &suffix));
    char copy[64];
    ql_str kept = {copy, suffix.n};
    memcpy(copy, suffix.p, suffix.n);
    OK(ql_txn_del(&s->cx, qli_str(&key)));
    key.p[QLI_ID_BYTES + 3] ^= 0x10; /* c is another number */
    OK(ql_txn_put(&s->cx, qli_str(&key), kept));
    commit(s);
    ql_buf_free(&key);
    assert_int_equal(check(s, t, &to), 2);
    expect_told(&to, 0, "Index 'd': a row has no entry");
    expect_told(&to, 1, "Index 'd': an entry does not match its row");
    ql_table_put(t);
}

/* A row of which bytes are lost, and many findings of one kind: told a few times, counted. */
static void
damaged_row_and_many(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    told to;
    ql_table *t = fill(s, true);
    ql_buf key = {0};
    key_of(s, t, &t->indexes[0], 7, &key);
    begin(s);
    OK(ql_txn_put(&s->cx, qli_str(&key), str("\x07")));
    commit(s);
    ql_buf_free(&key);
    assert_in_range(check(s, t, &to), 5, 5); /* the row, and an entry in each index */
    expect_told(&to, 0, "Index 'PRIMARY': ");
    for (int64_t i = 100; i < 150; i++) {
        drop_key(s, t, "d", i);
    }
    assert_int_equal(check(s, t, &to), 5 + 50 + 1);
    assert_in_range(to.n, 10, 14);
    ql_table_put(t);
}

static ql_status
read_through(sess *s, ql_table *t, const char *index, ql_view view, ql_scan_locking locking,
             uint64_t *rows)
{
    ql_scan_spec spec = scan_spec(t, ql_table_index(t, str(index)));
    ql_scan *scan;
    ql_batch *b;
    spec.view = view;
    spec.lock.kind = locking;
    spec.lock.mode = QL_LOCK_X;
    *rows = 0;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    ql_status st;
    while ((st = ql_scan_next(&s->cx, scan, &b)) == QL_OK) {
        *rows += b->n;
    }
    ql_scan_close(scan);
    return st;
}

/* An entry without its row is an error, whichever way it is met. */
static void
scans_tell(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    uint64_t rows;
    ql_table *t = fill(s, true);
    static const struct {
        ql_view view;
        ql_scan_locking locking;
    } ways[] = {{QL_VIEW_STATEMENT, QL_SCAN_CONSISTENT},
                {QL_VIEW_LATEST, QL_SCAN_CONSISTENT},
                {QL_VIEW_LATEST, QL_SCAN_LOCK_RANGE},
                {QL_VIEW_LATEST, QL_SCAN_LOCK_ROWS}};
    for (size_t i = 0; i < QL_ARRAY_LEN(ways); i++) {
        begin(s);
        assert_int_equal(read_through(s, t, "k", ways[i].view, ways[i].locking, &rows), QL_END);
        assert_int_equal(rows, ROWS);
        commit(s);
    }
    drop_key(s, t, "PRIMARY", 5);
    for (size_t i = 0; i < QL_ARRAY_LEN(ways); i++) {
        begin(s);
        assert_int_equal(read_through(s, t, "k", ways[i].view, ways[i].locking, &rows), QL_ERROR);
        assert_int_equal(ql_diag_error(s->cx.diag)->number, 1712);
        assert_string_equal(ql_diag_error(s->cx.diag)->text, "Index k is corrupted");
        ql_diag_reset(s->cx.diag);
        /* the rows themselves are read as before */
        assert_int_equal(read_through(s, t, "PRIMARY", ways[i].view, ways[i].locking, &rows),
                         QL_END);
        assert_int_equal(rows, ROWS - 1);
        commit(s);
    }
    ql_table_put(t);
}

/* What whoever asks finds in values: 107 is odd, but no damage. */
static ql_status
dislike_seven(ql_ctx *cx, void *arg, const ql_value *values, ql_row_finding *f)
{
    (void)cx;
    (void)arg;
    if (values[COL_ID].i % 100 == 7) {
        (void)snprintf(f->text, sizeof f->text, "seven is disliked");
        f->is_damage = values[COL_ID].i != 107;
    }
    return QL_OK;
}

static void
values_that_somebody_dislikes(void **state)
{
    world *w = *state;
    told to = {0};
    uint64_t findings;
    ql_table *t = fill(&w->boot, true);
    begin(&w->boot);
    OK(ql_table_check(&w->boot.cx, w->boot.cx.arena, t, listen, dislike_seven, &to, &findings));
    commit(&w->boot);
    assert_int_equal(findings, 2); /* 7, 207 */
    assert_int_equal(to.n, 3);
    expect_told(&to, 0, "Index 'PRIMARY': seven is disliked (key 0x018000000000000007)");
    ql_table_put(t);
}

/* What can be read of a damaged table: every row but those. */
static void
salvage(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = fill(s, true);
    for (int64_t i = 0; i < ROWS; i += 100) { /* the first one, too */
        ql_buf key = {0};
        key_of(s, t, &t->indexes[0], i, &key);
        begin(s);
        OK(ql_txn_put(&s->cx, qli_str(&key), str("\x07")));
        commit(s);
        ql_buf_free(&key);
    }
    begin(s);
    ql_salvage *v;
    ql_value row[NCOLS];
    ql_str key;
    ql_status st;
    int64_t n = 0;
    OK(ql_salvage_open(&s->cx, s->cx.arena, t, &v));
    while ((st = ql_salvage_next(&s->cx, v, row, &key)) == QL_OK) {
        int64_t expected = n + 1 + n / 99; /* 1..99, 101..199, 201..299 */
        assert_int_equal(row[COL_ID].i, expected);
        n++;
    }
    assert_int_equal(st, QL_END);
    assert_int_equal(n, ROWS - 3);
    assert_int_equal(ql_salvage_close(v), 3);
    commit(s);
    ql_table_put(t);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(whole_tables_have_no_findings),
        TEST(hidden_row_ids_have_no_findings),
        TEST(missing_entry),
        TEST(missing_row),
        TEST(entry_of_another_value),
        TEST(damaged_row_and_many),
        TEST(scans_tell),
        TEST(values_that_somebody_dislikes),
        TEST(salvage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
