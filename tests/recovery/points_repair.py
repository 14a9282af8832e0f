# SPDX-License-Identifier: Apache-2.0
"""REPAIR and OPTIMIZE TABLE: rows that cannot be read are left out and counted, all others and every index are there afterwards; kill -9 at
each sync point leaves the old table or the new one, whole, and the statement then succeeds."""
import quell
from harness import main
from wire import Closed, Watcher, Wire

ROWS = 3000
POINTS = ["build_begun", "build_block", "alter_before_switch", "build_switch", "commit_before_queue"]


def text(rows):
    return [tuple(c.decode() if c is not None else None for c in r) for r in rows]


def fill(w, engine, rows=ROWS):
    w.query("CREATE DATABASE IF NOT EXISTS s")
    w.query(f"CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(100), w VARCHAR(100), KEY (v)) ENGINE={engine}")
    w.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, 'value {i * 7919 % rows}', 'only in the row number {i:05}')" for i in range(rows)))


def damage(path, texts):
    data = bytearray(path.read_bytes())
    for t in texts:
        at = data.find(t)
        assert at >= 0
        while at >= 0:  # older pages may hold it, too
            data[at] ^= 1
            at = data.find(t, at + 1)
    path.write_bytes(bytes(data))


# How the key of a row is stored depends on its length: within a page, and in pieces.
KEYS = {"INT": lambda i: str(i), "VARCHAR(60)": lambda i: f"'{'k' * 40}{i:05}'", "VARCHAR(760)": lambda i: f"'{'k' * 700}{i:05}'"}


def test_damaged_rows_are_left_out():
    server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
    server.start()
    w = Watcher(server)
    fill(w, "MyISAM", 100)
    for n, (kind, key) in enumerate(KEYS.items()):
        w.query(f"CREATE TABLE s.before{n} (k INT PRIMARY KEY)")
        w.query(f"INSERT INTO s.before{n} VALUES (1)")
        w.query(f"CREATE TABLE s.k{n} (k {kind} PRIMARY KEY, id INT, w VARCHAR(100)) ENGINE=MyISAM")
        w.query(f"INSERT INTO s.k{n} VALUES " + ",".join(f"({key(i)}, {i}, 'only in {n}, row number {i:05}')" for i in range(100)))
    w.close()
    assert server.stop() == 0
    damage(server.datadir / "quell.mdb", [b"only in the row number %05d" % i for i in (17, 55)] +
           [b"only in %d, row number %05d" % (n, i) for n in range(len(KEYS)) for i in (0, 17, 18, 99)])
    server.start()
    w = Watcher(server)
    for n in range(len(KEYS)):
        table = f"s.k{n}"
        # The damaged row behind its last one is another table's.
        for how in ("", "ORDER BY k DESC", "FOR UPDATE", "ORDER BY k DESC FOR UPDATE"):
            got = w.query(f"SELECT k FROM s.before{n} {how}")
            assert text(got) == [("1",)], (how, got)
        assert text(w.query(f"CHECK TABLE s.before{n}")) == [(f"s.before{n}", "check", "status", "OK")]
        # In memory still, not in the file: beside, between and behind the damaged ones.
        for i, at in enumerate((16, 18, 99)):
            key = list(KEYS.values())[n](at)
            key = key[:-1] + "x'" if key[0] == "'" else str(1000 + at)
            w.query(f"INSERT INTO {table} VALUES ({key}, {200 + i}, 'new')")
        got = text(w.query(f"REPAIR TABLE {table}"))
        assert got == [(table, "repair", "warning", "Number of rows changed from 103 to 99"), (table, "repair", "status", "OK")], got
        assert text(w.query(f"CHECK TABLE {table}")) == [(table, "check", "status", "OK")]
        left = [int(r[0]) for r in w.query(f"SELECT id FROM {table} ORDER BY id")]
        assert left == [i for i in range(100) if i not in (0, 17, 18, 99)] + [200, 201, 202], left
    assert text(w.query("CHECK TABLE s.t"))[-1] == ("s.t", "check", "error", "Corrupt")
    got = text(w.query("REPAIR TABLE s.t"))
    assert got == [("s.t", "repair", "warning", "Number of rows changed from 100 to 98"), ("s.t", "repair", "status", "OK")], got
    assert text(w.query("CHECK TABLE s.t")) == [("s.t", "check", "status", "OK")]
    assert [int(r[0]) for r in w.query("SELECT id FROM s.t ORDER BY id")] == [i for i in range(100) if i not in (17, 55)]
    assert w.value("SELECT COUNT(*) FROM s.t WHERE v >= 'v'") == "98"
    w.query("INSERT INTO s.t VALUES (17, 'again', 'again')")
    assert text(w.query("REPAIR TABLE s.t")) == [("s.t", "repair", "status", "OK")], "nothing is lost the second time"
    w.close()
    server.kill9()
    server.start()
    assert server.query("SELECT COUNT(*) FROM s.t") == ((99,),)
    assert server.stop() == 0
    server.remove()


def dies_of(server, sql):
    w = Wire(server)
    try:
        w.query(sql)
        return False
    except (Closed, ConnectionResetError, BrokenPipeError):
        return True
    finally:
        w.close()


def crash_everywhere(sql, engine, points):
    server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
    server.start()
    w = Watcher(server)
    fill(w, engine)
    sums = w.query("CHECKSUM TABLE s.t")
    w.close()
    assert server.stop() == 0
    for point in points:
        server.env["QUELL_CRASH_AT"] = point
        server.start()
        assert dies_of(server, sql), f"{point} is not met by {sql}"
        server.kill9()
        del server.env["QUELL_CRASH_AT"]
        server.start()
        w = Watcher(server)
        assert w.query("CHECKSUM TABLE s.t") == sums, point
        assert text(w.query("CHECK TABLE s.t")) == [("s.t", "check", "status", "OK")], point
        w.close()
        server.kill9()
    server.start()
    w = Watcher(server)
    assert text(w.query(sql))[-1][2:] == ("status", "OK")
    assert w.query("CHECKSUM TABLE s.t") == sums
    assert text(w.query("CHECK TABLE s.t")) == [("s.t", "check", "status", "OK")]
    w.close()
    assert server.stop() == 0, server.log_text()[-3000:]
    server.remove()


def test_optimize_crashes():
    crash_everywhere("OPTIMIZE TABLE s.t", "InnoDB", POINTS)


def test_repair_crashes():
    crash_everywhere("REPAIR TABLE s.t", "MyISAM", [p for p in POINTS if p != "alter_before_switch"])


if __name__ == "__main__":
    main(globals())
