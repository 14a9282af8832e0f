#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No process globals and no dependence on the process's locale (src/base/README.md): two servers can live in one
process, which may have called setlocale.

Writable variables of static storage are looked up with nm in the objects of a build and must stand below, each with
its reason. Numbers with a point are printed by types/value.c only: other printf formats with %f, %e, %g fail. (Calls
that follow the locale are banned by check_raw_calls.py.) Without a build only the formats are looked at.

usage: check_state.py [BUILD_DIR]"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

ONE_PROCESS = "the process has one"
PER_THREAD_TEST = "a fault that a test arms on its own thread"
CONSTANT = "constant once made; whoever comes first makes it, under a once or by compare-and-swap"
ALLOWED = {
    "base/mem.c": {"bytes_in_use": "counts the heap, of which " + ONE_PROCESS, "fail_countdown": PER_THREAD_TEST},
    "base/arena.c": {"live_arenas": "counts for tests that nothing is left"},
    "base/dispose.c": {"shop": "the thread that gives memory back to the heap, of which " + ONE_PROCESS},
    "base/mutex.c": {"held": "ranks that this thread holds (debug)", "nheld": "the same"},
    "base/thread.c": {"lowest": "the stack of this thread"},
    "base/log.c": {"connection": "whose lines this thread writes"},
    "intr/netio.c": {"bio_method": CONSTANT, "bio_method_once": CONSTANT, "fault_short": PER_THREAD_TEST},
    "intr/fileio.c": {"fault_enospc": PER_THREAD_TEST, "fault_short": PER_THREAD_TEST},
    "intr/intr.c": {"gap": "record of the gap monitor, debug builds"},
    "intr/wait.c": {"matrix": "record of the waits that were killed, debug builds"},
    "types/joints.c": {"tables": CONSTANT},
    "types/codes.c": {"tables": CONSTANT},
    "types/orders.c": {"tables": CONSTANT},
    "types/weights.c": {"simple_once": CONSTANT, "simple_table": CONSTANT, "uca_tables": CONSTANT},
    "kv/crc32c.c": {"table": CONSTANT, "table_made": CONSTANT},
    "kv/fault.c": {n: "signal handlers of memory faults, of which " + ONE_PROCESS
                   for n in ("before_bus", "before_segv", "caught", "fault_fd", "files", "files_in_use")},
    "server/main.c": {n: "main's own: the program is one instance" for n in ("dir", "inst", "intr", "server")},
}
FORMAT = re.compile(r'"(?:\\.|[^"\\])*"')
POINT = re.compile(r"%[-+ #0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?[lL]?[feEgGaA]")
PRINTS_POINTS = {"types/value.c"}


def formats():
    bad = 0
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        rel = str(path.relative_to(ROOT / "src"))
        if rel in PRINTS_POINTS:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if any(POINT.search(m.group(0).replace("%%", "")) for m in FORMAT.finditer(line)):
                print("src/%s:%d: the locale's point; use ql_double_print and its kin" % (rel, number))
                bad += 1
    return bad


def variables(build):
    """(source file, variable) of writable static storage."""
    for obj in sorted(build.glob("src/*/*.p/*.o")):
        rel = "%s/%s" % (obj.parent.parent.name, obj.name.removesuffix(".o"))
        source = ROOT / "src" / rel
        if not source.exists() or source.stat().st_mtime > obj.stat().st_mtime:
            continue  # of another day's source
        out = subprocess.run(["nm", "-f", "sysv", "--defined-only", str(obj)], check=True, capture_output=True, text=True).stdout
        for row in out.splitlines():
            f = [x.strip() for x in row.split("|")]
            if len(f) < 7 or f[3] not in ("OBJECT", "TLS", "COMMON"):
                continue
            if re.match(r"\.t?(data|bss)(\.|$)", f[6]) and ".rel.ro" not in f[6]:
                name = re.sub(r"\.\d+$", "", f[0]).rsplit(".", 1)[-1]  # gcc: lowest.0; clang: ql_thread_stack_left.lowest
                if not name.startswith(("__odr_asan", ".L", "__")):
                    yield rel, name


def globals_of(build):
    bad, seen = 0, set()
    for rel, name in variables(build):
        seen.add((rel, name))
        if name not in ALLOWED.get(rel, {}):
            print("src/%s: writable variable %s of the process; state belongs to the instance, the session or the call" % (rel, name))
            bad += 1
    return bad


def is_plain(build):
    """Without the address sanitizer, which moves constants to where variables are."""
    options = build / "meson-info/intro-buildoptions.json"
    return options.exists() and not any(o["name"] == "b_sanitize" and "address" in o["value"] for o in json.loads(options.read_text()))


def newest_build():
    """Of the builds whose objects are there; debug builds hold all that is allowed."""
    built = [d for d in (ROOT / "build").glob("*") if is_plain(d) and any(d.glob("src/base/*.p/*.o"))] if (ROOT / "build").is_dir() else []
    return max(built, key=lambda d: max(o.stat().st_mtime for o in d.glob("src/base/*.p/*.o")), default=None)


def main():
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else newest_build()
    bad = formats()
    if build is not None:
        bad += globals_of(build)
    if bad:
        print("check_state: %d problems" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
