# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""KILL as a statement: grammar, operands, errors, privileges, counting, old commands, and what victims of SLEEP and of time limits see
(KILL.md sections 1, 2, 4, 5)."""
import contextlib
import re
import struct
import time

import quell
from harness import main
from wire import Closed, Err, Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE k")
watch.query("CREATE TABLE k.t (id INT PRIMARY KEY, v DOUBLE)")


def sleeper(sql="SELECT SLEEP(1000)", **kw):
    v = Wire(server, **kw)
    v.send(sql)
    watch.until_state(v.id, "User sleep")
    return v


def fails(w, sql, code, state=None, text=None):
    got = w.error(sql)
    assert got == code, f"{sql}: {got} {w.last if got and got != 2013 else ''}, not {code}"
    if state:
        assert w.last.state == state, w.last
    if text:
        assert w.last.text == text, w.last


def end(v, code=1317):
    got = v.error()
    assert got == code, (got, getattr(v, "last", None))
    if code == 2013:
        watch.until_gone(v.id)
        v.close()
    else:
        assert v.value("SELECT 'next'") == "next"
        v.quit()


def com_kill():
    return int(watch.status("Com_kill")["Com_kill"])


# ---- grammar ----

def test_forms():
    for form, code in (("KILL {}", 2013), ("KILL CONNECTION {}", 2013), ("KILL QUERY {}", 1317), ("KILL HARD {}", 2013), ("KILL SOFT {}", 2013),
                       ("KILL HARD CONNECTION {}", 2013), ("KILL SOFT CONNECTION {}", 2013), ("KILL HARD QUERY {}", 1317), ("KILL SOFT QUERY {}", 1317),
                       ("kill query {}", 1317), ("KILL /*innotop*/ QUERY {}", 1317), ("KILL -- x\n QUERY {} # y", 1317), ("KILL/**/QUERY/**/{}", 1317),
                       ("/*!50000 KILL */ QUERY {};", 1317), ("KILL QUERY ({})", 1317), ("KILL QUERY +{}", 1317)):
        v = sleeper()
        assert watch.query(form.format(v.id)) == 0, form
        end(v, code)


def test_operands():
    for form in ("{}", "'{}'", "' {}'", "{} + 0", "{}.0", "({} - 1) + 1", "@id", "CAST('{}' AS UNSIGNED)", "(SELECT {})", "{}e0", "IF(1, {}, 0)", "COALESCE(NULL, {})",
                 "(SELECT MAX(ID) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(10%')", "(SELECT @id)", "_utf8mb4'{}'"):
        v = sleeper()
        watch.query(f"SET @id = {v.id}")
        assert watch.query(f"KILL QUERY {form.format(v.id)}") == 0, form
        end(v)


def test_syntax_errors():
    for sql in ("KILL", "KILL QUERY", "KILL CONNECTION", "KILL 1, 2", "KILL USER", "KILL QUERY CONNECTION 1", "KILL QUERY 1 2",
                "KILL SOFT HARD 1", "KILL HARD SOFT QUERY 1"):
        fails(watch, sql, 1064, "42000")
    for sql in ("KILL HARD", "KILL QUERY ID"):  # MariaDB's words are names in MySQL
        assert watch.error(sql) in (1054, 1064), watch.last


def test_unknown_ids():
    none = "Unknown thread id: "
    for sql, shown in (("KILL 0", 0), ("KILL NULL", 0), ("KILL 'abc'", 0), ("KILL ''", 0), ("KILL @nothing", 0), ("KILL QUERY 4000000000", 4000000000),
                       ("KILL 18446744073709551615", 18446744073709551615), ("KILL CONNECTION 999999", 999999), ("KILL (SELECT NULL)", 0),
                       ("KILL QUERY (SELECT 1 FROM k.t WHERE id = -7)", 0)):
        fails(watch, sql, 1094, "HY000", none + str(shown))
    assert watch.error("KILL -1") == 1094
    assert watch.error("KILL 1e400") in (1094, 1367)
    fails(watch, "KILL QUERY ID 999999999", 1957, "HY000")
    fails(watch, "KILL QUERY ID 0", 1957)
    fails(watch, "KILL QUERY ID NULL", 1957)


def test_ids_are_64_bits():
    """MySQL cuts ids to 32 bits and kills a stranger."""
    v = sleeper()
    for n in (1 << 32, 1 << 40, 1 << 63):
        fails(watch, f"KILL QUERY {n + v.id}", 1094, "HY000", f"Unknown thread id: {n + v.id}")
        fails(watch, f"KILL {n + v.id}", 1094)
    assert watch.state(v.id)[1] == "User sleep"
    watch.kill(v.id)
    end(v)


def test_bad_operands():
    fails(watch, "KILL nonexistent", 1054, "42S22")
    fails(watch, "KILL QUERY (SELECT 1, 2)", 1241, "21000")
    watch.query("INSERT INTO k.t VALUES (1, 1), (2, 2)")
    fails(watch, "KILL QUERY (SELECT id FROM k.t)", 1242, "21000")
    fails(watch, "KILL QUERY (SELECT id FROM k.missing)", 1146, "42S02")
    watch.query("DELETE FROM k.t")


def test_query_id():
    v = sleeper()
    stmt = watch.value(f"SELECT QUERY_ID FROM information_schema.PROCESSLIST WHERE ID = {v.id}")
    assert watch.query(f"KILL QUERY ID {stmt}") == 0
    assert v.error() == 1317
    v.send("SELECT SLEEP(1000)")
    watch.until_state(v.id, "User sleep")
    fails(watch, f"KILL QUERY ID {stmt}", 1957)  # that statement is over: the next one is not hit
    assert watch.state(v.id)[1] == "User sleep"
    watch.kill(v.id)
    end(v)
    idle = Wire(server)
    assert watch.value(f"SELECT QUERY_ID FROM information_schema.PROCESSLIST WHERE ID = {idle.id}") in ("0", None)
    idle.quit()


def test_own_query():
    w = Wire(server)
    for sql in (f"KILL QUERY {w.id}", "KILL QUERY CONNECTION_ID()", "KILL HARD QUERY CONNECTION_ID()"):
        fails(w, sql, 1317, "70100", "Query execution was interrupted")
        assert w.value("SELECT 1") == "1"
    w.query("BEGIN")
    w.query("INSERT INTO k.t VALUES (1, 1)")
    fails(w, "KILL QUERY CONNECTION_ID()", 1317)
    assert w.value("SELECT COUNT(*) FROM k.t") == "1", "killing the own query ended the transaction"
    w.query("ROLLBACK")
    w.quit()


def test_own_connection():
    for sql in ("KILL CONNECTION_ID()", "KILL CONNECTION CONNECTION_ID()", "KILL SOFT CONNECTION_ID()"):
        w = Wire(server)
        w.query("BEGIN")
        w.query("INSERT INTO k.t VALUES (1, 1)")
        fails(w, sql, 1317, "70100")
        assert w.at_end()
        watch.until_gone(w.id)
        w.close()
    assert watch.value("SELECT COUNT(*) FROM k.t") == "0"


def test_in_a_transaction_and_multi():
    """No implicit commit; part of a multi-statement; what follows in a killed one is not run."""
    w = Wire(server)
    v = sleeper()
    w.query("BEGIN")
    w.query("INSERT INTO k.t VALUES (1, 1)")
    w.query(f"KILL QUERY {v.id}")
    end(v)
    assert watch.value("SELECT COUNT(*) FROM k.t") == "0", "KILL committed"
    w.query("ROLLBACK")
    a, b = sleeper(), sleeper()
    w.send(f"KILL QUERY {a.id}; KILL QUERY {b.id}; SELECT 'both'")
    assert [w.result(), w.result(), w.result()] == [0, 0, [(b"both",)]]
    end(a)
    end(b)
    v = sleeper("SELECT SLEEP(1000); INSERT INTO k.t VALUES (7, 7); SELECT 'never'")
    watch.kill(v.id)
    end(v)
    assert watch.value("SELECT COUNT(*) FROM k.t") == "0"
    w.send("KILL QUERY 999999; SELECT 'never'")
    assert w.error() == 1094
    assert w.value("SELECT 'in step'") == "in step"
    w.quit()


def test_prepared():
    w = Wire(server)
    for sql in ("KILL ?", "KILL QUERY ?", "KILL /*innotop*/ QUERY ?", "KILL CONNECTION ?"):
        stmt, params = w.prepare(sql)
        assert params == 1
        for as_text in (False, True):
            v = sleeper()
            w.execute(stmt, str(v.id) if as_text else v.id)
            assert w.result() == 0
            end(v, 1317 if "QUERY" in sql else 2013)
        w.execute(stmt, 1 << 40)
        assert w.error() == 1094
        w.execute(stmt, None)
        assert w.error() == 1094
    v = sleeper()
    w.query("PREPARE p FROM 'KILL QUERY ?'")
    w.query(f"SET @id = {v.id}")
    assert w.query("EXECUTE p USING @id") == 0
    end(v)
    w.quit()


# ---- counting, old commands ----

def test_com_kill_counts_all_tries():
    n = com_kill()
    v = sleeper()
    watch.kill(v.id)
    end(v)
    watch.error("KILL 999999")
    watch.error("KILL QUERY NULL")
    w = Wire(server)
    w.error("KILL QUERY CONNECTION_ID()")
    w.command(b"\x0c" + struct.pack("<I", 999999))
    assert w.error() == 1094
    assert com_kill() == n + 5, (n, com_kill())
    w.quit()


def test_command_process_kill():
    v, idle = sleeper(), Wire(server)
    w = Wire(server)
    for id in (v.id, idle.id):
        w.command(b"\x0c" + struct.pack("<I", id))
        assert w.result() == 0
    end(v, 2013)
    assert idle.at_end()
    w.command(b"\x0c" + struct.pack("<I", 123456))
    assert w.error() == 1094 and w.last.text == "Unknown thread id: 123456"
    w.command(b"\x0c" + struct.pack("<I", w.id))
    assert w.error() == 1317
    assert w.at_end()


def test_command_process_info():
    v = sleeper()
    w = Wire(server)
    w.command(b"\x0a")
    rows = w.result()
    assert w.columns == ["Id", "User", "Host", "db", "Command", "Time", "State", "Info"], w.columns
    row = [r for r in rows if r[0] == str(v.id).encode()][0]
    assert row[1] == b"root" and row[2].startswith(b"localhost") and row[3] is None and row[4] == b"Query", row
    assert row[6:] == (b"User sleep", b"SELECT SLEEP(1000)"), row
    own = [r for r in rows if r[0] == str(w.id).encode()][0]
    assert own[4] == b"Processlist", own
    w.quit()
    watch.kill(v.id)
    end(v)


# ---- privileges ----

@contextlib.contextmanager
def accounts(*grants):
    """Accounts u1, u2 ... with those privileges, e.g. "PROCESS"."""
    names = [f"u{i + 1}" for i in range(len(grants))]
    try:
        for name, grant in zip(names, grants):
            watch.query(f"CREATE USER {name} IDENTIFIED BY ''")
            if grant:
                watch.query(f"GRANT {grant} ON *.* TO {name}")
        yield names
    finally:
        for name in names:
            watch.error(f"DROP USER {name}")


def test_privileges():
    with accounts("", "", "PROCESS", "CONNECTION_ADMIN", "SUPER"):
        v, stranger = sleeper(user="u1"), Wire(server, user="u2")
        for sql in ("KILL {}", "KILL QUERY {}", "KILL CONNECTION {}"):
            fails(stranger, sql.format(v.id), 1095, "HY000", f"You are not owner of thread {v.id}")
        stmt = watch.value(f"SELECT QUERY_ID FROM information_schema.PROCESSLIST WHERE ID = {v.id}")
        assert stranger.error(f"KILL QUERY ID {stmt}") in (1095, 1979, 3155), stranger.last
        assert stranger.error(f"KILL {watch.id}") == 1095
        assert stranger.error("KILL 999999") == 1094
        with Wire(server, user="u3") as sees:  # PROCESS shows, it does not kill
            fails(sees, f"KILL QUERY {v.id}", 1095)
            assert any(r[0] == str(v.id).encode() for r in sees.query("SHOW PROCESSLIST"))
        assert [r[1] for r in stranger.query("SHOW PROCESSLIST")] == [b"u2"]
        assert stranger.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST") == "1"
        with Wire(server, user="u1") as own:
            own.query(f"KILL QUERY {v.id}")
        end(v)
        for admin in ("u4", "u5"):
            v = sleeper(user="u1")
            with Wire(server, user=admin) as a:
                a.query(f"KILL QUERY {v.id}")
            end(v)
            v = sleeper(user="u1")
            with Wire(server, user=admin) as a:
                a.query(f"KILL {v.id}")
            end(v, 2013)
        stranger.quit()
        unknown = Wire(server, login=False)  # not logged in yet: nobody's, so for administrators only
        watch.until_state(unknown.id, "login")
        with Wire(server, user="u2") as w:
            fails(w, f"KILL {unknown.id}", 1095)
        with Wire(server, user="u4") as w:
            w.query(f"KILL {unknown.id}")
        assert unknown.at_end()


def test_system_user():
    with accounts("SYSTEM_USER", "SUPER", "CONNECTION_ADMIN, SYSTEM_USER"):
        v = sleeper(user="u1")
        with Wire(server, user="u2") as w:
            fails(w, f"KILL QUERY {v.id}", 1095)
            fails(w, f"KILL {v.id}", 1095)
        with Wire(server, user="u3") as w:
            w.query(f"KILL QUERY {v.id}")
        end(v)


def test_kill_user():
    with accounts("", "", "CONNECTION_ADMIN"):
        ones = [sleeper(user="u1") for _ in range(3)]
        idle, other = Wire(server, user="u1"), sleeper(user="u2")
        assert watch.query("KILL QUERY USER u1") in (3, 4)
        for v in ones:
            assert v.error() == 1317
        assert idle.value("SELECT 1") == "1"
        assert watch.query("KILL USER 'u1'@'%'") == 4
        for v in (*ones, idle):
            assert v.at_end()
            watch.until_gone(v.id)
        assert watch.state(other.id)[1] == "User sleep"
        assert watch.query("KILL USER nobody") == 0
        with Wire(server, user="u1") as w:  # nobody's sessions that one may not kill
            assert w.query("KILL USER u2") == 0
        assert watch.state(other.id)[1] == "User sleep"
        with Wire(server, user="u3") as w:
            assert w.query("KILL USER u2@localhost") == 0  # from there, but that is not the account
            assert w.query("KILL USER u2") == 1
        end(other, 2013)
        # One's own account: the killer is the last to go.
        two, three = sleeper(user="u1"), Wire(server, user="u1")
        assert three.error("KILL USER CURRENT_USER()") in (1317, 2013)
        end(two, 2013)
        assert three.at_end()


def test_kill_user_names_an_account():
    """What CURRENT_USER() says, not where the session comes from."""
    hosts = ("local%", "127.0.0.1", "%")
    for host in hosts:
        watch.query(f"CREATE USER a@'{host}' IDENTIFIED BY ''")
    try:
        sessions = {"local%": [Wire(server, user="a")], "127.0.0.1": [Wire(server, user="a", tcp=True)]}
        for host, (w,) in sessions.items():
            assert w.value("SELECT CURRENT_USER()") == f"a@{host}"
        for host in ("%", "localhost", "127.0.0.2"):
            assert watch.query(f"KILL USER a@'{host}'") == 0
        for host, ws in sessions.items():
            ws.append(Wire(server, user="a", tcp=host != "local%"))
            for w in ws:
                w.send("SELECT SLEEP(1000)")
                watch.until_state(w.id, "User sleep")
        for host, ws in sessions.items():
            assert watch.query(f"KILL QUERY USER a@'{host}'") == 2
            assert [w.error() for w in ws] == [1317, 1317]
            for w in ws:
                w.send("SELECT SLEEP(1000)")
                watch.until_state(w.id, "User sleep")
        assert watch.query("KILL USER A@'LOCAL%'") == 0  # user names know case
        assert watch.query("KILL USER a@'LOCAL%'") == 2  # hosts do not
        assert [w.error() for w in sessions["local%"]] == [2013, 2013]
        for w in sessions["local%"]:
            watch.until_gone(w.id)
        assert watch.query("KILL USER a") == 2  # all accounts of that name
        assert [w.error() for w in sessions["127.0.0.1"]] == [2013, 2013]
    finally:
        for host in hosts:
            watch.query(f"DROP USER a@'{host}'")
    watch.until_calm()


def test_kill_of_one_who_vanished():
    """Tools close first and kill second."""
    with accounts("", "PROCESS"):
        watch.query("CREATE USER u3 IDENTIFIED BY ''")
        with Wire(server, user="u1") as own, Wire(server, user="u2") as sees, Wire(server, user="u3") as blind:
            for start in (None, "SELECT SLEEP(1000)"):
                for what in ("QUERY", "CONNECTION"):
                    v = Wire(server, user="u1")
                    if start:
                        v.send(start)
                        watch.until_state(v.id, "User sleep")
                    v.close()
                    watch.until_gone(v.id)
                    for w in (own, sees, watch):
                        assert w.query(f"KILL {what} {v.id}") == 0
                        assert w.warnings == 1
                        assert w.query("SHOW WARNINGS") == [(b"Note", b"1094", f"Connection {v.id} has ended: its client went away".encode())]
                    fails(blind, f"KILL {what} {v.id}", 1094)
        # Not those who said good-bye, nor those who were killed.
        v = Wire(server, user="u1")
        v.quit()
        watch.until_gone(v.id)
        fails(watch, f"KILL {v.id}", 1094)
        v = Wire(server, user="u1")
        watch.kill(v.id, "CONNECTION")
        watch.until_gone(v.id)
        fails(watch, f"KILL {v.id}", 1094)
        watch.query("DROP USER u3")
    watch.until_calm()


def test_info_of_execute():
    """The prepared text, as pt-kill --match-info wants it; its passwords masked."""
    v = Wire(server)
    v.query("PREPARE p FROM 'SELECT SLEEP(?), ''here'''")
    v.query("SET @t = 1000")
    v.send("EXECUTE p USING @t")
    watch.until_state(v.id, "User sleep")
    assert watch.value(f"SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = {v.id}") == "SELECT SLEEP(?), 'here'"
    rows = [r for r in watch.query("SHOW FULL PROCESSLIST") if int(r[0]) == v.id]
    assert rows[0][7] == b"SELECT SLEEP(?), 'here'"
    watch.kill(v.id)
    end(v)
    v = Wire(server)
    v.query("PREPARE p FROM 'CREATE USER u9 IDENTIFIED BY ''geheim'''")
    v.query("SET DEBUG_SYNC = 'stmt_before_execute SIGNAL there WAIT_FOR go EXECUTE 2'")
    v.send("EXECUTE p")
    info = f"SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = {v.id}"
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR there'")
    assert watch.value(info) == "EXECUTE p"
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR there'")
    assert watch.value(info) == "CREATE USER u9 IDENTIFIED BY '<secret>'"
    watch.kill(v.id)
    end(v)
    watch.query("SET DEBUG_SYNC = 'RESET'")


# ---- what victims see ----

def test_killed_sleep_is_an_error():
    for sql in ("SELECT SLEEP(300)", "DO SLEEP(300)", "SET @x = SLEEP(300)", "INSERT INTO k.t VALUES (1, SLEEP(300))", "INSERT INTO k.t SELECT 2, SLEEP(300)",
                "INSERT INTO k.t VALUES (5, 1), (6, SLEEP(300)), (7, 1)", "SELECT 1 WHERE SLEEP(300)", "SELECT IFNULL(SLEEP(300), 3)", "SELECT COALESCE(NULL, SLEEP(300))",
                "INSERT IGNORE INTO k.t VALUES (3, SLEEP(300))", "REPLACE INTO k.t VALUES (4, SLEEP(300))", "SELECT COUNT(*) FROM (SELECT SLEEP(300)) AS d",
                "SELECT (SELECT SLEEP(300))", "SELECT SLEEP(300) UNION SELECT 1", "SET @@session.sql_safe_updates = SLEEP(300)",
                "SELECT CASE WHEN SLEEP(300) THEN 1 ELSE 2 END"):
        v = Wire(server)
        v.query("SET @x = 'before'")
        v.send(sql)
        watch.until_state(v.id, "User sleep")
        watch.kill(v.id)
        assert v.error() == 1317, sql
        assert v.last.state == "70100"
        assert v.value("SELECT @x") == "before" and v.value("SELECT @@sql_safe_updates") == "0", sql
        v.quit()
        assert watch.value("SELECT COUNT(*) FROM k.t") == "0", f"{sql} stored something"


def test_killed_dml_on_rows():
    watch.query("INSERT INTO k.t VALUES (1, 1), (2, 2), (3, 3)")
    for sql in ("UPDATE k.t SET v = SLEEP(0) + IF(id = 3, SLEEP(300), 9)", "DELETE FROM k.t WHERE IF(id = 3, SLEEP(300), 1)",
                "INSERT INTO k.t SELECT id + 10, IF(id = 3, SLEEP(300), 1) FROM k.t", "REPLACE INTO k.t SELECT id, IF(id = 3, SLEEP(300), 100) FROM k.t",
                "INSERT INTO k.t VALUES (1, 5) ON DUPLICATE KEY UPDATE v = SLEEP(300)", "UPDATE IGNORE k.t SET v = IF(id = 2, SLEEP(300), 9)"):
        v = sleeper(sql)
        watch.kill(v.id)
        end(v)
        rows = watch.query("SELECT id, v FROM k.t ORDER BY id")
        assert rows == [(b"1", b"1"), (b"2", b"2"), (b"3", b"3")], (sql, rows)
    v = Wire(server)
    v.query("BEGIN")
    v.query("UPDATE k.t SET v = 50 WHERE id = 1")
    v.send("UPDATE k.t SET v = IF(id = 3, SLEEP(300), 60)")
    watch.until_state(v.id, "User sleep")
    watch.kill(v.id)
    assert v.error() == 1317
    assert v.query("SELECT v FROM k.t ORDER BY id") == [(b"50",), (b"2",), (b"3",)]
    v.query("COMMIT")
    assert watch.query("SELECT v FROM k.t ORDER BY id") == [(b"50",), (b"2",), (b"3",)]
    v.quit()
    watch.query("DELETE FROM k.t")


def test_long_evaluations():
    """Inside one call of a function, or one row of a join."""
    watch.query("SET GLOBAL regexp_time_limit = 0")
    numbers = "(SELECT 1 AS n" + "".join(f" UNION ALL SELECT {i}" for i in range(40)) + ")"
    for sql in ("SELECT REPEAT('x', 300) REGEXP '(x+)+y'", "SELECT BENCHMARK(1000000000, MD5('x'))",
                f"SELECT COUNT(*) FROM {numbers} a, {numbers} b, {numbers} c, {numbers} d, {numbers} e WHERE a.n + b.n + c.n + d.n + e.n = -1",
                "DO BENCHMARK(1000000000, 1 + 1)"):
        v = Wire(server)
        v.send(sql)
        assert not v.readable(0.1), (sql, v.error(), getattr(v, "last", ""))
        t = time.monotonic()
        watch.kill(v.id)
        assert v.error() == 1317, sql
        assert time.monotonic() - t < 1, (sql, time.monotonic() - t)
        v.quit()
    watch.query("SET GLOBAL regexp_time_limit = DEFAULT")
    assert watch.error("SELECT REPEAT('x', 300) REGEXP '(x+)+y'") == 3699


def test_show_warnings_after_kill():
    v = sleeper()
    watch.kill(v.id)
    assert v.error() == 1317
    assert v.query("SHOW WARNINGS") == [(b"Error", b"1317", b"Query execution was interrupted")]
    assert v.value("SELECT @@warning_count") in ("0", "1")
    v.quit()


def test_max_execution_time():
    w = Wire(server)
    text = "Query execution was interrupted, maximum statement execution time exceeded"
    t = time.monotonic()
    fails(w, "SELECT /*+ MAX_EXECUTION_TIME(100) */ SLEEP(300)", 3024, "HY000", text)
    assert 0.09 < time.monotonic() - t < 2
    w.query("SET max_execution_time = 100")
    fails(w, "SELECT SLEEP(300)", 3024, "HY000", text)
    assert w.value("SELECT 1") == "1"
    assert w.value("SELECT /*+ MAX_EXECUTION_TIME(10000) */ SLEEP(0.2)") == "0"  # the hint wins
    w.query("DO SLEEP(0.2)")  # no SELECT: no limit
    w.query("INSERT INTO k.t VALUES (1, SLEEP(0.2))")
    w.query("DELETE FROM k.t")
    w.query("SET max_execution_time = DEFAULT")
    assert w.value("SELECT SLEEP(0.2)") == "0"
    before = int(watch.status("Max_execution_time_exceeded")["Max_execution_time_exceeded"])
    w.error("SELECT /*+ MAX_EXECUTION_TIME(1) */ SLEEP(300)")
    assert int(watch.status("Max_execution_time_exceeded")["Max_execution_time_exceeded"]) == before + 1
    # A limit that has passed does not reach the next statement.
    w.query("SET max_execution_time = 5")
    for _ in range(50):
        assert w.error("SELECT SLEEP(0.0049)") in (0, 3024)
        w.query("DO SLEEP(0.001)")
        w.ping()
    w.quit()


def test_max_statement_time():
    w = Wire(server)
    w.query("SET max_statement_time = 0.1")
    for sql in ("SELECT SLEEP(300)", "DO SLEEP(300)", "INSERT INTO k.t VALUES (1, SLEEP(300))", "SET @x = SLEEP(300)"):
        fails(w, sql, 3024)
        assert w.value("SELECT COUNT(*) FROM k.t") == "0"
    w.query("SET max_statement_time = 0")
    w.query("DO SLEEP(0.2)")
    w.quit()


def test_killed_is_shown():
    """Command shows Killed from the moment of a connection kill until the session is gone."""
    watch.query("SET DEBUG_SYNC = 'global commit_after_take SIGNAL taken WAIT_FOR go'")
    v = Wire(server)
    v.send("INSERT INTO k.t VALUES (1, 1)")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR taken'")
    watch.kill(v.id, "CONNECTION")
    assert watch.state(v.id)[0] == "Killed"
    assert [r[4] for r in watch.query("SHOW PROCESSLIST") if r[0] == str(v.id).encode()] == [b"Killed"]
    assert watch.query(f"KILL {v.id}") == 0 and watch.query(f"KILL QUERY {v.id}") == 0  # dying already: OK
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    watch.until_gone(v.id)
    watch.query("SET DEBUG_SYNC = 'RESET'")
    watch.query("DELETE FROM k.t")


# ---- the process list ----

COLUMNS = ["ID", "USER", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO"]
EXTRA = ["QUERY_ID", "TIME_MS", "ROWS_EXAMINED", "ROWS_SENT", "MEMORY_USED", "TRX_AGE_MS", "SNAPSHOT_AGE_MS", "WAITS_FOR"]


def test_processlist_columns():
    watch.query("SELECT * FROM information_schema.PROCESSLIST")
    assert watch.columns[:16] == COLUMNS + EXTRA, watch.columns
    watch.query("SHOW PROCESSLIST")
    assert watch.columns == ["Id", "User", "Host", "db", "Command", "Time", "State", "Info"], watch.columns
    watch.query("SELECT * FROM performance_schema.processlist")
    assert watch.columns[:8] == COLUMNS, watch.columns


def test_processlist_values():
    v = Wire(server, tcp=True)
    v.query("USE k")
    long = "SELECT SLEEP(1000), '" + "x" * 200 + "'"
    v.send(long)
    watch.until_state(v.id, "User sleep")
    row = watch.query(f"SELECT * FROM information_schema.PROCESSLIST WHERE ID = {v.id}")[0]
    d = dict(zip(watch.columns, row))
    assert re.fullmatch(rb"(localhost|127\.0\.0\.1):\d+", d["HOST"]) and d["DB"] == b"k" and d["COMMAND"] == b"Query" and d["INFO"] == long.encode(), d
    assert int(d["QUERY_ID"]) > 0 and 0 <= float(d["TIME_MS"]) < 60000 and int(d["TIME"]) < 60, d
    assert int(d["MEMORY_USED"]) > 0, d
    short = [r for r in watch.query("SHOW PROCESSLIST") if r[0] == str(v.id).encode()][0][7]
    full = [r for r in watch.query("SHOW FULL PROCESSLIST") if r[0] == str(v.id).encode()][0][7]
    assert short == long.encode()[:100] and full == long.encode()
    for table, column in (("performance_schema.processlist", "ID"), ("performance_schema.threads", "PROCESSLIST_ID")):
        assert watch.value(f"SELECT COUNT(*) FROM {table} WHERE {column} = {v.id}") == "1", table
    watch.kill(v.id)
    assert v.error() == 1317
    assert v.value("SELECT CONNECTION_ID()") == str(v.id)
    row = watch.query(f"SELECT COMMAND, STATE, INFO, TIME FROM information_schema.PROCESSLIST WHERE ID = {v.id}")[0]
    assert row[0] == b"Sleep" and row[1] in (b"", None) and row[2] is None and int(row[3]) <= 1, row
    v.quit()


def test_processlist_multi_and_masked():
    v = sleeper("SELECT 1; SELECT SLEEP(1000); SELECT 2")
    info = watch.value(f"SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = {v.id}")
    assert info == "SELECT SLEEP(1000)", info
    watch.kill(v.id)
    assert v.result() == [(b"1",)]
    end(v)
    watch.query("SET DEBUG_SYNC = 'RESET'")
    v = Wire(server)
    v.query("SET DEBUG_SYNC = 'stmt_before_execute WAIT_FOR go'")
    v.send("CREATE USER masked IDENTIFIED BY 'topsecret'")
    watch.until_state(v.id, "debug sync point: stmt_before_execute")
    info = watch.value(f"SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = {v.id}")
    assert "topsecret" not in info and info.startswith("CREATE USER"), info
    watch.kill(v.id)
    end(v)
    assert watch.error("DROP USER masked") == 1396
    watch.query("SET DEBUG_SYNC = 'RESET'")


def test_prepared_info_and_execute_killed():
    v = Wire(server)
    stmt, _ = v.prepare("SELECT SLEEP(?)")
    v.execute(stmt, 1000)
    watch.until_state(v.id, "User sleep")
    row = watch.query(f"SELECT COMMAND, INFO FROM information_schema.PROCESSLIST WHERE ID = {v.id}")[0]
    assert row == (b"Execute", b"SELECT SLEEP(?)"), row
    watch.kill(v.id)
    try:
        v.skip_result()
        raise AssertionError("no error")
    except Err as e:
        assert e.code == 1317
    v.execute(stmt, 0)  # the prepared statement has survived
    v.skip_result()
    v.execute(stmt, 1000)
    watch.until_state(v.id, "User sleep")
    watch.kill(v.id, "CONNECTION")
    try:
        v.skip_result()
        raise AssertionError("no end")
    except Closed:
        pass
    watch.until_gone(v.id)


def test_background_is_unknown():
    """No background thread can be killed: ids belong to connections only."""
    ids = {int(r[0]) for r in watch.query("SELECT ID FROM information_schema.PROCESSLIST")}
    for i in range(1, max(ids) + 50):
        if i not in ids:
            assert watch.error(f"KILL {i}") == 1094, i


def test_zz_nothing_left():
    watch.until_calm()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
