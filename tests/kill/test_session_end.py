# SPDX-License-Identifier: Apache-2.0
"""The end of a session releases what it holds in one order, whatever ended it: socket, prepared statements, transaction, LOCK TABLES,
metadata locks, global read lock, user locks, variables, temporary tables (shared KILL.md, section 3). The session is stopped before each step, and another
one looks what is free by then and what is not yet. Also the states of a transaction on its way, and innodb_rollback_on_timeout."""
import quell
from harness import main
from wire import Watcher, Wire

server = quell.Server(args=["--innodb-rollback-on-timeout=1"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE e")
watch.query("CREATE TABLE e.t (id INT PRIMARY KEY, v INT)")
watch.query("CREATE TABLE e.u (id INT PRIMARY KEY)")
watch.query("INSERT INTO e.t VALUES (1, 10), (2, 20)")
STEPS = ["session_end_prepared", "session_end_transaction", "session_end_locks", "session_end_user_locks", "session_end_variables"]


def prepared():
    return int(watch.query("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[0][1])


def temporary():
    return int(watch.query("SHOW GLOBAL STATUS LIKE 'Quell_temporary_tables'")[0][1])


class Probe:
    """Looks from outside at what a session holds."""

    def __init__(self):
        self.row, self.mdl = Wire(server), Wire(server)
        self.row.query("SET innodb_lock_wait_timeout = 1")
        self.mdl.query("SET lock_wait_timeout = 1")

    def row_is_free(self):
        code = self.row.error("UPDATE e.t SET v = v WHERE id = 1")
        assert code in (0, 1205), code
        return code == 0

    def definition_is_free(self):
        code = self.mdl.error("CREATE TABLE e.u2 (id INT)")
        assert code == 0, code
        self.mdl.query("DROP TABLE e.u2")
        code = self.mdl.error("TRUNCATE TABLE e.u")
        assert code in (0, 1205), code
        return code == 0

    def end(self):
        self.row.quit()
        self.mdl.quit()


def state_of(conn):
    return watch.value(f"SELECT TRX_STATE FROM information_schema.PROCESSLIST WHERE ID = {conn}")


def holder(stop_at):
    """A session with a bit of everything, which will stop at that step of its end."""
    w = Wire(server)
    w.prepare("SELECT 1")
    w.query(f"SET DEBUG_SYNC = '{stop_at} SIGNAL at_{stop_at} WAIT_FOR go_{stop_at} TIMEOUT 60'")
    w.query("DO GET_LOCK('e', 0)")
    w.query("CREATE TEMPORARY TABLE e.own (a INT)")
    w.query("INSERT INTO e.own VALUES (1)")
    w.query("BEGIN")
    w.query("INSERT INTO e.own VALUES (2)")
    w.query("UPDATE e.t SET v = 11 WHERE id = 1")
    w.query("SELECT * FROM e.u")
    return w


def ends(how, stop_at):
    before = prepared()
    w = holder(stop_at)
    assert prepared() == before + 1
    probe = Probe()
    if stop_at == STEPS[0]:
        assert not probe.row_is_free() and not probe.definition_is_free()
    if how == "quit":
        w.command(b"\x01")
    elif how == "vanish":
        w.sock.close()
    else:
        watch.query(f"KILL {w.id}")
    watch.query(f"SET DEBUG_SYNC = 'now WAIT_FOR at_{stop_at} TIMEOUT 20'")
    if how != "vanish":
        assert w.at_end(), "the socket is cut first"
    reached = STEPS.index(stop_at)
    assert prepared() == before + (reached < 1)
    assert probe.row_is_free() == (reached > 1), stop_at
    assert probe.definition_is_free() == (reached > 1), stop_at
    assert watch.value("SELECT IS_FREE_LOCK('e')") == ("1" if reached > 3 else "0"), stop_at
    assert temporary() == 1, "they go last"
    assert (state_of(w.id) == "OPEN") == (reached < 2)
    assert watch.value("SELECT v FROM e.t WHERE id = 1") == "10"
    assert watch.value(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {w.id}") == "1"
    watch.query(f"SET DEBUG_SYNC = 'now SIGNAL go_{stop_at}'")
    quell.until(lambda: watch.value(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {w.id}") == "0", what="the session gone")
    assert probe.row_is_free() and probe.definition_is_free()
    assert prepared() == before
    quell.until(lambda: temporary() == 0, what="its temporary table gone")
    probe.end()
    watch.query("SET DEBUG_SYNC = 'RESET'")


def test_order_when_quit():
    for step in STEPS:
        ends("quit", step)


def test_order_when_killed():
    for step in STEPS:
        ends("kill", step)


def test_order_when_client_vanishes():
    for step in STEPS[2:]:
        ends("vanish", step)


def test_lock_tables_go_after_the_transaction():
    """A transaction under LOCK TABLES (autocommit off), and a global read lock: before the user locks, after the transaction."""
    for locks, probe in (("LOCK TABLES e.t WRITE", "SELECT * FROM e.t"), ("FLUSH TABLES WITH READ LOCK", "UPDATE e.t SET v = v")):
        for step in STEPS[1:4]:
            w, other = Wire(server), Wire(server)
            other.query("SET lock_wait_timeout = 1")
            w.query(f"SET DEBUG_SYNC = '{step} SIGNAL at_{step} WAIT_FOR go_{step} TIMEOUT 60'")
            w.query("DO GET_LOCK('e', 0)")
            w.query(locks)
            watch.query(f"KILL {w.id}")
            watch.query(f"SET DEBUG_SYNC = 'now WAIT_FOR at_{step} TIMEOUT 20'")
            assert other.error(probe) == (0 if step == STEPS[3] else 1205), (locks, step)
            assert watch.value("SELECT IS_FREE_LOCK('e')") == "0"
            watch.query(f"SET DEBUG_SYNC = 'now SIGNAL go_{step}'")
            watch.until_gone(w.id)
            assert other.error(probe) == 0
            other.quit()
            w.close()
            watch.query("SET DEBUG_SYNC = 'RESET'")


def test_states_on_the_way_to_the_disk():
    w = Wire(server)
    assert state_of(w.id) is None
    w.query("BEGIN")
    assert state_of(w.id) == "OPEN"
    w.query("UPDATE e.t SET v = 21 WHERE id = 2")
    assert state_of(w.id) == "OPEN"
    for point in ("commit_before_take", "commit_after_take", "commit_after_apply"):
        watch.query(f"SET DEBUG_SYNC = 'global {point} SIGNAL at_{point} WAIT_FOR go_{point} TIMEOUT 60'")
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go_reply'")  # for the reply of the SET itself
    w.query("SET DEBUG_SYNC = 'before_reply SIGNAL at_reply WAIT_FOR go_reply TIMEOUT 60 EXECUTE 2'")
    w.send("COMMIT")
    for point, state in (("commit_before_take", "QUEUED"), ("commit_after_take", "TAKEN"), ("commit_after_apply", "TAKEN")):
        watch.query(f"SET DEBUG_SYNC = 'now WAIT_FOR at_{point} TIMEOUT 20'")
        assert state_of(w.id) == state, f"{point}: {state_of(w.id)}"
        watch.query(f"SET DEBUG_SYNC = 'now SIGNAL go_{point}'")
    quell.until(lambda: state_of(w.id) == "DONE", what="DONE")
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go_reply'")
    w.result()
    quell.until(lambda: state_of(w.id) is None, what="no state")
    w.quit()
    watch.query("SET DEBUG_SYNC = 'RESET'")


def test_rollback_on_timeout():
    """The manual, innodb_rollback_on_timeout: a lock wait timeout aborts and rolls back the entire transaction."""
    a, b = Wire(server), Wire(server)
    a.query("BEGIN")
    a.query("UPDATE e.t SET v = 30 WHERE id = 1")
    b.query("SET innodb_lock_wait_timeout = 1")
    b.query("BEGIN")
    b.query("UPDATE e.t SET v = 31 WHERE id = 2")
    assert b.error("UPDATE e.t SET v = 31 WHERE id = 1") == 1205
    assert a.error("UPDATE e.t SET v = 30 WHERE id = 2") == 0, "what the other had locked is free"
    a.query("COMMIT")
    b.query("COMMIT")
    assert watch.value("SELECT GROUP_CONCAT(v) FROM e.t") == "30,30"
    watch.query("UPDATE e.t SET v = id * 10")
    a.quit()
    b.quit()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
