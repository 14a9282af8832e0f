# SPDX-License-Identifier: Apache-2.0
"""Random definitions of tables and views: what SHOW CREATE says of one makes the same one again, in every sql_mode that reads its quotes so,
and with odd names. Statements that fail or are killed leave it as it was. `--seed=N` repeats a run, `--tables=N` makes it longer."""
import random
import sys
import threading

import pymysql

import quell
from harness import main

server = quell.Server().start()

NAMES = ["a", "B", "c d", "back`tick", "sel", "select", "ünï", "1st", "x.y", "q'uote", 'd"ouble', "per%cent", "\\slash", "Ω", "key", "$x", "-", "a#b", "/*c*/", "?", "@n", "é e", "_", "end;"]
WORDS = ["", "a", "it's", 'say "hi"', "back\\slash", "line\nbreak", "tab\t", "ünï", "日本", "100%", "a_b", "`tick`", ";--", "\\", "''", "😀", " lead", "trail ", "/*x*/", "\x1a"]
NUMBERS = ["TINYINT", "SMALLINT", "INT", "BIGINT", "INT UNSIGNED", "BIGINT UNSIGNED", "DECIMAL(10,2)", "DECIMAL(5)", "DOUBLE", "FLOAT", "TINYINT(1)"]
TEXTS = ["VARCHAR(20)", "CHAR(5)", "VARCHAR(200)", "VARBINARY(30)", "BINARY(4)"]
LONG = ["TEXT", "BLOB", "MEDIUMTEXT", "LONGTEXT", "TINYTEXT"]
TIMES = ["DATE", "DATETIME", "DATETIME(3)", "TIME", "TIME(6)", "TIMESTAMP NULL"]
MODES = ["", "ANSI_QUOTES", "PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE", "ANSI"]


def name(s):
    return "`" + s.replace("`", "``") + "`"


def text(s):
    return "'" + s.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\x1a", "\\Z") + "'"


class Maker:
    def __init__(self, seed):
        self.rnd = random.Random(seed)

    def one(self, *of):
        return self.rnd.choice(of)

    def chance(self, p):
        return self.rnd.random() < p

    def word(self):
        return text(self.rnd.choice(WORDS))

    # --- expressions over columns {name: "n" | "s" | "t"} ---

    def pick(self, cols, kind):
        fit = [c for c, k in cols.items() if k == kind]
        return self.prefix + name(self.rnd.choice(fit)) if fit and self.chance(0.8) else None

    prefix = ""

    def number(self, cols, d):
        got = self.pick(cols, "n") or self.one("0", "1", "17", "-3", "2.50", "1e3", "0x1F", "b'101'", "18446744073709551615")
        if d == 0 or self.chance(0.3):
            return got
        n, s, t = (lambda: self.number(cols, d - 1)), (lambda: self.string(cols, d - 1)), (lambda: self.time(cols, d - 1))
        return self.one(
            lambda: f"({n()} + {n()})", lambda: f"{n()} - {n()}", lambda: f"{n()} * {n()} + {n()}", lambda: f"-{got}", lambda: f"{n()} / 2", lambda: f"{n()} DIV 3",
            lambda: f"{n()} % 7", lambda: f"({n()} MOD 5)", lambda: f"({n()} & 3 | 4 ^ 1)", lambda: f"~({n()}) >> 2", lambda: f"ABS({n()})", lambda: f"LENGTH({s()})",
            lambda: f"CAST({s()} AS SIGNED)", lambda: f"CAST({n()} AS DECIMAL(12,3))", lambda: f"ROUND({n()}, 1)", lambda: f"YEAR({t()})", lambda: f"EXTRACT(YEAR_MONTH FROM {t()})",
            lambda: f"IF({self.cond(cols, d - 1)}, {n()}, {n()})", lambda: f"CASE WHEN {self.cond(cols, d - 1)} THEN {n()} ELSE {n()} END",
            lambda: f"CASE {n()} WHEN 1 THEN {n()} WHEN 2 THEN NULL END", lambda: f"COALESCE({n()}, {n()}, 0)", lambda: f"IFNULL({n()}, 5)", lambda: f"NULLIF({n()}, 1)",
            lambda: f"GREATEST({n()}, {n()})", lambda: f"LOCATE('b', {s()})", lambda: f"TIMESTAMPDIFF(DAY, {t()}, {t()})", lambda: f"CRC32({s()})", lambda: f"FIELD({n()}, 1, 2)")()

    def string(self, cols, d):
        got = self.pick(cols, "s") or self.word()
        if d == 0 or self.chance(0.3):
            return got
        n, s, t = (lambda: self.number(cols, d - 1)), (lambda: self.string(cols, d - 1)), (lambda: self.time(cols, d - 1))
        return self.one(
            lambda: f"CONCAT({s()}, {s()})", lambda: f"UPPER({s()})", lambda: f"SUBSTRING({s()}, 2, 3)", lambda: f"SUBSTRING({s()} FROM 2)", lambda: f"TRIM({s()})",
            lambda: f"TRIM(LEADING 'x' FROM {s()})", lambda: f"TRIM(BOTH {self.word()} FROM {s()})", lambda: f"LPAD({s()}, 9, '*')", lambda: f"REPLACE({s()}, 'a', {self.word()})",
            lambda: f"CAST({n()} AS CHAR(10))", lambda: f"CONVERT({s()} USING utf8mb4)", lambda: f"{got} COLLATE utf8mb4_bin" if "`" not in got else got, lambda: f"HEX({n()})",
            lambda: f"DATE_FORMAT({t()}, '%Y-%m %W')", lambda: f"IF({self.cond(cols, d - 1)}, {s()}, 'no')", lambda: f"LEFT({s()}, 2)", lambda: f"CAST({s()} AS BINARY(3))",
            lambda: f"REPEAT({s()}, 2)", lambda: "_latin1'abc'", lambda: "N'nat'", lambda: "x'4142'", lambda: "'two' ' parts'", lambda: f"INSERT({s()}, 1, 1, 'z')",
            lambda: f"MAKE_SET(3, {s()}, 'b')", lambda: f"WEIGHT({s()})" if False else f"MD5({s()})")()

    def time(self, cols, d):
        got = self.pick(cols, "t") or self.one("DATE'2020-02-29'", "TIMESTAMP'2020-01-02 03:04:05.6'", "'2021-03-04'")
        if d == 0 or self.chance(0.4):
            return got
        t = (lambda: self.time(cols, d - 1))
        return self.one(lambda: f"{t()} + INTERVAL 1 DAY", lambda: f"{t()} - INTERVAL '1:2' HOUR_MINUTE", lambda: f"DATE_ADD({t()}, INTERVAL {self.number(cols, 0)} MONTH)",
                        lambda: f"DATE({t()})", lambda: f"LAST_DAY({t()})", lambda: f"CAST({t()} AS DATETIME(2))", lambda: f"TIMESTAMPADD(WEEK, 2, {t()})")()

    def cond(self, cols, d):
        n, s, t = (lambda: self.number(cols, max(d - 1, 0))), (lambda: self.string(cols, max(d - 1, 0))), (lambda: self.time(cols, max(d - 1, 0)))
        simple = [lambda: f"{n()} {self.one('=', '<', '>=', '<>', '!=', '<=>')} {n()}", lambda: f"{s()} LIKE {self.word()}", lambda: f"{s()} NOT LIKE 'a|%' ESCAPE '|'",
                  lambda: f"{n()} BETWEEN 1 AND {n()}", lambda: f"{n()} NOT BETWEEN {n()} AND 9", lambda: f"{n()} IN (1, {n()}, NULL)", lambda: f"{s()} NOT IN ('x', {self.word()})",
                  lambda: f"{n()} IS NULL", lambda: f"{s()} IS NOT NULL", lambda: f"({n()} > 1) IS TRUE", lambda: f"{n()} IS NOT UNKNOWN", lambda: f"{s()} REGEXP '^[a-c]+$'", lambda: f"{t()} < {t()}",
                  lambda: f"({n()}, {n()}) = (1, 2)", lambda: f"{s()} = {self.word()}"]
        if d <= 0 or self.chance(0.5):
            return self.rnd.choice(simple)()
        c = (lambda: self.cond(cols, d - 1))
        return self.one(lambda: f"({c()} AND {c()})", lambda: f"({c()} OR {c()})", lambda: f"NOT ({c()})", lambda: f"({c()} XOR {c()})", lambda: f"({c()} AND ({c()} OR {c()}))", lambda: f"!({c()})")()

    def any(self, cols, kind, d):
        return {"n": self.number, "s": self.string, "t": self.time}[kind](cols, d)

    # --- tables ---

    def column(self, cols, c):
        kind = self.one("n", "n", "s", "s", "t", "l")
        t = self.rnd.choice({"n": NUMBERS, "s": TEXTS, "t": TIMES, "l": LONG}[kind])
        out = f"{name(c)} {t}"
        if kind in "sl" and "B" not in t[:4].replace("VARB", "B") and self.chance(0.2):
            out += self.one(" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", " COLLATE utf8mb4_general_ci", " CHARACTER SET latin1")
        generated = cols and kind in "nst" and self.chance(0.25)
        if generated:
            out += f"{self.one(' GENERATED ALWAYS', '')} AS ({self.any(cols, kind, 2)}) {self.one('VIRTUAL', 'STORED', '')}"
            out += self.one("", "", " NOT NULL") + self.one("", " COMMENT " + self.word())
        else:
            out += self.one("", "", " NOT NULL") if "NULL" not in t else ""
            what = self.one("none", "none", "value", "expr", "now")
            if what == "value" and kind in "ns":
                out += " DEFAULT " + (self.one("0", "1", "'7'", "-1" if "UNSIGNED" not in t else "2") if kind == "n" else text(self.rnd.choice([w for w in WORDS if len(w.encode()) <= 4 and w != "trail "])))
            elif what == "expr":
                out += f" DEFAULT ({self.any({}, 's' if kind == 'l' else kind, 2)})"
            elif what == "now" and ("DATETIME" in t or "TIMESTAMP" in t):
                fsp = t[t.index("("):t.index(")") + 1] if "(" in t else ""
                out += f" DEFAULT CURRENT_TIMESTAMP{fsp}" + self.one("", f" ON UPDATE CURRENT_TIMESTAMP{fsp}")
            out += self.one("", "", " COMMENT " + self.word()) + self.one("", "", "", " INVISIBLE")
            if self.chance(0.1):
                out += f" CHECK ({self.cond({c: 's' if kind == 'l' else kind}, 1)})" + self.one("", " NOT ENFORCED")
        cols[c] = "s" if kind == "l" else kind
        return out, kind == "l" or t == "VARCHAR(200)"

    def key(self, i, cols, long):
        def part():
            if self.chance(0.3):
                kind = self.one("n", "t")
                return f"({self.number(cols, 1) if kind == 'n' else self.cond(cols, 0)})" + self.one("", " DESC")
            c = self.rnd.choice(sorted(cols))
            return name(c) + ("(7)" if c in long else "") + self.one("", "", " DESC")
        parts = list({p.split(" DESC")[0]: p for p in (part() for _ in range(self.rnd.randint(1, 3)))}.values())
        return f"{self.one('KEY', 'KEY', 'UNIQUE KEY')} {name(self.rnd.choice(NAMES) + str(i))} ({', '.join(parts)})" + \
            self.one("", " USING BTREE") + self.one("", " COMMENT " + self.word()) + self.one("", "", " INVISIBLE")

    def table(self, t):
        names = self.rnd.sample(NAMES, self.rnd.randint(2, 8))
        cols, long, parts = {}, set(), []
        for c in names:
            d, is_long = self.column(cols, c)
            parts.append(d)
            if is_long:
                long.add(c)
        if self.chance(0.6):
            parts.insert(0, self.one("id INT NOT NULL AUTO_INCREMENT PRIMARY KEY", "id INT, PRIMARY KEY (id DESC)", "id BIGINT UNSIGNED NOT NULL COMMENT 'k' PRIMARY KEY"))
            cols["id"] = "n"
        parts += [self.key(i, cols, long) for i in range(self.rnd.randint(0, 3))]
        for i in range(self.rnd.randint(0, 2)):
            c = f"CONSTRAINT {name(t + self.rnd.choice(NAMES) + str(i))} " if self.chance(0.5) else ""
            parts.append(f"{c}CHECK ({self.cond(cols, 2)})" + self.one("", "", " NOT ENFORCED"))
        if self.chance(0.3):
            c = self.rnd.choice(NAMES) + "fk"
            parts.append(f"{name(c)} INT")
            parts.append(self.one("", f"CONSTRAINT {name(t + c)} ") + f"FOREIGN KEY ({name(c)}) REFERENCES {name('p`arent')} (id)" +
                         self.one("", " ON DELETE CASCADE", " ON DELETE SET NULL ON UPDATE CASCADE", " ON UPDATE RESTRICT", " ON DELETE NO ACTION"))
        options = self.one("", " COMMENT = " + self.word()) + self.one("", " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", " DEFAULT CHARSET=latin1") + \
            self.one("", " AUTO_INCREMENT=77" if "AUTO_INCREMENT" in parts[0] else "")
        return f"CREATE TABLE {name(t)} ({', '.join(parts)}){options}", cols

    # --- views ---

    def view(self, v, t, cols):
        m = self.one("join", "plain", "group", "union", "derived", "cte", "sub")
        self.prefix = "x."
        c = {k: v for k, v in cols.items() if not k.endswith("fk")}
        items = ", ".join(f"{self.any(c, self.one('n', 's', 't'), 2)} AS {name(n)}" for n in self.rnd.sample(NAMES, self.rnd.randint(1, 4)))
        where = self.one("", f" WHERE {self.cond(c, 2)}")
        src = f"FROM {name(t)} AS x"
        if m == "join":
            src = f"{src} {self.one('JOIN', 'LEFT JOIN', 'RIGHT JOIN')} {name(t)} AS {name('y`')} ON {self.cond(c, 1)}"
        if m == "derived":
            src = f"FROM (SELECT * {src} LIMIT 5 OFFSET 1) AS x"
        if m == "sub":
            where = f" WHERE {self.number(c, 1)} {self.one('IN', 'NOT IN', '> ALL', '= ANY')} (SELECT {self.number(c, 1)} FROM {name(t)} AS z) AND EXISTS (SELECT 1 FROM {name(t)} AS w WHERE {self.cond(c, 1)})"
        q = f"SELECT {self.one('', 'DISTINCT ')}{items} {src}{where}"
        if m == "group":
            g = self.number(c, 1)
            q = f"SELECT {g} AS g, COUNT(*), SUM({self.number(c, 1)}) AS s, GROUP_CONCAT(DISTINCT {self.string(c, 0)} ORDER BY 1 SEPARATOR {self.word()}) AS gc {src}{where} GROUP BY g HAVING COUNT(*) > 0"
        if m == "union":
            q = f"{q} {self.one('UNION', 'UNION ALL')} {q}"
        if m == "cte":
            q = f"WITH {name('w i')} AS ({q}) SELECT * FROM {name('w i')}"
        elif m in ("plain", "join") and self.chance(0.4):
            q += f" ORDER BY 1{self.one('', ' DESC')} LIMIT 3"
        self.prefix = ""
        return f"CREATE {self.one('', 'ALGORITHM=MERGE ', 'ALGORITHM=TEMPTABLE ')}{self.one('', 'SQL SECURITY INVOKER ')}VIEW {name(v)} AS {q}"


def option(what, otherwise):
    return next((int(a.split("=")[1]) for a in sys.argv if a.startswith(f"--{what}=")), otherwise)


def run(cur, sql):
    try:
        cur.execute(sql)
        return 0
    except pymysql.MySQLError as e:
        assert e.args[0] not in (1064, 2013, 2006, 1105), (sql, e)
        return e.args[0]


def shown(cur, kind, what, mode=""):
    cur.execute(f"SET sql_mode = '{mode}'")
    cur.execute(f"SHOW CREATE {kind} {name(what) if 'ANSI' not in mode else what}")
    row = cur.fetchone()
    cur.execute("SET sql_mode = DEFAULT")
    return row[1]


def again(cur, kind, what, mode):
    """Dropped and made from what SHOW CREATE says of it, both in that mode."""
    was = shown(cur, kind, what)
    statement = shown(cur, kind, what, mode)
    cur.execute(f"DROP {kind} {name(what)}")
    cur.execute(f"SET sql_mode = '{mode}'")
    try:
        cur.execute(statement)
    except pymysql.MySQLError as e:
        raise AssertionError((mode, statement, e)) from None
    cur.execute("SET sql_mode = DEFAULT")
    assert shown(cur, kind, what) == was, (mode, statement, was, shown(cur, kind, what))


def fresh(cur):
    cur.execute("DROP DATABASE IF EXISTS d")
    cur.execute("CREATE DATABASE d CHARACTER SET utf8mb4")
    cur.execute("USE d")
    cur.execute(f"CREATE TABLE {name('p`arent')} (id INT PRIMARY KEY)")


def test_round_trips():
    seed, tables = option("seed", 1), option("tables", 60)
    made = refused = views = 0
    with server.connect(charset="utf8mb4") as c, c.cursor() as cur:
        fresh(cur)
        for i in range(seed, seed + tables):
            m = Maker(i)
            sql, cols = m.table("t")
            try:
                if run(cur, sql):
                    refused += 1
                    continue
                made += 1
                again(cur, "TABLE", "t", m.rnd.choice(MODES))
                for _ in range(3):
                    if run(cur, m.view("v", "t", cols)) == 0:
                        views += 1
                        again(cur, "VIEW", "v", m.rnd.choice(MODES))
                        cur.execute("DROP VIEW v")
                cur.execute("DROP TABLE t")
            except AssertionError as e:
                raise AssertionError(f"--seed={i} --tables=1\n{sql}\n{e}") from None
    print(f"# {made} tables, {views} views made again; {refused} tables were refused")
    assert made > tables / 3 and views > tables / 2 or tables < 50


FAILING = ["ADD COLUMN zz INT, ADD COLUMN zz INT", "ADD CHECK (1 = 2)", "ADD PRIMARY KEY (zz)", "ADD UNIQUE KEY zz ((1))", "DROP COLUMN zz", "ADD zz INT AS (yy)", "ADD FOREIGN KEY (id) REFERENCES nowhere (id)",
           "MODIFY COLUMN num DATE", "ADD CONSTRAINT c CHECK (num < 0)", "RENAME COLUMN id TO num", "ADD zz INT DEFAULT (yy + 1)", "ALTER INDEX zz INVISIBLE", "DROP CHECK zz"]
LASTING = ["ADD COLUMN extra VARCHAR(20) DEFAULT (CONCAT('a', 'b'))", "DROP COLUMN extra", "ADD KEY k1 ((num * 2), num)", "DROP KEY k1", "MODIFY num BIGINT NOT NULL COMMENT 'it''s'", "MODIFY num INT",
           "ADD CONSTRAINT positive CHECK (num >= 0)", "DROP CHECK positive", "ADD g VARCHAR(30) AS (CONCAT(num, '`'))", "DROP COLUMN g", "COMMENT = 'x'", "RENAME COLUMN num TO `n m`", "RENAME COLUMN `n m` TO num", "FORCE"]


def test_failed_and_killed():
    rnd = random.Random(option("seed", 1))
    with server.connect() as c, server.connect() as k, c.cursor() as cur, k.cursor() as killer:
        fresh(cur)
        cur.execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, num INT) COMMENT = 'the one'")
        cur.execute("INSERT INTO t (num) VALUES (1), (2), (3), (4)")
        for _ in range(8):
            cur.execute("INSERT INTO t (num) SELECT num + id FROM t")
        victim, stop = c.thread_id(), threading.Event()

        def kill():
            while not stop.is_set():
                killer.execute(f"KILL QUERY {victim}")

        def definition():
            while True:
                try:
                    return shown(cur, "TABLE", "t")
                except pymysql.MySQLError as e:
                    assert e.args[0] == 1317, e

        done = failed = killed = 0
        thread = threading.Thread(target=kill)
        try:
            was = definition()
            for i in range(200):
                if i == 60:
                    thread.start()
                code = run(cur, "ALTER TABLE t " + rnd.choice(FAILING if rnd.random() < 0.4 else LASTING) + rnd.choice(["", "", ", ALGORITHM=COPY"]))
                now = definition()
                assert code == 0 or now == was, (code, was, now)
                done, failed, killed, was = done + (code == 0), failed + (code not in (0, 1317)), killed + (code == 1317), now
        finally:
            stop.set()
            if thread.ident is not None:
                thread.join()
        print(f"# {done} done, {failed} failed, {killed} killed")
        again(cur, "TABLE", "t", "")
        assert failed > 0 and killed > 0, (done, failed, killed)


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
