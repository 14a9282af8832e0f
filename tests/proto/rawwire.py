# SPDX-License-Identifier: Apache-2.0
"""The MySQL protocol by hand, for tests that misbehave on purpose: packets as bytes, nothing hidden."""
import hashlib
import socket
import struct

LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SSL = 1, 8, 512, 2048
TRANSACTIONS, SECURE, MULTI_STATEMENTS, MULTI_RESULTS = 1 << 13, 1 << 15, 1 << 16, 1 << 17
PLUGIN_AUTH, LENENC_AUTH, DEPRECATE_EOF = 1 << 19, 1 << 21, 1 << 24
BASE = LONG_PASSWORD | 4 | PROTOCOL_41 | TRANSACTIONS | SECURE | MULTI_RESULTS | PLUGIN_AUTH


class Closed(Exception):
    """The server closed the connection."""


class Err(Exception):
    def __init__(self, payload):
        self.number = struct.unpack("<H", payload[1:3])[0]
        self.state = payload[4:9].decode() if payload[3:4] == b"#" else ""
        self.text = payload[9 if self.state else 3:].decode(errors="replace")
        super().__init__(f"{self.number} ({self.state}): {self.text}")


def lenenc(b, at):
    first = b[at]
    if first < 0xfb:
        return first, at + 1
    if first == 0xfb:
        return None, at + 1
    n = {0xfc: 2, 0xfd: 3, 0xfe: 8}[first]
    return int.from_bytes(b[at + 1:at + 1 + n], "little"), at + 1 + n


def native(password, nonce):
    if not password:
        return b""
    h1 = hashlib.sha1(password.encode()).digest()
    h2 = hashlib.sha1(nonce + hashlib.sha1(h1).digest()).digest()
    return bytes(a ^ b for a, b in zip(h1, h2))


def sha2(password, nonce):
    if not password:
        return b""
    h1 = hashlib.sha256(password.encode()).digest()
    h2 = hashlib.sha256(hashlib.sha256(h1).digest() + nonce).digest()
    return bytes(a ^ b for a, b in zip(h1, h2))


class Wire:
    """One connection. address: path of a Unix socket, or (host, port)."""

    def __init__(self, address, timeout=20, rcvbuf=None):
        kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.s = socket.socket(kind, socket.SOCK_STREAM)
        if rcvbuf:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.s.settimeout(timeout)
        self.s.connect(address)
        self.buf = b""
        self.seq = 0

    def close(self):
        self.s.close()

    # ---- packets ----
    def read_exactly(self, n):
        parts, have = [self.buf], len(self.buf)
        while have < n:
            try:
                more = self.s.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                self.buf = b"".join(parts)
                raise Closed()
            parts.append(more)
            have += len(more)
        all_ = parts[0] if len(parts) == 1 else b"".join(parts)
        r, self.buf = all_[:n], all_[n:]
        return r

    def frame(self):
        h = self.read_exactly(4)
        n = int.from_bytes(h[:3], "little")
        self.seq = (h[3] + 1) & 255
        return h[3], self.read_exactly(n)

    def packet(self):
        out = b""
        while True:
            _, p = self.frame()
            out += p
            if len(p) < 0xffffff:
                return out

    def send(self, payload, seq=None):
        seq = self.seq if seq is None else seq
        out = b""
        while True:
            piece, payload = payload[:0xffffff], payload[0xffffff:]
            out += len(piece).to_bytes(3, "little") + bytes([seq & 255]) + piece
            seq += 1
            if len(piece) < 0xffffff:
                break
        self.seq = seq & 255
        self.raw(out)

    def raw(self, b):
        self.s.sendall(b)

    def expect_closed(self):
        """Nothing but an end comes now."""
        try:
            p = self.packet()
        except Closed:
            return
        raise AssertionError(f"a packet instead of the end: {p[:60]!r}")

    def expect_error(self, number):
        p = self.packet()
        if p[:1] != b"\xff":
            raise AssertionError(f"no error {number} but {p[:60]!r}")
        e = Err(p)
        if e.number != number:
            raise AssertionError(f"error {e} instead of {number}")
        return e

    # ---- connection phase ----
    def greeting(self):
        p = self.packet()
        if p[:1] == b"\xff":
            raise Err(p)
        end = p.index(b"\0", 1)
        self.version = p[1:end].decode()
        self.id = struct.unpack("<I", p[end + 1:end + 5])[0]
        a = p[end + 5:end + 13]
        rest = p[end + 14:]
        self.server_caps = struct.unpack("<H", rest[:2])[0] | struct.unpack("<H", rest[5:7])[0] << 16
        self.nonce = a + rest[18:18 + 12]
        self.plugin = rest[31:].rstrip(b"\0").decode()
        return p

    def hello(self, user="root", auth=b"", db=None, caps=0, plugin="caching_sha2_password", charset=255):
        c = BASE | caps | (CONNECT_WITH_DB if db else 0)
        self.caps = c
        p = struct.pack("<IIB23x", c, 1 << 24, charset) + user.encode() + b"\0" + bytes([len(auth)]) + auth
        if db:
            p += db.encode() + b"\0"
        return p + plugin.encode() + b"\0"

    def login(self, user="root", password="", db=None, caps=0, plugin="caching_sha2_password", **kw):
        self.greeting()
        auth = sha2(password, self.nonce) if plugin == "caching_sha2_password" else native(password, self.nonce)
        self.send(self.hello(user, auth, db, caps, plugin, **kw))
        return self.finish_login(password)

    def finish_login(self, password):
        while True:
            p = self.packet()
            if p[:1] == b"\xff":
                raise Err(p)
            if p[:1] == b"\0":
                return self
            if p[:1] == b"\xfe":
                end = p.index(b"\0", 1)
                plugin, nonce = p[1:end].decode(), p[end + 1:].rstrip(b"\0")
                self.send(sha2(password, nonce) if plugin == "caching_sha2_password" else native(password, nonce))
            elif p == b"\1\4":
                self.send(password.encode() + b"\0")  # Unix socket or TLS only
            elif p != b"\1\3":
                raise AssertionError(f"unexpected {p!r}")

    # ---- commands ----
    def command(self, code, payload=b""):
        self.seq = 0
        self.send(bytes([code]) + payload)

    def result(self):
        """OK: (affected, id, status). Result set: (columns, rows as lists of bytes or None, status)."""
        p = self.packet()
        if p[:1] == b"\xff":
            raise Err(p)
        if p[:1] == b"\0":
            affected, at = lenenc(p, 1)
            last, at = lenenc(p, at)
            return affected, last, struct.unpack("<H", p[at:at + 2])[0]
        n, _ = lenenc(p, 0)
        columns = [self.packet() for _ in range(n)]
        if not self.caps & DEPRECATE_EOF:
            assert self.packet()[:1] == b"\xfe"
        rows = []
        while True:
            p = self.packet()
            if p[:1] == b"\xff":
                raise Err(p)
            if p[:1] == b"\xfe" and len(p) < 0xffffff and (len(p) < 9 or self.caps & DEPRECATE_EOF):
                at = 1
                if self.caps & DEPRECATE_EOF:
                    _, at = lenenc(p, 1)
                    _, at = lenenc(p, at)
                    return columns, rows, struct.unpack("<H", p[at:at + 2])[0]
                return columns, rows, struct.unpack("<H", p[3:5])[0]
            row, at = [], 0
            while at < len(p):
                k, at = lenenc(p, at)
                row.append(None if k is None else p[at:at + k])
                at += k or 0
            rows.append(row)

    def query(self, sql):
        self.command(3, sql.encode() if isinstance(sql, str) else sql)
        return self.result()

    def value(self, sql):
        return self.query(sql)[1][0][0].decode()

    def ping(self):
        self.command(0x0e)
        return self.result()
