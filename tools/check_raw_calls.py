#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Raw blocking and allocating calls stay in their owner files (docs/architecture.md, section 4); calls that follow
the locale of the process have none (base/text.h, types/value.h). What is state of the process is check_state.py's,
which this one runs too.

Without arguments: a text scan of src/. Fails on a banned call outside the table below, and on an
allowance of the table that is no longer used. With --objects BUILD_DIR: the same over the undefined
symbols of the object files there, which also finds calls hidden in macros."""
import argparse
import pathlib
import re
import subprocess
import sys

import check_state

BANNED = set("""
poll ppoll select pselect epoll_wait epoll_pwait epoll_pwait2 sleep usleep nanosleep clock_nanosleep pause
sigwait sigwaitinfo sigtimedwait sigsuspend sem_wait sem_timedwait sem_clockwait futex
pthread_cond_wait pthread_cond_timedwait pthread_cond_clockwait pthread_cond_signal pthread_cond_broadcast
pthread_cond_init pthread_barrier_wait pthread_create pthread_join pthread_detach pthread_timedjoin_np pthread_cancel
pthread_mutex_lock pthread_mutex_trylock pthread_mutex_timedlock pthread_mutex_unlock pthread_mutex_init
pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_rwlock_unlock pthread_spin_lock thrd_create mtx_lock cnd_wait
thrd_sleep recv recvfrom recvmsg recvmmsg send sendto sendmsg sendmmsg sendfile splice read write pread pread64 pwrite
pwrite64 readv writev preadv pwritev copy_file_range fsync fdatasync sync syncfs msync sync_file_range accept
accept4 connect flock lockf getaddrinfo getnameinfo gethostbyname gethostbyaddr
malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc strdup strndup asprintf
vasprintf getline getdelim open_memstream alloca
fopen fopen64 fdopen freopen fread fwrite fgets fgetc getc getchar fputs fputc putc puts putchar printf fprintf vprintf
SSL_read SSL_read_ex SSL_write SSL_write_ex SSL_accept SSL_connect SSL_do_handshake SSL_shutdown
vfprintf dprintf vdprintf scanf fscanf fclose fflush popen system fork vfork wait waitpid waitid setjmp
longjmp sigsetjmp siglongjmp
""".split())
LOCALE = set("""
strtod strtof strtold atof isalpha isdigit isalnum isspace isupper islower isprint ispunct isxdigit iscntrl isgraph
isblank tolower toupper strcasecmp strncasecmp strcasestr strcoll strxfrm setlocale newlocale uselocale localeconv
strftime strptime nl_langinfo mbstowcs wcstombs mbrtowc wcrtomb mbtowc wctomb strerror strerror_r perror strfmon
""".split())
BANNED |= LOCALE

# file -> {call: why it may}. Keep it short: everything else goes through these owners.
ALLOWED = {
    "types/value.c": {"strtod": "of digits without a point, or of what snprintf has just written"},
    "txn/deadlock.c": {"strftime": "digits only"},
    "base/mem.c": {n: "the door to the heap" for n in ("malloc", "calloc", "realloc", "free")},
    "base/machine.c": {"pread": "a line of /proc or of a control group"},
    "base/mutex.c": {
        **{n: "ranked mutexes are made of these" for n in (
            "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_rwlock_rdlock",
            "pthread_rwlock_wrlock", "pthread_rwlock_unlock")},
        "fprintf": "last words before abort",
    },
    "base/dispose.c": {"sem_wait": "the thread that frees large memory waits for work; no session does"},
    "base/thread.c": {n: "threads" for n in ("pthread_create", "pthread_join", "pthread_detach")},
    "base/log.c": {"write": "a log line; a log on a stuck pipe is the administrator's choice", "strftime": "digits only"},
    "intr/intr.c": {
        "read": "eventfd, non-blocking", "write": "eventfd, non-blocking",
        "pthread_mutex_lock": "record of the gap monitor, one for the process, debug builds",
        "pthread_mutex_unlock": "the same",
    },
    "intr/wait.c": {"ppoll": "the one wait"},
    "intr/netio.c": {n: "non-blocking socket" for n in (
        "recv", "send", "SSL_read_ex", "SSL_write_ex", "SSL_do_handshake", "SSL_shutdown")},
    "intr/fileio.c": {
        "pread": "regular file, 1 MiB a call", "pwrite": "regular file, 1 MiB a call",
        "fdatasync": "the caller asked for durability",
    },
    "intr/fileio_given.c": {"read": "named pipe, non-blocking", "poll": "without waiting"},
    "vars/zonefiles.c": {"pread": "files of the time zone database, on a thread of ql_aside or at start"},
    "kv/lmdb_env.c": {n: "lock file of the data directory, at start; flock with LOCK_NB" for n in (
        "flock", "pread", "pwrite")},
    "kv/lmdb_pages.c": {"pread": "the data file, looked through at start or offline"},
    "kv/fault.c": {
        **{n: "where the data file is mapped, at start" for n in ("fopen", "fgets", "fclose")},
        "write": "last words in a signal handler",
    },
    "kv/redo_log.c": {
        "pwrite": "the redo log's files: the committer's and the flusher's durability",
        "pread": "the block where the log ends, just written",
        **{n: "durability of a commit" for n in ("fdatasync", "fsync")},
    },
    "kv/redo_recover.c": {"pread": "the redo log's files, read at a start"},
    "server/check.c": {
        **{n: "a program's output; no server runs" for n in ("printf", "fflush")},
        **{n: "damaged pages may end who follows them" for n in ("fork", "waitpid")},
    },
    "server/main.c": {n: "messages before there is a log" for n in ("printf", "fprintf")},
    "server/signals.c": {"read": "signalfd, non-blocking"},
    "server/listener.c": {
        "accept4": "non-blocking listening socket",
        "connect": "non-blocking: is a left-over Unix socket still served?",
        "epoll_wait": "without waiting, after ql_wait",
    },
    "embed/reaper.c": {"epoll_wait": "without waiting, after ql_wait"},
    "server/watch.c": {"epoll_wait": "without waiting, after ql_wait"},
}

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|'
    r'(?P<member>(?:->|\.)\s*[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?|\n', re.S)


def calls(text):
    """(line, name) of each banned identifier that is called or whose address is taken."""
    line = 1
    for m in TOKEN.finditer(text):
        name = m.group("name")
        if name in BANNED and m.group("call"):
            yield line, name
        line += m.group(0).count("\n")


def scan_text(root):
    bad, used = 0, set()
    for path in sorted(root.rglob("*.[ch]")):
        rel = str(path.relative_to(root))
        allowed = ALLOWED.get(rel, {})
        for line, name in calls(path.read_text(encoding="utf-8")):
            if name in allowed:
                used.add((rel, name))
            else:
                why = "follows the locale; use base/text.h or types/value.h" if name in LOCALE else "is a raw call; use intr/ or base/"
                print("src/%s:%d: %s() %s" % (rel, line, name, why))
                bad += 1
    for rel, names in ALLOWED.items():
        for name in names:
            if (rel, name) not in used:
                print("tools/check_raw_calls.py: %s no longer calls %s; drop the allowance" % (rel, name))
                bad += 1
    return bad


def plain(symbol):
    """The call behind a symbol: __read_chk -> read, __isoc99_fscanf -> fscanf, pread64 -> pread."""
    symbol = symbol.split("@")[0]
    symbol = re.sub(r"^__isoc\d+_", "", symbol)
    m = re.match(r"^__(\w+)_chk$", symbol)
    symbol = m.group(1) if m else symbol
    return re.sub(r"64$", "", symbol) if symbol in ("pread64", "pwrite64", "fopen64") else symbol


def undefined_symbols(objects):
    """object -> names, from one run of nm."""
    out = subprocess.run(["nm", "-u", "-A", "-P", "--"] + [str(o) for o in objects], check=True,
                         capture_output=True, text=True).stdout
    for row in out.splitlines():
        path, rest = row.split(": ", 1)
        yield path, plain(rest.split()[0])


def scan_objects(build):
    objects = sorted(build.glob("src/*/*.p/*.o"))
    if not objects:
        print("check_raw_calls: no objects under %s" % build)
        return 1
    bad = 0
    for path, name in undefined_symbols(objects):
        obj = pathlib.Path(path)
        rel = "%s/%s" % (obj.parent.parent.name, obj.name.removesuffix(".o"))
        if name in BANNED and name not in ALLOWED.get(rel, {}):
            # The compiler turns printf("x\n") into puts("x"), fprintf(f, "c") into fputc.
            stdio = {"puts", "putchar", "fputc", "fputs", "fwrite", "vfprintf"}
            if name in stdio and {"printf", "fprintf"} & set(ALLOWED.get(rel, {})):
                continue
            print("%s: refers to %s" % (rel, name))
            bad += 1
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--objects", metavar="BUILD_DIR", type=pathlib.Path)
    args = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    bad = scan_objects(args.objects) if args.objects else scan_text(root)
    bad += check_state.formats()
    build = args.objects or check_state.newest_build()
    bad += check_state.globals_of(build) if build is not None else 0
    if bad:
        print("check_raw_calls: %d problems" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
