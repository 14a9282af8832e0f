# SPDX-License-Identifier: Apache-2.0
"""Temporary tables: statements that make, fill, change and drop them, killed at their checkpoints; what is left of them when their session ends, in
every way that it can; what others feel of them (nothing)."""
import os

import quell
from harness import main
from wire import Closed, Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "12"))  # kill points tried for each statement
ROWS = 900
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE s")
watch.query("CREATE TABLE s.t (id INT PRIMARY KEY, g INT, v VARCHAR(200), d BIGINT NOT NULL)")
watch.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, {i % 7}, 'value {i * 7919 % ROWS}', {(i * 31 + 7) % 10007})" for i in range(1, ROWS + 1)))
BASE = watch.query("SELECT * FROM s.t ORDER BY id")

# what it does to s.own (a copy of s.t) and s.made (which is not there)
STATEMENTS = [
    "CREATE TEMPORARY TABLE s.made (PRIMARY KEY (id), KEY (v), UNIQUE KEY (d)) ENGINE={e} SELECT * FROM s.t",
    "CREATE TEMPORARY TABLE s.made LIKE s.own",
    "CREATE TEMPORARY TABLE s.made (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20) DEFAULT 'x' CHECK (v <> 'y'), KEY (v)) ENGINE={e}",
    "TRUNCATE TABLE s.own",
    "DROP TEMPORARY TABLE s.own, s.other",
    "DROP TABLE s.own, s.other",
    "ALTER TABLE s.own ADD COLUMN x INT NOT NULL DEFAULT 5, ALGORITHM=COPY",
    "ALTER TABLE s.own RENAME TO s.made, RENAME COLUMN v TO w",
    "ALTER TABLE s.own ADD INDEX added (v, g)",
    "CREATE UNIQUE INDEX added ON s.own (d)",
    "DROP INDEX g ON s.own",
]
# rows; of tables with transactions the statement is undone
CHANGES = [
    "INSERT INTO s.own SELECT id + 5000, g, v, d + 20000 FROM s.t",
    "UPDATE s.own SET v = CONCAT(v, '!'), id = id + 10000",
    "DELETE FROM s.own WHERE g < 5",
    "REPLACE INTO s.own SELECT id + 450, 1, 'r', d FROM s.t",
]


def prepare(w, engine):
    w.query("DROP TEMPORARY TABLE IF EXISTS s.own, s.made, s.other")
    w.query(f"CREATE TEMPORARY TABLE s.own (id INT PRIMARY KEY, g INT, v VARCHAR(200), d BIGINT NOT NULL, KEY (g)) ENGINE={engine} SELECT * FROM s.t")
    w.query("CREATE TEMPORARY TABLE s.other (a INT)")
    w.query("INSERT INTO s.other VALUES (1), (2)")


def image(w):
    """All that the session has; sound."""
    out = []
    for t in ("own", "made", "other"):
        try:
            out.append((w.query(f"SHOW CREATE TABLE s.{t}"), w.query(f"SELECT * FROM s.{t} ORDER BY 1")))
        except Err as e:
            assert e.code == 1146, e
            out.append(None)
            continue
        check = w.query(f"CHECK TABLE s.{t}")
        assert [r[2:4] for r in check] == [(b"status", b"OK")], check
    return out


def points(n):
    edge = MOST // 3
    return sorted({*range(1, min(n, edge) + 1), *range(edge, n + 1, max(1, n // edge)), *range(max(1, n - edge), n + 1)})


def run(w, sql, arm=None):
    if arm:
        w.query(f"SET DEBUG_SYNC = '{arm}'")
    try:
        w.query(sql)
    except Err as e:
        return e.code
    except (Closed, ConnectionResetError, BrokenPipeError):
        return 2013
    return 0


def left():
    return int(watch.status("Quell_temporary_tables")["Quell_temporary_tables"])


def until_nothing_is_left():
    quell.until(lambda: left() == 0, what="all temporary tables gone with their rows")


def keys():
    """In the data file, when all is there."""
    quell.until(lambda: watch.status("Quell_kv_unflushed")["Quell_kv_unflushed"] == "0", what="nothing in the redo log alone")
    return int(watch.status("Quell_kv_entries")["Quell_kv_entries"])


def sweep(sql, engine, undone):
    sql = sql.format(e=engine)
    w = Wire(server)
    prepare(w, engine)
    before = image(w)
    assert run(w, sql) == 0, sql
    n = int(w.query("SHOW STATUS LIKE 'Quell_last_checkpoints'")[0][1])
    after = image(w)
    assert after != before
    killed = 0
    for i in points(n):
        prepare(w, engine)
        code = run(w, sql, f"kill_at {i} QUERY")
        assert code in (0, 1317), (sql, i, code)
        got = image(w)
        if code == 0 or undone:
            assert got == (after if code == 0 else before), (sql, i, n, code)
        killed += code == 1317
    assert killed > 2, (sql, n, killed)
    for arm in ("kill_at 2 CONNECTION", f"kill_at {n} CONNECTION"):
        prepare(w, engine)
        assert run(w, sql, arm) != 0, (sql, arm)
        until_nothing_is_left()
        w.close()
        w = Wire(server)
    prepare(w, engine)
    assert run(w, sql) == 0
    assert image(w) == after
    w.quit()
    until_nothing_is_left()
    watch.until_calm()
    assert watch.query("SELECT * FROM s.t ORDER BY id") == BASE
    return n


def test_sweep_innodb():
    print("#", [sweep(s, "InnoDB", True) for s in STATEMENTS + CHANGES])


def test_sweep_myisam():
    print("#", [sweep(s, "MyISAM", True) for s in STATEMENTS if "{e}" in s or "s.own" in s])
    print("#", [sweep(s, "MyISAM", False) for s in CHANGES])


def test_sweep_in_a_transaction():
    """The earlier work of the transaction stays; what the statement made is gone."""
    w = Wire(server)
    sql = "CREATE TEMPORARY TABLE s.made (PRIMARY KEY (id)) SELECT * FROM s.t"
    prepare(w, "InnoDB")
    assert run(w, sql) == 0
    n = int(w.query("SHOW STATUS LIKE 'Quell_last_checkpoints'")[0][1])
    for i in points(n):
        prepare(w, "InnoDB")
        w.query("BEGIN")
        w.query("INSERT INTO s.other VALUES (3)")
        w.query("UPDATE s.t SET g = g + 1 WHERE id = 1")
        code = run(w, sql, f"kill_at {i} QUERY")
        assert code in (0, 1317), (i, code)
        assert w.error("SELECT COUNT(*) FROM s.made") == 1146 if code else w.value("SELECT COUNT(*) FROM s.made") == str(ROWS)
        assert w.value("SELECT COUNT(*) FROM s.other") == "3"
        w.query("ROLLBACK")
        assert w.value("SELECT COUNT(*) FROM s.other") == "2"
        assert (w.value("SELECT COUNT(*) FROM s.made") if code == 0 else "0") == "0"
    w.quit()
    until_nothing_is_left()
    assert watch.query("SELECT * FROM s.t ORDER BY id") == BASE


def test_failing_allocations():
    for sql in STATEMENTS + CHANGES[:2]:
        sql = sql.format(e="InnoDB")
        w = Wire(server)
        for i in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
            prepare(w, "InnoDB")
            before = image(w)
            code = run(w, sql, f"fail_alloc_at {i}")
            assert code in (0, 1037, 1038, 4082), (sql, i, code)
            if code:
                assert image(w) == before, (sql, i)
        w.quit()
        until_nothing_is_left()


def fill(w):
    w.query("CREATE TEMPORARY TABLE s.t (a INT PRIMARY KEY, b VARCHAR(100), KEY (b))")
    w.query("INSERT INTO s.t SELECT id, REPEAT(v, 5) FROM (SELECT 1 AS id, 'x' AS v UNION SELECT 2, 'y') AS q")
    w.query("CREATE TEMPORARY TABLE s.m ENGINE=MEMORY SELECT * FROM s.t")
    assert w.value("SELECT COUNT(*) FROM s.t JOIN s.m USING (a)") == "2"


def change_user(w):
    w.command(b"\x11root\0\0\0\xff\0caching_sha2_password\0")
    p = w.packet()
    if p[0] == 0xFE:
        w.put(b"")
        p = w.packet()
    assert p[0] == 0, p


def reset_connection(w):
    w.command(b"\x1f")
    w.result()


def test_every_end():
    """In the same session afterwards, or in none: the names are free, ids and rows are gone."""
    until_nothing_is_left()
    was = keys()
    for transaction in (False, True):
        for how in ("quit", "close", "kill", "kill while it runs", reset_connection, change_user):
            w = Wire(server)
            fill(w)
            if transaction:
                w.query("BEGIN")
                w.query("INSERT INTO s.t VALUES (3, 'in a transaction')")
                w.query("DROP TEMPORARY TABLE s.m")
                w.query("CREATE TEMPORARY TABLE s.m (x INT)")
                w.query("INSERT INTO s.m VALUES (1), (2), (3)")
            assert left() >= 2
            if how == "quit":
                w.quit()
            elif how == "close":
                w.close()
            elif how == "kill":
                watch.kill(w.id, "CONNECTION")
                w.at_end()
            elif how == "kill while it runs":
                w.send("SELECT SLEEP(100) FROM s.t")
                watch.until_state(w.id, "User sleep")
                watch.kill(w.id, "CONNECTION")
                w.at_end()
            else:
                how(w)
                assert w.value("SELECT COUNT(*) FROM s.t") == str(ROWS)
                assert w.error("SELECT * FROM s.m") == 1146
                w.quit()
            watch.until_gone(w.id)
            until_nothing_is_left()
            w.close()
    watch.until_calm()
    quell.until(lambda: keys() <= was, what=f"keys {keys()} as before {was}")


def shape(w, stmt, *params):
    """Columns and rows that it has now."""
    w.execute(stmt, *params)
    p = w.packet()
    if p[0] == 0xFF:
        raise Err(p)
    if p[0] == 0:
        return 0, 0
    for _ in range(p[0]):
        w.packet()
    rows = 0
    while w.packet()[0] != 0xFE:
        rows += 1
    return p[0], rows


def test_prepared_statements_follow():
    """Of the binary protocol: bound anew when a temporary table begins or ceases to hide a name."""
    with Wire(server) as w:
        w.query("USE s")
        select, _ = w.prepare("SELECT * FROM t WHERE g = ? ORDER BY id LIMIT 2")
        insert, _ = w.prepare("INSERT INTO t (id, g) VALUES (?, ?)")
        assert shape(w, select, 3) == (4, 2)
        w.query("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, g INT)")
        assert shape(w, select, 3) == (2, 0)
        assert shape(w, insert, 8, 3) == (0, 0)
        assert shape(w, select, 3) == (2, 1)
        w.query("ALTER TABLE t ADD x INT, ADD y VARCHAR(10) DEFAULT 'y', ADD z INT")
        assert shape(w, select, 3) == (5, 1)
        w.query("DROP TABLE t")
        assert shape(w, select, 3) == (4, 2)
    until_nothing_is_left()


def test_nobody_else_feels_them():
    """No metadata locks on the names, no row locks; DDL and locks of others do not wait, nor does the owner."""
    with Wire(server) as a, Wire(server) as b:
        b.query("SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
        a.query("SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
        for engine in ("InnoDB", "MyISAM"):
            a.query(f"CREATE TEMPORARY TABLE s.t (a INT PRIMARY KEY) ENGINE={engine}")
            a.query("BEGIN")
            a.query("INSERT INTO s.t VALUES (1), (2)")
            a.query("UPDATE s.t SET a = a + 10")
            a.query("SELECT * FROM s.t FOR UPDATE")
            assert watch.status("Quell_row_locks")["Quell_row_locks"] == "0"
            assert watch.query("SELECT * FROM performance_schema.metadata_locks WHERE OBJECT_NAME = 't'") == []
            b.query("LOCK TABLES s.t WRITE")
            a.query("INSERT INTO s.t VALUES (5)")
            a.query("UPDATE s.t SET a = a + 10")
            assert a.value("SELECT COUNT(*) FROM s.t") == "3"
            b.query("UNLOCK TABLES")
            b.query("ALTER TABLE s.t ADD z INT")
            b.query("ALTER TABLE s.t DROP z")
            b.query("CREATE TEMPORARY TABLE s.t (b INT)")
            b.query("INSERT INTO s.t VALUES (7)")
            assert b.value("SELECT * FROM s.t") == "7"
            b.query("DROP TEMPORARY TABLE s.t")
            a.query("COMMIT")
            assert a.value("SELECT SUM(a) FROM s.t") == str(21 + 22 + 15)
            a.query("DROP TEMPORARY TABLE s.t")
    until_nothing_is_left()
    assert watch.query("SELECT * FROM s.t ORDER BY id") == BASE


def test_read_only_server():
    watch.query("CREATE USER plain@localhost")
    watch.query("GRANT ALL ON s.* TO plain@localhost")
    watch.query("SET GLOBAL super_read_only = 1")
    try:
        for user in ("plain", "root"):
            with Wire(server, user=user) as w:
                w.query("CREATE TEMPORARY TABLE s.x (a INT)")
                w.query("INSERT INTO s.x SELECT id FROM s.t")
                w.query("UPDATE s.x SET a = a + 1")
                w.query("BEGIN")
                w.query("DELETE FROM s.x WHERE a > 100")
                w.query("COMMIT")
                w.query("ALTER TABLE s.x ADD KEY (a), ADD b INT DEFAULT 4")
                w.query("SELECT * FROM s.x WHERE a = 5 FOR UPDATE")
                w.query("INSERT INTO s.x (a) VALUES (1)")
                assert w.value("SELECT SUM(b) FROM s.x") == "400"
                assert w.error("INSERT INTO s.t SELECT a + 10000, 1, 'x', 1 FROM s.x") == 1290
                assert w.error("DELETE s.t FROM s.t JOIN s.x ON t.id = x.a") == 1290
                assert w.error("CREATE TABLE s.y LIKE s.x") == 1290
                assert w.error("DROP TABLE s.x, s.t") == 1290
                w.query("OPTIMIZE TABLE s.x")
                w.query("TRUNCATE TABLE s.x")
                w.query("DROP TABLE s.x")
    finally:
        watch.query("SET GLOBAL read_only = 0")
    watch.query("DROP USER plain@localhost")
    until_nothing_is_left()


def test_many_rows_and_many_tables():
    """Memory is bounded: what is committed is in the store, what is not goes to files beyond the limit; all of it goes away."""
    was = keys()
    with Wire(server) as w:
        w.query("SET transaction_memory_limit = 1048576")
        w.query("CREATE TEMPORARY TABLE s.big (id INT PRIMARY KEY, v VARCHAR(200), KEY (v))")
        w.query("BEGIN")
        w.query("INSERT INTO s.big SELECT a.id * 1000 + b.id, REPEAT(a.v, 3) FROM s.t AS a JOIN s.t AS b ON b.id <= 20")
        assert watch.status("Quell_spilled_layers")["Quell_spilled_layers"] != "0"
        w.query("COMMIT")
        assert w.value("SELECT COUNT(*) FROM s.big") == str(20 * ROWS)
        w.query("DROP TABLE s.big")
        until_nothing_is_left()
        for i in range(300):
            w.query(f"CREATE TEMPORARY TABLE s.n{i} (a INT, KEY (a))")
            w.query(f"INSERT INTO s.n{i} VALUES ({i})")
        assert left() == 300
        assert w.value("SELECT a FROM s.n77") == "77"
        names = ", ".join(f"s.n{i}" for i in range(300))
        w.query("SET DEBUG_SYNC = 'kill_at 450 QUERY'")  # a checkpoint a name to look for them, one to drop them
        try:
            w.query(f"DROP TEMPORARY TABLE {names}")
            raise AssertionError("dropped although killed")
        except Err as e:
            assert e.code == 1317, e
        w.query("SET DEBUG_SYNC = 'RESET'")
        assert left() == 300
        assert w.value("SELECT a FROM s.n0") == "0"
        w.query(f"DROP TEMPORARY TABLE {names}")
    until_nothing_is_left()
    watch.until_calm()
    quell.until(lambda: keys() <= was, what="keys as before")


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
