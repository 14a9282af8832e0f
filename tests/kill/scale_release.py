# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""Letting go of much costs what letting go of little costs: whoever waits for a row gets it as soon when the killed session had changed
100,000 rows as when it had changed 100, and a rollback takes as long for the one as for the other. Times are only compared with each other."""
import statistics
import time

import quell
from harness import main
from wire import Watcher, Wire

SMALL, BIG, ROUNDS = 100, 100_000, 9
# Flat, but for what the reclaimer's munmap of the garbage costs a neighbour: either this many times the small one, or this part of the time
# that the changes took. Work for each row on the session's thread would exceed both.
FACTOR, PART = 12, 100
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=20"])
server.start()
watch = Watcher(server)

# What the session did in its transaction; the waiter wants the last of its rows.
WORK = {
    "update": "UPDATE r.t SET v = v + 1 WHERE id <= {n}",
    "delete": "DELETE FROM r.t WHERE id <= {n}",
    "insert": "INSERT INTO r.t SELECT id + 1000000, v, c FROM r.t WHERE id <= {n}",
    "lock": "SELECT MAX(v) FROM r.t WHERE id <= {n} FOR UPDATE",
    "lock one by one": "SELECT MAX(v) FROM r.t FORCE INDEX (c) WHERE c < '{c}' FOR UPDATE",
}


def is_flat(small, big, change):
    return big <= FACTOR * small or big <= change / PART


def test_setup():
    watch.query("CREATE DATABASE r")
    watch.query("CREATE TABLE r.t (id INT PRIMARY KEY, v INT, c CHAR(8), KEY v (v), KEY c (c))")
    for base in range(1, BIG + 1, 10_000):
        watch.query("INSERT INTO r.t VALUES " + ",".join(f"({i}, 0, '{i:08}')" for i in range(base, base + 10_000)))


def victim_with(work, n):
    w = Wire(server)
    w.query("BEGIN")
    t = time.monotonic()
    w.query(work.format(n=n, c=f"{n + 1:08}"))
    return w, time.monotonic() - t


def wanted(what, n):
    """A statement that waits for the last row and changes nothing."""
    return f"UPDATE r.t SET v = v WHERE id = {n + 1000000 if what == 'insert' else n}"


def seconds_to_grant(what, work, n):
    victim, change = victim_with(work, n)
    waiter = Wire(server)
    waiter.send(wanted(what, n))
    watch.until_state(waiter.id, "Waiting for row lock")
    t = time.monotonic()
    watch.send(f"KILL {victim.id}")
    waiter.result()
    t = time.monotonic() - t
    watch.result()
    victim.close()
    waiter.quit()
    watch.until_calm(seconds=60)
    return t, change


def test_kill_connection():
    faults = []
    for what, work in WORK.items():
        small = [seconds_to_grant(what, work, SMALL)[0] for _ in range(ROUNDS)]
        big, changes = zip(*[seconds_to_grant(what, work, BIG) for _ in range(ROUNDS)])
        a, b = statistics.median(small), min(big)
        print(f"# {what}: {SMALL} rows {a * 1e3:.2f} ms, {BIG} rows {statistics.median(big) * 1e3:.2f} ms (best {b * 1e3:.2f})", flush=True)
        if not is_flat(a, b, min(changes)):
            faults.append(f"{what}: {BIG} rows need {b / a:.0f} times as long as {SMALL}")
        assert watch.query("SELECT COUNT(*), SUM(v) FROM r.t") == [(str(BIG).encode(), b"0")]
    assert not faults, faults


def seconds_to_end(prepare, sql, n):
    """Time of the statement that lets go."""
    w = Wire(server)
    t = time.monotonic()
    for p in prepare:
        w.query(p.format(n=n))
    change = time.monotonic() - t
    t = time.monotonic()
    w.query(sql)
    t = time.monotonic() - t
    w.query("ROLLBACK")
    w.quit()
    watch.until_calm(seconds=60)
    return t, change


def test_rollback():
    for prepare, sql in ((["BEGIN", WORK["update"]], "ROLLBACK"), (["BEGIN", "SAVEPOINT s", WORK["delete"], WORK["insert"]], "ROLLBACK TO s"),
                         (["BEGIN", "UPDATE r.t SET v = 7 WHERE id = 1", WORK["lock"]], "ROLLBACK")):
        small = [seconds_to_end(prepare, sql, SMALL)[0] for _ in range(ROUNDS)]
        big, changes = zip(*[seconds_to_end(prepare, sql, BIG) for _ in range(ROUNDS)])
        a, b = statistics.median(small), min(big)
        print(f"# {sql} ({prepare[-1][:6]}): {SMALL} rows {a * 1e3:.2f} ms, {BIG} rows {statistics.median(big) * 1e3:.2f} ms (best {b * 1e3:.2f})", flush=True)
        assert is_flat(a, b, min(changes)), f"{sql}: {b / a:.0f} times as long"


def test_killed_statement():
    """KILL QUERY of a statement that has changed much: it is undone, and its transaction's other work stays."""
    for n in (SMALL, BIG):
        times, changes = [], []
        for _ in range(ROUNDS):
            victim = Wire(server)
            victim.query("BEGIN")
            victim.query("INSERT INTO r.t VALUES (5000000, 0, 'x')")
            t = time.monotonic()
            victim.send(WORK["update"].format(n=n) + " AND (id < {0} OR SLEEP(100) = 0)".format(n))
            watch.until_state(victim.id, "User sleep")
            changes.append(time.monotonic() - t)
            t = time.monotonic()
            watch.kill(victim.id)
            assert victim.error() == 1317
            times.append(time.monotonic() - t)
            assert victim.query("SELECT COUNT(*), SUM(v) FROM r.t") == [(str(BIG + 1).encode(), b"0")]
            victim.query("ROLLBACK")
            victim.quit()
        print(f"# KILL QUERY behind {n} rows: {statistics.median(times) * 1e3:.2f} ms (best {min(times) * 1e3:.2f})")
        if n == SMALL:
            small = statistics.median(times)
    assert is_flat(small, min(times), min(changes)), f"{min(times) / small:.0f} times as long"
    watch.until_calm()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
