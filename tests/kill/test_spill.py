# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Transactions that outgrow transaction_memory_limit: all of it on disk and back, forgotten in one step, killed in the middle, and nothing
left in tmpdir, whatever ends them."""
import os
import pathlib
import tempfile
import time

import quell
from harness import main
from wire import Watcher, Wire

tmp = tempfile.mkdtemp(prefix="quell-tmp-")
server = quell.Server(args=[f"--tmpdir={tmp}"])
server.start()
watch = Watcher(server)
for sql in ("CREATE DATABASE s", "CREATE TABLE s.thousand (id INT PRIMARY KEY)", "CREATE TABLE s.t (id INT PRIMARY KEY, k INT, c VARCHAR(40), KEY k (k))",
            "INSERT INTO s.thousand VALUES " + ",".join(f"({i})" for i in range(1000))):
    watch.query(sql)
LIMIT = 4 << 20


def status(name):
    return int(watch.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])


def spill_files():
    """Temporary overlays the server has open (they have no name any more)."""
    fds = pathlib.Path(f"/proc/{server.proc.pid}/fd")
    return sum("quell-spill" in os.readlink(f) for f in fds.iterdir() if os.path.islink(f))


def nothing_left():
    quell.until(lambda: status("Quell_spilled_layers") == 0 and spill_files() == 0, what="temporary files gone")
    assert status("Quell_spilled_bytes") == 0 and os.listdir(tmp) == []
    quell.until(lambda: status("Quell_row_locks") == 0 and status("Quell_overlay_bytes") == 0, what="memory given back")


def session(limit=LIMIT):
    w = Wire(server, timeout=300)
    w.query("USE s")
    w.query(f"SET transaction_memory_limit = {limit}")
    return w


def fill(n, first=0):
    return f"INSERT INTO t SELECT a.id * 1000 + b.id + {first}, (a.id * 7919 + b.id) % 1000, REPEAT('x', 30) FROM thousand a, thousand b WHERE a.id < {n // 1000}"


def test_a_large_transaction():
    w = session()
    spills = status("Quell_spills")
    w.query("BEGIN")
    assert w.query(fill(300000)) == 300000
    assert status("Quell_spills") >= spills + 5 and spill_files() >= 1 and os.listdir(tmp) == []
    assert status("Quell_overlay_bytes") < 2 * LIMIT
    assert w.query("UPDATE t SET c = 'y' WHERE id < 1000") == 1000
    assert w.query("DELETE FROM t WHERE id BETWEEN 1000 AND 1999") == 1000
    assert w.value("SELECT COUNT(*) FROM t") == "299000"
    assert w.value("SELECT COUNT(*) FROM t FORCE INDEX (k) WHERE k = 5") == w.value("SELECT COUNT(*) FROM t IGNORE INDEX (k) WHERE k = 5")
    assert w.value("SELECT c FROM t WHERE id = 999") == "y" and w.value("SELECT c FROM t WHERE id = 299999") == "x" * 30
    assert w.error("INSERT INTO t VALUES (123456, 1, 'z')") == 1062
    assert watch.value("SELECT COUNT(*) FROM s.t") == "0"
    w.query("SAVEPOINT a")
    w.query(fill(20000, 500000))
    assert w.value("SELECT COUNT(*), MAX(id) FROM t") == "319000"
    w.query("ROLLBACK TO a")
    assert w.value("SELECT COUNT(*) FROM t") == "299000"
    w.query("COMMIT")
    assert watch.value("SELECT COUNT(*) FROM s.t") == "299000"
    assert watch.value("SELECT COUNT(*) FROM s.t WHERE c = 'y'") == "1000"
    assert watch.value("SELECT COUNT(*) FROM s.t FORCE INDEX (k) WHERE k >= 0") == "299000"
    nothing_left()
    watch.query("TRUNCATE TABLE s.t")
    w.quit()


def test_rolled_back():
    w = session()
    w.query("BEGIN")
    w.query(fill(60000))
    assert spill_files() >= 1
    w.query("ROLLBACK")
    nothing_left()
    assert w.value("SELECT COUNT(*) FROM t") == "0"
    w.query("BEGIN")
    w.query("INSERT INTO t VALUES (59999, 0, 'before')")
    assert w.error(fill(60000)) == 1062  # at its last row
    assert w.query("SELECT id, c FROM t") == [(b"59999", b"before")]
    w.quit()
    nothing_left()


def test_killed_while_it_spills():
    for what in ("QUERY", "CONNECTION"):
        w = session()
        w.query("BEGIN")
        w.query("INSERT INTO t VALUES (-1, 0, 'before')")
        w.query("SET DEBUG_SYNC = 'spill_batch SIGNAL at_spill WAIT_FOR never TIMEOUT 60'")
        w.send(fill(60000))
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR at_spill TIMEOUT 60'")
        assert status("Quell_spilled_layers") == 1 and spill_files() >= 1
        watch.query(f"KILL {what} {w.id}")
        code = w.error()
        if what == "QUERY":
            assert code == 1317
            assert w.query("SELECT id, c FROM t") == [(b"-1", b"before")]
            w.query("SET DEBUG_SYNC = 'RESET'")
            w.query("ROLLBACK")
            w.quit()
        else:
            assert code == 2013
        nothing_left()
        assert watch.value("SELECT COUNT(*) FROM s.t") == "0"
    watch.query("SET DEBUG_SYNC = 'RESET'")


def test_sweep():
    """Killed at its n-th checkpoint: 1317 and wholly undone, or done."""
    w = session(65536)
    outcomes = set()
    at = 1
    while True:
        w.query("BEGIN")
        w.query("INSERT INTO t VALUES (-1, 0, 'before')")
        w.query(f"SET DEBUG_SYNC = 'kill_at {at} QUERY'")
        code = w.error(fill(3000))
        w.query("SET DEBUG_SYNC = 'RESET'")
        assert code in (0, 1317), code
        assert w.value("SELECT COUNT(*) FROM t") == ("3001" if code == 0 else "1"), at
        w.query("ROLLBACK")
        outcomes.add(code)
        if code == 0:
            break
        at += 1 + at // 6
    assert outcomes == {0, 1317}
    nothing_left()
    w.quit()


def test_killed_commit_of_a_spilled_transaction():
    w = session(65536)
    w.query("BEGIN")
    w.query(fill(20000))
    watch.query("SET DEBUG_SYNC = 'global commit_after_take SIGNAL taken WAIT_FOR go TIMEOUT 60'")
    w.send("COMMIT")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR taken TIMEOUT 60'")
    assert watch.value(f"SELECT TRX_STATE FROM information_schema.PROCESSLIST WHERE ID = {w.id}") == "APPLYING"
    watch.query(f"KILL QUERY {w.id}")
    assert w.error() == 1317  # at once: the committer has not moved
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    assert w.value("SELECT COUNT(*) FROM t") == "0"
    nothing_left()
    watch.query("SET DEBUG_SYNC = 'RESET'")
    w.quit()


def test_connection_memory_limit():
    """What a transaction has changed spills at this limit, too; other memory of a statement is refused beyond it, and the session lives."""
    w = Wire(server)
    w.query("USE s")
    w.query("SET connection_memory_limit = 2097152")
    assert w.query("SHOW WARNINGS") == []
    spills = status("Quell_spills")
    w.query("BEGIN")
    w.query(fill(30000))
    assert status("Quell_spills") > spills and status("Quell_overlay_bytes") < 4 << 20
    assert w.error("SELECT LENGTH(GROUP_CONCAT(REPEAT(c, 100) SEPARATOR '')), COUNT(DISTINCT CONCAT(c, id)) FROM t") == 4082
    assert w.value("SELECT COUNT(*) FROM t") == "30000"
    w.query("ROLLBACK")
    w.quit()
    nothing_left()


def test_forgotten_as_fast():
    """The session's part of a rollback does not grow with what was spilled: 32 times as much may take no more than 50 ms longer."""
    took = {}
    for n in (1000, 32000):
        best = 9.0
        for _ in range(3):
            w = session(65536)
            w.query("BEGIN")
            w.query(fill(n))
            t = time.monotonic()
            w.query("ROLLBACK")
            best = min(best, time.monotonic() - t)
            w.quit()
        took[n] = best
    nothing_left()
    assert took[32000] < took[1000] + 0.05, took


def test_kill_9_leaves_no_files():
    w = session()
    w.query("BEGIN")
    w.query(fill(60000))
    assert spill_files() >= 1
    server.kill9()
    assert os.listdir(tmp) == []
    server.start()
    watch.__init__(server)
    assert watch.value("SELECT COUNT(*) FROM s.t") == "0"


def test_no_tmpdir():
    """A temporary file that cannot be written is an error of the statement."""
    w = session()
    w.query("BEGIN")
    w.query("INSERT INTO t VALUES (-1, 0, 'before')")
    os.rename(tmp, tmp + ".gone")
    try:
        assert w.error(fill(60000)) == 1026
        assert w.query("SELECT id, c FROM t") == [(b"-1", b"before")]
    finally:
        os.rename(tmp + ".gone", tmp)
    assert w.query(fill(60000)) == 60000
    w.query("ROLLBACK")
    nothing_left()
    w.quit()


def close_all():
    watch.close()
    server.__exit__(None, None, None)
    os.rmdir(tmp)


if __name__ == "__main__":
    main(globals())
