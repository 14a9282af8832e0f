/* SPDX-License-Identifier: Apache-2.0
 *
 * alone: it measures time.
 *
 * Interrupts: classes of reasons, statement boundaries, holds, the kill sweep, and the races of a
 * raise against the start of a wait and against the end of a statement.
 */
#include "fixture.h"

#include <sched.h>
#include <time.h>

#include "intr/intr_int.h"

static void
test_classes_of_reasons(void **state)
{
    (void)state;
    fake f;
    fake_begin(&f, NULL);
    assert_false(ql_intr_raise(&f.intr, QL_INTR_QUERY, 0));
    ql_intr_stmt_begin(&f.intr, 7);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_false(ql_intr_raise(&f.intr, QL_INTR_QUERY, 8));
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 7));
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    assert_int_equal(fake_error(&f), 1317);
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    assert_int_equal(ql_diag_error_count(f.cx.diag), 1);
    ql_intr_stmt_end(&f.intr);
    ql_diag_reset(f.cx.diag);
    ql_intr_stmt_begin(&f.intr, 9);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_CONN, 0));
    assert_false(ql_intr_raise(&f.intr, QL_INTR_CONN, 0));
    assert_false(ql_intr_raise(&f.intr, QL_INTR_QUERY, 0));
    ql_intr_stmt_end(&f.intr);
    assert_int_equal(ql_intr_conn_reason(&f.intr), QL_INTR_CONN);
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    fake_end(&f);
}

static void
test_words_of_reasons(void **state)
{
    (void)state;
    static const struct {
        uint32_t reasons;
        unsigned number;
    } rows[] = {
        {QL_INTR_QUERY, 1317},
        {QL_INTR_TIME, 3024},
        {QL_INTR_MEMORY, 4082},
        {QL_INTR_SNAPSHOT, 4201},
        {QL_INTR_CONN, 1317},
        {QL_INTR_GONE, 1317},
        {QL_INTR_IDLE, 4031},
        {QL_INTR_SHUTDOWN, 1053},
        {QL_INTR_QUERY | QL_INTR_TIME, 3024},
        {QL_INTR_TIME | QL_INTR_SHUTDOWN, 1053},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake f;
        fake_begin(&f, NULL);
        ql_intr_stmt_begin(&f.intr, 1);
        assert_true(ql_intr_raise(&f.intr, rows[i].reasons, 0));
        assert_int_equal(ql_check(&f.cx), QL_KILLED);
        assert_int_equal(fake_error(&f), rows[i].number);
        fake_end(&f);
    }
}

/* What a KILL QUERY by connection number late_as does to the running statement. */
static void
assert_late(fake *f, uint64_t late_as, qli_hit expected)
{
    assert_int_equal(qli_intr_raise_cut(&f->intr, QL_INTR_QUERY, 0, late_as, -1), expected);
    if (expected == QLI_HIT) { /* forget it again */
        atomic_store(&f->intr.raised, 0);
        atomic_store(&f->intr.pending, 0);
    }
}

static void
test_late_kill_spares_later_statement(void **state)
{
    (void)state;
    fake f;
    _Atomic uint64_t accepts = 4;
    fake_begin(&f, NULL);
    f.intr.accepts = &accepts;
    ql_intr_stmt_begin(&f.intr, 1);
    accepts = 6; /* 5 and 6 come while statement 1 runs */
    assert_late(&f, 5, QLI_HIT);
    assert_late(&f, 6, QLI_HIT);
    ql_intr_stmt_end(&f.intr);
    assert_late(&f, 6, QLI_MISSED);
    accepts = 7; /* while the session is idle */
    ql_intr_stmt_begin(&f.intr, 2);
    assert_late(&f, 4, QLI_HIT); /* before statement 1 */
    assert_late(&f, 5, QLI_SPARED);
    assert_late(&f, 6, QLI_SPARED);
    assert_late(&f, 7, QLI_HIT);
    assert_late(&f, 0, QLI_HIT); /* not a late one */
    accepts = 8;
    assert_late(&f, 8, QLI_HIT);
    ql_intr_stmt_next(&f.intr, 3); /* of the same text */
    assert_late(&f, 8, QLI_SPARED);
    assert_late(&f, 7, QLI_HIT);
    assert_int_equal(qli_intr_raise_cut(&f.intr, QL_INTR_QUERY | QL_INTR_CONN, 0, 8, -1), QLI_HIT);
    assert_int_equal(atomic_load(&f.intr.raised), QL_INTR_CONN);
    fake_end(&f);
}

/* Many statements later, with few connections between them, it is still known. */
static void
test_former_statements_are_remembered(void **state)
{
    (void)state;
    fake f;
    _Atomic uint64_t accepts = 0;
    fake_begin(&f, NULL);
    f.intr.accepts = &accepts;
    for (uint64_t i = 1; i <= 1000; i++) {
        ql_intr_stmt_begin(&f.intr, i);
        accepts += i == 1 || i % 100 == 0; /* 1 comes during statement 1, ten others later */
        ql_intr_stmt_end(&f.intr);
    }
    ql_intr_stmt_begin(&f.intr, 1001);
    for (uint64_t n = 1; n <= 11; n++) {
        assert_late(&f, n, QLI_SPARED);
    }
    ql_intr_stmt_end(&f.intr);
    for (uint64_t i = 0; i < 100;
         i++) { /* in turn while idle and while busy: the newest are known */
        accepts += 1;
        ql_intr_stmt_begin(&f.intr, 2000 + i);
        accepts += 1;
        ql_intr_stmt_end(&f.intr);
    }
    ql_intr_stmt_begin(&f.intr, 3000);
    uint64_t last = accepts;
    assert_late(&f, last, QLI_SPARED);
    assert_late(&f, last - 1, QLI_HIT);
    assert_late(&f, last - 2 * (QL_INTR_FORMER - 1), QLI_SPARED);
    assert_late(&f, last - 2 * QL_INTR_FORMER, QLI_HIT); /* forgotten: it kills */
    fake_end(&f);
}

/* Opened with its first byte, begun when its work starts: a target all the while. */
static void
test_open_before_begin(void **state)
{
    (void)state;
    fake f;
    fake_begin(&f, NULL);
    ql_intr_stmt_open(&f.intr, 1);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 1));
    ql_intr_stmt_begin(&f.intr, 1);
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    ql_intr_stmt_next(&f.intr, 2);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_false(ql_intr_raise(&f.intr, QL_INTR_QUERY, 1));
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 2));
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    ql_intr_stmt_end(&f.intr);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_false(ql_intr_raise(&f.intr, QL_INTR_QUERY, 0));
    fake_end(&f);
}

static int64_t
thread_cpu_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
test_hold_defers(void **state)
{
    (void)state;
    fake f;
    fake_begin(&f, NULL);
    ql_intr_stmt_begin(&f.intr, 1);
    ql_hold(&f.cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    ql_hold(&f.cx, QL_INTR_QUERY);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 0));
    ql_intr_wake(&f.intr); /* a token left over must not make the wait spin */
    int64_t cpu = thread_cpu_ns();
    ql_deadline dl = ql_deadline_ms(60);
    ql_status st = QL_OK;
    int turns = 0;
    while (st == QL_OK) {
        st = ql_wait(&f.cx, -1, 0, dl, QL_W_COMMIT_TAKEN);
        turns++;
    }
    assert_int_equal(st, QL_TIMEOUT);
    assert_true(turns <= 2);
    assert_true(thread_cpu_ns() - cpu < 30000000);
    assert_true(ql_now_mono_ns() >= dl);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_int_equal(f.intr.deferred, 1);
    ql_unhold(&f.cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    ql_unhold(&f.cx, QL_INTR_QUERY);
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    fake_end(&f);
}

static void
test_kill_sweep(void **state)
{
    (void)state;
#ifdef QL_DEBUG
    fake f;
    fake_begin(&f, NULL);
    for (uint64_t at = 1; at <= 6; at++) {
        ql_intr_arm_kill(&f.intr, at, QL_INTR_QUERY);
        ql_intr_stmt_begin(&f.intr, at);
        uint64_t n = 0;
        ql_status st = QL_OK;
        while (st == QL_OK && n < 5) {
            n++;
            st = n == 3 ? ql_wait(&f.cx, -1, 0, QL_NO_WAIT, QL_W_SLEEP) : ql_check(&f.cx);
            st = st == QL_TIMEOUT ? QL_OK : st;
        }
        assert_int_equal(st, at <= 5 ? QL_KILLED : QL_OK);
        assert_int_equal(n, at <= 5 ? at : 5);
        ql_intr_stmt_end(&f.intr);
        assert_int_equal(f.intr.stmt_checkpoints, n);
        ql_diag_reset(f.cx.diag);
        ql_intr_stmt_begin(&f.intr, 100 + at);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(ql_check(&f.cx), QL_OK);
        }
        ql_intr_stmt_end(&f.intr);
    }
    fake_end(&f);
#else
    skip();
#endif
}

static void
test_gap_monitor_names_both_ends(void **state)
{
    (void)state;
#ifdef QL_DEBUG
    fake f;
    ql_gap gap[QL_GAP_CLOCKS];
    char from[QL_GAP_PLACE], to[QL_GAP_PLACE];
    fake_begin(&f, NULL);
    ql_intr_stmt_begin(&f.intr, 1);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    ql_intr_gap_reset();
    assert_int_equal(ql_check(&f.cx), QL_OK);
    int64_t end = ql_thread_cpu_ns() + 30000000;
    while (ql_thread_cpu_ns() < end) {
    }
    assert_int_equal(ql_check(&f.cx), QL_OK);
    ql_intr_gap_worst(gap);
    for (int clock = 0; clock < QL_GAP_CLOCKS; clock++) {
        assert_true(gap[clock].ns >= 30000000);
        (void)ql_intr_gap_place(gap[clock].from, gap[clock].from_line, from);
        (void)ql_intr_gap_place(gap[clock].to, gap[clock].to_line, to);
        assert_non_null(strstr(from, "test_intr.c:"));
        assert_non_null(strstr(to, "test_intr.c:"));
        assert_string_not_equal(from, to);
    }
    ql_intr_gap_reset();
    assert_int_equal(ql_wait(&f.cx, -1, 0, ql_deadline_ms(50), QL_W_SLEEP), QL_TIMEOUT);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    ql_intr_gap_worst(gap);
    assert_true(gap[QL_GAP_CPU].ns < 40000000);
    fake_end(&f);
#else
    skip();
#endif
}

/* Raises at a changing distance from the start of the victim's wait. */
typedef struct wait_race {
    fake victim;
    _Atomic uint64_t round; /* the victim is about to wait for this one */
    _Atomic bool stop;
    uint64_t hits;
} wait_race;

static void
race_killer(void *arg)
{
    wait_race *r = arg;
    uint64_t seen = 0;
    while (!r->stop) {
        uint64_t now = r->round;
        if (now == seen) {
            continue;
        }
        for (uint64_t spin = now * 7 % 400; spin > 0; spin--) {
            __asm__ volatile("");
        }
        r->hits += ql_intr_raise(&r->victim.intr, QL_INTR_QUERY, now);
        seen = now;
    }
}

static void
test_race_of_raise_and_wait(void **state)
{
    (void)state;
    enum { ROUNDS = 20000 };
    static wait_race r;
    fake_begin(&r.victim, NULL);
    fake_start(&r.victim, race_killer, &r);
    int64_t end = ql_now_mono_ns() + 8000000000;
    uint64_t i = 0;
    while (i < ROUNDS && ql_now_mono_ns() < end) {
        i++;
        ql_intr_stmt_begin(&r.victim.intr, i);
        r.round = i;
        ql_deadline dl = ql_deadline_ms(5000);
        ql_status st = QL_OK;
        while (st == QL_OK) {
            st = ql_wait(&r.victim.cx, -1, 0, dl, QL_W_SLEEP);
        }
        assert_int_equal(st, QL_KILLED);
        assert_true(ql_now_mono_ns() < dl); /* woken, not found at the deadline */
        ql_intr_stmt_end(&r.victim.intr);
        ql_diag_reset(r.victim.cx.diag);
    }
    r.stop = true;
    ql_thread_join(&r.victim.thread);
    assert_int_equal(r.hits, i);
#ifdef QL_DEBUG
    assert_true(ql_wait_matrix_count(QL_W_SLEEP, QL_INTR_QUERY) > 0);
#endif
    fake_end(&r.victim);
}

/* Kills as fast as it can; whatever hits must hit inside a statement. */
static void
boundary_killer(void *arg)
{
    wait_race *r = arg;
    while (!r->stop) {
        r->hits += ql_intr_raise(&r->victim.intr, QL_INTR_QUERY, 0);
        if ((r->hits & 63) == 0) {
            (void)sched_yield();
        }
    }
}

static void
test_race_at_statement_boundaries(void **state)
{
    (void)state;
    static wait_race r;
    uint64_t seen = 0, statements = 0;
    fake_begin(&r.victim, NULL);
    fake_start(&r.victim, boundary_killer, &r);
    int64_t end = ql_now_mono_ns() + 2000000000;
    while (ql_now_mono_ns() < end) {
        ql_intr_stmt_begin(&r.victim.intr, ++statements);
        ql_status st = QL_OK;
        for (int i = 0; i < 20 && st == QL_OK; i++) {
            st = ql_check(&r.victim.cx);
        }
        seen += st == QL_KILLED;
        ql_intr_stmt_end(&r.victim.intr);
        ql_diag_reset(r.victim.cx.diag);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(ql_check(&r.victim.cx), QL_OK);
        }
        if (statements % 50 == 0) {
            assert_int_not_equal(ql_wait(&r.victim.cx, -1, 0, QL_NO_WAIT, QL_W_IDLE), QL_KILLED);
        }
    }
    r.stop = true;
    ql_thread_join(&r.victim.thread);
    assert_true(seen > 0 && seen <= r.hits);
    fake_end(&r.victim);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_of_reasons),
        cmocka_unit_test(test_words_of_reasons),
        cmocka_unit_test(test_late_kill_spares_later_statement),
        cmocka_unit_test(test_former_statements_are_remembered),
        cmocka_unit_test(test_open_before_begin),
        cmocka_unit_test(test_hold_defers),
        cmocka_unit_test(test_kill_sweep),
        cmocka_unit_test(test_gap_monitor_names_both_ends),
        cmocka_unit_test(test_race_of_raise_and_wait),
        cmocka_unit_test(test_race_at_statement_boundaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
