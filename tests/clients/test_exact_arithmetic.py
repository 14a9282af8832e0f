# SPDX-License-Identifier: Apache-2.0
"""DECIMAL arithmetic with its hidden digits, hexadecimal and bit literals as numbers, digit for digit as MariaDB computes them: random expressions, and DISTINCT, GROUP BY, ORDER BY,
and sums of quotients. Comparisons are left out: MariaDB rounds what it compares, MySQL does not."""
import random
import re
import sys

import quell
from harness import main

SEED = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--seed=")), 20261201)
COUNT = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--n=")), 2500)
rnd = random.Random(SEED)
MODE = "SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
sides = [quell.Server(), quell.MariaDB()]
cursors = []
COLUMNS = {"a": "DECIMAL(10,0)", "b": "DECIMAL(12,4)", "c": "DECIMAL(30,9)", "d": "DECIMAL(20,6)", "i": "INT", "u": "BIGINT UNSIGNED"}


def digits(n):
    return "".join(rnd.choice("0123456789") for _ in range(n))


def literal():
    whole, behind = rnd.choice([0, 1, 1, 2, 3, 5, 9, 10]), rnd.choice([0, 0, 1, 2, 4, 8, 9])
    text = str(int(digits(whole) or "0")) + ("." + digits(behind) if behind else "")
    return rnd.choice(["", "", "-"]) + text


def hex_literal():
    n = rnd.randint(1, 4)
    return rnd.choice([f"0x{digits(2 * n)}", f"0b{bin(rnd.randint(0, 300))[2:]}"])


def expression(depth, columns=False):
    """Quotients are of simple things: with more than 30 digits behind the point inside an expression Quell rounds, which the README of src/types lists."""
    if depth == 0 or rnd.random() < 0.15:
        r = rnd.random()
        if columns and r < 0.7:
            return rnd.choice(list(COLUMNS))
        return hex_literal() if r > 0.96 else literal() if r < 0.85 else str(rnd.randint(-20, 20))
    op = rnd.choice(["+", "-", "*", "/", "/", "/", "%", "DIV"])
    if op == "/":
        return f"(({expression(0, columns)} {rnd.choice(['+', '-'])} {expression(0, columns)}) / {expression(0, columns)})"
    return f"({expression(depth - 1, columns)} {op} {expression(depth - 1, columns)})"


def wrapped(e):
    e = f"({e} + 0)" if e[:2] in ("0x", "0b") else e
    return rnd.choice([e, e, e, f"ROUND({e}, {rnd.randint(-2, 8)})", f"TRUNCATE({e}, {rnd.randint(-2, 8)})", f"ABS({e})", f"FLOOR({e})", f"CONCAT({e})", f"CAST({e} AS DECIMAL(30,{rnd.randint(0, 12)}))",
                       f"CAST({e} AS CHAR)", f"IF({e} > 0, {e}, 0)", f"COALESCE({e}, 1.5)", f"GREATEST({e}, 1)"])


def answer(cur, sql):
    try:
        cur.execute(sql)
        return [tuple(None if v is None else re.sub(r"^-(0[.0]*)$", r"\1", str(v)) for v in row) for row in cur.fetchall()]  # MariaDB has a zero below zero
    except quell.pymysql.err.Error as e:
        return e.args[0]


def is_deep(rows):
    """More digits behind the point than MySQL's results have; MariaDB's have up to 38."""
    return isinstance(rows, list) and any(v is not None and re.search(r"\.\d{30}|E-", v) for row in rows for v in row)


def agree(sql):
    if sql.count(" / ") > 1:  # digits beyond the 30th
        return
    got, want = (answer(c, sql) for c in cursors)
    if is_deep(want):
        return
    assert got == want, f"--seed={SEED}: {sql}\nwanted {want}\ngot    {got}"


def test_setup():
    print(f"# --seed={SEED}")
    for s in sides:
        s.start()
        c = s.connect(charset="utf8mb4", autocommit=True)
        cursors.append(c.cursor())
    rows = ", ".join(f"({n}, {rnd.randint(-9, 9)}, {rnd.randint(-20, 20)}.{digits(4)}, {rnd.randint(-3, 3)}.{digits(9)}, {rnd.randint(-99, 99)}.{digits(6)}, {rnd.randint(-7, 7)}, {rnd.randint(0, 9)})" for n in range(40))
    for cur in cursors:
        cur.execute(MODE)
        cur.execute("CREATE DATABASE x")
        cur.execute("USE x")
        cur.execute("CREATE TABLE t (id INT PRIMARY KEY, " + ", ".join(f"{n} {k}" for n, k in COLUMNS.items()) + ")")
        cur.execute(f"INSERT INTO t VALUES {rows}")


def test_expressions():
    for _ in range(COUNT):
        agree(f"SELECT {wrapped(expression(rnd.randint(1, 3)))}")


def test_columns():
    for _ in range(COUNT // 5):
        agree(f"SELECT id, {wrapped(expression(rnd.randint(1, 2), True))} FROM t ORDER BY id")


def test_increments():
    try:
        for n in (0, 1, 5, 9, 17, 30):
            for cur in cursors:
                cur.execute(f"SET div_precision_increment = {n}")
            for _ in range(COUNT // 40):
                agree(f"SELECT {expression(2)}")
    finally:
        for cur in cursors:
            cur.execute("SET div_precision_increment = 4")


def quotient():
    return f"{rnd.choice(['a', 'i', 'u', 'b'])} / {rnd.choice(['3', '7', 'a', 'i', 'u', '1.5', '11'])}"


def test_hidden_digits():
    """They are not counted, not sorted by, and summed up with all."""
    for _ in range(COUNT // 12):
        q = quotient()
        agree(f"SELECT DISTINCT {q} AS q FROM t ORDER BY q")
        agree(f"SELECT {q} AS q, COUNT(*), MIN(id) FROM t GROUP BY q ORDER BY q")
        agree(f"SELECT id FROM t ORDER BY {q}, id")
        agree(f"SELECT id FROM t ORDER BY {q} DESC, id LIMIT 7")
        agree(f"SELECT COUNT(DISTINCT {q}), SUM({q}), AVG({q}), MIN({q}), MAX({q}) FROM t")
        agree(f"SELECT q, COUNT(*) FROM (SELECT {q} AS q FROM t) z GROUP BY q HAVING q > 0 ORDER BY q")


def close_all():
    for s in sides:
        s.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
