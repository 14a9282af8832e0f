# SPDX-License-Identifier: Apache-2.0
"""What the server says of files that are damaged, missing or of another moment: refused with one line and nothing changed, or taken as far as
they are whole. And data directories that earlier versions wrote: they open, with everything in them, and are then of today's format."""
import collections
import hashlib
import os
import random
import subprocess
import tarfile

import pymysql
import quell
from harness import main

COMPAT = quell.ROOT / "tests/compat"
DAMAGES = int(os.environ.get("QUELL_DAMAGES", "12"))


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
            assert b"quell kv 4" in (server.datadir / "quell.mdb").read_bytes()  # servers that know 1 or 2 only refuse it
        server.remove()


def test_damaged_log_of_format_1():
    server = unpack("format1-killed.tar.xz")
    flip(server.datadir / "quell.mdb-redo0", b"recent 20")
    refused(server, "quell.mdb-redo0' is damaged at offset")
    start_with(server, "--redo-salvage")
    assert server.query("SELECT COUNT(*) FROM d.t") == ((520,),)
    assert server.stop() == 0
    server.remove()


def check_data(server):
    r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120)
    return r.returncode, r.stdout.decode(errors="replace")


QUESTIONS = ["SELECT COUNT(*), SUM(id), SUM(CRC32(s)), SUM(LENGTH(b)) FROM d.t",
             "SELECT COUNT(*), SUM(id), SUM(CRC32(s)) FROM d.t FORCE INDEX (a) WHERE a >= 0",
             "SELECT COUNT(*), MIN(s), MAX(s), SUM(CRC32(b)) FROM d.t FORCE INDEX (s) WHERE s > ''",
             "SELECT SUM(CRC32(b)) FROM d.t WHERE id IN (10, 100, 200, 300, 400, 500, 600, 700, 800)",
             "SELECT COUNT(*) FROM d.long_keys WHERE k > ''"]


def damage(data, rng):
    """A random page, spoilt in one of the ways disks and people do."""
    page = rng.randrange(2, len(data) // 4096) * 4096
    how = rng.choice(("bit", "byte", "line", "zeros", "noise", "other page"))
    at = page + rng.randrange(4096)
    if how == "bit":
        data[at] ^= 1 << rng.randrange(8)
    elif how == "byte":
        data[at] = (data[at] + rng.randrange(1, 256)) % 256
    elif how == "line":
        at -= at % 64
        data[at:at + 64] = rng.randbytes(64)
    elif how == "zeros":
        data[page:page + 4096] = bytes(4096)
    elif how == "noise":
        data[page:page + 4096] = rng.randbytes(4096)
    else:
        other = rng.randrange(2, len(data) // 4096) * 4096
        data[page:page + 4096] = data[other:other + 4096]
    return f"{how} in page {page // 4096}"


def leads_elsewhere(whole, data):
    """The damage is in a page that leads to others (LMDB's P_BRANCH), or makes it look like one: a search may miss what it no longer leads to."""
    page = next(i for i in range(0, len(whole), 4096) if whole[i:i + 4096] != data[i:i + 4096])
    return (whole[page + 10] | data[page + 10]) & 1 != 0


def ask(server, right):
    """What became of the questions: a set of words."""
    seen = set()
    try:
        server.start()
    except (quell.ServerDied, pymysql.MySQLError):
        assert "[ERROR]" in server.log_text() or "[Error]" in server.log_text(), "died without a word: " + server.log_text()
        return {"refused"}
    for q in QUESTIONS:
        try:
            seen.add("right" if server.query(q) == right[q] else "WRONG: " + q)
        except pymysql.MySQLError as e:
            seen.add("death" if e.args[0] in (2003, 2006, 2013) else "error")
    if "death" in seen:
        rc = server.proc.wait(60)
        server.proc = None
        assert "quelld: [ERROR] " in server.log_text(), (rc, server.log_text()[-2000:])
    else:
        server.kill9()
    return seen


def test_damaged_pages():
    """A damaged page never gives a wrong answer without an error, but for one that leads to others; that, and the death of a server, is
    always found by --check-data."""
    rng = random.Random(20240229)
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT, s VARCHAR(700), b TEXT, KEY a (a), KEY s (s))")
    server.query("CREATE TABLE d.long_keys (k VARBINARY(2000) PRIMARY KEY)")
    server.query("INSERT INTO d.t (a, s, b) VALUES " +
                 ",".join(f"({i % 7}, CONCAT('text {i}', REPEAT('x', {i % 100})), REPEAT('b', {i * 13 % 4500}))" for i in range(1000)))
    server.query("INSERT INTO d.long_keys VALUES " + ",".join(f"(CONCAT(REPEAT('k', {600 + i}), '{i}'))" for i in range(40)))
    right = {q: server.query(q) for q in QUESTIONS}
    assert server.stop() == 0
    rc, text = check_data(server)
    assert rc == 0 and "No damage found" in text, text
    whole = (server.datadir / "quell.mdb").read_bytes()
    counts = collections.Counter()
    for _ in range(DAMAGES):
        data = bytearray(whole)
        what = damage(data, rng)
        (server.datadir / "quell.mdb").write_bytes(bytes(data))
        rc, text = check_data(server)
        assert rc in (0, 1, 2), (rc, text)
        assert bytes(data) == (server.datadir / "quell.mdb").read_bytes()
        for log in server.datadir.glob("quell.mdb-redo*"):
            log.unlink()  # the file was closed: none is needed
        server.log.unlink()
        seen = ask(server, right)
        wrong = [w for w in seen if w.startswith("WRONG")]
        assert not wrong or leads_elsewhere(whole, data), (what, wrong)
        assert rc != 0 or not wrong, (what, wrong)
        assert rc != 0 or seen == {"right"}, (what, seen, "and --check-data says nothing", text)
        counts["found by --check-data" if rc else "not found (and without effect)"] += 1
        counts["wrong answer" if wrong else "death with a line" if "death" in seen else "refused" if "refused" in seen else
               "error" if "error" in seen else "right answers"] += 1
    print(f"# {DAMAGES} damages: {dict(counts)}")
    server.remove()


def test_checksums_of_rows():
    """A bit that flips in a row is an error wherever the row is read by its key or to be changed; CHECK TABLE and --check-data find it."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT PRIMARY KEY, s VARCHAR(100))")
    server.query("INSERT INTO d.t VALUES (1, 'the first row'), (2, 'the second row')")
    assert server.stop() == 0
    flip(server.datadir / "quell.mdb", b"the second row")
    rc, text = check_data(server)
    assert rc == 2 and "a value that does not match its checksum" in text and "d.t: Index 'PRIMARY'" in text, text
    server.start()
    assert server.query("SELECT s FROM d.t WHERE id = 1") == (("the first row",),)
    for q in ("SELECT s FROM d.t WHERE id = 2", "SELECT s FROM d.t", "SELECT COUNT(*) FROM d.t WHERE s > ''", "UPDATE d.t SET s = 'x' WHERE id = 2", "UPDATE d.t SET s = CONCAT(s, 'x')", "DELETE FROM d.t",
              "SELECT s FROM d.t FOR UPDATE"):
        try:
            raise AssertionError(server.query(q))
        except pymysql.MySQLError as e:
            assert e.args[0] == 1877, e
    rows = server.query("CHECK TABLE d.t")
    assert rows[-1][2:] == ("error", "Corrupt") and rows[0][2] == "warning", rows
    assert server.stop() == 0
    server.remove()


if __name__ == "__main__":
    main(globals())
