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


def run(c, text):
    with c.cursor() as cur:
        cur.execute(text)
        return cur.fetchall()


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


def test_places_under_max_user_connections():
    """However a session or a login ends, its place is free again, and no other; whatever becomes of the account meanwhile."""
    root = server.connect(autocommit=True)

    def alone():
        names = "'one', 'two'"
        quell.until(lambda: run(root, f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER IN ({names})") == ((0,),), what="no session")

    def refused(number, user="one", **kw):
        try:
            server.connect(user=user, **kw).close()
        except pymysql.MySQLError as e:
            assert e.args[0] == number, e
        else:
            raise AssertionError(f"{user} got in")

    def just_one(user="one"):
        alone()
        c = server.connect(user=user, password="pw")
        refused(1226, user, password="pw")
        return c

    run(root, "CREATE USER one@localhost IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS 1")
    for _ in range(3):
        refused(1045, password="wrong")
        refused(1044, password="pw", database="d")  # it was counted when this was found out
        alone()
    c = just_one()
    run(root, f"KILL {c.thread_id()}")
    # killed when it has its place and not its answer yet
    just_one().close()
    alone()
    run(root, "SET GLOBAL init_connect = 'DO SLEEP(1000)'")
    try:
        c = server.connect(user="one", password="pw")
        quell.until(lambda: run(root, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'one' AND STATE = 'User sleep'") == ((1,),),
                    what="init_connect")
        run(root, f"KILL {c.thread_id()}")
    finally:
        run(root, "SET GLOBAL init_connect = ''")
    # another account of that name is the same account
    c = just_one()
    run(root, "DROP USER one@localhost")
    run(root, "CREATE USER one@localhost IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS 1")
    refused(1226, password="pw")
    c.close()
    c = just_one()
    run(root, "RENAME USER one@localhost TO two@localhost")
    d = server.connect(user="two", password="pw")
    refused(1226, "two", password="pw")
    c.close()
    quell.until(lambda: run(root, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'one'") == ((0,),), what="one is gone")
    refused(1226, "two", password="pw")
    d.close()
    just_one("two").close()
    alone()
    run(root, "DROP USER two@localhost")
    root.close()


def test_administrators_socket_is_under_no_limit():
    """There is always a way in to kill: max_user_connections does not count there, nor who came in there."""
    admin = server.socket.removesuffix(".sock") + "-admin.sock"
    root = server.connect(autocommit=True)
    run(root, "CREATE USER op@localhost WITH MAX_USER_CONNECTIONS 1")
    run(root, "GRANT SERVICE_CONNECTION_ADMIN ON *.* TO op@localhost")
    run(root, "SET GLOBAL max_user_connections = 1")
    try:
        for user, number in (("root", 1203), ("op", 1226)):
            inside = [server.connect(user=user, unix_socket=admin) for _ in range(2)]
            ordinary = root if user == "root" else server.connect(user=user)
            try:
                server.connect(user=user)
                raise AssertionError("one too many")
            except pymysql.MySQLError as e:
                assert e.args[0] == number, e
            inside.append(server.connect(user=user, unix_socket=admin))
            for c in inside + [ordinary] * (user == "op"):
                c.close()
    finally:
        run(root, "SET GLOBAL max_user_connections = 0")
    run(root, "DROP USER op@localhost")
    root.close()


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
