#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Starting and stopping quelld: options, option files, data directories, ports in use, signals, the administrative port, max_connections."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from harness import main  # noqa: E402
from quell import Server, build, free_port, until  # noqa: E402
from rawwire import Closed, Err, Wire  # noqa: E402

BINARY = str(os.environ.get("QUELLD") or build("asan"))
ROOM = pathlib.Path(tempfile.mkdtemp(prefix="quell-o-"))


def close_all():
    shutil.rmtree(ROOM, ignore_errors=True)


def quelld(*args):
    """Run to its end: (exit code, one string with both outputs)."""
    r = subprocess.run([BINARY, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return r.returncode, r.stdout.decode()


def refused(*args):
    rc, text = quelld(*args)
    assert rc == 1, (rc, text)
    lines = [x for x in text.splitlines() if "[ERROR]" in x]
    assert len(lines) == 1, text
    return lines[0]


def test_help_and_version():
    rc, text = quelld("--help")
    assert rc == 0 and "--initialize-insecure" in text and "--defaults-file" in text
    rc, text = quelld("--version")
    assert rc == 0 and "8.4." in text and "Quell" in text


def test_unknown_option_names_the_nearest():
    line = refused("--max-conections=5", f"--datadir={ROOM}/none")
    assert "--max-conections" in line and "--max-connections" in line, line
    line = refused("--initialise")
    assert "--initialize" in line, line
    line = refused("--max-connections=many", f"--datadir={ROOM}/none")
    assert "max_connections" in line and "many" in line, line
    assert "not an option" in refused("nonsense")


def test_loose_and_skip():
    line = refused("--loose-no-such-thing=1", "--skip-ssl", f"--datadir={ROOM}/none")
    assert "does not exist" in line, line


def test_data_directories():
    assert "no data directory" in refused()
    assert "does not exist" in refused(f"--datadir={ROOM}/absent")
    empty = ROOM / "empty"
    empty.mkdir()
    assert "--initialize" in refused(f"--datadir={empty}")
    foreign = ROOM / "foreign"
    foreign.mkdir()
    (foreign / "ibdata1").write_text("somebody's")
    assert str(foreign) in refused(f"--datadir={foreign}", "--skip-networking", f"--socket={ROOM}/f.sock")
    assert "not empty" in refused("--initialize", f"--datadir={foreign}")
    assert [x.name for x in foreign.iterdir()] == ["ibdata1"]
    damaged = ROOM / "damaged"
    assert quelld("--initialize-insecure", f"--datadir={damaged}")[0] == 0
    (damaged / "quell.mdb").write_bytes(b"garbage" * 4000)
    refused(f"--datadir={damaged}", "--skip-networking", f"--socket={ROOM}/d.sock")


def test_initialize_lets_only_its_user_in():
    d = ROOM / "secure"
    assert quelld("--initialize", f"--datadir={d}")[0] == 0
    for name in ("ca.pem", "server-cert.pem", "server-key.pem", "private_key.pem", "public_key.pem"):
        assert (d / name).exists(), name
    for name in ("server-key.pem", "private_key.pem"):
        assert (d / name).stat().st_mode & 0o077 == 0, name
    s = Server(binary=BINARY, datadir=d, initialize=False)
    s.start(wait=False)
    try:
        until(lambda: os.path.exists(s.socket), what="socket")
        Wire(s.socket).login().close()
        w = Wire(("127.0.0.1", s.port))
        try:
            w.login()
            raise AssertionError("root got in over TCP")
        except Err as e:
            assert e.number == 1698, e
    finally:
        assert s.stop() == 0
        s.remove()


def test_option_file():
    d = ROOM / "filed"
    port = free_port()
    cnf = ROOM / "my.cnf"
    cnf.write_text(f"""# comment
[client]
no-such-option=1
[mysqld]
datadir = {d}
port={port}
socket="{ROOM}/filed.sock"   # quoted
max_connections = 7
skip-ssl
loose-unheard-of = 1
max_allowed_packet=32M
""")
    assert quelld(f"--defaults-file={cnf}", "--initialize-insecure")[0] == 0
    p = subprocess.Popen([BINARY, f"--defaults-file={cnf}", "--max-connections=9"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: os.path.exists(ROOM / "filed.sock"), what="socket")
        w = Wire(("127.0.0.1", port)).login()
        assert w.value("SELECT @@max_connections") == "9"
        assert w.value("SELECT @@max_allowed_packet") == str(32 << 20)
        assert not w.server_caps & 2048
        w.close()
    finally:
        p.send_signal(signal.SIGINT)
        assert p.wait(20) == 0
    assert not os.path.exists(ROOM / "filed.sock")
    cnf.write_text("[mysqld]\nmax_conections=3\n")
    assert "--max-connections" in refused(f"--defaults-file={cnf}")
    assert "absent.cnf" in refused(f"--defaults-file={ROOM}/absent.cnf")


def test_port_in_use_and_second_server():
    with Server(binary=BINARY) as s:
        line = refused(f"--datadir={s.datadir}", f"--port={free_port()}", f"--socket={ROOM}/second.sock")
        assert "using it" in line or "in use" in line, line
        d = ROOM / "other"
        assert quelld("--initialize-insecure", f"--datadir={d}")[0] == 0
        line = refused(f"--datadir={d}", f"--port={s.port}", f"--socket={ROOM}/second.sock")
        assert str(s.port) in line and "in use" in line, line
        line = refused(f"--datadir={d}", f"--port={free_port()}", f"--socket={s.socket}")
        assert s.socket in line, line
        Wire(s.socket).login().close()


def test_left_over_socket_file():
    s = Server(binary=BINARY).start()
    s.kill9()
    assert os.path.exists(s.socket)
    with s:
        Wire(s.socket).login().close()


def test_max_connections():
    with Server(binary=BINARY, args=["--max-connections=3"]) as s:
        root = Wire(s.socket).login()
        root.query("CREATE USER small@localhost IDENTIFIED WITH mysql_native_password BY ''")
        ws = [Wire(s.socket).login("small", plugin="mysql_native_password") for _ in range(2)]
        w = Wire(s.socket)
        try:
            w.login("small", plugin="mysql_native_password")
            raise AssertionError("a fourth connection")
        except Err as e:
            assert e.number == 1040, e
        w.close()
        until(lambda: len(root.query("SHOW PROCESSLIST")[1]) == 3)
        extra = Wire(s.socket).login()  # one more for CONNECTION_ADMIN
        w = Wire(s.socket)
        e = w.expect_error(1040)  # not even a greeting
        assert e.text == "Too many connections", e
        w.close()
        ws.pop().close()
        until(lambda: len(root.query("SHOW PROCESSLIST")[1]) == 3)
        extra.close()
        until(lambda: len(root.query("SHOW PROCESSLIST")[1]) == 2)
        Wire(s.socket).login("small", plugin="mysql_native_password").close()
        root.close()


def test_admin_port():
    port = free_port()
    s = Server(binary=BINARY, args=["--max-connections=2", "--admin-address=127.0.0.1"])
    s.args.append(f"--admin-port={port}")
    with s:
        root = Wire(s.socket).login()
        root.query("CREATE USER small@localhost IDENTIFIED WITH mysql_native_password BY ''")
        ws = [root, Wire(s.socket).login(), Wire(s.socket).login()]
        Wire(s.socket).expect_error(1040)
        admin = Wire(("127.0.0.1", port)).login()
        admin.query(f"KILL {ws[1].id}")
        ws[1].expect_closed()
        w = Wire(("127.0.0.1", port))
        try:
            w.login("small", plugin="mysql_native_password")
            raise AssertionError("anybody comes in by the administrative port")
        except Err as e:
            assert e.number == 1227, e
        admin.close()


def test_shutdown_statement_and_command():
    for how in ("statement", "command"):
        s = Server(binary=BINARY).start()
        w = Wire(s.socket).login()
        if how == "statement":
            w.query("SHUTDOWN")
        else:
            w.command(8)
            w.result()
        assert s.proc.wait(10) == 0, s.log_text()
        s.proc = None
        s.remove()


def test_stop_is_quick_and_committed_rows_stay():
    s = Server(binary=BINARY).start()
    w = Wire(s.socket).login()
    w.query("CREATE DATABASE d")
    w.query("CREATE TABLE d.t (a INT PRIMARY KEY)")
    for i in range(20):
        w.query(f"INSERT INTO d.t VALUES ({i})")
    w.query("BEGIN")
    w.query("INSERT INTO d.t VALUES (100)")
    t = time.monotonic()
    assert s.stop() == 0, s.log_text()
    assert time.monotonic() - t < 1.5
    w.expect_closed()
    with s:
        assert Wire(s.socket).login().value("SELECT COUNT(*) FROM d.t") == "20"


def test_init_connect():
    with Server(binary=BINARY, args=["--init-connect=SET @x = 5; SELECT 1; SET SESSION wait_timeout = 77"]) as s:
        root = Wire(s.socket).login()
        assert root.query("SELECT @x")[1] == [[None]]
        root.query("CREATE USER small@localhost IDENTIFIED WITH mysql_native_password BY ''")
        w = Wire(s.socket).login("small", plugin="mysql_native_password")
        assert w.query("SELECT @x, @@wait_timeout")[1] == [[b"5", b"77"]]
        w.close()
        root.query("SET GLOBAL init_connect = 'SELECT nothing_here'")
        Wire(s.socket).login("small", plugin="mysql_native_password").expect_closed()
        assert "init_connect failed for user 'small': Unknown column 'nothing_here'" in s.log_text()
        root.close()


def test_secure_transport_only():
    with Server(binary=BINARY, args=["--require-secure-transport=ON"]) as s:
        Wire(s.socket).login().close()
        w = Wire(("127.0.0.1", s.port))
        try:
            w.login()
            raise AssertionError("in the clear")
        except Err as e:
            assert e.number == 3159, e


def test_bind_errors_are_one_line():
    d = ROOM / "bind"
    assert quelld("--initialize-insecure", f"--datadir={d}")[0] == 0
    assert "999.0.0.1" in refused(f"--datadir={d}", "--bind-address=999.0.0.1", f"--port={free_port()}", f"--socket={ROOM}/b.sock")
    long = str(ROOM / ("x" * 120))
    assert "too long" in refused(f"--datadir={d}", "--skip-networking", f"--socket={long}")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert str(port) in refused(f"--datadir={d}", f"--port={port}", f"--socket={ROOM}/b.sock")


if __name__ == "__main__":
    main(globals())
