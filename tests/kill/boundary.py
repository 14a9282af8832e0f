# SPDX-License-Identifier: Apache-2.0
"""Builds and runs boundary.c; shared by test_boundary.py (sanitizers) and scale_boundary.py (release, a million kills)."""
import atexit
import pathlib
import shlex
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def build():
    home = tempfile.mkdtemp(prefix="quell-c-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    exe = pathlib.Path(home) / "boundary"
    flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    subprocess.run(["gcc", "-O2", "-std=gnu17", "-o", str(exe), str(HERE / "boundary.c"), *flags, "-lpthread"], check=True)
    return exe


def run(exe, server, *words, seconds=280):
    r = subprocess.run([str(exe), server.socket, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
    assert r.returncode == 0, r.stdout[-2000:]
    print("# " + r.stdout.strip())
    return r.stdout
