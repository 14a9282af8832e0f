/* SPDX-License-Identifier: Apache-2.0
 *
 * Views: what is kept of a query, what becomes of it where the view is mentioned, what can be
 * changed through it. Which views are merged and updatable: MySQL's manual, "View Processing
 * Algorithms", "Updatable and Insertable Views".
 */
#include "fixture.h"

static ql_view_spec spec; /* of the last one */

/* The text that is kept; or "1054 Unknown column ...". */
static const char *
text_of(world *w, const char *sql)
{
    static char text[2048];
    ql_ast_stmt *s;
    size_t used;
    bool given_up;
    ql_parse_mode mode = {.literal_coll = ql_coll_default};
    fresh(w);
    OK(ql_parse(&w->boot.cx, w->boot.cx.arena, str(sql), &mode, &s, &used));
    spec = (ql_view_spec){.db = str("d"), .name = s->view->name.name};
    spec.def.coll_connection = ql_coll_default;
    spec.def.cs_client = ql_coll_default->charset;
    spec.def.definer_user = spec.def.definer_host = str("");
    spec.def.invoker = true;
    if (ql_resolve_view(&w->boot.cx, s, &spec, &given_up) == QL_OK) {
        snprintf(text, sizeof text, "%.*s", (int)spec.def.query.n, spec.def.query.p);
    } else {
        const ql_condition *c = ql_diag_error(w->boot.cx.diag);
        snprintf(text, sizeof text, "%u %s", c->number, c->text);
    }
    return text;
}

static void
make(world *w, const char *sql)
{
    (void)text_of(w, sql);
    begin(&w->boot);
    OK(ql_catalog_put_view(&w->boot.cx, &spec, NULL));
    commit(&w->boot);
}

static void
texts(void **state)
{
    world *w = *state;
    assert_string_equal(text_of(w, "CREATE VIEW x AS SELECT * FROM nokey"),
                        "select `d`.`nokey`.`k` AS `k`,`d`.`nokey`.`v` AS `v` from `d`.`nokey`");
    assert_string_equal(
        text_of(w, "CREATE VIEW x AS SELECT q.*, 1+1 FROM nokey q WHERE k > 1 ORDER BY v"),
        "select `q`.`k` AS `k`,`q`.`v` AS `v`,(1 + 1) AS `1+1` from `d`.`nokey` `q` "
        "where (`q`.`k` > 1) order by `v`");
    assert_string_equal(text_of(w, "CREATE VIEW x AS SELECT t.id, x FROM t JOIN u USING (id)"),
                        "select `d`.`t`.`id` AS `id`,`d`.`u`.`x` AS `x` from (`d`.`t` join "
                        "`d`.`u` on((`d`.`t`.`id` = `d`.`u`.`id`)))");
    assert_string_equal(
        text_of(
            w,
            "CREATE VIEW x AS SELECT id FROM t o WHERE EXISTS (SELECT 1 FROM u WHERE t_id = o.id)"),
        "select `o`.`id` AS `id` from `d`.`t` `o` where exists(select 1 AS `1` from `d`.`u` "
        "where (`d`.`u`.`t_id` = `o`.`id`))");
    assert_string_equal(text_of(w, "CREATE VIEW x AS SELECT nothing FROM t"),
                        "1054 Unknown column 'nothing' in 'field list'");
    assert_string_equal(text_of(w, "CREATE VIEW x AS SELECT a, @v FROM t"),
                        "1351 View's SELECT contains a variable or parameter");
}

static void
what_can_be_changed(void **state)
{
    world *w = *state;
    static const struct {
        const char *sql;
        ql_view_rows_of rows;
    } list[] = {
        {"CREATE VIEW x AS SELECT a FROM t WHERE a > 1 ORDER BY a", QL_VIEW_OF_TABLE},
        {"CREATE VIEW x AS SELECT a + 1 FROM t", QL_VIEW_OF_TABLE},
        {"CREATE VIEW x AS SELECT t.a FROM t JOIN u ON t.id = u.id", QL_VIEW_OF_JOIN},
        {"CREATE VIEW x AS SELECT t.a FROM t LEFT JOIN u ON t.id = u.id", QL_VIEW_READ_ONLY},
        {"CREATE VIEW x AS SELECT DISTINCT a FROM t", QL_VIEW_READ_ONLY},
        {"CREATE VIEW x AS SELECT a FROM t LIMIT 1", QL_VIEW_READ_ONLY},
        {"CREATE VIEW x AS SELECT MAX(a) FROM t", QL_VIEW_READ_ONLY},
        {"CREATE VIEW x AS SELECT a FROM t UNION SELECT 1", QL_VIEW_READ_ONLY},
        {"CREATE VIEW x AS SELECT a FROM (SELECT a FROM t) AS q", QL_VIEW_READ_ONLY},
        {"CREATE VIEW x AS SELECT 1", QL_VIEW_READ_ONLY},
        {"CREATE ALGORITHM = TEMPTABLE VIEW x AS SELECT a FROM t", QL_VIEW_READ_ONLY},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(list); i++) {
        (void)text_of(w, list[i].sql);
        if (spec.def.updatable != list[i].rows) {
            print_message("%s\n", list[i].sql);
        }
        assert_int_equal(spec.def.updatable, list[i].rows);
    }
}

static void
merged(void **state)
{
    world *w = *state;
    make(w, "CREATE VIEW low (one, two) AS SELECT a, b FROM t WHERE id < 10");
    make(w, "CREATE VIEW lower AS SELECT two AS name, one FROM low WHERE one > 3");
    make(w, "CREATE VIEW sums AS SELECT b, COUNT(*) AS n FROM t GROUP BY b");
    /* The table stands in the view's place, with the conditions of all levels. */
    ql_query *q = resolve(w, "SELECT name FROM lower x WHERE one = 5")->query;
    assert_int_equal(q->nsources, 1);
    assert_string_equal(q->sources[0].table->name.p, "t");
    assert_null(q->sources[0].derived);
    QUERY(w, "SELECT name FROM lower x WHERE one = 5",
          "select $2:name from x where (and (and (> $0:one 3) (< $1:id 10)) (= $0:one 5))");
    /* On the inner side of an outer join they are conditions of the join. */
    q = resolve(w, "SELECT u.id FROM u LEFT JOIN low ON low.one = u.x WHERE u.id = 1")->query;
    assert_non_null(q->from->on);
    assert_true(q->where->kind == QL_E_OP && q->where->op == QL_OP_EQ);
    assert_true(q->from->on->op == QL_OP_AND);
    /* What groups stays a query of its own. */
    q = resolve(w, "SELECT n FROM sums")->query;
    assert_non_null(q->sources[0].derived);
    REFUSED(w, "SELECT a FROM low", "1054 Unknown column 'a' in 'field list'");
    REFUSED(w, "SELECT low.id FROM low", "1054 Unknown column 'low.id' in 'field list'");
}

static void
changed_through(void **state)
{
    world *w = *state;
    ql_rupdate *u = resolve(w, "UPDATE lower SET name = 'x' WHERE one = 4")->update;
    assert_string_equal(u->read->sources[u->targets[0]].table->name.p, "t");
    assert_int_equal(u->set[0][0].column, 2); /* b */
    ql_rinsert *i = resolve(w, "INSERT IGNORE INTO low VALUES (1, 'x')")->insert;
    assert_string_equal(i->table->name.p, "t");
    assert_int_equal(i->columns[0], 1);
    assert_int_equal(i->columns[1], 2);
    REFUSED(w, "UPDATE sums SET n = 1",
            "1288 The target table sums of the UPDATE is not updatable");
    REFUSED(w, "DELETE FROM sums", "1288 The target table sums of the DELETE is not updatable");
    REFUSED(w, "INSERT INTO sums VALUES (1, 1)",
            "1471 The target table sums of the INSERT is not insertable-into");
    REFUSED(w, "UPDATE low SET a = 1", "1054 Unknown column 'a' in 'field list'");
    /* Of CASCADED both conditions count. */
    make(w, "CREATE VIEW checked AS SELECT one FROM low WHERE one <> 7 WITH CHECK OPTION");
    u = resolve(w, "UPDATE checked SET one = 1")->update;
    assert_true(u->checks[0].cond->op == QL_OP_AND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(what_can_be_changed),
        cmocka_unit_test(merged),
        cmocka_unit_test(changed_through),
    };
    return cmocka_run_group_tests(tests, sql_setup, world_teardown);
}
