/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parser makes of statements: trees by the grammar and precedence tables of the manual,
 * headings, what belongs to which statement of a text, and the statements stock clients send.
 */
#include "ast_print.h"
#include "sql_test.h"

typedef struct pair {
    const char *sql, *tree;
} pair;

static const char *
tree_of(const char *sql)
{
    static out_text o;
    ql_ast_stmt *s;
    if (parse_text(sql, &s) != QL_OK) {
        (void)snprintf(o.s, sizeof o.s, "%s", ql_diag_error(the.cx.diag)->text);
        return o.s;
    }
    o.n = 0;
    print_stmt(&o, s);
    return o.s;
}

static void
assert_trees(const pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = tree_of(pairs[i].sql);
        if (strcmp(got, pairs[i].tree) != 0) {
            print_message("%s\n", pairs[i].sql);
        }
        assert_string_equal(got, pairs[i].tree);
    }
}
#define ASSERT_TREES(list) assert_trees((list), QL_ARRAY_LEN(list))

static void
precedence(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SELECT 1+2*3", "(select (+ 1 (* 2 3)))"},
        {"SELECT (1+2)*3", "(select (* (+ 1 2) 3))"},
        {"SELECT 1-2-3", "(select (- (- 1 2) 3))"},
        {"SELECT 8 DIV 3 % 2 MOD 5 / 1", "(select (/ (% (% (div 8 3) 2) 5) 1))"},
        {"SELECT 1|2&3<<4+5*6^7", "(select (| 1 (& 2 (<< 3 (+ 4 (* 5 (^ 6 7)))))))"},
        {"SELECT -1^2, ~1*2, -a.b", "(select (^ (neg 1) 2), (* (~ 1) 2), (neg a.b))"},
        {"SELECT !a = b, NOT a = b", "(select (= (not a) b), (not (= a b)))"},
        {"SELECT NOT a AND b", "(select (and (not a) b))"},
        {"SELECT a OR b XOR c AND d", "(select (or a (xor b (and c d))))"},
        {"SELECT a || b && c", "(select (or a (and b c)))"},
        {"SELECT a = b = c", "(select (= (= a b) c))"},
        {"SELECT a < b <=> c <> d != e >= f", "(select (>= (<> (<> (<=> (< a b) c) d) e) f))"},
        {"SELECT a BETWEEN b AND c AND d", "(select (and (between a b c) d))"},
        {"SELECT a NOT BETWEEN b + 1 AND c OR d", "(select (or (not-between a (+ b 1) c) d))"},
        {"SELECT a BETWEEN 1 AND b BETWEEN 2 AND 3", "(select (between a 1 (between b 2 3)))"},
        {"SELECT a IN (1, 2) = 1", "(select (= (in a 1 2) 1))"},
        {"SELECT a NOT IN (1)", "(select (not-in a 1))"},
        {"SELECT a LIKE b ESCAPE 'c' = d", "(select (= (like a b 'c') d))"},
        {"SELECT a NOT LIKE 'x%' AND b", "(select (and (not-like a 'x%') b))"},
        {"SELECT a RLIKE b + c, a NOT REGEXP b", "(select (regexp a (+ b c)), (not-regexp a b))"},
        {"SELECT a SOUNDS LIKE b", "(select (= (SOUNDEX a) (SOUNDEX b)))"},
        {"SELECT a IS NULL IS NULL", "(select (is-null (is-null a)))"},
        {"SELECT a IS NOT NULL = b", "(select (= (is-not-null a) b))"},
        {"SELECT a = 1 IS TRUE", "(select (is-true (= a 1)))"},
        {"SELECT a IS NOT FALSE AND b IS UNKNOWN",
         "(select (and (is-not-false a) (is-unknown b)))"},
        {"SELECT NOT a IS TRUE", "(select (not (is-true a)))"},
        {"SELECT a COLLATE x = b", "(select (= (collate a x) b))"},
        {"SELECT a + b COLLATE x", "(select (+ a (collate b x)))"},
        {"SELECT BINARY a = b", "(select (= (cast a type253 binary) b))"},
        {"SELECT @a := 1 + 2, @b := @c := 3", "(select (:= @a (+ 1 2)), (:= @b (:= @c 3)))"},
        {"SELECT @a = 1", "(select (= @a 1))"},
        {"SELECT 1 - -1 + +1", "(select (+ (- 1 (neg 1)) (plus 1)))"},
    };
    ASSERT_TREES(list);
}

static void
expressions(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SELECT CASE a WHEN 1 THEN 2 ELSE 3 END", "(select (case operand else a 1 2 3))"},
        {"SELECT CASE WHEN a THEN b WHEN c THEN d END", "(select (case a b c d))"},
        {"SELECT (1, 2) = ROW(3, 4)", "(select (= (row 1 2) (row 3 4)))"},
        {"SELECT (SELECT 1), ((SELECT 2)), (SELECT 3) + 1",
         "(select (sub (select 1)), (sub (select 2)), (+ (sub (select 3)) 1))"},
        {"SELECT ((SELECT 1) UNION (SELECT 2))", "(select (sub (union (select 1) (select 2))))"},
        {"SELECT a IN (SELECT 1), a IN ((SELECT 1)), a IN ((SELECT 1), 2)",
         "(select (in a (sub (select 1))), (in a (sub (select 1))), (in a (sub (select 1)) 2))"},
        {"SELECT a IN ((SELECT 1) UNION (SELECT 2))",
         "(select (in a (sub (union (select 1) (select 2)))))"},
        {"SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 1)",
         "(select (exists (select 1)), (not (exists (select 1))))"},
        {"SELECT a = ANY (SELECT 1), a > ALL (SELECT 2), a <> SOME (SELECT 3)",
         "(select (=any a (sub (select 1))), (>all a (sub (select 2))), (<>any a (sub (select "
         "3))))"},
        {"SELECT CAST(a AS UNSIGNED INT), CAST(a AS CHAR(5)), CAST(a AS DECIMAL(10,2)), "
         "CAST(a AS DATETIME(3)), CAST(a AS BINARY)",
         "(select (cast a type8 unsigned), (cast a type253(5)), (cast a type246(10).2), "
         "(cast a type12.3), (cast a type253 binary))"},
        {"SELECT CONVERT(a, SIGNED), CONVERT(a USING latin1)",
         "(select (cast a type8), (convert a latin1))"},
        {"SELECT COUNT(*), COUNT(DISTINCT a, b), SUM(DISTINCT a), MAX(ALL b)",
         "(select (COUNT *), (COUNT distinct a b), (SUM distinct a), (MAX b))"},
        {"SELECT GROUP_CONCAT(DISTINCT a, b ORDER BY c DESC, d SEPARATOR ';'), GROUP_CONCAT(a)",
         "(select (group_concat distinct a b (order c desc d) sep ';'), (group_concat a sep ','))"},
        {"SELECT NOW(), CURRENT_TIMESTAMP, LOCALTIME(3), LOCALTIMESTAMP",
         "(select (NOW), (NOW), (NOW 3), (NOW))"},
        {"SELECT CURRENT_DATE, CURDATE(), CURRENT_TIME(2), UTC_DATE, UTC_TIMESTAMP()",
         "(select (CURDATE), (CURDATE), (CURTIME 2), (UTC_DATE), (UTC_TIMESTAMP))"},
        {"SELECT USER(), SESSION_USER(), CURRENT_USER, CURRENT_USER(), DATABASE(), SCHEMA()",
         "(select (USER), (USER), (CURRENT_USER), (CURRENT_USER), (DATABASE), (DATABASE))"},
        {"SELECT a + INTERVAL 1 DAY - INTERVAL '1:2' MINUTE_SECOND, INTERVAL 1 YEAR + a",
         "(select (- (+ a (interval 1 DAY)) (interval '1:2' MINUTE_SECOND)), "
         "(+ a (interval 1 YEAR)))"},
        {"SELECT a + INTERVAL (1) DAY, a + INTERVAL (1)+2 DAY, INTERVAL(1,2) + 3, "
         "a + INTERVAL ((1)) + (2) DAY",
         "(select (+ a (interval 1 DAY)), (+ a (interval (+ 1 2) DAY)), (+ (INTERVAL 1 2) 3), "
         "(+ a (interval (+ 1 2) DAY)))"},
        {"SELECT DATE_ADD(a, INTERVAL 1 DAY), SUBDATE(a, INTERVAL b+1 HOUR), ADDDATE(a, 3)",
         "(select (DATE_ADD a (interval 1 DAY)), (DATE_SUB a (interval (+ b 1) HOUR)), "
         "(DATE_ADD a (interval 3 DAY)))"},
        {"SELECT EXTRACT(YEAR_MONTH FROM a), TIMESTAMPDIFF(SQL_TSI_DAY, a, b)",
         "(select (extract YEAR_MONTH a), (TIMESTAMPDIFF DAY a b))"},
        {"SELECT TRIM(a), TRIM('x' FROM a), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM a), "
         "TRIM(TRAILING 'x' FROM a)",
         "(select (trim a), (trim a 'x'), (trim a 'x'), (trim leading a), (trim trailing a 'x'))"},
        {"SELECT SUBSTRING(a FROM 2), SUBSTR(a FROM 2 FOR 3), MID(a, 2, 3), POSITION('x' IN a)",
         "(select (SUBSTRING a 2), (SUBSTRING a 2 3), (SUBSTRING a 2 3), (LOCATE 'x' a))"},
        {"SELECT IF(a,b,c), LEFT(a,1), REPLACE(a,b,c), MOD(a,b), CHAR(65 USING utf8mb4), db.f(1)",
         "(select (IF a b c), (LEFT a 1), (REPLACE a b c), (% a b), (convert (CHAR 65) utf8mb4), "
         "(db.f 1))"},
        {"SELECT DATE '2020-01-02', TIME'10:11:12.50', TIMESTAMP '2020-01-02 03:04:05', "
         "{d '2020-01-02'}, {fn NOW()}",
         "(select date:2020-01-02, time:10:11:12.50, datetime:2020-01-02 03:04:05, "
         "date:2020-01-02, (NOW))"},
        {"SELECT TRUE, FALSE, NULL, DEFAULT(a)", "(select bool:1, bool:0, NULL, (default a))"},
    };
    ASSERT_TREES(list);
}

static void
joins(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SELECT * FROM a, b c", "(select * (from (cross a b:c)))"},
        {"SELECT * FROM a JOIN b ON x JOIN c ON y",
         "(select * (from (inner (inner a b on x) c on y)))"},
        {"SELECT * FROM a JOIN b JOIN c ON x ON y",
         "(select * (from (inner a (inner b c on x) on y)))"},
        {"SELECT * FROM a LEFT JOIN b LEFT JOIN c ON x ON y",
         "(select * (from (left a (left b c on x) on y)))"},
        {"SELECT * FROM a JOIN b LEFT JOIN c ON x", "(select * (from (left (inner a b) c on x)))"},
        {"SELECT * FROM a JOIN b JOIN c JOIN d",
         "(select * (from (inner (inner (inner a b) c) d)))"},
        {"SELECT * FROM a CROSS JOIN b NATURAL JOIN c",
         "(select * (from (natural-inner (cross a b) c)))"},
        {"SELECT * FROM a NATURAL LEFT OUTER JOIN b, c",
         "(select * (from (cross (natural-left a b) c)))"},
        {"SELECT * FROM a RIGHT JOIN (b, c) USING (x, y)",
         "(select * (from (right a (cross b c) using x,y)))"},
        {"SELECT * FROM a STRAIGHT_JOIN b ON 1", "(select * (from (straight a b on 1)))"},
        {"SELECT * FROM (SELECT 1) AS x, ((SELECT 2)) y",
         "(select * (from (cross (derived (select 1)):x (derived (select 2)):y)))"},
        {"SELECT * FROM ((SELECT 1) UNION (SELECT 2) LIMIT 1) x",
         "(select * (from (derived (union (select 1) (select 2) (limit 1))):x))"},
        {"SELECT * FROM ((SELECT 1) x JOIN b) LEFT JOIN c ON 1",
         "(select * (from (left (inner (derived (select 1)):x b) c on 1)))"},
        {"SELECT * FROM ((a))", "(select * (from a))"},
        {"SELECT * FROM db.a AS b USE INDEX (i), c", "(select * (from (cross db.a:b c)))"},
    };
    ASSERT_TREES(list);
}

static void
queries(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SELECT DISTINCT SQL_NO_CACHE a x, b AS 'y z', t.*, d.t.* FROM t",
         "(select distinct a:x, b:y z, t.*, d.t.* (from t))"},
        {"SELECT a FROM t WHERE b GROUP BY c, d HAVING e ORDER BY f DESC, g LIMIT 5 OFFSET 6",
         "(select a (from t) (where b) (group c d) (having e) (order f desc g) (limit 5) "
         "(offset 6))"},
        {"SELECT a FROM t GROUP BY a WITH ROLLUP LIMIT 1, 2",
         "(select a (from t) (group-rollup a) (limit 2) (offset 1))"},
        {"SELECT 1 FROM DUAL WHERE 0", "(select 1 (where 0))"},
        {"SELECT 1 UNION SELECT 2 UNION ALL SELECT 3",
         "(union-all (union (select 1) (select 2)) (select 3))"},
        {"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4",
         "(except (union (select 1) (intersect (select 2) (select 3))) (select 4))"},
        {"(SELECT 1 LIMIT 1) UNION (SELECT 2) ORDER BY 1 LIMIT 2",
         "(union (select 1 (limit 1)) (select 2) (order 1) (limit 2))"},
        {"SELECT 1 UNION (SELECT 2 UNION SELECT 3)",
         "(union (select 1) (union (select 2) (select 3)))"},
        {"(SELECT 1)", "(select 1)"},
        {"((SELECT 1)) LIMIT 3", "(select 1 (limit 3))"},
        {"WITH a AS (SELECT 1), b (x, y) AS (SELECT 1, 2) SELECT * FROM a, b",
         "((with a=(select 1) b[x,y]=(select 1, 2)) select * (from (cross a b)))"},
        {"WITH RECURSIVE a AS (SELECT 1) SELECT 2", "((with recursive a=(select 1)) select 2)"},
        {"TABLE t LIMIT 1", "(select * (from t) (limit 1))"},
        {"SELECT a FROM t FOR UPDATE SKIP LOCKED", "(select a (from t) for-update skip-locked)"},
        {"SELECT a FROM t FOR SHARE NOWAIT", "(select a (from t) for-share nowait)"},
        {"SELECT a FROM t FOR UPDATE OF t, u NOWAIT",
         "(select a (from t) for-update of t,u nowait)"},
        {"SELECT a FROM t FOR UPDATE OF t FOR SHARE OF u SKIP LOCKED",
         "(select a (from t) for-update of t for-share of u skip-locked)"},
        {"SELECT a FROM t LOCK IN SHARE MODE", "(select a (from t) for-share)"},
        {"SELECT 1, 2 INTO @a, @b", "(select 1, 2 (into @a @b))"},
        {"SELECT 1 INTO @a FROM t", "(select 1 (from t) (into @a))"},
        {"SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1", "(select 1)"},
        {"SELECT a FROM t LIMIT 99999999999999999999", "(select a (from t) (limit "
                                                       "18446744073709551615u))"},
    };
    ASSERT_TREES(list);
}

static void
changes(void **state)
{
    (void)state;
    static const pair list[] = {
        {"INSERT INTO t VALUES (1, 'a', NULL), (DEFAULT, -1, NOW())",
         "(insert t (1 'a' NULL) ((default) (neg 1) (NOW)))"},
        {"INSERT IGNORE d.t (a, t.b) VALUE (1, 2)", "(insert ignore d.t [a,b] (1 2))"},
        {"INSERT INTO t () VALUES ()", "(insert t [] ())"},
        {"INSERT INTO t SET a = 1, b = DEFAULT", "(insert t [a,b] (1 (default)))"},
        {"INSERT INTO t (a) SELECT 1", "(insert t [a] (select 1))"},
        {"INSERT INTO t (SELECT 1)", "(insert t (select 1))"},
        {"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a) + 1, b = DEFAULT",
         "(insert t (1) (on-duplicate a=(+ (values a) 1) b=(default)))"},
        {"REPLACE t VALUES (1)", "(replace t (1))"},
        {"UPDATE IGNORE t SET a = a + 1, t.b = DEFAULT WHERE c ORDER BY d LIMIT 3",
         "(update ignore t (set a=(+ a 1) t.b=(default)) (where c) (order d) (limit 3))"},
        {"UPDATE a, b SET a.x = b.x", "(update_multi (cross a b) (set a.x=b.x))"},
        {"DELETE QUICK FROM t WHERE a ORDER BY b LIMIT 1",
         "(delete quick t (where a) (order b) (limit 1))"},
        {"DELETE FROM t AS x WHERE x.a = 1", "(delete t:x (where (= x.a 1)))"},
        {"DELETE a, d.b.* FROM a JOIN d.b", "(delete_multi [ a d.b ] (inner a d.b))"},
        {"DELETE FROM a.*, b USING a, b", "(delete_multi [ a b ] (cross a b))"},
        {"LOAD DATA LOCAL INFILE 'f' REPLACE INTO TABLE t FIELDS TERMINATED BY ',' ENCLOSED BY "
         "'\"' LINES STARTING BY 'xx' IGNORE 2 ROWS (a, @b) SET c = @b",
         "(load local replace 'f' t fields=1/1/1 lines=1/2 skip=2 a @b (set c=@b))"},
    };
    ASSERT_TREES(list);
}

static void
definitions(void **state)
{
    (void)state;
    static const pair list[] = {
        {"CREATE TABLE IF NOT EXISTS d.t (a INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, "
         "b VARCHAR(20) CHARSET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'x' UNIQUE COMMENT 'c')",
         "(create_table if-not-exists if-not-exists d.t (a type3 unsigned not-null auto primary) "
         "(b type15(20) charset=utf8mb4 collate=utf8mb4_bin unique (default 'x') comment=c))"},
        {"CREATE TABLE t (a DECIMAL(10,2), b DOUBLE, c FLOAT(30), d CHAR, e TEXT, f BLOB, g DATE, "
         "h DATETIME(6), i BOOL, j ENUM('x','y'), k VARBINARY(9), l BIGINT(20) ZEROFILL)",
         "(create_table t (a type246(10).2) (b type5) (c type5) (d type254) (e type252) "
         "(f type252 binary) (g type10) (h type12.6) (i type1(1) bool) (j type247 'x' 'y') "
         "(k type15(9) binary) (l type8(20) unsigned zerofill))"},
        {"CREATE TABLE t (a SERIAL)", "(create_table t (a type8 unsigned serial not-null auto "
                                      "unique))"},
        {"CREATE TABLE t (a INT, PRIMARY KEY (a), UNIQUE KEY u (a, b DESC), KEY (c(10)), INDEX i "
         "USING BTREE (d) COMMENT 'x' INVISIBLE)",
         "(create_table t (a type3) (primary [a]) (unique u [a,b desc]) (key [c(10)]) (key i [d] "
         "invisible))"},
        {"CREATE TABLE t (a INT, CONSTRAINT f FOREIGN KEY (a) REFERENCES d.u (x) ON DELETE CASCADE "
         "ON UPDATE SET NULL, CHECK (a > 1), CONSTRAINT c CHECK (b))",
         "(create_table t (a type3) (foreign constraint=f [a] ref=d.u[x] on-delete=cascade "
         "on-update=set-null) (check  (> a 1)) (check c b))"},
        {"CREATE TABLE t (a INT DEFAULT -1, b INT DEFAULT (1 + 2), c DATETIME DEFAULT "
         "CURRENT_TIMESTAMP ON UPDATE NOW(), d INT NULL DEFAULT NULL, e INT AS (a + 1) STORED)",
         "(create_table t (a type3 (default (neg 1))) (b type3 (default (+ 1 2))) (c type12 "
         "(default (NOW)) (on-update (NOW))) (d type3 null (default NULL)) (e type3 (stored (+ a "
         "1))))"},
        {"CREATE TABLE t (a INT) ENGINE=InnoDB DEFAULT CHARSET utf8mb4, COLLATE=x COMMENT='c' "
         "AUTO_INCREMENT 5",
         "(create_table t (a type3) ENGINE='InnoDB' CHARSET='utf8mb4' COLLATE='x' COMMENT='c' "
         "AUTO_INCREMENT=5)"},
        {"CREATE TABLE t LIKE d.u", "(create_table t like=d.u)"},
        {"CREATE TEMPORARY TABLE t (LIKE u)", "(create_table temporary temporary t like=u)"},
        {"CREATE TABLE t SELECT 1 a", "(create_table t (select 1:a))"},
        {"CREATE UNIQUE INDEX i ON d.t (a, b(3)) LOCK=NONE",
         "(create_index d.t (add-key (unique i [a,b(3)])) lock=none)"},
        {"DROP INDEX i ON t ALGORITHM INPLACE", "(drop_index t (drop-key i) inplace)"},
        {"DROP INDEX `PRIMARY` ON t", "(drop_index t (drop-key PRIMARY))"},
        {"ALTER TABLE t", "(alter_table t)"},
        {"ALTER TABLE d.t ADD a INT NOT NULL FIRST, ADD COLUMN b INT AFTER a, "
         "ADD (c INT, d INT, KEY (c))",
         "(alter_table d.t (add-column (a type3 not-null) first) (add-column (b type3) after=a) "
         "(add-column (c type3)) (add-column (d type3)) (add-key (key [c])))"},
        {"ALTER TABLE t MODIFY a INT AFTER b, CHANGE COLUMN c d INT FIRST",
         "(alter_table t (change-column a (a type3) after=b) (change-column c (d type3) first))"},
        {"ALTER TABLE t DROP a, DROP COLUMN b RESTRICT, DROP INDEX i, DROP KEY k, DROP PRIMARY "
         "KEY, DROP FOREIGN KEY f, DROP CHECK c, DROP CONSTRAINT x",
         "(alter_table t (drop-column a) (drop-column b) (drop-key i) (drop-key k) (drop-key "
         "PRIMARY) (drop-foreign f) (drop-check c) (drop-constraint x))"},
        {"ALTER TABLE t ALTER a SET DEFAULT -1, ALTER COLUMN b DROP DEFAULT, ALTER c SET "
         "INVISIBLE, ALTER INDEX i VISIBLE, ALTER CHECK k NOT ENFORCED, ALTER CONSTRAINT k "
         "ENFORCED",
         "(alter_table t (set-default a (neg 1)) (drop-default b) (column c invisible) (key i "
         "visible) (check k not-enforced) (constraint k enforced))"},
        {"ALTER TABLE t RENAME COLUMN a TO b, RENAME INDEX i TO j, RENAME KEY k TO l, RENAME AS "
         "e.u",
         "(alter_table t (rename-column a to=b) (rename-key i to=j) (rename-key k to=l) to=e.u)"},
        {"ALTER TABLE t RENAME u", "(alter_table t to=u)"},
        {"ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (a), ADD UNIQUE u (b), ADD CONSTRAINT x "
         "FOREIGN KEY (a) REFERENCES u (b)",
         "(alter_table t (add-key (primary constraint=p [a])) (add-key (unique u [b])) (add-key "
         "(foreign constraint=x [a] ref=u[b])))"},
        {"ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
         "(alter_table t convert=utf8mb4,utf8mb4_bin)"},
        {"ALTER TABLE t ENGINE=InnoDB COMMENT 'x', DEFAULT CHARSET latin1 COLLATE y, FORCE, "
         "WITHOUT VALIDATION, LOCK EXCLUSIVE, ALGORITHM=COPY, ORDER BY a, b DESC",
         "(alter_table t ENGINE='InnoDB' COMMENT='x' CHARSET='latin1' COLLATE='y' (order a b "
         "desc) force copy lock=exclusive)"},
        {"ALTER TABLE t DISABLE KEYS", "(alter_table t disable-keys)"},
        {"ALTER TABLE t ORDER BY a, ADD b INT", "(alter_table t (add-column (b type3)) (order a))"},
        {"DROP TABLE IF EXISTS a, b.c CASCADE", "(drop_table if-exists a b.c)"},
        {"TRUNCATE TABLE t", "(truncate t)"},
        {"RENAME TABLE a TO b, c TO d.e", "(rename_table a b c d.e)"},
        {"CREATE DATABASE IF NOT EXISTS x CHARACTER SET = utf8mb4",
         "(create_db x if-not-exists CHARSET='utf8mb4')"},
        {"DROP SCHEMA IF EXISTS x", "(drop_db x if-exists)"},
    };
    ASSERT_TREES(list);
}

/* The tables of a statement, wherever they stand; * marks those of an UPDATE or DELETE itself. */
static void
expect_leaves(const char *sql, const char *want)
{
    char got[200] = "";
    size_t n = 0;
    ql_ast_stmt *s;
    assert_int_equal(parse_text(sql, &s), QL_OK);
    for (const ql_ast_from *f = s->leaves; f != NULL; f = f->next_leaf) {
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s%s", n > 0 ? " " : "",
                              (int)f->table.name.n, f->table.name.p, f->dml ? "*" : "");
    }
    assert_string_equal(got, want);
}

static void
tables_of_a_statement(void **state)
{
    (void)state;
    expect_leaves("SELECT 1", "");
    expect_leaves("SELECT (SELECT 1 FROM a) FROM b JOIN (c, d) ON b.x IN (SELECT 1 FROM e) WHERE "
                  "EXISTS (SELECT 1 FROM (SELECT 1 FROM f) AS x)",
                  "a b c d e f");
    expect_leaves("TABLE a UNION SELECT 1 FROM b ORDER BY (SELECT 1 FROM c)", "a b c");
    expect_leaves("UPDATE a JOIN (b, c) SET x = (SELECT 1 FROM d)", "a* b* c* d");
    expect_leaves("UPDATE a, (SELECT 1 FROM b) AS q SET x = 1", "a* b");
    expect_leaves("DELETE FROM a WHERE x IN (SELECT 1 FROM b)", "a* b");
    expect_leaves("DELETE a FROM a JOIN b", "a* b*");
    expect_leaves("INSERT INTO a SELECT 1 FROM b", "b");
    expect_leaves("EXPLAIN DELETE FROM a", "a*");
    expect_leaves("DO (SELECT 1 FROM a)", "a");
    ql_ast_stmt *s;
    assert_int_equal(parse_text("WITH x AS (SELECT 1 FROM a), y AS (SELECT 2 FROM x) SELECT 1 FROM "
                                "y",
                                &s),
                     QL_OK);
    assert_int_equal(s->ncte_names, 2);
    assert_true(ql_str_eq(s->cte_names[1], QL_STR("y")));
}

static void
accounts(void **state)
{
    (void)state;
    static const pair list[] = {
        {"CREATE USER a, 'b'@'%', c@LocalHost, `d`@`10.%`",
         "(create_user (a@%) (b@%) (c@localhost) (d@10.%))"},
        {"CREATE USER IF NOT EXISTS a IDENTIFIED BY 'p'",
         "(create_user if-not-exists if-not-exists (a@% by=p))"},
        {"CREATE USER a IDENTIFIED WITH caching_sha2_password BY 'p', b IDENTIFIED WITH 'x' AS 'h'",
         "(create_user (a@% with=caching_sha2_password by=p) (b@% with=x as=h))"},
        {"ALTER USER CURRENT_USER() IDENTIFIED BY 'p'", "(alter_user (current_user by=p))"},
        {"ALTER USER USER() IDENTIFIED BY 'p'", "(alter_user (current_user by=p))"},
        {"DROP USER IF EXISTS ''@localhost", "(drop_user if-exists if-exists (@localhost))"},
        {"RENAME USER a TO b@c", "(rename_user (a@%) (b@c))"},
        {"GRANT SELECT, CREATE TEMPORARY TABLES, CONNECTION_ADMIN ON *.* TO a, b@c WITH GRANT "
         "OPTION",
         "(grant [SELECT,CREATE TEMPORARY TABLES,CONNECTION_ADMIN] on *.* (a@%) (b@c) "
         "grant-option)"},
        {"GRANT ALL PRIVILEGES ON d.* TO a", "(grant [ALL] on d. (a@%))"},
        {"REVOKE GRANT OPTION, INSERT ON d.t FROM a",
         "(revoke [INSERT] on d.t (a@%) grant-option)"},
        {"REVOKE ALL, GRANT OPTION FROM a", "(revoke [ALL] everything (a@%) grant-option)"},
        {"REVOKE ALL PRIVILEGES, GRANT OPTION ON *.* FROM a",
         "(revoke [ALL] on *.* (a@%) grant-option)"},
        {"CREATE USER a ACCOUNT LOCK", "(create_user (a@%) lock)"},
        {"ALTER USER a ACCOUNT UNLOCK PASSWORD EXPIRE NEVER", "(alter_user (a@%) unlock)"},
        {"SET PASSWORD = 'x'", "(set_password (current_user by=x))"},
        {"SET PASSWORD FOR a@b = 'x'", "(set_password (a@b by=x))"},
        {"SHOW GRANTS FOR a@b", "(show_grants 13 for=a@b)"},
    };
    ASSERT_TREES(list);
}

static void
kills(void **state)
{
    (void)state;
    static const pair list[] = {
        {"KILL 5", "(kill connection 5)"},
        {"KILL CONNECTION 5", "(kill connection 5)"},
        {"KILL QUERY 5 + 1", "(kill query (+ 5 1))"},
        {"KILL QUERY ID 5", "(kill query-id 5)"},
        {"KILL QUERY ID (5)", "(kill query-id 5)"},
        {"KILL HARD QUERY ID 5", "(kill query-id 5)"},
        {"KILL SOFT CONNECTION 5", "(kill connection soft 5)"},
        {"KILL SOFT 5", "(kill connection soft 5)"},
        {"KILL USER a@b", "(kill connection user a@b)"},
        {"KILL SOFT QUERY USER 'a'", "(kill query soft user a@%)"},
        {"KILL CONNECTION USER CURRENT_USER()", "(kill connection user current_user)"},
        {"KILL @v", "(kill connection @v)"},
        {"KILL CONNECTION_ID()", "(kill connection (CONNECTION_ID))"},
        {"KILL NULL", "(kill connection NULL)"},
        {"KILL '5'", "(kill connection '5')"},
        {"KILL (SELECT MAX(id) FROM t)", "(kill connection (sub (select (MAX id) (from t))))"},
        {"KILL /*innotop*/ QUERY 5", "(kill query 5)"},
    };
    ASSERT_TREES(list);
    the.mode.allow_params = true;
    assert_string_equal(tree_of("KILL ?"), "(kill connection ?0)");
    assert_string_equal(tree_of("KILL /*innotop*/ QUERY ?"), "(kill query ?0)");
    the.mode.allow_params = false;
}

static void
administration(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SET @a = 1, @b := 'x'", "(set_option (user a 1) (user b 'x'))"},
        {"SET a = 1, GLOBAL b = ON, c = DEFAULT, SESSION d = OFF, e = 'x'",
         "(set_option (var session a 1) (var global b ON) (var global c -) (var session d OFF) "
         "(var session e 'x'))"},
        {"SET @@a = 1, @@global.b = 2, @@session.c = 3, @@local.d = 4, PERSIST e = 5",
         "(set_option (var default a 1) (var global b 2) (var session c 3) (var session d 4) (var "
         "persist e 5))"},
        {"SET x.y = 1, binlog_format = ROW, character_set_client = binary",
         "(set_option (var session x.y 1) (var session binlog_format ROW) (var session "
         "character_set_client binary))"},
        {"SET NAMES utf8mb4 COLLATE 'x', CHARACTER SET DEFAULT",
         "(set_option (names utf8mb4 collate=x) (charset))"},
        {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
         "(set_option (transaction session isolation=1 read_only=1))"},
        {"SET TRANSACTION READ WRITE",
         "(set_option (transaction default isolation=-1 read_only=0))"},
        {"BEGIN WORK", "(begin)"},
        {"START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT", "(begin snapshot read_only=1)"},
        {"COMMIT AND CHAIN NO RELEASE", "(commit chain=1 release=0)"},
        {"ROLLBACK WORK RELEASE", "(rollback release=1)"},
        {"SAVEPOINT a", "(savepoint a)"},
        {"ROLLBACK TO SAVEPOINT a", "(rollback_to_savepoint a)"},
        {"RELEASE SAVEPOINT a", "(release_savepoint a)"},
        {"LOCK TABLES a READ LOCAL, d.b AS x WRITE, c y READ",
         "(lock_tables a:=read d.b:x=write c:y=read)"},
        {"UNLOCK TABLES", "(unlock_tables)"},
        {"PREPARE s FROM 'SELECT ?'", "(prepare_sql s 'SELECT ?')"},
        {"EXECUTE s USING @a, @b", "(execute_sql s @a @b)"},
        {"DROP PREPARE s", "(dealloc_sql s)"},
        {"FLUSH TABLES a, b WITH READ LOCK", "(flush a b [TABLES,WITH READ LOCK])"},
        {"FLUSH LOCAL BINARY LOGS, STATUS", "(flush [BINARY LOGS,STATUS])"},
        {"CHECK TABLE a, b FOR UPGRADE QUICK", "(check a b [FOR UPGRADE,QUICK])"},
        {"CHECKSUM TABLE a, d.b EXTENDED", "(checksum a d.b [EXTENDED])"},
        {"REPAIR LOCAL TABLE a USE_FRM", "(repair a [USE_FRM])"},
        {"USE `x y`", "(change_db x y)"},
        {"DO 1, SLEEP(2) AS x", "(do 1 (SLEEP 2))"},
        {"SHUTDOWN", "(shutdown)"},
    };
    ASSERT_TREES(list);
}

static void
shows(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SHOW DATABASES LIKE 'a%'", "(show_databases 0 like=a%)"},
        {"SHOW FULL TABLES FROM d WHERE x", "(show_tables 1 full d. (where x))"},
        {"SHOW COLUMNS FROM t FROM d", "(show_fields 2 d.t)"},
        {"SHOW EXTENDED FULL FIELDS IN d.t LIKE 'x'", "(show_fields 2 full extended d.t like=x)"},
        {"DESCRIBE d.t", "(show_fields 2 d.t)"},
        {"DESC t x", "(show_fields 2 t like=x)"},
        {"EXPLAIN t 'x%'", "(show_fields 2 t like=x%)"},
        {"SHOW CREATE TABLE d.t", "(show_create_table 3 d.t)"},
        {"SHOW KEYS FROM t", "(show_keys 5 t)"},
        {"SHOW GLOBAL VARIABLES LIKE 'x'", "(show_variables 6 global like=x)"},
        {"SHOW STATUS", "(show_status 7)"},
        {"SHOW /*!50002 GLOBAL */ STATUS LIKE 'x'", "(show_status 7 global like=x)"},
        {"SHOW WARNINGS LIMIT 1, 2", "(show_warnings 8 (limit 2) (offset 1))"},
        {"SHOW COUNT(*) ERRORS", "(select 19)"},
        {"SHOW FULL PROCESSLIST", "(show_processlist 10 full)"},
        {"SHOW PROCESSLIST", "(show_processlist 10)"},
        {"SHOW TABLE STATUS IN d", "(show_table_status 11 d.)"},
        {"SHOW ENGINE InnoDB STATUS", "(show_engine_status 23 name=InnoDB)"},
        {"SHOW BINARY LOGS", "(show_binlogs 31)"},
        {"EXPLAIN SELECT 1", "(select (select 1))"},
        {"EXPLAIN FORMAT=json UPDATE t SET a = 1", "(update json(update t (set a=1)))"},
        {"EXPLAIN ANALYZE SELECT 1", "(select analyze (select 1))"},
        {"EXPLAIN FOR CONNECTION 5", "(explain_other 5)"},
    };
    ASSERT_TREES(list);
}

/* Column headings, as a MySQL client shows them. */
static void
headings(void **state)
{
    (void)state;
    static const pair list[] = {
        {"SELECT 1 + 1", "1 + 1"},
        {"SELECT  ( 1 +1 )  FROM t", "( 1 +1 )"},
        {"SELECT t.Ab FROM t", "Ab"},
        {"SELECT (a)", "a"},
        {"SELECT 'abc'", "abc"},
        {"SELECT 'it''s'", "it's"},
        {"SELECT (1)", "1"},
        {"SELECT 1.50", "1.50"},
        {"SELECT null", "NULL"},
        {"SELECT true", "TRUE"},
        {"SELECT x'41'", "x'41'"},
        {"SELECT @@version_comment LIMIT 1", "@@version_comment"},
        {"SELECT CONNECTION_ID()", "CONNECTION_ID()"},
        {"SELECT count( * ) FROM t", "count( * )"},
        {"SELECT SLEEP(1) /* c */, 2", "SLEEP(1)"},
        {"SELECT a -- c\n, b", "a"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(list); i++) {
        ql_ast_stmt *s;
        char got[64];
        assert_int_equal(parse_text(list[i].sql, &s), QL_OK);
        ql_str h = s->select->items[0].heading;
        (void)snprintf(got, sizeof got, "%.*s", (int)h.n, h.p);
        assert_string_equal(got, list[i].tree);
    }
}

static void
several_statements(void **state)
{
    (void)state;
    ql_ast_stmt *s;
    const char *text = " SELECT 1 ;\n -- c\n /* d */ SELECT 2;; ";
    assert_int_equal(parse_text(text, &s), QL_OK);
    assert_int_equal(s->text.n, strlen("SELECT 1 "));
    assert_int_equal(the.consumed, strstr(text, "SELECT 2") - text);
    assert_int_equal(parse_text(text + the.consumed, &s), QL_OK);
    assert_int_equal(the.consumed, strlen("SELECT 2;; "));
    assert_memory_equal(s->text.p, "SELECT 2", 8);
    assert_int_equal(s->text.n, 8);

    assert_int_equal(parse_text("SELECT ';'; SELECT 2", &s), QL_OK);
    assert_int_equal(the.consumed, strlen("SELECT ';'; "));
    assert_int_equal(parse_text("SELECT 1; -- the end", &s), QL_OK);
    assert_int_equal(the.consumed, strlen("SELECT 1; -- the end"));
    assert_int_equal(parse_text("SELECT 1; /*!40101 SET @a = 1 */", &s), QL_OK);
    assert_int_equal(the.consumed, strlen("SELECT 1; "));

    text = "SELECT 1;\nSELECT 2";
    assert_int_equal(parse_text(text, &s), QL_OK);
    assert_int_equal(ql_parse_fail_rest(&the.cx, str_of(text), the.consumed), QL_ERROR);
    assert_non_null(strstr(ql_diag_error(the.cx.diag)->text, "near 'SELECT 2' at line 2"));
}

/* A warning, never an error. */
static void
hints(void **state)
{
    (void)state;
    ql_ast_stmt *s;
    assert_int_equal(parse_text("SELECT /*+ NONSENSE(1) */ 1", &s), QL_OK);
    assert_int_equal(ql_diag_warning_count(the.cx.diag), 1);
    assert_string_equal(ql_diag_at(the.cx.diag, 0)->text,
                        "Optimizer hint syntax error near 'NONSENSE(1) */ 1' at line 1");
    assert_false(s->has_max_execution_time);
    assert_int_equal(parse_text("SELECT /*+ BKA(a) MAX_EXECUTION_TIME(7) */ 1", &s), QL_OK);
    assert_true(s->has_max_execution_time);
    assert_int_equal(s->max_execution_time, 7);
    assert_int_equal(parse_text("INSERT /*+ MAX_EXECUTION_TIME(7) */ INTO t VALUES (1)", &s),
                     QL_OK);
    assert_int_equal(ql_diag_warning_count(the.cx.diag), 1);
    assert_int_equal(parse_text("SELECT 1 /*+ MAX_EXECUTION_TIME(7) */", &s), QL_OK);
    assert_false(s->has_max_execution_time);
}

/* What mariadb, mysqladmin, mysqldump, PyMySQL, Connector/J, pt-kill, sysbench and the like send.
 */
static void
stock_clients(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SET NAMES utf8mb4",
        "SET AUTOCOMMIT = 0",
        "SET @@session.autocommit=0",
        "SET @@session.autocommit = OFF",
        "SET SQL_SAFE_UPDATES=1,SQL_SELECT_LIMIT=1000,MAX_JOIN_SIZE=1000000",
        "select @@version_comment limit 1",
        "select DATABASE(), USER() limit 1",
        "SELECT DATABASE()",
        "select connection_id(), @@session.transaction_isolation",
        "SELECT @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment",
        "/* mysql-connector-java-8.0.33 */SELECT  @@session.auto_increment_increment AS "
        "auto_increment_increment, @@character_set_client AS character_set_client, "
        "@@collation_server AS collation_server, @@init_connect AS init_connect",
        "SET character_set_results = NULL",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET session wait_timeout=28800",
        "SHOW FULL PROCESSLIST",
        "show processlist",
        "show global variables like 'wait_timeout'",
        "SHOW /*!50002 GLOBAL */ STATUS",
        "SHOW GLOBAL STATUS LIKE 'Com_%'",
        "SHOW SESSION VARIABLES LIKE 'lower_case_table_names'",
        "SHOW VARIABLES LIKE 'wsrep\\_on'",
        "SHOW VARIABLES WHERE Variable_name IN ('hostname','port')",
        "SHOW WARNINGS",
        "SHOW COUNT(*) WARNINGS",
        "FLUSH /*!40101 LOCAL */ TABLES",
        "FLUSH TABLES WITH READ LOCK",
        "/*!40100 SET @@SQL_MODE='' */",
        "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
        "/*!50503 SET NAMES utf8mb4 */",
        "/*!40103 SET TIME_ZONE='+00:00' */",
        "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
        "/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */",
        "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */",
        "SET SQL_QUOTE_SHOW_CREATE=1",
        "START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */",
        "SHOW CREATE DATABASE IF NOT EXISTS `x`",
        "SHOW TABLE STATUS LIKE 't'",
        "SELECT /*!40001 SQL_NO_CACHE */ * FROM `t`",
        "SELECT `a`, `b` FROM `t`  WHERE 1 limit 1",
        "LOCK TABLES `t` READ /*!32311 LOCAL */, `u` READ /*!32311 LOCAL */",
        "DROP TABLE IF EXISTS `t`",
        "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `x` /*!40100 DEFAULT CHARACTER SET utf8mb4 "
        "COLLATE "
        "utf8mb4_general_ci */ /*!80016 DEFAULT ENCRYPTION='N' */",
        "CREATE TABLE `t` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `c` char(120) COLLATE "
        "utf8mb4_bin NOT NULL DEFAULT '',\n  PRIMARY KEY (`id`),\n  KEY `k` (`c`)\n) "
        "ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci",
        "/*!40000 ALTER TABLE `t` DISABLE KEYS */",
        "UNLOCK TABLES",
        "SELECT LOGFILE_GROUP_NAME, FILE_NAME FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = "
        "'UNDO LOG' AND FILE_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IS NOT NULL GROUP BY "
        "LOGFILE_GROUP_NAME ORDER BY LOGFILE_GROUP_NAME",
        "CREATE TABLE sbtest1(\n  id INTEGER NOT NULL AUTO_INCREMENT,\n  k INTEGER DEFAULT '0' NOT "
        "NULL,\n  c CHAR(120) DEFAULT '' NOT NULL,\n  pad CHAR(60) DEFAULT '' NOT NULL,\n  PRIMARY "
        "KEY (id)\n) /*! ENGINE = innodb */",
        "CREATE INDEX k_1 ON sbtest1(k)",
        "SELECT c FROM sbtest1 WHERE id BETWEEN 1 AND 100 ORDER BY c",
        "SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN 1 AND 100 ORDER BY c",
        "SELECT /*!40001 SQL_NO_CACHE */ SUM(k) FROM sbtest1 WHERE id BETWEEN 1 AND 2",
        "SHOW REPLICA STATUS FOR CHANNEL 'a'",
        "SHOW REPLICAS",
        "SHOW BINARY LOG STATUS",
        "SHOW BINLOG EVENTS IN 'a' FROM 4 LIMIT 2, 5",
        "SHOW PROFILE CPU, BLOCK IO FOR QUERY 2 LIMIT 1",
        "SHOW PROFILES",
        "SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA",
        "SET @@SESSION.SQL_LOG_BIN= 0",
        "SET SESSION NET_READ_TIMEOUT= 86400, SESSION NET_WRITE_TIMEOUT= 86400",
        "SET max_statement_time=0",
        "SET SESSION max_execution_time = 1000",
        "KILL QUERY 12",
        "kill 12",
        "KILL CONNECTION 12",
        "SELECT @@wsrep_on",
        "SELECT CURRENT_USER()",
        "SHOW GRANTS",
        "SET SESSION sql_mode = 'ANSI,TRADITIONAL'",
        "rollback",
        "SELECT 1 /* ping */",
        "/* ping */ SELECT 1",
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(texts); i++) {
        ql_ast_stmt *s;
        if (parse_text(texts[i], &s) != QL_OK) {
            print_message("%s\n%s\n", texts[i], ql_diag_error(the.cx.diag)->text);
            fail();
        }
        assert_int_equal(the.consumed, strlen(texts[i]));
    }
}

static void
com_names(void **state)
{
    (void)state;
    ql_ast_stmt *s;
    assert_int_equal(parse_text("SET @a = 1", &s), QL_OK);
    assert_int_equal(ql_ast_stmt_com(s), QL_CC_set_option);
    assert_int_equal(parse_text("USE d", &s), QL_OK);
    assert_int_equal(ql_ast_stmt_com(s), QL_CC_change_db);
    assert_int_equal(parse_text("INSERT INTO t SELECT 1", &s), QL_OK);
    assert_int_equal(ql_ast_stmt_com(s), QL_CC_insert_select);
    assert_int_equal(parse_text("SHOW PROCESSLIST", &s), QL_OK);
    assert_int_equal(ql_ast_stmt_com(s), QL_CC_show_processlist);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence),
        cmocka_unit_test(expressions),
        cmocka_unit_test(joins),
        cmocka_unit_test(queries),
        cmocka_unit_test(changes),
        cmocka_unit_test(definitions),
        cmocka_unit_test(accounts),
        cmocka_unit_test(tables_of_a_statement),
        cmocka_unit_test(kills),
        cmocka_unit_test(administration),
        cmocka_unit_test(shows),
        cmocka_unit_test(headings),
        cmocka_unit_test(several_statements),
        cmocka_unit_test(hints),
        cmocka_unit_test(stock_clients),
        cmocka_unit_test(com_names),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
