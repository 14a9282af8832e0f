# SPDX-License-Identifier: Apache-2.0
"""total_memory_limit and connection_memory_limit: the statement that holds the most is ended (4082), wherever it is, the others go on, and
what anybody held comes back."""
import random
import threading

import pymysql
import quell
from harness import main
from victim import Victim
from wire import Watcher, Wire

MB = 1 << 20
LIMIT = 64 * MB
# Sorts that may take all the memory they want: what they hold is what is to be ended.
server = quell.Server(args=[f"--total-memory-limit={LIMIT}", "--sort-buffer-size=1G"])
server.start()
watch = Watcher(server)
for sql in ("CREATE DATABASE m", "CREATE TABLE m.t (id INT PRIMARY KEY AUTO_INCREMENT, c VARCHAR(1000))",
            "INSERT INTO m.t (c) VALUES " + ",".join(["(REPEAT('a', 1000))"] * 1000), "CREATE TABLE m.r (id INT PRIMARY KEY)",
            "INSERT INTO m.r VALUES (1), (2)"):
    watch.query(sql)


def status(name):
    return int(watch.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])


def sorted_rows(mb):
    """A derived table that takes somewhat more than so many megabytes: 1,000 rows of 1,000 bytes each."""
    return f"(SELECT a.c FROM m.t a, m.t b WHERE b.id <= {mb} ORDER BY b.id, a.id LIMIT 1000000) d"


def hog(mb, then="SLEEP(1000)", **kw):
    """A statement that holds so many megabytes and waits."""
    v = Victim(server, f"SELECT {then}, MAX(d.c) FROM {sorted_rows(mb)}", **kw)
    want = f"SELECT MEMORY_USED >= {mb * MB} AND STATE <> 'executing' FROM information_schema.PROCESSLIST WHERE ID = {v.id}"
    quell.until(lambda: watch.value(want) == "1", what=f"{mb} MB held")
    return v


def nothing_left():
    """Figures are as with only the watcher there."""
    quell.until(lambda: status("Quell_memory_reclaiming") == 0 and status("Global_connection_memory") < MB, what="memory given back")
    watch.until_calm()


def end(*victims):
    for v in victims:
        watch.query(f"KILL {v.id}")
        v.join()


def test_the_largest_is_ended():
    ended = status("Quell_memory_statements_ended")
    small, large = hog(10), hog(35)
    asking = Victim(server, f"SELECT COUNT(*) FROM {sorted_rows(15)}")
    assert large.join() == 4082, large.error
    assert asking.join() is None
    assert status("Quell_memory_statements_ended") == ended + 1
    assert watch.value(f"SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {small.id}") == "User sleep"
    with large.conn.cursor() as cur:  # the session lives
        cur.execute("SELECT 1")
    end(small)
    large.conn.close()
    asking.conn.close()
    nothing_left()
    assert f"Connection {large.id}: its statement was ended" in server.log_text()


def test_the_largest_waits():
    """For a row lock, for a user lock."""
    owner = Wire(server)
    owner.query("BEGIN")
    owner.query("SELECT * FROM m.r WHERE id = 1 FOR UPDATE")
    owner.query("SELECT GET_LOCK('l', 0)")
    for then in ("GET_LOCK('l', 1000)", "(SELECT r.id FROM m.r WHERE r.id = 1 FOR UPDATE)"):
        large = hog(35, then)
        asking = Victim(server, f"SELECT COUNT(*) FROM {sorted_rows(30)}")
        assert large.join() == 4082, (then, large.error)
        assert asking.join() is None
        large.conn.close()
        asking.conn.close()
    owner.quit()
    nothing_left()


def test_a_transaction_stays():
    w = Wire(server)
    w.query("BEGIN")
    w.query("INSERT INTO m.r VALUES (7)")
    assert w.error(f"SELECT MAX(c) FROM {sorted_rows(90)}") == 4082
    assert w.value("SELECT COUNT(*) FROM m.r") == "3"
    w.query("COMMIT")
    w.query("DELETE FROM m.r WHERE id = 7")
    w.quit()
    nothing_left()


def test_alone_beyond_the_limit():
    """It is refused the piece that would be too much; one large piece too, although another holds most so far."""
    refused = status("Quell_memory_requests_refused")
    w = Wire(server)
    assert w.error(f"SELECT MAX(c) FROM {sorted_rows(90)}") == 4082
    other = hog(30)
    assert w.error("SELECT LENGTH(REPEAT('a', 60000000))") == 4082
    assert w.value("SELECT 'usable'") == "usable"
    assert status("Quell_memory_requests_refused") >= refused + 2
    assert watch.value(f"SELECT COMMAND FROM information_schema.PROCESSLIST WHERE ID = {other.id}") == "Query"
    end(other)
    w.quit()
    nothing_left()


def test_texts_of_regular_expressions_count():
    """ICU searches UTF-16: of 16 MB of text it gets 32 MB of its own."""
    w = Wire(server)
    before = status("Global_connection_memory")
    w.query("SET connection_memory_limit = 40000000")
    assert w.error("SELECT REGEXP_LIKE(REPEAT('a', 16000000), '^b')") == 4082
    assert w.value("SELECT LENGTH(REPEAT('a', 16000000))") == "16000000"
    w.query("SET connection_memory_limit = 80000000")
    assert w.value("SELECT REGEXP_LIKE(REPEAT('a', 16000000), '^b')") == "0"
    w.query("SET connection_memory_limit = DEFAULT")
    quell.until(lambda: status("Global_connection_memory") < before + MB, what="the text given back")
    w.quit()
    nothing_left()


def test_what_a_session_keeps():
    """User variables, prepared statements, and packets count; for the connection's limit too; and come back."""
    w = Wire(server)
    before = status("Global_connection_memory")
    w.query("SET @a = REPEAT('a', 8000000)")
    assert status("Global_connection_memory") >= before + 8000000
    w.query("SET @a = 1")
    quell.until(lambda: status("Global_connection_memory") < before + MB, what="the variable given back")
    w.query("SET @b = REPEAT('b', 5000000)")
    w.query("SET connection_memory_limit = 8000000")
    assert w.error("SET @c = REPEAT('c', 2000000)") == 4082
    w.query("SET @b = 1")
    w.query("SET @c = REPEAT('c', 1000000)")
    w.query("SET connection_memory_limit = DEFAULT")
    w.query("PREPARE p FROM 'SELECT LENGTH(\"" + "x" * 3000000 + "\")'")
    assert status("Global_connection_memory") >= before + 4000000
    w.query("DEALLOCATE PREPARE p")
    w.query("SET @c = 1")
    assert w.value("SELECT LENGTH('" + "y" * 12000000 + "')") == "12000000"
    w.quit()
    nothing_left()


def test_small_ones_go_on():
    """Hogs one beside the other, each of which takes what it gets; meanwhile small statements never fail, and nothing is left."""
    stop, errors, small_done, hogs_ended = threading.Event(), [], [0], [0]

    def small():
        c = server.connect()
        with c.cursor() as cur:
            while not stop.is_set():
                try:
                    cur.execute("SELECT COUNT(*), MAX(c) FROM m.t WHERE id < 200")
                    cur.fetchall()
                    small_done[0] += 1
                except pymysql.MySQLError as e:
                    errors.append(e.args)
        c.close()

    def greedy(seed):
        r = random.Random(seed)
        c = server.connect()
        with c.cursor() as cur:
            while not stop.is_set():
                try:
                    cur.execute(f"SELECT MAX(c) FROM {sorted_rows(r.randrange(10, 60))}")
                    cur.fetchall()
                except pymysql.MySQLError as e:
                    if e.args[0] != 4082:
                        errors.append(e.args)
                    hogs_ended[0] += 1
        c.close()

    threads = [threading.Thread(target=small) for _ in range(2)] + [threading.Thread(target=greedy, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    try:
        quell.until(lambda: (small_done[0] > 200 and hogs_ended[0] > 10) or errors, seconds=100, what="hogs ended")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not errors, errors[:3]
    assert status("Quell_memory_peak") < 2 * LIMIT, status("Quell_memory_peak")
    nothing_left()


def test_variables():
    assert watch.value("SELECT @@total_memory_limit = @@global_connection_memory_limit") == "1"
    watch.query("SET GLOBAL global_connection_memory_limit = 33554432")
    assert watch.value("SELECT @@total_memory_limit") == "33554432"
    w = Wire(server)
    assert w.error(f"SELECT MAX(c) FROM {sorted_rows(45)}") == 4082
    w.quit()
    # The defaults come from the machine: a quarter and a half of the same number, to the byte of the rounding.
    watch.query("SET GLOBAL total_memory_limit = DEFAULT")
    watch.query("SET GLOBAL connection_memory_limit = DEFAULT")
    one, all_ = (int(x) for x in watch.query("SELECT @@global.connection_memory_limit, @@global.total_memory_limit")[0])
    assert abs(all_ - 2 * one) < 100 and all_ > 100 * MB, (one, all_)
    watch.query(f"SET GLOBAL total_memory_limit = {LIMIT}")
    watch.query("SET GLOBAL total_memory_limit = 1")
    assert watch.query("SHOW WARNINGS")[0][1] == b"1292"
    assert watch.value("SELECT @@total_memory_limit") == str(16 * MB)
    watch.query(f"SET GLOBAL total_memory_limit = {LIMIT}")
    nothing_left()


def close_all():
    watch.close()
    rc = server.stop()
    server.remove()
    assert rc == 0, rc


if __name__ == "__main__":
    main(globals())
