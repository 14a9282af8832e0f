# SPDX-License-Identifier: Apache-2.0
"""Stock tools: mariadb-admin, PyMySQL, libmariadb's prepared statements, pt-kill, pt-deadlock-logger, pt-fk-error-logger, mysqldump's first questions."""
import atexit
import contextlib
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import pymysql
import quell
import victim
from harness import main

HERE = pathlib.Path(__file__).resolve().parent
server = quell.Server()
server.start()


def Victim(text="SELECT SLEEP(1000)", **kw):
    return victim.Victim(server, text, **kw)


def admin(*words, ok=True):
    r = subprocess.run(["mariadb-admin", "--no-defaults", "-u", "root", f"--socket={server.socket}", *words], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=60)
    if ok:
        assert r.returncode == 0, r.stdout
    return r


def test_admin_ping_status_version_variables():
    assert "mysqld is alive" in admin("ping").stdout
    out = admin("status").stdout
    assert re.search(r"Uptime: \d+ +Threads: \d+ +Questions: \d+ +Slow queries: \d+ +Opens: \d+", out), out
    assert "Server version" in admin("version").stdout
    assert "max_connections" in admin("variables").stdout
    assert "Threads_connected" in admin("extended-status").stdout


def test_admin_processlist_and_kill():
    a, b = Victim(), Victim()
    out = admin("processlist").stdout
    assert f"| {a.id} " in out and "User sleep" in out, out
    out = admin("--verbose", "processlist").stdout
    assert "SELECT SLEEP(1000)" in out, out
    admin("kill", f"{a.id},{b.id}")
    assert a.join() in (2006, 2013) and b.join() in (2006, 2013), (a.error, b.error)
    r = admin("kill", "999999", ok=False)
    assert r.returncode != 0 and "Unknown thread id: 999999" in r.stdout, r.stdout


def test_admin_create_drop_database():
    admin("create", "made_by_admin")
    assert ("made_by_admin",) in server.query("SHOW DATABASES")
    admin("--force", "drop", "made_by_admin")
    assert ("made_by_admin",) not in server.query("SHOW DATABASES")


def test_pymysql():
    with contextlib.closing(server.connect(autocommit=False, charset="utf8mb4")) as c:
        with c.cursor() as cur:
            cur.execute("CREATE DATABASE IF NOT EXISTS py")
            cur.execute("CREATE TABLE py.t (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(50), d DECIMAL(10,2), w DATETIME, b BLOB)")
            cur.execute("INSERT INTO py.t (s, d, w, b) VALUES (%s, %s, %s, %s)", ("grün 日本 😀", "12.50", "2024-02-29 12:30:00", b"\x00\xff"))
            assert cur.lastrowid == 1 and cur.rowcount == 1
            cur.executemany("INSERT INTO py.t (s) VALUES (%s)", [("a",), ("b",), ("c",)])
            c.commit()
            cur.execute("SELECT * FROM py.t WHERE id = %s", (1,))
            row = cur.fetchone()
            assert row[1] == "grün 日本 😀" and str(row[2]) == "12.50" and row[3].isoformat() == "2024-02-29T12:30:00" and row[4] == b"\x00\xff", row
            cur.execute("INSERT INTO py.t (s) VALUES ('gone')")
            c.rollback()
            cur.execute("SELECT COUNT(*) FROM py.t")
            assert cur.fetchone() == (4,)
            try:
                cur.execute("INSERT INTO py.t (id) VALUES (1)")
                assert False, "no duplicate error"
            except pymysql.err.IntegrityError as e:
                assert e.args == (1062, "Duplicate entry '1' for key 't.PRIMARY'"), e.args
        c.ping()
        assert c.get_server_info().startswith("8.4")
        c.select_db("py")
        with c.cursor(pymysql.cursors.SSDictCursor) as cur:
            cur.execute("SELECT id, s FROM t ORDER BY id")
            assert [r["id"] for r in cur] == [1, 2, 3, 4]


def test_pymysql_kill():
    v = Victim()
    with contextlib.closing(server.connect()) as c:
        c.kill(v.id)
    assert v.join() in (2006, 2013), v.error


def test_multi_statements():
    kw = {"client_flag": pymysql.constants.CLIENT.MULTI_STATEMENTS}
    with contextlib.closing(server.connect(**kw)) as c, c.cursor() as cur:
        cur.execute("SELECT 1; SELECT 2, 3; DO 0; SELECT 4")
        got = [cur.fetchall()]
        while cur.nextset():
            got.append(cur.fetchall())
        assert got == [((1,),), ((2, 3),), (), ((4,),)], got
    v = Victim("SELECT SLEEP(1000); SELECT 'not to be seen'", **kw)
    server.query(f"KILL QUERY {v.id}")
    assert v.join() == 1317
    with v.conn.cursor() as cur:  # the connection is in step: nothing of the rest came
        cur.execute("SELECT 42")
        assert cur.fetchall() == ((42,),)


def test_temporary_tables_of_the_stock_client():
    """A script, as people write them: the names are free again afterwards, and a dump taken meanwhile does not see the tables."""
    server.query("CREATE DATABASE IF NOT EXISTS tmp")
    server.query("CREATE TABLE IF NOT EXISTS tmp.orders (id INT PRIMARY KEY, n INT)")
    server.query("REPLACE INTO tmp.orders VALUES (1, 5), (2, 7), (3, 5)")
    script = """
        CREATE TEMPORARY TABLE IF NOT EXISTS sums ENGINE=MEMORY AS SELECT n, COUNT(*) AS k FROM orders GROUP BY n;
        CREATE TEMPORARY TABLE orders LIKE orders;
        INSERT INTO orders SELECT n, k FROM sums;
        SELECT * FROM orders ORDER BY id;
        SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'tmp';
        DROP TEMPORARY TABLE orders;
        SELECT COUNT(*) FROM orders;
        """
    run = lambda *words, **kw: subprocess.run([words[0], "--no-defaults", "-u", "root", f"--socket={server.socket}", *words[1:]], stdout=subprocess.PIPE,
                                              stderr=subprocess.STDOUT, text=True, timeout=60, **kw)
    for _ in range(2):  # the second is another session
        r = run("mariadb", "-N", "tmp", input=script)
        assert r.returncode == 0 and r.stdout.split() == ["5", "2", "7", "1", "orders", "3"], r.stdout
    with contextlib.closing(server.connect(database="tmp")) as c, c.cursor() as cur:
        cur.execute("CREATE TEMPORARY TABLE orders (other INT)")
        cur.execute("CREATE TEMPORARY TABLE mine (other INT)")
        r = run("mariadb-dump", "--single-transaction", "tmp")
        assert r.returncode == 0 and "INSERT INTO `orders` VALUES\n(1,5),\n(2,7),\n(3,5);" in r.stdout and "mine" not in r.stdout and "other" not in r.stdout, r.stdout
    server.query("DROP DATABASE tmp")


def test_prepared_kill_through_libmariadb():
    home = tempfile.mkdtemp(prefix="quell-c-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    exe = pathlib.Path(home) / "prepared_kill"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    subprocess.run(["gcc", "-o", str(exe), str(HERE / "prepared_kill.c"), *flags], check=True)
    v = Victim()
    r = subprocess.run([str(exe), server.socket, str(v.id)], stdout=subprocess.PIPE, text=True, timeout=30)
    assert r.stdout.strip() == "ok 0", r.stdout
    assert v.join() == 1317
    r = subprocess.run([str(exe), server.socket, "123456789012"], stdout=subprocess.PIPE, text=True, timeout=30)
    assert r.stdout.startswith("1094 Unknown thread id: 123456789012"), r.stdout


def pt_kill(*words):
    return subprocess.run(["pt-kill", "--no-version-check", f"--socket={server.socket}", "--user=root", "--host=localhost", "--run-time=3s", "--interval=1s",
                           *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)


def test_pt_kill_print():
    v = Victim("SELECT SLEEP(1001)")
    r = pt_kill("--print", "--match-info", "SLEEP.1001", "--busy-time=1s", "--victims=all")
    assert f"KILL {v.id} (Query" in r.stdout and "SELECT SLEEP(1001)" in r.stdout, r.stdout
    assert v.thread.is_alive()
    server.query(f"KILL QUERY {v.id}")
    assert v.join() == 1317


def test_pt_kill_kills():
    v = Victim("SELECT SLEEP(1002)")
    r = pt_kill("--kill", "--print", "--match-info", "SLEEP.1002", "--busy-time=1s", "--victims=all")
    assert v.join() in (2006, 2013), (v.error, r.stdout)
    v = Victim("SELECT SLEEP(1003)")
    r = pt_kill("--kill-query", "--print", "--match-info", "SLEEP.1003", "--busy-time=1s", "--victims=all")
    assert v.join() == 1317, (v.error, r.stdout)


def test_pt_deadlock_logger():
    """It reads the latest deadlock out of SHOW ENGINE INNODB STATUS."""
    server.query("CREATE DATABASE IF NOT EXISTS dl")
    server.query("CREATE TABLE dl.t (id INT PRIMARY KEY, n INT)")
    server.query("INSERT INTO dl.t VALUES (1, 0), (2, 0)")
    a, b = server.connect(), server.connect()
    with a.cursor() as ca, b.cursor() as cb:
        for cur, row in ((ca, 1), (cb, 2)):
            cur.execute("BEGIN")
            cur.execute(f"UPDATE dl.t SET n = 1 WHERE id = {row}")
        waiting = threading.Thread(target=lambda: ca.execute("UPDATE dl.t SET n = 2 WHERE id = 2"))
        waiting.start()
        quell.until(lambda: server.query("SELECT COUNT(*) FROM sys.innodb_lock_waits")[0][0] == 1, what="the wait")
        try:
            cb.execute("UPDATE dl.t SET n = 3 WHERE id = 1")
            raise AssertionError("no deadlock")
        except pymysql.MySQLError as e:
            assert e.args[0] == 1213, e
        waiting.join(30)
    r = subprocess.run(["pt-deadlock-logger", "--no-version-check", "--run-time=2", "--iterations=1", f"S={server.socket},u=root"], capture_output=True, text=True, timeout=60)
    lines = [x for x in r.stdout.splitlines() if "UPDATE dl.t" in x]
    assert len(lines) == 2 and {x.split()[2] for x in lines} == {str(a.thread_id()), str(b.thread_id())}, (r.stdout, r.stderr)
    victim = [x for x in lines if " 1 UPDATE dl.t" in x]
    assert len(victim) == 1 and victim[0].split()[2] == str(b.thread_id()), r.stdout
    a.close()
    b.close()


def test_pt_fk_error_logger():
    if not shutil.which("pt-fk-error-logger"):
        print("# pt-fk-error-logger is not installed")
        return
    for sql in ("CREATE DATABASE fk", "CREATE TABLE fk.p (id INT PRIMARY KEY)", "CREATE TABLE fk.c (id INT PRIMARY KEY, pid INT, CONSTRAINT c_p FOREIGN KEY (pid) REFERENCES fk.p (id))"):
        server.query(sql)
    with server.connect() as c:
        try:
            c.cursor().execute("INSERT INTO fk.c VALUES (1, 77)")
            raise AssertionError("no error")
        except pymysql.MySQLError as e:
            assert e.args[0] == 1452, e
    r = subprocess.run(["pt-fk-error-logger", "--no-version-check", "--run-time=2", "--iterations=1", f"S={server.socket},u=root"], capture_output=True, text=True, timeout=60)
    for text in ("INSERT INTO fk.c VALUES (1, 77)", "Foreign key constraint fails for table `fk`.`c`:", "CONSTRAINT `c_p` FOREIGN KEY (`pid`) REFERENCES `p` (`id`)", "Key: 77", "But in parent table `fk`.`p`, in index `PRIMARY`"):
        assert text in r.stdout, (text, r.stdout, r.stderr)


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
