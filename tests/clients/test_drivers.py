# SPDX-License-Identifier: Apache-2.0
"""Values of every type through the drivers of five languages, written and read by the text and the binary protocol: what a driver gets from Quell is, to
the byte, what it gets from the reference server, and by the text protocol the text that the manual says.

drivers/ has a program for each driver. It reads FILE, a line each: name, column's definition, 1 if the value is bytes, the value in hexadecimal or NULL;
makes a table of the name (id INT PRIMARY KEY, v ...), writes the value into row 1 by the text protocol and into row 2 by a prepared statement where the
driver has those, reads both rows by both protocols, and prints name, id, protocol, and what it got in hexadecimal or NULL. Times that a driver turns into
objects of its own are in UTC (TZ)."""
import concurrent.futures
import datetime
import os
import pathlib
import shutil
import subprocess
import tempfile

import quell
from harness import Skip, main

HERE = pathlib.Path(__file__).resolve().parent / "drivers"
JDBC = "/usr/share/java/mariadb-java-client.jar"
servers = {"quell": quell.Server(), "mariadb": quell.MariaDB()}
for s in servers.values():
    s.start()
FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-drivers-"))

INTS = {"TINYINT": (-128, 127), "SMALLINT": (-32768, 32767), "MEDIUMINT": (-8388608, 8388607), "INT": (-2147483648, 2147483647), "BIGINT": (-2**63, 2**63 - 1)}


def cases():
    """(definition, value as it is given, as it is read; bytes: a binary type)"""
    for t, (least, most) in INTS.items():
        for v in (least, -1, 0, most):
            yield t, str(v), str(v)
        yield f"{t} UNSIGNED", str(2 * most + 1), str(2 * most + 1)
    yield "BOOL", "1", "1"
    for d, v in (("DECIMAL(10,2)", "-12345678.90"), ("DECIMAL(65,30)", "9" * 35 + "." + "1" * 30), ("DECIMAL(5,0)", "-99999"), ("DECIMAL(3,3)", "0.125"),
                 ("DOUBLE", "-1234.5"), ("DOUBLE", "0.1"), ("DOUBLE", "1e100"), ("FLOAT", "0.5"), ("FLOAT", "-3.25"), ("DOUBLE", "1.7976931348623157e308"),
                 ("DATE", "2024-02-29"), ("DATE", "1000-01-01"), ("DATE", "9999-12-31"), ("TIME", "23:59:59"), ("TIME", "-838:59:59"), ("TIME(6)", "100:00:00.000001"),
                 ("TIME(3)", "-00:00:01.500"), ("DATETIME", "2024-02-29 12:34:56"), ("DATETIME(6)", "9999-12-31 23:59:59.999999"), ("DATETIME(2)", "1970-01-01 00:00:00.05"),
                 ("TIMESTAMP NULL", "2024-07-01 01:02:03"), ("TIMESTAMP(3) NULL", "2037-12-31 23:59:59.125"),
                 ("CHAR(10)", "abc"), ("VARCHAR(20)", "ä€😀 o'x\\n"), ("VARCHAR(20)", ""), ("TINYTEXT", "tiny"), ("TEXT", "a\nb\tc\0d"), ("MEDIUMTEXT", "m" * 70000), ("LONGTEXT", "日本"),
                 *MORE):
        yield d, v, v
    for d, v in (("BINARY(4)", b"\0\1\xff'"), ("VARBINARY(10)", b"\xff\0\\"), ("TINYBLOB", b"\0"), ("BLOB", bytes(range(256))), ("MEDIUMBLOB", b"\x80" * 70000), ("LONGBLOB", b""),
                 ("BIT(1)", b"\1"), ("BIT(12)", b"\x0a\xff"), ("BIT(64)", b"\xff" * 8)):
        yield d, v, v
    for d in ("INT", "VARCHAR(5)", "DATETIME", "BLOB", "DECIMAL(5,2)", "DOUBLE", *(m[0] for m in MORE[:1])):
        yield d, None, None


MORE = [("ENUM('small','it''s','ä','10')", "it's"), ("ENUM('small','it''s','ä','10')", "ä"), ("ENUM('b','a') CHARACTER SET latin1", "a"), ("SET('x','y','€')", "x,€"), ("SET('x','y','€')", ""), ("YEAR", "2024"), ("YEAR", "1901"), ("YEAR", "0000"),
        ("FLOAT(7,3)", "1234.125"), ("DOUBLE(9,2)", "-1234567.25"),
        ("JSON", '{"a": [1, -2.5, true, null], "ä€😀": "o\'x"}'), ("JSON", "[]"), ("JSON", '"text"'), ("JSON", "17"), ("JSON", "null"),
        ("VARCHAR(10) CHARACTER SET latin1", "ä€ß'"), ("CHAR(5) CHARACTER SET cp1251", "Жд"), ("VARCHAR(10) CHARACTER SET utf16", "aä😀"),
        ("CHAR(3) CHARACTER SET ucs2", "äЖ"), ("VARCHAR(4) CHARACTER SET ascii", "x'")]
CASES = [(f"t{i}", *c) for i, c in enumerate(cases())]
EXPONENTS = {name for name, definition, value, _ in CASES if definition == "DOUBLE" and value is not None and "e" in value}  # drivers write these their way
BITS = {name for name, definition, _, _ in CASES if definition.startswith("BIT")}  # PHP makes numbers of them
LONG_TIMES = {name for name, definition, value, _ in CASES if definition.startswith("TIME") and value is not None and value[:2] in ("-8", "10", "-0")}


# MariaDB has JSON as a text, and tells the lengths of texts in bytes of theirs (MySQL: of the client's), by which Java's driver names their types.
NOT_TOLD_ALIKE = {"JSON", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"}


def write_file(without=()):
    lines = []
    for name, definition, value, _ in CASES:
        if name in without:
            continue
        data = value.encode() if isinstance(value, str) else value
        lines.append("\t".join((name, definition, str(int(isinstance(value, bytes))), "NULL" if data is None else data.hex())))
    path = FILES / f"cases{len(lines)}"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def run(command, s, file):
    s.query("DROP DATABASE IF EXISTS drivers")
    s.query("CREATE DATABASE drivers CHARACTER SET utf8mb4")
    r = subprocess.run([*command, s.socket, str(s.port), file], capture_output=True, timeout=300, env={**os.environ, "TZ": "UTC"})
    assert r.returncode == 0, r.stderr.decode(errors="replace")[-3000:] + r.stdout.decode(errors="replace")[-500:]
    return r.stdout.decode().splitlines()


def check_texts(lines, without):
    """Of a driver that hands the texts of the text protocol on: they are what was written."""
    want = {name: read for name, _, _, read in CASES}
    seen = 0
    for line in lines:
        name, row, protocol, got = line.split("\t")
        read = want[name]
        if protocol == "text" and name not in EXPONENTS | BITS:
            data = read.encode() if isinstance(read, str) else read
            assert got == ("NULL" if data is None else data.hex()), (name, row, [c for c in CASES if c[0] == name], bytes.fromhex(got) if got != "NULL" else got)
            seen += 1
    assert seen >= len(CASES) - len(EXPONENTS) - len(BITS) - len(without), seen


def check(command, texts=True, without=()):
    if shutil.which(command[0]) is None:
        raise Skip(f"no {command[0]} here")
    file = write_file(without)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        lines, reference = pool.map(lambda s: run(command, s, file), servers.values())
    definitions = {c[0]: c for c in CASES}
    for got, want in zip(lines, reference):
        name, _, protocol, _ = got.split("\t")
        if protocol == "type" and definitions[name][1] in NOT_TOLD_ALIKE:
            continue
        assert got == want, f"\ngot  {got}\nwant {want}\n{definitions[name]}"
    assert len(lines) == len(reference) > len(CASES)
    if texts:
        check_texts(lines, without)


def test_php_mysqli():
    check(["php", str(HERE / "types.php"), "mysqli"])


def test_php_pdo():
    check(["php", str(HERE / "types.php"), "pdo"])


def test_ruby_mysql2():
    """Its prepared statements make times of the day of TIME, and refuse others."""
    check(["ruby", str(HERE / "types.rb")], without=LONG_TIMES)


def test_perl_dbd():  # prepared, it binds texts as BLOBs: JSON has no binary texts (3144)
    check(["perl", str(HERE / "types.pl")], without={c[0] for c in CASES if c[1] == "JSON"})


def test_java():
    check(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", JDBC, str(HERE / "Types.java")], texts=False)


def test_node_mysql2():
    """The driver comes from npm, into the build directory; where npm reaches nothing, the test is skipped."""
    modules = pathlib.Path(os.environ.get("QUELL_BUILD", "build")).resolve().parent / "npm"
    if shutil.which("npm") is None:
        raise Skip("no npm here")
    if not (modules / "node_modules/mysql2").is_dir():
        modules.mkdir(parents=True, exist_ok=True)
        r = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(modules), "mysql2"], capture_output=True, timeout=300)
        if r.returncode:
            raise Skip("npm cannot install mysql2: " + r.stderr.decode(errors="replace").strip().splitlines()[0])
    check(["node", str(HERE / "types.js"), str(modules / "node_modules")], texts=False)


def python_rows(connect, s):
    """PyMySQL and mysqlclient: text protocol, values of Python's own types."""
    s.query("DROP DATABASE IF EXISTS drivers")
    s.query("CREATE DATABASE drivers CHARACTER SET utf8mb4")
    c = connect(s)
    cur = c.cursor()
    rows = []
    for name, definition, value, _ in CASES:
        cur.execute(f"CREATE TABLE `{name}` (id INT PRIMARY KEY, v {definition})")
        cur.execute(f"INSERT INTO `{name}` VALUES (1, %s)", (value,))
        cur.execute(f"SELECT v FROM `{name}`")
        v = cur.fetchone()[0]
        rows.append((name, definition, v, type(v), cur.description[0][1]))
        if isinstance(v, datetime.timedelta) and v.days != 0:
            continue  # the drivers write such a time wrongly
        cur.execute(f"INSERT INTO `{name}` VALUES (2, %s)", (v,))  # the driver's own value goes back and is the same
        cur.execute(f"SELECT COUNT(*) FROM `{name}` a JOIN `{name}` b ON a.id = 1 AND b.id = 2 AND a.v <=> b.v")
        assert cur.fetchone()[0] == 1, (name, definition, value, v)
    c.commit()
    c.close()
    return rows


def check_python(connect):
    for got, want in zip(python_rows(connect, servers["quell"]), python_rows(connect, servers["mariadb"])):
        assert got[:4] == want[:4], (got, want)
        assert got[4] == want[4] or got[1] in NOT_TOLD_ALIKE, (got, want)


def test_pymysql():
    check_python(lambda s: s.connect(database="drivers", charset="utf8mb4"))


def test_mysqlclient():
    try:
        import MySQLdb
    except ImportError as e:
        raise Skip(str(e))
    check_python(lambda s: MySQLdb.connect(unix_socket=s.socket, user="root", db="drivers", charset="utf8mb4"))


def close_all():
    shutil.rmtree(FILES)
    quell.stop_all(servers.values())


if __name__ == "__main__":
    main(globals())
