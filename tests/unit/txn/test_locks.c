/* SPDX-License-Identifier: Apache-2.0
 *
 * alone: it measures time.
 *
 * Row locks and metadata locks with real threads: waits, order, kills, timeouts, deadlocks, and
 * that freeing a hundred thousand locks is one step.
 */
#include "txn_support.h"

static const char row_state[] = "Waiting for row lock";

static void
waiter_gets_the_lock(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(lock_x(&s[0], "r"), QL_OK);
    assert_int_equal(lock_x(&s[0], "r"), QL_OK);
    task_start(&t, &s[1], lock_x, "r");
    await_state(w, &s[1], row_state);
    assert_int_equal(waits_for(w, &s[1]), ql_proc_id(s[0].cx.proc));
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&t), QL_OK);
    assert_int_equal(waits_for(w, &s[1]), 0);
    sessions_close(w, s, 2);
}

/* Between finding the lock taken and going to sleep the owner ends: no wake-up is lost. */
static void
owner_ends_before_the_sleep(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(lock_x(&s[0], "r"), QL_OK);
    sync_do(&s[1], "row_lock_before_wait SIGNAL there WAIT_FOR go");
    task_start(&t, &s[1], lock_x, "r");
    sync_do(&w->boss, "now WAIT_FOR there");
    ql_txn_rollback(&s[0].cx);
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 2);
}

/* The same with a request in front that is withdrawn. */
static void
front_leaves_before_the_sleep(void **state)
{
    world *w = *state;
    session s[3];
    task t1, t2;
    sessions_begin(w, s, 3);
    assert_int_equal(lock_s(&s[0], "r"), QL_OK);
    task_start(&t1, &s[1], lock_x, "r");
    await_state(w, &s[1], row_state);
    sync_do(&s[2], "row_lock_before_wait SIGNAL there WAIT_FOR go");
    task_start(&t2, &s[2], lock_s, "r"); /* could share with s[0], but queues behind s[1] */
    sync_do(&w->boss, "now WAIT_FOR there");
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&t1), QL_KILLED);
    assert_int_equal(error_of(&s[1]), 1317);
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t2), QL_OK);
    sessions_close(w, s, 3);
}

static void
killed_waiter_leaves_others_go_on(void **state)
{
    world *w = *state;
    session s[3];
    task t1, t2;
    sessions_begin(w, s, 3);
    assert_int_equal(lock_x(&s[0], "r"), QL_OK);
    task_start(&t1, &s[1], lock_x, "r");
    await_state(w, &s[1], row_state);
    task_start(&t2, &s[2], lock_x, "r");
    await_state(w, &s[2], row_state);
    assert_int_equal(waits_for(w, &s[2]), ql_proc_id(s[1].cx.proc)); /* in line */
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&t1), QL_KILLED);
    session_next(&s[1]);
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&t2), QL_OK);
    sessions_close(w, s, 3);
}

static void
timeout_is_1205(void **state)
{
    world *w = *state;
    session s[2];
    sessions_begin(w, s, 2);
    assert_int_equal(lock_x(&s[0], "r"), QL_OK);
    assert_int_equal(lock_row(&s[1], "r", QL_LOCK_X, 30), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1205);
    assert_false(ql_txn_must_rollback(s[1].cx.txn));
    session_next(&s[1]);
    assert_int_equal(lock_x(&s[1], "q"), QL_OK);
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(lock_x(&s[1], "r"), QL_OK);
    sessions_close(w, s, 2);
}

static void
shared_locks(void **state)
{
    world *w = *state;
    session s[3];
    task t;
    sessions_begin(w, s, 3);
    assert_int_equal(lock_s(&s[0], "r"), QL_OK);
    assert_int_equal(lock_s(&s[1], "r"), QL_OK);
    task_start(&t, &s[2], lock_x, "r");
    await_state(w, &s[2], row_state);
    ql_txn_rollback(&s[0].cx);
    pause_ms(20);
    await_state(w, &s[2], row_state);
    assert_int_equal(lock_x(&s[1], "r"), QL_OK); /* alone now: upgrade past the queue */
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 3);
}

static void
first_come_first_served(void **state)
{
    world *w = *state;
    enum { N = 6 };
    session s[N];
    task t[N];
    sessions_begin(w, s, N);
    assert_int_equal(lock_x(&s[0], "r"), QL_OK);
    for (int i = 1; i < N; i++) {
        task_start(&t[i], &s[i], lock_x, "r");
        await_state(w, &s[i], row_state);
    }
    for (int i = 1; i < N; i++) {
        ql_txn_rollback(&s[i - 1].cx);
        assert_int_equal(task_join(&t[i]), QL_OK);
        for (int j = i + 1; j < N; j++) {
            await_state(w, &s[j], row_state);
        }
    }
    sessions_close(w, s, N);
}

static void
deadlock_is_1213(void **state)
{
    world *w = *state;
    enum { N = 3 };
    session s[N];
    task t[N];
    static const char *const rows[] = {"r0", "r1", "r2"};
    sessions_begin(w, s, N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(lock_x(&s[i], rows[i]), QL_OK);
    }
    for (int i = 0; i < N - 1; i++) {
        task_start(&t[i], &s[i], lock_x, rows[i + 1]);
        await_state(w, &s[i], row_state);
    }
    assert_int_equal(lock_x(&s[N - 1], rows[0]), QL_ERROR);
    assert_int_equal(error_of(&s[N - 1]), 1213);
    assert_true(ql_txn_must_rollback(s[N - 1].cx.txn));
    ql_txn_rollback(&s[N - 1].cx);
    assert_int_equal(task_join(&t[1]), QL_OK);
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t[0]), QL_OK);
    sessions_close(w, s, N);
}

static void
upgrade_deadlock(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(lock_s(&s[0], "r"), QL_OK);
    assert_int_equal(lock_s(&s[1], "r"), QL_OK);
    task_start(&t, &s[0], lock_x, "r");
    await_state(w, &s[0], row_state);
    assert_int_equal(lock_x(&s[1], "r"), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1213);
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 2);
}

static ql_status
mdl_of(session *s, ql_mdl_mode mode)
{
    return ql_mdl_acquire(&s->cx, QL_MDL_TABLE, QL_STR("db\0t"), mode, QL_MDL_TRANSACTION,
                          ql_deadline_ms(20000));
}

static ql_status
mdl_change(session *s, const char *unused)
{
    (void)unused;
    return mdl_of(s, QL_MDL_X);
}

/* One waits for a row, the other for the table's definition; either may be the last to wait. The
 * one that changes the definition is the heavier one. */
static void
deadlock_through_both_kinds(void **state)
{
    world *w = *state;
    for (int row_last = 0; row_last < 2; row_last++) {
        session s[2];
        task row, ddl;
        sessions_begin(w, s, 2);
        assert_int_equal(mdl_of(&s[0], QL_MDL_SW), QL_OK);
        assert_int_equal(lock_x(&s[1], "r"), QL_OK);
        if (row_last) {
            task_start(&ddl, &s[1], mdl_change, "");
            await_state(w, &s[1], "Waiting for table metadata lock");
            task_start(&row, &s[0], lock_x, "r");
        } else {
            task_start(&row, &s[0], lock_x, "r");
            await_state(w, &s[0], row_state);
            task_start(&ddl, &s[1], mdl_change, "");
        }
        assert_int_equal(task_join(&row), QL_ERROR);
        assert_int_equal(error_of(&s[0]), 1213);
        ql_txn_rollback(&s[0].cx);
        ql_mdl_release_transaction(&s[0].cx);
        assert_int_equal(task_join(&ddl), QL_OK);
        ql_txn_rollback(&s[1].cx);
        ql_mdl_release_transaction(&s[1].cx);
        sessions_close(w, s, 2);
    }
}

static void
many_locks_end_in_one_step(void **state)
{
    world *w = *state;
    enum { N = 100000, ROUNDS = 5 };
    session s[2];
    char key[32];
    int64_t best = INT64_MAX, made = INT64_MAX;
    sessions_begin(w, s, 2);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t t0 = ql_thread_cpu_ns(); /* the machine may be busy */
        for (int i = 0; i < N; i++) {
            (void)sprintf(key, "row%d", i);
            assert_int_equal(lock_x(&s[0], key), QL_OK);
        }
        int64_t t1 = ql_thread_cpu_ns();
        ql_txn_rollback(&s[0].cx);
        int64_t t2 = ql_thread_cpu_ns();
        made = t1 - t0 < made ? t1 - t0 : made;
        best = t2 - t1 < best ? t2 - t1 : best;
        for (int i = 0; i < N; i += 997) {
            (void)sprintf(key, "row%d", i);
            assert_int_equal(lock_x(&s[1], key), QL_OK);
        }
        ql_txn_rollback(&s[1].cx);
        begin(&s[0], QL_REPEATABLE_READ);
        begin(&s[1], QL_REPEATABLE_READ);
    }
    assert_true(best < made / 20); /* taking them out one by one would be a large part of it */
    sessions_close(w, s, 2);
}

/* --- races: counters under row locks with random kills and timeouts --- */

enum { RACERS = 4, TURNS = 150 };

typedef struct racer {
    world *w;
    session s;
    pthread_t th;
    _Atomic bool done;
    int *plain; /* guarded by the row lock only */
    int added;
} racer;

static void *
race(void *arg)
{
    racer *r = arg;
    for (int i = 0; i < TURNS; i++) {
        begin(&r->s, QL_REPEATABLE_READ);
        int row = i % 2;
        ql_status st = lock_row(&r->s, row ? "x" : "y", QL_LOCK_X, i % 7 == 0 ? 1 : 20000);
        if (st == QL_OK) {
            r->plain[row]++;
            r->added++;
        }
        ql_txn_rollback(&r->s.cx);
        session_next(&r->s);
    }
    atomic_store(&r->done, true);
    return NULL;
}

static void
races_lose_nothing(void **state)
{
    world *w = *state;
    racer r[RACERS];
    int plain[2] = {0, 0}, added = 0;
    for (int i = 0; i < RACERS; i++) {
        memset(&r[i], 0, sizeof r[i]);
        r[i].w = w;
        r[i].plain = plain;
        session_open(w, &r[i].s);
        pthread_create(&r[i].th, NULL, race, &r[i]);
    }
    for (int n = 0;; n++) {
        bool all = true;
        for (int i = 0; i < RACERS; i++) {
            all = all && atomic_load(&r[i].done);
        }
        if (all) {
            break;
        }
        (void)ql_procs_raise(w->inst.procs, ql_proc_id(r[n % RACERS].s.cx.proc), 0, QL_INTR_QUERY,
                             false, 0);
        pause_ms(1);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(r[i].th, NULL);
        added += r[i].added;
        session_close(w, &r[i].s);
    }
    assert_int_equal(plain[0] + plain[1], added);
}

/* --- metadata locks --- */

static const char mdl_state[] = "Waiting for table metadata lock";

static ql_status
mdl_s(session *s, const char *name)
{
    return ql_mdl_acquire(&s->cx, QL_MDL_TABLE, str(name), QL_MDL_SR, QL_MDL_TRANSACTION,
                          ql_deadline_ms(20000));
}

static ql_status
mdl_x(session *s, const char *name)
{
    return ql_mdl_acquire(&s->cx, QL_MDL_TABLE, str(name), QL_MDL_X, QL_MDL_TRANSACTION,
                          ql_deadline_ms(20000));
}

static void
open_sessions(world *w, session *s, int n)
{
    for (int i = 0; i < n; i++) {
        session_open(w, &s[i]);
    }
}

static void
mdl_order(void **state)
{
    world *w = *state;
    session s[4];
    task x, later;
    open_sessions(w, s, 4);
    assert_int_equal(mdl_s(&s[0], "t"), QL_OK);
    assert_int_equal(mdl_s(&s[1], "t"), QL_OK);
    task_start(&x, &s[2], mdl_x, "t");
    await_state(w, &s[2], mdl_state);
    task_start(&later, &s[3], mdl_s, "t");
    await_state(w, &s[3], mdl_state);           /* does not overtake the exclusive one */
    assert_int_equal(mdl_s(&s[0], "t"), QL_OK); /* held already */
    ql_mdl_release_transaction(&s[0].cx);
    pause_ms(10);
    await_state(w, &s[2], mdl_state);
    ql_mdl_release_transaction(&s[1].cx);
    assert_int_equal(task_join(&x), QL_OK);
    await_state(w, &s[3], mdl_state);
    assert_int_equal(waits_for(w, &s[3]), ql_proc_id(s[2].cx.proc));
    ql_mdl_release_transaction(&s[2].cx);
    assert_int_equal(task_join(&later), QL_OK);
    sessions_close(w, s, 4);
}

static void
mdl_kill_lets_those_behind_go(void **state)
{
    world *w = *state;
    session s[3];
    task x, later;
    open_sessions(w, s, 3);
    assert_int_equal(mdl_s(&s[0], "t"), QL_OK);
    task_start(&x, &s[1], mdl_x, "t");
    await_state(w, &s[1], mdl_state);
    task_start(&later, &s[2], mdl_s, "t");
    await_state(w, &s[2], mdl_state);
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&x), QL_KILLED);
    assert_int_equal(task_join(&later), QL_OK);
    sessions_close(w, s, 3);
}

static void
mdl_timeout_and_upgrade(void **state)
{
    world *w = *state;
    session s[2];
    task x;
    open_sessions(w, s, 2);
    assert_int_equal(mdl_s(&s[0], "t"), QL_OK);
    assert_int_equal(ql_mdl_acquire(&s[1].cx, QL_MDL_TABLE, str("t"), QL_MDL_X, QL_MDL_TRANSACTION,
                                    ql_deadline_ms(20)),
                     QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1205);
    session_next(&s[1]);
    assert_int_equal(mdl_x(&s[0], "t"), QL_OK);
    task_start(&x, &s[1], mdl_s, "t");
    await_state(w, &s[1], mdl_state);
    ql_mdl_release_transaction(&s[0].cx);
    assert_int_equal(task_join(&x), QL_OK);
    sessions_close(w, s, 2);
}

static void
mdl_deadlock(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    open_sessions(w, s, 2);
    assert_int_equal(mdl_s(&s[0], "a"), QL_OK);
    assert_int_equal(mdl_x(&s[1], "b"), QL_OK);
    task_start(&t, &s[1], mdl_x, "a");
    await_state(w, &s[1], mdl_state);
    assert_int_equal(mdl_s(&s[0], "b"), QL_ERROR);
    assert_int_equal(error_of(&s[0]), 1213);
    ql_mdl_release_transaction(&s[0].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 2);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(waiter_gets_the_lock),
        T(owner_ends_before_the_sleep),
        T(front_leaves_before_the_sleep),
        T(killed_waiter_leaves_others_go_on),
        T(timeout_is_1205),
        T(shared_locks),
        T(first_come_first_served),
        T(deadlock_is_1213),
        T(upgrade_deadlock),
        T(deadlock_through_both_kinds),
        T(many_locks_end_in_one_step),
        T(races_lose_nothing),
        T(mdl_order),
        T(mdl_kill_lets_those_behind_go),
        T(mdl_timeout_and_upgrade),
        T(mdl_deadlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
