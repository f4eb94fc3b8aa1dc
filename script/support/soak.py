"""Runs seeds of the simulator and of kills on all cores until the time is over; called by script/soak, which see."""

import argparse
import concurrent.futures
import datetime
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter

import seeds

RESULTS = "build/soak"
BIN = os.environ.get("CROMT_BIN") or "build/bin"
SIM_BATCH = 300
SIM_SHARE = 4  # of so many jobs one is the simulator's
RECORD = "docs/track-record.md"
RECORD_END = "<!-- the next soak's line comes before this one -->"
PATIENCE = 900  # seconds for one job


class Soak:
    """Hands out seeds; counts what came of them. Its methods may be called by any thread."""

    def __init__(self, first, until, count, simulator_only):
        self._lock = threading.Lock()
        self._seeds = itertools.count(first)
        self._jobs = itertools.count(1)
        self._until, self._seeds_left, self._simulator_only = until, count, simulator_only
        self.counts = Counter()
        self.bad = []  # commands that replay what was found

    def work(self):
        """One core's: until nothing is left to do."""
        while (job := self._next()) is not None:
            seed, is_sim = job
            if is_sim:
                self._simulate(seed * SIM_BATCH)
            else:
                self._kill(seed)

    def _next(self):
        with self._lock:
            if self._until is not None and time.monotonic() > self._until or self._seeds_left == 0:
                return None
            is_sim = self._simulator_only or next(self._jobs) % SIM_SHARE == 0
            if self._seeds_left is not None and is_sim == self._simulator_only:
                self._seeds_left = max(0, self._seeds_left - (SIM_BATCH if is_sim else 1))
            return next(self._seeds), is_sim

    def _kill(self, seed):
        """Between hosts and on loopback in turn."""
        flags = ["--seed", str(seed), "--long", *(["--hosts"] if seed % 2 else [])]
        command = ["tests/e2e/kills_test.py", *flags]
        code, output = run(["/usr/bin/python3", *command])
        figures = [line for line in output.splitlines() if line.startswith("figures ")]
        counts = Counter(json.loads(figures[-1].removeprefix("figures "))) if figures else Counter()
        counts["seeds of kills"] += 1
        line = next((line for line in output.splitlines() if line.startswith(f"seed {seed} ")), f"seed {seed}: no result")
        self._took(command, code, output, counts, line)

    def _simulate(self, first):
        command = [f"{BIN}/cromt-sim", "--seeds", str(SIM_BATCH), "--from", str(first), "-o", "json"]
        code, output = run(command)
        found = seeds.Found()
        found.add(first, SIM_BATCH, code, output)
        counts = Counter({"seeds of the simulator": len(found.reports), "violations": found.violations(),
                          "simulated seconds": found.total("simulated_seconds"), "faults in the simulator": found.total("faults")})
        line = f"simulator, from seed {first}: {found.summary()}" + (f", exit code {code}" if code else "")
        self._took(command, 1 if found.failures() else code, output, counts, line, found.failures())

    def _took(self, command, code, output, counts, line, failures=()):
        with self._lock:
            self.counts += counts
            print(line, flush=True)
            if code == 0:
                return
            self.bad.append(" ".join(command))
            kept = f"{RESULTS}/{len(self.bad)}.txt"
        with open(kept, "w", encoding="utf-8") as file:
            file.write(" ".join(command) + "\n" + output)
        found = (list(failures) or [line for line in output.splitlines() if "VIOLATION" in line or "violation" in line])[:20]
        print("\n".join([*found, f"replay: {' '.join(command)}; all that was said: {kept}"]), flush=True)


def run(command):
    """Exit code and output; a job that takes too long has failed."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return 1, (late.stdout or b"").decode(errors="replace") + f"\nVIOLATION it did not end within {PATIENCE} s\n"


def main():
    parser = argparse.ArgumentParser(prog="script/soak")
    parser.add_argument("hours", type=float, nargs="?")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--from", type=int, dest="first", help="the first seed; default: another one each second")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--simulator", action="store_true", help="only the simulator")
    options = parser.parse_args()
    if (options.hours is None) == (options.seeds is None):
        parser.error("say either HOURS or --seeds N")
    os.makedirs(RESULTS, exist_ok=True)
    began = time.monotonic()
    until = None if options.hours is None else began + options.hours * 3600
    soak = Soak(options.first if options.first is not None else int(time.time()), until, options.seeds, options.simulator)
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for worker in [pool.submit(soak.work) for _ in range(options.jobs)]:
            worker.result()
    seconds = time.monotonic() - began
    print(f"\nin {seconds:.0f} s on {options.jobs} cores, {soak.counts['kills'] / seconds:.1f} kills a second:")
    for name, count in sorted(soak.counts.items()):
        print(f"  {name:<28}{count:>9}")
    for command in soak.bad:
        print(f"FAILED {command}")
    record(soak.counts, seconds)
    return 1 if soak.bad else 0


def record(counts, seconds):
    """A line in the track record."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    days = counts["simulated seconds"] / 86400
    line = (f"| {datetime.date.today()} | {commit or 'unknown'} | {seconds / 3600:.1f} h | {counts['seeds of the simulator']:,} | {days:,.1f} days "
            f"| {counts['faults in the simulator']:,} | {counts['violations']} | {counts['seeds of kills']:,} | {counts['kills']:,} |\n")
    with open(RECORD, encoding="utf-8") as file:
        before, end, after = file.read().partition(RECORD_END)
    if not end:
        raise SystemExit(f"{RECORD} has no line '{RECORD_END}'")
    with open(RECORD, "w", encoding="utf-8") as file:
        file.write(before + line + end + after)
    print(f"{RECORD} has a line more")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
