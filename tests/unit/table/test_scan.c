/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans one by one: sizes of batches, views, what another session commits meanwhile, covering
 * indexes of every type, virtual tables, estimates, kills. Bounds and order are in test_model.c.
 */
#include <stdio.h>

#include "catalog/virtual.h"
#include "fixture.h"

static void
fill(sess *s, ql_table *t, int64_t from, int64_t to)
{
    begin(s);
    for (int64_t i = from; i < to; i++) {
        insert_ok(s, t, row_of(i, i * 2, i % 3 ? "b" : "a", (uint64_t)i));
    }
    commit(s);
}

/* 16, 64, 256, then 1,024 a batch: LIMIT 1 does not read a thousand rows. */
static void
batches_grow(void **state)
{
    static const uint16_t want[] = {16, 64, 256, 1024, 1024, 616};
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, 0, 3000);
    begin(s);
    for (int reverse = 0; reverse < 2; reverse++) {
        ql_scan *scan;
        ql_batch *b;
        ql_scan_spec spec = scan_spec(t, NULL);
        int64_t next = reverse ? 2999 : 0;
        spec.reverse = reverse;
        OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
        for (size_t i = 0; i < QL_ARRAY_LEN(want); i++) {
            OK(ql_scan_next(&s->cx, scan, &b));
            assert_int_equal(b->n, want[i]);
            for (uint16_t k = 0; k < b->n; k++) {
                assert_int_equal(b->cols[COL_ID].i[k], next);
                next += reverse ? -1 : 1;
            }
        }
        assert_int_equal(ql_scan_next(&s->cx, scan, &b), QL_END);
        ql_scan_close(scan);
    }
    commit(s);
    ql_table_put(t);
}

/* Ten rows of 1 MiB: no batch holds much more than 4 MiB. */
static void
long_rows_end_a_batch(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_column columns[2] = {int_column("id", false), int_column("x", false)};
    columns[1].type = (ql_type){
        .kind = QL_K_STRING, .field = QL_F_LONG_BLOB, .length = UINT32_MAX, .coll = ql_coll_binary};
    ql_index_part part = {.column = 0};
    ql_index ix = {.parts = &part, .nparts = 1, .primary = true};
    ql_table_spec ts = {.columns = columns, .ncolumns = 2, .indexes = &ix, .nindexes = 1};
    make_table_of(s, &ts);
    ql_table *t = open_table(s);
    char *big = calloc(1, 1 << 20);
    begin(s);
    for (int i = 0; i < 10; i++) {
        ql_value v[2] = {ql_value_int(i), ql_value_str((ql_str){big, 1 << 20}, ql_coll_binary)};
        ql_write_result r;
        ql_dup dup;
        OK(ql_table_insert(&s->cx, t, v, QL_LOCK_S, &r, &dup));
    }
    commit(s);
    begin(s);
    ql_scan_spec spec = scan_spec(t, NULL);
    spec.ncols = 2;
    ql_scan *scan;
    ql_batch *b;
    size_t rows = 0;
    ql_status st;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    while ((st = ql_scan_next(&s->cx, scan, &b)) == QL_OK) {
        assert_true(b->n <= 5);
        rows += b->n;
        for (uint16_t i = 0; i < b->n; i++) {
            assert_int_equal(b->cols[1].s[i].n, 1 << 20);
            assert_int_equal(b->cols[1].s[i].p[(1 << 20) - 1], 0);
        }
    }
    assert_int_equal(st, QL_END);
    assert_int_equal(rows, 10);
    commit(s);
    free(big);
    ql_table_put(t);
}

/* A statement reads one state, whatever is committed while it runs. */
static void
a_scan_keeps_its_snapshot(void **state)
{
    world *w = *state;
    sess *s = &w->boot, other;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, 0, 1000);
    sess_begin(&other, &w->inst);
    begin(s);
    ql_scan_spec spec = scan_spec(t, &t->indexes[1]);
    ql_scan *scan;
    ql_batch *b;
    size_t n = 0;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    OK(ql_scan_next(&s->cx, scan, &b));
    n += b->n;
    begin(&other);
    for (int i = 0; i < 1000; i += 2) {
        delete_row(&other, t, i);
        if (i % 100 == 0) {
            next_statement(&other);
        }
    }
    insert_ok(&other, t, row_of(5000, 5001, NULL, 0));
    commit(&other);
    while (ql_scan_next(&s->cx, scan, &b) == QL_OK) {
        n += b->n;
    }
    assert_int_equal(n, 1000);
    ql_scan_close(scan);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 1000); /* REPEATABLE READ */
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_CURRENT), 501);
    next_statement(s);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 1000);
    commit(s);
    begin(s);
    assert_int_equal(count_rows(s, t, NULL, QL_VIEW_STATEMENT), 501);
    commit(s);
    sess_end(&other);
    ql_table_put(t);
}

/* Reading the newest state while others commit: every row it gives is whole, none comes twice. */
static void
a_current_scan_among_commits(void **state)
{
    world *w = *state;
    sess *s = &w->boot, other;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, 0, 600);
    sess_begin(&other, &w->inst);
    begin(s);
    for (unsigned i = 0; i < t->nindexes; i++) {
        ql_scan_spec spec = scan_spec(t, &t->indexes[i]);
        ql_scan *scan;
        ql_batch *b;
        ql_status st;
        uint8_t seen[2000] = {0};
        int64_t fresh = 1000 + 10 * i;
        spec.view = QL_VIEW_CURRENT;
        OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
        while ((st = ql_scan_next(&s->cx, scan, &b)) == QL_OK) {
            for (uint16_t k = 0; k < b->n; k++) {
                int64_t id = b->cols[COL_ID].i[k];
                assert_true(id >= 0 && id < 2000 && !seen[id]);
                seen[id] = 1;
                assert_int_equal(b->cols[COL_A].i[k], id * 2);
                assert_int_equal(b->cols[COL_C].i[k], id);
            }
            begin(&other);
            insert_ok(&other, t, row_of(fresh, fresh * 2, "new", (uint64_t)fresh));
            delete_row(&other, t, (int64_t)(fresh - 1000) + 100 * i);
            fresh++;
            commit(&other);
        }
        assert_int_equal(st, QL_END);
        ql_scan_close(scan);
        next_statement(s);
    }
    commit(s);
    sess_end(&other);
    ql_table_put(t);
}

/* --- index_only ------------------------------------------------------------------------------- */

static void
what_an_index_covers(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    static const uint16_t id[] = {0}, a[] = {1}, ab[] = {1, 2}, abid[] = {0, 1, 2}, c[] = {3};
    make_table(s, true);
    ql_table *t = open_table(s);
    const ql_index *u = ql_table_index(t, str("u")), *k = ql_table_index(t, str("k")),
                   *p = ql_table_index(t, str("p"));
    assert_true(ql_index_covers(t, u, a, 1));
    assert_true(ql_index_covers(t, u, id, 1)); /* the clustered key is behind it */
    assert_false(ql_index_covers(t, u, c, 1));
    assert_true(ql_index_covers(t, k, ab, 2));
    assert_true(ql_index_covers(t, k, abid, 3));
    assert_false(ql_index_covers(t, p, ab, 2)); /* a prefix is not the value */
    assert_true(ql_index_covers(t, p, NULL, 0));
    begin(s);
    OK(ql_catalog_drop_table(&s->cx, t));
    commit(s);
    ql_table_put(t);
    make_table(s, false);
    t = open_table(s);
    assert_false(ql_index_covers(t, ql_table_index(t, str("u")), id, 1));
    ql_table_put(t);
}

#define F(f) .field = QL_F_##f

/* One secondary index over every type whose key can be read back, descending parts among them: what
 * the index says is what the row says. */
static void
values_from_keys(void **state)
{
    static const ql_type types[] = {
        {.kind = QL_K_INT, F(LONG)},
        {.kind = QL_K_INT, F(TINY)},
        {.kind = QL_K_INT, F(LONGLONG), .is_unsigned = true},
        {.kind = QL_K_INT, F(YEAR), .is_unsigned = true},
        {.kind = QL_K_DOUBLE, F(DOUBLE), .decimals = 31},
        {.kind = QL_K_DOUBLE, F(FLOAT), .decimals = 31},
        {.kind = QL_K_DECIMAL, F(NEWDECIMAL), .length = 20, .decimals = 4},
        {.kind = QL_K_DATE, F(DATE)},
        {.kind = QL_K_TIME, F(TIME), .decimals = 3},
        {.kind = QL_K_DATETIME, F(DATETIME), .decimals = 6},
        {.kind = QL_K_STRING, F(VARCHAR), .length = 30, .coll = NULL},
    };
    static const char *const texts[][QL_ARRAY_LEN(types)] = {
        {"1", "-128", "18446744073709551615", "1999", "-1.5e300", "0.1", "-1234567890.1234",
         "2024-02-29", "-838:59:59", "9999-12-31 23:59:59.999999", "abc"},
        {"2", "127", "0", "2155", "1e-300", "-3.25", "0.0001", "1000-01-01", "00:00:00.001",
         "1970-01-01 00:00:00.000001", ""},
        {"3", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    };
    enum { N = QL_ARRAY_LEN(types) };
    world *w = *state;
    sess *s = &w->boot;
    ql_column columns[N];
    ql_index_part parts[N];
    char names[N][4];
    uint16_t wanted[N];
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%u", i);
        columns[i] = int_column(names[i], i > 0);
        columns[i].type = types[i];
        columns[i].type.nullable = i > 0;
        if (types[i].kind == QL_K_STRING) {
            columns[i].type.coll = ql_coll_binary;
        }
        parts[i] = (ql_index_part){.column = (uint16_t)(N - 1 - i), .descending = i % 2};
        wanted[i] = (uint16_t)i;
    }
    ql_index_part key = {.column = 0};
    ql_index indexes[] = {{.parts = &key, .nparts = 1, .primary = true},
                          {.name = str("all"), .parts = parts, .nparts = N - 1}};
    ql_table_spec ts = {.columns = columns, .ncolumns = N, .indexes = indexes, .nindexes = 2};
    make_table_of(s, &ts);
    ql_table *t = open_table(s);
    begin(s);
    for (unsigned r = 0; r < QL_ARRAY_LEN(texts); r++) {
        ql_value v[N];
        ql_write_result result;
        ql_dup dup;
        for (unsigned i = 0; i < N; i++) {
            ql_value raw =
                texts[r][i] ? ql_value_str(str(texts[r][i]), ql_coll_default) : ql_value_null();
            v[i] = raw;
            if (texts[r][i]) {
                OK(ql_value_store(&s->cx, s->cx.arena, &raw, &t->types[i], names[i], 1, true,
                                  &v[i]));
            }
        }
        OK(ql_table_insert(&s->cx, t, v, QL_LOCK_S, &result, &dup));
        assert_int_equal(result, QL_WROTE);
    }
    next_statement(s);
    assert_true(ql_index_covers(t, &t->indexes[1], wanted, N));
    ql_scan_spec spec = scan_spec(t, &t->indexes[1]);
    spec.ordinals = wanted;
    spec.ncols = N;
    spec.index_only = true;
    ql_scan *scan;
    ql_batch *b;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    OK(ql_scan_next(&s->cx, scan, &b));
    assert_int_equal(b->n, 3);
    for (uint16_t row = 0; row < 3; row++) {
        int64_t id = b->cols[0].i[row];
        for (unsigned i = 0; i < N; i++) {
            ql_value v;
            ql_str text;
            ql_vector_get(&b->cols[i], row, &v);
            const char *want = texts[id - 1][i];
            assert_int_equal(ql_value_is_null(&v), want == NULL);
            if (want != NULL && types[i].kind != QL_K_DOUBLE && types[i].kind != QL_K_TIME) {
                OK(ql_value_to_str(&s->cx, s->cx.arena, &v, &text));
                assert_int_equal(text.n, strlen(want));
                assert_memory_equal(text.p, want, text.n);
            } else if (want != NULL && types[i].kind == QL_K_DOUBLE) {
                double d = strtod(want, NULL);
                assert_true(v.d == (types[i].field == QL_F_FLOAT ? (double)(float)d : d));
            }
        }
    }
    ql_scan_close(scan);
    commit(s);
    ql_table_put(t);
}

/* --- the rest --------------------------------------------------------------------------------- */

static ql_status
fill_letters(ql_ctx *cx, ql_view_rows *r)
{
    for (size_t i = 0; i < 4; i++) {
        ql_value *v;
        OK(ql_view_row(cx, r, &v));
        v[1] = ql_value_str((ql_str){"abcd" + i, 1}, ql_coll_default);
    }
    return QL_OK;
}

static void
virtual_tables(void **state)
{
    static const ql_view_column columns[] = {
        {"NUMBER", 'u', 0, QL_VIEW_NULLABLE}, {"LETTER", 's', 1, 0}, {NULL, 0, 0, 0}};
    static const ql_virtual_table letters = {"sys", "letters", columns, fill_letters};
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t;
    OK(ql_catalog_add_views(&s->cx, w->inst.catalog, &letters, 1));
    OK(ql_catalog_get_table(&s->cx, str("SYS"), str("Letters"), &t));
    begin(s);
    uint16_t name = (uint16_t)ql_table_column(t, str("letter"));
    ql_scan_spec spec = scan_spec(t, NULL);
    spec.want_locator = false;
    spec.ordinals = &name;
    spec.ncols = 1;
    ql_scan *scan;
    ql_batch *b;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    for (int i = 0; i < 2; i++) {
        OK(ql_scan_next(&s->cx, scan, &b));
        assert_int_equal(b->n, 4);
        assert_int_equal(ql_scan_next(&s->cx, scan, &b), QL_END);
        OK(ql_scan_rebind(&s->cx, scan, &spec.low, &spec.high));
    }
    ql_scan_close(scan);
    commit(s);
    ql_table_put(t);
}

static void
row_estimates(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    uint64_t rows;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    OK(ql_table_row_estimate(&s->cx, t, &rows));
    assert_int_equal(rows, 0);
    commit(s);
    fill(s, t, 0, 100);
    ql_table_rows_init(t, -1); /* as after a crash */
    begin(s);
    OK(ql_table_row_estimate(&s->cx, t, &rows));
    assert_int_equal(rows, 100);
    assert_int_equal(ql_table_rows(t), 100);
    commit(s);
    ql_table_put(t);
}

static void
a_scan_is_killed_at_a_block(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, 0, 500);
    begin(s);
    ql_scan_spec spec = scan_spec(t, NULL);
    ql_scan *scan;
    ql_batch *b;
    ql_intr_stmt_begin(&s->intr, 5);
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    OK(ql_scan_next(&s->cx, scan, &b));
    assert_true(ql_intr_raise(&s->intr, QL_INTR_QUERY, 5));
    assert_int_equal(ql_scan_next(&s->cx, scan, &b), QL_KILLED);
    assert_int_equal(sess_error(s), 1317);
    ql_intr_stmt_end(&s->intr);
    ql_scan_close(scan);
    ql_scan_close(scan); /* and again: the arena does so too */
    rollback(s);
    ql_table_put(t);
}

/* A row that does not decode is 1877, not a crash; so is a key of a covering index. */
static void
damaged_rows(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t, 0, 3);
    begin(s);
    OK(ql_txn_put(&s->cx, locator_of(s, t, 1), QL_STR("\x01\x04")));
    next_statement(s);
    ql_scan_spec spec = scan_spec(t, NULL);
    ql_scan *scan;
    ql_batch *b;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    FAILS(s, ql_scan_next(&s->cx, scan, &b), 1877);
    ql_scan_close(scan);
    ql_buf key = {0};
    OK(qli_key_start(&s->cx, &key, t->indexes[1].id));
    OK(ql_buf_put(&s->cx, &key, "\1\2\3", 3));
    OK(ql_txn_put(&s->cx, qli_str(&key), QL_STR("\1")));
    ql_buf_free(&key);
    next_statement(s);
    static const uint16_t a[] = {COL_A};
    spec = scan_spec(t, &t->indexes[1]);
    spec.ordinals = a;
    spec.ncols = 1;
    spec.index_only = true;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    FAILS(s, ql_scan_next(&s->cx, scan, &b), 1877);
    ql_scan_close(scan);
    rollback(s);
    ql_table_put(t);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(batches_grow),
        TEST(long_rows_end_a_batch),
        TEST(a_scan_keeps_its_snapshot),
        TEST(a_current_scan_among_commits),
        TEST(what_an_index_covers),
        TEST(values_from_keys),
        TEST(virtual_tables),
        TEST(row_estimates),
        TEST(a_scan_is_killed_at_a_block),
        TEST(damaged_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
