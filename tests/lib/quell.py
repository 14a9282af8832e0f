# SPDX-License-Identifier: Apache-2.0
"""Start and talk to servers in tests: Quell itself, and MariaDB as reference. A server lives in a directory of its own
under a temporary root and is stopped (or killed) by its context manager."""
import atexit
import contextlib
import ctypes
import mmap
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pymysql

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def build(name):
    """Path of quelld in build/<name>."""
    return ROOT / "build" / name / "src/server/quelld"


def measure_slowness():
    """How much slower than usual new memory is here, at least 1. A virtual machine whose host has taken its memory back needs 10 us
    and more for a page that otherwise costs a quarter of one; bounds in time would then measure the host."""
    n = 32 << 20
    with mmap.mmap(-1, n) as m:
        t = time.thread_time()
        for at in range(0, n, 4096):
            m[at] = 1
        us = (time.thread_time() - t) / (n / 4096) * 1e6
    return max(1.0, us)


SLOWNESS = measure_slowness()

# Processor time between two checkpoints of a running statement that a debug server may show at the end of a test program.
# The promise is for a release build; sanitizers are several times slower.
GAP_LIMIT_US = int(os.environ.get("QUELL_GAP_LIMIT_US", str(int(100000 * SLOWNESS))))


class ServerDied(Exception):
    pass


_libc = ctypes.CDLL(None, use_errno=True)
_started = []  # all servers of this program


def own_group():
    os.setpgrp()


def own_group_and_die_with_the_test():
    """In the child: a group of its own; SIGKILL when the thread that started it is gone (PR_SET_PDEATHSIG), however that came about."""
    os.setpgrp()
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)


def in_child():
    return own_group_and_die_with_the_test if threading.current_thread() is threading.main_thread() else own_group


@atexit.register
def leave_nothing_behind():
    """What a test that failed has left. QUELL_KEEP=1 keeps the directories, to look into them."""
    for s in _started:
        if s.proc is not None and s.proc.poll() is None:
            s.proc.kill()
            s.proc.wait()
        if not os.environ.get("QUELL_KEEP"):
            s.remove()


class Server:
    """quelld on a fresh (or given) data directory; user root without password."""

    def __init__(self, binary=None, args=(), datadir=None, env=None, initialize=True):
        self.binary = str(binary or os.environ.get("QUELLD") or build("asan"))
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="quell-t-"))
        self.datadir = pathlib.Path(datadir) if datadir else self.dir / "data"
        self.socket = str(self.dir / "s.sock")
        self.port = free_port()
        self.log = self.dir / "log"
        self.args = list(args)
        self.env = dict(os.environ, **(env or {}))
        self.env.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=0:abort_on_error=1:detect_leaks=1:quarantine_size_mb=32:allocator_release_to_os_interval_ms=-1")
        self.env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        self.env.setdefault("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1")
        self.proc = None
        _started.append(self)
        if initialize and not (self.datadir.exists() and any(self.datadir.iterdir())):
            self.initialize()

    def initialize(self):
        r = subprocess.run([self.binary, "--initialize-insecure", f"--datadir={self.datadir}"], env=self.env,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if r.returncode:
            raise ServerDied("initialize: " + r.stdout.decode(errors="replace"))

    def start(self, wait=True):
        out = open(self.log, "ab")
        self.proc = subprocess.Popen(
            [self.binary, f"--datadir={self.datadir}", f"--socket={self.socket}", f"--port={self.port}",
             "--bind-address=127.0.0.1", "--admin-port=0", f"--tmpdir={self.dir}", *self.args],
            stdout=out, stderr=subprocess.STDOUT, env=self.env, preexec_fn=in_child())
        out.close()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            if self.proc.poll() is not None:
                raise ServerDied(f"server ended with {self.proc.returncode}\n{self.log_text()}")
            try:
                self.connect().close()
                return
            except pymysql.err.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def connect(self, user="root", password="", **kw):
        kw.setdefault("autocommit", None)
        if "host" not in kw and "unix_socket" not in kw:
            kw["unix_socket"] = self.socket
        return pymysql.connect(user=user, password=password, **kw)

    def query(self, sql, **kw):
        with contextlib.closing(self.connect(**kw)) as c, c.cursor() as cur:
            cur.execute(sql)
            return cur.fetchall()

    def log_text(self):
        try:
            return self.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def kill9(self):
        self.proc.kill()
        self.proc.wait()
        self.proc = None

    def stop(self, seconds=30):
        """Clean stop; returns the exit code. Sanitizer reports make it non-zero."""
        if self.proc is None:
            return 0
        self.proc.send_signal(signal.SIGTERM)
        try:
            rc = self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            self.proc = None
            raise ServerDied("the server did not stop in time\n" + self.log_text()[-4000:])
        self.proc = None
        return rc

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        if self.proc is None:
            self.start()
        return self

    def check_gap(self):
        """Debug builds: the checkpoint-gap monitor's worst case, with the two places that it lies between."""
        try:
            got = dict(self.query("SHOW STATUS LIKE 'Quell_checkpoint_gap%'"))
        except pymysql.MySQLError:
            return  # no way in (limits under test, accounts changed)
        if int(got.get("Quell_checkpoint_gap_us", 0)) > GAP_LIMIT_US:
            raise AssertionError(f"checkpoint gap of {got['Quell_checkpoint_gap_us']} us between "
                                 f"{got['Quell_checkpoint_gap_from']} and {got['Quell_checkpoint_gap_to']}")

    def __exit__(self, et, ev, tb):
        if et is None and type(self) is Server and self.proc is not None and self.proc.poll() is None:
            self.check_gap()
        try:
            if self.proc is not None and self.proc.poll() is not None:
                rc = self.proc.returncode
                self.proc = None
                raise ServerDied(f"the server ended by itself with {rc}\n{self.log_text()[-8000:]}")
            rc = self.stop()
            if rc != 0:
                raise ServerDied(f"the server stopped with {rc}\n{self.log_text()[-8000:]}")
        finally:
            if et is None:
                self.remove()


class MariaDB(Server):
    """The reference server, durable as Quell is; on a fresh (or given) data directory."""

    def __init__(self, args=(), datadir=None):
        self.binary = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="quell-m-"))
        self.datadir = pathlib.Path(datadir) if datadir else self.dir / "data"
        self.socket = str(self.dir / "s.sock")
        self.port = free_port()
        self.log = self.dir / "log"
        self.args = list(args)
        self.env = dict(os.environ)
        self.proc = None
        _started.append(self)
        if self.datadir.exists() and any(self.datadir.iterdir()):
            return
        subprocess.run(["mariadb-install-db", "--no-defaults", "--force", f"--datadir={self.datadir}", "--auth-root-authentication-method=normal",
                        "--skip-test-db"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, wait=True):
        out = open(self.log, "ab")
        user = ["--user=root"] if os.geteuid() == 0 else []
        self.proc = subprocess.Popen(
            [self.binary, "--no-defaults", *user, f"--datadir={self.datadir}", f"--socket={self.socket}", f"--port={self.port}",
             "--bind-address=127.0.0.1", f"--pid-file={self.dir}/pid", "--innodb-flush-log-at-trx-commit=1",
             "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M", "--max-connections=2000",
             "--skip-name-resolve", "--skip-log-bin", *self.args],
            stdout=out, stderr=subprocess.STDOUT, env=self.env, preexec_fn=in_child())
        out.close()
        if wait:
            self.wait_ready()
        return self


def stop_all(servers):
    """The end of a benchmark: none is left behind, whatever one of them says."""
    for s in servers:
        try:
            s.stop()
        except Exception as e:  # noqa: the others have to stop too
            print(e, file=sys.stderr)
        s.remove()


def until(condition, seconds=20, what="condition"):
    """Wait for a state (tests never sleep for luck)."""
    end = time.monotonic() + seconds
    while True:
        r = condition()
        if r:
            return r
        if time.monotonic() > end:
            raise AssertionError(f"{what} not reached in {seconds} s")
        time.sleep(0.005)
