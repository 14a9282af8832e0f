# SPDX-License-Identifier: Apache-2.0
"""pt-online-schema-change: the tool as it is as far as it goes (triggers are not built), the whole of its run but the triggers, and its statements by hand, killed."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import pymysql

import quell
from harness import main

TOOL = shutil.which("pt-online-schema-change")
if not TOOL:
    print("skip test_schema_change: percona-toolkit is not installed")
    sys.exit(0)
server = quell.Server().start()
FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-osc-"))
# What the tool does for triggers is passed over, everything else reaches the server.
(FILES / "NoTriggers.pm").write_text(r"""package NoTriggers;
use DBI;
use DBD::mysql;
my $do = \&DBD::mysql::db::do;
no warnings;
*DBD::mysql::db::do = sub { return "0E0" if $_[1] =~ /^(CREATE|DROP) TRIGGER/; goto &$do };
1;
""")


def change(table, alter, *options, triggers=False, ok=True):
    env = dict(os.environ, HOME=str(FILES))
    if not triggers:
        env["PERL5OPT"] = f"-I{FILES} -MNoTriggers"
    r = subprocess.run([TOOL, "--no-version-check", "--alter", alter, f"S={server.socket},u=root,D=shop,t={table}", "--recursion-method=none", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=120, env=env)
    assert not ok or r.returncode == 0, r.stdout
    return r.stdout


def make():
    server.query("DROP DATABASE IF EXISTS shop")
    server.query("CREATE DATABASE shop CHARACTER SET utf8mb4")
    with server.connect(database="shop", autocommit=True) as c, c.cursor() as cur:
        cur.execute("CREATE TABLE one (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL, made DATETIME(3), paid DECIMAL(9,2), bytes VARBINARY(10), UNIQUE KEY name (name), KEY paid (paid))")
        cur.executemany("INSERT INTO one (name, made, paid, bytes) VALUES (%s, %s, %s, %s)", [(f"n\u00e9{i}", None if i % 7 == 0 else f"2024-01-01 00:00:{i % 60:02}.125", i / 4, bytes([i % 256, 0, 39, 92])) for i in range(1, 1201)])
        cur.execute("CREATE TABLE two (a VARCHAR(10) NOT NULL, b DATE NOT NULL, c INT, PRIMARY KEY (a, b))")
        cur.executemany("INSERT INTO two VALUES (%s, %s, %s)", [(f"k{i % 9}", f"20{i % 90 + 10}-{i % 12 + 1:02}-{i % 28 + 1:02}", i) for i in range(600)])
        cur.execute("CREATE TABLE keyless (a INT, b INT, UNIQUE KEY (b, a))")
        cur.execute("CREATE TABLE plain (a INT PRIMARY KEY, b INT) ENGINE=MyISAM")
        cur.execute("INSERT INTO plain VALUES (1, 1), (2, 2)")


def tables():
    return sorted(t for (t,) in server.query("SHOW TABLES FROM shop"))


METHODS = ["rebuild_constraints", "auto"]
ALL = ["keyless", "one", "plain", "two"]


def test_dry_run():
    make()
    before = server.query("SHOW CREATE TABLE shop.one")
    for options in ([], ["--print", "--chunk-size=50"], ["--charset=utf8mb4", "--no-check-plan"], ["--no-check-foreign-keys", "--alter-foreign-keys-method=auto"]):
        text = change("one", "ADD COLUMN n INT DEFAULT 5, DROP KEY paid, ADD KEY n (n, paid)", "--dry-run", *options, triggers=True)
        assert "Dry run complete.  `shop`.`one` was not altered." in text, text
    assert tables() == ALL and server.query("SHOW CREATE TABLE shop.one") == before
    text = change("one", "ADD COLUMN name INT", "--dry-run", triggers=True, ok=False)
    assert "Duplicate column name 'name'" in text and tables() == ALL, text


def test_stops_at_triggers():
    """It says why, and leaves nothing."""
    make()
    text = change("one", "ADD COLUMN n INT", "--execute", triggers=True, ok=False)
    assert "doesn't yet support 'CREATE TRIGGER'" in text and "`shop`.`one` was not altered" in text, text
    assert tables() == ALL


def test_whole_run():
    make()
    rows = {t: server.query(f"SELECT * FROM shop.{t} ORDER BY 1, 2") for t in ALL}
    text = change("one", "ADD COLUMN n INT NOT NULL DEFAULT 5, DROP KEY paid, ADD KEY n (n, paid), MODIFY made DATETIME(6), ADD CONSTRAINT some CHECK (paid >= 0)", "--execute", "--chunk-size=100", "--print")
    assert "Successfully altered `shop`.`one`" in text, text
    assert len(re.findall("next chunk boundary", text)) >= 1
    assert tables() == ALL
    assert server.query("SELECT id, name, made, paid, bytes FROM shop.one ORDER BY 1") == rows["one"] and server.query("SELECT DISTINCT n FROM shop.one") == ((5,),)
    assert "`made` datetime(6) DEFAULT NULL" in server.query("SHOW CREATE TABLE shop.one")[0][1]
    server.query("INSERT INTO shop.one (name) VALUES ('next')", autocommit=True)
    assert server.query("SELECT MAX(id) FROM shop.one") == ((1201,),)
    for table, alter, *options in (("two", "ENGINE=InnoDB", "--chunk-size=20"), ("two", "ADD d INT FIRST", "--chunk-time=0", "--chunk-size=37"), ("two", "DROP d", "--chunk-size=1000"), ("two", "ADD KEY (c)", "--chunk-index=PRIMARY", "--chunk-index-columns=1", "--no-check-plan"),
                                   ("plain", "ENGINE=InnoDB", "--no-drop-old-table"), ("plain", "ADD c INT", "--max-load=Threads_running=90", "--critical-load=Threads_running=91", "--set-vars=lock_wait_timeout=3")):
        text = change(table, alter, "--execute", *options)
        assert f"Successfully altered `shop`.`{table}`" in text, text
    assert server.query("SELECT a, b, c FROM shop.two ORDER BY 1, 2") == rows["two"]
    assert server.query("SELECT a, b FROM shop.plain") == rows["plain"] == server.query("SELECT a, b FROM shop._plain_old")
    for t in tables():
        assert server.query(f"CHECK TABLE shop.{t}")[0][3] == "OK", t
    assert server.query("SHOW WARNINGS") == ()


def test_with_children():
    """Another table refers to the one that is changed: it is made to refer to the new one. (drop_swap is not for servers from 8.0 on, says the tool.)"""
    make()
    server.query("CREATE TABLE shop.child (id INT PRIMARY KEY, p INT UNSIGNED, CONSTRAINT up FOREIGN KEY (p) REFERENCES shop.one (id) ON DELETE CASCADE)")
    server.query("INSERT INTO shop.child SELECT id, id FROM shop.one WHERE id < 100", autocommit=True)
    text = change("one", "ADD x INT", "--execute", ok=False)
    assert "You did not specify --alter-foreign-keys-method" in text and "`shop`.`child`" in text, text
    for method in METHODS:
        text = change("one", f"ADD {method} INT", "--execute", f"--alter-foreign-keys-method={method}")
        assert "Successfully altered `shop`.`one`" in text and tables() == sorted([*ALL, "child"]), text
        definition = server.query("SHOW CREATE TABLE shop.child")[0][1]
        assert "FOREIGN KEY (`p`) REFERENCES `one` (`id`) ON DELETE CASCADE" in definition, definition
        with server.connect(database="shop") as c, c.cursor() as cur:
            cur.execute("BEGIN")
            assert error_of(cur, "INSERT INTO child VALUES (5000, 5000)") == 1452
            cur.execute("DELETE FROM one WHERE id < 50")
            cur.execute("SELECT COUNT(*) FROM child")
            assert cur.fetchall() == ((50,),)
            c.rollback()
    # and of a table that refers to another
    text = change("child", "ADD x INT", "--execute")
    assert "Successfully altered `shop`.`child`" in text and "REFERENCES `one`" in server.query("SHOW CREATE TABLE shop.child")[0][1], text
    assert server.query("SELECT COUNT(*) FROM shop.child") == ((99,),)


def test_duplicates_are_seen():
    """INSERT IGNORE into a table with a new unique key: the tool asks before (--check-unique-key-change), and warns."""
    make()
    text = change("two", "ADD UNIQUE KEY (a)", "--execute", ok=False)
    assert "UNIQUE" in text.upper() and tables() == ALL, text


COPY = "INSERT LOW_PRIORITY IGNORE INTO `shop`.`_one_new` (`id`, `name`, `made`, `paid`, `bytes`) SELECT `id`, `name`, `made`, `paid`, `bytes` FROM `shop`.`one` FORCE INDEX(`PRIMARY`) WHERE ((`id` >= %s)) AND ((`id` <= %s)) LOCK IN SHARE MODE /*pt-online-schema-change 1 copy nibble*/"


def test_killed_copy():
    """A nibble that waits for a row is killed: nothing of it, its locks are gone; the rest by hand to the swap."""
    make()
    with server.connect(autocommit=True, charset="utf8mb4") as c, c.cursor() as cur, server.connect(database="shop") as other, other.cursor() as o:
        for sql in ("SET @@SQL_QUOTE_SHOW_CREATE = 1/*!40101, @@SQL_MODE='NO_AUTO_VALUE_ON_ZERO,STRICT_TRANS_TABLES'*/", "SET SESSION innodb_lock_wait_timeout=100", "SET SESSION lock_wait_timeout=60", "SET SESSION wait_timeout=10000",
                    "SET foreign_key_checks=0", "CREATE TABLE shop._one_new LIKE shop.one", "ALTER TABLE `shop`.`_one_new` ADD COLUMN n INT, DROP KEY name"):
            cur.execute(sql)
        for sql, key in (("SELECT * FROM `shop`.`one` WHERE 1=1", None), ("SELECT /*!40001 SQL_NO_CACHE */ `id` FROM `shop`.`one` FORCE INDEX(`PRIMARY`) ORDER BY `id` LIMIT 1 /*first lower boundary*/", "PRIMARY"),
                         ("SELECT /*!40001 SQL_NO_CACHE */ `id` FROM `shop`.`one` FORCE INDEX(`PRIMARY`) WHERE ((`id` >= '1')) ORDER BY `id` LIMIT 99, 2 /*next chunk boundary*/", "PRIMARY"),
                         ("SELECT `id`, `name` FROM `shop`.`one` FORCE INDEX(`PRIMARY`) WHERE ((`id` >= '1')) AND ((`id` <= '100')) LOCK IN SHARE MODE /*explain pt-online-schema-change 1 copy nibble*/", "PRIMARY"),
                         ("SELECT /*!40001 SQL_NO_CACHE */ * FROM `shop`.`two` FORCE INDEX (`PRIMARY`) WHERE `a` = 'k1' AND `b` >= '2020-01-01' /*key_len*/", "PRIMARY")):
            cur.execute("EXPLAIN " + sql)
            row = dict(zip([d[0] for d in cur.description], cur.fetchone()))
            assert row["key"] == key and row["rows"] > 0, row
            if "key_len" in sql:
                assert row["key_len"] == "45", row  # 10 characters of up to four bytes, their length in two, a date in three
        o.execute("BEGIN")
        o.execute("UPDATE one SET paid = 0 WHERE id = 50")
        failed = []

        def copy():
            try:
                cur.execute(COPY, (1, 100))
            except pymysql.MySQLError as e:
                failed.append(e.args[0])

        t = threading.Thread(target=copy)
        t.start()
        quell.until(lambda: server.query("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") == ((1,),))
        server.query(f"KILL QUERY {c.thread_id()}")
        t.join(10)
        assert failed == [1317], failed
        other.rollback()
        o.execute("BEGIN")
        o.execute("UPDATE one SET paid = paid WHERE id BETWEEN 1 AND 100")  # none of its locks is left
        other.rollback()
        cur.execute("SELECT COUNT(*) FROM shop._one_new")
        assert cur.fetchall() == ((0,),)
        for low in range(1, 1201, 100):
            assert cur.execute(COPY, (low, low + 99)) == 100
            cur.execute("SHOW WARNINGS")
            assert cur.fetchall() == ()
        cur.execute("ANALYZE TABLE `shop`.`_one_new` /* pt-online-schema-change */")
        assert cur.fetchall()[0][3] == "OK"
        # the swap waits for somebody's transaction, and is killed there
        o.execute("BEGIN")
        o.execute("SELECT COUNT(*) FROM one")
        swap = "RENAME TABLE `shop`.`one` TO `shop`.`_one_old`, `shop`.`_one_new` TO `shop`.`one`"
        t = threading.Thread(target=lambda: failed.append(error_of(cur, swap)))
        t.start()
        quell.until(lambda: server.query("SELECT STATE FROM information_schema.PROCESSLIST WHERE INFO LIKE 'RENAME%'") == (("Waiting for table metadata lock",),))
        server.query(f"KILL QUERY {c.thread_id()}")
        t.join(10)
        assert failed == [1317, 1317] and tables() == sorted([*ALL, "_one_new"])
        other.rollback()
        cur.execute(swap)
        cur.execute("DROP TABLE IF EXISTS `shop`.`_one_old`")
        assert tables() == ALL
        cur.execute("SELECT COUNT(*), COUNT(n), SUM(id) FROM shop.one")
        assert cur.fetchall() == ((1200, 0, 1200 * 1201 / 2),)


def error_of(cur, sql):
    try:
        cur.execute(sql)
    except pymysql.MySQLError as e:
        return e.args[0]


def close_all():
    server.__exit__(None, None, None)
    shutil.rmtree(FILES)


if __name__ == "__main__":
    main(globals())
