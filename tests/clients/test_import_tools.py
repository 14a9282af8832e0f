# SPDX-License-Identifier: Apache-2.0
"""Stock tools that load and write text files: mariadb-import, mariadb-dump --tab, the mariadb client, PyMySQL."""
import pathlib
import shutil
import subprocess
import tempfile

import pymysql

import quell
from harness import main

FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-files-"))
server = quell.Server(args=[f"--secure-file-priv={FILES}", "--local-infile=1"])
server.start()


def close_all():
    server.__exit__(None, None, None)
    shutil.rmtree(FILES)


def tool(name, *args, stdin=None, fails=False):
    r = subprocess.run([name, "--no-defaults", "--user=root", f"--socket={server.socket}", *map(str, args)], input=stdin, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60)
    out = r.stdout.decode(errors="replace")
    assert bool(r.returncode) == fails, f"{name} {args}: {r.returncode}\n{out}"
    return out


def fresh(definition="(a INT PRIMARY KEY, b VARCHAR(20), c DATE)", name="t"):
    cur = server.connect(local_infile=True).cursor()
    cur.execute("DROP DATABASE IF EXISTS d")
    cur.execute("CREATE DATABASE d")
    cur.execute("USE d")
    cur.execute(f"CREATE TABLE {name} {definition}")
    return cur


def all_of(cur, table="t"):
    cur.execute(f"SELECT * FROM {table} ORDER BY 1")
    return cur.fetchall()


def put(name, text):
    f = FILES / name
    f.write_text(text)
    f.chmod(0o644)
    return f


def test_import():
    cur = fresh("(a INT PRIMARY KEY, b VARCHAR(20), c INT)")
    f = put("t.txt", "1\tone\t10\n2\ttwo\t\\N\n")
    for options in ([], ["--local"]):
        cur.execute("DELETE FROM t")
        assert "Records: 2  Deleted: 0  Skipped: 0  Warnings: 0" in tool("mariadb-import", "--verbose", *options, "d", f)
        assert all_of(cur) == ((1, "one", 10), (2, "two", None))
    assert "Duplicate entry" in tool("mariadb-import", "d", f, fails=True)
    assert "Skipped: 2" in tool("mariadb-import", "--verbose", "--ignore", "d", f)
    assert "Deleted: 0" in tool("mariadb-import", "--verbose", "--replace", "d", f)  # rows that are there as they are
    cur.execute("UPDATE t SET c = 11")
    assert "Deleted: 2" in tool("mariadb-import", "--verbose", "--replace", "d", f)
    csv = put("t.csv", 'a,b,c\r\n"7","with, comma",70\r\n8,"say ""x""",\\N\r\n')
    tool("mariadb-import", "--delete", "--lock-tables", "--fields-terminated-by=,", "--fields-optionally-enclosed-by=\"", "--lines-terminated-by=\\r\\n",
         "--ignore-lines=1", "--columns=a,b,c", "--default-character-set=utf8mb4", "d", csv)
    assert all_of(cur) == ((7, "with, comma", 70), (8, 'say "x"', None))
    tool("mariadb-import", "--local", "--low-priority", "--compress", "--columns=a,@skipped,c", "--fields-escaped-by=", "d", put("t.tsv", "9\tx\t90\n"))
    assert all_of(cur)[2] == (9, None, 90)
    # several files at once
    cur.execute("CREATE TABLE u (x INT)")
    cur.execute("CREATE TABLE v (x INT)")
    tool("mariadb-import", "--use-threads=2", "d", put("u.txt", "1\n2\n"), put("v.txt", "3\n"))
    assert all_of(cur, "u") == ((1,), (2,)) and all_of(cur, "v") == ((3,),)


def test_dump_tab_and_back():
    cur = fresh()
    cur.execute("INSERT INTO t VALUES (1, 'tab\\there', '2024-01-02'), (2, 'line\\nbreak', NULL), (3, 'back\\\\slash', '1999-12-31'), (4, NULL, NULL), (5, '\u00e4\u20ac', '2000-02-29')")
    cur.execute("CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY, d DECIMAL(10,2), f DOUBLE, b BLOB, KEY (d))")
    cur.execute("INSERT INTO u (d, f, b) VALUES (1.5, 2.25, x'00ff5c0a09'), (-3, NULL, '')")
    want = all_of(cur), all_of(cur, "u")
    out = FILES / "tab"
    for options in ([], ["--fields-terminated-by=,", "--fields-enclosed-by=\"", "--lines-terminated-by=\\r\\n"], ["--single-transaction"]):
        out.mkdir()
        out.chmod(0o777)
        tool("mariadb-dump", f"--tab={out}", *options, "d")
        assert sorted(f.name for f in out.iterdir()) == ["t.sql", "t.txt", "u.sql", "u.txt"]
        cur.execute("DROP TABLE t, u")
        for name in ("t", "u"):
            tool("mariadb", "d", stdin=(out / f"{name}.sql").read_bytes())
        load = [o for o in options if "by=" in o]
        tool("mariadb-import", "--default-character-set=utf8mb4", *load, "d", out / "t.txt")
        tool("mariadb-import", "--default-character-set=binary", "--local", *load, "d", out / "u.txt")
        assert (all_of(cur), all_of(cur, "u")) == want
        shutil.rmtree(out)


def test_client():
    cur = fresh("(a INT PRIMARY KEY, b VARCHAR(20))")
    f = put("client.txt", "1\ta\n2\tb\n2\tc\n3\n")
    load = f"LOAD DATA LOCAL INFILE '{f}' INTO TABLE t; SHOW WARNINGS; SELECT COUNT(*) FROM t".encode()
    for options in ([], ["--compress"]):
        cur.execute("DELETE FROM t")
        out = tool("mariadb", "--local-infile=1", "-vvv", *options, "d", stdin=load)
        assert "Records: 4  Deleted: 0  Skipped: 1  Warnings: 2" in out, out
        assert "Duplicate entry '2' for key 't.PRIMARY'" in out and "Row 4 doesn't contain data for all columns" in out, out
        assert all_of(cur) == ((1, "a"), (2, "b"), (3, None))
    # a file that the client cannot open, a client that sends none: the connection goes on
    out = tool("mariadb", "--local-infile=1", "--force", "d", stdin=f"LOAD DATA LOCAL INFILE '{FILES}/none' INTO TABLE t; SELECT 40 + 2".encode(), fails=False)
    assert "42" in out, out
    out = tool("mariadb", "--local-infile=0", "--force", "d", stdin=load)
    assert "Loading local data is disabled" in out or "LOAD DATA LOCAL INFILE is forbidden" in out or "The used command is not allowed" in out, out
    # a large one, with an error at its end
    big = put("big.txt", "".join(f"{i}\t{'x' * 15}\n" for i in range(10, 60000)) + "bad\tx\n")
    out = tool("mariadb", "--local-infile=1", "--force", "d", stdin=f"LOAD DATA LOCAL INFILE '{big}' REPLACE INTO TABLE t; SELECT COUNT(*) + 1000 FROM t".encode())
    assert "ERROR 1366" in out and "1003" in out, out


def test_pymysql():
    cur = fresh("(a INT PRIMARY KEY, b VARCHAR(20))")
    f = put("py.txt", "".join(f"{i}\trow {i}\n" for i in range(5000)))
    cur.execute(f"LOAD DATA LOCAL INFILE '{f}' INTO TABLE t")
    assert cur.rowcount == 5000 and cur._result.message.endswith(b"Records: 5000  Deleted: 0  Skipped: 0  Warnings: 0")
    cur.execute("SELECT SUM(a), MAX(b) FROM t")
    assert cur.fetchall() == ((12497500, "row 999"),)
    plain = server.connect(database="d").cursor()
    try:
        plain.execute(f"LOAD DATA LOCAL INFILE '{f}' INTO TABLE t")
        raise AssertionError("a client without local_infile sent a file")
    except pymysql.MySQLError as e:
        assert e.args[0] in (3948, 2027), e


if __name__ == "__main__":
    main(globals())
