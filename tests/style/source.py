"""The tracked files as text, and C++ with its comments and literals blanked out."""

import os
import re
import subprocess
from collections import namedtuple

Finding = namedtuple("Finding", "path line rule message")

# Longest first: a raw string may hold what looks like a comment, a comment what looks like a string.
CPP_TOKEN = re.compile(
    r'R"(?P<raw>[^()\\\s]{0,16})\((?s:.*?)\)(?P=raw)"'  # R"x(…)x"
    r"|//[^\n]*"
    r"|/\*(?s:.*?)\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # not the ' in 1'000
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def blank(text):
    """The same text with everything but its line ends as blanks."""
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """C++ text without comments and literals; positions and lines stay."""
    return CPP_TOKEN.sub(lambda match: blank(match.group()), text)


def line_at(text, position):
    return text.count("\n", 0, position) + 1


class Tree:
    """Path → text of every tracked text file. Paths are relative, with '/'."""

    def __init__(self, files):
        self.files = files
        self._code = {}

    @staticmethod
    def read(root):
        files = {}
        for path in tracked_paths(root):
            full = os.path.join(root, path)
            if os.path.islink(full) or not os.path.isfile(full):
                continue  # a link, or removed and not yet committed
            with open(full, "rb") as file:
                data = file.read()
            if b"\0" not in data[:8000]:
                files[path] = data.decode("utf-8", errors="replace")
        return Tree(files)

    def cpp(self):
        """(path, text) of C++ sources and headers."""
        return ((path, text) for path, text in self.files.items() if path.endswith((".cc", ".h")))

    def code(self, path):
        if path not in self._code:
            self._code[path] = code_of(self.files[path])
        return self._code[path]

    def includes(self, path):
        """(line, is_quoted, name) of each #include that is not commented out."""
        text, code = self.files[path], self.code(path)
        for match in INCLUDE.finditer(text):
            if "#" in code[match.start() : match.end()]:
                yield line_at(text, match.start(2)), match.group(1) == '"', match.group(2)


def tracked_paths(root):
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False)
    if listing.returncode == 0:
        return sorted(set(listing.stdout.decode().split("\0")) - {""})
    # An unpacked archive has no repository: then everything but what a build leaves.
    paths = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "build", "node_modules", "__pycache__")]
        paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(paths)
