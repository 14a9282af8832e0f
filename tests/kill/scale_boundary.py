# SPDX-License-Identifier: Apache-2.0
# alone: it measures time
"""A million KILL QUERYs at the boundaries of statements, on the release build."""
import time

import boundary
import quell
from harness import main

exe = boundary.build()
server = quell.Server()
server.start()


def test_a_million_kills():
    t = time.monotonic()
    boundary.run(exe, server, "storm", 1000000, 6, 3, seconds=550)
    print(f"# {time.monotonic() - t:.1f} s")


def test_a_kill_that_is_over_hits_nothing():
    boundary.run(exe, server, "rounds", 100000, seconds=300)


def close_all():
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
