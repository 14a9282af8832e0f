# SPDX-License-Identifier: Apache-2.0
"""Values that are known before the first row is read: conditions with them give what they give row by row (debug_plain_plans), and use indexes. Numbers of
every kind against columns of every kind, near the borders of both; user variables, NOW(), functions of constants; parameters as drivers send them."""
import random
import sys

import pymysql
import quell
from harness import main

SEED = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--seed=")), random.randrange(1 << 30))
rnd = random.Random(SEED)
server = quell.Server()
server.start()
c = server.connect()
cur = c.cursor()

COLUMNS = {"ti": ("TINYINT", -128, 127, 0), "i": ("INT", -2**31, 2**31 - 1, 0), "b": ("BIGINT", -2**63, 2**63 - 1, 0), "ub": ("BIGINT UNSIGNED", 0, 2**64 - 1, 0),
           "ui": ("INT UNSIGNED", 0, 2**32 - 1, 0), "d": ("DECIMAL(10,2)", -10**8 + 1, 10**8 - 1, 2), "dl": ("DECIMAL(30,10)", -10**20 + 1, 10**20 - 1, 10), "d0": ("DECIMAL(5,0)", -99999, 99999, 0),
           "f": ("DOUBLE", -10**9, 10**9, 3)}
EDGES = [0, 1, -1, 127, 128, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64]


def near():
    n = rnd.choice(EDGES) * rnd.choice([1, -1]) + rnd.randint(-2, 2) if rnd.random() < 0.5 else rnd.randint(-130, 130)
    return n, rnd.choice(["", "", ".0", ".5", ".01", ".005", ".99999999999", ".1"])


def number():
    n, fraction = near()
    text = f"{n}{fraction}"
    return rnd.choice([text, text, text + "e0", f"'{text}'", f"'{text}e0'", f"{n}e-1", f"({text} + 0)", f"CAST({text} AS DECIMAL(40,12))", f"ABS({text})", "@n", "NULL"])


def literal(column):
    kind, least, most, scale = COLUMNS[column]
    if rnd.random() < 0.15:
        return "NULL"
    n = min(max(near()[0], least), most)
    return f"{n}" + (f".{rnd.randint(0, 10**scale - 1):0{scale}}" if scale and abs(n) < min(abs(least), most) and rnd.random() < 0.6 else "")


def condition():
    column = rnd.choice(list(COLUMNS))
    r = rnd.random()
    if r < 0.2:
        return f"{column} {rnd.choice(['', '', 'NOT '])}IN ({', '.join(number() for _ in range(rnd.randint(1, 4)))})"
    if r < 0.3:
        return f"{column} {rnd.choice(['', 'NOT '])}BETWEEN {number()} AND {number()}"
    text = f"{column} {rnd.choice(['=', '=', '<', '<=', '>', '>=', '<>', '<=>'])} {number()}" if rnd.random() < 0.8 else f"{number()} {rnd.choice(['=', '<', '>='])} {column}"
    return rnd.choice([text, text, f"NOT ({text})", f"({text}) IS NULL", f"({text} OR {column} IS NULL)", f"(@n IS NULL OR {text})"])


def rows(sql):
    try:
        cur.execute(sql)
        return sorted(cur.fetchall(), key=repr)
    except quell.pymysql.err.Error as e:
        return e.args[0]


def plain(sql):
    cur.execute("SET debug_plain_plans = ON")
    got = rows(sql)
    cur.execute("SET debug_plain_plans = OFF")
    return got


def key_used(condition, table="n"):
    cur.execute(f"EXPLAIN SELECT id FROM {table} WHERE {condition}")
    r = cur.fetchall()[0]
    return r[4]


def test_setup():
    cur.execute("CREATE DATABASE d")
    cur.execute("USE d")
    cur.execute("CREATE TABLE t (id INT PRIMARY KEY, " + ", ".join(f"{n} {k[0]}, KEY ({n})" for n, k in COLUMNS.items()) + ")")
    print(f"# --seed={SEED}")
    for i in range(300):
        cur.execute(f"INSERT INTO t VALUES ({i}, {', '.join(literal(n) for n in COLUMNS)})")
    cur.execute("CREATE TABLE n (id INT PRIMARY KEY, a INT, p DECIMAL(10,2), day DATE, at DATETIME, s VARCHAR(20), KEY (a), KEY (p), KEY (day), KEY (at), KEY (s))")
    for k in range(5):
        cur.execute("INSERT INTO n VALUES " + ", ".join(f"({i}, {i}, {i} / 4, '2020-01-01' + INTERVAL {i} DAY, '2020-01-01' + INTERVAL {i} HOUR, 's{i}')" for i in range(k * 1000, k * 1000 + 1000)))


def test_numbers():
    for _ in range(1500):
        try:
            cur.execute(f"SET @n = {rnd.choice([number(), number(), 'NULL']).replace('@n', '7')}")
        except pymysql.err.OperationalError as e:  # ABS of the least BIGINT
            assert e.args[0] == 1690, e
        where = condition() if rnd.random() < 0.6 else f"{condition()} {rnd.choice(['AND', 'OR'])} {condition()}"
        sql = f"SELECT id FROM t WHERE {where}"
        want, got = plain(sql), rows(sql)
        assert got == want, f"--seed={SEED}: {sql}\nwanted {want}\ngot    {got}"


def test_outer_joins():
    for _ in range(300):
        cur.execute(f"SET @n = {rnd.randint(-9, 99)}")
        where = condition()
        sql = f"SELECT a.x, t.id FROM (SELECT id AS x FROM t WHERE id < 9) a LEFT JOIN t ON t.id = a.x AND {where}"
        want, got = plain(sql), rows(sql)
        assert got == want, f"--seed={SEED}: {sql}\nwanted {want}\ngot    {got}"


def test_joined_columns():
    """Of every two kinds; by look-ups where one is a key."""
    for x in COLUMNS:
        for y in COLUMNS:
            sql = f"SELECT /*+ JOIN_FIXED_ORDER() NO_HASH_JOIN(x, y) */ x.id, y.id FROM t x JOIN t y ON x.{x} = y.{y}"
            want, got = plain(sql), rows(sql)
            assert got == want, f"--seed={SEED}: {sql}\nwanted {want}\ngot    {got}"
    cur.execute("EXPLAIN SELECT * FROM t x STRAIGHT_JOIN t y FORCE INDEX (ub) ON x.i = y.ub")
    assert [r[4] for r in cur.fetchall()] == ["ALL", "ref"]


def test_indexes_are_used():
    cur.execute("SET @a = 4990, @day = '2033-08-28'")
    for where in ("a = 4990e0", "a > 4990e0", "a = 0x137E", "a IN (x'137E', 5)", "a > b'1001101111110'", "a > 4990.5", "a IN (1e0, 2e0)", "a BETWEEN 4990e0 AND 4999e0", "p = '99.5'", "p > 1247.123", "p = 99.5e0", "a > @a", "a > @a + 1", "a > ABS(-4990)",
                  "a IN (@a, @a + 1)", "(@a IS NULL OR a = @a)", "a > COALESCE(NULL, 4990)", "day > @day", "day > '2033-09-05' - INTERVAL 9 DAY", "at > '2020-07-27' + INTERVAL 5 HOUR",
                  "day > DATE('2033-08-28 10:00:00')", "s = CONCAT('s', '77')", "id = LAST_INSERT_ID()", "a > 49900 / 10", "day > CAST(@day AS DATE)"):
        assert key_used(where) in ("ref", "range", "const", "eq_ref"), (where, key_used(where))
    for where in ("a = 4990.5", "a > 1e300 AND a < 0", "p = 0.001"):
        assert rows(f"SELECT id FROM n WHERE {where}") == []


def test_now():
    cur.execute("UPDATE n SET at = NOW() - INTERVAL id HOUR")
    assert key_used("at >= NOW() - INTERVAL 1 DAY") == "range"
    assert len(rows("SELECT id FROM n WHERE at > NOW() - INTERVAL 1 DAY")) in (24, 25)  # a second may pass between
    assert rows("SELECT COUNT(*) FROM n WHERE day >= CURDATE() + INTERVAL 100 YEAR") == [(0,)]


def test_what_warns_or_fails_is_left_alone():
    assert rows("SELECT COUNT(*) FROM t WHERE id < 0 AND i > 9223372036854775807 + 1") == plain("SELECT COUNT(*) FROM t WHERE id < 0 AND i > 9223372036854775807 + 1")
    assert rows("SELECT COUNT(*) FROM t WHERE i > 9223372036854775807 + 1") == 1690
    cur.execute("SELECT COUNT(*) FROM t WHERE i > CAST('9x' AS SIGNED)")
    cur.execute("SHOW WARNINGS")
    assert [w[1] for w in cur.fetchall()] == [1292]
    cur.execute("SELECT COUNT(*) FROM t WHERE i = 1 / 0")
    assert cur.fetchall() == ((0,),)


def test_assigned_variables_are_no_constants():
    cur.execute("SET @k = 0")
    cur.execute("SELECT COUNT(*) FROM n WHERE a < 100 AND (@k := @k + 1) AND a >= @k - 1")
    assert cur.fetchall() == ((100,),)


def test_prepared():
    """As drivers send them: numbers as doubles and texts."""
    cur.execute("PREPARE p FROM 'SELECT COUNT(*) FROM n WHERE a = ? OR p = ?'")
    cur.execute("SET @x = 77e0, @y = '99.5'")
    cur.execute("EXECUTE p USING @x, @y")
    assert cur.fetchall() == ((2,),)


def close_all():
    c.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
