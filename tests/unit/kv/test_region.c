/* SPDX-License-Identifier: Apache-2.0
 *
 * How many keys lie between two others (ql_kv_region), against counting: with everything in LMDB,
 * with everything in memory, and with both; and where the keys that it names lie.
 */
#include <math.h>
#include <stdlib.h>

#include "redo_support.h"

#define KEYS 40000

static uint64_t seed = 88172645463325252u;

static uint64_t
random_below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

static ql_str
key_of(char *room, uint64_t i)
{
    return (ql_str){room, (size_t)snprintf(room, 32, "k%08llu", (unsigned long long)i)};
}

/* Keys from, from + step ... below to, with values of up to 200 bytes; in pieces of `piece`. */
static void
put_keys(fixture *f, uint64_t from, uint64_t to, uint64_t step, unsigned piece)
{
    char room[32], value[200];
    memset(value, 'v', sizeof value);
    for (uint64_t i = from; i < to;) {
        ql_kv_apply *a;
        assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
        for (unsigned n = 0; n < piece && i < to; n++, i += step) {
            ql_str v = {value, 20 + random_below(180)};
            assert_int_equal(ql_kv_apply_put(&f->t.cx, a, key_of(room, i), v), QL_OK);
        }
        assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_WRITTEN), QL_OK);
    }
}

static uint64_t
count(fixture *f, ql_kv_snap *s, ql_str from, ql_str to)
{
    ql_kv_cursor *c;
    ql_str k, v;
    uint64_t n = 0;
    assert_int_equal(ql_kv_cursor_open(&f->t.cx, s, &c), QL_OK);
    ql_status st = ql_kv_seek_ge(&f->t.cx, c, from, &k, &v);
    while (st == QL_OK && ql_str_cmp(k, to) < 0) {
        n++;
        st = ql_kv_next(&f->t.cx, c, &k, &v);
    }
    ql_kv_cursor_close(c);
    return n;
}

/* A region in a new snapshot: the flusher may commit in between. */
static ql_kv_snap *
open_region(fixture *f, ql_str low, ql_str high, unsigned probes, ql_kv_region *r)
{
    ql_kv_snap *s;
    for (;;) {
        assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
        ql_status st = ql_kv_region_open(&f->t.cx, s, low, high, probes, r);
        if (st == QL_OK) {
            return s;
        }
        assert_int_equal(st, QL_END);
        ql_kv_snap_end(s);
    }
}

/* Estimates of random ranges, short and long ones, against the count: never more than twice off
 * (and a page's worth), mostly much less. */
static void
check_ranges(fixture *f, uint64_t keys, double worst)
{
    char a[32], b[32];
    double sum = 0;
    for (int i = 0; i < 60; i++) {
        ql_kv_region r;
        uint64_t from = random_below(keys), n = random_below(i % 3 == 0 ? 50 : keys - from);
        ql_str low = key_of(a, from), high = key_of(b, from + n);
        ql_kv_snap *s = open_region(f, low, high, 8, &r);
        double there = (double)count(f, s, low, high);
        if (r.exact) {
            assert_true(r.entries == there);
        }
        assert_true(r.entries <= worst * there + 40 && there <= worst * r.entries + 40);
        double factor = (r.entries + 1) / (there + 1);
        sum += factor > 1 ? factor : 1 / factor;
        ql_kv_region_close(&r);
        ql_kv_snap_end(s);
    }
    print_message("mean factor %.3f\n", sum / 60);
    assert_true(sum / 60 < 1.25);
}

/* The key at share u of a range has about that share of its keys in front of it. */
static void
check_places(fixture *f, uint64_t keys, double off)
{
    char a[32], b[32];
    ql_kv_region r;
    uint64_t from = keys / 5, to = keys - keys / 7;
    ql_str low = key_of(a, from), high = key_of(b, to), k;
    ql_kv_snap *s = open_region(f, low, high, 32, &r);
    double all = (double)count(f, s, low, high);
    for (int i = 0; i < 20; i++) {
        double at = (i + 0.5) / 20;
        assert_int_equal(ql_kv_region_key(&f->t.cx, &r, at, &k), QL_OK);
        assert_true(ql_str_cmp(k, low) >= 0 && ql_str_cmp(k, high) < 0);
        assert_true(fabs((double)count(f, s, low, k) / all - at) < off);
    }
    ql_kv_region_close(&r);
    ql_kv_snap_end(s);
}

static void
in_the_file(void **state)
{
    fixture *f = *state;
    put_keys(f, 0, KEYS, 1, 5000); /* large applies go straight there */
    check_ranges(f, KEYS, 2);
    check_places(f, KEYS, 0.05);
}

static void
in_memory(void **state)
{
    fixture *f = *state;
    put_keys(f, 0, 300, 1, 20);
    ql_kv_stats st = {0};
    ql_kv_get_stats(f->kv, &st);
    assert_true(st.unflushed > 0);
    check_ranges(f, 300, 2);
    check_places(f, 300, 0.25);
}

/* Every second key in LMDB; the others, and new versions of some, in memory. */
static void
in_both(void **state)
{
    fixture *f = *state;
    put_keys(f, 0, 4000, 2, 1000);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    put_keys(f, 1, 1200, 2, 20);
    put_keys(f, 0, 300, 2, 20);
    ql_kv_stats st = {0};
    ql_kv_get_stats(f->kv, &st);
    assert_true(st.unflushed > 0);
    check_ranges(f, 4000, 2.5);
}

static void
nothing_there(void **state)
{
    fixture *f = *state;
    ql_kv_region r;
    ql_str k;
    ql_kv_snap *s = open_region(f, QL_STR("a"), QL_STR("b"), 8, &r);
    assert_true(r.entries == 0);
    assert_int_equal(ql_kv_region_key(&f->t.cx, &r, 0.5, &k), QL_END);
    ql_kv_region_close(&r);
    ql_kv_snap_end(s);
    s = open_region(f, QL_STR("b"), QL_STR("a"), 8, &r);
    assert_true(r.entries == 0);
    ql_kv_region_close(&r);
    ql_kv_snap_end(s);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(nothing_there), TEST(in_the_file), TEST(in_memory),
                                       TEST(in_both)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
