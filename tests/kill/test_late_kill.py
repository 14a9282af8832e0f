# SPDX-License-Identifier: Apache-2.0
"""KILL QUERY as the first command of a connection: what a client's Ctrl-C sends. A late one spares the next statement; everything else that
looks like it kills (KILL.md section 6). What the stock client sends is sent here byte by byte, so that it can be held between its steps."""
import os
import pty
import signal
import subprocess
import time

import pymysql
import quell
from harness import Skip, main
from wire import MULTI_STATEMENTS, Watcher, Wire

CLIENT = {"_client_name": "libmariadb", "_pid": "4711", "program_name": "mysql"}
ROUNDS = int(os.environ.get("QUELL_LATE_KILLS", "1000"))

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)


def counters():
    got = watch.status("Quell_kills_%")
    return int(got["Quell_kills_spared"]), int(got["Quell_kills_idle"])


def begin(victim, sql="SELECT SLEEP(1000)"):
    victim.send(sql)
    watch.until_state(victim.id, "User sleep")


def end(victim):
    """The running statement ends in another way."""
    watch.kill(victim.id)
    assert victim.error() == 1317


def late(victim, **kw):
    """A killer that was accepted while a statement ran which has ended since; another one runs now."""
    begin(victim)
    killer = Wire(server, **{"attrs": CLIENT, **kw})
    end(victim)
    begin(victim, "SELECT SLEEP(1000), 'later'")
    return killer


def spares(killer, victim, what=None):
    assert killer.query(what or f"KILL QUERY {victim.id}") == 0
    assert killer.warnings == 1
    assert watch.state(victim.id) == ("Query", "User sleep"), "a late Ctrl-C has hit the next statement"


def kills(killer, victim, what=None):
    killer.query(what or f"KILL QUERY {victim.id}")
    assert killer.warnings == 0
    assert victim.error() == 1317
    killer.quit()


def test_a_thousand_late_ones():
    victim = Wire(server, attrs=CLIENT)
    spared, idle = counters()
    begin(victim)
    for _ in range(ROUNDS):
        killer = Wire(server, attrs=CLIENT)
        end(victim)
        begin(victim)
        killer.query(f"KILL QUERY {victim.id}")
        killer.quit()
    assert watch.state(victim.id) == ("Query", "User sleep"), "a late Ctrl-C has hit the next statement"
    end(victim)
    assert counters() == (spared + ROUNDS, idle)
    victim.quit()
    watch.until_calm()


def test_what_it_says():
    victim = Wire(server, attrs=CLIENT)
    killer = late(victim)
    killer.send(f"KILL QUERY {victim.id}")
    ok = killer.packet()
    text = f"connection {victim.id} runs a later statement"
    assert ok[0] == 0 and f"Nothing killed: {text}".encode() in ok
    assert killer.query("SHOW WARNINGS") == [(b"Warning", b"4211", f"KILL QUERY came too late: {text}, which was spared".encode())]
    kills(killer, victim)  # no longer its first command: this one is meant
    victim.quit()
    watch.until_calm()


def test_many_statements_later():
    """The statement it was meant for need not be the one before."""
    victim = Wire(server, attrs=CLIENT)
    begin(victim)
    killer = Wire(server, attrs=CLIENT)
    end(victim)
    for i in range(50):
        assert victim.value(f"SELECT {i}") == str(i)
        if i % 10 == 0:
            Wire(server).quit()
    begin(victim)
    spares(killer, victim)
    end(victim)
    victim.quit()
    killer.quit()
    watch.until_calm()


def test_no_attributes():
    """Drivers that send none are told apart by account and address alone."""
    for ours, theirs in ((None, None), (CLIENT, None), (None, CLIENT)):
        victim = Wire(server, attrs=ours)
        killer = late(victim, attrs=theirs)
        spares(killer, victim)
        end(victim)
        victim.quit()
        killer.quit()
    watch.until_calm()


def test_another_account_address_or_process():
    watch.query("CREATE USER admin IDENTIFIED BY ''")
    watch.query("GRANT SUPER, CONNECTION_ADMIN, SYSTEM_USER ON *.* TO admin")
    watch.query("CREATE USER admin@'127.0.0.1' IDENTIFIED BY ''")
    watch.query("GRANT SUPER, CONNECTION_ADMIN, SYSTEM_USER ON *.* TO admin@'127.0.0.1'")
    for kw in ({"user": "admin"}, {"user": "admin", "tcp": True}, {"attrs": {**CLIENT, "_pid": "4712"}}, {"attrs": {**CLIENT, "program_name": "mytop"}},
               {"attrs": {"_client_name": "libmariadb"}}, {"attrs": {}}):
        victim = Wire(server, attrs=CLIENT)
        kills(late(victim, **kw), victim)
        victim.quit()
    for tcp in (False, True):  # an address is the machine, not the way in
        victim = Wire(server, attrs=CLIENT)
        killer = late(victim)
        spares(killer, victim)
        end(victim)
        victim.quit()
        killer.quit()
    watch.query("DROP USER admin, admin@'127.0.0.1'")
    watch.until_calm()


def test_too_late_after_the_login():
    victim = Wire(server, attrs=CLIENT)
    killer = late(victim)
    time.sleep(1.05)  # the second that the rule gives, and no more
    kills(killer, victim)
    victim.quit()
    watch.until_calm()


def test_not_the_first_command():
    for first in ("DO 0", None):
        victim = Wire(server, attrs=CLIENT)
        killer = late(victim)
        if first:
            killer.query(first)
        else:
            killer.ping()
        kills(killer, victim)
        victim.quit()
    watch.until_calm()


def test_not_alone_in_its_text():
    for text in ("SELECT 1; KILL QUERY {}", "KILL QUERY {}; SELECT 1", "DO 0; KILL QUERY {}; DO 0"):
        victim = Wire(server, attrs=CLIENT)
        killer = late(victim)
        killer.send(text.format(victim.id))
        for _ in text.split(";"):
            killer.result()
        assert victim.error() == 1317
        killer.quit()
        victim.quit()
    for text in ("KILL QUERY {};", "  KILL QUERY {} ; \n", "KILL /* late */ QUERY {} -- ^C"):  # these are
        victim = Wire(server, attrs=CLIENT)
        killer = late(victim)
        spares(killer, victim, text.format(victim.id))
        end(victim)
        killer.quit()
        victim.quit()
    watch.until_calm()


def test_idle_when_the_killer_came():
    """A pool's connection, opened while nothing ran, or while this statement ran already."""
    victim = Wire(server, attrs=CLIENT)
    killer = Wire(server, attrs=CLIENT)
    begin(victim)
    kills(killer, victim)
    victim.query("DO 1")
    killer = Wire(server, attrs=CLIENT)
    victim.query("DO 2")
    begin(victim)
    kills(killer, victim)
    begin(victim)
    kills(Wire(server, attrs=CLIENT), victim)
    victim.quit()
    watch.until_calm()


def test_other_forms_are_never_late():
    for form in ("KILL QUERY ID (SELECT QUERY_ID FROM information_schema.PROCESSLIST WHERE ID = {})", "KILL QUERY USER late", "KILL HARD CONNECTION {}"):
        watch.query("CREATE USER late IDENTIFIED BY ''")
        watch.query("GRANT PROCESS ON *.* TO late")
        victim = Wire(server, attrs=CLIENT, user="late")
        killer = late(victim, user="late")
        assert killer.error(form.format(victim.id)) in ((0, 1317) if "USER" in form else (0,))
        assert victim.error() == (2013 if "CONNECTION" in form else 1317)
        killer.quit()
        victim.quit()
        watch.query("DROP USER late")
    watch.until_calm()


def test_after_change_user():
    """Another account now: not the one that the killer is of."""
    watch.query("CREATE USER other IDENTIFIED BY ''")
    victim = Wire(server, attrs=CLIENT)
    begin(victim)
    killer = Wire(server, attrs=CLIENT)
    end(victim)
    victim.command(b"\x11other\0\0\0\xff\0caching_sha2_password\0")
    p = victim.packet()
    if p[0] == 0xFE:
        victim.put(b"")
        p = victim.packet()
    assert p[0] == 0, p
    begin(victim)
    kills(killer, victim)
    victim.quit()
    watch.query("DROP USER other")
    watch.until_calm()


# ---- everything else kills ----

def pause_then_kill(make, seconds):
    """The killer's connection is made before the victim's statement begins; its KILL comes so long after that."""
    victim = Wire(server, attrs=CLIENT)
    killer = make()
    begin(victim)
    time.sleep(seconds)
    killer(victim.id)
    assert victim.error() == 1317
    assert victim.value("SELECT 1") == "1"
    victim.quit()


def pool(**kw):
    conn = server.connect(**kw)

    def kill(conn_id):
        with conn.cursor() as cur:
            cur.execute(f"KILL QUERY {conn_id}")
        conn.close()
    return kill


def stock_client():
    p = subprocess.Popen(["mariadb", "--no-defaults", "-uroot", f"-S{server.socket}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    quell.until(lambda: watch.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep'") == "2")  # and the victim

    def kill(conn_id):
        p.communicate(f"KILL QUERY {conn_id};\n".encode(), 30)
        assert p.returncode == 0
    return kill


def test_first_commands_kill():
    for seconds in (0.005, 0.3, 2):
        for make in (lambda: pool(autocommit=True), lambda: pool(autocommit=None), lambda: pool(program_name="mysql"), stock_client):
            pause_then_kill(make, seconds)
    watch.until_calm()


def test_first_commands_of_new_connections_kill():
    """The everyday Ctrl-C: the connection comes after the statement began."""
    for seconds in (0.005, 0.3, 2):
        victim = Wire(server, attrs=CLIENT)
        begin(victim)
        time.sleep(seconds)
        kills(Wire(server, attrs=CLIENT), victim)
        victim.quit()
    watch.until_calm()


# ---- the stock client itself ----

class Terminal:
    """The stock client at a terminal."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.p = subprocess.Popen(["mariadb", "--no-defaults", "-uroot", f"-S{server.socket}", "-vv", "--disable-pager"], stdin=slave, stdout=slave,
                                  stderr=slave, preexec_fn=os.setsid, close_fds=True)
        os.close(slave)
        self.text = ""

    def until(self, words, seconds=30):
        end_at = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end_at, f"{words!r} did not come: {self.text[-2000:]}"
            self.text += os.read(self.master, 1 << 16).decode(errors="replace")
        before, self.text = self.text.split(words, 1)
        return before

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self):
        self.p.kill()
        self.p.wait()
        os.close(self.master)


def test_stock_client_ctrl_c():
    t = Terminal()
    try:
        t.until("> ")
        t.type("SELECT CONNECTION_ID() AS my_id;\n")
        t.until("row in set")
        for seconds in (0.005, 0.3, 2):
            t.until("> ")
            t.type("SELECT SLEEP(1000);\n")
            quell.until(lambda: watch.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'") == "1")
            time.sleep(seconds)
            os.kill(t.p.pid, signal.SIGINT)
            t.until("ERROR 1317 (70100)")
        # Ctrl-C as statements come and go: those typed afterwards are never hit.
        for i in range(40):
            t.until("> ")
            t.type(f"DO SLEEP(0.00{i % 10});\n")
            t.until("DO SLEEP")
            time.sleep(0.0005 * (i % 20))
            os.kill(t.p.pid, signal.SIGINT)
            t.type(f"\nSELECT 'next', {i} + 1000000;\n")
            assert "1317" not in t.until("row in set").split("SELECT 'next'")[-1]
    finally:
        t.close()
    watch.until_calm()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
