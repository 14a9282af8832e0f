# SPDX-License-Identifier: Apache-2.0
"""Random queries over small tables full of NULLs and duplicates: joins of every kind, subqueries, derived tables, common table expressions, unions,
groups, orders with limits, changes through joins. The results are those of MariaDB, and the same under every plan: with random flags of
optimizer_switch off, with random hints, and with the planner turned off (debug_plain_plans). A wrong result is reported with the smallest statement
that still shows it.

--seed=N repeats a run, --seconds=N makes it longer, --all goes on after a failure, --no-reference compares plans only,
--verbose counts the operators seen."""
import random
import re
import sys
import time

import pymysql
import quell
import randquery
from harness import Skip, main

REFERENCE = "--no-reference" not in sys.argv
server = quell.Server()
reference = quell.MariaDB() if REFERENCE else None
FLAGS = """index_merge index_merge_union index_merge_sort_union index_merge_intersection index_condition_pushdown mrr block_nested_loop materialization semijoin loosescan
firstmatch duplicateweedout use_index_extensions condition_fanout_filter derived_merge skip_scan hash_join prefer_ordering_index derived_condition_pushdown""".split()
# What MySQL's dialect or Quell does not have: said, not wrong.
UNSUPPORTED = {1235, 1064}
LIMIT_SECONDS = 2
# MariaDB 10.11 takes a row of NULLs that a LEFT JOIN has made for one with a partner when its ON has a = b and WHERE a <=> b; not when that is spelled out.
SAFE_EQUAL = re.compile(r"([\w.]+) <=> ([\w.]+|'[^']*')")
TOO_LONG = {1969, 3024}


def option(name, default, kind=int):
    return next((kind(a.split("=")[1]) for a in sys.argv if a.startswith(f"--{name}=")), default)


class Side:
    """A session that answers with rows or an error."""

    def __init__(self, s, name):
        self.name, self.cur = name, s.connect(autocommit=True).cursor()
        self.cur.execute("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")

    def do(self, sql):
        self.cur.execute(sql)

    def ask(self, sql):
        try:
            self.cur.execute(sql)
            return [tuple(str(v) if v is not None else None for v in row) for row in self.cur.fetchall()]
        except pymysql.MySQLError as e:
            return e.args[0], str(e)

    def change(self, sql, table):
        """The rows of the table after it."""
        self.do("START TRANSACTION")
        try:
            self.cur.execute(sql)
            return self.ask(f"SELECT * FROM {table}")
        except pymysql.MySQLError as e:
            return e.args[0], str(e)
        finally:
            self.do("ROLLBACK")


def failed(answer):
    return isinstance(answer, tuple)


def sortable(rows):
    return sorted(rows, key=lambda r: tuple((v is not None, v or "") for v in r))


def differ(want, got, sql):
    """Whether two results of one statement cannot both be right. (Texts that are equal in their collation come in any order.)"""
    keys, limited = randquery.order_of(sql)
    if failed(want) or failed(got):
        return failed(want) != failed(got)
    if len(want) != len(got):
        return True
    if limited and not keys:
        return False
    if [[(r[k] or "").lower() for k in keys] for r in want] != [[(r[k] or "").lower() for k in keys] for r in got]:
        return True
    return not limited and sortable(want) != sortable(got)


class Run:
    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.here = Side(server, "quell")
        self.there = Side(reference, "mariadb") if REFERENCE else None
        self.sides = [self.here] + ([self.there] if self.there else [])
        for s in self.sides:
            s.do("DROP DATABASE IF EXISTS d")
            s.do("CREATE DATABASE d CHARACTER SET utf8mb4")
            s.do("USE d")
        if self.there:
            self.there.do(f"SET max_statement_time = {LIMIT_SECONDS}")
            # Its expressions of merged tables are not NULL where an outer join found no row.
            self.there.do("SET optimizer_switch = 'derived_merge=off,condition_pushdown_for_derived=off'")
            self.there.do("SET sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')")
        self.here.do(f"SET max_execution_time = {LIMIT_SECONDS * 1000}")
        self.plain = not failed(self.here.ask("SET debug_plain_plans = OFF"))
        self.count = {"statements": 0, "changes": 0, "refused by both": 0, "refused here": 0, "refused there": 0, "too long": 0, "wrong there": 0, "rows": 0}
        self.tables, self.views, self.seen = [], [], {}

    def make_tables(self):
        for t in self.tables + self.views:
            for s in self.sides:
                s.do(f"DROP {t.definition.split()[1]} {t.name}")
        most, self.span = self.rnd.choice([(8, 3), (15, 6), (30, 20), (150, 80)])
        self.tables = [randquery.make_table(self.rnd, f"t{i}", self.rnd.choice([most, most, most // 4]), self.span) for i in range(self.rnd.randint(2, 4))]
        for s in self.sides:
            for t in self.tables:
                s.do(t.definition)
                self.fill(s, t)
                s.ask(f"ANALYZE TABLE {t.name}")
        self.views = [randquery.Maker(self.rnd, self.tables, self.span).view("v0")] if self.rnd.random() < 0.5 else []
        for s in self.sides:
            for v in self.views:
                s.do(v.definition if s is self.here else v.definition.replace("VIEW", "ALGORITHM = TEMPTABLE VIEW", 1))

    def fill(self, side, t):
        if t.rows:
            side.do(f"INSERT INTO {t.name} VALUES " + ", ".join("(" + ", ".join(randquery.literal(v) for v in r) + ")" for r in t.rows))

    # ---- other plans of the same statement ----
    def hinted(self, sql):
        """The statement with an optimizer hint, or None."""
        names = [n for n in {f"x{i}" for i in range(1, 9)} if f" {n}" in sql]
        if not names or not sql.startswith("SELECT "):
            return None
        names.sort()
        self.rnd.shuffle(names)
        t = self.rnd.choice(self.tables)
        keys = ", ".join(self.rnd.sample(t.keys, self.rnd.randint(0, len(t.keys))))
        hint = self.rnd.choice(["JOIN_FIXED_ORDER()", f"JOIN_ORDER({', '.join(names)})", f"JOIN_PREFIX({names[0]})", f"JOIN_SUFFIX({names[0]})", f"NO_HASH_JOIN({', '.join(names)})", f"NO_ICP({names[0]})", f"NO_BKA({names[0]})", f"NO_MRR({names[0]})", f"NO_INDEX_MERGE({names[0]})",
                                f"HASH_JOIN({names[0]})", f"NO_INDEX({names[0]})", f"INDEX({names[0]} {keys})", f"NO_INDEX({names[0]} {keys})", "NO_SEMIJOIN()", "SEMIJOIN(FIRSTMATCH)",
                                "SEMIJOIN(DUPSWEEDOUT)", "SEMIJOIN(MATERIALIZATION)", "SEMIJOIN(LOOSESCAN)", f"NO_MERGE({names[0]})", f"MERGE({names[0]})", f"INDEX_MERGE({names[0]} {keys})",
                                f"NO_INDEX_MERGE({names[0]})", f"SKIP_SCAN({names[0]})", f"NO_SKIP_SCAN({names[0]})", f"ORDER_INDEX({names[0]} {keys})", f"NO_RANGE_OPTIMIZATION({names[0]})"])
        return f"SELECT /*+ {hint} */ " + sql[7:]

    def plans(self, sql):
        """(what is different, setting before, statement, setting after)."""
        if self.plain:
            yield "debug_plain_plans", "SET debug_plain_plans = ON", sql, "SET debug_plain_plans = OFF"
        flags = self.rnd.sample(FLAGS, self.rnd.choice([1, 1, 2, 5]))
        yield "flags off", f"SET optimizer_switch = '{','.join(f + '=off' for f in flags)}'", sql, "SET optimizer_switch = DEFAULT"
        if "(SELECT" in sql:
            yield "subqueries by keys", "SET optimizer_switch = 'subquery_to_derived=on'", sql, "SET optimizer_switch = DEFAULT"
        h = self.hinted(sql)
        if h:
            yield "hint", None, h, None

    def ask_with(self, before, sql, after, do=None):
        if before:
            self.here.do(before)
        try:
            return (do or self.here.ask)(sql)
        finally:
            if after:
                self.here.do(after)

    # ---- one statement ----
    def wrong(self, sql, do=None):
        """None, or (what, wanted, got, as it was asked)."""
        do = do or (lambda side, text: side.ask(text))
        got = do(self.here, sql)
        if failed(got) and got[0] in UNSUPPORTED:
            self.count["refused here"] += 1
            return None
        want = do(self.there, sql) if self.there else None
        if TOO_LONG & {x[0] for x in (got, want) if x and failed(x)}:
            self.count["too long"] += 1
            return None
        if self.there and failed(want):
            self.count["refused by both" if failed(got) else "refused there"] += 1
        elif self.there and differ(want, got, sql):
            spelled = SAFE_EQUAL.sub(r"(\1 = \2 OR \1 IS NULL AND \2 IS NULL)", sql)
            if spelled == sql or differ(do(self.there, spelled), got, sql):
                return "MariaDB", want, got, sql
            self.count["wrong there"] += 1  # it contradicts itself
        if failed(got):
            return None
        self.count["rows"] += len(got)
        for what, before, text, after in self.plans(sql):
            other = self.ask_with(before, text, after, lambda t: do(self.here, t))
            if failed(other) and other[0] in TOO_LONG | UNSUPPORTED:
                continue
            if differ(other, got, sql):
                return what, other, got, f"{before + '; ' if before else ''}{text}"
        return None

    def report(self, tree, found, do):
        """Makes the statement and the tables smaller while the kind of difference stays."""
        what, state, end = found[0], self.rnd.getstate(), time.monotonic() + 30

        def fails(sql):
            if time.monotonic() > end:
                return False
            for _ in range(8 if what in ("flags off", "hint") else 1):
                f = self.wrong(sql, do)
                if f and f[0] == what and failed(f[2]) == failed(found[2]) and failed(f[1]) == failed(found[1]):
                    return True
            return False
        if fails(str(tree)):
            randquery.smaller(tree, fails)
            for t in self.tables:
                self.fewer_rows(t, lambda: fails(str(tree)))
        sql = str(tree)
        now = next((f for f in (self.wrong(sql, do) for _ in range(30)) if f), found)
        plainly = self.ask_with("SET debug_plain_plans = ON", sql, "SET debug_plain_plans = OFF", do and (lambda t: do(self.here, t))) if self.plain else None
        lines = [f"wrong compared with {now[0]}: {now[3]}", f"plain plans give {'that too' if plainly == now[2] or plainly and not differ(plainly, now[2], sql) else plainly}", f"statement: {sql}", f"wanted: {now[1]}", f"got:    {now[2]}"]
        for t in self.tables:
            if f"{t.name} " in sql or any(f"{v.name} " in sql for v in self.views):
                rows = ", ".join("(" + ", ".join(randquery.literal(v) for v in r) + ")" for r in t.rows)
                lines += [t.definition + ";", f"INSERT INTO {t.name} VALUES {rows};" if rows else ""]
        lines += [v.definition + ";" for v in self.views if f"{v.name} " in sql]
        plan = self.here.ask("EXPLAIN FORMAT=TREE " + sql)
        if not failed(plan):
            lines.append("\n".join(r[0] for r in plan))
        self.rnd.setstate(state)
        return "\n".join(lines)

    def fewer_rows(self, t, fails):
        def put():
            for s in self.sides:
                s.do(f"DELETE FROM {t.name}")
                self.fill(s, t)
        step = max(1, len(t.rows) // 2)
        while step:
            i = 0
            while i < len(t.rows):
                kept = t.rows
                t.rows = t.rows[:i] + t.rows[i + step:]
                put()
                if not fails():
                    t.rows = kept
                    i += step
            step //= 2
        put()

    def see(self, sql):
        """Counts the operators of its plan."""
        plan = self.here.ask("EXPLAIN FORMAT=TREE " + sql)
        for line in plan[0][0].split("\n") if plan and not failed(plan) else []:
            what = re.sub(r"[:(].*| on \w+.*| row\(s\)", "", line.strip(" ->")).strip()
            self.seen[what] = self.seen.get(what, 0) + 1

    def one(self):
        maker = randquery.Maker(self.rnd, self.tables + self.views, self.span)
        if self.rnd.random() < 0.08:
            tree, t = maker.change()

            def do(side, sql):
                return side.change(sql, t.name)
            self.count["changes"] += 1
        else:
            tree = maker.statement()
            do = None
        self.count["statements"] += 1
        if "--verbose" in sys.argv:
            self.see(str(tree))
        found = self.wrong(str(tree), do)
        return self.report(tree, found, do) if found else None


def test_random_queries():
    if REFERENCE and not quell.shutil.which("mariadbd"):
        raise Skip("no MariaDB here")
    seed, seconds = option("seed", random.randrange(1 << 30)), option("seconds", 20)
    print(f"# --seed={seed}", flush=True)
    run, end, found = Run(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        run.make_tables()
        for _ in range(40):
            try:
                wrong = run.one()
            except pymysql.MySQLError as e:
                raise AssertionError(f"--seed={seed}: {e}; the log: {server.log_text()[-3000:]}") from None
            if wrong and "--all" in sys.argv:
                found += 1
                print(f"--- {wrong}\n", flush=True)
                run.make_tables()
            else:
                assert not wrong, f"--seed={seed}\n{wrong}"
    print("# " + ", ".join(f"{k} {v}" for k, v in run.count.items()), flush=True)
    for what, n in sorted(run.seen.items(), key=lambda x: -x[1]):
        print(f"# {n:6} {what}")
    assert not found, f"--seed={seed}: {found} wrong"
    assert run.count["statements"] > 10 * seconds ** 0.5 and run.count["rows"] > run.count["statements"], run.count


def close_all():
    server.__exit__(None, None, None)
    if REFERENCE:
        reference.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    if REFERENCE:
        reference.__enter__()
    main(globals())
