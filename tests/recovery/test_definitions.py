#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever a definition can say is the same after a clean stop and after kill -9: tables with everything that columns, keys and constraints have,
tables whose columns were added, dropped and moved, views of all kinds; rows too. The data directory is whole."""
import decimal
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import quell  # noqa: E402
from harness import main  # noqa: E402

STATEMENTS = """
CREATE DATABASE s
CREATE TABLE s.a (id INT NOT NULL AUTO_INCREMENT COMMENT 'the key', n INT NOT NULL, t VARCHAR(30) DEFAULT (CONCAT('x', 1 + 1)), d DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), twice INT GENERATED ALWAYS AS (n * 2) VIRTUAL, kept VARCHAR(40) GENERATED ALWAYS AS (CONCAT(t, '!')) STORED, h INT INVISIBLE DEFAULT 7, b BLOB, PRIMARY KEY (id), UNIQUE KEY u (n, t DESC), KEY p (t(5)), KEY hidden (twice) INVISIBLE COMMENT 'not used', KEY f ((n + 3)), CHECK (n > 0), CONSTRAINT small CHECK (n < 1000) NOT ENFORCED) AUTO_INCREMENT = 50 COMMENT 'all of it'
INSERT INTO s.a (n, t) VALUES (1, 'one'), (2, DEFAULT), (3, 'three')
CREATE TABLE s.m (k INT, v VARCHAR(10)) ENGINE=MyISAM
INSERT INTO s.m VALUES (1, 'a'), (2, 'b')
CREATE TABLE s.old (a INT PRIMARY KEY, b VARCHAR(10), c DECIMAL(8,2), KEY (c))
INSERT INTO s.old VALUES (1, 'x', 1.5), (2, 'y', 2.5)
ALTER TABLE s.old ADD COLUMN first INT NOT NULL DEFAULT 9 FIRST, DROP COLUMN b
INSERT INTO s.old VALUES (8, 3, 3.5)
ALTER TABLE s.old ADD COLUMN b TEXT AFTER a, MODIFY COLUMN c DECIMAL(8,2) FIRST
INSERT INTO s.old (a, b, c) VALUES (4, 'new', 4.5)
ALTER TABLE s.old RENAME COLUMN first TO nine, ADD INDEX by_b (b(4)), ALGORITHM=COPY
RENAME TABLE s.old TO s.renamed
CREATE INDEX later ON s.renamed (nine, c)
CREATE TABLE s.made (PRIMARY KEY (id)) SELECT id, n, kept FROM s.a
CREATE TABLE s.top (id INT PRIMARY KEY, x INT, y VARCHAR(9), UNIQUE KEY xy (x, y))
CREATE TABLE s.child (id INT PRIMARY KEY, t INT, CONSTRAINT `Named one` FOREIGN KEY (t) REFERENCES s.top (id) ON DELETE CASCADE ON UPDATE SET NULL, FOREIGN KEY (id) REFERENCES s.child (id))
CREATE TABLE s.pair (a INT, b VARCHAR(9), FOREIGN KEY (a, b) REFERENCES s.top (x, y) ON DELETE RESTRICT)
INSERT INTO s.top VALUES (1, 1, 'one'), (2, 2, 'two')
INSERT INTO s.child VALUES (1, 2), (2, NULL)
INSERT INTO s.pair VALUES (2, 'two'), (7, NULL)
ALTER TABLE s.top RENAME COLUMN x TO `new x`, ADD COLUMN z INT FIRST, RENAME KEY xy TO yx
ALTER TABLE s.child ADD KEY instead (t, id), ADD CONSTRAINT late FOREIGN KEY (t) REFERENCES s.top (id), DROP FOREIGN KEY child_ibfk_1
RENAME TABLE s.top TO s.parent
SET GLOBAL foreign_key_checks = 0
CREATE TABLE s.orphan (a INT, FOREIGN KEY (a) REFERENCES s.nothing (b))
SET GLOBAL foreign_key_checks = 1
CREATE TABLE s.zeros (i INT(5) ZEROFILL DEFAULT 3, j BIGINT ZEROFILL, d DECIMAL(6,2) ZEROFILL, one INT(1) ZEROFILL)
INSERT INTO s.zeros VALUES (7, 7, 7, 7)
CREATE VIEW s.plain AS SELECT id, n FROM s.a WHERE n > 1 WITH CASCADED CHECK OPTION
CREATE ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW s.sums (what, total) AS SELECT t, SUM(n) FROM s.a GROUP BY t
CREATE VIEW s.above AS SELECT p.id, r.c FROM s.plain p JOIN s.renamed r ON r.a = p.id - 49
ALTER VIEW s.above AS SELECT p.id, p.n, r.c FROM s.plain p LEFT JOIN s.renamed r ON r.a = p.id - 49
"""
TABLES = ("a", "m", "renamed", "made", "parent", "child", "pair", "orphan", "zeros")
VIEWS = ("plain", "sums", "above")


def seen(server):
    """Definitions, what information_schema says of them, and rows."""
    out = [server.query(f"SHOW CREATE TABLE s.{t}") for t in TABLES + VIEWS]
    for view in ("COLUMNS", "STATISTICS", "TABLE_CONSTRAINTS", "CHECK_CONSTRAINTS", "KEY_COLUMN_USAGE", "REFERENTIAL_CONSTRAINTS", "VIEWS"):
        schema = "CONSTRAINT_SCHEMA" if "CONSTRAINT" in view else "TABLE_SCHEMA"
        # CARDINALITY is an estimate
        rows = server.query(f"SELECT * FROM information_schema.{view} WHERE {schema} = 's'")
        out.append(sorted(tuple(str(v) for i, v in enumerate(r) if not (view == "STATISTICS" and i == 9)) for r in rows))
        assert out[-1], view
    out += [sorted(server.query(f"SELECT * FROM s.{t}"), key=str) for t in TABLES + VIEWS]
    return out


def whole(server):
    for t in TABLES + VIEWS:
        assert server.query(f"CHECK TABLE s.{t}")[-1][3] == "OK", t


def test_everything_comes_back():
    server = quell.Server()
    server.start()
    for sql in STATEMENTS.strip().split("\n"):
        server.query(sql)
    assert server.query("SELECT c, a, b, nine FROM s.renamed ORDER BY a") == tuple(
        (c, a, b, n) for c, a, b, n in ((decimal.Decimal("1.50"), 1, None, 9), (decimal.Decimal("2.50"), 2, None, 9), (decimal.Decimal("3.50"), 3, None, 8),
                                        (decimal.Decimal("4.50"), 4, "new", 9)))
    was = seen(server)
    for how in ("stop", "kill9", "stop"):
        getattr(server, how)()
        if how == "stop":
            r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=120, text=True)
            assert r.returncode == 0 and "No damage found" in r.stdout, r.stdout
        server.start()
        now = seen(server)
        assert server.query("SELECT CONCAT_WS(' ', i, j, d, one) FROM s.zeros") == (("00007 00000000000000000007 0007.00 7",),)
        for a, b in zip(was, now):
            assert a == b, (how, a, b)
        whole(server)
        # what is kept acts: numbers go on, CHECKs hold, views let through what they may
        for sql, number in (("UPDATE s.a SET n = 0 WHERE id = 50", 3819), ("UPDATE s.plain SET n = 1 WHERE id = 51", 1369), ("INSERT INTO s.a (twice) VALUES (1)", 3105),
                            ("DELETE FROM s.parent WHERE id = 2", 1451), ("INSERT INTO s.child VALUES (3, 3)", 1452), ("DROP TABLE s.parent", 3730), ("INSERT INTO s.orphan VALUES (1)", 1452),
                            ("ALTER TABLE s.pair DROP KEY a", 1553), ("CREATE TABLE s.x (a INT, CONSTRAINT `named ONE` FOREIGN KEY (a) REFERENCES s.parent (id))", 1826)):
            try:
                server.query(sql)
                raise AssertionError(f"went through: {sql}")
            except quell.pymysql.MySQLError as e:
                assert e.args[0] == number, e
    server.query("INSERT INTO s.a (n) VALUES (10)")
    assert server.query("SELECT id, twice, kept, h FROM s.a WHERE n + 3 = 13") == ((53, 20, "x2!", 7),)
    server.stop()
    server.remove()


def check_data(server):
    r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120, text=True)
    return r.returncode, r.stdout


def test_expressions_are_evaluated():
    """What a definition's expressions say of rows is looked at by CHECK TABLE and by --check-data alike. Rows of another time zone
    stand for rows that no longer are what they should be."""
    server = quell.Server()
    server.start()
    for t, a in (("g", ""), ("c", ", CHECK (FROM_UNIXTIME(u) >= '1970-01-01 05:00:00')")):
        server.query("CREATE DATABASE IF NOT EXISTS x")
        server.query(f"CREATE TABLE x.{t} (u INT PRIMARY KEY, d DATETIME AS (FROM_UNIXTIME(u)) VIRTUAL, q INT AS (10 / (u - 7)) STORED, KEY ((u + 1)){a})")
    c = server.connect()
    cur = c.cursor()
    cur.execute("SET time_zone = '+05:00', sql_mode = ''")
    for t in ("g", "c"):
        cur.execute(f"INSERT INTO x.{t} (u) VALUES (0), (7), (100000)")  # 10 / 0: NULL
        cur.execute(f"CHECK TABLE x.{t}")
        assert cur.fetchall() == ((f"x.{t}", "check", "status", "OK"),)
    c.close()
    differs = "Index 'PRIMARY': column 'd' is not what its expression gives now (key 0x{})"
    violated = "Index 'PRIMARY': Check constraint 'c_chk_1' is violated. (key 0x{})"
    keys = [r[0] for r in server.query("SELECT u FROM x.g")]
    assert keys == [0, 7, 100000]
    told = {"g": [differs] * 3, "c": [violated, violated, differs]}
    for t in ("g", "c"):
        got = server.query(f"CHECK TABLE x.{t}")
        assert len(got) == 4 and got[-1][2:] == (("error", "Corrupt") if t == "c" else ("status", "OK")), got
        for row, want in zip(got, told[t]):
            assert row[2] == "warning" and row[3].startswith(want.split("{")[0]), row
        told[t] = [row[3] for row in got[:-1]]
    assert server.query("SHOW WARNINGS") == ()
    server.stop()
    rc, text = check_data(server)
    assert rc == 2, text
    lines = text.split("\n")
    for t in ("g", "c"):
        assert [line[5:] for line in lines if line.startswith(f"x.{t}: ")] == told[t], text
    server.start()
    server.query("DROP TABLE x.c")
    server.stop()
    rc, text = check_data(server)  # told, but no damage
    assert rc == 0 and text.count("x.g: ") == 3 and "No damage found" in text, text
    server.remove()


if __name__ == "__main__":
    main(globals())
