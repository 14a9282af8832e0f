#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Clients that do not read, and clients that vanish: kills end their statements, the protocol stays in step, the server keeps nothing of them."""
import os
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from harness import main  # noqa: E402
from quell import SLOWNESS, Server, until  # noqa: E402
from rawwire import MULTI_STATEMENTS, Closed, Err, Wire  # noqa: E402

server = Server(args=["--max-allowed-packet=67108864"]).start()
root = Wire(server.socket).login(caps=MULTI_STATEMENTS)
root.query("CREATE DATABASE p")
root.query("USE p")
root.query("CREATE TABLE big (id INT PRIMARY KEY, pad VARCHAR(1000))")
for start in range(0, 20000, 2000):
    root.query("INSERT INTO big VALUES " + ",".join(f"({i}, REPEAT('x', 900))" for i in range(start, start + 2000)))
root.query("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
root.query("INSERT INTO t VALUES (1, 0), (2, 0)")


def close_all():
    root.close()
    server.__exit__(None, None, None)


def processes():
    """id -> (command, state, info)"""
    rows = root.query("SHOW FULL PROCESSLIST")[1]
    return {int(r[0]): [x.decode() if x is not None else None for x in (r[4], r[6], r[7])] for r in rows}


def state_of(i):
    return processes().get(i, [None, None, None])[1]


def status(name):
    return int(root.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[1][0][1])


def slow_reader(sql=b"SELECT * FROM big"):
    """A statement stuck in sending: small buffers, nothing read."""
    w = Wire(("127.0.0.1", server.port), rcvbuf=4096).login(db="p")
    w.command(3, sql)
    until(lambda: state_of(w.id) == "Sending to client", what="Sending to client")
    return w


def read_to_end(w):
    """Rows until the end of the result: (rows, error number or None)."""
    rows = 0
    try:
        rows = len(w.result()[1])
        return rows, None
    except Err as e:
        return rows, e.number


def test_query_kill_then_reader_goes_on():
    w = slow_reader()
    t = time.monotonic()
    root.query(f"KILL QUERY {w.id}")
    time.sleep(0.05)
    rows, error = read_to_end(w)
    assert error == 1317, error
    assert time.monotonic() - t < 5
    assert w.query("SELECT 5")[1] == [[b"5"]]
    w.close()


def test_query_kill_and_reader_stays_silent():
    w = slow_reader()
    t = time.monotonic()
    root.query(f"KILL QUERY {w.id}")
    until(lambda: w.id not in processes(), what="connection gone after the grace")
    assert 0.8 < time.monotonic() - t < 4
    w.close()


def test_locks_are_free_during_the_grace():
    w = Wire(("127.0.0.1", server.port), rcvbuf=4096).login(db="p")
    w.query("SET SESSION innodb_lock_wait_timeout = 1")
    w.command(3, b"SELECT * FROM big")
    until(lambda: state_of(w.id) == "Sending to client")
    root.query(f"KILL QUERY {w.id}")
    t = time.monotonic()
    root.query("DROP TABLE IF EXISTS nothing")
    root.query("CREATE TABLE nothing (a INT)")
    root.query("DROP TABLE nothing")
    assert time.monotonic() - t < 0.7
    w.close()


def test_connection_kill_cuts_at_once():
    w = slow_reader()
    t = time.monotonic()
    root.query(f"KILL {w.id}")
    until(lambda: w.id not in processes(), what="connection gone")
    assert time.monotonic() - t < 0.5
    try:
        while True:
            w.packet()
    except Closed:
        pass
    w.close()


def test_reader_that_takes_its_time_gets_everything():
    w = slow_reader()
    time.sleep(0.2)
    rows, error = read_to_end(w)
    assert (rows, error) == (20000, None)
    assert w.query("SELECT 5")[1] == [[b"5"]]
    w.close()


def test_write_timeout():
    w = Wire(("127.0.0.1", server.port), rcvbuf=4096).login(db="p")
    w.query("SET SESSION net_write_timeout = 1")
    w.command(3, b"SELECT * FROM big")
    until(lambda: state_of(w.id) == "Sending to client")
    t = time.monotonic()
    until(lambda: w.id not in processes(), what="connection gone")
    assert time.monotonic() - t < 5
    w.close()


def test_one_big_packet_is_finished_in_the_grace():
    root.query("SET GLOBAL kill_write_grace = 60000")
    try:
        finish_big_packet()
    finally:
        root.query("SET GLOBAL kill_write_grace = DEFAULT")


def finish_big_packet():
    w = Wire(("127.0.0.1", server.port), rcvbuf=4096).login(db="p")
    w.command(3, b"SELECT REPEAT('y', 30000000) UNION ALL SELECT REPEAT('z', 30000000)")
    try:
        until(lambda: state_of(w.id) == "Sending to client", 10)
    except AssertionError:
        w.close()
        raise
    root.query(f"KILL QUERY {w.id}")
    rows, error = read_to_end(w)
    assert error == 1317, error
    w.ping()
    w.close()


def test_vanished_while_sleeping():
    until(lambda: len(processes()) == 1, what="quiet")
    before = status("Aborted_clients")
    w = Wire(server.socket).login()
    w.command(3, b"SELECT SLEEP(1000)")
    until(lambda: state_of(w.id) == "User sleep")
    t = time.monotonic()
    w.close()
    until(lambda: w.id not in processes(), what="vanished client noticed")
    assert time.monotonic() - t < 0.5
    until(lambda: status("Aborted_clients") == before + 1)


def test_vanished_right_after_sending():
    for _ in range(50):
        w = Wire(server.socket).login()
        w.command(3, b"SELECT SLEEP(1000)")
        w.close()
    until(lambda: len(processes()) == 1, what="all vanished clients noticed")


def test_vanished_with_row_locks():
    w = Wire(server.socket).login(db="p")
    w.query("BEGIN")
    w.query("UPDATE t SET v = v + 1 WHERE id = 1")
    w.command(3, b"SELECT SLEEP(1000)")
    until(lambda: state_of(w.id) == "User sleep")
    w.close()
    t = time.monotonic()
    root.query("UPDATE t SET v = 7 WHERE id = 1")
    assert time.monotonic() - t < 1
    assert root.query("SELECT v FROM t WHERE id = 1")[1] == [[b"7"]]


def test_vanished_but_not_wanted():
    w = Wire(server.socket).login()
    w.query("SET SESSION kill_on_client_gone = OFF")
    w.command(3, b"SELECT SLEEP(1000)")
    until(lambda: state_of(w.id) == "User sleep")
    w.close()
    time.sleep(0.3)
    assert state_of(w.id) == "User sleep"
    root.query(f"KILL QUERY {w.id}")
    until(lambda: w.id not in processes())


def test_quit_is_not_aborted():
    until(lambda: len(processes()) == 1, what="quiet")
    before = status("Aborted_clients")
    for _ in range(100):
        w = Wire(server.socket).login()
        w.query("SELECT 1")
        w.command(1)
        w.close()
    until(lambda: len(processes()) == 1)
    assert status("Aborted_clients") == before


def test_idle_connection_killed():
    w = Wire(server.socket).login()
    root.query(f"KILL QUERY {w.id}")
    w.ping()
    root.query(f"KILL {w.id}")
    w.expect_closed()


def test_own_kill():
    w = Wire(server.socket).login()
    w.command(3, f"KILL QUERY {w.id}".encode())
    w.expect_error(1317)
    w.ping()
    w.command(3, b"KILL CONNECTION_ID()")
    w.expect_error(1317)
    w.expect_closed()


def test_kills_at_statement_boundaries():
    """Kills raced against short statements: each ends whole or with 1317, the protocol stays in step, the next statement is untouched."""
    import threading
    victim = Wire(server.socket).login()
    stop = []

    def kill():
        k = Wire(server.socket).login()
        k.ping()
        while not stop:
            k.query(f"KILL QUERY {victim.id}")
        k.close()

    th = threading.Thread(target=kill)
    th.start()
    killed = 0
    try:
        i, end = 0, time.monotonic() + 30
        while (i < 1500 or killed < 20) and time.monotonic() < end:
            i += 1
            try:
                assert victim.query(f"SELECT {i}")[1] == [[str(i).encode()]]
            except Err as e:
                assert e.number == 1317, e
                killed += 1
            victim.ping()
    finally:
        stop.append(1)
        th.join()
    assert victim.query("SELECT 'still in step'")[1] == [[b"still in step"]]
    victim.close()
    assert killed >= 20, killed


def test_killed_text_goes_no_further():
    """KILL ends a multi-statement text: what follows is not run."""
    w = Wire(server.socket).login(db="p", caps=MULTI_STATEMENTS)
    w.command(3, b"SELECT 1; SELECT SLEEP(1000); UPDATE t SET v = 99 WHERE id = 2")
    w.result()
    until(lambda: state_of(w.id) == "User sleep")
    root.query(f"KILL QUERY {w.id}")
    try:
        w.result()
        raise AssertionError("not killed")
    except Err as e:
        assert e.number == 1317
    w.ping()
    assert root.query("SELECT v FROM t WHERE id = 2")[1] == [[b"0"]]
    w.close()


def test_stop_with_statements_running():
    ws = [Wire(server.socket).login() for _ in range(20)]
    for w in ws[:10]:
        w.command(3, b"SELECT SLEEP(1000)")
    for w in ws[:10]:
        until(lambda: state_of(w.id) == "User sleep")
    slow = slow_reader()
    t = time.monotonic()
    rc = server.stop()
    took = time.monotonic() - t
    assert rc == 0, server.log_text()[-3000:]
    assert took < 1.5 * SLOWNESS, took
    for w in ws[:10]:
        try:
            w.result()
            raise AssertionError("no error")
        except Err as e:
            assert e.number == 1053, e
    for w in ws[10:]:
        w.expect_closed()
    slow.close()
    server.start()
    root.s.close()
    root.__init__(server.socket)
    root.login(db="p")
    assert root.query("SELECT COUNT(*) FROM big")[1] == [[b"20000"]]


if __name__ == "__main__":
    main(globals())
