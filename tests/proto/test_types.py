# SPDX-License-Identifier: Apache-2.0
"""ENUM, SET, BIT, YEAR and FLOAT(M,D) on the wire, bytes as the protocol documentation has them: rows of the text and of the binary protocol, parameters of both directions, and what
stock clients (PyMySQL, mysqlclient, PHP's mysqli, Perl's DBI) make of them."""
import shutil
import struct
import subprocess

import pymysql

import quell
from harness import Skip, main
from wire import Err, Watcher, Wire, lenenc

server = quell.Server()
server.start()
w = Watcher(server)
w.query("CREATE DATABASE d CHARACTER SET utf8mb4")
w.query("USE d")
w.query("SET NAMES utf8mb4")
w.query("CREATE TABLE t (id INT PRIMARY KEY, e ENUM('small', 'large', '\u00e9'), s SET('a', 'b', '\u00e9'), b BIT(12), q BIT(64), o BIT, y YEAR, f FLOAT(7,3), d DOUBLE(9,2))")
w.query("INSERT INTO t VALUES (1, 'small', 'a,b', b'101000000001', 0xFFFFFFFFFFFFFFFF, 1, 2024, 1.5, 2.25), (2, '\u00e9', '\u00e9', 5, 1, 0, 0, -0.1256, -1), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, 2, 0, 0, 0, 0, 1901, 0, 0)")
TEXT = [(b"1", b"small", b"a,b", b"\x0a\x01", b"\xff" * 8, b"\1", b"2024", b"1.500", b"2.25"), (b"2", "\u00e9".encode(), "\u00e9".encode(), b"\0\5", b"\0" * 7 + b"\1", b"\0", b"0000", b"-0.126", b"-1.00"),
        (b"3",) + (None,) * 8, (b"4", b"large", b"", b"\0\0", b"\0" * 8, b"\0", b"1901", b"0.000", b"0.00")]


def binary_rows(c, *params):
    """Rows of an executed statement: fixed-size values of columns by their types, else bytes."""
    p = c.packet()
    if p[0] == 0xFF:
        raise Err(p)
    n = lenenc(p, 0)[0]
    types = []
    for _ in range(n):
        p = c.packet()
        at = 0
        for _ in range(6):
            k, at = lenenc(p, at)
            at += k
        types.append(p[at + 7])
    rows = []
    while True:
        p = c.packet()
        if p[0] == 0xFE and len(p) < 0xFFFFFF:
            return types, rows
        assert p[0] == 0, p
        at, row = 1 + (n + 9) // 8, []
        for i, t in enumerate(types):
            if p[1 + (i + 2) // 8] >> (i + 2) % 8 & 1:
                row.append(None)
                continue
            form = {1: "<b", 2: "<h", 13: "<H", 3: "<i", 8: "<q", 4: "<f", 5: "<d"}.get(t)
            if form:
                row.append(struct.unpack_from(form, p, at)[0])
                at += struct.calcsize(form)
            else:
                k, at = lenenc(p, at)
                row.append(p[at:at + k])
                at += k
        assert at == len(p), p
        rows.append(tuple(row))


def execute(c, sql, *params):
    stmt, _ = c.prepare(sql)
    c.execute(stmt, *params)
    return binary_rows(c)


def test_text_rows():
    assert w.query("SELECT * FROM t ORDER BY id") == TEXT


def test_binary_rows():
    types, rows = execute(w, "SELECT * FROM t ORDER BY id")
    assert types == [3, 254, 254, 16, 16, 16, 13, 4, 5], types
    f = struct.unpack("<f", struct.pack("<f", -0.126))[0]
    assert rows == [(1, b"small", b"a,b", b"\x0a\x01", b"\xff" * 8, b"\1", 2024, 1.5, 2.25), (2, "\u00e9".encode(), "\u00e9".encode(), b"\0\5", b"\0" * 7 + b"\1", b"\0", 0, f, -1.0),
                    (3,) + (None,) * 8, (4, b"large", b"", b"\0\0", b"\0" * 8, b"\0", 1901, 0.0, 0.0)], rows


def test_character_set_of_results():
    c = Watcher(server)
    c.query("USE d")
    c.query("SET NAMES latin1")
    assert c.query("SELECT e, s FROM t WHERE id = 2") == [(b"\xe9", b"\xe9")]
    assert [(m.charset, m.length) for m in c.meta] == [(8, 5), (8, 5)], c.meta
    assert execute(c, "SELECT e, s FROM t WHERE id = 2")[1] == [(b"\xe9", b"\xe9")]


def test_parameters():
    w.query("CREATE TABLE p LIKE t")
    stmt, n = w.prepare("INSERT INTO p (id, e, s, b, y) VALUES (?, ?, ?, ?, ?)")
    assert n == 5
    for params in ((1, "large", "b,a", 2561, 2024), (2, 2, 3, "\x05", "5"), (3, None, None, None, None), (4, "2", "", 0, 0)):
        w.execute(stmt, *params)
        w.result()
    assert w.query("SELECT id, e, s, b + 0, y FROM p ORDER BY id") == [(b"1", b"large", b"a,b", b"2561", b"2024"), (b"2", b"large", b"a,b", b"5", b"2005"), (b"3",) + (None,) * 4, (b"4", b"large", b"", b"0", b"0000")]
    for column, value, error in (("e", "none", 1265), ("e", 4, 1265), ("e", 0, 1265), ("s", "a,x", 1265), ("s", 8, 1265), ("b", 4096, 1406), ("y", 1900, 1264), ("y", "x", 1366)):
        stmt, _ = w.prepare(f"INSERT INTO p (id, {column}) VALUES (9, ?)")
        w.execute(stmt, value)
        assert w.error() == error, (column, value, w.last)
    for sql, value, ids in (("e = ?", "LARGE", 3), ("e = ?", 2, 3), ("s = ?", "a,b", 2), ("s = ?", 3, 2), ("b = ?", 5, 1), ("y = ?", 2005, 1), ("y = ?", 5, 1), ("y = ?", "5", 1)):
        assert execute(w, f"SELECT COUNT(*) FROM p WHERE {sql}", value)[1] == [(ids,)], (sql, value)
    stmt, _ = w.prepare("INSERT INTO p (id, b) VALUES (10, ?)")  # a parameter of type BIT: bytes, whatever the character set
    w.command(b"\x17" + struct.pack("<IBI", stmt, 0, 1) + b"\0\1\x10\0" + b"\2\x0f\xff")
    w.result()
    assert w.value("SELECT b + 0 FROM p WHERE id = 10") == "4095"


def test_pymysql():
    c = server.connect(charset="utf8mb4", database="d")
    cur = c.cursor()
    cur.execute("SELECT * FROM t ORDER BY id")
    rows = cur.fetchall()
    assert rows[0] == (1, "small", "a,b", b"\x0a\x01", b"\xff" * 8, b"\1", 2024, 1.5, 2.25), rows[0]
    assert rows[1][:7] == (2, "\u00e9", "\u00e9", b"\0\5", b"\0" * 7 + b"\1", b"\0", 0), rows[1]
    assert [d[1] for d in cur.description] == [3, 254, 254, 16, 16, 16, 13, 4, 5], cur.description
    cur.execute("SELECT id FROM t WHERE e = %s AND s = %s AND b = %s AND y = %s", ("small", "a,b", 0xA01, 2024))
    assert cur.fetchall() == ((1,),)
    c.close()


def run(name, *words, text):
    if shutil.which(name) is None:
        raise Skip(f"no {name}")
    r = subprocess.run([name, *words], input=text, capture_output=True, text=True, timeout=60)
    if "could not find driver" in r.stderr or "Can't locate" in r.stderr or "No module named" in r.stderr or "undefined function mysqli" in r.stdout + r.stderr:
        raise Skip(r.stderr.split("\n")[0])
    assert r.returncode == 0, r.stdout + r.stderr
    return r.stdout


def test_mysqlclient():
    out = run("/usr/bin/python3", "-", text=f"""
import MySQLdb
c = MySQLdb.connect(unix_socket={server.socket!r}, user='root', db='d', charset='utf8mb4')
k = c.cursor()
k.execute('SELECT e, s, b, q, o, y, f, d FROM t ORDER BY id')
for row in k.fetchall(): print(row)
""")
    lines = out.strip().split("\n")
    assert lines[0].startswith("('small', ") and "2024, 1.5, 2.25)" in lines[0], out
    assert lines[2] == "(None, None, None, None, None, None, None, None)", out


def test_php_mysqli():
    """mysqli with server-side prepared statements: the binary protocol of mysqlnd."""
    out = run("php", text=f"""<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$c = new mysqli(null, 'root', '', 'd', 0, '{server.socket}');
$c->set_charset('utf8mb4');
$q = $c->prepare('SELECT id, e, s, b, q, o, y, f, d FROM t WHERE id < ? ORDER BY id');
$n = 9; $q->bind_param('i', $n); $q->execute();
foreach ($q->get_result() as $r) echo json_encode(array_map(fn($v) => $v, array_values($r)), JSON_UNESCAPED_UNICODE), "\\n";
foreach ($c->query('SELECT e, s, b, y FROM t ORDER BY id') as $r) echo json_encode(array_values($r), JSON_UNESCAPED_UNICODE), "\\n";
$q = $c->prepare('SELECT COUNT(*) FROM t WHERE e = ? AND b = ? AND y = ?');
$e = 'small'; $b = 2561; $y = 2024; $q->bind_param('sii', $e, $b, $y); $q->execute();
echo json_encode($q->get_result()->fetch_row()), "\\n";
""")
    lines = out.strip().split("\n")
    assert lines[0] == '[1,"small","a,b",2561,"18446744073709551615",1,"2024",1.5,2.25]', out  # a text, for YEAR has ZEROFILL
    assert lines[1] == '[2,"\u00e9","\u00e9",5,1,0,"0000",-0.126,-1]', out
    assert lines[2] == "[3" + ",null" * 8 + "]", out
    assert lines[4] == '["small","a,b","2561","2024"]' and lines[5] == '["\u00e9","\u00e9","5","0000"]', out
    assert lines[8] == "[1]", out


def test_perl_dbi():
    """DBD::mysql with server-side prepared statements."""
    out = run("perl", "-", text=f"""
use DBI;
my $c = DBI->connect('DBI:mysql:database=d;mysql_socket={server.socket};mysql_server_prepare=1', 'root', '', {{RaiseError => 1}});
my $q = $c->prepare('SELECT id, e, s, y, d FROM t WHERE id < ? ORDER BY id');
$q->execute(9);
while (my @r = $q->fetchrow_array) {{ print join('|', map {{ defined $_ ? $_ : 'NULL' }} @r), "\\n"; }}
""")
    lines = out.strip().split("\n")
    assert lines[0] == "1|small|a,b|2024|2.25" and lines[2] == "3|NULL|NULL|NULL|NULL" and lines[3].startswith("4|large||1901|0"), out


def close_all():
    w.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
