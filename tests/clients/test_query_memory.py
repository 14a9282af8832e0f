# SPDX-License-Identifier: Apache-2.0
"""What a statement keeps does not grow with rows that it refuses, nor with the rows of an enclosing block: each statement here stays far
below a limit (connection_memory_limit, 4082) that what passes through it exceeds many times over."""
import quell
from harness import main

server = quell.Server()


def setup():
    with server.connect() as c, c.cursor() as cur:
        cur.execute("CREATE DATABASE d")
        cur.execute("CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
        cur.execute("CREATE TABLE d.small (id INT PRIMARY KEY, v INT)")
        digits = "(SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
        cur.execute(f"INSERT INTO d.t SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n, a.n FROM {digits} a, {digits} b, {digits} c, {digits} d")
        cur.execute("INSERT INTO d.small SELECT id, v FROM d.t WHERE id < 1000")
        c.commit()


def within(megabytes, sql):
    with server.connect(database="d") as c, c.cursor() as cur:
        cur.execute(f"SET connection_memory_limit = {megabytes << 20}")
        cur.execute(sql)
        return cur.fetchall()


def test_top_rows():
    """10,000 rows with keys of 4 KB, all but the first ten refused."""
    got = within(16, "SELECT id FROM t ORDER BY CONCAT(REPEAT('k', 4000), LPAD(id, 8, '0')) LIMIT 10")
    assert got == tuple((i,) for i in range(10)), got


def test_top_rows_replaced():
    """The other way round: each row throws one out."""
    got = within(16, "SELECT id FROM t ORDER BY CONCAT(REPEAT('k', 4000), LPAD(9999 - id, 8, '0')) LIMIT 10")
    assert got == tuple((9999 - i,) for i in range(10)), got


def test_order_by_limit_in_a_correlated_subquery():
    """1,000 times a sort that has room for 5,000 rows."""
    got = within(16, "SELECT COUNT(*) FROM small o WHERE o.v IN (SELECT x.v FROM (SELECT 1) one JOIN small x ON x.id = o.id) AND "
                     "EXISTS (SELECT 1 FROM small i WHERE i.id BETWEEN o.id AND o.id + 3 ORDER BY i.v LIMIT 5000)")
    assert got == ((1000,),), got


def test_subquery_of_many_rows():
    """1,000,000 rows of a subquery with ten values."""
    got = within(16, "SELECT COUNT(*) FROM small WHERE v IN (SELECT a.v + 0 FROM t a JOIN small b WHERE b.id < 100)")
    assert got == ((1000,),), got
    got = within(16, "SELECT COUNT(*) FROM small WHERE CONCAT(v) + 0.5 NOT IN (SELECT CONCAT(a.v) FROM t a JOIN small b WHERE b.id < 30)")
    assert got == ((1000,),), got


def test_correlated_subquery_of_many_rows():
    """1,000 times 300 rows, each converted before it is compared."""
    got = within(16, "SELECT COUNT(*) FROM small o WHERE o.v + 0.5 > ALL (SELECT CONCAT(-i.v) FROM small i WHERE i.id < 300 + 0 * o.id)")
    assert got == ((1000,),), got


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    setup()
    main(globals())
