# SPDX-License-Identifier: Apache-2.0
"""EXPLAIN of whatever statement: FORMAT=JSON is one well-formed document that names every table once, FORMAT=TREE a tree whose lines are
indented by one more at most, EXPLAIN ANALYZE counts as many rows at its top as the statement gives, and no operator's rows are lost."""
import json
import re

import quell
from harness import main

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()

SETUP = """CREATE DATABASE d; USE d;
CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), KEY (a));
CREATE TABLE u (id INT PRIMARY KEY, t_id INT, x INT, y INT, UNIQUE KEY (x, y)) ENGINE=MyISAM;
CREATE TABLE `n"1` (k INT, v VARCHAR(10))"""
SELECTS = [
    "SELECT 1", "SELECT * FROM t", "SELECT * FROM t WHERE id = 7", "SELECT * FROM t WHERE a BETWEEN 3 AND 9 AND b LIKE 'v%'", "SELECT DISTINCT a FROM t ORDER BY a DESC LIMIT 3, 4",
    "SELECT a, COUNT(*), GROUP_CONCAT(b ORDER BY id) FROM t GROUP BY a HAVING COUNT(*) > 1", "SELECT t.b, u.x FROM t JOIN u ON u.t_id = t.id", "SELECT * FROM t LEFT JOIN u ON u.x = t.a AND u.y > 2",
    "SELECT * FROM t JOIN (SELECT x, COUNT(*) AS c FROM u GROUP BY x) AS g ON g.x = t.a", "SELECT * FROM t, `n\"1` WHERE `n\"1`.v <> 'it''s \"so\"\\\\'",
    "SELECT id FROM t WHERE a IN (SELECT x FROM u WHERE y > 1) OR EXISTS (SELECT 1 FROM u WHERE u.id = t.id)", "SELECT (SELECT MAX(y) FROM u WHERE u.x = t.a) AS m, b FROM t WHERE id IN (1, 5, 9)",
    "SELECT a FROM t UNION SELECT x FROM u UNION ALL SELECT 1 ORDER BY 1 LIMIT 20", "SELECT a FROM t UNION (SELECT x FROM u ORDER BY id LIMIT 3)",
    "WITH c AS (SELECT a, b FROM t WHERE id > 10) SELECT c1.a FROM c AS c1 JOIN c AS c2 ON c1.a = c2.a", "SELECT COUNT(*) FROM t WHERE 1 = 0", "SELECT b FROM t WHERE id > 5 LIMIT 0",
    "SELECT * FROM (SELECT * FROM (SELECT a FROM t WHERE a > 2) AS e WHERE a < 8) AS f WHERE a <> 5", "TABLE u", "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'd'",
    "SELECT id FROM t WHERE (a, b) IN (SELECT x, CONCAT('v', y) FROM u) ORDER BY (SELECT COUNT(*) FROM u WHERE u.x < t.a), id", "SELECT SUM(x) FROM u WHERE y = (SELECT MIN(y) FROM u) GROUP BY t_id",
]
CHANGES = ["INSERT INTO t VALUES (1000, 1, 'x')", "INSERT INTO t SELECT id + 1000, x, 'y' FROM u WHERE x IN (SELECT a FROM t)", "REPLACE INTO u VALUES (1, 1, 1, 1)", "UPDATE t SET b = 'z' WHERE a > 3 ORDER BY id LIMIT 2",
           "UPDATE t JOIN u ON u.t_id = t.id SET t.a = u.x, u.y = 0", "DELETE FROM t WHERE a = (SELECT MAX(x) FROM u)", "DELETE t, u FROM t JOIN u ON u.t_id = t.id WHERE u.y > 2",
           "INSERT INTO t (id, a) VALUES (5, 5) ON DUPLICATE KEY UPDATE a = VALUES(a) + 1"]


def cursor():
    c = server.connect()
    return c.cursor()


def one(cur, sql):
    cur.execute(sql)
    row, = cur.fetchall()
    text, = row
    return text


def tables_of(node, found):
    """Names in the document, and the SELECTs' numbers."""
    if isinstance(node, dict):
        if "table_name" in node and not node["table_name"].startswith("<union"):
            found.append(node["table_name"])
        if "select_id" in node:
            found.append(node["select_id"])
    for v in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        tables_of(v, found)
    return found


def test_setup():
    cur = cursor()
    for sql in SETUP.split("; "):
        for one_sql in sql.split(";\n"):
            cur.execute(one_sql)
    cur.execute("INSERT INTO t VALUES " + ",".join(f"({i}, {i % 12}, 'v{i % 5}')" for i in range(200)))
    cur.execute("INSERT INTO u VALUES " + ",".join(f"({i}, {i * 3 % 70}, {i % 20}, {i // 20})" for i in range(100)))
    cur.execute("INSERT INTO `n\"1` VALUES (1, 'x'), (2, NULL), (3, '')")


def test_json():
    cur = cursor()
    cur.execute("USE d")
    for sql in SELECTS + CHANGES:
        doc = json.loads(one(cur, "EXPLAIN FORMAT=JSON " + sql))
        assert list(doc) == ["query_block"], sql
        found = tables_of(doc, [])
        selects = [i for i in found if isinstance(i, int)]
        assert sorted(selects) == list(range(1, len(selects) + 1)), f"{sql}: each SELECT once: {selects}"
        # As many tables as the traditional format has rows that name one.
        cur.execute("EXPLAIN FORMAT=TRADITIONAL " + sql)
        rows = [r for r in cur.fetchall() if r[2] and not r[2].startswith("<union")]
        assert len(found) - len(selects) == len(rows), (sql, found, rows)


LINE = re.compile(r"^( *)-> (.+)$")


def lines_of(tree, sql):
    out, depth = [], -1
    assert tree.endswith("\n"), sql
    for line in tree[:-1].split("\n"):
        m = LINE.match(line)
        assert m and len(m[1]) % 4 == 0 and len(m[1]) // 4 <= depth + 1, f"{sql}: {line!r}"
        depth = len(m[1]) // 4
        out.append((depth, m[2]))
    return out


def test_tree():
    cur = cursor()
    cur.execute("USE d")
    for sql in SELECTS + CHANGES:
        lines = lines_of(one(cur, "EXPLAIN FORMAT=TREE " + sql), sql)
        assert not any("actual" in text or "?" in text for _, text in lines), lines
        cur.execute("EXPLAIN FORMAT=TRADITIONAL " + sql)
        read = [r for r in cur.fetchall() if r[4] and r[1] not in ("INSERT", "REPLACE", "UNION RESULT")]
        leaves = [text for _, text in lines if re.match(r"(Table scan on (?!<)|\S.* on \S+ using )", text)]
        assert len(leaves) == len(read), (sql, leaves, read)


COUNTS = re.compile(r"\(actual time=([0-9.e+-]+)\.\.([0-9.e+-]+) rows=([0-9.e+-]+) loops=(\d+)\)$")


def test_analyze():
    cur = cursor()
    cur.execute("USE d")
    for sql in SELECTS:
        cur.execute(sql)
        n = len(cur.fetchall())
        lines = lines_of(one(cur, "EXPLAIN ANALYZE " + sql), sql)
        before = None  # depth of a subquery that was run before planning: of what is below it nothing is counted
        for depth, text in lines:
            m = COUNTS.search(text)
            before = depth if "run before planning" in text else before if before is not None and depth > before else None
            assert m or before is not None or text.endswith("(never executed)") or "Select #" in text or text == "Hash" or "Zero rows" in text, (sql, text)
            if m:
                assert float(m[1]) <= float(m[2]), (sql, text)
        top = COUNTS.search(lines[0][1])
        assert round(float(top[3]) * int(top[4])) == n if top else n == 0, f"{sql}: {n} rows, not {lines[0][1]}"


def test_estimates_are_numbers():
    cur = cursor()
    cur.execute("USE d")
    for sql in SELECTS:
        for _, text in lines_of(one(cur, "EXPLAIN FORMAT=TREE " + sql), sql):
            m = re.search(r"\(cost=(\S+) rows=(\S+)\)", text)
            assert ("Select #" in text or text == "Hash") == (m is None), (sql, text)
            assert m is None or float(m[1]) >= 0 and float(m[2]) >= 0, (sql, text)


def test_plans_do_not_change_by_being_looked_at():
    """The tree of EXPLAIN ANALYZE is that of EXPLAIN FORMAT=TREE. (Whether subqueries run for each row or once for all values turns out on the way.)"""
    cur = cursor()
    cur.execute("USE d")
    cur.execute("SET optimizer_switch = 'materialization=off'")
    for sql in SELECTS:
        plain = one(cur, "EXPLAIN FORMAT=TREE " + sql)
        counted = one(cur, "EXPLAIN ANALYZE " + sql)
        assert re.sub(r" \((actual .*|never executed)\)$", "", counted, flags=re.M) == plain, sql


def test_subqueries_by_values():
    """For few rows a subquery runs for each, for many once for all values; the switches say never and always."""
    cur = cursor()
    cur.execute("USE d")
    cur.execute("CREATE TABLE many (id INT PRIMARY KEY, k INT, KEY (k))")
    cur.execute("INSERT INTO many VALUES " + ",".join(f"({i}, {i % 400})" for i in range(2000)))
    cur.execute("ANALYZE TABLE many")

    def ways(where):
        sql = f"SELECT (SELECT COUNT(*) FROM many x WHERE x.k = many.id) FROM many WHERE {where}"
        said = [re.findall("Select #2.*; (.*)\\)\n", one(cur, f"EXPLAIN {how} {sql}")) for how in ("FORMAT=TREE", "ANALYZE")]
        cur.execute(sql)
        counts = [int(r[0]) for r in cur.fetchall()]
        assert set(counts) == {5} if where == "id < 5" else sum(counts) == 2000, counts
        return said
    once = "run once for all values"
    assert ways("id < 5") == [["dependent"]] * 2
    estimated, found = ways("id >= 0")
    assert estimated == [once] and found[-1] == once
    cur.execute("SET optimizer_switch = 'materialization=off'")
    assert ways("id >= 0") == [["dependent"]] * 2
    cur.execute("SET optimizer_switch = 'materialization=default,subquery_to_derived=on'")
    assert ways("id < 5") == [[once]] * 2


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
