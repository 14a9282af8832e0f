# SPDX-License-Identifier: Apache-2.0
"""A file system that fills up: statements wait in "Waiting for disk space", killed ones get 1021, the others go on by themselves when space is
freed, nothing acknowledged is lost, and a restart on the full disk works. Needs the right to mount a tmpfs."""
import os
import pathlib
import subprocess
import tempfile
import threading

import pymysql
import quell
from harness import Skip, main

MOUNT_MB = 64
LARGE = 1100  # rows of 4 KB: more than 4 MB, which does not go through the redo log


class SmallDisk:
    def __init__(self, mb=MOUNT_MB):
        self.mb = mb

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="quell-disk-"))
        r = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.mb}m", "tmpfs", str(self.dir)], stderr=subprocess.PIPE)
        if r.returncode:
            os.rmdir(self.dir)
            raise Skip("cannot mount a tmpfs: " + r.stderr.decode().strip())
        self.ballast = self.dir / "ballast"
        return self

    def free(self):
        st = os.statvfs(self.dir)
        return st.f_bavail * st.f_frsize

    def fill(self, leave):
        """Take space until `leave` bytes are left."""
        with open(self.ballast, "ab") as f:
            while self.free() > leave + 65536:
                f.write(b"\0" * min(65536, self.free() - leave))
                f.flush()

    def give_back(self):
        if self.ballast.exists():
            os.truncate(self.ballast, 0)

    def __exit__(self, *a):
        subprocess.run(["umount", "-l", str(self.dir)], check=False)
        os.rmdir(self.dir)


class Writer(threading.Thread):
    def __init__(self, server, batch, rows=LARGE, text=None):
        super().__init__()
        self.conn = server.connect(database="d")
        self.id = self.conn.thread_id()
        self.batch, self.error = batch, None
        self.text = text or "INSERT INTO t (batch, s) VALUES " + ",".join(f"({batch}, REPEAT('x', 4000))" for _ in range(rows))
        self.start()

    def run(self):
        try:
            self.conn.cursor().execute(self.text)
        except pymysql.MySQLError as e:
            self.error = e.args[0]


def waiting(server, conn_id):
    return server.query(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID={conn_id} AND STATE='Waiting for disk space'")


def counts(server):
    return dict(server.query("SELECT batch, COUNT(*) FROM d.t GROUP BY batch"))


def test_full_disk():
    with SmallDisk() as disk:
        server = quell.Server(datadir=disk.dir / "data", args=["--disk-reserve=1M"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, batch INT, s TEXT)")
        w = Writer(server, 1)
        w.join(30)
        assert w.error is None, w.error
        disk.fill(300_000)
        a, b, c = Writer(server, 2), Writer(server, 3), Writer(server, 4)
        for x in (a, b, c):
            quell.until(lambda: waiting(server, x.id), what="waiting for disk space")
        assert counts(server) == {1: LARGE}  # readers are not held up
        server.query(f"KILL QUERY {a.id}")
        a.join(10)
        assert a.error == 1021, a.error
        a.conn.ping(reconnect=False)
        server.query(f"KILL CONNECTION {b.id}")
        b.join(10)
        assert b.error in (2006, 2013), b.error
        assert c.is_alive()
        disk.give_back()
        c.join(30)
        assert not c.is_alive() and c.error is None, c.error
        assert counts(server) == {1: LARGE, 4: LARGE}, counts(server)
        # again full: restart on the full disk works, and reads
        disk.fill(300_000)
        d = Writer(server, 5)
        quell.until(lambda: waiting(server, d.id), what="waiting for disk space again")
        server.kill9()
        d.join(10)
        assert d.error in (2006, 2013), d.error
        server.start()
        assert counts(server) == {1: LARGE, 4: LARGE}, counts(server)
        e = Writer(server, 6, rows=10)
        e.join(0.5)
        disk.give_back()
        e.join(30)
        assert e.error is None, e.error
        assert counts(server) == {1: LARGE, 4: LARGE, 6: 10}
        # a clean stop does not wait for space
        disk.fill(300_000)
        f = Writer(server, 7)
        quell.until(lambda: waiting(server, f.id), what="waiting before the stop")
        assert server.stop(10) == 0
        f.join(10)
        assert f.error in (1053, 1021, 2013), f.error
        disk.give_back()
        server.start()
        assert counts(server) == {1: LARGE, 4: LARGE, 6: 10}
        assert server.stop() == 0


def test_full_disk_in_the_middle():
    """A table without transactions: the blocks before stay, a killed one loses its block (1021), and with space it goes on by itself."""
    with SmallDisk() as disk:
        server = quell.Server(datadir=disk.dir / "data", args=["--disk-reserve=1M"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.n (id INT PRIMARY KEY)")
        server.query("INSERT INTO d.n VALUES " + ",".join(f"({i})" for i in range(3000)))
        server.query("CREATE TABLE d.m (id INT PRIMARY KEY, s TEXT) ENGINE=MyISAM")
        there = 0
        for how in ("KILL", "SPACE"):
            disk.fill(7_000_000)
            w = Writer(server, 0, text=f"INSERT INTO d.m SELECT id + {there}, REPEAT('x', 3900) FROM d.n ORDER BY id")
            quell.until(lambda: waiting(server, w.id), what="waiting for disk space")
            if how == "KILL":
                server.query(f"KILL QUERY {w.id}")
            disk.give_back()
            w.join(30)
            assert w.error == (1021 if how == "KILL" else None), w.error
            rows, last = server.query("SELECT COUNT(*), MAX(id) FROM d.m")[0]
            assert rows - there in ((1000, 2000) if how == "KILL" else (3000,)) and last == rows - 1, (how, there, rows, last)
            there = rows
        assert server.stop() == 0


class Gauge(threading.Thread):
    """The least that was free."""

    def __init__(self, disk):
        super().__init__(daemon=True)
        self.disk, self.least, self.stop = disk, disk.free(), threading.Event()
        self.start()

    def run(self):
        while not self.stop.wait(0.001):
            self.least = min(self.least, self.disk.free())

    def end(self):
        self.stop.set()
        self.join()
        return self.least


def test_the_reserve_is_kept():
    """What grows stops in front of disk_reserve, not at the last byte: a commit, which waits and can be killed, and spilled changes (1026)."""
    reserve = 16 << 20
    with SmallDisk() as disk:
        (disk.dir / "tmp").mkdir()
        server = quell.Server(datadir=disk.dir / "data", args=["--disk-reserve=16M", f"--tmpdir={disk.dir / 'tmp'}"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.n (id INT PRIMARY KEY)")
        server.query("INSERT INTO d.n VALUES " + ",".join(f"({i})" for i in range(15000)))
        server.query("CREATE TABLE d.t (id INT PRIMARY KEY, s TEXT)")
        fill = "INSERT INTO d.t SELECT id, REPEAT('x', 4000) FROM d.n"  # 60 MB
        gauge = Gauge(disk)
        w = Writer(server, 0, text=fill)
        quell.until(lambda: waiting(server, w.id) or w.error, what="waiting for disk space")
        server.query(f"KILL QUERY {w.id}")
        w.join(30)
        assert w.error in (1021, 1317), w.error  # 1317: while it looked whether what the redo log gave back is enough
        least = gauge.end()
        assert least >= reserve - (1 << 20), least
        server.query("SET GLOBAL transaction_memory_limit = 1048576")
        gauge = Gauge(disk)
        w = Writer(server, 0, text=fill)
        w.join(60)
        assert w.error == 1026, w.error
        least = gauge.end()
        assert least >= reserve - (3 << 20), least
        assert server.query("SELECT COUNT(*) FROM d.t") == ((0,),)
        server.query("INSERT INTO d.t VALUES (1, 'small ones go on')")
        server.query("DELETE FROM d.n")
        assert server.stop() == 0


def test_sort_on_a_full_disk():
    """A sort that spills: on the disk of the data directory it waits in front of the reserve, is killed (1021) or goes on; on another one 1026."""
    reserve = 8 << 20
    big = "SELECT LENGTH(GROUP_CONCAT(d.x SEPARATOR '')), COUNT(*) FROM (SELECT REPEAT(a.id, 100) AS x FROM d.n a, d.n b WHERE b.id < 300 ORDER BY x LIMIT 300000) d"
    with SmallDisk() as disk, SmallDisk() as other:
        (disk.dir / "tmp").mkdir()
        server = quell.Server(datadir=disk.dir / "data", args=[f"--disk-reserve={reserve}", f"--tmpdir={disk.dir / 'tmp'}"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.n (id INT PRIMARY KEY)")
        server.query("INSERT INTO d.n VALUES " + ",".join(f"({i})" for i in range(300)))
        disk.fill(reserve + 5_000_000)
        free = disk.free()
        gauge = Gauge(disk)
        a, b = Writer(server, 0, text=big), Writer(server, 0, text=big)
        for w in (a, b):
            quell.until(lambda: waiting(server, w.id), what="waiting for disk space")
        assert server.query("SELECT COUNT(*) FROM d.n") == ((300,),)
        server.query(f"KILL QUERY {a.id}")
        a.join(30)
        assert a.error == 1021, a.error
        disk.give_back()
        b.join(60)
        assert not b.is_alive() and b.error is None, b.error
        least = gauge.end()
        assert least >= reserve - (1 << 20), least
        quell.until(lambda: disk.free() >= free, what="the space of temporary files back")
        assert server.stop() == 0
        server = quell.Server(datadir=disk.dir / "data", args=[f"--disk-reserve={reserve}", f"--tmpdir={other.dir}"])
        server.start()
        other.fill(reserve + 5_000_000)
        gauge = Gauge(other)
        w = Writer(server, 0, text=big)
        w.join(60)
        assert w.error == 1026, w.error
        assert gauge.end() >= reserve - (1 << 20)
        other.give_back()
        w = Writer(server, 0, text=big)
        w.join(60)
        assert w.error is None, w.error
        assert server.stop() == 0


def change_on_a_full_disk(sql, killed, before=(), mb=200):
    with SmallDisk(mb) as disk:
        server = quell.Server(datadir=disk.dir / "data", args=["--disk-reserve=4M"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, batch INT, s TEXT)")
        for i in range(10):
            w = Writer(server, i, text="INSERT INTO t (batch, s) VALUES " + ",".join([f"({i}, REPEAT('x', 1900))"] * 2300))
            w.join(30)
            assert w.error is None, w.error
        for statement in before:
            server.query(statement)
        made, tables, there = server.query("SHOW CREATE TABLE d.t"), server.query("SHOW TABLES FROM d"), counts(server)
        disk.fill(4_300_000)
        w = Writer(server, 0, text=sql)
        quell.until(lambda: waiting(server, w.id), what=f"waiting for disk space: {sql}")
        assert len(counts(server)) == 10  # readers are not held up
        server.query(f"KILL QUERY {w.id}")
        w.join(10)
        assert not w.is_alive() and w.error == killed, (sql, w.error)
        assert server.query("SHOW CREATE TABLE d.t") == made, sql
        assert server.query("CHECK TABLE d.t")[-1][3] == "OK" and server.query("SHOW TABLES FROM d") == tables and counts(server) == there
        w = Writer(server, 0, text=sql)
        quell.until(lambda: waiting(server, w.id), what=f"waiting again: {sql}")
        disk.give_back()
        w.join(60)
        assert not w.is_alive() and w.error is None, (sql, w.error, disk.free())
        assert set(counts(server).values()) == {2300} and server.query("CHECK TABLE d.t")[-1][3] == "OK"
        changed = server.query("SHOW CREATE TABLE d.t") != made, len(server.query("SHOW TABLES FROM d"))
        server.stop()
        server.remove()
        return changed


def test_changed_definitions_on_a_full_disk():
    """What copies rows waits like any writer, when it is more than the redo log holds; killed, the table is as it was; with space it goes on."""
    assert change_on_a_full_disk("ALTER TABLE t ADD COLUMN x INT NOT NULL DEFAULT 5, ALGORITHM=COPY", 1021) == (True, 1)
    assert change_on_a_full_disk("ALTER TABLE t ADD COLUMN g VARCHAR(300) AS (LEFT(s, 250)) STORED", 1021) == (True, 1)
    assert change_on_a_full_disk("OPTIMIZE TABLE t", None) == (False, 1)  # it says so in its rows
    assert change_on_a_full_disk("CREATE TABLE u SELECT * FROM t", 1021) == (False, 2)


def purged(server):
    return int(server.query("SHOW GLOBAL STATUS LIKE 'Quell_trash_keys_purged'")[0][1])


def test_what_a_build_left_goes_once_there_is_space():
    """A build is killed when there is no room left to say that its ids are nobody's: that is said, and they are purged, once there is."""
    with SmallDisk() as disk:
        server = quell.Server(datadir=disk.dir / "data", args=["--disk-reserve=1M"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, batch INT, s TEXT)")
        server.query("CREATE TABLE d.small (id BIGINT AUTO_INCREMENT PRIMARY KEY, s LONGTEXT)")
        for i in range(5):
            w = Writer(server, i, rows=1000)
            w.join(30)
            assert w.error is None, w.error
        disk.fill(6_000_000)
        build = Writer(server, 0, text="ALTER TABLE t ADD COLUMN x INT, ALGORITHM=COPY")
        quell.until(lambda: waiting(server, build.id), what="waiting for disk space")
        for i in range(1000):  # until the redo log is full, too
            w = Writer(server, 0, text="INSERT INTO small (s) VALUES " + ",".join(["(REPEAT('x', 20000))"] * 10))
            quell.until(lambda: not w.is_alive() or waiting(server, w.id), what="the insert's end, or its wait")
            if w.is_alive():
                break
        assert w.is_alive(), i
        before = purged(server)
        server.query(f"KILL QUERY {build.id}")
        build.join(10)
        assert build.error == 1021, build.error
        assert purged(server) == before and w.is_alive()
        disk.give_back()
        w.join(30)
        assert w.error is None, w.error
        quell.until(lambda: purged(server) > before, what="what the build left to be purged")
        assert set(counts(server).values()) == {1000} and server.query("CHECK TABLE d.t")[-1][3] == "OK"
        assert server.stop() == 0
        server.start()
        assert "were being built when the server ended" not in server.log_text()
        assert server.stop() == 0


def test_temporary_tables_on_a_full_disk():
    """Their rows are written like others'; killed, there is no table."""
    assert change_on_a_full_disk("CREATE TEMPORARY TABLE u SELECT * FROM t", 1021) == (False, 1)


def test_cascades_on_a_full_disk():
    """All rows that change along wait together, and are given up together."""
    parents = ["CREATE TABLE d.p (id INT PRIMARY KEY)", "INSERT INTO d.p SELECT DISTINCT batch FROM d.t",
               "ALTER TABLE d.t ADD FOREIGN KEY (batch) REFERENCES d.p (id) ON UPDATE CASCADE"]
    assert change_on_a_full_disk("UPDATE p SET id = id + 100 ORDER BY id DESC", 1021, parents, 350) == (False, 2)


def test_outfile_on_a_full_disk():
    """SELECT ... INTO OUTFILE waits, on the disk of the data directory in front of the reserve, on another one when that is full; killed, nothing of the
    file is there; with space again, all of it is."""
    reserve = 8 << 20
    with SmallDisk() as disk, SmallDisk() as other:
        out = disk.dir / "out"
        out.mkdir()
        server = quell.Server(datadir=disk.dir / "data", args=[f"--disk-reserve={reserve}", "--secure-file-priv=", f"--tmpdir={other.dir}"])
        server.start()
        server.query("CREATE DATABASE d")
        server.query("CREATE TABLE d.n (id INT PRIMARY KEY)")
        server.query("INSERT INTO d.n VALUES " + ",".join(f"({i})" for i in range(100)))
        for where, small in ((out, disk), (other.dir, other)):
            small.fill(reserve + 3_000_000 if small is disk else 3_000_000)
            free = small.free()
            text = "SELECT a.id, REPEAT('x', 1000) FROM d.n a, d.n b INTO OUTFILE '%s'"  # 10 MB
            a, b = Writer(server, 0, text=text % (where / "a")), Writer(server, 0, text=text % (where / "b"))
            for w in (a, b):
                quell.until(lambda: waiting(server, w.id), what="waiting for disk space")
            assert small is other or small.free() >= reserve - (1 << 20), small.free()
            server.query(f"KILL QUERY {a.id}")
            a.join(30)
            assert a.error == 1021, a.error
            small.give_back()
            b.join(60)
            assert not b.is_alive() and b.error is None, b.error
            assert [f.name for f in where.iterdir() if f.name in "ab"] == ["b"]
            assert (where / "b").stat().st_size == sum(len(str(i)) for i in range(100)) * 100 + 10_000 * 1002
            (where / "b").unlink()
            quell.until(lambda: small.free() >= free, what="the space of the killed one back")
        assert server.stop() == 0


if __name__ == "__main__":
    main(globals())
