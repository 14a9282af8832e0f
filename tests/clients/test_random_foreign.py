# SPDX-License-Identifier: Apache-2.0
"""Random tables that refer to each other, with all actions, and random statements that change their rows, run here and on MariaDB: the same
statements succeed and fail, with the same error numbers and affected rows, and afterwards all rows are the same. Statements with several
rows say in which order, for errors and cascades depend on it. `--seed=N` repeats a run, `--schemas=N` makes it longer."""
import collections
import random
import sys

import quell
from harness import main

WORDS = ["a", "A", "b", "bb", "c", "cc", "dddddd"]
ACTIONS = ["", "CASCADE", "CASCADE", "SET NULL", "RESTRICT", "NO ACTION"]

server = quell.Server()
reference = quell.MariaDB()


class Table:
    """id; u and s, unique and perhaps referred to, also as a pair; w, which is not unique; columns that refer to others."""

    def __init__(self, name):
        self.name, self.keys, self.columns = name, [], {"id": "int", "u": "int", "s": "text", "w": "int", "v": "int"}


def key(rnd, t, n, parent):
    """A foreign key of t: (definition of its columns, the constraint)."""
    kind = rnd.choice(["id", "id", "u", "s", "us", "same", "w"])
    if t is parent and kind == "w":  # InnoDB does not see a row's own entry in a key that stands behind the foreign key's; unique ones never do
        kind = "u"
    on_delete, on_update = rnd.choice(ACTIONS), rnd.choice(ACTIONS)
    actions = (f" ON DELETE {on_delete}" if on_delete else "") + (f" ON UPDATE {on_update}" if on_update else "")
    if kind == "same" and t is not parent and "SET NULL" not in actions:
        return [], f"CONSTRAINT {t.name}_f{n} FOREIGN KEY (id) REFERENCES {parent.name} (id){actions}"
    if kind == "us":
        t.columns |= {f"p{n}": "int", f"q{n}": "text"}
        return [f"p{n} INT", f"q{n} VARCHAR(6)"], f"CONSTRAINT {t.name}_f{n} FOREIGN KEY (p{n}, q{n}) REFERENCES {parent.name} (u, s){actions}"
    if kind == "s":
        t.columns[f"p{n}"] = "text"
        return [f"p{n} VARCHAR({rnd.choice([3, 6])})"], f"CONSTRAINT {t.name}_f{n} FOREIGN KEY (p{n}) REFERENCES {parent.name} (s){actions}"
    t.columns[f"p{n}"] = "int"
    return [f"p{n} INT"], f"CONSTRAINT {t.name}_f{n} FOREIGN KEY (p{n}) REFERENCES {parent.name} ({kind if kind in 'uw' else 'id'}){actions}"


def schema(rnd):
    tables = [Table(f"t{i}") for i in range(rnd.randint(2, 5))]
    out = ["SET foreign_key_checks = 0", "DROP TABLE IF EXISTS t0, t1, t2, t3, t4"]
    for i, t in enumerate(tables):
        parts = ["id INT NOT NULL PRIMARY KEY", "u INT", "s VARCHAR(6)", "w INT", "v INT"]
        constraints = []
        for n in range(rnd.choice([0, 1, 1, 2, 3]) if i else rnd.choice([0, 0, 1])):
            columns, constraint = key(rnd, t, n, rnd.choice(tables if rnd.random() < 0.4 else tables[:i + 1]))
            parts += columns
            constraints.append(constraint)
        ints = [c for c, k in t.columns.items() if k == "int" and c.startswith("p")]
        if ints and rnd.random() < 0.3:
            parts.append(f"g INT AS ({ints[0]} + 1) VIRTUAL")
        # (InnoDB does not see a row's own entry in a key that stands behind the foreign key's: such a row may not refer to itself there.)
        if ints and rnd.random() < 0.15 and not any(f"REFERENCES {t.name} (" in c for c in constraints):
            constraints.append(f"UNIQUE KEY up ({ints[0]})")
        constraints += ["KEY (w, v)", "UNIQUE KEY (u)", "UNIQUE KEY (s)", "UNIQUE KEY (u, s)"]
        rnd.shuffle(constraints)
        out.append(f"CREATE TABLE {t.name} ({', '.join(parts + constraints)}) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    return tables, out + ["SET foreign_key_checks = 1"]


def value(rnd, kind, small=6):
    if rnd.random() < 0.15:
        return "NULL"
    return str(rnd.randint(1, small)) if kind == "int" else "'" + rnd.choice(WORDS) + "'"


def row(rnd, t):
    return "(" + ", ".join(str(rnd.randint(1, 8)) if c == "id" else value(rnd, k) for c, k in t.columns.items()) + ")"


def insert(rnd, t):
    rows = ", ".join(row(rnd, t) for _ in range(rnd.choice([1, 1, 1, 2, 4])))
    names = ", ".join(t.columns)
    kind = rnd.choice(["INSERT", "INSERT", "INSERT", "INSERT IGNORE", "REPLACE", "update", "select"])
    if kind == "select":
        return f"INSERT INTO {t.name} ({names}) SELECT id + {rnd.randint(1, 4)}, {', '.join('NULL' if c in ('u', 's') else c for c in list(t.columns)[1:])} FROM {t.name} ORDER BY id"
    if kind == "update":
        c, k = rnd.choice(list(t.columns.items()))
        return f"INSERT INTO {t.name} ({names}) VALUES {rows} ON DUPLICATE KEY UPDATE {c} = {value(rnd, k)}"
    return f"{kind} INTO {t.name} ({names}) VALUES {rows}"


def condition(rnd, t):
    c, k = rnd.choice(list(t.columns.items()))
    return rnd.choice(["", f"WHERE id = {rnd.randint(1, 8)}", f"WHERE id = {rnd.randint(1, 8)}", f"WHERE id > {rnd.randint(1, 8)}", f"WHERE {c} = {value(rnd, k)}",
                       f"WHERE {c} IS NULL"]) + f" ORDER BY id{rnd.choice(['', ' DESC'])}"


def update(rnd, t):
    sets = []
    for c, k in rnd.sample(list(t.columns.items()), rnd.choice([1, 1, 2])):
        sets.append(f"{c} = " + (rnd.choice([f"{c} + {rnd.choice([1, 10, -1])}", str(rnd.randint(1, 9))]) if k == "int" else value(rnd, k)))
    return f"UPDATE {rnd.choice(['', '', 'IGNORE '])}{t.name} SET {', '.join(sets)} {condition(rnd, t)}"


def delete(rnd, t):
    limit = f" LIMIT {rnd.randint(1, 3)}" if rnd.random() < 0.3 else ""
    return f"DELETE {rnd.choice(['', '', 'IGNORE '])}FROM {t.name} {condition(rnd, t)}{limit}"


def statement(rnd, tables):
    t = rnd.choice(tables)
    r = rnd.random()
    if r < 0.04:
        return rnd.choice(["BEGIN", "COMMIT", "ROLLBACK"])
    return insert(rnd, t) if r < 0.55 else update(rnd, t) if r < 0.8 else delete(rnd, t)


def statements(rnd, tables, n):
    """Now and then a change that asks no foreign key, and is taken back: rows without parents are looked at anew by InnoDB whenever
    another column of the index changes, here only when their own do."""
    for _ in range(n):
        if rnd.random() < 0.03:
            yield from ["ROLLBACK", "BEGIN", "SET foreign_key_checks = 0", statement(rnd, tables), "SET foreign_key_checks = 1", "ROLLBACK"]
        yield statement(rnd, tables)


def run(cur, sql):
    """(error number or 0, affected rows)."""
    try:
        return 0, cur.execute(sql)
    except Exception as e:  # noqa: whatever the driver says
        return e.args[0], 0


def contents(cur, tables):
    out = {}
    for t in tables:
        cur.execute(f"SELECT * FROM {t.name} ORDER BY id")
        out[t.name] = cur.fetchall()
    return out


def one_schema(seed, n):
    rnd = random.Random(seed)
    tables, setup = schema(rnd)
    here, there = server.connect(database="fkr", autocommit=True), reference.connect(database="fkr", autocommit=True)
    a, b = here.cursor(), there.cursor()
    done = list(setup)
    for sql in setup:
        x, y = run(a, sql), run(b, sql)
        assert x[0] == y[0] == 0 or "FOREIGN" not in sql, f"seed {seed}: {sql}: {x}, MariaDB {y}"
        if x[0] != y[0] or x[0]:
            raise AssertionError(f"seed {seed}: {sql}: {x}, MariaDB {y}")
    seen = collections.Counter()
    for sql in statements(rnd, tables, n):
        done.append(sql)
        x, y = run(a, sql), run(b, sql)
        p, q = contents(a, tables), contents(b, tables)
        if x != y or p != q:
            raise AssertionError(f"seed {seed}, MariaDB: {y}, here: {x}\n" + ";\n".join(done) + f"\nhere:    {p}\nMariaDB: {q}")
        seen[x[0]] += 1
    here.close()
    there.close()
    return seen


def test_random_statements():
    args = dict(a[2:].split("=") for a in sys.argv if a.startswith("--") and "=" in a)
    server.start()
    reference.start()
    for s in (server, reference):
        with s.connect() as c:
            if s is server:
                c.cursor().execute("SET GLOBAL restrict_fk_on_non_standard_key = OFF")
            c.cursor().execute("CREATE DATABASE fkr CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    first, seen = int(args.get("seed", 1)), collections.Counter()
    for seed in range(first, first + int(args.get("schemas", 25))):
        seen += one_schema(seed, 120)
    print(f"# outcomes: {dict(seen)}")
    assert seen[0] and seen[1451] and seen[1452], seen


def close_all():
    server.stop()
    server.remove()
    reference.stop()
    reference.remove()


if __name__ == "__main__":
    main(globals())
