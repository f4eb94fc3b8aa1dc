"""Runs the test parts one after another and sums them up; called by script/test, which see.

A part is a list of steps. A step is a command that counts as one test, or a ctest run whose tests are counted
one by one: GoogleTest cases from the JSON that each binary writes, other programs from a last line
"N passed, N failed" or else as one. A part that runs no test has failed: silence is no success.
"""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import fuzz

RESULTS = "build/test-results"
COUNT_LINE = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)

# Seconds on two cores from nothing; a part that takes longer is marked, not failed.
BUDGET = {"install": 120, "build": 420, "style": 30, "unit": 120, "asan": 180, "tsan": 180, "sim": 180, "e2e": 240,
          "fuzz": 120}

# Which ctest labels each part runs, and with which build.
CTEST = {
    "unit": ("release", ["core", "unit", "contract"]),
    "asan": ("asan", ["core", "sim"]),
    "tsan": ("tsan", ["core", "sim"]),
    "asan-rest": ("asan", ["unit", "contract"]),
    "tsan-rest": ("tsan", ["unit", "contract"]),
    "sim": ("release", ["sim"]),
    "e2e": ("release", ["e2e"]),
}
ENVIRONMENT = {  # by preset
    "asan": {
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # Many times slower under a sanitizer: `sim` and `unit` run the numbers, and look for the planted bugs.
        "CROMT_SIM_SEEDS": "20",
        "CROMT_TEST_SEEDS": "3",
        "GTEST_FILTER": "-PlantedBugs.*",
    },
    "tsan": {
        # Libraries of the system are not instrumented; without this their locks would be invisible.
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1",
        "CROMT_SIM_SEEDS": "20",
        "CROMT_TEST_SEEDS": "3",
        "GTEST_FILTER": "-PlantedBugs.*",
    },
}
PARTS = ["style", "unit", "asan", "tsan", "sim", "e2e", "fuzz"]
FULL_PARTS = ["asan-rest", "tsan-rest", "mutate", "lint"]


class Part:
    """The outcome of one part."""

    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.seconds = 0.0
        self.problems = []  # a line each

    def fail(self, problem):
        self.failed += 1
        self.problems.append(problem)


def say(text=""):
    print(text, flush=True)


def run(command, env=None):
    """Runs it with its output shown; True if it exits with 0."""
    say("$ " + " ".join(command))
    return subprocess.run(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL).returncode == 0


def run_step(part, name, command):
    """A command that counts as one test."""
    if run(command):
        part.passed += 1
    else:
        part.fail(f"{name}: {' '.join(command)}")


def build_folder(preset):
    return "build" if preset == "release" else f"build/{preset}"


def build(part, preset, targets):
    if run(["script/build", "--preset", preset, *targets]):
        return True
    part.fail(f"the {preset} build")
    return False


def count_gtest(part, report, program_failed):
    """Adds the cases of one GoogleTest JSON report."""
    with open(report, encoding="utf-8") as file:
        suites = json.load(file)["testsuites"]
    failed_before = part.failed
    for case in (case for suite in suites for case in suite["testsuite"]):
        if case.get("failures"):
            part.fail(f"{case['classname']}.{case['name']}")
        elif case.get("result") == "SKIPPED":
            part.skipped += 1
        elif case.get("result") == "COMPLETED":
            part.passed += 1
    if program_failed and part.failed == failed_before:
        part.fail(f"{os.path.basename(report)}: the program failed after its tests passed")


def count_program(part, name, failed, output):
    """Adds a test program that is not GoogleTest, or that died before it wrote its report."""
    counts = COUNT_LINE.findall(output)
    if counts:
        part.passed += int(counts[-1][0])
        for _ in range(int(counts[-1][1])):
            part.fail(name)
        if failed and int(counts[-1][1]) == 0:
            part.fail(f"{name}: the program failed after its tests passed")
    elif failed:
        part.fail(name)
    else:
        part.passed += 1


def count_ctest(part, junit, gtest_folder):
    for test in ElementTree.parse(junit).getroot().iter("testcase"):
        name, status = test.get("name"), test.get("status")
        for line in (test.findtext("system-out") or "").splitlines():
            if line.startswith("share: "):  # a figure that a test wants seen, though it passes
                say(line)
        reports = glob.glob(f"{gtest_folder}/{glob.escape(name)}.json")
        if status == "disabled":
            part.skipped += 1
        elif status == "notrun":
            reason = test.find("skipped").get("message", "") if test.find("skipped") is not None else ""
            if reason.startswith("SKIP_"):  # the test itself said so, by SKIP_RETURN_CODE or SKIP_REGULAR_EXPRESSION
                part.skipped += 1
            else:
                part.fail(f"{name}: not run: {reason}")
        elif reports:
            count_gtest(part, reports[0], status == "fail")
        else:
            count_program(part, name, status == "fail", test.findtext("system-out") or "")


def labels_of_tests(folder):
    """Every ctest of a build with its labels."""
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True,
                             check=True).stdout
    for test in json.loads(listing)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        yield test["name"], properties.get("LABELS", [])


def check_labels(part, folder):
    """A test that no part runs would be forgotten in silence."""
    known = {label for _, labels in CTEST.values() for label in labels} | {"style"}
    for name, labels in labels_of_tests(folder):
        if not known & set(labels):
            part.fail(f"{name}: no part runs its labels {labels}; use one of {sorted(known)}")


def run_ctest(part):
    """Builds what the part tests, runs it and counts."""
    preset, labels = CTEST[part.name]
    folder = build_folder(preset)
    targets = [] if preset == "release" else [f"tests_{label}" for label in labels]
    if not build(part, preset, targets):
        return
    results = f"{RESULTS}/{part.name}"
    shutil.rmtree(results, ignore_errors=True)
    os.makedirs(results)
    junit, gtest_folder = os.path.abspath(f"{results}/ctest.xml"), os.path.abspath(f"{results}/gtest")
    env = {"GTEST_OUTPUT": f"json:{gtest_folder}/", "GTEST_BRIEF": "1", **ENVIRONMENT.get(preset, {})}
    started = time.monotonic()
    # `style` has a part of its own, which needs no build.
    good = run(["ctest", "--test-dir", folder, "-L", f"^({'|'.join(labels)})$", "-LE", "^style$", "--output-on-failure",
                # The count is the last line of a test's output, which ctest cuts at 1 KiB unless told otherwise.
                "--test-output-size-passed", "10000000", "--test-output-size-failed", "10000000", "--no-tests=error", "-j", str(os.cpu_count()), "--output-junit", junit], env)
    say(f"{part.name}: the tests themselves took {time.monotonic() - started:.1f} s")
    if os.path.exists(junit):
        count_ctest(part, junit, gtest_folder)
    if not good and part.failed == 0:
        part.fail(f"no test carries a label of {labels}" if part.passed == 0 else "ctest itself")
    if part.name == "unit":
        check_labels(part, folder)


def run_style(part):
    run_step(part, "format", ["script/format", "--check"])
    run_step(part, "rules of the house", [sys.executable, "tests/style/check.py"])
    run_step(part, "the rules fire", [sys.executable, "tests/style/check_test.py"])
    run_step(part, "each attack has its tests", [sys.executable, "tests/style/attacks_test.py"])
    run_step(part, "planted bugs fit the sources", [sys.executable, "tests/style/mutations_test.py"])
    run_step(part, "this runner counts", [sys.executable, "script/support/run_tests_test.py"])


def run_fuzz(part):
    """Each target counts as one test."""
    if not build(part, "fuzz", ["fuzz_targets"]):
        return
    seconds = int(os.environ["CROMT_FUZZ_SECONDS"])
    for outcome in fuzz.run_all(seconds):
        problem = outcome.problem()
        say(f"fuzz: {outcome.name}: {outcome.runs} inputs in {seconds} s{': ' + problem if problem else ''}")
        if problem:
            say(fuzz.story(outcome.output))
            part.fail(f"{outcome.name}: {problem}")
        else:
            part.passed += 1


def count_mutations(part, lines, failed):
    """Each planted bug counts as one test."""
    for line in lines:
        if line.startswith("caught "):
            part.passed += 1
        elif line.startswith(("NOT CAUGHT", "NO BUILD")):
            part.fail(line)
    if failed and part.failed == 0:
        part.fail("script/mutate failed before it had tried all")


def run_mutate(part):
    command = ["script/mutate"]
    say("$ " + " ".join(command))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            say(lines[-1])
    count_mutations(part, lines, process.returncode != 0)


def run_lint(part):
    if build(part, "release", []):
        run_step(part, "clang-tidy", ["script/lint", "--all"])


def run_build(part):
    """The release build by itself, so that its time is not counted as a test's."""
    run_step(part, "release build", ["script/build"])


def run_part(name):
    say(f"\n=== {name} " + "=" * (76 - len(name)))
    part = Part(name)
    started = time.monotonic()
    special = {"build": run_build, "style": run_style, "lint": run_lint, "fuzz": run_fuzz,
               "mutate": run_mutate}
    try:
        special.get(name, run_ctest)(part)
    except (OSError, ValueError, KeyError, ElementTree.ParseError, subprocess.SubprocessError) as error:
        part.fail(f"the runner itself: {error!r}")
    if part.passed + part.failed == 0:
        part.fail("no test was executed")
    part.seconds = time.monotonic() - started
    say(f"=== {name}: {'failed' if part.failed else 'passed'} in {part.seconds:.1f} s")
    return part


def summarize(parts, install_seconds, seconds):
    say(f"\n{'part':<9}{'passed':>8}{'failed':>8}{'skipped':>8}{'time':>9}{'budget':>9}")
    say(f"{'install':<9}{'':>24}{install_seconds:>8.0f}s{BUDGET['install']:>8}s")
    for part in parts:
        budget = BUDGET.get(part.name)
        over = "  over budget" if budget and part.seconds > budget else ""
        budget_text = f"{budget}s" if budget else ""
        say(f"{part.name:<9}{part.passed:>8}{part.failed:>8}{part.skipped:>8}{part.seconds:>8.1f}s{budget_text:>9}{over}")
    say(f"{'total':<9}{'':>24}{install_seconds + seconds:>8.1f}s")
    for part in parts:
        for problem in part.problems:
            say(f"FAILED {part.name}: {problem}")


def main():
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("--full", action="store_true", help="more seeds, longer fuzzing, the sanitizers, planted bugs, and lint")
    parser.add_argument("--install-seconds", type=float, default=0, help=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS + FULL_PARTS))
    options = parser.parse_args()
    unknown = [name for name in options.parts if name not in PARTS + FULL_PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; there are: {', '.join(PARTS + FULL_PARTS)}")
    names = options.parts or PARTS + (FULL_PARTS if options.full else [])
    os.environ.setdefault("CROMT_SIM_SEEDS", "20000" if options.full else "3000")
    os.environ.setdefault("CROMT_TEST_CONTAINERS", "1000" if options.full else "60")
    os.environ.setdefault("CROMT_FUZZ_SECONDS", "60" if options.full else "10")

    if any(CTEST.get(name, ("",))[0] == "release" for name in names):
        names.insert(names.index("style") + 1 if "style" in names else 0, "build")
    started = time.monotonic()
    parts = [run_part(name) for name in names]
    summarize(parts, options.install_seconds, time.monotonic() - started)

    tested = [part for part in parts if part.name != "build" or part.failed]
    passed, failed = sum(part.passed for part in tested), sum(part.failed for part in tested)
    say(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
