#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every src directory has its README.md; files of a tree stay below 1,000 lines; every wait of waits.def is documented in docs/kill.md."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[1]
bad = []
for d in sorted((root / "src").iterdir()):
    if d.is_dir() and any(d.glob("*.c")) and not (d / "README.md").exists():
        bad.append(f"{d.relative_to(root)}: no README.md")
for f in sorted((root / "src").rglob("*.[ch]")):
    n = sum(1 for _ in f.open(errors="replace"))
    if n > 1000:
        bad.append(f"{f.relative_to(root)}: {n} lines; split it by noun")
    if "SPDX-License-Identifier: Apache-2.0" not in f.open(errors="replace").readline():
        bad.append(f"{f.relative_to(root)}: no SPDX line")
kill = root / "docs/kill.md"
if kill.exists():
    text = kill.read_text()
    for name, state in re.findall(r'^QL_WAIT\((\w+), "([^"]*)"', (root / "src/intr/waits.def").read_text(), re.M):
        if state and state not in text:
            bad.append(f'docs/kill.md: State "{state}" of wait {name} is not mentioned')
for b in bad:
    print(b)
sys.exit(1 if bad else 0)
