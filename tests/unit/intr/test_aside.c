/* SPDX-License-Identifier: Apache-2.0
 *
 * Work aside: it is done and handed back; a killed statement leaves at once, and the work is
 * dropped once, when it is done.
 */
#include "fixture.h"

#include <sched.h>

#include "intr/aside.h"

typedef struct piece {
    _Atomic int started, may_end, done, dropped;
} piece;

static void
work(void *arg)
{
    piece *p = arg;
    p->started = 1;
    while (!p->may_end) {
        (void)sched_yield();
    }
    p->done = 1;
}

static void
drop(void *arg)
{
    piece *p = arg;
    assert_int_equal(p->done, 1);
    p->dropped++;
}

static void
test_work_is_handed_back(void **state)
{
    fake f;
    (void)state;
    fake_begin(&f, NULL);
    ql_intr_stmt_begin(&f.intr, 1);
    for (int i = 0; i < 200; i++) {
        piece p = {.may_end = 1};
        assert_int_equal(ql_aside(&f.cx, work, drop, &p), QL_OK);
        assert_int_equal(p.done, 1);
        assert_int_equal(p.dropped, 0);
    }
    ql_intr_stmt_end(&f.intr);
    fake_end(&f);
}

typedef struct leaver {
    fake f;
    piece *p;
    ql_status st;
} leaver;

static void
run_aside(void *arg)
{
    leaver *l = arg;
    ql_intr_stmt_begin(&l->f.intr, 1);
    l->st = ql_aside(&l->f.cx, work, drop, l->p);
    ql_intr_stmt_end(&l->f.intr);
}

static void
test_killed_statement_leaves_its_work(void **state)
{
    static piece p;
    leaver l = {.p = &p};
    (void)state;
    fake_begin(&l.f, NULL);
    fake_start(&l.f, run_aside, &l);
    while (!p.started) {
        (void)sched_yield();
    }
    assert_true(ql_intr_raise(&l.f.intr, QL_INTR_QUERY, 0));
    ql_thread_join(&l.f.thread); /* the work has not ended, and does not before the statement */
    assert_int_equal(l.st, QL_KILLED);
    assert_int_equal(p.done, 0);
    assert_int_equal(p.dropped, 0);
    p.may_end = 1;
    while (!p.dropped) {
        (void)sched_yield();
    }
    fake_end(&l.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_handed_back),
        cmocka_unit_test(test_killed_statement_leaves_its_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
