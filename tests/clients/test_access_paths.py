# SPDX-License-Identifier: Apache-2.0
"""Every way into a table gives the same rows: random conditions on a table with many indexes, through each index and
each setting of the optimizer's switches, and on one without indexes."""
import random

import pymysql
import quell
from harness import main

server = quell.Server().start()
c = server.connect(autocommit=True)
cur = c.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")

COLUMNS = "id INT, a INT, b INT NOT NULL, u INT UNSIGNED, s VARCHAR(6), p VARCHAR(40), d DATE, m DECIMAL(6,2)"
KEYS = {
    "PRIMARY": "PRIMARY KEY (id)",
    "a": "KEY a (a)",
    "ab": "KEY ab (a, b)",
    "ba": "KEY ba (b DESC, a)",
    "sd": "KEY sd (s, d DESC)",
    "dab": "KEY dab (d, a DESC, b)",
    "um": "UNIQUE KEY um (u, m, id)",
    "p": "KEY p (p(2), b)",
    "m": "KEY m (m DESC)",
    "bsa": "KEY bsa (b, s, a)",
}
SWITCHES = ["index_merge=off", "index_merge_union=off,index_merge_sort_union=off", "index_merge_intersection=off", "index_condition_pushdown=off", "mrr=off", "mrr_cost_based=off", "skip_scan=off", "mrr_cost_based=off,skip_scan=on"]
WORDS = ["a", "A", "b", "B ", "bb", "ba", "c", "é", "e", "ß", "ss", ""]
VALUES = {
    "id": [str(i) for i in range(0, 420, 13)],
    "a": [str(i) for i in range(-1, 8)],
    "b": [str(i) for i in range(-1, 8)],
    "u": [str(i) for i in range(0, 12)],
    "s": [f"'{w}'" for w in WORDS],
    "p": [f"'{w}{x}'" for w in WORDS for x in ("", "x", "yz")],
    "d": ["'2024-01-01'", "'2024-01-03'", "DATE'2024-02-01'", "'2024-01-02 11:00:00'"],
    "m": ["1", "1.50", "-2.25", "0", "3.999"],
}


def ask(sql):
    cur.execute(sql)
    return cur.fetchall()


def plan(sql):
    cur.execute("EXPLAIN " + sql)
    return dict(zip([x[0] for x in cur.description], cur.fetchone()))


def value(rnd, x):
    return rnd.choice(VALUES[x])


def one(rnd):
    x = rnd.choice("a a b b s s p d m u id".split())
    v = [value(rnd, x) for _ in range(4)]
    kind = rnd.randrange(14)
    if kind == 0:
        return f"{x} IS {rnd.choice(['', 'NOT '])}NULL"
    if kind <= 2:
        return f"{x} {rnd.choice(['', '', 'NOT '])}IN ({', '.join(v[:rnd.randint(1, 4)])}{rnd.choice(['', '', '', ', NULL'])})"
    if kind == 3:
        return f"{x} {rnd.choice(['', '', 'NOT '])}BETWEEN {v[0]} AND {v[1]}"
    if kind == 4:
        y = rnd.choice("a b s d u".split())
        return f"({x}, {y}) {rnd.choice(['>', '<=', '=', '<>'])} ({v[0]}, {value(rnd, y)})"
    if kind == 5:
        y = rnd.choice("a b s d u".split())
        rows = ", ".join(f"({value(rnd, x)}, {value(rnd, y)})" for _ in range(rnd.randint(1, 4)))
        return f"({x}, {y}) IN ({rows})"
    if kind == 6 and x in "sp":
        return f"{x} LIKE {v[0][:-1]}{rnd.choice(['%', '%x', '_%', ''])}'"
    return f"{x} {rnd.choice(['<', '<=', '>', '>=', '=', '=', '=', '<=>', '<>'])} {v[0]}"


def tree(rnd, depth):
    if depth == 0 or rnd.random() < 0.2:
        return one(rnd)
    text = "(" + rnd.choice([" OR ", " AND "]).join(tree(rnd, depth - 1) for _ in range(rnd.randint(2, 3))) + ")"
    return "NOT " + text if rnd.random() < 0.05 else text


def make_tables(rnd):
    cur.execute(f"CREATE TABLE bare ({COLUMNS})")
    cur.execute(f"CREATE TABLE keyed ({COLUMNS}, {', '.join(KEYS.values())})")
    days = [None, "2024-01-01", "2024-01-02", "2024-01-03", "2024-02-01"]
    rows = []
    for i in range(400):
        words = [rnd.choice([None, *WORDS]), rnd.choice([None, *WORDS])]
        rows.append((i, rnd.choice([None, *range(7)]), rnd.randrange(7), rnd.choice([None, *range(10)]), words[0], words[1] and words[1] + rnd.choice(["", "x", "yz"]), rnd.choice(days), rnd.choice([None, "1.00", "1.50", "-2.25", "0.00"])))
    for t in ("bare", "keyed"):
        cur.executemany(f"INSERT INTO {t} VALUES ({', '.join(['%s'] * 8)})", rows)


def test_conditions():
    rnd = random.Random(11)
    make_tables(rnd)
    types = {}
    for i in range(90):
        where = tree(rnd, 2) + rnd.choice(["", " AND " + one(rnd), " AND " + one(rnd) + " AND " + tree(rnd, 1)])
        want = ask(f"SELECT * FROM bare WHERE {where} ORDER BY id")
        assert ask(f"SELECT * FROM keyed WHERE {where} ORDER BY id") == want, where
        what = rnd.choice(["id", "a, b, id", "*", "COUNT(*)"])
        for hint in ["", f"FORCE INDEX ({rnd.choice(list(KEYS))})", f"FORCE INDEX ({rnd.choice(list(KEYS))})", f"FORCE INDEX ({', '.join(rnd.sample(list(KEYS), 3))})"]:
            sql = f"SELECT {what} FROM keyed {hint} WHERE {where}"
            p = plan(sql)
            types[p["type"]] = types.get(p["type"], 0) + 1
            got = sorted(ask(sql), key=repr)
            assert got == sorted(ask(f"SELECT {what} FROM bare WHERE {where}"), key=repr), (sql, p)
        if i % 6 == 0:
            for switch in SWITCHES:
                cur.execute(f"SET optimizer_switch = '{switch}'")
                assert ask(f"SELECT * FROM keyed WHERE {where} ORDER BY id") == want, (switch, where)
                cur.execute("SET optimizer_switch = DEFAULT")
    print("   ", types)
    assert types.get("range", 0) > 60 and types.get("index_merge", 0) > 3, types


def test_outer_values():
    """Bounds with the values of outer rows, beside constant sets of the other parts."""
    rnd = random.Random(12)
    for i in range(30):
        x, y = rnd.sample(["a", "b", "s", "d"], 2)
        more = rnd.choice(["", f" AND k.{one(rnd).split(' ', 1)[0]} IS NOT NULL", f" AND k.{y} IN ({value(rnd, y)}, {value(rnd, y)})", f" AND k.{y} >= {value(rnd, y)}", f" AND (k.{y} < {value(rnd, y)} OR k.{y} = {value(rnd, y)})", f" AND (k.{y} = o.{y} OR k.{y} > {value(rnd, y)})"])
        more = more.replace("k.(", "k.id = (") if "k.(" not in more else ""
        op = rnd.choice(["=", "=", "<", ">="])
        got = [ask(f"SELECT o.id, (SELECT COUNT(*) FROM {t} k WHERE k.{x} {op} o.{x}{more}) FROM bare o WHERE o.id < 40 ORDER BY 1") for t in ("bare", "keyed")]
        assert got[0] == got[1], (x, op, more)
        got = [ask(f"SELECT o.id, k.id FROM bare o {rnd.choice(['', 'LEFT '])}JOIN {t} k ON k.{x} {op} o.{x}{more} WHERE o.id < 20 ORDER BY 1, 2") for t in ("bare", "keyed") for rnd in [random.Random(i)]]
        assert got[0] == got[1], (x, op, more)


def test_merge_explained():
    cur.execute("CREATE TABLE big (id INT PRIMARY KEY, a INT, b INT NOT NULL, c VARCHAR(9), KEY a (a), KEY b (b))")
    cur.execute("INSERT INTO big SELECT x.i * 1000 + y.i * 10 + z.i, x.i * 100 + y.i, (x.i * 1000 + y.i * 10 + z.i) MOD 2000, 'x' FROM (SELECT id i FROM bare WHERE id < 20) x, (SELECT id i FROM bare WHERE id < 100) y, (SELECT id i FROM bare WHERE id < 10) z")
    p = plan("SELECT * FROM big WHERE id = 77 OR a = 99")
    assert (p["type"], p["key"], p["key_len"], p["Extra"]) == ("index_merge", "PRIMARY,a", "4,5", "Using union(PRIMARY,a); Using where"), p
    assert [r[0] for r in ask("SELECT * FROM big WHERE id = 77 OR a = 99 OR id = 995")] == [77, *range(990, 1000)]
    p = plan("SELECT * FROM big WHERE b BETWEEN 5 AND 6 OR a = 99")
    assert (p["type"], p["key"], p["key_len"], p["Extra"]) == ("index_merge", "a,b", "5,4", "Using sort_union(a,b); Using where"), p
    assert [r[0] for r in ask("SELECT * FROM big WHERE (b BETWEEN 5 AND 6 OR a = 400) AND id < 4100")] == [5, 6, 2005, 2006, *range(4000, 4010), 4005, 4006][:14]
    text = ask("EXPLAIN FORMAT=TREE SELECT * FROM big WHERE id = 77 OR a = 99")[0][0]
    assert "-> Deduplicate rows sorted by row ID" in text and "-> Index range scan on big using a over (a = 99)" in text, text
    assert "Sort-deduplicate by row ID" in ask("EXPLAIN FORMAT=TREE SELECT * FROM big WHERE b < 2 OR a = 99")[0][0]
    assert '"key": "union(PRIMARY,a)"' in ask("EXPLAIN FORMAT=JSON SELECT * FROM big WHERE id = 77 OR a = 99")[0][0]


def test_merge_changes():
    """What a transaction has changed itself is found, what others have is not; changes and locks through a merge."""
    with server.connect(autocommit=False) as k, server.connect(autocommit=True) as other:
        kc, oc = k.cursor(), other.cursor()
        kc.execute("USE d")
        oc.execute("USE d")
        oc.execute("SET innodb_lock_wait_timeout = 1")
        where = "id = 10 OR a = 7"

        def ids(cursor, more=""):
            cursor.execute(f"SELECT id FROM big WHERE {where} {more}")
            return [r[0] for r in cursor.fetchall()]

        assert ids(kc) == [10, *range(70, 80)]
        oc.execute("DELETE FROM big WHERE id = 71")
        oc.execute("UPDATE big SET a = 7 WHERE id = 500")
        kc.execute("UPDATE big SET a = 7 WHERE id IN (600, 601)")
        kc.execute("DELETE FROM big WHERE id IN (10, 72)")
        assert ids(kc) == [70, 71, *range(73, 80), 600, 601], ids(kc)
        assert ids(kc, "FOR UPDATE") == [70, *range(73, 80), 500, 600, 601]
        for sql in ("UPDATE big SET c = 'y' WHERE id = 70", "UPDATE big SET c = 'y' WHERE id = 500", "INSERT INTO big VALUES (30000, 7, 1, 'n')", "INSERT INTO big VALUES (10, 1, 1, 'n')"):
            try:
                oc.execute(sql)
                raise AssertionError(sql)
            except pymysql.MySQLError as e:
                assert e.args[0] == 1205, (sql, e)
        oc.execute("UPDATE big SET c = 'y' WHERE id = 900")
        kc.execute(f"UPDATE big SET a = 8, c = 'z' WHERE {where}")
        assert kc.rowcount == 11
        kc.execute("SELECT COUNT(*) FROM big WHERE c = 'z'")
        assert kc.fetchone() == (11,)
        k.commit()
        kc.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        kc.execute("DELETE FROM big WHERE id = 900 OR a = 8 AND c = 'z'")
        assert kc.rowcount == 12
        k.commit()
        oc.execute("CHECK TABLE big")
        assert oc.fetchall()[0][3] == "OK"


def test_memory_of_ranges():
    many = ", ".join(str(i * 2) for i in range(300))
    assert plan(f"SELECT * FROM keyed FORCE INDEX (PRIMARY) WHERE id IN ({many})")["type"] == "range"
    cur.execute("SET range_optimizer_max_mem_size = 10000")
    want = ask(f"SELECT * FROM bare WHERE id IN ({many}) ORDER BY id")
    assert ask(f"SELECT * FROM keyed WHERE id IN ({many}) ORDER BY id") == want
    assert ask("SHOW WARNINGS") == (("Warning", 3170, "Memory capacity of 10000 bytes for 'range_optimizer_max_mem_size' exceeded. Range optimization was not done for this query."),)
    assert plan(f"SELECT * FROM keyed FORCE INDEX (PRIMARY) WHERE id IN ({many})")["type"] == "ALL"
    cur.execute("SET range_optimizer_max_mem_size = 0")
    many = ", ".join(str(i) for i in range(0, 40000, 3))
    assert len(ask(f"SELECT * FROM keyed WHERE id IN ({many})")) == 134
    cur.execute("SET range_optimizer_max_mem_size = DEFAULT")


def close_all():
    c.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
