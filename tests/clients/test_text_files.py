# SPDX-License-Identifier: Apache-2.0
"""LOAD DATA and SELECT ... INTO OUTFILE beside the reference server: the same file gives the same rows, warnings and errors, the same
rows give the same file, and what one has written the other reads."""
import itertools
import os
import pathlib
import random
import shutil
import tempfile

import pymysql

import quell
from harness import main

server = quell.Server(args=["--secure-file-priv=", "--local-infile=1"])
reference = quell.MariaDB()
server.start()
reference.start()
# The reference server runs as another user than the tests when these run as root.
FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-files-"))
FILES.chmod(0o777)
MODES = ["", "STRICT_TRANS_TABLES"]


def close_all():
    server.__exit__(None, None, None)
    reference.__exit__(None, None, None)
    for f in FILES.iterdir():
        f.unlink()
    FILES.rmdir()


sessions = []


def both():
    """A session on each server, in an empty database."""
    if not sessions:
        for s in (server, reference):
            cur = s.connect(local_infile=True, charset="utf8mb4").cursor()
            sessions.append(cur)
    for cur in sessions:
        cur.execute("DROP DATABASE IF EXISTS d")
        cur.execute("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        cur.execute("USE d")
        cur.execute("SET sql_mode = 'STRICT_TRANS_TABLES'")
    made.clear()
    return sessions


made = []  # the definition that table t has, for tests that roll back what they load


def table(definition):
    if made != [definition] or "AUTO_INCREMENT" in definition:
        for cur in both():
            cur.execute(f"CREATE TABLE t {definition}")
        made.append(definition)
    return sessions


def number_of(e):
    return e.args[0]


def outcome(cur, statement):
    """What is told of a statement, and the table behind it."""
    try:
        cur.execute(statement)
        told = (cur.rowcount, (cur._result.message or b"").decode())
        failed = False
    except pymysql.MySQLError as e:
        told, failed = number_of(e), True
    cur.execute("SHOW WARNINGS")
    warnings = [(level, number) for level, number, _ in cur.fetchall()]
    if failed:  # the reference server goes on to the end of the row
        warnings = warnings[:1]
    cur.execute("SELECT * FROM t")
    return told, warnings, sorted(cur.fetchall(), key=repr)


def write(data):
    f = FILES / "in.txt"
    f.write_bytes(data)
    f.chmod(0o644)
    return f


def compare(definition, data, clause, modes=MODES, ignore_numbers=False, before=None, columns=""):
    f = write(data)
    for mode, local in itertools.product(modes, ["", "LOCAL"]):
        got = []
        for cur in table(definition):
            cur.execute(f"SET sql_mode = '{mode}'")
            cur.execute("BEGIN")
            if before:
                cur.execute(before)
            got.append(outcome(cur, f"LOAD DATA {local} INFILE '{f}' {clause.format('INTO TABLE t')} {columns}"))
            cur.execute("ROLLBACK")
        if ignore_numbers:
            got = [(g[0], g[2]) for g in got]
        assert got[0] == got[1], f"{clause} {columns} [{mode}] {local} of {data!r}:\nhere      {got[0]}\nreference {got[1]}"


TEXT = "(a VARCHAR(100), b VARCHAR(100), c VARCHAR(100))"


def test_fields_and_lines():
    usual = "{}"
    csv = "{} FIELDS TERMINATED BY ',' ENCLOSED BY '\"'"
    for data in [b"", b"\n", b"\n\n", b"a\tb\tc\n", b"a\tb\tc", b"a\tb\t", b"a\tb\t\n", b"a\tb\n", b"a\n", b"a\tb\tc\td\n", b"a\tb\tc\td", b"\t\t\n", b"\\N\t\\N\t\\N\n",
                 b"\\N\tNULL\tN\n", b"a\\\tb\tc\\\nd\te\n", b"\\n\\t\\r\\b\\0\\Z\t\\\\\t\\x\n", b"a\\", b"\\", b"a\tb\tc\r\nd\te\tf\r\n", b"a\x00b\tc\td\n",
                 "\u00e4\t\u20ac\t\U0001f600\n".encode()]:
        compare(TEXT, data, usual)
    for data in [b'"a","b","c"\n', b'a,"b",c\n', b'"a""b","c\\"d","e,f"\n', b'"a\nb",c,d\n', b'"a"b",c,d\n', b'"a","b', b'"a"', b'"', b'""', b'"",,""\n', b'"NULL",NULL,"\\N"\n',
                 b'a"b,"c"d,e"\n', b'"a" ,b,c\n', b'"a"\n"b"\n', b'\\"a",b,c\n', b'"a\\', b'"\\N",\\N,"x\\N"\n', b"NULL,NULLx,\"NULL\"\n"]:
        compare(TEXT, data, csv)
        compare(TEXT, data, csv + " ESCAPED BY ''")
        compare(TEXT, data, csv + " ESCAPED BY '\"'")


def test_terminators():
    for fields, lines, data in [
            ("||", "\\r\\n", b"a||b||c\r\nd|e||f\r||g\r\n"), ("aab", "\\n", b"xaaab aab\naabaab\naaaab\n"), (",", ",", b"a,b,c,d,e,f,g"), (",", "", b"a,b,c,d\n,e,f"),
            (",", "END", b"a,b,cENDEEND,x,ENEND"), ("ab", "abc", b"1ab2ab3abc4ab5ab6abc"), ("x", "xy", b"1x2x3xy4x5x6xy"), ("\\t", ";;", b"a\tb\tc;;d\te;\tf;;;;")]:
        compare(TEXT, data, "{} FIELDS TERMINATED BY '%s' LINES TERMINATED BY '%s'" % (fields, lines))
        compare(TEXT, data, "{} FIELDS TERMINATED BY '%s' ENCLOSED BY '\"' LINES TERMINATED BY '%s'" % (fields, lines))
    compare(TEXT, b"x1\ty>>a\tb\tc\nnothing\n>>d\te\tf\n>\t>>g\n", "{} LINES STARTING BY '>>'")
    compare(TEXT, b"xxya\tb\tc\nxyd\txye\tf\n", "{} LINES STARTING BY 'xxy'")
    for n in range(5):
        compare(TEXT, b"h1\nh2\\\nh2\na\tb\tc\nd\te\tf", "{} IGNORE %d LINES" % n)
        compare(TEXT, b"h1\nh2\\\nh2\na\tb\tc\nd\te\tf", "{} LINES STARTING BY 'd' IGNORE %d ROWS" % n)


def test_random_files():
    """Random bytes out of those that mean something, in random formats."""
    rnd = random.Random(7)
    for _ in range(120):
        alphabet = [b"a", b"N", b"NULL", b"\\", b"\\N", b",", b'"', b"\n", b"\t", b"|", b"||", b"0", b"'"]
        data = b"".join(rnd.choice(alphabet) for _ in range(rnd.randint(1, 40)))
        clause = "{} FIELDS TERMINATED BY '%s'" % rnd.choice([",", "\\t", "|", "||", ",,"])
        if rnd.random() < 0.7:
            clause += rnd.choice([" ENCLOSED BY '\"'", " OPTIONALLY ENCLOSED BY ''''"])
        clause += rnd.choice(["", " ESCAPED BY ''", " ESCAPED BY '|'"])
        clause += rnd.choice(["", " LINES TERMINATED BY '|'", " LINES TERMINATED BY 'a\\n'", " LINES STARTING BY 'a'"])
        compare(TEXT, data, clause, modes=[""])


def test_values():
    everything = "(i INT, u TINYINT UNSIGNED, d DECIMAL(5,2), f DOUBLE, da DATE, ti TIME, dt DATETIME, s CHAR(3))"
    lines = [b"1\t2\t3.45\t6.5\t2024-01-02\t01:02:03\t2024-01-02 03:04:05\tabc\n", b"\t\t\t\t\t\t\t\t\n", b"a\tb\tc\td\te\tf\tg\th\n",
             b"99999999999\t300\t123456.789\t1e400\t2024-13-01\t999:99:99\t2024-02-30 00:00:00\tabcdef\n", b"1.5\t-1\t1.005\t1e5\t20240102\t1\t20240102030405\ta\n"]
    for line in lines:
        compare(everything, line, "{}", ignore_numbers=True)
    compare("(a INT NOT NULL, b VARCHAR(5) NOT NULL, c INT NOT NULL DEFAULT 7)", b"\\N\t\\N\t\\N\n", "{}")
    compare("(a INT NOT NULL, b VARCHAR(5) NOT NULL, c INT NOT NULL DEFAULT 7, d INT DEFAULT 8, e INT)", b"1\n", "{}")
    compare("(a INT NOT NULL, b VARCHAR(5) NOT NULL, c INT NOT NULL DEFAULT 7, d INT DEFAULT 8, e INT)", b"1\tx\n2\ty\n", "{}", columns="(a, b)")


def test_keys():
    for words in ["{}", "REPLACE {}", "IGNORE {}"]:
        compare("(a INT PRIMARY KEY, b INT, UNIQUE (b))", b"1\t1\n2\t2\n1\t3\n4\t2\n2\t1\n", words, before="INSERT INTO t VALUES (1, 10), (9, 1)")
    compare("(a INT AUTO_INCREMENT PRIMARY KEY, b INT)", b"\\N\t1\n0\t2\n10\t3\n\\N\t4\n", "{}")
    compare("(a INT AUTO_INCREMENT PRIMARY KEY, b INT)", b"1\n2\n3\n", "{}", columns="(b)")


def test_variables_and_set():
    t = "(a INT, b VARCHAR(20), c VARCHAR(20))"
    compare(t, b"1\t2\t3\n4\t5\t6\n", "{}", columns="(a, @x, @y) SET b = CONCAT(@y, '-', @x), c = a + 1")
    compare(t, b"1\t2\n4\n\\N\t7\n", "{}", columns="(@x, @y) SET a = @x * 2, b = @y, c = IFNULL(@y, 'none')", modes=[""])
    compare(t, b"1\t2\n3\t4\n", "{}", columns="(a, b) SET c = b, b = 'new'")
    compare(t, b"1\n2\n", "{}", columns="(@n) SET a = (SELECT MAX(n) FROM (SELECT 5 AS n UNION SELECT 6) x) + @n")
    compare(t, b"1\t2\t3\n", "{}", columns="(c, b, a)")
    compare(t, b"1\t2\t3\n", "{}", columns="(nosuch)")
    compare(t, b"1\t2\t3\n", "{}", columns="(a) SET nosuch = 1")


def test_fixed_width():
    fixed = "{} FIELDS TERMINATED BY '' ENCLOSED BY ''"
    t = "(a CHAR(3) CHARACTER SET latin1, b CHAR(2) CHARACTER SET latin1)"
    for data in [b"abcde\nfghij\n", b"abc\n", b"abcdefg\n", b"ab", b"\n", b"a\\ncd\n", b"abcde"]:
        compare(t, data, fixed)
        compare(t, data, fixed + " LINES TERMINATED BY ''")
    compare("(a INT, b TEXT)", b"", fixed + " LINES TERMINATED BY ''")
    compare("(a INT, b INT)", b"1          2          \n", fixed, columns="(a, @b)")


def test_character_sets():
    t = "(a VARCHAR(10), b VARCHAR(10) CHARACTER SET latin1)"
    compare(t, b"\xe4\t\xfc\n", "{} CHARACTER SET latin1")
    compare(t, "\u65e5\t1\n".encode("gbk"), "{} CHARACTER SET gbk")
    compare(t, b"\x83\x5c\t1\n", "{} CHARACTER SET sjis")  # its second byte is a backslash


ROWS = """(1, 'a', 1.5, '2024-01-02', NULL), (2, 'a\\tb\\nc\\\\d"e''f,g', -2, NULL, x'00ff'), (NULL, '', 0, '2000-01-01', ''), (4, 'NULL', 4, '1999-12-31', 'N'),
    (5, '\u00e4\u20ac\U0001f600', 1e10, '2024-01-02', 'x\\0y')"""
TABLE = "(i INT, s VARCHAR(50), d DOUBLE, da DATE, b VARBINARY(20))"
FORMATS = ["", "FIELDS TERMINATED BY ','", "FIELDS TERMINATED BY ',' ENCLOSED BY '\"'", "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'",
           "FIELDS TERMINATED BY ';' ENCLOSED BY '''' ESCAPED BY ''", "FIELDS TERMINATED BY 'n'", "FIELDS TERMINATED BY 'n' OPTIONALLY ENCLOSED BY 'b'",
           "FIELDS TERMINATED BY '1' ENCLOSED BY '2'", "FIELDS TERMINATED BY '1' OPTIONALLY ENCLOSED BY '\"'", "FIELDS ESCAPED BY '#' LINES TERMINATED BY ';' STARTING BY '>'",
           "LINES TERMINATED BY ''", "FIELDS TERMINATED BY '||' LINES TERMINATED BY '\\r\\n'", "FIELDS TERMINATED BY '' ENCLOSED BY ''", "CHARACTER SET latin1",
           "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' ESCAPED BY '\"' ENCLOSED BY '\"'"]


def exported(cur, s, clause, what="* FROM t ORDER BY i"):
    f = FILES / f"out-{id(s)}"
    f.unlink(missing_ok=True)
    cur.execute(f"SELECT {what} INTO OUTFILE '{f}' {clause}")
    told = cur.rowcount
    cur.execute("SHOW WARNINGS")
    data = f.read_bytes()
    return told, [(level, number) for level, number, _ in cur.fetchall() if number != 1287], data  # an older place of INTO, there


def test_files_are_the_same():
    curs = both()
    for cur in curs:
        cur.execute(f"CREATE TABLE t {TABLE}")
        cur.execute(f"INSERT INTO t VALUES {ROWS}")
    for clause in FORMATS:
        what = "i, s, d, da FROM t ORDER BY i" if "CHARACTER" in clause else "* FROM t ORDER BY i"  # there bytes are converted as if they were text
        got = [exported(cur, s, clause, what) for cur, s in zip(curs, (server, reference))]
        assert got[0] == got[1], f"{clause}\nhere      {got[0]}\nreference {got[1]}"
    for what in ["1, 'x', NULL, 2.50, TIME'1:2:3'", "b'1010', x'41', 1=1", "i FROM t WHERE 0", "CAST(1 AS CHAR(5)), CAST(2 AS DECIMAL(7,3))"]:
        got = [exported(cur, s, "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'", what) for cur, s in zip(curs, (server, reference))]
        assert got[0] == got[1], f"{what}\nhere      {got[0]}\nreference {got[1]}"


def test_what_was_written_is_read():
    """Round trips, across the two servers, in every format that tells all values apart."""
    here, there = both()
    for cur in (here, there):
        cur.execute(f"CREATE TABLE t {TABLE}")
        cur.execute(f"CREATE TABLE u {TABLE}")
        cur.execute(f"INSERT INTO t VALUES {ROWS}")
    here.execute("SELECT * FROM t ORDER BY i")
    want = here.fetchall()
    for clause in [c for c in FORMATS if not any(w in c for w in ("latin1", "ESCAPED BY ''", "ENCLOSED BY ''", "'n'", "BY '1'", "ESCAPED BY '\"'"))]:
        for cur, s, reader in [(here, server, there), (there, reference, here), (here, server, here)]:
            if clause.startswith("LINES TERMINATED BY ''") and reader is there:
                continue  # it takes bytes that are no character for the beginning of one
            exported(cur, s, clause)
            f = FILES / f"out-{id(s)}"
            f.chmod(0o644)
            reader.execute("DELETE FROM u")
            charset = "" if "CHARACTER" in clause else "CHARACTER SET utf8mb4"
            reader.execute(f"LOAD DATA INFILE '{f}' INTO TABLE u {charset} {clause}")
            reader.execute("SELECT * FROM u ORDER BY i")
            got = reader.fetchall()
            assert got == want, f"{clause}\n{got}\n{want}"


def test_dumpfile():
    curs = both()
    for what in ["'abc', x'00ff', NULL, 12", "REPEAT('x', 300000)", "1 FROM dual WHERE 0"]:
        got = []
        for cur, s in zip(curs, (server, reference)):
            f = FILES / f"dump-{id(s)}"
            f.unlink(missing_ok=True)
            cur.execute(f"SELECT {what} INTO DUMPFILE '{f}'")
            got.append((cur.rowcount, f.read_bytes() if f.exists() else None))
        assert got[0] == got[1], f"{what}: {got}"
    f = FILES / "dump-two"
    try:
        curs[0].execute(f"SELECT 1 UNION SELECT 2 INTO DUMPFILE '{f}'")
        raise AssertionError("two rows went into a DUMPFILE")
    except pymysql.MySQLError as e:
        assert number_of(e) == 1172, e
    assert not f.exists()


def test_mode_and_names():
    cur = both()[0]
    f = FILES / "mode"
    old = os.umask(0)
    cur.execute(f"SELECT 1 INTO OUTFILE '{f}'")
    os.umask(old)
    assert f.stat().st_mode & 0o777 == 0o640, oct(f.stat().st_mode)
    for statement, number in [(f"SELECT 1 INTO OUTFILE '{f}'", 1086), (f"SELECT 1 INTO OUTFILE '{FILES}'", 1086), (f"SELECT 1 INTO OUTFILE '{FILES}/no/x'", 1),
                              ("LOAD DATA INFILE '/nosuch/file' INTO TABLE t", 13), (f"LOAD DATA INFILE '{FILES}' INTO TABLE t", 1085),
                              ("SELECT 1 INTO OUTFILE 'x' FIELDS ENCLOSED BY 'ab'", 1083), ("LOAD DATA INFILE 'x' INTO TABLE t FIELDS ESCAPED BY 'ab'", 1083)]:
        cur.execute("CREATE TABLE IF NOT EXISTS t (a INT)")
        try:
            cur.execute(statement)
            raise AssertionError(statement + ": no error")
        except pymysql.MySQLError as e:
            assert number_of(e) == number, f"{statement}: {e}"
    # relative names are the data directory's
    cur.execute("SELECT 7 INTO OUTFILE 'quell-relative.txt'")
    cur.execute("LOAD DATA INFILE 'quell-relative.txt' INTO TABLE t")
    (server.datadir / "quell-relative.txt").unlink()
    cur.execute("SELECT a FROM t")
    assert cur.fetchall() == ((7,),)


def test_secure_file_priv():
    """A directory: only in it and below, links followed; nothing: nowhere."""
    inside, link, below = FILES / "allowed", FILES / "allowed" / "link", FILES / "allowed" / "below"
    inside.mkdir()
    below.mkdir()
    (FILES / "secret.txt").write_text("1\n")
    (inside / "data.txt").write_text("2\n")
    (inside / "steal.txt").symlink_to(FILES / "secret.txt")
    link.symlink_to(FILES)

    def number(cur, statement):
        try:
            cur.execute(statement)
            return 0
        except pymysql.MySQLError as e:
            return number_of(e)

    with quell.Server(args=[f"--secure-file-priv={inside}"]) as s:
        cur = s.connect(local_infile=True).cursor()
        cur.execute("SELECT @@secure_file_priv, @@local_infile")
        assert cur.fetchall() == ((str(inside), 0),)
        cur.execute("CREATE DATABASE d")
        cur.execute("CREATE TABLE d.t (a INT)")
        for name, want in [(inside / "data.txt", 0), (inside / "none.txt", 13), (FILES / "secret.txt", 1290), (inside / "steal.txt", 1290), (link / "secret.txt", 1290),
                           (inside / ".." / "secret.txt", 1290), ("data.txt", 1290), ("/nosuch/data.txt", 1290), (str(inside) + "x/data.txt", 1290)]:
            got = number(cur, f"LOAD DATA INFILE '{name}' INTO TABLE d.t")
            assert got == want, f"{name}: {got}, not {want}"
        for name, want in [(inside / "out", 0), (below / "out", 0), (inside / "out", 1086), (inside / "steal.txt", 1290), (link / "out", 1290), (FILES / "out", 1290), ("out", 1290),
                           (inside / "no" / "out", 1290), (inside / "a\\0b", 1290)]:
            for what in ("OUTFILE", "DUMPFILE"):
                got = number(cur, f"SELECT 1 INTO {what} '{name}'")
                assert got == want or (what == "DUMPFILE" and want == 0 and got == 1086), f"{name}: {got}, not {want}"
        assert number(cur, f"LOAD DATA LOCAL INFILE '{inside}/data.txt' INTO TABLE d.t") == 3948
        assert sorted(f.name for f in inside.iterdir()) == ["below", "data.txt", "link", "out", "steal.txt"]
    with quell.Server() as s:
        cur = s.connect().cursor()
        cur.execute("SELECT @@secure_file_priv")
        assert cur.fetchall() == ((None,),)
        assert number(cur, f"SELECT 1 INTO OUTFILE '{inside}/x'") == 1290
    shutil.rmtree(inside)


if __name__ == "__main__":
    main(globals())
