# SPDX-License-Identifier: Apache-2.0
"""Shorter versions of a statement that shows a mismatch."""
import re

TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|[\w.@]+|<=>|<=|>=|<>|<<|>>|!=|\S", re.S)
CLAUSE = {"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "WINDOW", "LEFT", "RIGHT", "INNER", "CROSS", "JOIN"}


def parse(sql):
    stack = [[]]
    for t in TOKEN.findall(sql):
        if t == "(":
            stack.append([])
        elif t == ")" and len(stack) > 1:
            n = stack.pop()
            stack[-1].append(n)
        else:
            stack[-1].append(t)
    return stack[0]


def render(node):
    out = ""
    for x in node:
        if isinstance(x, list):
            glue = "" if re.search(r"[A-Z_]$", out) and not re.search(r"\b(IN|AND|OR|AS|NOT|FROM|WHERE|BY|SELECT|VALUES|EXISTS|"
                                                                      r"ALL|ANY|SOME|ON|THEN|WHEN|ELSE|UNION|JOIN|XOR)$", out) else " "
            out += glue + "(" + render(x) + ")"
        else:
            out += (" " if out and x != "," else "") + x
    return out


def cuts(node):
    """Smaller versions of a token tree: (only takes conditions away?, new tree)."""
    up = [x.upper() if isinstance(x, str) else "" for x in node]
    marks = [i for i, w in enumerate(up) if w in CLAUSE and not (w == "JOIN" and i and up[i - 1] in CLAUSE)
             and not (i + 1 < len(node) and isinstance(node[i + 1], list) and w in ("LEFT", "RIGHT"))]
    for n, i in enumerate(marks):
        ends = [j for j in marks[n + 1:] if not (up[i] == "ORDER" and up[j] == "LIMIT")] + [len(node)]
        if up[i] == "UNION":
            yield False, node[:i]
            yield False, node[i + 1 + (up[i + 1] in ("ALL", "DISTINCT")):]
        yield up[i] == "WHERE", node[:i] + node[ends[0]:]
    for i, w in enumerate(up):
        if w == "DISTINCT":
            yield False, node[:i] + node[i + 1:]
        elif w in ("AND", "OR", "XOR"):
            stop = CLAUSE | {"AND", "OR", "XOR", ",", "ON", "WHEN", "THEN", "ELSE", "END", "SELECT", "AS"}
            j = next((j for j in range(i + 1, len(up)) if up[j] in stop), len(up))
            k = next((k for k in range(i - 1, -1, -1) if up[k] in stop), -1)
            yield True, node[:i] + node[j:]
            yield True, node[:k + 1] + node[i + 1:]
        elif w == "NOT":
            yield True, node[:i] + node[i + 1:]
        elif w == "CASE" and "END" in up[i:]:
            yield False, node[:i] + ["1"] + node[i + up[i:].index("END") + 1:]
        elif w == ",":
            j = next((j for j in range(i + 1, len(up)) if up[j] in CLAUSE | {",", "FROM", "ON"}), len(up))
            k = next((k for k in range(i - 1, -1, -1) if up[k] in (",", "SELECT", "DISTINCT", "SET", "VALUES", "BY")), -1)
            if not (k >= 1 and up[k] == "BY" and up[k - 1] == "ORDER"):
                yield False, node[:i] + node[j:]
                yield False, node[:k + 1] + node[i + 1:]
    for i, x in enumerate(node):
        if isinstance(x, list) and not (i and up[i - 1] in ("OVER", "GROUP_CONCAT")):
            if x and x[0] != "SELECT" and x[0] != "WITH" and (not i or up[i - 1] not in ("IN", "VALUES", "INTO")):
                f = i - 1 if i and re.fullmatch(r"[A-Z_]+", up[i - 1]) and up[i - 1] not in ("AND", "OR", "NOT", "WHERE", "ON",
                                                                                            "SELECT", "WHEN", "THEN") else i
                args, cur = [], []
                for y in x + [","]:
                    if y in (",", "+", "-", "*", "/", "%", "DIV", "AS") and cur:
                        args.append(cur)
                        cur = []
                    else:
                        cur = cur + [y]
                for arg in args if len(args) > 1 or f < i else []:
                    yield False, node[:f] + arg + node[i + 1:]
            for where, y in cuts(x):
                yield where, node[:i] + [y] + node[i + 1:]
