# SPDX-License-Identifier: Apache-2.0
"""ALTER TABLE that copies rows or builds indexes, killed at its checkpoints, under concurrent writers, behind transactions that do not end:
afterwards definition, rows and indexes are the old ones or the new ones, the table is sound (CHECK TABLE), and the statement then succeeds."""
import os

import quell
from harness import main
from wire import Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "24"))  # kill points tried for each statement
ROWS = 900
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)

STATEMENTS = [
    "ALTER TABLE s.t ADD COLUMN x INT NOT NULL DEFAULT 5, ALGORITHM=COPY",
    "ALTER TABLE s.t MODIFY g VARCHAR(30) NOT NULL, ADD UNIQUE KEY (d)",
    "ALTER TABLE s.t DROP PRIMARY KEY, ADD PRIMARY KEY (d, id), ADD KEY (id)",
    "ALTER TABLE s.t ADD INDEX added (v, g)",
    "CREATE UNIQUE INDEX added ON s.t (d)",
]


def rows(sql):
    """Of texts."""
    return [tuple(v if v is None else v.decode() for v in r) for r in watch.query(sql)]


def setup(engine, n=ROWS):
    watch.query("CREATE DATABASE IF NOT EXISTS s")
    watch.query("DROP TABLE IF EXISTS s.t")
    watch.query(f"CREATE TABLE s.t (id INT AUTO_INCREMENT PRIMARY KEY, g INT, v VARCHAR(200), d BIGINT NOT NULL, KEY (g), KEY (v)) ENGINE={engine}")
    watch.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, {i % 7}, 'value {i * 7919 % n}', {(i * 31 + 7) % 10007})" for i in range(1, n + 1)))


def image():
    check = rows("CHECK TABLE s.t")
    assert [r[2:4] for r in check] == [("status", "OK")], check
    return rows("SHOW CREATE TABLE s.t"), rows("SELECT * FROM s.t ORDER BY id")


def points(n, most):
    edge = most // 3
    return sorted({*range(1, min(n, edge) + 1), *range(edge, n + 1, max(1, n // edge)), *range(max(1, n - edge), n + 1)})


def run(w, sql, arm=None):
    if arm:
        w.query(f"SET DEBUG_SYNC = '{arm}'")
    try:
        w.query(sql)
    except Err as e:
        return e.code
    return 0


def sweep(sql, engine, size=ROWS, most=MOST):
    setup(engine, size)
    before = image()
    w = Wire(server)
    assert run(w, sql) == 0, sql
    n = int(w.query("SHOW STATUS LIKE 'Quell_last_checkpoints'")[0][1])
    after = image()
    assert after != before
    setup(engine, size)
    before, killed = image(), 0
    for i in points(n, most):
        code = run(w, sql, f"kill_at {i} QUERY")
        got = image()
        assert code in (0, 1317), (sql, i, code)
        assert got[0] == (after[0] if code == 0 else before[0]), (sql, i, n, code)
        assert got[1] == (after[1] if code == 0 else before[1]), (sql, i, n, code)
        killed += code == 1317
        if code == 0:
            setup(engine, size)
    assert killed > 5, (sql, n, killed)
    assert run(w, sql) == 0
    assert image() == after
    w.quit()
    watch.until_calm()
    return n


def test_sweep_order():
    """ALTER TABLE ... ORDER BY of a table without a primary key."""
    global setup
    with_key = setup

    def setup(engine, n=ROWS):
        with_key(engine, n)
        watch.query("ALTER TABLE s.t MODIFY id INT NOT NULL, DROP PRIMARY KEY")

    try:
        n = sweep("ALTER TABLE s.t ADD x INT, ORDER BY d DESC, v", "InnoDB")
        print("#", n)
        assert rows("SELECT d FROM s.t IGNORE INDEX (g, v)") == rows("SELECT d FROM s.t ORDER BY d DESC")
    finally:
        setup = with_key


def test_sweep_innodb():
    print("#", [sweep(s, "InnoDB") for s in STATEMENTS])


def test_sweep_myisam():
    print("#", [sweep(s, "MyISAM") for s in STATEMENTS])


def test_sweep_of_fills():
    """More rows than go through the log."""
    print("#", [sweep(s, "InnoDB", 6000, 9) for s in (STATEMENTS[0], STATEMENTS[3])])


def test_nobody_waits_for_the_filler():
    """The thread that writes for builds stands still: who waits for it is killed at once, and the table is free."""
    for sql in STATEMENTS[0], STATEMENTS[3]:
        setup("InnoDB", 9000)
        before = image()
        watch.query("SET DEBUG_SYNC = 'GLOBAL fill_before_write SIGNAL held WAIT_FOR go'")
        w = Wire(server)
        w.send(sql)
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR held TIMEOUT 20'")
        watch.until_state(w.id, "Waiting for commit")
        watch.query(f"KILL QUERY {w.id}")
        try:
            w.result()
            raise AssertionError("not killed")
        except Err as e:
            assert e.code == 1317, e
        assert image() == before
        watch.query("UPDATE s.t SET g = g + 1 WHERE id = 1")
        watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
        watch.query("SET DEBUG_SYNC = 'GLOBAL fill_before_write CLEAR'")
        assert run(w, sql) == 0
        assert image()[0] != before[0]
        w.quit()


def create_select(engine, keys, duplicates, query, ids):
    setup(engine)
    before = image()
    watch.query("DROP TABLE IF EXISTS s.made")
    sql = f"CREATE TABLE s.made ({keys}) ENGINE={engine} {duplicates} {query}"
    w = Wire(server)
    assert run(w, sql) == 0, sql
    n = int(w.query("SHOW STATUS LIKE 'Quell_last_checkpoints'")[0][1])
    whole = rows("SELECT * FROM s.made ORDER BY id")
    assert [int(r[0]) for r in whole] == ids
    killed = 0
    for i in points(n, MOST):
        watch.query("DROP TABLE IF EXISTS s.made")
        code = run(w, sql, f"kill_at {i} QUERY")
        killed += code == 1317
        assert code in (0, 1317), (i, n, code)
        if code:
            assert rows("SHOW TABLES FROM s") == [("t",)], (i, n)
        else:
            assert rows("SELECT * FROM s.made ORDER BY id") == whole
            assert rows("CHECK TABLE s.made")[0][2:] == ("status", "OK")
    assert killed > 5
    assert image() == before
    watch.query("DROP TABLE IF EXISTS s.made")
    w.quit()


def test_create_select():
    """Killed at its checkpoints: no table of the name; the query's tables are as they were."""
    for engine in ("InnoDB", "MyISAM"):
        create_select(engine, "PRIMARY KEY (id), KEY (v), UNIQUE KEY (d)", "", "SELECT * FROM s.t", list(range(1, ROWS + 1)))


def test_create_select_duplicates():
    """IGNORE keeps the first of two, REPLACE the last, whichever unique key they have in common."""
    keys = "id INT PRIMARY KEY, UNIQUE KEY (u), KEY (v)"
    query = "SELECT id, id DIV 3 AS u, v FROM s.t"
    create_select("InnoDB", keys, "IGNORE", query, [1, *range(3, ROWS + 1, 3)])
    create_select("MyISAM", keys, "REPLACE", query, [*range(2, ROWS, 3), ROWS])


def test_failing_allocations():
    for sql in STATEMENTS[:1] + STATEMENTS[3:4]:
        setup("InnoDB")
        before = image()
        w = Wire(server)
        for i in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233):
            code = run(w, sql, f"fail_alloc_at {i}")
            if code == 0:
                setup("InnoDB")
                continue
            assert code in (1037, 1038, 4082), code
            assert image() == before
        w.quit()


def writes(cur, n):
    """Changes of every kind: rows that come, go, move, and change what is indexed."""
    for i in range(n):
        k = 10000 + i
        cur.execute(f"INSERT INTO s.t VALUES ({k}, 1, 'new {i}', {k * 10})")
        cur.execute(f"UPDATE s.t SET v = 'changed {i}', d = d + 20000000 WHERE id = {i * 3 + 1}")
        cur.execute(f"DELETE FROM s.t WHERE id = {i * 3 + 2}")
        cur.execute(f"UPDATE s.t SET id = id + 20000 WHERE id = {i * 3 + 3}")
    cur.execute("BEGIN")
    cur.execute("UPDATE s.t SET v = 'never', d = -1 WHERE id = 10000")
    cur.execute("DELETE FROM s.t WHERE id BETWEEN 10000 AND 10100")
    cur.execute("ROLLBACK")


def online(sql):
    """Others write while rows are copied and while their writes are followed; one of them commits only after that."""
    setup("InnoDB")
    w = Wire(server)
    w.query("SET DEBUG_SYNC = 'build_block SIGNAL copying WAIT_FOR written TIMEOUT 20'")
    w.query("SET DEBUG_SYNC = 'alter_before_switch SIGNAL followed WAIT_FOR more TIMEOUT 20'")
    w.send(sql)
    c = server.connect(autocommit=True)
    late = server.connect(autocommit=False)
    cur = c.cursor()
    cur.execute("SET DEBUG_SYNC = 'now WAIT_FOR copying TIMEOUT 20'")
    late.cursor().execute("INSERT INTO s.t VALUES (50000, 1, 'late', 777000777)")
    late.cursor().execute("UPDATE s.t SET v = 'late, too', d = 888000888 WHERE id = 400")
    writes(cur, 40)
    cur.execute("SET DEBUG_SYNC = 'now SIGNAL written WAIT_FOR followed TIMEOUT 20'")
    cur.execute("UPDATE s.t SET d = 999000999, g = 3 WHERE id = 500")
    expected = rows("SELECT id, v, d FROM s.t WHERE id NOT IN (400, 50000) ORDER BY id")
    cur.execute("SET DEBUG_SYNC = 'now SIGNAL more'")
    watch.until_state(w.id, "Waiting for table metadata lock")
    late.commit()
    w.result()
    assert image()[0] != ()
    assert rows("SELECT id, v, d FROM s.t WHERE id NOT IN (400, 50000) ORDER BY id") == expected
    assert rows("SELECT v, d FROM s.t WHERE id IN (400, 50000) ORDER BY id") == [("late, too", "888000888"), ("late", "777000777")]
    for x in (c, late):
        x.close()
    w.query("SET DEBUG_SYNC = 'RESET'")
    w.quit()


def test_online_index():
    online("ALTER TABLE s.t ADD INDEX added (v, d), ALGORITHM=INPLACE, LOCK=NONE")


def test_online_unique_index():
    online("ALTER TABLE s.t ADD UNIQUE INDEX added (d), ALGORITHM=INPLACE, LOCK=NONE")


def test_online_rebuild():
    online("ALTER TABLE s.t FORCE, ALGORITHM=INPLACE, LOCK=NONE")


def test_online_primary_key():
    online("ALTER TABLE s.t DROP PRIMARY KEY, ADD PRIMARY KEY (d, id), ADD KEY (id), ALGORITHM=INPLACE, LOCK=NONE")


def test_duplicate_that_comes_meanwhile():
    setup("InnoDB")
    w = Wire(server)
    w.query("SET DEBUG_SYNC = 'alter_before_switch SIGNAL followed WAIT_FOR more TIMEOUT 20'")
    w.send("ALTER TABLE s.t ADD UNIQUE INDEX added (d), ALGORITHM=INPLACE, LOCK=NONE")
    c = server.connect(autocommit=True)
    cur = c.cursor()
    cur.execute("SET DEBUG_SYNC = 'now WAIT_FOR followed TIMEOUT 20'")
    cur.execute("INSERT INTO s.t SELECT 70000, 1, 'twice', d FROM s.t WHERE id = 17")
    d = watch.value("SELECT d FROM s.t WHERE id = 17")
    before = image()
    cur.execute("SET DEBUG_SYNC = 'now SIGNAL more'")
    try:
        w.result()
        raise AssertionError("no duplicate")
    except Err as e:
        assert (e.code, e.text) == (1062, f"Duplicate entry '{d}' for key 't.added'"), e
    assert image() == before
    w.query("SET DEBUG_SYNC = 'RESET'")
    w.quit()
    c.close()


def test_readers_pass_one_who_waits():
    """A transaction that does not end keeps the switch waiting, but not those who come later; a kill ends the wait at once."""
    setup("InnoDB")
    before = image()
    holder = server.connect(autocommit=False)
    holder.cursor().execute("SELECT COUNT(*) FROM s.t")
    w = Wire(server)
    w.send("ALTER TABLE s.t ADD COLUMN x INT, ALGORITHM=COPY")
    watch.until_state(w.id, "Waiting for table metadata lock")
    other = server.connect(autocommit=True)
    with other.cursor() as cur:
        cur.execute("SELECT COUNT(*) FROM s.t")  # ends: not behind the holder for good
        assert cur.fetchone()[0] == ROWS
    watch.until_state(w.id, "Waiting for table metadata lock")
    watch.kill(w.id)
    assert w.error() == 1317
    w.query("SET lock_wait_timeout = 2")
    assert run(w, "ALTER TABLE s.t ADD INDEX added (v), ALGORITHM=INPLACE, LOCK=NONE") == 1205
    holder.commit()
    assert image() == before
    assert run(w, "ALTER TABLE s.t ADD INDEX added (v), ALGORITHM=INPLACE, LOCK=NONE") == 0
    image()
    for x in (holder, other):
        x.close()
    w.quit()


def test_two_add_the_same_index():
    """The second one is killed at moments round the first one's end: the first one's index stays."""
    for moment in range(6):
        setup("InnoDB")
        first, second = Wire(server), Wire(server)
        first.query("SET DEBUG_SYNC = 'build_switch SIGNAL ready WAIT_FOR go TIMEOUT 20'")
        first.send("ALTER TABLE s.t ADD INDEX same (v)")
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR ready TIMEOUT 20'")
        second.query(f"SET DEBUG_SYNC = 'kill_at {2 + 7 * moment} QUERY'" if moment % 2 else "DO 0")
        second.send("ALTER TABLE s.t ADD INDEX same (v)")
        if moment == 0:
            watch.until_state(second.id, "Waiting for table metadata lock")
            watch.kill(second.id)
        watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
        if moment == 2:
            watch.kill(second.id)
        first.result()
        assert second.error() in (1317, 1061)
        assert "KEY `same` (`v`)" in image()[0][0][1]
        assert second.error("ALTER TABLE s.t ADD INDEX same (v)") == 1061
        for w in (first, second):
            w.query("SET DEBUG_SYNC = 'RESET'")
            w.quit()


def test_progress():
    setup("InnoDB")
    w = Wire(server)
    w.query("SET DEBUG_SYNC = 'alter_before_switch SIGNAL done WAIT_FOR go TIMEOUT 20'")
    w.send("ALTER TABLE s.t ADD COLUMN x INT, ALGORITHM=COPY")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR done TIMEOUT 20'")
    assert rows(f"SELECT PROGRESS FROM information_schema.PROCESSLIST WHERE ID = {w.id}") == [("100",)]
    stage = rows(f"SELECT WORK_COMPLETED = WORK_ESTIMATED, WORK_ESTIMATED FROM performance_schema.events_stages_current WHERE THREAD_ID = {w.id}")
    assert stage == [("1", str(3 * ROWS))], stage
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    w.result()
    w.query("SET DEBUG_SYNC = 'RESET'")
    w.quit()


def test_end():
    watch.close()
    assert server.stop() == 0, server.log_text()[-3000:]
    server.remove()


if __name__ == "__main__":
    main(globals())
