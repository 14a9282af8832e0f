# SPDX-License-Identifier: Apache-2.0
"""EXPLAIN FOR CONNECTION and kills: a statement that is asked goes on and gives what it would have given; who asks never waits for one that
has ended or is killed, and nobody who is asked waits for who asks."""
import random
import threading
import time

import quell
from harness import main
from wire import Closed, Err, Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE k")
watch.query("CREATE TABLE k.t (id INT PRIMARY KEY, a INT)")
watch.query("INSERT INTO k.t VALUES " + ",".join(f"({i}, {i % 10})" for i in range(1000)))

FORMATS = ("TRADITIONAL", "TREE", "JSON")


def ask(w, conn_id, form="TREE"):
    got = w.query(f"EXPLAIN FORMAT={form} FOR CONNECTION {conn_id}")
    return got[0][0].decode() if isinstance(got, list) else None


def test_at_work():
    """On the processor, in joins, sorts, long evaluations: answered at the next look, and the result is that of a statement left alone."""
    v = Wire(server)
    for sql, part in (("SELECT COUNT(*) FROM k.t AS x JOIN k.t AS y ON x.a < y.a", "Nested loop inner join"), ("SELECT MAX(MD5(CONCAT(x.id, y.id))) FROM k.t AS x, k.t AS y WHERE x.id < 30", "Aggregate"),
                      ("SELECT BENCHMARK(100000, MD5('x'))", "Rows fetched"), ("SELECT x.id FROM k.t AS x, k.t AS y WHERE y.id < 30 ORDER BY MD5(x.id + y.id) LIMIT 3", "Sort: md5")):
        expected = v.query(sql)
        seen = 0
        for _ in range(50):
            v.send(sql)
            for form in FORMATS:
                got = ask(watch, v.id, form)
                seen += form == "TREE" and got is not None and part in got
            assert v.result() == expected, sql
            if seen > 2:
                break
        assert seen > 2, sql
    v.quit()


def asker_waits(v, w):
    """v runs a query and stands at the point before its answer; w waits for that."""
    v.query("SET DEBUG_SYNC = 'before_answer SIGNAL asked WAIT_FOR go TIMEOUT 1000'")
    v.send("SELECT SLEEP(0.3) FROM k.t WHERE id = 1")
    watch.until_state(v.id, "User sleep")
    w.send(f"EXPLAIN FORMAT=TREE FOR CONNECTION {v.id}")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR asked'")
    watch.until_state(w.id, "Waiting for answer")


def test_asker_is_killed():
    v, w = Wire(server), Wire(server)
    asker_waits(v, w)
    watch.kill(w.id)
    assert w.error() == 1317
    assert w.value("SELECT 'next'") == "next"
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    assert v.result() == [(b"0",)] or v.error() == 0, "the statement that was asked goes on"
    asker_waits(v, w)
    watch.kill(w.id, "CONNECTION")
    assert w.error() == 2013
    watch.until_gone(w.id)
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    v.result()
    v.quit()
    w.close()


def test_asked_is_killed():
    w = Wire(server)
    for what, code in (("QUERY", 1317), ("CONNECTION", 2013)):
        v = Wire(server)
        asker_waits(v, w)
        watch.kill(v.id, what)
        assert v.error() == code
        assert w.error() == 0, "no answer, as of an idle session"
        assert w.value("SELECT 'next'") == "next"
        v.close()
    v = Wire(server)
    asker_waits(v, w)
    v.close()  # the client goes away
    assert w.error() == 0
    w.quit()
    watch.until_calm()


def test_many_ask_at_once():
    v = Wire(server)
    v.send("SELECT SLEEP(1000) FROM k.t")
    watch.until_state(v.id, "User sleep")
    askers = [Wire(server) for _ in range(8)]
    for _ in range(10):
        for i, a in enumerate(askers):
            a.send(f"EXPLAIN FORMAT={FORMATS[i % 3]} FOR CONNECTION {v.id}")
        for a in askers:
            assert a.result()
    watch.until_state(v.id, "User sleep")  # it may still be on its way back from the last answer
    watch.kill(v.id)
    assert v.error() == 1317
    for a in askers:
        a.quit()
    v.quit()


def test_under_kills():
    """Statements that start, end and are killed all the time, asked all the time by some who are killed, too: all answer, nothing is left."""
    stop = time.monotonic() + 3
    asked = [0]
    failures = []
    victims = []

    def victim(seed):
        rng = random.Random(seed)
        w = Wire(server)
        victims.append(w.id)
        try:
            while time.monotonic() < stop:
                code = w.error(rng.choice(("SELECT COUNT(*) FROM k.t AS x, k.t AS y WHERE x.id < 50", "SELECT SLEEP(0.01)", "SELECT 1", "DO 1", "UPDATE k.t SET a = a WHERE id = 3",
                                           "EXPLAIN ANALYZE SELECT * FROM k.t ORDER BY MD5(id)")))
                if code == 2013:
                    w.close()
                    w = Wire(server)
                    victims.append(w.id)
                elif code not in (0, 1317, 1205, 1213):
                    failures.append(("victim", code, w.last))
            w.quit()
        except BaseException as e:  # noqa: the thread's verdict
            failures.append(("victim", e))

    def asker(seed):
        rng = random.Random(seed)
        w = Wire(server)
        victims.append(w.id)
        try:
            while time.monotonic() < stop:
                code = w.error(f"EXPLAIN FORMAT={rng.choice(FORMATS)} FOR CONNECTION {rng.choice(victims)}")
                asked[0] += code == 0
                if code == 2013:
                    w.close()
                    w = Wire(server)
                    victims.append(w.id)
                elif code not in (0, 1094, 1317, 3012):
                    failures.append(("asker", code, w.last))
            w.quit()
        except BaseException as e:  # noqa: the thread's verdict
            failures.append(("asker", e))

    threads = [threading.Thread(target=f, args=(i,)) for i, f in enumerate((victim, victim, victim, asker, asker))]
    for t in threads:
        t.start()
    rng = random.Random(7)
    while time.monotonic() < stop:
        try:
            watch.kill(rng.choice(victims), rng.choice(("QUERY", "QUERY", "QUERY", "CONNECTION")))
        except (Err, IndexError):
            pass
        time.sleep(0.004)
    for t in threads:
        t.join(30)
        assert not t.is_alive(), "hangs"
    assert not failures, failures[:3]
    assert asked[0] > 50
    watch.until_calm()
    print(f"# {asked[0]} answers")


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
