# SPDX-License-Identifier: Apache-2.0
"""The statements of difftest.py: a generator for each feature."""
from gen import KIND_SUB, VALUES, Ref, Stmt, quote
from typed_columns import gen_charset, gen_json, gen_types, gen_tz


def gen_basic(g):
    frm, sc, t = g.table()
    if g.p(.04):
        return [Stmt("basic", g.pick([f"SELECT nosuch FROM {frm}", "SELECT * FROM nosuch", f"SELECT id FROM {frm} WHERE",
                                      f"SELECT a9.id FROM {frm}", f"SELECT id FROM {frm} ORDER BY nosuch",
                                      f"SELECT id FROM {frm} ORDER BY 2", "SELECT", f"SELEC id FROM {frm}"]))]
    if g.p(.1):
        return [Stmt("basic", f"SELECT * FROM {frm}{g.where(sc)}")]
    if g.p(.06):                             # index-only shapes and the like
        c = g.pick(sc).sql
        return [Stmt("basic", f"SELECT {c} AS x1 FROM {frm}{g.where(sc, 1, 0)} ORDER BY {c} DESC", (0,))]
    sql, _, pos = g.select(frm, sc, where=g.where(sc, depth=2))
    return [Stmt("basic", sql, pos)]


def gen_agg(g):
    frm, sc, t = g.table()
    if g.p(.04):
        return [Stmt("agg", g.pick([f"SELECT id FROM {frm} WHERE COUNT(*) > 1", f"SELECT SUM(MAX(id)) FROM {frm}",
                                    f"SELECT COUNT(*) FROM {frm} GROUP BY COUNT(*)", f"SELECT COUNT(nosuch) FROM {frm}"]))]
    if g.p(.15):
        frm, sc = g.join(2)
    keys = []
    for _ in range(g.pick([0, 1, 1, 1, 2])):
        c = g.pick(sc)
        keys.append(g.pick([c.sql] * 4 + [f"({g.col('int', sc)} % 3)", f"({g.cond(sc, 0)})"]))
    keys = list(dict.fromkeys(k for k in keys if "(" in k or "." in k))
    aggs = [g.agg(sc) for _ in range(g.pick([1, 1, 2, 3]))]
    its = keys + aggs
    names = [f"x{i + 1}" for i in range(len(its))]
    by = ""
    if keys:
        plain = all("(" not in k for k in keys)
        by = " GROUP BY " + ", ".join(k if plain and g.p(.6) else str(i + 1) for i, k in enumerate(keys))
    o, pos = g.order(len(its), False, names)
    if keys and plain and g.p(.1) and not any("DISTINCT" in a or "CONCAT" in a for a in aggs):
        by, o, pos = " GROUP BY " + ", ".join(keys) + " WITH ROLLUP", "", ()
    having = ""
    if g.p(.3) and "ROLLUP" not in by:
        c = g.pick([x for x in sc if x.kind == "int"]).sql
        having = " HAVING " + g.pick([f"COUNT(*) {g.pick(['>', '=', '<='])} {g.pick('123')}", f"MAX({c}) > 3",
                                      f"SUM({c}) BETWEEN -10 AND 100", f"x{len(its)} IS NOT NULL", f"COUNT({c}) <> 0"])
    return [Stmt("agg", f"SELECT {', '.join(f'{e} AS {a}' for e, a in zip(its, names))} FROM {frm}"
                        f"{g.where(sc)}{by}{having}{o}", pos)]


def gen_join(g):
    if g.p(.04):
        a, b = g.r.sample(g.tables, 2)
        return [Stmt("join", g.pick([f"SELECT id FROM {a.name}, {b.name}", f"SELECT 1 FROM {a.name} JOIN {a.name}",
                                     f"SELECT 1 FROM {a.name} a JOIN {b.name} b ON a.nosuch = b.id",
                                     f"SELECT 1 FROM {a.name} LEFT JOIN {b.name}"]))]
    if g.p(.08):
        a, b = g.r.sample(g.tables, 2)
        k = g.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN"])
        return [Stmt("join", f"SELECT id, a.{g.pick(a.cols).name} AS x2, b.{g.pick(b.cols).name} AS x3 FROM {a.name} a "
                             f"{k} {b.name} b USING (id) ORDER BY 1, 2, 3", (0, 1, 2))]
    if g.p(.06):
        a, b, c = (g.pick(g.tables) for _ in range(3))
        frm = f"{a.name} a LEFT JOIN ({b.name} b {g.pick(['JOIN', 'LEFT JOIN'])} {c.name} c ON b.id = c.id) ON a.id = b.id"
        sc = a.refs("a") + b.refs("b") + c.refs("c")
    else:
        frm, sc = g.join()
    sql, _, pos = g.select(frm, sc)
    return [Stmt("join", sql, pos)]


def gen_sub(g):
    frm, sc, t = g.table("a")
    k = g.r.random()
    if k < .04:
        b = g.pick(g.tables).name
        return [Stmt("sub", g.pick([f"SELECT id FROM {frm} WHERE id IN (SELECT id, id FROM {b})",
                                    f"SELECT (SELECT id, id FROM {b} LIMIT 1) FROM {frm}",
                                    f"SELECT (SELECT z.id FROM {b}) FROM {frm}"]))]
    if k < .25:
        text, sc = g.derived("d")
        frm = f"({text}) AS d"
        if g.p(.4):
            f2, s2, _ = g.table("b")
            x, y = g.pick(sc), g.pick(s2)
            same = [z for z in s2 if z.kind == x.kind] or [y]
            frm += f" {g.pick(['JOIN', 'LEFT JOIN'])} {f2} ON {x.sql} = {g.pick(same).sql}"
            sc = sc + s2
        sql, _, pos = g.select(frm, sc)
        return [Stmt("sub", sql, pos)]
    if k < .35:
        frm, sc = g.join(2)
    where = " WHERE " + g.pick([" AND ", " OR "]).join(
        [g.subcond(sc)] + [g.pick([g.subcond, lambda s: g.cond(s, 0)])(sc) for _ in range(g.pick([0, 0, 1]))])
    if k < .6:
        its = [g.scalar(sc) if g.p(.7) else f"CASE WHEN {g.subcond(sc)} THEN 1 ELSE 0 END", g.pick(sc).sql]
        o, pos = g.order(2)
        return [Stmt("sub", f"SELECT {its[0]} AS x1, {its[1]} AS x2 FROM {frm}"
                            f"{g.pick(['', g.where(sc), where])}{o}", pos)]
    sql, _, pos = g.select(frm, sc, where=where)
    return [Stmt("sub", sql, pos)]


def gen_set(g):
    if g.p(.04):
        a, b = g.pick(g.tables).name, g.pick(g.tables).name
        return [Stmt("set", f"SELECT id FROM {a} UNION SELECT id, id FROM {b}")]
    kinds = [g.pick(["int", "int", "str", "dec", "date", "dbl", "dt"]) for _ in range(g.r.randint(1, 3))]
    parts, par = [], g.p(.3)
    for _ in range(g.pick([2, 2, 3])):
        frm, sc, _ = g.table()
        s = g.select(frm, sc, kinds=kinds, order=par and g.p(.5), force=True)[0]
        parts.append(f"({s})" if par else s)
    sql = parts[0]
    for s in parts[1:]:
        sql += g.pick([" UNION ", " UNION ALL ", " UNION DISTINCT "]) + s
    o, pos = g.order(len(kinds))
    if g.p(.15):
        return [Stmt("set", f"SELECT COUNT(*) AS x1, MAX(x1) AS x2 FROM ({sql}) AS u")]
    return [Stmt("set", sql + o, pos)]


def gen_func(g):
    frm, sc, t = g.table()
    if g.p(.06):                             # overflow errors, where every row is evaluated
        b = [c for c in sc if c.sub in ("bigint", "uint")]
        if b:
            return [Stmt("func", f"SELECT {g.pick(b).sql} {g.pick(['+', '-'])} {g.pick(['1', '4294967295'])} AS x1 FROM {frm}")]
    if g.p(.1):
        its = g.items([Ref("NULL", "int", "int")], g.r.randint(1, 4), True)
        return [Stmt("func", "SELECT " + ", ".join(f"{e} AS x{i}" for i, (e, _) in enumerate(its)))]
    sql, _, pos = g.select(frm, sc, fn=True, distinct=.05)
    return [Stmt("func", sql, pos)]


def gen_cte(g):
    t = g.pick(g.tables)
    k = g.r.random()
    if k < .12:
        n, s = g.pick([1, 5, 20]), g.pick([1, 2, 3])
        return [Stmt("cte", f"WITH RECURSIVE n AS (SELECT 1 AS x UNION {g.pick(['', 'ALL '])}SELECT x + {s} FROM n WHERE x < {n}) "
                            f"SELECT n.x, COUNT(a.id) AS x2 FROM n LEFT JOIN {t.name} a ON a.id = n.x GROUP BY n.x ORDER BY 1", (0,))]
    if k < .24:
        c = g.pick([c for c in t.refs("a") if c.sub == "int"] or [Ref("a.id", "int", "int")])
        return [Stmt("cte", f"WITH RECURSIVE r (i, p, lvl) AS (SELECT CAST(a.id AS SIGNED), CAST({c.sql} AS SIGNED), 0 FROM {t.name} a "
                            f"WHERE a.id < 4 UNION ALL SELECT CAST(a.id AS SIGNED), CAST({c.sql} AS SIGNED), r.lvl + 1 FROM {t.name} a JOIN r "
                            f"ON {c.sql} = r.i WHERE r.lvl < 2) SELECT i, p, lvl FROM r ORDER BY 1, 2, 3", (0, 1, 2))]
    if k < .28:
        return [Stmt("cte", g.pick([f"WITH c AS (SELECT id FROM {t.name}) SELECT nosuch FROM c",
                                    f"WITH c AS (SELECT id FROM {t.name}) SELECT x.id FROM c"]))]
    text, sc = g.derived("c")
    names = ", ".join(f"x{i + 1}" for i in range(len(sc)))
    head = f"WITH c{f' ({names})' if g.p(.3) else ''} AS ({text})"
    frm = "c"
    if g.p(.35):
        head += f", d AS (SELECT x1, x2 FROM c{g.where(sc, 1)})"
        frm = f"d AS c"
        sc = sc[:2]
    elif g.p(.4):
        frm, sc = "c JOIN c AS d ON c.x1 = d.x1", sc + [r._replace(sql="d" + r.sql[1:]) for r in sc]
    elif g.p(.5):
        x = g.pick(sc)
        b = [y for y in t.refs("b") if y.kind == x.kind]
        if b:
            frm, sc = f"{t.name} AS b LEFT JOIN c ON {g.pick(b).sql} = {x.sql}", sc + t.refs("b")
    sql, _, pos = g.select(frm, sc)
    return [Stmt("cte", f"{head} {sql}", pos)]


def gen_window(g):
    frm, sc, t = g.table("a")
    part = g.pick(["", f"PARTITION BY {g.pick(sc).sql} ", f"PARTITION BY {g.col('int', sc)} % 3 "])
    by, desc = g.pick(sc).sql, g.pick(["", " DESC"])
    full = f"{part}ORDER BY {by}{desc}, a.id"
    rows = g.pick(["", " ROWS UNBOUNDED PRECEDING", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
                   " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
                   " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"])
    v = g.pick(sc).sql
    o = [f"ROW_NUMBER() OVER ({full})", f"RANK() OVER ({part}ORDER BY {by}{desc})",
         f"DENSE_RANK() OVER ({part}ORDER BY {by}{desc})", f"NTILE({g.pick('123')}) OVER ({full})",
         f"LAG({v}) OVER ({full})", f"LEAD({v}, {g.pick('012')}) OVER ({full})", f"FIRST_VALUE({v}) OVER ({full}{rows})",
         f"LAST_VALUE({v}) OVER ({full}{rows})", f"NTH_VALUE({v}, 2) OVER ({full}{rows})",
         f"PERCENT_RANK() OVER ({part}ORDER BY {by}{desc})", f"CUME_DIST() OVER ({part}ORDER BY {by}{desc})",
         f"{g.agg(sc, True)} OVER ({full}{rows})", f"{g.agg(sc, True)} OVER ({part})", f"{g.agg(sc, True)} OVER ()",
         f"{g.agg(sc, True)} OVER ({part}ORDER BY {by}{desc})",
         f"SUM({g.col('int', sc)}) OVER ({part}ORDER BY {g.pick([c for c in sc if c.sub == 'int']).sql} RANGE BETWEEN 2 PRECEDING AND 3 FOLLOWING)"]
    its = g.r.sample(o, g.pick([1, 1, 2])) + ["a.id"]
    tail = ""
    if g.p(.15):
        its, tail = ["ROW_NUMBER() OVER w", g.agg(sc, True) + " OVER w", "a.id"], f" WINDOW w AS ({full})"
    if g.p(.1):
        return [Stmt("window", f"SELECT {by}, SUM(COUNT(*)) OVER (ORDER BY {by}) AS x2 FROM {frm} GROUP BY {by} ORDER BY 1", (0,))]
    od, pos = g.order(len(its), False)
    return [Stmt("window", f"SELECT {', '.join(f'{e} AS x{i + 1}' for i, e in enumerate(its))} FROM {frm}{g.where(sc)}{tail}{od}", pos)]


def assignment(g, t, sc, alias=""):
    """'col = expression' with one right result whatever the order of rows, and the column."""
    free = [c for c in t.cols if c.name not in t.ucols()]
    if not free:
        return None, None
    c = g.pick(free)
    mine = [r for r in sc if r.sql.rpartition(".")[2] in {x.name for x in free}] or sc
    n = alias + c.name
    k = g.r.random()
    if c.null and k < .1:
        return f"{n} = NULL", c
    if k < .15 and not alias:
        return f"{n} = DEFAULT" if c.default or c.null else f"{n} = NULL", c
    if k < .45 or c.kind in ("date", "dt"):
        same = [r for r in mine if r.kind == c.kind and r.sub == c.sub]
        return f"{n} = " + (g.pick(same).sql if same and g.p(.4) and c.null else g.val(c.sub)), c
    if c.kind == "str":
        return f"{n} = " + g.pick([f"CONCAT(COALESCE({n}, ''), 'n')", f"LEFT({n}, 2)", f"REVERSE({n})"]), c
    if c.kind == "int":
        base = f"CAST({n} AS SIGNED)" if c.sub == "uint" else f"({n} % 1009)" if c.sub == "bigint" else n
        return f"{n} = {base} {g.pick(['+ 1', '- 1', '* 2', '% 7'])}", c
    return f"{n} = {n} {g.pick(['+ 1', '* 2', '- 0.25', '* 0.5'])}", c


def pick_id(g):
    g.next_id += 1
    return g.pick([g.r.randint(1, 30), g.next_id, g.r.randint(25, 60)])


def dml_one(g):
    """(text, names of the tables it changes)"""
    t = g.pick(g.tables)
    sc, k, all_cols = t.refs(), g.r.random(), ", ".join(c.name for c in t.cols)
    if k < .24:                                                            # INSERT, REPLACE .. VALUES
        verb = g.pick(["INSERT INTO", "INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO"])
        n = g.pick([1, 1, 2, 4])
        rows = [g.row(t, ident=g.pick([pick_id(g), g.next_id + i + 1])) for i in range(n)]
        g.next_id += n
        return f"{verb} {t.name} ({all_cols}) VALUES " + ", ".join(f"({', '.join(r)})" for r in rows), [t.name]
    if k < .32:                                                            # some columns only
        names = {"id"} | {c.name for c in t.cols if (not c.null and not c.default) and g.p(.97) or g.p(.4)}
        cols = [c.name for c in t.cols if c.name in names]
        return f"INSERT INTO {t.name} ({', '.join(cols)}) VALUES ({', '.join(g.row(t, names, pick_id(g)))})", [t.name]
    if k < .44:                                                            # ON DUPLICATE KEY UPDATE
        rows = [g.row(t, ident=pick_id(g)) for _ in range(g.pick([1, 1, 2, 3]))]
        free = [c.name for c in t.cols if c.name not in t.ucols()]
        if free:
            c, a = g.pick(free), assignment(g, t, sc)[0]
            up = g.pick([f"{c} = VALUES({c})", f"{c} = VALUES({c})", a if "DEFAULT" not in a else f"{c} = {c}"])
            return (f"INSERT INTO {t.name} ({all_cols}) VALUES {', '.join(f'({chr(44).join(r)})' for r in rows)} "
                    f"ON DUPLICATE KEY UPDATE {up}"), [t.name]
    if k < .54:                                                            # INSERT .. SELECT
        s = g.pick(g.tables)
        src = []
        for c in t.cols[1:]:
            same = [r for r in s.refs("s") if r.sub == c.sub and next(x for x in s.cols if x.name == r.sql[2:]).null <= c.null]
            src.append(g.pick(same).sql if same and g.p(.7) else g.val(c.sub))
        g.next_id += 100
        verb = g.pick(["INSERT INTO", "INSERT INTO", "REPLACE INTO", "INSERT IGNORE INTO"])
        ident = f"CAST(s.id AS SIGNED) + {g.pick([g.next_id, g.next_id, 3])}"
        w = g.where(s.refs("s"), 1, 0) + " AND s.id < 1000"
        return f"{verb} {t.name} ({all_cols}) SELECT {', '.join([ident] + src)} FROM {s.name} AS s{w} ORDER BY s.id LIMIT 5", [t.name]
    if k < .70:                                                            # UPDATE
        a, c = assignment(g, t, sc)
        if not a or g.p(.08):
            a = f"id = id {g.pick(['+ 1', '+ 10'])}"
            return f"UPDATE {t.name} SET {a}{g.where(sc, None, 0)} ORDER BY id DESC", [t.name]
        if g.p(.3):
            a2, c2 = assignment(g, t, sc)
            a += ", " + a2 if c2 is not c and "= NULL" not in a2 + a and "DEFAULT" not in a2 + a and c2.sub == "dbl" else ""
        elif g.p(.15) and t.uniq:
            u = next(x for x in t.cols if x.name == t.uniq[0][0])
            a = f"{u.name} = {g.val(u.sub)}"
        w = g.where(sc, None, 0)
        if g.p(.25):
            w, tail = g.where(sc, 1, 0), g.pick(["", f" ORDER BY id{g.pick(['', ' DESC'])} LIMIT {g.pick('0125')}"])
            o = [x for x in g.tables if x is not t]
            return f"UPDATE {t.name} SET {a}{w} AND id IN (SELECT id FROM {g.pick(o).name}{g.where(sc[:1], 1, 0)}){tail}", [t.name]
        return f"UPDATE {t.name} SET {a}{w}{g.pick(['', f' ORDER BY id LIMIT {g.pick(chr(49) + chr(51))}'])}", [t.name]
    if k < .80:                                                            # DELETE
        w = g.where(sc, g.pick([1, 2]), 0)
        if g.p(.3):
            o = g.pick([x for x in g.tables if x is not t])
            return (f"DELETE FROM {t.name}{w} AND {g.pick(['', 'NOT '])}EXISTS (SELECT 1 FROM {o.name} AS s WHERE s.id = "
                    f"{t.name}.id)"), [t.name]
        return f"DELETE FROM {t.name}{w} ORDER BY id{g.pick(['', ' DESC'])} LIMIT {g.pick('1235')}", [t.name]
    a, b = g.r.sample(g.tables, 2)
    sc = a.refs("a") + b.refs("b")
    on = f"a.id = b.id{' AND ' + g.cond(sc, 0) if g.p(.4) else ''}"
    if k < .88:                                                            # multi-table UPDATE
        x, c = assignment(g, a, a.refs("a"), "a.")
        if x and a.pk == ["id"] == b.pk:
            src = [r.sql for r in b.refs("b") if r.sub == c.sub] if c.null else []
            if src and g.p(.6):
                x = f"a.{c.name} = {g.pick(src)}"
            return f"UPDATE {a.name} AS a JOIN {b.name} AS b ON {on} SET {x}{g.where(sc, None, 0)}", [a.name]
    if k < .96:                                                            # multi-table DELETE
        what, ts = g.pick([("a", [a.name]), ("a", [a.name]), ("a, b", [a.name, b.name])])
        j = g.pick(["JOIN", "JOIN", "LEFT JOIN"]) if what == "a" else "JOIN"
        form = "DELETE FROM {} USING {}" if g.p(.3) else "DELETE {} FROM {}"
        return form.format(what, f"{a.name} AS a {j} {b.name} AS b ON {on}") + g.where(sc, 2, 0), ts
    c = g.pick(t.cols[1:])                                                 # errors
    bad = {"int": "'zz'", "dec": "'zz'", "dbl": "'zz'", "str": quote("x" * 30), "date": "'2024-02-30'",
           "dt": "'2024-13-01 00:00:00'"}[c.kind]
    if c.sub in ("int", "uint") and g.p(.5):
        bad = g.pick(["99999999999", "-99999999999"])
    row = g.row(t, ident=pick_id(g))
    row[t.cols.index(c)] = bad
    return g.pick([f"INSERT INTO {t.name} VALUES ({', '.join(row)})", f"INSERT INTO {t.name} VALUES (1)",
                   f"INSERT INTO {t.name} (id, nosuch) VALUES (1, 2)", f"UPDATE {t.name} SET nosuch = 1",
                   f"INSERT INTO {t.name} (id, id) VALUES (1, 2)", f"DELETE FROM {t.name} WHERE nosuch = 1",
                   f"INSERT INTO {t.name} ({all_cols}) VALUES ({', '.join(['NULL'] + g.row(t, ident=0)[1:])})"]), [t.name]


def gen_dml(g, feature="dml"):
    g.dml = True
    try:
        sql, tables = dml_one(g)
    finally:
        g.dml = False
    return [Stmt(feature, sql, (), tuple(tables))]


def gen_txn(g):
    names, every, out, live = ["s1", "s2", "S1"], tuple(t.name for t in g.tables), [], []
    look = lambda aux: Stmt("txn", f"SELECT * FROM {g.pick(every)}", (), (), aux)
    auto = g.p(.2)
    out.append(Stmt("txn", "SET autocommit = 0" if auto else g.pick(["BEGIN", "START TRANSACTION", "BEGIN WORK"])))
    for _ in range(g.r.randint(2, 8)):
        k = g.r.random()
        if k < .45:
            out += gen_dml(g, "txn")
        elif k < .6:
            live.append(g.pick(names))
            out.append(Stmt("txn", f"SAVEPOINT {live[-1]}"))
        elif k < .72:
            out.append(Stmt("txn", f"ROLLBACK {g.pick(['TO SAVEPOINT', 'TO', 'WORK TO SAVEPOINT'])} "
                                   f"{g.pick(live if live and g.p(.85) else names)}", (), every))
        elif k < .78:
            out.append(Stmt("txn", f"RELEASE SAVEPOINT {g.pick(live if live and g.p(.85) else names)}"))
        else:
            out.append(look(g.p(.6)))
    k = g.r.random()
    if k < .08:                                     # implicit commit
        t = g.pick(every)
        out.append(Stmt("txn", g.pick([f"TRUNCATE TABLE {t}", "BEGIN", "START TRANSACTION"]), (), every))
        out += gen_dml(g, "txn")
    out.append(Stmt("txn", g.pick(["COMMIT", "ROLLBACK", "COMMIT WORK", "ROLLBACK"]), (), every))
    if auto:
        out.append(Stmt("txn", "SET autocommit = 1", (), every))
    return out + [look(True)]


FEATURES = {"basic": gen_basic, "agg": gen_agg, "join": gen_join, "sub": gen_sub, "set": gen_set, "func": gen_func,
            "dml": gen_dml, "txn": gen_txn, "cte": gen_cte, "window": gen_window, "types": gen_types, "tz": gen_tz, "charset": gen_charset, "json": gen_json}
