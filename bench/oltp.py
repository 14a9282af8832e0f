#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sysbench's OLTP programs against Quell and MariaDB in one run, durable commits on both sides. Prints transactions a second, the processor time of
each server for one transaction, and ratios. The servers take turns; of several rounds the medians count.

  oltp.py --quelld PATH [--beside PATH] [--size N] [--seconds N] [--rounds N] [--threads 1,8] [--json FILE] [NAME ...]

NAME: parts of program names. --beside: another quelld, in the same run (what a change has brought).
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
import quell  # noqa: E402

PROGRAMS = ["oltp_read_write", "oltp_update_index", "oltp_update_non_index", "oltp_write_only", "oltp_insert", "oltp_delete", "oltp_point_select", "oltp_read_only"]


def sysbench(server, program, command, size, *more, db="sb"):
    r = subprocess.run(["sysbench", program, "--db-driver=mysql", f"--mysql-socket={server.socket}", "--mysql-user=root", f"--mysql-db={db}",
                        "--tables=1", f"--table-size={size}", *more, command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = r.stdout.decode(errors="replace")
    if r.returncode:
        raise SystemExit(f"sysbench {program} {command}: {text[-2000:]}")
    return text


def load(server, size):
    """sysbench's own rows; the index on k is made with the table."""
    for sql in ("DROP DATABASE IF EXISTS sb", "CREATE DATABASE sb", "CREATE DATABASE sb2",
                "CREATE TABLE sb.sbtest1 (id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY, k INTEGER DEFAULT '0' NOT NULL, c CHAR(120) DEFAULT '' NOT NULL, "
                "pad CHAR(60) DEFAULT '' NOT NULL, KEY k_1 (k)) ENGINE=InnoDB"):
        server.query(sql)
    sysbench(server, "oltp_insert", "prepare", size, "--create_secondary=off", db="sb2")
    with server.connect(autocommit=True) as c, c.cursor() as cur:
        for base in range(0, size, 10000):
            cur.execute(f"INSERT INTO sb.sbtest1 SELECT * FROM sb2.sbtest1 WHERE id > {base} AND id <= {base + 10000}")
        cur.execute("DROP DATABASE sb2")


def processor_seconds(server):
    fields = open(f"/proc/{server.proc.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(server, program, size, threads, seconds):
    # 1213 and the errors of its kin are part of the game and tried again by sysbench.
    before = processor_seconds(server)
    text = sysbench(server, program, "run", size, f"--threads={threads}", f"--time={seconds}", "--report-interval=0", "--mysql-ignore-errors=1213,1205,1020,1062")
    used = processor_seconds(server) - before
    count, tps = re.search(r"transactions:\s+(\d+)\s+\(([\d.]+) per sec", text).groups()
    p95 = float(re.search(r"95th percentile:\s+([\d.]+)", text).group(1))
    ignored = int(re.search(r"ignored errors:\s+(\d+)", text).group(1))
    return {"tps": float(tps), "cpu_us": used * 1e6 / max(int(count), 1), "p95_ms": p95, "ignored": ignored}


def median(rounds):
    return {k: statistics.median(r[k] for r in rounds) for k in rounds[0]}


def measure(servers, program, a, threads):
    got = {who: [] for who in servers}
    for n in range(a.rounds):
        order = list(servers.items())
        for who, s in order if n % 2 == 0 else order[::-1]:
            got[who].append(run(s, program, a.size, threads, a.seconds))
    return {who: median(rounds) for who, rounds in got.items()}


def show(name, got):
    """A line for each server; ratios are Quell's to this one: of the rates, and of the processor time."""
    q = got["quell"]
    for who, g in got.items():
        ratios = f"{q['tps'] / g['tps']:7.2f} {q['cpu_us'] / max(g['cpu_us'], 0.1):7.2f}" if who != "quell" else f"{'':15}"
        print(f"{name if who == 'quell' else '':34} {who:8} {g['tps']:10,.0f} {g['cpu_us']:10,.0f} {g['p95_ms']:8.2f} {g['ignored']:8.0f} {ratios}", flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--beside")
    ap.add_argument("--size", type=int, default=100000)
    ap.add_argument("--seconds", type=int, default=8)
    ap.add_argument("--rounds", type=int, default=1)
    ap.add_argument("--threads", default="1,8")
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    servers = {"quell": quell.Server(os.path.abspath(a.quelld))}
    if a.beside:
        servers["beside"] = quell.Server(os.path.abspath(a.beside))
    servers["mariadb"] = quell.MariaDB()
    out = []
    try:
        for s in servers.values():
            s.start()
        print(f"{'':34} {'':8} {'trans./s':>10} {'CPU us/tr.':>10} {'95 % ms':>8} {'ignored':>8}   rate x   CPU x", flush=True)
        for program in [p for p in PROGRAMS if not a.names or any(n in p for n in a.names)]:
            for s in servers.values():
                load(s, a.size)
            for threads in [int(n) for n in a.threads.split(",")]:
                got = measure(servers, program, a, threads)
                show(program + f", {threads} thread" + ("s" if threads > 1 else ""), got)
                out.append({"program": program, "threads": threads, **got, "ratio": got["quell"]["tps"] / got["mariadb"]["tps"],
                            "cpu_ratio": got["quell"]["cpu_us"] / max(got["mariadb"]["cpu_us"], 0.1)})
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    finally:
        quell.stop_all(servers.values())


if __name__ == "__main__":
    main()
