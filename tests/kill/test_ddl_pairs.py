# SPDX-License-Identifier: Apache-2.0
"""DDL and those who stand in its way: clients that are frozen (SIGSTOP) with locks or in the middle of a result, and are killed; two who add
the same index, the second one killed at each of its checkpoints round the first one's end; a copying ALTER TABLE killed before each block."""
import os
import shutil
import signal
import subprocess

import quell
from harness import main
from wire import Err, Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
ROWS = 3000


def setup():
    watch.query("CREATE DATABASE IF NOT EXISTS s")
    watch.query("DROP TABLE IF EXISTS s.t, s.u")
    watch.query("CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(100), KEY (v, id))")
    watch.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, 'value {i * 7919 % ROWS}')" for i in range(ROWS)))


class Frozen:
    """A stock client that has done what sql says up to a state of its own, and then gets no more time."""

    def __init__(self, sql, there):
        self.client = subprocess.Popen([shutil.which("mariadb"), "--no-defaults", "--skip-ssl", "--quick", "-uroot", f"-S{server.socket}"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.client.stdin.write(sql.encode() + b"\n")
        self.client.stdin.flush()
        self.id = 0

        def arrived():
            got = watch.query(f"SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND {there}")
            self.id = int(got[0][0]) if got else 0
            return self.id

        quell.until(arrived, what=there)
        os.kill(self.client.pid, signal.SIGSTOP)

    def end(self):
        os.kill(self.client.pid, signal.SIGCONT)
        self.client.kill()
        self.client.communicate()


def renames_when_killed(frozen, kill):
    w = Wire(server)
    w.send("RENAME TABLE s.t TO s.u")
    watch.until_state(w.id, "Waiting for table metadata lock")
    watch.kill(frozen.id, kill)
    assert w.result() == 0, "goes on"
    if kill == "QUERY":  # the session stays where there is room for the error in the socket, and ends where there is not
        quell.until(lambda: (watch.state(frozen.id) or ("Sleep",))[0] == "Sleep", what="the statement's end")
    else:
        watch.until_gone(frozen.id)
    assert watch.value("SELECT COUNT(*) FROM s.u") == str(ROWS)
    w.quit()
    frozen.end()


def test_frozen_with_locked_tables():
    for kill in ("CONNECTION", ""):
        setup()
        renames_when_killed(Frozen("LOCK TABLES s.t WRITE; SET @locked = 1;", "COMMAND = 'Sleep' AND INFO IS NULL AND TIME_MS >= 0 AND EXISTS (SELECT 1 FROM performance_schema.metadata_locks"
                                   " WHERE OBJECT_NAME = 't' AND LOCK_TYPE = 'SHARED_NO_READ_WRITE' AND OWNER_THREAD_ID = ID)"), kill)


def test_frozen_with_a_full_socket():
    """KILL QUERY too: the lock goes with the statement, whatever becomes of the packet."""
    for kill in ("CONNECTION", "QUERY"):
        setup()
        frozen = Frozen("SELECT REPEAT(v, 1000), b.id FROM s.t a JOIN (SELECT 1 AS id UNION SELECT 2 UNION SELECT 3) b;", "STATE = 'Sending to client'")
        watch.until_state(frozen.id, "Sending to client")
        renames_when_killed(frozen, kill)


def test_copy_is_looked_at_before_each_block():
    """The flag is looked at for each block of rows read from the original table; the copy is deleted, the table is as it was."""
    setup()
    before = watch.query("CHECKSUM TABLE s.t"), watch.query("SHOW CREATE TABLE s.t")
    for nth in (1, 2, 4):
        w = Wire(server)
        for _ in range(1):
            w.query(f"SET DEBUG_SYNC = 'scan_block SIGNAL reading WAIT_FOR on EXECUTE {nth}'")
            w.send("ALTER TABLE s.t ADD x INT, ALGORITHM=COPY")
            for i in range(nth):
                watch.query("SET DEBUG_SYNC = 'now WAIT_FOR reading'")
                if i < nth - 1:
                    watch.query("SET DEBUG_SYNC = 'now SIGNAL on'")
            watch.kill(w.id)
            assert w.error() == 1317
        assert (watch.query("CHECKSUM TABLE s.t"), watch.query("SHOW CREATE TABLE s.t")) == before
        assert watch.query("SHOW TABLES FROM s") == [(b"t",)]
        assert watch.query("CHECK TABLE s.t")[0][3] == b"OK"
        w.query("SET DEBUG_SYNC = 'RESET'")
        w.quit()


def index_is_whole():
    assert b"KEY `same` (`v`)" in watch.query("SHOW CREATE TABLE s.t")[0][1]
    assert watch.query("CHECK TABLE s.t")[0][3] == b"OK"
    assert watch.value("SELECT COUNT(*) FROM s.t FORCE INDEX (same) WHERE v >= ''") == str(ROWS)


def test_second_of_two_indexes():
    """The first one stands at a point near its end. The second one is killed at its i-th checkpoint, or by a KILL at the moment when the first
    one goes on: the first one's index is there, whole, and a retry says so (1061)."""
    outcomes = set()
    for point in ("alter_before_switch", "build_switch", "commit_before_queue"):
        for i in (1, 2, 4, 7, 11, 16, 22, 10_000, 0):  # the last but one is never reached
            watch.query("DROP TABLE IF EXISTS s.copy")
            setup()
            first, second = Wire(server), Wire(server)
            first.query(f"SET DEBUG_SYNC = '{point} SIGNAL ready WAIT_FOR go'")
            first.send("ALTER TABLE s.t ADD INDEX same (v)")
            watch.query("SET DEBUG_SYNC = 'now WAIT_FOR ready'")
            if i:
                second.query(f"SET DEBUG_SYNC = 'kill_at {i} QUERY'")
            second.send("ALTER TABLE s.t ADD INDEX same (v)")
            if not i:
                watch.until_state(second.id, "Waiting for table metadata lock")
            watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
            if not i:
                watch.kill(second.id)
            assert first.result() == 0
            code = second.error()
            assert code in (1317, 1061), (point, i, code)
            outcomes.add(code)
            index_is_whole()
            assert second.error("ALTER TABLE s.t ADD INDEX same (v)") == 1061
            index_is_whole()
            for w in (first, second):
                w.query("SET DEBUG_SYNC = 'RESET'")
                w.quit()
    assert outcomes == {1317, 1061}, outcomes


def test_end():
    watch.close()
    assert server.stop() == 0
    server.remove()


if __name__ == "__main__":
    main(globals())
