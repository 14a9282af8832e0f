/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans that lock: what they keep others from doing, which rows they give when others commit
 * meanwhile, and rows locked one by one. Who is kept out is asked with locks that do not wait.
 */
#include "fixture.h"

enum { FREE, TAKEN };

/* The answer of a lock that does not wait: granted (given back with the transaction), or 3572. */
static int
answer(sess *b, ql_status st)
{
    if (st == QL_OK) {
        return FREE;
    }
    assert_int_equal(st, QL_ERROR);
    int code = sess_error(b);
    assert_true(code == 3572 || code == 1205);
    ql_diag_clear_error(b->cx.diag);
    return TAKEN;
}

static ql_str
key_of(sess *b, ql_table *t, int64_t id)
{
    ql_buf key = {0};
    row_values r = row_of(id, NO_INT, NULL, 0);
    OK(qli_clustered_key(&b->cx, &key, t, r.v));
    char *p = ql_arena_strndup(&b->cx, b->cx.arena, key.p, key.n);
    ql_str k = {p, key.n};
    ql_buf_free(&key);
    return k;
}

static int
row_answer(world *w, ql_table *t, int64_t id, ql_lock_mode mode)
{
    sess b;
    sess_begin(&b, &w->inst);
    begin(&b);
    ql_lock_how how = {.mode = mode, .policy = QL_LOCK_NOWAIT};
    int a = answer(&b, ql_txn_lock_row(&b.cx, key_of(&b, t, id), &how));
    rollback(&b);
    sess_end(&b);
    return a;
}

/* Would an insert of this row wait? */
static int
insert_answer(world *w, ql_table *t, row_values r)
{
    sess b;
    ql_write_result result;
    ql_dup dup;
    sess_begin(&b, &w->inst);
    b.vars.innodb_lock_wait_timeout = 0;
    begin(&b);
    int a = answer(&b, ql_table_insert(&b.cx, t, r.v, QL_LOCK_S, &result, &dup));
    rollback(&b);
    sess_end(&b);
    return a;
}

static void
fill(sess *s, ql_table *t, const int64_t *ids, size_t n)
{
    begin(s);
    for (size_t i = 0; i < n; i++) {
        insert_ok(s, t, row_of(ids[i], ids[i] * 10, "x", (uint64_t)ids[i]));
    }
    commit(s);
}

static ql_scan_spec
locking_spec(ql_table *t, const ql_index *ix, ql_lock_mode mode)
{
    ql_scan_spec spec = scan_spec(t, ix);
    spec.lock = (ql_scan_lock){.kind = QL_SCAN_LOCK_RANGE, .mode = mode};
    return spec;
}

static void
bounds(ql_scan_spec *spec, ql_value v[2], int64_t low, int64_t high)
{
    v[0] = ql_value_int(low);
    v[1] = ql_value_int(high);
    spec->low = (ql_bound){.values = &v[0], .n = 1, .inclusive = true};
    spec->high = (ql_bound){.values = &v[1], .n = 1, .inclusive = true};
}

static void
rows_and_gaps(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const int64_t ids[] = {10, 20, 30, 40};
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, ids, 4);
    for (int back = 0; back < 2; back++) {
        ql_value v[2];
        ql_scan_spec spec = locking_spec(t, NULL, QL_LOCK_X);
        bounds(&spec, v, 15, 35);
        spec.reverse = back;
        begin(s);
        assert_int_equal(count_scan(s, &spec), 2);
        assert_int_equal(row_answer(w, t, 20, QL_LOCK_S), TAKEN);
        assert_int_equal(row_answer(w, t, 30, QL_LOCK_S), TAKEN);
        assert_int_equal(row_answer(w, t, 10, QL_LOCK_X), FREE);
        assert_int_equal(row_answer(w, t, 40, QL_LOCK_X), FREE);
        for (int64_t id = 11; id < 40; id++) {
            if (id % 10 != 0) {
                assert_int_equal(insert_answer(w, t, row_of(id, NO_INT, NULL, 0)),
                                 id >= 15 && id <= 35 ? TAKEN : FREE);
            }
        }
        commit(s);
        assert_int_equal(row_answer(w, t, 20, QL_LOCK_X), FREE);
        assert_int_equal(insert_answer(w, t, row_of(25, NO_INT, NULL, 0)), FREE);
    }
    ql_table_put(t);
}

/* Gaps do not exclude each other, and shared ranges do not. */
static void
what_goes_together(void **state)
{
    world *w = *state;
    sess *s = &w->boot, b;
    const int64_t ids[] = {10, 20};
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, ids, 2);
    ql_value v[2];
    ql_scan_spec gap = locking_spec(t, NULL, QL_LOCK_X), all = locking_spec(t, NULL, QL_LOCK_S);
    bounds(&gap, v, 12, 18);
    sess_begin(&b, &w->inst);
    begin(s);
    begin(&b);
    assert_int_equal(count_scan(s, &gap), 0);
    assert_int_equal(count_scan(&b, &gap), 0);
    assert_int_equal(count_scan(s, &all), 2);
    assert_int_equal(count_scan(&b, &all), 2);
    commit(&b);
    sess_end(&b);
    commit(s);
    ql_table_put(t);
}

static void
points(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const int64_t ids[] = {10, 20};
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, ids, 2);
    ql_value v[2];
    ql_scan_spec spec = locking_spec(t, NULL, QL_LOCK_X);
    begin(s);
    bounds(&spec, v, 10, 10);
    assert_int_equal(count_scan(s, &spec), 1);
    assert_int_equal(row_answer(w, t, 10, QL_LOCK_S), TAKEN);
    assert_int_equal(insert_answer(w, t, row_of(11, NO_INT, NULL, 0)), FREE);
    assert_int_equal(insert_answer(w, t, row_of(9, NO_INT, NULL, 0)), FREE);
    bounds(&spec, v, 15, 15);
    assert_int_equal(count_scan(s, &spec), 0);
    assert_int_equal(insert_answer(w, t, row_of(15, NO_INT, NULL, 0)), TAKEN);
    assert_int_equal(insert_answer(w, t, row_of(16, NO_INT, NULL, 0)), FREE);
    commit(s);
    /* a unique secondary index: its key and the row */
    spec = locking_spec(t, &t->indexes[1], QL_LOCK_X);
    begin(s);
    bounds(&spec, v, 200, 200);
    assert_int_equal(count_scan(s, &spec), 1);
    assert_int_equal(row_answer(w, t, 20, QL_LOCK_S), TAKEN);
    assert_int_equal(row_answer(w, t, 10, QL_LOCK_X), FREE);
    bounds(&spec, v, 150, 150);
    assert_int_equal(count_scan(s, &spec), 0);
    assert_int_equal(insert_answer(w, t, row_of(15, 150, NULL, 0)), TAKEN);
    assert_int_equal(insert_answer(w, t, row_of(15, 151, NULL, 0)), FREE);
    commit(s);
    ql_table_put(t);
}

/* A covering scan that shares leaves the rows alone; one that excludes does not. */
static void
secondary_ranges(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    static const uint16_t only_a[] = {COL_A};
    const int64_t ids[] = {10, 20, 30};
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, ids, 3);
    for (int mode = QL_LOCK_S; mode <= QL_LOCK_X; mode++) {
        ql_value v[2];
        ql_scan_spec spec = locking_spec(t, &t->indexes[1], (ql_lock_mode)mode);
        bounds(&spec, v, 150, 250);
        spec.ordinals = only_a;
        spec.ncols = 1;
        spec.index_only = true;
        spec.want_locator = false;
        begin(s);
        assert_int_equal(count_scan(s, &spec), 1);
        assert_int_equal(insert_answer(w, t, row_of(1, 151, NULL, 0)), TAKEN);
        assert_int_equal(insert_answer(w, t, row_of(1, 251, NULL, 0)), FREE);
        assert_int_equal(row_answer(w, t, 20, QL_LOCK_X), mode == QL_LOCK_X ? TAKEN : FREE);
        assert_int_equal(row_answer(w, t, 30, QL_LOCK_X), FREE);
        commit(s);
    }
    ql_table_put(t);
}

/* Batches of one row: locked is what was handed out. */
static void
one_by_one(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const int64_t ids[] = {10, 20, 30};
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, ids, 3);
    ql_scan_spec spec = locking_spec(t, NULL, QL_LOCK_X);
    spec.lock.one_by_one = true;
    ql_scan *scan;
    ql_batch *b;
    begin(s);
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    OK(ql_scan_next(&s->cx, scan, &b));
    assert_int_equal(b->n, 1);
    OK(ql_scan_next(&s->cx, scan, &b));
    assert_int_equal(b->cols[COL_ID].i[0], 20);
    assert_int_equal(row_answer(w, t, 10, QL_LOCK_S), TAKEN);
    assert_int_equal(row_answer(w, t, 20, QL_LOCK_S), TAKEN);
    assert_int_equal(row_answer(w, t, 30, QL_LOCK_X), FREE);
    assert_int_equal(insert_answer(w, t, row_of(15, NO_INT, NULL, 0)), TAKEN);
    assert_int_equal(insert_answer(w, t, row_of(25, NO_INT, NULL, 0)), FREE);
    ql_scan_close(scan);
    commit(s);
    ql_table_put(t);
}

/* --- others commit meanwhile -------------------------------------------------------------------
 */

typedef struct reader {
    sess s;
    ql_scan_spec spec;
    int64_t ids[8192];
    size_t n;
    ql_status st;
    pthread_t th;
} reader;

static void *
run_reader(void *arg)
{
    reader *r = arg;
    ql_scan *scan;
    ql_batch *b;
    r->st = ql_scan_open(&r->s.cx, r->s.cx.arena, &r->spec, &scan);
    while (r->st == QL_OK && (r->st = ql_scan_next(&r->s.cx, scan, &b)) == QL_OK) {
        for (uint16_t i = 0; i < b->n; i++) {
            r->ids[r->n++] = b->cols[COL_ID].i[i];
        }
    }
    ql_scan_close(scan);
    return NULL;
}

static uint64_t
lock_waits(world *w)
{
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    return st.row_lock_waits;
}

/* Rows 0, 10, ..., 90 are there. A writer deletes 30 and 40, changes 50 and inserts `more` rows
 * from 1000 on below and the rows 5, 25, 95 around; the reader waits for it and then gives exactly
 * what is there, in order. */
static void
check_reader(world *w, ql_table *t, const ql_index *ix, bool back, size_t more)
{
    sess *s = &w->boot;
    reader *r = calloc(1, sizeof *r);
    ql_dup dup;
    assert_non_null(r);
    begin(s);
    delete_row(s, t, 30);
    delete_row(s, t, 40);
    assert_int_equal(update_row(s, t, 50, row_of(50, 500, "new", 50), &dup), QL_WROTE);
    insert_ok(s, t, row_of(5, 50, "x", 5));
    insert_ok(s, t, row_of(25, 250, "x", 25));
    insert_ok(s, t, row_of(95, 950, "x", 95));
    for (size_t i = 0; i < more; i++) { /* between 50 and 60 in both indexes */
        int64_t id = 1000 + (int64_t)i;
        row_values v = row_of(id, 100000 + id, "x", 55);
        insert_ok(s, t, v);
    }
    sess_begin(&r->s, &w->inst);
    begin(&r->s);
    r->spec = locking_spec(t, ix, QL_LOCK_X);
    r->spec.reverse = back;
    uint64_t before = lock_waits(w);
    assert_int_equal(pthread_create(&r->th, NULL, run_reader, r), 0);
    while (lock_waits(w) == before) {
    }
    commit(s);
    pthread_join(r->th, NULL);
    assert_int_equal(r->st, QL_END);
    assert_int_equal(r->n, 11 + more);
    size_t at = 0;
    static const int64_t want[] = {0, 5, 10, 20, 25, 50, 60, 70, 80, 90, 95};
    for (size_t i = 0; i < 11 + more; i++) {
        int64_t id = i < 11 ? want[i] : 1000 + (int64_t)(i - 11);
        at = back ? 11 + more - 1 - i : i;
        assert_int_equal(r->ids[at], id);
    }
    assert_int_equal(row_answer(w, t, 25, QL_LOCK_S), TAKEN);
    assert_int_equal(row_answer(w, t, 50, QL_LOCK_S), TAKEN);
    rollback(&r->s);
    sess_end(&r->s);
    free(r);
}

static void
reading_again(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    static const size_t more[] = {0, 1, 20, 3000};
    make_table(s, true);
    for (size_t m = 0; m < QL_ARRAY_LEN(more); m++) {
        for (int k = 0; k < 4; k++) {
            ql_table *t = open_table(s);
            begin(s);
            for (int64_t id = 0; id < 100; id += 10) {
                insert_ok(s, t, row_of(id, id * 10, "x", (uint64_t)id));
            }
            commit(s);
            check_reader(w, t, k < 2 ? NULL : &t->indexes[1], k % 2 != 0, more[m]);
            begin(s);
            ql_scan_spec spec = locking_spec(t, NULL, QL_LOCK_X);
            ql_scan *scan;
            ql_batch *b;
            OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
            while (ql_scan_next(&s->cx, scan, &b) == QL_OK) {
                for (uint16_t i = 0; i < b->n; i++) {
                    ql_value old[NCOLS];
                    for (uint16_t c = 0; c < NCOLS; c++) {
                        ql_vector_get(&b->cols[c], i, &old[c]);
                    }
                    OK(ql_table_delete(&s->cx, t, ql_scan_locator(scan, i), old));
                }
            }
            ql_scan_close(scan);
            commit(s);
            ql_table_put(t);
        }
    }
}

/* --- row by row --------------------------------------------------------------------------------
 */

static void
rows_one_by_one(void **state)
{
    world *w = *state;
    sess *s = &w->boot, b;
    const int64_t ids[] = {10, 20, 30, 40};
    ql_dup dup;
    make_table(s, true);
    ql_table *t = open_table(s);
    for (int sec = 0; sec < 2; sec++) {
        fill(s, t, ids, 4);
        ql_scan_spec spec = scan_spec(t, sec ? &t->indexes[1] : NULL);
        spec.lock = (ql_scan_lock){QL_SCAN_LOCK_ROWS, QL_LOCK_X, QL_LOCK_SKIP, false};
        ql_scan *scan;
        ql_batch *batch;
        bool changed;
        sess_begin(&b, &w->inst);
        begin(&b);
        OK(ql_scan_open(&b.cx, b.cx.arena, &spec, &scan));
        OK(ql_scan_next(&b.cx, scan, &batch));
        assert_int_equal(batch->n, 4);
        assert_int_equal(row_answer(w, t, 10, QL_LOCK_X), FREE); /* nothing by itself */
        OK(ql_scan_lock_row(&b.cx, scan, 0, &changed));
        assert_false(changed);
        assert_int_equal(row_answer(w, t, 10, QL_LOCK_S), TAKEN);
        ql_scan_unlock_row(&b.cx, scan, 0);
        assert_int_equal(row_answer(w, t, 10, QL_LOCK_X), FREE);
        begin(s);
        delete_row(s, t, 20);
        assert_int_equal(update_row(s, t, 30, row_of(30, 300, "new", 99), &dup), QL_WROTE);
        assert_int_equal(ql_scan_lock_row(&b.cx, scan, 1, &changed), QL_TIMEOUT);
        commit(s);
        assert_int_equal(ql_scan_lock_row(&b.cx, scan, 1, &changed), QL_END);
        assert_int_equal(row_answer(w, t, 20, QL_LOCK_X), FREE);
        OK(ql_scan_lock_row(&b.cx, scan, 2, &changed));
        assert_true(changed);
        assert_int_equal(batch->cols[COL_C].i[2], 99);
        begin(s);
        assert_int_equal(update_row(s, t, 40, row_of(40, 444, "x", 40), &dup), QL_WROTE);
        commit(s);
        /* through the index on a, its key has moved; by its clustered key it is there */
        assert_int_equal(ql_scan_lock_row(&b.cx, scan, 3, &changed), sec ? QL_END : QL_OK);
        ql_scan_close(scan);
        commit(&b);
        sess_end(&b);
        begin(s);
        delete_row(s, t, 10);
        delete_row(s, t, 30);
        delete_row(s, t, 40);
        commit(s);
    }
    ql_table_put(t);
}

/* Everything that a writer does in an index is met by who reads its range. */
static void
writers_are_met(void **state)
{
    world *w = *state;
    sess *s = &w->boot, b;
    const int64_t ids[] = {10, 20, 30};
    ql_dup dup;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, ids, 3);
    for (int what = 0; what < 3; what++) {
        begin(s);
        if (what == 0) {
            insert_ok(s, t, row_of(15, 150, "x", 15));
        } else if (what == 1) {
            delete_row(s, t, 20);
        } else {
            assert_int_equal(update_row(s, t, 20, row_of(20, 222, "y", 22), &dup), QL_WROTE);
        }
        for (uint16_t i = 0; i < t->nindexes; i++) {
            ql_scan *scan;
            ql_batch *batch;
            ql_scan_spec spec = locking_spec(t, &t->indexes[i], QL_LOCK_S);
            sess_begin(&b, &w->inst);
            b.vars.innodb_lock_wait_timeout = 0;
            begin(&b);
            OK(ql_scan_open(&b.cx, b.cx.arena, &spec, &scan));
            assert_int_equal(answer(&b, ql_scan_next(&b.cx, scan, &batch)), TAKEN);
            ql_scan_close(scan);
            rollback(&b);
            sess_end(&b);
        }
        rollback(s);
    }
    ql_table_put(t);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_and_gaps),    TEST(what_goes_together), TEST(points),
        TEST(secondary_ranges), TEST(one_by_one),         TEST(reading_again),
        TEST(rows_one_by_one),  TEST(writers_are_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
