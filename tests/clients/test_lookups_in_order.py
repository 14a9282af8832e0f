# SPDX-License-Identifier: Apache-2.0
"""Many look-ups in a large index go through it in its order where the table whose rows ask can be read so: not by a shorter index in another order.
And semi- and anti-joins cost what they read, which ends at the first partner."""
import quell
from harness import main

server = quell.Server().start()
cur = server.connect(autocommit=True).cursor()


def ask(sql):
    cur.execute(sql)
    return cur.fetchall()


def plan(sql):
    return "\n".join(r[0] for r in ask("EXPLAIN FORMAT=TREE " + sql))


def test_setup():
    ask("CREATE DATABASE d")
    ask("USE d")
    ask("CREATE TABLE ten (n INT PRIMARY KEY)")
    ask("INSERT INTO ten VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
    numbers = "(SELECT a.n + 10*b.n + 100*c.n + 1000*d.n n FROM ten a, ten b, ten c, ten d) q"
    ask("CREATE TABLE person (id INT PRIMARY KEY, short INT NOT NULL, code INT NOT NULL, name CHAR(80) NOT NULL, KEY short (short), KEY code (code, short))")
    ask(f"INSERT INTO person SELECT n, n * 7919 MOD 10000, n * 31 MOD 10000, REPEAT('x', 80) FROM {numbers}")
    ask("CREATE TABLE visit (id INT PRIMARY KEY, person INT NOT NULL, code INT NOT NULL, note CHAR(100) NOT NULL, KEY person (person), KEY code (code))")
    for i in range(5):
        ask(f"INSERT INTO visit SELECT n + {i * 10000}, n * 3 DIV 2 MOD 9000, n * 7 MOD 8000, REPEAT('y', 100) FROM {numbers}")
    ask("ANALYZE TABLE person, visit")


def check(sql, words, without):
    p = plan(sql)
    assert all(w in p for w in words), p
    rows = ask(sql)
    for hint in without:
        assert ask(sql.replace("SELECT", f"SELECT /*+ {hint} */", 1)) == rows, hint


def test_anti():
    check("SELECT COUNT(*) FROM person p WHERE NOT EXISTS (SELECT 1 FROM visit v WHERE v.person = p.id)",
          ["Nested loop antijoin", "Table scan on p ", "Covering index lookup on v using person (person=p.id)"], ["NO_INDEX(p PRIMARY)", "INDEX(p short)"])
    check("SELECT COUNT(*) FROM person p LEFT JOIN visit v ON v.person = p.id WHERE v.id IS NULL",
          ["Nested loop antijoin", "Table scan on p ", "Covering index lookup on v using person (person=p.id)"], ["INDEX(p short)", "NO_INDEX(v)"])
    check("SELECT COUNT(*) FROM person p WHERE p.id NOT IN (SELECT person FROM visit v)", ["Nested loop antijoin", "Table scan on p "], ["NO_INDEX(p PRIMARY)"])


def test_semi():
    check("SELECT COUNT(*), SUM(p.id) FROM person p WHERE EXISTS (SELECT 1 FROM visit v WHERE v.person = p.id)",
          ["Nested loop semijoin", "Table scan on p ", "Covering index lookup on v using person (person=p.id)"], ["INDEX(p short)", "NO_INDEX(p PRIMARY)"])


def test_by_another_index():
    """By an index of the left table."""
    check("SELECT COUNT(*) FROM person p WHERE NOT EXISTS (SELECT 1 FROM visit v WHERE v.code = p.code)",
          ["Nested loop antijoin", "Covering index scan on p using code", "Covering index lookup on v using code (code=p.code)"], ["NO_INDEX(p code)"])


def test_hints_stay():
    assert "using short" in plan("SELECT COUNT(*) FROM person p USE INDEX (short) WHERE NOT EXISTS (SELECT 1 FROM visit v WHERE v.person = p.id)")


def test_few_rows():
    """Not worth another order."""
    p = plan("SELECT COUNT(*) FROM person p WHERE p.short < 100 AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.person = p.id)")
    assert "using short over (short < 100)" in p, p


def close_all():
    server.stop()


if __name__ == "__main__":
    main(globals())
