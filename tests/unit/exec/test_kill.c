/* SPDX-License-Identifier: Apache-2.0
 *
 * The kill sweep on exec: each statement is killed at its i-th checkpoint for every i
 * (sampled when there are many). Afterwards:
 * error 1317 or full success, data wholly unchanged or wholly changed, no arena left over. Debug
 * builds only (the sweep is compiled into those). And KILL's own errors.
 */
#include "fixture.h"

static int
setup(void **state)
{
    exec_setup(state);
    world *w = *state;
    (void)run(w, "INSERT INTO u VALUES (1,1,1,'a'),(2,2,2,'b'),(3,3,3,'c'),(4,4,4,'d')");
    for (int i = 0; i < 6; i++) {
        (void)run(w, "INSERT INTO nokey SELECT x.x, 'text' FROM u x, u y");
    }
    return 0;
}

#ifdef QL_DEBUG
static void
sweep(world *w, const char *sql, const char *look)
{
    char before[256];
    ql_status st = QL_KILLED;
    snprintf(before, sizeof before, "%s", run(w, look));
    size_t arenas = ql_arena_live_count();
    unsigned killed = 0;
    for (uint64_t at = 1; st == QL_KILLED; at += 1 + at / 16) {
        ql_intr_arm_kill(&w->boot.intr, at, QL_INTR_QUERY);
        const char *text = run_status(w, sql, &st);
        ql_intr_arm_kill(&w->boot.intr, 0, 0);
        if (st != QL_KILLED) {
            break;
        }
        killed++;
        assert_string_equal(text, "1317 Query execution was interrupted");
        assert_int_equal(ql_arena_live_count(), arenas);
        assert_string_equal(run(w, look), before);
    }
    assert_int_equal(st, QL_OK);
    assert_true(killed > 0);
}

static void
test_sweep(void **state)
{
    world *w = *state;
    const char *look = "SELECT COUNT(*), SUM(k), COUNT(DISTINCT v) FROM nokey";
    sweep(w, "SELECT COUNT(*) FROM nokey x, u y WHERE x.k + y.x > 5", look);
    sweep(w, "SELECT x.k, y.v FROM nokey x JOIN nokey y ON x.k = y.k ORDER BY y.v, x.k LIMIT 5",
          look);
    sweep(w, "SELECT k, COUNT(DISTINCT v), GROUP_CONCAT(v ORDER BY v) FROM nokey GROUP BY k", look);
    sweep(w, "SELECT DISTINCT k FROM nokey UNION SELECT x FROM u", look);
    sweep(w, "SELECT id, (SELECT COUNT(*) FROM nokey WHERE k = u.x) FROM u", look);
    sweep(w, "SELECT REPEAT('ab', 100000) REGEXP 'b$', SLEEP(0)", look);
    sweep(w, "SHOW COLUMNS FROM t", look);
    sweep(w, "INSERT INTO nokey VALUES (1,'a'),(2,'b'),(3,'c')", look);
    sweep(w, "INSERT INTO nokey SELECT x, name FROM u", look);
    sweep(w, "UPDATE nokey SET v = CONCAT(v, k)", look);
    sweep(w, "DELETE FROM nokey WHERE k < 3", look);
}
#endif

static void
test_errors(void **state)
{
    world *w = *state;
    char sql[64];
    RUN(w, "KILL 999999", "1094 Unknown thread id: 999999");
    RUN(w, "KILL NULL", "1094 Unknown thread id: 0");
    RUN(w, "KILL -1", "1094 Unknown thread id: 18446744073709551615");
    RUN(w, "KILL QUERY 4294967297", "1094 Unknown thread id: 4294967297");
    RUN(w, "KILL QUERY ID 999999", "1957 Unknown query id: 999999");
    snprintf(sql, sizeof sql, "KILL QUERY %llu", (unsigned long long)ql_proc_id(w->boot.cx.proc));
    RUN(w, sql, "1317 Query execution was interrupted");
    RUN(w, "SELECT 1", "1\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef QL_DEBUG
        cmocka_unit_test(test_sweep),
#endif
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
