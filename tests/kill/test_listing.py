# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""A listing of many tables, columns, indexes or accounts is no blind spot: it looks at the kill flag at least every millisecond of processor
time, which the gap monitor of debug builds measures. And one that is killed while it lists ends with 1317 and leaves nothing behind."""
import os

import pymysql
import quell
from harness import main

TABLES = int(os.environ.get("QUELL_LISTING_TABLES", "2000"))
RELEASE = "/rel" in os.environ.get("QUELLD", "asan")
# As in test_large_values.py: the debug checks make everything several times slower.
LIMIT_US = float(os.environ.get("QUELL_LISTING_LIMIT_US", 1000 * quell.SLOWNESS * (1 if RELEASE else 4)))
TRIES = 3

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
db = server.connect()
cur = db.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")
for i in range(TABLES):
    cur.execute(f"CREATE TABLE t{i:05} (id INT PRIMARY KEY AUTO_INCREMENT, a INT DEFAULT 3, b VARCHAR(30), c DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3), "
                "d DECIMAL(9, 2), e TEXT, f BIGINT, g BINARY(9) NOT NULL DEFAULT 'g', KEY (a), UNIQUE KEY (g))")
for i in range(200):
    cur.execute(f"CREATE USER u{i}")
    cur.execute(f"GRANT SELECT, INSERT ON d.t{i:05} TO u{i}")

LISTINGS = ["SHOW TABLES", "SHOW FULL TABLES LIKE '%9'", "SHOW TABLE STATUS", "SHOW TABLES WHERE Tables_in_d > 't01'", "SHOW DATABASES"] + [
    f"SELECT * FROM information_schema.{v}" for v in ("TABLES", "COLUMNS", "STATISTICS", "PARTITIONS", "TABLE_CONSTRAINTS", "KEY_COLUMN_USAGE", "SCHEMATA",
                                                      "TABLE_PRIVILEGES", "USER_PRIVILEGES")] + [
    "SELECT * FROM mysql.user", "SELECT * FROM mysql.tables_priv", "SELECT COUNT(*) FROM information_schema.COLUMNS",
    "SELECT * FROM information_schema.COLUMNS WHERE TABLE_NAME = 't00007'", "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'nowhere'",
    "SELECT * FROM information_schema.COLUMNS WHERE TABLE_NAME = 'T00007' COLLATE utf8mb4_general_ci",
    "SELECT t.TABLE_NAME, COUNT(*) FROM information_schema.TABLES t JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME) GROUP BY 1"]


def gap(sql):
    cur.execute(sql)
    cur.fetchall()
    cur.execute("SHOW STATUS LIKE 'Quell_last_gap%'")
    s = dict(cur.fetchall())
    return int(s["Quell_last_gap_us"]), s["Quell_last_gap_from"], s["Quell_last_gap_to"]


def test_checkpoints():
    bad = []
    for sql in LISTINGS:
        best = min(gap(sql) for _ in range(TRIES))
        print(f"# {best[0]:6} us  {sql[:100]}  {best[1]} .. {best[2]}", flush=True)
        if best[0] > LIMIT_US:
            bad.append((sql, best))
    assert not bad, bad


def test_killed_in_the_middle():
    """By a time limit, which ends a statement wherever it is."""
    killed = 0
    for sql in LISTINGS:
        if not sql.startswith("SELECT"):
            continue
        for ms in (1, 2, 5, 9):
            try:
                cur.execute(sql.replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({ms}) */", 1))
                cur.fetchall()
            except pymysql.MySQLError as e:
                assert e.args[0] == 3024, e
                killed += 1
            cur.execute("SELECT 1")
            assert cur.fetchall() == ((1,),)
    assert killed > 10, killed
    cur.execute("SELECT COUNT(*) FROM performance_schema.metadata_locks WHERE OBJECT_SCHEMA = 'd'")
    assert cur.fetchall() == ((0,),)
    cur.execute("DROP DATABASE d")  # nobody holds a definition


def close_all():
    db.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
