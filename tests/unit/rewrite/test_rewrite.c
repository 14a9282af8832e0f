/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks moved into others: numbers of sources and slots, references of blocks below, conditions.
 * Slots are counted by hand: those of the outer block first, each in the order in which WHERE, then
 * the select list, mention columns.
 */
#include <stdio.h>

#include "../resolve/fixture.h"
#include "rewrite/rewrite.h"

static const char *
rewritten(world *w, const char *sql)
{
    ql_rstmt *s = resolve(w, sql);
    OK(ql_rewrite_stmt(&w->boot.cx, s, NULL));
    printed[0] = 0;
    print_query(s->query);
    return printed;
}
#define REWRITTEN(w, sql, text) assert_string_equal(rewritten(w, sql), text)

static void
derived_tables(void **state)
{
    world *w = *state;
    /* d.z is 0; t.a, t.id follow. */
    REWRITTEN(w,
              "SELECT d.z, (SELECT COUNT(*) FROM u WHERE u.x = d.z) FROM (SELECT id, a + 1 AS z "
              "FROM t WHERE a > 2) AS d WHERE d.z < 9",
              "select (+ $1:a 1) (query select $1 from u where (= $0:x (+ ^1$1 1)) agg "
              "$1=count(*)) from t where (and (> $1:a 2) (< (+ $1:a 1) 9))");
    /* d.t_id, t.id, d.x, d.y are 0 to 3; k, x, name, t_id follow. */
    REWRITTEN(w,
              "SELECT t.id, d.x, d.y FROM t LEFT JOIN (SELECT u.t_id, u.x, k + 1 AS y FROM u JOIN "
              "nokey ON k = x WHERE name = 'n') AS d ON d.t_id = t.id",
              "select $1:id $5:x (+ $4:k 1) from (t left (u join nokey on (= $4:k $5:x)) on (and "
              "(= $6:name 'n') (= $7:t_id $1:id)))");
    /* What is made up cannot take the place of a column that may be NULL for want of a row. */
    REWRITTEN(w, "SELECT d.one FROM u LEFT JOIN (SELECT id, 1 AS one FROM t) AS d ON d.id = u.x",
              "select $2:one from (u left (select $0:id 1 from t)d on (= $0:id $1:x))");
    REWRITTEN(w, "SELECT a FROM (SELECT a FROM t LIMIT 5) AS d WHERE a > 1",
              "select $0:a from (select $0:a from t limit 5)d where (> $0:a 1)");
}

static void
semijoins(void **state)
{
    world *w = *state;
    /* t.id, t.a are 0 and 1; u.t_id, u.x follow. Two levels up becomes one. */
    REWRITTEN(
        w,
        "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id AND u.x > (SELECT "
        "MAX(k) FROM nokey WHERE nokey.k < u.x + t.a))",
        "select $0:id from (t semi u on (and (= $2:t_id $0:id) (> $3:x (query select $1 from "
        "nokey where (< $0:k (+ ^1$3 ^1$1)) agg $1=max $0:k)))) where 1");
    /* The anti-join inside looks at t, which a right side cannot: the subquery stays. */
    REWRITTEN(w,
              "SELECT id FROM t WHERE id IN (SELECT t_id FROM u WHERE NOT EXISTS (SELECT 1 FROM "
              "nokey WHERE k = u.x AND k > t.a))",
              "select $0:id from t where (in $0:id select $1:t_id from (u anti nokey on (and (= "
              "$2:k $0:x) (> $2:k ^1$1))) where 1)");
    /* NOT IN where there may be NULLs stays; a primary key has none. */
    REWRITTEN(w, "SELECT id FROM t WHERE id NOT IN (SELECT t_id FROM u)",
              "select $0:id from t where (notin $0:id select $0:t_id from u)");
    REWRITTEN(w, "SELECT id FROM t WHERE id NOT IN (SELECT id FROM u)",
              "select $0:id from (t anti u on (= $0:id $1:id)) where 1");
}

static void
conditions(void **state)
{
    world *w = *state;
    REWRITTEN(w, "SELECT t.id FROM t LEFT JOIN u ON u.id = t.a WHERE t.i = 3",
              "select $3:id from t where (= $2:i 3)");
    REWRITTEN(
        w, "SELECT * FROM (SELECT a, COUNT(*) AS n FROM t GROUP BY a) AS d WHERE a = 5 AND n > 1",
        "select $0:a $1:n from (select $2:a $1 from t where (= $0:a 5) group $2=$0:a agg "
        "$1=count(*) having (> $1 1))d where 1");
    REWRITTEN(
        w, "SELECT t.id, u.id, k FROM t JOIN u ON u.t_id = t.a JOIN nokey ON k = t_id WHERE k = 7",
        "select $3:id $4:id $2:k from ((t join u on 1) join nokey on 1) where (and (and (= $1 "
        "7) (= $0 7)) (= $2:k 7))");
    REWRITTEN(w, "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.x > 3",
              "select $1:id from (t join u on (= $0:t_id $1:id)) where (> $2:x 3)");
}

/* Slots are numbered as WHERE mentions them. */
static void
alternatives(void **state)
{
    world *w = *state;
    REWRITTEN(
        w,
        "SELECT 1 FROM t JOIN u WHERE (t.id = u.t_id AND t.a = 1 AND u.x = 2) OR (u.x = 4 AND "
        "t.a = 3 AND u.t_id = t.id)",
        "select 1 from (t join u) where (and (or (= $3:x 2) (= $3:x 4)) (and (or (= $2:a "
        "1) (= $2:a 3)) (and (= $0:id $1:t_id) (or (and (= $2:a 1) (= $3:x 2)) (and (= $3:x 4) "
        "(= $2:a 3))))))");
    /* One branch is nothing but what they have in common. */
    REWRITTEN(w, "SELECT 1 FROM t WHERE (a = 1 AND i = 2) OR a = 1 OR (i = 3 AND a = 1)",
              "select 1 from t where (= $0:a 1)");
    /* What warns is not asked for in place of a comparison that came before it. */
    REWRITTEN(w, "SELECT 1 FROM u WHERE (name = 3 AND x = 1) OR (x = 1 AND name = 4)",
              "select 1 from u where (or (and (= (double $0:name) 3d) (= $1:x 1)) (and (= $1:x 1) "
              "(= (double $0:name) 4d)))");
}

static void
rows_without_match(void **state)
{
    world *w = *state;
    /* Above the join what is on its right side is NULL; the key that ON asks for cannot be. */
    REWRITTEN(w, "SELECT t.id, u.x FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.id IS NULL",
              "select $1:id NULL from (t anti u on (= $0:t_id $1:id)) where 1");
    REWRITTEN(w, "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.t_id IS NULL AND t.a = 1",
              "select $1:id from (t anti u on (= $0:t_id $1:id)) where (= $2:a 1)");
    REWRITTEN(w, "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.x IS NULL",
              "select $1:id from (t left u on (= $0:t_id $1:id)) where (isnull $2:x)");
}

static ql_join_kind
kind_in(const ql_expr *e)
{
    return e->query->from->kind;
}

/* Subqueries that stand in no query: of SET, DO, rows to be inserted, new values. */
static void
beside_queries(void **state)
{
    world *w = *state;
    const char *q = "(SELECT COUNT(*) FROM t WHERE id IN (SELECT x FROM u))";
    char sql[200];
    ql_rstmt *s;
    snprintf(sql, sizeof sql, "DO %s", q);
    OK(ql_rewrite_stmt(&w->boot.cx, s = resolve(w, sql), NULL));
    assert_int_equal(kind_in(s->exprs.v[0]), QL_JOIN_SEMI);
    snprintf(sql, sizeof sql, "SET @a = %s", q);
    OK(ql_rewrite_stmt(&w->boot.cx, s = resolve(w, sql), NULL));
    assert_int_equal(kind_in(s->exprs.v[0]), QL_JOIN_SEMI);
    snprintf(sql, sizeof sql, "INSERT INTO nokey (k) VALUES (%s)", q);
    OK(ql_rewrite_stmt(&w->boot.cx, s = resolve(w, sql), NULL));
    assert_int_equal(kind_in(s->insert->rows[0][0]), QL_JOIN_SEMI);
    snprintf(sql, sizeof sql, "UPDATE nokey SET k = %s", q);
    OK(ql_rewrite_stmt(&w->boot.cx, s = resolve(w, sql), NULL));
    assert_int_equal(kind_in(s->update->set[0][0].value), QL_JOIN_SEMI);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived_tables), cmocka_unit_test(rows_without_match),
        cmocka_unit_test(alternatives),   cmocka_unit_test(semijoins),
        cmocka_unit_test(conditions),     cmocka_unit_test(beside_queries),
    };
    return cmocka_run_group_tests(tests, sql_setup, world_teardown);
}
