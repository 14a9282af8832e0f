# SPDX-License-Identifier: Apache-2.0
"""The plans of about 150 queries on a fixed data set (bench/query_data.py, 1,000 customers): *.plans tell for each the order of tables and their accesses,
EXPLAIN FORMAT=TREE without numbers. And every query has the same result under all other plans that it can be given: without each index, in other
orders, without hash joins, with flags of optimizer_switch off, and planned the plainest way.

--record writes the plans found into the files; what changed is then looked at, plan by plan, before it is committed. Words select queries by name:
test_plans.py --query=WORD. --verbose tells how many plans were compared, --all takes all queries however long it takes, --seed=N repeats an order."""
import itertools
import pathlib
import random
import re
import sys
import tempfile
import time

import pymysql
import quell
from harness import main

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
import query_data  # noqa: E402

SCALE = 0.005
FLAGS = """index_merge index_merge_union index_merge_intersection materialization semijoin loosescan firstmatch duplicateweedout derived_merge skip_scan hash_join
prefer_ordering_index derived_condition_pushdown""".split()
VIEWS = ["CREATE VIEW recent AS SELECT id, cust_id, odate, amount FROM orders WHERE odate >= '2024-12-01'",
         "CREATE VIEW totals AS SELECT cust_id, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY cust_id"]
server = quell.Server(args=["--secure-file-priv="])
RECORD = "--record" in sys.argv
WORD = next((a[8:] for a in sys.argv if a.startswith("--query=")), "")


class Query:
    """compare: exact (the order is part of the result), sorted, or count (which rows is left to the server)."""

    def __init__(self, name, tag, comment, sql, plan):
        self.name, self.comment, self.sql, self.plan = name, comment, sql, plan
        ordered = "ORDER BY" in sql.rsplit(")", 1)[-1]
        self.tag, self.compare = tag, tag or ("exact" if ordered else "sorted")

    def text(self):
        return f"## {self.name}{f' [{self.tag}]' if self.tag else ''}\n{self.comment}{self.sql}\n=>\n{self.plan}\n"


class File:
    def __init__(self, path):
        self.path = path
        self.head, *entries = re.split(r"^(?=## )", path.read_text(), flags=re.M)
        self.queries = [self.parse(e) for e in entries]

    @staticmethod
    def parse(entry):
        head, _, body = entry.partition("\n")
        name, tag = re.fullmatch(r"## (\S+)(?: \[(\w+)\])?", head).groups()
        sql, _, plan = body.partition("\n=>\n")
        comment = "".join(f"{line}\n" for line in sql.split("\n") if line.startswith("#"))
        return Query(name, tag, comment, "\n".join(line for line in sql.split("\n") if not line.startswith("#")), plan.strip())

    def write(self):
        self.path.write_text(self.head + "\n".join(q.text() for q in self.queries))


FILES = [File(p) for p in sorted(HERE.glob("*.plans"))]
SUM = {"queries": 0, "plans": 0, "cut": 0}


def chosen():
    return [q for f in FILES for q in f.queries if WORD in q.name]


def load():
    """The tables with their rows, statistics and two views."""
    cur = server.connect(autocommit=True).cursor()
    cur.execute("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci")
    cur.execute("USE d")
    cur.execute("SET foreign_key_checks = 0, unique_checks = 0")
    with tempfile.TemporaryDirectory(prefix="quell-plans-") as folder:
        files = query_data.Maker(SCALE, pathlib.Path(folder)).make()
        pathlib.Path(folder).chmod(0o755)
        for sql in query_data.CREATE:
            name = sql.split()[2]
            cur.execute(sql)
            cur.execute(f"LOAD DATA INFILE '{files[name]}' INTO TABLE {name}")
    cur.execute("ANALYZE TABLE " + ", ".join(sql.split()[2] for sql in query_data.CREATE))
    for v in VIEWS:
        cur.execute(v)
    cur.execute("SET foreign_key_checks = 1, unique_checks = 1")
    return cur


def plan_of(cur, sql):
    """Without the numbers."""
    cur.execute("EXPLAIN FORMAT=TREE " + sql)
    text = "\n".join(r[0] for r in cur.fetchall())
    return re.sub(r"  \(cost=[^)]*\)", "", text).strip()


def rows_of(cur, q, sql):
    """Rows, sorted where their order is not part of the result; for a change, how many rows it changed."""
    if not q.sql.startswith(("SELECT", "WITH", "(")):
        cur.execute("START TRANSACTION")
        try:
            return [(cur.execute(sql),)]
        finally:
            cur.execute("ROLLBACK")
    cur.execute(sql)
    rows = cur.fetchall()
    if q.compare == "count":
        return len(rows)
    return list(rows) if q.compare == "exact" else sorted(rows, key=lambda r: tuple((v is not None, str(v)) for v in r))


def tables_of(sql):
    """Alias -> table, of the outermost FROM and of others alike."""
    known = {s.split()[2] for s in query_data.CREATE}
    found = {}
    for table, alias in re.findall(r"\b(?:FROM|JOIN|,|UPDATE|\()\s*(\w+)(?:\s+(?:AS\s+)?(\w+))?", sql):
        if table in known:
            keyword = alias.upper() in ("", "WHERE", "ON", "JOIN", "LEFT", "GROUP", "ORDER", "SET", "USING", "UNION", "LIMIT", "STRAIGHT_JOIN", "CROSS")
            found[table if keyword else alias] = table
    return found


def keys_of(table):
    sql = next(s for s in query_data.CREATE if s.split()[2] == table)
    return ["PRIMARY"] + re.findall(r"KEY (\w+) \(", sql.replace("PRIMARY KEY", "").replace("FOREIGN KEY", ""))


def alternatives(q):
    """(setting, statement): other ways to ask for the same."""
    yield "debug_plain_plans = ON", q.sql
    for f in FLAGS:
        yield f"optimizer_switch = '{f}=off'", q.sql
    yield f"optimizer_switch = '{','.join(f + '=off' for f in FLAGS)}'", q.sql
    verb = re.match(r"(WITH .*?\)\s+)?(SELECT|UPDATE|DELETE)\b", q.sql, re.S)
    if not verb or q.sql.startswith("WITH"):
        return
    aliases = tables_of(q.sql)

    def hinted(hint):
        return None, f"{q.sql[:verb.end()]} /*+ {hint} */{q.sql[verb.end():]}"
    for a, t in aliases.items():
        used = [k for k in keys_of(t) if f" using {k}" in q.plan]
        for k in used:
            yield hinted(f"NO_INDEX({a} {k})")
        yield hinted(f"NO_INDEX({a})")
        for k in keys_of(t):
            yield hinted(f"INDEX({a} {k})")
    for a, t in aliases.items() if q.sql.startswith("SELECT") else ():
        place = re.search(rf"\b(?:FROM|JOIN) {t}{'' if a == t else ' ' + a}\b", q.sql)
        if place:
            for k in {k for k in keys_of(t) if f" using {k}" in q.plan}:
                yield None, f"{q.sql[:place.end()]} IGNORE INDEX ({k}){q.sql[place.end():]}"
            yield None, f"{q.sql[:place.end()]} USE INDEX (){q.sql[place.end():]}"
            for k in keys_of(t):
                yield None, f"{q.sql[:place.end()]} FORCE INDEX ({k}){q.sql[place.end():]}"
    if q.sql.startswith("SELECT ") and len(aliases) > 1 and "STRAIGHT" not in q.sql:
        yield None, "SELECT STRAIGHT_JOIN " + q.sql[7:]
    yield hinted("JOIN_FIXED_ORDER()")
    yield hinted(f"NO_HASH_JOIN({', '.join(aliases)})")
    yield hinted(f"HASH_JOIN({', '.join(aliases)})")
    orders = list(itertools.permutations(aliases)) if len(aliases) < 4 else [list(aliases)[i:] + list(aliases)[:i] for i in range(len(aliases))] + [list(aliases)[::-1]]
    for o in orders:
        if len(o) > 1:
            yield hinted(f"JOIN_ORDER({', '.join(o)})")
    if "(SELECT" in q.sql:
        for s in ("FIRSTMATCH", "LOOSESCAN", "DUPSWEEDOUT", "MATERIALIZATION"):
            yield None, re.sub(r"\(SELECT\b", f"(SELECT /*+ QB_NAME(inner1) */", hinted(f"SEMIJOIN(@inner1 {s})")[1], count=1)
        yield None, re.sub(r"\(SELECT\b", f"(SELECT /*+ QB_NAME(inner1) */", hinted("NO_SEMIJOIN(@inner1)")[1], count=1)


def test_plans():
    """Each plan is the one that is written down."""
    wrong = []
    for f in FILES:
        for q in f.queries:
            if WORD in q.name:
                found = plan_of(cur, q.sql)
                if found != q.plan:
                    wrong.append(f"{f.path.name}: {q.name}\n{q.sql}\nexpected\n{q.plan}\nfound\n{found}\n")
                    q.plan = found
        if RECORD:
            f.write()
    if RECORD:
        print(f"# recorded {len(wrong)} other plans")
        return
    assert not wrong, f"{len(wrong)} of {len(chosen())} plans are other ones\n\n" + "\n".join(wrong)


def test_results():
    """The same result under every plan. A plan that has been tried (as a text) is not tried again. Queries come in random order, as many as
    20 seconds allow."""
    wrong = []
    start, seed = time.monotonic(), next((int(a[7:]) for a in sys.argv if a.startswith("--seed=")), random.randrange(1 << 30))
    print(f"# --seed={seed}")
    bound = float("inf") if "--all" in sys.argv else 20
    for q in random.Random(seed).sample(chosen(), len(chosen())):
        if time.monotonic() - start > bound:
            break
        SUM["queries"] += 1
        tried = {plan_of(cur, q.sql)}
        want = rows_of(cur, q, q.sql)
        for setting, sql in alternatives(q):
            name = setting.split()[0] if setting else None
            if setting:
                cur.execute(f"SET {setting}")
            try:
                plan = plan_of(cur, sql)
                if plan in tried:
                    continue
                tried.add(plan)
                cur.execute("SET max_execution_time = 400")
                got = rows_of(cur, q, sql)
                SUM["plans"] += 1
            except pymysql.OperationalError as e:
                if e.args[0] != 3024:  # a plan that takes too long, as a plain one of ten tables may
                    raise
                SUM["cut"] += 1
                if "--verbose" in sys.argv:
                    print(f"# {q.name}: too long with {setting or sql[:120]}")
                continue
            finally:
                cur.execute("SET max_execution_time = 0")
                if name:
                    cur.execute(f"SET {name} = DEFAULT")
            if got != want:
                wrong.append(f"{q.name}: {setting or ''} {sql}\n{plan}\nwanted {str(want)[:300]}\ngot    {str(got)[:300]}\n")
    if "--verbose" in sys.argv:
        print(f"# processor time of the server: {time.clock_gettime((~server.proc.pid << 3) | 2):.1f} s")
        print(f"# {SUM['plans']} other plans of {SUM['queries']} queries in {time.monotonic() - start:.1f} s, {SUM['cut']} took too long")
    assert not wrong, f"{len(wrong)} wrong\n" + "\n".join(wrong)
    assert SUM["queries"] and (WORD or SUM["plans"] > SUM["queries"]), SUM


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    cur = load()
    main(globals())
