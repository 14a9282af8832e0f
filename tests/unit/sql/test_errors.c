/* SPDX-License-Identifier: Apache-2.0
 *
 * Syntax errors: the text behind "near" and the line, as a reference server gives them where the
 * dialects agree; statements that are known but unbuilt; bounds, kills, failing memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sql_test.h"

/* "near|line", or "number", or "OK", or the name of what is unbuilt. */
static const char *
outcome(const char *text)
{
    static char out[256];
    ql_ast_stmt *s;
    if (parse_text(text, &s) == QL_OK) {
        (void)snprintf(out, sizeof out, "%.*s", s->kind == QL_S_UNBUILT ? (int)s->name.n : 2,
                       s->kind == QL_S_UNBUILT ? s->name.p : "OK");
        return out;
    }
    const ql_condition *c = ql_diag_error(the.cx.diag);
    const char *near = strstr(c->text, "near '");
    const char *tail = near != NULL ? strstr(near, "' at line ") : NULL;
    if (c->number != 1064 || tail == NULL) {
        (void)snprintf(out, sizeof out, "%d", (int)c->number);
        return out;
    }
    while (strstr(tail + 1, "' at line ") != NULL) {
        tail = strstr(tail + 1, "' at line ");
    }
    (void)snprintf(out, sizeof out, "%.*s|%s", (int)(tail - near - 6), near + 6, tail + 10);
    return out;
}

static void
near_texts(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"SELEC 1", "SELEC 1|1"},
        {"SELECT", "|1"},
        {"SELECT 1 FROM", "|1"},
        {"SELECT 1 2", "2|1"},
        {"SELECT (1", "|1"},
        {"SELECT 1)", ")|1"},
        {"SELECT a b c FROM t", "c FROM t|1"},
        {"SELECT a FROM t WHERE a = 1 AND AND b", "AND b|1"},
        {"SELECT a FROM t LIMIT -1", "-1|1"},
        {"SELECT a FROM t WHERE a IN ()", ")|1"},
        {"SELECT a FROM t WHERE a IS 5", "5|1"},
        {"SELECT a FROM t WHERE a BETWEEN 1 OR 2", "OR 2|1"},
        {"SELECT CASE a END", "END|1"},
        {"SELECT 1, * FROM t", "* FROM t|1"},
        {"SELECT select FROM t", "select FROM t|1"},
        {"SELECT a FROM t JOIN t b ON", "|1"},
        {"SELECT a FROM t LEFT JOIN t b", "|1"},
        {"INSERT INTO t VALUES (1) (2)", "(2)|1"},
        {"INSERT INTO t VALUES (1),", "|1"},
        {"INSERT INTO t (a VALUES (1)", "VALUES (1)|1"},
        {"UPDATE t SET a == 1", "= 1|1"},
        {"UPDATE t SET a = 1, WHERE b", "WHERE b|1"},
        {"CREATE TABLE x (a int,)", ")|1"},
        {"CREATE TABLE x (a)", ")|1"},
        {"CREATE TABLE if exists x (a int)", "exists x (a int)|1"},
        {"CREATE FOO", "FOO|1"},
        {"DROP FOO", "FOO|1"},
        {"GRANT SELECT ON *.* ", "|1"},
        {"REVOKE SELECT ON *.* TO a", "TO a|1"},
        {"SET TRANSACTION ISOLATION LEVEL FOO", "FOO|1"},
        {"SHOW FOO", "FOO|1"},
        {"SHOW FULL STATUS", "STATUS|1"},
        {"USE 'x'", "'x'|1"},
        {"BEGIN 1", "1|1"},
        {"foo", "foo|1"},
        {"SELECT ROW(1)", ")|1"},
        {"SELECT EXISTS(1)", "1)|1"},
        {"SELECT {d}", "}|1"},
        {"SELECT \\N", "\\N|1"},
        {"WITH a AS SELECT 1", "SELECT 1|1"},
        {"SELECT NOW() + INTERVAL 1 FOO", "FOO|1"},
        {"LOCK TABLES t FOO x", "x|1"},
        {"SELECT 1,\n 2,\n FROM t", "FROM t|3"},
        {"SELECT 1 -- foo\n FROM FROM t", "FROM t|2"},
        {"SELECT /* a\nb */ 1 1", "1|2"},
        {"SELECT 'a\nb' 1 1", "1 1|2"},
        {"SELECT 1 FROM t WHERE ;", "|1"},
        {"SELECT 1 FROM t WHERE ; SELECT 2", "; SELECT 2|1"},
        {"KILL", "|1"},
        {"KILL 1,2", ",2|1"},
        {"KILL DEFAULT", "|1"},
        {"KILL QUERY", "|1"},
        {"KILL CONNECTION", "|1"},
        {"KILL 5 WAIT", "WAIT|1"},
        {"KILL ?", "?|1"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        const char *got = outcome(cases[i].sql);
        if (strcmp(got, cases[i].expected) != 0) {
            print_message("%s\n", cases[i].sql);
        }
        assert_string_equal(got, cases[i].expected);
    }
}

static void
near_is_cut_to_80_bytes_of_whole_characters(void **state)
{
    (void)state;
    char text[400] = "SELECT x y z";
    for (int i = 0; i < 60; i++) {
        (void)strcat(text, "\xC3\xA4");
    }
    const char *got = outcome(text);
    /* 'z' and 39 two-byte characters are 79 bytes; the 40th would make 81 */
    assert_int_equal(strlen(got), 79 + 2);
    assert_string_equal(got + 79, "|1");
}

static void
other_errors(void **state)
{
    (void)state;
    assert_string_equal(outcome(""), "1065");
    assert_string_equal(outcome("  \n "), "1065");
    assert_string_equal(outcome(";"), "1065");
    assert_string_equal(outcome("-- nothing"), "OK");
    assert_string_equal(outcome("/* nothing */"), "OK");
    assert_string_equal(outcome("/* nothing */;"), "OK");
    assert_string_equal(outcome("SELECT * FROM (SELECT 1)"), "1248");
    assert_string_equal(outcome("SELECT DATE '2020-13-01'"), "1525");
    assert_string_equal(outcome("SELECT 1 INTO a"), "1327");
    assert_string_equal(outcome("SELECT 1e999"), "1367");
}

static void
known_but_unbuilt(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a=1; SET @b=2; END",
         "CREATE TRIGGER"},
        {"CREATE DEFINER=`root`@`localhost` PROCEDURE p() SELECT 1", "CREATE PROCEDURE"},
        {"ALTER TABLE t ADD PARTITION PARTITIONS 2", "ALTER TABLE ... ADD PARTITION"},
        {"ALTER TABLE t ADD x INT PARTITION BY HASH(a)", "ALTER TABLE ... PARTITION BY"},
        {"ALTER TABLE t REMOVE PARTITIONING", "ALTER TABLE ... REMOVE PARTITIONING"},
        {"ALTER TABLE t DISCARD TABLESPACE", "ALTER TABLE ... DISCARD TABLESPACE"},
        {"SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t", "window functions"},
        {"SELECT SUM(a) OVER w FROM t WINDOW w AS ()", "window functions"},
        {"SELECT * FROM t WHERE MATCH (a) AGAINST ('x')", "MATCH"},
        {"CALL p()", "CALL"},
        {"XA START 'x'", "XA"},
        {"HANDLER t OPEN", "HANDLER"},
        {"CREATE TABLE t (a INT) PARTITION BY HASH(a)", "PARTITION BY"},
        {"VALUES ROW(1), ROW(2)", "VALUES statement"},
        {"CREATE USER u REQUIRE SSL", "REQUIRE"},
        {"GRANT r1 TO u", "roles"},
        {"CREATE ROLE r", "CREATE ROLE"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        assert_string_equal(outcome(cases[i][0]), cases[i][1]);
        assert_int_equal(the.consumed, strlen(cases[i][0]));
    }
    assert_string_equal(outcome("ALTER FOO"), "FOO|1");
    assert_string_equal(outcome("CALL"), "CALL|1");
}

static void
unbuilt_ends_at_its_semicolon(void **state)
{
    (void)state;
    assert_string_equal(outcome("ALTER SERVER s OPTIONS (USER 'x'); SELECT 1"), "ALTER SERVER");
    assert_int_equal(the.consumed, strlen("ALTER SERVER s OPTIONS (USER 'x'); "));
}

static char *
repeated(const char *head, const char *part, size_t times, const char *middle, const char *tail)
{
    size_t n = strlen(head) + strlen(middle) + times * (strlen(part) + strlen(tail)) + 1;
    char *s = test_malloc(n), *w = s;
    w = stpcpy(w, head);
    for (size_t i = 0; i < times; i++) {
        w = stpcpy(w, part);
    }
    w = stpcpy(w, middle);
    for (size_t i = 0; i < times; i++) {
        w = stpcpy(w, tail);
    }
    return s;
}

static void
nesting_is_bounded(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"SELECT ", "(", "1", ")"},
        {"SELECT ", "-", "1", ""},
        {"SELECT ", "NOT ", "1", ""},
        {"SELECT ", "~", "1", ""},
        {"SELECT ", "(SELECT ", "1", ")"},
        {"SELECT ", "f(", "1", ")"},
        {"SELECT ", "CASE WHEN ", "1", " THEN 1 END"},
        {"SELECT ", "@a:=", "1", ""},
        {"SELECT ", "1 BETWEEN 1 AND ", "1", ""},
        {"SELECT ", "INTERVAL(", "1", ",1)"},
        {"SELECT ", "EXISTS (SELECT ", "1", ")"},
        {"", "(", "SELECT 1", ")"},
        {"SELECT 1 FROM ", "(", "t", ")"},
        {"SELECT 1 FROM ", "(SELECT 1 FROM ", "t", ") x"},
        {"SELECT 1 FROM t", " LEFT JOIN t", "", " ON 1"},
        {"SELECT 1 FROM t", " JOIN t", "", ""},
        {"SELECT ", "BINARY ", "a", ""},
        {"SELECT ", "{x ", "1", "}"},
        {"", "EXPLAIN ", "SELECT 1", ""},
        {"SELECT 1", " + 1", "", ""},
        {"SELECT 1", " = 1", "", ""},
        {"SELECT 1", " XOR 1", "", ""},
        {"SELECT 1", " COLLATE x", "", ""},
        {"SELECT 1", " IS NULL", "", ""},
        {"SELECT 1", " UNION SELECT 2", "", ""},
        {"SELECT 1 FROM t", ", t", "", ""},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        char *text = repeated(cases[i][0], cases[i][1], 200000, cases[i][2], cases[i][3]);
        const char *got = outcome(text);
        if (strcmp(got, "1436") != 0 && strchr(got, '|') == NULL) {
            print_message("%s%s: %s\n", cases[i][0], cases[i][1], got);
        }
        assert_true(strcmp(got, "1436") == 0 || strchr(got, '|') != NULL);
        test_free(text);
    }
}

/* Long but flat: must neither fail nor take its time. */
static void
length_is_not_bounded(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"SELECT 1", " OR a = 1", ""},
        {"SELECT 1", " AND a = 1", ""},
        {"SELECT 1", ", 1", ""},
        {"SELECT a IN (1", ", 2", ")"},
        {"INSERT INTO t VALUES (1)", ", (2)", ""},
        {"SELECT 'a'", " 'a'", ""},
        {"DROP TABLE a", ", b", ""},
        {"SET @a = 1", ", @b = 2", ""},
        {"SELECT CASE", " WHEN 1 THEN 2", " END"},
        {"SELECT 1", " /* */", ""},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        size_t n = strlen(cases[i][0]) + 100000 * strlen(cases[i][1]) + 16;
        char *text = test_malloc(n), *w = stpcpy(text, cases[i][0]);
        for (int k = 0; k < 100000; k++) {
            w = stpcpy(w, cases[i][1]);
        }
        (void)stpcpy(w, cases[i][2]);
        assert_string_equal(outcome(text), "OK");
        test_free(text);
    }
}

static unsigned
depth_of(const ql_ast_expr *e)
{
    unsigned deepest = 0;
    for (uint32_t i = 0; i < e->args.n; i++) {
        unsigned d = depth_of(e->args.v[i]);
        deepest = d > deepest ? d : deepest;
    }
    return deepest + 1;
}

/* Those who walk a tree recurse: height counts through operators, calls and subqueries alike. */
static void
height_is_counted(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        uint32_t height;
    } cases[] = {
        {"SELECT a", 1},
        {"SELECT 1+2+3+4", 3},
        {"SELECT f(1+2, (3))", 2},
        {"SELECT CASE WHEN a+b THEN 1 END", 3},
        {"SELECT MOD(a, 1)", 2},
        {"SELECT GROUP_CONCAT(a ORDER BY a+1+2)", 4},
        {"SELECT a IN (1, 2, -3)", 2},
        {"SELECT a + INTERVAL b DAY", 3},
        {"SELECT @a := b + 1", 3},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_ast_stmt *s;
        assert_int_equal(parse_text(cases[i].sql, &s), QL_OK);
        assert_int_equal(s->select->items[0].expr->height, cases[i].height);
    }
    ql_ast_stmt *s;
    assert_int_equal(parse_text("SELECT (SELECT 1+2+3) + 1", &s), QL_OK);
    assert_true(s->select->items[0].expr->height >= 4);
    assert_int_equal(parse_text("SELECT 1 FROM (SELECT 1+2+3) x", &s), QL_OK);
    assert_true(s->select->height >= 3);
}

static void
long_conditions_are_not_deep(void **state)
{
    (void)state;
    char *text = repeated("SELECT 0", " OR 1", 10000, "", "");
    ql_ast_stmt *s;
    assert_int_equal(parse_text(text, &s), QL_OK);
    assert_true(depth_of(s->select->items[0].expr) <= 16);
    test_free(text);
}

static void
a_kill_is_seen_inside_a_long_text(void **state)
{
    (void)state;
    char *text = repeated("INSERT INTO t VALUES (0)", ",(1,2,3)", 20000, "", "");
    ql_ast_stmt *s;
    ql_intr_stmt_begin(&the.intr, 7);
    assert_true(ql_intr_raise(&the.intr, QL_INTR_QUERY, 7));
    assert_int_equal(parse_text(text, &s), QL_KILLED);
    assert_int_equal(error_number(), 1317);
    ql_intr_stmt_end(&the.intr);
    test_free(text);
}

#ifdef QL_DEBUG
/* One token, blank or comment may be as long as a packet: the looks must go on inside it. */
static void
looks_go_on_inside_long_tokens(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"SELECT '", "xxxxxxxx", "'"},     {"SELECT '", "\\n\\n''xx", "'"},
        {"SELECT /*", "xxxxxxxx", "*/ 1"}, {"SELECT ", "        ", "1"},
        {"SELECT x'", "41414141", "'"},    {"SELECT ", "aaaaaaaa", ""},
        {"SELECT ", "11111111", ""},       {"SELECT 1", "        ", ""},
        {"SELECT `", "aaaaaaaa", "`"},
    };
    ql_intr_stmt_begin(&the.intr, 9); /* only then are looks counted */
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_str out;
        char hex[65], *text = repeated(cases[i][0], cases[i][1], 200000, cases[i][2], "");
        ql_ast_stmt *s;
        uint64_t before = atomic_load(&the.intr.checkpoints);
        assert_int_equal(parse_text(text, &s), QL_OK);
        assert_true(atomic_load(&the.intr.checkpoints) - before >= 20); /* 1.6 MB, 64 KiB each */
        before = atomic_load(&the.intr.checkpoints);
        assert_int_equal(ql_mask_passwords(&the.cx, the.arena, str_of(text), &out), QL_OK);
        assert_true(atomic_load(&the.intr.checkpoints) - before >= 20);
        before = atomic_load(&the.intr.checkpoints);
        assert_int_equal(ql_digest(&the.cx, the.arena, str_of(text), &out, hex), QL_OK);
        assert_true(atomic_load(&the.intr.checkpoints) - before >= 20);
        test_free(text);
    }
    ql_intr_stmt_end(&the.intr);
}

/* Every allocation fails once: an error each time, never a crash or a half-made tree. */
static void
memory_may_fail_anywhere(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT DISTINCT a.b x, COUNT(*), CASE a WHEN 1 THEN 'x' 'y' ELSE _latin1'z' END, (1,2) IN "
        "((1,2),(3,4)), CAST(a AS CHAR(5)), 'it''s', 1e5, x'41' FROM t a LEFT JOIN (SELECT 1) u "
        "USING (x, y), v WHERE a = 1 AND b OR c GROUP BY a HAVING 1 ORDER BY 1 LIMIT 1, 2",
        "WITH x (a) AS (SELECT 1) SELECT * FROM x UNION (SELECT 2) ORDER BY 1",
        "INSERT INTO t (a, b) VALUES (1, 2), (3, DEFAULT) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "CREATE TABLE t (a INT DEFAULT -1, b ENUM('x','y'), KEY k (a, b), CHECK (a > 1)) ENGINE=x",
        "GRANT SELECT, CREATE USER ON a.b TO 'u'@'H' WITH GRANT OPTION",
        "SET GLOBAL a.b = 1, @c = 2, NAMES utf8mb4",
        "UPDATE t SET a = 1 WHERE b ORDER BY c LIMIT 1",
        "CHECK TABLE a, b QUICK",
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(texts); i++) {
        ql_ast_stmt *s;
        ql_status st = QL_ERROR;
        uint64_t n = 0;
        while (st != QL_OK) {
            the.cx.mem_allocs = 0;
            the.cx.mem_fail_at = ++n;
            st = parse_text(texts[i], &s);
            the.cx.mem_fail_at = 0;
            assert_true(st == QL_OK || error_number() == 1037);
            assert_true(n < 1000);
        }
        assert_true(n > 5);
    }
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_texts),
        cmocka_unit_test(near_is_cut_to_80_bytes_of_whole_characters),
        cmocka_unit_test(other_errors),
        cmocka_unit_test(known_but_unbuilt),
        cmocka_unit_test(unbuilt_ends_at_its_semicolon),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(length_is_not_bounded),
        cmocka_unit_test(height_is_counted),
        cmocka_unit_test(long_conditions_are_not_deep),
        cmocka_unit_test(a_kill_is_seen_inside_a_long_text),
#ifdef QL_DEBUG
        cmocka_unit_test(looks_go_on_inside_long_tokens),
        cmocka_unit_test(memory_may_fail_anywhere),
#endif
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
