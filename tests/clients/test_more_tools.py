# SPDX-License-Identifier: Apache-2.0
"""More stock tools: mariadb-dump and its way back, mariadb-show, -check, -slap, -import, the client's --safe-updates."""
import socket
import ssl
import struct
import subprocess

import quell
from harness import main

server = quell.Server()
server.start()


def tool(name, *words, ok=True, text=None):
    r = subprocess.run([name, "--no-defaults", "-u", "root", f"--socket={server.socket}", *words], input=text, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
    assert not ok or r.returncode == 0, r.stdout
    return r.stdout


def client(sql, *words, ok=True):
    return tool("mariadb", "--default-character-set=utf8mb4", *words, ok=ok, text=sql)


ROWS = r"""
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL DEFAULT 'x' COMMENT 'the name',
  d DECIMAL(10,2), f DOUBLE, b BLOB, tx TEXT, dt DATETIME, da DATE, KEY k_name (name), UNIQUE KEY u (d, da)) COMMENT = 'hi';
INSERT INTO t (name, d, f, b, tx, dt, da) VALUES
  ('a', 1.5, 2.25, x'00ff0a0d271a5c', 'it''s \\ \n \t "q"', '2024-01-02 03:04:05', '2024-02-29'),
  ('\u00fc\u20ac\U0001f600', -0.01, 1e100, NULL, NULL, NULL, NULL);
CREATE TABLE `we``ird t` (`a b` BIGINT, c CHAR(10));
INSERT INTO `we``ird t` VALUES (-9223372036854775808, ' x'), (NULL, NULL);
""".replace("\\u00fc\\u20ac\\U0001f600", "\u00fc\u20ac\U0001f600")


def dump(*words):
    return tool("mariadb-dump", "--single-transaction", "--skip-add-locks", "--skip-disable-keys", "--skip-dump-date",
                "--default-character-set=utf8mb4", "--hex-blob", *words)


def test_dump_and_load():
    client(ROWS)
    rows = server.query("SELECT * FROM shop.t ORDER BY id", charset="utf8mb4")
    assert len(rows) == 2 and rows[1][1] == "\u00fc\u20ac\U0001f600", rows
    first = dump("--databases", "shop")
    assert "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`" in first, first
    client("DROP DATABASE shop")
    client(first)
    assert server.query("SELECT * FROM shop.t ORDER BY id", charset="utf8mb4") == rows
    assert server.query("SELECT * FROM shop.`we``ird t` ORDER BY 1") == ((None, None), (-9223372036854775808, " x"))
    assert dump("--databases", "shop") == first
    client(first)  # over what is there


def test_dump_of_all_kinds():
    assert "CREATE TABLE `t`" in dump("--routines", "--events", "--triggers", "shop")
    assert "<field name=" in tool("mariadb-dump", "--single-transaction", "--xml", "shop")
    assert "2 rows" not in tool("mariadb-dump", "--skip-lock-tables", "--no-data", "shop")


def test_dump_with_default_options():
    """LOCK TABLES ... READ LOCAL while dumping; LOCK TABLES WRITE and DISABLE KEYS while loading."""
    rows = server.query("SELECT * FROM shop.t ORDER BY id", charset="utf8mb4")
    client("CREATE TABLE shop.plain (id INT, KEY (id)) ENGINE=MyISAM; INSERT INTO shop.plain VALUES (1), (2)")
    text = tool("mariadb-dump", "--default-character-set=utf8mb4", "--hex-blob", "--databases", "shop")
    assert "LOCK TABLES `t` WRITE" in text
    client("DROP DATABASE shop")
    client(text)
    assert server.query("SELECT * FROM shop.t ORDER BY id", charset="utf8mb4") == rows
    assert server.query("SELECT * FROM shop.plain ORDER BY id") == ((1,), (2,))
    assert "CREATE TABLE `t`" in tool("mariadb-dump", "--lock-all-tables", "shop")
    client("DROP TABLE shop.plain")


def test_show():
    assert "shop" in tool("mariadb-show")
    assert "we`ird t" in tool("mariadb-show", "shop")
    assert "auto_increment" in tool("mariadb-show", "-k", "shop", "t")
    assert "InnoDB" in tool("mariadb-show", "--status", "shop")
    assert "Total Rows" in tool("mariadb-show", "--count")


def test_check():
    assert "OK" in tool("mariadb-check", "shop")
    assert "OK" in tool("mariadb-check", "--analyze", "shop")


def test_import_says_why_not():
    assert "Loading local data is disabled" in tool("mariadb-import", "--local", "shop", "t.txt", ok=False)
    assert "--secure-file-priv" in tool("mariadb-import", "shop", "/tmp/t.txt", ok=False)


def test_slap():
    """It counts the NUL behind its CREATE TABLE in."""
    out = tool("mariadb-slap", "--auto-generate-sql", "--concurrency=2", "--iterations=1", "--number-of-queries=40")
    assert "Number of clients running queries: 2" in out, out


def test_safe_updates():
    client("CREATE TABLE shop.safe (id INT PRIMARY KEY, k INT, v INT, KEY (k)); INSERT INTO shop.safe VALUES (1,1,1),(2,2,2),(3,3,3)")
    for sql in ("DELETE FROM safe", "UPDATE safe SET v = 9", "DELETE FROM safe WHERE v = 1",
                "DELETE safe FROM safe JOIN (SELECT 3 a) x ON v = a"):
        assert "ERROR 1175" in client(sql, "--safe-updates", "shop", ok=False), sql
    for sql in ("UPDATE safe SET v = 9 WHERE id > 1", "DELETE FROM safe WHERE k = 3", "DELETE FROM safe WHERE v = 9 LIMIT 1",
                "DELETE FROM safe WHERE 1 = 0"):
        client(sql, "--safe-updates", "shop")
    assert server.query("SELECT * FROM shop.safe") == ((1, 1, 1),)


def test_tls_hello_in_one_segment():
    """A driver may send its request for TLS and TLS's first bytes at once (or the network joins them)."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(incoming, outgoing)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.recv(4096)
        request = struct.pack("<IIB23x", 0xFAE8D, 1 << 24, 45)
        s.sendall(struct.pack("<I", len(request))[:3] + b"\1" + request + outgoing.read())
        answer = s.recv(4096)
    assert answer[:2] == b"\x16\x03", answer  # a TLS handshake record


def test_output_forms():
    sql = "SELECT 1 AS a, NULL AS b, 'x<y' AS c"
    assert "<TD>x&lt;y</TD>" in client(sql, "--html")
    assert '<field name="b" xsi:nil="true" />' in client(sql, "--xml")
    assert client(sql, "--batch", "--skip-column-names") == "1\tNULL\tx<y\n"
    assert "| 1 | NULL | x<y |" in client(sql, "--table")
    assert "Type:" in client(sql, "--column-type-info", "--table")
    assert "Truncated incorrect INTEGER value: 'x'" in client("SELECT CAST('x' AS SIGNED)", "--show-warnings")


if __name__ == "__main__":
    main(globals())
