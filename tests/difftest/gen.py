# SPDX-License-Identifier: Apache-2.0
"""Random schemas, data and expressions of difftest.py."""
import collections

Ref = collections.namedtuple("Ref", "sql kind sub")
Stmt = collections.namedtuple("Stmt", "feature sql order tables aux", defaults=((), (), False))

TYPES = {  # sub-type: (SQL type, kind)
    "int": ("INT", "int"), "bigint": ("BIGINT", "int"), "uint": ("INT UNSIGNED", "int"),
    "dec": ("DECIMAL(10,2)", "dec"), "dbl": ("DOUBLE", "dbl"), "vc": ("VARCHAR(20)", "str"),
    "ch": ("CHAR(5)", "str"), "date": ("DATE", "date"), "dt": ("DATETIME", "dt")}
# Letters A-M are always upper case, n-z always lower: equal under a _ci collation then means equal
# bytes, so DISTINCT, GROUP BY and ties in ORDER BY have one right answer.  No trailing blanks.
STRS = ["A", "AB", "ABC", "Bz", "zz", "n", "nA", "12", "007", "3.5", "-4", "", "x_y", "A%", "日本",
        "ж", "😀", "A-B", "o'x", "A\\n"]
VALUES = {
    "int": ["0", "1", "2", "3", "4", "5", "7", "10", "-1", "-5", "100", "2147483647", "-2147483648"],
    "bigint": ["0", "1", "2", "3", "5", "-1", "1000000007", "4294967296", "9223372036854775807",
               "-9223372036854775807"],
    "uint": ["0", "1", "2", "3", "4", "5", "10", "100", "2147483648", "4294967295"],
    "dec": ["0", "1", "1.00", "-1.50", "2.25", "3.5", "10", "0.01", "-0.01", "99999999.99",
            "-99999999.99", "7"],
    "dbl": ["0", "1", "0.5", "-1.25", "3.75", "2", "1000000.125", "-99999.5", "0.0625", "1e10"],
    "vc": STRS + ["ABCDEFGHIJKLMnopqrst", "nopqrstuvwxyz"], "ch": STRS + ["ABCDE", "nopqr"],
    "date": ["2024-02-29", "2023-12-31", "2024-01-01", "1970-01-01", "2000-01-31", "1000-01-01",
             "9999-12-31", "2023-03-05", "2024-12-30"],
    "dt": ["2024-02-29 00:00:00", "2023-12-31 23:59:59", "2024-01-01 12:30:00", "1970-01-01 00:00:01",
           "2000-01-31 06:07:08", "1000-01-01 00:00:00", "9999-12-31 23:59:59", "2023-03-05 13:00:59"]}
KIND_SUB = {"int": "int", "dec": "dec", "dbl": "dbl", "str": "vc", "date": "date", "dt": "dt"}


def as_float(v):
    try:
        return float(v)
    except (TypeError, ValueError):
        return None


def quote(s):
    return "'" + s.replace("\\", "\\\\").replace("'", "''") + "'"


class Col:
    def __init__(self, name, sub, null):
        self.name, self.sub, self.null, self.kind = name, sub, null, TYPES[sub][1]
        self.default = None


class Table:
    def __init__(self, name, cols):
        self.name, self.cols, self.pk, self.uniq, self.idx = name, cols, ["id"], [], []

    def refs(self, alias=None):
        p = alias + "." if alias else ""
        return [Ref(p + c.name, c.kind, c.sub) for c in self.cols]

    def ucols(self):
        return set(self.pk).union(*self.uniq)

    def ddl(self):
        parts = []
        for c in self.cols:
            s = f"{c.name} {TYPES[c.sub][0]}" + ("" if c.null else " NOT NULL")
            parts.append(s + (f" DEFAULT {c.default}" if c.default else ""))
        parts.append(f"PRIMARY KEY ({', '.join(self.pk)})")
        parts += [f"UNIQUE KEY u{i} ({', '.join(u)})" for i, u in enumerate(self.uniq)]
        parts += [f"KEY k{i} ({', '.join(u)})" for i, u in enumerate(self.idx)]
        return f"CREATE TABLE {self.name} ({', '.join(parts)})"


class Gen:
    """Random schema, data and expressions; the statement generators below use it."""

    def __init__(self, rng):
        self.r, self.dml, self.collation = rng, False, rng.choice(["utf8mb4_general_ci", "utf8mb4_bin"])
        self.tables = [self.make_table(f"t{i}") for i in range(rng.choice([3, 3, 4]))]
        self.next_id = 1000
        self.typed = {}

    def every(self):
        return self.tables + [t for tables in self.typed.values() for t in tables]

    def p(self, x):
        return self.r.random() < x

    def pick(self, seq):
        return self.r.choice(seq)

    def make_table(self, name):
        cols = [Col("id", self.pick(["int", "int", "bigint", "uint"]), False)]
        subs = self.r.sample(sorted(TYPES), self.r.randint(4, 7))
        if "int" not in subs:
            subs.append("int")
        for i, s in enumerate(subs):
            c = Col(f"c{i}", s, self.p(.65))
            if self.p(.15):
                c.default = self.val(s)
            cols.append(c)
        t = Table(name, cols)
        cand = [c.name for c in cols[1:]]
        if self.p(.2):
            t.pk = ["id", self.pick([c.name for c in cols[1:] if c.sub not in ("dbl",)])]
            next(c for c in cols if c.name == t.pk[1]).null = False
        for _ in range(self.pick([0, 0, 1, 1, 2])):
            t.idx.append(self.r.sample(cand, self.pick([1, 1, 2])))
        if self.p(.35):
            t.uniq.append(self.r.sample(cand, self.pick([1, 2, 2])))
        return t

    def val(self, sub):
        v = self.pick(VALUES[sub])
        return v if sub in ("int", "bigint", "uint", "dec", "dbl") else quote(v)

    def row(self, t, names=None, ident=None):
        out = []
        for c in t.cols:
            if names is not None and c.name not in names:
                continue
            if c.name == "id":
                out.append(str(ident))
            elif c.null and self.p(.2):
                out.append("NULL")
            else:
                out.append(self.val(c.sub))
        return out

    def setup(self):
        """CREATE and INSERT statements; duplicates of unique keys are left out here."""
        out = [t.ddl() for t in self.tables]
        for t in self.tables:
            seen, rows = set(), []
            for i in range(1, self.pick([1, 5, 9, 14, 20, 28])):
                row = self.row(t, ident=i)
                d = dict(zip((c.name for c in t.cols), row))
                keys = [(tuple(u),) + tuple(as_float(d[x]) if as_float(d[x]) is not None else d[x] for x in u) for u in t.uniq]
                if any(k in seen for k in keys if "NULL" not in k):
                    continue
                seen.update(keys)
                rows.append("(" + ", ".join(row) + ")")
            if rows:
                out.append(f"INSERT INTO {t.name} VALUES " + ", ".join(rows))
        return out

    # ------------------------------------------------------------------------ expressions
    def lit(self, kind):
        v = self.pick(VALUES[KIND_SUB[kind]])
        if kind in ("int", "dec"):
            return "NULL" if kind == "int" and self.p(.03) else v
        if kind == "dbl":
            return v if "e" in v else v + "e0"
        return {"str": "", "date": "DATE ", "dt": "TIMESTAMP "}[kind] + quote(v)

    def col(self, kind, sc):
        """A column reference of that kind that cannot overflow in arithmetic, else a literal."""
        c = [x for x in sc if x.kind == kind]
        if not c or self.p(.15):
            return self.lit(kind)
        c = self.pick(c)
        if c.sub in ("uint", "bigint"):
            return f"CAST({c.sql} AS SIGNED)" if c.sub == "uint" else (
                f"CAST({c.sql} % 1009 AS SIGNED)" if ".x" in c.sql else f"({c.sql} % 1009)")
        return c.sql

    def expr(self, kind, sc, d=1, fn=False):
        if d <= 0 or self.p(.25):
            return self.col(kind, sc)
        e = lambda k=kind: self.expr(k, sc, d - 1, fn)
        if self.p(.22):
            c, x, y = self.cond(sc, d - 1), e(), e()
            return self.pick([f"CASE WHEN {c} THEN {x} ELSE {y} END", f"IF({c}, {x}, {y})",
                              f"COALESCE({x}, {y})", f"IFNULL({x}, {y})", f"NULLIF({x}, {y})",
                              f"CASE WHEN {c} THEN {x} END"])
        if kind == "int":
            o = [f"({e()} + {e()})", f"({e()} - {e()})", f"({e()} * {self.pick('2 3 -1 0'.split())})",
                 f"({e()} % {self.pick('2 3 7'.split())})", f"({e()} DIV {self.pick('2 3 -4'.split())})",
                 f"(-({e()}))", f"ABS({e()})", f"({self.cond(sc, d - 1)})", f"CAST({e()} & 15 AS SIGNED)"]
            if fn:
                s, t = e("str"), e(self.pick(["date", "dt"]))
                o += [f"SIGN({e()})", f"FLOOR({e('dec')})", f"CEILING({e('dec')})", f"LENGTH({s})",
                      f"CHAR_LENGTH({s})", f"LOCATE({self.lit('str')}, {s})", f"INSTR({s}, 'A')",
                      f"ASCII({s})", f"STRCMP({s}, {e('str')})", f"FIELD({s}, 'A', 'zz', '12')",
                      f"CAST({e('dec')} AS SIGNED)", f"CAST({s} AS SIGNED)", f"CAST(CRC32({s}) AS SIGNED)",
                      f"GREATEST({e()}, {e()})", f"LEAST({e()}, {e()}, 5)", f"BIT_COUNT({e()} & 255)",
                      f"CAST(({e()} & 255) << 2 AS SIGNED)", f"CAST(({e()} & 255) | 3 AS SIGNED)",
                      f"CAST({e()} ^ 5 AS SIGNED)", f"CAST(~{e()} AS SIGNED)", f"CAST({e()} >> 60 AS SIGNED)",
                      f"INTERVAL({e()}, 1, 5, 10)", f"MOD({e()}, 5)", f"ROUND({e()}, -1)",
                      f"DATEDIFF({t}, {e('date')})", f"(CAST({t} AS DATE) + 0)", f"WEEK({t}, 3)",
                      f"EXTRACT(YEAR_MONTH FROM {t})", f"TO_DAYS({t})", f"TIME_TO_SEC({e('dt')})",
                      f"TIMESTAMPDIFF({self.pick(['DAY', 'MONTH', 'HOUR', 'YEAR'])}, {t}, {e('dt')})"]
                o += [f"{f}({t})" for f in self.r.sample(
                    ["YEAR", "MONTH", "DAY", "DAYOFWEEK", "DAYOFYEAR", "WEEKDAY", "QUARTER"], 4)]
                o += [f"{f}({e('dt')})" for f in ("HOUR", "MINUTE", "SECOND")]
                o = o[9:] if self.p(.75) else o
        elif kind == "dec":
            o = [f"({e()} + {e()})", f"({e()} - {e('int')})", f"({e()} * {self.pick(['2', '0.5', '-1.1'])})",
                 f"({e('int')} / {self.pick(['2', '4', '3'])})", f"(-({e()}))", f"ABS({e()})"]
            if not self.dml:
                o.append(f"({e()} / {e('int')})")
            if fn:
                o += [f"ROUND({e()}, 1)", f"ROUND({e()})", f"TRUNCATE({e()}, 1)", f"MOD({e()}, 3)",
                      f"CAST({e('int')} AS DECIMAL(14,2))", f"CAST({e('str')} AS DECIMAL(10,1))",
                      f"GREATEST({self.col('dec', sc)}, {self.col('dec', sc)})"]
        elif kind == "dbl":
            o = [f"({e()} + {e()})", f"({e()} * 0.5e0)", f"({e()} - {e('int')})", f"ABS({e()})"]
            if fn:
                o += [f"SQRT(ABS({e('int')}))", f"POW({self.col('int', sc)} % 10, 2)", f"ROUND({e()}, 2)",
                      f"LN(1 + ABS({e('int')}))", f"EXP({self.col('int', sc)} % 5)", f"(0e0 + {e('str')})",
                      f"ATAN({e()})", f"SIN({self.col('int', sc)} % 100)", f"FLOOR({e()})"]
        elif kind == "str":
            o = [f"CONCAT({e()}, {e()})", f"CONCAT({e()}, '-')", f"LEFT({e()}, 2)"]
            if fn:
                n, t = self.pick("-3 -1 0 1 2 4 30".split()), e(self.pick(["date", "dt"]))
                o += [f"UPPER({e()})", f"LOWER({e()})", f"RIGHT({e()}, 2)", f"SUBSTRING({e()}, {n}, 2)",
                      f"SUBSTRING({e()}, {n})", f"REVERSE({e()})", f"REPLACE({e()}, 'A', 'nn')",
                      f"LPAD({e()}, 6, '*')", f"RPAD({e()}, 6, 'xy')", f"TRIM(BOTH 'A' FROM {e()})",
                      f"CONCAT('[', LTRIM(CONCAT('  ', {e()}, ' ')), ']')", f"REPEAT({e()}, 2)",
                      f"CONCAT('[', TRIM(CONCAT(' ', {e()}, '  ')), ']')", f"HEX({e()})", f"HEX({e('int')})",
                      f"CONCAT_WS(',', {e()}, {e()}, 'n')", f"SUBSTRING_INDEX({e()}, '-', 1)",
                      f"INSERT({e()}, 2, 1, 'zz')", f"ELT({self.col('int', sc)}, 'A', 'n', {e()})",
                      f"CAST({e('int')} AS CHAR)", f"CAST({e('dec')} AS CHAR)", f"FORMAT({e('dec')}, 2)",
                      f"CONV({self.col('int', sc)} & 4095, 10, 16)", f"BIN({e('int')} & 255)", f"MD5({e()})",
                      f"CAST({t} AS CHAR)", f"DATE_FORMAT({t}, '%Y/%m/%d %H:%i:%s %j %w %y')",
                      f"DATE_FORMAT({t}, '%M %a %e %b %W')", f"DAYNAME({t})", f"MONTHNAME({t})",
                      f"QUOTE({e()})", f"TIME_FORMAT({e('dt')}, '%H-%i')"]
        elif kind == "date":
            o = [self.col("date", sc)]
            if fn:
                u = self.pick(["DAY", "MONTH", "YEAR", "WEEK", "QUARTER"])
                o = [f"DATE_ADD({e()}, INTERVAL {self.col('int', sc)} % 100 {u})", f"LAST_DAY({e()})",
                     f"DATE_SUB({e()}, INTERVAL 1 {u})", f"CAST({e('dt')} AS DATE)", f"DATE({e('dt')})",
                     f"({e()} + INTERVAL 31 DAY)", "MAKEDATE(2024, 60)", "STR_TO_DATE('05/03/2023', '%d/%m/%Y')",
                     f"FROM_DAYS(730000 + {self.col('int', sc)} % 1000)"]
        else:
            o = [self.col("dt", sc)]
            if fn:
                u = self.pick(["HOUR", "MINUTE", "SECOND", "DAY", "MONTH"])
                o = [f"DATE_ADD({e()}, INTERVAL {self.col('int', sc)} % 1000 {u})", f"CAST({e('date')} AS DATETIME)",
                     f"DATE_SUB({e()}, INTERVAL 90 {u})", f"TIMESTAMPADD({u}, 7, {e()})",
                     f"DATE_ADD({e('date')}, INTERVAL 5 HOUR)", f"DATE_ADD({e()}, INTERVAL '1:30' HOUR_MINUTE)"]
        return self.pick(o)

    def cmp_lit(self, ref):
        """A literal to compare that column with: often one that occurs, strings in odd case."""
        v = self.pick(VALUES[ref.sub])
        if ref.kind == "str":
            v = v.lower() if self.p(.1) else v + " " if self.p(.05) else v
        return v if ref.kind in ("int", "dec", "dbl") else quote(v)

    def cond(self, sc, d=1):
        if d > 0 and self.p(.3):
            a, b = self.cond(sc, d - 1), self.cond(sc, d - 1)
            return self.pick([f"({a} AND {b})", f"({a} OR {b})", f"({a} OR {b})", f"NOT ({a})",
                              f"({a} XOR {b})", f"({a}) IS NOT TRUE", f"({a}) IS UNKNOWN"])
        x = self.pick(sc)
        op, lit = self.pick(["=", "<>", "<", "<=", ">", ">=", "<=>", "="]), self.cmp_lit(x)
        same = [y for y in sc if y.kind == x.kind]
        k = self.r.random()
        if k < .3:
            return f"{x.sql} {op} {lit}"
        if k < .42:
            return f"{x.sql} {op} {self.pick(same).sql}"
        if k < .52:
            return f"{x.sql} IS {self.pick(['', 'NOT '])}NULL"
        neg = self.pick(["", "", "NOT "])
        if k < .64:
            lits = [self.cmp_lit(x) for _ in range(self.r.randint(1, 4))]
            return f"{x.sql} {neg}IN ({', '.join(lits)}{', NULL' if self.p(.08) else ''})"
        if k < .76:
            return f"{x.sql} {neg}BETWEEN {lit} AND {self.cmp_lit(x)}"
        if k < .86 and x.kind == "str":
            return f"{x.sql} {neg}LIKE {self.pick(['A%', '%A', '%z%', '_', '__', 'A_C%', '%', '', 'x!_%', '1%'])!r}" \
                .replace("'x!_%'", "'x!_%' ESCAPE '!'")
        if k < .89 and x.kind in ("str", "int") and not self.dml:
            return f"{x.sql} {op} {self.pick(['0', '12', '3.5'])}" if x.kind == "str" else f"{x.sql} {op} '3'"
        if d > 0:
            kind = self.pick(["int", "dec", "str", "dbl"])
            return f"{self.expr(kind, sc, d)} {op} {self.expr(kind, sc, d)}"
        return f"{x.sql} {op} {lit}"

    # ------------------------------------------------------------------------ SELECT pieces
    def where(self, sc, n=None, depth=1):
        n = self.pick([0, 1, 1, 2]) if n is None else n
        return " WHERE " + " AND ".join(self.cond(sc, depth) for _ in range(n)) if n else ""

    def order(self, n, force=False, names=None):
        """ORDER BY text and the positions it sorts by; LIMIT only when all columns are covered."""
        k = self.r.random()
        if k < .35 and not force:
            return "", ()
        pos = self.r.sample(range(n), n if k < .85 or force else self.r.randint(1, n))
        text = ", ".join((names[p] if names and self.p(.5) else str(p + 1)) + self.pick(["", "", " DESC", " ASC"])
                         for p in pos)
        lim = ""
        if len(pos) == n and (force or self.p(.4)):
            lim = self.pick([" LIMIT {0}", " LIMIT {0}", " LIMIT {0} OFFSET {1}", " LIMIT {1}, {0}"]).format(
                self.pick([0, 1, 2, 3, 5, 10, 100]), self.pick([0, 1, 2, 7]))
        return f" ORDER BY {text}{lim}", tuple(pos)

    def items(self, sc, n, fn=False, kinds=None):
        out = []
        for i in range(n):
            if kinds:
                out.append((self.expr(kinds[i], sc, 1, fn), kinds[i]))
            elif self.p(.25 if fn else .6):
                c = self.pick(sc)
                out.append((c.sql, c.kind))
            else:
                k = self.pick(["int", "int", "dec", "str", "str", "dbl", "date", "dt"])
                out.append((self.expr(k, sc, self.pick([1, 2]), fn), k))
        return out

    def select(self, frm, sc, where=None, fn=False, order=True, n=None, kinds=None, distinct=.2, force=False):
        """A whole SELECT over a FROM clause: (text, kinds of the columns, sort positions)."""
        its = self.items(sc, n or (len(kinds) if kinds else self.r.randint(1, 4)), fn, kinds)
        names = [f"x{i + 1}" for i in range(len(its))]
        o, pos = self.order(len(its), force, names) if order else ("", ())
        sql = (f"SELECT {'DISTINCT ' if self.p(distinct) else ''}"
               f"{', '.join(f'{e} AS {a}' for (e, _), a in zip(its, names))} FROM {frm}"
               f"{self.where(sc) if where is None else where}{o}")
        return sql, [k for _, k in its], pos

    def table(self, alias=None):
        t = self.pick(self.tables)
        alias = alias or self.pick([t.name, "a"])
        return (t.name if alias == t.name else f"{t.name} AS {alias}"), t.refs(alias), t

    def derived(self, alias, agg=.3):
        """A derived table with columns x1.. : (SELECT text, Refs)."""
        frm, sc, _ = self.table("q")
        if self.p(agg):
            key = self.pick(sc)
            v = self.pick([c for c in sc if c.kind in ("int", "dec", "str", "date")])
            f = self.pick(["COUNT({})", "MAX({})", "MIN({})", "COUNT(DISTINCT {})"])
            sql = f"SELECT {key.sql} AS x1, {f.format(v.sql)} AS x2 FROM {frm}{self.where(sc)} GROUP BY {key.sql}"
            kinds = [key.kind, v.kind if f.startswith("M") else "int"]
        else:
            sql, kinds, _ = self.select(frm, sc, n=self.r.randint(2, 3), order=self.p(.3), force=True)
        sub = {"int": "bigint"}
        return sql, [Ref(f"{alias}.x{i + 1}", k, sub.get(k, KIND_SUB[k])) for i, k in enumerate(kinds)]

    def agg(self, sc, windowed=False):
        c = self.pick(sc)
        num = [x for x in sc if x.kind in ("int", "dec", "dbl")]
        v = self.pick(num).sql if self.p(.7) else self.expr(self.pick(["int", "dec"]), sc)
        o = ["COUNT(*)", f"COUNT({c.sql})", f"SUM({v})", f"AVG({v})", f"MIN({c.sql})", f"MAX({c.sql})",
             f"MAX({v})", f"SUM({self.cond(sc, 0)})"]
        if not windowed:
            g = self.pick([x for x in sc if x.kind in ("int", "str", "date")]).sql
            o += [f"COUNT(DISTINCT {c.sql})", f"COUNT(DISTINCT {c.sql}, {self.pick(sc).sql})", f"SUM(DISTINCT {v})",
                  f"GROUP_CONCAT({'DISTINCT ' if self.p(.5) else ''}{g} ORDER BY {g}{self.pick(['', ' DESC'])} "
                  f"SEPARATOR '|')", f"STDDEV_POP({self.col('int', sc)} % 100)", f"BIT_OR({self.col('int', sc)} & 255)",
                  f"BIT_AND({self.col('int', sc)} & 255)", f"VAR_SAMP({self.col('int', sc)} % 100)"]
        return self.pick(o)

    def join(self, n=None, kinds=("INNER JOIN", "LEFT JOIN", "JOIN", "LEFT JOIN", "CROSS JOIN", "RIGHT JOIN", ",")):
        n = n or self.pick([2, 2, 2, 3])
        frm, sc, _ = self.table("a")
        for alias in "bcd"[:n - 1]:
            f, s, _ = self.table(alias)
            if self.p(.12):
                text, s = self.derived(alias)
                f = f"({text}) AS {alias}"
            k = self.pick(kinds if n == 2 else kinds[:4])
            pairs = [(x, y) for x in sc for y in s if x.kind == y.kind]
            x, y = self.pick([q for q in pairs if q[0].kind == "int"] or pairs) if self.p(.6) and pairs else (
                self.pick(pairs) if pairs else (self.pick(sc), self.pick(s)))
            on = f"{x.sql} = {y.sql}" if self.p(.9) else f"{x.sql} {self.pick(['<', '>=', '<=>'])} {y.sql}"
            if self.p(.3):
                on += " AND " + self.cond(self.pick([sc, s, sc + s]), 0)
            frm += f", {f}" if k == "," else f" {k} {f}" + ("" if k == "CROSS JOIN" else f" ON {on}")
            sc = sc + s
        return frm, sc

    def subcond(self, sc, depth=1):
        """A condition with a subquery in it; sc is the outer scope."""
        t = self.pick(self.tables)
        b = "s" * depth
        inner = t.refs(b)
        x = self.pick(sc)
        same = [y for y in inner if y.kind == x.kind]
        if not same:
            x = self.pick([y for y in sc if y.kind == "int"] or [Ref("1", "int", "int")])
            same = [y for y in inner if y.kind == "int"]
        y, c2 = self.pick(same), self.pick(inner)
        w = self.where(inner) if depth > 1 or self.p(.8) else " WHERE " + self.subcond(inner, 2)
        outer = [(o, i) for o in sc for i in inner if o.kind == i.kind]
        o, i = self.pick(outer) if outer else (x, y)
        corr = (w + " AND " if w else " WHERE ") + f"{i.sql} {self.pick(['=', '=', '<', '<>'])} {o.sql}"
        if self.p(.4):
            w = corr
        frm = f"FROM {t.name} AS {b}"
        op, neg = self.pick(["=", "<", ">", "<>", ">="]), self.pick(["", "NOT "])
        f = [f"{x.sql} {neg}IN (SELECT {y.sql} {frm}{w})", f"{neg}EXISTS (SELECT 1 {frm}{corr})",
             f"{x.sql} {op} (SELECT {self.pick(['MAX', 'MIN'])}({y.sql}) {frm}{w})",
             f"{x.sql} {op} {self.pick(['ALL', 'ANY', 'SOME'])} (SELECT {y.sql} {frm}{w})",
             f"(SELECT COUNT(*) {frm}{corr}) {op} {self.pick('012')}",
             f"{x.sql} {neg}IN (SELECT {y.sql} {frm}{w} GROUP BY {y.sql} HAVING COUNT(*) > 1)",
             f"({x.sql}, {o.sql}) {neg}IN (SELECT {y.sql}, {i.sql} {frm}{w})"]
        return self.pick(f)

    def scalar(self, sc):
        t = self.pick(self.tables)
        inner = t.refs("s")
        o, i = self.pick([(o, i) for o in sc for i in inner if o.kind == i.kind])
        c = self.pick(inner)
        w = f" WHERE {i.sql} {self.pick(['=', '<=', '<>'])} {o.sql}" if self.p(.8) else self.where(inner)
        f = self.pick(["MAX({})", "MIN({})", "COUNT({})", "COUNT(DISTINCT {})", "COUNT(*)"]).format(c.sql)
        if self.p(.25):
            return f"(SELECT {c.sql} FROM {t.name} AS s{w} ORDER BY 1{self.pick(['', ' DESC'])} LIMIT 1)"
        return f"(SELECT {f} FROM {t.name} AS s{w})"
