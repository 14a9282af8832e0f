# SPDX-License-Identifier: Apache-2.0
"""Clients that speak other character sets: PyMySQL in latin1, gbk, sjis, cp932, euckr, utf8mb4 and the stock client with
--default-character-set write and read the same texts, bytes stay bytes, and what they are told of columns is of their set."""
import subprocess

import quell
from harness import main

server = quell.Server()
server.start()
TEXTS = {"utf8mb4": "aäЖ中日한😀", "latin1": "aä€ß", "gbk": "a中文字符集", "sjis": "aカナ漢字表能", "cp932": "a①㌔ｱ表", "euckr": "a한국어"}
PYTHON = {"latin1": "cp1252", "sjis": "shift_jis", "euckr": "cp949"}


def bytes_of(cs, text):
    return text.encode(PYTHON.get(cs, "utf8" if cs == "utf8mb4" else cs))


def setup():
    with server.connect(charset="utf8mb4") as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE IF NOT EXISTS cs")
        cur.execute("USE cs")
        columns = "".join(f", {cs} VARCHAR(20) CHARACTER SET {cs}" for cs in TEXTS)
        cur.execute("DROP TABLE IF EXISTS t")
        cur.execute(f"CREATE TABLE t (id INT PRIMARY KEY, u VARCHAR(20) CHARACTER SET utf8mb4, b BLOB{columns})")
        c.commit()


def test_pymysql():
    """Each client's text into a column of its set and one of utf8mb4; its bytes are those of the set."""
    setup()
    every = bytes(range(256))
    for i, (cs, text) in enumerate(TEXTS.items()):
        with server.connect(database="cs", charset=cs, autocommit=True) as c, c.cursor() as cur:
            cur.execute(f"INSERT INTO t (id, u, b, {cs}) VALUES (%s, %s, %s, %s)", (i, text, every if cs == "latin1" else b"x", text))
            cur.execute(f"SELECT u, {cs}, HEX({cs}), LENGTH({cs}), CHAR_LENGTH({cs}), b FROM t WHERE id = %s", (i,))
            assert cur.fetchone() == (text, text, bytes_of(cs, text).hex().upper(), len(bytes_of(cs, text)), len(text), every if cs == "latin1" else b"x"), cs
            cur.execute(f"SELECT COUNT(*) FROM t WHERE {cs} = %s", (text,))
            assert cur.fetchone() == (1,), cs
            cur.execute(f"SELECT COUNT(*) FROM t WHERE {cs} LIKE %s", (text[:2] + "%",))
            assert cur.fetchone() == (1,), cs
    with server.connect(database="cs", charset="utf8mb4") as c, c.cursor() as cur:
        for i, (cs, text) in enumerate(TEXTS.items()):
            cur.execute(f"SELECT u, {cs} FROM t WHERE id = {i}")
            assert cur.fetchone() == (text, text), cs


def test_backslash_bytes():
    """Second bytes of gbk, sjis and big5 that look like quotes and backslashes are none."""
    for cs, text in (("gbk", "誠縗"), ("sjis", "表ソ能"), ("big5", "功許蓋")):
        with server.connect(charset=cs) as c, c.cursor() as cur:
            raw = text.encode("shift_jis" if cs == "sjis" else cs)
            assert cs == "gbk" or b"\\" in raw
            cur.execute(b"SELECT '" + raw + b"', HEX('" + raw + b"')")
            assert cur.fetchone() == (text, raw.hex().upper()), cs


def test_binary_literals():
    """_binary and x'..' are the bytes that were sent, whatever the client's set."""
    every = bytes(range(256))
    for cs in ("latin1", "utf8mb4"):
        with server.connect(charset=cs) as c, c.cursor() as cur:
            cur.execute("SELECT HEX(%s) AS h", (every,))
            assert cur.fetchone() == (every.hex().upper(),), cs
    with server.connect(charset="latin1") as c, c.cursor() as cur:
        cur.execute(b"SELECT HEX(_latin1'\xe4'), HEX(_utf8mb4'\xc3\xa4'), HEX(_cp1251'\xc6'), HEX('\xe4')")
        assert cur.fetchone() == ("E4", "C3A4", "C6", "E4")
        cur.execute(b"SELECT CONVERT(_cp1251'\xe4' USING utf8mb4) = CONVERT(_utf8mb4 0xD0B4 USING utf8mb4)")
        assert cur.fetchone() == (1,)


def test_results():
    """character_set_results converts, with '?' for what it has not; NULL and binary send what the column holds."""
    with server.connect(charset="utf8mb4", use_unicode=False) as c, c.cursor() as cur:
        for results, want in (("latin1", b"\xe4?"), ("ascii", b"??"), ("cp1251", b"?\xc6"), ("NULL", "äЖ".encode("utf_16_be")), ("binary", "äЖ".encode("utf_16_be")), ("utf8mb4", "äЖ".encode())):
            cur.execute(f"SET character_set_results = {results}")
            cur.execute("SELECT CONVERT('äЖ' USING utf16) AS c")
            assert cur.fetchone() == (want,), results


def test_column_definitions():
    """charset and length of what is told are those of the client's set."""
    with server.connect(charset="utf8mb4") as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE IF NOT EXISTS cs")
        cur.execute("USE cs")
        cur.execute("DROP TABLE IF EXISTS d")
        cur.execute("CREATE TABLE d (l VARCHAR(10) CHARACTER SET latin1, u VARCHAR(10) CHARACTER SET utf8mb4, w VARCHAR(10) CHARACTER SET utf16, t TEXT CHARACTER SET latin1, b VARBINARY(10), i INT)")
        for results, number, per, text in (("latin1", 8, 1, 65535), ("utf8mb4", 255, 4, 262140), ("gbk", 28, 2, 131070)):
            cur.execute(f"SET character_set_results = {results}")
            cur.execute("SELECT l, u, w, t, b, i FROM d")
            told = [(f.charsetnr, f.length) for f in cur._result.fields]
            assert told == [(number, 10 * per)] * 3 + [(number, text), (63, 10), (63, 11)], (results, told)
        cur.execute("SET character_set_results = NULL")
        cur.execute("SELECT l, u, w, t, b, i FROM d")
        assert [(f.charsetnr, f.length) for f in cur._result.fields] == [(8, 10), (255, 40), (54, 40), (8, 65535), (63, 10), (63, 11)]


def test_stock_client():
    setup()
    for cs, text in TEXTS.items():
        if cs == "utf8mb4":
            continue
        sql = f"INSERT INTO cs.t (id, {cs}) VALUES (1, '{text}'); SELECT {cs}, HEX({cs}) FROM cs.t; DELETE FROM cs.t;"
        r = subprocess.run(["mariadb", "--no-defaults", "-u", "root", f"--socket={server.socket}", f"--default-character-set={cs}", "-N"],
                           input=bytes_of(cs, sql), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=server.env, timeout=60)
        assert r.stdout == bytes_of(cs, text) + b"\t" + bytes_of(cs, text).hex().upper().encode() + b"\n", (cs, r.stdout)


def test_prepared_parameters():
    """Parameters of the binary protocol are in the client's set, too."""
    r = subprocess.run(["mariadb", "--no-defaults", "-u", "root", f"--socket={server.socket}", "--default-character-set=latin1", "-N"],
                       input="PREPARE s FROM 'SELECT HEX(?), HEX(CONVERT(? USING utf8mb4))'; SET @a = 'ä'; EXECUTE s USING @a, @a;".encode("latin1"),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=server.env, timeout=60)
    assert r.stdout == b"E4\tC3A4\n", r.stdout


def test_errors_and_names():
    """Names and messages are in the client's set."""
    with server.connect(charset="latin1") as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE IF NOT EXISTS `fürs`")
        cur.execute("USE `fürs`")
        cur.execute("CREATE TABLE IF NOT EXISTS `tür` (`größe` INT COMMENT 'Länge')")
        cur.execute("SHOW TABLES")
        assert cur.fetchall() == (("tür",),)
        cur.execute("SELECT `größe` FROM `tür`")
        assert cur.description[0][0] == "größe"
        r = subprocess.run(["mariadb", "--no-defaults", "-u", "root", f"--socket={server.socket}", "--default-character-set=latin1", "-e", "SELECT `maß` FROM `tür`".encode("latin1"), "fürs".encode("latin1")],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=server.env, timeout=60)
        assert b"Unknown column 'ma\xdf' in 'field list'" in r.stdout, r.stdout
        cur.execute("DROP DATABASE `fürs`")
    with server.connect(charset="latin1", database=None) as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE `möbel`")
        c.select_db("möbel")
        cur.execute("SELECT HEX(DATABASE()), DATABASE()")
        assert cur.fetchone()[1] == "möbel"
        cur.execute("DROP DATABASE `möbel`")


if __name__ == "__main__":
    main(globals())
