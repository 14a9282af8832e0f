# SPDX-License-Identifier: Apache-2.0
"""kill -9 in a loop while clients commit: every acknowledged transaction is there afterwards, whole; every other is whole or absent."""
import os
import random
import threading

import pymysql
import quell
from harness import main

ROUNDS = int(os.environ.get("QUELL_KILL9_ROUNDS", "50"))
ROWS = 5  # of one transaction


def writer(server, number, acked, stop):
    """Statements of ROWS rows with one batch number; acked gets the number when OK came back."""
    try:
        c = server.connect(database="d")
        cur = c.cursor()
        batch = number
        while not stop.is_set():
            batch += 8
            text = "x" * random.randrange(10, 2000)
            cur.execute("INSERT INTO t (batch, n, s) VALUES " + ",".join(f"({batch},{i},'{text}')" for i in range(ROWS)))
            acked.append(batch)
            if batch % 3 == 0:
                cur.execute(f"UPDATE t SET n = n + 100 WHERE batch = {batch}")
                acked.append(-batch)
    except pymysql.MySQLError:
        pass  # the server was killed
    except OSError:
        pass


def check(server, acked):
    c = server.connect(database="d")
    cur = c.cursor()
    cur.execute("SELECT batch, COUNT(*), MIN(n), MAX(n), COUNT(DISTINCT s) FROM t GROUP BY batch")
    found = {r[0]: r[1:] for r in cur.fetchall()}
    for batch, (count, low, high, texts) in found.items():
        assert count == ROWS and texts == 1, f"batch {batch} is torn: {count} rows"
        assert (low, high) in ((0, ROWS - 1), (100, 100 + ROWS - 1)), f"update of batch {batch} is torn: {low}..{high}"
    for b in acked:
        assert abs(b) in found, f"acknowledged batch {b} is lost"
        if b < 0:
            assert found[-b][1] == 100, f"acknowledged update of batch {-b} is lost"
    # the secondary index and the table say the same
    cur.execute("SELECT COUNT(*) FROM t")
    total = cur.fetchone()[0]
    cur.execute("SELECT COUNT(*) FROM t WHERE batch >= 0")
    assert cur.fetchone()[0] == total == ROWS * len(found), (total, len(found))
    c.close()
    return len(found)


def test_kill9_during_commits():
    random.seed(20240229)
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, batch BIGINT NOT NULL, n INT NOT NULL, s VARCHAR(2000), KEY batch (batch))")
    acked, top = [], 0
    for rnd in range(ROUNDS):
        stop = threading.Event()
        threads = [threading.Thread(target=writer, args=(server, top + 8 + i, acked, stop)) for i in range(4)]
        before = len(acked)
        for t in threads:
            t.start()
        want = before + random.randrange(5, 60)
        quell.until(lambda: len(acked) >= want, what="acknowledged transactions")
        server.kill9()
        stop.set()
        for t in threads:
            t.join(20)
        top = max([top] + [abs(b) for b in acked]) + 8000
        top -= top % 8
        server.start()
        if rnd % 5 == 4 or rnd == ROUNDS - 1:
            check(server, acked)
    print(f"# {ROUNDS} rounds, {len(acked)} acknowledged transactions")
    assert server.stop() == 0
    server.remove()


def test_killed_in_the_middle_of_initialize():
    server = quell.Server(initialize=False)
    import subprocess
    p = subprocess.Popen([server.binary, "--initialize-insecure", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    p.kill()
    p.wait()
    import shutil
    shutil.rmtree(server.datadir, ignore_errors=True)
    server.initialize()
    with server:
        assert server.query("SELECT 1") == ((1,),)


def test_auto_increment_goes_on():
    """After a crash the next value follows the last one of a committed row, whether that is still there or not; as MySQL 8."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE a")
    for engine in ("InnoDB", "MyISAM"):
        t = f"a.{engine}"
        server.query(f"CREATE TABLE {t} (id INT AUTO_INCREMENT PRIMARY KEY, v INT) ENGINE={engine}")

        def crash():
            server.kill9()
            server.start()

        def insert(n=1, what="(NULL, 1)"):
            """Rows inserted by one statement; the id of the first that was made."""
            c = server.connect()
            with c.cursor() as cur:
                cur.execute(f"INSERT INTO {t} VALUES " + ",".join([what] * n))
                first = cur.lastrowid
            c.close()
            return first

        assert [insert() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
        crash()
        assert insert() == 7
        assert insert(100) == 8
        crash()
        assert insert() == 108
        server.query(f"DELETE FROM {t} WHERE id > 50")
        crash()
        assert insert() == 109, "the id of a deleted row came again"
        server.query(f"INSERT INTO {t} VALUES (1000, 2)")
        crash()
        assert insert() == 1001
        server.query(f"TRUNCATE TABLE {t}")
        crash()
        assert insert() == 1
        c = server.connect()
        with c.cursor() as cur:  # rolled back, and another table's commit after it: skipped
            cur.execute("BEGIN")
            cur.execute("INSERT INTO a.InnoDB VALUES (NULL, 3), (NULL, 3)")
            last = cur.lastrowid + 1
            cur.execute("ROLLBACK")
            cur.execute("CREATE TABLE a.other (id INT PRIMARY KEY)")
            cur.execute("INSERT INTO a.other VALUES (1)")
            cur.execute("DROP TABLE a.other")
        c.close()
        crash()
        c = server.connect()
        with c.cursor() as cur:
            cur.execute("INSERT INTO a.InnoDB VALUES (NULL, 4)")
            assert cur.lastrowid == last + 1
        c.close()
    assert server.stop() == 0, server.log_text()[-2000:]
    server.start()
    assert server.query("SELECT MAX(id) FROM a.MyISAM") == ((1,),)
    assert server.query("SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'a' AND TABLE_NAME = 'MyISAM'") == ((2,),)
    server.stop()
    server.remove()


def test_temporary_files_of_a_killed_server():
    """They go at the next start; what only looks like them stays."""
    server = quell.Server(initialize=False)
    tmp = server.dir / "tmp"
    tmp.mkdir()
    server.args.append(f"--tmpdir={tmp}")
    server.initialize()
    server.start()
    server.kill9()
    for name in ("quell-spill-aB3456", "quell-spill-aB3456-lock", "quell-spill-zzzzzz"):
        (tmp / name).write_bytes(b"x" * 5000)
    stay = ["quell-spill-", "quell-spill-12345", "quell-spill-1234567", "quell-spill-12345.", "quell-spill-123456-locks", "other", "xquell-spill-123456"]
    for name in stay:
        (tmp / name).write_bytes(b"y")
    (tmp / "quell-spill-direct").mkdir()
    (tmp / "quell-spill-symlnk").symlink_to(tmp / "other")
    server.start()
    left = sorted(p.name for p in tmp.iterdir())
    assert left == sorted([*stay, "quell-spill-direct", "quell-spill-symlnk"]), left
    assert "3 temporary files of a killed server removed" in server.log_text()
    assert server.stop() == 0
    server.remove()


def test_rows_in_memory_do_not_outlive_the_server():
    """ENGINE=MEMORY: the definition stays, rows and AUTO_INCREMENT begin anew, after a stop and after a kill; a table that was made in a
    killed CREATE TABLE ... SELECT is not there."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE m")
    server.query("CREATE TABLE m.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, KEY (v), CONSTRAINT vc CHECK (v > 0)) ENGINE=MEMORY")
    server.query("CREATE TABLE m.i (v INT CHECK (v > 0), g INT AS (v + 1), h INT DEFAULT (v * 2), KEY ((v * 3)))")
    for stop in (server.stop, server.kill9):
        server.query("INSERT INTO m.t (v) VALUES (1), (2)")
        server.query("INSERT INTO m.i (v) VALUES (5)")
        assert server.query("SELECT COUNT(*), MAX(id) FROM m.t") == ((2, 2),)
        stop()
        server.start()
        assert server.query("SELECT COUNT(*) FROM m.t WHERE v > 0") == ((0,),)
    assert server.query("SELECT * FROM m.i") == ((5, 6, 10), (5, 6, 10))
    try:
        server.query("INSERT INTO m.t (v) VALUES (-1)")
        raise AssertionError("the CHECK is gone")
    except pymysql.err.MySQLError as e:
        assert e.args[0] == 3819, e
    assert server.query("CHECK TABLE m.t, m.i") == (("m.t", "check", "status", "OK"), ("m.i", "check", "status", "OK"))
    busy = threading.Thread(target=lambda: _swallow(server, "CREATE TABLE m.c SELECT v, SLEEP(300) FROM m.i"))
    busy.start()
    quell.until(lambda: server.query("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'") == ((1,),), what="the query runs")
    server.kill9()
    busy.join()
    server.start()
    assert server.query("SHOW TABLES FROM m") == (("i",), ("t",))
    server.query("CREATE TABLE m.c SELECT v FROM m.i")
    assert server.stop() == 0
    server.remove()


def _swallow(server, sql):
    try:
        server.query(sql)
    except pymysql.err.MySQLError:
        pass


if __name__ == "__main__":
    main(globals())
