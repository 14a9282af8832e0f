# SPDX-License-Identifier: Apache-2.0
"""ENUM, SET, BIT and YEAR beside MariaDB: random statements over random rows, with and without indexes, changes included."""
import random
import sys

import quell
from harness import main

SEED = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--seed=")), 20261201)
COUNT = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--n=")), 3000)
rnd = random.Random(SEED)
MODE = "SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
sides = [quell.Server(), quell.MariaDB()]
cursors = []
# The order of the members is not that of their texts; no member is a number.
ENUM = ["small", "medium", "large", "Xl", "b"]
SET = ["z", "y", "red", "a", "blue"]
QUOTE = "'"
TYPES = {"e": "ENUM('" + "','".join(ENUM) + "') COLLATE utf8mb4_general_ci", "s": "SET('" + "','".join(SET) + "') COLLATE utf8mb4_general_ci", "b": "BIT(6)", "w": "BIT(64)", "y": "YEAR", "n": "INT", "v": "VARCHAR(20) COLLATE utf8mb4_general_ci"}
indexed = False  # MariaDB asks an index for the texts between two texts by their numbers; Quell does not
COMPARE = ["=", "=", "=", "<>", "<", "<=", ">", ">=", "<=>"]


def a_set():
    return ",".join(m for m in SET if rnd.random() < 0.35)


def stored(column):
    if rnd.random() < 0.12:
        return "NULL"
    return {"e": lambda: f"'{rnd.choice(ENUM)}'", "s": lambda: f"'{a_set()}'", "b": lambda: str(rnd.randint(0, 63)), "w": lambda: str(rnd.choice([0, 1, 255, 2**63, 2**64 - 1, rnd.getrandbits(64)])),
            "y": lambda: str(rnd.choice([0, 1901, 1970, 2000, 2005, 2024, 2155, 5, 70])), "n": lambda: str(rnd.randint(-2, 40)), "v": lambda: "'" + rnd.choice(ENUM + SET + ["", "3", "2005", "x"]) + "'"}[column]()


def constant(column):
    r = rnd.random()
    if column == "e":
        return f"'{rnd.choice(ENUM + ['', 'other', 'LARGE', 'm'])}'" if r < 0.6 else rnd.choice(["0", "1", "2", "3", "5", "6", "2.5", "-1", "3e0", "1.0"])
    if column == "s":
        return f"'{rnd.choice([a_set(), a_set(), 'a,z', 'Z', 'other'])}'" if r < 0.6 else rnd.choice(["0", "1", "3", "16", "31", "32", "4.5", "-1"])
    if column == "b":
        return rnd.choice(["b'101'", "5", "63", "0", "b'0'", "0b11"] + ([] if indexed else ["64", "-1", "5.5", "3e1"]))
    if column == "w":
        return rnd.choice(["18446744073709551615", "9223372036854775808", "255", "b'11111111'", "0"])
    if column == "y" and indexed:  # MariaDB looks for what is beyond the range of YEAR in the place of 0000
        return rnd.choice(["2005", "5", "'5'", "70", "'70'", "'0000'", "1901", "'2005'", "1999", "69", "99"])
    if column == "y":
        return rnd.choice(["2005", "5", "'5'", "70", "'70'", "0", "'0000'", "1901", "3000", "-1", "'2005'", "1999", "69", "99", "100"])
    if column == "n":
        return str(rnd.randint(-2, 40))
    return f"'{rnd.choice(ENUM + SET)}'"


def condition(prefix=""):
    c = rnd.choice(["e", "e", "s", "s", "b", "w", "y"])
    r = rnd.random()
    if r < 0.15:
        first = constant(c)
        same = [k for k in (constant(c) for _ in range(4)) if (k[0] == QUOTE) == (first[0] == QUOTE)]
        if c in "es" and first[0] != QUOTE:  # MariaDB turns numbers beyond the members into 0
            first, same = "1", ["3", "2"]
        return f"{prefix}{c} {rnd.choice(['', 'NOT '])}IN ({', '.join([first] + same)})"
    if r < 0.27 and not (indexed and c in "es"):
        low, high = constant(c), constant(c)
        if (low[0] == QUOTE) == (high[0] == QUOTE):
            return f"{prefix}{c} {rnd.choice(['', 'NOT '])}BETWEEN {low} AND {high}"
    if r < 0.32:
        return f"{prefix}{c} IS {rnd.choice(['', 'NOT '])}NULL"
    if r < 0.37:
        return f"{prefix}{rnd.choice('es')} LIKE '{rnd.choice(['%a%', 's%', '%e', '%'])}'"
    if r < 0.42:
        return f"FIND_IN_SET('{rnd.choice(SET)}', {prefix}s)"
    if r < 0.47:
        return f"{prefix}{rnd.choice('esb')} {rnd.choice(['&', '|', '^'])} {rnd.randint(0, 9)}"
    if r < 0.52:
        return f"{prefix}{rnd.choice('esbyw')} {rnd.choice(COMPARE)} {prefix}{rnd.choice('nvesb')}"
    if r < 0.55:
        return f"{rnd.choice(['', 'NOT '])}{prefix}{rnd.choice('esby')}"
    k = constant(c)
    return f"{prefix}{c} {rnd.choice(['=', '<>', '<=>'] if indexed and k[0] == QUOTE else COMPARE)} {k}"


def where():
    return rnd.choice([condition(), condition(), f"{condition()} AND {condition()}", f"{condition()} OR {condition()}", f"NOT ({condition()})"])


def value():
    c = rnd.choice("esby")
    return rnd.choice([c, f"{c} + 0", f"CONCAT({rnd.choice('esy')}, '!')", f"LENGTH({rnd.choice('esb')})", f"HEX({c})", f"{c} * 2 - 1", f"-{rnd.choice('by')}", f"COALESCE({rnd.choice('es')}, 'none')", f"IF({condition()}, e, s)", f"CAST({c} AS SIGNED)",
                       f"CAST({rnd.choice('es')} AS CHAR(3))", f"CASE e WHEN 'small' THEN 1 WHEN 2 THEN 'two' ELSE s END", f"FIELD(e, 'large', 'small')", f"UPPER(e)", f"NULLIF(e, 'small')", f"GREATEST(e, s)", f"IFNULL(b, 0) + 0", f"{c} IN ({constant(c)})"])


def query():
    r = rnd.random()
    if r < 0.35:
        return f"SELECT id, {value()} FROM t WHERE {where()} ORDER BY id"
    if r < 0.5:
        return f"SELECT id FROM t WHERE {where()} ORDER BY {rnd.choice('esbwy')} {rnd.choice(['', 'DESC'])}, {rnd.choice('esbwy')}, id {rnd.choice(['', 'LIMIT 5'])}"
    if r < 0.62:
        c = rnd.choice("esby")
        return f"SELECT {c} + 0, COUNT(*), MIN(id), COUNT(DISTINCT {rnd.choice('esby')}) FROM t WHERE {where()} GROUP BY {c} ORDER BY {c}"
    if r < 0.7:
        return f"SELECT MIN(CONCAT(e)), MAX(CONCAT(s)), MIN(y), MAX(y), MAX(b) + 0, SUM(e), SUM(s), SUM(b), BIT_OR(s), COUNT(e), GROUP_CONCAT(e ORDER BY id) FROM t WHERE {where()}"
    if r < 0.76:
        return f"SELECT DISTINCT e, s, y FROM t WHERE {where()} ORDER BY e, s, y"
    if r < 0.82:
        c = rnd.choice("esby")
        return f"SELECT a.id, z.id FROM t a JOIN t z ON a.{c} = z.{c} AND a.id < z.id WHERE {condition('a.')} ORDER BY 1, 2 LIMIT 20"
    if r < 0.88:
        c = rnd.choice("esby")
        return f"SELECT id FROM t WHERE {c} {rnd.choice(['', 'NOT '])}IN (SELECT {c} FROM t WHERE {c} IS NOT NULL AND {condition()}) ORDER BY id"
    if r < 0.92:
        return f"SELECT e FROM t WHERE {condition()} UNION SELECT {rnd.choice(['s', 'v', 'e'])} FROM t WHERE {condition()} ORDER BY 1"
    if r < 0.96:
        return f"SELECT x.e, x.n FROM (SELECT e, COUNT(*) AS n FROM t GROUP BY e) x WHERE x.e {rnd.choice(['=', '<>'])} {constant('e')} ORDER BY x.e"
    return f"SELECT id FROM t WHERE (e, y) {rnd.choice(['=', '<>', '<'])} ({constant('e')}, {rnd.choice(['2005', '1970', '0'])}) ORDER BY id"


def change():
    c = rnd.choice("esby")
    r = rnd.random()
    if r < 0.4:
        return f"INSERT INTO t (id, {c}) VALUES ({rnd.randint(1000, 10**8)}, {constant(c)})"
    if r < 0.8:
        return f"UPDATE t SET {c} = {rnd.choice([constant(c), rnd.choice('esbnv'), c + ' + 1'])} WHERE id = {rnd.randint(0, 59)}"
    return f"DELETE FROM t WHERE id > 999 AND {condition()}"


def answer(cur, sql):
    try:
        n = cur.execute(sql)
        return [tuple(text(v) for v in row) for row in cur.fetchall()] or n
    except quell.pymysql.err.Error as e:
        return e.args[0]


def text(v):
    if isinstance(v, float):
        return f"{v:.10g}"
    return v if v is None or isinstance(v, bytes) else str(v)


def agree(sql, cause=""):
    got, want = (answer(c, sql) for c in cursors)
    if isinstance(got, list) and isinstance(want, list) and got != want:
        got, want = [r for r in got if r not in want] or got, [r for r in want if r not in got] or want
    assert got == want, f"--seed={SEED}: {cause}{sql}\nwanted {want}\ngot    {got}"


def test_setup():
    print(f"# --seed={SEED}")
    for s in sides:
        s.start()
        c = s.connect(charset="utf8mb4", autocommit=True)
        cursors.append(c.cursor())
    rows = ", ".join(f"({i}, {', '.join(stored(c) for c in TYPES)})" for i in range(60))
    for cur in cursors:
        cur.execute(MODE)
        cur.execute("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")
        cur.execute("CREATE DATABASE x COLLATE utf8mb4_general_ci")
        cur.execute("USE x")
        cur.execute("CREATE TABLE t (id INT PRIMARY KEY, " + ", ".join(f"{n} {k}" for n, k in TYPES.items()) + ")")
        cur.execute(f"INSERT INTO t VALUES {rows}")


def run(n):
    for _ in range(n):
        if rnd.random() < 0.15:
            sql = change()
            agree(sql)
            agree("SELECT id, e, s, b, w, y FROM t ORDER BY id", f"{sql}; ")
        else:
            agree(query())


def test_without_indexes():
    run(COUNT // 2)


def test_with_indexes():
    global indexed
    indexed = True
    for cur in cursors:
        cur.execute("ALTER TABLE t ADD KEY (e), ADD KEY (s), ADD KEY (b, e), ADD KEY (y, s), ADD KEY (w), ADD KEY (e, s)")
    run(COUNT // 2)


def close_all():
    for s in sides:
        s.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
