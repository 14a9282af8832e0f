#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Foreign keys against Quell and MariaDB in one run: children inserted with and without a parent to look for, parents deleted and moved with all their
children. For each the run time and the processor time of the server; medians of a few rounds. Durable on both sides.

  foreign.py --quelld PATH [--parents N] [--children N] [--rounds N]
"""
import argparse
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/lib"), str(ROOT / "bench")]
import time  # noqa: E402

import quell  # noqa: E402
from load import processor_seconds  # noqa: E402

PARENT = "CREATE TABLE p (id INT NOT NULL PRIMARY KEY, n VARCHAR(40) NOT NULL, UNIQUE KEY (n)) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
CHILD = "CREATE TABLE c (id INT NOT NULL PRIMARY KEY, pid INT, v CHAR(30) NOT NULL, KEY (pid){}) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
KEY = ", FOREIGN KEY (pid) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE"
# name, what the child has, whether it has its rows before, the statement
FIGURES = [
    ("INSERT of children, no foreign key", "", False, "INSERT INTO c SELECT * FROM source"),
    ("INSERT of children, a parent each", KEY, False, "INSERT INTO c SELECT * FROM source"),
    ("DELETE of children, no foreign key", "", True, "DELETE FROM c"),
    ("DELETE of parents, CASCADE", KEY, True, "DELETE FROM p"),
    ("DELETE of parents, SET NULL", KEY.replace("DELETE CASCADE", "DELETE SET NULL"), True, "DELETE FROM p"),
    ("UPDATE of parents' keys, CASCADE", KEY, True, "UPDATE p SET id = id + 10000000"),
    ("UPDATE of parents, keys stay", KEY, True, "UPDATE p SET n = CONCAT(n, 'x')"),
]


def fill(cur, table, n, row):
    for start in range(0, n, 5000):
        cur.execute(f"INSERT INTO {table} VALUES " + ",".join(row(i) for i in range(start, min(n, start + 5000))))


def one(server, args, figure):
    name, key, filled, sql = figure
    cur = server.connect(database="bench", autocommit=True).cursor()
    cur.execute("DROP TABLE IF EXISTS c, p")
    cur.execute(PARENT)
    cur.execute(CHILD.format(key))
    fill(cur, "p", args.parents, lambda i: f"({i}, 'parent {i}')")
    if filled:
        cur.execute("INSERT INTO c SELECT * FROM source")
    before, t = processor_seconds(server), time.monotonic()
    cur.execute(sql)
    took = time.monotonic() - t
    return took, processor_seconds(server) - before


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--parents", type=int, default=10_000)
    ap.add_argument("--children", type=int, default=100_000)
    ap.add_argument("--rounds", type=int, default=3)
    args = ap.parse_args()
    servers = {"Quell": quell.Server(binary=args.quelld), "MariaDB": quell.MariaDB()}
    found = {}
    try:
        for server in servers.values():
            server.start()
            cur = server.connect(autocommit=True).cursor()
            cur.execute("CREATE DATABASE bench")
            cur.execute("USE bench")
            cur.execute(CHILD.format("").replace("TABLE c", "TABLE source"))
            fill(cur, "source", args.children, lambda i: f"({i}, {i * 7919 % args.parents}, 'child {i}')")
        for _ in range(args.rounds):
            for figure in FIGURES:
                for name, server in servers.items():
                    found.setdefault((figure[0], name), []).append(one(server, args, figure))
    finally:
        for server in servers.values():
            server.stop()
            server.remove()
    print(f"{'':40}{'Quell s':>10}{'cpu s':>8}{'MariaDB s':>11}{'cpu s':>8}{'cpu ratio':>11}")
    for figure in FIGURES:
        (a, b), (x, y) = ([statistics.median(v) for v in zip(*found[figure[0], name])] for name in servers)
        print(f"{figure[0]:40}{a:10.2f}{b:8.2f}{x:11.2f}{y:8.2f}{b / max(y, 0.01):11.2f}")


if __name__ == "__main__":
    main()
