# SPDX-License-Identifier: Apache-2.0
"""Tellers at a bank: sessions that run random transactions and know at every moment what the server must answer. They are killed, run into
limits and vanish; whatever happens, each of their transactions is wholly there or not at all, and each knows which.

Every transaction that changes an account writes rows into b.ledger (what it changed) and one into b.marker. So in the end every balance is
what the ledger says, and the ledger is what the tellers were told. b.cash is changed by single statements: only its sum is known. b.bulk takes
much text, so that transactions outgrow transaction_memory_limit, which is small for half of the sessions."""
import random
import threading
import time
import traceback

from wire import Closed, Err, Wire

ACCOUNTS, OWNERS, START = 60, 7, 1000
SUM = ACCOUNTS * START
IN_TRANS = 1
# Killed, time limit, deadlock, shutdown: any statement may end so. Not 1205: no lock is waited for as long as the limits that such a server is
# started with, unless a deadlock or a grant was missed.
EXPECTED = {1317, 3024, 1213, 1053}
WAITS = ["--innodb-lock-wait-timeout=40", "--lock-wait-timeout=40"]
LEVELS = ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "REPEATABLE READ", "SERIALIZABLE"]
USER_LOCKS = ["red", "green", "Blue", "white"]

TABLES = [
    "CREATE DATABASE b",
    "CREATE TABLE b.account (id INT PRIMARY KEY, owner INT NOT NULL, alias VARCHAR(40) NOT NULL, balance INT NOT NULL, note VARCHAR(100), KEY owner (owner), UNIQUE KEY alias (alias))",
    "CREATE TABLE b.ledger (teller INT, seq INT, part INT, account INT, amount INT, PRIMARY KEY (teller, seq, part), UNIQUE KEY other (account, teller, seq, part))",
    "CREATE TABLE b.marker (teller INT, seq INT, note VARCHAR(300), PRIMARY KEY (teller, seq))",
    "CREATE TABLE b.bulk (teller INT, seq INT, part INT, t VARCHAR(1000), PRIMARY KEY (teller, seq, part), KEY part (part))",
    "CREATE TABLE b.cash (id INT PRIMARY KEY, balance INT, note VARCHAR(100))",
    "CREATE TABLE b.log (id INT AUTO_INCREMENT PRIMARY KEY, n INT, t TEXT)",
    "INSERT INTO b.account VALUES " + ",".join(f"({i}, {i % OWNERS}, 'start {i}', {START}, 'new')" for i in range(ACCOUNTS)),
    "INSERT INTO b.cash VALUES " + ",".join(f"({i}, {START}, 'new')" for i in range(ACCOUNTS)),
]


class Over(Exception):
    """The session has ended, by whatever hand."""


class Abort(Exception):
    """The teller gives its transaction up."""


class Lost(Exception):
    """Deadlock: the transaction is rolled back."""


class Bank:
    """What all tellers of a server share."""

    def __init__(self, server):
        self.server = server
        self.features = set()
        self.stop = threading.Event()
        self.mutex = threading.Lock()
        self.holders, self.doomed = {}, set()  # user lock -> connection; connections that die or will

    def create(self, w):
        for sql in TABLES:
            w.query(sql)

    def probe(self):
        """What the server can do; gives what it cannot."""
        missing = []
        for name, test in PROBES.items():
            w, other = Wire(self.server), Wire(self.server)
            for x in (w, other):
                x.query("SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1")
            try:
                good = test(w, other)
            except Err:
                good = False
            if good:
                self.features.add(name)
            else:
                missing.append(name)
            w.close()
            other.close()
        return missing

    def check(self, w, tellers, durable=True):
        """All is over: the tables agree with each other and with what the tellers were told. Not durable: what was acknowledged may be gone, wholly."""
        number = [(str(SUM).encode(), str(ACCOUNTS).encode())]
        for table in ("b.account", "b.cash"):
            for how in ("", " FORCE INDEX (owner) WHERE owner >= 0", " FORCE INDEX (alias) WHERE alias >= ''"):
                if table == "b.account" or not how:
                    got = w.query(f"SELECT SUM(balance), COUNT(*) FROM {table}{how}")
                    assert got == number, f"{table}{how} holds {got}"
        wrong = w.query(f"SELECT a.id, a.balance, SUM(l.amount) FROM b.account a LEFT JOIN b.ledger l ON l.account = a.id GROUP BY a.id, a.balance "
                        f"HAVING a.balance <> {START} + COALESCE(SUM(l.amount), 0)")
        assert not wrong, f"balances that the ledger does not explain: {wrong}"
        ledger = {}
        for teller, seq, part, account, amount in w.query("SELECT teller, seq, part, account, amount FROM b.ledger"):
            ledger.setdefault((int(teller), int(seq)), set()).add((int(part), int(account), int(amount)))
        by_account = w.query("SELECT COUNT(*) FROM b.ledger FORCE INDEX (other) WHERE account >= 0")
        assert by_account == [(str(sum(map(len, ledger.values()))).encode(),)], by_account
        marker = {(int(a), int(b)) for a, b in w.query("SELECT teller, seq FROM b.marker")}
        bulk = {(int(a), int(b)): int(n) for a, b, n in w.query("SELECT teller, seq, COUNT(*) FROM b.bulk GROUP BY teller, seq")}
        by_part = w.query("SELECT COUNT(*) FROM b.bulk FORCE INDEX (part) WHERE part >= 0")
        assert by_part == [(str(sum(bulk.values())).encode(),)], (by_part, sum(bulk.values()))
        told = {}
        for t in tellers:
            lost = None
            for seq, (outcome, rows, many) in sorted(t.outcomes.items()):
                told[t.number, seq] = outcome
                there = (t.number, seq) in marker
                if outcome == "ok":
                    assert not there or lost is None, f"teller {t.number}: transaction {seq} is there, its earlier one {lost} is lost"
                    lost = lost if there else seq
                if seq > t.swept:
                    got = bulk.get((t.number, seq), 0)
                    assert got == (many if there else 0), f"teller {t.number}: transaction {seq} ({outcome}) has {got} of {many} rows in b.bulk"
                if outcome == "ok":
                    assert there or not durable, f"teller {t.number}: transaction {seq} was acknowledged and is not there"
                elif outcome == "fail":
                    assert not there, f"teller {t.number}: transaction {seq} failed and is there"
                if there:
                    got = ledger.get((t.number, seq), set())
                    assert got == set(rows), f"teller {t.number}: transaction {seq} ({outcome}) is torn: {got} of {rows}"
        assert not ledger.keys() - marker, f"without a marker: {ledger.keys() - marker}"
        assert not marker - told.keys(), f"nobody's: {marker - told.keys()}"
        return len(marker)


# ---- feature probes: what must happen, in the fewest statements ----

def probe_serializable(w, other):
    w.query("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    w.query("BEGIN")
    w.query("SELECT balance FROM b.account WHERE id = 1")
    return other.error("UPDATE b.account SET note = 'x' WHERE id = 1") == 1205


def probe_ticket(w, other):
    """A statement that waits for a row gives its ticket back, so the row's owner can go on."""
    w.query("SET GLOBAL innodb_thread_concurrency = 1")
    try:
        w.query("BEGIN")
        w.query("UPDATE b.account SET note = 'x' WHERE id = 1")
        other.send("UPDATE b.account SET note = 'y' WHERE id = 1")
        while w.query(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {other.id} AND STATE = 'Waiting for row lock'") != [(b"1",)]:
            pass
        w.query("SET max_statement_time = 0.5")
        return w.error("UPDATE b.account SET note = 'z' WHERE id = 1") == 0
    finally:
        w.query("SET GLOBAL innodb_thread_concurrency = 0")


def locks(how):
    def test(w, other):
        w.query("BEGIN")
        w.query(f"SELECT balance FROM b.account WHERE id = 1 {how}")
        return other.error("UPDATE b.account SET note = 'x' WHERE id = 1") == 1205
    return test


def probe_nowait(w, other):
    w.query("BEGIN")
    w.query("UPDATE b.account SET note = 'x' WHERE id = 1")
    return other.error("SELECT balance FROM b.account WHERE id = 1 FOR UPDATE NOWAIT") == 3572


def probe_skip(w, other):
    w.query("BEGIN")
    w.query("UPDATE b.account SET note = 'x' WHERE id = 1")
    return other.query("SELECT id FROM b.account WHERE id IN (1, 2) FOR UPDATE SKIP LOCKED") == [(b"2",)]


def probe_lock_tables(w, other):
    w.query("LOCK TABLES b.cash WRITE")
    return w.error("SELECT COUNT(*) FROM b.account") == 1100 and other.error("UPDATE b.cash SET note = 'x' WHERE id = 1") == 1205


def probe_flush(w, other):
    w.query("FLUSH TABLES WITH READ LOCK")
    return other.error("UPDATE b.cash SET note = 'x' WHERE id = 1") == 1205 and w.error("UPDATE b.cash SET note = 'x'") == 1223


def probe_user_locks(w, other):
    return w.value("SELECT GET_LOCK('probe', 0)") == "1" and other.value("SELECT GET_LOCK('PROBE', 0)") == "0" and other.value("SELECT IS_USED_LOCK('probe')") == str(w.id)


def probe_spilling(w, other):
    w.query("SET transaction_memory_limit = 65536")
    w.query("BEGIN")
    w.query("INSERT INTO b.log (n, t) VALUES " + ",".join(["(1, REPEAT('s', 1000))"] * 300))
    return w.value("SELECT COUNT(*) FROM b.log") == "300"


PROBES = {"spilling": probe_spilling, "FOR UPDATE": locks("FOR UPDATE"), "FOR SHARE": locks("FOR SHARE"), "LOCK IN SHARE MODE": locks("LOCK IN SHARE MODE"), "NOWAIT": probe_nowait,
          "SKIP LOCKED": probe_skip, "SERIALIZABLE": probe_serializable, "LOCK TABLES": probe_lock_tables, "FLUSH TABLES WITH READ LOCK": probe_flush,
          "user locks": probe_user_locks, "ticket given back in lock waits": probe_ticket}


class Teller(threading.Thread):
    """One session after the other; each runs random work until it is killed."""

    def __init__(self, bank, number, seed=None):
        super().__init__()
        self.bank, self.number = bank, number
        self.random = random.Random(number if seed is None else seed)
        self.wire, self.id, self.problem = None, 0, None
        self.done, self.errors, self.ended, self.seq = 0, {}, 0, 0
        self.outcomes = {}      # seq -> ("ok" | "fail" | "unknown", ledger rows, rows in b.bulk)
        self.swept = 0          # transactions whose rows in b.bulk may have been deleted
        self.most = 300         # rows of a step in b.bulk
        self.answers, self.longest = 0, (0, "")
        self.trace = []

    def run(self):
        try:
            while not self.bank.stop.is_set():
                try:
                    self.wire = Wire(self.bank.server)
                except (Closed, Err, OSError):
                    time.sleep(0.002)
                    continue
                self.id, self.trans, self.open, self.manual, self.mine, self.limited, self.trace = self.wire.id, False, False, False, {}, False, []
                try:
                    if self.can("spilling") and self.random.random() < 0.5:
                        self.do("SET transaction_memory_limit = 65536")
                    while not self.bank.stop.is_set():
                        self.work()
                        self.done += 1
                except Over:
                    self.ended += 1
                self.leave()
        except BaseException:  # noqa: the main thread reports it
            self.problem = f"teller {self.number}, connection {self.id}\n{traceback.format_exc()}its last statements:\n  " + "\n  ".join(self.trace[-25:])

    def leave(self):
        with self.bank.mutex:
            self.bank.doomed.add(self.id)
        self.id = 0
        self.wire.close()

    def can(self, feature):
        return feature in self.bank.features

    # ---- one statement ----

    def do(self, sql, also=(), trans="same"):
        """What the server answers. None: an expected error (self.code); nothing has happened. trans: in a transaction afterwards? None: who knows."""
        begun = time.monotonic()
        try:
            if isinstance(sql, bytes):
                self.wire.command(sql)
            else:
                self.wire.send(sql)
            got = self.wire.result()
            self.code = 0
        except Err as e:
            self.code, self.wire.last = e.code, e
        except TimeoutError:
            raise AssertionError(f"no answer to {sql}") from None
        except (Closed, OSError):
            self.trace.append(f"{sql[:200]}: closed")
            self.errors[2013] = self.errors.get(2013, 0) + 1
            raise Over() from None
        self.answers += 1
        self.longest = max(self.longest, (time.monotonic() - begun, sql[:100]))
        self.trace.append(f"{sql[:200]}: {self.code or 'ok'}" + ("" if self.code else f" flags {self.wire.flags:x}"))
        if self.code == 0:
            want = self.trans if trans == "same" else trans
            if self.manual and not want:  # autocommit is off: the first statement that uses a table begins
                want = None
            self.trans = bool(self.wire.flags & IN_TRANS)
            if want is not None and self.trans != want:
                raise AssertionError(f"{sql}: the server is {'' if self.trans else 'not '}in a transaction")
            return got
        self.errors[self.code] = self.errors.get(self.code, 0) + 1
        if self.code not in EXPECTED and self.code not in also:
            raise AssertionError(f"{sql}: {self.wire.last}")
        if self.code == 1213 and self.trans is not False:
            self.trans = False
            if self.open:
                raise Lost()
        return None

    def surely(self, sql, **kw):
        while (got := self.do(sql, **kw)) is None:
            pass
        return got

    def must(self, sql, also=()):
        """A statement whose failure makes the teller give up."""
        got = self.do(sql, also)
        if got is None:
            raise Abort()
        return got

    def fault(self, what):
        raise AssertionError(what)

    # ---- work outside of transactions ----

    def work(self):
        r = self.random
        pick = r.random()
        if pick < 0.55:
            self.transaction()
        elif pick < 0.93:
            r.choice([self.cash, self.cash, self.cash_sum, self.account_sum, self.account_sum, self.group, self.log_insert, self.log_delete, self.big_join, self.sleep,
                      self.tables, self.user_lock, self.user_lock, self.lock_tables, self.flush_tables, self.limit, self.sweep_bulk, self.sweep_bulk, self.reset, self.backup])()
        elif pick < 0.96:
            self.vanish()

    def two(self):
        return self.random.sample(range(ACCOUNTS), 2)

    def cash(self):
        a, b = self.two()
        n = self.random.randint(1, 50)
        self.do(f"UPDATE b.cash SET balance = balance + IF(id = {a}, {n}, -{n}), note = 'single' WHERE id IN ({a}, {b})")

    def cash_sum(self):
        self.sum_is(self.do("SELECT SUM(balance), COUNT(*) FROM b.cash"))

    def account_sum(self):
        """A statement of its own sees one moment, at each level that promises anything."""
        r = self.random
        how = r.choice(["", "", " FORCE INDEX (owner) WHERE owner >= 0", " FORCE INDEX (alias) WHERE alias > ''"])
        if r.random() < 0.1 and self.can("FOR SHARE"):
            how = " FOR SHARE"
        level = r.choice(LEVELS[1:])
        if self.do(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}") is not None:
            self.sum_is(self.do(f"SELECT SUM(balance), COUNT(*) FROM b.account{how}"))

    def sum_is(self, rows, want=SUM):
        if rows is not None and rows != [(str(want).encode(), str(ACCOUNTS).encode())]:
            self.fault(f"the bank holds {rows}, not {want} in {ACCOUNTS}")

    def group(self):
        self.do("SELECT owner, COUNT(*), SUM(balance), MAX(note) FROM b.account GROUP BY owner ORDER BY 3")

    def log_insert(self):
        self.do("INSERT INTO b.log (n, t) VALUES " + ",".join(f"({i}, REPEAT('log', {i % 50}))" for i in range(self.random.randint(1, 200))))

    def log_delete(self):
        self.do(f"DELETE FROM b.log WHERE n >= {self.random.randrange(200)}")

    def big_join(self):
        self.do(f"SELECT COUNT(*) FROM b.account x JOIN b.account y ON y.owner = x.owner JOIN b.account z ON z.id > x.id WHERE x.note LIKE '%{self.random.randrange(50)}%'")

    def sleep(self):
        self.do(f"SELECT SLEEP({self.random.random() * 0.02})")

    def tables(self):
        name, n = f"b.t{self.random.randrange(3)}", self.random.randrange(50)
        self.do(f"CREATE TABLE {name} (id INT PRIMARY KEY, v INT)", {1050})
        self.do(f"INSERT INTO {name} VALUES ({n}, {n})", {1146, 1062})
        if self.random.random() < 0.6:
            self.do(f"DROP TABLE {name}", {1051})

    def limit(self):
        """A time limit for what comes, or none again."""
        self.limited = not self.limited
        seconds, milliseconds = self.random.choice([("0.01", 0), ("0.03", 0), ("0", 5), ("0", 20), ("0.04", 10)]) if self.limited else ("0", 0)
        self.surely(f"SET max_statement_time = {seconds}, max_execution_time = {milliseconds}")

    def reset(self):
        """COM_RESET_CONNECTION: as a new session, whatever it held; now and then in the middle of a transaction."""
        if self.random.random() < 0.5 and self.do("BEGIN", trans=True) is not None:
            self.do("UPDATE b.account SET balance = balance - 9 WHERE id = 4")
        elif self.can("LOCK TABLES") and self.random.random() < 0.5:
            self.do("LOCK TABLES b.cash WRITE")
        self.let_go(self.mine)
        self.surely(b"\x1f", trans=False)
        self.mine, self.limited = {}, False
        self.check_user_lock(self.random.choice(USER_LOCKS))
        self.cash_sum()
        self.account_sum()

    def other_tables(self):
        """In a transaction, tables that others create and drop: metadata locks beside row locks."""
        name, n = f"b.t{self.random.randrange(3)}", self.random.randrange(50)
        # 1412: it was made after the transaction's snapshot.
        self.do(self.random.choice([f"SELECT COUNT(*) FROM {name}", f"SELECT * FROM {name} FOR UPDATE", f"INSERT INTO {name} VALUES ({n}, {n})", f"UPDATE {name} SET v = v + 1"]), {1146, 1062, 1412})

    def backup(self):
        if self.do("LOCK INSTANCE FOR BACKUP") is not None:
            self.do("SELECT COUNT(*) FROM b.cash")
            self.surely("UNLOCK INSTANCE")

    def sweep_bulk(self):
        self.swept = self.seq
        self.do(f"DELETE FROM b.bulk WHERE teller = {self.number}")

    def vanish(self):
        """The client goes away in the middle of a statement, now and then in a transaction."""
        r = self.random
        if r.random() < 0.5 and self.do("BEGIN", trans=True) is not None:
            self.do("UPDATE b.account SET balance = balance - 7 WHERE id = 3")
        with self.bank.mutex:
            self.bank.doomed.add(self.id)
        try:
            self.wire.send(r.choice(["SELECT SLEEP(100)", "UPDATE b.cash SET note = REPEAT('z', 90)", "SELECT * FROM b.account, b.log", "SELECT * FROM b.account WHERE id < 9"]))
        except OSError:
            pass
        if r.random() < 0.5:
            time.sleep(r.random() * 0.003)
        raise Over()

    # ---- user locks and table locks ----

    def user_lock(self):
        if not self.can("user locks"):
            return
        r = self.random
        name = r.choice(USER_LOCKS)
        if r.random() < 0.4 and self.mine:
            if r.random() < 0.3:
                self.release_all()
            else:
                self.release(r.choice(list(self.mine)))
            return
        got = self.do(f"SELECT GET_LOCK('{r.choice([name, name.upper()])}', {r.choice([0, 1])})", {3058})
        if got == [(b"1",)]:
            with self.bank.mutex:
                other = self.bank.holders.get(name)
                if other and other != self.id and other not in self.bank.doomed:
                    self.fault(f"user lock {name} granted to connection {self.id} while {other} has it")
                self.bank.holders[name] = self.id
            self.mine[name] = self.mine.get(name, 0) + 1
        elif got is not None and got != [(b"0",)] or name in self.mine and got is not None:
            self.fault(f"GET_LOCK({name}) gave {got}; held: {self.mine}")
        self.check_user_lock(name)

    def check_user_lock(self, name):
        if not self.can("user locks"):
            return
        got = self.do(f"SELECT IS_USED_LOCK('{name}')")
        if got is not None and (got == [(str(self.id).encode(),)]) != (name in self.mine):
            self.fault(f"IS_USED_LOCK({name}) is {got}; connection {self.id} holds {self.mine}")

    def let_go(self, names):
        with self.bank.mutex:
            for name in names:
                if self.bank.holders.get(name) == self.id:
                    del self.bank.holders[name]

    def release(self, name):
        if self.mine[name] == 1:
            self.let_go([name])
        got = self.do(f"SELECT RELEASE_LOCK('{name}')")
        if got is None:  # killed: before or after it let go
            self.let_go([name])
            self.release_all()
            return
        if got != [(b"1",)]:
            self.fault(f"RELEASE_LOCK({name}) gave {got}; held: {self.mine}")
        self.mine[name] -= 1
        if not self.mine[name]:
            del self.mine[name]
        self.check_user_lock(name)

    def release_all(self):
        self.let_go(self.mine)
        killed = False
        while (got := self.do("SELECT RELEASE_ALL_LOCKS()")) is None:
            killed = True
        if not killed and int(got[0][0]) > sum(self.mine.values()):
            self.fault(f"RELEASE_ALL_LOCKS gave {got}; held: {self.mine}")
        self.mine = {}
        self.check_user_lock(self.random.choice(USER_LOCKS))

    def lock_tables(self):
        """Inside nobody else changes the table; other tables are out of reach."""
        if not self.can("LOCK TABLES"):
            return
        r = self.random
        write = r.random() < 0.5
        if self.do(f"LOCK TABLES b.cash {'WRITE' if write else 'READ'}, b.log READ") is None:
            return
        before = self.do("SELECT * FROM b.cash ORDER BY id")
        if self.do("SELECT COUNT(*) FROM b.account", {1100}) is not None:
            self.fault("a table that is not locked can be read under LOCK TABLES")
        if self.do("INSERT INTO b.log (n) VALUES (1)", {1099}) is not None:
            self.fault("a table locked for READ can be written")
        after = self.do("SELECT * FROM b.cash ORDER BY id")
        if None not in (before, after) and before != after:
            self.fault("a table changed under LOCK TABLES")
        if write:
            self.cash()
            self.cash_sum()
        self.surely("UNLOCK TABLES")
        self.cash_sum()

    def flush_tables(self):
        if not self.can("FLUSH TABLES WITH READ LOCK") or self.random.random() < 0.5:
            return
        if self.do("FLUSH TABLES WITH READ LOCK") is None:
            return
        before = self.do("SELECT * FROM b.account ORDER BY id")
        if self.do("UPDATE b.cash SET note = 'no' WHERE id = 1", {1223}) is not None:
            self.fault("a table can be written under FLUSH TABLES WITH READ LOCK")
        after = self.do("SELECT * FROM b.account ORDER BY id")
        if None not in (before, after) and before != after:
            self.fault("a table changed under FLUSH TABLES WITH READ LOCK")
        self.surely("UNLOCK TABLES")

    # ---- transactions ----

    def transaction(self):
        r = self.random
        self.level = r.choice(LEVELS)
        if self.do(f"SET SESSION TRANSACTION ISOLATION LEVEL {self.level}") is None:
            return
        if self.level == "SERIALIZABLE" and not self.can("SERIALIZABLE"):
            self.level = "REPEATABLE READ"
        off = r.random() < 0.1
        if off:
            if self.do("SET autocommit = 0", trans=False) is None:
                return
            self.manual = True
        elif self.do(r.choice(["BEGIN", "START TRANSACTION", "START TRANSACTION READ WRITE", "START TRANSACTION WITH CONSISTENT SNAPSHOT"]), trans=True) is None:
            return
        self.seq += 1
        self.open, self.committing = True, False
        self.rows, self.applied, self.touched, self.locked, self.savepoints, self.many = [], [], False, {}, [], 0
        try:
            try:
                for _ in range(r.randint(1, 6)):
                    self.step()
                self.finish()
            except Abort:
                self.roll_back()
            except Lost:
                self.record("fail")
            if off:
                self.open = self.manual = False
                self.surely("SET autocommit = 1", trans=False)
        except Over:
            self.record("unknown" if self.committing else "fail")
            raise
        finally:
            self.open = False

    def record(self, outcome):
        if self.seq not in self.outcomes:
            if not self.rows:
                outcome = "fail"  # it left no trace, whatever became of it
            self.outcomes[self.seq] = (outcome, list(self.rows), self.many)

    def roll_back(self):
        self.record("fail")
        self.surely("ROLLBACK", trans=False)

    def finish(self):
        r = self.random
        if r.random() < 0.12:
            self.roll_back()
            return
        if self.rows:
            self.own_rows()
        # Statements that commit implicitly, too.
        sql, after = r.choice([("COMMIT", False)] * 6 + [("BEGIN", True), ("COMMIT AND CHAIN", True), ("COMMIT AND NO CHAIN NO RELEASE", False)])
        self.committing = True
        got = self.do(sql, trans=after)
        if got is None:
            # Not committed: all is undone, or the transaction is open as before.
            self.committing = False
            self.record("fail")
            self.trans = None
            self.open = False
            self.surely("DO 0")  # tells whether the transaction is still open
            want = len(self.rows) if self.trans else 0
            got = self.do(f"SELECT COUNT(*) FROM b.ledger WHERE teller = {self.number} AND seq = {self.seq}")
            if got is not None and int(got[0][0]) != want:
                self.fault(f"after a failed {sql} {got} of {want} rows are seen")
            self.trans = None
        else:
            self.record("ok")
        self.committing = False
        self.surely("ROLLBACK", trans=False)

    def step(self):
        r = self.random
        r.choice([self.transfer, self.transfer, self.two_halves, self.two_halves, self.whole_owner, self.reopen, self.replace, self.new_owner, self.new_alias, self.read_locked,
                  self.read_locked, self.skip_locked, self.own_rows, self.inner_sum, self.inner_sum, self.locking_sum, self.savepoint, self.savepoint, self.to_savepoint,
                  self.to_savepoint, self.user_lock, self.sleep, self.much, self.much, self.other_tables])()

    def write_rows(self, changes):
        """The ledger and, with the first of them, the marker."""
        if not self.rows:
            self.must(f"INSERT INTO b.marker VALUES ({self.number}, {self.seq}, REPEAT('m', {self.random.randrange(300)}))")
        part = len(self.rows) + self.random.randrange(1000) * 1000
        new = [(part + i, account, amount) for i, (account, amount) in enumerate(changes)]
        self.must("INSERT INTO b.ledger VALUES " + ",".join(f"({self.number}, {self.seq}, {p}, {a}, {n})" for p, a, n in new))
        self.rows += new

    def much(self):
        """More than some sessions' transactions may keep in memory."""
        n = self.random.randint(1, self.most)
        if not self.rows:
            self.write_rows([(self.random.randrange(ACCOUNTS), 0)])
        if self.changed(self.do("INSERT INTO b.bulk VALUES " + ",".join(f"({self.number},{self.seq},{self.many + i},REPEAT('b',{self.random.randrange(600)}))" for i in range(n))), n, "much"):
            self.many += n
        if self.random.random() < 0.3:
            self.do(f"UPDATE b.bulk SET t = CONCAT('c', t), part = part + 100000 WHERE teller = {self.number} AND seq = {self.seq}")
            self.do(f"UPDATE b.bulk SET part = part - 100000 WHERE teller = {self.number} AND seq = {self.seq} AND part >= 100000")

    def apply(self, account, amount):
        self.applied.append((account, amount))
        self.touched = True
        if account in self.locked:
            self.locked[account] += amount

    def delta(self):
        return sum(n for _, n in self.applied)

    def changed(self, got, want, what):
        if got is not None and got != want:
            self.fault(f"{what}: {got} rows changed, not {want}")
        return got is not None

    def transfer(self):
        (a, b), n = self.two(), self.random.randint(1, 50)
        if self.changed(self.do(f"UPDATE b.account SET balance = balance + IF(id = {a}, {n}, -{n}), note = 'one' WHERE id IN ({a}, {b})"), 2, "transfer"):
            self.apply(a, n)
            self.apply(b, -n)
            self.write_rows([(a, n), (b, -n)])

    def two_halves(self):
        (a, b), n = self.two(), self.random.randint(1, 50)
        if not self.changed(self.do(f"UPDATE b.account SET balance = balance - {n} WHERE id = {a}"), 1, "first half"):
            return
        self.apply(a, -n)
        if self.random.random() < 0.2:
            self.inner_sum()
        self.changed(self.must(f"UPDATE b.account SET balance = balance + {n}, note = 'two' WHERE id = {b}"), 1, "second half")
        self.apply(b, n)
        self.write_rows([(a, -n), (b, n)])

    def whole_owner(self):
        """All accounts of an owner pay one to another. Nobody joins or leaves between looking and paying when gaps are locked."""
        if not self.can("FOR UPDATE"):
            return
        r = self.random
        owner = r.randrange(OWNERS)
        got = self.do(f"SELECT id, balance FROM b.account WHERE owner = {owner} FOR UPDATE")
        if not got:
            return
        self.learn(got)
        ids = [int(i) for i, _ in got]
        gaps = self.level in ("REPEATABLE READ", "SERIALIZABLE")
        where = f"owner = {owner}" if gaps else f"id IN ({', '.join(map(str, ids))})"
        if not self.changed(self.do(f"UPDATE b.account SET balance = balance - 1 WHERE {where}"), len(ids), f"all of owner {owner} ({self.level})"):
            return
        for i in ids:
            self.apply(i, -1)
        to = r.randrange(ACCOUNTS)
        self.changed(self.must(f"UPDATE b.account SET balance = balance + {len(ids)} WHERE id = {to}"), 1, "the owner's rest")
        self.apply(to, len(ids))
        self.write_rows([(i, -1) for i in ids] + [(to, len(ids))])

    def fresh_alias(self):
        return f"{self.random.choice('nopq')}{self.number}-{self.seq}-{len(self.trace)}-{self.random.randrange(10**6)}"

    def balance_for_update(self, a):
        if not self.can("FOR UPDATE"):
            return None
        got = self.do(f"SELECT id, balance FROM b.account WHERE id = {a} FOR UPDATE")
        if got is None:
            return None
        self.learn(got)
        if a not in self.locked:
            self.fault(f"account {a} is not there: {got}")
        return self.locked[a]

    def reopen(self):
        """The account is closed, and opened again by another owner."""
        r = self.random
        a = r.randrange(ACCOUNTS)
        balance = self.balance_for_update(a)
        if balance is None:
            return
        if not self.changed(self.do(f"DELETE FROM b.account WHERE id = {a}"), 1, "closing"):
            return
        self.touched = True
        if r.random() < 0.3 and self.must(f"SELECT * FROM b.account WHERE id = {a}") != []:
            self.fault("a deleted row is seen by its own transaction")
        self.changed(self.must(f"INSERT INTO b.account VALUES ({a}, {r.randrange(OWNERS)}, '{self.fresh_alias()}', {balance}, 'opened')"), 1, "opening")
        self.write_rows([(a, 0)])

    def replace(self):
        a = self.random.randrange(ACCOUNTS)
        balance = self.balance_for_update(a)
        if balance is not None and self.changed(self.do(f"REPLACE INTO b.account VALUES ({a}, {self.random.randrange(OWNERS)}, '{self.fresh_alias()}', {balance}, 'replaced')"), 2, "REPLACE"):
            self.touched = True
            self.write_rows([(a, 0)])

    def new_owner(self):
        if self.do(f"UPDATE b.account SET owner = (owner + 1) % {OWNERS} WHERE id = {self.random.randrange(ACCOUNTS)}") is not None:
            self.touched = True

    def new_alias(self):
        """Names that several want."""
        if self.do(f"UPDATE b.account SET alias = 'nick {self.random.randrange(40)}' WHERE id = {self.random.randrange(ACCOUNTS)}", {1062}) is not None:
            self.touched = True

    # ---- reading in a transaction ----

    def learn(self, rows):
        """Rows that are locked now, or were before: then nobody else has changed them."""
        for i, balance in rows:
            i, balance = int(i), int(balance)
            if self.locked.setdefault(i, balance) != balance:
                self.fault(f"account {i} holds {balance}, but had {self.locked[i]} when it was locked ({self.level})")

    def read_locked(self):
        r = self.random
        kinds = [k for k in ("FOR UPDATE", "FOR SHARE", "LOCK IN SHARE MODE") if self.can(k)]
        if not kinds:
            return
        how = r.choice(kinds)
        if self.can("NOWAIT") and r.random() < 0.2 and "MODE" not in how:
            how += " NOWAIT"
        ids = r.sample(range(ACCOUNTS), r.randint(1, 3))
        if self.locked and r.random() < 0.5:
            ids[0] = r.choice(list(self.locked))
        ids = sorted(set(ids))
        got = self.do(f"SELECT id, balance FROM b.account WHERE id IN ({', '.join(map(str, ids))}) {how}", {3572})
        if got is not None:
            if sorted(int(i) for i, _ in got) != ids:
                self.fault(f"locking read of {ids} gave {got}")
            self.learn(got)

    def skip_locked(self):
        if not self.can("SKIP LOCKED"):
            return
        got = self.do(f"SELECT id, balance FROM b.account WHERE id >= {self.random.randrange(ACCOUNTS)} ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED")
        self.learn(got or [])

    def own_rows(self):
        """What the transaction has written, and nothing of what was undone."""
        got = self.do(f"SELECT part, account, amount FROM b.ledger WHERE teller = {self.number} AND seq = {self.seq} ORDER BY part")
        if got is not None and [tuple(map(int, x)) for x in got] != sorted(self.rows):
            self.fault(f"own ledger rows: {got}, not {sorted(self.rows)}")
        if self.many or self.random.random() < 0.2:
            got = self.do(f"SELECT COUNT(*) FROM b.bulk WHERE teller = {self.number} AND seq = {self.seq}")
            if got is not None and got != [(str(self.many).encode(),)]:
                self.fault(f"own rows in b.bulk: {got}, not {self.many}")

    def inner_sum(self):
        """A plain SELECT. REPEATABLE READ: the snapshot, with own newer rows in it; known only while there are none."""
        how = self.random.choice(["", "", " FORCE INDEX (owner) WHERE owner >= 0"])
        got = self.do(f"SELECT SUM(balance), COUNT(*) FROM b.account{how}")
        if self.level in ("READ COMMITTED", "SERIALIZABLE") or self.level == "REPEATABLE READ" and not self.touched:
            self.sum_is(got, SUM + self.delta())

    def locking_sum(self):
        if not self.can("FOR SHARE") or self.random.random() < 0.5:
            return
        gaps = self.level in ("REPEATABLE READ", "SERIALIZABLE")
        how = self.random.choice(["", " FORCE INDEX (owner) WHERE owner >= 0"]) if gaps else ""
        self.sum_is(self.do(f"SELECT SUM(balance), COUNT(*) FROM b.account{how} {self.random.choice(['FOR SHARE', 'FOR UPDATE'])}"), SUM + self.delta())

    # ---- savepoints ----

    def savepoint(self):
        name = f"s{self.random.randrange(3)}"
        if self.do(f"SAVEPOINT {name}", trans=None if self.trans is None else True) is not None:
            self.savepoints = [s for s in self.savepoints if s[0] != name] + [(name, len(self.rows), len(self.applied), self.touched, self.many)]

    def to_savepoint(self):
        if not self.savepoints:
            return
        i = self.random.randrange(len(self.savepoints))
        name, rows, applied, touched, many = self.savepoints[i]
        if self.random.random() < 0.2:
            if self.do(f"RELEASE SAVEPOINT {name}") is not None:
                self.savepoints = self.savepoints[:i]
            return
        if self.do(f"ROLLBACK TO {name}") is None:
            return
        for account, amount in self.applied[applied:]:
            if account in self.locked:
                self.locked[account] -= amount
        self.savepoints = self.savepoints[:i + 1]
        self.rows, self.applied, self.touched, self.many = self.rows[:rows], self.applied[:applied], touched, many
        if self.random.random() < 0.5:
            self.own_rows()
