# SPDX-License-Identifier: Apache-2.0
"""ALTER TABLE and RENAME TABLE that wait for others: what they wait for is seen, a kill ends the wait at once and leaves the definition and
everybody behind them as they were, and the statement then runs to success."""
import quell
from harness import main
from wire import Err, Watcher, Wire

server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
watch.query("CREATE DATABASE k")
STATE = "Waiting for table metadata lock"
STATEMENTS = [
    ("ALTER TABLE k.t ADD y INT DEFAULT 5, RENAME COLUMN v TO w", "SELECT y, w FROM k.t"),
    ("ALTER TABLE k.t RENAME k.u, COMMENT 'x'", "SELECT * FROM k.u"),
    ("RENAME TABLE k.t TO k.u", "SELECT * FROM k.u"),
    ("RENAME TABLE k.s TO k.tmp, k.t TO k.s, k.tmp TO k.t", "SELECT v FROM k.s"),
    ("DROP INDEX v ON k.t", "SELECT v FROM k.t"),
    ("CREATE INDEX v2 ON k.t (v)", None),
]


def reset():
    for name in ("t", "u", "s", "tmp"):
        watch.query(f"DROP TABLE IF EXISTS k.{name}")
    watch.query("CREATE TABLE k.t (id INT PRIMARY KEY, v INT, KEY v (v))")
    watch.query("CREATE TABLE k.s (other INT)")
    watch.query("INSERT INTO k.t VALUES (1, 10), (2, 20)")


def definition():
    return [watch.query(f"SHOW CREATE TABLE k.{t}") for t in ("t", "s")] + [watch.query("SHOW TABLES FROM k")]


def end_by(how, victim):
    if how == "GONE":
        victim.close()
    else:
        watch.query(f"KILL {how} {victim.id}")


def killed_while_it_waits(sql, proof, how):
    reset()
    before = definition()
    reader, victim, behind = Wire(server), Wire(server), Wire(server)
    reader.query("BEGIN")
    reader.query("SELECT * FROM k.t")
    victim.send(sql)
    watch.until_state(victim.id, STATE)
    behind.send("SELECT COUNT(*) FROM k.t")  # in the queue behind it, or let pass
    end_by(how, victim)
    if how == "QUERY":
        assert victim.error() == 1317, sql
        assert victim.value("SELECT 1") == "1"
    else:
        watch.until_gone(victim.id)
    assert behind.result()[0][0] == b"2", sql  # while the reader's transaction is still open
    assert definition() == before, sql
    reader.query("COMMIT")
    if proof is not None:
        again = Wire(server)
        again.query(sql)
        again.query(proof)
        again.quit()
    for w in (reader, behind, victim):
        w.close()
    watch.until_calm()


def test_killed():
    for sql, proof in STATEMENTS[:-1]:
        for how in ("QUERY", "CONNECTION", "GONE"):
            killed_while_it_waits(sql, proof, how)


def test_lock_wait_timeout():
    for sql, _ in STATEMENTS[:3:2]:
        reset()
        before = definition()
        reader, w = Wire(server), Wire(server)
        reader.query("BEGIN")
        reader.query("SELECT * FROM k.t")
        w.query("SET lock_wait_timeout = 1")
        try:
            w.query(sql)
            raise AssertionError(sql)
        except Err as e:
            assert e.code == 1205, (sql, e)
        assert definition() == before
        reader.query("COMMIT")
        for x in (reader, w):
            x.quit()


def test_frozen_client_of_lock_tables():
    """A client that holds LOCK TABLES WRITE and is frozen is killed: the RENAME that waits for it goes on at once."""
    reset()
    holder, renamer = Wire(server), Wire(server)
    holder.query("LOCK TABLES k.t WRITE")
    renamer.send("RENAME TABLE k.t TO k.u")
    watch.until_state(renamer.id, STATE)
    watch.query(f"KILL {holder.id}")
    renamer.result()
    assert watch.value("SELECT COUNT(*) FROM k.u") == "2"
    holder.close()
    renamer.quit()


def test_stop():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
