# SPDX-License-Identifier: Apache-2.0
"""Concurrent transactions that append to lists and read them, under random kills; what they saw is checked by lib/elle.py for the anomalies
that their isolation level forbids. QUELL_HISTORY is the number of seconds for each level; QUELL_HISTORY_SEED repeats a run's choices (not
its timing)."""
import dataclasses
import math
import os
import random
import shutil
import threading
import time
import traceback

import elle
import quell
from bank import WAITS
from elle import Op, Txn
from harness import Skip, main
from wire import Closed, Desync, Err, Watcher, Wire

SECONDS = float(os.environ.get("QUELL_HISTORY", "4"))
SEED = int(os.environ.get("QUELL_HISTORY_SEED", "1"))
SESSIONS, KEYS, HOT, PACE = 8, 600, 5, 0.4  # HOT keys are in use at a time; they move on every PACE seconds, so lists stay short
IN_TRANS = 1
UNDONE = {1317, 3024, 3572}                 # the statement has not happened, the transaction goes on. Not 1205: no lock is waited for that long
MARIADB = {1205, 1927}                      # reference server: NOWAIT; connection killed

server = quell.Server(args=WAITS)
server.start()


class Over(Exception):
    """The connection has ended."""


class Client(threading.Thread):
    """Runs random transactions and records them."""

    def __init__(self, number, where, levels, until, is_quell):
        super().__init__()
        self.random = random.Random(SEED * 1000 + number)
        self.number, self.where, self.levels, self.until, self.is_quell = number, where, levels, until, is_quell
        self.history, self.id, self.problem, self.errors, self.appended = [], 0, None, {}, number
        self.start_of_run = time.monotonic()

    def run(self):
        try:
            while time.monotonic() < self.until:
                try:
                    self.wire = Wire(self.where)
                    self.id = self.wire.id
                    while time.monotonic() < self.until:
                        self.transaction()
                except (Over, Closed, ConnectionError):
                    pass
                except Err as e:
                    self.expected(e.code, "login")
                self.id = 0
                self.wire.close()
        except BaseException:  # noqa: the main thread reports it
            self.problem = traceback.format_exc()

    def now(self):
        return time.monotonic() - self.start_of_run

    def expected(self, code, sql):
        self.errors[code] = self.errors.get(code, 0) + 1
        if code not in UNDONE | {2013, 1213, 1053} | (set() if self.is_quell else MARIADB):
            raise AssertionError(f"{sql}: {self.wire.last}")

    def ask(self, sql):
        """Rows or the number of rows changed; None: not done, with self.code. Raises Over when there is no answer."""
        self.sent = self.now()
        try:
            self.wire.send(sql)
            got = self.wire.result()
            self.code = 0
            return got
        except Err as e:
            self.wire.last, self.code = e, e.code
        except (Closed, ConnectionError):
            self.wire.last, self.code = "closed", 2013
        finally:
            self.answered = self.now()
        self.expected(self.code, sql)
        if self.code in (2013, 1927, 1053):
            raise Over()
        return None

    # ---- one transaction ----

    def keys(self, n):
        base = int(self.now() / PACE) * HOT % KEYS
        return [(base + k) % KEYS for k in self.random.sample(range(HOT), n)]

    def stretch(self):
        first = min(self.keys(1)[0], KEYS - 3)
        return range(first, first + 3)

    def number_to_append(self):
        self.appended += SESSIONS
        return self.appended

    def transaction(self):
        r = self.random
        level = r.choice(self.levels)
        auto = r.random() < 0.15
        t = Txn(level, [], "fail", self.now(), 0, None, auto, self.number)
        try:
            if auto:
                self.single(t)
            else:
                self.explicit(t)
        except Over:
            t.end = self.now()
            self.history.append(t)
            raise
        t.end = self.now()
        self.history.append(t)

    def single(self, t):
        if self.ask(f"SET SESSION TRANSACTION ISOLATION LEVEL {t.level}") is None:
            return
        try:
            self.statement(t, 0)
            t.outcome = "ok" if self.code == 0 else "fail"
        except Over:
            t.outcome = "unknown"
            raise

    def explicit(self, t):
        r = self.random
        if self.ask(f"SET SESSION TRANSACTION ISOLATION LEVEL {t.level}") is None:
            return
        self.half, self.first_read = False, None
        fresh = r.random() < 0.2
        if self.ask("START TRANSACTION WITH CONSISTENT SNAPSHOT" if fresh else "BEGIN") is None:
            return
        if fresh and t.level == "REPEATABLE READ":
            t.snapshot = (self.sent, self.answered)
        savepoint = None
        for i in range(r.randint(1, 5)):
            pick = r.random()
            # Not in front of everything: rolling back to there would end the transaction inside the engine, and its locks (MariaDB).
            if pick < 0.08 and savepoint is None and t.ops:
                if self.ask("SAVEPOINT s") is not None:
                    savepoint = len(t.ops)
            elif pick < 0.16 and savepoint is not None:
                if self.ask("ROLLBACK TO SAVEPOINT s") is not None:
                    for o in t.ops[savepoint:]:
                        o.undone_at = min(o.undone_at, len(t.ops))
            else:
                self.statement(t, i)
            if self.code == 1213:
                return
            if self.half:
                self.roll_back()
                return
            if self.code and r.random() < 0.3:
                break
        if r.random() < 0.12:
            self.roll_back()
            return
        t.outcome = "unknown"
        done = self.ask("COMMIT")
        if done is not None:
            t.outcome = "ok"
        else:  # 1317 says that it has not happened; MariaDB does not promise that
            if self.is_quell:
                t.outcome = "fail"
            self.roll_back()

    def roll_back(self):
        while self.ask("ROLLBACK") is None:
            pass
        assert not self.wire.flags & IN_TRANS, "in a transaction after ROLLBACK"

    def statement(self, t, number):
        r = self.random
        pick = r.random()
        if pick < 0.25:
            self.read(t, number, self.keys(1), "")
        elif pick < 0.32:
            self.read(t, number, self.keys(3), "")
        elif pick < 0.38:
            self.read(t, number, self.stretch(), r.choice(["", " FOR UPDATE", " LOCK IN SHARE MODE"]))
        elif pick < 0.50:
            self.read(t, number, self.keys(1), r.choice([" FOR UPDATE", " LOCK IN SHARE MODE", " FOR UPDATE NOWAIT"] + [" FOR SHARE"] * self.is_quell))
        elif pick < 0.55:
            self.read(t, number, self.keys(2), r.choice([" FOR UPDATE", " LOCK IN SHARE MODE"]))
        else:
            self.append(t, number, self.keys(2 if r.random() < 0.2 else 1), pick > 0.75)

    def read(self, t, number, keys, how):
        where = f"BETWEEN {keys[0]} AND {keys[-1]}" if isinstance(keys, range) else f"= {keys[0]}" if len(keys) == 1 else f"IN ({', '.join(map(str, keys))})"
        rows = self.ask(f"SELECT k, v FROM h.list WHERE k {where}{how}")
        if not how and t.level == "REPEATABLE READ" and t.snapshot is None and not t.autocommit:
            # A read that was killed may have taken the snapshot, or not: then this one has.
            self.first_read = self.first_read or self.sent
            if rows is not None:
                t.snapshot = (self.first_read, self.answered)
        if rows is None:
            return
        got = {int(k): numbers(v) for k, v in rows}
        if not set(got) <= set(keys):
            raise AssertionError(f"read of {keys}{how} gave rows {sorted(got)}")
        t.ops += [Op("r", k, got.get(k, ()), bool(how), number, self.sent, self.answered) for k in keys]

    def append(self, t, number, keys, by_update):
        """The first append to a list makes its row."""
        n = self.number_to_append()
        if by_update:
            keys = keys[:1] if t.autocommit else keys
            sql = f"UPDATE h.list SET v = CONCAT(v, ',{n}'), g = {n} WHERE k IN ({', '.join(map(str, keys))})"
        else:
            sql = f"INSERT INTO h.list VALUES {', '.join(f'({k}, {n}, {n})' for k in keys)} ON DUPLICATE KEY UPDATE v = CONCAT(v, ',{n}'), g = {n}"
        first = len(t.ops)
        ops = [Op("append", k, n, stmt=number, start=self.now(), undone_at=float("inf")) for k in keys]
        t.ops += ops  # in front of the answer: it may never come
        done = self.ask(sql)
        for o in ops:
            o.end = self.answered
            if done is None:
                o.undone_at = first
        if done is None:
            return
        if by_update and done < len(keys):  # not all the rows are there yet: which, is not known when some are
            if done > 0:
                self.half = True
                return
            t.ops[first:] = [Op("r", k, (), True, number, self.sent, self.answered) for k in keys]
        elif by_update and done != len(keys) or not len(keys) <= done <= 2 * len(keys):
            raise AssertionError(f"{sql} changed {done} rows")


def numbers(text):
    return tuple(int(n) for n in text.decode().split(","))


class Killer(threading.Thread):
    def __init__(self, where, clients, until):
        super().__init__()
        self.where, self.clients, self.until, self.kills = where, clients, until, 0

    def run(self):
        r = random.Random(SEED)
        w = Wire(self.where)
        while time.monotonic() < self.until:
            c = r.choice(self.clients)
            if c.id:
                self.kills += w.error(f"KILL {'CONNECTION' if r.random() < 0.1 else 'QUERY'} {c.id}") == 0
            time.sleep(r.random() * 0.01)
        w.quit()


def record(where, levels, seconds, is_quell=True):
    """The history of a run, and the lists at its end."""
    w = Watcher(where)
    w.query("CREATE DATABASE IF NOT EXISTS h")
    w.query("DROP TABLE IF EXISTS h.list")
    w.query("CREATE TABLE h.list (k INT PRIMARY KEY, v TEXT, g INT, KEY (g)) ENGINE=InnoDB")
    until = time.monotonic() + seconds
    clients = [Client(i, where, levels, until, is_quell) for i in range(SESSIONS)]
    begun = time.monotonic()
    for c in clients:
        c.start_of_run = begun
        c.start()
    killer = Killer(where, clients, until)
    killer.start()
    for t in [*clients, killer]:
        t.join(seconds + 40)
        assert not t.is_alive(), "a session hangs"
    for c in clients:
        assert not c.problem, c.problem
    if is_quell:
        w.until_calm()
    final = {int(k): numbers(v) for k, v in w.query("SELECT k, v FROM h.list")}
    history = [t for c in clients for t in c.history if t.ops]
    errors = {}
    for c in clients:
        for code, n in c.errors.items():
            errors[code] = errors.get(code, 0) + n
    w.quit()
    done = sum(t.outcome == "ok" for t in history)
    print(f"# {len(history)} transactions, {done} committed, {sum(t.outcome == 'unknown' for t in history)} without an answer, "
          f"{killer.kills} kills, errors {dict(sorted(errors.items()))}", flush=True)
    assert done > 20, "hardly anything was committed"
    return history, final


def examine(where, levels, seconds=SECONDS, is_quell=True):
    history, final = record(where, levels, seconds, is_quell)
    if not is_quell:
        # MariaDB may end the whole transaction behind a KILL QUERY's back; what a rolled-back one then reads says nothing.
        for t in (t for t in history if t.outcome == "fail"):
            t.ops = [dataclasses.replace(o, undone_at=math.inf) for o in t.ops if o.kind == "append"]
        history = [t for t in history if t.ops]
    found = elle.check(history, final)
    if found:
        names = {}
        for a in found:
            names[a.name] = names.get(a.name, 0) + 1
        raise AssertionError(f"anomalies {names}, the first of each kind:\n" + "\n".join(str(next(a for a in found if a.name == n)) for n in names))


def test_read_committed():
    examine(server, ["READ COMMITTED"])


def test_repeatable_read():
    examine(server, ["REPEATABLE READ"])


def test_serializable():
    examine(server, ["SERIALIZABLE"])


def test_mixed():
    """Each keeps what its own level promises, whatever the others run at."""
    examine(server, ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])


def test_reference():
    """The same against the reference server: what is asked for is what InnoDB does too."""
    seconds = float(os.environ.get("QUELL_HISTORY_REFERENCE", "1.5"))
    if seconds == 0:
        raise Skip("not asked for here")
    if not (shutil.which("mariadbd") or os.path.exists("/usr/sbin/mariadbd")):
        raise Skip("no mariadbd")
    with quell.MariaDB(["--innodb-lock-wait-timeout=2", "--innodb-flush-log-at-trx-commit=0"]) as m:
        for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
            examine(m, [level], seconds, is_quell=False)


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
