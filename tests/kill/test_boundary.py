# SPDX-License-Identifier: Apache-2.0
"""Kills at the boundaries of statements: each hits the statement it was meant for or nothing."""
import boundary
import quell
from harness import main
from wire import Watcher, Wire

exe = boundary.build()
server = quell.Server(args=["--innodb-flush-log-at-trx-commit=0"])
server.start()
watch = Watcher(server)


def test_a_kill_that_is_over_hits_nothing():
    boundary.run(exe, server, "rounds", 10000)
    watch.until_calm()


def test_storm():
    boundary.run(exe, server, "storm", 100000, 4, 2)
    watch.until_calm()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
