# SPDX-License-Identifier: Apache-2.0
"""The history checker (lib/elle.py) on histories made by hand: it must find each anomaly, and nothing in clean ones."""
from elle import Op, Txn, check
from harness import main

RC, RR, SER = "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"


def txn(level, text, start, end, outcome="ok", **more):
    """'a x 1': append 1 to x. 'r x 1,2': consistent read of x. 'l x': locking read, found empty. '-' in front: a statement that was undone.
    'u': all appends so far are undone (savepoint). The operations are spread evenly over the time."""
    parts = [p.split() for p in text.split(";")]
    ops, step = [], (end - start) / (len(parts) + 1)
    for i, p in enumerate(parts):
        t0 = start + step * i
        if p[0] == "u":
            for o in ops:
                if o.kind == "append":
                    o.undone_at = min(o.undone_at, len(ops))
            continue
        undone = p[0] == "-"
        kind, key, *rest = p[1:] if undone else p
        if kind == "a":
            op = Op("append", key, int(rest[0]), stmt=i, start=t0, end=t0 + step / 2)
            if undone:
                op.undone_at = len(ops)
        else:
            value = tuple(int(v) for v in rest[0].split(",")) if rest else ()
            op = Op("r", key, value, locking=kind == "l", stmt=i, start=t0, end=t0 + step / 2)
        ops.append(op)
    return Txn(level, ops, outcome, start, end, **more)


def found(*history, final=None):
    return {a.name for a in check(history, final)}


def clean(*history, final=None):
    got = check(history, final)
    assert not got, "\n".join(map(str, got))


def test_clean_histories():
    for level in (RC, RR, SER):
        clean(txn(level, "a x 1; a y 2; r x 1; l y 2", 0, 10), txn(level, "r x 1; a x 3; r x 1,3", 20, 30), final={"x": [1, 3], "y": [2]})
        # At the same time, one behind the other.
        clean(txn(level, "a x 1; a y 1", 0, 10), txn(level, "a x 2; a y 2", 1, 11), txn(level, "l x 1,2; l y 1,2", 2, 12), final={"x": [1, 2], "y": [1, 2]})
        # Rolled back and not seen; a statement undone, a savepoint.
        clean(txn(level, "a x 1; r x 1", 0, 10, "fail"), txn(level, "r x; a x 2; - a x 3; r x 2; a x 4; r x 2,4", 5, 15), final={"x": [2, 4]})
        clean(txn(level, "a x 1; r x 1; u; r x; a x 2; r x 2", 0, 10), final={"x": [2]})
        # No answer: wholly there, or not at all.
        clean(txn(level, "a x 1; a y 2", 0, 10, "unknown"), txn(level, "r x 1", 20, 30), final={"x": [1], "y": [2]})
        clean(txn(level, "a x 1; a y 2", 0, 10, "unknown"), txn(level, "r x", 20, 30), final={"x": [], "y": []})
        # A snapshot that is older than the commit which came while the reader ran.
        clean(txn(level, "r x; r y", 0, 10), txn(level, "a x 1; a y 1", 8, 20), final={"x": [1], "y": [1]})


def test_g0():
    for level in (RC, RR, SER):
        assert found(txn(level, "a x 1; a y 1", 0, 10), txn(level, "a x 2; a y 2", 0, 10), final={"x": [1, 2], "y": [2, 1]}) == {"G0"}


def test_g1a():
    for level in (RC, RR, SER):
        assert "G1a" in found(txn(level, "a x 1", 0, 10, "fail"), txn(level, "r x 1", 5, 15))
        assert "G1a" in found(txn(level, "a x 1; u; a x 2", 0, 10), txn(level, "l x 1,2", 5, 15), final={"x": [1, 2]})
        assert "G1a" in found(txn(level, "- a x 1; a x 2", 0, 10), txn(level, "r x 1,2", 5, 15))
        assert "G1a" in found(txn(level, "a x 1", 0, 10, "fail"), final={"x": [1]})


def test_g1b():
    for level in (RC, RR, SER):
        assert "G1b" in found(txn(level, "a x 1; a y 9; a x 2", 0, 10), txn(level, "r x 1", 5, 15), final={"x": [1, 2], "y": [9]})


def test_g1c():
    for level in (RC, RR, SER):
        assert found(txn(level, "a x 1; l y 1", 0, 10), txn(level, "a y 1; l x 1", 0, 10), final={"x": [1], "y": [1]}) == {"G1c"}


def test_lost_update():
    for level in (RC, RR, SER):
        lost = txn(level, "a x 9", 0, 1), txn(level, "l x 9; a x 1", 2, 10), txn(level, "l x 9; a x 2", 2, 10)
        assert found(*lost, final={"x": [9, 1, 2]}) == {"lost-update"}
    # A row that is not there: gaps are locked from REPEATABLE READ on.
    for level, bad in ((RC, False), (RR, True), (SER, True)):
        assert found(txn(level, "l x; a x 1", 0, 10), txn(level, "l x; a x 2", 0, 10), final={"x": [1, 2]}) == ({"lost-update"} if bad else set())
    for level in (RC, RR):  # by a consistent read: allowed
        clean(txn(level, "r x; a x 1", 0, 10), txn(level, "r x; a x 2", 0, 10), final={"x": [1, 2]})
    assert found(txn(SER, "r x; a x 1", 0, 10), txn(SER, "r x; a x 2", 0, 10), final={"x": [1, 2]}) == {"lost-update"}


def test_g_single():
    """Read skew."""
    skew = "r x 1; r y", "a x 1; a y 1"
    clean(txn(RC, skew[1], 0, 10), txn(RC, "r x; r y 1", 0, 20), final={"x": [1], "y": [1]})
    for level in (RR, SER):
        assert found(txn(level, skew[1], 0, 10), txn(level, skew[0], 0, 20), final={"x": [1], "y": [1]}) == {"G-single"}
        assert found(txn(level, skew[1], 0, 10), txn(level, "r x; r y 1", 0, 20), final={"x": [1], "y": [1]}) == {"G-single"}
    # One statement has one snapshot at each level.
    t = txn(RC, "r x; r y 1", 0, 20)
    for o in t.ops:
        o.stmt = 0
    assert found(txn(RC, skew[1], 0, 10), t, final={"x": [1], "y": [1]}) == {"G-single"}
    # Locking reads hold.
    assert found(txn(RC, "a x 9", 0, 1), txn(RC, skew[1], 2, 10), txn(RC, "l x 9; l y 1", 2, 20), final={"x": [9, 1], "y": [1]}) == {"G-single"}
    assert found(txn(RR, skew[1], 0, 10), txn(RR, "l x; l y 1", 0, 20), final={"x": [1], "y": [1]}) == {"G-single"}


def test_g2():
    """Write skew."""
    for level in (RC, RR):
        clean(txn(level, "r x; a y 1", 0, 10), txn(level, "r y; a x 1", 0, 10), final={"x": [1], "y": [1]})
        assert found(txn(level, "a x 9; a y 9", 0, 1), txn(level, "l x 9; a y 1", 2, 10), txn(level, "l y 9; a x 1", 2, 10), final={"x": [9, 1], "y": [9, 1]}) == {"G2"}
    assert found(txn(RR, "l x; a y 1", 0, 10), txn(RR, "l y; a x 1", 0, 10), final={"x": [1], "y": [1]}) == {"G2"}  # phantoms
    assert found(txn(SER, "r x; a y 1", 0, 10), txn(SER, "r y; a x 1", 0, 10), final={"x": [1], "y": [1]}) == {"G2"}
    # The long fork: two snapshots that disagree about who came first.
    def fork(level):
        return txn(level, "a x 1", 0, 10), txn(level, "a y 1", 0, 10), txn(level, "r x 1; r y", 0, 10), txn(level, "r y 1; r x", 0, 10)
    assert found(*fork(RR), final={"x": [1], "y": [1]}) == {"G2"}
    assert found(*fork(RC), final={"x": [1], "y": [1]}) == {"G-single-realtime"}  # four moments one after the other cannot do it either


def test_real_time():
    for level in (RC, RR, SER):
        assert found(txn(level, "a x 1", 0, 10), txn(level, "r x", 20, 30), final={"x": [1]}) == {"G-single-realtime"}
        assert found(txn(level, "a x 1", 20, 30), txn(level, "a x 2", 0, 10), final={"x": [1, 2]}) == {"G0-realtime"}
        clean(txn(level, "a x 1", 0, 10), txn(level, "r x", 9, 30), final={"x": [1]})
    # The snapshot is that of the first read, or of START TRANSACTION WITH CONSISTENT SNAPSHOT.
    clean(txn(RR, "r y; r x", 0, 30), txn(RR, "a x 1", 11, 14), final={"x": [1], "y": []})
    clean(txn(RR, "a z 5; r z 5; r x", 0, 40), txn(RR, "a x 1", 21, 24), final={"x": [1], "z": [5]})
    clean(txn(RR, "r x", 20, 30, snapshot=(0, 1)), txn(RR, "a x 1", 5, 10), final={"x": [1]})
    assert found(txn(RR, "r x 1", 20, 30, snapshot=(0, 1)), txn(RR, "a x 1", 5, 10), final={"x": [1]}) == {"G1c-realtime"}


def test_internal():
    for level in (RC, RR, SER):
        assert found(txn(level, "a x 1; r x", 0, 10)) == {"internal"}
        assert found(txn(level, "a x 1; a x 2; l x 1", 0, 10)) == {"internal"}
        assert "internal" in found(txn(level, "a x 9", 0, 1), txn(level, "l x 9; l x 9,1", 2, 10), txn(level, "a x 1", 2, 10), final={"x": [9, 1]})
        assert "internal" in found(txn(level, "a x 2; r x 2; r x 1,2", 0, 10), txn(level, "a x 1", 0, 10), final={"x": [1, 2]})
    for level, bad in ((RC, False), (RR, True), (SER, True)):
        assert ("internal" in found(txn(level, "r x; r x 1", 0, 20), txn(level, "a x 1", 0, 10), final={"x": [1]})) == bad


def test_lost_and_doubled():
    assert found(txn(RC, "a x 1", 0, 10), final={"x": []}) == {"lost-append"}
    assert found(txn(RC, "a x 1; a y 2", 0, 10, "unknown"), final={"x": [1], "y": []}) == {"lost-append"}
    assert "duplicate" in found(txn(RC, "a x 1", 0, 10), final={"x": [1, 1]})
    assert "torn" in found(txn(RC, "r x 77", 0, 10))
    assert "order" in found(txn(RC, "a x 1", 0, 10), txn(RC, "a x 2", 0, 10), txn(RC, "r x 2", 5, 15), final={"x": [1, 2]})


def test_smallest_cycle_is_told():
    """A cycle of two among many transactions is what the report shows."""
    many = [txn(SER, f"r k; a z{i} {i}; a w {i}", i * 10, i * 10 + 5) for i in range(500)]
    bad = [txn(SER, "r x; a y 1", 6000, 6010), txn(SER, "r y; a x 1", 6000, 6010)]
    final = {"x": [1], "y": [1], "w": list(range(500)), **{f"z{i}": [i] for i in range(500)}}
    got = check(many + bad, final)
    assert [a.name for a in got] == ["G2"] and "a cycle of 2" in got[0].text and "T500" in got[0].text and "T501" in got[0].text, got


if __name__ == "__main__":
    main(globals())
