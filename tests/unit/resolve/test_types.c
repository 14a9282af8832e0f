/* SPDX-License-Identifier: Apache-2.0
 *
 * Result types. Expected: what CREATE TABLE ... AS SELECT gives in the reference server for the
 * same columns (integers are all BIGINT inside); unsigned arithmetic from the manual.
 */
#include "fixture.h"

#define CI "utf8mb4_0900_ai_ci"

static void
arithmetic(void **state)
{
    world *w = *state;
    TYPE(w, "a+1", "int");
    TYPE(w, "a+g", "int unsigned");
    TYPE(w, "a%3", "int");
    TYPE(w, "a/3", "decimal(14,4)");
    TYPE(w, "c/a", "decimal(14,6)");
    TYPE(w, "c/3.0", "decimal(15,6)");
    TYPE(w, "c*c", "decimal(20,4)");
    TYPE(w, "c+1.5", "decimal(11,2)");
    TYPE(w, "c-a", "decimal(13,2)");
    TYPE(w, "c%1.234", "decimal(10,3)");
    TYPE(w, "c DIV 2", "int");
    TYPE(w, "f+1", "double");
    TYPE(w, "b+1", "double");
    TYPE(w, "-c", "decimal(10,2)");
    TYPE(w, "-b", "double");
    TYPE(w, "d+0", "int");
    TYPE(w, "a|1", "int unsigned");
    TYPE(w, "~a", "int unsigned");
}

static void
choices(void **state)
{
    world *w = *state;
    TYPE(w, "IF(a,1,2.5)", "decimal(2,1)");
    TYPE(w, "IF(a,1,1e0)", "double");
    TYPE(w, "IF(a,'x',1)", "str(1) " CI);
    TYPE(w, "IF(a,d,e)", "datetime");
    TYPE(w, "IF(a,d,1)", "str(10) " CI);
    TYPE(w, "IFNULL(a,c)", "decimal(12,2)");
    TYPE(w, "IFNULL(b,'abcdefghijklmnopqrstuvwxyz')", "str(26) " CI);
    TYPE(w, "COALESCE(a,f)", "double");
    TYPE(w, "COALESCE(NULL,a)", "int");
    TYPE(w, "NULLIF(b,'x')", "str(20) " CI);
    TYPE(w, "CASE WHEN a THEN b ELSE h END", "str(20) utf8mb4_bin");
    TYPE(w, "CASE a WHEN 1 THEN c WHEN 2 THEN 1.2345 END", "decimal(12,4)");
    TYPE(w, "GREATEST(a,c)", "decimal(12,2)");
    TYPE(w, "GREATEST(d,e)", "datetime");
    TYPE(w, "IF(a,NULL,NULL)", "str(0) binary");
}

static void
strings(void **state)
{
    world *w = *state;
    TYPE(w, "CONCAT(b,h)", "str(30) utf8mb4_bin");
    TYPE(w, "CONCAT_WS(',',b,h)", "str(31) utf8mb4_bin");
    TYPE(w, "UPPER(b)", "str(20) " CI);
    TYPE(w, "LEFT(b,5)", "str(5) " CI);
    TYPE(w, "SUBSTRING(b,2,3)", "str(3) " CI);
    TYPE(w, "REPEAT(b,3)", "str(60) " CI);
    TYPE(w, "LPAD(b,10,'x')", "str(10) " CI);
    TYPE(w, "HEX(b)", "str(160) " CI);
    TYPE(w, "MD5(b)", "str(32) " CI);
    TYPE(w, "ELT(1,'a','bcd')", "str(3) " CI);
    TYPE(w, "QUOTE(b)", "str(42) " CI);
    TYPE(w, "SPACE(3)", "str(3) " CI);
    TYPE(w, "b COLLATE utf8mb4_bin", "str(20) utf8mb4_bin");
    TYPE(w, "CONVERT(b USING latin1)", "str(20) latin1_swedish_ci");
    TYPE(w, "CAST(a AS CHAR(3))", "str(3) " CI);
    TYPE(w, "LENGTH(b)", "int");
}

static void
numbers(void **state)
{
    world *w = *state;
    TYPE(w, "ABS(c)", "decimal(10,2)");
    TYPE(w, "ABS(b)", "double");
    TYPE(w, "CEIL(c)", "int");
    TYPE(w, "FLOOR(f)", "double");
    TYPE(w, "ROUND(c)", "decimal(9,0)");
    TYPE(w, "ROUND(c,1)", "decimal(10,1)");
    TYPE(w, "ROUND(c,5)", "decimal(13,5)");
    TYPE(w, "TRUNCATE(c,1)", "decimal(9,1)");
    TYPE(w, "ROUND(a)", "int");
    TYPE(w, "CAST(b AS UNSIGNED)", "int unsigned");
    TYPE(w, "CAST(b AS DECIMAL(8,3))", "decimal(8,3)");
    TYPE(w, "99999999999", "int");
    TYPE(w, "18446744073709551615", "int unsigned");
    TYPE(w, "2.5", "decimal(2,1)");
    TYPE(w, "1e3", "double");
}

static void
times(void **state)
{
    world *w = *state;
    TYPE(w, "NOW(3)", "datetime(3)");
    TYPE(w, "DATE(e)", "date");
    TYPE(w, "DATE_ADD(d, INTERVAL 1 DAY)", "date");
    TYPE(w, "DATE_ADD(d, INTERVAL 1 HOUR)", "datetime");
    TYPE(w, "e + INTERVAL 1 SECOND", "datetime");
    TYPE(w, "e + INTERVAL 1 MICROSECOND", "datetime(6)");
    TYPE(w, "TIMEDIFF(e,e)", "time");
    TYPE(w, "FROM_UNIXTIME(a)", "datetime");
    TYPE(w, "STR_TO_DATE(b,'%Y-%m-%d')", "date");
    TYPE(w, "STR_TO_DATE(b,'%H:%i')", "time");
    TYPE(w, "STR_TO_DATE(b,'%Y-%m-%d %H:%i:%s')", "datetime");
    TYPE(w, "CAST(b AS DATETIME(3))", "datetime(3)");
    TYPE(w, "TIMESTAMP'2024-01-01 10:00:00.123'", "datetime(3)");
}

static void
aggregates(void **state)
{
    world *w = *state;
    TYPE(w, "SUM(a)", "decimal(32,0)");
    TYPE(w, "SUM(c)", "decimal(32,2)");
    TYPE(w, "SUM(f)", "double");
    TYPE(w, "SUM(b)", "double");
    TYPE(w, "AVG(a)", "decimal(14,4)");
    TYPE(w, "AVG(c)", "decimal(14,6)");
    TYPE(w, "COUNT(a)", "int");
    TYPE(w, "MIN(b)", "str(20) " CI);
    TYPE(w, "MAX(d)", "date");
    TYPE(w, "BIT_AND(a)", "int unsigned");
    TYPE(w, "STD(a)", "double");
}

static void
collations(void **state)
{
    world *w = *state;
    /* an explicit one wins over a column, a column over a literal (manual, coercibility) */
    QUERY(w, "SELECT 1 FROM t WHERE b = 'x'", "select 1 from t where (= $0:b 'x')");
    assert_string_equal(resolve(w, "SELECT 1 FROM t WHERE b = 'x'")->query->where->coll->name, CI);
    assert_string_equal(
        resolve(w, "SELECT 1 FROM t WHERE b = 'x' COLLATE utf8mb4_bin")->query->where->coll->name,
        "utf8mb4_bin");
    assert_string_equal(resolve(w, "SELECT 1 FROM t WHERE b = h")->query->where->coll->name,
                        "utf8mb4_bin");
    REFUSED(w, "SELECT b COLLATE utf8mb4_bin = h COLLATE utf8mb4_general_ci FROM t",
            "1267 Illegal mix of collations (utf8mb4_bin,EXPLICIT) and "
            "(utf8mb4_general_ci,EXPLICIT) for operation '='");
    REFUSED(w, "SELECT b COLLATE nope FROM t", "1273 Unknown collation: 'nope'");
}

static void
union_types(void **state)
{
    world *w = *state;
    const ql_query *q = resolve(w, "SELECT a FROM t UNION SELECT c FROM t")->query;
    assert_string_equal(type_text(&q->items[0].expr->type), "decimal(12,2)");
    q = resolve(w, "SELECT a FROM t UNION SELECT b FROM t UNION SELECT 1")->query;
    assert_int_equal(q->items[0].expr->type.kind, QL_K_STRING);
    q = resolve(w, "SELECT NULL UNION SELECT 1")->query;
    assert_string_equal(type_text(&q->items[0].expr->type), "int");
    q = resolve(w, "SELECT d FROM t UNION SELECT e FROM t")->query;
    assert_string_equal(type_text(&q->items[0].expr->type), "datetime");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic), cmocka_unit_test(choices),     cmocka_unit_test(strings),
        cmocka_unit_test(numbers),    cmocka_unit_test(times),       cmocka_unit_test(aggregates),
        cmocka_unit_test(collations), cmocka_unit_test(union_types),
    };
    return cmocka_run_group_tests(tests, sql_setup, world_teardown);
}
