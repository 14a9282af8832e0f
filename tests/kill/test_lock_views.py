# SPDX-License-Identifier: Apache-2.0
"""Who blocks whom, seen through every view that MySQL 8.4 has for it: INNODB_TRX, data_locks, data_lock_waits, metadata_locks, sys.innodb_lock_waits,
sys.schema_table_lock_waits, PROCESSLIST.WAITS_FOR, SHOW ENGINE INNODB STATUS; and that executing the text of sql_kill_blocking_connection sets the
waiter free. Column names, modes and words are those of the MySQL 8.4 manual (sections on the Performance Schema lock tables, INNODB_TRX, sys)."""
import contextlib
import re

import quell
from harness import main
from wire import Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE v")
watch.query("CREATE TABLE v.t (id INT PRIMARY KEY, n INT, KEY n (n))")
watch.query("INSERT INTO v.t VALUES (1, 10), (5, 50), (10, 100)")
watch.query("CREATE TABLE v.names (name VARCHAR(20) PRIMARY KEY, born DATE, KEY born (born))")
watch.query("INSERT INTO v.names VALUES ('Ada', '1815-12-10'), ('O''Neill', NULL)")
watch.query("CREATE TABLE v.keyless (a INT)")
watch.query("INSERT INTO v.keyless VALUES (1)")


def rows(sql, w=watch):
    return [tuple(None if c is None else c.decode() for c in r) for r in w.query(sql)]


def one(sql, w=watch):
    got = rows(sql, w)
    assert len(got) == 1, (sql, got)
    return got[0]


@contextlib.contextmanager
def sessions(n):
    w = [Wire(server) for _ in range(n)]
    try:
        yield w
    finally:
        for x in w:
            x.close()
        for x in w:
            watch.until_gone(x.id)


def waits(w, sql, state):
    w.send(sql)
    watch.until_state(w.id, state)


ROW = "Waiting for row lock"
LOCKS = ("SELECT LOCK_TYPE, LOCK_MODE, LOCK_STATUS, INDEX_NAME, LOCK_DATA FROM performance_schema.data_locks WHERE THREAD_ID = {} "
         "AND OBJECT_NAME = '{}' ORDER BY LOCK_TYPE DESC, INDEX_NAME, LOCK_STATUS, LOCK_DATA")


def locks(w, table="t"):
    return rows(LOCKS.format(w.id, table))


def status_text():
    return one("SHOW ENGINE INNODB STATUS")[2]


# ---- row locks ----

def test_update_waits_for_update():
    with sessions(2) as (a, b):
        a.query("BEGIN")
        a.query("UPDATE v.t SET n = n WHERE id = 1")
        a.query("UPDATE v.t SET n = n + 1 WHERE id = 5")
        b.query("BEGIN")
        waits(b, "UPDATE v.t SET n = 0 WHERE id = 5", ROW)

        trx = {r[0]: r[1:] for r in rows("SELECT trx_mysql_thread_id, trx_state, trx_requested_lock_id, trx_wait_started IS NULL, trx_query, trx_isolation_level, "
                                         "trx_rows_modified, trx_is_read_only, trx_autocommit_non_locking FROM information_schema.INNODB_TRX")}
        assert set(trx) == {str(a.id), str(b.id)}, trx
        assert trx[str(a.id)] == ("RUNNING", None, "1", None, "REPEATABLE READ", "1", "0", "0"), trx
        assert trx[str(b.id)][0] == "LOCK WAIT" and trx[str(b.id)][2:] == ("0", "UPDATE v.t SET n = 0 WHERE id = 5", "REPEATABLE READ", "0", "0", "0"), trx

        assert ("TABLE", "IX", "GRANTED", None, None) in locks(a) and ("RECORD", "X,REC_NOT_GAP", "GRANTED", "PRIMARY", "5") in locks(a), locks(a)
        assert ("RECORD", "X,REC_NOT_GAP", "WAITING", "PRIMARY", "5") in locks(b), locks(b)
        requested = one(f"SELECT ENGINE_LOCK_ID, ENGINE, OBJECT_SCHEMA, OBJECT_NAME FROM performance_schema.data_locks WHERE THREAD_ID = {b.id} AND LOCK_STATUS = 'WAITING'")
        assert requested == (trx[str(b.id)][1], "INNODB", "v", "t"), requested

        # The manual's own query for INNODB_TRX and data_lock_waits.
        who = rows("SELECT r.trx_mysql_thread_id, r.trx_query, b.trx_mysql_thread_id, b.trx_query FROM performance_schema.data_lock_waits w "
                   "INNER JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_engine_transaction_id "
                   "INNER JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_engine_transaction_id")
        assert who == [(str(b.id), "UPDATE v.t SET n = 0 WHERE id = 5", str(a.id), None)], who
        edge = one("SELECT REQUESTING_THREAD_ID, BLOCKING_THREAD_ID, q.LOCK_STATUS, h.LOCK_STATUS, h.LOCK_DATA FROM performance_schema.data_lock_waits w "
                   "JOIN performance_schema.data_locks q ON q.ENGINE_LOCK_ID = w.REQUESTING_ENGINE_LOCK_ID "
                   "JOIN performance_schema.data_locks h ON h.ENGINE_LOCK_ID = w.BLOCKING_ENGINE_LOCK_ID")
        assert edge == (str(b.id), str(a.id), "WAITING", "GRANTED", "5"), edge
        assert one(f"SELECT PROCESSLIST_ID, PROCESSLIST_STATE FROM performance_schema.threads WHERE THREAD_ID = {b.id}") == (str(b.id), ROW)
        assert one(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {b.id}") == (str(a.id),)

        text = status_text()
        for part in (f"MySQL thread id {b.id}, query id", "LOCK WAIT ", "TRX HAS BEEN WAITING", "RECORD LOCKS index PRIMARY of table `v`.`t` trx id",
                     "lock_mode X locks rec but not gap waiting", "UPDATE v.t SET n = 0 WHERE id = 5", f"MySQL thread id {a.id}\n"):
            assert part in text, (part, text)

        s = one("SELECT locked_table, locked_table_schema, locked_table_name, locked_index, locked_type, waiting_pid, waiting_query, waiting_lock_mode, blocking_pid, "
                "blocking_query, blocking_lock_mode, blocking_trx_rows_modified, sql_kill_blocking_query, sql_kill_blocking_connection FROM sys.innodb_lock_waits")
        assert s == ("`v`.`t`", "v", "t", "PRIMARY", "RECORD", str(b.id), "UPDATE v.t SET n = 0 WHERE id = 5", "X,REC_NOT_GAP", str(a.id), None, "X,REC_NOT_GAP", "1",
                     f"KILL QUERY {a.id}", f"KILL {a.id}"), s
        # The blocker is idle: ending its statement ends nothing, as in MySQL; ending its connection does.
        assert watch.query(s[12]) == 0
        assert rows("SELECT COUNT(*) FROM sys.innodb_lock_waits") == [("1",)]
        assert watch.query(s[13]) == 0
        assert b.result() == 1
        assert rows("SELECT * FROM sys.innodb_lock_waits") == []
        assert rows("SELECT * FROM performance_schema.data_lock_waits") == []
        assert [r[0] for r in rows("SELECT trx_state FROM information_schema.INNODB_TRX")] == ["RUNNING"]


def test_busy_blocker_is_ended_by_its_query():
    with sessions(2) as (a, b):
        a.query("BEGIN")
        waits(a, "UPDATE v.t SET n = n + SLEEP(1000) WHERE id = 5", "User sleep")
        waits(b, "DELETE FROM v.t WHERE id = 5", ROW)
        s = one("SELECT blocking_pid, blocking_query, sql_kill_blocking_query, sql_kill_blocking_connection FROM sys.innodb_lock_waits")
        assert s == (str(a.id), "UPDATE v.t SET n = n + SLEEP(1000) WHERE id = 5", f"KILL QUERY {a.id}", f"KILL {a.id}"), s
        watch.query(s[2])
        assert a.error() == 1317
        # Its transaction keeps the lock; that is InnoDB's rule too.
        assert one("SELECT blocking_pid, blocking_query FROM sys.innodb_lock_waits") == (str(a.id), None)
        watch.query(s[3])
        assert b.result() == 1
    watch.query("INSERT INTO v.t VALUES (5, 50)")


def test_status_counts_waits():
    def now():
        return {k.rpartition("_lock_")[2]: int(v) for k, v in watch.status("Innodb_row_lock%").items()}

    before = now()
    assert set(before) == {"current_waits", "time", "time_avg", "time_max", "waits"} and before["current_waits"] == 0, before
    with sessions(2) as (a, b):
        a.query("BEGIN")
        a.query("SELECT * FROM v.t WHERE id = 1 FOR UPDATE")
        waits(b, "SELECT * FROM v.t WHERE id = 1 FOR SHARE", ROW)
        assert (now()["current_waits"], now()["waits"]) == (1, before["waits"] + 1)
        quell.until(lambda: int(one("SELECT wait_age_secs FROM sys.innodb_lock_waits")[0]) >= 1, what="a second of waiting")
        a.query("ROLLBACK")
        b.result()
        after = now()
        assert after["current_waits"] == 0 and after["time"] >= before["time"] + 1000 and after["time_max"] >= 1000 and 0 < after["time_avg"] <= after["time_max"], after


def test_chain():
    """A holds, B waits for A holding another row, C waits for B: the one to end is the one that waits for nobody."""
    with sessions(3) as (a, b, c):
        for w, row in ((a, 1), (b, 5)):
            w.query("BEGIN")
            w.query(f"UPDATE v.t SET n = n + 1 WHERE id = {row}")
        waits(b, "UPDATE v.t SET n = n + 1 WHERE id = 1", ROW)
        waits(c, "UPDATE v.t SET n = n + 1 WHERE id = 5", ROW)
        assert sorted(rows("SELECT waiting_pid, blocking_pid FROM sys.innodb_lock_waits")) == sorted([(str(b.id), str(a.id)), (str(c.id), str(b.id))])
        root = one("SELECT blocking_pid, sql_kill_blocking_connection FROM sys.innodb_lock_waits WHERE blocking_pid NOT IN (SELECT waiting_pid FROM sys.innodb_lock_waits)")
        assert root == (str(a.id), f"KILL {a.id}"), root
        watch.query(root[1])
        assert b.result() == 1
        assert one("SELECT waiting_pid, blocking_pid FROM sys.innodb_lock_waits") == (str(c.id), str(b.id))
        watch.query(one("SELECT sql_kill_blocking_connection FROM sys.innodb_lock_waits")[0])
        assert c.result() == 1


def test_all_holders_of_a_shared_lock():
    """Each of them is in the way, and who queues behind the one that waits has both to wait for; as in MySQL, data_lock_waits has an edge for each."""
    with sessions(4) as (a, b, c, d):
        for w in (a, b):
            w.query("BEGIN")
            w.query("SELECT * FROM v.t WHERE id = 5 FOR SHARE")
        waits(c, "UPDATE v.t SET n = 0 WHERE id = 5", ROW)
        waits(d, "SELECT * FROM v.t WHERE id = 5 FOR UPDATE", ROW)
        edges = sorted((int(x), int(y)) for x, y in rows("SELECT REQUESTING_THREAD_ID, BLOCKING_THREAD_ID FROM performance_schema.data_lock_waits"))
        assert edges == [(c.id, a.id), (c.id, b.id), (d.id, a.id), (d.id, b.id), (d.id, c.id)], edges
        assert sorted((int(x), int(y)) for x, y in rows("SELECT waiting_pid, blocking_pid FROM sys.innodb_lock_waits")) == edges
        text = status_text()
        assert f"MySQL thread id {c.id}, which waits in front of it" in text, text
        # All roots have to go.
        for (kill,) in rows(f"SELECT sql_kill_blocking_connection FROM sys.innodb_lock_waits WHERE waiting_pid = {c.id}"):
            watch.query(kill)
        assert c.result() == 1
        assert len(d.result()) == 1
    watch.query("UPDATE v.t SET n = 50 WHERE id = 5")


def test_range_waits():
    """A scan waits for the rows of others inside its stretch, an insert for the scans and gaps around it."""
    with sessions(4) as (a, b, c, d):
        a.query("BEGIN")
        a.query("UPDATE v.t SET n = n + 1 WHERE id = 1")
        b.query("BEGIN")
        b.query("UPDATE v.t SET n = n + 1 WHERE id = 10")
        waits(c, "SELECT * FROM v.t FORCE INDEX (PRIMARY) WHERE id >= 1 FOR UPDATE", ROW)
        got = {(int(pid), mode) for pid, mode in rows("SELECT blocking_pid, waiting_lock_mode FROM sys.innodb_lock_waits")}
        assert got and got <= {(a.id, "X"), (b.id, "X")}, got  # it asks for a block of rows at once: one or both
        watch.kill(c.id)
        assert c.error() == 1317
        for w in (a, b):
            w.query("ROLLBACK")
        for w in (a, b):
            w.query("BEGIN")
            w.query("SELECT * FROM v.t FORCE INDEX (PRIMARY) WHERE id > 5 FOR SHARE")
        waits(d, "INSERT INTO v.t VALUES (7, 70)", ROW)
        assert sorted(rows("SELECT blocking_pid, blocking_lock_mode FROM sys.innodb_lock_waits")) == sorted([(str(a.id), "S"), (str(b.id), "S")])
        watch.kill(d.id)
        assert d.error() == 1317


def test_long_statement_is_cut_in_the_middle():
    """sys.format_statement: 64 characters; x$ has all of it."""
    with sessions(2) as (a, b):
        a.query("BEGIN")
        a.query("UPDATE v.t SET n = n + 1 WHERE id = 5")
        sql = "UPDATE v.t SET n = 0\nWHERE id = 5 AND n <> " + "1" * 60
        waits(b, sql, ROW)
        line = sql.replace("\n", " ")
        assert one("SELECT waiting_query FROM sys.innodb_lock_waits") == (line[:30] + " ... " + line[-30:],)
        assert one("SELECT waiting_query FROM sys.x$innodb_lock_waits") == (sql,)
        assert one("SELECT trx_query FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") == (sql,)
        watch.kill(b.id)
        assert b.error() == 1317


def test_modes():
    with sessions(1) as (a,):
        for sql, table, want in (
                ("SELECT * FROM v.t WHERE id = 5 FOR UPDATE", "t", [("TABLE", "IX", "GRANTED", None, None), ("RECORD", "X,REC_NOT_GAP", "GRANTED", "PRIMARY", "5")]),
                ("SELECT * FROM v.t WHERE id = 5 FOR SHARE", "t", [("TABLE", "IS", "GRANTED", None, None), ("RECORD", "S,REC_NOT_GAP", "GRANTED", "PRIMARY", "5")]),
                ("SELECT * FROM v.names WHERE name = 'ada' FOR SHARE", "names",
                 [("TABLE", "IS", "GRANTED", None, None), ("RECORD", "S,REC_NOT_GAP", "GRANTED", "PRIMARY", "'Ada'")]),
                ("SELECT * FROM v.names WHERE name = 'O''Neill' FOR UPDATE", "names",
                 [("TABLE", "IX", "GRANTED", None, None), ("RECORD", "X,REC_NOT_GAP", "GRANTED", "PRIMARY", "'O''Neill'")]),
                ("SELECT * FROM v.t WHERE id = 7 FOR UPDATE", "t", [("TABLE", "IX", "GRANTED", None, None), ("RECORD", "X,GAP", "GRANTED", "PRIMARY", "7")])):
            a.query("BEGIN")
            a.query(sql)
            assert locks(a, table) == want, (sql, locks(a, table))
            a.query("ROLLBACK")
            assert locks(a, table) == []


def test_ranges():
    """The stretch that was searched, up to the last row seen; the rest of it, without rows, is a gap."""
    with sessions(1) as (a,):
        for sql, want in (("id BETWEEN 2 AND 5", [("X", "[2, 5]")]), ("id > 5", [("X", "[6, 10]"), ("X,GAP", "(10, supremum)")]),
                          ("id < 5", [("X", "(infimum, 1]"), ("X,GAP", "(1, 5)")]), ("id >= 5", [("X", "[5, 10]"), ("X,GAP", "(10, supremum)")])):
            a.query("BEGIN")
            a.query(f"SELECT * FROM v.t FORCE INDEX (PRIMARY) WHERE {sql} FOR UPDATE")
            for mode, data in want:
                assert ("RECORD", mode, "GRANTED", "PRIMARY", data) in locks(a), (sql, locks(a))
            a.query("ROLLBACK")
        a.query("BEGIN")
        a.query("SELECT n FROM v.t FORCE INDEX (n) WHERE n BETWEEN 20 AND 60 FOR SHARE")
        assert any(r[1] == "S" and r[3] == "n" and r[4].startswith("[20, ") for r in locks(a)), locks(a)
        a.query("ROLLBACK")


def test_lock_data_of_types():
    watch.query("CREATE TABLE v.types (d DECIMAL(10,2) PRIMARY KEY, t DATETIME, b VARBINARY(10), n VARCHAR(20), KEY t (t), KEY b (b), KEY nd (n DESC, d))")
    watch.query("INSERT INTO v.types VALUES (1.50, '2024-01-01 10:00:00', x'00ff', 'alpha'), (-2.25, '2024-06-01 00:00:00', x'ff', 'Beta'), (10, NULL, NULL, NULL)")
    with sessions(1) as (a,):
        for index, where, mode, data in (
                ("PRIMARY", "d BETWEEN -3 AND 2", "X", "[-3.00, 1.50]"), ("PRIMARY", "d > 1.5", "X", "(1.50, 10.00]"), ("PRIMARY", "d > 1.5", "X,GAP", "(10.00, supremum)"),
                ("t", "t > '2024-03-01'", "X", "('2024-03-01 00:00:00', ('2024-06-01 00:00:00', -2.25)]"),
                ("t", "t <= '2024-03-01'", "X", "(NULL, ('2024-01-01 10:00:00', 1.50)]"), ("t", "t IS NULL", "X", "[NULL, (NULL, 10.00)]"),
                ("b", "b >= 'a'", "X", "[0x61, (0xff, -2.25)]"), ("PRIMARY", "d = 10", "X,REC_NOT_GAP", "10.00")):
            a.query("BEGIN")
            a.query(f"SELECT COUNT(*) FROM v.types FORCE INDEX ({index}) WHERE {where} FOR UPDATE")
            assert ("RECORD", mode, "GRANTED", index, data) in locks(a, "types"), (where, locks(a, "types"))
            a.query("ROLLBACK")
        # A descending key with a column of the primary key in it, which is shown once.
        a.query("BEGIN")
        a.query("DELETE FROM v.types WHERE d = 1.5")
        assert ("RECORD", "X,REC_NOT_GAP", "GRANTED", "nd", "'alpha', 1.50") in locks(a, "types"), locks(a, "types")


def test_insert_waits_for_gap():
    with sessions(2) as (a, b):
        a.query("BEGIN")
        a.query("SELECT * FROM v.t WHERE id = 7 FOR UPDATE")
        waits(b, "INSERT INTO v.t VALUES (7, 70)", ROW)
        assert ("RECORD", "X,GAP,INSERT_INTENTION", "WAITING", "PRIMARY", "7") in locks(b), locks(b)
        assert one("SELECT waiting_pid, waiting_lock_mode, blocking_pid, blocking_lock_mode FROM sys.innodb_lock_waits") == (
            str(b.id), "X,GAP,INSERT_INTENTION", str(a.id), "X,GAP")
        watch.query(one("SELECT sql_kill_blocking_connection FROM sys.innodb_lock_waits")[0])
        assert b.result() == 1
        watch.query("DELETE FROM v.t WHERE id = 7")


def test_secondary_and_hidden_keys():
    with sessions(1) as (a,):
        a.query("BEGIN")
        a.query("UPDATE v.names SET born = '1816-01-01' WHERE name = 'Ada'")
        got = locks(a, "names")
        assert ("RECORD", "X,REC_NOT_GAP", "GRANTED", "born", "'1815-12-10', 'Ada'") in got, got
        # The new entry is not committed: of a collated text its key holds weights only.
        assert any(r[3] == "born" and r[4].startswith("'1816-01-01', ") for r in got), got
        a.query("ROLLBACK")
        a.query("BEGIN")
        a.query("UPDATE v.keyless SET a = 2")
        got = locks(a, "keyless")
        assert all(r[3] == "GEN_CLUST_INDEX" for r in got if r[0] == "RECORD") and len(got) > 1, got


def test_deadlock_is_reported():
    with sessions(2) as (a, b):
        for w, row in ((a, 1), (b, 5)):
            w.query("BEGIN")
            w.query(f"UPDATE v.t SET n = n + 1 WHERE id = {row}")
        waits(a, "UPDATE v.t SET n = n + 1 WHERE id = 5", ROW)
        b.send("UPDATE v.t SET n = n + 1 WHERE id = 1")
        got = b.error()
        assert got == 1213, got
        assert a.result() == 1
        text = status_text()
        assert "LATEST DETECTED DEADLOCK" in text, text
        part = text[text.index("LATEST DETECTED DEADLOCK"):text.index("\nTRANSACTIONS\n")]
        for who, key in ((a, 5), (b, 1)):
            assert f"\nMySQL thread id {who.id}, query id " in part, part
            assert f"\nUPDATE v.t SET n = n + 1 WHERE id = {key}\n*** (" in part, part
            assert re.search(rf"RECORD LOCKS index PRIMARY of table `v`.`t` trx id \d+ lock_mode X locks rec but not gap waiting\nKey: {key}\n"
                             rf"In its way: MySQL thread id {(b if who is a else a).id}\n", part), part
        assert re.search(r"\*\*\* WE ROLL BACK TRANSACTION \([12]\)\n", part), part


def test_trx_kinds():
    with sessions(1) as (a,):
        me = f"FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {a.id}"
        a.query("BEGIN")
        assert rows(f"SELECT 1 {me}") == []  # InnoDB begins a transaction with its first access
        a.query("SELECT * FROM v.t")
        assert one(f"SELECT trx_state, trx_rows_locked, trx_rows_modified, trx_is_read_only, trx_autocommit_non_locking, trx_isolation_level, "
                   f"trx_requested_lock_id, trx_wait_started, trx_query, trx_tables_in_use {me}") == ("RUNNING", "0", "0", "0", "0", "REPEATABLE READ", None, None, None, "0")
        a.query("INSERT INTO v.t VALUES (20, 1), (21, 1)")
        assert one(f"SELECT trx_rows_modified, trx_weight >= 2 {me}") == ("2", "1")
        a.query("ROLLBACK")
        assert rows(f"SELECT 1 {me}") == []
        a.query("START TRANSACTION READ ONLY")
        a.query("SELECT * FROM v.t")
        assert one(f"SELECT trx_is_read_only {me}") == ("1",)
        a.query("ROLLBACK")
        a.query("SET SESSION transaction_isolation = 'READ-COMMITTED'")
        waits(a, "SELECT *, SLEEP(1000) FROM v.t", "User sleep")
        assert one(f"SELECT trx_isolation_level, trx_autocommit_non_locking, trx_query, trx_operation_state, trx_tables_in_use, trx_tables_locked {me}") == (
            "READ COMMITTED", "1", "SELECT *, SLEEP(1000) FROM v.t", "User sleep", "1", "0")
        watch.kill(a.id)
        assert a.error() == 1317


# ---- metadata, global and user locks ----

MDL = "Waiting for table metadata lock"


def test_ddl_waits_for_transaction():
    watch.query("CREATE TABLE v.d (id INT PRIMARY KEY)")
    with sessions(3) as (a, b, c):
        a.query("BEGIN")
        a.query("SELECT * FROM v.d")
        waits(b, "DROP TABLE v.d", MDL)
        waits(c, "SELECT * FROM v.d", MDL)
        got = rows("SELECT OWNER_THREAD_ID, LOCK_TYPE, LOCK_DURATION, LOCK_STATUS FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'TABLE' AND OBJECT_SCHEMA = 'v' "
                   "AND OBJECT_NAME = 'd'")
        assert (str(a.id), "SHARED_READ", "TRANSACTION", "GRANTED") in got, got
        assert (str(b.id), "EXCLUSIVE", "TRANSACTION", "PENDING") in got or (str(b.id), "EXCLUSIVE", "STATEMENT", "PENDING") in got, got
        assert (str(c.id), "SHARED_READ", "TRANSACTION", "PENDING") in got, got
        assert one(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {b.id}") == (str(a.id),)
        s = rows("SELECT object_schema, object_name, waiting_pid, waiting_lock_type, waiting_query, blocking_pid, blocking_lock_type, sql_kill_blocking_query, "
                 f"sql_kill_blocking_connection FROM sys.schema_table_lock_waits WHERE waiting_pid = {b.id}")
        assert s == [("v", "d", str(b.id), "EXCLUSIVE", "DROP TABLE v.d", str(a.id), "SHARED_READ", f"KILL QUERY {a.id}", f"KILL {a.id}")], s
        assert one(f"SELECT waiting_account FROM sys.schema_table_lock_waits WHERE waiting_pid = {b.id}") == ("root@localhost",)
        # Nothing that is held is in the way of the last one: it queues behind the DROP.
        assert rows(f"SELECT blocking_pid, blocking_lock_type FROM sys.schema_table_lock_waits WHERE waiting_pid = {c.id}") == [(str(b.id), "EXCLUSIVE")]
        # Not a wait for a row.
        assert rows(f"SELECT trx_state FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {a.id}") == [("RUNNING",)]
        watch.query(s[0][8])
        assert b.result() == 0
        assert c.error() == 1146
        assert rows("SELECT * FROM sys.schema_table_lock_waits") == []


def test_lock_tables():
    with sessions(2) as (a, b):
        a.query("LOCK TABLES v.t WRITE")
        waits(b, "SELECT COUNT(*) FROM v.t", MDL)
        s = one("SELECT waiting_pid, waiting_lock_type, blocking_pid, blocking_lock_type, sql_kill_blocking_connection FROM sys.schema_table_lock_waits")
        assert s == (str(b.id), "SHARED_READ", str(a.id), "SHARED_NO_READ_WRITE", f"KILL {a.id}"), s
        watch.query(s[4])
        assert len(b.result()) == 1


def test_table_level_lock():
    """ENGINE=MyISAM: statements lock the table's rows as a whole."""
    watch.query("CREATE TABLE v.m (id INT PRIMARY KEY, n INT) ENGINE=MyISAM")
    watch.query("INSERT INTO v.m VALUES (1, 1)")
    with sessions(2) as (a, b):
        waits(a, "UPDATE v.m SET n = n + SLEEP(1000)", "User sleep")
        waits(b, "SELECT n FROM v.m", "Waiting for table level lock")
        assert one(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {b.id}") == (str(a.id),)
        s = one("SELECT object_schema, object_name, waiting_pid, blocking_pid, sql_kill_blocking_query FROM sys.schema_table_lock_waits")
        assert s == ("v", "m", str(b.id), str(a.id), f"KILL QUERY {a.id}"), s
        watch.query(s[4])
        assert a.error() == 1317
        assert [r[0] for r in b.result()] == [b"1"]


def test_database_and_commit():
    watch.query("CREATE DATABASE gone")
    watch.query("CREATE TABLE gone.t (id INT PRIMARY KEY)")
    with sessions(3) as (a, b, c):
        a.query("BEGIN")
        a.query("INSERT INTO v.t VALUES (30, 1)")
        b.query("FLUSH TABLES WITH READ LOCK")
        waits(a, "COMMIT", "Waiting for commit lock")
        waits(c, "DROP DATABASE gone", "Waiting for global read lock")
        blockers = rows(f"SELECT ID, WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID IN ({a.id}, {c.id}) ORDER BY ID")
        assert blockers == [(str(a.id), str(b.id)), (str(c.id), str(b.id))], blockers
        # What operations.md says to look for.
        got = rows("SELECT OBJECT_TYPE, OWNER_THREAD_ID FROM performance_schema.metadata_locks WHERE LOCK_DURATION = 'EXPLICIT' AND LOCK_STATUS = 'GRANTED' ORDER BY OBJECT_TYPE")
        assert got == [("COMMIT", str(b.id)), ("GLOBAL", str(b.id))], got
        watch.kill(b.id, "CONNECTION")
        assert a.result() == 0
        assert c.error() == 0
    watch.query("DELETE FROM v.t WHERE id = 30")


def test_global_read_lock():
    with sessions(2) as (a, b):
        a.query("FLUSH TABLES WITH READ LOCK")
        waits(b, "UPDATE v.t SET n = n WHERE id = 1", "Waiting for global read lock")
        got = rows("SELECT OBJECT_TYPE, LOCK_TYPE, LOCK_DURATION, LOCK_STATUS, OWNER_THREAD_ID FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'GLOBAL'")
        assert ("GLOBAL", "SHARED", "EXPLICIT", "GRANTED", str(a.id)) in got and ("GLOBAL", "INTENTION_EXCLUSIVE", "STATEMENT", "PENDING", str(b.id)) in got, got
        assert one(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {b.id}") == (str(a.id),)
        watch.kill(a.id, "CONNECTION")
        assert b.result() == 0


def test_user_lock():
    with sessions(2) as (a, b):
        assert a.value("SELECT GET_LOCK('mine', 0)") == "1"
        waits(b, "SELECT GET_LOCK('mine', 1000)", "User lock")
        got = rows("SELECT OBJECT_SCHEMA, OBJECT_NAME, LOCK_TYPE, LOCK_DURATION, LOCK_STATUS, OWNER_THREAD_ID FROM performance_schema.metadata_locks "
                   "WHERE OBJECT_TYPE = 'USER LEVEL LOCK' ORDER BY LOCK_STATUS")
        assert got == [(None, "mine", "EXCLUSIVE", "EXPLICIT", "GRANTED", str(a.id)), (None, "mine", "EXCLUSIVE", "EXPLICIT", "PENDING", str(b.id))], got
        assert one(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {b.id}") == (str(a.id),)
        watch.kill(a.id, "CONNECTION")
        assert len(b.result()) == 1


# ---- the views themselves ----

def test_columns():
    """Names, in order, and types of the manual's tables."""
    want = {
        "performance_schema.data_locks": "ENGINE varchar(32), ENGINE_LOCK_ID varchar(128), ENGINE_TRANSACTION_ID bigint unsigned, THREAD_ID bigint unsigned, EVENT_ID bigint unsigned, "
        "OBJECT_SCHEMA varchar(64), OBJECT_NAME varchar(64), PARTITION_NAME varchar(64), SUBPARTITION_NAME varchar(64), INDEX_NAME varchar(64), OBJECT_INSTANCE_BEGIN bigint unsigned, "
        "LOCK_TYPE varchar(32), LOCK_MODE varchar(32), LOCK_STATUS varchar(32), LOCK_DATA varchar(8192)",
        "performance_schema.data_lock_waits": "ENGINE varchar(32), REQUESTING_ENGINE_LOCK_ID varchar(128), REQUESTING_ENGINE_TRANSACTION_ID bigint unsigned, REQUESTING_THREAD_ID bigint unsigned, "
        "REQUESTING_EVENT_ID bigint unsigned, REQUESTING_OBJECT_INSTANCE_BEGIN bigint unsigned, BLOCKING_ENGINE_LOCK_ID varchar(128), BLOCKING_ENGINE_TRANSACTION_ID bigint unsigned, "
        "BLOCKING_THREAD_ID bigint unsigned, BLOCKING_EVENT_ID bigint unsigned, BLOCKING_OBJECT_INSTANCE_BEGIN bigint unsigned",
        "performance_schema.metadata_locks": "OBJECT_TYPE varchar(64), OBJECT_SCHEMA varchar(64), OBJECT_NAME varchar(64), COLUMN_NAME varchar(64), OBJECT_INSTANCE_BEGIN bigint unsigned, "
        "LOCK_TYPE varchar(32), LOCK_DURATION varchar(32), LOCK_STATUS varchar(32), SOURCE varchar(64), OWNER_THREAD_ID bigint unsigned, OWNER_EVENT_ID bigint unsigned",
    }
    for table, columns in want.items():
        got = ", ".join(f"{r[0]} {r[1]}" for r in rows(f"SHOW COLUMNS FROM {table}"))
        assert got == columns, (table, got)
    names = [r[0] for r in rows("SHOW COLUMNS FROM information_schema.INNODB_TRX")]
    assert names == ("trx_id trx_state trx_started trx_requested_lock_id trx_wait_started trx_weight trx_mysql_thread_id trx_query trx_operation_state trx_tables_in_use "
                     "trx_tables_locked trx_lock_structs trx_lock_memory_bytes trx_rows_locked trx_rows_modified trx_concurrency_tickets trx_isolation_level trx_unique_checks "
                     "trx_foreign_key_checks trx_last_foreign_key_error trx_adaptive_hash_latched trx_adaptive_hash_timeout trx_is_read_only trx_autocommit_non_locking "
                     "trx_schedule_weight").split(), names
    for x in ("", "x$"):
        names = [r[0] for r in rows(f"SHOW COLUMNS FROM sys.{x}innodb_lock_waits")]
        assert names == ("wait_started wait_age wait_age_secs locked_table locked_table_schema locked_table_name locked_table_partition locked_table_subpartition locked_index "
                         "locked_type waiting_trx_id waiting_trx_started waiting_trx_age waiting_trx_rows_locked waiting_trx_rows_modified waiting_pid waiting_query waiting_lock_id "
                         "waiting_lock_mode blocking_trx_id blocking_pid blocking_query blocking_lock_id blocking_lock_mode blocking_trx_started blocking_trx_age "
                         "blocking_trx_rows_locked blocking_trx_rows_modified sql_kill_blocking_query sql_kill_blocking_connection").split(), names
        names = [r[0] for r in rows(f"SHOW COLUMNS FROM sys.{x}schema_table_lock_waits")]
        assert names == ("object_schema object_name waiting_thread_id waiting_pid waiting_account waiting_lock_type waiting_lock_duration waiting_query waiting_query_secs "
                         "waiting_query_rows_affected waiting_query_rows_examined blocking_thread_id blocking_pid blocking_account blocking_lock_type blocking_lock_duration "
                         "sql_kill_blocking_query sql_kill_blocking_connection").split(), names


def test_sys_is_read_only():
    assert ("sys",) in rows("SHOW DATABASES")
    assert rows("SHOW FULL TABLES FROM sys LIKE 'innodb%'") == [("innodb_lock_waits", "VIEW")]
    with sessions(1) as (a,):
        for sql, code in (("CREATE TABLE sys.x (a INT)", 1044), ("DROP TABLE sys.innodb_lock_waits", 1044), ("DROP DATABASE sys", 1044), ("CREATE DATABASE sys", 1044),
                          ("TRUNCATE TABLE performance_schema.data_locks", 1044), ("DROP TABLE information_schema.INNODB_TRX", 1044),
                          ("INSERT INTO sys.innodb_lock_waits (waiting_pid) VALUES (1)", 1044), ("DELETE FROM performance_schema.data_locks", 1044),
                          ("UPDATE information_schema.INNODB_TRX SET trx_id = 1", 1044)):
            assert a.error(sql) == code, (sql, a.last)
    assert rows("SELECT * FROM sys.innodb_lock_waits") == []


def test_privileges():
    watch.query("CREATE USER nobody IDENTIFIED BY ''")
    watch.query("CREATE USER reader IDENTIFIED BY ''")
    watch.query("GRANT SELECT ON *.* TO reader")
    with Wire(server, user="nobody") as w:
        for sql, code in (("SELECT * FROM information_schema.INNODB_TRX", 1227), ("SELECT * FROM performance_schema.data_locks", 1142),
                          ("SELECT * FROM performance_schema.data_lock_waits", 1142), ("SELECT * FROM performance_schema.metadata_locks", 1142),
                          ("SELECT * FROM sys.innodb_lock_waits", 1142), ("SHOW ENGINE INNODB STATUS", 1227), ("SELECT 1 FROM performance_schema.processlist", None)):
            got = w.error(sql) if code else w.query(sql) and None
            assert got == code, (sql, got)
    with Wire(server, user="reader") as w:
        for sql, code in (("SELECT * FROM information_schema.INNODB_TRX", 1227), ("SELECT * FROM sys.innodb_lock_waits", 1227)):
            assert w.error(sql) == code, (sql, w.last)
        for sql in ("SELECT * FROM performance_schema.data_locks", "SELECT * FROM performance_schema.metadata_locks", "SELECT * FROM sys.schema_table_lock_waits"):
            w.query(sql)


def test_engine_status():
    kind, name, text = one("SHOW ENGINE INNODB STATUS")
    assert (kind, name) == ("InnoDB", "") and "INNODB MONITOR OUTPUT" in text and text.rstrip().endswith("============================"), text
    for part in ("\nTRANSACTIONS\n", "\nLOCKS\n", "\nBUFFER POOL AND MEMORY\n"):
        assert part in text, text
    assert rows("SHOW ENGINE MyISAM STATUS") == []
    with sessions(1) as (a,):
        assert a.error("SHOW ENGINE nosuch STATUS") == 1286
        assert a.error("SHOW ENGINE PERFORMANCE_SCHEMA STATUS") == 1235 and "PERFORMANCE_SCHEMA STATUS" in a.last.text


def test_many_locks_and_kill():
    """A listing of many locks can be killed wherever it looks, and the locks stay."""
    watch.query("CREATE TABLE v.many (id INT PRIMARY KEY, n INT)")
    values = ", ".join(f"({i}, 0)" for i in range(3000))
    watch.query(f"INSERT INTO v.many VALUES {values}")
    with sessions(2) as (a, b):
        a.query("BEGIN")
        a.query("DELETE FROM v.many WHERE id % 2 = 0")
        n = int(one(f"SELECT trx_rows_locked FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {a.id}")[0])
        shown = int(one(f"SELECT COUNT(*) FROM performance_schema.data_locks WHERE THREAD_ID = {a.id} AND LOCK_TYPE = 'RECORD'")[0])
        assert shown == n >= 1, (shown, n)
        for view in ("performance_schema.data_locks", "performance_schema.data_lock_waits", "information_schema.INNODB_TRX", "sys.innodb_lock_waits",
                     "performance_schema.metadata_locks", "sys.schema_table_lock_waits"):
            hit = 0
            for at in (1, 2, 3, 5, 8, 13, 30):
                b.query(f"SET DEBUG_SYNC = 'kill_at {at} QUERY'")
                got = b.error(f"SELECT COUNT(*) FROM {view}")
                assert got in (0, 1317), (view, at, got)
                hit += got == 1317
            assert hit >= 2, (view, hit)
            b.query("SET DEBUG_SYNC = 'RESET'")
        assert int(one(f"SELECT COUNT(*) FROM performance_schema.data_locks WHERE THREAD_ID = {a.id} AND LOCK_TYPE = 'RECORD'")[0]) == n


def test_views_without_memory():
    """Each allocation of a look fails once: an ordinary error (1037), and the next look is right."""
    views = ("performance_schema.data_locks", "performance_schema.data_lock_waits", "information_schema.INNODB_TRX", "sys.innodb_lock_waits",
             "performance_schema.metadata_locks", "sys.schema_table_lock_waits")
    with sessions(4) as (a, b, c, d):
        a.query("BEGIN")
        a.query("UPDATE v.names SET born = NULL WHERE name = 'Ada'")
        waits(b, "SELECT * FROM v.names FOR UPDATE", ROW)
        waits(c, "TRUNCATE TABLE v.names", MDL)
        for sql in [f"SELECT COUNT(*) FROM {v}" for v in views] + ["SHOW ENGINE INNODB STATUS"]:
            want = d.query(sql) if sql.startswith("SELECT") else None
            failed = 0
            for n in range(1, 2000):
                d.query(f"SET DEBUG_SYNC = 'fail_alloc_at {n}'")
                got = d.error(sql)
                assert got in (0, 1037), (sql, n, got, d.last)
                if got == 0:
                    break
                failed += 1
            assert failed > 5 and got == 0, (sql, failed, got)
            d.query("SET DEBUG_SYNC = 'RESET'")
            assert want is None or d.query(sql) == want, sql


def close_all():
    watch.until_calm()
    watch.quit()
    server.stop()
    server.remove()


if __name__ == "__main__":
    main(globals())
