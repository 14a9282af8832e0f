# SPDX-License-Identifier: Apache-2.0
"""Statements that answer a KILL QUERY or a time limit with a result of their own (KILL.md section 3): CHECK, ANALYZE, OPTIMIZE, REPAIR TABLE
say in their rows what became of each table, EXPLAIN ANALYZE shows the plan with the counts so far. Killed at each of their checkpoints: the
answer is whole, in the rows' words or the error's; the session goes on; the tables are as they were and usable."""
import os
import re

import quell
from harness import main
from sweep import checkpoints, points
from wire import Closed, Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "24"))
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)

ROWS = 400
KILLED = {"QUERY": "Query execution was interrupted", "TIME": "Query execution was interrupted, maximum statement execution time exceeded"}
CODES = {"QUERY": 1317, "TIME": 3024}
TABLES = ("s.i", "s.m")


def text(rows):
    return [tuple(c.decode() if c is not None else None for c in r) for r in rows]


def run(w, sql, arm=None):
    """("rows", rows) or ("error", number); 2013 when the connection ended."""
    if arm:
        w.query(f"SET DEBUG_SYNC = '{arm}'")
    try:
        got = w.query(sql)
        return "rows", text(got) if isinstance(got, list) else got
    except Err as e:
        return "error", e.code
    except (Closed, ConnectionResetError, BrokenPipeError):
        return "error", 2013


def sums():
    return watch.query("CHECKSUM TABLE s.i, s.m")


def tables_are_whole():
    got = text(watch.query("CHECK TABLE s.i, s.m"))
    assert [r[2:] for r in got] == [("status", "OK")] * 2, got


def arenas():
    return int(watch.status("Quell_arenas_live")["Quell_arenas_live"])


def test_setup():
    watch.query("CREATE DATABASE s")
    for name, engine in (("i", "InnoDB"), ("m", "MyISAM")):
        watch.query(f"CREATE TABLE s.{name} (id INT PRIMARY KEY, g INT, v VARCHAR(40), KEY (g), UNIQUE KEY (v)) ENGINE={engine}")
        watch.query(f"INSERT INTO s.{name} VALUES " + ",".join(f"({i}, {i % 7}, 'value {i}')" for i in range(ROWS)))
    a, b = text(sums())
    assert a[1] == b[1] is not None, "the same rows in both engines"


# ---- maintenance ----

MAINTENANCE = ["CHECK TABLE s.i, s.m", "CHECK TABLE s.m EXTENDED", "ANALYZE TABLE s.i, s.m", "ANALYZE TABLE s.i UPDATE HISTOGRAM ON g WITH 5 BUCKETS",
               "OPTIMIZE TABLE s.i, s.m", "REPAIR TABLE s.i, s.m", "CHECK TABLE s.nope, s.i"]


def by_table(rows):
    found = {}
    for table, op, kind, msg in rows:
        found.setdefault(table, []).append((kind, msg))
    return found


def sweep_maintenance(sql, kind):
    w = Wire(server)
    before = sums()
    how, full = run(w, sql)
    assert how == "rows", (sql, full)
    full = by_table(full)
    answered = 0
    n = checkpoints(w)
    for i in points(n, MOST):
        what = f"{sql}, killed at {i} of {n}"
        how, got = run(w, sql, f"kill_at {i} {kind}")
        if how == "error":
            assert got == CODES[kind], (what, got)
        else:
            got = by_table(got)
            assert list(got) == list(full), (what, got)
            failed = [t for t in got if got[t][-2:] == [("error", KILLED[kind]), ("status", "Operation failed")]]
            assert failed == list(got)[len(got) - len(failed):], f"{what}: those behind a killed one are not worked on: {got}"
            for t in got:
                assert t in failed or got[t] == full[t], (what, t, got[t])
            answered += bool(failed)
        assert w.value("SELECT 'next'") == "next", what
    assert answered > 0, f"{sql}: no kill at any of {n} points was answered in rows"
    assert sums() == before
    tables_are_whole()
    w.quit()


def test_maintenance_kill_query():
    for sql in MAINTENANCE:
        sweep_maintenance(sql, "QUERY")


def test_maintenance_time_limit():
    for sql in MAINTENANCE:
        sweep_maintenance(sql, "TIME")


def test_kill_connection_cuts():
    watch.query("ANALYZE TABLE s.i, s.m")  # what is kept of a table is an arena
    before = arenas()
    for sql in [*MAINTENANCE, *ANALYZED, "CHECKSUM TABLE s.i, s.m"]:
        w = Wire(server)
        for _ in range(2):  # the first one may have to collect statistics
            assert run(w, sql)[0] == "rows", sql
        n = checkpoints(w)
        w.quit()
        for i in list(points(n, MOST))[::4]:
            w = Wire(server)
            how, code = run(w, sql, f"kill_at {i} CONNECTION")
            if how == "rows" and i == n:  # its last checkpoint came one earlier than in the run before
                w.quit()
                continue
            assert code in (1317, 2013), f"{sql} at {i} of {n}"
            assert w.at_end(), sql
            w.close()
    watch.until_calm()
    quell.until(lambda: arenas() <= before, what="arenas freed")
    tables_are_whole()


def test_failing_allocations():
    w = Wire(server)
    for sql in [*MAINTENANCE, *ANALYZED, "CHECKSUM TABLE s.i, s.m", *EXPLAINED]:
        assert run(w, sql)[0] == "rows", sql
        n = int(w.query("SHOW STATUS LIKE 'Quell_last_allocs'")[0][1])
        failed = 0
        for i in points(n, MOST):
            how, got = run(w, sql, f"fail_alloc_at {i}")
            assert how == "rows" or got in (1037, 1041), f"{sql} at {i} of {n}: {got}"
            failed += how == "error"
            assert w.value("SELECT 'next'") == "next"
        assert failed > 0, sql
    w.quit()
    tables_are_whole()


def test_checksum_is_an_error():
    """Its rows have no room for words."""
    w = Wire(server)
    how, full = run(w, "CHECKSUM TABLE s.i, s.m")
    n = checkpoints(w)
    failed = 0
    for i in points(n, MOST):
        how, got = run(w, "CHECKSUM TABLE s.i, s.m", f"kill_at {i} QUERY")
        assert (how, got) in (("rows", full), ("error", 1317)), (i, n, how, got)
        failed += how == "error"
        assert w.value("SELECT 'next'") == "next"
    assert failed > 0
    w.quit()


def test_states():
    """Each is seen, and killed in it."""
    watch.query("CREATE TABLE s.big (id INT PRIMARY KEY, g INT, v VARCHAR(40), KEY (g))")
    watch.query("INSERT INTO s.big VALUES " + ",".join(f"({i}, {i}, 'value {i}')" for i in range(20_000)))
    watch.query("CREATE TABLE s.mbig (id INT PRIMARY KEY, g INT, v VARCHAR(40), KEY (g)) ENGINE=MyISAM")
    watch.query("INSERT INTO s.mbig SELECT * FROM s.big")
    for sql, state in (("CHECK TABLE s.big", "Checking table"), ("ANALYZE TABLE s.big", "Analyzing"), ("OPTIMIZE TABLE s.big", "copy to tmp table"),
                       ("REPAIR TABLE s.mbig", "Repair by sorting")):
        table = sql.split()[2]
        w = Wire(server)
        for _ in range(200):
            w.send(sql)
            seen = watch.state(w.id)
            while seen[0] == "Query" and seen[1] != state:
                seen = watch.state(w.id)
            watch.kill(w.id)
            try:
                got = text(w.result())
            except Err as e:
                assert e.code == 1317
                got = []
            if seen[1] == state and got[-2:] == [(table, sql.split()[0].lower(), "error", KILLED["QUERY"]),
                                                 (table, sql.split()[0].lower(), "status", "Operation failed")]:
                break
        else:
            raise AssertionError(f"{sql} was never killed in State {state!r}")
        w.quit()
    for table in ("s.big", "s.mbig"):
        assert watch.value(f"SELECT COUNT(*) FROM {table} WHERE g >= 0") == "20000"
    assert text(watch.query("CHECK TABLE s.big, s.mbig")) == [("s.big", "check", "status", "OK"), ("s.mbig", "check", "status", "OK")]
    watch.query("DROP TABLE s.big, s.mbig")


def test_waiting_for_a_lock():
    """Somebody has the table: the answer is in rows, too, and whoever queued behind goes on."""
    holder, w = Wire(server), Wire(server)
    for sql, table, state in (("CHECK TABLE s.i", "s.i", "Waiting for table metadata lock"), ("ANALYZE TABLE s.m, s.i", "s.m", "Waiting for table metadata lock")):
        holder.query(f"LOCK TABLES {table} WRITE")
        w.send(sql)
        watch.until_state(w.id, state)
        watch.kill(w.id)
        got = text(w.result())
        op = sql.split()[0].lower()
        assert got[:2] == [(table, op, "error", KILLED["QUERY"]), (table, op, "status", "Operation failed")], got
        assert w.value("SELECT 'next'") == "next"
        holder.query("UNLOCK TABLES")
    holder.quit()
    w.quit()
    tables_are_whole()


def test_others_beside_optimize():
    """They read and write it meanwhile, and what they write is there whether it is killed or not; of MyISAM they read. Behind a transaction
    that does not end it waits killably, too."""
    w, other, writer = Wire(server), Wire(server), Wire(server)
    for killed in (True, False):
        w.query("SET DEBUG_SYNC = 'alter_before_switch SIGNAL copied WAIT_FOR on'")
        w.send("OPTIMIZE TABLE s.i")
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR copied'")
        assert other.value("SELECT COUNT(*) FROM s.i") == str(ROWS)
        writer.query("UPDATE s.i SET g = 100 WHERE id = 5")
        writer.query("DELETE FROM s.i WHERE id = 6")
        writer.query("UPDATE s.i SET g = 101, v = 'seven' WHERE id = 7")
        if killed:
            watch.kill(w.id)
        else:
            watch.query("SET DEBUG_SYNC = 'now SIGNAL on'")
        assert text(w.result())[-1] == ("s.i", "optimize", "status", "Operation failed" if killed else "OK")
        assert other.query("SELECT id, g FROM s.i WHERE id IN (5, 6, 7) ORDER BY id") == [(b"5", b"100"), (b"7", b"101")], killed
        assert text(other.query("CHECK TABLE s.i"))[-1][3] == "OK"
        writer.query("REPLACE INTO s.i VALUES " + ",".join(f"({i}, {i % 7}, 'value {i}')" for i in (5, 6, 7)))
    w.query("SET DEBUG_SYNC = 'alter_before_switch SIGNAL copied WAIT_FOR on'")
    w.send("OPTIMIZE TABLE s.m")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR copied'")
    assert other.value("SELECT COUNT(*) FROM s.m") == str(ROWS)
    writer.send("UPDATE s.m SET g = 100 WHERE id = 5")
    watch.until_state(writer.id, "Waiting for table metadata lock")
    watch.kill(w.id)
    assert text(w.result())[-1] == ("s.m", "optimize", "status", "Operation failed")
    assert writer.error() == 0, "it goes on at once"
    writer.query("UPDATE s.m SET g = 5 WHERE id = 5")
    writer.quit()
    other.query("BEGIN")
    other.query("UPDATE s.i SET g = 5 WHERE id = 5")
    w.send("OPTIMIZE TABLE s.i, s.m")
    watch.until_state(w.id, "Waiting for table metadata lock")
    watch.kill(w.id)
    got = text(w.result())
    assert got == [(t, "optimize", k, m) for t in TABLES for k, m in (("error", KILLED["QUERY"]), ("status", "Operation failed"))], got
    assert other.value("SELECT COUNT(*) FROM s.i WHERE id = 5") == "1"
    other.query("COMMIT")
    w.query("SET lock_wait_timeout = 1")
    other.query("BEGIN")
    other.query("UPDATE s.i SET g = 6 WHERE id = 5")
    assert text(w.query("OPTIMIZE TABLE s.i"))[0][2:] == ("Error", "Lock wait timeout exceeded; try restarting transaction")
    other.query("ROLLBACK")
    assert text(w.query("OPTIMIZE TABLE s.i"))[-1] == ("s.i", "optimize", "status", "OK")
    other.quit()
    w.quit()


def test_blocks():
    """In the middle of a table, at each block."""
    w = Wire(server)
    for table in TABLES:
        for nth in (1, 2, 5):
            w.query(f"SET DEBUG_SYNC = 'check_block SIGNAL there WAIT_FOR never EXECUTE {nth}'")
            w.send(f"CHECK TABLE {table}")
            watch.query("SET DEBUG_SYNC = 'now WAIT_FOR there'")
            watch.kill(w.id)
            assert text(w.result())[-1] == (table, "check", "status", "Operation failed")
            w.query("SET DEBUG_SYNC = 'RESET'")
    w.quit()


# ---- EXPLAIN ANALYZE ----

ANALYZED = ["EXPLAIN ANALYZE SELECT * FROM s.i WHERE v LIKE '%9'",
            "EXPLAIN ANALYZE SELECT i.g, COUNT(*) FROM s.i JOIN s.m ON m.g = i.g WHERE i.id < 60 GROUP BY i.g ORDER BY 2 LIMIT 3",
            "EXPLAIN ANALYZE SELECT id, (SELECT MAX(m.v) FROM s.m WHERE m.id <= i.id) FROM s.i WHERE id < 40 AND g IN (SELECT g FROM s.m)",
            "EXPLAIN ANALYZE SELECT id FROM s.i FOR UPDATE"]
EXPLAINED = [f"EXPLAIN FORMAT={f} {sql[16:]}" for sql in ANALYZED for f in ("TRADITIONAL", "TREE", "JSON")]
COUNTS = re.compile(r" \((actual time=\S+ rows=\S+ loops=\d+|never executed)\)")


def shape(tree):
    return COUNTS.sub("", tree)


def sweep_analyze(sql, kind):
    w = Wire(server)
    plan = w.value(sql)
    n = checkpoints(w)
    answered = 0
    for i in points(n, MOST):
        what = f"{sql}, killed at {i} of {n}"
        how, got = run(w, sql, f"kill_at {i} {kind}")
        if how == "error":
            assert got == CODES[kind], (what, got)
        else:
            warnings = text(w.query("SHOW WARNINGS"))
            assert warnings in ([], [("Warning", str(CODES[kind]), KILLED[kind])]), (what, warnings)
            assert shape(got[0][0]) == shape(plan), f"{what}:\n{got[0][0]}\n{plan}"
            assert len(COUNTS.findall(got[0][0])) == len(COUNTS.findall(plan)), what
            answered += bool(warnings)
        assert w.value("SELECT 'next'") == "next", what
    assert answered > 0, f"{sql}: no kill at any of {n} points was answered with the plan"
    w.quit()


def test_analyze_kill_query():
    for sql in ANALYZED:
        sweep_analyze(sql, "QUERY")


def test_analyze_time_limit():
    for sql in ANALYZED:
        sweep_analyze(sql, "TIME")


def test_analyze_says_how_far_it_came():
    w = Wire(server)
    # The rows before the one that sleeps have passed; what comes behind has not been begun.
    w.send("EXPLAIN ANALYZE SELECT id, (SELECT COUNT(*) FROM s.m WHERE m.id < i.id) FROM s.i WHERE IF(id < 7, 1, SLEEP(1000))")
    watch.until_state(w.id, "User sleep")
    watch.kill(w.id)
    tree = text(w.result())[0][0].splitlines()
    assert re.search(r"-> Filter: .*rows=0 loops=1\)$", tree[0]), tree
    assert re.search(r"-> (Table scan on i|Covering index scan on i using v) .*rows=[1-9]\d* loops=1\)$", tree[1]), tree
    assert all(line.endswith("(never executed)") for line in tree[2:] if "Select #" not in line) and len(tree) > 3, tree
    assert text(w.query("SHOW WARNINGS")) == [("Warning", "1317", KILLED["QUERY"])]
    # The time of what was stopped is that until it was stopped.
    took = float(re.search(r"actual time=\S+?\.\.(\S+) rows", tree[0])[1])
    assert took > 0, tree
    # max_execution_time is for EXPLAIN ANALYZE as for the SELECT, by hint too.
    for how in ("SET max_execution_time = 20", None):
        if how:
            w.query(how)
        hint = "" if how else "/*+ MAX_EXECUTION_TIME(20) */ "
        got = w.value(f"EXPLAIN ANALYZE SELECT {hint}SLEEP(1000) FROM s.i")
        assert "-> Covering index scan on i" in got or "-> Table scan on i" in got, got
        assert text(w.query("SHOW WARNINGS"))[0][1] == "3024"
        w.query("SET max_execution_time = 0")
    w.quit()


def test_analyze_waiting():
    """For a row lock, a user lock, a table lock: woken, answered; what it got meanwhile is given back or stays, as of a killed SELECT."""
    holder, w = Wire(server), Wire(server)
    holder.query("BEGIN")
    holder.query("UPDATE s.i SET g = g WHERE id = 5")
    w.send("EXPLAIN ANALYZE SELECT * FROM s.i WHERE id = 5 FOR UPDATE")
    watch.until_state(w.id, "Waiting for row lock")
    watch.kill(w.id)
    assert "loops=1" in text(w.result())[0][0]
    holder.query("ROLLBACK")
    holder.query("DO GET_LOCK('x', 0)")
    w.send("EXPLAIN ANALYZE SELECT GET_LOCK('mine', 0), GET_LOCK('x', 1000)")
    watch.until_state(w.id, "User lock")
    watch.kill(w.id)
    w.result()
    assert text(w.query("SHOW WARNINGS"))[0][1] == "1317"
    assert holder.value("SELECT IS_FREE_LOCK('mine')") == "1", "a killed statement keeps no user lock"
    holder.query("DO RELEASE_LOCK('x')")
    holder.query("LOCK TABLES s.m WRITE")
    w.send("EXPLAIN ANALYZE SELECT COUNT(*) FROM s.m")
    watch.until_state(w.id, "Waiting for table metadata lock")
    watch.kill(w.id)
    assert w.error() == 1317, "there is no plan yet"
    holder.query("UNLOCK TABLES")
    holder.quit()
    w.quit()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
