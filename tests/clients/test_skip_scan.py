# SPDX-License-Identifier: Apache-2.0
"""Skip scans give the rows that reading the table gives: forced by the hint, both ways, over NULLs, descending and prefix parts, with one and two parts
passed over, behind equalities, with what the own transaction has written; and the planner takes them where they are better."""
import random

import quell
from harness import main

server = quell.Server().start()
c = server.connect(autocommit=True, charset="utf8mb4")
cur = c.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")


def ask(sql):
    cur.execute(sql)
    return cur.fetchall()


def plan(sql):
    cur.execute("EXPLAIN " + sql)
    return dict(zip([d[0] for d in cur.description], cur.fetchone()))


def tree(sql):
    return ask("EXPLAIN FORMAT=TREE " + sql)[0][0]


def condition(rnd):
    x = rnd.choice("bbcsd")
    values = {"b": [str(i) for i in range(-1, 31)], "c": [str(i) for i in range(-1, 9)], "s": ["'ab'", "'Abc'", "'b'", "'bca'", "''"], "d": ["'2024-01-05'", "'2024-02-01'", "DATE'2024-01-20'"]}[x]
    kind = rnd.randrange(8)
    if kind == 0:
        return f"{x} IS NULL"
    if kind == 1:
        return f"{x} IN ({rnd.choice(values)}, {rnd.choice(values)})"
    if kind == 2:
        return f"{x} BETWEEN {rnd.choice(values)} AND {rnd.choice(values)}"
    if kind == 3 and x == "s":
        return f"s LIKE {rnd.choice(values)[:-1]}%'"
    return f"{x} {rnd.choice(('<', '<=', '>', '>=', '=', '<>'))} {rnd.choice(values)}"


def test_same_rows():
    rnd = random.Random(5)
    cur.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c INT NOT NULL, s VARCHAR(10), d DATE, KEY ab (a, b), KEY acb (a, c DESC, b DESC), KEY `as` (a, s), KEY ap (a DESC, s(2)), KEY cd (c, d DESC),"
                " KEY cas (c, a, s DESC))")
    rows = [(i, rnd.choice((None, 1, 2, 3)), rnd.choice((None, *range(30))), rnd.randrange(8), rnd.choice((None, "a", "ab", "Abc", "abd", "b", "bca", "c", "")), rnd.choice((None, "2024-01-05", "2024-01-20", "2024-02-01")))
            for i in range(600)]
    cur.executemany("INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s)", rows)
    cur.execute("ANALYZE TABLE t")
    skipped = 0
    for i in range(300):
        if i % 50 == 40:  # what is not committed yet is read, too
            cur.execute("BEGIN")
            cur.execute("UPDATE t SET b = b + 1, a = 3 - a WHERE id % 7 = 0")
            cur.execute("DELETE FROM t WHERE id % 11 = 0")
        where = " AND ".join(condition(rnd) for _ in range(rnd.choice((1, 1, 2)))) + rnd.choice(("", "", " AND a = 1", " AND a IS NULL"))
        key = rnd.choice(("ab", "acb", "as", "ap", "cd", "cas"))
        order = rnd.choice(("", "", " ORDER BY a, b", " ORDER BY a DESC, b DESC", " ORDER BY a, c DESC", " ORDER BY c DESC", " ORDER BY a LIMIT 7"))
        what = rnd.choice(("id, a, b, s", "a, b", "COUNT(*), MIN(b), MAX(id)", "DISTINCT a", "a, COUNT(*)"))
        if what[0] in "CD" or "," in what and "COUNT" in what:
            order = " GROUP BY a" if what.startswith("a, C") else ""
        rest = f"{what} FROM t WHERE {where}{order}"
        hinted = f"SELECT /*+ SKIP_SCAN(t {key}) INDEX(t {key}) */ {rest}"
        got, want = ask(hinted), ask(f"SELECT /*+ NO_SKIP_SCAN(t) NO_INDEX(t) */ {rest}")
        if "LIMIT" in order:
            assert [r[0:0] for r in got] == [r[0:0] for r in want], hinted
        else:
            assert sorted(map(str, got)) == sorted(map(str, want)), (hinted, tree(hinted), got, want)
        if " ORDER BY a DESC, b DESC" == order and what == "a, b":
            assert got == want, hinted
        skipped += "skip scan on t using" in tree(hinted)
        if i % 50 == 49:
            cur.execute("ROLLBACK")
    print(f"# {skipped} skip scans")
    assert skipped > 60, skipped


def test_chosen():
    cur.execute("CREATE TABLE few (id INT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL, many INT NOT NULL, pad VARCHAR(80), KEY ab (a, b), KEY mb (many, b))")
    cur.executemany("INSERT INTO few VALUES (%s, %s, %s, %s, %s)", [(i, i % 5, i // 5, i * 7 % 2003, "x" * 80) for i in range(10000)])
    cur.execute("ANALYZE TABLE few")
    p = plan("SELECT a, b FROM few WHERE b > 1990")
    assert (p["type"], p["key"], p["key_len"], p["Extra"]) == ("range", "ab", "8", "Using where; Using index for skip scan"), p
    assert "Covering index skip scan on few using ab over (1990 < b)" in tree("SELECT a, b FROM few WHERE b > 1990")
    assert "Index skip scan on few using ab over (b = 77)" in tree("SELECT * FROM few WHERE b = 77")
    assert '"using_index_for_skip_scan": true' in ask("EXPLAIN FORMAT=JSON SELECT a, b FROM few WHERE b > 1990")[0][0]
    assert ask("SELECT a, b FROM few WHERE b BETWEEN 1998 AND 5000 ORDER BY a, b") == tuple((a, b) for a in range(5) for b in (1998, 1999))
    assert plan("SELECT many, b FROM few FORCE INDEX (mb) WHERE b > 1990")["Extra"] == "Using where; Using index"  # as many searches as entries
    assert "skip scan" not in tree("SELECT a, b FROM few WHERE b > 1990 FOR UPDATE")
    cur.execute("SET SESSION optimizer_switch = 'skip_scan=off'")
    assert "skip scan" not in tree("SELECT a, b FROM few WHERE b > 1990")
    assert "skip scan" in tree("SELECT /*+ SKIP_SCAN(few ab) */ a, b FROM few WHERE b > 1990")
    cur.execute("SET SESSION optimizer_switch = DEFAULT")
    assert "skip scan" not in tree("SELECT /*+ NO_SKIP_SCAN(few) */ a, b FROM few WHERE b > 1990")
    assert "skip scan" not in tree("SELECT /*+ NO_SKIP_SCAN(few ab) */ a, b FROM few WHERE b > 1990")


def close_all():
    c.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
