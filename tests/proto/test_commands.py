# SPDX-License-Identifier: Apache-2.0
"""Commands that are not statements (COM_REFRESH, COM_DEBUG, COM_STATISTICS, COM_FIELD_LIST), and what a session's own counters count."""
import quell
from harness import main
from wire import PRI_KEY, AUTO_INCREMENT, NOT_NULL, Err, Watcher, Wire, column

server = quell.Server()
server.start()
w = Watcher(server)
w.query("CREATE DATABASE d")
w.query("CREATE USER plain@localhost, flusher@localhost")
w.query("GRANT RELOAD ON *.* TO flusher@localhost")


def show(c, name, scope="SESSION"):
    return int(c.query(f"SHOW {scope} STATUS LIKE '{name}'")[0][1])


def test_bytes_are_those_on_the_wire():
    with Wire(server) as c:
        ask = "SHOW SESSION STATUS LIKE 'Bytes_received'"
        a = int(c.query(ask)[0][1])
        c.query("SELECT 'twelve bytes'")
        b = int(c.query(ask)[0][1])
        assert b - a == len("SELECT 'twelve bytes'") + 5 + len(ask) + 5, (a, b)  # 4 bytes of header, 1 of command
        at = c.taken
        sent = show(c, "Bytes_sent")  # without its own answer
        c.query("SELECT REPEAT('x', 100000)")
        answered = c.taken - at
        assert show(c, "Bytes_sent") - sent == answered > 100000, (sent, answered)
        whole = show(w, "Bytes_sent", "GLOBAL")
        c.query("SELECT REPEAT('x', 1000000)")
        quell.until(lambda: show(w, "Bytes_sent", "GLOBAL") - whole >= 1000000, what="the sum of all sessions")  # when the command has ended


def test_counters_have_a_session_scope():
    with Wire(server) as c:
        for _ in range(3):
            c.query("SELECT 1")
        c.query("DO 1")
        assert show(c, "Com_select") == 3 and show(c, "Com_do") == 1, c.query("SHOW STATUS LIKE 'Com_select'")
        assert show(c, "Com_select", "GLOBAL") >= 3
        questions = show(c, "Questions")
        c.ping()
        c.prepare("SELECT 1")
        assert show(c, "Questions") == questions + 1
        with Wire(server) as other:
            assert show(other, "Com_select") == 0
            assert other.query("SELECT VARIABLE_VALUE FROM performance_schema.session_status WHERE VARIABLE_NAME = 'Com_do'") == [(b"0",)]
            assert other.query("SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Com_do'") != [(b"0",)]
        c.query("FLUSH STATUS")
        assert show(c, "Com_select") == 0 and show(c, "Com_select", "GLOBAL") >= 3
        c.query("SELECT 1")
        c.command(b"\x1f")  # COM_RESET_CONNECTION
        c.result()
        assert show(c, "Com_select") == 0


def test_commands_of_the_protocol_are_counted():
    """As MySQL's dispatch_command counts them (manual, Server Status Variables, Com_xxx and Com_stmt_xxx)."""
    with Wire(server) as c:
        before = {n: show(c, "Com_" + n) for n in ("admin_commands", "stmt_prepare", "stmt_execute", "stmt_close", "stmt_reset", "change_db", "select")}
        c.ping()
        c.ping()
        stmt, _ = c.prepare("SELECT 1")
        c.execute(stmt)
        c.skip_result()
        c.execute(stmt)
        c.skip_result()
        c.command(b"\x1a" + stmt.to_bytes(4, "little"))  # COM_STMT_RESET
        c.result()
        c.command(b"\x19" + stmt.to_bytes(4, "little"))  # COM_STMT_CLOSE: no answer
        c.command(b"\x02d")  # COM_INIT_DB
        c.result()
        after = {n: show(c, "Com_" + n) - before[n] for n in before}
        assert after == {"admin_commands": 2, "stmt_prepare": 1, "stmt_execute": 2, "stmt_close": 1, "stmt_reset": 1, "change_db": 1,
                         "select": 2}, after


def test_a_command_that_runs_statements_counts_once():
    with Wire(server) as c:
        c.command(b"\x07\x05")  # COM_REFRESH: privileges and tables
        c.result()
        assert show(c, "Com_flush") == 1
        c.query("PREPARE p FROM 'FLUSH PRIVILEGES'")
        c.query("EXECUTE p")
        assert show(c, "Com_flush") == 2 and show(c, "Com_execute_sql") == 1


def test_prepare_obeys_the_sql_mode_of_now():
    with Wire(server) as c:
        c.query("CREATE TABLE d.days (d DATE)")
        ask = "SELECT * FROM d.days WHERE d = '0000-00-00'"
        c.query("SET sql_mode = ''")
        c.prepare(ask)
        c.query("SET sql_mode = DEFAULT")  # strict, NO_ZERO_DATE
        try:
            c.prepare(ask)
            raise AssertionError("a date that is none")
        except Err as e:
            assert e.code == 1525, e
        c.query("DROP TABLE d.days")


def test_com_show_counts_what_is_shown():
    with Wire(server) as c:
        c.query("SHOW DATABASES")
        c.query("SHOW WARNINGS")
        c.query("SHOW REPLICA STATUS")
        for name in ("show_databases", "show_warnings", "show_replica_status"):
            assert show(c, "Com_" + name) == 1, name
        c.query("CREATE TABLE d.x (a INT)")
        c.query("INSERT INTO d.x SELECT 1")
        assert show(c, "Com_insert_select") == 1 and show(c, "Com_insert") == 0
        c.query("DROP TABLE d.x")


def test_what_statements_do_is_counted():
    with Wire(server) as c:
        def counted(names, *statements):
            before = [show(c, n) for n in names]
            for sql in statements:
                c.query(sql)
            return [show(c, n) - b for n, b in zip(names, before)]

        c.query("USE d")
        c.query("CREATE TABLE h (id INT PRIMARY KEY, a INT, b INT, KEY (a))")
        assert counted(["Handler_write", "Handler_commit"], "INSERT INTO h (id, a) VALUES (1, 1), (2, 2), (3, 3)") == [3, 1]
        assert counted(["Handler_update"], "UPDATE h SET a = a + 10 WHERE id < 3") == [2]
        assert counted(["Handler_read_key"], "SELECT * FROM h WHERE id = 2") == [1]
        assert counted(["Handler_read_next"], "SELECT id FROM h WHERE a > 5") == [2]
        assert counted(["Handler_read_rnd_next", "Select_scan", "Sort_rows", "Sort_scan"], "SELECT * FROM h ORDER BY b") == [3, 1, 3, 1]
        assert counted(["Handler_delete"], "DELETE FROM h WHERE id = 1") == [1]
        assert counted(["Handler_rollback", "Handler_commit"], "BEGIN", "DELETE FROM h", "ROLLBACK") == [1, 0]
        assert counted(["Slow_queries"], "SELECT 1") == [0]
        assert counted(["Slow_queries"], "SET long_query_time = 0", "SELECT 1", "SET long_query_time = DEFAULT") == [2]
        before = show(c, "Flush_commands", "GLOBAL"), show(c, "Queries", "GLOBAL")
        c.query("FLUSH TABLES")
        assert show(c, "Flush_commands", "GLOBAL") == before[0] + 1 and show(c, "Queries", "GLOBAL") > before[1]
        assert show(c, "Max_used_connections", "GLOBAL") >= 2
        before = show(c, "Threads_created", "GLOBAL")
        Wire(server).quit()
        quell.until(lambda: show(c, "Threads_created", "GLOBAL") == before + 1, what="the listener's count")
        c.query("DROP TABLE h")
        before = show(c, "Access_denied_errors", "GLOBAL")
        try:
            Wire(server, user="nobody_here")
        except Err as e:
            assert e.code == 1045
        assert show(c, "Access_denied_errors", "GLOBAL") == before + 1


def test_rows_sent():
    with Wire(server) as c:
        c.send("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT SLEEP(100)")
        w.until_state(c.id, "User sleep")
        assert w.query(f"SELECT ROWS_SENT FROM information_schema.PROCESSLIST WHERE ID = {c.id}") == [(b"3",)]
        w.kill(c.id)
        assert c.error() == 1317


def test_refresh():
    with Wire(server) as c:
        c.query("SELECT 1")
        for bits in (0, 1, 2, 4, 8, 16, 64, 255):
            c.command(b"\x07" + bytes([bits]))
            assert c.result() == 0, bits
            assert c.ping() == 0
        assert show(c, "Com_select") == 0  # 16: the session's counters began anew
    for user, number in (("plain", 1227), ("flusher", 0)):
        with Wire(server, user=user) as c:
            c.command(b"\x07\x01")
            assert c.error() == number, (user, c.last)
            assert c.value("SELECT 7") == "7"


def test_debug_and_statistics():
    with Wire(server, user="plain") as c:
        c.command(b"\x0d")
        assert c.error() == 1227, c.last
        c.command(b"\x09")
        assert c.packet().startswith(b"Uptime: ")
    w.command(b"\x0d")
    assert w.packet()[0] == 0xFE


def test_field_list():
    w.query("CREATE TABLE d.f (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(10), other INT)")
    w.query("USE d")
    w.command(b"\x04f\0%e%")
    defs = []
    while (p := w.packet())[0] != 0xFE:
        if p[0] == 0xFF:
            raise Err(p)
        defs.append(column(p))
    assert [c.name for c in defs] == ["name", "other"], defs
    w.command(b"\x04f\0")
    first = column(w.packet())
    assert first.flags & (PRI_KEY | AUTO_INCREMENT | NOT_NULL) == PRI_KEY | AUTO_INCREMENT | NOT_NULL, first
    while w.packet()[0] != 0xFE:
        pass
    w.command(b"\x04nope\0")
    assert w.error() == 1146


def close_all():
    w.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
