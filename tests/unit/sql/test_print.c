/* SPDX-License-Identifier: Apache-2.0
 *
 * Trees as text: what is written, read again, gives the same tree; forms of MySQL's manual and of
 * SHOW CREATE VIEW.
 */
#include "ast_print.h"
#include "base/buf.h"
#include "sql/print.h"
#include "sql_test.h"

/* Of a query; "" when it does not parse. */
static const char *
printed(const char *sql, ql_str omit_db)
{
    static char text[2][16384];
    static unsigned turn;
    char *out = text[turn++ % 2];
    ql_ast_stmt *s;
    ql_buf b = {0};
    ql_print_mode mode = {.omit_db = omit_db};
    if (parse_text(sql, &s) != QL_OK) {
        print_message("%s: %s\n", sql, ql_diag_error(the.cx.diag)->text);
    }
    assert_non_null(s);
    assert_int_equal(s->kind, QL_S_SELECT);
    assert_int_equal(ql_print_select(&the.cx, &b, s->select, &mode), QL_OK);
    (void)snprintf(out, sizeof text[0], "%.*s", (int)b.n, b.p);
    ql_buf_free(&b);
    return out;
}

static void
forms(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"SELECT a, t.b AS x, 1+2 FROM d.t",
         "select `a` AS `a`,`t`.`b` AS `x`,(1 + 2) AS `1+2` from `d`.`t`"},
        {"SELECT DISTINCT COUNT(*) n FROM t q WHERE a > 1 AND b IS NOT NULL GROUP BY c HAVING n "
         "LIMIT 2, 3",
         "select distinct count(0) AS `n` from `t` `q` where ((`a` > 1) and (`b` is not null)) "
         "group by `c` having `n` limit 2,3"},
        {"SELECT 1 FROM a LEFT JOIN b ON a.x = b.x, c",
         "select 1 AS `1` from ((`a` left join `b` on((`a`.`x` = `b`.`x`))) join `c`)"},
        {"SELECT `a``b` FROM `x y` ORDER BY 1 DESC",
         "select `a``b` AS `a``b` from `x y` order by 1 desc"},
        {"SELECT 1 UNION ALL (SELECT 2 ORDER BY 1 LIMIT 1)",
         "select 1 AS `1` union all (select 2 AS `2` order by 1 limit 1)"},
        {"SELECT 'it''s\\n', 0x4142, 1.50, 1e3, TRUE, NULL, DATE'2024-01-31'",
         "select 'it\\'s\\n' AS `it's\n`,0x4142 AS `0x4142`,1.50 AS `1.50`,1000e0 AS `1e3`,"
         "true AS `TRUE`,NULL AS `NULL`,DATE'2024-01-31' AS `DATE'2024-01-31'`"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(list); i++) {
        assert_string_equal(printed(list[i][0], (ql_str){0}), list[i][1]);
    }
}

static void
current_database_left_out(void **state)
{
    (void)state;
    assert_string_equal(printed("SELECT d.t.a FROM d.t, e.u", QL_STR("d")),
                        "select `t`.`a` AS `a` from (`t` join `e`.`u`)");
}

/* Written, read and written again it is the same text, and the same tree. */
static void
round_trips(void **state)
{
    (void)state;
    static const char *const list[] = {
        "SELECT -a, +b, NOT c, ~d, !e FROM t",
        "SELECT a BETWEEN b AND c, a NOT BETWEEN 1 AND 2, a IN (1, 'x', NULL), a NOT IN (b) FROM t",
        "SELECT a LIKE 'x%' ESCAPE '!', a NOT LIKE b, a REGEXP 'x', a NOT RLIKE 'y' FROM t",
        "SELECT a DIV b, a % b, a MOD b, a / b, a << 1, a >> b, a | b, a & b, a ^ b FROM t",
        "SELECT a XOR b, a OR b AND c, (a OR b) AND c, a = b = c, a <=> NULL, a <> b FROM t",
        "SELECT a IS TRUE, a IS NOT TRUE, a IS FALSE, a IS NOT FALSE, a IS UNKNOWN, a IS NULL FROM "
        "t",
        "SELECT CASE a WHEN 1 THEN 'x' WHEN 2 THEN b END, CASE WHEN a THEN 1 ELSE 0 END FROM t",
        "SELECT CAST(a AS SIGNED), CAST(a AS UNSIGNED), CAST(a AS CHAR(3)), CAST(a AS BINARY(2)), "
        "CAST(a AS DECIMAL(10,2)), CAST(a AS DATETIME(6)), CAST(a AS TIME), CAST(a AS DATE), "
        "CAST(a AS DOUBLE), CAST(a AS CHAR CHARACTER SET latin1), CONVERT(a USING utf8mb4) FROM t",
        "SELECT a COLLATE utf8mb4_bin, BINARY a FROM t",
        "SELECT d + INTERVAL 1 DAY, d - INTERVAL '1:2' HOUR_MINUTE, INTERVAL a MONTH + d FROM t",
        "SELECT EXTRACT(YEAR_MONTH FROM d), TRIM(a), TRIM(LEADING 'x' FROM a), TRIM(BOTH FROM a), "
        "TIMESTAMPDIFF(DAY, a, b), TIMESTAMPADD(HOUR, 1, a), GET_FORMAT(DATE, 'EUR') FROM t",
        "SELECT NOW(), NOW(3), CURDATE(), CURRENT_USER(), DATABASE(), UTC_TIMESTAMP(), USER()",
        "SELECT COUNT(DISTINCT a, b), SUM(DISTINCT a), GROUP_CONCAT(DISTINCT a, b ORDER BY c DESC, "
        "d "
        "SEPARATOR '\\'') FROM t",
        "SELECT CHAR(65, 66), CHAR(a USING utf8mb4), LEFT(a, 1), IF(a, b, c), INSERT(a, 1, 2, b), "
        "REPEAT(a, 2), LOCATE(a, b), INTERVAL(1, 2, 3), FIELD(a, b) FROM t",
        "SELECT (a, b) = (1, 2), (a, b) IN ((1, 2), (3, 4)), ROW(1, 2) = (SELECT 1, 2) FROM t",
        "SELECT a = ANY (SELECT b FROM u), a > ALL (SELECT b FROM u), a IN (SELECT b FROM u), "
        "EXISTS (SELECT b FROM u WHERE u.c = t.c), (SELECT MAX(b) FROM u) FROM t",
        "SELECT 1.0, 0.1, 18446744073709551615, 99999999999999999999, 1.5e-300, x'', 0x00ff, "
        "b'101'",
        "SELECT TIME'10:11:12.5', TIMESTAMP'2024-01-31 10:11:12', DATE'2024-02-29'",
        "SELECT 'a\\\\b\\0\\Z' AS nul, _binary'x', _latin1'abc', N'n', 'caf\xc3\xa9', "
        "_latin1'\xc3\xa9'",
        "SELECT * FROM (SELECT a FROM t) AS d JOIN (b, c) USING (x, y) NATURAL JOIN e",
        "SELECT 1 FROM a JOIN (b LEFT JOIN c ON b.x = c.x) ON a.x = b.x RIGHT JOIN d ON TRUE",
        "SELECT 1 FROM a STRAIGHT_JOIN b ON a.x = b.x",
        "WITH c (k) AS (SELECT 1), d AS (SELECT 2) SELECT * FROM c, d",
        "(SELECT 1 UNION SELECT 2) UNION ALL (SELECT 3 UNION SELECT 4) ORDER BY 1 LIMIT 5",
        "SELECT 1 UNION (SELECT 2 LIMIT 1) UNION SELECT 3",
        "SELECT a FROM t WHERE 1 FOR UPDATE OF t SKIP LOCKED",
        "SELECT STRAIGHT_JOIN SQL_BIG_RESULT DISTINCT a AS 'z', b AS 'x y' FROM t GROUP BY a, b "
        "WITH ROLLUP",
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(list); i++) {
        const char *once = printed(list[i], (ql_str){0});
        const char *twice = printed(once, (ql_str){0});
        assert_string_equal(once, twice);
    }
}

/* Where the text has a form of its own for what was written, the tree is the same. */
static void
same_trees(void **state)
{
    (void)state;
    static const char *const list[] = {
        "SELECT a + b * c - d FROM t WHERE a AND b OR NOT c",
        "SELECT a FROM t ORDER BY a DESC, b LIMIT 3",
        "SELECT x FROM a LEFT JOIN b ON a.i = b.i WHERE a.j IN (1, 2)",
    };
    static out_text before, after;
    for (size_t i = 0; i < QL_ARRAY_LEN(list); i++) {
        ql_ast_stmt *s;
        assert_int_equal(parse_text(list[i], &s), QL_OK);
        before.n = after.n = 0;
        print_select(&before, s->select);
        const char *text = printed(list[i], (ql_str){0});
        assert_int_equal(parse_text(text, &s), QL_OK);
        for (uint32_t k = 0; k < s->select->nitems; k++) {
            s->select->items[k].alias = (ql_str){0};
        }
        print_select(&after, s->select);
        assert_string_equal(before.s, after.s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(current_database_left_out),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(same_trees),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
