# SPDX-License-Identifier: Apache-2.0
"""The how-to of terminating a session, played with the stock mariadb client: list, KILL QUERY, the session lives, KILL CONNECTION, it is gone.
And Ctrl-C in that client, under a terminal."""
import os
import pty
import re
import select
import signal
import subprocess
import time

import quell
from harness import main

server = quell.Server()
server.start()


def sql(text, user="root", password=None, ok=True):
    cmd = ["mariadb", "--no-defaults", "-u", user, f"--socket={server.socket}", "--table"]
    if password:
        cmd.append(f"-p{password}")
    r = subprocess.run(cmd, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    if ok:
        assert r.returncode == 0, r.stdout
    return r.stdout


class Session:
    """An interactive mariadb client on a terminal of its own."""

    def __init__(self, user="root", password=None, *more):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            args = ["mariadb", "--no-defaults", "-u", user, f"--socket={server.socket}", "--prompt=ready> ", *more]
            if password:
                args.append(f"-p{password}")
            os.environ["TERM"] = "dumb"
            os.execvp("mariadb", args)
        self.text = ""
        self.wait("ready> ")

    def wait(self, what, seconds=30):
        """Read until `what` has come since the last wait; returns what came before it."""
        end = time.monotonic() + seconds
        while what not in self.text:
            left = end - time.monotonic()
            assert left > 0, f"{what!r} did not come; there is: {self.text[-2000:]}"
            r, _, _ = select.select([self.fd], [], [], left)
            if r:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                assert data, f"the client ended; {what!r} did not come: {self.text[-2000:]}"
                self.text += data.decode(errors="replace")
        before, self.text = self.text.split(what, 1)
        return before

    def send(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def ask(self, line):
        self.send(line)
        return self.wait("ready> ")

    def close(self):
        os.close(self.fd)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)


def rows(where):
    return server.query("SELECT ID, COMMAND, STATE, INFO FROM information_schema.PROCESSLIST WHERE " + where)


def running(user):
    return quell.until(lambda: rows(f"USER='{user}' AND COMMAND='Query' AND STATE='User sleep'"), what=f"{user} sleeping in a query")[0]


def test_transcript():
    sql("CREATE USER app_user@localhost IDENTIFIED BY 'secret'")
    app = Session("app_user", "secret")
    app.send("SELECT SLEEP(300);")
    victim = running("app_user")
    listing = sql("SHOW FULL PROCESSLIST;")
    header = next(x for x in listing.splitlines() if x.startswith("| Id"))
    assert [c.strip() for c in header.strip("|").split("|")] == ["Id", "User", "Host", "db", "Command", "Time", "State", "Info"], header
    line = next(x for x in listing.splitlines() if "app_user" in x)
    cells = [c.strip() for c in line.strip("|").split("|")]
    assert cells[0] == str(victim[0]) and cells[2] == "localhost" and cells[3] == "NULL", cells
    assert cells[4] == "Query" and cells[6] == "User sleep" and cells[7] == "SELECT SLEEP(300)", cells
    own = next(x for x in listing.splitlines() if "SHOW FULL PROCESSLIST" in x)
    assert "| Query " in own, own

    root = Session("root")
    out = root.ask(f"KILL QUERY {victim[0]};")
    assert re.search(r"Query OK, 0 rows affected", out), out
    out = app.wait("ready> ")
    assert "ERROR 1317 (70100)" in out and "Query execution was interrupted" in out, out
    listing = sql("SHOW PROCESSLIST;")
    line = next(x for x in listing.splitlines() if "app_user" in x)
    cells = [c.strip() for c in line.strip("|").split("|")]
    assert cells[0] == str(victim[0]) and cells[4] == "Sleep" and cells[6] == "" and cells[7] == "NULL", cells
    out = app.ask("SELECT 'still here';")
    assert "still here" in out and "ERROR" not in out, out

    out = root.ask(f"KILL CONNECTION {victim[0]};")
    assert "Query OK, 0 rows affected" in out, out
    quell.until(lambda: not rows("USER='app_user'"), what="the row of app_user gone")
    assert "app_user" not in sql("SHOW PROCESSLIST;")
    out = app.ask("SELECT 1;")  # the client reconnects by itself and says so
    assert "ERROR 2006" in out or "ERROR 2013" in out or "Lost connection" in out or "gone away" in out, out
    app.close()
    root.close()


def test_width_of_the_list():
    """A column that can be NULL is at least as wide as the word; Id and Time are not, so they are as wide as what stands in them."""
    lines = sql("SHOW PROCESSLIST").splitlines()
    assert re.match(r"\+-{4,}\+", lines[0]), lines
    head, cells = lines[1].split("|")[1:-1], [line.split("|")[1:-1] for line in lines[3:-1]]
    for name in ("Id", "Time"):
        i = [h.strip() for h in head].index(name)
        assert len(head[i]) == max(len(r[i].strip()) for r in (head, *cells)) + 2, (name, lines)
    i = [h.strip() for h in head].index("db")
    assert len(head[i]) >= len(" NULL "), lines


def test_plain_kill_while_running():
    app = Session("root", None, "--skip-reconnect")
    app.send("SELECT SLEEP(301);")
    victim = quell.until(lambda: rows("INFO='SELECT SLEEP(301)' AND STATE='User sleep'"))[0]
    sql(f"KILL {victim[0]};")
    out = app.wait("ready> ")
    assert "ERROR 2013 (HY000)" in out and "Lost connection" in out, out
    app.close()


def test_ctrl_c_kills_the_query_and_only_it():
    app = Session("root")
    app.send("SELECT SLEEP(302);")
    quell.until(lambda: rows("INFO='SELECT SLEEP(302)' AND STATE='User sleep'"), what="the query running")
    os.write(app.fd, b"\x03")
    out = app.wait("ready> ")
    assert "query killed" in out or "query aborted" in out, out
    assert "1317" in out, out
    out = app.ask("SELECT CONCAT('al', 'ive');")
    assert "alive" in out and "ERROR" not in out, out
    out = app.ask("SELECT SLEEP(0.01);")
    assert "ERROR" not in out, out
    app.close()


def test_ctrl_c_in_a_long_join():
    sql("CREATE DATABASE cc; CREATE TABLE cc.t (a INT PRIMARY KEY); INSERT INTO cc.t VALUES " + ",".join(f"({i})" for i in range(2000)))
    app = Session("root")
    app.send("SELECT COUNT(*) FROM cc.t a, cc.t b, cc.t c WHERE a.a + b.a + c.a < 0;")
    quell.until(lambda: rows("INFO LIKE 'SELECT COUNT(*) FROM cc.t%' AND COMMAND='Query'"), what="the join running")
    os.write(app.fd, b"\x03")
    out = app.wait("ready> ")
    assert "1317" in out, out
    app.close()


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
