/* SPDX-License-Identifier: Apache-2.0
 *
 * Who refers to a table, as the own session and as others see it; definitions that follow when the
 * table at the other end changes, in one commit; what is told of it in the parent's record.
 */
#include "../lib/world.h"
#include "catalog/catalog_int.h"
#include "catalog/foreign.h"

static ql_column columns[2];
static ql_index indexes[2];
static ql_index_part parts[2];
static ql_foreign_key foreign;
static uint16_t own;
static ql_str referred;

/* d.name (id INT PRIMARY KEY, n INT, KEY k (n)), with FOREIGN KEY (n) REFERENCES d.parent (id)
 * unless that is empty. */
static ql_table_spec
spec_of(const char *name, const char *parent)
{
    columns[0] = int_column("id", false);
    columns[1] = int_column("n", true);
    parts[0] = (ql_index_part){.column = 0};
    parts[1] = (ql_index_part){.column = 1};
    indexes[0] = (ql_index){.parts = &parts[0], .nparts = 1, .primary = true};
    indexes[1] = (ql_index){.name = str("k"), .parts = &parts[1], .nparts = 1};
    own = 1;
    referred = str("id");
    foreign = (ql_foreign_key){.name = str("fk"),
                               .ncolumns = 1,
                               .columns = &own,
                               .parent_db = str("d"),
                               .parent_name = str(parent),
                               .parent_columns = &referred};
    return (ql_table_spec){.db = str("d"),
                           .name = str(name),
                           .columns = columns,
                           .ncolumns = 2,
                           .indexes = indexes,
                           .nindexes = 2,
                           .foreign = &foreign,
                           .nforeign = *parent ? 1 : 0};
}

static void
make(sess *s, const char *name, const char *parent)
{
    ql_table_spec spec = spec_of(name, parent);
    OK(ql_catalog_create_table(&s->cx, &spec));
}

static size_t
children(sess *s, const char *name)
{
    ql_child *v;
    size_t n;
    OK(ql_catalog_children(&s->cx, s->cx.arena, str("d"), str(name), &v, &n));
    for (size_t i = 0; i < n; i++) {
        assert_true(ql_foreign_refers_to(v[i].key, str("d"), str(name)));
    }
    return n;
}

/* Section 33 of the table's record as it is stored. */
static bool
record_tells(sess *s, const char *name)
{
    ql_kv_snap *snap;
    ql_buf key = {0};
    ql_str v, sections;
    bool found = false;
    OK(qli_object_key(&s->cx, &key, str("d"), QLI_SPACE_TABLE, str(name)));
    OK(ql_kv_snap_begin(&s->cx, s->cx.inst->kv, &snap));
    OK(ql_kv_get(&s->cx, snap, qli_buf_str(&key), &v));
    assert_true(ql_record_open(v, QL_REC_TABLE, &sections));
    for (ql_section x; ql_section_next(&sections, &x);) {
        found = found || x.tag == 33;
    }
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    return found;
}

static void
who_refers(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t;
    begin(s);
    OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    make(s, "p", "");
    commit(s);
    assert_int_equal(children(s, "p"), 0);
    assert_false(record_tells(s, "p"));
    begin(s);
    make(s, "c", "p");
    assert_int_equal(children(s, "p"), 1); /* staged */
    rollback(s);
    assert_int_equal(children(s, "p"), 0);
    assert_false(record_tells(s, "p"));
    begin(s);
    make(s, "c", "p");
    commit(s);
    assert_int_equal(children(s, "p"), 1);
    assert_true(record_tells(s, "p"));
    restart(w);
    assert_int_equal(children(s, "p"), 1);
    begin(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("c"), &t));
    OK(ql_catalog_truncate_table(&s->cx, t));
    ql_table_put(t);
    assert_int_equal(children(s, "p"), 1);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("c"), &t));
    OK(ql_catalog_drop_table(&s->cx, t));
    ql_table_put(t);
    assert_int_equal(children(s, "p"), 0);
    rollback(s);
    assert_int_equal(children(s, "p"), 1);
    begin(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("c"), &t));
    OK(ql_catalog_drop_table(&s->cx, t));
    ql_table_put(t);
    commit(s);
    assert_int_equal(children(s, "p"), 0);
    assert_false(record_tells(s, "p"));
}

/* p becomes q, its column id becomes no. */
static void
definitions_follow(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old, *next, *c;
    static const int from[] = {0, 1};
    begin(s);
    OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    make(s, "p", "");
    make(s, "c", "p");
    make(s, "o", ""); /* of no interest */
    commit(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("p"), &old));
    ql_table_spec spec = spec_of("q", "");
    columns[0].name = str("no");
    ql_table_change change = {.spec = &spec, .from_column = from, .from_index = from};
    ql_name_list names = {0};
    begin(s);
    OK(ql_catalog_new_version(&s->cx, old, &change, &next));
    OK(ql_foreign_affected(&s->cx, old, next, &change, &names));
    assert_true(names.n == 1 && ql_str_eq(names.v[0].name, str("c")));
    OK(ql_catalog_switch(&s->cx, old, next, &change));
    commit(s);
    ql_table_put(old);
    ql_table_put(next);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(children(s, "p"), 0);
        assert_int_equal(children(s, "q"), 1);
        OK(ql_catalog_get_table(&s->cx, str("d"), str("c"), &c));
        assert_string_equal(c->foreign[0].parent_columns[0].p, "no");
        assert_string_equal(c->foreign[0].parent_index.p, "PRIMARY");
        assert_int_equal(c->version, 2);
        assert_true(ql_foreign_index(c, &c->foreign[0]) == &c->indexes[1]);
        ql_table_put(c);
        assert_true(record_tells(s, "q"));
        restart(w);
    }
    OK(ql_catalog_get_table(&s->cx, str("d"), str("q"), &old));
    spec = spec_of("q", "");
    columns[0].name = str("no");
    columns[0].type.field = QL_F_LONGLONG;
    begin(s);
    FAILS(s, ql_catalog_new_version(&s->cx, old, &change, &next), 3780);
    rollback(s);
    ql_table_put(old);
}

static void
drop(sess *s, const char *name)
{
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("d"), str(name), &t));
    OK(ql_catalog_drop_table(&s->cx, t));
    ql_table_put(t);
}

#define MANY 60

/* Children of two parents come, are replaced and go in any order: each parent has his own, at every
 * moment, and both follow their names. */
static void
many_children(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    char name[16], fk[16];
    size_t left[2] = {MANY / 2, MANY / 2};
    begin(s);
    OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    make(s, "p0", "");
    make(s, "p1", "");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(fk, sizeof fk, "fk%d", i);
        ql_table_spec spec = spec_of(name, i % 2 ? "p1" : "p0");
        foreign.name = str(fk);
        OK(ql_catalog_create_table(&s->cx, &spec));
    }
    assert_int_equal(children(s, "p0"), left[0]);
    commit(s);
    for (int k = 0; k < MANY; k++) {
        int i = k * 37 % MANY; /* all of them, far from their order */
        assert_int_equal(children(s, "p0"), left[0]);
        assert_int_equal(children(s, "p1"), left[1]);
        snprintf(name, sizeof name, "c%d", i);
        begin(s);
        if (k % 3 == 0) {
            ql_table *t;
            OK(ql_catalog_get_table(&s->cx, str("d"), str(name), &t));
            OK(ql_catalog_truncate_table(&s->cx, t)); /* another definition in its place */
            ql_table_put(t);
            commit(s);
            assert_int_equal(children(s, "p0"), left[0]);
            assert_int_equal(children(s, "p1"), left[1]);
            begin(s);
        }
        drop(s, name);
        left[i % 2]--;
        assert_int_equal(children(s, "p0"), left[0]);
        commit(s);
        assert_int_equal(record_tells(s, "p0"), left[0] > 0);
        assert_int_equal(record_tells(s, "p1"), left[1] > 0);
    }
}

/* Each once, in order, whatever order they come in. */
static void
names_in_order(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_name_list l = {0};
    for (int k = 0; k < 200; k++) {
        char name[16];
        snprintf(name, sizeof name, "t%02d", k * 37 % 100);
        OK(ql_name_list_add(&s->cx, &l, str(k % 2 ? "b" : "a"), str(name)));
    }
    assert_int_equal(l.n, 100);
    for (size_t i = 1; i < l.n; i++) {
        int r = ql_str_cmp(l.v[i - 1].db, l.v[i].db);
        assert_true(r < 0 || (r == 0 && ql_str_cmp(l.v[i - 1].name, l.v[i].name) < 0));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_refers, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(definitions_follow, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(many_children, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(names_in_order, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
