/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of the kill matrix in a program: a statement at work and in each kind of wait is stopped
 * from another thread, by the interface and by SQL; the session goes on, or is over; the instance
 * is as if the statement had not been. An idle session is ended, and what it held is free at once.
 */
#include "embed_support.h"

/* How a statement is stopped; the first three leave the session. */
enum how { INTERRUPT, API_QUERY, SQL_QUERY, API_CONNECTION, SQL_CONNECTION, HOWS };

static ql_instance *inst;
static ql_session *watch;

static void
stop(ql_session *victim, enum how how)
{
    char sql[64];
    unsigned long long id = ql_session_id(victim);
    switch (how) {
    case INTERRUPT:
        ql_interrupt(victim);
        break;
    case API_QUERY:
    case API_CONNECTION:
        assert_int_equal(ql_kill(inst, id, how == API_QUERY), QUELL_OK);
        break;
    default:
        (void)snprintf(sql, sizeof sql, "KILL %s %llu", how == SQL_QUERY ? "QUERY" : "CONNECTION",
                       id);
        run(watch, sql);
        break;
    }
}

typedef struct scene {
    const char *name, *state; /* State it is stopped in; NULL: at work, whatever it shows */
    const char *before;       /* of the victim; NULL = nothing */
    const char *holds;        /* of another session, before */
    const char *sql;
    const char *releases; /* of that other session, afterwards */
    const char *check, *expect;
} scene;

static const scene scenes[] = {
    {"sleep", "User sleep", NULL, NULL, "SELECT SLEEP(1000)", NULL, "SELECT 1", "1"},
    {"scan", NULL, NULL, NULL, "SELECT COUNT(*) FROM k.n a, k.n b, k.n c WHERE a.i * b.i > c.i + 7",
     NULL, "SELECT 1", "1"},
    {"sort", NULL, NULL, NULL, "SELECT a.i FROM k.n a, k.n b, k.n c ORDER BY a.i * b.i - c.i", NULL,
     "SELECT 1", "1"},
    {"change", NULL, NULL, NULL,
     "INSERT INTO k.t SELECT 1000 + a.i + 1000 * b.i + 1000000 * c.i, 1 "
     "FROM k.n a, k.n b, k.n c",
     NULL, "SELECT COUNT(*) FROM k.t", "2"},
    {"row lock", "Waiting for row lock", NULL, "BEGIN; UPDATE k.t SET v = 1 WHERE id = 1",
     "UPDATE k.t SET v = 9", "ROLLBACK", "SELECT SUM(v) FROM k.t", "0"},
    {"row lock in a transaction", "Waiting for row lock",
     "BEGIN; UPDATE k.t SET v = 5 WHERE id = 2", "BEGIN; UPDATE k.t SET v = 1 WHERE id = 1",
     "UPDATE k.t SET v = 9", "ROLLBACK", "SELECT SUM(v) FROM k.t", "0"},
    {"metadata lock", "Waiting for table metadata lock", NULL, "BEGIN; SELECT * FROM k.t",
     "DROP TABLE k.t", "COMMIT", "SELECT COUNT(*) FROM k.t", "2"},
    {"user lock", "User lock", NULL, "SELECT GET_LOCK('x', 0)", "SELECT GET_LOCK('x', 1000)",
     "SELECT RELEASE_LOCK('x')", "SELECT IS_FREE_LOCK('x')", "1"},
#ifdef QL_DEBUG
    {"commit queue", "Waiting for commit", NULL,
     "SET DEBUG_SYNC = 'global commit_before_take SIGNAL before_take WAIT_FOR go TIMEOUT 1000'",
     "INSERT INTO k.t VALUES (3, 3)",
     "SET DEBUG_SYNC = 'now SIGNAL go'; INSERT INTO k.t VALUES (50, 50); DELETE FROM k.t WHERE id "
     "= "
     "50; SET DEBUG_SYNC = 'RESET'",
     "SELECT COUNT(*) FROM k.t", "2"},
#endif
};

static void
play(const scene *sc, enum how how)
{
    ql_session *victim = open_session(inst), *holder = open_session(inst);
    job j;
    bool connection = how >= API_CONNECTION;
    if (sc->before != NULL) {
        run(victim, sc->before);
    }
    if (sc->holds != NULL) {
        run(holder, sc->holds);
    }
    start(&j, victim, sc->sql);
    until_state(watch, ql_session_id(victim), sc->state);
    stop(victim, how);
    finish(&j);
    if (j.rc != (connection ? QUELL_ENDED : QUELL_KILLED) || j.number != 1317) {
        fail_msg("%s, %d: %d %u", sc->name, how, j.rc, j.number);
    }
    if (connection) {
        assert_int_equal(ql_execute(victim, "SELECT 1", ALL, NULL, NULL), QUELL_ENDED);
        assert_int_equal(ql_errno(victim), 1317);
        assert_false(ql_in_transaction(victim));
        assert_int_equal(ql_kill(inst, ql_session_id(victim), 0), QUELL_ERROR); /* it is gone */
    } else {
        assert_int_equal(ql_in_transaction(victim), sc->before != NULL);
        expect(victim, "SELECT 42", "42"); /* the next statement is not touched */
    }
    if (sc->releases != NULL) {
        run(holder, sc->releases);
    }
    ql_session_close(victim);
    ql_session_close(holder);
    expect(watch, sc->check, sc->expect);
}

static int
begin_matrix(void **state)
{
    (void)state;
    inst = open_memory();
    watch = open_session(inst);
    run(watch, "CREATE DATABASE k; CREATE TABLE k.t (id INT PRIMARY KEY, v INT); "
               "INSERT INTO k.t VALUES (1, 0), (2, 0); CREATE TABLE k.n (i INT)");
    run(watch, "INSERT INTO k.n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9); "
               "INSERT INTO k.n SELECT a.i + 10 * b.i + 10 FROM k.n a, k.n b WHERE b.i < 9; "
               "INSERT INTO k.n SELECT a.i + 100 * b.i + 100 FROM k.n a, k.n b WHERE b.i < 9");
    return 0;
}

static int
end_matrix(void **state)
{
    (void)state;
    ql_session_close(watch);
    ql_close(inst);
    return 0;
}

static void
test_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        for (int how = 0; how < HOWS; how++) {
            play(&scenes[i], (enum how)how);
        }
    }
    expect(watch, "SELECT COUNT(*) FROM information_schema.PROCESSLIST", "1");
}

/* A prepared statement is stopped in its step; it can be run again. */
static void *
do_step(void *arg)
{
    job *j = arg;
    ql_stmt *st = (ql_stmt *)(uintptr_t)j->sql;
    j->rc = ql_step(st);
    j->number = ql_errno(j->s);
    return NULL;
}

static void
test_step(void **state)
{
    (void)state;
    ql_session *s = open_session(inst);
    ql_stmt *st;
    assert_int_equal(ql_prepare(s, "SELECT i, SLEEP(?) FROM k.n WHERE i < 2 ORDER BY i", ALL, &st),
                     QUELL_OK);
    ql_bind_int64(st, 1, 1000);
    job j = {.s = s, .sql = (const char *)st};
    assert_int_equal(pthread_create(&j.thread, NULL, do_step, &j), 0);
    char sql[200];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = %llu AND COMMAND "
        "= 'Execute' AND STATE = 'User sleep'",
        (unsigned long long)ql_session_id(s));
    char out[256];
    while (strcmp(value(watch, sql, out), "1") != 0) {
        pause_ms(1);
    }
    ql_interrupt(s);
    finish(&j);
    assert_int_equal(j.rc, QUELL_KILLED);
    assert_int_equal(j.number, 1317);
    ql_bind_int64(st, 1, 0);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_step(st), QUELL_DONE);
    ql_interrupt(s); /* nothing runs: no effect on what comes */
    assert_int_equal(ql_step(st), QUELL_ROW);
    ql_session_close(s);
}

/* Nobody is in the session, and its program may never call again: its locks are free all the same.
 */
static void
test_idle(void **state)
{
    (void)state;
    for (int how = API_CONNECTION; how <= SQL_CONNECTION; how++) {
        ql_session *idle = open_session(inst), *next = open_session(inst);
        ql_stmt *st;
        run(idle, "CREATE TEMPORARY TABLE k.own (a INT); BEGIN; UPDATE k.t SET v = 7; "
                  "SELECT GET_LOCK('mine', 0)");
        assert_int_equal(ql_prepare(idle, "SELECT id FROM k.t ORDER BY id", ALL, &st), QUELL_OK);
        assert_int_equal(ql_step(st), QUELL_ROW);
        job j;
        start(&j, next, "UPDATE k.t SET v = 8 WHERE id = 1; SELECT GET_LOCK('mine', 1000)");
        until_state(watch, ql_session_id(next), "Waiting for row lock");
        /* A statement of it that could be stopped does not run. */
        assert_int_equal(ql_kill(inst, ql_session_id(idle), 1), QUELL_OK);
        ql_interrupt(idle);
        until_state(watch, ql_session_id(next), "Waiting for row lock");
        stop(idle, (enum how)how);
        finish(&j);
        assert_int_equal(j.rc, QUELL_OK);
        expect(watch, "SELECT SUM(v) FROM k.t", "8");
        assert_int_equal(ql_column_int64(st, 0), 1); /* what it has read is its own */
        assert_int_equal(ql_step(st), QUELL_ENDED);
        assert_int_equal(ql_errno(idle), 1317);
        ql_finalize(st);
        ql_session_close(idle);
        run(next, "UPDATE k.t SET v = 0");
        ql_session_close(next);
    }
}

static void
test_oneself(void **state)
{
    (void)state;
    ql_session *s = open_session(inst);
    assert_int_equal(ql_execute(s, "KILL QUERY CONNECTION_ID()", ALL, NULL, NULL), QUELL_KILLED);
    expect(s, "SELECT 1", "1");
    assert_int_equal(ql_execute(s, "KILL CONNECTION_ID()", ALL, NULL, NULL), QUELL_ENDED);
    assert_int_equal(ql_execute(s, "SELECT 1", ALL, NULL, NULL), QUELL_ENDED);
    ql_session_close(s);
    assert_int_equal(ql_kill(inst, 987654321, 0), QUELL_ERROR);
    run_error(watch, "KILL 987654321", 1094);
}

static void
test_time_limit(void **state)
{
    (void)state;
    ql_session *s = open_session(inst);
    run(s, "SET max_statement_time = 0.02");
    assert_int_equal(ql_execute(s, "SELECT COUNT(*) FROM k.n a, k.n b, k.n c", ALL, NULL, NULL),
                     QUELL_KILLED);
    assert_int_equal(ql_errno(s), 3024);
    ql_session_close(s);
}

/* Closing the instance stops what runs, and waits for nothing that could be stopped. */
static void
test_close(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *w = open_session(q), *a = open_session(q), *b = open_session(q),
               *idle = open_session(q);
    job ja, jb;
    run(w, "CREATE DATABASE k; CREATE TABLE k.t (id INT PRIMARY KEY); INSERT INTO k.t VALUES (1)");
    run(idle, "BEGIN; DELETE FROM k.t");
    start(&ja, a, "SELECT SLEEP(1000)");
    start(&jb, b, "INSERT INTO k.t VALUES (1)");
    until_state(w, ql_session_id(a), "User sleep");
    until_state(w, ql_session_id(b), "Waiting for row lock");
    ql_close(q);
    finish(&ja);
    finish(&jb);
    assert_int_equal(ja.rc, QUELL_ENDED);
    assert_int_equal(ja.number, 1053);
    assert_int_equal(jb.rc, QUELL_ENDED);
    assert_int_equal(jb.number, 1053);
    ql_session_close(a);
    ql_session_close(b);
    ql_session_close(w);
    ql_session_close(idle);
}

/* A disk that is full: what would grow waits for space, and is stopped as anything is. */
static void
test_disk_space(void **state)
{
    (void)state;
    char dir[] = "/tmp/quell-test-XXXXXX", cmd[64];
    const char *full[] = {"disk_reserve=9000000000000000000", NULL};
    ql_instance *q;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(ql_open(dir, NULL, &q), QUELL_OK);
    ql_session *s = open_session(q);
    run(s, "CREATE DATABASE k; CREATE TABLE k.t (id INT PRIMARY KEY, v LONGTEXT); "
           "INSERT INTO k.t VALUES (1, 'x')");
    ql_session_close(s);
    ql_close(q);
    assert_int_equal(ql_open(dir, full, &q), QUELL_OK);
    ql_instance *first = inst;
    ql_session *first_watch = watch;
    inst = q;
    watch = open_session(q);
    for (int how = 0; how < HOWS; how++) {
        job j;
        s = open_session(q);
        start(&j, s, "INSERT INTO k.t VALUES (2, REPEAT('y', 4000000))");
        until_state(watch, ql_session_id(s), "Waiting for disk space");
        stop(s, (enum how)how);
        finish(&j);
        if (how < API_CONNECTION) {
            assert_int_equal(j.rc, QUELL_KILLED);
            assert_int_equal(j.number, 1021);
        } else {
            assert_int_equal(j.rc, QUELL_ENDED);
        }
        expect(watch, "SELECT COUNT(*) FROM k.t", "1");
        ql_session_close(s);
    }
    ql_session_close(watch);
    inst = first;
    watch = first_watch;
    ql_close(q);
    (void)snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    assert_int_equal(system(cmd), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),     cmocka_unit_test(test_step),
        cmocka_unit_test(test_idle),       cmocka_unit_test(test_oneself),
        cmocka_unit_test(test_time_limit), cmocka_unit_test(test_close),
        cmocka_unit_test(test_disk_space),
    };
    return cmocka_run_group_tests(tests, begin_matrix, end_matrix);
}
