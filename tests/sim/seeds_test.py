#!/usr/bin/python3
"""Many seeds of the simulator, on all cores: no invariant is broken, and all that is listed has occurred at least once.

CROMT_SIM_SEEDS says how many (default 3000), CROMT_SIM_FROM the first (default 1)."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("CROMT_SOURCE", "."), "script/support"))
import seeds

ENOUGH = 1000  # from so many on everything must have occurred


def main():
    first, count = int(os.environ.get("CROMT_SIM_FROM", "1")), int(os.environ.get("CROMT_SIM_SEEDS", "3000"))
    found = seeds.simulate(os.environ["CROMT_BIN"], first, count)
    print(f"share: {found.summary()}")
    failed = found.failures()
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
