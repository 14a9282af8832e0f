# SPDX-License-Identifier: Apache-2.0
"""The library as it is installed: the header alone as C and C++, the names it exports, pkg-config, a program linked either way, the man page."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import Skip, main

BUILD = pathlib.Path(os.environ["QUELL_BUILD"])
ROOT = pathlib.Path(__file__).resolve().parents[2]
place = tempfile.TemporaryDirectory(prefix="quell-installed-")
PREFIX = pathlib.Path(place.name) / "usr"


def run(*args, **more):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=300, **more)
    assert r.returncode == 0, (args, r.stdout[-2000:], r.stderr[-2000:])
    return r.stdout


run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place.name)
installed = next(pathlib.Path(place.name).rglob("quell.pc")).parents[2]  # .../usr/local/lib/<arch>/pkgconfig/quell.pc
while not (installed / "include").is_dir():
    installed = installed.parent
HEADER = installed / "include/quell/quell.h"
LIBDIR = next(installed.rglob("libquell.so")).parent
DECLARED = set(re.findall(r"^QUELL_API [^;(]*?\b(ql_\w+)\(", HEADER.read_text(), re.M))


def pkg_config(*args):
    env = dict(os.environ, PKG_CONFIG_PATH=str(LIBDIR / "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=place.name)
    return run("pkg-config", *args, "quell", env=env).split()


def test_header_alone():
    assert HEADER.read_text() == (ROOT / "include/quell/quell.h").read_text()
    with tempfile.TemporaryDirectory(prefix="quell-installed-") as d:
        for name, compiler in [("a.c", ["cc", "-std=c99"]), ("b.c", ["clang", "-std=c11"]), ("c.cc", ["clang++", "-std=c++17", "-nostdinc++"])]:
            f = pathlib.Path(d) / name
            f.write_text("#include <quell/quell.h>\nint f(void);\nint f(void) { return QUELL_DONE; }\n")
            run(*compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I", installed / "include", f)


def names(*args):
    return {line.split()[-1].split("@")[0] for line in run("nm", *args).splitlines() if len(line.split()) == 3}


def test_exported_names():
    assert len(DECLARED) > 30, DECLARED
    assert names("-D", "--defined-only", LIBDIR / "libquell.so") == DECLARED
    assert names("-g", "--defined-only", LIBDIR / "libquell.a") == DECLARED


def test_versions_agree():
    version = re.search(r'#define QUELL_VERSION "([^"]+)"', HEADER.read_text()).group(1)
    assert pkg_config("--modversion") == [version]
    assert re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1) == version


def build_and_run(flags, env):
    with tempfile.TemporaryDirectory(prefix="quell-installed-") as d:
        run("cc", "-o", d + "/a.out", ROOT / "examples/killed_worker.c", *flags, "-pthread")
        out = run(d + "/a.out", env=env)
        assert "Query execution was interrupted" in out and "numbers = 10" in out, out
        return run("ldd", d + "/a.out", env=env)


def test_shared():
    env = dict(os.environ, LD_LIBRARY_PATH=str(LIBDIR))
    assert "libquell.so.0 => " in build_and_run(pkg_config("--cflags", "--libs"), env)


def test_static():
    flags = [f for f in pkg_config("--cflags", "--libs", "--static") if f != "-lquell"]
    compile_flags = [f for f in flags if not f.startswith("-l")]
    assert "libquell" not in build_and_run([*compile_flags, LIBDIR / "libquell.a", *[f for f in flags if f.startswith("-l")]], os.environ)


def test_guide():
    """The program of docs/embedding.md, as it stands there, prints what it says."""
    text = (ROOT / "docs/embedding.md").read_text()
    program = re.search(r"`killed\.c`:\n\n((?:    .*\n|\n)+)", text).group(1)
    printed = re.search(r"-pthread && \./a\.out\n    (.*)\n", text).group(1)
    with tempfile.TemporaryDirectory(prefix="quell-installed-") as d:
        f = pathlib.Path(d) / "killed.c"
        f.write_text("\n".join(line[4:] for line in program.splitlines()) + "\n")
        run("cc", "-Wall", "-o", d + "/a.out", f, *pkg_config("--cflags", "--libs"), "-pthread")
        assert run(d + "/a.out", env=dict(os.environ, LD_LIBRARY_PATH=str(LIBDIR))) == printed + "\n"


def test_man_page():
    page = next(installed.rglob("libquell.3"))
    text = page.read_text()
    for name in DECLARED:
        assert re.search(rf"\b{name}\b", text), f"{name} is not in the man page"
    if not shutil.which("man"):
        raise Skip("no man")
    run("man", "--warnings", "-l", page, env=dict(os.environ, MANPAGER="cat", MANWIDTH="100"))


def close_all():
    place.cleanup()


if __name__ == "__main__":
    main(globals())
