# SPDX-License-Identifier: Apache-2.0
"""Conditions on the database and the table of information_schema's views reach the views, through joins of all kinds, too; that must not change a
result. Random joins give the same rows as with the names hidden in an expression, where no condition reaches a view.

    QUELL_SEED=7 QUELL_QUERIES=2000 tests/clients/test_view_filters.py"""
import os
import random

import quell
from harness import main

SEED, QUERIES = int(os.environ.get("QUELL_SEED", "1")), int(os.environ.get("QUELL_QUERIES", "150"))
VIEWS = {"TABLES": ["TABLE_SCHEMA", "TABLE_NAME"], "COLUMNS": ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"],
         "STATISTICS": ["TABLE_SCHEMA", "TABLE_NAME", "INDEX_NAME", "INDEX_SCHEMA"]}
VALUES = ["'d'", "'e'", "'t'"]
ODD_VALUES = VALUES + ["'T'", "'u'", "'D'", "'t '", "'t' COLLATE utf8mb4_general_ci", "DATABASE()", "CONCAT('d', '')", "NULL"]

server = quell.Server()
server.start()
db = server.connect()
cur = db.cursor()
for d in ("d", "e"):
    cur.execute(f"CREATE DATABASE {d}")
    for t in ("t", "T", "u"):
        cur.execute(f"CREATE TABLE {d}.{t} (t INT, u INT, d INT PRIMARY KEY, KEY (t))")
cur.execute("USE d")


class Query:
    """Views under aliases, joined; conditions are pairs of a column and a column or value."""

    def __init__(self, r):
        self.r = r
        self.sources = [(alias, r.choice(list(VIEWS))) for alias in "abcf"[:r.randint(2, 4)]]
        n = range(1, len(self.sources))
        self.joins = [(r.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN")), [self.condition(i + 1) for _ in range(r.randint(1, 2))]) for i in n]
        self.where = [self.condition(len(self.sources)) for _ in range(r.randint(1, 3))]

    def column(self, i):
        alias, view = self.sources[i]
        return f"{alias}.{self.r.choice(VIEWS[view])}"

    def condition(self, n):
        i, j = self.r.sample(range(n), 2)
        if self.r.random() < 0.4:
            return self.column(i), self.r.choice(VALUES if self.r.random() < 0.6 else ODD_VALUES), False
        return self.column(i), self.column(j), True

    def text(self, hidden):
        def side(c):
            return f"CONCAT({c}, '')" if hidden else c

        def all_of(conditions):
            return " AND ".join(f"{side(left)} = {side(right) if is_column else right}" for left, right, is_column in conditions)
        columns = ", ".join(f"{alias}.{c}" for alias, view in self.sources for c in VIEWS[view])
        text = f"SELECT {columns} FROM information_schema.{self.sources[0][1]} a"
        for (alias, view), (how, on) in zip(self.sources[1:], self.joins):
            text += f" {how} information_schema.{view} {alias} ON {all_of(on)}"
        return f"{text} WHERE {all_of(self.where)}"


def rows(sql):
    cur.execute(sql)
    return sorted(map(repr, cur.fetchall()))


def test_filters_change_no_result():
    r, with_rows = random.Random(SEED), 0
    for n in range(QUERIES):
        q = Query(r)
        seen, told = rows(q.text(False)), rows(q.text(True))
        assert seen == told, (n, len(seen), len(told), q.text(False))
        with_rows += bool(told)
    assert with_rows >= QUERIES // 40, with_rows


def test_conditions_of_outer_joins():
    """What ON says of two tables of the side that is kept is no condition on it."""
    def joined(h):
        return [f"SELECT a.TABLE_NAME, b.INDEX_NAME, c.COLUMN_NAME FROM information_schema.TABLES a JOIN information_schema.STATISTICS b ON a.TABLE_NAME = b.TABLE_NAME "
                f"LEFT JOIN information_schema.COLUMNS c ON {h('b.TABLE_SCHEMA')} = {h('a.TABLE_NAME')} WHERE b.TABLE_SCHEMA = 'd'",
                f"SELECT a.TABLE_SCHEMA, b.TABLE_NAME FROM information_schema.TABLES a RIGHT JOIN information_schema.TABLES b ON {h('a.TABLE_NAME')} = {h('b.TABLE_NAME')} "
                f"AND a.TABLE_NAME = 't' WHERE b.TABLE_SCHEMA = 'd'",
                f"SELECT a.TABLE_NAME, c.COLUMN_NAME FROM information_schema.TABLES a LEFT JOIN information_schema.COLUMNS c ON {h('c.TABLE_NAME')} = {h('a.TABLE_NAME')} "
                f"AND {h('c.TABLE_SCHEMA')} = {h('a.TABLE_SCHEMA')} WHERE a.TABLE_SCHEMA = 'd' AND a.TABLE_NAME = 'u'",
                f"SELECT a.TABLE_NAME, c.COLUMN_NAME FROM information_schema.TABLES a LEFT JOIN information_schema.COLUMNS c ON {h('c.TABLE_NAME')} = {h('a.TABLE_NAME')} "
                f"AND c.TABLE_SCHEMA = 'e' WHERE a.TABLE_SCHEMA = 'd'"]
    for seen, told in zip(joined(lambda c: c), joined(lambda c: f"CONCAT({c}, '')")):
        assert rows(seen) == rows(told) and rows(seen), seen


def close_all():
    db.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
