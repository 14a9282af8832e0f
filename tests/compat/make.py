#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How the data directories here were made: by a server of their time, from NAME.sql.

Usage: PYTHONPATH=tests/lib make.py QUELLD NAME     writes NAME-closed.tar.xz (the server was stopped) and NAME-killed.tar.xz (kill -9 after
the last statement). They are made once, with the last version before a format changed, and never anew."""
import pathlib
import sys
import tarfile

import quell

HERE = pathlib.Path(__file__).resolve().parent


def statements(name):
    return [s for s in (HERE / f"{name}.sql").read_text().split(";\n") if s.strip()]


def run(server, name):
    for s in statements(name):
        server.query(s)


def keep_data(info):
    info.uname = info.gname = "root"
    info.uid = info.gid = 0
    return info


def make(binary, name, how):
    server = quell.Server(binary=binary)
    server.start()
    run(server, name)
    if how == "closed":
        assert server.stop() == 0
    else:
        server.kill9()
    with tarfile.open(HERE / f"{name}-{how}.tar.xz", "w:xz") as t:
        for p in sorted(server.datadir.glob("quell.mdb*")):
            if not p.name.endswith("-lock"):
                t.add(p, p.name, filter=keep_data)
    server.remove()


if __name__ == "__main__":
    for how in ("closed", "killed"):
        make(sys.argv[1], sys.argv[2], how)
