# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""The wait matrix: every wait of intr/waits.def that a user can be in is reached, seen in State, and ended by KILL QUERY, KILL CONNECTION,
a time limit, a client that goes away, and the shutdown. At the end the server's own record of what ended which wait is compared with the
pairs that waits.def promises, so that a wait without a test here fails."""
import contextlib
import os
import re
import shutil
import ssl
import struct
import tempfile
import time

import quell
import wire
from harness import main
from wire import Watcher, Wire

# What the fifth field of waits.def says about reasons, in words that must stand there.
STATEMENT = {"QUERY", "TIME", "GONE"}
ALL = STATEMENT | {"CONN", "SHUTDOWN"}
ELSEWHERE = {"DISK_SPACE"}  # tests/recovery, on a small file system

FAST = ["--innodb-flush-log-at-trx-commit=0", "--loose-disk-reserve=0", "--secure-file-priv="]
server = quell.Server(args=FAST)
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE k")
watch.query("CREATE TABLE k.one (id INT PRIMARY KEY, v INT)")
watch.query("INSERT INTO k.one VALUES (1, 0), (2, 0)")
LIMIT = 0.4  # seconds; the victim has reached its wait long before


def waits():
    """{name: (state, reach, ends)} of waits.def."""
    text = (quell.ROOT / "src/intr/waits.def").read_text()
    found = re.findall(r'^QL_WAIT\((\w+), "([^"]*)", "([^"]*)", "([^"]*)", "([^"]*)"\)', text, re.M)
    assert len(found) == len(re.findall(r"^QL_WAIT\(", text, re.M)), "a line of waits.def that this test cannot read"
    return {n: (state, reach, ends) for n, state, owner, reach, ends in found}


def required():
    pairs = set()
    for name, (_, reach, ends) in waits().items():
        reasons = set(ALL)
        if reach == "-" or "kills are held" in ends or name in ELSEWHERE:
            continue
        if "not KILL QUERY" in ends:  # no statement runs: only what ends connections
            reasons -= STATEMENT
        if "a client that goes away is met" in ends:
            reasons -= {"GONE"}
        pairs |= {(name, r) for r in reasons}
    return pairs


def state_of(name):
    return waits()[name][0]


# ---- waits of statements: a scene sets the stage and says what the victim runs ----

class Scene:
    wait = None         # name in waits.def
    state = None        # State text, when it is not that of waits.def
    before = ()         # statements of the victim before it
    sql = None

    def enter(self):
        pass

    def ready(self):
        """After `before`."""

    def leave(self):
        """After the victim has ended, however that was."""


class Sleep(Scene):
    wait, sql = "SLEEP", "SELECT SLEEP(1000)"


class DebugSync(Scene):
    wait, state, sql = "DEBUG_SYNC", "debug sync point: now", "SET DEBUG_SYNC = 'now WAIT_FOR never TIMEOUT 1000'"


class Holder(Scene):
    """Somebody holds something in a transaction."""
    holds = ()

    def enter(self):
        self.holder = Wire(server)
        self.holder.query("BEGIN")
        for sql in self.holds:
            self.holder.query(sql)

    def leave(self):
        self.holder.query("ROLLBACK")
        self.holder.quit()


class RowLock(Holder):
    wait, sql = "ROW_LOCK", "UPDATE k.one SET v = v + 10 WHERE id = 1"
    holds = ["UPDATE k.one SET v = v + 1 WHERE id = 1"]


class RowLockInTransaction(RowLock):
    """The statement is undone, what the transaction did before stays."""
    before = ["BEGIN", "UPDATE k.one SET v = v + 100 WHERE id = 2"]


class RangeLock(RowLock):
    """A locking read meets a row that somebody changes."""
    sql = "SELECT * FROM k.one WHERE id > 0 FOR UPDATE"


class RowAtATime(RowLock):
    before = ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"]
    sql = "UPDATE k.one SET v = v + 10 WHERE v = 0"


class InsertIntention(RowLock):
    """A row goes into a gap that somebody has searched."""
    holds = ["SELECT * FROM k.one WHERE id > 2 FOR UPDATE"]
    sql = "INSERT INTO k.one VALUES (7, 7)"


class Duplicate(RowLock):
    """The key is taken by a row that is not committed."""
    holds = ["INSERT INTO k.one VALUES (7, 7)"]
    sql = "INSERT INTO k.one VALUES (6, 6), (7, 8)"


class Mdl(Holder):
    wait, sql = "MDL", "DROP TABLE k.one"
    holds = ["SELECT * FROM k.one"]


class Other(Scene):
    """Somebody else has locked something."""
    locks = unlocks = None

    def enter(self):
        self.other = Wire(server)
        self.other.query(self.locks)

    def leave(self):
        self.other.query(self.unlocks)
        self.other.quit()


class MdlGlobal(Other):
    wait, sql = "MDL_GLOBAL", "INSERT INTO k.one VALUES (3, 3)"
    locks, unlocks = "FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"


class MdlCommit(MdlGlobal):
    """The whole transaction is undone: the commit has not been taken."""
    wait, sql = "MDL_COMMIT", "COMMIT"
    before = ["BEGIN", "INSERT INTO k.one VALUES (3, 3)"]

    def enter(self):
        pass

    def ready(self):
        super().enter()


class MdlBackup(Other):
    wait, sql = "MDL_BACKUP", "CREATE TABLE k.aside (id INT PRIMARY KEY)"
    locks, unlocks = "LOCK INSTANCE FOR BACKUP", "UNLOCK INSTANCE"


class MdlSchema(Scene):
    """DROP DATABASE waits for a table that is in use, and others for it."""
    wait, sql = "MDL_SCHEMA", "CREATE TABLE k2.b (id INT PRIMARY KEY)"

    def enter(self):
        watch.query("CREATE DATABASE k2")
        watch.query("CREATE TABLE k2.a (id INT PRIMARY KEY)")
        self.reader, self.dropper = Wire(server), Wire(server)
        self.reader.query("BEGIN")
        self.reader.query("SELECT * FROM k2.a")
        self.dropper.send("DROP DATABASE k2")
        watch.until_state(self.dropper.id, state_of("MDL"))

    def leave(self):
        self.reader.query("COMMIT")
        self.dropper.result()
        self.reader.quit()
        self.dropper.quit()


class TableLock(Scene):
    wait, sql = "TABLE_LOCK", "INSERT INTO k.plain VALUES (2)"

    def enter(self):
        watch.query("CREATE TABLE k.plain (id INT) ENGINE=MyISAM")
        watch.query("INSERT INTO k.plain VALUES (1)")
        self.holder = Wire(server)
        self.holder.send("UPDATE k.plain SET id = id + SLEEP(1000)")
        watch.until_state(self.holder.id, "User sleep")

    def leave(self):
        watch.kill(self.holder.id)
        assert self.holder.error() == 1317
        self.holder.quit()
        assert watch.query("SELECT * FROM k.plain") == [(b"1",)]
        watch.query("DROP TABLE k.plain")


class UserLock(Other):
    wait, sql = "USER_LOCK", "SELECT GET_LOCK('Quell', 1000)"
    before = ["DO GET_LOCK('kept', 0)"]
    locks, unlocks = "DO GET_LOCK('quell', 0)", "DO RELEASE_LOCK('quell')"


# Each pattern takes ICU some 0.1 s and is made anew in each round: hardly a moment in which it is not waited for.
COMPILES = "SELECT BENCHMARK(100000, 'x' REGEXP CONCAT(REPEAT('[[:^alpha:]]', 30), RAND()))"


class Library(Scene):
    wait, sql = "ASIDE", COMPILES


class Answer(Scene):
    """The statement that is asked stands still before it answers."""
    wait = "ANSWER"

    def enter(self):
        self.asked = Wire(server)
        self.sql = stand_before_answer(self.asked)

    def leave(self):
        watch.kill(self.asked.id)
        assert self.asked.error() == 1317
        self.asked.quit()


def stand_before_answer(w):
    """What is to be run for w to come there."""
    w.query("SET DEBUG_SYNC = 'before_answer WAIT_FOR never TIMEOUT 1000'")
    w.send("SELECT SLEEP(1000)")
    watch.until_state(w.id, "User sleep")
    return f"EXPLAIN FOR CONNECTION {w.id}"


class Pipe(Scene):
    """A named pipe that nobody has opened for writing."""
    wait = "PIPE"

    def enter(self):
        self.dir = tempfile.mkdtemp(prefix="quell-pipe-")
        self.path = self.dir + "/pipe"
        os.mkfifo(self.path)
        self.sql = f"LOAD DATA INFILE '{self.path}' INTO TABLE k.one"

    def leave(self):
        shutil.rmtree(self.dir)


class HalfPipe(Pipe):
    """Somebody has written a row and a half. Whoever writes afterwards is told that nobody reads."""

    def enter(self):
        super().enter()
        self.both = os.open(self.path, os.O_RDWR)  # so that the next does not wait for a reader
        self.writer = os.open(self.path, os.O_WRONLY)
        os.write(self.writer, b"3\t3\n4")

    def leave(self):
        os.close(self.both)
        watch.until_calm()
        try:
            os.write(self.writer, b"4\n")
            raise AssertionError("the pipe is still open")
        except BrokenPipeError:
            pass
        os.close(self.writer)
        super().leave()


class Admission(Scene):
    wait, sql = "ADMISSION", "SELECT COUNT(*) FROM k.one"

    def enter(self):
        watch.query("SET GLOBAL innodb_thread_concurrency = 1")
        self.holder = Wire(server)
        self.holder.send("SELECT SLEEP(1000) FROM k.one")
        watch.until_state(self.holder.id, "User sleep")

    def leave(self):
        watch.kill(self.holder.id)
        assert self.holder.error() == 1317
        self.holder.quit()
        watch.query("SET GLOBAL innodb_thread_concurrency = 0")


class CommitFirst(Scene):
    """The victim is the first in the queue, and stands still before it takes its write set."""
    wait, sql = "COMMIT", "INSERT INTO k.one VALUES (3, 3)"

    def enter(self):
        watch.query("SET DEBUG_SYNC = 'global commit_before_take SIGNAL before_take WAIT_FOR go TIMEOUT 1000'")

    def leave(self):
        # The victim may have left the queue before the committer came to its point: then it comes there with this commit.
        watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
        watch.query("INSERT INTO k.one VALUES (50, 50)")
        watch.query("DELETE FROM k.one WHERE id = 50")
        assert watch.query("SELECT * FROM k.one WHERE id = 3") == [], "the commit that was killed in the queue is there"
        watch.query("SET DEBUG_SYNC = 'RESET'")


class Commit(CommitFirst):
    """The victim stands behind a session that leads, and has not taken anything yet."""
    def enter(self):
        super().enter()
        self.leader = Wire(server)
        self.leader.send("INSERT INTO k.one VALUES (60, 60)")
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR before_take'")
        watch.until_state(self.leader.id, state_of(self.wait))

    def leave(self):
        watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
        assert self.leader.result() == 1
        self.leader.quit()
        assert watch.query("DELETE FROM k.one WHERE id = 60") == 1
        super().leave()


class CommitOfTransaction(Commit):
    before = ["BEGIN", "INSERT INTO k.one VALUES (3, 3)"]
    sql = "COMMIT"


SCENES = [Sleep, DebugSync, Library, Answer, RowLock, RowLockInTransaction, RangeLock, RowAtATime, InsertIntention, Duplicate, Mdl, MdlGlobal, MdlCommit, MdlBackup, MdlSchema, TableLock, UserLock, Pipe, HalfPipe, Admission, Commit, CommitFirst, CommitOfTransaction]


@contextlib.contextmanager
def staged(kind, prepare=()):
    scene = kind()
    scene.enter()
    victim = Wire(server)
    for sql in (*scene.before, *prepare):
        victim.query(sql)
    scene.ready()
    victim.send(scene.sql)
    try:
        yield scene, victim
    finally:
        scene.leave()


def see(scene, victim):
    got = watch.until_state(victim.id, scene.state if scene.state is not None else state_of(scene.wait))
    assert got[0] == "Query", got


def usable(victim):
    assert victim.value("SELECT 40 + 2") == "42"
    victim.ping()


def image():
    return watch.query("SELECT id, v FROM k.one ORDER BY id")


CLEAN = [(b"1", b"0"), (b"2", b"0")]


def in_time(since, what):
    seconds = time.monotonic() - since
    assert seconds < 2, f"{what} took {seconds:.3f} s"


def each_scene(fn):
    for kind in SCENES:
        try:
            fn(kind)
        except BaseException as e:
            e.add_note(f"in scene {kind.__name__}")
            raise
        watch.until_calm()
        assert image() == CLEAN, (kind.__name__, image())


def test_query():
    def one(kind):
        with staged(kind) as (scene, victim):
            see(scene, victim)
            t = time.monotonic()
            watch.kill(victim.id)
            assert victim.error() == 1317, victim.last
            in_time(t, "KILL QUERY")
            assert victim.last.state == "70100" and victim.last.text == "Query execution was interrupted", victim.last
            usable(victim)
            if kind is RowLockInTransaction:
                assert victim.query("SELECT v FROM k.one WHERE id = 2") == [(b"100",)], "the transaction's earlier work is gone"
                assert victim.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID() AND TRX_AGE_MS IS NOT NULL") == "1"
            if kind is UserLock:
                assert victim.value("SELECT IS_USED_LOCK('kept') = CONNECTION_ID()") == "1", "another user lock is gone"
                assert victim.value("SELECT IS_USED_LOCK('quell') <> CONNECTION_ID()") == "1"
            if kind is MdlCommit:
                assert watch.query(f"SELECT TRX_AGE_MS FROM information_schema.PROCESSLIST WHERE ID = {victim.id}") == [(None,)]
                assert victim.value("SELECT COUNT(*) FROM k.one") == "2"
            victim.quit()
    each_scene(one)


def test_connection():
    def one(kind):
        with staged(kind) as (scene, victim):
            see(scene, victim)
            t = time.monotonic()
            watch.kill(victim.id, "CONNECTION")
            assert victim.error() == 2013
            in_time(t, "KILL CONNECTION")
            watch.until_gone(victim.id)
            victim.close()
    each_scene(one)


def test_time_limit():
    def one(kind):
        with staged(kind, [f"SET max_statement_time = {LIMIT}"]) as (scene, victim):
            assert victim.error() == 3024, victim.last
            victim.query("SET max_statement_time = 0")
            usable(victim)
            victim.quit()
    # SET max_statement_time in front of a transaction's statement limits that one only: "before" has run by then.
    each_scene(one)


def test_client_gone():
    def one(kind):
        with staged(kind) as (scene, victim):
            see(scene, victim)
            t = time.monotonic()
            victim.close()
            watch.until_gone(victim.id)
            in_time(t, "noticing that the client has gone")
    each_scene(one)


def test_client_gone_is_a_choice():
    victim = Wire(server)
    victim.query("SET kill_on_client_gone = 0")
    victim.send("SELECT SLEEP(0.3), 'unwatched'")
    watch.until_state(victim.id, "User sleep")
    victim.half_close()
    assert [r[1] for r in victim.result()] == [b"unwatched"]
    victim.close()
    watch.until_calm()


def test_kills_at_once_from_many_sides():
    """Further kills of a session that dies are harmless, and so is a kill of each kind at the same time."""
    for _ in range(20):
        victim = Wire(server)
        victim.send("SELECT SLEEP(1000)")
        watch.until_state(victim.id, "User sleep")
        watch.send(f"KILL QUERY {victim.id}; KILL {victim.id}; KILL {victim.id}; KILL QUERY {victim.id}")
        for _ in range(4):
            if watch.error() == 1094:  # it is gone already: the rest is not run
                break
        assert victim.error() in (1317, 2013)
        watch.until_gone(victim.id)
        victim.close()
    watch.until_calm()


# ---- taken commits: kills come too late, and say so by success ----

def test_commit_taken():
    for how in ("QUERY", "CONNECTION", "TIME", "GONE"):
        for point in ("commit_after_take", "commit_after_apply"):
            watch.query(f"SET DEBUG_SYNC = 'global {point} SIGNAL taken WAIT_FOR go TIMEOUT 1000'")
            victim = Wire(server)
            if how == "TIME":
                victim.query("SET max_statement_time = 1")
            victim.send("INSERT INTO k.one VALUES (4, 4)")
            watch.query("SET DEBUG_SYNC = 'now WAIT_FOR taken'")
            if how == "GONE":
                victim.half_close()
            elif how != "TIME":
                watch.kill(victim.id, how)
            watch.until_state(victim.id, state_of("COMMIT_TAKEN"))
            if how == "CONNECTION":
                assert watch.state(victim.id)[0] == "Killed"
            watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
            if how in ("QUERY", "TIME"):
                assert victim.result() == 1, "a commit that was taken is a success"
                victim.query("SET max_statement_time = 0")
                usable(victim)
                victim.quit()
            else:
                watch.until_gone(victim.id)
                victim.close()
            assert watch.query("DELETE FROM k.one WHERE id = 4") == 1, f"{how} at {point}: the row of a taken commit is lost"
            watch.query("SET DEBUG_SYNC = 'RESET'")
            watch.until_calm()


# ---- sending to a client that does not read ----

def stuck_sender(sql, prepare=(), tcp=False):
    victim = Wire(server, tcp=tcp, rcvbuf=4096)
    for p in prepare:
        victim.query(p)
    victim.send(sql)
    return victim


BIG = "SELECT id, REPEAT('x', 8000000) FROM k.one"
LOCKS = ["BEGIN", "UPDATE k.one SET v = v + 1"]


def nobody_holds_anything():
    """Row and metadata locks on k.one are free now."""
    with Wire(server) as other:
        other.query("SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1")
        t = time.monotonic()
        other.query("UPDATE k.one SET v = v")
        other.query("CREATE TABLE IF NOT EXISTS k.aside (id INT PRIMARY KEY)")
        other.query("DROP TABLE k.aside")
        in_time(t, "taking the locks")


def test_net_write_query_reader_resumes():
    """Within the grace the client reads on: rows, then error 1317, and the session lives."""
    watch.query("SET GLOBAL kill_write_grace = 30000")
    watch.query("CREATE TABLE k.big (id INT PRIMARY KEY)")
    watch.query("INSERT INTO k.big VALUES (1), (2)")
    victim = stuck_sender(BIG.replace("k.one", "k.big"))
    watch.until_state(victim.id, state_of("NET_WRITE"))
    other = Wire(server)
    other.send("DROP TABLE k.big")
    watch.until_state(other.id, state_of("MDL"))
    t = time.monotonic()
    watch.kill(victim.id)
    assert other.result() == 0  # locks and snapshot are free although the packet in flight is not gone yet
    in_time(t, "freeing the locks")
    watch.until_state(victim.id, state_of("NET_WRITE"))
    s = watch.status("Quell_%")
    assert s["Quell_row_locks"] == "0" and s["Quell_snapshots_open"] in ("0", "1"), s
    assert victim.error() == 1317
    usable(victim)
    victim.quit()
    other.quit()
    watch.query("SET GLOBAL kill_write_grace = 1000")
    watch.until_calm()


def test_net_write_query_grace_ends():
    """The client does not read: the connection is closed when the grace is over."""
    watch.query("SET GLOBAL kill_write_grace = 300")
    victim = stuck_sender(BIG)
    watch.until_state(victim.id, state_of("NET_WRITE"))
    t = time.monotonic()
    watch.kill(victim.id)
    watch.until_gone(victim.id)
    seconds = time.monotonic() - t
    assert 0.25 < seconds < 2.3, seconds
    assert victim.error() == 2013
    watch.query("SET GLOBAL kill_write_grace = 1000")
    watch.until_calm()


def test_net_write_connection():
    for tcp in (False, True):
        victim = stuck_sender(BIG, LOCKS, tcp=tcp)
        watch.until_state(victim.id, state_of("NET_WRITE"))
        t = time.monotonic()
        watch.kill(victim.id, "CONNECTION")
        watch.until_gone(victim.id)
        in_time(t, "KILL CONNECTION")
        nobody_holds_anything()
        assert image() == CLEAN
        assert victim.error() == 2013
        watch.until_calm()


def test_net_write_connection_in_grace():
    """KILL QUERY's grace is cut short by KILL CONNECTION."""
    watch.query("SET GLOBAL kill_write_grace = 100000")
    victim = stuck_sender(BIG)
    watch.until_state(victim.id, state_of("NET_WRITE"))
    watch.kill(victim.id)
    watch.until_state(victim.id, state_of("NET_WRITE"))
    t = time.monotonic()
    watch.kill(victim.id, "CONNECTION")
    watch.until_gone(victim.id)
    in_time(t, "KILL CONNECTION")
    assert victim.error() == 2013
    watch.query("SET GLOBAL kill_write_grace = 1000")
    watch.until_calm()


def test_net_write_time_limit():
    for limit in (LIMIT, 4 * LIMIT, 16 * LIMIT, 64 * LIMIT):  # a slow machine takes longer to come to the wait
        victim = stuck_sender(BIG, [f"SET max_execution_time = {int(limit * 1000)}"])
        # The grace runs meanwhile, so look at the client's side only when the server has come to the error.
        over = f"SELECT COUNT(*) = 0 FROM information_schema.PROCESSLIST WHERE ID = {victim.id} AND COMMAND = 'Query'"
        quell.until(lambda: ("NET_WRITE", "TIME") in seen() or watch.value(over) == "1", seconds=60 + limit)
        assert victim.error() in (3024, 2013)
        victim.close()
        if ("NET_WRITE", "TIME") in seen():
            break
    else:
        raise AssertionError("the limit never came in the wait")
    watch.until_calm()


def test_net_write_client_gone():
    victim = stuck_sender(BIG, LOCKS)
    watch.until_state(victim.id, state_of("NET_WRITE"))
    victim.half_close()  # the server still cannot write, but nobody is there
    watch.until_gone(victim.id)
    assert victim.error() == 2013
    victim.close()
    victim = stuck_sender(BIG, LOCKS)
    watch.until_state(victim.id, state_of("NET_WRITE"))
    victim.close()
    watch.until_gone(victim.id)
    watch.until_calm()


def test_net_write_timeout():
    victim = stuck_sender(BIG, ["SET net_write_timeout = 1", *LOCKS])
    watch.until_state(victim.id, state_of("NET_WRITE"))
    watch.until_gone(victim.id)
    assert victim.error() == 2013
    victim.close()
    watch.until_calm()


# ---- waits of connections ----

def test_net_read_query():
    """A statement is hit from its first byte on; its client hears of it when it has sent the rest. Half a header is no statement yet."""
    text = b"\x03SELECT 'whole', SLEEP(0)"
    packet = len(text).to_bytes(3, "little") + b"\0" + text
    for cut, hit in ((3, False), (4, False), (5, True), (10, True)):
        victim = Wire(server)
        victim.raw(packet[:cut])
        watch.until_state(victim.id, state_of("NET_READ"))
        watch.kill(victim.id)
        watch.kill(victim.id)
        assert not victim.readable(0.05)
        victim.raw(packet[cut:])
        victim.seq = 1
        if hit:
            assert victim.error() == 1317
        else:
            assert victim.result() == [(b"whole", b"0")]
        usable(victim)
        victim.quit()
    watch.until_calm()


def test_net_read_connection():
    for cut in (1, 3, 10):
        victim = Wire(server)
        victim.raw((b"\x80\0\0\0\x03SELECT 1")[:cut])
        watch.until_state(victim.id, state_of("NET_READ"))
        watch.kill(victim.id, "CONNECTION")
        assert victim.at_end()
        watch.until_gone(victim.id)
        victim.close()
    watch.until_calm()


def test_net_read_timeout_and_gone():
    victim = Wire(server)
    victim.query("SET net_read_timeout = 1")
    victim.raw(b"\x80\0\0\0\x03SELECT")
    watch.until_state(victim.id, state_of("NET_READ"))
    watch.until_gone(victim.id)
    assert victim.at_end()
    victim.close()
    victim = Wire(server)
    victim.raw(b"\x80\0\0\0\x03SELECT")
    watch.until_state(victim.id, state_of("NET_READ"))
    victim.close()
    watch.until_gone(victim.id)
    watch.until_calm()


# ---- a client that sends a file ----

LOAD = "LOAD DATA LOCAL INFILE 'rows' INTO TABLE k.one"


@contextlib.contextmanager
def half_sent(prepare=()):
    """Its rows are in the table, the rest of the file does not come."""
    watch.query("SET GLOBAL local_infile = 1")
    victim = Wire(server)
    for sql in prepare:
        victim.query(sql)
    assert victim.start_file(LOAD) == "rows"
    victim.put(b"11\t1\n12\t1\n13")
    watch.until_state(victim.id, state_of("CLIENT_FILE"))
    assert image() == CLEAN
    yield victim
    victim.close()
    watch.until_calm()
    assert image() == CLEAN


def free_at_once(since):
    """The keys of its rows are, and so is the table."""
    other = Wire(server)
    for sql in ("SET SESSION innodb_lock_wait_timeout = 1", "SET SESSION lock_wait_timeout = 1", "BEGIN", "INSERT INTO k.one VALUES (11, 5)", "ROLLBACK"):
        other.query(sql)
    in_time(since, "KILL of LOAD DATA LOCAL")
    other.quit()


def test_client_file_query():
    """The locks are free at once; the client hears of it when it has sent the rest of its file."""
    for rest in ([b""], [b"\t1\n", b"14\t1\n" * 1000, b""]):
        with half_sent() as victim:
            t = time.monotonic()
            watch.kill(victim.id)
            free_at_once(t)
            assert not victim.readable(0.05)
            for piece in rest:
                victim.put(piece)
            assert victim.error() == 1317, victim.last
            usable(victim)


def test_client_file_inside_a_packet():
    """Killed in the middle of a packet, and the rest of that packet is drained too."""
    with half_sent() as victim:
        piece = b"\t1\n14\t1\n"
        packet = len(piece).to_bytes(3, "little") + bytes([victim.seq]) + piece
        victim.raw(packet[:7])
        victim.seq += 1
        watch.kill(victim.id)
        watch.until_state(victim.id, state_of("CLIENT_FILE"))
        victim.raw(packet[7:])
        victim.put(b"")
        assert victim.error() == 1317, victim.last
        usable(victim)


def test_client_file_time():
    with half_sent([f"SET SESSION max_statement_time = {LIMIT}"]) as victim:
        quell.until(lambda: watch.query(f"SELECT TRX_AGE_MS FROM information_schema.PROCESSLIST WHERE ID = {victim.id}") == [(None,)], what="the limit")
        free_at_once(time.monotonic())
        victim.put(b"")
        assert victim.error() == 3024, victim.last
        usable(victim)


def test_client_file_connection():
    with half_sent() as victim:
        t = time.monotonic()
        watch.kill(victim.id, "CONNECTION")
        assert victim.at_end()
        watch.until_gone(victim.id)
        free_at_once(t)
    # while it is drained, too
    with half_sent() as victim:
        watch.kill(victim.id)
        free_at_once(time.monotonic())
        watch.kill(victim.id, "CONNECTION")
        assert victim.at_end()
        watch.until_gone(victim.id)


def test_client_file_gone():
    with half_sent() as victim:
        t = time.monotonic()
        victim.close()
        watch.until_gone(victim.id)
        free_at_once(t)
    with half_sent(["SET SESSION kill_on_client_gone = 0"]) as victim:
        victim.close()
        watch.until_gone(victim.id)


def test_client_file_silence():
    """Nobody waits for ever for a file, or for the rest of one that is not wanted."""
    with half_sent(["SET SESSION net_read_timeout = 1"]) as victim:
        watch.until_gone(victim.id)
        assert victim.at_end()
    with half_sent(["SET SESSION net_read_timeout = 1"]) as victim:
        watch.kill(victim.id)
        watch.until_gone(victim.id)
        assert victim.at_end()


def test_idle_query_has_no_effect():
    victim = Wire(server)
    before = int(watch.status("Quell_kills_idle")["Quell_kills_idle"])
    for _ in range(200):
        assert watch.query(f"KILL QUERY {victim.id}") == 0
        assert victim.value("SELECT SLEEP(0.0001)") == "0"  # not even this one
        victim.ping()
    assert int(watch.status("Quell_kills_idle")["Quell_kills_idle"]) == before + 200
    victim.query("BEGIN")
    victim.query("INSERT INTO k.one VALUES (5, 5)")
    watch.kill(victim.id)
    assert victim.query("SELECT v FROM k.one WHERE id = 5") == [(b"5",)], "KILL QUERY touched an idle transaction"
    victim.query("ROLLBACK")
    victim.quit()
    watch.until_calm()


def test_idle_connection():
    victim = Wire(server)
    watch.kill(victim.id, "CONNECTION")
    assert victim.at_end()
    watch.until_gone(victim.id)
    victim.close()
    # Idle in a transaction: its locks are free at once.
    victim = Wire(server)
    victim.query("BEGIN")
    victim.query("UPDATE k.one SET v = 99")
    waiter = Wire(server)
    waiter.send("UPDATE k.one SET v = v + 1 WHERE id = 1")
    watch.until_state(waiter.id, state_of("ROW_LOCK"))
    assert watch.value(f"SELECT WAITS_FOR FROM information_schema.PROCESSLIST WHERE ID = {waiter.id}") == str(victim.id)
    watch.kill(victim.id, "")
    assert waiter.result() == 1
    waiter.query("UPDATE k.one SET v = 0 WHERE id = 1")
    assert image() == CLEAN, image()
    waiter.quit()
    victim.close()
    watch.until_calm()


def test_idle_wait_timeout():
    victim = Wire(server)
    victim.query("SET wait_timeout = 1")
    assert victim.readable(10), "nothing said at the end of wait_timeout"
    victim.seq = 0
    assert victim.error() == 4031, "not told why"
    assert victim.at_end()
    victim.close()
    watch.until_calm()


def test_idle_client_gone():
    victim = Wire(server)
    victim.query("BEGIN")
    victim.query("UPDATE k.one SET v = 99")
    victim.close()
    watch.until_gone(victim.id)
    watch.until_calm()
    assert image() == CLEAN


SSL_REQUEST = struct.pack("<IIB23x", wire.CAPS | wire.SSL, 1 << 24, 255)


def silent_login():
    return Wire(server, login=False)


def silent_tls():
    w = Wire(server, login=False, tcp=True)
    w.put(SSL_REQUEST)
    return w


def half_tls():
    """A ClientHello cut in the middle."""
    w = silent_tls()
    inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = context.wrap_bio(inner, outer)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    w.raw(outer.read()[:50])
    return w


def test_login_and_tls():
    for enter in (silent_login, silent_tls, half_tls):
        victim = enter()
        command, state = watch.until_state(victim.id, "login")
        assert command == "Connect", command
        rows = watch.query(f"SELECT USER, DB, INFO FROM information_schema.PROCESSLIST WHERE ID = {victim.id}")
        assert rows == [(b"unauthenticated user", None, None)], rows
        watch.kill(victim.id)  # no statement runs
        assert watch.state(victim.id) is not None
        watch.kill(victim.id, "CONNECTION")
        assert victim.at_end()
        watch.until_gone(victim.id)
        victim.close()
        victim = enter()
        watch.until_state(victim.id, "login")
        victim.close()
        watch.until_gone(victim.id)
    watch.until_calm()


def test_login_survives_kill_query():
    victim = silent_login()
    watch.until_state(victim.id, "login")
    watch.kill(victim.id)
    victim.log_in("root")
    usable(victim)
    victim.quit()


def test_connect_timeout():
    watch.query("SET GLOBAL connect_timeout = 2")
    one, two = silent_login(), silent_tls()
    watch.until_gone(one.id)
    watch.until_gone(two.id)
    assert one.at_end() and two.at_end()
    one.close()
    two.close()
    watch.query("SET GLOBAL connect_timeout = 10")
    watch.until_calm()


# ---- shutdown, on a server of its own with somebody in every wait ----

def test_zz_shutdown():
    global server, watch
    first, first_watch = server, watch
    pairs = set()
    with contextlib.closing(first_watch):
        try:
            with quell.Server(args=FAST) as server:
                watch = Watcher(server)
                shutdown_scene()
                pairs = logged(server)
        finally:
            server, watch = first, first_watch
        # What cannot be together with the DDL there: behind the global read lock.
        mdl_commit, glob, holder = (Wire(server) for _ in range(3))
        mdl_commit.query("BEGIN")
        mdl_commit.query("INSERT INTO k.one VALUES (3, 3)")
        holder.query("FLUSH TABLES WITH READ LOCK")
        mdl_commit.send("COMMIT")
        watch.until_state(mdl_commit.id, state_of("MDL_COMMIT"))
        glob.send("INSERT INTO k.one VALUES (4, 4)")
        watch.until_state(glob.id, state_of("MDL_GLOBAL"))
    assert first.stop() == 0, first.log_text()[-6000:]
    for v in (mdl_commit, glob):
        assert v.error() == 1053 and v.at_end(), v.last
    assert holder.at_end()
    pairs |= logged(first)
    missing = sorted(required() - pairs)
    assert not missing, "never happened: " + ", ".join(f"{w}:{r}" for w, r in missing)


def shutdown_scene():
    for sql in ("CREATE DATABASE k", "CREATE TABLE k.one (id INT PRIMARY KEY, v INT)", "CREATE TABLE k.two (id INT PRIMARY KEY, v INT)",
                "INSERT INTO k.one VALUES (1, 0), (2, 0)"):
        watch.query(sql)
    # Ids in this order: who waits for another is told before the other, so that no wait ends because the other has gone.
    (backup, admission, row_lock, mdl, schema, dropper, table_lock, user_lock, commit, leader, sleep, sync, library, plain, inside, asker, asked, reader,
     idle, holder, holder2, piped) = (Wire(server) for _ in range(22))
    pipe = Pipe()
    pipe.enter()
    holder.query("BEGIN")
    holder.query("UPDATE k.one SET v = 1 WHERE id = 1")

    def start(v, sql, name, state=None):
        v.send(sql)
        watch.until_state(v.id, state or state_of(name))

    start(sleep, "SELECT SLEEP(1000)", "SLEEP")
    start(sync, "SET DEBUG_SYNC = 'now WAIT_FOR never TIMEOUT 1000'", "DEBUG_SYNC", "debug sync point: now")
    start(library, COMPILES, "ASIDE")
    start(asker, stand_before_answer(asked), "ANSWER")
    start(row_lock, "UPDATE k.one SET v = 2 WHERE id = 1", "ROW_LOCK")
    start(mdl, "DROP TABLE k.one", "MDL")
    writer = stuck_sender("SELECT REPEAT('x', 9000000), REPEAT('y', 9000000)")
    watch.until_state(writer.id, state_of("NET_WRITE"))
    reader.raw(b"\x80\0\0\0\x03SELECT")
    watch.until_state(reader.id, state_of("NET_READ"))
    login, tls = silent_login(), silent_tls()
    watch.until_state(login.id, "login")
    watch.until_state(tls.id, "login")
    for sql in ("CREATE DATABASE k2", "CREATE TABLE k2.a (id INT PRIMARY KEY)", "CREATE TABLE k.plain (id INT) ENGINE=MyISAM",
                "INSERT INTO k.plain VALUES (1)", "CREATE TABLE k.loaded (id INT PRIMARY KEY, v INT) ENGINE=MyISAM", "CREATE TABLE k.loaded_too (id INT PRIMARY KEY, v INT) ENGINE=MyISAM", "CREATE TABLE k.three (id INT PRIMARY KEY)", "INSERT INTO k.three VALUES (1)"):
        watch.query(sql)
    holder.query("SELECT * FROM k2.a")
    holder2.query("DO GET_LOCK('a', 0)")
    start(user_lock, "SELECT GET_LOCK('a', 1000)", "USER_LOCK")
    start(dropper, "DROP DATABASE k2", "MDL")
    start(schema, "CREATE TABLE k2.b (id INT PRIMARY KEY)", "MDL_SCHEMA")
    start(plain, "SELECT id, SLEEP(1000) FROM k.plain", "SLEEP")
    start(table_lock, "INSERT INTO k.plain VALUES (2)", "TABLE_LOCK")
    watch.query("SET DEBUG_SYNC = 'global commit_before_take SIGNAL before_take WAIT_FOR never TIMEOUT 1000'")
    start(leader, "INSERT INTO k.two VALUES (2, 2)", "COMMIT")
    start(commit, "INSERT INTO k.two VALUES (1, 1)", "COMMIT")
    watch.query("SET GLOBAL innodb_thread_concurrency = 1")
    start(inside, "SELECT SLEEP(1000) FROM k.three", "SLEEP")
    start(admission, "SELECT * FROM k.two", "ADMISSION")
    start(backup, "LOCK INSTANCE FOR BACKUP", "MDL_BACKUP")
    start(piped, pipe.sql.replace("k.one", "k.loaded_too"), "PIPE")
    watch.query("SET GLOBAL local_infile = 1")
    sender = Wire(server)
    sender.start_file("LOAD DATA LOCAL INFILE 'rows' INTO TABLE k.loaded")
    watch.until_state(sender.id, state_of("CLIENT_FILE"))
    t = time.monotonic()
    rc = server.stop()
    seconds = time.monotonic() - t
    assert rc == 0, f"exit code {rc}\n{server.log_text()[-6000:]}"
    for v in (backup, admission, row_lock, mdl, schema, dropper, table_lock, user_lock, commit, leader, sleep, sync, library, plain, inside, asker, asked, piped):
        assert v.error() == 1053, v.last if hasattr(v, "last") else "closed"
        assert v.at_end()
    for v in (writer, reader, login, tls, idle, holder, holder2, sender):
        assert v.at_end()
    pipe.leave()
    assert seconds < 3, f"the stop took {seconds:.2f} s"
    server.start()  # nothing of what was not committed is there
    watch2 = Watcher(server)
    assert watch2.query("SELECT * FROM k.one ORDER BY id") == CLEAN and watch2.query("SELECT * FROM k.two") == []
    watch2.quit()


def parse_matrix(text):
    return {(m[1], m[2]) for m in re.finditer(r"(\w+):(\w+)=\d+", text)}


def seen():
    return parse_matrix(watch.status("Quell_wait_matrix")["Quell_wait_matrix"])


def logged(of):
    return set().union(*(parse_matrix(line) for line in of.log_text().splitlines() if "Wait matrix:" in line))


def close_all():
    if server.proc is not None:
        server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
