# SPDX-License-Identifier: Apache-2.0
"""Every way to log in, with the stock client and PyMySQL: plugins, TLS on and off, wrong passwords, no rights."""
import os
import pwd
import subprocess

import pymysql
import quell
from harness import main

server = quell.Server()
server.start()
me = pwd.getpwuid(os.geteuid()).pw_name
for text in (
    "CREATE USER sha@'%' IDENTIFIED WITH caching_sha2_password BY 'pass word'",
    "CREATE USER native@'%' IDENTIFIED WITH mysql_native_password BY 'old'",
    "CREATE USER nopass@'%' IDENTIFIED BY ''",
    f"CREATE USER sock@localhost IDENTIFIED WITH auth_socket AS '{me}'",
    "CREATE USER other@localhost IDENTIFIED WITH auth_socket AS 'nobody-like-that'",
    "CREATE DATABASE d",
):
    server.query(text)


def client(user, password, *more):
    cmd = ["mariadb", "--no-defaults", "-N", "-u", user, *more, "-e", "SELECT CURRENT_USER(); SHOW STATUS LIKE 'Ssl_cipher'"]
    if password is not None:
        cmd.insert(2, f"-p{password}")
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    return r.returncode, r.stdout


TCP = ["-h", "127.0.0.1", "-P", str(server.port)]
SOCK = [f"--socket={server.socket}"]
TLS = ["--ssl", "--skip-ssl-verify-server-cert"]


def test_sha2_over_tls():
    rc, out = client("sha", "pass word", *TCP, *TLS)
    assert rc == 0 and "sha@%" in out and "TLS" in out.upper() and "Ssl_cipher\t\n" not in out, out


def test_sha2_over_socket_and_fast_path():
    for _ in range(2):
        rc, out = client("sha", "pass word", *SOCK)
        assert rc == 0 and "sha@%" in out, out


def test_sha2_without_tls_by_rsa():
    server.query("FLUSH PRIVILEGES")
    c = pymysql.connect(host="127.0.0.1", port=server.port, user="sha", password="pass word", ssl_disabled=True)
    with c.cursor() as cur:
        cur.execute("SELECT CURRENT_USER()")
        assert cur.fetchone() == ("sha@%",)
    c.close()


def test_native():
    for more in (SOCK, TCP + ["--skip-ssl"], TCP + TLS):
        rc, out = client("native", "old", *more)
        assert rc == 0 and "native@%" in out, out


def test_wrong_password():
    for user, more in (("sha", TCP + TLS), ("native", TCP + ["--skip-ssl"]), ("nobody", SOCK), ("sha", SOCK)):
        rc, out = client(user, "wrong", *more)
        assert rc == 1 and "ERROR 1045 (28000)" in out and "(using password: YES)" in out, out
    rc, out = client("native", None, *TCP)
    assert rc == 1 and "ERROR 1045 (28000)" in out and "(using password: NO)" in out, out


def test_empty_password():
    rc, out = client("nopass", None, *TCP)
    assert rc == 0 and "nopass@%" in out, out
    rc, out = client("nopass", "x", *SOCK)
    assert rc == 1 and "1045" in out, out


def test_auth_socket():
    rc, out = client("sock", None, *SOCK)
    assert rc == 0 and "sock@localhost" in out, out
    rc, out = client("other", None, *SOCK)
    assert rc == 1 and "ERROR 1698 (28000): Access denied for user 'other'@'localhost'" in out, out


def test_no_database_of_that_name():
    rc, out = client("native", "old", *SOCK, "-D", "nothere")
    assert rc == 1 and ("ERROR 1049 (42000): Unknown database 'nothere'" in out or "ERROR 1044" in out), out


def test_change_user():
    c = server.connect(user="native", password="old")
    c.close()
    c = server.connect()
    with c.cursor() as cur:
        cur.execute("SET @x = 1")
    c.close()


def test_password_change_closes_the_fast_path():
    server.query("CREATE USER fast@'%' IDENTIFIED BY 'one'")
    assert client("fast", "one", *SOCK)[0] == 0
    server.query("ALTER USER fast@'%' IDENTIFIED BY 'two'")
    rc, out = client("fast", "one", *SOCK)
    assert rc == 1 and "1045" in out, out
    assert client("fast", "two", *SOCK)[0] == 0


def test_privileges():
    server.query("CREATE USER small@'%' IDENTIFIED BY 's'")
    a = server.connect(user="small", password="s")
    b = server.connect(user="small", password="s")
    root = server.connect()

    def run(c, text):
        with c.cursor() as cur:
            cur.execute(text)
            return cur.fetchall()

    def error(c, text):
        try:
            run(c, text)
        except pymysql.MySQLError as e:
            return e.args
        raise AssertionError("no error: " + text)

    seen = run(a, "SHOW PROCESSLIST")
    assert sorted(r[0] for r in seen) == sorted([a.thread_id(), b.thread_id()]), seen
    assert error(a, f"KILL {root.thread_id()}") == (1095, f"You are not owner of thread {root.thread_id()}")
    assert error(a, "KILL 987654321") == (1094, "Unknown thread id: 987654321")
    assert error(a, "CREATE USER x@y")[0] == 1227
    assert error(a, "SET GLOBAL max_connections = 5")[0] == 1227
    run(a, f"KILL {b.thread_id()}")
    quell.until(lambda: all(r[0] != b.thread_id() for r in run(root, "SHOW PROCESSLIST")), what="the second session gone")
    run(root, "GRANT PROCESS, CONNECTION_ADMIN ON *.* TO small@'%'")
    c = server.connect(user="small", password="s")
    assert len(run(c, "SHOW PROCESSLIST")) >= 3
    assert [r[0] for r in run(c, "SHOW GRANTS")] == ["GRANT PROCESS ON *.* TO `small`@`%`", "GRANT CONNECTION_ADMIN ON *.* TO `small`@`%`"]
    v = server.connect(user="native", password="old")
    run(c, f"KILL {v.thread_id()}")
    quell.until(lambda: all(r[0] != v.thread_id() for r in run(root, "SHOW PROCESSLIST")), what="native's session gone")
    # root holds SYSTEM_USER, small does not
    assert error(c, f"KILL {root.thread_id()}") == (1095, f"You are not owner of thread {root.thread_id()}")
    for x in (a, c, root):
        x.close()


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
