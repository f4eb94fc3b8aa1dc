#!/usr/bin/python3
"""Holds the rules of the house over all tracked files: tests/style/check.py [ROOT]

Prints one line a finding, with what to do instead; exits with 1 if there is any. layers.py holds what may include and
link what; rules.py the rest. A banned call that has to be is allowed on its line or the one before by a comment
`// style: allow NAME: REASON`.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import layers  # noqa: E402
import rules  # noqa: E402
from source import Tree  # noqa: E402

RULES = layers.RULES + rules.RULES


def check(tree):
    """All findings, sorted by place."""
    return sorted(finding for rule in RULES for finding in rule(tree))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    tree = Tree.read(os.path.abspath(root))
    if not any(tree.cpp()):
        print(f"style: no C++ file found in {root}", file=sys.stderr)
        return 2
    findings = check(tree)
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.message}")
    print(f"style: {len(tree.files)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
