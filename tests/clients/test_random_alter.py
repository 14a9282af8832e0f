# SPDX-License-Identifier: Apache-2.0
"""Random ALTER TABLEs, CREATE and DROP INDEXes of random tables with rows, run here and on MariaDB: the same statements succeed and fail,
and afterwards columns, keys and rows are the same. What is known to differ is not generated (comments below). `--seed=N` repeats a run,
`--tables=N` makes it longer."""
import random
import sys

import quell
from harness import main

NUMBERS = ["SMALLINT", "INT", "BIGINT", "INT UNSIGNED", "DECIMAL(8,2)", "DECIMAL(12,4)", "DOUBLE"]
TEXTS = ["VARCHAR(8)", "VARCHAR(20)", "VARCHAR(100)", "CHAR(8)", "CHAR(12)"]
TIMES = ["DATE", "DATETIME", "DATETIME(3)"]
WORDS = ["", "a", "b", "Ab", "abc", "x y", "17", "2003-04-05", "-3", "0"]
NAMES = "abcdefgh"

server = quell.Server()
reference = quell.MariaDB()


def value(rnd, kind):
    if kind in NUMBERS:
        return str(rnd.choice([0, 1, 2, 3, 17, 120, 300, 9999]))
    if kind in TIMES:
        return "'" + rnd.choice(["2001-02-03", "2003-04-05", "1999-12-31"]) + "'"
    return "'" + rnd.choice(WORDS) + "'"


def column(rnd, name, kind=None):
    """Definition of a column. DATE and DATETIME that may not be NULL have a default: without one MariaDB and MySQL differ about 0000-00-00."""
    kind = kind or rnd.choice(NUMBERS + TEXTS + TIMES + ["TEXT"])
    text = f"{name} {kind}"
    not_null = rnd.random() < 0.4
    if not_null:
        text += " NOT NULL"
    if kind != "TEXT" and (rnd.random() < 0.4 or not_null and kind in TIMES):
        text += " DEFAULT " + value(rnd, kind)
    if rnd.random() < 0.1:
        text += " COMMENT 'about it'"
    return text


def key_columns(rnd, columns):
    """Up to three columns; TEXT by its beginning."""
    chosen = rnd.sample(sorted(columns), min(len(columns), rnd.choice([1, 1, 2, 3])))
    return "(" + ", ".join(f"{c}({rnd.choice([2, 5])})" if columns.get(c) == "text" else c for c in chosen) + ")"


class Table:
    """What the generator knows of the table as it is now: asked of the server under test."""

    def __init__(self, cur):
        cur.execute("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'alt' AND table_name = 't'")
        self.columns = dict(cur.fetchall())
        cur.execute("SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = 'alt' AND table_name = 't'")
        self.keys = [r[0] for r in cur.fetchall()]


def one_column(rnd, t):
    return rnd.choice(sorted(t.columns)) if rnd.random() < 0.95 else rnd.choice(NAMES)


def place(rnd, t):
    return rnd.choice(["", "", "", " FIRST", " AFTER " + one_column(rnd, t)])


def new_name(rnd, t):
    free = [n for n in NAMES if n not in t.columns]
    return rnd.choice(free) if free and rnd.random() < 0.95 else rnd.choice(NAMES)


def retype(rnd, t, name):
    """Another type for a column, one that its values have a chance to fit; no TEXT for key columns, which MariaDB shortens and MySQL refuses."""
    was = t.columns.get(name)
    if was in ("varchar", "char", "text"):
        return rnd.choice(TEXTS)
    if was in ("date", "datetime"):
        return rnd.choice(TIMES + ["VARCHAR(30)"])
    return rnd.choice(NUMBERS + ["VARCHAR(30)"])


def action(rnd, t):
    c = one_column(rnd, t)
    kind = rnd.choice(["add", "add", "drop", "modify", "modify", "change", "rename", "default", "no default", "key", "key", "unique", "drop key", "rename key", "primary",
                       "no primary", "comment", "engine", "force"])
    if kind == "add":
        return f"ADD {column(rnd, new_name(rnd, t))}{place(rnd, t)}"
    if kind == "drop":
        return f"DROP COLUMN {c}"
    if kind == "modify":
        return f"MODIFY {column(rnd, c, retype(rnd, t, c))}{place(rnd, t)}"
    if kind == "change":
        return f"CHANGE {c} {column(rnd, new_name(rnd, t), retype(rnd, t, c))}{place(rnd, t)}"
    if kind == "rename":
        return f"RENAME COLUMN {c} TO {new_name(rnd, t)}"
    if kind == "default" and c != "id" and t.columns.get(c) not in (None, "text"):
        family = "'" + rnd.choice(["7", "x"]) + "'" if "char" in t.columns[c] else "'2002-02-02'" if "date" in t.columns[c] else "7"
        return f"ALTER {c} SET DEFAULT {family}"
    if kind == "no default":
        return f"ALTER {c} DROP DEFAULT"
    if kind in ("key", "unique"):
        return f"ADD {'UNIQUE ' if kind == 'unique' else ''}KEY k{rnd.randint(1, 9)} {key_columns(rnd, t.columns)}"
    if kind == "primary":
        return f"ADD PRIMARY KEY ({rnd.choice(sorted(t.columns))})"
    keys = [k for k in t.keys if k != "PRIMARY"]
    if kind == "drop key" and keys:
        return f"DROP KEY {rnd.choice(keys)}"
    if kind == "rename key" and keys:
        return f"RENAME KEY {rnd.choice(keys)} TO k{rnd.randint(1, 9)}"
    if kind == "no primary":
        return "DROP PRIMARY KEY"
    if kind == "engine":
        return "ENGINE=InnoDB"
    if kind == "force":
        return "FORCE"
    return f"COMMENT = 'table {rnd.randint(1, 9)}'"


def statement(rnd, t):
    if rnd.random() < 0.1:
        return f"CREATE {rnd.choice(['', 'UNIQUE '])}INDEX k{rnd.randint(1, 9)} ON t {key_columns(rnd, t.columns)}"
    how = rnd.choice(["", "", "", "", ", ALGORITHM=COPY"])
    return "ALTER TABLE t " + ", ".join(action(rnd, t) for _ in range(rnd.choice([1, 1, 1, 2, 3]))) + how


def make_table(rnd):
    """Statements: a table with rows; every row has its own value in `id`."""
    names = rnd.sample(NAMES, rnd.randint(1, 5))
    defs = {n: rnd.choice(NUMBERS + TEXTS + TIMES + ["TEXT"]) for n in names}
    parts = [rnd.choice(["id INT NOT NULL", "id INT NOT NULL PRIMARY KEY", "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY"])]
    parts += [column(rnd, n, k) for n, k in defs.items()]
    parts += [f"KEY k{i} {key_columns(rnd, {n: 'text' if k == 'TEXT' else k for n, k in defs.items()})}" for i in range(rnd.randint(0, 2))]
    out = ["DROP TABLE IF EXISTS t", f"CREATE TABLE t ({', '.join(parts)}) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"]
    for i in range(1, rnd.choice([1, 4, 12, 40])):
        given = [(n, k) for n, k in defs.items() if rnd.random() < 0.9]
        cols, vals = ", ".join(["id"] + [n for n, _ in given]), ", ".join([str(i)] + [value(rnd, k) for _, k in given])
        out.append(f"INSERT IGNORE INTO t ({cols}) VALUES ({vals})")
    return out


def run(cur, sql):
    try:
        cur.execute(sql)
        return 0
    except Exception as e:  # noqa: BLE001 the number is what is compared
        return e.args[0]


def plain(row):
    return tuple(v.decode() if isinstance(v, bytes) else v for v in row)


def default(v):
    """MariaDB quotes defaults and writes NULL."""
    return None if v in (None, "NULL") else v.strip("'")


def image(cur):
    """Columns, keys and rows, in words that both servers have."""
    cur.execute("SELECT column_name, is_nullable, data_type, character_maximum_length, IF(data_type = 'decimal', numeric_precision, 0), IF(data_type = 'decimal', numeric_scale, 0), "
                "datetime_precision, column_key, column_comment, column_type LIKE '%unsigned%', column_default FROM information_schema.columns "
                "WHERE table_schema = 'alt' AND table_name = 't' ORDER BY ordinal_position")
    columns = [r[:-1] + (default(r[-1]),) for r in map(plain, cur.fetchall())]
    cur.execute("SELECT index_name, non_unique, seq_in_index, column_name, sub_part FROM information_schema.statistics WHERE table_schema = 'alt' AND table_name = 't' "
                "ORDER BY index_name, seq_in_index")
    keys = list(map(plain, cur.fetchall()))
    cur.execute("SELECT table_comment FROM information_schema.tables WHERE table_schema = 'alt' AND table_name = 't'")
    comment = plain(cur.fetchone())
    cur.execute("SELECT * FROM t")
    rows = sorted(map(repr, cur.fetchall()))
    return {"columns": columns, "keys": keys, "comment": comment, "rows": rows}


# Both refuse, with another number: of a default that does not fit, of a value that does not (of several faults any may be found first).
SAME = [{1067, 1101, 1060, 1068, 1054}, {1264, 1265, 1406, 1366, 1292, 1138, 1062}, {1071, 1170, 1089, 1068}, {1054, 1072, 1091, 1060, 1061}, {1068, 1091}, {1176, 1091}]


def same_outcome(a, b):
    return a == b or any(a in s and b in s for s in SAME)


def check_indexes(cur, history):
    cur.execute("CHECK TABLE t")
    found = cur.fetchall()
    assert [r[3] for r in found] == ["OK"], (found, history)


def check_table(rnd, ours, theirs):
    history = []
    done = failed = 0
    for sql in make_table(rnd):
        history.append(sql)
        a, b = run(ours, sql), run(theirs, sql)
        assert a == b, (a, b, history)
        if a:  # a key that is too long
            return done, failed
    for _ in range(8):
        sql = statement(rnd, Table(ours))
        a, b = run(ours, sql), run(theirs, sql)
        history.append(f"{sql}  -- {a}")
        if a == 1054 and a != b and " ALTER " in sql[12:]:  # ALTER c of a column that is redefined as well: MySQL finds none
            return done, failed
        if b == 1072 and "DROP COLUMN" in sql:  # MariaDB takes no column out of a unique key of several, MySQL does
            return done, failed
        assert same_outcome(a, b), f"{a} here, {b} there:\n" + ";\n".join(history)
        mine, other = image(ours), image(theirs)
        for what in mine:
            assert mine[what] == other[what], f"{what} differ:\n{mine[what]}\n{other[what]}\n" + ";\n".join(history)
        done += a == 0
        failed += a != 0
    check_indexes(ours, history)
    return done, failed


def option(name, otherwise):
    return next((int(a.split("=")[1]) for a in sys.argv if a.startswith(f"--{name}=")), otherwise)


def test_random_alter():
    seed, tables = option("seed", 20240607), option("tables", 20)
    cursors = []
    for s in (server, reference):
        cur = s.connect(autocommit=True).cursor()
        cur.execute("SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO'")
        cur.execute("CREATE DATABASE alt CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        cur.execute("USE alt")
        cursors.append(cur)
    total = [0, 0]
    for i in range(tables):
        try:
            done, failed = check_table(random.Random(seed + i), *cursors)
        except AssertionError as e:
            raise AssertionError(f"--seed={seed + i} --tables=1: {e}") from None
        total = [total[0] + done, total[1] + failed]
    print(f"# {total[0]} statements succeeded on both, {total[1]} failed on both")
    assert total[0] > total[1] > 0 or tables < 10


def close_all():
    server.__exit__(None, None, None)
    reference.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    reference.__enter__()
    main(globals())
