/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: scans, joins, grouping, sorting, subqueries, set operations. Expected values by hand.
 */
#include "fixture.h"

static int
setup(void **state)
{
    exec_setup(state);
    world *w = *state;
    RUN(w,
        "INSERT INTO t (id,a,b,c,g) VALUES (1,10,'one',1.50,1),(2,20,'two',2.50,2),"
        "(3,10,'three',NULL,3),(4,NULL,'four',-4.00,4)",
        "ok 4 Records: 4  Duplicates: 0  Warnings: 0");
    RUN(w, "INSERT INTO u VALUES (1,1,5,'x'),(2,1,6,'y'),(3,3,7,'x'),(4,NULL,8,'z')",
        "ok 4 Records: 4  Duplicates: 0  Warnings: 0");
    return 0;
}

static void
test_scan(void **state)
{
    world *w = *state;
    RUN(w, "SELECT id, b FROM t WHERE a = 10 ORDER BY id", "1|one\n3|three\n");
    RUN(w, "SELECT id FROM t WHERE a > 5 AND c IS NOT NULL ORDER BY id DESC", "2\n1\n");
    RUN(w, "SELECT id FROM t WHERE id IN (4, 2, 9) ORDER BY id", "2\n4\n");
    RUN(w, "SELECT id FROM t ORDER BY a, b LIMIT 2", "4\n1\n");
    RUN(w, "SELECT id FROM t ORDER BY id LIMIT 2 OFFSET 1", "2\n3\n");
    RUN(w, "SELECT id FROM t LIMIT 0", "");
    RUN(w, "SELECT DISTINCT a FROM t ORDER BY a DESC", "20\n10\nNULL\n");
}

static void
test_join(void **state)
{
    world *w = *state;
    RUN(w, "SELECT t.id, u.id FROM t JOIN u ON u.t_id = t.id ORDER BY 1, 2", "1|1\n1|2\n3|3\n");
    RUN(w, "SELECT t.id, u.id FROM t LEFT JOIN u ON u.t_id = t.id ORDER BY 1, 2",
        "1|1\n1|2\n2|NULL\n3|3\n4|NULL\n");
    RUN(w, "SELECT u.id, t.b FROM t RIGHT JOIN u ON u.t_id = t.id ORDER BY 1",
        "1|one\n2|one\n3|three\n4|NULL\n");
    RUN(w, "SELECT COUNT(*) FROM t, u, t x", "64\n");
    RUN(w, "SELECT x.id, y.id FROM t x JOIN t y ON x.a < y.a ORDER BY 1, 2", "1|2\n3|2\n");
    RUN(w, "SELECT x.id, y.id FROM t x LEFT JOIN t y ON x.c = y.c + 1 ORDER BY 1",
        "1|NULL\n2|1\n3|NULL\n4|NULL\n");
}

static void
test_group(void **state)
{
    world *w = *state;
    RUN(w, "SELECT COUNT(*), COUNT(a), SUM(a), AVG(a), MIN(b), MAX(b), SUM(c) FROM t",
        "4|3|40|13.3333|four|two|0.00\n");
    RUN(w,
        "SELECT a, COUNT(*), GROUP_CONCAT(b ORDER BY id DESC SEPARATOR '-') FROM t GROUP BY a "
        "ORDER BY a",
        "NULL|1|four\n10|2|three-one\n20|1|two\n");
    RUN(w, "SELECT a, SUM(id) s FROM t GROUP BY a HAVING s > 2 ORDER BY s, a", "NULL|4\n10|4\n");
    RUN(w, "SELECT COUNT(DISTINCT name), COUNT(DISTINCT t_id), SUM(DISTINCT x) FROM u", "3|2|26\n");
    RUN(w, "SELECT COUNT(*), SUM(x), MAX(x) FROM u WHERE id > 100", "0|NULL|NULL\n");
    RUN(w, "SELECT BIT_OR(x), BIT_AND(x), VAR_POP(x), STD(x) FROM u WHERE x < 7", "7|4|0.25|0.5\n");
}

static void
test_subquery(void **state)
{
    world *w = *state;
    RUN(w, "SELECT id, (SELECT COUNT(*) FROM u WHERE u.t_id = t.id) FROM t ORDER BY id",
        "1|2\n2|0\n3|1\n4|0\n");
    RUN(w, "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id) ORDER BY id",
        "1\n3\n");
    RUN(w, "SELECT id FROM t WHERE id IN (SELECT t_id FROM u) ORDER BY id", "1\n3\n");
    RUN(w, "SELECT id FROM t WHERE id NOT IN (SELECT t_id FROM u)", "");
    RUN(w, "SELECT id FROM t WHERE id NOT IN (SELECT t_id FROM u WHERE t_id > 0) ORDER BY id",
        "2\n4\n");
    RUN(w, "SELECT id FROM u WHERE x > ALL (SELECT a - 5 FROM t WHERE a = 10) ORDER BY id",
        "2\n3\n4\n");
    RUN(w, "SELECT (SELECT id FROM t)", "1242 Subquery returns more than 1 row");
    RUN(w, "SELECT * FROM (SELECT a, COUNT(*) n FROM t GROUP BY a) q WHERE n > 1", "10|2\n");
    RUN(w, "SELECT id FROM t WHERE (a, b) = (SELECT 10, 'ONE')", "1\n");
}

static void
test_set(void **state)
{
    world *w = *state;
    RUN(w, "SELECT a FROM t UNION SELECT x FROM u ORDER BY 1", "NULL\n5\n6\n7\n8\n10\n20\n");
    RUN(w, "SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 2 LIMIT 2", "1\n1\n");
    RUN(w, "SELECT 1 UNION SELECT 1.50", "1.00\n1.50\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),     cmocka_unit_test(test_join), cmocka_unit_test(test_group),
        cmocka_unit_test(test_subquery), cmocka_unit_test(test_set),
    };
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
