/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of EXPLAIN: columns id, select_type, table, type, key, key_len, ref, Extra as the manual's
 * "EXPLAIN Output Format" names them.
 */
#include "fixture.h"

static const char *
explain(world *w, const char *sql)
{
    static const int shown[] = {0, 1, 2, 4, 6, 7, 8, 11};
    const ql_block_plan *p = plan(w, sql);
    ql_value **rows;
    size_t n;
    OK(ql_plan_explain(&w->boot.cx, p, &rows, &n));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_types),
        cmocka_unit_test(extras),
        cmocka_unit_test(several_blocks),
    };
    return cmocka_run_group_tests(tests, plan_setup, world_teardown);
}
