# SPDX-License-Identifier: Apache-2.0
"""Sorts, groups, distinct rows and joins larger than their buffers: the rows are those that come without spilling, for all types; killed while
they write, short of disk, beyond max_tmp_disk; and nothing is left in tmpdir, whatever ends them."""
import os
import pathlib
import tempfile

import quell
from harness import main
from wire import Watcher, Wire

tmp = tempfile.mkdtemp(prefix="quell-tmp-")
server = quell.Server(args=[f"--tmpdir={tmp}", "--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
SMALL = ("SET sort_buffer_size = 32768", "SET join_buffer_size = 8192", "SET tmp_table_size = 1024")
LARGE = ("SET sort_buffer_size = 1000000000", "SET join_buffer_size = 1000000000", "SET tmp_table_size = 1000000000")
TYPES = {
    "i": "INT", "u": "BIGINT UNSIGNED", "dc": "DECIMAL(40,10)", "dd": "DOUBLE", "f": "FLOAT", "dt": "DATE", "tm": "TIME(3)", "dtm": "DATETIME(6)", "ts": "TIMESTAMP(2) NULL",
    "vc": "VARCHAR(100)", "vb": "VARBINARY(100)", "bi": "VARCHAR(100) COLLATE utf8mb4_bin", "ci": "VARCHAR(100) COLLATE utf8mb4_0900_as_cs", "ch": "CHAR(20)", "tx": "TEXT", "bl": "BLOB"}
ROWS = 2000


def value(name, i):
    """Few enough different ones that groups have several rows, many enough that they do not fit."""
    k = i * 7919 % 1009
    if k % 17 == 0:
        return "NULL"
    return {"i": f"{k - 500}", "u": f"{18446744073709551615 - k}", "dc": f"{k * 1000003}.{k:04}e10", "dd": f"{k - 300}e-{k % 200}", "f": f"{k}.5", "dt": f"'20{k % 90 + 10}-0{k % 9 + 1}-1{k % 10}'",
            "tm": f"'{k - 500}:{k % 60}:01.{k % 1000:03}'", "dtm": f"'2001-01-01 00:00:00.{k:06}'", "ts": f"'2001-01-01 00:{k % 60:02}:00.{k % 100:02}'", "vc": f"'{'aAbBäÄ'[k % 6]}{k // 2}'",
            "vb": f"x'{k:06x}00ff'", "bi": f"'{'aA'[k % 2]}{k // 2}'", "ci": f"'{'aAáÁ'[k % 4]}{k // 4}'", "ch": f"'{k}'", "tx": f"REPEAT('{k:04}', {k})", "bl": f"REPEAT(x'{k:04x}', {k % 3 * 900})"}[name]


def status(name):
    return int(watch.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])


def files():
    n = 0
    for f in pathlib.Path(f"/proc/{server.proc.pid}/fd").iterdir():
        try:
            n += tmp in os.readlink(f)
        except FileNotFoundError:  # closed meanwhile
            pass
    return n


def nothing_left():
    quell.until(lambda: files() == 0, what="temporary files gone")
    assert status("Quell_tmp_disk_bytes") == 0 and os.listdir(tmp) == []
    watch.until_calm()


def session(*settings):
    w = Wire(server, timeout=300)
    w.query("USE s")
    for sql in settings:
        w.query(sql)
    return w


def rows(w, sql):
    w.send(sql)
    return w.result()


def both(sql, ordered=True, spills=True, *more):
    """The same rows with small buffers as with large ones; in the same order, when the statement says which."""
    large, small = session(*LARGE), session(*SMALL, *more)
    want = rows(large, sql)
    before = status("Created_tmp_files")
    got = rows(small, sql)
    if spills:
        assert status("Created_tmp_files") > before, f"{sql} did not spill"
    if not ordered:
        want, got = sorted(want, key=repr), sorted(got, key=repr)
    assert len(got) == len(want), (sql, len(got), len(want))
    assert got == want, (sql, next((a, b) for a, b in zip(got, want) if a != b))
    large.quit()
    small.quit()
    nothing_left()
    return want


def test_setup():
    for sql in ("CREATE DATABASE s", "CREATE TABLE s.t (id INT PRIMARY KEY, " + ", ".join(f"{n} {t}" for n, t in TYPES.items()) + ")",
                "CREATE TABLE s.n (id INT PRIMARY KEY)", "CREATE TABLE s.none (id INT PRIMARY KEY, v VARCHAR(10))",
                "INSERT INTO s.n VALUES " + ",".join(f"({i})" for i in range(1000))):
        watch.query(sql)
    for at in range(0, ROWS, 100):
        watch.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, " + ", ".join(value(n, i) for n in TYPES) + ")" for i in range(at, at + 100)))
    watch.query("CREATE TABLE s.l (id INT PRIMARY KEY, n INT, x LONGTEXT)")
    for n in (16383, 16384, 16385, 32768, 100000):
        watch.query(f"INSERT INTO s.l SELECT id + {n} * 100, {n}, REPEAT(CHAR(97 + id % 26), {n}) FROM s.n WHERE id < 30")


def test_sort_every_type():
    for name in TYPES:
        both(f"SELECT id, {name} FROM t ORDER BY {name}")
        both(f"SELECT id, {name} FROM t ORDER BY {name} DESC, id DESC")
    both("SELECT * FROM t ORDER BY g LIMIT 700".replace(" g ", " vc, i DESC "))
    both("SELECT id, tx FROM t ORDER BY dc, tx DESC, dtm")


def test_sort_is_stable():
    """Equal rows come as they were read (SELECT by primary key), spilled or not."""
    got = both("SELECT i, id FROM t ORDER BY i IS NULL", spills=True)
    assert [int(r[1]) for r in got] == sorted((int(r[1]) for r in got), key=lambda i: (i * 7919 % 1009 % 17 == 0, i))


def test_sort_limits():
    for n in (1, 1024, ROWS - 1, ROWS, ROWS + 1, 70000):
        both(f"SELECT id FROM t ORDER BY vc, bl, id LIMIT {n}", spills=n > 1000)
    both("SELECT id, tx FROM t ORDER BY ci DESC, id LIMIT 10, 100", spills=False)
    both("SELECT id, tx FROM t ORDER BY ci DESC, id LIMIT 10, 1500")
    small = session(*SMALL)
    for sql in ("SELECT * FROM none ORDER BY v", "SELECT v FROM none ORDER BY v LIMIT 5"):
        assert rows(small, sql) == []
    small.query("INSERT INTO none VALUES (1, 'one')")
    assert rows(small, "SELECT v FROM none ORDER BY v") == [(b"one",)]
    small.query("DELETE FROM none")
    small.quit()


def test_values_larger_than_the_buffer():
    """Each row by itself is larger than a page, and than the buffer."""
    both("SELECT id, x FROM l ORDER BY x DESC, id")
    both("SELECT id, x FROM l ORDER BY LEFT(x, 1), -id LIMIT 70")
    both("SELECT id, x FROM l ORDER BY n, id DESC")


AGGREGATES = ("COUNT(*)", "COUNT(i)", "SUM(i)", "SUM(dc)", "SUM(u)", "SUM(dd)", "AVG(dc)", "MIN(vc)", "MAX(tx)", "MIN(bl)", "MAX(dtm)", "BIT_OR(i)", "STD(i)", "GROUP_CONCAT(i ORDER BY id)",
              "COUNT(DISTINCT i)", "SUM(DISTINCT i)", "COUNT(DISTINCT vc, dt)", "GROUP_CONCAT(DISTINCT i ORDER BY i)", "AVG(DISTINCT dc)", "MAX(DISTINCT u)")


def test_group_by_every_type():
    """The key itself is not shown where groups hold values that are equal but not the same: which of them is shown may differ."""
    for name in TYPES:
        both(f"SELECT COUNT(*), COUNT({name}), SUM(id), MIN(id), MAX(id) FROM t GROUP BY {name}", ordered=False)
    both("SELECT dc, dtm, COUNT(*), MAX(tx) FROM t GROUP BY dc, dtm", ordered=False)
    both("SELECT bl, tx, dd, COUNT(*) FROM t GROUP BY bl, tx, dd", ordered=False)


def test_aggregates():
    for fn in AGGREGATES:
        both(f"SELECT i, {fn} FROM t GROUP BY i", ordered=False)
    both("SELECT i % 3, " + ", ".join(AGGREGATES) + " FROM t GROUP BY 1 ORDER BY 1")


def test_group_boundaries():
    small = session(*SMALL)
    assert rows(small, "SELECT v, COUNT(*) FROM none GROUP BY v") == []
    assert rows(small, "SELECT COUNT(*), COUNT(DISTINCT v), MAX(v) FROM none") == [(b"0", b"0", None)]
    assert rows(small, "SELECT 1 + id % 1, COUNT(*) FROM t GROUP BY 1") == [(b"1", str(ROWS).encode())]
    small.quit()
    both("SELECT id + 0, COUNT(*), MAX(bl) FROM t GROUP BY 1 HAVING COUNT(*) = 1", ordered=False)
    both("SELECT x, COUNT(*), MAX(LENGTH(x)) FROM l GROUP BY x", ordered=False)
    both("SELECT n, MAX(x), COUNT(DISTINCT x) FROM l GROUP BY n", ordered=False)


def test_distinct_aggregates():
    """One group that is larger than its memory; and many whose sets are."""
    for name in TYPES:
        both(f"SELECT COUNT(DISTINCT {name}) FROM t", spills=name not in ("ci", "vc"))
        both(f"SELECT COUNT(DISTINCT {name}, i), MIN(DISTINCT {name}) IS NULL FROM t")
    both("SELECT COUNT(DISTINCT x), GROUP_CONCAT(DISTINCT n ORDER BY n) FROM l")
    both("SELECT id % 7, COUNT(DISTINCT i), SUM(DISTINCT dc), COUNT(DISTINCT tx) FROM t GROUP BY 1 ORDER BY 1")
    # What arithmetic says: 1,000 values each met 100 times.
    small = session(*SMALL)
    assert rows(small, "SELECT COUNT(DISTINCT a.id), SUM(DISTINCT a.id), COUNT(*) FROM n a, n b WHERE b.id < 100") == [(b"1000", b"499500", b"100000")]
    small.quit()


def test_distinct():
    for name in TYPES:
        both(f"SELECT COUNT(*) FROM (SELECT DISTINCT {name} FROM t) d")
    for what in ("i", "dc, dtm", "bl, tx", "id + 0", "u, REPEAT(i, 30)", "i + 0.5"):
        both(f"SELECT DISTINCT {what} FROM t", ordered=False)
    both("SELECT DISTINCT x FROM l", ordered=False)
    both("SELECT COUNT(*) FROM (SELECT DISTINCT id + 0 FROM t LIMIT 1990) d")
    # By an index, which has to stay in order: from one value to the next nothing has to be remembered.
    watch.query("CREATE TABLE s.o (k INT, v INT, KEY (k, v))")
    watch.query("INSERT INTO s.o SELECT b.id DIV 10, a.id FROM s.n a, s.n b WHERE a.id < 20")
    w = session(*SMALL, "SET sql_mode = ''")
    for sql in ("SELECT DISTINCT k, v FROM o ORDER BY k, v", "SELECT DISTINCT k FROM o ORDER BY k DESC", "SELECT DISTINCT v FROM o ORDER BY k"):
        assert not any(b"filesort" in (r[-1] or b"") for r in rows(w, "EXPLAIN " + sql)), sql
    assert sorted(int(r[0]) for r in rows(w, "SELECT DISTINCT v FROM o ORDER BY k")) == list(range(20))
    w.quit()
    both("SELECT DISTINCT k, v FROM o ORDER BY k, v", spills=False)
    both("SELECT DISTINCT k, v + 0.5 FROM o ORDER BY k DESC", spills=False)
    # The set outgrows its budget now and then, and what is ordered by goes on from one batch to the next.
    watch.query("CREATE TABLE s.again (k INT, x INT, v INT, KEY (k, x, v))")
    watch.query("INSERT INTO s.again SELECT a.id, b.id, b.id % 211 FROM s.n a, s.n b WHERE a.id < 12")
    for size in (1024, 40000, 100000, 200000):
        w = session(f"SET tmp_table_size = {size}")
        got = [tuple(map(int, r)) for r in rows(w, "SELECT DISTINCT k, v FROM again ORDER BY k")]
        assert [k for k, _ in got] == [k for k in range(12) for _ in range(211)] and len(set(got)) == len(got), (size, len(got))
        w.quit()


def test_union():
    for name in TYPES:
        both(f"SELECT COUNT(*) FROM (SELECT {name} FROM t UNION SELECT {name} FROM t) d")
    both("SELECT i, id FROM t UNION SELECT i, id + 1 FROM t UNION ALL SELECT 1, 2", ordered=False)
    both("SELECT id FROM t UNION SELECT i FROM t ORDER BY 1 DESC LIMIT 100")
    both("SELECT x, n FROM l UNION DISTINCT SELECT x, n FROM l", ordered=False)
    small = session(*SMALL)
    assert rows(small, "SELECT COUNT(*), SUM(id) FROM (SELECT a.id FROM n a, n b WHERE b.id < 5 UNION SELECT id + 500 FROM n) d") == [(b"1500", str(sum(range(1500))).encode())]
    small.quit()


def test_join():
    """By each type; inner and outer; with rows that find no partner, NULLs, more conditions than the keys."""
    for name in TYPES:
        both(f"SELECT COUNT(*), SUM(a.id * b.id), BIT_XOR(a.id * 4000 + b.id) FROM t a JOIN t b ON a.{name} = b.{name}")
        both(f"SELECT COUNT(*), COUNT(b.id), SUM(b.id), SUM(a.id * b.id) FROM t a LEFT JOIN t b ON a.{name} = b.{name} AND b.id > 1000")
    both("SELECT a.id, b.id, b.tx, a.bl FROM t a LEFT JOIN t b ON b.i = a.i + 1 AND b.dt = a.dt", ordered=False)
    both("SELECT a.id, b.id FROM t a LEFT JOIN t b ON b.i = a.i AND b.vc < a.vc WHERE a.id < 1500", ordered=False)
    both("SELECT a.id, b.id FROM t a LEFT JOIN t b ON b.i = a.i AND b.vc < a.vc WHERE a.id < 700", False, True, "SET join_buffer_size = 128")
    both("SELECT STRAIGHT_JOIN COUNT(*), SUM(a.id * c.id) FROM t a JOIN t b ON b.u = a.u JOIN t c ON c.tm = b.tm AND c.i < b.i")
    both("SELECT a.id, COUNT(b.id) AS c FROM t a LEFT JOIN t b ON b.vc = a.vc GROUP BY a.id ORDER BY c DESC, a.id LIMIT 100")
    both("SELECT a.n, COUNT(*) FROM l a JOIN l b ON a.x = b.x GROUP BY a.n ORDER BY a.n")


def test_join_on_one_key():
    """Dividing does not help: the right side is taken in pieces. What comes is known by arithmetic."""
    both("SELECT COUNT(*), SUM(a.id), SUM(b.id) FROM t a LEFT JOIN t b ON b.id DIV 100000 = a.id DIV 100000 AND b.id > 1900")
    w = session(*SMALL)
    for join, rest in (("JOIN", 0), ("LEFT JOIN", 500)):
        # 1,000 left rows; those below 500 meet the same 2,000 rows on the right, 10 of which are not let through
        got = rows(w, f"SELECT COUNT(*), COUNT(y.b), COUNT(DISTINCT x.id) FROM n x {join} (SELECT 7 AS k, a.id + b.id * 1000 AS b FROM n a, n b WHERE b.id < 2) y"
                      " ON y.k = IF(x.id < 500, 7, x.id + 1000) AND y.b >= 10")
        assert got == [(str(500 * 1990 + rest).encode(), str(500 * 1990).encode(), str(500 + rest).encode())], (join, got)
    assert rows(w, "SELECT COUNT(*) FROM n x LEFT JOIN none y ON y.v = x.id WHERE y.id IS NULL") == [(b"1000",)]
    assert rows(w, "SELECT COUNT(*) FROM none x LEFT JOIN n y ON x.v = y.id + 1") == [(b"0",)]
    w.quit()
    nothing_left()


def test_join_run_again():
    """A join in a correlated subquery: the right side that stays the same, and the one that does not."""
    both("SELECT a.id, (SELECT COUNT(*) FROM t b JOIN t c ON c.i = b.i WHERE b.id < a.id * 100) FROM t a WHERE a.id < 8")
    both("SELECT a.id, (SELECT SUM(c.id) FROM t b LEFT JOIN (SELECT id, i FROM t) c ON c.i = b.i AND c.id < a.id * 50 WHERE b.id < 500) FROM t a WHERE a.id < 8")
    both("SELECT a.id, (SELECT COUNT(*) FROM t b JOIN t c ON c.i = b.i + a.id AND c.vc > a.vc WHERE b.id < 1000) FROM t a WHERE a.id < 8")


def test_in_subquery():
    """Sets and lists of subqueries that run once; NULLs among them and on the left."""
    for name in TYPES:
        both(f"SELECT COUNT(*), SUM(a.id) FROM t a WHERE a.{name} IN (SELECT {name} FROM t b WHERE b.id % 3 = 1)")
        both(f"SELECT COUNT(*), SUM(a.id) FROM t a WHERE (a.{name} NOT IN (SELECT {name} FROM t b WHERE b.id % 3 = 1 AND {name} IS NOT NULL)) IS TRUE")
        both(f"SELECT COUNT(*), COUNT(a.{name} NOT IN (SELECT {name} FROM t b WHERE b.id % 3 = 1)), SUM(a.{name} = ANY (SELECT {name} FROM t b WHERE b.id % 2 = 1)) FROM t a")
    both("SELECT COUNT(*), SUM(id), COUNT((i, vc) IN (SELECT i, vc FROM t b WHERE b.id % 5 = 1)) FROM t a WHERE (i, vc, dtm) IN (SELECT i, vc, dtm FROM t b WHERE b.id % 50 = 1)")
    both("SELECT COUNT(*), SUM(i > ALL (SELECT i - 900 FROM t b WHERE b.id < 400)), COUNT(i < ANY (SELECT i FROM t b WHERE b.id < 400)), SUM(vc <> ANY (SELECT vc FROM t b WHERE b.id < 400)) FROM t a WHERE id < 300")
    both("SELECT id FROM l WHERE x IN (SELECT x FROM l b WHERE b.id % 2 = 0) AND REVERSE(x) NOT IN (SELECT x FROM l b WHERE b.id % 2 = 1 AND b.n <> 16384)", ordered=False)
    both("SELECT COUNT(*), SUM(id) FROM t WHERE id IN (SELECT CONCAT(i, '') FROM t) AND u NOT IN (SELECT id FROM t)")
    w = session(*SMALL)
    made = "SELECT b.id * 1000 + c.id FROM n b, n c WHERE b.id < 20"  # 0 ... 19,999
    assert rows(w, f"SELECT COUNT(*), SUM(a.id * 37 IN ({made})), SUM(a.id * 37 NOT IN ({made})) FROM n a") == [(b"1000", b"541", b"459")]
    assert rows(w, f"SELECT COUNT(*) FROM n a WHERE a.id IN (SELECT v FROM none) OR a.id > ALL (SELECT v FROM none) AND a.id < 10") == [(b"10",)]
    w.quit()
    nothing_left()


def test_nested_join():
    """A derived table on the right side of a join without equality is kept, in memory and behind that on disk."""
    both("SELECT /*+ JOIN_FIXED_ORDER() NO_MERGE(d) */ a.id, d.i, d.tx, d.dc FROM n a JOIN (SELECT id, i, tx, dc FROM t) d ON d.id < a.id % 7 * 200 AND d.i > a.id WHERE a.id < 20")
    both("SELECT /*+ JOIN_FIXED_ORDER() NO_MERGE(d) */ COUNT(*), COUNT(d.n), SUM(LENGTH(d.x)), SUM(d.id) FROM n a LEFT JOIN (SELECT id, n, x FROM l) d ON d.n > 17000 - a.id * 500 WHERE a.id < 8")
    both("SELECT a.id, (SELECT /*+ JOIN_FIXED_ORDER() NO_MERGE(d) */ SUM(d.id) + COUNT(*) FROM n b JOIN (SELECT id, vc FROM t) d ON d.id < b.id + a.id WHERE b.id < 5) FROM n a WHERE a.id < 5")
    both("SELECT a.id, (SELECT /*+ JOIN_FIXED_ORDER() NO_MERGE(d) */ SUM(d.id) + COUNT(*) FROM n b JOIN (SELECT id, vc FROM t WHERE t.id > a.id) d ON d.id < b.id + 9 WHERE b.id < 5) FROM n a WHERE a.id < 5")
    w = session(*SMALL)
    assert rows(w, "SELECT COUNT(*), SUM(d.s) FROM n a JOIN (SELECT b.id + c.id * 1000 AS s FROM n b, n c WHERE c.id < 10) d ON d.s < a.id WHERE a.id < 100") == [(b"4950", str(sum(k * (k - 1) // 2 for k in range(100))).encode())]
    w.quit()
    nothing_left()


def test_common_table_expressions():
    """Kept for all who read them, in memory and behind that on disk; read twice at once, and again for each row."""
    both("WITH m AS (SELECT * FROM t ORDER BY id LIMIT 1000000) SELECT a.*, b.tx, b.dc, b.dtm FROM m a JOIN m b ON b.id = a.id + 1 ORDER BY a.id")
    both("WITH m AS (SELECT id, n, x FROM l ORDER BY id LIMIT 1000) SELECT a.id, a.x = b.x, LENGTH(b.x) FROM m a JOIN m b ON a.id = b.id ORDER BY a.id")
    both("WITH m AS (SELECT id, i, vc FROM t UNION ALL SELECT id, i, tx FROM t) SELECT n.id, (SELECT COUNT(*) FROM m WHERE m.i > n.id), (SELECT MAX(vc) FROM m WHERE m.id = n.id) FROM n WHERE n.id < 10 ORDER BY n.id")


def test_in_correlated_subqueries():
    """Run again and again, each time with rows on tapes."""
    both("SELECT a.id, (SELECT COUNT(DISTINCT b.i) FROM t b WHERE b.id > a.id * 100), (SELECT b.tx FROM t b WHERE b.id >= a.id ORDER BY b.vc, b.id LIMIT 1) FROM t a WHERE a.id < 10")
    both("SELECT a.id FROM t a WHERE a.id < 10 AND a.id < (SELECT MAX(c) FROM (SELECT 1 AS c) x) + (SELECT COUNT(*) FROM t b WHERE b.id < 500 GROUP BY b.i + a.id, b.vc ORDER BY 1 DESC LIMIT 1)")


def test_found_rows():
    small = session(*SMALL)
    assert len(rows(small, "SELECT SQL_CALC_FOUND_ROWS id, tx FROM t ORDER BY vc, id LIMIT 1000, 100")) == 100
    assert small.value("SELECT FOUND_ROWS()") == str(ROWS)
    small.quit()


def test_counters():
    w = session(*SMALL)
    w.query("FLUSH STATUS")

    def counts():
        return {r[0].decode(): int(r[1]) for r in w.query("SHOW SESSION STATUS WHERE Variable_name LIKE 'Sort%' OR Variable_name LIKE 'Created_tmp%'")}

    first = counts()
    w.query("SELECT id FROM t WHERE id > 10 AND id < 20 ORDER BY vc")  # a range of the primary key
    second = counts()
    assert second["Sort_range"] == first["Sort_range"] + 1 and second["Sort_rows"] == first["Sort_rows"] + 9, (first, second)
    assert second["Sort_merge_passes"] == first["Sort_merge_passes"]
    w.query("SELECT id, tx FROM t ORDER BY vc")
    third = counts()
    assert third["Sort_scan"] == second["Sort_scan"] + 1 and third["Sort_rows"] == second["Sort_rows"] + ROWS, (second, third)
    assert third["Sort_merge_passes"] > second["Sort_merge_passes"]
    w.quit()


def test_memory_stays():
    """What ended with 4082 completes: a sort of thirty times what the connection may take."""
    w = session("SET connection_memory_limit = 4194304")
    assert w.value("SELECT SUM(LENGTH(x)) FROM (SELECT CONCAT(b.id, REPEAT('x', 1200)) AS x FROM n a, n b WHERE a.id < 100 ORDER BY x LIMIT 100000) d") == str(100 * (1000 * 1200 + 2890))
    # Merging holds the keys of its runs, not the rows (12 MB of them).
    w.query("CREATE TABLE long_ (id INT PRIMARY KEY, x LONGTEXT)")
    for i in range(0, 60, 10):
        w.query(f"INSERT INTO long_ SELECT id, REPEAT('y', 200000 + id) FROM n WHERE id >= {i} AND id < {i + 10}")
    w.query("SET connection_memory_limit = 8388608")
    w.query("SET sort_buffer_size = 32768")
    assert w.value("SELECT SUM(LENGTH(x)) FROM (SELECT id, x FROM long_ ORDER BY -id LIMIT 100000) d") == str(60 * 200000 + 1770)
    w.query("DROP TABLE long_")
    w.query("SET connection_memory_limit = 4194304")
    # Under a LIMIT that alone is more than the connection may take, with a buffer that is, too.
    w.query("SET sort_buffer_size = 1000000000")
    assert w.value("SELECT SUM(LENGTH(x)) FROM (SELECT CONCAT(b.id, REPEAT('x', 1200)) AS x FROM n a, n b WHERE a.id < 30 ORDER BY a.id, b.id LIMIT 20000) d") == str(20 * (1000 * 1200 + 2890))
    w.query("SET sort_buffer_size = 262144")
    # Here the connection's limit comes before tmp_table_size (16 MB).
    rows_ = "SELECT CONCAT(a.id, '-', b.id, REPEAT('x', 100)) AS x FROM n a, n b WHERE a.id < 40"
    assert w.value(f"SELECT COUNT(*) FROM (SELECT x, COUNT(*) FROM ({rows_}) r GROUP BY x) d") == "40000"
    assert w.value(f"SELECT COUNT(*) FROM (SELECT DISTINCT x FROM ({rows_}) r) d") == "40000"
    assert w.value(f"SELECT COUNT(DISTINCT x) FROM ({rows_}) r") == "40000"
    assert w.value(f"SELECT COUNT(*) FROM ({rows_} UNION {rows_}) d") == "40000"
    w.quit()
    nothing_left()


BIG = "SELECT REPEAT(a.id, 50) FROM n a, n b ORDER BY b.id, 1"


def test_killed_while_it_writes():
    for what in ("QUERY", "CONNECTION"):
        w = session(*SMALL)
        w.query("SET DEBUG_SYNC = 'tape_page SIGNAL writing WAIT_FOR never TIMEOUT 60'")
        w.send(BIG)
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR writing TIMEOUT 60'")
        assert files() == 1 and os.listdir(tmp) == []
        watch.query(f"KILL {what} {w.id}")
        if what == "QUERY":
            assert w.error() == 1317
            assert w.value("SELECT 'next'") == "next"
            w.query("SET DEBUG_SYNC = 'RESET'")
            w.quit()
        else:
            assert w.error() == 2013
        nothing_left()
    watch.query("SET DEBUG_SYNC = 'RESET'")


def test_max_tmp_disk():
    w = session(*SMALL, "SET max_tmp_disk = 1000000")
    assert w.error(BIG) == 4202
    assert w.query("SHOW ERRORS")[0][2] == b"Statement needs more than max_tmp_disk (1000000) bytes of temporary files"
    w.query("SET max_tmp_disk = 0")
    w.query("SELECT id, tx FROM t ORDER BY vc")
    w.quit()
    nothing_left()


def test_no_tmpdir():
    w = session(*SMALL)
    os.rename(tmp, tmp + ".gone")
    try:
        assert w.error("SELECT id, tx FROM t ORDER BY vc") == 1004
        assert w.value("SELECT 'next'") == "next"
    finally:
        os.rename(tmp + ".gone", tmp)
    w.query("SELECT id, tx FROM t ORDER BY vc")
    w.quit()
    nothing_left()


def close_all():
    watch.close()
    server.__exit__(None, None, None)
    os.rmdir(tmp)


if __name__ == "__main__":
    main(globals())
