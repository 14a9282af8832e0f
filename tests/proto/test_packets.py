#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Malformed, truncated, out-of-sequence, oversized and slow packets: each ends its own connection with the right error and touches nobody else."""
import os
import socket
import struct
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from harness import main  # noqa: E402
from quell import Server, until  # noqa: E402
from rawwire import (CONNECT_WITH_DB, DEPRECATE_EOF, MULTI_STATEMENTS, SSL, Closed, Err, Wire)  # noqa: E402

server = Server(args=["--connect-timeout=2", "--net-read-timeout=1", "--max-allowed-packet=33554432"]).start()
watcher = Wire(server.socket).login()


def close_all():
    watcher.close()
    server.__exit__(None, None, None)


def status(name):
    return int(watcher.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[1][0][1])


def alive():
    watcher.ping()
    w = Wire(server.socket).login()
    w.ping()
    w.close()


def connected():
    return Wire(server.socket).login()


def test_greeting_is_v10_with_20_byte_nonce():
    w = Wire(("127.0.0.1", server.port))
    p = w.greeting()
    assert p[0] == 10 and w.version.startswith("8.4."), p[:20]
    assert len(w.nonce) == 20 and 0 not in w.nonce and w.plugin == "caching_sha2_password"
    w.close()


def test_ping_statistics_and_unknown_command():
    w = connected()
    w.ping()
    w.command(9)
    assert b"Uptime:" in w.packet()
    w.command(0x77)
    w.expect_error(1047)
    w.ping()
    w.close()


def test_deprecate_eof_on_and_off():
    for caps in (0, DEPRECATE_EOF):
        w = Wire(server.socket).login(caps=caps)
        cols, rows, _ = w.query("SELECT 1, NULL, 'x'")
        assert len(cols) == 3 and rows == [[b"1", None, b"x"]], rows
        w.close()


def test_empty_packet_is_malformed():
    w = connected()
    w.seq = 0
    w.send(b"")
    w.expect_error(1835)
    w.expect_closed()
    alive()


def test_out_of_sequence():
    w = connected()
    w.send(b"\x0e", seq=3)
    w.expect_error(1156)
    w.expect_closed()
    alive()


def test_too_large_packet():
    w = connected()
    w.raw(b"\xff\xff\xff\0" + b"\x03" + b"x" * 0xfffffe)
    w.raw(b"\xff\xff\xff\1" + b"x" * 0xffffff)
    try:
        w.raw(b"\xff\xff\xff\2" + b"x" * 0xffffff)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        w.expect_error(1153)
        w.expect_closed()
    except Closed:
        pass  # what was still on its way made the kernel drop the error packet
    alive()


def test_packet_of_exactly_16_mb():
    w = connected()
    head, tail = b"SELECT LENGTH('", b"')"
    for total in (0xffffff - 1, 0xffffff, 0xffffff + 1, 0x1000000 + 5):
        n = total - 1 - len(head) - len(tail)
        rows = w.query(head + b"a" * n + tail)[1]
        assert rows == [[str(n).encode()]], (total, rows)
    w.close()


def test_result_larger_than_16_mb():
    w = connected()
    for n in (0xffffff - 4, 0xffffff - 5, 0xffffff, 17 << 20):
        rows = w.query(f"SELECT REPEAT('b', {n})")[1]
        assert len(rows[0][0]) == n, (n, len(rows[0][0]))
    w.close()


def test_silence_inside_a_packet():
    w = connected()
    w.raw(b"\x20\0\0\0\x03SELECT")
    t = time.monotonic()
    w.expect_error(1159)
    assert 0.5 < time.monotonic() - t < 5
    w.expect_closed()
    alive()


def test_end_inside_a_packet():
    until(lambda: status("Threads_connected") == 1, what="quiet")
    before = status("Aborted_clients")
    w = connected()
    w.raw(b"\x20\0\0\0\x03SELECT")
    w.close()
    until(lambda: status("Aborted_clients") == before + 1, what="Aborted_clients")
    alive()


def test_one_byte_at_a_time():
    w = connected()
    for b in b"\x0b\0\0\0\x03SELECT 42+":
        w.raw(bytes([b]))
    w.expect_error(1064)
    for b in b"\x0a\0\0\0\x03SELECT 42":
        w.raw(bytes([b]))
        time.sleep(0.002)
    assert w.result()[1] == [[b"42"]]
    w.close()


def test_several_commands_in_one_write():
    w = connected()
    q = b"\x09\0\0\0\x03SELECT 7"
    w.raw(q * 50)
    for _ in range(50):
        assert w.result()[1] == [[b"7"]]
    w.close()


def test_silent_drop_before_login():
    until(lambda: status("Threads_connected") == 1, what="quiet")
    before = status("Aborted_connects")
    w = Wire(server.socket)
    w.greeting()
    w.close()
    until(lambda: status("Aborted_connects") == before + 1, what="Aborted_connects")


def test_connect_timeout():
    w = Wire(server.socket)
    w.greeting()
    t = time.monotonic()
    w.expect_closed()
    assert 1 < time.monotonic() - t < 6
    w = Wire(("127.0.0.1", server.port))
    w.greeting()
    w.raw(b"\x20\0\0\1" + struct.pack("<IIB23x", 0x85a685 | SSL | 512, 1 << 24, 45)[:10])
    w.expect_closed()
    alive()


def test_truncated_hellos():
    w = Wire(server.socket)
    w.greeting()
    whole = w.hello("root", b"", "mysql", CONNECT_WITH_DB)
    w.close()
    for n in list(range(0, 40)) + [len(whole) - 25]:
        w = Wire(server.socket)
        w.greeting()
        w.send(whole[:n])
        try:
            p = w.packet()
            # a hello that ends behind the user's name is whole enough to be asked for the password
            assert p[:1] == b"\xfe" if n >= 38 else Err(p).number in (1043, 1251, 1045), (n, p)
        except Closed:
            pass
        w.close()
    alive()


def test_hello_with_wrong_sequence():
    w = Wire(server.socket)
    w.greeting()
    w.send(w.hello(), seq=7)
    w.expect_error(1156)
    w.expect_closed()


def test_old_client_without_protocol_41():
    w = Wire(server.socket)
    w.greeting()
    w.send(struct.pack("<HB", 1, 0) + b"\0\xff\xff" + b"root\0" + b"\0" * 40)
    p = w.packet()
    assert p[:1] == b"\xff" and Err(p).number in (1251, 1043), p


def test_wrong_password_and_unknown_user():
    for user, password, word in (("root", "x", "YES"), ("nobody_here", "x", "YES"), ("nobody_here", "", "NO")):
        w = Wire(server.socket)
        try:
            w.login(user=user, password=password)
            raise AssertionError("let in")
        except Err as e:
            assert e.number == 1045 and e.state == "28000", e
            assert e.text == f"Access denied for user '{user}'@'localhost' (using password: {word})", e
        w.close()


def test_unknown_database_at_login():
    w = Wire(server.socket)
    try:
        w.login(db="no_such_db")
        raise AssertionError("let in")
    except Err as e:
        assert e.number == 1049 and e.state == "42000", e


def test_random_bytes_do_no_harm():
    import random
    r = random.Random(7)
    for i in range(120):
        w = Wire(server.socket)
        w.greeting()
        if i % 2:
            w.send(w.hello())
            w.finish_login("")
        try:
            w.raw(bytes(r.randrange(256) for _ in range(r.randrange(1, 300))))
        except OSError:
            pass
        w.close()
    alive()


def test_multi_statements_stop_at_the_error():
    w = Wire(server.socket).login(caps=MULTI_STATEMENTS)
    w.command(3, b"SELECT 1; SELECT 2; SELECT nothing_here; SELECT 4")
    assert w.result()[2] & 8
    assert w.result()[2] & 8
    try:
        w.result()
        raise AssertionError("no error")
    except Err as e:
        assert e.number == 1054, e
    w.ping()
    w.close()
    w = connected()
    w.command(3, b"SELECT 1; SELECT 2")
    w.expect_error(1064)
    w.close()


def test_wait_timeout_tells_4031():
    w = connected()
    w.query("SET SESSION wait_timeout = 1")
    t = time.monotonic()
    w.expect_error(4031)
    assert 0.8 < time.monotonic() - t < 4
    w.expect_closed()


def test_many_connections_come_and_go():
    for _ in range(10):
        ws = [Wire(server.socket) for _ in range(30)]
        for w in ws:
            w.login()
        for w in ws:
            w.ping()
        for w in ws:
            w.close()
    until(lambda: status("Threads_connected") == 1, what="one connection left")


if __name__ == "__main__":
    main(globals())
