# SPDX-License-Identifier: Apache-2.0
"""A statement of comments alone does nothing and succeeds; one of nothing at all is error 1065."""
import pymysql

import quell
from harness import main

server = quell.Server()


def run(sql):
    with server.connect() as c, c.cursor() as cur:
        try:
            return cur.execute(sql)
        except pymysql.MySQLError as e:
            return e.args[0]


def test_comments():
    for sql in ("-- comment", "/* comment */", "# comment", " /* a */ -- b", "/*! */", "/*!99999 SELECT 1 */", "/* a */;", "-- a\n"):
        assert run(sql) == 0, (sql, run(sql))


def test_nothing():
    for sql in ("", " ", ";", "\n\t "):
        assert run(sql) == 1065, (sql, run(sql))


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    server.__enter__()
    main(globals())
