/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: three-valued logic, arithmetic and its limits, comparisons across kinds, branches
 * that are not taken. Expected values: the MySQL manual, or arithmetic.
 */
#include "fixture.h"

static void
test_logic(void **state)
{
    world *w = *state;
    RUN(w, "SELECT NULL AND 0, NULL AND 1, NULL OR 1, NULL OR 0, NOT NULL, 1 XOR NULL, 1 XOR 0",
        "0|NULL|1|NULL|NULL|NULL|1\n");
    RUN(w,
        "SELECT NULL <=> NULL, 1 <=> NULL, NULL = NULL, NULL IS NULL, 0 IS FALSE, NULL IS UNKNOWN",
        "1|0|NULL|1|1|1\n");
    RUN(w, "SELECT 2 IN (1, NULL, 2), 3 IN (1, NULL), 3 NOT IN (1, 2), 3 NOT IN (1, NULL)",
        "1|NULL|1|NULL\n");
    RUN(w, "SELECT 2 BETWEEN 1 AND 3, 5 BETWEEN NULL AND 3, 2 NOT BETWEEN NULL AND 1", "1|0|1\n");
    RUN(w, "SELECT (1,2) = (1,2), (1,2) < (1,3), (1,NULL) = (2,3), (1,NULL) = (1,3)",
        "1|1|0|NULL\n");
}

static void
test_arithmetic(void **state)
{
    world *w = *state;
    RUN(w, "SELECT 1+2, 7-9, 6*7, 7 DIV 2, 7 % 3, -7 % 3, 1/0, 5 DIV 0, 5 % 0",
        "3|-2|42|3|1|-1|NULL|NULL|NULL\n");
    RUN(w, "SELECT 1/3, (1/3)*3, 0.1+0.2, 1.10*1.10", "0.3333|1.0000|0.3|1.2100\n");
    RUN(w, "SELECT 6 & 3, 6 | 3, 6 ^ 3, 1 << 10, 1024 >> 3, 1 << 64, ~0",
        "2|7|5|1024|128|0|18446744073709551615\n");
    RUN(w, "SELECT 18446744073709551615 + 0, 18446744073709551615 DIV 2",
        "18446744073709551615|9223372036854775807\n");
    RUN(w, "SELECT 9223372036854775807 + 1",
        "1690 BIGINT value is out of range in '(9223372036854775807 + 1)'");
    RUN(w, "SELECT CAST(1 AS UNSIGNED) - 2",
        "1690 BIGINT UNSIGNED value is out of range in '(1 - 2)'");
    RUN(w, "SELECT 1e308 * 10", "1690 DOUBLE value is out of range in '(1e308 * 10)'");
}

static void
test_branches(void **state)
{
    world *w = *state;
    RUN(w, "SELECT IF(0, SLEEP(1000), 2), CASE WHEN 1 THEN 'a' ELSE SLEEP(1000) END", "2|a\n");
    RUN(w, "SELECT 0 AND SLEEP(1000), 1 OR SLEEP(1000)", "0|1\n");
    RUN(w,
        "SELECT COALESCE(NULL, 3, SLEEP(1000)), IFNULL(1, SLEEP(1000)), ELT(1, 'x', SLEEP(1000))",
        "3|1|x\n");
    RUN(w, "SELECT CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE 3 WHEN 1 THEN 'one' END",
        "two|NULL\n");
    RUN(w, "SELECT COALESCE(NULL, 1.5, 2.25)", "1.50\n");
    RUN(w, "SELECT BENCHMARK(1000, 1+1), BENCHMARK(NULL, 1)", "0|NULL\n");
}

static void
test_variables(void **state)
{
    world *w = *state;
    RUN(w, "SET @x = 42, @s = 'text'", "ok 0");
    RUN(w, "SELECT @x + 1, @s, @unset", "43|text|NULL\n");
    RUN(w, "SELECT @n := 5, @n + 1", "5|6\n");
    RUN(w, "DO SLEEP(0)", "ok 0");
    RUN(w, "SELECT 1, 'a' INTO @p, @q", "ok 1");
    RUN(w, "SELECT @p, @q", "1|a\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logic),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_variables),
    };
    return cmocka_run_group_tests(tests, exec_setup, world_teardown);
}
