# SPDX-License-Identifier: Apache-2.0
"""Every pair of types. A table has a column of each, filled with values that meet each other; compared, looked up, sorted, assigned and cast crosswise:

- what a comparison of two columns says, an index finds, a hash join too, and the reference server says it as well;
- ORDER BY by sorting, by an index and the comparison of neighbours agree; so do groups and distinct values;
- a value of each type stored into a column of each other one gives what it gives on the reference server, warnings included, and so does CAST;
- a dump of it all, loaded again, is the same.

What MySQL 8.4 says otherwise than the reference server is not asked there (is_..otherwise)."""
import subprocess

import quell
from harness import main

server, reference = quell.Server(), quell.MariaDB()
for s in (server, reference):
    s.start()
    s.query("CREATE DATABASE pairs CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
SETUP = "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", "SET sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'", "SET time_zone = '+00:00'", "SET timestamp = 1714557600"

NUMBERS = ["0", "1", "2", "7", "24", "99"]
TEXTS = ["''", "'0'", "'1'", "'2.0'", "'7x'", "'a'", "'B'", "'2024-02-29'", "'10:11:12'", "'2024'"]
COLUMNS = {  # name: type, values
    "tiny": ("TINYINT", NUMBERS + ["-1"]),
    "utiny": ("TINYINT UNSIGNED", NUMBERS + ["200"]),
    "med": ("MEDIUMINT", NUMBERS + ["101112", "-7"]),
    "int_": ("INT", NUMBERS + ["20240229", "2024", "101112"]),
    "big": ("BIGINT", NUMBERS + ["9223372036854775807", "-9223372036854775808", "20240229101112"]),
    "ubig": ("BIGINT UNSIGNED", NUMBERS + ["18446744073709551615", "9223372036854775808"]),
    "deci": ("DECIMAL(20,3)", NUMBERS + ["1.5", "-1.001", "7.000"]),
    "flt": ("FLOAT", NUMBERS + ["1.5", "-0.25"]),
    "dbl": ("DOUBLE", NUMBERS + ["1.5", "-1.001", "9223372036854775807"]),
    "chr": ("CHAR(12)", TEXTS),
    "vchr": ("VARCHAR(20)", TEXTS + ["'b'", "'20240229'"]),
    "txt": ("TEXT", TEXTS),
    "bin_": ("BINARY(8)", ["'a'", "'1'", "''", "'B'", "'2024'"]),
    "vbin": ("VARBINARY(20)", TEXTS),
    "blb": ("BLOB", TEXTS),
    "date_": ("DATE", ["'2024-02-29'", "'2024-03-01'", "'1999-12-31'", "'2007-01-01'"]),
    "time_": ("TIME", ["'10:11:12'", "'00:00:00'", "'-01:00:00'", "'00:00:07'", "'20:24:00'"]),
    "time3": ("TIME(3)", ["'10:11:12.000'", "'10:11:12.500'", "'00:00:01'"]),
    "dt": ("DATETIME", ["'2024-02-29 00:00:00'", "'2024-02-29 10:11:12'", "'1999-12-31 23:59:59'"]),
    "dt6": ("DATETIME(6)", ["'2024-02-29 00:00:00'", "'2024-02-29 10:11:12.000001'"]),
    "ts": ("TIMESTAMP NULL", ["'2024-02-29 00:00:00'", "'2024-02-29 10:11:12'", "'1999-12-31 23:59:59'"]),
    "year_": ("YEAR", ["2024", "1999", "2007", "0", "1901"]),
    "bit1": ("BIT(1)", ["0", "1"]),
    "bit16": ("BIT(16)", ["0", "1", "7", "2024", "b'110001'"]),
    "enum_": ("ENUM('B','a','2024','1','7')", ["'B'", "'a'", "'2024'", "'1'", "'7'"]),
    "set_": ("SET('a','B','1','7')", ["''", "'a'", "'B'", "'a,B'", "'1'", "'7,a'"]),
    "l1": ("VARCHAR(20) CHARACTER SET latin1", TEXTS + ["'ä'"]),
    "u16": ("VARCHAR(20) CHARACTER SET utf16", TEXTS + ["'ä'"]),
}
ROWS = max(len(v) for _, v in COLUMNS.values()) + 1  # and a row of NULLs
BLOBS = {"txt", "blb"}


def columns():
    return COLUMNS


def make(s):
    c = s.connect(autocommit=True, database="pairs", use_unicode=False, conv={}).cursor()
    for sql in SETUP:
        c.execute(sql)
    cols = columns()
    defs = ", ".join(f"{n} {t}" for n, (t, _) in cols.items())
    keys = ", ".join(f"KEY k_{n} ({n}{'(30)' if n in BLOBS else ''})" for n in cols)
    for table, more in (("m", ""), ("k", ", " + keys)):
        c.execute(f"DROP TABLE IF EXISTS {table}")
        c.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, {defs}{more})")
        for i in range(ROWS):
            vals = ["NULL" if i == ROWS - 1 else v[i % len(v)] for _, v in cols.values()]
            c.execute(f"INSERT INTO {table} VALUES ({i}, {', '.join(vals)})")
    c.execute("ANALYZE TABLE m, k")
    c.fetchall()
    return c


cursors = {}


def cursor(s):
    if s not in cursors:
        cursors[s] = make(s)
    return cursors[s]


def ask(s, sql):
    """Rows as bytes (BIT among them), or the error's number."""
    c = cursor(s)
    try:
        c.execute(sql)
        return sorted(c.fetchall(), key=repr)
    except quell.pymysql.MySQLError as e:
        return e.args[0]


def each_pair():
    for a in columns():
        for b in columns():
            yield a, b


def family(name):
    declared = COLUMNS[name][0]
    for f, words in (("int", ("TINYINT", "MEDIUMINT", "INT", "BIGINT", "YEAR", "BIT")), ("real", ("FLOAT", "DOUBLE")), ("decimal", ("DECIMAL",)), ("moment", ("DATE", "TIMESTAMP")), ("time", ("TIME",)),
                     ("text", ("CHAR", "VARCHAR", "TEXT", "BINARY", "VARBINARY", "BLOB"))):
        if declared.startswith(words):
            return f
    return name


NUMERIC, TEMPORAL = {"int", "real", "decimal"}, {"moment", "time"}


def is_otherwise(a, b):
    """MySQL compares numbers and temporal columns as doubles, MariaDB 10.11 as dates and times."""
    return {family(a), family(b)} <= NUMERIC | TEMPORAL and family(a) in NUMERIC and family(b) in TEMPORAL or family(b) in NUMERIC and family(a) in TEMPORAL


def test_comparisons():
    bad = []
    for a, b in each_pair():
        q = f"SELECT x.id, y.id, x.{a} = y.{b}, x.{a} < y.{b}, x.{a} <=> y.{b} FROM m x, m y"
        got = ask(server, q)
        want = got if is_otherwise(a, b) else ask(reference, q)
        if got != want:
            d = [(g, w) for g, w in zip(got, want) if g != w][:2] if isinstance(got, list) and isinstance(want, list) else (got, want)
            bad.append((a, b, d))
    assert not bad, f"{len(bad)} pairs:\n" + "\n".join(map(str, bad[:40]))


def test_keys():
    """Look-ups, ranges and hash joins find what the comparison says."""
    bad = []
    for a, b in each_pair():
        want = ask(server, f"SELECT x.id, y.id FROM m x, m y WHERE (x.{a} = y.{b}) + 0 = 1")
        for q in (f"SELECT /*+ NO_HASH_JOIN(x, y) */ x.id, y.id FROM m x STRAIGHT_JOIN k y FORCE INDEX (k_{b}) ON x.{a} = y.{b}",
                  f"SELECT x.id, y.id FROM m x JOIN m y ON x.{a} = y.{b}",
                  f"SELECT x.id, y.id FROM k x JOIN k y ON x.{a} = y.{b}"):
            got = ask(server, q)
            if got != want:
                bad.append((q, got, want))
        less = ask(server, f"SELECT x.id, y.id FROM m x, m y WHERE (x.{a} > y.{b}) + 0 = 1")
        got = ask(server, f"SELECT x.id, y.id FROM m x STRAIGHT_JOIN k y FORCE INDEX (k_{b}) ON x.{a} > y.{b}")
        if got != less:
            bad.append(("range", a, b, got, less))
    assert not bad, f"{len(bad)}:\n" + "\n".join(str(x)[:600] for x in bad[:20])


def test_constants():
    """A column compared with each value of each type, as a literal: by index and without."""
    bad = []
    for b in columns():
        for a, (_, values) in columns().items():
            for v in values:
                for op in ("=", "<", ">="):
                    want = ask(server, f"SELECT id FROM k IGNORE INDEX (k_{b}) WHERE {b} {op} {v}")
                    got = ask(server, f"SELECT id FROM k FORCE INDEX (k_{b}) WHERE {b} {op} {v}")
                    if got != want:
                        bad.append((b, op, v, got, want))
    assert not bad, f"{len(bad)}:\n" + "\n".join(map(str, bad[:20]))


def test_order():
    """By sorting, by index, by comparing; groups and distinct values are those of the comparison."""
    bad = []
    for a in columns():
        c = cursor(server)
        for direction in ("", " DESC"):
            orders = []
            for hint in ("IGNORE INDEX", "FORCE INDEX"):
                c.execute(f"SELECT id, {a} FROM k {hint} (k_{a}) ORDER BY {a}{direction}, id")
                orders.append([r[0] for r in c.fetchall()])
            if orders[0] != orders[1]:
                bad.append((a, direction, orders))
        places = {r: i for i, r in enumerate(reversed(orders[0]))}  # ascending
        number = " + 0" if a in ("enum_", "set_") else ""  # in the order of their numbers, compared as texts
        less = ask(server, f"SELECT x.id, y.id FROM m x, m y WHERE x.{a}{number} < y.{a}{number}")
        if any(places[x] > places[y] for x, y in less):
            bad.append((a, "is not the order of <"))
        n = ask(server, f"SELECT COUNT(*) FROM m x WHERE x.{a} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM m y WHERE y.id < x.id AND (y.{a} = x.{a}) + 0 = 1)")
        for q in (f"SELECT COUNT(DISTINCT {a}) FROM m", f"SELECT COUNT(*) FROM (SELECT {a} FROM m WHERE {a} IS NOT NULL GROUP BY {a}) q", f"SELECT COUNT(*) FROM (SELECT DISTINCT {a} FROM k WHERE {a} IS NOT NULL) q"):
            if ask(server, q) != n:
                bad.append((q, ask(server, q), n))
    assert not bad, "\n".join(map(str, bad[:20]))


def test_assignments():
    bad = []
    for b, (declared, _) in columns().items():
        for s in (server, reference):
            ask(s, "DROP TABLE IF EXISTS one")
            ask(s, f"CREATE TABLE one (id INT PRIMARY KEY, v {declared})")
        for a in columns():
            if is_stored_otherwise(a, b):
                continue
            results = []
            for s in (server, reference):
                strict = [ask(s, f"INSERT INTO one SELECT id, {a} FROM m WHERE id = {i}") for i in range(ROWS)]
                rows = ask(s, "SELECT * FROM one")
                ask(s, "DELETE FROM one")
                ask(s, f"INSERT IGNORE INTO one SELECT id, {a} FROM m ORDER BY id")
                results.append((strict, rows, ask(s, "SELECT * FROM one")))
                ask(s, "DELETE FROM one")
            if results[0] != results[1]:
                bad.append((a, b, *[(x, y) for x, y in zip(*results) if x != y][:1]))
    assert not bad, f"{len(bad)}:\n" + "\n".join(str(x)[:900] for x in bad[:40])


def is_stored_otherwise(a, b):
    """MySQL rounds fractions of a second, where MariaDB cuts them off; a text that is no number is 1265 for FLOAT and DOUBLE, in MariaDB 1366; a number that is
    a date, too large for a time, is refused, in MariaDB midnight; the longest time has no fraction; a text ends before bytes that are none, where MariaDB writes ?."""
    fa, fb = family(a), family(b)
    if b == "year_" and fa in ("moment", "time"):  # the date's year; MariaDB wants a number
        return True
    return a == "time3" and fb in ("int", "decimal", "time", "moment") or fa == "text" and fb == "real" or fb == "time" and fa in NUMERIC or (a, b) in {("dbl", "big"), ("vchr", "time3"), ("bit16", "txt"), ("u16", "set_")} or a == "flt" and fb == "moment"


CASTS = ["SIGNED", "UNSIGNED", "DECIMAL(20,2)", "CHAR", "CHAR(3)", "BINARY", "BINARY(3)", "DATE", "TIME", "DATETIME", "DATETIME(3)", "DOUBLE"]


def is_cast_otherwise(a, t):
    """As above; numbers below zero are huge ones AS UNSIGNED, in MariaDB 0; a year is no date, the bits 0 are one; bytes that are no characters are NULL."""
    if (a, t) == ("u16", "BINARY(3)"):  # three bytes; in MariaDB as many as three characters have
        return True
    if a in ("year_", "bit1", "bit16") and t.startswith("DATE") or a == "bit16" and t.startswith("CHAR"):
        return True
    return t == "TIME" and family(a) in NUMERIC or a == "time3" or a == "flt" and t.startswith("DATE") or t == "UNSIGNED" and a in ("dbl", "time_")


def test_casts():
    bad = []
    for a in columns():
        for t in CASTS:
            if is_cast_otherwise(a, t):
                continue
            q = f"SELECT id, CAST({a} AS {t}) FROM m"
            got, want = ask(server, q), ask(reference, q)
            if got != want:
                bad.append((a, t, [(g, w) for g, w in zip(got, want) if g != w][:3] if isinstance(got, list) and isinstance(want, list) else (got, want)))
    assert not bad, f"{len(bad)}:\n" + "\n".join(map(str, bad[:40]))


def test_dump():
    cursor(server)
    for options in ([], ["--hex-blob", "--skip-extended-insert"]):
        dump = subprocess.run(["mariadb-dump", "-uroot", f"-S{server.socket}", *options, "pairs", "m", "k"], capture_output=True, check=True).stdout
        server.query("DROP DATABASE IF EXISTS again")
        server.query("CREATE DATABASE again")
        subprocess.run(["mariadb", "-uroot", f"-S{server.socket}", "again"], input=dump, check=True)
        for t in ("m", "k"):
            assert ask(server, f"SELECT * FROM pairs.{t}") == ask(server, f"SELECT * FROM again.{t}"), t
            assert ask(server, f"SHOW CREATE TABLE pairs.{t}") == ask(server, f"SHOW CREATE TABLE again.{t}")


def close_all():
    quell.stop_all([server, reference])


if __name__ == "__main__":
    main(globals())
