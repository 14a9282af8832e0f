/* SPDX-License-Identifier: Apache-2.0
 *
 * Which index reads a single table, its bounds, and what is left as filter. t has 100,000 rows.
 */
#include "fixture.h"

static void
equality(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE id = 5", "scan t PRIMARY! =5\n");
    PLAN(w, "SELECT * FROM t WHERE 5 = id AND b = 'x'", "scan t PRIMARY! =5 if (= $1:b 'x')\n");
    PLAN(w, "SELECT * FROM t WHERE a = 5", "scan t a =5\n");
    PLAN(w, "SELECT * FROM t WHERE a = 5 AND g = 7", "scan t g! =7u if (= $0:a 5)\n");
    PLAN(w, "SELECT * FROM t WHERE a IS NULL", "scan t a =NULL\n");
    PLAN(w, "SELECT * FROM t WHERE a <=> 5", "scan t a =5\n");
    PLAN(w, "SELECT * FROM t WHERE b = 'x'", "scan t PRIMARY if (= $0:b 'x')\n");
    PLAN(w, "SELECT * FROM u WHERE x = 1 AND name = 'n'", "scan u xn =1 ='n'\n");
    PLAN(w, "SELECT x FROM u WHERE x = 1", "scan u xn only =1\n");
}

static void
ranges(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE id > 5 AND id <= 9", "scan t PRIMARY >5 <=9\n");
    PLAN(w, "SELECT * FROM t WHERE id BETWEEN 3 AND 9", "scan t PRIMARY >=3 <=9\n");
    /* NULLs are below everything in an index, and not below 5 in SQL */
    PLAN(w, "SELECT a FROM t WHERE a > 3 AND a < 5", "scan t a only >3 <5\n");
    PLAN(w, "SELECT * FROM t WHERE a > 3 AND a < 5", "scan t a >3 <5\n");
    PLAN(w, "SELECT a FROM t WHERE a < 5", "scan t a only >NULL <5\n");
    PLAN(w, "SELECT * FROM t WHERE id < 5", "scan t PRIMARY <5\n");
    PLAN(w, "SELECT * FROM u WHERE x = 3 AND name > 'k'", "scan u xn =3 >'k'\n");
    PLAN(w, "SELECT * FROM t WHERE id IN (7, 3, 5)", "scan t PRIMARY =3 | =5 | =7\n");
    PLAN(w, "SELECT * FROM t WHERE id IN (7, 3, NULL, 7, 3)", "scan t PRIMARY =3 | =7\n");
    PLAN(w, "SELECT a FROM t WHERE a IN (1, 90)", "scan t a only =1 | =90\n");
    PLAN(w, "SELECT * FROM t WHERE id = 9 OR id = 2 OR id IN (4, 2)",
         "scan t PRIMARY =2 | =4 | =9\n");
    PLAN(w, "SELECT * FROM t WHERE id IN (1, a)", "scan t PRIMARY if (in $0:id 1 $1:a)\n");
    PLAN(w, "SELECT * FROM t FORCE INDEX (h) WHERE h LIKE 'ab%'",
         "scan t h begins 'ab' if (like $0:h 'ab%')\n");
    PLAN(w, "SELECT * FROM t WHERE h LIKE '%ab'", "scan t PRIMARY if (like $0:h '%ab')\n");
}

/* Several ranges of one index. u has 1,000 rows; key xn (x, name). */
static void
sets(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE id = 5 OR id BETWEEN 7 AND 9", "scan t PRIMARY =5 | >=7 <=9\n");
    PLAN(w, "SELECT * FROM t WHERE id < 3 OR id = 3 OR id > 7", "scan t PRIMARY >NULL <=3 | >7\n");
    PLAN(w, "SELECT a FROM t WHERE a <> 5", "scan t a only >NULL <5 | >5\n");
    PLAN(w, "SELECT a FROM t WHERE a <> 5 OR a = 5", "scan t a only >NULL\n");
    PLAN(w, "SELECT a FROM t WHERE a NOT IN (3, 1) AND a < 9",
         "scan t a only >NULL <1 | >1 <3 | >3 <9\n");
    PLAN(w, "SELECT a FROM t WHERE a NOT IN (3, NULL)", "scan t a only if (notin $0:a 3 NULL)\n");
    PLAN(w, "SELECT a FROM t WHERE a IS NOT NULL", "scan t a only >NULL\n");
    PLAN(w, "SELECT a FROM t WHERE a IS NULL OR a > 7", "scan t a only =NULL | >7\n");
    PLAN(w, "SELECT a FROM t WHERE a NOT BETWEEN 3 AND 7", "scan t a only >NULL <3 | >7\n");
    PLAN(w, "SELECT id FROM t WHERE id <> 5", "scan t PRIMARY >NULL <5 | >5\n");
    PLAN(w, "SELECT a FROM t WHERE a IN (1, 5) AND a > 1", "scan t a only =5\n");
    PLAN(w, "SELECT x FROM u WHERE x IN (1, 2) AND name = 'a'",
         "scan u xn only =1 ='a' | =2 ='a'\n");
    PLAN(w, "SELECT x FROM u WHERE x IN (2, 1) AND name IN ('b', 'a')",
         "scan u xn only =1 ='a' | =1 ='b' | =2 ='a' | =2 ='b' if (in $1:name 'b' 'a')\n");
    PLAN(w, "SELECT x FROM u WHERE (x, name) IN ((4, 'd'), (1, 'b'))",
         "scan u xn only =1 ='b' | =4 ='d'\n");
    PLAN(w, "SELECT x FROM u WHERE (x, name) > (4, 'd') AND x < 6", "scan u xn only >4,'d' <6\n");
    PLAN(w, "SELECT x FROM u WHERE x = 3 AND (name < 'a' OR name > 'f')",
         "scan u xn only =3 >NULL <'a' | =3 >'f'\n");
    PLAN(w, "SELECT x FROM u WHERE (x = 3 OR x BETWEEN 5 AND 6) AND name = 'f'",
         "scan u xn only =3 ='f' | >=5 <=6 if (= $1:name 'f')\n");
    /* conditions that exclude each other: the filter lets nothing pass */
    PLAN(w, "SELECT a FROM t WHERE a = 3 AND a = 4", "scan t a only =3 if (= $0:a 4)\n");
}

/* Several indexes of one table. */
static void
merges(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE id = 5 OR a = 3",
         "merge t if (or (= $0:id 5) (= $1:a 3))\n scan t PRIMARY =5\n scan t a =3\n");
    PLAN(
        w, "SELECT * FROM t WHERE a = 3 OR id = 5 OR id = 9",
        "merge t if (or (or (= $0:a 3) (= $1:id 5)) (= $1:id 9))\n scan t PRIMARY =5 | =9\n scan t "
        "a =3\n");
    PLAN(w, "SELECT * FROM t WHERE (id = 5 OR a = 3) AND b = 'x'",
         "merge t if (and (or (= $0:id 5) (= $1:a 3)) (= $2:b 'x'))\n scan t PRIMARY =5\n scan t a "
         "=3\n");
    PLAN(w, "SELECT * FROM t WHERE id = 5 OR b = 'x'",
         "scan t PRIMARY if (or (= $0:id 5) (= $1:b 'x'))\n");
    PLAN(w, "DELETE FROM t WHERE id = 5 OR a = RAND()",
         "scan t PRIMARY if (or (= $0:id 5) (= (double $1:a) (RAND)))\n");
}

static void
days(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE d = '2024-01-05'", "scan t d =2024-01-05\n");
    PLAN(w, "SELECT d FROM t WHERE d > '2024-01-05 10:00:00' AND d < '2024-02-01'",
         "scan t d only >=2024-01-05 <2024-02-01 if (> (datetime $0:d) 2024-01-05 10:00:00)\n");
    PLAN(w, "SELECT d FROM t WHERE d >= NOW() - INTERVAL 1 DAY",
         "scan t d only >=(date (DATE_SUB (NOW) 1)) if (>= (datetime $0:d) (DATE_SUB (NOW) 1))\n");
}

static void
not_usable(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE g = -1", "scan t PRIMARY if (= $0:g -1)\n");
    PLAN(w, "SELECT * FROM t WHERE id + 1 = 5", "scan t PRIMARY if (= (+ $0:id 1) 5)\n");
    PLAN(w, "SELECT * FROM t WHERE h = 5", "scan t PRIMARY if (= (double $0:h) 5d)\n");
    PLAN(w, "SELECT * FROM t WHERE h = 'x' COLLATE utf8mb4_general_ci",
         "scan t PRIMARY if (= $0:h 'x')\n");
    PLAN(w, "SELECT * FROM t WHERE id = RAND()", "scan t PRIMARY if (= (double $0:id) (RAND))\n");
}

static void
constants(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t WHERE 1 = 0", "never\n");
    PLAN(w, "SELECT * FROM t WHERE a = NULL", "never\n");
    PLAN(w, "SELECT COUNT(*) FROM t WHERE 1 = 0 AND a = 3", "group\n never\n");
    PLAN(w, "SELECT * FROM nokey WHERE 1 = 1", "scan nokey GEN_CLUST_INDEX\n");
    PLAN(w, "SELECT 1 WHERE SLEEP(0)", "one if (SLEEP 0)\n");
    assert_true(plan(w, "SELECT * FROM t LIMIT 0")->limit_is_zero);
}

static void
order(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM t ORDER BY id", "scan t PRIMARY\n");
    PLAN(w, "SELECT * FROM t ORDER BY id DESC LIMIT 5", "limit\n scan t PRIMARY reverse\n");
    PLAN(w, "SELECT * FROM t WHERE a = 5 ORDER BY id", "scan t a =5\n");
    PLAN(w, "SELECT * FROM t WHERE a = 5 ORDER BY a, id DESC", "scan t a reverse =5\n");
    PLAN(w, "SELECT * FROM nokey ORDER BY k", "sort\n scan nokey GEN_CLUST_INDEX\n");
    PLAN(w, "SELECT * FROM t ORDER BY a LIMIT 5", "limit\n scan t a\n");
    PLAN(w, "SELECT * FROM t ORDER BY a", "sort\n scan t PRIMARY\n");
    PLAN(w, "SELECT a FROM t ORDER BY a", "scan t a only\n");
    PLAN(w, "SELECT * FROM t ORDER BY a, id DESC LIMIT 5", "limit\n sort top\n  scan t a\n");
    PLAN(w, "SELECT * FROM t WHERE id = 5 ORDER BY b", "scan t PRIMARY! =5\n");
    PLAN(w, "SELECT * FROM t ORDER BY b LIMIT 3", "limit\n sort top\n  scan t PRIMARY\n");
    PLAN(w, "SELECT x FROM u WHERE x = 4 ORDER BY name DESC", "scan u xn only reverse =4\n");
    PLAN(w, "DELETE FROM t WHERE a > 5 AND a < 9 ORDER BY a LIMIT 3", "limit\n scan t a >5 <9\n");
    PLAN(w, "SELECT DISTINCT a FROM t ORDER BY a", "distinct ordered\n scan t a only\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality),  cmocka_unit_test(ranges), cmocka_unit_test(sets),
        cmocka_unit_test(merges),    cmocka_unit_test(days),   cmocka_unit_test(not_usable),
        cmocka_unit_test(constants), cmocka_unit_test(order),
    };
    return cmocka_run_group_tests(tests, plan_setup, world_teardown);
}
