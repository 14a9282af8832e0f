#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""JSON against MariaDB (whose JSON is text) in one run: a million documents of some 300 bytes, and one of 4 MB; extracts, conditions, look-ups by a key over
a generated column, sorts, groups, changes, aggregates. Medians of the time and of the server's processor time, in turns.

  documents.py --quelld PATH [--rounds N] [--rows N] [--only quell] [--fresh] [--json FILE] [NAME ...]     NAME: parts of figures' names
"""
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sides  # noqa: E402

CREATE = "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, j JSON NOT NULL, email VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin AS (JSON_UNQUOTE(JSON_EXTRACT(j, '$.email'))) STORED, KEY (email))"
LONG = "CREATE TABLE d (id INT NOT NULL PRIMARY KEY, j JSON NOT NULL)"
EMAIL = "JSON_UNQUOTE(JSON_EXTRACT(j, '$.email'))"
# name, statement (the same on both sides; texts of results are compared without blanks)
FIGURES = [
    ("scan", "SELECT COUNT(j) FROM t"),
    ("JSON_EXTRACT, first member", "SELECT SUM(JSON_EXTRACT(j, '$.n')) FROM t"),
    ("JSON_EXTRACT, inside", "SELECT SUM(JSON_EXTRACT(j, '$.address.number')) FROM t"),
    ("JSON_EXTRACT, of an array", "SELECT SUM(JSON_EXTRACT(j, '$.marks[3]')) FROM t"),
    ("JSON_UNQUOTE", f"SELECT MAX({EMAIL}) FROM t"),
    ("JSON_VALUE", "SELECT MAX(JSON_VALUE(j, '$.address.town')) FROM t"),
    ("JSON_LENGTH", "SELECT SUM(JSON_LENGTH(j, '$.marks')) FROM t"),
    ("JSON_CONTAINS", "SELECT COUNT(*) FROM t WHERE JSON_CONTAINS(j, '7', '$.marks')"),
    ("JSON_CONTAINS_PATH", "SELECT COUNT(*) FROM t WHERE JSON_CONTAINS_PATH(j, 'one', '$.address.flat')"),
    ("WHERE a member = constant", "SELECT COUNT(*) FROM t WHERE JSON_VALUE(j, '$.address.town') = 'town 77'"),
    ("GROUP BY a member", "SELECT COUNT(*) FROM (SELECT JSON_VALUE(j, '$.address.town') k, COUNT(*) FROM t GROUP BY k) x"),
    ("ORDER BY a member", f"SELECT id FROM t ORDER BY {EMAIL}, id LIMIT 100000, 5"),
    ("JSON_TABLE", "SELECT SUM(m.v) FROM t, JSON_TABLE(j, '$.marks[*]' COLUMNS (v INT PATH '$')) m WHERE t.id < 200000"),
    ("JSON_OBJECT", "SELECT SUM(LENGTH(JSON_OBJECT('id', id, 'e', email, 'b', 1.5))) > 0 FROM t"),
    ("JSON_SET, not stored", "SELECT SUM(JSON_LENGTH(JSON_SET(j, '$.n', id, '$.new', 1))) FROM t"),
    ("JSON_ARRAYAGG", "SELECT SUM(JSON_LENGTH(a)) FROM (SELECT JSON_ARRAYAGG(id) a FROM t GROUP BY id % 1000) x"),
    ("20,000 look-ups by key", "SELECT COUNT(*), SUM(t.id) FROM (SELECT id, CONCAT('user', id * 37 % 1000000, '@example.com') e FROM t WHERE id < 20000) k STRAIGHT_JOIN t ON t.email = k.e"),
    ("look-up by key", "SELECT id FROM t WHERE email = 'user4711@example.com'"),
    ("UPDATE JSON_SET, 50,000 rows", "UPDATE t SET j = JSON_SET(j, '$.n', id + 1) WHERE id BETWEEN 100000 AND 149999"),
    ("4 MB: a member by name", "SELECT JSON_EXTRACT(j, '$.key40000.n') FROM d"),
    ("4 MB: all of them", "SELECT JSON_LENGTH(JSON_EXTRACT(j, '$.*.n')) FROM d"),
    ("4 MB: UPDATE JSON_SET", "UPDATE d SET j = JSON_SET(j, '$.key40000.n', 5)"),
    ("rows to the client", "SELECT id, j FROM t WHERE id < 100000"),
]


def make(folder, rows):
    r, paths = random.Random(12), {"t": folder / "t", "d": folder / "d"}
    with open(paths["t"], "w") as f:
        for i in range(rows):
            address = {"street": "street " + "abcdefghij"[: r.randrange(10)], "number": r.randrange(300), "town": f"town {r.randrange(500)}"}
            if i % 7 == 0:
                address["flat"] = i % 40
            one = {"n": i, "name": f"User Number {i}", "email": f"user{i}@example.com", "address": address, "marks": [r.randrange(100) for _ in range(12)],
                   "score": r.random(), "active": i % 3 == 0, "note": None, "about": "text " * r.randrange(12)}
            f.write(f"{i}\t{json.dumps(one)}\n")
    with open(paths["d"], "w") as f:
        f.write("1\t" + json.dumps({f"key{i}": {"n": i, "text": "x" * r.randrange(60), "list": [i, i + 1]} for i in range(50_000)}) + "\n")
    return paths


def without_blanks(rows):
    """MariaDB keeps a document's blanks; of many rows their number counts."""
    return "affected" if rows and rows[0][:8] == "affected" else [str(x).replace(" ", "") for x in rows] if len(rows) < 10 else len(rows)


def main():
    a, files = sides.arguments(__doc__, 5), {}

    def load(server, folder):
        if not files:
            files.update(make(folder, a.rows))
        cur = server.connect(autocommit=True, local_infile=True).cursor()
        for sql in ("CREATE DATABASE bench", "USE bench", CREATE, LONG):
            cur.execute(sql)
        for table, path in files.items():
            cur.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} (id, j)")
    sides.figures(a, f"documents-{a.rows}", [__file__], load, [(*f, None) for f in FIGURES], lambda sql: without_blanks)


if __name__ == "__main__":
    main()
