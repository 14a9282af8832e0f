/* SPDX-License-Identifier: Apache-2.0
 *
 * INSERT, REPLACE, UPDATE, DELETE and DDL: counts, info texts, duplicates, strict mode, defaults.
 * Expected values: the MySQL manual (affected-rows values, info strings).
 */
#include "fixture.h"

static void
test_insert(void **state)
{
    world *w = *state;
    RUN(w, "INSERT INTO t (a, g) VALUES (1, 1)", "ok 1");
    RUN(w, "SELECT LAST_INSERT_ID(), id, b FROM t", "1|1|NULL\n");
    RUN(w, "INSERT INTO t (id, g) VALUES (1, 9)", "1062 Duplicate entry '1' for key 't.PRIMARY'");
    RUN(w, "INSERT INTO t (g) VALUES (1)", "1062 Duplicate entry '1' for key 't.g'");
    RUN(w, "INSERT INTO t (a) VALUES (1)", "1364 Field 'g' doesn't have a default value");
    RUN(w, "INSERT INTO t (a, g) VALUES (1, NULL)", "1048 Column 'g' cannot be null");
    RUN(w, "INSERT INTO t (i, g) VALUES (300, 5)",
        "1264 Out of range value for column 'i' at row 1");
    RUN(w, "INSERT IGNORE INTO t (g) VALUES (1), (2)",
        "ok 1 Records: 2  Duplicates: 1  Warnings: 1");
    RUN(w, "INSERT INTO t (g, a) VALUES (2, 5) ON DUPLICATE KEY UPDATE a = VALUES(a) + 1", "ok 2");
    RUN(w, "INSERT INTO t (g, a) VALUES (2, 5) ON DUPLICATE KEY UPDATE a = 6", "ok 0");
    RUN(w, "SELECT a FROM t WHERE g = 2", "6\n");
    RUN(w, "REPLACE INTO t (g, a) VALUES (2, 7)", "ok 2");
    RUN(w, "SELECT COUNT(*), MAX(a) FROM t", "2|7\n");
    RUN(w, "INSERT INTO nokey SELECT a, 'v' FROM t", "ok 2 Records: 2  Duplicates: 0  Warnings: 0");
    RUN(w, "INSERT INTO nokey SELECT k + 10, v FROM nokey",
        "ok 2 Records: 2  Duplicates: 0  Warnings: 0");
    RUN(w, "SELECT k FROM nokey ORDER BY k", "1\n7\n11\n17\n");
}

static void
test_update(void **state)
{
    world *w = *state;
    RUN(w, "DELETE FROM nokey", "ok 4");
    RUN(w, "INSERT INTO nokey VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "ok 3 Records: 3  Duplicates: 0  Warnings: 0");
    RUN(w, "UPDATE nokey SET k = k + 10 WHERE k <= 2",
        "ok 2 Rows matched: 2  Changed: 2  Warnings: 0");
    RUN(w, "UPDATE nokey SET v = 'a' WHERE k = 11",
        "ok 0 Rows matched: 1  Changed: 0  Warnings: 0");
    RUN(w, "UPDATE nokey SET k = 5, v = k", "ok 3 Rows matched: 3  Changed: 3  Warnings: 0");
    RUN(w, "SELECT DISTINCT k, v FROM nokey", "5|5\n");
    RUN(w, "UPDATE nokey SET v = 'z' ORDER BY k LIMIT 1",
        "ok 1 Rows matched: 1  Changed: 1  Warnings: 0");
    RUN(w, "DELETE FROM nokey WHERE v = 'z'", "ok 1");
    RUN(w, "DELETE n FROM nokey n JOIN t ON t.g = 1", "ok 2");
    RUN(w, "SELECT COUNT(*) FROM nokey", "0\n");
}

static void
test_ddl(void **state)
{
    world *w = *state;
    RUN(w,
        "CREATE TABLE x (id INT PRIMARY KEY, d DECIMAL(5,2) DEFAULT 1.5, s VARCHAR(10) NOT NULL "
        "DEFAULT 'q', KEY (s))",
        "ok 0");
    RUN(w, "CREATE TABLE x (id INT)", "1050 Table 'x' already exists");
    RUN(w, "CREATE TABLE IF NOT EXISTS x (id INT)", "ok 0");
    RUN(w, "INSERT INTO x (id) VALUES (1)", "ok 1");
    RUN(w, "SELECT * FROM x", "1|1.50|q\n");
    RUN(w, "SHOW COLUMNS FROM x",
        "id|int|NO|PRI|NULL|\nd|decimal(5,2)|YES||1.50|\n"
        "s|varchar(10)|NO|MUL|q|\n");
    RUN(w, "SHOW TABLES LIKE 'x%'", "x\n");
    RUN(w, "TRUNCATE TABLE x", "ok 0");
    RUN(w, "SELECT COUNT(*) FROM x", "0\n");
    RUN(w, "DROP TABLE x, y", "1051 Unknown table 'd.y'");
    RUN(w, "SHOW TABLES LIKE 'x'", "x\n");
    RUN(w, "DROP TABLE x", "ok 0");
    RUN(w, "CREATE TABLE e (a INT) ENGINE=nosuch", "1286 Unknown storage engine 'nosuch'");
    RUN(w, "CREATE TABLE e (a INT, a INT)", "1060 Duplicate column name 'a'");
    RUN(w, "CREATE TABLE e (a INT DEFAULT 'x')", "1067 Invalid default value for 'a'");
    RUN(w, "CREATE DATABASE dd", "ok 1");
    RUN(w, "CREATE DATABASE dd", "1007 Can't create database 'dd'; database exists");
    RUN(w, "DROP DATABASE dd", "ok 0");
    RUN(w, "DROP DATABASE dd", "1008 Can't drop database 'dd'; database doesn't exist");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_ddl),
    };
    return cmocka_run_group_tests(tests, exec_setup, world_teardown);
}
