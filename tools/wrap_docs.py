#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wraps the paragraphs and list items of the repository's Markdown at 120 columns. Tables, code, headings and links that cannot be broken stay as
they are. With --check it only names the lines that are too long."""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
WIDTH = 120
ITEM = re.compile(r"^(\s*)([*+-]|\d+\.)(\s+)")
KEEP = re.compile(r"^\s*(\||#|<|!\[|\[[^]]+\]:|---+\s*$|===+\s*$|>)")


def is_kept(line, in_item):
    return bool(KEEP.match(line)) or (line.startswith("    ") and not in_item) or line.endswith("  ")


def join(lines):
    return " ".join(x.strip() for x in lines)


def wrap(text):
    out, block, first, rest = [], [], "", ""
    fenced = False

    def flush():
        nonlocal block
        if block:
            # A line must not begin with what would make it an item or a heading.
            got = textwrap.wrap(join(block), WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
            for i, line in enumerate(got):
                if i > 0 and re.match(r"^\s*([*+-]|\d+\.|#|\||>)(\s|$)", line):
                    word, _, tail = got[i].strip().partition(" ")
                    got[i - 1] += " " + word
                    got[i] = rest + tail
            out.extend(x for x in got if x.strip())
        block = []

    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            flush()
            fenced = not fenced
            out.append(line)
            continue
        item = ITEM.match(line)
        in_item = bool(rest) and bool(block)
        if fenced or not line.strip():
            flush()
            if not line.strip():
                out.append("")
                if not fenced:
                    first = rest = ""
            else:
                out.append(line)
        elif item and not (line.startswith("    ") and not in_item and not rest):
            flush()
            first = item.group(0)
            rest = " " * len(first)
            block = [line[len(first):]]
        elif is_kept(line, in_item):
            flush()
            first = rest = ""
            out.append(line)
        elif block:
            block.append(line)
        else:
            first = rest = re.match(r"\s*", line).group(0)
            block = [line]
    flush()
    return "\n".join(out) + "\n"


def documents():
    """All .md files but those of builds and of running servers; without git, which a machine that only builds has not."""
    names = []
    for top in sorted(ROOT.iterdir()):
        if top.suffix == ".md":
            names.append(top.name)
        elif top.is_dir() and not top.name.startswith(("build", "var", ".", "__")):
            names += sorted(str(f.relative_to(ROOT)) for f in top.rglob("*.md"))
    return names


def main():
    check = "--check" in sys.argv
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    names = names or documents()
    bad = 0
    for name in names:
        path = ROOT / name
        if not path.exists():
            continue
        old = path.read_text()
        new = wrap(old)
        if check and new != old:
            # Shorter lines are the writer's business; longer ones are not.
            long = [i + 1 for i, x in enumerate(old.splitlines()) if len(x) > WIDTH and x not in new.splitlines()]
            for i in long[:5]:
                print(f"{name}:{i}: longer than {WIDTH} columns (./dev fmt wraps it)")
            bad += bool(long)
        elif new != old:
            path.write_text(new)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
