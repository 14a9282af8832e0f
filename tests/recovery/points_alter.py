# SPDX-License-Identifier: Apache-2.0
"""kill -9 at each sync point of an ALTER TABLE that copies or builds, and of a CREATE TABLE ... SELECT: the old table or the new one, sound,
never between; what was built in vain is not met again, and the statement then succeeds."""
import subprocess

import quell
from harness import main
from wire import Closed, Watcher, Wire

ROWS = 5000
POINTS = ["build_begun", "build_block", "alter_round", "alter_before_switch", "build_switch", "commit_before_queue"]
STATEMENTS = ["ALTER TABLE s.t ADD COLUMN x INT NOT NULL DEFAULT 5, ALGORITHM=COPY", "ALTER TABLE s.t ADD INDEX added (v), ALGORITHM=INPLACE, LOCK=NONE"]


def definition(s):
    """Of a table that is sound and whole."""
    w = Watcher(s)
    rows = w.query("CHECK TABLE s.t")
    assert [r[2:4] for r in rows] == [(b"status", b"OK")], rows
    assert w.value("SELECT COUNT(*) FROM s.t") == str(ROWS)
    text = w.query("SHOW CREATE TABLE s.t")[0][1]
    w.close()
    return text


def run(s, sql):
    """False: the server died of it."""
    w = Wire(s)
    try:
        w.query(sql)
        return True
    except (Closed, ConnectionResetError, BrokenPipeError):
        return False
    finally:
        w.close()


def crash_everywhere(sql):
    s = quell.Server()
    s.start()
    w = Watcher(s)
    w.query("CREATE DATABASE s")
    w.query("CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(100), KEY (id, v))")
    w.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, 'value {i * 7919 % ROWS}')" for i in range(ROWS)))
    w.close()
    old = definition(s)
    assert s.stop() == 0
    for point in POINTS:
        if point == "alter_round" and "LOCK=NONE" not in sql:
            continue
        s.env["QUELL_CRASH_AT"] = point
        s.start()
        assert not run(s, sql), f"{point} is not met by {sql}"
        s.kill9()
        del s.env["QUELL_CRASH_AT"]
        s.start()
        assert definition(s) == old, (point, sql)
        s.kill9()
    s.start()
    assert run(s, sql)
    s.kill9()
    s.start()
    assert definition(s) != old
    assert s.stop() == 0, s.log_text()[-3000:]
    s.remove()


def test_copy():
    crash_everywhere(STATEMENTS[0])


def test_online_index():
    crash_everywhere(STATEMENTS[1])


def test_fills():
    """Blocks that go into the file beside the commits: killed between two of them, the old table is there and nothing else, page by page."""
    many = 60_000
    s = quell.Server()
    s.start()
    s.query("CREATE DATABASE s")
    s.query("CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(100))")
    for i in range(0, many, 10_000):
        s.query("INSERT INTO s.t VALUES " + ",".join(f"({k}, 'value {k * 7919 % many}')" for k in range(i, i + 10_000)))
    sums = s.query("CHECKSUM TABLE s.t"), s.query("SHOW CREATE TABLE s.t")
    for sql in ("ALTER TABLE s.t ADD COLUMN x INT NOT NULL DEFAULT 5, ALGORITHM=COPY", "ALTER TABLE s.t ADD INDEX added (v)"):
        for written in (0, 2):
            w, v = Watcher(s), Wire(s)
            w.query(f"SET DEBUG_SYNC = 'GLOBAL fill_before_write SIGNAL held WAIT_FOR go EXECUTE {written + 1}'")
            v.send(sql)
            for _ in range(written):
                w.query("SET DEBUG_SYNC = 'now WAIT_FOR held'")
                w.query("SET DEBUG_SYNC = 'now SIGNAL go'")
            w.query("SET DEBUG_SYNC = 'now WAIT_FOR held'")
            s.kill9()
            v.close()
            w.close()
            s.start()
            assert (s.query("CHECKSUM TABLE s.t"), s.query("SHOW CREATE TABLE s.t")) == sums, (sql, written)
            assert "were being built when the server ended" in s.log_text()
            assert s.query("CHECK TABLE s.t")[-1][2:4] == ("status", "OK")
    assert s.stop() == 0, s.log_text()[-3000:]
    r = subprocess.run([s.binary, "--check-data", f"--datadir={s.datadir}"], env=s.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert r.returncode == 0, r.stdout.decode()
    s.remove()


def ties(s):
    """What the tables say of each other, with their definitions; rows fit."""
    for t in ("p", "c"):
        assert s.query(f"CHECK TABLE s.{t}")[-1][2:4] == ("status", "OK")
    keys = s.query("SELECT CONSTRAINT_NAME, TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = 's'")
    return keys, s.query("SELECT CONSTRAINT_NAME, UNIQUE_CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS"), s.query("SHOW CREATE TABLE s.p"), s.query("SHOW CREATE TABLE s.c")


def test_foreign_keys():
    """The child's record and the parent's are one commit, whoever of the two is altered."""
    s = quell.Server()
    s.start()
    s.query("CREATE DATABASE s")
    s.query("CREATE TABLE s.p (id INT PRIMARY KEY, u INT UNIQUE)")
    s.query("CREATE TABLE s.c (id INT PRIMARY KEY, a INT, b INT)")
    s.query("INSERT INTO s.p VALUES (1, 1), (2, 2), (3, 3)")
    s.query("INSERT INTO s.c VALUES (1, 1, 1), (2, 3, 3), (3, NULL, NULL)")
    for sql, points in (("ALTER TABLE s.c ADD FOREIGN KEY (a) REFERENCES s.p (id), ADD FOREIGN KEY (b) REFERENCES s.p (u)", ("build_begun", "alter_before_switch", "build_switch", "commit_before_queue")),
                        ("ALTER TABLE s.p RENAME COLUMN u TO w, RENAME KEY u TO uw", ("build_switch", "commit_before_queue")),
                        ("ALTER TABLE s.c DROP FOREIGN KEY c_ibfk_1", ("build_switch", "commit_before_queue"))):
        old = ties(s)
        for point in points:
            assert s.stop() == 0
            s.env["QUELL_CRASH_AT"] = point
            s.start()
            assert not run(s, sql), (point, sql)
            s.kill9()
            del s.env["QUELL_CRASH_AT"]
            s.start()
            assert ties(s) == old, (point, sql)
        assert run(s, sql)
        s.kill9()
        s.start()
        assert ties(s) != old, sql
    assert s.stop() == 0, s.log_text()[-3000:]
    s.remove()


def test_create_select():
    s = quell.Server()
    s.start()
    s.query("CREATE DATABASE s")
    s.query("CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(100))")
    s.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, 'value {i * 7919 % ROWS}')" for i in range(ROWS)))
    sql = "CREATE TABLE s.made (PRIMARY KEY (id), KEY (v)) SELECT * FROM s.t"
    for point in ("build_begun", "build_block", "create_select_filled", "commit_before_queue"):
        assert s.stop() == 0
        s.env["QUELL_CRASH_AT"] = point
        s.start()
        assert not run(s, sql), f"{point} is not met"
        s.kill9()
        del s.env["QUELL_CRASH_AT"]
        s.start()
        assert s.query("SHOW TABLES FROM s") == (("t",),), point
        if point != "build_begun":
            assert "were being built when the server ended" in s.log_text(), point
    assert run(s, sql)
    s.kill9()
    s.start()
    assert s.query("CHECK TABLE s.made") == (("s.made", "check", "status", "OK"),)
    assert s.query("SELECT COUNT(*), COUNT(DISTINCT v) FROM s.made FORCE INDEX (v)") == ((ROWS, ROWS),)
    assert s.stop() == 0, s.log_text()[-3000:]
    s.remove()


if __name__ == "__main__":
    main(globals())
