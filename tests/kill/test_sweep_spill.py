# SPDX-License-Identifier: Apache-2.0
"""The kill sweep (see test_sweep.py) over statements that spill: with the smallest buffers, sorts, groups, distinct rows and joins of a few
hundred rows go to temporary files. Killed at each checkpoint, or told that memory is out: that error or success, the next statement works, no
temporary file, no byte of one, no arena is left."""
import os
import pathlib
import tempfile

tmp = tempfile.mkdtemp(prefix="quell-tmp-")
os.environ["QUELL_SWEEP_ARGS"] = f"--sort-buffer-size=32768 --tmp-table-size=1024 --join-buffer-size=128 --tmpdir={tmp}"
import test_sweep as sweep  # noqa: E402
from harness import main  # noqa: E402

server, watch = sweep.server, sweep.watch
SPILLING = [
    "SELECT a.*, b.n FROM s.a, s.b WHERE b.id < 5 ORDER BY v DESC, n",
    "SELECT * FROM s.a ORDER BY REPEAT(v, 400)",
    "SELECT REPEAT(v, 2000) FROM s.a ORDER BY 1 DESC LIMIT 100",
    "SELECT SQL_CALC_FOUND_ROWS id FROM s.a, (SELECT 1 UNION ALL SELECT 2) x ORDER BY REPEAT(v, 200), id LIMIT 200, 50",
    "SELECT v, COUNT(*), SUM(d), MIN(v), MAX(CONCAT(v, 'x')), GROUP_CONCAT(id), AVG(DISTINCT d) FROM s.a GROUP BY v, d",
    "SELECT COUNT(DISTINCT v, d), SUM(DISTINCT id), GROUP_CONCAT(DISTINCT v ORDER BY id) FROM s.a",
    "SELECT g, COUNT(DISTINCT v) FROM s.a GROUP BY g HAVING COUNT(*) > 1",
    "SELECT g, COUNT(DISTINCT id), SUM(DISTINCT id + 1) FROM s.a GROUP BY g ORDER BY g",
    "SELECT DISTINCT v, REPEAT(v, 20) FROM s.a",
    "SELECT DISTINCT v FROM s.a IGNORE INDEX (v) ORDER BY v",
    "SELECT v FROM s.a UNION SELECT CONCAT(v, id % 2) FROM s.a UNION ALL SELECT t FROM s.b",
    "SELECT /*+ HASH_JOIN(a, x) */ a.id, x.v FROM s.a JOIN s.a x ON x.v = a.v",
    "SELECT COUNT(*), SUM(LENGTH(x.v)) FROM s.a LEFT JOIN s.a x ON x.g = a.g + 3 AND x.d < 30",
    "SELECT COUNT(*) FROM s.a WHERE EXISTS (SELECT 1 FROM s.a x WHERE CONCAT(x.v, '') = CONCAT(a.v, '') AND x.d < a.d + 100)",
    "SELECT COUNT(*) FROM s.a WHERE NOT EXISTS (SELECT 1 FROM s.a x WHERE x.g = a.g + 3 AND x.v > a.v)",
    "SELECT STRAIGHT_JOIN COUNT(*) FROM s.b JOIN s.a x ON x.v = CONCAT('value ', b.id) JOIN s.a y ON y.d = x.d LEFT JOIN s.b z ON z.n = b.n",
    "SELECT id, (SELECT COUNT(*) FROM s.a x JOIN s.b y ON y.n = x.d + 0.375 WHERE x.id < a.id * 100) FROM s.a WHERE id < 5",
    "SELECT COUNT(*), SUM(LENGTH(d.w)) FROM s.b LEFT JOIN (SELECT id, CONCAT(v, 'w') AS w FROM s.a) d ON d.id < b.n WHERE b.id < 7",
    "SELECT id FROM s.a WHERE CONCAT(v, id) IN (SELECT CONCAT(x.v, x.id + y.id) FROM s.a x, s.b y WHERE y.id < 3) AND (id, v) IN (SELECT id, v FROM s.a) AND id < 100",
    "SELECT id FROM s.a WHERE d > ALL (SELECT n FROM s.b WHERE n < 90) OR v < ANY (SELECT CONCAT(t, v) FROM s.b, s.a x WHERE b.id < 2)",
    "SELECT id, (SELECT COUNT(DISTINCT n) FROM s.b WHERE b.id < a.id % 50) FROM s.a WHERE id < 80",
]
sweep.READS, sweep.WRITES = SPILLING, []


def files():
    found = []
    for f in pathlib.Path(f"/proc/{server.proc.pid}/fd").iterdir():
        try:
            found += [os.readlink(f)] if tmp in os.readlink(f) else []
        except FileNotFoundError:  # closed meanwhile
            pass
    return found


def nothing_left():
    sweep.quell.until(lambda: files() == [], what="temporary files gone")
    assert watch.status("Quell_tmp_disk_bytes")["Quell_tmp_disk_bytes"] == "0"


def test_setup():
    watch.query("CREATE DATABASE s")
    sweep.prepare_setups()
    sweep.reset()
    w = sweep.Wire(server)
    for sql in SPILLING:
        before = int(watch.status("Created_tmp_files")["Created_tmp_files"])
        w.query(sql)
        assert int(watch.status("Created_tmp_files")["Created_tmp_files"]) > before, f"{sql} does not spill"
    w.quit()


def test_kill_query():
    sweep.sweep_all("QUERY", sweep.KINDS["QUERY"])
    nothing_left()


def test_kill_connection():
    sweep.sweep_all("CONNECTION", sweep.KINDS["CONNECTION"])
    nothing_left()


def test_client_gone():
    sweep.sweep_all("GONE", sweep.KINDS["GONE"])
    nothing_left()


def test_failing_allocations():
    sweep.sweep_all("ALLOC", {1037, 1041}, "fail_alloc_at {i}")
    nothing_left()


def test_checkpoint_gap():
    sweep.test_checkpoint_gap()


def close_all():
    sweep.close_all()
    os.rmdir(tmp)


if __name__ == "__main__":
    main(globals())
