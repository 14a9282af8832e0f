# SPDX-License-Identifier: Apache-2.0
"""Under REPEATABLE READ a transaction that writes a row which others have changed since its snapshot sees that row from then on, as it is now:
through every index the same as through the table, whatever it wrote (also nothing that the index has), and no entry of the state before is left.
`--seed=N` repeats a run."""
import random
import sys

import pymysql
import quell
from harness import main

server = quell.Server()


def connect():
    return server.connect(autocommit=True, charset="utf8mb4").cursor()


def ask(cur, sql):
    cur.execute(sql)
    return cur.fetchall()


def both(cur, columns, index):
    table = sorted(ask(cur, f"SELECT /*+ NO_INDEX(t) */ {columns} FROM t"), key=repr)
    return table, sorted(ask(cur, f"SELECT {columns} FROM t FORCE INDEX ({index}) ORDER BY {index}"), key=repr)


def use(*cursors):
    for cur in cursors:
        cur.execute("CREATE DATABASE IF NOT EXISTS d")
        cur.execute("USE d")


def test_each_write():
    a, b = connect(), connect()
    use(a, b)
    for key in ("KEY n (n)", "UNIQUE n (n)"):
        for write, left in (("DELETE FROM t WHERE id = 1", ()), ("UPDATE t SET n = 7 WHERE id = 1", ((1, 7),)), ("UPDATE t SET id = 9 WHERE id = 1", ((9, 1),)),
                            ("REPLACE INTO t VALUES (1, 8, 'r')", ((1, 8),)), ("UPDATE t SET p = UPPER(p)", ((1, 1),))):
            a.execute("DROP TABLE IF EXISTS t")
            a.execute(f"CREATE TABLE t (id INT PRIMARY KEY, n INT, p VARCHAR(10), {key})")
            a.execute("INSERT INTO t VALUES (1, 0, 'a'), (2, 5, 'b')")
            a.execute("BEGIN")
            a.execute("SELECT * FROM t")
            a.fetchall()
            b.execute("UPDATE t SET n = 1 WHERE id = 1")
            a.execute("SAVEPOINT s")
            a.execute(write)
            for columns in ("id, n", "id, n, p"):
                table, index = both(a, columns, "n")
                assert index == table and tuple(r[:2] for r in index) == tuple(sorted(left + ((2, 5),))), (key, write, table, index)
            a.execute("ROLLBACK TO s")
            table, index = both(a, "id, n", "n")
            assert index == table == [(1, 0), (2, 5)], (key, write, table, index)
            a.execute(write)
            a.execute("COMMIT")
            assert both(a, "id, n, p", "n")[0] == both(a, "id, n, p", "n")[1]
            assert ask(a, "CHECK TABLE t")[0][3] == "OK"


def test_rows_and_spelling_of_others():
    a, b = connect(), connect()
    use(a, b)
    a.execute("DROP TABLE IF EXISTS t")
    a.execute("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(10), m INT, KEY s (s))")
    a.execute("INSERT INTO t VALUES (1, 'abc', 0), (2, 'x', 0)")
    a.execute("BEGIN")
    ask(a, "SELECT * FROM t")
    b.execute("UPDATE t SET s = 'ABC' WHERE id = 1")
    b.execute("INSERT INTO t VALUES (3, 'new', 0)")
    b.execute("DELETE FROM t WHERE id = 2")
    a.execute("UPDATE t SET m = 1")
    a.execute("INSERT INTO t VALUES (2, 'again', 0)")
    for columns in ("s, id", "s, id, m"):
        table, index = both(a, columns, "s")
        assert index == table and [r[0] for r in index] == ["ABC", "again", "new"], (table, index)
    a.execute("COMMIT")
    assert ask(a, "CHECK TABLE t")[0][3] == "OK"


def write(rnd, cur, others):
    i, n, m = rnd.randrange(14), rnd.randrange(4), rnd.randrange(16) if not others else rnd.randrange(20, 60)
    sql = rnd.choice([f"UPDATE t SET n = {n} WHERE id = {i}", f"UPDATE t SET s = IF(s = BINARY LOWER(s), UPPER(s), LOWER(s)) WHERE id = {i}", f"UPDATE t SET m = {m} WHERE id = {i}",
                      f"DELETE FROM t WHERE id = {i}", f"INSERT INTO t (id, n, s, m) VALUES ({i}, {n}, 'y{i}', {m})", f"REPLACE INTO t (id, n, s, m) VALUES ({i}, {n}, 'x1', {m})",
                      f"INSERT INTO t (id, n, s, m) VALUES ({i}, 1, 'z', {m}) ON DUPLICATE KEY UPDATE m = m + 1, s = 'Z'"] + [f"UPDATE t SET id = {rnd.randrange(14)} WHERE id = {i}"] * (not others))
    try:
        if others and ask(cur, f"SELECT id FROM t WHERE id = {i} FOR UPDATE NOWAIT") is None:
            return sql
        cur.execute(sql)
    except pymysql.MySQLError as e:
        assert e.args[0] in (1062, 1205, 3572), e
    return sql


def test_random():
    seed = next((int(x[7:]) for x in sys.argv if x.startswith("--seed=")), random.randrange(1 << 30))
    rnd = random.Random(seed)
    a, b = connect(), connect()
    use(a, b)
    b.execute("SET innodb_lock_wait_timeout = 1")
    for _ in range(25):
        a.execute("DROP TABLE IF EXISTS t")
        a.execute(f"CREATE TABLE t (id INT NOT NULL, n INT, s VARCHAR(20) NOT NULL, m INT, g VARCHAR(30) AS (CONCAT(s, '-')) VIRTUAL, {rnd.choice(['PRIMARY KEY (id)', 'PRIMARY KEY (s, id)', 'UNIQUE (id)'])}, "
                  "KEY n (n), KEY m (m, s), KEY s (s, n), KEY g (g), KEY f ((n + m)))")
        a.execute("INSERT INTO t (id, n, s, m) VALUES " + ", ".join(f"({i}, {i % 4}, 'x{i % 3}', {i})" for i in range(12)))
        a.execute("BEGIN")
        ask(a, "SELECT * FROM t")
        log = []
        for _ in range(10):
            own = rnd.random() < 0.5
            log.append(("own: " if own else "others: ") + write(rnd, a if own else b, not own))
            for columns, index in (("n, id", "n"), ("m, id, s", "m"), ("s, n, m", "s"), ("g, id", "g")):
                table, through = both(a, columns, index)
                assert through == table, (f"--seed={seed}", index, table, through, log)
        a.execute(rnd.choice(["COMMIT", "ROLLBACK"]))
        assert ask(a, "CHECK TABLE t")[0][3] == "OK", log


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    main(globals())
