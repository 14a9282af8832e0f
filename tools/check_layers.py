#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes go downwards only (docs/architecture.md): fails on an upward or sideways #include in src/,
on an include of another directory's private x_int.h, and on a directory that has no level here. What depends on a
value's kind stands in the table of kinds (src/types/kinds.h): fails on `case QL_K_` and on kinds compared by order
anywhere else."""
import pathlib
import re
import sys

LEVELS = {
    "base": 0, "intr": 1, "types": 2, "json": 2, "kv": 2, "txn": 3, "vars": 3, "spool": 3, "catalog": 3, "sql": 4, "table": 4, "acl": 4,
    "stats": 5, "resolve": 5, "views": 5, "rewrite": 6, "plan": 6, "fn": 6, "exec": 7, "stmts": 8, "proto": 8, "session": 9, "instance": 9, "connection": 10, "server": 11, "embed": 12,
}
# One level, one direction: sessions have settings of their transactions, definitions are stored through transactions.
SIDEWAYS = {("json", "types"), ("vars", "txn"), ("catalog", "txn"), ("catalog", "vars"), ("spool", "vars"), ("views", "stats")}
# A session knows no client: what goes over a wire is connection's (src/session/README.md).
NEVER = {("session", "proto")}
OLD_KINDS = {"format1.c"}  # reads a format that knew the first eight
KINDS = re.compile(r'\bcase\s+QL_K_|[<>]=?\s*QL_K_[A-Z]')
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def problem(here, included):
    """Why a file of directory `here` may not include `included`, or None."""
    parts = included.split("/")
    if len(parts) == 1:
        return None if here is None else "name the directory: \"%s/%s\"" % (here, included)
    there = parts[0]
    if there == "quell":
        return None if here in ("embed", "server") else "quell/ is the library's outside"
    if there not in LEVELS:
        return "directory %s has no level" % there
    if there == here:
        return None
    if parts[-1].endswith("_int.h"):
        return "private header of %s" % there
    if (here, there) in NEVER:
        return "%s must not know %s" % (here, there)
    if LEVELS[there] < LEVELS[here] or (here, there) in SIDEWAYS:
        return None
    return "%s (level %d) may not include %s (level %d)" % (here, LEVELS[here], there, LEVELS[there])


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    bad = 0
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".c", ".h", ".def"):
            continue
        here = path.relative_to(root).parts[0]
        if here not in LEVELS:
            print("src/%s: directory %s has no level" % (path.relative_to(root), here))
            bad += 1
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if KINDS.search(line) and not path.name.startswith("kind") and path.name not in OLD_KINDS:
                print("src/%s:%d: by kind: ask the table (types/kinds.h), its slot or its family" % (path.relative_to(root), number))
                bad += 1
            m = INCLUDE.match(line)
            why = problem(here, m.group(1)) if m else None
            if why:
                print("src/%s:%d: %s" % (path.relative_to(root), number, why))
                bad += 1
    if bad:
        print("check_layers: %d problems" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
