#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Memory of statements that are far larger than their buffers: a sort, a GROUP BY, a DISTINCT, a COUNT(DISTINCT) and a hash join of ten million
rows. Prints the highest anonymous memory (RssAnon) of the server while each runs, above what it was at the start, beside the buffer it was given, and
the processor time. To be run by hand; no pass or fail.

  spill_memory.py --quelld PATH [--rows N] [--buffer BYTES] [NAME ...]
"""
import argparse
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/lib"))
import quell  # noqa: E402

# rows: a thousand times a thousand times {k}
STATEMENTS = [
    ("sort", "SELECT CONCAT(c.id, '-', b.id * 7919 % 1000, '-', a.id * 104729 % 1000) AS x FROM n a, n b, n c WHERE c.id < {k} ORDER BY x LIMIT {last}, 1"),
    ("group by", "SELECT COUNT(*), SUM(n) FROM (SELECT b.id * 1000 + a.id + c.id * 1000000 AS g, COUNT(*) AS n FROM n a, n b, n c WHERE c.id < {k} GROUP BY g) d"),
    ("distinct", "SELECT COUNT(*) FROM (SELECT DISTINCT a.id, b.id AS y, c.id AS z FROM n a, n b, n c WHERE c.id < {k}) d"),
    ("count distinct", "SELECT COUNT(DISTINCT a.id, b.id, c.id) FROM n a, n b, n c WHERE c.id < {k}"),
    ("hash join", "SELECT STRAIGHT_JOIN COUNT(*) FROM (SELECT a.id * 1000 + b.id + c.id * 1000000 AS x FROM n a, n b, n c WHERE c.id < {k}) l"
                  " JOIN (SELECT a.id * 1000 + b.id + c.id * 1000000 AS y FROM n a, n b, n c WHERE c.id < {k}) r ON r.y = l.x + 1"),
]


def anonymous_kb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1])


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Peak(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.kb, self.done = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(0.005):
            self.kb = max(self.kb, anonymous_kb(self.pid))

    def end(self):
        self.done.set()
        self.join()
        return self.kb


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rows", type=int, default=10_000_000)
    ap.add_argument("--buffer", type=int, action="append")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    with quell.Server(os.path.abspath(a.quelld)) as server:
        pid = server.proc.pid
        cur = server.connect().cursor()
        cur.execute("CREATE DATABASE m")
        cur.execute("USE m")
        cur.execute("CREATE TABLE n (id INT PRIMARY KEY)")
        cur.execute("INSERT INTO n VALUES " + ",".join(f"({i})" for i in range(1000)))
        before = anonymous_kb(pid)
        print(f"{a.rows} rows{'':20} {'buffer':>12} {'memory':>12} {'beyond it':>12} {'processor':>10} {'elapsed':>9} {'written':>10}")
        for name, sql in STATEMENTS:
            for buffer in a.buffer or [1 << 18, 1 << 24]:
                if a.names and not any(w in name for w in a.names):
                    continue
                for v in ("sort_buffer_size", "tmp_table_size", "join_buffer_size"):
                    cur.execute(f"SET {v} = {buffer}")
                cpu, t = processor_seconds(pid), time.monotonic()
                cur.execute("SHOW GLOBAL STATUS LIKE 'Quell_tmp_disk_bytes_written'")
                written = int(cur.fetchone()[1])
                peak = Peak(pid)
                cur.execute(sql.format(k=a.rows // 1_000_000, last=a.rows - 1))
                cur.fetchall()
                kb = peak.end() - before
                cur.execute("SHOW GLOBAL STATUS LIKE 'Quell_tmp_disk_bytes_written'")
                written = int(cur.fetchone()[1]) - written
                print(f"{name:29} {buffer // 1024:>9} KB {kb:>9} KB {kb - buffer // 1024:>9} KB {processor_seconds(pid) - cpu:>8.1f} s {time.monotonic() - t:>7.1f} s {written >> 20:>7} MB", flush=True)


main()
