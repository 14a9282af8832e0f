/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolving and planning when the n-th allocation fails or the n-th checkpoint says stop, for every
 * n: an error and nothing else, and the next try works.
 */
#include "base/buf.h"
#include "fixture.h"
#include "rewrite/rewrite.h"

static const char *const statements[] = {
    "SELECT a, COUNT(*), SUM(c), GROUP_CONCAT(b ORDER BY id) FROM t WHERE d > '2024-01-01 "
    "10:00:00' AND "
    "a IN (3, 1, '2') AND b LIKE 'x%' GROUP BY a HAVING COUNT(*) > 1 ORDER BY 2 DESC, a LIMIT 10",
    "SELECT t.*, u.name, IF(t.a, 1, 2.5), COALESCE(t.b, 'x'), CASE u.x WHEN 1 THEN 'a' ELSE t.b "
    "END "
    "FROM t LEFT JOIN u ON u.t_id = t.id AND u.x > 3 WHERE (t.id, t.a) IN ((1, 2), (3, 4)) OR u.x "
    "IS NULL",
    "WITH q (z) AS (SELECT id FROM t UNION SELECT NULL) SELECT z, (SELECT MAX(x) FROM u WHERE t_id "
    "= z) "
    "FROM q WHERE EXISTS (SELECT 1 FROM nokey WHERE k = z) AND z NOT IN (SELECT x FROM u) ORDER BY "
    "1",
    "SELECT d + INTERVAL 1 DAY, NOW(3), CONCAT(a, b), CAST(b AS DECIMAL(8,3)), NOT (1 AND NULL), "
    "-a "
    "FROM t JOIN u USING (id) NATURAL JOIN nokey WHERE a BETWEEN 1 AND 1 + 2 ORDER BY t.id DESC",
    "UPDATE t JOIN u ON u.t_id = t.id SET t.a = u.x + 1, u.name = DEFAULT WHERE t.d = '2024-01-01'",
    "INSERT INTO u (id, x) VALUES (1, 2 * 3), (2, DEFAULT) ON DUPLICATE KEY UPDATE x = VALUES(x) + "
    "x",
    "DELETE FROM t WHERE a < 3 AND id > (SELECT MIN(id) FROM u) ORDER BY id LIMIT 5",
    "SELECT q.id, q.z, v.n FROM (SELECT id, a + 1 AS z FROM t WHERE a > 2 ORDER BY b) AS q LEFT "
    "JOIN "
    "(SELECT t_id, COUNT(*) AS n FROM u GROUP BY t_id) AS v ON v.t_id = q.id WHERE q.id IN (SELECT "
    "x FROM u WHERE name = 'x') AND NOT EXISTS (SELECT 1 FROM nokey JOIN u ON u.id = k WHERE "
    "u.t_id = q.id) AND q.id = 5",
    "SELECT DISTINCT t.id FROM t LEFT JOIN u ON u.id = t.a JOIN nokey ON nokey.k = t.a JOIN nokey "
    "AS o ON o.k = nokey.k LEFT JOIN u AS w ON w.t_id = t.id WHERE w.x > 3 AND t.id IN (1)",
    "SELECT * FROM (SELECT id, 1 AS k FROM t UNION SELECT x, 2 FROM u) AS d WHERE k = 2 AND id > 5",
};

static ql_status
resolve_and_plan(world *w, const ql_ast_stmt *ast)
{
    ql_rstmt *s;
    ql_block_plan *p;
    ql_value **rows;
    size_t n;
    ql_status st = ql_resolve(&w->boot.cx, ast, NULL, 0, &s);
    if (st != QL_OK) {
        return st;
    }
    st = ql_rewrite_stmt(&w->boot.cx, s, NULL);
    if (st != QL_OK || s->kind == QL_S_INSERT) {
        return st;
    }
    const ql_query *q = s->kind == QL_S_SELECT ? s->query : s->update->read;
    st = ql_plan_query(&w->boot.cx, q, &p);
    if (st != QL_OK) {
        return st;
    }
    ql_explained e = {.plan = p, .kind = s->kind};
    ql_buf text = {0};
    st = ql_explain_rows(&w->boot.cx, &e, &rows, &n);
    st = st == QL_OK ? ql_explain_tree(&w->boot.cx, &e, &text) : st;
    st = st == QL_OK ? ql_explain_json(&w->boot.cx, &e, &text) : st;
    ql_buf_free(&text);
    return st;
}

static const ql_ast_stmt *
parse(world *w, const char *sql)
{
    ql_ast_stmt *ast;
    size_t used;
    ql_parse_mode mode = {.literal_coll = ql_coll_default};
    fresh(w);
    OK(ql_parse(&w->boot.cx, w->boot.cx.arena, str(sql), &mode, &ast, &used));
    return ast;
}

static void
failing_allocations(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < QL_ARRAY_LEN(statements); i++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            const ql_ast_stmt *ast = parse(w, statements[i]);
            w->boot.cx.mem_allocs = 0;
            w->boot.cx.mem_fail_at = n;
            ql_status st = resolve_and_plan(w, ast);
            done = w->boot.cx.mem_allocs < n;
            w->boot.cx.mem_fail_at = 0;
            if (st == QL_OK && !done) {
                fail_msg("%s: allocation %llu failed unnoticed", statements[i],
                         (unsigned long long)n);
            }
            if (!done) {
                assert_int_equal(st, QL_ERROR);
                assert_int_equal(ql_diag_error(w->boot.cx.diag)->number, 1037);
            } else {
                OK(st);
            }
        }
    }
}

static void
kills(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < QL_ARRAY_LEN(statements); i++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            const ql_ast_stmt *ast = parse(w, statements[i]);
            w->boot.cx.stmt_id++;
            ql_intr_arm_kill(&w->boot.intr, n, QL_INTR_QUERY);
            ql_intr_stmt_begin(&w->boot.intr, w->boot.cx.stmt_id);
            ql_status st = resolve_and_plan(w, ast);
            ql_intr_stmt_end(&w->boot.intr);
            done = w->boot.intr.stmt_checkpoints < n;
            if (done) {
                OK(st);
            } else {
                assert_int_equal(st, QL_KILLED);
                assert_int_equal(ql_diag_error(w->boot.cx.diag)->number, 1317);
            }
        }
        ql_intr_arm_kill(&w->boot.intr, 0, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_allocations),
        cmocka_unit_test(kills),
    };
    return cmocka_run_group_tests(tests, plan_setup, world_teardown);
}
