#!/usr/bin/python3
"""The planted bugs of tests/mutations fit the sources that they are for, and there are enough of them."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "mutations"))

from mutation import LISTS, Mutation, all_mutations, mutated, problem  # noqa: E402

AT_LEAST = 40


def read(path):
    full = os.path.join(ROOT, path)
    if not os.path.isfile(full):
        return None
    with open(full, encoding="utf-8") as file:
        return file.read()


class Mutations(unittest.TestCase):
    def test_each_fits_its_file(self):
        wrong = [f"{m.name}: {why}" for m in all_mutations() if (why := problem(m, read(m.file)))]
        self.assertEqual(wrong, [])

    def test_there_are_enough_and_each_once(self):
        names = [m.name for m in all_mutations()]
        self.assertGreaterEqual(len(names), AT_LEAST)
        self.assertEqual(sorted(names), sorted(set(names)))
        changes = [(m.file, m.old, m.new) for m in all_mutations()]
        self.assertEqual(len(changes), len(set(changes)))

    def test_each_list_is_read(self):
        folder = os.path.join(ROOT, "tests", "mutations")
        lists = sorted(name[:-3] for name in os.listdir(folder) if name.endswith(".py") and name != "mutation.py")
        self.assertEqual(lists, sorted(LISTS))


class Problems(unittest.TestCase):
    """What does not fit is said, and never done by half."""

    ONE = Mutation("x", "It is wrong.", "a.cc", "old", "new")

    def test_text_that_stands_there_once(self):
        self.assertIsNone(problem(self.ONE, "an old text"))
        self.assertEqual(mutated(self.ONE, "an old text"), "an new text")

    def test_text_that_has_gone_or_is_there_twice(self):
        for text, words in {"": "0 times", "old old": "2 times", None: "there is no a.cc"}.items():
            self.assertIn(words, problem(self.ONE, text))
            with self.assertRaises(ValueError):
                mutated(self.ONE, text)

    def test_what_is_no_mutation(self):
        for change, words in {("a.h", "new", "It."): "no .cc file", ("a.cc", "old", "It."): "changes nothing",
                              ("a.cc", "new", "wrong"): "lacks a sentence"}.items():
            file, new, what = change
            self.assertIn(words, problem(Mutation("x", what, file, "old", new), "old"))


if __name__ == "__main__":
    unittest.main()
