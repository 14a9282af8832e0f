# SPDX-License-Identifier: Apache-2.0
"""Checks the history of concurrent transactions for anomalies. The method is that of list-append checkers (Elle): every write appends a
number to a list, so whoever reads a list sees which writes came before his read and in what order. From the lists follow the order of the
versions of each key and with it the dependencies between transactions:

    ww  the one appended right behind the other        wr  the one read what the other appended
    rw  the one read a list that the other then appended to        rt  the one was acknowledged before the other began

A history is in order when it could have happened with every *part* of a transaction at one moment in time. What the parts are is what the
isolation level promises (MySQL's manual, "Transaction Isolation Levels", "Consistent Nonlocking Reads", "Locking Reads"):

* Writes and locking reads of a transaction, at each level: one part. They act on the newest committed state and keep their locks to the end.
  A list that the transaction has appended to is locked, so all its reads of that list belong here. An empty list is a row that is not there:
  READ COMMITTED locks rows only ("gap locking is disabled"), so there a locking read of it is like a consistent one.
* Consistent reads, READ COMMITTED: each statement is a part ("each consistent read, even within the same transaction, sets and reads its own
  fresh snapshot").
* Consistent reads, REPEATABLE READ: together one part ("all consistent reads within the same transaction read the snapshot established by
  the first such read"), which need not be the moment of the writes: "the snapshot of the database state applies to SELECT statements, not
  necessarily to DML statements". So the lost update and the write skew of a transaction that decides by a consistent read are allowed.
* SERIALIZABLE: the transaction is one part ("InnoDB implicitly converts all plain SELECT statements to SELECT ... FOR SHARE if autocommit is
  disabled").

What can be found: G0 (a cycle of ww), G1a (a read of what was rolled back), G1b (a read of what was not the last of its transaction), G1c (a
cycle of ww and wr), lost-update and G-single (a cycle with one rw), G2 (with more), each of the cycles also "-realtime" (through rt); internal
(own writes not read, a repeated read that differs), lost-append, duplicate, order (two reads that no order of versions explains), torn."""
import dataclasses
import math


def brief(value):
    return "[" + ("..." if len(value) > 12 else "") + ",".join(map(str, value[-12:])) + "]"


@dataclasses.dataclass
class Op:
    """One read or append of one key. Ops of one statement have the same stmt."""
    kind: str                   # "r" or "append"
    key: object
    value: object               # read: tuple of numbers; append: the number
    locking: bool = False       # reads
    stmt: int = 0
    start: float = 0.0
    end: float = 0.0
    undone_at: float = math.inf  # append: index in ops at which it was undone (by a savepoint; its own index: the statement failed)

    def __str__(self):
        if self.kind == "append":
            return f"append {self.key} {self.value}" + ("" if self.undone_at == math.inf else " (undone)")
        return f"{'locking ' if self.locking else ''}read {self.key} {brief(self.value)}"


@dataclasses.dataclass
class Txn:
    level: str                  # as in SET TRANSACTION ISOLATION LEVEL
    ops: list
    outcome: str = "ok"         # "ok", "fail" (rolled back, for certain), "unknown"
    start: float = 0.0
    end: float = 0.0            # when the outcome was known to the client
    snapshot: tuple = None      # (start, end) of what took it: START TRANSACTION WITH CONSISTENT SNAPSHOT, or consistent reads up to the first that answered
    autocommit: bool = False    # a single statement without BEGIN
    session: int = 0
    n: int = -1

    def __str__(self):
        ops = "; ".join(str(o) for o in self.ops)
        return f"T{self.n} (session {self.session}, {self.level}, {self.outcome}, {self.start:.4f} to {self.end:.4f}): {ops}"


@dataclasses.dataclass
class Anomaly:
    name: str
    text: str

    def __str__(self):
        return f"{self.name}: {self.text}"


class Part:
    """What of a transaction happens at one moment; a node of the graph."""

    def __init__(self, txn, what, start, end):
        self.txn, self.what, self.start, self.end = txn, what, start, end
        self.reads, self.appends, self.out = [], [], {}

    def __str__(self):
        return f"T{self.txn.n}{self.what}"

    def to(self, other, kind, why):
        if other is not self:
            self.out.setdefault(other, {}).setdefault(kind, why)


class Checker:
    def __init__(self, history, final):
        self.history = list(history)
        self.final = final
        self.found = []
        self.writer = {}        # (key, number) -> (txn, index of the op)
        self.orders = {}        # key -> the longest list
        self.part_of = {}       # (key, number) -> Part that appended it
        self.parts = []

    def report(self, name, text):
        self.found.append(Anomaly(name, text))

    def run(self):
        for n, t in enumerate(self.history):
            t.n = n
        self.learn_writers()
        self.decide_unknown()
        for t in self.history:
            self.split(t)
        self.order_versions()
        self.check_final()
        self.check_intermediate()
        self.dependencies()
        self.real_time()
        self.cycles()
        return self.found

    # ---- who wrote what, and did it stay ----

    def learn_writers(self):
        for t in self.history:
            for i, o in enumerate(t.ops):
                if o.kind == "append":
                    assert (o.key, o.value) not in self.writer, "appended numbers must be unique"
                    self.writer[o.key, o.value] = (t, i)

    def everything_read(self):
        for t in self.history:
            for o in t.ops:
                if o.kind == "r":
                    yield t, o.key, o.value
        for key, value in (self.final or {}).items():
            yield None, key, value

    def decide_unknown(self):
        """A transaction without an answer has happened when somebody has seen it."""
        seen = set()
        for t, key, value in self.everything_read():
            for v in value:
                w = self.writer.get((key, v))
                if w and w[0] is not t and w[0].outcome == "unknown":
                    seen.add(id(w[0]))
        for t in self.history:
            if t.outcome == "unknown":
                t.outcome, t.end = ("ok", math.inf) if id(t) in seen else ("fail", t.end)

    @staticmethod
    def stays(t, o):
        return t.outcome == "ok" and o.undone_at == math.inf

    # ---- parts; what a transaction must see of itself ----

    def split(self, t):
        main = Part(t, "", math.inf, t.end)
        snapshot, statement = None, {}
        repeat = {}             # what a second read of the key in this part must show
        own = {}                # key -> [(op, number)] appended so far
        for i, o in enumerate(t.ops):
            if o.kind == "append":
                main.start = min(main.start, o.start)
                if o.undone_at > i:
                    own.setdefault(o.key, []).append(o)
                if self.stays(t, o):
                    main.appends.append((o.key, o.value))
                    self.part_of[o.key, o.value] = main
                continue
            base = self.without_own(t, i, o, [a.value for a in own.get(o.key, []) if a.undone_at > i])
            if base is None:
                continue
            if snapshot is None and not o.locking and t.level == "REPEATABLE READ":
                snapshot = Part(t, ".snapshot", *(t.snapshot or (o.start, o.end)))  # taken even by a read of own rows
            touched = any(a.undone_at > i for a in own.get(o.key, []))
            if o.locking and (base or t.level != "READ COMMITTED") or touched or t.level == "SERIALIZABLE" and not t.autocommit:
                part = main
                main.start = min(main.start, o.start)
            elif t.level == "REPEATABLE READ":
                part = snapshot
            else:
                if o.stmt not in statement:
                    statement[o.stmt] = Part(t, f".read{o.stmt}", o.start, o.end)
                part = statement[o.stmt]
            if repeat.setdefault((part, o.key), base) != base:
                self.report("internal", f"a repeated read differs: {brief(repeat[part, o.key])} and then {brief(base)} of key {o.key} in {t}")
            self.check_aborted(t, o, base)
            part.reads.append((o.key, base))
        for p in (main, snapshot, *statement.values()):
            if p is not None and (p.reads or p.appends):
                self.parts.append(p)

    def without_own(self, t, i, o, own):
        """The list without the transaction's own appends at its end; None when they are not there as they must be."""
        if own and list(o.value[-len(own):]) != own:
            self.report("internal", f"own appends {own} are not at the end of {o} (operation {i}) in {t}")
            return None
        return tuple(o.value[:len(o.value) - len(own)])

    def check_aborted(self, t, o, base):
        for v in base:
            w = self.writer.get((o.key, v))
            if w is None:
                self.report("torn", f"{v} in {o} was never appended: {t}")
            elif not self.stays(w[0], w[0].ops[w[1]]):
                self.report("G1a", f"{o} shows {v}, which was rolled back\n  reader {t}\n  writer {w[0]}")

    # ---- the order of versions ----

    def order_versions(self):
        reads = [(p.txn, key, value) for p in self.parts for key, value in p.reads] + [(None, k, v) for k, v in (self.final or {}).items()]
        for _, key, value in reads:
            if len(value) > len(self.orders.get(key, ())):
                self.orders[key] = tuple(value)
        for key, value in self.orders.items():
            if len(set(value)) != len(value):
                self.report("duplicate", f"key {key}: {[v for v in set(value) if value.count(v) > 1]} more than once in {value}")
        for t, key, value in reads:
            if tuple(value) != self.orders.get(key, ())[:len(value)]:
                self.report("order", f"key {key}: {brief(value)} is not how {brief(self.orders[key])} begins; read by {t or 'the final read'}")

    def check_final(self):
        if self.final is None:
            return
        for key, value in self.final.items():
            for v in value:
                w = self.writer.get((key, v))
                if w is None:
                    self.report("torn", f"{v} at the end in key {key} was never appended")
                elif not self.stays(w[0], w[0].ops[w[1]]):
                    self.report("G1a", f"the final state of key {key} shows {v}, which was rolled back\n  writer {w[0]}")
        there = {k: set(v) for k, v in self.final.items()}
        for (key, v), p in self.part_of.items():
            if v not in there.get(key, ()):
                self.report("lost-append", f"{v} is not in key {key} at the end, but was acknowledged or seen: {p.txn}")

    def check_intermediate(self):
        per = {}                # (key, txn) -> its numbers that stay
        for (key, v), p in self.part_of.items():
            per.setdefault((key, p.txn.n), set()).add(v)
        for p in self.parts:
            for key, value in p.reads:
                # Only the last transaction of the list can be seen half; one in the middle shows as a cycle of ww.
                if value and (key, value[-1]) in self.part_of:
                    w = self.part_of[key, value[-1]].txn
                    if w is not p.txn and per[key, w.n] - set(value):
                        self.report("G1b", f"key {key}: {brief(value)} lacks {sorted(per[key, w.n] - set(value))} of the same transaction\n  reader {p.txn}\n  writer {w}")

    # ---- dependencies ----

    def dependencies(self):
        for key, order in self.orders.items():
            writers = [self.part_of.get((key, v)) for v in order]
            for a, b, v in zip(writers, writers[1:], order[1:]):
                if a and b:
                    a.to(b, "ww", f"{b} appended {v} to key {key} behind {a}")
        for p in self.parts:
            for key, value in p.reads:
                order = self.orders.get(key, ())
                if value and (w := self.part_of.get((key, value[-1]))):
                    w.to(p, "wr", f"{p} read {value[-1]} of {w} in key {key}")
                if len(value) < len(order) and (w := self.part_of.get((key, order[len(value)]))):
                    p.to(w, "rw", f"{p} read key {key} up to {value[-1] if value else 'nothing'}, then {w} appended {order[len(value)]}")

    def real_time(self):
        """Who was over before another began. Only to the nearest: the others follow."""
        events = sorted([(p.start, 0, i) for i, p in enumerate(self.parts)] + [(p.end, 1, i) for i, p in enumerate(self.parts) if p.end != math.inf])
        front, before = set(), {}
        for _, is_end, i in events:
            if is_end:
                front -= before.pop(i, set())
                front.add(i)
            else:
                before[i] = set(front)
                for j in front:
                    self.parts[j].to(self.parts[i], "rt", f"{self.parts[j]} was over at {self.parts[j].end:.4f}, {self.parts[i]} began at {self.parts[i].start:.4f}")

    # ---- cycles ----

    def cycles(self):
        """The gravest kind only: a cycle of ww is also one of everything else."""
        for suffix, more in (("", set()), ("-realtime", {"rt"})):
            for name, kinds in (("G0", {"ww"}), ("G1c", {"ww", "wr"}), ("G-single", {"ww", "wr"}), ("G2", {"ww", "wr", "rw"})):
                cycle = self.single_rw(kinds | more) if name == "G-single" else self.shortest(kinds | more)
                if cycle:
                    self.report(self.named(name, cycle) + suffix, self.tell(cycle))
                    return

    @staticmethod
    def named(name, cycle):
        if name == "G-single" and len(cycle) == 2 and {k for _, _, k in cycle} == {"rw", "ww"}:
            return "lost-update"
        return name

    def tell(self, cycle):
        lines = [f"  {a.out[b][kind]} ({kind})" for a, b, kind in cycle]
        txns = dict.fromkeys(a.txn.n for a, _, _ in cycle)
        return f"a cycle of {len(cycle)}\n" + "\n".join(lines) + "\n" + "\n".join(f"  {self.history[n]}" for n in txns)

    def components(self, kinds):
        """Strongly connected components of more than one part (Tarjan, without recursion)."""
        index, low, stack, on, found = {}, {}, [], set(), []
        for root in self.parts:
            if root in index:
                continue
            work = [(root, None)]
            while work:
                p, it = work.pop()
                if it is None:
                    index[p] = low[p] = len(index)
                    stack.append(p)
                    on.add(p)
                    it = iter([q for q, ks in p.out.items() if kinds & ks.keys()])
                for q in it:
                    if q not in index:
                        work += [(p, it), (q, None)]
                        break
                    if q in on:
                        low[p] = min(low[p], index[q])
                else:
                    if low[p] == index[p]:
                        group = []
                        while True:
                            q = stack.pop()
                            on.discard(q)
                            group.append(q)
                            if q is p:
                                break
                        if len(group) > 1:
                            found.append(group)
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[p])
        return found

    @staticmethod
    def path(a, b, kinds, within=None):
        """Shortest way from a to b as [(from, to, kind)], None when there is none."""
        came, queue = {a: None}, [a]
        for p in queue:
            for q, ks in p.out.items():
                if (within is not None and q not in within) or not kinds & ks.keys():
                    continue
                if q is b:
                    way = [(p, q)]
                    while came[way[0][0]] is not None:
                        way.insert(0, (came[way[0][0]], way[0][0]))
                    return [(x, y, sorted(kinds & x.out[y].keys(), key=("ww", "wr", "rw", "rt").index)[0]) for x, y in way]
                if q not in came:
                    came[q] = p
                    queue.append(q)
        return None

    def shortest(self, kinds):
        best = None
        for group in self.components(kinds):
            within = set(group)
            for p in group[:200]:
                way = self.path(p, p, kinds, within)
                if way and (best is None or len(way) < len(best)):
                    best = way
        return best

    def single_rw(self, kinds):
        best = None
        for group in self.components(kinds | {"rw"}):
            within = set(group)
            tried = 0
            for p in group:
                for q, ks in p.out.items():
                    if "rw" in ks and q in within and tried < 400:
                        tried += 1
                        way = self.path(q, p, kinds, within)
                        if way and (best is None or len(way) + 1 < len(best)):
                            best = [(p, q, "rw")] + way
        return best


def check(history, final=None):
    """Anomalies (list of Anomaly) of a list of Txn. final: {key: list} as read when all was over."""
    return Checker(history, None if final is None else {k: tuple(v) for k, v in final.items()}).run()
