/* SPDX-License-Identifier: Apache-2.0
 *
 * DEBUG_SYNC: the language (MySQL's sql/debug_sync.cc), signals, counts, limits, time-outs, kills,
 * global actions.
 */
#include "fixture.h"

#include <sched.h>

#include "intr/sync.h"

typedef struct env {
    ql_instance inst;
    fake a, b;
    ql_status st;
    _Atomic int passed;
} env;

static void
env_begin(env *e)
{
    memset(e, 0, sizeof *e);
    e->inst.procs = ql_procs_new();
    e->inst.syncs = ql_syncs_new();
    fake_begin(&e->a, &e->inst);
    fake_begin(&e->b, &e->inst);
}

static void
env_end(env *e)
{
    ql_sync_session_end(&e->a.cx);
    ql_sync_session_end(&e->b.cx);
    fake_end(&e->a);
    fake_end(&e->b);
    ql_syncs_free(e->inst.syncs);
    ql_procs_free(e->inst.procs);
}

static ql_status
set(fake *f, const char *text)
{
    return ql_sync_set(&f->cx, (ql_str){text, strlen(text)});
}

static const char *
current(fake *f)
{
    return ql_sync_current(&f->cx, f->cx.arena);
}

static void
test_language(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        " RESET ",
        "now SIGNAL a",
        "NOW signal a,b , c",
        "scan_block SIGNAL a EXECUTE 3 WAIT_FOR b TIMEOUT 5 EXECUTE 2 NO_CLEAR_EVENT HIT_LIMIT 4",
        "scan_block HIT_LIMIT 1",
        "SCAN_BLOCK CLEAR",
        "global commit_before_take WAIT_FOR go",
        "global commit_before_take CLEAR",
        "RESET",
    };
    static const char *const bad[] = {
        "now",
        "scan_block",
        "no_such_point SIGNAL a",
        "now SIGNAL",
        "now SIGNAL a b",
        "now WAIT_FOR",
        "now WAIT_FOR a TIMEOUT",
        "now WAIT_FOR a TIMEOUT x",
        "now SIGNAL a EXECUTE 0",
        "scan_block WAIT_FOR b SIGNAL a",
        "RESET now",
        "scan_block CLEAR now",
        "global",
        "now SIGNAL aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    env e;
    env_begin(&e);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(set(&e.a, good[i]), QL_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(set(&e.a, bad[i]), QL_ERROR);
        assert_int_equal(fake_error(&e.a), 1064);
        ql_diag_reset(e.a.cx.diag);
    }
    assert_string_equal(current(&e.a), "ON - signals: ''");
    env_end(&e);
}

static void
test_signals_last_until_waited_for(void **state)
{
    (void)state;
    env e;
    env_begin(&e);
    assert_int_equal(set(&e.a, "now SIGNAL x,y"), QL_OK);
    assert_string_equal(current(&e.b), "ON - signals: 'x,y'");
    assert_int_equal(set(&e.b, "now WAIT_FOR x NO_CLEAR_EVENT"), QL_OK);
    assert_int_equal(set(&e.b, "now WAIT_FOR x"), QL_OK);
    assert_string_equal(current(&e.b), "ON - signals: 'y'");
    assert_int_equal(ql_diag_count(e.b.cx.diag), 0);
    assert_int_equal(set(&e.b, "now WAIT_FOR x TIMEOUT 0"), QL_OK);
    assert_int_equal(ql_diag_count(e.b.cx.diag), 1);
    assert_int_equal(ql_diag_at(e.b.cx.diag, 0)->number, 1639);
    assert_int_equal(ql_diag_at(e.b.cx.diag, 0)->level, QL_DIAG_WARNING);
    assert_int_equal(set(&e.b, "RESET"), QL_OK);
    assert_string_equal(current(&e.b), "ON - signals: ''");
    env_end(&e);
}

static void
test_execute_and_hit_limit(void **state)
{
    (void)state;
    env e;
    env_begin(&e);
    assert_int_equal(set(&e.a, "scan_block SIGNAL x EXECUTE 2 HIT_LIMIT 4"), QL_OK);
    for (int i = 1; i <= 5; i++) {
        ql_status st = ql_sync_run(&e.a.cx, QL_SP_SCAN_BLOCK);
        assert_int_equal(st, i == 4 ? QL_ERROR : QL_OK);
        assert_string_equal(current(&e.a), i <= 2 ? "ON - signals: 'x'" : "ON - signals: ''");
        assert_int_equal(set(&e.b, "now WAIT_FOR x TIMEOUT 0"), QL_OK);
    }
    assert_int_equal(fake_error(&e.a), 1640);
    assert_int_equal(ql_sync_run(&e.b.cx, QL_SP_SCAN_BLOCK), QL_OK);
    assert_int_equal(set(&e.a, "scan_block HIT_LIMIT 1"), QL_OK);
    assert_int_equal(set(&e.a, "scan_block CLEAR"), QL_OK);
    assert_int_equal(ql_sync_run(&e.a.cx, QL_SP_SCAN_BLOCK), QL_OK);
    env_end(&e);
}

static void
run_point(void *arg)
{
    env *e = arg;
    ql_intr_stmt_begin(&e->b.intr, 9);
    e->st = ql_sync_run(&e->b.cx, QL_SP_SCAN_BLOCK);
    e->passed = 1;
    ql_intr_stmt_end(&e->b.intr);
}

static bool
shows_state(env *e, const char *text)
{
    ql_proc_info i;
    ql_status st =
        ql_procs_find(&e->a.cx, e->inst.procs, ql_proc_id(e->b.cx.proc), e->a.cx.arena, &i);
    return st == QL_OK && strcmp(i.state, text) == 0;
}

static void
test_two_sessions_meet(void **state)
{
    (void)state;
    env e;
    env_begin(&e);
    assert_int_equal(set(&e.b, "scan_block SIGNAL here WAIT_FOR go"), QL_OK);
    fake_start(&e.b, run_point, &e);
    assert_int_equal(set(&e.a, "now WAIT_FOR here"), QL_OK);
    UNTIL(shows_state(&e, "debug sync point: scan_block"));
    assert_int_equal(e.passed, 0);
    assert_int_equal(set(&e.a, "now SIGNAL go"), QL_OK);
    ql_thread_join(&e.b.thread);
    assert_int_equal(e.st, QL_OK);
    assert_string_equal(current(&e.a), "ON - signals: ''");
    env_end(&e);
}

static void
test_kill_ends_wait(void **state)
{
    (void)state;
    env e;
    env_begin(&e);
    assert_int_equal(set(&e.a, "global scan_block SIGNAL here WAIT_FOR never"), QL_OK);
    fake_start(&e.b, run_point, &e);
    assert_int_equal(set(&e.a, "now WAIT_FOR here"), QL_OK);
    assert_int_equal(
        ql_procs_raise(e.inst.procs, ql_proc_id(e.b.cx.proc), 9, QL_INTR_QUERY, true, 0),
        QL_RAISE_DONE);
    ql_thread_join(&e.b.thread);
    assert_int_equal(e.st, QL_KILLED);
    assert_int_equal(fake_error(&e.b), 1317);
    e.passed = 0;
    fake_start(&e.b, run_point, &e); /* the global action was used up */
    ql_thread_join(&e.b.thread);
    assert_int_equal(e.st, QL_OK);
    env_end(&e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language),
        cmocka_unit_test(test_signals_last_until_waited_for),
        cmocka_unit_test(test_execute_and_hit_limit),
        cmocka_unit_test(test_two_sessions_meet),
        cmocka_unit_test(test_kill_ends_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
