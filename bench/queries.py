#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Everyday queries against Quell and MariaDB in one run, on the same generated data: look-ups, ranges, pages, joins of two to ten tables, stars, outer
joins, subqueries, derived tables, groups, changes through joins. For each the run time and the processor time of both servers, whether the results are
equal, and at the end all of them by their ratio. Data is loaded once and kept in build/bench-data.

  queries.py --quelld PATH [--quick] [--scale X] [--rounds N] [--budget S] [--cap N] [--explain] [--only quell] [--fresh] [--list] [--json FILE] [NAME ...]

  NAME       parts of queries' names; =NAME is exactly that one       --quick     a twentieth of the data
  --cap N    Quell's statement is killed after N times MariaDB's time (20)
  --explain  Quell's EXPLAIN ANALYZE of the queries that are over 1.2 times MariaDB (of all, where only some are named)
  --only     quell or mariadb alone                                   --fresh     load again
"""
import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import query_data  # noqa: E402
import query_list  # noqa: E402
import query_more  # noqa: E402
import sides  # noqa: E402


def arguments(doc, scale=1.0, rounds=25):
    ap = argparse.ArgumentParser(usage=doc)
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--scale", type=float, default=scale)
    ap.add_argument("--rounds", type=int, default=rounds)
    ap.add_argument("--budget", type=float, default=1.0, help="seconds for the rounds of one query")
    ap.add_argument("--cap", type=float, default=20)
    ap.add_argument("--explain", action="store_true")
    ap.add_argument("--only", choices=["quell", "mariadb"])
    ap.add_argument("--fresh", action="store_true")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    if a.quick:
        a.scale = 0.05
    return a


def chosen(queries, names):
    return [q for q in queries if not names or any(q.name == n[1:] if n.startswith("=") else n.lower() in q.name for n in names)]


def run(a, queries, database, started, bound=1.2):
    """Measures and prints; what was measured."""
    clients = {n: sides.Client(s, database) for n, s in started.items()}
    print(sides.HEAD, flush=True)
    measured = []
    for q in queries:
        m = sides.Measured(q, clients, a.cap, a.rounds, a.budget)
        measured.append(m)
        print(sides.line(m), flush=True)
    slow = [m for m in measured if (m.ratio() or 0) > bound]
    if a.explain and "quell" in clients:
        for m in slow if not a.names else measured:
            print(f"\n{m.query.name}: {m.query.sql}\n{sides.plan_of(clients['quell'], m.query.sql)}", flush=True)
    if len(measured) > 1 and len(clients) == 2:
        print("\nby ratio\n" + sides.HEAD)
        for m in sorted(measured, key=lambda m: -(m.ratio() or float("inf"))):
            print(sides.line(m))
        print(sides.summary(measured, bound))
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps([{"name": m.query.name, "unit": "s", "better": "low", "quell": m.median("quell"), "mariadb": m.median("mariadb"), "ratio": m.ratio(),
                                                     "cpu": {n: m.processor(n) for n in clients}, "notes": m.notes} for m in measured], indent=1))
    for c in clients.values():
        c.close()
    return measured


def main():
    a = arguments(__doc__)
    n = query_data.sizes(a.scale)
    queries = chosen(query_list.queries(n) + query_more.queries(n), a.names)
    if a.list:
        for q in queries:
            print(f"{q.name}: {q.sql}")
        return
    files = {}

    def load(server, folder):
        if not files:
            files.update(query_data.Maker(a.scale, folder).make())
        sides.load_tables(server, "bench", query_data.CREATE, files)

    def analyze(server):
        for name, _ in sides.table_statements(query_data.CREATE):
            server.query(f"ANALYZE TABLE bench.{name}")
    with sides.servers(a.quelld, f"queries-{a.scale:g}", [query_data.__file__], load, analyze, a.only, a.fresh) as started:
        run(a, queries, "bench", started)


if __name__ == "__main__":
    main()
