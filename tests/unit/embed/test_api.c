/* SPDX-License-Identifier: Apache-2.0
 *
 * The library as a program uses it: instances, sessions, texts, prepared statements, values,
 * errors; and the calls that are wrong. Expected values are MySQL's.
 */
#include "embed_support.h"

#include <sys/stat.h>

static void
test_version(void **state)
{
    (void)state;
    assert_string_equal(ql_version(), QUELL_VERSION);
}

static void
test_texts(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    run(s, "CREATE DATABASE d; USE d; CREATE TABLE t (a INT PRIMARY KEY AUTO_INCREMENT, b TEXT)");
    run(s, "INSERT INTO t (b) VALUES ('x'), ('y'), (NULL)");
    assert_int_equal(ql_affected_rows(s), 3);
    assert_int_equal(ql_last_insert_id(s), 1);
    expect(s, "SELECT COUNT(*) FROM t", "3");
    expect(s, "SELECT b FROM t WHERE a = 3", "NULL");
    expect(s, "SELECT CURRENT_USER()", "root@localhost");
    run(s, "SELECT * FROM t");
    assert_int_equal(ql_affected_rows(s), 3);
    /* Up to the first that fails. */
    run_error(s, "INSERT INTO t (b) VALUES ('z'); SELECT nope FROM t; INSERT INTO t (b) VALUES (1)",
              1054);
    assert_string_equal(ql_sqlstate(s), "42S22");
    assert_string_equal(ql_errmsg(s), "Unknown column 'nope' in 'field list'");
    expect(s, "SELECT COUNT(*) FROM t", "4");
    assert_int_equal(ql_errno(s), 0);
    assert_string_equal(ql_sqlstate(s), "00000");
    assert_string_equal(ql_errmsg(s), "");
    run_error(s, "", 1065);
    run_error(s, "SELEC 1", 1064);
    assert_int_equal(ql_execute(s, "SELECT 1 garbage after", 8, NULL, NULL), QUELL_OK);
    ql_session_close(s);
    ql_close(q);
}

static void
test_warnings(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    int level;
    unsigned number;
    const char *text;
    run(s, "SELECT 1 / 0");
    assert_int_equal(ql_warning_count(s), 1);
    assert_int_equal(ql_warning(s, 0, &level, &number, &text), QUELL_OK);
    assert_int_equal(level, 1);
    assert_int_equal(number, 1365);
    assert_string_equal(text, "Division by 0");
    assert_int_equal(ql_warning(s, 1, &level, &number, &text), QUELL_MISUSE);
    run(s, "SELECT 1");
    assert_int_equal(ql_warning_count(s), 0);
    ql_session_close(s);
    ql_close(q);
}

static void
test_transactions(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *a = open_session(q), *b = open_session(q);
    assert_int_not_equal(ql_session_id(a), ql_session_id(b));
    run(a, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)");
    run(a, "BEGIN; INSERT INTO d.t VALUES (1)");
    assert_true(ql_in_transaction(a));
    expect(b, "SELECT COUNT(*) FROM d.t", "0");
    run(a, "COMMIT");
    assert_false(ql_in_transaction(a));
    expect(b, "SELECT COUNT(*) FROM d.t", "1");
    run(a, "BEGIN; INSERT INTO d.t VALUES (2)");
    ql_session_close(a); /* rolls back */
    expect(b, "SELECT COUNT(*) FROM d.t", "1");
    run(b, "INSERT INTO d.t VALUES (2)");
    ql_session_close(b);
    ql_close(q);
}

/* ---- prepared statements ---- */

static void
test_parameters(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    ql_stmt *st;
    assert_int_equal(ql_prepare(s, "SELECT ?, ?, ?, ?, ?, ?", ALL, &st), QUELL_OK);
    assert_int_equal(ql_bind_count(st), 6);
    assert_int_equal(ql_column_count(st), 6);
    assert_ptr_equal(ql_stmt_session(st), s);
    assert_int_equal(ql_bind_int64(st, 1, INT64_MIN), QUELL_OK);
    assert_int_equal(ql_bind_uint64(st, 2, UINT64_MAX), QUELL_OK);
    assert_int_equal(ql_bind_double(st, 3, 0.25), QUELL_OK);
    assert_int_equal(ql_bind_text(st, 4, "gr\xc3\xbc\xc3\x9f", ALL), QUELL_OK);
    assert_int_equal(ql_bind_blob(st, 5, "a\0b", 3), QUELL_OK);
    assert_int_equal(ql_bind_text(st, 0, "", 0), QUELL_MISUSE);
    assert_int_equal(ql_bind_null(st, 7), QUELL_MISUSE);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_bind_null(st, 1), QUELL_MISUSE); /* a result is being read */
    assert_int_equal(ql_column_type(st, 0), QUELL_INTEGER);
    assert_true(ql_column_int64(st, 0) == INT64_MIN);
    assert_string_equal(ql_column_text(st, 0), "-9223372036854775808");
    assert_true(ql_column_uint64(st, 1) == UINT64_MAX);
    assert_string_equal(ql_column_text(st, 1), "18446744073709551615");
    assert_true(ql_column_double(st, 1) == 18446744073709551616.0);
    assert_int_equal(ql_column_type(st, 2), QUELL_FLOAT);
    assert_true(ql_column_double(st, 2) == 0.25);
    assert_string_equal(ql_column_text(st, 2), "0.25");
    assert_int_equal(ql_column_bytes(st, 2), 4);
    assert_int_equal(ql_column_type(st, 3), QUELL_TEXT);
    assert_string_equal(ql_column_text(st, 3), "gr\xc3\xbc\xc3\x9f");
    assert_int_equal(ql_column_bytes(st, 3), 6);
    assert_int_equal(ql_column_type(st, 4), QUELL_BLOB);
    assert_int_equal(ql_column_bytes(st, 4), 3);
    assert_memory_equal(ql_column_blob(st, 4), "a\0b", 4);
    assert_int_equal(ql_column_type(st, 5), QUELL_NULL);
    assert_null(ql_column_text(st, 5));
    assert_int_equal(ql_column_int64(st, 5), 0);
    assert_int_equal(ql_column_type(st, 6), QUELL_NULL);
    assert_int_equal(ql_step(st), QUELL_DONE);
    assert_int_equal(ql_column_type(st, 0), QUELL_NULL); /* no row */
    /* They keep their values. */
    assert_int_equal(ql_bind_int64(st, 1, 7), QUELL_OK);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_column_int64(st, 0), 7);
    assert_int_equal(ql_column_bytes(st, 3), 6);
    ql_reset(st);
    assert_int_equal(ql_bind_int64(st, 1, 8), QUELL_OK);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_column_int64(st, 0), 8);
    ql_finalize(st);
    ql_session_close(s);
    ql_close(q);
}

static void
test_columns(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    ql_stmt *st;
    run(s, "CREATE DATABASE d; USE d; CREATE TABLE t (i INT, u BIGINT UNSIGNED, m DECIMAL(12,3), "
           "f DOUBLE, t DATETIME(2), x VARCHAR(9), b VARBINARY(9))");
    run(s,
        "INSERT INTO t VALUES (-5, 18446744073709551615, 12.5, 1e300, '2026-11-30 10:20:30.125', "
        "'12abc', x'ff00')");
    assert_int_equal(ql_prepare(s, "SELECT * FROM t", ALL, &st), QUELL_OK);
    assert_string_equal(ql_column_name(st, 2), "m");
    assert_null(ql_column_name(st, 7));
    assert_int_equal(ql_column_field(st, 0), 3);
    assert_int_equal(ql_column_field(st, 1), 8);
    assert_int_equal(ql_column_field(st, 4), 12);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_column_int64(st, 0), -5);
    assert_true(ql_column_uint64(st, 1) == UINT64_MAX);
    assert_true(ql_column_is_unsigned(st, 1));
    assert_false(ql_column_is_unsigned(st, 0));
    assert_string_equal(ql_column_text(st, 2), "12.500");
    assert_true(ql_column_double(st, 2) == 12.5);
    assert_string_equal(ql_column_text(st, 3), "1e300");
    assert_string_equal(ql_column_text(st, 4), "2026-11-30 10:20:30.13");
    assert_int_equal(ql_column_int64(st, 5), 12); /* the leading number */
    assert_int_equal(ql_column_type(st, 6), QUELL_BLOB);
    assert_memory_equal(ql_column_blob(st, 6), "\xff\0", 2);
    /* The table changes under it: names are looked up again. */
    ql_reset(st);
    run(s, "ALTER TABLE t DROP COLUMN m");
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_column_count(st), 6);
    assert_string_equal(ql_column_name(st, 2), "f");
    ql_finalize(st);
    assert_int_equal(ql_prepare(s, "INSERT INTO t (i) VALUES (?)", ALL, &st), QUELL_OK);
    assert_int_equal(ql_column_count(st), 0);
    ql_bind_int64(st, 1, 1);
    assert_int_equal(ql_step(st), QUELL_DONE);
    assert_int_equal(ql_affected_rows(s), 1);
    assert_int_equal(ql_step(st), QUELL_DONE); /* runs again */
    expect(s, "SELECT COUNT(*) FROM t", "3");
    ql_bind_text(st, 1, "x", 1);
    assert_int_equal(ql_step(st), QUELL_ERROR);
    assert_int_equal(ql_errno(s), 1366);
    run(s, "DROP TABLE t");
    ql_bind_int64(st, 1, 1);
    assert_int_equal(ql_step(st), QUELL_ERROR);
    assert_int_equal(ql_errno(s), 1146);
    ql_finalize(st);
    assert_int_equal(ql_prepare(s, "SELECT * FROM nope", ALL, &st), QUELL_ERROR);
    assert_null(st);
    assert_int_equal(ql_errno(s), 1146);
    assert_int_equal(ql_prepare(s, "SELECT 1; SELECT 2", ALL, &st), QUELL_ERROR);
    assert_int_equal(ql_errno(s), 1064);
    ql_session_close(s);
    ql_close(q);
}

/* More than is kept in memory: the rest comes from a temporary file, in order and whole. */
static void
test_large_result(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    ql_stmt *st;
    int64_t n = 0;
    run(s, "CREATE DATABASE d; USE d; CREATE TABLE t (a INT PRIMARY KEY)");
    run(s, "INSERT INTO t VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)");
    assert_int_equal(ql_prepare(s,
                                "SELECT a.a + 10*b.a + 100*c.a + 1000*e.a AS n, REPEAT('x', 500) "
                                "FROM t a, t b, t c, t e ORDER BY n",
                                ALL, &st),
                     QUELL_OK);
    for (int again = 0; again < 2; again++) {
        int rc;
        for (n = 0; (rc = ql_step(st)) == QUELL_ROW; n++) {
            assert_int_equal(ql_column_int64(st, 0), n);
            assert_int_equal(ql_column_bytes(st, 1), 500);
            assert_int_equal(strspn(ql_column_text(st, 1), "x"), 500);
        }
        assert_int_equal(rc, QUELL_DONE);
        assert_int_equal(n, 10000);
        assert_int_equal(ql_affected_rows(s), 10000);
    }
    /* Left in the middle. */
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(ql_step(st), QUELL_ROW);
    }
    ql_reset(st);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_int_equal(ql_column_int64(st, 0), 0);
    run(s, "DROP TABLE t"); /* nothing is held by a result that is read */
    for (n = 1; ql_step(st) == QUELL_ROW; n++) {
        assert_int_equal(ql_column_int64(st, 0), n);
    }
    assert_int_equal(n, 10000);
    ql_session_close(s); /* finalizes it */
    ql_close(q);
}

static int
count_to_three(void *arg, unsigned n, const char *const *names, const char *const *values,
               const size_t *lengths)
{
    (void)n;
    (void)names;
    (void)values;
    (void)lengths;
    return ++*(int *)arg == 3;
}

static void
test_row_function(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    int n = 0;
    run(s,
        "CREATE DATABASE d; USE d; CREATE TABLE t (a INT); INSERT INTO t VALUES (1),(2),(3),(4)");
    run(s, "BEGIN; INSERT INTO t VALUES (5)");
    assert_int_equal(ql_execute(s, "SELECT * FROM t", ALL, count_to_three, &n), QUELL_KILLED);
    assert_int_equal(n, 3);
    assert_int_equal(ql_errno(s), 1317);
    assert_string_equal(ql_sqlstate(s), "70100");
    assert_true(ql_in_transaction(s)); /* a statement was stopped, no more */
    run(s, "COMMIT");
    expect(s, "SELECT COUNT(*) FROM t", "5");
    ql_session_close(s);
    ql_close(q);
}

/* Numbers as SQL's CAST gives them; ZEROFILL as ql_execute does. */
static void
test_conversions(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    ql_stmt *st;
    run(s, "CREATE DATABASE d; CREATE TABLE d.t (z INT(6) ZEROFILL); INSERT INTO d.t VALUES (42)");
    assert_int_equal(ql_prepare(s,
                                "SELECT z, 2.5e0, 0.49999999999999994e0, 1.8e19, 1.5, -1.5, 1.9, "
                                "-3.7e0 FROM d.t",
                                ALL, &st),
                     QUELL_OK);
    assert_int_equal(ql_step(st), QUELL_ROW);
    assert_string_equal(ql_column_text(st, 0), "000042");
    assert_int_equal(ql_column_int64(st, 0), 42);
    assert_int_equal(ql_column_int64(st, 1), 2);
    assert_int_equal(ql_column_int64(st, 2), 0);
    assert_true(ql_column_uint64(st, 3) == 18000000000000000000u);
    assert_true(ql_column_int64(st, 3) == INT64_MAX);
    assert_int_equal(ql_column_int64(st, 4), 2);
    assert_int_equal(ql_column_int64(st, 5), -2);
    assert_int_equal(ql_column_int64(st, 6), 2);
    assert_int_equal(ql_column_int64(st, 7), -4);
    ql_session_close(s);
    ql_close(q);
}

/* Calls on a session that another one is at work in do nothing. */
typedef struct inside {
    ql_stmt *st, *doomed;
    int bound, stepped, executed;
} inside;

static int
call_inside(void *arg, unsigned n, const char *const *names, const char *const *values,
            const size_t *lengths)
{
    inside *in = arg;
    (void)n;
    (void)names;
    (void)values;
    (void)lengths;
    in->bound = ql_bind_text(in->st, 1, "new", ALL);
    in->stepped = ql_step(in->st);
    in->executed = ql_execute(ql_stmt_session(in->st), "SELECT 1", ALL, NULL, NULL);
    ql_reset(in->st);
    ql_finalize(in->doomed); /* goes when the call ends */
    return 0;
}

static void
test_busy(void **state)
{
    (void)state;
    ql_instance *q = open_memory(), *none;
    ql_session *s = open_session(q);
    inside in;
    assert_int_equal(
        ql_prepare(s, "SELECT 1, ? UNION ALL SELECT 2, 'b' UNION ALL SELECT 3, 'c'", ALL, &in.st),
        QUELL_OK);
    assert_int_equal(ql_prepare(s, "SELECT 1", ALL, &in.doomed), QUELL_OK);
    assert_int_equal(ql_bind_text(in.st, 1, "old", ALL), QUELL_OK);
    assert_int_equal(ql_step(in.st), QUELL_ROW);
    assert_int_equal(ql_execute(s, "SELECT 7", ALL, call_inside, &in), QUELL_OK);
    assert_int_equal(in.bound, QUELL_MISUSE);
    assert_int_equal(in.stepped, QUELL_MISUSE);
    assert_int_equal(in.executed, QUELL_MISUSE);
    assert_string_equal(ql_column_text(in.st, 1), "old"); /* the row is still there */
    assert_int_equal(ql_step(in.st), QUELL_ROW);
    assert_int_equal(ql_column_int64(in.st, 0), 2);
    expect(s,
           "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = "
           "'Prepared_stmt_count'",
           "1");
    ql_session_close(s);
    ql_close(q);
    assert_int_equal(ql_open("/nonexistent/x", NULL, &none), QUELL_ERROR);
    assert_int_equal(ql_kill(none, 1, 1), QUELL_ERROR);
    ql_close(none);
}

/* ---- instances ---- */

static void
remove_dir(const char *dir)
{
    char cmd[300];
    (void)snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    assert_int_equal(system(cmd), 0);
}

static void
test_directory(void **state)
{
    (void)state;
    char dir[] = "/tmp/quell-test-XXXXXX", path[64];
    ql_instance *q, *other;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/db", dir);
    assert_int_equal(ql_open(path, NULL, &q), QUELL_OK);
    ql_session *s = open_session(q);
    run(s, "CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (1)");
    /* In use: by name, and nothing happens to it. */
    assert_int_equal(ql_open(path, NULL, &other), QUELL_ERROR);
    assert_non_null(strstr(ql_open_errmsg(other), path));
    assert_non_null(strstr(ql_open_errmsg(other), "is using it"));
    ql_session *none = s;
    assert_int_equal(ql_session_open(other, NULL, &none), QUELL_ERROR);
    assert_null(none);
    ql_close(other);
    run(s, "INSERT INTO d.t VALUES (2)");
    ql_session_close(s);
    ql_close(q);
    assert_int_equal(ql_open(path, NULL, &q), QUELL_OK);
    s = open_session(q);
    expect(s, "SELECT SUM(a) FROM d.t", "3");
    expect(s, "SELECT @@datadir", path);
    ql_session_close(s);
    ql_close(q);
    /* Somebody else's directory. */
    (void)snprintf(path, sizeof path, "%s/other", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/other/letter.txt", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
    (void)snprintf(path, sizeof path, "%s/other", dir);
    assert_int_equal(ql_open(path, NULL, &q), QUELL_ERROR);
    assert_non_null(strstr(ql_open_errmsg(q), "letter.txt"));
    ql_close(q);
    assert_int_equal(ql_open("/proc/none/there", NULL, &q), QUELL_ERROR);
    ql_close(q);
    remove_dir(dir);
}

static void
test_settings(void **state)
{
    (void)state;
    ql_instance *q;
    const char *good[] = {"max_execution_time=1234", "sql-mode=ANSI", NULL};
    const char *unknown[] = {"max_execution_tim=1", NULL};
    const char *servers[] = {"datadir=/tmp/zz", NULL};
    assert_int_equal(ql_open(":memory:", good, &q), QUELL_OK);
    ql_session *s = open_session(q);
    expect(s, "SELECT @@max_execution_time", "1234");
    ql_session_close(s);
    ql_close(q);
    assert_int_equal(ql_open(NULL, unknown, &q), QUELL_ERROR);
    assert_non_null(strstr(ql_open_errmsg(q), "max-execution-tim"));
    assert_int_equal(ql_listen(q, "/tmp/never.sock", NULL, 0), QUELL_MISUSE);
    ql_close(q);
    assert_int_equal(ql_open(NULL, servers, &q), QUELL_ERROR);
    assert_non_null(strstr(ql_open_errmsg(q), "datadir=/tmp/zz"));
    ql_close(q);
    q = open_memory();
    assert_int_equal(ql_session_open(q, "nobody", &s), QUELL_ERROR);
    assert_string_not_equal(ql_open_errmsg(q), "");
    s = open_session(q);
    assert_string_equal(ql_open_errmsg(q), "");
    assert_int_equal(ql_listen(q, NULL, NULL, 0), QUELL_MISUSE);
    ql_session_close(s);
    ql_close(q);
    ql_close(NULL);
    ql_session_close(NULL);
    ql_finalize(NULL);
}

/* What a command run by the program can see of its files: nothing of the instance. */
static void
test_children(void **state)
{
    (void)state;
    char dir[] = "/tmp/quell-test-XXXXXX", line[512];
    ql_instance *q;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(ql_open(dir, NULL, &q), QUELL_OK);
    ql_session *s = open_session(q);
    run(s, "CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (1)");
    int lines = 0;
    FILE *f = popen("ls -l /proc/self/fd", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        lines++;
        assert_null(strstr(line, "quell"));
        assert_null(strstr(line, "eventfd"));
        assert_null(strstr(line, "eventpoll"));
    }
    assert_true(lines > 3);
    assert_int_equal(pclose(f), 0);
    ql_session_close(s);
    ql_close(q);
    remove_dir(dir);
}

/* tmpdir= is no directory: temporary files are in /tmp then. */
static void
test_no_tmpdir(void **state)
{
    (void)state;
    const char *settings[] = {"tmpdir=", NULL};
    char path[64], to[256];
    ql_instance *q;
    ql_stmt *st;
    int found = 0;
    assert_int_equal(ql_open(NULL, settings, &q), QUELL_OK);
    ql_session *s = open_session(q);
    assert_int_equal(ql_prepare(s,
                                "SELECT REPEAT('x', 900000) UNION ALL SELECT REPEAT('y', 900000) "
                                "UNION ALL SELECT REPEAT('z', 900000)",
                                ALL, &st),
                     QUELL_OK);
    assert_int_equal(ql_step(st), QUELL_ROW);
    for (int fd = 0; fd < 256; fd++) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, to, sizeof to - 1);
        if (n > 0 && (to[n] = '\0', strstr(to, "(deleted)") != NULL)) {
            found++;
            assert_true(strncmp(to, "/tmp/", 5) == 0);
        }
    }
    assert_true(found > 0);
    ql_session_close(s);
    ql_close(q);
}

static void
test_listen(void **state)
{
    (void)state;
    char dir[] = "/tmp/quell-test-XXXXXX", path[64], taken[64];
    struct stat sb;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/s.sock", dir);
    (void)snprintf(taken, sizeof taken, "%s/letter.txt", dir);
    FILE *f = fopen(taken, "w");
    assert_non_null(f);
    (void)fclose(f);
    ql_instance *q = open_memory();
    assert_int_equal(ql_listen(q, "", NULL, 0), QUELL_MISUSE);
    assert_int_equal(ql_listen(q, NULL, NULL, 70000), QUELL_MISUSE);
    assert_int_equal(ql_listen(q, taken, NULL, 0), QUELL_ERROR); /* no socket; not touched */
    assert_non_null(strstr(ql_open_errmsg(q), taken));
    assert_int_equal(stat(taken, &sb), 0);
    assert_int_equal(ql_listen(q, NULL, "nowhere.example", 3399), QUELL_ERROR);
    assert_int_equal(ql_listen(q, path, NULL, 0), QUELL_OK);
    assert_string_equal(ql_open_errmsg(q), "");
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(ql_listen(q, path, NULL, 0), QUELL_MISUSE);
    ql_close(q);
    assert_int_equal(stat(path, &sb), -1);
    remove_dir(dir);
}

static void
test_two_instances(void **state)
{
    (void)state;
    ql_instance *q[2] = {open_memory(), open_memory()};
    ql_session *s[2] = {open_session(q[0]), open_session(q[1])};
    for (int i = 0; i < 2; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql,
                       "CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (%d)",
                       i);
        run(s[i], sql);
    }
    expect(s[0], "SELECT a FROM d.t", "0");
    expect(s[1], "SELECT a FROM d.t", "1");
    run(s[0], "SET GLOBAL wait_timeout = 77");
    expect(s[1], "SELECT @@GLOBAL.wait_timeout", "28800");
    ql_session_close(s[0]);
    ql_close(q[0]);
    run(s[1], "INSERT INTO d.t VALUES (5)");
    ql_session_close(s[1]);
    ql_close(q[1]);
}

static void
test_accounts(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q), *ann;
    run(s,
        "CREATE DATABASE d; CREATE TABLE d.t (a INT); CREATE USER ann@localhost IDENTIFIED BY 'x'");
    run(s, "GRANT SELECT ON d.* TO ann@localhost");
    assert_int_equal(ql_session_open(q, "nobody", &ann), QUELL_ERROR);
    assert_null(ann);
    assert_non_null(strstr(ql_open_errmsg(q), "nobody"));
    assert_int_equal(ql_session_open(q, "ann", &ann), QUELL_OK);
    expect(ann, "SELECT CURRENT_USER()", "ann@localhost");
    expect(ann, "SELECT COUNT(*) FROM d.t", "0");
    run_error(ann, "INSERT INTO d.t VALUES (1)", 1142);
    run_error(ann, "SELECT * FROM mysql.user", 1142);
    ql_session_close(ann);
    ql_session_close(s);
    ql_close(q);
}

/* Sessions and their statements outlive the instance as handles. */
static void
test_closed_first(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    ql_stmt *st, *big;
    run(s, "CREATE DATABASE d; CREATE TABLE d.t (a INT); BEGIN; INSERT INTO d.t VALUES (1), (2)");
    assert_int_equal(ql_prepare(s, "SELECT a FROM d.t ORDER BY a", ALL, &st), QUELL_OK);
    assert_int_equal(ql_prepare(s, "SELECT REPEAT('x', 3000000) FROM d.t", ALL, &big), QUELL_OK);
    assert_int_equal(ql_step(big), QUELL_ROW);
    assert_int_equal(ql_step(st), QUELL_ROW);
    ql_close(q);
    assert_int_equal(ql_column_int64(st, 0), 1); /* the row is the program's */
    assert_string_equal(ql_column_text(st, 0), "1");
    assert_int_equal(ql_column_bytes(big, 0), 3000000);
    assert_int_equal(ql_step(st), QUELL_ENDED);
    assert_int_equal(ql_errno(s), 1053);
    assert_int_equal(ql_step(big), QUELL_ENDED);
    assert_int_equal(ql_execute(s, "SELECT 1", ALL, NULL, NULL), QUELL_ENDED);
    assert_string_equal(ql_errmsg(s), "Server shutdown in progress");
    assert_int_equal(ql_warning_count(s), 0);
    ql_interrupt(s);
    ql_finalize(st);
    ql_session_close(s);
}

static void
test_shutdown_and_release(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q), *other = open_session(q);
    run(s, "BEGIN");
    run(s, "COMMIT RELEASE");
    assert_int_equal(ql_execute(s, "SELECT 1", ALL, NULL, NULL), QUELL_ENDED);
    run(other, "SHUTDOWN");
    assert_int_equal(ql_execute(other, "SELECT 1", ALL, NULL, NULL), QUELL_ENDED);
    assert_int_equal(ql_errno(other), 1053);
    ql_session *late;
    assert_int_equal(ql_session_open(q, NULL, &late), QUELL_ERROR);
    ql_session_close(other);
    ql_close(q);
    ql_session_close(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),       cmocka_unit_test(test_texts),
        cmocka_unit_test(test_warnings),      cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_parameters),    cmocka_unit_test(test_columns),
        cmocka_unit_test(test_large_result),  cmocka_unit_test(test_row_function),
        cmocka_unit_test(test_conversions),   cmocka_unit_test(test_busy),
        cmocka_unit_test(test_directory),     cmocka_unit_test(test_settings),
        cmocka_unit_test(test_children),      cmocka_unit_test(test_no_tmpdir),
        cmocka_unit_test(test_listen),

        cmocka_unit_test(test_two_instances), cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_closed_first),  cmocka_unit_test(test_shutdown_and_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
