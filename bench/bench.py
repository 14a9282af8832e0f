#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Quell beside MariaDB, in one run on this machine: the same client program, the same data, the two servers in turn for every figure.
Prints medians over the rounds and their ratio. No pass or fail: figures are to be read (docs/benchmarks.md).

  bench.py --quelld PATH [--rounds N] [--rows N] [--json FILE] [NAME ...]     NAME: parts of figure names; spill: sorts, groups and joins of a
                                                                              million rows, in memory and not (only when named)

Figures "functions: ..." are the processor time of the server for one statement over all rows, less that of an empty scan of the same
table is for the reader to do; the clock would tell more of the machine's other work than of the server.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/lib"))
import quell  # noqa: E402

JOIN = "SELECT COUNT(*) FROM t a, t b WHERE a.pad < b.pad"
FIGURES = [
    # name, better is ("low"/"high"), qbench arguments, key, unit
    ("round trip of SELECT 1", "low", ["rtt", "5000", "SELECT 1"], "median_us", "us"),
    ("KILL QUERY of an idle session, round trip", "low", ["kill", "200", "QUERY", "SELECT SLEEP(1000)"], "kill_us", "us"),
    ("kill to error: SLEEP", "low", ["kill", "200", "QUERY", "SELECT SLEEP(1000)"], "to_error_us", "us"),
    ("kill to error: nested-loop scan", "low", ["kill", "30", "QUERY", JOIN], "to_error_us", "us"),
    ("kill to error: nested-loop scan, worst", "low", ["kill", "30", "QUERY", JOIN], "to_error_max_us", "us"),
    ("kill to error: scan", "low", ["kill", "60", "QUERY", "SELECT COUNT(*) FROM t a WHERE pad LIKE '%z%y%x%w%' OR CONCAT(pad, pad, k) LIKE '%aa%bb%cc%dd%'"], "to_error_us", "us"),
    ("kill to error: sort", "low", ["kill", "60", "QUERY", "SELECT * FROM t a ORDER BY pad, k DESC"], "to_error_us", "us"),
    ("kill to error: sort, worst", "low", ["kill", "60", "QUERY", "SELECT * FROM t a ORDER BY pad, k DESC"], "to_error_max_us", "us"),
    ("kill to error: group by", "low", ["kill", "60", "QUERY", "SELECT pad, COUNT(*), SUM(k) FROM t GROUP BY pad HAVING SUM(k) < 0"], "to_error_us", "us"),
    ("kill to error: equi-join", "low", ["kill", "10", "QUERY", "SELECT COUNT(*) FROM t a JOIN t b ON a.c = b.c"], "to_error_us", "us"),
    ("kill to error: LIKE on long strings", "low", ["kill", "20", "QUERY", "SELECT COUNT(*) FROM t a WHERE CONCAT(REPEAT('ab', 2000000), a.id) LIKE '%a%c%a%'"], "to_error_us", "us"),
    ("kill to error: LOCATE on a long string", "low", ["kill", "4", "QUERY", "SELECT COUNT(*) FROM t a WHERE LOCATE(CONCAT(REPEAT('a', 4000), 'b'), CONCAT(REPEAT('a', 250000), a.id)) > 0"], "to_error_us", "us"),
    ("kill to error: BENCHMARK", "low", ["kill", "4", "QUERY", "SELECT BENCHMARK(6000000, MD5('x'))"], "to_error_us", "us"),
    ("KILL CONNECTION to lost connection: SLEEP", "low", ["kill", "100", "CONNECTION", "SELECT SLEEP(1000)"], "to_error_us", "us"),
    ("client vanished in a join: time to notice", "low", ["gone", "10", JOIN], "gone_us", "us"),
    ("point select by primary key, 1 thread", "high", ["load", "1", "{s}", "{rows}", "SELECT k, c FROM t WHERE id = %d"], "per_s", "/s"),
    ("point select by primary key, 8 threads", "high", ["load", "8", "{s}", "{rows}", "SELECT k, c FROM t WHERE id = %d"], "per_s", "/s"),
    ("100-row range, 1 thread", "high", ["load", "1", "{s}", "{rows}", "SELECT id, k, c FROM t WHERE id >= %d ORDER BY id LIMIT 100"], "per_s", "/s"),
    ("full scan with aggregate", "high", ["load", "1", "{s}", "{rows}", "SELECT COUNT(*), SUM(k), MAX(c) FROM t WHERE k > %d"], "per_s", "/s"),
    ("durable single-row insert, 1 thread", "high", ["load", "1", "{s}", "{rows}", "INSERT INTO ins (k, c) VALUES (%d, 'some text of a row')"], "per_s", "/s"),
    ("durable single-row insert, 8 threads", "high", ["load", "8", "{s}", "{rows}", "INSERT INTO ins (k, c) VALUES (%d, 'some text of a row')"], "per_s", "/s"),
]
# Statements over table f, measured in processor time of the server.
FUNCTIONS = [
    ("scan", "SELECT COUNT(v), COUNT(d) FROM f"),
    ("YEAR, MONTH, HOUR of a DATETIME", "SELECT SUM(YEAR(d) + MONTH(d) + HOUR(d)) FROM f"),
    ("LEFT, SUBSTRING, CHAR_LENGTH", "SELECT SUM(CHAR_LENGTH(LEFT(v, 5)) + LENGTH(SUBSTRING(v, 8, 20))) FROM f"),
    ("UPPER, CONCAT", "SELECT SUM(LENGTH(CONCAT(UPPER(s), '-', s))) FROM f"),
    ("LIKE 'word%'", "SELECT COUNT(*) FROM f WHERE v LIKE '0001%'"),
    ("LIKE '%word%'", "SELECT COUNT(*) FROM f WHERE v LIKE '%jab9%'"),
    ("LIKE '%word'", "SELECT COUNT(*) FROM f WHERE v LIKE '%hij'"),
    ("IF, IFNULL, CASE", "SELECT SUM(IF(id > 1000, id, 0) + IFNULL(n, 1) + CASE WHEN n > 5 THEN 2 WHEN n > 3 THEN id ELSE 3 END) FROM f"),
    ("CAST to CHAR, DATE, DOUBLE", "SELECT SUM(LENGTH(CAST(id AS CHAR))), MAX(CAST(d AS DATE)), SUM(CAST(id AS DOUBLE)) FROM f"),
    ("= of strings", "SELECT SUM(s = v), SUM(s <> '0000012345-000'), SUM(b = 'x') FROM f"),
    ("GROUP BY a string", "SELECT s2, COUNT(*), SUM(id) FROM f GROUP BY s2"),
    ("ORDER BY an integer, LIMIT", "SELECT id FROM f ORDER BY n DESC, id LIMIT 1000000, 1"),
]
FIGURES += [("functions: " + name, "low", ["cpu", sql], "cpu_ms", "ms") for name, sql in FUNCTIONS]


def compile_client():
    exe = pathlib.Path(tempfile.mkdtemp(prefix="quell-b-")) / "qbench"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], check=True, stdout=subprocess.PIPE).stdout.decode().split()
    subprocess.run(["gcc", "-O2", "-o", str(exe), str(ROOT / "bench/qbench.c"), *flags, "-lpthread"], check=True)
    return str(exe)


def load_data(server, rows):
    c = server.connect()
    cur = c.cursor()
    cur.execute("CREATE DATABASE bench")
    cur.execute("USE bench")
    cur.execute("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(60) NOT NULL, pad VARCHAR(200) NOT NULL, KEY k (k)) ENGINE=InnoDB")
    cur.execute("CREATE TABLE ins (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, c VARCHAR(60) NOT NULL) ENGINE=InnoDB")
    x = 12345
    for base in range(0, rows, 1000):
        vals = []
        for i in range(base + 1, min(base + 1000, rows) + 1):
            x = (x * 1103515245 + 12345) % 2147483648
            vals.append(f"({i},{x % rows},'{x:010d}-{x * 7 % 99991:010d}-abcdefgh','{x % 65521:06d}{'abcdefghij' * 12}')")
        cur.execute("INSERT INTO t VALUES " + ",".join(vals))
        c.commit()
    cur.execute("CREATE TABLE f (id INT NOT NULL PRIMARY KEY, n INT, d DATETIME NOT NULL, s VARCHAR(40) NOT NULL, s2 VARCHAR(10) NOT NULL,"
                " b VARBINARY(20) NOT NULL, v VARCHAR(200) NOT NULL) ENGINE=InnoDB")
    for base in range(0, rows, 50000):
        cur.execute("INSERT INTO f SELECT id, NULLIF(k % 10, 0), DATE_ADD('2001-01-01', INTERVAL id * 97 SECOND), LEFT(c, 20), RIGHT(LEFT(c, 10), 3),"
                    f" LEFT(c, 12), LEFT(pad, 60) FROM t WHERE id > {base} AND id <= {base + 50000}")
        c.commit()
    try:
        cur.execute("ANALYZE TABLE t")
    except Exception:  # noqa: not every server has it
        pass
    c.close()


def cpu_ms(pid):
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def call(client, server, args):
    if args[0] == "cpu":
        before = cpu_ms(server.proc.pid)
        r = call(client, server, ["rtt", "1", args[1]])
        return r if "error" in r else {"cpu_ms": cpu_ms(server.proc.pid) - before}
    try:
        r = subprocess.run([client, server.socket, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, QBENCH_DB="bench"), timeout=120)
    except subprocess.TimeoutExpired:
        return {"error": "not done in 120 s"}
    if r.returncode:
        return {"error": r.stderr.decode(errors="replace").strip()}
    return {k: float(v) for k, v in (p.split("=") for p in r.stdout.decode().split())}


def rss_kb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


def idle_memory(client, server, n):
    before = rss_kb(server.proc.pid)
    p = subprocess.Popen([client, server.socket, "idle", str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = p.stdout.readline()
    after = rss_kb(server.proc.pid)
    p.communicate(b"\n")
    return {"kb": (after - before) / n} if line else {"error": "could not open the connections"}


SPILLING = [
    # name, statement over a million rows; then what buffers are set to for it
    ("sort of 1 M rows", "SELECT pad FROM big ORDER BY pad, id LIMIT 999999, 1"),
    ("group by of 1 M rows, 500,000 groups", "SELECT COUNT(*), SUM(n) FROM (SELECT c, COUNT(*) AS n FROM big GROUP BY c) d"),
    ("distinct of 1 M rows", "SELECT COUNT(*) FROM (SELECT DISTINCT pad FROM big) d"),
    ("hash join of 1 M with 1 M rows", "SELECT COUNT(*) FROM big a JOIN big b ON b.c = a.pad"),
]
BUFFERS = [("in memory", {"sort_buffer_size": 1 << 30, "tmp_table_size": 1 << 30, "max_heap_table_size": 1 << 30, "join_buffer_size": 1 << 30}),
           ("256 KB buffers", {"sort_buffer_size": 1 << 18, "tmp_table_size": 1 << 18, "max_heap_table_size": 1 << 18, "join_buffer_size": 1 << 18})]


def load_big(server):
    """A million rows made by the server itself."""
    cur = server.connect(database="bench").cursor()
    cur.execute("CREATE TABLE thousand (id INT NOT NULL PRIMARY KEY)")
    cur.execute("INSERT INTO thousand VALUES " + ",".join(f"({i})" for i in range(1000)))
    cur.execute("CREATE TABLE big (id INT NOT NULL PRIMARY KEY, c VARCHAR(40) NOT NULL, pad VARCHAR(80) NOT NULL) ENGINE=InnoDB")
    cur.execute("INSERT INTO big SELECT a.id * 1000 + b.id, CONCAT('c-', (a.id * 1000 + b.id) * 7919 % 500009), CONCAT('c-', (a.id * 1000 + b.id) * 104729 % 1000003) FROM thousand a, thousand b")
    cur.connection.commit()


def processor_seconds(server):
    fields = open(f"/proc/{server.proc.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def large_statement(server, sql, settings):
    """Processor time of the server, ms."""
    cur = server.connect(database="bench").cursor()
    try:  # MariaDB joins by a hash only when told to
        cur.execute("SET SESSION join_cache_level = 4, SESSION join_buffer_space_limit = 1 << 31")
    except Exception:  # noqa: not every server has it
        pass
    for name, value in settings.items():
        cur.execute(f"SET SESSION {name} = {value}")
    before = processor_seconds(server)
    cur.execute(sql)
    cur.fetchall()
    return (processor_seconds(server) - before) * 1000


def spilling(servers, rounds, out):
    for s in servers.values():
        load_big(s)
    for name, sql in SPILLING:
        for how, settings in BUFFERS:
            got = {n: [large_statement(s, sql, settings) for _ in range(rounds)] for n, s in servers.items()}
            med = {n: statistics.median(v) for n, v in got.items()}
            ratio = med["quell"] / med["mariadb"] if len(med) == 2 and med["mariadb"] else None
            title = f"{name}, {how}: processor time"
            print(f"{title:62} {show(med['quell']):>9} ms {show(med.get('mariadb')):>9} ms   {'' if ratio is None else f'{ratio:.2f}'}", flush=True)
            out.append({"name": title, "unit": "ms", "better": "low", **med, "ratio": ratio, "all": got, "notes": []})


def show(v):
    if v is None:
        return "-"
    return f"{v:,.0f}" if v >= 100 else f"{v:,.1f}"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--rows", type=int, default=100000)
    ap.add_argument("--seconds", type=float, default=3)
    ap.add_argument("--idle", type=int, default=1000)
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    client = compile_client()
    servers = {"quell": quell.Server(os.path.abspath(a.quelld), args=["--max-connections=2000"]), "mariadb": quell.MariaDB()}
    out = []
    try:
        for s in servers.values():
            s.start()
            load_data(s, a.rows)
        print(f"{'':52} {'Quell':>12} {'MariaDB':>12}   ratio", flush=True)
        chosen = [f for f in FIGURES if not a.names or any(n.lower() in f[0].lower() for n in a.names)]
        for name, better, args, key, unit in chosen:
            args = [x.replace("{s}", str(a.seconds)).replace("{rows}", str(a.rows)) for x in args]
            got = {n: [] for n in servers}
            notes = set()
            for _ in range(a.rounds):
                for n, s in servers.items():
                    r = call(client, s, args)
                    if key in r:
                        got[n].append(r[key])
                    if r.get("ignored") or r.get("missed") or r.get("failed") or "error" in r:
                        notes.add(f"{n}: " + ", ".join(f"{k} {v if isinstance(v, str) else int(v)}" for k, v in r.items()
                                                       if k in ("ignored", "missed", "failed", "hit", "error")))
            med = {n: statistics.median(v) if v else None for n, v in got.items()}
            ratio = None
            if med["quell"] and med["mariadb"]:
                ratio = med["quell"] / med["mariadb"]
            word = "" if ratio is None else ("ahead" if (ratio < 1) == (better == "low") else "behind")
            line = f"{name:52} {show(med['quell']):>9} {unit:2} {show(med['mariadb']):>9} {unit:2}   {'' if ratio is None else f'{ratio:.2f}'} {word}"
            print(line + (f"   [{'; '.join(sorted(notes))}]" if notes else ""), flush=True)
            out.append({"name": name, "unit": unit, "better": better, **med, "ratio": ratio, "all": got, "notes": sorted(notes)})
        if any("spill" in n for n in a.names):
            spilling(servers, a.rounds, out)
        if not a.names or any("memory" in n for n in a.names):
            med = {n: idle_memory(client, s, a.idle).get("kb") for n, s in servers.items()}
            ratio = med["quell"] / med["mariadb"] if med["quell"] and med["mariadb"] else None
            print(f"{'memory per idle connection':52} {show(med['quell']):>9} KB {show(med['mariadb']):>9} KB   {'' if ratio is None else f'{ratio:.2f}'}")
            out.append({"name": "memory per idle connection", "unit": "KB", **med, "ratio": ratio})
        if a.json:
            pathlib.Path(a.json).write_text(json.dumps(out, indent=1))
    finally:
        quell.stop_all(servers.values())


if __name__ == "__main__":
    main()
