# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Metadata locks, LOCK TABLES, the global read lock and user locks under kills: a killed request is withdrawn and those behind it go on, a
grant that comes too late is passed on, and a killed connection leaves nothing locked. Also the queue for innodb_thread_concurrency."""
import time

import quell
from harness import main
from wire import Watcher, Wire

TABLE_WAIT = "Waiting for table metadata lock"
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--loose-disk-reserve=0"])
server.start()
watch = Watcher(server)
for setup in ("CREATE DATABASE k", "CREATE TABLE k.t (id INT PRIMARY KEY, v INT)", "INSERT INTO k.t VALUES (1, 0), (2, 0)",
              "CREATE TABLE k.u (id INT PRIMARY KEY, v INT)", "INSERT INTO k.u VALUES (1, 0)"):
    watch.query(setup)


def sessions(n):
    return [Wire(server) for _ in range(n)]


def waits(s, sql, state=TABLE_WAIT):
    s.send(sql)
    watch.until_state(s.id, state)


def end(*ss):
    for s in ss:
        s.quit()
    watch.until_calm()


def at_once(since, what, limit=2):
    seconds = time.monotonic() - since
    assert seconds < limit, f"{what} took {seconds:.3f} s"


# ---- the classic ----

def test_kill_of_a_waiting_drop_lets_the_readers_go_on():
    """An idle transaction, a DROP that waits for it, readers that queue behind the DROP. Killing the DROP is enough."""
    for how in ("QUERY", "CONNECTION"):
        idle, drop, *readers = sessions(6)
        idle.query("BEGIN")
        idle.query("SELECT * FROM k.t")
        waits(drop, "DROP TABLE k.t")
        for r in readers:
            waits(r, "SELECT COUNT(*) FROM k.t")
        t = time.monotonic()
        watch.kill(drop.id, how)
        assert drop.error() == (1317 if how == "QUERY" else 2013)
        for r in readers:
            assert r.result() == [(b"2",)]
        at_once(t, "the readers' going on")
        assert idle.query("SELECT COUNT(*) FROM k.t") == [(b"2",)]
        idle.query("COMMIT")
        end(idle, drop, *readers)


def test_killing_the_idle_transaction_helps_as_well():
    idle, drop, reader = sessions(3)
    idle.query("BEGIN")
    idle.query("SELECT * FROM k.t")
    waits(drop, "TRUNCATE TABLE k.t")
    waits(reader, "SELECT COUNT(*) FROM k.t")
    row = watch.query(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {drop.id}")
    assert row == [(str(idle.id).encode(),)], row
    watch.kill(idle.id, "CONNECTION")
    assert drop.result() == 0
    assert reader.result() == [(b"0",)]
    watch.query("INSERT INTO k.t VALUES (1, 0), (2, 0)")
    idle.close()
    end(drop, reader)


def test_who_holds_the_table_passes_those_who_wait_for_it():
    """MySQL calls this a deadlock and undoes the transaction; here there is none."""
    a, drop = sessions(2)
    a.query("BEGIN")
    a.query("SELECT * FROM k.t")
    waits(drop, "LOCK TABLES k.t WRITE")
    a.query("UPDATE k.t SET v = v + 1 WHERE id = 1")
    a.query("ROLLBACK")
    drop.result()
    drop.query("UNLOCK TABLES")
    end(a, drop)


# ---- late grants ----

def late(sql, limit=None):
    """A victim that is in the queue and not yet asleep; the lock is granted to it there."""
    holder, victim, behind = sessions(3)
    holder.query("LOCK TABLES k.t WRITE")
    if limit:
        victim.query(f"SET lock_wait_timeout = {limit}")
    victim.query("SET DEBUG_SYNC = 'mdl_before_wait SIGNAL there WAIT_FOR go TIMEOUT 100'")
    victim.send(sql)
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR there'")
    waits(behind, "LOCK TABLES k.t WRITE")
    holder.query("UNLOCK TABLES")  # the victim has it now
    assert watch.state(behind.id)[1] == TABLE_WAIT
    return holder, victim, behind


def test_granted_and_killed():
    for how in ("QUERY", "CONNECTION"):
        holder, victim, behind = late("LOCK TABLES k.t WRITE")
        watch.kill(victim.id, how)
        assert victim.error() == (1317 if how == "QUERY" else 2013)
        behind.result()  # it was passed on
        if how == "QUERY":
            assert victim.query("SELECT COUNT(*) FROM k.u") == [(b"1",)], "the killed LOCK TABLES locked something"
        behind.query("UNLOCK TABLES")
        watch.query("SET DEBUG_SYNC = 'RESET'")
        end(holder, victim, behind)


def test_granted_and_timed_out():
    """The grant came before the time was up: the statement has it."""
    holder, victim, behind = late("LOCK TABLES k.t WRITE", limit=1)
    watch.query("SELECT SLEEP(1.1)")
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    victim.result()
    assert watch.state(behind.id)[1] == TABLE_WAIT
    victim.query("UNLOCK TABLES")
    behind.result()
    behind.query("UNLOCK TABLES")
    watch.query("SET DEBUG_SYNC = 'RESET'")
    end(holder, victim, behind)


def test_a_timeout_lets_those_behind_go_on():
    idle, drop, reader = sessions(3)
    idle.query("BEGIN")
    idle.query("SELECT * FROM k.t")
    drop.query("SET lock_wait_timeout = 1")
    waits(drop, "DROP TABLE k.t")
    waits(reader, "SELECT COUNT(*) FROM k.t")
    assert drop.error() == 1205
    assert reader.result() == [(b"2",)]
    idle.query("COMMIT")
    end(idle, drop, reader)


# ---- deadlocks ----

def test_deadlock_through_a_row_and_metadata():
    """a waits for the DROP in front of it, the DROP for b's transaction, b for a's row. The lightest, b, gives up."""
    a, b, drop = sessions(3)
    a.query("BEGIN")
    a.query("UPDATE k.t SET v = v + 1")
    b.query("BEGIN")
    b.query("SELECT * FROM k.u")
    waits(drop, "TRUNCATE TABLE k.u")
    waits(b, "UPDATE k.t SET v = 5 WHERE id = 1", "Waiting for row lock")
    a.send("SELECT COUNT(*) FROM k.u")
    assert b.error() == 1213
    assert drop.result() == 0
    assert a.result() == [(b"0",)]
    a.query("ROLLBACK")
    assert b.query("SELECT v FROM k.t WHERE id = 1") == [(b"0",)]
    watch.query("INSERT INTO k.u VALUES (1, 0)")
    end(a, b, drop)


def test_deadlock_of_a_user_lock_and_a_row():
    """MySQL does not see this one. The row's waiter is the lighter."""
    a, b = sessions(2)
    a.query("DO GET_LOCK('d', 0)")
    b.query("BEGIN")
    b.query("UPDATE k.t SET v = 7 WHERE id = 1")
    waits(a, "UPDATE k.t SET v = 8 WHERE id = 1", "Waiting for row lock")
    b.send("SELECT GET_LOCK('d', 100)")
    errors = (a.error(), None)
    assert errors[0] == 1213, errors
    assert watch.state(b.id)[1] == "User lock"  # a has lost its statement, not its user lock
    a.query("DO RELEASE_LOCK('d')")
    assert b.result() == [(b"1",)]
    b.query("ROLLBACK")
    end(a, b)


# ---- what a killed connection leaves ----

def test_a_killed_connection_leaves_nothing_locked():
    other = Wire(server)
    other.query("SET lock_wait_timeout = 20")
    for locks, probe in (
            (["LOCK TABLES k.t WRITE, k.u READ"], "LOCK TABLES k.t WRITE, k.u WRITE"),
            (["FLUSH TABLES WITH READ LOCK"], "UPDATE k.t SET v = v"),
            (["FLUSH TABLES k.t WITH READ LOCK"], "UPDATE k.t SET v = v"),
            (["LOCK INSTANCE FOR BACKUP"], "CREATE TABLE k.w (id INT)"),
            (["BEGIN", "SELECT * FROM k.w"], "DROP TABLE k.w"),
            (["DO GET_LOCK('a', 0), GET_LOCK('b', 0), GET_LOCK('b', 0)"], "DO GET_LOCK('a', 20), GET_LOCK('b', 20)")):
        for how in ("CONNECTION", "close"):
            victim = Wire(server)
            for sql in locks:
                if "k.w" in sql and how == "close":
                    other.query("CREATE TABLE k.w (id INT)")
                victim.query(sql)
            other.send(probe)
            watch.until_command(other.id, "Query")
            t = time.monotonic()
            if how == "close":
                victim.close()
            else:
                watch.kill(victim.id, "CONNECTION")
            other.result()
            at_once(t, probe)
            other.query("UNLOCK TABLES")
            other.query("DO RELEASE_ALL_LOCKS()")
            if probe.startswith("CREATE") and how == "CONNECTION":
                other.query("DROP TABLE k.w")
            watch.until_gone(victim.id)
            victim.close()
    end(other)


def test_a_killed_lock_tables_has_released_the_old_ones():
    """As MySQL: what was locked before is released first, and nothing new is held."""
    idle, victim, other = sessions(3)
    victim.query("LOCK TABLES k.u WRITE")
    idle.query("BEGIN")
    idle.query("SELECT * FROM k.t")
    waits(victim, "LOCK TABLES k.t WRITE, k.u WRITE")
    watch.kill(victim.id)
    assert victim.error() == 1317
    other.query("LOCK TABLES k.u WRITE")
    other.query("UNLOCK TABLES")
    assert victim.query("SELECT COUNT(*) FROM k.t") == [(b"2",)]
    end(idle, victim, other)


def test_a_killed_statement_keeps_what_the_session_has_locked():
    victim, other = sessions(2)
    victim.query("LOCK TABLES k.t WRITE")
    victim.query("DO GET_LOCK('kept', 0)")
    victim.send("SELECT SLEEP(1000)")
    watch.until_state(victim.id, "User sleep")
    watch.kill(victim.id)
    assert victim.error() == 1317
    waits(other, "SELECT COUNT(*) FROM k.t")
    assert victim.value("SELECT IS_USED_LOCK('kept') = CONNECTION_ID()") == "1"
    victim.query("UNLOCK TABLES")
    assert other.result() == [(b"2",)]
    end(victim, other)


def test_get_lock_time_limit():
    holder, victim = sessions(2)
    holder.query("DO GET_LOCK('slow', 0)")
    victim.query("SET max_execution_time = 100")
    t = time.monotonic()
    victim.send("SELECT GET_LOCK('slow', 1000)")
    assert victim.error() == 3024
    at_once(t, "the limit")
    end(holder, victim)


def test_read_lock_waits_for_writers_only():
    """FLUSH TABLES WITH READ LOCK passes a long SELECT, waits for a statement that writes, and those behind it wait for it; killed, they go
    on."""
    reader, writer, flush, behind = sessions(4)
    reader.send("SELECT SLEEP(1000) FROM k.t")
    watch.until_state(reader.id, "User sleep")
    flush.query("FLUSH TABLES WITH READ LOCK")
    flush.query("UNLOCK TABLES")
    writer.send("UPDATE k.u SET v = SLEEP(1000)")
    watch.until_state(writer.id, "User sleep")
    waits(flush, "FLUSH TABLES WITH READ LOCK", "Waiting for global read lock")
    waits(behind, "INSERT INTO k.t VALUES (9, 9)", "Waiting for global read lock")
    watch.kill(flush.id)
    assert flush.error() == 1317
    assert behind.result() == 1
    watch.query("DELETE FROM k.t WHERE id = 9")
    for s in (reader, writer):
        watch.kill(s.id)
        assert s.error() == 1317
    end(reader, writer, flush, behind)


# ---- innodb_thread_concurrency ----

def test_the_experiment_of_the_lecture():
    """Two sleepers hold both tickets, a third query queues for one. There KILL QUERY does nothing and KILL CONNECTION leaves a session that
    stays "Killed"; here the first ends the query at once, and the second the session."""
    watch.query("SET GLOBAL innodb_thread_concurrency = 2")
    a, b, c = sessions(3)
    for s in (a, b):
        s.send("SELECT SLEEP(100) FROM k.t")
        watch.until_state(s.id, "User sleep")
    waits(c, "SELECT * FROM k.t", "waiting to enter InnoDB")
    d = Wire(server)
    t = time.monotonic()
    d.query(f"KILL QUERY {c.id}")
    assert c.error() == 1317
    at_once(t, "KILL QUERY")
    waits(c, "SELECT * FROM k.t", "waiting to enter InnoDB")
    t = time.monotonic()
    d.query(f"KILL {c.id}")
    assert c.error() == 2013
    watch.until_gone(c.id)
    at_once(t, "KILL CONNECTION")
    for s in (a, b):
        watch.kill(s.id)
        assert s.error() == 1317
    watch.query("SET GLOBAL innodb_thread_concurrency = 0")
    end(a, b, c, d)


def test_who_waits_for_a_lock_has_no_ticket():
    """With one ticket: a row's holder can commit and others can work while somebody waits for the row, a table, a name."""
    watch.query("SET GLOBAL innodb_thread_concurrency = 1")
    holder, waiter, other = sessions(3)
    holder.query("BEGIN")
    holder.query("UPDATE k.t SET v = v + 1 WHERE id = 1")
    waits(waiter, "UPDATE k.t SET v = v + 1 WHERE id = 1", "Waiting for row lock")
    assert other.query("SELECT COUNT(*) FROM k.t") == [(b"2",)]
    holder.query("UPDATE k.t SET v = v + 1 WHERE id = 2")
    holder.query("COMMIT")
    assert waiter.result() == 1
    holder.query("DO GET_LOCK('n', 0)")
    waits(waiter, "SELECT GET_LOCK('n', 100) FROM k.t WHERE id = 1", "User lock")
    assert other.query("SELECT COUNT(*) FROM k.t") == [(b"2",)]
    holder.query("DO RELEASE_LOCK('n')")
    assert waiter.result() == [(b"1",)]
    waiter.query("DO RELEASE_ALL_LOCKS()")
    watch.query("UPDATE k.t SET v = 0")
    watch.query("SET GLOBAL innodb_thread_concurrency = 0")
    end(holder, waiter, other)


def test_killed_while_coming_back_from_a_lock():
    """The lock is granted while somebody else has the ticket: the waiter queues for it, and is killed there. A user lock it got is free."""
    for how in ("QUERY", "CONNECTION"):
        watch.query("SET GLOBAL innodb_thread_concurrency = 1")
        holder, victim, busy, other = sessions(4)
        holder.query("DO GET_LOCK('n', 0)")
        waits(victim, "SELECT GET_LOCK('n', 100) FROM k.t WHERE id = 1", "User lock")
        busy.send("SELECT SLEEP(100) FROM k.u")
        watch.until_state(busy.id, "User sleep")
        holder.query("DO RELEASE_LOCK('n')")
        watch.until_state(victim.id, "waiting to enter InnoDB")
        watch.kill(victim.id, how)
        assert victim.error() == (1317 if how == "QUERY" else 2013)
        assert other.query("SELECT GET_LOCK('n', 20)") == [(b"1",)]
        watch.kill(busy.id)
        assert busy.error() == 1317
        watch.query("SET GLOBAL innodb_thread_concurrency = 0")
        assert watch.query("SELECT COUNT(*) FROM k.t") == [(b"2",)]
        end(holder, victim, busy, other)


def test_zz_end():
    watch.close()
    assert server.stop() == 0, server.log_text()[-6000:]


if __name__ == "__main__":
    main(globals())
