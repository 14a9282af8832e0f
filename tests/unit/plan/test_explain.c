/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of EXPLAIN: columns id, select_type, table, type, key, key_len, ref, Extra as the manual's
 * "EXPLAIN Output Format" names them.
 */
#include <stdio.h>

#include "base/buf.h"
#include "fixture.h"

static const char *
explain(world *w, const char *sql)
{
    static const int shown[] = {0, 1, 2, 4, 6, 7, 8, 11};
    const ql_block_plan *p = plan(w, sql);
    ql_value **rows;
    size_t n;
    OK(ql_explain_rows(&w->boot.cx, &(ql_explained){.plan = p, .kind = QL_S_SELECT}, &rows, &n));
    printed[0] = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < QL_ARRAY_LEN(shown); k++) {
            const ql_value *v = &rows[i][shown[k]];
            put(k ? "|" : "");
            if (v->kind == QL_K_STRING) {
                put("%.*s", (int)v->s.n, v->s.p);
            } else if (v->kind == QL_K_INT) {
                put("%lld", (long long)v->i);
            }
        }
        put("\n");
    }
    return printed;
}
#define EXPLAIN(w, sql, expected) assert_string_equal(explain(w, sql), expected)

static void
access_types(void **state)
{
    world *w = *state;
    EXPLAIN(w, "SELECT * FROM t WHERE id = 5", "1|SIMPLE|t|const|PRIMARY|4|const|\n");
    EXPLAIN(w, "SELECT * FROM t WHERE a = 5", "1|SIMPLE|t|ref|a|5|const|\n");
    EXPLAIN(w, "SELECT * FROM t WHERE id > 5", "1|SIMPLE|t|range|PRIMARY|4||\n");
    EXPLAIN(w, "SELECT * FROM t", "1|SIMPLE|t|ALL||||\n");
    EXPLAIN(w, "SELECT a FROM t", "1|SIMPLE|t|index|a|5||Using index\n");
    EXPLAIN(w, "SELECT * FROM u JOIN t ON t.id = u.t_id WHERE u.x = 4",
            "1|SIMPLE|u|ref|xn|5|const|\n1|SIMPLE|t|eq_ref|PRIMARY|4|d.u.t_id|\n");
    EXPLAIN(w, "SELECT 1", "1|SIMPLE||||||No tables used\n");
    EXPLAIN(w, "SELECT * FROM t WHERE 1 = 0", "1|SIMPLE||||||Impossible WHERE\n");
}

static void
extras(void **state)
{
    world *w = *state;
    EXPLAIN(w, "SELECT * FROM t WHERE b = 'x' ORDER BY b",
            "1|SIMPLE|t|ALL||||Using where; Using filesort\n");
    EXPLAIN(w, "SELECT b, COUNT(*) FROM t GROUP BY b", "1|SIMPLE|t|ALL||||Using temporary\n");
    EXPLAIN(w, "SELECT * FROM t JOIN nokey ON nokey.v = t.b",
            "1|SIMPLE|t|ALL||||\n1|SIMPLE|nokey|ALL||||Using join buffer (hash join)\n");
}

static void
several_blocks(void **state)
{
    world *w = *state;
    EXPLAIN(w, "SELECT * FROM nokey WHERE k IN (SELECT x FROM u)",
            "1|PRIMARY|nokey|ALL||||Using where\n2|SUBQUERY|u|index|xn|88||Using index\n");
    EXPLAIN(w, "SELECT * FROM nokey WHERE EXISTS (SELECT 1 FROM u WHERE u.id = nokey.k)",
            "1|PRIMARY|nokey|ALL||||Using where\n2|DEPENDENT SUBQUERY|u|eq_ref|PRIMARY|4|func|\n");
    EXPLAIN(w, "SELECT * FROM (SELECT COUNT(*) FROM nokey) s",
            "1|PRIMARY|<derived2>|ALL||||\n2|DERIVED|nokey|ALL||||\n");
    EXPLAIN(
        w, "SELECT k FROM nokey UNION SELECT 1",
        "1|PRIMARY|nokey|ALL||||\n2|UNION||||||No tables used\n3|UNION RESULT|<union1,2>|ALL||||"
        "Using temporary\n");
}

/* Subqueries and derived tables have the numbers of their SELECTs in the text. */
static void
numbers(void **state)
{
    world *w = *state;
    EXPLAIN(w, "SELECT (SELECT MAX(x) FROM u), s.k FROM (SELECT k FROM nokey) s",
            "1|PRIMARY|<derived3>|ALL||||\n3|DERIVED|nokey|ALL||||\n"
            "2|SUBQUERY||||||Select tables optimized away\n");
    EXPLAIN(
        w,
        "SELECT (SELECT 1 FROM nokey WHERE k = (SELECT MAX(id) FROM t)), k IN (SELECT x FROM "
        "u) FROM nokey",
        "1|PRIMARY|nokey|ALL||||\n2|SUBQUERY|nokey|ALL||||Using where\n"
        "3|SUBQUERY||||||Select tables optimized away\n4|SUBQUERY|u|index|xn|88||Using index\n");
}

static const char *
tree(world *w, const char *sql)
{
    static ql_buf b;
    const ql_block_plan *p = plan(w, sql);
    ql_buf_clear(&b);
    OK(ql_explain_tree(&w->boot.cx, &(ql_explained){.plan = p, .kind = QL_S_SELECT}, &b));
    OK(ql_buf_put_u8(&w->boot.cx, &b, 0));
    snprintf(printed, sizeof printed, "%s", b.p);
    ql_buf_free(&b);
    for (char *at; (at = strstr(printed, "  (cost="));) { /* not the figures */
        char *end = strchr(at, '\n');
        memmove(at, end, strlen(end) + 1);
    }
    return printed;
}
#define TREE(w, sql, expected) assert_string_equal(tree(w, sql), expected)

static void
expressions(void **state)
{
    world *w = *state;
    TREE(w,
         "SELECT 1 FROM nokey WHERE k + 1 > -k AND (v IS NULL OR v NOT LIKE 'a%') AND k IN (1, 2)",
         "-> Filter: (((nokey.k + 1) > -(nokey.k)) and ((nokey.v is null) or (nokey.v not like "
         "'a%')) and (nokey.k in (1,2)))\n    -> Table scan on nokey\n");
    TREE(w, "SELECT 1 FROM nokey WHERE CASE WHEN k = 1 THEN v ELSE 'x' END = UPPER(v)",
         "-> Filter: ((case when (nokey.k = 1) then nokey.v else 'x' end) = upper(nokey.v))\n"
         "    -> Table scan on nokey\n");
    TREE(w, "SELECT v, COUNT(*) FROM nokey GROUP BY v HAVING SUM(k) > 3 OR v = 'x'",
         "-> Filter: ((sum(nokey.k) > 3) or (nokey.v = 'x'))\n"
         "    -> Table scan on <temporary>\n        -> Aggregate using temporary table\n"
         "            -> Table scan on nokey\n");
    TREE(w, "SELECT 1 FROM t WHERE id BETWEEN 3 AND 8 AND NOT (b <=> 'y')",
         "-> Filter: not((t.b <=> 'y'))\n"
         "    -> Index range scan on t using PRIMARY over (3 <= id <= 8)\n");
}

/* Killed at each checkpoint of its own: 1317 or the whole. */
static void
kills(void **state)
{
    world *w = *state;
    const char *sql =
        "SELECT (SELECT MAX(x) FROM u WHERE u.id = nokey.k) FROM nokey JOIN t ON t.b = v";
    const ql_block_plan *p = plan(w, sql);
    ql_ctx *cx = &w->boot.cx;
    ql_buf b = {0};
    ql_explained e = {.plan = p, .kind = QL_S_SELECT};
    OK(ql_explain_json(cx, &e, &b));
    size_t whole = b.n;
    ql_buf_clear(&b);
    int killed = 0;
    for (uint64_t at = 1;; at++) {
        ql_intr_arm_kill(cx->intr, at, QL_INTR_QUERY);
        ql_intr_stmt_begin(cx->intr, 7);
        ql_status st = ql_explain_json(cx, &e, &b);
        ql_intr_stmt_end(cx->intr);
        if (st == QL_OK) {
            break;
        }
        assert_int_equal(st, QL_KILLED);
        ql_diag_reset(cx->diag);
        ql_buf_clear(&b);
        killed++;
    }
    assert_true(killed > 0);
    assert_int_equal(b.n, whole);
    ql_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_types),   cmocka_unit_test(extras),
        cmocka_unit_test(several_blocks), cmocka_unit_test(numbers),
        cmocka_unit_test(expressions),    cmocka_unit_test(kills),
    };
    return cmocka_run_group_tests(tests, plan_setup, world_teardown);
}
