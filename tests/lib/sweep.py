# SPDX-License-Identifier: Apache-2.0
"""What the sweeps share: a statement is run once to count its checkpoints, then again with a kill at each of them, or at some."""
from wire import Err


def points(n, most):
    """1 to n, or, when that is more than `most`, the first few, the last few, and some between."""
    if n <= most:
        return range(1, n + 1)
    edge = most // 3
    inner = range(edge + 1, n - edge + 1)
    return sorted({*range(1, edge + 1), *inner[::max(1, len(inner) // (most - 2 * edge))], *range(n - edge + 1, n + 1)})


def checkpoints(w):
    """Of the statement before."""
    return int(w.query("SHOW STATUS LIKE 'Quell_last_checkpoints'")[0][1])


def run(w, sql, arm=None):
    """The number of its error, or None. arm: a DEBUG_SYNC action such as 'kill_at 5 QUERY'."""
    if arm:
        w.query(f"SET DEBUG_SYNC = '{arm}'")
    try:
        w.query(sql)
    except Err as e:
        return e.code
    return None
