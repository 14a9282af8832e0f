# SPDX-License-Identifier: Apache-2.0
"""The library in a process of its own: the stock client looks in and kills, the process is killed and its acknowledged rows are there, a
second process is refused, and the examples do what they say."""
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

import quell
from harness import main
from wire import Wire

BUILD = pathlib.Path(os.environ["QUELL_BUILD"])
HOST = BUILD / "tests/embed/host"
NUMBERS = "INSERT INTO k.n VALUES " + ",".join(f"({i})" for i in range(300))


class Host:
    """host serve: sessions of the program, and its socket for clients."""

    def __init__(self, *setting):
        self.dir = tempfile.TemporaryDirectory(prefix="quell-host-")
        self.socket = self.dir.name + "/s.sock"
        if setting:  # of a directory that is made without it
            subprocess.run([HOST, "query", self.dir.name + "/db", "CREATE DATABASE k; CREATE TABLE k.t (id INT PRIMARY KEY, v LONGTEXT); SELECT 1"], check=True, stdout=subprocess.DEVNULL)
        self.proc = subprocess.Popen([HOST, "serve", self.dir.name + "/db", self.socket, *setting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers, self.changed = {}, threading.Condition()
        assert self.proc.stdout.readline() == "ready\n"
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.proc.stdout:
            number, rc, errno, *value = line.rstrip("\n").split(" ", 3)
            with self.changed:
                self.answers.setdefault(int(number), []).append((int(rc), int(errno), value[0] if value else ""))
                self.changed.notify_all()

    def send(self, number, sql):
        self.proc.stdin.write(f"{number} {sql}\n")
        self.proc.stdin.flush()

    def answer(self, number):
        with self.changed:
            assert self.changed.wait_for(lambda: self.answers.get(number), 60), f"session {number} does not answer"
            return self.answers[number].pop(0)

    def run(self, number, sql):
        self.send(number, sql)
        return self.answer(number)

    def value(self, number, sql):
        rc, errno, value = self.run(number, sql)
        assert rc == 0, (sql, rc, errno)
        return value

    def client(self, *args, **more):
        """The stock client."""
        return subprocess.run(["mariadb", "--no-defaults", "-N", "-B", "-u", "root", "-S", self.socket, *args], capture_output=True, text=True, timeout=60, **more)

    def sql(self, sql):
        r = self.client("-e", sql)
        assert r.returncode == 0, (sql, r.stderr)
        return [tuple(line.split("\t")) for line in r.stdout.splitlines()]

    def until_state(self, ident, state):
        end = time.monotonic() + 60
        while True:
            rows = self.sql(f"SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {ident} AND COMMAND = 'Query' AND INFO IS NOT NULL")
            if rows and (state is None or rows[0] == (state,)):
                return
            assert time.monotonic() < end, rows
            time.sleep(0.005)

    def close(self):
        self.proc.stdin.close()
        rc = self.proc.wait(60)
        self.dir.cleanup()
        assert rc == 0, rc


host = Host()
assert host.run(0, "CREATE DATABASE k")[0] == 0
for sql in ["CREATE TABLE k.t (id INT PRIMARY KEY, v INT)", "INSERT INTO k.t VALUES (1, 0), (2, 0)", "CREATE TABLE k.n (i INT)", NUMBERS]:
    assert host.run(0, sql)[0] == 0
KILLED, ENDED = 2, 3


def test_the_client_sees_the_program():
    ident = host.value(1, "SELECT CONNECTION_ID()")
    host.send(1, "SELECT SLEEP(1000)")
    host.until_state(ident, "User sleep")
    rows = host.sql("SHOW FULL PROCESSLIST")
    assert [r for r in rows if r[0] == ident and r[1] == "root" and r[4] == "Query" and r[6] == "User sleep" and r[7] == "SELECT SLEEP(1000)"], rows
    host.sql(f"KILL QUERY {ident}")
    assert host.answer(1)[:2] == (KILLED, 1317)
    assert host.value(1, "SELECT 5") == "5"


SCENES = [  # name, state, held by another session of the program, statement, released
    ("sleep", "User sleep", None, "SELECT SLEEP(1000)", None),
    ("scan", None, None, "SELECT COUNT(*) FROM k.n a, k.n b, k.n c, k.n d WHERE a.i * b.i > c.i + d.i", None),
    ("sort", None, None, "SELECT a.i FROM k.n a, k.n b, k.n c ORDER BY a.i * b.i - c.i", None),
    ("row lock", "Waiting for row lock", "BEGIN; UPDATE k.t SET v = 1 WHERE id = 1", "UPDATE k.t SET v = 9", "ROLLBACK"),
    ("metadata lock", "Waiting for table metadata lock", "BEGIN; SELECT * FROM k.t", "DROP TABLE k.t", "COMMIT"),
    ("user lock", "User lock", "SELECT GET_LOCK('x', 0)", "SELECT GET_LOCK('x', 1000)", "SELECT RELEASE_LOCK('x')"),
    ("commit queue", "Waiting for commit", "SET DEBUG_SYNC = 'global commit_before_take SIGNAL before_take WAIT_FOR go TIMEOUT 1000'",
     "INSERT INTO k.t VALUES (3, 3)", "SET DEBUG_SYNC = 'now SIGNAL go'; INSERT INTO k.t VALUES (50, 50); DELETE FROM k.t WHERE id = 50; SET DEBUG_SYNC = 'RESET'"),
]


def test_the_client_kills():
    lane = 2
    for name, state, holds, sql, releases in SCENES:
        for kill in ["KILL QUERY", "KILL"]:
            ident = host.value(lane, "SELECT CONNECTION_ID()")
            if holds:
                assert host.run(0, holds)[0] == 0, name
            host.send(lane, sql)
            host.until_state(ident, state)
            host.sql(f"{kill} {ident}")
            assert host.answer(lane)[:2] == (KILLED if kill == "KILL QUERY" else ENDED, 1317), (name, kill)
            if releases:
                assert host.run(0, releases)[0] == 0, name
            if kill == "KILL":
                assert host.run(lane, "SELECT 1")[:2] == (ENDED, 1317)
                lane += 1
            assert host.sql("SELECT COUNT(*), SUM(v) FROM k.t") == [("2", "0")], (name, kill)


def test_the_client_kills_who_waits_for_the_disk():
    full = Host("disk_reserve=9000000000000000000")
    for lane, kill in [(1, "KILL QUERY"), (2, "KILL")]:
        ident = full.value(lane, "SELECT CONNECTION_ID()")
        full.send(lane, "INSERT INTO k.t VALUES (1, REPEAT('y', 4000000))")
        full.until_state(ident, "Waiting for disk space")
        full.sql(f"{kill} {ident}")
        assert full.answer(lane)[0] == (KILLED if kill == "KILL QUERY" else ENDED)
        assert full.sql("SELECT COUNT(*) FROM k.t") == [("0",)]
    full.close()


def test_an_idle_session_is_ended():
    ident = host.value(12, "SELECT CONNECTION_ID()")
    assert host.run(12, "BEGIN; UPDATE k.t SET v = 7")[0] == 0
    host.sql(f"KILL {ident}")
    assert host.sql("UPDATE k.t SET v = 0; SELECT SUM(v) FROM k.t") == [("0",)]
    assert host.run(12, "COMMIT")[:2] == (ENDED, 1317)


def test_the_program_kills_the_client():
    p = subprocess.Popen(["mariadb", "--no-defaults", "-u", "root", "-S", host.socket, "-e", "SELECT SLEEP(1000)"], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while True:
        ident = host.value(0, "SELECT COALESCE(MAX(ID), 0) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'")
        if ident != "0":
            break
        assert time.monotonic() < end
    assert host.run(0, f"KILL QUERY {ident}")[0] == 0
    assert "ERROR 1317" in p.communicate(timeout=60)[1]


def test_a_second_process_is_refused():
    r = subprocess.run([HOST, "query", host.dir.name + "/db", "SELECT 1"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 1 and "is using it" in r.stderr and str(host.proc.pid) in r.stderr, r
    assert host.value(0, "SELECT 1") == "1"


def test_kill_9():
    """Whatever was acknowledged before is there afterwards, and nothing else but what was under way."""
    with tempfile.TemporaryDirectory(prefix="quell-host-") as d:
        acknowledged, threads = set(), 4
        for round in range(1, 5):
            p = subprocess.Popen([HOST, "load", d + "/db", str(threads), str(round)], stdout=subprocess.PIPE, text=True)
            mine = set()
            for line in p.stdout:
                mine.add(int(line))
                if len(mine) == 40 * round:
                    p.send_signal(signal.SIGKILL)
            p.wait()
            acknowledged |= mine
            found = int(subprocess.run([HOST, "query", d + "/db", "SELECT COUNT(*) FROM d.t"], capture_output=True, text=True, check=True).stdout)
            assert len(acknowledged) <= found <= len(acknowledged) + threads * round, (found, len(acknowledged))
            ids = ",".join(map(str, sorted(acknowledged)))
            there = subprocess.run([HOST, "query", d + "/db", f"SELECT COUNT(*) FROM d.t WHERE id IN ({ids}) AND v = 'acknowledged'"],
                                   capture_output=True, text=True, check=True).stdout
            assert int(there) == len(acknowledged)
        assert subprocess.run([HOST, "query", d + "/db", "SELECT COUNT(*) FROM d.t FORCE INDEX (v) WHERE v = 'acknowledged'"],
                              capture_output=True, text=True, check=True).stdout == f"{found}\n"


def test_a_server_takes_over():
    """quelld on the program's directory, and back."""
    with tempfile.TemporaryDirectory(prefix="quell-host-") as d:
        made = subprocess.run([HOST, "query", d + "/db", "CREATE DATABASE x; CREATE TABLE x.t (a INT); INSERT INTO x.t VALUES (4); SELECT a FROM x.t"],
                              capture_output=True, text=True, check=True)
        assert made.stdout == "4\n"
        server = quell.Server(datadir=d + "/db", args=["--skip-networking"])
        server.start()
        client = Wire(server)
        assert client.query("SELECT a FROM x.t") == [(b"4",)]
        client.query("INSERT INTO x.t VALUES (5)")
        client.quit()
        server.stop()
        assert subprocess.run([HOST, "query", d + "/db", "SELECT SUM(a) FROM x.t"], capture_output=True, text=True, check=True).stdout == "9\n"


def test_example_killed_worker():
    r = subprocess.run([BUILD / "examples/killed_worker"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r
    lines = r.stdout.splitlines()
    assert lines[0] == "worker: result 2, error 1317: Query execution was interrupted", r.stdout
    assert lines[1].startswith("stopped after ") and lines[2] == "numbers = 10", r.stdout


def test_example_looked_into():
    with tempfile.TemporaryDirectory(prefix="quell-host-") as d:
        socket = d + "/app.sock"
        p = subprocess.Popen([BUILD / "examples/looked_into", d + "/app", socket], stdout=subprocess.PIPE, text=True)
        words = p.stdout.readline().split()
        worker, forgetful = words[1], words[5].rstrip(";")
        assert p.stdout.readline().strip() == f"mariadb -u root -S {socket} -e 'SHOW PROCESSLIST; KILL {forgetful}'"
        client = ["mariadb", "--no-defaults", "-N", "-B", "-u", "root", "-S", socket, "-e"]
        end = time.monotonic() + 60
        while True:
            rows = subprocess.run([*client, "SELECT ID, STATE FROM information_schema.PROCESSLIST"], capture_output=True, text=True, check=True).stdout
            if f"{worker}\tWaiting for row lock" in rows:
                break
            assert time.monotonic() < end, rows
        subprocess.run([*client, f"KILL {forgetful}"], check=True, timeout=60)
        assert p.communicate(timeout=60)[0] == "worker: has the seat\n"
        assert p.returncode == 0


def close_all():
    host.close()


if __name__ == "__main__":
    main(globals())
