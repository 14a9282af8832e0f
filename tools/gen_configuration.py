#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the table of docs/configuration.md from src/vars/sysvars.def. With --check: fail when the page is not what would be made."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[1]
page = root / "docs/configuration.md"
MARK = "<!-- generated from src/vars/sysvars.def by tools/gen_configuration.py -->"
line = re.compile(r'^QL_SYSVAR\((\w+), "([^"]*)", (\w+), (\w+), "((?:[^"\\]|\\.)*)", ([^,]+), ([^,]+), ([^,]+), (NULL|"[^"]*"), "((?:[^"\\]|\\.)*)"\)', re.M)
text = (root / "src/vars/sysvars.def").read_text()
text = re.sub(r'"\s*\n\s*"', "", text)
rows, own = [], []
for m in line.finditer(text):
    _, name, scope, kind, default, _, _, flags, _, what = m.groups()
    if "HIDDEN" in flags:
        continue
    scope = {"BOTH": "global, session", "GLOBAL": "global", "SESSION": "session"}[scope]
    change = "start" if "DYNAMIC" not in flags else "SET (admin)" if "ADMIN" in flags and "ADMIN_OFF" not in flags else "SET"
    if "QL_SVF_HINT" in flags:
        change += ", SET_VAR"
    if kind == "BOOL":
        default = "ON" if default == "1" else "OFF"
    row = f"| `{name}` | {scope} | {change} | {default or '(empty)'} | {what.replace('|', '/')} |"
    (own if "Quell" in what else rows).append(row)
head = "| name | scope | changed by | default | what it does |\n|---|---|---|---|---|\n"
body = f"{MARK}\n\n## Quell's own\n\n{head}" + "\n".join(own) + f"\n\n## MySQL's\n\n{head}" + "\n".join(rows) + "\n"
old = page.read_text() if page.exists() else f"# Configuration\n\n{MARK}\n"
new = old.split(MARK)[0] + body
if "--check" in sys.argv:
    if old != new:
        print("docs/configuration.md: not what tools/gen_configuration.py makes of sysvars.def; run it")
        sys.exit(1)
else:
    page.write_text(new)
    print(f"{len(rows) + len(own)} variables")
