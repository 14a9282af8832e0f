/* SPDX-License-Identifier: Apache-2.0
 *
 * Out of memory at each allocation of the calling thread: of opening an instance, of a session, of
 * running and preparing statements, of closing. Each call says so or succeeds all the same; nothing
 * is left, and what is open goes on. (What is allocated within arenas and buffers during statements
 * has a sweep of its own, tests/kill/test_sweep.py.)
 */
#include "embed_support.h"

#include "base/mem.h"

#define MOST 4000

/* fails(): one call with its nth allocation failing; true: it went through without meeting it. */
static void
sweep(const char *what, bool (*attempt)(uint64_t nth))
{
    uint64_t nth = 1;
    while (nth < MOST && !attempt(nth)) {
        nth++;
    }
    if (nth == MOST) {
        fail_msg("%s: more than %d allocations", what, MOST);
    }
    assert_true(nth > 1); /* it has allocated something */
}

static bool
attempt_open(uint64_t nth)
{
    ql_instance *q;
    ql_mem_fail_after(nth);
    int rc = ql_open(NULL, NULL, &q);
    bool met = ql_mem_fail_pending() == 0;
    ql_mem_fail_after(0);
    if (rc == QUELL_OK) {
        ql_session *s = open_session(q);
        expect(s, "SELECT 1", "1");
        ql_session_close(s);
    } else if (rc == QUELL_ERROR) {
        assert_true(ql_open_errmsg(q)[0] != '\0');
    } else {
        assert_int_equal(rc, QUELL_NOMEM);
        assert_null(q);
    }
    ql_close(q);
    return !met;
}

static ql_instance *inst;

static bool
attempt_session(uint64_t nth)
{
    ql_session *s;
    ql_mem_fail_after(nth);
    int rc = ql_session_open(inst, NULL, &s);
    bool met = ql_mem_fail_pending() == 0;
    ql_mem_fail_after(0);
    assert_true(rc == QUELL_OK || rc == QUELL_ERROR || rc == QUELL_NOMEM);
    if (rc == QUELL_OK) {
        expect(s, "SELECT 1", "1");
    }
    ql_session_close(s);
    return !met;
}

static bool
attempt_execute(uint64_t nth)
{
    ql_session *s = open_session(inst);
    char out[256] = "";
    run(s, "BEGIN");
    ql_mem_fail_after(nth);
    int rc = ql_execute(s, "INSERT INTO d.t VALUES (1, REPEAT('x', 200)); SELECT COUNT(*) FROM d.t",
                        ALL, keep_first, out);
    bool met = ql_mem_fail_pending() == 0;
    ql_mem_fail_after(0);
    if (rc == QUELL_OK) {
        assert_string_equal(out, "1");
    } else {
        assert_int_equal(rc, QUELL_ERROR);
        assert_true(ql_errno(s) != 0);
    }
    run(s, "ROLLBACK");
    expect(s, "SELECT COUNT(*) FROM d.t", "0");
    ql_session_close(s);
    return !met;
}

static bool
attempt_prepared(uint64_t nth)
{
    ql_session *s = open_session(inst);
    ql_stmt *st = NULL;
    ql_mem_fail_after(nth);
    int rc =
        ql_prepare(s, "SELECT ?, a.i, REPEAT('y', 50000) FROM d.n a, d.n b ORDER BY a.i", ALL, &st);
    if (rc == QUELL_OK) {
        rc = ql_bind_text(st, 1, "text", ALL);
    }
    int n = 0;
    while (rc == QUELL_OK || rc == QUELL_ROW) {
        rc = ql_step(st);
        n += rc == QUELL_ROW;
    }
    bool met = ql_mem_fail_pending() == 0;
    ql_mem_fail_after(0);
    if (rc == QUELL_DONE) {
        assert_int_equal(n, 36);
    } else {
        assert_true(rc == QUELL_ERROR || rc == QUELL_NOMEM);
    }
    if (st != NULL) { /* it can be run again */
        ql_reset(st);
        assert_int_equal(ql_bind_text(st, 1, "text", ALL), QUELL_OK);
        assert_int_equal(ql_step(st), QUELL_ROW);
    }
    ql_session_close(s);
    return !met;
}

static bool
attempt_close(uint64_t nth)
{
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    ql_stmt *st;
    run(s,
        "CREATE DATABASE d; CREATE TABLE d.t (a INT); CREATE TEMPORARY TABLE d.x (a INT); BEGIN; "
        "INSERT INTO d.t VALUES (1); SELECT GET_LOCK('x', 0)");
    assert_int_equal(ql_prepare(s, "SELECT 1", ALL, &st), QUELL_OK);
    assert_int_equal(ql_step(st), QUELL_ROW);
    ql_mem_fail_after(nth);
    ql_session_close(s);
    ql_close(q);
    bool met = ql_mem_fail_pending() == 0;
    ql_mem_fail_after(0);
    return !met;
}

static int
begin_all(void **state)
{
    (void)state;
    inst = open_memory();
    ql_session *s = open_session(inst);
    run(s, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT); CREATE TABLE d.n (i "
           "INT); "
           "INSERT INTO d.n VALUES (1),(2),(3),(4),(5),(6)");
    ql_session_close(s);
    return 0;
}

static int
end_all(void **state)
{
    (void)state;
    ql_close(inst);
    return 0;
}

static void
test_open(void **state)
{
    (void)state;
    sweep("open", attempt_open);
}

static void
test_session(void **state)
{
    (void)state;
    sweep("session", attempt_session);
}

static void
test_execute(void **state)
{
    (void)state;
    sweep("execute", attempt_execute);
}

static void
test_prepared(void **state)
{
    (void)state;
    sweep("prepared", attempt_prepared);
}

static void
test_close(void **state)
{
    (void)state;
    uint64_t nth = 1;
    while (nth < MOST && !attempt_close(nth)) {
        nth++;
    }
    assert_true(nth < MOST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open), cmocka_unit_test(test_session), cmocka_unit_test(test_execute),
        cmocka_unit_test(test_prepared), cmocka_unit_test(test_close)};
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
