#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libquell.a from the archives it is made of: one object in which everything but the library's own functions is
local, so that a program that links it meets no other name of ours. make_static.py OUT LD OBJCOPY AR ARCHIVES..."""
import os
import subprocess
import sys


def main():
    out, ld, objcopy, ar, *archives = sys.argv[1:]
    whole = out + ".o"
    embed, rest = archives[0], archives[1:]
    subprocess.run([ld, "-r", "-o", whole, "--whole-archive", embed, "--no-whole-archive", "--start-group", *rest,
                    "--end-group"], check=True)
    subprocess.run([objcopy, "--localize-hidden", whole], check=True)
    if os.path.exists(out):
        os.unlink(out)
    subprocess.run([ar, "crs", out, whole], check=True)
    os.unlink(whole)


if __name__ == "__main__":
    main()
