# SPDX-License-Identifier: Apache-2.0
"""Every code of every character set is the character that it is for the reference server, every character of the Basic Multilingual
Plane becomes the code that it becomes there, and the collations of these sets put all of them into the order that they have there."""
import quell
from harness import main

ONE = "latin1 ascii cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 koi8r koi8u latin2 latin5 latin7 greek hebrew tis620 macce macroman keybcs2 armscii8 geostd8 dec8 hp8 swe7".split()
TWO = "big5 gbk gb2312 sjis cp932 euckr ujis eucjpms".split()
# A backslash is 5C in sjis here, as clients need it, and 815F there; U+6661 has no code in cp932 and U+FFFD is no character of any set.
KNOWN = {("sjis", "5C"), ("cp932", "E699A1"), ("tis620", "EFBFBD"), ("big5", "EFBFBD")}

server, reference = quell.Server(), quell.MariaDB()
server.start()
reference.start()
cursors = []


def close_all():
    server.__exit__(None, None, None)
    reference.__exit__(None, None, None)


def fill(table, values):
    for cur in cursors:
        for i in range(0, len(values), 5000):
            cur.execute(f"INSERT INTO {table} VALUES " + ",".join(f"(0x{v})" for v in values[i:i + 5000]))


def setup():
    if cursors:
        return
    for s in (server, reference):
        cur = s.connect(charset="utf8mb4", autocommit=True).cursor()
        cur.execute("CREATE DATABASE m")
        cur.execute("USE m")
        cur.execute("SET sql_mode = ''")
        for table in ("one", "two", "three", "chars"):
            cur.execute(f"CREATE TABLE {table} (c VARBINARY(4))")
        cursors.append(cur)
    fill("one", [f"{b:02X}" for b in range(256)])
    fill("two", [f"{k:04X}" for k in range(0x8000, 0x10000)])
    fill("three", [f"8F{a:02X}{b:02X}" for a in range(0xa1, 0xff) for b in range(0xa1, 0xff)])
    fill("chars", [chr(c).encode().hex().upper() for c in range(0xffff) if not 0xd800 <= c < 0xe000])


def both(sql):
    answers = []
    for cur in cursors:
        cur.execute(sql)
        answers.append(dict(cur.fetchall()))
    return answers


def one_character(text):
    """The reference server says '?' and goes on where there is no character, this one NULL."""
    s = bytes.fromhex(text or "").decode()
    return s if len(s) == 1 and s not in "?\ufffd" else None


def test_codes():
    setup()
    for cs in ONE + TWO:
        for table in ["one"] + ["two"] * (cs in TWO) + ["three"] * (cs in ("ujis", "eucjpms")):
            own, ref = both(f"SELECT HEX(c), HEX(CONVERT(CONVERT(c USING {cs}) USING utf8mb4)) FROM {table}")
            differ = {k: (own[k], ref[k]) for k in ref if one_character(own[k]) != one_character(ref[k])}
            assert not differ, (cs, table, len(differ), list(differ.items())[:5])


def test_characters():
    setup()
    for cs in ONE + TWO + ["ucs2", "utf16", "utf16le", "utf32", "utf8mb3"]:
        own, ref = both(f"SELECT HEX(c), HEX(CONVERT(CONVERT(c USING utf8mb4) USING {cs})) FROM chars")
        differ = {k: (own[k], ref[k]) for k in ref if own[k] != ref[k] and (cs, k) not in KNOWN}
        assert not differ, (cs, len(differ), list(differ.items())[:5])


# ICU's rules of the language stand for these (docs/differences-from-mysql.md).
BY_LANGUAGE = {"latin1_german2_ci", "latin2_czech_cs", "cp1250_czech_cs", "tis620_thai_ci", "gbk_chinese_ci", "big5_chinese_ci"}
LIKE_A_LETTER = {("gb2312_chinese_ci", "7E"), ("gb2312_chinese_ci", "5D")}  # a tilde is a Y there, a bracket a Z


def groups(cur, table, cs, collation, known):
    """The characters in the order of the collation; of one-byte codes also which ones are equal."""
    cur.execute(f"SELECT HEX(c) FROM {table} ORDER BY CONVERT(c USING {cs}) COLLATE {collation}, c")
    codes = [r[0] for r in cur.fetchall() if r[0] in known]
    if table == "two":
        return codes, ()
    listed = ", ".join(f"0x{k}" for k in sorted(known))
    cur.execute(f"SELECT HEX(MIN(c)), COUNT(*) FROM {table} WHERE c IN ({listed}) GROUP BY CONVERT(c USING {cs}) COLLATE {collation} ORDER BY 1")
    return codes, cur.fetchall()


def test_orders():
    setup()
    own, ref = cursors
    own.execute("SHOW COLLATION")
    ours = {r[0]: r[1] for r in own.fetchall()}
    ref.execute("SHOW COLLATION WHERE Id < 1000")
    theirs = {r[0]: r[1:3] for r in ref.fetchall()}
    bad = []
    for collation, cs in ours.items():
        if cs not in ONE + TWO or collation in BY_LANGUAGE or collation not in theirs:
            continue
        for table in ["one"] + ["two"] * (cs in TWO):
            # Codes that are one character, and how that is written. Control characters are behind spaces that do not count here, in front of them there.
            decoded, _ = both(f"SELECT HEX(c), HEX(CAST(CONVERT(c USING {cs}) AS BINARY)) FROM {table} WHERE CHAR_LENGTH(CONVERT(c USING {cs})) = 1")
            known = {k for k, v in decoded.items() if k == v and k > "20" and (collation, k) not in LIKE_A_LETTER}
            a, b = groups(own, table, cs, collation, known), groups(ref, table, cs, collation, known)
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a[0], b[0])) if x != y), None)
                bad.append((collation, table, "order", a[0][max(at - 1, 0):at + 3], b[0][max(at - 1, 0):at + 3]) if at is not None else
                           (collation, table, "equal", [x for x in a[1] if x not in b[1]][:4], [x for x in b[1] if x not in a[1]][:4]))
    assert not bad, "\n".join(map(str, bad))


def test_list():
    """Ids, sets, defaults and padding of the collations that both have."""
    setup()
    own, ref = cursors
    own.execute("SELECT COLLATION_NAME, CHARACTER_SET_NAME, ID, IS_DEFAULT FROM information_schema.COLLATIONS")
    ours = {r[0]: r[1:] for r in own.fetchall()}
    ref.execute("SELECT COLLATION_NAME, CHARACTER_SET_NAME, ID, IS_DEFAULT FROM information_schema.COLLATIONS WHERE ID < 300")
    differ = []
    for name, cs, number, default in ref.fetchall():
        if name in ours and ours[name] != (cs, number, default) and cs != "utf8mb4":
            differ.append((name, ours[name], (cs, number, default)))
    assert not differ, differ
    assert len(ours) == 286


if __name__ == "__main__":
    main(globals())
