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


def late_ctrl_c(first_of_connection):
    """The KILL QUERY of a second connection, held up until the statement it was meant for is over and the next one runs."""
    watch.query("SET DEBUG_SYNC = 'RESET'")
    victim = Wire(server)
    victim.send("SELECT SLEEP(1000), 'first'")
    watch.until_state(victim.id, "User sleep")
    ctrl_c = Wire(server)
    if not first_of_connection:
        ctrl_c.query("DO 0")
    watch.query("SET DEBUG_SYNC = 'global before_kill SIGNAL arrived WAIT_FOR go TIMEOUT 100'")
    ctrl_c.send(f"KILL QUERY {victim.id}")
    watch.query("SET DEBUG_SYNC = 'now WAIT_FOR arrived'")
    watch.kill(victim.id)  # the first statement ends in another way
    assert victim.error() == 1317
    victim.send("SELECT SLEEP(1000), 'second'")
    watch.until_state(victim.id, "User sleep")
    watch.query("SET DEBUG_SYNC = 'now SIGNAL go'")
    assert ctrl_c.result() == 0
    return victim, ctrl_c


def test_late_ctrl_c():
    idle = int(watch.status("Quell_kills_idle")["Quell_kills_idle"])
    victim, ctrl_c = late_ctrl_c(True)
    assert watch.state(victim.id) == ("Query", "User sleep"), "a late Ctrl-C has hit the next statement"
    assert not victim.readable(0.2)
    assert int(watch.status("Quell_kills_idle")["Quell_kills_idle"]) == idle + 1
    ctrl_c.query(f"KILL QUERY {victim.id}")  # no longer its first command: this one is meant
    assert victim.error() == 1317
    victim.quit()
    ctrl_c.quit()
    watch.query("SET DEBUG_SYNC = 'RESET'")
    watch.until_calm()


def test_not_the_first_command():
    victim, ctrl_c = late_ctrl_c(False)
    assert victim.error() == 1317
    victim.quit()
    ctrl_c.quit()
    watch.query("SET DEBUG_SYNC = 'RESET'")
    watch.until_calm()


def test_ctrl_c_in_time():
    """The everyday case: the statement began before the connection came."""
    for _ in range(50):
        victim = Wire(server)
        victim.send("SELECT SLEEP(1000)")
        watch.until_state(victim.id, "User sleep")
        ctrl_c = Wire(server)
        ctrl_c.query(f"KILL QUERY {victim.id}")
        assert victim.error() == 1317
        ctrl_c.quit()
        victim.quit()
    watch.until_calm()


def close_all():
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
