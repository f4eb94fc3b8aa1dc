#!/usr/bin/python3
"""Kills and faults at random, hundreds of them, on real programs: whatever is done to agents, coordinator, launchers,
network and disks, every run ends with the right outcome, and nothing runs twice, is lost in silence or stays behind.

    tests/e2e/kills_test.py                        as CI does
    tests/e2e/kills_test.py --seed 12 [-v]         one seed again; -v tells its story
    tests/e2e/kills_test.py --hosts --seed 12      the same between hosts, which are network namespaces (needs nft, iptables)
    tests/e2e/kills_test.py --seed 12 --long       with more faults, of which some last; so does script/soak

A seed decides the work (kills_workload.py), and what is done when (kills_schedule.py); kills_check.py says what must hold.
The moments are not the same in each replay, so a rare finding may take several. Where one was found the folder of the
mesh is kept if CROMT_KILLS_KEEP names a place for it.
"""

import argparse
import json
import sys
import time
import unittest
from collections import Counter

import namespaces
from kills_hosts import HostsMesh, why_not
from kills_scene import Scene
from story import main

KILLS = 200  # that a run of all tests makes at least
HOSTS_SEEDS = 3


def play(seed, verbose=False, **how):
    """The scene of a seed, after it has been played; prints a line, and what was found."""
    scene = Scene(seed, **how)
    began = time.monotonic()
    if verbose:
        print(scene.workload.job_file("job", "effects", "r.git"), flush=True)
        scene.said = lambda text: print(f"{time.monotonic() - began:7.3f} {text}", flush=True)
    scene.run()
    figures = ", ".join(f"{name} {count}" for name, count in sorted(scene.counts.items()) if count)
    place = "between hosts" if scene.hosts else "on loopback"
    print(f"seed {seed} {place}: {time.monotonic() - began:.1f} s, {scene.kills()} kills, {len(scene.violations)} violations "
          f"({figures})", flush=True)
    if scene.violations:
        print(f"{scene.programs_said}\n" + "\n".join(f"VIOLATION {text}" for text in scene.violations), flush=True)
    return scene


class Kills(unittest.TestCase):
    """Prints what was done and found, a line a seed."""

    def play_all(self, seeds, enough=lambda counts: False, **how):
        counts, found = Counter(), []
        for seed in seeds:
            scene = play(seed, **how)
            counts += scene.counts
            counts["kills"] += scene.kills()
            found += scene.violations
            if enough(counts):
                break
        self.assertEqual(found, [])
        return counts

    def test_programs_are_killed(self):
        counts = self.play_all(range(1, 50), lambda counts: counts["kills"] >= KILLS)
        self.assertGreaterEqual(counts["kills"], KILLS)
        for program in ("agent", "coordinator", "launcher", "step", "git", "cli"):
            self.assertGreater(counts[f"kills {program}"], 0)
        self.assertGreater(counts["replaced"], 0)

    def test_hosts_lose_sight_of_each_other(self):
        if reason := why_not():
            print(f"SKIPPED, NOTHING IS TESTED BETWEEN HOSTS: {reason}", flush=True)
            return
        self.play_all(range(1, HOSTS_SEEDS + 1), hosts=HostsMesh)


def replay(words):
    parser = argparse.ArgumentParser(prog="kills_test.py")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hosts", action="store_true", help="each program on a host of its own")
    parser.add_argument("--long", action="store_true", help="more faults, some of which last")
    parser.add_argument("-v", action="store_true", help="tell what is done when")
    options = parser.parse_args(words)
    reason = why_not() if options.hosts else ""
    if reason:
        parser.error(reason)
    scene = play(options.seed, options.v, hosts=HostsMesh if options.hosts else None, long=options.long)
    print("figures " + json.dumps({**scene.counts, "kills": scene.kills(), "violations": len(scene.violations)}))
    return 1 if scene.violations else 0


if __name__ == "__main__":
    namespaces.enter(network=True)
    if "--seed" in sys.argv:
        sys.exit(replay(sys.argv[1:]))
    main()
