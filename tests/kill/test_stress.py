# SPDX-License-Identifier: Apache-2.0
"""Eight sessions at a bank, under constant fire: KILL QUERY, KILL CONNECTION, limits, clients that vanish. Whatever happens, errors are of
the expected kind, the sum of all accounts stays, nothing is left at the end, and the server stops clean. Runs under ASan and TSan."""
import os
import random
import threading
import time
import traceback

import quell
from harness import main
from wire import Closed, Err, Watcher, Wire

SECONDS = float(os.environ.get("QUELL_STRESS", "30"))
SESSIONS, ACCOUNTS, START = 8, 60, 1000
EXPECTED = {1317, 2013, 3024, 1205, 1213, 1053, 1062, 1050, 1051, 1146, 1094}

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=2"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE b")
watch.query("CREATE TABLE b.account (id INT PRIMARY KEY, owner INT, balance INT, note VARCHAR(100), KEY (owner))")
watch.query("CREATE TABLE b.log (id INT AUTO_INCREMENT PRIMARY KEY, n INT, t TEXT)")
watch.query("INSERT INTO b.account VALUES " + ",".join(f"({i}, {i % 7}, {START}, 'new')" for i in range(ACCOUNTS)))
SUM = ACCOUNTS * START


class Over(Exception):
    """The session has ended, by whatever hand."""


class Teller(threading.Thread):
    """One session after the other; each runs random work until it is killed."""

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.wire, self.id, self.problem = None, 0, None
        self.done, self.errors, self.ended = 0, {}, 0

    def run(self):
        try:
            while not stop.is_set():
                try:
                    self.wire = Wire(server)
                    self.id = self.wire.id
                except (Closed, Err, ConnectionError):
                    continue
                try:
                    while not stop.is_set():
                        self.work()
                        self.done += 1
                except (Over, Closed, ConnectionError):
                    self.ended += 1
                self.id = 0
                self.wire.close()
        except BaseException:  # noqa: the main thread reports it
            self.problem = traceback.format_exc()

    def do(self, sql):
        """True: success. False: an expected error, the session goes on."""
        code = self.wire.error(sql)
        if code == 0:
            return True
        self.errors[code] = self.errors.get(code, 0) + 1
        if code not in EXPECTED:
            raise AssertionError(f"{sql}: {self.wire.last}")
        if code == 2013:
            raise Over()
        return False

    def work(self):
        r = self.random
        a, b = r.sample(range(ACCOUNTS), 2)
        n = r.randint(1, 50)
        pick = r.randrange(14)
        if pick < 3:
            self.do(f"UPDATE b.account SET balance = balance + IF(id = {a}, {n}, -{n}), note = 'single' WHERE id IN ({a}, {b})")
        elif pick < 6:
            self.transfer(a, b, n)
        elif pick == 6:
            self.check_sum()
        elif pick == 7:
            self.do("SELECT owner, COUNT(*), SUM(balance), MAX(note) FROM b.account GROUP BY owner ORDER BY 3")
        elif pick == 8:
            self.do("INSERT INTO b.log (n, t) VALUES " + ",".join(f"({i}, REPEAT('log', {i % 50}))" for i in range(r.randint(1, 200))))
        elif pick == 9:
            self.do(f"DELETE FROM b.log WHERE n = {r.randrange(200)}")
        elif pick == 10:
            self.do(f"SELECT COUNT(*) FROM b.account x JOIN b.account y ON y.owner = x.owner JOIN b.account z ON z.id > x.id WHERE x.note LIKE '%{n}%'")
        elif pick == 11:
            self.do(f"SELECT SLEEP({r.random() * 0.02})")
        elif pick == 12:
            name = f"b.t{r.randrange(3)}"
            self.do(f"CREATE TABLE {name} (id INT PRIMARY KEY, v INT)")
            self.do(f"INSERT INTO {name} VALUES ({n}, {n})")
            self.do(f"DROP TABLE {name}")
        else:
            self.vanish()

    def transfer(self, a, b, n):
        """Two updates in a transaction. One that failed must not be followed by the other half."""
        if not self.do("BEGIN"):
            return
        ok = self.do(f"UPDATE b.account SET balance = balance - {n} WHERE id = {a}")
        ok = ok and self.do(f"UPDATE b.account SET balance = balance + {n}, note = 'double' WHERE id = {b}")
        if not ok:
            while not self.do("ROLLBACK"):
                pass
            return
        self.do("COMMIT")  # killed: wholly rolled back, or still open
        while not self.do("ROLLBACK"):
            pass

    def check_sum(self):
        try:
            rows = self.wire.query("SELECT SUM(balance), COUNT(*) FROM b.account")
        except Err as e:
            if e.code not in EXPECTED:
                raise
            return
        if rows != [(str(SUM).encode(), str(ACCOUNTS).encode())]:
            raise AssertionError(f"the bank holds {rows}, not {SUM}")

    def vanish(self):
        """The client goes away in the middle of a statement, now and then in a transaction."""
        r = self.random
        if r.random() < 0.7:
            return
        if r.random() < 0.5 and self.do("BEGIN"):
            self.do("UPDATE b.account SET balance = balance - 7 WHERE id = 3")
        self.wire.send(r.choice(["SELECT SLEEP(100)", "UPDATE b.account SET note = REPEAT('z', 90)", "SELECT * FROM b.account, b.log"]))
        if r.random() < 0.5:
            time.sleep(r.random() * 0.003)
        raise Over()


stop = threading.Event()
figures = {"QUERY": 0, "CONNECTION": 0}


def shoot(tellers, until):
    r = random.Random(7)
    while time.monotonic() < until:
        t = r.choice(tellers)
        if t.problem:
            raise AssertionError(t.problem)
        if t.id:
            what = "CONNECTION" if r.random() < 0.15 else "QUERY"
            try:
                watch.kill(t.id, what)
                figures[what] += 1
            except Err as e:
                assert e.code == 1094, e
        time.sleep(r.random() * 0.004)


def test_bank_under_fire():
    tellers = [Teller(i) for i in range(SESSIONS)]
    for t in tellers:
        t.start()
    try:
        shoot(tellers, time.monotonic() + SECONDS)
    finally:
        stop.set()
        for t in tellers:
            t.join(30)
    for t in tellers:
        assert not t.is_alive(), "a session hangs"
        assert not t.problem, t.problem
    watch.until_calm(seconds=30)
    assert watch.query("SELECT SUM(balance), COUNT(*) FROM b.account") == [(str(SUM).encode(), str(ACCOUNTS).encode())]
    assert watch.query("SELECT COUNT(*) FROM b.account FORCE INDEX (owner) WHERE owner >= 0") == [(str(ACCOUNTS).encode(),)]
    done, ended = sum(t.done for t in tellers), sum(t.ended for t in tellers)
    errors = {}
    for t in tellers:
        for k, v in t.errors.items():
            errors[k] = errors.get(k, 0) + v
    print(f"# {done} pieces of work, {ended} sessions ended, kills {figures}, errors {dict(sorted(errors.items()))}")
    assert done > 100 and errors.get(1317, 0) > 10 and ended > 10


def test_stops_clean():
    assert server.stop() == 0, server.log_text()[-6000:]
    server.start()
    with Wire(server) as w:
        assert w.value("SELECT SUM(balance) FROM b.account") == str(SUM)


def close_all():
    watch.close()
    if server.proc is not None:
        server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
