#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every fuzz target for QUELL_FUZZ_SECONDS (30) from its kept corpus, two at a time.

Usage: run_fuzz.py [--build DIR] [--merge] [TARGET ...]     (DIR or $QUELL_BUILD: a build with -Dfuzz=true)
Prints "ok fuzz-NAME" or "not ok fuzz-NAME"; a crash is kept under DIR/tests/fuzz/artifacts and fails until it is gone, because
artifacts are tried first. New inputs gather under DIR/tests/fuzz/corpus. --merge: no fuzzing; what gathered and finds code that
the kept corpus does not reach is added to it."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = {  # name: longest input
    "packet": 8192,
    "handshake": 1024,
    "login": 1024,
    "parse": 2048,
    "rowcodec": 1024,
    "keycodec": 512,
    "charset": 1024,
    "record": 1024,
    "zone": 4096,
    "json": 1024,
}
MOST_KEPT = 300  # files of a target that --merge adds: the smallest
SECONDS = int(os.environ.get("QUELL_FUZZ_SECONDS", "30"))
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:allocator_may_return_null=1",
           UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")


def run(cmd, limit):
    try:
        r = subprocess.run(cmd, env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit)
        return r.returncode, r.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as e:
        return -1, (e.stdout or b"").decode(errors="replace") + f"\nstopped after {limit} s"


def what_happened(out):
    """From the report of the first error on: it ends with the input in Base64, which is all that is left of it on another machine."""
    return out[max(out.find("ERROR: "), 0):][-5000:]


def dirs(build, name):
    base = build / "tests/fuzz"
    kept, grown, artifacts = HERE / "corpus" / name, base / "corpus" / name, base / "artifacts" / name
    for d in (kept, grown, artifacts):
        d.mkdir(parents=True, exist_ok=True)
    return kept, grown, artifacts


def fuzz(build, name):
    kept, grown, artifacts = dirs(build, name)
    exe = str(build / "tests/fuzz" / f"fuzz_{name}")
    start = time.monotonic()
    old = sorted(str(p) for p in artifacts.iterdir())
    if old:
        rc, out = run([exe, "-timeout=20", *old], 300)
        if rc:
            return name, f"a kept crash still happens\n{what_happened(out)}"
        for p in old:
            os.unlink(p)
    dictionary = HERE / f"{name}.dict"
    rc, out = run([exe, f"-max_total_time={SECONDS}", f"-max_len={TARGETS[name]}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={artifacts}/", *([f"-dict={dictionary}"] if dictionary.exists() else []), str(grown), str(kept)], SECONDS * 2 + 120)
    if rc:
        return name, f"exit {rc}, see {artifacts}\n{what_happened(out)}"
    runs = [x.rsplit(":", 1)[1].strip() for x in out.splitlines() if x.startswith("stat::number_of_executed_units")]
    cov = [x for x in out.splitlines() if " cov: " in x]
    note = cov[-1].split("cov:")[1].split()[0] if cov else "?"
    print(f"# {name}: {runs[0] if runs else '?'} inputs, {note} edges, {time.monotonic() - start:.0f} s", flush=True)
    return name, ""


def merge(build, name):
    """What gathered, made small: about the least that has the same coverage."""
    kept, grown, _ = dirs(build, name)
    exe = str(build / "tests/fuzz" / f"fuzz_{name}")
    with tempfile.TemporaryDirectory(dir=build) as new:
        rc, out = run([exe, "-set_cover_merge=1", f"-max_len={TARGETS[name]}", new, str(kept), str(grown)], 600)
        if rc:
            return name, out[-3000:]
        for p in kept.iterdir():
            if re.fullmatch("[0-9a-f]{40}", p.name):  # found by fuzzing; others were written on purpose
                p.unlink()
        known = {p.read_bytes() for p in kept.iterdir()}
        for p in sorted(pathlib.Path(new).iterdir(), key=lambda p: p.stat().st_size)[:MOST_KEPT]:
            if p.read_bytes() not in known:
                shutil.copy(p, kept / p.name)
    print(f"# {name}: {len(list(kept.iterdir()))} files kept", flush=True)
    return name, ""


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--build", default=os.environ.get("QUELL_BUILD", str(HERE.parents[1] / "build/fuzz")))
    ap.add_argument("--merge", action="store_true")
    ap.add_argument("targets", nargs="*")
    o = ap.parse_args()
    build = pathlib.Path(o.build).resolve()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(merge if o.merge else fuzz, build, n) for n in o.targets or TARGETS]
        for j in concurrent.futures.as_completed(jobs):
            name, trouble = j.result()
            print(f"{'not ok' if trouble else 'ok'} fuzz-{name}\n{trouble}".rstrip(), flush=True)
            bad += bool(trouble)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
