# SPDX-License-Identifier: Apache-2.0
"""Sessions lock rows, tables and names at random; others look at all views of locks meanwhile, and one ends blockers by executing what
sys.innodb_lock_waits and sys.schema_table_lock_waits say. Nothing may be left of it, and no view may show what cannot be."""
import os
import random
import threading
import time

import pymysql
import quell
from harness import main

SECONDS = float(os.environ.get("QUELL_STRESS", "8"))
SEED = int(os.environ.get("QUELL_STRESS_SEED", "1"))
# Deadlocks, lock waits, duplicates, LOCK TABLES' rules, kills, and what a killed connection's client sees.
EXPECTED = {1213, 3058, 1205, 1062, 1099, 1100, 1192, 1317, 2006, 2013, 0}

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=2", "--lock-wait-timeout=2"])
server.start()
server.query("CREATE DATABASE s")
server.query("CREATE TABLE s.t (id INT PRIMARY KEY, n INT, name VARCHAR(20), KEY (n), KEY (name))")
server.query("CREATE TABLE s.m (id INT PRIMARY KEY, n INT) ENGINE=MyISAM")


def statement(r):
    i = r.randint(0, 60)
    return r.choice((
        f"UPDATE s.t SET n = n + 1 WHERE id = {i}", f"SELECT * FROM s.t WHERE id BETWEEN {i} AND {i + 3} FOR UPDATE", f"SELECT * FROM s.t WHERE n > {i} LIMIT 3 FOR SHARE",
        f"INSERT INTO s.t VALUES ({i}, 1, 'x{i}') ON DUPLICATE KEY UPDATE n = n + 1", f"DELETE FROM s.t WHERE id = {i}", f"SELECT GET_LOCK('l{i % 3}', 1)",
        f"REPLACE INTO s.m VALUES ({i % 9}, {i})", f"SELECT * FROM s.t WHERE name = 'x{i}' FOR UPDATE SKIP LOCKED", "LOCK TABLES s.t READ" if i < 2 else "SELECT COUNT(*) FROM s.m",
        "TRUNCATE TABLE s.t" if i == 7 else "UNLOCK TABLES"))


class Crowd:
    def __init__(self):
        self.stop = time.monotonic() + SECONDS
        self.problems, self.seen, self.kills = [], {}, 0
        self.lock = threading.Lock()

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def worker(self, seed):
        r = random.Random(seed)
        while time.monotonic() < self.stop:
            try:
                c = server.connect()
                cur = c.cursor()
                while time.monotonic() < self.stop:
                    try:
                        for sql in ["BEGIN"] + [statement(r) for _ in range(r.randint(1, 4))] + [r.choice(("COMMIT", "ROLLBACK"))]:
                            cur.execute(sql)
                    except pymysql.MySQLError as e:
                        if e.args[0] not in EXPECTED:
                            self.problem(f"{sql}: {e}")
                        if e.args[0] in (0, 2006, 2013):
                            break
                c.close()
            except (pymysql.MySQLError, OSError):
                pass  # killed while it connected or said good-bye

    def viewer(self, seed):
        r = random.Random(seed)
        looks = {
            "SELECT LOCK_TYPE, LOCK_MODE, LOCK_STATUS, LOCK_DATA, THREAD_ID, OBJECT_NAME FROM performance_schema.data_locks": self.check_lock,
            "SELECT REQUESTING_THREAD_ID, BLOCKING_THREAD_ID FROM performance_schema.data_lock_waits": lambda w: w[0] != w[1],
            "SELECT trx_mysql_thread_id, trx_state, trx_requested_lock_id FROM information_schema.INNODB_TRX": lambda w: (w[2] is None) or w[1] == "LOCK WAIT",
            "SELECT waiting_pid, blocking_pid, sql_kill_blocking_connection FROM sys.innodb_lock_waits": lambda w: w[0] != w[1] and w[2] == f"KILL {w[1]}",
            "SELECT waiting_pid, blocking_pid, sql_kill_blocking_query FROM sys.schema_table_lock_waits": lambda w: w[0] != w[1] and w[2] == f"KILL QUERY {w[1]}",
            "SELECT OBJECT_TYPE, LOCK_TYPE, LOCK_DURATION, LOCK_STATUS FROM performance_schema.metadata_locks": lambda w: w[3] in ("GRANTED", "PENDING"),
            "SHOW ENGINE INNODB STATUS": lambda w: "TRANSACTIONS" in w[2],
        }
        c = server.connect()
        cur = c.cursor()
        while time.monotonic() < self.stop:
            sql = r.choice(list(looks))
            cur.execute(sql)
            got = cur.fetchall()
            with self.lock:
                self.seen[sql] = self.seen.get(sql, 0) + len(got)
            for w in got:
                if not looks[sql](w):
                    self.problem(f"{sql}: {w}")
        c.close()

    @staticmethod
    def check_lock(w):
        if w[0] == "TABLE":
            return w[1] in ("IS", "IX") and w[2] == "GRANTED"
        modes = ("X", "S", "X,GAP", "S,GAP", "X,REC_NOT_GAP", "S,REC_NOT_GAP", "X,GAP,INSERT_INTENTION")
        return w[1] in modes and w[2] in ("GRANTED", "WAITING") and (w[3] is not None or w[5] is None)

    def ender(self, seed):
        r = random.Random(seed)
        c = server.connect()
        cur = c.cursor()
        while time.monotonic() < self.stop:
            cur.execute(f"SELECT sql_kill_blocking_{r.choice(('query', 'connection'))} FROM sys.{r.choice(('innodb_lock_waits', 'schema_table_lock_waits'))}")
            kills = cur.fetchall()
            if kills:
                try:
                    cur.execute(r.choice(kills)[0])
                    self.kills += 1
                except pymysql.MySQLError as e:
                    if e.args[0] != 1094:  # gone in the meantime
                        self.problem(f"KILL: {e}")
            time.sleep(0.01)
        c.close()


def test_views_under_stress():
    crowd = Crowd()
    jobs = [(crowd.worker, SEED * 100 + k) for k in range(8)] + [(crowd.viewer, SEED * 100 + 50 + k) for k in range(3)] + [(crowd.ender, SEED * 100 + 90)]
    threads = [threading.Thread(target=f, args=(s,)) for f, s in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join(SECONDS + 60)
        assert not t.is_alive(), "a session did not come back"
    assert not crowd.problems, crowd.problems[:5]
    assert len(crowd.seen) == 7 and sum(n > 0 for n in crowd.seen.values()) >= 5 and crowd.kills > 0, (crowd.seen, crowd.kills)
    for view in ("performance_schema.data_locks", "performance_schema.metadata_locks", "sys.innodb_lock_waits", "sys.schema_table_lock_waits"):
        quell.until(lambda v=view: server.query(f"SELECT COUNT(*) FROM {v}")[0][0] == 0, what=f"nothing left in {view}")


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
