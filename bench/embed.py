#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Point selects by primary key and durable single-row inserts, one thread, prepared statements, in one run: libquell in the program, quelld and
MariaDB through a Unix socket, and SQLite in the program (WAL, synchronous=FULL: each commit is on the disk before it is answered, as everywhere
here). Processor time is that of the program alone. Medians of a few rounds.

What does not compare: SQLite does less for each statement (no other writer, no process list, nothing that could be killed from outside but
sqlite3_interrupt), and takes one writer at a time; a server works on another processor than its client.

  embed.py --quelld PATH [--rows N] [--selects N] [--inserts N] [--rounds N]
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/lib"), str(ROOT / "bench")]
import quell  # noqa: E402


def build(build_dir, d):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb", "sqlite3"], capture_output=True, text=True, check=True).stdout.split()
    out = f"{d}/embedbench"
    subprocess.run(["cc", "-O2", "-o", out, ROOT / "bench/embedbench.c", f"-I{ROOT}/include", f"-L{build_dir}/src/embed", "-lquell",
                    f"-Wl,-rpath,{build_dir}/src/embed", *flags], check=True)
    return out


def figures(out, *args):
    """{figure: (operations a second, processor seconds of the program)}"""
    text = subprocess.run([out, *map(str, args)], capture_output=True, text=True, check=True).stdout
    return {name: (float(rate), float(cpu)) for name, rate, _, cpu in (line.split() for line in text.splitlines())}


def served(server, out, *args):
    """The same through a server that was just started."""
    server.start()
    try:
        return figures(out, "client", server.socket, "root", *args)
    finally:
        server.stop()
        server.remove()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rows", type=int, default=100_000)
    ap.add_argument("--selects", type=int, default=200_000)
    ap.add_argument("--inserts", type=int, default=3_000)
    ap.add_argument("--rounds", type=int, default=3)
    args = ap.parse_args()
    build_dir = pathlib.Path(args.quelld).resolve().parents[2]
    numbers = (args.rows, args.selects, args.inserts)
    rates = {}
    with tempfile.TemporaryDirectory(prefix="quell-bench-") as d:
        out = build(build_dir, d)
        for n in range(args.rounds):
            found = {"libquell": figures(out, "quell", f"{d}/q{n}", *numbers), "SQLite": figures(out, "sqlite", f"{d}/s{n}", *numbers)}
            found["quelld, Unix socket"] = served(quell.Server(binary=args.quelld), out, *numbers)
            found["MariaDB, Unix socket"] = served(quell.MariaDB(), out, *numbers)
            for way, of in found.items():
                for figure, pair in of.items():
                    rates.setdefault((figure, way), []).append(pair)
    ways = ["libquell", "quelld, Unix socket", "MariaDB, Unix socket", "SQLite"]
    for figure, title, count in [("select", "point selects a second", args.selects), ("insert", "durable inserts a second", args.inserts)]:
        base = statistics.median(r for r, _ in rates[figure, "libquell"])
        print(f"\n{title:32}{'a second':>12}{'libquell / it':>16}{'us of the program':>20}")
        for way in ways:
            rate = statistics.median(r for r, _ in rates[figure, way])
            cpu = statistics.median(c for _, c in rates[figure, way])
            print(f"{way:32}{rate:>12,.0f}{base / rate:>16.2f}{cpu * 1e6 / count:>20.1f}")


if __name__ == "__main__":
    main()
