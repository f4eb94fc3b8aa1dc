"""Programs installed in folders of a test's own, and replaced there by another version while they run."""

import os
import shutil
import subprocess

from mesh import BIN

PROGRAMS = ["cromt-agent", "cromt-coordinator", "cromt-git", "cromt-launcher", "cromt-step"]


def versions():
    """That of the programs under test, and another of the same length."""
    done = subprocess.run([os.path.join(BIN, "cromt"), "--version"], capture_output=True, text=True, check=True)
    version = done.stdout.split()[1]
    return version, version[:-1] + ("8" if version.endswith("9") else "9")


def install(folder, other=False):
    """All programs in a folder of their own: links to those under test, or copies that say that they are of another version."""
    os.makedirs(folder, exist_ok=True)
    for program in PROGRAMS:
        place(os.path.join(BIN, program), os.path.join(folder, program), versions() if other else None)


def place(program, path, renamed=None):
    """Puts a program where another may be, at once, as a package manager does: who runs the other goes on with a deleted file.
    `renamed`: (version, another), of which the first is replaced by the second. Else it is a link where that can be."""
    new = path + ".new"
    if renamed:
        with open(program, "rb") as file:
            text = file.read()
        with open(new, "wb") as file:
            file.write(text.replace(*(version.encode() for version in renamed)))
        os.chmod(new, 0o755)
    else:
        try:
            os.link(program, new)
        except OSError:  # on another file system
            shutil.copy(program, new)
    os.rename(new, path)
