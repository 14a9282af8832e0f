/* SPDX-License-Identifier: Apache-2.0
 *
 * Databases and tables: creation, visibility before and after commit, errors of CREATE TABLE with
 * the numbers of the MySQL manual, restart, damaged records.
 */
#include "../lib/world.h"
#include "catalog/catalog_int.h"
#include "catalog/virtual.h"

static void
databases_of_an_empty_directory(void **state)
{
    world *w = *state;
    ql_database *v;
    size_t n;
    OK(ql_catalog_list_databases(&w->boot.cx, w->boot.cx.arena, &v, &n));
    assert_int_equal(n, 1);
    assert_string_equal(v[0].name.p, "mysql");
}

/* A virtual table makes its database, and stands back behind a stored table of its name. */
static void
views_are_tables(void **state)
{
    static const ql_view_column columns[] = {{"LETTER", 's', 1, 0}, {NULL, 0, 0, 0}};
    static const ql_virtual_table views[] = {{"information_schema", "LETTERS", columns, NULL},
                                             {"mysql", "t", columns, NULL}};
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t;
    assert_false(ql_catalog_has_database(&s->cx, str("information_schema")));
    begin(s);
    ql_column c = int_column("id", true);
    ql_table_spec spec = {.db = str("mysql"), .name = str("t"), .columns = &c, .ncolumns = 1};
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    OK(ql_catalog_add_views(&s->cx, w->inst.catalog, views, 2));
    assert_true(ql_catalog_has_database(&s->cx, str("Information_Schema")));
    OK(ql_catalog_get_table(&s->cx, str("INFORMATION_SCHEMA"), str("Letters"), &t));
    assert_true(t->is_virtual && t->virt == &views[0]);
    assert_int_equal(t->ncolumns, 1);
    assert_string_equal(ql_table_type_text(t), "SYSTEM VIEW");
    ql_table_put(t);
    OK(ql_catalog_get_table(&s->cx, str("mysql"), str("t"), &t));
    assert_false(t->is_virtual);
    ql_table_put(t);
    FAILS(s, ql_catalog_get_table(&s->cx, str("INFORMATION_SCHEMA"), str("NOPE"), &t), 1109);
}

static void
others_see_a_database_after_commit(void **state)
{
    world *w = *state;
    sess a, b;
    sess_begin(&a, &w->inst);
    sess_begin(&b, &w->inst);
    begin(&a);
    OK(ql_catalog_create_database(&a.cx, str("shop"), ql_coll_utf8mb4_bin));
    assert_true(ql_catalog_has_database(&a.cx, str("shop")));
    assert_false(ql_catalog_has_database(&b.cx, str("shop")));
    FAILS(&a, ql_catalog_create_database(&a.cx, str("shop"), NULL), 1007);
    commit(&a);
    assert_true(ql_catalog_has_database(&b.cx, str("shop")));
    assert_false(ql_catalog_has_database(&b.cx, str("SHOP")));
    sess_end(&a);
    sess_end(&b);
    restart(w);
    ql_database d;
    OK(ql_catalog_find_database(&w->boot.cx, str("shop"), &d));
    assert_ptr_equal(d.coll, ql_coll_utf8mb4_bin);
}

static void
rollback_forgets(void **state)
{
    world *w = *state;
    begin(&w->boot);
    OK(ql_catalog_create_database(&w->boot.cx, str("x"), NULL));
    rollback(&w->boot);
    assert_false(ql_catalog_has_database(&w->boot.cx, str("x")));
    size_t n;
    begin(&w->boot);
    FAILS(&w->boot, ql_catalog_drop_database(&w->boot.cx, str("x"), &n), 1008);
    FAILS(&w->boot, ql_catalog_create_database(&w->boot.cx, str("INFORMATION_SCHEMA"), NULL), 1044);
    FAILS(&w->boot, ql_catalog_create_database(&w->boot.cx, str("ends "), NULL), 1102);
    rollback(&w->boot);
}

/* CREATE TABLE d.t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) DEFAULT 'x',
 * KEY (name)) */
static ql_table_spec
usual_spec(ql_column columns[2], ql_index indexes[2], ql_index_part parts[2])
{
    columns[0] = int_column("id", false);
    columns[0].auto_increment = true;
    columns[1] = text_column("name", 20, true);
    columns[1].default_kind = QL_DEF_VALUE;
    columns[1].default_value = ql_value_str(str("x"), ql_coll_default);
    parts[0] = (ql_index_part){.column = 1};
    parts[1] = (ql_index_part){.column = 0};
    indexes[0] = (ql_index){.parts = &parts[0], .nparts = 1};
    indexes[1] = (ql_index){.parts = &parts[1], .nparts = 1, .primary = true};
    return (ql_table_spec){.db = str("d"),
                           .name = str("t"),
                           .columns = columns,
                           .ncolumns = 2,
                           .indexes = indexes,
                           .nindexes = 2,
                           .comment = str("hello")};
}

static void
make_usual(sess *s)
{
    ql_column columns[2];
    ql_index indexes[2];
    ql_index_part parts[2];
    ql_table_spec spec = usual_spec(columns, indexes, parts);
    begin(s);
    if (!ql_catalog_has_database(&s->cx, str("d"))) {
        OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    }
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
}

static void
check_usual(sess *s)
{
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    assert_int_equal(t->ncolumns, 2);
    assert_int_equal(t->nindexes, 2);
    assert_true(t->indexes[0].primary);
    assert_true(t->indexes[0].unique);
    assert_string_equal(t->indexes[0].name.p, "PRIMARY");
    assert_string_equal(t->indexes[1].name.p, "name"); /* named after its column, as MySQL does */
    assert_int_equal(t->auto_column, 0);
    assert_string_equal(t->columns[1].default_value.s.p, "x");
    assert_string_equal(t->comment.p, "hello");
    assert_string_equal(t->engine.p, "InnoDB");
    assert_int_equal(ql_table_column(t, str("NAME")), 1);
    assert_int_equal(ql_table_column(t, str("nam")), -1);
    assert_true(t->indexes[0].id >= QL_FIRST_INDEX_ID && t->indexes[1].id > t->indexes[0].id);
    assert_true(t->id >= QL_FIRST_INDEX_ID && t->id < t->indexes[0].id);
    ql_table_put(t);
}

static void
a_table_survives_restart(void **state)
{
    world *w = *state;
    make_usual(&w->boot);
    check_usual(&w->boot);
    restart(w);
    check_usual(&w->boot);
    ql_table *t;
    FAILS(&w->boot, ql_catalog_get_table(&w->boot.cx, str("d"), str("T"), &t), 1146);
    FAILS(&w->boot, ql_catalog_get_table(&w->boot.cx, str("no"), str("t"), &t), 1049);
}

static void
a_running_statement_keeps_its_version(void **state)
{
    world *w = *state;
    make_usual(&w->boot);
    ql_table *old, *t;
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &old));
    uint32_t id = old->indexes[0].id;
    begin(&w->boot);
    OK(ql_catalog_truncate_table(&w->boot.cx, old));
    commit(&w->boot);
    assert_int_equal(old->indexes[0].id, id);
    assert_string_equal(old->name.p, "t");
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &t));
    assert_true(t->indexes[0].id > id);
    assert_int_equal(t->version, old->version + 1);
    ql_table_put(t);
    begin(&w->boot);
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &t));
    OK(ql_catalog_drop_table(&w->boot.cx, t));
    ql_table_put(t);
    FAILS(&w->boot, ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &t), 1146);
    rollback(&w->boot);
    check_usual(&w->boot);
    ql_table_put(old);
}

static void
ids_are_never_used_twice(void **state)
{
    world *w = *state;
    uint32_t last = 0;
    for (int i = 0; i < 3; i++) {
        make_usual(&w->boot);
        ql_table *t;
        OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &t));
        assert_true(t->indexes[0].id > last);
        last = t->indexes[1].id;
        begin(&w->boot);
        OK(ql_catalog_drop_table(&w->boot.cx, t));
        ql_table_put(t);
        commit(&w->boot);
        restart(w);
    }
}

static void
drop_database_takes_its_tables(void **state)
{
    world *w = *state;
    make_usual(&w->boot);
    sess b;
    sess_begin(&b, &w->inst);
    size_t n;
    ql_str *names;
    begin(&w->boot);
    OK(ql_catalog_lock_database(&w->boot.cx, str("d")));
    OK(ql_catalog_drop_database(&w->boot.cx, str("d"), &n));
    assert_int_equal(n, 1);
    ql_table *t;
    FAILS(&w->boot, ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &t), 1049);
    check_usual(&b); /* the other session still sees it */
    commit(&w->boot);
    FAILS(&b, ql_catalog_list_tables(&b.cx, b.cx.arena, str("d"), &names, &n), 1049);
    sess_end(&b);
    restart(w);
    assert_false(ql_catalog_has_database(&w->boot.cx, str("d")));
}

static void
open_table_takes_the_lock(void **state)
{
    world *w = *state;
    make_usual(&w->boot);
    sess b;
    sess_begin(&b, &w->inst);
    b.vars.lock_wait_timeout = 0;
    begin(&w->boot);
    ql_table *t;
    OK(ql_catalog_open_table(&w->boot.cx, w->boot.cx.arena, str("d"), str("t"), QL_MDL_X, true,
                             &t));
    begin(&b);
    FAILS(&b, ql_catalog_open_table(&b.cx, b.cx.arena, str("d"), str("t"), QL_MDL_SR, true, &t),
          1205);
    rollback(&b);
    assert_int_equal(ql_catalog_open_table(&w->boot.cx, w->boot.cx.arena, str("d"), str("new"),
                                           QL_MDL_X, false, &t),
                     QL_END);
    commit(&w->boot);
    begin(&b);
    OK(ql_catalog_open_table(&b.cx, b.cx.arena, str("d"), str("t"), QL_MDL_SR, true, &t));
    commit(&b);
    sess_end(&b);
}

static void
create_table_errors(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_usual(s);
    ql_column c[3];
    ql_index ix[3];
    ql_index_part p[4];
    ql_table_spec spec;
#define TRY(number, ...)                                                                           \
    spec = usual_spec(c, ix, p);                                                                   \
    spec.name = str("u");                                                                          \
    __VA_ARGS__;                                                                                   \
    FAILS(s, ql_catalog_create_table(&s->cx, &spec), number)
    begin(s);
    TRY(1050, spec.name = str("t"));
    TRY(1049, spec.db = str("nowhere"));
    TRY(1103, spec.name = str("blank "));
    TRY(1059, spec.name = str("a2345678901234567890123456789012345678901234567890123456789012345"));
    TRY(4028, spec.ncolumns = 0);
    TRY(1060, c[1].name = str("ID"));
    TRY(1166, c[1].name = str("name "));
    TRY(1063, c[1].auto_increment = true; c[1].default_kind = QL_DEF_NONE);
    TRY(1075, spec.nindexes = 1); /* AUTO_INCREMENT without a key */
    TRY(1068, ix[0].primary = true; c[1].type.nullable = false);
    TRY(1171, p[1].column = 1);
    TRY(1061, ix[0].name = str("a"); ix[2] = ix[0]; ix[2].name = str("A"); spec.indexes = ix;
        spec.nindexes = 3);
    TRY(1280, ix[0].name = str("primary"));
    TRY(1089, p[0].prefix = 21);
    TRY(1089, p[0].column = 0; p[0].prefix = 1);
    TRY(1071, c[1].type.length = 769); /* 769 characters of 4 bytes */
    TRY(1170, c[1].type.field = QL_F_BLOB; c[1].type.length = 65535);
    TRY(1118, c[1].type.length = 16384);
    TRY(1067, c[0].default_kind = QL_DEF_NULL; c[0].auto_increment = false);
    rollback(s);
#undef TRY
}

/* CREATE TABLE d.u (a ENUM('x','yy'), `primary` INT, KEY (a), KEY (a, `primary`), KEY (`primary`)):
 * the names of nameless keys as MySQL makes them; members of the ENUM survive. */
static void
nameless_keys_and_members(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_usual(s);
    ql_str names[2] = {str("x"), str("yy")};
    ql_members members = {.n = 2, .names = names};
    ql_column c[2] = {text_column("a", 2, true), int_column("primary", true)};
    c[0].type = ql_type_list(QL_K_ENUM, &members, ql_coll_default);
    ql_index_part p[2] = {{.column = 0}, {.column = 1}};
    ql_index ix[3] = {
        {.parts = p, .nparts = 1}, {.parts = p, .nparts = 2}, {.parts = &p[1], .nparts = 1}};
    ql_table_spec spec = {.db = str("d"),
                          .name = str("u"),
                          .columns = c,
                          .ncolumns = 2,
                          .indexes = ix,
                          .nindexes = 3};
    begin(s);
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    restart(w);
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("d"), str("u"), &t));
    assert_string_equal(t->indexes[1].name.p, "a");
    assert_string_equal(t->indexes[2].name.p, "a_2");
    assert_string_equal(t->indexes[3].name.p, "primary_2");
    assert_int_equal(t->types[0].members->n, 2);
    assert_string_equal(t->types[0].members->names[1].p, "yy");
    ql_table_put(t);
}

/* Every cut and many flipped bytes of a record: an error or a table, never a crash. */
static void
damaged_records_are_errors(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_usual(s);
    ql_table *t, *copy;
    uint64_t start;
    ql_buf b = {0};
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    OK(qli_encode_table(&s->cx, t, 7, &b));
    OK(qli_decode_table(&s->cx, str("d"), str("t"), (ql_str){b.p, b.n}, &copy, &start));
    assert_int_equal(start, 7);
    assert_int_equal(copy->indexes[1].id, t->indexes[1].id);
    ql_table_put(copy);
    for (size_t n = 0; n < b.n; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, b.p, n);
        assert_int_equal(
            qli_decode_table(&s->cx, str("d"), str("t"), (ql_str){cut, n}, &copy, &start),
            QL_ERROR);
        free(cut);
        ql_diag_reset(s->cx.diag);
    }
    for (size_t i = 0; i < b.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b.p[i] = (char)(b.p[i] ^ 1 << bit);
            if (qli_decode_table(&s->cx, str("d"), str("t"), (ql_str){b.p, b.n}, &copy, &start) ==
                QL_OK) {
                ql_table_put(copy);
            }
            b.p[i] = (char)(b.p[i] ^ 1 << bit);
            ql_diag_reset(s->cx.diag);
        }
    }
    ql_buf_free(&b);
    ql_table_put(t);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(databases_of_an_empty_directory),    T(views_are_tables),
        T(others_see_a_database_after_commit), T(rollback_forgets),
        T(a_table_survives_restart),           T(a_running_statement_keeps_its_version),
        T(ids_are_never_used_twice),           T(drop_database_takes_its_tables),
        T(open_table_takes_the_lock),          T(create_table_errors),
        T(nameless_keys_and_members),          T(damaged_records_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
