"""What confining a job costs: the same tasks as the agent's own user without a sandbox, as another user in the standard one, and in
a strict one, round by round in turn."""

import os

import measure
from mesh import Mesh

NAME = "tasks of another user in the standard sandbox: time over none"
LIMIT = 1.1
CONFIG = {"none": "sandbox: 'off'\n", "standard": "job_user: nobody\n", "strict": "job_user: nobody\nsandbox: strict\n"}


def rows(bench, row):
    if os.geteuid() != 0:
        return [row(NAME, 0, "ratio", f"<= {LIMIT}", skipped="only root runs jobs as others")]
    with Mesh(bench.binaries, bench.folder, configs=CONFIG) as mesh:
        mesh.apply("projects:\n" + "".join(
            f"  {name}:\n    run: /bin/true\n    hosts:\n" + f'    - url: "http://{mesh.addresses[name]}"\n' * bench.tasks for name in CONFIG))
        seconds = {name: [] for name in CONFIG}
        for number in range(1 + bench.rounds):
            for name, taken in seconds.items():
                took = mesh.run(name)
                if number > 0:  # connections, caches
                    taken.append(took)
            bench.say(f"sandbox: round {number}: " + ", ".join(f"{name} {taken[-1]:.2f} s" for name, taken in seconds.items() if taken))
    ratios = {name: measure.median([ours / none for ours, none in zip(seconds[name], seconds["none"])]) for name in ("standard", "strict")}
    details = {"tasks": bench.tasks, **{f"{name}_s": [round(took, 2) for took in taken] for name, taken in seconds.items()}}
    return [row(NAME, ratios["standard"], "ratio", f"<= {LIMIT}", ratios["standard"] <= LIMIT, details),
            row("tasks in a strict sandbox: time over none", ratios["strict"], "ratio")]
