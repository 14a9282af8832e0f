# SPDX-License-Identifier: Apache-2.0
"""A short run of tests/difftest: random schemas, data, queries and changes, on Quell and on the reference server; rows, errors, affected rows and tables are
the same. Longer, or with another seed: tests/difftest/run_both.py --n 10000 --seed 2."""
import pathlib
import subprocess
import sys

from harness import main

RUN = pathlib.Path(__file__).resolve().parents[1] / "difftest/run_both.py"
# Not there yet: WITH ROLLUP (of agg), window functions, recursive CTEs.
FEATURES = "basic,join,sub,set,func,dml,txn"


def run(features, statements):
    r = subprocess.run([sys.executable, str(RUN), "--n", str(statements), "--features", features, "--seed", "1", "--detail", "1"], capture_output=True, timeout=400)
    assert r.returncode == 0, r.stdout.decode(errors="replace")[-6000:] + r.stderr.decode(errors="replace")[-2000:]


def test_statements():
    run(FEATURES, 1500)


def test_types():
    run("types", 1500)


def test_character_sets():
    run("charset", 1500)


def test_time_zones():
    run("tz", 1500)


def test_json():
    run("json", 1500)


if __name__ == "__main__":
    main(globals())
