/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual tables: the process list and who sees what, SCHEMATA, COLUMNS, STATISTICS.
 */
#include "fixture.h"

/* Rows of db.name as s sees them; column numbers by name. */
typedef struct rows {
    ql_table *t;
    ql_view_rows all;
    size_t n;
} rows;

static rows
fill(sess *s, const char *db, const char *name)
{
    rows r = {0};
    OK(ql_catalog_open_table(&s->cx, s->cx.arena, str(db), str(name), QL_MDL_SR, true, &r.t));
    assert_true(r.t->is_virtual);
    OK(ql_view_fill(&s->cx, s->cx.arena, r.t, NULL, &r.all));
    r.n = r.all.n;
    return r;
}

static ql_value *
at(const rows *r, size_t row, const char *column)
{
    int c = ql_table_column(r->t, str(column));
    assert_true(c >= 0 && row < r->n && r->all.filter.columns >> c & 1);
    return &r->all.v[row][ql_view_place(&r->all, (unsigned)c)];
}

static bool
is_text(const ql_value *v, const char *s)
{
    return v->kind == QL_K_STRING && ql_str_eq(v->s, str(s));
}

static void
process_list(void **state)
{
    world *w = *state;
    sess ann, bob;
    sess_begin(&ann, &w->inst);
    sess_begin(&bob, &w->inst);
    ql_proc_set_user(ann.cx.proc, str("ann"), str("localhost"), 0);
    ql_proc_set_user(bob.cx.proc, str("bob"), str("10.0.0.1:999"), 0);
    ql_proc_set_command(bob.cx.proc, QL_PC_QUERY);
    ql_proc_set_query_id(bob.cx.proc, 42);
    assert_int_equal(ql_proc_set_info(&bob.cx, bob.cx.proc, str("SELECT SLEEP(100)")), QL_OK);
    ann.vars.viewer = (ql_viewer){.conn_id = 1, .user = str("ann")};
    rows r = fill(&ann, "Information_Schema", "ProcessList");
    assert_int_equal(r.n, 1); /* her own only */
    assert_true(is_text(at(&r, 0, "USER"), "ann"));
    assert_int_equal(at(&r, 0, "INFO")->kind, QL_K_NULL);
    ann.vars.viewer.has_process = true;
    ql_proc_set_work(bob.cx.proc, 300);
    ql_proc_add_work(bob.cx.proc, 50);
    ql_proc_add_work(bob.cx.proc, 51);
    r = fill(&ann, "information_schema", "PROCESSLIST");
    assert_int_equal(r.n, 3); /* the boot session too */
    assert_int_equal(r.t->ncolumns, 18);
    assert_int_equal(at(&r, 2, "PROGRESS")->u, 33);
    assert_int_equal(at(&r, 1, "PROGRESS")->kind, QL_K_NULL);
    assert_true(is_text(at(&r, 2, "HOST"), "10.0.0.1:999"));
    assert_true(is_text(at(&r, 2, "COMMAND"), "Query"));
    assert_true(is_text(at(&r, 2, "INFO"), "SELECT SLEEP(100)"));
    assert_int_equal(at(&r, 2, "QUERY_ID")->u, 42);
    assert_int_equal(at(&r, 2, "ID")->u, ql_proc_id(bob.cx.proc));
    ql_proc_set_stage(bob.cx.proc, QL_STAGE_ALTERING);
    r = fill(&ann, "performance_schema", "events_stages_current");
    assert_int_equal(r.n, 1);
    assert_true(is_text(at(&r, 0, "EVENT_NAME"), "stage/sql/altering table"));
    assert_int_equal(at(&r, 0, "WORK_COMPLETED")->u, 101);
    assert_int_equal(at(&r, 0, "WORK_ESTIMATED")->u, 300);
    r = fill(&ann, "performance_schema", "threads");
    assert_int_equal(at(&r, r.n - 1, "PROCESSLIST_ID")->u, ql_proc_id(bob.cx.proc));
    r = fill(&ann, "performance_schema", "processlist");
    assert_int_equal(r.n, 2); /* not the one that has not logged in */
    ann.vars.viewer = (ql_viewer){0};
    r = fill(&ann, "information_schema", "PROCESSLIST");
    assert_int_equal(r.n, 0); /* anonymous */
    sess_end(&ann);
    sess_end(&bob);
}

static void
definitions(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_column c[2] = {int_column("id", false), text_column("name", 20, true)};
    c[0].type.is_unsigned = true;
    c[0].auto_increment = true;
    ql_index_part p[2] = {{.column = 0}, {.column = 1, .prefix = 5, .descending = true}};
    ql_index ix[2] = {{.parts = &p[0], .nparts = 1, .primary = true},
                      {.parts = &p[1], .nparts = 1, .name = str("by_name")}};
    ql_table_spec spec = {.db = str("mysql"),
                          .name = str("t"),
                          .columns = c,
                          .ncolumns = 2,
                          .indexes = ix,
                          .nindexes = 2};
    begin(s);
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    rows r = fill(s, "information_schema", "SCHEMATA");
    assert_int_equal(r.n, 4);
    r = fill(s, "information_schema", "COLUMNS");
    size_t i = 0;
    while (i < r.n && !(is_text(at(&r, i, "TABLE_SCHEMA"), "mysql") &&
                        is_text(at(&r, i, "TABLE_NAME"), "t"))) {
        i++;
    }
    assert_true(is_text(at(&r, i, "COLUMN_TYPE"), "int unsigned"));
    assert_true(is_text(at(&r, i, "DATA_TYPE"), "int"));
    assert_true(is_text(at(&r, i, "COLUMN_KEY"), "PRI"));
    assert_true(is_text(at(&r, i, "EXTRA"), "auto_increment"));
    assert_int_equal(at(&r, i, "NUMERIC_PRECISION")->u, 10);
    assert_true(is_text(at(&r, i + 1, "COLUMN_TYPE"), "varchar(20)"));
    assert_int_equal(at(&r, i + 1, "CHARACTER_OCTET_LENGTH")->i, 80);
    assert_true(is_text(at(&r, i + 1, "COLUMN_KEY"), "MUL"));
    r = fill(s, "information_schema", "STATISTICS");
    assert_int_equal(r.n, 2);
    assert_true(is_text(at(&r, 1, "INDEX_NAME"), "by_name"));
    assert_int_equal(at(&r, 1, "SUB_PART")->i, 5);
    assert_true(is_text(at(&r, 1, "COLLATION"), "D"));
    r = fill(s, "information_schema", "TABLES");
    for (i = 0; i + 1 < r.n && !is_text(at(&r, i, "TABLE_NAME"), "t"); i++) {
    }
    assert_true(is_text(at(&r, i, "TABLE_NAME"), "t"));
    assert_int_equal(at(&r, i, "AUTO_INCREMENT")->u, 1);
    r = fill(s, "information_schema", "TABLE_CONSTRAINTS");
    assert_int_equal(r.n, 1);
    assert_true(is_text(at(&r, 0, "CONSTRAINT_TYPE"), "PRIMARY KEY"));
    r = fill(s, "information_schema", "KEY_COLUMN_USAGE");
    assert_int_equal(r.n, 1);
    assert_true(is_text(at(&r, 0, "COLUMN_NAME"), "id"));
    assert_int_equal(fill(s, "information_schema", "FILES").n, 0);
    assert_true(fill(s, "information_schema", "COLLATIONS").n > 10);
    assert_true(fill(s, "information_schema", "CHARACTER_SETS").n >= 3);
    assert_true(fill(s, "information_schema", "ENGINES").n >= 1);
}

/* Rows of information_schema.name that a reader gets who wants no more. */
static rows
wanted(sess *s, const char *name, ql_view_filter f)
{
    rows r = {0};
    OK(ql_catalog_open_table(&s->cx, s->cx.arena, str("information_schema"), str(name), QL_MDL_SR,
                             true, &r.t));
    OK(ql_view_fill(&s->cx, s->cx.arena, r.t, &f, &r.all));
    r.n = r.all.n;
    return r;
}

static ql_view_filter
about(const char *db, const char *table, const ql_collation *coll)
{
    return (ql_view_filter){.schema = db ? str(db) : (ql_str){NULL, 0},
                            .table = table ? str(table) : (ql_str){NULL, 0},
                            .schema_coll = coll,
                            .table_coll = coll,
                            .columns = UINT64_MAX};
}

static uint64_t
column(const rows *r, const char *name)
{
    return UINT64_C(1) << ql_table_column(r->t, str(name));
}

/* Filters leave what they are about and little else. Compared by bytes names are looked up (those
 * of virtual databases without case), else by the collation. */
static void
filters(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_column c[2] = {int_column("id", false), text_column("name", 20, true)};
    ql_table_spec spec = {.db = str("mysql"), .columns = c, .ncolumns = 2};
    begin(s);
    spec.name = str("Mine");
    OK(ql_catalog_create_table(&s->cx, &spec));
    spec.name = str("yours");
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    assert_int_equal(wanted(s, "COLUMNS", about("mysql", "Mine", NULL)).n, 2);
    assert_int_equal(wanted(s, "TABLES", about("mysql", "Mine", NULL)).n, 1);
    assert_int_equal(wanted(s, "PARTITIONS", about("mysql", "Mine", NULL)).n, 1);
    assert_int_equal(wanted(s, "TABLES", about("mysql", NULL, NULL)).n, 12); /* and ten views */
    assert_int_equal(wanted(s, "TABLES", about(NULL, "yours", NULL)).n, 1);
    assert_int_equal(wanted(s, "TABLES", about("mysql", "mine", NULL)).n, 0);
    assert_int_equal(wanted(s, "TABLES", about("MYSQL", "Mine", NULL)).n, 0);
    assert_int_equal(wanted(s, "TABLES", about("nowhere", NULL, NULL)).n, 0);
    assert_int_equal(wanted(s, "TABLES", about("MYSQL", "mine", ql_coll_default)).n, 1);
    assert_int_equal(wanted(s, "TABLES", about("MYSQL", NULL, ql_coll_default)).n, 12);
    assert_int_equal(wanted(s, "TABLES", about("INFORMATION_SCHEMA", "tables", NULL)).n, 1);
    assert_int_equal(wanted(s, "SCHEMATA", about("mysql", NULL, NULL)).n, 1);
    assert_int_equal(wanted(s, "SCHEMATA", about("MySQL", NULL, ql_coll_default)).n, 1);
    assert_int_equal(wanted(s, "SCHEMATA", about("MySQL", NULL, NULL)).n, 0);

    ql_view_filter f = about("mysql", "Mine", NULL);
    f.columns = 0;
    rows r = wanted(s, "COLUMNS", f);
    assert_int_equal(r.n, 2);
    assert_null(r.all.v); /* counted only */
    f.columns = column(&r, "COLUMN_TYPE") | column(&r, "COLUMN_NAME");
    r = wanted(s, "COLUMNS", f);
    assert_true(is_text(at(&r, 0, "COLUMN_TYPE"), "int"));
    assert_true(is_text(at(&r, 1, "COLUMN_NAME"), "name"));
    assert_int_equal(r.all.nkept, 2);

    ql_account nobody = {.user = str("joe"), .host = str("%")};
    ql_acl_set_session(&s->cx, &nobody);
    assert_int_equal(wanted(s, "TABLES", about("mysql", "Mine", NULL)).n, 0);
    assert_int_equal(wanted(s, "TABLES", about("information_schema", "TABLES", NULL)).n, 1);
    ql_acl_set_session(&s->cx, &everything);
}

static void
unknown_tables(void **state)
{
    world *w = *state;
    ql_table *t;
    FAILS(&w->boot, ql_catalog_get_table(&w->boot.cx, str("INFORMATION_SCHEMA"), str("NOPE"), &t),
          1109);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, views_setup, acl_teardown)
    const struct CMUnitTest tests[] = {T(process_list), T(definitions), T(filters),
                                       T(unknown_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
