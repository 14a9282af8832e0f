#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ql_fail(cx, CODE, ...) and ql_warn(cx, level, CODE, ...) take the arguments of CODE's text in
src/base/errcodes.def, which the compiler cannot see. This counts them, and asks for a cast or a known
width where the text has %ld, %lu, %lld or %llu. It also fails on a code that is not in the list."""
import pathlib
import re
import sys

ROW = re.compile(r'^QL_ERRCODE\((\w+), \d+, "[^"]*", "((?:\\.|[^"\\])*)"\)', re.M)
SPEC = re.compile(r"%(?:%|[-+ #0]*(\*|\d+)?(?:\.(\*|\d+))?(hh|h|ll|l|z|j)?([a-zA-Z]))")
WIDE = re.compile(r"\(\s*(?:unsigned )?(?:long long|long|int64_t|uint64_t)\s*(?:unsigned)?\s*\)|[0-9](?:[uU]?[lL]+)")
CALL = re.compile(r"\bql_(fail|warn)\s*\(")


def arguments(text, start):
    """The top-level arguments of the call whose opening bracket ends at start."""
    depth, args, begin, i = 1, [], start, start
    while depth:
        c = text[i]
        if c in "\"'":
            i += 1
            while text[i] != c:
                i += 2 if text[i] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 1:
            args.append(text[begin:i].strip())
            begin = i + 1
        i += 1
    return args + [text[begin:i - 1].strip()]


def specs(fmt):
    """(length, conversion) of each argument a printf format takes."""
    out = []
    for width, precision, length, conv in SPEC.findall(fmt):
        out += [("", "d")] * ([width, precision].count("*"))
        if conv:
            out.append((length, conv))
    return out


def check_call(args, codes):
    """A complaint, or None. args are those from the code on."""
    m = re.fullmatch(r"QL_ER_(\w+)", args[0])
    if not m:
        return None  # a variable: the caller knows
    if m.group(1) not in codes:
        return "%s is not in errcodes.def" % args[0]
    want = specs(codes[m.group(1)])
    if len(want) != len(args) - 1:
        return "%s takes %d arguments, not %d" % (args[0], len(want), len(args) - 1)
    for (length, conv), arg in zip(want, args[1:]):
        if length in ("l", "ll") and conv in "diu" and not WIDE.search(arg):
            return "%s: cast '%s' for %%%s%s" % (args[0], arg, length, conv)
        if (length, conv) in (("", "d"), ("", "u")) and re.match(r"\(\s*(?:unsigned )?long", arg):
            return "%s: '%s' is too wide for %%%s" % (args[0], arg, conv)
    return None


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    codes = dict(ROW.findall((root / "base" / "errcodes.def").read_text(encoding="utf-8")))
    bad = 0
    for path in sorted(root.rglob("*.c")):
        text = path.read_text(encoding="utf-8")
        for m in CALL.finditer(text):
            if path.name == "diag.c":
                continue
            args = arguments(text, m.end())
            skip = 1 if m.group(1) == "fail" else 2
            why = check_call(args[skip:], codes) if len(args) > skip else None
            if why:
                print("src/%s:%d: %s" % (path.relative_to(root), text.count("\n", 0, m.start()) + 1, why))
                bad += 1
    if bad:
        print("check_errors: %d wrong calls" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
