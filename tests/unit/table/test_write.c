/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes one by one: what a duplicate says and leaves, NULLs, keys under a collation, prefixes,
 * keys that are too long, and two transactions that meet at a unique key.
 */
#include <pthread.h>
#include <stdio.h>

#include "fixture.h"

static void
expect_duplicate(sess *s, ql_table *t, const ql_dup *dup, const char *text)
{
    assert_int_equal(ql_table_dup_error(&s->cx, t, dup), QL_ERROR);
    const ql_condition *c = ql_diag_error(s->cx.diag);
    assert_int_equal(c->number, 1062);
    assert_string_equal(c->sqlstate, "23000");
    assert_string_equal(c->text, text);
    ql_diag_reset(s->cx.diag);
}

static void
a_duplicate_leaves_nothing(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_dup dup;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 5));
    commit(s);
    begin(s);
    assert_int_equal(insert_row(s, t, row_of(1, 11, "y", 6), &dup), QL_DUPLICATE);
    expect_duplicate(s, t, &dup, "Duplicate entry '1' for key 't.PRIMARY'");
    assert_int_equal(insert_row(s, t, row_of(2, 10, "y", 6), &dup), QL_DUPLICATE);
    expect_duplicate(s, t, &dup, "Duplicate entry '10' for key 't.u'");
    assert_memory_equal(dup.locator.p, locator_of(s, t, 1).p, dup.locator.n);
    assert_false(ql_txn_has_writes(s->cx.txn));
    for (unsigned i = 0; i < t->nindexes; i++) {
        assert_int_equal(count_keys(s, &t->indexes[i]), 1);
    }
    commit(s);
    assert_int_equal(ql_table_rows(t), 1);
    ql_table_put(t);
}

static void
duplicates_within_a_statement(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_dup dup;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 5));
    assert_int_equal(insert_row(s, t, row_of(1, 11, "x", 5), &dup), QL_DUPLICATE);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 0);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_OWN), 1);
    next_statement(s);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 1);
    rollback(s);
    begin(s);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 0);
    rollback(s);
    ql_table_put(t);
}

static void
nulls_are_never_duplicates(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_dup dup;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 5; i++) {
        insert_ok(s, t, row_of(i, NO_INT, NULL, 0));
    }
    assert_int_equal(update_row(s, t, 0, row_of(0, 7, NULL, 0), &dup), QL_WROTE);
    assert_int_equal(update_row(s, t, 1, row_of(1, 7, NULL, 0), &dup), QL_DUPLICATE);
    expect_duplicate(s, t, &dup, "Duplicate entry '7' for key 't.u'");
    assert_int_equal(update_row(s, t, 0, row_of(0, NO_INT, NULL, 0), &dup), QL_WROTE);
    assert_int_equal(update_row(s, t, 1, row_of(1, 7, NULL, 0), &dup), QL_WROTE);
    for (unsigned i = 0; i < t->nindexes; i++) {
        assert_int_equal(count_keys(s, &t->indexes[i]), 5);
    }
    commit(s);
    ql_table_put(t);
}

/* UPDATE t SET id = id + 1 in descending order, and swaps through a free value. */
static void
the_clustered_key_moves(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_dup dup;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 1));
    insert_ok(s, t, row_of(2, 20, "x", 2));
    assert_int_equal(update_row(s, t, 1, row_of(2, 10, "x", 1), &dup), QL_DUPLICATE);
    expect_duplicate(s, t, &dup, "Duplicate entry '2' for key 't.PRIMARY'");
    assert_int_equal(update_row(s, t, 2, row_of(3, 20, "x", 2), &dup), QL_WROTE);
    assert_int_equal(update_row(s, t, 1, row_of(2, 10, "x", 1), &dup), QL_WROTE);
    next_statement(s);
    for (unsigned i = 0; i < t->nindexes; i++) {
        assert_int_equal(count_rows(s, t, &t->indexes[i], QL_VIEW_STATEMENT), 2);
    }
    commit(s);
    assert_int_equal(ql_table_rows(t), 2);
    ql_table_put(t);
}

/* --- text ------------------------------------------------------------------------------------- */

/* d.t: name VARCHAR(20) PRIMARY KEY, note VARCHAR(50) NOT NULL, UNIQUE (note(3)) */
static ql_table *
make_text_table(sess *s, uint32_t name_chars, uint32_t note_prefix)
{
    ql_column columns[2] = {text_column("name", name_chars, false),
                            text_column("note", 700, false)};
    ql_index_part parts[] = {{.column = 0}, {.column = 1, .prefix = note_prefix}};
    ql_index indexes[] = {{.parts = &parts[0], .nparts = 1, .primary = true},
                          {.name = str("n"), .parts = &parts[1], .nparts = 1, .unique = true}};
    ql_table_spec spec = {.columns = columns, .ncolumns = 2, .indexes = indexes, .nindexes = 2};
    make_table_of(s, &spec);
    return open_table(s);
}

static ql_write_result
insert_text(sess *s, ql_table *t, const char *name, const char *note, ql_dup *dup)
{
    ql_value v[2] = {ql_value_str(str(name), ql_coll_default),
                     ql_value_str(str(note), ql_coll_default)};
    ql_write_result r;
    OK(ql_table_insert(&s->cx, t, v, QL_LOCK_S, &r, dup));
    return r;
}

static void
keys_under_a_collation(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_dup dup;
    ql_table *t = make_text_table(s, 20, 3);
    begin(s);
    assert_int_equal(insert_text(s, t, "Anna", "abcdef", &dup), QL_WROTE);
    assert_int_equal(insert_text(s, t, "\xc3\x84nna", "xyz", &dup), QL_DUPLICATE);
    expect_duplicate(s, t, &dup, "Duplicate entry '\xc3\x84nna' for key 't.PRIMARY'");
    assert_int_equal(insert_text(s, t, "Berta", "ABCxyz", &dup), QL_DUPLICATE);
    expect_duplicate(s, t, &dup, "Duplicate entry 'ABC' for key 't.n'");
    assert_int_equal(insert_text(s, t, "Berta", "ab", &dup), QL_WROTE);
    assert_int_equal(insert_text(s, t, "Anna ", "q", &dup), QL_WROTE); /* 0900: no padding */
    /* 'Anna' becomes 'anna': the same key, other bytes. */
    ql_value old[2], v[2];
    ql_write_result r;
    ql_buf key = {0};
    v[0] = ql_value_str(str("anna"), ql_coll_default);
    v[1] = ql_value_str(str("ABCDEF"), ql_coll_default);
    OK(qli_clustered_key(&s->cx, &key, t, v));
    ql_str l = qli_str(&key);
    OK(ql_table_lock_row(&s->cx, s->cx.arena, t, l, old));
    assert_int_equal(old[0].s.n, 4);
    assert_memory_equal(old[0].s.p, "Anna", 4);
    OK(ql_table_update(&s->cx, t, l, old, v, &r, &dup));
    assert_int_equal(r, QL_WROTE);
    OK(ql_table_lock_row(&s->cx, s->cx.arena, t, l, old));
    assert_memory_equal(old[0].s.p, "anna", 4);
    ql_buf_free(&key);
    assert_int_equal(count_keys(s, &t->indexes[0]), 3);
    assert_int_equal(count_keys(s, &t->indexes[1]), 3);
    commit(s);
    ql_table_put(t);
}

static void
long_duplicate_texts_are_cut(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_dup dup;
    char note[101] = {0}, want[200];
    ql_table *t = make_text_table(s, 20, 100);
    memset(note, 'z', 100);
    begin(s);
    assert_int_equal(insert_text(s, t, "a", note, &dup), QL_WROTE);
    assert_int_equal(insert_text(s, t, "b", note, &dup), QL_DUPLICATE);
    (void)snprintf(want, sizeof want, "Duplicate entry '%.64s' for key 't.n'", note);
    expect_duplicate(s, t, &dup, want);
    rollback(s);
    ql_table_put(t);
}

/* One U+FDFA has eighteen collation elements: the sort key outgrows any key that can be stored. */
static void
keys_that_cannot_be_stored(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_text_table(s, 700, 3);
    char *name = calloc(1, 700 * 3 + 1);
    for (int i = 0; i < 700; i++) {
        memcpy(name + i * 3, "\xef\xb7\xba", 3);
    }
    ql_value v[2] = {ql_value_str(str(name), ql_coll_default),
                     ql_value_str(str("x"), ql_coll_default)};
    ql_write_result r;
    ql_dup dup;
    begin(s);
    FAILS(s, ql_table_insert(&s->cx, t, v, QL_LOCK_S, &r, &dup), 1071);
    assert_int_equal(insert_text(s, t, "m", "m", &dup), QL_WROTE);
    next_statement(s);
    /* As a bound it is an ordinary value. */
    static const struct {
        bool low, high, inclusive;
        size_t want;
    } cases[] = {
        /* Arabic letters sort behind Latin ones */
        {true, true, true, 0},  {true, false, true, 0},  {true, false, false, 0},
        {false, true, true, 1}, {false, true, false, 1},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_scan_spec spec = scan_spec(t, NULL);
        spec.ncols = 2;
        spec.low = (ql_bound){.values = &v[0], .n = cases[i].low, .inclusive = cases[i].inclusive};
        spec.high =
            (ql_bound){.values = &v[0], .n = cases[i].high, .inclusive = cases[i].inclusive};
        assert_int_equal(count_scan(s, &spec), cases[i].want);
        spec.reverse = true;
        assert_int_equal(count_scan(s, &spec), cases[i].want);
    }
    rollback(s);
    free(name);
    ql_table_put(t);
}

/* --- two sessions ------------------------------------------------------------------------------
 */

typedef struct other {
    sess s;
    ql_table *t;
    row_values row;
    ql_status st;
    ql_write_result result;
    ql_dup dup;
    pthread_t th;
} other;

static void *
run_insert(void *arg)
{
    other *o = arg;
    o->st = ql_table_insert(&o->s.cx, o->t, o->row.v, QL_LOCK_S, &o->result, &o->dup);
    return NULL;
}

static uint64_t
lock_waits(world *w)
{
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    return st.row_lock_waits;
}

static void
start_insert(world *w, other *o, ql_table *t, row_values row)
{
    uint64_t before = lock_waits(w);
    o->t = t;
    o->row = row;
    sess_begin(&o->s, &w->inst);
    begin(&o->s);
    assert_int_equal(pthread_create(&o->th, NULL, run_insert, o), 0);
    while (lock_waits(w) == before) {
    }
}

static void
end_insert(other *o, ql_status st, ql_write_result result)
{
    pthread_join(o->th, NULL);
    assert_int_equal(o->st, st);
    if (st == QL_OK) {
        assert_int_equal(o->result, result);
        commit(&o->s);
    } else {
        rollback(&o->s);
    }
    sess_end(&o->s);
}

typedef void change(sess *s, ql_table *t);

static void
put_ten(sess *s, ql_table *t)
{
    insert_ok(s, t, row_of(1, 10, "x", 1));
}

static void
take_ten_away(sess *s, ql_table *t)
{
    delete_row(s, t, 5);
}

static void
move_ten(sess *s, ql_table *t)
{
    ql_dup dup;
    assert_int_equal(update_row(s, t, 5, row_of(5, 11, "x", 1), &dup), QL_WROTE);
}

static void
set_ten_null(sess *s, ql_table *t)
{
    ql_dup dup;
    assert_int_equal(update_row(s, t, 5, row_of(5, NO_INT, "x", 1), &dup), QL_WROTE);
}

static void
move_the_row(sess *s, ql_table *t)
{
    ql_dup dup;
    assert_int_equal(update_row(s, t, 5, row_of(6, 10, "x", 1), &dup), QL_WROTE);
}

/* A's change stands open while B inserts a = 10; then A commits or rolls back. */
static void
meet(world *w, bool ten_is_there, change *fn, bool commits, ql_write_result want)
{
    sess *s = &w->boot;
    other o = {0};
    make_table(s, true);
    ql_table *t = open_table(s);
    if (ten_is_there) {
        begin(s);
        insert_ok(s, t, row_of(5, 10, "x", 1));
        commit(s);
    }
    begin(s);
    fn(s, t);
    start_insert(w, &o, t, row_of(2, 10, "y", 2));
    if (commits) {
        commit(s);
    } else {
        rollback(s);
    }
    end_insert(&o, QL_OK, want);
    begin(s);
    OK(ql_catalog_drop_table(&s->cx, t));
    commit(s);
    ql_table_put(t);
}

static void
two_transactions_at_a_unique_key(void **state)
{
    world *w = *state;
    meet(w, false, put_ten, true, QL_DUPLICATE);
    meet(w, false, put_ten, false, QL_WROTE);
    meet(w, true, take_ten_away, true, QL_WROTE);
    meet(w, true, take_ten_away, false, QL_DUPLICATE);
    meet(w, true, move_ten, true, QL_WROTE);
    meet(w, true, move_ten, false, QL_DUPLICATE);
    meet(w, true, set_ten_null, true, QL_WROTE);
    meet(w, true, set_ten_null, false, QL_DUPLICATE);
    meet(w, true, move_the_row, true, QL_DUPLICATE);
    meet(w, true, move_the_row, false, QL_DUPLICATE);
}

static void
two_transactions_at_a_primary_key(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    other o = {0};
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 1));
    start_insert(w, &o, t, row_of(1, 11, "y", 2));
    commit(s);
    end_insert(&o, QL_OK, QL_DUPLICATE);
    begin(s);
    delete_row(s, t, 1);
    start_insert(w, &o, t, row_of(1, 10, "y", 2));
    commit(s);
    end_insert(&o, QL_OK, QL_WROTE);
    begin(s);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 1);
    rollback(s);
    ql_table_put(t);
}

static void
a_killed_wait_writes_nothing(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    other o = {0};
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 1));
    uint64_t before = lock_waits(w);
    o.t = t;
    o.row = row_of(2, 10, "y", 2);
    sess_begin(&o.s, &w->inst);
    ql_intr_stmt_begin(&o.s.intr, 9);
    begin(&o.s);
    assert_int_equal(pthread_create(&o.th, NULL, run_insert, &o), 0);
    while (lock_waits(w) == before) {
    }
    assert_true(ql_intr_raise(&o.s.intr, QL_INTR_QUERY, 9));
    pthread_join(o.th, NULL);
    assert_int_equal(o.st, QL_KILLED);
    assert_int_equal(sess_error(&o.s), 1317);
    assert_false(ql_txn_has_writes(o.s.cx.txn));
    ql_intr_stmt_end(&o.s.intr);
    rollback(&o.s);
    sess_end(&o.s);
    commit(s);
    ql_table_put(t);
}

static void
lock_wait_timeout(void **state)
{
    world *w = *state;
    sess *s = &w->boot, b;
    make_table(s, true);
    ql_table *t = open_table(s);
    ql_write_result r;
    ql_dup dup;
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 1));
    sess_begin(&b, &w->inst);
    b.vars.innodb_lock_wait_timeout = 0;
    begin(&b);
    FAILS(&b, ql_table_insert(&b.cx, t, row_of(2, 10, "y", 2).v, QL_LOCK_S, &r, &dup), 1205);
    assert_false(ql_txn_has_writes(b.cx.txn));
    insert_ok(&b, t, row_of(3, 30, "y", 2));
    commit(&b);
    sess_end(&b);
    commit(s);
    assert_int_equal(ql_table_rows(t), 2);
    ql_table_put(t);
}

/* The version that is locked is the newest one, not that of the statement's snapshot. */
static void
locking_reads_the_newest_version(void **state)
{
    world *w = *state;
    sess *s = &w->boot, b;
    ql_dup dup;
    ql_value v[NCOLS];
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    insert_ok(s, t, row_of(1, 10, "x", 1));
    insert_ok(s, t, row_of(2, 20, "x", 1));
    commit(s);
    sess_begin(&b, &w->inst);
    begin(&b);
    ql_str one = locator_of(&b, t, 1), two = locator_of(&b, t, 2);
    begin(s);
    assert_int_equal(update_row(s, t, 1, row_of(1, 99, "new", 1), &dup), QL_WROTE);
    delete_row(s, t, 2);
    commit(s);
    assert_int_equal(count_rows(&b, t, NULL, QL_VIEW_STATEMENT), 2);
    OK(ql_table_lock_row(&b.cx, b.cx.arena, t, one, v));
    assert_int_equal(v[COL_A].i, 99);
    assert_int_equal(ql_table_lock_row(&b.cx, b.cx.arena, t, two, v), QL_END);
    commit(&b);
    sess_end(&b);
    ql_table_put(t);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_duplicate_leaves_nothing),
        TEST(duplicates_within_a_statement),
        TEST(nulls_are_never_duplicates),
        TEST(the_clustered_key_moves),
        TEST(keys_under_a_collation),
        TEST(long_duplicate_texts_are_cut),
        TEST(keys_that_cannot_be_stored),
        TEST(two_transactions_at_a_unique_key),
        TEST(two_transactions_at_a_primary_key),
        TEST(a_killed_wait_writes_nothing),
        TEST(lock_wait_timeout),
        TEST(locking_reads_the_newest_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
