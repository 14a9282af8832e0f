# SPDX-License-Identifier: Apache-2.0
"""kill -9 inside changes that come along foreign keys, between any two of their rows and at each step of the commit: after the restart all of the
statement is there or nothing, all indexes agree, and no row is without its parent."""
import subprocess

import quell
from harness import main
from wire import Closed, Watcher, Wire

CHILDREN = 6
SETUP = ["CREATE DATABASE r", "CREATE TABLE r.p (id INT PRIMARY KEY, n INT)",
         "CREATE TABLE r.c (id INT PRIMARY KEY, pid INT, g INT AS (pid * 2) VIRTUAL, KEY (pid), KEY (g), FOREIGN KEY (pid) REFERENCES r.p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
         "CREATE TABLE r.d (id INT PRIMARY KEY, cid INT, KEY (cid), FOREIGN KEY (cid) REFERENCES r.c (id) ON DELETE SET NULL)",
         "CREATE TABLE r.e (id INT PRIMARY KEY, up INT, pid INT, KEY (up), FOREIGN KEY (up) REFERENCES r.e (id) ON DELETE CASCADE, FOREIGN KEY (pid) REFERENCES r.p (id) ON DELETE CASCADE ON UPDATE SET NULL)",
         "INSERT INTO r.p VALUES (1, 1), (2, 2), (3, 3)", "INSERT INTO r.c (id, pid) VALUES " + ",".join(f"({i}, {1 + i % 2})" for i in range(CHILDREN * 2)),
         "INSERT INTO r.d VALUES " + ",".join(f"({i}, {i})" for i in range(CHILDREN * 2)), "INSERT INTO r.e VALUES (1, NULL, 1), (2, 1, NULL), (3, 2, NULL), (4, 4, 2)"]
# A transaction, and how many rows it brings along: children, their children, and e's with those below it.
CHANGES = [(("DELETE FROM r.p WHERE id = 1",), 2 * CHILDREN + 3), (("UPDATE r.p SET id = 9 WHERE id = 1",), CHILDREN + 1), (("REPLACE INTO r.p VALUES (1, 7)",), 2 * CHILDREN + 3),
           (("BEGIN", "INSERT INTO r.p VALUES (5, 5)", "INSERT INTO r.c (id, pid) VALUES (100, 5)", "DELETE IGNORE FROM r.p WHERE id <> 2", "COMMIT"), 2 * CHILDREN + 4)]
COMMIT = ["commit_before_queue", "commit_before_take", "commit_after_take", "commit_after_apply", "commit_before_tell"]
ORPHANS = ("SELECT c.id FROM r.c LEFT JOIN r.p ON p.id = c.pid WHERE c.pid IS NOT NULL AND p.id IS NULL", "SELECT d.id FROM r.d LEFT JOIN r.c ON c.id = d.cid WHERE d.cid IS NOT NULL AND c.id IS NULL",
           "SELECT e.id FROM r.e LEFT JOIN r.p ON p.id = e.pid WHERE e.pid IS NOT NULL AND p.id IS NULL", "SELECT e.id FROM r.e LEFT JOIN r.e f ON f.id = e.up WHERE e.up IS NOT NULL AND f.id IS NULL")


def image(s):
    assert [r[2:4] for r in s.query("CHECK TABLE r.p, r.c, r.d, r.e")] == [("status", "OK")] * 4
    for sql in ORPHANS:
        assert s.query(sql) == (), sql
    return [s.query(f"SELECT * FROM r.{t} ORDER BY id") for t in "pcde"]


def run(s, statements):
    """False: the server died of it."""
    w = Wire(s)
    try:
        for sql in statements:
            w.query(sql)
        return True
    except (Closed, ConnectionResetError, BrokenPipeError):
        return False
    finally:
        w.close()


def copy_of(s, directory):
    subprocess.run(["cp", "-a", "--sparse=always", f"{s.datadir}/.", directory], check=True)


def restore(s, directory):
    subprocess.run(["rm", "-rf", s.datadir], check=True)
    subprocess.run(["cp", "-a", "--sparse=always", directory, s.datadir], check=True)


def crash_at_row(s, statements, n):
    """Held before the n-th row that comes along, and killed there."""
    w, v = Watcher(s), Wire(s)
    w.query(f"SET DEBUG_SYNC = 'GLOBAL cascade_row SIGNAL held WAIT_FOR go EXECUTE {n}'")
    for sql in statements[:-2] if len(statements) > 1 else ():
        v.query(sql)
    v.send(statements[-2] if len(statements) > 1 else statements[0])
    for _ in range(n - 1):
        w.query("SET DEBUG_SYNC = 'now WAIT_FOR held'")
        w.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    w.query("SET DEBUG_SYNC = 'now WAIT_FOR held'")
    s.kill9()
    v.close()
    w.close()


def test_everywhere():
    s = quell.Server()
    s.start()
    for sql in SETUP:
        s.query(sql)
    old = image(s)
    assert s.stop() == 0
    kept = f"{s.dir}/kept"
    copy_of(s, kept)
    for number, (statements, rows) in enumerate(CHANGES):
        whole = number in (0, len(CHANGES) - 1)  # the others come to the same commit
        restore(s, kept)
        s.start()
        assert run(s, statements)
        new = image(s)
        assert new != old
        s.kill9()
        s.start()
        assert image(s) == new, statements
        s.kill9()
        restore(s, kept)
        for n in (rows // 2, rows) if whole else (rows - 1,):
            s.start()
            crash_at_row(s, statements, n)
            s.start()
            assert image(s) == old, (statements, n)
            assert s.stop() == 0
        for point in COMMIT if whole else ():
            s.env["QUELL_CRASH_AT"] = point
            s.start()
            died = not run(s, statements)
            s.kill9()
            del s.env["QUELL_CRASH_AT"]
            s.start()
            got = image(s)
            assert died and (got == new if point == "commit_before_tell" else got == old or point == "commit_after_apply" and got == new), (statements, point)
            assert s.stop() == 0
            if got != old:
                restore(s, kept)
    r = subprocess.run([s.binary, "--check-data", f"--datadir={s.datadir}"], env=s.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert r.returncode == 0, r.stdout
    s.remove()


def test_spilled():
    """The rows that come along outgrow the transaction's memory: killed while they go to the temporary file, and behind that."""
    many = 4000
    s = quell.Server()
    s.start()
    s.query("CREATE DATABASE r")
    s.query("CREATE TABLE r.p (id INT PRIMARY KEY)")
    s.query("CREATE TABLE r.c (id INT PRIMARY KEY, pid INT, pad VARCHAR(600), KEY (pid), FOREIGN KEY (pid) REFERENCES r.p (id) ON UPDATE CASCADE)")
    s.query("INSERT INTO r.p VALUES (1)")
    s.query("INSERT INTO r.c VALUES " + ",".join(f"({i}, 1, REPEAT('{i % 10}', 600))" for i in range(many)))
    for point in ("spill_batch", "commit_before_queue", "commit_after_take"):
        assert s.stop() == 0
        s.env["QUELL_CRASH_AT"] = point
        s.start()
        assert not run(s, ("SET transaction_memory_limit = 1048576", "UPDATE r.p SET id = id + 1")), point
        s.kill9()
        del s.env["QUELL_CRASH_AT"]
        s.start()
        now = s.query("SELECT id FROM r.p")[0][0]
        assert now == 1, point
        assert s.query("SELECT pid, COUNT(*), MIN(LENGTH(pad)) FROM r.c GROUP BY pid") == ((now, many, 600),), point
        assert [r[2:4] for r in s.query("CHECK TABLE r.p, r.c")] == [("status", "OK")] * 2
    assert s.stop() == 0
    s.remove()


if __name__ == "__main__":
    main(globals())
