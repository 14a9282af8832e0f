# SPDX-License-Identifier: Apache-2.0
"""A queue of jobs under SKIP LOCKED, with workers that are killed all the time: each job is done exactly once, none is lost, and an idle
worker always gets the next free one. And two kinds of booking that only locks can keep right: seats that are looked up before they are taken,
and a counter that is read for update."""
import random
import threading
import time

import quell
import wire
from harness import main
from wire import Watcher, Wire

FAST = ["--innodb-flush-log-at-trx-commit=0", "--loose-disk-reserve=0"]
# Freed memory that ASan keeps back is given back in one go, which takes 100 ms once 256 MB (its default) have gathered: less, more often.
server = quell.Server(args=FAST)
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE q")
SECONDS = 2
CUT = (wire.Closed, BrokenPipeError, ConnectionResetError)


class Worker(threading.Thread):
    """Runs self.work again and again in sessions that may be killed under it."""

    def __init__(self, number, isolation):
        super().__init__(daemon=True)
        self.number, self.isolation = number, isolation
        self.random = random.Random(number)
        self.w, self.done, self.failed, self.error = None, 0, 0, None
        self.stop = False

    def open(self):
        self.w = Wire(server)
        self.w.query(f"SET SESSION TRANSACTION ISOLATION LEVEL {self.isolation}")

    def run(self):
        try:
            while not self.stop:
                try:
                    if self.w is None:
                        self.open()
                    self.work(self.w)
                    self.done += 1
                except wire.Err as e:
                    self.failed += 1
                    if e.code not in (1317, 1213, 1205):
                        raise
                    self.again()
                except CUT:
                    self.failed += 1
                    self.w = None
        except BaseException as e:  # noqa
            self.error = e

    def again(self):
        while self.w is not None:
            try:
                self.w.query("ROLLBACK")
                return
            except wire.Err as e:
                if e.code != 1317:
                    raise
            except CUT:
                self.w = None


def run(workers, seconds=SECONDS):
    rnd = random.Random(7)
    for w in workers:
        w.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and all(w.is_alive() for w in workers):
        rows = watch.query("SELECT ID FROM information_schema.PROCESSLIST WHERE DB IS NULL AND ID <> CONNECTION_ID()")
        if rows:
            what = "QUERY" if rnd.random() < 0.7 else "CONNECTION"
            assert watch.error(f"KILL {what} {int(rnd.choice(rows)[0])}") in (0, 1094), watch.last  # it may have gone
        time.sleep(0.005)
    for w in workers:
        w.stop = True
    for w in workers:
        w.join(60)
        assert not w.is_alive(), "a worker hangs"
    for w in workers:
        if w.error is not None:
            raise w.error
    assert sum(w.failed for w in workers) > 5, "hardly a kill has hit"
    for w in workers:
        if w.w is not None:
            w.w.quit()
    watch.until_calm()


def queue(isolation):
    jobs = 3000
    for sql in ("DROP TABLE IF EXISTS q.job, q.result",
                "CREATE TABLE q.job (id INT PRIMARY KEY, state INT, KEY (state))", "CREATE TABLE q.result (id INT PRIMARY KEY, worker INT)",
                "INSERT INTO q.job VALUES " + ", ".join(f"({i}, 0)" for i in range(jobs))):
        watch.query(sql)

    class Taker(Worker):
        def work(self, w):
            w.query("BEGIN")
            rows = w.query("SELECT id FROM q.job WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
            if rows:
                job = int(rows[0][0])
                w.query(f"INSERT INTO q.result VALUES ({job}, {self.number})")
                w.query(f"UPDATE q.job SET state = 1 WHERE id = {job}")
            w.query("COMMIT")

    run([Taker(i, isolation) for i in range(4)])
    free = int(watch.query("SELECT COUNT(*) FROM q.job WHERE state = 0")[0][0])
    done = int(watch.query("SELECT COUNT(*) FROM q.result")[0][0])
    both = int(watch.query("SELECT COUNT(*) FROM q.result JOIN q.job ON job.id = result.id AND job.state = 1")[0][0])
    assert done == both == jobs - free, (done, both, free)
    assert done > 20, done
    assert len(watch.query("SELECT id FROM q.job WHERE state = 0 FOR UPDATE NOWAIT")) == free


def test_queue_repeatable_read():
    queue("REPEATABLE READ")


def test_queue_read_committed():
    queue("READ COMMITTED")


def test_seats_are_not_sold_twice():
    """There is no unique key: what keeps two buyers of a seat apart is the gap that both looked into."""
    for sql in ("DROP TABLE IF EXISTS q.seat", "CREATE TABLE q.seat (n INT, buyer INT, KEY (n))"):
        watch.query(sql)

    class Buyer(Worker):
        def work(self, w):
            seat = self.random.randrange(60)
            w.query("BEGIN")
            if not w.query(f"SELECT buyer FROM q.seat WHERE n = {seat} FOR UPDATE"):
                w.query(f"INSERT INTO q.seat VALUES ({seat}, {self.number})")
            w.query("COMMIT")
            if self.random.random() < 0.3:
                w.query(f"DELETE FROM q.seat WHERE n = {self.random.randrange(60)}")

    run([Buyer(i, "REPEATABLE READ") for i in range(4)])
    assert watch.query("SELECT n, COUNT(*) FROM q.seat GROUP BY n HAVING COUNT(*) > 1") == []


def test_seats_when_serializable():
    for sql in ("DROP TABLE IF EXISTS q.seat", "CREATE TABLE q.seat (n INT, buyer INT, KEY (n))"):
        watch.query(sql)

    class Buyer(Worker):
        def work(self, w):
            seat = self.random.randrange(30)
            w.query("BEGIN")
            if not w.query(f"SELECT buyer FROM q.seat WHERE n = {seat}"):
                w.query(f"INSERT INTO q.seat VALUES ({seat}, {self.number})")
            w.query("COMMIT")
            if self.random.random() < 0.3:
                w.query(f"DELETE FROM q.seat WHERE n = {self.random.randrange(30)}")

    run([Buyer(i, "SERIALIZABLE") for i in range(4)])
    assert watch.query("SELECT n, COUNT(*) FROM q.seat GROUP BY n HAVING COUNT(*) > 1") == []


def counter(isolation, how):
    watch.query("DROP TABLE IF EXISTS q.counter, q.entry")
    watch.query("CREATE TABLE q.counter (id INT PRIMARY KEY, v INT)")
    watch.query("CREATE TABLE q.entry (v INT PRIMARY KEY)")
    watch.query("INSERT INTO q.counter VALUES (1, 0)")

    class Counter(Worker):
        def work(self, w):
            w.query("BEGIN")
            if how == "read":
                v = int(w.query("SELECT v FROM q.counter WHERE id = 1 FOR UPDATE")[0][0]) + 1
                w.query(f"UPDATE q.counter SET v = {v} WHERE id = 1")
            else:
                w.query("UPDATE q.counter SET v = v + 1 WHERE id = 1")
                v = int(w.query("SELECT v FROM q.counter WHERE id = 1")[0][0])
            w.query(f"INSERT INTO q.entry VALUES ({v})")  # 1062 would be an update lost
            w.query("COMMIT")

    run([Counter(i, isolation) for i in range(4)], 2)
    assert watch.query("SELECT v FROM q.counter") == watch.query("SELECT COUNT(*) FROM q.entry") == watch.query("SELECT MAX(v) FROM q.entry")


def test_no_update_is_lost():
    for isolation in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        for how in ("read", "computed"):
            counter(isolation, how)


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
