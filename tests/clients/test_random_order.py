# SPDX-License-Identifier: Apache-2.0
"""Random tables with ascending, descending, unique and nullable keys; random WHERE and ORDER BY over them, compared with the rows
chosen and sorted here. Whatever index the planner takes, the answer is the same. `--seed=N` repeats a run."""
import random
import sys

import quell
from harness import main

server = quell.Server()
COLUMNS = "abcde"


def make_table(cur, rnd):
    """Returns the rows and the columns of the keys; NULLs where columns allow them; every row has its own value in e."""
    nullable = {c: rnd.random() < 0.6 for c in "abcd"}
    keys, unique, listed = [], [], []
    pk = rnd.choice([None, ["e"], ["a", "e"], ["b", "a", "e"]])
    if pk:
        for c in pk:
            nullable[c] = False
        keys.append("PRIMARY KEY (" + ", ".join(c + rnd.choice(["", " DESC"]) for c in pk) + ")")
    for _ in range(rnd.randint(0, 3)):
        cols = rnd.sample(COLUMNS, rnd.choice([1, 1, 2, 3]))
        listed.append(cols)
        is_unique = rnd.random() < 0.5
        if is_unique:
            unique.append(cols)
        keys.append(("UNIQUE" if is_unique else "KEY") + " (" + ", ".join(c + rnd.choice(["", " DESC"]) for c in cols) + ")")
    defs = [f"{c} INT {'' if nullable.get(c) else 'NOT NULL'}" for c in COLUMNS]
    cur.execute("DROP TABLE IF EXISTS t")
    cur.execute(f"CREATE TABLE t ({', '.join(defs + keys)})")
    rows, seen = [], [set() for _ in unique]
    for e in rnd.sample(range(1000), rnd.choice([3, 20, 60])):
        r = {c: None if nullable[c] and rnd.random() < 0.4 else rnd.randint(0, 3) for c in "abcd"}
        r["e"] = e
        ids = [tuple(r[c] for c in cols) for cols in unique]
        if any(None not in i and i in s for i, s in zip(ids, seen)):
            continue
        for i, s in zip(ids, seen):
            s.add(i)
        rows.append(r)
    if rows:
        cur.execute("INSERT INTO t VALUES " + ", ".join("(" + ", ".join("NULL" if r[c] is None else str(r[c]) for c in COLUMNS) + ")" for r in rows))
    return rows, listed


def make_condition(rnd, c):
    """(text, function of a row that says whether it is true)."""
    v, w = rnd.randint(0, 3), rnd.randint(0, 3)
    return rnd.choice([
        (f"{c} = {v}", lambda r: r[c] == v),
        (f"{c} IS NULL", lambda r: r[c] is None),
        (f"{c} <=> NULL", lambda r: r[c] is None),
        (f"{c} IS NOT NULL", lambda r: r[c] is not None),
        (f"{c} > {v}", lambda r: r[c] is not None and r[c] > v),
        (f"{c} <= {v}", lambda r: r[c] is not None and r[c] <= v),
        (f"{c} IN ({v}, {w})", lambda r: r[c] in (v, w)),
        (f"{c} BETWEEN {v} AND {w}", lambda r: r[c] is not None and v <= r[c] <= w),
    ])


def run_query(cur, rnd, rows, key_columns):
    columns = list(rnd.choice(key_columns) if key_columns and rnd.random() < 0.6 else "abcd")  # those of a key, or any
    conds = [make_condition(rnd, c) for c in (columns if rnd.random() < 0.3 else rnd.choices(columns, k=rnd.choice([0, 1, 1, 2, 3])))]
    keys = [(c, rnd.random() < 0.5) for c in rnd.sample(COLUMNS, rnd.randint(1, 4))]
    if rnd.random() < 0.5:
        down = rnd.random() < 0.5
        keys = [(c, down) for c, _ in keys]
    want = [r for r in rows if all(f(r) for _, f in conds)]
    for c, down in reversed(keys):
        want.sort(key=lambda r: (r[c] is not None, r[c] if r[c] is not None else 0), reverse=down)
    columns = rnd.choice([COLUMNS, "".join(c for c, _ in keys)])
    sql = f"SELECT {', '.join(columns)} FROM t"
    if conds:
        sql += " WHERE " + " AND ".join(t for t, _ in conds)
    sql += " ORDER BY " + ", ".join(c + (" DESC" if down else "") for c, down in keys)
    offset, limit = 0, len(want)
    if rnd.random() < 0.4:
        offset, limit = rnd.randint(0, 3), rnd.randint(1, 6)
        sql += f" LIMIT {offset}, {limit}"
    cur.execute(sql)
    got = [dict(zip(columns, r)) for r in cur.fetchall()]
    order = [c for c, _ in keys]
    expect = want[offset:offset + limit]
    assert [[r[c] for c in order] for r in got] == [[r[c] for c in order] for r in expect], (sql, got, expect)
    left = [{c: r[c] for c in columns} for r in want]  # rows with equal keys may come in any order, but each once
    for r in got:
        assert r in left, (sql, r)
        left.remove(r)
    return sql


def test_random_order():
    seed = next((int(a[7:]) for a in sys.argv if a.startswith("--seed=")), random.randrange(1 << 30))
    rounds = next((int(a[9:]) for a in sys.argv if a.startswith("--rounds=")), 60)
    rnd = random.Random(seed)
    prefixes = 0
    with server.connect() as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE d")
        cur.execute("USE d")
        for _ in range(rounds):
            rows, listed = make_table(cur, rnd)
            for _ in range(25):
                try:
                    sql = run_query(cur, rnd, rows, listed)
                    cur.execute("EXPLAIN FORMAT=TREE " + sql)
                    prefixes += "rows in order of" in cur.fetchone()[0]
                except AssertionError as e:
                    cur.execute("SHOW CREATE TABLE t")
                    raise AssertionError(f"--seed={seed}: {e}\n{cur.fetchone()[1]}") from None
    assert prefixes > 0, "no rows that came in the order of the first keys only"


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    main(globals())
