# SPDX-License-Identifier: Apache-2.0
"""Privileges are asked before anything is opened or waited for: one who has none answers at once while another holds the metadata lock that his
statement would need, and leaves nothing behind in its queue."""
import quell
from harness import main
from wire import Watcher, Wire

server = quell.Server(args=["--lock-wait-timeout=600", "--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)
for sql in ("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE shop.mine (id INT PRIMARY KEY, v INT)", "CREATE USER nobody IDENTIFIED BY ''",
            "GRANT SELECT, UPDATE ON shop.mine TO nobody", "CREATE USER reader IDENTIFIED BY ''", "GRANT SELECT ON shop.t TO reader", "CREATE USER giver IDENTIFIED BY ''"):
    watch.query(sql)

# As nobody, who has rights on shop.mine only. What is asked first is never the table that he may use.
REFUSED = [
    ("SELECT * FROM shop.t", 1142), ("SELECT * FROM shop.mine, shop.t", 1142), ("SELECT (SELECT MAX(v) FROM shop.t) FROM shop.mine", 1142),
    ("WITH c AS (SELECT * FROM shop.t) SELECT * FROM shop.mine, c", 1142), ("SELECT * FROM shop.t FOR UPDATE", 1142), ("INSERT INTO shop.t VALUES (1, 1)", 1142),
    ("INSERT INTO shop.t SELECT * FROM shop.mine", 1142), ("REPLACE INTO shop.t VALUES (1, 1)", 1142), ("UPDATE shop.t SET v = 1", 1142),
    ("UPDATE shop.mine SET v = (SELECT MAX(v) FROM shop.t)", 1142), ("UPDATE shop.mine JOIN shop.t SET mine.v = 1", 1142), ("DELETE FROM shop.t", 1142),
    ("DELETE mine FROM shop.mine JOIN shop.t", 1142), ("EXPLAIN SELECT * FROM shop.t", 1142), ("DO (SELECT MAX(v) FROM shop.t)", 1142), ("SET @x = (SELECT MAX(v) FROM shop.t)", 1142),
    ("KILL (SELECT MAX(v) FROM shop.t)", 1142), ("CREATE TABLE shop.t (a INT)", 1142), ("CREATE TABLE shop.new LIKE shop.t", 1142), ("DROP TABLE shop.t", 1142),
    ("DROP TABLE IF EXISTS shop.mine, shop.t", 1142), ("TRUNCATE TABLE shop.t", 1142), ("ALTER TABLE shop.t DISABLE KEYS", 1142), ("LOCK TABLES shop.t READ", 1044),
    ("LOCK TABLES shop.t WRITE", 1044), ("FLUSH TABLES shop.t", 1227), ("FLUSH TABLES WITH READ LOCK", 1227), ("CHECK TABLE shop.mine, shop.t", 1142), ("ANALYZE TABLE shop.t", 1142),
    ("OPTIMIZE TABLE shop.t", 1142), ("REPAIR TABLE shop.t", 1142), ("SHOW COLUMNS FROM shop.t", 1142), ("DESCRIBE shop.t", 1142), ("SHOW INDEX FROM shop.t", 1142),
    ("SHOW CREATE TABLE shop.t", 1142), ("DROP DATABASE shop", 1044), ("ALTER DATABASE shop COLLATE utf8mb4_bin", 1044), ("CREATE DATABASE shop", 1044), ("LOCK INSTANCE FOR BACKUP", 1227),
    ("GRANT SELECT ON shop.t TO nobody", 1142), ("CREATE USER x", 1227), ("DROP USER reader", 1227), ("GRANT SELECT ON *.* TO nobody", 1045),
]


def waits_of(conn):
    return watch.value(f"SELECT COUNT(*) FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON m.OWNER_THREAD_ID = t.THREAD_ID "
                       f"WHERE m.LOCK_STATUS = 'PENDING' AND t.PROCESSLIST_ID = {conn.id}")


def refused_at_once(w, sql, code):
    """An answer while the lock is held; a statement that waited would be seen waiting, and the test's socket would time out."""
    got = w.error(sql)
    assert got == code, f"{sql}: {got}, not {code}"
    assert waits_of(w) == "0"


def test_refused_while_the_table_is_locked():
    holder = Wire(server)
    holder.query("LOCK TABLES shop.t WRITE, shop.mine WRITE")
    w = Wire(server, user="nobody", timeout=20)
    for sql, code in REFUSED:
        refused_at_once(w, sql, code)
    w.command(b"\x02shop")  # he may enter the database, for shop.mine
    assert w.packet()[0] == 0
    w.command(b"\x04t\0")
    assert w.packet()[0] == 0xFF
    # The test can fail: what he may use does wait.
    w.send("SELECT * FROM shop.mine")
    watch.until_state(w.id, "Waiting for table metadata lock")
    holder.query("UNLOCK TABLES")
    assert w.result() == []
    w.quit()
    holder.quit()


def test_refused_under_the_global_locks():
    """Nor behind FLUSH TABLES WITH READ LOCK, the backup lock, or a database that is being dropped."""
    w = Wire(server, user="nobody", timeout=20)
    for lock, unlock in (("FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"), ("LOCK INSTANCE FOR BACKUP", "UNLOCK INSTANCE")):
        holder = Wire(server)
        holder.query(lock)
        for sql, code in REFUSED:
            refused_at_once(w, sql, code)
        holder.query(unlock)
        holder.quit()
    w.quit()


def test_refused_leaves_the_queue_alone():
    """DDL that waits is not held up, nor are those who came before it."""
    reader, ddl, w = Wire(server), Wire(server), Wire(server, user="nobody", timeout=20)
    reader.query("BEGIN")
    reader.query("SELECT * FROM shop.t")
    ddl.send("TRUNCATE TABLE shop.t")
    watch.until_state(ddl.id, "Waiting for table metadata lock")
    for sql, code in REFUSED:
        refused_at_once(w, sql, code)
    reader.query("COMMIT")
    ddl.result()
    for c in (reader, ddl, w):
        c.quit()


def test_only_reading_granted():
    """SELECT alone does not wait for the locks of changing."""
    holder, w = Wire(server), Wire(server, user="reader", timeout=20)
    holder.query("LOCK TABLES shop.t WRITE")
    for sql, code in (("SELECT * FROM shop.t FOR UPDATE", 1142), ("UPDATE shop.t SET v = 1", 1142), ("DELETE FROM shop.t WHERE id = 1", 1142), ("TRUNCATE TABLE shop.t", 1142),
                      ("ANALYZE TABLE shop.t", 1142), ("INSERT INTO shop.t SELECT * FROM shop.t", 1142)):
        refused_at_once(w, sql, code)
    holder.query("UNLOCK TABLES")
    for c in (holder, w):
        c.quit()


def close_all():
    server.stop()
    server.remove()


if __name__ == "__main__":
    main(globals())
