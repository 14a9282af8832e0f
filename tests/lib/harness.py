# SPDX-License-Identifier: Apache-2.0
"""A test file is a Python program whose test_* functions are its tests:

    from harness import main
    def test_something(): ...
    if __name__ == "__main__": main(globals())

Each prints "ok NAME" or "not ok NAME" with what happened; the runner counts those lines."""
import inspect
import resource
import sys
import time
import traceback


class Skip(Exception):
    """What a test needs is not there; counted as skipped, with the reason."""


def raise_file_limit():
    """Tests open more connections than an ordinary user's 1,024 descriptors; more are there for the asking."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main(space):
    raise_file_limit()
    names = [n for n, f in space.items() if n.startswith("test_") and inspect.isfunction(f)]
    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    bad = 0
    for name in names:
        if words and not any(w in name for w in words):
            continue
        t = time.monotonic()
        try:
            space[name]()
            print(f"ok {name} ({time.monotonic() - t:.2f} s)", flush=True)
        except Skip as e:
            print(f"skip {name}: {e}", flush=True)
        except BaseException as e:  # noqa: a test may fail in any way
            bad += 1
            print(f"not ok {name} ({time.monotonic() - t:.2f} s)", flush=True)
            print("    " + "".join(traceback.format_exception(e)).rstrip().replace("\n", "\n    "), flush=True)
            if isinstance(e, KeyboardInterrupt):
                sys.exit(130)
            proc = getattr(space.get("server"), "proc", None)
            if proc is not None and proc.poll() is not None:
                print("# the server has ended: the rest is not run", flush=True)
                break
    close = space.get("close_all")
    if close:
        try:
            close()
        except Exception as e:  # noqa
            bad += 1
            print("not ok close_all")
            print("    " + "".join(traceback.format_exception(e)).rstrip().replace("\n", "\n    "), flush=True)
    sys.exit(1 if bad else 0)
