# SPDX-License-Identifier: Apache-2.0
"""Secondary indexes give texts back: what statements read from an index alone is what they read from the rows, however texts are changed (in spelling
alone, too), by whom, and in whichever transaction; NULLs, long texts, several texts, texts of the clustered key. CHECK TABLE compares both."""
import random
import sys

import quell
from harness import main

server = quell.Server().start()
c, d = (server.connect(autocommit=True, charset="utf8mb4") for _ in range(2))
cur, other = c.cursor(), d.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")
other.execute("USE d")
KEYS = {"PRIMARY KEY (id)": "id", "PRIMARY KEY (p)": "p", "PRIMARY KEY (p, id DESC)": "p, id", "UNIQUE (id)": "id"}
ONE = ["", "a", "A", "b", "é", "E", "abc", "ABC", "a ", "c\u00ADc", "æ", "ae", "ß", "中文", "😀", "x" * 126, "x" * 127, "X" * 128, "y" * 300, "long " * 139]


def ask(sql, args=None, by=None):
    by = by or cur
    by.execute(sql, args)
    return by.fetchall()


def value(rnd):
    return None if rnd.random() < 0.15 else rnd.choice(ONE) if rnd.random() < 0.8 else rnd.choice(ONE) + rnd.choice(ONE)[:300]


def make(rnd, coll, engine="InnoDB"):
    key = rnd.choice(list(KEYS))
    cur.execute("DROP TABLE IF EXISTS t")
    cur.execute(f"CREATE TABLE t (id INT NOT NULL, p VARCHAR(20) COLLATE {coll} NOT NULL, r VARCHAR(700) COLLATE {coll}, s VARCHAR(700) COLLATE utf8mb4_0900_ai_ci, n INT, filler INT, {key}, "
                f"KEY r (r), KEY rs (n, r DESC, filler), KEY sp (s), UNIQUE u (s(20), id), UNIQUE w (n, p, id), KEY pre (r(3), n)) ENGINE={engine}")
    return KEYS[key]


# What to read and which index has it all.
READS = [("r", "r"), ("r, p", "r"), ("n, r, filler", "rs"), ("s", "sp"), ("n, p, id", "w"), ("r, COUNT(*)", "r"), ("s, p", "sp")]


def check(primary, whole=True):
    for what, index in READS:
        index_has = ("p" not in what.split(", ") or primary != "id" or index == "w")
        group = " GROUP BY r" if "COUNT" in what else ""
        for where in ("", " WHERE n = 1", " WHERE r LIKE 'a%%'", " WHERE r = 'ABC'", " WHERE s >= 'a' AND s < 'm'", " WHERE s IS NULL"):
            sql = f"SELECT {what} FROM t {{}} ({index}){where}{group}"
            want, got = (sorted(ask(sql.format(how)), key=repr) for how in ("IGNORE INDEX", "FORCE INDEX"))
            if group:  # any of the texts that are equal
                want, got = (sorted(n for _, n in x) for x in (want, got))
            assert got == want, (sql, want, got)
        if index_has:
            tree = ask(f"EXPLAIN FORMAT=TREE SELECT {what} FROM t FORCE INDEX ({index}){group}")[0][0]
            assert "overing" in tree or "Table scan" in tree, tree
    if whole:  # it commits
        assert ask("CHECK TABLE t")[0][3] == "OK"


def change(rnd, by, ids):
    kind, i = rnd.randrange(7), rnd.choice(ids)
    try:
        if kind < 2:
            by.execute("INSERT INTO t VALUES (%s, %s, %s, %s, %s, 0)", (rnd.randrange(400), rnd.choice(ONE[1:])[:15] + str(rnd.randrange(99)), value(rnd), value(rnd), rnd.randrange(3)))
        elif kind == 2:
            by.execute("DELETE FROM t WHERE id = %s", (i,))
        elif kind == 3:
            by.execute("UPDATE t SET r = " + rnd.choice(("UPPER(r)", "LOWER(r)", "CONCAT(r, '\u00AD')", "%s")) .replace("%s", "'z'") + " WHERE id BETWEEN %s AND %s", (i, i + 9))
        elif kind == 4:
            by.execute("UPDATE t SET s = %s, n = %s WHERE id = %s", (value(rnd), rnd.randrange(3), i))
        elif kind == 5:
            by.execute("UPDATE t SET p = UPPER(p) WHERE id = %s", (i,))
        else:
            by.execute("INSERT INTO t VALUES (%s, %s, %s, %s, 1, 0) ON DUPLICATE KEY UPDATE r = UPPER(VALUES(r)), s = UPPER(s)", (i, "p" + str(i), value(rnd), value(rnd)))
    except quell.pymysql.MySQLError as e:
        assert e.args[0] in (1062, 1406), e


def test_changes():
    seed = next((int(a[7:]) for a in sys.argv if a.startswith("--seed=")), random.randrange(1 << 30))
    print(f"# --seed={seed}")
    rnd = random.Random(seed)
    for coll in ("utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci"):
        primary = make(rnd, coll, rnd.choice(("InnoDB", "InnoDB", "MyISAM")))
        ids = list(range(0, 400, 7))
        for _ in range(80):
            change(rnd, cur, ids)
        check(primary)
        # what others see of an open transaction, and it of itself
        before = ask("SELECT r, p FROM t FORCE INDEX (r)", (), other)
        nontxn = "MyISAM" in ask("SHOW CREATE TABLE t")[0][1]
        cur.execute("BEGIN")
        for _ in range(30):
            change(rnd, cur, ids)
        check(primary, whole=False)
        assert nontxn or ask("SELECT r, p FROM t FORCE INDEX (r)", (), other) == before
        cur.execute("ROLLBACK")
        check(primary)
        for sql in ("ALTER TABLE t FORCE", "OPTIMIZE TABLE t", "ALTER TABLE t DROP INDEX r, ADD INDEX r (r)", "ALTER TABLE t ADD COLUMN more INT", "ALTER TABLE t MODIFY r VARCHAR(750) COLLATE " + coll):
            cur.execute(sql)
            cur.fetchall()
            if "more" in sql:
                cur.execute("ALTER TABLE t DROP COLUMN more")
            change(rnd, cur, ids)
            check(primary)


def test_spelling():
    """A change of case alone reaches those who read indexes: at once in the transaction, later for others, never for old snapshots, also in locking reads."""
    cur.execute("DROP TABLE IF EXISTS t")
    cur.execute("CREATE TABLE t (id INT PRIMARY KEY, r VARCHAR(20), k INT, filler INT, KEY r (r, k), UNIQUE u (r(5), id))")
    cur.execute("INSERT INTO t VALUES (1, 'abc', 1, 0), (2, 'b', 2, 0), (3, NULL, 3, 0)")
    read = "SELECT r, k FROM t FORCE INDEX (r) WHERE r = 'abc'"
    assert "Covering" in ask("EXPLAIN FORMAT=TREE " + read)[0][0]
    other.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    other.execute("BEGIN")
    assert ask(read, by=other) == (("abc", 1),)
    cur.execute("UPDATE t SET r = 'ABC' WHERE id = 1")
    assert ask(read) == (("ABC", 1),)
    assert ask(read, by=other) == (("abc", 1),)
    assert ask(read + " FOR SHARE", by=other) == (("ABC", 1),)
    other.execute("COMMIT")
    assert ask(read, by=other) == (("ABC", 1),)
    # a share lock of the entry holds up who writes the text otherwise
    other.execute("BEGIN")
    assert ask(read + " FOR SHARE", by=other) == (("ABC", 1),)
    cur.execute("SET innodb_lock_wait_timeout = 1")
    try:
        cur.execute("UPDATE t SET r = 'aBc' WHERE id = 1")
        raise AssertionError("the entry was not locked")
    except quell.pymysql.MySQLError as e:
        assert e.args[0] == 1205, e
    other.execute("COMMIT")
    for level in ("READ COMMITTED", "SERIALIZABLE", "READ UNCOMMITTED"):
        cur.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        cur.execute("UPDATE t SET r = 'aBc' WHERE r = 'ABC'")
        assert ask(read + " FOR UPDATE") == ask(read + " FOR SHARE SKIP LOCKED") == ask(read) == (("aBc", 1),)
        cur.execute("UPDATE t SET r = 'ABC' WHERE r = 'ABC'")
    cur.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert ask("CHECK TABLE t")[0][3] == "OK"


def test_survives():
    """kill -9: entries and rows come back together."""
    global c, d, cur, other
    cur.execute("DROP TABLE IF EXISTS t")
    cur.execute("CREATE TABLE t (id INT PRIMARY KEY, r VARCHAR(20), k INT, KEY r (r, k))")
    cur.executemany("INSERT INTO t VALUES (%s, %s, 1)", [(i, f"Text {i}") for i in range(2000)])
    cur.execute("UPDATE t SET r = UPPER(r) WHERE id %% 3 = 0", ())
    server.kill9()
    server.start()
    c, d = (server.connect(autocommit=True, charset="utf8mb4", database="d") for _ in range(2))
    cur, other = c.cursor(), d.cursor()
    assert ask("CHECK TABLE t")[0][3] == "OK"
    assert sorted(ask("SELECT r FROM t FORCE INDEX (r)")) == sorted((f"Text {i}" if i % 3 else f"TEXT {i}",) for i in range(2000))


def close_all():
    c.close()
    d.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
