"""What a planted bug is, and how it is put into the sources; the lists beside this file are the bugs themselves.

Each of them is a small change of one .cc file that the simulator runs. script/mutate builds the simulator with one at a
time, and some checker must speak within so many seeds. That the lists still fit the sources is checked by
tests/style/mutations_test.py.
"""

import importlib
import os
import sys
from dataclasses import dataclass

LISTS = ["scheduler", "agents", "sessions", "agent_queue", "launcher", "blobs", "journal", "coordinator", "output", "starts", "store"]


@dataclass(frozen=True)
class Mutation:
    """One planted bug."""

    name: str
    what: str  # is wrong then, in one sentence
    file: str
    old: str  # stands in the file exactly once
    new: str
    seeds: int = 100  # within so many it must be caught


def all_mutations():
    """Of all lists, in their order."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    return [mutation for name in LISTS for mutation in importlib.import_module(name).MUTATIONS]


def problem(mutation, text):
    """Why it can't be put into its file, which holds `text` (None: there is none); None if it can."""
    if text is None:
        return f"there is no {mutation.file}"
    if not mutation.file.endswith(".cc"):
        return f"{mutation.file} is no .cc file: too much is built anew for each other"
    times = text.count(mutation.old)
    if times != 1:
        return f"what is to be changed stands {times} times in {mutation.file}: {mutation.old!r}"
    if mutation.new == mutation.old:
        return "it changes nothing"
    if not mutation.what.endswith(".") or mutation.seeds < 1:
        return "it lacks a sentence that says what it is, or a number of seeds"
    return None


def mutated(mutation, text):
    """The file with the bug in it; ValueError if it does not fit."""
    if why := problem(mutation, text):
        raise ValueError(f"{mutation.name}: {why}")
    return text.replace(mutation.old, mutation.new)
