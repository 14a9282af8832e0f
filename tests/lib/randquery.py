# SPDX-License-Identifier: Apache-2.0
"""Random SELECT statements over small random tables, as trees that can be made smaller: what a wrong result is reported with is the
smallest statement that still shows it. Only constructs that MySQL and MariaDB take and mean the same by; only results that do not depend on
which rows a LIMIT happens to take (or the caller compares less)."""
import re

class Tree:
    """parts: texts and trees, written one after the other. same: trees that may stand in its place. droppable: it may be left out."""

    def __init__(self, *parts, same=(), droppable=False):
        self.parts, self.same, self.droppable, self.gone = list(parts), list(same), droppable, False

    def __str__(self):
        return "" if self.gone else "".join(str(p) for p in self.parts)

    def children(self):
        return [p for p in self.parts if isinstance(p, Tree)]


class List(Tree):
    """Items with a separator between, a text before and after; nothing at all when there is none. At least `least` remain."""

    def __init__(self, prefix, sep, items, suffix="", least=0):
        super().__init__()
        self.prefix, self.sep, self.items, self.suffix, self.least = prefix, sep, list(items), suffix, least

    def __str__(self):
        return self.prefix + self.sep.join(str(i) for i in self.items) + self.suffix if self.items else ""

    def children(self):
        return [i for i in self.items if isinstance(i, Tree)]


def smaller(tree, fails):
    """Takes away from tree what can go while fails(text) stays true."""
    progress = True
    while progress:
        progress = False
        todo = [tree]
        while todo:
            t = todo.pop()
            if t.gone:
                continue
            if t.droppable:
                t.gone = True
                if fails(str(tree)):
                    progress = True
                    continue
                t.gone = False
            for s in t.same:
                kept, t.parts = t.parts, [s]
                if fails(str(tree)):
                    t.same, progress = [], True
                    break
                t.parts = kept
            if isinstance(t, List):
                i = 0
                while i < len(t.items) and len(t.items) > t.least:
                    kept = t.items.pop(i)
                    if fails(str(tree)):
                        progress = True
                    else:
                        t.items.insert(i, kept)
                        i += 1
            todo += t.children()
    return tree


class Table:
    """columns: name -> "int", "text" or "date"."""

    def __init__(self, name, columns):
        self.name, self.columns, self.keys, self.definition, self.rows = name, columns, [], "", []
        self.key_columns = []  # of each key


DATES = ["2024-01-01", "2024-01-02", "2024-02-29", "2025-01-01"]
WORDS = ["a", "A", "ab", "b", "abc", "c", "ca", ""]


def value(rnd, kind, nulls=0.0, span=6):
    """Of a small set, so that there are duplicates; span: the largest number."""
    if rnd.random() < nulls:
        return None
    return rnd.randint(-1, span) if kind == "int" else rnd.choice(WORDS if kind == "text" else DATES)


def literal(v):
    return "NULL" if v is None else str(v) if isinstance(v, int) else f"'{v}'"


def make_table(rnd, name, most=40, span=6):
    t = Table(name, {"id": "int", "a": "int", "b": "int", "c": "int", "s": "text", "d": "date"})
    nullable = {c: c != "id" and rnd.random() < 0.7 for c in t.columns}
    unique, keys = [], []
    kind = rnd.random()
    if kind < 0.7:
        primary = ["id"]
    elif kind < 0.9:
        primary = [rnd.choice("abc"), "id"]
    else:
        primary = []
    for c in primary:
        nullable[c] = False
    if primary:
        keys.append(f"PRIMARY KEY ({', '.join(primary)})")
        t.key_columns.append(primary)
        t.keys.append("PRIMARY")
        unique.append(primary)
    for n in range(rnd.choice([0, 1, 2, 2, 3, 4])):
        columns = rnd.sample(list(t.columns)[1:], rnd.choice([1, 1, 2, 2, 3]))
        once = rnd.random() < 0.2
        if once:
            unique.append(columns)
        texts = [c + ("(2)" if c == "s" and not once and rnd.random() < 0.2 else "") + (" DESC" if rnd.random() < 0.15 else "") for c in columns]
        keys.append(f"{'UNIQUE ' if once else ''}KEY k{n} ({', '.join(texts)})")
        t.keys.append(f"k{n}")
        t.key_columns.append(columns)
    types = {"int": "INT", "text": "VARCHAR(6) COLLATE " + rnd.choice(["utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_general_ci"]), "date": "DATE"}
    columns = [f"{c} {types[k]}{'' if nullable[c] else ' NOT NULL'}" for c, k in t.columns.items()]
    t.definition = f"CREATE TABLE {name} ({', '.join(columns + keys)}) ENGINE=InnoDB CHARACTER SET utf8mb4"
    seen = [set() for _ in unique]
    nulls = rnd.choice([0.1, 0.4])
    for i in range(1, rnd.choice([0, 1, most // 4, most, most, most]) + 1):
        row = {c: value(rnd, k, nulls if nullable[c] else 0, span) for c, k in t.columns.items()}
        row["id"] = i
        keys_of = [tuple(row[c].lower() if isinstance(row[c], str) else row[c] for c in u) for u in unique]
        if any(None not in k and k in s for k, s in zip(keys_of, seen)):
            continue
        for k, s in zip(keys_of, seen):
            s.add(k)
        t.rows.append(tuple(row.values()))
    return t


class Maker:
    """Makes statements over tables. A scope is a list of (name, {column: kind}, table or None)."""

    def __init__(self, rnd, tables, span=6):
        self.rnd, self.tables, self.span, self.n, self.budget, self.negated = rnd, tables, span, 0, 0, 0

    def maybe(self, p):
        return self.rnd.random() < p

    def literal(self, kind, nulls=0.0):
        return literal(value(self.rnd, kind, nulls, self.span))

    def name(self):
        self.n += 1
        return f"x{self.n}"

    # ---- expressions ----
    def column(self, scope, kind=None):
        found = [(f"{n}.{c}", k) for n, columns, _ in scope for c, k in columns.items() if kind is None or k == kind]
        return self.rnd.choice(found) if found else None

    def scalar(self, scope, kind):
        """An expression of that kind."""
        r = self.rnd.random()
        c = self.column(scope, kind)
        if c is None or r < 0.12:
            return Tree(self.literal(kind))
        col = Tree(c[0])
        if kind == "int" and r < 0.22:
            return Tree(f"{c[0]} {self.rnd.choice('+-')} ", Tree(str(self.rnd.randint(0, 3))), same=[col])
        if r < 0.27:
            return Tree("COALESCE(", col, ", ", Tree(self.literal(kind)), ")", same=[col])
        if kind == "int" and r < 0.30:
            other = self.column(scope, "int")
            return Tree(f"CASE WHEN {other[0]} IS NULL THEN {c[0]} ELSE {other[0]} END", same=[col])
        return col

    def constants(self, kind, low, high):
        return List("(", ", ", [Tree(self.literal(kind, 0.05)) for _ in range(self.rnd.randint(low, high))], ")", least=1)

    def simple(self, scope):
        """A condition on one column, or a comparison of two."""
        col, kind = self.column(scope)
        r = self.rnd.random()
        if r < 0.3:
            op = self.rnd.choice(["=", "=", "=", "<", ">", "<=", ">=", "<>", "<=>"])
            return Tree(f"{col} {op} ", self.scalar(scope, kind))
        if r < 0.5:
            return Tree(f"{col} {self.rnd.choice(['=', '=', '<', '>=', '<>', '<=>'])} {self.literal(kind)}")
        if r < 0.6:
            return Tree(f"{col} {self.rnd.choice(['IN', 'IN', 'NOT IN'])} ", self.constants(kind, 1, 5))
        if r < 0.68:
            return Tree(f"{col} {self.rnd.choice(['BETWEEN', 'NOT BETWEEN'])} {self.literal(kind)} AND {self.literal(kind)}")
        if r < 0.76:
            return Tree(f"{col} IS {self.rnd.choice(['NULL', 'NOT NULL'])}")
        if r < 0.82:
            t = self.column(scope, "text")
            if t:
                return Tree(f"{t[0]} {self.rnd.choice(['LIKE', 'LIKE', 'NOT LIKE'])} '{self.rnd.choice(['a%', 'A%', 'ab%', 'c_', '%b', '%', 'a', 'a_%'])}'")
        if r < 0.92 and (len(scope) == 1 or not self.negated):
            return self.row_condition(scope)
        return Tree(f"{col} = ", self.scalar(scope, kind))

    def row_condition(self, scope):
        """Over columns of one table. (MariaDB mistakes comparisons of rows over several, or negated ones, for what NULLs of outer joins never satisfy.)"""
        one = self.rnd.choice(scope)
        n = self.rnd.choice([2, 2, 3])
        columns = [self.column([one], self.rnd.choice(["int", "int", "int", "date"])) for _ in range(n)]
        if None in columns or one[2] is None or one[2].definition.startswith("CREATE VIEW"):
            return Tree("1 = 1")
        left = "(" + ", ".join(c for c, _ in columns) + ")"

        def right():
            return "(" + ", ".join(self.literal(k) for _, k in columns) + ")"
        if self.maybe(0.5):
            return Tree(f"{left} IN ", List("(", ", ", [Tree(right()) for _ in range(self.rnd.randint(1, 4))], ")", least=1))
        return Tree(f"{left} {self.rnd.choice(['=', '<', '>', '<=', '>=']) if len(scope) == 1 else '='} {right()}")

    def alternatives(self, scope):
        """An OR of ANDs that have conditions in common, and conditions on single tables."""
        common = [self.simple(scope)]
        if len(scope) > 1:
            pair = self.rnd.sample(scope, 2)
            common.append(self.equality([pair[0]], [pair[1]]))
        branches = []
        for _ in range(self.rnd.choice([2, 2, 3, 4])):
            terms = [Tree(str(c)) for c in common if self.maybe(0.9)] + [self.simple([one]) for one in scope if self.maybe(0.6)]
            self.rnd.shuffle(terms)
            branches.append(List("(", " AND ", terms or [self.simple(scope)], ")", least=1))
        return Tree(List("(", " OR ", branches, ")", least=1), same=branches)

    def of_one_column(self, scope):
        """Several conditions on one column, which may have nothing in common."""
        one, kind = self.column(scope)

        def term():
            r = self.rnd.random()
            if r < 0.15:
                return Tree(f"{one} IS {self.rnd.choice(['NULL', 'NOT NULL'])}")
            if r < 0.35:
                return Tree(f"{one} IN ", self.constants(kind, 1, 3))
            return Tree(f"{one} {self.rnd.choice(['=', '=', '<', '>', '<=', '>=', '<=>'])} {self.literal(kind, 0.05)}")
        terms = [term() for _ in range(self.rnd.choice([2, 2, 3]))]
        return Tree(List("(", " AND ", terms, ")", least=1), same=terms)

    def condition(self, scope, depth=2):
        r = self.rnd.random()
        if self.maybe(0.05):
            return self.of_one_column(scope)
        if depth and self.maybe(0.1):
            return self.alternatives(scope)
        if depth and r < 0.22:
            parts = [self.condition(scope, depth - 1) for _ in range(self.rnd.choice([2, 2, 3]))]
            return Tree(List("(", self.rnd.choice([" OR ", " OR ", " AND "]), parts, ")", least=1), same=parts)
        if depth and r < 0.26 and not self.negated:  # (MariaDB 10.11 gives no row for NOT (NOT (1 >= ALL (SELECT 1))))
            self.negated += 1
            inner = self.condition(scope, depth - 1)
            self.negated -= 1
            return Tree("NOT (", inner, ")", same=[inner])
        if self.budget > 0 and r < 0.5:
            return self.subquery_condition(scope)
        return self.simple(scope)

    def equality(self, left, right):
        """Joins two scopes, mostly by columns with keys."""
        kind = "int" if self.maybe(0.7 if self.span < 10 else 0.95) else self.rnd.choice(["text", "date"])
        a, b = self.column(left, kind), self.column(right, kind)
        if not a or not b:
            a, b = self.column(left, "int"), self.column(right, "int")
        op = "=" if self.maybe(0.7 if self.span < 10 else 0.9) else self.rnd.choice(["<=>", "<", ">="])
        return Tree(f"{a[0]} {op} {b[0]}") if a and b else Tree("1 = 1")

    def subquery_condition(self, scope):
        self.budget -= 1
        r = self.rnd.random()
        not_ = "NOT " if self.maybe(0.4) else ""
        if r < 0.15:
            q, inner = self.from_clause(0, scope)
            exists = Tree(f"{not_}EXISTS (SELECT 1 FROM ", q, self.by_equality(inner, scope), ")")
            return exists if self.maybe(0.3) else Tree("(", self.simple(scope), " OR ", exists, ")", same=[exists])
        if r < 0.35:
            q, _ = self.select(1, outer=scope, kinds=["int"], plain=True)
            return Tree(f"{not_}EXISTS (", q, ")")
        if r < 0.7:
            kind = self.rnd.choice(["int", "int", "text", "date"])
            if self.maybe(0.3):
                q, inner = self.from_clause(0, scope)
                n = self.rnd.choice([1, 1, 1, 2])
                shown, asked = [self.column(inner, kind) for _ in range(n)], [self.column(scope, kind) for _ in range(n)]
                if None not in shown + asked:
                    left = ", ".join(c for c, _ in asked)
                    return Tree(f"({left}) " if n > 1 else f"{left} ", Tree(f"{not_}IN (SELECT " + ", ".join(c for c, _ in shown) + " FROM ", q, self.by_equality(inner, scope), ")"))
            q = self.union([kind]) if self.maybe(0.1) else self.select(1, outer=scope if self.maybe(0.5) else [], kinds=[kind])[0]
            if (not_ or self.negated) and self.may_be_null_of_nothing(q):
                return self.simple(scope)
            return Tree(self.scalar(scope, kind), f" {not_}IN (", q, ")")
        if r < 0.78:
            q, _ = self.select(1, outer=scope if self.maybe(0.4) else [], kinds=["int", "int"])
            if (not_ or self.negated) and self.may_be_null_of_nothing(q):
                return self.simple(scope)
            return Tree("(", self.scalar(scope, "int"), ", ", self.scalar(scope, "int"), f") {not_}IN (", q, ")")
        if r < 0.86:
            q, _ = self.select(1, outer=scope if self.maybe(0.4) else [], kinds=["int"])
            if self.may_be_null_of_nothing(q):
                return self.simple(scope)
            return Tree(self.scalar(scope, "int"), f" {self.rnd.choice(['=', '<>', '<', '>=', '>'])} {self.rnd.choice(['ANY', 'ALL'])} (", q, ")")
        return Tree(self.scalar(scope, "int"), f" {self.rnd.choice(['=', '<', '>=', '<>'])} (", self.one_value(scope), ")")

    @staticmethod
    def may_be_null_of_nothing(q):
        """(MariaDB 10.11: a value is not in the NULL that MIN of no rows is.)"""
        return re.match(r"SELECT .*\b(MIN|MAX|SUM|AVG)\(", str(q)) is not None and " GROUP BY " not in str(q)

    def by_equality(self, inner, outer):
        """The WHERE of a subquery that looks at the enclosing rows by equalities alone."""
        conds = [self.condition(inner, 1) for _ in range(self.rnd.choice([0, 1, 1, 2]))]
        for _ in range(self.rnd.choice([1, 1, 2])):
            kind = self.rnd.choice(["int", "int", "int", "text", "date"])
            a, b = self.column(inner, kind), self.column(outer, kind)
            if a and b:
                conds.insert(0, Tree(f"{a[0]} = {b[0]}" + (f" + {self.rnd.randint(0, 2)}" if kind == "int" and self.maybe(0.2) else "")))
        return List(" WHERE ", " AND ", conds)

    def one_value(self, scope):
        """A subquery that has one row at most."""
        q, inner = self.from_clause(1, scope if self.maybe(0.7) else [])
        col = self.column(inner, "int")
        what = self.rnd.choice(["MAX(%s)", "MIN(%s)", "COUNT(*)", "SUM(%s)", "COUNT(DISTINCT %s)"])
        where = self.by_equality(inner, scope) if self.maybe(0.5) else self.where(inner + scope if self.maybe(0.7) else inner, inner, scope)
        return Tree(f"SELECT {what % col[0] if '%' in what else what} FROM ", q, where)

    # ---- FROM ----
    def base(self, depth, outer):
        """(tree, scope of one)."""
        name = self.name()
        if depth > 0 and self.budget > 0 and self.maybe(0.2):
            self.budget -= 1
            kinds = self.rnd.choice([["int", "int"], ["int"], ["int", "text"], ["int", "int", "date"]])
            if self.maybe(0.2):
                q = self.union(kinds)
            else:
                q, _ = self.select(depth - 1, kinds=kinds)
            if "text" not in kinds and self.maybe(0.2):
                columns = ", ".join(f"c{i}" + self.rnd.choice(["", " DESC"]) for i in range(len(kinds)))
                q = Tree(q, Tree(f" ORDER BY {columns} LIMIT {self.rnd.randint(1, 9)}", droppable=True))
            return Tree("(", q, f") AS {name}"), [(name, {f"c{i}": k for i, k in enumerate(kinds)}, None)]
        t = self.rnd.choice(self.tables)
        hint = Tree()
        if t.keys and self.maybe(0.08):
            hint = Tree(f" {self.rnd.choice(['USE', 'FORCE', 'IGNORE'])} INDEX ({self.rnd.choice(t.keys)})", droppable=True)
        return Tree(f"{t.name} AS {name}", hint), [(name, t.columns, t)]

    def from_clause(self, depth, outer, tables=None):
        """(tree, scope)"""
        n = tables or self.rnd.choice([1, 1, 1, 2, 2, 2, 3, 3, 4, 5] if depth else [1, 1, 1, 2, 2, 3])
        tree, scope = self.base(depth, outer)
        joins = []
        for _ in range(n - 1):
            nested = self.maybe(0.1)
            right, inner = self.from_clause(0, outer, 2) if nested else self.base(depth, outer)
            kind = self.rnd.choice(["JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "STRAIGHT_JOIN", "CROSS JOIN" if self.span < 10 and n < 4 else "JOIN"])
            both = scope + inner
            conds = [self.equality(scope, inner)] + ([self.simple(both)] if self.maybe(0.3) else [])
            on = Tree(" ON ", List("", " AND ", conds, least=1))
            joins.append(Tree(f" {kind} ", Tree("(", right, ")", same=[]) if nested else right, on if kind != "CROSS JOIN" else Tree("")))
            scope = both
        return Tree(tree, List("", "", joins)), scope

    def where(self, scope, inner=None, outer=()):
        conds = [self.condition(scope) for _ in range(self.rnd.choice([0, 1, 1, 1, 2, 2, 3]))]
        if outer and inner and self.maybe(0.85):
            conds.insert(0, self.equality(inner, list(outer)))
        if len(scope) > 1 and self.maybe(0.15):  # with an outer join: what has found nothing
            name, columns, _ = self.rnd.choice(scope[1:])
            conds.append(Tree(f"{name}.{self.rnd.choice(['id', 'id', 'a', 'c']) if 'id' in columns else 'c0'} IS NULL"))
        return List(" WHERE ", " AND ", conds)

    # ---- SELECT ----
    def grouped(self, scope, kinds):
        keys = []
        for k in {k for k in kinds} if self.maybe(0.9) else []:
            c = self.column(scope, k)
            if c:
                keys.append(c)
        items = []
        for i, k in enumerate(kinds):
            of = [c for c, kk in keys if kk == k]
            if of and self.maybe(0.5):
                items.append(self.rnd.choice(of))
            elif k == "int":
                c = self.column(scope, "int")
                items.append(self.rnd.choice(["COUNT(*)", "COUNT({})", "SUM({})", "MIN({})", "MAX({})", "COUNT(DISTINCT {})", "SUM(DISTINCT {})"]).format(c[0]) if c else "COUNT(*)")
            else:
                c = self.column(scope, k)
                items.append(f"{self.rnd.choice(['MIN', 'MAX'])}({c[0]})" if c and k == "date" else self.rnd.choice(of) if of else f"MIN({self.literal(k)})")
        having = Tree()
        if self.maybe(0.3):
            c = self.column(scope, "int")
            having = Tree(" HAVING " + self.rnd.choice(["COUNT(*) > 1", f"MAX({c[0]}) >= 2", f"SUM({c[0]}) < 8", f"MIN({c[0]}) IS NULL"] if c else ["COUNT(*) > 1"]), droppable=True)
        return items, List(" GROUP BY ", ", ", [c for c, _ in keys]), having

    def select(self, depth, outer=(), kinds=None, plain=False, tables=None):
        """(tree, number of columns): named c0, c1, ... The values of text columns under a case-insensitive collation are only well defined where
        nothing is grouped by them; kinds says what columns have to be."""
        outer = list(outer)
        source, inner = self.from_clause(depth, outer, tables)
        scope = inner + outer
        if kinds is None:
            kinds = [self.rnd.choice(["int", "int", "int", "date", "text"]) for _ in range(self.rnd.randint(1, 4))]
        group, having, distinct = Tree(), Tree(), ""
        if not plain and "text" not in kinds and self.maybe(0.25):
            items, group, having = self.grouped(inner, kinds)
        else:
            items = [self.scalar(inner if self.maybe(0.9) else scope, k) for k in kinds]
            if "text" not in kinds and self.maybe(0.15):
                distinct = "DISTINCT "
            elif self.budget > 0 and not plain and kinds[0] == "int" and self.maybe(0.1):
                self.budget -= 1
                items[self.rnd.choice([i for i, k in enumerate(kinds) if k == "int"])] = Tree("(", self.one_value(inner), ")")
        listed = List("", ", ", [Tree(i, f" AS c{n}") for n, i in enumerate(items)], least=1)
        return Tree("SELECT ", Tree(distinct, droppable=True), listed, " FROM ", source, self.where(scope if outer else inner, inner, outer), group, having), len(kinds)

    def union(self, kinds):
        parts = [self.select(0, kinds=kinds)[0] for _ in range(self.rnd.choice([2, 2, 3]))]
        word = self.rnd.choice([" UNION ALL ", " UNION ALL ", " UNION "]) if "text" not in kinds else " UNION ALL "
        return Tree(List("", word, parts, least=1), same=[])

    def view(self, name):
        """A view, as a table without rows of its own."""
        self.n, self.budget = 100, self.rnd.choice([0, 0, 1])
        kinds = self.rnd.choice([["int", "int"], ["int", "int", "date"], ["int", "text"]])
        q, _ = self.select(0, kinds=kinds)
        t = Table(name, {f"c{i}": k for i, k in enumerate(kinds)})
        t.definition = f"CREATE VIEW {name} AS {q}"
        return t

    def narrow(self):
        """Of one table, mostly of the columns of one of its keys: ranges, groups, orders and least and greatest values that a key can give."""
        t = self.rnd.choice([x for x in self.tables if x.key_columns] or self.tables)
        name = self.name()
        columns = self.rnd.choice(t.key_columns) if t.key_columns else list(t.columns)
        scope = [(name, {c: t.columns[c] for c in columns + (["id"] if "id" in t.columns and self.maybe(0.3) else [])}, t)]
        some = {k for k in scope[0][1].values()}
        kinds = [self.rnd.choice([k for k in ["int", "date", "text"] if k in some]) for _ in range(self.rnd.randint(1, 3))]
        group, having, distinct = Tree(), Tree(), ""
        texts = "text" in kinds
        if not texts and self.maybe(0.5):
            if self.maybe(0.3):
                kinds = ["int"] * len(kinds) if "int" in some else kinds
                c = self.column(scope, kinds[0])[0]
                items = [self.rnd.choice([f"MIN({c})", f"MAX({c})"] + ([f"COUNT(DISTINCT {c})", "COUNT(*)"] if kinds[0] == "int" else [])) for _ in kinds]
            else:
                items, group, having = self.grouped(scope, kinds)
        else:
            items = [self.column(scope, k)[0] for k in kinds]
            distinct = "DISTINCT " if not texts and self.maybe(0.4) else ""
        listed = List("", ", ", [Tree(i, f" AS c{n}") for n, i in enumerate(items)], least=1)
        return Tree("SELECT ", Tree(distinct, droppable=True), listed, f" FROM {t.name} AS {name}", self.where(scope), group, having), len(kinds)

    def statement(self):
        """Where it is ordered, that is by columns of its result; with a LIMIT other rows with the same values there are as good."""
        self.n, self.budget = 0, self.rnd.choice([0, 1, 1, 2, 3])
        r = self.rnd.random()
        if r > 0.75:
            tree, n = self.narrow()
        elif r < 0.06:
            kinds = self.rnd.choice([["int", "int"], ["int"], ["int", "date"]])
            tree, n = self.union(kinds), len(kinds)
        elif r < 0.16 and self.budget:
            kinds = self.rnd.choice([["int", "int"], ["int", "int", "text"]])
            cte, _ = self.select(1, kinds=kinds)
            name = "w"
            table = Table(name, {f"c{i}": k for i, k in enumerate(kinds)})
            tables, self.tables = self.tables, self.tables + [table] * 3
            inner, n = self.select(1)
            self.tables = tables
            tree = Tree(f"WITH {name} AS (", cte, ") ", inner)
        else:
            tree, n = self.select(2)
        if self.maybe(0.5):
            keys = self.rnd.sample(range(n), self.rnd.randint(1, n))
            down, limit = self.maybe(0.5), ""
            texts = [f"c{k}" + (" DESC" if (down if self.maybe(0.8) else not down) else "") for k in keys]
            if self.maybe(0.6):
                limit = f" LIMIT {self.rnd.randint(1, 12)}" + (f" OFFSET {self.rnd.randint(1, 5)}" if self.maybe(0.3) and "DISTINCT" not in str(tree)[:16] else "")
            tree = Tree(tree, List(" ORDER BY ", ", ", texts), Tree(limit, droppable=True))
        return tree

    def change(self):
        """An UPDATE or DELETE through a join or with a subquery. (The changed table is not read twice.)"""
        self.n, self.budget = 0, self.rnd.choice([0, 1, 1])
        tables = self.tables
        t = self.rnd.choice([x for x in tables if "id" in x.columns])
        self.tables = [x for x in tables if x is not t and "id" in x.columns] or tables  # (a view may read the changed table)
        me = [("m", t.columns, t)]
        source, other = Tree(), []
        if self.maybe(0.6) and len(tables) > 1:
            right, other = self.from_clause(0, [], self.rnd.choice([1, 1, 2]))
            joined = self.rnd.choice(["JOIN", "JOIN", "LEFT JOIN"])
            source = Tree(f" {joined} (", right, ") ON ", self.equality(me, other))
        where = self.where(me + other)
        if isinstance(where, List) and not where.items:
            where = Tree(f" WHERE m.id > {self.rnd.randint(0, 9)}")
        self.tables = tables
        if self.maybe(0.5):
            return Tree("DELETE m FROM ", f"{t.name} AS m", source, where), t
        return Tree("UPDATE ", f"{t.name} AS m", source, f" SET m.c = 77", where), t



def order_of(sql):
    """(positions of the columns that a statement() is ordered by, whether it has a LIMIT)."""
    m = re.search(r" ORDER BY ((?:c\d+(?: DESC)?(?:, )?)+)( LIMIT [^)]*)?$", sql)
    return ([int(k.split()[0][1:]) for k in m[1].split(", ")] if m else [], bool(re.search(r" LIMIT [^)]*$", sql)))
