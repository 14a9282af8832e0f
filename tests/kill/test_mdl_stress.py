# SPDX-License-Identifier: Apache-2.0
"""Many sessions lock tables, names, rows and the whole server in all ways at once while others are killed at random. Whatever happens: every
statement ends, with success or one of the errors it may have, and at the end nothing is locked. test_mdl_stress.py [SECONDS [SEED]]"""
import random
import sys
import threading
import time

import quell
from harness import main
from wire import Watcher, Wire

NUMBERS = [a for a in sys.argv[1:] if a.isdigit()]
sys.argv = [a for a in sys.argv if not a.isdigit()]
SECONDS, SEED = (*map(int, NUMBERS), 6, 1)[:2] if len(NUMBERS) != 1 else (int(NUMBERS[0]), 1)
WORKERS = 8
MAY = {0, 1213, 1205, 1317, 2013, 3058, 1100, 1099, 1192, 1223, 1146, 1050, 1007, 1008, 1049, 1062, 1586}
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--loose-disk-reserve=0"])
server.start()
watch = Watcher(server)
for setup in ("CREATE DATABASE m", "CREATE TABLE m.a (id INT PRIMARY KEY, v INT)", "CREATE TABLE m.b (id INT PRIMARY KEY, v INT)",
              "CREATE TABLE m.plain (id INT, v INT) ENGINE=MyISAM", "INSERT INTO m.a VALUES (1, 0), (2, 0)", "INSERT INTO m.b VALUES (1, 0), (2, 0)",
              "INSERT INTO m.plain VALUES (1, 0)"):
    watch.query(setup)

SCRIPTS = [
    ["BEGIN", "SELECT * FROM m.a", "UPDATE m.b SET v = v + 1 WHERE id = 1", "COMMIT"],
    ["BEGIN", "UPDATE m.a SET v = v + 1 WHERE id = 2", "SELECT * FROM m.b FOR UPDATE", "ROLLBACK"],
    ["BEGIN", "SELECT * FROM m.b", "UPDATE m.a SET v = v + 1 WHERE id = 1", "SELECT GET_LOCK('n', 1)", "COMMIT", "DO RELEASE_ALL_LOCKS()"],
    ["LOCK TABLES m.a WRITE, m.b READ", "UPDATE m.a SET v = v + 1", "SELECT * FROM m.b", "UNLOCK TABLES"],
    ["LOCK TABLES m.b WRITE, m.plain WRITE", "UPDATE m.plain SET v = v + 1", "UNLOCK TABLES"],
    ["LOCK TABLES m.a READ, m.plain READ", "SELECT * FROM m.plain, m.a", "UNLOCK TABLES"],
    ["FLUSH TABLES WITH READ LOCK", "SELECT * FROM m.a", "UNLOCK TABLES"],
    ["FLUSH TABLES m.a, m.b WITH READ LOCK", "SELECT * FROM m.b", "UNLOCK TABLES"],
    ["LOCK INSTANCE FOR BACKUP", "SELECT * FROM m.a", "UNLOCK INSTANCE"],
    ["TRUNCATE TABLE m.plain", "INSERT INTO m.plain VALUES (1, 0)"],
    ["CREATE TABLE m.c (id INT PRIMARY KEY)", "INSERT INTO m.c VALUES (1)", "DROP TABLE m.c"],
    ["CREATE DATABASE m2", "CREATE TABLE m2.t (id INT PRIMARY KEY)", "DROP DATABASE m2"],
    ["SELECT GET_LOCK('n', 2)", "SELECT GET_LOCK('o', 2)", "UPDATE m.b SET v = v + 1 WHERE id = 2", "DO RELEASE_ALL_LOCKS()"],
    ["SELECT GET_LOCK('o', 2)", "SELECT GET_LOCK('n', 2)", "DO RELEASE_ALL_LOCKS()"],
    ["INSERT INTO m.plain SELECT id, v FROM m.a", "DELETE FROM m.plain WHERE v > 3"],
    ["SELECT COUNT(*) FROM m.a, m.b, m.plain"],
]


class Worker(threading.Thread):
    def __init__(self, n):
        super().__init__()
        self.random = random.Random(SEED * 1000 + n)
        self.conn, self.done, self.failure, self.stop = None, 0, None, False

    def connect(self):
        while True:
            self.conn = Wire(server)
            code = self.conn.error("SET lock_wait_timeout = 5, innodb_lock_wait_timeout = 2")
            if code == 0:
                return
            assert code in (1317, 2013), code
            self.conn.close()

    def run(self):
        try:
            self.connect()
            while not self.stop:
                self.script(self.random.choice(SCRIPTS))
            self.conn.quit()
        except BaseException as e:
            self.failure = e

    def script(self, statements):
        for sql in statements:
            t = time.monotonic()
            code = self.conn.error(sql)
            took = time.monotonic() - t
            assert code in MAY, f"{sql}: {code}"
            assert took < 20, f"{sql}: {code} after {took:.1f} s"
            self.done += 1
            if code == 2013:
                self.conn.close()
                self.connect()
                return
            if code:
                break
        self.clean()

    def clean(self):
        for sql in ("ROLLBACK", "UNLOCK TABLES", "UNLOCK INSTANCE", "DO RELEASE_ALL_LOCKS()"):
            code = self.conn.error(sql)
            if code == 2013:
                self.conn.close()
                self.connect()
                return
            assert code in (0, 1317), f"{sql}: {code}"
            if code:  # killed on the way: again, for nobody else will do it
                assert self.conn.error(sql) in (0, 1317, 2013)


def test_everybody_at_once():
    workers = [Worker(n) for n in range(WORKERS)]
    for w in workers:
        w.start()
    rnd, end = random.Random(SEED), time.monotonic() + SECONDS
    kills = 0
    while time.monotonic() < end and all(w.is_alive() for w in workers):
        w = rnd.choice(workers)
        if w.conn is not None:
            kills += 1
            code = watch.error(f"KILL {rnd.choice(['QUERY', 'QUERY', 'QUERY', 'CONNECTION'])} {w.conn.id}")
            assert code in (0, 1094), code
        if rnd.random() < 0.1:
            watch.query("SELECT * FROM performance_schema.metadata_locks")
        time.sleep(rnd.random() * 0.01)  # the pace of the killer
    for w in workers:
        w.stop = True
    for w in workers:
        w.join(60)
        assert not w.is_alive(), watch.query("SELECT ID, STATE, INFO, WAITS_FOR FROM information_schema.PROCESSLIST")
        if w.failure:
            raise w.failure
    watch.until_calm()
    left = watch.query("SELECT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME, LOCK_TYPE, LOCK_STATUS FROM performance_schema.metadata_locks")
    left = [r for r in left if r[2] != b"metadata_locks"]
    assert left == [], left
    for sql in ("LOCK TABLES m.a WRITE, m.b WRITE, m.plain WRITE", "UNLOCK TABLES", "FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"):
        assert watch.error(sql) == 0, sql
    print(f"# {sum(w.done for w in workers)} statements, {kills} kills, deadlocks: {watch.status('%eadlock%')}")


def test_zz_end():
    watch.close()
    assert server.stop() == 0, server.log_text()[-6000:]


if __name__ == "__main__":
    main(globals())
