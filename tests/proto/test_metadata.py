# SPDX-License-Identifier: Apache-2.0
"""Column definitions on the wire: types, lengths, flags, character sets, decimals. Expected values are MySQL's own (main.metadata of its test suite
at 8.0, and the protocol documentation), for a client with utf8mb4 unless said otherwise."""
import quell
from harness import main
from wire import (AUTO_INCREMENT, BINARY, BLOB, MULTIPLE_KEY, NO_DEFAULT, NOT_NULL, ON_UPDATE_NOW, PART_KEY, PRI_KEY, TIMESTAMP, UNIQUE_KEY, UNSIGNED, ENUM,
                  SET, ZEROFILL, Watcher, Wire)

server = quell.Server()
server.start()
w = Watcher(server)
w.query("CREATE DATABASE d CHARACTER SET utf8mb4")
w.query("USE d")
w.query("SET NAMES utf8mb4")

#            column                    type len         flags          decimals charset
STORED = [("bool_col BOOL",              1, 1,          0,              0, 63),
          ("tiny TINYINT",               1, 4,          0,              0, 63),
          ("tiny_uns TINYINT UNSIGNED",  1, 3,          UNSIGNED,       0, 63),
          ("small SMALLINT",             2, 6,          0,              0, 63),
          ("small_uns SMALLINT UNSIGNED", 2, 5,         UNSIGNED,       0, 63),
          ("medium MEDIUMINT",           9, 9,          0,              0, 63),
          ("medium_uns MEDIUMINT UNSIGNED", 9, 8,       UNSIGNED,       0, 63),
          ("int_col INT",                3, 11,         0,              0, 63),
          ("int_uns INT UNSIGNED",       3, 10,         UNSIGNED,       0, 63),
          ("big BIGINT",                 8, 20,         0,              0, 63),
          ("big_uns BIGINT UNSIGNED",    8, 20,         UNSIGNED,       0, 63),
          ("dec_col DECIMAL(10,5)",      246, 12,       0,              5, 63),
          ("dec_int DECIMAL(10)",        246, 11,       0,              0, 63),
          ("dec_uns DECIMAL(10,5) UNSIGNED", 246, 11,   UNSIGNED,       5, 63),
          ("fcol FLOAT",                 4, 12,         0,              31, 63),
          ("fdig FLOAT(3,2)",            4, 3,          0,              2, 63),
          ("dcol DOUBLE",                5, 22,         0,              31, 63),
          ("ddig DOUBLE(4,3)",           5, 4,          0,              3, 63),
          ("year_col YEAR",              13, 4,         UNSIGNED | ZEROFILL, 0, 63),
          ("bit1 BIT",                   16, 1,         UNSIGNED,       0, 63),
          ("bit64 BIT(64)",              16, 64,        UNSIGNED,       0, 63),
          ("en ENUM('a','bcd')",         254, 12,       ENUM,           0, 255),
          ("st SET('a','bcd')",          254, 20,       SET,            0, 255),
          ("enb ENUM('a','b') COLLATE utf8mb4_bin", 254, 4, ENUM | BINARY, 0, 255),
          ("date_col DATE",              10, 10,        BINARY,         0, 63),
          ("time_col TIME",              11, 10,        BINARY,         0, 63),
          ("time6 TIME(6)",              11, 17,        BINARY,         6, 63),
          ("dt DATETIME",                12, 19,        BINARY,         0, 63),
          ("dt3 DATETIME(3)",            12, 23,        BINARY,         3, 63),
          ("ts TIMESTAMP NULL",          7, 19,         BINARY,         0, 63),
          ("tsu TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", 7, 19, NOT_NULL | BINARY | TIMESTAMP | ON_UPDATE_NOW, 0, 63),
          ("ch CHAR(5)",                 254, 20,       0,              0, 255),
          ("vc VARCHAR(10)",             253, 40,       0,              0, 255),
          ("vb VARCHAR(10) COLLATE utf8mb4_bin", 253, 40, BINARY,       0, 255),
          ("l1 VARCHAR(10) CHARACTER SET latin1", 253, 40, 0,           0, 255),
          ("bin BINARY(10)",             254, 10,       BINARY,         0, 63),
          ("vbin VARBINARY(10)",         253, 10,       BINARY,         0, 63),
          ("tb TINYBLOB",                252, 255,      BINARY | BLOB,  0, 63),
          ("bl BLOB",                    252, 65535,    BINARY | BLOB,  0, 63),
          ("mb MEDIUMBLOB",              252, 16777215, BINARY | BLOB,  0, 63),
          ("lb LONGBLOB",                252, 4294967295, BINARY | BLOB, 0, 63),
          ("tx TEXT",                    252, 262140,   BLOB,           0, 255),
          ("mt MEDIUMTEXT",              252, 67108860, BLOB,           0, 255),
          ("lt LONGTEXT",                252, 4294967295, BLOB,         0, 255),
          ("js JSON",                    245, 4294967295, BINARY | BLOB, 0, 63)]
w.query("CREATE TABLE t1 (" + ", ".join(c[0] for c in STORED) + ")")
w.query("CREATE TABLE k (id INT NOT NULL AUTO_INCREMENT, a INT, b INT NOT NULL, u INT NOT NULL, x INT NOT NULL, y INT NOT NULL, z INT NOT NULL DEFAULT 5, "
        "PRIMARY KEY (id), KEY (a, b), UNIQUE KEY (u), UNIQUE KEY two (x, y))")


def told(sql, c=w):
    c.query(sql)
    return c.meta


def test_stored_columns():
    for got, (column, type_, length, flags, decimals, charset) in zip(told("SELECT * FROM t1"), STORED):
        name = column.split()[0]
        assert got == ("d", "t1", "t1", name, name, charset, length, type_, flags, decimals), (column, got)


def test_keys():
    flags = {c.name: c.flags for c in told("SELECT * FROM k AS alias")}
    assert flags == {"id": NOT_NULL | PRI_KEY | AUTO_INCREMENT | PART_KEY, "a": MULTIPLE_KEY | PART_KEY, "b": NOT_NULL | NO_DEFAULT | PART_KEY,
                     "u": NOT_NULL | UNIQUE_KEY | NO_DEFAULT | PART_KEY, "x": NOT_NULL | MULTIPLE_KEY | NO_DEFAULT | PART_KEY,
                     "y": NOT_NULL | NO_DEFAULT | PART_KEY, "z": NOT_NULL}, flags
    c = told("SELECT id AS n FROM k AS alias")[0]
    assert (c.schema, c.table, c.org_table, c.name, c.org_name) == ("d", "alias", "k", "n", "id"), c
    c = told("SELECT r.id FROM t1 LEFT JOIN k AS r ON r.id = t1.tiny")[0]
    assert c.flags == PRI_KEY | AUTO_INCREMENT | PART_KEY, c  # may be NULL here


def test_expressions():
    for sql, type_, length, flags, decimals, charset in [
            ("1", 8, 2, NOT_NULL | BINARY, 0, 63), ("-1", 8, 2, NOT_NULL | BINARY, 0, 63), ("2147483648", 8, 11, NOT_NULL | BINARY, 0, 63),
            ("1.0", 246, 4, NOT_NULL | BINARY, 1, 63), ("'hello'", 253, 20, NOT_NULL, 31, 255), ("NULL", 6, 0, BINARY, 0, 63),
            ("int_col + tiny", 8, 12, BINARY, 0, 63), ("COALESCE(date_col, date_col)", 10, 10, BINARY, 0, 63), ("COUNT(*)", 8, 21, NOT_NULL | BINARY, 0, 63),
            ("int_col = 1", 8, 1, BINARY, 0, 63), ("@@autocommit", 8, 1, BINARY, 0, 63), ("@@GLOBAL.read_only", 8, 1, BINARY, 0, 63),
            ("@@max_allowed_packet", 8, 21, BINARY | UNSIGNED, 0, 63), ("MIN(vc)", 253, 40, 0, 31, 255), ("CAST(tiny AS CHAR(5))", 253, 20, 0, 31, 255)]:
        c = told(f"SELECT {sql} FROM t1")[0]
        assert (c.type, c.length, c.flags, c.decimals, c.charset) == (type_, length, flags, decimals, charset), (sql, c)
        assert c.table == c.org_table == c.org_name == c.schema == "", c


def test_derived_and_union():
    c = told("SELECT * FROM (SELECT int_col FROM t1) AS dt")[0]
    assert c == ("d", "dt", "t1", "int_col", "int_col", 63, 11, 3, 0, 0), c
    c = told("SELECT id FROM k UNION SELECT id FROM k")[0]
    assert c == ("", "", "", "id", "id", 63, 11, 3, NOT_NULL, 0), c
    c = told("SELECT 1 UNION SELECT 1")[0]
    assert (c.type, c.length, c.flags) == (8, 2, NOT_NULL), c


def test_processlist():
    """Id, User, Host, Command and Time are never NULL (manual, "The INFORMATION_SCHEMA PROCESSLIST Table")."""
    for sql in ("SHOW PROCESSLIST", "SHOW FULL PROCESSLIST", "SELECT * FROM information_schema.PROCESSLIST"):
        cols = {c.name.lower(): c for c in told(sql)[:8]}
        assert {n for n, c in cols.items() if c.flags & NOT_NULL} == {"id", "user", "host", "command", "time"}, sql
        assert {n for n, c in cols.items() if not c.flags & NOT_NULL} == {"db", "state", "info"}, sql


def test_show_is_told_as_its_view():
    """SHOW is a query of a view under other headings (manual, "Extensions to SHOW Statements"); TEXT columns come with their own types."""
    for sql, view, columns in [
            ("SHOW DATABASES", "information_schema.SCHEMATA", "SCHEMA_NAME AS `Database`"),
            ("SHOW FULL TABLES", "information_schema.TABLES", "TABLE_NAME AS Tables_in_d, TABLE_TYPE AS Table_type"),
            ("SHOW COLUMNS FROM t1", "information_schema.COLUMNS",
             "COLUMN_NAME AS Field, COLUMN_TYPE AS Type, IS_NULLABLE AS `Null`, COLUMN_KEY AS `Key`, COLUMN_DEFAULT AS `Default`, EXTRA AS Extra"),
            ("SHOW INDEX FROM k", "information_schema.STATISTICS", "TABLE_NAME AS `Table`, NON_UNIQUE AS Non_unique, INDEX_NAME AS Key_name, "
             "SEQ_IN_INDEX AS Seq_in_index, COLUMN_NAME AS Column_name, COLLATION AS Collation, CARDINALITY AS Cardinality"),
            ("SHOW TABLE STATUS", "information_schema.TABLES", "TABLE_NAME AS Name, ENGINE AS Engine, VERSION AS Version, ROW_FORMAT AS Row_format, TABLE_ROWS AS `Rows`"),
            ("SHOW GLOBAL VARIABLES", "performance_schema.global_variables", "VARIABLE_NAME AS Variable_name, VARIABLE_VALUE AS Value"),
            ("SHOW CHARACTER SET", "information_schema.CHARACTER_SETS", "CHARACTER_SET_NAME AS Charset, DESCRIPTION AS Description"),
            ("SHOW ENGINES", "information_schema.ENGINES", "ENGINE AS Engine, SUPPORT AS Support, COMMENT AS Comment, TRANSACTIONS AS Transactions"),
            ("SHOW TRIGGERS", "information_schema.TRIGGERS", "TRIGGER_NAME AS `Trigger`, EVENT_MANIPULATION AS Event, EVENT_OBJECT_TABLE AS `Table`, "
             "ACTION_STATEMENT AS Statement, ACTION_TIMING AS Timing, CREATED AS Created")]:
        shown, selected = told(sql), told(f"SELECT {columns} FROM {view}")
        assert [c._replace(flags=c.flags & ~NO_DEFAULT) for c in selected] == shown[:len(selected)], (sql, selected, shown)
    field, type_, null, key, default, extra = told("SHOW COLUMNS FROM t1")
    assert (field.type, field.length, field.flags, field.charset) == (253, 256, 0, 255), field
    assert (type_.type, type_.length, type_.flags) == (252, 67108860, NOT_NULL | BLOB | BINARY), type_
    assert (null.length, null.flags, key.length, key.flags) == (12, NOT_NULL, 12, NOT_NULL | BINARY), (null, key)
    assert (default.type, default.length, default.flags, extra.length) == (252, 262140, BLOB | BINARY, 1024), (default, extra)


def test_lengths_are_in_the_clients_character_set():
    for names, charset, per in (("latin1", 8, 1), ("utf8mb3", 33, 3), ("utf8mb4", 255, 4)):
        with Wire(server) as c:
            c.query("USE d")
            c.query(f"SET NAMES {names}")
            vc, l1, tx, vbin, lt = told("SELECT vc, l1, tx, vbin, lt FROM t1", c)
            assert (vc.charset, vc.length) == (charset, 10 * per), (names, vc)
            assert (l1.charset, l1.length) == (charset, 10 * per), (names, l1)
            assert (tx.charset, tx.length) == (charset, 65535 * per), (names, tx)
            assert (vbin.charset, vbin.length) == (63, 10), (names, vbin)
            assert lt.length == 4294967295, lt
    with Wire(server) as c:
        c.query("USE d")
        c.query("SET character_set_results = NULL")  # as it is stored
        vc, l1 = told("SELECT vc, l1 FROM t1", c)
        assert (vc.charset, vc.length, l1.charset, l1.length) == (255, 40, 8, 10), (vc, l1)


def test_prepared_is_told_the_same():
    for sql in ("SELECT * FROM t1", "SELECT * FROM k", "SELECT 1, int_col + 1, vc FROM t1"):
        announced = told(sql)
        w.prepare(sql)
        assert w.meta == announced
    w.prepare("SELECT ?")
    assert (w.param_meta[0].type, w.param_meta[0].charset, w.param_meta[0].flags) == (253, 63, BINARY), w.param_meta


def test_what_is_no_utf8():
    def warned(sql, text):
        rows = w.query(sql)
        assert w.warnings == 1, (sql, w.warnings)
        assert w.query("SHOW WARNINGS") == [(b"Warning", b"1300", text)], sql
        return rows

    assert warned(b"SELECT HEX('a\xff\xfe\xfdzz')", b"Invalid utf8mb4 character string: 'FFFEFD'") == [(b"61FFFEFD7A7A",)]
    assert warned(b"SELECT 'a\x80'", b"Invalid utf8mb4 character string: '80'") == [(b"a\x80",)]
    w.query("CREATE TABLE bb (b BLOB, v VARCHAR(10))")
    w.query(b"INSERT INTO bb (b) VALUES ('\xe2\x82')")  # bytes for a BLOB
    assert w.warnings == 1 and w.value("SELECT HEX(b) FROM bb") == "E282"
    w.query(b"INSERT INTO bb (b) VALUES (_binary'\xff')")
    assert w.warnings == 0
    assert w.error(b"INSERT INTO bb (v) VALUES ('\xff')") == 1366
    for sql in (b"SELECT _utf8mb4'\xff'", b"SELECT _utf8mb4 x'FF'"):
        assert w.error(sql) == 1300 and w.last.text == "Invalid utf8mb4 character string: 'FF'", (sql, w.last)
    for sql in (b"SELECT 1 AS `a\xff`", b"SELECT * FROM `\xff`", b"CREATE TABLE \xff (a INT)", b"CREATE DATABASE `\xc3`"):
        assert w.error(sql) == 1300, (sql, w.last)
    assert w.error(b"SELECT `a\xff`") == 1300 and w.last.text == r"Invalid utf8mb3 character string: 'a\xFF'", w.last
    for at in (65533, 65534, 65535, 65536):  # a character across the end of a piece of work
        w.query("SELECT LENGTH('" + "a" * at + "\u20ac')")
        assert w.warnings == 0, at
    with Wire(server) as c:
        c.query("SET NAMES latin1")
        assert c.query(b"SELECT HEX('\xff')") == [(b"FF",)] or c.warnings == 0


def close_all():
    w.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
