# SPDX-License-Identifier: Apache-2.0
"""Planning is killed like anything else: while a large table is sampled, by ANALYZE TABLE or by the first statement that uses it, while a
histogram is made, while the order of many joins is looked for, while an OR becomes ranges. Nothing is left, the statistics that were there
stay, and the next statement works."""
import os

import quell
from harness import main
from sweep import checkpoints, points, run
from wire import Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "30"))
ROWS = 24_000  # more than are read whole: it is sampled
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--innodb-stats-auto-recalc=0"])
server.start()
watch = Watcher(server)
ENDS = {"QUERY": 1317, "TIME": 3024}


def test_setup():
    watch.query("CREATE DATABASE s")
    watch.query("CREATE TABLE s.ten (i INT PRIMARY KEY)")
    watch.query("INSERT INTO s.ten VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
    watch.query("CREATE TABLE s.big (id INT PRIMARY KEY, g INT, v VARCHAR(40), KEY g (g), KEY v (v))")
    watch.query(f"INSERT INTO s.big SELECT n, n % 50, CONCAT('value ', n % 1000) FROM (SELECT a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i AS n "
                f"FROM s.ten a, s.ten b, s.ten c, s.ten d, s.ten e) q WHERE n < {ROWS}")


def known():
    return watch.query("SELECT n_rows FROM mysql.innodb_table_stats WHERE table_name = 'big'"), watch.query(
        "SELECT COUNT(*) FROM information_schema.COLUMN_STATISTICS WHERE TABLE_NAME = 'big'")


def completes(w, sql):
    """ANALYZE answers a kill in rows, once it has a table in work."""
    try:
        return b"error" not in [r[2] for r in w.query(sql)]
    except Err as e:
        assert e.code == 1317
        return False


def sweep(sql, before=None, after=None, most=MOST):
    """Kills at some of its checkpoints; how many hit. before: run in front of each; after: what holds behind each that was killed."""
    w = Wire(server)
    if before:
        watch.query(before)
    assert run(w, sql) is None, sql
    if before:
        watch.query(before)
        assert run(w, sql) is None, sql
    n = checkpoints(w)
    for kind, code in ENDS.items():
        hit = 0
        for i in points(n, most):
            if before:
                watch.query(before)
            got = run(w, sql, f"kill_at {i} {kind}")
            assert got in (code, None), (sql, kind, i, got)
            hit += got == code
            if got == code and after:
                after()
            assert w.value("SELECT 'next'") == "next", sql
        assert hit > most // 3, f"{sql}: {hit} of {n} by {kind}"
    w.quit()
    watch.until_calm()


def test_analyze_of_a_large_table():
    watch.query("ANALYZE TABLE s.big")
    was = known()
    assert abs(int(was[0][0][0]) - ROWS) < ROWS / 20, was
    w = Wire(server)
    w.query("ANALYZE TABLE s.big")
    n = checkpoints(w)
    hit = 0
    for i in points(n, MOST):  # it answers in rows
        w.query(f"SET DEBUG_SYNC = 'kill_at {i} QUERY'")
        hit += not completes(w, "ANALYZE TABLE s.big")
        assert known() == was
    assert hit > MOST // 3
    w.quit()
    watch.until_calm()


def test_bounds():
    """While a skip scan goes from group to group, and while patterns become ranges."""
    skip = "SELECT /*+ SKIP_SCAN(big g) INDEX(big g) */ COUNT(*) FROM s.big WHERE id BETWEEN 100 AND 300"
    assert "skip scan" in watch.query("EXPLAIN FORMAT=TREE " + skip)[0][0].decode()
    sweep(skip)
    sweep("SELECT COUNT(*) FROM s.big WHERE v LIKE 'value 1%' OR v LIKE 'VALUE 22%' OR v LIKE 'value 333' OR v LIKE 'v%9_'")


def test_histogram():
    w = Wire(server)
    w.query("ANALYZE TABLE s.big UPDATE HISTOGRAM ON v WITH 8 BUCKETS")
    assert known()[1] == [(b"1",)]
    n = checkpoints(w)
    for i in points(n, MOST):
        w.query("ANALYZE TABLE s.big DROP HISTOGRAM ON v")
        w.query(f"SET DEBUG_SYNC = 'kill_at {i} QUERY'")
        done = completes(w, "ANALYZE TABLE s.big UPDATE HISTOGRAM ON v WITH 8 BUCKETS")
        assert known()[1] == [(b"1" if done else b"0",)], i
    w.quit()
    watch.until_calm()


def test_histogram_made_again():
    """ANALYZE TABLE makes one with AUTO UPDATE anew: killed, the column has the old one or the new one."""
    w = Wire(server)
    w.query("ANALYZE TABLE s.big UPDATE HISTOGRAM ON v WITH 8 BUCKETS AUTO UPDATE")
    w.query("ANALYZE TABLE s.big")
    n = checkpoints(w)
    for i in points(n, MOST):
        w.query(f"SET DEBUG_SYNC = 'kill_at {i} QUERY'")
        completes(w, "ANALYZE TABLE s.big")
        assert known()[1] == [(b"1",)], i
    w.query("ANALYZE TABLE s.big DROP HISTOGRAM ON v")
    w.quit()
    watch.until_calm()


def test_first_use_of_a_large_table():
    """A new definition knows nothing of its values: the statement samples them."""
    def usable():
        assert watch.query("SELECT COUNT(*) FROM s.big WHERE g = 7") == [(str(ROWS // 50).encode(),)]

    sweep("SELECT COUNT(*) FROM s.big WHERE g = 7 AND v LIKE 'value 1%'", before="ALTER TABLE s.big COMMENT = 'new', ALGORITHM = INSTANT", after=usable, most=12)


def test_join_orders():
    tables = "abcdefghij"
    pairs = " AND ".join(f"{x}.g = {y}.g" for k, x in enumerate(tables) for y in tables[:k])
    sweep("EXPLAIN SELECT 1 FROM " + ", ".join(f"s.big AS {t}" for t in tables) + " WHERE " + pairs)
    many = [f"t{i}" for i in range(15)]  # more than are tried in every order
    pairs = " AND ".join(f"{x}.g = {y}.g" for k, x in enumerate(many) for y in many[:k])
    sweep("EXPLAIN SELECT 1 FROM " + ", ".join(f"s.big AS {t}" for t in many) + " WHERE " + pairs)


def test_ranges():
    ors = " OR ".join(f"(g = {i % 50} AND v > 'value {i}')" for i in range(100))
    sweep(f"EXPLAIN SELECT * FROM s.big WHERE {ors}", most=12)
    rows = ", ".join(f"({i % 50}, 'value {i}')" for i in range(200))
    sweep(f"EXPLAIN SELECT * FROM s.big WHERE (g, v) IN ({rows})", most=12)


def test_index_merge_and_groups():
    sweep("SELECT id FROM s.big WHERE g = 7 OR v = 'value 33'")
    sweep("SELECT DISTINCT g FROM s.big")
    sweep("SELECT g, COUNT(*) FROM s.big GROUP BY g LIMIT 5")
    sweep("SELECT COUNT(*) FROM s.ten WHERE i IN (SELECT g FROM s.big WHERE id < 500)")


def test_common_table_expressions():
    """Computed once for two readers; in memory, and with next to none."""
    m = "WITH m AS (SELECT id, g, v FROM s.big ORDER BY id LIMIT 100000) "
    sweep(m + "SELECT COUNT(*) FROM m a JOIN m b ON a.id = b.id")
    sweep(m + "SELECT /*+ SET_VAR(tmp_table_size = 16384) */ COUNT(*) FROM m a JOIN m b ON a.id = b.id")


def plan_of(sql):
    w = Wire(server)
    text = w.query("EXPLAIN FORMAT=TREE " + sql)[0][0].decode()
    w.quit()
    return text


def test_look_ups_together():
    """Rows behind entries, conditions on entries, and the look-ups of joins, each batch at its checkpoints."""
    no_hash = "/*+ NO_HASH_JOIN(y) */ STRAIGHT_JOIN"
    for sql, shape in {
            "SELECT COUNT(v) FROM s.big FORCE INDEX (g) WHERE g < 9": "Index range scan on big using g",
            "SELECT COUNT(v) FROM s.big FORCE INDEX (g) WHERE g BETWEEN 3 AND 30 AND id % 5 = 0": "with index condition: ((big.id % 5) = 0)",
            f"SELECT {no_hash} COUNT(y.v) FROM s.big x JOIN s.big y ON y.id = x.g WHERE x.id < 3000": "Single-row index lookup on y using PRIMARY",
            f"SELECT {no_hash} COUNT(y.v) FROM s.ten x JOIN s.big y FORCE INDEX (g) ON y.g = x.i AND y.id % 2 = 0": "Index lookup on y using g",
            f"SELECT {no_hash} COUNT(y.v) FROM s.big x LEFT JOIN s.big y ON y.id = x.id + 23000 AND y.v > 'value 5' WHERE x.id < 3000": "Nested loop left join",
            "SELECT COUNT(*) FROM s.ten x JOIN s.big y ON y.g = x.i OR y.v = CONCAT('value ', x.i) WHERE x.i < 4": "Deduplicate rows sorted by row ID"}.items():
        assert shape in plan_of(sql), (sql, plan_of(sql))
        sweep(sql, most=12)


def test_stop():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
