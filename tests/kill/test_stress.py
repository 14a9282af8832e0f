# SPDX-License-Identifier: Apache-2.0
"""Eight tellers at a bank (lib/bank.py), under constant fire: KILL QUERY, KILL CONNECTION, limits, clients that vanish. Whatever happens, errors
are of the expected kind, every transaction is wholly there or not at all, and nothing is left at the end: no lock of any kind, transaction,
snapshot, overlay or ticket. Runs under ASan and TSan. QUELL_STRESS: seconds (minutes by hand); QUELL_STRESS_SEED: other choices."""
import os
import random
import time

import quell
from bank import USER_LOCKS, WAITS, Bank, Teller
from harness import main
from wire import Err, Watcher, Wire

SECONDS = float(os.environ.get("QUELL_STRESS", "30"))
SEED = int(os.environ.get("QUELL_STRESS_SEED", "0"))
SESSIONS = 8

QUIET, LONG = 3.0, 15.0  # seconds without kills; until then everybody must have got on, or somebody waits for what will never come
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", *WAITS])
server.start()
watch = Watcher(server)
bank = Bank(server)
figures = {"QUERY": 0, "CONNECTION": 0}


def test_features():
    """Nothing of what the tellers do is left out."""
    bank.create(watch)
    missing = bank.probe()
    watch.until_calm()
    assert not missing, "not built, so not tested here: " + ", ".join(missing)


def everybody_gets_on(tellers):
    """Kills break any wait. Without them a deadlock that nobody found, or a grant that went astray, lasts."""
    before = {t: (t.answers, t.ended) for t in tellers}
    begun = time.monotonic()
    while (stuck := [t for t in tellers if before[t] == (t.answers, t.ended)]) or time.monotonic() < begun + QUIET:
        for t in tellers:
            if t.problem:
                raise AssertionError(t.problem)
        if stuck and time.monotonic() > begun + LONG:
            waits = watch.query("SELECT ID, TIME_MS, STATE, WAITS_FOR, LEFT(INFO, 100) FROM information_schema.PROCESSLIST")
            raise AssertionError(f"connections {[t.id for t in stuck]} have waited for {LONG} seconds:\n" + "\n".join(map(str, waits)))
        time.sleep(0.05)


def shoot(tellers, until):
    r = random.Random(SEED + 7)
    concurrency = ["0", "2", "4"] if "ticket given back in lock waits" in bank.features else ["0"]
    turn = 0
    quiet = time.monotonic() + SECONDS / 3
    while time.monotonic() < until:
        if time.monotonic() > quiet:
            everybody_gets_on(tellers)
            quiet = time.monotonic() + SECONDS / 3
        t = r.choice(tellers)
        if t.problem:
            raise AssertionError(t.problem)
        target = t.id
        if target:
            what = "CONNECTION" if r.random() < 0.15 else "QUERY"
            if what == "CONNECTION":
                with bank.mutex:
                    bank.doomed.add(target)
            try:
                watch.kill(target, what)
                figures[what] += 1
            except Err as e:
                assert e.code == 1094, e
        turn += 1
        if turn % 200 == 0:
            watch.query(f"SET GLOBAL innodb_thread_concurrency = {r.choice(concurrency)}")
        time.sleep(r.random() * 0.006)
    watch.query("SET GLOBAL innodb_thread_concurrency = 0")


def test_bank_under_fire():
    tellers = [Teller(bank, i, SEED * 1000 + i) for i in range(SESSIONS)]
    for t in tellers:
        t.start()
    try:
        shoot(tellers, time.monotonic() + SECONDS)
    finally:
        bank.stop.set()
        for t in tellers:
            t.join(60)
    for t in tellers:
        assert not t.is_alive(), f"a session hangs:\n{watch.query('SHOW FULL PROCESSLIST')}"
        assert not t.problem, t.problem
    watch.until_calm(seconds=30)
    there = bank.check(watch, tellers)
    spills = int(watch.status("Quell_spills").get("Quell_spills", 0))
    done, ended = sum(t.done for t in tellers), sum(t.ended for t in tellers)
    print(f"# longest statement {max(t.longest for t in tellers)}")
    errors, outcomes = {}, {}
    for t in tellers:
        for k, v in t.errors.items():
            errors[k] = errors.get(k, 0) + v
        for k, _, _ in t.outcomes.values():
            outcomes[k] = outcomes.get(k, 0) + 1
    print(f"# {done} pieces of work, {there} transactions there {outcomes}, {spills} spills, {ended} sessions ended, kills {figures}, errors {dict(sorted(errors.items()))}")
    assert spills > 0 or "spilling" not in bank.features
    assert done > 100 and there > 20 and errors.get(1317, 0) > 10 and ended > 10


def test_nothing_is_left():
    """No lock of any kind: whoever comes gets everything at once."""
    w = Wire(server)
    w.query("SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
    for name in USER_LOCKS if "user locks" in bank.features else ():
        assert w.value(f"SELECT IS_USED_LOCK('{name}')") is None and w.value(f"SELECT GET_LOCK('{name}', 0)") == "1", name
    w.query("BEGIN")
    w.query("UPDATE b.account SET note = 'mine'")
    w.query("ROLLBACK")
    if "LOCK TABLES" in bank.features:
        w.query("LOCK TABLES b.account WRITE, b.ledger WRITE, b.marker WRITE, b.cash WRITE, b.log WRITE")
        w.query("UNLOCK TABLES")
    if "FLUSH TABLES WITH READ LOCK" in bank.features:
        w.query("FLUSH TABLES WITH READ LOCK")
        w.query("UNLOCK TABLES")
    w.quit()
    for of_others in ("performance_schema.data_locks", "performance_schema.data_lock_waits", "information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID()",
                      "performance_schema.metadata_locks WHERE OBJECT_SCHEMA = 'b'"):
        assert watch.query(f"SELECT * FROM {of_others}") == [], of_others
    watch.query("SET GLOBAL innodb_thread_concurrency = 1")
    with Wire(server) as a, Wire(server) as b:  # all tickets are there
        a.query("SET max_statement_time = 2")
        for x in (a, b, a, b):
            assert x.value("SELECT COUNT(*) FROM b.account") == "60"
    watch.query("SET GLOBAL innodb_thread_concurrency = 0")
    watch.until_calm()


def test_stops_clean():
    assert server.stop() == 0, server.log_text()[-6000:]
    server.start()
    with Wire(server) as w:
        assert w.value("SELECT SUM(balance) FROM b.account") == w.value("SELECT SUM(balance) FROM b.cash") == "60000"


def close_all():
    watch.close()
    if server.proc is not None:
        server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
