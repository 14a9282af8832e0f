#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Starting and stopping quelld: options, option files, data directories, ports in use, signals, the administrative port, max_connections."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
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


def fresh(name):
    d = ROOM / name
    assert quelld("--initialize-insecure", f"--datadir={d}")[0] == 0
    return d


def test_only_dead_sockets_are_removed():
    d = fresh("sockets")
    precious = ROOM / "precious"
    precious.write_text("a novel")
    link = ROOM / "link"
    link.symlink_to(precious)
    for path in (precious, link, ROOM):
        for option in ("--socket", "--admin-socket"):
            other = [f"--socket={ROOM}/fine.sock"] if option == "--admin-socket" else []
            line = refused(f"--datadir={d}", "--skip-networking", f"{option}={path}", *other)
            assert str(path) in line and "no socket" in line, line
    assert precious.read_text() == "a novel" and link.is_symlink()
    with socket.socket(socket.AF_UNIX) as full:  # somebody is there, but does not accept
        full.bind(str(ROOM / "full.sock"))
        full.listen(0)
        held = []
        try:
            while True:
                held.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                held[-1].connect(str(ROOM / "full.sock"))
        except BlockingIOError:
            pass
        assert "in use" in refused(f"--datadir={d}", "--skip-networking", f"--socket={ROOM}/full.sock")
        for h in held:
            h.close()
    assert not os.path.exists(ROOM / "fine.sock")


def test_pid_file():
    d = fresh("pids")
    novel = ROOM / "novel"
    novel.write_text("a novel")
    line = refused(f"--datadir={d}", "--skip-networking", f"--socket={ROOM}/p.sock", f"--pid-file={novel}")
    assert str(novel) in line, line
    assert novel.read_text() == "a novel"
    pid = ROOM / "pid"
    pid.write_text("99999999\n")
    with Server(binary=BINARY, datadir=d, args=[f"--pid-file={pid}"]) as s:
        assert pid.read_text() == f"{s.proc.pid}\n"
        other = fresh("pids2")
        refused(f"--datadir={other}", "--skip-networking", f"--socket={s.socket}", f"--pid-file={pid}")
        assert pid.read_text() == f"{s.proc.pid}\n"
    assert not pid.exists()


def warnings(s):
    return [x for x in s.log_text().splitlines() if "[Warning]" in x]


def test_numbers_out_of_range_are_told():
    d = ROOM / "none"
    for option in ("--port=99999", "--port=65536", "-P99999", "--admin-port=70000", "--loose-port=99999"):
        line = refused(option, f"--datadir={d}")
        assert "is no port" in line, line
    for option in ("--port=-1", "--port=33o6", "--wait-timeout=-5", "--max-connections=1e3", "--autocommit=perhaps", "--ssl=maybe",
                   "--default-storage-engine=Falcon", "--protocol-compression-algorithms=lz4", "--transaction-isolation=CHAOS", "--max-statement-time=soon"):
        line = refused(option, f"--datadir={d}")
        assert option.split("=")[1] in line, line
    with Server(binary=BINARY, args=["--wait-timeout=99999999", "--connect-timeout=1", "--max-allowed-packet=1025000", "--max-statement-time=99999999999",
                                     "--net-read-timeout=30"]) as s:
        said = "\n".join(warnings(s))
        assert "option 'wait_timeout': unsigned value 99999999 adjusted to 31536000" in said, said
        assert "option 'connect_timeout': unsigned value 1 adjusted to 2" in said, said
        assert "option 'max_allowed_packet': unsigned value 1025000 adjusted to 1024000" in said, said
        assert "max_statement_time" in said and "net_read_timeout" not in said, said
        w = Wire(s.socket).login()
        assert w.query("SELECT @@global.wait_timeout, @@connect_timeout, @@max_allowed_packet")[1] == [[b"31536000", b"2", b"1024000"]]
        w.close()


def test_options_that_need_a_value():
    for option in ("--socket", "--skip-socket", "--datadir", "--log-error", "--port", "--disable-port", "--max-connections", "--pid-file"):
        line = refused(option, "--skip-networking")
        assert "requires an argument" in line, line


def test_what_has_no_effect_says_so():
    with Server(binary=BINARY, args=["--log-bin=mysql-bin", "--gtid-mode=ON", "--lower-case-table-names=1", "--slow-query-log=ON", "--innodb-page-size=16384",
                                     "--sort-buffer-size=1M"]) as s:
        said = "\n".join(warnings(s))
        for name in ("log_bin", "gtid_mode", "lower_case_table_names", "slow_query_log"):
            assert f"option '{name}'" in said and "ignored" in said, (name, said)
        assert "innodb_page_size" not in said and "sort_buffer_size" not in said, said
        w = Wire(s.socket).login()
        assert w.query("SELECT @@log_bin, @@gtid_mode, @@lower_case_table_names")[1] == [[b"0", b"OFF", b"0"]]
        w.close()


def test_modes_of_files():
    d = fresh("modes")
    here = [f"--datadir={d}", "--skip-networking", f"--socket={ROOM}/m.sock"]
    d.chmod(0o777)
    line = refused(*here)
    assert str(d) in line and "0777" in line, line
    empty = ROOM / "open"
    empty.mkdir()
    empty.chmod(0o777)
    assert "0777" in refused("--initialize", f"--datadir={empty}")
    assert not any(empty.iterdir())
    d.chmod(0o755)
    (d / "server-key.pem").chmod(0o644)
    (d / "quell.mdb").chmod(0o644)
    with Server(binary=BINARY, datadir=d) as s:
        said = [x for x in warnings(s) if "by everybody" in x]
        assert len(said) == 2 and "server-key.pem" in said[0] and "0644" in said[0] and "quell.mdb" in said[1], said
    d.chmod(0o700)  # nobody gets at them
    with Server(binary=BINARY, datadir=d) as s:
        assert not [x for x in warnings(s) if "by everybody" in x]
    cnf = ROOM / "open.cnf"
    cnf.write_text("[mysqld]\nskip-networking\n")
    cnf.chmod(0o666)
    assert "0666" in refused(f"--defaults-file={cnf}", *here)
    cnf.chmod(0o644)
    cnf.write_text("skip-networking\n[mysqld]\n")
    assert "open.cnf:1" in refused(f"--defaults-file={cnf}", *here)


def test_tmpdir_is_there():
    d = fresh("tmp")
    here = [f"--datadir={d}", "--skip-networking", f"--socket={ROOM}/t.sock"]
    assert "/nowhere" in refused(*here, "--tmpdir=/nowhere")
    assert str(d / "quell.lock") in refused(*here, f"--tmpdir={d}/quell.lock")


def test_certificates_of_ones_own():
    own = fresh("own")
    d = fresh("tls")
    for name in ("server-cert.pem", "server-key.pem"):
        (d / name).unlink()
    here = [f"--datadir={d}", "--skip-networking", f"--socket={ROOM}/c.sock"]
    assert "go together" in refused(*here, f"--ssl-cert={own}/server-cert.pem")
    assert "/absent.pem" in refused(*here, "--ssl-cert=/absent.pem", f"--ssl-key={own}/server-key.pem")
    assert "TLSv1.1" in refused(*here, "--tls-version=TLSv1.1,TLSv1.2", f"--ssl-cert={own}/server-cert.pem", f"--ssl-key={own}/server-key.pem")
    with Server(binary=BINARY, datadir=d, args=[f"--ssl-cert={own}/server-cert.pem", f"--ssl-key={own}/server-key.pem", "--tls-version=TLSv1.2"]) as s:
        w = Wire(("127.0.0.1", s.port))
        w.greeting()
        assert w.server_caps & 2048
        w.send(w.hello(caps=2048)[:32], 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(own / "ca.pem")
        with context.wrap_socket(w.s) as t:
            assert t.version() == "TLSv1.2"
            assert t.getpeercert(True) == ssl.PEM_cert_to_DER_cert((own / "server-cert.pem").read_text())


def test_init_file():
    d = fresh("init")
    sql = ROOM / "init.sql"
    sql.write_text("""-- the way back in
CREATE USER back@localhost
    IDENTIFIED WITH mysql_native_password BY 'in;side';
GRANT ALL ON *.* TO back@localhost; /* two on a line */ CREATE DATABASE fixed;
SET @a = 1;
CREATE TABLE fixed.t (a INT);
INSERT INTO fixed.t VALUES (@a), (CONNECTION_ID());
SELECT * FROM fixed.t;
-- the end
""")
    with Server(binary=BINARY, datadir=d, args=[f"--init-file={sql}", "--super-read-only=ON"]) as s:
        w = Wire(s.socket).login("back", "in;side", plugin="mysql_native_password")
        assert w.value("SELECT COUNT(*) FROM fixed.t") == "2"
        assert w.value("SELECT @@init_file") == str(sql)
        assert w.query("SELECT @@read_only, @@super_read_only")[1] == [[b"1", b"1"]]
        assert "CREATE" in w.query("SHOW GRANTS")[1][0][0].decode()
        assert len(w.query("SHOW PROCESSLIST")[1]) == 1
        w.close()
    here = [f"--datadir={d}", "--skip-networking", f"--socket={ROOM}/i.sock", f"--init-file={sql}"]
    for text, line, says in (("SET @a = 1;\n\n  SELECT\n 1;\nDROP TABLE fixed.absent;\nDROP TABLE fixed.t;\n", 5, "fixed.absent"),
                             ("\n\nSELECT FROM;", 3, "syntax"), ("DO 1;\nCREATE USER back@localhost", 2, "back")):
        sql.write_text(text)
        said = refused(*here)
        assert f"{sql}:{line}:" in said and says in said, said
        assert not os.path.exists(ROOM / "i.sock")
    assert "absent.sql" in refused(*here, "--init-file=/absent.sql")
    sql.chmod(0o666)
    assert "0666" in refused(*here)
    sql.chmod(0o600)
    for text in ("", "\n ;; \n", "# nothing\n", "BEGIN; INSERT INTO fixed.t VALUES (9); INSERT INTO fixed.t VALUES (10)"):
        sql.write_text(text)
        with Server(binary=BINARY, datadir=d, args=[f"--init-file={sql}"]) as s:
            w = Wire(s.socket).login()
            assert w.value("SELECT COUNT(*) FROM fixed.t") == "2"  # the rest of a text that does not commit is rolled back
            w.close()


def names_of_threads(pid):
    """Threads may end while they are listed."""
    names = set()
    for comm in pathlib.Path(f"/proc/{pid}/task").glob("*/comm"):
        with contextlib.suppress(OSError):
            names.add(comm.read_text().strip())
    return names


def test_init_file_stops_when_told():
    d = fresh("initstop")
    sql = ROOM / "slow.sql"
    sql.write_text("CREATE DATABASE before_it;\nSELECT SLEEP(1000);\nCREATE DATABASE after_it;\n")
    s = Server(binary=BINARY, datadir=d, args=[f"--init-file={sql}"])
    s.start(wait=False)
    until(lambda: "init-file" in names_of_threads(s.proc.pid), what="the init file runs")
    t = time.monotonic()
    s.proc.send_signal(signal.SIGTERM)
    assert s.proc.wait(20) == 0, s.log_text()
    assert time.monotonic() - t < 10
    s.proc = None
    sql.write_text("SHUTDOWN;\n")
    s.start(wait=False)
    assert s.proc.wait(20) == 0, s.log_text()
    s.proc = None
    s.args = []
    with s:
        w = Wire(s.socket).login()
        assert "after_it" not in {r[0].decode() for r in w.query("SHOW DATABASES")[1]}
        w.close()


if __name__ == "__main__":
    main(globals())
