# SPDX-License-Identifier: Apache-2.0
"""What the server says of files that are damaged, missing or of another moment: refused with one line and nothing changed, or taken as far as
they are whole. And data directories that earlier versions wrote: they open, with everything in them, and are then of today's format."""
import hashlib
import pathlib
import subprocess
import tarfile

import quell
from harness import main

COMPAT = quell.ROOT / "tests/compat"


def digest(datadir):
    """Of the files that hold data."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(datadir.glob("quell.mdb*")) if not p.name.endswith("-lock")}


def refused(server, *parts):
    """The server does not start, says why in one line, and has changed nothing."""
    before = digest(server.datadir)
    r = subprocess.run([server.binary, f"--datadir={server.datadir}", f"--socket={server.socket}", f"--port={server.port}", "--admin-port=0"],
                       env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    text = r.stdout.decode(errors="replace")
    assert r.returncode == 1, (r.returncode, text)
    errors = [line for line in text.splitlines() if "[ERROR]" in line]
    assert len(errors) == 1 and all(p in errors[0] for p in parts), (parts, text)
    assert digest(server.datadir) == before
    return errors[0]


def start_with(server, *args):
    server.args.extend(args)
    server.start()
    for a in args:
        server.args.remove(a)


def killed_with_log(rows=20):
    """A server that was killed with `rows` commits in its log only."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT PRIMARY KEY, s VARCHAR(100), KEY s (s))")
    for _ in range(20):
        server.query("DELETE FROM d.t")
        quell.until(lambda: server.query("SHOW GLOBAL STATUS LIKE 'Quell_kv_unflushed'")[0][1] == "0", what="all flushed")
        conn = server.connect(database="d")
        cur = conn.cursor()
        for i in range(rows):
            cur.execute(f"INSERT INTO t VALUES ({i}, 'row number {i:04}')")
        server.kill9()
        log = (server.datadir / "quell.mdb-redo0").read_bytes()
        if all(b"row number %04d" % i in log for i in range(rows)):
            return server
        server.start()  # a flush came between
    raise AssertionError("the log never held all rows")


def flip(path, text):
    data = bytearray(path.read_bytes())
    at = data.index(text)
    data[at] ^= 1
    path.write_bytes(bytes(data))
    return at


def test_flipped_bit_in_the_log():
    server = killed_with_log()
    flip(server.datadir / "quell.mdb-redo0", b"row number 0007")
    line = refused(server, "quell.mdb-redo0' is damaged at offset", "whole records follow", "--redo-salvage")
    print("#", line)
    start_with(server, "--redo-salvage")
    assert server.query("SELECT COUNT(*), MAX(id) FROM d.t") == ((7, 6),)
    assert "Left out because of --redo-salvage" in server.log_text()
    assert (server.datadir / "quell.mdb-redo0.left-1").exists()
    server.query("INSERT INTO d.t VALUES (7, 'again')")
    server.kill9()
    server.start()
    assert server.query("SELECT COUNT(*), MAX(id) FROM d.t") == ((8, 7),)
    assert server.stop() == 0
    server.remove()


def test_torn_end_is_an_ordinary_crash():
    server = killed_with_log()
    flip(server.datadir / "quell.mdb-redo0", b"row number 0019")
    server.start()
    assert server.query("SELECT COUNT(*), MAX(id) FROM d.t") == ((19, 18),)
    assert server.stop() == 0
    server.remove()


def test_files_missing():
    server = killed_with_log()
    mdb, redo = server.datadir / "quell.mdb", server.datadir / "quell.mdb-redo0"
    whole, log = mdb.read_bytes(), redo.read_bytes()
    mdb.unlink()
    refused(server, "quell.mdb is missing or empty", "quell.mdb-redo0")
    mdb.write_bytes(b"")
    refused(server, "quell.mdb is missing or empty", "quell.mdb-redo0")
    redo.unlink()
    refused(server, "quell.mdb is missing or empty")
    mdb.write_bytes(whole)
    refused(server, "redo0' is missing, and the data file was not closed")
    with quell.Server() as other:
        other.query("CREATE DATABASE e")
        redo.write_bytes((other.datadir / "quell.mdb-redo0").read_bytes())
    refused(server, "redo0' belongs to another data file")
    redo.write_bytes(log)
    server.start()
    assert server.query("SELECT COUNT(*), MAX(id) FROM d.t") == ((20, 19),)
    # closed: the data file has everything and says so
    assert server.stop() == 0
    redo.unlink()
    server.start()
    assert server.query("SELECT COUNT(*), MAX(id) FROM d.t") == ((20, 19),)
    assert server.stop() == 0
    server.remove()


def unpack(name):
    server = quell.Server(initialize=False)
    server.datadir.mkdir()
    with tarfile.open(COMPAT / name) as t:
        t.extractall(server.datadir)
    return server


def test_directories_of_format_1():
    """Written by the version before format 2: 500 rows in three tables; the second one killed with 40 more commits in its log."""
    for name, rows in (("format1-closed.tar.xz", 500), ("format1-killed.tar.xz", 540)):
        server = unpack(name)
        for _ in range(2):
            server.start()
            assert server.query("SELECT COUNT(*), COUNT(DISTINCT s) FROM d.t") == ((rows, rows),), name
            assert server.query("SELECT COUNT(*) FROM d.t WHERE a >= 1000") == ((rows - 500,),), name
            assert server.query("SELECT v FROM d.m WHERE k = REPEAT('long', 300)") == (("2",),)
            assert server.query("SELECT LENGTH(v) FROM d.m WHERE k = CONCAT(REPEAT('long', 300), 'er')") == ((9000,),)
            assert server.query("SELECT COUNT(*) FROM d.n") == ((2,),)
            assert server.query("SELECT 1", user="u", password="pw") == ((1,),)
            for t in "tmn":
                assert [r[3] for r in server.query(f"CHECK TABLE d.{t}")] == ["OK"], t
            server.query("INSERT INTO d.t (a, s) VALUES (1000000, 'from now on')")
            assert server.query("SELECT a FROM d.t WHERE s = 'from now on'") == ((1000000,),)
            server.query("DELETE FROM d.t WHERE s = 'from now on'")
            server.kill9()
        server.remove()


def test_damaged_log_of_format_1():
    server = unpack("format1-killed.tar.xz")
    flip(server.datadir / "quell.mdb-redo0", b"recent 20")
    refused(server, "quell.mdb-redo0' is damaged at offset")
    start_with(server, "--redo-salvage")
    assert server.query("SELECT COUNT(*) FROM d.t") == ((520,),)
    assert server.stop() == 0
    server.remove()


if __name__ == "__main__":
    main(globals())
