# SPDX-License-Identifier: Apache-2.0
"""The kill sweep (see test_sweep.py) over statements that change what a session holds: transaction control, savepoints, locking reads, LOCK
TABLES, user locks. At each checkpoint of each of them a kill: afterwards the session is where it was before the statement, or where the
statement leads when it answered OK; never between. What a session is and holds is looked at from inside and from outside (look()). A
connection that was killed holds nothing. The same with time limits, failing allocations and clients that vanish."""
import os
import time

import quell
from harness import main
from wire import Closed, Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "14"))
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=1", "--lock-wait-timeout=1"])
server.start()
watch = Watcher(server)

ROWS = ",".join(f"({i}, {i % 5})" for i in range(20))
CHANGE = "UPDATE s.a SET g = g + 100 WHERE id < 4"
WORK = ("BEGIN", CHANGE, "INSERT INTO s.b VALUES (100, 1)")
NESTED = (*WORK, "SAVEPOINT p", "UPDATE s.a SET g = g + 1000 WHERE id < 10", "DELETE FROM s.a WHERE id = 2", "SAVEPOINT q", "INSERT INTO s.b VALUES (101, 1)")


class Scene:
    """either: what besides "as before" may be left when the statement failed: "rolled back", "committed", "done"."""

    def __init__(self, sql, before=(), either=()):
        self.sql, self.before, self.either = sql, before, either

    def __str__(self):
        return f"{self.sql} [{'; '.join(x[:40] for x in self.before)}]"


SCENES = [
    Scene("BEGIN"),
    Scene("BEGIN", WORK, ["committed", "rolled back"]),
    Scene("START TRANSACTION READ ONLY"),
    Scene("START TRANSACTION WITH CONSISTENT SNAPSHOT"),
    # A COMMIT that fails has rolled back (killed in the queue), or was killed before it was looked at.
    Scene("COMMIT", WORK, ["rolled back"]),
    Scene("COMMIT AND CHAIN", WORK, ["rolled back", "committed"]),
    Scene("ROLLBACK", WORK),
    Scene("ROLLBACK AND CHAIN", WORK, ["rolled back"]),
    Scene("SAVEPOINT p", WORK),
    Scene("SAVEPOINT p", NESTED),
    Scene("ROLLBACK TO SAVEPOINT p", NESTED),
    Scene("ROLLBACK TO q", NESTED),
    Scene("RELEASE SAVEPOINT p", NESTED),
    Scene("SET autocommit = 1", ("SET autocommit = 0", CHANGE), ["rolled back"]),
    Scene("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    Scene("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY"),
    Scene("CREATE TABLE s.fresh (id INT PRIMARY KEY)", WORK, ["rolled back", "committed"]),
    Scene("SELECT * FROM s.a WHERE id = 7 FOR UPDATE", WORK),
    Scene("SELECT * FROM s.a WHERE g >= 2 FOR UPDATE", WORK),
    Scene("SELECT * FROM s.a WHERE id > 5 ORDER BY id DESC LIMIT 3 FOR SHARE", WORK),
    Scene("SELECT * FROM s.a JOIN s.b ON b.a_id = a.id FOR UPDATE OF a FOR SHARE OF b", WORK),
    Scene("SELECT COUNT(*) FROM s.a LOCK IN SHARE MODE", WORK),
    Scene("SELECT * FROM s.a WHERE id IN (1, 7, 9) FOR UPDATE NOWAIT", WORK),
    Scene("SELECT * FROM s.a WHERE g < 3 FOR UPDATE SKIP LOCKED", WORK),
    Scene("SELECT COUNT(*) FROM s.a WHERE g > 1", ("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", *WORK)),
    Scene("UPDATE s.a SET g = g + 1 WHERE g IN (1, 3)", ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", *WORK)),
    Scene("UPDATE s.a SET id = id + 50 WHERE g >= 2", ("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", *WORK)),
    Scene("DELETE FROM s.a WHERE g = 4", WORK),
    Scene("INSERT INTO s.a SELECT id + 1000, g FROM s.a WHERE g < 3", WORK),
    Scene("INSERT INTO s.a VALUES (5, 1), (500, 1) ON DUPLICATE KEY UPDATE g = 77", WORK),
    Scene("REPLACE INTO s.b VALUES (0, 9), (200, 1)", WORK),
    Scene("LOCK TABLES s.a WRITE, s.b READ"),
    Scene("LOCK TABLES s.a WRITE", WORK, ["committed", "rolled back"]),
    Scene("LOCK TABLES s.b READ", ("LOCK TABLES s.a WRITE",), ["rolled back"]),
    Scene("UNLOCK TABLES", ("LOCK TABLES s.a WRITE, s.b READ",)),
    Scene("BEGIN", ("LOCK TABLES s.a WRITE, s.b READ",), ["rolled back", "committed"]),
    Scene(CHANGE, ("LOCK TABLES s.a WRITE, s.b READ",)),
    Scene("FLUSH TABLES s.a, s.b"),
    Scene("FLUSH TABLES s.a WITH READ LOCK"),
    Scene("FLUSH TABLES WITH READ LOCK"),
    Scene("UNLOCK TABLES", ("FLUSH TABLES WITH READ LOCK",)),
    Scene("LOCK INSTANCE FOR BACKUP"),
    Scene("UNLOCK INSTANCE", ("LOCK INSTANCE FOR BACKUP",)),
    Scene("SELECT GET_LOCK('x', 0)", ("SELECT GET_LOCK('y', 0)",)),
    Scene("SELECT GET_LOCK('x', 5), GET_LOCK('y', 5) FROM s.a WHERE id < 3", WORK, ["done"]),
    # A function whose statement is killed behind it has been called.
    Scene("SELECT RELEASE_LOCK('x')", ("SELECT GET_LOCK('x', 0)", "SELECT GET_LOCK('y', 0)"), ["done"]),
    Scene("SELECT RELEASE_ALL_LOCKS()", ("SELECT GET_LOCK('x', 0)", "SELECT GET_LOCK('y', 0)"), ["done"]),
]
EXPLICIT = """SELECT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME, LOCK_TYPE FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID WHERE LOCK_DURATION = 'EXPLICIT'"""
KINDS = {"QUERY": {1317}, "TIME": {3024}, "CONNECTION": {1317, 2013}, "GONE": {2013}}


class Session(Wire):
    """The one that is killed."""
    open = []

    def __init__(self, server):
        super().__init__(server)
        Session.open.append(self)

    @staticmethod
    def end_all():
        """Of a sweep that failed."""
        for w in Session.open:
            w.close()
        watch.until_calm()
        Session.open.clear()


def data(w):
    found = []
    for sql in ("SELECT id, g FROM s.a ORDER BY id", "SELECT g, id FROM s.a FORCE INDEX (g) WHERE g >= 0 ORDER BY g, id", "SELECT * FROM s.b ORDER BY id", "SELECT * FROM s.fresh"):
        try:
            found.append(w.query(sql))
        except Err as e:
            found.append(e.code)
    return found


def owner(name):
    try:
        return watch.value(f"SELECT IS_USED_LOCK('{name}')")
    except Err as e:
        if e.code == 1235:
            return None
        raise


def look(w):
    """What the session is and holds. Ends its transaction."""
    w.query("DO 0")
    seen = {"in transaction": w.flags & 1, "autocommit": w.flags & 2, "isolation": w.value("SELECT @@transaction_isolation"), "user locks": [owner(x) == str(w.id) for x in "xy"],
            "unlisted table": w.error("SELECT COUNT(*) FROM s.c"), "global read lock": w.error("INSERT INTO s.d VALUES (NULL)") == 1223, "from inside": data(w)}
    if seen["unlisted table"] == 0:  # else others would wait for the tables
        seen["from outside"] = data(watch)
    seen["explicit locks"] = watch.query(f"{EXPLICIT} AND t.PROCESSLIST_ID = {w.id} ORDER BY 1, 2, 3, 4") if EXPLICIT else None
    if w.flags & 1:
        seen["savepoints"] = [w.error(f"RELEASE SAVEPOINT {x}") for x in "qp"]
    return seen


def clean(w):
    """The session holds nothing any more, and the data is as in the beginning."""
    for sql in ("ROLLBACK", "UNLOCK TABLES", "SET autocommit = 1", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"):
        w.query(sql)
    if w.error("SELECT RELEASE_ALL_LOCKS()") not in (0, 1235) or w.error("UNLOCK INSTANCE") not in (0, 1064, 1235):
        raise w.last


def restore():
    for sql in ("DROP TABLE IF EXISTS s.fresh", "DELETE FROM s.a", "DELETE FROM s.b", f"INSERT INTO s.a VALUES {ROWS}", "INSERT INTO s.b VALUES (0, 0), (1, 3), (2, 6)"):
        watch.query(sql)


def prepare(w, scene):
    for sql in scene.before:
        w.query(sql)


def outcome_of(scene, *then):
    """How the session looks when this is run behind the scene's beginning; the checkpoints and allocations that it took."""
    w = Session(server)
    prepare(w, scene)
    cost = {}
    for sql in then:
        w.query(sql)
        cost = {k.decode(): int(v) for k, v in w.query("SHOW STATUS LIKE 'Quell_last_%'") if v.isdigit()}
    seen = look(w)
    clean(w)
    w.quit()
    restore()
    return seen, cost


def run(w, sql):
    try:
        w.query(sql)
        return 0
    except Err as e:
        w.last = e
        return e.code
    except (Closed, ConnectionResetError, BrokenPipeError):
        return 2013


def points(n):
    if n <= MOST:
        return range(1, n + 1)
    return sorted({*range(1, MOST // 3), *range(MOST // 3, n - MOST // 3, max(1, n // MOST)), *range(n - MOST // 3, n + 1)})


def differences(got, want):
    return ", ".join(f"{k}: {got.get(k)} instead of {want.get(k)}" for k in got.keys() | want.keys() if got.get(k) != want.get(k))[:600]


def check_dead(scene, w, either):
    w.at_end()
    watch.until_gone(w.id)
    w.close()
    got = data(watch)[:3]
    assert any(got == e["from inside" if e["unlisted table"] else "from outside"][:3] for e in either), f"the dead session left {got}"
    with Wire(server) as other:
        for sql in ("UPDATE s.a SET g = g", "UPDATE s.b SET a_id = a_id", "DROP TABLE IF EXISTS s.other"):
            assert other.error(sql) == 0, f"the dead session still holds something: {sql}: {other.last}"
        for x in "xy":
            assert owner(x) is None, "the dead session holds a user lock"


def sweep(scene, kind, codes, arm):
    restore()
    before, _ = outcome_of(scene)
    after, cost = outcome_of(scene, scene.sql)
    either = [before] + [{"rolled back": lambda: outcome_of(scene, "ROLLBACK", "UNLOCK TABLES")[0], "committed": lambda: outcome_of(scene, "COMMIT")[0],
                          "done": lambda: after}[e]() for e in scene.either]
    n = cost["Quell_last_checkpoints" if arm.startswith("kill") else "Quell_last_allocs"]
    w, killed = Session(server), 0
    for i in points(n):
        prepare(w, scene)
        w.query(f"SET DEBUG_SYNC = '{arm.format(i=i, kind=kind)}'")
        code = run(w, scene.sql)
        what = f"{arm.format(i=i, kind=kind)} of {n}: {code}"
        assert code == 0 or code in codes, f"{what} {getattr(w, 'last', '')}"
        killed += code != 0
        if code == 2013 or code and kind in ("CONNECTION", "GONE"):
            try:
                check_dead(scene, w, [*either, after])
            except AssertionError as e:
                raise AssertionError(f"{what}: {e}") from None
            w = Session(server)
        else:
            got = look(w)
            if code == 0:
                assert got == after, f"{what}: success, but {differences(got, after)}"
            else:
                assert got in either, f"{what}: failed, but " + " or ".join(differences(got, e) for e in either)
            clean(w)
        restore()
    w.quit()
    return n, killed


def sweep_all(kind, codes, arm="kill_at {i} {kind}"):
    faults, total, met = [], 0, 0
    for scene in SCENES:
        t = time.monotonic()
        if kind == "ALLOC" and "GET_LOCK" in scene.sql:
            continue  # a function that was called has been called: only a kill takes it back
        try:
            n, killed = sweep(scene, kind, codes, arm)
            total += n
            met += killed
        except (AssertionError, Err, Closed) as e:
            faults.append(f"{scene}\n    {e}")
        Session.end_all()
        if os.environ.get("QUELL_VERBOSE"):
            print(f"# {time.monotonic() - t:.2f} s {scene}", flush=True)
    print(f"# {kind}: {total} points in {len(SCENES)} statements, {met} ended at theirs")
    assert not faults, f"{len(faults)} of {len(SCENES)}\n" + "\n".join(faults)


def test_setup():
    global EXPLICIT
    if watch.error(EXPLICIT):
        EXPLICIT = ""
    for sql in ("CREATE DATABASE s", "CREATE TABLE s.a (id INT PRIMARY KEY, g INT, KEY g (g))", "CREATE TABLE s.b (id INT PRIMARY KEY, a_id INT, UNIQUE KEY (a_id, id))",
                "CREATE TABLE s.c (id INT)", "CREATE TABLE s.d (id INT)"):
        watch.query(sql)


def test_kill_query():
    sweep_all("QUERY", KINDS["QUERY"])


def test_time_limit():
    sweep_all("TIME", KINDS["TIME"])


def test_kill_connection():
    sweep_all("CONNECTION", KINDS["CONNECTION"])


def test_client_gone():
    sweep_all("GONE", KINDS["GONE"])


def test_failing_allocations():
    sweep_all("ALLOC", {1037, 1041}, "fail_alloc_at {i}")


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
