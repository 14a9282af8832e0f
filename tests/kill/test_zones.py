# SPDX-License-Identifier: Apache-2.0
"""Statements that wait for the time zone database to be looked through, which takes long here (directories that lead back into themselves): killed, they end
at once with 1317, others go on meanwhile, and what is asked next is answered rightly."""
import pathlib
import shutil
import tempfile
import threading
import time

import pymysql
import quell
from harness import main

FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="quell-maze-"))
WAITS = "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for library' AND ID = {}"


def make_maze(doors):
    shutil.copy("/usr/share/zoneinfo/Europe/Berlin", FOLDER / "Berlin")
    (FOLDER / "maze").mkdir()
    for i in range(doors):
        (FOLDER / "maze" / f"door{i}").symlink_to(FOLDER / "maze")


class Statement(threading.Thread):
    def __init__(self, server, sql):
        super().__init__()
        self.c = server.connect()
        self.id, self.sql, self.error, self.rows = self.c.thread_id(), sql, None, None
        self.start()

    def run(self):
        try:
            with self.c.cursor() as cur:
                cur.execute(self.sql)
                self.rows = cur.fetchall()
        except pymysql.MySQLError as e:
            self.error = e.args[0]
        self.ended = time.monotonic()


def test_killed_while_looking():
    make_maze(28)
    with quell.Server(env={"TZDIR": str(FOLDER), "TZ": "UTC"}) as server, server.connect() as c, c.cursor() as cur:
        for sql in ("SET time_zone = 'Berlin'", "SELECT CONVERT_TZ('2020-07-01', 'UTC', 'Berlin')", "SELECT COUNT(*) FROM mysql.time_zone_name"):
            s = Statement(server, sql)
            quell.until(lambda: cur.execute(WAITS.format(s.id)) or s.ident is None or not s.is_alive(), what="the wait")
            assert s.is_alive(), "the directory was looked through too fast"
            cur.execute("SELECT NOW(), CONVERT_TZ(NOW(), '+01:00', 'SYSTEM')")  # others are not held up
            killed = time.monotonic()
            cur.execute(f"KILL QUERY {s.id}")
            s.join(10)
            assert s.error == 1317 and s.ended - killed < 0.2, (sql, s.error, s.ended - killed)
            with s.c.cursor() as again:
                again.execute("SELECT @@time_zone")
                assert again.fetchone() == ("SYSTEM",)
            s.c.close()
        both = [Statement(server, "SELECT CONVERT_TZ('2020-07-01', 'UTC', 'Berlin')") for _ in range(3)]  # at once: each looks, one list is kept
        for s in both:
            s.join(60)
            assert str(s.rows[0][0]) == "2020-07-01 02:00:00", (s.rows, s.error)
            s.c.close()
        cur.execute("SET time_zone = 'berlin'")
        cur.execute("SELECT @@time_zone")
        assert cur.fetchone() == ("Berlin",)


def close_all():
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main(globals())
