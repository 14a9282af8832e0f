# SPDX-License-Identifier: Apache-2.0
"""Affected rows and the insert id of the OK packet, with and without CLIENT_FOUND_ROWS (manual: mysql_insert_id(),
mysql_affected_rows(), "INSERT ... ON DUPLICATE KEY UPDATE")."""
import pymysql
from pymysql.constants import CLIENT

import quell
from harness import main

server = quell.Server()

# statement, affected rows, affected rows with CLIENT_FOUND_ROWS, insert id, LAST_INSERT_ID() afterwards
STEPS = [
    ("INSERT INTO t (u, v) VALUES (1, 1)", 1, 1, 1, 1),
    ("INSERT INTO t (u, v) VALUES (1, 1) ON DUPLICATE KEY UPDATE v = 2", 2, 2, 1, 1),
    ("INSERT INTO t (u, v) VALUES (1, 1) ON DUPLICATE KEY UPDATE v = 2", 0, 1, 0, 1),
    ("INSERT INTO t (u, v) VALUES (2, 1)", 1, 1, None, None),
    ("INSERT INTO t (u, v) VALUES (1, 1) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), v = 3", 2, 2, 1, 1),
    ("INSERT INTO t (u, v) VALUES (1, 1) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), v = 3", 0, 1, 1, 1),
    ("INSERT IGNORE INTO t (u, v) VALUES (1, 1)", 0, 0, 0, 1),
    ("INSERT INTO t (id, u) VALUES (100, 100)", 1, 1, 100, 1),
    ("INSERT INTO t (id, u) VALUES (101, 101), (102, 102)", 2, 2, 102, 1),
    ("INSERT INTO t (u) VALUES (103), (104)", 2, 2, 103, 103),
    ("INSERT INTO t (id, u) VALUES (200, 200), (NULL, 201)", 2, 2, 201, 201),
    ("REPLACE INTO t (id, u) VALUES (200, 200)", 2, 2, 200, 201),
    ("INSERT INTO t (u) SELECT u FROM t WHERE FALSE", 0, 0, 0, 201),
    ("INSERT INTO t (id, u) SELECT 300, 300", 1, 1, 300, 201),
    ("INSERT INTO t (u) SELECT 301", 1, 1, 301, 301),
    ("UPDATE t SET v = LAST_INSERT_ID(17) WHERE u = 1", 1, 1, 17, 17),
    ("UPDATE t SET v = LAST_INSERT_ID(17) WHERE u = 1", 0, 1, 17, 17),
    ("UPDATE t SET v = 18 WHERE u = 1", 1, 1, 0, 17),
    ("INSERT INTO t (id, u) VALUES (200, 1) ON DUPLICATE KEY UPDATE v = 6", 2, 2, 200, 17),
    ("DELETE FROM t WHERE u IN (1, 2)", 2, 2, 0, 17),
    ("DO LAST_INSERT_ID(18)", 0, 0, 0, 18),
    ("INSERT INTO n VALUES (1, 1) ON DUPLICATE KEY UPDATE b = LAST_INSERT_ID(5)", 1, 1, 0, 18),
    ("INSERT INTO n VALUES (1, 1) ON DUPLICATE KEY UPDATE b = LAST_INSERT_ID(5)", 2, 2, 5, 5),
]


def run_steps(flag, column):
    with server.connect(client_flag=flag) as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE d")
        cur.execute("USE d")
        cur.execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, u INT UNIQUE, v INT)")
        cur.execute("CREATE TABLE n (a INT UNIQUE, b INT)")
        for step in STEPS:
            got = [cur.execute(step[0]), cur.lastrowid]
            cur.execute("SELECT LAST_INSERT_ID()")
            got.append(cur.fetchone()[0])
            want = [step[column], step[3], step[4]]
            for i in range(3):
                assert want[i] is None or got[i] == want[i], f"{step[0]}: {got}, wanted {want}"
        cur.execute("DROP DATABASE d")


def test_changed_rows():
    run_steps(0, 1)


def test_found_rows():
    run_steps(CLIENT.FOUND_ROWS, 2)


def test_values_of_one_statement_are_consecutive():
    """Rows of VALUES have consecutive ids whatever others insert: drivers compute the other ids from the first one."""
    with server.connect() as a, server.connect() as b, a.cursor() as ca, b.cursor() as cb:
        ca.execute("CREATE DATABASE e")
        ca.execute("CREATE TABLE e.t (id INT AUTO_INCREMENT PRIMARY KEY, u INT UNIQUE, v INT)")
        cb.execute("BEGIN")
        cb.execute("INSERT INTO e.t (u) VALUES (2)")  # id 1, and in the other's way
        ca.execute("SET innodb_lock_wait_timeout = 30")
        ca._defer_warnings = True
        a._execute_command(3, "INSERT INTO e.t (u) VALUES (1), (2), (3)")  # waits at its second row
        with server.connect() as w, w.cursor() as cw:
            while True:
                cw.execute("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'")
                if cw.fetchone()[0] == 1:
                    break
        cb.execute("INSERT INTO e.t (u) VALUES (4)")
        cb.execute("DELETE FROM e.t WHERE u = 2")
        cb.execute("COMMIT")
        a._read_query_result()
        assert a.insert_id() == 2, a.insert_id()
        ca.execute("SELECT id FROM e.t WHERE u IN (1, 2, 3) ORDER BY u")
        assert ca.fetchall() == ((2,), (3,), (4,))
        ca.execute("DROP DATABASE e")


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    main(globals())
