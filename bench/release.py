#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Letting go, Quell beside MariaDB in one run: how long others wait for the locks of a killed transaction, how long ROLLBACK takes, how
soon a killed lock wait ends, what a row lock costs in memory. Prints medians and ratios; judges nothing (docs/benchmarks.md).
--svg draws the first of these from this run's figures.

  release.py --quelld PATH [--rows N] [--rounds N] [--json FILE] [--svg FILE]
"""
import argparse
import json
import os
import pathlib
import select
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
sys.path.insert(0, str(ROOT / "bench"))
import chart  # noqa: E402
import pymysql  # noqa: E402
import quell  # noqa: E402
from pymysql.constants import COMMAND  # noqa: E402

SIZES = [1, 1000, 100000, 1000000]


class Session:
    """A connection whose statement can be sent now and answered later."""

    def __init__(self, server):
        self.c = server.connect(database="rel", autocommit=True)
        self.id = self.c.thread_id()

    def do(self, sql):
        with self.c.cursor() as cur:
            cur.execute(sql)
            return cur.fetchall()

    def send(self, sql):
        self.c._execute_command(COMMAND.COM_QUERY, sql)

    def answer(self):
        """0, or the error number."""
        try:
            self.c._read_query_result()
            return 0
        except pymysql.MySQLError as e:
            return e.args[0]

    def is_ready(self, seconds):
        return bool(select.select([self.c._sock], [], [], seconds)[0])

    def close(self):
        try:
            self.c.close()
        except pymysql.MySQLError:
            pass


def load(server, rows):
    c = server.connect(autocommit=True)
    cur = c.cursor()
    cur.execute("CREATE DATABASE rel")
    cur.execute("USE rel")
    cur.execute("CREATE TABLE big (id INT NOT NULL PRIMARY KEY, v INT NOT NULL, c CHAR(60) NOT NULL) ENGINE=InnoDB")
    for base in range(0, rows, 5000):
        cur.execute("INSERT INTO big VALUES " + ",".join(f"({i},0,'some text of row {i}')" for i in range(base + 1, min(base + 5000, rows) + 1)))
    c.close()


def until_waiting(watch, session):
    """The session's statement waits: it is there, and a look a moment later finds it there still without an answer."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        row = watch.do(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {session.id} AND INFO IS NOT NULL")
        if row[0][0] and not session.is_ready(0.05):
            return
    raise SystemExit("the waiter does not wait")


def begin_change(server, n):
    a = Session(server)
    a.do("BEGIN")
    a.do(f"UPDATE big SET v = v + 1 WHERE id <= {n}")
    return a


def after_kill(server, n):
    """Seconds from KILL CONNECTION of a transaction of n rows to a waiting session having the lock."""
    a, b, watch = begin_change(server, n), Session(server), Session(server)
    b.send("SELECT v FROM big WHERE id = 1 FOR UPDATE")
    until_waiting(watch, b)
    t = time.perf_counter()
    watch.send(f"KILL {a.id}")
    if not b.is_ready(600):
        raise SystemExit("never got the lock")
    t = time.perf_counter() - t
    if b.answer() or watch.answer():
        raise SystemExit("unexpected error")
    for s in (a, b, watch):
        s.close()
    return t


def rollback(server, n):
    a = begin_change(server, n)
    t = time.perf_counter()
    a.do("ROLLBACK")
    t = time.perf_counter() - t
    a.close()
    return t


def kill_in_wait(server, _):
    """Seconds from KILL QUERY of a session that waits for a row to its error."""
    a, b, watch = begin_change(server, 1), Session(server), Session(server)
    b.send("SELECT v FROM big WHERE id = 1 FOR UPDATE")
    until_waiting(watch, b)
    t = time.perf_counter()
    watch.send(f"KILL QUERY {b.id}")
    b.is_ready(600)
    t = time.perf_counter() - t
    if b.answer() != 1317 or watch.answer():
        raise SystemExit("unexpected answer to a kill")
    a.do("ROLLBACK")
    for s in (a, b, watch):
        s.close()
    return t


def rss_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def bytes_per_lock(server, n):
    """Memory that n locks of single rows take, each got by a point read FOR UPDATE (no range)."""
    a = Session(server)
    a.do("SELECT SUM(v) FROM big")
    a.do("BEGIN")
    before = rss_bytes(server.proc.pid)
    for base in range(1, n + 1, 1000):  # every other row, so that no range may stand for many
        a.do("SELECT COUNT(*) FROM big WHERE id IN (" + ",".join(str(i) for i in range(base, base + 1000, 2)) + ") FOR UPDATE")
    after = rss_bytes(server.proc.pid)
    a.do("ROLLBACK")
    a.close()
    return (after - before) / (n / 2)


def show(seconds):
    return f"{seconds * 1e6:,.0f} us" if seconds < 0.01 else f"{seconds * 1e3:,.1f} ms"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rows", type=int, default=SIZES[-1])
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--json")
    ap.add_argument("--svg")
    a = ap.parse_args()
    sizes = [n for n in SIZES if n <= a.rows]
    servers = {"quell": quell.Server(os.path.abspath(a.quelld)), "mariadb": quell.MariaDB()}
    out = []

    def figure(name, measure, n, rounds, shown=show):
        got = {who: [] for who in servers}
        for _ in range(rounds):
            for who, s in servers.items():
                got[who].append(measure(s, n))
        med = {who: statistics.median(v) for who, v in got.items()}
        ratio = med["quell"] / med["mariadb"] if med["mariadb"] > 0 else None
        print(f"{name:58} {shown(med['quell']):>14} {shown(med['mariadb']):>14}   {'' if ratio is None else f'{ratio:.4f}'}", flush=True)
        out.append({"name": name, **med, "ratio": ratio, "all": got})
        return med

    try:
        for s in servers.values():
            s.start()
            load(s, a.rows)
        print(f"{'':58} {'Quell':>14} {'MariaDB':>14}   ratio", flush=True)
        released = {n: figure(f"KILL CONNECTION to a waiter having the lock, {n:,} rows", after_kill, n, a.rounds if n < 1000000 else 1) for n in sizes}
        if a.svg:
            chart.log_chart(pathlib.Path(a.svg), "From KILL CONNECTION to the next session having the lock",
                            f"Quell and MariaDB {servers['mariadb'].query('SELECT VERSION()')[0][0].split('-')[0]}, one run, medians",
                            "rows that the killed transaction had changed",
                            {name: [(n, released[n][who]) for n in sizes] for who, name in (("quell", "Quell"), ("mariadb", "MariaDB"))})
        for n in sizes:
            figure(f"ROLLBACK of {n:,} rows", rollback, n, a.rounds if n < 100000 else 1)
        figure("KILL QUERY in a row lock wait, to the error", kill_in_wait, 1, 10)
        figure("memory of a row lock (single rows)", bytes_per_lock, min(a.rows, 400000), 1, lambda v: f"{v:,.0f} bytes")
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    finally:
        quell.stop_all(servers.values())


if __name__ == "__main__":
    main()
