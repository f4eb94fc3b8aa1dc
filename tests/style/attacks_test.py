#!/usr/bin/python3
"""tests/attacks.md tells the truth: each attack has its tests, and each of them exists."""

import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CASES = [*range(1, 67)]
GTEST = re.compile(r"(?:(?P<instance>\w+)/)?(?P<suite>\w+)\.(?P<name>\w+)(?:/(?P<row>\w+))?")
PYTHON = re.compile(r"(?P<suite>\w+)\.(?P<name>test_\w+)")


def gtest_problem(text, found):
    suite, name = found["suite"], found["name"]
    macro = re.search(rf"^TEST(_F|_P)?\({suite}, {name}\)", text, re.MULTILINE)
    if not macro:
        return f"no test {suite}.{name}"
    if (found["instance"] or found["row"]) and macro.group(1) != "_P":
        return f"{suite}.{name} has no parameters"
    if found["instance"] and not re.search(rf"\bINSTANTIATE_TEST_SUITE_P\(\s*{found['instance']}, {suite},", text):
        return f"{suite} has no instantiation {found['instance']}"
    if found["row"] and f'"{found["row"]}"' not in text:
        return f"no row {found['row']}"
    return None


def python_problem(text, found):
    classes = re.split(r"^class ", text, flags=re.MULTILINE)[1:]
    own = next((body for body in classes if re.match(rf"{found['suite']}\b", body)), None)
    if own is None:
        return f"no class {found['suite']}"
    return None if re.search(rf"^    def {found['name']}\(self\)", own, re.MULTILINE) else f"no {found['name']} in {found['suite']}"


def test_problem(entry, read):
    """Why there is no such test as PATH::NAME; None if there is. `read` gives a file's text, or None."""
    path, _, name = entry.partition("::")
    text = read(path)
    if text is None:
        return f"no file {path}"
    if not name:
        return None
    pattern, problem = (PYTHON, python_problem) if path.endswith(".py") else (GTEST, gtest_problem)
    found = pattern.fullmatch(name)
    return problem(text, found) if found else f"{name} is no test's name"


def problems(page, read):
    """All that is wrong with the page, a line each."""
    wrong = []
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    numbers = [int(match.group(1)) if (match := re.match(r"(\d+)\. \S", section)) else section.split("\n")[0] for section in sections]
    if numbers != list(CASES):
        wrong.append(f"the sections are {numbers}")
    for number, section in zip(numbers, sections):
        lines = [line for line in section.split("\n")[1:] if line]
        if not lines:
            wrong.append(f"{number}: neither a test nor why there is none")
        for line in lines:
            entries = re.findall(r"`([^`]+)`", line)
            if re.fullmatch(r"- later: \S.*", line):
                continue
            if not re.fullmatch(r"- `[^`]+::[^`]+`|- fuzzed by `[^`:]+`(, `[^`:]+`)*", line):
                wrong.append(f"{number}: {line!r} is neither a test nor 'later: why'")
            else:
                wrong += [f"{number}: {entry}: {problem}" for entry in entries if (problem := test_problem(entry, read))]
        wrong += [f"{number}: {line!r} is there twice" for line in set(lines) if lines.count(line) > 1]
    return wrong


def read_here(path):
    full = os.path.join(ROOT, path)
    if not os.path.isfile(full):
        return None
    with open(full, encoding="utf-8") as file:
        return file.read()


class Page(unittest.TestCase):
    def test_is_true(self):
        self.assertEqual(problems(read_here("tests/attacks.md"), read_here), [])


class Checker(unittest.TestCase):
    """Each thing that may be wrong is found."""

    FILES = {"a_test.cc": 'TEST(A, Plain) {}\nTEST_P(B, Row) {}\nTEST_F(C, Fixture) {}\nX k = {{"Here", 1}};\n'
                          "INSTANTIATE_TEST_SUITE_P(Some, B, k);\n",
             "a_test.py": "class A(Base):\n    def test_x(self):\n        pass\n\n\nclass B(A):\n    def test_y(self):\n        pass\n"}

    def of(self, *lines):
        page = "# Title\n" + "".join(f"## {number}. A case\n\n- later: no\n" for number in CASES[:-1])
        return problems(page + f"## {CASES[-1]}. The last\n\n" + "\n".join(lines) + "\n", self.FILES.get)

    def test_good_ones_pass(self):
        self.assertEqual(self.of("- `a_test.cc::A.Plain`", "- `a_test.cc::C.Fixture`", "- `a_test.cc::B.Row`", "- `a_test.cc::Some/B.Row/Here`",
                                 "- `a_test.py::A.test_x`", "- `a_test.py::B.test_y`", "- fuzzed by `a_test.cc`, `a_test.py`"), [])

    def test_bad_ones_are_found(self):
        for line, said in (("- `none.cc::A.Plain`", "no file none.cc"), ("- `a_test.cc::A.Plan`", "no test A.Plan"),
                           ("- `a_test.cc::A.Plain/Here`", "has no parameters"), ("- `a_test.cc::Other/B.Row/Here`", "no instantiation Other"),
                           ("- `a_test.cc::Some/B.Row/There`", "no row There"), ("- `a_test.py::C.test_x`", "no class C"),
                           ("- `a_test.py::A.test_y`", "no test_y in A"), ("- `a_test.py::A.x`", "is no test's name"),
                           ("- `a_test.cc`", "neither a test"), ("- later:", "neither a test"), ("Prose.", "neither a test"),
                           ("- fuzzed by `none.cc`", "no file none.cc"), ("", "neither a test nor why")):
            with self.subTest(line):
                found = self.of(line)
                self.assertEqual(len(found), 1, found)
                self.assertIn(said, found[0])

    def test_a_missing_or_repeated_case_is_found(self):
        page = "".join(f"## {number}. A case\n\n- later: no\n" for number in CASES if number != 20)
        self.assertIn("the sections are", problems(page, self.FILES.get)[0])
        self.assertIn("is there twice", self.of("- later: no", "- later: no")[0])


if __name__ == "__main__":
    unittest.main(verbosity=0)
