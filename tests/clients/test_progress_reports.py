# SPDX-License-Identifier: Apache-2.0
"""Progress reports: error packets with the number 0xFFFF while a statement works, for clients with MariaDB's capability bit 29; the stock
mariadb client sends it when it talks to a terminal (--progress-reports, its default) whatever server it meets, and shows what it gets."""
import os
import pty
import select
import shutil
import subprocess
import tempfile
import time

import quell
from harness import main
from wire import CAPS, Err, Watcher, Wire

PROGRESS = 1 << 29
ROWS = 6000
server = quell.Server(args=["--secure-file-priv="])
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


def test_load_data():
    """Bytes of the file: what stands in rows when the next block is read."""
    setup()
    block = 128 * 1024
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write("".join(f"{ROWS + i:012}\t{i:011}\n" for i in range(5 * block // 25)))
        f.flush()
        os.chmod(f.name, 0o644)
        size = os.stat(f.name).st_size
        holder, w = Wire(server), Wire(server, caps=CAPS | PROGRESS)
        holder.query("BEGIN")
        holder.query(f"INSERT INTO p.t VALUES ({ROWS + (2 * block + block // 2) // 25}, 0)")  # in the third block
        w.send(f"LOAD DATA INFILE '{f.name}' INTO TABLE p.t")
        watch.until_state(w.id, "Waiting for row lock")
        got = watch.query(f"SELECT PROGRESS FROM information_schema.PROCESSLIST WHERE ID = {w.id}")
        assert got == [(str(100 * 2 * block // size).encode(),)], got
        got = watch.query(f"SELECT WORK_COMPLETED, WORK_ESTIMATED FROM performance_schema.events_stages_current WHERE THREAD_ID = {w.id}")
        assert got == [(str(2 * block).encode(), str(size).encode())], got
        p = w.packet()
        assert p[:3] == b"\xff\xff\xff" and int.from_bytes(p[6:9], "little") == 100000 * block // size and p[10:] == b"executing", p
        holder.query("ROLLBACK")
        assert w.packet()[0] == 0
        assert w.value("SELECT COUNT(*) FROM p.t") == str(ROWS + 5 * block // 25)
        w.quit()
        holder.quit()


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
