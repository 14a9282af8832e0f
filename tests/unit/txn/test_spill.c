/* SPDX-License-Identifier: Apache-2.0
 *
 * Spilled layers: what cursors see while a layer goes to disk under them, kills at every
 * checkpoint, a full disk, commit, and merging of many layers where a statement begins.
 */
#include <signal.h>
#include <sys/resource.h>

#include "txn_support.h"

enum { LIMIT = 16384 };

static int
open_world(void **state)
{
    test_memory_limit = LIMIT;
    *state = world_open(NULL, 0);
    return 0;
}

static int
close_world(void **state)
{
    ql_txn_rollback(&((world *)*state)->boss.cx);
    expect_nothing_left(*state);
    world_close(*state);
    return 0;
}

static ql_txnsys_stats
stats(world *w)
{
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    return st;
}

static ql_status
put_number(session *s, int key, int value)
{
    char k[16], v[64];
    (void)snprintf(k, sizeof k, "%06d", key);
    (void)snprintf(v, sizeof v, "%06d-%040d", value, value);
    return ql_txn_put(&s->cx, str(k), str(v));
}

static ql_status
put_range(session *s, int from, int to, int value)
{
    ql_status st = QL_OK;
    for (int i = from; i < to && st == QL_OK; i++) {
        st = ql_check(&s->cx);
        st = st == QL_OK ? put_number(s, i, value) : st;
    }
    return st;
}

/* Keys 0 .. n-1, all of that value; nothing else. */
static void
expect_range(session *s, ql_view view, int n, int value)
{
    ql_txn_cursor *c;
    ql_str k, v;
    int i = 0;
    assert_int_equal(ql_txn_cursor_open(&s->cx, view, &c), QL_OK);
    for (ql_status st = ql_txn_seek_ge(&s->cx, c, str(""), &k, &v); st == QL_OK;
         st = ql_txn_next(&s->cx, c, &k, &v), i++) {
        assert_int_equal(strtol(strndupa(k.p, k.n), NULL, 10), i);
        assert_int_equal(strtol(strndupa(v.p, 6), NULL, 10), value);
    }
    ql_txn_cursor_close(c);
    assert_int_equal(i, n);
}

static void
committed_wholly(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(put_range(s, 0, 5000, 1), QL_OK);
    ql_txn_stmt_end(&s->cx);
    stmt(s);
    assert_int_equal(put_range(s, 2000, 7000, 1), QL_OK);
    expect_range(s, QL_VIEW_STATEMENT, 5000, 1);
    expect_range(s, QL_VIEW_OWN, 7000, 1);
    ql_txn_stmt_end(&s->cx);
    assert_true(stats(w).spilled_layers >= 2);
    assert_true(stats(w).overlay_bytes < 4 * LIMIT);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    expect_nothing_left(w);
    begin(s, QL_REPEATABLE_READ);
    expect_range(s, QL_VIEW_OWN, 7000, 1);
}

static void
savepoints_and_statements_forget_files(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(put_range(s, 0, 2000, 1), QL_OK);
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_savepoint(&s->cx, str("a")), QL_OK);
    stmt(s);
    assert_int_equal(put_range(s, 0, 3000, 2), QL_OK);
    ql_txn_stmt_end(&s->cx);
    stmt(s);
    assert_int_equal(put_range(s, 0, 4000, 3), QL_OK);
    expect_range(s, QL_VIEW_OWN, 4000, 3);
    ql_txn_stmt_rollback(&s->cx);
    expect_range(s, QL_VIEW_OWN, 3000, 2);
    assert_int_equal(ql_txn_rollback_to(&s->cx, str("a")), QL_OK);
    expect_range(s, QL_VIEW_OWN, 2000, 1);
    ql_txn_rollback(&s->cx);
    expect_nothing_left(w);
    begin(s, QL_REPEATABLE_READ);
    expect_range(s, QL_VIEW_OWN, 0, 0);
}

/* Cursors stand while the list under them goes to disk, again and again; what is written behind
 * them does not make them miss or repeat anything. */
static void
cursor_stands_over_spills(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    enum { KEYS = 400 };
    bool there[KEYS] = {0};
    uint64_t seed = 7;
    begin(s, QL_REPEATABLE_READ);
    ql_txn_set_memory_limit(&s->cx, 3000);
    stmt(s);
    for (int i = 0; i < KEYS; i += 40) {
        there[i] = true;
        assert_int_equal(put_number(s, i, 1), QL_OK);
    }
    for (int round = 0; round < 20; round++) {
        ql_txn_cursor *c[2];
        ql_str k, v;
        int at[2] = {-1, -1};
        for (int j = 0; j < 2; j++) {
            assert_int_equal(ql_txn_cursor_open(&s->cx, j ? QL_VIEW_OWN : QL_VIEW_CURRENT, &c[j]),
                             QL_OK);
            assert_int_equal(ql_txn_seek_ge(&s->cx, c[j], str("0"), &k, &v), QL_OK);
            at[j] = (int)strtol(strndupa(k.p, k.n), NULL, 10);
        }
        while (at[0] < KEYS) {
            for (int n = 0; n < 8; n++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                int least = at[0] < at[1] ? at[0] : at[1];
                int key = (int)((seed >> 33) % (uint64_t)(least < KEYS ? least + 1 : KEYS));
                char text[16];
                (void)snprintf(text, sizeof text, "%06d", key);
                there[key] = (seed >> 60) != 0 && key != 0;
                assert_int_equal(
                    there[key] ? put_number(s, key, round) : ql_txn_del(&s->cx, str(text)), QL_OK);
            }
            for (int j = 0; j < 2; j++) {
                int want = at[j] + 1;
                while (want < KEYS && !there[want]) {
                    want++;
                }
                if (at[j] < KEYS) {
                    ql_status st = ql_txn_next(&s->cx, c[j], &k, &v);
                    assert_int_equal(st, want < KEYS ? QL_OK : QL_END);
                    at[j] = want;
                }
                if (want < KEYS) {
                    assert_int_equal(strtol(strndupa(k.p, k.n), NULL, 10), want);
                }
            }
        }
        ql_txn_cursor_close(c[0]);
        ql_txn_cursor_close(c[1]);
        for (int i = 0; i < KEYS; i += 7) {
            there[i] = true;
            assert_int_equal(put_number(s, i, round), QL_OK);
        }
    }
    assert_true(stats(w).spills > 50);
    ql_txn_stmt_end(&s->cx);
}

/* After each kill: the statement undone, the transaction as before it, and able to go on. */
static void
killed_at_every_checkpoint(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    int killed = 0;
    for (int at = 1;; at += 1 + at / 16) {
        char text[64];
        begin(s, QL_REPEATABLE_READ);
        stmt(s);
        assert_int_equal(put_range(s, 0, 1000, 1), QL_OK);
        ql_txn_stmt_end(&s->cx);
        (void)snprintf(text, sizeof text, "kill_at %d QUERY", at);
        sync_do(s, text);
        session_next(s);
        ql_status st = ql_txn_stmt_begin(&s->cx);
        bool begun = st == QL_OK;
        st = begun ? put_range(s, 500, 1500, 2) : st;
        if (begun && st != QL_OK) {
            ql_txn_stmt_rollback(&s->cx);
        } else if (begun) {
            ql_txn_stmt_end(&s->cx);
        }
        sync_do(s, "RESET");
        session_next(s);
        if (st == QL_OK) {
            ql_txn_rollback(&s->cx);
            break;
        }
        killed++;
        if (st != QL_KILLED) {
            print_message("kill_at %d: %s\n", at, ql_diag_error(s->cx.diag)->text);
        }
        assert_int_equal(st, QL_KILLED);
        expect_range(s, QL_VIEW_OWN, 1000, 1);
        stmt(s);
        assert_int_equal(put_range(s, 0, 1200, 3), QL_OK);
        ql_txn_stmt_end(&s->cx);
        expect_range(s, QL_VIEW_OWN, 1200, 3);
        ql_txn_rollback(&s->cx);
    }
    assert_true(killed > 30);
    expect_nothing_left(w);
}

static void
full_disk_is_an_error_of_the_statement(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    struct rlimit all, little = {.rlim_cur = 200 * 1024};
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(put_range(s, 0, 100, 1), QL_OK);
    ql_txn_stmt_end(&s->cx);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    little.rlim_max = all.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    stmt(s);
    assert_int_equal(put_range(s, 0, 50000, 2), QL_ERROR);
    assert_int_equal(error_of(s), 1026);
    ql_txn_stmt_rollback(&s->cx);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    expect_range(s, QL_VIEW_OWN, 100, 1);
    session_next(s);
    stmt(s);
    assert_int_equal(put_range(s, 0, 5000, 2), QL_OK);
    ql_txn_stmt_end(&s->cx);
    expect_range(s, QL_VIEW_OWN, 5000, 2);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    expect_nothing_left(w);
}

/* Layers of an earlier statement that cannot be spilled stay in memory: who only reads is not told.
 */
static void
full_disk_does_not_hurt_readers(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    w->inst.tmpdir = "/nonexistent";
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(put_range(s, 0, 120, 1), QL_OK);
    ql_txn_stmt_end(&s->cx);
    stmt(s);
    expect_range(s, QL_VIEW_STATEMENT, 120, 1);
    assert_int_equal(error_of(s), 0);
    assert_int_equal(put_range(s, 0, 5000, 1), QL_ERROR);
    assert_int_equal(error_of(s), 1026);
    ql_txn_stmt_rollback(&s->cx);
    expect_range(s, QL_VIEW_OWN, 120, 1);
    session_next(s);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
}

static ql_status
kill_and_begin(session *s, int at)
{
    char text[64];
    (void)snprintf(text, sizeof text, "kill_at %d QUERY", at);
    sync_do(s, text);
    session_next(s);
    ql_status st = ql_txn_stmt_begin(&s->cx);
    sync_do(s, "RESET");
    session_next(s);
    return st;
}

/* Many layers of medium size are merged where a statement begins; a kill there leaves them half
 * merged, and whole. */
static void
merging_can_be_killed(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    enum { STATEMENTS = 12, ROWS = 5000 };
    test_memory_limit = 0;
    begin(s, QL_REPEATABLE_READ);
    for (int n = 0; n < STATEMENTS; n++) {
        stmt(s);
        for (int i = n % 3; i < ROWS; i++) {
            assert_int_equal(put_number(s, i, 1), QL_OK);
        }
        ql_txn_stmt_end(&s->cx);
    }
    int killed = 0;
    while (kill_and_begin(s, 1) == QL_KILLED) {
        killed++;
        expect_range(s, QL_VIEW_OWN, ROWS, 1);
    }
    assert_true(killed > 3);
    expect_range(s, QL_VIEW_OWN, ROWS, 1);
    assert_int_equal(put_range(s, 0, ROWS, 4), QL_OK);
    expect_range(s, QL_VIEW_OWN, ROWS, 4);
    ql_txn_stmt_rollback(&s->cx);
    expect_range(s, QL_VIEW_OWN, ROWS, 1);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    expect_nothing_left(w);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        T(committed_wholly),
        T(savepoints_and_statements_forget_files),
        T(cursor_stands_over_spills),
        T(killed_at_every_checkpoint),
        T(full_disk_is_an_error_of_the_statement),
        T(full_disk_does_not_hurt_readers),
        T(merging_can_be_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
