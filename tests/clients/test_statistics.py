# SPDX-License-Identifier: Apache-2.0
"""Statistics of tables as a DBA sees them: collected by the first query, found again after a restart and after kill -9, refreshed by
themselves when a table has changed, forgotten with their table; what is shown agrees with counts. EXPLAIN's estimates follow."""
import quell
from harness import main
from wire import Watcher

server = quell.Server()
server.start()
w = Watcher(server)
w.query("CREATE DATABASE d")
w.query("USE d")
w.query("CREATE TABLE n (i INT PRIMARY KEY)")
w.query("INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
NUMBERS = "n a JOIN n b JOIN n c JOIN n e"
NUMBER = "a.i + b.i * 10 + c.i * 100 + e.i * 1000"


def again():
    global w
    w = Watcher(server)
    w.query("USE d")


def make(table, rows=10000):
    """id; g: ten values; s: three texts, one of them in nine rows of ten"""
    w.query(f"CREATE TABLE {table} (id INT PRIMARY KEY, g INT, s VARCHAR(20), KEY g (g), KEY gs (g, s))")
    w.query(f"INSERT INTO {table} SELECT {NUMBER}, a.i, IF(b.i > 0, 'often', IF(c.i > 4, 'few', 'some')) FROM {NUMBERS} WHERE {NUMBER} < {rows}")


def cardinality(table):
    """As kept: looked up without making the table interesting to the planner."""
    return {(r[0].decode(), int(r[1])): int(r[2]) for r in w.query(
        f"SELECT INDEX_NAME, SEQ_IN_INDEX, CARDINALITY FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = '{table}'")}


def estimate(sql):
    r = w.query("EXPLAIN " + sql)[0]
    return float(r[9]) * float(r[10]) / 100


def updated(table):
    return w.value(f"SELECT last_update FROM mysql.innodb_table_stats WHERE database_name = 'd' AND table_name = '{table}'")


EXPECTED = {("PRIMARY", 1): 10000, ("g", 1): 10, ("gs", 1): 10, ("gs", 2): 30}


def test_first_query():
    make("first")
    assert abs(estimate("SELECT * FROM first WHERE s = 'often'") - 9000) < 10
    assert abs(estimate("SELECT * FROM first WHERE s = 'few'") - 500) < 10
    assert abs(estimate("SELECT id FROM first WHERE g = 3") - 1000) < 100
    assert cardinality("first") == EXPECTED


def test_shown():
    make("shown")
    w.query("ANALYZE TABLE shown")
    rows = w.query("SELECT index_name, stat_name, stat_value, stat_description FROM mysql.innodb_index_stats WHERE table_name = 'shown' ORDER BY 1, 2")
    assert [(r[0], r[1], int(r[2]), r[3]) for r in rows] == [
        (b"PRIMARY", b"n_diff_pfx01", 10000, b"id"), (b"g", b"n_diff_pfx01", 10, b"g"), (b"g", b"n_diff_pfx02", 10000, b"g,id"),
        (b"gs", b"n_diff_pfx01", 10, b"g"), (b"gs", b"n_diff_pfx02", 30, b"g,s"), (b"gs", b"n_diff_pfx03", 10000, b"g,s,id")], rows
    assert w.value("SELECT n_rows FROM mysql.innodb_table_stats WHERE table_name = 'shown'") == "10000"
    assert w.error("DELETE FROM mysql.innodb_table_stats") != 0
    length = int(w.value("SELECT AVG_ROW_LENGTH FROM information_schema.TABLES WHERE TABLE_NAME = 'shown'"))
    assert 15 < length < 80, length


def test_restart_and_kill9():
    make("kept")
    w.query("ANALYZE TABLE kept")
    when = updated("kept")
    w.query("INSERT INTO kept VALUES (20000, 77, 'new')")  # would be seen by who looks again
    server.stop()
    server.start()
    again()
    assert updated("kept") == when and cardinality("kept") == EXPECTED
    server.kill9()
    server.start()
    again()
    assert updated("kept") == when and cardinality("kept") == EXPECTED
    assert abs(estimate("SELECT * FROM kept WHERE s = 'few'") - 500) < 10


def test_refreshed_in_the_background():
    make("grows")
    w.query("ANALYZE TABLE grows")
    w.query("UPDATE grows SET g = id WHERE id < 1000")  # a tenth, not more
    w.query("SELECT * FROM grows WHERE g = 1")
    assert cardinality("grows")[("g", 1)] == 10
    w.query("UPDATE grows SET g = id WHERE id < 1500")
    quell.until(lambda: cardinality("grows")[("g", 1)] == 1500, what="new statistics")
    w.query("SET GLOBAL innodb_stats_auto_recalc = OFF")
    w.query("UPDATE grows SET g = 1")
    w.query("SELECT COUNT(*) FROM grows WHERE g = 1")
    assert cardinality("grows")[("g", 1)] == 1500
    w.query("SET GLOBAL innodb_stats_auto_recalc = ON")
    quell.until(lambda: cardinality("grows")[("g", 1)] == 1, what="new statistics")


def test_histogram_with_auto_update():
    """Made anew by the thread that refreshes statistics; one without is not. A table that is too large to be read whole."""
    make("risen")
    for _ in range(2):
        w.query("INSERT INTO risen SELECT id + (SELECT MAX(id) FROM risen) + 1, g, s FROM risen")
    w.query("ANALYZE TABLE risen")
    w.query("ANALYZE TABLE risen UPDATE HISTOGRAM ON g WITH 20 BUCKETS AUTO UPDATE")
    w.query("ANALYZE TABLE risen UPDATE HISTOGRAM ON s WITH 20 BUCKETS")

    def histogram(column):
        return w.query(f"SELECT HISTOGRAM FROM information_schema.COLUMN_STATISTICS WHERE TABLE_NAME = 'risen' AND COLUMN_NAME = '{column}'")[0][0]
    was = histogram("g"), histogram("s")
    w.query("UPDATE risen SET g = 77, s = 'x'")
    w.query("SELECT COUNT(*) FROM risen WHERE g = 77")
    quell.until(lambda: histogram("g") != was[0], what="a new histogram")
    assert b"[[77, 1.0]]" in histogram("g"), histogram("g")
    assert b'"auto-update": true' in histogram("g") and b'"number-of-buckets-specified": 20' in histogram("g")
    assert histogram("s") == was[1]


def test_options_of_a_table():
    """STATS_AUTO_RECALC, STATS_PERSISTENT and STATS_SAMPLE_PAGES count more than the variables."""
    make("alone")
    w.query("ALTER TABLE alone STATS_AUTO_RECALC = 0")
    w.query("ANALYZE TABLE alone")
    w.query("UPDATE alone SET g = 1")
    make("other")
    w.query("ANALYZE TABLE other")
    w.query("UPDATE other SET g = 1")
    w.query("SELECT COUNT(*) FROM alone JOIN other USING (id)")
    quell.until(lambda: cardinality("other")[("g", 1)] == 1, what="new statistics")
    assert cardinality("alone")[("g", 1)] == 10
    w.query("SET GLOBAL innodb_stats_auto_recalc = OFF")
    w.query("ALTER TABLE alone STATS_AUTO_RECALC = 1")
    w.query("ANALYZE TABLE alone")
    w.query("UPDATE alone SET g = id")
    w.query("SELECT COUNT(*) FROM alone WHERE g = 1")
    quell.until(lambda: cardinality("alone")[("g", 1)] == 10000, what="new statistics")
    w.query("SET GLOBAL innodb_stats_auto_recalc = ON")
    # what is not written is collected anew, with what has come meanwhile
    w.query("ALTER TABLE other STATS_PERSISTENT = 0")
    for t in ("alone", "other"):
        w.query(f"ANALYZE TABLE {t}")
        w.query(f"INSERT INTO {t} VALUES (20000, -7, 'new')")
    server.stop()
    server.start()
    again()
    assert (cardinality("alone")[("g", 1)], cardinality("other")[("g", 1)]) == (10000, 2)
    # 400 rows a page; a table of up to 20,000 rows is read whole
    w.query("INSERT INTO other SELECT id + 30000, g, s FROM alone")
    w.query("INSERT INTO other SELECT id + 60000, g, s FROM alone")
    sizes = "SELECT MAX(sample_size) FROM mysql.innodb_index_stats WHERE database_name = 'd' AND table_name = 'other'"
    for options, rows in (("STATS_SAMPLE_PAGES = 3", 1200), ("STATS_SAMPLE_PAGES = DEFAULT", 3200), ("STATS_PERSISTENT = 1", 8000)):
        w.query(f"ALTER TABLE other {options}")
        w.query("ANALYZE TABLE other")
        got = int(w.value(sizes))
        assert rows * 0.9 <= got <= rows * 1.1, (options, got)


def test_gone_with_the_table():
    make("gone")
    w.query("ANALYZE TABLE gone")
    w.query("DROP TABLE gone")
    w.query("CREATE TABLE gone (id INT PRIMARY KEY, g INT, KEY g (g))")
    w.query("INSERT INTO gone VALUES (1, 1), (2, 1)")
    assert cardinality("gone") == {("PRIMARY", 1): 2, ("g", 1): 1}
    w.query("ALTER TABLE gone ADD COLUMN h INT DEFAULT 5, ADD KEY h (h)")
    assert cardinality("gone") == {("PRIMARY", 1): 2, ("g", 1): 1, ("h", 1): 1}
    w.query("TRUNCATE gone")
    assert cardinality("gone")[("PRIMARY", 1)] == 0


def test_lists_and_dives():
    make("lists")
    w.query("ANALYZE TABLE lists")
    w.query("INSERT INTO lists SELECT id + 30000, 50, s FROM lists WHERE id < 900")  # less than a tenth: only a dive knows
    assert abs(estimate("SELECT id FROM lists FORCE INDEX (g) WHERE g IN (50, 51)") - 900) < 90
    w.query("SET eq_range_index_dive_limit = 2")
    assert estimate("SELECT id FROM lists FORCE INDEX (g) WHERE g IN (50, 51)") < 500
    w.query("SET eq_range_index_dive_limit = DEFAULT")


def close_all():
    w.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
