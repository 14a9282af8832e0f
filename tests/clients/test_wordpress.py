# SPDX-License-Identifier: Apache-2.0
"""WordPress (Debian's package, unpacked beside the build): installs itself, finds its tables as its schema says, and is used: authors, posts in categories
and with tags, comments, searches, pages, archives, meta queries, revisions, options, logins. What it answers is what it answers on the reference server."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import quell
from harness import Skip, main

HERE = pathlib.Path(__file__).resolve().parent
servers = {"quell": quell.Server(), "mariadb": quell.MariaDB()}
for s in servers.values():
    s.start()


def unpacked():
    """Not installed, for that wants a web server."""
    place = pathlib.Path(os.environ.get("QUELL_BUILD", "build")).resolve().parent / "wordpress"
    root = place / "usr/share/wordpress"
    if not root.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        r = subprocess.run(["apt-get", "download", "wordpress"], cwd=place, capture_output=True, timeout=300)
        if r.returncode:
            raise Skip("apt-get download wordpress: " + r.stderr.decode(errors="replace").strip())
        subprocess.run(["dpkg", "-x", str(next(place.glob("*.deb"))), str(place)], check=True)
    return root


def answers(s, root, step):
    r = subprocess.run(["php", "-d", "display_errors=1", str(HERE / "drivers/wordpress.php"), str(root), s.socket, step], capture_output=True, timeout=300)
    out = r.stdout.decode(errors="replace")
    assert r.returncode == 0 and "WordPress database error" not in out, (r.returncode, out[-3000:], r.stderr.decode(errors="replace")[-2000:])
    return out.splitlines()


def run(s, root):
    s.query("CREATE DATABASE wordpress")
    return answers(s, root, "install") + answers(s, root, "use")


def test_wordpress():
    if shutil.which("php") is None:
        raise Skip("no php here")
    root = unpacked()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        got, want = pool.map(lambda s: run(s, root), servers.values())
    for a, b in zip(got, want):
        assert a == b, f"\ngot  {a}\nwant {b}"
    assert len(got) == len(want) > 25, got


def close_all():
    quell.stop_all(servers.values())


if __name__ == "__main__":
    main(globals())
