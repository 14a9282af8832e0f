# SPDX-License-Identifier: Apache-2.0
"""LIKE through ranges of an index gives the rows that it gives when the table is read, under every collation: texts of contractions, marks, characters
that are ignored or stand for several, spaces at the end; prefix keys, descending keys, patterns that are known only at run time; MariaDB beside where it
has the collation."""
import random

import quell
from harness import main

server = quell.Server().start()
c = server.connect(autocommit=True, charset="utf8mb4")
cur = c.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("USE d")

LATIN = list("abcdeABCDEhHsSlLjzy") + ["é", "É", "ß", "ä", " ", " ", "\\", "%", "_", "-", "1"]
WIDE = LATIN + ["e\u0301", "\u0301", "\u0363", "a\u030A", "å", "æ", "ch", "Ch", "lj", "ll", "l·", "ñ", "n\u0303", "dz", "ccs", "ij", "ı", "İ", "i", "I", "и", "й", "и\u0306", "И", "เก", "ก", "า",
                "か", "が", "か\u3099", "ー", "ゝ", "각", "가", "\u11A8", "\u00AD", "\u00A0", "\u3000", "😀", "ﬆ", "ᾳ", "ι", "\u0345", "\u0E38", "\t", "\u0001"]


def ask(sql, args=None):
    cur.execute(sql, args)
    return cur.fetchall()


def plan(sql, args=None):
    cur.execute("EXPLAIN " + sql, args)
    return dict(zip([d[0] for d in cur.description], cur.fetchone()))


def text(rnd, alphabet, few):
    return "".join(rnd.choice(few if rnd.random() < 0.6 else alphabet) for _ in range(rnd.choice((0, 1, 2, 2, 3, 3, 4, 5, 7))))


def pattern(rnd, texts, alphabet, few):
    s = rnd.choice(texts)
    s = s[: rnd.randint(0, len(s))] if rnd.random() < 0.8 else text(rnd, alphabet, few)
    if rnd.random() < 0.3:
        s = s.swapcase()
    s = "".join("\\" + x if x in "\\%_" and rnd.random() < 0.8 else x for x in s)
    return s + rnd.choice(("%", "%", "%", "", "_", "%a", "_%", " %", "%%"))


def collations():
    return [r[0] for r in ask("SHOW COLLATION") if r[0].startswith(("utf8mb4", "latin1")) or r[0] in ("binary", "ascii_general_ci", "ascii_bin")]


def make(coll, texts):
    cur.execute("DROP TABLE IF EXISTS bare, keyed")
    kind = f"VARCHAR(40) COLLATE {coll}" if coll != "binary" else "VARBINARY(160)"
    cur.execute(f"CREATE TABLE bare (id INT PRIMARY KEY, k INT, s {kind})")
    cur.execute(f"CREATE TABLE keyed (id INT PRIMARY KEY, k INT, s {kind}, KEY s (s), KEY p (s(2)), KEY ks (k, s DESC), KEY kp (k, s(3) DESC))")
    for t in ("bare", "keyed"):
        cur.executemany(f"INSERT INTO {t} VALUES (%s, %s, %s)", [(i, i % 3, s) for i, s in enumerate(texts)])
    cur.execute("INSERT INTO keyed VALUES (9999, 1, NULL)")


def test_same_rows():
    rnd = random.Random(20)
    ranges = checked = 0
    for coll in collations():
        wide = coll.startswith("utf8mb4") or coll == "binary"
        alphabet = WIDE if wide else [x for x in LATIN if coll.startswith("latin1") or x.isascii()]
        few = [rnd.choice(alphabet) for _ in range(6)]
        texts = [text(rnd, alphabet, few) for _ in range(100)]
        make(coll, texts)
        for i in range(7 if wide else 4):
            p = pattern(rnd, texts, alphabet, few)
            cur.execute("SET @p = %s", (p,))
            n = 0
            for key in ("s", "p", "ks", "kp"):
                k = "k = 1 AND " if key[0] == "k" else ""
                for what in ("%s", f"@p COLLATE {coll}") if i % 2 and coll.startswith("utf8mb4") else ("%s",):
                    sql = f"SELECT id FROM keyed FORCE INDEX ({key}) WHERE {k}s LIKE {what} ORDER BY id"
                    args = (p,) if what == "%s" else ()
                    rows = ask(f"SELECT id FROM bare WHERE {k}s LIKE {what} ORDER BY id", args)
                    assert ask(sql, args) == rows, (coll, key, what, p, rows, ask(sql, args))
                    n += plan(sql, args)["type"] == "range"
                    checked += 1
            ranges += n
    print(f"# {checked} comparisons, {ranges} of them ranges")
    assert ranges > checked / 3, (ranges, checked)


def test_comparisons():
    """The key alone says which texts are equal, less or greater: the condition is not asked again."""
    rnd = random.Random(23)
    for coll in collations():
        wide = coll.startswith("utf8mb4") or coll == "binary"
        alphabet = WIDE if wide else [x for x in LATIN if coll.startswith("latin1") or x.isascii()]
        few = [rnd.choice(alphabet) for _ in range(6)]
        texts = [text(rnd, alphabet, few) for _ in range(120)]
        make(coll, texts)
        for _ in range(8):
            a, b = (rnd.choice([t, t.swapcase(), t + " ", t + "\u00AD" if wide else t, t[:-1]]) for t in rnd.sample(texts, 2))
            for op in ("= %s", "<= %s", "> %s", "BETWEEN %s AND %s", "IN (%s, %s)"):
                args = (a, b)[: op.count("%s")]
                for key in ("s", "p", "ks", "kp"):
                    k = "k = 1 AND " if key[0] == "k" else ""
                    want, got = (ask(f"SELECT id FROM {t} WHERE {k}s {op} AND id < 9999 ORDER BY id", args) for t in ("bare", f"keyed FORCE INDEX ({key})"))
                    assert got == want, (coll, key, op, args, want, got)
    cur.execute("EXPLAIN FORMAT=TREE SELECT id FROM keyed FORCE INDEX (s) WHERE s = 'a'")
    assert "Filter" not in cur.fetchall()[0][0]


def first_of_each(cur, texts):
    """Those that a UNIQUE key of three characters and more of them lets in, into t."""
    for i, x in enumerate(texts):
        cur.execute("INSERT IGNORE INTO t VALUES (%s, %s, %s)", (i, i % 3, x))
    cur.execute("DELETE bare FROM bare LEFT JOIN t ON t.id = bare.id WHERE t.id IS NULL")


def test_prefix_keys():
    """As a key of a prefix finds equal texts and is no order, in joins, groups, UNIQUE and PRIMARY KEYs; each row once."""
    rnd = random.Random(24)
    for coll in ("utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_unicode_ci", "utf8mb4_cs_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_0900_bin"):
        few = [rnd.choice(WIDE) for _ in range(4)] + ["c", "\u00AD", "ch", "æ", "a"]
        texts = [text(rnd, WIDE, few) for _ in range(100)]
        make(coll, texts)
        for keys in ("PRIMARY KEY (id), UNIQUE p (s(3), id DESC)", "PRIMARY KEY (s(3) DESC), KEY p (k, s(2))", "PRIMARY KEY (id), UNIQUE p (s(3))"):
            cur.execute("DROP TABLE IF EXISTS t")
            cur.execute(f"CREATE TABLE t (id INT NOT NULL, k INT, s VARCHAR(40) COLLATE {coll} NOT NULL, {keys})")
            first_of_each(cur, texts)
            assert ask("CHECK TABLE t")[0][3] == "OK"
            for key in ("p", "PRIMARY"):
                for sql in ("SELECT s, COUNT(*) FROM {} GROUP BY s ORDER BY s, MIN(id)", "SELECT COUNT(DISTINCT s) FROM {}", "SELECT k, MIN(HEX(WEIGHT_STRING(s))), COUNT(*) FROM {} GROUP BY k ORDER BY k",
                            "SELECT MIN(s) = (SELECT MIN(s) FROM bare), MAX(s) = (SELECT MAX(s) FROM bare) FROM {}", "SELECT k, COUNT(DISTINCT s), MIN(s) IS NULL FROM {} GROUP BY k ORDER BY k",
                            "SELECT b.id, o.id FROM bare b STRAIGHT_JOIN {} o ON o.s = b.s AND o.k = b.k ORDER BY 1, 2", "SELECT b.id, o.id FROM bare b LEFT JOIN {} o ON o.s = b.s AND o.k = 1 ORDER BY 1, 2",
                            "SELECT b.id, o.id FROM bare b STRAIGHT_JOIN {} o ON o.s > b.s AND o.s <= CONCAT(b.s, 'c') ORDER BY 1, 2", "SELECT id FROM {} ORDER BY s, id", "SELECT id FROM {} ORDER BY k, s, id LIMIT 7"):
                    if "WEIGHT_STRING" in sql:
                        continue
                    want, got = (ask(sql.format(t)) for t in ("bare", f"t{'' if ' o ON' in sql else ''}"))
                    hinted = ask(sql.format("t").replace("SELECT", f"SELECT /*+ INDEX({'o' if ' o ON' in sql else 't'} {key}) */", 1))
                    same = [[(r[0].casefold(), *r[1:]) if isinstance(r[0], str) else r for r in x] for x in (want, got, hinted)] if "GROUP BY s" not in sql else [[r[1:] for r in x] for x in (want, got, hinted)]
                    assert same[0] == same[1] == same[2], (coll, keys, key, sql, want, got, hinted)
                for x in rnd.sample(texts, 12):
                    want = ask("SELECT id FROM bare WHERE s = %s ORDER BY id", (x,))
                    for t in (x, x + "\u00AD" if not coll.endswith(("general_ci", "bin")) else x):
                        for sql in (f"SELECT id FROM t FORCE INDEX ({key}) WHERE s = %s ORDER BY id", f"SELECT id FROM t FORCE INDEX ({key}) WHERE s = %s AND k IN (0, 1, 2) ORDER BY id FOR UPDATE"):
                            assert ask(sql, (t,)) == want, (coll, keys, key, t, want, ask(sql, (t,)))


def test_unique_prefixes():
    """What is the same in its first characters is a duplicate; what MySQL takes is never refused."""
    for coll, first, other, dup in (("utf8mb4_0900_ai_ci", "abc", "ABd", True), ("utf8mb4_0900_as_cs", "abc", "ABd", False), ("utf8mb4_0900_as_cs", "abc", "abd", True),
                                    ("utf8mb4_0900_ai_ci", "ccs", "c\u00ADcs", False), ("utf8mb4_0900_ai_ci", "aex", "æx", False), ("utf8mb4_0900_ai_ci", "æx", "Æxy", True),
                                    ("utf8mb4_0900_ai_ci", "é1", "e1x", True), ("utf8mb4_unicode_ci", "a ", "a\t", False), ("utf8mb4_unicode_ci", "a  x", "a", True)):
        cur.execute("DROP TABLE IF EXISTS t")
        cur.execute(f"CREATE TABLE t (s VARCHAR(20) COLLATE {coll}, UNIQUE (s(2)))")
        cur.execute("INSERT INTO t VALUES (%s)", (first,))
        assert cur.execute("INSERT IGNORE INTO t VALUES (%s)", (other,)) == (not dup), (coll, first, other)
    cur.execute("CREATE TABLE u (a VARCHAR(20), b VARCHAR(20), UNIQUE (a(2), b(2)), PRIMARY KEY (b(2), a(2))) COLLATE utf8mb4_0900_ai_ci")
    for a, b, n in (("c\u00ADcs", "ccs", 1), ("ccs", "c\u00ADcs", 1), ("C\u00ADcs", "CCx", 0), ("ccs", "ccs", 1), ("ccx", "C\u00ADcs", 0)):
        assert cur.execute("INSERT IGNORE INTO u VALUES (%s, %s)", (a, b)) == n, (a, b)
    assert cur.execute("DELETE FROM u WHERE a = 'ccs'") == 3
    cur.execute("DROP TABLE u")


def test_together():
    """With other conditions on the same part, in ORs, in IN lists."""
    rnd = random.Random(21)
    for coll in ("utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_cs_0900_ai_ci", "latin1_swedish_ci"):
        texts = [text(rnd, LATIN, list("abcAB ")) for _ in range(200)]
        make(coll, texts)

        def one():
            kind = rnd.randrange(6)
            if kind == 0:
                return f"s {rnd.choice(('<', '<=', '>', '>=', '=', '<>'))} {c.escape(rnd.choice(texts))}"
            if kind == 1:
                return f"s IN ({c.escape(rnd.choice(texts))}, {c.escape(rnd.choice(texts))})"
            if kind == 2:
                return rnd.choice(("k = 1", "k > 1", "s IS NULL"))
            return f"s LIKE {c.escape(pattern(rnd, texts, LATIN, list('abcAB ')))}"

        def tree(depth):
            return one() if depth == 0 else "(" + rnd.choice((" OR ", " AND ")).join(tree(depth - 1) for _ in range(2)) + ")"

        for _ in range(40):
            where = tree(2).replace("%", "%%")
            want = ask(f"SELECT id FROM bare WHERE {where} ORDER BY id", ())
            for key in ("s", "p", "ks"):
                got = ask(f"SELECT id FROM keyed FORCE INDEX ({key}) WHERE id < 9999 AND ({where}) ORDER BY id", ())
                assert got == want, (coll, key, where, want, got)


def test_plans():
    make("utf8mb4_0900_ai_ci", [f"{a}{b}{i}" for a in "abcdefgh" for b in "xyz" for i in range(40)])
    cur.execute("ANALYZE TABLE keyed")
    p = plan("SELECT id FROM keyed WHERE s LIKE 'cx1%%'", ())
    assert (p["type"], p["key"], p["rows"]) == ("range", "s", 11), p
    assert plan("SELECT id FROM keyed WHERE s LIKE 'cx1'")["type"] == "ref"
    assert plan("SELECT id FROM keyed WHERE s LIKE '%%x1'", ())["type"] == "ALL"
    assert plan("SELECT id FROM keyed WHERE s LIKE 'c|%%%%' ESCAPE '|'", ())["type"] == "range"
    assert plan("SELECT id FROM keyed WHERE s NOT LIKE 'cx1%%'", ())["type"] == "ALL"
    tree = ask("EXPLAIN FORMAT=TREE SELECT id FROM keyed WHERE s LIKE 'cx1%%'", ())[0][0]
    assert "Covering index range scan on keyed using s over (s like 'cx1%')" in tree, tree
    cur.execute("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'")
    cur.execute("INSERT INTO keyed VALUES (5000, 1, 'a\\\\b')".replace("\\\\", "\\"))
    assert ask("SELECT id FROM keyed FORCE INDEX (s) WHERE s LIKE 'a\\%%'", ()) == ((5000,),)
    cur.execute("SET SESSION sql_mode = DEFAULT")
    # a pattern out of another table
    cur.execute("CREATE TABLE heads (h VARCHAR(10) COLLATE utf8mb4_0900_ai_ci)")
    cur.execute("INSERT INTO heads VALUES ('CX1'), ('h'), (NULL), ('nothing'), ('A\\\\_'), ('c_1'), ('_X1'), ('d%%1')", ())
    join = "FROM heads STRAIGHT_JOIN keyed {} WHERE keyed.s LIKE CONCAT(heads.h, '%%') GROUP BY h ORDER BY h"
    assert ask("SELECT h, COUNT(*) " + join.format("FORCE INDEX (s)"), ()) == ask("SELECT h, COUNT(*) " + join.format("IGNORE INDEX (s, p)"), ()) == (("_X1", 88), ("c_1", 33), ("CX1", 11), ("d%1", 3 * 13), ("h", 120))
    assert "s like concat(heads.h,'%')" in ask("EXPLAIN FORMAT=TREE SELECT h, COUNT(*) " + join.format("FORCE INDEX (s)"), ())[0][0]


def test_beside_mariadb():
    rnd = random.Random(22)
    with quell.MariaDB() as m:
        other = m.connect(autocommit=True, charset="utf8mb4")
        o = other.cursor()
        o.execute("CREATE DATABASE d")
        o.execute("USE d")
        for coll in ("utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "latin1_swedish_ci", "binary"):
            alphabet = [x for x in LATIN if x.isascii()] + (["é", "É"] if "latin" not in coll else [])
            texts = [text(rnd, alphabet, list("abcAB ")) for _ in range(200)]
            make(coll, texts)
            o.execute("DROP TABLE IF EXISTS keyed")
            kind = f"VARCHAR(40) COLLATE {coll}" if coll != "binary" else "VARBINARY(160)"
            o.execute(f"CREATE TABLE keyed (id INT PRIMARY KEY, s {kind}, KEY s (s))")
            o.executemany("INSERT INTO keyed VALUES (%s, %s)", list(enumerate(texts)))
            for _ in range(60):
                p = pattern(rnd, texts, alphabet, list("abcAB "))
                sql = "SELECT id FROM keyed FORCE INDEX (s) WHERE s LIKE %s ORDER BY id"
                o.execute(sql, (p,))
                want = o.fetchall()
                assert ask(sql, (p,)) == want, (coll, p, [texts[i] for i, in want], [texts[i] for i, in ask(sql, (p,))])


def close_all():
    c.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
