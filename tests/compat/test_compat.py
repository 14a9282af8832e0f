# SPDX-License-Identifier: Apache-2.0
"""Data directories of other versions. Those that older ones wrote (make.py) open and are upgraded in one step, whenever the server is killed,
and hold what today's server makes of the same statements. What newer ones write is refused as a whole (format), or carried along unread, or
makes the one object unusable that it is about (sections of records; the records are put there by put_record.c)."""
import hashlib
import os
import pathlib
import struct
import subprocess
import sys
import tarfile

import pymysql
import quell
from harness import main

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "recovery")]
import make  # noqa: beside this file
from test_disk_full import SmallDisk  # noqa

BUILD = pathlib.Path(os.environ.get("QUELL_BUILD", str(quell.ROOT / "build/asan")))
PUT_RECORD = BUILD / "tests/compat/put_record"
DIRECTORIES = ["catalog1-closed", "catalog1-killed"]
META, DATABASE, OLD_TABLE, OBJECT, ACCOUNT, GRANT = (n.to_bytes(4, "big") for n in (10, 11, 12, 15, 20, 21))
FORMAT = META + b"format"
NEWEST = 2


def unpack(name, datadir=None):
    server = quell.Server(initialize=False, datadir=datadir)
    server.datadir.mkdir()
    with tarfile.open(HERE / f"{name}.tar.xz") as t:
        t.extractall(server.datadir)
    return server


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def rows(server, sql, leave_out=()):
    with server.connect() as c, c.cursor(pymysql.cursors.DictCursor) as cur:
        cur.execute(sql)
        return [{k: v for k, v in r.items() if k not in leave_out} for r in cur.fetchall()]


def contents(server):
    """All that statements show of definitions, rows, counters and grants, but for times and salts."""
    found = {}
    for (db,) in server.query("SHOW DATABASES"):
        if db in ("information_schema", "performance_schema", "sys", "mysql"):
            continue
        found[db] = server.query(f"SHOW CREATE DATABASE {quoted(db)}")
        for (table,) in server.query(f"SHOW TABLES FROM {quoted(db)}"):
            name = quoted(db) + "." + quoted(table)
            found[name] = server.query(f"SHOW CREATE TABLE {name}")
            found[name, "rows"] = sorted(server.query(f"SELECT * FROM {name}"), key=repr)
            assert [r[3] for r in server.query(f"CHECK TABLE {name}")] == ["OK"], name
    ours = "WHERE TABLE_SCHEMA IN ('shop', 'latin db', 'empty_db') ORDER BY 1, 2, 3, 4, 5, 6, 7"
    found["TABLES"] = rows(server, f"SELECT * FROM information_schema.TABLES {ours}", ("CREATE_TIME", "UPDATE_TIME"))
    found["COLUMNS"] = rows(server, f"SELECT * FROM information_schema.COLUMNS {ours}")
    found["STATISTICS"] = rows(server, f"SELECT * FROM information_schema.STATISTICS {ours}")
    found["user"] = rows(server, "SELECT * FROM mysql.user ORDER BY Host, User", ("authentication_string", "password_last_changed"))
    found["db"] = rows(server, "SELECT * FROM mysql.db ORDER BY Host, User, Db")
    found["tables_priv"] = rows(server, "SELECT * FROM mysql.tables_priv ORDER BY Host, User, Db, Table_name", ("Timestamp",))
    for u in found["user"]:
        found["GRANTS", u["User"], u["Host"]] = server.query(f"SHOW GRANTS FOR '{u['User']}'@'{u['Host']}'")
    assert server.query("SELECT CURRENT_USER()", user="app", password="secret") == (("app@localhost",),)
    return found


def next_values(server):
    """What the counters give next: uses the values up."""
    found = []
    for insert in ("shop.numbers (t3, t2) VALUES (1, 99)", "shop.counter VALUES (NULL)", "shop.untouched VALUES (NULL)", "shop.plain_files (s) VALUES ('x')",
                   "shop.serial_table (u) VALUES (99)", "`latin db`.t (s) VALUES ('x')"):
        with server.connect(autocommit=True) as c, c.cursor() as cur:
            cur.execute("INSERT INTO " + insert)
            found.append(cur.lastrowid)
    try:
        server.query("INSERT INTO shop.used_up VALUES (NULL)")
        raise AssertionError("a value after the last one")
    except pymysql.MySQLError as e:
        found.append(e.args[0])
    return found


class Expected:
    """What today's server makes of the same statements; asked once."""
    contents = next_values = None


def expected():
    if Expected.contents is None:
        with quell.Server() as server:
            make.run(server, "catalog1")
            server.query("ALTER TABLE shop.numbers MODIFY t4 INT ZEROFILL")  # earlier servers kept no display width: INT(7) was INT
            Expected.contents = contents(server)
            Expected.next_values = next_values(server)
    return Expected


def check_same(server):
    want, got = expected().contents, contents(server)
    assert want.keys() == got.keys(), want.keys() ^ got.keys()
    for k in want:
        assert want[k] == got[k], (k, want[k], got[k])


def put(server, *parts):
    """The server is down."""
    args = [p.hex() if isinstance(p, bytes) else p for p in parts]
    r = subprocess.run([str(PUT_RECORD), str(server.datadir), *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env=server.env)
    assert r.returncode == 0, r.stdout
    return bytes.fromhex(r.stdout.decode().strip().replace("\n", ""))


def get(server, key):
    return put(server, key, "?")


def table_key(db, name, space=1):
    return OBJECT + db.encode() + b"\0" + bytes([space]) + name.encode()


def with_sections(record, more):
    """Before the end mark."""
    assert record[-1] == 0
    return record[:-1] + more + b"\0"


def check_data(server):
    r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120)
    return r.returncode, r.stdout.decode(errors="replace")


def digest(server):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(server.datadir.glob("quell.mdb*")) if not p.name.endswith("-lock")}


def fails(number, words, server, sql, **kw):
    try:
        server.query(sql, **kw)
    except pymysql.MySQLError as e:
        assert e.args[0] == number and all(w in e.args[1] for w in words), e
        return
    raise AssertionError(f"went through: {sql}")


# --- older ones ---

def test_catalog_of_format_1():
    for name in DIRECTORIES:
        server = unpack(name)
        server.start()
        assert "has catalog format 1: it is upgraded to format 2" in server.log_text()
        assert "has catalog format 2 now: 4 databases, 13 tables" in server.log_text(), server.log_text()
        check_same(server)
        server.kill9()
        server.start()
        check_same(server)
        assert next_values(server) == expected().next_values, name
        assert server.stop() == 0
        assert server.log_text().count("it is upgraded") == 1
        assert get(server, FORMAT) == (2).to_bytes(4, "little")
        server.remove()


def test_stored_sys_of_format_1():
    """Once sys was among the records of databases; it is virtual now."""
    server = unpack("catalog1-closed")
    put(server, DATABASE + b"sys", b"\1\xff\0")
    server.start()
    assert server.stop() == 0
    assert get(server, DATABASE + b"sys") == b""
    server.start()
    check_same(server)
    assert server.stop() == 0
    server.remove()


def test_check_data_of_format_1():
    """Reads it as it is, and changes nothing."""
    server = unpack("catalog1-closed")
    before = digest(server)
    rc, text = check_data(server)
    assert rc == 0 and "13 tables checked, 0 with findings" in text and "catalog format 1" in text, text
    assert digest(server) == before
    server.start()
    assert server.stop() == 0
    rc, text = check_data(server)
    assert rc == 0 and "13 tables checked, 0 with findings" in text and "catalog format" not in text, text
    server.remove()


def test_killed_upgrade_opens_again():
    points = {"upgrade_before_commit": 2, "commit_after_take": 2, "commit_after_apply": None, "upgrade_after_commit": 1}
    for i, (point, upgrades) in enumerate(points.items()):  # None: the commit is on the disk or not, either is right
        server = unpack(DIRECTORIES[i % 2])
        server.env["QUELL_CRASH_AT"] = point
        server.start(wait=False)
        assert server.proc.wait(60) == -9, (point, server.log_text())
        server.proc = None
        assert "it is upgraded" in server.log_text()
        del server.env["QUELL_CRASH_AT"]
        server.start()
        assert upgrades in (None, server.log_text().count("it is upgraded")), point
        check_same(server)
        assert server.stop() == 0
        server.remove()


def table_of_format_1(table_id, comment):
    """As README.md of that time had it: one INT column, no key."""
    def text(t):
        return len(t).to_bytes(4, "little") + t
    null_row = text(b"\1\1\0\1\0\0\0\0")
    column = text(b"a") + struct.pack("<BHBBIH", 1, 3, 2, 0, 11, 0) + b"\0\1" + text(b"") + text(b"") + null_row
    index = struct.pack("<I", table_id + 1) + text(b"GEN_CLUST_INDEX") + b"\6" + text(b"") + b"\0\0"
    return (b"\1" + struct.pack("<QQQQ", table_id, 1, 1700000000, 1) + text(b"InnoDB") + b"\xff\0" + text(comment) + b"\1\0" + column + b"\1\0" + index)


def test_upgrade_waits_for_disk_space():
    """As every commit of more than 4 MB; SIGTERM ends it, and it is done by itself when there is space."""
    with SmallDisk() as disk:
        server = unpack("catalog1-closed", disk.dir / "data")
        for i in range(0, 2400, 150):
            args = []
            for k in range(i, i + 150):
                args += [OLD_TABLE + b"shop\0many%d" % k, table_of_format_1(5000 + 2 * k, b"x" * 2000)]
            put(server, *args)
        disk.fill(0)
        server.start(wait=False)
        quell.until(lambda: "Waiting for someone to free space" in server.log_text(), what="the wait")
        assert server.stop(10) == 0
        assert "Told to stop during the upgrade: nothing was changed" in server.log_text()
        server.log.unlink()
        server.start(wait=False)
        quell.until(lambda: "Waiting for someone to free space" in server.log_text(), what="the wait")
        assert "it is upgraded" in server.log_text()
        disk.give_back()
        server.wait_ready()
        assert "has catalog format 2 now: 4 databases, 2413 tables" in server.log_text()
        assert server.query("SELECT COUNT(*), SUM(LENGTH(TABLE_COMMENT)) FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'many%'") == ((2400, 4800000),)
        server.query("INSERT INTO shop.many2399 VALUES (1)")
        assert server.stop() == 0
        server.remove()


# --- newer ones ---

def test_keys_of_characters():
    """Prefix keys that hold the first characters of texts: they go on, are found through by patterns alone, and hold weights once they are made anew."""
    words = ("SELECT id FROM texts.words{} WHERE s = 'ccs' ORDER BY id", "SELECT id FROM texts.words{} WHERE k = 1 AND s = 'aex' ORDER BY id", "SELECT id FROM texts.words{} WHERE s IN ('strasse', 'ss') ORDER BY id",
             "SELECT id FROM texts.words{} WHERE s > 'cc' AND s < 'ccsx' ORDER BY id", "SELECT id FROM texts.words{} WHERE s LIKE 'cc%%' ORDER BY id", "SELECT id FROM texts.words{} WHERE s IS NULL")
    for name in ("keys1-closed", "keys1-killed"):
        with unpack(name) as server:
            for step in ("old", "changed", "new"):
                if step == "changed":
                    server.query("INSERT INTO texts.words VALUES (20, 1, 'cc\u00ADs'), (21, 1, 'æx'), (22, 2, 'ſs')")
                    server.query("UPDATE texts.words SET s = 'C\u00ADcs' WHERE id = 3")
                    server.query("INSERT INTO texts.czech VALUES ('x\u00ADchb', 6)")
                    fails(1062, [], server, "INSERT INTO texts.czech VALUES ('achb', 7)")
                    assert server.stop() == 0
                    server.start()
                elif step == "new":
                    server.query("OPTIMIZE TABLE texts.words, texts.czech, texts.orders")
                assert [r[3] for r in server.query("CHECK TABLE texts.words, texts.czech, texts.orders")] == ["OK"] * 3
                for sql in words:
                    want = server.query(sql.format(" IGNORE INDEX (p, kp, whole, u)"))
                    for key in ("p", "kp", "u"):
                        assert server.query(sql.format(f" FORCE INDEX ({key})")) == want, (name, step, key, sql)
                assert server.query("SELECT n FROM texts.czech WHERE s = 'acha'") == ((1,),)
                assert server.query("SELECT n FROM texts.czech WHERE s = 'ach'") == ((3,),)
                used = [server.query(f"EXPLAIN FORMAT=TREE SELECT id FROM texts.words FORCE INDEX (p) WHERE {w}")[0][0] for w in ("s = 'ccs'", "s LIKE 'cc%%'")]
                assert ["using p" in u for u in used] == [step == "new", True], (step, used)
                for key in ("both_texts", "one"):  # entries hold no texts yet
                    sql = "SELECT id, region FROM texts.orders {} INDEX (" + key + ") WHERE region = 'north' ORDER BY id"
                    assert server.query(sql.format("FORCE")) == server.query(sql.format("IGNORE")), (step, key)
                    assert ("Covering" in server.query("EXPLAIN FORMAT=TREE " + sql.format("FORCE"))[0][0]) == (step == "new"), (step, key)
                sql = "SELECT region, status, COUNT(*) FROM texts.orders {} INDEX (both_texts) GROUP BY region, status ORDER BY 1, 2"
                assert server.query(sql.format("FORCE")) == server.query(sql.format("IGNORE"))
                if step == "old":
                    server.query("UPDATE texts.orders SET region = 'NORTH', status = UPPER(status) WHERE id = 1")
                    server.query("INSERT INTO texts.orders VALUES (20, 'West', 'paid', 1)")
                    server.query("ALTER TABLE texts.orders ADD KEY fresh (status, region), ADD COLUMN more INT")  # this one has them at once
                assert "Covering" in server.query("EXPLAIN FORMAT=TREE SELECT status, region FROM texts.orders FORCE INDEX (fresh) WHERE status = 'PAID'")[0][0]


def test_orders_of_old_sets():
    """Columns of sets whose collations had another order keep it with their keys, until they are altered."""
    for name in ("sets1-closed", "sets1-killed"):
        with unpack(name) as server:
            def same_by_all_keys(table):
                assert [r[3] for r in server.query(f"CHECK TABLE sets.{table}")] == ["OK"]
                for column, keys in (("s", ["s"]), ("g", ["g", "p"]), ("b", ["b"]), ("c", ["c"])):
                    for text in ("ё", "Е", "ж", "№", "s", "Є") if column == "c" else ("ø", "Ö", "€", "š", "ß", "S", "z", "Å", "äpfel", "apfel"):
                        for op in ("=", "<", ">=", "LIKE"):
                            sql = f"SELECT id FROM sets.{table} {{}} WHERE {column} {op} '{text}' ORDER BY id"
                            want = server.query(sql.format(f"IGNORE INDEX ({', '.join(keys)})"))
                            for key in keys:
                                assert server.query(sql.format(f"FORCE INDEX ({key})")) == want, (name, table, key, op, text)
                    sql = f"SELECT {column} FROM sets.{table} {{}} ORDER BY {column}, id"
                    assert server.query(sql.format(f"FORCE INDEX ({keys[0]})")) == server.query(sql.format(f"IGNORE INDEX ({', '.join(keys)})")), (name, table, column)
            same_by_all_keys("t")
            assert server.query("SELECT HEX(s), LENGTH(s), HEX(c) FROM sets.t WHERE id IN (3, 11) ORDER BY id") == (("80", 1, "FF"), ("3F", 1, "3F"))  # Ж was let in
            fails(1062, [], server, "INSERT INTO sets.t (id, s) VALUES (20, 'ÖZ'), (21, 'öz')")
            fails(1366, [], server, "INSERT INTO sets.t (id, s) VALUES (20, 'Жж')")
            fails(1452, [], server, "INSERT INTO sets.child VALUES (3, 'x')")
            server.query("INSERT INTO sets.t VALUES (20, 'ÖZ', 'ÖZ', 'ÖZ', 'ъ'), (21, 'tür', 'tür', 'tür', 'Ы')")
            server.query("INSERT INTO sets.child VALUES (3, 'TÜR')")
            same_by_all_keys("t")
            # Made now, they are as they are now; both meet.
            server.query("CREATE TABLE sets.fresh (id INT PRIMARY KEY, s VARCHAR(20), g VARCHAR(20) COLLATE latin1_german1_ci, b VARCHAR(20) COLLATE latin1_bin, c VARCHAR(20) CHARACTER SET cp1251, KEY (s), KEY (g), KEY (b), KEY (c), KEY p (g(2)))")
            server.query("INSERT INTO sets.fresh SELECT * FROM sets.t WHERE id <> 11")
            same_by_all_keys("fresh")
            assert len(server.query("SELECT x.id FROM sets.t x JOIN sets.fresh y ON x.b = y.b")) == 12
            assert server.stop() == 0
            server.start()
            same_by_all_keys("t")
            same_by_all_keys("fresh")
            orders = "SELECT {0} FROM sets.{1} WHERE id <> 11 ORDER BY {0}, id"
            assert server.query(orders.format("b", "t")) != server.query(orders.format("b", "fresh"))  # € is 80 in latin1
            server.query("DROP TABLE sets.child")
            server.query("DELETE FROM sets.t WHERE id = 11")
            server.query("ALTER TABLE sets.t MODIFY s VARCHAR(20), MODIFY g VARCHAR(20) COLLATE latin1_german1_ci, MODIFY b VARCHAR(20) COLLATE latin1_bin, MODIFY c VARCHAR(20) CHARACTER SET cp1251")
            same_by_all_keys("t")
            for column in "sgbc":
                assert server.query(orders.format(column, "t")) == server.query(orders.format(column, "fresh")), column


def moments(server):
    """What TIMESTAMP columns of times1 hold, as Unix times."""
    q = server.query
    return {
        "plain": q("SELECT id, UNIX_TIMESTAMP(ts), UNIX_TIMESTAMP(p), d FROM times.plain ORDER BY id"),
        "key": q("SELECT id FROM times.plain FORCE INDEX (ts) WHERE ts > '1900-01-01' ORDER BY ts"),
        "down": q("SELECT id FROM times.plain FORCE INDEX (down) ORDER BY ts DESC, id"),
        "parent": q("SELECT n, UNIX_TIMESTAMP(ts) FROM times.one_hour_on ORDER BY ts"),
        "child": q("SELECT c.id, p.n FROM times.child c JOIN times.one_hour_on p ON p.ts = c.at ORDER BY 1"),
        "defaults": q("SELECT id, UNIX_TIMESTAMP(c), UNIX_TIMESTAMP(n), day, UNIX_TIMESTAMP(late) FROM times.defaults ORDER BY id"),
        "files": q("SELECT id, UNIX_TIMESTAMP(ts) FROM times.files"),
        "seen": q("SELECT id FROM times.seen"),
    }


def in_zone(summer, winter):
    """The same of clocks so many seconds ahead of UTC; by arithmetic."""
    import datetime as dt
    from decimal import Decimal

    def at(text, ahead):
        return int(dt.datetime.fromisoformat(text + "+00:00").timestamp()) - ahead
    noon = dt.datetime(2020, 1, 1, 12), None, dt.datetime(1970, 1, 1, 1, 0, 1), None
    july = Decimal(at("2020-07-01 12:00:00", summer)) + Decimal("0.125")
    last = Decimal(at("2038-01-19 04:14:07", winter)) + Decimal("0.999")
    return {
        "plain": ((1, at("2020-01-01 12:00:00", winter), july, noon[0]), (2, None, None, None), (3, at("1970-01-01 01:00:01", winter), last, noon[2]), (4, 0, None, "0000-00-00 00:00:00")),
        "key": ((3,), (1,)), "down": ((1,), (3,), (4,), (2,)),
        "parent": tuple((n, at(f"2020-01-01 0{n}:00:00", winter)) for n in range(3)) + ((3, at("2020-07-01 00:00:00", summer)), (4, at("2020-07-01 02:00:00", summer))),
        "child": ((1, 1), (2, 4)),
        "defaults": ((1, at("2020-06-01 00:00:00", summer), at("2020-06-02 00:00:00", summer), dt.date(2020, 6, 1), at("2021-06-01 00:00:00", summer)),),
        "files": ((1, at("2020-07-01 12:00:00", summer)),), "seen": ((1,),),
    }


def check_times(server, summer, winter):
    want, got = in_zone(summer, winter), moments(server)
    for k in want:
        assert want[k] == got[k], (k, want[k], got[k])
    tables = "times.plain, times.one_hour_on, times.child, times.defaults, times.files"
    assert [r[3] for r in server.query(f"CHECK TABLE {tables}")] == ["OK"] * 5
    assert "`c` timestamp NOT NULL DEFAULT '2020-06-01 00:00:00'" in server.query("SHOW CREATE TABLE times.defaults")[0][1]


def berlin(server):
    """Starts it where clocks are one hour ahead of UTC, two in summer."""
    server.args = ["--default-time-zone=Europe/Berlin"]
    return server


def test_local_times_become_moments():
    """TIMESTAMPs of older servers are what clocks showed: they are read as those of the global time_zone, once."""
    for name in ("times1-closed", "times1-killed"):
        server = berlin(unpack(name))
        server.start()
        log = server.log_text()
        assert "TIMESTAMP columns of 6 tables hold local times: they are converted" in log and "TIMESTAMP columns of 6 tables were converted" in log, log
        check_times(server, 7200, 3600)
        server.query("INSERT INTO times.one_hour_on VALUES ('2020-01-01 03:00:00', 5)")
        server.query("UPDATE times.one_hour_on SET ts = '2020-01-01 04:00:00' WHERE n = 1")  # and the child's with it
        assert server.query("SELECT UNIX_TIMESTAMP(at) FROM times.child WHERE id = 1") == ((1577847600,),)
        fails(1452, [], server, "INSERT INTO times.child VALUES (9, '2019-01-01 00:00:00')")
        server.query("UPDATE times.one_hour_on SET ts = '2020-01-01 01:00:00' WHERE n = 1")
        server.query("DELETE FROM times.one_hour_on WHERE n = 5")
        server.kill9()
        server.args = []
        server.start()  # elsewhere: the moments are the same
        server.query("SET GLOBAL time_zone = 'Europe/Berlin'")
        check_times(server, 7200, 3600)
        assert server.stop() == 0
        assert server.log_text().count("hold local times") == 1
        server.remove()
    server = unpack("times1-closed")  # clocks of UTC: 2038-01-19 04:14:07 is no TIMESTAMP then
    server.start()
    assert server.query("SELECT UNIX_TIMESTAMP(ts), UNIX_TIMESTAMP(p) FROM times.plain WHERE id = 3") == ((3601, 0),)
    assert server.stop() == 0
    server.remove()


def test_local_times_killed_on_the_way():
    """Each table is as it was or done; the next start goes on with the others."""
    for point in ("build_begun", "alter_before_switch", "build_switch", "commit_after_take", "commit_after_apply"):
        server = berlin(unpack("times1-closed"))
        server.env["QUELL_CRASH_AT"] = point
        server.start(wait=False)
        assert server.proc.wait(60) == -9, (point, server.log_text())
        server.proc = None
        assert "TIMESTAMP columns of 6 tables hold local times" in server.log_text()
        del server.env["QUELL_CRASH_AT"]
        server.start()
        check_times(server, 7200, 3600)
        assert server.stop() == 0
        server.remove()
    server = berlin(unpack("times1-killed"))  # one table a start
    server.env["QUELL_CRASH_AT"] = "catalog_publish"
    for left in (6, 5, 4, 3, 2, 1):
        server.start(wait=False)
        assert server.proc.wait(60) == -9, (left, server.log_text())
        server.proc = None
        lines = [x for x in server.log_text().splitlines() if "hold local times" in x]
        assert f"columns of {left} tables" in lines[-1], lines
    del server.env["QUELL_CRASH_AT"]
    server.start()
    check_times(server, 7200, 3600)
    assert server.stop() == 0
    assert server.log_text().count("hold local times") == 6
    server.remove()


def test_local_times_that_meet():
    """Clocks of Apia showed neither 10:00 nor anything else on December 30, 2011: such times would all be one moment. Refused by name; clocks without gaps do it."""
    server = unpack("times1-closed")
    server.args = ["--default-time-zone=Pacific/Apia"]
    server.start(wait=False)
    assert server.proc.wait(60) == 1, server.log_text()
    server.proc = None
    errors = [x for x in server.log_text().splitlines() if "[ERROR]" in x]
    assert "times.dateline" in errors[-1] and "2011-12-31 00:00:00" in errors[-1] and "--default-time-zone" in errors[-1], errors
    server.args = ["--default-time-zone=+00:00"]
    server.start()
    assert server.query("SELECT UNIX_TIMESTAMP(ts) FROM times.dateline ORDER BY ts") == ((1325239200,), (1325289600,))
    assert server.stop() == 0
    server.remove()


def test_newer_format_is_refused():
    server = quell.Server()
    put(server, FORMAT, (NEWEST + 1).to_bytes(4, "little"))
    before = digest(server)
    r = subprocess.run([server.binary, f"--datadir={server.datadir}", f"--socket={server.socket}", f"--port={server.port}", "--admin-port=0"],
                       env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    errors = [x for x in r.stdout.decode().splitlines() if "[ERROR]" in x]
    assert r.returncode == 1 and len(errors) == 1, r.stdout
    assert str(server.datadir) in errors[0] and f"catalog format {NEWEST + 1}" in errors[0] and f"up to {NEWEST}" in errors[0], errors
    assert digest(server) == before
    rc, text = check_data(server)
    assert rc == 1 and f"catalog format {NEWEST + 1}" in text, text
    assert digest(server) == before
    put(server, FORMAT, NEWEST.to_bytes(4, "little"))
    server.start()
    assert server.stop() == 0
    server.remove()


OPTIONAL = bytes([60, 5]) + b"hello" + bytes([62, 0]) + bytes([0x80 | 72, 1, 3]) + b"\0\1\2"  # tags 60, 62 and 200
NEEDED = bytes([61, 2]) + b"xy"


def test_unknown_sections_survive():
    """Of a table, a database, an account and a grant that are changed and written again."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(20) DEFAULT 'x')")
    server.query("CREATE USER u@localhost IDENTIFIED BY 'pw'")
    server.query("GRANT SELECT ON d.* TO u@localhost")
    assert server.stop() == 0
    keys = [table_key("d", "t"), DATABASE + b"d", ACCOUNT + b"u\0localhost", GRANT + b"u\0localhost\0\1d\0"]
    for k in keys:
        put(server, k, with_sections(get(server, k), OPTIONAL))
    was = [get(server, k) for k in keys]
    server.start()
    server.query("INSERT INTO d.t VALUES (NULL, 'y')")
    server.query("TRUNCATE TABLE d.t")
    server.query("ALTER DATABASE d COLLATE utf8mb4_bin")
    server.query("ALTER USER u@localhost IDENTIFIED BY 'new'")
    server.query("GRANT INSERT ON d.* TO u@localhost")
    assert server.query("INSERT INTO d.t VALUES (NULL, DEFAULT)", user="u", password="new") == ()
    assert server.stop() == 0
    for k, record in zip(keys, was):
        now = get(server, k)
        assert now != record, "was not written again"
        assert now.endswith(OPTIONAL + b"\0"), (k, now)
    server.remove()


def test_table_of_a_newer_server():
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(20), KEY s (s))")
    server.query("CREATE TABLE d.other (id INT PRIMARY KEY)")
    server.query("CREATE VIEW d.w AS SELECT 1 AS one")
    server.query("INSERT INTO d.t (s) VALUES ('a'), ('b')")
    assert server.stop() == 0
    key = table_key("d", "t")
    put(server, key, with_sections(get(server, key), NEEDED))
    put(server, table_key("d", "v"), bytes([28]) + bytes([1, 2]) + (5000).to_bytes(2, "little") + bytes([3, 0]) + NEEDED + b"\0")  # of a new kind
    put(server, table_key("d", "w"), with_sections(get(server, table_key("d", "w")), NEEDED))
    put(server, table_key("d", "trigger", 2), bytes([19]) + bytes([1, 2]) + (5001).to_bytes(2, "little") + bytes([3, 0, 0]))
    rc, text = check_data(server)
    assert rc == 0 and "d.t: not checked" in text and "No damage found" in text, text
    server.start()
    log = server.log_text()
    assert "Table 'd.t' cannot be used: section 61 of a table" in log and "Table 'd.v' cannot be used: it is of kind 28" in log, log
    assert "1 objects of kinds that this server does not know" in log
    words = ["'d.t'", "section 61", "newer", "DROP TABLE"]
    for sql in ("SELECT * FROM d.t", "INSERT INTO d.t (s) VALUES ('c')", "DELETE FROM d.t", "UPDATE d.t SET s = ''", "TRUNCATE TABLE d.t",
                "SHOW CREATE TABLE d.t", "SHOW COLUMNS FROM d.t", "SHOW INDEX FROM d.t", "CREATE TABLE d.l LIKE d.t", "LOCK TABLES d.t READ",
                "ALTER TABLE d.t DISABLE KEYS", "SELECT * FROM d.other, d.t", "EXPLAIN SELECT * FROM d.t", "ALTER TABLE d.t ADD COLUMN x INT", "RENAME TABLE d.t TO d.s"):
        fails(1235, words, server, sql)
    for sql in ("CHECK TABLE d.t", "OPTIMIZE TABLE d.t"):
        rows = server.query(sql)
        assert rows[0][2] == "Error" and all(w in rows[0][3] for w in words) and rows[1][3] == "Operation failed", rows
    fails(1235, ["'d.v'", "kind 28"], server, "SELECT * FROM d.v")
    for sql in ("SELECT * FROM d.w", "SHOW CREATE VIEW d.w"):
        fails(1235, ["'d.w'", "section 61"], server, sql)
    fails(1050, ["'t'"], server, "CREATE TABLE d.t (a INT)")
    fails(1050, ["'v'"], server, "CREATE TABLE d.v (a INT)")
    assert server.query("SHOW TABLES FROM d") == (("other",), ("t",), ("v",), ("w",))
    assert server.query("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'd'") == ((1,),)
    comment = server.query("SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 't'")
    assert "section 61" in comment[0][0], comment
    server.query("SHOW TABLE STATUS FROM d")
    server.query("SELECT * FROM information_schema.STATISTICS")
    server.query("INSERT INTO d.other VALUES (1)")
    server.kill9()
    server.start()
    fails(1051, ["'d.w'"], server, "DROP TABLE d.w")
    fails(1347, ["'d.t'"], server, "DROP VIEW d.t")
    server.query("DROP TABLE d.t, d.v")
    server.query("DROP VIEW d.w")
    server.query("CREATE TABLE d.t (a INT)")
    assert server.query("SHOW TABLES FROM d") == (("other",), ("t",))
    assert server.stop() == 0
    assert get(server, table_key("d", "trigger", 2)) != b""
    server.start()
    server.query("DROP DATABASE d")
    server.query("CREATE DATABASE d")
    assert server.stop() == 0
    assert get(server, table_key("d", "trigger", 2)) == b"" and get(server, table_key("d", "other")) == b""
    rc, text = check_data(server)
    assert rc == 0, text
    server.remove()


def test_database_of_a_newer_server():
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT PRIMARY KEY)")
    assert server.stop() == 0
    put(server, DATABASE + b"d", with_sections(get(server, DATABASE + b"d"), NEEDED))
    server.start()
    for sql in ("CREATE TABLE d.u (id INT)", "ALTER DATABASE d COLLATE utf8mb4_bin", "SELECT * FROM d.t"):
        fails(1235, ["'d", "section 61"], server, sql)
    assert ("d",) in server.query("SHOW DATABASES")
    server.query("DROP DATABASE d")
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT PRIMARY KEY)")
    assert server.stop() == 0
    server.remove()


def test_account_of_a_newer_server():
    """Nobody gets in, a grant of that kind grants nothing, and DROP USER removes both."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE DATABASE dd")
    for u in ("u", "v"):
        server.query(f"CREATE USER {u}@localhost IDENTIFIED BY 'pw'")
        server.query(f"GRANT SELECT, CREATE ON d.* TO {u}@localhost")
        server.query(f"GRANT SELECT, CREATE ON `d%`.* TO {u}@localhost")
    assert server.stop() == 0
    for key in (ACCOUNT + b"u\0localhost", GRANT + b"v\0localhost\0\1d\0"):
        put(server, key, with_sections(get(server, key), NEEDED))
    server.start()
    log = server.log_text()
    assert "Account 'u'@'localhost' cannot be used: section 61" in log and "1 grants of account 'v'@'localhost' grant nothing" in log, log
    fails(3118, ["'u'@'localhost'"], server, "SELECT 1", user="u", password="pw")
    for sql in ("ALTER USER u@localhost ACCOUNT UNLOCK", "GRANT PROCESS ON *.* TO u@localhost", "RENAME USER u@localhost TO w@localhost",
                "GRANT INSERT ON d.* TO v@localhost"):
        fails(1235, ["section 61", "DROP USER"], server, sql)
    fails(1142, ["'v'@'localhost'"], server, "CREATE TABLE d.t (a INT)", user="v", password="pw")  # not by d% either
    server.query("CREATE TABLE dd.t (a INT)", user="v", password="pw")
    server.query("DROP USER u@localhost, v@localhost")
    server.query("CREATE USER u@localhost IDENTIFIED BY 'pw'")
    assert server.query("SELECT 1", user="u", password="pw") == ((1,),)
    assert server.stop() == 0
    server.remove()


def test_damaged_records():
    """Refused by name at the start, found by --check-data; put right, everything is there again."""
    server = quell.Server()
    server.start()
    server.query("CREATE DATABASE d")
    server.query("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)")
    server.query("INSERT INTO d.t VALUES (NULL)")
    server.query("CREATE USER u@localhost")
    server.query("GRANT SELECT ON d.* TO u@localhost")
    assert server.stop() == 0
    table_id = int.from_bytes(get(server, table_key("d", "t"))[3:5], "little")
    counter = (13).to_bytes(4, "big") + table_id.to_bytes(8, "big")
    assert get(server, counter) == (2).to_bytes(8, "big")
    for key, words in ((table_key("d", "t"), "'d.t'"), (DATABASE + b"d", "database 'd'"), (counter, "'d.t'"), (FORMAT, "format"),
                       (ACCOUNT + b"u\0localhost", "'mysql.user'"), (GRANT + b"u\0localhost\0\1d\0", "'mysql.db'")):
        whole = get(server, key)
        put(server, key, whole[:-1])
        rc, text = check_data(server)
        assert rc == 2 and words in text and "Damage found" in text, (key, rc, text)
        server.start(wait=False)
        assert server.proc.wait(60) == 1, key
        server.proc = None
        errors = [x for x in server.log_text().splitlines() if "[ERROR]" in x]
        assert len(errors) == 1 and words in errors[0], (key, errors)
        server.log.unlink()
        put(server, key, whole)
    server.start()
    assert server.query("SELECT * FROM d.t", user="u") == ((1,),)
    assert server.stop() == 0
    server.remove()


if __name__ == "__main__":
    main(globals())
