# SPDX-License-Identifier: Apache-2.0
"""Who may do what: statement x privileges of the actor x kind of target -> the answer of the MySQL 8.4 manual (pages of the statements, "Privileges
Provided by MySQL", "Access Control, Stage 2", "Account Categories" for SYSTEM_USER). 0 = allowed."""
import quell
from harness import main
from wire import Err, Wire

server = quell.Server()
server.start()
root = Wire(server)
ME = "actor@localhost"


def setup(grants=()):
    """A fresh world: plain and boss (who has SYSTEM_USER), and the actor with these grants."""
    for u in (ME, "plain@localhost", "boss@localhost", "other@localhost"):
        root.query(f"DROP USER IF EXISTS {u}")
        if not u.startswith("other"):
            root.query(f"CREATE USER {u} IDENTIFIED BY ''")
    root.query("GRANT SYSTEM_USER, PROCESS ON *.* TO boss@localhost WITH GRANT OPTION")
    root.query("GRANT SELECT, INSERT ON shop.* TO boss@localhost, plain@localhost")
    for g in grants:
        root.query(f"GRANT {g.replace(' WITH ', f' TO {ME} WITH ')}" if " WITH " in g else f"GRANT {g} TO {ME}")


def world():
    for sql in ("DROP DATABASE IF EXISTS shop", "DROP DATABASE IF EXISTS other", "CREATE DATABASE shop", "CREATE DATABASE other",
                "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE shop.u (id INT PRIMARY KEY, v INT)", "CREATE TABLE other.t (id INT)",
                "INSERT INTO shop.t VALUES (1, 1)", "INSERT INTO shop.u VALUES (1, 1)"):
        root.query(sql)


def code_of(w, sql):
    try:
        w.query(sql)
        return 0
    except Err as e:
        return e.code


# ---- accounts ----

ACTORS = {
    "nobody": [],
    "create": ["CREATE USER ON *.*"],
    "mysql": ["ALL ON mysql.*"],
    "grantor": ["ALL ON *.*", "PROCESS ON *.* WITH GRANT OPTION"],  # and SYSTEM_USER is taken away again
    "both": ["CREATE USER, SYSTEM_USER ON *.*"],
}
ALTER = {"nobody": (1227, 1227), "create": (0, 1227), "mysql": (0, 1227), "grantor": (0, 1227), "both": (0, 0)}
GLOBAL = {"nobody": (1045, 1045), "create": (1045, 1045), "mysql": (1045, 1045), "grantor": (0, 1227), "both": (1045, 1045)}
SHOW = {"nobody": (1044, 1044), "create": (1044, 1044), "mysql": (0, 0), "grantor": (0, 0), "both": (1044, 1044)}
ACCOUNT_STATEMENTS = [
    ("ALTER USER {} IDENTIFIED BY 'x'", ALTER),
    ("ALTER USER {} IDENTIFIED WITH caching_sha2_password BY 'x'", ALTER),
    ("ALTER USER IF EXISTS {} ACCOUNT LOCK", ALTER),
    ("SET PASSWORD FOR {} = 'x'", dict(ALTER, nobody=(1044, 1044))),
    ("DROP USER {}", ALTER),
    ("DROP USER IF EXISTS {}", ALTER),
    ("RENAME USER {} TO other@localhost", ALTER),
    ("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}", ALTER),
    ("GRANT SELECT ON *.* TO {}", GLOBAL),
    ("GRANT USAGE ON *.* TO {}", GLOBAL),
    ("GRANT USAGE ON *.* TO {} WITH GRANT OPTION", GLOBAL),
    ("GRANT ALL ON *.* TO {}", dict(GLOBAL, grantor=(1227, 1227))),  # it holds SYSTEM_USER, which the grantor has not
    ("GRANT SYSTEM_USER ON *.* TO {}", dict(GLOBAL, grantor=(1227, 1227))),
    ("REVOKE GRANT OPTION ON *.* FROM {}", GLOBAL),
    ("REVOKE PROCESS ON *.* FROM {}", GLOBAL),
    ("REVOKE USAGE ON *.* FROM {}", GLOBAL),
    ("GRANT SELECT ON shop.* TO {}", {"nobody": (1044, 1044), "create": (1044, 1044), "mysql": (1044, 1044), "grantor": (0, 1227), "both": (1044, 1044)}),
    ("REVOKE SELECT ON shop.* FROM {}", {"nobody": (1044, 1044), "create": (1044, 1044), "mysql": (1044, 1044), "grantor": (0, 1227), "both": (1044, 1044)}),
    ("GRANT SELECT ON shop.t TO {}", {"nobody": (1142, 1142), "create": (1142, 1142), "mysql": (1142, 1142), "grantor": (0, 1227), "both": (1142, 1142)}),
    ("SHOW GRANTS FOR {}", SHOW),
    ("SHOW CREATE USER {}", SHOW),
]


def test_account_statements():
    world()
    for actor, grants in ACTORS.items():
        for sql, want in ACCOUNT_STATEMENTS:
            for target, expected in zip(("plain@localhost", "boss@localhost"), want[actor]):
                setup(grants)
                if actor == "grantor":
                    root.query(f"REVOKE SYSTEM_USER ON *.* FROM {ME}")
                w = Wire(server, user="actor")
                got = code_of(w, sql.format(target))
                assert got == expected, f"{actor}: {sql.format(target)}: {got}, not {expected}"
                w.quit()


def test_create_user():
    for actor, want in (("nobody", 1227), ("create", 0), ("mysql", 0), ("both", 0)):
        setup(ACTORS[actor])
        w = Wire(server, user="actor")
        assert code_of(w, "CREATE USER other@localhost") == want, actor
        w.quit()


def test_oneself():
    """Everybody may change the own password, see the own grants, and nothing else of the own account."""
    for sql, want in (("ALTER USER USER() IDENTIFIED BY ''", 0), ("ALTER USER actor@localhost IDENTIFIED BY ''", 0), ("SET PASSWORD = ''", 0),
                      ("ALTER USER CURRENT_USER() IDENTIFIED WITH caching_sha2_password BY ''", 1227), ("ALTER USER USER() ACCOUNT LOCK", 1227),
                      ("ALTER USER USER() IDENTIFIED BY '' ACCOUNT UNLOCK", 1227), ("ALTER USER actor@localhost IDENTIFIED BY '', plain@localhost IDENTIFIED BY ''", 1227),
                      (f"GRANT USAGE ON *.* TO {ME} WITH GRANT OPTION", 1045), (f"GRANT SELECT ON shop.* TO {ME}", 1044), ("REVOKE GRANT OPTION ON *.* FROM root@localhost", 1045),
                      (f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ME}", 1227), (f"RENAME USER {ME} TO other@localhost", 1227), (f"DROP USER {ME}", 1227),
                      ("SHOW GRANTS", 0), (f"SHOW GRANTS FOR {ME}", 0), ("SHOW CREATE USER CURRENT_USER()", 0), ("SHOW GRANTS FOR nobody_there@localhost", 1044)):
        setup()
        w = Wire(server, user="actor")
        got = code_of(w, sql)
        assert got == want, f"{sql}: {got}, not {want}"
        w.quit()


def test_root_keeps_what_he_has():
    """What CREATE USER, or GRANT OPTION without SYSTEM_USER, must not be able to do to root."""
    setup(["ALL ON *.*", "PROCESS ON *.* WITH GRANT OPTION"])
    root.query(f"REVOKE SYSTEM_USER ON *.* FROM {ME}")
    before = root.query("SHOW GRANTS"), root.query("SHOW CREATE USER CURRENT_USER()")
    w = Wire(server, user="actor")
    for sql in ("ALTER USER root@localhost IDENTIFIED BY 'mine'", "ALTER USER root@localhost ACCOUNT LOCK", "SET PASSWORD FOR root@localhost = 'mine'", "DROP USER root@localhost",
                "RENAME USER root@localhost TO x@localhost", "REVOKE GRANT OPTION ON *.* FROM root@localhost", "REVOKE SELECT ON *.* FROM root@localhost",
                "GRANT SELECT ON shop.* TO root@localhost", "REVOKE ALL PRIVILEGES, GRANT OPTION FROM root@localhost", "REVOKE ALL ON *.* FROM root@localhost"):
        assert code_of(w, sql) == 1227, sql
    assert (root.query("SHOW GRANTS"), root.query("SHOW CREATE USER CURRENT_USER()")) == before
    w.quit()


# ---- grant option by level ----

def test_grant_option_of_a_level():
    """One gives what one has, where one has GRANT OPTION."""
    world()
    cases = [
        (["SELECT ON shop.* WITH GRANT OPTION"], [("GRANT SELECT ON shop.* TO plain@localhost", 0), ("GRANT SELECT ON shop.t TO plain@localhost", 0), ("GRANT INSERT ON shop.* TO plain@localhost", 1044),
                                                  ("GRANT INSERT ON shop.t TO plain@localhost", 1142), ("GRANT SELECT ON other.* TO plain@localhost", 1044),
                                                  ("GRANT SELECT ON `sho_`.* TO plain@localhost", 1044), ("GRANT SELECT ON *.* TO plain@localhost", 1045),
                                                  ("GRANT ALL ON shop.* TO plain@localhost", 1044), ("GRANT PROCESS ON shop.* TO plain@localhost", 1045),
                                                  ("REVOKE SELECT ON shop.* FROM plain@localhost", 0), ("REVOKE INSERT ON shop.* FROM plain@localhost", 1044)]),
        (["SELECT ON shop.t WITH GRANT OPTION"], [("GRANT SELECT ON shop.t TO plain@localhost", 0), ("GRANT SELECT ON shop.u TO plain@localhost", 1142),
                                                  ("GRANT SELECT ON shop.* TO plain@localhost", 1044), ("GRANT USAGE ON shop.u TO plain@localhost", 1142)]),
        (["SELECT ON `sh%`.* WITH GRANT OPTION"], [("GRANT SELECT ON shop.* TO plain@localhost", 0), ("GRANT SELECT ON `sho_`.* TO plain@localhost", 0), ("GRANT SELECT ON `sh%`.* TO plain@localhost", 0),
                                                   ("GRANT SELECT ON `s%`.* TO plain@localhost", 1044)]),
        (["USAGE ON *.* WITH GRANT OPTION", "INSERT ON shop.*"], [("GRANT INSERT ON shop.* TO plain@localhost", 0), ("GRANT INSERT ON shop.t TO plain@localhost", 0),
                                                                  ("GRANT INSERT ON *.* TO plain@localhost", 1045), ("GRANT USAGE ON *.* TO plain@localhost WITH GRANT OPTION", 0)]),
        (["ALL ON shop.*"], [("GRANT SELECT ON shop.* TO plain@localhost", 1044), ("GRANT USAGE ON shop.* TO plain@localhost", 1044), ("GRANT SELECT ON shop.t TO plain@localhost", 1142)]),
    ]
    for grants, statements in cases:
        for sql, want in statements:
            setup(grants)
            w = Wire(server, user="actor")
            got = code_of(w, sql)
            assert got == want, f"{grants}: {sql}: {got}, not {want}"
            w.quit()


def test_what_makes_no_sense():
    """1144, 1221, 3619, 1146, 1141, 1147, 1269, 1410, 1046 (manual, GRANT and REVOKE)."""
    world()
    setup()
    for sql, want in (("GRANT PROCESS ON shop.* TO plain@localhost", 1221), ("GRANT LOCK TABLES ON shop.t TO plain@localhost", 1144), ("GRANT RELOAD ON shop.t TO plain@localhost", 1144),
                      ("GRANT BACKUP_ADMIN ON shop.* TO plain@localhost", 3619), ("GRANT BACKUP_ADMIN ON shop.t TO plain@localhost", 3619), ("GRANT SELECT ON shop.none TO plain@localhost", 1146),
                      ("GRANT CREATE, SELECT ON shop.none TO plain@localhost", 0), ("GRANT ALL ON shop.none2 TO plain@localhost", 0), ("GRANT SELECT ON nowhere.* TO plain@localhost", 0),
                      ("GRANT SELECT ON shop.* TO stranger@localhost", 1410), ("REVOKE SELECT ON shop.* FROM stranger@localhost", 1141), ("REVOKE SELECT ON other.* FROM plain@localhost", 1141),
                      ("REVOKE SELECT ON shop.t FROM plain@localhost", 1147), ("REVOKE IF EXISTS SELECT ON shop.t FROM plain@localhost", 0),
                      ("REVOKE SELECT ON shop.* FROM stranger@localhost IGNORE UNKNOWN USER", 0), ("REVOKE ALL PRIVILEGES, GRANT OPTION FROM stranger@localhost", 1269),
                      ("GRANT SELECT ON * TO plain@localhost", 1046), ("GRANT SELECT ON information_schema.* TO plain@localhost", 1044), ("GRANT ALL ON shop.* TO plain@localhost", 0),
                      ("GRANT ALL ON shop.t TO plain@localhost", 0), ("GRANT ALL PRIVILEGES ON shop.* TO plain@localhost WITH GRANT OPTION", 0)):
        got = code_of(root, sql)
        assert got == want, f"{sql}: {got}, not {want}"


# ---- data ----

# statement; what it needs (each: privileges on where, and the answer when just this is missing). {} is a table, shop.t.
NEEDS = [
    ("SELECT v FROM {}", [("SELECT ON shop.t", 1142)]),
    ("SELECT 1 FROM shop.u JOIN {} AS x ON 1 = 1", [("SELECT ON shop.u", 1142), ("SELECT ON shop.t", 1142)]),
    ("SELECT (SELECT MAX(v) FROM {})", [("SELECT ON shop.t", 1142)]),
    ("SELECT * FROM (SELECT v FROM {}) AS d", [("SELECT ON shop.t", 1142)]),
    ("WITH c AS (SELECT v FROM {}) SELECT * FROM c", [("SELECT ON shop.t", 1142)]),
    ("SELECT 1 UNION SELECT v FROM {}", [("SELECT ON shop.t", 1142)]),
    ("SELECT 1 WHERE EXISTS (SELECT 1 FROM {})", [("SELECT ON shop.t", 1142)]),
    ("TABLE {}", [("SELECT ON shop.t", 1142)]),
    ("SELECT v FROM {} FOR SHARE", [("SELECT ON shop.t", 1142)]),
    ("SELECT v FROM {} FOR UPDATE", [("SELECT ON shop.t", 1142), ("DELETE ON shop.t", 1142)]),
    ("DO (SELECT MAX(v) FROM {})", [("SELECT ON shop.t", 1142)]),
    ("SET @x = (SELECT MAX(v) FROM {})", [("SELECT ON shop.t", 1142)]),
    ("EXPLAIN SELECT v FROM {}", [("SELECT ON shop.t", 1142)]),
    ("INSERT INTO {} VALUES (10, 1)", [("INSERT ON shop.t", 1142)]),
    ("INSERT INTO {} SELECT id + 100, v FROM shop.u", [("INSERT ON shop.t", 1142), ("SELECT ON shop.u", 1142)]),
    ("INSERT INTO shop.u SELECT id + 100, v FROM {}", [("INSERT ON shop.u", 1142), ("SELECT ON shop.t", 1142)]),
    ("INSERT INTO {} VALUES (11, (SELECT MAX(v) FROM shop.u))", [("INSERT ON shop.t", 1142), ("SELECT ON shop.u", 1142)]),
    ("REPLACE INTO {} VALUES (12, 1)", [("INSERT ON shop.t", 1142), ("DELETE ON shop.t", 1142)]),
    ("INSERT INTO {} VALUES (1, 1) ON DUPLICATE KEY UPDATE v = 2", [("INSERT ON shop.t", 1142), ("UPDATE ON shop.t", 1142)]),
    ("INSERT INTO {} VALUES (1, 1) ON DUPLICATE KEY UPDATE v = v + 1", [("INSERT ON shop.t", 1142), ("UPDATE ON shop.t", 1142), ("SELECT ON shop.t", 1143)]),
    ("UPDATE {} SET v = 1", [("UPDATE ON shop.t", 1142)]),
    ("UPDATE {} SET v = v + 1", [("UPDATE ON shop.t", 1142), ("SELECT ON shop.t", 1143)]),
    ("UPDATE {} SET v = 2 WHERE id = 1", [("UPDATE ON shop.t", 1142), ("SELECT ON shop.t", 1143)]),
    ("UPDATE {} SET v = 2 ORDER BY id", [("UPDATE ON shop.t", 1142), ("SELECT ON shop.t", 1143)]),
    ("UPDATE {} SET v = (SELECT MAX(v) FROM shop.u)", [("UPDATE ON shop.t", 1142), ("SELECT ON shop.u", 1142)]),
    ("UPDATE {} AS a JOIN shop.u AS b ON a.id = b.id SET a.v = 3", [("UPDATE, SELECT ON shop.t", 1142), ("SELECT ON shop.u", 1142)]),
    ("DELETE FROM {}", [("DELETE ON shop.t", 1142)]),
    ("DELETE FROM {} WHERE id = 77", [("DELETE ON shop.t", 1142), ("SELECT ON shop.t", 1143)]),
    ("DELETE a FROM {} AS a JOIN shop.u AS b ON a.id = b.id WHERE b.id = 77", [("DELETE ON shop.t", 1142), ("SELECT ON shop.t", 1142), ("SELECT ON shop.u", 1142)]),
    ("CREATE TABLE shop.w (a INT)", [("CREATE ON shop.w", 1142)]),
    ("CREATE TABLE IF NOT EXISTS {} (a INT)", [("CREATE ON shop.t", 1142)]),
    ("CREATE TABLE shop.w LIKE {}", [("CREATE ON shop.w", 1142), ("SELECT ON shop.t", 1142)]),
    ("DROP TABLE {}", [("DROP ON shop.t", 1142)]),
    ("DROP TABLE IF EXISTS {}, shop.u", [("DROP ON shop.t", 1142), ("DROP ON shop.u", 1142)]),
    ("TRUNCATE TABLE {}", [("DROP ON shop.t", 1142)]),
    ("ALTER TABLE {} DISABLE KEYS", [("ALTER ON shop.t", 1142)]),
    ("CHECK TABLE {}", [("SELECT ON shop.t", 1142)]),
    ("ANALYZE TABLE {}", [("SELECT ON shop.t", 1142), ("INSERT ON shop.t", 1142)]),
    ("OPTIMIZE TABLE {}", [("SELECT ON shop.t", 1142), ("INSERT ON shop.t", 1142)]),
    ("REPAIR TABLE {}", [("SELECT ON shop.t", 1142), ("INSERT ON shop.t", 1142)]),
    ("LOCK TABLES {} READ", [("LOCK TABLES ON shop.*", 1044), ("SELECT ON shop.t", 1142)]),
    ("SHOW COLUMNS FROM {}", [("INSERT ON shop.t", 1142)]),
    ("DESCRIBE {}", [("DELETE ON shop.t", 1142)]),
    ("SHOW INDEX FROM {}", [("UPDATE ON shop.t", 1142)]),
    ("SHOW CREATE TABLE {}", [("INDEX ON shop.t", 1142)]),
    ("SHOW TABLES FROM shop", [("SELECT ON shop.t", 1044)]),
    ("SHOW TABLE STATUS FROM shop", [("SELECT ON shop.t", 1044)]),
    ("SHOW CREATE DATABASE shop", [("SELECT ON shop.t", 1044)]),
    ("USE shop", [("SELECT ON shop.t", 1044)]),
    ("CREATE DATABASE made", [("CREATE ON made.*", 1044)]),
    ("CREATE DATABASE IF NOT EXISTS shop", [("CREATE ON shop.*", 1044)]),
    ("ALTER DATABASE shop COLLATE utf8mb4_bin", [("ALTER ON shop.*", 1044)]),
    ("DROP DATABASE shop", [("DROP ON shop.*", 1044)]),
    ("DROP DATABASE IF EXISTS shop", [("DROP ON shop.*", 1044)]),
]


def grant_all(needs):
    for g, _ in needs:
        privs, where = g.split(" ON ")
        if privs != "CREATE" and not where.endswith("*") and where == "shop.w":
            continue
        root.query(f"GRANT {g} TO {ME}")


def test_data_statements():
    """Allowed with exactly what the manual asks for; refused, with the right number, when one of it is missing; granted on the table, on the
    database, or globally."""
    for sql, needs in NEEDS:
        for level in ("exact", "database", "global"):
            world()
            root.query("DROP DATABASE IF EXISTS made")
            setup()
            for g, _ in needs:
                privs, where = g.split(" ON ")
                where = {"exact": where, "database": where.split(".")[0] + ".*", "global": "*.*"}[level]
                root.query(f"GRANT {privs} ON {where} TO {ME}")
            w = Wire(server, user="actor")
            got = code_of(w, sql.format("shop.t"))
            assert got == 0, f"{level}: {sql}: {got}"
            w.quit()
        for missing, want in needs:
            world()
            setup()
            for g, _ in needs:
                if g != missing:
                    root.query(f"GRANT {g} TO {ME}")
            w = Wire(server, user="actor")
            got = code_of(w, sql.format("shop.t"))
            assert got == want, f"without {missing}: {sql}: {got}, not {want}"
            w.quit()
    root.query("DROP DATABASE IF EXISTS made")


def error_of(w, sql):
    try:
        w.query(sql)
        return None
    except Err as e:
        return e.code, e.text


def test_refusals_do_not_tell_what_exists():
    """The same words for a table that is there, one that is not, and one in a database that is not."""
    world()
    root.query("CREATE TABLE shop.there (id INT PRIMARY KEY, v INT)")
    setup()
    w = Wire(server, user="actor")
    for sql, _ in NEEDS:
        if "{}" in sql and "shop.u" not in sql:
            answers = {error_of(w, sql.format(f"{db}.{t}"))[1].replace(t, "NAME").replace(db, "DB") for db, t in (("shop", "there"), ("shop", "thereno"), ("nodb", "theretoo"))}
            assert len(answers) == 1, f"{sql}: {answers}"
    for a, b in (("USE shop", "USE nodb"), ("SHOW TABLES FROM shop", "SHOW TABLES FROM nodb"), ("SHOW CREATE DATABASE shop", "SHOW CREATE DATABASE nodb")):
        x, y = error_of(w, a), error_of(w, b)
        assert x[0] == y[0] == 1044 and x[1].replace("shop", "nodb") == y[1], (x, y)
    w.quit()


def test_prepared_statements_ask_each_time():
    world()
    setup(["SELECT ON shop.t"])
    w = Wire(server, user="actor")
    stmt, _ = w.prepare("SELECT v FROM shop.t")
    w.query("PREPARE p FROM 'SELECT v FROM shop.t'")
    assert code_of(w, "EXECUTE p") == 0
    root.query(f"REVOKE SELECT ON shop.t FROM {ME}")
    assert code_of(w, "EXECUTE p") == 1142
    w.execute(stmt)
    assert w.packet()[0] == 0xFF
    try:
        w.prepare("SELECT v FROM shop.t")
        assert False
    except Err as e:
        assert e.code == 1142, e
    w.quit()


# ---- what one sees ----

def names(rows):
    return [r[0].decode() if isinstance(r[0], bytes) else r[0] for r in rows]


def test_lists_show_what_one_may_see():
    world()
    setup()
    w = Wire(server, user="actor")
    assert names(w.query("SHOW DATABASES")) == ["information_schema", "performance_schema"]
    for view in ("SCHEMATA", "TABLES", "COLUMNS", "STATISTICS", "TABLE_CONSTRAINTS", "KEY_COLUMN_USAGE"):
        col = {"SCHEMATA": "SCHEMA_NAME"}.get(view, "TABLE_SCHEMA")
        rows = w.query(f"SELECT COUNT(*) FROM information_schema.{view} WHERE {col} NOT IN ('information_schema', 'performance_schema')")
        assert names(rows) == ["0"], view
    for t, want in (("processlist", 0), ("threads", 0), ("global_variables", 0), ("session_status", 0), ("data_locks", 1142), ("metadata_locks", 1142), ("no_such", 1142)):
        assert code_of(w, f"SELECT COUNT(*) FROM performance_schema.{t}") == want, t
    root.query(f"GRANT INSERT ON shop.t TO {ME}")  # counts at once
    assert names(w.query("SHOW DATABASES")) == ["information_schema", "performance_schema", "shop"]
    assert names(w.query("SHOW TABLES FROM shop")) == ["t"]
    assert names(w.query("SHOW TABLE STATUS FROM shop")) == ["t"]
    assert names(w.query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'")) == ["t"]
    assert names(w.query("SELECT DISTINCT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop'")) == ["t"]
    assert names(w.query("SELECT DISTINCT TABLE_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'shop'")) == ["t"]
    assert names(w.query("SELECT PRIVILEGES FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND COLUMN_NAME = 'v'")) == ["insert"]
    assert [r[7] for r in w.query("SHOW FULL COLUMNS FROM shop.t")] == [b"insert", b"insert"]
    root.query(f"GRANT SELECT ON shop.* TO {ME}")
    assert names(w.query("SHOW TABLES FROM shop")) == ["t", "u"]
    root.query(f"REVOKE SELECT ON shop.* FROM {ME}")
    assert names(w.query("SHOW TABLES FROM shop")) == ["t"]
    root.query(f"GRANT SHOW DATABASES ON *.* TO {ME}")  # global: from the next login on
    assert "other" not in names(w.query("SHOW DATABASES"))
    w.quit()
    w = Wire(server, user="actor")
    assert {"mysql", "other", "shop", "sys"} <= set(names(w.query("SHOW DATABASES")))
    assert names(w.query("SHOW TABLES FROM other")) == []
    assert code_of(w, "USE other") == 1044
    w.quit()


def test_commands_ask_too():
    """COM_INIT_DB, COM_FIELD_LIST, login with a database."""
    import pymysql
    world()
    setup()
    w = Wire(server, user="actor")
    for payload, want in ((b"\x02shop", 1044), (b"\x02nodb", 1044), (b"\x02information_schema", 0)):
        w.command(payload)
        p = w.packet()
        assert (p[0] == 0xFF and Err(p).code or 0) == want, (payload, p)
    w.quit()
    for db in ("shop", "nodb"):
        try:
            server.connect(user="actor", database=db)
            assert False, db
        except pymysql.err.OperationalError as e:
            assert e.args[0] == 1044, e
    root.query(f"GRANT INSERT ON shop.u TO {ME}")
    w = Wire(server, user="actor")
    w.query("USE shop")
    for payload, want in ((b"\x04t\0", 1142), (b"\x04nothere\0", 1142)):
        w.command(payload)
        p = w.packet()
        assert p[0] == 0xFF and Err(p).code == want, (payload, p)
    w.command(b"\x04u\0")
    assert w.packet()[0] != 0xFF
    w.quit()


def test_wildcards_of_databases():
    """% and _ in the database of a grant, escapes, and the most specific pattern alone counts."""
    for sql in ("CREATE DATABASE app_1", "CREATE DATABASE appx1", "CREATE DATABASE app_2", "CREATE DATABASE zoo"):
        root.query(sql)
        root.query(f"CREATE TABLE {sql.split()[-1]}.t (a INT)")
    cases = [
        (["SELECT ON `app\\_%`.*"], {"app_1": 0, "app_2": 0, "appx1": 1142, "zoo": 1142}),
        (["SELECT ON `app_1`.*"], {"app_1": 0, "appx1": 0, "app_2": 1142}),
        (["SELECT ON `app\\_1`.*"], {"app_1": 0, "appx1": 1142}),
        (["SELECT ON `%`.*"], {"app_1": 0, "zoo": 0}),
        (["SELECT ON `app%`.*", "INSERT ON `app\\_1`.*"], {"app_1": 1142, "app_2": 0}),
        (["INSERT ON `a%`.*", "SELECT ON `app%`.*"], {"app_1": 0}),
        (["INSERT ON `app%`.*", "SELECT ON `a%`.*"], {"app_1": 1142}),
        (["SELECT ON `app_1`.t"], {"app_1": 0, "appx1": 1142}),  # of a table: no wildcard
    ]
    for grants, want in cases:
        setup(grants)
        w = Wire(server, user="actor")
        for db, code in want.items():
            got = code_of(w, f"SELECT * FROM {db}.t")
            assert got == code, f"{grants}: {db}: {got}, not {code}"
        w.quit()
    setup(["CREATE, DROP ON `made\\_%`.*"])
    w = Wire(server, user="actor")
    assert code_of(w, "CREATE DATABASE made_by_me") == 0 and code_of(w, "CREATE DATABASE madexby") == 1044
    assert code_of(w, "DROP DATABASE made_by_me") == 0
    w.quit()
    for db in ("app_1", "appx1", "app_2", "zoo"):
        root.query(f"DROP DATABASE {db}")


def test_hosts_of_grants():
    """Stage 2: rows of the connecting user whose host matches the connecting host count, the most specific first."""
    world()
    setup()
    root.query("CREATE USER actor@'%' IDENTIFIED BY ''")
    root.query("GRANT SELECT ON shop.* TO actor@'%'")
    w = Wire(server, user="actor")
    assert w.value("SELECT CURRENT_USER()") == "actor@localhost"
    assert code_of(w, "SELECT * FROM shop.t") == 0
    root.query(f"GRANT INSERT ON shop.* TO {ME}")
    assert code_of(w, "SELECT * FROM shop.t") == 1142 and code_of(w, "INSERT INTO shop.t VALUES (50, 1)") == 0
    w.quit()
    root.query("DROP USER actor@'%'")


# ---- grants live with their accounts ----

def grants_of(user):
    return [r[0].decode() for r in root.query(f"SHOW GRANTS FOR {user}")]


def test_show_grants():
    world()
    setup()
    for g in ("ALL ON shop.*", "SELECT, INSERT ON other.t", "ALL ON shop.t", "USAGE ON *.*", "CREATE USER ON *.*", "SELECT ON `a\\_b`.*"):
        root.query(f"GRANT {g} TO {ME}")
    root.query(f"GRANT UPDATE ON other.t TO {ME} WITH GRANT OPTION")
    root.query(f"GRANT USAGE ON other.* TO {ME} WITH GRANT OPTION")
    to = "TO `actor`@`localhost`"
    assert grants_of(ME) == [f"GRANT CREATE USER ON *.* {to}", f"GRANT SELECT ON `a\\_b`.* {to}", f"GRANT USAGE ON `other`.* {to} WITH GRANT OPTION",
                             f"GRANT ALL PRIVILEGES ON `shop`.* {to}", f"GRANT SELECT, INSERT, UPDATE ON `other`.`t` {to} WITH GRANT OPTION",
                             f"GRANT ALL PRIVILEGES ON `shop`.`t` {to}"], grants_of(ME)
    root.query(f"REVOKE DROP ON shop.* FROM {ME}")
    assert ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, "
            f"CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER ON `shop`.* {to}") in grants_of(ME), grants_of(ME)
    root.query(f"REVOKE ALL ON shop.t FROM {ME}")
    root.query(f"REVOKE ALL ON shop.* FROM {ME}")
    assert not [g for g in grants_of(ME) if "`shop`" in g], grants_of(ME)
    root.query(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ME}")
    assert grants_of(ME) == [f"GRANT USAGE ON *.* {to}"]


def test_grants_live_with_their_accounts():
    """RENAME USER and DROP USER take them along; DROP TABLE and DROP DATABASE leave them."""
    world()
    setup(["SELECT ON shop.*", "INSERT ON shop.t"])
    w = Wire(server, user="actor")
    root.query(f"RENAME USER {ME} TO other@localhost")
    assert grants_of("other@localhost") == ["GRANT USAGE ON *.* TO `other`@`localhost`", "GRANT SELECT ON `shop`.* TO `other`@`localhost`",
                                            "GRANT INSERT ON `shop`.`t` TO `other`@`localhost`"]
    assert code_of(root, f"SHOW GRANTS FOR {ME}") == 1141
    assert code_of(w, "SELECT * FROM shop.t") == 1142  # of an account that is no more
    w.quit()
    assert code_of(root, "RENAME USER other@localhost TO plain@localhost") == 1396
    assert code_of(root, "RENAME USER stranger@localhost TO x@localhost") == 1396
    root.query("DROP TABLE shop.t")
    root.query("DROP DATABASE shop")
    assert len(grants_of("other@localhost")) == 3
    root.query("DROP USER other@localhost")
    root.query("CREATE USER other@localhost")
    assert len(grants_of("other@localhost")) == 1
    root.query("DROP USER other@localhost")


def test_grants_survive_kill_9():
    setup(["ALL ON shop.*", "SELECT ON other.t", "PROCESS ON *.*"])
    root.query(f"ALTER USER {ME} ACCOUNT LOCK")
    before = grants_of(ME)
    server.kill9()
    server.start()
    globals()["root"] = Wire(server)
    assert grants_of(ME) == before and len(before) == 3
    assert "ACCOUNT LOCK" in root.value(f"SHOW CREATE USER {ME}")


# ---- accounts ----

def test_account_lock():
    """3118 once the password was right; 1045 when it was wrong."""
    import pymysql
    setup()
    root.query("CREATE USER other@localhost IDENTIFIED BY 'secret' ACCOUNT LOCK")
    for password, want in (("secret", 3118), ("wrong", 1045)):
        try:
            server.connect(user="other", password=password)
            assert False, password
        except pymysql.err.OperationalError as e:
            assert e.args[0] == want, e
            assert want != 3118 or e.args[1] == "Access denied for user 'other'@'localhost'. Account is locked.", e
    assert " ACCOUNT LOCK " in root.value("SHOW CREATE USER other@localhost")
    root.query("ALTER USER other@localhost ACCOUNT UNLOCK")
    assert " ACCOUNT UNLOCK " in root.value("SHOW CREATE USER other@localhost")
    c = server.connect(user="other", password="secret")
    root.query("ALTER USER other@localhost ACCOUNT LOCK")  # a session that is there stays
    with c.cursor() as cur:
        cur.execute("SELECT 1")
    c.close()


def test_new_password_keeps_the_plugin():
    import pymysql
    setup()
    root.query("CREATE USER other@localhost IDENTIFIED WITH mysql_native_password BY 'one'")
    for sql, password in (("SET PASSWORD FOR other@localhost = 'two'", "two"), ("ALTER USER other@localhost IDENTIFIED BY 'three'", "three")):
        root.query(sql)
        assert root.value("SELECT plugin FROM mysql.user WHERE user = 'other'") == "mysql_native_password", sql
        server.connect(user="other", password=password).close()
    c = server.connect(user="other", password="three")
    with c.cursor() as cur:
        cur.execute("SET PASSWORD = 'four'")
    c.close()
    server.connect(user="other", password="four").close()
    assert root.value("SELECT plugin FROM mysql.user WHERE user = 'other'") == "mysql_native_password"
    root.query("ALTER USER other@localhost IDENTIFIED WITH auth_socket AS 'nobody'")
    for sql in ("SET PASSWORD FOR other@localhost = 'x'", "ALTER USER other@localhost IDENTIFIED BY 'x'"):
        assert code_of(root, sql) == 1699, sql
    assert code_of(root, "SET PASSWORD FOR stranger@localhost = 'x'") == 1133
    assert pymysql


def test_own_hash_is_secret():
    setup()
    w = Wire(server, user="actor")
    w.query("SET PASSWORD = 'x'")
    assert "AS '<secret>'" in w.value("SHOW CREATE USER CURRENT_USER()")
    assert "AS '$A$" in root.value(f"SHOW CREATE USER {ME}")
    w.quit()


# ---- views ----

def test_privilege_views():
    world()
    setup(["SELECT, INSERT ON shop.*", "DELETE ON shop.t", "PROCESS, BACKUP_ADMIN ON *.*"])
    w = Wire(server, user="actor")
    assert w.query("SELECT * FROM information_schema.USER_PRIVILEGES") == [(b"'actor'@'localhost'", b"def", p, b"NO") for p in (b"PROCESS", b"BACKUP_ADMIN")]
    assert w.query("SELECT * FROM information_schema.SCHEMA_PRIVILEGES") == [(b"'actor'@'localhost'", b"def", b"shop", p, b"NO") for p in (b"SELECT", b"INSERT")]
    assert w.query("SELECT * FROM information_schema.TABLE_PRIVILEGES") == [(b"'actor'@'localhost'", b"def", b"shop", b"t", b"DELETE", b"NO")]
    assert w.query("SELECT * FROM information_schema.COLUMN_PRIVILEGES") == []
    for t in ("user", "db", "tables_priv"):
        assert code_of(w, f"SELECT * FROM mysql.{t}") == 1142, t
    w.quit()
    assert root.query("SELECT Host, User, Select_priv, Process_priv, Grant_priv, account_locked, plugin FROM mysql.user WHERE User = 'actor'") == \
        [(b"localhost", b"actor", b"N", b"Y", b"N", b"N", b"caching_sha2_password")]
    assert root.query("SELECT Select_priv, Insert_priv, Update_priv FROM mysql.db WHERE User = 'actor'") == [(b"Y", b"Y", b"N")]
    assert root.query("SELECT Db, Table_name, Grantor, Table_priv FROM mysql.tables_priv WHERE User = 'actor'") == [(b"shop", b"t", b"root@localhost", b"Delete")]
    assert len(root.query("SHOW COLUMNS FROM mysql.user")) == 51 and len(root.query("SHOW COLUMNS FROM mysql.db")) == 22
    assert names(root.query("SELECT DISTINCT GRANTEE FROM information_schema.SCHEMA_PRIVILEGES ORDER BY 1")) == ["'actor'@'localhost'", "'boss'@'localhost'", "'plain'@'localhost'"]
    for sql in ("INSERT INTO mysql.user (Host, User) VALUES ('%', 'x')", "UPDATE mysql.user SET Select_priv = 'Y'", "DELETE FROM mysql.user", "DROP TABLE mysql.user",
                "TRUNCATE TABLE mysql.db"):
        assert code_of(root, sql) == 1044, sql
    assert code_of(root, "DROP DATABASE mysql") == 3552
    assert names(root.query("SHOW TABLES FROM mysql")) == ["db", "innodb_index_stats", "innodb_table_stats", "tables_priv", "time_zone", "time_zone_leap_second", "time_zone_name", "time_zone_transition",
                                                              "time_zone_transition_type", "user"]
    root.query("FLUSH PRIVILEGES")


def test_no_table_like_a_virtual_one():
    world()
    for source, want in (("information_schema.TABLES", 1347), ("sys.innodb_lock_waits", 1347), ("performance_schema.threads", 1683), ("mysql.user", 1347)):
        assert code_of(root, f"CREATE TABLE shop.copy LIKE {source}") == want, source


def close_all():
    root.quit()
    server.stop()
    server.remove()


if __name__ == "__main__":
    main(globals())
