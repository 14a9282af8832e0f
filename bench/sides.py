# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of queries share: the two servers on data that is loaded once and kept, a client in C (libmariadb through ctypes: what is
measured is the server, not the decoding of results in Python), processor time in nanoseconds, and the comparison of one query on both sides."""
import argparse
import contextlib
import ctypes
import fcntl
import hashlib
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

KEPT = ROOT / "build/bench-data"
P, S, U = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong
_lib = None


def library():
    global _lib
    if _lib is None:
        _lib = ctypes.CDLL("libmariadb.so.3")
        for name, result, *args in [
                ("mysql_init", P, P), ("mysql_real_connect", P, P, S, S, S, S, ctypes.c_uint, S, U), ("mysql_real_query", ctypes.c_int, P, S, U),
                ("mysql_store_result", P, P), ("mysql_free_result", None, P), ("mysql_num_fields", ctypes.c_uint, P), ("mysql_fetch_row", ctypes.POINTER(P), P),
                ("mysql_fetch_lengths", ctypes.POINTER(U), P), ("mysql_error", S, P), ("mysql_errno", ctypes.c_uint, P), ("mysql_close", None, P),
                ("mysql_affected_rows", ctypes.c_ulonglong, P), ("mysql_thread_id", U, P)]:
            f = getattr(_lib, name)
            f.restype, f.argtypes = result, args
    return _lib


class Failed(Exception):
    def __init__(self, number, text):
        super().__init__(f"{number}: {text}")
        self.number = number


class Client:
    """One session. run() returns seconds from sending the statement to having its whole result here."""

    def __init__(self, server, database):
        self.lib, self.server = library(), server
        self.h = self.lib.mysql_init(None)
        if not self.lib.mysql_real_connect(self.h, None, b"root", b"", database.encode(), 0, server.socket.encode(), 0):
            self.fail()
        self.killer = server.connect(autocommit=True).cursor()
        self.run("SET NAMES utf8mb4")

    def fail(self):
        raise Failed(self.lib.mysql_errno(self.h), self.lib.mysql_error(self.h).decode(errors="replace"))

    def run(self, sql, cap=None, rows=None):
        """With cap (seconds) the statement is killed when it has run that long. rows: a list that gets the result, or ["affected N"]."""
        text, timer = sql.encode(), None
        if cap is not None:
            timer = threading.Timer(cap, lambda: self.killer.execute(f"KILL QUERY {self.lib.mysql_thread_id(self.h)}"))
            timer.start()
        start = time.perf_counter()
        error = self.lib.mysql_real_query(self.h, text, len(text))
        result = None if error else self.lib.mysql_store_result(self.h)
        took = time.perf_counter() - start
        if timer:
            timer.cancel()
            timer.join()
        if not result and self.lib.mysql_errno(self.h):
            self.fail()
        if rows is not None:
            rows += self.fetch(result) if result else [f"affected {self.lib.mysql_affected_rows(self.h)}"]
        if result:
            self.lib.mysql_free_result(result)
        return took

    def fetch(self, result):
        n, out = self.lib.mysql_num_fields(result), []
        while row := self.lib.mysql_fetch_row(result):
            lengths = self.lib.mysql_fetch_lengths(result)
            out.append(tuple(None if not row[i] else ctypes.string_at(row[i], lengths[i]).decode(errors="replace") for i in range(n)))
        return out

    def ask(self, sql):
        rows = []
        self.run(sql, rows=rows)
        return rows

    def cpu(self):
        """Processor time of the server's process so far, seconds (its processor clock, to the nanosecond)."""
        return time.clock_gettime((~self.server.proc.pid << 3) | 2)

    def close(self):
        self.lib.mysql_close(self.h)


@contextlib.contextmanager
def servers(quelld, kept, sources, load, analyze, only=None, fresh=False, mariadb_args=()):
    """{"quell": Server, "mariadb": MariaDB} running on data that load(server) has put there, now or in an earlier run. The data is kept in
    build/bench-data/<kept>-<hash of the sources that made it>. Statistics are made anew for every run (analyze(server))."""
    mark = hashlib.sha256(b"".join(pathlib.Path(f).read_bytes() for f in sources)).hexdigest()[:8]
    base = KEPT / f"{kept}-{mark}"
    base.mkdir(parents=True, exist_ok=True)
    lock = open(base / "lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    tables = base / "rows"
    started = {}
    try:
        for name in ("quell", "mariadb"):
            if only and only != name:
                continue
            data, done = base / name, base / f"{name}.loaded"
            if fresh or not done.exists():
                done.unlink(missing_ok=True)
                shutil.rmtree(data, ignore_errors=True)

            def start():
                if name == "quell":
                    return quell.Server(os.path.abspath(quelld), args=["--secure-file-priv=", "--local-infile=1"], datadir=data).start()
                return quell.MariaDB(datadir=data, args=["--local-infile=1", *mariadb_args]).start()
            server = start()
            if not done.exists():
                t = time.monotonic()
                tables.mkdir(exist_ok=True)
                load(server, tables)
                print(f"{name}: loaded in {time.monotonic() - t:.1f} s", flush=True)
                server.stop()  # what the measured server has in memory does not come from loading
                server.remove()
                done.touch()
                server = start()
            analyze(server)
            started[name] = server
        shutil.rmtree(tables, ignore_errors=True)
        yield started
    finally:
        quell.stop_all(started.values())
        lock.close()


def table_statements(create):
    """Name and column text of each CREATE TABLE, in order."""
    return [(c.split()[2], c) for c in create]


def load_tables(server, database, create, files, charset="utf8mb4"):
    """Creates the tables and loads files of tab-separated lines into each (files: name -> path or paths), one transaction a file."""
    cur = server.connect(autocommit=True, local_infile=True).cursor()
    cur.execute(f"CREATE DATABASE {database} CHARACTER SET {charset}")
    cur.execute(f"USE {database}")
    cur.execute("SET foreign_key_checks = 0, unique_checks = 0")
    for name, sql in table_statements(create):
        cur.execute(sql)
        for path in files[name] if isinstance(files[name], list) else [files[name]]:
            cur.execute(f"LOAD DATA INFILE '{path}' INTO TABLE {name}")


def same(a, b):
    """Equal, but for the last digits of numbers that are not exact."""
    if a == b:
        return True
    if len(a) != len(b):
        return False
    for x, y in zip(a, b):
        if x == y:
            continue
        if isinstance(x, str) or isinstance(y, str) or len(x) != len(y):
            return False
        for u, v in zip(x, y):
            if u == v:
                continue
            try:
                if u is None or v is None or abs(float(u) - float(v)) > 1e-7 * max(abs(float(u)), abs(float(v))):
                    return False
            except ValueError:
                return False
    return True


def sort_rows(rows):
    return sorted(rows, key=lambda r: tuple("" if v is None else v for v in r))


def difference(want, got, compare):
    """None, or what differs. compare: "exact" (the order is part of the result), "sorted", "count" (which rows is left to the server)."""
    if compare == "count":
        return None if len(want) == len(got) else f"{len(got)} rows, MariaDB {len(want)}"
    if compare == "sorted":
        want, got = sort_rows(want), sort_rows(got)
    if same(want, got):
        return None
    if len(want) != len(got):
        return f"{len(got)} rows, MariaDB {len(want)}"
    i = next(i for i in range(len(want)) if not same(want[i:i + 1], got[i:i + 1]))
    return f"row {i}: {got[i]}, MariaDB {want[i]}"


class Measured:
    """One query on the sides given (name -> Client): medians of wall and means of processor time, in seconds; what was wrong."""

    def __init__(self, query, clients, cap, rounds, budget):
        self.query, self.wall, self.cpu, self.notes, self.rows = query, {}, {}, [], {}
        limit = 600.0
        for name in ("mariadb", "quell"):
            if name not in clients:
                continue
            rows = []
            before = clients[name].cpu()
            try:
                took = self.once(clients[name], limit, rows)
            except Failed as e:
                cut = e.number in (1317, 1969, 3024)
                self.notes.append(f"{name}: stopped after {limit:.2f} s" if cut else f"{name}: {e}")
                if cut:
                    self.wall[name], self.cpu[name] = [limit], [clients[name].cpu() - before]
                continue
            self.rows[name] = rows
            self.wall[name], self.cpu[name] = [took], [clients[name].cpu() - before]
            if name == "mariadb":
                limit = max(cap * took, 0.3)
        whole = [n for n in clients if n in self.rows]
        if len(self.rows) == 2:
            d = difference(self.rows["mariadb"], self.rows["quell"], query.compare)
            if d:
                self.notes.append("RESULTS DIFFER: " + d)
        if len(whole) == len(clients):
            self.repeat(clients, rounds, budget)
        self.rows = {n: len(r) for n, r in self.rows.items()}

    def once(self, client, cap, rows=None):
        if not self.query.change:
            return client.run(self.query.sql, cap, rows)
        client.run("START TRANSACTION")
        try:
            return client.run(self.query.sql, cap, rows)
        finally:
            client.run("ROLLBACK")

    def repeat(self, clients, rounds, budget):
        first = sum(w[0] for w in self.wall.values())
        if first > budget:
            return  # once is enough, cold as it was
        n = min(rounds, max(2, int(budget / max(first, 1e-5))))
        self.wall, self.cpu = {k: [] for k in clients}, {k: [] for k in clients}
        for _ in range(n):
            for name, client in clients.items():
                before = client.cpu()
                self.wall[name].append(self.once(client, None))
                self.cpu[name].append(client.cpu() - before)

    def median(self, name):
        return statistics.median(self.wall[name]) if self.wall.get(name) else None

    def processor(self, name):
        return statistics.median(self.cpu[name]) if self.cpu.get(name) else None

    def ratio(self, what=None):
        what = what or self.median
        a, b = what("quell"), what("mariadb")
        return a / b if a is not None and b else None


def ms(v):
    if v is None:
        return "-"
    v *= 1000
    return f"{v:,.3f}" if v < 10 else f"{v:,.1f}" if v < 1000 else f"{v:,.0f}"


def line(m):
    r, c = m.ratio(), m.ratio(m.processor)
    return (f"{m.query.name:44} {ms(m.median('quell')):>10} {ms(m.median('mariadb')):>10} {'-' if r is None else f'{r:.2f}':>8}"
            f" {ms(m.processor('quell')):>10} {ms(m.processor('mariadb')):>10} {'-' if c is None else f'{c:.2f}':>8}  {'; '.join(m.notes)}").rstrip()


HEAD = f"{'':44} {'Quell ms':>10} {'MariaDB ms':>10} {'ratio':>8} {'cpu':>10} {'cpu':>10} {'ratio':>8}"


def plan_of(client, sql, cap=60):
    """EXPLAIN ANALYZE where the statement may run, else the plan."""
    for how in ("EXPLAIN ANALYZE ", "EXPLAIN FORMAT=TREE "):
        rows = []
        try:
            client.run(how + sql, cap, rows)
            return "\n".join(r[0] for r in rows)
        except Failed as e:
            error = e
    return str(error)


def summary(measured, bound=1.2):
    ratios = sorted(m.ratio() for m in measured if m.ratio() is not None)
    if not ratios:
        return "nothing was compared"
    by_cpu = sorted(m.ratio(m.processor) for m in measured if m.ratio(m.processor) is not None)
    wall = {n: sum(m.median(n) or 0 for m in measured) for n in ("quell", "mariadb")}
    cpu = {n: sum(m.processor(n) or 0 for m in measured) for n in ("quell", "mariadb")}
    bad = sum(any("DIFFER" in n for n in m.notes) for m in measured)
    failed = sum(m.median("quell") is None for m in measured)
    return (f"{len(ratios)} queries: {sum(r > bound for r in ratios)} over {bound}, {sum(r > 1 for r in ratios)} over 1; median {statistics.median(ratios):.2f}, worst {ratios[-1]:.2f}; "
            f"{bad} with other results, {failed} failed\n"
            f"by processor time: {sum(r > bound for r in by_cpu)} over {bound}; median {statistics.median(by_cpu):.2f}, worst {by_cpu[-1]:.2f}\n"
            f"sum of wall: {wall['quell']:.3f} s, MariaDB {wall['mariadb']:.3f} s ({wall['quell'] / wall['mariadb']:.2f}); "
            f"processor: {cpu['quell']:.3f} s, MariaDB {cpu['mariadb']:.3f} s ({cpu['quell'] / max(cpu['mariadb'], 1e-9):.2f})")


def arguments(usage, rounds):
    """What programs of figures take; .files: made once for both servers by whoever loads."""
    ap = argparse.ArgumentParser(usage=usage)
    ap.add_argument("--quelld", required=True)
    ap.add_argument("--rounds", type=int, default=rounds)
    ap.add_argument("--rows", type=int, default=1_000_000)
    ap.add_argument("--only", choices=["quell", "mariadb"])
    ap.add_argument("--fresh", action="store_true")
    ap.add_argument("--json")
    ap.add_argument("names", nargs="*")
    return ap.parse_args()


def figures(a, kept, sources, load, list_of, answer):
    """Each (name, statement, statement before it or None) in turns on both sides: medians of wall and processor time, and whether answer(rows) is the same.
    answer None: the rows are not looked at."""
    found = {}
    with servers(a.quelld, kept, sources, load, lambda s: s.query("ANALYZE TABLE bench.t"), a.only, a.fresh) as started:
        clients = {n: Client(s, "bench") for n, s in started.items()}
        print(f"{'':30} {'quell':>9} {'mariadb':>9} ms   ratio   processor time", flush=True)
        for name, sql, before in list_of:
            if a.names and not any(n.lower() in name.lower() for n in a.names):
                continue
            took, used, answers = {n: [] for n in clients}, {n: [] for n in clients}, {}
            for _ in range(a.rounds):
                for n, c in clients.items():
                    if before:
                        c.run(before)
                    cpu, rows = c.cpu(), [] if answer(sql) and n not in answers else None
                    took[n].append(c.run(sql, rows=rows))
                    used[n].append(c.cpu() - cpu)
                    if rows is not None:
                        answers[n] = answer(sql)(rows)
            t, u = ({n: 1000 * statistics.median(v) for n, v in x.items()} for x in (took, used))
            found[name] = {"ms": t, "cpu_ms": u}
            ratio = t["mariadb"] / t["quell"] if len(t) == 2 else 0
            differs = "" if len(set(map(str, answers.values()))) <= 1 else "   other results"
            print(f"{name:30} {t.get('quell', 0):9.1f} {t.get('mariadb', 0):9.1f}     {ratio:5.2f}   {u.get('quell', 0):9.1f} {u.get('mariadb', 0):9.1f}{differs}", flush=True)
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps(found, indent=1) + "\n")
