#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""difftest.py with both servers started for it: run_both.py [any option of difftest.py but --a and --b]      ($QUELLD: the server under test)"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import quell  # noqa: E402


def main():
    servers = [quell.Server(), quell.MariaDB()]
    try:
        for s in servers:
            s.start()
        zones = subprocess.run(["mariadb-tzinfo-to-sql", "/usr/share/zoneinfo"], capture_output=True).stdout
        subprocess.run(["mariadb", "-uroot", f"-S{servers[1].socket}", "mysql"], input=zones, check=True)
        a, b = (f"127.0.0.1:{s.port}:root:" for s in servers)
        return subprocess.run([sys.executable, str(HERE / "difftest.py"), "--a", a, "--b", b, *sys.argv[1:]]).returncode
    finally:
        quell.stop_all(servers)


if __name__ == "__main__":
    sys.exit(main())
