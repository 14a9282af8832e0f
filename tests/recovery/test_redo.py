# SPDX-License-Identifier: Apache-2.0
"""The redo log from outside: small commits on a full disk go on while the log has room, survive kill -9 there, and reach the data file when
there is space again; innodb_flush_log_at_trx_commit 0 and 2 lose nothing when only the process dies; small and large commits mixed keep their
order over kill -9."""
import random

import pymysql
import quell
from harness import main
from test_disk_full import SmallDisk


def status(server, name):
    return int(server.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])


def test_small_commits_on_a_full_disk():
    with SmallDisk() as disk:
        server = quell.Server(datadir=disk.dir / "data", args=["--disk-reserve=1M"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.t (id INT PRIMARY KEY, s VARCHAR(4000))")
        server.query("INSERT INTO d.t VALUES (0, '')")
        disk.fill(0)
        conn = server.connect(database="d")
        cur = conn.cursor()
        for i in range(1, 400):
            cur.execute(f"INSERT INTO t VALUES ({i}, REPEAT('x', 4000))")  # 1.6 MB: the file cannot take them
        quell.until(lambda: "cannot take them" in server.log_text(), what="the flusher's complaint")
        assert server.query("SELECT COUNT(*), SUM(LENGTH(s)) FROM d.t") == ((400, 399 * 4000),)
        server.kill9()
        server.start()  # on the full disk: the log is read, the file takes nothing
        assert server.query("SELECT COUNT(*), SUM(LENGTH(s)) FROM d.t") == ((400, 399 * 4000),)
        assert status(server, "Quell_kv_unflushed") >= 399
        disk.give_back()
        quell.until(lambda: status(server, "Quell_kv_unflushed") == 0, what="recent commits in the data file")
        server.query("INSERT INTO d.t VALUES (1000, 'after')")
        assert server.query("SELECT COUNT(*), SUM(LENGTH(s)) FROM d.t") == ((401, 399 * 4000 + 5),)
        assert server.stop() == 0
        server.start()
        assert server.query("SELECT COUNT(*), SUM(LENGTH(s)) FROM d.t") == ((401, 399 * 4000 + 5),)
        assert server.stop() == 0


def test_relaxed_modes_survive_the_process():
    with quell.Server() as server:
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.t (id INT PRIMARY KEY)")
        n = 0
        for mode in (2, 0, 1):
            server.query(f"SET GLOBAL innodb_flush_log_at_trx_commit = {mode}")
            for _ in range(50):
                n += 1
                server.query(f"INSERT INTO d.t VALUES ({n})")
            server.kill9()
            server.start()
            assert server.query("SELECT COUNT(*), MAX(id) FROM d.t") == ((n, n),), mode


def test_small_and_large_keep_their_order():
    """One session, so its acknowledged statements are a sequence: after kill -9 the table shows a prefix of it with all that was acknowledged."""
    rng = random.Random(7)
    with quell.Server() as server:
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.t (id INT PRIMARY KEY, v INT, pad VARCHAR(3000))")
        server.query("INSERT INTO d.t VALUES (1, 0, ''), (2, 0, '')")
        v = 0
        for _ in range(8):
            conn = server.connect(database="d")
            cur = conn.cursor()
            for _ in range(rng.randrange(20, 60)):
                v += 1
                kind = rng.randrange(6)
                cur.execute("BEGIN")
                cur.execute(f"UPDATE t SET v = {v} WHERE id <= 2")
                if kind == 0:  # large: above 256 KB
                    values = ",".join(f"({10 + v * 200 + i}, {v}, REPEAT('y', 2500))" for i in range(150))
                    cur.execute("INSERT INTO t VALUES " + values)
                elif kind == 1:
                    cur.execute(f"DELETE FROM t WHERE id > 10 AND v < {v - 20}")
                cur.execute("COMMIT")
            server.kill9()
            try:
                conn.close()
            except pymysql.MySQLError:
                pass
            server.start()
            assert server.query("SELECT MIN(v), MAX(v) FROM d.t WHERE id <= 2") == ((v, v),)
            assert all(c == 150 for _, c in server.query("SELECT v, COUNT(*) FROM d.t WHERE id > 2 GROUP BY v"))


if __name__ == "__main__":
    main(globals())
