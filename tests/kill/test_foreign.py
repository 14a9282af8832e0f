# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Foreign keys between sessions: what waits for what, who is killed while he looks for a parent or changes children along, time limits,
deadlocks, and many sessions at once after which no row is without its parent."""
import random
import threading
import time

import quell
from harness import main
from wire import Err, Watcher, Wire

ROW_WAIT = "Waiting for row lock"
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--loose-disk-reserve=0"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE f")


def fresh(action="ON DELETE CASCADE ON UPDATE CASCADE", parents=5, children=20):
    """p(id, u) with two keys to refer to, c referring to the first, d (below c) and e referring to the second."""
    watch.query("DROP TABLE IF EXISTS f.e, f.d, f.c, f.p")
    watch.query("CREATE TABLE f.p (id INT PRIMARY KEY, u INT, v INT, UNIQUE KEY (u))")
    watch.query(f"CREATE TABLE f.c (id INT PRIMARY KEY, pid INT, v INT, KEY (pid), FOREIGN KEY (pid) REFERENCES f.p (id) {action})")
    watch.query("CREATE TABLE f.d (id INT PRIMARY KEY, cid INT, KEY (cid), FOREIGN KEY (cid) REFERENCES f.c (id) ON DELETE SET NULL ON UPDATE CASCADE)")
    watch.query(f"CREATE TABLE f.e (id INT PRIMARY KEY, pu INT, KEY (pu), FOREIGN KEY (pu) REFERENCES f.p (u) {action})")
    watch.query("INSERT INTO f.p VALUES " + ",".join(f"({i}, {i * 10}, 0)" for i in range(parents)))
    watch.query("INSERT INTO f.c VALUES " + ",".join(f"({i}, {i % (parents - 1)}, 0)" for i in range(children)))
    watch.query("INSERT INTO f.d VALUES " + ",".join(f"({i}, {i})" for i in range(children)))


def image():
    return [watch.query(f"SELECT * FROM f.{t} ORDER BY id") for t in "pcde"]


def sessions(n, level=None):
    out = [Wire(server) for _ in range(n)]
    for w in out:
        if level:
            w.query(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    return out


def waits(s, sql):
    s.send(sql)
    watch.until_state(s.id, ROW_WAIT)


def end(*ss):
    for s in ss:
        s.quit()
    watch.until_calm()


LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
# Who changes the parent, who wants a child of it; what the second is told when the first commits, and when he rolls back.
PAIRS = [
    ("DELETE FROM f.p WHERE id = 4", "INSERT INTO f.c VALUES (100, 4, 0)", 1452, 0),
    ("UPDATE f.p SET id = 400 WHERE id = 4", "INSERT INTO f.c VALUES (100, 4, 0)", 1452, 0),
    ("INSERT INTO f.p VALUES (50, 500, 0)", "INSERT INTO f.c VALUES (100, 50, 0)", 0, 1452),
    ("INSERT INTO f.p VALUES (50, 500, 0)", "UPDATE f.c SET pid = 50 WHERE id = 1", 0, 1452),
    ("DELETE FROM f.p WHERE id = 4", "INSERT INTO f.e VALUES (100, 40)", 1452, 0),
    ("UPDATE f.p SET u = 41 WHERE id = 4", "INSERT INTO f.e VALUES (100, 40)", 1452, 0),
    ("INSERT INTO f.p VALUES (50, 500, 0)", "INSERT INTO f.e VALUES (100, 500)", 0, 1452),
    ("INSERT INTO f.c VALUES (100, 4, 0)", "DELETE FROM f.p WHERE id = 4", 1451, 0),
    ("INSERT INTO f.e VALUES (100, 40)", "DELETE FROM f.p WHERE id = 4", 1451, 0),
    ("INSERT INTO f.e VALUES (100, 40)", "UPDATE f.p SET u = 41 WHERE id = 4", 1451, 0),
    ("UPDATE f.c SET pid = 4 WHERE id = 1", "UPDATE f.p SET id = 400 WHERE id = 4", 1451, 0),
    ("DELETE FROM f.c WHERE pid = 1", "DELETE FROM f.p WHERE id = 1", 0, 1451),
    ("UPDATE f.c SET pid = NULL WHERE pid = 1", "REPLACE INTO f.p VALUES (1, 1, 1)", 0, 1451),
]


def test_each_waits_for_the_other():
    """Parents held back by children (RESTRICT): whoever comes second waits, is killed at once, and otherwise finds what the first has done."""
    for n, (first, second, committed, rolled_back) in enumerate(PAIRS):
        level = LEVELS[n % 3]
        for outcome in ("kill", "ROLLBACK", "COMMIT"):
            fresh("")
            a, b = sessions(2, level)
            a.query("BEGIN")
            a.query(first)
            waits(b, second)
            if outcome == "kill":
                before = image()
                t = time.monotonic()
                watch.kill(b.id, "QUERY")
                assert b.error() == 1317, second
                assert time.monotonic() - t < 1, "a kill in a foreign key's wait"
                assert image() == before
                a.query("ROLLBACK")
            else:
                a.query(outcome)
                want = committed if outcome == "COMMIT" else rolled_back
                try:
                    b.result()
                    got = 0
                except Err as e:
                    got = e.code
                assert got == want, (level, first, second, outcome, got)
            end(a, b)
            assert orphans() == 0


def orphans():
    return sum(int(watch.value(q)) for q in (
        "SELECT COUNT(*) FROM f.c LEFT JOIN f.p ON p.id = c.pid WHERE c.pid IS NOT NULL AND p.id IS NULL",
        "SELECT COUNT(*) FROM f.d LEFT JOIN f.c ON c.id = d.cid WHERE d.cid IS NOT NULL AND c.id IS NULL",
        "SELECT COUNT(*) FROM f.e LEFT JOIN f.p ON p.u = e.pu WHERE e.pu IS NOT NULL AND p.id IS NULL"))


def test_killed_inside_a_cascade():
    """Somebody has a grandchild: the delete has changed other children by then. Killed, nothing of it is left; the connection's end likewise."""
    for sql in ("DELETE FROM f.p WHERE id = 1", "DELETE FROM f.p", "REPLACE INTO f.p VALUES (1, 10, 7)", "DELETE IGNORE FROM f.p", "DELETE p FROM f.p JOIN f.c ON c.pid = p.id"):
        for how, code in (("QUERY", 1317), ("CONNECTION", 2013)):
            fresh()
            before = image()
            a, b = sessions(2)
            a.query("BEGIN")
            a.query("SELECT * FROM f.d WHERE cid = 9 FOR UPDATE")
            b.query("BEGIN")
            b.query("UPDATE f.p SET v = 1 WHERE id = 0")
            waits(b, sql)
            t = time.monotonic()
            watch.kill(b.id, how)
            assert b.error() == code, sql
            assert time.monotonic() - t < 1, "a kill in a cascade"
            a.query("COMMIT")
            if how == "QUERY":
                b.query("ROLLBACK")
                assert image() == before, sql
                b.query(sql)
                assert image() != before and orphans() == 0, sql
            end(a, b)
            if how == "CONNECTION":
                assert image() == before, sql


def test_time_limit_and_transaction():
    fresh("")
    a, b = sessions(2)
    b.query("SET innodb_lock_wait_timeout = 1")
    a.query("BEGIN")
    a.query("DELETE FROM f.p WHERE id = 4")
    b.query("BEGIN")
    b.query("INSERT INTO f.c VALUES (99, 1, 0)")
    b.send("INSERT IGNORE INTO f.c VALUES (98, 2, 0), (100, 4, 0)")
    assert b.error() == 1205
    assert b.query("SELECT id FROM f.c WHERE id > 90") == [(b"99",)]
    a.query("ROLLBACK")
    b.query("ROLLBACK")
    end(a, b)


def test_deadlock():
    """Each has a child of what the other wants to delete: one is told 1213 and has lost everything, the other goes on."""
    fresh("")
    watch.query("INSERT INTO f.p VALUES (6, 60, 0), (7, 70, 0)")
    a, b = sessions(2)
    for w, parent in ((a, 6), (b, 7)):
        w.query("BEGIN")
        w.query(f"INSERT INTO f.c VALUES (10{parent}, {parent}, 0)")
    waits(a, "DELETE FROM f.p WHERE id = 7")
    b.send("DELETE FROM f.p WHERE id = 6")
    codes = []
    for w in (a, b):
        try:
            w.result()
            codes.append(0)
        except Err as e:
            codes.append(e.code)
            w.query("ROLLBACK")
    assert sorted(codes) == [0, 1213], codes
    (a if codes[0] == 0 else b).query("COMMIT")
    assert orphans() == 0
    end(a, b)


def test_one_to_one_does_not_deadlock():
    """The child's own key is the foreign key: whoever inserts asks for the parent before he takes the key, as whoever deletes does."""
    watch.query("DROP TABLE IF EXISTS f.o, f.q")
    watch.query("CREATE TABLE f.q (id INT PRIMARY KEY)")
    watch.query("CREATE TABLE f.o (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES f.q (id) ON DELETE CASCADE)")
    watch.query("INSERT INTO f.q VALUES (1)")
    a, b = sessions(2)
    a.query("BEGIN")
    a.query("SELECT * FROM f.q WHERE id = 1 FOR UPDATE")
    waits(b, "INSERT INTO f.o VALUES (1)")
    a.query("DELETE FROM f.q WHERE id = 1")
    a.query("COMMIT")
    assert b.error() == 1452
    end(a, b)


def test_lock_tables_locks_what_is_related():
    fresh()
    a, b = sessions(2)
    a.query("LOCK TABLES f.p WRITE")
    for sql in ("UPDATE f.c SET v = 1 WHERE id = 1", "UPDATE f.d SET cid = NULL WHERE id = 1", "UPDATE f.e SET pu = NULL"):
        b.query("SET lock_wait_timeout = 1")
        b.send(sql)
        assert b.error() == 1205, sql
    a.query("DELETE FROM f.p WHERE id = 1")
    a.query("UPDATE f.p SET id = 100 WHERE id = 2")
    a.send("SELECT * FROM f.c")
    assert a.error() == 1100
    a.query("UNLOCK TABLES")
    assert orphans() == 0
    a.query("LOCK TABLES f.c WRITE")
    assert b.query("SELECT COUNT(*) FROM f.p") == [(b"4",)]
    b.send("UPDATE f.p SET v = 1")
    assert b.error() == 1205
    a.query("INSERT INTO f.c VALUES (200, 100, 0)")
    a.query("UNLOCK TABLES")
    b.query("UPDATE f.p SET v = 1")
    end(a, b)


def latest_error():
    """The section of SHOW ENGINE INNODB STATUS as lines, without its heading and its time."""
    text = watch.query("SHOW ENGINE INNODB STATUS")[0][2].decode()
    lines = text.split("LATEST FOREIGN KEY ERROR\n")[1].split("\n")
    end = next(i for i in range(1, len(lines)) if lines[i].startswith("---"))
    assert lines[0].startswith("---") and lines[1][:2] == "20", lines
    return lines[2:end]


def test_latest_error():
    """Of all sessions, also of those that IGNORE makes warnings of; values cut, binary ones in hexadecimal, lines kept whole."""
    fresh("")
    a, b = sessions(2)
    a.send("INSERT INTO f.c VALUES (100, 1, 0),\n (101, 55, 0)")
    assert a.error() == 1452
    lines = latest_error()
    assert lines[0] == "Transaction:" and lines[1].startswith("TRANSACTION "), lines
    assert lines[2].startswith(f"MySQL thread id {a.id}, query id "), lines
    assert lines[3:] == ["INSERT INTO f.c VALUES (100, 1, 0),  (101, 55, 0)", "Foreign key constraint fails for table `f`.`c`:", ",",
                         "  CONSTRAINT `c_ibfk_1` FOREIGN KEY (`pid`) REFERENCES `p` (`id`)", "Trying to add in child table, in index `pid` tuple:", "Key: 55",
                         "But in parent table `f`.`p`, in index `PRIMARY`, there is no such record"], lines
    b.query("DELETE IGNORE FROM f.p WHERE id = 2")
    lines = latest_error()
    assert lines[2].startswith(f"MySQL thread id {b.id}, "), lines
    assert lines[4:] == ["Foreign key constraint fails for table `f`.`c`:", ",", "  CONSTRAINT `c_ibfk_1` FOREIGN KEY (`pid`) REFERENCES `p` (`id`)",
                         "Trying to delete or update in parent table, in index `PRIMARY` tuple:", "Key: 2", "But in child table `f`.`c`, in index `pid`, there is a record"], lines
    watch.query("CREATE TABLE f.parent (s VARCHAR(200), x VARBINARY(200), d DATETIME, PRIMARY KEY (s, x, d))")
    watch.query("CREATE TABLE f.child (s VARCHAR(200), x VARBINARY(200), d DATETIME, CONSTRAINT r_q FOREIGN KEY (s, x, d) REFERENCES f.parent (s, x, d))")
    a.send(f"INSERT INTO f.child VALUES ('one\ntwo{'é' * 100}', X'00FF', '2001-02-03 04:05:06')")
    assert a.error() == 1452
    assert f"Key: 'one two{'é' * 57}', 0x00FF, '2001-02-03 04:05:06'" in latest_error()
    watch.query("CREATE TABLE f.w (id INT, KEY (id))")
    watch.query("INSERT INTO f.w VALUES (1), (77)")
    a.send("ALTER TABLE f.w ADD CONSTRAINT w_p FOREIGN KEY (id) REFERENCES f.p (id)")
    assert a.error() == 1452
    assert "Key: 77" in latest_error()
    a.query("SET foreign_key_checks = 0")
    a.query("DROP TABLE f.parent")
    a.query("SET foreign_key_checks = 1")
    a.send("INSERT INTO f.child VALUES ('x', 'y', NOW())")
    assert a.error() == 1452
    assert latest_error()[-1] == "But in parent table `f`.`parent`, in index none, there is no such record"
    a.send("INSERT INTO f.c VALUES (102, 55, 0) /* " + "é" * 2000 + " */")
    assert a.error() == 1452
    text = latest_error()[3]
    assert text.startswith("INSERT INTO f.c VALUES (102, 55, 0) /* éé") and 1020 <= len(text.encode()) <= 1024, text
    watch.query("DROP TABLE f.child, f.w")
    end(a, b)


def one_session(n, seconds, stop, errors, done):
    rnd = random.Random(n)
    w = Wire(server)
    w.query(f"SET SESSION TRANSACTION ISOLATION LEVEL {LEVELS[n % 3]}")
    w.query("SET innodb_lock_wait_timeout = 1")
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stop.is_set():
        i, k = rnd.randint(0, 30), rnd.randint(0, 60)
        sql = rnd.choice([
            f"INSERT INTO f.p VALUES ({i}, {i * 10}, 0)", f"DELETE FROM f.p WHERE id = {i}", f"DELETE FROM f.p WHERE id = {i}", f"UPDATE f.p SET id = {rnd.randint(0, 30)} WHERE id = {i}",
            f"UPDATE f.p SET u = {rnd.randint(0, 30) * 10} WHERE id = {i}", f"REPLACE INTO f.p VALUES ({i}, {i * 10}, 1)", f"INSERT INTO f.c VALUES ({k}, {i}, 0)", f"INSERT INTO f.c VALUES ({k}, {i}, 0)",
            f"UPDATE f.c SET pid = {i} WHERE id = {k}", f"UPDATE f.c SET id = {rnd.randint(0, 60)} WHERE id = {k}", f"INSERT INTO f.d VALUES ({k}, {rnd.randint(0, 60)})", f"DELETE FROM f.c WHERE pid = {i}",
            f"UPDATE f.d SET cid = {rnd.randint(0, 60)} WHERE id = {k}", f"INSERT INTO f.e VALUES ({k}, {i * 10})", f"INSERT IGNORE INTO f.e VALUES ({k}, {i * 10}), ({k + 1}, {i * 10 + 10})", "BEGIN", "COMMIT", "ROLLBACK"])
        try:
            w.query(sql)
            done[n] += 1
        except Err as e:
            if e.code not in (1062, 1205, 1213, 1317, 1412, 1451, 1452, 1761):
                errors.append((sql, e))
                stop.set()
    w.query("ROLLBACK")
    w.quit()


CHANGES = ("ALTER TABLE f.c ADD KEY kv (v)", "OPTIMIZE TABLE f.c", "ALTER TABLE f.p FORCE", "ALTER TABLE f.c DROP KEY kv", "OPTIMIZE TABLE f.p, f.d", "ALTER TABLE f.d FORCE, ALGORITHM=INPLACE, LOCK=NONE",
           "ALTER TABLE f.c FORCE, ALGORITHM=COPY", "ALTER TABLE f.e DROP FOREIGN KEY e_ibfk_1, ADD CONSTRAINT e_ibfk_1 FOREIGN KEY (pu) REFERENCES f.p (u) ON DELETE CASCADE ON UPDATE CASCADE")


def definitions(w, stop, errors, done, killed):
    """Parents and children are made anew, online and not, get and lose keys meanwhile."""
    w.query("SET lock_wait_timeout = 1")
    n = 0
    while not stop.is_set():
        n += 1
        try:
            rows = w.query(CHANGES[n % len(CHANGES)])
            told = [r[3] for r in rows if r[2] == b"error"] if isinstance(rows, list) else []
            (killed if any(b"interrupted" in t for t in told) else done).append(n)
        except Err as e:
            if e.code == 1317:
                killed.append(n)
            elif e.code not in (1061, 1091, 1205, 1213):
                errors.append((CHANGES[n % len(CHANGES)], e))
                return
    w.quit()


def test_many_sessions():
    """Nine sessions at all levels insert, move and delete parents and children, somebody kills at random, definitions change and are killed as
    well; no row is left without its parent, and every index agrees with its table."""
    fresh(parents=20, children=60)
    stop, errors, done = threading.Event(), [], [0] * 9
    threads = [threading.Thread(target=one_session, args=(n, 6, stop, errors, done)) for n in range(9)]
    ended, altered, killed, changer = threading.Event(), [], [], Wire(server)
    alter = threading.Thread(target=definitions, args=(changer, ended, errors, altered, killed))
    for t in [*threads, alter]:
        t.start()
    rnd = random.Random(7)
    while any(t.is_alive() for t in threads):
        rows = [r for r in watch.query("SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for row lock'")]
        victims = [int(rnd.choice(rows)[0])] if rows else []
        for victim in victims + [changer.id] * (rnd.random() < 0.2):
            try:
                watch.kill(victim, "QUERY")
            except Err:
                pass
        time.sleep(0.05)
    ended.set()
    for t in [*threads, alter]:
        t.join()
    assert not errors, errors
    assert min(done) > 20 and len(altered) > 10 and killed, (done, altered, killed)
    watch.until_calm()
    assert orphans() == 0
    for r in watch.query("CHECK TABLE f.p, f.c, f.d, f.e"):
        assert r[3] == b"OK", r
    print(f"# {sum(done)} statements and {len(altered)} changes of definitions succeeded, {len(killed)} of these were killed")


CHILDREN = 10_000


def one_parent():
    watch.query("DROP TABLE IF EXISTS f.m, f.l")
    watch.query("CREATE TABLE f.l (id INT PRIMARY KEY, v INT)")
    watch.query("CREATE TABLE f.m (id INT PRIMARY KEY, lid INT NOT NULL, s VARCHAR(50), KEY (lid), KEY (s), FOREIGN KEY (lid) REFERENCES f.l (id) ON DELETE CASCADE ON UPDATE CASCADE)")
    watch.query("INSERT INTO f.l VALUES (1, 0), (2, 0)")
    watch.query("INSERT INTO f.m VALUES " + ",".join(f"({i}, 1, 'text {i * 7919 % CHILDREN}')" for i in range(CHILDREN)))


def kill_when_changed(a, sql, rows):
    """Seconds until a has its error; None: it was done before."""
    figures = f"SELECT (SELECT TRX_ROWS_MODIFIED FROM information_schema.INNODB_TRX WHERE TRX_MYSQL_THREAD_ID = {a.id}), COMMAND FROM information_schema.PROCESSLIST WHERE ID = {a.id}"
    a.send(sql)
    sent = time.monotonic()
    while time.monotonic() < sent + 20:
        changed, command = watch.query(figures)[0]
        if int(changed or 0) > rows or command == b"Sleep" and time.monotonic() > sent + 0.01:
            break
    t = time.monotonic()
    watch.kill(a.id, "QUERY")
    code = a.error()
    assert code in (0, 1317), code
    return time.monotonic() - t if code else None


def test_ten_thousand_children():
    """Killed at any moment of a cascade: the session has its error, and the next one the parent's lock, at once, at any number of children."""
    limit, took = 0.25 * quell.SLOWNESS, []
    one_parent()
    a, b = sessions(2)
    for sql, part in (("DELETE FROM f.l WHERE id = 1", 0.02), ("DELETE FROM f.l WHERE id = 1", 0.5), ("UPDATE f.l SET id = 3 WHERE id = 1", 0.5), ("DELETE IGNORE FROM f.l", 0.5), ("REPLACE INTO f.l VALUES (1, 5)", 0.7)):
        for _ in range(20):
            told = kill_when_changed(a, sql, CHILDREN * part)
            if told is not None:
                break
            one_parent()
        assert told is not None, f"{sql}: always too late"
        t = time.monotonic()
        b.query("UPDATE f.l SET v = v + 1 WHERE id = 1")
        took.append((told, time.monotonic() - t))
        assert watch.query("SELECT COUNT(*), MIN(lid), MAX(lid) FROM f.m") == [(b"10000", b"1", b"1")], sql
    assert max(x for pair in took for x in pair) < limit, took
    print("# from KILL to the error, and from there to the lock: " + ", ".join(f"{x * 1000:.1f} and {y * 1000:.1f} ms" for x, y in took))
    a.query("DELETE FROM f.l WHERE id = 1")
    assert watch.value("SELECT COUNT(*) FROM f.m") == "0"
    end(a, b)


def test_zz_end():
    watch.until_calm()
    watch.close()
    assert server.stop() == 0, server.log_text()[-6000:]


if __name__ == "__main__":
    main(globals())
