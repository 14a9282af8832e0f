# SPDX-License-Identifier: Apache-2.0
"""Runs tests/sql/suite/<suite>/t/*.test with the stock mysqltest client against r/*.result, on one server per suite
and a fresh database `test` per file. With --reference the same files run against MariaDB instead (files that begin
with "# reference: no" are left out: behaviour there is MySQL's, or Quell's on purpose). --record writes results: read
what it wrote against the manual before you commit it. Words choose files whose suite/name contains one of them, or, with --exact, is one of them."""
import pathlib
import subprocess
import sys

import quell

HERE = pathlib.Path(__file__).resolve().parent


def options(test):
    """Server options of a suite: one per line in suite/<suite>/server.opt."""
    f = test / "server.opt"
    return f.read_text().split() if f.exists() else []


def run_file(server, test, record):
    result = test.parent.parent / "r" / (test.stem + ".result")
    c = server.connect()
    cur = c.cursor()
    cur.execute("DROP DATABASE IF EXISTS test")
    cur.execute("CREATE DATABASE test CHARACTER SET utf8mb4")
    c.close()
    cmd = ["mysqltest", "--no-defaults", "--user=root", f"--socket={server.socket}", f"--port={server.port}", "--database=test", "--silent",
           f"--basedir={HERE}/", f"--test-file={test}", f"--result-file={result}", f"--logdir={server.dir}", f"--tmpdir={server.dir}"]
    if record:
        cmd.append("--record")
    env = dict(server.env, MYSQLTEST_VARDIR=str(server.dir), MYSQL_TEST_DIR=str(HERE), MASTER_MYPORT=str(server.port), MASTER_MYSOCK=server.socket)
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env=env, cwd=HERE)
    return r.returncode, r.stdout.decode(errors="replace")


def is_chosen(name, words, exact):
    return not words or (name in words if exact else any(w in name for w in words))


def main():
    record, reference, exact = "--record" in sys.argv, "--reference" in sys.argv, "--exact" in sys.argv
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    bad = 0
    for suite in sorted((HERE / "suite").iterdir()):
        tests = [t for t in sorted((suite / "t").glob("*.test")) if is_chosen(f"{suite.name}/{t.stem}", words, exact)]
        if not tests:
            continue
        make = (lambda: quell.MariaDB()) if reference else (lambda: quell.Server(args=options(suite)))
        server = make()
        try:
            with server:
                for t in tests:
                    name = f"{suite.name}/{t.stem}"
                    if reference and "# reference: no" in t.read_text()[:2000]:
                        print(f"skip {name}: differs from MariaDB on purpose")
                        continue
                    rc, out = run_file(server, t, record)
                    print(("ok " if rc == 0 else "not ok ") + name, flush=True)
                    if rc:
                        bad += 1
                        print("    " + out.rstrip().replace("\n", "\n    "), flush=True)
        except quell.ServerDied as e:
            bad += 1
            print(f"not ok {suite.name} server\n    " + str(e).replace("\n", "\n    "), flush=True)
    sys.exit(1 if bad else 0)


main()
