/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: what they mean and the errors when they mean nothing or too much. Numbers and texts are
 * those of the MySQL manual's error reference.
 */
#include "fixture.h"

static void
unknown_and_ambiguous(void **state)
{
    world *w = *state;
    REFUSED(w, "SELECT x FROM t", "1054 Unknown column 'x' in 'field list'");
    REFUSED(w, "SELECT t.x FROM t", "1054 Unknown column 't.x' in 'field list'");
    REFUSED(w, "SELECT nope.a FROM t", "1054 Unknown column 'nope.a' in 'field list'");
    REFUSED(w, "SELECT a FROM t WHERE x = 1", "1054 Unknown column 'x' in 'where clause'");
    REFUSED(w, "SELECT a FROM t GROUP BY x", "1054 Unknown column 'x' in 'group statement'");
    REFUSED(w, "SELECT a FROM t ORDER BY x", "1054 Unknown column 'x' in 'order clause'");
    REFUSED(w, "SELECT a FROM t HAVING b > 1", "1054 Unknown column 'b' in 'having clause'");
    REFUSED(w, "SELECT 1 FROM t JOIN u ON t.id = u.nope",
            "1054 Unknown column 'u.nope' in 'on clause'");
    REFUSED(w, "SELECT 1 FROM t, u JOIN nokey ON nokey.k = t.id",
            "1054 Unknown column 't.id' in 'on clause'");
    REFUSED(w, "SELECT id FROM t, u", "1052 Column 'id' in field list is ambiguous");
    REFUSED(w, "SELECT 1 FROM t, u WHERE id = 1", "1052 Column 'id' in where clause is ambiguous");
    REFUSED(w, "SELECT a AS x FROM t WHERE x > 1", "1054 Unknown column 'x' in 'where clause'");
    REFUSED(w, "SELECT a FROM t ORDER BY 2", "1054 Unknown column '2' in 'order clause'");
    REFUSED(w, "SELECT a FROM t GROUP BY 2", "1054 Unknown column '2' in 'group statement'");
}

static void
tables(void **state)
{
    world *w = *state;
    REFUSED(w, "SELECT 1 FROM nope", "1146 Table 'd.nope' doesn't exist");
    REFUSED(w, "SELECT 1 FROM x.t", "1049 Unknown database 'x'");
    REFUSED(w, "SELECT 1 FROM t, t", "1066 Not unique table/alias: 't'");
    REFUSED(w, "SELECT 1 FROM t a, u a", "1066 Not unique table/alias: 'a'");
    REFUSED(w, "SELECT nope.* FROM t", "1051 Unknown table 'nope'");
    REFUSED(w, "SELECT *", "1096 No tables used");
    REFUSED(w, "SELECT * FROM (SELECT 1)", "1248 Every derived table must have its own alias");
    REFUSED(w, "SELECT 1 FROM (SELECT 1 AS a, 2 AS a) x", "1060 Duplicate column name 'a'");
    REFUSED(w, "WITH q (a, b) AS (SELECT 1) SELECT * FROM q",
            "1353 In definition of view, derived table or common table expression, SELECT list and "
            "column names list have different column counts");
    REFUSED(w, "WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r",
            "1235 This version of MySQL doesn't yet support 'WITH RECURSIVE'");
}

static void
functions(void **state)
{
    world *w = *state;
    REFUSED(w, "SELECT foo(1)", "1305 FUNCTION d.foo does not exist");
    REFUSED(w, "SELECT JSON_SCHEMA_VALID('{}', '{}')",
            "1235 This version of MySQL doesn't yet support 'JSON_SCHEMA_VALID'");
    REFUSED(w, "SELECT CONCAT()",
            "1582 Incorrect parameter count in the call to native function 'CONCAT'");
    REFUSED(w, "SELECT abs(1, 2)",
            "1582 Incorrect parameter count in the call to native function 'abs'");
    REFUSED(w, "SELECT NOW(7)", "1426 Too-big precision 7 specified for 'NOW'. Maximum is 6");
    REFUSED(w, "SELECT @@nope", "1193 Unknown system variable 'nope'");
}

static void
columns_of_operands(void **state)
{
    world *w = *state;
    REFUSED(w, "SELECT (1,2)", "1241 Operand should contain 1 column(s)");
    REFUSED(w, "SELECT (1,2) = (1,2,3)", "1241 Operand should contain 2 column(s)");
    REFUSED(w, "SELECT (SELECT 1, 2)", "1241 Operand should contain 1 column(s)");
    REFUSED(w, "SELECT 1 IN (SELECT 1, 2)", "1241 Operand should contain 1 column(s)");
    REFUSED(w, "SELECT 1 + (SELECT 1, 2)", "1241 Operand should contain 1 column(s)");
    REFUSED(w, "SELECT 1 UNION SELECT 1, 2",
            "1222 The used SELECT statements have a different number of columns");
    REFUSED(w, "SELECT 1 FROM t WHERE d = 'abc'", "1525 Incorrect DATE value: 'abc'");
}

static void
joined_columns_are_named_once(void **state)
{
    world *w = *state;
    QUERY(w, "SELECT id FROM t JOIN u USING (id)",
          "select $0:id from (t join u on (= $0:id $1:id))");
    QUERY(w, "SELECT id FROM t RIGHT JOIN u USING (id)",
          "select $1:id from (u left t on (= $0:id $1:id))");
    const ql_query *q = resolve(w, "SELECT * FROM u NATURAL JOIN t")->query;
    assert_int_equal(q->nitems, 4 + 10 - 1);
    assert_string_equal(q->items[0].column.name.p, "id");
    REFUSED(w, "SELECT 1 FROM t JOIN u USING (nope)",
            "1054 Unknown column 'nope' in 'from clause'");
}

static void
outer_names(void **state)
{
    world *w = *state;
    QUERY(w, "SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.x = a)",
          "select 1 from t where (exists select 1 from u where (= $0:x ^1$0))");
    QUERY(
        w,
        "SELECT 1 FROM t WHERE a IN (SELECT x FROM u WHERE 1 = (SELECT k FROM nokey WHERE k = a))",
        "select 1 from t where (in $0:a select $0:x from u where (= 1 (query select $0:k from "
        "nokey where (= $0:k ^2$0))))");
    /* the inner column hides the outer one */
    QUERY(w, "SELECT (SELECT MAX(id) FROM u) FROM t",
          "select (query select $1 from u agg $1=max $0:id) from t");
    assert_false(resolve(w, "SELECT (SELECT MAX(id) FROM u) FROM t")
                     ->query->items[0]
                     .expr->query->correlated);
    /* a derived table does not see its neighbours, but it sees what is outside */
    REFUSED(w, "SELECT 1 FROM t, (SELECT t.a AS z) s", "1054 Unknown column 't.a' in 'field list'");
    const ql_query *q =
        resolve(w, "SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM (SELECT t.a AS z) s)")->query;
    assert_true(q->where->query->correlated);
    assert_true(q->where->query->sources[0].derived->correlated);
}

static void
result_columns(void **state)
{
    world *w = *state;
    const ql_query *q =
        resolve(w, "SELECT t.ID, a+1, b AS x, COUNT(*) FROM d.t GROUP BY id")->query;
    const ql_result_column *c = &q->items[0].column;
    assert_int_equal(c->name.n, 2);
    assert_memory_equal(c->name.p, "ID", 2);
    assert_memory_equal(q->items[1].column.name.p, "a+1", 3);
    assert_memory_equal(q->items[2].column.name.p, "x", 1);
    q = resolve(w, "SELECT id, g, a FROM t AS z")->query;
    c = &q->items[0].column;
    assert_memory_equal(c->table.p, "z", 1);
    assert_memory_equal(c->org_table.p, "t", 1);
    assert_memory_equal(c->org_name.p, "id", 2);
    assert_true(c->flags & QL_CF_PRI_KEY);
    assert_true(c->flags & QL_CF_NOT_NULL);
    assert_true(c->flags & QL_CF_AUTO_INCREMENT);
    assert_true(q->items[1].column.flags & QL_CF_UNIQUE_KEY);
    assert_true(q->items[2].column.flags & QL_CF_MULTIPLE_KEY);
    assert_false(q->items[2].column.flags & QL_CF_NOT_NULL);
    q = resolve(w, "SELECT t.id FROM u LEFT JOIN t ON t.id = u.t_id")->query;
    assert_false(q->items[0].column.flags & QL_CF_NOT_NULL);
}

static void
kill_and_set(void **state)
{
    world *w = *state;
    REFUSED(w, "KILL foo", "1054 Unknown column 'foo' in 'field list'");
    REFUSED(w, "KILL (1, 2)", "1241 Operand should contain 1 column(s)");
    REFUSED(w, "KILL MAX(1)", "1111 Invalid use of group function");
    assert_int_equal(resolve(w, "KILL QUERY CONNECTION_ID()")->exprs.v[0]->fn, QL_FN_CONNECTION_ID);
    assert_int_equal(resolve(w, "KILL (SELECT MAX(id) FROM t)")->exprs.v[0]->kind, QL_E_SUBQUERY);
    assert_int_equal(resolve(w, "KILL @a")->exprs.v[0]->kind, QL_E_USERVAR);
    REFUSED(w, "SET @a = foo", "1054 Unknown column 'foo' in 'field list'");
    const ql_rstmt *s = resolve(w, "SET autocommit = ON, @a = 1 + 2, sql_mode = DEFAULT");
    assert_int_equal(s->exprs.n, 3);
    assert_int_equal(s->exprs.v[0]->value.kind, QL_K_STRING);
    assert_int_equal(s->exprs.v[1]->value.i, 3);
    assert_null(s->exprs.v[2]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_and_ambiguous),
        cmocka_unit_test(tables),
        cmocka_unit_test(functions),
        cmocka_unit_test(columns_of_operands),
        cmocka_unit_test(joined_columns_are_named_once),
        cmocka_unit_test(outer_names),
        cmocka_unit_test(result_columns),
        cmocka_unit_test(kill_and_set),
    };
    return cmocka_run_group_tests(tests, sql_setup, world_teardown);
}
