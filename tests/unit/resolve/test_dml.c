/* SPDX-License-Identifier: Apache-2.0
 *
 * INSERT, REPLACE, UPDATE, DELETE.
 */
#include "fixture.h"

static const char *
expr_text(const ql_expr *e)
{
    printed[0] = 0;
    print_expr(e);
    return printed;
}

static void
insert_values(void **state)
{
    world *w = *state;
    const ql_rinsert *i =
        resolve(w, "INSERT INTO t (g, a, b) VALUES (1+2, DEFAULT, 'x'), (4, NULL, 5)")->insert;
    assert_int_equal(i->ncolumns, 3);
    assert_int_equal(i->columns[0], 7);
    assert_int_equal(i->columns[1], 1);
    assert_int_equal(i->nrows, 2);
    assert_string_equal(expr_text(i->rows[0][0]), "3");
    assert_string_equal(expr_text(i->rows[0][1]), "default:1");
    assert_string_equal(expr_text(i->rows[1][2]), "5");
    i = resolve(w, "INSERT INTO nokey VALUES (1, 'a')")->insert;
    assert_int_equal(i->ncolumns, 2);
    i = resolve(w, "INSERT INTO t VALUES ()")->insert;
    assert_int_equal(i->ncolumns, 0);
    assert_int_equal(i->nrows, 1);
    i = resolve(w, "REPLACE INTO u SET id = 1, x = DEFAULT")->insert;
    assert_true(i->replace);
    assert_int_equal(i->columns[1], 2);
}

static void
insert_duplicates(void **state)
{
    world *w = *state;
    const ql_rinsert *i =
        resolve(w, "INSERT INTO u (id, x) VALUES (1, 2) ON DUPLICATE KEY UPDATE x = VALUES(x) + x, "
                   "name = DEFAULT")
            ->insert;
    assert_int_equal(i->non_duplicate, 2);
    assert_int_equal(i->on_duplicate[0].column, 2);
    assert_string_equal(expr_text(i->on_duplicate[0].value), "(+ values:2 $2:x)");
    assert_string_equal(expr_text(i->on_duplicate[1].value), "default:3");
}

static void
insert_select(void **state)
{
    world *w = *state;
    const ql_rinsert *i = resolve(w, "INSERT INTO u (id, x) SELECT id, a FROM t")->insert;
    assert_non_null(i->select);
    assert_int_equal(i->nrows, 0);
    REFUSED(w, "INSERT INTO u (id, x) SELECT id FROM t",
            "1136 Column count doesn't match value count at row 1");
}

static void
insert_errors(void **state)
{
    world *w = *state;
    REFUSED(w, "INSERT INTO t (a, nope) VALUES (1, 2)",
            "1054 Unknown column 'nope' in 'field list'");
    REFUSED(w, "INSERT INTO t (a, a) VALUES (1, 2)", "1110 Column 'a' specified twice");
    REFUSED(w, "INSERT INTO t (a, b) VALUES (1, 2), (3)",
            "1136 Column count doesn't match value count at row 2");
    REFUSED(w, "INSERT INTO nokey VALUES (1)",
            "1136 Column count doesn't match value count at row 1");
    REFUSED(w, "INSERT INTO nope VALUES (1)", "1146 Table 'd.nope' doesn't exist");
}

static void
update_one(void **state)
{
    world *w = *state;
    const ql_rupdate *u =
        resolve(w, "UPDATE t SET a = a + 1, b = DEFAULT WHERE id = 3 ORDER BY a LIMIT 2")->update;
    assert_int_equal(u->ntargets, 1);
    assert_int_equal(u->nset[0], 2);
    assert_int_equal(u->set[0][0].column, 1);
    assert_string_equal(expr_text(u->set[0][0].value), "(+ $1:a 1)");
    assert_string_equal(expr_text(u->set[0][1].value), "default:2");
    assert_int_equal(u->read->sources[0].ncols, 10); /* every column of a target */
    assert_int_equal(u->read->norder, 1);
    assert_non_null(u->read->limit);
}

static void
update_several(void **state)
{
    world *w = *state;
    const ql_rupdate *u =
        resolve(w, "UPDATE t JOIN u ON u.t_id = t.id SET t.a = u.x, u.name = t.b")->update;
    assert_int_equal(u->ntargets, 2);
    assert_int_equal(u->targets[0], 0);
    assert_int_equal(u->targets[1], 1);
    u = resolve(w, "UPDATE t JOIN u ON u.t_id = t.id SET u.x = 1")->update;
    assert_int_equal(u->ntargets, 1);
    assert_int_equal(u->targets[0], 1);
    REFUSED(w, "UPDATE t, (SELECT 1 AS z) s SET s.z = 1",
            "1288 The target table s of the UPDATE is not updatable");
    REFUSED(w, "UPDATE t SET nope = 1", "1054 Unknown column 'nope' in 'field list'");
}

static void
deletes(void **state)
{
    world *w = *state;
    const ql_rupdate *d = resolve(w, "DELETE FROM t WHERE a < 3 ORDER BY id LIMIT 5")->update;
    assert_int_equal(d->ntargets, 1);
    d = resolve(w, "DELETE u FROM t JOIN u ON u.t_id = t.id WHERE t.a = 1")->update;
    assert_int_equal(d->ntargets, 1);
    assert_int_equal(d->targets[0], 1);
    d = resolve(w, "DELETE t, u FROM t JOIN u ON u.t_id = t.id")->update;
    assert_int_equal(d->ntargets, 2);
    REFUSED(w, "DELETE x FROM t", "1109 Unknown table 'x' in MULTI DELETE");
}

/* The target may not be read in a subquery, but in a derived table (manual: UPDATE, subqueries). */
static void
target_in_subquery(void **state)
{
    world *w = *state;
    REFUSED(w, "UPDATE t SET a = (SELECT MAX(a) FROM t)",
            "1093 You can't specify target table 't' for update in FROM clause");
    REFUSED(w, "DELETE FROM t WHERE id IN (SELECT id FROM t)",
            "1093 You can't specify target table 't' for update in FROM clause");
    REFUSED(w, "DELETE FROM t WHERE id IN (SELECT id FROM (SELECT id FROM t) s)", "ok");
    REFUSED(w, "UPDATE t SET a = (SELECT MAX(x) FROM u)", "ok");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(insert_values), cmocka_unit_test(insert_duplicates),
        cmocka_unit_test(insert_select), cmocka_unit_test(insert_errors),
        cmocka_unit_test(update_one),    cmocka_unit_test(update_several),
        cmocka_unit_test(deletes),       cmocka_unit_test(target_in_subquery),
    };
    return cmocka_run_group_tests(tests, sql_setup, world_teardown);
}
