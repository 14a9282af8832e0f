/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions beside the statement's (beside.h): the statement's is untouched by them; lazy
 * commits are visible at once and are there when the store is opened again, before durable ones and
 * behind them; one that is rolled back leaves nothing.
 */
#include "txn/beside.h"

#include "../kv/kv_support.h"
#include "txn_support.h"

/* The log is taken into the file by hand, so nothing but commits syncs it. */
static const ql_kv_options by_hand = {
    .redo_segment_bytes = 65536, .flush_idle_ms = 3600000, .flush_age_ms = 3600000};
static char dir[64];
static test_ctx opener; /* of the store */

static ql_kv_stats
stats(world *w)
{
    ql_kv_stats st;
    ql_kv_get_stats(w->inst.kv, &st);
    return st;
}

static ql_kv *
open_kv(void)
{
    ql_kv *kv;
    assert_int_equal(ql_kv_open(&opener.cx, dir, &by_hand, &kv), QL_OK);
    return kv;
}

static int
open_world(void **state)
{
    test_dir_make(dir);
    test_ctx_init(&opener);
    *state = world_open(open_kv(), 0);
    return 0;
}

static int
close_world(void **state)
{
    world_close(*state);
    test_ctx_fini(&opener);
    test_dir_remove(dir);
    return 0;
}

static ql_status
commit_beside(session *s, const char *k, bool lazy)
{
    ql_txn *saved = s->cx.txn;
    assert_int_equal(ql_beside_begin(&s->cx, true), QL_OK);
    if (lazy) {
        ql_beside_set_lazy(&s->cx);
    }
    put(s, k, "v");
    ql_status st = ql_txn_commit(&s->cx);
    assert_null(s->cx.txn);
    s->cx.txn = saved;
    return st;
}

static void
the_statements_own_is_untouched(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "own", "1");
    expect(s, QL_VIEW_STATEMENT, "beside", NULL); /* has its snapshot */
    assert_int_equal(commit_beside(s, "beside", true), QL_OK);
    expect(s, QL_VIEW_STATEMENT, "beside", NULL);
    expect(s, QL_VIEW_OWN, "own", "1");
    ql_txn *saved = s->cx.txn;
    assert_int_equal(ql_beside_begin(&s->cx, false), QL_OK);
    put(s, "never", "v");
    ql_txn_rollback(&s->cx);
    s->cx.txn = saved;
    ql_txn_rollback(&s->cx);
    expect_committed(w, "never", NULL);
    expect_committed(w, "own", NULL);
    expect_committed(w, "beside", "v");
}

/* After a stop. */
static void
lazy_ones_are_there_again(void **state)
{
    world *w = *state;
    assert_int_equal(commit_beside(&w->boss, "l1", true), QL_OK);
    assert_int_equal(commit_beside(&w->boss, "d", false), QL_OK);
    assert_int_equal(commit_beside(&w->boss, "l2", true), QL_OK);
    assert_int_equal(stats(w).flushes, 0);
    world_close(w);
    w = world_open(open_kv(), 0);
    expect_committed(w, "l1", "v");
    expect_committed(w, "d", "v");
    expect_committed(w, "l2", "v");
    *state = w;
}

static uint64_t
purged(world *w)
{
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    return st.trash_keys_purged;
}

/* One that nobody waits for meets a full disk: it is done when there is room. */
static void
a_left_one_is_tried_again(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    assert_int_equal(commit_beside(s, "k1", false), QL_OK);
    assert_int_equal(commit_beside(s, "k2", false), QL_OK);
    ql_memkv_fail_commits(w->inst.kv, 2, QL_ER_DISK_FULL);
    assert_int_equal(ql_beside_begin(&s->cx, false), QL_OK);
    ql_beside_set_lazy(&s->cx);
    put(s, "left", "v");
    assert_int_equal(ql_txn_trash_range(&s->cx, (ql_str){"k", 1}, (ql_str){"l", 1}), QL_OK);
    ql_beside_commit_left(&s->cx, "lost");
    for (int i = 0; i < 10000 && purged(w) != 2; i++) {
        pause_ms(1);
    }
    assert_int_equal(purged(w), 2);
    expect_committed(w, "left", "v");
    expect_committed(w, "k1", NULL);
    expect_committed(w, "k2", NULL);
}

/* The end of all comes first. */
static void
a_left_one_may_be_lost(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_memkv_fail_commits(w->inst.kv, 1000000, QL_ER_DISK_FULL);
    assert_int_equal(ql_beside_begin(&s->cx, false), QL_OK);
    put(s, "left", "v");
    ql_beside_commit_left(&s->cx, "lost");
    pause_ms(20);
    expect_committed(w, "left", NULL);
}

static int
open_memory_world(void **state)
{
    *state = world_open(NULL, 0);
    return 0;
}

static int
close_memory_world(void **state)
{
    world_close(*state);
    return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        T(the_statements_own_is_untouched),
        T(lazy_ones_are_there_again),
        cmocka_unit_test_setup_teardown(a_left_one_is_tried_again, open_memory_world,
                                        close_memory_world),
        cmocka_unit_test_setup_teardown(a_left_one_may_be_lost, open_memory_world,
                                        close_memory_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
