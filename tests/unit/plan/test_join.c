/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins: order, method, where conditions go; outer joins; UNION and derived tables; time for many
 * tables. t has 100,000 rows, u 1,000, nokey 50.
 */
#include "base/thread.h"
#include "fixture.h"

static void
inner_joins(void **state)
{
    world *w = *state;
    /* the small side first, the large one by its key */
    PLAN(w, "SELECT * FROM t JOIN u ON u.t_id = t.id",
         "nested\n scan u PRIMARY\n scan t PRIMARY! =$0:t_id\n");
    PLAN(w, "SELECT * FROM t, u WHERE u.t_id = t.id AND t.id = 5",
         "nested\n scan t PRIMARY! =5\n scan u t_id =$1:id\n");
    PLAN(w, "SELECT * FROM u JOIN nokey ON nokey.k = u.id",
         "nested\n scan nokey GEN_CLUST_INDEX\n scan u PRIMARY! =$0:k\n");
    PLAN(w, "SELECT * FROM t JOIN u ON t.b = u.name",
         "hash $0:b=$1:name\n scan t PRIMARY\n scan u PRIMARY\n");
    PLAN(w, "SELECT COUNT(*) FROM u JOIN nokey ON nokey.k < u.x",
         "group\n nested if (< $0:k $1:x)\n  scan u xn only\n  scan nokey GEN_CLUST_INDEX\n");
    PLAN(w, "SELECT 1 FROM u JOIN nokey ON nokey.v < u.name",
         "nested if (< $0:v $1:name)\n scan nokey GEN_CLUST_INDEX\n scan u xn only\n");
    PLAN(w, "SELECT 1 FROM u, nokey WHERE RAND() < 0.5",
         "nested if (< (RAND) 0.5d)\n scan nokey GEN_CLUST_INDEX\n scan u t_id only\n");
}

/* What follows from equalities that have been seen to is no key and no filter. */
static void
known_equalities(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM nokey a, nokey b, nokey c WHERE a.k = b.k AND b.k = c.k AND a.k = c.k",
         "hash $1:k=$2:k\n hash $0:k=$1:k\n  scan a GEN_CLUST_INDEX\n  scan b GEN_CLUST_INDEX\n "
         "scan c GEN_CLUST_INDEX\n");
    /* a number and a text are not compared as themselves: 1 = '1' and '1' = 1, but also '01' = 1 */
    PLAN(w, "SELECT * FROM nokey a, nokey b, nokey c WHERE a.v = b.k AND b.k = c.v AND a.v = c.v",
         "hash (double $1:k)=(double $2:v) $0:v=$2:v\n hash (double $0:v)=(double $1:k)\n  scan a "
         "GEN_CLUST_INDEX\n  scan b GEN_CLUST_INDEX\n scan c GEN_CLUST_INDEX\n");
    /* the look-up sees to one, the other two come with it */
    PLAN_REWRITTEN(
        w, "SELECT * FROM nokey a, nokey b, t WHERE t.id = a.k AND t.id = b.k AND b.k = a.k",
        "hash $0:id=$2:k\n nested\n  scan a GEN_CLUST_INDEX\n  scan t PRIMARY! =$1:k\n scan b "
        "GEN_CLUST_INDEX\n");
}

static void
outer_joins(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM u LEFT JOIN t ON t.id = u.t_id",
         "nested outer\n scan u PRIMARY\n scan t PRIMARY! =$1:t_id\n");
    PLAN(w, "SELECT * FROM u LEFT JOIN nokey n ON n.k = u.x AND n.v = 'a' AND u.id > 3",
         "hash outer $1:x=$0:k if (> $3:id 3)\n scan u PRIMARY\n scan n GEN_CLUST_INDEX if (= $2:v "
         "'a')\n");
    /* a condition on the left goes below, one that wants the NULLs stays above */
    PLAN(w, "SELECT * FROM u LEFT JOIN t ON t.id = u.t_id WHERE u.id = 3 AND t.a IS NULL",
         "filter if (isnull $3:a)\n nested outer\n  scan u PRIMARY! =3\n  scan t PRIMARY! "
         "=$1:t_id\n");
    /* one that cannot be true for NULLs makes it an inner join */
    PLAN_REWRITTEN(w, "SELECT * FROM u LEFT JOIN t ON t.id = u.t_id WHERE t.g = 3",
                   "nested\n scan t g! =3u\n scan u t_id =$0:id\n");
    /* NOT (NULL AND 0) is true */
    PLAN(w, "SELECT * FROM u LEFT JOIN t ON t.id = u.t_id WHERE NOT (t.a = 1 AND u.x = 2)",
         "filter if (not (and (= $2:a 1) (= $3:x 2)))\n nested outer\n  scan u PRIMARY\n  scan t "
         "PRIMARY! =$1:t_id\n");
    PLAN(w, "SELECT * FROM u RIGHT JOIN nokey n ON u.id = n.k",
         "nested outer\n scan n GEN_CLUST_INDEX\n scan u PRIMARY! =$1:k\n");
}

static void
blocks(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM (SELECT a, COUNT(*) n FROM t GROUP BY a) s WHERE s.n > 2",
         "derived s if (> $0:n 2)\n group ordered\n  scan t a only\n");
    PLAN(w, "SELECT a FROM t UNION SELECT x FROM u ORDER BY 1 LIMIT 3",
         "limit\n sort top\n  union\n   scan t a only\n   scan u xn only\n");
    PLAN(w, "SELECT a, COUNT(*) FROM t GROUP BY a HAVING COUNT(*) > 1",
         "filter if (> $1 1)\n group ordered\n  scan t a only\n");
    /* a correlated block looks its rows up */
    const ql_query *q =
        resolve(w, "SELECT (SELECT MAX(x) FROM u WHERE u.t_id = t.id) FROM t")->query;
    ql_block_plan *p;
    OK(ql_plan_query(&w->boot.cx, q->items[0].expr->query, &p));
    printed[0] = 0;
    print_plan(p->query, p->root, 0);
    assert_string_equal(printed, "group\n scan u t_id =^1$0\n");
}

static void
cheap_conditions_first(void **state)
{
    world *w = *state;
    PLAN(w, "SELECT * FROM nokey WHERE k IN (SELECT x FROM u) AND v = 'a'",
         "scan nokey GEN_CLUST_INDEX if (and (= $1:v 'a') (in $0:k select $0:x from u))\n");
}

/* 61 tables, the most that MySQL joins: planned in polynomial time. */
static void
many_tables(void **state)
{
    world *w = *state;
    char sql[16384] = "SELECT COUNT(*) FROM t t0";
    for (int i = 1; i < 61; i++) {
        char part[128];
        snprintf(part, sizeof part, " JOIN t t%d ON t%d.a = t%d.id", i, i, i - 1);
        strcat(sql, part);
    }
    int64_t t0 = ql_now_mono_ns();
    (void)plan(w, sql);
    assert_true(ql_now_mono_ns() - t0 < INT64_C(5000000000));
    strcat(sql, " JOIN t t61 ON t61.a = 1");
    assert_string_equal(error_of(w, sql),
                        "1116 Too many tables; MySQL can only use 61 tables in a join");
}

static void
killed_while_planning(void **state)
{
    world *w = *state;
    const ql_query *q = resolve(w, "SELECT * FROM t JOIN u ON u.t_id = t.id")->query;
    ql_block_plan *p;
    ql_intr_stmt_begin(&w->boot.intr, w->boot.cx.stmt_id);
    assert_true(ql_intr_raise(&w->boot.intr, QL_INTR_QUERY, 0));
    assert_int_equal(ql_plan_query(&w->boot.cx, q, &p), QL_KILLED);
    ql_intr_stmt_end(&w->boot.intr);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_joins),
        cmocka_unit_test(known_equalities),
        cmocka_unit_test(outer_joins),
        cmocka_unit_test(blocks),
        cmocka_unit_test(cheap_conditions_first),
        cmocka_unit_test(many_tables),
        cmocka_unit_test(killed_while_planning),
    };
    return cmocka_run_group_tests(tests, plan_setup, world_teardown);
}
