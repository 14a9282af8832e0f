/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions with many row locks: what others meet of them, what is listed, given back and asked
 * for again, and that the end of one takes no step a lock. Random ones against a plain array, and
 * without memory.
 */
#include "txn_support.h"

#include "txn/txn_int.h"

enum { MANY = 5000 };

static ql_str
key_of(int i, char b[16])
{
    memcpy(b, "\0\0\0\7", 4);
    return (ql_str){b, 4 + (size_t)sprintf(b + 4, "%06d", i)};
}

static ql_status
try_insert(session *s, int i)
{
    char b[16];
    return ql_txn_lock_insert(&s->cx, key_of(i, b), 0);
}

static ql_status
try_row(session *s, int i, ql_lock_mode mode)
{
    char b[16];
    return ql_txn_lock_row(
        &s->cx, key_of(i, b),
        &(ql_lock_how){.mode = mode, .policy = QL_LOCK_SKIP, .stays = mode == QL_LOCK_X});
}

static ql_status
try_range(session *s, int from, int to, ql_lock_mode mode)
{
    char a[16], b[16];
    ql_lock_range *fresh = NULL;
    return ql_txn_lock_range(&s->cx, key_of(from, a), key_of(to, b), true,
                             &(ql_lock_how){.mode = mode, .policy = QL_LOCK_SKIP}, &fresh);
}

static size_t
locks_listed(world *w, session *s)
{
    ql_lock_info *rows;
    size_t n, own = 0;
    assert_int_equal(ql_txnsys_list_locks(&w->boss.cx, w->boss.cx.arena, &rows, &n), QL_OK);
    for (size_t i = 0; i < n; i++) {
        own += rows[i].trx_id == s->cx.txn->id;
        assert_true(rows[i].granted && rows[i].mode == QL_LOCK_X);
    }
    ql_arena_reset(w->boss.cx.arena);
    return own;
}

/* Every second key; upwards, downwards, and from both ends. */
static int
nth(int how, int i)
{
    return 2 * (how == 0 ? i : how == 1 ? MANY - 1 - i : i % 2 == 0 ? i / 2 : MANY - 1 - i / 2);
}

static void
others_meet_them(void **state)
{
    world *w = *state;
    for (int how = 0; how < 3; how++) {
        session s[3];
        sessions_begin(w, s, 3);
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(try_insert(&s[0], nth(how, i)), QL_OK);
        }
        assert_int_equal(locks_listed(w, &s[0]), MANY);
        for (int i = 0; i < 2 * MANY; i += 37) {
            ql_status want = i % 2 == 0 ? QL_TIMEOUT : QL_OK;
            assert_int_equal(try_row(&s[1], i, QL_LOCK_X), want);
            assert_int_equal(try_row(&s[2], i + 2 * MANY, QL_LOCK_S), QL_OK);
            assert_int_equal(try_range(&s[2], i, i + 2, QL_LOCK_S), QL_TIMEOUT);
            assert_int_equal(try_row(&s[0], i, QL_LOCK_X), want == QL_OK ? QL_TIMEOUT : QL_OK);
        }
        for (int i = 1; i < 2 * MANY; i += 74) { /* between two of them */
            assert_int_equal(try_range(&s[2], i, i + 1, QL_LOCK_S),
                             i % 37 == 0 ? QL_TIMEOUT : QL_OK);
        }
        assert_int_equal(ql_txn_commit(&s[0].cx), QL_OK);
        assert_int_equal(try_row(&s[1], 0, QL_LOCK_X), QL_OK);
        assert_int_equal(try_row(&s[1], 2 * MANY - 2, QL_LOCK_X), QL_OK);
        sessions_close(w, s, 3);
    }
}

/* Two that have many, in each other's gaps. */
static void
two_of_them(void **state)
{
    world *w = *state;
    session s[2];
    sessions_begin(w, s, 2);
    for (int i = 0; i < 2 * MANY; i++) {
        assert_int_equal(try_insert(&s[i % 2], i), QL_OK);
    }
    for (int i = 0; i < 2 * MANY; i++) {
        assert_int_equal(try_row(&s[1 - i % 2], i, QL_LOCK_X), QL_TIMEOUT);
        assert_int_equal(try_row(&s[i % 2], i, QL_LOCK_S), QL_OK);
    }
    assert_int_equal(locks_listed(w, &s[0]), MANY);
    assert_int_equal(locks_listed(w, &s[1]), MANY);
    ql_txn_rollback(&s[0].cx);
    begin(&s[0], QL_REPEATABLE_READ);
    assert_int_equal(try_range(&s[1], 0, 2 * MANY, QL_LOCK_X), QL_OK);
    sessions_close(w, s, 2);
}

static uint32_t seed = 9;

static uint32_t
dice(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* What one statement locks and gives back, others see as it is at the moment. */
static void
given_back_and_taken_again(void **state)
{
    world *w = *state;
    session s[2];
    bool held[600] = {false};
    sessions_begin(w, s, 2);
    stmt(&s[0]);
    for (int i = 1000; i < 3000; i++) {
        assert_int_equal(try_insert(&s[0], i), QL_OK);
    }
    for (int step = 0; step < 20000; step++) {
        int i = (int)dice(600);
        char b[16];
        if (held[i] && dice(2) == 0) {
            ql_txn_unlock_row(&s[0].cx, key_of(i, b));
            held[i] = false;
        } else if (!held[i]) {
            assert_int_equal(try_row(&s[0], i, QL_LOCK_X), QL_OK);
            held[i] = true;
        }
        i = (int)dice(600);
        assert_int_equal(try_row(&s[1], i, QL_LOCK_X), held[i] ? QL_TIMEOUT : QL_OK);
        if (!held[i]) {
            ql_txn_unlock_row(&s[1].cx, key_of(i, b));
        }
    }
    size_t n = 2000;
    for (int i = 0; i < 600; i++) {
        n += held[i];
    }
    assert_int_equal(locks_listed(w, &s[0]), n);
    ql_txn_stmt_end(&s[0].cx);
    sessions_close(w, s, 2);
}

static void
without_memory(void **state)
{
    world *w = *state;
    session s[2];
    int failed = 0, got = 0;
    sessions_begin(w, s, 2);
    for (int i = 0; i < MANY; i++) {
        ql_mem_fail_after(1);
        ql_status st = try_insert(&s[0], i);
        ql_mem_fail_after(0);
        failed += st == QL_ERROR;
        got += st == QL_OK;
        ql_diag_reset(s[0].cx.diag);
        assert_int_equal(try_row(&s[1], i, QL_LOCK_S), st == QL_OK ? QL_TIMEOUT : QL_OK);
        if (st != QL_OK) { /* room for the next ones */
            assert_int_equal(try_insert(&s[0], 2 * MANY + i), QL_OK);
            got++;
        }
    }
    assert_true(failed > 5);
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    assert_true(st.row_locks >= (uint64_t)got);
    sessions_close(w, s, 2);
    for (int i = 0; i < 20000 && st.row_locks != 0; i++) {
        pause_ms(1);
        ql_txnsys_get_stats(w->inst.txns, &st);
    }
    assert_int_equal(st.row_locks, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(others_meet_them),
        T(two_of_them),
        T(given_back_and_taken_again),
        T(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
