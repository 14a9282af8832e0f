# SPDX-License-Identifier: Apache-2.0
"""Progress reports: error packets with the number 0xFFFF while a statement works, for clients with MariaDB's capability bit 29; the stock
mariadb client sends it when it talks to a terminal (--progress-reports, its default) whatever server it meets, and shows what it gets."""
import os
import pty
import select
import shutil
import subprocess
import time

import quell
from harness import main
from wire import CAPS, Err, Watcher, Wire

PROGRESS = 1 << 29
ROWS = 6000
server = quell.Server()
server.start()
watch = Watcher(server)


def setup():
    watch.query("CREATE DATABASE IF NOT EXISTS p")
    watch.query("DROP TABLE IF EXISTS p.t")
    watch.query("CREATE TABLE p.t (id INT PRIMARY KEY, v INT)")
    watch.query("INSERT INTO p.t VALUES " + ",".join(f"({i}, {i})" for i in range(ROWS)))


def reports(w, sql):
    """[(stage, of, thousandths of a percent, state)] in front of the answer, and the answer's first byte."""
    got = []
    w.send(sql)
    while True:
        p = w.packet()
        if p[:3] != b"\xff\xff\xff":
            return got, p
        assert p[3] == 1, "one text"
        assert len(p) == 10 + p[9]
        got.append((p[4], p[5], int.from_bytes(p[6:9], "little"), p[10:].decode()))


def test_reports():
    """The first one at once, the next after five seconds; numbers of packets go on behind it."""
    w = Wire(server, caps=CAPS | PROGRESS)
    for sql, state in (("ALTER TABLE p.t ADD c INT, ALGORITHM=COPY", "copy to tmp table"), ("CREATE INDEX v ON p.t (v)", "altering table")):
        setup()
        got, answer = reports(w, sql)
        assert answer[0] == 0 and len(got) == 1, (sql, got, answer)
        stage, of, share, text = got[0]
        assert (stage, of, text) == (1, 1, state) and 0 < share <= 100000, got
        assert w.value("SELECT 'next'") == "next"
    setup()
    got, answer = reports(w, "OPTIMIZE TABLE p.t")
    assert len(got) == 1 and answer == b"\4", (got, answer)
    w.close()


def test_errors_and_kills_behind_a_report():
    setup()
    w = Wire(server, caps=CAPS | PROGRESS)
    watch.query("UPDATE p.t SET v = 5 WHERE id = 17")
    got, answer = reports(w, "ALTER TABLE p.t ADD UNIQUE (v)")
    assert len(got) == 1 and Err(answer).code == 1062, answer
    w.query("SET DEBUG_SYNC = 'alter_before_switch SIGNAL copied WAIT_FOR never TIMEOUT 60'")
    w.send("ALTER TABLE p.t ADD INDEX (v)")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR copied'")
    watch.kill(w.id)
    assert w.packet()[:3] == b"\xff\xff\xff"
    assert w.error() == 1317
    assert w.value("SELECT 'next'") == "next"
    w.quit()


def test_who_does_not_ask_gets_none():
    setup()
    w = Wire(server)
    got, answer = reports(w, "ALTER TABLE p.t ADD c INT, ALGORITHM=COPY")
    assert got == [] and answer[0] == 0
    w.quit()


def stock_client(*options):
    """What it shows of an ALTER TABLE that waits, before its end."""
    setup()
    ours, its = pty.openpty()
    client = subprocess.Popen([shutil.which("mariadb"), "--no-defaults", "--skip-ssl", "-uroot", f"-S{server.socket}", *options], stdin=its, stdout=its, stderr=its)
    shown = ""

    def show(until):
        nonlocal shown
        end = time.monotonic() + 60
        while until not in shown and time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65536).decode(errors="replace")
        assert until in shown, shown

    show("]>")
    os.write(ours, b"ALTER TABLE p.t ADD c INT, ALGORITHM=COPY;\n")
    show("Query OK")
    os.write(ours, b"\\q\n")
    client.wait(timeout=60)
    os.close(ours)
    os.close(its)
    return shown


def test_stock_client():
    assert "Stage: 1 of 1 'copy to tmp table'" in stock_client("--progress-reports")
    assert "Stage:" not in stock_client("--skip-progress-reports")


def test_end():
    watch.close()
    assert server.stop() == 0
    server.remove()


if __name__ == "__main__":
    main(globals())
