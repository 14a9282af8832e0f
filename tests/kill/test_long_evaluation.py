# SPDX-License-Identifier: Apache-2.0
"""KILL QUERY in the middle of work on one large value: a comparison, a copy, a search, a digest, the reading of a long statement text. The
victim is seen at it in the process list; it ends with 1317, and its session goes on."""
import quell
from harness import main
from wire import Err, Watcher, Wire

PACKET = 256 << 20
server = quell.Server(args=[f"--max-allowed-packet={PACKET}"])
server.start()
watch = Watcher(server)
MB = 16


def at_work(victim, state):
    """In the process list; or done already."""
    def seen():
        now = watch.state(victim.id)
        return now is not None and now[0] == "Query" and (state is None or now[1] == state) or victim.readable(0.001)
    quell.until(seen, what=f"connection {victim.id} at work")


def is_killed(expression, mb=MB):
    """@a and @b are large and equal, so there is nothing to do but that work; it goes on for very long when nobody stops it."""
    with Wire(server, timeout=120) as victim:
        victim.query(f"SET @a = REPEAT('abc1', {mb << 18}), @b = REPEAT('abc1', {mb << 18})")
        victim.send(f"SELECT BENCHMARK(1000000, {expression})")
        at_work(victim, "executing")
        watch.kill(victim.id)
        assert victim.error() == 1317, expression
        assert victim.value("SELECT LENGTH(@a)") == str(mb << 20)
    watch.until_calm()


def test_comparison():
    is_killed("@a = @b", mb=60)


def test_comparison_of_bytes():
    is_killed("BINARY @a = BINARY @b")


def test_comparison_by_weights():
    is_killed("@a COLLATE utf8mb4_general_ci = @b")


def test_replace():
    is_killed("REPLACE(@a, 'b', 'xy')")


def test_like():
    is_killed("@a LIKE '%c1d%'")


def test_regexp():
    is_killed("@a REGEXP 'c1d'", mb=4)


def test_digest():
    is_killed("SHA2(@a, 512)")


def test_one_copy():
    """No loop around it: one evaluation of hundreds of megabytes. Where it ends before the KILL, a larger one is tried."""
    ends_early(lambda mb: f"DO REPLACE(REPEAT('abc1', {mb << 18}), 'b', 'c')", "executing", (60, 120, 200))


def test_text_of_a_statement():
    """While it is read, parsed and resolved."""
    watch.query("CREATE DATABASE long_text")
    watch.query("CREATE TABLE long_text.t (a INT)")
    ends_early(lambda mb: "INSERT INTO long_text.t VALUES " + ",".join(["(123)"] * ((mb << 20) // 6)), None, (4, 8, 15))
    assert watch.value("SELECT COUNT(*) FROM long_text.t") == "0"


def ends_early(text, state, sizes):
    for mb in sizes:
        with Wire(server, timeout=120) as victim:
            victim.send(text(mb))
            at_work(victim, state)
            watch.kill(victim.id)
            try:
                victim.result()
                watch.query("TRUNCATE TABLE long_text.t") if state is None else None
            except Err as e:
                assert e.code == 1317, e.code
                assert victim.value("SELECT 'next'") == "next"
                return
    raise AssertionError("each of them was done before the KILL")


def close_all():
    watch.until_calm()
    watch.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
