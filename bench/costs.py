#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the executor's steps cost, for the constants of src/plan/cost.h: processor time of the server for statements that differ in
one step, in nanoseconds a row. Each figure is the least of several runs, so that other load on the machine matters little.

    bench/costs.py [build]        (release by default)
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/lib"))
import quell  # noqa: E402

ROWS = 500_000
RUNS = 5
TICK = os.sysconf("SC_CLK_TCK")


def cpu_ns(pid):
    """Processor time of a process: the scheduler's count, in nanoseconds, over its threads."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total


class Bench:
    def __init__(self, server, conn):
        self.pid = server.proc.pid
        self.cur = conn.cursor()

    def cost(self, sql):
        """The least processor time of the statement."""
        best = None
        for _ in range(RUNS):
            before = cpu_ns(self.pid)
            self.cur.execute(sql)
            self.cur.fetchall()
            ns = cpu_ns(self.pid) - before
            best = ns if best is None else min(best, ns)
        return best

    def show(self, what, ns, rows):
        print("%-64s %9.1f ns" % (what, ns / rows), flush=True)


def fill(cur):
    cur.execute("CREATE DATABASE d")
    cur.execute("USE d")
    cur.execute("CREATE TABLE ten (n INT PRIMARY KEY)")
    cur.execute("INSERT INTO ten VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
    cur.execute("CREATE TABLE t (id INT PRIMARY KEY, r INT NOT NULL, few INT NOT NULL, s VARCHAR(60) NOT NULL, pad CHAR(60) NOT NULL,"
                " KEY r (r), KEY few (few, r))")
    cur.execute("INSERT INTO t SELECT n, n * 7919 MOD %d, n MOD 100, CONCAT('text ', n * 31 MOD 100000), REPEAT('x', 60) FROM "
                "(SELECT a.n + 10*b.n + 100*c.n + 1000*d.n + 10000*e.n + 100000*f.n n FROM ten a, ten b, ten c, ten d, ten e, ten f) q "
                "WHERE n < %d" % (ROWS, ROWS))
    cur.execute("CREATE TABLE u (id INT PRIMARY KEY, v INT NOT NULL, pad CHAR(60) NOT NULL)")
    cur.execute("INSERT INTO u SELECT id, r, pad FROM t")
    cur.execute("CREATE TABLE k (n INT PRIMARY KEY, m INT NOT NULL)")
    cur.execute("INSERT INTO k SELECT id, r FROM t WHERE id < 20000")
    cur.execute("ANALYZE TABLE t, u, k")


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "release"
    with quell.Server(binary=quell.build(build), args=["--innodb-buffer-pool-size=1G"]) as server:
        conn = server.connect(autocommit=True)
        cur = conn.cursor()
        fill(cur)
        b = Bench(server, conn)
        scan = b.cost("SELECT COUNT(*) FROM t IGNORE INDEX (r, few) WHERE pad < 'a'")
        b.show("clustered scan of a row of 140 bytes, one condition", scan, ROWS)
        b.show("  the same, two columns more", b.cost("SELECT COUNT(*) FROM t WHERE pad < 'a' AND s > '' AND r > -1"), ROWS)
        b.show("covering scan of an entry", b.cost("SELECT SUM(r) FROM t"), ROWS)
        b.show("covering range of an entry", b.cost("SELECT SUM(r) FROM t WHERE r BETWEEN 1000 AND 300000"), 299000)
        one = b.cost("SELECT SUM(LENGTH(pad)) FROM t WHERE r BETWEEN 1000 AND 1001")
        b.show("row behind a secondary entry, keys at random",
               b.cost("SELECT SUM(LENGTH(pad)) FROM t FORCE INDEX (r) WHERE r BETWEEN 1000 AND 11000") - one, 10000)
        cur.execute("SET optimizer_switch = 'mrr=off'")
        b.show("  the same, one by one", b.cost("SELECT SUM(LENGTH(pad)) FROM t FORCE INDEX (r) WHERE r BETWEEN 1000 AND 11000") - one, 10000)
        cur.execute("SET optimizer_switch = 'default'")
        lk = b.cost("SELECT COUNT(*) FROM k")
        b.show("nested look-up by primary key, in order", b.cost("SELECT /*+ NO_HASH_JOIN(u) */ STRAIGHT_JOIN SUM(u.v) FROM k JOIN u ON u.id = k.n") - lk, 20000)
        b.show("nested look-up by primary key, at random", b.cost("SELECT /*+ NO_HASH_JOIN(u) */ STRAIGHT_JOIN SUM(u.v) FROM k JOIN u ON u.id = k.m") - lk, 20000)
        b.show("nested look-up by secondary key, covering",
               b.cost("SELECT /*+ NO_HASH_JOIN(t) */ STRAIGHT_JOIN SUM(t.id) FROM k JOIN t ON t.r = k.m") - lk, 20000)
        b.show("nested look-up by secondary key, with the row",
               b.cost("SELECT /*+ NO_HASH_JOIN(t) */ STRAIGHT_JOIN SUM(LENGTH(t.pad)) FROM k JOIN t ON t.r = k.m") - lk, 20000)
        su = b.cost("SELECT SUM(v) FROM u")
        st = b.cost("SELECT SUM(r) FROM t")
        b.show("hash join: build of a row (narrow), u scanned by 20,000",
               b.cost("SELECT COUNT(*) FROM k JOIN u ON u.v = k.m") - su - lk, ROWS)
        b.show("  the same, rows with 60 bytes", b.cost("SELECT SUM(LENGTH(u.pad)) FROM k JOIN u ON u.v = k.m") - su - lk, ROWS)
        b.show("hash join: 500,000 against 500,000, a row of either", b.cost("SELECT COUNT(*) FROM t JOIN u ON u.v = t.r") - su - st, ROWS)
        small, large = "SET_VAR(join_buffer_size = 262144)", "SET_VAR(join_buffer_size = 1073741824)"
        for what, sql in (("", "COUNT(*) FROM t JOIN u ON u.v = t.r"), (" with 60 bytes", "SUM(LENGTH(u.pad)) FROM t JOIN u ON u.v = t.r")):
            b.show(f"  on disk instead of in memory, a row of either{what}", b.cost(f"SELECT /*+ {small} HASH_JOIN(t, u) */ {sql}") - b.cost(f"SELECT /*+ {large} HASH_JOIN(t, u) */ {sql}"), 2 * ROWS)
        b.show("nested loop over kept rows, a pair",
               b.cost("SELECT COUNT(*) FROM (SELECT n FROM k LIMIT 2000) a JOIN (SELECT n FROM k LIMIT 5000) b ON a.n < b.n - 100000"),
               10_000_000)
        b.show("sort of a row: key and 60 bytes, 500,000",
               b.cost("SELECT SUM(LENGTH(pad)) FROM (SELECT pad FROM u ORDER BY v LIMIT 499999) q") - su, ROWS)
        b.show("top 10 of a row", b.cost("SELECT pad FROM u ORDER BY v LIMIT 10") - su, ROWS)
        b.show("hash grouping of a row, 100 groups", b.cost("SELECT v MOD 100, COUNT(*) FROM u GROUP BY 1 ORDER BY NULL") - su, ROWS)
        b.show("hash grouping of a row, 500,000 groups",
               b.cost("SELECT COUNT(*) FROM (SELECT v, COUNT(*) FROM u GROUP BY v) q") - su, ROWS)


if __name__ == "__main__":
    main()
