#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""LOAD DATA LOCAL on the wire: the request, files in packets of every size, numbers out of order, multi-statements behind it, errors in the
middle. The connection is in step afterwards or it is closed."""
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from harness import main  # noqa: E402
from quell import Server, until  # noqa: E402
from rawwire import DEPRECATE_EOF, MULTI_STATEMENTS, Closed, Wire  # noqa: E402

LOCAL_FILES = 128
server = Server(args=["--local-infile=1", "--net-read-timeout=2", "--max-allowed-packet=64M", "--character-set-server=utf8mb4"]).start()
watcher = Wire(server.socket).login()
watcher.query("CREATE DATABASE d")
watcher.query("CREATE TABLE d.t (a INT PRIMARY KEY, b LONGTEXT)")
LOAD = "LOAD DATA LOCAL INFILE 'the \u00e4 file' INTO TABLE d.t"


def close_all():
    watcher.close()
    server.__exit__(None, None, None)


def connected(caps=LOCAL_FILES | MULTI_STATEMENTS | DEPRECATE_EOF):
    return Wire(server.socket).login(caps=caps)


def asked(w, sql=LOAD):
    w.command(3, sql.encode())
    p = w.packet()
    assert p[:1] == b"\xfb", p[:60]
    assert w.seq == 2, w.seq
    return p[1:].decode()


def rows():
    got = watcher.query("SELECT a, LENGTH(b) FROM d.t ORDER BY a")[1]
    watcher.query("DELETE FROM d.t")
    return [(int(a), int(n)) for a, n in got]


def usable(w):
    assert w.value("SELECT 40 + 2") == "42"
    w.ping()
    w.close()


def ends_with(w, number):
    """The connection is over; the error is told if it can be."""
    try:
        w.expect_error(number)
        w.expect_closed()
    except (Closed, OSError):
        pass
    w.close()


def test_request_and_pieces():
    data = b"".join(b"%d\t%s\n" % (i, b"x" * (i % 50)) for i in range(200))
    for size in (1, 7, 1000, len(data)):
        w = connected()
        assert asked(w) == "the \u00e4 file"
        for at in range(0, len(data), size):
            w.send(data[at:at + size])
        w.send(b"")
        assert w.result()[0] == 200
        assert rows() == [(i, i % 50) for i in range(200)]
        usable(w)


def test_empty_file():
    w = connected()
    asked(w)
    w.send(b"")
    assert w.result()[0] == 0
    usable(w)


def test_packets_of_16_mb():
    """A packet of exactly 0xffffff bytes goes on in the next one, which may be empty: that is not the end of the file."""
    frame = 0xffffff
    first = b"1\t" + b"x" * (frame - 3) + b"\n"
    w = connected()
    asked(w)
    w.send(first)  # two frames, the second of no bytes
    w.send(b"2\ty\n3\t" + b"z" * frame + b"\n")
    w.send(b"4\tw\n")
    w.send(b"")
    assert w.result()[0] == 4
    assert rows() == [(1, frame - 3), (2, 1), (3, frame), (4, 1)]
    usable(w)


def test_error_in_the_middle():
    """Duplicate key with REPLACE's strictness: the rest of the file comes, then the error; nothing is in the table."""
    w = connected()
    asked(w, LOAD.replace("INTO", "REPLACE INTO"))
    w.send(b"1\ta\nx\tb\n")  # 1366
    for _ in range(100):
        w.send(b"2\tb\n" * 1000)
    w.send(b"")
    w.expect_error(1366)
    assert rows() == []
    usable(w)


def test_errors_before_the_request():
    w = connected()
    for sql, number in ((LOAD.replace("d.t", "d.none"), 1146), (LOAD + " (a, nosuch)", 1054), (LOAD.replace("'the", "'the' FIELDS TERMINATED BY 'x") + " 1", 1064)):
        w.command(3, sql.encode())
        w.expect_error(number)
    usable(w)
    w = connected(caps=DEPRECATE_EOF)  # the client says that it sends no files
    w.command(3, LOAD.encode())
    w.expect_error(3948)
    usable(w)


def test_multi_statements():
    """The text that follows outlives the file, which is larger than it."""
    w = connected()
    asked(w, LOAD + "; SELECT COUNT(*), 'behind it' FROM d.t; " + LOAD + "; SELECT MAX(a), 'at the end' FROM d.t")
    w.send(b"".join(b"%d\t%s\n" % (i, b"y" * 500) for i in range(1000)))
    w.send(b"")
    assert w.result()[0] == 1000
    assert w.result()[1] == [[b"1000", b"behind it"]]
    assert w.packet()[:1] == b"\xfb"
    w.send(b"5000\tlast\n")
    w.send(b"")
    assert w.result()[0] == 1
    assert w.result()[1] == [[b"5000", b"at the end"]]
    assert len(rows()) == 1001
    usable(w)


def test_wrong_numbers_end_the_connection():
    w = connected()
    asked(w)
    w.send(b"1\ta\n")
    w.send(b"2\tb\n", seq=77)
    ends_with(w, 1156)
    assert rows() == []


def test_a_file_that_ends_in_the_middle_of_a_packet():
    w = connected()
    asked(w)
    w.send(b"1\ta\n")
    w.raw(b"\x10\0\0\x03half")
    w.close()
    until(lambda: watcher.value(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {w.id}") == "0", what="the session gone")
    assert rows() == []


def test_packet_larger_than_allowed():
    watcher.query("SET GLOBAL max_allowed_packet = 1048576")
    w = connected()
    watcher.query("SET GLOBAL max_allowed_packet = 67108864")
    asked(w)
    try:
        w.send(b"1\t" + b"x" * (2 << 20) + b"\n")
        w.send(b"")
    except OSError:
        pass  # closed while it was sent
    ends_with(w, 1153)
    assert rows() == []


def test_not_in_a_prepared_statement():
    w = connected()
    w.command(0x16, LOAD.encode())
    w.expect_error(1295)
    usable(w)


if __name__ == "__main__":
    main(globals())
