/* SPDX-License-Identifier: Apache-2.0
 *
 * How records get into the blocks of the redo log: those that are to be durable at once past the
 * page cache, those that wait for no sync through it, in any order, with and without a file system
 * that offers the former. What a crash finds (the directory is copied while it is open) is all of
 * them, and nothing but them.
 */
#include <errno.h>

#include "redo_support.h"

#include "kv/redo.h"

enum { LONGEST = 9000, COMMITS = 400, LOOK = 25 };

static uint64_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* The value of commit i: its length and its bytes follow from i. */
static ql_str
value_of(int i, char *p)
{
    uint32_t x = (uint32_t)i * 2654435761u;
    size_t n = x % 5 == 0 ? 1 + x % LONGEST : 1 + x % 300;
    for (size_t k = 0; k < n; k++) {
        p[k] = (char)('a' + (x + k) % 26);
    }
    return (ql_str){p, n};
}

static void
commit(fixture *f, int i, ql_kv_sync sync)
{
    ql_kv_apply *a;
    char key[16], value[LONGEST + 1];
    (void)snprintf(key, sizeof key, "k%05d", i);
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str(key), value_of(i, value)), QL_OK);
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, sync), QL_OK);
}

static void
expect_all(fixture *f, ql_kv *kv, int n)
{
    ql_kv_snap *s;
    char key[16], value[LONGEST + 1];
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, kv, &s), QL_OK);
    for (int i = 0; i <= n; i++) {
        ql_str got;
        (void)snprintf(key, sizeof key, "k%05d", i);
        ql_status st = ql_kv_get(&f->t.cx, s, str(key), &got);
        assert_int_equal(st, i < n ? QL_OK : QL_END);
        if (i < n) {
            assert_int_equal(ql_str_cmp(got, value_of(i, value)), 0);
        }
    }
    ql_kv_snap_end(s);
}

/* The files as they are now, opened by another server: the first n commits are there. */
static void
expect_after_a_crash(fixture *f, int n)
{
    char dir[64];
    ql_kv *kv;
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    expect_all(f, kv, n);
    ql_kv_close(kv);
    test_dir_remove(dir);
}

/* lazily: how many of ten commits wait for no sync. */
static void
fill_and_crash(fixture *f, uint32_t lazily)
{
    for (int i = 0; i < COMMITS; i++) {
        commit(f, i, rnd(10) < lazily ? QL_KV_WRITTEN : QL_KV_DURABLE);
        if (rnd(LOOK) == 0 || i + 1 == COMMITS) {
            expect_after_a_crash(f, i + 1);
        }
    }
    assert_int_equal(stats(f->kv).direct_commits, 0);
}

static void
past_the_page_cache(void **state)
{
    fill_and_crash(*state, 0);
}

static void
both_ways(void **state)
{
    fill_and_crash(*state, 4);
}

static void
through_the_page_cache(void **state)
{
    fixture *f = *state;
    commit(f, 0, QL_KV_DURABLE);
    ql_kv_redo_no_direct(f->kv);
    fill_and_crash(f, 4);
}

/* A record that could not be written is not there; what comes after it is. */
static void
after_a_failed_write(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        if (i % 8 == 5) {
            ql_kv_redo_fail_write(f->kv, ENOSPC, 10);
        }
        commit(f, i, QL_KV_DURABLE);
        expect_after_a_crash(f, i + 1);
    }
    assert_int_equal(stats(f->kv).direct_commits, 5);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(past_the_page_cache),
        TEST(both_ways),
        TEST(through_the_page_cache),
        TEST(after_a_failed_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
