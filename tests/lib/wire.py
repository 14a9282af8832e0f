# SPDX-License-Identifier: Apache-2.0
"""A MySQL client on a bare socket, for tests that need the bytes in their own hands: half packets, readers that do not read, clients that
vanish, commands that drivers do not send. Sending and receiving are separate, so a test needs no thread to have a statement running."""
import collections
import socket
import struct
import time

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, WITH_DB, LOCAL_FILES = 1, 2, 4, 8, 128
PROTOCOL_41, SSL, TRANSACTIONS, SECURE, MULTI_STATEMENTS, MULTI_RESULTS = 1 << 9, 1 << 11, 1 << 13, 1 << 15, 1 << 16, 1 << 17
PS_MULTI_RESULTS, PLUGIN_AUTH, CONNECT_ATTRS, DEPRECATE_EOF = 1 << 18, 1 << 19, 1 << 20, 1 << 24
CAPS = LONG_PASSWORD | LONG_FLAG | LOCAL_FILES | PROTOCOL_41 | TRANSACTIONS | SECURE | MULTI_STATEMENTS | MULTI_RESULTS | PS_MULTI_RESULTS | PLUGIN_AUTH | DEPRECATE_EOF
MORE_RESULTS = 8


class Err(Exception):
    """An ERR packet."""

    def __init__(self, payload):
        self.code = struct.unpack_from("<H", payload, 1)[0]
        self.state, self.text = ("", payload[3:].decode(errors="replace"))
        if payload[3:4] == b"#":
            self.state, self.text = payload[4:9].decode(), payload[9:].decode(errors="replace")
        super().__init__(self.code, self.state, self.text)


class Closed(Exception):
    """The server has ended the connection (2013 in a driver)."""


class Desync(AssertionError):
    """Bytes that do not belong there."""


def lenenc(p, at):
    b = p[at]
    if b < 0xFB:
        return b, at + 1
    n = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(b)
    if n is None:
        return None, at + 1
    return int.from_bytes(p[at + 1:at + 1 + n], "little"), at + 1 + n


Column = collections.namedtuple("Column", "schema table org_table name org_name charset length type flags decimals")
NOT_NULL, PRI_KEY, UNIQUE_KEY, MULTIPLE_KEY, BLOB, UNSIGNED, ZEROFILL, BINARY = 1, 2, 4, 8, 16, 32, 64, 128
ENUM, AUTO_INCREMENT, TIMESTAMP, SET, NO_DEFAULT, ON_UPDATE_NOW, PART_KEY, NUM = 256, 512, 1024, 2048, 4096, 8192, 16384, 32768


def column(p):
    """A column definition packet."""
    at, texts = 0, []
    for _ in range(6):
        n, at = lenenc(p, at)
        texts.append(p[at:at + n].decode(errors="replace"))
        at += n
    assert p[at] == 0x0C, p
    charset, length, type_, flags, decimals = struct.unpack_from("<HIBHB", p, at + 1)
    return Column(*texts[1:], charset, length, type_, flags, decimals)


def attr_bytes(attrs):
    pairs = b"".join(bytes([len(s)]) + s for kv in attrs.items() for s in map(str.encode, kv))
    assert len(pairs) < 251
    return bytes([len(pairs)]) + pairs


class Wire:
    """Logged in as root without a password unless login=False. attrs: connection attributes to send."""

    def __init__(self, server, login=True, tcp=False, user="root", rcvbuf=None, caps=CAPS, timeout=60, attrs=None):
        self.attrs = attrs
        self.files = {}  # name: bytes, for LOAD DATA LOCAL
        if attrs is not None:
            caps |= CONNECT_ATTRS
        self.sock = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", server.port) if tcp else server.socket)
        self.buf, self.seq, self.caps = b"", 0, caps
        self.taken = 0  # bytes of all packets so far
        self.flags = 0
        hello = self.packet()
        if hello[0] == 0xFF:
            raise Err(hello)
        at = hello.index(b"\0", 1) + 1
        self.version = hello[1:at - 1].decode()
        self.id = struct.unpack_from("<I", hello, at)[0]
        if login:
            self.log_in(user)

    def login_packet(self, user, caps=None):
        head = struct.pack("<IIB23x", caps or self.caps, 1 << 24, 255)
        return head + user.encode() + b"\0" + b"\0" + b"caching_sha2_password\0" + (attr_bytes(self.attrs) if self.attrs is not None else b"")

    def log_in(self, user):
        self.put(self.login_packet(user))
        p = self.packet()
        if p[0] == 0xFE:  # another plugin: the empty password is the empty answer
            self.put(b"")
            p = self.packet()
        if p[0] == 0xFF:
            raise Err(p)
        if p[0] != 0:
            raise Desync(p[:40])

    # ---- packets ----

    def raw(self, data):
        self.sock.sendall(data)

    def put(self, payload):
        self.raw(len(payload).to_bytes(3, "little") + bytes([self.seq]) + payload)
        self.seq = self.seq + 1 & 255

    def command(self, payload):
        self.seq = 0
        self.put(payload)

    def take(self, n):
        while len(self.buf) < n:
            try:
                more = self.sock.recv(1 << 16)
            except (ConnectionResetError, BrokenPipeError):
                more = b""
            if not more:
                raise Closed()
            self.buf += more
        data, self.buf = self.buf[:n], self.buf[n:]
        self.taken += n
        return data

    def packet(self):
        h = self.take(4)
        if h[3] != self.seq:
            raise Desync(f"sequence {h[3]}, not {self.seq}: {h!r} {self.buf[:40]!r}")
        self.seq = self.seq + 1 & 255
        return self.take(int.from_bytes(h[:3], "little"))

    def packet_or_error(self):
        p = self.packet()
        if p[0] == 0xFF:
            raise Err(p)
        return p

    # ---- text protocol ----

    def send(self, sql):
        """Start a statement; result() fetches what became of it."""
        self.command(b"\x03" + (sql if isinstance(sql, bytes) else sql.encode()))

    def start_file(self, sql):
        """LOAD DATA LOCAL: the name of the file that the server asks for. Its pieces go with put, an empty one ends it."""
        self.send(sql)
        p = self.packet_or_error()
        if p[0] != 0xFB:
            raise Desync(p[:40])
        return p[1:].decode()

    def result(self):
        """Rows (list of tuples of bytes or None), or the number of affected rows. Raises Err, Closed."""
        p = self.packet()
        while p[0] == 0xFB:  # LOAD DATA LOCAL
            data = self.files[p[1:].decode()]
            for at in range(0, len(data), 4000):
                self.put(data[at:at + 4000])
            self.put(b"")
            p = self.packet()
        if p[0] == 0xFF:
            raise Err(p)
        if p[0] == 0:
            self.affected, at = lenenc(p, 1)
            self.insert_id, at = lenenc(p, at)
            self.flags, self.warnings = struct.unpack_from("<HH", p, at)
            return self.affected
        ncols, _ = lenenc(p, 0)
        self.meta = [column(self.packet_or_error()) for _ in range(ncols)]
        self.columns = [c.name for c in self.meta]
        rows = []
        while True:
            p = self.packet()
            if p[0] == 0xFF:
                raise Err(p)
            if p[0] == 0xFE and len(p) < 0xFFFFFF:
                at = lenenc(p, 1)[1]
                at = lenenc(p, at)[1]
                self.flags, self.warnings = struct.unpack_from("<HH", p, at)
                return rows
            rows.append(self.row(p, ncols))

    @staticmethod
    def row(p, ncols):
        at, row = 0, []
        for _ in range(ncols):
            n, at = lenenc(p, at)
            row.append(None if n is None else p[at:at + n])
            at += n or 0
        if at != len(p):
            raise Desync(p[:80])
        return tuple(row)

    def query(self, sql):
        self.send(sql)
        return self.result()

    def value(self, sql):
        """First column of the first row as text."""
        rows = self.query(sql)
        return None if not rows or rows[0][0] is None else rows[0][0].decode()

    def error(self, sql=None):
        """Number of the error of the statement (sent now, or before); 0 = success, 2013 = the connection ended."""
        try:
            if sql is not None:
                self.send(sql)
            self.result()
            return 0
        except Err as e:
            self.last = e
            return e.code
        except (Closed, BrokenPipeError, ConnectionResetError):
            return 2013

    def ping(self):
        self.command(b"\x0e")
        return self.result()

    # ---- prepared statements ----

    def prepare(self, sql):
        self.command(b"\x16" + sql.encode())
        p = self.packet()
        if p[0] == 0xFF:
            raise Err(p)
        stmt, cols, params = struct.unpack_from("<IHH", p, 1)
        self.param_meta = [column(self.packet()) for _ in range(params)]
        self.meta = [column(self.packet()) for _ in range(cols)]
        return stmt, params

    def execute(self, stmt, *params):
        """Parameters: int, str or None."""
        body = b"\x17" + struct.pack("<IBI", stmt, 0, 1)
        if params:
            nulls = bytearray((len(params) + 7) // 8)
            types = values = b""
            for i, v in enumerate(params):
                if v is None:
                    nulls[i // 8] |= 1 << i % 8
                    types += b"\x06\0"
                elif isinstance(v, int):
                    types += b"\x08\0" if v < 1 << 63 else b"\x08\x80"
                    values += (v & (1 << 64) - 1).to_bytes(8, "little")
                else:
                    s = v.encode()
                    types += b"\xfd\0"
                    values += (bytes([len(s)]) if len(s) < 251 else b"\xfd" + len(s).to_bytes(3, "little")) + s
            body += bytes(nulls) + b"\1" + types + values
        self.command(body)

    def skip_result(self):
        """As result(), without looking into the rows (binary protocol)."""
        p = self.packet()
        if p[0] == 0xFF:
            raise Err(p)
        if p[0] == 0:
            return
        for _ in range(lenenc(p, 0)[0]):
            self.packet()
        while True:
            p = self.packet()
            if p[0] == 0xFF:
                raise Err(p)
            if p[0] == 0xFE:
                return

    # ---- ends ----

    def at_end(self, seconds=10):
        """True when the server closes the connection, whatever it sends before that."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(1 << 16):
                pass
            return True
        except (ConnectionResetError, BrokenPipeError):
            return True
        except TimeoutError:
            return False

    def readable(self, seconds):
        """Is there anything to read within that time?"""
        if self.buf:
            return True
        self.sock.settimeout(seconds)
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK)) or True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(60)

    def half_close(self):
        """Nothing more will come from this client: for the server it has gone."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def quit(self):
        try:
            self.command(b"\x01")
        except OSError:
            pass
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.quit()


class Watcher(Wire):
    """A session that looks at others and kills them. When an answer did not come or made no sense it starts anew, so that one failed test is
    one failed test."""

    def __init__(self, server, **kw):
        self.server, self.kw = server, kw
        super().__init__(server, **kw)

    def query(self, sql):
        try:
            return super().query(sql)
        except (Desync, Closed, OSError):
            self.close()
            super().__init__(self.server, **self.kw)
            raise

    def state(self, conn_id):
        """(COMMAND, STATE) of a connection, or None when it is gone."""
        rows = self.query(f"SELECT COMMAND, STATE FROM information_schema.PROCESSLIST WHERE ID = {conn_id}")
        return tuple((c or b"").decode() for c in rows[0]) if rows else None

    def until_state(self, conn_id, state, seconds=20):
        end = time.monotonic() + seconds
        while True:
            now = self.state(conn_id)
            if now and now[1] == state:
                return now
            if time.monotonic() > end:
                raise AssertionError(f"connection {conn_id} did not come to State {state!r} but to {now}")
            time.sleep(0.002)

    def until_command(self, conn_id, command, seconds=20):
        end = time.monotonic() + seconds
        while True:
            now = self.state(conn_id)
            if (now and now[0]) == command:
                return
            if time.monotonic() > end:
                raise AssertionError(f"connection {conn_id} did not come to Command {command!r} but to {now}")
            time.sleep(0.002)

    def until_gone(self, conn_id, seconds=20):
        self.until_command(conn_id, None, seconds)

    def kill(self, conn_id, what="QUERY"):
        self.query(f"KILL {what} {conn_id}")

    def status(self, like):
        return {r[0].decode(): r[1].decode() for r in self.query(f"SHOW GLOBAL STATUS LIKE '{like}'")}

    def until_calm(self, others=0, seconds=20):
        """Nobody but this session (and `others` idle ones), and nothing left of those who were."""
        zero = ("Quell_open_transactions", "Quell_row_locks", "Quell_snapshots_open", "Quell_overlay_bytes", "Quell_spilled_layers", "Quell_spilled_bytes")
        end = time.monotonic() + seconds
        while True:
            s = self.status("%")
            left = {k: s[k] for k in zero if s.get(k, "0") != "0"}
            if s["Threads_connected"] != str(1 + others):
                left["Threads_connected"] = s["Threads_connected"]
            # SHOW STATUS itself is a statement: it may hold a transaction without writes.
            if left.get("Quell_open_transactions") == "1":
                del left["Quell_open_transactions"]
            if not left:
                return
            if time.monotonic() > end:
                raise AssertionError(f"left over: {left}")
            time.sleep(0.005)
