# SPDX-License-Identifier: Apache-2.0
"""Random GROUP BY, DISTINCT, MIN, MAX and COUNT(DISTINCT ...) over a table with many indexes, compared with the same over a copy of it that
has none, and with MariaDB; also in a transaction that has changed rows. What ORDER BY and LIMIT leave open is compared as far as it is
said: the values that are sorted by, and that all rows are among those of the whole result. `--seed=N` repeats a run, `--queries=N` makes it
longer."""
import collections
import random
import re
import sys

import quell
from harness import main

server = quell.Server()
reference = quell.MariaDB()

COLUMNS = """id INT NOT NULL PRIMARY KEY, a INT, b INT, c VARCHAR(8) COLLATE utf8mb4_general_ci, d DATE, e DECIMAL(5,2),
  f DATETIME(1), g VARCHAR(8) COLLATE utf8mb4_bin, h INT NOT NULL, i DOUBLE"""
KEYS = """KEY ab (a, b), KEY ba (b DESC, a), KEY c (c), KEY ca (c, a), KEY de (d, e), KEY e (e), KEY fa (f, a), KEY gb (g, b DESC),
  UNIQUE KEY h (h), KEY cp (c(1), b), KEY ib (i, b), KEY ahd (a, h, d)"""
PLAIN = "a b c d e f g h i id".split()
used = collections.Counter()


def value(rnd, column):
    if column not in ("h", "id") and rnd.random() < 0.12:
        return "NULL"
    return {"a": lambda: str(rnd.randint(-2, 6)),
            "b": lambda: str(rnd.choice([rnd.randint(0, 5), rnd.randint(0, 2000)])),
            "c": lambda: "'" + rnd.choice(["x", "X", "y", "Y", "yy", "Yy", "zz", "", "ä", "a"]) + "'",
            "d": lambda: f"'2024-0{rnd.randint(1, 4)}-1{rnd.randint(0, 9)}'",
            "e": lambda: f"{rnd.randint(-3, 3)}.{rnd.choice(['00', '50', '25'])}",
            "f": lambda: f"'2024-01-01 0{rnd.randint(0, 9)}:00:00.{rnd.randint(0, 1)}'",
            "g": lambda: "'" + rnd.choice(["x", "X", "y", "Y", "yy", "b"]) + "'",
            "h": lambda: str(rnd.randint(0, 1 << 30)),
            "i": lambda: rnd.choice(["0", "-1.5", "2.25", "1e10"]),
            "id": lambda: str(rnd.randint(1, 4000))}[column]()


def rows(rnd, ids):
    return ", ".join("(" + ", ".join([str(i)] + [value(rnd, c) for c in "abcdefghi"]) + ")" for i in ids)


def condition(rnd):
    c = rnd.choice(PLAIN)
    v = value(rnd, c)
    while v == "NULL":
        v = value(rnd, c)
    kind = rnd.random()
    if kind < 0.35:
        return f"{c} = {v}"
    if kind < 0.6:
        return f"{c} {rnd.choice(['<', '<=', '>', '>='])} {v}"
    if kind < 0.7:
        return f"{c} IN ({v}, {value(rnd, c)}, {value(rnd, c)})"
    if kind < 0.8:
        return f"{c} IS {rnd.choice(['', 'NOT '])}NULL"
    if kind < 0.9:
        return f"{c} BETWEEN {v} AND {value(rnd, c)}"
    return f"{c} <> {v}"


def where(rnd):
    n = rnd.choice([0, 0, 0, 1, 1, 2])
    return " WHERE " + " AND ".join(condition(rnd) for _ in range(n)) if n else ""


def aggregate(rnd):
    c = rnd.choice("abdehi" if rnd.random() < 0.7 else "abcdefghi")
    kind = rnd.choice(["MIN", "MAX", "MIN", "MAX", "COUNT", "SUM", "COUNT(*)", "DISTINCT", "DISTINCT", "AVG"])
    if kind == "COUNT(*)":
        return "COUNT(*)"
    if kind == "DISTINCT":
        return rnd.choice([f"COUNT(DISTINCT {c})", f"COUNT(DISTINCT {c})", f"COUNT(DISTINCT {c}, a)", f"SUM(DISTINCT {rnd.choice('abh')})"])
    return f"{kind}({rnd.choice('abe') if kind in ('SUM', 'AVG') else c})"


def limit(rnd):
    return rnd.choice(["", "", f" LIMIT {rnd.choice([1, 3, 10, 100])}", f" LIMIT 5 OFFSET {rnd.choice([1, 7])}"])


def order(rnd, columns):
    if not columns or rnd.random() < 0.4:
        return []
    one = rnd.choice(["", " DESC"])
    return [(c, one if rnd.random() < 0.8 else rnd.choice(["", " DESC"])) for c in rnd.sample(columns, rnd.randint(1, len(columns)))]


def loose(rnd):
    """Groups of an index, of which few rows have to be looked at."""
    keys, behind = rnd.choice([(["a"], "b"), (["a"], "h"), (["g"], "b"), (["d"], "e"), (["i"], "b"), (["b"], "a"), (["a", "b"], "b"), (["c"], "a"),
                               (["a", "h"], "d"), ([], "a"), ([], "g"), ([], "c")])
    of = behind if keys else rnd.choice([behind, "a, b", "d", "i", "b"])
    items = [rnd.choice([f"MIN({behind})", f"MAX({behind})", f"COUNT(DISTINCT {of})", f"SUM(DISTINCT {of})" if of in "abh" else f"MIN({behind})"])
             for _ in range(rnd.choice([1, 1, 2, 3] if keys else [1, 2]))]
    if not keys:
        items.append(f"COUNT(DISTINCT {of})")
    on = [c for c in keys if c != "c"] or [behind]
    conditions = []
    if rnd.random() < 0.4:
        c = rnd.choice(on)
        conditions = [rnd.choice([f"{c} > {value(rnd, c)}", f"{c} <= {value(rnd, c)}", f"{c} IS NOT NULL", f"{c} IN ({value(rnd, c)}, {value(rnd, c)})", f"{c} <> {value(rnd, c)}"])]
    sort = order(rnd, keys)
    by = " ORDER BY " + ", ".join(c + d for c, d in sort) if sort else ""
    return (keys + items, (" WHERE " + " AND ".join(conditions) if conditions else "") + (" GROUP BY " + ", ".join(keys) if keys else "") + by,
            [keys.index(c) for c, _ in sort], limit(rnd) if keys else "", "loose")


def joined(rnd):
    keys = rnd.choice([["x.id"], ["x.h"], ["x.a", "x.b"], ["x.id", "y.id"], ["x.b"], ["y.a"], ["y.h", "x.a"]])
    on = rnd.choice(["y.a = x.id", "y.id = x.a", "y.h = x.h", "y.id = x.b AND y.a > 2"])
    sort = order(rnd, keys)
    by = " ORDER BY " + ", ".join(c + d for c, d in sort) if sort else ""
    rest = f" x {rnd.choice(['LEFT JOIN', 'JOIN'])} TABLE y ON {on} WHERE x.id % 7 < {rnd.choice([1, 3])}"
    positions = [keys.index(c) for c, _ in sort]
    if rnd.random() < 0.3:
        return ["DISTINCT " + keys[0]] + keys[1:], rest + by, positions, limit(rnd), "joined"
    items = keys + [rnd.choice(["COUNT(*)", "COUNT(y.b)", "MIN(y.h)", "MAX(x.b)", "COUNT(DISTINCT y.a)", "SUM(x.a)"])]
    return items, f"{rest} GROUP BY {', '.join(keys)}{by}", positions, limit(rnd), "joined"


def query(rnd):
    """(select list with TABLE for the table, behind it, sort keys as positions, LIMIT, what it is)"""
    if rnd.random() < 0.25:
        return loose(rnd)
    if rnd.random() < 0.1:
        return joined(rnd)
    kind = rnd.random()
    if kind < 0.25:
        items = [f"{rnd.choice(['MIN', 'MAX'])}({rnd.choice(PLAIN)})" for _ in range(rnd.choice([1, 1, 2, 3]))]
        if rnd.random() < 0.2:
            items.append(aggregate(rnd))
        return items, where(rnd), [], "", "ends"
    if kind < 0.35:
        return [aggregate(rnd) for _ in range(rnd.choice([1, 1, 2]))], where(rnd), [], "", "whole"
    keys = rnd.choice([["a"], ["a", "b"], ["b", "a"], ["c"], ["c", "a"], ["a", "c"], ["d", "e"], ["e"], ["f"], ["f", "a"], ["g"], ["g", "b"],
                       ["h"], ["id"], ["id", "c"], ["b"], ["i"], ["b", "i"], ["a", "h", "d"], ["h", "a"], rnd.sample(PLAIN, 2)])
    sort = order(rnd, keys)
    by = " ORDER BY " + ", ".join(c + d for c, d in sort) if sort else ""
    positions = [keys.index(c) for c, _ in sort]
    if kind < 0.6:
        return ["DISTINCT " + keys[0]] + keys[1:], where(rnd) + by, positions, limit(rnd), "distinct"
    items = keys + [aggregate(rnd) for _ in range(rnd.choice([0, 1, 1, 2]))]
    having = rnd.choice(["", "", "", f" HAVING {rnd.choice(['COUNT(*) > 1', 'MIN(h) > 50000000'])}"])
    return items, where(rnd) + " GROUP BY " + ", ".join(keys) + having + by, positions, limit(rnd), "group"


def plain(v):
    return v.lower().rstrip().replace("ä", "a") if isinstance(v, str) else round(v, 6) if isinstance(v, float) else v


def run(c, sql):
    cur = c.cursor()
    cur.execute(sql)
    return [tuple(plain(v) for v in row) for row in cur.fetchall()]


def compare(here, there, q):
    items, rest, positions, limited, kind = q
    head = "SELECT " + ", ".join(items) + " FROM "
    bare = (head + "n" + rest + limited).replace("TABLE", "n")
    rest = rest.replace("TABLE", "t")
    sql = head + "t" + rest + limited
    used[kind] += 1
    cur = here.cursor()
    cur.execute("EXPLAIN FORMAT=TREE " + sql)
    tree = "\n".join(r[0] for r in cur.fetchall())
    for what in ("Group aggregate", "Group (no aggregates)", "Rows fetched", "Append", "(reverse)", "Limit: 1 row", "for grouping", "for deduplication", "<temporary>"):
        used[what] += what in tree
    whole = run(there, head + "t" + rest)
    got = run(here, sql)
    told = f"{sql}\n{tree}\ngot {got[:20]}\nof {whole[:20]}"
    bare = run(here, bare)
    assert len(got) == len(bare), told
    assert not collections.Counter(got) - collections.Counter(whole), told
    assert not collections.Counter(bare) - collections.Counter(whole), told
    if not limited:
        assert collections.Counter(got) == collections.Counter(whole), told
    assert [tuple(r[p] for p in positions) for r in got] == [tuple(r[p] for p in positions) for r in bare], told
    assert re.search(r"-> ", tree)


def change(rnd):
    kind = rnd.random()
    if kind < 0.35:
        first = rnd.randint(3001, 4000)
        return "REPLACE INTO {} VALUES " + rows(rnd, sorted(rnd.sample(range(first, first + 40), 20)))
    c = rnd.choice("abcdefgi")
    if kind < 0.7:
        return f"UPDATE {{}} SET {c} = {value(rnd, c)} WHERE id % {rnd.randint(3, 40)} = 0"
    return f"DELETE FROM {{}} WHERE id BETWEEN {(v := rnd.randint(1, 3000))} AND {v + rnd.choice([3, 100])}"


def test_random_grouping():
    args = dict(a[2:].split("=") for a in sys.argv if a.startswith("--") and "=" in a)
    rnd = random.Random(int(args.get("seed", 1)))
    n = int(args.get("queries", 500))
    server.start()
    reference.start()
    here, there = server.connect(autocommit=True), reference.connect(autocommit=True)
    for c in (here, there):
        c.cursor().execute("CREATE DATABASE g CHARACTER SET utf8mb4")
        c.select_db("g")
        c.cursor().execute(f"CREATE TABLE n ({COLUMNS})")
        c.cursor().execute(f"CREATE TABLE t ({COLUMNS}, {KEYS})")
    try:
        for part in range(3):
            for c in (here, there):
                c.cursor().execute("TRUNCATE n" if part else "DO 0")
                c.cursor().execute("TRUNCATE t" if part else "DO 0")
            ids = [range(0), range(1, 2600), range(1, 12)][part]
            if ids:
                data = rows(rnd, ids)
                for c in (here, there):
                    c.cursor().execute("INSERT INTO n VALUES " + data)
                    c.cursor().execute("INSERT INTO t SELECT * FROM n")
            for k in range([n // 10, n * 7 // 10, n // 5][part]):
                if k % 40 == 20:
                    for c in (here, there):
                        c.cursor().execute("START TRANSACTION")
                if k % 40 == 39:
                    for c in (here, there):
                        c.cursor().execute("COMMIT" if k % 80 == 39 else "ROLLBACK")
                if k % 10 == 5:
                    s = change(rnd)
                    for c in (here, there):
                        for t in "nt":
                            c.cursor().execute(s.format(t))
                compare(here, there, query(rnd))
    finally:
        here.close()
        there.close()
    print(f"# {dict(used)}")
    for what in ("Group aggregate", "Group (no aggregates)", "Rows fetched", "(reverse)", "for grouping", "for deduplication", "<temporary>"):
        assert used[what] > 0, what


def close_all():
    server.stop()
    server.remove()
    reference.stop()
    reference.remove()


if __name__ == "__main__":
    main(globals())
