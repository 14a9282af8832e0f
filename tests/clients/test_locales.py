# SPDX-License-Identifier: Apache-2.0
"""Every locale of lc_time_names and FORMAT beside the reference server: names of all days and months, numbers with and without groups."""
import re

import quell
from harness import main

server, reference = quell.Server().start(), quell.MariaDB().start()
NAMES = re.findall(r"^QL_LOCALE\((\w+),", (quell.ROOT / "src/types/locales.def").read_text(), re.M)
FORMS = [f"DATE_FORMAT('2024-{i:02d}-01', '%M %b'), MONTHNAME('2024-{i:02d}-01')" for i in range(1, 13)]
FORMS += [f"DATE_FORMAT('2024-01-{i:02d}', '%W|%a'), DAYNAME('2024-01-{i:02d}')" for i in range(1, 8)]


def answers(s, name):
    numbers = [f"FORMAT({n}, {d}, '{name}')" for n in (0, 1, 12, 123, 1234, 12345, 123456, 1234567, 12345678901234, -1, -123, -1234, -1234567.125, 0.5) for d in (0, 1, 3)]
    with s.connect() as c, c.cursor() as cur:
        cur.execute(f"SET NAMES utf8mb4, lc_time_names = '{name}'")
        cur.execute("SELECT @@lc_time_names, " + ", ".join(FORMS + numbers))
        return cur.fetchall()[0]


def test_all_locales():
    assert len(NAMES) == 111 == len(set(NAMES))
    for name in NAMES:
        want, got = answers(reference, name), answers(server, name)
        assert want == got, (name, [(w, g) for w, g in zip(want, got) if w != g])


def test_numbers():
    for s in (server,):
        with s.connect() as c, c.cursor() as cur:
            for i, name in enumerate(NAMES):
                cur.execute(f"SET lc_time_names = {i}")
                cur.execute("SELECT @@lc_time_names")
                assert cur.fetchone() == (name,)


def close_all():
    quell.stop_all([server, reference])


if __name__ == "__main__":
    main(globals())
