"""The last release, as deploy/releases names it: its programs, built of its commit by its own script/build.

The work tree stays in build/release between runs. Most of it is compiled as the same commit was before, in another folder, so ccache
has it (cmake/Settings.cmake).
"""

import os
import re
import subprocess

from mesh import SOURCE

LIST = os.path.join("deploy", "releases")
TREE = os.path.join(SOURCE, "build", "release")
BIN = os.path.join(TREE, "build", "bin")
PROGRAMS = ["cromt", "cromt-agent", "cromt-container", "cromt-coordinator", "cromt-git", "cromt-launcher", "cromt-step"]


def last():
    """(version, commit), or None if there is none yet."""
    newest = None
    with open(os.path.join(SOURCE, LIST), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            text = line.partition("#")[0].strip()
            if not text:
                continue
            newest = re.fullmatch(r"(\d+\.\d+\.\d+) ([0-9a-f]{40})", text)
            assert newest, f"{LIST}:{number}: not VERSION COMMIT: {text!r}"
    return newest and newest.groups()


def why_not():
    """Why the last release can't be built here; empty if it can."""
    if not last():
        return f"{LIST} names no release yet"
    if _git("rev-parse", "--git-dir").returncode != 0:
        return "these sources are no git repository"
    if _git("cat-file", "-e", last()[1] + "^{commit}").returncode != 0 and _git("rev-parse", "--is-shallow-repository").stdout == "true\n":
        return f"the history here does not reach back to {last()[1]}, of which release {last()[0]} was built"
    return ""


def build():
    """Makes PROGRAMS in BIN, as far as they are not there."""
    _, commit = last()
    if not os.path.exists(os.path.join(TREE, ".git")) or _git("rev-parse", "HEAD", tree=TREE).stdout.strip() != commit:
        _git("worktree", "remove", "--force", TREE)
        subprocess.run(["rm", "-rf", TREE], check=True)
        _git("worktree", "prune")
        added = _git("worktree", "add", "--detach", TREE, commit)
        assert added.returncode == 0, added.stderr
    built = subprocess.run(["script/build", *PROGRAMS], cwd=TREE, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1500)
    assert built.returncode == 0, (built.stdout + built.stderr)[-4000:]


def _git(*arguments, tree=SOURCE):
    return subprocess.run(["git", "-C", tree, *arguments], capture_output=True, text=True)
