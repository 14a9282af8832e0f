/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of a table with skewed values: how far estimates of random predicates are from the
 * truth, which is counted in arrays beside the table. What is kept, saved, refreshed, killed.
 */
#include <math.h>
#include <stdlib.h>

#include "../table/fixture.h"
#include "base/mem.h"
#include "base/thread.h"
#include "stats/stats_int.h"

#define ROWS 30000
#define VALUES 1500

/* id; a: skewed, a fifth NULL, indexed; b: text, skewed; c: even, not indexed */
static int64_t val_a[ROWS], val_c[ROWS];
static char val_b[ROWS][8];

static uint64_t seed = 88172645463325252u;

static double
random_share(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) * 0x1p-53;
}

/* Zipf's law with exponent 1 over 0..VALUES-1. */
static int64_t
zipf(void)
{
    static double sum[VALUES];
    for (int i = 0; sum[VALUES - 1] == 0 && i < VALUES; i++) {
        sum[i] = (i ? sum[i - 1] : 0) + 1.0 / (i + 1);
    }
    double at = random_share() * sum[VALUES - 1];
    int lo = 0, hi = VALUES - 1;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (sum[mid] < at) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static void
make_skewed_table(sess *s)
{
    ql_column columns[NCOLS] = {int_column("id", false), int_column("a", true),
                                binary_column("b", 12), unsigned_column("c")};
    ql_index_part parts[] = {{.column = COL_ID}, {.column = COL_A}, {.column = COL_B}};
    ql_index indexes[] = {
        {.name = str("k"), .parts = &parts[1], .nparts = 1},
        {.name = str("ba"),
         .parts = (ql_index_part[]){{.column = COL_B}, {.column = COL_A}},
         .nparts = 2},
        {.parts = &parts[0], .nparts = 1, .primary = true},
    };
    ql_table_spec spec = {.columns = columns, .ncolumns = NCOLS, .indexes = indexes, .nindexes = 3};
    make_table_of(s, &spec);
}

static void
fill_skewed(sess *s, ql_table *t, int from, int to)
{
    begin(s);
    for (int i = from; i < to; i++) {
        val_a[i] = random_share() < 0.2 ? NO_INT : zipf();
        val_c[i] = (int64_t)(random_share() * 100000);
        (void)snprintf(val_b[i], sizeof val_b[i], "v%04d", (int)zipf());
        insert_ok(s, t, row_of(i, val_a[i], val_b[i], (uint64_t)val_c[i]));
        if (i % 500 == 499) {
            next_statement(s);
        }
    }
    commit(s);
}

static double
q_error(double estimate, double actual)
{
    double e = estimate < 1 ? 1 : estimate, a = actual < 1 ? 1 : actual;
    return e > a ? e / a : a / e;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double
equal_rows(sess *s, const ql_table_stats *st, uint16_t column, ql_value v)
{
    double share;
    OK(ql_stats_equal(&s->cx, st, column, &v, &share));
    return share * st->rows;
}

static double
range_rows(sess *s, const ql_table_stats *st, uint16_t column, ql_value low, ql_value high)
{
    double share;
    OK(ql_stats_range(&s->cx, st, column, &low, true, &high, false, &share));
    return share * st->rows;
}

/* A random predicate's q-error. */
static double
try_one(sess *s, const ql_table_stats *st, int kind)
{
    double actual = 0;
    int row = (int)(random_share() * ROWS), other = (int)(random_share() * ROWS);
    int64_t low, high;
    switch (kind) {
    case 0: /* a = v, v as often as it comes */
        for (int i = 0; i < ROWS && val_a[row] != NO_INT; i++) {
            actual += val_a[i] == val_a[row];
        }
        return val_a[row] == NO_INT
                   ? 1
                   : q_error(equal_rows(s, st, COL_A, ql_value_int(val_a[row])), actual);
    case 1: /* a = any value */
        low = (int64_t)(random_share() * VALUES);
        for (int i = 0; i < ROWS; i++) {
            actual += val_a[i] == low;
        }
        return q_error(equal_rows(s, st, COL_A, ql_value_int(low)), actual);
    case 2: /* low <= a < high */
        low = (int64_t)(random_share() * VALUES);
        high = low + 1 + (int64_t)(random_share() * (double)(VALUES - low));
        for (int i = 0; i < ROWS; i++) {
            actual += val_a[i] != NO_INT && val_a[i] >= low && val_a[i] < high;
        }
        return q_error(range_rows(s, st, COL_A, ql_value_int(low), ql_value_int(high)), actual);
    case 3: /* on the even column */
        low = val_c[row] < val_c[other] ? val_c[row] : val_c[other];
        high = val_c[row] < val_c[other] ? val_c[other] : val_c[row];
        for (int i = 0; i < ROWS; i++) {
            actual += val_c[i] >= low && val_c[i] < high;
        }
        return q_error(
            range_rows(s, st, COL_C, ql_value_uint((uint64_t)low), ql_value_uint((uint64_t)high)),
            actual);
    default: /* b = v */
        for (int i = 0; i < ROWS; i++) {
            actual += strcmp(val_b[i], val_b[row]) == 0;
        }
        return q_error(equal_rows(s, st, COL_B, ql_value_str(str(val_b[row]), ql_coll_binary)),
                       actual);
    }
}

static uint64_t
count_distinct(void)
{
    static bool seen[VALUES];
    uint64_t n = 0;
    for (int i = 0; i < ROWS; i++) {
        if (val_a[i] != NO_INT && !seen[val_a[i]]) {
            seen[val_a[i]] = true;
            n++;
        }
    }
    return n;
}

static void
predicates_on_skewed_values(void **state)
{
    enum { TRIES = 400 };
    static double q[TRIES];
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    make_skewed_table(s);
    ql_table *t = open_table(s);
    fill_skewed(s, t, 0, ROWS);
    begin(s);
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->known);
    assert_true(st->rows == ROWS);
    assert_true(q_error(st->columns[COL_ID].distinct, ROWS) < 1.1);
    assert_true(q_error(st->columns[COL_A].distinct, (double)count_distinct()) < 1.6);
    assert_true(q_error(st->prefixes[0][0], ROWS) < 1.1);
    assert_true(fabs(st->columns[COL_A].nulls - 0.2) < 0.03);
    assert_true(st->columns[COL_ID].nulls == 0);
    for (int i = 0; i < TRIES; i++) {
        q[i] = try_one(s, st, i % 5);
    }
    qsort(q, TRIES, sizeof q[0], by_size);
    print_message("q-error: median %.2f, 95 %% %.2f, worst %.1f\n", q[TRIES / 2],
                  q[TRIES * 95 / 100], q[TRIES - 1]);
    assert_true(q[TRIES / 2] < 2);
    assert_true(q[TRIES * 95 / 100] < 10);
    commit(s);
    ql_table_put(t);
}

/* A small table is read whole: everything is exact. */
static void
small_tables_are_exact(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    double share;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 60; i++) {
        insert_ok(s, t, row_of(i, i % 4 ? i : NO_INT, i % 3 ? "x" : "y", (uint64_t)(i % 10)));
    }
    commit(s);
    begin(s);
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->rows == 60);
    assert_true(st->columns[COL_A].distinct == 45);
    assert_true(st->columns[COL_A].nulls == 0.25);
    assert_true(st->columns[COL_B].distinct == 2);
    assert_true(st->columns[COL_C].distinct == 10);
    /* KEY k (b, a DESC) and id behind it: b; b, a with a NULL for each b; all */
    const ql_index *k = ql_table_index(t, str("k"));
    size_t i = (size_t)(k - t->indexes);
    assert_int_equal(ql_stats_parts(t, k), 3);
    assert_true(st->prefixes[i][0] == 2);
    assert_true(st->prefixes[i][1] == 47);
    assert_true(st->prefixes[i][2] == 60);
    ql_value y = ql_value_str(str("y"), ql_coll_binary), z = ql_value_str(str("z"), ql_coll_binary);
    OK(ql_stats_equal(&s->cx, st, COL_B, &y, &share));
    assert_true(fabs(share - 20.0 / 60) < 1e-9);
    OK(ql_stats_equal(&s->cx, st, COL_B, &z, &share));
    assert_true(share == 0);
    ql_value three = ql_value_uint(3), six = ql_value_uint(6);
    OK(ql_stats_range(&s->cx, st, COL_C, &three, true, &six, false, &share));
    assert_true(fabs(share - 0.3) < 1e-9);
    OK(ql_stats_range(&s->cx, st, COL_C, NULL, false, &three, true, &share));
    assert_true(fabs(share - 0.4) < 1e-9);
    OK(ql_stats_prefix(&s->cx, st, COL_B, &y, &share));
    assert_true(fabs(share - 20.0 / 60) < 1e-9);
    commit(s);
    ql_table_put(t);
}

/* After a tenth of the table has changed the numbers are new ones; own rows count at once. */
static void
changes_are_noticed(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 100; i++) {
        insert_ok(s, t, row_of(i, i, "x", 1));
    }
    commit(s);
    begin(s);
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->columns[COL_C].distinct == 1);
    for (int i = 100; i < 110; i++) {
        insert_ok(s, t, row_of(i, i, "x", (uint64_t)i));
    }
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->rows == 110); /* nobody else sees them */
    assert_true(st->columns[COL_C].distinct == 1);
    commit(s);
    begin(s);
    OK(ql_stats_of(&s->cx, t, &st)); /* a tenth, not more */
    assert_true(st->columns[COL_C].distinct == 1);
    insert_ok(s, t, row_of(110, 110, "x", 110));
    commit(s);
    begin(s);
    /* Where reading the table takes long (a slow build), not at once. */
    int64_t end = ql_now_mono_ns() + INT64_C(10000000000);
    do {
        OK(ql_stats_of(&s->cx, t, &st));
        assert_true(st->rows == 111);
    } while (st->columns[COL_C].distinct != 12 && ql_now_mono_ns() < end);
    assert_true(st->columns[COL_C].distinct == 12);
    commit(s);
    ql_table_put(t);
}

/* Each bit of a record wrong in turn: it is used as it reads or collected anew, and nothing else
 * happens (under ASan: nothing beyond the record is read). */
static void
flipped_bits(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 300; i++) {
        insert_ok(s, t, row_of(i, i % 4 ? i : NO_INT, i % 3 ? "x" : "y", (uint64_t)(i % 10)));
    }
    commit(s);
    begin(s);
    OK(ql_stats_analyze(&s->cx, t));
    commit(s);
    for (uint32_t record = 0; record <= 2; record++) {
        ql_buf key = {0}, good = {0};
        ql_str v;
        OK(ql_table_stats_key(&s->cx, &key, t->id, record));
        begin(s);
        OK(ql_txn_get(&s->cx, QL_VIEW_LATEST, qli_str(&key), &v));
        OK(ql_buf_put(&s->cx, &good, v.p, v.n));
        commit(s);
        for (size_t bit = 0; bit<good.n * 8; bit += good.n> 200 ? 37 : 5) {
            good.p[bit / 8] ^= (char)(1 << bit % 8);
            begin(s);
            OK(ql_txn_put(&s->cx, qli_str(&key), qli_str(&good)));
            commit(s);
            good.p[bit / 8] ^= (char)(1 << bit % 8);
            ql_table_keep(t, NULL);
            begin(s);
            OK(ql_stats_of(&s->cx, t, &st));
            assert_true(st->known && st->rows >= 1);
            for (int c = 0; c < t->ncolumns; c++) {
                double share;
                ql_value ten = ql_value_int(10);
                OK(ql_stats_equal(&s->cx, st, (uint16_t)c, &ten, &share));
                OK(ql_stats_range(&s->cx, st, (uint16_t)c, &ten, true, NULL, true, &share));
            }
            commit(s);
        }
        ql_buf_free(&key);
        ql_buf_free(&good);
    }
    ql_table_put(t);
}

/* What was saved is found again by who has nothing in memory. */
static void
kept_on_the_disk(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    double share;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 1000; i++) {
        insert_ok(s, t, row_of(i, i % 4 ? i : NO_INT, i % 3 ? "x" : "y", (uint64_t)(i % 10)));
    }
    commit(s);
    begin(s);
    OK(ql_stats_analyze(&s->cx, t));
    insert_ok(s, t, row_of(1000, 5000, "z", 10)); /* would be seen by a new collection */
    commit(s);
    ql_table_keep(t, NULL);
    begin(s);
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->columns[COL_C].distinct == 10);
    assert_true(st->columns[COL_A].nulls == 0.25);
    assert_true(st->prefixes[0][0] == 1000);
    ql_value y = ql_value_str(str("y"), ql_coll_binary);
    OK(ql_stats_equal(&s->cx, st, COL_B, &y, &share));
    assert_true(fabs(share - 0.334) < 1e-9);
    /* damaged: as if there were none */
    ql_buf key = {0};
    OK(ql_table_stats_key(&s->cx, &key, t->id, 2));
    OK(ql_txn_put(&s->cx, qli_str(&key), QL_STR("\1\2\3")));
    ql_buf_free(&key);
    commit(s);
    ql_table_keep(t, NULL);
    begin(s);
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->columns[COL_C].distinct == 11);
    commit(s);
    ql_table_put(t);
}

static void
a_killed_analyze_leaves_the_old(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 500; i++) {
        insert_ok(s, t, row_of(i, i, "x", 1));
    }
    commit(s);
    begin(s);
    OK(ql_stats_analyze(&s->cx, t));
    insert_ok(s, t, row_of(500, 500, "x", 2));
    commit(s);
    begin(s);
    ql_intr_stmt_begin(&s->intr, 5);
    assert_true(ql_intr_raise(&s->intr, QL_INTR_QUERY, 5));
    assert_int_equal(ql_stats_analyze(&s->cx, t), QL_KILLED);
    assert_int_equal(sess_error(s), 1317);
    ql_intr_stmt_end(&s->intr);
    OK(ql_stats_of(&s->cx, t, &st));
    assert_true(st->columns[COL_C].distinct == 1);
    commit(s);
    ql_table_put(t);
}

/* Each allocation fails once: error 1037 and the old numbers, or it went well. */
static void
out_of_memory(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    const ql_table_stats *st;
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int i = 0; i < 50; i++) {
        insert_ok(s, t, row_of(i, i, "x", 1));
    }
    commit(s);
    begin(s);
    OK(ql_stats_analyze(&s->cx, t));
    size_t arenas = ql_arena_live_count();
    unsigned failed = 0;
    for (uint64_t n = 1;; n++) {
        next_statement(s);
        ql_mem_fail_after(n);
        ql_status got = ql_stats_analyze(&s->cx, t);
        bool done = ql_mem_fail_pending() != 0;
        ql_mem_fail_after(0);
        if (got != QL_OK) {
            assert_int_equal(sess_error(s), 1037);
            failed++;
        }
        assert_int_equal(ql_arena_live_count(), arenas);
        OK(ql_stats_of(&s->cx, t, &st));
        assert_true(st->columns[COL_B].distinct == 1);
        if (done) {
            break;
        }
    }
    assert_true(failed > 10);
    commit(s);
    ql_table_put(t);
}

/* Estimators by themselves, on what can be computed by hand. */
static void
estimators(void **state)
{
    (void)state;
    qli_frequencies all_once = {.n = 100, .d = 100, .once = 100};
    assert_true(qli_distinct_of_sample(&all_once, 10000) == 10000); /* unique as far as is seen */
    qli_frequencies few = {.n = 1000, .d = 5, .once = 0};
    assert_true(qli_distinct_of_sample(&few, 1e6) == 5);
    qli_frequencies whole = {.n = 10, .d = 7, .once = 5};
    assert_true(qli_distinct_of_sample(&whole, 10) == 7);
    /* 8,000 rows of 6 million with 10,000 equally common values: by the binomial distribution 5,507
     * different ones come, 3,595 of them once; two rows agree in one of 10,000 pairs */
    qli_frequencies equal = {.n = 8000, .d = 5507, .once = 3595, .pairs = 3200};
    assert_true(q_error(qli_distinct_of_sample(&equal, 6e6), 10000) < 1.05);
    /* a value that half of the rows have: more values must be expected behind the sample */
    qli_frequencies unequal = {.n = 8000, .d = 3500, .once = 3000, .pairs = 8000000};
    assert_true(qli_distinct_of_sample(&unequal, 6e6) > 5e4);
    assert_true(qli_distinct_of_pairs(100, 25, 401) == 101);
    assert_true(qli_distinct_of_pairs(100, 0, 401) == 1);
    assert_true(qli_distinct_of_pairs(0, 0, 401) == 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_tables_are_exact),
        TEST(changes_are_noticed),
        TEST(kept_on_the_disk),
        TEST(flipped_bits),
        TEST(a_killed_analyze_leaves_the_old),
        TEST(out_of_memory),
        cmocka_unit_test(estimators),
        TEST(predicates_on_skewed_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
