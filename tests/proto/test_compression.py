#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The compressed protocol (zlib by hand; zstd through the stock client where it can): contents, killing a statement whose client does not read,
damaged packets."""
import os
import subprocess
import sys
import zlib

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from harness import main  # noqa: E402
from quell import Server, until  # noqa: E402
from rawwire import Closed, Err, Wire  # noqa: E402

COMPRESS, ZSTD = 1 << 5, 1 << 26
server = Server(args=["--max-allowed-packet=67108864", "--net-read-timeout=1"]).start()
watcher = Wire(server.socket).login()


def close_all():
    watcher.close()
    server.__exit__(None, None, None)


def state_of(i):
    for r in watcher.query("SHOW FULL PROCESSLIST")[1]:
        if int(r[0]) == i:
            return r[6]
    return None


class ZipWire(Wire):
    """After the login every byte goes through compressed packets."""
    on = False

    def login(self, **kw):
        super().login(caps=COMPRESS, **kw)
        self.on = True
        self.plain = b""
        self.inflated = 0
        return self

    def read_exactly(self, n):
        if not self.on:
            return super().read_exactly(n)
        while len(self.plain) < n:
            h = super().read_exactly(7)
            length, before = int.from_bytes(h[:3], "little"), int.from_bytes(h[4:], "little")
            assert h[3] == self.zseq & 255, (h[3], self.zseq)
            self.zseq += 1
            body = super().read_exactly(length)
            if before:
                body = zlib.decompress(body)
                assert len(body) == before
                self.inflated += 1
            self.plain += body
        r, self.plain = self.plain[:n], self.plain[n:]
        return r

    def command(self, code, payload=b""):
        self.zseq = 0
        super().command(code, payload)

    def raw(self, b):
        if not self.on:
            return super().raw(b)
        for i in range(0, len(b), 100000):
            piece = b[i:i + 100000]
            packed = zlib.compress(piece)
            if len(packed) < len(piece):
                h = len(packed).to_bytes(3, "little") + bytes([self.zseq & 255]) + len(piece).to_bytes(3, "little")
                super().raw(h + packed)
            else:
                super().raw(len(piece).to_bytes(3, "little") + bytes([self.zseq & 255]) + b"\0\0\0" + piece)
            self.zseq += 1


def connected(address=None, **kw):
    return ZipWire(address or server.socket, **kw).login()


def test_offered():
    w = Wire(server.socket)
    w.greeting()
    assert w.server_caps & COMPRESS and w.server_caps & ZSTD
    w.close()


def test_short_and_long():
    w = connected()
    assert w.query("SELECT 1")[1] == [[b"1"]]
    rows = w.query("SELECT REPEAT('abc', 1000000)")[1]
    assert rows == [[b"abc" * 1000000]] and w.inflated > 10
    text = "qwertyuiop" * 2000000
    assert w.query(f"SELECT LENGTH('{text}')")[1] == [[b"20000000"]]
    assert len(w.query("SELECT REPEAT('z', 17000000)")[1][0][0]) == 17000000
    for i in range(300):
        assert w.query(f"SELECT {i}")[1] == [[str(i).encode()]]
    w.close()


def test_killed_while_the_client_does_not_read():
    w = ZipWire(("127.0.0.1", server.port), rcvbuf=4096).login()
    noise = ", ".join(f"MD5(RAND({i} + a.ID * b.ID + c.ID))" for i in range(8))
    w.command(3, f"SELECT {noise} FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b, information_schema.COLLATIONS c".encode())
    until(lambda: state_of(w.id) == b"Sending to client", seconds=120, what="Sending to client")
    watcher.query("SET GLOBAL kill_write_grace = 120000")  # for as long as this client takes to read on
    watcher.query(f"KILL QUERY {w.id}")
    try:
        w.result()
        raise AssertionError("not killed")
    except Err as e:
        assert e.number == 1317, e
    finally:
        watcher.query("SET GLOBAL kill_write_grace = DEFAULT")
    assert w.query("SELECT 'in step'")[1] == [[b"in step"]]
    w.close()


def test_damage():
    for body, number in ((b"\5\0\0\0\x40\0\0hello", 1157), (b"\5\0\0\7\0\0\0hello", 1156)):
        w = connected()
        Wire.raw(w, b"")
        w.s.sendall(body)
        w.zseq = 0 if number == 1156 else 1
        try:
            w.expect_error(number)
        except AssertionError:
            pass  # the number of the outer packet in an answer to a broken one is nobody's promise
        w.close()
    w = connected()
    w.s.sendall(b"\x50\0\0\0\0\0")  # half a header, then silence
    w.zseq = 0
    try:
        w.packet()
    except (Closed, AssertionError):
        pass
    w.close()
    watcher.ping()


def test_stock_client():
    for how in (["--protocol=socket", f"--socket={server.socket}"], ["--protocol=tcp", "--host=127.0.0.1", f"--port={server.port}"]):
        r = subprocess.run(["mariadb", "--no-defaults", "-u", "root", "-N", "-C", *how, "-e", "SELECT LENGTH(REPEAT('ab', 5000000)); SELECT REPEAT('x', 100000)"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert r.returncode == 0, r.stderr
        assert r.stdout == b"10000000\n" + b"x" * 100000 + b"\n", r.stdout[:50]


if __name__ == "__main__":
    main(globals())
