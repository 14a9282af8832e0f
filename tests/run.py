#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every test of Quell, counted. `./dev test` calls it; words on the command line choose parts or jobs whose name contains one of them.

A job is a program whose output has lines "ok NAME", "not ok NAME", "skip NAME: why" (ours, and cmocka's TAP), run under a time limit in a
directory of its own for temporary files. What it leaves behind there, or a process that outlives it, is a failure too.

Two classes: a program whose first lines say `alone:` (with the reason, mostly that it measures time) runs with the machine to itself; the rest
run side by side, one more than there are processors, because many of them wait. --serial runs everything one by one.
A long program whose first lines say `pieces: a | b c` is run as several jobs, each with the tests whose names contain one of its words.
The end says how long each part took; the last line is "N passed, N failed"."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PY = "/usr/bin/python3"
ENV = dict(os.environ, PYTHONPATH=str(ROOT / "tests/lib"), PYTHONDONTWRITEBYTECODE="1",
           ASAN_OPTIONS="detect_stack_use_after_return=0:abort_on_error=1:detect_leaks=1:quarantine_size_mb=32:allocator_release_to_os_interval_ms=-1",
           UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1", TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1",
           CMOCKA_MESSAGE_OUTPUT="TAP")
LINES = "-Dc_args=-g1"  # traces need lines, not variables: a third less to compile, half to link
SANITIZERS = {
    "asan": [LINES, "--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dql_debug=true", "-Dtests=true"],
    "tsan": [LINES, "--buildtype=debug", "-Doptimization=1", "-Db_sanitize=thread", "-Db_lundef=false", "-Dql_debug=true", "-Dtests=true"],
    "release": ["--buildtype=release"],
    "debug": ["--buildtype=debug", "-Doptimization=2", "-Dql_debug=true"],  # what measures gaps: sanitizers would drown them
    "fuzz": [LINES, "--buildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dql_debug=true", "-Dfuzz=true", "-Dtests=true"],
}
TARGETS = {"fuzz": ["fuzzers"], "debug": ["src/server/quelld"]}
MEASURES_GAPS = "tests/kill/test_large_values.py"
SUITE_PIECE = 6  # files of an SQL suite that share a server


class Job:
    def __init__(self, name, cmd, limit=600, env=None, source=None):
        self.name, self.cmd, self.limit, self.env = name, cmd, limit, env or ENV
        self.alone = source is not None and says_alone(source)
        self.seconds = 0.0


class Tally:
    lock = threading.Lock()
    passed = failed = skipped = 0
    broken = []
    parts = {}  # name: [seconds of jobs, seconds by the clock]


def first_lines(source):
    with open(source, errors="replace") as f:
        return "".join(line for _, line in zip(range(20), f))


def says_alone(source):
    """The first twenty lines ask for a machine without other tests."""
    return re.search(r"\balone: ", first_lines(source)) is not None


def pieces_of(source):
    """Words of each piece; one piece without words when it is not to be cut."""
    said = re.search(r"\bpieces: (.*)", first_lines(source))
    return [p.split() for p in said.group(1).split("|")] if said else [[]]


def newest_test_directory():
    return max(p.stat().st_mtime for p in (ROOT / "tests/unit").iterdir() if p.is_dir())


def configure_and_build(name):
    d = ROOT / "build" / name
    env = dict(ENV)
    if shutil.which("mold"):
        env["CC_LD"] = "mold"
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
    seconds = time.monotonic() - t
    Tally.parts[f"building {name}"] = [seconds, seconds]
    print(f"# built {name} in {seconds:.0f} s", flush=True)


def count(job, text, rc, left):
    """cmocka writes a skipped test as "not ok N - NAME # SKIP"."""
    skip = len(re.findall(r"^skip\b|^(?:not )?ok\b.*# SKIP", text, re.M))
    ok = len(re.findall(r"^ok\b(?!.*# SKIP)", text, re.M))
    bad = re.findall(r"^not ok (?:[0-9]+ - )?([^ \n]+)(?!.*# SKIP)", text, re.M)
    why = ", ".join(bad)
    if rc != 0 and not bad:
        bad, why = [1], f"ended with {rc}"
    elif ok + len(bad) + skip == 0:
        bad, why = [1], "ran no test"
    elif left and not bad:
        bad, why = [1], "left behind: " + ", ".join(left)
    with Tally.lock:
        Tally.passed += ok
        Tally.failed += len(bad)
        Tally.skipped += skip
        if bad:
            Tally.broken.append(f"{job.name}: {why}")
        mark = "FAIL" if bad else "pass"
        print(f"{mark} {job.name}: {ok} ok, {len(bad)} failed{f', {skip} skipped' if skip else ''} ({job.seconds:.1f} s)", flush=True)
        for line in re.findall(r"^skip .*", text, re.M):
            print("     " + line)
        if bad:
            print(text[-6000:] + f"\n{why}", flush=True)


def processes_of(mark):
    """Ids of processes that have QUELL_JOB=mark in their environment."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        if p.name.isdigit():
            try:
                if mark in (p / "environ").read_bytes().split(b"\0") and (p / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    found.append(int(p.name))
            except OSError:
                pass
    return found


def end_all(mark):
    """Names of what still runs after a second; ends it."""
    left = []
    end = time.monotonic() + 1
    while processes_of(mark) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in processes_of(mark):
        try:
            left.append("process " + pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120])
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return left


def run(job):
    t = time.monotonic()
    tmp = tempfile.mkdtemp(prefix="quell-j-")
    mark = f"{os.getpid()}/{job.name}"
    env = dict(job.env, TMPDIR=tmp, QUELL_JOB=mark)
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen(job.cmd, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        late = ""
        try:
            rc = p.wait(job.limit)
        except subprocess.TimeoutExpired:
            rc, late = 1, f"\nnot ok {job.name} ran longer than {job.limit} s\n"
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
        left = end_all(f"QUELL_JOB={mark}".encode())
        left += sorted(f.name for f in pathlib.Path(tmp).iterdir())
        out.seek(0)
        text = out.read().decode(errors="replace") + late
    shutil.rmtree(tmp, ignore_errors=True)
    job.seconds = time.monotonic() - t
    count(job, text, rc, left)


def unit_jobs(build, layers):
    d = ROOT / "build" / build / "tests/unit"
    for exe in sorted(d.glob("*_test_*")):
        layer, _, stem = exe.name.partition("_test_")
        source = ROOT / "tests/unit" / layer / f"test_{stem}.c"  # gone: the program is of an older build
        if exe.is_file() and os.access(exe, os.X_OK) and source.exists() and (layers is None or layer in layers):
            yield Job(f"unit-{build}/{exe.name}", [str(exe)], source=source)


def corpus_jobs(build):
    d = ROOT / "build" / build / "tests/fuzz"
    for exe in sorted(d.glob("replay_*")):
        if exe.is_file() and os.access(exe, os.X_OK):
            name = exe.name.removeprefix("replay_")
            yield Job(f"corpus/{name}", [str(exe), f"tests/fuzz/corpus/{name}"])


def server_env(build, more):
    return dict(ENV, QUELLD=str(ROOT / "build" / build / "src/server/quelld"), QUELL_BUILD=str(ROOT / "build" / build), **more)


def file_jobs(pattern, build, **more):
    env = server_env(build, more)
    for f in sorted(ROOT.glob(pattern)):
        if f == ROOT / MEASURES_GAPS and build != "debug":
            continue
        name = f"{f.parent.name}/{f.stem}{'' if build == 'asan' else '-' + build}"
        pieces = pieces_of(f)
        for i, words in enumerate(pieces):
            yield Job(name if len(pieces) == 1 else f"{name}:{i + 1}", [PY, str(f), *words], env=env, source=f)


def suite_jobs(build):
    """Pieces of the SQL suites, each with a server of its own."""
    env = server_env(build, {})
    for suite in sorted((ROOT / "tests/sql/suite").iterdir()):
        names = [f"{suite.name}/{t.stem}" for t in sorted((suite / "t").glob("*.test"))]
        pieces = -(-len(names) // SUITE_PIECE)
        for i in range(pieces):
            yield Job(f"sql/{suite.name}-{i + 1}", [PY, "tests/sql/run_suites.py", "--exact", *names[i::pieces]], env=env)


def parts():
    """(name, builds it needs, function that yields jobs)"""
    yield "check", [], lambda: [Job("check", ["sh", "-c", "./dev check && echo ok check"])]
    yield "unit", ["asan"], lambda: unit_jobs("asan", None)
    yield "unit-tsan", ["tsan"], lambda: unit_jobs("tsan", {"base", "intr", "kv", "txn", "catalog", "stats", "acl", "embed"})
    yield "corpus", ["asan"], lambda: corpus_jobs("asan")
    yield "sql", ["asan"], lambda: suite_jobs("asan")
    yield "proto", ["asan"], lambda: file_jobs("tests/proto/test_*.py", "asan")
    yield "clients", ["asan"], lambda: file_jobs("tests/clients/test_*.py", "asan")
    yield "plans", ["asan"], lambda: file_jobs("tests/plans/test_*.py", "asan")
    yield "compat", ["asan"], lambda: file_jobs("tests/compat/test_*.py", "asan")
    yield "kill", ["asan"], lambda: file_jobs("tests/kill/test_*.py", "asan")
    yield "kill-tsan", ["tsan"], lambda: [*file_jobs("tests/kill/test_*stress*.py", "tsan"), *file_jobs("tests/kill/test_history.py", "tsan", QUELL_HISTORY="3", QUELL_HISTORY_REFERENCE="0"),
        *file_jobs("tests/kill/test_ddl_pairs.py", "tsan")]
    yield "embed", ["asan", "release"], lambda: [*file_jobs("tests/embed/test_*.py", "asan"), *file_jobs("tests/embed/installed_*.py", "release")]
    yield "gaps", ["debug"], lambda: file_jobs(MEASURES_GAPS, "debug", QUELL_LARGE_MB="1")
    yield "scale", ["release"], lambda: file_jobs("tests/kill/scale_*.py", "release")
    yield "recovery", ["asan", "release"], lambda: [*file_jobs("tests/recovery/test_*.py", "release"), *file_jobs("tests/recovery/points_*.py", "asan")]
    yield "fuzz", ["fuzz"], lambda: file_jobs("tests/fuzz/run_fuzz.py", "fuzz")


def run_class(title, jobs, width):
    """Runs jobs, the longest parts of the list spread over the workers as they come."""
    if not jobs:
        return
    t = time.monotonic()
    if width == 1:
        for _, job in jobs:
            run(job)
    else:
        with concurrent.futures.ThreadPoolExecutor(width) as pool:
            for f in [pool.submit(run, job) for _, job in jobs]:
                f.result()
    clock = time.monotonic() - t
    busy = sum(job.seconds for _, job in jobs) or 1
    for part, job in jobs:
        p = Tally.parts.setdefault(f"{part} {title}", [0.0, 0.0])
        p[0] += job.seconds
        p[1] += clock * job.seconds / busy


def main():
    serial = "--serial" in sys.argv
    words = [w for w in sys.argv[1:] if w != "--serial"]
    start = time.monotonic()
    chosen = [p for p in parts() if not words or any(w in p[0] for w in words)]
    single = []
    if not chosen:  # a word that names no part chooses single jobs by name
        chosen, single = list(parts()), words
    for name in dict.fromkeys(b for p in chosen for b in p[1]):
        configure_and_build(name)
    jobs = [(part, job) for part, _, make in chosen for job in make() if not single or any(w in job.name for w in single)]
    beside = [] if serial else [j for j in jobs if not j[1].alone]
    run_class("(side by side)", beside, (os.cpu_count() or 1) + 1)
    run_class("(alone)", [j for j in jobs if j not in beside], 1)
    if Tally.broken:
        print("\nFailed:")
        for b in Tally.broken:
            print("  " + b)
    print("\n# part: minutes by the clock (minutes of its programs)")
    for part, (busy, clock) in sorted(Tally.parts.items(), key=lambda p: -p[1][1]):
        print(f"#   {part}: {clock / 60:.1f} ({busy / 60:.1f})")
    print(f"# {time.monotonic() - start:.0f} s in all, {Tally.skipped} skipped")
    print(f"{Tally.passed} passed, {Tally.failed} failed")
    sys.exit(1 if Tally.failed or not Tally.passed else 0)


if __name__ == "__main__":
    main()
