# SPDX-License-Identifier: Apache-2.0
"""Tables without transactions (ENGINE=MyISAM) under kills: whenever and however a statement is ended, the rows it has changed so far stay
and no others (a prefix, in the order it goes through them), every index says the same as the rows, nothing is left behind, and
transactional tables of the same statement or transaction are as they should be."""
import contextlib
import os
import random
import threading
import time

import quell
from harness import main
from wire import Closed, Err, Watcher, Wire

MOST = int(os.environ.get("QUELL_SWEEP", "24")) // 4
FAST = ["--innodb-flush-log-at-trx-commit=0"]
server = quell.Server(args=FAST)
server.start()
watch = Watcher(server)

ROWS = 1100  # more than a block
DEFINITION = "(id INT PRIMARY KEY, g INT, v VARCHAR(50), KEY (g), UNIQUE KEY (v))"


def row(i):
    return (i, i % 7, f"value {i}")


def values(rows):
    return ",".join(f"({i}, {g}, '{v}')" for i, g, v in rows)


FIRST = [row(i) for i in range(ROWS)]


def changed_to(f):
    """All the images a statement can leave that changes the rows one after the other by f."""
    def image(k):
        return sorted([f(r) for r in FIRST[:k]] + FIRST[k:])
    return image


def added(rows):
    return lambda k: sorted(FIRST + rows[:k])


NEW = [(i, 1, f"new {i}") for i in range(5000, 5400)]
# (statement, rows it changes, image after the first k of them)
WRITES = [
    ("INSERT INTO s.m VALUES " + values(NEW), len(NEW), added(NEW)),
    ("INSERT INTO s.m SELECT id + 10000, g, CONCAT('copy ', v) FROM s.src", ROWS, added([(i + 10000, g, f"copy {v}") for i, g, v in FIRST])),
    ("INSERT INTO s.m SELECT id + 10000, g, CONCAT('self ', v) FROM s.m", ROWS, added([(i + 10000, g, f"self {v}") for i, g, v in FIRST])),
    ("UPDATE s.m SET g = g + 1000, v = CONCAT(v, '!')", ROWS, changed_to(lambda r: (r[0], r[1] + 1000, r[2] + "!"))),
    ("UPDATE s.m SET id = id + 100000", ROWS, changed_to(lambda r: (r[0] + 100000, r[1], r[2]))),
    ("DELETE FROM s.m", ROWS, lambda k: FIRST[k:]),
    ("REPLACE INTO s.m SELECT id, g + 50, CONCAT('r ', v) FROM s.src", ROWS, changed_to(lambda r: (r[0], r[1] + 50, "r " + r[2]))),
    ("INSERT INTO s.m SELECT id, g, 'any' FROM s.src ORDER BY id ON DUPLICATE KEY UPDATE g = s.m.g + 7", ROWS, changed_to(lambda r: (r[0], r[1] + 7, r[2]))),
    ("UPDATE s.m JOIN s.i ON s.m.id = s.i.id SET s.m.g = 77, s.i.g = 78", ROWS, changed_to(lambda r: (r[0], 77, r[2]))),
]
JOIN = WRITES[-1][0]


def decode(rows):
    return [tuple(int(c) if n < 2 else c.decode() for n, c in enumerate(r)) for r in rows]


def reset():
    watch.query("TRUNCATE TABLE s.m")
    watch.query("INSERT INTO s.m VALUES " + values(FIRST))
    watch.query("UPDATE s.i SET g = 0 WHERE g <> 0")


def image():
    return decode(watch.query("SELECT id, g, v FROM s.m ORDER BY id"))


def indexes_agree():
    got = watch.query("CHECK TABLE s.m")
    assert [r[2:] for r in got] == [(b"status", b"OK")], got


def points(n):
    if n <= MOST:
        return range(1, n + 1)
    edge = MOST // 4
    inner = range(edge + 1, n - edge + 1)
    return sorted({*range(1, edge + 1), *inner[::max(1, len(inner) // (MOST - 2 * edge))], *range(n - edge + 1, n + 1)})


class Runner:
    def __init__(self):
        self.w = Wire(server)

    def run(self, sql, arm=None):
        if arm:
            self.w.query(f"SET DEBUG_SYNC = '{arm}'")
        try:
            self.w.query(sql)
            return 0
        except Err as e:
            self.last = e
            return e.code
        except (Closed, ConnectionResetError, BrokenPipeError):
            return 2013

    def again_if_dead(self, kind, code):
        if code == 2013 or kind in ("CONNECTION", "GONE") and code:
            self.w.at_end()
            watch.until_gone(self.w.id)
            self.w.close()
            self.w = Wire(server)
            return True
        return False


def sweep(kind, codes, arm="kill_at {i} {kind}"):
    ended = parts = 0
    for sql, rows, after in WRITES if kind in ("QUERY", "ALLOC") else WRITES[1:8:2]:
        reset()
        assert image() == FIRST
        r = Runner()
        assert r.run(sql) == 0, r.last
        n = int(r.w.query(f"SHOW STATUS LIKE 'Quell_last_{'checkpoints' if arm.startswith('kill') else 'allocs'}'")[0][1])
        assert image() == after(rows), f"{sql[:200]} does not do what the model says"
        for i in points(n):
            reset()
            code = r.run(sql, arm.format(i=i, kind=kind))
            what = f"{sql[:200]}\n{arm.format(i=i, kind=kind)} of {n}: {code} {getattr(r, 'last', '')}"
            assert code == 0 or code in codes, what
            dead = r.again_if_dead(kind, code)
            got = image()
            k = next((k for k in range(rows + 1) if got == after(k)), None)
            assert k is not None, f"{what}: {len(got)} rows that are no prefix of the changes"
            assert code or k == rows, f"{what}: success after {k} of {rows} rows"
            indexes_agree()
            if sql == JOIN:
                done = watch.value("SELECT COUNT(*) FROM s.i WHERE g = 78")
                assert done == ("0" if code and not dead else done) and done in ("0", str(ROWS)), f"{what}: {done} rows of the transactional table"
            assert r.w.value("SELECT 'next'") == "next"
            ended += code != 0
            parts += 0 < k < rows
        r.w.quit()
        watch.until_calm()
    assert ended and parts, (ended, parts)
    print(f"# {kind}: {ended} statements ended, {parts} with a part of their rows changed")


def test_setup():
    watch.query("CREATE DATABASE s")
    watch.query(f"CREATE TABLE s.m {DEFINITION} ENGINE=MyISAM")
    for t in ("src", "i"):
        watch.query(f"CREATE TABLE s.{t} {DEFINITION} ENGINE=InnoDB")
        watch.query(f"INSERT INTO s.{t} VALUES " + values(FIRST))
    watch.query("UPDATE s.i SET g = 0")


def test_kill_query():
    sweep("QUERY", {1317})


def test_time_limit():
    sweep("TIME", {3024})


def test_kill_connection():
    sweep("CONNECTION", {1317, 2013})


def test_client_gone():
    sweep("GONE", {2013})


def test_failing_allocations():
    sweep("ALLOC", {1037, 1041}, "fail_alloc_at {i}")


def test_transaction_beside():
    """Of a transaction, the killed statement's rows in MyISAM tables stay, its rows in others go, and the earlier work is there."""
    for at in range(400, 20000, 400):  # until the kill comes when some rows are changed, and not all
        reset()
        r = Runner()
        r.w.query("BEGIN")
        r.w.query("UPDATE s.i SET g = 5 WHERE id = 3")
        r.w.query("UPDATE s.m SET g = 6 WHERE id = 0")
        assert r.run("UPDATE s.m JOIN s.i ON s.m.id = s.i.id SET s.m.g = 77, s.i.g = 78", f"kill_at {at} QUERY") == 1317
        assert r.w.query("SELECT id, g FROM s.i WHERE g <> 0") == [(b"3", b"5")]
        seen = watch.query("SELECT COUNT(*) FROM s.m WHERE g = 77")
        if int(seen[0][0]) > 0:
            break
        r.w.query("ROLLBACK")
        r.w.quit()
    assert 0 < int(seen[0][0]) < ROWS, seen
    r.w.query("ROLLBACK")
    assert r.w.query("SHOW WARNINGS") == [(b"Warning", b"1196", b"Some non-transactional changed tables couldn't be rolled back")]
    assert watch.query("SELECT COUNT(*) FROM s.m WHERE g = 77") == seen
    assert watch.query("SELECT id, g FROM s.i WHERE g <> 0") == []
    r.w.quit()
    watch.until_calm()


def test_row_lock_against_table_lock():
    """A cycle through a row lock and a table lock is found at once (MySQL waits for innodb_lock_wait_timeout): one gets 1213, the other
    goes on; what the victim had changed in MyISAM tables stays."""
    reset()
    one, two = Wire(server), Wire(server)
    one.query("BEGIN")
    one.query("UPDATE s.i SET g = 1 WHERE id = 5")
    two.query("BEGIN")
    two.send("UPDATE s.m JOIN s.i ON s.m.id = s.i.id SET s.m.g = 9, s.i.g = 9 WHERE s.m.id < 10")
    watch.until_state(two.id, "Waiting for row lock")
    one.send("UPDATE s.m SET g = 3 WHERE id = 20")
    codes = []
    for w in (one, two):
        try:
            w.result()
            codes.append(0)
        except Err as e:
            codes.append(e.code)
            w.query("ROLLBACK")
    assert sorted(codes) == [0, 1213], codes
    one.query("COMMIT")
    two.query("COMMIT")
    assert watch.value("SELECT COUNT(*) FROM s.i WHERE g = 9") == ("10" if codes[1] == 0 else "0")
    assert watch.value("SELECT COUNT(*) FROM s.i WHERE g = 1") == ("1" if codes[0] == 0 else "0")
    assert watch.value("SELECT g FROM s.m WHERE id = 20") == ("3" if codes[0] == 0 else "6")
    one.quit()
    two.quit()
    watch.until_calm()


def test_no_ticket():
    """innodb_thread_concurrency does not concern statements on MyISAM tables alone."""
    watch.query("SET GLOBAL innodb_thread_concurrency = 1")
    holder, w, both = Wire(server), Wire(server), Wire(server)
    holder.send("SELECT SLEEP(1000) FROM s.i LIMIT 1")
    watch.until_state(holder.id, "User sleep")
    assert w.value("SELECT COUNT(*) FROM s.m") == str(ROWS)
    assert w.query("UPDATE s.m SET g = 1 WHERE id = 0") == 1
    both.send("SELECT COUNT(*) FROM s.m JOIN s.i USING (id)")
    watch.until_state(both.id, "waiting to enter InnoDB")
    watch.kill(both.id)
    assert both.error() == 1317
    watch.kill(holder.id)
    assert holder.error() == 1317
    watch.query("SET GLOBAL innodb_thread_concurrency = 0")
    for x in (holder, w, both):
        x.quit()
    watch.until_calm()


def stop_at_block(sql, nth):
    """A session that stands before the commit of its nth block."""
    victim = Wire(server)
    victim.query("SET DEBUG_SYNC = 'nontxn_block SIGNAL full WAIT_FOR go TIMEOUT 1000 EXECUTE 100'")
    victim.send(sql)
    for k in range(nth):
        watch.query("SET DEBUG_SYNC = 'now WAIT_FOR full TIMEOUT 60'")
        if k + 1 < nth:
            watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    return victim


def test_commit_of_a_block_is_not_killed():
    """The committer stands still with the block: a kill waits for it, the block's rows are there, then 1317."""
    reset()
    watch.query("SET DEBUG_SYNC = 'global commit_before_take SIGNAL before_take WAIT_FOR go TIMEOUT 1000'")
    victim = Wire(server)
    victim.send("UPDATE s.m SET g = 500")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR before_take TIMEOUT 60'")
    watch.until_state(victim.id, "Committing")
    watch.kill(victim.id)
    watch.until_state(victim.id, "Committing")
    reader = Wire(server)
    reader.send("SELECT COUNT(*) FROM s.m WHERE g = 500")
    watch.until_state(reader.id, "Waiting for table level lock")
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    assert victim.error() == 1317
    assert reader.result() == [(b"1000",)]
    reader.quit()
    assert watch.value("SELECT COUNT(*) FROM s.m WHERE g = 500") == "1000"
    assert watch.value("SELECT COUNT(*) FROM s.m WHERE g = 500 AND id >= 1000") == "0"
    victim.quit()
    watch.query("SET DEBUG_SYNC = 'RESET'")
    watch.until_calm()


def worker(number, end, tally, faults):
    """Changes all rows in order, again and again, alone or with a transaction's work beside it. A killed one leaves a prefix."""
    rng = random.Random(number)
    done = ended = 0
    w = Wire(server)
    while time.monotonic() < end:
        before, sql, after = rng.choice([
            ((), "UPDATE s.c SET v = v + 1", ()),
            (("BEGIN", f"UPDATE s.ci SET v = v + 1 WHERE id = {number}"), "UPDATE s.c SET v = v + 1", ("ROLLBACK",)),
            (("LOCK TABLES s.c WRITE",), "UPDATE s.c SET v = v + 1", ("UNLOCK TABLES",)),
            ((), f"UPDATE s.c JOIN s.ci ON s.ci.id = {number} SET s.c.v = s.c.v + 1, s.ci.n = s.ci.n + 1", ()),
            ((), "SELECT v FROM s.c ORDER BY id", ()),
        ])
        try:
            for q in before:
                w.query(q)
            try:
                got = w.query(sql)
                done += not sql.startswith("SELECT")
                if sql.startswith("SELECT"):
                    seen = [int(r[0]) for r in got]
                    if seen != sorted(seen, reverse=True):
                        faults.append(f"a reader saw {seen[:5]} ... {seen[-5:]}")
            except Err as e:
                if e.code != 1317:
                    faults.append(f"{sql}: {e}")
                ended += not sql.startswith("SELECT")
            for q in after:
                w.query(q)
        except Err as e:
            if e.code != 1317:
                faults.append(f"around {sql}: {e}")
            w.close()  # whatever it holds goes with it
            w = Wire(server)
        except (Closed, ConnectionResetError, BrokenPipeError):
            ended += 1
            w.close()
            w = Wire(server)
    w.quit()
    tally.append((done, ended))


def test_many_at_once():
    """Writers and readers of one table while sessions are killed at random: what each left is a prefix, so the values never rise with id."""
    watch.query("CREATE TABLE s.c (id INT PRIMARY KEY, v INT, KEY (v)) ENGINE=MyISAM")
    watch.query("CREATE TABLE s.ci (id INT PRIMARY KEY, v INT, n INT)")
    watch.query("INSERT INTO s.c SELECT id, 0 FROM s.src")
    watch.query("INSERT INTO s.ci VALUES " + ",".join(f"({i}, 0, 0)" for i in range(6)))
    end = time.monotonic() + float(os.environ.get("QUELL_STRESS", "5"))
    tally, faults = [], []
    threads = [threading.Thread(target=worker, args=(i, end, tally, faults)) for i in range(6)]
    for t in threads:
        t.start()
    rng = random.Random(7)
    kills = 0
    while time.monotonic() < end:
        ids = [int(r[0]) for r in watch.query("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%s.c%' AND ID <> CONNECTION_ID()")]
        for i in ids:
            if rng.random() < 0.02:
                with contextlib.suppress(Err):
                    watch.kill(i, rng.choice(["QUERY", "QUERY", "CONNECTION"]))
                    kills += 1
    for t in threads:
        t.join(60)
        assert not t.is_alive(), "a worker hangs"
    watch.until_calm()
    assert not faults, faults[:5]
    v = [int(r[0]) for r in watch.query("SELECT v FROM s.c ORDER BY id")]
    done, ended = sum(t[0] for t in tally), sum(t[1] for t in tally)
    assert v == sorted(v, reverse=True), "a statement changed rows that are no prefix"
    assert done <= v[-1] and v[0] <= done + ended, f"{done} done, {ended} killed, {v[0]} down to {v[-1]}"
    assert watch.value("SELECT SUM(v) FROM s.ci") == "0", "a transaction that was rolled back is there"
    assert [r[2:] for r in watch.query("CHECK TABLE s.c")] == [(b"status", b"OK")]
    assert done and kills, (done, kills)
    print(f"# {done} statements done, {ended} ended by {kills} kills, values {v[0]} down to {v[-1]}")


def test_killed_server():
    """kill -9 in the middle of a statement: whole blocks are there, and the indexes agree."""
    reset()
    watch.query(f"CREATE TABLE s.big {DEFINITION} ENGINE=MyISAM")
    watch.query("INSERT INTO s.big " + " UNION ALL ".join(f"SELECT id + {k * 10000}, g, CONCAT(v, '-{k}') FROM s.src" for k in range(3)))
    assert watch.value("SELECT COUNT(*) FROM s.big") == str(3 * ROWS)
    victim = stop_at_block("UPDATE s.big SET g = 900", 3)
    server.kill9()
    victim.close()
    watch.close()
    server.start()
    watch.__init__(server)
    assert watch.value("SELECT COUNT(*) FROM s.big WHERE g = 900") == "2000"
    assert [r[2:] for r in watch.query("CHECK TABLE s.big")] == [(b"status", b"OK")]
    watch.query("UPDATE s.big SET g = 901")
    watch.until_calm()


def close_all():
    if server.proc is not None:
        server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
