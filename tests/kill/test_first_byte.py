# SPDX-License-Identifier: Apache-2.0
"""A statement is a target of KILL QUERY from its first byte on: while it is received, converted, masked, copied and parsed, whatever its size, and
between the statements of one text. Who sees Command Query sees a QUERY_ID, and a KILL then hits. It never hits the next statement."""
import threading

import quell
from harness import main
from wire import Err, Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--max-allowed-packet=128M"])
server.start()
watch = Watcher(server)
BIG = 17 << 20  # bytes; two frames


def frames(payload):
    """The payload as packets on the wire, numbered from 0."""
    out, seq, at = [], 0, 0
    while True:
        piece = payload[at:at + 0xFFFFFF]
        out.append(len(piece).to_bytes(3, "little") + bytes([seq]) + piece)
        seq, at = seq + 1, at + len(piece)
        if len(piece) < 0xFFFFFF:
            return b"".join(out), seq


def row_of(conn_id):
    """(COMMAND, QUERY_ID, STATE, INFO) from the process list."""
    rows = watch.query(f"SELECT COMMAND, QUERY_ID, STATE, LEFT(INFO, 20) FROM information_schema.PROCESSLIST WHERE ID = {conn_id}")
    return (rows[0][0].decode(), int(rows[0][1]), rows[0][2].decode(), rows[0][3])


def param(s):
    return b"\xfd" + len(s).to_bytes(3, "little") + s if len(s) < 1 << 24 else b"\xfe" + len(s).to_bytes(8, "little") + s


def execute_payload(stmt, value):
    return b"\x17" + stmt.to_bytes(4, "little") + b"\0\1\0\0\0" + b"\0\1\xfd\0" + param(value)


def commands(v):
    """Commands that run as statements: name, payload, Command while they are received."""
    stmt, _ = v.prepare("SELECT LENGTH(?)")
    return (("QUERY", b"\x03SELECT 1, '" + b"x" * BIG + b"'", "Query"),
            ("QUERY of many", b"\x03DO '" + b"x" * BIG + b"'; DO 1; SELECT 2", "Query"),
            ("QUERY with a password", b"\x03CREATE USER x IDENTIFIED BY 'p' /*" + b"x" * BIG + b"*/", "Query"),
            ("PREPARE", b"\x16SELECT ?, '" + b"x" * BIG + b"'", "Prepare"),
            ("EXECUTE", execute_payload(stmt, b"x" * BIG), "Execute"),
            ("FIELD_LIST", b"\x04t\0" + b"x" * BIG, "Field List"),
            ("INIT_DB", b"\x02" + b"x" * BIG, "Init DB"))


def test_while_it_is_received():
    for cut in (5, 6, 1 << 20, (16 << 20) + 3, -1):
        v = Wire(server)
        for name, payload, command in commands(v):
            data, seq = frames(payload)
            sender = threading.Thread(target=v.raw, args=(data[:cut],))
            sender.start()
            watch.until_command(v.id, command)
            sender.join()
            shown, query_id, _, info = quell.until(lambda: (r := row_of(v.id))[2] == "Receiving from client" and r)
            assert (shown, info) == (command, None) and query_id > 0, (name, cut, shown, query_id, info)
            if cut == 6:
                watch.query(f"KILL QUERY ID {query_id}")
            else:
                watch.query(f"KILL QUERY {v.id}")
            assert not v.readable(0.01), name  # the client has not sent all of it
            v.raw(data[cut:])
            v.seq = seq
            got = v.error()
            assert got == 1317, (name, cut, got, getattr(v, "last", None))
            assert v.value("SELECT 'next'") == "next"
            assert row_of(v.id)[:2] == ("Sleep", 0)
        v.quit()
    watch.until_calm()


def test_connection_is_cut_at_once():
    v = Wire(server)
    v.raw(frames(b"\x03SELECT '" + b"x" * BIG)[0][:1 << 20])
    watch.until_command(v.id, "Query")
    watch.kill(v.id, "CONNECTION")
    assert v.at_end()
    watch.until_gone(v.id)
    v.close()
    watch.until_calm()


def test_what_is_no_statement():
    """A KILL QUERY hits nothing while such a command is received, and not the statement behind it."""
    for name, payload in (("PING", b"\x0e"), ("RESET_CONNECTION", b"\x1f"), ("STATISTICS", b"\x09"), ("SET_OPTION", b"\x1b\0\0")):
        v = Wire(server)
        data = len(payload + b"xxxx").to_bytes(3, "little") + b"\0" + payload + b"xxxx"
        v.raw(data[:6])
        watch.until_state(v.id, "Receiving from client")
        command, query_id, _, _ = row_of(v.id)
        assert command not in ("Query", "Sleep") and query_id == 0, (name, command, query_id)
        watch.kill(v.id)
        v.raw(data[6:])
        v.seq = 1
        v.packet()
        assert v.value("SELECT 'next'") == "next"
        v.quit()
    watch.until_calm()


def test_at_the_first_sight():
    """A text of 7 MB and more, character sets that are converted, words that look like passwords."""
    tries = 6
    tail = b"', SLEEP(1000)"
    for setup, text in (("SET NAMES utf8mb4", b"SELECT '" + b"x" * BIG + tail), ("SET NAMES latin1", b"SELECT '" + b"\xe4" * (BIG // 2) + tail),
                        ("SET NAMES utf8mb4", b"SELECT '" + b"password " * (BIG // 32) + tail),
                        ("SET NAMES utf8mb4", b"SELECT " + b"1," * (BIG // 64) + b"SLEEP(1000)"),
                        ("SET NAMES utf8mb4", b"DO 1; SELECT '" + b"x" * BIG + tail)):
        v = Wire(server)
        v.query(setup)
        data, seq = frames(b"\x03" + text)
        for _ in range(tries):
            t = threading.Thread(target=v.raw, args=(data,))
            t.start()
            watch.until_command(v.id, "Query")
            watch.kill(v.id)
            t.join()
            v.seq = seq
            got = v.error()
            if got == 0:  # the first of the text; the next one is hit
                got = v.error()
            assert got == 1317, (setup, text[:20], got)
            assert v.value("SELECT 'next'") == "next"
        v.quit()
    watch.until_calm()


def test_query_id_whenever_query_is_shown():
    """Statements that come and go as fast as they can, watched by listings."""
    stop = []

    def run(v):
        i = 0
        while not stop:
            i += 1
            v.query("SELECT 1" if i % 2 else "DO 1; DO 2; SELECT 3")
            while v.flags & 8:
                v.result()

    vs = [Wire(server) for _ in range(4)]
    threads = [threading.Thread(target=run, args=(v,)) for v in vs]
    for t in threads:
        t.start()
    seen = bad = 0
    for _ in range(400):
        for command, query_id, info in watch.query("SELECT COMMAND, QUERY_ID, INFO FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()"):
            seen += command == b"Query"
            bad += command == b"Query" and int(query_id) == 0
            bad += int(query_id) == 0 and info is not None
    stop.append(1)
    for t in threads:
        t.join()
    for v in vs:
        v.quit()
    print(f"# Query was seen {seen} times")
    assert seen > 0 and bad == 0, (seen, bad)
    watch.until_calm()


def test_between_the_statements_of_a_text():
    """The first one's outcome is decided, its reply not yet written: a kill is for the second."""
    v = Wire(server)
    v.send("SET DEBUG_SYNC = 'before_reply SIGNAL decided WAIT_FOR go EXECUTE 2'")  # its own reply first
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR decided'")
    first = row_of(v.id)[1]
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    v.result()
    v.send("SELECT 'first'; SELECT 'second'; SELECT 'third'")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR decided'")
    command, query_id, _, info = row_of(v.id)
    assert command == "Query" and info is None and query_id > first
    watch.query(f"KILL QUERY ID {query_id}")
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    assert v.result() == [(b"first",)]
    assert v.error() == 1317
    assert v.value("SELECT 'next'") == "next"
    v.quit()
    watch.query("SET DEBUG_SYNC = 'RESET'")
    watch.until_calm()


def test_a_text_whose_results_are_not_read():
    """Waiting to send the results of earlier statements of the text is part of the next one. Who reads then gets them all, and 1317."""
    v = Wire(server, rcvbuf=4096)
    v.send(";".join(["SELECT REPEAT('x', 15000)"] * 200))
    watch.until_state(v.id, "Sending to client")
    command, query_id, _, _ = row_of(v.id)
    assert command == "Query" and query_id > 0
    watch.kill(v.id)
    whole = 0
    try:
        while True:
            assert len(v.result()[0][0]) == 15000
            whole += 1
    except Err as e:
        assert e.code == 1317
    assert 0 < whole < 200
    assert v.value("SELECT 'next'") == "next"
    v.quit()
    v = Wire(server, rcvbuf=4096)
    v.send(";".join(["SELECT REPEAT('x', 15000)"] * 200))
    watch.until_state(v.id, "Sending to client")
    watch.kill(v.id)
    watch.until_gone(v.id)  # it does not read: kill_write_grace later it is over
    v.close()
    watch.until_calm()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
