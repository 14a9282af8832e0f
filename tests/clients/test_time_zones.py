# SPDX-License-Identifier: Apache-2.0
"""Where time zones come from: TZ, --default-time-zone, the time zone database with damaged files and without files; and dumps between servers whose clocks
differ."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pymysql
import quell
from harness import main

ZONES = pathlib.Path("/usr/share/zoneinfo")


def fails(number, server, sql):
    try:
        server.query(sql)
    except pymysql.MySQLError as e:
        assert e.args[0] == number, e
        return
    raise AssertionError(f"went through: {sql}")


def started(env=None, args=()):
    return quell.Server(env=env, args=list(args)).start()


def test_system_zone():
    """TZ as a name, as a path, as a rule of POSIX, as nonsense; summer time is part of it."""
    for tz, winter, summer, name in (("Europe/Berlin", 1, 2, "CET"), (":America/New_York", -5, -4, "E"), (str(ZONES / "Asia/Tokyo"), 9, 9, "JST"),
                                     ("AAA-3BBB,M3.5.0,M10.5.0", 3, 4, ""), ("Europe/Atlantis", 0, 0, ""), ("", 0, 0, "")):
        with started({"TZ": tz}) as server:
            got = server.query("SELECT @@time_zone, UNIX_TIMESTAMP('2020-01-15 12:00:00'), UNIX_TIMESTAMP('2020-07-15 12:00:00'), FROM_UNIXTIME(1579089600), @@system_time_zone")[0]
            assert got[:3] == ("SYSTEM", 1579089600 - winter * 3600, 1594814400 - summer * 3600), (tz, got)
            assert got[3].hour == (12 + winter) % 24, (tz, got)
            assert got[4].startswith(name), (tz, got)
            assert server.query("SELECT CONVERT_TZ('2020-07-15 12:00:00', 'SYSTEM', '+00:00')")[0][0].hour == 12 - summer


def test_default_time_zone():
    with started(args=["--default-time-zone=asia/kolkata"]) as server:
        assert server.query("SELECT @@global.time_zone, @@session.time_zone, TIMEDIFF(NOW(), UTC_TIMESTAMP()) = '05:30:00'") == (("Asia/Kolkata", "Asia/Kolkata", 1),)
        server.query("SET GLOBAL time_zone = '-3:30'")
        assert server.query("SELECT @@time_zone, TIMEDIFF(NOW(), UTC_TIMESTAMP()) = '-03:30:00'") == (("-03:30", 1),)
    for bad in ("Europe/Atlantis", "+15:00", "", "../UTC"):
        server = quell.Server(args=[f"--default-time-zone={bad}"])
        server.start(wait=False)
        assert server.proc.wait(30) == 1
        server.proc = None
        assert "Unknown or incorrect time zone" in server.log_text(), server.log_text()
        server.remove()


def test_damaged_database():
    """A file that is cut, damaged, counts leap seconds or is no zone at all is an unknown zone; the others are there."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quell-zones-"))
    try:
        good = (ZONES / "Europe/Berlin").read_bytes()
        (folder / "Some").mkdir()
        for name, data in (("Good", good), ("Cut", good[:-10]), ("Short", good[:60]), ("Empty", b""), ("Text", b"no zone\n"), ("Huge", b"TZif2" + bytes(300000)),
                           ("Flipped", good[:44 + 20] + bytes([good[64] ^ 0x80]) + good[65:]), ("Newer", b"TZif9" + good[5:])):
            (folder / "Some" / name).write_bytes(data)
        (folder / "Loop").symlink_to(folder)
        (folder / "Gone").symlink_to(folder / "nowhere")
        os.mkfifo(folder / "Pipe")
        (folder / "Some" / ("x" * 100)).write_bytes(good)
        (folder / "Some" / "Secret").write_bytes(good)
        (folder / "Leap").write_bytes(leap_seconds(good))
        with started({"TZDIR": str(folder), "TZ": "UTC"}) as server:
            names = {r[0] for r in server.query("SELECT Name FROM mysql.time_zone_name")}
            assert {"Some/Good", "Some/Secret"} <= names and not {"Some/Text", "Some/Empty", "Pipe", "Gone", "Loop"} & names, names
            server.query("SET time_zone = 'some/good'")
            for bad in ("Some/Cut", "Some/Short", "Some/Empty", "Some/Text", "Some/Huge", "Leap", "Pipe", "Loop", "Gone", "Some", "Europe/Berlin", "Some/" + "x" * 100):
                fails(1298, server, f"SET time_zone = '{bad}'")
                assert server.query(f"SELECT CONVERT_TZ('2020-01-01', 'UTC', '{bad}')") == ((None,),), bad
            assert server.query("SELECT COUNT(DISTINCT Time_zone_id) FROM mysql.time_zone_transition")[0][0] >= 2
            assert str(server.query("SELECT CONVERT_TZ('2020-07-01', 'UTC', 'SOME/GOOD')")[0][0]) == "2020-07-01 02:00:00"
    finally:
        shutil.rmtree(folder)


def leap_seconds(good):
    """The same with one leap second in both blocks (RFC 8536, 3.1): counts at byte 28 of each header."""
    def block(data, moment):
        ut, std, leap, times, types, chars = (int.from_bytes(data[i:i + 4], "big") for i in range(20, 44, 4))
        assert leap == 0
        at = 44 + times * (moment + 1) + types * 6 + chars
        end = at + std + ut
        return data[:28] + (1).to_bytes(4, "big") + data[32:at] + (78796800).to_bytes(moment, "big") + (1).to_bytes(4, "big") + data[at:end], data[end:]
    first, rest = block(good, 4)
    second, footer = block(rest, 8)
    return first + second + footer


def test_no_database():
    folder = tempfile.mkdtemp(prefix="quell-zones-")
    try:
        with started({"TZDIR": folder + "/none", "TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}) as server:
            assert server.query("SELECT COUNT(*) FROM mysql.time_zone_name") == ((0,),)
            assert str(server.query("SELECT CONVERT_TZ('2020-07-01 12:00:00', 'UTC', 'SYSTEM')")[0][0]) == "2020-07-01 14:00:00"
            server.query("SET time_zone = '+05:30'")
            with server.connect() as c, c.cursor() as cur:
                for name in ("utc", "UTC"):
                    cur.execute(f"SET time_zone = '{name}'")
                    cur.execute("SELECT @@time_zone, NOW() = UTC_TIMESTAMP(), CONVERT_TZ('2020-07-01 12:00:00', 'utc', '+01:00') = '2020-07-01 13:00:00'")
                    assert cur.fetchone() == ("UTC", 1, 1)
            server.query("SET GLOBAL time_zone = 'UTC'")
            assert server.query("SELECT @@time_zone, NOW() = UTC_TIMESTAMP()") == (("UTC", 1),)
            fails(1298, server, "SET time_zone = 'Europe/Berlin'")
    finally:
        shutil.rmtree(folder)


def test_dump_between_zones():
    """mariadb-dump writes TIMESTAMPs as of +00:00 and says so; without that (--skip-tz-utc) they are what the dumping session's clocks show."""
    with started(args=["--default-time-zone=Europe/Berlin"]) as a, started(args=["--default-time-zone=Asia/Tokyo"]) as b:
        a.query("CREATE DATABASE d")
        a.query("CREATE TABLE d.t (id INT PRIMARY KEY, ts TIMESTAMP(6) NULL, dt DATETIME, c TIMESTAMP NOT NULL DEFAULT '2020-06-01 00:00:00', KEY (ts))")
        a.query("SET time_zone = '+00:00'; INSERT INTO d.t (id, ts, dt) VALUES (1, '2018-10-28 00:30:00.25', NOW()), (2, '2018-10-28 01:30:00.25', NULL), (3, NULL, NULL)", client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
        a.query("INSERT INTO d.t (id, ts) VALUES (4, '2020-07-01 12:00:00')")
        sql = "SELECT id, UNIX_TIMESTAMP(ts), dt, UNIX_TIMESTAMP(c) FROM d.t ORDER BY id"
        for skip in ([], ["--skip-tz-utc"]):
            dump = subprocess.run(["mariadb-dump", "--no-defaults", "-uroot", f"--socket={a.socket}", "--databases", "d", *skip], capture_output=True, check=True, timeout=60).stdout
            assert (b"TIME_ZONE='+00:00'" in dump) == (not skip)
            b.query("DROP DATABASE IF EXISTS d")
            subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={b.socket}"], input=dump, check=True, timeout=60)
            if not skip:
                assert a.query(sql) == b.query(sql)
            else:  # 2018-10-28 02:30:00.25 twice, 2020-07-01 12:00:00, in Tokyo
                assert [r[1] for r in b.query(sql)[:2]] == [1540661400.25] * 2 and b.query(sql)[3][1] == 1593572400


if __name__ == "__main__":
    main(globals())
