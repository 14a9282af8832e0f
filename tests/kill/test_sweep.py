# SPDX-License-Identifier: Apache-2.0
"""The kill sweep (after SQLite's fault sweeps): each statement is run once to count its checkpoints N, then again with a kill at the i-th of
them for i = 1..N, on the same data. After each: the error of that kill or full success; the data wholly unchanged or wholly changed; the
next statement works; no transaction, lock, snapshot, overlay or arena is left. The same with failing allocations."""
# pieces: setup kill_query gap | setup time_limit gap | setup kill_connection gap | setup client_gone gap | setup failing prepared gap
import os
import pathlib
import shutil
import tempfile

import quell
from harness import main
from sweep import points
from wire import Closed, Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "24"))  # kill points tried for each statement and kind of kill
FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-files-"))
OUT, IN = FILES / "out", FILES / "in"
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", f"--secure-file-priv={FILES}", "--local-infile=1", *os.environ.get("QUELL_SWEEP_ARGS", "").split()])
server.start()
watch = Watcher(server)

ROWS = 300
IN.write_bytes(b"".join(b"%d\t1\tnew %d\t%d.5\n" % (i, i, i) for i in range(200, 600)) + b"1000\t1\t" + b"long" * 50 + b"\t1\n")
SETUP = ["DROP TABLE IF EXISTS s.fresh, s.fg, s.fc, s.fp", "DROP TABLE IF EXISTS s.a", "DROP TABLE IF EXISTS s.b", "DROP TABLE IF EXISTS s.auto", "DROP TABLE IF EXISTS s.fresh", "DROP TABLE IF EXISTS s.made", "DROP TABLE IF EXISTS s.named",
         "CREATE TABLE s.a (id INT PRIMARY KEY, g INT, v VARCHAR(200), d DECIMAL(12,3), KEY (g), KEY (v))",
         "CREATE TABLE s.b (id INT PRIMARY KEY, a_id INT, n DOUBLE, t TEXT, UNIQUE KEY (a_id))",
         "CREATE TABLE s.auto (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
         "CREATE TABLE s.made (id INT PRIMARY KEY, n INT DEFAULT (id * 2) CHECK (n >= 0), g INT AS (n + 1) STORED, v VARCHAR(20) AS (CONCAT('v', g)), KEY (g), KEY e ((n % 10)))",
         "INSERT INTO s.made (id) VALUES " + ",".join(f"({i})" for i in range(100)),
         "INSERT INTO s.a VALUES " + ",".join(f"({i}, {i % 7}, 'value {i * 7919 % ROWS}', {i}.125)" for i in range(ROWS)),
         "INSERT INTO s.b VALUES " + ",".join(f"({i}, {i * 2}, {i}.5, '{'text ' * (i % 50)}')" for i in range(ROWS // 2)),
         "INSERT INTO s.auto (v) VALUES (1), (2), (3)",
         "CREATE TABLE s.named (id INT PRIMARY KEY, e ENUM('z','y','x','a'), l SET('z','y','x'), b BIT(9), y YEAR, f FLOAT(7,2), KEY (e, l), KEY (b), KEY (y))",
         "INSERT INTO s.named VALUES " + ",".join(f"({i}, {i % 4 + 1}, {i % 8}, {i}, {1901 + i}, {i}.129)" for i in range(200)),
         "CREATE TABLE s.fp (id INT PRIMARY KEY, v INT)",
         "CREATE TABLE s.fc (id INT PRIMARY KEY, p INT, n INT AS (p + 1) VIRTUAL, KEY (p), FOREIGN KEY (p) REFERENCES s.fp (id) ON DELETE CASCADE ON UPDATE CASCADE)",
         "CREATE TABLE s.fg (id INT PRIMARY KEY, c INT, KEY (c), FOREIGN KEY (c) REFERENCES s.fc (id) ON DELETE SET NULL ON UPDATE CASCADE)",
         "DROP TABLE IF EXISTS s.doc",
         "CREATE TABLE s.doc (id INT PRIMARY KEY, j JSON, k VARCHAR(40) AS (j->>'$.name'), KEY (k))",
         "INSERT INTO s.doc (id, j) VALUES " + ",".join(f"""({i}, '{{"name": "n{i % 17}", "list": [{i}, {{"x": [{', '.join('1' * (i % 40))}]}}], "z": null}}')""" for i in range(120)),
         "INSERT INTO s.fp VALUES " + ",".join(f"({i}, 0)" for i in range(60)),
         "INSERT INTO s.fc (id, p) VALUES " + ",".join(f"({i}, {i % 50})" for i in range(200)),
         "INSERT INTO s.fg VALUES " + ",".join(f"({i}, {i % 200})" for i in range(300)),
         "CREATE OR REPLACE VIEW s.low AS SELECT id, g, v FROM s.a WHERE g < 5",
         "CREATE OR REPLACE VIEW s.kept AS SELECT id, v, g, d FROM s.a WHERE g < 1000 WITH CHECK OPTION",
         "CREATE OR REPLACE VIEW s.sums AS SELECT g, COUNT(*) AS n FROM s.low GROUP BY g",
         "CREATE OR REPLACE VIEW s.pairs AS SELECT a.id, a.v, a.g, b.id AS b_id, b.n FROM s.a JOIN s.b ON b.a_id = a.id WHERE a.v <> 'none'",
         "CREATE OR REPLACE VIEW s.paired AS SELECT a.id, a.v, a.g, b.n FROM s.a JOIN s.b ON b.a_id = a.id WHERE EXISTS (SELECT 1 FROM s.b x WHERE x.n < a.g + 2) WITH CHECK OPTION"]
TABLES = {"doc": "id", "fp": "id", "fc": "id", "fg": "id", "a": "id", "b": "id", "auto": "v", "fresh": "id", "made": "id", "named": "id"}

LOOSE = {
    "SELECT a, MIN(b), MAX(b), COUNT(DISTINCT b) FROM many.t WHERE a > 0 GROUP BY a ORDER BY a DESC": "skip scan for grouping",
    "SELECT a, MAX(c), MIN(c) FROM many.t GROUP BY a": "skip scan for grouping",
    "SELECT COUNT(DISTINCT d), MIN(d) FROM many.t": "skip scan for grouping",
    "SELECT DISTINCT d FROM many.t WHERE d <> 'y'": "skip scan for deduplication",
    "SELECT a, c, b FROM many.t ORDER BY a, c DESC, b LIMIT 5": "rows in order of",
}
READS = [
    "SELECT 1",
    "SELECT HEX(CONVERT(v USING gbk)), MD5(CONVERT(v USING utf16)), CONVERT(v USING latin1) COLLATE latin1_german1_ci < 'm', CONCAT(CONVERT(v USING cp1251), 0x41) FROM s.a WHERE id < 60 ORDER BY CONVERT(v USING sjis)",
    "SELECT id, j->>'$.name', JSON_SET(j, '$.list[1].x[0]', id), JSON_REMOVE(j, '$.z') FROM s.doc WHERE j->'$.list[0]' < 90 ORDER BY j DESC",
    "SELECT k, JSON_ARRAYAGG(j), JSON_OBJECTAGG(id, j->'$.list') FROM s.doc GROUP BY k",
    "SELECT d.id, t.n, t.v, t.x FROM s.doc d LEFT JOIN JSON_TABLE(d.j, '$' COLUMNS (n CHAR(5) PATH '$.name', NESTED PATH '$.list[*]' COLUMNS (v INT PATH '$', NESTED PATH '$.x[*]' COLUMNS (x INT PATH '$')))) t ON t.v < 50 OR t.x = 1 ORDER BY 1, 3, 4",
    """ANALYZE TABLE s.a UPDATE HISTOGRAM ON g USING DATA '{"buckets": [""" + ", ".join(f"[{i}, {(i + 1) / 100}]" for i in range(100)) +
    """], "data-type": "int", "null-values": 0, "collation-id": 8, "sampling-rate": 1, "histogram-type": "singleton", "number-of-buckets-specified": 100}'""",
    "SELECT COUNT(DISTINCT j), JSON_SEARCH(JSON_ARRAYAGG(j), 'all', 'n1%') FROM s.doc",
    "SELECT * FROM s.a",
    "SELECT v FROM s.a WHERE id = 17",
    "SELECT v FROM s.a ORDER BY id LIMIT 5 OFFSET 250",
    "SELECT id, d FROM s.a FORCE INDEX (v) ORDER BY v LIMIT 5 OFFSET 250",
    "SELECT COUNT(*) FROM s.a JOIN s.b ON b.a_id = a.id WHERE a.id = 10 OR b.id = 20 OR a.id IN (4, 6)",
    "SELECT a.v, b.n FROM s.a JOIN s.b ON b.a_id = a.id WHERE a.g < 5",
    "SELECT COUNT(*) FROM s.a LEFT JOIN s.b ON b.n > a.id",
    "SELECT a.v, b.t FROM s.a FORCE INDEX (g) LEFT JOIN s.b ON b.a_id = a.id AND b.n > 20 WHERE a.g BETWEEN 1 AND 5 AND a.id % 3 = 0",
    "SELECT x.v FROM s.b JOIN s.a x ON x.g = b.a_id OR x.v = b.t WHERE b.id < 20",
    "SELECT * FROM s.a ORDER BY v DESC, d LIMIT 20",
    "SELECT * FROM s.a ORDER BY REPEAT(v, 20)",
    "SELECT g, COUNT(*), SUM(d), AVG(d), MIN(v), MAX(v), GROUP_CONCAT(v) FROM s.a GROUP BY g HAVING COUNT(*) > 1 ORDER BY 2",
    "SELECT DISTINCT g, LEFT(v, 7) FROM s.a",
    "SELECT g, COUNT(*), COUNT(DISTINCT id), MAX(id) FROM s.a GROUP BY g ORDER BY g DESC LIMIT 5",
    "SELECT v, SUM(d), GROUP_CONCAT(v), MIN(v) FROM s.a GROUP BY v LIMIT 5",
    "SELECT DISTINCT g FROM s.a ORDER BY g DESC",
    "SELECT v FROM s.a WHERE id >= (SELECT MAX(id) - 5 FROM s.a x WHERE x.g > (SELECT AVG(g) FROM s.a)) AND EXISTS (SELECT 1 FROM s.b WHERE n > 1)",
    "SELECT a.v, b.n FROM s.a LEFT JOIN s.b ON b.a_id = a.id AND b.n > 3 AND b.n < 2 WHERE a.g = 1 OR (a.id > 5 AND a.id IN (1, 2, 3))",
    "SELECT MIN(g), MAX(v), MAX(id), (SELECT MAX(n) FROM s.b) FROM s.a",
    *LOOSE,
    "SELECT id FROM s.a UNION SELECT id + 100 FROM s.b UNION ALL SELECT 1",
    "SELECT id FROM s.a WHERE id IN (SELECT a_id FROM s.b WHERE n > 20) AND EXISTS (SELECT 1 FROM s.b WHERE b.id = a.g)",
    "SELECT id, (SELECT MAX(n) FROM s.b WHERE b.a_id <= a.id) FROM s.a WHERE id < 50",
    "SELECT id, (SELECT AVG(n) FROM s.b WHERE b.a_id = a.id) FROM s.a WHERE id < 150 OR EXISTS (SELECT 1 FROM s.b WHERE b.a_id = a.g AND b.n > 20)",
    "SELECT a.id FROM s.a LEFT JOIN s.b ON b.a_id = a.id WHERE b.id IS NULL AND ((a.g = 3 AND a.id < 90) OR (a.g = 4 AND a.id > 9))",
    "SELECT COUNT(*) FROM s.a WHERE v REGEXP 'v.*[0-9]{2}$' OR v LIKE '%alu%9%'",
    "SELECT LENGTH(REPEAT(v, 10000)), MD5(REPEAT('x', 300000)), REPLACE(REPEAT('ab', 50000), 'a', 'ccc') LIKE '%q' FROM s.a WHERE id < 3",
    "SELECT BENCHMARK(5000, MD5('x'))",
    "SELECT REPEAT('x', 20000) REGEXP 'x{2,4}z'",
    "SELECT * FROM (SELECT g, COUNT(*) AS c FROM s.a GROUP BY g) AS d JOIN s.b ON b.id = d.c",
    "SELECT SQL_CALC_FOUND_ROWS a.id FROM s.a, s.b WHERE b.id < 40 LIMIT 3",
    "SELECT SQL_CALC_FOUND_ROWS DISTINCT g FROM s.a ORDER BY -g LIMIT 2, 1",
    "SELECT (SELECT SUM(a.g) / COUNT(*) FROM s.b LIMIT 1) FROM s.a",
    "SELECT g FROM s.a GROUP BY g HAVING EXISTS (SELECT 1 FROM s.b WHERE b.id = SUM(a.g) ORDER BY b.n LIMIT 5)",
    "SELECT id FROM s.a o WHERE id < 40 AND d IN (SELECT CONCAT(n) FROM s.b WHERE b.id <= o.id)",
    "SELECT COUNT(*) FROM s.a WHERE NOT EXISTS (SELECT 1 FROM s.b WHERE b.n > a.id + 300)",
    "SELECT COUNT(*) FROM s.a WHERE g NOT IN (SELECT x.id FROM s.a x WHERE x.v = a.v) AND EXISTS (SELECT 1 FROM s.b WHERE b.a_id = a.id AND b.n > a.g)",
    "SELECT d.w, e.n FROM (SELECT id, CONCAT(v, 'w') AS w FROM s.a WHERE g < 4) d LEFT JOIN (SELECT a_id, COUNT(*) AS n FROM s.b GROUP BY a_id) e ON e.a_id = d.id WHERE d.id IN (SELECT a_id FROM s.b)",
    "EXPLAIN SELECT a.v, (SELECT MAX(n) FROM s.b WHERE b.a_id <= a.id) FROM s.a JOIN s.b ON b.a_id = a.id WHERE a.g < 5",
    "EXPLAIN FORMAT=TREE UPDATE s.a SET v = CONCAT(v, '!') WHERE id IN (SELECT a_id FROM s.b WHERE n > 20)",
    "EXPLAIN FORMAT=JSON INSERT INTO s.b SELECT g, COUNT(*), 1, MIN(v) FROM s.a WHERE id IN (" + "123456, " * 2_000 + "1) GROUP BY g HAVING COUNT(*) > 3",
    "SELECT /*+ QB_NAME(q) INDEX(x g) NO_MRR(y@q) JOIN_PREFIX(y, x) SEMIJOIN(@z FIRSTMATCH) SET_VAR(sort_buffer_size = 64K) */ x.v FROM s.a AS x JOIN s.b AS y ON y.a_id = x.id WHERE x.id IN (SELECT /*+ QB_NAME(z) */ a_id FROM s.b)",
    "SELECT STRAIGHT_JOIN x.v FROM s.a AS x USE INDEX FOR ORDER BY (v) IGNORE INDEX (g) STRAIGHT_JOIN s.b AS y FORCE INDEX (a_id) ON y.a_id = x.id ORDER BY x.v",
    "SELECT e, l + 0, COUNT(*), MIN(e), MAX(l), SUM(b), MAX(y), GROUP_CONCAT(b) FROM s.named WHERE e IN ('y', 'a', 'none') OR l = 'z,x' OR y = 5 GROUP BY e, l ORDER BY e DESC, CONCAT(l)",
    "SELECT x.e, y.l FROM s.named x JOIN s.named y ON x.e = y.e AND x.l = y.l AND x.b < y.b WHERE x.e > 1 AND FIND_IN_SET('y', x.l)",
    "SELECT id / 7, COUNT(DISTINCT id / 3) FROM s.named GROUP BY id / 7 ORDER BY id / 7 DESC",
    "CHECKSUM TABLE s.a, s.b",
    "CHECK TABLE s.fc, s.fg",
    "SELECT x.v, y.n FROM s.low x JOIN s.sums y ON y.g = x.g WHERE x.id < 50",
    "SELECT (SELECT MAX(n) FROM s.sums), COUNT(*) FROM s.low WHERE EXISTS (SELECT * FROM s.low z WHERE z.g = low.id)",
    "SHOW CREATE VIEW s.sums",
    "SELECT * FROM information_schema.VIEWS",
    "SELECT * FROM information_schema.VIEW_TABLE_USAGE",
    f"SELECT * FROM s.a INTO OUTFILE '{OUT}' FIELDS TERMINATED BY ',' ENCLOSED BY '\"'",
    f"SELECT REPEAT(v, 10000) FROM s.a WHERE id < 3 INTO OUTFILE '{OUT}'",
    f"SELECT REPEAT(v, 1000000) FROM s.a WHERE id = 3 INTO DUMPFILE '{OUT}'",
    "SELECT id, v FROM s.a WHERE id = 4 INTO @i, @v",
    "SHOW TABLES FROM s",
    "SHOW CREATE TABLE s.a",
    "SHOW COLUMNS FROM s.b",
    "SHOW STATUS",
    "SHOW VARIABLES LIKE 'max%'",
    "SELECT COUNT(*) FROM information_schema.PROCESSLIST",
    "DO SLEEP(0)",
    "SET @x = (SELECT COUNT(*) FROM s.a)",
    "PREPARE p FROM 'SELECT * FROM s.a WHERE id = ?'",
    # Large literals, lists and constants: the lexer, the parser, the resolver and single evaluations.
    "SELECT LENGTH('" + "abc1" * 100_000 + "'), LENGTH(x'" + "4142" * 50_000 + "'), LENGTH('" + "a\\nb''" * 50_000 + "')",
    "SELECT 5 IN (" + "123456, " * 20_000 + "1), CASE 5 " + "WHEN 1 THEN 2 " * 5000 + "END, LENGTH(CONCAT(" + "'abc', " * 20_000 + "'x'))",
    "SELECT 1 ORDER BY " + "1, " * 50_000 + "1",
    "SELECT REPEAT('abc1', 100000) REGEXP 'c1b', LENGTH(REGEXP_REPLACE(REPEAT('abc1', 20000), 'b', 'xyz'))",
    "SELECT LENGTH(REPLACE(REPEAT('abc1', 300000), '1a', 'xyz')), REPEAT('abc1', 300000) LIKE '%c1b%', REPEAT('abc1', 300000) = REPEAT('abc1', 300000)",
    "SELECT REPEAT('7', 600000) + 1, CAST(REPEAT('7', 600000) AS DECIMAL(65)), MD5(REPEAT('x', 600000)), LENGTH(COMPRESS(REPEAT('abc1', 100000)))",
]
# (statement, tables it changes, statements in front of it in its transaction)
WRITES = [
    ("INSERT INTO s.a VALUES " + ",".join(f"({i}, 0, 'new', 0)" for i in range(1000, 1400)), "a", ()),
    ("INSERT INTO s.auto (v) VALUES (10), (11), (12)", "auto", ()),
    ("INSERT INTO s.auto (v) VALUES " + ", ".join(f"({i})" for i in range(3000)), "auto", ()),
    ("INSERT INTO s.b SELECT id + 5000, id + 5000, 1, v FROM s.a", "b", ()),
    ("INSERT INTO s.a VALUES (5, 1, 'dup', 1), (2000, 1, 'new', 1), (6, 1, 'dup', 1) ON DUPLICATE KEY UPDATE v = CONCAT(s.a.v, ' again'), d = d + 1", "a", ()),
    ("INSERT IGNORE INTO s.a VALUES (5, 1, 'dup', 1), (2000, 1, 'new', 1)", "a", ()),
    ("INSERT INTO s.a (id, g, v, d) VALUES (3000, 1, CONCAT(id, '-', g), id / 3), (3001, id, CONCAT(g), DEFAULT(d))", "a", ()),
    ("INSERT IGNORE INTO s.auto (id, v) VALUES (1, 1), (NULL, 2), (2, id + 1), (NULL, 3)", "auto", ()),
    (f"LOAD DATA INFILE '{IN}' REPLACE INTO TABLE s.a", "a", ()),
    (f"LOAD DATA INFILE '{IN}' IGNORE INTO TABLE s.auto (@id, v, @v) SET id = CONCAT(@id + 10000)", "auto", ()),
    ("LOAD DATA LOCAL INFILE 'in' INTO TABLE s.a", "a", ()),
    ("REPLACE INTO s.b VALUES (3, 999, 1, 'r'), (700, 8, 1, 'takes the key of another'), (701, 701, 1, 'n')", "b", ()),
    ("UPDATE s.a SET v = CONCAT(v, '!'), g = g + 1, d = d * 2 WHERE id % 2 = 0", "a", ()),
    ("UPDATE s.a SET id = id + 10000", "a", ()),
    ("UPDATE s.a SET v = 'limited' ORDER BY d DESC LIMIT 10", "a", ()),
    ("DELETE FROM s.a WHERE g = 2", "a", ()),
    ("DELETE FROM s.b", "b", ()),
    ("UPDATE s.a SET g = g + 1 WHERE id IN (SELECT a_id FROM s.b WHERE n > 2) AND id IN (SELECT MAX(a_id) FROM s.b GROUP BY n)", "a", ()),
    ("DELETE FROM s.a WHERE NOT EXISTS (SELECT * FROM s.b WHERE b.a_id = a.id AND b.n > 5)", "a", ()),
    ("TRUNCATE TABLE s.b", "b", ()),
    ("DROP TABLE s.b", "b", ()),
    ("UPDATE s.doc SET j = JSON_MERGE_PATCH(JSON_SET(j, '$.n', id, '$.list[2]', j), '{\"z\": 1}') WHERE id % 2 = 0", "doc", ()),
    ("INSERT INTO s.doc (id, j) SELECT id + 500, JSON_OBJECT('name', k, 'old', j) FROM s.doc", "doc", ()),
    ("ALTER TABLE s.doc ADD n INT AS (JSON_LENGTH(j)) STORED, ADD KEY ((CAST(j->'$.list[0]' AS SIGNED)))", "doc", ()),
    ("DROP TABLE s.a, s.b", "a b", ()),
    ("CREATE TABLE s.fresh (id INT PRIMARY KEY, v VARCHAR(20), KEY (v))", "fresh", ()),
    ("INSERT INTO s.kept SELECT id + 5000, v, g, d FROM s.kept WHERE id < 200", "a", ()),
    ("UPDATE s.low SET v = CONCAT(v, '!') WHERE id % 3 = 0", "a", ()),
    ("UPDATE s.kept JOIN s.b ON b.a_id = kept.id SET kept.g = kept.g + 1, b.n = 0", "a b", ()),
    ("DELETE FROM s.low WHERE v > 'value 2'", "a", ()),
    ("UPDATE s.pairs SET v = CONCAT(v, n), g = g + b_id WHERE n < 40 AND id IN (SELECT id FROM s.b)", "a", ()),
    ("UPDATE s.paired SET v = CONCAT(v, n), g = g + 1 WHERE n < 40", "a", ()),
    ("INSERT INTO s.paired (id, v, g) SELECT id, v, g FROM s.a WHERE id < 60 AND id IN (SELECT a_id FROM s.b) ON DUPLICATE KEY UPDATE g = VALUES(g) + 1", "a", ()),
    ("INSERT INTO s.pairs (id, v, g) SELECT id + 6000, v, g FROM s.a WHERE id < 200", "a", ()),
    (f"LOAD DATA INFILE '{IN}' REPLACE INTO TABLE s.kept (id, g, v, d)", "a", ()),
    ("CREATE VIEW s.fresh_view (p, q) AS SELECT a.v, b.n FROM s.a JOIN s.b ON b.a_id = a.id WHERE a.v NOT IN (SELECT v FROM s.low)", "", ()),
    ("CREATE OR REPLACE VIEW s.old_view AS SELECT * FROM s.a NATURAL JOIN s.low", "", ()),
    ("ALTER VIEW s.old_view AS SELECT 1 UNION SELECT id FROM s.low", "", ()),
    ("DROP VIEW s.old_view, s.other_view", "", ()),
    ("CREATE TABLE s.fresh (id INT PRIMARY KEY, n INT DEFAULT (id + 1) CHECK (n > 0), g INT AS (n * 2), v VARCHAR(20) INVISIBLE COMMENT 'c', KEY e ((n + 1)), CONSTRAINT fresh_c CHECK (g > 0))", "fresh", ()),
    ("CREATE TABLE s.fresh LIKE s.made", "fresh", ()),
    ("CREATE TABLE s.fresh (KEY (v), g INT CHECK (g >= 0)) SELECT id, g, v FROM s.a WHERE id < 150", "fresh", ()),
    ("CREATE TABLE s.fresh (id INT PRIMARY KEY) ENGINE=MyISAM IGNORE SELECT id DIV 2 AS id, COUNT(*) AS n FROM s.a GROUP BY id", "fresh", ()),
    ("DROP TABLE s.made", "made", ()),
    ("TRUNCATE TABLE s.made", "made", ()),
    ("INSERT INTO s.made (id, n) VALUES (1000, 1), (1001, DEFAULT), (5, 0) ON DUPLICATE KEY UPDATE n = DEFAULT", "made", ()),
    ("INSERT IGNORE INTO s.made (id, n) VALUES (1000, 1), (1001, -1), (1002, DEFAULT)", "made", ()),
    ("UPDATE s.made SET n = n + 7 WHERE id < 60", "made", ()),
    ("REPLACE INTO s.made (id) SELECT id + 50 FROM s.made", "made", ()),
    ("INSERT INTO s.fc (id, p) SELECT id + 1000, id % 60 FROM s.a", "fp fc fg", ()),
    ("INSERT IGNORE INTO s.fc (id, p) SELECT id + 1000, id % 80 FROM s.a", "fp fc fg", ()),
    ("UPDATE s.fc SET p = p + 1 ORDER BY id", "fp fc fg", ()),
    ("DELETE FROM s.fp WHERE id % 2 = 0", "fp fc fg", ()),
    ("DELETE IGNORE FROM s.fp WHERE id % 3 = 0", "fp fc fg", ()),
    ("UPDATE s.fp SET id = id + 1000 WHERE id < 40", "fp fc fg", ()),
    ("UPDATE IGNORE s.fp SET id = id + 20 ORDER BY id DESC", "fp fc fg", ()),
    ("UPDATE s.fc SET id = id + 1000", "fp fc fg", ()),
    ("REPLACE INTO s.fp VALUES (3, 1), (70, 1), (4, 1), (5, 1)", "fp fc fg", ()),
    ("INSERT INTO s.fp VALUES (3, 1), (70, 1), (4, 1) ON DUPLICATE KEY UPDATE id = s.fp.id + 500", "fp fc fg", ()),
    ("DELETE IGNORE FROM s.fp ORDER BY id DESC LIMIT 7", "fp fc fg", ()),
    ("DELETE fp, fc FROM s.fp JOIN s.fc ON fc.p = fp.id WHERE fp.id < 10", "fp fc fg", ()),
    ("CREATE TABLE s.fresh (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES s.fp (id) ON DELETE SET NULL, FOREIGN KEY (id) REFERENCES s.fc (id), FOREIGN KEY (p) REFERENCES s.fresh (id))", "fp fc fg fresh", ()),
    ("CREATE TABLE s.fresh (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES s.fc (id)) SELECT id FROM s.fc", "fp fc fg fresh", ()),
    ("CREATE TABLE s.fresh (FOREIGN KEY (id) REFERENCES s.fc (id)) IGNORE SELECT id FROM s.a WHERE id > 180", "fp fc fg fresh", ()),
    ("ALTER TABLE s.fc ADD CONSTRAINT again FOREIGN KEY (p) REFERENCES s.fp (id), ADD KEY other (p, id), ADD FOREIGN KEY (id) REFERENCES s.fc (id)", "fp fc fg", ()),
    ("ALTER TABLE s.fc DROP FOREIGN KEY fc_ibfk_1, RENAME COLUMN p TO q, DROP COLUMN n", "fp fc fg", ()),
    ("ALTER TABLE s.fc RENAME COLUMN id TO nid, RENAME TO s.fresh", "fp fc fg fresh", ()),
    ("RENAME TABLE s.fp TO s.fresh, s.fc TO s.fp", "fp fc fg fresh", ()),
    ("DROP TABLE s.fp, s.fc, s.fg", "fp fc fg", ()),
    ("ALTER TABLE s.a RENAME COLUMN v TO w, ADD x INT NOT NULL DEFAULT 5, DROP INDEX v, COMMENT 'swept'", "a", ()),
    ("ALTER TABLE s.b RENAME s.fresh, RENAME INDEX a_id TO again, ALTER n SET DEFAULT 4", "b fresh", ()),
    ("RENAME TABLE s.a TO s.fresh, s.b TO s.a, s.fresh TO s.b", "a b fresh", ()),
    ("RENAME TABLE s.old_view TO s.fresh_view -- a VIEW", "", ()),
    ("DROP INDEX v ON s.a", "a", ()),
    ("CREATE DATABASE s_new", "", ()),
    ("DROP DATABASE s_old", "", ()),
    ("CREATE USER sweep_u IDENTIFIED BY 'x'", "", ()),
    ("GRANT PROCESS ON *.* TO sweep_g", "", ()),
    ("DROP USER sweep_g", "", ()),
    ("GRANT SELECT ON s.* TO sweep_g", "", ()),
    ("RENAME USER sweep_g TO sweep_u", "", ()),
    ("REVOKE ALL PRIVILEGES, GRANT OPTION FROM sweep_g", "", ()),
    ("INSERT INTO s.named SELECT id + 1000, CONCAT(e), l | 1, b, y - 1, f FROM s.named WHERE id > 0", "named", ()),
    ("UPDATE s.named SET e = IF(id % 2, 'a', 2), l = 'x,z', b = b'101', y = 7, f = f * 2", "named", ()),
    ("ALTER TABLE s.named MODIFY e ENUM('z','y','x','a','more'), MODIFY l SET('z','y','x','w')", "named", ()),
    ("ALTER TABLE s.named MODIFY e ENUM('a','x','y','z'), MODIFY l VARCHAR(20), MODIFY b BIT(20), MODIFY y SMALLINT, MODIFY f FLOAT(9,1)", "named", ()),
    ("CREATE TABLE s.fresh (id INT PRIMARY KEY, e ENUM(" + ",".join(f"'{i}'" for i in range(3000)) + ") DEFAULT '7', l SET('a', 'b') DEFAULT 'b', KEY (e)) SELECT id, e AS f FROM s.named", "fresh", ()),
    ("COMMIT", "a b", ("BEGIN", "UPDATE s.a SET g = 100", "DELETE FROM s.b WHERE id < 50")),
    ("UPDATE s.a SET g = g + 1000", "a b", ("BEGIN", "INSERT INTO s.b VALUES (9000, 9000, 0, 'earlier work')")),
    ("INSERT INTO s.a VALUES (7000, 1, 'x', 1), (7001, 1, 'y', 1); UPDATE s.a SET g = 1 WHERE id = 7000; DELETE FROM s.a WHERE id = 7001", "a", ()),
]
OLD_VIEWS = ["DROP VIEW IF EXISTS s.fresh_view", "CREATE OR REPLACE VIEW s.old_view AS SELECT 'old'", "CREATE OR REPLACE VIEW s.other_view AS SELECT 2 AS two"]
EXTRA = {"CREATE VIEW": OLD_VIEWS, "CREATE OR REPLACE VIEW": OLD_VIEWS, "ALTER VIEW": OLD_VIEWS, "DROP VIEW": OLD_VIEWS, "RENAME TABLE s.old_view": OLD_VIEWS,
         "CREATE DATABASE s_new": ["DROP DATABASE IF EXISTS s_new"], "DROP DATABASE s_old": ["CREATE DATABASE IF NOT EXISTS s_old",
         "CREATE TABLE IF NOT EXISTS s_old.t (id INT PRIMARY KEY)"], "CREATE USER sweep_u": ["DROP USER IF EXISTS sweep_u"],
         "GRANT PROCESS": ["DROP USER IF EXISTS sweep_g", "CREATE USER sweep_g"], "DROP USER sweep_g": ["CREATE USER IF NOT EXISTS sweep_g", "GRANT SELECT ON s.* TO sweep_g", "GRANT CREATE ON s.a TO sweep_g"],
         "GRANT SELECT": ["DROP USER IF EXISTS sweep_g", "CREATE USER sweep_g"],
         "RENAME USER": ["DROP USER IF EXISTS sweep_g, sweep_u", "CREATE USER sweep_g", "GRANT SELECT ON s.* TO sweep_g", "GRANT CREATE ON s.a TO sweep_g"],
         "REVOKE ALL": ["CREATE USER IF NOT EXISTS sweep_g", "GRANT SELECT ON s.* TO sweep_g", "GRANT CREATE, INSERT ON s.a TO sweep_g", "GRANT PROCESS ON *.* TO sweep_g"]}


def extra_setup(sql):
    return next((v for k, v in EXTRA.items() if sql.startswith(k)), [])


def reset(sql="", tables=None):
    for s in (SETUP if tables is None else SETUP_OF[tables]):
        watch.query(s)
    for s in extra_setup(sql):
        watch.query(s)


SETUP_OF = {}


def prepare_setups():
    for _, tables, _ in WRITES:
        names = tables.split()
        SETUP_OF[tables] = [s for s in SETUP if any(f"s.{n}" in s.split(" (")[0] + " " or f"s.{n} " in s for n in names)]


def grants(user):
    try:
        return watch.query(f"SHOW GRANTS FOR {user}")
    except Err as e:
        return e.code


def image(sql, tables):
    """All that the statement could have changed."""
    found = []
    for t in tables.split():
        columns = "v" if t == "auto" else "*"
        try:
            found.append(watch.query(f"SELECT {columns} FROM s.{t} ORDER BY {TABLES[t]}"))
            if t == "a":  # the indexes say the same as the rows
                found.append([watch.query("SELECT COUNT(*) FROM s.a FORCE INDEX (g) WHERE g > -1000000"), watch.query("SELECT v, id FROM s.a FORCE INDEX (v) ORDER BY v, id")])
            if t == "fc":
                found.append([watch.query("SELECT p, id FROM s.fc FORCE INDEX (p) ORDER BY p, id"), watch.query("SELECT COUNT(*) FROM s.fc LEFT JOIN s.fp ON fp.id = fc.p WHERE fc.p IS NOT NULL AND fp.id IS NULL")])
            if t == "named":
                found.append([watch.query("SHOW CREATE TABLE s.named"), watch.query("SELECT e, l, id FROM s.named FORCE INDEX (e) ORDER BY e, l, id"), watch.query("SELECT COUNT(*) FROM s.named FORCE INDEX (y) WHERE y > 0")])
            if t == "b":
                found.append(watch.query("SELECT a_id FROM s.b FORCE INDEX (a_id) ORDER BY a_id"))
        except Err as e:
            found.append(e.code)
    if "fp fc fg" in tables and sql.startswith(("CREATE", "ALTER", "RENAME", "DROP")):
        found.append(watch.query("SELECT CONSTRAINT_NAME, TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = 's'"))
        found.append(watch.query("SELECT CONSTRAINT_NAME, UNIQUE_CONSTRAINT_NAME, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 's'"))
    if "VIEW" in sql:
        found.append(watch.query("SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 's'"))
    if "DATABASE" in sql:
        found.append(watch.query("SHOW DATABASES"))
    if "USER" in sql or "GRANT" in sql:
        found += [grants("sweep_u"), grants("sweep_g")]
    return found


whole = {}


def check_file(sql, code):
    """The file is there with all that is in it, or nothing of it is. Whoever lost his connection does not know which."""
    there = {f.name for f in FILES.iterdir()}
    assert there in ({"in"}, {"in", "out"}), there
    if code in (0, 2013) and "out" in there:
        assert whole.setdefault(sql, OUT.stat().st_size) == OUT.stat().st_size, sql
    else:
        assert code != 0 and there == {"in"}, (sql, code, there)


class Runner:
    """Has a session; opens a new one when the old one has been killed."""

    open = []

    def __init__(self):
        for w in Runner.open:  # of a sweep that failed
            w.close()
        self.w = Wire(server)
        Runner.open = [self.w]

    def again(self):
        self.w.close()
        self.w = Wire(server)
        Runner.open = [self.w]

    def run(self, sql, before=(), arm=None):
        """0 or the error's number; 2013 and a new session when the connection ended."""
        w = self.w
        w.files["in"] = IN.read_bytes()
        OUT.unlink(missing_ok=True)
        for s in before:
            w.query(s)
        if arm:
            w.query(f"SET DEBUG_SYNC = '{arm}'")
        try:
            w.send(sql)
            parts = sql.count("; ") + 1
            for _ in range(parts):
                w.result()
            code = 0
        except Err as e:
            code, self.last = e.code, e
        except (Closed, ConnectionResetError, BrokenPipeError):
            code = 2013
        if str(OUT) in sql:
            check_file(sql, code)
        return code

    def check_alive(self):
        assert self.w.value("SELECT 'next'") == "next"

    def number(self, name):
        return int(self.w.query(f"SHOW STATUS LIKE '{name}'")[0][1])


def arenas():
    return int(watch.status("Quell_arenas_live")["Quell_arenas_live"])


def count(sql, tables, before, name, end):
    """How many checkpoints or allocations the statement (the first of a multi-statement) takes, and the image after it."""
    r = Runner()
    first = sql.split("; ")[0]
    code = r.run(first, before)
    assert code == 0, (sql, getattr(r, "last", code))
    n = r.number(name)
    if end:
        r.w.query("COMMIT")
    r.w.quit()
    if "; " in sql:
        reset(sql, tables)
        r = Runner()
        assert r.run(sql, before) == 0
        r.w.quit()
    return n


KINDS = {"QUERY": {1317}, "TIME": {3024}, "CONNECTION": {1317, 2013}, "GONE": {2013}}


def sweep_read(sql, kind, codes, arm):
    r = Runner()
    killed = 0
    assert r.run(sql) == 0, (sql[:200], r.last)
    before = arenas()  # what is kept of the tables, too
    n = r.number("Quell_last_checkpoints" if arm.startswith("kill") else "Quell_last_allocs")
    for i in points(n, MOST):
        code = r.run(sql, (), arm.format(i=i, kind=kind))
        assert code == 0 or code in codes, f"{sql[:200]}\n{arm.format(i=i, kind=kind)} of {n}: {code} {getattr(r, 'last', '')}"
        killed += code != 0
        if code == 2013 or kind in ("CONNECTION", "GONE") and code:
            r.w.at_end()
            watch.until_gone(r.w.id)
            r.again()
        r.check_alive()
    r.w.quit()
    watch.until_calm()
    quell.until(lambda: arenas() <= before, what=f"arenas of {sql[:200]} freed ({before})")
    return n, killed


def sweep_write(sql, tables, before, kind, codes, arm):
    end = bool(before) and sql != "COMMIT"
    reset(sql, tables)
    unchanged = image(sql, tables)
    n = count(sql, tables, before, "Quell_last_checkpoints" if arm.startswith("kill") else "Quell_last_allocs", end)
    changed = image(sql, tables)
    assert changed != unchanged, f"{sql} changes nothing"
    reset(sql, tables)
    if end:  # the transaction's earlier work stays when its statement is undone
        for s in before:
            watch.query(s)
        watch.query("COMMIT")
        partly = image(sql, tables)
        reset(sql, tables)
    else:
        partly = unchanged
    assert image(sql, tables) == unchanged, sql
    between = []  # of a multi-statement: each statement is a transaction of its own
    for one in sql.split("; ")[:-1]:
        watch.query(one)
        between.append(image(sql, tables))
    if between:
        reset(sql, tables)
    r = Runner()
    killed = 0
    for i in points(n, MOST):
        code = r.run(sql, before, arm.format(i=i, kind=kind))
        what = f"{sql[:200]}\n{arm.format(i=i, kind=kind)} of {n}: {code} {getattr(r, 'last', '')}"
        assert code == 0 or code in codes, what
        killed += code != 0
        dead = code == 2013 or kind in ("CONNECTION", "GONE") and code != 0
        if dead:
            r.w.at_end()
            watch.until_gone(r.w.id)
            r.again()
        elif end:
            r.w.query("COMMIT")
        elif code:
            r.w.query("ROLLBACK")  # a COMMIT that was not even parsed leaves its transaction open
        r.check_alive()
        got = image(sql, tables)
        if code == 0:
            assert got == changed, f"{what}: success, but not all is changed"
        elif dead and end:
            assert got == unchanged, f"{what}: the dead session's transaction is partly there"
        elif dead:
            # A connection that ended may have had its statement committed before.
            assert got in [unchanged, changed, *between], f"{what}: half of it is there"
        else:
            assert got == partly, f"{what}: failed, but something is changed"
        if got != unchanged:
            reset(sql, tables)
    r.w.quit()
    watch.until_calm()
    return n, killed


def sweep_all(kind, codes, arm="kill_at {i} {kind}"):
    total = [0, 0]
    for sql in READS:
        n, killed = sweep_read(sql, kind, codes, arm)
        assert killed > 0, f"no kill at any of {n} points reached {sql[:200]}"
        total = [total[0] + n, total[1] + killed]
    for sql, tables, before in WRITES:
        n, killed = sweep_write(sql, tables, before, kind, codes, arm)
        assert killed > 0, f"no kill at any of {n} points reached {sql[:200]}"
        total = [total[0] + n, total[1] + killed]
    reset()
    print(f"# {kind}: {total[0]} points in {len(READS) + len(WRITES)} statements, {total[1]} statements ended at theirs")


def test_setup():
    watch.query("CREATE DATABASE s")
    watch.query("CREATE DATABASE many")  # more rows than are read without a thought
    watch.query("CREATE TABLE many.t (id INT PRIMARY KEY, a INT, b INT, c INT, d VARCHAR(9), KEY (a, b), KEY (a, c DESC), KEY (d))")
    watch.query("INSERT INTO many.t VALUES " + ",".join(f"({i}, {i % 5}, {i % 3}, {f'{i}' if i % 7 else 'NULL'}, '{'xyzXY'[i % 5]}')" for i in range(1500)))
    for sql, how in LOOSE.items():
        assert how.encode() in watch.query("EXPLAIN FORMAT=TREE " + sql)[0][0], sql
    prepare_setups()
    reset()


def test_kill_query():
    sweep_all("QUERY", KINDS["QUERY"])


def test_time_limit():
    sweep_all("TIME", KINDS["TIME"])


def test_kill_connection():
    sweep_all("CONNECTION", KINDS["CONNECTION"])


def test_client_gone():
    sweep_all("GONE", KINDS["GONE"])


def test_failing_allocations():
    sweep_all("ALLOC", {1037, 1041}, "fail_alloc_at {i}")


def test_prepared_statements():
    """COM_STMT_EXECUTE, killed at each point; the statement can be executed again."""
    w = Wire(server)
    for sql, params in (("SELECT * FROM s.a WHERE id > ? ORDER BY v", (5,)), ("UPDATE s.a SET g = g + ? WHERE id = ?", (1, 5)),
                        ("INSERT INTO s.auto (v) VALUES (?), (?)", (77, None))):
        stmt, _ = w.prepare(sql)
        w.execute(stmt, *params)
        w.skip_result()
        n = int(w.query("SHOW STATUS LIKE 'Quell_last_checkpoints'")[0][1])
        killed = 0
        for i in points(n, MOST):
            w.query(f"SET DEBUG_SYNC = 'kill_at {i} QUERY'")
            w.execute(stmt, *params)
            try:
                w.skip_result()
            except Err as e:
                killed += 1
                assert e.code == 1317, e
        assert killed, sql
        w.execute(stmt, *params)
        w.skip_result()
    w.quit()
    reset()
    watch.until_calm()


def test_checkpoint_gap():
    """The longest time between two checkpoints of a running statement over this whole sweep."""
    s = watch.status("Quell_checkpoint_gap%")
    us = int(s["Quell_checkpoint_gap_us"])
    print(f"# longest gap {us} us, {s['Quell_checkpoint_gap_from']} to {s['Quell_checkpoint_gap_to']}")
    assert us < 500_000, s


def close_all():
    watch.close()
    server.__exit__(None, None, None)
    shutil.rmtree(FILES)


if __name__ == "__main__":
    main(globals())
