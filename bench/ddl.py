#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Long DDL, Quell beside MariaDB in one run: ALTER TABLE that copies, indexes that are built, how soon the table is free after a KILL in
their middle, how long commits of another session take beside them, and how long DROP and TRUNCATE of many rows take. Time on the clock,
and processor time of the server, which says more where the machine has other work. Prints medians and ratios; judges nothing
(docs/benchmarks.md).

  ddl.py --quelld PATH [--rows N] [--million N] [--kills N] [--rounds N] [--json FILE] [NAME ...]     NAME: parts of figure names
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
sys.path.insert(0, str(ROOT / "bench"))
import pymysql  # noqa: E402
import quell  # noqa: E402
from release import Session, show  # noqa: E402

COPY = "ALTER TABLE big ADD COLUMN x{n} INT NOT NULL DEFAULT 5, ALGORITHM=COPY"
INDEX = "ALTER TABLE big ADD INDEX i{n} (c, v)"
UNIQUE = "ALTER TABLE big ADD UNIQUE INDEX i{n} (u)"


def load(server, rows):
    c = server.connect(autocommit=True)
    cur = c.cursor()
    cur.execute("CREATE DATABASE rel")
    cur.execute("USE rel")
    cur.execute("CREATE TABLE big (id INT NOT NULL PRIMARY KEY, v INT NOT NULL, u BIGINT NOT NULL, c VARCHAR(60) NOT NULL, KEY v (v)) ENGINE=InnoDB")
    cur.execute("CREATE TABLE side (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL) ENGINE=InnoDB")
    for base in range(0, rows, 5000):
        cur.execute("INSERT INTO big VALUES " + ",".join(
            f"({i},{i * 7919 % 100003},{i * 2654435761 % 4294967296 * 1000000 + i},'text {i * 48271 % 2147483647} of row {i}')"
            for i in range(base + 1, min(base + 5000, rows) + 1)))
    c.close()


def cpu_seconds(pid):
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, server):
        self.server, self.n, self.usual = server, 0, {}
        self.s = Session(server)

    def statement(self, sql):
        self.n += 1
        return sql.format(n=self.n)

    def undo(self, sql):
        """The table as it was, so that the next round does the same work."""
        self.s.do(f"ALTER TABLE big DROP COLUMN x{self.n}" if "COLUMN" in sql else f"ALTER TABLE big DROP INDEX i{self.n}")
        time.sleep(1.5)  # what was dropped is deleted in the background

    def run(self, sql):
        """Seconds on the clock, and of processor time."""
        text = self.statement(sql)
        cpu, t = cpu_seconds(self.server.proc.pid), time.perf_counter()
        self.s.do(text)
        t, cpu = time.perf_counter() - t, cpu_seconds(self.server.proc.pid) - cpu
        self.undo(sql)
        return t, cpu

    def kill(self, sql, part):
        """Seconds from KILL QUERY, when that part of the statement's usual time has gone, to another session's having the table for itself,
        and to its having written to it (durably). None: it was over before."""
        if sql not in self.usual:
            self.usual[sql] = self.run(sql)[0]
        a, b = Session(self.server), Session(self.server)
        time.sleep(0.2)
        a.send(self.statement(sql))
        a.is_ready(self.usual[sql] * part)
        t = time.perf_counter()
        b.do(f"KILL QUERY {a.id}")
        b.do("LOCK TABLES big WRITE")
        free = time.perf_counter() - t
        b.do("UPDATE big SET v = v + 1 WHERE id = 1")
        written = time.perf_counter() - t
        b.do("UNLOCK TABLES")
        killed = a.answer() == 1317
        if not killed:
            self.undo(sql)
        a.close()
        b.close()
        return (free, written) if killed else None

    def kills(self, sql, n):
        """The medians of n of them, from early to late."""
        got = [v for v in (self.kill(sql, 0.1 + 0.7 * i / n) for i in range(n)) if v]
        return tuple(statistics.median(v[i] for v in got) for i in (0, 1))

    def drop(self, sql, rows):
        """Seconds it takes, and a durable insert of another session right after it."""
        self.s.do("DROP TABLE IF EXISTS many")
        self.s.do("CREATE TABLE many (id INT NOT NULL PRIMARY KEY, v INT NOT NULL, u BIGINT NOT NULL, c VARCHAR(60) NOT NULL, KEY v (v)) ENGINE=InnoDB")
        have = self.s.do("SELECT COUNT(*) FROM big")[0][0]
        for base in range(0, rows, have):
            self.s.do(f"INSERT INTO many SELECT id + {base}, v, u, c FROM big WHERE id <= {min(have, rows - base)}")
        time.sleep(3)
        other = Session(self.server)
        t = time.perf_counter()
        self.s.do(sql)
        took = time.perf_counter() - t
        t = time.perf_counter()
        other.do("INSERT INTO side (v) VALUES (1)")
        after = time.perf_counter() - t
        other.close()
        return took, after

    def commits_beside(self, sql):
        """Median and 99th percentile of a durable insert elsewhere while it runs."""
        stop, times = threading.Event(), []

        def insert():
            s = Session(self.server)
            while not stop.is_set():
                t = time.perf_counter()
                s.do("INSERT INTO side (v) VALUES (1)")
                times.append(time.perf_counter() - t)
            s.close()

        t = threading.Thread(target=insert)
        t.start()
        if sql:
            self.s.do(self.statement(sql))
        else:
            time.sleep(1)
        stop.set()
        t.join()
        if sql:
            self.undo(sql)
        times.sort()
        return times[len(times) // 2], times[len(times) * 99 // 100], times[-1]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rows", type=int, default=200000)
    ap.add_argument("--million", type=int, default=1000000)
    ap.add_argument("--kills", type=int, default=12)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    servers = {"quell": quell.Server(os.path.abspath(a.quelld)), "mariadb": quell.MariaDB()}
    out = []

    def figure(names, measure):
        """measure gives as many figures as there are names."""
        if a.names and not any(n in name for n in a.names for name in names):
            return
        got = {who: [] for who in servers}
        for _ in range(a.rounds):
            for who, b in benches.items():
                v = measure(b)
                got[who].append(v if isinstance(v, tuple) else (v,))
        for i, name in enumerate(names):
            med = {who: statistics.median(v[i] for v in got[who]) for who in servers}
            ratio = med["quell"] / med["mariadb"] if med["mariadb"] > 0 else 0
            print(f"{name:66} {show(med['quell']):>12} {show(med['mariadb']):>12}   {ratio:.3f}", flush=True)
            out.append({"name": name, **med, "ratio": ratio})

    try:
        for s in servers.values():
            s.start()
            load(s, a.rows)
        benches = {who: Bench(s) for who, s in servers.items()}
        print(f"{a.rows:,} rows{'':54} {'Quell':>12} {'MariaDB':>12}   ratio", flush=True)
        for what, sql in (("ALTER TABLE, copy", COPY), ("ADD INDEX", INDEX), ("ADD UNIQUE INDEX", UNIQUE)):
            figure([what, f"{what}, processor time of the server"], lambda b: b.run(sql))
        for what, sql in (("ALTER TABLE, copy", COPY), ("ADD INDEX", INDEX)):
            figure([f"KILL QUERY of {what}, to the table being free", "  to the table being written"], lambda b: b.kills(sql, a.kills))
        figure(["durable insert, alone", "  99th percentile", "  worst"], lambda b: b.commits_beside(None))
        for what, sql in (("ALTER TABLE, copy", COPY), ("ADD INDEX", INDEX)):
            figure([f"durable insert beside {what}", "  99th percentile", "  worst"], lambda b: b.commits_beside(sql))
        for what, sql in (("DROP TABLE", "DROP TABLE many"), ("TRUNCATE TABLE", "TRUNCATE TABLE many")):
            figure([f"{what} of {a.million:,} rows", "  durable insert right after it"], lambda b: b.drop(sql, a.million))
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    except pymysql.MySQLError as e:
        raise SystemExit(f"{e}")
    finally:
        quell.stop_all(servers.values())


if __name__ == "__main__":
    main()
