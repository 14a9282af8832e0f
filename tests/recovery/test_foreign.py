# SPDX-License-Identifier: Apache-2.0
"""kill -9 while statements change parents and, along with them, children and grandchildren: after the restart each statement is wholly there
or wholly absent. Each parent has ten children whose rows say so, each of these two of its own; no row is without its parent."""
import random
import subprocess
import threading
import time

import pymysql
import quell
from harness import main

ROUNDS, PARENTS, CHILDREN = 8, 40, 10
server = quell.Server()
SETUP = ["CREATE DATABASE r", "USE r", "CREATE TABLE p (id INT PRIMARY KEY, n INT)",
         "CREATE TABLE c (id INT PRIMARY KEY, pid INT NOT NULL, KEY (pid), FOREIGN KEY (pid) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
         "CREATE TABLE d (id INT PRIMARY KEY, cid INT, KEY (cid), FOREIGN KEY (cid) REFERENCES c (id) ON DELETE SET NULL)",
         "INSERT INTO p VALUES " + ",".join(f"({i}, {CHILDREN})" for i in range(PARENTS)),
         "INSERT INTO c VALUES " + ",".join(f"({i * CHILDREN + k}, {i})" for i in range(PARENTS) for k in range(CHILDREN)),
         "INSERT INTO d VALUES " + ",".join(f"({i}, {i // 2})" for i in range(PARENTS * CHILDREN * 2))]


def work(seed):
    """Until the server is gone."""
    rnd = random.Random(seed)
    try:
        c = server.connect(database="r", autocommit=True)
        cur = c.cursor()
        while True:
            i, k = rnd.randint(0, PARENTS * 4), rnd.randint(0, PARENTS * 4)
            try:
                cur.execute(rnd.choice([f"UPDATE p SET id = id + 1000 WHERE id BETWEEN {i} AND {i + 9}", f"UPDATE p SET id = id - 1000 WHERE id BETWEEN {i + 1000} AND {i + 1009}",
                                        f"UPDATE IGNORE p SET id = {k} WHERE id = {i}", f"DELETE FROM p WHERE id = {i} AND n > 0", f"REPLACE INTO p VALUES ({i}, 0)"]))
            except pymysql.err.IntegrityError:
                pass
            except pymysql.err.OperationalError as e:
                if e.args[0] not in (1205, 1213):
                    return
    except (pymysql.err.Error, OSError):
        return


def check():
    c = server.connect(database="r", autocommit=True)
    cur = c.cursor()
    for sql in (f"SELECT p.id, p.n, COUNT(c.id) FROM p LEFT JOIN c ON c.pid = p.id GROUP BY p.id, p.n HAVING COUNT(c.id) <> p.n",
                "SELECT c.id FROM c LEFT JOIN p ON p.id = c.pid WHERE p.id IS NULL", "SELECT d.id FROM d LEFT JOIN c ON c.id = d.cid WHERE d.cid IS NOT NULL AND c.id IS NULL",
                f"SELECT c.id, COUNT(d.id) FROM c LEFT JOIN d ON d.cid = c.id GROUP BY c.id HAVING COUNT(d.id) <> 2"):
        cur.execute(sql)
        assert cur.fetchall() == (), sql
    cur.execute("CHECK TABLE p, c, d")
    assert [r[3] for r in cur.fetchall()] == ["OK"] * 3
    cur.execute("SELECT COUNT(*) FROM c")
    return c, cur.fetchone()[0]


def test_kill9():
    server.start()
    c = server.connect(autocommit=True)
    for sql in SETUP:
        c.cursor().execute(sql)
    c.close()
    rnd = random.Random(3)
    left = []
    for n in range(ROUNDS):
        threads = [threading.Thread(target=work, args=(n * 10 + i,)) for i in range(3)]
        for t in threads:
            t.start()
        time.sleep(0.1 + rnd.random() * 0.3)
        server.kill9()
        for t in threads:
            t.join()
        server.start()
        c, rows = check()
        left.append(rows)
        c.close()
    assert left[-1] < PARENTS * CHILDREN, left
    print(f"# children left after each round: {left}")
    assert server.stop() == 0
    r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert r.returncode == 0, r.stdout


def test_rows_without_parents_are_told():
    server.start()
    c = server.connect(database="r", autocommit=True)
    for sql in ("SET foreign_key_checks = 0", "INSERT INTO d VALUES (100000, 99999), (100001, 99999)", "DELETE FROM p WHERE n = 0"):
        c.cursor().execute(sql)
    c.close()
    assert server.stop() == 0
    r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert r.returncode == 0 and r.stdout.count(b"r.d: Foreign key 'd_ibfk_1': '99999' is not in 'r.c'") == 2, r.stdout


def close_all():
    server.remove()


if __name__ == "__main__":
    main(globals())
