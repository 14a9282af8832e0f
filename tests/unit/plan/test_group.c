/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY, DISTINCT, MIN and MAX in the order of indexes. t has 100,000 rows, u 1,000, nokey 50.
 */
#include "fixture.h"

static void
groups(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT a, COUNT(*) FROM t GROUP BY a", "group ordered\n scan t a only\n");
    PLAN(w, "SELECT b, COUNT(*) FROM t GROUP BY b", "group\n scan t PRIMARY\n");
    /* any permutation of the keys */
    PLAN(w, "SELECT name, x, COUNT(*) FROM u GROUP BY name, x LIMIT 9",
         "limit\n group ordered\n  scan u xn only\n");
    PLAN(w, "SELECT name, x, COUNT(*) FROM u GROUP BY name, x", "group ordered\n scan u xn only\n");
    PLAN(w, "SELECT x, id, COUNT(*) FROM u WHERE name = 'n' GROUP BY id, x",
         "group\n scan u xn only if (= $0:name 'n')\n");
    /* a row look-up for each row costs more than hashing them, unless few groups are wanted */
    PLAN(w, "SELECT a, SUM(f) FROM t GROUP BY a", "group\n scan t PRIMARY\n");
    PLAN(w, "SELECT a, SUM(f) FROM t GROUP BY a LIMIT 10", "limit\n group ordered\n  scan t a\n");
    PLAN(w, "SELECT a, SUM(f) n FROM t GROUP BY a HAVING n > 5 LIMIT 10",
         "limit\n filter if (> $2 5d)\n  group\n   scan t PRIMARY\n");
    /* all other keys hang on a unique one */
    PLAN(w, "SELECT id, b, a, COUNT(*) FROM t GROUP BY b, id, a",
         "group ordered\n scan t PRIMARY\n");
    PLAN(w, "SELECT a, b, COUNT(*) FROM t GROUP BY a, b", "group\n scan t PRIMARY\n");
    PLAN(w, "SELECT a + 1, COUNT(*) FROM t GROUP BY a + 1", "group\n scan t a only\n");
    /* another collation than the index has */
    PLAN(w, "SELECT COUNT(*) FROM t GROUP BY h COLLATE utf8mb4_general_ci",
         "group\n scan t h only\n");
}

static void
group_order(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY a", "group ordered\n scan t a only\n");
    PLAN(w, "SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY a DESC LIMIT 3",
         "limit\n group ordered\n  scan t a only reverse\n");
    PLAN(w, "SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY COUNT(*) DESC",
         "sort\n group ordered\n  scan t a only\n");
    PLAN(w, "SELECT x, name, COUNT(*) FROM u GROUP BY name, x ORDER BY x DESC LIMIT 5",
         "limit\n group ordered\n  scan u xn only reverse\n");
    PLAN(w, "SELECT x, name, COUNT(*) FROM u GROUP BY name, x ORDER BY x DESC, name DESC LIMIT 5",
         "limit\n group ordered\n  scan u xn only reverse\n");
    PLAN(w, "SELECT x, name, COUNT(*) FROM u GROUP BY x, name ORDER BY x DESC, name LIMIT 5",
         "limit\n sort top\n  group ordered\n   scan u xn only\n");
    /* name alone is not what the index begins with */
    PLAN(w, "SELECT x, name, COUNT(*) FROM u GROUP BY x, name ORDER BY name LIMIT 5",
         "limit\n sort top\n  group ordered\n   scan u xn only\n");
}

static void
conditions(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT a, COUNT(*) FROM t WHERE a > 5 AND a < 9 GROUP BY a ORDER BY a DESC",
         "group ordered\n scan t a only reverse >5 <9\n");
    PLAN(w, "SELECT name, COUNT(*) FROM u WHERE x = 4 GROUP BY name",
         "group ordered\n scan u xn only =4\n");
    PLAN(w, "SELECT x, name, COUNT(*) FROM u WHERE x = 4 GROUP BY name, x ORDER BY name DESC",
         "group ordered\n scan u xn only reverse =4\n");
    PLAN(w, "SELECT a, COUNT(*) FROM t WHERE a IN (3, 9) GROUP BY a ORDER BY a DESC",
         "group ordered\n scan t a only reverse =3 | =9\n");
}

static void
joins(void **state)
{
    world *w = *state;
    PLAN(w,
         "SELECT u.id, t.b, COUNT(*) FROM u LEFT JOIN t ON t.id = u.t_id GROUP BY u.id, t.b ORDER "
         "BY u.id LIMIT 5",
         "limit\n group ordered\n  nested outer\n   scan u PRIMARY\n   scan t PRIMARY! =$1:t_id\n");
    /* a few look-ups for a few groups, whatever is best for all of them */
    PLAN(w,
         "SELECT u.id, COUNT(t.id) FROM u LEFT JOIN t ON t.a = u.id GROUP BY u.id ORDER BY u.id "
         "DESC LIMIT 3",
         "limit\n group ordered\n  nested outer\n   scan u PRIMARY reverse\n   scan t a only "
         "=$1:id\n");
    /* several rows of the right side for one of the left */
    PLAN(w,
         "SELECT t.id, u.x, COUNT(*) FROM t LEFT JOIN u ON u.t_id = t.id WHERE t.id < 9 GROUP BY "
         "t.id, u.x",
         "group\n hash outer $1:id=$0:t_id\n  scan t PRIMARY <9\n  scan u PRIMARY\n");
    PLAN(w,
         "SELECT t.id, u.x, COUNT(*) FROM t LEFT JOIN u ON u.t_id = t.id WHERE t.id = 9 GROUP BY "
         "t.id, u.x",
         "group\n nested outer\n  scan t PRIMARY! =9\n  scan u t_id =$1:id\n");
}

static void
distinct(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT DISTINCT a FROM t", "distinct ordered\n scan t a only\n");
    PLAN(w, "SELECT DISTINCT a FROM t ORDER BY a DESC LIMIT 4",
         "limit\n distinct ordered\n  scan t a only reverse skip 1\n");
    PLAN(w, "SELECT DISTINCT name, x FROM u ORDER BY x LIMIT 5",
         "limit\n distinct ordered\n  scan u xn only\n");
    PLAN(w, "SELECT DISTINCT b FROM t", "distinct\n scan t PRIMARY\n");
    PLAN(w, "SELECT DISTINCT a, 1 FROM t WHERE a = 5", "distinct ordered\n scan t a only =5\n");
    /* groups are different */
    PLAN(w, "SELECT DISTINCT a, COUNT(*) FROM t GROUP BY a", "group ordered\n scan t a only\n");
    PLAN(w, "SELECT DISTINCT COUNT(*) FROM t GROUP BY a",
         "distinct\n group ordered\n  scan t a only\n");
}

static void
ends(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT MIN(a) FROM t", "group\n ends\n  scan t a only >NULL\n");
    PLAN(w, "SELECT MAX(a), MIN(id), MAX(a) FROM t",
         "group\n ends\n  scan t a only reverse >NULL\n  ends\n   scan t PRIMARY\n");
    PLAN(w, "SELECT MAX(name) FROM u WHERE x = 3",
         "group\n ends\n  scan u xn only reverse =3 >NULL\n");
    PLAN(w, "SELECT MAX(id) FROM t WHERE a = 3", "group\n ends\n  scan t a only reverse =3\n");
    PLAN(w, "SELECT MIN(a) FROM t WHERE a > 7", "group\n ends\n  scan t a only >7\n");
    PLAN(w, "SELECT MAX(id) FROM t WHERE b = 'x'",
         "group\n ends\n  scan t PRIMARY reverse if (= $0:b 'x')\n");
    PLAN(w, "SELECT MAX(name) FROM u WHERE name < 'k' AND x = 5",
         "group\n ends\n  scan u xn only reverse =5 >NULL <'k'\n");
    /* a row look-up each, and there may be none that passes */
    PLAN(w, "SELECT MAX(a) FROM t WHERE b = 'x'", "group\n scan t PRIMARY if (= $0:b 'x')\n");
    /* no index, another aggregate, a join, one row */
    PLAN(w, "SELECT MAX(f) FROM t", "group\n scan t PRIMARY\n");
    PLAN(w, "SELECT MAX(a), COUNT(*) FROM t", "group\n scan t a only\n");
    PLAN(w, "SELECT MAX(a + 1) FROM t", "group\n scan t a only\n");
    PLAN(w, "SELECT MAX(a) FROM t WHERE id = 4", "group\n scan t PRIMARY! =4\n");
    PLAN(w, "SELECT MIN(a) FROM t WHERE RAND() < 0.5",
         "group\n scan t a only if (< (RAND) 0.5d)\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups), cmocka_unit_test(group_order), cmocka_unit_test(conditions),
        cmocka_unit_test(joins),  cmocka_unit_test(distinct),    cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, plan_setup, world_teardown);
}
