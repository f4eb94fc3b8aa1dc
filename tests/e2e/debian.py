"""A Debian root for a test's engine, made by debootstrap from the mirror that this machine's apt uses, and kept in the build folder."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile

from mesh import BIN

KEPT = os.path.join(os.path.dirname(BIN), "images")
# What no test reads: manuals and translations, the package files themselves and their lists.
LEFT_OUT = ("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/info", "./var/cache/apt", "./var/lib/apt/lists", "./dev")


def this_release():
    with open("/etc/os-release", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)["VERSION_CODENAME"]


def mirror(release):
    """Where apt fetches this machine's own release from; others are next to it."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(CODENAME) $(REPO_URI)"],
                          check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        kind, codename, uri = line.split(" ", 2)
        if kind == "Packages" and codename == release:
            return uri
    raise RuntimeError(f"apt's sources name no mirror of {release}")


def root(packages=(), release=None):
    """The path of a tar of a minimal root of `release` (default: this machine's) with `packages` in it."""
    here = this_release()
    release = release or here
    name = hashlib.sha256(" ".join([release, *sorted(packages), *LEFT_OUT]).encode()).hexdigest()[:16]
    path = os.path.join(KEPT, f"debian-{name}.tar")
    os.makedirs(KEPT, exist_ok=True)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of tests side by side one makes it
        if not os.path.exists(path):
            _make(path, release, mirror(here), packages)
    return path


def _make(path, release, uri, packages):
    folder = tempfile.mkdtemp(prefix="debian-", dir="/var/tmp")
    try:
        include = ["--include=" + ",".join(packages)] if packages else []
        done = subprocess.run(["debootstrap", "--variant=minbase", *include, release, folder, uri], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"debootstrap of {release}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        leave = [word for place in LEFT_OUT for word in ("--exclude", place + "/*")]
        subprocess.run(["tar", "-C", folder, "-c", "--numeric-owner", "-f", path + ".new", *leave, "."], check=True)
        os.rename(path + ".new", path)
    finally:
        shutil.rmtree(folder)
