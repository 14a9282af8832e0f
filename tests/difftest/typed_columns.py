# SPDX-License-Identifier: Apache-2.0
"""Tables y0, y1 with columns of the types that have rules of their own, and the statements over them: types (ENUM, SET, BIT, YEAR, FLOAT(m,d), TIME,
dates with zeros), tz (TIMESTAMP and time zones), charset (texts in other character sets), json. Templates: {a}, {b} are columns of the table, {l} a
literal for {a}, {n} a number."""
from gen import Stmt, Table, quote

OPS = ["=", "<>", "<", "<=", ">", ">=", "<=>"]
NUMBERS = ["0", "1", "2", "3", "5", "-1", "1.5", "24", "99", "255", "2024", "1e0"]


class TypedCol:
    def __init__(self, name, declared, family, good, bad=()):
        self.name, self.declared, self.family, self.good, self.bad = name, declared, family, good, list(bad)


def strings(*texts):
    return [quote(t) for t in texts]


LATIN = strings("", "a", "A", "ab", "ä", "Ä", "ß", "ss", "é", "e", "n", "ñ", "zz", "a b", "12", "µ")
ANY = LATIN + strings("€", "日本", "Ж", "ж", "ﬀ", "x😀"[:1])
COLUMNS = {
    "types": [
        TypedCol("e", "ENUM('b','a','c d','ü','10','2')", "enum", strings("b", "a", "c d", "ü", "10", "2", "A", "c d ") + ["1", "3", "6"], strings("zz", "", "7") + ["0", "7"]),
        TypedCol("s", "SET('x','y','z','w w')", "set", strings("", "x", "x,y", "y,x", "z,x,x", "w w,y") + ["0", "3", "15"], strings("q", "x,q", "x, y") + ["16", "-1"]),
        TypedCol("b1", "BIT(1)", "bit", ["0", "1", "b'1'", "TRUE"], ["2", "'1'", "b'10'"]),
        TypedCol("b8", "BIT(8)", "bit", ["0", "1", "b'101'", "255", "65", "0x41"], ["256", "'ab'"]),
        TypedCol("b40", "BIT(40)", "bit", ["0", "7", "b'1111000011110000'", "1099511627775", "0x0102030405"], ["1099511627776", "0x010203040506"]),
        TypedCol("y", "YEAR", "year", ["0", "1", "69", "70", "99", "1901", "2024", "2155", "'0'", "'00'", "'7'", "'2024'"], ["1900", "2156", "'abc'", "100", "-1"]),
        TypedCol("f", "FLOAT(8,2)", "real", ["0", "1.005", "-2.345", "999999.99", "1e3", "0.125"], ["1000000", "-1e9"]),
        TypedCol("d", "DOUBLE(9,3)", "real", ["0", "1.0005", "-2.3455", "999999.999", "12.25"], ["1000000"]),
        TypedCol("tm", "TIME(2)", "time", strings("00:00:00", "12:34:56.78", "-01:02:03", "838:59:59", "1 02:03:04", "10:11") + ["0", "123456"], strings("99:99:99", "abc")),
        TypedCol("da", "DATE", "date", strings("2024-02-29", "1999-12-31", "20240101", "99-1-2", "2024-02-29 23:59:59") + ["20240301", "991231"], strings("2023-02-29", "abc", "2024-13-01", "0000-00-00")),
    ],
    "tz": [
        TypedCol("ts", "TIMESTAMP NULL", "ts", strings("2024-01-15 12:00:00", "2024-07-15 12:00:00", "2024-03-31 01:59:59", "2024-03-31 03:00:01", "2024-10-27 02:30:00", "1975-05-05 05:05:05",
                                                       "2037-06-01 00:00:00", "2024-11-03 01:30:00"), strings("1960-01-01 00:00:00", "2050-01-01 00:00:00", "2024-02-30 00:00:00")),
        TypedCol("t6", "TIMESTAMP(6) NULL", "ts", strings("2024-01-15 12:00:00.123456", "2024-07-15 12:00:00", "2000-02-29 23:59:59.999999"), strings("abc")),
        TypedCol("dt", "DATETIME(3)", "dt", strings("2024-01-15 12:00:00.5", "2024-07-15 00:00:00", "2024-03-31 02:30:00", "2024-10-27 02:30:00", "1980-01-01 00:00:00")),
        TypedCol("u", "INT", "int", ["0", "1", "86400", "1711846800", "1711846799", "1729990800", "1700000000", "2000000000"]),
        TypedCol("z", "VARCHAR(30)", "zone", strings("+00:00", "+05:30", "-08:00", "SYSTEM", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "nowhere")),
    ],
    "charset": [
        TypedCol("l", "VARCHAR(8) CHARACTER SET latin1", "text", LATIN + strings("€"), strings("日本", "Ж", "123456789")),
        TypedCol("a", "VARCHAR(8) CHARACTER SET ascii", "text", strings("", "a", "A", "zz", "12", "a b"), strings("ä", "日")),
        TypedCol("u8", "VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "text", ANY + strings("😀", "😀x")),
        TypedCol("u3", "VARCHAR(8) CHARACTER SET utf8mb3", "text", ANY, strings("😀")),
        TypedCol("u16", "VARCHAR(8) CHARACTER SET utf16", "text", ANY + strings("😀")),
        TypedCol("uc", "VARCHAR(8) CHARACTER SET ucs2", "text", ANY, strings("😀")),
        TypedCol("k", "VARCHAR(8) CHARACTER SET koi8r", "text", strings("", "a", "Ж", "ж", "мир"), strings("ä", "日")),
        TypedCol("g", "VARCHAR(8) CHARACTER SET gbk COLLATE gbk_bin", "text", strings("", "a", "日本", "中"), strings("😀")),
        TypedCol("w", "VARBINARY(8)", "bytes", strings("", "a", "ä", "\x7f") + ["x'00'", "x'FF'", "x'E4'"]),
    ],
    # MySQL sorts the names in documents (new ones sort last here), refuses bad texts with 3140 (MariaDB: 4025), and knows no part at a path that is not there.
    "json": [
        TypedCol("j", "JSON", "json", [quote(t) for t in (
            '{"a": 1, "b": [1, 2, {"c": null}], "d": "x"}', '[1, "a", true, null, 2.5]', '"text"', '12', 'null', '{}', '[]', '[[1, 2], [3, [4]]]', '{"a": 0, "k": {"k": {"k": 7}}}', '{"a": "1", "z": [0]}',
            '[{"a": 1}, {"a": 2}, {"b": "ä"}]')]),
        TypedCol("p", "VARCHAR(20)", "path", strings("$", "$.a", "$.b[2].c", "$[0]", "$[1]", "$.k.k", "$[0].a", "$.zz", "$.b")),
        TypedCol("v", "VARCHAR(10)", "word", strings("a", "x", "1", "ä", "")),
        TypedCol("i", "INT", "int", ["0", "1", "2", "7", "-3"]),
    ],
}


class TypedTable(Table):
    def __init__(self, g, name, cols):
        super().__init__(name, [])
        self.typed = cols
        self.idx = [[c.name] for c in cols if c.family not in ("json",) and g.p(.35)]

    def ddl(self):
        parts = ["id INT NOT NULL", *(f"{c.name} {c.declared}" for c in self.typed), "PRIMARY KEY (id)"]
        parts += [f"KEY k{i} ({', '.join(u)})" for i, u in enumerate(self.idx)]
        return f"CREATE TABLE {self.name} ({', '.join(parts)})"


def make_tables(g, features):
    """For each feature of ours two tables with some of its columns."""
    out = {}
    for n, f in enumerate(f for f in COLUMNS if f in features):
        out[f] = []
        for i in range(2):
            cols = g.r.sample(COLUMNS[f], max(3, len(COLUMNS[f]) - g.pick([0, 1, 3])))
            out[f].append(TypedTable(g, f"y{n}{i}", cols))
    return out


def setup(g):
    out = []
    for tables in g.typed.values():
        for t in tables:
            rows = []
            for i in range(1, g.pick([6, 12, 20])):
                rows.append("(" + ", ".join([str(i), *("NULL" if g.p(.15) else g.pick(c.good) for c in t.typed)]) + ")")
            out += [t.ddl(), f"INSERT INTO {t.name} VALUES " + ", ".join(rows)]
    return out


EXPRS = {
    "number": ["{a} + 0", "{a} * 2", "{a} % 3", "{a} DIV 2", "-{a}", "ABS({a})", "{a} & 3", "{a} | 4", "HEX({a})", "LENGTH({a})", "CAST({a} AS CHAR)", "CAST({a} AS UNSIGNED)", "CAST({a} AS DECIMAL(20,2))",
               "IF({a}, 1, 0)", "COALESCE({a}, {l})", "IFNULL({a}, 'none')", "NULLIF({a}, {l})", "CASE {a} WHEN {l} THEN 'w' ELSE 'e' END", "{a} IS TRUE", "{a} = {b}", "ELT({a} + 0, 'p', 'q', 'r')", "{a}"],
    "enum": ["CONCAT({a}, '-')", "UPPER({a})", "{a} LIKE '%a%'", "FIELD({a}, 'b', 'ü')", "LOCATE('a', {a})", "CHAR_LENGTH({a})", "LEFT({a}, 1)", "{a} > 'b'", "REPLACE({a}, 'a', 'x')"],
    "set": ["CONCAT({a}, '-')", "FIND_IN_SET('x', {a})", "{a} LIKE '%x%'", "{a} & 2", "CHAR_LENGTH({a})", "REPLACE({a}, ',', ';')", "{a} = 'x,y'", "MAKE_SET({a} + 0, '1', '2', '3')"],
    "bit": ["BIN({a} + 0)", "OCT({a} + 0)", "{a} << 1", "{a} >> 1", "BIT_COUNT({a})", "{a} ^ 5", "HEX(CAST({a} AS BINARY))", "CONV({a} + 0, 10, 16)"],
    "year": ["CONCAT({a}, '!')", "{a} - 2000", "{a} = '24'", "{a} = 24", "MAKEDATE({a}, 1)", "{a} > '1999'"],
    "real": ["ROUND({a}, 1)", "{a} / 3", "CONCAT({a})", "FLOOR({a})", "TRUNCATE({a}, 1)", "{a} = 1.01"],
    "time": ["HOUR({a})", "{a} + 0", "ADDTIME({a}, '-01:00:00')", "{a} > '10:00:00'", "TIME_FORMAT({a}, '%H %i %s %f')", "CAST({a} AS TIME(2))", "MICROSECOND({a})"],
    "date": ["YEAR({a})", "{a} + 0", "{a} + INTERVAL 1 MONTH", "DATEDIFF({a}, '2024-01-01')", "{a} = '2024-02-29'", "{a} > 20240101", "CAST({a} AS DATETIME)", "DATE_FORMAT({a}, '%d.%m.%y')", "LAST_DAY({a})", "TO_DAYS({a})"],
    "ts": ["{a}", "UNIX_TIMESTAMP({a})", "DATE({a})", "HOUR({a})", "{a} + INTERVAL 1 DAY", "{a} - INTERVAL 90 MINUTE", "{a} + 0", "{a} > {l}", "{a} = {b}", "CONVERT_TZ({a}, @@time_zone, '+00:00')", "CONVERT_TZ({a}, '+00:00', 'Asia/Kolkata')",
           "TIMESTAMPDIFF(HOUR, {a}, '2024-06-01 00:00:00')", "CAST({a} AS CHAR)", "DATE_FORMAT({a}, '%H:%i %d')"],
    "dt": ["{a}", "UNIX_TIMESTAMP({a})", "CONVERT_TZ({a}, '+00:00', z)", "CONVERT_TZ({a}, z, 'Europe/Berlin')", "CONVERT_TZ({a}, 'America/New_York', '-03:30')", "{a} + INTERVAL 1 HOUR", "{a} < {b}"],
    "int": ["{a} + {n}", "{a}"],
    "zone": ["{a}"],
    "text": ["{a}", "HEX({a})", "LENGTH({a})", "CHAR_LENGTH({a})", "BIT_LENGTH({a})", "ORD({a})", "ASCII({a})", "UPPER({a})", "LOWER({a})", "REVERSE({a})", "LEFT({a}, 1)", "SUBSTRING({a}, 2)", "MD5({a})", "CRC32({a})", "TO_BASE64({a})",
             "HEX(CONVERT({a} USING utf16))", "HEX(CONVERT({a} USING latin1))", "HEX(CONVERT({a} USING utf8mb4))", "HEX(CONVERT({a} USING gbk))", "HEX(CAST({a} AS BINARY))", "HEX(CAST({a} AS CHAR(2) CHARACTER SET utf32))",
             "CONCAT({a}, 'x')", "HEX(CONCAT({a}, 'ä'))", "CONCAT({a}, {n})", "HEX(CONCAT({a}, {n}))", "LOCATE('b', {a})", "REPLACE({a}, 'a', 'bb')", "LPAD({a}, 3, '*')", "CHARSET({a})", "COLLATION({a})", "CHARSET(CONCAT({a}, 'x'))",
             "COERCIBILITY({a})", "{a} = {l}", "{a} LIKE 'a%'", "{a} = _latin1 x'E4'", "{a} = _utf8mb4 'ä'", "{a} = {b}", "{a} < {b}", "CHARSET(CONCAT({a}, {b}))", "HEX(CONCAT({a}, {b}))", "TRIM({a})",
             "HEX(REPEAT({a}, 2))", "FIELD({a}, {l}, 'a')", "QUOTE(COALESCE({a}, 'n'))", "STRCMP({a}, {l})"],
    "bytes": ["HEX({a})", "LENGTH({a})", "HEX(CONCAT({a}, 'ä'))", "CHARSET({a})", "HEX(CONVERT(CONVERT({a} USING latin1) USING utf8mb4))", "{a} = 'a'", "HEX(UPPER({a}))", "HEX(REVERSE({a}))", "ORD({a})"],
    "path": ["{a}"],
    "word": ["{a}", "LENGTH({a})", "UPPER({a})", "CONCAT({a}, 'x')"],
    "json": ["JSON_EXTRACT({a}, {path})", "JSON_UNQUOTE(JSON_EXTRACT({a}, {path}))", "JSON_LENGTH({a})", "JSON_LENGTH({a}, {path})", "JSON_DEPTH({a})", "JSON_TYPE({a})", "JSON_VALID({a})", "JSON_KEYS({a})", "JSON_CONTAINS({a}, '1')",
             "IFNULL(JSON_CONTAINS({a}, '1', {path}), 0)", "JSON_CONTAINS_PATH({a}, 'one', {path}, '$.zz')", "JSON_CONTAINS_PATH({a}, 'all', {path})", "JSON_SET({a}, '$.a', i)", "JSON_INSERT({a}, '$.nn', 'new')", "JSON_REPLACE({a}, '$.a', NULL)",
             "JSON_REMOVE({a}, '$.a')", "JSON_ARRAY_APPEND({a}, '$', 1)", "JSON_ARRAY_INSERT({a}, '$[0]', 'f')", "JSON_MERGE_PATCH({a}, '{{\"a\": 5}}')", "JSON_MERGE_PRESERVE({a}, '[9]')", "JSON_SEARCH({a}, 'one', 'x')", "JSON_VALUE({a}, '$.a')",
             "JSON_ARRAY(i, v, NULL)", "JSON_OBJECT('k', i, 'v', v)", "JSON_QUOTE(v)", "JSON_ARRAY({a}, 1)", "JSON_OVERLAPS({a}, '[1, 9]')", "JSON_EXTRACT({a}, '$.*')", "JSON_EXTRACT({a}, '$[*].a')", "JSON_EXTRACT({a}, '$**.a')"],
}
# MySQL lets a negative DOUBLE become UNSIGNED, and takes the bytes of a BIT for text where they are none.
NOT_OF = {"real": ["CAST({a} AS UNSIGNED)"], "bit": ["CAST({a} AS CHAR)"]}
NUMERIC = ("enum", "set", "bit", "year", "real")
PATHS = ["'$'", "'$.a'", "'$.b'", "'$[0]'", "'$[1]'", "'$.b[2].c'", "'$.k.k'"]
AGGREGATES = ["COUNT({a})", "COUNT(DISTINCT {a})", "MIN({a})", "MAX({a})"]
ZONES = ["+00:00", "+05:30", "-11:00", "SYSTEM", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "nowhere/land", "+15:00"]


def fill(g, template, t, a=None):
    a = a or g.pick(t.typed)
    alike = [c for c in t.typed if c.family == a.family] if a.family in ("text", "time", "date") or g.p(.6) else [c for c in t.typed if c.family not in ("time", "date")]
    if a.family == "ts":  # MariaDB reads a column of numbers as dates there, MySQL compares both as numbers
        alike = [c for c in alike if c.family != "int"]
    return template.format(a=a.name, b=g.pick(alike).name, l=g.pick(a.good), n=g.pick(NUMBERS), path=g.pick(PATHS))


def expr(g, t, names):
    a = g.pick(t.typed)
    have = {c.name for c in t.typed}
    o = [e for e in EXPRS["number"] if e not in NOT_OF.get(a.family, ())] + 2 * EXPRS[a.family] if a.family in NUMERIC else EXPRS[a.family]
    for _ in range(20):
        e = g.pick(o)
        if not any(f"{x}" in e.replace("(", " ").replace(")", " ").replace(",", " ").split() and x not in have for x in ("z", "i", "v")):
            return fill(g, e, t, a)
    return a.name


def cond(g, t):
    a = g.pick([c for c in t.typed if c.family not in ("json", "path")] or t.typed)
    k = g.r.random()
    if k < .15:
        return f"{a.name} IS {g.pick(['', 'NOT '])}NULL"
    if k < .3 and a.family not in ("text", "word", "bytes", "zone", "ts", "dt", "time", "date"):
        return f"{a.name} {g.pick(OPS)} {g.pick([n for n in NUMBERS if a.family != 'int' or '.' not in n])}"  # MariaDB rounds what it looks for in an index
    if k < .45:
        return f"{a.name} {g.pick(['', 'NOT '])}IN ({', '.join(g.pick(a.good) for _ in range(3))})"
    good = a.good
    if a.family == "real":  # MariaDB rounds what it looks for in an index
        good = [v for v in good if v not in ("1.005", "1.0005", "-2.345", "-2.3455", "0.125", "999999.99")]
    low, high = g.pick(good), g.pick(good)
    if k < .6 and (a.family not in ("enum", "set") or (low[0] == "'") == (high[0] == "'")):
        return f"{a.name} BETWEEN {low} AND {high}"
    return f"{a.name} {g.pick(OPS)} {low}"


def where(g, t):
    return " WHERE " + g.pick([" AND ", " OR "]).join(cond(g, t) for _ in range(g.pick([1, 1, 2]))) if g.p(.6) else ""


def change(g, t):
    """An INSERT or UPDATE, now and then with values that do not fit."""
    ignore = g.pick(["", "", "IGNORE "])
    k = g.r.random()
    value = lambda c: "NULL" if g.p(.1) else g.pick(c.bad) if c.bad and g.p(.12) else g.pick(c.good)
    if k < .4:
        g.next_id += 1
        return f"INSERT {ignore}INTO {t.name} VALUES ({', '.join([str(g.next_id), *map(value, t.typed)])})"
    a = g.pick(t.typed)
    if k < .75:
        return f"UPDATE {ignore}{t.name} SET {a.name} = {value(a)}{where(g, t)}"
    if k < .9:
        # MariaDB cuts a TIMESTAMP(6) that goes into a TIMESTAMP, MySQL rounds it
        b = g.pick([c for c in t.typed if c.family == a.family and (a.name, c.name) != ("ts", "t6")])
        return f"UPDATE {ignore}{t.name} SET {a.name} = {b.name} WHERE id % 4 = {g.pick('0123')}"
    return f"DELETE FROM {t.name} WHERE {cond(g, t)} AND id > 5"


def statement(g, feature):
    t = g.pick(g.typed[feature])
    k = g.r.random()
    if k < .22:
        return Stmt(feature, change(g, t), (), (t.name,))
    if k < .35:
        a = g.pick([c for c in t.typed if c.family not in ("json", "path")] or t.typed)
        agg = [fill(g, g.pick(AGGREGATES + (["SUM({a})", "BIT_OR({a})"] + ["AVG({a})"] * (a.family in ("bit", "year")) if a.family in NUMERIC and a.family != "real" else [])), t, a) for _ in range(2)]
        if a.family in ("enum", "set"):  # MariaDB takes the first number of an index for the first text
            agg = [e.replace(f"MIN({a.name})", f"MIN(CONCAT({a.name}))").replace(f"MAX({a.name})", f"MAX(CONCAT({a.name}))") for e in agg]
        if g.p(.5):
            return Stmt(feature, f"SELECT {', '.join(f'{e} AS x{i}' for i, e in enumerate(agg))} FROM {t.name}{where(g, t)}")
        if a.family in ("text", "bytes", "enum", "set"):  # which one of equal texts stands for the group is open
            return Stmt(feature, f"SELECT COUNT(*), MIN(id), MAX(id) FROM {t.name}{where(g, t)} GROUP BY {a.name}")
        return Stmt(feature, f"SELECT {a.name}, COUNT(*) FROM {t.name}{where(g, t)} GROUP BY {a.name} ORDER BY 1", (0,))
    if k < .45:
        a = g.pick([c for c in t.typed if c.family not in ("json", "path")] or t.typed)
        return Stmt(feature, f"SELECT id FROM {t.name}{where(g, t)} ORDER BY {a.name}{g.pick(['', ' DESC'])}, id LIMIT {g.pick([3, 10, 100])}", (0,))
    if k < .55:
        u = g.typed[feature][1 - g.typed[feature].index(t)]
        pairs = [(c, d) for c in t.typed for d in u.typed if c.family == d.family and c.family not in ("json", "path") and (c is d or c.family != "bit")]  # MariaDB cuts BIT(8) to look for it in an index of BIT(1)
        if pairs:
            c, d = g.pick(pairs)
            return Stmt(feature, f"SELECT a.id, b.id FROM {t.name} a JOIN {u.name} b ON a.{c.name} = b.{d.name}")
    items = [expr(g, t, None) for _ in range(g.pick([1, 2, 3]))]
    return Stmt(feature, f"SELECT id, {', '.join(f'{e} AS x{i}' for i, e in enumerate(items))} FROM {t.name}{where(g, t)}")


def gen_types(g):
    return [statement(g, "types")]


def gen_charset(g):
    return [statement(g, "charset")]


def gen_json(g):
    return [statement(g, "json")]


def gen_tz(g):
    out = [Stmt("tz", f"SET time_zone = {quote(g.pick(ZONES))}")]
    if g.p(.3):
        out.append(Stmt("tz", f"SELECT FROM_UNIXTIME({g.pick(COLUMNS['tz'][3].good)}), UNIX_TIMESTAMP({g.pick(COLUMNS['tz'][2].good)})"))
    return out + [statement(g, "tz") for _ in range(3)] + [Stmt("tz", "SET time_zone = '+00:00'")]
