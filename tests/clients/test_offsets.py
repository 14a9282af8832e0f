# SPDX-License-Identifier: Apache-2.0
"""OFFSET: what is passed over in an index or a table is what the first rows would have been, in both directions, over several ranges, behind conditions
that are answered by entries, with what the own transaction has written, in derived tables and subqueries; FOUND_ROWS() and the counters say what MySQL's
say; nothing of the rows that are passed over is read."""
import re

import quell
from harness import main

server = quell.Server().start()
c = server.connect(autocommit=True, charset="utf8mb4")
cur = c.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")
N = 6000
cur.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT NOT NULL, s VARCHAR(20) NOT NULL, filler CHAR(100) NOT NULL DEFAULT 'f', KEY a (a), KEY ba (b, a DESC), KEY s (s), UNIQUE KEY u (b, id))")
cur.executemany("INSERT INTO t (id, a, b, s) VALUES (%s, %s, %s, %s)", [(i, None if i % 13 == 0 else i * 7919 % 4001, i % 5, f"s{i * 31 % 977:04d}") for i in range(N)])
cur.execute("CREATE TABLE m (id INT PRIMARY KEY, a INT, KEY (a)) ENGINE = MyISAM")
cur.execute("INSERT INTO m SELECT id, a FROM t")
cur.execute("ANALYZE TABLE t, m")


def ask(sql):
    cur.execute(sql)
    return list(cur.fetchall())


STATEMENTS = [
    ("SELECT * FROM t {}ORDER BY id", "t", "PRIMARY"),
    ("SELECT * FROM t {}ORDER BY id DESC", "t", "PRIMARY"),
    ("SELECT id, a, filler FROM t {}ORDER BY a, id", "t", "a"),
    ("SELECT id, a, filler FROM t {}ORDER BY a DESC, id DESC", "t", "a"),
    ("SELECT a, id FROM t {}ORDER BY a, id", "t", "a"),
    ("SELECT id, filler FROM t {}WHERE b = 3 ORDER BY a DESC, id", "t", "ba"),
    ("SELECT id, filler FROM t {}WHERE b = 3 ORDER BY id DESC", "t", "u"),
    ("SELECT id, a, filler FROM t {}WHERE b IN (1, 4) ORDER BY b, a DESC, id", "t", "ba"),
    ("SELECT id, b, a, filler FROM t {}WHERE b < 2 OR b > 3 ORDER BY b DESC, a, id DESC", "t", "ba"),
    ("SELECT id, filler FROM t {}WHERE b = 2 AND a % 3 = 1 ORDER BY a DESC, id", "t", "ba"),  # answered by entries
    ("SELECT id, filler FROM t {}WHERE b = 2 AND filler = 'f' ORDER BY a DESC, id", "t", "ba"),  # by rows
    ("SELECT id, filler FROM t {}WHERE s BETWEEN 's0100' AND 's0500' ORDER BY s, id", "t", "s"),
    ("SELECT id, filler FROM t {}WHERE s LIKE 's01%' ORDER BY s DESC, id DESC", "t", "s"),
    ("SELECT id, filler FROM t {}WHERE id > 4000 ORDER BY id", "t", "PRIMARY"),
    ("SELECT x.id FROM (SELECT * FROM t {}ORDER BY a, id", "t", "a"),
    ("SELECT id, a FROM m {}ORDER BY a, id", "m", "a"),
]
OFFSETS = (0, 1, 16, 17, 1024, 1025, 2399, 2400, 6000, 7000)


def check_all():
    for sql, table, key in STATEMENTS:
        whole, tail = sql.format(""), ") x" if sql.startswith("SELECT x.") else ""
        cur.execute("SET optimizer_switch = 'default'")
        rows = ask(whole.replace(f"FROM {table} ", f"FROM {table} IGNORE INDEX ({'`' if key != 'PRIMARY' else ''}{key}{'`' if key != 'PRIMARY' else ''}) ") + tail)
        for offset in OFFSETS:
            for limit in (1, 1500):
                part = sql.format(f"FORCE INDEX ({key}) ") + f" LIMIT {limit} OFFSET {offset}" + tail
                got = ask(part)
                want = rows[offset:offset + limit]
                assert got == want, (part, len(got), len(want), got[:3], want[:3])


def test_pages():
    check_all()


def test_pages_of_own_changes():
    cur.execute("BEGIN")
    cur.execute("DELETE FROM t WHERE id % 10 = 3")
    cur.execute("UPDATE t SET a = a + 5000, s = CONCAT('t', s) WHERE id % 10 = 4")
    cur.execute("INSERT INTO t (id, a, b, s) SELECT id + 100000, a, b, s FROM t WHERE id % 10 = 5")
    check_all()
    cur.execute("ROLLBACK")


def test_found_rows():
    """As with sorting: MySQL counts what OFFSET has passed over."""
    for offset, limit in ((0, 10), (100, 10), (N - 5, 10), (N, 10), (N + 100, 10)):
        found = []
        for hint in ("FORCE INDEX (a)", "IGNORE INDEX (a)"):
            for calc in ("", "SQL_CALC_FOUND_ROWS "):
                ask(f"SELECT {calc}id, filler FROM t {hint} ORDER BY a, id LIMIT {limit} OFFSET {offset}")
                found.append(ask("SELECT FOUND_ROWS()")[0][0])
        assert found[0] == found[2] and found[1] == found[3] == N, (offset, found)


def handlers():
    return {k: int(v) for k, v in ask("SHOW SESSION STATUS LIKE 'Handler_read%'")}


def test_entries_are_counted():
    before = handlers()
    ask("SELECT id, filler FROM t FORCE INDEX (a) ORDER BY a, id LIMIT 10 OFFSET 3000")
    after = handlers()
    read = after["Handler_read_next"] - before["Handler_read_next"]
    assert 3010 <= read <= 3010 + 1024, read


def test_rows_passed_over_are_not_read():
    """The scan gives no more than a batch behind them."""
    for sql, rows in (("SELECT id, filler FROM t FORCE INDEX (a) ORDER BY a, id LIMIT 10 OFFSET 3000", 1024), ("SELECT id, filler FROM t ORDER BY id LIMIT 10 OFFSET 3000", 1024),
                      ("SELECT id, filler FROM t FORCE INDEX (ba) WHERE b = 2 AND a % 3 = 1 ORDER BY a DESC, id LIMIT 5 OFFSET 300", 1024)):
        scan = ask("EXPLAIN ANALYZE " + sql)[0][0].strip().split("\n")[-1]
        assert " on t using " in scan and int(re.search(r"actual time=\S+ rows=(\d+)", scan)[1]) <= rows, scan
    scan = ask("EXPLAIN ANALYZE SELECT id, filler FROM t FORCE INDEX (a) WHERE filler <> 'x' ORDER BY a, id LIMIT 10 OFFSET 3000")[0][0].strip().split("\n")[-1]
    assert int(re.search(r"actual time=\S+ rows=(\d+)", scan)[1]) >= 3010, scan  # that one has to look at them


def test_correlated():
    """Another offset position for each row of the outer block: the scan starts anew."""
    got = ask("SELECT b, (SELECT x.id FROM t x FORCE INDEX (ba) WHERE x.b = o.b AND x.filler <> o.s ORDER BY x.a DESC, x.id LIMIT 1 OFFSET 7), (SELECT x.id FROM t x FORCE INDEX (ba) WHERE x.b = o.b ORDER BY x.a DESC, x.id"
              " LIMIT 1 OFFSET 7) FROM t o WHERE o.id < 10")
    for b, one, two in got:
        want = ask(f"SELECT id FROM t IGNORE INDEX (ba) WHERE b = {b} ORDER BY a DESC, id LIMIT 1 OFFSET 7")[0][0]
        assert one == two == want, (b, one, two, want)


def test_planned():
    """Deep pages: entries are cheap to pass over, so the index is read in its order instead of sorting the table; with a condition on rows it is not."""
    tree = ask("EXPLAIN FORMAT=TREE SELECT id, filler FROM t ORDER BY a, id LIMIT 10 OFFSET 3000")[0][0]
    assert "using a" in tree and "Sort" not in tree, tree
    tree = ask("EXPLAIN FORMAT=TREE SELECT id, filler FROM t WHERE filler LIKE '%f%' ORDER BY a, id LIMIT 10 OFFSET 3000")[0][0]
    assert "Sort" in tree, tree


if __name__ == "__main__":
    main(globals())
