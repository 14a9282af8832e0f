/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds: rows in any order become a table that CHECK finds nothing in, duplicates are named,
 * memory that runs out and a full disk leave trash only; notes of rows that others change.
 */
#include <unistd.h>

#include "fixture.h"
#include "kv/memkv.h"
#include "table/build.h"
#include "table/notes.h"
#include "txn/beside.h"

#define ROWS 4000

/* The same definition, all ids new; or with one more index, the ids kept. */
typedef struct version {
    ql_table *old, *next;
    ql_building *building;
    ql_column columns[NCOLS];
    ql_index indexes[8];
    ql_table_spec spec;
    int from_column[NCOLS], from_index[8];
    ql_table_change c;
    ql_index_part part;
} version;

static void
next_version(sess *s, version *v, bool rebuild, bool add_unique)
{
    memset(v, 0, sizeof *v);
    v->old = open_table(s);
    for (int i = 0; i < NCOLS; i++) {
        v->columns[i] = v->old->columns[i];
        v->from_column[i] = i;
    }
    for (uint16_t i = 0; i < v->old->nindexes; i++) {
        if (!v->old->indexes[i].hidden_rowid) {
            v->from_index[v->spec.nindexes] = i;
            v->indexes[v->spec.nindexes++] = v->old->indexes[i];
        }
    }
    if (add_unique) {
        v->part = (ql_index_part){.column = COL_C};
        v->from_index[v->spec.nindexes] = -1;
        v->indexes[v->spec.nindexes++] =
            (ql_index){.name = str("added"), .unique = true, .nparts = 1, .parts = &v->part};
    }
    v->spec.db = str("d");
    v->spec.name = str("t");
    v->spec.columns = v->columns;
    v->spec.ncolumns = NCOLS;
    v->spec.indexes = v->indexes;
    v->c = (ql_table_change){.spec = &v->spec,
                             .from_column = v->from_column,
                             .from_index = v->from_index,
                             .rebuild = rebuild};
    OK(ql_catalog_new_version(&s->cx, v->old, &v->c, &v->next));
    OK(ql_catalog_build_begin(&s->cx, v->next, v->old, &v->building));
}

static void
drop_version(sess *s, version *v)
{
    ql_catalog_build_end(&s->cx, v->building);
    ql_table_put(v->next);
    ql_table_put(v->old);
}

static uint64_t
findings(sess *s, ql_table *t)
{
    uint64_t n;
    OK(ql_table_check(&s->cx, s->cx.arena, t, NULL, NULL, NULL, &n));
    return n;
}

static row_values
nth_row(int64_t i)
{
    static char texts[1000][8]; /* rows share their bytes */
    char *text = texts[i * 37 % 1000];
    snprintf(text, sizeof texts[0], "t%u", (unsigned)(i * 37 % 1000) & 0x3ffu);
    return row_of(i, i % 5 == 0 ? NO_INT : i * 7, i % 11 == 0 ? NULL : text, (uint64_t)(i * 3));
}

/* i-th of 0 ... ROWS - 1 in another order. */
static int64_t
shuffled(int64_t i)
{
    return i * 1597 % ROWS;
}

static void
build_and_check(sess *s, bool shuffle, bool with_primary)
{
    version v;
    ql_build *b;
    begin(s);
    next_version(s, &v, true, false);
    OK(ql_build_new(&s->cx, s->cx.arena, v.next, NULL, &b));
    assert_true(ql_build_writes_rows(b));
    for (int64_t i = 0; i < ROWS; i++) {
        row_values r = nth_row(shuffle ? shuffled(i) : i);
        OK(ql_build_row(&s->cx, b, r.v, (ql_str){0}));
    }
    OK(ql_build_finish(&s->cx, b));
    assert_int_equal(ql_build_rows(b), ROWS);
    ql_build_free(&s->cx, b);
    OK(ql_catalog_switch(&s->cx, v.old, v.next, NULL));
    commit(s);
    begin(s);
    ql_table *t = open_table(s);
    assert_ptr_equal(t, v.next);
    assert_int_equal(findings(s, t), 0);
    for (uint16_t i = 0; i < t->nindexes; i++) {
        assert_int_equal(count_keys(s, &t->indexes[i]), ROWS);
    }
    /* Ids are the keys; without them rows come as they were given. */
    ql_scan_spec spec = scan_spec(t, NULL);
    ql_scan *scan;
    ql_batch *batch;
    int64_t at = 0;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    while (ql_scan_next(&s->cx, scan, &batch) == QL_OK) {
        for (uint16_t k = 0; k < batch->n; k++, at++) {
            assert_int_equal(batch->cols[COL_ID].i[k],
                             with_primary || !shuffle ? at : shuffled(at));
            assert_int_equal(batch->cols[COL_C].i[k], 3 * batch->cols[COL_ID].i[k]);
        }
    }
    ql_scan_close(scan);
    ql_table_put(t);
    rollback(s);
    drop_version(s, &v);
}

static void
rows_in_any_order(void **state)
{
    world *w = *state;
    make_table(&w->boot, true);
    build_and_check(&w->boot, false, true);
    build_and_check(&w->boot, true, true);
}

static void
hidden_row_ids(void **state)
{
    world *w = *state;
    make_table(&w->boot, false);
    build_and_check(&w->boot, false, false);
    build_and_check(&w->boot, true, false);
}

static ql_status
build_rows(sess *s, version *v, const row_values *rows, size_t n)
{
    ql_build *b = NULL;
    ql_status st = ql_build_new(&s->cx, s->cx.arena, v->next, NULL, &b);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        st = ql_build_row(&s->cx, b, rows[i].v, (ql_str){0});
    }
    st = st == QL_OK ? ql_build_finish(&s->cx, b) : st;
    ql_build_free(&s->cx, b);
    return st;
}

static void
expect_duplicate(sess *s, const row_values *rows, size_t n, const char *text)
{
    version v;
    begin(s);
    next_version(s, &v, true, false);
    assert_int_equal(build_rows(s, &v, rows, n), QL_ERROR);
    const ql_condition *c = ql_diag_error(s->cx.diag);
    assert_int_equal(c->number, 1062);
    assert_string_equal(c->text, text);
    ql_diag_reset(s->cx.diag);
    rollback(s);
    drop_version(s, &v);
}

static void
duplicates_are_named(void **state)
{
    world *w = *state;
    make_table(&w->boot, true);
    const row_values neighbours[] = {row_of(1, 1, "x", 1), row_of(1, 2, "x", 2)};
    expect_duplicate(&w->boot, neighbours, 2, "Duplicate entry '1' for key 't.PRIMARY'");
    const row_values late[] = {row_of(1, 1, "x", 1), row_of(5, 2, "x", 2), row_of(1, 3, "x", 3)};
    expect_duplicate(&w->boot, late, 3, "Duplicate entry '1' for key 't.PRIMARY'");
    const row_values both_late[] = {row_of(9, 1, "x", 1), row_of(5, 2, "x", 2),
                                    row_of(5, 3, "x", 3)};
    expect_duplicate(&w->boot, both_late, 3, "Duplicate entry '5' for key 't.PRIMARY'");
    const row_values unique[] = {row_of(1, 77, "x", 1), row_of(2, NO_INT, "y", 2),
                                 row_of(3, NO_INT, "y", 2), row_of(4, 77, "z", 2)};
    expect_duplicate(&w->boot, unique, 4, "Duplicate entry '77' for key 't.u'");
}

/* A new unique index of rows that stay, with changes followed afterwards. */
static void
an_index_is_added(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    version v;
    ql_build *b;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int64_t i = 0; i < 50; i++) {
        insert_ok(s, t, nth_row(i));
    }
    commit(s);
    begin(s);
    next_version(s, &v, false, true);
    OK(ql_build_new(&s->cx, s->cx.arena, v.next, NULL, &b));
    assert_false(ql_build_writes_rows(b));
    for (int64_t i = 0; i < 50; i++) {
        ql_str l = locator_of(s, t, i);
        OK(ql_build_row(&s->cx, b, nth_row(i).v, l));
    }
    OK(ql_build_finish(&s->cx, b));
    /* Row 7 goes, row 8 takes the value that row 7 had, row 7's id comes back with another. */
    ql_str seven = locator_of(s, t, 7), eight = locator_of(s, t, 8);
    OK(ql_build_remove(&s->cx, b, nth_row(7).v, seven));
    OK(ql_build_remove(&s->cx, b, nth_row(8).v, eight));
    row_values r = nth_row(8);
    r.v[COL_C] = ql_value_uint(21);
    OK(ql_build_add(&s->cx, b, r.v, eight));
    FAILS(s, ql_build_add(&s->cx, b, nth_row(7).v, seven), 1062);
    OK(ql_build_flush(&s->cx, b));
    const ql_index *added = ql_table_index(v.next, str("added"));
    assert_int_equal(count_keys(s, added), 0); /* the statement's snapshot is older */
    ql_build_free(&s->cx, b);
    rollback(s);
    begin(s);
    assert_int_equal(count_keys(s, added), 49);
    rollback(s);
    ql_table_put(t);
    drop_version(s, &v);
}

/* The nth allocation fails, for every n: an error, the table as before, and then nothing is left.
 */
static void
memory_runs_out(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    row_values rows[40];
    for (int64_t i = 0; i < 40; i++) {
        rows[i] = nth_row(shuffled(i));
    }
    size_t arenas = 0;
    for (uint64_t nth = 1;; nth++) {
        version v;
        begin(s);
        next_version(s, &v, true, false);
        s->cx.mem_allocs = 0;
        s->cx.mem_fail_at = nth;
        ql_status st = build_rows(s, &v, rows, 40);
        s->cx.mem_fail_at = 0;
        ql_diag_reset(s->cx.diag);
        rollback(s);
        drop_version(s, &v);
        arenas = arenas == 0 ? ql_arena_live_count() : arenas;
        assert_int_equal(ql_arena_live_count(), arenas);
        if (st == QL_OK) {
            assert_true(nth > 10);
            break;
        }
        assert_int_equal(st, QL_ERROR);
    }
}

#ifdef QL_DEBUG
/* Killed at each look in turn: the table is as it was, and what was written goes. */
static void
killed_anywhere(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    row_values *rows = malloc(ROWS * sizeof *rows);
    for (int64_t i = 0; i < ROWS; i++) {
        rows[i] = nth_row(shuffled(i));
    }
    unsigned killed = 0;
    ql_status st = QL_KILLED;
    for (uint64_t at = 1; st == QL_KILLED; at += 1 + at / 3) {
        version v;
        begin(s);
        next_version(s, &v, true, false);
        ql_intr_arm_kill(&s->intr, at, QL_INTR_QUERY);
        ql_intr_stmt_begin(&s->intr, s->cx.stmt_id);
        st = build_rows(s, &v, rows, ROWS);
        ql_intr_arm_kill(&s->intr, 0, 0);
        killed += st == QL_KILLED;
        rollback(s);
        uint32_t id = v.next->indexes[0].id;
        drop_version(s, &v);
        ql_intr_stmt_end(&s->intr);
        ql_diag_reset(s->cx.diag);
        const ql_index gone = {.id = id};
        size_t left = 1;
        for (unsigned i = 0; i < 2000 && left != 0; i++) {
            begin(s);
            left = count_keys(s, &gone);
            rollback(s);
            usleep(left != 0 ? 2000 : 0);
        }
        assert_int_equal(left, 0);
    }
    assert_int_equal(st, QL_OK);
    assert_true(killed > 10);
    free(rows);
}
#endif

static void
take(sess *s, ql_notes *n, size_t expected)
{
    ql_str *keys;
    size_t count;
    OK(ql_notes_take(&s->cx, n, s->cx.arena, str("x"), &keys, &count));
    assert_int_equal(count, expected);
    for (size_t i = 1; i < count; i++) {
        assert_true(ql_str_cmp(keys[i - 1], keys[i]) < 0);
    }
}

static void
changes_are_noted_until_they_are_settled(void **state)
{
    world *w = *state;
    sess *s = &w->boot, a, b;
    ql_notes *n;
    ql_str *keys;
    size_t count;
    sess_begin(&a, &w->inst);
    sess_begin(&b, &w->inst);
    make_table(s, true);
    ql_table *t = open_table(s);
    OK(ql_notes_open(&s->cx, t, 65536, &n));
    begin(&a);
    insert_ok(&a, t, nth_row(1));
    insert_ok(&a, t, nth_row(2));
    begin(&b);
    insert_ok(&b, t, nth_row(3));
    ql_notes_settle(n); /* nobody has ended: all come again */
    take(s, n, 3);
    next_statement(&a);
    ql_dup dup;
    assert_int_equal(update_row(&a, t, 1, nth_row(4), &dup), QL_WROTE); /* its key moves */
    commit(&a);
    ql_notes_settle(n);
    take(s, n, 4);
    ql_notes_settle(n);
    take(s, n, 1); /* b's is left */
    rollback(&b);
    ql_notes_settle(n);
    take(s, n, 1);
    take(s, n, 0);
    begin(&a);
    for (int64_t i = 100; i < 4000; i++) {
        insert_ok(&a, t, nth_row(i));
    }
    rollback(&a);
    ql_notes_settle(n);
    FAILS(s, ql_notes_take(&s->cx, n, s->cx.arena, str("x"), &keys, &count), 1799);
    ql_notes_close(n);
    begin(&a);
    insert_ok(&a, t, nth_row(9)); /* nobody watches */
    commit(&a);
    ql_table_put(t);
    sess_end(&a);
    sess_end(&b);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_in_any_order),
        TEST(hidden_row_ids),
        TEST(duplicates_are_named),
        TEST(an_index_is_added),
        TEST(memory_runs_out),
#ifdef QL_DEBUG
        TEST(killed_anywhere),
#endif
        TEST(changes_are_noted_until_they_are_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
