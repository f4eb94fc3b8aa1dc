"""How much simulated time a second of one core brings, of a mesh of ten agents: seeds are proof."""

import json
import os
import resource
import subprocess

SEEDS = 40
AGENTS = 10
LIMIT = 1000


def speed(bench, row):
    def cpu():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    command = [os.path.join(bench.binaries.bin, "cromt-sim"), "--seeds", str(SEEDS), "--hosts", str(AGENTS), "-o", "json"]
    before = cpu()
    reports = [json.loads(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]
    seconds = cpu() - before
    simulated = sum(report["simulated_seconds"] for report in reports)
    details = {"seeds_per_s": round(SEEDS / seconds, 1), "events_per_s": round(sum(report["events"] for report in reports) / seconds)}
    return row(f"the simulator, {AGENTS} agents: simulated seconds a second of CPU", simulated / seconds, "s/s", f">= {LIMIT}",
               simulated / seconds >= LIMIT, details)
