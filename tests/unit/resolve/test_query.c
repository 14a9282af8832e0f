/* SPDX-License-Identifier: Apache-2.0
 *
 * Query blocks: folding, comparisons, grouping, ORDER BY, parameters, limits of size.
 */
#include "catalog/virtual.h"
#include "fixture.h"

static void
folding(void **state)
{
    world *w = *state;
    QUERY(w,
          "SELECT 1+2*3, -5, 2.50*3, NOT 1, 1 IS NULL, 'a' = 'A', NULL AND 0, CAST('7' AS SIGNED)",
          "select 7 -5 7.50 0 0 1 0 7");
    QUERY(w, "SELECT -9223372036854775808", "select -9223372036854775808");
    /* what can fail, costs, or is not the same each time is left alone */
    QUERY(w, "SELECT 9223372036854775807 + 1", "select (+ 9223372036854775807 1)");
    QUERY(w, "SELECT RAND(), SLEEP(0), BENCHMARK(1, 1), REPEAT('a', 3)",
          "select (RAND) (SLEEP 0) (BENCHMARK 1 1) (REPEAT 'a' 3)");
    QUERY(w, "SELECT SLEEP(0) AND 0", "select (and (SLEEP 0) 0)");
    assert_false(resolve(w, "SELECT SLEEP(0)")->query->items[0].expr->is_constant);
    assert_false(resolve(w, "SELECT 1 + RAND()")->query->items[0].expr->is_constant);
    assert_true(resolve(w, "SELECT NOW()")->query->items[0].expr->is_constant);
    assert_true(resolve(w, "SELECT @a + 1")->query->items[0].expr->is_constant);
    assert_false(resolve(w, "SELECT @a + 1, @a := 2")->query->items[0].expr->is_constant);
}

static void
comparisons(void **state)
{
    world *w = *state;
    QUERY(w, "SELECT 1 FROM t WHERE a = '5'", "select 1 from t where (= $0:a 5)");
    QUERY(w, "SELECT 1 FROM t WHERE a = '5x'",
          "select 1 from t where (= (double $0:a) (double '5x'))");
    QUERY(w, "SELECT 1 FROM t WHERE a < 7.0", "select 1 from t where (< $0:a 7)");
    QUERY(w, "SELECT 1 FROM t WHERE a < 7.5", "select 1 from t where (< (decimal $0:a) 7.5)");
    QUERY(w, "SELECT 1 FROM t WHERE b = 5", "select 1 from t where (= (double $0:b) 5d)");
    QUERY(w, "SELECT 1 FROM t WHERE d = '2024-01-05'", "select 1 from t where (= $0:d 2024-01-05)");
    QUERY(w, "SELECT 1 FROM t WHERE d > '2024-01-05 10:00:00'",
          "select 1 from t where (> (datetime $0:d) 2024-01-05 10:00:00)");
    QUERY(w, "SELECT 1 FROM t WHERE a = NULL", "select 1 from t where NULL");
    QUERY(w, "SELECT 1 FROM t WHERE NOT a > 5", "select 1 from t where (<= $0:a 5)");
    QUERY(w, "SELECT 1 FROM t WHERE a BETWEEN 1 AND 3",
          "select 1 from t where (and (>= $0:a 1) (<= $0:a 3))");
    QUERY(w, "SELECT 1 FROM t WHERE a NOT BETWEEN 1 AND 3",
          "select 1 from t where (or (< $0:a 1) (> $0:a 3))");
    QUERY(w, "SELECT 1 FROM t WHERE a IN (1, '2', 3)", "select 1 from t where (in $0:a 1 2 3)");
    QUERY(w, "SELECT 1 FROM t WHERE a IN (1, 2, 2.5)",
          "select 1 from t where (or (in $0:a 1 2) (= (decimal $0:a) 2.5))");
    QUERY(w, "SELECT 1 FROM t WHERE (id, a) = (1, 2)",
          "select 1 from t where (and (= $0:id 1) (= $1:a 2))");
    QUERY(w, "SELECT 1 FROM t WHERE (id, a) < (1, 2)",
          "select 1 from t where (or (< $0:id 1) (and (= $0:id 1) (< $1:a 2)))");
    QUERY(w, "SELECT 1 FROM t WHERE b", "select 1 from t where (<> (double $0:b) 0d)");
}

static void
grouping(void **state)
{
    world *w = *state;
    QUERY(w, "SELECT a, COUNT(*), a + 1 FROM t GROUP BY a HAVING COUNT(*) > 1 ORDER BY COUNT(*), a",
          "select $2:a $1 (+ $2:a 1) from t group $2=$0:a agg $1=count(*) having (> $1 1) order $1 "
          "order $2:a");
    QUERY(w, "SELECT a + 1 AS x FROM t GROUP BY x HAVING x > 2",
          "select $1 from t group $1=(+ $0:a 1) having (> $1 2)");
    QUERY(w, "SELECT a, b FROM t GROUP BY 2, 1",
          "select $3:a $2:b from t group $2=$1:b group $3=$0:a");
    QUERY(w, "SELECT SUM(a), SUM(a) + SUM(DISTINCT a) FROM t",
          "select $1 (+ $1 $2) from t agg $1=sum $0:a agg $2=sum! $0:a");
    /* the subquery's reference moves to the key */
    QUERY(
        w, "SELECT (SELECT COUNT(*) FROM u WHERE u.x = t.a) FROM t GROUP BY a",
        "select (query select $1 from u where (= $0:x ^1$1) agg $1=count(*)) from t group $1=$0:a");
    REFUSED(w, "SELECT SUM(a) FROM t WHERE SUM(a) > 1", "1111 Invalid use of group function");
    REFUSED(w, "SELECT SUM(COUNT(*)) FROM t", "1111 Invalid use of group function");
}

static void
only_full_group_by(void **state)
{
    world *w = *state;
    REFUSED(
        w, "SELECT a, b FROM t GROUP BY a",
        "1055 Expression #2 of SELECT list is not in GROUP BY clause and contains nonaggregated "
        "column 'd.t.b' which is not functionally dependent on columns in GROUP BY clause; this is "
        "incompatible with sql_mode=only_full_group_by");
    REFUSED(w, "SELECT a, COUNT(*) FROM t",
            "1140 In aggregated query without GROUP BY, expression #1 of SELECT list contains "
            "nonaggregated column 'd.t.a'; this is incompatible with sql_mode=only_full_group_by");
    REFUSED(
        w, "SELECT a FROM t GROUP BY a ORDER BY b",
        "1055 Expression #1 of ORDER BY clause is not in GROUP BY clause and contains "
        "nonaggregated "
        "column 'd.t.b' which is not functionally dependent on columns in GROUP BY clause; this is "
        "incompatible with sql_mode=only_full_group_by");
    REFUSED(
        w, "SELECT DISTINCT a FROM t ORDER BY b",
        "3065 Expression #1 of ORDER BY clause is not in SELECT list, references column 'd.t.b' "
        "which is not in SELECT list; this is incompatible with DISTINCT");
    /* keys, constants and equalities determine the rest (manual: Detection of Functional
     * Dependence) */
    REFUSED(w, "SELECT id, b FROM t GROUP BY id", "ok");
    REFUSED(w, "SELECT b FROM t GROUP BY g", "ok");
    REFUSED(w, "SELECT a, COUNT(*) FROM t WHERE a = 5", "ok");
    REFUSED(w, "SELECT t.b, COUNT(*) FROM t JOIN u ON t.id = u.t_id GROUP BY u.id", "ok");
    REFUSED(
        w, "SELECT u.name, COUNT(*) FROM t JOIN u ON t.id = u.t_id GROUP BY t.id",
        "1055 Expression #1 of SELECT list is not in GROUP BY clause and contains nonaggregated "
        "column 'd.u.name' which is not functionally dependent on columns in GROUP BY clause; this "
        "is incompatible with sql_mode=only_full_group_by");
    REFUSED(w, "SELECT ANY_VALUE(b), a FROM t GROUP BY a", "ok");
    uint64_t mode = w->boot.vars.sql_mode;
    w->boot.vars.sql_mode &= ~(uint64_t)QL_MODE_ONLY_FULL_GROUP_BY;
    QUERY(w, "SELECT a, b FROM t GROUP BY a",
          "select $2:a $3:b from t group $2=$0:a agg $3=any $1:b");
    w->boot.vars.sql_mode = mode;
}

static void
ordering(void **state)
{
    world *w = *state;
    /* an alias comes before a column of that name */
    QUERY(w, "SELECT a AS b, b AS a FROM t ORDER BY a", "select $0:a $1:b from t order $1:b");
    QUERY(w, "SELECT a, b FROM t ORDER BY 2 DESC, 1",
          "select $0:a $1:b from t order $1:b desc order $0:a");
    QUERY(w, "SELECT a FROM t ORDER BY NULL, 'x'", "select $0:a from t");
    QUERY(w, "SELECT a FROM t UNION SELECT x FROM u ORDER BY a LIMIT 2",
          "[select $0:a from t union select $0:x from u] order $0:a limit 2");
    REFUSED(w, "SELECT a FROM t UNION SELECT x FROM u ORDER BY x",
            "1054 Unknown column 'x' in 'order clause'");
    REFUSED(w, "SELECT a AS z, b AS z FROM t ORDER BY z",
            "1052 Column 'z' in order clause is ambiguous");
}

static void
common_tables(void **state)
{
    world *w = *state;
    QUERY(w, "WITH q AS (SELECT id FROM t), r (z) AS (SELECT id + 1 FROM q) SELECT z FROM r",
          "select $0:z from (select (+ $0:id 1) from (select $0:id from t)q)r");
}

static void
parameters(void **state)
{
    world *w = *state;
    ql_rstmt *s;
    ql_value v[2] = {ql_value_int(5), ql_value_str(str("7"), ql_coll_default)};
    /* PREPARE: the columns are known, the values not */
    OK(resolve_params(w, "SELECT a, ? + 1 FROM t WHERE id = ? LIMIT 3", NULL, 0, &s));
    assert_int_equal(s->query->nitems, 2);
    assert_int_equal(s->query->items[0].expr->type.kind, QL_K_INT);
    /* EXECUTE: typed constants */
    OK(resolve_params(w, "SELECT a FROM t WHERE id = ? AND a = ?", v, 2, &s));
    printed[0] = 0;
    print_query(s->query);
    assert_string_equal(printed, "select $1:a from t where (and (= $0:id 5) (= $1:a 7))");
}

static void
sizes(void **state)
{
    world *w = *state;
    /* each CTE mentions the one before twice: 2^20 blocks if nobody counted */
    char sql[4096] = "WITH q0 AS (SELECT 1 AS a)";
    for (int i = 1; i <= 20; i++) {
        char part[128];
        snprintf(part, sizeof part, ", q%d AS (SELECT x.a FROM q%d x JOIN q%d y USING (a))", i,
                 i - 1, i - 1);
        strcat(sql, part);
    }
    strcat(sql, " SELECT a FROM q20");
    REFUSED(w, sql,
            "1235 This version of MySQL doesn't yet support 'statements of more than 4096 query "
            "blocks'");
}

static void
killed_while_resolving(void **state)
{
    world *w = *state;
    ql_rstmt *s;
    ql_intr_stmt_begin(&w->boot.intr, w->boot.cx.stmt_id);
    assert_true(ql_intr_raise(&w->boot.intr, QL_INTR_QUERY, 0));
    assert_int_equal(resolve_params(w, "SELECT a FROM t", NULL, 0, &s), QL_KILLED);
    assert_int_equal(ql_diag_error(w->boot.cx.diag)->number, 1317);
    ql_intr_stmt_end(&w->boot.intr);
    REFUSED(w, "SELECT a FROM t", "ok");
}

static void
privileges(void **state)
{
    world *w = *state;
    ql_account nobody = {.user = str("joe"), .host = str("%")};
    static const ql_view_column columns[] = {{"LETTER", 's', 1, 0}, {NULL, 0, 0, 0}};
    static const ql_virtual_table letters = {"information_schema", "LETTERS", columns, NULL};
    ql_acl_set_session(&w->boot.cx, &nobody);
    ql_rstmt *s;
    assert_int_equal(resolve_params(w, "SELECT a FROM t", NULL, 0, &s), QL_ERROR);
    assert_int_equal(ql_diag_error(w->boot.cx.diag)->number, 1142);
    assert_int_equal(resolve_params(w, "DELETE FROM t", NULL, 0, &s), QL_ERROR);
    assert_int_equal(ql_diag_error(w->boot.cx.diag)->number, 1142);
    OK(ql_catalog_add_views(&w->boot.cx, w->inst.catalog, &letters, 1));
    OK(resolve_params(w, "SELECT 1 FROM information_schema.letters", NULL, 0, &s));
    ql_acl_set_session(&w->boot.cx, &everything);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(grouping),
        cmocka_unit_test(only_full_group_by),
        cmocka_unit_test(ordering),
        cmocka_unit_test(common_tables),
        cmocka_unit_test(parameters),
        cmocka_unit_test(sizes),
        cmocka_unit_test(killed_while_resolving),
        cmocka_unit_test(privileges),
    };
    return cmocka_run_group_tests(tests, sql_setup, world_teardown);
}
