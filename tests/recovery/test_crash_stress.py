# SPDX-License-Identifier: Apache-2.0
"""kill -9 under the stress of tests/kill/test_stress.py, again and again: afterwards every acknowledged transaction is wholly there, every one
that failed or had not come to its COMMIT is wholly absent, one in flight is either (lib/bank.py: rows in a ledger, a marker row in another
table, and the balances themselves must say the same). Now and then the restart is killed as well. QUELL_CRASH_ROUNDS: rounds."""
import os
import random
import time

import quell
from bank import WAITS, Bank, Teller
from harness import main
from wire import Err, Watcher

ROUNDS = int(os.environ.get("QUELL_CRASH_ROUNDS", "50"))
SEED = int(os.environ.get("QUELL_CRASH_SEED", "1"))
SESSIONS = 8
built = []  # what cannot be done, what can: asked once


class Crash(Teller):
    """A teller whose server goes away: then its session just ends."""

    def much(self):
        self.most = 6000 if self.random.random() < 0.1 else 200  # large ones are applied on their own
        super().much()

    def work(self):
        self.transaction() if self.random.random() < 0.85 else super().work()


LEAST = 8  # transactions acknowledged in a round


def acknowledged(tellers):
    return sum(o[0] == "ok" for t in tellers for o in list(t.outcomes.values()))


def fire(bank, tellers, watch, seconds, r):
    """Kills meanwhile, as in the stress; until there is something that a crash could lose, however slow the machine is."""
    until = time.monotonic() + seconds
    patience = until + 60
    while time.monotonic() < until or (acknowledged(tellers) < LEAST and time.monotonic() < patience):
        t = r.choice(tellers)
        assert not t.problem, t.problem
        target = t.id
        if target:
            what = "CONNECTION" if r.random() < 0.1 else "QUERY"
            if what == "CONNECTION":
                with bank.mutex:
                    bank.doomed.add(target)
            try:
                watch.kill(target, what)
            except Err as e:
                assert e.code == 1094, e
        time.sleep(r.random() * 0.02)


def one_round(server, bank, tellers_of, n, r):
    """Runs until the crash. The tellers of a server's life are new ones: numbers and so transactions never repeat."""
    tellers = [Crash(bank, n * SESSIONS + i, SEED * 10**6 + n * SESSIONS + i) for i in range(SESSIONS)]
    bank.stop.clear()
    bank.holders.clear()
    bank.doomed.clear()
    watch = Watcher(server)
    for t in tellers:
        t.start()
    try:
        fire(bank, tellers, watch, 0.05 + r.random() * 0.5, r)
        server.kill9()
    finally:
        bank.stop.set()
        for t in tellers:
            t.join(70)
    watch.close()
    for t in tellers:
        assert not t.is_alive(), "a session hangs"
        assert not t.problem, t.problem
    tellers_of.extend(tellers)


def crash_rounds(rounds, args, durable=True):
    r = random.Random(SEED)
    server = quell.Server(args=[*WAITS, *args])
    server.start()
    bank = Bank(server)
    watch = Watcher(server)
    bank.create(watch)
    if not built:
        built.append(bank.probe())
        built.append(bank.features)
    missing, bank.features = built
    watch.close()
    all_tellers, there = [], 0
    for n in range(rounds):
        one_round(server, bank, all_tellers, n, r)
        while r.random() < 0.2:  # a crash while it comes up
            server.start(wait=False)
            time.sleep(r.random() * 0.05)
            server.kill9()
        server.start()
        watch = Watcher(server)
        there = bank.check(watch, all_tellers, durable)
        watch.close()
    outcomes = {}
    for t in all_tellers:
        for k, _, _ in t.outcomes.values():
            outcomes[k] = outcomes.get(k, 0) + 1
    print(f"# {rounds} rounds, {there} transactions there, told {outcomes}" + (f"; without {missing}" if missing else ""))
    assert there > rounds * 5
    assert server.stop() == 0, server.log_text()[-4000:]
    server.remove()


def test_crash_under_stress():
    crash_rounds(ROUNDS, [])


def test_written_but_not_synced():
    """innodb_flush_log_at_trx_commit = 2: a crash of the server alone loses nothing."""
    crash_rounds(max(1, ROUNDS // 10), ["--innodb-flush-log-at-trx-commit=2"])


def test_not_even_written():
    """= 0: the last second may be lost, whole transactions of it."""
    crash_rounds(max(1, ROUNDS // 10), ["--innodb-flush-log-at-trx-commit=0"], durable=False)


if __name__ == "__main__":
    main(globals())
