#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tails of KILL, Quell beside MariaDB in one run: a session runs one large statement of a kind, another one kills it at a moment by chance. What
is measured is the killer's own round trip, the time from KILL to the victim's error, and, for KILL CONNECTION, to its row leaving the process list.
The servers take turns kill by kill, so that the load of the machine is the same for both. Prints median, p99 and the worst of each; judges nothing.

  kill_tails.py --quelld PATH [--beside PATH] [--alone] [--rows N] [--kills N] [--seconds N] [--connection] [--json FILE] [KIND ...]

KIND: parts of the names of the kinds. --seconds: of each kind (MariaDB undoes for long what was killed). --beside: another quelld, in the same run.
--alone: without MariaDB, whose threads clean up after its rollbacks while the other server's turn is measured.
--connection: KILL CONNECTION, else KILL QUERY.
"""
import argparse
import json
import os
import pathlib
import random
import select
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
sys.path.insert(0, str(ROOT / "bench"))
import pymysql  # noqa: E402
import quell  # noqa: E402
from release import Session  # noqa: E402

TABLE = "(id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(60) NOT NULL, n BIGINT NOT NULL, KEY k (k), KEY n (n)) ENGINE=InnoDB"
BATCH = 5000


class Kind:
    """A statement that runs long enough. before: what the victim does first; after: what it does when it has been killed (KILL QUERY)."""

    def __init__(self, name, sql, before=(), after=()):
        self.name, self.sql, self.before, self.after = name, sql, before, after


def values(rows):
    return ",".join(f"({i},{i * 7919 % 1000003},'some text of row {i * 104729 % 500009}',{i * 15485863 % 2147483647})" for i in range(rows))


def kinds(rows):
    many = min(rows, 100_000)
    return [
        Kind("sort", "SELECT c FROM big ORDER BY c, n LIMIT 400000, 1"),
        Kind("group", "SELECT c, SUM(n), MAX(k) FROM big GROUP BY c ORDER BY SUM(n) LIMIT 1"),
        Kind("scan", "SELECT COUNT(*) FROM big WHERE c LIKE '%nothing of it%' OR n + k < 0"),
        Kind("join", "SELECT COUNT(*) FROM big a JOIN big b ON a.k = b.k + 1 JOIN big d ON b.n = d.n + 1 WHERE a.c <> d.c"),
        Kind("insert of values", f"INSERT INTO t VALUES {values(many)}", ("BEGIN",), ("ROLLBACK",)),
        Kind("insert of a select", "INSERT INTO t SELECT * FROM big", ("BEGIN",), ("ROLLBACK",)),
        Kind("update of a key", "UPDATE big SET k = k + 1", ("BEGIN",), ("ROLLBACK",)),
        Kind("delete", "DELETE FROM big WHERE id % 2 = 0", ("BEGIN",), ("ROLLBACK",)),
        Kind("commit", "COMMIT", ("TRUNCATE TABLE t", "BEGIN", "INSERT INTO t SELECT * FROM big"), ("ROLLBACK",)),
    ]


def load(server, rows):
    cur = server.connect(autocommit=True).cursor()
    for sql in ("CREATE DATABASE rel", "USE rel", f"CREATE TABLE big {TABLE}", f"CREATE TABLE t {TABLE}"):
        cur.execute(sql)
    for base in range(0, rows, BATCH):
        cur.execute("INSERT INTO big VALUES " + ",".join(
            f"({i},{i * 7919 % 1000003},'some text of row {i * 104729 % 500009}',{i * 15485863 % 2147483647})" for i in range(base, min(base + BATCH, rows))))


def length(session, kind):
    """Seconds that the statement takes when nobody kills it; its changes are undone."""
    for sql in kind.before:
        session.do(sql)
    t = time.perf_counter()
    session.do(kind.sql)
    t = time.perf_counter() - t
    for sql in kind.after:
        session.do(sql)
    return t


def is_gone(session, number):
    return session.do(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {number}")[0][0] == 0


class Side:
    def __init__(self, server, kind, connection):
        self.server, self.kind, self.connection = server, kind, connection
        self.killer, self.victim = Session(server), Session(server)
        self.takes = length(self.victim, kind)
        self.trip, self.error, self.gone, self.late = [], [], [], 0

    def once(self, share):
        """One kill, `share` of the statement's time after it was sent."""
        if self.victim is None:
            self.victim = Session(self.server)
        v, k = self.victim, self.killer
        for sql in self.kind.before:
            v.do(sql)
        v.send(self.kind.sql)
        if select.select([v.c._sock], [], [], self.takes * share)[0]:
            self.late += 1
            v.answer()
        else:
            self.kill()
        if self.connection:
            v.close()
            self.victim = None
        else:
            for sql in self.kind.after:
                v.do(sql)

    def kill(self):
        v, k = self.victim, self.killer
        trip = error = None
        t = time.perf_counter()
        k.send(f"KILL {'CONNECTION' if self.connection else 'QUERY'} {v.id}")
        while trip is None or error is None:
            ready = select.select([s for s, done in ((k.c._sock, trip), (v.c._sock, error)) if done is None], [], [], 60)[0]
            now = time.perf_counter() - t
            if not ready:
                raise SystemExit(f"{self.kind.name}: no answer for 60 s")
            trip = now if k.c._sock in ready else trip
            error = now if v.c._sock in ready else error
        k.answer()
        if self.connection:
            while not is_gone(k, v.id):
                pass
            self.gone.append(time.perf_counter() - t)
        elif v.answer() != 1317:
            self.late += 1
            return
        self.trip.append(trip)
        self.error.append(error)

    def close(self):
        self.killer.close()
        if self.victim is not None:
            self.victim.close()


def percentile(v, share):
    return sorted(v)[min(len(v) - 1, int(len(v) * share))] * 1000 if v else float("nan")


def show(name, who, what, v):
    print(f"{name:20} {who:8} {what:24} {percentile(v, .5):9.2f} {percentile(v, .9):9.2f} {percentile(v, .99):9.2f} {percentile(v, 1):9.2f}   {len(v)}", flush=True)
    return {"kind": name, "server": who, "what": what, "p50_ms": percentile(v, .5), "p90_ms": percentile(v, .9), "p99_ms": percentile(v, .99), "kills": len(v)}


def measure(servers, kind, a, chance):
    sides = {who: Side(s, kind, a.connection) for who, s in servers.items()}
    end = time.monotonic() + a.seconds
    for n in range(a.kills):
        if n > 0 and time.monotonic() > end:
            break
        share = chance.uniform(0.05, 0.8)
        for who in chance.sample(list(sides), len(sides)):
            sides[who].once(share)
    out = []
    for who, s in sides.items():
        out.append(show(kind.name, who, "round trip of KILL", s.trip))
        out.append(show("", who, "to the victim's error", s.error) | {"kind": kind.name})
        if a.connection:
            out.append(show("", who, "to its row being gone", s.gone) | {"kind": kind.name})
        s.close()
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--beside")
    ap.add_argument("--rows", type=int, default=300_000)
    ap.add_argument("--kills", type=int, default=100)
    ap.add_argument("--seconds", type=float, default=60)
    ap.add_argument("--alone", action="store_true")
    ap.add_argument("--connection", action="store_true")
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    servers = {"quell": quell.Server(os.path.abspath(a.quelld), args=["--max-allowed-packet=67108864"])}
    if a.beside:
        servers["beside"] = quell.Server(os.path.abspath(a.beside), args=["--max-allowed-packet=67108864"])
    if not a.alone:
        servers["mariadb"] = quell.MariaDB(args=["--max-allowed-packet=67108864"])
    out, chance = [], random.Random(1)
    try:
        for s in servers.values():
            s.start()
            load(s, a.rows)
        print(f"{'ms':54} {'median':>9} {'p90':>9} {'p99':>9} {'worst':>9}   kills", flush=True)
        for kind in kinds(a.rows):
            if not a.names or any(n in kind.name for n in a.names):
                out += measure(servers, kind, a, chance)
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    except pymysql.MySQLError as e:
        raise SystemExit(f"unexpected error: {e}")
    finally:
        quell.stop_all(servers.values())


if __name__ == "__main__":
    main()
