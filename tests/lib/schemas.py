# SPDX-License-Identifier: Apache-2.0
"""Schemas with rows, made from a seed: `lending` (a library's branches, titles, copies, loans; in the shape of what people use to learn joins) and `staff`
(people, units, pay over time; in the shape of what people use to measure). The rows are known here too, so that a test knows every answer.

    python3 schemas.py lending 2 > lending.sql    # scale 2, as a script"""
import datetime
import random
import sys

WORDS = ("amber basin cedar delta ember fjord grove haven inlet juniper knoll lagoon meadow nettle orchard pebble quarry ridge saddle tundra "
         "upland valley willow yarrow zephyr").split()
FIRST = "Ada Bo Cleo Dag Eva Finn Gus Hana Ines Jon Kaja Leo Mira Nils Olga Per Rut Siv Tor Una".split()
LAST = "Abel Brandt Castro Dahl Ek Falk Gran Holm Iversen Jung Krog Lund Moe Nord Osei Park Quist Rask Sand Thorn".split()
DAY = datetime.date(2020, 1, 1)


def day(n):
    return DAY + datetime.timedelta(days=n)


class Table:
    def __init__(self, name, definition, columns):
        self.name, self.definition, self.columns, self.rows = name, definition, columns.split(), []

    def add(self, *row):
        self.rows.append(row)

    def of(self, column):
        i = self.columns.index(column)
        return [r[i] for r in self.rows]


def lending(scale=1, seed=1):
    """[Table], [view]"""
    rnd = random.Random(seed)
    region = Table("region", "(region_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, UNIQUE KEY name (name)) COMMENT='where branches are'",
                   "region_id name")
    branch = Table("branch", "(branch_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, region_id SMALLINT UNSIGNED NOT NULL, street VARCHAR(60) NOT NULL, "
                   "opened DATE DEFAULT NULL, KEY region_id (region_id), CONSTRAINT branch_region FOREIGN KEY (region_id) REFERENCES region (region_id) ON UPDATE CASCADE)", "branch_id region_id street opened")
    author = Table("author", "(author_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(30) NOT NULL, last_name VARCHAR(30) NOT NULL, KEY whole_name (last_name, first_name))",
                   "author_id first_name last_name")
    title = Table("title", "(title_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, about TEXT, year_made SMALLINT DEFAULT NULL, "
                  "fee DECIMAL(5,2) NOT NULL DEFAULT '2.50', pages INT UNSIGNED DEFAULT NULL, changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY name (name), "
                  "KEY year_fee (year_made, fee))", "title_id name about year_made fee pages changed")
    wrote = Table("wrote", "(author_id INT UNSIGNED NOT NULL, title_id INT UNSIGNED NOT NULL, share DECIMAL(4,3) DEFAULT NULL, PRIMARY KEY (author_id, title_id), KEY title_id (title_id), "
                  "CONSTRAINT wrote_author FOREIGN KEY (author_id) REFERENCES author (author_id) ON UPDATE CASCADE, CONSTRAINT wrote_title FOREIGN KEY (title_id) REFERENCES title (title_id) ON DELETE CASCADE)",
                  "author_id title_id share")
    copy = Table("copy", "(copy_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title_id INT UNSIGNED NOT NULL, branch_id SMALLINT UNSIGNED NOT NULL, tag BINARY(4) NOT NULL, "
                 "UNIQUE KEY tag (tag), KEY where_it_is (branch_id, title_id), CONSTRAINT copy_title FOREIGN KEY (title_id) REFERENCES title (title_id), "
                 "CONSTRAINT copy_branch FOREIGN KEY (branch_id) REFERENCES branch (branch_id) ON DELETE RESTRICT)", "copy_id title_id branch_id tag")
    member = Table("member", "(member_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, mail VARCHAR(80) CHARACTER SET ascii COLLATE ascii_general_ci DEFAULT NULL, "
                   "branch_id SMALLINT UNSIGNED NOT NULL, active TINYINT(1) NOT NULL DEFAULT '1', joined DATETIME(3) NOT NULL, photo BLOB, UNIQUE KEY mail (mail), KEY branch_id (branch_id), "
                   "CONSTRAINT member_branch FOREIGN KEY (branch_id) REFERENCES branch (branch_id))",
                   "member_id name mail branch_id active joined photo")
    loan = Table("loan", "(loan_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, copy_id INT UNSIGNED NOT NULL, member_id INT UNSIGNED NOT NULL, taken DATE NOT NULL, returned DATE DEFAULT NULL, "
                 "paid DECIMAL(7,2) NOT NULL, rating DOUBLE DEFAULT NULL, UNIQUE KEY once (taken, copy_id, member_id), KEY copy_id (copy_id), KEY member_id (member_id), "
                 "CONSTRAINT loan_copy FOREIGN KEY (copy_id) REFERENCES copy (copy_id), CONSTRAINT loan_member FOREIGN KEY (member_id) REFERENCES member (member_id) ON DELETE CASCADE)",
                 "loan_id copy_id member_id taken returned paid rating")
    for i in range(1, 9):
        region.add(i, f"{WORDS[i * 3 % 25]} {i}")
    for i in range(1, 13):
        branch.add(i, rnd.randint(1, 8), f"{rnd.randint(1, 90)} {rnd.choice(WORDS)} road", None if i == 7 else day(rnd.randint(-9000, 0)))
    for i in range(1, 80 * scale + 1):
        author.add(i, rnd.choice(FIRST), rnd.choice(LAST))
    for i in range(1, 300 * scale + 1):
        about = None if i % 11 == 0 else " ".join(rnd.choice(WORDS) for _ in range(rnd.randint(3, 40)))
        title.add(i, f"The {rnd.choice(WORDS)} of {rnd.choice(LAST)}'s \u00e5{i}", about, None if i % 13 == 0 else rnd.randint(1900, 2024), f"{rnd.randint(50, 999) / 100:.2f}",
                  rnd.randint(20, 900), datetime.datetime(2024, 5, 1, 12, 0, i % 60))
        for a in rnd.sample(range(1, 80 * scale + 1), rnd.randint(1, 3)):
            wrote.add(a, i, f"{rnd.randint(1, 1000) / 1000:.3f}")
    for i in range(1, 900 * scale + 1):
        copy.add(i, rnd.randint(1, 300 * scale), rnd.randint(1, 12), i.to_bytes(4, "big"))
    for i in range(1, 200 * scale + 1):
        member.add(i, f"{rnd.choice(FIRST)} {rnd.choice(LAST)}", None if i % 9 == 0 else f"m{i}@example.org", rnd.randint(1, 12), int(i % 10 != 0),
                   datetime.datetime(2020, 1, 1, 8, 0, 0, 1000 * (i % 1000)) + datetime.timedelta(hours=i), bytes(rnd.randrange(256) for _ in range(i % 40)) if i % 4 == 0 else None)
    seen = set()
    while len(loan.rows) < 4000 * scale:
        c, m, t = rnd.randint(1, 900 * scale), rnd.randint(1, 200 * scale), rnd.randint(0, 1500)
        if (c, m, t) not in seen:
            seen.add((c, m, t))
            loan.add(len(loan.rows) + 1, c, m, day(t), None if t > 1450 else day(t + rnd.randint(0, 40)), f"{rnd.randint(0, 3000) / 100:.2f}", rnd.choice([None, 0.5, 1.25, 3, 4.75, 1e-3]))
    views = [("member_loans", "SELECT m.member_id AS member_id, m.name AS name, COUNT(l.loan_id) AS loans, SUM(l.paid) AS paid FROM member m LEFT JOIN loan l ON l.member_id = m.member_id GROUP BY m.member_id, m.name"),
             ("open_loans", "SELECT l.loan_id AS loan_id, l.taken AS taken, t.name AS title FROM loan l JOIN copy c ON c.copy_id = l.copy_id JOIN title t ON t.title_id = c.title_id WHERE l.returned IS NULL")]
    return [region, branch, author, title, wrote, copy, member, loan], views


def staff(scale=1, seed=2):
    rnd = random.Random(seed)
    person = Table("person", "(person_no INT NOT NULL, born DATE NOT NULL, first_name VARCHAR(14) NOT NULL, last_name VARCHAR(16) NOT NULL, code CHAR(1) NOT NULL, hired DATE NOT NULL, PRIMARY KEY (person_no))",
                   "person_no born first_name last_name code hired")
    unit = Table("unit", "(unit_no CHAR(4) NOT NULL, unit_name VARCHAR(40) NOT NULL, PRIMARY KEY (unit_no), UNIQUE KEY unit_name (unit_name))", "unit_no unit_name")
    belongs = Table("belongs", "(person_no INT NOT NULL, unit_no CHAR(4) NOT NULL, from_date DATE NOT NULL, to_date DATE NOT NULL, PRIMARY KEY (person_no, unit_no), KEY unit_no (unit_no), "
                    "CONSTRAINT belongs_person FOREIGN KEY (person_no) REFERENCES person (person_no) ON DELETE CASCADE, CONSTRAINT belongs_unit FOREIGN KEY (unit_no) REFERENCES unit (unit_no) ON DELETE CASCADE)",
                    "person_no unit_no from_date to_date")
    pay = Table("pay", "(person_no INT NOT NULL, amount INT NOT NULL, from_date DATE NOT NULL, to_date DATE NOT NULL, PRIMARY KEY (person_no, from_date), "
                "CONSTRAINT pay_person FOREIGN KEY (person_no) REFERENCES person (person_no) ON DELETE CASCADE)", "person_no amount from_date to_date")
    grade = Table("grade", "(person_no INT NOT NULL, grade VARCHAR(50) NOT NULL, from_date DATE NOT NULL, to_date DATE DEFAULT NULL, PRIMARY KEY (person_no, grade, from_date)) ENGINE=MyISAM",
                  "person_no grade from_date to_date")
    forever = datetime.date(9999, 1, 1)
    for i in range(1, 10):
        unit.add(f"u{i:03}", f"Unit of {WORDS[i]}")
    for i in range(10001, 10001 + 500 * scale):
        hired = rnd.randint(0, 1500)
        person.add(i, day(rnd.randint(-15000, -8000)), rnd.choice(FIRST), rnd.choice(LAST), rnd.choice("ABC"), day(hired))
        belongs.add(i, f"u{rnd.randint(1, 9):03}", day(hired), forever)
        grade.add(i, rnd.choice(["Engineer", "Senior Engineer", "Clerk"]), day(hired), None)
        amount, at = rnd.randint(30000, 60000), hired
        for _ in range(rnd.randint(1, 8)):
            until = at + 365
            pay.add(i, amount, day(at), day(until))
            amount, at = amount + rnd.randint(-500, 4000), until
        pay.rows[-1] = (*pay.rows[-1][:3], forever)
    views = [("now_paid", "SELECT person_no, amount FROM pay WHERE to_date = '9999-01-01'")]
    return [person, unit, belongs, pay, grade], views


SCHEMAS = {"lending": lending, "staff": staff}


def literal(v):
    if v is None:
        return "NULL"
    if isinstance(v, bytes):
        return f"x'{v.hex()}'" if v else "''"
    if isinstance(v, (int, float)):
        return repr(v)
    return "'" + str(v).replace("\\", "\\\\").replace("'", "''") + "'"


def statements(name, scale=1, rows=500, views=True):
    """The schema as SQL, in a database of its own name."""
    tables, defined = SCHEMAS[name](scale)
    yield f"DROP DATABASE IF EXISTS {name}"
    yield f"CREATE DATABASE {name} CHARACTER SET utf8mb4"
    for t in tables:
        yield f"CREATE TABLE {name}.{t.name} {t.definition}"
        for at in range(0, len(t.rows), rows):
            yield f"INSERT INTO {name}.{t.name} VALUES " + ",\n".join("(" + ", ".join(map(literal, r)) + ")" for r in t.rows[at:at + rows])
    yield f"USE {name}"
    for view, text in defined if views else ():
        yield f"CREATE VIEW {view} AS {text}"


def make(cur, name, scale=1, views=True):
    """Into the server of the cursor; returns {table name: Table}."""
    for sql in statements(name, scale, views=views):
        cur.execute(sql)
    return {t.name: t for t in SCHEMAS[name](scale)[0]}


if __name__ == "__main__":
    for sql in statements(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        print(sql + ";")
