#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The front door: sockets that never log in keep nobody out, the doors for administrators, what the log says of logins refused."""
import os
import re
import shutil
import socket
import stat
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from harness import main  # noqa: E402
from quell import Server, free_port, until  # noqa: E402
from rawwire import PLUGIN_AUTH, BASE, Err, Wire, native  # noqa: E402

SILENT = 300


def silent(n, address, source=None):
    """n connections that say nothing."""
    out = []
    for _ in range(n):
        s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(20)
        if source:
            s.bind((source, 0))
        s.connect(address)
        out.append(s)
    return out


def close(sockets):
    for s in sockets:
        s.close()


def refused(w, number, *args, **kw):
    try:
        w.login(*args, **kw)
    except Err as e:
        assert e.number == number, e
        return e
    finally:
        w.close()
    raise AssertionError(f"no error {number}")


def unauthenticated(w):
    return int(w.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'unauthenticated user'"))


def status(w, name):
    return int(w.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[1][0][1])


def admin_socket(s):
    return s.socket.replace(".sock", "-admin.sock")


def test_silent_sockets_keep_nobody_out():
    port = free_port()
    s = Server(args=["--max-connections=20", "--connect-timeout=300", "--admin-address=127.0.0.1"])
    s.args.append(f"--admin-port={port}")
    with s:
        doors = [("127.0.0.1", s.port), s.socket, ("127.0.0.1", port), admin_socket(s)]
        held = []
        for door in doors:
            held += silent(SILENT, door)
            for way_in in doors:
                w = Wire(way_in).login()
                assert w.value("SELECT 1") == "1"
                w.close()
        w = Wire(s.socket).login()
        # the ordinary doors have room for 1,024, those of administrators for 256
        until(lambda: 2 * SILENT + 250 <= unauthenticated(w) <= 2 * SILENT + 256, what="the process list settled")
        assert 2 * SILENT - 256 <= status(w, "Quell_logins_ended") <= 2 * SILENT - 250
        assert status(w, "Max_used_connections") <= 3
        assert "was ended to make room" in s.log_text()
        close(held)
        until(lambda: unauthenticated(w) == 0, what="the silent ones gone")
        w.close()


def test_more_silent_sockets_than_there_is_room_for():
    with Server(args=["--login-limit=50", "--connect-timeout=300"]) as s:
        root = Wire(s.socket).login()
        held = silent(SILENT, ("127.0.0.1", s.port))
        for _ in range(3):
            Wire(("127.0.0.1", s.port)).login().close()
            Wire(s.socket).login().close()
        assert unauthenticated(root) <= 50
        assert status(root, "Quell_logins_ended") >= SILENT - 50
        root.query("SET GLOBAL login_limit = 20")
        Wire(("127.0.0.1", s.port)).login().close()
        close(held)
        root.close()


def test_a_crowd_from_one_address_spares_the_others():
    with Server(args=["--login-limit=60", "--connect-timeout=300"]) as s:
        root = Wire(s.socket).login()
        root.query("CREATE USER r@'%' IDENTIFIED WITH mysql_native_password BY 'x'")
        alone = Wire.__new__(Wire)
        alone.s, = silent(1, ("127.0.0.1", s.port), "127.0.0.2")
        alone.buf, alone.seq = b"", 0
        held = silent(SILENT, ("127.0.0.1", s.port))
        Wire(("127.0.0.1", s.port)).login().close()
        assert status(root, "Quell_logins_ended") >= SILENT - 60
        alone.login("r", "x", plugin="mysql_native_password")  # the oldest of all, and still there
        assert alone.value("SELECT USER()") == "r@127.0.0.2"
        alone.close()
        close(held)
        root.close()


def test_logins_are_not_counted_as_connections():
    with Server(args=["--max-connections=2"]) as s:
        root = Wire(s.socket).login()
        root.query("CREATE USER small@localhost IDENTIFIED WITH mysql_native_password BY ''")
        held = silent(10, s.socket)
        small = Wire(s.socket).login("small", plugin="mysql_native_password")
        refused(Wire(s.socket), 1040, "small", plugin="mysql_native_password")
        extra = Wire(s.socket).login()
        Wire(s.socket).expect_error(1040)
        Wire(admin_socket(s)).login().close()
        # CHANGE USER to one without the privilege, while there are more than max_connections
        p = b"small\0" + b"\0" + b"\0" + b"\xff\x00" + b"mysql_native_password\0"
        extra.command(0x11, p)
        r = extra.packet()
        if r[:1] == b"\xfe":
            extra.send(b"")
            r = extra.packet()
        assert r[:1] == b"\xff" and Err(r).number == 1040, r
        extra.close()
        small.close()
        close(held)
        until(lambda: len(root.query("SHOW PROCESSLIST")[1]) == 1)
        assert status(root, "Connection_errors_max_connections") >= 3
        root.close()


def test_silent_ones_end_by_themselves():
    with Server(args=["--connect-timeout=2"]) as s:
        root = Wire(s.socket).login()
        held = silent(5, s.socket)
        until(lambda: unauthenticated(root) == 5)
        until(lambda: unauthenticated(root) == 0, what="connect_timeout")
        close(held)
        root.close()


def test_admin_socket():
    with Server() as s:
        root = Wire(s.socket).login()
        path = admin_socket(s)
        assert root.value("SELECT @@admin_socket") == path
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        root.query("CREATE USER small@localhost IDENTIFIED WITH mysql_native_password BY ''")
        assert "SERVICE_CONNECTION_ADMIN" in refused(Wire(path), 1227, "small", plugin="mysql_native_password").text
        w = Wire(path).login()
        w.query(f"KILL {root.id}")
        root.expect_closed()
        w.close()
        s.stop()
        assert not os.path.exists(path)
        for args, there in ((["--skip-admin-socket"], None), (["--admin-socket=OFF"], None), ([f"--admin-socket={s.dir}/boss"], f"{s.dir}/boss")):
            s.args = args
            s.start()
            w = Wire(s.socket).login()
            assert w.value("SELECT @@admin_socket") == (there or "")
            assert not os.path.exists(path)
            if there:
                Wire(there).login().close()
            w.close()
            s.stop()
        s.args = []
        s.start()


def test_a_socket_path_of_almost_the_limit():
    """The administrators' one does not fit beside it: a warning, and the server starts."""
    s = Server()
    room = 107 - len(str(s.dir)) - len("/.sock")
    s.socket = f"{s.dir}/{'x' * room}.sock"
    with s:
        w = Wire(s.socket).login()
        assert w.value("SELECT @@admin_socket") == ""
        assert "admin" in s.log_text() and "too long" in s.log_text()
        w.close()


def lines(s, word):
    return [x for x in s.log_text().splitlines() if word in x]


def test_refused_logins_are_in_the_log():
    with Server() as s:
        root = Wire(s.socket).login()
        root.query("CREATE USER n@'%' IDENTIFIED WITH mysql_native_password BY 'right'")
        root.query("CREATE USER h@localhost IDENTIFIED WITH auth_socket AS 'nobody-at-all'")
        w = Wire(("127.0.0.1", s.port))
        refused(w, 1045, "n", "wrong", plugin="mysql_native_password")
        line, = until(lambda: lines(s, "'n'@'localhost'"))
        assert "[Warning]" in line and "Access denied for user 'n'@'localhost' (using password: YES)" in line and "password is wrong" in line, line
        assert line.split()[1] == str(w.id), line  # the connection's id
        refused(Wire(s.socket), 1045, "absent", "p\x1b[2J")
        line, = until(lambda: lines(s, "'absent'@"))
        assert "no such account" in line, line
        refused(Wire(s.socket), 1698, "h")
        assert "operating system user" in until(lambda: lines(s, "'h'@"))[0]
        refused(Wire(s.socket), 1045, "ev\x1b[2Jil\nline", "x")
        line, = until(lambda: lines(s, "ev?[2Jil line"))
        assert "\x1b" not in s.log_text()
        refused(Wire(s.socket), 1049, db="nowhere")
        assert "Unknown database 'nowhere'" in until(lambda: lines(s, "nowhere"))[0]
        assert status(root, "Access_denied_errors") == 3
        root.command(0x11, b"n\0" + b"\0" + b"\0" + b"\xff\x00" + b"mysql_native_password\0")
        p = root.packet()
        assert p[:1] == b"\xfe"
        root.send(b"x" * 20)
        root.expect_error(1045)
        until(lambda: len(lines(s, "'n'@'localhost'")) == 2)
        root.close()


def test_a_flood_of_refused_logins_does_not_flood_the_log():
    with Server() as s:
        tried = 0

        def knock():
            nonlocal tried
            refused(Wire(s.socket), 1045, "stranger", "x")
            tried += 1

        def accounted():
            """Lines written and lines left out, when one has just been written that says how many were."""
            knock()
            left_out = sum(int(re.search(r"(\d+) more logins", x).group(1)) for x in lines(s, "more logins were refused"))
            return len(lines(s, "Login of 'stranger'")) + left_out == tried and left_out > 0
        for _ in range(200):
            knock()
        until(accounted, what="each is written or counted")


def test_change_user_without_plugin_auth():
    """Such a client answers the nonce of the greeting: there is no switch."""
    with Server() as s:
        root = Wire(s.socket).login()
        root.query("CREATE USER a@localhost IDENTIFIED WITH mysql_native_password BY 'pa'")
        root.query("CREATE USER b@localhost IDENTIFIED WITH mysql_native_password BY 'pb'")
        root.query("CREATE USER c@localhost IDENTIFIED WITH caching_sha2_password BY 'pc'")
        for password, number in (("pb", 0), ("wrong", 1045)):
            w = Wire(s.socket)
            w.greeting()
            hello = bytearray(w.hello("a", native("pa", w.nonce), plugin=""))
            w.caps = BASE & ~PLUGIN_AUTH
            hello[:4] = w.caps.to_bytes(4, "little")
            w.send(bytes(hello[:-1]))  # no plugin name
            w.finish_login("pa")
            auth = native(password, w.nonce)
            w.command(0x11, b"b\0" + bytes([len(auth)]) + auth + b"\0" + b"\xff\x00")
            if number:
                w.expect_error(number)
                w.close()
                continue
            w.result()
            assert w.value("SELECT CURRENT_USER()") == "b@localhost"
            w.command(0x11, b"c\0" + b"\0" + b"\0" + b"\xff\x00")
            w.expect_error(1251)
            w.close()
        root.close()


def test_kills_are_in_the_log():
    with Server(args=["--log-error-verbosity=3"]) as s:
        root = Wire(s.socket).login()
        root.query("CREATE USER n@'%' IDENTIFIED WITH mysql_native_password BY ''")
        victims = [Wire(("127.0.0.1", s.port)).login("n", plugin="mysql_native_password") for _ in range(3)]
        sleeping = victims[1]
        sleeping.command(3, b"SELECT SLEEP(1000)")
        until(lambda: root.value(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {sleeping.id} AND STATE = 'User sleep'") == "1")
        root.query(f"KILL QUERY {sleeping.id}")
        sleeping.expect_error(1317)
        root.query(f"KILL {victims[0].id}")
        root.query("KILL USER n")
        said = lines(s, "was killed by")
        by = f"was killed by connection {root.id} of root@localhost"
        assert len(said) == 4 and all(by in x and "[Note]" in x and x.split()[1] == str(root.id) for x in said), said
        assert f"The statement of connection {sleeping.id} of 'n'@'localhost:" in said[0], said
        assert f" Connection {victims[0].id} of 'n'@'localhost:" in said[1], said
        root.query("SET GLOBAL log_error_verbosity = 2")
        w = Wire(s.socket).login()
        root.query(f"KILL {w.id}")
        assert len(lines(s, "was killed by")) == 4
        root.close()


def test_log_is_opened_anew():
    s = Server()
    s.args = [f"--log-error={s.dir}/errors.log"]
    log = s.dir / "errors.log"
    with s:
        root = Wire(s.socket).login()
        refused(Wire(s.socket), 1045, "first", "x")
        until(lambda: "'first'" in log.read_text())
        shutil.move(log, s.dir / "old")
        refused(Wire(s.socket), 1045, "second", "x")
        until(lambda: "'second'" in (s.dir / "old").read_text())
        root.query("FLUSH LOGS")
        assert log.exists()
        refused(Wire(s.socket), 1045, "third", "x")
        until(lambda: "'third'" in log.read_text())
        assert "'third'" not in (s.dir / "old").read_text()
        shutil.move(log, s.dir / "old2")
        os.kill(s.proc.pid, 1)
        until(lambda: log.exists() and "SIGHUP" in log.read_text(), what="SIGHUP reopens")
        os.remove(log)
        log.mkdir()
        try:
            root.query("FLUSH ERROR LOGS")
            raise AssertionError("a directory was opened")
        except Err as e:
            assert str(log) in e.text, e
        log.rmdir()
        root.query("FLUSH ERROR LOGS, LOGS")
        root.query("CREATE USER small@localhost IDENTIFIED WITH mysql_native_password BY ''")
        w = Wire(s.socket).login("small", plugin="mysql_native_password")
        try:
            w.query("FLUSH LOGS")
            raise AssertionError("without RELOAD")
        except Err as e:
            assert e.number == 1227, e
        w.close()
        root.close()


if __name__ == "__main__":
    main(globals())
