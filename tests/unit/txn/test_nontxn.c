/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables without transactions, at the level of keys: what the statement's two sides see, what stays
 * and what is undone, kills and a full disk in the commit of a block.
 */
#include "txn/nontxn.h"
#include "txn_support.h"

/* A file system that is always full: only a kick of ql_space lets waiters try again. */
#define ALWAYS_LOW (UINT64_MAX / 4)

static void
see(session *s, ql_nontxn_side side, ql_view view, const char *k, const char *want)
{
    ql_txn *saved;
    assert_int_equal(ql_nontxn_enter(&s->cx, side, &saved), QL_OK);
    expect(s, view, k, want);
    ql_nontxn_leave(&s->cx, saved);
}

static void
change(session *s, const char *k, const char *v, bool keep)
{
    ql_txn *saved;
    assert_int_equal(ql_nontxn_row_begin(&s->cx), QL_OK);
    assert_int_equal(ql_nontxn_enter(&s->cx, QL_NONTXN_WRITE, &saved), QL_OK);
    put(s, k, v);
    ql_nontxn_leave(&s->cx, saved);
    ql_nontxn_row_end(&s->cx, keep);
}

/* n rows named from `from` on; commits full blocks as it goes. */
static void
change_many(session *s, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++) {
        char key[16];
        snprintf(key, sizeof key, "r%06u", i);
        assert_int_equal(ql_nontxn_block(&s->cx), QL_OK);
        change(s, key, "new", true);
    }
}

static void
test_sides(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    commit_one(s, "a", "1");
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    expect(s, QL_VIEW_STATEMENT, "a", "1");
    see(s, QL_NONTXN_READ, QL_VIEW_STATEMENT, "a", "1");
    change(s, "a", "2", true);
    see(s, QL_NONTXN_READ, QL_VIEW_STATEMENT, "a", "1");
    see(s, QL_NONTXN_READ, QL_VIEW_LATEST, "a", "1");
    see(s, QL_NONTXN_WRITE, QL_VIEW_CURRENT, "a", "2");
    change_many(s, 0, 1001); /* the first block is committed with "a" */
    expect_committed(w, "a", "2");
    expect_committed(w, "r000998", "new");
    expect_committed(w, "r001000", NULL);
    see(s, QL_NONTXN_READ, QL_VIEW_LATEST, "a", "1");
    see(s, QL_NONTXN_READ, QL_VIEW_CURRENT, "r000000", NULL);
    see(s, QL_NONTXN_WRITE, QL_VIEW_CURRENT, "r000000", "new");
    see(s, QL_NONTXN_WRITE, QL_VIEW_CURRENT, "r001000", "new");
    expect(s, QL_VIEW_STATEMENT, "a", "1"); /* the transaction beside it */
    bool changed;
    assert_int_equal(ql_nontxn_end(&s->cx, &changed), QL_OK);
    assert_true(changed);
    assert_null(s->cx.nontxn);
    expect_committed(w, "r001000", "new");
    ql_txn_rollback(&s->cx);
    expect_committed(w, "a", "2");
    world_close(w);
}

static void
test_stays_when_all_else_is_undone(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    bool changed;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "t", "of the transaction");
    change(s, "n", "kept", true);
    change(s, "half", "undone", false);
    assert_int_equal(ql_nontxn_row_begin(&s->cx), QL_OK); /* REPLACE: two writes, one row */
    change(s, "x", "1", true);
    change(s, "y", "2", true);
    ql_nontxn_row_end(&s->cx, false);
    ql_txn_stmt_rollback(&s->cx);
    assert_int_equal(ql_nontxn_end(&s->cx, &changed), QL_OK);
    assert_true(changed);
    ql_txn_rollback(&s->cx);
    expect_committed(w, "t", NULL);
    expect_committed(w, "n", "kept");
    expect_committed(w, "half", NULL);
    expect_committed(w, "x", NULL);
    expect_committed(w, "y", NULL);
    /* Only read: nothing has changed. */
    begin(s, QL_REPEATABLE_READ);
    see(s, QL_NONTXN_READ, QL_VIEW_STATEMENT, "n", "kept");
    assert_int_equal(ql_nontxn_end(&s->cx, &changed), QL_OK);
    assert_false(changed);
    assert_int_equal(ql_nontxn_end(&s->cx, &changed), QL_OK); /* none */
    assert_false(changed);
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    assert_int_equal(st.open_transactions, 1);
    world_close(w);
}

static void
test_no_row_locks(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss, other;
    session_open(w, &other);
    begin(&other, QL_REPEATABLE_READ);
    stmt(&other);
    assert_int_equal(lock_x(&other, "idx1a"), QL_OK);
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    ql_txn *saved;
    bool changed;
    ql_lock_range *range = NULL;
    ql_lock_how how = {.mode = QL_LOCK_X, .policy = QL_LOCK_NOWAIT, .deadline = QL_FOREVER};
    assert_int_equal(ql_nontxn_enter(&s->cx, QL_NONTXN_WRITE, &saved), QL_OK);
    assert_int_equal(lock_row(s, "idx1a", QL_LOCK_X, 0), QL_OK);
    assert_int_equal(ql_txn_lock_insert(&s->cx, str("idx1a"), QL_NO_WAIT), QL_OK);
    assert_int_equal(ql_txn_lock_range(&s->cx, str("idx1a"), str("idx1b"), true, &how, &range),
                     QL_OK);
    ql_nontxn_leave(&s->cx, saved);
    assert_int_equal(ql_nontxn_end(&s->cx, &changed), QL_OK);
    assert_int_equal(lock_row(s, "idx1a", QL_LOCK_X, 0), QL_ERROR); /* outside it is one */
    assert_int_equal(error_of(s), 1205);
    session_close(w, &other);
    world_close(w);
}

static ql_status
end_it(session *s, const char *unused)
{
    (void)unused;
    bool changed;
    return ql_nontxn_end(&s->cx, &changed);
}

static void
test_kill_does_not_stop_the_commit(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session s;
    session_open(w, &s);
    begin(&s, QL_REPEATABLE_READ);
    change(&s, "k", "v", true);
    ql_memkv_stall(w->inst.kv, true);
    task t;
    task_start(&t, &s, end_it, NULL);
    await_state(w, &s, "Committing");
    kill_query(w, &s);
    await_state(w, &s, "Committing");
    ql_memkv_stall(w->inst.kv, false);
    assert_int_equal(task_join(&t), QL_OK);
    assert_int_equal(ql_check(&s.cx), QL_KILLED); /* it is only late */
    expect_committed(w, "k", "v");
    session_next(&s);
    /* Killed before: the same. */
    change(&s, "k2", "v", true);
    kill_query(w, &s);
    assert_int_equal(end_it(&s, NULL), QL_OK);
    expect_committed(w, "k2", "v");
    session_close(w, &s);
    world_close(w);
}

static void
test_full_disk(void **state)
{
    (void)state;
    world *w = world_open(NULL, ALWAYS_LOW);
    session s;
    session_open(w, &s);
    begin(&s, QL_REPEATABLE_READ);
    change_many(&s, 0, 1001); /* a block that is there, and one row */
    ql_memkv_fail_commits(w->inst.kv, 1000000, QL_ER_DISK_FULL);
    task t;
    task_start(&t, &s, end_it, NULL);
    await_state(w, &s, "Waiting for disk space");
    kill_query(w, &s);
    assert_int_equal(task_join(&t), QL_KILLED);
    assert_int_equal(error_of(&s), 1021);
    assert_null(s.cx.nontxn);
    ql_memkv_fail_commits(w->inst.kv, 0, QL_ER_DISK_FULL);
    expect_committed(w, "r000999", "new");
    expect_committed(w, "r001000", NULL);
    session_next(&s);
    /* Space comes: goes on by itself. */
    change(&s, "late", "v", true);
    ql_memkv_fail_commits(w->inst.kv, 1, QL_ER_DISK_FULL);
    task_start(&t, &s, end_it, NULL);
    await_state(w, &s, "Waiting for disk space");
    ql_space_kick(w->inst.space);
    assert_int_equal(task_join(&t), QL_OK);
    expect_committed(w, "late", "v");
    session_close(w, &s);
    world_close(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides),        cmocka_unit_test(test_stays_when_all_else_is_undone),
        cmocka_unit_test(test_no_row_locks), cmocka_unit_test(test_kill_does_not_stop_the_commit),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
