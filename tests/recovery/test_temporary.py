#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Temporary tables do not outlive the server: killed or stopped with many of them open it comes back without them, their space is given back, and
tables made at once afterwards keep their rows. The log does not complain; the data directory is whole."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import quell  # noqa: E402
from harness import main  # noqa: E402
from wire import Watcher, Wire  # noqa: E402

ROWS = 3000


def check(server):
    r = subprocess.run([server.binary, "--check-data", f"--datadir={server.datadir}"], env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True)
    assert r.returncode == 0 and "No damage found" in r.stdout, r.stdout


def status(w, name):
    return int(w.status(name)[name])


def fill(w, name):
    w.query(f"CREATE TEMPORARY TABLE s.{name} (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100), KEY (v))")
    w.query(f"INSERT INTO s.{name} (v) VALUES " + ",".join(f"('{name} {i}')" for i in range(ROWS)))


def lines(server):
    return [line for line in server.log_text().splitlines() if "Warning" in line or "ERROR" in line.upper()]


def test_they_do_not_come_back():
    server = quell.Server()
    server.start()
    w = Watcher(server)
    w.query("CREATE DATABASE s")
    w.query("CREATE TABLE s.kept (a INT PRIMARY KEY)")
    w.query("INSERT INTO s.kept VALUES (1)")
    w.close()
    said = None
    for how in ("kill9", "kill9", "stop", "kill9", "stop"):
        w = Watcher(server)
        quell.until(lambda: status(w, "Quell_temporary_tables") == 0, what="what the last server left is gone")
        entries = status(w, "Quell_kv_entries")
        sessions = [Wire(server) for _ in range(3)]
        for i, c in enumerate(sessions):
            fill(c, "x")
            fill(c, f"own{i}")
            c.query("ALTER TABLE s.x ADD KEY (v, id)")
            c.query("BEGIN")
            c.query("DELETE FROM s.x WHERE id > 10")
        sessions[0].query("COMMIT")
        sessions[1].query("UPDATE s.kept SET a = a + 1")
        sessions[1].query("COMMIT")
        if how == "stop":  # their rows are in the data file, not in the redo log alone
            quell.until(lambda: status(w, "Quell_kv_entries") > entries + 3 * ROWS, what="all rows in the data file")
        getattr(server, how)()
        for c in sessions:
            c.close()
        w.close()
        if how == "stop":
            check(server)
        server.start()
        # at once, while the old rows are still being deleted
        w = Watcher(server)
        assert [r[0] for r in w.query("SHOW TABLES FROM s")] == [b"kept"]
        assert w.error("SELECT * FROM s.x") == 1146
        with Wire(server) as c:
            fill(c, "x")
            quell.until(lambda: status(w, "Quell_temporary_tables") <= 1, what="what the last server left is gone")
            assert c.value("SELECT COUNT(*) FROM s.x") == str(ROWS)
            assert c.query("CHECK TABLE s.x")[0][3] == b"OK"
        quell.until(lambda: status(w, "Quell_temporary_tables") == 0, what="the new one is gone, too")
        quell.until(lambda: status(w, "Quell_kv_entries") <= entries + 10, what=f"entries {status(w, 'Quell_kv_entries')} as before ({entries})")
        said = said if said is not None else lines(server)
        assert lines(server) == said, server.log_text()
        w.close()
    assert server.query("SELECT a FROM s.kept") == ((6,),)
    server.stop()
    check(server)
    server.remove()


if __name__ == "__main__":
    main(globals())
