# SPDX-License-Identifier: Apache-2.0
"""snapshot_pinned_limit: the oldest snapshot is ended when what only it needs takes too much room, and its owner is told why."""
import quell
from harness import main
from wire import Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
for sql in ("CREATE DATABASE p", "CREATE TABLE p.t (id INT PRIMARY KEY, c VARCHAR(2000))", "CREATE TABLE p.u (id INT PRIMARY KEY)",
            "INSERT INTO p.t VALUES " + ",".join(f"({i}, REPEAT('a', 2000))" for i in range(1, 501))):
    watch.query(sql)
LIMIT = 8 << 20


def status(name):
    return int(watch.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])


def snapshot_age(w):
    return watch.value(f"SELECT SNAPSHOT_AGE_MS FROM information_schema.PROCESSLIST WHERE ID = {w.id}")


def pin(n=2 * LIMIT):
    """Replace rows until that many bytes are pinned."""
    for i in range(400):
        if status("Quell_snapshot_pinned_bytes") > n:
            return
        watch.query(f"UPDATE p.t SET c = REPEAT('{i % 10}', 2000)")
    raise AssertionError("nothing is pinned")


def limited(yes):
    watch.query(f"SET GLOBAL snapshot_pinned_limit = {LIMIT if yes else 0}")


def released():
    quell.until(lambda: status("Quell_snapshot_pinned_bytes") < LIMIT, what="pages given back")


def test_without_a_limit():
    w = Wire(server)
    w.query("BEGIN")
    w.query("SELECT COUNT(*) FROM p.t")
    assert snapshot_age(w) is not None
    pin()
    assert w.value("SELECT MIN(c) = REPEAT('a', 2000) AND MAX(c) = MIN(c) FROM p.t") == "1"
    w.query("COMMIT")
    assert snapshot_age(w) is None
    released()
    w.quit()


def test_idle_in_a_transaction():
    w = Wire(server)
    w.query("BEGIN")
    w.query("INSERT INTO p.u VALUES (1)")
    w.query("SELECT COUNT(*) FROM p.t")
    pin()
    ended = status("Quell_snapshots_ended")
    limited(True)
    released()
    assert status("Quell_snapshots_ended") == ended + 1 and snapshot_age(w) is None
    assert w.error("SELECT COUNT(*) FROM p.t") == 4201 and "snapshot_pinned_limit" in w.last.text
    assert w.value("SELECT COUNT(*) FROM p.u") == "0", "the transaction has been rolled back"
    assert watch.error("INSERT INTO p.u VALUES (1)") == 0, "and its locks are free"
    watch.query("DELETE FROM p.u")
    limited(False)
    w.quit()


def test_idle_then_commit():
    """What was written before is whole: COMMIT needs no snapshot."""
    w = Wire(server)
    w.query("BEGIN")
    w.query("INSERT INTO p.u VALUES (1)")
    w.query("SELECT COUNT(*) FROM p.t")
    pin()
    limited(True)
    released()
    w.query("COMMIT")
    assert w.value("SELECT COUNT(*) FROM p.u") == "1"
    w.query("DELETE FROM p.u")
    limited(False)
    w.quit()


def test_running_statement():
    for begin in ("BEGIN", "SELECT 1", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"):
        w = Wire(server)
        w.query(begin)
        if begin == "BEGIN":
            w.query("INSERT INTO p.u VALUES (2)")
        w.send("SELECT SLEEP(100) + COUNT(*) FROM p.t WHERE id = 1 AND SLEEP(100) = 0")
        watch.until_state(w.id, "User sleep")
        pin()
        other = Wire(server)
        other.query("BEGIN")
        assert other.value("SELECT COUNT(*) FROM p.t") == "500"
        limited(True)
        assert w.error() == 4201 and "snapshot_pinned_limit" in w.last.text
        released()
        assert w.value("SELECT COUNT(*) FROM p.u") == "0"
        assert other.value("SELECT COUNT(*) FROM p.t") == "500", "the younger one lives"
        limited(False)
        w.quit()
        other.quit()


def test_kill_and_quit_of_who_lost_it():
    for end in ("quit", "kill", "rollback"):
        w = Wire(server)
        w.query("BEGIN")
        w.query("INSERT INTO p.u VALUES (3)")
        w.query("SELECT COUNT(*) FROM p.t")
        pin()
        limited(True)
        released()
        if end == "quit":
            w.quit()
        elif end == "kill":
            watch.query(f"KILL {w.id}")
        else:
            w.query("ROLLBACK")
            assert w.value("SELECT COUNT(*) FROM p.t") == "500"
        quell.until(lambda: watch.error("INSERT INTO p.u VALUES (3)") == 0, what="the lock free")
        watch.query("DELETE FROM p.u")
        limited(False)


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
