#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sysbench's OLTP programs against Quell and MariaDB in one run, durable commits on both sides. Prints transactions a second and ratios.

  oltp.py --quelld PATH [--size N] [--seconds N] [--threads 1,8] [--json FILE] [NAME ...]     NAME: parts of program names
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
import quell  # noqa: E402

PROGRAMS = ["oltp_read_write", "oltp_update_index", "oltp_update_non_index", "oltp_insert", "oltp_delete", "oltp_point_select", "oltp_read_only"]


def sysbench(server, program, command, size, *more, db="sb"):
    r = subprocess.run(["sysbench", program, "--db-driver=mysql", f"--mysql-socket={server.socket}", "--mysql-user=root", f"--mysql-db={db}",
                        "--tables=1", f"--table-size={size}", *more, command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = r.stdout.decode(errors="replace")
    if r.returncode:
        raise SystemExit(f"sysbench {program} {command}: {text[-2000:]}")
    return text


def load(server, size):
    """sysbench's own rows; the index on k is made with the table (Quell has no CREATE INDEX yet)."""
    for sql in ("DROP DATABASE IF EXISTS sb", "CREATE DATABASE sb", "CREATE DATABASE sb2",
                "CREATE TABLE sb.sbtest1 (id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY, k INTEGER DEFAULT '0' NOT NULL, c CHAR(120) DEFAULT '' NOT NULL, "
                "pad CHAR(60) DEFAULT '' NOT NULL, KEY k_1 (k)) ENGINE=InnoDB"):
        server.query(sql)
    sysbench(server, "oltp_insert", "prepare", size, "--create_secondary=off", db="sb2")
    with server.connect(autocommit=True) as c, c.cursor() as cur:
        for base in range(0, size, 10000):
            cur.execute(f"INSERT INTO sb.sbtest1 SELECT * FROM sb2.sbtest1 WHERE id > {base} AND id <= {base + 10000}")
        cur.execute("DROP DATABASE sb2")


def run(server, program, size, threads, seconds):
    # 1213 and the errors of its kin are part of the game and tried again by sysbench.
    text = sysbench(server, program, "run", size, f"--threads={threads}", f"--time={seconds}", "--report-interval=0", "--mysql-ignore-errors=1213,1205,1020,1062")
    tps = float(re.search(r"transactions:\s+\d+\s+\(([\d.]+) per sec", text).group(1))
    p95 = float(re.search(r"95th percentile:\s+([\d.]+)", text).group(1))
    ignored = int(re.search(r"ignored errors:\s+(\d+)", text).group(1))
    return tps, p95, ignored


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--size", type=int, default=100000)
    ap.add_argument("--seconds", type=int, default=8)
    ap.add_argument("--threads", default="1,8")
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    servers = {"quell": quell.Server(os.path.abspath(a.quelld)), "mariadb": quell.MariaDB()}
    out = []
    try:
        for s in servers.values():
            s.start()
        print(f"{'transactions a second':34} {'Quell':>12} {'MariaDB':>12}   ratio   95 % (ms)      ignored errors", flush=True)
        for program in [p for p in PROGRAMS if not a.names or any(n in p for n in a.names)]:
            for s in servers.values():
                load(s, a.size)
            for threads in [int(n) for n in a.threads.split(",")]:
                got = {who: run(s, program, a.size, threads, a.seconds) for who, s in servers.items()}
                q, m = got["quell"], got["mariadb"]
                print(f"{program + f', {threads} thread' + ('s' if threads > 1 else ''):34} {q[0]:12,.0f} {m[0]:12,.0f}   {q[0] / m[0]:5.2f}   "
                      f"{q[1]:6.2f} {m[1]:6.2f}   {q[2]} {m[2]}", flush=True)
                out.append({"program": program, "threads": threads, **{who: dict(zip(("tps", "p95_ms", "ignored"), v)) for who, v in got.items()}, "ratio": q[0] / m[0]})
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    finally:
        quell.stop_all(servers.values())


if __name__ == "__main__":
    main()
