#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random differential testing of two servers that speak the MySQL protocol.

A is the server under test, B the reference.  Every round makes a random schema with random data
on both, then runs random statements on both and compares rows, column count, affected rows and
error number; after every data change the touched tables are compared as a whole.
Needs only Python 3 and pymysql (Debian: python3-pymysql).

Examples
  difftest.py --a 127.0.0.1:3307:root: --b 127.0.0.1:3306:root: --n 10000 --seed 1 --json out.json
  difftest.py --a ... --b ... --features join,sub --stop-after 3
  difftest.py --a ... --b ... --seed 1 --round 17 --setup-dir d      # one round again, with set-up files
  difftest.py --a B --b B --self-test                                # the harness must catch faults

Rows are compared as text, doubles with a tolerance.  Without ORDER BY as multisets; with ORDER BY
the sequence of the sort columns must agree too.  A and B may be the same server: the databases
are dt_<seed>_<round>a and dt_<seed>_<round>b (plus dt_<seed>_x...: scratch for reductions).
Round R depends on (seed, R, features, per-round) only.  A mismatch after which the two sides may
differ (data changes, lost connections) ends its round.  What MySQL 8 and MariaDB legitimately do
differently is not generated (zero dates, LAG default, same-table subqueries in DML, ...).

Exit status: 0 no mismatch (self-test: all faults caught), 1 mismatches, 2 could not run.
"""
import argparse
import collections
import json
import os
import random
import re
import sys
import time

from features import FEATURES
from gen import Gen, Stmt, as_float, quote
from shorten import cuts, parse, render
import typed_columns
from sides import FLOATS, SQL_MODE, Side, canon, compare


class Stop(Exception):
    pass


class Runner:
    def __init__(self, args):
        self.args, self.A, self.B = args, Side("a", args.a, args), Side("b", args.b, args)
        self.run_n, self.agree, self.both_err = (collections.Counter() for _ in range(3))
        self.errors, self.errors_sql = collections.Counter(), {}
        self.classes, self.found, self.skipped = collections.Counter(), [], collections.Counter()
        self.end = time.monotonic() + args.time_limit if args.time_limit else None
        self.frng, self.injected, self.caught, self.hangs = random.Random(args.seed), collections.Counter(), collections.Counter(), 0
        self.missed, self.scratch, self.total, self.t0 = [], 0, 0, time.monotonic()

    # -------------------------------------------------------------- one round = one schema
    def both(self, sql, which="main"):
        b = self.B.run(sql, which)
        return self.A.run(sql, which), b

    def round(self, no):
        g = Gen(random.Random(f"{self.args.seed}:{no}"))
        g.typed = typed_columns.make_tables(g, self.args.features)
        self.g, self.no, self.log, self.snap = g, no, [], {}
        for s in (self.A, self.B):
            if not s.alive():
                raise Stop(f"server {s.tag.upper()} does not answer")
            db = f"dt_{self.args.seed}_{no}{s.tag}"
            for sql in ("ROLLBACK", "SET autocommit = 1", f"DROP DATABASE IF EXISTS {db}",
                        f"CREATE DATABASE {db} CHARACTER SET utf8mb4 COLLATE {g.collation}"):
                r = s.run(sql)
                if r.kind != "ok" and "CREATE" in sql:
                    s.notes[f"{sql[:15]}: {r.kind} {r.errno}"] += 1
            for w in ("main", "aux"):
                s.use(db, w)
        try:
            if all(self.step(Stmt("setup", q, (), (q.split()[2],))) for q in g.setup() + typed_columns.setup(g)):
                done = 0
                while done < self.args.per_round:
                    f = g.pick(self.args.features)
                    if f == "txn" and g.p(.6):              # these are many statements each
                        f = g.pick(self.args.features)
                    for st in FEATURES[f](g):
                        done += 1
                        if self.total >= self.args.n or (self.end and time.monotonic() > self.end):
                            return False
                        if not self.step(st):
                            return True
            return True
        finally:
            for s in (self.A, self.B):
                s.run("ROLLBACK")
                s.run(f"DROP DATABASE IF EXISTS {s.db['main']}")

    def step(self, st):
        """Run one statement on both; False when the round must end."""
        which = "aux" if st.aux else "main"
        b = self.B.run(st.sql, which)
        if b.kind in ("lost", "hang", "protocol"):
            self.skipped[f"B: {b.kind}"] += 1
            return False
        fault = self.fault(st, b) if self.args.self_test and self.frng.random() < .04 else None
        if fault == "lost write":
            a = Res("ok", affected=b.affected)
        elif fault == "hang":
            a = self.A.run("SELECT SLEEP(30)", which, 1)
        else:
            if fault == "lost":
                self.A.conns[which]._sock.shutdown(2)
            a = self.A.run(st.sql, which)
        before = dict(self.snap)
        if st.feature == "setup" or not st.sql.startswith(("SELECT", "WITH", "(")):
            self.log.append(st.sql)
        if fault:
            self.spoil(fault, st, a)
        if st.feature != "setup":
            self.total += 1
            self.run_n[st.feature] += 1
        bad = compare(st.sql, st.order, a, b, self.args.types)
        if st.tables and a.kind in ("ok", "err"):
            diff = self.tables_differ(st.tables, which)
            bad = bad or diff
        if b.kind == "err" and a.kind == "err":
            self.both_err[st.feature] += 1
            self.errors[st.feature, b.errno] += 1
            self.errors_sql.setdefault((st.feature, b.errno), st.sql)
        if fault:
            self.injected[fault] += 1
            self.caught[fault] += bool(bad)
            if not bad:
                self.missed.append((fault, st.sql))
        elif bad:
            self.mismatch(st, bad, a, b, before)
        elif st.feature != "setup":
            self.agree[st.feature] += 1
        return not bad or (a.kind in ("rows", "err") and b.kind in ("rows", "err") and not st.tables and st.feature != "setup"
                           and st.sql.startswith(("SELECT", "WITH", "(")))

    def tables_differ(self, tables, which="main"):
        for t in tables:
            q = f"SELECT * FROM {t}"
            a, b = self.both(q, which)
            if b.kind == "rows":
                self.snap[t] = b.rows
            bad = compare(q, (), a, b)
            if bad:
                return ("table contents" if a.kind == "rows" else f"after: {bad[0]}"), f"{t}: {bad[1]}"
        return None

    # -------------------------------------------------------------- self-test: faults put into A
    def fault(self, st, b):
        o = ["lost"]
        if b.kind == "rows":
            o += ["extra column"] + ["value", "drop row", "extra row", "null", "error"] * bool(b.rows)
            pr = [tuple(r[i] for i in st.order) for r in canon(b.rows, [i for i, t in enumerate(b.types) if t in FLOATS], True)]
            if any(x != y for x, y in zip(pr, pr[1:])):
                o += ["order"] * 3
        elif b.kind == "ok":
            o += ["affected"]
            if b.affected and "ON DUP" not in st.sql and st.sql.startswith(("INSERT", "UPDATE", "DELETE")):
                o += ["lost write"] * 3
        else:
            o += ["other error", "no error"]
        if self.hangs < 3 and self.frng.random() < .02:
            self.hangs += 1
            return "hang"
        return self.frng.choice(o) if st.feature != "setup" or self.frng.random() < .1 else None

    def spoil(self, fault, st, a):
        r = self.frng
        if fault in ("value", "null", "drop row", "extra row", "order") and a.kind == "rows":
            n = r.randrange(len(a.rows))
            if fault == "drop row":
                del a.rows[n]
            elif fault == "extra row":
                a.rows.append(a.rows[n])
            elif fault == "order":
                fl = [i for i, t in enumerate(a.types) if t in FLOATS]
                pr = [tuple(x[i] for i in st.order) for x in canon(a.rows, fl, True)]
                n = r.choice([i for i in range(len(pr) - 1) if pr[i] != pr[i + 1]])
                a.rows[n], a.rows[n + 1] = a.rows[n + 1], a.rows[n]
            else:
                c, row = r.randrange(len(a.names)), list(a.rows[n])
                f = as_float(row[c])
                new = "Z" if row[c] is None else None if fault == "null" else repr(f + 1 + abs(f) / 999) if f is not None else row[c] + "Z"
                row[c] = new
                a.rows[n] = tuple(row)
        elif fault == "extra column":
            a.names.append("x")
        elif fault == "affected":
            a.affected += 1
        elif fault == "error":
            a.kind, a.errno = "err", 1105
        elif fault == "other error":
            a.errno += 1
        elif fault == "no error":
            a.kind = "ok"

    # -------------------------------------------------------------- what is done about a mismatch
    def mismatch(self, st, bad, a, b, before):
        cls = (bad[0], st.feature)
        self.classes[cls] += 1
        rec = dict(n=len(self.found) + 1, seed=self.args.seed, round=self.no, feature=st.feature, **{"class": bad[0]}, detail=bad[1],
                   sql=st.sql, a=a.brief(), b=b.brief(), again=f"--seed {self.args.seed} --round {self.no} --features "
                   f"{','.join(self.args.features)} --per-round {self.args.per_round}")
        self.found.append(rec)
        loud = self.classes[cls] <= self.args.detail
        if loud:
            setup = None
            if a.kind in ("rows", "ok", "err") and st.feature != "setup" and not bad[0].startswith("after") \
                    and (st.tables or b.kind == "rows" or st.sql.startswith("SELECT")):
                try:
                    setup = self.reduce(st, bad[0], before, rec)
                except Exception as e:
                    rec["reduce_failed"] = f"{type(e).__name__}: {e}"
            where = self.args.setup_dir or (self.args.json and re.sub(r"\.json$", "", self.args.json) + ".setup")
            if where:
                os.makedirs(where, exist_ok=True)
                rec["setup"] = os.path.join(where, f"m{rec['n']}-{self.no}.sql")
                with open(rec["setup"], "w", encoding="utf-8") as f:
                    head = [f"-- {bad[0]}; {rec['again']}", f"-- CREATE DATABASE .. CHARACTER SET utf8mb4 COLLATE {self.g.collation}",
                            f"SET sql_mode = '{SQL_MODE}'"]
                    own = [] if setup or not self.log or self.log[-1] != st.sql else [st.sql]
                    body = setup or self.log[:len(self.log) - len(own)]
                    f.write("\n".join(head[:2]) + "\n" + "".join(x + ";\n" for x in head[2:] + body))
                    f.write(f"-- the statement{' (second session)' if st.aux else ''}\n{st.sql};\n")
                    if rec.get("reduced", st.sql) != st.sql:
                        f.write(f"-- reduced\n{rec['reduced']};\n")
        lines = [f"MISMATCH {rec['n']} [{st.feature}] {bad[0]}: {bad[1][:400]}", f"  sql  {st.sql}", f"  A    {rec['a']}",
                 f"  B    {rec['b']}", f"  again {rec['again']}"]
        lines += [f"  {k:8} {rec[k]}" for k in ("reduced", "rows_kept", "setup") if k in rec]
        print("\n".join(lines) if loud else f"mismatch {rec['n']} [{st.feature}] {bad[0]}: {st.sql[:110]}", flush=True)
        if self.args.stop_after and len(self.found) >= self.args.stop_after:
            raise Stop(f"{len(self.found)} mismatches")

    def reduce(self, st, cls, before, rec):
        """Repeat the mismatch in a fresh database, shorten the statement, then the data."""
        self.scratch += 1
        dbs = [(s, f"dt_{self.args.seed}_x{self.scratch}{s.tag}") for s in (self.A, self.B)]
        end, probes = time.monotonic() + self.args.reduce_time, 0
        data = {t.name: list((before if st.tables else self.snap).get(t.name, ())) for t in self.g.every()}
        lits = lambda r: "(" + ", ".join("NULL" if v is None else quote(v) for v in r) + ")"
        fill = lambda d: [f"INSERT INTO {t} VALUES {', '.join(map(lits, rows))}" for t, rows in d.items() if rows]

        def load(d):
            for s, _ in dbs:
                for q in [f"DELETE FROM {t}" for t in data] + fill(d):
                    s.run(q, "red")

        def probe(sql, order=(), d=None):
            nonlocal probes
            probes += 1
            if d is not None or st.tables:
                load(data if d is None else d)
            a, b = self.both(sql, "red")
            bad = compare(sql, order, a, b, self.args.types)
            if not bad and st.tables:
                keep = dict(self.snap)
                bad = self.tables_differ(st.tables, "red")
                self.snap = keep
            return bad[0] if bad else None

        try:
            for s, db in dbs:
                for q in (f"DROP DATABASE IF EXISTS {db}", f"CREATE DATABASE {db} CHARACTER SET utf8mb4 COLLATE {self.g.collation}"):
                    s.run(q, "red")
                s.use(db, "red")
                for t in self.g.every():
                    s.run(t.ddl(), "red")
            if probe(st.sql, st.order, data) != cls:
                rec["reduced"] = "not repeatable in a fresh database: see the log of the round"
                return None
            self.B.run(f"SET SESSION sql_mode = '{SQL_MODE},ONLY_FULL_GROUP_BY'", "red")
            tree, best, again = parse(st.sql), st.sql, True
            if probe(render(tree)) != cls and cls != "order":
                again = False
            while again and time.monotonic() < end:
                again = False
                for only_where, cand in sorted(cuts(tree), key=lambda c: len(render(c[1]))):
                    sql = render(cand)
                    if len(sql) >= len(render(tree)) or (not only_where and (cls == "order" or ("LIMIT" in sql))):
                        continue
                    if time.monotonic() > end:
                        break
                    if probe(sql, st.order if cls == "order" else ()) == cls:
                        tree, best, again = cand, sql, True
                        break
            rec["reduced"] = best
            order = st.order if cls == "order" or best == st.sql else ()
            for t in list(data):
                size = len(data[t])
                while size and time.monotonic() < end:
                    i = 0
                    while i < len(data[t]) and time.monotonic() < end:
                        d = dict(data, **{t: data[t][:i] + data[t][i + size:]})
                        if probe(best, order, d) == cls:
                            data = d
                        else:
                            i += size
                    size //= 2
            rec["rows_kept"], rec["probes"] = {t: len(r) for t, r in data.items() if r}, probes
            return [t.ddl() for t in self.g.every()] + fill(data)
        finally:
            for s, db in dbs:
                s.run(f"DROP DATABASE IF EXISTS {db}", "red")
                c = s.conns.pop("red", None)
                if c is not None:
                    c._force_close()
                s.db.pop("red", None)

    # -------------------------------------------------------------- all of it
    def go(self):
        why = "done"
        try:
            no = self.args.round if self.args.round is not None else 0
            idle = 0
            while self.total < self.args.n and not (self.end and time.monotonic() > self.end):
                before = self.total
                if not self.round(no) or self.args.round is not None:
                    break
                idle = idle + 1 if self.total == before else 0
                if idle == 10:
                    raise Stop("ten rounds whose tables could not be made")
                no += 1
        except (Stop, KeyboardInterrupt) as e:
            why = str(e) or "interrupted"
        return self.summary(why)

    def summary(self, why):
        secs = time.monotonic() - self.t0
        print(f"\n{why}: {self.total} statements in {secs:.1f} s, {len(self.found)} mismatches, seed {self.args.seed}"
              + "".join(f", {k} {v}" for k, v in self.skipped.items()))
        rate = {}
        for f in sorted(self.run_n):
            n = self.run_n[f]
            rate[f] = dict(run=n, agreed=self.agree[f], rate=round(self.agree[f] / n, 5), same_error=self.both_err[f])
            print(f"  {f:8} {n:7} run {self.agree[f]:7} agreed {100 * self.agree[f] / n:8.3f} %   ({self.both_err[f]} same error)")
        for (c, f), n in self.classes.most_common(15):
            print(f"  {n:6} x {c} [{f}]")
        for s in (self.A, self.B):
            for t, n in s.notes.items():
                print(f"  note, server {s.tag.upper()}: {t} ({n} times)")
        ok = not self.found
        if self.args.self_test:
            inj, got = sum(self.injected.values()), sum(self.caught.values())
            ok = ok and inj == got and inj > 0
            print(f"self-test: {got} of {inj} faults caught; " + ", ".join(f"{k} {self.caught[k]}/{v}" for k, v in sorted(self.injected.items())))
            for m in self.missed[:10]:
                print("  MISSED", m)
        if self.args.json:
            with open(self.args.json, "w", encoding="utf-8") as f:
                json.dump(dict(why=why, seed=self.args.seed, statements=self.total, seconds=round(secs, 1), features=rate,
                               skipped=self.skipped, classes=[[c, x, n] for (c, x), n in self.classes.most_common()],
                               injected=self.injected, caught=self.caught, missed=self.missed, mismatches=self.found), f, indent=1, ensure_ascii=False)
        return 2 if why.startswith("server") and not self.total else 0 if ok else 1


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--a", required=True, metavar="HOST:PORT:USER:PASSWORD", help="server under test")
    ap.add_argument("--b", required=True, metavar="HOST:PORT:USER:PASSWORD", help="reference server")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--n", type=int, default=2000, help="statements to run (default %(default)s)")
    ap.add_argument("--features", default=",".join(FEATURES), help="comma list (default %(default)s); -x takes x away")
    ap.add_argument("--per-round", type=int, default=60, help="statements a schema (default %(default)s)")
    ap.add_argument("--round", type=int, help="run only this round")
    ap.add_argument("--time-limit", type=float, help="seconds for everything")
    ap.add_argument("--stmt-timeout", type=float, default=10, help="seconds a statement (default %(default)s)")
    ap.add_argument("--reconnect-wait", type=float, default=30, help="seconds to wait for a server that is gone")
    ap.add_argument("--json", metavar="OUT")
    ap.add_argument("--setup-dir", help="where the set-up files go (default: OUT.setup, with --json)")
    ap.add_argument("--stop-after", type=int, default=0, metavar="K", help="stop after K mismatches")
    ap.add_argument("--detail", type=int, default=3, help="mismatches reported in full for a class and feature")
    ap.add_argument("--reduce-time", type=float, default=8, help="seconds to reduce one mismatch")
    ap.add_argument("--types", action="store_true", help="compare column types and names too")
    ap.add_argument("--self-test", action="store_true", help="spoil A's results now and then; all must be caught")
    args = ap.parse_args()
    names = [f for f in args.features.split(",") if f]
    off = {f[1:] for f in names if f.startswith("-")}
    args.features = [f for f in names if not f.startswith("-")] or [f for f in FEATURES if f not in off]
    if not set(args.features) | off <= set(FEATURES):
        ap.error(f"features are {', '.join(FEATURES)}")
    sys.exit(Runner(args).go())


if __name__ == "__main__":
    main()
