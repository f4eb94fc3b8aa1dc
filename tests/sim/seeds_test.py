#!/usr/bin/python3
"""Many seeds of the simulator, on all cores: no invariant is broken, and all that is listed has occurred at least once.

CROMT_SIM_SEEDS says how many (default 3000), CROMT_SIM_FROM the first (default 1)."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("CROMT_SOURCE", "."), "script/support"))
import seeds

ENOUGH = 1000  # from so many on everything must have occurred
AGAIN = 10  # seeds that are simulated once more, each in a process of its own


def differing(bin_folder, reports):
    """A line for each of these whose events are others when it is simulated alone."""
    lines = []
    for report in reports:
        command = [os.path.join(bin_folder, "cromt-sim"), "--seed", str(report["seed"]), "-o", "json"]
        alone = json.loads(subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0])
        if alone["hash"] != report["hash"]:
            lines.append(f"seed {report['seed']}: its events have the hash {report['hash']} behind others, and {alone['hash']} alone")
    return lines


def main():
    first, count = int(os.environ.get("CROMT_SIM_FROM", "1")), int(os.environ.get("CROMT_SIM_SEEDS", "3000"))
    found = seeds.simulate(os.environ["CROMT_BIN"], first, count)
    print(f"share: {found.summary()}")
    by_seed = sorted(found.reports, key=lambda report: report["seed"])
    failed = found.failures() + differing(os.environ["CROMT_BIN"], by_seed[:: max(1, count // AGAIN)])
    for line in failed[:50]:
        print(line)
    listed = seeds.listed(os.environ["CROMT_BIN"])
    missing = [name for name in listed if found.situations[name] == 0]
    unlisted = [name for name in found.situations if name not in listed]
    if missing and count >= ENOUGH:
        print(f"never occurred in {count} seeds, so nothing is known of it: " + "; ".join(missing))
    if unlisted:  # too rare to be asked for, or forgotten
        print("share: occurred and is not in tests/sim/situations.cc: " + "; ".join(f"{name} ({found.situations[name]})" for name in sorted(unlisted)))
    problems = len(failed) + (bool(missing) and count >= ENOUGH)
    print(f"{int(not problems)} passed, {problems} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
