"""The packages as script/package makes them, and others that differ from them by their version."""

import glob
import os
import re
import shutil
import subprocess

from mesh import SOURCE

VERSION = "0.1.0"


def build(folder, *kinds):
    """Of the programs as they are built."""
    done = subprocess.run([os.path.join(SOURCE, "script", "package"), "--fast", "--to", folder, *kinds], capture_output=True, text=True, check=False,
                          timeout=300, env={**os.environ, "CROMT_BUILT": "yes"})
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


def variant(folder, to, version):
    """The same packages as another version."""
    os.makedirs(to)
    for package in glob.glob(folder + "/*.deb"):
        tree = os.path.join(to, "tree")
        subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
        _replace(tree + "/DEBIAN/control", r"(?m)^Version: .*$", f"Version: {version}")
        name = os.path.basename(package).replace(f"_{VERSION}_", f"_{version}_")
        subprocess.run(["dpkg-deb", "-b", "-Zgzip", "-z1", tree, os.path.join(to, name)], check=True, capture_output=True)
        shutil.rmtree(tree)


def _replace(path, pattern, new):
    with open(path, encoding="utf-8") as file:
        text, count = re.subn(pattern, new, file.read())
    if count != 1:
        raise AssertionError(f"{path}: {count} times {pattern}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
