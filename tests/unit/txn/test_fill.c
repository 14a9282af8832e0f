/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills: what is settled is there; killed at a slow disk, dropped before or while it is written, on
 * a full and on a failing disk; and nothing comes behind a purge.
 */
#include "txn_support.h"

#include "txn/fill.h"

#define VALUE_BYTES 4096

static int
open_full_world(void **state)
{
    *state = world_open(NULL, (uint64_t)1 << 60);
    return 0;
}

static ql_fill *
new_fill(session *s)
{
    ql_fill *f;
    assert_int_equal(ql_fill_new(&s->cx, &f), QL_OK);
    return f;
}

/* Keys prefix000000 ..., each with a value of 4 KiB. */
static ql_status
put_some(session *s, ql_fill *f, const char *prefix, int from, int to)
{
    static const char value[VALUE_BYTES];
    char key[64];
    ql_status st = QL_OK;
    for (int i = from; st == QL_OK && i < to; i++) {
        int n = sprintf(key, "%s%06d", prefix, i);
        st = ql_fill_put(&s->cx, f, (ql_str){key, (size_t)n}, (ql_str){value, sizeof value});
        if (st == QL_OK && i % 40 == 39) {
            st = ql_fill_send(&s->cx, f);
        }
    }
    return st;
}

static uint64_t
entries(world *w)
{
    ql_kv_stats st;
    ql_kv_get_stats(w->inst.kv, &st);
    return st.entries;
}

static void
await_entries(world *w, uint64_t n)
{
    for (int i = 0; i < 20000 && entries(w) != n; i++) {
        pause_ms(1);
    }
    assert_int_equal(entries(w), n);
}

static void
what_is_settled_is_there(void **state)
{
    world *w = *state;
    enum { N = 3 };
    session s[N];
    ql_fill *f[N];
    char prefix[2] = "a";
    for (int i = 0; i < N; i++) {
        session_open(w, &s[i]);
        f[i] = new_fill(&s[i]);
    }
    for (int from = 0; from < 2000; from += 200) { /* together more than may be underway */
        for (int i = 0; i < N; i++) {
            prefix[0] = (char)('a' + i);
            assert_int_equal(put_some(&s[i], f[i], prefix, from, from + 200), QL_OK);
        }
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(ql_fill_settle(&s[i].cx, f[i]), QL_OK);
    }
    assert_int_equal(entries(w), N * 2000);
    assert_int_equal(ql_fill_put(&s[0].cx, f[0], str("a9"), str("more")), QL_OK);
    assert_int_equal(ql_fill_put(&s[0].cx, f[0], str("a99"), str("never sent")), QL_OK);
    ql_fill_drop(f[0]);
    ql_fill_drop(f[1]);
    assert_int_equal(ql_fill_put(&s[2].cx, f[2], str("c9"), str("more")), QL_OK);
    assert_int_equal(ql_fill_settle(&s[2].cx, f[2]), QL_OK);
    ql_fill_drop(f[2]);
    ql_fill_drop(NULL);
    expect_committed(w, "a9", NULL);
    expect_committed(w, "c9", "more");
    sessions_close(w, s, N);
}

/* Until it has to wait, or more than can be underway is sent. */
static ql_status
send_much(session *s, const char *arg)
{
    ql_fill *f = new_fill(s);
    ql_status st = put_some(s, f, arg, 0, 4000);
    ql_fill_drop(f);
    return st;
}

static ql_status
settle_one(session *s, const char *arg)
{
    ql_fill *f = new_fill(s);
    ql_status st = ql_fill_put(&s->cx, f, str(arg), str("v"));
    st = st == QL_OK ? ql_fill_settle(&s->cx, f) : st;
    ql_fill_drop(f);
    return st;
}

/* The disk stands still: who is killed does not wait for it. */
static void
kill_at_a_slow_disk(void **state)
{
    world *w = *state;
    session s[2];
    task t[2];
    session_open(w, &s[0]);
    session_open(w, &s[1]);
    ql_memkv_stall(w->inst.kv, true);
    task_start(&t[0], &s[0], send_much, "a");
    await_state(w, &s[0], "Waiting for commit");
    task_start(&t[1], &s[1], settle_one, "b");
    await_state(w, &s[1], "Waiting for commit");
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t[0]), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1317);
    assert_int_equal(ql_memkv_stalled(w->inst.kv), 1);
    ql_memkv_stall(w->inst.kv, false);
    assert_int_equal(task_join(&t[1]), QL_OK);
    expect_committed(w, "b", "v");
    sessions_close(w, s, 2);
}

/* The filler has it in hand; it is dropped and its keys are purged: nothing comes behind that. */
static void
nothing_comes_behind_a_purge(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    for (int held = 0; held < 2; held++) {
        ql_fill *f = new_fill(s);
        if (held) {
            sync_do(s, "global fill_before_write SIGNAL held WAIT_FOR go");
        }
        assert_int_equal(put_some(s, f, "gone", 0, 400), QL_OK);
        if (held) {
            sync_do(s, "now WAIT_FOR held");
        }
        ql_fill_drop(f);
        begin(s, QL_REPEATABLE_READ);
        stmt(s);
        assert_int_equal(ql_txn_trash_range(&s->cx, str("gone"), str("gonf")), QL_OK);
        ql_txn_stmt_end(&s->cx);
        assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
        await_entries(w, 0);
        if (held) {
            sync_do(s, "now SIGNAL go");
        }
        assert_int_equal(settle_one(s, "kept"), QL_OK); /* the filler has done with the other */
        assert_int_equal(entries(w), 1);
        begin(s, QL_REPEATABLE_READ);
        stmt(s);
        del(s, "kept");
        ql_txn_stmt_end(&s->cx);
        assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    }
}

static void
full_disk_waits_and_goes_on(void **state)
{
    world *w = *state;
    session s[2];
    task t[2];
    ql_memkv_fail_commits(w->inst.kv, 1000000, QL_ER_DISK_FULL);
    for (int i = 0; i < 2; i++) {
        session_open(w, &s[i]);
        task_start(&t[i], &s[i], settle_one, i == 0 ? "a" : "b");
        await_state(w, &s[i], "Waiting for disk space");
    }
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t[0]), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1021);
    ql_memkv_fail_commits(w->inst.kv, 0, QL_ER_DISK_FULL);
    ql_space_kick(w->inst.space);
    assert_int_equal(task_join(&t[1]), QL_OK);
    expect_committed(w, "a", NULL);
    expect_committed(w, "b", "v");
    sessions_close(w, s, 2);
}

static void
errors_come_to_the_owner(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_memkv_fail_puts(w->inst.kv, 1, QL_ER_GET_ERRNO);
    assert_int_equal(settle_one(s, "a"), QL_ERROR);
    assert_int_equal(error_of(s), 1030);
    session_next(s);
    assert_int_equal(settle_one(s, "a"), QL_OK);
    expect_committed(w, "a", "v");
}

/* What is left is freed with the rest, whether the filler has come to it or not. */
static void
dropped_at_the_end(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    ql_fill *f = new_fill(&w->boss);
    ql_memkv_stall(w->inst.kv, true);
    assert_int_equal(put_some(&w->boss, f, "a", 0, 400), QL_OK);
    ql_fill_drop(f);
    f = new_fill(&w->boss);
    assert_int_equal(put_some(&w->boss, f, "b", 0, 40), QL_OK);
    ql_fill_drop(f); /* nobody looks at it before the end */
    ql_memkv_stall(w->inst.kv, false);
    world_close(w);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_settled_is_there),
        T(kill_at_a_slow_disk),
        T(nothing_comes_behind_a_purge),
        cmocka_unit_test_setup_teardown(full_disk_waits_and_goes_on, open_full_world,
                                        world_teardown),
        T(errors_come_to_the_owner),
        cmocka_unit_test(dropped_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
