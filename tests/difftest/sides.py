# SPDX-License-Identifier: Apache-2.0
"""The two servers of difftest.py, what a statement did, and whether both did the same."""
import collections
import json
import math
import re
import time

import pymysql
import pymysql.cursors
from gen import as_float

SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
FLOATS = (4, 5)                                   # protocol type codes FLOAT, DOUBLE
SAME_ERROR = {4025: 3140}  # MariaDB checks a JSON column's text by a constraint
LOST = {2003, 2006, 2013, 2014, 2055}


class Res:
    """What a statement did: kind is rows, ok, err, lost (connection), hang or protocol."""

    def __init__(self, kind, rows=(), types=(), names=(), affected=0, errno=0, msg=""):
        self.kind, self.rows, self.types, self.names = kind, list(rows), list(types), list(names)
        self.affected, self.errno, self.msg = affected, errno, msg

    def brief(self, k=6):
        if self.kind == "rows":
            more = f" .. {len(self.rows)} rows" if len(self.rows) > k else ""
            return f"{len(self.names)} columns: " + " ".join(repr(tuple(r)) for r in self.rows[:k]) + more
        return f"ok, {self.affected} affected" if self.kind == "ok" else f"{self.kind} {self.errno} {self.msg}"[:300]


class Side:
    """One server with three sessions: main, aux (sees committed data only), red (reductions)."""

    def __init__(self, tag, spec, args):
        host, port, user, pw = (spec.split(":", 3) + ["", "", ""])[:4]
        self.tag, self.addr, self.args = tag, dict(host=host, port=int(port or 3306), user=user or "root", password=pw), args
        self.conns, self.db, self.notes = {}, {}, collections.Counter()

    def connect(self, which):
        c = pymysql.connect(**self.addr, charset="utf8mb4", conv={}, autocommit=True, connect_timeout=5,
                            read_timeout=self.args.stmt_timeout, write_timeout=self.args.stmt_timeout)
        self.conns[which] = c
        for s in ("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", f"SET SESSION sql_mode = '{SQL_MODE}'",
                  "SET SESSION time_zone = '+00:00'", "SET SESSION group_concat_max_len = 1000000",
                  "SET SESSION innodb_lock_wait_timeout = 3"):
            r = self.run(s, which)
            if r.kind != "ok":
                self.notes[f"{s}: {r.errno}"] += 1
        if self.db.get(which):
            self.run(f"USE {self.db[which]}", which)

    def run(self, sql, which="main", timeout=None):
        t0, limit = time.monotonic(), timeout or self.args.stmt_timeout
        c = None
        try:
            if which not in self.conns:
                self.connect(which)
            c = self.conns[which]
            c._read_timeout = limit
            cur = c.cursor(pymysql.cursors.SSCursor)
            cur.execute(sql)
            if cur.description is None:
                n = cur.rowcount
                cur.close()
                return Res("ok", affected=n)
            rows = []
            while True:
                part = cur.fetchmany(500)
                rows += [tuple(v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in r) for r in part]
                if not part:
                    break
                if time.monotonic() - t0 > limit or len(rows) > 100000:
                    raise pymysql.err.OperationalError(2013, "timed out: too many rows or too slow")
            d = cur.description
            cur.close()
            return Res("rows", rows, [x[1] for x in d], [x[0] for x in d])
        except pymysql.err.MySQLError as e:
            no = e.args[0] if e.args and isinstance(e.args[0], int) else 0
            msg = str(e.args[1] if len(e.args) > 1 else e)
            if no not in LOST and no:
                return Res("err", errno=no, msg=msg)
            self.drop(which)
            slow = "timed out" in msg or time.monotonic() - t0 > limit * .95
            return Res("hang" if slow else "lost" if no else "protocol", errno=no, msg=msg)
        except OSError as e:
            self.drop(which)
            return Res("hang" if isinstance(e, TimeoutError) else "lost", msg=str(e))
        except Exception as e:                       # nonsense in a packet
            self.drop(which)
            return Res("protocol", msg=f"{type(e).__name__}: {e}")

    def drop(self, which):
        c = self.conns.pop(which, None)
        if c is None:
            return
        tid = c.server_thread_id[0] if c.server_thread_id else 0
        try:
            c._force_close()
            if tid:                                  # a hung statement shall not hold its locks
                k = pymysql.connect(**self.addr, connect_timeout=2, read_timeout=2)
                k.cursor().execute(f"KILL {tid}")
                k.close()
        except Exception:
            pass

    def alive(self):
        """True when the server answers, after waiting for it if need be."""
        end = time.monotonic() + self.args.reconnect_wait
        while True:
            if self.run("SELECT 1").kind == "rows":
                return True
            if time.monotonic() > end:
                return False
            time.sleep(.3)

    def use(self, db, which):
        self.db[which] = db
        return self.run(f"USE {db}", which)


def document(v):
    """A JSON text in one form: MySQL sorts names and MariaDB keeps the text that it was given."""
    try:
        return json.dumps(json.loads(v), sort_keys=True)
    except ValueError:
        return v


def canon(rows, floats, fold):
    out = []
    for r in rows:
        row = []
        for i, v in enumerate(r):
            if v is not None and i in floats and as_float(v) is not None:
                v = "%.9g" % (as_float(v) + 0.0)
            elif v is not None and fold:
                v = v.lower().rstrip(" ")
            if v is not None and v[:1] in ("{", "["):
                v = document(v)
            row.append(v)
        out.append(tuple(row))
    return out


def key(row):
    return tuple((v is not None, v or "") for v in row)


def close(x, y, floats):
    for i, (v, w) in enumerate(zip(x, y)):
        if v != w:
            f, h = as_float(v), as_float(w)
            if i not in floats or f is None or h is None or not math.isclose(f, h, rel_tol=1e-8, abs_tol=1e-9):
                return False
    return len(x) == len(y)


def same_rows(xs, ys, floats, ordered):
    """Equal as sequences, or as multisets."""
    if not ordered:
        xs, ys = sorted(xs, key=key), sorted(ys, key=key)
    if xs == ys or not floats or len(xs) != len(ys):
        return xs == ys
    if not ordered:
        k = lambda r: (key([v for i, v in enumerate(r) if i not in floats]),
                       [(as_float(v) is not None, as_float(v) or 0) for i, v in enumerate(r) if i in floats])
        xs, ys = sorted(xs, key=k), sorted(ys, key=k)
    return all(close(x, y, floats) for x, y in zip(xs, ys))


def compare(sql, order, a, b, types=False):
    """None when both did the same, else (class of the mismatch, detail)."""
    if a.kind in ("lost", "hang", "protocol"):
        return f"{a.kind}", a.msg
    if a.kind == "err" or b.kind == "err":
        if a.kind != b.kind:
            return (f"error {a.errno} on A only", a.msg) if a.kind == "err" else (f"error {b.errno} on B only", b.msg)
        return None if a.errno == SAME_ERROR.get(b.errno, b.errno) else (f"error {a.errno} instead of {b.errno}", f"A: {a.msg} B: {b.msg}")
    if a.kind != b.kind:
        return "result set or none", ""
    if a.kind == "ok":
        return None if a.affected == b.affected else ("affected rows", f"A {a.affected} B {b.affected}")
    if len(a.names) != len(b.names):
        return "column count", f"A {len(a.names)} B {len(b.names)}"
    if len(a.rows) != len(b.rows):
        return "row count", f"A {len(a.rows)} B {len(b.rows)}"
    floats = {i for i in range(len(b.types)) if a.types[i] in FLOATS or b.types[i] in FLOATS}
    fold = re.search(r"UPPER|LOWER|MD5|CONV", sql) and re.search(r"DISTINCT|GROUP|UNION|ORDER BY|MIN|MAX", sql)
    ra, rb = canon(a.rows, floats, fold), canon(b.rows, floats, fold)
    if not same_rows(ra, rb, floats, False):
        ca, cb = (collections.Counter(x) for x in (ra, rb))
        d = f"only A: {list((ca - cb))[:4]} only B: {list((cb - ca))[:4]}"
        every = set(range(len(b.types)))
        num = [[tuple(v if as_float(v) is None else "%.9g" % as_float(v) for v in r) for r in x] for x in (ra, rb)]
        return ("number format" if same_rows(*num, every, False) else "values"), d
    if order:
        pa, pb = ([tuple(r[i] for i in order) for r in x] for x in (ra, rb))
        if not same_rows(pa, pb, {order.index(i) for i in order if i in floats}, True):
            n = next(i for i, (x, y) in enumerate(zip(pa, pb)) if x != y)
            return "order", f"row {n}: A {pa[n]} B {pb[n]}"
    if types and [t in (253, 254) and 253 or t for t in a.types] != [t in (253, 254) and 253 or t for t in b.types]:
        return "types", f"A {a.types} B {b.types}"
    if types and a.names != b.names:
        return "column names", f"A {a.names} B {b.names}"
    return None
