#!/usr/bin/python3
"""The test runner counts what really happened: a failure, a crash or silence is never taken for a pass."""

import json
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fuzz  # noqa: E402
import run_tests  # noqa: E402


def case(name, result="COMPLETED", failures=()):
    return {"name": name, "classname": "Suite", "status": "RUN", "result": result, "failures": list(failures)}


class Counting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def count(self, tests, reports=None):
        """Counts a ctest run: name → (status, output); with GoogleTest reports: name → cases."""
        junit = os.path.join(self.folder, "ctest.xml")
        with open(junit, "w", encoding="utf-8") as file:
            file.write("<testsuite>")
            for name, (status, output) in tests.items():
                inner = f'<skipped message="{output}"/>' if status == "notrun" else f"<system-out>{output}</system-out>"
                file.write(f'<testcase name="{name}" status="{status}">{inner}</testcase>')
            file.write("</testsuite>")
        for name, cases in (reports or {}).items():
            with open(os.path.join(self.folder, f"{name}.json"), "w", encoding="utf-8") as file:
                json.dump({"testsuites": [{"testsuite": cases}]}, file)
        part = run_tests.Part("unit")
        run_tests.count_ctest(part, junit, self.folder)
        return part.passed, part.failed, part.skipped

    def test_cases_of_a_program_are_counted_one_by_one(self):
        cases = [case("A"), case("B"), case("C", "SKIPPED"), case("D", failures=[{"failure": "x"}]), case("E", "SUPPRESSED")]
        self.assertEqual(self.count({"core_test": ("fail", "")}, {"core_test": cases}), (2, 1, 1))

    def test_a_program_that_dies_before_its_report_is_a_failure(self):
        self.assertEqual(self.count({"core_test": ("fail", "[ OK ] Suite.A")}), (0, 1, 0))

    def test_a_program_that_fails_after_its_tests_passed_is_a_failure(self):
        self.assertEqual(self.count({"core_test": ("fail", "leak")}, {"core_test": [case("A")]}), (1, 1, 0))

    def test_a_program_that_was_not_built_is_a_failure(self):
        self.assertEqual(self.count({"core_test": ("notrun", "Unable to find executable")}), (0, 1, 0))

    def test_a_program_may_say_that_it_was_skipped(self):
        self.assertEqual(self.count({"a": ("notrun", "SKIP_RETURN_CODE=77"), "b": ("disabled", "Disabled")}), (0, 0, 2))

    def test_each_planted_bug_counts_and_a_run_that_breaks_off_fails(self):
        part = run_tests.Part("mutate")
        run_tests.count_mutations(part, ["nothing is planted, and 9 seeds say nothing", "caught      a at seed 1 of 9: x",
                                         "NOT CAUGHT  b in 9 seeds: y", "NO BUILD    c: log"], True)
        self.assertEqual((part.passed, part.failed), (1, 2))
        part = run_tests.Part("mutate")
        run_tests.count_mutations(part, ["nothing is planted, and seed 3 says: x"], True)
        self.assertEqual((part.passed, part.failed), (0, 1))

    def test_other_programs_say_their_counts_or_count_as_one(self):
        self.assertEqual(self.count({"e2e": ("run", "hello\n7 passed, 0 failed\n")}), (7, 0, 0))
        self.assertEqual(self.count({"e2e": ("fail", "5 passed, 2 failed\n")}), (5, 2, 0))
        self.assertEqual(self.count({"e2e": ("fail", "7 passed, 0 failed\n")}), (7, 1, 0))
        self.assertEqual(self.count({"e2e": ("run", "fine")}), (1, 0, 0))
        self.assertEqual(self.count({"e2e": ("fail", "Traceback")}), (0, 1, 0))


class Fuzzing(unittest.TestCase):
    def test_a_target_passes_only_if_it_ran_inputs_and_none_broke_it(self):
        done = "Done 17 runs in 10 second(s)"
        self.assertEqual(fuzz.Outcome("jobs", done, 0, []).problem(), "")
        self.assertEqual(fuzz.Outcome("jobs", "", 0, []).problem(), "it ran no input")
        self.assertEqual(fuzz.Outcome("jobs", done, 77, []).problem(), "exit code 77")
        self.assertEqual(fuzz.Outcome("jobs", done, 77, ["x/jobs-crash-1"]).problem(),
                         "replay: build/fuzz/bin/jobs_fuzz x/jobs-crash-1")

    def test_the_story_begins_where_it_went_wrong(self):
        self.assertEqual(fuzz.story("INFO: a\n==1== ERROR: AddressSanitizer\n#0 f\n"), "==1== ERROR: AddressSanitizer\n#0 f")
        self.assertEqual(fuzz.story("[library ERROR a.cc] b\n==1==ERROR: LeakSanitizer\n"), "==1==ERROR: LeakSanitizer")
        self.assertEqual(fuzz.story("one\ntwo"), "one\ntwo")


class Summary(unittest.TestCase):
    def test_a_part_without_tests_has_failed(self):
        with mock.patch.object(run_tests, "run_ctest"), mock.patch.object(run_tests, "say"):
            part = run_tests.run_part("sim")
        self.assertEqual((part.passed, part.failed, part.problems), (0, 1, ["no test was executed"]))

    def test_a_label_that_no_part_runs_is_a_failure(self):
        part = run_tests.Part("unit")
        with mock.patch.object(run_tests, "labels_of_tests", return_value=[("a", ["unit"]), ("b", ["slow"]), ("c", [])]):
            run_tests.check_labels(part, "build")
        self.assertEqual(part.failed, 2)


if __name__ == "__main__":
    unittest.main(verbosity=0)
