# SPDX-License-Identifier: Apache-2.0
"""COM_STMT_PREPARE and SQL PREPARE: what is told when a statement is prepared. Names are bound then, the columns of every kind of result are
announced, and nothing stays behind: no locks, no changes. Errors and column names are those of the MySQL 8.4 manual."""
import quell
from harness import main
from wire import Watcher, Wire

server = quell.Server()
server.start()
w = Watcher(server)
w.query("CREATE DATABASE d")
w.query("USE d")
w.query("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT NOT NULL, b VARCHAR(10), KEY k (a))")


def client():
    c = Wire(server)
    c.query("USE d")
    return c


def test_columns_of_every_kind_of_result():
    explain = ["id", "select_type", "table", "partitions", "type", "possible_keys", "key", "key_len", "ref", "rows", "filtered", "Extra"]
    admin = ["Table", "Op", "Msg_type", "Msg_text"]
    for sql, names in [
            ("SELECT id, a + 1 AS n FROM t", ["id", "n"]),
            ("SELECT id INTO @x FROM t", []),
            ("SHOW TABLES", ["Tables_in_d"]),
            ("SHOW TABLES LIKE 't%'", ["Tables_in_d (t%)"]),
            ("SHOW FULL TABLES", ["Tables_in_d", "Table_type"]),
            ("SHOW DATABASES", ["Database"]),
            ("DESCRIBE t", ["Field", "Type", "Null", "Key", "Default", "Extra"]),
            ("SHOW FULL COLUMNS FROM t", ["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"]),
            ("SHOW CREATE TABLE t", ["Table", "Create Table"]),
            ("SHOW CREATE DATABASE d", ["Database", "Create Database"]),
            ("SHOW VARIABLES LIKE 'x'", ["Variable_name", "Value"]),
            ("SHOW GLOBAL STATUS", ["Variable_name", "Value"]),
            ("SHOW WARNINGS", ["Level", "Code", "Message"]),
            ("SHOW PROCESSLIST", ["Id", "User", "Host", "db", "Command", "Time", "State", "Info"]),
            ("SHOW GRANTS", ["Grants for root@localhost"]),
            ("SHOW ENGINE INNODB STATUS", ["Type", "Name", "Status"]),
            ("SHOW OPEN TABLES", ["Database", "Table", "In_use", "Name_locked"]),
            ("SHOW PROFILES", ["Query_ID", "Duration", "Query"]),
            ("SHOW BINARY LOG STATUS", ["File", "Position", "Binlog_Do_DB", "Binlog_Ignore_DB", "Executed_Gtid_Set"]),
            ("SHOW REPLICAS", ["Server_Id", "Host", "Port", "Source_Id", "Replica_UUID"]),
            ("EXPLAIN SELECT * FROM t", explain),
            ("EXPLAIN SELECT * FROM t WHERE id = ?", explain),
            ("CHECK TABLE t", admin), ("ANALYZE TABLE t", admin), ("OPTIMIZE TABLE t", admin), ("REPAIR TABLE t", admin),
            ("INSERT INTO t (a) VALUES (?)", []), ("SET @x = ?", []), ("DO SLEEP(0)", []), ("COMMIT", [])]:
        w.prepare(sql)
        assert [c.name for c in w.meta] == names, (sql, w.meta)
        if names:  # what is announced is what comes
            announced = w.meta
            if "?" not in sql and "STATUS" not in sql and "PROCESSLIST" not in sql:
                w.query(sql)
                assert w.meta == announced, (sql, w.meta, announced)
    w.prepare("SHOW REPLICA STATUS")
    assert len(w.meta) == 60 and w.meta[0].name == "Replica_IO_State" and w.meta[59].name == "Network_Namespace", w.meta


WRONG = [
    ("INSERT INTO t VALUES (1)", 1136), ("INSERT INTO t (a, b) VALUES (?)", 1136), ("INSERT INTO t (nope) VALUES (?)", 1054),
    ("INSERT INTO nope VALUES (?)", 1146), ("INSERT INTO t (a) SELECT a, b FROM t", 1136), ("REPLACE INTO t (a, a) VALUES (1, 2)", 1110),
    ("UPDATE t SET nope = ?", 1054), ("UPDATE nope SET a = 1", 1146), ("DELETE FROM t WHERE nope = ?", 1054), ("DELETE FROM nope", 1146),
    ("SELECT nope FROM t WHERE id = ?", 1054), ("SELECT 1 FROM nope", 1146), ("SHOW COLUMNS FROM nope", 1146), ("SHOW TABLES FROM nope", 1049),
    ("SHOW TABLES WHERE nope = 1", 1054), ("SHOW BINARY LOGS", 1381), ("EXPLAIN SELECT nope FROM t", 1054), ("DO nope(1)", 1305),
    ("SELECT * FROM t USE INDEX (nope)", 1176), ("SHOW MASTER STATUS", 1064), ("SHOW SLAVE STATUS", 1064),
    ("PREPARE x FROM 'SELECT 1'", 1295)]


def test_names_are_bound_when_it_is_prepared():
    for sql, number in WRONG:
        w.command(b"\x16" + sql.encode())
        assert w.error() == number, (sql, w.last)
        assert w.error("PREPARE p FROM '" + sql.replace("'", "''") + "'") == number, (sql, w.last)


def test_index_hints_are_taken_quietly():
    for hint in ("USE INDEX (k)", "FORCE KEY (PRIMARY, k)", "IGNORE INDEX FOR ORDER BY (k)", "USE INDEX ()", "FORCE INDEX (pri)"):
        w.query(f"SELECT * FROM t {hint} WHERE a = 1")
        assert w.warnings == 0, hint
    assert w.error("SELECT * FROM t AS x FORCE INDEX (kk)") == 1176 and w.last.text == "Key 'kk' doesn't exist in table 'x'", w.last
    assert w.error("SELECT * FROM t USE INDEX (k) FORCE INDEX (k)") == 1221, w.last


def test_nothing_is_kept_and_nothing_is_changed():
    with client() as c:
        w.query("CREATE TABLE gone (a INT)")
        c.query("BEGIN")
        c.query("INSERT INTO t (a) VALUES (1)")
        c.prepare("SELECT * FROM gone FOR UPDATE")
        c.prepare("DELETE FROM gone")
        c.prepare("ANALYZE TABLE gone, t")
        c.query("PREPARE p FROM 'INSERT INTO gone VALUES (?)'")
        w.query("SET lock_wait_timeout = 1")
        w.query("DROP TABLE gone")  # no metadata lock is in its way
        assert w.error("DROP TABLE t") == 1205  # the transaction's own are still there
        c.query("ROLLBACK")
        assert w.value("SELECT COUNT(*) FROM t") == "0"  # ANALYZE would have committed
        c.query("SET autocommit = 0")
        c.prepare("SELECT * FROM t")
        w.query("ALTER TABLE t ENABLE KEYS")
        w.query("SET lock_wait_timeout = DEFAULT")


def test_a_changed_table_is_no_error():
    with client() as c:
        w.query("CREATE TABLE ch (a INT)")
        w.query("INSERT INTO ch VALUES (1)")
        p, _ = c.prepare("SELECT * FROM ch")
        c.query("PREPARE p FROM 'SELECT * FROM ch'")
        w.query("DROP TABLE ch")
        c.execute(p)
        assert c.error() == 1146, c.last
        w.query("CREATE TABLE ch (b VARCHAR(5), c INT)")
        w.query("INSERT INTO ch VALUES ('x', 7)")
        assert c.query("EXECUTE p") == [(b"x", b"7")]
        c.execute(p)
        c.skip_result()
        w.query("DROP TABLE ch")


def test_waiting_to_be_prepared_can_be_killed():
    with client() as holder, client() as dropper, client() as c:
        w.query("CREATE TABLE q (a INT)")
        holder.query("BEGIN")
        holder.query("SELECT * FROM q")
        dropper.send("DROP TABLE q")
        w.until_state(dropper.id, "Waiting for table metadata lock")
        for prepare in (lambda: c.command(b"\x16UPDATE q SET a = ?"), lambda: c.send("PREPARE p FROM 'SELECT * FROM q'")):
            prepare()
            w.until_state(c.id, "Waiting for table metadata lock")
            w.kill(c.id)
            assert c.error() == 1317, c.last
            assert c.value("SELECT 7") == "7"
        holder.query("ROLLBACK")
        assert dropper.result() == 0
        assert w.value("SELECT COUNT(*) FROM performance_schema.metadata_locks WHERE OBJECT_NAME = 'q'") == "0"


def close_all():
    w.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
