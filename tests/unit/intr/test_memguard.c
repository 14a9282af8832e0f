/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory guard: the interrupt that it raises on the statement which was measured, the one that
 * has ended meanwhile, and memory handed back.
 */
#include "fixture.h"

#include "base/machine.h"
#include "base/mem.h"
#include "intr/memguard.h"

#define MB ((size_t)1 << 20)

typedef struct world {
    ql_instance inst;
    fake starter, large, small;
    ql_quota large_q, small_q;
    ql_memguard *g;
} world;

static void
join(world *w, fake *f, ql_quota *q)
{
    fake_begin(f, &w->inst);
    *q = (ql_quota){.budget = ql_memguard_budget(w->g), .owner = ql_proc_id(f->cx.proc)};
    ql_budget_join(q->budget, q);
}

static void
leave(fake *f, ql_quota *q)
{
    ql_quota_give(q, q->used);
    ql_budget_leave(q->budget, q);
    fake_end(f);
}

static void
begin(world *w)
{
    memset(w, 0, sizeof *w);
    w->inst.procs = ql_procs_new();
    fake_begin(&w->starter, &w->inst);
    assert_int_equal(ql_memguard_start(&w->starter.cx, &w->g), QL_OK);
    ql_budget_set_limit(ql_memguard_budget(w->g), 100 * MB);
    join(w, &w->large, &w->large_q);
    join(w, &w->small, &w->small_q);
}

static void
end(world *w)
{
    leave(&w->large, &w->large_q);
    leave(&w->small, &w->small_q);
    ql_memguard_stop(w->g);
    fake_end(&w->starter);
    ql_procs_free(w->inst.procs);
}

static void
run_statement(fake *f, ql_quota *q, uint64_t id)
{
    ql_intr_stmt_begin(&f->intr, id);
    q->work = id;
}

static void
end_statement(fake *f, ql_quota *q)
{
    q->work = 0;
    ql_intr_stmt_end(&f->intr);
}

static void
sleep_for_long(void *arg)
{
    fake *f = arg;
    ql_status st = QL_OK;
    while (st == QL_OK) {
        st = ql_wait(&f->cx, -1, 0, QL_FOREVER, QL_W_SLEEP);
    }
    assert_int_equal(st, QL_KILLED);
}

static void
test_ends_the_largest_in_its_sleep(void **state)
{
    (void)state;
    world w;
    begin(&w);
    run_statement(&w.large, &w.large_q, 11);
    run_statement(&w.small, &w.small_q, 12);
    assert_true(ql_quota_take(&w.large.cx, &w.large_q, 80 * MB));
    fake_start(&w.large, sleep_for_long, &w.large);
    assert_true(ql_quota_take(&w.small.cx, &w.small_q, 30 * MB));
    ql_thread_join(&w.large.thread);
    assert_int_equal(fake_error(&w.large), 4082);
    assert_int_equal(ql_check(&w.small.cx), QL_OK);
    end_statement(&w.large, &w.large_q);
    ql_diag_reset(w.large.cx.diag);
    run_statement(&w.large, &w.large_q, 13); /* the next one is not meant */
    assert_int_equal(ql_check(&w.large.cx), QL_OK);
    end(&w);
}

static void
test_misses_one_that_has_ended(void **state)
{
    (void)state;
    world w;
    ql_budget_stats s;
    begin(&w);
    /* What the budget knows is older than what the interrupt knows. */
    run_statement(&w.large, &w.large_q, 21);
    assert_true(ql_quota_take(&w.large.cx, &w.large_q, 80 * MB));
    ql_intr_stmt_end(&w.large.intr);
    ql_intr_stmt_begin(&w.large.intr, 22);
    run_statement(&w.small, &w.small_q, 23);
    assert_true(ql_quota_take(&w.small.cx, &w.small_q, 30 * MB));
    UNTIL((ql_budget_get_stats(w.large_q.budget, &s), s.ended == 0));
    assert_int_equal(ql_check(&w.large.cx), QL_OK);
    assert_int_equal(ql_check(&w.small.cx), QL_OK);
    end(&w);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* Pieces too small to go back by themselves, one of each hundred kept. */
static void
test_hands_memory_back(void **state)
{
    (void)state;
    enum { N = 40000 };
    static void *p[N];
    world w;
    begin(&w);
    for (int i = 0; i < N; i++) {
        p[i] = ql_mem_alloc(4096);
        memset(p[i], 1, 4096);
    }
    uint64_t high = ql_machine_anonymous();
    for (int i = 0; i < N; i++) {
        if (i % 100 != 99) {
            ql_mem_free(p[i]);
        }
    }
    UNTIL(ql_memguard_trims(w.g) > 0);
    assert_true(ql_machine_anonymous() + 100 * MB < high);
    for (int i = 99; i < N; i += 100) {
        ql_mem_free(p[i]);
    }
    end(&w);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_the_largest_in_its_sleep),
        cmocka_unit_test(test_misses_one_that_has_ended),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_hands_memory_back),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
