#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the kept corpus (corpus/*/seed-*) and the parser's dictionary: what fuzzing starts from. Everything else in the
corpus was found by fuzzing and kept by run_fuzz.py --merge. Run again after adding statements to the suites or keywords."""
import json
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def put(target, name, data):
    d = HERE / "corpus" / target
    d.mkdir(parents=True, exist_ok=True)
    (d / f"seed-{name}").write_bytes(data)


def frame(payload, seq=0):
    return struct.pack("<I", len(payload))[:3] + bytes([seq]) + payload


# --- parse: every statement of the suites, a few of each file together; statements of other kinds --------------------------------
STATEMENTS = r"""
KILL QUERY 5; KILL CONNECTION @x; KILL 7; KILL HARD QUERY ID 3; KILL USER root@localhost
SELECT /*+ MAX_EXECUTION_TIME(100) */ SLEEP(1) FROM dual
SELECT /*!80000 1, */ 2 -- end
SELECT 'it''s', "x\n", N'n', _utf8mb4'q' COLLATE utf8mb4_bin, x'4D', 0b101, 1e-7, .5, @@global.x, @`a b`
CREATE TABLE IF NOT EXISTS d.t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT 'x' COMMENT 'c', b DECIMAL(10,2), UNIQUE KEY u (a(3) DESC, b)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
CREATE USER IF NOT EXISTS 'u'@'%' IDENTIFIED WITH caching_sha2_password BY 'secret'; ALTER USER u IDENTIFIED BY 'two'; SET PASSWORD FOR u = 'three'
GRANT SELECT, CONNECTION_ADMIN ON *.* TO 'u'@'%' WITH GRANT OPTION; REVOKE ALL ON *.* FROM u; SHOW GRANTS FOR u
INSERT INTO t (a, b) VALUES (1, DEFAULT), (2, NULL) ON DUPLICATE KEY UPDATE b = VALUES(b) + 1
REPLACE INTO t SELECT a, b FROM u WHERE a IN (SELECT 1 UNION ALL SELECT 2) ORDER BY 1 LIMIT 3, 4
UPDATE t SET a = a + 1, b = DEFAULT WHERE a BETWEEN 1 AND 2 ORDER BY a LIMIT 5; DELETE FROM t WHERE a <=> NULL
SELECT COUNT(DISTINCT a), GROUP_CONCAT(b ORDER BY c SEPARATOR '-') FROM t LEFT JOIN u USING (x) NATURAL JOIN v GROUP BY 1 WITH ROLLUP HAVING COUNT(*) > 1
SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CAST(a AS DECIMAL(5,2)), a DIV b % c ^ ~d << 1, NOT a REGEXP 'x' XOR b SOUNDS LIKE c, INTERVAL(1,2), d + INTERVAL 1 DAY_HOUR
WITH RECURSIVE c (n) AS (SELECT 1 UNION SELECT n + 1 FROM c WHERE n < 5) SELECT *, ROW_NUMBER() OVER (PARTITION BY n ORDER BY n) FROM c
SHOW FULL PROCESSLIST; SHOW VARIABLES LIKE 'a%'; SHOW CREATE TABLE t; SHOW WARNINGS LIMIT 1, 2; SHOW COLUMNS FROM t FROM d
SET @a := 1, SESSION sql_mode = 'ANSI', GLOBAL max_connections = 10, @@local.autocommit = OFF; SET NAMES utf8mb4 COLLATE utf8mb4_bin
BEGIN; START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT; SAVEPOINT s; ROLLBACK TO s; COMMIT AND CHAIN NO RELEASE
PREPARE p FROM 'SELECT ?'; EXECUTE p USING @a; DEALLOCATE PREPARE p
EXPLAIN ANALYZE SELECT 1; DO SLEEP(1); FLUSH PRIVILEGES; USE d; DROP TABLE IF EXISTS a, b.c; TRUNCATE t; ALTER TABLE t ADD COLUMN x INT FIRST
LOAD DATA LOCAL INFILE 'f' INTO TABLE t FIELDS TERMINATED BY ',' ENCLOSED BY '"' LINES STARTING BY 'x'; LOCK TABLES t READ; CALL p(1); HANDLER t OPEN
"""


def parse_seeds():
    for i, line in enumerate(STATEMENTS.strip().splitlines()):
        put("parse", f"kind-{i:02}", bytes([0x20 if "?" in line else 0]) + line.encode())
    for f in sorted((ROOT / "tests/sql/suite").glob("*/t/*.test")):
        lines = [x for x in f.read_text().splitlines() if x and not re.match(r"\s*(#|--)", x)]
        text = "\n".join(lines)
        for i in range(0, min(len(text), 6000), 1500):
            put("parse", f"{f.parent.parent.name}-{f.stem}-{i // 1500}", b"\0" + text[i:i + 1500].encode())
    words = re.findall(r"^QL_KEYWORD\((\w+),", (ROOT / "src/catalog/keywords.def").read_text(), re.M)
    extra = ["/*!", "*/", "/*+", "-- ", "<=>", ":=", "->>", "||", "&&", "@@", "_utf8mb4", "\\x00", "\\xF0\\x9F\\x98\\x80", "<secret>"]
    (HERE / "parse.dict").write_text("".join(f'"{w}"\n' for w in words + extra))


# --- packet: the first byte is how short the reads are -----------------------------------------------------------------------------
def packet_seeds():
    put("packet", "two", b"\3" + frame(b"\x0e") + frame(b"\3SELECT 1"))
    put("packet", "sequence", b"\0" + frame(b"a", 0) + frame(b"b", 1) + frame(b"c", 7))
    put("packet", "empty", b"\1" + frame(b""))
    put("packet", "limit", b"\0" + frame(b"x" * 4096))
    put("packet", "above-limit", b"\0" + frame(b"x" * 4097))
    put("packet", "continued", b"\0" + b"\xff\xff\xff\0" + b"y" * 100)
    put("packet", "cut", b"\2" + frame(b"SELECT 1")[:-3])


# --- handshake: the first byte chooses the decoder -----------------------------------------------------------------------------
CAPS = 0x00bfa685 | 1 << 19 | 1 << 21


def handshake_seeds():
    hello = struct.pack("<IIB23x", CAPS | 8, 1 << 24, 45) + b"root\0" + b"\x20" + bytes(32) + b"db\0caching_sha2_password\0" + b"\x0c\3_os\5Linux\1a\0"
    put("handshake", "hello", b"\0" + hello)
    put("handshake", "hello-old-auth", b"\0" + struct.pack("<IIB23x", 1 << 9, 1 << 24, 8) + b"u\0pass\0")
    put("handshake", "ssl-request", b"\0" + struct.pack("<IIB23x", CAPS | 1 << 11, 1 << 24, 45))
    put("handshake", "change-user", b"\1" + b"u\0\x14" + bytes(20) + b"db\0\x2d\0mysql_native_password\0")
    for i, c in enumerate([b"\3SELECT 1", b"\2db", b"\x0e", b"\x16SELECT ?", b"\x17" + struct.pack("<IBI", 1, 0, 1) + b"\0\1\x0f\0\3abc",
                           b"\x18" + struct.pack("<IH", 1, 0) + b"long", b"\x19\1\0\0\0", b"\x1a\1\0\0\0", b"\x1b\0\0", b"\x0c\5\0\0\0",
                           b"\4t\0wild", b"\x1c" + struct.pack("<II", 1, 10), b"\1", b"\x1f", b"\x11u\0\0db\0"]):
        put("handshake", f"command-{i:02}", b"\2" + c)
    types = [(1, b"\xff"), (2, b"\1\2"), (3, b"\1\2\3\4"), (8, bytes(8)), (4, struct.pack("<f", 1.5)), (5, struct.pack("<d", 2.5)),
             (12, b"\x0b\xe8\7\1\x1f\1\2\3\4\5\6\0"), (11, b"\x0c\1" + bytes(11)), (253, b"\3abc")]
    body = b"\2\0" + b"\1" + b"".join(struct.pack("<H", t | (0x8000 if t == 3 else 0)) for t, _ in types)
    put("handshake", "params", b"\3" + body + b"".join(v for t, v in types))
    put("handshake", "params-text", b"\3" + b"\0\0\1" + struct.pack("<9H", *[254] * 9) + b"".join(bytes([len(x)]) + x for x in [b"a", b"", b"x" * 200] * 3))


def login_seeds():
    def hello(user, auth, plugin, caps=CAPS):
        return struct.pack("<IIB23x", caps, 1 << 24, 45) + user + b"\0" + bytes([len(auth)]) + auth + plugin + b"\0"
    sha, native = b"caching_sha2_password", b"mysql_native_password"
    caps = CAPS & ~(1 << 3 | 1 << 20)
    change = b"\x11empty\0\0\0\x2d\0" + sha + b"\0"
    put("login", "empty", b"\0" + frame(hello(b"empty", b"", sha, caps), 1) + frame(change, 0) + frame(change, 0))
    put("login", "switch", b"\0" + frame(hello(b"empty", bytes(20), native, caps), 1) + frame(b"", 3) + frame(change, 0))
    put("login", "sha-socket", b"\1" + frame(hello(b"sha", bytes(32), sha, caps), 1) + frame(b"a\0", 3) + frame(b"\x11sha\0\0\0\x2d\0" + sha + b"\0"))
    put("login", "sha-public-key", b"\0" + frame(hello(b"sha", bytes(32), sha, caps), 1) + frame(b"\2", 3) + frame(bytes(256), 5))
    put("login", "native", b"\4" + frame(hello(b"native", bytes(20), native, caps), 1))
    put("login", "native-switch", b"\4" + frame(hello(b"native", bytes(32), sha, caps), 1) + frame(bytes(20), 3))
    put("login", "os", b"\1" + frame(hello(b"os", b"", b"auth_socket", caps), 1) + frame(b"", 3))
    put("login", "nobody", b"\0" + frame(hello(b"nobody", bytes(32), sha, caps), 1) + frame(b"\2", 3))
    put("login", "ssl", b"\0" + frame(struct.pack("<IIB23x", CAPS | 1 << 11, 1 << 24, 45), 1))


# --- codecs ------------------------------------------------------------------------------------------------------------------------
def codec_seeds():
    for i in range(15):  # values of each type; the last ones as text
        put("rowcodec", f"int-{i:02}", bytes([2, i, (i + 5) % 15, (i + 9) % 15]) + b"\2" + bytes([255] * 8) + b"\2" + bytes(8) + b"\x12" + b"\x80" + bytes(7))
        put("rowcodec", f"text-{i:02}", bytes([2, i, (i + 5) % 15, (i + 9) % 15]) + b"\1\x0a2024-01-31" + b"\1\x0812:30:59" + b"\1\x06-12.50")
    row = bytes([1, 3, 0, 0]) + bytes([7]) + struct.pack("<q", 42) + bytes([3]) + b"abc"
    put("rowcodec", "row", bytes([0x82, 0, 4, 10]) + b"\xff\xff" + row)
    for t in range(16):
        for flags in (0, 1, 2 + 4):
            texts = [b"\1\5-1.25\1\x0399.", b"\1\4Abc \1\5\xc3\xa4bcd"][t >= 8]
            numbers = b"\1" + struct.pack(">q", -5) + b"\1" + struct.pack(">d", 1.5)
            put("keycodec", f"type-{t:02}-{flags}", bytes([0, t, flags]) + (texts if t in (3, 4) or t >= 8 else numbers))
    put("keycodec", "bytes-string", bytes([1, 8, 0]) + b"\1a\0\xffb\0\0rest")
    put("keycodec", "bytes-decimal", bytes([1, 3, 0]) + b"\1" + bytes([0x80 + 40 + 1, 51, 26, 0]))
    put("keycodec", "bytes-int", bytes([1, 0, 1]) + b"\xfe" + bytes(8))


def charset_seeds():
    text = "aÄ€Жع中日한ไ~\\😀".encode()
    high = bytes(range(0x80, 0x100)) + bytes(range(0xa1, 0xff)) * 2 + b"\x8f\xb0\xa1\x81\x30\x81\x30\x90\x30\x81\x30\xd8\x3d\xde\x00"
    for cs in range(41):  # in the order of charsets.def
        put("charset", f"text-{cs:02}", bytes([cs, 0]) + text)
        put("charset", f"bytes-{cs:02}", bytes([cs, 1]) + high)


# --- records of the catalog --------------------------------------------------------------------------------------------------------
def section(tag, body=b""):
    def varint(n):
        return bytes([n]) if n < 128 else bytes([n % 128 | 128]) + varint(n // 128)
    if isinstance(body, int):
        body = body.to_bytes((body.bit_length() + 7) // 8, "little")
    return varint(tag) + varint(len(body)) + body


def record_seeds():
    null_row = b"\1\1\0\1"
    column = section(1, b"id") + section(3, 1) + section(5, 3) + section(7, 11) + section(21, 1)
    text = (section(1, b"s") + section(3, 4) + section(5, 15) + section(7, 20) + section(11, 255) + section(15, 1) + section(25, 2) +
            section(27, b"\1\1\0\0\1x") + section(31, b"\1\1\0\0\1y") + section(2, b"comment"))
    members = section(1, b"e") + section(3, 4) + section(5, 247) + section(11, 46) + section(17, b"a") + section(17) + section(13, 1) + section(19, 1)
    when = section(1, b"t") + section(3, 7) + section(5, 12) + section(9, 6) + section(23, 1) + section(25, 3) + section(29, b"x")
    primary = section(1, 2001) + section(3, b"PRIMARY") + section(5, 1) + section(7, 1) + section(11)
    other = section(1, 2002) + section(3, b"k") + section(11, section(1, 1) + section(3, 5) + section(5, 1)) + section(2, b"c") + section(60, b"kept")
    hidden = section(1, 2001) + section(3, b"GEN_CLUST_INDEX") + section(7, 1) + section(9, 1)

    def table(columns, indexes, more=b""):
        owns = b"".join((2001 + i).to_bytes(4, "little") for i in range(len(indexes)))
        return (b"\x11" + section(1, 2000) + section(3, owns) + section(2, 1700000000) + section(4, 1) + section(17, b"InnoDB") + section(19, 255) +
                section(25, 7) + section(16, b"hello") + b"".join(section(21, c) for c in columns) + b"".join(section(23, x) for x in indexes) + more + b"\0")
    put("record", "table", b"\0" + table([column, text], [primary, other]))
    put("record", "table-hidden", b"\0" + table([members, when], [hidden]))
    put("record", "table-unknown", b"\0" + table([column, text + section(62)], [primary], section(60, b"optional") + section(200, b"x" * 200)))
    put("record", "table-foreign", b"\0" + table([column + section(63, b"must")], [primary]))
    put("record", "table-newer-kind", b"\0" + table([section(1, b"j") + section(3, 9) + section(5, 245)], [hidden]))
    put("record", "database", b"\1\x10" + section(1, 46) + section(60, b"kept") + b"\0")
    put("record", "database-foreign", b"\1\x10" + section(1, 46) + section(61) + b"\0")
    put("record", "object", b"\2\x12" + section(1, 5000) + section(3, (5001).to_bytes(4, "little")) + section(33, b"SELECT 1") + b"\0")
    put("record", "database-1", b"\4\1\xff\0")
    old = (b"\1" + struct.pack("<QQQQ", 2000, 1, 1700000000, 5) + b"\6\0\0\0InnoDB" + b"\xff\0" + b"\0\0\0\0" + b"\1\0" + b"\2\0\0\0id" +
           b"\1\3\0\0\0\x0b\0\0\0\0\0" + b"\1\0" + b"\0" * 8 + b"\x08\0\0\0" + null_row + b"\0\0\0\0" + b"\1\0" +
           struct.pack("<I", 2001) + b"\7\0\0\0PRIMARY" + b"\3" + b"\0\0\0\0" + b"\1\0" + b"\0" * 7)
    put("record", "table-1", b"\3" + old)


# --- time zones: moments, then a file; a rule, then moments ------------------------------------------------------------------------
def zone_seeds():
    moments = b"".join(struct.pack(">Q", m + 62135596800 - 26 * 3600) for m in (0, 1521939600, 1540688400, 4102444800, 32503680000, -2000000000))
    for name in ("Europe/Berlin", "UTC", "Pacific/Apia", "Africa/Casablanca", "Australia/Lord_Howe"):
        f = pathlib.Path("/usr/share/zoneinfo") / name
        put("zone", "file-" + name.replace("/", "-"), b"\2" + moments + f.read_bytes())
    for i, rule in enumerate((b"CET-1CEST,M3.5.0,M10.5.0/3", b"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", b"EST5EDT,0/0,J365/25", b"AAA-1BBB,J60,60", b"XYZ3:30:15")):
        put("zone", f"rule-{i}", b"\1" + bytes([len(rule)]) + rule + moments)
    for i, offset in enumerate((b"+3:00", b"-13:59", b"+14:00", b"-0:00")):
        put("zone", f"offset-{i}", b"\0" + bytes([len(offset)]) + offset)


# --- json: the first byte is what the rest is: text, binary form (src/json/README.md), or a path's length, a path and a text -----------
def binary(v):
    def number(n, width):
        return n.to_bytes(width, "little", signed=n < 0)
    if v is None or isinstance(v, bool):
        return bytes([0 if v is None else 1 | v << 4])
    if isinstance(v, int):
        return number(v, 4) + b"\x22"
    if isinstance(v, float):
        return struct.pack("<d", v) + b"\4"
    if isinstance(v, str):
        return v.encode() + number(len(v.encode()), 1) + b"\6"
    names = sorted(v, key=lambda k: (len(k), k)) if isinstance(v, dict) else []
    parts = [binary(v[k]) for k in names] if isinstance(v, dict) else [binary(e) for e in v]
    nest = 1 + max([p[-2] for p in parts if p[-1] & 15 >= 11], default=0)
    for high, width in ((0, 1), (1, 2), (2, 4)):
        body = b"".join(parts) + "".join(names).encode()
        ends = [sum(len(k.encode()) for k in names[:i + 1]) for i in range(len(names))] + [sum(len(p) for p in parts[:i + 1]) for i in range(len(parts))]
        size = len(body) + len(ends) * width + 2 * width + 2
        if size < 1 << 8 * width:
            return body + b"".join(number(e, width) for e in ends) + number(len(parts), width) + number(size, width) + bytes([nest, (12 if isinstance(v, dict) else 11) | high << 4])


def json_seeds():
    documents = [None, True, 17, -1.5, "text", [], {}, [1, [2, {"a": "b"}]], {"b": [True, None, 2.5], "aa": {"c": {}}, "": ""}, {"k%d" % i: i for i in range(40)}, ["x" * 200, "y" * 90]]
    texts = ['[1, 2.50, "a\\u00e9\\ud83d\\ude00\\n"]', '{"x": 1, "x": [3, 5e-7], "aa": 18446744073709551615}', '["a', '{"a":}', '[' * 101, '-0.5e+3 x', '"\x80"']
    paths = ["$", "$.a", "$[0]", "$[last]", "$[last-1].x", "$.\"a b\"[1 to 2]", "$**.b", "$.*[*]", "$[", "$.aa.c.d", "$[0][0]"]
    for i, d in enumerate(documents):
        put("json", f"text-{i}", b"\0" + json.dumps(d).encode())
        put("json", f"binary-{i}", b"\1" + binary(d))
    for i, t in enumerate(texts):
        put("json", f"more-{i}", b"\0" + t.encode("latin-1"))
    for i, p in enumerate(paths):
        put("json", f"path-{i}", b"\2" + bytes([len(p)]) + p.encode() + json.dumps(documents[7 + i % 3]).encode())


zone_seeds()
parse_seeds()
json_seeds()
packet_seeds()
handshake_seeds()
login_seeds()
codec_seeds()
charset_seeds()
record_seeds()
for d in sorted((HERE / "corpus").iterdir()):
    print(d.name, len(list(d.iterdir())), "files", sum(f.stat().st_size for f in d.iterdir()), "bytes")
