#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every test of Quell, counted. `./dev test` calls it; words on the command line choose jobs whose name contains one of them.

A job is a program whose output has lines "ok NAME", "not ok NAME", "skip NAME: why" (ours, and cmocka's TAP), run under a time limit.
Jobs run one after the other unless marked light; the last line is "N passed, N failed"."""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PY = "/usr/bin/python3"
ENV = dict(os.environ, PYTHONPATH=str(ROOT / "tests/lib"), PYTHONDONTWRITEBYTECODE="1",
           ASAN_OPTIONS="detect_stack_use_after_return=0:abort_on_error=1:detect_leaks=1:quarantine_size_mb=32:allocator_release_to_os_interval_ms=-1",
           UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1", TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1",
           CMOCKA_MESSAGE_OUTPUT="TAP")
SANITIZERS = {
    "asan": ["--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dql_debug=true", "-Dtests=true"],
    "tsan": ["--buildtype=debug", "-Doptimization=1", "-Db_sanitize=thread", "-Db_lundef=false", "-Dql_debug=true", "-Dtests=true"],
    "release": ["--buildtype=release"],
    "fuzz": ["--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dql_debug=true", "-Dfuzz=true", "-Dtests=true"],
}
TARGETS = {"fuzz": ["fuzzers"]}


class Tally:
    passed = failed = skipped = 0
    broken = []


def newest_test_directory():
    return max(p.stat().st_mtime for p in (ROOT / "tests/unit").iterdir() if p.is_dir())


def configure_and_build(name):
    d = ROOT / "build" / name
    env = dict(ENV)
    if name == "fuzz":
        env["CC"] = "clang"
    if not (d / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(d), *SANITIZERS[name]], check=True, env=env, stdout=subprocess.DEVNULL, cwd=ROOT)
    elif name in ("asan", "tsan") and newest_test_directory() > (d / "build.ninja").stat().st_mtime:
        # Unit tests are found by name when the build is configured.
        subprocess.run(["meson", "setup", "--reconfigure", str(d), str(ROOT)], check=True, env=env, stdout=subprocess.DEVNULL, cwd=ROOT)
    t = time.monotonic()
    r = subprocess.run(["ninja", "-C", str(d), *TARGETS.get(name, [])], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    if r.returncode:
        lines = [x for x in r.stdout.decode(errors="replace").splitlines() if not x.startswith("[")]
        print("\n".join(lines[-60:]))
        sys.exit(f"the {name} build failed")
    print(f"# built {name} in {time.monotonic() - t:.0f} s", flush=True)


def count(job, text, rc, seconds):
    ok = len(re.findall(r"^ok\b", text, re.M))
    bad = len(re.findall(r"^not ok\b", text, re.M))
    skip = len(re.findall(r"^skip\b|^ok.*# SKIP", text, re.M))
    if rc != 0 and bad == 0:
        bad = 1
        Tally.broken.append(f"{job}: ended with {rc}")
    if ok + bad + skip == 0:
        bad = 1
        Tally.broken.append(f"{job}: ran no test")
    Tally.passed += ok
    Tally.failed += bad
    Tally.skipped += skip
    mark = "FAIL" if bad else "pass"
    print(f"{mark} {job}: {ok} ok, {bad} failed{f', {skip} skipped' if skip else ''} ({seconds:.1f} s)", flush=True)
    for line in re.findall(r"^skip .*", text, re.M):
        print("     " + line)
    if bad:
        print(text[-6000:], flush=True)
        Tally.broken.append(f"{job}: {', '.join(re.findall(r'^not ok (?:[0-9]+ - )?([^ ]+)', text, re.M)) or 'see above'}")


def run(job, cmd, limit=300, env=None):
    t = time.monotonic()
    try:
        r = subprocess.run(cmd, cwd=ROOT, env=env or ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit)
        out, rc = r.stdout.decode(errors="replace"), r.returncode
    except subprocess.TimeoutExpired as e:
        out, rc = (e.stdout or b"").decode(errors="replace") + f"\nnot ok {job} ran longer than {limit} s\n", 1
    count(job, out, rc, time.monotonic() - t)


def unit_jobs(build, layers):
    d = ROOT / "build" / build / "tests/unit"
    for exe in sorted(d.glob("*_test_*")):
        if exe.is_file() and os.access(exe, os.X_OK) and (layers is None or exe.name.split("_test_")[0] in layers):
            yield f"unit-{build}/{exe.name}", [str(exe)], 180, ENV


def corpus_jobs(build):
    d = ROOT / "build" / build / "tests/fuzz"
    for exe in sorted(d.glob("replay_*")):
        if exe.is_file() and os.access(exe, os.X_OK):
            name = exe.name.removeprefix("replay_")
            yield f"corpus/{name}", [str(exe), f"tests/fuzz/corpus/{name}"], 180, ENV


def jobs():
    """(name, builds it needs, function that yields (job, command, seconds, environment))"""
    def files(pattern, build, limit=300, **more):
        env = dict(ENV, QUELLD=str(ROOT / "build" / build / "src/server/quelld"), QUELL_BUILD=str(ROOT / "build" / build), **more)
        for f in sorted(ROOT.glob(pattern)):
            yield f"{f.parent.name}/{f.stem}{'' if build == 'asan' else '-' + build}", [PY, str(f)], limit, env

    yield "check", [], lambda: [("check", ["sh", "-c", "./dev check && echo ok check"], 120, ENV)]
    yield "unit", ["asan"], lambda: unit_jobs("asan", None)
    yield "unit-tsan", ["tsan"], lambda: unit_jobs("tsan", {"base", "intr", "kv", "txn", "catalog", "acl"})
    yield "corpus", ["asan"], lambda: corpus_jobs("asan")
    yield "sql", ["asan"], lambda: files("tests/sql/run_suites.py", "asan", 600)
    yield "proto", ["asan"], lambda: files("tests/proto/test_*.py", "asan")
    yield "clients", ["asan"], lambda: files("tests/clients/test_*.py", "asan")
    yield "kill", ["asan"], lambda: files("tests/kill/test_*.py", "asan", 600)
    yield "kill-tsan", ["tsan"], lambda: [*files("tests/kill/test_*stress*.py", "tsan", 600), *files("tests/kill/test_history.py", "tsan", 600, QUELL_HISTORY="3", QUELL_HISTORY_REFERENCE="0")]
    yield "scale", ["release"], lambda: files("tests/kill/scale_*.py", "release", 600)
    yield "recovery", ["asan", "release"], lambda: files("tests/recovery/test_*.py", "release", 600)
    yield "fuzz", ["fuzz"], lambda: files("tests/fuzz/run_fuzz.py", "fuzz", 400)


def main():
    words = sys.argv[1:]
    start = time.monotonic()
    chosen = [j for j in jobs() if not words or any(w in j[0] for w in words)]
    if not chosen:
        # A word that names no group chooses single jobs by name.
        chosen = list(jobs())
        single = words
    else:
        single = []
    for name in dict.fromkeys(b for j in chosen for b in j[1]):
        configure_and_build(name)
    for _, _, make in chosen:
        for job, cmd, limit, env in make():
            if not single or any(w in job for w in single):
                run(job, cmd, limit, env)
    if Tally.broken:
        print("\nFailed:")
        for b in Tally.broken:
            print("  " + b)
    print(f"# {time.monotonic() - start:.0f} s in all, {Tally.skipped} skipped")
    print(f"{Tally.passed} passed, {Tally.failed} failed")
    sys.exit(1 if Tally.failed or not Tally.passed else 0)


if __name__ == "__main__":
    main()
