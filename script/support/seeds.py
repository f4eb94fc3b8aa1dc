"""Runs seeds of the simulator on all cores and sums up what came of them."""

import concurrent.futures
import json
import os
import subprocess
from collections import Counter

BATCH = 50  # seeds of one process
PATIENCE = 600  # seconds for one


class Found:
    """What some seeds have shown."""

    def __init__(self):
        self.reports = []  # as cromt-sim writes them
        self.broken = []  # a line for each process that did not end as it should
        self.situations = Counter()

    def add(self, first, count, code, output):
        reports = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        for report in reports:
            self.situations.update(report.get("situations", {}))
        reports = [report for report in reports if "seed" in report]
        self.reports += reports
        if len(reports) < count:
            self.broken.append(f"seed {first + len(reports)}: the simulator ended with {code} in the middle of it")
        elif code not in (0, 1) or (code == 1) != any(report["violations"] for report in reports):
            self.broken.append(f"seeds {first} to {first + count - 1}: the simulator ended with {code}")

    def total(self, name):
        return sum(report[name] for report in self.reports)

    def violations(self):
        return sum(len(report["violations"]) for report in self.reports)

    def failures(self):
        """A line for each seed with a violation, and for each process that broke."""
        lines = [f"seed {report['seed']}: {violation}\n  replay: cromt-sim --seed {report['seed']} -v; reduce: --shrink"
                 for report in self.reports for violation in report["violations"][:1]]
        return self.broken + lines

    def summary(self):
        return (f"{len(self.reports)} seeds, {self.total('simulated_seconds')} simulated seconds, {self.total('faults')} faults, "
                f"{self.violations()} violations")


def simulate(folder, first, count, jobs=None):
    """Seeds `first` to `first + count - 1`, by the cromt-sim of `folder`."""
    found = Found()

    def batch(begin):
        size = min(BATCH, first + count - begin)
        command = [os.path.join(folder, "cromt-sim"), "--seeds", str(size), "--from", str(begin), "-o", "json", "--situations"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
            return begin, size, done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            return begin, size, f"a limit of {PATIENCE} s", (late.stdout or b"").decode(errors="replace")

    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs or os.cpu_count()) as pool:
        for result in pool.map(batch, range(first, first + count, BATCH)):
            found.add(*result)
    return found


def listed(folder):
    """The situations that must occur."""
    return subprocess.run([os.path.join(folder, "cromt-sim"), "--list-situations"], capture_output=True, text=True, check=True).stdout.splitlines()
