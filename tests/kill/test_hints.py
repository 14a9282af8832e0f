# SPDX-License-Identifier: Apache-2.0
"""SET_VAR hints last for one statement, whatever ends it: each statement is killed, or runs into its time limit, or out of memory, at each of
its checkpoints or allocations, and each time the session's variables are what they were; also where the session had values of its own. The
hints' text and their search for names are killable as all else."""
import os

import quell
from harness import main
from sweep import checkpoints, points, run
from wire import Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "9"))
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)

VARIABLES = ("sort_buffer_size", "sql_mode", "optimizer_switch", "time_zone", "unique_checks", "max_error_count", "sql_select_limit", "max_execution_time")
HINTS = ("/*+ SET_VAR(sort_buffer_size = 128K) SET_VAR(sql_mode = 'ANSI') SET_VAR(optimizer_switch = 'mrr=off,semijoin=off') SET_VAR(time_zone = '+03:00') "
         "SET_VAR(unique_checks = 0) SET_VAR(max_error_count = 3) SET_VAR(timestamp = 1000000000) SET_VAR(sql_select_limit = 1000) QB_NAME(q) "
         "INDEX(a g) NO_MRR(b@q) JOIN_PREFIX(b, a) SEMIJOIN(@x FIRSTMATCH) NO_SUCH_HINT(q) */")
STATEMENTS = [f"SELECT {HINTS} a.id, NOW() FROM s.t AS a JOIN s.t AS b ON a.g = b.g WHERE b.id IN (SELECT /*+ QB_NAME(x) */ id FROM s.t) ORDER BY a.v",
              f"UPDATE {HINTS} s.t AS a SET v = CONCAT(v, NOW()) WHERE g = 3",
              f"INSERT {HINTS} INTO s.t SELECT id + 1000, g, v FROM s.t AS a",
              f"DELETE {HINTS} FROM s.t WHERE id > 50"]
ENDS = {"QUERY": 1317, "TIME": 3024}


def setting(w):
    return [w.value(f"SELECT @@{v}") for v in VARIABLES] + [w.value("SELECT ABS(UNIX_TIMESTAMP() - 1000000000) > 100000000")]


def fill(w):
    w.query("DROP TABLE IF EXISTS s.t")
    w.query("CREATE TABLE s.t (id INT PRIMARY KEY, g INT, v VARCHAR(200), KEY g (g))")
    w.query("INSERT INTO s.t VALUES " + ",".join(f"({i}, {i % 7}, 'value {i}')" for i in range(100)))


def sweep(own, statements=STATEMENTS):
    w = Wire(server)
    for s in own:
        w.query(s)
    before = setting(w)
    for sql in statements:
        fill(watch)
        assert run(w, sql) is None
        assert setting(w) == before, sql
        fill(watch)
        assert run(w, sql) is None
        n = checkpoints(w)
        for kind, code in ENDS.items():
            hit = 0
            for i in points(n, MOST):
                if not sql.startswith("SELECT"):
                    fill(watch)
                got = run(w, sql, f"kill_at {i} {kind}")
                hit += got == code
                assert got in (code, None), (sql, i, kind, got)
                assert setting(w) == before, f"{sql}, {kind} at {i} of {n}"
            assert hit > 0, (sql, kind)
    w.quit()


def test_setup():
    watch.query("CREATE DATABASE s")
    fill(watch)


def test_ends_give_values_back():
    sweep([])


def test_the_session_s_own_values_come_back():
    sweep(["SET sort_buffer_size = 65536, sql_mode = 'NO_BACKSLASH_ESCAPES', optimizer_switch = 'index_merge=off', time_zone = '+01:00', sql_select_limit = 7777"], STATEMENTS[:2])


def test_no_memory():
    w = Wire(server)
    w.query("SET sql_mode = 'NO_BACKSLASH_ESCAPES', sort_buffer_size = 65536")
    before = setting(w)
    sql, failed = STATEMENTS[0], 0
    fill(watch)
    assert run(w, sql) is None
    n = int(w.query("SHOW STATUS LIKE 'Quell_last_allocs'")[0][1])
    for i in [*range(1, min(n, 100) + 1), *range(101, n + 1, max(1, n // MOST))]:
        got = run(w, sql, f"fail_alloc_at {i}")
        assert got in (None, 1037, 1041), got
        assert setting(w) == before, f"allocation {i} of {n}"
        failed += got is not None
    assert failed > 20
    w.quit()


def test_many_hints():
    w = Wire(server)
    sql = "SELECT /*+ BKA(" + ", ".join(f"t{i}" for i in range(3_000)) + ") */ 1"
    assert run(w, sql, "kill_at 60 QUERY") == 1317
    for many in ("NO_ICP(t i) ", "SET_VAR(sql_mode = ANSI) ", "QB_NAME(q) ", "JOIN_ORDER(t) ", "BOGUS "):
        w.query("SELECT /*+ " + many * 2_000 + "*/ 1")
    assert w.value("SELECT @@sql_mode") != "ANSI"
    w.quit()


def test_stop():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
