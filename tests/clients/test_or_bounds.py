# SPDX-License-Identifier: Apache-2.0
"""Conditions with ORs on a table with indexes and on one without: the same rows. And the plans that programs which go through a table in pieces need."""
import random

import quell
from harness import main

server = quell.Server().start()
c = server.connect(autocommit=True)
cur = c.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")


def ask(sql):
    cur.execute(sql)
    return cur.fetchall()


def plan(sql):
    cur.execute("EXPLAIN " + sql)
    return dict(zip([d[0] for d in cur.description], cur.fetchone()))


def test_same_rows():
    rnd = random.Random(7)
    columns = "id INT, a INT, b INT NOT NULL, s VARCHAR(5), d DATE"
    cur.execute(f"CREATE TABLE bare ({columns})")
    cur.execute(f"CREATE TABLE keyed ({columns}, PRIMARY KEY (id), KEY ab (a, b), KEY ba (b DESC, a), KEY sd (s, d DESC), KEY da (d, a DESC, b))")
    cur.execute(f"CREATE TABLE behind ({columns}, PRIMARY KEY (b DESC, id), KEY a (a), KEY s (s), KEY d (d DESC), KEY sa (s(2), a), UNIQUE KEY i (id))")
    rows = [(i, rnd.choice([None, *range(6)]), rnd.randrange(6), rnd.choice([None, "a", "B", "b", "cc"]), rnd.choice([None, "2024-01-01", "2024-01-02", "2024-02-01"])) for i in range(300)]
    for t in ("bare", "keyed", "behind"):
        cur.executemany(f"INSERT INTO {t} VALUES (%s, %s, %s, %s, %s)", rows)
    values = {"a": range(-1, 7), "b": range(-1, 7), "s": ("'a'", "'b'", "'c'"), "d": ("'2024-01-01'", "'2024-01-03'", "DATE'2024-02-01'"), "id": range(0, 300, 37)}

    def one():
        x = rnd.choice("a a b b s d id".split())
        kind = rnd.randrange(10)
        if kind == 0:
            return f"{x} IS NULL"
        if kind == 1:
            return f"{x} IN ({rnd.choice(values[x])}, {rnd.choice(values[x])})"
        if kind == 2:
            return f"{x} BETWEEN {rnd.choice(values[x])} AND {rnd.choice(values[x])}"
        return f"{x} {rnd.choice(['<', '<=', '>', '>=', '=', '=', '<=>'])} {rnd.choice(values[x])}"

    def tree(depth):
        if depth == 0 or rnd.random() < 0.2:
            return one()
        return "(" + rnd.choice([" OR ", " AND "]).join(tree(depth - 1) for _ in range(rnd.randint(2, 3))) + ")"

    def keyset(columns, sign):
        at = [rnd.choice(values[x]) for x in columns]
        return "(" + " OR ".join("(" + " AND ".join([f"{x} = {v}" for x, v in zip(columns[:i], at)] + [f"{columns[i]} {sign}{'=' if i == len(columns) - 1 else ''} {at[i]}"]) + ")" for i in range(len(columns))) + ")"

    by_index = 0
    for i in range(150):
        if i % 4 == 0:
            columns = rnd.choice([["a", "b"], ["b", "a"], ["d", "a", "b"], ["s", "d"], ["a", "b", "id"], ["s", "id"], ["d", "b"]])
            where = keyset(columns, ">") + " AND " + keyset(columns, "<")
        else:
            where = tree(2) + rnd.choice(["", " AND " + one(), " AND " + tree(1)])
        want = ask(f"SELECT * FROM bare WHERE {where} ORDER BY id")
        assert ask(f"SELECT * FROM keyed WHERE {where} ORDER BY id") == want, where
        for order in ("a, b", "b DESC, a", "d, a DESC, b"):
            assert sorted(r[0] for r in ask(f"SELECT id FROM keyed WHERE {where} ORDER BY {order}")) == [r[0] for r in want], (where, order)
        for key in ("a", "s", "d", "sa", "i"):
            got = ask(f"SELECT * FROM behind FORCE INDEX ({key}) WHERE {where} ORDER BY id")
            assert got == want, (where, key, ask(f"EXPLAIN FORMAT=TREE SELECT * FROM behind FORCE INDEX ({key}) WHERE {where}")[0][0])
        by_index += plan(f"SELECT a, b FROM keyed WHERE {where}")["type"] == "range"
    assert by_index > 30, by_index
    cur.execute("UPDATE keyed SET s = 'z' WHERE a > 3 OR (a = 3 AND b >= 4)")
    cur.execute("UPDATE bare SET s = 'z' WHERE a > 3 OR (a = 3 AND b >= 4)")
    cur.execute("DELETE FROM keyed WHERE d > '2024-01-02' OR (d = '2024-01-02' AND a < 2)")
    cur.execute("DELETE FROM bare WHERE d > '2024-01-02' OR (d = '2024-01-02' AND a < 2)")
    assert ask("SELECT * FROM keyed ORDER BY id") == ask("SELECT * FROM bare ORDER BY id")


def test_clustered_parts():
    """Those behind the parts of a secondary key are parts of its ranges."""
    cur.execute("CREATE TABLE page (id INT, a INT, b INT, x INT, PRIMARY KEY (id), KEY a (a), KEY b (b), UNIQUE KEY u (x))")
    cur.executemany("INSERT INTO page VALUES (%s, %s, NULL, %s)", [(i, i % 10, i) for i in range(1000)])
    p = plan("SELECT * FROM page WHERE a = 5 AND id > 950")
    assert (p["type"], p["key"], p["key_len"], p["rows"]) == ("range", "a", "9", 5), p
    assert "over (a = 5 AND 950 < id)" in ask("EXPLAIN FORMAT=TREE SELECT * FROM page WHERE a = 5 AND id > 950")[0][0]
    p = plan("SELECT * FROM page WHERE (a, id) > (5, 900) ORDER BY a, id LIMIT 3")
    assert (p["type"], p["key"], p["key_len"]) == ("range", "a", "9") and "filesort" not in (p["Extra"] or ""), p
    assert [r[:2] for r in ask("SELECT * FROM page WHERE (a, id) > (5, 985) ORDER BY a, id LIMIT 3")] == [(995, 5), (6, 6), (16, 6)]
    assert ask("SELECT MAX(id) FROM page WHERE a = 5 AND id < 500") == ((495,),)
    assert plan("SELECT * FROM page FORCE INDEX (b) WHERE b IS NULL AND id BETWEEN 7 AND 9")["rows"] == 3
    assert plan("SELECT * FROM page FORCE INDEX (u) WHERE x > 5 AND id > 950")["key_len"] == "5"
    # many values of the clustered key where there are few rows to begin with
    many = ", ".join(map(str, range(0, 1000, 2)))
    assert plan(f"SELECT * FROM page FORCE INDEX (a) WHERE a = 5 AND id IN ({many})")["key_len"] == "5"
    cur.execute("SET SESSION optimizer_switch = 'use_index_extensions=off'")
    assert plan("SELECT * FROM page FORCE INDEX (a) WHERE a = 5 AND id > 950")["key_len"] == "5"
    cur.execute("SET SESSION optimizer_switch = DEFAULT")
    # only what is between is locked
    cur.execute("BEGIN")
    assert len(ask("SELECT * FROM page WHERE a = 5 AND id > 950 FOR UPDATE")) == 5
    other = server.connect(autocommit=True)
    o = other.cursor()
    o.execute("USE d")
    o.execute("SET innodb_lock_wait_timeout = 1")
    assert o.execute("UPDATE page SET b = 1 WHERE a = 5 AND id = 945") == 1
    try:
        o.execute("INSERT INTO page VALUES (1005, 5, 1, 1005)")
        raise AssertionError("the gap is not locked")
    except quell.pymysql.err.OperationalError as e:
        assert e.args[0] == 1205, e
    cur.execute("ROLLBACK")
    other.close()


def test_pieces():
    cur.execute("CREATE TABLE pieces (a INT NOT NULL, b DATE NOT NULL, c VARCHAR(10) NOT NULL, x INT, PRIMARY KEY (a, b, c))")
    cur.executemany("INSERT INTO pieces VALUES (%s, %s, %s, 1)", [(i // 100, f"2024-01-{i // 5 % 20 + 1:02}", f"c{i % 5}") for i in range(2000)])
    after = "((a > 7) OR (a = 7 AND b > '2024-01-03') OR (a = 7 AND b = '2024-01-03' AND c >= 'c2'))"
    until = "((a < 7) OR (a = 7 AND b < '2024-01-04') OR (a = 7 AND b = '2024-01-04' AND c <= 'c1'))"
    p = plan(f"SELECT * FROM pieces FORCE INDEX (PRIMARY) WHERE {after} ORDER BY a, b, c LIMIT 5")
    assert (p["type"], p["key"], p["key_len"]) == ("range", "PRIMARY", "49") and "filesort" not in (p["Extra"] or ""), p
    assert [r[:1] + r[2:3] for r in ask(f"SELECT * FROM pieces WHERE {after} ORDER BY a, b, c LIMIT 5")] == [(7, "c2"), (7, "c3"), (7, "c4"), (7, "c0"), (7, "c1")]
    got = ask(f"SELECT COUNT(*), MIN(c), MAX(c) FROM pieces WHERE {after} AND {until} LOCK IN SHARE MODE")
    assert got == ((5, "c0", "c4"),), got
    # only what is between is read
    before = dict(ask("SHOW STATUS LIKE 'Handler_read%'"))
    text = ask(f"EXPLAIN ANALYZE SELECT x FROM pieces WHERE {after} AND {until}")[0][0]
    assert "(a = 7 AND ('2024-01-03','c2') <= (b,c) AND (b,c) <= ('2024-01-04','c1'))" in text and "rows=5 " in text, (text, before)
    assert plan("SELECT * FROM pieces ORDER BY a, b, c LIMIT 1")["type"] == "index"
    assert plan("SELECT * FROM pieces WHERE (a, b) > (5, '2024-01-02') LIMIT 1")["type"] == "range"


def close_all():
    c.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
