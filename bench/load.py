#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large changes against Quell and MariaDB in one run: LOAD DATA, INSERT ... SELECT, UPDATE, DELETE. For each the run time, the processor time of the
server, and the time from a KILL in the middle of it to the table being free. Durable on both sides; prints ratios.

  load.py --quelld PATH [--rows N] [--million N] [--rounds N] [--json FILE] [NAME ...]     NAME: parts of the names
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
import pymysql  # noqa: E402
import quell  # noqa: E402

COLUMNS = "id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(60) NOT NULL, n BIGINT NOT NULL, d DATE"
KEYS = ", KEY k (k), KEY c (c), KEY n (n)"
PLAIN, KEYED = f"({COLUMNS})", f"({COLUMNS}{KEYS})"


def line(i):
    return f"{i}\t{i * 7919 % 1000003}\tsome text that repeats {i * 104729 % 500009}\t{i * 15485863 % 2147483647}\t2024-{i % 12 + 1:02}-{i % 28 + 1:02}\n"


class Figure:
    def __init__(self, name, rows, definition, sql, fill=False):
        self.name, self.rows, self.definition, self.sql, self.fill = name, rows, definition, sql, fill

    def prepare(self, cur):
        cur.execute("DROP TABLE IF EXISTS t")
        cur.execute(f"CREATE TABLE t {self.definition}")
        if self.fill:
            cur.execute(f"LOAD DATA INFILE '{self.rows[1]}' INTO TABLE t")
            cur.connection.commit()


def figures(few, many):
    return [
        Figure("LOAD DATA", many, PLAIN, f"LOAD DATA INFILE '{many[1]}' INTO TABLE t"),
        Figure("LOAD DATA, three secondary keys", few, KEYED, f"LOAD DATA INFILE '{few[1]}' INTO TABLE t"),
        Figure("LOAD DATA LOCAL", few, PLAIN, f"LOAD DATA LOCAL INFILE '{few[1]}' INTO TABLE t"),
        Figure("INSERT ... SELECT", few, PLAIN, "INSERT INTO t SELECT * FROM source"),
        Figure("INSERT ... SELECT, three secondary keys", few, KEYED, "INSERT INTO t SELECT * FROM source"),
        Figure("UPDATE of a column without a key", many, PLAIN, "UPDATE t SET d = d + INTERVAL 1 DAY", fill=True),
        Figure("UPDATE of a column with a key", few, KEYED, "UPDATE t SET k = k + 1", fill=True),
        Figure("DELETE", many, PLAIN, "DELETE FROM t", fill=True),
        Figure("DELETE, three secondary keys", few, KEYED, "DELETE FROM t", fill=True),
        Figure("SELECT ... INTO OUTFILE", many, PLAIN, "OUTFILE", fill=True),
    ]


def processor_seconds(server):
    fields = open(f"/proc/{server.proc.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(server):
    return server.connect(database="bench", local_infile=True, autocommit=True).cursor()


def text_of(f, files):
    """An OUTFILE must not be there."""
    if f.sql != "OUTFILE":
        return f.sql
    out = files / "out"
    out.unlink(missing_ok=True)
    return f"SELECT * FROM t INTO OUTFILE '{out}'"


def whole(server, f, files):
    """Seconds it takes; processor seconds of the server."""
    cur = connect(server)
    f.prepare(cur)
    sql, before, t = text_of(f, files), processor_seconds(server), time.monotonic()
    cur.execute(sql)
    took = time.monotonic() - t
    return took, processor_seconds(server) - before


def killed(server, f, files, after):
    """Milliseconds from KILL QUERY, `after` seconds into the statement, to somebody else having the table for himself; None: it was over before."""
    cur, killer = connect(server), connect(server)
    f.prepare(cur)
    victim = connect(server)
    number, sql, error = victim.connection.thread_id(), text_of(f, files), []

    def run():
        try:
            victim.execute(sql)
        except pymysql.MySQLError as e:
            error.append(e.args[0])
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(after)
    t = time.monotonic()
    killer.execute(f"KILL QUERY {number}")
    killer.execute("LOCK TABLES t WRITE")
    took = (time.monotonic() - t) * 1000
    killer.execute("UNLOCK TABLES")
    thread.join()
    return took if error else None


def show(v):
    return "-" if v is None else f"{v:,.2f}" if v < 100 else f"{v:,.0f}"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rows", type=int, default=200_000)
    ap.add_argument("--million", type=int, default=1_000_000)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    files = pathlib.Path(tempfile.mkdtemp(prefix="quell-bench-"))
    files.chmod(0o777)
    sizes = []
    for n, name in ((a.rows, "few"), (a.million, "many")):
        with open(files / name, "w") as f:
            f.writelines(line(i) for i in range(n))
        sizes.append((n, files / name))
    servers = {"quell": quell.Server(os.path.abspath(a.quelld), args=["--secure-file-priv=", "--local-infile=1"]), "mariadb": quell.MariaDB()}
    out = []
    try:
        for s in servers.values():
            s.start()
            s.query("CREATE DATABASE bench CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            cur = connect(s)
            cur.execute(f"CREATE TABLE source {PLAIN}")
            cur.execute(f"LOAD DATA INFILE '{sizes[0][1]}' INTO TABLE source")
        print(f"{'':62} {'Quell':>12} {'MariaDB':>12}   ratio", flush=True)
        for f in figures(*sizes):
            if a.names and not any(n.lower() in f.name.lower() for n in a.names):
                continue
            got = {n: [whole(s, f, files) for _ in range(a.rounds)] for n, s in servers.items()}
            rows = {"run time": ("s", {n: statistics.median(x[0] for x in v) for n, v in got.items()}),
                    "processor time": ("s", {n: statistics.median(x[1] for x in v) for n, v in got.items()})}
            free = {}
            for n, s in servers.items():
                times = [killed(s, f, files, rows["run time"][1][n] * 0.6) for _ in range(a.rounds)]
                times = [t for t in times if t is not None]
                free[n] = statistics.median(times) if times else None
            rows["KILL to the table being free"] = ("ms", free)
            for what, (unit, v) in rows.items():
                ratio = v["quell"] / v["mariadb"] if v["quell"] is not None and v["mariadb"] else None
                title = f"{f.name}, {f.rows[0]:,} rows: {what}"
                print(f"{title:62} {show(v['quell']):>9} {unit:2} {show(v['mariadb']):>9} {unit:2}   {'' if ratio is None else f'{ratio:.2f}'}", flush=True)
                out.append({"name": title, "unit": unit, "better": "low", **v, "ratio": ratio})
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    finally:
        quell.stop_all(servers.values())
        shutil.rmtree(files)


if __name__ == "__main__":
    main()
