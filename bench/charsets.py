#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Character sets against MariaDB in one run: a million rows of the same texts in columns of latin1, utf8mb4, utf16 and gbk; conversions, lengths,
scans with LIKE, comparisons, sorts, groups, and results in latin1 and utf8mb4. Medians of the time and of the server's processor time, in turns.

  charsets.py --quelld PATH [--rounds N] [--rows N] [--only quell] [--fresh] [--json FILE] [NAME ...]     NAME: parts of figures' names
"""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sides  # noqa: E402

CREATE = ["CREATE TABLE t (id INT NOT NULL PRIMARY KEY, l VARCHAR(60) CHARACTER SET latin1 NOT NULL, u VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, "
          "w VARCHAR(60) CHARACTER SET utf16 NOT NULL, g VARCHAR(60) CHARACTER SET gbk NOT NULL, la VARCHAR(10) CHARACTER SET latin1 NOT NULL, ua VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, KEY (la), KEY (ua))"]
# name, statement, character_set_results
FIGURES = [(f"{what} {name}", sql.format(c=c, k=k), None) for name, c, k in (("latin1", "l", "la"), ("utf8mb4", "u", "ua")) for what, sql in (
    ("scan", "SELECT COUNT({c}) FROM t"),
    ("LENGTH", "SELECT SUM(LENGTH({c})) FROM t"),
    ("CHAR_LENGTH", "SELECT SUM(CHAR_LENGTH({c})) FROM t"),
    ("HEX", "SELECT MAX(HEX({c})) FROM t"),
    ("MD5", "SELECT MAX(MD5({c})) FROM t"),
    ("UPPER", "SELECT MAX(LENGTH(UPPER({c}))) FROM t"),
    ("LIKE '%word%'", "SELECT COUNT(*) FROM t WHERE {c} LIKE '%größe%'"),
    ("LIKE 'word%'", "SELECT COUNT(*) FROM t WHERE {c} LIKE 'straße%'"),
    ("= constant", "SELECT COUNT(*) FROM t WHERE {c} = 'straße'"),
    ("look-ups by key", "SELECT COUNT(*) FROM t WHERE {k} IN ('maß1', 'öl22', 'weg333', 'straße17')"),
    ("ORDER BY", "SELECT id FROM t ORDER BY {c}, id LIMIT 999990, 5"),
    ("GROUP BY", "SELECT COUNT(*) FROM (SELECT {k}, COUNT(*) FROM t GROUP BY {k}) x"),
    ("DISTINCT", "SELECT COUNT(DISTINCT {c}) FROM t"),
)] + [
    ("CONVERT latin1 to utf8mb4", "SELECT MAX(LENGTH(CONVERT(l USING utf8mb4))) FROM t", None),
    ("CONVERT utf8mb4 to latin1", "SELECT MAX(LENGTH(CONVERT(u USING latin1))) FROM t", None),
    ("CONVERT utf8mb4 to utf16", "SELECT MAX(LENGTH(CONVERT(u USING utf16))) FROM t", None),
    ("CONVERT utf16 to utf8mb4", "SELECT MAX(LENGTH(CONVERT(w USING utf8mb4))) FROM t", None),
    ("CONVERT utf8mb4 to gbk", "SELECT MAX(LENGTH(CONVERT(u USING gbk))) FROM t", None),
    ("CONVERT gbk to utf8mb4", "SELECT MAX(LENGTH(CONVERT(g USING utf8mb4))) FROM t", None),
    ("CAST latin1 to BINARY", "SELECT MAX(CAST(l AS BINARY)) FROM t", None),
    ("latin1 = utf8mb4", "SELECT COUNT(*) FROM t WHERE l = u", None),
    ("latin1 rows as latin1", "SELECT id, l FROM t", "latin1"),
    ("latin1 rows as utf8mb4", "SELECT id, l FROM t", "utf8mb4"),
    ("utf8mb4 rows as latin1", "SELECT id, u FROM t", "latin1"),
    ("utf8mb4 rows as utf8mb4", "SELECT id, u FROM t", "utf8mb4"),
    ("gbk rows as gbk", "SELECT id, g FROM t", "gbk"),
]


def make(folder, rows):
    r, path = random.Random(11), folder / "t"
    words = ["straße", "größe", "maß", "öl", "über", "weg", "haus", "baum", "stein", "wasser", "füße", "tür", "garten", "brücke", "licht"]
    chinese = "".join(chr(c) for c in range(0x4e00, 0x4f00))
    with open(path, "w", encoding="utf8") as f:
        for i in range(rows):
            text = " ".join(r.choices(words, k=r.randint(1, 6))) + str(r.randrange(1000))
            key = r.choice(words)[:7] + str(r.randrange(500))
            f.write("\t".join([str(i), text, text, text, "".join(r.choices(chinese, k=12)) + text[:9].translate({0xdf: "s"}).encode("gbk", "ignore").decode("gbk"), key, key]) + "\n")
    return {"t": path}


def main():
    a, files = sides.arguments(__doc__, 7), {}

    def load(server, folder):
        if not files:
            files.update(make(folder, a.rows))
        sides.load_tables(server, "bench", CREATE, files)
    shown = {sql for _, sql, results in FIGURES if results}  # rows in another character set for each side's client: only timed
    sides.figures(a, f"charsets-{a.rows}", [__file__], load, [(name, sql, f"SET character_set_results = {results or 'utf8mb4'}") for name, sql, results in FIGURES],
                  lambda sql: None if sql in shown else list)


if __name__ == "__main__":
    main()
