/* SPDX-License-Identifier: Apache-2.0
 *
 * What ALTER TABLE makes of a table: columns and keys with where they come from ("-" is new), and
 * how much work that is. Expected: MySQL's manual, "ALTER TABLE Statement" and "Online DDL
 * Operations", and types/README.md for what keeps its bytes.
 */
#include "fixture.h"
#include "resolve/alterspec.h"

static ql_status
plan_of(world *w, const char *sql, ql_alter_plan *plan, const ql_ast_alter **a)
{
    ql_ctx *cx = &w->boot.cx;
    ql_rstmt *s = resolve(w, sql);
    ql_table *t;
    *a = s->ast->alter;
    OK(ql_catalog_find_table(cx, cx->arena, str("d"), (*a)->table.name, &t));
    QL_TRY(ql_alter_plan_make(cx, t, *a, plan));
    return ql_alter_plan_check(cx, t, *a, plan);
}

static const char *
way_of(const ql_alter_plan *plan)
{
    static const char *const ways[] = {"instant", "build", "rebuild", "copy"};
    return ways[plan->way];
}

/* "instant: id=0 new=-; PRIMARY=0 a=1" */
static const char *
print_plan(world *w, const char *sql)
{
    ql_alter_plan p;
    const ql_ast_alter *a;
    size_t n;
    OK(plan_of(w, sql, &p, &a));
    n = (size_t)snprintf(printed, sizeof printed, "%s:", way_of(&p));
    for (unsigned i = 0; i < p.spec.ncolumns; i++) {
        ql_str name = p.spec.columns[i].name;
        int from = p.change.from_column[i];
        n += (size_t)snprintf(printed + n, sizeof printed - n, from < 0 ? " %.*s=-" : " %.*s=%d",
                              (int)name.n, name.p, from);
    }
    n += (size_t)snprintf(printed + n, sizeof printed - n, ";");
    for (unsigned i = 0; i < p.spec.nindexes; i++) {
        ql_str name = p.spec.indexes[i].name;
        int from = p.change.from_index[i];
        n += (size_t)snprintf(printed + n, sizeof printed - n, from < 0 ? " %.*s=-" : " %.*s=%d",
                              (int)name.n, name.p, from);
    }
    return printed;
}

static void
columns_and_keys_know_where_they_come_from(void **state)
{
    world *w = *state;
    static const char *const cases[][2] = {
        {"ALTER TABLE u COMMENT 'x'", "instant: id=0 t_id=1 x=2 name=3; PRIMARY=0 t_id=1 xn=2"},
        {"ALTER TABLE u RENAME COLUMN x TO y, RENAME INDEX xn TO yn",
         "instant: id=0 t_id=1 y=2 name=3; PRIMARY=0 t_id=1 yn=2"},
        {"ALTER TABLE u ADD a INT FIRST, ADD b INT AFTER id",
         "instant: a=- id=0 b=- t_id=1 x=2 name=3; PRIMARY=0 t_id=1 xn=2"},
        {"ALTER TABLE u MODIFY name VARCHAR(20) FIRST",
         "instant: name=3 id=0 t_id=1 x=2; PRIMARY=0 t_id=1 xn=2"},
        {"ALTER TABLE u CHANGE x name INT, CHANGE name x VARCHAR(30)",
         "instant: id=0 t_id=1 name=2 x=3; PRIMARY=0 t_id=1 xn=2"},
        {"ALTER TABLE u DROP t_id", "instant: id=0 x=2 name=3; PRIMARY=0 xn=2"},
        {"ALTER TABLE u DROP x", "build: id=0 t_id=1 name=3; PRIMARY=0 t_id=1 xn=-"},
        {"ALTER TABLE u DROP INDEX t_id, ADD UNIQUE KEY t_id (t_id)",
         "build: id=0 t_id=1 x=2 name=3; PRIMARY=0 xn=2 t_id=-"},
        {"CREATE INDEX i ON u (x DESC)",
         "build: id=0 t_id=1 x=2 name=3; PRIMARY=0 t_id=1 xn=2 i=-"},
        {"DROP INDEX xn ON u", "instant: id=0 t_id=1 x=2 name=3; PRIMARY=0 t_id=1"},
        {"ALTER TABLE u ADD n INT UNIQUE",
         "build: id=0 t_id=1 x=2 name=3 n=-; PRIMARY=0 t_id=1 xn=2 =-"},
        {"ALTER TABLE u DROP PRIMARY KEY, ADD PRIMARY KEY (x)",
         "rebuild: id=0 t_id=1 x=2 name=3; t_id=1 xn=2 PRIMARY=-"},
        {"ALTER TABLE u DROP PRIMARY KEY", "copy: id=0 t_id=1 x=2 name=3; t_id=1 xn=2"},
        {"ALTER TABLE nokey ADD PRIMARY KEY (k)", "rebuild: k=0 v=1; PRIMARY=-"},
        {"ALTER TABLE nokey ADD KEY (v)", "build: k=0 v=1; =-"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        assert_string_equal(print_plan(w, cases[i][0]), cases[i][1]);
    }
}

static void
work_is_what_bytes_ask_for(void **state)
{
    world *w = *state;
    static const char *const cases[][2] = {
        {"ALTER TABLE t MODIFY b VARCHAR(300)", "instant"},
        {"ALTER TABLE t MODIFY b VARCHAR(10)", "copy"},
        {"ALTER TABLE t MODIFY b VARCHAR(20) COLLATE utf8mb4_bin", "copy"},
        {"ALTER TABLE t MODIFY b CHAR(20)", "copy"},
        {"ALTER TABLE t MODIFY c DECIMAL(12,2)", "instant"},
        {"ALTER TABLE t MODIFY c DECIMAL(12,3)", "copy"},
        {"ALTER TABLE t MODIFY a BIGINT", "copy"},
        {"ALTER TABLE t MODIFY a INT UNSIGNED", "copy"},
        {"ALTER TABLE t MODIFY a INT DEFAULT 4 COMMENT 'x'", "instant"},
        {"ALTER TABLE t MODIFY g BIGINT UNSIGNED", "instant"}, /* NULL allowed */
        {"ALTER TABLE t MODIFY a INT NOT NULL", "rebuild"},    /* NULLs are looked for */
        {"ALTER TABLE t MODIFY e DATETIME(3)", "copy"},
        {"ALTER TABLE t ADD x INT NOT NULL DEFAULT 5, ADD y DATETIME DEFAULT NOW()", "instant"},
        {"ALTER TABLE nokey ADD x INT AUTO_INCREMENT PRIMARY KEY", "rebuild"},
        {"ALTER TABLE t ADD x INT DEFAULT (1 + 1)", "rebuild"},
        {"ALTER TABLE t ADD x INT AS (a + 1)", "rebuild"},
        {"ALTER TABLE t ADD CHECK (a > 0)", "copy"},
        {"ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED", "instant"},
        {"ALTER TABLE t ENGINE=InnoDB", "rebuild"},
        {"ALTER TABLE t FORCE", "rebuild"},
        {"ALTER TABLE t ENGINE=MyISAM", "copy"},
        {"ALTER TABLE t COMMENT 'x', ALGORITHM=COPY", "copy"},
        {"ALTER TABLE t AUTO_INCREMENT=7", "instant"},
        {"ALTER TABLE t RENAME d.other", "instant"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_alter_plan p;
        const ql_ast_alter *a;
        ql_status st = plan_of(w, cases[i][0], &p, &a);
        if (st != QL_OK) {
            fail_msg("%s: %s", cases[i][0], ql_diag_error(w->boot.cx.diag)->text);
        }
        if (strcmp(way_of(&p), cases[i][1]) != 0) {
            fail_msg("%s: %s, not %s", cases[i][0], way_of(&p), cases[i][1]);
        }
    }
}

static void
what_cannot_be_had_is_refused(void **state)
{
    world *w = *state;
    static const struct {
        const char *sql;
        unsigned number;
    } cases[] = {
        {"ALTER TABLE t MODIFY a BIGINT, ALGORITHM=INSTANT", 1846},
        {"ALTER TABLE t MODIFY a BIGINT, ALGORITHM=INPLACE", 1846},
        {"ALTER TABLE t ADD KEY (b), ALGORITHM=INSTANT", 1845},
        {"ALTER TABLE t MODIFY a BIGINT, LOCK=NONE", 1846},
        {"ALTER TABLE t ADD x INT, ALGORITHM=INSTANT, LOCK=SHARED", 1221},
        {"ALTER TABLE nokey ADD x INT AUTO_INCREMENT PRIMARY KEY, LOCK=NONE", 1846},
        {"ALTER TABLE t DROP PRIMARY KEY, ALGORITHM=INPLACE", 1846},
        {"ALTER TABLE t ADD KEY (b), ALGORITHM=INPLACE, LOCK=NONE", 0},
        {"ALTER TABLE t DROP x", 1091},
        {"ALTER TABLE t MODIFY x INT", 1054},
        {"ALTER TABLE t ADD x INT AFTER y", 1054},
        {"ALTER TABLE t RENAME COLUMN a TO x, ALTER a DROP DEFAULT", 1054},
        {"ALTER TABLE nokey DROP k, DROP v", 1090},
        {"ALTER TABLE t RENAME KEY x TO y", 1176},
        {"ALTER TABLE t ADD KEY (x)", 1072},
        {"ALTER TABLE t MODIFY id INT NULL", 1171},
        {"ALTER TABLE t ADD x JSON DEFAULT '{}'", 1101},
        {"ALTER TABLE t ADD x JSON, ADD KEY (x)", 0}, /* 3152 is of the definition */
        {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id)", 0},
        {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id), ALGORITHM=INPLACE", 1846},
        {"ALTER TABLE t ADD FOREIGN KEY (x) REFERENCES u (id)", 1072},
        {"ALTER TABLE t ADD FOREIGN KEY (a, A) REFERENCES u (id, x)", 1060},
        {"ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u (id) ON DELETE SET NULL", 1830},
        {"ALTER TABLE nokey ORDER BY k", 0},
        {"ALTER TABLE t ORDER BY x", 1054},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_alter_plan p;
        const ql_ast_alter *a;
        ql_status st = plan_of(w, cases[i].sql, &p, &a);
        unsigned number = st == QL_OK ? 0 : ql_diag_error(w->boot.cx.diag)->number;
        if (number != cases[i].number) {
            fail_msg("%s: %u, not %u", cases[i].sql, number, cases[i].number);
        }
    }
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, sql_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(columns_and_keys_know_where_they_come_from),
        TEST(work_is_what_bytes_ask_for),
        TEST(what_cannot_be_had_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
