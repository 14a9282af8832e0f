# SPDX-License-Identifier: Apache-2.0
"""Functions and operators with values at the ends of their ranges, at random and nested: whatever the answer is, the server (with its
sanitizers) goes on, and every error is one with a number of its own. `--seed=N`, `--statements=N` repeat or lengthen a run."""
import pathlib
import random
import re
import sys

import pymysql

import quell
from harness import main

server = quell.Server()
DEFS = (pathlib.Path(__file__).resolve().parents[2] / "src/resolve/functions.def").read_text()
FUNCTIONS = [(name, int(low), int(high)) for name, low, high in re.findall(r'QL_FUNC\(\w+, "(\w+)", (\d+), (\d+)', DEFS)
             if name not in ("SLEEP", "BENCHMARK", "GET_LOCK", "RELEASE_LOCK", "RELEASE_ALL_LOCKS")]
VALUES = """-9223372036854775808 9223372036854775807 18446744073709551615 -9223372036854775807 1 -1 0 2 -2 10 36 37 -36 63 64 65 400 -400
    2147483647 -2147483648 4294967295 NULL 1.5 -1.5 99999999999999999999999999999999999999999999999999999999999999999
    -99999999999999999999999999999999999.999999999999999999999999999999 0.000000000000000000000000000001 1e308 -1e308 1e19 -1e19 1e-300
    'abc' '' '-9223372036854775808' '18446744073709551616' '9999-12-31' '0000-00-00' '2024-02-29' '838:59:59' '-838:59:59.999999'
    DATE'2024-02-29' DATE'9999-12-31' TIMESTAMP'9999-12-31T23:59:59.999999' TIME'838:59:59' TIME'-838:59:59' 0x7FFFFFFFFFFFFFFF 0xFF
    '%Y-%m-%d' 99991231 255 256 3652424 3652425 999999""".split()
UNITS = "MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR DAY_MICROSECOND HOUR_SECOND YEAR_MONTH DAY_HOUR MINUTE_SECOND".split()
OPERATORS = "+ - * / DIV % | & ^ << >> = <> < <= > >= <=> XOR AND OR".split()
TYPES = ["SIGNED", "UNSIGNED", "DECIMAL(65,30)", "DECIMAL(5,2)", "CHAR(5)", "BINARY(4)", "DATE", "TIME(6)", "DATETIME", "DATETIME(6)", "DOUBLE"]


def operand(rnd, depth):
    return expression(rnd, depth + 1) if depth < 2 and rnd.random() < 0.2 else rnd.choice(VALUES)


def expression(rnd, depth=0):
    def v():
        return operand(rnd, depth)
    kind = rnd.random()
    if kind < 0.62:
        name, low, high = rnd.choice(FUNCTIONS)
        if name in ("TIMESTAMPADD", "TIMESTAMPDIFF"):
            return f"{name}({rnd.choice(UNITS[:9])}, {v()}, {v()})"
        n = rnd.randint(low, low + 2 if high == 255 else min(high, low + 3))
        return f"{name}({', '.join(v() for _ in range(n))})"
    if kind < 0.74:
        return f"({v()} {rnd.choice(OPERATORS)} {v()})"
    if kind < 0.82:
        return f"CAST({v()} AS {rnd.choice(TYPES)})"
    if kind < 0.88:
        return f"DATE_{rnd.choice(['ADD', 'SUB'])}({v()}, INTERVAL {v()} {rnd.choice(UNITS)})"
    if kind < 0.91:
        return f"EXTRACT({rnd.choice(UNITS)} FROM {v()})"
    if kind < 0.94:
        return f"({v()} BETWEEN {v()} AND {v()})"
    if kind < 0.97:
        return f"({v()} IN ({v()}, {v()}))"
    return f"{rnd.choice(['-', '~', 'NOT ', '!'])}({v()})"


def option(name, otherwise):
    return next((int(a.split("=")[1]) for a in sys.argv if a.startswith(f"--{name}=")), otherwise)


def test_random_expressions():
    seed = option("seed", random.randrange(1 << 30))
    rnd = random.Random(seed)
    with server.connect(use_unicode=False) as c, c.cursor() as cur:
        c.decoders = {}  # answers stay bytes
        for _ in range(option("statements", 3000)):
            sql = "SELECT " + expression(rnd)
            try:
                cur.execute(sql)
            except pymysql.MySQLError as e:
                assert e.args[0] not in (2006, 2013, 1105), f"--seed={seed}: {sql}: {e}\n{server.log_text()[-3000:]}"


# manual, "String Functions", "Mathematical Functions"; arithmetic
EXACT = [
    ("SUBSTRING('abc', -9223372036854775808)", ""),
    ("SUBSTRING('abc', 9223372036854775807, 9223372036854775807)", ""),
    ("SUBSTRING('abc', 2, 18446744073709551615)", "bc"),
    ("LEFT('abc', 18446744073709551615)", "abc"),
    ("RIGHT('abc', -9223372036854775808)", ""),
    ("INSERT('abc', -9223372036854775808, 1, 'x')", "abc"),
    ("LOCATE('c', 'abc', -9223372036854775808)", 0),
    ("SUBSTRING_INDEX('a.b.c', '.', -9223372036854775808)", "a.b.c"),
    ("SUBSTRING_INDEX('a.b.c', '.', 9223372036854775807)", "a.b.c"),
    ("CONV('1', -9223372036854775808, 10)", None),
    ("CONV('1', 10, 9223372036854775807)", None),
    ("CONV('-9223372036854775808', -10, -10)", "-9223372036854775808"),
    ("CONV('18446744073709551615', 10, -10)", "-1"),
    ("ROUND(123456, -9223372036854775808)", 0),
    ("TRUNCATE(123456, -9223372036854775808)", 0),
    ("TRUNCATE(-9223372036854775808, -1)", -9223372036854775800),
    ("TRUNCATE(123456, 18446744073709551615)", 123456),
    ("-9223372036854775808 % -1", 0),
    ("-9223372036854775808 + 0", -9223372036854775808),
    ("ELT(-9223372036854775808, 'a')", None),
    ("REPEAT('a', -9223372036854775808)", ""),
    ("SIGN(-9223372036854775808)", -1),
    ("1 << 18446744073709551615", 0),
]


def test_exact_values():
    with server.connect() as c, c.cursor() as cur:
        for sql, want in EXACT:
            cur.execute("SELECT " + sql)
            got = cur.fetchone()[0]
            assert got == want, (sql, got, want)


def test_out_of_range():
    with server.connect() as c, c.cursor() as cur:
        for sql in ("ABS(-9223372036854775808)", "-9223372036854775808 DIV -1", "-(-9223372036854775808)", "9223372036854775807 + 1",
                    "-9223372036854775808 - 1", "18446744073709551615 * 2", "ROUND(9223372036854775807, -1)"):
            try:
                cur.execute("SELECT " + sql)
                raise AssertionError((sql, cur.fetchall()))
            except pymysql.MySQLError as e:
                assert e.args[0] == 1690, (sql, e)


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    main(globals())
